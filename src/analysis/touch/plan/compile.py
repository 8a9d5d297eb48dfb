"""The plan compiler: from what touches are worth and what rules, people and money allow, to who gets what and when.

Rules, consent and the holdout decide what is offered at all; budget and staff time decide among what is offered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.touch.plan.choose import Chosen, Method, choose
from analysis.touch.plan.permission import PastTouches, RuleWindow, cooled_down, not_quiet, rule_windows, within_caps
from analysis.touch.plan.prices import worth_of_more
from analysis.touch.plan.problem import NOTHING, Floats, Ints, PlanProblem, plan_problem
from analysis.touch.plan.schedules import NO_TOUCH, Schedules, possible_schedules
from analysis.touch.plan.wishes import Wishes, conflicts, with_wishes
from analysis.touch.policies import Rulebook

__all__ = [
    "PLANNED",
    "REASONS",
    "Plan",
    "PlanInput",
    "compile_plan",
    "planned_touches",
    "shadow_prices",
    "touch_counts",
]

Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

PLANNED: Final = "planned"
REASONS: Final = ("quiet_hours", "cooldown", "cap", "not_worth", "no_room")
"""Why a customer gets nothing, after the gates that the caller names; the first that leaves nothing open counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """What a plan is made from. Customers, messages and days are places in these arrays; day 0 is ``first``.

    Attributes:
        worth: What one touch earns; customers × messages × days, currency.
        gain: The part of it that an earlier touch of the plan weakens; same shape.
        spend: Money a touch pays out; customers × messages.
        left: Share of ``gain`` that a message leaves to another so many days later; messages × messages × days.
        gates: Named permissions in order (holdout, audience, consent, …); customers × messages or customers × 1.
        minutes: Staff minutes of a touch, by message; a message with minutes needs a member of staff.
        channels: Of the messages.
        cooldown_days: Of the messages.
        staff: Each customer's member of staff; -1 if none.
        hour: Local hour at which each customer is touched, 0-23.
        past: Touches before the plan.
        rules: All rules, with their days in force.
        mode: WeCom's cap as the administrator set it.
        first: First day.
        staff_minutes: Minutes each member of staff has on each day; staff × days.
        budget: Money for the whole plan; None if there is enough.
        touches_each: Touches a customer gets at most, 1 or 2.
        keep: Schedules considered for a customer at most.
        wishes: What somebody wants whatever it earns.
        seed: Of the noise that spreads days of equal worth.
    """

    worth: Floats
    gain: Floats
    spend: Floats
    left: Floats
    gates: Mapping[str, Flags]
    minutes: Floats
    channels: Sequence[str]
    cooldown_days: Sequence[int]
    staff: Whole
    hour: Whole
    past: PastTouches
    rules: Rulebook
    mode: str
    first: date
    staff_minutes: Floats
    budget: float | None = None
    touches_each: int = 2
    keep: int = 20
    wishes: Wishes = field(default_factory=Wishes)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan that keeps every limit.

    Attributes:
        chosen: The choice among the schedules, its worth, bound, prices and method; wishes taken out of both.
        schedules: What customers were offered.
        problem: The limits and what schedules use of them: staff-days first (staff × days), then the budget if any.
        reason: ``planned``, or why the customer gets nothing.
        conflicts: Wishes that cannot be met: ``wish``, ``asked``, ``possible``, ``reason``, ``n_customers``.
    """

    chosen: Chosen
    schedules: Schedules
    problem: PlanProblem
    reason: npt.NDArray[np.object_]
    conflicts: pd.DataFrame


def compile_plan(given: PlanInput, *, method: Method = "auto") -> Plan:
    """Return the plan that earns most, as far as its gap tells, and keeps every rule and limit.

    Raises:
        BookError: If no cap knows the mode.
    """
    allowed, reason, windows = _permitted(given)
    must, asked_for = given.wishes.of(len(given.staff), channels=given.channels)
    schedules = possible_schedules(
        given.worth,
        gain=given.gain,
        allowed=allowed,
        left=given.left,
        windows=windows,
        channels=given.channels,
        cooldown_days=given.cooldown_days,
        keep=given.keep,
        twice=given.touches_each > 1,
        wanted=must[:, None] | asked_for[None, :],
        seed=given.seed,
    )
    problem = _problem(schedules, given)
    if given.wishes.any:
        count = touch_counts(schedules, channels=given.channels)
        chosen = with_wishes(problem, must=must, at_least=given.wishes.at_least, counts=count, method=method)
    else:
        chosen = choose(problem, method=method)
    offered = np.diff(schedules.first) > 0
    reason[(reason == PLANNED) & ~offered] = "not_worth"
    reason[offered & (chosen.choice == NOTHING)] = "no_room"
    unmet = conflicts(
        given.wishes,
        must=must,
        allowed=allowed,
        reason=reason,
        channels=given.channels,
        got=_got(schedules, chosen, given),
    )
    return Plan(chosen=chosen, schedules=schedules, problem=problem, reason=reason, conflicts=unmet)


def touch_counts(schedules: Schedules, *, channels: Sequence[str]) -> dict[str, Ints]:
    """Return how many touches by each channel every schedule has."""
    return {
        channel: np.isin(schedules.message, [m for m, c in enumerate(channels) if c == channel])
        .sum(axis=1)
        .astype(np.int32)
        for channel in dict.fromkeys(channels)
    }


def planned_touches(plan: Plan, choice: Ints | None = None) -> pd.DataFrame:
    """Return the touches of a choice (the plan's own by default), by day and customer.

    Columns ``customer``, ``message``, ``day`` (places), ``place`` (0, or 1 for a second touch), ``after`` (message of
    the first touch, -1 for the first itself) and ``gap`` (days since that).
    """
    choice = plan.chosen.choice if choice is None else choice
    who = np.flatnonzero(choice != NOTHING)
    message, day = plan.schedules.message[choice[who]], plan.schedules.day[choice[who]]
    rows = [
        pd.DataFrame(
            {
                "customer": who,
                "message": message[:, place].astype(np.int64),
                "day": day[:, place].astype(np.int64),
                "place": place,
                "after": message[:, 0].astype(np.int64) if place else NO_TOUCH,
                "gap": (day[:, place] - day[:, 0]).astype(np.int64),
            }
        )[message[:, place] != NO_TOUCH]
        for place in (0, 1)
    ]
    table: pd.DataFrame = pd.concat(rows).sort_values(["day", "customer"], kind="stable", ignore_index=True)
    return table


def shadow_prices(plan: Plan, *, staff: int, days: int, hours: float = 1.0, money: float = 100.0) -> dict[str, float]:
    """Return what a little more of each limit would earn, currency.

    Args:
        plan: The plan.
        staff: Members of staff; ``staff * days`` limits come first in the problem.
        days: Days of the plan.
        hours: Extra hours a day, shared by all staff in proportion to their minutes.
        money: Extra budget.

    Returns:
        ``staff_hour``: worth of the extra hours of one day; ``budget``: worth of the extra money (only with a budget).
    """
    slots = staff * days
    minutes = plan.problem.capacity[:slots].reshape(staff, days)
    total = minutes.sum(axis=0, keepdims=True)
    even = np.full_like(minutes, 1 / max(staff, 1))
    share = np.divide(minutes, total, out=even, where=total > 0)
    more = np.zeros(plan.problem.limits)
    more[:slots] = (share * 60 * hours).ravel()
    found = {"staff_hour": worth_of_more(plan.problem, prices=plan.chosen.prices, more=more) / max(days, 1)}
    if plan.problem.limits > slots:
        more = np.zeros(plan.problem.limits)
        more[slots] = money
        found["budget"] = worth_of_more(plan.problem, prices=plan.chosen.prices, more=more)
    return found


def _permitted(given: PlanInput) -> tuple[Flags, npt.NDArray[np.object_], tuple[RuleWindow, ...]]:
    """Return what each customer may get on each day, and at which gate the last possibility closed."""
    n, days = len(given.staff), given.staff_minutes.shape[1]
    m = len(given.channels)
    windows = rule_windows(
        given.rules, mode=given.mode, first=given.first, days=days, past=given.past, hour=given.hour, staff=given.staff
    )
    sizes = {"channels": given.channels, "customers": n, "days": days}
    when = {"mode": given.mode, "first": given.first, "days": days, "channels": given.channels, "hour": given.hour}
    gates = {
        **{name: np.broadcast_to(gate, (n, m))[:, :, None] for name, gate in given.gates.items()},
        "out_of_reach": ((given.staff[:, None] >= 0) | (given.minutes[None, :] == 0))[:, :, None],
        "quiet_hours": not_quiet(given.rules, **when),
        "cooldown": cooled_down(given.past, cooldown_days=given.cooldown_days, **sizes),
        "cap": within_caps(windows, **sizes),
    }
    allowed = np.ones((n, m, days), dtype=bool)
    reason = np.full(n, PLANNED, dtype=object)
    for name, gate in gates.items():
        allowed &= gate
        reason[(reason == PLANNED) & ~allowed.any(axis=(1, 2))] = name
    return allowed, reason, windows


def _problem(schedules: Schedules, given: PlanInput) -> PlanProblem:
    """Return the choice among the schedules under staff minutes and budget."""
    days = given.staff_minutes.shape[1]
    customer = np.repeat(np.arange(len(given.staff)), np.diff(schedules.first))
    limit, amount = [], []
    spend = np.zeros(len(customer))
    for place in (0, 1):
        message, day = schedules.message[:, place].astype(np.int64), schedules.day[:, place].astype(np.int64)
        there = message != NO_TOUCH
        needed = np.where(there, given.minutes[message], 0.0)
        limit.append(np.where(needed > 0, given.staff[customer] * days + day, -1))
        amount.append(needed)
        spend += np.where(there, given.spend[customer, message], 0.0)
    capacity = given.staff_minutes.ravel()
    if given.budget is not None:
        limit.append(np.where(spend > 0, len(capacity), -1))
        amount.append(spend)
        capacity = np.append(capacity, given.budget)
    limits, amounts = np.stack(limit, axis=1), np.stack(amount, axis=1)
    drawn = (limits >= 0) & (amounts > 0)
    return plan_problem(
        first=schedules.first,
        value=schedules.value,
        use_first=np.concatenate([[0], np.cumsum(drawn.sum(axis=1))]),
        use_limit=limits[drawn],
        use_amount=amounts[drawn],
        capacity=capacity,
    )


def _got(schedules: Schedules, chosen: Chosen, given: PlanInput) -> dict[str, int]:
    """Return how many touches by each channel are planned."""
    counts = touch_counts(schedules, channels=given.channels)
    taken = chosen.choice[chosen.choice != NOTHING]
    return {channel: int(count[taken].sum()) for channel, count in counts.items()}
