"""The gates pass honest forecasts and stop the others; which simple forecast stands in is settled beforehand."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.evaluation import (
    Verdict,
    answerable,
    choose,
    evaluate,
    evaluate_all,
    failed_gates,
    is_the_question,
    simple_forecasts,
)
from analysis.churn.forecast import BASELINE, MODEL
from analysis.churn.wording import verdict_claim

BTYD = "p_bg_nbd"


def expit(odds):
    return 1 / (1 + np.exp(-odds))


def moved(p, *, by=0.0, times=1.0):
    return expit(times * np.log(p / (1 - p)) + by)


def window(role, *, seed, n=12_000):
    """Return customers whose chance of leaving has two known parts: recency tells one, the model both."""
    rng = np.random.default_rng(seed)
    recency, rhythm, habits = rng.normal(0, 1, (3, n))
    p = expit(-0.5 + recency + 0.6 * rhythm + 0.6 * habits)
    alone = expit((-0.5 + recency) / np.sqrt(1 + 0.346 * 0.72))  # what recency alone knows, about
    clock = expit((-0.5 + recency + 0.6 * rhythm) / np.sqrt(1 + 0.346 * 0.36))
    return pd.DataFrame(
        {"role": role, "churned": rng.random(n) < p, MODEL: p, BASELINE: alone, BTYD: clock, "p_pareto_nbd": alone}
    )


@pytest.fixture(scope="module")
def world():
    return pd.concat([window("calibration", seed=10), window("judging", seed=11)], ignore_index=True)


def judged(world, p):
    rows = world[world["role"] == "judging"]
    values = p[world["role"] == "judging"] if len(p) == len(world) else p
    return evaluate(rows["churned"], values, baseline=rows[BASELINE], btyd=rows[BTYD], seed=1)


def choice(world, **columns):
    return choose(evaluate_all(world.assign(**columns), seed=1))


def test_honest_forecast_passes_every_gate_and_is_used(world):
    assert failed_gates(judged(world, world[MODEL])) == ()
    assert choice(world) == (Verdict.MODEL, MODEL)


def test_too_extreme_forecast_fails_on_the_slope_and_the_better_simple_one_is_used(world):
    bold = moved(world[MODEL], times=1.5)
    assert "calibration_slope" in failed_gates(judged(world, bold))
    assert choice(world, **{MODEL: bold}) == (Verdict.BTYD, BTYD)


def test_too_timid_forecast_fails_on_the_slope(world):
    assert "calibration_slope" in failed_gates(judged(world, moved(world[MODEL], times=0.7)))


def test_forecast_at_the_wrong_level_fails_on_the_calibration_error_alone(world):
    assert failed_gates(judged(world, moved(world[MODEL], by=0.3))) == ("calibration_error",)


def test_forecast_no_better_than_recency_fails_on_both_rivals(world):
    assert failed_gates(judged(world, world[BASELINE])) == ("beats_baseline", "beats_btyd")


def test_forecast_better_than_recency_but_not_than_the_best_btyd_model_fails_the_third_gate(world):
    assert failed_gates(judged(world, world[BTYD])) == ("beats_btyd",)
    assert choice(world, **{MODEL: world[BTYD]}) == (Verdict.BTYD, BTYD)


def test_without_a_btyd_model_recency_alone_is_the_rival(world):
    alone = world[["role", "churned", MODEL, BASELINE]]
    assert choose(evaluate_all(alone, seed=1)) == (Verdict.MODEL, MODEL)
    assert evaluate_all(alone, seed=1)[MODEL].btyd_log_loss is None
    assert choose(evaluate_all(alone.assign(**{MODEL: moved(alone[MODEL], times=2.0)}), seed=1)).column == BASELINE


def test_a_simple_forecast_whose_level_fails_gives_way_to_the_other(world):
    off = {
        MODEL: moved(world[MODEL], by=0.5),
        BTYD: moved(world[BTYD], by=np.where(world["role"] == "judging", 0.5, 0)),
    }
    assert choice(world, **off) == (Verdict.BASELINE, BASELINE)


def test_where_no_forecast_holds_the_better_simple_one_ranks_only(world):
    judging = np.where(world["role"] == "judging", 0.6, 0.0)
    off = {name: moved(world[name], by=judging) for name in (MODEL, BASELINE, BTYD, "p_pareto_nbd")}
    assert choice(world, **off) == (Verdict.RANKING_ONLY, BTYD)


def test_the_best_simple_forecast_is_chosen_on_the_calibration_window_never_on_the_judging_one(world):
    """On the judging window Pareto/NBD is made the best by far; what counts is the window before."""
    judging = world["role"] == "judging"
    tempting = world.assign(p_pareto_nbd=np.where(judging, world[MODEL], world["p_pareto_nbd"]))
    assert list(simple_forecasts(tempting)) == list(simple_forecasts(world)) == [BTYD, BASELINE]
    assert BTYD in evaluate_all(tempting, seed=1)
    earlier = world.assign(p_pareto_nbd=np.where(judging, world["p_pareto_nbd"], world[MODEL]))
    assert next(iter(simple_forecasts(earlier))) == "p_pareto_nbd"


def test_every_verdict_with_an_answer_has_a_claim_that_names_what_is_used():
    assert "BG/NBD" in verdict_claim(Verdict.BTYD, column=BTYD)["zh"]
    assert "recency" in verdict_claim(Verdict.BASELINE, column=BASELINE)["en"]


def test_slope_interval_touching_the_band_is_not_wholly_outside(world):
    model = judged(world, world[MODEL])
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
