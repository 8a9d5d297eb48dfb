"""What bad input gets: each row of the table in ``design/data.md``, in its order."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.data.accounting import at, compare, refuse_stale
from analysis.data.connect import open_tables
from analysis.errors import DataError

HEADER = "order_id,customer_id,ordered_at,amount\n"
GOOD = "".join(f"o{i},c{i % 3},2026-06-{i + 1:02d} 10:00:00,{i + 10}\n" for i in range(20))


def orders_of(loaded: Any) -> pd.DataFrame:
    return pd.read_parquet(loaded.folder / "orders.parquet").set_index("order_id")


def refunds_of(loaded: Any) -> pd.DataFrame:
    return pd.read_parquet(loaded.folder / "refunds.parquet").set_index("refund_id")


def purchases_of(loaded: Any, day: date = date(2026, 7, 1)) -> pd.DataFrame:
    frame: pd.DataFrame = open_tables(loaded.folder).as_of(day).purchases().collect("pandas").to_native()
    return frame.set_index("order_id")


def quarantine_of(loaded: Any, table: str = "orders") -> pd.DataFrame:
    return pd.read_parquet(loaded.quarantine / f"{table}.parquet")


def assert_law(account: Any) -> None:
    parts = account.used + account.duplicates + account.anonymous + account.after_as_of + account.n_quarantined
    assert parts == account.rows_in


# --- a required column missing


def test_a_missing_required_column_is_exit_3_and_says_table_column_found_nearest_and_the_line_to_add(load_files):
    with pytest.raises(DataError) as caught:
        load_files({"orders.csv": "订单编号,会员ID,付款时间,实付金额\n1,a,2026-06-01,5\n"})
    text = str(caught.value)
    assert caught.value.exit_code == 3
    for said in ("orders", "customer_id", "订单编号, 会员ID, 付款时间, 实付金额", "nearest is '会员ID'"):
        assert said in text
    assert "columns: {order_id: 订单编号, customer_id: 会员ID, ordered_at: 付款时间, amount: 实付金额}" in text


def test_an_amount_that_is_quantity_times_price_is_proposed_as_such(load_files):
    with pytest.raises(DataError) as caught:
        load_files({"orders.csv": "order_id,customer_id,ordered_at,数量,单价\n1,a,2026-06-01,2,5\n"})
    assert "products: {amount: [数量, 单价]}" in caught.value.hint


def test_the_line_that_the_error_proposes_makes_the_book_load(load_files):
    columns = {"order_id": "订单编号", "customer_id": "会员ID", "ordered_at": "付款时间", "amount": "实付金额"}
    loaded = load_files(
        {"orders.csv": "订单编号,会员ID,付款时间,实付金额\n1,a,2026-06-01,5\n"}, orders={"columns": columns}
    )
    assert orders_of(loaded).loc["1", "amount"] == 5.0


def test_a_column_that_the_book_names_and_the_source_lacks_is_an_error_even_if_it_is_optional(load_files):
    with pytest.raises(DataError, match=r"'discount' \(the book names '优惠'\) is missing"):
        load_files({"orders.csv": HEADER + GOOD}, orders={"columns": {"discount": "优惠"}})


# --- a row that breaks the contract


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,c1,yesterday,5", "ordered_at: unreadable"),
        ("x,c1,2026-13-45,5", "ordered_at: unreadable"),
        ("x,c1,2026-06-01,five", "amount: unreadable"),
        ("x,c1,2026-06-01,", "amount: empty"),
        ("x,c1,,5", "ordered_at: empty"),
        (",c1,2026-06-01,5", "order_id: empty"),
        ("x,c1,2026-07-03 00:00,5", "ordered_at: in_the_future"),
        ("x,c1,2026-06-01,inf", "amount: unreadable"),
        ("x,c1,2026-06-01,6921168509256000123", "amount: out_of_range"),
        ("x,c1,0001-01-01,5", "ordered_at: out_of_range"),
        ("x,c1,2026-06-01,5,6", "row: ragged"),
        ("x,c1,2026-06-01", "row: ragged"),
        ("6.92612E+18,c1,2026-06-01,5", "order_id: damaged"),
    ],
)
def test_a_row_that_breaks_the_contract_is_kept_in_quarantine_with_its_reason(load_files, row, reason):
    loaded = load_files({"orders.csv": f"{HEADER}{GOOD}{row}\n"})
    (account,) = loaded.tables
    assert account.quarantined == {reason: 1}
    assert account.used == 20
    assert_law(account)
    kept = quarantine_of(loaded)
    assert list(kept["reason"]) == [reason]
    if reason != "row: ragged":
        assert kept["row"].iloc[0] == 21
        assert kept["ordered_at"].iloc[0] == row.split(",")[2]
    else:
        assert kept["text"].iloc[0] == row


def test_one_order_id_with_two_customers_is_rejected_whole_because_nothing_says_whose_it_is(load_files):
    rows = "x,c1,2026-06-01,5\nx,c2,2026-06-01,7\n"
    loaded = load_files({"orders.csv": HEADER + GOOD + rows})
    (account,) = loaded.tables
    assert account.quarantined == {"order_id: two_customers": 2}
    assert "x" not in orders_of(loaded).index


def test_a_row_up_to_one_day_ahead_of_now_is_a_clock_set_wrong_and_stays(load_files):
    loaded = load_files({"orders.csv": f"{HEADER}{GOOD}x,c1,2026-07-02 11:00,5\n"})  # now is 1 July, 12:00 in Shanghai
    assert loaded.tables[0].quarantined == {}
    assert loaded.latest_day == date(2026, 6, 20)  # … but the day of the run is not in the future


def test_the_run_stops_only_above_max_quarantine_share(load_files):
    files = {"orders.csv": f"{HEADER}{GOOD}x,c1,yesterday,5\n"}
    assert load_files(files, max_quarantine_share=0.05).tables[0].n_quarantined == 1
    with pytest.raises(DataError, match=r"1 of 21 rows \(4\.8%\).*ordered_at cannot be read: 1") as caught:
        load_files(files, max_quarantine_share=0.04)
    kept_in = Path(str(caught.value).split("rejected rows in ")[1].split(", correct")[0])
    assert list(pd.read_parquet(kept_in)["reason"]) == ["ordered_at: unreadable"]


# --- an order without customer_id


def test_an_order_without_customer_is_an_anonymous_sale_in_revenue_but_in_nobodys_history(load_files):
    rows = "x,,2026-06-01,5\ny,NULL,2026-06-02,7\n"
    loaded = load_files({"orders.csv": HEADER + GOOD + rows}, max_quarantine_share=0.0)
    (account,) = loaded.tables
    assert (account.used, account.anonymous, account.quarantined) == (20, 2, {})
    assert orders_of(loaded).loc[["x", "y"], "amount"].sum() == 12
    assert not {"x", "y"} & set(purchases_of(loaded).index)


def test_ids_that_the_book_calls_nobody_are_anonymous_too(load_files):
    rows = "x,散客,2026-06-01,5\ny,0,2026-06-02,7\n"
    loaded = load_files({"orders.csv": HEADER + GOOD + rows}, orders={"anonymous_ids": ["散客", "0"]})
    assert loaded.tables[0].anonymous == 2


# --- exact duplicates


def test_exact_duplicates_are_dropped_and_counted(load_files):
    first = GOOD.splitlines()[0] + "\n"
    loaded = load_files({"orders.csv": HEADER + GOOD + first + first})
    (account,) = loaded.tables
    assert (account.rows_in, account.used, account.duplicates) == (22, 20, 2)
    assert_law(account)


def test_without_ids_no_row_is_a_duplicate_because_a_log_may_hold_honest_twins(load_files):
    rows = "c1,2026-06-01,5\n" * 3
    loaded = load_files({"orders.csv": "customer_id,ordered_at,amount\n" + rows}, orders={"order_id": "row_number"})
    (account,) = loaded.tables
    assert (account.used, account.duplicates) == (3, 0)
    assert list(orders_of(loaded).index) == ["1", "2", "3"]


def test_a_row_that_differs_in_a_column_nobody_uses_is_no_duplicate(load_files):
    rows = "x,c1,2026-06-01,5,hat\nx,c1,2026-06-01,5,coat\n"
    loaded = load_files({"orders.csv": HEADER.strip() + ",product\n" + rows}, orders={"grain": "line"})
    assert loaded.tables[0].duplicates == 0
    assert orders_of(loaded).loc["x", "amount"] == 10


# --- lines where orders are expected


def test_lines_where_orders_are_expected_are_said_so_with_the_line_to_add(load_files):
    lines = "".join(f"o{i // 2},c1,2026-06-01,{i}\n" for i in range(20))
    with pytest.raises(DataError, match="these are lines of orders") as caught:
        load_files({"orders.csv": HEADER + lines}, max_quarantine_share=0.01)
    assert "grain: line" in caught.value.hint
    loaded = load_files({"orders.csv": HEADER + lines}, orders={"grain": "line"}, max_quarantine_share=0.01)
    assert orders_of(loaded).loc["o1", "amount"] == 2 + 3


def test_lines_that_repeat_the_total_of_their_order_are_told_apart_from_lines_that_add_up_to_it(load_files):
    lines = "".join(f"o{i // 2},c1,2026-06-01,{i // 2 + 5},sku{i}\n" for i in range(20))
    header = HEADER.strip() + ",sku\n"
    with pytest.raises(DataError) as caught:
        load_files({"orders.csv": header + lines}, max_quarantine_share=0.01)
    assert "order_totals: [amount]" in caught.value.hint
    mapping = {"grain": "line", "order_totals": ["amount"]}
    loaded = load_files({"orders.csv": header + lines}, orders=mapping)
    assert orders_of(loaded).loc["o1", "amount"] == 6


# --- refunds


def test_a_refund_is_netted_by_order_id(load_files):
    loaded = load_files({"orders.csv": HEADER + "x,c1,2026-06-01,50\nx,c1,2026-06-03,-20\n"})
    assert loaded.tables[0].refunds == {"order_id": 1}
    assert orders_of(loaded).loc["x", "amount"] == 50
    assert purchases_of(loaded).loc["x", "amount"] == 30
    assert purchases_of(loaded, date(2026, 6, 2)).loc["x", "amount"] == 50


def test_else_a_refund_is_netted_by_refund_of(load_files):
    rows = "x,c1,2026-06-01,50,\ny,c1,2026-06-02,50,\nr,c1,2026-06-03,-50,x\n"
    loaded = load_files({"orders.csv": HEADER.strip() + ",refund_of\n" + rows})
    assert loaded.tables[0].refunds == {"refund_of": 1}
    assert list(purchases_of(loaded).index) == ["y"]


def test_else_a_refund_goes_to_the_latest_earlier_order_of_at_least_that_amount(load_files):
    rows = "a,c1,2026-06-01,50\nb,c1,2026-06-02,10\nr,c1,2026-06-03,-30\nlater,c1,2026-06-04,90\n"
    loaded = load_files({"orders.csv": HEADER + rows})
    assert list(refunds_of(loaded)["order_id"]) == ["a"]
    assert purchases_of(loaded)["amount"].to_dict() == {"a": 20, "b": 10, "later": 90}


def test_the_rest_is_unmatched_and_counted(load_files):
    loaded = load_files({"orders.csv": HEADER + GOOD + "r,c9,2026-06-03,-30\n"})
    (account,) = loaded.tables
    assert account.refunds == {"unmatched": 1}
    assert account.used == 21
    assert "1 refunds match no order" in account.notices[0]["en"]


def test_invoice_prefixes_named_in_the_book_are_refunds(load_files):
    lines = "536365,c1,2026-06-01,20\n536365,c1,2026-06-01,30\nC536379,c1,2026-06-05,-20\n"
    loaded = load_files({"orders.csv": HEADER + lines}, orders={"grain": "line", "refund_prefixes": ["C"]})
    assert refunds_of(loaded)["matched_by"].tolist() == ["latest_order"]
    assert purchases_of(loaded)["amount"].to_dict() == {"536365": 30.0}


@pytest.mark.parametrize("status", ["refunded", "cancelled", "已退款", "交易关闭"])
def test_an_order_refunded_in_full_or_cancelled_is_no_purchase(load_files, status):
    rows = f"x,c1,2026-06-01,50,{status}\ny,c1,2026-06-02,10,交易成功\n"
    loaded = load_files({"orders.csv": HEADER.strip() + ",status\n" + rows})
    assert list(purchases_of(loaded).index) == ["y"]


def test_a_refund_row_and_a_status_of_the_same_order_are_one_refund(load_files):
    rows = "x,c1,2026-06-01,50,refunded\nx,c1,2026-06-03,-50,refunded\n"
    loaded = load_files({"orders.csv": HEADER.strip() + ",status\n" + rows})
    assert refunds_of(loaded)["amount"].sum() == 50


def test_a_zero_value_order_stays_a_purchase_unless_it_was_cancelled(load_files):
    rows = "x,c1,2026-06-01,0,paid\ny,c1,2026-06-01,0,cancelled\n"
    loaded = load_files({"orders.csv": HEADER.strip() + ",status\n" + rows})
    assert list(purchases_of(loaded).index) == ["x"]


# --- anything else: the law


def test_the_law_of_rows_holds_at_every_day(load_files):
    mixed = (
        GOOD
        + GOOD.splitlines()[3]
        + "\nx,,2026-06-10,5\nz,c1,never,5\nr,c1,2026-06-12,-3\nbroken,c1\nx2,c2,2026-06-25,7\nx3,,2026-06-26,7\n"
    )
    loaded = load_files({"orders.csv": HEADER + mixed})
    (account,) = loaded.tables
    assert account.rows_in == 27
    for day in (date(2026, 5, 1), date(2026, 6, 10), date(2026, 6, 25), date(2026, 7, 1)):
        assert_law(at(account, day=day))
    cut = at(account, day=date(2026, 6, 25))
    assert (cut.after_as_of, cut.anonymous, cut.last_day) == (1, 1, date(2026, 6, 25))


# --- shrunk and stale


def test_a_table_that_shrank_is_a_warning_in_both_languages(load_files):
    before = load_files({"orders.csv": HEADER + GOOD}).tables
    after = load_files({"orders.csv": HEADER + GOOD[: GOOD.index("o15")]}).tables
    notices = compare(after, before=before)
    assert any("shrank: 20 rows last time, 15 now" in notice["en"] and "变少了" in notice["zh"] for notice in notices)


def test_a_table_without_news_is_a_warning_and_a_missing_one_too(load_files):
    before = load_files({"orders.csv": HEADER + GOOD, "customers.csv": "customer_id\nc1\n"}).tables
    notices = compare(
        tuple(account for account in before if account.name == "orders"),
        before=before,
    )
    assert [n["en"] for n in notices] == [
        "The table orders has no news: its last day is still 2026-06-20.",
        "The table customers is missing this time; last time it had 1 rows.",
    ]


def test_stale_after_days_makes_old_data_exit_3(load_files):
    accounts = load_files({"orders.csv": HEADER + GOOD}).tables
    refuse_stale(accounts, today=date(2026, 7, 1), stale_after_days=11)
    refuse_stale(accounts, today=date(2027, 7, 1), stale_after_days=None)
    with pytest.raises(DataError, match=r"11 days ago; data\.stale_after_days allows 10"):
        refuse_stale(accounts, today=date(2026, 7, 1), stale_after_days=10)


# --- unreadable files


def test_an_encoding_that_nothing_fits_is_exit_3_with_the_file_and_what_was_tried(load_files):
    with pytest.raises(DataError, match=r"orders\.csv cannot be read; tried UTF-8 \(.*\), GB18030 \(.*\)"):
        load_files({"orders.csv": HEADER.encode() + b"caf\xe9,\xff\xfe\xff,2026-06-01,5\n"})


def test_an_empty_file_is_exit_3(load_files):
    with pytest.raises(DataError, match=r"orders\.csv is empty"):
        load_files({"orders.csv": b""})
    with pytest.raises(DataError, match="no header and no rows"):
        load_files({"orders.csv": b"\n\n"})


def test_a_truncated_parquet_file_is_exit_3(load_files, tmp_path):
    whole = tmp_path / "whole.parquet"
    pd.DataFrame({"order_id": ["a"] * 1000}).to_parquet(whole)
    with pytest.raises(DataError, match=r"orders\.parquet cannot be read as Parquet, it is damaged or was cut off"):
        load_files({"orders.parquet": whole.read_bytes()[:-30]})


def test_a_file_that_only_looks_like_xlsx_is_exit_3(load_files):
    with pytest.raises(DataError, match=r"orders\.xlsx cannot be read as XLSX"):
        load_files({"orders.xlsx": b"PK\x03\x04 no workbook"})
