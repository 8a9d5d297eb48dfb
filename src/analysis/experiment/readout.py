"""What an experiment says: every arm against the control, every metric, plainly first and then by harder ways.

Customers are compared as they were assigned (intention to treat), whatever became of the touch.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.experiment.participants import measures_before
from analysis.stats.clustering import clustered_difference, wild_difference
from analysis.stats.means import (
    Difference,
    adjusted_difference,
    bootstrap_difference,
    cuped_difference,
    relative_difference,
    welch_difference,
    winsorised_difference,
)
from analysis.stats.proportions import holm
from analysis.stats.sequential import always_valid_difference

__all__ = [
    "CHECK_COLUMNS",
    "EFFECT_COLUMNS",
    "FEWEST_CUSTOMERS",
    "METRIC_KINDS",
    "METRIC_UNITS",
    "Trial",
    "check_metrics",
    "checks",
    "read_out",
]

Floats = NDArray[np.float64]

METRIC_KINDS: Final = ("rate", "count", "money")
METRIC_UNITS: Final = {"rate": ("share", "points"), "count": ("number", "number"), "money": ("money", "money")}
"""Unit of a mean and of a difference of means, by kind of metric."""

FEWEST_CUSTOMERS: Final = 10
"""Customers an arm needs before anything is read out."""

_MOST_WILD_CLUSTERS: Final = 200
"""With more clusters the plain cluster interval is as good, and the wild one slow."""

_ENDS: Final = ("", "_ci_lower", "_ci_upper")

EFFECT_COLUMNS: Final = (
    "metric", "arm", "kind", "n", "n_control", "mean", "mean_control", "std_error", "pvalue", "pvalue_holm",
    *(f"{what}{end}" for what in ("effect", "rel_effect", "effect_adjusted", "effect_sequential") for end in _ENDS),
    "std_error_adjusted", "variance_saved", "confidence_level",
)  # fmt: skip

CHECK_COLUMNS: Final = (
    "metric", "arm", "kind", "method", "effect", "effect_ci_lower", "effect_ci_upper", "std_error", "variance_saved",
    "confidence_level",
)  # fmt: skip


class Trial(NamedTuple):
    """An experiment ready to be read out.

    Attributes:
        customers: One row per customer: ``arm``, every metric, every covariate, the cluster column.
        control: The arm that others are compared with.
        metrics: Kind of each metric, by name, the leading one first.
        covariates: Columns known before, to adjust by.
        cluster: Column whose values were assigned whole, or None where customers were assigned one by one.
        near: Column of clusters that customers are alike in without having been assigned by (staff), or None.
        confidence_level: Of all intervals.
    """

    customers: pd.DataFrame
    control: str
    metrics: Mapping[str, str]
    covariates: Sequence[str] = ()
    cluster: str | None = None
    near: str | None = None
    confidence_level: float = 0.95

    @property
    def arms(self) -> list[str]:
        """All arms but the control, in the order of their names."""
        return sorted(arm for arm in self.customers["arm"].unique() if arm != self.control)


class _Pair(NamedTuple):
    """One metric of one arm and the control, customers without the metric left out."""

    y1: Floats
    y0: Floats
    before1: Floats
    before0: Floats
    both: pd.DataFrame
    treated: NDArray[np.bool_]
    outcome: Floats


def read_out(trial: Trial) -> pd.DataFrame:
    """Return one row per metric and arm: the plain effect and, beside it, what adjusting and peeking make of it.

    Columns (see ``EFFECT_COLUMNS``): ``n`` and ``n_control`` (customers with the metric), ``mean`` and
    ``mean_control``, ``effect`` (difference) with interval, ``std_error`` and ``pvalue`` of it, ``rel_effect`` (share
    of the control's mean), ``effect_adjusted`` (Lin's regression on the covariates), ``variance_saved`` (share),
    ``effect_sequential`` (interval for those who look often), ``pvalue_holm`` (over all rows). The plain effect is
    Welch's; where whole clusters were assigned its error is that of clusters, and no other is shown.

    Raises:
        AnalysisError: If an arm has too few customers, or a metric is not what the book says.
    """
    check_metrics(trial)
    rows = [_row(trial, metric=metric, arm=arm) for metric in trial.metrics for arm in trial.arms]
    table = pd.DataFrame(rows, columns=list(EFFECT_COLUMNS))
    return table.assign(pvalue_holm=holm(table["pvalue"]))


def checks(trial: Trial, *, seed: int) -> pd.DataFrame:
    """Return one row per metric, arm and way of estimating: whether the plain effect stands.

    Methods: ``plain``, ``cuped`` (first covariate that is a number), ``adjusted``; for money ``winsorised`` and
    ``bootstrap``; ``clustered`` and ``wild`` where there are clusters; ``sequential``.

    Args:
        trial: The experiment.
        seed: Of the bootstraps.
    """
    rows = []
    trial = _with_numbered_clusters(trial)
    for metric, kind in trial.metrics.items():
        for arm in trial.arms:
            pair = _pair(trial, metric=metric, arm=arm)
            plain = _plain(trial, pair)
            for method, (found, saved) in _ways(trial, pair, kind=kind, seed=seed).items():
                shares_saved = 1 - (found.std_error / plain.std_error) ** 2 if plain.std_error > 0 else 0.0
                told = saved if saved is not None else shares_saved if method == "cuped" else np.nan
                ends = (found.value, found.ci_lower, found.ci_upper, found.std_error)
                rows.append((metric, arm, kind, method, *ends, told, trial.confidence_level))
    return pd.DataFrame(rows, columns=list(CHECK_COLUMNS))


def _with_numbered_clusters(trial: Trial) -> Trial:
    """Return the experiment with numbers for its clusters: names are put in order once, not for every interval."""
    column = trial.cluster or trial.near
    if column is None:
        return trial
    named = trial.customers[column]
    alone = "alone " + named.index.astype(str)  # who is in no cluster is one of their own
    names = named.astype(object).where(named.notna(), alone).astype(str).to_numpy(dtype=object)
    codes = np.unique(names, return_inverse=True)[1]
    return trial._replace(customers=trial.customers.assign(**{column: codes}))


def check_metrics(trial: Trial) -> None:
    """Check that the experiment can be read out.

    Raises:
        AnalysisError: If there is nothing to compare, an arm is too small, or a metric is not of its kind.
    """
    counts = trial.customers["arm"].value_counts()
    if not trial.arms:
        raise AnalysisError(f"Only the control '{trial.control}' has customers: there is nothing to compare.")
    for arm in (trial.control, *trial.arms):
        if counts.get(arm, 0) < FEWEST_CUSTOMERS:
            raise AnalysisError(
                f"Arm '{arm}' has {counts.get(arm, 0)} customers; a readout needs {FEWEST_CUSTOMERS} in every arm."
            )
    for metric, kind in trial.metrics.items():
        values = trial.customers[metric]
        if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
            raise AnalysisError(f"The metric '{metric}' is not a number.", hint="name a column of numbers")
        known = values.dropna().astype("float64")
        if kind == "rate" and len(known) and not known.between(0, 1).all():
            raise AnalysisError(
                f"The metric '{metric}' is called a rate but goes from {known.min():g} to {known.max():g}.",
                hint="a rate is 0 or 1 for each customer; else call it count or money",
            )


def _pair(trial: Trial, *, metric: str, arm: str) -> _Pair:
    both = trial.customers[trial.customers["arm"].isin([arm, trial.control])]
    both = both[both[metric].notna()]
    treated = (both["arm"] == arm).to_numpy(dtype=bool)
    outcome = both[metric].to_numpy(dtype=np.float64)
    before = measures_before(both, columns=trial.covariates)
    return _Pair(outcome[treated], outcome[~treated], before[treated], before[~treated], both, treated, outcome)


def _plain(trial: Trial, pair: _Pair) -> Difference:
    if trial.cluster is None:
        return welch_difference(pair.y1, pair.y0, confidence_level=trial.confidence_level)
    return clustered_difference(
        pair.outcome, treated=pair.treated, clusters=pair.both[trial.cluster], confidence_level=trial.confidence_level
    )


def _row(trial: Trial, *, metric: str, arm: str) -> dict[str, object]:
    pair, level = _pair(trial, metric=metric, arm=arm), trial.confidence_level
    plain = _plain(trial, pair)
    adjusted, saved = _adjusted(trial, pair)
    valid = always_valid_difference(plain, n_treated=len(pair.y1), n_control=len(pair.y0), confidence_level=level)
    relative = _relative(trial, pair, plain=plain)
    return {
        "metric": metric, "arm": arm, "kind": trial.metrics[metric], "n": len(pair.y1), "n_control": len(pair.y0),
        "mean": float(pair.y1.mean()), "mean_control": float(pair.y0.mean()),
        "std_error": plain.std_error, "pvalue": plain.pvalue,
        **_ends("effect", plain), **_ends("effect_adjusted", adjusted), **_ends("effect_sequential", valid),
        **dict(zip((f"rel_effect{end}" for end in _ENDS), relative, strict=True)),
        "std_error_adjusted": adjusted.std_error, "variance_saved": saved, "confidence_level": level,
    }  # fmt: skip


def _relative(trial: Trial, pair: _Pair, *, plain: Difference) -> tuple[float, float, float]:
    """Return the relative effect; where clusters were assigned its ends are those of the effect over the control."""
    relative = relative_difference(pair.y1, pair.y0, confidence_level=trial.confidence_level)
    if trial.cluster is None:
        return relative.value, relative.ci_lower, relative.ci_upper
    base = float(pair.y0.mean())
    return (relative.value, plain.ci_lower / base, plain.ci_upper / base) if base > 0 else (np.nan, np.nan, np.nan)


def _adjusted(trial: Trial, pair: _Pair) -> tuple[Difference, float]:
    """Return Lin's adjusted difference and the share of variance it saves.

    Whole clusters are adjusted by residuals: the outcome less what the covariates explain within the arms, with the
    error of clusters.
    """
    if not pair.before1.shape[1]:
        return _plain(trial, pair), 0.0
    if trial.cluster is None:
        before = {"treated_before": pair.before1, "control_before": pair.before0}
        found = adjusted_difference(pair.y1, pair.y0, confidence_level=trial.confidence_level, **before)
        return found.difference, found.variance_saved
    measures = np.zeros((len(pair.outcome), pair.before1.shape[1]))
    measures[pair.treated], measures[~pair.treated] = pair.before1, pair.before0
    within, left = measures - measures.mean(axis=0), pair.outcome.copy()
    for side in (pair.treated, ~pair.treated):
        within[side] -= within[side].mean(axis=0)
        left[side] -= left[side].mean()
    slopes = np.linalg.lstsq(within, left, rcond=None)[0]
    outcome = pair.outcome - (measures - measures.mean(axis=0)) @ slopes
    clusters, level = pair.both[trial.cluster], trial.confidence_level
    difference = clustered_difference(outcome, treated=pair.treated, clusters=clusters, confidence_level=level)
    plain = _plain(trial, pair)
    saved = 1 - (difference.std_error / plain.std_error) ** 2 if plain.std_error > 0 else 0.0
    return difference, saved


def _ways(trial: Trial, pair: _Pair, *, kind: str, seed: int) -> dict[str, tuple[Difference, float | None]]:
    """Return every way of estimating that suits the metric, by name, with the variance saved where it is told."""
    level, plain = trial.confidence_level, _plain(trial, pair)
    found: dict[str, tuple[Difference, float | None]] = {"plain": (plain, None)}
    if pair.before1.shape[1]:
        if trial.cluster is None:
            cuped = cuped_difference(
                pair.y1, pair.y0, treated_before=pair.before1[:, 0], control_before=pair.before0[:, 0],
                confidence_level=level,
            )  # fmt: skip
            found["cuped"] = (cuped.difference, cuped.variance_saved)
        found["adjusted"] = _adjusted(trial, pair)
    if kind == "money" and trial.cluster is None:
        rng = np.random.default_rng(seed)
        found["winsorised"] = (winsorised_difference(pair.y1, pair.y0, confidence_level=level), None)
        found["bootstrap"] = (bootstrap_difference(pair.y1, pair.y0, rng=rng, confidence_level=level), None)
    found |= {name: (way, None) for name, way in _clustered(trial, pair, seed=seed).items()}
    valid = always_valid_difference(plain, n_treated=len(pair.y1), n_control=len(pair.y0), confidence_level=level)
    found["sequential"] = (valid, None)
    return found


def _clustered(trial: Trial, pair: _Pair, *, seed: int) -> dict[str, Difference]:
    """Return the intervals of clusters, where customers have them and they are enough."""
    column = trial.cluster or trial.near
    if column is None:
        return {}
    clusters = pair.both[column].to_numpy()
    try:
        found = {
            "clustered": clustered_difference(
                pair.outcome, treated=pair.treated, clusters=clusters, confidence_level=trial.confidence_level
            )
        }
    except AnalysisError:  # fewer clusters than can tell their own spread: the page has no such row
        return {}
    if len(np.unique(clusters)) <= _MOST_WILD_CLUSTERS:
        rng = np.random.default_rng(seed)
        found["wild"] = wild_difference(
            pair.outcome, treated=pair.treated, clusters=clusters, rng=rng, confidence_level=trial.confidence_level
        )
    return found


def _ends(name: str, found: Difference) -> dict[str, float]:
    return dict(zip((f"{name}{end}" for end in _ENDS), (found.value, found.ci_lower, found.ci_upper), strict=True))
