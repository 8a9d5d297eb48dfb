"""A trial holds what all simulations of a page share; what one strategy does moves no other."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.touch.effects import central_effects, no_effects
from analysis.touch.explorer import frontier_at
from analysis.touch.money import entry
from analysis.touch.population import build_population
from analysis.touch.random_streams import customer_keys
from analysis.touch.strategies import NO_TOUCH
from analysis.touch.trial import effects_of, narrowed, ready, run_trial, trial_of

ECONOMICS = {"margin_share": 0.3, "wage_per_hour": 60.0, "source": "test"}
EVERYBODY = {"channel": "private_chat", "template": "content", "trigger": {"every_days": 7}}
SOME = {**EVERYBODY, "audience": [{"column": "n_orders", "op": ">=", "value": 6}]}


def assigned(outcome, name):
    return outcome.totals[outcome.strategies.index(name), -1, :, entry("assigned")]


def test_a_past_in_two_channels_leaves_every_audience_as_it_is(shop, plans, run):
    customers = shop(history=0.05, is_contact=True, touches_per_day_group=0.05)
    strategies = plans(past={"as_history": True}, all=[EVERYBODY], some=[SOME])
    outcome = run(customers, strategies, effects=no_effects(), horizon_days=28)
    n_some = int((customers["n_orders"] >= 6).sum())
    assert 0 < n_some < 200
    assert set(assigned(outcome, "all")) == {4 * 600.0}
    assert set(assigned(outcome, "some")) == {4.0 * n_some}
    alone = run(customers, plans(all=[EVERYBODY], some=[SOME]), effects=no_effects(), horizon_days=28)
    assert np.array_equal(assigned(alone, "some"), assigned(outcome, "some"))


@pytest.fixture
def trial(shop, channels):
    return trial_of(
        shop(300, n_contacts=1),
        channels=channels,
        economics=ECONOMICS,
        season=[1.0] * 60,
        strategies="params/strategies/default.yaml",
        cap_mode="month_days",
        as_of=date(2026, 6, 30),
        seed=1,
    )


@pytest.fixture
def channels(channels):
    """The channels of the default strategies: Moments stand where messages by text stood."""
    return channels.replace({"channel": {"sms": "moments"}})


@pytest.fixture
def shop(shop):
    def make(n=600, **columns):
        given = {"p_churn": 0.5, "uplift_rank": 0.1, "expected_uplift": 1.0}
        return shop(n, **{**given, **columns})

    return make


def test_margin_and_wage_of_the_book_replace_the_files(trial):
    assert (trial.strategies.economics.margin_share, trial.strategies.economics.wage_per_hour) == (0.3, 60.0)


def test_going_on_as_before_costs_nothing_where_nobody_was_touched(trial):
    past = next(plan for plan in trial.strategies.strategies if plan.as_history)
    assert past.fixed_monthly_cost == 0


def test_a_narrowed_trial_keeps_no_touch_and_the_numbers_of_what_it_keeps(trial, priors):
    settings: dict[str, Any] = {
        "effects": central_effects(priors), "horizon_days": 30, "lanes_per_draw": 4, "sample_customers": None,
    }  # fmt: skip
    few = narrowed(trial, to=["next_need"])
    assert [plan.name for plan in few.strategies.strategies] == [NO_TOUCH, "next_need"]
    whole, part = run_trial(trial, **settings), run_trial(few, **settings)
    for name in part.strategies:
        assert np.array_equal(whole.totals[whole.strategies.index(name)], part.totals[part.strategies.index(name)]), (
            name
        )


def test_a_trial_made_ready_once_gives_the_numbers_of_one_made_anew_each_time(trial, priors):
    effects = central_effects(priors)
    prepared = ready(trial)
    for most in (1, None):
        anew, once = (
            frontier_at(one, effects=effects, most_per_month=most, sample_customers=100) for one in (trial, prepared)
        )
        pd.testing.assert_frame_equal(anew, once)
    assert narrowed(prepared, to=["all"]).population is None  # its steps are others


def test_customers_stand_by_value_and_those_alike_by_id(shop, plans):
    customers = shop(60, n_contacts=1).assign(order_value=np.arange(60) % 3.0, orders_next_year=1.0)
    ranked = customers.sort_values(["order_value", "customer_id"], ascending=[False, True])["customer_id"]
    shuffled = customers.sample(frac=1.0, random_state=3)
    made = build_population(
        shuffled, strategies=plans(some=[SOME]), channels=["private_chat"], first_day=date(2026, 7, 1)
    )
    assert np.array_equal(made.key, customer_keys(ranked))


def test_a_busier_season_brings_more_orders(trial):
    import dataclasses

    busy = dataclasses.replace(trial, season=(2.0,) * 60)
    orders = [
        run_trial(t, effects=no_effects(), horizon_days=60, lanes_per_draw=20, sample_customers=None)
        .totals[0, -1, :, entry("orders")]
        .mean()
        for t in (trial, busy)
    ]
    assert 1.4 < orders[1] / orders[0] < 2.0


def test_the_first_draws_are_those_of_a_longer_table():
    import pandas as pd

    table = pd.DataFrame({"draw": [0, 1, 2], "gain_days": [1.0, 2.0, 3.0]})
    assert effects_of(table, draws=2)["gain_days"].tolist() == [1.0, 2.0]
    assert list(effects_of(table)) == ["gain_days"]
