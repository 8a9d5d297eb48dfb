"""Truncated tables hold what was known then, written down by another way than the cut at a day."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analysis.data.connect import REFUNDS, open_tables
from analysis.data.contracts import CONTRACTS
from analysis.data.truncation import known_then, write_known_then

DAY, ZONE = date(2026, 3, 1), "Asia/Shanghai"
BEFORE, AFTER = pd.Timestamp("2026-03-01T15:59:59"), pd.Timestamp("2026-03-01T16:00:00")  # local midnight is 16:00 UTC


def then(frame, name):
    contract = REFUNDS if name == "refunds" else CONTRACTS[name]
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return known_then(table, contract=contract, day=DAY, timezone=ZONE).to_pandas()


def test_rows_begin_before_the_local_midnight_that_ends_the_day():
    orders = pd.DataFrame({"order_id": ["a", "b"], "customer_id": ["c", "c"], "ordered_at": [BEFORE, AFTER]})
    assert then(orders.assign(amount=1.0), "orders")["order_id"].tolist() == ["a"]


def test_later_instants_go_with_their_days_and_all_that_was_known_from_them_on():
    contacts = pd.DataFrame({"contact_id": ["a", "b", "c"], "customer_id": "c", "added_at": BEFORE})
    contacts = contacts.assign(
        deleted_at=[BEFORE, AFTER, pd.NaT],
        deleted_on=pd.Series([date(2026, 3, 1), date(2026, 3, 2), None], dtype=object),
        deleted_by=["customer", "customer", "staff"],
    )
    known = then(contacts, "contacts")
    assert known["contact_id"].tolist() == ["a", "b", "c"]
    assert known["deleted_on"].notna().tolist() == [True, False, False]
    assert known["deleted_at"].notna().tolist() == [True, False, False]
    assert known["deleted_by"].notna().tolist() == [True, False, False]


def test_a_day_that_disagrees_with_its_instant_does_not_bring_it_back():
    touches = pd.DataFrame({"touch_id": ["a"], "customer_id": ["c"], "assigned_at": [BEFORE], "read_at": [AFTER]})
    known = then(touches.assign(read_on=date(2026, 2, 1)), "touches")
    assert known["read_on"].isna().all()


@pytest.mark.parametrize("name", sorted(n for n, c in CONTRACTS.items() if c.clock and "customer_id" in c.names))
def test_no_column_without_known_at_and_none_unknown_to_the_contract_survives(name):
    contract = CONTRACTS[name]
    frame = pd.DataFrame(
        {c.name: BEFORE if c.kind == "instant" else DAY if c.kind == "date" else "7" for c in contract.columns},
        index=[0, 1],
    ).assign(secret="x", member_level="gold", points="9")
    known = then(frame, name)
    snapshots = {c.name for c in contract.columns if c.known_at is None}
    for column in snapshots | {"secret", "member_level", "points"}:
        assert known[column].isna().all(), column
    assert known[contract.clock].notna().all()
    kept = {c.name for c in contract.columns if c.known_at == contract.clock}
    assert all(known[column].notna().all() for column in kept)


def shop(folder):
    rng = np.random.default_rng(4)
    folder.mkdir()
    n = 4_000
    on = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 120, n), unit="D")
    orders = pd.DataFrame({"order_id": [f"o{i}" for i in range(n)], "customer_id": rng.integers(0, 1_000, n)})
    orders = orders.assign(customer_id=[f"c{i}" for i in orders["customer_id"]], ordered_at=on, ordered_on=on.date)
    orders.assign(ordered_hour=np.int8(8), amount=5.0).to_parquet(folder / "orders.parquet", index=False)
    pd.DataFrame({"campaign_id": ["k"], "starts_at": [BEFORE]}).to_parquet(folder / "campaigns.parquet", index=False)
    return open_tables(folder, timezone=ZONE)


def ids(tables):
    return set(tables.lazy("orders").collect("pandas").to_native()["customer_id"])


def test_some_customers_are_there_whole_on_every_day_and_tables_without_customers_stay(tmp_path):
    tables = shop(tmp_path / "data")
    some = tables.among([f"c{i}" for i in range(300)])
    assert len(ids(some)) == pytest.approx(300, abs=20)
    assert ids(some.as_of(date(2026, 2, 1))) <= ids(some)
    whole = tables.lazy("orders").collect("pandas").to_native()
    assert len(some.lazy("orders").collect("pandas").to_native()) == whole["customer_id"].isin(ids(some)).sum()
    assert len(some.lazy("campaigns").collect("pandas")) == 1


def test_truncated_tables_open_like_any_and_leave_out_those_without_customers(tmp_path):
    tables = shop(tmp_path / "data")
    (tmp_path / "then").mkdir()
    some = tables.among([f"c{i}" for i in range(300)])
    known = write_known_then(some, day=DAY, folder=tmp_path / "then")
    assert known.names == ("orders",)
    assert ids(known) == ids(some.as_of(DAY))
    assert known.lazy("orders").collect("pandas").to_native()["ordered_on"].max().date() <= DAY
