"""Whether purchases repeat: the days customers stay away before they come back, and the money that comes back."""

from datetime import date
from typing import TYPE_CHECKING, Any

import narwhals as nw

from analysis.features.expressions import money_sum, to_money
from analysis.features.purchase_history import with_visits

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = ["money_that_repeats", "purchase_gaps"]


def purchase_gaps(tables: "Tables", *, as_of: date) -> nw.LazyFrame[Any]:
    """Return how often each gap between two successive purchase days of a customer occurred, as of a day.

    Several orders of one day are one purchase, so a gap is at least one day.

    Args:
        tables: The book's tables; rows after ``as_of`` are cut here.
        as_of: Day of the book's zone, inclusive.

    Returns:
        One row per length of gap: ``gap_days`` (days), ``n_gaps`` (gaps of all customers).

    Raises:
        MissingTableError: If there are no orders.
    """
    visits = with_visits(tables.as_of(as_of).purchases())
    gaps = visits.filter(nw.col("gap") > 0).group_by("gap").agg(nw.len().alias("n_gaps"))
    return gaps.select(nw.col("gap").cast(nw.Int32).alias("gap_days"), nw.col("n_gaps").cast(nw.Int64))


def money_that_repeats(tables: "Tables", *, as_of: date) -> nw.LazyFrame[Any]:
    """Return what customers who came back spent, and how much of it was each one's single largest order.

    Args:
        tables: The book's tables; rows after ``as_of`` are cut here.
        as_of: Day of the book's zone, inclusive.

    Returns:
        One row: ``revenue`` of all customers who bought on two days or more (currency), ``in_largest_order`` (the part
        of it in the largest order of each); null where nobody came back.

    Raises:
        MissingTableError: If there are no orders.
    """
    purchases = tables.as_of(as_of).purchases()
    customers = purchases.group_by("customer_id").agg(
        money_sum(nw.col("amount")).alias("revenue"),
        nw.col("amount").max().alias("largest"),
        nw.col("ordered_on").min().alias("first_on"),
        nw.col("ordered_on").max().alias("last_on"),
    )
    returned = customers.filter(nw.col("last_on") > nw.col("first_on"))
    sums = returned.select(nw.col("revenue").sum(), money_sum(nw.col("largest")).alias("in_largest_order"))
    return sums.select(to_money(nw.col("revenue", "in_largest_order")))
