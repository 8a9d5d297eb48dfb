"""Simulate touch strategies on the same customers, the same luck and the same possible worlds.

A replicate is one lane of luck in one draw of the effect sizes. Days pass one by one: due touches are assigned,
confirmed, delivered under the caps, read; they add to fatigue and trust and may cost the contact; then the day's
moments become orders or not. Replicates are worked on in chunks of lanes: memory grows with neither replicates
nor days, and every random number has an address, so chunks and threads change no number.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present
from analysis.errors import AnalysisError
from analysis.touch.chunk import Channel, Chunk, Setting, build_chunk
from analysis.touch.effects import lanes_of
from analysis.touch.money import ENTRIES, entry, fixed_cost
from analysis.touch.orders import place_orders
from analysis.touch.outcome import Outcome
from analysis.touch.policies import CapRule
from analysis.touch.population import Population, build_population
from analysis.touch.state import State, fresh_state
from analysis.touch.strategies import NO_TOUCH, StrategySet, check_channels
from analysis.touch.touches import send_touches

__all__ = ["CHANNEL_COLUMNS", "simulate"]

Floats = npt.NDArray[np.float64]

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
_CELLS_AT_ONCE: Final = 100000  # customer-lanes worked on together: arrays stay within the processor's cache


def simulate(
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
    sample_customers: int = 2_000,
    checkpoints: Sequence[int] = (),
) -> Outcome:
    """Simulate every strategy from the day after ``as_of`` on.

    Args:
        customers: One row per customer: clock, ``order_value``, ``days_since_last_order``, ``is_contact``,
            ``touches_per_day_<channel>`` of the past, and whatever the audiences look at.
        strategies: The strategies, among them ``no_touch``.
        channels: One row per channel (``CHANNEL_COLUMNS``); money in the book's currency.
        effects: Draws of the effect sizes, each (draws,). ``read_rate_<channel>`` and ``confirm_rate_<channel>``
            stand in for the channel's own rate where they are there.
        caps: Rules in force over the horizon.
        as_of: Last day of the past.
        horizon_days: Days simulated.
        seed: Seed of all luck.
        lanes_per_draw: Lanes of luck per draw of the effects.
        sample_customers: Customers simulated per replicate; totals are scaled up.
        checkpoints: Days after which totals are also taken.

    Raises:
        AnalysisError: If a table lacks a column, or nothing is to be simulated.
        BookError: If a strategy uses a channel that is not registered.
    """
    columns_present(channels.columns, needed=CHANNEL_COLUMNS, table="channels")
    check_channels(strategies, channels=list(channels["channel"]))
    draws = len(effects["gain_days"])
    if min(draws, horizon_days, lanes_per_draw, sample_customers) < 1:
        raise AnalysisError("Draws, days, lanes and sampled customers must each be at least 1.")
    population = build_population(customers, strategies=strategies)
    size = min(sample_customers, len(population))
    days = (*sorted({d for d in checkpoints if 0 < d < horizon_days}), horizon_days)
    setting = Setting(
        strategies=strategies,
        channels=_channels(channels, strategies=strategies, population=population),
        effects=lanes_of(effects, lanes=lanes_per_draw),
        caps=caps,
        first_day=as_of + timedelta(days=1),
        horizon_days=horizon_days,
        checkpoints=days,
        sample_size=size,
        scale=len(population) / size,
        seed=seed,
    )
    totals = _all_totals(population, setting=setting, replicates=draws * lanes_per_draw)
    return Outcome(
        strategies=tuple(strategy.name for strategy in strategies.strategies),
        checkpoints=days,
        totals=totals,
        lanes_per_draw=lanes_per_draw,
        n_customers=len(population),
        n_simulated=size,
        effects=dict(effects),
    )


def _channels(table: pd.DataFrame, *, strategies: StrategySet, population: Population) -> tuple[Channel, ...]:
    """Return the registered channels that a strategy or the past uses."""
    used = {step.channel for strategy in strategies.strategies for step in strategy.steps} | set(population.history)
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


def _all_totals(population: Population, *, setting: Setting, replicates: int) -> Floats:
    shape = (len(setting.strategies.strategies), len(setting.checkpoints), replicates, len(ENTRIES))
    totals = np.zeros(shape)
    lanes = max(1, _CELLS_AT_ONCE // setting.sample_size)
    for start in range(0, replicates, lanes):
        replicate = range(start, min(start + lanes, replicates))
        chunk = build_chunk(population, setting=setting, replicates=replicate)
        totals[:, :, replicate.start : replicate.stop] = _chunk_totals(chunk, setting=setting)
    return totals * setting.scale + _fixed_costs(setting)


def _chunk_totals(chunk: Chunk, *, setting: Setting) -> Floats:
    """Run all strategies on one chunk, day by day, so that they share each day's random numbers."""
    states = [fresh_state(strategy, chunk=chunk, setting=setting) for strategy in setting.strategies.strategies]
    untouched = next(state for state in states if state.strategy.name == NO_TOUCH)
    taken = np.zeros((len(states), len(setting.checkpoints), chunk.lanes, len(ENTRIES)))
    for day in range(setting.horizon_days):
        luck = chunk.luck_of(day)
        for state in states:
            send_touches(state, day=day, chunk=chunk, setting=setting, luck=luck)
            place_orders(state, day=day, chunk=chunk)
        if day + 1 in setting.checkpoints:
            place = setting.checkpoints.index(day + 1)
            taken[:, place] = [_snapshot(state, untouched=untouched, day=day, chunk=chunk) for state in states]
    return taken


def _snapshot(state: State, *, untouched: State, day: int, chunk: Chunk) -> Floats:
    """Return the totals so far; ``reached_repurchasers`` are those among the touched who order untouched too."""
    totals = np.array(state.totals, dtype=np.float64)
    reached = (state.last_touch >= 0).any(axis=0)
    counted = {
        "repurchasers": state.ordered,
        "deletions": (~state.contact | (chunk.leaves_on <= day)) & chunk.is_contact,
        "reached": reached,
        "reached_repurchasers": reached & untouched.ordered,
    }
    for name, customers in counted.items():
        totals[:, entry(name)] = customers.reshape(chunk.lanes, -1).sum(axis=1)
    return totals


def _fixed_costs(setting: Setting) -> Floats:
    costs = np.zeros((len(setting.strategies.strategies), len(setting.checkpoints), 1, len(ENTRIES)))
    for s, strategy in enumerate(setting.strategies.strategies):
        for c, day in enumerate(setting.checkpoints):
            costs[s, c, 0, entry("fixed_costs")] = fixed_cost(strategy.fixed_monthly_cost, days=day)
    return costs
