"""Purchase days of a cohort, day by day: how many customers began, and how many of those who had begun came back."""

from datetime import date
from typing import TYPE_CHECKING, Any

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
    first = (
        purchases.group_by("customer_id")
        .agg(nw.col("ordered_on").min().alias("day"))
        .filter(nw.col("day") <= nw.lit(began_by))
    )
    days = purchases.join(first.select("customer_id"), on="customer_id", how="semi")
    visits = days.group_by("ordered_on").agg(nw.col("customer_id").n_unique().alias("n_visits"))
    counts = [_collected(first.group_by("day").agg(nw.len().alias("n_first")), "day"), _collected(visits, "ordered_on")]
    table = pd.concat(counts, axis=1).fillna(0).astype("int64").sort_index()
    table["n_repeat"] = table.pop("n_visits") - table["n_first"]
    return table.rename_axis("day").reset_index()


def _collected(lazy: nw.LazyFrame[Any], day: str) -> "pd.DataFrame":
    import pandas as pd

    frame: pd.DataFrame = lazy.collect("pandas").to_native()
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame.pop(day)))
    return frame
