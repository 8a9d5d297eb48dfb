"""Whether anybody can say whom a touch moves: learners trained on one half of an experiment, judged on the other.

Each arm is compared with the control by itself. Everything a reader is told of a ranking comes from the judging half,
which no model and no choice between models has seen; how deep to touch is chosen on the training half.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.experiment.participants import measures_before
from analysis.experiment.uplift_learners import LEARNERS, Learned, Sample, doubly_robust_scores, learn
from analysis.stats.clustering import clustered_difference
from analysis.stats.means import Difference, welch_difference
from analysis.stats.ranking import (
    Rate,
    auuc,
    qini_coefficient,
    qini_curve,
    rank_weighted_effect,
    uplift_at_k,
    uplift_slope,
)
from analysis.stats.ranking_bootstrap import RankingDraws, bootstrap_ranking, interval_of_draws

__all__ = [
    "DEPTHS",
    "FEWEST_IN_AN_ARM",
    "Findings",
    "Terms",
    "UpliftTrial",
    "known_before",
    "rank_customers",
    "training_half",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_IN_AN_ARM: Final = 200
"""Customers an arm needs before a half of it can teach and the other judge."""

_FEWEST_WITH: Final = 10
"""Customers with an outcome that each arm needs in each half."""

DEPTHS: Final = np.linspace(0, 1, 21)
SHARES: Final = (0.1, 0.3)
DRAWS: Final = 400
_DRAWS_OF_OTHERS: Final = 200
_PARTS: Final = 10
_LATE_BELOW: Final = 1e-4


class Terms(NamedTuple):
    """What a touch costs and brings.

    Attributes:
        margin_share: Margin of an order's amount, 0-1: what a unit of a money metric is worth.
        unit_value: Money that one unit of a rate or count is worth, or None: it is not turned into money then.
        cost_per_touch: Money.
        budget: Money for touches at most, or None.
    """

    margin_share: float
    unit_value: float | None
    cost_per_touch: float
    budget: float | None

    def worth(self, kind: str) -> float | None:
        """Return what one unit of a metric of that kind is worth, or None."""
        return self.margin_share if kind == "money" else self.unit_value


class UpliftTrial(NamedTuple):
    """An experiment ready to be learnt from.

    Attributes:
        customers: One row per customer: ``arm``, every metric, every covariate, the cluster column.
        control: The arm that others are compared with.
        metrics: Kind of each metric, by name, the leading one first.
        covariates: Columns known before the assignment.
        shares: Planned share of every arm.
        cluster: Column whose values were assigned whole, or None.
        terms: What a touch costs and brings.
        learners: Some of ``uplift_learners.LEARNERS``.
        confidence_level: Of all intervals.
    """

    customers: pd.DataFrame
    control: str
    metrics: Mapping[str, str]
    covariates: Sequence[str]
    shares: Mapping[str, float]
    terms: Terms
    cluster: str | None = None
    learners: Sequence[str] = LEARNERS
    confidence_level: float = 0.95

    @property
    def arms(self) -> list[str]:
        """All arms but the control, in the order of their names."""
        return sorted(arm for arm in self.customers["arm"].unique() if arm != self.control)


class Findings(NamedTuple):
    """Everything learnt, one row per metric and arm (and learner, depth, part or group).

    Attributes:
        measures: Qini, AUUC, uplift at k, RATE, slope and average effect with intervals; whether the model ``knows``.
        learners: Each learner's Qini on the judging half, its worth in cross-validation, whether it was chosen.
        curve: Gain per customer by depth, with band.
        parts: Predicted and observed uplift by tenth of the customers, best first.
        groups: Customers predicted to gain and to lose: how many, and what was observed.
        profit: Money by depth over all customers of the experiment.
        policy: Depth chosen on the training half and its money on the judging half, beside all and none.
        scores: Per customer (by position): predicted uplift and half, one block per metric and arm.
    """

    measures: pd.DataFrame
    learners: pd.DataFrame
    curve: pd.DataFrame
    parts: pd.DataFrame
    groups: pd.DataFrame
    profit: pd.DataFrame
    policy: pd.DataFrame
    scores: pd.DataFrame


class _Judged(NamedTuple):
    """The judging half of a pair with the chosen learner's predictions."""

    sample: Sample
    uplift: Floats
    expected: tuple[Floats, Floats]
    draws: RankingDraws
    clusters: NDArray[np.int64] | None
    level: float

    @property
    def trial(self) -> dict[str, Any]:
        return {"uplift": self.uplift, "treated": self.sample.treated, "outcome": self.sample.outcome}


def training_half(arms: "pd.Series[str]", *, groups: NDArray[np.int64], rng: np.random.Generator) -> Flags:
    """Return who is trained on: half of each arm's groups, drawn at random; groups stay whole.

    Args:
        arms: Arm of each customer.
        groups: Who belongs together: a code per cluster, or per customer.
        rng: Source of the draw.
    """
    kinds = pd.factorize(arms, sort=True)[0]
    unique, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    chosen = np.zeros(len(unique), dtype=bool)
    for kind in np.unique(kinds):
        mine = rng.permutation(np.flatnonzero(kinds[first] == kind))
        chosen[mine[: (len(mine) + 1) // 2]] = True
    return np.asarray(chosen[codes], dtype=bool)


def known_before(trial: UpliftTrial) -> tuple[Floats, list[str]]:
    """Return the covariates as measures, and the names of those that were left out because arms differ in them.

    What was known before the assignment cannot depend on it. A column in which a random split would come out as
    unequal as this once in ten thousand times, all columns and arms counted, is taken to be from after.

    Raises:
        AnalysisError: If a covariate is one of the metrics, the arm or the customer, or is not there.
    """
    after = sorted({*trial.metrics, "arm", "customer_id"} & set(trial.covariates))
    if after:
        raise AnalysisError(
            f"{', '.join(after)} cannot be a covariate of uplift.", hint="name columns known before the assignment"
        )
    made = {name: measures_before(trial.customers, columns=[name]) for name in trial.covariates}
    arms = trial.customers["arm"].to_numpy()
    late = [name for name, values in made.items() if trial.cluster is None and _differs(values, arms, trial)]
    kept = [values for name, values in made.items() if name not in late]
    return np.column_stack(kept) if kept else np.zeros((len(arms), 0)), late


def _differs(values: Floats, arms: NDArray[Any], trial: UpliftTrial) -> bool:
    limit = _LATE_BELOW / (len(trial.covariates) * len(trial.arms) * max(values.shape[1], 1))
    control = values[arms == trial.control]
    pvalues = [
        welch_difference(values[arms == arm][:, column], control[:, column]).pvalue
        for arm in trial.arms
        for column in range(values.shape[1])
    ]
    return bool(np.nanmin(pvalues, initial=1.0) < limit)


def rank_customers(trial: UpliftTrial, before: Floats, *, seed: int) -> Findings:
    """Learn from one half of the experiment and judge on the other, every metric and arm.

    Args:
        trial: The experiment.
        before: Measures of the customers known before, from ``known_before``.
        seed: Of the halves, the folds, the trees and the draws.
    """
    customers = trial.customers
    groups = np.arange(len(customers)) if trial.cluster is None else pd.factorize(customers[trial.cluster])[0]
    rng = np.random.default_rng(seed)
    training = training_half(customers["arm"], groups=groups, rng=rng)
    made: dict[str, list[pd.DataFrame]] = {name: [] for name in Findings._fields}
    for metric, kind in trial.metrics.items():
        for arm in trial.arms:
            rows = customers["arm"].isin([arm, trial.control]) & customers[metric].notna()
            places = np.flatnonzero(rows)
            share = trial.shares[arm] / (trial.shares[arm] + trial.shares[trial.control])
            outcome = customers[metric].to_numpy(dtype=np.float64)[places]
            treated = (customers["arm"] == arm).to_numpy()[places]
            sample = Sample(before[places], treated, outcome, share, kind == "rate", groups[places])
            if not _enough(sample, training[places]):
                continue
            found = _pair(trial, sample, training[places], kind=kind, seed=seed)
            if len(found["scores"]):
                found["scores"]["place"] = places[found["scores"]["place"]]
            for name, table in found.items():
                table.insert(0, "arm", arm)
                table.insert(0, "metric", metric)
                made[name].append(table)
    return Findings(
        **{name: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame() for name, parts in made.items()}
    )


def _enough(sample: Sample, training: Flags) -> bool:
    for side in (True, False):
        for half in (True, False):
            y = sample.outcome[(sample.treated == side) & (training == half)]
            if len(y) < FEWEST_IN_AN_ARM // 2 or (y != 0).sum() < _FEWEST_WITH:
                return False
    return True


def _pair(trial: UpliftTrial, sample: Sample, training: Flags, *, kind: str, seed: int) -> dict[str, pd.DataFrame]:
    learned = learn(sample.rows(training), seed=seed, learners=trial.learners)
    half = sample.rows(~training)
    predicted = learned.predict(half.before)
    clusters = None if trial.cluster is None else half.groups
    rng, level = np.random.default_rng(seed), trial.confidence_level
    draws = {
        name: _draws(
            half, values, rng=rng, clusters=clusters, draws=DRAWS if name == learned.chosen else _DRAWS_OF_OTHERS
        )
        for name, values in predicted.items()
    }
    expected = learned.expected(half.before)
    judged = _Judged(half, predicted[learned.chosen], expected, draws[learned.chosen], clusters, level)
    effect = _average_effect(sample, clustered=trial.cluster is not None, level=level)
    measures = _measures(judged, n_arms=len(trial.arms)) | {
        "kind": kind, "learner": learned.chosen, "n_training": int(training.sum()), "n_all": len(training),
        "effect": effect.value, "effect_ci_lower": effect.ci_lower, "effect_ci_upper": effect.ci_upper,
        "confidence_level": level,
    }  # fmt: skip
    learners = _learners(learned, half, predicted, draws, level=level)
    spread = float(judged.draws.qini.std(ddof=1))
    near = (learners["qini"] - measures["qini"]).abs() <= spread
    measures |= {"qini_std_error": spread, "n_alike": int(near.sum()) - 1, "n_learners": len(learners)}
    profit, policy = _money(trial, sample, training, learned, judged, kind=kind, effect=effect)
    return {
        "measures": pd.DataFrame([measures]),
        "learners": learners,
        "curve": _curve(judged),
        "parts": _parts(judged),
        "groups": _groups(judged),
        "profit": profit,
        "policy": policy,
        "scores": _scores(learned, training, judged.uplift),
    }


def _draws(
    half: Sample, uplift: Floats, *, rng: np.random.Generator, clusters: NDArray[np.int64] | None, draws: int
) -> RankingDraws:
    return bootstrap_ranking(
        uplift=uplift, treated=half.treated, outcome=half.outcome, rng=rng, draws=draws, shares=SHARES, depths=DEPTHS,
        clusters=clusters,
    )  # fmt: skip


def _average_effect(sample: Sample, *, clustered: bool, level: float) -> Difference:
    y, treated = sample.outcome, sample.treated
    if clustered:
        return clustered_difference(y, treated=treated, clusters=sample.groups, confidence_level=level)
    return welch_difference(y[treated], y[~treated], confidence_level=level)


def _measures(judged: _Judged, *, n_arms: int) -> dict[str, Any]:
    """Return every measure of the judging half; a model knows something if its Qini, corrected for arms, is above 0."""
    trial, draws, level = judged.trial, judged.draws, judged.level
    found: dict[str, Any] = {"n": len(judged.uplift)}
    found |= _with_ends("qini", qini_coefficient(**trial), draws.qini, level)
    found |= _with_ends("auuc", auuc(**trial), draws.auuc, level)
    for place, share in enumerate(SHARES):
        name = f"uplift_at_{round(100 * share)}"
        found |= _with_ends(name, uplift_at_k(**trial, k=share), draws.at_k[place], level)
        found[f"{name}_by_group"] = uplift_at_k(**trial, k=share, by_group=True)
    scores = doubly_robust_scores(judged.sample, *judged.expected)
    for name, weighting in (("autoc", "autoc"), ("rate_qini", "qini")):
        found |= _rate(
            name,
            rank_weighted_effect(
                priority=judged.uplift, scores=scores, weighting=weighting, confidence_level=level,
                clusters=judged.clusters,
            ),
        )  # fmt: skip
    slope = uplift_slope(
        **trial, share_treated=judged.sample.share_treated, expected=judged.expected[1], confidence_level=level,
        clusters=judged.clusters,
    )  # fmt: skip
    found |= _rate("slope", slope)
    corrected = 1 - (1 - level) / n_arms
    lower, _ = interval_of_draws(found["qini"], draws=draws.qini, confidence_level=corrected)
    found["knows"] = bool(lower > 0)
    return found


def _with_ends(name: str, value: float, draws: Floats, level: float) -> dict[str, float]:
    lower, upper = interval_of_draws(value, draws=draws, confidence_level=level)
    return {name: value, f"{name}_ci_lower": float(lower), f"{name}_ci_upper": float(upper)}


def _rate(name: str, found: Rate) -> dict[str, float]:
    return {name: found.value, f"{name}_ci_lower": found.ci_lower, f"{name}_ci_upper": found.ci_upper}


def _learners(
    learned: Learned, half: Sample, predicted: Mapping[str, Floats], draws: Mapping[str, RankingDraws], *, level: float
) -> pd.DataFrame:
    rows = []
    for name, uplift in predicted.items():
        value = qini_coefficient(uplift=uplift, treated=half.treated, outcome=half.outcome)
        ends = _with_ends("qini", value, draws[name].qini, level)
        rows.append(
            {"learner": name, **ends, "value_in_training": learned.value[name], "is_chosen": name == learned.chosen}
        )
    return pd.DataFrame(rows).assign(n=len(half.outcome), confidence_level=level)


def _curve(judged: _Judged) -> pd.DataFrame:
    """Return the Qini curve per treated customer: what is gained a head by touching down to each depth."""
    gain = _gain_at(DEPTHS, judged.uplift, judged.sample)
    lower, upper = interval_of_draws(gain, draws=judged.draws.curve, confidence_level=judged.level)
    return pd.DataFrame(
        {"share_touched": DEPTHS, "gain": gain, "gain_ci_lower": lower, "gain_ci_upper": upper,
         "gain_random": DEPTHS * gain[-1], "n": len(judged.uplift), "confidence_level": judged.level}
    )  # fmt: skip


def _gain_at(depths: Floats, uplift: Floats, sample: Sample) -> Floats:
    curve = qini_curve(uplift=uplift, treated=sample.treated, outcome=sample.outcome)
    found: Floats = np.interp(depths * len(uplift), curve.n_touched, curve.incremental) / sample.treated.sum()
    return found


def _observed(judged: _Judged, rows: Flags) -> dict[str, Any]:
    y, treated = judged.sample.outcome[rows], judged.sample.treated[rows]
    said = {"n": int(rows.sum()), "predicted": float(judged.uplift[rows].mean())}
    if min(treated.sum(), (~treated).sum()) < 2:
        return {**said, "observed": np.nan, "observed_ci_lower": np.nan, "observed_ci_upper": np.nan}
    if judged.clusters is None:
        found = welch_difference(y[treated], y[~treated], confidence_level=judged.level)
    else:
        found = clustered_difference(y, treated=treated, clusters=judged.clusters[rows], confidence_level=judged.level)
    return {**said, "observed": found.value, "observed_ci_lower": found.ci_lower, "observed_ci_upper": found.ci_upper}


def _parts(judged: _Judged) -> pd.DataFrame:
    """Return predicted and observed uplift by tenth, best first; customers predicted the same stay together."""
    place = (-pd.Series(judged.uplift)).rank(method="average").to_numpy()
    part = np.minimum(((place - 0.5) * _PARTS / len(place)).astype(np.int64), _PARTS - 1)
    rows = [{"part": int(number) + 1, **_observed(judged, part == number)} for number in np.unique(part)]
    return pd.DataFrame(rows).assign(confidence_level=judged.level)


def _groups(judged: _Judged) -> pd.DataFrame:
    """Return those predicted to gain and to lose; a loss is ``proven`` if its interval is below 0."""
    rows = []
    for name, mine in (("gain", judged.uplift > 0), ("lose", judged.uplift < 0)):
        empty = {
            "n": 0,
            "predicted": np.nan,
            "observed": np.nan,
            "observed_ci_lower": np.nan,
            "observed_ci_upper": np.nan,
        }
        found = _observed(judged, mine) if mine.any() else empty
        ends = (found["observed_ci_lower"], found["observed_ci_upper"])
        proven = ends[0] > 0 if name == "gain" else ends[1] < 0
        rows.append({"group": name, "share": float(mine.mean()), **found, "proven": bool(proven)})
    return pd.DataFrame(rows).assign(confidence_level=judged.level)


def _money(
    trial: UpliftTrial, sample: Sample, training: Flags, learned: Learned, judged: _Judged, *, kind: str,
    effect: Difference,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Return money by depth, and what the depth chosen on the training half makes of the judging half.

    Without a worth nothing is turned into money: gain is in units of the metric then and costs nothing.
    """
    worth, cost = trial.terms.worth(kind), trial.terms.cost_per_touch
    n, in_money = len(trial.customers), worth is not None
    scale, price = (worth, cost) if worth is not None else (1.0, 0.0)
    budget = trial.terms.budget if in_money else None
    affordable = 1.0 if budget is None or price == 0 else min(1.0, budget / (price * n))
    taught = sample.rows(training).rows(learned.trained_on)
    in_training = scale * _gain_at(DEPTHS, learned.cross_fitted[learned.chosen], taught) - price * DEPTHS
    in_training[affordable + 1e-9 < DEPTHS] = -np.inf
    chosen = int(np.argmax(in_training))
    gain = _gain_at(DEPTHS, judged.uplift, judged.sample)
    profit, drawn = n * (scale * gain - price * DEPTHS), n * (scale * judged.draws.curve - price * DEPTHS[:, None])
    lower, upper = interval_of_draws(profit, draws=drawn, confidence_level=judged.level)
    table = pd.DataFrame(
        {"share_touched": DEPTHS, "n_touched": np.round(DEPTHS * n).astype(np.int64), "profit": profit,
         "profit_ci_lower": lower, "profit_ci_upper": upper, "affordable": affordable + 1e-9 >= DEPTHS,
         "confidence_level": judged.level}
    )  # fmt: skip
    better = _with_ends("better_than_all", profit[chosen] - profit[-1], drawn[chosen] - drawn[-1], judged.level)
    policy = {
        "in_money": in_money, "share_touched": float(DEPTHS[chosen]), "affordable": affordable, "n_customers": n,
        **_with_ends("profit", float(profit[chosen]), drawn[chosen], judged.level), **better,
        "profit_all": n * (scale * effect.value - price),
        "profit_all_ci_lower": n * (scale * effect.ci_lower - price),
        "profit_all_ci_upper": n * (scale * effect.ci_upper - price),
        "confidence_level": judged.level,
    }  # fmt: skip
    return table if in_money else table.iloc[:0], pd.DataFrame([policy])


def _scores(learned: Learned, training: Flags, judged: Floats) -> pd.DataFrame:
    """Return the predicted uplift of every customer by models that did not see them."""
    taught = np.flatnonzero(training)[learned.trained_on]
    place = np.concatenate([taught, np.flatnonzero(~training)])
    uplift = np.concatenate([learned.cross_fitted[learned.chosen], judged])
    half = np.repeat(["training", "judging"], [len(taught), len(judged)])
    return pd.DataFrame({"place": place, "uplift": uplift, "half": half}).sort_values("place", ignore_index=True)
