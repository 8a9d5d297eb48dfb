"""Sales over time, from daily to weekly."""

from typing import Any

import pandas as pd

from analysis.stats.scoring import proportion

__all__ = ["sales_headline", "weekly_sales"]


def sales_headline(customers: pd.DataFrame, daily: pd.DataFrame, *, as_of: pd.Timestamp, days: int) -> pd.DataFrame:
    """Return the numbers a week is opened with, one row each, in the shape of a headline table.

    Args:
        customers: One row per customer with a purchase: first_order_on (day), days_since_last_order (days).
        daily: One row per day with sales: ordered_on (day), revenue and revenue_anonymous (currency).
        as_of: Day of the report.
        days: Length of the window that ends on that day.

    Returns:
        name, value, unit, ci_lower, ci_upper, confidence_level, grade, n. ``n_buyers`` and ``revenue`` (anonymous
        sales, too) are counted; ``repurchase_rate`` is the share of those who bought before the window that bought
        again in it, with a 95 % interval for the chance behind it.
    """
    age = (as_of - pd.to_datetime(daily["ordered_on"])).dt.days
    window = daily[age < days]
    recent = customers["days_since_last_order"] < days
    earlier = (as_of - pd.to_datetime(customers["first_order_on"])).dt.days >= days
    again, before = int((recent & earlier).sum()), int(earlier.sum())
    rows: list[dict[str, Any]] = [
        {"name": "n_customers", "value": float(len(customers)), "unit": "customers"},
        {"name": "n_buyers", "value": float(recent.sum()), "unit": "customers"},
        {"name": "revenue", "value": float(window[["revenue", "revenue_anonymous"]].sum().sum()), "unit": "money"},
        {"name": "repurchase_rate", "value": None, "unit": "share", "n": before},
    ]
    if before:
        rate = proportion(again, before)
        rows[-1] |= {
            "value": rate.value,
            "ci_lower": rate.ci_lower,
            "ci_upper": rate.ci_upper,
            "confidence_level": 0.95,
        }
    names = ["name", "value", "unit", "ci_lower", "ci_upper", "confidence_level", "grade", "n"]
    return pd.DataFrame(rows, columns=names).astype({"value": "float64", "ci_lower": "float64", "ci_upper": "float64"})


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
