"""Simulate touch strategies on the same customers, the same luck and the same possible worlds.

A replicate is one lane of luck in one draw of the effect sizes. Every replicate simulates all customers (or a sample
of its own): customer by customer, forty replicates side by side, all strategies in one pass. Due touches are assigned,
confirmed, delivered under the caps, read; they add to fatigue and trust and may cost the contact; moments of the
customer's clock become orders or not. Every random number has an address, and a replicate's totals are added up
customer by customer in one order: threads and slices of the work change no number, and memory grows with neither
replicates nor days.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Event
from time import perf_counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present
from analysis.errors import AnalysisError
from analysis.touch.effects import lanes_of
from analysis.touch.layout import LANES, PULSES, SIZE, TEMPLATES, rows_for
from analysis.touch.money import ENTRIES, entry, fixed_cost
from analysis.touch.outcome import Outcome
from analysis.touch.policies import CapRule
from analysis.touch.population import Population, build_population, channels_of_the_past
from analysis.touch.program import Channel, Plan, plan_of
from analysis.touch.strategies import StrategySet, check_channels
from analysis.touch.worlds import season_clock, world_of

__all__ = ["CHANNEL_COLUMNS", "population_of", "simulate"]

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

CHANNEL_COLUMNS: Final = (
    "channel",
    "read_rate",
    "cost",
    "staff_minutes",
    "needs_contact",
    "needs_staff",
    "gain",
    "annoyance",
)
_FIRST_ROWS: Final = 16  # rows of the first slice; later slices are as long as fits ...
_SLICE_SECONDS: Final = 0.3  # ... into this time, so that progress is seen and an interrupt is heard
_ENOUGH_DRAWN: Final = 50_000
"""Customers drawn by all groups of replicates from which on a group may share its own."""
_FIRST_MOMENTS: Final = 8_192  # room for the moments of one row; doubled where a row needs more


def simulate(  # noqa: PLR0913 - the question, its data and how it is worked on; all by name
    customers: pd.DataFrame,
    *,
    strategies: StrategySet,
    channels: pd.DataFrame,
    effects: Mapping[str, Floats],
    caps: tuple[CapRule, ...],
    as_of: date,
    horizon_days: int,
    seed: int,
    lanes_per_draw: int = 2,
    sample_customers: int | None = None,
    checkpoints: Sequence[int] = (),
    segment_by: str | None = None,
    season: Sequence[float] | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    population: Population | None = None,
) -> Outcome:
    """Simulate every strategy from the day after ``as_of`` on.

    Args:
        customers: One row per customer: clock, ``order_value``, ``days_since_last_order``, ``is_contact``,
            ``touches_per_day_<channel>`` of the past, and whatever the audiences look at; more columns that change
            something are told by ``population.build_population``.
        strategies: The strategies, among them ``no_touch``.
        channels: One row per channel (``CHANNEL_COLUMNS``); money in the book's currency.
        effects: Draws of the effect sizes, each (draws,). ``read_rate_<channel>`` and ``confirm_rate_<channel>``
            stand in for the channel's own rate where they are there.
        caps: Rules in force over the horizon.
        as_of: Last day of the past.
        horizon_days: Days simulated.
        seed: Seed of all luck.
        lanes_per_draw: Lanes of luck per draw of the effects.
        sample_customers: Customers simulated per replicate, each replicate drawing its own; totals are scaled up.
            None simulates all rows of ``customers``. Where these are themselves drawn (``population.STANDS_FOR``),
            forty replicates at a time share what they draw, if that is 50,000 customers in all: rows that a strategy
            leaves alone then cost nothing.
        checkpoints: Days after which totals are also taken.
        segment_by: Column whose values split the totals, at most twelve (``Outcome.by_segment``).
        season: Factor of the purchase rate on each day of the horizon; None for none.
        threads: Groups of 40 replicates worked on at the same time.
        progress: Called with the share done, from the first second on.
        population: The customers as ``population_of`` builds them, where that was done before.

    Raises:
        AnalysisError: If a table lacks a column, or nothing is to be simulated.
        BookError: If a strategy uses a channel that is not registered.
    """
    columns_present(channels.columns, needed=CHANNEL_COLUMNS, table="channels")
    check_channels(strategies, channels=list(channels["channel"]))
    draws = len(effects["gain_days"])
    if min(draws, horizon_days, lanes_per_draw, threads, sample_customers or 1) < 1:
        raise AnalysisError("Draws, days, lanes, threads and sampled customers must each be at least 1.")
    if season is not None and len(season) != horizon_days:
        raise AnalysisError(f"season has {len(season)} days, the horizon {horizon_days}: one factor per day.")
    days = (*sorted({d for d in checkpoints if 0 < d < horizon_days}), horizon_days)
    first_day = as_of + timedelta(days=1)
    past = channels_of_the_past(customers)
    used = _channels(channels, strategies=strategies, past=past)
    if population is None:
        population = population_of(
            customers, strategies=strategies, channels=channels, as_of=as_of, segment_by=segment_by
        )
    simulated = min(sample_customers or len(population), len(population))
    plan = plan_of(
        strategies,
        channels=used,
        past_channels=tuple(place for place, c in enumerate(used) if c.name in past),
        caps=caps,
        first_day=first_day,
        horizon_days=horizon_days,
        checkpoints=days,
        budget_scale=simulated / population.stands_for,
        n_segments=len(population.segments),
    )
    groups = _groups(
        lanes_of(effects, lanes=lanes_per_draw),
        channels=used,
        plan=plan,
        season=season_clock(season, horizon_days=horizon_days),
        seed=seed,
        shared=_shares(population, rows=simulated, replicates=draws * lanes_per_draw),
    )
    _run(groups, population=population, plan=plan, rows=simulated, threads=threads, progress=progress)
    by_segment = _totals(groups, plan=plan, replicates=draws * lanes_per_draw) * (population.stands_for / simulated)
    return Outcome(
        strategies=tuple(strategy.name for strategy in strategies.strategies),
        checkpoints=days,
        totals=by_segment.sum(axis=0) + _fixed_costs(strategies, checkpoints=days),
        lanes_per_draw=lanes_per_draw,
        n_customers=population.stands_for,
        n_simulated=simulated,
        effects=dict(effects),
        segments=population.segments,
        by_segment=by_segment,
    )


def population_of(
    customers: pd.DataFrame,
    *,
    strategies: StrategySet,
    channels: pd.DataFrame,
    as_of: date,
    segment_by: str | None = None,
) -> Population:
    """Return the customers as the simulation of any strategies with these steps takes them; all as in ``simulate``."""
    used = _channels(channels, strategies=strategies, past=channels_of_the_past(customers))
    first_day = as_of + timedelta(days=1)
    return build_population(
        customers, strategies=strategies, channels=[c.name for c in used], first_day=first_day, segment_by=segment_by
    )


@dataclass(slots=True)
class _Group:
    """Replicates side by side, and the memory they are worked on in; ``row`` is the next row to do."""

    world: Any
    desk: Any
    row: int = 0
    rows_at_once: int = _FIRST_ROWS


def _channels(table: pd.DataFrame, *, strategies: StrategySet, past: set[str]) -> tuple[Channel, ...]:
    """Return the registered channels that a strategy or the past uses."""
    used = {step.channel for strategy in strategies.strategies for step in strategy.steps} | past
    rows = table[table["channel"].isin(used)].sort_values("channel")[list(CHANNEL_COLUMNS)]
    return tuple(
        Channel(
            name=str(row["channel"]),
            read_rate=float(row["read_rate"]),
            cost=float(row["cost"]),
            staff_minutes=float(row["staff_minutes"]),
            needs_contact=bool(row["needs_contact"]),
            needs_staff=bool(row["needs_staff"]),
            gain=float(row["gain"]),
            annoyance=float(row["annoyance"]),
        )
        for row in rows.to_dict("records")
    )


def _shares(population: Population, *, rows: int, replicates: int) -> bool:
    """Return whether replicates side by side draw the same customers: of large brands, where enough are drawn so."""
    return len(population) < population.stands_for and rows * -(-replicates // LANES) >= _ENOUGH_DRAWN


def _groups(
    effects: Mapping[str, Floats], *, channels: tuple[Channel, ...], plan: Plan, season: Any, seed: int, shared: bool
) -> list[_Group]:
    from analysis.touch.kernel import World

    replicates = len(next(iter(effects.values())))
    groups = []
    for start in range(0, replicates, LANES):
        part = range(start, min(start + LANES, replicates))
        world = World(**world_of(effects, channels=channels, replicates=part, season=season, seed=seed, shared=shared))
        groups.append(_Group(world, _desk(plan, channels=len(channels))))
    return groups


def _desk(plan: Plan, *, channels: int) -> Any:
    """Return a group's working memory and its totals: a few hundred kilobytes, whatever is simulated."""
    from analysis.touch.kernel import Desk, Pulses

    arrays = plan.arrays
    strategies, days = arrays["busy"].shape
    checkpoints, months = len(arrays["checkpoints"]), int(arrays["month"].max()) + 1
    rows = rows_for(channels=channels, steps=plan.most_steps, limits=plan.most_limits)
    spent = np.zeros((strategies, months, LANES + 1), dtype=np.float64)
    spent[:, :, LANES] = arrays["budget"][:, None]
    return Desk(
        rows=rows,
        w=np.zeros(SIZE, dtype=np.float32),
        v=np.zeros((rows.total, LANES), dtype=np.float32),
        who=np.zeros(LANES, dtype=np.int64),
        moments=_room_for_moments(_FIRST_MOMENTS, days=days),
        pulses=Pulses(
            day=np.zeros(PULSES, dtype=np.int64),
            gain=np.zeros((PULSES, LANES), dtype=np.float32),
            first=np.zeros(1, dtype=np.int64),
            end=np.zeros(1, dtype=np.int64),
        ),
        since=np.zeros(channels + 2 + len(TEMPLATES) + plan.most_limits, dtype=np.int64),
        spent=spent,
        untouched=np.zeros((checkpoints + 1, len(ENTRIES) * LANES)),
        totals=np.zeros((strategies * checkpoints * arrays["n_segments"], len(ENTRIES) * LANES)),
    )


def _room_for_moments(size: int, *, days: int) -> Any:
    from analysis.touch.kernel import Moments

    return Moments(
        lane=np.zeros(size, dtype=np.int32),
        day=np.zeros(size, dtype=np.int32),
        kind=np.zeros(size, dtype=np.int32),
        chance=np.zeros(size, dtype=np.float32),
        redeem=np.zeros(size, dtype=np.float32),
        other=np.zeros(size, dtype=np.float32),
        order=np.zeros(size, dtype=np.int64),
        starts=np.zeros(days + 2, dtype=np.int64),
    )


def _run(
    groups: list[_Group], *, population: Population, plan: Plan, rows: int, threads: int, progress: Progress | None
) -> None:
    """Work on all groups slice by slice; an interrupt ends the work after the slices under way."""
    from analysis.touch.kernel import Customers, Program

    columns = ("key", "columns", "history", "refuses", "eligible", "step_day")
    table = Customers(**{name: getattr(population, name) for name in columns})
    program = Program(**plan.arrays)
    stop = Event()

    def work(group: _Group, *, tell: Callable[[], None]) -> None:
        while group.row < rows and not stop.is_set():
            _slice(group, table=table, program=program, rows=rows)
            tell()

    def tell() -> None:
        if progress is not None:
            progress(sum(group.row for group in groups) / (rows * len(groups)))

    tell()
    if threads == 1:
        while any(group.row < rows for group in groups):
            for group in groups:
                if group.row < rows:
                    _slice(group, table=table, program=program, rows=rows)
                    tell()
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            waiting: list[Future[None]] = [pool.submit(work, group, tell=tell) for group in groups]
            for future in waiting:
                future.result()
        finally:
            stop.set()


def _slice(group: _Group, *, table: Any, program: Any, rows: int) -> None:
    """Work on the group's next rows; the clock decides how many, never what they give."""
    from analysis.touch.kernel import simulate_rows

    last = min(group.row + group.rows_at_once, rows)
    started = perf_counter()
    reached = simulate_rows(group.row, last, rows, table, group.world, program, group.desk)
    took = max(perf_counter() - started, 1e-4)
    if reached < last:
        moments = group.desk.moments
        larger = _room_for_moments(2 * len(moments.day), days=len(moments.starts) - 2)
        group.desk = group.desk._replace(moments=larger)
    else:
        fits = group.rows_at_once * _SLICE_SECONDS / took
        group.rows_at_once = int(min(max(fits, 1), 4 * group.rows_at_once))
    group.row = reached


def _totals(groups: list[_Group], *, plan: Plan, replicates: int) -> Floats:
    """Return (segments, strategies, checkpoints, replicates, entries) of all groups."""
    strategies, checkpoints = len(plan.arrays["order"]), len(plan.arrays["checkpoints"])
    shape = (strategies, checkpoints, plan.arrays["n_segments"], len(ENTRIES), LANES)
    together = np.concatenate([group.desk.totals.reshape(shape) for group in groups], axis=4)[..., :replicates]
    return np.ascontiguousarray(np.moveaxis(together, (2, 4, 3), (0, 3, 4)))


def _fixed_costs(strategies: StrategySet, *, checkpoints: Sequence[int]) -> Floats:
    costs = np.zeros((len(strategies.strategies), len(checkpoints), 1, len(ENTRIES)))
    for s, strategy in enumerate(strategies.strategies):
        for c, day in enumerate(checkpoints):
            costs[s, c, 0, entry("fixed_costs")] = fixed_cost(strategy.fixed_monthly_cost, days=day)
    return costs
