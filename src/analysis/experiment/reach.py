"""Where the assigned touch did not go out: the effect on those reached, and collisions as a natural experiment."""

import math
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from analysis.errors import AnalysisError
from analysis.experiment.participants import measures_before
from analysis.experiment.readout import Trial
from analysis.features.places import places_of
from analysis.stats.instruments import reached_effect
from analysis.stats.means import welch_difference

__all__ = ["REACHED_COLUMNS", "WEAK_F", "collisions", "reached_effects"]

REACHED_COLUMNS: Final = (
    "metric", "arm", "kind", "n", "effect_reached", "effect_reached_ci_lower", "effect_reached_ci_upper",
    "share_reached", "first_stage_f", "n_clusters", "confidence_level",
)  # fmt: skip

WEAK_F: Final = 10.0
"""A first stage below this is called weak (Staiger and Stock 1997); the Anderson-Rubin interval holds even so."""

_SENT: Final = 1
_COLLIDED: Final = 3
_FEWEST_COLLIDED: Final = 100
_BALANCED_ABOVE: Final = 0.1
"""Chance of measures as unlike as these by luck, above which the two groups count as alike."""


def reached_effects(trial: Trial, *, touched: pd.DataFrame, staff: pd.DataFrame) -> pd.DataFrame:
    """Return one row per metric and arm: the effect on customers who were touched because they were assigned.

    Args:
        trial: The experiment; ``customers`` has ``customer_id``.
        touched: One row per touched customer: ``customer_id``, ``send_status`` (1: it went out).
        staff: One row per customer: ``customer_id``, ``staff_id``; clusters of the errors. Whoever has none is one.

    Returns:
        ``effect_reached`` with Anderson and Rubin's interval (infinite where assignment moved too little),
        ``share_reached`` (how much more often the assigned were touched, 0-1), ``first_stage_f``, ``n_clusters``.
        Arms are left out whose touches all went out, or none did, or whose clusters are too few.
    """
    sent = touched.loc[touched["send_status"].astype("float64") == _SENT, "customer_id"]
    customers = trial.customers.merge(staff, on="customer_id", how="left")
    clusters = customers[trial.cluster] if trial.cluster else customers["staff_id"]
    named = clusters.astype(object).where(clusters.notna(), "alone " + customers["customer_id"]).astype(str)
    codes = np.unique(named.to_numpy(dtype=object), return_inverse=True)[1]  # texts are sorted once for all metrics
    reached = places_of(customers["customer_id"], among=sent.drop_duplicates()) >= 0
    rows = []
    for metric, kind in trial.metrics.items():
        for arm in trial.arms:
            here = (customers["arm"].isin([arm, trial.control]) & customers[metric].notna()).to_numpy(dtype=bool)
            treated = (customers["arm"] == arm).to_numpy(dtype=bool)[here]
            if reached[here][treated].all() or not reached[here][treated].any():
                continue
            outcome = customers.loc[here, metric].to_numpy(dtype=np.float64)
            try:
                found = reached_effect(
                    outcome, treated=treated, reached=reached[here], clusters=codes[here],
                    confidence_level=trial.confidence_level,
                )  # fmt: skip
            except AnalysisError:  # too few members of staff to know their spread
                continue
            told = (found.first_stage, found.first_stage_f, found.n_clusters, trial.confidence_level)
            ends = (found.value, found.ci_lower, found.ci_upper)
            rows.append((metric, arm, kind, int(treated.sum()), *ends, *told))
    return pd.DataFrame(rows, columns=list(REACHED_COLUMNS))


def collisions(trial: Trial, *, touched: pd.DataFrame) -> dict[str, Any]:
    """Return whether customers whom another message had reached first are like those who got this one.

    Only if they were alike before may the two be compared; who collides is no lottery, as a rule the busier customers.

    Returns:
        ``usable``, ``reason`` (``too_few``, ``unlike``, ``alike``), ``n_delivered``, ``n_collided``,
        ``balance_pvalue`` (of all measures from before together) and, where usable, ``effects``: by metric the
        difference delivered - collided with its interval.
    """
    status = touched.set_index("customer_id")["send_status"].astype("float64")
    assigned = trial.customers[trial.customers["arm"] != trial.control]
    state = assigned["customer_id"].map(status)
    delivered, collided = assigned[state == _SENT], assigned[state == _COLLIDED]
    found: dict[str, Any] = {"n_delivered": len(delivered), "n_collided": len(collided)}
    if min(len(delivered), len(collided)) < _FEWEST_COLLIDED or not trial.covariates:
        return {**found, "usable": False, "reason": "too_few", "needed": _FEWEST_COLLIDED}
    both = pd.concat([delivered, collided])
    found["balance_pvalue"] = _balance(measures_before(both, columns=trial.covariates), n_first=len(delivered))
    if found["balance_pvalue"] < _BALANCED_ABOVE:
        return {**found, "usable": False, "reason": "unlike"}
    effects = {}
    for metric in trial.metrics:
        level = trial.confidence_level
        difference = welch_difference(delivered[metric].dropna(), collided[metric].dropna(), confidence_level=level)
        effects[metric] = {"value": difference.value, "ci_lower": difference.ci_lower, "ci_upper": difference.ci_upper}
    return {**found, "usable": True, "reason": "alike", "effects": effects}


def _balance(measures: "np.ndarray[Any, np.dtype[np.float64]]", *, n_first: int) -> float:
    """Return the chance that two groups differ so far in all measures together, by Hotelling's large-sample test."""
    first, second = measures[:n_first], measures[n_first:]
    gap = first.mean(axis=0) - second.mean(axis=0)
    spread = np.atleast_2d(np.cov(first, rowvar=False)) / len(first)
    spread = spread + np.atleast_2d(np.cov(second, rowvar=False)) / len(second)
    distance = float(gap @ np.linalg.pinv(spread) @ gap)
    rank = int(np.linalg.matrix_rank(spread))
    return float(chdtrc(rank, distance)) if rank and math.isfinite(distance) else 0.0
