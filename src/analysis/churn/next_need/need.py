"""The next need of each customer: the chance of a purchase within the horizon, and the days it would fall between.

Both are learnt at past origins, put right on a later one, and moved to the season ahead: the level of the chance as
last year's same weeks moved (``churn.season``), the dates on the shop's own clock (``brand_clock``).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.churn.baseline import RecencyBaseline
from analysis.churn.next_need.dates import (
    Recalibration,
    WaitDistribution,
    cumulated_at,
    day_of,
    faster,
    one_thread,
    point_at,
    randomised_pit,
)
from analysis.churn.probability_calibration import BetaCalibration
from analysis.churn.season import shifted

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = ["LEVELS", "WINDOW", "Need", "PurchaseChance", "fit_need", "forecast", "judged", "pooled_window"]

Floats = NDArray[np.float64]

WINDOW: Final = 0.8
"""Chance that a purchase within the horizon falls between the two days of the window."""

LEVELS: Final = ((1 - WINDOW) / 2, 0.5, (1 + WINDOW) / 2)

_FEWEST_EVENTS: Final = 50
"""Buyers, and others, below which only days since the last purchase are learnt from."""

_TREES: Final = 80
_LEARNING_RATE: Final = 0.07
_LEAVES: Final = 8
_SHARE_PER_LEAF: Final = 0.005
_FEWEST_PER_LEAF: Final = 30
_MOST_PER_LEAF: Final = 150
_RIDGE: Final = 10.0
_SHARE_OF_COLUMNS: Final = 0.3
_BINS: Final = 63
_RECENCY: Final = "days_since_last_order"


class PurchaseChance:
    """Probability of a purchase within the horizon: boosted trees, or where events are few, recency alone."""

    columns: list[str]

    def __init__(self, *, seed: int) -> None:
        self.seed = seed
        self._trees: HistGradientBoostingClassifier | None = None
        self._recency: RecencyBaseline | None = None
        self._rate = 0.5
        self._right: BetaCalibration | None = None

    def fit(self, features: pd.DataFrame, bought: ArrayLike) -> "PurchaseChance":
        """Learn from customers at past origins and whether each bought (0 or 1)."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        y = np.asarray(bought, dtype=np.float64)
        self._rate = float((y.sum() + 0.5) / (y.size + 1))
        self.columns = [c for c in features.columns if features[c].nunique() > 1]
        if min(y.sum(), y.size - y.sum()) < _FEWEST_EVENTS or not self.columns:
            if 0 < y.sum() < y.size and _RECENCY in self.columns:
                self._recency = RecencyBaseline().fit(features[_RECENCY], y)
            return self
        model = HistGradientBoostingClassifier(
            max_iter=_TREES,
            learning_rate=_LEARNING_RATE,
            max_leaf_nodes=_LEAVES,
            min_samples_leaf=int(np.clip(_SHARE_PER_LEAF * y.size, _FEWEST_PER_LEAF, _MOST_PER_LEAF)),
            l2_regularization=_RIDGE,
            max_bins=_BINS,
            max_features=_SHARE_OF_COLUMNS,
            early_stopping=False,
            random_state=self.seed,
        )
        with one_thread():
            self._trees = model.fit(self._matrix(features), y)
        return self

    def put_right(self, features: pd.DataFrame, bought: ArrayLike) -> "PurchaseChance":
        """Make the probabilities honest on a later window."""
        y = np.asarray(bought, dtype=np.float64)
        if y.size and y.min() < y.max():
            self._right = BetaCalibration().fit(self._raw(features), y)
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """Return each customer's probability, 0-1."""
        raw = self._raw(features)
        return raw if self._right is None else self._right.predict(raw)

    def _raw(self, features: pd.DataFrame) -> Floats:
        if self._trees is not None:
            with one_thread():
                score: Floats = self._trees.predict_proba(self._matrix(features))[:, 1]
            return score
        if self._recency is not None:
            return self._recency.predict(features[_RECENCY])
        return np.full(len(features), self._rate)

    def _matrix(self, features: pd.DataFrame) -> NDArray[np.float32]:
        return features[self.columns].to_numpy(dtype=np.float32, na_value=np.nan)


class Need(NamedTuple):
    """Both forecasts, fitted.

    Attributes:
        chance: Of a purchase within the horizon.
        dates: Where on the clock it falls, given one.
        right: The map that puts the dates right.
        pooled: Points of the clock (0-1) between which anybody's purchase falls, at ``LEVELS``.
        columns: Predictors.
    """

    chance: PurchaseChance
    dates: WaitDistribution
    right: Recalibration
    pooled: Floats
    columns: list[str]


def fit_need(training: pd.DataFrame, *, calibration: pd.DataFrame, columns: Sequence[str], seed: int) -> Need:
    """Learn both forecasts from past origins and put them right on a later one.

    Args:
        training: One row per customer and origin: the predictors, ``wait_days`` (day of the first purchase after the
            origin; 0 without one within the horizon), ``tick_from`` and ``tick_to`` (the clock before and after it).
        calibration: The same for a later origin.
        columns: Predictors.
        seed: Of the trees and of the luck within a day.
    """
    names = list(columns)
    luck = np.random.default_rng(seed)
    bought, later = training["wait_days"].to_numpy() > 0, calibration["wait_days"].to_numpy() > 0
    chance = PurchaseChance(seed=seed).fit(training[names], bought).put_right(calibration[names], later)
    at, at_later = (_point(rows[kept], luck) for rows, kept in ((training, bought), (calibration, later)))
    buyers = calibration.loc[later, names]
    dates = WaitDistribution(seed=seed).fit(training.loc[bought, names], at).weigh(buyers, at_later)
    right = Recalibration().fit(cumulated_at(dates.predict(buyers), dates.edges, at_later))
    everybody = np.concatenate([at, at_later])
    pooled = np.quantile(everybody, LEVELS) if everybody.size else np.asarray(LEVELS)
    return Need(chance, dates, right, np.asarray(pooled, dtype=np.float64), names)


def _point(buyers: pd.DataFrame, luck: np.random.Generator) -> Floats:
    low, high = buyers["tick_from"].to_numpy(dtype=np.float64), buyers["tick_to"].to_numpy(dtype=np.float64)
    return np.asarray(low + luck.random(len(low)) * (high - low), dtype=np.float64)


def forecast(
    need: Need, known: pd.DataFrame, *, ticks: Floats, move: float, own_dates: bool = True, week_days: int = 7
) -> pd.DataFrame:
    """Return what lies ahead of each customer.

    Args:
        need: The fitted forecasts.
        known: Predictors, one row per customer.
        ticks: The clock at the end of each day ahead, 0 to 1.
        move: Of the log-odds of a purchase, compared with the window it was put right on.
        own_dates: Whether each customer has own dates; else all have the pooled ones.
        week_days: Days of a step of ``p_step_<k>``.

    Returns:
        ``p_purchase`` (0-1), ``from_day``, ``middle_day``, ``until_day`` (days ahead at ``LEVELS``, given a purchase),
        ``p_step_<k>`` (0-1: the first purchase falls into step k of the horizon).
    """
    before = need.chance.predict(known)
    p = shifted(before, by=move)
    cumulated = _cumulated(need, known, own=own_dates)
    points = [_own_point(need, cumulated, level, before=before, after=p) for level in LEVELS]
    if not own_dates:
        points = [np.full(len(known), point) for point in need.pooled]
    names = ("from_day", "middle_day", "until_day")
    days = {name: day_of(point, ticks) for name, point in zip(names, points, strict=True)}
    horizon = len(ticks) - 1
    ends = [*range(week_days, horizon, week_days), horizon]
    reached = [cumulated_at(cumulated, need.dates.edges, np.full(len(p), ticks[end])) for end in ends]
    if own_dates:
        reached = [faster(need.right.predict(chance), before=before, after=p) for chance in reached]
    steps = np.diff(np.column_stack([np.zeros(len(p)), *reached]), axis=1) * p[:, None]
    return pd.DataFrame(
        {
            "p_purchase": p,
            **days,
            **{f"p_step_{k}": steps[:, k - 1].astype(np.float32) for k in range(1, len(ends) + 1)},
        }
    )


def _own_point(need: Need, cumulated: Floats, level: float, *, before: Floats, after: Floats) -> Floats:
    """Return the point of the clock at which each customer's chance, moved to the season ahead, reaches a level."""
    unmoved = faster(np.full(len(before), level), before=after, after=before)
    return point_at(cumulated, need.dates.edges, need.right.raw(unmoved))


def _cumulated(need: Need, known: pd.DataFrame, *, own: bool) -> Floats:
    if own:
        return need.dates.predict(known)
    return np.tile(np.linspace(0.0, 1.0, len(need.dates.edges)), (len(known), 1))


def judged(
    need: Need, rows: pd.DataFrame, *, ticks: Mapping[pd.Timestamp, Floats], move: float, seed: int
) -> pd.DataFrame:
    """Return what was forecast beside what happened, a row per customer and origin.

    Args:
        need: The fitted forecasts.
        rows: As ``fit_need`` takes them, with ``origin_on``.
        ticks: The clock of each origin.
        move: Of the log-odds of a purchase.
        seed: Of the luck within a day.

    Returns:
        ``wait_days``, ``p_purchase``, ``from_day``, ``until_day``, ``pooled_from_day``, ``pooled_until_day``, and for
        buyers ``pit`` and ``pooled_pit`` (randomised, 0-1) and ``density`` and ``pooled_density`` (of the day bought,
        given a purchase; per share of the clock).
    """
    parts = []
    for origin, window in rows.groupby("origin_on", sort=True):
        clock = ticks[pd.Timestamp(str(origin))]
        said = forecast(need, window, ticks=clock, move=move)
        pooled = day_of(need.pooled[[0, 2]], clock)
        part = pd.concat([window[["origin_on", "role", "wait_days"]].reset_index(drop=True), said], axis=1)
        part = part.assign(pooled_from_day=pooled[0], pooled_until_day=pooled[1])
        bought = (window["wait_days"] > 0).to_numpy()
        own = _placed(need, window[bought], seed=seed, move=move)
        anybody = _placed(need, window[bought], seed=seed, move=None)
        for name, values in zip(("pit", "density", "pooled_pit", "pooled_density"), (*own, *anybody), strict=True):
            part[name] = np.nan
            part.loc[bought, name] = values
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _placed(need: Need, buyers: pd.DataFrame, *, seed: int, move: float | None) -> tuple[Floats, Floats]:
    """Return where buyers fell in their distributions (pooled without a move), and how dense these were there."""
    low, high = buyers["tick_from"].to_numpy(dtype=np.float64), buyers["tick_to"].to_numpy(dtype=np.float64)
    luck = np.random.default_rng(seed).random(len(low))
    cumulated = _cumulated(need, buyers, own=move is not None)
    below, up_to = (cumulated_at(cumulated, need.dates.edges, at) for at in (low, high))
    if move is not None:
        before = need.chance.predict(buyers)
        after = shifted(before, by=move)
        below, up_to = (faster(need.right.predict(at), before=before, after=after) for at in (below, up_to))
    pit = randomised_pit(below, up_to, luck=luck)
    return pit, np.maximum(up_to - below, 1e-9) / np.maximum(high - low, 1e-9)


def pooled_window(need: Need, *, ticks: Floats) -> tuple[int, int]:
    """Return the first and last day ahead of the window that anybody has."""
    first, last = day_of(need.pooled[[0, 2]], ticks)
    return int(first), int(last)
