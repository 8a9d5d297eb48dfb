import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from analysis.segments.k_means import k_means


@pytest.fixture
def rows() -> np.ndarray:
    rng = np.random.default_rng(4)
    return (rng.normal(size=(900, 5)) + 3 * rng.integers(0, 3, size=(900, 1))).astype(np.float32)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [2, 5, 8])
def test_clusters_are_those_of_scikit_learn_to_the_last_bit(rows: np.ndarray, k: int, weighted: bool) -> None:
    weight = np.random.default_rng(1).integers(1, 5, len(rows)).astype(np.float32) if weighted else None
    ours = k_means(rows, k=k, weight=weight, starts=4, tolerance=1e-3, seed=7)
    with threadpool_limits(1):
        theirs = KMeans(k, n_init=4, max_iter=50, tol=1e-3, random_state=7).fit(rows, sample_weight=weight)
    assert np.array_equal(ours.labels_, theirs.labels_)
    assert np.array_equal(ours.cluster_centers_, theirs.cluster_centers_)


def test_given_centres_are_where_it_starts(rows: np.ndarray) -> None:
    centres = rows[:3] + np.float32(0.1)
    model = k_means(rows, k=3, centres=centres, tolerance=1e-3)
    assert np.array_equal(model.labels_, KMeans(3, init=centres, n_init=1, max_iter=50, tol=1e-3).fit(rows).labels_)
