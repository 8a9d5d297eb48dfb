"""From simulated totals to what a page says: increments over no touch, intervals, P(best), the ledger.

Two kinds of uncertainty go into an interval: what we do not know (draws of the effect sizes) and luck. Replicates
simulate a sample of customers, which makes luck look larger than it is for all of them; ``rescaled`` corrects that.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.touch.money import LEDGER, entry, profit
from analysis.touch.outcome import Outcome
from analysis.touch.strategies import NO_TOUCH

__all__ = [
    "CONFIDENCE",
    "MEASURES",
    "drivers",
    "drivers_of",
    "increments",
    "lead",
    "ledger",
    "luck_variance",
    "outcomes",
    "p_best",
    "rescaled",
    "segment_outcomes",
    "spread_of",
    "strategy_draws",
]

Floats = npt.NDArray[np.float64]

CONFIDENCE: Final = 0.8  # of every interval here; the look pages show 80 % for decisions between strategies
MEASURES: Final = {
    "incremental_profit": "money",
    "incremental_orders": "orders",
    "incremental_repurchase_rate": "share",
    "deletions": "deletions",
    "incremental_deletions": "deletions",
    "touches": "touches",
    "read_touches": "touches",
    "staff_hours": "hours",
    "cost": "money",
    "incremental_revenue": "money",
    "roi": "ratio",
    "refusals": "customers",
    "reach": "share",
}


class Spread(NamedTuple):
    """A point with its interval and the simulation's own error of the point."""

    value: float
    ci_lower: float
    ci_upper: float
    std_error: float


def increments(outcome: Outcome, *, checkpoint: int = -1, margin_share: float = 1.0) -> dict[str, Floats]:
    """Return each measure per strategy and replicate, (strategies, replicates), for all customers.

    Increments are against ``no_touch`` in the same replicate: same customers, same luck.

    Args:
        outcome: What was simulated.
        checkpoint: Place of the checkpoint; the last one is the horizon.
        margin_share: Margin of an order's amount (0-1), by which revenue is worked out; it is counted after coupons.
    """
    return _measures(outcome.totals[:, checkpoint], outcome, customers=outcome.n_customers, margin_share=margin_share)


def _measures(totals: Floats, outcome: Outcome, *, customers: float, margin_share: float) -> dict[str, Floats]:
    extra = totals - totals[outcome.strategies.index(NO_TOUCH)]
    costs = [entry(name) for name in ("coupons", "touch_costs", "staff_costs", "fixed_costs")]
    cost, gain = -totals[..., costs].sum(axis=-1), profit(extra)
    return {
        "incremental_profit": gain,
        "incremental_orders": extra[..., entry("orders")],
        "incremental_repurchase_rate": extra[..., entry("repurchasers")] / max(customers, 1.0),
        "deletions": totals[..., entry("deletions")],
        "incremental_deletions": extra[..., entry("deletions")],
        "touches": totals[..., entry("delivered")],
        "read_touches": totals[..., entry("read")],
        "staff_hours": totals[..., entry("staff_minutes")] / 60,
        "cost": cost,
        "incremental_revenue": extra[..., entry("margin")] / margin_share + extra[..., entry("coupons")],
        "roi": np.divide(gain, cost, out=np.full_like(gain, np.nan), where=cost > 0),
        "refusals": totals[..., entry("refusals")],
        "reach": totals[..., entry("reached")] / max(customers, 1.0),
    }


def rescaled(values: Floats, *, lanes_per_draw: int, sample_share: float) -> Floats:
    """Return one value per draw whose spread holds our ignorance once and luck once, at full size.

    ``values`` are totals scaled up from a sample, per replicate. The variance between draws is split into
    ignorance and luck by what lanes of the same draw differ in; luck shrinks by ``sample_share`` (all customers have
    less of it than a sample scaled up), and the draws are stretched or shrunk about their mean accordingly.

    Examples:
        >>> rescaled(np.array([1.0, 1.0, 3.0, 3.0]), lanes_per_draw=2, sample_share=1.0).tolist()
        [1.0, 3.0]
    """
    draws = values.reshape(-1, lanes_per_draw).mean(axis=1)
    between = float(draws.var(ddof=1)) if len(draws) > 1 else 0.0
    if lanes_per_draw < 2 or between == 0:
        return np.asarray(draws)
    luck = luck_variance(values, lanes_per_draw=lanes_per_draw)
    ignorance = max(between - luck / lanes_per_draw, 0.0)
    stretch = np.sqrt((ignorance + luck * sample_share) / between)
    return np.asarray(draws.mean() + stretch * (draws - draws.mean()))


def luck_variance(values: Floats, *, lanes_per_draw: int) -> float:
    """Return the variance that luck alone causes in one replicate, from what lanes of the same draw differ in; else 0.

    Examples:
        >>> luck_variance(np.array([1.0, 3.0, 5.0, 5.0]), lanes_per_draw=2)
        1.0
    """
    if lanes_per_draw < 2:
        return 0.0
    return float(values.reshape(-1, lanes_per_draw).var(axis=1, ddof=1).mean())


def spread_of(values: Floats, *, outcome: Outcome) -> Spread:
    """Return the point and interval of one measure from its replicates."""
    draws = rescaled(
        values,
        lanes_per_draw=outcome.lanes_per_draw,
        sample_share=outcome.n_simulated / outcome.n_customers,
    )
    by_draw = values.reshape(-1, outcome.lanes_per_draw).mean(axis=1)
    error = float(by_draw.std(ddof=1) / np.sqrt(len(by_draw))) if len(by_draw) > 1 else float("nan")
    lower, upper = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Spread(float(by_draw.mean()), float(lower), float(upper), error)


def p_best(outcome: Outcome) -> pd.DataFrame:
    """Return each strategy's share of draws in which its expected profit is the highest, with its Monte Carlo error.

    Profit is averaged over the lanes of a draw first. What luck remains in that average moves shares towards each
    other, so a high share is, if anything, understated. Doing nothing competes with a profit of 0.
    """
    share, draws = _shares_best(increments(outcome)["incremental_profit"], lanes_per_draw=outcome.lanes_per_draw)
    error = np.sqrt(share * (1 - share) / draws)
    return pd.DataFrame({"strategy": outcome.strategies, "p_best": share, "p_best_std_error": error, "draws": draws})


def _shares_best(gain: Floats, *, lanes_per_draw: int) -> tuple[Floats, int]:
    by_draw = gain.reshape(len(gain), -1, lanes_per_draw).mean(axis=2)
    return np.bincount(by_draw.argmax(axis=0), minlength=len(gain)) / by_draw.shape[1], by_draw.shape[1]


def segment_outcomes(
    outcome: Outcome, *, customers: Mapping[str, int], grade: str, margin_share: float = 1.0
) -> pd.DataFrame:
    """Return all measures by segment at the horizon: segment, strategy, measure, value, unit, interval, grade, n.

    ``p_best`` (without interval) is the share of draws in which the strategy's expected profit in that segment is the
    highest. Fixed costs belong to no segment.

    Args:
        outcome: What was simulated, with its split by segment.
        customers: Customers of each segment.
        grade: Evidence grade of all of it.
        margin_share: As in ``increments``.
    """
    rows: list[dict[str, Any]] = []
    for place, segment in enumerate(outcome.segments):
        n = customers[segment]
        measures = _measures(outcome.by_segment[place, :, -1], outcome, customers=n, margin_share=margin_share)
        share, _ = _shares_best(measures["incremental_profit"], lanes_per_draw=outcome.lanes_per_draw)
        for s, strategy in enumerate(outcome.strategies):
            about = {"segment": segment, "strategy": strategy, "n": n}
            rows += [
                {**about, "measure": m, "unit": MEASURES[m], **spread_of(values[s], outcome=outcome)._asdict()}
                for m, values in measures.items()
            ]
            rows.append({**about, "measure": "p_best", "unit": "share", "value": float(share[s])})
    return pd.DataFrame(rows).assign(confidence_level=CONFIDENCE, grade=grade)


def outcomes(outcome: Outcome, *, grade: str, margin_share: float = 1.0) -> pd.DataFrame:
    """Return the tidy table of all measures: strategy, measure, value, unit, interval, grade."""
    rows: list[dict[str, Any]] = []
    for measure, values in increments(outcome, margin_share=margin_share).items():
        for name, replicates in zip(outcome.strategies, values, strict=True):
            spread = spread_of(replicates, outcome=outcome)
            rows.append({"strategy": name, "measure": measure, "unit": MEASURES[measure], **spread._asdict()})
    best = p_best(outcome)
    low = (best["p_best"] - 1.2816 * best["p_best_std_error"]).clip(0, 1)
    high = (best["p_best"] + 1.2816 * best["p_best_std_error"]).clip(0, 1)
    shares = pd.DataFrame(
        {
            "strategy": best["strategy"],
            "measure": "p_best",
            "unit": "share",
            "value": best["p_best"],
            "ci_lower": low,
            "ci_upper": high,
            "std_error": best["p_best_std_error"],
        }
    )
    table = pd.concat([pd.DataFrame(rows), shares], ignore_index=True)
    return table.assign(confidence_level=CONFIDENCE, grade=grade, n=outcome.n_customers)


def strategy_draws(outcome: Outcome) -> pd.DataFrame:
    """Return incremental profit and deletions per strategy and draw, luck averaged over the draw's lanes."""
    measures = increments(outcome)
    draws = outcome.totals.shape[2] // outcome.lanes_per_draw
    frames = [
        pd.DataFrame(
            {
                "strategy": name,
                "draw": np.arange(draws),
                **{
                    measure: measures[measure][s].reshape(draws, -1).mean(axis=1)
                    for measure in ("incremental_profit", "incremental_orders", "incremental_deletions")
                },
            }
        )
        for s, name in enumerate(outcome.strategies)
    ]
    return pd.concat(frames, ignore_index=True)


def ledger(outcome: Outcome) -> pd.DataFrame:
    """Return the increments of every ledger entry against no touch; a strategy's rows sum to its profit."""
    totals = outcome.totals[:, -1]
    extra = totals - totals[outcome.strategies.index(NO_TOUCH)]
    rows = [
        {"strategy": name, "entry": column, "value": float(extra[s, :, entry(column)].mean())}
        for s, name in enumerate(outcome.strategies)
        for column in LEDGER
    ]
    return pd.DataFrame(rows)


def lead(outcome: Outcome, *, first: str, second: str) -> Spread:
    """Return by how much the first strategy's profit exceeds the second's, replicate by replicate."""
    gain = increments(outcome)["incremental_profit"]
    names = outcome.strategies
    return spread_of(gain[names.index(first)] - gain[names.index(second)], outcome=outcome)


def drivers(outcome: Outcome, *, first: str, second: str) -> pd.DataFrame:
    """Return what the first strategy's lead over the second hangs on, as ``drivers_of`` does, from one outcome."""
    gain = increments(outcome)["incremental_profit"]
    names = outcome.strategies
    by_lane = gain[names.index(first)] - gain[names.index(second)]
    return drivers_of(by_lane.reshape(-1, outcome.lanes_per_draw).mean(axis=1), effects=outcome.effects)


def drivers_of(draws: Floats, *, effects: Mapping[str, Floats]) -> pd.DataFrame:
    """Return what a lead, one value per draw, hangs on: its mean where an effect is low, and where it is high.

    Low and high are the lowest and highest third of the draws of that effect, all others left as drawn.

    Returns:
        One row per effect: ``effect``, ``low`` and ``high`` (mean of the effect there), ``lead_if_low`` and
        ``lead_if_high`` (money), ``swing`` (absolute difference), ``flips`` (whether the second wins at one end and
        the first at the other, each beyond the simulation's own error at 80 %); largest swing first.
    """
    third = len(draws) // 3
    rows = []
    for effect, values in effects.items():
        if third < 2 or np.ptp(values) == 0:
            continue
        order = np.argsort(values, kind="stable")
        low, high = order[:third], order[-third:]
        ends = [float(draws[part].mean()) for part in (low, high)]
        sure = [end for end, part in zip(ends, (low, high), strict=True) if abs(end) > _beyond_luck(draws[part])]
        rows.append(
            {
                "effect": effect,
                "low": float(values[low].mean()),
                "high": float(values[high].mean()),
                "lead_if_low": ends[0],
                "lead_if_high": ends[1],
                "swing": abs(ends[1] - ends[0]),
                "flips": len(sure) == 2 and min(sure) < 0 < max(sure),
            }
        )
    columns = ["effect", "low", "high", "lead_if_low", "lead_if_high", "swing", "flips"]
    return pd.DataFrame(rows, columns=columns).sort_values("swing", ascending=False, ignore_index=True)


def _beyond_luck(draws: Floats) -> float:
    """Return how far from zero a mean of draws must lie to be told from it (80 %, two-sided)."""
    return float(1.2816 * draws.std(ddof=1) / np.sqrt(len(draws)))
