"""What an experiment could see, before anybody is touched: its smallest visible effect, its power, its cost."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.errors import TooFewError
from analysis.stats.power import design_effect, minimum_detectable_effect, power, sample_size

__all__ = ["FEWEST_CUSTOMERS", "HOLDOUT_SHARES", "Plan", "alike_within", "visible_by_share", "visible_effects"]

FEWEST_CUSTOMERS: Final = 100
"""With fewer customers no experiment sees anything."""

HOLDOUT_SHARES: Final = (0.05, 0.1, 0.2, 0.3, 0.5)


class Plan(NamedTuple):
    """What is planned.

    Attributes:
        n_arms: Arms beside the holdout.
        holdout_share: Customers held out, 0-1.
        power: Wanted chance of seeing the smallest visible effect.
        expected_rel_effect: Effect hoped for, as a share of the mean without it.
        cluster_size: Mean customers in a cluster that is assigned whole; 1 where customers are.
    """

    n_arms: int
    holdout_share: float
    power: float
    expected_rel_effect: float
    cluster_size: float = 1.0


def visible_effects(now: pd.DataFrame, before: pd.DataFrame, *, plan: Plan, alike: float = 0.0) -> pd.DataFrame:
    """Return one row per metric: what the plan can see with these customers in one window.

    Args:
        now: One row per customer, one column per metric: a past window as long as the one planned.
        before: The same of the window before that: what adjusting could use.
        plan: The plan.
        alike: Correlation of outcomes within a cluster, 0-1.

    Returns:
        ``metric``, ``base`` (mean), ``variance_saved`` (share, by the window before), ``mde`` (smallest visible
        difference, adjusted) and ``mde_rel`` (share of the base), ``power`` (chance to see the hoped effect),
        ``n_needed`` (customers it takes, all arms), ``n_rounds`` (windows of this size pooled).

    Raises:
        TooFewError: If there are fewer than 100 customers.
    """
    n = len(now)
    if n < FEWEST_CUSTOMERS:
        raise TooFewError(n, needed=FEWEST_CUSTOMERS, needed_by="experiment_design")
    n_control, n_arm = n * plan.holdout_share, n * (1 - plan.holdout_share) / plan.n_arms
    grown = design_effect(plan.cluster_size, alike=alike)
    rows = []
    for metric in now:
        values, base = now[metric].to_numpy(dtype=np.float64), float(now[metric].mean())
        saved = _explained(values, before[metric].to_numpy(dtype=np.float64))
        spread = float(values.std(ddof=1)) * math.sqrt((1 - saved) * grown)
        mde = minimum_detectable_effect(spread, n_treated=n_arm, n_control=n_control, power=plan.power)
        hoped = plan.expected_rel_effect * base
        seen = power(hoped, spread=spread, n_treated=n_arm, n_control=n_control) if spread > 0 else math.nan
        needed = math.nan
        if spread > 0 and hoped > 0:
            pair = sample_size(hoped, spread=spread, share_control=n_control / (n_arm + n_control), power=plan.power)
            needed = pair * n / (n_arm + n_control)
        rounds = math.ceil(needed / n) if math.isfinite(needed) else math.nan
        rows.append((metric, base, saved, mde, mde / base if base > 0 else math.nan, seen, needed, rounds))
    columns = ["metric", "base", "variance_saved", "mde", "mde_rel", "power", "n_needed", "n_rounds"]
    return pd.DataFrame(rows, columns=columns)


def visible_by_share(
    now: pd.DataFrame,
    before: pd.DataFrame,
    *,
    plan: Plan,
    metric: str,
    money: str,
    alike: float = 0.0,
    shares: Sequence[float] = HOLDOUT_SHARES,
) -> pd.DataFrame:
    """Return one row per holdout share, the planned one among them: what it shows and what it costs.

    Columns ``holdout_share``, ``n_holdout``, ``mde_rel`` (share of the base of ``metric``), ``power`` (of the hoped
    effect), ``holdout_cost`` (sales of ``money`` that the holdout would miss within the window if the hope is true),
    ``is_planned``.
    """
    rows = []
    for share in sorted({*shares, plan.holdout_share}):
        tried = plan._replace(holdout_share=share)
        found = visible_effects(now[[metric]], before[[metric]], plan=tried, alike=alike).iloc[0]
        held = round(len(now) * share)
        cost = held * float(now[money].mean()) * plan.expected_rel_effect
        rows.append((share, held, float(found["mde_rel"]), float(found["power"]), cost, share == plan.holdout_share))
    return pd.DataFrame(rows, columns=["holdout_share", "n_holdout", "mde_rel", "power", "holdout_cost", "is_planned"])


def alike_within(values: ArrayLike, clusters: ArrayLike) -> float:
    """Return how alike outcomes are within clusters (intraclass correlation, by analysis of variance), at least 0."""
    frame = pd.DataFrame({"y": np.asarray(values, dtype=np.float64), "g": np.asarray(clusters)})
    groups = frame.groupby("g")["y"]
    n, k = len(frame), groups.ngroups
    if k < 2 or n <= k:
        return 0.0
    sizes, means = groups.size().to_numpy(dtype=np.float64), groups.mean().to_numpy(dtype=np.float64)
    between = float(np.sum(sizes * (means - frame["y"].mean()) ** 2)) / (k - 1)
    within = float(np.sum((frame["y"] - groups.transform("mean")) ** 2)) / (n - k)
    size = (n - float(np.sum(sizes**2)) / n) / (k - 1)
    total = between + (size - 1) * within
    return max((between - within) / total, 0.0) if total > 0 else 0.0


def _explained(values: NDArray[np.float64], before: NDArray[np.float64]) -> float:
    """Return the share of variance that the window before explains."""
    if values.std() == 0 or before.std() == 0:
        return 0.0
    return float(np.corrcoef(values, before)[0, 1] ** 2)
