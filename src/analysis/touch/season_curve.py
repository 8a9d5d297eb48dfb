"""How fast customers buy at each time of the year, told apart from their age; a purchase clock knows no season."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

__all__ = ["Curve", "season_curve", "weekly_counts"]

Floats = npt.NDArray[np.float64]

_YEAR_WEEKS: Final = 52
_ROUNDS: Final = 60
_ROWS: Final = 500_000
_BANDWIDTH_WEEKS: Final = 1.0
_FEWEST_JOINING_WEEKS: Final = 26
"""Weeks in which customers joined: with fewer, a quiet week cannot be told from customers grown old."""

_FEWEST_ORDERS: Final = 500
_NARROWEST, _WIDEST = 0.2, 5.0  # of an ordinary day: a clock neither stops nor runs away


class Curve(NamedTuple):
    """The factor of the purchase rate on each day ahead.

    Attributes:
        factors: (days,); their level is that of the history: the mean over it, weighted by expected orders, is 1.
        known: Whether history tells a season; without, every factor is 1.
        reason: ``season``, or why there is none: ``short`` (less than a year), ``one_cohort`` (customers joined within
            half a year), ``few`` (hardly any repeat order), ``flat`` (no more than luck).
        history_mean: Mean of the curve over the history, weighted by expected orders; 1 by construction.
    """

    factors: Floats
    known: bool
    reason: str
    history_mean: float


def weekly_counts(day: npt.ArrayLike, *, customer: npt.ArrayLike, last_day: int) -> tuple[Floats, Floats]:
    """Return repeat orders and customers by week of history and week of age, each (weeks, weeks).

    Weeks are counted so that the last one ends on ``last_day``; the first order of a customer is none of theirs to
    repeat and starts their age.

    Args:
        day: Day number of each purchase.
        customer: Position of its customer, 0, 1, …
        last_day: Last day of history.
    """
    days, who = np.asarray(day, dtype=np.int32), np.asarray(customer, dtype=np.int32)
    if not len(days):
        return np.zeros((0, 0)), np.zeros((0, 0))
    born = np.full(int(who.max()) + 1, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(born, who, days)
    first = born[born <= last_day]
    weeks = int((last_day - int(first.min())) // 7) + 1
    opening = last_day - 7 * weeks + 1
    joined = (born - np.int32(opening)) // np.int32(7)
    orders = np.zeros(weeks * weeks)
    for begin in range(0, len(days), _ROWS):  # part by part: millions of rows want no fresh memory
        day_, who_ = days[begin : begin + _ROWS], who[begin : begin + _ROWS]
        repeat = day_ > born[who_]
        at, since = (day_[repeat] - np.int32(opening)) // np.int32(7), joined[who_[repeat]]
        orders += np.bincount(at * np.int32(weeks) + (at - since), minlength=weeks * weeks)
    joins = np.bincount((first - opening) // 7, minlength=weeks).astype(float)
    week = np.arange(weeks)
    age = week[:, None] - week[None, :]
    there = np.where(age >= 0, joins[np.clip(age, 0, None)], 0.0)
    # In the week they join customers are there for half of it.
    there[:, 0] /= 2
    return orders.reshape(weeks, weeks), there


def season_curve(orders: Floats, there: Floats, *, horizon_days: int) -> Curve:
    """Return the season of the days after history, from repeat orders by week and age.

    Orders are taken as customers × how much that age buys × how much that week buys; both are found in turn. Weeks a
    year apart are put together, smoothed over a fortnight, and drawn towards 1 by as much as luck explains.

    Args:
        orders: Repeat orders by week of history (oldest first) and week of age, (weeks, weeks).
        there: Customers by the same.
        horizon_days: Days ahead.

    Raises:
        AnalysisError: If no day is ahead.
    """
    if horizon_days < 1:
        raise AnalysisError(f"A season needs days ahead, got {horizon_days}.")
    reason = _why_not(orders, there)
    if reason:
        return Curve(np.ones(horizon_days), known=False, reason=reason, history_mean=1.0)
    expected = _expected_without_season(orders, there)
    weeks = len(orders)
    place = (np.arange(weeks) - weeks) % _YEAR_WEEKS  # 0 is the week that begins the day after history
    found, due = (_by_week(weights, place=place) for weights in (orders.sum(axis=1), expected))
    yearly = _beyond_luck(found, due)
    level = float(np.average(yearly[place], weights=expected))
    yearly = yearly / level
    if np.ptp(yearly) < 1e-6:
        return Curve(np.ones(horizon_days), known=False, reason="flat", history_mean=1.0)
    middle = (np.arange(horizon_days) - 3.0) / 7.0 % _YEAR_WEEKS  # a week's factor holds in its middle
    factors = np.interp(middle, np.arange(_YEAR_WEEKS + 1), np.append(yearly, yearly[0]))
    mean = float(np.average(yearly[place], weights=expected))
    return Curve(np.clip(factors, _NARROWEST, _WIDEST), known=True, reason="season", history_mean=mean)


def _why_not(orders: Floats, there: Floats) -> str:
    if len(orders) < _YEAR_WEEKS:
        return "short"
    if orders.sum() < _FEWEST_ORDERS:
        return "few"
    joins = there[-1][::-1]
    many = joins > 0.002 * joins.sum()
    return "one_cohort" if many.sum() < _FEWEST_JOINING_WEEKS else ""


def _expected_without_season(orders: Floats, there: Floats) -> Floats:
    """Return the orders of each week if all weeks were alike: by age alone, after both were found in turn.

    References:
        Deming, W. and Stephan, F. (1940), Annals of Mathematical Statistics 11: iterative proportional fitting, here
        with customers as exposure; the fixed point is the maximum likelihood of a Poisson model age × week.
    """
    week = np.ones(len(orders))
    of_week, of_age = orders.sum(axis=1), orders.sum(axis=0)
    age = np.zeros(len(orders))
    for _ in range(_ROUNDS):
        age = of_age / np.maximum(week @ there, 1e-9)
        due = np.maximum(there @ age, 1e-9)
        week = of_week / due
        week /= np.average(week, weights=due)
    # The ages are left with the level: orders due add up to the orders there were.
    age = of_age / np.maximum(week @ there, 1e-9)
    return np.asarray(np.maximum(there @ age, 1e-9))


def _by_week(values: Floats, *, place: npt.NDArray[np.int64]) -> Floats:
    return _smoothed(np.bincount(place, weights=values, minlength=_YEAR_WEEKS).astype(np.float64))


def _smoothed(values: Floats) -> Floats:
    """Return the values of a year of weeks, each averaged with its neighbours around the year."""
    away = np.arange(-4, 5)
    weight = np.exp(-0.5 * (away / _BANDWIDTH_WEEKS) ** 2)
    weight /= weight.sum()
    rolled = [w * np.roll(values, int(a)) for a, w in zip(away, weight, strict=True)]
    return np.asarray(np.sum(rolled, axis=0))


def _beyond_luck(found: Floats, due: Floats) -> Floats:
    """Return found over due, drawn towards 1 by the share of its variance that Poisson luck explains."""
    ratio = found / due
    away = np.arange(-4, 5)
    weight = np.exp(-0.5 * (away / _BANDWIDTH_WEEKS) ** 2)
    kept = float((weight**2).sum() / weight.sum() ** 2)  # smoothing averages luck away
    luck = kept / due
    beyond = max(float(np.average((ratio - 1) ** 2 - luck, weights=due)), 0.0)
    return np.asarray(1 + (ratio - 1) * beyond / (beyond + luck))
