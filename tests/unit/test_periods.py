"""A day is a day of the book's zone."""

from datetime import date, datetime

import pytest

from analysis.errors import BookError
from analysis.periods import end_of_day_utc, month_before, zone


def test_a_day_in_shanghai_ends_at_four_in_the_afternoon_utc():
    assert end_of_day_utc(date(2026, 3, 1), timezone="Asia/Shanghai") == datetime(2026, 3, 1, 16)


def test_a_day_of_changing_clocks_is_as_long_as_it_is():
    before = end_of_day_utc(date(2026, 3, 28), timezone="Europe/Berlin")
    after = end_of_day_utc(date(2026, 3, 29), timezone="Europe/Berlin")
    assert (after - before).total_seconds() == 23 * 3600


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 12, 31), 12, date(2025, 12, 31)),
        (date(2026, 1, 31), 2, date(2025, 11, 30)),
    ],
)
def test_a_month_before_is_the_same_day_or_the_months_last(day, months, expected):
    assert month_before(day, months=months) == expected


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd"])
def test_an_unknown_zone_is_an_error_of_the_book(name):
    with pytest.raises(BookError, match="time zone"):
        zone(name)
