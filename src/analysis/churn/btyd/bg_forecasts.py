"""What the BG family expects: alive or not, purchases to come, their distribution, and draws.

Given a customer's past, with s = r + k·x, u = T - t_x, and m = 1 for MBG, 0 for BG:

* dropout chance p ~ Beta(a, b + x + m) if alive, independent of the rate;
* stages j = 0 … k-1 of the current gap already passed have weight s(s+1)…(s+j-1)/j! · (u/(α+T))^j;
* given j, the rate λ ~ Gamma(s + j, α + T), so the stages passed in (T, T+t] are negative binomial with shape
  s + j and z = t / (α + T + t). The n-th purchase needs k·n - j of them and n - 1 stays before it.

So for n ≥ 1, with P(stay n-1 times) = w_n = B(a, b+x+m+n-1) / B(a, b+x+m):

    P(Y ≥ n) = P(alive) · w_n · Σ_j weight_j · I_z(k·n - j, s + j)          I: regularised incomplete beta
    E[Y]     = P(alive) · Σ_j weight_j · Σ_i NB(i; s + j, z) · W(⌊(i+j)/k⌋)      W(n) = w_1 + … + w_n

All terms are positive and the sums are carried to rounding error: nothing here is an approximation, for any k.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.churn.btyd.bg_likelihood import Timing
from analysis.churn.btyd.customers import Customers

__all__ = ["Mixing", "draw_purchases", "expected_if_alive", "expected_when_new", "p_alive", "p_at_least_if_alive"]

Floats = npt.NDArray[np.float64]

_TAIL: Final = 1e-13  # of the negative binomial that is left out of a sum


class Mixing(NamedTuple):
    """The four parameters of the family: rates ~ Gamma(r, α), dropout chances ~ Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


def p_alive(customers: Customers, *, mixing: Mixing, timing: Timing) -> Floats:
    """Return P(alive at T), shape (n,)."""
    r, alpha, a, b = mixing
    x, t_x, age = customers.frequency, customers.recency, customers.T
    m = int(timing.drops_at_start)
    s = r + timing.k * x
    left = np.where(x + m > 0, np.log(a) - np.log(np.maximum(b + x + m - 1, 1e-300)), -np.inf)
    odds = left + s * np.log((alpha + age) / (alpha + t_x))
    odds -= np.log(_stage_weights(s, share=(age - t_x) / (alpha + age), k=timing.k).sum(axis=0))
    from scipy.special import expit

    return np.asarray(expit(-odds))


def expected_when_new(horizon: float, *, mixing: Mixing, timing: Timing) -> float:
    """Return the expected repeat purchases of a new customer in (0, horizon]."""
    r, alpha, a, b = mixing
    if horizon == 0:
        return 0.0
    first = b + int(timing.drops_at_start)
    z = np.array([horizon / (alpha + horizon)])
    return float(_renewals(r, z=z, a=a, b=first, k=timing.k)[0, 0])


def expected_if_alive(customers: Customers, *, horizon: float, mixing: Mixing, timing: Timing) -> Floats:
    """Return the expected purchases in (T, T + horizon] of customers who are alive at T, shape (n,)."""
    r, alpha, a, b = mixing
    k, m = timing.k, int(timing.drops_at_start)
    x, t_x, age = customers.frequency, customers.recency, customers.T
    by_stage = np.zeros((k, len(x)))
    if horizon > 0:
        ages, at_age = np.unique(age, return_inverse=True)
        order = np.argsort(x, kind="stable")
        starts = np.flatnonzero(np.diff(x[order], prepend=-1.0))
        for group in np.split(order, starts[1:]):
            frequency = float(x[group[0]])
            present, position = np.unique(at_age[group], return_inverse=True)
            z = horizon / (alpha + ages[present] + horizon)
            values = _renewals(r + k * frequency, z=z, a=a, b=b + frequency + m, k=k)
            by_stage[:, group] = values[:, position]
    weights = _stage_weights(r + k * x, share=(age - t_x) / (alpha + age), k=k)
    return np.asarray((weights * by_stage).sum(axis=0) / weights.sum(axis=0))


def p_at_least_if_alive(customers: Customers, *, most: int, horizon: float, mixing: Mixing, timing: Timing) -> Floats:
    """Return P(Y ≥ n | alive at T) for n = 1 … most, shape (n_customers, most)."""
    from scipy.special import betainc

    r, alpha, a, b = mixing
    k, m = timing.k, int(timing.drops_at_start)
    x, t_x, age = customers.frequency, customers.recency, customers.T
    s = r + k * x
    weights = _stage_weights(s, share=(age - t_x) / (alpha + age), k=k)
    weights /= weights.sum(axis=0)
    z = horizon / (alpha + age + horizon)
    stays = np.ones_like(x)
    chances = np.empty((len(x), most))
    for n in range(1, most + 1):
        reached = sum(weights[j] * betainc(k * n - j, s + j, z) for j in range(k))
        chances[:, n - 1] = stays * reached
        stays = stays * (b + x + m + n - 1) / (a + b + x + m + n - 1)
    return chances


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


def _renewals(s: float, *, z: Floats, a: float, b: float, k: int) -> Floats:
    """Return Σ_i NB(i; s + j, z) · W(⌊(i+j)/k⌋) for j = 0 … k-1, shape (k, len(z)).

    ``b`` counts the stays up to now: w_n = B(a, b+n-1) / B(a, b).
    """
    from scipy.special import gammaln
    from scipy.stats import nbinom

    last = int(nbinom.isf(_TAIL, s + k - 1, 1 - float(z.max()))) + k + 1
    i = np.arange(last)
    n = np.arange(1, (last + k) // k + 1)
    stays = np.exp(np.concatenate([[0.0], np.cumsum(np.log((b + n[:-1] - 1) / (a + b + n[:-1] - 1)))]))
    purchases = np.concatenate([[0.0], np.cumsum(stays)])
    values = np.empty((k, len(z)))
    for j in range(k):
        shape = s + j
        worth = purchases[(i + j) // k]
        log_pmf = gammaln(shape + i) - gammaln(shape) - gammaln(i + 1) + shape * np.log1p(-z)[:, None]
        log_pmf = log_pmf + i * np.log(z)[:, None]
        values[j] = np.exp(log_pmf) @ worth
    return values
