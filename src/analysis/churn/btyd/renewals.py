"""Expected purchases of customers who are alive: sums over the stages they may still pass.

A customer with s = r + k·x who has passed j of the k stages of the current gap passes i more in the time ahead with
the negative binomial chance NB(i; s + j, z), z = time / (α + age + time), and buys ⌊(i+j)/k⌋ times unless gone before:

    M_j(x, z) = Σ_i NB(i; s + j, z) · W(⌊(i+j)/k⌋),     W(n) = Σ_{l<n} B(a, b+l) / B(a, b)

with b counting the stays so far. All terms are positive. The sum stops where what is left is below rounding error.
As a function of ln(α + age) it is analytic, so for many ages it is summed at Chebyshev nodes and carried to each age
by the interpolating polynomial, to about 13 digits.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["expected_renewals", "expected_renewals_by_age"]

Floats = npt.NDArray[np.float64]

_DIGITS: Final = 36.0  # e^-36 of a sum is not seen
_BLOCK: Final = 4096  # terms worked on at once
_SPREAD: Final = 500.0  # e^500 and e^-500 are still numbers


def expected_renewals(s: Floats, *, z: Floats, a: float, b: Floats, k: int) -> Floats:
    """Return M_j for each customer (s, b) at each z, shape (k, len(s), len(z)).

    Args:
        s: r + k·x of each distinct frequency.
        z: time / (α + age + time) of each distinct age, in [0, 1).
        a: First shape of the dropout chances.
        b: Second shape plus the stays so far, one for each of ``s``.
        k: Stages of a gap.
    """
    values = np.zeros((k, len(s), len(z)))
    order = np.flatnonzero(z > 0)
    order = order[np.argsort(z[order])]
    for row, (shape, stays) in enumerate(zip(s.tolist(), b.tolist(), strict=True)):
        for some in _within_reach(order, z=z, shape=shape + k):
            values[:, row, some] = _sums(shape, z=z[some], a=a, b=stays, k=k)
    return values


def expected_renewals_by_age(
    s: Floats, *, log_age: Floats, horizon: float, a: float, b: Floats, k: int
) -> tuple[Floats, Floats]:
    """Return M_j at Chebyshev nodes over the range of ages, and the nodes' weights for each age.

    Args:
        s: r + k·x of each distinct frequency.
        log_age: ln(α + age) of each distinct age, ascending.
        horizon: Time ahead.
        a: First shape of the dropout chances.
        b: Second shape plus the stays so far, one for each of ``s``.
        k: Stages of a gap.

    Returns:
        Values, shape (k, len(s), nodes), and weights, shape (len(log_age), nodes): M = values @ weights.T.
    """
    low, high = float(log_age[0]), float(log_age[-1])
    half = (high - low) / 2
    n = _nodes(half)
    if n >= len(log_age):
        nodes, weights = log_age, np.eye(len(log_age))
    else:
        angle = (np.arange(n) + 0.5) * math.pi / n
        nodes = (low + high) / 2 + half * np.cos(angle)
        weights = _barycentric((log_age - (low + high) / 2) / half, angle=angle)
    return expected_renewals(s, z=horizon / (np.exp(nodes) + horizon), a=a, b=b, k=k), weights


def _nodes(half: float) -> int:
    """Return the nodes that carry 13 digits: the nearest singularity lies π/2 beside the real line."""
    if half == 0:
        return 1
    aside = (math.pi / 2) / half
    return math.ceil(_DIGITS / math.asinh(aside)) + 4


def _barycentric(at: Floats, *, angle: Floats) -> Floats:
    """Return the weights of Chebyshev nodes of the first kind for each point in [-1, 1], shape (points, nodes)."""
    away = at[:, None] - np.cos(angle)[None, :]
    exact = np.abs(away) < 1e-15
    away[exact] = 1.0
    parts = np.where(np.arange(len(angle)) % 2, -1.0, 1.0) * np.sin(angle) / away
    weights = parts / parts.sum(axis=1, keepdims=True)
    hit = exact.any(axis=1)
    weights[hit] = exact[hit]
    return np.asarray(weights, dtype=float)


def _within_reach(order: npt.NDArray[np.intp], *, z: Floats, shape: float) -> list[npt.NDArray[np.intp]]:
    """Split positions (z ascending) where the chances at the smallest and the largest z share no numbers."""
    if len(order) == 0:
        return []
    stretch = shape * (math.log1p(-z[order[0]]) - math.log1p(-z[order[-1]]))
    if stretch < _SPREAD or len(order) == 1:
        return [order]
    middle = len(order) // 2
    return [*_within_reach(order[:middle], z=z, shape=shape), *_within_reach(order[middle:], z=z, shape=shape)]


def _sums(s: float, *, z: Floats, a: float, b: float, k: int) -> Floats:
    """Return M_j for one customer at ascending z, shape (k, len(z)): chances at the largest z, tilted to the others."""
    from scipy.special import gammaln

    top = float(z[-1])
    lower = np.log(z / top)
    values = np.zeros((k, len(z)))
    last = _last_term(s + k - 1, z=top)
    stays_before = 1.0
    purchases_before = 0.0
    for start in range(0, last + 1, _BLOCK * k):
        i = np.arange(start, min(start + _BLOCK * k, last + 1))
        n = np.arange(start // k, (i[-1] + k) // k + 1)
        chance = np.concatenate([[stays_before], stays_before * np.exp(np.cumsum(np.log((b + n) / (a + b + n))))])
        worth = purchases_before + np.concatenate([[0.0], np.cumsum(chance[:-1])])
        tilt = np.exp(np.multiply.outer(lower, i))
        for j in range(k):
            shape = s + j
            log_chance = gammaln(shape + i) - gammaln(i + 1) + i * math.log(top)
            log_chance += shape * math.log1p(-top) - math.lgamma(shape)
            values[j] += tilt @ (np.exp(log_chance) * worth[(i + j) // k - start // k])
        stays_before, purchases_before = (
            chance[_BLOCK] if len(chance) > _BLOCK else 0.0,
            (worth[_BLOCK] if len(worth) > _BLOCK else 0.0),
        )
    for j in range(k):
        values[j] *= np.exp((s + j) * (np.log1p(-z) - math.log1p(-top)))
    return values


def _last_term(s: float, *, z: float) -> int:
    """Return the last count of a negative binomial whose chance, and all beyond, matter."""

    def matters(i: float) -> bool:
        log_chance = math.lgamma(s + i) - math.lgamma(s) - math.lgamma(i + 1) + i * math.log(z) + s * math.log1p(-z)
        ratio = z * (s + i) / (i + 1)
        return ratio >= 1 or log_chance - math.log1p(-ratio) > -_DIGITS

    high = 8.0
    while matters(high):
        high *= 2
    low = high / 2
    while high - low > 0.02 * high + 1:
        middle = (low + high) / 2
        low, high = (middle, high) if matters(middle) else (low, middle)
    return math.ceil(high)
