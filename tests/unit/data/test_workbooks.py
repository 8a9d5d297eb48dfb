from datetime import date, datetime

import openpyxl
import pandas as pd
import pytest

from analysis.data.workbooks import read_workbook
from analysis.errors import DataError

HEADER = ["订单号", "会员ID", "付款时间", "实付金额"]


def write(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def read(tmp_path, content, **options):
    path = write(tmp_path / "x.xlsx", content)
    rows = read_workbook(path, name="orders", target=tmp_path / "x.parquet", **options)
    return rows, pd.read_parquet(tmp_path / "x.parquet")


def test_cells_become_the_text_a_reader_would_expect(tmp_path):
    cells = ["007", 17850, datetime(2024, 1, 5, 8, 3), 12.5]
    _, frame = read(tmp_path, {"S": [HEADER, cells, [123, None, date(2024, 1, 5), True]]})
    assert frame.iloc[0].tolist() == ["007", "17850", "2024-01-05 08:03:00", "12.5"]
    assert frame.iloc[1].tolist() == ["123", "", "2024-01-05", "true"]


def test_sheets_with_the_same_header_are_one_table_and_others_are_named(tmp_path):
    sheets = {"Year 2009-2010": [HEADER, [1, 2, 3, 4]], "说明": [["看这里"]], "Year 2010-2011": [HEADER, [5, 6, 7, 8]]}
    rows, frame = read(tmp_path, sheets)
    assert frame["订单号"].tolist() == ["1", "5"]
    assert rows.left_out == ("说明",)
    assert "Year 2010-2011" in rows.how


def test_the_book_may_name_a_sheet(tmp_path):
    sheets = {"a": [HEADER, [1, 2, 3, 4]], "b": [HEADER, [5, 6, 7, 8]]}
    _, frame = read(tmp_path, sheets, sheets=("b",))
    assert frame["订单号"].tolist() == ["5"]
    with pytest.raises(DataError, match="has no sheet 'c', it has a, b"):
        read(tmp_path, sheets, sheets=("c",))


def test_a_number_with_more_digits_than_excel_keeps_is_marked_as_damaged(load_files, tmp_path):
    rows = [HEADER, [6921168509256000123, "c1", "2026-06-01", 5], ["6921168509256000124", "c1", "2026-06-01", 5]]
    write(tmp_path / "orders.xlsx", {"S": rows})
    columns = dict(zip(("order_id", "customer_id", "ordered_at", "amount"), HEADER, strict=True))
    loaded = load_files({"orders.xlsx": (tmp_path / "orders.xlsx").read_bytes()}, orders={"columns": columns})
    assert loaded.tables[0].quarantined == {"order_id: damaged": 1}


def test_dates_and_serial_numbers_of_a_sheet_are_local_times(load_files, tmp_path):
    rows = [HEADER, ["a", "c1", datetime(2026, 6, 1, 23, 30), 5], ["b", "c1", 46174.979166667, 5]]
    write(tmp_path / "orders.xlsx", {"S": rows})
    columns = dict(zip(("order_id", "customer_id", "ordered_at", "amount"), HEADER, strict=True))
    loaded = load_files({"orders.xlsx": (tmp_path / "orders.xlsx").read_bytes()}, orders={"columns": columns})
    orders = pd.read_parquet(loaded.folder / "orders.parquet")
    assert orders["ordered_at"].dt.round("s").tolist() == [pd.Timestamp("2026-06-01 15:30")] * 2
    assert orders["ordered_on"].tolist() == [date(2026, 6, 1)] * 2


def test_blank_rows_and_a_preamble_are_skipped(tmp_path):
    _, frame = read(tmp_path, {"S": [["导出说明"], [], HEADER, [1, 2, 3, 4], [], [5, 6, 7, 8]]}, skip_rows=1)
    assert frame["订单号"].tolist() == ["1", "5"]
