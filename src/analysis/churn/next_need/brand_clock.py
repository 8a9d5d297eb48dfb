"""The shop's own clock: how fast it runs on each day ahead, foretold from weekdays and from the same dates a year ago.

A sale or a holiday moves everybody's dates at once. Dates are therefore forecast on a clock that runs fast on days when
much is bought, and read back as days of the calendar.
"""

from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.features.replenishment import PurchaseLog, known_at

__all__ = ["Foretold", "cohort_purchases", "foretell", "ticks"]

Floats = NDArray[np.float64]

_EPOCH: Final = date(1970, 1, 1)
_WEEKS_OF_HABIT: Final = 26
_FEWEST_PURCHASES: Final = 200
"""Purchases of a window below which last year's days say nothing of this year's."""

_SLOWEST: Final = 0.05  # of an average day: the clock never stands still
_TRUSTS: Final = np.linspace(0.0, 1.0, 5)


class Foretold(NamedTuple):
    """How fast the shop's clock runs on each day ahead.

    Attributes:
        speed: Purchases foretold for each day, mean 1.
        trust: How far last year's same dates foretold this year's so far, 0 (not at all, or not known) to 1.
    """

    speed: Floats
    trust: float


def cohort_purchases(log: PurchaseLog, *, origin: int, horizon_days: int) -> Floats:
    """Return the purchases on each of the days after ``origin`` by those who were customers then."""
    was_there = np.zeros(len(log.customer_id), dtype=bool)
    was_there[known_at(log, origin).customer] = True
    later = known_at(log, origin + horizon_days, since=origin)
    ahead = (later.day - origin)[was_there[later.customer]]
    return np.bincount(ahead, minlength=horizon_days + 1)[1 : horizon_days + 1].astype(np.float64)


def foretell(log: PurchaseLog, *, origin: int, horizon_days: int, first_day: int) -> Foretold:
    """Return the speed of the clock on the days after ``origin``, from purchases known at its end.

    Weekdays as in the last half year, times last year's same dates as far as they foretold this year's.

    Args:
        log: Purchases; what happened after the origin is cut here.
        origin: Day number, inclusive.
        horizon_days: Days ahead.
        first_day: Day number at which the shop's history begins.
    """
    known = known_at(log, origin)
    habit = _weekday_habit(known, origin=origin, first_day=first_day)
    fading = _fading(known, origin=origin, horizon_days=horizon_days, first_day=first_day)
    ahead = np.arange(1, horizon_days + 1)
    weekday = habit[_weekday(origin + ahead)]
    last_year = _last_year(known, origin, horizon_days=horizon_days, first_day=first_day, habit=habit, fading=fading)
    if last_year is None:
        return Foretold(weekday / weekday.mean(), 0.0)
    trust = _trust(known, origin=origin, horizon_days=horizon_days, first_day=first_day, habit=habit, fading=fading)
    speed = np.maximum(weekday * last_year**trust, _SLOWEST)
    return Foretold(speed / speed.mean(), trust)


def ticks(speed: Floats) -> Floats:
    """Return what the clock shows at the end of each day, from 0 at the origin to 1 at the horizon.

    Examples:
        >>> ticks(np.array([1.0, 3.0])).tolist()
        [0.0, 0.25, 1.0]
    """
    run = np.concatenate([[0.0], np.cumsum(speed)])
    return np.asarray(run / run[-1], dtype=np.float64)


def _weekday(day: NDArray[np.int64]) -> NDArray[np.int64]:
    return (day + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday


def _weekday_habit(known: PurchaseLog, *, origin: int, first_day: int) -> Floats:
    """Return purchases by weekday in the last half year, mean 1, drawn towards 1 as far as luck explains them."""
    weeks = min(_WEEKS_OF_HABIT, (origin - first_day + 1) // 7)
    if weeks < 2:
        return np.ones(7)
    recent = known.day[known.day > origin - 7 * weeks]
    counts = np.bincount(_weekday(recent.astype(np.int64)), minlength=7).astype(np.float64)
    return _beyond_luck(counts, np.full(7, counts.mean()))


def _beyond_luck(counts: Floats, expected: Floats) -> Floats:
    """Return counts over what was expected, mean 1, each drawn towards 1 by the share of its variance that is luck."""
    total = counts.sum()
    if total <= 0:
        return np.ones_like(counts)
    expected = np.maximum(expected * total / expected.sum(), 1e-9)
    ratio = counts / expected
    luck = 1 / expected
    beyond = max(float(np.average((ratio - 1) ** 2 - luck, weights=expected)), 0.0)
    drawn = 1 + (ratio - 1) * beyond / (beyond + luck)
    return np.asarray(drawn / drawn.mean(), dtype=np.float64)


def _fading(known: PurchaseLog, *, origin: int, horizon_days: int, first_day: int) -> Floats:
    """Return how purchases of a fixed crowd fade over a window, mean 1, a straight line over windows of all seasons."""
    shapes = []
    for start in range(origin - horizon_days, first_day + horizon_days, -max(horizon_days // 2, 7)):
        counts = cohort_purchases(known, origin=start, horizon_days=horizon_days)
        if counts.sum() >= _FEWEST_PURCHASES:
            shapes.append(counts / counts.mean())
    if not shapes or horizon_days < 2:
        return np.ones(horizon_days)
    ahead = np.arange(horizon_days, dtype=np.float64)
    line = np.polynomial.Polynomial.fit(ahead, np.mean(shapes, axis=0), 1)(ahead)
    line = np.clip(line, 0.2, None)
    return np.asarray(line / line.mean(), dtype=np.float64)


def _last_year(
    known: PurchaseLog, origin: int, *, horizon_days: int, first_day: int, habit: Floats, fading: Floats
) -> Floats | None:
    """Return how much more than usual was bought on the same dates a year ago, mean 1; None without history."""
    same_date = np.array([_year_before(origin + k) for k in range(1, horizon_days + 1)])
    twin = int(same_date[0]) - 1
    if twin - first_day < horizon_days:
        return None
    span = int(same_date[-1]) - twin
    counts = cohort_purchases(known, origin=twin, horizon_days=span)
    if counts.sum() < _FEWEST_PURCHASES:
        return None
    stretched = np.interp(np.arange(span), np.linspace(0, span - 1, horizon_days), fading)
    usual = stretched * habit[_weekday(twin + 1 + np.arange(span))]
    return np.asarray(_beyond_luck(counts, usual)[same_date - twin - 1], dtype=np.float64)


def _year_before(day: int) -> int:
    """Return the day number of the same date a year earlier; the leap day gives the day before it."""
    this = _EPOCH + timedelta(days=day)
    month, of_month = (2, 28) if (this.month, this.day) == (2, 29) else (this.month, this.day)
    return (date(this.year - 1, month, of_month) - _EPOCH).days


def _trust(
    known: PurchaseLog, *, origin: int, horizon_days: int, first_day: int, habit: Floats, fading: Floats
) -> float:
    """Return how far last year's dates foretold this year's, by the likelihood of the days of past windows."""
    gain = np.zeros(len(_TRUSTS))
    for start in range(origin - horizon_days, first_day, -horizon_days):
        foretold = _last_year(known, start, horizon_days=horizon_days, first_day=first_day, habit=habit, fading=fading)
        if foretold is None:
            break
        counts = cohort_purchases(known, origin=start, horizon_days=horizon_days)
        usual = fading * habit[_weekday(start + np.arange(1, horizon_days + 1))]
        rates = np.maximum(usual * foretold ** _TRUSTS[:, None], 1e-9)
        gain += np.log(rates / rates.sum(axis=1, keepdims=True)) @ counts
    return float(_TRUSTS[int(np.argmax(gain))])
