"""From features to simulated strategies: the clock, the customers audiences see, rates that data replace."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.errors import TooFewError
from analysis.params import StrategiesParams
from analysis.recipes import strategies as made
from analysis.recipes import strategy_page as page
from analysis.recipes.purchase_clock import purchase_clock
from analysis.touch.effects import no_effects
from analysis.touch.money import entry
from analysis.touch.simulator import simulate
from analysis.touch.strategies import load_strategies

AS_OF = date(2026, 6, 30)
PARAMS = StrategiesParams(strategies="params/strategies/default.yaml", replicates=20, sample_customers=400)


class FakeTables:
    """Tables of which only presence is asked."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def has(self, name: str) -> bool:
        return name in self.names

    def has_column(self, table: str, column: str) -> bool:
        del column
        return table in self.names


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    """A shop of 3,000 customers who buy by a BG/NBD clock, seen for up to 400 days."""
    rng = np.random.default_rng(1)
    n = 3000
    rate, dropout, age = rng.gamma(0.8, 1 / 40, n), rng.beta(1.0, 4.0, n), rng.uniform(100, 400, n)
    frequency, recency = np.zeros(n), np.zeros(n)
    for i in range(n):
        t = rng.exponential(1 / rate[i])
        while t <= age[i]:
            frequency[i], recency[i] = frequency[i] + 1, t
            if rng.random() < dropout[i]:
                break
            t += rng.exponential(1 / rate[i])
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:04d}" for i in range(n)],
            "frequency": pd.array(frequency.astype(int), dtype="Int64"),
            "recency": recency,
            "T": age,
            "n_orders": pd.array(frequency.astype(int) + 1, dtype="Int64"),
            "revenue": 100.0 * (frequency + 1),
            "days_since_last_order": age - recency,
            "n_contacts": pd.array(rng.integers(0, 2, n), dtype="Int32"),
            "n_assigned_90d__private_chat": pd.array(rng.integers(0, 4, n), dtype="Int16"),
        }
    )


@pytest.fixture(scope="module")
def clock(features: pd.DataFrame) -> pd.DataFrame:
    return purchase_clock(features, seed=1)


@pytest.fixture(scope="module")
def customers(features: pd.DataFrame, clock: pd.DataFrame) -> pd.DataFrame:
    scores = pd.DataFrame({"customer_id": ["c0001"], "p_churn": [0.123]})
    return made.strategy_customers(features, clock, scores, having("contacts", "touches"))


def having(*names: str) -> Any:
    """Tables of these names, as far as a recipe asks."""
    return FakeTables(*names)


NO_TOUCHES = pd.DataFrame(columns=["channel", "n_assigned", "n_confirmed", "n_delivered", "n_read"])


def economics() -> dict[str, Any]:
    return {"margin_share": 0.5, "wage_per_hour": 20.0, "margin_measured": False, "wage_measured": True, "source": "t"}


@pytest.fixture(scope="module")
def simulated(customers: pd.DataFrame) -> dict[str, Any]:
    channels = made.strategy_channels(NO_TOUCHES, PARAMS)
    effects = made.strategy_effects(channels, PARAMS, seed=3)
    totals = made.strategy_totals(customers, channels, effects, economics(), PARAMS, AS_OF, seed=3)
    return {"channels": channels, "effects": effects, "totals": totals}


def test_the_simulated_clock_without_effects_is_the_models_own_forecast(features, clock, customers):
    untouched = customers.drop(columns=[c for c in customers if c.startswith("touches_per_day")])
    outcome = simulate(
        untouched,
        strategies=load_strategies("params/strategies/default.yaml"),
        channels=made.strategy_channels(NO_TOUCHES, PARAMS),
        effects=no_effects(),
        caps=(),
        as_of=AS_OF,
        horizon_days=90,
        seed=5,
        lanes_per_draw=40,
        sample_customers=3000,
    )
    history = {name: features[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")}
    forecast = BGNBD().fit(history).conditional_expected_purchases(history, horizon=90).sum()
    for s in range(len(outcome.strategies)):
        orders = outcome.totals[s, -1, :, entry("orders")]
        assert abs(orders.mean() - forecast) < 3 * orders.std(ddof=1) / np.sqrt(len(orders))


def test_the_clock_has_one_row_per_customer_and_its_means(features, clock):
    assert clock["customer_id"].tolist() == features["customer_id"].tolist()
    assert np.allclose(clock["rate"], clock["rate_shape"] / clock["rate_days"])
    assert clock["p_alive"].between(0, 1).all()
    assert (clock["orders_next_year"] >= 0).all()


def test_a_score_is_taken_where_there_is_one_and_the_clock_fills_the_rest(customers):
    by_id = customers.set_index("customer_id")["p_churn"]
    assert by_id["c0001"] == 0.123
    assert by_id.between(0, 1).all()


def test_customers_are_contacts_by_the_table_or_all_of_them(features, clock):
    scores = pd.DataFrame({"customer_id": [], "p_churn": []})
    known = made.strategy_customers(features, clock, scores, having("contacts"))
    assert known["is_contact"].tolist() == (features["n_contacts"] > 0).tolist()
    assert made.strategy_customers(features, clock, scores, having())["is_contact"].all()


def test_past_touches_become_daily_rates(features, customers):
    expected = features["n_assigned_90d__private_chat"].astype(float) / 90
    assert np.allclose(customers["touches_per_day_private_chat"], expected)


def test_read_rates_are_claims_until_touches_are_seen_and_silent_channels_stay_claims():
    seen = pd.DataFrame(
        {"channel": ["group", "sms"], "n_assigned": 500, "n_confirmed": [500, 0], "n_delivered": 500, "n_read": [50, 0]}
    )
    rates = made.strategy_channels(seen, PARAMS).set_index("channel")
    assert rates.at["group", "read_grade"] == "C"
    assert rates.at["group", "read_rate"] == pytest.approx((0.4 * 20 + 50) / 520)
    assert rates.at["sms", "read_grade"] == "D"
    assert rates.at["sms", "read_rate"] == 0.3
    assert rates.at["private_chat", "read_rate"] == 0.8


def test_however_long_the_past_it_weighs_no_more_than_a_thousand_touches():
    seen = pd.DataFrame(
        {"channel": ["group"], "n_assigned": 10**6, "n_confirmed": 10**6, "n_delivered": 10**6, "n_read": 10**5}
    )
    rates = made.strategy_channels(seen, PARAMS).set_index("channel")
    assert rates.at["group", "read_strength"] == 1020


def test_going_on_as_before_is_free_where_nobody_was_touched(customers):
    untouched = customers.drop(columns="touches_per_day_private_chat")
    channels = made.strategy_channels(NO_TOUCHES, PARAMS)
    effects = made.strategy_effects(channels, PARAMS, seed=3)
    totals = made.strategy_totals(untouched, channels, effects, economics(), PARAMS, AS_OF, seed=3)
    wide = totals.groupby("strategy")[["orders", "fixed_costs", "assigned"]].sum()
    assert list(wide.loc["as_history"]) == list(wide.loc["no_touch"])


def test_every_strategy_has_every_result_with_unit_and_grade(simulated):
    outcomes = made.strategy_outcomes(simulated["totals"], simulated["effects"])
    results = page.strategy_results(outcomes)
    names = [s.name for s in load_strategies(PARAMS.strategies).strategies]
    measures = ["incremental_orders", "incremental_repurchase_rate", "incremental_profit", "deletions", "p_best"]
    assert sorted(results) == sorted(f"by_strategy.{n}.{m}" for n in names for m in measures)
    assert {r["grade"] for r in results.values()} == {"D"}
    assert sum(results[f"by_strategy.{n}.p_best"]["value"] for n in names) == pytest.approx(1)


def test_the_account_sums_to_the_profit_of_the_table(simulated):
    totals, effects = simulated["totals"], simulated["effects"]
    verdict = page.strategy_verdict(totals, effects)
    account = page.strategy_account(made.strategy_ledger(totals, effects), verdict)
    assert account["amount"].iloc[:-1].sum() == pytest.approx(account["amount"].iloc[-1])
    outcomes = made.strategy_outcomes(totals, effects).set_index(["strategy", "measure"])["value"]
    assert account["amount"].iloc[-1] == pytest.approx(outcomes[verdict["focus"], "incremental_profit"])


def test_nothing_on_the_frontier_is_beaten(simulated, customers):
    totals, effects = simulated["totals"], simulated["effects"]
    verdict, outcomes = page.strategy_verdict(totals, effects), made.strategy_outcomes(totals, effects)
    table = page.strategy_frontier(outcomes, verdict, PARAMS)
    for row in table[table["on_frontier"]].itertuples():
        fewer = table["incremental_deletions"] <= row.incremental_deletions
        assert not (fewer & (table["incremental_profit"] > row.incremental_profit)).any()


def test_every_placeholder_of_the_pages_sentences_has_its_value(simulated):
    import re

    totals, effects = simulated["totals"], simulated["effects"]
    verdict, outcomes = page.strategy_verdict(totals, effects), made.strategy_outcomes(totals, effects)
    ledger = made.strategy_ledger(totals, effects)
    drivers = page.strategy_drivers(totals, effects, verdict, simulated["channels"], PARAMS)
    values = page.strategy_headline(verdict, outcomes, ledger, economics(), PARAMS)
    values |= page.strategy_driver_words(drivers)
    words = page.strategy_words(verdict, outcomes, economics(), having())
    used = set(re.findall(r"\{([a-z_]+)(?::[a-z]+)?\}", str(words)))
    assert used - set(values) == set()
    assert "no table of touches" in words["assumed"]["en"]


def test_a_fit_on_more_customers_than_needed_samples_them(features, monkeypatch):
    monkeypatch.setattr("analysis.recipes.purchase_clock._FIT_CUSTOMERS", 1500)
    sampled = purchase_clock(features, seed=1)
    whole = BGNBD().fit(features)
    assert len(sampled) == 3000
    assert sampled["rate_shape"].min() == pytest.approx(whole.parameters_["r"], rel=0.25)


def test_touches_in_channels_that_the_registry_lacks_are_named_and_counted():
    rates = pd.DataFrame({"channel": ["sms", "window", "<b>"], "n_assigned": [5, 2, 7]})
    gaps = made.unknown_channels(rates, pd.DataFrame({"channel": ["sms", "call"]}))
    assert (gaps["n_channels"], gaps["channels"]) == (2, "<b>, window")
    assert (gaps["n_left_out"]["value"], gaps["n_left_out"]["unit"]) == (9, "touches")


def test_a_clock_is_not_fitted_to_customers_who_never_came_back(features):
    once = features.assign(frequency=0, recency=0.0)
    with pytest.raises(TooFewError, match="at least 10 customers who came back, these data have 0"):
        purchase_clock(once, seed=1)
