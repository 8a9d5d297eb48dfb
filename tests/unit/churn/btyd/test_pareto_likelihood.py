"""The Pareto/NBD likelihood against the papers' own formulas, in the corners where those lose digits too."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln, hyp2f1

from analysis.churn.btyd.bg_likelihood import tabulate
from analysis.churn.btyd.customers import Customers
from analysis.churn.btyd.pareto_likelihood import Pairs, paretos, tail_integrals, value_and_slope

CDNOW = np.array([0.553, 10.578, 0.606, 11.669])
SHOP = Customers(
    frequency=np.array([0.0, 0, 1, 1, 2, 7, 7, 40]),
    recency=np.array([0.0, 0, 3, 38, 30.43, 20, 39, 38.5]),
    T=np.array([27.0, 39, 39, 38, 38.86, 39, 39, 39]),
)


def by_the_definition(parameters, *, x: float, t_x: float, age: float) -> float:
    """Fader and Hardie (2005), equation 16: alive at T, or left at some τ in (t_x, T)."""
    r, alpha, s, beta = parameters
    power = (r + x) * np.log(alpha + t_x) + (s + 1) * np.log(beta + t_x)

    def at(y: float) -> float:
        later_alpha, later_beta = t_x + alpha + y, t_x + beta + y
        return float(np.exp(power - (r + x) * np.log(later_alpha) - (s + 1) * np.log(later_beta)))

    ends = np.concatenate([[0.0], np.geomspace(1e-3, 1, 9) * (age - t_x)])
    left = sum(quad(at, a, b, epsabs=0, epsrel=1e-13)[0] for a, b in pairwise(ends))
    alive = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
    shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    if left == 0:
        return float(shared + alive)
    return float(shared + np.logaddexp(alive, np.log(s) + np.log(left) - power))


def by_hypergeometric_functions(parameters, *, x: float, t_x: float, age: float) -> float:
    """Fader and Hardie (2005), equations 18-20."""
    r, alpha, s, beta = parameters
    high, other = (alpha, s + 1) if alpha >= beta else (beta, r + x)
    away, n = abs(alpha - beta), r + s + x
    a0 = hyp2f1(n, other, n + 1, away / (high + t_x)) / (high + t_x) ** n
    a0 -= hyp2f1(n, other, n + 1, away / (high + age)) / (high + age) ** n
    alive = (alpha + age) ** -(r + x) * (beta + age) ** -s
    return float(gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(alive + s / n * a0))


def one(x: float, t_x: float, age: float) -> Customers:
    return Customers(np.array([x]), np.array([t_x]), np.array([age]))


def log_likelihood(parameters, customers: Customers, *, weights=None) -> float:
    return value_and_slope(np.asarray(parameters), tables=paretos(tabulate(customers, weights=weights)))[0]


def slope_by_differences(parameters, customers: Customers) -> np.ndarray:
    """Five-point differences in the logarithms of the parameters, of the papers' definition."""

    def total(logs) -> float:
        rows = zip(*customers[:3], strict=True)
        return sum(by_the_definition(np.exp(logs), x=x, t_x=t_x, age=age) for x, t_x, age in rows)

    logs, h, slopes = np.log(parameters), 2e-3, []
    for step in np.eye(4) * h:
        near, far = total(logs + step) - total(logs - step), total(logs + 2 * step) - total(logs - 2 * step)
        slopes.append((8 * near - far) / (12 * h))
    return np.array(slopes)


@pytest.mark.parametrize("alpha", [4.0, 11.669, 30.0])
def test_likelihood_equals_fader_and_hardies_hypergeometric_form(alpha):
    parameters = (0.553, alpha, 0.606, 11.669)
    for x, t_x, age in zip(*SHOP[:3], strict=True):
        expected = by_hypergeometric_functions(parameters, x=x, t_x=t_x, age=age)
        assert log_likelihood(parameters, one(x, t_x, age)) == pytest.approx(expected, rel=1e-9)


CORNERS = [
    (0.05, 0.1, 0.05, 0.1),
    (0.3, 2.0, 0.4, 400.0),
    (0.3, 400.0, 0.4, 2.0),
    (5.0, 80.0, 6.0, 80.0),
    (5.0, 80.0, 6.0, 80.0 + 1e-9),
    (0.6, 5.0, 60.0, 3000.0),
    (30.0, 300.0, 0.02, 1.0),
]


@pytest.mark.parametrize("parameters", CORNERS)
def test_likelihood_keeps_eleven_digits_in_the_corners(parameters):
    for x, t_x, age in [(0, 0, 39), (1, 5, 39), (3, 39, 39), (60, 20, 39), (0, 0, 0.5)]:
        expected = by_the_definition(parameters, x=x, t_x=t_x, age=age)
        assert log_likelihood(parameters, one(x, t_x, age)) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("parameters", [tuple(CDNOW), *CORNERS])
def test_slope_equals_differences_of_the_definition(parameters):
    _, slope = value_and_slope(np.array(parameters), tables=paretos(tabulate(SHOP)))
    by_logs = slope * parameters
    assert by_logs == pytest.approx(slope_by_differences(parameters, SHOP), rel=1e-7, abs=1e-7)


def test_slope_does_not_jump_where_alpha_meets_beta():
    tables = paretos(tabulate(SHOP))
    slopes = [value_and_slope(np.array([0.5, 10 + d, 0.6, 10]), tables=tables)[1] for d in (-1e-7, 0, 1e-7)]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-6)
    assert slopes[2] == pytest.approx(slopes[1], rel=1e-6)


def test_a_frequent_buyer_of_years_has_a_finite_likelihood():
    value, slope = value_and_slope(CDNOW, tables=paretos(tabulate(one(5000, 3650.0, 3660.0))))
    assert np.isfinite(value)
    assert np.isfinite(slope).all()


def test_weights_count_as_often_as_they_say():
    counts = np.array([3, 0, 1, 2, 5, 1, 1, 2])
    repeated = Customers(*(np.repeat(column, counts) for column in SHOP[:3]))
    weighted = log_likelihood(CDNOW, SHOP, weights=counts.astype(float))
    assert weighted == pytest.approx(log_likelihood(CDNOW, repeated), rel=1e-13)


def test_a_matrix_of_cells_and_a_list_of_cells_hold_the_same():
    x, t = np.array([0.0, 1, 9, 80]), np.array([0.0, 0.5, 40, 104])
    cells = np.arange(len(x) * len(t))
    for (alpha, beta), q in product([(10.0, 12.0), (0.2, 50.0), (50.0, 0.2)], [0.4, 1.6]):
        matrix = tail_integrals(Pairs(x, t, cells, None, None), p=x + 0.3, q=q + 1, alpha=alpha, beta=beta)
        listed = tail_integrals(Pairs(x, t, cells, *divmod(cells, 4)), p=x + 0.3, q=q + 1, alpha=alpha, beta=beta)
        assert matrix.reshape(5, -1) == pytest.approx(listed, rel=1e-11, abs=1e-11)


def test_ages_that_never_repeat_give_the_sum_of_one_by_one():
    rng = np.random.default_rng(5)
    age, x = rng.uniform(1, 40, 60), np.arange(60.0) % 20
    customers = Customers(x, np.where(x > 0, age * rng.random(60), 0.0), age)
    assert paretos(tabulate(customers)).late.cell_x is not None, "the test is about cells kept as a list"
    one_by_one = sum(log_likelihood(CDNOW, one(*row)) for row in zip(*customers[:3], strict=True))
    assert log_likelihood(CDNOW, customers) == pytest.approx(one_by_one, rel=1e-12)
