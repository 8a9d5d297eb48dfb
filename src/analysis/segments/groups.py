"""The whole search for groups: how many are stable, are they natural, and where then are their borders."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.segments.clusters import Clustering, choose_clusters, one_cluster, weigh_by_size
from analysis.segments.stability import BlobTest, Gaps, gaps_between, single_blob_test
from analysis.stats.agreement import jaccard_matrix

__all__ = ["FEWEST_CUSTOMERS", "Groups", "find_groups"]

Matrix = NDArray[np.float32]

FEWEST_CUSTOMERS: Final = 200
"""With fewer customers no split is sought: chance would draw it."""


class Groups(NamedTuple):
    """The groups found.

    Attributes:
        clustering: Which row is in which group, and how stable each is.
        blob: Test against a single blob; None for one group.
        gaps: Between which neighbours customers are rare; None for one group.
    """

    clustering: Clustering
    blob: BlobTest | None
    gaps: Gaps | None


def find_groups(
    matrix: Matrix,
    *,
    seed: int,
    k_max: int = 8,
    resamples: int = 50,
    min_jaccard: float = 0.85,
    min_share: float = 0.03,
) -> Groups:
    """Return the largest number of stable groups, whether they are natural, and who is in which.

    Where a single blob is rejected, borders weigh the sizes of the groups; slices are cut halfway between centres.
    Stability is that of the groups before their sizes are weighed.

    Args:
        matrix: One row per customer, scaled measures (``scaling.Scaling.apply``).
        seed: Of all samples, starts and draws.
        k_max: Largest number of groups tried, at least 2.
        resamples: Bootstrap samples per number.
        min_jaccard: Mean Jaccard similarity that the worst group must keep, 0-1.
        min_share: Share of customers that the smallest group must hold, 0-1.

    Raises:
        AnalysisError: If a bound is out of range or there are no rows.
    """
    if 0 < len(matrix) < FEWEST_CUSTOMERS:
        return Groups(one_cluster(matrix), None, None)
    found = choose_clusters(
        matrix, seed=seed, k_max=k_max, resamples=resamples, min_jaccard=min_jaccard, min_share=min_share
    )
    if found.k == 1:
        return Groups(found, None, None)
    blob = single_blob_test(matrix, k=found.k, seed=seed)
    gaps = gaps_between(matrix, found.labels, centres=found.centres, seed=seed)
    if blob.rejected:
        weighed = weigh_by_size(matrix, found, seed=seed)
        # Each weighed group must still be the counterpart of the one that was found stable, and large enough.
        counterpart = jaccard_matrix(weighed.labels, found.labels).argmax(axis=1)
        enough = np.bincount(weighed.labels, minlength=found.k).min() >= min_share * len(matrix)
        if enough and (counterpart == np.arange(found.k)).all():
            found = weighed
    return Groups(found, blob, gaps)
