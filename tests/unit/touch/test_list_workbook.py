"""Workbooks made from one pattern: every text comes back, ranges cover every row, the same rows give the same bytes."""

import datetime as dt
import io
from zipfile import ZipFile

import openpyxl
import pandas as pd
import pytest

from analysis.touch.list_workbook import Workbooks, workbook_rows

TEXTS = ["plain", "<b>&amp;</b>", 'a "quote"', "澄序", "R2 A1:B2 $A$1:$B$2", "</row></sheetData>", ""]


def written(table: pd.DataFrame) -> bytes:
    books = Workbooks.of(list(table.columns), widths=[10, 20], sheet="touches", created=dt.date(2026, 6, 30))
    return books.written(workbook_rows(table))


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({"text": TEXTS, "A1:B2": [0.1, 2.0, None, -3.5, 1e-7, 12345678901234.0, 0.0]})


def test_texts_and_numbers_come_back_as_they_were(table: pd.DataFrame) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(written(table))).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == ("text", "A1:B2")
    assert [row[0] or "" for row in rows[1:]] == TEXTS
    assert [row[1] for row in rows[1:]] == [0.1, 2, None, -3.5, 1e-7, 12345678901234, 0]


def test_control_characters_are_written_as_spreadsheets_read_them() -> None:
    book = written(pd.DataFrame({"text": ["a\x07b\ufffe_x0041_"], "n": [1]}))
    sheet = ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml").decode()
    assert "<t>a_x0007_b_xFFFE__x005F_x0041_</t>" in sheet


@pytest.mark.parametrize("n", [1, 2, 300])
def test_the_filter_covers_every_row(n: int) -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(pd.DataFrame({"text": ["x"] * n, "n": range(n)}))))
    sheet = book.active
    assert sheet.max_row == n + 1
    assert sheet.auto_filter.ref == f"A1:B{n + 1}"
    assert sheet.freeze_panes == "C2"


def test_the_same_rows_give_the_same_bytes(table: pd.DataFrame) -> None:
    assert written(table) == written(table.copy())
