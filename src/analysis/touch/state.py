"""What changes during a simulation, for one strategy on one chunk of lanes."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.touch.chunk import Chunk, Setting
from analysis.touch.fatigue import decayed
from analysis.touch.money import ENTRIES, entry
from analysis.touch.response import MEMORY_DAYS
from analysis.touch.strategies import Step, Strategy, Template, Trigger
from analysis.touch.trust import recovered

__all__ = ["Impulse", "PlannedStep", "State", "add", "fresh_state", "let_time_pass"]

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]

_HISTORY_EVERY_DAYS = 3  # the past's touches are dealt out at least so many days apart, that many days' worth at a time


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step on this chunk: whom its audience holds, and with what chance one of them is touched when due.

    Steps due on different days may share a ``position``, and with it the day's random numbers.
    """

    step: Step
    channel: int
    position: int
    chosen: Flags
    chance: Floats | None = None


@dataclass(frozen=True, slots=True)
class Impulse:
    """The touches read on one day: what each cell gains from them, in days of own purchases."""

    day: int
    gain: Floats
    highest: float


@dataclass(slots=True)
class State:
    """One strategy on one chunk; arrays are per cell unless said.

    Attributes:
        strategy: The strategy.
        steps: Its steps on this chunk.
        contact: Whether no touch has cost the contact yet.
        fatigue: Stock per channel, (channels, cells), as of ``updated``.
        trust: Stock around 1, as of ``updated``.
        updated: Day to which both stocks were brought forward.
        impulses: Read touches that still work.
        debt: Orders borrowed from the future.
        last_order: Day of the last order; negative before the first day.
        ordered: Whether an order was placed since the first day.
        offer_until: Last day of the offer that was read last; -1 without one.
        offer_share: Its discount.
        last_touch: Day of the last assigned touch, per step, (steps, cells).
        counts: Delivered touches in the current window, by cap rule or own monthly limit.
        windows: The window that each count belongs to.
        spent: Cost of the current month, per lane.
        totals: (lanes, ``money.ENTRIES``).
    """

    strategy: Strategy
    steps: tuple[PlannedStep, ...]
    contact: Flags
    fatigue: Floats
    trust: Floats
    debt: Ints
    last_order: Floats
    ordered: Flags
    offer_until: Ints
    offer_share: Floats
    last_touch: Ints
    spent: Floats
    totals: Floats
    updated: int = 0
    impulses: list[Impulse] = field(default_factory=list)
    counts: dict[str, Ints] = field(default_factory=dict)
    windows: dict[str, tuple[int, ...]] = field(default_factory=dict)


def fresh_state(strategy: Strategy, *, chunk: Chunk, setting: Setting) -> State:
    """Return a strategy's state on the morning of the first day."""
    cells = len(chunk.lane_of)
    steps = _planned(strategy, chunk=chunk, setting=setting)
    return State(
        strategy=strategy,
        steps=steps,
        contact=chunk.is_contact.copy(),
        fatigue=chunk.quo.fatigue.copy(),
        trust=np.ones(cells),
        debt=chunk.debt.copy(),
        last_order=-chunk.columns["days_since_last_order"].copy(),
        ordered=np.zeros(cells, dtype=bool),
        offer_until=np.full(cells, -1, dtype=np.int16),
        offer_share=np.zeros(cells, dtype=np.float32),
        last_touch=np.full((len(steps), cells), -1_000, dtype=np.int16),
        spent=np.zeros(chunk.lanes),
        totals=np.zeros((chunk.lanes, len(ENTRIES))),
    )


def add(state: State, name: str, *, lane: Ints, amount: Floats | float = 1.0) -> None:
    """Add an amount per row to an entry of its lane's totals."""
    if isinstance(amount, float):
        state.totals[:, entry(name)] += amount * np.bincount(lane, minlength=len(state.totals))
    else:
        state.totals[:, entry(name)] += np.bincount(lane, weights=amount, minlength=len(state.totals))


def let_time_pass(state: State, *, day: int, chunk: Chunk) -> None:
    """Bring fatigue and trust forward to that day, and forget touches that no longer work."""
    days = day - state.updated
    if days:
        shape = (chunk.lanes, -1)
        for stock in state.fatigue:
            rested = decayed(stock.reshape(shape), days=days, memory_days=chunk.effects["fatigue_days"][:, None])
            stock[:] = rested.ravel()
        trust = recovered(state.trust.reshape(shape), days=days, trust_days=chunk.effects["trust_days"][:, None])
        state.trust = trust.ravel()
        state.updated = day
    state.impulses = [impulse for impulse in state.impulses if day - impulse.day < MEMORY_DAYS]


def _planned(strategy: Strategy, *, chunk: Chunk, setting: Setting) -> tuple[PlannedStep, ...]:
    names = [channel.name for channel in setting.channels]
    if strategy.as_history:
        return _past_steps(chunk, names=names)
    reached = chunk.in_holdout >= strategy.holdout_share
    return tuple(
        PlannedStep(
            step=step,
            channel=names.index(step.channel),
            position=place,
            chosen=chunk.audiences[strategy.name, place][chunk.customer] & reached,
        )
        for place, step in enumerate(strategy.steps)
    )


def _past_steps(chunk: Chunk, *, names: list[str]) -> tuple[PlannedStep, ...]:
    """Return the touches of the past as steps: each channel on days of its own, at the customer's own rate."""
    every = max(_HISTORY_EVERY_DAYS, len(chunk.past_channels))
    return tuple(
        PlannedStep(
            step=Step(channel=names[c], template=Template.USUAL, trigger=Trigger(every_days=every, start_day=place)),
            channel=c,
            position=0,
            chosen=chunk.history[c] > 0,
            chance=chunk.history[c] * every,
        )
        for place, c in enumerate(chunk.past_channels)
    )
