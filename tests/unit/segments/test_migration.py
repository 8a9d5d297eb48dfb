"""Who moved between groups."""

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.segments.migration import NEW, NOT_A_CUSTOMER, migration_matrix

GROUPS = ["high", "middle", "low"]


def groups_of(n: int, seed: int, first: int = 0) -> "pd.Series[str]":
    rng = np.random.default_rng(seed)
    ids = [f"u{i}" for i in range(first, first + n)]
    return pd.Series(rng.choice(GROUPS, n), index=ids, dtype="str")


def test_each_row_adds_up_to_one_and_counts_every_customer():
    matrix = migration_matrix(groups_of(500, 1), groups_of(700, 2), groups=GROUPS)
    assert matrix.groupby("from_group")["share"].sum().tolist() == pytest.approx([1.0] * 4)
    assert matrix["n_customers"].sum() == 700


def test_customers_of_today_only_come_from_the_new_row():
    matrix = migration_matrix(groups_of(500, 1), groups_of(700, 2), groups=GROUPS)
    assert matrix.loc[matrix["from_group"] == NEW, "n_customers"].sum() == 200


def test_a_customer_whose_purchases_were_all_refunded_keeps_the_row_whole():
    earlier, now = groups_of(500, 1), groups_of(480, 2, first=20)
    matrix = migration_matrix(earlier, now, groups=GROUPS)
    assert matrix.loc[matrix["to_group"] == NOT_A_CUSTOMER, "n_customers"].sum() == 20
    known = matrix[matrix["n_from"] > 0]
    assert known.groupby("from_group")["share"].sum().tolist() == pytest.approx([1.0] * 3)


def test_nobody_moves_when_nothing_changed():
    same = groups_of(300, 4)
    matrix = migration_matrix(same, same, groups=GROUPS)
    stayed = matrix[(matrix["from_group"] == matrix["to_group"])]
    assert stayed["share"].tolist() == [1.0, 1.0, 1.0]


def test_row_order_does_not_matter():
    earlier, now = groups_of(500, 1), groups_of(700, 2)
    shuffled = migration_matrix(
        earlier.sample(frac=1, random_state=1), now.sample(frac=1, random_state=2), groups=GROUPS
    )
    pd.testing.assert_frame_equal(shuffled, migration_matrix(earlier, now, groups=GROUPS))


def test_a_history_that_begins_later_leaves_only_new_customers():
    empty = pd.Series(index=pd.Index([], dtype="str"), dtype="str")
    matrix = migration_matrix(empty, groups_of(50, 1), groups=GROUPS)
    assert matrix.loc[matrix["from_group"] != NEW, "share"].isna().all()


def test_a_customer_in_two_groups_is_refused():
    twice = pd.Series(["high", "low"], index=["u1", "u1"])
    with pytest.raises(AnalysisError, match="two groups"):
        migration_matrix(twice, groups_of(3, 1), groups=GROUPS)


def test_an_unlisted_group_is_refused():
    with pytest.raises(AnalysisError, match="vip"):
        migration_matrix(pd.Series({"u1": "vip"}), groups_of(3, 1), groups=GROUPS)
