"""Feasible by construction: no plan over a cap, no touch behind a closed gate, no overrun; it earns what it can."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.touch.plan.choose import choose, overrun
from analysis.touch.plan.compile import compile_plan, planned_touches, shadow_prices
from analysis.touch.plan.permission import PastTouches
from analysis.touch.plan.wishes import Wishes
from analysis.touch.policies import CapRule, Rulebook

NOBODY = PastTouches(
    customer=np.zeros(0, dtype=np.int64),
    channel=np.zeros(0, dtype=object),
    staff=np.zeros(0, dtype=np.int64),
    day=np.zeros(0, dtype=np.int64),
    hour=np.zeros(0, dtype=np.int64),
)
CHECKS = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@CHECKS
@given(seed=st.integers(0, 2**31), customers=st.integers(0, 150), staff=st.integers(1, 6), days=st.integers(1, 9))
def test_no_plan_breaks_a_cap_a_refusal_the_holdout_staff_minutes_or_the_budget(
    random_input, oracle, seed, customers, staff, days
):
    asked = random_input(seed, customers=customers, staff=staff, days=days)
    plan = compile_plan(asked, method="prices")
    assert oracle(asked, plan) == []
    assert overrun(plan.problem, plan.chosen.choice) is None
    assert plan.chosen.worth <= plan.chosen.bound


@settings(parent=CHECKS, max_examples=12)
@given(seed=st.integers(0, 2**31), n_must=st.integers(0, 20), fewest=st.integers(0, 60))
def test_wishes_never_break_a_rule_either(random_input, oracle, seed, n_must, fewest):
    wishes = Wishes(must=tuple(range(n_must)), at_least={"sms": fewest, "moments": 5})
    asked = random_input(seed, wishes=wishes)
    plan = compile_plan(asked, method="prices")
    assert oracle(asked, plan) == []
    touches = planned_touches(plan)
    sms = int((touches["message"] == 3).sum())
    said = set(plan.conflicts["wish"])
    assert (sms >= fewest) or "at_least:sms" in said
    unserved = set(range(n_must)) - set(touches["customer"])
    assert bool(unserved) == ("must_send" in said)


def test_the_oracle_sees_a_broken_plan(random_input, oracle):
    asked = random_input(3)
    plan = compile_plan(asked)
    stricter = replace(asked, staff_minutes=asked.staff_minutes * 0.5, budget=0.0)
    assert set(oracle(stricter, plan)) >= {"staff minutes overrun"}
    closed = {"refused": np.zeros((len(asked.staff), 1), dtype=bool)}
    assert len(oracle(replace(asked, gates=closed), plan)) >= len(planned_touches(plan))
    ban = CapRule(name="ban", channels=["private_chat"], window="week", limit=0, source="t")
    assert any("ban" in line for line in oracle(replace(asked, rules=Rulebook(caps=(ban,))), plan))


def test_everybody_refused_gives_an_empty_plan_that_says_why(random_input):
    asked = random_input(1, gates={"refused": np.zeros((120, 5), dtype=bool)})
    plan = compile_plan(asked)
    assert planned_touches(plan).empty
    assert set(plan.reason) == {"refused"}
    assert plan.chosen.gap == 0.0


def test_a_cap_of_zero_closes_its_channels_and_no_other(random_input):
    ban = CapRule(name="ban", channels=["private_chat", "sms"], window="week", limit=0, source="t")
    plan = compile_plan(random_input(2, rules=Rulebook(caps=(ban,))))
    assert set(planned_touches(plan)["message"]) <= {2, 4}


def test_an_infeasible_wish_gets_the_list_of_what_conflicts(random_input):
    gates = {"holdout": np.ones((120, 1), dtype=bool), "refused": np.ones((120, 5), dtype=bool)}
    gates["refused"][:, 3] = np.arange(120) < 30  # only thirty take SMS
    gates["holdout"][:4] = False
    wishes = Wishes(must=(0, 1, 50), at_least={"sms": 100})
    asked = random_input(4, gates=gates, rules=Rulebook(), past=NOBODY, budget=None, wishes=wishes)
    unmet = compile_plan(asked).conflicts.set_index(["wish", "reason"])
    assert unmet.loc[("must_send", "holdout"), "n_customers"] == 2
    assert unmet.loc[("must_send", "holdout"), "possible"] == 1
    assert unmet.loc[("at_least:sms", "holdout"), "n_customers"] == 4
    assert unmet.loc[("at_least:sms", "other_channels_only"), "n_customers"] == 90
    assert unmet.loc[("at_least:sms", "holdout"), "possible"] == 26


def test_a_minimum_is_met_at_the_smallest_cost(random_input):
    asked = random_input(5, rules=Rulebook(), past=NOBODY, budget=None)
    free = compile_plan(asked)
    n_free = int((planned_touches(free)["message"] == 3).sum())
    plan = compile_plan(replace(asked, wishes=Wishes(at_least={"sms": n_free + 10})))
    n_sms = int((planned_touches(plan)["message"] == 3).sum())
    assert n_free + 10 <= n_sms <= n_free + 14
    assert plan.chosen.worth <= free.chosen.worth + 1e-3
    assert plan.conflicts.empty


def test_a_customer_who_must_be_served_displaces_another(random_input):
    asked = random_input(6, rules=Rulebook(), past=NOBODY)
    free = compile_plan(asked)
    left_out = [int(i) for i in np.flatnonzero(free.reason == "no_room")[:5]]
    plan = compile_plan(replace(asked, wishes=Wishes(must=tuple(left_out))))
    assert set(left_out) <= set(planned_touches(plan)["customer"])
    assert plan.chosen.worth <= free.chosen.bound


def test_without_scarcity_everybody_gets_the_best_and_the_gap_is_zero(random_input):
    asked = random_input(
        7, rules=Rulebook(), past=NOBODY, budget=None, gates={}, touches_each=1, staff=3, customers=60,
        cooldown_days=[0] * 5, staff_minutes=np.full((3, 7), 1e4),
    )  # fmt: skip
    plan = compile_plan(asked, method="prices")
    best = asked.gain * asked.timely.max(axis=1, keepdims=True) - asked.burden
    reachable = np.where((asked.staff[:, None] >= 0) | (asked.minutes[None, :] == 0), best, 0.0)
    assert plan.chosen.worth == pytest.approx(np.maximum(reachable.max(axis=1), 0).sum(), rel=1e-5)
    assert plan.chosen.gap == pytest.approx(0.0, abs=1e-6)


def test_an_hour_more_is_worth_what_the_plan_with_it_earns_more(random_input):
    asked = random_input(8, customers=12_000, staff=10, staff_minutes=np.full((10, 7), 10.0), budget=800.0)
    plan = compile_plan(asked, method="prices")
    said = shadow_prices(plan, staff=10, days=7, hours=1.0, money=50.0)
    with_hour = compile_plan(replace(asked, staff_minutes=asked.staff_minutes + 6.0), method="prices")
    assert (with_hour.chosen.worth - plan.chosen.worth) / 7 == pytest.approx(said["staff_hour"], rel=0.1)
    with_money = compile_plan(replace(asked, budget=850.0), method="prices")
    assert with_money.chosen.worth - plan.chosen.worth == pytest.approx(said["budget"], rel=0.15)
    assert said["staff_hour"] > 1.0
    assert said["budget"] > 1.0


def test_what_is_not_scarce_is_worth_nothing_more(random_input):
    asked = random_input(9, staff_minutes=np.full((4, 7), 1e5), budget=1e7)
    said = shadow_prices(compile_plan(asked), staff=4, days=7)
    assert said == {"staff_hour": pytest.approx(0.0, abs=1e-6), "budget": pytest.approx(0.0, abs=1e-6)}


def test_the_same_input_gives_the_same_plan(random_input):
    first, second = (compile_plan(random_input(10)) for _ in range(2))
    assert first.chosen.choice.tolist() == second.chosen.choice.tolist()


def test_small_plans_are_decided_by_highs(random_input):
    plan = compile_plan(random_input(11))
    assert plan.chosen.method == "exact"
    assert plan.chosen.worth >= choose(plan.problem, method="prices").worth
