"""The log-likelihood of the Pareto/NBD model with its slope, without a hypergeometric function.

While alive a customer buys at a rate λ ~ Gamma(r, α) and leaves at a rate μ ~ Gamma(s, β). Integrating over both rates
leaves one integral over the time τ at which the customer left or would leave. By parts it becomes two integrals of
positive functions, one that depends on (x, t_x) only and one on (x, T) only:

    L = Γ(r+x) α^r β^s / Γ(r) · [ s · I(r+x, s+1; t_x) + (r+x) · I(r+x+1, s; T) ]
    I(p, q; t) = ∫_t^∞ (α+τ)^-p (β+τ)^-q dτ

Nothing is subtracted, so nothing is lost where α meets β, is far above or far below it. The slopes of ln I are
means of ln(α+τ), ln(β+τ), 1/(α+τ) and 1/(β+τ) under the same integrand: the same quadrature gives them exactly.

With α+τ = (α+t)·e^y and ρ = (α+t)/(β+t) the integrand is (α+t)^(1-p) (β+t)^-q times

    e^(-(p-1)y) · (1 + ρ(e^y - 1))^-q,        0 ≤ y < ∞

one factor by distinct x and one by distinct t. The double-exponential rule (y = δ·exp(w - e^-w), equal steps in w)
uses the same nodes for all of them, so all integrals of a shop are one matrix product.

References:
    Schmittlein, Morrison and Colombo (1987), Counting Your Customers, Management Science 33(1).
    Fader and Hardie (2005), A Note on Deriving the Pareto/NBD Model and Related Expressions, equations 15-18; the two
    integrals are the two hypergeometric functions of the equivalent form in their note.
    Takahasi and Mori (1974), Publications of RIMS 9(3) (double-exponential quadrature).
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.churn.btyd.bg_likelihood import Tables

__all__ = ["Pairs", "ParetoTables", "pair_up", "paretos", "tail_integrals", "value_and_slope"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

_BLOCK: Final = 512  # distinct times worked on at once: their nodes stay in the processor's cache
_LAVISH: Final = 8  # all combinations of x and t are computed if they are at most so many times the rows …
_MOST_CELLS: Final = 2_000_000  # … and no more than this
_DIGITS: Final = 13  # of the quadrature
_NEGLIGIBLE: Final = 37.0  # e^-37 of an integrand is not seen
_OVERFLOW: Final = 300.0  # e^300 is still a number, and 1 is nothing beside it


class Pairs(NamedTuple):
    """Distinct values of x and t, and a cell for each of their combinations, or for those that occur.

    Attributes:
        x: Distinct frequencies.
        t: Distinct times.
        at: Cell of each row.
        cell_x: Position of each cell's x; None if the cells are all combinations, as a matrix of x by t.
        cell_t: Position of each cell's t; None likewise.
    """

    x: Floats
    t: Floats
    at: Codes
    cell_x: Codes | None
    cell_t: Codes | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of arrays with one value per cell."""
        return (len(self.x), len(self.t)) if self.cell_x is None else self.cell_x.shape

    def of_x(self, values: Floats) -> Floats:
        """Return values by distinct x, ready to be combined with those of cells."""
        return values[:, None] if self.cell_x is None else values[self.cell_x]

    def of_t(self, values: Floats) -> Floats:
        """Return values by distinct t, ready to be combined with those of cells."""
        return values[None] if self.cell_t is None else values[self.cell_t]

    def sums(self, of_rows: Floats | None) -> Floats:
        """Return the sum over the rows of each cell; their number if None."""
        return np.bincount(self.at, of_rows, minlength=math.prod(self.shape)).reshape(self.shape).astype(float)


class ParetoTables(NamedTuple):
    """Distinct customers, arranged for the two integrals.

    Attributes:
        early: Combinations of x and t_x.
        late: Combinations of x and T.
        weight: Customers per row; None if one each.
        n_at_x: Customers per distinct frequency.
        n_at_late: Customers per cell of ``late``.
    """

    early: Pairs
    late: Pairs
    weight: Floats | None
    n_at_x: Floats
    n_at_late: Floats


def pair_up(x: Floats, t: Floats, *, at_x: Codes, at_t: Codes) -> Pairs:
    """Return the combinations of distinct x and t that rows have; values that no row has are left out."""
    (x, at_x), (t, at_t) = _present(x, at_x), _present(t, at_t)
    at = at_x * len(t) + at_t
    if len(x) * len(t) <= min(_LAVISH * len(at), _MOST_CELLS):
        return Pairs(x, t, at, None, None)
    cells, at = np.unique(at, return_inverse=True)
    return Pairs(x, t, at.astype(np.intp, copy=False), *np.divmod(cells, len(t)))


def paretos(tables: Tables) -> ParetoTables:
    """Return the tables of ``tabulate``, arranged for the two integrals."""
    early = pair_up(tables.x, tables.t_x, at_x=tables.at_x, at_t=tables.at_t_x)
    late = pair_up(tables.x, tables.age, at_x=tables.at_x, at_t=tables.at_age)
    n_at_x = tables.n_at_x[np.isin(tables.x, late.x)]
    return ParetoTables(early, late, tables.weight, n_at_x, late.sums(tables.weight))


def value_and_slope(parameters: Floats, *, tables: ParetoTables) -> tuple[float, Floats]:
    """Return the sum over customers of ln L, and its slope in (r, α, s, β), shape (4,)."""
    from scipy.special import digamma, gammaln

    r, alpha, s, beta = (float(value) for value in parameters)
    first, last, x, n = tables.early, tables.late, tables.late.x, tables.n_at_x
    early = tail_integrals(first, p=r + x, q=s + 1, alpha=alpha, beta=beta)
    late = tail_integrals(last, p=r + x + 1, q=s, alpha=alpha, beta=beta)
    log_early, log_late = early[0] + math.log(s), late[0] + last.of_x(np.log(r + x))

    odds = log_early.ravel()[first.at] - log_late.ravel()[last.at]
    small = np.exp(-np.abs(odds))
    either = np.log(1 + small) + np.maximum(odds, 0.0)
    share = 0.5 + np.copysign(1 / (1 + small) - 0.5, odds)  # the logistic function of the log-odds
    if tables.weight is not None:
        either *= tables.weight
        share *= tables.weight
    at_early = first.sums(share)
    at_late = tables.n_at_late - last.sums(share)

    value = n @ (gammaln(r + x) - gammaln(r)) + n.sum() * (r * math.log(alpha) + s * math.log(beta))
    value += np.vdot(tables.n_at_late, log_late) + either.sum()
    by_r, by_alpha, by_s, by_beta = (np.vdot(early[i], at_early) + np.vdot(late[i], at_late) for i in range(1, 5))
    by_r += n @ (digamma(r + x) - digamma(r)) + n.sum() * math.log(alpha) + (at_late * last.of_x(1 / (r + x))).sum()
    by_alpha += n.sum() * r / alpha
    by_s += n.sum() * math.log(beta) + at_early.sum() / s
    by_beta += n.sum() * s / beta
    return float(value), np.array([by_r, by_alpha, by_s, by_beta])


def tail_integrals(pairs: Pairs, *, p: Floats, q: float, alpha: float, beta: float, slopes: bool = True) -> Floats:
    """Return ln I(p, q; t) of every cell, and its slopes in (p, α, q, β) after it.

    Args:
        pairs: The cells; ``p`` has one value per distinct x of them.
        p: Power of α+τ, above 0.
        q: Power of β+τ; p + q must be above 1.
        alpha: Above 0.
        beta: Above 0.
        slopes: Whether slopes are wanted.

    Returns:
        Shape (5, *pairs.shape), or (1, *pairs.shape) without slopes.
    """
    ratio = (alpha + pairs.t) / (beta + pairs.t)
    y, weight = _nodes(p, q=q, ratio=ratio)
    out = np.empty((5 if slopes else 1, *pairs.shape))
    for start in range(0, pairs.shape[-1], _BLOCK):
        block = slice(start, start + _BLOCK)
        if pairs.cell_x is None:
            _fill_matrix(out[..., block], p, q=q, ratio=ratio[block], y=y, weight=weight)
        else:
            _fill_list(out[:, block], pairs.of_x(p)[block], q=q, ratio=pairs.of_t(ratio)[block], y=y, weight=weight)
    power, older_alpha, older_beta = pairs.of_x(p), alpha + pairs.t, beta + pairs.t
    log_alpha, log_beta = pairs.of_t(np.log(older_alpha)), pairs.of_t(np.log(older_beta))
    if slopes:
        out[1:] /= out[0]
        out[1] = -(log_alpha + out[1])
        out[2] *= -power * pairs.of_t(1 / older_alpha)
        out[3] = -(log_beta + out[3])
        out[4] *= -q * pairs.of_t(1 / older_beta)
    out[0] = np.log(out[0]) + (1 - power) * log_alpha - q * log_beta
    return out


def _nodes(p: Floats, *, q: float, ratio: Floats) -> tuple[Floats, Floats]:
    """Return nodes y and weights that serve every cell to 12 digits, shapes (m,).

    The step follows from the strip in which the integrand is smooth: for ratios below 1 it has a pole at imaginary
    part π above ln(1/ratio - 1).
    """
    lowest, highest = float(ratio.min()), float(ratio.max())
    fastest = 1 + max(float(p.max()) - 1, 0.0) + q * highest
    slowest = float(p.min()) - 1 + q
    reach = _NEGLIGIBLE / slowest + max(0.0, -math.log(lowest))
    strip = 1.0 if lowest >= 1 else min(1.0, 0.6 * math.atan2(math.pi, math.log(1 / lowest - 1)))
    step = 2 * math.pi * strip / (_DIGITS * math.log(10))
    w = np.arange(-math.log(_NEGLIGIBLE), math.log(reach * fastest) + 0.1 + step, step)
    y = np.exp(w - np.exp(-w)) / fastest
    return y, step * y * (1 + np.exp(-w))


def _fill_matrix(out: Floats, p: Floats, *, q: float, ratio: Floats, y: Floats, weight: Floats) -> None:
    """Write the integrals over y for all combinations, and those with y, e^-y, ln(…) and 1/(…) as a factor."""
    lift = min(float(p.min()) - 1, 0.0)  # a growing first factor is kept with the second one
    first = np.exp(-np.outer(p - 1 - lift, y)) * weight
    later, log_later = _later(ratio, y)
    second = np.exp(-lift * y - q * log_later).T
    np.matmul(first, second, out=out[0])
    if len(out) > 1:
        np.matmul(first * y, second, out=out[1])
        np.matmul(first * np.exp(-y), second, out=out[2])
        np.matmul(first, log_later.T * second, out=out[3])
        np.matmul(first, second / later.T, out=out[4])


def _fill_list(out: Floats, p: Floats, *, q: float, ratio: Floats, y: Floats, weight: Floats) -> None:
    """Write the same for pairs of p and ratio."""
    later, log_later = _later(ratio, y)
    both = np.exp(-np.outer(p - 1, y) - q * log_later)
    if len(out) == 1:
        out[0] = both @ weight
        return
    out[:3] = (both @ np.column_stack([weight, weight * y, weight * np.exp(-y)])).T
    out[3] = (both * log_later) @ weight
    out[4] = (both / later) @ weight


def _later(ratio: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return (β+τ)/(β+t) at the nodes and its logarithm, shapes (n, m)."""
    later = 1 + np.outer(ratio, np.expm1(np.minimum(y, _OVERFLOW)))
    return later, np.log(later) + np.maximum(y - _OVERFLOW, 0.0)


def _present(values: Floats, at: Codes) -> tuple[Floats, Codes]:
    present = np.bincount(at, minlength=len(values)) > 0
    if present.all():
        return values, at
    return values[present], (np.cumsum(present) - 1)[at]
