"""The climb to the top of a log-likelihood: the ridge, what is not fixed, and a model that misbehaves."""

import numpy as np
import pytest

from analysis.churn.btyd.fitting import maximise
from analysis.errors import AnalysisError

TOP = np.log([0.5, 20.0])
CURVES = np.array([[3.0, 1.0], [1.0, 2.0]])


def hill(parameters):
    """A log-likelihood that is a parabola of the logarithms, top -7 at (0.5, 20)."""
    away = np.log(parameters) - TOP
    return -7 - 0.5 * away @ CURVES @ away, -(CURVES @ away) / parameters


def test_top_and_covariance_of_a_parabola_are_found():
    fit = maximise(hill, typical={"u": 1.0, "v": 10.0}, n=10)
    assert fit.converged
    assert fit.parameters == pytest.approx({"u": 0.5, "v": 20.0}, rel=1e-6)
    assert fit.log_likelihood == pytest.approx(-7, abs=1e-9)
    assert fit.covariance == pytest.approx(np.linalg.inv(CURVES), rel=1e-5)


@pytest.mark.parametrize("ridge", [0.5, 4.0])
def test_ridge_is_a_normal_prior_on_the_logarithms(ridge):
    fit = maximise(hill, typical={"u": 1.0, "v": 10.0}, n=10, ridge=ridge)
    centre, prior = np.log([1.0, 10.0]), ridge * np.eye(2)
    posterior = np.linalg.solve(CURVES + prior, CURVES @ TOP + prior @ centre)
    assert np.log(list(fit.parameters.values())) == pytest.approx(posterior, abs=1e-6)
    assert fit.covariance == pytest.approx(np.linalg.inv(CURVES + prior), rel=1e-5)
    assert fit.log_likelihood == pytest.approx(hill(np.exp(posterior))[0], abs=1e-8)  # without the ridge


def test_a_sample_that_leads_astray_changes_nothing():
    def elsewhere(parameters):
        return hill(parameters * 3)[0], hill(parameters * 3)[1] * 3

    led = maximise(hill, typical={"u": 1.0, "v": 10.0}, n=10, sample=(elsewhere, 5))
    assert led.parameters == pytest.approx({"u": 0.5, "v": 20.0}, rel=1e-6)


def test_a_start_beyond_the_range_is_brought_inside():
    fit = maximise(hill, typical={"u": 1.0, "v": 10.0}, n=10, start={"u": 1e9, "v": 1e-9})
    assert fit.parameters == pytest.approx({"u": 0.5, "v": 20.0}, rel=1e-6)


def test_a_flat_direction_is_named_and_nothing_is_claimed_of_it():
    def ridge_line(parameters):  # only u·v is told by the data
        away = np.log(parameters).sum() - TOP.sum()
        return -0.5 * 50 * away**2, -50 * away / parameters

    fit = maximise(ridge_line, typical={"u": 1.0, "v": 10.0}, n=10)
    assert not fit.converged
    assert "the data do not fix u and v" in fit.advice
    assert np.isnan(fit.covariance).all()


def test_a_runaway_parameter_is_explained():
    def rising(parameters):
        value, slope = hill(np.array([0.5, parameters[1]]))
        return value - 1 / parameters[0], np.array([1 / parameters[0] ** 2, slope[1]])

    fit = maximise(rising, typical={"u": 1.0, "v": 10.0}, n=10, meanings={"u high": "all are alike", "u low": "never"})
    assert not fit.converged
    assert "u ran to the end of the range: all are alike. Take" in fit.advice


def test_a_likelihood_that_is_no_number_is_refused():
    with pytest.raises(AnalysisError, match="not a number at the starting values"):
        maximise(lambda p: (float("nan"), p), typical={"u": 1.0}, n=1)
