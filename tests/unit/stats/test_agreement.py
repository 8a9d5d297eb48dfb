"""Agreement of two groupings."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from analysis.errors import AnalysisError
from analysis.stats.agreement import adjusted_rand, contingency, jaccard_matrix, match_labels


def test_adjusted_rand_equals_scikit_learns():
    rng = np.random.default_rng(1)
    for k in (2, 5, 9):
        first, second = rng.integers(0, k, 400), rng.integers(0, 4, 400)
        second[:200] = first[:200] % 4
        assert adjusted_rand(first, second) == pytest.approx(adjusted_rand_score(first, second))


def test_the_contingency_counts_every_row_once():
    rng = np.random.default_rng(2)
    assert contingency(rng.integers(0, 3, 100), rng.integers(0, 5, 100)).sum() == 100


def test_jaccard_is_one_for_the_same_group_and_zero_for_strangers():
    assert jaccard_matrix([0, 0, 1], [1, 1, 0]).tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_relabelling_is_undone_by_the_matching():
    labels = np.random.default_rng(3).integers(0, 4, 200)
    renamed = np.array([2, 0, 3, 1])[labels]
    assert {(m.first, m.second, m.jaccard) for m in match_labels(labels, renamed)} == {
        (0, 2, 1.0),
        (1, 0, 1.0),
        (2, 3, 1.0),
        (3, 1, 1.0),
    }


def test_groupings_of_different_rows_are_refused():
    with pytest.raises(AnalysisError, match="same rows"):
        contingency([0, 1], [0])
