"""Which order a refund belongs to."""

from datetime import date

import pandas as pd

from analysis.data.connect import open_tables

HEADER = "order_id,customer_id,ordered_at,amount\n"


def refunds(loaded):
    return pd.read_parquet(loaded.folder / "refunds.parquet").set_index("refund_id")["order_id"].fillna("").to_dict()


def test_what_one_refund_used_up_is_not_there_for_the_next(load_files):
    rows = "a,c1,2026-06-01,50\nb,c1,2026-06-02,50\nr1,c1,2026-06-03,-50\nr2,c1,2026-06-04,-50\nr3,c1,2026-06-05,-50\n"
    loaded = load_files({"orders.csv": HEADER + rows})
    assert refunds(loaded) == {"r1/3": "b", "r2/4": "a", "r3/5": ""}
    assert loaded.tables[0].refunds == {"latest_order": 2, "unmatched": 1}


def test_a_refund_that_names_its_order_uses_it_up_too(load_files):
    rows = "a,c1,2026-06-01,50\nb,c1,2026-06-02,50\nb,c1,2026-06-03,-50\nr,c1,2026-06-04,-50\n"
    loaded = load_files({"orders.csv": HEADER + rows})
    assert refunds(loaded) == {"b/3": "b", "r/4": "a"}


def test_a_later_refund_never_changes_what_an_earlier_one_was_matched_to(load_files):
    rows = "a,c1,2026-06-01,50\nb,c1,2026-06-02,50\nr,c1,2026-06-03,-30\n"
    first = load_files({"orders.csv": HEADER + rows})
    second = load_files({"orders.csv": HEADER + rows + "b,c1,2026-06-10,-50\n"})
    assert refunds(first)["r/3"] == refunds(second)["r/3"] == "b"


def test_a_refund_never_goes_to_an_order_after_it_or_of_somebody_else(load_files):
    rows = "mine_later,c1,2026-06-09,50\ntheirs,c2,2026-06-01,50\nr,c1,2026-06-03,-30\n"
    assert refunds(load_files({"orders.csv": HEADER + rows})) == {"r/3": ""}


def test_a_refund_id_with_a_prefix_finds_the_order_whose_number_it_carries(load_files):
    rows = "100,c1,2026-06-01,50\n101,c1,2026-06-02,50\nR100,c1,2026-06-03,-30\n"
    loaded = load_files({"orders.csv": HEADER + rows}, orders={"refund_prefixes": ["R"]})
    assert refunds(loaded) == {"R100/3": "100"}


def test_a_prefixed_refund_is_a_refund_even_with_a_positive_amount(load_files):
    rows = "100,c1,2026-06-01,50\nR7,c1,2026-06-03,30\n"
    loaded = load_files({"orders.csv": HEADER + rows}, orders={"refund_prefixes": ["R"]})
    frame = pd.read_parquet(loaded.folder / "refunds.parquet")
    assert frame["amount"].tolist() == [30]


def test_a_refund_without_customer_takes_the_customer_of_the_order_it_names(load_files):
    loaded = load_files({"orders.csv": HEADER + "a,c1,2026-06-01,50\na,,2026-06-02,-5\n"})
    frame = pd.read_parquet(loaded.folder / "refunds.parquet")
    assert frame["customer_id"].tolist() == ["c1"]
    assert loaded.tables[0].anonymous == 1


def test_a_status_with_a_date_undoes_the_purchase_only_from_that_day_on(load_files):
    header = "order_id,customer_id,ordered_at,amount,status,refunded_at\n"
    loaded = load_files({"orders.csv": header + "a,c1,2026-06-01,50,refunded,2026-06-10 08:00\n"})
    tables = open_tables(loaded.folder)
    assert len(tables.as_of(date(2026, 6, 9)).purchases().collect("pandas")) == 1
    assert len(tables.as_of(date(2026, 6, 10)).purchases().collect("pandas")) == 0
    early = tables.as_of(date(2026, 6, 9)).lazy("orders").collect("pandas").to_native()
    assert early["status"].isna().all()
    assert early["refunded_at"].isna().all()


def test_revenue_is_the_same_before_and_after(load_files):
    rows = "a,c1,2026-06-01,50.10\nb,,2026-06-02,50.20\na,c1,2026-06-03,-20.05\nr,c9,2026-06-04,-3.33\n"
    loaded = load_files({"orders.csv": HEADER + rows})
    orders, back = (
        pd.read_parquet(loaded.folder / f"{name}.parquet")["amount"].sum() for name in ("orders", "refunds")
    )
    assert round(orders - back, 2) == round(50.10 + 50.20 - 20.05 - 3.33, 2)
