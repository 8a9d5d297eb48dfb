"""The feature table: one row per customer, nothing from the future, no snapshot for a model."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.data.connect import REFUNDS, open_tables
from analysis.data.contracts import CONTRACTS
from analysis.features.behaviour import behaviour
from analysis.features.exposure import exposure
from analysis.features.ordered_purchases import habits_of, purchases_of, table_of_purchases
from analysis.features.purchase_history import purchase_history
from analysis.features.read_purchases import read_with_habits
from analysis.features.rfm import rfm
from analysis.features.table import (
    FEATURES_FOR_MODELS,
    blocks_present,
    collect,
    collect_features,
    feature_table,
    model_columns,
)
from analysis.fields import FIELDS, label

AS_OF = date(2026, 3, 31)
HOUR = pd.Timedelta(hours=1)


def world(seed):
    """Return all tables that features read, as loading leaves them, over the months before and after as_of."""
    rng = np.random.default_rng(seed)

    def times(n):
        return pd.Timestamp("2025-08-01") + pd.to_timedelta(rng.integers(0, 24 * 60 * 330, n), unit="min")

    def later(at, chance, hours):
        waited = at + pd.to_timedelta(rng.integers(1, 60 * hours, len(at)), unit="min")
        return waited.where(rng.random(len(at)) < chance)

    def ids(prefix, n, n_distinct=None):
        return [f"{prefix}{i}" for i in (rng.integers(0, n_distinct, n) if n_distinct else range(n))]

    n, at = 300, times(300)
    orders = pd.DataFrame({"order_id": ids("o", n), "customer_id": ids("c", n, 40), "ordered_at": at})
    orders = orders.assign(amount=rng.integers(100, 9999, n) / 100, discount=rng.integers(0, 500, n) / 100)
    orders = orders.assign(category=rng.choice(["tea", "cup", "pot"], n), quantity=1.0 + rng.integers(0, 4, n))
    orders["coupon_id"] = pd.Series(["k"] * n).where(rng.random(n) < 0.3)
    orders["refunded_at"] = later(at, 0.2, 24 * 40)
    orders["status"] = np.where(orders["refunded_at"].isna(), "paid", "refunded")
    back = orders[orders["refunded_at"].notna()]
    refunds = back[["customer_id", "order_id", "refunded_at"]].assign(refund_id="r" + back["order_id"])
    refunds = refunds.assign(amount=np.where(rng.random(len(back)) < 0.5, back["amount"], 0.5), matched_by="status")
    m, assigned = 400, times(400)
    delivered = later(assigned, 0.8, 48)
    touches = pd.DataFrame({"touch_id": ids("t", m), "customer_id": ids("c", m, 40), "assigned_at": assigned})
    touches = touches.assign(channel=rng.choice(["sms", "moments"], m), campaign_id="k", delivered_at=delivered)
    touches = touches.assign(read_at=later(delivered, 0.5, 24 * 30), replied_at=later(delivered, 0.2, 24 * 30))
    added = times(60)
    contacts = pd.DataFrame({"contact_id": ids("x", 60), "customer_id": ids("c", 60, 40), "staff_id": "s"})
    contacts = contacts.assign(added_at=added, deleted_at=later(added, 0.5, 24 * 90))
    contacts["deleted_by"] = pd.Series(["customer"] * 60).where(contacts["deleted_at"].notna())
    consents = pd.DataFrame({"customer_id": ids("c", 80, 40), "channel": rng.choice(["sms", "call"], 80)})
    consents = consents.assign(status=rng.choice(["granted", "refused"], 80), changed_at=times(80))
    return {"orders": orders, "refunds": refunds, "touches": touches, "contacts": contacts, "consents": consents}


def write_and_open(tables, folder):
    """Write tables of local times as loading leaves them."""
    folder.mkdir(parents=True)
    for name, frame in tables.items():
        out = frame.copy()
        for column in [c for c in frame if c.endswith("_at")]:
            local = pd.to_datetime(out[column]).astype("datetime64[us]")
            out[f"{column.removesuffix('_at')}_on"] = local.dt.date
            out[column] = local - 8 * HOUR
            if column == "ordered_at":
                out["ordered_hour"] = local.dt.hour.astype("int8")
        out.to_parquet(folder / f"{name}.parquet", index=False)
    return open_tables(folder)


def kept_bytes(tables, folder):
    """Return the bytes of the feature table as a recipe would keep it."""
    frame = collect_features(write_and_open(tables, folder), as_of=AS_OF)
    path = folder / "features.out"
    frame.to_parquet(path, index=False)
    return path.read_bytes()


END = pd.Timestamp(AS_OF + timedelta(days=1))
CLOCKS = {name: (REFUNDS if name == "refunds" else CONTRACTS[name]).clock for name in world(0)}


def with_another_future(tables, rng):
    """Change, drop and add whatever lies after as_of, in rows of later days and in later dates of earlier rows."""
    changed = {}
    for name, frame in tables.items():
        out = frame.copy()
        for column in ("refunded_at", "delivered_at", "read_at", "replied_at", "deleted_at"):
            if column in out and column != CLOCKS[name]:
                unknown = out[column].isna() | (out[column] >= END)
                moved = END + pd.to_timedelta(rng.integers(0, 90 * 24, len(out)), unit="h")
                moved = pd.Series(moved, index=out.index).where(rng.random(len(out)) < 0.5)
                out[column] = out[column].mask(unknown, moved)
        if name == "orders":
            known = out["refunded_at"] < END
            out["status"] = np.where(known, out["status"], rng.choice(["paid", "refunded", "cancelled"], len(out)))
        if name == "contacts":
            known = out["deleted_at"] < END
            out["deleted_by"] = out["deleted_by"].where(known, rng.choice(["staff", "customer"], len(out)))
        clock = CLOCKS[name]
        past, future = out[out[clock] < END], out[out[clock] >= END]
        kept = future[rng.random(len(future)) < 0.5].copy()
        new = future.copy()
        key = next(c for c in future if c.endswith("_id"))
        new[key] = "new-" + new[key]
        new[clock] = new[clock] + pd.Timedelta(days=3)
        for column in ("amount", "discount"):
            if column in kept:
                kept[column] = kept[column] * 7
        if "channel" in new:
            new["channel"] = "a channel of the future"
        changed[name] = pd.concat([past, kept, new], ignore_index=True)
    return changed


@pytest.mark.parametrize("seed", range(6))
def test_no_byte_changes_whatever_happens_after_as_of(tmp_path, seed):
    tables = world(seed)
    before = kept_bytes(tables, tmp_path / "before")
    other = with_another_future(tables, np.random.default_rng(seed))
    assert any(not tables[name].equals(other[name]) for name in tables)
    assert kept_bytes(other, tmp_path / "after") == before


@pytest.mark.parametrize("name", sorted(CLOCKS))
def test_bytes_do_change_when_the_past_changes(tmp_path, name):
    tables = world(1)
    before = kept_bytes(tables, tmp_path / "before")
    clock = CLOCKS[name]
    past = tables[name][clock] < END - pd.Timedelta(days=30)
    other = tables | {name: tables[name].drop(tables[name][past].index[:12])}
    assert kept_bytes(other, tmp_path / "after") != before


@pytest.mark.parametrize("seed", range(3))
def test_no_byte_changes_with_the_order_of_rows(tmp_path, seed):
    tables = world(seed)
    before = kept_bytes(tables, tmp_path / "before")
    shuffled = {name: frame.sample(frac=1.0, random_state=seed) for name, frame in tables.items()}
    assert kept_bytes(shuffled, tmp_path / "after") == before


@pytest.mark.parametrize("lacking", [(), ("touches",), ("contacts", "refunds", "consents")])
def test_collecting_block_after_block_gives_the_same_table_as_one_query(tmp_path, lacking):
    tables = write_and_open({n: t for n, t in world(5).items() if n not in lacking}, tmp_path / "data")
    together = collect(feature_table(tables, as_of=AS_OF))
    pd.testing.assert_frame_equal(collect_features(tables, as_of=AS_OF), together, check_exact=True)


@pytest.mark.parametrize("n_categories", [3, 40])
def test_purchases_that_were_kept_give_the_same_table_as_one_query(tmp_path, n_categories):
    rng, data = np.random.default_rng(n_categories), world(6)
    orders = data["orders"]
    chosen = pd.Series([f"k{i}" for i in rng.integers(0, n_categories, len(orders))])
    orders["category"] = chosen.where(rng.random(len(orders)) < 0.9)
    orders["quantity"] = orders["quantity"].where(rng.random(len(orders)) < 0.9)
    orders.loc[:20, "customer_id"] = None
    tables = write_and_open(data, tmp_path / "data")
    table_of_purchases(*read_with_habits(tables, as_of=AS_OF)).to_parquet(tmp_path / "kept")
    kept = pd.read_parquet(tmp_path / "kept")
    purchases = (purchases_of(kept), habits_of(kept))
    together = collect(feature_table(tables, as_of=AS_OF))
    assert together["n_categories"].max() > min(n_categories, 5) - 1
    ours = collect_features(tables, as_of=AS_OF, purchases=purchases)
    pd.testing.assert_frame_equal(ours, together, check_exact=True)


def test_only_the_columns_asked_for_are_computed_and_they_are_the_same(tmp_path):
    tables = write_and_open(world(5), tmp_path / "data")
    whole = collect_features(tables, as_of=AS_OF)
    few = ["customer_id", "n_orders", "median_gap_days", "top_category_share", "n_read_30d", "n_contacts"]
    only = collect_features(tables, as_of=AS_OF, only=[*few, "no_such_column"])
    pd.testing.assert_frame_equal(only, whole[[name for name in whole if name in few]], check_exact=True)
    assert list(collect_features(tables, as_of=AS_OF, only=["n_contacts"]).columns) == ["customer_id", "n_contacts"]


def test_table_is_its_blocks_side_by_side(tmp_path):
    tables = write_and_open(world(3), tmp_path / "data")
    whole = collect(feature_table(tables, as_of=AS_OF))
    assert whole["customer_id"].is_unique
    assert whole["customer_id"].is_monotonic_increasing
    blocks = [collect(block(tables, as_of=AS_OF)) for block in (rfm, purchase_history, behaviour, exposure)]
    of_models_only = ["customer_id", "sum_log_gaps"]
    columns = [block.drop(columns=of_models_only, errors="ignore") for block in blocks]
    expected = pd.concat([blocks[0][["customer_id"]], *columns], axis=1)
    pd.testing.assert_frame_equal(whole[expected.columns], expected)
    assert set(whole) == set(expected)


def test_types_stay_the_same_when_values_are_missing(tables, order, tmp_path):
    full = collect(feature_table(write_and_open(world(3), tmp_path / "data"), as_of=AS_OF))
    single = collect(feature_table(tables(orders=[order("a", "2026-03-01 09:00")]), as_of=AS_OF))
    common = [c for c in single.columns if c in full.columns]
    assert len(common) > 20
    assert single[common].dtypes.to_dict() == full[common].dtypes.to_dict()
    allowed = {"float64", "int32", "int16", "datetime64[s]", "str"}
    assert {str(dtype) for dtype in full.dtypes} <= allowed


def test_present_blocks_are_named(tmp_path, tables, order):
    all_tables = write_and_open(world(3), tmp_path / "data")
    assert blocks_present(tables(orders=[order("a", "2026-03-01 09:00")])) == ("purchases",)
    assert blocks_present(all_tables) == (
        *("purchases", "categories", "discounts", "coupons"),
        *("refunds", "touches", "contacts", "consents"),
    )


def test_models_get_numbers_only_and_no_snapshot(tmp_path):
    frame = collect(feature_table(write_and_open(world(3), tmp_path / "data"), as_of=AS_OF))
    chosen = model_columns(frame.columns)
    assert all(pd.api.types.is_numeric_dtype(frame[name]) for name in chosen)
    assert set(frame.columns) - set(chosen) == {"customer_id", "first_order_on", "last_order_on", "T"}
    snapshots = {c.name for table in CONTRACTS.values() for c in table.columns if c.known_at is None}
    assert snapshots >= {"points", "member_level"}
    assert not snapshots & set(FEATURES_FOR_MODELS)
    assert not snapshots & set(frame.columns)


def test_features_read_no_column_that_carries_todays_knowledge(tmp_path):
    """A column without known_at, turned upside down in the past, changes no byte."""
    tables = world(2)
    before = kept_bytes(tables, tmp_path / "before")
    customers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(40)], "points": 1.0, "member_level": "gold"})
    tags = pd.DataFrame({"customer_id": ["c1"], "tag": ["vip"], "tagged_at": [pd.Timestamp("2025-09-01")]})
    assert kept_bytes(tables | {"customers": customers, "tags": tags}, tmp_path / "after") == before


def test_every_column_has_its_words_in_both_languages(tmp_path):
    frame = collect(feature_table(write_and_open(world(3), tmp_path / "data"), as_of=AS_OF))
    stems = {name.split("__", 1)[0] for name in frame.columns}
    assert not stems - FIELDS.keys()
    assert label("n_read_30d__moments", language="en") == f"{FIELDS['n_read_30d'].en} (moments)"
    assert "moments" in label("n_read_30d__moments", language="zh")


def test_spark_gives_the_same_table_as_duckdb(tmp_path):
    pytest.importorskip("pyspark", reason="pyspark, an optional extra, is not installed")
    tables = write_and_open(world(4), tmp_path / "data")
    spark = open_tables(tmp_path / "data", engine="spark")
    one, two = (collect_features(each, as_of=AS_OF) for each in (tables, spark))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_a_folder_can_be_opened_twice_at_once(tmp_path):
    first = write_and_open(world(4), tmp_path / "data")
    second = open_tables(Path(tmp_path / "data"))
    one, two = (collect(feature_table(tables, as_of=AS_OF)) for tables in (first, second))
    pd.testing.assert_frame_equal(one, two)
