"""Past days at which customers are looked at, and what came after each of them."""

from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.churn.labels import rolling_origins
from analysis.features.replenishment import PurchaseLog, day_number, known_at, of_customers

__all__ = ["clocks", "first_day", "first_wait", "past_days", "predictors", "sampled", "timestamp", "with_ticks"]

_EPOCH: Final = pd.Timestamp("1970-01-01")
_TRAINING_ORIGINS: Final = 4
_NOT_PREDICTORS: Final = frozenset(
    {"customer_id", "customer", "category", "origin_on", "role", "wait_days", "tick_from", "tick_to"}
)


def past_days(as_of: date, *, first: int, horizon_days: int) -> list[tuple[str, int]]:
    """Return past days with their roles (judging, calibration, training), newest first; windows never overlap.

    None where there is nothing to learn from: history must hold four horizons.

    Args:
        as_of: Today, inclusive.
        first: Day number at which the shop's history begins.
        horizon_days: Days ahead.
    """
    first_on = timestamp(first).date()
    days = rolling_origins(as_of=as_of, horizon_days=horizon_days, first_day=first_on, n_training=_TRAINING_ORIGINS)
    if not days.training:
        return []
    found = [("judging", days.judging), ("calibration", days.calibration)]
    found += [("training", day) for day in reversed(days.training)]
    return [(role, day_number(day)) for role, day in found]


def timestamp(day: int) -> pd.Timestamp:
    """Return the day of a day number."""
    return _EPOCH + pd.Timedelta(days=day)


def first_day(log: PurchaseLog) -> int:
    """Return the day number at which the shop's history begins."""
    return int(log.day.min()) if len(log.day) else 0


def sampled(log: PurchaseLog, *, customers: int, seed: int) -> PurchaseLog:
    """Return the log of at most so many customers, drawn at random."""
    n = len(log.customer_id)
    if n <= customers:
        return log
    return of_customers(log, np.sort(np.random.default_rng(seed).choice(n, customers, replace=False)))


def first_wait(log: PurchaseLog, *, origin: int, horizon_days: int, category: int | None = None) -> NDArray[np.int32]:
    """Return for each customer of the log the day of the first purchase after the origin, as known when it closes.

    Args:
        log: Purchases.
        origin: Day number, inclusive.
        horizon_days: Days ahead.
        category: Only purchases of that category.

    Returns:
        1 is the day after the origin; 0 without a purchase within the horizon.
    """
    later = known_at(log, origin + horizon_days, since=origin)
    who, days = later.customer, later.day
    if category is not None:
        mine = later.category == category
        who, days = who[mine], days[mine]
    wait = np.zeros(len(log.customer_id), dtype=np.int32)
    wait[who[::-1]] = days[::-1] - origin  # the earliest is written last
    return wait


def predictors(rows: pd.DataFrame) -> list[str]:
    """Return the columns of history that were known on the day."""
    return [str(c) for c in rows.columns if c not in _NOT_PREDICTORS]


def clocks(clock: pd.DataFrame) -> dict[pd.Timestamp, NDArray[np.float64]]:
    """Return the clock of each origin, from 0 at the origin to 1 at the horizon.

    Args:
        clock: One row per origin and day ahead: ``origin_on``, ``tick``.
    """
    return {
        pd.Timestamp(str(origin)): np.concatenate([[0.0], days["tick"].to_numpy(dtype=np.float64)])
        for origin, days in clock.groupby("origin_on")
    }


def with_ticks(rows: pd.DataFrame, clock: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the clock before (``tick_from``) and after (``tick_to``) the day bought; 0 without one."""
    before, after = np.zeros(len(rows)), np.zeros(len(rows))
    wait = rows["wait_days"].to_numpy()
    for origin, shown in clocks(clock).items():
        mine = (rows["origin_on"] == origin).to_numpy()
        after[mine] = shown[wait[mine]]
        before[mine] = shown[np.maximum(wait[mine] - 1, 0)]
    return rows.assign(tick_from=before, tick_to=after)
