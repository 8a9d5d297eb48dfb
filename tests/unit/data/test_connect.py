from datetime import date

import pandas as pd
import pytest

from analysis.data.connect import open_tables
from analysis.errors import AnalysisError, MissingTableError

ORDERS = "order_id,customer_id,ordered_at,amount\na,c1,2026-06-01,5\nb,,2026-06-02,6\n"


@pytest.fixture
def tables(load_files):
    return open_tables(load_files({"orders.csv": ORDERS}).folder)


def test_tables_know_what_they_have(tables):
    assert tables.names == ("orders", "refunds")
    assert tables.has("orders")
    assert not tables.has("touches")
    assert tables.has_column("orders", "amount")
    assert not tables.has_column("orders", "discount")
    assert not tables.has_column("touches", "read_at")


def test_a_missing_table_is_named_with_who_needs_it(tables):
    with pytest.raises(MissingTableError, match="'exposure' needs the table 'touches'"):
        tables.lazy("touches", needed_by="exposure")


def test_nothing_is_lost_or_repeated_without_a_cut(tables):
    assert len(tables.lazy("orders").collect("pandas")) == 2


def test_an_anonymous_sale_is_nobodys_purchase(tables):
    assert tables.purchases().collect("pandas").to_native()["order_id"].tolist() == ["a"]


def test_an_anonymous_sale_is_a_sale(tables):
    assert tables.sales().collect("pandas").to_native()["amount"].sum() == 11.0


def test_channels_by_the_words_of_the_trade_are_those_of_the_registry(load_files):
    lines = "".join(f"{n},c1,{word},x,2026-06-01\n" for n, word in enumerate(["企微私聊", "短信", "sms", "橱窗"]))
    loaded = load_files(
        {"orders.csv": ORDERS, "touches.csv": "touch_id,customer_id,channel,campaign_id,assigned_at\n" + lines}
    )
    touches = open_tables(loaded.folder).lazy("touches").sort("touch_id").collect("pandas").to_native()
    assert touches["channel"].tolist() == ["private_chat", "sms", "sms", "橱窗"]


def test_a_cut_may_go_further_back_but_is_never_taken_back(tables):
    assert tables.as_of(date(2026, 1, 2)).as_of(date(2026, 1, 1)).day == date(2026, 1, 1)
    with pytest.raises(AnalysisError, match="lies after it"):
        tables.as_of(date(2026, 1, 1)).as_of(date(2026, 1, 2))


def test_a_folder_without_tables_is_an_error(tmp_path):
    with pytest.raises(AnalysisError, match="No tables in"):
        open_tables(tmp_path)


def test_spark_without_pyspark_says_what_to_install(load_files):
    try:
        import pyspark  # type: ignore[import-not-found]  # noqa: F401 - optional extra
    except ImportError:
        folder = load_files({"orders.csv": ORDERS}).folder
        with pytest.raises(AnalysisError, match=r"pyspark.*not installed"):
            open_tables(folder, engine="spark")


def test_two_processes_may_read_the_same_folder(load_files):
    folder = load_files({"orders.csv": ORDERS}).folder
    first, second = open_tables(folder), open_tables(folder)
    one, two = (tables.lazy("orders").collect("pandas").to_native() for tables in (first, second))
    pd.testing.assert_frame_equal(one, two)


def test_what_is_read_once_holds_its_customers_and_columns_alone_whatever_was_read_before(tmp_path):
    ids = [f"c{i}" for i in range(500)]
    orders = pd.DataFrame({"order_id": ids, "customer_id": ids, "ordered_on": date(2026, 1, 1), "amount": 5.0})
    orders.to_parquet(tmp_path / "orders.parquet")
    orders.rename(columns={"order_id": "touch_id"}).to_parquet(tmp_path / "touches.parquet")
    tables = open_tables(tmp_path)

    def read(customers, *columns):
        part = tables.read_once(customers, columns={"orders": ["customer_id", "no_such_column", *columns]})
        assert part.names == ("orders",)
        return part.lazy("orders").collect("pandas").to_native()

    for customers in (ids[:30], ids[20:200], ids[:30]):
        assert sorted(read(customers)["customer_id"]) == sorted(customers)
    assert list(read(ids[:30], "amount").columns) == ["customer_id", "amount"]
    tables.let_go()
    assert not tables._session.sql("select * from duckdb_tables()").fetchall()
    assert sorted(read(ids[:30])["customer_id"]) == sorted(ids[:30])
    assert len(tables.lazy("orders").collect("pandas")) == 500


def test_tables_among_some_customers_hold_their_rows_alone_and_each_once(load_files):
    orders = "a,c1,2026-06-01,5\nb,,2026-06-02,6\nc,c2,2026-06-03,7\nd,c3,2026-06-04,8\n"
    touches = "t1,c1,sms,x,2026-06-01\nt2,c1,sms,y,2026-06-02\nt3,c3,sms,x,2026-06-02\n"
    loaded = load_files(
        {
            "orders.csv": "order_id,customer_id,ordered_at,amount\n" + orders,
            "touches.csv": "touch_id,customer_id,channel,campaign_id,assigned_at\n" + touches,
        }
    )
    tables = open_tables(loaded.folder)
    among = tables.among(tables.lazy("touches")).as_of(date(2026, 6, 3))
    assert among.purchases().collect("pandas").to_native()["order_id"].tolist() == ["a"]
    listed = tables.among(["c3", "c1", "c3"]).purchases().collect("pandas").to_native()
    assert sorted(listed["order_id"]) == ["a", "d"]
    assert len(tables.lazy("orders").collect("pandas")) == 4
