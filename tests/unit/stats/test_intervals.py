"""Intervals where a few huge values decide."""

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.stats.intervals import fit_pareto_tail, heavy_tail_interval, normal_interval


@pytest.mark.parametrize("shape", [0.0001, 0.2, 0.5])
def test_the_pareto_fit_finds_shape_and_scale(shape):
    uniform = np.random.default_rng(1).random(20_000)
    fitted = fit_pareto_tail(3.0 * np.expm1(-shape * np.log(uniform)) / shape)
    assert fitted.shape == pytest.approx(shape, abs=0.03)
    assert fitted.scale == pytest.approx(3.0, rel=0.04)


def test_the_pareto_fit_does_not_depend_on_the_order():
    values = np.random.default_rng(2).exponential(size=300)
    assert fit_pareto_tail(values) == fit_pareto_tail(values[::-1])


@pytest.mark.parametrize("excess", [[1.0], [0.0, 1.0], []])
def test_a_tail_needs_two_excesses_above_zero(excess):
    with pytest.raises(AnalysisError):
        fit_pareto_tail(excess)


def test_with_a_light_tail_both_intervals_agree():
    values = np.random.default_rng(3).normal(10, 1, 20_000)
    influence = values - values.mean()
    plain = normal_interval(values.mean(), influence=influence)
    heavy = heavy_tail_interval(values.mean(), influence=influence, values=values, seed=1)
    assert heavy == pytest.approx(plain, abs=0.3 * (plain.upper - plain.lower))


def test_where_giants_decide_it_covers_more_often_than_the_normal_interval():
    rng = np.random.default_rng(4)
    covered, truth = np.zeros(2), np.exp(1.5**2 / 2)
    for seed in range(600):
        values = rng.lognormal(0, 1.5, 400)
        mean = float(values.mean())
        both = (
            heavy_tail_interval(mean, influence=values - mean, values=values, seed=seed),
            normal_interval(mean, influence=values - mean),
        )
        covered += [interval.lower <= truth <= interval.upper for interval in both]
    heavy, normal = covered / 600
    assert heavy >= normal + 0.02


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(5).lognormal(size=500)
    made = [heavy_tail_interval(1.0, influence=values - values.mean(), values=values, seed=9) for _ in range(2)]
    assert made[0] == made[1]


def test_a_wider_level_gives_a_wider_interval():
    values = np.random.default_rng(6).lognormal(size=2_000)
    narrow, wide = (
        heavy_tail_interval(1.0, influence=values - values.mean(), values=values, seed=9, confidence_level=level)
        for level in (0.8, 0.99)
    )
    assert wide.lower < narrow.lower < narrow.upper < wide.upper


def test_rows_must_match():
    with pytest.raises(AnalysisError, match="rows"):
        heavy_tail_interval(1.0, influence=[1.0, 2.0], values=[1.0], seed=1)


def test_one_row_has_no_interval():
    assert np.isnan(normal_interval(1.0, influence=[0.0]).lower)
