"""How sure a ranking is: bootstrap draws of Qini, AUUC, uplift at k and the curve, from one sort of the customers.

A draw weighs every customer with a Poisson(1) number instead of drawing customers. Customers who stand in the same
part of the list, in the same arm, with the same outcome are one entry with one Poisson number, so a draw costs the
number of such entries, whatever the number of customers.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.special import ndtri

from analysis.stats.ranking import (
    Sums,
    area,
    perfect_qini_key,
    perfect_uplift_key,
    qini_gain,
    read_trial,
    share_of_perfect,
    uplift_gain,
)

__all__ = ["RankingDraws", "bootstrap_ranking", "interval_of_draws"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

PARTS: Final = 500
"""Parts that the list is cut into. Within one the curve is taken as straight: the area of a draw is off by about one
part in 500 of its own spread."""

_CHUNK: Final = 1_000_000
"""Weights drawn at a time: bounds the memory to about 40 MB."""


class RankingDraws(NamedTuple):
    """Bootstrap draws.

    Attributes:
        qini: Qini coefficient of each draw.
        auuc: AUUC of each draw.
        at_k: Uplift at each share asked for (rows) by draw (columns), of all customers together.
        curve: Gain per treated customer at each depth asked for (rows) by draw: the Qini curve over the treated.
        depths: The depths, shares of the customers.
    """

    qini: Floats
    auuc: Floats
    at_k: Floats
    curve: Floats
    depths: Floats


class _Entries(NamedTuple):
    """Customers alike in part of the list, arm, outcome and cluster."""

    part: Codes
    treated: NDArray[np.bool_]
    outcome: Floats
    customers: Floats
    cluster: Codes | None


def bootstrap_ranking(
    *,
    uplift: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    rng: np.random.Generator,
    draws: int = 400,
    shares: tuple[float, ...] = (0.1, 0.3),
    depths: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
) -> RankingDraws:
    """Return bootstrap draws of every measure of a ranking.

    Args:
        uplift: Predicted uplift, fixed before these customers were looked at.
        treated: 1 for the treatment arm, 0 for control.
        outcome: What came of each.
        rng: Source of the draws.
        draws: How many.
        shares: Shares of the customers that uplift at k is wanted of.
        depths: Shares of the customers that the curve is wanted at, rising; default 0, 0.05 … 1.
        clusters: Cluster of each customer where whole clusters were assigned: clusters are drawn then.

    Raises:
        AnalysisError: If the arrays are not a trial.

    References:
        Hanley, J. A. and MacGibbon, B. (2006). Creating non-parametric bootstrap samples using Poisson frequencies.
        Computer Methods and Programs in Biomedicine 83(1), 57-62.
    """
    arm, y = read_trial(treated=treated, outcome=outcome)
    wanted = np.linspace(0, 1, 21) if depths is None else np.asarray(depths, dtype=np.float64)
    parts = _parts(np.asarray(uplift, dtype=np.float64))
    entries = _entries(parts, arm, y, clusters)
    adding = _adding(entries.part, entries)
    perfect_qini = _adding(_places(perfect_qini_key(entries.treated, entries.outcome)), entries)
    key = perfect_uplift_key(entries.treated, entries.outcome, weight=entries.customers)
    perfect_uplift = _adding(_places(key), entries)
    made: list[tuple[Floats, ...]] = []
    step = max(1, _CHUNK // len(entries.customers))
    for start in range(0, draws, step):
        weights = _weights(entries, n=min(step, draws - start), rng=rng)
        sums = _running(adding, weights)
        gain = qini_gain(sums)
        best_qini, best_uplift = _running(perfect_qini, weights), _running(perfect_uplift, weights)
        qini = share_of_perfect(area(sums, gain), area(best_qini, qini_gain(best_qini)))
        auuc = share_of_perfect(area(sums, uplift_gain(sums)), area(best_uplift, uplift_gain(best_uplift)))
        at_k = np.array([_mean_difference(sums, k) for k in shares]).reshape(len(shares), -1)
        curve = np.array([_at(sums, gain, depth) for depth in wanted]) / sums.n_treated[-1]
        made.append((qini, auuc, at_k, curve))
    qini, auuc, at_k, curve = (np.concatenate(part, axis=-1) for part in zip(*made, strict=True))
    return RankingDraws(qini, auuc, at_k, curve, wanted)


def interval_of_draws(value: ArrayLike, *, draws: Floats, confidence_level: float = 0.95) -> tuple[Floats, Floats]:
    """Return both ends of the normal interval whose standard error is the draws' spread.

    Args:
        value: The estimate, or one per row of the draws.
        draws: Draws along the last axis; those that are not a number are left out.
        confidence_level: In (0, 1).
    """
    known = np.isfinite(draws)
    count = known.sum(axis=-1, keepdims=True)
    apart = np.where(known, draws - np.where(known, draws, 0.0).sum(axis=-1, keepdims=True) / np.maximum(count, 1), 0.0)
    variance = np.where(count > 1, (apart**2).sum(axis=-1, keepdims=True) / np.maximum(count - 1, 1), np.nan)
    half = float(ndtri(0.5 + confidence_level / 2)) * np.sqrt(variance[..., 0])
    centre = np.asarray(value, dtype=np.float64)
    return centre - half, centre + half


def _parts(score: Floats) -> Codes:
    """Return the part of the list each customer stands in, best first; customers with the same score stand together."""
    n = len(score)
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last_of_ties = np.searchsorted(-ordered, -ordered, side="right") - 1
    cut = last_of_ties * PARTS // n if n > PARTS else last_of_ties
    parts = np.empty(n, dtype=np.int64)
    parts[order] = np.append(0, np.cumsum(np.diff(cut) > 0))
    return parts


def _entries(parts: Codes, treated: NDArray[np.bool_], outcome: Floats, clusters: ArrayLike | None) -> _Entries:
    cluster = None if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    keys = [outcome, treated, parts] if cluster is None else [cluster, outcome, treated, parts]
    order = np.lexsort(keys)
    ordered = [key[order] for key in keys]
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.any([key[1:] != key[:-1] for key in ordered], axis=0)
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, len(order))).astype(np.float64)
    chosen = order[first]
    return _Entries(
        parts[chosen], treated[chosen], outcome[chosen], count, None if cluster is None else cluster[chosen]
    )


def _places(key: Floats) -> Codes:
    """Return places by falling key, equal ones at the same."""
    return np.asarray(np.unique(-key, return_inverse=True)[1], dtype=np.int64)


def _adding(place: Codes, entries: _Entries) -> csr_matrix:
    """Return the matrix that adds entries' weights up by place: treated and control customers, then their outcomes."""
    size, columns = int(place.max()) + 1, np.arange(len(place))
    side = np.where(entries.treated, 0, 1)
    rows = np.concatenate([side * size + place, (side + 2) * size + place])
    values = np.concatenate([np.ones(len(place)), entries.outcome])
    return csr_matrix((values, (rows, np.tile(columns, 2))), shape=(4 * size, len(place)))


def _weights(entries: _Entries, *, n: int, rng: np.random.Generator) -> Floats:
    """Return how many customers each entry (row) stands for in each draw (column)."""
    if entries.cluster is None:
        drawn = rng.poisson(np.broadcast_to(entries.customers[:, None], (len(entries.customers), n)))
        return drawn.astype(np.float64)
    of_clusters = rng.poisson(1.0, (int(entries.cluster.max()) + 1, n)).astype(np.float64)
    return of_clusters[entries.cluster] * entries.customers[:, None]


def _running(adding: csr_matrix, weights: Floats) -> Sums:
    added = np.asarray(adding @ weights).reshape(4, -1, weights.shape[1])
    return Sums(*np.cumsum(added, axis=1))


def _at(sums: Sums, values: Floats, share: float) -> Floats:
    """Return running values at a share of the customers, straight between depths; one per draw."""
    depth = sums.n_treated + sums.n_control
    target = share * depth[-1]
    upper = np.minimum((depth < target).sum(axis=0), len(depth) - 1)
    column = np.arange(depth.shape[1])
    lower_depth = np.where(upper > 0, depth[upper - 1, column], 0.0)
    lower_value = np.where(upper > 0, values[upper - 1, column], 0.0)
    gap = depth[upper, column] - lower_depth
    part = np.divide(target - lower_depth, gap, out=np.ones_like(gap), where=gap > 0)
    return np.asarray(lower_value + part * (values[upper, column] - lower_value), dtype=np.float64)


def _mean_difference(sums: Sums, share: float) -> Floats:
    n_treated, n_control, treated, control = (_at(sums, values, share) for values in sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(treated / n_treated - control / n_control, dtype=np.float64)
