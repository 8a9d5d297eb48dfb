"""Purchase days of a cohort and revenue by age: a day counts once, the cohort is closed, months are alike."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.data.connect import Tables, open_tables
from analysis.features.purchase_days import purchase_days
from analysis.features.revenue_by_age import revenue_by_age

LOG = [
    ("a", "2026-01-01", 10.0),
    ("a", "2026-01-05", 1.0),
    ("a", "2026-01-05", 2.0),
    ("a", "2026-02-01", 5.0),
    ("b", "2026-01-05", 20.0),
    ("b", "2027-01-05", 7.0),
    ("late", "2026-02-01", 40.0),
    ("late", "2026-02-02", 40.0),
]


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    orders = pd.DataFrame(LOG, columns=["customer_id", "ordered_at", "amount"])
    orders["ordered_at"] = pd.to_datetime(orders["ordered_at"]).astype("datetime64[us]")
    orders = orders.assign(order_id=[f"o{i}" for i in range(len(LOG))], ordered_on=orders["ordered_at"].dt.date)
    orders.to_parquet(tmp_path / "orders.parquet", index=False)
    return open_tables(tmp_path)


def test_repeats_are_days_of_those_who_began_by_the_day(tables):
    table = purchase_days(tables, as_of=date(2026, 3, 1), began_by=date(2026, 1, 31))
    assert table["day"].dt.strftime("%m-%d").tolist() == ["01-01", "01-05", "02-01"]
    assert table["n_first"].tolist() == [1, 1, 0]
    assert table["n_repeat"].tolist() == [0, 1, 1]


def test_revenue_of_a_month_of_age_is_counted_from_the_customers_own_first_day(tables):
    table = revenue_by_age(tables, as_of=date(2027, 12, 31))
    assert list(table.itertuples(index=False, name=None)) == [
        ("a", 0, 13.0),
        ("a", 1, 5.0),
        ("b", 0, 20.0),
        ("b", 12, 7.0),
        ("late", 0, 80.0),
    ]
