"""Order, refund, touch and contact tables of a made-up shop, as loading leaves them, at any size.

Two years of orders, about ten a customer; five touches a customer. The same seed gives the same tables.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

START = np.datetime64("2024-07-01T00:00:00", "us")
DAYS = 730
CHANNELS = ("group", "moments", "official_account", "private_chat", "sms")


def write_shop(folder: Path, *, customers: int, seed: int = 7) -> None:
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = pa.array([f"c{i:07d}" for i in range(customers)])
    n_orders = rng.negative_binomial(0.6, 0.6 / (0.6 + 9.2), customers) + 1
    owner = rng.permutation(np.repeat(np.arange(customers, dtype=np.int32), n_orders))
    orders = _orders(rng, names=names, owner=owner)
    pq.write_table(orders, folder / "orders.parquet")
    pq.write_table(_refunds(rng, orders), folder / "refunds.parquet")
    pq.write_table(_touches(rng, names=names, n=5 * customers), folder / "touches.parquet")
    pq.write_table(_contacts(rng, names=names), folder / "contacts.parquet")


def _orders(rng: np.random.Generator, *, names: pa.Array, owner: np.ndarray) -> pa.Table:
    n = len(owner)
    at = _moments(rng, n)
    amount = np.round(rng.gamma(2, 30, n), 2)
    hour = (_local(at) - _local(at).astype("datetime64[D]")) // np.timedelta64(1, "h")
    category = rng.choice(8, n, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05, 0.02])
    return pa.table(
        {
            "order_id": pa.array([f"o{i:09d}" for i in range(n)]),
            "customer_id": _text(owner, names),
            "ordered_at": at,
            "ordered_on": _days(at),
            "ordered_hour": hour.astype(np.int8),
            "amount": amount,
            "discount": np.where(rng.random(n) < 0.3, np.round(amount * 0.1, 2), 0.0),
            "quantity": rng.integers(1, 5, n).astype(float),
            "category": _text(category.astype(np.int32), pa.array(list("ABCDEFGH"))),
            "coupon_id": _text(
                rng.integers(0, 50, n, dtype=np.int32), pa.array([f"k{i}" for i in range(50)]), gaps=rng.random(n) > 0.2
            ),
        }
    )


def _refunds(rng: np.random.Generator, orders: pa.Table) -> pa.Table:
    rows = rng.choice(orders.num_rows, orders.num_rows // 50, replace=False)
    of = orders.select(["order_id", "customer_id", "ordered_at", "amount"]).take(pa.array(rows))
    at = of["ordered_at"].to_numpy() + rng.integers(1, 20 * 86400, len(rows)).astype("timedelta64[s]")
    amount = of["amount"].to_numpy() * np.where(rng.random(len(rows)) < 0.7, 1.0, 0.5)
    return pa.table(
        {
            "refund_id": of["order_id"],
            "customer_id": of["customer_id"],
            "order_id": of["order_id"],
            "refunded_at": at,
            "refunded_on": _days(at),
            "amount": amount,
            "matched_by": pa.repeat("order_id", len(rows)),
        }
    )


def _touches(rng: np.random.Generator, *, names: pa.Array, n: int) -> pa.Table:
    assigned = _moments(rng, n)
    delivered = _later(rng, assigned, chance=0.85, hours=24)
    steps = {
        "assigned": assigned,
        "delivered": delivered,
        "read": _later(rng, delivered, chance=0.6, hours=72),
        "replied": _later(rng, delivered, chance=0.06, hours=72),
    }
    return pa.table(
        {
            "touch_id": pa.array([f"t{i}" for i in range(n)]),
            "customer_id": _text(rng.integers(0, len(names), n, dtype=np.int32), names),
            "channel": _text(rng.integers(0, len(CHANNELS), n, dtype=np.int32), pa.array(CHANNELS)),
            "campaign_id": pa.repeat("k", n),
            **{f"{step}_at": at for step, at in steps.items()},
            **{f"{step}_on": _days(at) for step, at in steps.items()},
        }
    )


def _contacts(rng: np.random.Generator, *, names: pa.Array) -> pa.Table:
    n = len(names)
    added = _moments(rng, n)
    deleted = _later(rng, added, chance=0.2, hours=24 * 300)
    return pa.table(
        {
            "contact_id": pa.array([f"x{i}" for i in range(n)]),
            "customer_id": names,
            "staff_id": pa.repeat("s", n),
            "added_at": added,
            "added_on": _days(added),
            "deleted_at": deleted,
            "deleted_on": _days(deleted),
        }
    )


def _moments(rng: np.random.Generator, n: int) -> np.ndarray:
    return START + rng.integers(0, DAYS * 86400, n).astype("timedelta64[s]")


def _later(rng: np.random.Generator, at: np.ndarray, *, chance: float, hours: int) -> np.ndarray:
    moved = at + rng.integers(60, hours * 3600, len(at)).astype("timedelta64[s]")
    return np.where(rng.random(len(at)) < chance, moved, np.datetime64("NaT"))


def _local(at: np.ndarray) -> np.ndarray:
    return at + np.timedelta64(8, "h")


def _days(at: np.ndarray) -> pa.Array:
    return pa.array(_local(at).astype("datetime64[D]"))


def _text(codes: np.ndarray, names: pa.Array, *, gaps: np.ndarray | None = None) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=gaps), names).cast(pa.string())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, required=True)
    options = parser.parse_args()
    write_shop(options.folder, customers=options.customers)
