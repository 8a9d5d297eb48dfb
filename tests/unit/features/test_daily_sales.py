"""Sales by day tell known customers from nobody known."""

from datetime import date

from analysis.data.connect import open_tables
from analysis.features.daily_sales import daily_sales

ORDERS = """order_id,customer_id,ordered_at,amount
a,c1,2026-06-01,5
b,,2026-06-01,6
c,,2026-06-02,7
d,c1,2026-06-03,8
"""


def test_anonymous_sales_are_counted_apart(load_files):
    tables = open_tables(load_files({"orders.csv": ORDERS}).folder)
    days = daily_sales(tables, as_of=date(2026, 6, 2)).collect("pandas").to_native()
    assert days["n_orders"].tolist() == [1, 0]
    assert days["revenue"].tolist() == [5.0, 0.0]
    assert days["revenue_anonymous"].tolist() == [6.0, 7.0]
