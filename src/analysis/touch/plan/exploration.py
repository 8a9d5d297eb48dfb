"""A coin between near-equal customers: the only way to learn later whether the plan's choice was right.

A customer who gets a schedule and one of the same member of staff who just missed the same schedule are paired, and a
coin decides who gets it. Staff's time is the same either way, the plan loses next to nothing, and both have an honest
probability of one half.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.touch.plan.compile import Plan
from analysis.touch.plan.problem import NOTHING, Floats, Ints, used

__all__ = ["Explored", "explore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """A plan after the coins.

    Attributes:
        choice: Each customer's schedule or ``NOTHING``.
        other: What the customer would have got had the coin fallen the other way; the same where no coin was thrown.
        propensity: Probability of ``choice`` given the compiled plan, 0-1.
    """

    choice: Ints
    other: Ints
    propensity: Floats

    @property
    def coins(self) -> int:
        """How many coins were thrown: half the customers in a pair."""
        return int((self.propensity < 1).sum()) // 2


def explore(
    plan: Plan,
    *,
    staff: npt.NDArray[np.int64],
    spend: Floats,
    slots: int,
    share: float,
    tolerance: float,
    seed: int,
    keep: npt.NDArray[np.bool_] | None = None,
) -> Explored:
    """Return the plan with coins thrown in near-equal pairs.

    Args:
        plan: The compiled plan.
        staff: Each customer's member of staff.
        spend: Money each schedule pays out.
        slots: Staff-days among the plan's limits; a limit after them is the budget.
        share: Planned customers who meet a coin at most, 0-1.
        tolerance: How much less the other customer may be worth, as a share.
        seed: Of the coins.
        keep: Customers whose choice stays.
    """
    choice = plan.chosen.choice.copy()
    pairs = _pairs(plan, staff=staff, spend=spend, keep=keep)
    pairs = pairs[pairs["loss"] <= tolerance].sort_values(["loss", "planned"], kind="stable")
    if plan.problem.limits > slots:
        # Whichever way the coins fall, the budget must hold.
        left = plan.problem.capacity[slots] - used(plan.problem, choice)[slots]
        dearer = np.maximum(pairs["more_spend"], 0.0)
        pairs = pairs[(dearer == 0) | (dearer.cumsum() <= left)]
    pairs = pairs.head(round(share * int((choice != NOTHING).sum())))
    other, propensity = choice.copy(), np.ones(len(choice))
    planned, missed = pairs["planned"].to_numpy(), pairs["missed"].to_numpy()
    gets, would_get = choice[planned], pairs["schedule"].to_numpy(dtype=np.int32)
    other[planned], other[missed] = NOTHING, would_get
    propensity[planned] = propensity[missed] = 0.5
    turned = np.random.default_rng([seed, 0xC014]).random(len(pairs)) < 0.5
    choice[planned[turned]], choice[missed[turned]] = NOTHING, would_get[turned]
    other[planned[turned]], other[missed[turned]] = gets[turned], NOTHING
    return Explored(choice=choice, other=other, propensity=propensity)


def _pairs(
    plan: Plan, *, staff: npt.NDArray[np.int64], spend: Floats, keep: npt.NDArray[np.bool_] | None
) -> pd.DataFrame:
    """Return pairs of a planned customer and one who missed the same schedule: the lowest planned, the best missed."""
    schedules, choice = plan.schedules, plan.chosen.choice
    owner = np.repeat(np.arange(len(choice)), np.diff(schedules.first))
    table = pd.DataFrame({"customer": owner, "schedule": np.arange(len(owner)), "value": schedules.value})
    table["kind"] = _kind(schedules.message, schedules.day, staff=staff[owner])
    fixed = np.zeros(len(choice), dtype=bool) if keep is None else keep
    got = choice[owner] == table["schedule"].to_numpy()
    planned = table[got & ~fixed[owner]].sort_values(["value", "customer"])
    without = (choice[owner] == NOTHING) & ~fixed[owner] & (table["value"].to_numpy() > 0)
    missed = table[without & table["kind"].isin(planned["kind"]).to_numpy()]
    missed = missed.sort_values(["value", "customer"], ascending=[False, True]).drop_duplicates("customer")
    planned = planned.assign(rank=planned.groupby("kind").cumcount())
    missed = missed.assign(rank=missed.groupby("kind").cumcount())
    pairs = planned.merge(missed, on=["kind", "rank"], suffixes=("_planned", "_missed"))
    return pd.DataFrame(
        {
            "planned": pairs["customer_planned"],
            "missed": pairs["customer_missed"],
            "schedule": pairs["schedule_missed"],
            "loss": 1 - pairs["value_missed"] / pairs["value_planned"],
            "more_spend": spend[pairs["schedule_missed"]] - spend[pairs["schedule_planned"]],
        }
    )


def _kind(
    message: npt.NDArray[np.int8], day: npt.NDArray[np.int8], *, staff: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return a number for schedules that take the same time of the same member of staff on the same days."""
    kind = staff + 1
    for place in (0, 1):
        kind = (kind * 128 + message[:, place] + 1) * 64 + day[:, place] + 1
    return kind
