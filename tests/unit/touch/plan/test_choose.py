"""Plans by prices against the exact solver, and what bounds and prices promise."""

import os
from typing import Any

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.touch.plan.choose import choose, overrun
from analysis.touch.plan.prices import bound_at, find_prices
from analysis.touch.plan.problem import NOTHING, PlanProblem, plan_problem, used, worth

FULL = os.environ.get("SIYU_EXAM") == "full"


def shop(seed: int, *, customers: int = 600, staff: int = 4, days: int = 7) -> PlanProblem:
    """Six schedules a customer: a chat on one of four days, two chats, an SMS that costs money; all limits short."""
    rng = np.random.default_rng(seed)
    who, base = rng.integers(0, staff, customers), rng.gamma(1.2, 3.0, customers)
    at = np.argsort(rng.random((customers, days)), axis=1)
    n_uses = np.tile([1, 1, 1, 1, 1, 2], (customers, 1))
    limit, amount = np.zeros((customers, 6, 2), dtype=int), np.zeros((customers, 6, 2))
    limit[:, :4, 0], amount[:, :4, 0] = who[:, None] * days + at[:, :4], rng.choice([0.3, 0.5, 1.0], (customers, 4))
    limit[:, 4, 0], amount[:, 4, 0] = staff * days, 0.05
    limit[:, 5], amount[:, 5] = who[:, None] * days + at[:, 4:6], 0.5
    value = base[:, None] * [1, 1, 1, 1, 0.45, 1.7] * (1 + 0.15 * rng.standard_normal((customers, 6))) - 0.3
    capacity = np.append(customers * 0.2 / (staff * days) * rng.uniform(0.5, 1.5, staff * days), customers * 0.005)
    there = np.arange(2) < n_uses[:, :, None]
    return plan_problem(
        first=np.arange(customers + 1) * 6,
        value=value.ravel(),
        use_first=np.concatenate([[0], np.cumsum(n_uses)]),
        use_limit=limit[there],
        use_amount=amount[there],
        capacity=capacity,
    )


def losses(seeds: range, *, gap: float, **changed: int) -> np.ndarray:
    """What plans by prices earn less than exact ones, as a share."""
    found = []
    for seed in seeds:
        problem = shop(seed, **changed)
        exact = choose(problem, method="exact", gap=gap)
        assert exact.method == "exact"
        found.append(1 - choose(problem, method="prices").worth / exact.worth)
    return np.array(found)


@pytest.mark.exam
def test_plans_by_prices_lose_at_most_two_percent_against_highs_and_one_in_the_median():
    lost = losses(range(20), gap=1e-4, customers=500) if FULL else losses(range(3), gap=2e-3, customers=500, staff=2)
    assert np.median(lost) <= 0.01
    assert lost.max() <= 0.02


def test_a_larger_plan_is_within_one_percent_of_its_own_bound():
    problem = shop(1, customers=20_000, staff=10)
    found = choose(problem)
    assert found.method == "prices"
    assert found.gap <= 0.01
    assert overrun(problem, found.choice) is None
    assert (used(problem, found.choice) >= 0.95 * problem.capacity).mean() > 0.9  # what is short is used up


def test_no_plan_earns_more_than_any_prices_prove():
    problem = shop(2)
    earned = choose(problem, method="prices").worth
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert bound_at(problem, rng.exponential(5.0, problem.limits)) >= earned
    assert find_prices(problem).bound >= earned


def test_prices_of_a_sample_lead_to_those_of_all(monkeypatch):
    problem = shop(3, customers=12_000, staff=6)
    whole = find_prices(problem)
    monkeypatch.setattr("analysis.touch.plan.prices._SAMPLED_ABOVE", 1000)
    monkeypatch.setattr("analysis.touch.plan.prices._SAMPLE", 3000)
    assert find_prices(problem).bound == pytest.approx(whole.bound, rel=2e-3)


def test_a_limit_that_is_a_sum_of_thirds_is_used_to_the_last():
    problem = plan_problem(
        first=np.arange(11),
        value=np.ones(10),
        use_first=np.arange(11),
        use_limit=np.zeros(10),
        use_amount=np.full(10, 0.3),
        capacity=[3.0],
    )
    for method in ("prices", "exact"):
        assert choose(problem, method=method).worth == pytest.approx(10.0)


def test_schedules_that_cost_more_than_they_earn_are_never_chosen():
    problem = plan_problem(
        first=[0, 1, 2], value=[-1.0, 2.0], use_first=[0, 0, 0], use_limit=[], use_amount=[], capacity=[]
    )
    found = choose(problem)
    assert found.choice.tolist() == [NOTHING, 1]
    assert found.worth == worth(problem, found.choice) == found.bound == 2.0


@pytest.mark.parametrize(
    "wrong", [{"first": [0, 2]}, {"use_limit": [5]}, {"use_amount": [-1.0]}, {"value": [np.nan]}, {"capacity": [-1.0]}]
)
def test_a_problem_that_does_not_fit_together_is_refused(wrong):
    fine: dict[str, Any] = {
        "first": [0, 1],
        "value": [1.0],
        "use_first": [0, 1],
        "use_limit": [0],
        "use_amount": [1.0],
        "capacity": [1.0],
    }
    plan_problem(**fine)
    with pytest.raises(AnalysisError):
        plan_problem(**{**fine, **wrong})
