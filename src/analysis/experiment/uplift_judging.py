"""What the judging half says of a ranking: how good it is, whether it is calibrated, and what it is worth in money.

Neither the models nor the choice between learners have seen these customers, so nothing here needs to be corrected
for having been looked for. How deep to touch is chosen on the training half.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.experiment.uplift import UpliftTrial, choose_learner, pair_sample
from analysis.experiment.uplift_learners import Sample
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

__all__ = ["DEPTHS", "Findings", "judge"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DEPTHS: Final = np.round(np.linspace(0, 1, 21), 2)
SHARES: Final = (0.1, 0.3)
DRAWS: Final = 400
_DRAWS_OF_OTHERS: Final = 200
_PARTS: Final = 10


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
    """

    measures: pd.DataFrame
    learners: pd.DataFrame
    curve: pd.DataFrame
    parts: pd.DataFrame
    groups: pd.DataFrame
    profit: pd.DataFrame
    policy: pd.DataFrame


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


class _Pair(NamedTuple):
    """One metric of one arm and the control.

    Attributes:
        trial: The experiment.
        kind: Of the metric.
        chosen: Learner with the largest value on the training half, of those that tell customers apart.
        value: By learner: its worth on the training half.
        taught: Customers that were trained on.
        taught_uplift: Their cross-fitted uplift by the chosen learner.
        half: The judging half.
        uplift: By learner: its predicted uplift.
        robust: Its doubly robust scores.
        without: Its expected outcome without the touch.
        draws: By learner: bootstrap draws on the judging half.
        effect: Average effect on all customers of the pair, both halves and those who were only scored.
        n: All customers of the pair.
        n_learnt: Those in one of the halves.
    """

    trial: UpliftTrial
    kind: str
    chosen: str
    value: Mapping[str, float]
    taught: Sample
    taught_uplift: Floats
    half: Sample
    uplift: Mapping[str, Floats]
    robust: Floats
    without: Floats
    draws: Mapping[str, RankingDraws]
    effect: Difference
    n: int
    n_learnt: int

    @property
    def level(self) -> float:
        return self.trial.confidence_level

    @property
    def best(self) -> Floats:
        """Predicted uplift of the judging half by the chosen learner."""
        return self.uplift[self.chosen]

    @property
    def clusters(self) -> NDArray[np.int64] | None:
        return None if self.trial.cluster is None else self.half.groups

    @property
    def ranked(self) -> dict[str, Any]:
        return {"uplift": self.best, "treated": self.half.treated, "outcome": self.half.outcome}


def judge(trial: UpliftTrial, learnt: pd.DataFrame, *, seed: int) -> Findings:
    """Judge every ranking on the half that it has not seen.

    Args:
        trial: The experiment.
        learnt: Rows of ``uplift.learn_everyone``.
        seed: Of the bootstrap draws.
    """
    made: dict[str, list[pd.DataFrame]] = {name: [] for name in Findings._fields}
    for metric, arm in learnt[["metric", "arm"]].drop_duplicates().itertuples(index=False):
        rows = learnt[(learnt["metric"] == metric) & (learnt["arm"] == arm)]
        pair = _pair(trial, rows, metric=metric, arm=arm, seed=seed)
        profit, policy = _money(pair)
        tables = (_measures(pair), _learners(pair), _curve(pair), _parts(pair), _groups(pair), profit, policy)
        for name, table in zip(Findings._fields, tables, strict=True):
            made[name].append(table.assign(metric=metric, arm=arm))
    return Findings(*(pd.concat(made[name], ignore_index=True) if made[name] else pd.DataFrame() for name in made))


def _pair(trial: UpliftTrial, rows: pd.DataFrame, *, metric: str, arm: str, seed: int) -> _Pair:
    sample = pair_sample(trial, rows["place"].to_numpy(), metric=metric, arm=arm)
    judged, taught = rows["judged"].to_numpy(dtype=bool), rows["fold"].to_numpy() >= 0
    robust, scores = rows["robust"].to_numpy(), {name: rows[name].to_numpy() for name in trial.learners}
    chosen, value = choose_learner(rows, learners=trial.learners)
    half = sample.rows(judged)
    uplift = {name: values[judged] for name, values in scores.items()}
    rng = np.random.default_rng(seed)
    draws = {
        name: bootstrap_ranking(
            uplift=uplift[name], treated=half.treated, outcome=half.outcome, rng=rng, shares=SHARES, depths=DEPTHS,
            draws=DRAWS if name == chosen else _DRAWS_OF_OTHERS,
            clusters=None if trial.cluster is None else half.groups,
        )
        for name in trial.learners
    }  # fmt: skip
    n_learnt = int((rows["training"] | rows["judged"]).sum())
    effect = _average_effect(sample, clustered=trial.cluster is not None, level=trial.confidence_level)
    return _Pair(
        trial, trial.metrics[metric], chosen, value, sample.rows(taught), scores[chosen][taught], half, uplift,
        robust[judged], rows["without"].to_numpy()[judged], draws, effect, len(rows), n_learnt,
    )  # fmt: skip


def _average_effect(sample: Sample, *, clustered: bool, level: float) -> Difference:
    y, treated = sample.outcome, sample.treated
    if clustered:
        return clustered_difference(y, treated=treated, clusters=sample.groups, confidence_level=level)
    return welch_difference(y[treated], y[~treated], confidence_level=level)


def _measures(pair: _Pair) -> pd.DataFrame:
    """Return every measure of the chosen learner; it knows something if its Qini, corrected for arms, is above 0."""
    draws, level = pair.draws[pair.chosen], pair.level
    qini = qini_coefficient(**pair.ranked)
    found: dict[str, Any] = {"n": len(pair.best), "n_training": len(pair.taught_uplift), "learner": pair.chosen}
    found |= _with_ends("qini", qini, draws.qini, level)
    found |= _with_ends("auuc", auuc(**pair.ranked), draws.auuc, level)
    for place, share in enumerate(SHARES):
        name = f"uplift_at_{round(100 * share)}"
        found |= _with_ends(name, uplift_at_k(**pair.ranked, k=share), draws.at_k[place], level)
        found[f"{name}_by_group"] = uplift_at_k(**pair.ranked, k=share, by_group=True)
    for name, weighting in (("autoc", "autoc"), ("rate_qini", "qini")):
        rate = rank_weighted_effect(
            priority=pair.best, scores=pair.robust, weighting=weighting, confidence_level=level, clusters=pair.clusters
        )
        found |= _rate(name, rate)
    slope = uplift_slope(
        **pair.ranked, share_treated=pair.half.share_treated, expected=pair.without, confidence_level=level,
        clusters=pair.clusters,
    )  # fmt: skip
    found |= _rate("slope", slope)
    spread = float(draws.qini.std(ddof=1))
    others = [_qini_of(pair, name) for name in pair.uplift if name != pair.chosen]
    corrected = 1 - (1 - level) / len(pair.trial.arms)
    lower, _ = interval_of_draws(qini, draws=draws.qini, confidence_level=corrected)
    effect = pair.effect
    found |= {
        "kind": pair.kind, "knows": bool(lower > 0), "qini_std_error": spread, "n_others": len(others),
        "n_alike": sum(abs(other - qini) <= spread for other in others), "n_all": pair.n, "n_learnt": pair.n_learnt,
        "effect": effect.value, "effect_ci_lower": effect.ci_lower, "effect_ci_upper": effect.ci_upper,
        "confidence_level": level,
    }  # fmt: skip
    return pd.DataFrame([found])


def _qini_of(pair: _Pair, learner: str) -> float:
    return qini_coefficient(uplift=pair.uplift[learner], treated=pair.half.treated, outcome=pair.half.outcome)


def _with_ends(name: str, value: float, draws: Floats, level: float) -> dict[str, float]:
    lower, upper = interval_of_draws(value, draws=draws, confidence_level=level)
    return {name: value, f"{name}_ci_lower": float(lower), f"{name}_ci_upper": float(upper)}


def _rate(name: str, found: Rate) -> dict[str, float]:
    return {name: found.value, f"{name}_ci_lower": found.ci_lower, f"{name}_ci_upper": found.ci_upper}


def _learners(pair: _Pair) -> pd.DataFrame:
    rows = []
    for name, draws in pair.draws.items():
        ends = _with_ends("qini", _qini_of(pair, name), draws.qini, pair.level)
        rows.append({"learner": name, **ends, "value_in_training": pair.value[name], "is_chosen": name == pair.chosen})
    return pd.DataFrame(rows).assign(kind=pair.kind, n=len(pair.best), confidence_level=pair.level)


def _curve(pair: _Pair) -> pd.DataFrame:
    """Return the Qini curve per treated customer: what is gained a head by touching down to each depth."""
    gain = _gain_at(DEPTHS, pair.best, pair.half)
    lower, upper = interval_of_draws(gain, draws=pair.draws[pair.chosen].curve, confidence_level=pair.level)
    return pd.DataFrame(
        {"share_touched": DEPTHS, "gain": gain, "gain_ci_lower": lower, "gain_ci_upper": upper,
         "gain_random": DEPTHS * gain[-1], "kind": pair.kind, "n": len(pair.best), "confidence_level": pair.level}
    )  # fmt: skip


def _gain_at(depths: Floats, uplift: Floats, sample: Sample) -> Floats:
    curve = qini_curve(uplift=uplift, treated=sample.treated, outcome=sample.outcome)
    found: Floats = np.interp(depths * len(uplift), curve.n_touched, curve.incremental) / sample.treated.sum()
    return found


def _observed(pair: _Pair, rows: Flags) -> dict[str, Any]:
    y, treated = pair.half.outcome[rows], pair.half.treated[rows]
    said = {"n": int(rows.sum()), "predicted": float(pair.best[rows].mean())}
    if min(treated.sum(), (~treated).sum()) < 2:
        return {**said, "observed": np.nan, "observed_ci_lower": np.nan, "observed_ci_upper": np.nan}
    if pair.clusters is None:
        found = welch_difference(y[treated], y[~treated], confidence_level=pair.level)
    else:
        found = clustered_difference(y, treated=treated, clusters=pair.clusters[rows], confidence_level=pair.level)
    return {**said, "observed": found.value, "observed_ci_lower": found.ci_lower, "observed_ci_upper": found.ci_upper}


def _parts(pair: _Pair) -> pd.DataFrame:
    """Return predicted and observed uplift by tenth, best first; customers predicted the same stay together."""
    place = (-pd.Series(pair.best)).rank(method="average").to_numpy()
    part = np.minimum(((place - 0.5) * _PARTS / len(place)).astype(np.int64), _PARTS - 1)
    rows = [{"part": int(number) + 1, **_observed(pair, part == number)} for number in np.unique(part)]
    return pd.DataFrame(rows).assign(kind=pair.kind, confidence_level=pair.level)


def _groups(pair: _Pair) -> pd.DataFrame:
    """Return those predicted to gain and to lose; a loss is ``proven`` if its interval is below 0."""
    rows = []
    for name, mine in (("gain", pair.best > 0), ("lose", pair.best < 0)):
        empty = {
            "n": 0,
            "predicted": np.nan,
            "observed": np.nan,
            "observed_ci_lower": np.nan,
            "observed_ci_upper": np.nan,
        }
        found = _observed(pair, mine) if mine.any() else empty
        ends = (found["observed_ci_lower"], found["observed_ci_upper"])
        proven = ends[0] > 0 if name == "gain" else ends[1] < 0
        rows.append({"group": name, "share": float(mine.mean()), **found, "proven": bool(proven)})
    return pd.DataFrame(rows).assign(kind=pair.kind, confidence_level=pair.level)


def _money(pair: _Pair) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return money by depth, and what the depth chosen on the training half makes of the judging half.

    Over all customers of the experiment. Without a worth nothing is turned into money: gain is in units of the metric
    then and a touch costs nothing.
    """
    terms, n, level = pair.trial.terms, len(pair.trial.customers), pair.level
    worth = terms.worth(pair.kind)
    scale, price = (worth, terms.cost_per_touch) if worth is not None else (1.0, 0.0)
    affordable = 1.0 if terms.budget is None or price == 0 else min(1.0, terms.budget / (price * n))
    within = affordable + 1e-9 >= DEPTHS
    in_training = scale * _gain_at(DEPTHS, pair.taught_uplift, pair.taught) - price * DEPTHS
    chosen = int(np.argmax(np.where(within, in_training, -np.inf)))
    profit = n * (scale * _gain_at(DEPTHS, pair.best, pair.half) - price * DEPTHS)
    drawn = n * (scale * pair.draws[pair.chosen].curve - price * DEPTHS[:, None])
    lower, upper = interval_of_draws(profit, draws=drawn, confidence_level=level)
    table = pd.DataFrame(
        {"share_touched": DEPTHS, "n_touched": np.round(DEPTHS * n).astype(np.int64), "profit": profit,
         "profit_ci_lower": lower, "profit_ci_upper": upper, "is_affordable": within, "confidence_level": level}
    )  # fmt: skip
    all_of_them = (pair.effect.value, pair.effect.ci_lower, pair.effect.ci_upper)
    of_all = dict(zip(("profit_all", "profit_all_ci_lower", "profit_all_ci_upper"), all_of_them, strict=True))
    policy = {
        "in_money": worth is not None, "kind": pair.kind, "share_touched": float(DEPTHS[chosen]),
        "affordable": affordable, "n_customers": n, "confidence_level": level,
        **_with_ends("profit", float(profit[chosen]), drawn[chosen], level),
        **_with_ends("better_than_all", float(profit[chosen] - profit[-1]), drawn[chosen] - drawn[-1], level),
        **{name: n * (scale * value - price) for name, value in of_all.items()},
    }  # fmt: skip
    return table if worth is not None else table.iloc[:0], pd.DataFrame([policy])
