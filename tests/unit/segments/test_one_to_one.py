"""The list of customers to promote to one-to-one service."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.segments.one_to_one import promote_to_one_to_one
from analysis.segments.tiers import TIERS_8


def customers(n: int = 300, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"u{i:04d}" for i in range(n)],
            "tier": rng.choice([tier.name for tier in TIERS_8], n),
            "revenue": rng.integers(1, 20, n).astype(float),
            "days_since_last_order": rng.integers(0, 9, n),
        }
    )


@settings(max_examples=40, deadline=None)
@given(capacity=st.integers(0, 400), seed=st.integers(0, 5))
def test_the_list_never_exceeds_capacity_and_names_nobody_twice(capacity, seed):
    listed = promote_to_one_to_one(customers(seed=seed), tiers=TIERS_8, capacity=capacity)
    assert len(listed) <= capacity
    assert listed["customer_id"].is_unique
    assert listed["priority"].tolist() == list(range(1, len(listed) + 1))


def test_only_high_spenders_are_listed_and_the_recent_ones_first():
    listed = promote_to_one_to_one(customers(), tiers=TIERS_8, capacity=300)
    by_name = {tier.name: tier for tier in TIERS_8}
    assert all(by_name[name].valuable for name in listed["tier"])
    active = [by_name[name].active for name in listed["tier"]]
    assert active == sorted(active, reverse=True)


def test_row_order_does_not_matter_even_among_equals():
    equal = customers().assign(revenue=5.0, days_since_last_order=1)
    shuffled = equal.sample(frac=1, random_state=2)
    first, second = (promote_to_one_to_one(frame, tiers=TIERS_8, capacity=40) for frame in (equal, shuffled))
    pd.testing.assert_frame_equal(first, second)


def test_who_refused_is_never_listed():
    everybody = customers()
    refused = everybody["customer_id"].iloc[::2].tolist()
    listed = promote_to_one_to_one(everybody, tiers=TIERS_8, capacity=300, refused=refused)
    assert len(listed) > 0
    assert not set(listed["customer_id"]) & set(refused)


def test_a_negative_capacity_is_refused():
    with pytest.raises(AnalysisError, match="Capacity"):
        promote_to_one_to_one(customers(), tiers=TIERS_8, capacity=-1)
