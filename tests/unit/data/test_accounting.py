from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.data.accounting import TableAccount, at
from analysis.errors import DataError

DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 1))


def account(daily, *, duplicates=0, quarantined=None):
    used, anonymous = sum(row[1] for row in daily), sum(row[2] for row in daily)
    quarantined = quarantined or {}
    return TableAccount(
        name="orders",
        file="orders.csv",
        how="UTF-8, comma",
        rows_in=used + anonymous + duplicates + sum(quarantined.values()),
        used=used,
        duplicates=duplicates,
        anonymous=anonymous,
        quarantined=quarantined,
        written=used,
        first_day=None,
        last_day=None,
        daily=tuple(daily),
    )


@given(
    st.lists(st.tuples(DAYS, st.integers(0, 50), st.integers(0, 50)), max_size=20, unique_by=lambda row: row[0]), DAYS
)
def test_every_row_is_in_exactly_one_place_at_every_day(daily, day):
    cut = at(account(daily, duplicates=3, quarantined={"amount: empty": 2}), day=day)
    assert cut.rows_in == cut.used + cut.duplicates + cut.anonymous + cut.after_as_of + cut.n_quarantined
    assert cut.used == sum(used for when, used, _ in daily if when <= day)


def test_rows_without_a_day_are_never_after_it():
    cut = at(account([(None, 4, 0), (date(2026, 2, 1), 2, 1)]), day=date(2026, 1, 1))
    assert (cut.used, cut.anonymous, cut.after_as_of) == (4, 0, 3)


def test_an_account_that_does_not_add_up_cannot_be_made():
    with pytest.raises(DataError, match="10 rows came in but 9 are accounted for"):
        TableAccount(
            name="orders",
            file="x",
            how="x",
            rows_in=10,
            used=9,
            duplicates=0,
            anonymous=0,
            quarantined={},
            written=9,
            first_day=None,
            last_day=None,
        )


def test_an_account_survives_being_written_and_read():
    before = account([(date(2026, 1, 1), 2, 1), (None, 1, 0)], quarantined={"amount: empty": 2})
    assert TableAccount.from_json(before.as_json()) == before
