"""Experiments teach effect sizes: nearer to the truth, narrower, and nothing about what they did not measure."""

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.touch.effects import draw_effects
from analysis.touch.learning_effects import learned_effects

WORLDS = 1_200


def learn(priors, *, measured, std_error, draws=400, worlds=WORLDS):
    """Learn from one experiment that shows a tenth of gain_days, and one that shows the confirmation rate."""
    prior = draw_effects(priors, draws=worlds, seed=3)
    responses = np.stack([prior["gain_days"] / 10, prior["confirm_rate"]], axis=1)
    learned = learned_effects(
        prior, priors=priors, responses=responses, measured=np.array(measured), std_errors=np.full(2, std_error),
        draws=draws, rng=np.random.default_rng(1),
    )  # fmt: skip
    return prior, learned


def test_a_sharp_experiment_pins_what_it_measures_down(priors):
    prior, learned = learn(priors, measured=[0.2, 0.8], std_error=0.01)
    assert learned["gain_days"].mean() == pytest.approx(2.0, abs=0.12)
    assert learned["confirm_rate"].mean() == pytest.approx(0.8, abs=0.02)
    assert learned["gain_days"].std() < 0.4 * prior["gain_days"].std()


def test_a_blunt_experiment_leaves_the_prior(priors):
    prior, learned = learn(priors, measured=[0.12, 0.75], std_error=5.0)
    assert learned["gain_days"].mean() == pytest.approx(prior["gain_days"].mean(), rel=0.12)
    assert learned["gain_days"].std() == pytest.approx(prior["gain_days"].std(), rel=0.25)


def test_what_was_not_measured_keeps_its_prior_and_shares_stay_shares(priors):
    prior, learned = learn(priors, measured=[0.3, 0.9], std_error=0.02)
    assert learned["trust_days"].mean() == pytest.approx(prior["trust_days"].mean(), rel=0.1)
    assert learned["trust_days"].std() == pytest.approx(prior["trust_days"].std(), rel=0.25)
    shares = [effect.name for effect in priors.effects if effect.kind == "beta"]
    assert all(((learned[name] > 0) & (learned[name] < 1)).all() for name in shares)


def test_eighty_percent_intervals_of_a_learned_effect_cover_in_72_to_88_percent_of_300_worlds(priors):
    truth = draw_effects(priors, draws=300, seed=9)
    rng = np.random.default_rng(2)
    covered = 0
    for world in range(300):
        shown = [truth["gain_days"][world] / 10, truth["confirm_rate"][world]] + 0.05 * rng.standard_normal(2)
        _, learned = learn(priors, measured=list(shown), std_error=0.05, worlds=600)
        low, high = np.quantile(learned["gain_days"], [0.1, 0.9])
        covered += low <= truth["gain_days"][world] <= high
    assert 0.72 <= covered / 300 <= 0.88


def test_too_few_worlds_for_the_measures_are_refused(priors):
    with pytest.raises(AnalysisError, match="too few"):
        learn(priors, measured=[0.1, 0.7], std_error=0.1, worlds=40)
