"""Strategies, limits and channels as the arrays that the compiled simulation walks over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analysis.touch.layout import STEP_INTS, STEP_REALS, TEMPLATES
from analysis.touch.policies import CapRule, limit_on, window_of
from analysis.touch.strategies import NO_TOUCH, Step, Strategy, StrategySet, Template, Trigger
from analysis.touch.trust import push_of

__all__ = ["Channel", "Limit", "Plan", "plan_of"]

_HISTORY_EVERY_DAYS: Final = 3  # the past's touches are dealt out at least so many days apart, that many days' worth
_UNLIMITED: Final = 1e9
_EVERYBODY: Final = (-_UNLIMITED, _UNLIMITED)  # bounds that no clock misses
_ROUNDING: Final = 1 + 1e-6  # costs are single-precision numbers: a budget for a hundred touches pays for a hundred


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


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many touches of some steps in a window, by day of the simulation."""

    most: tuple[float, ...]
    window: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with its place in the day's random numbers, and the limits it meets (places in the strategy's list)."""

    step: Step
    channel: int
    position: int
    column: int
    is_past: bool = False
    on_assign: tuple[int, ...] = ()
    on_deliver: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The arrays of ``kernel.Program``, by name, and how much room they need."""

    arrays: dict[str, Any]
    most_steps: int
    most_limits: int


def plan_of(
    strategies: StrategySet,
    *,
    channels: tuple[Channel, ...],
    past_channels: tuple[int, ...],
    caps: tuple[CapRule, ...],
    first_day: date,
    horizon_days: int,
    checkpoints: Sequence[int],
    budget_scale: float,
    n_segments: int,
) -> Plan:
    """Return the strategies as arrays.

    Args:
        strategies: The strategies.
        channels: Channels that a strategy or the past uses.
        past_channels: Which of them the past used.
        caps: Rules in force.
        first_day: First day simulated.
        horizon_days: Days simulated.
        checkpoints: Days after which totals are taken, ascending.
        budget_scale: Share of the customers that is simulated: budgets shrink with it.
        n_segments: Segments of customers.
    """
    days = [first_day + timedelta(days=day) for day in range(horizon_days)]
    planned = []
    columns = 0
    for strategy in strategies.strategies:
        steps, limits, columns = _planned(
            strategy, channels=channels, past_channels=past_channels, caps=caps, days=days, columns=columns
        )
        planned.append((steps, limits))
    every_step = [step for steps, _ in planned for step in steps]
    every_limit = [limit for _, limits in planned for limit in limits]
    first_step = np.cumsum([0, *(len(steps) for steps, _ in planned)])
    first_limit = np.cumsum([0, *(len(limits) for _, limits in planned)])
    due = np.array([[p.step.trigger.due(day, first=first_day) for day in range(horizon_days)] for p in every_step])
    due = due.reshape(len(every_step), horizon_days).astype(np.uint8)
    names = [strategy.name for strategy in strategies.strategies]
    untouched = names.index(NO_TOUCH)
    arrays = {
        "first_step": first_step,
        "first_limit": first_limit,
        "order": np.array([untouched, *(s for s in range(len(names)) if s != untouched)]),
        "holdout": np.array([s.holdout_share for s in strategies.strategies], dtype=np.float32),
        "budget": np.array([(s.budget_per_month or 0.0) * budget_scale * _ROUNDING for s in strategies.strategies]),
        "step_ints": _rows([_ints(p) for p in every_step], columns=len(STEP_INTS), kind=np.int64),
        "step_reals": _rows([_reals(p) for p in every_step], columns=len(STEP_REALS), kind=np.float32),
        "position": np.array([p.position for p in every_step], dtype=np.int64),
        "due": due,
        "busy": np.array([due[a:b].any(axis=0) for a, b in pairwise(first_step)], dtype=np.uint8).reshape(
            len(names), horizon_days
        ),
        "on_assign": _padded([p.on_assign for p in every_step], offsets=_offsets(planned, first_limit)),
        "on_deliver": _padded([p.on_deliver for p in every_step], offsets=_offsets(planned, first_limit)),
        "limit_place": np.concatenate([np.arange(len(limits)) for _, limits in planned]).astype(np.int64),
        "limits": _rows([limit.most for limit in every_limit], columns=horizon_days, kind=np.float32),
        "window": _rows([limit.window for limit in every_limit], columns=horizon_days, kind=np.int64),
        "month": np.unique([day.year * 12 + day.month for day in days], return_inverse=True)[1].astype(np.int64),
        "channels": _channel_rows(channels, strategies=strategies),
        "checkpoints": np.array(checkpoints, dtype=np.int64),
        "wage_per_minute": strategies.economics.wage_per_hour / 60,
        "n_segments": n_segments,
    }
    return Plan(
        arrays=arrays,
        most_steps=max([len(steps) for steps, _ in planned], default=0),
        most_limits=max([len(limits) for _, limits in planned], default=0),
    )


def _planned(
    strategy: Strategy,
    *,
    channels: tuple[Channel, ...],
    past_channels: tuple[int, ...],
    caps: tuple[CapRule, ...],
    days: list[date],
    columns: int,
) -> tuple[list[PlannedStep], list[Limit], int]:
    """Return a strategy's steps and limits; ``columns`` counts the steps with a day column of their own."""
    names = [channel.name for channel in channels]
    limits = [_cap_limit(rule, days=days) for rule in caps]
    of_all: list[int] = []
    for most, window in ((strategy.max_per_week, _week), (strategy.max_per_month, _month)):
        if most is not None:
            of_all.append(len(limits))
            limits.append(Limit(tuple(float(most) for _ in days), tuple(window(day) for day in days)))
    if strategy.as_history:
        return _past_steps(past_channels, names=names, caps=caps), limits, columns
    steps = []
    for place, step in enumerate(strategy.steps):
        own = list(of_all)
        if step.max_per_month is not None:
            own.append(len(limits))
            limits.append(Limit(tuple(float(step.max_per_month) for _ in days), tuple(_month(day) for day in days)))
        has_column = step.trigger.day_column is not None
        steps.append(
            PlannedStep(
                step=step,
                channel=names.index(step.channel),
                position=place,
                column=columns if has_column else -1,
                on_assign=tuple(own),
                on_deliver=_caps_of(step.channel, caps=caps),
            )
        )
        columns += has_column
    return steps, limits, columns


def _past_steps(past_channels: tuple[int, ...], *, names: list[str], caps: tuple[CapRule, ...]) -> list[PlannedStep]:
    """Return the touches of the past as steps: each channel on days of its own, at the customer's own rate."""
    every = max(_HISTORY_EVERY_DAYS, len(past_channels))
    return [
        PlannedStep(
            step=Step(channel=names[c], template=Template.USUAL, trigger=Trigger(every_days=every, start_day=place)),
            channel=c,
            position=0,
            column=-1,
            is_past=True,
            on_deliver=_caps_of(names[c], caps=caps),
        )
        for place, c in enumerate(past_channels)
    ]


def _caps_of(channel: str, *, caps: tuple[CapRule, ...]) -> tuple[int, ...]:
    return tuple(place for place, rule in enumerate(caps) if channel in rule.channels)


def _cap_limit(rule: CapRule, *, days: list[date]) -> Limit:
    """Return a platform's cap day by day; days on which it does not hold are unlimited."""
    most = tuple(float(limit_on(rule, on=day)) if rule.in_force(day) else _UNLIMITED for day in days)
    keys = [window_of(rule, on=day) for day in days]
    numbers = {key: n for n, key in enumerate(dict.fromkeys(keys), start=1)}
    return Limit(most, tuple(numbers[key] for key in keys))


def _week(day: date) -> int:
    year, week, _ = day.isocalendar()
    return year * 100 + week


def _month(day: date) -> int:
    return day.year * 12 + day.month


def _ints(planned: PlannedStep) -> tuple[int, ...]:
    step = planned.step
    return (
        planned.channel,
        TEMPLATES.index(step.template.value),
        planned.column,
        int(step.template is Template.USUAL),
        -1 if step.after_step is None else step.after_step,
    )


def _reals(planned: PlannedStep) -> tuple[float, ...]:
    step = planned.step
    offer, every = step.offer, step.trigger.every_days
    return (
        float(step.cooldown_days),
        *(step.trigger.need_window or _EVERYBODY),
        *(float(days) for days in step.trigger.days_since_order or _EVERYBODY),
        offer.discount_share if offer else 0.0,
        float(offer.valid_days) if offer else 0.0,
        float(step.at_key_hour),
        *push_of(step.template),
        float(every or 1),
        float(planned.is_past),
    )


def _channel_rows(channels: tuple[Channel, ...], *, strategies: StrategySet) -> npt.NDArray[np.float32]:
    per_minute = strategies.economics.wage_per_hour / 60
    wear = strategies.economics.account_wear / 1000
    rows = [
        (
            c.gain,
            c.annoyance,
            c.cost,
            c.staff_minutes,
            float(c.needs_contact),
            wear if c.needs_staff else 0.0,
            c.cost + c.staff_minutes * per_minute,
        )
        for c in channels
    ]
    return _rows(rows, columns=7, kind=np.float32)


def _rows(rows: Sequence[Sequence[float]], *, columns: int, kind: Any) -> npt.NDArray[Any]:
    return np.ascontiguousarray(np.array(rows, dtype=kind).reshape(len(rows), columns))


def _offsets(planned: list[tuple[list[PlannedStep], list[Limit]]], first_limit: npt.NDArray[Any]) -> list[int]:
    return [int(first) for (steps, _), first in zip(planned, first_limit[:-1], strict=True) for _ in steps]


def _padded(lists: list[tuple[int, ...]], *, offsets: list[int]) -> npt.NDArray[np.int64]:
    """Return lists of limits as rows of equal length, filled up with -1; numbers count over all strategies."""
    most = max([len(numbers) for numbers in lists], default=0)
    table = np.full((len(lists), most), -1, dtype=np.int64)
    for row, (numbers, offset) in enumerate(zip(lists, offsets, strict=True)):
        table[row, : len(numbers)] = [offset + number for number in numbers]
    return table
