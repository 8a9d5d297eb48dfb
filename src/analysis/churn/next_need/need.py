"""The next need of each customer: the chance of a purchase within the horizon, and the days it would fall between.

Both are learnt at past origins, put right on a later one, and moved to the season ahead: the level of the chance as
last year's same weeks moved (``churn.season``), the dates on the shop's own clock (``brand_clock``).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
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
    point_at,
    randomised_pit,
)
from analysis.churn.next_need.trees import learnt, matrix, varying
from analysis.churn.probability_calibration import BetaCalibration
from analysis.churn.season import shifted
from analysis.stats.boosted_trees import probabilities

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = ["LEVELS", "WINDOW", "Need", "PurchaseChance", "fit_need", "forecast", "judged", "pooled_window"]

Floats = NDArray[np.float64]

WINDOW: Final = 0.8
"""Chance that a purchase within the horizon falls between the two days of the window."""

LEVELS: Final = ((1 - WINDOW) / 2, 0.5, (1 + WINDOW) / 2)

_FEWEST_EVENTS: Final = 50
"""Buyers, and others, below which only days since the last purchase are learnt from."""

_TREES: Final = 55
_LEAVES: Final = 8
_SHARE_PER_LEAF: Final = 0.005
_FEWEST_PER_LEAF: Final = 30
_MOST_PER_LEAF: Final = 150
_FORECAST_AT_ONCE: Final = 100_000  # customers
_WEEK: Final = 7
_RECENCY: Final = "days_since_last_order"
_KEPT: Final = ("origin_on", "role", "category", "wait_days")


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
        y = np.asarray(bought, dtype=np.float64)
        self._rate = float((y.sum() + 0.5) / (y.size + 1))
        self.columns = varying(features)
        if min(y.sum(), y.size - y.sum()) < _FEWEST_EVENTS or not self.columns:
            if 0 < y.sum() < y.size and _RECENCY in self.columns:
                self._recency = RecencyBaseline().fit(features[_RECENCY], y)
            return self
        self._trees = learnt(
            matrix(features, self.columns),
            y,
            trees=_TREES,
            leaves=_LEAVES,
            rows_per_leaf=int(np.clip(_SHARE_PER_LEAF * y.size, _FEWEST_PER_LEAF, _MOST_PER_LEAF)),
            seed=self.seed,
        )
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
            return probabilities(self._trees, matrix(features, self.columns))[:, 1]
        if self._recency is not None:
            return self._recency.predict(features[_RECENCY])
        return np.full(len(features), self._rate)


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


def forecast(need: Need, known: pd.DataFrame, *, ticks: Floats, move: float, own_dates: bool = True) -> pd.DataFrame:
    """Return what lies ahead of each customer.

    Args:
        need: The fitted forecasts.
        known: Predictors, one row per customer.
        ticks: The clock at the end of each day ahead, 0 to 1.
        move: Of the log-odds of a purchase, compared with the window it was put right on.
        own_dates: Whether each customer has own dates; else all have the pooled ones.

    Returns:
        ``p_purchase`` (0-1), ``from_day``, ``middle_day``, ``until_day`` (days ahead at ``LEVELS``, given a purchase),
        ``p_step_<k>`` (0-1: the first purchase falls into week k).
    """
    # by parts: a distribution over days for each of a million customers would take more memory than all else
    starts = range(0, max(len(known), 1), _FORECAST_AT_ONCE)
    parts = (known.iloc[start : start + _FORECAST_AT_ONCE] for start in starts)
    said = [_forecast(need, part, ticks=ticks, move=move, own_dates=own_dates) for part in parts]
    return said[0] if len(said) == 1 else pd.concat(said, ignore_index=True)


def _forecast(need: Need, known: pd.DataFrame, *, ticks: Floats, move: float, own_dates: bool) -> pd.DataFrame:
    before = need.chance.predict(known)
    p = shifted(before, by=move)
    cumulated = _cumulated(need, known, own=own_dates)
    points = [_own_point(need, cumulated, level, before=before, after=p) for level in LEVELS]
    if not own_dates:
        points = [np.full(len(known), point) for point in need.pooled]
    names = ("from_day", "middle_day", "until_day")
    days = {name: day_of(point, ticks) for name, point in zip(names, points, strict=True)}
    shares = _shares(need, cumulated, ticks=ticks, before=before, after=p, own=own_dates)
    steps = {f"p_step_{k}": (share * p).astype(np.float32) for k, share in enumerate(shares, 1)}
    return pd.DataFrame({"p_purchase": p, **days, **steps})


def _shares(need: Need, cumulated: Floats, *, ticks: Floats, before: Floats, after: Floats, own: bool) -> list[Floats]:
    """Return the chance of each week of the horizon, given a purchase; the last week may be shorter."""
    horizon = len(ticks) - 1
    reached = [np.zeros(len(cumulated))]
    for end in (*range(_WEEK, horizon, _WEEK), horizon):
        chance = cumulated_at(cumulated, need.dates.edges, np.full(len(cumulated), ticks[end]))
        reached.append(faster(need.right.predict(chance), before=before, after=after) if own else chance)
    return [late - early for early, late in pairwise(reached)]


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
        ``wait_days``, ``p_purchase``, and for buyers ``from_day``, ``until_day``, ``pit`` (randomised, 0-1) and
        ``density`` (of the day bought, given a purchase; per share of the clock), each also ``pooled_…``; and
        ``share_step_<k>`` (0-1: chance of week k, given a purchase).
    """
    parts = []
    for origin, window in rows.groupby("origin_on", sort=True):
        clock = ticks[pd.Timestamp(str(origin))]
        before = need.chance.predict(window)
        part = window[[c for c in _KEPT if c in window]].assign(p_purchase=shifted(before, by=move))
        bought = (window["wait_days"] > 0).to_numpy()
        after = part["p_purchase"].to_numpy()[bought]
        of_buyers = _of_buyers(need, window[bought], ticks=clock, before=before[bought], after=after, seed=seed)
        parts.append(part.join(of_buyers))
    return pd.concat(parts, ignore_index=True)


def _of_buyers(
    need: Need, buyers: pd.DataFrame, *, ticks: Floats, before: Floats, after: Floats, seed: int
) -> pd.DataFrame:
    """Return the windows of those who bought, own and pooled, and where in their distributions they fell."""
    low, high = buyers["tick_from"].to_numpy(dtype=np.float64), buyers["tick_to"].to_numpy(dtype=np.float64)
    luck = np.random.default_rng(seed).random(len(low))
    table = pd.DataFrame(index=buyers.index)
    for prefix, own in (("", True), ("pooled_", False)):
        cumulated = _cumulated(need, buyers, own=own)
        below, up_to = (cumulated_at(cumulated, need.dates.edges, at) for at in (low, high))
        if own:
            shares = _shares(need, cumulated, ticks=ticks, before=before, after=after, own=True)
            table = table.assign(**{f"share_step_{k}": share for k, share in enumerate(shares, 1)})
            below, up_to = (faster(need.right.predict(at), before=before, after=after) for at in (below, up_to))
        for name, level, place in (("from_day", LEVELS[0], 0), ("until_day", LEVELS[2], 2)):
            point = _own_point(need, cumulated, level, before=before, after=after) if own else need.pooled[[place]]
            table[prefix + name] = day_of(point, ticks) if own else int(day_of(point, ticks)[0])
        table[f"{prefix}pit"] = randomised_pit(below, up_to, luck=luck)
        table[f"{prefix}density"] = np.maximum(up_to - below, 1e-9) / np.maximum(high - low, 1e-9)
    return table


def pooled_window(need: Need, *, ticks: Floats) -> tuple[int, int]:
    """Return the first and last day ahead of the window that anybody has."""
    first, last = day_of(need.pooled[[0, 2]], ticks)
    return int(first), int(last)
