"""Daily sales become whole weeks that end on the day of the report."""

import pandas as pd
import pytest

from analysis.growth.sales import sales_headline, weekly_sales

DAY = pd.Timestamp("2026-06-30")


def daily(*rows):
    rows = [(*row, 0.0)[:4] for row in rows]
    return pd.DataFrame(rows, columns=["ordered_on", "n_orders", "revenue", "revenue_anonymous"])


def test_the_last_week_ends_on_the_day_and_includes_it():
    weeks = weekly_sales(
        daily(("2026-06-30", 1, 10.0), ("2026-06-24", 2, 20.0), ("2026-06-23", 4, 40.0)), as_of=DAY, weeks=9
    )
    assert weeks["n_orders"].tolist() == [4, 3]
    assert [str(day) for day in weeks["week_ends_on"]] == ["2026-06-23", "2026-06-30"]


def test_a_week_without_sales_is_a_zero_not_a_gap():
    weeks = weekly_sales(daily(("2026-06-01", 1, 10.0), ("2026-06-30", 1, 5.0)), as_of=DAY, weeks=52)
    assert weeks["n_orders"].tolist() == [1, 0, 0, 0, 1]


def test_money_is_conserved_within_the_weeks_shown():
    days = pd.date_range("2026-01-01", "2026-06-30").strftime("%Y-%m-%d")
    frame = pd.DataFrame({"ordered_on": days, "n_orders": 1, "revenue": range(len(days))})
    assert weekly_sales(frame, as_of=DAY, weeks=100)["revenue"].sum() == pytest.approx(sum(range(len(days))))


def test_no_sales_give_no_weeks():
    assert weekly_sales(daily(), as_of=DAY, weeks=4).empty


def headline(customers, sales):
    frame = pd.DataFrame(customers, columns=["first_order_on", "days_since_last_order"])
    return sales_headline(frame, sales, as_of=DAY, days=30).set_index("name")


def test_the_repurchase_rate_counts_only_those_who_could_come_back():
    customers = [("2026-01-01", 3), ("2026-01-01", 200), ("2026-06-20", 3)]  # the last one is new in the window
    numbers = headline(customers, daily(("2026-06-27", 2, 50.0), ("2026-05-31", 1, 30.0)))
    assert numbers.loc["repurchase_rate", ["value", "n"]].tolist() == [0.5, 2]
    assert numbers.loc["repurchase_rate", "ci_lower"] < 0.5 < numbers.loc["repurchase_rate", "ci_upper"]
    assert numbers.loc[["n_customers", "n_buyers", "revenue"], "value"].tolist() == [3, 2, 50.0]


def test_a_brand_in_its_first_days_has_no_repurchase_rate_yet():
    numbers = headline([("2026-06-20", 3)], daily(("2026-06-27", 2, 50.0)))
    assert pd.isna(numbers.loc["repurchase_rate", "value"])


def test_anonymous_sales_are_in_the_revenue_and_in_nobodys_history():
    numbers = headline([("2026-01-01", 3)], daily(("2026-06-27", 1, 50.0, 7.5), ("2026-06-28", 0, 0.0, 2.5)))
    assert numbers.loc[["n_customers", "n_buyers", "revenue"], "value"].tolist() == [1, 1, 60.0]
