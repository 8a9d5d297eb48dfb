"""Need: each customer's own purchase clock, and the moments at which a touch could add an order.

The clock arrives as a table, one row per customer: chance of being alive, and the posterior of purchase rate
and dropout chance. A replicate draws one clock per customer and runs it: purchases are Poisson with a dropout
chance after each. Nothing a strategy does changes the clock's own ticks, so all strategies meet the same
customers on the same days; touches add orders (thinned from candidate moments, Lewis and Shedler 1979) and
cancel ticks whose purchase was borrowed.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present

__all__ = ["CLOCK_COLUMNS", "Events", "check_clock", "draw_events", "sorted_events"]

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]

CLOCK_COLUMNS: Final = ("p_alive", "rate_shape", "rate_days", "dropout_a", "dropout_b", "orders_next_year")


class Events(NamedTuple):
    """Moments of one or more replicates, one row each.

    Attributes:
        cell: Which customer of which lane.
        day: Day of the simulation.
        own: True for a tick of the clock, False for a candidate that a touch may turn into an order.
        lapsed: Whether the customer had dropped out by then.
        chance: Uniform number that decides whether it becomes an order.
        redeem: Uniform number that decides whether a valid offer is redeemed.
        borrow: Uniform number that decides whether the order is borrowed from later.
    """

    cell: Ints
    day: Ints
    own: Flags
    lapsed: Flags
    chance: Floats
    redeem: Floats
    borrow: Floats


def check_clock(clock: pd.DataFrame) -> None:
    """Check that the table can drive a simulation.

    Raises:
        AnalysisError: If it lacks a column.
    """
    columns_present(clock.columns, needed=CLOCK_COLUMNS, table="purchase_clock")


def draw_events(
    clock: dict[str, Floats], *, lift: Floats, ceiling: float, horizon_days: int, rng: np.random.Generator
) -> Events:
    """Run one replicate's clocks and return its moments, in no order.

    Args:
        clock: The clock's columns (``CLOCK_COLUMNS``), one entry per customer of the lane.
        lift: Factor that past touches put on the observed rate; the clock ticks at rate / lift.
        ceiling: Highest relative lift a touch can reach: how many candidates per own tick are needed.
        horizon_days: Days simulated.
        rng: The replicate's stream.
    """
    n = len(lift)
    rate = rng.standard_gamma(clock["rate_shape"]) / clock["rate_days"] / lift
    # Each own tick stands for `lift` observed orders, and carries their dropout chances.
    dropout = np.minimum(rng.beta(clock["dropout_a"], clock["dropout_b"]) * lift, 1.0)
    alive = rng.random(n) < clock["p_alive"]
    cell, time = _poisson_moments(rate * alive, horizon_days=horizon_days, rng=rng)
    stays = rng.random(len(cell)) >= dropout[cell]
    kept, left_at = _until_dropout(cell, time, stays, alive=alive)
    maybe, maybe_time = _poisson_moments(rate * ceiling, horizon_days=horizon_days, rng=rng)
    cells = np.concatenate([cell[kept], maybe])
    times = np.concatenate([time[kept], maybe_time])
    own = np.arange(len(cells)) < kept.sum()
    uniforms = rng.random((3, len(cells)), dtype=np.float32)
    return Events(cells, times.astype(np.int16), own, times > left_at[cells], *uniforms)


def sorted_events(events: list[Events], *, cells_per_lane: int) -> Events:
    """Return the moments of several lanes as one table, by day, candidates before ticks, by cell."""
    lanes = [e._replace(cell=e.cell + lane * cells_per_lane) for lane, e in enumerate(events)]
    columns: list[npt.NDArray[Any]] = [np.concatenate(column) for column in zip(*lanes, strict=True)]
    together = Events(*columns)
    order = np.lexsort((together.cell, together.own, together.day))
    return Events(*(column[order] for column in columns))


def _poisson_moments(rate: Floats, *, horizon_days: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Return who and when, for Poisson processes of these daily rates; times ascend within a customer."""
    counts = rng.poisson(rate * horizon_days)
    cell = np.repeat(np.arange(len(rate), dtype=np.int32), counts)
    time = rng.random(len(cell)) * horizon_days
    return cell, time[np.lexsort((time, cell))]


def _until_dropout(cell: Ints, time: Floats, stays: Flags, *, alive: Flags) -> tuple[Flags, Floats]:
    """Return which ticks happen (up to and with the one that ends it), and when each customer left."""
    left_at = np.where(alive, np.inf, -1.0)
    ends = np.flatnonzero(~stays)
    first = ends[np.unique(cell[ends], return_index=True)[1]]
    left_at[cell[first]] = time[first]
    return time <= left_at[cell], left_at
