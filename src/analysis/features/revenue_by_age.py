"""What each customer paid by their age: months since the first purchase, the first purchase among them."""

from datetime import date
from typing import TYPE_CHECKING, Final

import narwhals as nw

from analysis.features.expressions import days_between, money_sum, to_money

if TYPE_CHECKING:
    import pandas as pd

    from analysis.data.connect import Tables

__all__ = ["MONTH_DAYS", "revenue_by_age"]

MONTH_DAYS: Final = 365 / 12
"""Days of a month of age: all months are alike, twelve are a year."""


def revenue_by_age(tables: "Tables", *, as_of: date) -> "pd.DataFrame":
    """Return revenue by customer and month of age, one row per month in which a customer bought.

    Args:
        tables: The book's tables; rows after ``as_of`` are cut here.
        as_of: Day of the book's zone, inclusive.

    Returns:
        ``customer_id``, ``month`` (0 is the one that begins with the first purchase), ``revenue`` (currency, net of
        refunds), sorted by both.

    Raises:
        MissingTableError: If there are no orders.
    """
    purchases = tables.as_of(as_of).purchases().select("customer_id", "ordered_on", "amount")
    first = purchases.group_by("customer_id").agg(nw.col("ordered_on").min().alias("first_on"))
    aged = purchases.join(first, on="customer_id", how="inner")
    # In whole numbers, so that every engine puts a day into the same month: 12 × days ÷ 365.
    month = (days_between(aged, nw.col("first_on"), nw.col("ordered_on")).cast(nw.Int64) * 12) // 365
    sums = (
        aged.with_columns(month.alias("month"))
        .group_by("customer_id", "month")
        .agg(money_sum(nw.col("amount")).alias("parts"))
        .select("customer_id", nw.col("month").cast(nw.Int32), to_money(nw.col("parts")).alias("revenue"))
    )
    table: pd.DataFrame = sums.collect("pandas").to_native()
    return table.sort_values(["customer_id", "month"], ignore_index=True)
