"""Which assumption a result hangs on, and which value of it would turn the decision: from the draws alone.

A sparse polynomial of the effect sizes is fitted to the simulated result, draw by draw. Its coefficients give the
share of the variance that each effect causes alone (first order) and in company (total), and where the expected
result crosses zero as one effect varies and all others keep their prior.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

__all__ = ["Indices", "Surrogate", "fit_surrogate", "flip_point", "main_effect", "sobol_indices", "uniform_ranks"]

Floats = npt.NDArray[np.float64]
Term = tuple[tuple[int, int], ...]

_MOST_TERMS: Final = 60
_COMPANIONS: Final = 8  # inputs whose products are tried: those that matter most alone
_SPAN: Final = 0.2  # half the width of the draws that a line is laid through
_GRID: Final = np.linspace(0.025, 0.975, 96)  # within the prior's 95 % range
_HALVES: Final = 40


class Surrogate(NamedTuple):
    """A polynomial of inputs that were made uniform on 0-1.

    Attributes:
        mean: Its mean.
        terms: Each term's inputs with the degrees of their polynomials.
        coefficients: One per term; the square of one is that term's variance.
        explained: Share of the output's variance that it foretells for a draw it has not seen, 0-1.
        basis: Which polynomials: ``legendre`` of the uniform inputs, or ``hermite`` of their normal scores; both are
            orthonormal. The second follow what grows with an input of a long tail.
    """

    mean: float
    terms: tuple[Term, ...]
    coefficients: Floats
    explained: float
    basis: str


class Indices(NamedTuple):
    """Shares of variance by input, each (inputs,), with the ends of their intervals."""

    first: Floats
    first_ci_lower: Floats
    first_ci_upper: Floats
    total: Floats
    total_ci_lower: Floats
    total_ci_upper: Floats


def uniform_ranks(values: Floats) -> Floats:
    """Return each column's ranks on 0-1: inputs of any distribution made uniform.

    Examples:
        >>> uniform_ranks(np.array([[5.0], [1.0], [9.0], [7.0]]))[:, 0].tolist()
        [0.375, 0.125, 0.875, 0.625]
    """
    order = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray((order + 0.5) / len(values))


def fit_surrogate(
    uniform: Floats, output: Floats, *, degree: int = 3, product_degree: int = 2, basis: str | None = None
) -> Surrogate:
    """Fit a sparse polynomial: terms enter one by one, as many as foretell draws left out best.

    Args:
        uniform: Inputs on 0-1, (draws, inputs).
        output: Result of each draw.
        degree: Highest degree of one input.
        product_degree: Highest degree of a product of two inputs; tried between the inputs that matter most alone.
        basis: As in ``Surrogate``; None takes the one that foretells draws left out better.

    Raises:
        AnalysisError: If there are fewer than ten draws.

    References:
        Blatman, G. and Sudret, B. (2011), Adaptive sparse polynomial chaos expansion based on least angle regression,
        Journal of Computational Physics 230: leave-one-out error with its correction; orthogonal matching pursuit
        stands in for least angles here. Xiu, D. and Karniadakis, G. (2002), SIAM Journal on Scientific Computing 24:
        polynomials that fit the inputs' distributions converge fastest.
    """
    if len(output) < 10:
        raise AnalysisError(f"A surrogate needs at least 10 draws, got {len(output)}.")
    if basis is None:
        tried = [
            fit_surrogate(uniform, output, degree=degree, product_degree=product_degree, basis=name) for name in _BASES
        ]
        return max(tried, key=lambda found: found.explained)
    values = _BASES[basis](uniform, max(degree, product_degree))
    alone: list[Term] = [((i, k),) for i in range(uniform.shape[1]) for k in range(1, degree + 1)]
    found = _pursued(values, alone, output, basis=basis)
    weight = np.zeros(uniform.shape[1])
    for term, coefficient in zip(found.terms, found.coefficients, strict=True):
        weight[term[0][0]] += coefficient**2
    matter = sorted(int(i) for i in np.argsort(-weight, kind="stable")[:_COMPANIONS])
    products: list[Term] = [
        ((i, a), (j, b))
        for place, i in enumerate(matter)
        for j in matter[place + 1 :]
        for a in range(1, product_degree)
        for b in range(1, product_degree + 1 - a)
    ]
    return _pursued(values, [*alone, *products], output, basis=basis) if products else found


def sobol_indices(
    uniform: Floats,
    output: Floats,
    *,
    luck: float = 0.0,
    z: float = 1.2816,
    seed: int = 0,
    degree: int = 3,
    product_degree: int = 2,
) -> Indices:
    """Return first-order and total indices of each input, with intervals from halves of the draws.

    First order: the share of the variance of the expected result that goes if that input were known. Total: the share
    that stays if all others were known. The variance is that of the polynomial and what it misses beyond luck.

    Args:
        uniform: Inputs on 0-1, (draws, inputs).
        output: Result of each draw.
        luck: Variance of the output that luck alone causes.
        z: Half width of the intervals in standard errors; 1.2816 for 80 %.
        seed: Which halves are drawn; each is fitted anew, its terms chosen anew.
        degree: As in ``fit_surrogate``.
        product_degree: As in ``fit_surrogate``.

    Raises:
        AnalysisError: If there are fewer than twenty draws.

    References:
        Sobol', I. (1993), Mathematical Modelling and Computational Experiment 1; from the coefficients: Sudret, B.
        (2008), Reliability Engineering & System Safety 93; standard errors: the delete-half jackknife of Shao, J. and
        Wu, C. (1989), Annals of Statistics 17.
    """
    if len(output) < 20:
        raise AnalysisError(f"Indices need at least 20 draws, got {len(output)}.")
    whole = fit_surrogate(uniform, output, degree=degree, product_degree=product_degree)
    point = _shares(whole, output, luck=luck, inputs=uniform.shape[1])
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(_HALVES):
        half = rng.permutation(len(output))[: len(output) // 2]
        fitted = fit_surrogate(
            uniform[half], output[half], degree=degree, product_degree=product_degree, basis=whole.basis
        )
        drawn.append(_shares(fitted, output[half], luck=luck, inputs=uniform.shape[1]))
    error = z * np.std(drawn, axis=0, ddof=1)
    lower, upper = np.clip(point - error, 0, 1), np.clip(point + error, 0, 1)
    return Indices(point[0], lower[0], upper[0], point[1], lower[1], upper[1])


def main_effect(surrogate: Surrogate, uniform: Floats, output: Floats, *, which: int, at: Floats) -> Floats:
    """Return the expected result where one input is at given places (0-1) and all others keep their distribution.

    What the polynomial says of all other inputs is taken off each draw; the rest is followed by straight lines through
    the draws nearby, so that a steep end of a prior bends the curve where it bends.

    References:
        Cleveland, W. (1979), Journal of the American Statistical Association 74: local regression; on partial
        residuals: Larsen, W. and McCleary, S. (1972), Technometrics 14.
    """
    others = [place for place, term in enumerate(surrogate.terms) if term != ((which, term[0][1]),)]
    terms = [surrogate.terms[place] for place in others]
    values = _BASES[surrogate.basis](uniform, max([k for term in terms for _, k in term], default=1))
    partial = output - _design(values, terms) @ surrogate.coefficients[others]
    place = uniform[:, which]
    found = np.empty(len(at))
    for i, here in enumerate(at):
        away = place - here
        reach = max(_SPAN, float(np.partition(np.abs(away), min(9, len(away) - 1))[min(9, len(away) - 1)]))
        weight = np.clip(1 - np.abs(away / reach) ** 3, 0, None) ** 3
        m0, m1, m2 = weight.sum(), weight @ away, weight @ away**2
        t0, t1 = weight @ partial, (weight * away) @ partial
        found[i] = (m2 * t0 - m1 * t1) / max(m0 * m2 - m1 * m1, 1e-12)
    return found


def flip_point(surrogate: Surrogate, uniform: Floats, output: Floats, *, which: int) -> float | None:
    """Return the place (0-1) nearest to the middle at which the expected result crosses zero; None within 95 %."""
    effect = main_effect(surrogate, uniform, output, which=which, at=_GRID)
    crossings = np.flatnonzero(np.signbit(effect[1:]) != np.signbit(effect[:-1]))
    if not len(crossings):
        return None
    places = [float(_GRID[c] + (_GRID[c + 1] - _GRID[c]) * effect[c] / (effect[c] - effect[c + 1])) for c in crossings]
    return min(places, key=lambda place: abs(place - 0.5))


def _legendre(uniform: Floats, degree: int) -> Floats:
    """Return the Legendre polynomials, orthonormal on 0-1, (draws, inputs, degree + 1)."""
    values = np.polynomial.legendre.legvander(2 * uniform - 1, degree)
    return np.asarray(values * np.sqrt(2 * np.arange(degree + 1) + 1))


def _hermite(uniform: Floats, degree: int) -> Floats:
    """Return the Hermite polynomials of the inputs' normal scores, orthonormal, (draws, inputs, degree + 1)."""
    from scipy.special import factorial, ndtri

    values = np.polynomial.hermite_e.hermevander(ndtri(uniform), degree)
    return np.asarray(values / np.sqrt(factorial(np.arange(degree + 1))))


_BASES: Final[dict[str, Callable[[Floats, int], Floats]]] = {"legendre": _legendre, "hermite": _hermite}


def _design(values: Floats, terms: list[Term]) -> Floats:
    columns = [np.prod([values[:, i, k] for i, k in term], axis=0) for term in terms]
    return np.column_stack(columns) if columns else np.zeros((len(values), 0))


def _pursued(values: Floats, candidates: list[Term], output: Floats, *, basis: str) -> Surrogate:
    """Return the terms that enter one by one, cut where the error of draws left out is lowest."""
    n = len(output)
    design = _design(values, candidates)
    spread = float(((output - output.mean()) ** 2).mean())
    if spread == 0 or not candidates:
        return Surrogate(float(output.mean()), (), np.zeros(0), 0.0, basis)
    spanned = np.full((n, 1), 1 / np.sqrt(n))
    residual = output - output.mean()
    chosen: list[int] = []
    best, best_error = 0, float((residual**2).mean() * (n / (n - 1)) ** 2)
    norms = np.linalg.norm(design - design.mean(axis=0), axis=0)
    for _ in range(min(_MOST_TERMS, len(candidates), n // 3)):
        score = np.abs(residual @ design) / np.maximum(norms, 1e-12)
        score[chosen] = -1.0
        pick = int(score.argmax())
        column = design[:, pick] - spanned @ (spanned.T @ design[:, pick])
        column -= spanned @ (spanned.T @ column)
        length = float(np.linalg.norm(column))
        if length < 1e-8 * norms[pick]:
            break
        spanned = np.column_stack([spanned, column / length])
        chosen.append(pick)
        residual = residual - spanned[:, -1] * (spanned[:, -1] @ residual)
        left_out = residual / np.maximum(1 - (spanned**2).sum(axis=1), 1e-6)
        used = spanned.shape[1]
        error = float((left_out**2).mean()) * _correction(used, n)
        if error < best_error:
            best, best_error = len(chosen), error
    kept = chosen[:best]
    full = np.column_stack([np.ones(n), design[:, kept]])
    solved = np.linalg.lstsq(full, output, rcond=None)[0]
    explained = min(max(1 - best_error / spread, 0.0), 1.0)
    return Surrogate(float(solved[0]), tuple(candidates[c] for c in kept), np.asarray(solved[1:]), explained, basis)


def _correction(used: int, n: int) -> float:
    """Return by how much a leave-one-out error is raised for the terms that were chosen on the same draws."""
    return n / (n - used) * (1 + used / n) if n > used else np.inf


def _shares(surrogate: Surrogate, output: Floats, *, luck: float, inputs: int) -> Floats:
    """Return (first, total) shares, (2, inputs), of the terms' variance and what they miss beyond luck."""
    parts = surrogate.coefficients**2
    missed = max((1 - surrogate.explained) * float(output.var()) - luck, 0.0)
    whole = max(float(parts.sum()) + missed, 1e-300)
    shares = np.zeros((2, inputs))
    for term, part in zip(surrogate.terms, parts, strict=True):
        for i, _ in term:
            shares[1, i] += part / whole
        if len(term) == 1:
            shares[0, term[0][0]] += part / whole
    return shares
