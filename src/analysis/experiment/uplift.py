"""Whether anybody can say whom a touch moves: learners trained on one half of an experiment, judged on the other.

Each arm is compared with the control by itself. Everything a reader is told of a ranking comes from the judging half,
which no model and no choice between models has seen; how deep to touch is chosen on the training half.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.experiment.participants import measures_before
from analysis.experiment.uplift_learners import (
    LEARNERS,
    Learned,
    Sample,
    Scorer,
    Shared,
    doubly_robust_scores,
    learn,
    rows_of,
    value_in_training,
)
from analysis.stats.means import welch_difference

__all__ = [
    "FEWEST_IN_AN_ARM",
    "LARGEST_TRIAL",
    "Terms",
    "UpliftTrial",
    "choose_learner",
    "customer_groups",
    "distinct_measures",
    "known_before",
    "late_columns",
    "learn_everyone",
    "pair_sample",
    "training_half",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_IN_AN_ARM: Final = 200
"""Customers an arm needs before a half of it can teach and the other judge."""

_FEWEST_WITH: Final = 10
"""Customers with an outcome that each arm needs in each half."""

_LATE_BELOW: Final = 1e-4

LARGEST_TRIAL: Final = 100_000
"""Customers of an arm and the control at most that are learnt from and judged on. With 25,000 instead of 50,000 to
learn from, rankings of planted effects of a few percentage points were worth a third less, larger ones as much."""

_ALIKE: Final = 0.98
"""Of more than ``LARGEST_TRIAL`` customers, measures with a rank correlation above this are learnt from once. Of 80
72 were left, and rankings of six planted effects by them were worth as much; with 0.95 (63 left) a hundredth less."""

_ALIKE_TOLD_BY: Final = 10_000
"""Customers that such correlations are taken of."""

_SCORED_AT_ONCE: Final = 50_000


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
    late = late_columns(trial)
    return distinct_measures(trial.customers, columns=[name for name in trial.covariates if name not in late]), late


def distinct_measures(customers: pd.DataFrame, *, columns: Sequence[str]) -> Floats:
    """Return the columns as ``participants.measures_before`` has them, without those that are the same as another.

    One row per customer. The marks of who has no history are the same for most columns of a feature table: once is
    enough, and a split's choice among columns is not taken up by them.

    Raises:
        AnalysisError: If a column is not there, or a text column has too many values.
    """
    made: dict[bytes, Floats] = {}
    for name in columns:
        for measure in measures_before(customers, columns=[name]).T:
            values = np.ascontiguousarray(measure)
            made.setdefault(sha256(values.data).digest(), values)
    return np.array(list(made.values())).T if made else np.zeros((len(customers), 0))


def late_columns(trial: UpliftTrial) -> list[str]:
    """Return the covariates in which arms differ too much to be from before, see ``known_before``."""
    if trial.cluster is not None:
        return []
    codes, names = pd.factorize(trial.customers["arm"])
    sides = {str(arm): np.flatnonzero(codes == code) for code, arm in enumerate(names)}
    return [name for name in trial.covariates if _differs(name, sides, trial)]


def _differs(name: str, sides: Mapping[str, NDArray[np.int64]], trial: UpliftTrial) -> bool:
    values = measures_before(trial.customers, columns=[name])
    others = sorted(set(sides) - {trial.control})
    limit = _LATE_BELOW / (len(trial.covariates) * len(others) * max(values.shape[1], 1))
    pvalues = [
        welch_difference(column[sides[arm]], column[sides[trial.control]]).pvalue
        for arm in others
        for column in values.T
    ]
    return bool(np.nanmin(pvalues, initial=1.0) < limit)


def learn_everyone(trial: UpliftTrial, before: Floats, *, seed: int) -> pd.DataFrame:
    """Return the predicted uplift of every customer by models that never saw them.

    A row per metric, arm and customer; an arm has its own customers and those of the control. Of more than
    ``LARGEST_TRIAL`` customers that many are learnt from and judged on, drawn at random within arm and half; the rest
    are scored by the learner that is chosen, and by no other. Of so many, measures nearly alike are learnt from once.

    Columns: ``metric``, ``arm``, ``place`` (row of ``trial.customers``), ``training`` (half), ``judged`` (is of the
    other half; neither if only scored), ``fold`` (of those trained on, else -1), ``robust`` (doubly robust score of the
    effect), ``without`` (expected outcome without the touch, of those not trained on) and one per learner, in the unit
    of the metric. Pairs with too few customers are left out.

    Args:
        trial: The experiment.
        before: Measures of the customers known before, from ``known_before``.
        seed: Of the halves, the folds and the trees.
    """
    groups = customer_groups(trial)
    training = training_half(trial.customers["arm"], groups=groups, rng=np.random.default_rng(seed))
    made: dict[tuple[str, str], pd.DataFrame] = {}
    measures = before if len(before) <= LARGEST_TRIAL else _told_apart(before)
    for arm in trial.arms:
        known = _rows_once(measures)
        shared: dict[int, Shared] = {}
        for metric in trial.metrics:
            places = _places(trial, metric=metric, arm=arm)
            sample = pair_sample(trial, places, metric=metric, arm=arm)
            half = training[places]
            if not _enough(sample, half):
                continue
            drawn = _drawn(sample.treated, half, rng=np.random.default_rng([seed, len(places)]))
            taught, judged = (
                sample.rows(some)._replace(before=known(places[some])) for some in (drawn & half, drawn & ~half)
            )
            learned = learn(taught, seed=seed, learners=trial.learners, shared=shared)
            of_both = np.concatenate([places[drawn & half], places[drawn & ~half]])
            table = _learnt(learned, judged, learners=trial.learners).assign(place=of_both).sort_values("place")
            rest = [] if drawn.all() else [_rest(table, learned.predict, known, places[~drawn])]
            made[metric, arm] = pd.concat([table, *rest]).assign(metric=metric, arm=arm)
    columns = ["metric", "arm", "place", "training", "judged", "fold", "robust", "without", *trial.learners]
    ordered = [made[metric, arm] for metric in trial.metrics for arm in trial.arms if (metric, arm) in made]
    return pd.concat(ordered, ignore_index=True)[columns] if made else pd.DataFrame(columns=columns)


def _told_apart(before: Floats) -> Floats:
    """Return the measures without those that order customers nearly as an earlier one does."""
    ranks = pd.DataFrame(before[:: max(1, len(before) // _ALIKE_TOLD_BY)]).rank().to_numpy()
    with np.errstate(invalid="ignore"):  # what is the same of all these customers is like nothing
        alike = np.abs(np.atleast_2d(np.corrcoef(ranks, rowvar=False))) > _ALIKE
    kept: list[int] = []
    for column in range(before.shape[1]):
        if not alike[column, kept].any():
            kept.append(column)
    return before.T[kept].T


def _rows_once(before: Floats) -> Callable[[NDArray[np.int64]], Floats]:
    """Return what picks customers' measures; the same customers are picked once, whatever the outcome."""
    made: dict[bytes, Floats] = {}

    def rows(places: NDArray[np.int64]) -> Floats:
        key = places.tobytes()
        if key not in made:
            made[key] = rows_of(before, places)
        return made[key]

    return rows


def _drawn(treated: Flags, training: Flags, *, rng: np.random.Generator) -> Flags:
    """Return who is learnt from or judged on: all, or ``LARGEST_TRIAL``, of arms and halves in their shares."""
    n = len(treated)
    if n <= LARGEST_TRIAL:
        return np.ones(n, dtype=bool)
    drawn = np.zeros(n, dtype=bool)
    for side in (True, False):
        for half in (True, False):
            mine = np.flatnonzero((treated == side) & (training == half))
            drawn[rng.choice(mine, len(mine) * LARGEST_TRIAL // n, replace=False, shuffle=False)] = True
    return drawn


def _rest(
    table: pd.DataFrame, predict: Scorer, known: Callable[[NDArray[np.int64]], Floats], places: NDArray[np.int64]
) -> pd.DataFrame:
    """Return those who were not drawn, scored by the learner that is chosen."""
    learner, _ = choose_learner(table, learners=[str(name) for name in table.columns if name in LEARNERS])
    scored = [
        predict(known(some), [learner])[learner]
        for some in np.array_split(places, max(1, len(places) // _SCORED_AT_ONCE))
    ]
    return pd.DataFrame(
        {"place": places, "training": False, "judged": False, "fold": -1, "robust": np.nan, "without": np.nan,
         **dict.fromkeys(table.columns.intersection(list(LEARNERS)), np.nan), learner: np.concatenate(scored)}
    )  # fmt: skip


def choose_learner(rows: pd.DataFrame, *, learners: Sequence[str]) -> tuple[str, dict[str, float]]:
    """Return the learner worth most on the training half, of those that tell customers apart, and each one's worth.

    Args:
        rows: Of one metric and arm, as ``learn_everyone`` has them.
        learners: Their columns.
    """
    fold, judged = rows["fold"].to_numpy(), rows["judged"].to_numpy(dtype=bool)
    robust, taught = rows["robust"].to_numpy(), fold >= 0
    scores = {name: rows[name].to_numpy(dtype=np.float64) for name in learners}
    value = {
        name: value_in_training(uplift[taught], robust=robust[taught], fold=fold[taught])
        for name, uplift in scores.items()
    }
    # all the same is no ranking
    return max(learners, key=lambda name: (np.ptp(scores[name][judged]) > 0, value[name])), value


def customer_groups(trial: UpliftTrial) -> NDArray[np.int64]:
    """Return who belongs together: a code per cluster where clusters were assigned, else per customer."""
    if trial.cluster is None:
        return np.arange(len(trial.customers))
    return np.asarray(pd.factorize(trial.customers[trial.cluster], sort=True)[0], dtype=np.int64)


def pair_sample(trial: UpliftTrial, places: NDArray[np.int64], *, metric: str, arm: str) -> Sample:
    """Return these customers as a sample of one arm and the control; nothing is known of them from before."""
    share = trial.shares[arm] / (trial.shares[arm] + trial.shares[trial.control])
    outcome = trial.customers[metric].to_numpy(dtype=np.float64, na_value=np.nan)[places]
    treated = (trial.customers["arm"] == arm).to_numpy()[places]
    is_rate = trial.metrics[metric] == "rate"
    return Sample(np.zeros((len(places), 0)), treated, outcome, share, is_rate, customer_groups(trial)[places])


def _places(trial: UpliftTrial, *, metric: str, arm: str) -> NDArray[np.int64]:
    rows = trial.customers["arm"].isin([arm, trial.control]) & trial.customers[metric].notna()
    return np.flatnonzero(rows)


def _enough(sample: Sample, training: Flags) -> bool:
    for side in (True, False):
        for half in (True, False):
            y = sample.outcome[(sample.treated == side) & (training == half)]
            if len(y) < FEWEST_IN_AN_ARM // 2 or (y != 0).sum() < _FEWEST_WITH:
                return False
    return True


def _learnt(learned: Learned, judged: Sample, *, learners: Sequence[str]) -> pd.DataFrame:
    """Return those taught, scored by models of the other folds, and below them those judged."""
    with_touch, without = learned.expected(judged.before)
    of_taught = {
        "fold": learned.fold,
        "robust": learned.robust,
        "without": np.full(len(learned.fold), np.nan),
        **learned.cross_fitted,
    }
    of_judged = {
        "fold": np.full(len(without), -1),
        "robust": doubly_robust_scores(judged, with_touch, without),
        "without": without,
        **learned.predict(judged.before, learners),
    }
    training = np.repeat([True, False], [len(learned.fold), len(without)])
    both = {name: np.concatenate([values, of_judged[name]]) for name, values in of_taught.items()}
    return pd.DataFrame({"training": training, "judged": ~training, **both})
