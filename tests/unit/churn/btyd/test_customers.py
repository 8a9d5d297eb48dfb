"""The columns every buy-till-you-die model reads."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.customers import checked_customers, checked_weights
from analysis.errors import AnalysisError

GOOD = {"frequency": [0, 2, 1], "recency": [0.0, 8.0, 3.0], "T": [10.0, 9.0, 3.0]}


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        (
            "frequency",
            [0, 2.5, 1],
            "frequency must be a whole number, 0 or more: 1 of 3 rows are not, the first at row 1",
        ),
        ("frequency", [0, -1, -1], "frequency must be a whole number, 0 or more: 2 of 3 rows"),
        ("recency", [0.0, 9.5, 3.1], "recency must not be beyond T: 2 of 3 rows are not, the first at row 1"),
        ("recency", [4.0, 8.0, 3.0], "recency must be 0 where frequency is 0: 1 of 3 rows"),
        ("recency", [0.0, 0.0, 3.0], "recency must be above 0 where frequency is above 0: 1 of 3 rows"),
        ("recency", [0.0, -1.0, 3.0], "recency must be 0 or more: 1 of 3 rows"),
        ("recency", [0.0, np.nan, 3.0], "recency must be a finite number: 1 of 3 rows"),
        ("T", [10.0, np.inf, -np.inf], "T must be a finite number: 2 of 3 rows"),
        ("T", [-1.0, 9.0, 3.0], "T must be 0 or more: 1 of 3 rows"),
        ("T", [10.0, 9.0], "have 3, 3 and 2 rows"),
        ("T", ["a", "b", "c"], "'T' of customers must hold numbers"),
    ],
)
def test_contradictions_are_named_by_column_and_counted_by_row(column, values, says):
    with pytest.raises(AnalysisError, match=says):
        checked_customers({**GOOD, column: values})


@pytest.mark.parametrize(
    ("gaps", "says"),
    [
        ([1.0, 0.0, 0.0], "sum_log_gaps must be 0 where frequency is 0: 1 of 3 rows"),
        ([0.0, 2.8, 1.0], "sum_log_gaps must not exceed frequency"),
        ([0.0, 2.7], "sum_log_gaps has 2 rows, frequency has 3"),
    ],
)
def test_sums_of_log_gaps_that_no_gaps_can_have_are_refused(gaps, says):
    with pytest.raises(AnalysisError, match=says):
        checked_customers({**GOOD, "sum_log_gaps": gaps})


def test_equal_gaps_reach_the_largest_sum_of_logarithms():
    gaps = [0.0, 2 * np.log(4.0), np.log(3.0)]
    assert checked_customers({**GOOD, "sum_log_gaps": gaps}).sum_log_gaps is not None


def test_a_missing_column_is_named():
    with pytest.raises(AnalysisError, match="lacks T"):
        checked_customers(pd.DataFrame(GOOD).drop(columns="T"))


def test_recency_beyond_the_age_by_rounding_is_the_age():
    table = checked_customers({"frequency": [3], "recency": [0.1 + 0.2], "T": [0.3]})
    assert table.recency[0] == table.T[0]


@pytest.mark.parametrize("weights", [[1.0, 2.0], [1.0, -1.0, 1.0], [0.0, 0.0, 0.0], [1.0, np.nan, 1.0]])
def test_weights_that_are_no_weights_are_refused(weights):
    with pytest.raises(AnalysisError, match="weights"):
        checked_weights(weights, n=3)
