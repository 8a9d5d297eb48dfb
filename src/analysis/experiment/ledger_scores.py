"""The ledger's scores: what came of each forecast that is due, and how good forecasts of a kind have been."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.experiment.ledger import AMOUNT, SHARE
from analysis.stats.forecast_scoring import LEVELS, band_of, covered, crps, median_of, probability_transform
from analysis.stats.scoring import Score, proportion

__all__ = [
    "OUTCOMES",
    "Coverage",
    "coverage_of",
    "kept_outcomes",
    "last_ones",
    "pit_bins",
    "reliability",
    "scored",
    "summary",
]

Floats = NDArray[np.float64]

BAND: Final = 0.8
OUTCOMES: Final = {
    "forecast_id": "string",
    "actual": "float64",
    "n_found": "int64",
    "scored_on": "datetime64[us]",
    "actual_first": "float64",
    "first_scored_on": "datetime64[us]",
}
"""What was counted of a forecast: now, and when it was scored first."""

_PIT_BINS: Final = 5
_LEAST: Final = 1e-9


class Coverage(NamedTuple):
    """How many outcomes fell inside their band.

    Attributes:
        n: Forecasts.
        inside: Of these, inside.
        n_days: Days they were made on: forecasts of one day share their luck.
        share: Inside / n, with Wilson's 95 % interval as if each day were one forecast.
    """

    n: int
    inside: int
    n_days: int
    share: Score


def kept_outcomes(earlier: pd.DataFrame | None, found: pd.DataFrame) -> pd.DataFrame:
    """Return the outcomes known so far: new ones, those counted again, and those that were settled before.

    Args:
        earlier: As the predecessor kept them, or None.
        found: Counted in this run: ``forecast_id``, ``actual``, ``n_found``, ``scored_on``.
    """
    new = found.assign(actual_first=found["actual"], first_scored_on=found["scored_on"])
    if earlier is None or earlier.empty:
        return new[list(OUTCOMES)].astype(OUTCOMES)
    before = earlier.set_index("forecast_id")
    again = new["forecast_id"].isin(before.index)
    for column in ("actual_first", "first_scored_on"):
        new.loc[again, column] = before.loc[new.loc[again, "forecast_id"], column].to_numpy()
    kept = earlier[~earlier["forecast_id"].isin(new["forecast_id"])]
    parts = [table[list(OUTCOMES)].astype(OUTCOMES) for table in (kept, new) if len(table)]
    return pd.concat(parts, ignore_index=True) if parts else new[list(OUTCOMES)].astype(OUTCOMES)


def scored(frozen: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return the due forecasts of amounts with their scores, in the order in which they fell due.

    Args:
        frozen: Frozen rows.
        outcomes: From ``kept_outcomes``.

    Returns:
        The frozen rows with ``actual``, ``actual_first``, ``n_found``, ``scored_on``; ``median``, ``ci_lower``,
        ``ci_upper`` (80 %), ``inside``, ``crps`` (in the forecast's unit), ``rel_crps`` (over the median), ``error``
        (actual over median, less 1), ``pit`` (0-1).
    """
    known = frozen[frozen["kind"] == AMOUNT].merge(outcomes, on="forecast_id")
    known = known.sort_values(["due_on", "made_on", "notebook", "name", "horizon_days"], ignore_index=True)
    quantiles, actual = _stacked(known["quantiles"]), known["actual"].to_numpy(dtype=np.float64)
    ends, middle = band_of(quantiles, level=BAND), median_of(quantiles)
    score, size = crps(quantiles, actual), np.maximum(median_of(quantiles), _LEAST)
    return known.assign(
        median=middle,
        ci_lower=ends[:, 0],
        ci_upper=ends[:, 1],
        inside=covered(quantiles, actual, level=BAND),
        crps=score,
        rel_crps=score / size,
        error=actual / size - 1,
        pit=probability_transform(quantiles, actual, draw=_draws(known["forecast_id"])),
    )


def _stacked(quantiles: "pd.Series[Any]") -> Floats:
    if quantiles.empty:
        return np.zeros((0, len(LEVELS)))
    return np.stack([np.asarray(row, dtype=np.float64) for row in quantiles])


def _draws(ids: "pd.Series[str]") -> Floats:
    """Return a number in 0-1 per forecast, from its id: the same in every run."""
    return np.array([(int(text[:8], 16) + 0.5) / 16**8 for text in ids], dtype=np.float64)


def coverage_of(scores: pd.DataFrame) -> Coverage:
    """Return how many of the scored forecasts fell inside their 80 % band; of none, the share is not known (NaN)."""
    n = len(scores)
    if not n:
        return Coverage(0, 0, 0, Score(float("nan"), float("nan"), float("nan")))
    days = scores["made_on"].nunique()
    inside = int(scores["inside"].sum())
    ends = proportion(round(inside / n * days), days)
    value = inside / n
    return Coverage(n, inside, days, Score(value, min(ends.ci_lower, value), max(ends.ci_upper, value)))


def last_ones(scores: pd.DataFrame, *, n: int) -> pd.DataFrame:
    """Return the n scored forecasts that fell due last."""
    return scores.tail(n).reset_index(drop=True)


def summary(scores: pd.DataFrame, *, by: Sequence[str] = ("notebook", "quantity")) -> pd.DataFrame:
    """Return how good forecasts of a kind have been, one row per kind.

    Returns:
        The columns of ``by``, ``n_forecasts``, ``n_days`` (made on), ``n_inside``, ``coverage`` with its 95 % interval,
        ``rel_crps`` (mean), ``bias`` (mean of ln actual / median: above 0, more came than thought) with its interval
        over days, ``rel_width`` (mean width of the band over the median).
    """
    rows = []
    for key, group in scores.groupby(list(by), sort=False):
        found = coverage_of(group)
        came, thought = (np.log(group[name].clip(lower=0.5).astype(float)) for name in ("actual", "median"))
        bias = _mean_over_days(pd.Series(came - thought), days=group["made_on"])
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
                "n_forecasts": found.n,
                "n_days": found.n_days,
                "n_inside": found.inside,
                "coverage": found.share.value,
                "coverage_ci_lower": found.share.ci_lower,
                "coverage_ci_upper": found.share.ci_upper,
                "rel_crps": float(group["rel_crps"].mean()),
                "bias": bias.value,
                "bias_ci_lower": bias.ci_lower,
                "bias_ci_upper": bias.ci_upper,
                "rel_width": float(
                    ((group["ci_upper"] - group["ci_lower"]) / np.maximum(group["median"], _LEAST)).mean()
                ),
                "confidence_level": 0.95,
            }
        )
    return pd.DataFrame(rows, columns=[*by, *_SUMMARY])


def _mean_over_days(values: "pd.Series[float]", *, days: "pd.Series[Any]") -> Score:
    """Return the mean of the days' means with Student's 95 % interval; of one day, no interval (NaN)."""
    from scipy.special import stdtrit

    means = values.groupby(days).mean().to_numpy(dtype=np.float64)
    mean, n = float(means.mean()), len(means)
    if n < 2:
        return Score(mean, float("nan"), float("nan"))
    half = float(stdtrit(n - 1, 0.975) * means.std(ddof=1) / np.sqrt(n))
    return Score(mean, mean - half, mean + half)


def pit_bins(scores: pd.DataFrame) -> pd.DataFrame:
    """Return where outcomes fell in their forecasts: ``pit_from``, ``pit_to``, ``n_forecasts``, ``share`` a fifth."""
    edges = np.linspace(0, 1, _PIT_BINS + 1)
    counts, _ = np.histogram(scores["pit"].to_numpy(dtype=np.float64), bins=edges)
    total = max(int(counts.sum()), 1)
    return pd.DataFrame({"pit_from": edges[:-1], "pit_to": edges[1:], "n_forecasts": counts, "share": counts / total})


def reliability(frozen: pd.DataFrame, outcomes: pd.DataFrame, *, n_groups: int = 5) -> pd.DataFrame:
    """Return probabilities against what was seen, in groups of about equal size by the probability told.

    Args:
        frozen: Frozen rows; those of shares are taken.
        outcomes: From ``kept_outcomes``; ``actual`` counts those it happened to among ``n_found``.
        n_groups: Groups a notebook and quantity are put together in.

    Returns:
        One row per notebook, quantity and group: ``n_customers``, ``n_days``, ``expected`` and ``seen`` (0-1) with
        Wilson's 95 % interval.
    """
    known = frozen[frozen["kind"] == SHARE].merge(outcomes, on="forecast_id")
    known = known[known["n_found"] > 0]
    rows = []
    ordered = known.sort_values(["expected", "forecast_id"])
    for (notebook, quantity), told in ordered.groupby(["notebook", "quantity"], sort=False):
        place = (told["n_found"].cumsum() - told["n_found"] / 2) / told["n_found"].sum() * n_groups
        for _, group in told.groupby(np.minimum(place.astype(int), n_groups - 1)):
            n, hits = int(group["n_found"].sum()), round(float(group["actual"].sum()))
            seen = proportion(hits, n)
            rows.append(
                {
                    "notebook": notebook,
                    "quantity": quantity,
                    "n_customers": n,
                    "n_days": group["made_on"].nunique(),
                    "expected": float((group["expected"] * group["n_found"]).sum() / n),
                    "seen": seen.value,
                    "seen_ci_lower": seen.ci_lower,
                    "seen_ci_upper": seen.ci_upper,
                    "confidence_level": 0.95,
                }
            )
    return pd.DataFrame(rows, columns=_RELIABILITY)


_SUMMARY: Final = (
    "n_forecasts",
    "n_days",
    "n_inside",
    "coverage",
    "coverage_ci_lower",
    "coverage_ci_upper",
    "rel_crps",
    "bias",
    "bias_ci_lower",
    "bias_ci_upper",
    "rel_width",
    "confidence_level",
)
_RELIABILITY: Final = [
    "notebook",
    "quantity",
    "n_customers",
    "n_days",
    "expected",
    "seen",
    "seen_ci_lower",
    "seen_ci_upper",
    "confidence_level",
]
