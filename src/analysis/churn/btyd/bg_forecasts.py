"""What the BG family expects: alive or not, purchases to come, their distribution, and draws.

Given a customer's past, with s = r + k·x, u = T - t_x, and m = 1 for MBG, 0 for BG:

* dropout chance p ~ Beta(a, b + x + m) if alive, independent of the rate;
* stages j = 0 … k-1 of the current gap already passed have weight s(s+1)…(s+j-1)/j! · (u/(α+T))^j;
* given j, the rate λ ~ Gamma(s + j, α + T), so the stages passed in (T, T+t] are negative binomial with shape
  s + j and z = t / (α + T + t). The n-th purchase needs k·n - j of them and n - 1 stays before it.

So for n ≥ 1, with P(stay n-1 times) = w_n = B(a, b+x+m+n-1) / B(a, b+x+m):

    P(Y ≥ n) = P(alive) · w_n · Σ_j weight_j · P(at least k·n - j stages)
    E[Y]     = P(alive) · Σ_j weight_j · M_j                                    M_j: ``renewals``

All terms are positive and the sums are carried to rounding error: no approximation for any k. Where the papers have
closed forms (k = 1) these are met, and a = 1 needs no special case.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.churn.btyd.bg_likelihood import Timing
from analysis.churn.btyd.customers import Customers
from analysis.churn.btyd.distinct import distinct
from analysis.churn.btyd.renewals import expected_renewals, log_age_nodes, node_weights

__all__ = [
    "Mixing",
    "draw_purchases",
    "expected_if_alive",
    "expected_when_new",
    "p_alive",
    "p_at_least_if_alive",
]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

_SLICE: Final = 8192  # rows whose working arrays stay in the processor's cache
_LARGEST: Final = 600.0  # e^600 is still a number; who is that likely gone has left
_LAVISH: Final = 4  # all combinations of x and T are computed if they are at most so many times the rows


class Mixing(NamedTuple):
    """The four parameters of the family: rates ~ Gamma(r, α), dropout chances ~ Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


def p_alive(customers: Customers, *, mixing: Mixing, timing: Timing) -> Floats:
    """Return P(alive at T), shape (n,)."""
    r, alpha, a, b = mixing
    k, m = timing.k, int(timing.drops_at_start)
    alive = np.empty(len(customers.T))
    for start in range(0, len(alive), _SLICE):
        rows = slice(start, start + _SLICE)
        x, older, earlier = customers.frequency[rows], alpha + customers.T[rows], alpha + customers.recency[rows]
        stage = r + k * x
        left = a / np.maximum(b + x + m - 1, 1e-300)
        if m == 0:
            left *= x > 0
        if k > 1:
            left /= _stage_weights(stage, share=1 - earlier / older, k=k).sum(axis=0)
        left *= np.exp(np.minimum(stage * np.log(older / earlier), _LARGEST))
        left += 1
        np.divide(1.0, left, out=alive[rows])
    return alive


def expected_when_new(horizons: Floats, *, mixing: Mixing, timing: Timing) -> Floats:
    """Return the expected repeat purchases of a new customer in (0, horizon], shape (len(horizons),)."""
    r, alpha, a, b = mixing
    m = int(timing.drops_at_start)
    z = horizons / (alpha + horizons)
    after_first = expected_renewals(np.array([r]), z=z, a=a, b=np.array([b + m]), k=timing.k)[0, 0]
    return np.asarray(after_first * (b / (a + b)) if m else after_first)


def expected_if_alive(customers: Customers, *, horizon: float, mixing: Mixing, timing: Timing) -> Floats:
    """Return the expected purchases in (T, T + horizon] of customers who are alive at T, shape (n,)."""
    if horizon == 0:
        return np.zeros(len(customers.T))
    (x, at_x), (age, at_age) = distinct(customers.frequency), distinct(customers.T)
    ahead = _Ahead(horizon, mixing, timing)
    if len(x) * len(age) <= max(_LAVISH * len(at_x), 100_000):
        cell = at_x * len(age) + at_age
        by_stage = [np.take(table.ravel(), cell) for table in _by_cell(x, age, cell=cell, ahead=ahead)]
    else:
        by_stage = list(_by_row(x, at_x, log_age=np.log(mixing.alpha + customers.T), ahead=ahead))
    k = timing.k
    if k == 1:
        return by_stage[0]
    share = (customers.T - customers.recency) / (mixing.alpha + customers.T)
    stages = _stage_weights(mixing.r + k * customers.frequency, share=share, k=k)
    return np.asarray((stages * np.array(by_stage)).sum(axis=0) / stages.sum(axis=0))


def p_at_least_if_alive(customers: Customers, *, most: int, horizon: float, mixing: Mixing, timing: Timing) -> Floats:
    """Return P(Y ≥ n | alive at T) for n = 1 … most, shape (n_customers, most)."""
    r, alpha, a, b = mixing
    k, m = timing.k, int(timing.drops_at_start)
    x, t_x, age = customers.frequency, customers.recency, customers.T
    s = r + k * x
    weights = _stage_weights(s, share=(age - t_x) / (alpha + age), k=k)
    weights /= weights.sum(axis=0)
    z = horizon / (alpha + age + horizon)
    reached = np.zeros((most, len(x)))
    for j in range(k):
        needed = k * np.arange(1, most + 1) - j
        for n, chance in enumerate(_at_least(needed, shape=s + j, z=z)):
            reached[n] += weights[j] * chance
    stays = np.ones_like(x)
    for n in range(most):
        reached[n] *= stays
        stays = stays * (b + x + m + n) / (a + b + x + m + n)
    return reached.T


def draw_purchases(
    customers: Customers, *, horizon: float, mixing: Mixing, timing: Timing, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return one draw per customer of the purchases in (T, T + horizon], shape (n,)."""
    r, alpha, a, b = mixing
    k, m = timing.k, int(timing.drops_at_start)
    x, t_x, age = customers.frequency, customers.recency, customers.T
    n = len(x)
    s = r + k * x
    alive = rng.random(n) < p_alive(customers, mixing=mixing, timing=timing)
    weights = np.cumsum(_stage_weights(s, share=(age - t_x) / (alpha + age), k=k), axis=0)
    passed = (rng.random(n) * weights[-1] > weights).sum(axis=0)
    rate = rng.gamma(s + passed, 1 / (alpha + age))
    dropout = rng.beta(a, b + x + m)
    stages = rng.poisson(rate * horizon)
    until_gone = rng.geometric(np.maximum(dropout, 1e-15))
    return np.where(alive, np.minimum((stages + passed) // k, until_gone), 0).astype(np.int64)


def _stage_weights(s: Floats, *, share: Floats, k: int) -> Floats:
    """Return the weights of 0 … k-1 stages passed since the last purchase, shape (k, n); the first is 1."""
    weights = np.ones((k, len(s)))
    for j in range(1, k):
        weights[j] = weights[j - 1] * (s + j - 1) / j * share
    return weights


class _Ahead(NamedTuple):
    """The time ahead and the model."""

    horizon: float
    mixing: Mixing
    timing: Timing

    def renewals(self, x: Floats, *, log_age: Floats) -> Floats:
        """Return M_j of frequencies at each ln(α + age), shape (k, len(x), len(log_age))."""
        r, _, a, b = self.mixing
        k, m = self.timing.k, int(self.timing.drops_at_start)
        z = self.horizon / (np.exp(log_age) + self.horizon)
        return expected_renewals(r + k * x, z=z, a=a, b=b + x + m, k=k)


def _classes(x: Floats) -> list[slice]:
    """Return runs of like frequencies: 0, 1, 2-3, 4-7, … Who bought often is old: each run has its own ages."""
    edges = np.searchsorted(x, np.concatenate([[0, 1], 2.0 ** np.arange(1, 64)]))
    return [slice(low, high) for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True) if low < high]


def _by_cell(x: Floats, age: Floats, *, cell: Codes, ahead: _Ahead) -> Floats:
    """Return M_j of all frequencies at all ages at which they occur, shape (k, len(x), len(age)); 0 elsewhere."""
    present = np.bincount(cell, minlength=len(x) * len(age)).reshape(len(x), len(age)) > 0
    log_age = np.log(ahead.mixing.alpha + age)
    tables = np.zeros((ahead.timing.k, len(x), len(age)))
    for some in _classes(x):
        met = np.flatnonzero(present[some].any(axis=0))
        nodes = log_age_nodes(float(log_age[met[0]]), float(log_age[met[-1]]))
        if len(nodes) < len(met):
            values = ahead.renewals(x[some], log_age=nodes) @ node_weights(log_age[met], nodes=nodes).T
        else:
            values = ahead.renewals(x[some], log_age=log_age[met])
        tables[:, some, met] = values
    return tables


def _by_row(x: Floats, at_x: Codes, *, log_age: Floats, ahead: _Ahead) -> Floats:
    """Return M_j of each customer, shape (k, n), where ages are too many for a table."""
    expected = np.empty((ahead.timing.k, len(at_x)))
    order = np.argsort(at_x, kind="stable")
    for some in _classes(x):
        rows = order[slice(*np.searchsorted(at_x, [some.start, some.stop], sorter=order))]
        nodes = log_age_nodes(float(log_age[rows].min()), float(log_age[rows].max()))
        values = ahead.renewals(x[some], log_age=nodes)
        for start in range(0, len(rows), _SLICE):
            few = rows[start : start + _SLICE]
            weights = node_weights(log_age[few], nodes=nodes)
            for j in range(len(values)):
                expected[j, few] = np.einsum("ij,ij->i", values[j, at_x[few] - some.start], weights)
    return expected


def _at_least(needed: npt.NDArray[np.intp], *, shape: Floats, z: Floats) -> Iterator[Floats]:
    """Yield P(stages ≥ needed) of negative binomials (shape, z) for ascending counts, each (n,)."""
    from scipy.special import betainc

    log_none = shape * np.log1p(-z)
    tiny = log_none < -600.0  # the chance of none is no number: no sum can start from it
    chance, i = np.exp(log_none), 0
    below = np.zeros_like(z)
    for count in needed.tolist():
        while i < count:
            below += chance
            chance = chance * (shape + i) / (i + 1) * z
            i += 1
        above = np.maximum(1 - below, 0.0)
        if tiny.any():
            above[tiny] = betainc(count, shape[tiny], z[tiny])
        yield above
