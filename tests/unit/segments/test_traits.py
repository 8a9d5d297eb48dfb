"""Traits of customers."""

import numpy as np
import pandas as pd
import pytest

from analysis.segments.traits import TRAITS, customer_traits

N = 4_000


def features(**columns) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    table = {"customer_id": [f"u{i}" for i in range(N)], "n_orders": 1 + rng.poisson(6, N), "revenue": 100.0}
    return pd.DataFrame({**table, **columns})


def weekend_orders(p, n_orders):
    return np.random.default_rng(2).binomial(n_orders, p) / n_orders


def test_a_share_that_is_chance_alone_is_left_out():
    table = features()
    table["share_weekend"] = weekend_orders(0.3, table["n_orders"])
    assert "share_weekend" not in customer_traits(table).values


def test_a_share_that_tells_customers_apart_is_kept_and_drawn_to_the_average():
    table = features()
    habit = np.where(np.arange(N) % 2, 0.1, 0.8)
    table["share_weekend"] = weekend_orders(habit, table["n_orders"])
    found = customer_traits(table)
    drawn = found.values["share_weekend"].to_numpy()
    assert 0.5 < found.weights["share_weekend"] <= 1
    assert drawn.std() < table["share_weekend"].std()
    assert ((drawn - habit) ** 2).mean() < ((table["share_weekend"] - habit) ** 2).mean()


def test_an_amount_that_is_nearly_the_same_for_all_is_left_out():
    table = features(tenure_days=500 + np.random.default_rng(3).integers(-20, 20, N))
    assert list(customer_traits(table).values) == ["n_orders"]


def test_snapshots_and_ids_are_never_traits():
    table = features(points=np.arange(N), member_level="gold")
    assert list(customer_traits(table).values) == ["n_orders"]


def test_nothing_is_missing():
    table = features(mean_order_value=np.where(np.arange(N) < 100, np.nan, np.arange(N)))
    assert customer_traits(table).values.notna().all(axis=None)


def test_every_trait_has_words_of_its_own_in_both_languages():
    for language in ("zh", "en"):
        words = [getattr(trait, f"{side}_{language}") for trait in TRAITS for side in ("high", "low")]
        assert all(words)
        assert len(set(words)) == len(words)


def test_row_order_does_not_matter():
    table = features()
    table["share_weekend"] = weekend_orders(np.where(np.arange(N) % 2, 0.1, 0.8), table["n_orders"])
    shuffled = table.sample(frac=1, random_state=1)
    found = customer_traits(shuffled).values.loc[table["customer_id"]]
    pd.testing.assert_frame_equal(found, customer_traits(table).values, check_exact=False, rtol=1e-12)


def test_without_customers_there_is_nothing_to_describe():
    with pytest.raises(Exception, match="no customers"):
        customer_traits(features().head(0))
