"""Money: what a strategy earns and costs, entry by entry; profit is the sum of its ledger and nothing else."""

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["COUNTS", "ENTRIES", "LEDGER", "MONTH_DAYS", "entry", "fixed_cost", "profit"]

Floats = npt.NDArray[np.float64]

LEDGER: Final = (
    "margin",
    "coupons",
    "touch_costs",
    "staff_costs",
    "account_wear",
    "lost_contacts",
    "fixed_costs",
)
COUNTS: Final = (
    "orders",
    "extra_orders",
    "borrowed_orders",
    "repurchasers",
    "deletions",
    "assigned",
    "confirmed",
    "delivered",
    "read",
    "redeemed",
    "redeemed_extra",
    "staff_minutes",
    "reached",
    "reached_repurchasers",
    "refusals",
    "lapsed",
    "won_back",
)
ENTRIES: Final = (*LEDGER, *COUNTS)
MONTH_DAYS: Final = 365.25 / 12


def entry(name: str) -> int:
    """Return the place of an entry on the last axis of the simulator's totals."""
    return ENTRIES.index(name)


def profit(totals: Floats) -> Floats:
    """Return profit: the sum over the ledger, in which costs are negative. Last axis: ``ENTRIES``."""
    return np.asarray(totals[..., : len(LEDGER)].sum(axis=-1))


def fixed_cost(monthly: float, *, days: int) -> float:
    """Return the ledger entry of a fixed monthly cost over so many days (negative)."""
    return -monthly * days / MONTH_DAYS
