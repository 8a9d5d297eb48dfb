from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from analysis.data.load import load
from analysis.data.mapping import DataSource
from analysis.errors import BookError, DataError

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ORDERS = "order_id,customer_id,ordered_at,amount\na,c1,2026-06-01,5\n"


def load_source(tmp_path, source, **data):
    book = DataSource.model_validate({"source": str(source), **data})
    return load(book, now=NOW, timezone="Asia/Shanghai", cache=tmp_path / "cache", base=tmp_path)


def read(loaded, table="orders"):
    return pd.read_parquet(loaded.folder / f"{table}.parquet")


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE sales AS SELECT 7 AS no, 'c1' AS who, TIMESTAMP '2026-06-01 10:00' AS at, "
            "5.5::DECIMAL(9,2) AS paid"
        )
        connection.execute("CREATE SCHEMA crm")
        connection.execute("CREATE TABLE crm.people AS SELECT 'c1' AS customer_id, 3 AS points")
        connection.execute(
            "CREATE TABLE campaigns AS SELECT 'k' AS campaign_id, 's' AS name, DATE '2026-06-01' AS starts_at"
        )
    return path


COLUMNS = {"order_id": "no", "customer_id": "who", "ordered_at": "at", "amount": "paid"}


def test_a_duckdb_file_gives_its_tables_by_name(tmp_path, shop):
    tables = {"orders": {"file": "sales", "columns": COLUMNS}, "customers": {"file": "crm.people"}}
    loaded = load_source(tmp_path, shop, tables=tables)
    assert read(loaded)[["order_id", "customer_id", "amount"]].values.tolist() == [["7", "c1", 5.5]]
    assert read(loaded, "customers")["points"].tolist() == [3]
    assert [account.file for account in loaded.tables] == [
        "shop.duckdb:sales",
        "shop.duckdb:crm.people",
        "shop.duckdb:campaigns",
    ]


def test_a_table_that_the_duckdb_file_lacks_is_an_error_with_those_it_has(tmp_path, shop):
    with pytest.raises(DataError, match=r"no table 'sale', it has campaigns, crm\.people, main\.campaigns") as caught:
        load_source(tmp_path, shop, tables={"orders": {"file": "sale"}})
    assert "did you mean 'sales'?" in caught.value.hint


def test_a_file_that_is_no_duckdb_file_is_an_error(tmp_path):
    (tmp_path / "x.duckdb").write_bytes(b"no database at all, whatever its name says" * 200)
    with pytest.raises(DataError, match=r"x\.duckdb cannot be opened as a DuckDB file"):
        load_source(tmp_path, tmp_path / "x.duckdb")


def test_files_are_found_by_the_tables_name_with_any_ending_and_case(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "ORDERS.TSV").write_text(ORDERS.replace(",", "\t"))
    assert load_source(tmp_path, "export").tables[0].how == "UTF-8, tab"


def test_several_files_are_one_table_in_their_order(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    for month, order in ((5, "x"), (6, "y")):
        (folder / f"{month}.csv").write_text(ORDERS.replace("\na", f"\n{order}"))
    loaded = load_source(tmp_path, folder, tables={"orders": {"file": ["5.csv", "6.csv"]}})
    assert read(loaded)["order_id"].tolist() == ["x", "y"]
    assert loaded.tables[0].file == "5.csv, 6.csv"


def test_rows_repeated_in_two_files_are_duplicates(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    for month in (5, 6):
        (folder / f"{month}.csv").write_text(ORDERS)
    loaded = load_source(tmp_path, folder, tables={"orders": {"file": ["5.csv", "6.csv"]}})
    assert loaded.tables[0].duplicates == 1


def test_a_table_set_to_null_is_left_out(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "campaigns.csv").write_text("not,a,campaign\n1,2,3\n")
    assert [t.name for t in load_source(tmp_path, folder, tables={"campaigns": None}).tables] == ["orders"]


def test_a_file_outside_the_source_is_refused(tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "orders.csv").write_text(ORDERS)
    with pytest.raises(BookError, match="lies outside the source"):
        load_source(tmp_path, "export", tables={"orders": {"file": "../orders.csv"}})


def test_a_folder_without_tables_says_what_is_there(tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "订单导出.csv").write_text(ORDERS)
    with pytest.raises(DataError, match=r"None of the tables is in .*; it holds 订单导出\.csv"):
        load_source(tmp_path, "export")


def test_a_file_given_as_source_is_explained(tmp_path):
    (tmp_path / "orders.csv").write_text(ORDERS)
    with pytest.raises(DataError, match="neither a folder nor a DuckDB file") as caught:
        load_source(tmp_path, "orders.csv")
    assert "file: orders.csv" in caught.value.hint


def test_a_database_url_does_not_belong_in_a_book(tmp_path):
    with pytest.raises(BookError, match="does not belong in a book") as caught:
        load_source(tmp_path, "postgresql://shop:secret@host/db")
    assert "secret" not in str(caught.value)


def test_a_join_adds_columns_of_a_second_file(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "sent.csv").write_text("household,campaign\n1,26\n2,27\n")
    (folder / "plans.csv").write_text("campaign,start\n26,2026-05-01\n")
    touches = {
        "file": "sent.csv",
        "columns": {"customer_id": "household", "campaign_id": "campaign"},
        "constants": {"channel": "mail"},
        "join": {"file": "plans.csv", "on": "campaign", "columns": {"assigned_at": "start"}},
    }
    loaded = load_source(tmp_path, folder, tables={"touches": touches}, max_quarantine_share=1.0)
    frame = read(loaded, "touches")
    assert frame[["touch_id", "customer_id", "channel", "campaign_id"]].values.tolist() == [["1", "1", "mail", "26"]]
    assert loaded.tables[0].quarantined == {"assigned_at: empty": 1}
    assert loaded.tables[0].mapped["assigned_at"] == "join: start"


def test_a_joined_file_must_have_one_row_per_value(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "touches.csv").write_text("customer_id,campaign_id,channel\n1,26,sms\n")
    (folder / "plans.csv").write_text("campaign_id,start\n26,2026-05-01\n26,2026-06-01\n")
    join = {"file": "plans.csv", "on": "campaign_id", "columns": {"assigned_at": "start"}}
    with pytest.raises(DataError, match="several rows with campaign_id = 26"):
        load_source(tmp_path, folder, tables={"touches": {"join": join}})


def test_the_demo_brand_is_generated_once(tmp_path):
    steps: list[str] = []
    book = DataSource.model_validate({"source": "demo/coffee", "demo": {"customers": 300, "seed": 3}})
    options = {"now": NOW, "timezone": "Asia/Shanghai", "cache": tmp_path, "base": tmp_path, "progress": steps.append}
    first = load(book, **options)
    assert steps[0] == "generating coffee: 300 customers"
    steps.clear()
    assert load(book, **options) == first
    assert steps == []
    assert {"orders", "touches", "contacts"} <= {account.name for account in first.tables}
    assert (tmp_path / "demo" / "coffee-300-3" / "truth").is_dir()


def test_paths_with_brackets_and_quotes_are_only_paths(tmp_path):
    folder = tmp_path / "it's [2026] * export"
    folder.mkdir()
    pd.DataFrame({"order_id": ["a"], "customer_id": ["c"], "ordered_at": ["2026-06-01"], "amount": [1.0]}).to_parquet(
        folder / "orders.parquet"
    )
    assert load_source(tmp_path, folder).tables[0].used == 1
    assert isinstance(folder, Path)
