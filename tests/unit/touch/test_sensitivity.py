"""Indices equal those of functions whose indices are known; flips are where the planted line crosses zero."""

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.touch.sensitivity import fit_surrogate, flip_point, main_effect, sobol_indices, uniform_ranks


def draws(n, inputs, seed=1):
    return np.random.default_rng(seed).random((n, inputs))


def test_indices_of_ishigamis_function_are_the_published_ones():
    # Ishigami and Homma (1990), a = 7, b = 0.1: first 0.314, 0.442, 0; total 0.558, 0.442, 0.244.
    u = draws(600, 3)
    x = np.pi * (2 * u - 1)
    y = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    ranks = uniform_ranks(u)
    fitted = fit_surrogate(ranks, y, degree=9, product_degree=8)
    found = sobol_indices(ranks, y, degree=9, product_degree=8)
    assert fitted.explained > 0.98
    assert found.first == pytest.approx([0.314, 0.442, 0.0], abs=0.03)
    assert found.total == pytest.approx([0.558, 0.442, 0.244], abs=0.03)


def test_indices_of_a_line_are_the_squares_of_its_slopes_and_luck_is_left_out():
    u, rng = draws(400, 30), np.random.default_rng(2)
    y = 5 + 3 * u[:, 0] - 2 * u[:, 1] + rng.normal(0, 0.5, 400)
    found = sobol_indices(u, y, luck=0.25)
    assert found.first[:2] == pytest.approx([9 / 13, 4 / 13], abs=0.05)
    assert found.total[:2] == pytest.approx(found.first[:2], abs=0.03)
    assert found.total[2:].max() < 0.02


def test_intervals_hold_the_index_about_as_often_as_they_say():
    held = []
    for seed in range(40):
        u = draws(120, 6, seed=seed)
        y = 3 * u[:, 0] - 2 * u[:, 1] + np.random.default_rng(seed + 99).normal(0, 0.5, 120)
        found = sobol_indices(u, y, luck=0.25, seed=seed)
        held.append(found.first_ci_lower[0] <= 9 / 13 <= found.first_ci_upper[0])
    assert 0.65 < np.mean(held) < 0.96  # 80 % asked for, three standard errors of 40


def test_noise_alone_explains_nothing():
    u = draws(200, 20)
    fitted = fit_surrogate(u, np.random.default_rng(4).normal(0, 1, 200))
    assert fitted.explained < 0.1


def test_a_flip_is_where_the_expected_result_crosses_zero_whatever_else_varies():
    u = draws(500, 8)
    y = 4 * (u[:, 2] - 0.3) + (u[:, 5] - 0.5) + np.random.default_rng(5).normal(0, 0.3, 500)
    fitted = fit_surrogate(u, y)
    assert flip_point(fitted, u, y, which=2) == pytest.approx(0.3, abs=0.03)
    assert flip_point(fitted, u, y, which=5) is None
    assert main_effect(fitted, u, y, which=2, at=np.array([0.8]))[0] == pytest.approx(2.0, abs=0.15)


def test_a_flip_beyond_the_priors_range_is_none():
    u = draws(500, 2)
    y = 4 * (u[:, 0] - 0.01)
    assert flip_point(fit_surrogate(u, y), u, y, which=0) is None


def test_too_few_draws_are_refused():
    with pytest.raises(AnalysisError, match="at least 10 draws"):
        fit_surrogate(draws(9, 2), np.zeros(9))


def test_a_constant_result_hangs_on_nothing():
    u = draws(50, 3)
    found = sobol_indices(u, np.ones(50))
    assert found.total.tolist() == [0, 0, 0]
