"""Days between successive purchases, counted: how long customers usually stay away before they come back."""

from datetime import date
from typing import TYPE_CHECKING, Any

import narwhals as nw

from analysis.features.purchase_history import with_visits

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = ["purchase_gaps"]


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
