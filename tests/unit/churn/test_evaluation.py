"""The gates pass honest forecasts and stop the others."""

import numpy as np
import pytest

from analysis.churn.evaluation import Verdict, answerable, choose, evaluate, failed_gates, is_the_question


def expit(odds):
    return 1 / (1 + np.exp(-odds))


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(11)
    recency, rhythm = rng.normal(0, 1, (2, 12_000))
    p = expit(-0.5 + recency + rhythm)
    baseline = expit((-0.5 + recency) / np.sqrt(1 + 0.346))  # what recency alone knows, about
    return (rng.random(12_000) < p).astype(float), p, baseline


def judged(world, p):
    return evaluate(world[0], p, baseline=world[2], seed=1)


def test_honest_forecast_passes_every_gate_and_is_used(world):
    model = judged(world, world[1])
    assert failed_gates(model) == ()
    assert choose(model, judged(world, world[2])) is Verdict.MODEL


def test_too_extreme_forecast_fails_on_the_slope_and_recency_alone_is_used(world):
    odds = np.log(world[1] / (1 - world[1]))
    model = judged(world, expit(1.5 * odds))
    assert "calibration_slope" in failed_gates(model)
    assert choose(model, judged(world, world[2])) is Verdict.BASELINE


def test_forecast_at_the_wrong_level_fails_on_the_calibration_error_alone(world):
    odds = np.log(world[1] / (1 - world[1]))
    assert failed_gates(judged(world, expit(odds + 0.3))) == ("calibration_error",)


def test_forecast_no_better_than_recency_fails_and_the_simpler_one_is_used(world):
    model = judged(world, world[2])
    assert failed_gates(model) == ("beats_baseline",)
    assert choose(model, model) is Verdict.BASELINE


def test_neither_level_holding_leaves_a_ranking_only(world):
    wrong = judged(world, np.clip(world[2] + 0.15, 0, 1))
    assert choose(wrong, wrong) is Verdict.RANKING_ONLY


def test_slope_interval_touching_the_band_is_not_wholly_outside(world):
    model = judged(world, world[1])
    just_touching = model._replace(calibration_slope=model.calibration_slope._replace(ci_lower=1.099, ci_upper=1.3))
    beyond = model._replace(calibration_slope=model.calibration_slope._replace(ci_lower=1.101, ci_upper=1.3))
    assert failed_gates(just_touching) == ()
    assert failed_gates(beyond) == ("calibration_slope",)


@pytest.mark.parametrize(
    ("question", "origins", "churned", "stayed", "verdict"),
    [
        (False, 4, 9_000, 9_000, Verdict.NOT_THE_QUESTION),
        (True, 0, 9_000, 9_000, Verdict.TOO_SHORT),
        (True, 2, 199, 9_000, Verdict.TOO_FEW),
        (True, 2, 9_000, 199, Verdict.TOO_FEW),
        (True, 1, 200, 200, None),
    ],
)
def test_what_cannot_be_judged_is_said_before_any_model(question, origins, churned, stayed, verdict):
    found = answerable(is_the_question=question, n_training_origins=origins, n_churned=churned, n_stayed=stayed)
    assert found == verdict


def test_where_customers_buy_once_or_the_money_comes_in_one_order_churn_is_not_the_question():
    assert is_the_question(share_repeat=0.5, share_single_order=0.3)
    assert not is_the_question(share_repeat=0.05, share_single_order=0.3)
    assert not is_the_question(share_repeat=0.5, share_single_order=0.92)
    assert not is_the_question(share_repeat=0.5, share_single_order=float("nan"))
