"""The frontier at a few settings, for a report; in JupyterLab the same is moved with sliders (``analysis.sliders``)."""

from datetime import date
from typing import Any, Final

import pandas as pd

from analysis.evidence import Estimate, Forecast, Observed, Prior, grade_of
from analysis.params import StrategiesParams
from analysis.touch.explorer import frontier_at
from analysis.touch.labels import strategy_labels
from analysis.touch.summary import CONFIDENCE
from analysis.touch.trial import effects_of, ready, trial_of

_GRADE: Final = grade_of(Forecast((Observed(), Prior())))
"""A forecast that rests on priors, whatever experiments have moved."""
_MOST_PER_MONTH: Final[tuple[int | None, ...]] = (1, 4, None)
_CUSTOMERS: Final = 20_000  # of more, every draw simulates so many of its own


def strategy_explorer(
    strategy_population: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategy_season: dict[str, Any],
    strategies_params: StrategiesParams,
    as_of: date,
    seed: int,
) -> pd.DataFrame:
    """Thirty days of every strategy at most 1, 4 and any number of touches a customer and month.

    One row per setting and strategy, fewest deletions first: ``most_per_month`` (missing: no limit), profit and
    deletions against no touch with 80 % intervals, ``on_frontier``.
    """
    trial = trial_of(
        strategy_population,
        channels=strategy_channels,
        economics=strategy_economics,
        season=strategy_season["factors"],
        strategies=strategies_params.strategies,
        cap_mode=strategies_params.cap_mode,
        as_of=as_of,
        seed=seed,
    )
    trial, effects = ready(trial), effects_of(strategy_effects)
    sample = min(strategies_params.sample_customers or _CUSTOMERS, _CUSTOMERS)
    parts = [
        frontier_at(trial, effects=effects, most_per_month=most, sample_customers=sample).assign(
            most_per_month=float("nan") if most is None else float(most)
        )
        for most in _MOST_PER_MONTH
    ]
    table = pd.concat(parts, ignore_index=True)
    labels = strategy_labels(strategies_params.strategies)
    table.insert(0, "strategy_zh", [labels[name]["zh"] for name in table["strategy"]])
    table.insert(1, "strategy_en", [labels[name]["en"] for name in table["strategy"]])
    return table.drop(columns="strategy").assign(confidence_level=CONFIDENCE)


def strategy_explorer_words(strategy_explorer: pd.DataFrame) -> dict[str, Any]:
    """What the best strategy earns ``less``, ``more`` or ``level`` where a customer gets one touch a month at most."""
    limits = strategy_explorer["most_per_month"].fillna(float("inf"))
    best = strategy_explorer["incremental_profit"].groupby(limits).max()
    less = float(best[float("inf")]) - float(best[1.0])
    level = abs(less) < max(1.0, 0.01 * abs(float(best[float("inf")])))
    return {
        "rarely": "level" if level else "less" if less > 0 else "more",
        "rare_profit": Estimate(abs(less), "money", grade=_GRADE).as_result(),
    }
