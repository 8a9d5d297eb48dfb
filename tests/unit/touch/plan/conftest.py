"""Random plans, and an oracle that checks a plan touch by touch, knowing nothing of how it was made."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.touch.plan.compile import Plan, PlanInput, planned_touches
from analysis.touch.plan.permission import PastTouches
from analysis.touch.policies import Rulebook, limit_on, load_rulebook, rulebook_on, window_of

FIRST = date(2026, 7, 1)


def make_input(seed: int, *, customers: int = 120, days: int = 7, staff: int = 4, **changed: Any) -> PlanInput:
    """A plan of random customers, messages, past touches, refusals, holdout, staff minutes and budget."""
    rng = np.random.default_rng(seed)
    channels = ["private_chat", "private_chat", "moments", "sms", "official_account"]
    m = len(channels)
    base = rng.gamma(1.0, 4.0, (customers, 1)) * rng.uniform(0.3, 1.2, (1, m))
    n_past = customers * 2
    given = {
        "gain": base * rng.uniform(0.8, 1.2, (customers, m)),
        "burden": rng.uniform(0, 2, (customers, m)),
        "timely": rng.uniform(0.8, 1.2, (customers, days)),
        "spend": rng.uniform(0, 1, (customers, m)),
        "left": np.full((m, m, days), 0.8),
        "gates": {
            "holdout": ~(rng.random((customers, 1)) < 0.15),
            "refused": ~(rng.random((customers, m)) < 0.2),
        },
        "minutes": np.array([0.4, 0.7, 0.05, 0.0, 0.0]),
        "channels": channels,
        "cooldown_days": [int(c) for c in rng.integers(0, 5, m)],
        "staff": rng.integers(-1, staff, customers),
        "hour": rng.integers(7, 23, customers),
        "past": PastTouches(
            customer=rng.integers(0, customers, n_past),
            channel=rng.choice(np.array([*channels, "group"], dtype=object), n_past),
            staff=rng.integers(-1, staff, n_past),
            day=-rng.integers(1, 32, n_past),
            hour=rng.integers(0, 24, n_past),
        ),
        "rules": load_rulebook(),
        "mode": str(rng.choice(["month_days", "seven_a_week", "one_a_day"])),
        "first": FIRST,
        "staff_minutes": rng.uniform(0, 4, (staff, days)) * (rng.random((staff, days)) < 0.9),
        "budget": float(rng.uniform(0, customers / 3)) if rng.random() < 0.7 else None,
        "seed": seed,
    }
    return PlanInput(**{**given, **changed})


def broken_rules(given: PlanInput, plan: Plan) -> list[str]:
    """Check every touch of the plan by hand."""
    touches = planned_touches(plan)
    found = []
    for row in touches.to_dict("records"):
        i, m, d = int(row["customer"]), int(row["message"]), int(row["day"])
        found += [
            f"{i} got {m} behind gate {name}"
            for name, gate in given.gates.items()
            if not gate[i, min(m, gate.shape[1] - 1)]
        ]
        if given.minutes[m] > 0 and given.staff[i] < 0:
            found.append(f"{i} has no member of staff for {m}")
        book = rulebook_on(given.rules, on=given.first + timedelta(days=d), mode=given.mode)
        if book.quiet(given.channels[m], hour=int(given.hour[i])):
            found.append(f"{i} got {m} in quiet hours")
    for i in touches["customer"].unique():
        found += _broken_for(int(i), touches[touches["customer"] == i], given)
    minutes = np.zeros_like(given.staff_minutes)
    for row in touches.to_dict("records"):
        if given.minutes[int(row["message"])]:
            minutes[given.staff[int(row["customer"])], int(row["day"])] += given.minutes[int(row["message"])]
    if (minutes > given.staff_minutes + 1e-6).any():
        found.append("staff minutes overrun")
    spent = given.spend[touches["customer"], touches["message"]].sum()
    if given.budget is not None and spent > given.budget + 1e-6:
        found.append(f"budget overrun: {spent} of {given.budget}")
    return found


def _broken_for(i: int, touches: pd.DataFrame, given: PlanInput) -> list[str]:
    past = given.past
    mine = past.customer == i
    events = [
        (int(d), int(h), str(c), int(s))
        for d, h, c, s in zip(past.day[mine], past.hour[mine], past.channel[mine], past.staff[mine], strict=True)
    ]
    own = [
        (int(d), int(given.hour[i]), given.channels[int(m)], int(given.staff[i]))
        for d, m in zip(touches["day"], touches["message"], strict=True)
    ]
    found = []
    if len(own) > given.touches_each:
        found.append(f"{i} got {len(own)} touches")
    for (day, hour, channel, staff), m in zip(own, touches["message"], strict=True):
        on = given.first + timedelta(days=day)
        book = rulebook_on(given.rules, on=on, mode=given.mode)
        for cap in (cap for cap in book.caps if channel in cap.channels):
            same = [
                e
                for e in [*events, *own]
                if e[2] in cap.channels
                and window_of(cap, on=given.first + timedelta(days=e[0])) == window_of(cap, on=on)
                and (cap.per == "customer" or e[3] == staff)
            ]
            if len(same) > limit_on(cap, on=on):
                found.append(f"{i} over {cap.name} on {on}")
        for rule in (rule for rule in book.rolling if channel in rule.channels):
            now = day * 24 + hour
            same = [e for e in [*events, *own] if e[2] in rule.channels and 0 <= now - (e[0] * 24 + e[1]) < rule.hours]
            if len(same) > rule.limit:
                found.append(f"{i} over {rule.name} on {on}")
        before = [e[0] for e in [*events, *own] if e[2] == channel and e[0] < day]
        if before and day - max(before) < given.cooldown_days[int(m)]:
            found.append(f"{i} touched again before the cooldown")
    return found


@pytest.fixture
def random_input() -> Callable[..., PlanInput]:
    return make_input


@pytest.fixture
def oracle() -> Callable[[PlanInput, Plan], list[str]]:
    return broken_rules


@pytest.fixture
def no_rules() -> Rulebook:
    return Rulebook()


@pytest.fixture(scope="session")
def module_input() -> Callable[..., PlanInput]:
    return make_input
