"""Whom to promote to one-to-one service when staff can take so many and no more."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from analysis.checks import columns_present
from analysis.errors import AnalysisError
from analysis.segments.tiers import Tier

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["promote_to_one_to_one"]


def promote_to_one_to_one(
    customers: "pd.DataFrame", *, tiers: Sequence[Tier], capacity: int, refused: Collection[str] = ()
) -> "pd.DataFrame":
    """Return the customers worth a person's time, at most as many as staff can take.

    Those in tiers of high spend who are still active come first, then those of high spend gone quiet; within
    both the higher revenue first, equal revenue by the more recent order and then by id, so that the order of
    rows decides nothing.

    Args:
        customers: One row per customer: ``customer_id``, ``tier``, ``revenue`` (currency),
            ``days_since_last_order`` (days); further columns travel along.
        tiers: The tiers that ``tier`` names.
        capacity: Customers that staff can take.
        refused: Ids of customers who refused private chat: never on the list.

    Returns:
        The chosen customers, best first, with ``priority`` (1, 2, …) before the columns given.

    Raises:
        AnalysisError: If capacity is negative or a column is missing.
    """
    columns_present(
        customers.columns, needed=("customer_id", "tier", "revenue", "days_since_last_order"), table="customers"
    )
    if capacity < 0:
        raise AnalysisError(f"Capacity must not be negative, got {capacity}.")
    by_name: Mapping[str, Tier] = {tier.name: tier for tier in tiers}
    valuable = [name for name, tier in by_name.items() if tier.valuable]
    quiet = [name for name in valuable if not by_name[name].active]
    eligible = customers[customers["tier"].isin(valuable) & ~customers["customer_id"].isin(list(refused))]
    is_quiet = eligible["tier"].isin(quiet)
    active = eligible.loc[~is_quiet, "revenue"]
    if active.count() > capacity > 0:  # who cannot be among the chosen need not be put in order
        eligible = eligible[~is_quiet & (eligible["revenue"] >= active.nlargest(capacity).iloc[-1])]
    ranked = eligible.assign(_quiet=is_quiet).sort_values(
        ["_quiet", "revenue", "days_since_last_order", "customer_id"], ascending=[True, False, True, True]
    )
    chosen = ranked.drop(columns="_quiet").head(capacity).reset_index(drop=True)
    chosen.insert(0, "priority", chosen.index + 1)
    return chosen
