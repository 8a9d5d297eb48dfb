"""Lines to orders, sales and refunds."""

from datetime import date

import pandas as pd
import pytest

from analysis.data.connect import open_tables

HEADER = "order_id,customer_id,ordered_at,amount"


def load_lines(load_files, rows, *, header=HEADER, **mapping):
    return load_files({"orders.csv": f"{header}\n" + "\n".join(rows) + "\n"}, orders={"grain": "line", **mapping})


def read(loaded, table):
    return pd.read_parquet(loaded.folder / f"{table}.parquet")


def test_lines_are_summed_to_orders_to_the_cent(load_files):
    rows = [f"x,c1,2026-06-01 10:00,0.{i:02d}" for i in range(1, 100)]
    orders = read(load_lines(load_files, rows), "orders")
    assert orders["amount"].tolist() == [49.5]


def test_an_order_is_as_old_as_its_first_line_and_of_the_category_of_its_dearest(load_files):
    rows = ["x,c1,2026-06-01 10:01,5,茶,2", "x,c1,2026-06-01 10:00,9,杯,1", "x,c1,2026-06-01 10:02,5,茶,2"]
    order = read(load_lines(load_files, rows, header=HEADER + ",category,quantity"), "orders").iloc[0]
    assert order["ordered_at"] == pd.Timestamp("2026-06-01 02:00")
    assert (order["category"], order["quantity"], order["ordered_hour"]) == ("杯", 5, 10)


def test_a_negative_line_within_a_day_lowers_the_order_and_is_no_refund(load_files):
    loaded = load_lines(load_files, ["x,c1,2026-06-01,50", "x,c1,2026-06-01,-10"])
    assert read(loaded, "orders")["amount"].tolist() == [40]
    assert read(loaded, "refunds").empty


def test_an_order_given_back_in_full_on_its_day_is_a_sale_and_its_refund(load_files):
    loaded = load_lines(load_files, ["x,c1,2026-06-01,50", "x,c1,2026-06-01 18:00,-50"])
    assert read(loaded, "orders")["amount"].tolist() == [50]
    assert read(loaded, "refunds")[["order_id", "amount"]].values.tolist() == [["x", 50]]
    purchases = open_tables(loaded.folder).purchases().collect("pandas").to_native()
    assert purchases.empty


def test_a_negative_line_of_a_later_day_is_a_refund_of_that_day(load_files):
    loaded = load_lines(load_files, ["x,c1,2026-06-01,50", "x,c1,2026-06-05,-20"])
    assert read(loaded, "refunds")["refunded_on"].tolist() == [date(2026, 6, 5)]
    tables = open_tables(loaded.folder)
    before, after = (tables.as_of(date(2026, 6, day)).purchases().collect("pandas").to_native() for day in (4, 5))
    assert (before["amount"].tolist(), after["amount"].tolist()) == ([50], [30])


def test_a_line_of_a_later_day_is_never_seen_inside_the_earlier_order(load_files):
    orders = read(load_lines(load_files, ["x,c1,2026-06-01,50", "x,c1,2026-06-05,7"]), "orders")
    assert orders[["order_id", "amount"]].values.tolist() == [["x", 50], ["x@2026-06-05", 7]]


def test_a_line_without_customer_belongs_to_the_customer_of_its_order(load_files):
    loaded = load_lines(load_files, ["x,c1,2026-06-01,50", "x,,2026-06-01,7"])
    assert read(loaded, "orders")["customer_id"].tolist() == ["c1"]


def test_amount_may_be_quantity_times_price(load_files):
    loaded = load_lines(
        load_files,
        ["x,c1,2026-06-01,3,1.1", "x,c1,2026-06-01,2,￥1.05", "C1,c1,2026-06-02,-1,1.1"],
        header="order_id,customer_id,ordered_at,Quantity,Price",
        products={"amount": ["Quantity", "Price"]},
        refund_prefixes=["C"],
    )
    assert read(loaded, "orders")["amount"].tolist() == [5.4]
    assert read(loaded, "refunds")["amount"].tolist() == [1.1]


def test_an_unreadable_factor_puts_the_line_into_quarantine(load_files):
    loaded = load_lines(
        load_files,
        ["x,c1,2026-06-01,three,1.1", "x,c1,2026-06-01,2,1"],
        header="order_id,customer_id,ordered_at,Quantity,Price",
        products={"amount": ["Quantity", "Price"]},
    )
    assert loaded.tables[0].quarantined == {"amount: unreadable": 1}


def test_columns_may_be_added_up_and_a_discount_has_no_sign(load_files):
    loaded = load_files(
        {"orders.csv": HEADER + ",d1,d2\nx,c1,2026-06-01,50,-2,-0.5\ny,c1,2026-06-01,50,,\n"},
        orders={"sums": {"discount": ["d1", "d2"]}},
    )
    assert read(loaded, "orders")["discount"].fillna(-1).tolist() == [2.5, -1]


@pytest.mark.parametrize("repeated", [True, False])
def test_a_total_repeated_on_each_line_counts_once_where_the_book_says_so(load_files, repeated):
    mapping = {"order_totals": ["amount"]} if repeated else {}
    loaded = load_lines(load_files, ["x,c1,2026-06-01,30,a", "x,c1,2026-06-01,30,b"], header=HEADER + ",sku", **mapping)
    assert read(loaded, "orders")["amount"].tolist() == [30 if repeated else 60]


def test_one_line_refunded_by_status_lowers_the_order_by_that_line(load_files):
    rows = ["x,c1,2026-06-01,30,paid", "x,c1,2026-06-01,20,已退款"]
    loaded = load_lines(load_files, rows, header=HEADER + ",status")
    purchases = open_tables(loaded.folder).purchases().collect("pandas").to_native()
    assert purchases["amount"].tolist() == [30]
    assert read(loaded, "orders")["status"].tolist() == ["paid"]


def test_items_of_one_product_on_several_lines_are_one_row(load_files):
    items = "order_id,sku,quantity,amount\nx,a,1,5\nx,a,2,10\nx,b,1,3\n"
    loaded = load_files({"orders.csv": HEADER + "\nx,c1,2026-06-01,18\n", "order_items.csv": items})
    frame = read(loaded, "order_items")
    assert frame.values.tolist() == [["x", "a", 3, 15], ["x", "b", 1, 3]]


def test_items_exported_twice_count_once_and_the_others_stay_as_they_are(load_files):
    items = "order_id,sku,quantity,amount\ny,c,1,7\nx,b,1,3\nx,a,1,5\nx,a,1,5\nx,a,2,10\n"
    loaded = load_files({"orders.csv": HEADER + "\nx,c1,2026-06-01,18\ny,c1,2026-06-02,7\n", "order_items.csv": items})
    rows = sorted(map(tuple, read(loaded, "order_items").values.tolist()))
    assert rows == [("x", "a", 3, 15), ("x", "b", 1, 3), ("y", "c", 1, 7)]
    assert {table.name: table.duplicates for table in loaded.tables}["order_items"] == 1
