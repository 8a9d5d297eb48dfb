"""The laws, one by one: which way each bends."""

import numpy as np
import numpy.typing as npt
import pytest

from analysis.touch.deletion import deletion_chance, value_of_contact
from analysis.touch.exposure import read_chance
from analysis.touch.fatigue import decayed, felt_fatigue, response_left, steady_fatigue
from analysis.touch.response import delay_weights, saturated_lift, touch_gain
from analysis.touch.strategies import Template
from analysis.touch.trust import push_of, recovered, trust_step

ONE = np.ones(1)


def test_response_is_concave_below_its_ceiling():
    lift = saturated_lift(np.linspace(0, 5, 50), ceiling=np.array([1.5]))
    assert np.all(np.diff(lift) > 0)
    assert np.all(np.diff(lift, n=2) < 0)
    assert lift[-1] < 1.5


def test_a_small_boost_is_a_lift_of_its_own_size():
    assert saturated_lift(np.array([1e-6]), ceiling=ONE)[0] == pytest.approx(1e-6, rel=1e-5)


def test_the_effect_of_a_touch_is_spread_over_days_and_none_is_lost():
    weights = delay_weights(delay_days=np.array([1.0, 8.0]), delay_shape=np.array([0.9, 0.9]))
    assert np.allclose(weights.sum(axis=1), 1)
    assert weights[0, 0] > weights[1, 0]


def test_seeing_an_offer_adds_by_its_size_and_good_timing_adds_to_it():
    known = {"gain_days": ONE, "template_gain": ONE, "offer_gain": 0.3 * ONE}
    plain, ten, twenty = (touch_gain(**known, discount_share=d, timing_gain=0 * ONE)[0] for d in (0.0, 0.1, 0.2))
    assert (plain, ten, twenty) == pytest.approx((1.0, 1.3, 1.6))
    assert touch_gain(**known, discount_share=0.1, timing_gain=0.5 * ONE)[0] == pytest.approx(1.95)


def test_fatigue_decays_by_its_memory_and_its_steady_state_is_rate_times_memory():
    assert decayed(ONE, days=14, memory_days=np.array([14.0]))[0] == pytest.approx(np.exp(-1))
    stock: npt.NDArray[np.floating] = np.zeros(1)
    for _ in range(400):
        stock = decayed(stock, days=1, memory_days=np.array([14.0])) + 0.1
    assert stock[0] - 0.05 == pytest.approx(steady_fatigue(0.1 * ONE, fatigue_days=np.array([14.0]))[0], rel=0.01)


def test_other_channels_tire_too_but_less():
    felt = felt_fatigue(2 * ONE, others=3 * ONE, cross_channel=0.4 * ONE)
    assert felt[0] == pytest.approx(3.2)
    assert response_left(felt, fatigue_response=0.1 * ONE)[0] == pytest.approx(np.exp(-0.32))


def test_tired_customers_read_less_and_delete_more():
    rest, tired = np.array([0.0]), np.array([4.0])
    reads = [read_chance(read_rate=0.8 * ONE, fatigue=f, read_fatigue=0.1 * ONE)[0] for f in (rest, tired)]
    assert reads[0] == pytest.approx(0.8)
    assert reads[1] < reads[0]
    known = {"deletion_touch": 0.002 * ONE, "deletion_fatigue": 0.3 * ONE}
    leaves = [deletion_chance(**known, fatigue=f, trust=ONE)[0] for f in (rest, tired)]
    assert leaves[1] > leaves[0]
    assert deletion_chance(**known, fatigue=rest, trust=1.5 * ONE)[0] < leaves[0]


def test_service_builds_trust_promotion_costs_it_and_quiet_days_bring_it_back():
    steps = {}
    for t in Template:
        service, push = push_of(t)
        steps[t] = trust_step(service=service, push=push, trust_service=0.05, trust_push=0.02)
    assert steps[Template.SERVICE] == 0.05
    assert steps[Template.PROMOTION] == -0.02
    assert steps[Template.CONTENT] == steps[Template.USUAL] == steps[Template.REMINDER] == 0
    high, low = (recovered(np.array([t]), days=60, trust_days=np.array([60.0]))[0] for t in (1.5, 0.5))
    assert (high, low) == pytest.approx((1 + 0.5 / np.e, 1 - 0.5 / np.e))


def test_a_lost_contact_costs_its_share_of_next_years_margin():
    value = value_of_contact(orders_next_year=4 * ONE, margin_per_order=50 * ONE, deletion_loss=0.25 * ONE)
    assert value[0] == 50
