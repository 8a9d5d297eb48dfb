"""When, if at all: the distribution of the day of the next purchase, given that it falls within the horizon.

The share of the shop's clock (``brand_clock.ticks``) that has run when a customer buys is put into a few slots of
equal weight; boosted trees learn each customer's chances of the slots, straight lines join them, and one map learnt on
a later window puts the whole distribution right. Without enough buyers everybody gets the pooled distribution.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.churn.next_need.trees import learnt, matrix, varying
from analysis.stats.boosted_trees import probabilities

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = [
    "FEWEST_TO_LEARN",
    "Recalibration",
    "WaitDistribution",
    "cumulated_at",
    "day_of",
    "faster",
    "point_at",
    "randomised_pit",
    "slot_edges",
]

Floats = NDArray[np.float64]

FEWEST_TO_LEARN: Final = 200
"""Buyers below which nobody's dates can be told from anybody's."""

_SLOTS: Final = 6
_TREES: Final = 25
_LEAVES: Final = 6
_SHARE_PER_LEAF: Final = 0.01
_FEWEST_PER_LEAF: Final = 20
_MOST_PER_LEAF: Final = 150
"""Small trees, many columns left out at each split: chosen on the Complete Journey and the demo brands among 4 to 8
slots and 20 to 80 trees; the log loss moves in the third digit."""

_LARGEST_FIT: Final = 60_000
_KNOTS: Final = np.linspace(0.0, 1.0, 21)
_WEIGHTS: Final = np.linspace(0.0, 1.0, 5)
_PRIOR_BUYERS: Final = 100.0
"""The map that puts distributions right is drawn towards no change with the weight of so many buyers."""


class Recalibration:
    """A rising map of probabilities, learnt from where outcomes fell in their forecast distributions.

    References:
        Kuleshov, Fenner, Ermon 2018, Proceedings of ICML, section 3 (calibrated regression).
    """

    def __init__(self) -> None:
        self.knots: Floats = _KNOTS.copy()

    def fit(self, pit: ArrayLike) -> "Recalibration":
        """Learn from the probability integral transforms of a later window, each within 0-1."""
        fell = np.sort(np.asarray(pit, dtype=np.float64))
        if not fell.size:
            return self
        below = np.searchsorted(fell, _KNOTS, side="right") / fell.size
        mixed = (fell.size * below + _PRIOR_BUYERS * _KNOTS) / (fell.size + _PRIOR_BUYERS)
        mixed[0], mixed[-1] = 0.0, 1.0
        self.knots = mixed
        return self

    def predict(self, probability: ArrayLike) -> Floats:
        """Return the probabilities put right."""
        return np.interp(np.asarray(probability, dtype=np.float64), _KNOTS, self.knots)

    def raw(self, level: ArrayLike) -> Floats:
        """Return the probabilities that are put right to these levels."""
        return np.interp(np.asarray(level, dtype=np.float64), self.knots, _KNOTS)


class WaitDistribution:
    """Chances of each slot of the clock, given a purchase within the horizon.

    Attributes:
        edges: Borders of the slots on the clock, 0 to 1.
        columns: Predictors in use; empty where everybody has the pooled distribution.
        own_weight: Weight of each customer's own distribution beside the pooled one, 0-1.
    """

    edges: Floats
    columns: list[str]
    own_weight: float

    def __init__(self, *, seed: int) -> None:
        self.seed = seed
        self._model: HistGradientBoostingClassifier | None = None

    def fit(self, features: pd.DataFrame, at: ArrayLike) -> "WaitDistribution":
        """Learn from buyers of past windows.

        Args:
            features: Their predictors at the origins.
            at: Where on the clock each bought, 0-1.
        """
        fell = np.asarray(at, dtype=np.float64)
        self.edges = slot_edges(fell)
        self.own_weight = 1.0
        self.columns = varying(features)
        if len(fell) < FEWEST_TO_LEARN or not self.columns:
            self.columns = []
            return self
        rows = _sample(len(fell), seed=self.seed)
        slot = np.searchsorted(self.edges[1:-1], fell[rows])
        self._model = learnt(
            matrix(features.iloc[rows], self.columns),
            slot.astype(np.float64),
            trees=_TREES,
            leaves=_LEAVES,
            rows_per_leaf=int(np.clip(_SHARE_PER_LEAF * len(rows), _FEWEST_PER_LEAF, _MOST_PER_LEAF)),
            seed=self.seed,
        )
        return self

    def weigh(self, features: pd.DataFrame, at: ArrayLike) -> "WaitDistribution":
        """Choose how far own distributions count beside the pooled one, by the buyers of a later window."""
        fell = np.asarray(at, dtype=np.float64)
        if self._model is None or not fell.size:
            return self
        slot = np.searchsorted(self.edges[1:-1], fell)
        slots = len(self.edges) - 1
        own = np.diff(self.predict(features), axis=1)[np.arange(len(fell)), slot] * slots
        gains = [float(np.log(weight * own + 1 - weight).sum()) for weight in _WEIGHTS]
        self.own_weight = float(_WEIGHTS[int(np.argmax(gains))])
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """Return each customer's cumulated chance at the borders of the slots, shape (customers, slots + 1)."""
        slots = len(self.edges) - 1
        cumulated = np.zeros((len(features), slots + 1))
        if self._model is None:
            cumulated[:] = np.linspace(0.0, 1.0, slots + 1)
            return cumulated
        each = np.zeros((len(features), slots))
        each[:, self._model.classes_.astype(int)] = probabilities(self._model, matrix(features, self.columns))
        each = self.own_weight * each + (1 - self.own_weight) / slots
        np.cumsum(each, axis=1, out=cumulated[:, 1:])
        cumulated[:, -1] = 1.0
        return cumulated


def slot_edges(at: ArrayLike) -> Floats:
    """Return borders of slots that hold equally many of the buyers, from 0 to 1."""
    fell = np.asarray(at, dtype=np.float64)
    inner = np.quantile(fell, np.arange(1, _SLOTS) / _SLOTS) if fell.size else np.arange(1, _SLOTS) / _SLOTS
    return np.concatenate([[0.0], np.maximum.accumulate(np.clip(inner, 1e-6, 1 - 1e-6)), [1.0]])


def cumulated_at(cumulated: Floats, edges: Floats, at: ArrayLike) -> Floats:
    """Return each row's cumulated chance at its own point of the clock (0-1)."""
    point = np.asarray(at, dtype=np.float64)
    slot = np.clip(np.searchsorted(edges, point, side="right") - 1, 0, len(edges) - 2)
    row = np.arange(len(point))
    low, high = cumulated[row, slot], cumulated[row, slot + 1]
    width = np.maximum(edges[slot + 1] - edges[slot], 1e-12)
    return np.asarray(low + (high - low) * np.clip((point - edges[slot]) / width, 0.0, 1.0), dtype=np.float64)


def randomised_pit(below: ArrayLike, up_to: ArrayLike, *, luck: ArrayLike) -> Floats:
    """Return the randomised probability integral transform of whole days: uniform if the distributions are right.

    Args:
        below: Chance of an earlier day.
        up_to: Chance of that day or an earlier one.
        luck: Uniform draws, 0-1.

    References:
        Czado, Gneiting, Held 2009, Biometrics 65, section 2.
    """
    low, high = np.asarray(below, dtype=np.float64), np.asarray(up_to, dtype=np.float64)
    return np.asarray(low + np.asarray(luck) * (high - low), dtype=np.float64)


def point_at(cumulated: Floats, edges: Floats, level: ArrayLike) -> Floats:
    """Return the point of the clock (0-1) at which each row's cumulated chance reaches a level, one or each its own.

    Examples:
        >>> point_at(np.array([[0.0, 0.5, 1.0]]), np.array([0.0, 0.2, 1.0]), 0.75).round(6).tolist()
        [0.6]
    """
    wanted = np.broadcast_to(np.asarray(level, dtype=np.float64), len(cumulated))
    slot = np.clip((cumulated[:, 1:-1] < wanted[:, None]).sum(axis=1), 0, len(edges) - 2)
    row = np.arange(len(cumulated))
    low, high = cumulated[row, slot], cumulated[row, slot + 1]
    inside = np.clip((wanted - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    return np.asarray(edges[slot] + inside * (edges[slot + 1] - edges[slot]), dtype=np.float64)


def faster(chance: ArrayLike, *, before: ArrayLike, after: ArrayLike) -> Floats:
    """Return cumulated chances, given a purchase, when all hazards rise or fall so that the chance to buy at all moves.

    More purchases in the same days come earlier: what is left without one is raised to a power.

    Args:
        chance: Given a purchase, 0-1.
        before: Probability to buy within the horizon for which it holds.
        after: Probability that it is moved to.

    Examples:
        >>> faster([0.5], before=[0.5], after=[0.5]).round(6).tolist()
        [0.5]
    """
    p, moved = (np.clip(np.asarray(x, dtype=np.float64), 1e-6, 1 - 1e-6) for x in (before, after))
    power = np.log1p(-moved) / np.log1p(-p)
    return np.asarray(-np.expm1(power * np.log1p(-p * np.asarray(chance, dtype=np.float64))) / moved, dtype=np.float64)


def day_of(point: ArrayLike, ticks: Floats) -> NDArray[np.int32]:
    """Return the day ahead (1 is tomorrow) in which the clock passes each point (0-1).

    Examples:
        >>> day_of([0.1, 0.25, 0.26, 1.0], np.array([0.0, 0.25, 1.0])).tolist()
        [1, 1, 2, 2]
    """
    day = np.searchsorted(ticks, np.asarray(point, dtype=np.float64) - 1e-9, side="left")
    return np.clip(day, 1, len(ticks) - 1).astype(np.int32)


def _sample(n: int, *, seed: int) -> NDArray[np.int64]:
    if n <= _LARGEST_FIT:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, _LARGEST_FIT, replace=False, shuffle=False))
