"""RFM tiers: each customer in exactly one, by how recently, how often and how much they bought.

Eight tiers cross high and low of the three measures, as the trade names them (重要价值客户 …); eleven tiers
cross five scores of recency with five of frequency and money. A customer's tier depends on their own three
numbers and on thresholds in the measure's unit, so ties and the order of rows do not matter, and the same
thresholds can be applied to another day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.checks import columns_present, one_of
from analysis.errors import AnalysisError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MEASURES",
    "METHODS",
    "TIERS_8",
    "TIERS_11",
    "Thresholds",
    "Tier",
    "assign_tiers",
    "find_thresholds",
    "natural_breaks",
    "tiers_of",
]

Floats = NDArray[np.float64]

MEASURES: Final = ("days_since_last_order", "n_orders", "revenue")
METHODS: Final = ("quantile", "natural", "business")

_BREAK_BINS: Final = 400
"""Natural breaks are sought among at most so many distinct levels; finer ones move no break visibly."""

_MOST_MOVES: Final = 100


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier.

    Attributes:
        name: Its key.
        zh: Its trade name in Chinese.
        en: A plain name in English.
        valuable: Whether its customers spend much: the ones worth a person's time.
        active: Whether they bought recently.
    """

    name: str
    zh: str
    en: str
    valuable: bool
    active: bool


TIERS_8: Final = (
    Tier("best", "重要价值客户", "Best customers, recent", valuable=True, active=True),
    Tier("big_spenders", "重要发展客户", "Big spenders, recent", valuable=True, active=True),
    Tier("best_quiet", "重要保持客户", "Best customers, less recent", valuable=True, active=False),
    Tier("big_spenders_quiet", "重要挽留客户", "Big spenders, less recent", valuable=True, active=False),
    Tier("regulars", "一般价值客户", "Regulars, recent", valuable=False, active=True),
    Tier("occasional", "一般发展客户", "Few orders, recent", valuable=False, active=True),
    Tier("regulars_quiet", "一般保持客户", "Regulars, less recent", valuable=False, active=False),
    Tier("occasional_quiet", "一般挽留客户", "Few orders, less recent", valuable=False, active=False),
)

TIERS_11: Final = (
    Tier("champions", "冠军客户", "Champions", valuable=True, active=True),
    Tier("loyal", "忠诚客户", "Loyal", valuable=True, active=True),
    Tier("potential_loyal", "潜在忠诚客户", "Potential loyalists", valuable=False, active=True),
    Tier("new", "新客户", "New", valuable=False, active=True),
    Tier("promising", "有潜力客户", "Promising", valuable=False, active=True),
    Tier("need_attention", "需要关注客户", "Need attention", valuable=False, active=True),
    Tier("about_to_sleep", "即将沉睡客户", "About to sleep", valuable=False, active=False),
    Tier("cannot_lose", "不能失去客户", "Cannot lose", valuable=True, active=False),
    Tier("at_risk", "有流失风险客户", "At risk", valuable=True, active=False),
    Tier("hibernating", "沉睡客户", "Hibernating", valuable=False, active=False),
    Tier("lost", "已流失客户", "Lost", valuable=False, active=False),
)

_RECENT_FREQUENT_MUCH: Final = {
    (1, 1, 1): "best",
    (1, 0, 1): "big_spenders",
    (0, 1, 1): "best_quiet",
    (0, 0, 1): "big_spenders_quiet",
    (1, 1, 0): "regulars",
    (1, 0, 0): "occasional",
    (0, 1, 0): "regulars_quiet",
    (0, 0, 0): "occasional_quiet",
}

_BY_SCORE: Final = {
    5: ("new", "potential_loyal", "potential_loyal", "champions", "champions"),
    4: ("promising", "potential_loyal", "potential_loyal", "champions", "champions"),
    3: ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),
    2: ("hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"),
    1: ("lost", "lost", "at_risk", "cannot_lose", "cannot_lose"),
}
"""Recency score (5 = most recent) → tier by the score of frequency and money (1 to 5, their mean rounded up)."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a measure turns from one level to the next, ascending: one threshold for 8 tiers, four for 11.

    Attributes:
        days_since_last_order: Days; a customer with at most so many is on the more recent side.
        n_orders: Orders; a customer with at least so many is on the higher side. Infinite: nobody is.
        revenue: Currency; a customer with at least so much is on the higher side.
    """

    days_since_last_order: tuple[float, ...]
    n_orders: tuple[float, ...]
    revenue: tuple[float, ...]


def tiers_of(cells: int) -> tuple[Tier, ...]:
    """Return the tiers, best first.

    Raises:
        AnalysisError: If ``cells`` is neither 8 nor 11.
    """
    by_cells = {8: TIERS_8, 11: TIERS_11}
    if cells not in by_cells:
        raise AnalysisError(f"There are 8 or 11 tiers, not {cells}.")
    return by_cells[cells]


def find_thresholds(
    features: "pd.DataFrame",
    *,
    cells: int = 8,
    method: str = "quantile",
    business: Mapping[str, Sequence[float]] | None = None,
) -> Thresholds:
    """Return thresholds of the three measures.

    ``quantile`` cuts each measure at its median (8 tiers) or quintiles (11 tiers); ``natural`` at the breaks that
    minimise the spread within classes, orders and revenue on a log scale; ``business`` takes what the book says.
    A threshold is always a value that a customer has, so that it reads as "2 orders or more".

    Args:
        features: One row per customer with ``days_since_last_order`` (days), ``n_orders`` and ``revenue`` (currency).
        cells: 8 or 11.
        method: ``quantile``, ``natural`` or ``business``.
        business: For ``business``: one threshold (8 tiers) or four ascending ones (11) for each measure.

    Raises:
        AnalysisError: If a measure is missing or unknown for a customer, or business thresholds do not fit.
    """
    one_of(method, allowed=METHODS, what="method")
    n_thresholds = 1 if tiers_of(cells) is TIERS_8 else 4
    values = _measures(features)
    if method == "business":
        return _business(business or {}, n_thresholds=n_thresholds)
    if len(features) == 0:
        raise AnalysisError("There are no customers to take thresholds from.")
    found = {name: _cuts(values[name], name, method, n_thresholds) for name in MEASURES}
    return Thresholds(**found)


def assign_tiers(features: "pd.DataFrame", *, thresholds: Thresholds, cells: int = 8) -> "pd.Series[str]":
    """Return the tier of each customer, as its key, in the order of the rows.

    Args:
        features: One row per customer with the three measures.
        thresholds: From ``find_thresholds``, of this or another day.
        cells: 8 or 11.

    Raises:
        AnalysisError: If a measure is missing or unknown for a customer.

    Examples:
        >>> import pandas as pd
        >>> customers = pd.DataFrame({"days_since_last_order": [3, 90], "n_orders": [5, 1], "revenue": [900.0, 40.0]})
        >>> assign_tiers(customers, thresholds=Thresholds((30,), (2,), (500,))).tolist()
        ['best', 'occasional_quiet']
    """
    import pandas as pd

    values = _measures(features)
    # A customer is at or above a threshold for orders and revenue, at or below it for days.
    days, orders, revenue = (
        sum((values[name] <= cut if name == MEASURES[0] else values[name] >= cut).astype(np.int64) for cut in cuts)
        for name, cuts in ((name, getattr(thresholds, name)) for name in MEASURES)
    )
    names = [tier.name for tier in tiers_of(cells)]
    if cells == 8:
        codes = np.empty((2, 2, 2), dtype=np.int64)
        for key, name in _RECENT_FREQUENT_MUCH.items():
            codes[key] = names.index(name)
        code = codes[days, orders, revenue]
    else:
        grid = np.array([[names.index(name) for name in _BY_SCORE[score]] for score in range(1, 6)])
        code = grid[days, (orders + revenue + 1) // 2]
    return pd.Series(np.array(names, dtype=object)[code], index=features.index, dtype="str", name="tier")


def natural_breaks(values: ArrayLike, *, classes: int) -> tuple[float, ...]:
    """Return the lowest value of each class but the first, for the classes with the least spread within.

    Exact (Fisher's dynamic programme) for up to 400 distinct values; more are binned to 400 quantiles first, and the
    breaks then moved on the values themselves.

    Args:
        values: Any unit.
        classes: At least 2; fewer come back if there are fewer distinct values.

    Raises:
        AnalysisError: If there are no values or fewer than two classes.

    References:
        Fisher, W. D. (1958). On grouping for maximum homogeneity. JASA 53(284), 789-798.
        Jenks, G. F. (1967). The data model concept in statistical mapping.

    Examples:
        >>> natural_breaks([1, 2, 2, 3, 40, 41, 42], classes=2)
        (40.0,)
    """
    if classes < 2:
        raise AnalysisError(f"Breaks need two classes or more, got {classes}.")
    found = np.asarray(values, dtype=np.float64)
    if len(found) == 0:
        raise AnalysisError("There are no values to break into classes.")
    level, count = np.unique(found, return_counts=True)
    weight = count.astype(np.float64)
    if len(level) <= _BREAK_BINS:
        return tuple(level[_fisher_starts(level, weight, classes=min(classes, len(level)))].tolist())
    edges = np.unique(np.quantile(found, np.linspace(0, 1, _BREAK_BINS + 1)[:-1], method="higher"))
    bins = np.searchsorted(edges, level, side="right") - 1
    total: Floats = np.bincount(bins, weights=weight).astype(np.float64)
    mean = np.bincount(bins, weights=weight * level) / total
    starts = _fisher_starts(mean, total, classes=min(classes, len(edges)))
    return tuple(level[_settled(level, weight, np.searchsorted(level, edges[starts]))].tolist())


def _settled(level: Floats, weight: Floats, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return starts moved to where each value is nearest to the mean of its own class: a bin may straddle a break."""
    count, total = (np.concatenate([[0.0], np.cumsum(part)]) for part in (weight, weight * level))
    for _ in range(_MOST_MOVES):
        edges = np.concatenate([[0], starts, [len(level)]])
        means = np.diff(total[edges]) / np.diff(count[edges])
        moved = np.searchsorted(level, (means[1:] + means[:-1]) / 2, side="right")
        if (moved == starts).all():
            break
        starts = moved
    return starts


def _fisher_starts(level: Floats, weight: Floats, *, classes: int) -> NDArray[np.int64]:
    """Return where each class but the first starts, least squares within classes."""
    n = len(level)
    count, total, square = (np.concatenate([[0], np.cumsum(weight * level**power)]) for power in (0, 1, 2))
    # spread[i, j]: sum of squares of levels i … j - 1 about their mean
    width = count[None, :] - count[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (square[None, :] - square[:, None]) - (total[None, :] - total[:, None]) ** 2 / width
    spread = np.where(width > 0, np.maximum(spread, 0), np.inf)
    best = spread[0]
    cut_at = np.zeros((classes, n + 1), dtype=np.int64)
    for k in range(1, classes):
        candidates = best[:, None] + spread
        cut_at[k] = candidates.argmin(axis=0)
        best = candidates.min(axis=0)
    starts, end = [], n
    for k in range(classes - 1, 0, -1):
        end = int(cut_at[k, end])
        starts.append(end)
    return np.array(starts[::-1], dtype=np.int64)


def _measures(features: "pd.DataFrame") -> dict[str, Floats]:
    columns_present(features.columns, needed=MEASURES, table="features")
    values = {name: features[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in MEASURES}
    for name, column in values.items():
        if np.isnan(column).any():
            raise AnalysisError(f"'{name}' is unknown for {int(np.isnan(column).sum())} customers.")
    return values


def _cuts(values: Floats, name: str, method: str, n_thresholds: int) -> tuple[float, ...]:
    if name == "days_since_last_order":
        return _cuts_of_days(values, method, n_thresholds)
    if method == "natural":
        # Money and orders span orders of magnitude: on a plain scale every break lands among the top 1 %.
        logs = np.log1p(np.maximum(values, 0))
        cuts = [float(values[logs >= cut].min()) for cut in natural_breaks(logs, classes=n_thresholds + 1)]
    else:
        cuts = [_next_above(values, float(cut)) for cut in np.quantile(values, _levels(n_thresholds))]
    return (*cuts, *[float("inf")] * (n_thresholds - len(cuts)))


def _cuts_of_days(values: Floats, method: str, n_thresholds: int) -> tuple[float, ...]:
    """Return thresholds such that "at most so many days" is the more recent side."""
    if method == "natural":
        breaks = natural_breaks(values, classes=n_thresholds + 1)
        cuts = [float(values[values < cut].max()) for cut in breaks]
        return (*cuts, *[float(values.max())] * (n_thresholds - len(cuts)))
    return tuple(float(cut) for cut in np.quantile(values, _levels(n_thresholds), method="lower"))


def _levels(n_thresholds: int) -> Floats:
    return np.arange(1, n_thresholds + 1) / (n_thresholds + 1)


def _next_above(values: Floats, cut: float) -> float:
    above = values[values > cut]
    return float(above.min()) if len(above) else float("inf")


def _business(given: Mapping[str, Sequence[float]], *, n_thresholds: int) -> Thresholds:
    columns_present(given, needed=MEASURES, table="business thresholds")
    found = {}
    for name in MEASURES:
        cuts = tuple(float(cut) for cut in given[name])
        if len(cuts) != n_thresholds or list(cuts) != sorted(cuts):
            raise AnalysisError(
                f"'{name}' has the business thresholds {list(cuts)}.",
                hint=f"give {n_thresholds} of them in ascending order",
            )
        found[name] = cuts
    return Thresholds(**found)
