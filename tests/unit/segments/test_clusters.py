"""Clusters: planted groups are found, and no more than are stable."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from analysis.errors import AnalysisError
from analysis.segments.clusters import assign_clusters, choose_clusters, fit_clusters, weigh_by_size
from analysis.segments.groups import find_groups
from analysis.segments.stability import cluster_stability, gaps_between, single_blob_test
from analysis.stats.agreement import adjusted_rand


def planted(k: int, *, apart: float, shares: list[float], seed: int, n: int = 2_000, d: int = 4):
    """Gaussian groups whose nearest pair is ``apart`` standard deviations apart: rows, groups, most likely groups."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(k, d))
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=2) + np.diag(np.full(k, np.inf))
    centres *= apart / distance.min()
    group = rng.choice(k, n, p=shares)
    rows = centres[group] + rng.normal(size=(n, d))
    posterior = [np.log(shares[j]) + multivariate_normal.logpdf(rows, centres[j]) for j in range(k)]
    return rows.astype(np.float32), group, np.argmax(posterior, axis=0)


def blob(seed: int, *, correlation: float = 0.6, n: int = 2_000, d: int = 4):
    """One Gaussian blob of correlated measures."""
    covariance = np.full((d, d), correlation) + (1 - correlation) * np.eye(d)
    rows = np.random.default_rng(seed).multivariate_normal(np.zeros(d), covariance, n)
    return rows.astype(np.float32)


@pytest.mark.parametrize(
    ("k", "apart", "shares"),
    [
        (3, 4.0, [0.6, 0.3, 0.1]),
        (3, 3.0, [0.6, 0.3, 0.1]),
        (4, 3.0, [0.25] * 4),
        (4, 4.0, [0.5, 0.3, 0.15, 0.05]),
        (6, 3.5, [1 / 6] * 6),
    ],
)
def test_planted_groups_are_counted_and_found_as_well_as_the_true_posterior_finds_them(k, apart, shares):
    for seed in (1, 2):
        rows, group, posterior = planted(k, apart=apart, shares=shares, seed=seed)
        found = find_groups(rows, seed=seed).clustering
        assert found.k == k
        assert adjusted_rand(found.labels, group) >= 0.95 * adjusted_rand(posterior, group)


def test_a_small_group_beside_a_large_one_is_found_only_when_sizes_are_weighed():
    rows, group, posterior = planted(3, apart=3.0, shares=[0.6, 0.3, 0.1], seed=2)
    best = adjusted_rand(posterior, group)
    halfway = fit_clusters(rows, k=3, seed=2)
    assert adjusted_rand(halfway.labels, group) < 0.95 * best
    assert adjusted_rand(weigh_by_size(rows, halfway, seed=2).labels, group) >= 0.95 * best


def test_too_few_customers_are_one_group():
    rows, _, _ = planted(3, apart=6.0, shares=[0.4, 0.3, 0.3], seed=3, n=150)
    assert find_groups(rows, seed=3).clustering.k == 1


def test_the_largest_number_that_holds_is_taken_and_every_larger_one_failed():
    rows, _, _ = planted(4, apart=4.0, shares=[0.25] * 4, seed=3)
    found = choose_clusters(rows, seed=3)
    assert [trial.k for trial in found.trials] == [8, 7, 6, 5, 4]
    assert [trial.accepted for trial in found.trials] == [False, False, False, False, True]
    assert found.trials[-1].resamples == 50
    assert found.jaccard.min() == found.trials[-1].worst_jaccard >= 0.85


def test_a_cluster_below_the_smallest_share_is_not_accepted():
    rows, _, _ = planted(3, apart=6.0, shares=[0.58, 0.4, 0.02], seed=4)
    found = choose_clusters(rows, seed=4)
    assert np.bincount(found.labels).min() / len(rows) >= 0.03
    assert any(trial.smallest_share < 0.03 and not trial.accepted for trial in found.trials)


def test_where_nothing_is_stable_there_is_one_cluster_of_everybody():
    rows = np.random.default_rng(5).normal(size=(1_500, 12)).astype(np.float32)
    found = choose_clusters(rows, seed=5, k_max=4, min_jaccard=0.95)
    assert found.k == 1
    assert set(found.labels) == {0}
    assert not any(trial.accepted for trial in found.trials)


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(monkeypatch):
    rows, _, _ = planted(3, apart=4.0, shares=[0.5, 0.3, 0.2], seed=6)
    from threadpoolctl import threadpool_limits

    made = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            made.append(choose_clusters(rows, seed=6, k_max=4))
    assert made[0].centres.tobytes() == made[1].centres.tobytes()
    assert made[0].labels.tobytes() == made[1].labels.tobytes()


def test_the_largest_cluster_comes_first():
    rows, _, _ = planted(3, apart=5.0, shares=[0.2, 0.5, 0.3], seed=7)
    sizes = np.bincount(fit_clusters(rows, k=3, seed=7).labels)
    assert sizes.tolist() == sorted(sizes, reverse=True)


def test_each_row_belongs_to_its_nearest_centre():
    rows, _, _ = planted(4, apart=3.0, shares=[0.25] * 4, seed=8)
    found = fit_clusters(rows, k=4, seed=8)
    distance = np.linalg.norm(rows[:, None] - found.centres[None], axis=2)
    assert (assign_clusters(rows, found.centres) == distance.argmin(axis=1)).all()


def test_a_correlated_blob_is_cut_at_the_same_place_time_and_again():
    rows = blob(1, n=3_000)
    labels = fit_clusters(rows, k=3, seed=1).labels
    assert cluster_stability(rows, labels, seed=1, resamples=20).jaccard.min() > 0.85


def test_yet_a_single_blob_is_not_called_natural_groups():
    rejected = [single_blob_test(blob(seed), k=3, seed=seed).rejected for seed in range(5)]
    assert sum(rejected) <= 1


def test_nor_is_a_skewed_one():
    shapes = [np.exp(blob(seed)) for seed in range(3)]
    assert sum(single_blob_test(rows, k=3, seed=seed).rejected for seed, rows in enumerate(shapes)) <= 1


def test_planted_groups_are_called_natural():
    for seed in range(3):
        rows, _, _ = planted(4, apart=3.5, shares=[0.4, 0.3, 0.2, 0.1], seed=seed)
        found = fit_clusters(rows, k=4, seed=seed)
        gaps = gaps_between(rows, found.labels, centres=found.centres, seed=seed)
        assert single_blob_test(rows, k=4, seed=seed).rejected
        assert gaps.open == gaps.borders


def test_whole_numbers_make_no_gaps():
    rng = np.random.default_rng(9)
    counts = np.column_stack([rng.poisson(4, 3_000), rng.poisson(4, 3_000)]).astype(np.float32)
    found = fit_clusters(counts, k=2, seed=9)
    assert gaps_between(counts, found.labels, centres=found.centres, seed=9).open == 0


def test_stopping_early_only_happens_when_no_outcome_could_help():
    rows = blob(2, n=1_000)
    labels = fit_clusters(rows, k=8, seed=2).labels
    whole = cluster_stability(rows, labels, seed=2, resamples=20)
    stopped = cluster_stability(rows, labels, seed=2, resamples=20, needed=0.85)
    assert stopped.resamples < whole.resamples == 20
    assert whole.jaccard.min() < 0.85


def test_clusters_need_rows_and_two_groups_to_try():
    with pytest.raises(AnalysisError, match="rows"):
        choose_clusters(np.empty((0, 2), dtype=np.float32), seed=1)
