"""A trial: one book's customers, channels, rules and season, on which strategies are simulated again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.touch.outcome import Outcome
from analysis.touch.policies import CapRule, caps_in_force, load_policies
from analysis.touch.population import HISTORY_PREFIX, Population
from analysis.touch.simulator import population_of, simulate
from analysis.touch.strategies import NO_TOUCH, Economics, StrategySet, load_strategies

__all__ = ["Trial", "effects_of", "narrowed", "ready", "run_trial", "trial_of"]

Floats = npt.NDArray[np.float64]

_POLICIES: Final = ("params/policies/wecom.yaml", "params/policies/other_channels.yaml")


@dataclass(frozen=True, slots=True)
class Trial:
    """What all simulations of one page share.

    Attributes:
        customers: As ``strategy_customers`` has them.
        channels: As ``strategy_channels`` has them.
        strategies: At the book's margin and wage.
        caps: Rules in force.
        season: Factor of the purchase rate on each day ahead.
        as_of: Last day of the past.
        seed: Of all luck.
        population: The customers made ready once for several simulations, see ``ready``; None: for each anew.
    """

    customers: pd.DataFrame
    channels: pd.DataFrame
    strategies: StrategySet
    caps: tuple[CapRule, ...]
    season: tuple[float, ...]
    as_of: date
    seed: int
    population: Population | None = None


def ready(trial: Trial) -> Trial:
    """Return the trial with its customers made ready for several simulations of strategies with the same steps."""
    made = population_of(trial.customers, strategies=trial.strategies, channels=trial.channels, as_of=trial.as_of)
    return replace(trial, population=made)


def trial_of(
    customers: pd.DataFrame,
    *,
    channels: pd.DataFrame,
    economics: Mapping[str, Any],
    season: Sequence[float],
    strategies: str,
    cap_mode: str,
    as_of: date,
    seed: int,
) -> Trial:
    """Return the trial of a book.

    Args:
        customers: As ``strategy_customers`` has them.
        channels: As ``strategy_channels`` has them.
        economics: ``margin_share``, ``wage_per_hour``, ``source``; they replace the file's.
        season: Factor of the purchase rate on each day ahead, at least as long as any horizon tried.
        strategies: The file of strategies. Where nobody was touched, going on as before is free.
        cap_mode: WeCom's cap as the admin set it.
        as_of: Last day of the past.
        seed: Of all luck.
    """
    plans = load_strategies(strategies)
    known = {name: economics[name] for name in ("margin_share", "wage_per_hour", "source")}
    priced = plans.economics.model_copy(update=Economics.model_validate(known).model_dump(exclude={"account_wear"}))
    touched = any(str(name).startswith(HISTORY_PREFIX) and customers[name].sum() > 0 for name in customers.columns)
    free = {} if touched else {"fixed_monthly_cost": 0.0}
    own = [plan.model_copy(update=free) if plan.as_history else plan for plan in plans.strategies]
    return Trial(
        customers=customers,
        channels=channels,
        strategies=plans.model_copy(update={"economics": priced, "strategies": own}),
        caps=caps_in_force(load_policies(*_POLICIES), on=as_of, mode=cap_mode),
        season=tuple(season),
        as_of=as_of,
        seed=seed,
    )


def run_trial(
    trial: Trial,
    *,
    effects: Mapping[str, Floats],
    horizon_days: int,
    lanes_per_draw: int,
    sample_customers: int | None,
    checkpoints: Sequence[int] = (),
    segment_by: str | None = None,
) -> Outcome:
    """Simulate the trial's strategies over the horizon; the rest is as in ``simulator.simulate``."""
    return simulate(
        trial.customers,
        strategies=trial.strategies,
        channels=trial.channels,
        effects=effects,
        caps=trial.caps,
        as_of=trial.as_of,
        horizon_days=horizon_days,
        seed=trial.seed,
        lanes_per_draw=lanes_per_draw,
        sample_customers=sample_customers,
        checkpoints=checkpoints,
        segment_by=segment_by,
        season=trial.season[:horizon_days],
        population=trial.population if segment_by is None else None,
    )


def narrowed(trial: Trial, *, to: Sequence[str]) -> Trial:
    """Return the trial with those strategies only, and no touch, which every increment is set against."""
    kept = [plan for plan in trial.strategies.strategies if plan.name in {NO_TOUCH, *to}]
    strategies = trial.strategies.model_copy(update={"strategies": kept})
    return replace(trial, strategies=strategies, population=None)


def effects_of(table: pd.DataFrame, *, draws: int | None = None) -> dict[str, Floats]:
    """Return the draws of ``strategy_effects`` as arrays, the first ones if fewer are asked for."""
    return {str(name): table[name].to_numpy(dtype=float)[:draws] for name in table.columns if name != "draw"}
