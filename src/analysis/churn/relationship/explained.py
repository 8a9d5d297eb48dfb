"""What the hazard models say in numbers a page can show: ratios with intervals, incidence by source."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.churn.relationship.forecast import TenureHazards
from analysis.churn.relationship.hazards import FIRST_WEEK_DAYS, HazardModel, design
from analysis.churn.relationship.life_table import Incidence
from analysis.churn.relationship.person_days import TENURE_STARTS, tenure_stretch

__all__ = ["as_model", "as_plain", "hazard_ratios", "model_incidence", "thinned_days"]

Floats = NDArray[np.float64]

_REFERENCE_STRETCH: Final = 31
_ROWS_PER_STRETCH: Final = 2_000
_NUDGE: Final = 1e-6


def as_plain(model: HazardModel) -> dict[str, Any]:
    """Return a model as plain values that JSON can hold."""
    kept = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in model._asdict().items()}
    return kept | {"terms": list(model.terms)}


def as_model(plain: Mapping[str, Any]) -> HazardModel:
    """Return the model that ``as_plain`` wrote down."""
    arrays = {name: np.array(plain[name], dtype=np.float64) for name in ("coefficient", "covariance")}
    return HazardModel(**{**plain, **arrays, "terms": tuple(plain["terms"])})


def hazard_ratios(model: HazardModel, *, days: pd.DataFrame, confidence_level: float = 0.95) -> pd.DataFrame:
    """Return the ratios of a model, one row per term, each against what a reader would compare it with.

    A source is compared with the geometric mean of the other sources, weighted by days at risk in the same part of
    tenure; a stretch of tenure with that of day 31; touches: one more against none more.

    Args:
        model: Of one door.
        days: That it was fitted to (``tenure_days``, ``source_state``, ``weight``).
        confidence_level: Of the intervals.

    Returns:
        ``covariate`` (the term), ``door``, ``hazard_ratio`` with ``_ci_lower`` and ``_ci_upper``, ``confidence_level``.
    """
    from scipy.special import ndtri

    named = [*model.terms, *_reference_sources(model.terms, days=days)]
    contrasts = np.stack([_contrast(model.terms, term, days=days) for term in named])
    log_ratio = contrasts @ model.coefficient
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", contrasts, model.covariance, contrasts), 0.0))
    half = float(ndtri(0.5 + confidence_level / 2)) * error
    shown = np.abs(contrasts).sum(axis=1) > 0  # the reference stretch of tenure is compared with itself
    table = pd.DataFrame(
        {
            "covariate": named,
            "door": model.door,
            "hazard_ratio": np.exp(log_ratio),
            "hazard_ratio_ci_lower": np.exp(log_ratio - half),
            "hazard_ratio_ci_upper": np.exp(log_ratio + half),
            "confidence_level": confidence_level,
        }
    )
    kept: pd.DataFrame = table.loc[shown].reset_index(drop=True)
    return kept


def _reference_sources(terms: Sequence[str], *, days: pd.DataFrame) -> list[str]:
    """Return the names of terms for sources that the others were measured against, where that is one source alone."""
    found = []
    for kind, early in (("source_first_week", True), ("source_later", False)):
        there = set(days.loc[(days["tenure_days"] <= FIRST_WEEK_DAYS) == early, "source_state"].astype(str))
        missing = sorted(there - {term.partition(":")[2] for term in terms if term.startswith(f"{kind}:")})
        found += [f"{kind}:{missing[0]}"] if len(missing) == 1 < len(there) else []
    return found


def _contrast(terms: Sequence[str], term: str, *, days: pd.DataFrame) -> Floats:
    """Return the weights of the coefficients whose sum is a term's log ratio."""
    weights = np.zeros(len(terms))
    kind, _, what = term.partition(":")
    if term in terms:
        weights[terms.index(term)] = 1.0
    if kind == "tenure":
        starts = [int(other.partition(":")[2]) for other in terms if other.startswith("tenure:")]
        against = max((start for start in starts if start <= _REFERENCE_STRETCH), default=starts[0])
        weights[terms.index(f"tenure:{against}")] -= 1.0
    elif kind in {"source_first_week", "source_later"}:
        part = (days["tenure_days"] <= FIRST_WEEK_DAYS) == (kind == "source_first_week")
        at_risk = days.loc[part].groupby("source_state", observed=True)["weight"].sum().drop(what, errors="ignore")
        for other, weight in (at_risk / at_risk.sum()).items():
            if f"{kind}:{other}" in terms:
                weights[terms.index(f"{kind}:{other}")] = -weight
    return weights


def model_incidence(
    model: HazardModel,
    *,
    hazards: TenureHazards,
    days: pd.DataFrame,
    tenure_days: Sequence[int],
    source: str | None = None,
    confidence_level: float = 0.95,
) -> Incidence:
    """Return the incidence of deletion by the customer as the model has it, with the touches that contacts had.

    Args:
        model: Of the customer's door.
        hazards: Whose staff door competes.
        days: Days at risk that the mean hazard of each stretch is taken over, equal in weight (``thinned_days``).
        tenure_days: Days of tenure asked for.
        source: Every contact is taken to have come by this code, all else as it was; None: by its own.
        confidence_level: Of the interval (delta method): doubt about the coefficients, not about the staff door.

    Returns:
        Entries per asked-for day; ``n_at_risk`` is 0 where no contact was seen so long.
    """
    from scipy.special import ndtri

    mean, slope = _mean_hazards(model, days=days, source=source)
    asked = np.asarray(tenure_days, dtype=np.int64)

    def incidence(hazard: Floats) -> Floats:
        stretch = tenure_stretch(np.arange(int(asked.max(initial=0)) + 1))
        still = np.cumprod(1.0 - hazard[stretch] - hazards.staff[stretch])
        return np.cumsum(np.concatenate(([1.0], still[:-1])) * hazard[stretch])[asked]

    value = incidence(mean)
    moves = [(incidence(mean + _NUDGE * unit) - value) / _NUDGE for unit in np.eye(len(mean))]
    gradient = np.stack(moves, axis=1) @ slope
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", gradient, model.covariance, gradient), 0.0))
    log_stay = np.log1p(-np.clip(value, 1e-12, 1 - 1e-12))
    half = float(ndtri(0.5 + confidence_level / 2)) * error / ((1.0 - value) * -log_stay)
    lower, upper = (-np.expm1(log_stay * np.exp(sign * half)) for sign in (-1.0, 1.0))
    reached = tenure_stretch(asked) <= int(tenure_stretch(days["tenure_days"].to_numpy()).max(initial=0))
    return Incidence(value, lower, upper, np.where(reached, len(days), 0))


def thinned_days(days: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return days drawn from each stretch of tenure in proportion to how many days each stands for, equal in weight."""
    rng = np.random.default_rng(seed)
    stretch = tenure_stretch(days["tenure_days"].to_numpy())
    weight = days["weight"].to_numpy(dtype=np.float64)
    drawn = []
    for place in np.unique(stretch):
        rows = np.flatnonzero(stretch == place)
        # systematic sampling: the smallest luck that a random sample in proportion to weight can have
        steps = (np.arange(_ROWS_PER_STRETCH) + rng.random()) / _ROWS_PER_STRETCH * weight[rows].sum()
        drawn.append(rows[np.minimum(np.searchsorted(weight[rows].cumsum(), steps), len(rows) - 1)])
    return days.iloc[np.concatenate(drawn)].reset_index(drop=True)


def _mean_hazards(model: HazardModel, *, days: pd.DataFrame, source: str | None) -> tuple[Floats, Floats]:
    """Return the mean hazard of each stretch of tenure and how it moves with the coefficients."""
    matrix = design(days if source is None else days.assign(source_state=source), terms=model.terms)
    log_odds = matrix @ model.coefficient
    if model.staff:
        log_odds += np.log(days["staff_id"].map(model.staff).fillna(1.0).to_numpy(dtype=np.float64))
    chance = 1.0 / (1.0 + np.exp(-log_odds))
    stretch = tenure_stretch(days["tenure_days"].to_numpy())
    mean, slope = np.zeros(len(TENURE_STARTS)), np.zeros((len(TENURE_STARTS), len(model.terms)))
    for place in range(len(TENURE_STARTS)):
        rows = stretch == place
        if rows.any():
            mean[place] = chance[rows].mean()
            slope[place] = (chance[rows] * (1.0 - chance[rows])) @ matrix[rows] / rows.sum()
        elif place:  # nobody has reached it: as the stretch before
            mean[place], slope[place] = mean[place - 1], slope[place - 1]
    return mean, slope
