"""Strategies at other settings: a budget, fewer touches, stronger or weaker effects, within a second."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import AnalysisError
from analysis.touch.strategies import NO_TOUCH
from analysis.touch.summary import increments, spread_of
from analysis.touch.trial import Trial, run_trial

__all__ = ["DAYS", "REPLICATES", "frontier_at"]

Floats = npt.NDArray[np.float64]

DAYS: Final = 30
REPLICATES: Final = 40  # one group of replicates side by side: fewer would cost as much


def frontier_at(
    trial: Trial,
    *,
    effects: Mapping[str, Floats],
    budget_per_month: float | None = None,
    most_per_month: int | None = None,
    gain: float = 1.0,
    annoyance: float = 1.0,
    sample_customers: int | None = None,
) -> pd.DataFrame:
    """Return profit and deletions of every strategy at these settings after 30 days, fewest deletions first.

    Args:
        trial: The book's.
        effects: Draws of the effect sizes; the first 40 are used.
        budget_per_month: Currency each strategy may spend in a month; None: no limit. What a file sets lower stays.
        most_per_month: Touches a customer may be assigned in a month; None: no limit. What a file sets lower stays.
        gain: Factor of what a read touch sells.
        annoyance: Factor of how often a touch costs the contact.
        sample_customers: As in ``simulator.simulate``.

    Returns:
        ``strategy``, ``incremental_profit`` and ``incremental_deletions`` with 80 % intervals, ``on_frontier``.

    Raises:
        AnalysisError: If a factor is negative.
    """
    if min(gain, annoyance) < 0:
        raise AnalysisError(f"Factors of effects are 0 or more, got gain {gain:g} and annoyance {annoyance:g}.")
    limits = {"budget_per_month": budget_per_month, "max_per_month": most_per_month}
    plans = [
        plan.model_copy(update={name: _lower(getattr(plan, name), limit) for name, limit in limits.items()})
        for plan in trial.strategies.strategies
    ]
    limited = replace(trial, strategies=trial.strategies.model_copy(update={"strategies": plans}))
    drawn = {name: values[:REPLICATES] for name, values in effects.items()}
    drawn |= {"gain_days": drawn["gain_days"] * gain, "deletion_touch": drawn["deletion_touch"] * annoyance}
    outcome = run_trial(limited, effects=drawn, horizon_days=DAYS, lanes_per_draw=1, sample_customers=sample_customers)
    measures = increments(outcome)
    rows = []
    for place, name in enumerate(outcome.strategies):
        row: dict[str, object] = {"strategy": name}
        for measure in ("incremental_profit", "incremental_deletions"):
            spread = spread_of(measures[measure][place], outcome=outcome)
            ends = (np.nan, np.nan) if name == NO_TOUCH else (spread.ci_lower, spread.ci_upper)
            row |= {measure: spread.value, f"{measure}_ci_lower": ends[0], f"{measure}_ci_upper": ends[1]}
        rows.append(row)
    table = pd.DataFrame(rows).sort_values(["incremental_deletions", "incremental_profit"], ascending=[True, False])
    before = table["incremental_profit"].cummax().shift(fill_value=-np.inf)
    return table.assign(on_frontier=table["incremental_profit"] > before).reset_index(drop=True)


def _lower(own: float | None, limit: float | None) -> float | None:
    known = [value for value in (own, limit) if value is not None]
    return min(known) if known else None
