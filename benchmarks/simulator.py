"""Touch strategies simulated in several ways; prints what one of them cost as JSON.

siyu and numpy run the same strategies under the same laws. simpy and mesa run a shorter story, one channel, as their
tutorials would have it, so that their numbers flatter them: a process or an agent per customer that buys, is touched
every week, tires and may leave.
"""

import argparse
import json
import random
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

WAYS = {"siyu": "ours", "numpy": "ours", "simpy": "peers", "mesa": "peers"}
TRIGGERS = ("calendar", "state")
DAYS = 90
AIM_CUSTOMER_DAYS = 300e6  # a second
# Customers and replicates: ours at two sizes that tell whether cost is linear, the others at what they can bear.
SIZES = {
    "small": {"siyu": (10_000, 200), "numpy": (2_000, 8), "simpy": (400, 1), "mesa": (400, 1)},
    "full": {"siyu": (100_000, 200), "numpy": (5_000, 20), "simpy": (2_000, 1), "mesa": (2_000, 1)},
}

_CHAT = {"channel": "private_chat", "template": "promotion", "offer": {"discount_share": 0.1, "valid_days": 4}}
_GROUP = {"channel": "group", "template": "content"}
_NEED = {"channel": "private_chat", "template": "reminder", "cooldown_days": 14}
STRATEGIES: dict[str, dict[str, list[dict[str, Any]]]] = {
    "calendar": {
        "weekly_chat": [{**_CHAT, "trigger": {"weekdays": ["thursday"]}}],
        "weekly_group": [{**_GROUP, "trigger": {"weekdays": ["tuesday"]}}],
        "mixed": [
            {**_CHAT, "trigger": {"every_days": 14}},
            {**_GROUP, "template": "service", "trigger": {"every_days": 7, "start_day": 3}},
        ],
        "text": [{"channel": "sms", "template": "promotion", "trigger": {"every_days": 10}}],
    },
    "state": {
        "next_need": [{**_NEED, "trigger": {"every_days": 1, "need_window": [0.8, 1.6]}}],
        "care": [
            {**_NEED, "template": "service", "trigger": {"every_days": 1, "days_since_order": [3, 5]}},
            {**_NEED, "trigger": {"every_days": 3, "need_window": [0.8, 1.6]}},
        ],
        "winback": [{**_CHAT, "trigger": {"every_days": 1, "days_since_order": [60, 120]}, "cooldown_days": 30}],
        "mixed": [
            {**_CHAT, "trigger": {"weekdays": ["thursday"]}},
            {**_GROUP, "trigger": {"every_days": 2, "need_window": [1.0, 2.0]}, "cooldown_days": 10},
        ],
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("trigger", choices=TRIGGERS)
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--replicates", type=int, required=True)
    options = parser.parse_args()
    run: dict[str, Callable[[str, int, int], int]] = {
        "siyu": _siyu, "numpy": _numpy, "simpy": _simpy, "mesa": _mesa
    }  # fmt: skip
    if options.way == "siyu":
        _siyu(options.trigger, 20, 40)  # compiled code is loaded; what that costs is measured by itself
    started = time.process_time()
    strategies = run[options.way](options.trigger, options.customers, options.replicates)
    seconds = time.process_time() - started
    customer_days = options.customers * DAYS * options.replicates * strategies
    print(
        json.dumps(
            {
                "work_cpu_seconds": seconds,
                "customer_days": customer_days,
                "customer_days_per_cpu_second": customer_days / seconds,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def _book(trigger: str, customers: int) -> tuple[Any, dict[str, Any], Any]:
    import numpy as np
    import pandas as pd

    from analysis.touch.policies import caps_in_force, load_policies
    from analysis.touch.strategies import StrategySet

    rng = np.random.default_rng(1)
    x = rng.poisson(3, customers)
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i:07d}" for i in range(customers)],
            "p_alive": rng.uniform(0.3, 1.0, customers),
            "rate_shape": 0.6 + x,
            "rate_days": rng.uniform(60, 240, customers),
            "dropout_a": 0.8,
            "dropout_b": 4.0 + x,
            "order_value": rng.lognormal(5, 0.4, customers),
            "days_since_last_order": rng.exponential(40, customers),
            "is_contact": rng.random(customers) < 0.8,
            "n_orders": x + 1,
        }
    )
    table["orders_next_year"] = 200 * table["p_alive"] * table["rate_shape"] / table["rate_days"]
    rows = [
        ("private_chat", 0.8, 0.02, 0.5, True, True, 1.0, 1.0),
        ("group", 0.4, 0.0, 0.1, True, True, 0.6, 0.5),
        ("sms", 0.3, 0.05, 0.0, False, False, 0.4, 0.8),
    ]
    names = ["channel", "read_rate", "cost", "staff_minutes", "needs_contact", "needs_staff", "gain", "annoyance"]
    plans = [{"name": "no_touch", "label": {"zh": "不触达", "en": "No touch"}}]
    plans += [{"name": n, "label": {"zh": n, "en": n}, "steps": s} for n, s in STRATEGIES[trigger].items()]
    economics = {"margin_share": 0.5, "wage_per_hour": 40.0, "source": "benchmark"}
    strategies = StrategySet.model_validate(
        {"edition": date(2026, 1, 1), "brand": "bench", "economics": economics, "strategies": plans}
    )
    rules = load_policies("params/policies/wecom.yaml")
    known = {
        "strategies": strategies,
        "channels": pd.DataFrame(rows, columns=names),
        "caps": caps_in_force(rules, on=date(2026, 7, 1), mode="month_days"),
        "as_of": date(2026, 6, 30),
        "horizon_days": DAYS,
    }
    return table, known, len(plans)


def _siyu(trigger: str, customers: int, replicates: int) -> int:
    from analysis.touch.effects import draw_effects, load_effects
    from analysis.touch.simulator import simulate

    table, known, strategies = _book(trigger, customers)
    effects = draw_effects(load_effects("params/effects/default.yaml"), draws=replicates // 2, seed=1)
    simulate(table, effects=effects, seed=7, lanes_per_draw=2, **known)
    return strategies


def _numpy(trigger: str, customers: int, replicates: int) -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import simulator_numpy

    from analysis.touch.effects import draw_effects, lanes_of, load_effects

    table, known, strategies = _book(trigger, customers)
    effects = draw_effects(load_effects("params/effects/default.yaml"), draws=replicates // 2, seed=1)
    simulator_numpy.simulate(table, effects=lanes_of(effects, lanes=2), seed=7, replicates=replicates, **known)
    return strategies


class _Customer:
    """A customer's few numbers for simpy and mesa, and one day of life."""

    def __init__(self, rng: random.Random) -> None:
        self.rate, self.alive, self.contact = rng.gammavariate(3.6, 1 / 150), rng.random() < 0.65, rng.random() < 0.8
        self.fatigue, self.trust, self.boost, self.orders, self.money = 0.0, 1.0, 0.0, 0, 0.0

    def live(self, day: int, rng: random.Random) -> None:
        self.fatigue *= 0.93
        self.boost *= 0.75
        self.trust = 1 + (self.trust - 1) * 0.99
        if day % 7 == 0 and self.contact and rng.random() < 0.75:
            self.money -= 0.35
            self.fatigue += 1
            if rng.random() < 0.8 * 0.94**self.fatigue:
                self.boost += 0.3 * 0.86**self.fatigue
                self.trust -= 0.02
            if rng.random() < 0.0015 * 1.35**self.fatigue:
                self.contact = False
        if self.alive and rng.random() < self.rate * (1 + min(self.boost * self.trust, 1.2)):
            self.orders += 1
            self.money += 75
            if rng.random() < 0.15:
                self.alive = False


def _simpy(_trigger: str, customers: int, replicates: int) -> int:
    import simpy

    def days_of(customer: _Customer, env: Any, rng: random.Random) -> Any:
        while env.now < DAYS:
            customer.live(int(env.now), rng)
            yield env.timeout(1)

    for replicate in range(replicates):
        rng, env = random.Random(replicate), simpy.Environment()
        for _ in range(customers):
            env.process(days_of(_Customer(rng), env, rng))
        env.run()
    return 1


def _mesa(_trigger: str, customers: int, replicates: int) -> int:
    import mesa

    class Agent(mesa.Agent):
        def __init__(self, model: Any) -> None:
            super().__init__(model)
            self.customer = _Customer(model.random)

        def step(self) -> None:
            self.customer.live(self.model.day, self.model.random)

    class Shop(mesa.Model):
        def __init__(self, seed: int) -> None:
            super().__init__(seed=seed)
            self.day = 0
            Agent.create_agents(self, customers)

        def step(self) -> None:
            self.agents.do("step")
            self.day += 1

    for replicate in range(replicates):
        shop = Shop(replicate)
        for _ in range(DAYS):
            shop.step()
    return 1


if __name__ == "__main__":
    main()
