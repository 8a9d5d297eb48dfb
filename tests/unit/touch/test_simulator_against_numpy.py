"""The compiled simulation against one written day by day with numpy: the same laws, other luck, equal means."""

import importlib.util
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from analysis.touch.effects import central_effects, lanes_of
from analysis.touch.money import entry, profit
from analysis.touch.policies import CapRule

ROOT = Path(__file__).parents[3]
LANES = 80

PROMOTION = {
    "channel": "private_chat",
    "template": "promotion",
    "trigger": {"every_days": 3},
    "offer": {"discount_share": 0.2, "valid_days": 4},
}
PLANS = {
    "pushy": [PROMOTION, {"channel": "sms", "template": "content", "trigger": {"every_days": 5, "start_day": 1}}],
    "need": [
        {
            "channel": "private_chat",
            "template": "reminder",
            "trigger": {"every_days": 1, "need_window": (0.8, 1.6)},
            "cooldown_days": 10,
        },
        {
            "channel": "group",
            "template": "service",
            "trigger": {"every_days": 1, "days_since_order": (3, 5)},
            "cooldown_days": 7,
        },
    ],
}


@pytest.fixture(scope="module")
def straightforward():
    spec = importlib.util.spec_from_file_location("simulator_numpy", ROOT / "benchmarks" / "simulator_numpy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def both(shop, plans, channels, priors, straightforward):
    # Strong effects, so that every law matters; new customers only and no second lives: the plain version's limits.
    effects = {
        **central_effects(priors),
        **{name: np.array([size]) for name, size in (("gain_days", 3.0), ("deletion_touch", 0.01))},
        **{name: np.zeros(1) for name in ("second_life", "reference_price")},
    }
    customers, strategies = shop(400, established=0.0), plans(**PLANS)
    cap = CapRule(name="c", channels=["private_chat"], window="calendar_month", limit=8, source="test")
    known = {"strategies": strategies, "channels": channels, "caps": (cap,), "as_of": date(2026, 6, 30)}

    def run(simulate):
        compiled = simulate(customers, effects=effects, horizon_days=60, seed=7, lanes_per_draw=LANES, **known)
        plain = straightforward.simulate(
            customers, effects=lanes_of(effects, lanes=LANES), horizon_days=60, seed=8, replicates=LANES, **known
        )
        return compiled, plain

    return run


def test_means_of_every_count_and_of_profit_agree_within_the_error_of_both(both):
    from analysis.touch.simulator import simulate

    compiled, plain = both(simulate)
    for s, name in enumerate(compiled.strategies):
        for count, other in plain[name].items():
            totals = compiled.totals[s, -1]
            ours = profit(totals) if count == "profit" else totals[:, entry(count)]
            error = np.sqrt((ours.var(ddof=1) + other.var(ddof=1)) / LANES)
            assert abs(ours.mean() - other.mean()) <= 3.5 * error, (name, count, ours.mean(), other.mean(), error)
