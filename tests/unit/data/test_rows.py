"""Rows that share a key are found however many are sorted at a time, and none is lost."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from analysis.data import rows
from analysis.data.load import load
from analysis.data.mapping import DataSource


@pytest.mark.parametrize("at_once", [1, 7, 20_000_000])
def test_keys_that_occur_twice_are_found_however_many_are_sorted_at_once(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(rows, "_SORTED_AT_ONCE", at_once)
    orders = pd.DataFrame({"order_id": [f"o{n}" for n in range(50)]})
    orders = orders.assign(
        customer_id=[f"c{n % 9}" for n in range(50)],
        ordered_at="2026-01-01 10:00:00",
        amount=[float(n) for n in range(50)],
    )
    twins, differing = orders.iloc[[3, 8]], orders.iloc[[12]].assign(amount=7.0)
    (tmp_path / "in").mkdir()
    pd.concat([orders, twins, differing]).to_parquet(tmp_path / "in" / "orders.parquet", index=False)
    source = DataSource.model_validate({"source": str(tmp_path / "in"), "max_quarantine_share": 0.5})
    now = datetime(2026, 7, 1, tzinfo=UTC)
    loaded = load(source, now=now, timezone="Asia/Shanghai", cache=tmp_path / "cache", base=tmp_path)
    (account,) = loaded.tables
    assert (account.rows_in, account.used, account.duplicates) == (53, 49, 2)
    assert account.quarantined == {"order_id: same_key_differs": 2}


def test_every_row_is_accounted_for_where_refunds_are_split_off(tmp_path):
    sale, refund = "2026-01-01 10:00:00", "2026-02-03 09:00:00"
    orders = pd.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(9)],
            "customer_id": ["c1"] * 4 + [None] + ["c1"] * 4,
            "ordered_at": [sale] * 7 + [refund] * 2,
            "amount": [10.0] * 7 + [-4.0] * 2,
        }
    )
    (tmp_path / "in").mkdir()
    orders.to_parquet(tmp_path / "in" / "orders.parquet", index=False)
    now = datetime(2026, 7, 1, tzinfo=UTC)
    source = DataSource.model_validate({"source": str(tmp_path / "in")})
    loaded = load(source, now=now, timezone="Asia/Shanghai", cache=tmp_path / "cache", base=tmp_path)
    (account,) = loaded.tables
    assert (account.rows_in, account.used, account.anonymous, account.written) == (9, 8, 1, 7)
    assert [str(day) for day, *_ in account.daily] == ["2026-01-01", "2026-02-03"]
    assert str(account.last_day) == "2026-02-03"
