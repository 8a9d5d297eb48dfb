"""The exam's setting: one shop, one calibration, one way to run it, the same for every row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.touch.effects import EffectPriors, central_effects, channel_weights
from analysis.touch.money import MONTH_DAYS, entry
from analysis.touch.outcome import Outcome
from analysis.touch.policies import CapRule
from analysis.touch.simulator import simulate
from analysis.touch.strategies import StrategySet

__all__ = [
    "AS_OF",
    "CHAT",
    "Setting",
    "channels_of",
    "days_of",
    "exam_customers",
    "fixed_cost_of",
    "plans",
    "run",
    "simulated",
    "told",
    "touches",
]

Floats = npt.NDArray[np.float64]
Step = dict[str, Any]

AS_OF: Final = date(2026, 6, 30)
CHAT: Final[Step] = {"channel": "private_chat", "template": "content"}
_MARGIN_SHARE: Final = 0.5
_WAGE_PER_HOUR: Final = 40.0  # yuan
_FIXED_PER_CUSTOMER: Final = 0.75  # yuan a month: for 30,000 customers two members of staff and a tool
# Read rate and staff minutes as in params/channels.yaml; the second chat is the first one's twin.
_CHANNELS: Final = {
    "private_chat": (0.80, 0.30),
    "second_chat": (0.80, 0.30),
    "group": (0.40, 0.05),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """How large the exam is.

    Attributes:
        priors: Effect sizes; their means are examined.
        n_customers: Customers of the shop.
        n_replicates: Replicates of luck.
        seed: Seed of customers and luck.
        threads: Groups of replicates worked on at the same time.
    """

    priors: EffectPriors
    n_customers: int = 30_000
    n_replicates: int = 200
    seed: int = 11
    threads: int = 1

    def resized(self, n_customers: int) -> "Setting":
        """Return the same exam on another number of customers."""
        return replace(self, n_customers=n_customers)


def exam_customers(n: int, *, seed: int, **columns: Any) -> pd.DataFrame:
    """Return the shop's customers, one row each: about four orders a year worth 155 yuan, two thirds still buying.

    Nobody was touched before: what strategies bring is not hidden in the clock.
    """
    rng = np.random.default_rng(seed)
    orders = rng.poisson(4.0, n)
    table = pd.DataFrame(
        {
            "customer_id": [f"e{i:06d}" for i in range(n)],
            "p_alive": rng.beta(4.0, 2.0, n),
            "rate_shape": 0.8 + orders,
            "rate_days": 30.0 + rng.uniform(45.0, 270.0, n),
            "dropout_a": 0.8,
            "dropout_b": 6.0 + orders,
            "order_value": rng.lognormal(np.log(145.0), 0.4, n),
            "days_since_last_order": rng.exponential(20.0, n),
            "is_contact": True,
            "n_orders": orders + 1,
        }
    )
    # A year of the clock with its dropouts: about seven tenths of the pace held for a year.
    table["orders_next_year"] = 365 * 0.7 * table["p_alive"] * table["rate_shape"] / table["rate_days"]
    return table.assign(**columns)


def channels_of(priors: EffectPriors) -> pd.DataFrame:
    """Return the exam's channels as the simulator takes them, one row each."""
    weights = channel_weights(priors, channels=list(_CHANNELS))
    rows = [
        (name, read, 0.0, minutes, True, True, *weights[name if name != "second_chat" else "private_chat"])
        for name, (read, minutes) in _CHANNELS.items()
    ]
    columns = ["channel", "read_rate", "cost", "staff_minutes", "needs_contact", "needs_staff", "gain", "annoyance"]
    return pd.DataFrame(rows, columns=columns)


def days_of(per_month: float, *, days: int) -> list[date]:
    """Return evenly spaced days, so many a month.

    Examples:
        >>> [day.isoformat() for day in days_of(2, days=61)]
        ['2026-07-08', '2026-07-23', '2026-08-08', '2026-08-23']
    """
    n = max(round(per_month * days / MONTH_DAYS), 1)
    return [AS_OF + timedelta(days=1 + int((i + 0.5) * days / n)) for i in range(n)]


def touches(on: Sequence[date] | Sequence[int], **step: Any) -> list[Step]:
    """Return a plain private message on those days (dates, or numbers of days from the first one)."""
    dates = [day if isinstance(day, date) else AS_OF + timedelta(days=1 + day) for day in on]
    return [{**CHAT, **step, "trigger": {"dates": dates}}]


def plans(named: Mapping[str, list[Step]], *, fixed_monthly_cost: float = 0.0) -> StrategySet:
    """Return strategies from their steps, with ``no_touch`` before them."""
    nothing = {"name": "no_touch", "label": {"zh": "不触达", "en": "No touch"}}
    strategies = [
        {"name": name, "label": {"zh": name[:24], "en": name}, "steps": steps, "fixed_monthly_cost": fixed_monthly_cost}
        for name, steps in named.items()
    ]
    return StrategySet.model_validate(
        {
            "edition": AS_OF,
            "brand": "exam",
            "economics": {"margin_share": _MARGIN_SHARE, "wage_per_hour": _WAGE_PER_HOUR, "source": "the exam's shop"},
            "strategies": [nothing, *strategies],
        }
    )


def simulated(
    setting: Setting,
    customers: pd.DataFrame,
    strategies: StrategySet,
    *,
    days: int,
    effects: Mapping[str, Floats],
    lanes: int,
    sample: int | None = None,
) -> Outcome:
    """Simulate many worlds, some lanes of luck in each; every replicate draws its own sample of customers."""
    return simulate(
        customers,
        strategies=strategies,
        channels=channels_of(setting.priors),
        effects=effects,
        caps=(),
        as_of=AS_OF,
        horizon_days=days,
        seed=setting.seed,
        lanes_per_draw=lanes,
        sample_customers=sample,
        threads=setting.threads,
    )


def run(
    setting: Setting,
    customers: pd.DataFrame,
    strategies: StrategySet,
    *,
    days: int,
    checkpoints: Sequence[int] = (),
    effects: Mapping[str, Floats] | None = None,
    caps: tuple[CapRule, ...] = (),
    segment_by: str | None = None,
) -> Outcome:
    """Simulate with all effects at their central values, or those given: one draw, all replicates luck."""
    return simulate(
        customers,
        strategies=strategies,
        channels=channels_of(setting.priors),
        effects=effects or central_effects(setting.priors),
        caps=caps,
        as_of=AS_OF,
        horizon_days=days,
        seed=setting.seed,
        lanes_per_draw=setting.n_replicates,
        checkpoints=checkpoints,
        segment_by=segment_by,
        threads=setting.threads,
    )


def told(outcome: Outcome, strategy: str, name: str, *, day: int | None = None) -> Floats:
    """Return the totals of an entry by a day (the horizon if not said), one per replicate."""
    checkpoint = -1 if day is None else outcome.checkpoints.index(day)
    return outcome.totals[outcome.strategies.index(strategy), checkpoint, :, entry(name)]


def fixed_cost_of(n_customers: int) -> float:
    """Return the programme's fixed monthly cost, in yuan: staff and tools for so many customers."""
    return _FIXED_PER_CUSTOMER * n_customers
