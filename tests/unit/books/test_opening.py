"""The day of a run."""

from datetime import date

import pytest

from analysis.books.opening import resolve_as_of
from analysis.errors import BookError


def test_latest_is_the_last_day_with_orders_that_is_not_in_the_future():
    assert resolve_as_of("latest", latest_day=date(2026, 2, 1), today=date(2026, 3, 1)) == date(2026, 2, 1)
    assert resolve_as_of("latest", latest_day=date(2026, 3, 2), today=date(2026, 3, 1)) == date(2026, 3, 1)
    assert resolve_as_of("latest", latest_day=None, today=date(2026, 3, 1)) == date(2026, 3, 1)
    with pytest.raises(BookError, match="future"):
        resolve_as_of(date(2026, 3, 2), latest_day=None, today=date(2026, 3, 1))
