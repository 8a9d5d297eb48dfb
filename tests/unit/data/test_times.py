from datetime import datetime

import duckdb
import pytest

from analysis.data.times import classify, number_time, text_time
from analysis.errors import DataError


def parse(texts, *, timezone="Asia/Shanghai", date_order=None):
    """Return the parsed times and whether they are UTC."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t (x VARCHAR)")
    connection.executemany("INSERT INTO t VALUES (?)", [(text,) for text in texts])
    value, _, utc = text_time(
        connection, "SELECT * FROM t", "x", what="orders.ordered_at", timezone=timezone, date_order=date_order
    )
    return [row[0] for row in connection.execute(f"SELECT {value} FROM t ORDER BY rowid").fetchall()], utc


MORNING = datetime(2024, 1, 5, 8, 3)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05 08:03:00",
        "2024-01-05T08:03:00",
        "2024-1-5 8:03",
        "2024/1/5 8:03",
        "2024/01/05 08:03:00",
        "2024.1.5 8:03",
        "2024年1月5日 8:03",
        "2024年01月05日08:03",
        "2024年1月5日 8时3分",
        "2024年1月5日 08时03分00秒",
        "2024/1/5 上午8:03:00",
        "2024/1/5 8:03:00 AM",
        "20240105080300",
        "202401050803",
        "20240105 08:03",
        "２０２４－０１－０５　０８：０３",
        " 2024-01-05 08:03 ",
        "05-Jan-2024 08:03",
        "45296.335417",
    ],
)
def test_a_time_is_read_however_it_is_written(text):
    (value,), utc = parse([text])
    assert value is not None
    assert abs((value - MORNING).total_seconds()) < 60
    assert not utc


@pytest.mark.parametrize("text", ["2024-01-05", "2024/1/5", "2024年1月5日", "20240105", "2024.01.05", "45296"])
def test_a_day_is_its_midnight(text):
    assert parse([text])[0] == [datetime(2024, 1, 5)]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-05T08:03:00Z", datetime(2024, 1, 5, 8, 3)),
        ("2024-01-05T08:03:00+08:00", datetime(2024, 1, 5, 0, 3)),
        ("2024-01-05 08:03:00+0800", datetime(2024, 1, 5, 0, 3)),
        ("2024-01-05 08:03:00.250-05", datetime(2024, 1, 5, 13, 3, 0, 250000)),
        ("1704441780", datetime(2024, 1, 5, 8, 3)),
        ("1704441780000", datetime(2024, 1, 5, 8, 3)),
    ],
)
def test_a_time_with_a_zone_is_utc(text, utc):
    assert parse([text]) == ([utc], True)


def test_times_without_a_zone_beside_some_with_one_are_in_the_books_zone():
    values, utc = parse(["2024-01-05T08:03:00Z", "2024-01-05 08:03:00"])
    assert utc
    assert values == [datetime(2024, 1, 5, 8, 3), datetime(2024, 1, 5, 0, 3)]


def test_many_forms_may_stand_in_one_column():
    assert set(parse(["2024/1/5 8:03", "2024-01-05 08:03:00", "2024年1月5日 8:03"])[0]) == {MORNING}


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2024-13-05",
        "2024-02-30",
        "8:03",
        "2024",
        "0.5",
        "12",
        "2024-01-05 25:00",
        "5 days",
        "2024-01-05 08:03 or later",
    ],
)
def test_what_is_no_time_is_never_guessed(text):
    assert parse([text, "2024-01-05"])[0] == [None, datetime(2024, 1, 5)]


@pytest.mark.parametrize("text", ["", "-", "NULL", "0000-00-00 00:00:00", "无"])
def test_nothing_is_nothing(text):
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT ? AS x UNION ALL SELECT '2024-01-05'", [text])
    _, given, _ = text_time(connection, "FROM t", "x", what="", timezone="UTC", date_order=None)
    assert connection.execute(f"SELECT {given} FROM t").fetchall() == [(False,), (True,)]


def test_a_number_above_twelve_tells_the_day_from_the_month():
    assert parse(["12/1/2010 8:26", "12/13/2010 9:00"])[0][0] == datetime(2010, 12, 1, 8, 26)
    assert parse(["12/1/2010 8:26", "13/12/2010 9:00"])[0][0] == datetime(2010, 1, 12, 8, 26)
    assert parse(["1/12/10 8:26", "31/12/10 8:26"])[0][0] == datetime(2010, 12, 1, 8, 26)


def test_where_nothing_tells_them_apart_loading_asks():
    with pytest.raises(DataError, match="do not tell the day from the month") as caught:
        parse(["01/02/2024", "03/04/2024"])
    assert "date_order: dmy" in caught.value.hint
    assert parse(["03/04/2024"], date_order="mdy")[0] == [datetime(2024, 3, 4)]


@pytest.mark.parametrize(
    ("number", "value", "utc"),
    [
        (45296.5, datetime(2024, 1, 5, 12), False),
        (20240105, datetime(2024, 1, 5), False),
        (1704441780, datetime(2024, 1, 5, 8, 3), True),
        (1704441780000, datetime(2024, 1, 5, 8, 3), True),
        (1704441780000000, datetime(2024, 1, 5, 8, 3), True),
    ],
)
def test_a_number_is_a_time_by_its_size(number, value, utc):
    connection = duckdb.connect()
    sql, is_utc = number_time(connection, f"SELECT {number} AS x", "x")
    assert connection.execute(f"SELECT {sql} FROM (SELECT {number} AS x)").fetchall() == [(value,)]
    assert is_utc == utc


def test_a_shape_that_is_not_known_has_no_meaning():
    assert classify("0000 0 0") is None
    assert classify("00:00") is None
