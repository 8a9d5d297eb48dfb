"""Sliders set what is simulated: a tighter budget earns and costs less, and the drawing follows."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.charts import strategies as charts
from analysis.params import StrategiesParams
from analysis.recipes import strategies as made
from analysis.touch.explorer import REPLICATES, frontier_at
from analysis.touch.trial import effects_of, trial_of

AS_OF = date(2026, 6, 30)
PARAMS = StrategiesParams(strategies="params/strategies/default.yaml", replicates=40)
ECONOMICS = {"margin_share": 0.6, "wage_per_hour": 20.0, "source": "test"}


@pytest.fixture(scope="module")
def tables() -> dict[str, object]:
    rng = np.random.default_rng(2)
    n = 400
    orders = rng.poisson(3, n)
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "p_alive": 0.9,
            "rate_shape": 0.8 + orders,
            "rate_days": 120.0,
            "dropout_a": 0.8,
            "dropout_b": 4.0 + orders,
            "orders_next_year": 3.0 * (0.8 + orders),
            "order_value": 150.0,
            "days_since_last_order": rng.uniform(0, 60, n),
            "is_contact": True,
            "n_orders": orders + 1,
            "p_churn": 0.6,
            "uplift_rank": np.arange(1, n + 1) / n,
            "expected_uplift": 1.0,
        }
    )
    channels = made.strategy_channels(
        pd.DataFrame(columns=["channel", "n_assigned", "n_confirmed", "n_delivered", "n_read"]), PARAMS
    )
    return {
        "strategy_customers": customers,
        "strategy_channels": channels,
        "strategy_effects": made.strategy_effects(channels, PARAMS, seed=1),
        "strategy_economics": ECONOMICS,
        "strategy_season": {"factors": [1.0] * 365},
    }


@pytest.fixture(scope="module")
def setting(tables):
    trial = trial_of(
        tables["strategy_customers"], channels=tables["strategy_channels"], economics=ECONOMICS, season=[1.0] * 30,
        strategies=PARAMS.strategies, cap_mode=PARAMS.cap_mode, as_of=AS_OF, seed=1,
    )  # fmt: skip
    return trial, effects_of(tables["strategy_effects"])


def profit(table: pd.DataFrame, name: str, column: str = "incremental_profit") -> float:
    return float(table.loc[table["strategy"] == name, column].to_numpy()[0])


def test_a_factor_of_the_gain_moves_profit_and_one_of_annoyance_moves_deletions(setting):
    trial, effects = setting
    usual, weak = frontier_at(trial, effects=effects), frontier_at(trial, effects=effects, gain=0.25)
    harsh = frontier_at(trial, effects=effects, annoyance=3.0)
    assert profit(weak, "weekly_everyone") < profit(usual, "weekly_everyone")
    lost = "incremental_deletions"
    assert profit(harsh, "weekly_everyone", lost) > 2 * profit(usual, "weekly_everyone", lost)


def test_a_budget_or_a_limit_of_touches_holds_a_strategy_back(setting):
    trial, effects = setting
    lost = "incremental_deletions"
    usual = profit(frontier_at(trial, effects=effects), "weekly_everyone", lost)
    assert profit(frontier_at(trial, effects=effects, most_per_month=1), "weekly_everyone", lost) < 0.5 * usual
    assert profit(frontier_at(trial, effects=effects, budget_per_month=20.0), "weekly_everyone", lost) < 0.5 * usual


def test_nothing_on_the_frontier_is_beaten(setting):
    trial, effects = setting
    table = frontier_at(trial, effects=effects)
    assert len(effects["gain_days"]) >= REPLICATES >= 20
    for row in table[table["on_frontier"]].itertuples():
        fewer = table["incremental_deletions"] <= row.incremental_deletions
        assert not (fewer & (table["incremental_profit"] > row.incremental_profit)).any()


def test_moving_a_slider_draws_anew(tables):
    pytest.importorskip("ipywidgets")
    from analysis.sliders import strategy_sliders

    context: Any = SimpleNamespace(languages=("en",), currency="CNY", as_of=AS_OF, seed=1)
    box = strategy_sliders(tables.__getitem__, params=PARAMS, context=context, chart=charts.profit_against_deletions)
    budget, often, gain, annoyance, told, shown = box.children
    before = shown.value
    assert "<svg" in before
    assert "30 days" in told.value
    often.value = 1
    after_limit = shown.value
    assert after_limit != before
    gain.value = 3.0
    assert shown.value != after_limit
    assert (budget.value, annoyance.value) == (float("inf"), 1.0)


def test_sliders_are_loaded_only_where_they_are_shown():
    import subprocess
    import sys

    code = "import analysis.workbench, sys; print('ipywidgets' in sys.modules, 'analysis.sliders' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]
