"""Every experiment of a shop as sums by arm and segment, from all purchases in order: no join of the two."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.experiment.arm_sums import SUMS
from analysis.features.ordered_purchases import Purchases, standing
from analysis.features.places import places_of

__all__ = ["SEGMENTS", "Around", "Assigned", "assigned_of", "orders_around", "sums_by_segment"]

Ints = NDArray[np.int32]

SEGMENTS: Final = ("first", "regular", "quiet")
"""Segments as known at assignment: one order so far; two or more; none within the days of history."""

_BITS_OF_DAY: Final = 16

_AT_ONCE: Final = 1 << 18
"""Assignments whose keys are in memory at a time: fresh memory for all at once costs more than the counting."""


class Assigned(NamedTuple):
    """Who was assigned where, one entry per experiment and customer.

    Attributes:
        experiments: Names of the experiments, in order.
        arms: Names of the arms, in order.
        experiment: Place of the experiment.
        arm: Place of the arm.
        customer_id: Ids, an Arrow column.
        at: Moment of the assignment.
        on: Its day number.
        window_days: Days of the window, which opens at that moment.
    """

    experiments: Sequence[str]
    arms: Sequence[str]
    experiment: Ints
    arm: Ints
    customer_id: Any
    at: NDArray[np.datetime64]
    on: Ints
    window_days: Ints


class Around(NamedTuple):
    """Orders of each assigned customer around the moment of assignment.

    Attributes:
        after: Within the window.
        before: Within the days of history before it.
        ever: Before it, however long ago.
    """

    after: Ints
    before: Ints
    ever: Ints


def assigned_of(table: Any) -> Assigned:
    """Return assignments from an Arrow table.

    Its columns: ``experiment_id``, ``customer_id``, ``arm``, ``assigned_at``, ``assigned_on`` and ``window_days``.
    """
    (experiments, experiment), (arms, arm) = (_numbered(table.column(name)) for name in ("experiment_id", "arm"))
    return Assigned(
        experiments, arms, experiment, arm, table.column("customer_id"), table.column("assigned_at").to_numpy(),
        _day_numbers(table.column("assigned_on")), table.column("window_days").to_numpy().astype(np.int32),
    )  # fmt: skip


def _numbered(column: Any) -> tuple[list[str], Ints]:
    encoded = column.combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    rank = np.argsort(np.argsort(names))
    return sorted(names), rank[encoded.indices.to_numpy()].astype(np.int32)


def _day_numbers(column: Any) -> Ints:
    import pyarrow as pa

    found: Ints = column.cast(pa.date32()).cast(pa.int32()).to_numpy()
    return found


def orders_around(assigned: Assigned, *, purchases: Purchases, same_day: Any, history_days: int) -> Around:
    """Count the orders around each assignment.

    Args:
        assigned: Who was assigned.
        purchases: All purchases.
        same_day: The purchases of days on which somebody was assigned: an Arrow table of ``customer_id``,
            ``ordered_at`` and ``ordered_on``.
        history_days: Days of history.
    """
    stands, _ = standing(purchases)
    bought = _keys(purchases.customer[stands], purchases.day[stands])
    place = places_of(assigned.customer_id, among=purchases.customer_id)
    order = np.argsort(place, kind="stable")  # neighbours are looked up where neighbours are
    order = order[np.searchsorted(place, 0, sorter=order) :]  # who never bought has no orders around
    found = np.zeros((len(Around._fields), len(place)), dtype=np.int32)
    orders = _keys(
        places_of(same_day.column("customer_id"), among=purchases.customer_id),
        _day_numbers(same_day.column("ordered_on")),
    )
    ranked = np.argsort(orders)
    orders, times = orders[ranked], same_day.column("ordered_at").to_numpy()[ranked]
    for rows in np.array_split(order, max(1, len(order) // _AT_ONCE)):
        customer, day, window = place[rows], assigned.on[rows], assigned.window_days[rows]
        earlier_than = partial(_earlier_than, bought, customer)
        today, tomorrow = earlier_than(day), earlier_than(day + 1)
        late = np.zeros(len(day), dtype=np.int32)
        some = np.flatnonzero(tomorrow > today)
        late[some] = _at_or_after(_keys(customer[some], day[some]), assigned.at[rows[some]], orders=orders, times=times)
        after = earlier_than(day + np.maximum(window, 1)) - tomorrow + late
        after[window < 1] = 0
        tomorrow -= late  # what came before the moment
        counts = (after, tomorrow - earlier_than(day - history_days), tomorrow - earlier_than(np.zeros_like(day)))
        for of_all, count in zip(found, counts, strict=True):
            of_all[rows] = count
    return Around(*found)


def _earlier_than(bought: NDArray[np.int64], customer: NDArray[np.integer], days: Ints) -> Ints:
    """Return how many purchases lie below each customer's day in the list of all."""
    return np.searchsorted(bought, _keys(customer, days)).astype(np.int32)


def _keys(customer: NDArray[np.integer], day: Ints) -> NDArray[np.int64]:
    """Return customer and day as one number that rises with both."""
    found = customer.astype(np.int64)
    found <<= _BITS_OF_DAY
    found += day
    return found


def _at_or_after(
    keys: NDArray[np.int64],
    moments: NDArray[np.datetime64],
    *,
    orders: NDArray[np.int64],
    times: NDArray[np.datetime64],
) -> NDArray[np.int64]:
    """Return how many orders of that customer and day came at that moment or later; ``orders`` rise."""
    first = np.searchsorted(orders, keys)
    count = np.searchsorted(orders, keys, side="right") - first
    row = np.repeat(np.arange(len(keys)), count)
    place = np.arange(len(row)) + np.repeat(first - (np.cumsum(count) - count), count)
    return np.bincount(row[times[place] >= moments[row]], minlength=len(keys))


def sums_by_segment(assigned: Assigned, around: Around) -> pd.DataFrame:
    """Return one row per experiment, arm and segment, of customers with an order before their assignment.

    Columns ``experiment_id``, ``arm``, ``segment``, ``arm_sums.SUMS``, ``n_arm`` (all customers of the arm),
    ``window_days`` and ``last_on`` (last assignment), sorted by the first three.

    Args:
        assigned: Who was assigned.
        around: Orders around these.
    """
    arm = assigned.experiment * len(assigned.arms) + assigned.arm
    n_arms = len(assigned.experiments) * len(assigned.arms)
    n_arm, window, last = np.bincount(arm, minlength=n_arms), np.zeros(n_arms, dtype=int), np.zeros(n_arms, dtype=int)
    np.maximum.at(window, arm, assigned.window_days)
    np.maximum.at(last, arm, assigned.on)
    mine = around.ever > 0
    segment = np.where(around.before[mine] == 0, 2, np.where(around.ever[mine] == 1, 0, 1))
    group, y, x = arm[mine] * len(SEGMENTS) + segment, around.after[mine], around.before[mine]
    sums = [np.bincount(group, w, minlength=n_arms * len(SEGMENTS)) for w in (None, y, y * y, x, x * x, x * y)]
    rows = [
        (assigned.experiments[one // len(assigned.arms)], assigned.arms[one % len(assigned.arms)], SEGMENTS[part],
         *(int(sums_of[one * len(SEGMENTS) + part]) for sums_of in sums), n_arm[one], window[one], last[one])
        for one in range(n_arms)
        for part in np.argsort(SEGMENTS)
        if sums[0][one * len(SEGMENTS) + part] > 0
    ]  # fmt: skip
    columns = ["experiment_id", "arm", "segment", *SUMS, "n_arm", "window_days", "last_on"]
    found = pd.DataFrame(rows, columns=columns)
    days = found["last_on"].to_numpy(dtype=np.int64).astype("datetime64[D]")
    return found.assign(last_on=days.astype("datetime64[us]"))
