import pandas as pd
import pytest

from analysis.data.encodings import detect_encoding
from analysis.data.text_files import find_layout, read_text_file
from analysis.errors import DataError

ROWS = "订单号,客户,金额\n007,张小姐家,￥12\n6921168509256000123,c2,13\n"


def read(tmp_path, content, **options):
    path = tmp_path / "x.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    rows = read_text_file(path, name="orders", target=tmp_path / "x.parquet", **options)
    return rows, pd.read_parquet(tmp_path / "x.parquet")


@pytest.mark.parametrize(
    ("encoding", "mark", "said"),
    [
        ("utf-8", b"", "UTF-8"),
        ("utf-8", b"\xef\xbb\xbf", "UTF-8"),
        ("gb18030", b"", "GB18030"),
        ("gbk", b"", "GB18030"),
        ("utf-16-le", b"\xff\xfe", "UTF-16"),
        ("utf-16-be", b"\xfe\xff", "UTF-16"),
        ("utf-16-le", b"", "UTF-16-LE"),
    ],
)
def test_every_usual_encoding_gives_the_same_rows(tmp_path, encoding, mark, said):
    rows, frame = read(tmp_path, mark + ROWS.replace("￥", "").encode(encoding))
    assert rows.how == f"{said}, comma"
    assert frame["订单号"].tolist() == ["007", "6921168509256000123"]
    assert frame["客户"].tolist() == ["张小姐家", "c2"]


def test_an_encoding_that_the_book_names_is_used(tmp_path):
    _, frame = read(tmp_path, "id,name\n1,caf\xe9\n".encode("windows-1252"), encoding="windows-1252")
    assert frame["name"].tolist() == ["café"]
    with pytest.raises(DataError, match="cannot be read as ascii"):
        read(tmp_path, "id,name\n1,caf\xe9\n", encoding="ascii")


def test_a_character_cut_by_the_end_of_the_file_is_an_error_not_a_question_mark(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbf" + "订单号".encode()[:-1])
    with pytest.raises(DataError, match="cannot be read as UTF-8-SIG"):
        detect_encoding(tmp_path / "x.csv", name="orders")


@pytest.mark.parametrize(("sign", "said"), [(",", "comma"), ("\t", "tab"), (";", "semicolon"), ("|", "bar")])
def test_the_separator_is_found_out(tmp_path, sign, said):
    rows, frame = read(tmp_path, sign.join(["a", "b"]) + "\n" + sign.join(['"1,2;3|4\t"', "x"]) + "\n")
    assert rows.how == f"UTF-8, {said}"
    assert frame.iloc[0].tolist() == ["1,2;3|4\t", "x"]


def test_numbers_with_a_decimal_comma_do_not_make_the_comma_the_separator(tmp_path):
    _, frame = read(tmp_path, "id;price;qty\n1;2,55;3\n2;3,55;4\n")
    assert list(frame) == ["id", "price", "qty"]


def test_line_breaks_and_quotes_inside_quotes_are_part_of_the_field(tmp_path):
    _, frame = read(tmp_path, 'id,note\r\n1,"two\nlines, and ""quotes"""\r\n2,plain\r\n')
    assert frame["note"].tolist() == ['two\nlines, and "quotes"', "plain"]


def test_rows_of_another_width_are_kept_aside_with_their_text(tmp_path):
    rows, frame = read(tmp_path, "a,b\n1,2\n3\n4,5,6\n7,8\n合计,,\n")
    assert len(frame) == 2 == rows.n_rows
    assert [text for _, text in rows.ragged] == ["3", "4,5,6", "合计,,"]


def test_an_open_quote_swallows_lines_but_every_line_is_counted(tmp_path):
    rows, frame = read(tmp_path, 'a,b\n1,2\n"3,4\n5,6\n7,8\n')
    assert len(frame) == 1
    assert [text for _, text in rows.ragged] == ['"3,4', "5,6", "7,8"]


def test_one_separator_too_many_at_the_end_of_every_row_is_forgiven(tmp_path):
    rows, frame = read(tmp_path, "a,b\n1,2,\n3,4,\n")
    assert frame["b"].tolist() == ["2", "4"]
    assert not rows.ragged


def test_preamble_and_a_line_for_excel_are_skipped(tmp_path):
    _, frame = read(tmp_path, "sep=;\na;b\n1;2\n")
    assert list(frame) == ["a", "b"]
    _, frame = read(tmp_path, "支付宝账单\n导出时间,2026\na,b\n1,2\n", skip_rows=2)
    assert frame["b"].tolist() == ["2"]


def test_headers_are_stripped_and_made_unique(tmp_path):
    (tmp_path / "x.csv").write_text(" 金额 ,金额,\n1,2,3\n", encoding="utf-8")
    assert find_layout(tmp_path / "x.csv", name="orders").headers == ("金额", "金额_2", "column_3")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_header_without_rows_is_a_table_without_rows(tmp_path, end):
    rows, frame = read(tmp_path, "a,b" + end)
    assert (rows.n_rows, list(frame)) == (0, ["a", "b"])


def test_empty_fields_stay_empty_text(tmp_path):
    _, frame = read(tmp_path, 'a,b\n,""\n')
    assert frame.iloc[0].tolist() == ["", ""]
