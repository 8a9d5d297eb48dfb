"""How well a score ranks customers by what a touch does to them: Qini, AUUC, uplift at k, RATE.

Arrays in, numbers out; one entry per customer, any order: what is returned does not depend on it. Other packages'
"Qini" and "AUUC" differ. Here both are those of scikit-uplift, area over the random line as a share of what a
perfect ranking would have; its definitions are for 0 or 1 and are carried over to counts and money as said below.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from analysis.checks import one_of, share
from analysis.errors import AnalysisError

__all__ = [
    "QiniCurve",
    "Rate",
    "area",
    "auuc",
    "perfect_qini_key",
    "perfect_uplift_key",
    "qini_coefficient",
    "qini_curve",
    "qini_gain",
    "rank_weighted_effect",
    "read_trial",
    "uplift_at_k",
    "uplift_curve",
    "uplift_gain",
    "uplift_slope",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WEIGHTINGS: Final = ("autoc", "qini")


class QiniCurve(NamedTuple):
    """What is gained by touching the best-ranked first, at every depth that the score can tell apart.

    Attributes:
        n_touched: Customers down to this depth, the origin first; tied ones come together.
        incremental: Outcomes that would not have come without the touch, in the unit of the outcome.
    """

    n_touched: Floats
    incremental: Floats


class Rate(NamedTuple):
    """Rank-weighted average effect of a touch, in the unit of the outcome."""

    value: float
    std_error: float
    ci_lower: float
    ci_upper: float


class Sums(NamedTuple):
    """Running sums down a ranking, one per depth: customers and outcomes, treated and control."""

    n_treated: Floats
    n_control: Floats
    treated: Floats
    control: Floats


def qini_curve(*, uplift: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> QiniCurve:
    r"""Return the incremental outcomes gained by touching the best-ranked customers first.

    At each depth the treated outcomes are set against the control outcomes scaled to the same number of customers:
    $Y_t - Y_c\,N_t / N_c$, and $Y_t$ where no control was met yet. Customers with the same score come together.

    Args:
        uplift: Predicted uplift, any increasing score will do.
        treated: 1 for the treatment arm, 0 for control.
        outcome: What came of each: 0 or 1, a count, or money.

    Raises:
        AnalysisError: If lengths differ, a value is not a number, or an arm is empty.

    References:
        Radcliffe, N. J. (2007). Using control groups to target on predicted lift.

    Examples:
        >>> curve = qini_curve(uplift=[0.3, 0.2, 0.1, 0.0], treated=[1, 0, 1, 0], outcome=[1, 0, 0, 1])
        >>> curve.incremental.tolist()
        [0.0, 1.0, 1.0, 1.0, 0.0]
    """
    arm, y = read_trial(treated=treated, outcome=outcome)
    sums = _down(_scores(uplift, n=len(y)), arm, y)
    return _from_origin(sums, qini_gain(sums))


def uplift_curve(*, uplift: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> QiniCurve:
    r"""Return the difference of means down to each depth times the customers down to it.

    $(Y_t / N_t - Y_c / N_c)(N_t + N_c)$, a mean without customers counting as 0. Arguments as for ``qini_curve``.
    """
    arm, y = read_trial(treated=treated, outcome=outcome)
    sums = _down(_scores(uplift, n=len(y)), arm, y)
    return _from_origin(sums, uplift_gain(sums))


def qini_coefficient(*, uplift: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> float:
    """Return the area between Qini curve and random line as a share of the perfect ranking's.

    scikit-uplift's ``qini_auc_score`` with ``negative_effect=True``: the perfect ranking puts treated outcomes first
    and control outcomes last. Of counts and money it puts the largest treated outcomes first and the largest control
    outcomes last: the same formula. 0 is a random ranking, 1 is out of reach; NaN where nothing came of anybody.

    Examples:
        >>> round(qini_coefficient(uplift=[4, 3, 2, 1], treated=[1, 0, 0, 1], outcome=[1, 0, 1, 0]), 3)
        0.833
    """
    arm, y = read_trial(treated=treated, outcome=outcome)
    actual = _down(_scores(uplift, n=len(y)), arm, y)
    perfect = _down(perfect_qini_key(arm, y), arm, y)
    return float(share_of_perfect(area(actual, qini_gain(actual)), area(perfect, qini_gain(perfect))))


def auuc(*, uplift: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> float:
    """Return the area between uplift curve and random line as a share of the perfect ranking's.

    scikit-uplift's ``uplift_auc_score``. Its perfect ranking: treated with an outcome, controls without, then treated
    without before controls with, the latter two the other way round where controls with an outcome outnumber treated
    without. Of counts and money, larger outcomes come first among the treated and last among the controls.
    """
    arm, y = read_trial(treated=treated, outcome=outcome)
    actual = _down(_scores(uplift, n=len(y)), arm, y)
    perfect = _down(perfect_uplift_key(arm, y), arm, y)
    return float(share_of_perfect(area(actual, uplift_gain(actual)), area(perfect, uplift_gain(perfect))))


def uplift_at_k(
    *, uplift: ArrayLike, treated: ArrayLike, outcome: ArrayLike, k: float, by_group: bool = False
) -> float:
    """Return the difference of means among the best-ranked share of the customers.

    scikit-uplift's ``uplift_at_k``: ``overall`` takes the best share of all customers, ``by_group`` that of each arm,
    rounded down. Where the cut falls among customers of one score, that package takes those who stand later in the
    file; here each of them counts in part, the mean over all orders of the file. NaN where an arm has nobody there.

    Args:
        uplift: Predicted uplift.
        treated: 1 for the treatment arm, 0 for control.
        outcome: What came of each.
        k: Share of the customers, in (0, 1).
        by_group: Whether the share is taken of each arm by itself.

    Raises:
        AnalysisError: If k is not within (0, 1), or the arrays are not a trial.
    """
    share(k, what="k")
    arm, y = read_trial(treated=treated, outcome=outcome)
    score = _scores(uplift, n=len(y))
    if by_group:
        return _top_mean(score[arm], y[arm], k=k) - _top_mean(score[~arm], y[~arm], k=k)
    weight = _top_weights(score, int(len(y) * k))
    n_treated, n_control = weight[arm].sum(), weight[~arm].sum()
    if n_treated == 0 or n_control == 0:
        return math.nan
    return float(weight[arm] @ y[arm] / n_treated - weight[~arm] @ y[~arm] / n_control)


def rank_weighted_effect(
    *,
    priority: ArrayLike,
    scores: ArrayLike,
    weighting: str = "autoc",
    confidence_level: float = 0.95,
    clusters: ArrayLike | None = None,
) -> Rate:
    r"""Return the rank-weighted average effect (RATE) of a priority score, with interval.

    How much larger the effect is among the best-ranked share $q$ than among all, over $q$ from 0 to 1: with equal
    weights (``autoc``: a small group with a large effect shows) or weights $q$ (``qini``: effects spread over many
    show). With scores in falling priority it is the mean of $a_j \Gamma_j$; its standard error is that of the
    asymptotic linear form, ranks being random too, and needs no resampling. Tied customers share their weight.

    Args:
        priority: Who comes first, fixed before these customers were looked at.
        scores: One unbiased (doubly robust) score of the effect per customer.
        weighting: autoc or qini.
        confidence_level: Of the interval.
        clusters: Cluster of each customer where whole clusters were assigned.

    Raises:
        AnalysisError: If there are fewer than two customers, or lengths differ.

    References:
        Yadlowsky, S., Fleming, S., Shah, N., Brunskill, E. and Wager, S. (2021). Evaluating treatment prioritization
        rules via rank-weighted average treatment effects. arXiv:2111.07966.

    Examples:
        >>> found = rank_weighted_effect(priority=[4, 3, 2, 1], scores=[1.0, 0.0, 0.0, 0.0])
        >>> round(found.value, 4)  # the mean of 1, 1/2, 1/3 and 1/4, less the effect on all
        0.2708
    """
    one_of(weighting, allowed=WEIGHTINGS, what="weighting")
    gamma = np.asarray(scores, dtype=np.float64)
    rank = _scores(priority, n=len(gamma))
    n = len(gamma)
    if n < 2:
        raise AnalysisError(f"A ranking needs two customers or more, got {n}.")
    order = np.argsort(-rank, kind="stable")
    ends = _tie_ends(rank[order])
    starts = np.append(0, ends[:-1] + 1)
    sizes = ends - starts + 1
    weights = _rate_weights(n, weighting)  # one more than there are customers: that of a place behind the last
    shared, total = np.add.reduceat(weights[:n], starts) / sizes, np.add.reduceat(gamma[order], starts)
    value = float((shared * total).sum() / n)
    # Who is put in moves everybody below down a place, and the weight that the tied share as well: ranks are random.
    moved = (weights[ends + 1] - weights[starts]) * total / sizes
    below = np.cumsum(moved[::-1])[::-1] - moved + (weights[ends + 1] - shared) * total / sizes
    influence = np.empty(n)
    influence[order] = np.repeat(shared, sizes) * gamma[order] + np.repeat(below, sizes)
    error = _error(influence, clusters)
    half = float(ndtri(0.5 + confidence_level / 2)) * error
    return Rate(value, error, value - half, value + half)


def uplift_slope(
    *,
    uplift: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    share_treated: float,
    expected: ArrayLike,
    confidence_level: float = 0.95,
    clusters: ArrayLike | None = None,
) -> Rate:
    r"""Return by how much the effect rises where the predicted one rises by 1: 1 is calibrated, 0 knows nothing.

    The best linear predictor of the effect: $Y$ on 1, expected outcome, $T - e$ and $(T - e)(\hat\tau - \bar\tau)$;
    errors are robust. NaN where every customer is predicted the same.

    Args:
        uplift: Predicted uplift, fixed before these customers were looked at, in the unit of the outcome.
        treated: 1 for the treatment arm, 0 for control.
        outcome: What came of each.
        share_treated: Planned share of the treated, $e$.
        expected: Expected outcome without the touch: takes noise away, need not be right.
        confidence_level: Of the interval.
        clusters: Cluster of each customer where whole clusters were assigned.

    References:
        Chernozhukov, V., Demirer, M., Duflo, E. and Fernández-Val, I. (2018). Generic machine learning inference on
        heterogeneous treatment effects in randomized experiments. arXiv:1712.04802, equation 3.1.
    """
    arm, y = read_trial(treated=treated, outcome=outcome)
    score, base = _scores(uplift, n=len(y)), _scores(expected, n=len(y))
    if score.std() <= 1e-12 * (1 + abs(score.mean())):
        return Rate(math.nan, math.nan, math.nan, math.nan)
    scale = score.std()
    moved = arm - share_treated
    columns = [np.ones(len(y)), base - base.mean(), moved, moved * (score - score.mean()) / scale]
    design = np.column_stack(columns)
    inverse = np.linalg.pinv(design.T @ design)
    weights = inverse @ (design.T @ y)
    pulls = (design * (y - design @ weights)[:, None]) @ inverse[3]
    # _error is of a mean; a slope is a sum of pulls
    error = _error(pulls * len(y), clusters) / scale
    value, half = float(weights[3] / scale), float(ndtri(0.5 + confidence_level / 2)) * error
    return Rate(value, error, value - half, value + half)


def _rate_weights(n: int, weighting: str) -> Floats:
    """Return what a score counts for at each place: the mean over depths of its share there, less the overall one."""
    place = np.arange(1, n + 2)
    if weighting == "autoc":
        return np.append(np.cumsum((1 / place[:n])[::-1])[::-1], 0.0) - 1
    return np.asarray((n - place + 1) / n - (n + 1) / (2 * n), dtype=np.float64)


def _error(influence: Floats, clusters: ArrayLike | None) -> float:
    n = len(influence)
    if clusters is None:
        return float(influence.std(ddof=1) / math.sqrt(n))
    _, codes = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(codes, weights=influence - influence.mean())
    if len(sums) < 2:
        return math.nan
    return float(math.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()) / n)


def read_trial(*, treated: ArrayLike, outcome: ArrayLike) -> tuple[Flags, Floats]:
    """Return who was treated and what came of each.

    Raises:
        AnalysisError: If lengths differ, treated is not 0 or 1, an outcome is not a number, or an arm is empty.
    """
    arm, y = np.asarray(treated), np.asarray(outcome, dtype=np.float64)
    if len(arm) != len(y):
        raise AnalysisError(f"treated has {len(arm)} entries, outcome {len(y)}.")
    if not np.isin(arm, (0, 1)).all():
        raise AnalysisError("treated must be 1 or 0.", hint="one arm against the control; several arms one by one")
    if not np.isfinite(y).all():
        raise AnalysisError("Every outcome must be a finite number.", hint="leave out customers without one")
    flags = arm.astype(bool)
    if flags.all() or not flags.any():
        count = int(flags.sum())
        raise AnalysisError(
            f"Uplift needs both arms: got {count} treated and {len(flags) - count} control customers.",
            hint="check that the campaign kept a holdout group",
        )
    return flags, y


def perfect_qini_key(treated: Flags, outcome: Floats) -> Floats:
    """Return the score of the perfect Qini ranking: the outcome of the treated, minus that of the controls."""
    return np.where(treated, outcome, -outcome)


def perfect_uplift_key(treated: Flags, outcome: Floats, *, weight: Floats | None = None) -> Floats:
    """Return the score of scikit-uplift's perfect uplift ranking; see ``auuc``.

    Args:
        treated: Who was treated.
        outcome: What came of each.
        weight: How many customers each entry stands for.
    """
    came = outcome != 0
    each = np.ones(len(outcome)) if weight is None else weight
    controls_first = each[came & ~treated].sum() > each[~came & treated].sum()
    group = 2.0 * (came == treated) + (came if controls_first else treated)
    within = perfect_qini_key(treated, outcome)
    _, place = np.unique(within, return_inverse=True)
    return np.asarray(group + place / (len(place) + 1.0), dtype=np.float64)


def qini_gain(sums: Sums) -> Floats:
    """Return treated outcomes less control outcomes scaled to as many customers, at each depth."""
    return sums.treated - sums.control * _over(sums.n_treated, sums.n_control)


def uplift_gain(sums: Sums) -> Floats:
    """Return the difference of means times the customers, at each depth."""
    means = _over(sums.treated, sums.n_treated) - _over(sums.control, sums.n_control)
    return means * (sums.n_treated + sums.n_control)


def area(sums: Sums, gain: Floats) -> Floats:
    """Return the area between a curve and its random line, by trapezoids from the origin.

    Args:
        sums: Running sums, depth by depth along the first axis; the last depth is all customers.
        gain: The curve at these depths.
    """
    depth = sums.n_treated + sums.n_control
    under = gain[0] * depth[0] + ((gain[1:] + gain[:-1]) * np.diff(depth, axis=0)).sum(axis=0)
    return np.asarray((under - gain[-1] * depth[-1]) / 2, dtype=np.float64)


def share_of_perfect(actual: Floats, perfect: Floats) -> Floats:
    """Return actual over perfect area, NaN where a perfect ranking has none."""
    unknown: Floats = np.full(np.shape(actual), np.nan)
    return np.divide(actual, perfect, out=unknown, where=np.asarray(perfect) > 0)


def _over(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)


def _scores(uplift: ArrayLike, *, n: int) -> Floats:
    found = np.asarray(uplift, dtype=np.float64)
    if found.shape != (n,):
        raise AnalysisError(f"There are {n} customers and {found.size} scores.")
    if not np.isfinite(found).all():
        raise AnalysisError("Every score must be a finite number.")
    return found


def _tie_ends(ordered: Floats) -> NDArray[np.int64]:
    """Return the last place of each group of equal scores."""
    return np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1).astype(np.int64)


def _down(score: Floats, treated: Flags, outcome: Floats) -> Sums:
    """Return running sums by falling score, at the end of each group of equal ones."""
    order = np.argsort(-score, kind="stable")
    ends, arm = _tie_ends(score[order]), treated[order].astype(np.float64)
    y = outcome[order]
    n_treated = np.cumsum(arm)[ends]
    return Sums(n_treated, ends + 1 - n_treated, np.cumsum(y * arm)[ends], np.cumsum(y * (1 - arm))[ends])


def _from_origin(sums: Sums, gain: Floats) -> QiniCurve:
    return QiniCurve(np.append(0.0, sums.n_treated + sums.n_control), np.append(0.0, gain))


def _top_weights(score: Floats, wanted: int) -> Floats:
    """Return 1 for those above the cut, 0 below it, and a part for those who share the score at it."""
    if wanted == 0:
        return np.zeros(len(score))
    cut = np.partition(score, len(score) - wanted)[len(score) - wanted]
    above, at = score > cut, score == cut
    return np.asarray(above + at * ((wanted - above.sum()) / at.sum()), dtype=np.float64)


def _top_mean(score: Floats, outcome: Floats, *, k: float) -> float:
    weight = _top_weights(score, int(len(score) * k))
    return float(weight @ outcome / weight.sum()) if weight.any() else math.nan
