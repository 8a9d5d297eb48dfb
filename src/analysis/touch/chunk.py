"""What all strategies share in one chunk of lanes: its customers, their clocks, the status quo, and the luck.

A *cell* is one customer of one lane; cells of a lane lie together, best customers first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.touch.deletion import value_of_contact
from analysis.touch.history import StatusQuo, status_quo
from analysis.touch.policies import CapRule
from analysis.touch.population import Population, sample_lane
from analysis.touch.purchase_clock import CLOCK_COLUMNS, Events, draw_events, sorted_events
from analysis.touch.random_streams import Purpose, stream
from analysis.touch.response import MEMORY_DAYS, delay_weights
from analysis.touch.strategies import StrategySet

__all__ = ["Channel", "Chunk", "Setting", "build_chunk"]

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]
Luck = Callable[[int], Floats]

_NUMBERS_PER_TOUCH: Final = 4  # chosen (status quo), confirmed, read, deleted


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel as the simulation needs it; money in the book's currency."""

    name: str
    read_rate: float
    cost: float
    staff_minutes: float
    needs_contact: bool
    needs_staff: bool
    gain: float = 1.0
    annoyance: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What holds for the whole simulation; ``effects`` are per replicate."""

    strategies: StrategySet
    channels: tuple[Channel, ...]
    effects: Mapping[str, Floats]
    caps: tuple[CapRule, ...]
    first_day: date
    horizon_days: int
    checkpoints: tuple[int, ...]
    sample_size: int
    scale: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The shared part of some lanes; arrays are per cell unless said.

    Attributes:
        lanes: Number of lanes.
        lane_of: Lane of each cell.
        customer: Row of the population that each cell is.
        effects: Effect sizes, per lane.
        columns: The population's columns, taken per cell.
        is_contact: Contact on the first day.
        leaves_on: Day on which the contact is deleted whatever is sent.
        in_holdout: Uniform number: a strategy's holdout is everyone below its share.
        quo: Steady state under the past touches.
        history: Past touches a day, (channels, cells).
        past_channels: Channels by which anybody of the book was touched, in this chunk or not.
        read_rate: Read rate of a rested customer, (channels, lanes).
        confirmed: Share of assigned touches that staff confirm, (channels, lanes).
        contact_value: Margin that goes with a deleted contact.
        margin: Margin of one order.
        debt: Orders borrowed from the future on the first day.
        weights: Spread of a touch's effect over days, (lanes, days).
        tail: Share of past touches' effect still to come after so many days, (lanes, days + 1).
        events: Moments of all lanes, by day.
        starts: First event of each day, and one more.
        rank: How many ticks of the same cell and day come before, per event.
    """

    lanes: int
    lane_of: Ints
    customer: Ints
    effects: Mapping[str, Floats]
    columns: Mapping[str, Floats]
    is_contact: Flags
    leaves_on: Ints
    in_holdout: Floats
    quo: StatusQuo
    history: Floats
    past_channels: tuple[int, ...]
    read_rate: Floats
    confirmed: Floats
    contact_value: Floats
    margin: Floats
    debt: Ints
    weights: Floats
    tail: Floats
    events: Events
    starts: Ints
    rank: Ints
    audiences: Mapping[tuple[str, int], Flags] = field(repr=False)
    replicates: range
    seed: int

    def luck_of(self, day: int) -> Luck:
        """Return the day's random numbers by position of the step: (4, cells), made when first asked for."""
        made: dict[int, Floats] = {}

        def at(position: int) -> Floats:
            if position not in made:
                cells = len(self.lane_of) // self.lanes
                made[position] = np.concatenate(
                    [
                        stream(self.seed, Purpose.TOUCH, index=r, day=day, position=position).random(
                            (_NUMBERS_PER_TOUCH, cells), dtype=np.float32
                        )
                        for r in self.replicates
                    ],
                    axis=1,
                )
            return made[position]

        return at


def build_chunk(population: Population, *, setting: Setting, replicates: range) -> Chunk:
    """Draw the customers, clocks and contacts of some replicates."""
    lanes, size = len(replicates), setting.sample_size
    samples = [sample_lane(len(population), size=size, seed=setting.seed, replicate=r) for r in replicates]
    customer = np.concatenate(samples)
    lane_of = np.repeat(np.arange(lanes, dtype=np.int32), size)
    effects = {name: values[replicates.start : replicates.stop] for name, values in setting.effects.items()}
    per_cell = {name: values[lane_of] for name, values in effects.items()}
    read_rate, confirmed = _channel_rates(setting, effects=effects, lanes=lanes)
    history = _history(population, setting=setting)[:, customer]
    quo = status_quo(
        history * confirmed[:, lane_of],
        read_rate=read_rate[:, lane_of],
        gain=np.array([[channel.gain] for channel in setting.channels]).reshape(-1, 1),
        annoyance=np.array([[channel.annoyance] for channel in setting.channels]).reshape(-1, 1),
        effects=per_cell,
    )
    columns = {name: values[customer] for name, values in population.columns.items()}
    events = _events(columns, quo=quo, effects=effects, setting=setting, replicates=replicates)
    contacts = [stream(setting.seed, Purpose.CONTACT, index=r).random((3, size)) for r in replicates]
    hold, leave, owe = np.concatenate(contacts, axis=1)
    margin = columns["order_value"] * setting.strategies.economics.margin_share
    with np.errstate(divide="ignore"):
        leaves_on = np.where(
            per_cell["deletion_baseline"] > 0, -np.log1p(-leave) / per_cell["deletion_baseline"], np.inf
        )
    weights = delay_weights(delay_days=effects["delay_days"], delay_shape=effects["delay_shape"])
    return Chunk(
        lanes=lanes,
        lane_of=lane_of,
        customer=customer,
        effects=effects,
        columns=columns,
        is_contact=population.is_contact[customer],
        leaves_on=np.minimum(leaves_on, 30_000).astype(np.int16),
        in_holdout=hold,
        quo=quo,
        history=history,
        past_channels=tuple(c for c, channel in enumerate(setting.channels) if channel.name in population.history),
        read_rate=read_rate,
        confirmed=confirmed,
        contact_value=value_of_contact(
            orders_next_year=columns["orders_next_year"] / quo.lift,
            margin_per_order=margin,
            deletion_loss=per_cell["deletion_loss"],
        ),
        margin=margin,
        debt=(owe < quo.borrowed).astype(np.int8),
        weights=weights,
        tail=_tail(weights, days=setting.horizon_days),
        events=events,
        starts=np.searchsorted(events.day, np.arange(setting.horizon_days + 1)),
        rank=_rank(events),
        audiences=population.audiences,
        replicates=replicates,
        seed=setting.seed,
    )


def _channel_rates(setting: Setting, *, effects: Mapping[str, Floats], lanes: int) -> tuple[Floats, Floats]:
    """Return read and confirmation rates, (channels, lanes): drawn where the effects have them by channel."""
    read = [effects.get(f"read_rate_{c.name}", np.full(lanes, c.read_rate)) for c in setting.channels]
    confirmed = [
        effects.get(f"confirm_rate_{c.name}", effects["confirm_rate"]) if c.needs_staff else np.ones(lanes)
        for c in setting.channels
    ]
    return np.array(read).reshape(-1, lanes), np.array(confirmed).reshape(-1, lanes)


def _history(population: Population, *, setting: Setting) -> Floats:
    none = np.zeros(len(population))
    rates = [population.history.get(channel.name, none) for channel in setting.channels]
    return np.array(rates).reshape(-1, len(population))


def _events(
    columns: Mapping[str, Floats],
    *,
    quo: StatusQuo,
    effects: Mapping[str, Floats],
    setting: Setting,
    replicates: range,
) -> Events:
    size = setting.sample_size
    lanes = []
    for lane, replicate in enumerate(replicates):
        cells = slice(lane * size, (lane + 1) * size)
        lanes.append(
            draw_events(
                {name: columns[name][cells] for name in CLOCK_COLUMNS},
                lift=quo.lift[cells],
                ceiling=float(effects["ceiling"][lane]),
                horizon_days=setting.horizon_days,
                rng=stream(setting.seed, Purpose.CLOCK, index=replicate),
            )
        )
    return sorted_events(lanes, cells_per_lane=size)


def _tail(weights: Floats, *, days: int) -> Floats:
    """Return the share of the effect of touches before day 0 that works on each day of the horizon."""
    left = 1 - np.cumsum(weights, axis=1)
    tail = np.zeros((len(weights), days))
    tail[:, : min(days, MEMORY_DAYS)] = left[:, :days]
    return tail


def _rank(events: Events) -> Ints:
    """Return, for each event, how many of the same day, kind and cell stand before it."""
    if len(events.cell) == 0:
        return np.zeros(0, dtype=np.int64)
    same = np.zeros(len(events.cell), dtype=bool)
    same[1:] = (np.diff(events.cell) == 0) & (np.diff(events.day) == 0) & (events.own[1:] == events.own[:-1])
    place = np.arange(len(same))
    return place - np.maximum.accumulate(np.where(same, 0, place))
