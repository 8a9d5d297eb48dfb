"""Which customer is in which tier: a table that a marketer can read.

Thresholds: last order at most 60 days ago, at least 3 orders, at least ¥500.
"""

import pandas as pd
import pytest

from analysis.segments.tiers import TIERS_8, Thresholds, assign_tiers

RULER = Thresholds(days_since_last_order=(60,), n_orders=(3,), revenue=(500,))

# days since the last order, orders, revenue → tier
TABLE = [
    (10, 8, 2_000, "重要价值客户"),
    (60, 3, 500, "重要价值客户"),  # each threshold counts as reached
    (10, 1, 2_000, "重要发展客户"),
    (200, 8, 2_000, "重要保持客户"),
    (200, 1, 2_000, "重要挽留客户"),
    (10, 8, 120, "一般价值客户"),
    (10, 1, 120, "一般发展客户"),
    (200, 8, 120, "一般保持客户"),
    (200, 1, 120, "一般挽留客户"),
    (61, 2, 499.99, "一般挽留客户"),
]


@pytest.mark.parametrize(("days", "orders", "revenue", "tier"), TABLE)
def test_a_customer_is_in_the_tier_the_table_says(days, orders, revenue, tier):
    one = pd.DataFrame({"days_since_last_order": [days], "n_orders": [orders], "revenue": [revenue]})
    names = {t.name: t.zh for t in TIERS_8}
    assert names[assign_tiers(one, thresholds=RULER).iloc[0]] == tier
