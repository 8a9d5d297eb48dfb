"""A column that knows the future is named, whatever the way it knows it."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.leakage import LeakError, auc_of_permuted_outcomes, compare_with_rebuilt, refuse_leaks
from analysis.errors import AnalysisError, MissingTableError, TooFewError


def given(n=50):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"customer_id": [f"c{i}" for i in range(n)], "n_orders": rng.integers(1, 9, n)})
    return table.assign(gap=np.where(rng.random(n) < 0.3, np.nan, rng.exponential(30, n))).astype(
        {"n_orders": "float32", "gap": "float32"}
    )


COLUMNS = ["n_orders", "gap"]


def test_equal_columns_pass_whatever_the_order_of_rows_and_the_precision():
    table = given()
    rebuilt = table.sample(frac=1.0, random_state=2).astype({"n_orders": "int32", "gap": "float64"})
    comparison = compare_with_rebuilt(table, rebuilt=rebuilt.assign(other=1.0), columns=COLUMNS)
    assert comparison["n_different"].tolist() == [0, 0, 0]
    assert comparison["n_customers"].tolist() == [50, 50, 50]
    refuse_leaks(comparison)


@pytest.mark.parametrize(
    "leak",
    [
        lambda t: t.assign(gap=t["gap"].where(t.index != 7, 1.0)),  # one customer is enough
        lambda t: t.assign(gap=t["gap"].fillna(5.0)),  # knows what nobody knew
        lambda t: t.assign(gap=np.nan),  # the snapshot is gone from the truncated data
        lambda t: t.drop(columns="gap"),  # so is the column
    ],
)
def test_a_column_that_differs_for_anybody_is_named(leak):
    comparison = compare_with_rebuilt(given(), rebuilt=leak(given()), columns=COLUMNS)
    with pytest.raises(LeakError, match="'gap'") as caught:
        refuse_leaks(comparison)
    assert caught.value.columns == ("gap",)


def test_customers_nobody_could_have_known_of_are_a_leak():
    comparison = compare_with_rebuilt(given(), rebuilt=given().iloc[:-1], columns=COLUMNS)
    with pytest.raises(LeakError) as caught:
        refuse_leaks(comparison)
    assert caught.value.columns == ("customer_id",)


def test_all_leaking_columns_are_named_the_worst_first():
    comparison = compare_with_rebuilt(
        given(), rebuilt=given().assign(n_orders=0.0, gap=lambda t: t["gap"].where(t.index != 3, 2.0)), columns=COLUMNS
    )
    with pytest.raises(LeakError) as caught:
        refuse_leaks(comparison)
    assert caught.value.columns == ("n_orders", "gap")


def test_a_leak_is_no_lack_of_data_so_the_page_turns_red_and_not_green():
    assert issubclass(LeakError, AnalysisError)
    assert not issubclass(LeakError, MissingTableError | TooFewError)


def test_permuted_outcomes_leave_one_half_and_a_label_among_the_predictors_does_not_come_back():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"x": rng.normal(size=8_000), "origin_on": np.repeat(["a", "b"], 4_000)})
    table["churned"] = rng.random(8_000) < 1 / (1 + np.exp(-2 * table["x"]))
    areas = [
        auc_of_permuted_outcomes(table[:4_000], judged=table[4_000:], columns=["x"], seed=seed).value
        for seed in range(6)
    ]
    # One area's standard error is about 0.009.
    assert abs(np.mean(areas) - 0.5) < 0.015
    assert max(abs(area - 0.5) for area in areas) < 0.04
