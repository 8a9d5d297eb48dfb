"""Totals within a window: their error holds luck and level, and covers what is then counted."""

import numpy as np
import pytest

from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.churn.coming_purchases import Visits, coming, level_error

TODAY, HORIZON = 509, 30


def shop(rng, *, level=None, customers=1_000, began_by=100):
    """Return purchase days of customers with rates of their own; ``level`` multiplies the rate on each day."""
    by_day = np.ones(TODAY + HORIZON + 1) if level is None else level
    rate = rng.gamma(0.8, 1 / 30, customers)
    began = rng.integers(0, began_by, customers)
    who, day = [], []
    for c in range(customers):
        days = np.flatnonzero(rng.random(TODAY + HORIZON + 1) < 1 - np.exp(-rate[c] * by_day))
        days = np.unique(np.r_[began[c], days[days > began[c]]])
        who.append(np.full(len(days), c))
        day.append(days)
    return Visits(np.concatenate(who), np.concatenate(day))


def until(visits, day):
    kept = visits.day <= day
    return Visits(visits.customer[kept], visits.day[kept])


def history(visits):
    began, last, n = (np.zeros(visits.customer.max() + 1) for _ in range(3))
    np.add.at(n, visits.customer, 1)
    began[visits.customer[::-1]] = visits.day[::-1]
    last[visits.customer] = visits.day
    return {"frequency": n - 1, "recency": last - began, "T": TODAY - began}


def fitted(visits):
    known = history(until(visits, TODAY))
    return BGNBD(ridge=1.0).fit(known), known


def test_luck_alone_is_covered():
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(8):
        visits = shop(rng, customers=300)
        model, known = fitted(visits)
        found = coming(model, known, horizon=HORIZON)
        actual = int((visits.day > TODAY).sum())
        error = np.hypot(found.parameter_error, found.luck_error)
        inside.append(abs(np.log(actual / found.expected)) < 2.5 * error)
    assert sum(inside) >= 7


def test_windows_that_jump_widen_the_next_one():
    rng = np.random.default_rng(2)
    calm, season = shop(rng), shop(rng, level=np.repeat(np.tile([0.7, 1.3], 20), HORIZON)[: TODAY + HORIZON + 1])
    errors = []
    for visits in (calm, season):
        model, _ = fitted(visits)
        errors.append(level_error(model, until(visits, TODAY), today=TODAY, horizon_days=HORIZON, unit_days=1.0))
    assert errors[0].n_windows == errors[1].n_windows == 12
    assert errors[0].error < 0.09
    assert errors[1].error > 0.2


def test_a_season_that_is_known_narrows_the_next_window_and_unknown_windows_are_passed_over():
    rng = np.random.default_rng(2)
    visits = shop(rng, level=np.repeat(np.tile([0.7, 1.3], 20), HORIZON)[: TODAY + HORIZON + 1])
    model, _ = fitted(visits)
    told = {True: 1.3, False: 0.7}

    def asked(pace):
        past = until(visits, TODAY)
        return level_error(model, past, today=TODAY, horizon_days=HORIZON, unit_days=1.0, pace=pace)

    assert asked(lambda day: told[(day + 1) // HORIZON % 2 == 1]).error < 0.09
    assert asked(lambda day: 1.0 if day > TODAY - 100 else None).n_windows == 3


def test_customers_who_came_later_are_no_part_of_a_past_window():
    visits = shop(np.random.default_rng(6), began_by=480)
    model, _ = fitted(visits)
    found = level_error(model, until(visits, TODAY), today=TODAY, horizon_days=HORIZON, unit_days=1.0)
    assert found.error < 0.12


def test_without_a_past_window_the_level_is_taken_to_be_off_by_a_tenth():
    rng = np.random.default_rng(3)
    visits = shop(rng, customers=300)
    model, _ = fitted(visits)
    young = Visits(visits.customer[visits.day < 40], visits.day[visits.day < 40])
    found = level_error(model, young, today=40, horizon_days=HORIZON, unit_days=1.0)
    assert found.n_windows == 0
    assert found.error == pytest.approx(0.1)


def test_money_is_weighed_by_what_a_purchase_is_worth():
    rng = np.random.default_rng(4)
    model, known = fitted(shop(rng, customers=400))
    plain = coming(model, known, horizon=HORIZON)
    money = coming(model, known, horizon=HORIZON, value=np.full(400, 50.0), variation=1.0)
    assert money.expected == pytest.approx(50 * plain.expected)
    assert money.luck_error > plain.luck_error


def test_grouping_many_customers_changes_little():
    rng = np.random.default_rng(5)
    model, known = fitted(shop(rng, customers=400))
    many = {name: np.tile(column, 15) for name, column in known.items()}
    alone, grouped = coming(model, known, horizon=HORIZON), coming(model, many, horizon=HORIZON)
    assert grouped.expected == pytest.approx(15 * alone.expected, rel=0.01)
    assert grouped.luck_error == pytest.approx(alone.luck_error / np.sqrt(15), rel=0.03)
