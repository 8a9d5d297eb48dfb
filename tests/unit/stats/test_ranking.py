"""Rankings by uplift: scikit-uplift's numbers on Hillstrom, ties and order, RATE, and bootstrap draws."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.stats.ranking import auuc, qini_coefficient, qini_curve, rank_weighted_effect, uplift_at_k, uplift_curve
from analysis.stats.ranking_bootstrap import bootstrap_ranking, interval_of_draws

HILLSTROM = Path(__file__).resolve().parents[4] / "shared" / "data" / "hillstrom" / "hillstrom.parquet"

# scikit-uplift 0.5.1 on this file, fixed scores without ties: qini_auc_score(negative_effect=True), uplift_auc_score,
# uplift_at_k at 10 % overall and by group, at 30 % overall and by group.
PUBLISHED = {
    ("Womens", "visit", "A"): (0.003030, 0.001240, 0.059726, 0.060297, 0.047942, 0.048407),
    ("Womens", "visit", "B"): (0.060228, 0.027827, 0.082136, 0.082709, 0.066655, 0.066966),
    ("Womens", "conversion", "A"): (0.003388, 0.000087, 0.010389, 0.010265, 0.003448, 0.003397),
    ("Womens", "conversion", "B"): (0.071821, 0.002081, 0.008008, 0.007916, 0.004361, 0.004332),
    ("Mens", "visit", "A"): (0.018381, 0.009544, 0.097346, 0.097183, 0.089479, 0.089465),
    ("Mens", "visit", "B"): (0.018915, 0.009620, 0.099599, 0.100000, 0.086316, 0.086181),
    ("Mens", "conversion", "A"): (0.071072, 0.002579, 0.014389, 0.014554, 0.010382, 0.010324),
    ("Mens", "conversion", "B"): (0.028367, 0.001016, 0.011272, 0.011268, 0.007288, 0.007195),
}


@pytest.fixture(scope="module")
def hillstrom() -> pd.DataFrame:
    if not HILLSTROM.is_file():
        pytest.skip("needs ../shared/data/hillstrom")
    table = pd.read_parquet(HILLSTROM).sample(frac=1, random_state=1)  # in no order: none may matter
    table["A"] = table["history"] + table["customer_id"] * 1e-7
    table["B"] = 100 * table["womens"] + (12 - table["recency"]) + table["customer_id"] * 1e-7
    return table


def trial(n: int, *, seed: int, slope: float = 0.0, tied: bool = False) -> dict[str, Any]:
    """A randomised trial of a binary outcome whose effect rises with the score by ``slope``."""
    rng = np.random.default_rng(seed)
    score = rng.random(n)
    treated = rng.integers(0, 2, n)
    outcome = (rng.random(n) < 0.2 + slope * score * treated).astype(float)
    return {"uplift": np.round(score, 1) if tied else score, "treated": treated, "outcome": outcome}


@pytest.mark.parametrize(("arm", "metric", "score"), PUBLISHED)
def test_hillstrom_row_of_scikit_uplift_is_reproduced_to_the_digits_printed(hillstrom, arm, metric, score):
    rows = hillstrom[hillstrom["segment"].isin([f"{arm} E-Mail", "No E-Mail"])]
    given_: dict[str, Any] = {"uplift": rows[score], "treated": rows["segment"] != "No E-Mail", "outcome": rows[metric]}
    at_k = [uplift_at_k(**given_, k=k, by_group=by) for k in (0.1, 0.3) for by in (False, True)]
    found = [qini_coefficient(**given_), auuc(**given_), *at_k]
    assert [f"{value:.6f}" for value in found] == [f"{value:.6f}" for value in PUBLISHED[arm, metric, score]]


@pytest.mark.parametrize("money", [False, True])
def test_order_of_rows_does_not_matter_even_with_ties(money):
    made = trial(500, seed=1, slope=0.3, tied=True)
    if money:
        made["outcome"] = made["outcome"] * np.random.default_rng(2).gamma(2, 30, 500)
    turned = {name: values[::-1] for name, values in made.items()}
    for measure in (qini_coefficient, auuc):
        assert measure(**made) == pytest.approx(measure(**turned), rel=1e-12)
    for by_group in (False, True):
        a, b = (uplift_at_k(**x, k=0.33, by_group=by_group) for x in (made, turned))
        assert a == pytest.approx(b, rel=1e-12)


def test_tied_cut_counts_the_mean_over_all_orders_of_the_file():
    made: dict[str, Any] = {"treated": np.array([1, 0, 1, 0]), "outcome": np.array([1.0, 0.0, 0.0, 1.0])}
    # the best two of four customers who all score the same: on average half of each arm
    assert uplift_at_k(uplift=np.zeros(4), k=0.5, **made) == pytest.approx(0.0)
    assert uplift_at_k(uplift=np.array([1.0, 1.0, 0.0, 0.0]), k=0.5, **made) == pytest.approx(1.0)


def test_ties_come_together_as_scikit_uplift_has_them():
    made: dict[str, Any] = {
        "uplift": [3, 3, 2, 2, 2, 1, 1, 0],
        "treated": [1, 0, 1, 0, 1, 0, 1, 0],
        "outcome": [1, 1, 1, 0, 0, 0, 0, 1],
    }
    # its qini_auc_score and uplift_auc_score of these arrays
    assert (qini_coefficient(**made), auuc(**made)) == pytest.approx((0.1875, 0.21296296296296297))
    assert qini_curve(**made).n_touched.tolist() == [0, 2, 5, 7, 8]
    assert qini_curve(**made).incremental.tolist() == pytest.approx([0, 0, 0.5, 2 - 4 / 3, 0])
    assert uplift_curve(**made).incremental.tolist() == pytest.approx([0, 0, 5 * (2 / 3 - 0.5), 7 * (0.5 - 1 / 3), 0])


def test_curve_ends_at_the_experiments_own_incremental_outcomes():
    made = trial(2000, seed=3, slope=0.3)
    treated = made["treated"].astype(bool)
    effect = made["outcome"][treated].mean() - made["outcome"][~treated].mean()
    assert qini_curve(**made).incremental[-1] == pytest.approx(effect * treated.sum())
    assert uplift_curve(**made).incremental[-1] == pytest.approx(effect * 2000)


def test_a_ranking_turned_upside_down_loses_what_it_gained():
    made = trial(20_000, seed=4, slope=0.4)
    worst = {**made, "uplift": -made["uplift"]}
    assert qini_coefficient(**made) > 0.05
    assert qini_coefficient(**worst) == pytest.approx(-qini_coefficient(**made), abs=0.01)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_only_the_order_of_scores_counts(seed):
    made = trial(60, seed=seed, slope=0.3, tied=True)
    stretched = {**made, "uplift": np.exp(made["uplift"])}
    assert qini_coefficient(**made) == pytest.approx(qini_coefficient(**stretched), rel=1e-9, nan_ok=True)


def test_money_in_another_currency_ranks_the_same():
    made = trial(1000, seed=5, slope=0.3)
    made["outcome"] = made["outcome"] * np.random.default_rng(6).gamma(2, 30, 1000)
    dear = {**made, "outcome": made["outcome"] * 7.2}
    assert qini_coefficient(**made) == pytest.approx(qini_coefficient(**dear))
    assert auuc(**made) == pytest.approx(auuc(**dear))
    assert uplift_at_k(**dear, k=0.3) == pytest.approx(7.2 * uplift_at_k(**made, k=0.3))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"treated": np.ones(60)}, "60 treated and 0 control"),
        ({"treated": np.full(60, 2)}, "1 or 0"),
        ({"outcome": np.full(60, np.nan)}, "finite"),
        ({"uplift": np.full(60, np.nan)}, "score"),
        ({"uplift": np.zeros(59)}, "59 scores"),
    ],
)
def test_what_is_no_trial_is_refused_with_the_reason(change, said):
    with pytest.raises(AnalysisError, match=said):
        qini_coefficient(**{**trial(60, seed=1), **change})


@pytest.mark.parametrize(("weighting", "truth"), [("autoc", 1 / 4), ("qini", 1 / 12)])
@pytest.mark.parametrize("levels", [0, 10])
def test_rate_covers_the_truth_of_a_linear_effect(weighting, truth, levels):
    """Effect s for a uniform score s: the top share q has 1 - q/2, so AUTOC is 1/4 and the Qini weighting 1/12."""
    missed = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        score = rng.random(1000)
        priority = np.ceil(score * levels) if levels else score
        found = rank_weighted_effect(priority=priority, scores=score + rng.normal(size=1000), weighting=weighting)
        missed += not found.ci_lower <= truth <= found.ci_upper
    assert 6 <= missed <= 38  # ten levels lose a little of AUTOC: half a percent


def test_rate_error_is_that_of_the_half_sample_bootstrap():
    rng = np.random.default_rng(1)
    score = rng.random(1500)
    effect = score + rng.normal(size=1500)
    halves = [rng.permutation(1500)[:750] for _ in range(400)]
    drawn = [rank_weighted_effect(priority=score[half], scores=effect[half]).value for half in halves]
    found = rank_weighted_effect(priority=score, scores=effect)
    assert found.std_error == pytest.approx(np.std(drawn), rel=0.12)


def test_rate_of_whole_clusters_is_less_sure():
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(100), 20)
    score, effect = rng.random(100)[clusters], rng.normal(size=100)[clusters]
    alone = rank_weighted_effect(priority=score, scores=effect)
    together = rank_weighted_effect(priority=score, scores=effect, clusters=clusters)
    assert together.std_error > 3 * alone.std_error


def test_draws_spread_as_estimates_of_new_samples_do():
    estimates = [qini_coefficient(**trial(1500, seed=seed, slope=0.3)) for seed in range(300)]
    drawn = bootstrap_ranking(**trial(1500, seed=999, slope=0.3), rng=np.random.default_rng(1)).qini
    assert drawn.std() == pytest.approx(np.std(estimates), rel=0.15)


def test_parts_of_the_list_change_no_draw_that_matters(monkeypatch):
    """With a part for every customer the draws are those of single customers; with 500 parts hardly others."""
    made = trial(6000, seed=7, slope=0.3)
    few = bootstrap_ranking(**made, rng=np.random.default_rng(1), draws=600)
    monkeypatch.setattr("analysis.stats.ranking_bootstrap.PARTS", 6000)
    all_of_them = bootstrap_ranking(**made, rng=np.random.default_rng(2), draws=600)
    for name in ("qini", "auuc", "at_k", "curve"):
        a, b = getattr(few, name), getattr(all_of_them, name)
        assert a.std(axis=-1) == pytest.approx(b.std(axis=-1), rel=0.15, abs=1e-12)
        spread = np.maximum(b.std(axis=-1), 1e-12)
        assert np.all(np.abs(a.mean(axis=-1) - b.mean(axis=-1)) < 0.25 * spread + 1e-12)


def test_draws_centre_on_the_estimates_of_money():
    made = trial(3000, seed=8, slope=0.3)
    made["outcome"] = made["outcome"] * np.random.default_rng(9).gamma(2, 30, 3000)
    drawn = bootstrap_ranking(**made, rng=np.random.default_rng(1), shares=(0.1, 0.3))
    for value, draws in [
        (qini_coefficient(**made), drawn.qini),
        (auuc(**made), drawn.auuc),
        (uplift_at_k(**made, k=0.1), drawn.at_k[0]),
        (uplift_at_k(**made, k=0.3), drawn.at_k[1]),
        (qini_curve(**made).incremental[-1] / made["treated"].sum(), drawn.curve[-1]),
    ]:
        assert draws.mean() == pytest.approx(value, abs=0.25 * draws.std())


def test_whole_clusters_are_drawn_where_they_were_assigned():
    made = trial(2000, seed=10)
    clusters = np.arange(2000) // 50
    made["treated"] = clusters % 2
    made["outcome"] = np.random.default_rng(11).normal(size=40)[clusters]
    alone = bootstrap_ranking(**made, rng=np.random.default_rng(1))
    together = bootstrap_ranking(**made, rng=np.random.default_rng(1), clusters=clusters)
    assert together.curve[-1].std() > 4 * alone.curve[-1].std()


@pytest.mark.exam
def test_interval_covers_zero_for_a_score_that_knows_nothing_19_times_in_20(exam_in_full):
    seeds = 2000 if exam_in_full else 250
    missed = 0
    for seed in range(seeds):
        made = trial(400, seed=seed)
        draws = bootstrap_ranking(**made, rng=np.random.default_rng(seed), draws=120, depths=[1.0]).qini
        lower, upper = interval_of_draws(qini_coefficient(**made), draws=draws)
        missed += not lower <= 0 <= upper
    assert 0.02 * seeds <= missed <= 0.08 * seeds
