"""What the rules leave open: on which days of the plan each customer may still get each message.

A touch may go out if it keeps every cap of its day together with the touches of the past and of the plan itself; if
its hour is not quiet; and if the message's own cooldown is over. Days count from 0, the first day of the plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.touch.policies import CapRule, RollingCap, Rulebook, limit_on, rulebook_on, window_of

__all__ = ["PastTouches", "RuleWindow", "cooled_down", "not_quiet", "rule_windows", "within_caps"]

Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

_NO_LIMIT: Final = 1 << 30
LONG_AGO: Final = -100_000
"""The day of the last touch of a customer who never got one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTouches:
    """Touches that customers got, or may still get, before the plan begins: one entry each.

    Attributes:
        customer: Place of the customer in the plan.
        channel: Its name.
        staff: Place of the member of staff; -1 if none.
        day: Day, negative: -1 is the day before the plan.
        hour: Local hour, 0-23.
    """

    customer: Whole
    channel: npt.NDArray[np.object_]
    staff: Whole
    day: Whole
    hour: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWindow:
    """One cap as it bears on the plan's days.

    Attributes:
        name: Of the rule.
        channels: Channels it counts together.
        used: How many past touches share the window of a touch on that day; customers × days.
        limit: Most touches in that window, by day.
        together: Whether touches on two days of the plan share a window; days × days.
    """

    name: str
    channels: frozenset[str]
    used: npt.NDArray[np.int16]
    limit: Whole
    together: Flags


def rule_windows(
    rules: Rulebook,
    *,
    mode: str,
    first: date,
    days: int,
    past: PastTouches,
    hour: Whole,
    staff: Whole,
) -> tuple[RuleWindow, ...]:
    """Return every cap that is in force on a day of the plan.

    Args:
        rules: All rules, with their days in force.
        mode: WeCom's cap as the administrator set it.
        first: First day of the plan.
        days: Days of the plan.
        past: Touches before it.
        hour: Local hour at which each customer is touched.
        staff: Each customer's member of staff, -1 if none.

    Raises:
        BookError: If no cap knows the mode.
        AnalysisError: If a past touch lies within the plan.
    """
    if len(past.day) and past.day.max() >= 0:
        raise AnalysisError("A past touch lies on a day of the plan.", hint="plan from the day after as_of on")
    dates = [first + timedelta(days=d) for d in range(days)]
    in_force = [rulebook_on(rules, on=day, mode=mode) for day in dates]
    caps = [rule for rule in rules.caps if any(rule in book.caps for book in in_force)]
    rolling = [rule for rule in rules.rolling if any(rule in book.rolling for book in in_force)]
    return (
        *(_calendar_window(rule, in_force, first=first, past=past, staff=staff) for rule in caps),
        *(_rolling_window(rule, in_force, past=past, hour=hour) for rule in rolling),
    )


def _calendar_window(
    rule: CapRule, in_force: list[Rulebook], *, first: date, past: PastTouches, staff: Whole
) -> RuleWindow:
    dates = [first + timedelta(days=d) for d in range(len(in_force))]
    keys = [window_of(rule, on=day) for day in dates]
    ours = np.isin(past.channel, rule.channels)
    if rule.per == "member_customer":
        ours &= (past.staff >= 0) & (past.staff == staff[past.customer])
    back = {int(d): window_of(rule, on=first + timedelta(days=int(d))) for d in np.unique(past.day[ours])}
    shared = [ours & np.isin(past.day, [d for d, window in back.items() if window == key]) for key in keys]
    days = zip(dates, in_force, strict=True)
    return RuleWindow(
        name=rule.name,
        channels=frozenset(rule.channels),
        used=_counted(past, shared, customers=len(staff)),
        limit=np.array([limit_on(rule, on=day) if rule in book.caps else _NO_LIMIT for day, book in days]),
        together=np.array([[a == b for b in keys] for a in keys], dtype=bool),
    )


def _rolling_window(rule: RollingCap, in_force: list[Rulebook], *, past: PastTouches, hour: Whole) -> RuleWindow:
    days = np.arange(len(in_force))
    ours = np.isin(past.channel, rule.channels)
    since = hour[past.customer] - past.day * 24 - past.hour  # hours to the customer's hour on day 0
    return RuleWindow(
        name=rule.name,
        channels=frozenset(rule.channels),
        used=_counted(past, [ours & (24 * d + since < rule.hours) for d in days], customers=len(hour)),
        limit=np.array([rule.limit if rule in book.rolling else _NO_LIMIT for book in in_force]),
        together=np.abs(np.subtract.outer(days, days)) * 24 < rule.hours,
    )


def _counted(past: PastTouches, by_day: list[Flags], *, customers: int) -> npt.NDArray[np.int16]:
    """Return how many of the chosen touches each customer had; customers × days."""
    most = np.iinfo(np.int16).max
    counts = [np.bincount(past.customer[chosen], minlength=customers).clip(max=most) for chosen in by_day]
    return np.stack(counts, axis=1).astype(np.int16)


def within_caps(windows: Sequence[RuleWindow], *, channels: Sequence[str], customers: int, days: int) -> Flags:
    """Return whether one more touch keeps every cap: customers × messages (by their channels) × days."""
    open_ = np.ones((customers, len(channels), days), dtype=bool)
    for window in windows:
        room = window.used + 1 <= window.limit[None, :]
        for m, channel in enumerate(channels):
            if channel in window.channels:
                open_[:, m, :] &= room
    return open_


def cooled_down(
    past: PastTouches, *, channels: Sequence[str], cooldown_days: Sequence[int], customers: int, days: int
) -> Flags:
    """Return whether the cooldown since the last touch by a message's channel is over: customers × messages × days."""
    over = np.ones((customers, len(channels), days), dtype=bool)
    for m, (channel, cooldown) in enumerate(zip(channels, cooldown_days, strict=True)):
        last = np.full(customers, LONG_AGO, dtype=np.int64)
        ours = past.channel == channel
        np.maximum.at(last, past.customer[ours], past.day[ours])
        over[:, m, :] = np.arange(days)[None, :] - last[:, None] >= cooldown
    return over


def not_quiet(rules: Rulebook, *, mode: str, first: date, days: int, channels: Sequence[str], hour: Whole) -> Flags:
    """Return whether each customer's hour is outside the quiet hours: customers × messages × days."""
    loud = np.ones((len(hour), len(channels), days), dtype=bool)
    for d in range(days):
        book = rulebook_on(rules, on=first + timedelta(days=d), mode=mode)
        for m, channel in enumerate(channels):
            quiet = np.array([book.quiet(channel, hour=h) for h in range(24)])
            loud[:, m, d] = ~quiet[hour]
    return loud
