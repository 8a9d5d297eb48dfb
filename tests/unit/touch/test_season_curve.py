"""A season is told apart from customers growing older; where it cannot be, there is none."""

import numpy as np
import pytest

from analysis.touch.season_curve import season_curve, weekly_counts

LAST = 730


def bought(*, swing, joining_days=650, customers=4000, seed=1, fading=200.0):
    """Purchases of customers who buy less as they age, on a clock with a yearly wave that peaks on day 90 of a year."""
    rng = np.random.default_rng(seed)
    days, who = [], []
    for customer in range(customers):
        born = int(rng.integers(0, joining_days))
        ahead = np.arange(born, LAST + 1)
        wave = 1 + swing * np.cos(2 * np.pi * (ahead - 90) / 364)
        n = rng.poisson(0.03 * np.exp(-(ahead - born) / fading) * wave)
        n[0] = 1
        days.append(np.repeat(ahead, n))
        who.append(np.full(n.sum(), customer))
    return np.concatenate(days), np.concatenate(who)


def curve_of(days, who, horizon_days=365):
    orders, there = weekly_counts(days, customer=who, last_day=LAST)
    return season_curve(orders, there, horizon_days=horizon_days)


def test_a_planted_wave_is_found_though_customers_fade():
    curve = curve_of(*bought(swing=0.5))
    planted = 1 + 0.5 * np.cos(2 * np.pi * (LAST + 1 + np.arange(365) - 90) / 364)
    assert curve.known
    assert np.corrcoef(curve.factors, planted)[0, 1] > 0.97
    assert np.abs(curve.factors / curve.factors.mean() - planted / planted.mean()).max() < 0.2


def test_the_level_over_the_history_stays_that_of_the_clock():
    curve = curve_of(*bought(swing=0.5))
    assert curve.history_mean == pytest.approx(1.0)


def test_without_a_season_the_curve_stays_near_one():
    curve = curve_of(*bought(swing=0.0))
    assert np.abs(curve.factors - 1).max() < 0.08


def test_customers_who_all_joined_at_once_tell_no_season():
    curve = curve_of(*bought(swing=0.5, joining_days=60))
    assert (curve.known, curve.reason) == (False, "one_cohort")
    assert set(curve.factors) == {1.0}


def test_less_than_a_year_and_hardly_any_orders_tell_none():
    days, who = bought(swing=0.5)
    late = days > LAST - 300
    assert curve_of(days[late], np.unique(who[late], return_inverse=True)[1]).reason == "short"
    few = who < 60
    assert curve_of(days[few], who[few]).reason == "few"


def test_two_years_ahead_repeat_the_first():
    days, who = bought(swing=0.5)
    curve = curve_of(days, who, horizon_days=730)
    assert np.allclose(curve.factors[:364], curve.factors[364:728])


def test_counts_hold_every_repeat_order_once_and_no_first_one():
    days, who = bought(swing=0.2, customers=300)
    orders, there = weekly_counts(days, customer=who, last_day=LAST)
    firsts: dict[int, int] = {}
    for day, customer in zip(days, who, strict=True):
        firsts[customer] = min(firsts.get(customer, 10**9), day)
    assert orders.sum() == sum(day > firsts[customer] for day, customer in zip(days, who, strict=True))
    assert there[-1, 1:].sum() + 2 * there[-1, 0] == 300
