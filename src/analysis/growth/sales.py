"""Sales over time, from daily to weekly."""

import pandas as pd

__all__ = ["weekly_sales"]


def weekly_sales(daily: pd.DataFrame, *, as_of: pd.Timestamp, weeks: int) -> pd.DataFrame:
    """Return one row per whole week, the last one ending on ``as_of``, oldest first; weeks without sales are 0.

    Args:
        daily: One row per day with sales: ordered_on, n_orders (orders), revenue (currency).
        as_of: Last day of the last week.
        weeks: How many weeks at most; never earlier than the first day with sales.

    Returns:
        week_ends_on (day), n_orders (orders), revenue (currency).

    Examples:
        >>> days = ["2026-06-01", "2026-06-09"]
        >>> daily = pd.DataFrame({"ordered_on": days, "n_orders": [2, 3], "revenue": [20.0, 30.0]})
        >>> weekly_sales(daily, as_of=pd.Timestamp("2026-06-14"), weeks=4)["n_orders"].tolist()
        [2, 3]
    """
    days = pd.to_datetime(daily["ordered_on"])
    week = (as_of - days).dt.days // 7
    span = min(weeks, int(week.max()) + 1) if len(daily) else 0
    sums = daily[["n_orders", "revenue"]].groupby(week.to_numpy()).sum()
    whole = sums.reindex(range(span - 1, -1, -1), fill_value=0)
    ends = [(as_of - pd.Timedelta(days=7 * int(w))).date() for w in whole.index]
    return pd.DataFrame(
        {
            "week_ends_on": ends,
            "n_orders": whole["n_orders"].to_numpy(dtype="int64"),
            "revenue": whole["revenue"].to_numpy(dtype="float64"),
        }
    )
