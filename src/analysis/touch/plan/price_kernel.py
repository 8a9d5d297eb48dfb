"""The compiled loops of the plan compiler, all in one file so that the cache on disk knows when they change.

Import it only where it is used: compiling takes seconds the first time, loading from the cache a fraction.
Arguments are those of ``PlanProblem``, field by field; ``room`` is what is left of each limit, ``choice`` each
customer's schedule or -1. Both are written in place.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["choose_at_prices", "exchange", "fill_up", "holders", "place_in_order", "price_pass"]

Floats = npt.NDArray[np.float64]
Values = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., object])

TINY = 1e-7  # limits and values are kept to this: sums of thirds of a minute are never exact
FAR = 12.0  # schedules this many softnesses below the best weigh less than a hundred-thousandth: left out
MOST = 4096  # schedules of one customer that are weighed softly
NEAR = 0.05  # share of what the own schedule leaves by which another may fall short and still be tried


def compiled(function: Function) -> Function:
    """Compile a loop, keeping its signature for the type checker."""
    return cast("Function", numba.njit(cache=True)(function))


def inlined(function: Function) -> Function:
    """Compile a step into the loops that take it: calls that pass arrays cost more than the step itself."""
    return cast("Function", numba.njit(cache=True, inline="always")(function))


@inlined
def _left(j: int, value: Values, use_first: Ints, use_limit: Ints, use_amount: Floats, price: Floats) -> float:
    left: float = value[j] * 1.0
    for u in range(use_first[j], use_first[j + 1]):
        left -= price[use_limit[u]] * use_amount[u]
    return left


@compiled
def _fits(j: int, use_first: Ints, use_limit: Ints, use_amount: Floats, room: Floats) -> bool:
    for u in range(use_first[j], use_first[j + 1]):  # noqa: SIM110 - compiled, a loop is the fast way
        if use_amount[u] > room[use_limit[u]] + TINY:
            return False
    return True


@inlined
def _add(j: int, sign: float, use_first: Ints, use_limit: Ints, use_amount: Floats, room: Floats) -> None:
    if j >= 0:
        for u in range(use_first[j], use_first[j + 1]):
            room[use_limit[u]] += sign * use_amount[u]


@compiled
def price_pass(
    first: Ints,
    value: Values,
    use_first: Ints,
    use_limit: Ints,
    use_amount: Floats,
    price: Floats,
    softness: float,
    usage: Floats,
) -> float:
    """Add up what customers would use at these prices; return the sum of what is left to them after paying.

    With a softness > 0 (currency) a customer's use is spread over near-equal schedules, so that use changes
    smoothly with prices; what is returned is that of the best schedule all the same: a bound needs it.
    """
    usage[:] = 0.0
    total = 0.0
    kept = np.empty(MOST)
    for i in range(len(first) - 1):
        begin, end = first[i], min(first[i + 1], first[i] + MOST)
        best, at = 0.0, -1
        for j in range(begin, end):
            left = value[j] * 1.0
            if left > best - FAR * softness:
                left = _left(j, value, use_first, use_limit, use_amount, price)
            kept[j - begin] = left
            if left > best:
                best, at = left, j
        total += best
        if softness <= 0.0:
            _add(at, 1.0, use_first, use_limit, use_amount, usage)
        else:
            _spread(kept, best, softness, begin, end, use_first, use_limit, use_amount, usage)
    # schedules beyond those weighed softly count towards the bound all the same
    return total + _beyond(first, value, use_first, use_limit, use_amount, price)


@inlined
def _spread(
    kept: Floats,
    best: float,
    softness: float,
    begin: int,
    end: int,
    use_first: Ints,
    use_limit: Ints,
    use_amount: Floats,
    usage: Floats,
) -> None:
    low = best - FAR * softness
    weight = np.exp(-best / softness) if low < 0.0 else 0.0  # of getting nothing
    for j in range(begin, end):
        if kept[j - begin] > low:
            weight += np.exp((kept[j - begin] - best) / softness)
    for j in range(begin, end):
        if kept[j - begin] > low:
            share = np.exp((kept[j - begin] - best) / softness) / weight
            _add(j, share, use_first, use_limit, use_amount, usage)


@compiled
def _beyond(first: Ints, value: Values, use_first: Ints, use_limit: Ints, use_amount: Floats, price: Floats) -> float:
    more = 0.0
    for i in range(len(first) - 1):
        if first[i + 1] - first[i] > MOST:
            best = 0.0
            for j in range(first[i], first[i] + MOST):
                best = max(best, _left(j, value, use_first, use_limit, use_amount, price))
            over = best
            for j in range(first[i] + MOST, first[i + 1]):
                over = max(over, _left(j, value, use_first, use_limit, use_amount, price))
            more += over - best
    return more


@compiled
def choose_at_prices(
    first: Ints,
    value: Values,
    use_first: Ints,
    use_limit: Ints,
    use_amount: Floats,
    price: Floats,
    choice: Ints,
    lead: Floats,
) -> None:
    """Write each customer's best schedule at these prices, and by how much it beats getting nothing."""
    for i in range(len(first) - 1):
        best, at = 0.0, -1
        for j in range(first[i], first[i + 1]):
            left = _left(j, value, use_first, use_limit, use_amount, price)
            if left > best:
                best, at = left, j
        choice[i], lead[i] = at, best


@compiled
def place_in_order(
    order: Places,
    first: Ints,
    value: Values,
    use_first: Ints,
    use_limit: Ints,
    use_amount: Floats,
    price: Floats,
    room: Floats,
    choice: Ints,
) -> None:
    """Give each customer in turn the schedule that is best at these prices among those that still fit."""
    for i in order:
        best, at = 0.0, -1
        for j in range(first[i], first[i + 1]):
            if value[j] > best and _fits(j, use_first, use_limit, use_amount, room):
                left = _left(j, value, use_first, use_limit, use_amount, price)
                if left > best:
                    best, at = left, j
        choice[i] = at
        _add(at, -1.0, use_first, use_limit, use_amount, room)


@compiled
def fill_up(
    order: Places,
    first: Ints,
    value: Values,
    use_first: Ints,
    use_limit: Ints,
    use_amount: Floats,
    room: Floats,
    choice: Ints,
) -> int:
    """Move customers in turn to a schedule that earns more and fits once their own is given back; count the moves."""
    moves = 0
    for i in order:
        own = choice[i]
        above = 0.0
        if own >= 0:
            above = value[own] * 1.0
        _add(own, 1.0, use_first, use_limit, use_amount, room)
        at = _best_fitting(i, above + TINY, first, value, use_first, use_limit, use_amount, room)
        if at < 0:
            _add(own, -1.0, use_first, use_limit, use_amount, room)
        else:
            _add(at, -1.0, use_first, use_limit, use_amount, room)
            choice[i] = at
            moves += 1
    return moves


@compiled
def _best_fitting(
    i: int,
    above: float,
    first: Ints,
    value: Values,
    use_first: Ints,
    use_limit: Ints,
    use_amount: Floats,
    room: Floats,
) -> int:
    """Return the schedule that earns most among those that earn more than ``above`` and fit, or -1."""
    best, at = above, -1
    for j in range(first[i], first[i + 1]):
        if value[j] > best and _fits(j, use_first, use_limit, use_amount, room):
            best, at = value[j] * 1.0, j
    return at


@compiled
def holders(
    order: Places, use_first: Ints, use_limit: Ints, choice: Ints, limits: int, most: int
) -> tuple[Places, Ints]:
    """List, for each limit, the customers whose schedule draws on it: the first ``most`` in this order."""
    count = np.zeros(limits, np.int64)
    for i in order:
        if choice[i] >= 0:
            for u in range(use_first[choice[i]], use_first[choice[i] + 1]):
                count[use_limit[u]] = min(count[use_limit[u]] + 1, most)
    begin = np.zeros(limits + 1, np.int64)
    begin[1:] = np.cumsum(count)
    who = np.empty(begin[limits], np.int32)
    count[:] = begin[:limits]
    for i in order:
        if choice[i] >= 0:
            for u in range(use_first[choice[i]], use_first[choice[i] + 1]):
                r = use_limit[u]
                if count[r] < begin[r + 1]:
                    who[count[r]] = i
                    count[r] += 1
    return begin, who


@compiled
def exchange(
    order: Places,
    first: Ints,
    value: Values,
    use_first: Ints,
    use_limit: Ints,
    use_amount: Floats,
    price: Floats,
    room: Floats,
    choice: Ints,
    begin: Places,
    who: Ints,
) -> int:
    """Let customers in turn take a better schedule from somebody who loses less by it; count the exchanges.

    Only schedules that at these prices about beat the customer's own are tried, and only holders of the one limit
    that is short are asked; they move to the best schedule that still fits, or to nothing.
    """
    done = 0
    for i in order:
        own = choice[i]
        own_value, own_left = 0.0, 0.0
        if own >= 0:
            own_value = value[own] * 1.0
            own_left = _left(own, value, use_first, use_limit, use_amount, price)
        for j in range(first[i], first[i + 1]):
            gain = value[j] - own_value
            if gain <= TINY:
                continue
            left = _left(j, value, use_first, use_limit, use_amount, price)
            if left <= own_left - NEAR * abs(own_left) - TINY:
                continue
            _add(own, 1.0, use_first, use_limit, use_amount, room)
            if _take(i, j, gain, first, value, use_first, use_limit, use_amount, room, choice, begin, who):
                choice[i] = j
                own, own_value, own_left = j, value[j] * 1.0, left
                done += 1
            else:
                _add(own, -1.0, use_first, use_limit, use_amount, room)
    return done


@compiled
def _take(
    i: int,
    j: int,
    gain: float,
    first: Ints,
    value: Values,
    use_first: Ints,
    use_limit: Ints,
    use_amount: Floats,
    room: Floats,
    choice: Ints,
    begin: Places,
    who: Ints,
) -> bool:
    """Book schedule j for customer i if it fits, or once a holder of the one short limit has made room."""
    short, n_short = -1, 0
    for u in range(use_first[j], use_first[j + 1]):
        if use_amount[u] > room[use_limit[u]] + TINY:
            short, n_short = use_limit[u], n_short + 1
    if n_short > 1:
        return False
    _add(j, -1.0, use_first, use_limit, use_amount, room)
    if n_short == 0:
        return True
    least, loser, instead = gain - TINY, -1, -1
    for h in range(begin[short], begin[short + 1]):
        k = who[h]
        theirs = choice[k]
        if k == i or theirs < 0:
            continue
        _add(theirs, 1.0, use_first, use_limit, use_amount, room)
        if room[short] >= -TINY:
            floor = max(value[theirs] - least, 0.0)
            at = _best_fitting(k, floor, first, value, use_first, use_limit, use_amount, room)
            loss = value[theirs] - (value[at] if at >= 0 else 0.0)
            if loss < least:
                least, loser, instead = loss, k, at
        _add(theirs, -1.0, use_first, use_limit, use_amount, room)
    if loser < 0:
        _add(j, 1.0, use_first, use_limit, use_amount, room)
        return False
    _add(choice[loser], 1.0, use_first, use_limit, use_amount, room)
    _add(instead, -1.0, use_first, use_limit, use_amount, room)
    choice[loser] = instead
    return True
