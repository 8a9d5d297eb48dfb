"""Purchase days of a cohort, day by day: how many customers began, and how many of those who had begun came back."""

from datetime import date
from typing import TYPE_CHECKING

import narwhals as nw

if TYPE_CHECKING:
    import pandas as pd

    from analysis.data.connect import Tables

__all__ = ["purchase_days"]


def purchase_days(tables: "Tables", *, as_of: date, began_by: date) -> "pd.DataFrame":
    """Return first and repeat purchase days of the customers who began by a day, one row per day with any.

    Args:
        tables: The book's tables; rows after ``as_of`` are cut here.
        as_of: Last day counted, inclusive.
        began_by: Only customers whose first purchase is no later than this day.

    Returns:
        ``day``, ``n_first`` (customers who began), ``n_repeat`` (customers of the cohort who came back that day;
        several orders of one customer and day count once), oldest first.

    Raises:
        MissingTableError: If there are no orders.
    """
    import pandas as pd

    purchases = tables.as_of(as_of).purchases().select("customer_id", "ordered_on")
    # One row per customer and day first: what follows meets a fraction of the rows, and counts without sorting.
    visits = purchases.group_by("customer_id", "ordered_on").agg(nw.len().alias("n_orders"))
    first = purchases.group_by("customer_id").agg(nw.col("ordered_on").min().alias("first_on"))
    cohort = visits.join(first.filter(nw.col("first_on") <= nw.lit(began_by)), on="customer_id", how="inner")
    began = (nw.col("ordered_on") == nw.col("first_on")).cast(nw.Int64)
    days = cohort.group_by("ordered_on").agg(nw.len().alias("n_visits"), began.sum().alias("n_first"))
    table: pd.DataFrame = days.collect("pandas").to_native()
    table = table.assign(day=pd.to_datetime(table["ordered_on"])).sort_values("day", ignore_index=True)
    table["n_repeat"] = table["n_visits"] - table["n_first"]
    return table[["day", "n_first", "n_repeat"]].astype({"n_first": "int64", "n_repeat": "int64"})
