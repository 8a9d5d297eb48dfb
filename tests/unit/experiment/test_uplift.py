"""Uplift: nothing is found where there is nothing, what was planted is found, and the split and the past are kept."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from analysis.errors import AnalysisError
from analysis.experiment import uplift
from analysis.experiment.uplift import Terms, UpliftTrial, known_before, learn_everyone, training_half
from analysis.experiment.uplift_judging import Findings, judge
from analysis.experiment.uplift_learners import LEARNERS, Sample, doubly_robust_scores, learn
from analysis.experiment.uplift_regression import known_values, numbered, regression, straight, trees
from analysis.experiment.uplift_verdict import UpliftVerdictKind, decide_uplift

TERMS = Terms(margin_share=0.3, unit_value=None, cost_per_touch=0.0, budget=None)


def campaign(n: int, *, seed: int, effect: float = 0.0, kind: str = "rate", arms: int = 1) -> UpliftTrial:
    """A randomised campaign; arm ``a`` moves who has ``x`` above 0 by ``effect`` and the rest by minus half of it.

    Other arms move everybody by nothing.
    """
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    names = ["control", *"abcd"[:arms]]
    arm = rng.choice(names, n)
    moved = np.where(arm == "a", np.where(x > 0, effect, -effect / 2), 0.0)
    bought = (rng.random(n) < 0.25 + 0.1 * (z > 0) + moved).astype(float)
    outcome = bought * rng.gamma(2, 30, n) if kind == "money" else bought
    table = pd.DataFrame({"arm": arm, "y": outcome, "x": x, "z": z, "place": rng.choice(["east", "west"], n)})
    shares = dict.fromkeys(names, 1 / len(names))
    return UpliftTrial(table, "control", {"y": kind}, ["x", "z", "place"], shares, TERMS)


def found(trial: UpliftTrial, *, seed: int = 1) -> Findings:
    before, _ = known_before(trial)
    return judge(trial, learn_everyone(trial, before, seed=seed), seed=seed)


@pytest.fixture(scope="module")
def planted() -> Findings:
    return found(campaign(9000, seed=3, effect=0.16, arms=2))


def test_planted_effect_is_found_and_its_predictions_are_calibrated(planted):
    row = planted.measures.set_index("arm").loc["a"]
    assert row["knows"]
    assert row["qini_ci_lower"] > 0
    assert row["autoc_ci_lower"] > 0
    assert row["slope_ci_lower"] < 1 < row["slope_ci_upper"] + 0.3  # few small trees shrink what they predict
    assert row["uplift_at_30_ci_lower"] < 0.16 < row["uplift_at_30_ci_upper"]
    parts = planted.parts[planted.parts["arm"] == "a"]
    assert parts["observed"].iloc[:3].mean() > 0.1 > parts["observed"].iloc[-3:].mean()


def test_of_a_large_trial_a_sample_teaches_and_judges_and_the_rest_is_scored_by_the_chosen_learner(monkeypatch):
    monkeypatch.setattr(uplift, "LARGEST_TRIAL", 4000)
    trial = campaign(9000, seed=3, effect=0.16)
    learnt = learn_everyone(trial, known_before(trial)[0], seed=1)
    drawn = learnt[learnt["training"] | learnt["judged"]]
    rest = learnt[~(learnt["training"] | learnt["judged"])]
    assert sorted(learnt["place"]) == list(range(9000))
    assert 3990 < len(drawn) <= 4000
    assert (
        abs((trial.customers["arm"].iloc[drawn["place"]] == "a").mean() - (trial.customers["arm"] == "a").mean())
        < 0.001
    )
    row = judge(trial, learnt, seed=1).measures.iloc[0]
    assert (row["n"], row["n_learnt"], row["n_all"]) == (drawn["judged"].sum(), len(drawn), 9000)
    assert row["knows"]
    assert (
        rest.drop(columns=row["learner"])[[name for name in LEARNERS if name != row["learner"]]].isna().all(axis=None)
    )
    gains = rest[row["learner"]].groupby(trial.customers["x"].to_numpy()[rest["place"]] > 0).mean()
    assert gains[True] > gains[False] + 0.1


def test_of_a_large_trial_measures_that_order_customers_alike_are_learnt_from_once(monkeypatch):
    monkeypatch.setattr(uplift, "LARGEST_TRIAL", 1000)
    trial = campaign(1200, seed=3, effect=0.16)._replace(learners=("t",))
    before, _ = known_before(trial)
    nearly = np.exp(before[:, :1]) + np.random.default_rng(1).normal(scale=0.01, size=(1200, 1))
    once, twice = (learn_everyone(trial, rows, seed=1) for rows in (before, np.hstack([before, nearly])))
    pd.testing.assert_frame_equal(once, twice)


def test_the_straight_model_is_ridge_regression_on_places_and_steps_to_the_last_digits():
    rng = np.random.default_rng(2)
    values = np.column_stack([rng.gamma(1, 30, 700), rng.integers(0, 9, 700), rng.random(700) < 0.3]).astype(float)
    new, y = values[::3] + np.array([0.01, 0.5, 0.0]), values[:, 0] + 5 * values[:, 2] + rng.normal(size=700)

    def design(rows):
        made = []
        for column, known in zip(rows.T, np.sort(values, axis=0).T, strict=True):
            made.append(np.searchsorted(known, column) / 700)
            if len(np.unique(known)) > 2:
                made += [column > known[int(step * 700)] for step in (0.2, 0.4, 0.6, 0.8)]
        return np.column_stack(made).astype(float)

    taught = design(values)
    scaled = (taught - taught.mean(axis=0)) / taught.std(axis=0)
    gram = scaled.T @ scaled + 18 * scaled.shape[1] * np.eye(scaled.shape[1])
    weights = np.linalg.solve(gram, scaled.T @ (y - y.mean()))
    expected = y.mean() + (design(new) - taught.mean(axis=0)) / taught.std(axis=0) @ weights
    known = known_values(values)
    np.testing.assert_allclose(straight(known, y)(numbered(new, known.levels)), expected, rtol=1e-11)
    half = rng.random(700) < 0.5  # what is kept of some rows is not taken for that of others
    part = straight(known.rows(half), y[half])(known)
    np.testing.assert_allclose(
        part,
        straight(known_values(values[half]), y[half])(numbered(values, known_values(values[half]).levels)),
        rtol=1e-9,
    )


def test_rows_put_into_bins_once_give_the_trees_of_rows_put_into_bins_each_time():
    rng = np.random.default_rng(5)
    rows, new = rng.normal(size=(900, 6)), rng.normal(size=(50, 6))
    targets = [rows[:, 0] + rng.normal(size=900), rows[:, 1] ** 2]
    binned: dict[str, Any] = {}
    for target in targets:
        expected = HistGradientBoostingRegressor(
            max_iter=25, max_leaf_nodes=4, learning_rate=0.1, min_samples_leaf=45, l2_regularization=30.0, max_bins=31,
            max_features=0.5, early_stopping=False, random_state=4,
        ).fit(rows, target)  # fmt: skip
        assert np.array_equal(trees(rows, target, seed=4, binned=binned)(new), expected.predict(new))
    assert set(binned) == {"rows", "mapper"}


def test_bins_of_numbered_values_are_those_that_scikit_learn_finds():
    rng = np.random.default_rng(6)
    half = rng.random(1501) < 0.5
    values = np.column_stack(
        [rng.gamma(1, 30, 1501).round(1), rng.integers(0, 5, 1501), rng.poisson(30, 1501), ~half, rng.normal(size=1501)]
    )
    known, target = known_values(values), values[:, 0] + values[:, 2] + rng.normal(size=1501)
    model = HistGradientBoostingRegressor(
        max_iter=25, max_leaf_nodes=4, learning_rate=0.1, min_samples_leaf=int(half.sum()) // 20,
        l2_regularization=30.0, max_bins=31, max_features=0.5, early_stopping=False, random_state=4,
    ).fit(values[half], target[half])  # fmt: skip
    found = regression(known.rows(half), target[half], is_rate=True, seed=4)(known)
    assert np.array_equal(found, model.predict(values))


def test_an_arm_that_moves_nobody_is_not_ranked_beside_one_that_does(planted):
    assert not planted.measures.set_index("arm").loc["b", "knows"]
    verdict = decide_uplift(planted.measures, planted.policy, state="ok")
    assert (verdict.kind, verdict.arm) == (UpliftVerdictKind.TOP, "a")


def test_sleeping_dogs_are_proven_where_they_were_planted(planted):
    groups = planted.groups[planted.groups["arm"] == "a"].set_index("group")
    assert groups["proven"].all()
    assert groups.loc["lose", "observed_ci_lower"] < -0.08 < groups.loc["lose", "observed_ci_upper"]
    assert groups["share"].sum() == pytest.approx(1, abs=0.01)


def test_depth_settled_on_the_training_half_leaves_those_who_lose_alone(planted):
    row = planted.policy.set_index("arm").loc["a"]
    assert 0.4 <= row["share_touched"] <= 0.65
    assert row["better_than_all_ci_lower"] > 0


def test_curve_ends_at_the_average_effect_of_the_judging_half(planted):
    curve = planted.curve[planted.curve["arm"] == "a"]
    assert curve["gain"].iloc[0] == 0
    assert curve["gain"].iloc[-1] == pytest.approx(curve["gain_random"].iloc[-1])
    assert curve["gain"].max() > curve["gain"].iloc[-1]


def test_money_is_learnt_too_and_a_budget_bounds_the_depth():
    trial = campaign(9000, seed=5, effect=0.2, kind="money")
    half = trial._replace(terms=Terms(0.3, None, cost_per_touch=0.5, budget=0.5 * 9000 * 0.3))
    result = found(half)
    assert result.measures["knows"].all()
    policy = result.policy.iloc[0]
    assert policy["affordable"] == pytest.approx(0.3)
    assert policy["share_touched"] <= 0.3
    margin = 0.3 * 60  # of an order
    assert policy["profit_ci_lower"] < 9000 * policy["share_touched"] * (0.2 * margin - 0.5) * 1.3
    assert result.profit["is_affordable"].sum() == 7  # 0, 5 … 30 %


@pytest.mark.exam
def test_null_campaign_is_said_to_know_nothing(exam_in_full):
    """An interval above 0 comes by luck once in 40; of the learners only which is chosen differs in the short form."""
    seeds, most, learners = (200, 12, LEARNERS) if exam_in_full else (30, 3, ("t",))
    claims = 0
    for seed in range(seeds):
        result = found(campaign(1200, seed=seed)._replace(learners=learners), seed=seed)
        claims += decide_uplift(result.measures, result.policy, state="ok").kind.knows
    assert claims <= most


def test_a_learner_that_predicts_the_same_of_all_is_not_chosen_over_one_that_ranks():
    trial = campaign(1200, seed=2)
    before, _ = known_before(trial)
    learnt = learn_everyone(trial, before, seed=2).assign(s=0.1)  # worth 0 in training, where noise is worth less
    for name in ("t", "x", "dr"):
        learnt[name] = -learnt["robust"]  # upside down: certainly worth less than nothing in training
    assert judge(trial, learnt, seed=2).measures["learner"].iloc[0] != "s"


def test_halves_are_of_every_arm_and_keep_clusters_whole():
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(60), 10)
    arms = pd.Series(np.where(clusters % 3 == 0, "a", "control").astype(object)).astype("str")
    training = training_half(arms, groups=clusters, rng=rng)
    assert (pd.Series(training).groupby(clusters).nunique() == 1).all()
    assert pd.Series(training).groupby(arms).mean().tolist() == [0.5, 0.5]


def test_scores_are_of_models_that_never_saw_the_customer():
    """An outcome that is noise can only be fitted by memory: cross-fitted predictions must know nothing of it."""
    rng = np.random.default_rng(2)
    n = 900
    treated = rng.random(n) < 0.5
    noise = rng.normal(size=n)
    sample = Sample(rng.normal(size=(n, 3)), treated, noise, 0.5, False, np.arange(n))
    learned = learn(sample, seed=1)
    toward = np.where(treated, noise, -noise)
    for name in LEARNERS:
        assert abs(np.corrcoef(learned.cross_fitted[name], toward)[0, 1]) < 0.1
    assert np.corrcoef(learned.predict(sample.before, ["t"])["t"], toward)[0, 1] > 0.15  # those that saw them do


def test_doubly_robust_scores_average_to_the_effect_whatever_the_models_say():
    rng = np.random.default_rng(3)
    n = 40_000
    treated = rng.random(n) < 0.8
    outcome = 1.0 + 0.5 * treated + rng.normal(size=n)
    sample = Sample(np.zeros((n, 1)), treated, outcome, 0.8, False, np.arange(n))
    wrong = doubly_robust_scores(sample, np.full(n, 3.0), np.full(n, -2.0))
    assert wrong.mean() == pytest.approx(0.5, abs=0.1)


def test_a_column_from_after_the_assignment_is_left_out_and_named():
    trial = campaign(4000, seed=1)
    table = trial.customers.assign(opened=np.where(trial.customers["arm"] == "a", 0.3, 0.0))
    table["opened"] = (np.random.default_rng(1).random(4000) < table["opened"]).astype(float)
    before, late = known_before(trial._replace(customers=table, covariates=["x", "z", "place", "opened"]))
    assert late == ["opened"]
    assert before.shape[1] == 3  # x, z and one mark for the two places


@pytest.mark.parametrize("column", ["y", "arm"])
def test_a_metric_or_the_arm_is_no_covariate(column):
    with pytest.raises(AnalysisError, match="before the assignment"):
        known_before(campaign(500, seed=1)._replace(covariates=["x", column]))


def test_arms_too_small_to_be_halved_are_left_out():
    trial = campaign(3000, seed=1, arms=2)
    rows = (trial.customers["arm"] != "b") | (np.arange(3000) < 300)
    few = trial._replace(customers=trial.customers[rows].reset_index(drop=True), learners=("t",))
    before, _ = known_before(few)
    assert learn_everyone(few, before, seed=1)["arm"].unique().tolist() == ["a"]


def rows(*, knows: bool, **policy: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    measures = {"metric": "y", "arm": "a", "kind": "money", "qini": 0.1, "qini_std_error": 0.01, "knows": knows}
    terms = {"share_touched": 0.4, "affordable": 1.0, "profit": 9.0, "better_than_all": 2.0, "profit_all": 7.0,
             "profit_all_ci_lower": 5.0, "profit_all_ci_upper": 9.0, **policy}  # fmt: skip
    said = {"metric": "y", "arm": "a", "kind": "money", "confidence_level": 0.95}
    return pd.DataFrame([{**measures, "confidence_level": 0.95}]), pd.DataFrame([{**said, **terms}])


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"knows": True}, "top"),
        ({"knows": True, "better_than_all": -1.0}, "ranks_all"),
        ({"knows": True, "better_than_all": -1.0, "affordable": 0.5}, "top"),
        ({"knows": True, "profit": -1.0}, "ranks_none"),
        ({"knows": False}, "all"),
        ({"knows": False, "profit_all_ci_lower": -1.0}, "unproven"),
        ({"knows": False, "profit_all": -3.0, "profit_all_ci_lower": -5.0, "profit_all_ci_upper": -1.0}, "none"),
    ],
)
def test_a_ranking_is_recommended_only_where_it_is_proven(given: dict[str, Any], kind: str):
    assert decide_uplift(*rows(**given), state="ok").kind == kind


def test_a_split_off_the_plan_stops_whatever_was_learnt():
    assert decide_uplift(*rows(knows=True), state="stop").kind is UpliftVerdictKind.STOPPED
