"""The plan compiler: from what touches are worth and what rules, people and money allow, to who gets what and when.

Rules, consent and the holdout decide what is offered at all; budget and staff time decide among what is offered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.touch.plan.choose import Chosen, Method, choose
from analysis.touch.plan.permission import PastTouches, cooled_down, not_quiet, rule_windows, within_caps
from analysis.touch.plan.prices import worth_of_more
from analysis.touch.plan.problem import NOTHING, Floats, Ints, PlanProblem, plan_problem
from analysis.touch.plan.schedules import NO_TOUCH, Offers, Schedules, possible_schedules
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
_OUT_OF_REACH: Final = "out_of_reach"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """What a plan is made from. Customers, messages and days are places in these arrays; day 0 is ``first``.

    Attributes:
        gain: What one touch brings on an ordinary day, as far as no earlier touch of the plan weakens it; customers ×
            messages, currency.
        burden: What it costs all the same; customers × messages, currency.
        timely: Factor of ``gain`` on each day; customers × days.
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

    gain: Floats
    burden: Floats
    timely: Floats
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
    must, asked_for = given.wishes.of(len(given.staff), channels=given.channels)
    reasons = [*given.gates, _OUT_OF_REACH, *REASONS, PLANNED]
    offers, why = _offers(given, wanted=must[:, None] | asked_for[None, :], reasons=reasons)
    schedules = possible_schedules(
        offers,
        left=given.left,
        channels=given.channels,
        cooldown_days=given.cooldown_days,
        keep=given.keep,
        twice=given.touches_each > 1,
        seed=given.seed,
    )
    problem = _problem(schedules, given)
    if given.wishes.any:
        count = touch_counts(schedules, channels=given.channels)
        chosen = with_wishes(problem, must=must, at_least=given.wishes.at_least, counts=count, method=method)
    else:
        chosen = choose(problem, method=method)
    offered = np.diff(schedules.first) > 0
    why[(why == reasons.index(PLANNED)) & ~offered] = reasons.index("not_worth")
    why[offered & (chosen.choice == NOTHING)] = reasons.index("no_room")
    reason = np.array(reasons, dtype=object)[why]
    open_ = np.zeros((len(given.staff), len(given.channels)), dtype=bool)
    open_[offers.rows] = offers.allowed.any(axis=2)
    got = _got(schedules, chosen, given)
    unmet = conflicts(given.wishes, must=must, open_=open_, reason=reason, channels=given.channels, got=got)
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


def _offers(given: PlanInput, *, wanted: Flags, reasons: list[str]) -> tuple[Offers, npt.NDArray[np.int8]]:
    """Return what customers could get and when, and for each the place of the reason why there is nothing."""
    n, days = len(given.staff), given.staff_minutes.shape[1]
    gates = [*given.gates.values(), (given.staff[:, None] >= 0) | (given.minutes[None, :] == 0)]
    open_ = np.ones((n, len(given.channels)), dtype=bool)
    planned = reasons.index(PLANNED)
    why = np.full(n, planned, dtype=np.int8)
    for place, gate in enumerate(gates):
        open_ &= gate
        why[(why == planned) & ~open_.any(axis=1)] = place
    # Most customers of a large brand stop here: days are looked at for the others only.
    rows = np.flatnonzero(why == planned)
    inside = _among(given, rows)
    sizes = {"channels": given.channels, "customers": len(rows), "days": days}
    when = {"mode": given.mode, "first": given.first, "days": days}
    windows = rule_windows(given.rules, **when, past=inside.past, hour=inside.hour, staff=inside.staff)
    by_day = {
        "quiet_hours": not_quiet(given.rules, **when, channels=given.channels, hour=inside.hour),
        "cooldown": cooled_down(inside.past, cooldown_days=given.cooldown_days, **sizes),
        "cap": within_caps(windows, **sizes),
    }
    allowed = np.repeat(open_[rows, :, None], days, axis=2)
    closed = why[rows]
    for name, gate in by_day.items():
        allowed &= gate
        closed[(closed == planned) & ~allowed.any(axis=(1, 2))] = reasons.index(name)
    why[rows] = closed
    found = Offers(
        customers=n,
        rows=rows,
        gain=inside.gain,
        burden=inside.burden,
        timely=inside.timely,
        allowed=allowed,
        wanted=wanted[rows],
        windows=windows,
    )
    return found, why


def _among(given: PlanInput, rows: Whole) -> PlanInput:
    """Return the input of some customers, behind no gate of their own."""
    place = np.full(len(given.staff), -1)
    place[rows] = np.arange(len(rows))
    customer = place[given.past.customer]
    theirs = customer >= 0
    past = {name: getattr(given.past, name)[theirs] for name in ("channel", "staff", "day", "hour")}
    by_customer = ("gain", "burden", "timely", "spend", "staff", "hour")
    return replace(
        given,
        **{name: getattr(given, name)[rows] for name in by_customer},
        gates={},
        past=PastTouches(customer=customer[theirs], **past),
    )


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
    said = schedules.message[chosen.choice[chosen.choice != NOTHING]]
    each = np.bincount(said[said != NO_TOUCH], minlength=len(given.channels))
    of = np.array(given.channels, dtype=object)
    return {channel: int(each[of == channel].sum()) for channel in dict.fromkeys(given.channels)}
