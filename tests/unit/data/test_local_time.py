from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.data.local_time import to_local_sql, to_utc_sql, transitions
from analysis.errors import BookError

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
CONNECTION = duckdb.connect()


def ask(sql):
    return CONNECTION.execute(f"SELECT {sql}").fetchall()[0][0]


def as_sql(moment):
    return f"TIMESTAMP '{moment}'"


def as_python(local, zone):
    """The standard library's answer: a skipped time by the offset before, a repeated one by its first."""
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC).replace(tzinfo=None)


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=60)
@given(local=st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1)))
def test_local_time_becomes_utc_as_the_standard_library_says(zone, local):
    span = (local, local)
    assert ask(to_utc_sql(as_sql(local), timezone=zone, span=span)) == as_python(local, zone)


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=60)
@given(instant=st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1)))
def test_utc_becomes_local_time_as_the_standard_library_says(zone, instant):
    expected = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert ask(to_local_sql(as_sql(instant), timezone=zone, span=(instant, instant))) == expected


@pytest.mark.parametrize(
    "local",
    [
        datetime(2024, 3, 10, 2, 30),
        datetime(2024, 11, 3, 1, 30),
        datetime(2024, 3, 10, 1, 59, 59),
        datetime(2024, 11, 3, 2),
    ],
)
def test_the_hours_around_a_change_of_the_clock_are_read_like_the_standard_library_reads_them(local):
    zone = "America/New_York"
    span = (local - timedelta(days=1), local + timedelta(days=1))
    assert ask(to_utc_sql(as_sql(local), timezone=zone, span=span)) == as_python(local, zone)


def test_a_span_keeps_the_sql_short_where_the_offset_never_changes():
    span = (datetime(2024, 7, 1), datetime(2026, 6, 30))
    assert "CASE" not in to_utc_sql("x", timezone="Asia/Shanghai", span=span)
    assert to_utc_sql("x", timezone="Europe/London", span=span).count("WHEN") == 4


def test_a_zone_has_one_offset_before_all_its_changes():
    assert transitions("Asia/Shanghai")[0] == (None, 8 * 3600)


def test_an_unknown_zone_is_an_error_of_the_book():
    with pytest.raises(BookError, match="Unknown time zone"):
        transitions("Asia/Peking")
