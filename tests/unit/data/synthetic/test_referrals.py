from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.data.synthetic import generate

Read = Callable[[str], pd.DataFrame]


def test_referrers_are_earlier_buyers_outside_rings(beauty: Read) -> None:
    referrals = beauty("referrals").drop_duplicates()
    truth = beauty("truth/customers").set_index("customer_id")
    plain = referrals[truth.ring.loc[referrals.referee_id].isna().to_numpy()]
    assert len(plain) > 300
    first = truth.first_order_at.loc[plain.referrer_id]
    assert (first.to_numpy() < plain.referred_at.to_numpy()).all()
    assert truth.is_willing_referrer.loc[plain.referrer_id].mean() > 0.5


def test_rings_refer_in_circles_and_buy_once(beauty: Read) -> None:
    truth = beauty("truth/customers")
    ring = truth[truth.ring.notna()]
    assert ring.ring.nunique() >= 2
    assert (ring.own_orders + ring.induced_orders).max() <= 1
    referrals = beauty("referrals")
    inside = referrals[referrals.referee_id.isin(ring.customer_id)]
    assert set(inside.referee_id) == set(ring.customer_id)  # even the first is referred: the circle closes
    assert set(inside.referrer_id) <= set(ring.customer_id)


def test_families_bring_families_to_the_dear_brand(tmp_path: Path) -> None:
    generate("hair_transplant", customers=6_000, seed=5, out=tmp_path / "hair")
    referrals = pd.read_parquet(tmp_path / "hair" / "referrals.parquet")
    truth = pd.read_parquet(tmp_path / "hair" / "truth" / "customers.parquet").set_index("customer_id")
    bought = truth.first_order_at.notna()
    family = referrals[referrals.mechanism == "family"].referee_id
    card = referrals[referrals.mechanism == "friend_card"].referee_id
    assert bought.loc[family].mean() > bought.loc[card].mean() + 0.1
    items = pd.read_parquet(tmp_path / "hair" / "order_items.parquet")
    assert (items.category == "procedure").sum() > 100
    assert items.amount[items.category == "procedure"].median() > 10_000
    orders_each = len(items.order_id.unique()) / 6_000
    assert orders_each == pytest.approx(1.2, abs=0.25)
