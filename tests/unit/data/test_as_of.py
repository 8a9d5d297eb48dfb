"""The cut: nothing after the day, in no row and in no column."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.data.connect import open_tables
from analysis.data.contracts import CONTRACTS

TOUCHES = "touch_id,customer_id,channel,campaign_id,assigned_at,delivered_at,send_status,read_at\n"
DAY = date(2026, 6, 15)


def cut(loaded, table, day=DAY):
    frame = open_tables(loaded.folder).as_of(day).lazy(table).collect("pandas").to_native()
    return frame.sort_values(frame.columns[0]).reset_index(drop=True)


def test_a_row_of_the_day_itself_is_in_to_its_last_minute_in_the_books_zone(load_files):
    rows = "t1,c1,sms,k,2026-06-15 23:59:59,,,\nt2,c1,sms,k,2026-06-16 00:00:00,,,\n"
    assert cut(load_files({"touches.csv": TOUCHES + rows}), "touches")["touch_id"].tolist() == ["t1"]


def test_what_happened_later_to_an_earlier_row_is_not_known_yet(load_files):
    rows = (
        "t1,c1,sms,k,2026-06-10,2026-06-11,1,2026-06-16 09:00\n"
        "t2,c1,sms,k,2026-06-10,2026-06-16,1,2026-06-17\n"
        "t3,c1,sms,k,2026-06-10,,0,\n"
    )
    frame = cut(load_files({"touches.csv": TOUCHES + rows}), "touches")
    assert frame["read_at"].isna().all()
    assert frame["read_on"].isna().all()
    assert frame["send_status"].fillna(-1).tolist() == [1, -1, 0]
    assert frame["delivered_at"].notna().tolist() == [True, False, False]


def test_lines_are_cut_with_their_orders(load_files):
    orders = "order_id,customer_id,ordered_at,amount\na,c1,2026-06-15,5\nb,c1,2026-06-16,6\n"
    items = "order_id,sku,quantity,amount\na,s,1,5\nb,s,1,6\n"
    loaded = load_files({"orders.csv": orders, "order_items.csv": items})
    assert cut(loaded, "order_items")["order_id"].tolist() == ["a"]


def test_a_plan_known_from_the_start_stays_though_it_lies_ahead(load_files):
    campaigns = "campaign_id,name,starts_at,ends_at\nk,618,2026-06-01,2026-06-20\n"
    assert cut(load_files({"campaigns.csv": campaigns}), "campaigns")["ends_at"].notna().all()


def test_every_later_date_of_every_contract_is_forgotten_by_the_cut():
    """A column that only becomes known after the row began must name itself or another date as its source."""
    for contract in CONTRACTS.values():
        for column in contract.columns:
            if column.known_at in (None, contract.clock) or contract.clock is None:
                continue
            source = contract.column(column.known_at)
            assert source.kind in {"instant", "date"}, (contract.name, column.name)
            assert source.known_at == source.name, (contract.name, column.name)


ORDERS = "order_id,customer_id,ordered_at,amount,status,refunded_at\n"
EARLY = [f"o{i},c{i % 4},2026-06-{i + 1:02d} 12:00,{20 + i},paid," for i in range(14)]


def purchases(loaded):
    frame = open_tables(loaded.folder).as_of(DAY).purchases().collect("pandas").to_native()
    return frame.sort_values("order_id").reset_index(drop=True)


@st.composite
def later_rows(draw):
    day = DAY + timedelta(days=draw(st.integers(1, 14)))
    amount = draw(st.integers(-60, 60))
    number = draw(st.one_of(st.integers(100, 120).map(lambda n: f"n{n}"), st.integers(0, 13).map(lambda n: f"o{n}")))
    if amount >= 0 and number.startswith("o"):
        number = f"later{number}"
    customer = f"c{int(number[1:]) % 4}" if number.startswith("o") else f"c{draw(st.integers(0, 5))}"
    return f"{number},{customer},{day} 12:00,{amount},paid,"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(later_rows(), max_size=12, unique_by=lambda row: row.split(",")[0]))
def test_whatever_is_added_after_the_day_no_purchase_before_it_changes(load_files, rows):
    alone = purchases(load_files({"orders.csv": ORDERS + "\n".join(EARLY)}))
    both = purchases(load_files({"orders.csv": ORDERS + "\n".join([*EARLY, *rows])}))
    pd.testing.assert_frame_equal(alone, both)


@pytest.mark.parametrize("timezone", ["Asia/Shanghai", "America/New_York", "UTC"])
def test_days_are_days_of_the_books_zone(load_files, timezone):
    orders = "order_id,customer_id,ordered_at,amount\na,c1,2026-06-15T20:00:00Z,5\n"
    loaded = load_files({"orders.csv": orders}, timezone=timezone)
    frame = pd.read_parquet(loaded.folder / "orders.parquet")
    expected = {"Asia/Shanghai": (date(2026, 6, 16), 4), "America/New_York": (DAY, 16), "UTC": (DAY, 20)}[timezone]
    assert (frame["ordered_on"].iloc[0], frame["ordered_hour"].iloc[0]) == expected
    assert frame["ordered_at"].iloc[0] == pd.Timestamp("2026-06-15 20:00")
