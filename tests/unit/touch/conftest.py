"""A small shop whose customers, channels and effects are known."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.touch.effects import EffectPriors, central_effects, load_effects
from analysis.touch.outcome import Outcome
from analysis.touch.simulator import simulate
from analysis.touch.strategies import StrategySet

PRIVATE = {"channel": "private_chat", "template": "promotion", "trigger": {"every_days": 7}}


@pytest.fixture
def shop() -> Callable[..., pd.DataFrame]:
    def make(n: int = 600, *, history: float = 0.0, seed: int = 1, **columns: Any) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        x = rng.poisson(3, n)
        table = pd.DataFrame(
            {
                "customer_id": [f"c{i:05d}" for i in range(n)],
                "p_alive": rng.uniform(0.3, 1.0, n),
                "rate_shape": 0.6 + x,
                "rate_days": rng.uniform(60, 240, n),
                "dropout_a": 0.8,
                "dropout_b": 4.0 + x,
                "order_value": rng.lognormal(5, 0.4, n),
                "days_since_last_order": rng.exponential(40, n),
                "is_contact": rng.random(n) < 0.8,
                "n_orders": x + 1,
            }
        )
        table["orders_next_year"] = 200 * table["p_alive"] * table["rate_shape"] / table["rate_days"]
        if history:
            table["touches_per_day_private_chat"] = history
        return table.assign(**columns)

    return make


@pytest.fixture
def channels() -> pd.DataFrame:
    rows = [
        ("private_chat", 0.8, 0.02, 0.5, True, True, 1.0, 1.0),
        ("group", 0.4, 0.0, 0.1, True, True, 0.6, 0.5),
        ("sms", 0.3, 0.05, 0.0, False, False, 0.4, 0.8),
    ]
    names = ["channel", "read_rate", "cost", "staff_minutes", "needs_contact", "needs_staff", "gain", "annoyance"]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture(scope="session")
def priors() -> EffectPriors:
    return load_effects("params/effects/default.yaml")


@pytest.fixture
def plans() -> Callable[..., StrategySet]:
    """Strategies from the dicts of their steps: plans(weekly=[step], often={"steps": [step], "holdout_share": .2})."""

    def make(**named: Any) -> StrategySet:
        strategies: list[dict[str, Any]] = [{"name": "no_touch", "label": {"zh": "不触达", "en": "No touch"}}]
        for name, plan in named.items():
            parts = plan if isinstance(plan, dict) else {"steps": plan}
            strategies.append({"name": name, "label": {"zh": name, "en": name}, **parts})
        return StrategySet.model_validate(
            {
                "edition": date(2026, 1, 1),
                "brand": "test",
                "economics": {"margin_share": 0.5, "wage_per_hour": 40.0, "source": "test"},
                "strategies": strategies,
            }
        )

    return make


@pytest.fixture
def run(channels: pd.DataFrame, priors: EffectPriors) -> Callable[..., Outcome]:
    """Simulate with one draw of central effects, unless told otherwise."""

    def go(customers: pd.DataFrame, strategies: StrategySet, **changed: Any) -> Outcome:
        settings: dict[str, Any] = {
            "channels": channels,
            "effects": central_effects(priors),
            "caps": (),
            "as_of": date(2026, 6, 30),
            "horizon_days": 60,
            "seed": 7,
            "lanes_per_draw": 10,
            **changed,
        }
        return simulate(customers, strategies=strategies, **settings)

    return go
