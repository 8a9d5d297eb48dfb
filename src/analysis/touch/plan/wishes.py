"""What somebody wants whatever it earns (customers who must get something, minimum touches), and why it fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.touch.plan.choose import Chosen, Method, choose
from analysis.touch.plan.prices import find_prices
from analysis.touch.plan.problem import NOTHING, Ints, PlanProblem, worth

__all__ = ["CONFLICT_COLUMNS", "Wishes", "conflicts", "with_wishes"]

Flags = npt.NDArray[np.bool_]

CONFLICT_COLUMNS: Final = ("wish", "asked", "possible", "reason", "n_customers")
_BONUS: Final = 4.0  # times the dearest schedule: serving one who must be served displaces a few others at most
_TRIES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What somebody wants.

    Attributes:
        must: Places of customers who must get something.
        at_least: Fewest touches by channel.
    """

    must: tuple[int, ...] = ()
    at_least: Mapping[str, int] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.must) or any(self.at_least.values())

    def of(self, customers: int, *, channels: Sequence[str]) -> tuple[Flags, Flags]:
        """Return who must get something, and which messages belong to a channel with a minimum."""
        must = np.zeros(customers, dtype=bool)
        must[list(self.must)] = True
        return must, np.array([self.at_least.get(channel, 0) > 0 for channel in channels], dtype=bool)


def with_wishes(
    problem: PlanProblem, *, must: Flags, at_least: Mapping[str, int], counts: Mapping[str, Ints], method: Method
) -> Chosen:
    """Return the best plan that meets the wishes as far as rules and limits allow; rules and limits always hold.

    A wish becomes a bonus: for customers who must be served one that outweighs what they displace, for a channel's
    minimum the smallest that brings its touches up to it. The bonus is taken out of what the plan is said to earn.
    Where all wishes are met, the bound holds for every plan that meets them; else for every plan. Prices are those of
    the plan without wishes.
    """
    scale = float(np.abs(problem.value).max(initial=0.0)) + 1.0
    owner = np.repeat(must, np.diff(problem.first))
    bonus = np.where(owner, _BONUS * scale, 0.0)
    given = 0.0
    for channel, fewest in at_least.items():
        count = counts.get(channel)
        if count is None or not fewest:
            continue
        price = _smallest_price(problem, bonus=bonus, count=count, fewest=fewest, scale=scale, method=method)
        bonus = bonus + price * count
        given += price * fewest
    found = choose(_with(problem, bonus), method=method)
    taken = found.choice[found.choice != NOTHING]
    given += _BONUS * scale * float(owner[taken].sum())
    earned, prices = worth(problem, found.choice), find_prices(problem)
    got = {channel: int(count[taken].sum()) for channel, count in counts.items()}
    met = bool((found.choice[must] != NOTHING).all()) and all(got.get(c, 0) >= n for c, n in at_least.items())
    bound = min(found.bound - given, prices.bound) if met else prices.bound
    return replace(found, worth=earned, bound=max(bound, earned), prices=prices)


def _smallest_price(
    problem: PlanProblem,
    *,
    bonus: npt.NDArray[np.float64],
    count: Ints,
    fewest: int,
    scale: float,
    method: Method,
) -> float:
    """Return the smallest bonus a touch at which the plan has so many touches; the largest tried if none has."""

    def reached(price: float) -> bool:
        choice = choose(_with(problem, bonus + price * count), method=method).choice
        return int(count[choice[choice != NOTHING]].sum()) >= fewest

    if reached(0.0):
        return 0.0
    low, high = 0.0, _BONUS * scale
    if not reached(high):
        return high
    for _ in range(_TRIES):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _with(problem: PlanProblem, bonus: npt.NDArray[np.float64]) -> PlanProblem:
    return replace(problem, value=(problem.value + bonus).astype(np.float32))


def conflicts(
    wishes: Wishes,
    *,
    must: Flags,
    open_: Flags,
    reason: npt.NDArray[np.object_],
    channels: Sequence[str],
    got: Mapping[str, int],
) -> pd.DataFrame:
    """Return what stands against each wish that is not met; empty if all are.

    Args:
        wishes: What was asked for.
        must: Who must get something.
        open_: Whether rules, consent and holdout leave a message open on some day; customers × messages.
        reason: ``planned``, or why each customer gets nothing.
        channels: Of the messages.
        got: Touches planned by channel.

    Returns:
        Rows ``wish`` (``must_send`` or ``at_least:<channel>``), ``asked`` and ``possible`` (customers or touches),
        ``reason`` and ``n_customers`` whom it keeps out.
    """
    rows: list[dict[str, object]] = []
    if wishes.must:
        served = int((reason[must] == "planned").sum())
        for why, n in pd.Series(reason[must & (reason != "planned")]).value_counts().items():
            rows.append(
                {"wish": "must_send", "asked": int(must.sum()), "possible": served, "reason": why, "n_customers": n}
            )
    for channel, fewest in wishes.at_least.items():
        if got.get(channel, 0) >= fewest:
            continue
        places = [m for m, name in enumerate(channels) if name == channel]
        reached = open_[:, places].any(axis=1)
        wish = {"wish": f"at_least:{channel}", "asked": fewest, "possible": got.get(channel, 0)}
        shut = reason[~reached].copy()
        shut[np.isin(shut, ["planned", "not_worth", "no_room"])] = "other_channels_only"
        closed = pd.Series(shut).value_counts()
        rows += [{**wish, "reason": why, "n_customers": n} for why, n in closed.items()]
        if (short := int(reached.sum()) - got.get(channel, 0)) > 0:
            rows.append({**wish, "reason": "no_room", "n_customers": short})
    return pd.DataFrame(rows, columns=list(CONFLICT_COLUMNS))
