"""Coins between near-equal customers: limits hold whichever way they fall, and the probabilities are honest."""

import numpy as np
import pytest

from analysis.touch.plan.compile import compile_plan
from analysis.touch.plan.exploration import explore
from analysis.touch.plan.problem import NOTHING, used, worth


@pytest.fixture(scope="module")
def made(module_input):
    asked = module_input(5, customers=2000, staff=6, staff_minutes=np.full((6, 7), 5.0), budget=600.0)
    plan = compile_plan(asked, method="prices")
    owner = np.repeat(np.arange(2000), np.diff(plan.schedules.first))
    spend = sum(
        np.where(plan.schedules.message[:, k] >= 0, asked.spend[owner, plan.schedules.message[:, k]], 0) for k in (0, 1)
    )
    return asked, plan, spend


def thrown(made, seed=1, **changed):
    asked, plan, spend = made
    setting = {"share": 0.3, "tolerance": 0.6, **changed}
    return explore(plan, staff=asked.staff, spend=spend, slots=42, seed=seed, **setting)


def test_limits_hold_whichever_way_the_coins_fall(made):
    _, plan, _ = made
    assert thrown(made).coins >= 3
    for seed in range(20):
        found = thrown(made, seed)
        for choice in (found.choice, found.other):
            assert (used(plan.problem, choice) <= plan.problem.capacity + 1e-6).all()


def test_a_customer_gets_what_the_coin_gives_as_often_as_the_propensity_says(made):
    _, plan, _ = made
    rounds = [thrown(made, seed) for seed in range(200)]
    met = rounds[0].propensity < 1
    assert set(np.unique(rounds[0].propensity)) == {0.5, 1.0}
    as_compiled = np.mean([found.choice == plan.chosen.choice for found in rounds], axis=0)
    assert as_compiled[~met].min() == 1.0
    assert as_compiled[met] == pytest.approx(np.full(met.sum(), 0.5), abs=0.15)


def test_only_near_equals_meet_and_no_more_than_asked_for(made):
    _, plan, _ = made
    found = thrown(made, tolerance=0.4, share=0.02)
    n_planned = int((plan.chosen.choice != NOTHING).sum())
    assert 0 < found.coins <= round(0.02 * n_planned)
    lost = plan.chosen.worth - worth(
        plan.problem, np.where(found.choice == plan.chosen.choice, found.other, found.choice)
    )
    assert lost <= 0.4 * plan.chosen.worth * 0.05


def test_without_a_share_nothing_is_left_to_chance(made):
    _, plan, _ = made
    found = thrown(made, share=0.0)
    assert found.choice.tolist() == plan.chosen.choice.tolist()
    assert found.coins == 0


def test_customers_whose_choice_stays_meet_no_coin(made):
    asked, _, _ = made
    keep = np.arange(len(asked.staff)) % 2 == 0
    assert (thrown(made, keep=keep).propensity[keep] == 1).all()
