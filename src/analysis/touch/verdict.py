"""Which strategy the simulation favours, whether that is sure enough to say so, and what test would settle it."""

import math
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from analysis.touch.money import entry
from analysis.touch.outcome import Outcome
from analysis.touch.strategies import AS_HISTORY, NO_TOUCH
from analysis.touch.summary import Spread, increments, lead, p_best

__all__ = ["SURE", "Kind", "Verdict", "customers_per_arm", "reach_verdict"]

SURE: Final = 0.8  # below this chance of being best the page says "not sure"
_Z: Final = 1.9600 + 0.8416  # two-sided 5 %, power 80 %


class Kind(StrEnum):
    """What can be said."""

    BEST = "best"
    REST = "rest"
    NOT_SURE = "not_sure"


class Verdict(NamedTuple):
    """The outcome of the comparison.

    Attributes:
        kind: ``best`` one strategy is; ``rest``: doing nothing is; ``not_sure``: neither can be said.
        winner: Strategy of the highest mean incremental profit.
        runner_up: The next one.
        lead: By how much the winner's profit exceeds the runner-up's.
        over_history: By how much it exceeds the status quo's; None if that is the winner or not simulated.
        p_best: The winner's share of draws.
        reached: Customers that the winner (or, where doing nothing wins, the next one) touches at least once.
        per_arm: How many of them each arm of a test against no touch needs; None if their rates do not differ.
    """

    kind: Kind
    winner: str
    runner_up: str
    lead: Spread
    over_history: Spread | None
    p_best: float
    reached: float
    per_arm: int | None


def reach_verdict(outcome: Outcome) -> Verdict:
    """Return what the simulation allows to say."""
    measures = increments(outcome)
    profit = measures["incremental_profit"]
    ranked = np.argsort(-profit.mean(axis=1), kind="stable")
    # A past without touches is doing nothing under another name: it neither wins nor comes second.
    order = [int(i) for i in ranked if outcome.strategies[i] == NO_TOUCH or np.any(profit[i] != 0)]
    winner, runner_up = (outcome.strategies[i] for i in order[:2])
    chance = float(p_best(outcome)["p_best"].to_numpy()[order[0]])
    kind = Kind.NOT_SURE if chance < SURE else Kind.REST if winner == NO_TOUCH else Kind.BEST
    tested = winner if winner != NO_TOUCH else runner_up
    place = outcome.strategies.index(tested)
    reached, without = (
        float(outcome.totals[place, -1, :, entry(name)].mean()) for name in ("reached", "reached_repurchasers")
    )
    more = float(measures["incremental_repurchase_rate"][place].mean()) * outcome.n_customers
    has_history = AS_HISTORY in outcome.strategies and winner != AS_HISTORY
    return Verdict(
        kind=kind,
        winner=winner,
        runner_up=runner_up,
        lead=lead(outcome, first=winner, second=runner_up),
        over_history=lead(outcome, first=winner, second=AS_HISTORY) if has_history else None,
        p_best=chance,
        reached=reached,
        per_arm=customers_per_arm(without / reached, difference=more / reached) if reached else None,
    )


def customers_per_arm(rate: float, *, difference: float) -> int | None:
    """Return how many customers each arm of a test needs to see a difference of two rates (5 %, power 80 %).

    Returns:
        None where there is no difference to see.

    Examples:
        >>> customers_per_arm(0.30, difference=0.02)
        8391
    """
    if difference == 0:
        return None
    other = min(max(rate + difference, 0.0), 1.0)
    variance = rate * (1 - rate) + other * (1 - other)
    return math.ceil(_Z**2 * variance / difference**2)
