"""Scores of whole distributions: against closed forms, and even where forecasts are honest."""

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.stats import forecast_scoring as scoring


def normal_quantiles(mean, deviation, n=1):
    from scipy.special import ndtri

    return np.tile(mean + deviation * ndtri(np.array(scoring.LEVELS)), (n, 1))


def test_crps_is_that_of_the_normal_distribution():
    from scipy.special import ndtr

    y = np.array([-1.5, 0.0, 0.4, 2.0])
    density = np.exp(-(y**2) / 2) / np.sqrt(2 * np.pi)
    exact = y * (2 * ndtr(y) - 1) + 2 * density - 1 / np.sqrt(np.pi)  # Gneiting, Raftery 2007, equation 21
    assert scoring.crps(normal_quantiles(0, 1, 4), y) == pytest.approx(exact, abs=0.02)


def test_crps_prefers_the_honest_width():
    rng = np.random.default_rng(1)
    y = rng.normal(100, 10, 4_000)
    by_width = {w: float(scoring.crps(normal_quantiles(100, w, len(y)), y).mean()) for w in (3.0, 10.0, 30.0)}
    assert min(by_width, key=by_width.__getitem__) == 10.0


def test_the_band_holds_what_it_promises_and_the_outcomes_fall_evenly():
    rng = np.random.default_rng(2)
    y = np.exp(rng.normal(np.log(200), 0.2, 5_000))
    told = np.tile(scoring.log_quantiles(200.0, error=0.2), (len(y), 1))
    assert scoring.covered(told, y).mean() == pytest.approx(0.8, abs=0.02)
    pit = scoring.probability_transform(told, y, draw=rng.random(len(y)))
    assert np.histogram(pit, bins=10, range=(0, 1))[0] / len(y) == pytest.approx(np.full(10, 0.1), abs=0.015)


def test_counts_with_ties_fall_evenly_too():
    rng = np.random.default_rng(3)
    from scipy.stats import poisson

    y = rng.poisson(3.0, 20_000)
    told = np.tile(poisson.ppf(scoring.LEVELS, 3.0), (len(y), 1))
    pit = scoring.probability_transform(told, y, draw=rng.random(len(y)))
    assert np.histogram(pit, bins=4, range=(0, 1))[0] / len(y) == pytest.approx(np.full(4, 0.25), abs=0.03)


def test_heavier_tails_where_the_error_itself_is_little_known():
    few, many = (scoring.log_quantiles(100.0, error=0.1, degrees=d) for d in (3.0, 1e6))
    assert few[0] < many[0] < many[-1] < few[-1]
    assert many == pytest.approx(scoring.log_quantiles(100.0, error=0.1), rel=1e-4)


def test_no_correction_changes_nothing_and_a_shift_moves_the_median():
    told = scoring.log_quantiles(100.0, error=0.3)
    assert scoring.moved(told, shift=0.0, widen=1.0)[0] == pytest.approx(told)
    up = scoring.moved(told, shift=np.log(1.1), widen=1.0)
    assert scoring.median_of(up)[0] == pytest.approx(110, rel=0.01)
    assert (scoring.moved(np.zeros(39), shift=-5.0, widen=2.0) >= 0).all()


def test_a_band_that_was_not_kept_is_refused():
    with pytest.raises(AnalysisError, match="does not end on kept quantiles"):
        scoring.band_of(np.zeros((1, 39)), level=0.99)
    with pytest.raises(AnalysisError, match="39 quantiles"):
        scoring.crps(np.zeros((1, 5)), [1.0])
