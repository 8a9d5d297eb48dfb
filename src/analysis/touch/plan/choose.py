"""Choose one schedule per customer: exactly where the plan is small, by prices where it is large."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from analysis.errors import AnalysisError
from analysis.touch.plan.exact import solve_exactly
from analysis.touch.plan.prices import Prices, find_prices
from analysis.touch.plan.problem import NOTHING, Ints, PlanProblem, used, worth

__all__ = ["EXACT_BELOW", "Chosen", "Method", "choose", "choose_by_prices", "overrun"]

Method = Literal["auto", "prices", "exact"]

EXACT_BELOW: Final = 1000
"""Customers below which HiGHS decides."""
_EXACT_SCHEDULES: Final = 20_000  # and at most so many schedules: branch and bound is not for more
_AUTO_GAP: Final = 2e-3  # where HiGHS stops in `auto`: the last thousandths take minutes
_EXACT_GAP: Final = 1e-4
_PASSES: Final = 10
_ASKED: Final = 256  # holders of a short limit who are asked to make room, those with least to lose first
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A plan and how good it provably is.

    Attributes:
        choice: Each customer's schedule or ``NOTHING``.
        worth: What it earns, currency.
        bound: No plan under these limits earns more.
        prices: Of the limits.
        method: Who decided: ``exact`` (HiGHS) or ``prices``.
    """

    choice: Ints
    worth: float
    bound: float
    prices: Prices
    method: str

    @property
    def gap(self) -> float:
        """(bound - plan) / bound, 0-1; 0 where nothing can be earned."""
        return max(0.0, (self.bound - self.worth) / self.bound) if self.bound > _TOLERANCE else 0.0


def choose(problem: PlanProblem, *, method: Method = "auto", gap: float | None = None) -> Chosen:
    """Return a plan that keeps every limit, with the proof of how far it can be from the best.

    Args:
        problem: The plan.
        method: ``auto`` lets HiGHS decide below 1,000 customers.
        gap: Where HiGHS may stop; by default 0.2 % in ``auto`` and 0.01 % in ``exact``.

    Raises:
        AnalysisError: If the result breaks a limit, which would be a mistake in this module.
    """
    found = choose_by_prices(problem)
    small = problem.customers < EXACT_BELOW and problem.schedules <= _EXACT_SCHEDULES
    if method == "exact" or (method == "auto" and small):
        exact = solve_exactly(problem, gap=gap or (_AUTO_GAP if method == "auto" else _EXACT_GAP))
        if exact is not None and worth(problem, exact.choice) >= found.worth:
            bound = min(exact.bound, found.bound)
            earned = worth(problem, exact.choice)
            found = Chosen(
                choice=exact.choice, worth=earned, bound=max(bound, earned), prices=found.prices, method="exact"
            )
    if (broken := overrun(problem, found.choice)) is not None:
        raise AnalysisError(f"The plan breaks limit {broken}; it must not be sent.", hint="report this as a defect")
    return found


def overrun(problem: PlanProblem, choice: Ints) -> int | None:
    """Return a limit that the choice exceeds, or None."""
    over = used(problem, choice) - problem.capacity
    return int(over.argmax()) if problem.limits and over.max() > _TOLERANCE else None


def choose_by_prices(problem: PlanProblem) -> Chosen:
    """Return a plan by prices: place those who gain most first, then fill up and exchange until little changes.

    References:
        Pisinger, D. (1995), A minimal algorithm for the multiple-choice knapsack problem, EJOR 83.
    """
    from analysis.touch.plan import price_kernel as kernel

    prices = find_prices(problem)
    fields = problem.fields
    choice = np.full(problem.customers, NOTHING, dtype=np.int32)
    lead = np.zeros(problem.customers)
    kernel.choose_at_prices(*fields, prices.price, choice, lead)
    order = np.argsort(-lead, kind="stable")
    least_first = order[::-1].copy()
    room = problem.capacity.copy()
    kernel.place_in_order(order, *fields, prices.price, room, choice)
    for _ in range(_PASSES):
        moved = kernel.fill_up(order, *fields, room, choice)
        begin, who = kernel.holders(least_first, problem.use_first, problem.use_limit, choice, problem.limits, _ASKED)
        moved += kernel.exchange(order, *fields, prices.price, room, choice, begin, who)
        if moved <= problem.customers // 10_000:
            break
    kernel.fill_up(order, *fields, room, choice)
    earned = worth(problem, choice)
    return Chosen(choice=choice, worth=earned, bound=max(prices.bound, earned), prices=prices, method="prices")
