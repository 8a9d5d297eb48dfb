"""Effect sizes: complete editions with sources, draws by address."""

import numpy as np
import pytest

from analysis.errors import BookError
from analysis.touch.effects import (
    EFFECTS,
    central_effects,
    channel_weights,
    draw_channel_rates,
    draw_effects,
    lanes_of,
    load_effects,
)


def test_every_shipped_effect_has_a_source_and_grade_d(priors):
    assert {effect.grade for effect in priors.effects} == {"D"}
    assert all(effect.source for effect in priors.effects)


def test_draws_have_the_means_that_their_priors_state(priors):
    draws = draw_effects(priors, draws=4000, seed=1)
    for effect in priors.effects:
        spread = draws[effect.name].std(ddof=1)
        assert draws[effect.name].mean() == pytest.approx(effect.mean, abs=5 * spread / np.sqrt(4000)), effect.name
        if effect.sd:
            assert spread == pytest.approx(effect.sd, rel=0.3), effect.name


def test_more_draws_add_worlds_and_change_none(priors):
    few, many = (draw_effects(priors, draws=n, seed=1) for n in (5, 9))
    assert all(np.array_equal(few[name], many[name][:5]) for name in EFFECTS)


def test_a_lane_repeats_its_draw():
    assert lanes_of({"a": np.array([1.0, 2.0])}, lanes=2)["a"].tolist() == [1, 1, 2, 2]


def test_a_rate_seen_often_is_drawn_narrowly_and_another_channel_leaves_it_alone():
    alone = draw_channel_rates({"group": (0.4, 2000.0)}, draws=400, seed=1)
    beside = draw_channel_rates({"sms": (0.3, 5.0), "group": (0.4, 2000.0)}, draws=400, seed=1)
    assert np.array_equal(alone["group"], beside["group"])
    assert alone["group"].std() < 0.02 < beside["sms"].std()
    assert alone["group"].mean() == pytest.approx(0.4, abs=0.005)


def test_a_channel_without_an_entry_weighs_as_much_as_a_private_message(priors):
    weights = channel_weights(priors, channels=["moments", "pigeon"])
    assert weights["pigeon"] == (1.0, 1.0)
    assert weights["moments"][1] < 1


def test_an_edition_that_lacks_an_effect_is_refused_by_name(tmp_path):
    text = "edition: 2026-01-01\neffects: []\n"
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(BookError, match="gain_days"):
        load_effects(tmp_path / "e.yaml")


def test_central_effects_are_the_prior_means(priors):
    assert central_effects(priors)["gain_days"].tolist() == [1.2]
