import duckdb
import pytest

from analysis.data.parse_text import is_plain, text_id, text_number, text_word


def column(texts):
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t (x VARCHAR)")
    connection.executemany("INSERT INTO t VALUES (?)", [(text,) for text in texts])
    return connection


def values(connection, sql):
    return [row[0] for row in connection.execute(f"SELECT {sql} FROM t ORDER BY rowid").fetchall()]


def numbers(*texts, decimal=None):
    connection = column(texts)
    return values(connection, text_number(connection, "FROM t", "x", decimal=decimal)[0])


def ids(*texts, nobody=()):
    connection = column(texts)
    return values(connection, text_id(connection, "FROM t", "x", nobody=nobody)[0])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.5", 12.5),
        ("￥1,234.50", 1234.5),
        ("¥ 1,234.50 元", 1234.5),
        ("1,234,567", 1234567.0),
        ("$12", 12.0),
        ("€ 12.30", 12.3),
        ("（12.00）", -12.0),
        ("(1,200.00)", -1200.0),
        ("12.00-", -12.0),
        ("－３．５", -3.5),
        ("−7", -7.0),
        ("１２３", 123.0),
        ("3件", 3.0),
        ("RMB 9.9", 9.9),
        ("12.5%", 0.125),
        ("1e3", 1000.0),
        (" 8 ", 8.0),
        ("+5", 5.0),
        (".5", 0.5),
    ],
)
def test_a_number_is_read_however_it_is_written(text, number):
    assert numbers(text) == [pytest.approx(number)]


@pytest.mark.parametrize(
    "text", ["five", "1,23,4", "1.2.3", "12,5,", "1_000", "nan%", "0x10", "--5", "5 or 6", "1 2a", "inf"]
)
def test_what_is_no_number_is_never_guessed(text):
    assert numbers(text, "￥1.50")[0] is None


@pytest.mark.parametrize("text", ["", "NULL", "-", "--", "无", "N/A", "nan"])
def test_nothing_is_nothing_not_an_unreadable_number(text):
    connection = column([text])
    value, given = text_number(connection, "FROM t", "x", decimal=None)
    assert values(connection, value) == [None]
    assert values(connection, given) == [False]


def test_a_decimal_comma_is_found_out_from_the_whole_column():
    assert numbers("2,55", "1.234,50", "3") == [2.55, 1234.5, 3.0]
    assert numbers("2,550", "1,234") == [2550.0, 1234.0]
    assert numbers("1,234", "2.5") == [1234.0, 2.5]


def test_the_book_may_say_which_mark_is_the_decimal_one():
    assert numbers("1,234", decimal=",") == [1.234]
    assert numbers("1,234", decimal=".") == [1234.0]


def test_where_both_marks_occur_what_fits_neither_is_unreadable():
    assert numbers("2,55", "1,234.50") == [None, 1234.5]


LONG_19, LONG_23 = "6921168509256000123", "20240105221133445566778"


def test_ids_keep_every_digit():
    assert ids("007", LONG_19, LONG_23) == ["007", LONG_19, LONG_23]


def test_wrappings_of_spreadsheets_are_taken_off():
    assert ids('="007"', "'008", "`009", "\t010", " 011 ", "０12") == ["007", "008", "009", "010", "011", "012"]


def test_a_column_of_floats_was_numbers_with_gaps():
    assert ids("17850.0", "13047.0", "") == ["17850", "13047", None]
    assert ids("17850.0", "A-1.0") == ["17850.0", "A-1.0"]


def test_an_id_in_scientific_form_has_lost_its_digits_and_is_rejected():
    connection = column(["6.92E+18", "7"])
    value, given = text_id(connection, "FROM t", "x")
    assert values(connection, value) == [None, "7"]
    assert values(connection, given) == [True, True]


def test_ids_that_mean_nobody_are_null():
    assert ids("散客", "0", "c1", nobody=("散客", "0")) == [None, None, "c1"]
    assert ids("guest", "c1", nobody=("guest",)) == [None, "c1"]


def test_words_are_stripped_and_nothing_is_null():
    connection = column([" 护肤\u3000", "NULL", "N/A", "彩妆"])
    assert values(connection, text_word(connection, "FROM t", "x")) == ["护肤", None, None, "彩妆"]


@pytest.mark.parametrize("odd", ["", "NULL", "nan", " u7", "-7", "客7", "17.0", "6.92E+18", '="007"', "u\t7", "N/A"])
def test_one_text_among_many_ids_that_needs_cleaning_is_seen(odd):
    plain = [f"u-{n}_x" for n in range(50)] + ["n1", "nana5", None]
    assert is_plain(column(plain), "FROM t", "x")
    assert not is_plain(column([*plain, odd]), "FROM t", "x")
