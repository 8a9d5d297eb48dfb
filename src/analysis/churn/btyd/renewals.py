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

__all__ = ["expected_renewals", "log_age_nodes", "node_weights"]

Floats = npt.NDArray[np.float64]

_DIGITS: Final = 36.0  # e^-36 of a sum is not seen
_NODE_DIGITS: Final = 48.0  # of the polynomial's error bound, with what its constant takes
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
    ahead = np.flatnonzero(z > 0)
    if len(ahead) == 0:
        return values
    ahead = ahead[np.argsort(z[ahead])]
    last = _last_terms(s + k - 1, z=float(z[ahead[-1]]))
    for row in range(len(s)):
        for some in _within_reach(ahead, z=z, shape=float(s[row]) + k):
            values[:, row, some] = _sums(float(s[row]), z=z[some], last=int(last[row]), a=a, b=float(b[row]), k=k)
    return values


def log_age_nodes(low: float, high: float) -> Floats:
    """Return Chebyshev nodes between two ln(α + age): values there carry about 12 digits to all ages between."""
    half = (high - low) / 2
    if half == 0:
        return np.array([low])
    aside = (math.pi / 2) / half  # the nearest singularity lies π/2 beside the real line
    n = math.ceil(_NODE_DIGITS / math.asinh(aside)) + 4
    return (low + high) / 2 + half * np.cos((np.arange(n) + 0.5) * math.pi / n)


def node_weights(log_age: Floats, *, nodes: Floats) -> Floats:
    """Return the weights of Chebyshev nodes at each ln(α + age), shape (len(log_age), len(nodes)); rows add up to 1."""
    angle = (np.arange(len(nodes)) + 0.5) * math.pi / len(nodes)
    away = log_age[:, None] - nodes[None, :]
    exact = away == 0
    away[exact] = 1.0
    parts = np.where(np.arange(len(nodes)) % 2, -1.0, 1.0) * np.sin(angle) / away
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


def _sums(s: float, *, z: Floats, last: int, a: float, b: float, k: int) -> Floats:
    """Return M_j for one customer at ascending z, shape (k, len(z)): chances at the largest z, tilted to the others."""
    from scipy.special import gammaln

    top = float(z[-1])
    lower = np.log(z / top)
    values = np.zeros((k, len(z)))
    stay, bought = 1.0, 0.0  # w and W at the first purchase of a block
    for start in range(0, last + 1, _BLOCK * k):
        i = np.arange(start, min(start + _BLOCK * k, last + 1))
        n = start // k + np.arange((len(i) + k) // k + 1)
        stays = stay * np.cumprod(np.concatenate([[1.0], (b + n) / (a + b + n)]))
        worth = bought + np.concatenate([[0.0], np.cumsum(stays[:-1])])
        tilt = np.exp(np.multiply.outer(lower, i))
        log_factor = i * math.log(top) - gammaln(i + 1)
        for j in range(k):
            log_chance = log_factor + (gammaln(s + j + i) - math.lgamma(s + j) + (s + j) * math.log1p(-top))
            values[j] += tilt @ (np.exp(log_chance) * worth[(i + j) // k - start // k])
        if len(i) == _BLOCK * k:
            stay, bought = float(stays[_BLOCK]), float(worth[_BLOCK])
    shapes = s + np.arange(k)[:, None]
    return np.asarray(values * np.exp(shapes * (np.log1p(-z) - math.log1p(-top))))


def _last_terms(s: Floats, *, z: float) -> npt.NDArray[np.intp]:
    """Return the last count of each negative binomial (s, z) that matters with all beyond it: bisection."""
    from scipy.special import gammaln

    none = s * math.log1p(-z) - gammaln(s)

    def matters(i: Floats) -> npt.NDArray[np.bool_]:
        """Return where the chance of i and all beyond is above what is not seen."""
        ratio = np.minimum(z * (s + i) / (i + 1), 1 - 1e-16)
        log_chance = none + gammaln(s + i) - gammaln(i + 1) + i * math.log(z)
        return np.asarray((z * (s + i) >= i + 1) | (log_chance - np.log1p(-ratio) > -_DIGITS))

    high = np.full(len(s), 8.0)
    while (more := matters(high)).any():
        high[more] *= 2
    low = np.where(high > 8, high / 2, 0.0)
    for _ in range(5):
        middle = (low + high) / 2
        more = matters(middle)
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return np.asarray(np.ceil(high), dtype=np.intp)
