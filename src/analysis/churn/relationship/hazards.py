"""The daily chance that a contact ends by one door, and what goes together with it.

Each door has a logistic model of the day's chance among the days on which the contact either ended by that door or
stayed: together they are the multinomial logit of competing doors, fitted piece by piece (Begg and Gray). A
coefficient is the logarithm of a ratio of odds of the day; days being short, odds and hazards differ by less than the
hazard itself.

Terms of a model are named ``tenure:<first day>``, ``source_first_week:<code>``, ``source_later:<code>``,
``touches_<window>:<channel>``, ``soon`` and ``soon_touches``. Windows of touches are ``2d`` (that day and the one
before), ``3_7d``, ``8_28d`` where the model explains, ``7d`` and ``8_28d`` where it looks ahead.

References:
    Begg, Gray 1984, Biometrika 71 (individualised logits); Allison 1982, Sociological Methodology 13 (discrete time);
    Nielsen, Gill, Andersen, Sørensen 1992, Scandinavian Journal of Statistics 19 (gamma frailty by EM).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.churn.relationship.person_days import TENURE_STARTS, tenure_stretch
from analysis.errors import AnalysisError
from analysis.features.contacts import DOORS

__all__ = [
    "FEWEST_EVENTS_PER_TERM",
    "FIRST_WEEK_DAYS",
    "FORECAST_PRIOR",
    "WINDOWS",
    "HazardModel",
    "design",
    "fit_hazard",
    "fit_logistic",
    "hazard_terms",
    "soon_touches",
    "staff_effects",
]

Floats = NDArray[np.float64]

FIRST_WEEK_DAYS: Final = 7
"""Up to this day of tenure a source has an effect of its own: forced adds leave at once, then hardly ever."""

FEWEST_EVENTS_PER_TERM: Final = 10
"""A code or channel with fewer events goes without a term: its ratio could be anything."""

WINDOWS: Final = {"2d": (2, 0, 3), "3_7d": (7, 2, 5), "7d": (7, 0, 7), "8_28d": (28, 7, 12)}
"""Windows of touches: counted back over so many days, less those of the latest so many; beyond the third number more
touches of one channel count as so many."""

WINDOWS_THAT_EXPLAIN: Final = ("2d", "3_7d", "8_28d")
WINDOWS_THAT_FORECAST: Final = ("7d", "8_28d")

FORECAST_PRIOR: Final = 0.3
"""Standard deviation of the log ratios of sources and touches, believed before the data speak, where the model looks
ahead: ratios learnt from few events would spread the probabilities too far."""

_SOON_DAYS: Final = 7
_WEAKEST_PRIOR: Final = 100.0
"""Standard deviation of the log ratios where no prior is asked for: two channels that always go together share a ratio
then instead of having none, and nothing else can be seen of it."""

_NEWTON_STEPS: Final = 60
_NEWTON_TOLERANCE: Final = 1e-9
_STAFF_ROUNDS: Final = 3


class HazardModel(NamedTuple):
    """The model of one door.

    Attributes:
        door: "customer" or "staff".
        terms: Names, see the module.
        coefficient: Log odds ratios of the day, in the order of the terms.
        covariance: Theirs.
        staff: Factor on the odds by member of staff, around 1, shrunk (customer door; empty for others).
        staff_variance: Of these factors, if all were known exactly.
        n_events: Ends by this door that were learnt from.
        n_days: Days, ends included, that were learnt from.
    """

    door: str
    terms: tuple[str, ...]
    coefficient: Floats
    covariance: Floats
    staff: dict[str, float]
    staff_variance: float
    n_events: int
    n_days: int

    def log_odds(self, days: pd.DataFrame) -> Floats:
        """Return the log odds of the day's end by this door, a row per day of ``design``; staff included."""
        odds = design(days, terms=self.terms) @ self.coefficient
        if self.staff:
            odds = odds + np.log(days["staff_id"].map(self.staff).fillna(1.0).to_numpy(dtype=np.float64))
        return np.asarray(odds)


def hazard_terms(days: pd.DataFrame, *, door: str, channels: Sequence[str], forecast: bool) -> tuple[str, ...]:
    """Return the terms that the events allow: stretches of tenure, sources, touches by channel.

    Stretches with fewer than ten events are joined to the one before. The largest source has no term where the sources
    too small for one do not have ten events together: all others are measured against it and them.

    Args:
        days: From ``sample_days``, with the columns that ``design`` needs.
        door: Whose events count.
        channels: That may have terms.
        forecast: Whether the model looks ahead from touches of some days ago.
    """
    events = days[days["door"] == DOORS.index(door) + 1]
    stretch = np.bincount(tenure_stretch(events["tenure_days"].to_numpy()), minlength=len(TENURE_STARTS))
    terms = [f"tenure:{start}" for start in _joined_stretches(stretch.tolist())]
    for name, part in (("source_first_week", days["tenure_days"] <= FIRST_WEEK_DAYS), ("source_later", None)):
        which = part if part is not None else days["tenure_days"] > FIRST_WEEK_DAYS
        terms += [f"{name}:{code}" for code in _sources(days[which], events=events.index)]
    for window in WINDOWS_THAT_FORECAST if forecast else WINDOWS_THAT_EXPLAIN:
        for channel in channels:
            n = int((_touches(events, window=window, channel=channel) > 0).sum())
            terms += [f"touches_{window}:{channel}"] if n >= FEWEST_EVENTS_PER_TERM else []
    if forecast and (events["days_before"] <= _SOON_DAYS).sum() >= FEWEST_EVENTS_PER_TERM:
        terms += ["soon", *(["soon_touches"] if any(t.startswith("touches_7d") for t in terms) else [])]
    return tuple(terms)


def _joined_stretches(events: Sequence[int]) -> list[int]:
    """Return the first days of stretches with ten events or more each, the first one from day 0 on."""
    starts, held = [TENURE_STARTS[0]], 0
    for start, n in zip(TENURE_STARTS, events, strict=True):
        if held >= FEWEST_EVENTS_PER_TERM:
            starts, held = [*starts, start], 0
        held += n
    return starts[:-1] if held < FEWEST_EVENTS_PER_TERM and len(starts) > 1 else starts


def _sources(days: pd.DataFrame, *, events: pd.Index) -> list[str]:
    """Return the codes that get terms; those left over are what they are measured against."""
    counts = days.loc[days.index.isin(events), "source_state"].value_counts()
    enough = sorted(str(code) for code in counts.index[counts >= FEWEST_EVENTS_PER_TERM])
    if enough and counts.sum() - counts[enough].sum() < FEWEST_EVENTS_PER_TERM:
        # what the others are measured against needs events, too
        enough.remove(str(days.groupby("source_state", observed=True)["weight"].sum()[enough].idxmax()))
    return enough


def design(days: pd.DataFrame, *, terms: Sequence[str]) -> Floats:
    """Return the design matrix of the terms.

    Args:
        days: One row per contact and day: ``tenure_days``, ``source_state``, ``n_received_<days>d__<channel>``
            (touches; 2, 7 and 28 days), for forecasts ``days_before``.
        terms: See the module.

    Raises:
        AnalysisError: If a term is unknown.
    """
    matrix = np.empty((len(days), len(terms)), order="F")
    starts = [int(term.partition(":")[2]) for term in terms if term.startswith("tenure:")]
    tenure = days["tenure_days"].to_numpy()
    early = tenure <= FIRST_WEEK_DAYS
    source = days["source_state"].astype("category")
    place_of, codes = {str(name): code for code, name in enumerate(source.cat.categories)}, source.cat.codes.to_numpy()
    for place, term in enumerate(terms):
        kind, _, what = term.partition(":")
        if kind == "tenure":
            following = next((start for start in starts if start > int(what)), np.inf)
            matrix[:, place] = (tenure >= int(what)) & (tenure < following)
        elif kind in {"source_first_week", "source_later"}:
            matrix[:, place] = (codes == place_of.get(what, len(place_of))) & (early == (kind == "source_first_week"))
        elif kind.removeprefix("touches_") in WINDOWS:
            matrix[:, place] = _touches(days, window=kind.removeprefix("touches_"), channel=what)
        elif kind == "soon":
            matrix[:, place] = days["days_before"].to_numpy() <= _SOON_DAYS
        elif kind == "soon_touches":
            matrix[:, place] = soon_touches(days)
        else:
            raise AnalysisError(f"Unknown term '{term}'.")
    return matrix


def soon_touches(days: pd.DataFrame) -> Floats:
    """Return the touches of the last 7 days over all channels where the day forecast is at most 7 days away, else 0."""
    columns = [str(c) for c in days.columns if str(c).startswith("n_received_7d__")]
    total = days[columns].sum(axis=1).clip(upper=WINDOWS["7d"][2]).to_numpy(dtype=np.float64)
    return np.where(days["days_before"].to_numpy() <= _SOON_DAYS, total, 0.0)


def _touches(days: pd.DataFrame, *, window: str, channel: str) -> Floats:
    back, less, most = WINDOWS[window]
    count = days[f"n_received_{back}d__{channel}"].to_numpy(dtype=np.float64)
    if less:
        count = count - days[f"n_received_{less}d__{channel}"].to_numpy(dtype=np.float64)
    return np.asarray(np.minimum(count, most), dtype=np.float64)


def fit_hazard(
    days: pd.DataFrame, *, door: str, terms: Sequence[str], by_staff: bool = False, prior: float | None = None
) -> HazardModel:
    """Fit the model of one door to sampled days.

    Args:
        days: From ``sample_days`` with the columns that ``design`` needs, and ``staff_id``.
        door: "customer" or "staff".
        terms: From ``hazard_terms``.
        by_staff: Give each member of staff a factor of their own, drawn from a gamma law around 1 whose variance is
            learnt (shared frailty). Without it, the covariance lets contacts of one member of staff share their fate
            (sandwich).
        prior: Standard deviation of a normal prior on the log ratios of sources and touches; None: one too weak to be
            seen.

    Raises:
        AnalysisError: If there is no event.
    """
    number = DOORS.index(door) + 1
    rows = days[days["door"].isin([0, number])]
    event: Floats = (rows["door"] == number).to_numpy().astype(np.float64)
    if not event.any():
        raise AnalysisError(f"No contact was ended by '{door}': its hazard cannot be fitted.")
    matrix = design(rows, terms=terms)
    offset, weight = (rows[name].to_numpy(dtype=np.float64) for name in (f"log_sampled_{door}", "weight"))
    of_tenure = np.array([term.startswith("tenure:") for term in terms])
    ridge = np.where(of_tenure, 0.0, (prior or _WEAKEST_PRIOR) ** -2.0)
    coefficient = np.where(of_tenure, np.log(event.sum() / np.exp(offset[event == 0]).sum()), 0.0)
    codes, staff = pd.factorize(rows["staff_id"].astype("str").fillna(""), sort=True)
    effect, variance = np.ones(len(staff)), 0.0
    share_fate = by_staff and len(staff) > 1
    for _ in range(_STAFF_ROUNDS if share_fate else 1):
        shift, cluster = offset + np.log(effect)[codes], None if by_staff else codes
        coefficient, covariance = fit_logistic(
            matrix, event, offset=shift, start=coefficient, ridge=ridge, cluster=cluster
        )
        if share_fate:
            chance = weight / (1.0 + np.exp(-(matrix @ coefficient)))
            lost, due = (
                np.bincount(codes, weights=values, minlength=len(staff)) for values in (event * weight, chance)
            )
            effect, variance = staff_effects(lost, due)
    factors = dict(zip(staff.tolist(), effect.tolist(), strict=True)) if by_staff else {}
    return HazardModel(door, tuple(terms), coefficient, covariance, factors, variance, int(event.sum()), len(rows))


def fit_logistic(
    matrix: Floats,
    event: Floats,
    *,
    offset: Floats,
    start: Floats,
    ridge: Floats | float = 0.0,
    cluster: "NDArray[np.integer] | None" = None,
) -> tuple[Floats, Floats]:
    """Fit a logistic regression with an offset by Newton's method with halved steps.

    Args:
        matrix: Design.
        event: 0 or 1.
        offset: Added to the log odds.
        start: Coefficients to begin with; poor ones cost steps, nothing else.
        ridge: Precision of each coefficient's normal prior around 0.
        cluster: Code of the group of each row; the covariance is then the sandwich over groups, else the inverse of
            the information.

    Returns:
        Coefficients and their covariance.

    Raises:
        AnalysisError: If the terms cannot be told apart.
    """
    from scipy.linalg import cho_factor, cho_solve
    from scipy.special import expit

    def loss(at: Floats) -> tuple[float, Floats]:
        """Return the loss and the log odds."""
        odds = matrix @ at + offset
        return float(np.logaddexp(0.0, odds).sum() - odds @ event + 0.5 * (at**2 * ridge).sum()), odds

    coefficient, (held, odds) = start, loss(start)
    weighed = np.empty_like(matrix)
    for _ in range(_NEWTON_STEPS):
        fitted = expit(odds)
        np.multiply(matrix, (fitted * (1.0 - fitted))[:, None], out=weighed)
        information = matrix.T @ weighed + np.diag(np.zeros(len(start)) + ridge)
        try:
            factor = cho_factor(information)
        except np.linalg.LinAlgError:
            raise AnalysisError(
                "The terms of the hazard model cannot be told apart.", hint="fewer channels or acquisition codes"
            ) from None
        step = cho_solve(factor, matrix.T @ (event - fitted) - ridge * coefficient)
        found, odds = loss(coefficient + step)
        while found > held and np.abs(step).max() > _NEWTON_TOLERANCE:
            step = step / 2
            found, odds = loss(coefficient + step)
        coefficient, held = coefficient + step, found
        if np.abs(step).max() < _NEWTON_TOLERANCE:
            break
    bread = cho_solve(factor, np.eye(len(coefficient)))
    if cluster is None:
        return coefficient, bread
    left, n = event - expit(odds), int(cluster.max()) + 1
    scores = np.stack([np.bincount(cluster, weights=column * left, minlength=n) for column in matrix.T], axis=1)
    return coefficient, bread @ (scores.T @ scores) @ bread * n / max(n - 1, 1)


def staff_effects(observed: ArrayLike, expected: ArrayLike) -> tuple[Floats, float]:
    """Return how much more each member of staff loses than expected, shrunk towards 1, and the variance learnt.

    Args:
        observed: Ends by member of staff.
        expected: Ends due by the model without staff.

    Returns:
        Posterior means of gamma factors of mean 1, and their variance by maximum likelihood (negative binomial counts).
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    n, due = (np.asarray(values, dtype=np.float64) for values in (observed, expected))

    def deviance(log_variance: float) -> float:
        shape = np.exp(-log_variance)
        parts = gammaln(n + shape) - gammaln(shape) + shape * np.log(shape / (shape + due))
        return -float((parts + n * np.log(np.maximum(due, 1e-12) / (shape + due))).sum())

    log_variance = float(minimize_scalar(deviance, bounds=(-9.0, 2.0), method="bounded").x)
    shape = np.exp(-log_variance)
    return (n + shape) / (due + shape), float(np.exp(log_variance))
