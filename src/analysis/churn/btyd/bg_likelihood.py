"""The log-likelihood of the BG family with its slope, fast on millions of customers.

BG/NBD, MBG/NBD, BG/CNBD-k and MBG/CNBD-k are one likelihood with two switches: ``k``, the stages of a gap between
purchases (Erlang-k; 1 is exponential), and whether a customer may drop out right after the first purchase (MBG) or
only after a repeat (BG). With s = r + k·x, u = T - t_x and m = 1 for MBG, 0 for BG:

    ln L = (k-1)·Σ ln(gap) - x·ln Γ(k)
         + ln Γ(s) - ln Γ(r) + r·ln α + ln B(a, b+x+m) - ln B(a, b)
         + ln[ (α+T)^-s · S  +  (x+m > 0) · a/(b+x+m-1) · (α+t_x)^-s ]

    S = Σ_{j<k} s(s+1)…(s+j-1)/j! · (u/(α+T))^j

The first term in the brackets is a customer who is alive and waits, the second one who left at t_x.

What makes it quick: gamma functions depend on x only and logarithms of T and t_x on few distinct days, so they are
computed once per distinct value; customers alike are one row with a weight; the rest runs through the cache in slices.

References:
    Fader, Hardie and Lee (2005), Marketing Science 24(2), equation 6 (BG/NBD).
    Batislam, Denizel and Filiztekin (2007), International Journal of Research in Marketing 24(3) (MBG/NBD).
    Platzer (2008), Stochastic models of noncontractual consumer relationships (CBG/CNBD-k); Reutterer, Platzer and
    Schröder (2021), International Journal of Research in Marketing 38(1) ((M)BG/CNBD-k).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.churn.btyd.customers import Customers
from analysis.churn.btyd.distinct import distinct

__all__ = ["Tables", "Timing", "tabulate", "thinned", "value_and_slope"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

_SLICE: Final = 8192  # rows whose working arrays stay in the processor's cache


class Timing(NamedTuple):
    """The two switches of the family.

    Attributes:
        k: Stages of a gap between purchases: 1 is exponential, larger is more regular.
        drops_at_start: Whether customers may leave right after their first purchase (MBG).
    """

    k: int
    drops_at_start: bool


class Tables(NamedTuple):
    """Distinct customers in the order of (x, T, t_x), as positions in lists of distinct values.

    Attributes:
        x: Distinct frequencies, float.
        age: Distinct ages.
        t_x: Distinct recencies.
        at_x: Position of each row's frequency; the other positions alike.
        weight: Customers per row, float; None if one each.
        n_at_x: Customers per distinct frequency.
        n_at_age: Customers per distinct age.
        x_at_age: Sum of frequencies per distinct age.
        sum_log_gaps: Over all customers; 0 if unknown.
    """

    x: Floats
    age: Floats
    t_x: Floats
    at_x: Codes
    at_age: Codes
    at_t_x: Codes
    weight: Floats | None
    n_at_x: Floats
    n_at_age: Floats
    x_at_age: Floats
    sum_log_gaps: float


def tabulate(customers: Customers, *, weights: Floats | None = None) -> Tables:
    """Return the tables of checked customers."""
    x, at_x = distinct(customers.frequency)
    age, at_age = distinct(customers.T)
    t_x, at_t_x = distinct(customers.recency)
    gaps = customers.sum_log_gaps
    total = 0.0 if gaps is None else float(gaps.sum() if weights is None else gaps @ weights)
    if len(x) * len(age) * len(t_x) < 2**62:
        key = (at_x * len(age) + at_age) * len(t_x) + at_t_x
        key, weights = _counted(key, weights)
        rest, at_t_x = np.divmod(key, len(t_x))
        at_x, at_age = np.divmod(rest, len(age))
    return _tables((x, age, t_x), (at_x, at_age, at_t_x), weight=weights, sum_log_gaps=total)


def thinned(tables: Tables, *, rows: int) -> Tables:
    """Return about ``rows`` of the rows, evenly over the order of (x, T, t_x), with their weights."""
    step = max(len(tables.at_x) // rows, 1)
    some = slice(step // 2, None, step)
    at = (tables.at_x[some], tables.at_age[some], tables.at_t_x[some])
    weight = None if tables.weight is None else tables.weight[some]
    return _tables((tables.x, tables.age, tables.t_x), at, weight=weight, sum_log_gaps=0.0)


def value_and_slope(parameters: Floats, *, tables: Tables, timing: Timing) -> tuple[float, Floats]:
    """Return the sum over customers of ln L, and its slope in (r, α, a, b), shape (4,)."""
    from scipy.special import digamma, gammaln

    r, alpha, a, b = (float(value) for value in parameters)
    k, m = timing.k, int(timing.drops_at_start)
    x, n = tables.x, tables.n_at_x
    s, seen = r + k * x, b + x + m
    shared = gammaln(s) - gammaln(r) + r * np.log(alpha) - x * gammaln(k)
    shared += gammaln(a + b) - gammaln(a + seen) + gammaln(seen) - gammaln(b)
    older = alpha + tables.age
    waits = k * tables.x_at_age + r * tables.n_at_age  # s over the rows of one age
    value = float(n @ shared - waits @ np.log(older)) + (k - 1) * tables.sum_log_gaps

    with np.errstate(divide="ignore"):
        left_rate = np.where(x + m > 0, a / np.maximum(seen - 1, 1e-300), 0.0)
        either = _alive_or_left(tables, s=s, log_left=np.log(left_rate), alpha=alpha, k=k)
    value += either.value
    by_r = float(n @ (digamma(s) - digamma(r) + np.log(alpha)) - tables.n_at_age @ np.log(older)) + either.by_s
    by_alpha = float(n.sum() * r / alpha - waits @ (1 / older)) + either.by_alpha
    both = n @ (digamma(a + b) - digamma(a + seen))
    by_a = float(both + either.left.sum() / a)
    gone = np.where(x + m > 0, either.left / np.maximum(seen - 1, 1e-300), 0.0)
    by_b = float(both + n @ (digamma(seen) - digamma(b)) - gone.sum())
    return value, np.array([by_r, by_alpha, by_a, by_b])


class _Either(NamedTuple):
    """Sums over rows of ln[S + odds of having left], and of its slopes."""

    value: float
    by_s: float
    by_alpha: float
    left: Floats  # customers who left, by distinct x (expected, given their purchases)


def _alive_or_left(tables: Tables, *, s: Floats, log_left: Floats, alpha: float, k: int) -> _Either:
    log_age, log_t_x = np.log(alpha + tables.age), np.log(alpha + tables.t_x)
    per_age, per_t_x = 1 / (alpha + tables.age), 1 / (alpha + tables.t_x)
    value = by_s = by_alpha = 0.0
    left = np.zeros(len(s))
    for start in range(0, len(tables.at_x), _SLICE):
        rows = slice(start, start + _SLICE)
        at_x, at_age, at_t_x = tables.at_x[rows], tables.at_age[rows], tables.at_t_x[rows]
        weight = None if tables.weight is None else tables.weight[rows]
        stage, older, earlier = s[at_x], per_age[at_age], per_t_x[at_t_x]
        longer = log_age[at_age] - log_t_x[at_t_x]
        odds = stage * longer + log_left[at_x]
        if k > 1:
            waited = _waiting(stage, share=(tables.age[at_age] - tables.t_x[at_t_x]) * older, k=k)
            odds -= waited.log
        small = np.exp(-np.abs(odds))
        log_either = np.log(1 + small) + np.maximum(odds, 0.0)
        gone = 0.5 + np.copysign(1 / (1 + small) - 0.5, odds)  # the logistic function of the log-odds
        if weight is not None:
            gone *= weight
        left += np.bincount(at_x, gone, minlength=len(s))
        by_s += float(gone @ longer)
        stage *= gone
        by_alpha += float(stage @ older - stage @ earlier)
        if k > 1:
            log_either += waited.log
            alive = (1.0 if weight is None else weight) - gone
            by_s += float(alive @ waited.by_s)
            by_alpha -= float((alive * waited.by_log_share) @ older)
        value += float(log_either.sum() if weight is None else log_either @ weight)
    return _Either(value, by_s, by_alpha, left)


class _Waiting(NamedTuple):
    """ln S of rows with its slopes: the chance to wait for the next of k stages, relative to k = 1."""

    log: Floats
    by_s: Floats
    by_log_share: Floats


def _waiting(stage: Floats, *, share: Floats, k: int) -> _Waiting:
    term, total = np.ones_like(stage), np.ones_like(stage)
    term_by_s, total_by_s, total_by_share = np.zeros_like(stage), np.zeros_like(stage), np.zeros_like(stage)
    for j in range(1, k):
        grown = share / j
        term_by_s = (term_by_s * (stage + j - 1) + term) * grown
        term = term * (stage + j - 1) * grown
        total += term
        total_by_s += term_by_s
        total_by_share += j * term
    return _Waiting(np.log(total), total_by_s / total, total_by_share / total)


def _counted(key: Codes, weights: Floats | None) -> tuple[Codes, Floats | None]:
    """Return ascending distinct keys and the weight of each."""
    if weights is not None:
        distinct, position = np.unique(key, return_inverse=True)
        return distinct, np.bincount(position, weights).astype(float)
    key = np.sort(key)
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    if len(first) == len(key):
        return key, None
    return key[first], np.diff(np.append(first, len(key))).astype(float)


def _tables(
    values: tuple[Floats, Floats, Floats], at: tuple[Codes, Codes, Codes], *, weight: Floats | None, sum_log_gaps: float
) -> Tables:
    (x, age, t_x), (at_x, at_age, at_t_x) = values, at
    n_at_x = np.bincount(at_x, weight, minlength=len(x)).astype(float)
    n_at_age = np.bincount(at_age, weight, minlength=len(age)).astype(float)
    times = x[at_x] if weight is None else x[at_x] * weight
    x_at_age = np.bincount(at_age, times, minlength=len(age)).astype(float)
    return Tables(x, age, t_x, at_x, at_age, at_t_x, weight, n_at_x, n_at_age, x_at_age, sum_log_gaps)
