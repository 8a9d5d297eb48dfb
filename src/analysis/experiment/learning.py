"""From priors to posteriors: what a brand's own counts and experiments make of what others claim.

A rate has a beta prior (mean and strength in pseudo-observations), moved by counts. An effect has a normal prior, moved
by measured effects with their standard errors. Effects of several cells (channel × segment) share a mean of the brand:
a cell that was measured bluntly is drawn towards the others, as far as cells are found to be alike. How much cells
differ is not plugged in but averaged over: for each possible spread everything is known in closed form, and a grid of
spreads is weighted by how well it explains all cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError
from analysis.evidence import Grade, weakest

__all__ = [
    "MOSTLY_MEASURED",
    "Combined",
    "Learned",
    "Response",
    "combined",
    "grade_by_weight",
    "learn_cells",
    "learn_effect",
    "learn_rate",
]

Floats = NDArray[np.float64]

MOSTLY_MEASURED: Final = 0.9
"""Share of the weight that must be measured before an estimate has the grade of the measurement, not of the claim."""

_SPREADS: Final = 60
_LIKELY: Final = 2.0  # prior standard deviations of the effect: scale of the weak prior of that spread
_HALVINGS: Final = 40
_WIDEST: Final = 6.0  # prior standard deviations of the effect: the largest spread between cells that is tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What is known of one number after the data.

    Attributes:
        mean: Posterior mean, in the unit of the prior's mean.
        sd: Posterior standard deviation.
        ci_lower: Lower end of the equal-tailed interval.
        ci_upper: Upper end.
        confidence_level: Of the interval.
        n: Observations of its own: trials of a rate, customers of an effect.
        weight_own: Share of the mean that its own data make up, 0-1.
        weight_others: Share that other cells of the brand make up.
        weight_prior: Share that the claim makes up; the three sum to 1.
        grade: Of the measurement where that makes up nine tenths, else of the claim.
    """

    mean: float
    sd: float
    ci_lower: float
    ci_upper: float
    confidence_level: float
    n: int
    weight_own: float
    weight_others: float
    weight_prior: float
    grade: Grade


class Response(NamedTuple):
    """What one experiment showed, against what it would show if a touch were worth one day of own purchases.

    Attributes:
        effect: Orders per customer, treated less control.
        one_day: Orders per customer that one day is worth: the control's orders a day × touches of a treated customer.
        per_order: How ``one_day`` rises with the control's orders of the window: touches / days of the window.
        variance_treated: Of the treated arm's mean.
        variance_control: Of the control's mean.
        weight: Customers that count: n1 × n0 / (n1 + n0).
    """

    effect: float
    one_day: float
    per_order: float
    variance_treated: float
    variance_control: float
    weight: float


class Combined(NamedTuple):
    """Several experiments as one measurement.

    Attributes:
        value: Days of own purchases that a touch brings.
        std_error: Its standard error, widened where experiments differ more than their errors allow.
        widened: By how much, at least 1 (Birge ratio).
    """

    value: float
    std_error: float
    widened: float


def grade_by_weight(weight_measured: float, *, measured: Grade) -> Grade:
    """Return the grade of an estimate of which a share is measured and the rest claimed.

    Examples:
        >>> [grade_by_weight(share, measured=Grade.RANDOMISED).value for share in (0.95, 0.5)]
        ['A', 'D']
    """
    return measured if weight_measured >= MOSTLY_MEASURED else weakest(measured, Grade.PRIOR)


def learn_rate(
    mean: float,
    strength: float,
    *,
    successes: float,
    trials: float,
    measured: Grade = Grade.OBSERVATIONAL,
    confidence_level: float = 0.95,
) -> Learned:
    """Return a rate after counts: a beta prior of that mean and strength, moved by successes among trials.

    Args:
        mean: Claimed rate, inside 0-1.
        strength: Weight of the claim, in trials.
        successes: Among the trials.
        trials: Observed.
        measured: Grade of the counts.
        confidence_level: Of the interval.

    Raises:
        AnalysisError: If the claim is not inside 0-1, weighs nothing, or there are more successes than trials.

    Examples:
        >>> round(learn_rate(0.8, 20, successes=100, trials=200).mean, 3)
        0.527
    """
    if not 0 < mean < 1 or strength <= 0:
        raise AnalysisError(f"A claimed rate lies inside 0-1 and has a weight, got {mean} and {strength}.")
    if not 0 <= successes <= trials:
        raise AnalysisError(f"{successes} successes among {trials} trials cannot be.")
    from scipy.special import betaincinv

    a, b = mean * strength + successes, (1 - mean) * strength + trials - successes
    tail = (1 - confidence_level) / 2
    own = trials / (strength + trials)
    return Learned(
        mean=a / (a + b),
        sd=float(np.sqrt(a * b / (a + b + 1)) / (a + b)),
        ci_lower=float(betaincinv(a, b, tail)),
        ci_upper=float(betaincinv(a, b, 1 - tail)),
        confidence_level=confidence_level,
        n=int(trials),
        weight_own=own,
        weight_others=0.0,
        weight_prior=1 - own,
        grade=grade_by_weight(own, measured=measured),
    )


def learn_effect(
    mean: float,
    sd: float,
    *,
    effect: float,
    std_error: float,
    n: int = 0,
    measured: Grade = Grade.RANDOMISED,
    confidence_level: float = 0.95,
) -> Learned:
    """Return one effect after one measurement, by itself: a normal prior of that mean and standard deviation.

    Args:
        mean: Claimed effect.
        sd: Standard deviation of the claim, in the effect's unit.
        effect: Measured.
        std_error: Of the measurement.
        n: Customers behind it.
        measured: Grade of the measurement.
        confidence_level: Of the interval.

    Raises:
        AnalysisError: If a spread is not above zero.

    Examples:
        >>> round(learn_effect(0.0, 1.0, effect=1.0, std_error=0.5).mean, 3)
        0.8
    """
    if not min(sd, std_error) > 0:
        raise AnalysisError(f"Claim and measurement need an error above zero, got {sd} and {std_error}.")
    from scipy.special import ndtri

    own = sd**2 / (sd**2 + std_error**2)
    spread = float(np.sqrt(own)) * std_error
    middle = mean + own * (effect - mean)
    reach = float(ndtri(0.5 + confidence_level / 2)) * spread
    return Learned(
        mean=middle,
        sd=spread,
        ci_lower=middle - reach,
        ci_upper=middle + reach,
        confidence_level=confidence_level,
        n=n,
        weight_own=own,
        weight_others=0.0,
        weight_prior=1 - own,
        grade=grade_by_weight(own, measured=measured),
    )


def combined(responses: Sequence[Response]) -> Combined:
    """Return what several experiments say together, in days of own purchases per touch.

    All effects together over all that one day is worth: weights are numbers of customers, fixed beforehand. (Weights by
    the measured errors would prefer experiments whose control bought much, and so whose effect came out small.) Where
    experiments differ more than their errors allow, campaigns differ in what they bring, and the error is widened.

    Args:
        responses: One per experiment, at least one.

    Raises:
        AnalysisError: If the controls bought nothing: there is no pace to measure days in.

    References:
        Birge, R. (1932), The calculation of errors by the method of least squares, Physical Review 40.
    """
    effect, one_day, per_order, treated, control, weight = (
        np.array(column, dtype=np.float64) for column in zip(*responses, strict=True)
    )
    worth = float((weight * one_day).sum())
    if not worth > 0:
        raise AnalysisError("The customers held out bought nothing within the windows.")
    value = float((weight * effect).sum()) / worth
    # The control's mean is in the effect and in what a day is worth.
    variance = treated + (1 + value * per_order) ** 2 * control
    freedom = len(effect) - 1
    off = float(((effect - value * one_day) ** 2 / variance).sum())
    widened = float(np.sqrt(max(off / freedom, 1.0))) if freedom else 1.0
    return Combined(value, widened * float(np.sqrt((weight**2 * variance).sum())) / worth, widened)


def learn_cells(
    effects: ArrayLike,
    std_errors: ArrayLike,
    *,
    means: ArrayLike,
    sd: float,
    ns: Sequence[int] | None = None,
    measured: Grade = Grade.RANDOMISED,
    confidence_level: float = 0.95,
) -> list[Learned]:
    """Return the effects of cells that share a mean of the brand: hierarchical pooling.

    Cell c lies normally around its claim plus what all cells of the brand are off their claims; both the brand's
    offset (standard deviation ``sd``) and the spread between cells (half-Cauchy, of scale twice ``sd``: weak) are
    unknown and averaged over. A cell that was not measured (a missing effect) is told from the others alone.

    Args:
        effects: Measured effect of each cell, length C; NaN where it was not measured.
        std_errors: Of each, above zero; NaN where it was not measured.
        means: Claimed effect of each cell, or one for all.
        sd: Standard deviation of the claim, in the effect's unit.
        ns: Customers of each cell.
        measured: Grade of the measurements.
        confidence_level: Of the intervals.

    Raises:
        AnalysisError: If an error is not above zero.

    References:
        Gelman, A. et al. (2013), Bayesian Data Analysis, 3rd edition, sections 5.4 and 5.5; Gelman, A. (2006), Prior
        distributions for variance parameters in hierarchical models, Bayesian Analysis 1.
    """
    y, error = np.asarray(effects, dtype=np.float64), np.asarray(std_errors, dtype=np.float64)
    claim = np.broadcast_to(np.asarray(means, dtype=np.float64), y.shape)
    seen = np.isfinite(y) & np.isfinite(error)
    if sd <= 0 or not (error[seen] > 0).all():
        raise AnalysisError("Claim and measurements need errors above zero.")
    off = np.where(seen, y - claim, 0.0)
    # A cell that was not measured is one measured with an infinite error.
    precision = np.where(seen, 1 / np.where(seen, error, 1.0) ** 2, 0.0)
    spreads = sd * _WIDEST * (np.arange(_SPREADS) / (_SPREADS - 1)) ** 2
    given = _given_spreads(off, precision, spreads=spreads, sd=sd)
    # Widths of an uneven grid, the weak prior, and how well each spread explains the cells.
    width = np.gradient(spreads)
    width[[0, -1]] /= 2
    score = given.log_evidence - np.log1p((spreads / (sd * _LIKELY)) ** 2) + np.log(width)
    weight = np.exp(score - score.max())
    weight /= weight.sum()
    middle = weight @ given.mean
    spread = np.sqrt(weight @ (given.variance + (given.mean - middle) ** 2))
    lower, upper = (
        _mixture_quantile(given.mean, np.sqrt(given.variance), weight=weight, level=level)
        for level in ((1 - confidence_level) / 2, (1 + confidence_level) / 2)
    )
    own, brand = weight @ given.own, weight @ given.brand
    return [
        Learned(
            mean=float(claim[cell] + middle[cell]),
            sd=float(spread[cell]),
            ci_lower=float(claim[cell] + lower[cell]),
            ci_upper=float(claim[cell] + upper[cell]),
            confidence_level=confidence_level,
            n=int(ns[cell]) if ns is not None else 0,
            weight_own=float(own[cell]),
            weight_others=float(brand[cell]),
            weight_prior=float(1 - own[cell] - brand[cell]),
            grade=grade_by_weight(float(own[cell] + brand[cell]), measured=measured),
        )
        for cell in range(len(y))
    ]


class _GivenSpreads(NamedTuple):
    """All cells (columns) under each possible spread between them (rows); deviations from the claims."""

    mean: Floats
    variance: Floats
    own: Floats
    brand: Floats
    log_evidence: Floats


def _given_spreads(off: Floats, precision: Floats, *, spreads: Floats, sd: float) -> _GivenSpreads:
    """Return the cells' posterior under each spread between them, the brand's offset averaged over.

    ``precision`` is 1 / error², 0 for a cell that was not measured.
    """
    between = spreads[:, None] ** 2
    marginal = precision / (1 + precision * between)  # 1 / (error² + spread²)
    total = marginal.sum(axis=1, keepdims=True) + 1 / sd**2
    pull = (marginal * off).sum(axis=1, keepdims=True)
    shrink = precision * between / (1 + precision * between)  # how far a cell's own measurement counts
    share = marginal / total  # of each cell in the brand's offset
    seen = precision > 0
    return _GivenSpreads(
        mean=shrink * off + (1 - shrink) * pull / total,
        variance=(1 - shrink) * between + (1 - shrink) ** 2 / total,
        own=shrink + (1 - shrink) * share,
        brand=(1 - shrink) * (share.sum(axis=1, keepdims=True) - share),
        log_evidence=0.5
        * (
            np.log(marginal[:, seen]).sum(axis=1)
            - np.log(total * sd**2)[:, 0]
            - (marginal * off**2).sum(axis=1)
            + (pull**2 / total)[:, 0]
        ),
    )


def _mixture_quantile(means: Floats, sds: Floats, *, weight: Floats, level: float) -> Floats:
    """Return that quantile of each column's mixture of normal distributions, by bisection."""
    from scipy.special import ndtr

    lowest, highest = (means - 12 * sds).min(axis=0), (means + 12 * sds).max(axis=0)
    for _ in range(_HALVINGS):
        middle = (lowest + highest) / 2
        below = weight @ ndtr((middle - means) / sds) < level
        lowest, highest = np.where(below, middle, lowest), np.where(below, highest, middle)
    return np.asarray((lowest + highest) / 2)
