"""Loading once per content, the same bytes every time."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from analysis.data.load import load
from analysis.data.mapping import DataSource

HEADER = "order_id,customer_id,ordered_at,amount\n"
NOW = datetime(2026, 7, 1, 4, tzinfo=UTC)


def csv(n):
    return HEADER + "".join(f"o{i},c{i % 7},2026-{1 + i % 6:02d}-{1 + i % 28:02d} 10:00,{i}.5\n" for i in range(n))


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "orders.csv").write_text(csv(200))
    return folder


def load_shop(shop, cache, *, now=NOW, timezone="Asia/Shanghai", progress=None, **data):
    book = DataSource.model_validate({"source": str(shop), **data})
    return load(book, now=now, timezone=timezone, cache=cache, base=shop, progress=progress)


def test_the_same_content_is_loaded_once(shop, tmp_path):
    steps: list[str] = []
    first = load_shop(shop, tmp_path / "cache", progress=steps.append)
    second = load_shop(shop, tmp_path / "cache", progress=steps.append)
    assert first == second
    assert steps == ["loading orders"]


def test_another_folder_with_the_same_content_has_the_same_digest_and_bytes(shop, tmp_path):
    twin = tmp_path / "elsewhere"
    twin.mkdir()
    (twin / "orders.csv").write_bytes((shop / "orders.csv").read_bytes())
    first, second = load_shop(shop, tmp_path / "one"), load_shop(twin, tmp_path / "two")
    assert first.digest == second.digest
    for name in ("orders.parquet", "refunds.parquet", "accounting.json"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


@pytest.mark.parametrize(
    "change", [{"timezone": "UTC"}, {"tables": {"orders": {"anonymous_ids": ["c1"]}}}, {"max_quarantine_share": 0.5}]
)
def test_whatever_decides_what_is_loaded_changes_the_digest(shop, tmp_path, change):
    assert load_shop(shop, tmp_path / "c").digest != load_shop(shop, tmp_path / "c", **change).digest


def test_one_changed_byte_changes_the_digest(shop, tmp_path):
    before = load_shop(shop, tmp_path / "cache").digest
    (shop / "orders.csv").write_text(csv(200).replace("199.5", "198.5"))
    assert load_shop(shop, tmp_path / "cache").digest != before


def test_the_clock_changes_nothing_while_no_row_is_in_the_future(shop, tmp_path):
    first = load_shop(shop, tmp_path / "cache")
    later = load_shop(shop, tmp_path / "cache", now=NOW + timedelta(days=300))
    assert first.digest == later.digest


def test_rows_that_were_in_the_future_come_in_when_their_time_has_come(shop, tmp_path):
    (shop / "orders.csv").write_text(csv(200) + "new,c1,2026-08-01 10:00,5\n")
    early, cache = load_shop(shop, tmp_path / "cache"), tmp_path / "cache"
    assert early.tables[0].quarantined == {"ordered_at: in_the_future": 1}
    assert load_shop(shop, cache, now=NOW + timedelta(days=10)).digest == early.digest
    late = load_shop(shop, cache, now=NOW + timedelta(days=40))
    assert late.tables[0].quarantined == {}
    assert late.digest != early.digest
    assert late.latest_day == date(2026, 8, 1)
    assert load_shop(shop, cache).digest == early.digest


def test_the_latest_day_is_the_last_with_orders_that_is_not_in_the_future(shop, tmp_path):
    (shop / "orders.csv").write_text(csv(200) + "new,c1,2026-07-02 01:00,5\nback,c1,2026-06-30 10:00,-5\n")
    loaded = load_shop(shop, tmp_path / "cache")  # now is 1 July, noon
    assert loaded.latest_day == date(2026, 6, 28)


def test_a_source_without_orders_has_no_latest_day(tmp_path):
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "outcomes.csv").write_text("experiment_id,customer_id,arm,visit,spend,note\ne,1,A,1,2.5,x\n")
    loaded = load_shop(folder, tmp_path / "cache")
    assert loaded.latest_day is None
    frame = pd.read_parquet(loaded.folder / "outcomes.parquet")
    assert frame.to_dict("records") == [
        {"experiment_id": "e", "customer_id": "1", "arm": "A", "visit": 1.0, "spend": 2.5, "note": "x"}
    ]


def test_rows_keep_the_order_of_the_source(tmp_path):
    rng = np.random.default_rng(5)
    ids = rng.permutation(300_000)
    frame = pd.DataFrame(
        {
            "order_id": ids,
            "customer_id": ids % 9_973,
            "ordered_at": pd.Timestamp("2026-01-01") + pd.to_timedelta(ids % 150, unit="D"),
            "amount": ids % 97 + 0.25,
        }
    )
    folder = tmp_path / "shop"
    folder.mkdir()
    frame.to_parquet(folder / "orders.parquet", row_group_size=20_000)
    loaded = load_shop(folder, tmp_path / "cache")
    written = pd.read_parquet(loaded.folder / "orders.parquet")
    assert (written["order_id"].astype(int) == ids).all()
    for broken in ([5, 150_000], [5, 150_000, 299_999]):
        frame.loc[broken, "amount"] = np.inf
        frame.to_parquet(folder / "orders.parquet", row_group_size=20_000)
        written = pd.read_parquet(load_shop(folder, tmp_path / "cache").folder / "orders.parquet")
        assert (written["order_id"].astype(int) == np.delete(ids, broken)).all()


def test_what_is_written_says_what_it_is(shop, tmp_path):
    loaded = load_shop(shop, tmp_path / "cache")
    plain = json.loads((loaded.folder / "accounting.json").read_text())
    assert plain["tables"][0]["mapped"]["amount"] == "amount"
    assert sum(used for _, used, _ in plain["tables"][0]["daily"]) == 200
    frame = pd.read_parquet(loaded.folder / "orders.parquet")
    assert list(frame) == ["order_id", "customer_id", "ordered_at", "ordered_on", "ordered_hour", "amount"]


def test_the_cache_is_private(shop, tmp_path):
    loaded = load_shop(shop, tmp_path / "cache")
    assert loaded.folder.stat().st_mode & 0o077 == 0


def test_nothing_half_built_is_left_behind(shop, tmp_path):
    (shop / "customers.csv").write_text("wrong\n1\n")
    with pytest.raises(Exception, match="customer_id"):
        load_shop(shop, tmp_path / "cache")
    assert list((tmp_path / "cache" / "data").iterdir()) == []


def test_parquet_with_types_keeps_its_ids_as_text(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    pd.DataFrame(
        {
            "order_id": pd.array([6921168509256000123, 7, 8], dtype="int64"),
            "customer_id": [17850.0, np.nan, 13047.0],
            "ordered_at": pd.to_datetime(["2026-06-01", "2026-06-02", "2026-06-03"]).tz_localize("UTC"),
            "amount": [1, 2, 3],
        }
    ).to_parquet(folder / "orders.parquet")
    loaded = load_shop(folder, tmp_path / "cache")
    frame = pd.read_parquet(loaded.folder / "orders.parquet")
    assert frame["order_id"].tolist() == ["6921168509256000123", "7", "8"]
    assert frame["customer_id"].fillna("").tolist() == ["17850", "", "13047"]
    assert loaded.tables[0].anonymous == 1


def test_an_export_in_gbk_with_chinese_headers_loads_by_its_mapping_alone(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    text = (
        "订单号\t会员ID\t付款时间\t实付金额\t订单状态\r\n"
        "`6921168509256000123\t００７\t2026年6月1日 8:03\t￥１，２３４．５０\t交易成功\r\n"
        "`6921168509256000124\t008\t2026/6/2 18:30:00\t（12.00）\t退款成功\r\n"
    )
    (folder / "订单导出.csv").write_bytes(text.encode("gbk"))
    columns = {"customer_id": "会员ID", "ordered_at": "付款时间", "amount": "实付金额", "status": "订单状态"}
    orders = {"file": "订单导出.csv", "order_id": "订单号", "columns": columns}
    loaded = load_shop(folder, tmp_path / "cache", tables={"orders": orders})
    assert loaded.tables[0].how == "GB18030, tab"
    frame = pd.read_parquet(loaded.folder / "orders.parquet")
    assert frame[["order_id", "customer_id", "amount"]].values.tolist() == [["6921168509256000123", "007", 1234.5]]
    assert frame["ordered_at"].tolist() == [pd.Timestamp("2026-06-01 00:03")]
    assert pd.read_parquet(loaded.folder / "refunds.parquet")["amount"].tolist() == [12.0]


def test_odd_types_of_parquet_do_not_stop_a_load(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    pd.DataFrame(
        {
            "order_id": pd.Categorical(["a", "b", "b"]),
            "customer_id": ["c1", " c2 ", " c2 "],
            "ordered_at": pd.to_datetime(["2026-06-01", "2026-06-02", "2026-06-02"]).astype("datetime64[ns]"),
            "amount": [Decimal("1.10"), Decimal("2.20"), Decimal("2.20")],
            "status": pd.Categorical(["paid", "已退款", "已退款"]),
            "lists": [[1], [2], [2]],
            "bytes": [b"x", b"y", b"y"],
            "flags": [True, None, None],
        }
    ).to_parquet(folder / "orders.parquet")
    loaded = load_shop(folder, tmp_path / "cache")
    frame = pd.read_parquet(loaded.folder / "orders.parquet")
    assert frame[["order_id", "customer_id", "amount", "status"]].values.tolist() == [
        ["a", "c1", 1.1, "paid"],
        ["b", "c2", 2.2, "refunded"],
    ]
    assert loaded.tables[0].duplicates == 1


def test_only_the_latest_loads_are_kept(shop, tmp_path):
    for n in range(12):
        (shop / "orders.csv").write_text(csv(5 + n))
        load_shop(shop, tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "data").iterdir())) == 10
