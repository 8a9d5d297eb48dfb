"""Prices of scarce limits: the Lagrangian dual of a plan, searched so that use meets capacity.

At prices everybody can choose alone, and what is left to them plus what the capacities are worth bounds every plan
from above. The search raises the price of what is overused and lowers that of what is not, each limit with a step of
its own that grows while it goes on and halves when it turns back. Customers choose softly at first, so that use
answers prices smoothly where schedules tie.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.touch.plan.problem import Floats, Ints, PlanProblem

__all__ = ["Prices", "bound_at", "find_prices", "worth_of_more"]

_ROUNDS: Final = 100
_GROW, _SHRINK = 1.2, 0.5
_SOFT_AT_FIRST: Final = 0.2  # of the median value of a schedule
_SOFT_AT_LAST: Final = 0.004
_SAMPLED_ABOVE: Final = 150_000  # customers; above, most rounds see every so-manieth customer only
_SAMPLE: Final = 60_000
_LAST_ROUNDS: Final = 40
_LEAST_STEP: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Prices:
    """Where the search ended.

    Attributes:
        price: Of one unit of each limit, currency; 0 where there is enough.
        bound: No plan earns more than this.
    """

    price: Floats
    bound: float


def find_prices(problem: PlanProblem, *, start: Floats | None = None, rounds: int = _ROUNDS) -> Prices:
    """Return prices at which use about meets capacity, and the lowest bound seen.

    Args:
        problem: The plan.
        start: Prices to start from; by default half of what a typical schedule earns with what it uses.
        rounds: Looks at all customers; large plans take most of them at a sample.

    References:
        Sinha, P. and Zoltners, A. A. (1979), The multiple-choice knapsack problem, Operations Research 27.
        Fisher, M. L. (1981), The Lagrangian relaxation method, Management Science 27.
    """
    if (free := _where_there_is_enough(problem)) is not None:
        return free
    gainful = problem.value[problem.value > 0]
    scale = float(np.median(gainful))
    unit = _typical_price(problem, scale=scale)
    price = unit * 0.5 if start is None else start.copy()
    step = unit * 0.2
    softness = scale * _SOFT_AT_FIRST
    if problem.customers > _SAMPLED_ABOVE and start is None:
        least = unit * _LEAST_STEP
        price = _search(_sample(problem), price, step=step, least=least, soft=(softness, 20.0), rounds=rounds).price
        rounds, step, softness = _LAST_ROUNDS, np.maximum(price * 0.05, unit * 0.01), softness / 10
    fall = softness / (scale * _SOFT_AT_LAST)
    return _search(problem, price, step=step, least=unit * _LEAST_STEP, soft=(softness, fall), rounds=rounds)


def bound_at(problem: PlanProblem, price: Floats) -> float:
    """Return what these prices prove: no plan earns more."""
    from analysis.touch.plan.price_kernel import price_pass

    usage = np.empty(problem.limits)
    return float(price_pass(*problem.fields, price, 0.0, usage) + price @ problem.capacity)


def worth_of_more(problem: PlanProblem, *, prices: Prices, more: Floats) -> float:
    """Return what the best plan could earn more if the capacities grew by ``more``, currency.

    Prices times growth overstate it, as each further hour is worth less than the one before: the search goes on
    from the prices at the larger capacities, and the lower of the two counts.
    """
    if not (prices.price @ more) > 0:
        return 0.0
    larger = PlanProblem(
        first=problem.first,
        value=problem.value,
        use_first=problem.use_first,
        use_limit=problem.use_limit,
        use_amount=problem.use_amount,
        capacity=problem.capacity + more,
    )
    rounds = _ROUNDS if problem.customers <= _SAMPLED_ABOVE else _LAST_ROUNDS
    found = find_prices(larger, start=prices.price, rounds=rounds)
    return max(0.0, min(float(prices.price @ more), found.bound - prices.bound))


def _search(
    problem: PlanProblem, price: Floats, *, step: Floats, least: Floats, soft: tuple[float, float], rounds: int
) -> Prices:
    from analysis.touch.plan.price_kernel import price_pass

    fields, usage, last = problem.fields, np.empty(problem.limits), np.zeros(problem.limits)
    best = Prices(price, np.inf)
    for k in range(rounds):
        softness = soft[0] * (1 / soft[1]) ** (k / max(rounds - 1, 1))
        bound = float(price_pass(*fields, price, softness, usage) + price @ problem.capacity)
        if bound < best.bound:
            best = Prices(price.copy(), bound)
        way = np.sign(usage - problem.capacity)
        way[(price <= 0) & (way < 0)] = 0.0
        again = way * last
        step = np.maximum(np.where(again > 0, step * _GROW, np.where(again < 0, step * _SHRINK, step)), least)
        price, last = np.maximum(price + way * step, 0.0), way
    return best


def _where_there_is_enough(problem: PlanProblem) -> Prices | None:
    """Return that nothing has a price, if everybody can have the best schedule of all; else None."""
    from analysis.touch.plan.price_kernel import price_pass

    usage, nothing = np.empty(problem.limits), np.zeros(problem.limits)
    best = float(price_pass(*problem.fields, nothing, 0.0, usage))
    return Prices(nothing, best) if (usage <= problem.capacity).all() else None


def _typical_price(problem: PlanProblem, *, scale: float) -> Floats:
    """Return for each limit the price at which a typical use of it costs what a typical schedule earns."""
    count = np.bincount(problem.use_limit, minlength=problem.limits)
    total = np.bincount(problem.use_limit, weights=problem.use_amount, minlength=problem.limits)
    return scale * count / np.maximum(total, 1e-12) * (total > 0)


def _sample(problem: PlanProblem) -> PlanProblem:
    """Return the problem of every so-manieth customer, with as much smaller capacities."""
    every = -(-problem.customers // _SAMPLE)
    who = np.arange(0, problem.customers, every)
    schedules = _ranges(problem.first, who)
    uses = _ranges(problem.use_first, schedules)
    return PlanProblem(
        first=_starts(np.diff(problem.first)[who]),
        value=problem.value[schedules],
        use_first=_starts(np.diff(problem.use_first)[schedules]),
        use_limit=problem.use_limit[uses],
        use_amount=problem.use_amount[uses],
        capacity=problem.capacity * (len(who) / problem.customers),
    )


def _ranges(first: Ints, of: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the places ``first[i]`` to ``first[i + 1] - 1`` for each i of ``of``, one after the other."""
    begin = first[of].astype(np.int64)
    lengths = first[of + 1].astype(np.int64) - begin
    offset = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return np.repeat(begin - offset, lengths) + np.arange(lengths.sum())


def _starts(lengths: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
