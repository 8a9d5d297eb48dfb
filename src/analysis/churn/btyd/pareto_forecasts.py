"""What the Pareto/NBD model expects: alive or not, purchases to come, their distribution, and draws.

Given a customer's past and that they are alive at T, the rate λ ~ Gamma(r+x, α+T) and the dropout rate
μ ~ Gamma(s, β+T) are independent. So the time still to live has survival ((β+T)/(β+T+w))^s, and purchases until
T+w are negative binomial with shape r+x and scale α+T:

    P(alive)     = (α+T)^-(r+x) (β+T)^-s / [bracket of the likelihood]
    E[Y | alive] = (r+x)/(α+T) · ∫_0^h ((β+T)/(β+T+w))^s dw
    P(Y = y | alive) = NB(y; h) · survival(h) + ∫_0^h NB(y; w) · density(w) dw

References:
    Fader and Hardie (2005), A Note on Deriving the Pareto/NBD Model and Related Expressions.
    Fader and Hardie (2014), Deriving the Conditional PMF of the Pareto/NBD Model.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.churn.btyd.customers import Customers
from analysis.churn.btyd.distinct import distinct
from analysis.churn.btyd.fitting import one_thread
from analysis.churn.btyd.pareto_likelihood import pair_up, tail_integrals

__all__ = ["Rates", "draw_purchases", "expected_purchases", "expected_time_alive", "p_alive", "p_counts", "simulate"]

Floats = npt.NDArray[np.float64]

_BLOCK: Final = 1024  # customers whose nodes are worked on at once
_FEWEST_NODES: Final = 40
_MOST_NODES: Final = 600


class Rates(NamedTuple):
    """The four parameters: purchase rates ~ Gamma(r, α), dropout rates ~ Gamma(s, β)."""

    r: float
    alpha: float
    s: float
    beta: float


def expected_time_alive(horizon: npt.ArrayLike, *, s: float, beta: npt.ArrayLike) -> Floats:
    """Return the expected part of (0, horizon] that is lived, with dropout rates ~ Gamma(s, β)."""
    scale = np.asarray(beta, dtype=float)
    longer = np.log1p(np.asarray(horizon, dtype=float) / scale)
    return np.asarray(scale * (longer if s == 1 else -np.expm1(-(s - 1) * longer) / (s - 1)))


def p_alive(customers: Customers, *, rates: Rates) -> Floats:
    """Return P(alive at T), shape (n,)."""
    return _alive_and_expected(customers, rates=rates, horizon=0.0)[0]


def expected_purchases(customers: Customers, *, rates: Rates, horizon: float) -> Floats:
    """Return the expected purchases in (T, T + horizon], shape (n,)."""
    return _alive_and_expected(customers, rates=rates, horizon=horizon)[1]


def p_counts(customers: Customers, *, rates: Rates, horizon: float, most: int) -> Floats:
    """Return P(Y = 0), …, P(Y = most - 1), P(Y ≥ most) of purchases in (T, T + horizon], shape (n, most + 1)."""
    x, at_x = distinct(customers.frequency)
    age, at_age = distinct(customers.T)
    cells, at = np.unique(at_x * len(age) + at_age, return_inverse=True)
    at_x, at_age = np.divmod(cells, len(age))
    if_alive = np.empty((len(cells), most))
    for start in range(0, len(cells), _BLOCK):
        block = slice(start, start + _BLOCK)
        if_alive[block] = _counts_if_alive(
            rates.r + x[at_x[block]], age=age[at_age[block]], rates=rates, horizon=horizon, most=most
        )
    alive = p_alive(customers, rates=rates)[:, None]
    chances = np.empty((len(at), most + 1))
    chances[:, :-1] = alive * if_alive[at]
    chances[:, :1] += 1 - alive
    chances[:, -1] = np.maximum(1 - chances[:, :-1].sum(axis=1), 0.0)
    return chances


def draw_purchases(
    customers: Customers, *, rates: Rates, horizon: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return one draw per customer of the purchases in (T, T + horizon], shape (n,)."""
    n = len(customers.T)
    alive = rng.random(n) < p_alive(customers, rates=rates)
    rate = rng.gamma(rates.r + customers.frequency) / (rates.alpha + customers.T)
    dropout = np.maximum(rng.gamma(rates.s, size=n), 1e-300) / (rates.beta + customers.T)
    lived = np.minimum(rng.exponential(size=n) / dropout, horizon)
    return np.where(alive, rng.poisson(rate * lived), 0).astype(np.int64)


def simulate(age: Floats, *, rates: Rates, rng: np.random.Generator) -> Customers:
    """Return customers of given age with rates, lives and purchases drawn anew."""
    n = len(age)
    rate = rng.gamma(rates.r, size=n) / rates.alpha
    dropout = np.maximum(rng.gamma(rates.s, size=n), 1e-300) / rates.beta
    lived = np.minimum(rng.exponential(size=n) / dropout, age)
    frequency = rng.poisson(rate * lived).astype(float)
    last = rng.random(n) ** (1 / np.maximum(frequency, 1))  # the largest of x uniform times
    return Customers(frequency, np.where(frequency > 0, lived * last, 0.0), age)


def _alive_and_expected(customers: Customers, *, rates: Rates, horizon: float) -> tuple[Floats, Floats]:
    r, alpha, s, beta = rates
    x, at_x = distinct(customers.frequency)
    t_x, at_t_x = distinct(customers.recency)
    age, at_age = distinct(customers.T)
    early = pair_up(x, t_x, at_x=at_x, at_t=at_t_x)
    late = pair_up(x, age, at_x=at_x, at_t=at_age)
    shapes = r + late.x
    with one_thread():
        log_early = tail_integrals(early, p=shapes, q=s + 1, alpha=alpha, beta=beta, slopes=False)[0] + np.log(s)
        log_late = tail_integrals(late, p=shapes + 1, q=s, alpha=alpha, beta=beta, slopes=False)[0]

    shape = late.of_x(shapes)
    log_alive = -shape * late.of_t(np.log(alpha + late.t)) - s * late.of_t(np.log(beta + late.t))
    by_then = shape * np.exp(log_late - log_alive)
    with np.errstate(over="ignore"):
        odds = by_then.ravel()[late.at] + np.exp(log_early.ravel()[early.at] - log_alive.ravel()[late.at])
    alive = np.minimum(1 / odds, 1.0)
    if_alive = shape * late.of_t(expected_time_alive(horizon, s=s, beta=beta + late.t) / (alpha + late.t))
    return alive, alive * if_alive.ravel()[late.at]


def _counts_if_alive(shape: Floats, *, age: Floats, rates: Rates, horizon: float, most: int) -> Floats:
    """Return P(Y = 0 … most - 1 | alive at T), shape (n, most), for customers with a rate ~ Gamma(shape, α + T).

    The time w at which a customer leaves is measured as v = ln(1 + w/(α+T)): then (α+T)/(α+T+w) = e^-v.
    """
    scale = rates.alpha + age
    ratio = scale / (rates.beta + age)
    reach = np.log1p(horizon / scale)
    sharpest = (reach * (shape * (1 + reach) + (rates.s + 1) * ratio)).max()
    n_nodes = min(_FEWEST_NODES + int(5 * np.sqrt(sharpest)), _MOST_NODES)
    at, weight = np.polynomial.legendre.leggauss(n_nodes)
    v = np.outer(reach, (1 + at) / 2)
    term = rates.s * np.outer(reach * ratio, weight / 2)
    term *= np.exp((1 - shape)[:, None] * v - (rates.s + 1) * np.log1p(ratio[:, None] * np.expm1(v)))
    bought = -np.expm1(-v)
    to_the_end = np.exp(-shape * reach - rates.s * np.log1p(ratio * np.expm1(reach)))
    bought_at_end = -np.expm1(-reach)
    chances = np.empty((len(shape), most))
    for y in range(most):
        chances[:, y] = term.sum(axis=1) + to_the_end
        more = (shape + y) / (y + 1)
        term *= bought * more[:, None]
        to_the_end = to_the_end * bought_at_end * more
    return chances
