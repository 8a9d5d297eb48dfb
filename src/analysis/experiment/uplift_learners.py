"""Who gains from a touch: S-, T-, X- and DR-learner on one training half, and which of them ranks best within it.

A randomised trial with a known share of treated. Each learner turns "what is bought with a touch" and "what is bought
without" into one number per customer, the predicted uplift. Which learner is taken is settled inside the training
half: every customer there is scored by models that never saw them, neither directly nor through what they were
trained on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.experiment.uplift_regression import Known, Predict, known_values, numbered, regression, single
from analysis.stats.ranking import rank_weighted_effect

if TYPE_CHECKING:
    from threadpoolctl import threadpool_limits

__all__ = [
    "LEARNERS",
    "Learned",
    "Sample",
    "Scorer",
    "Shared",
    "doubly_robust_scores",
    "learn",
    "rows_of",
    "value_in_training",
]

Floats = NDArray[np.float64]
Scorer = Callable[[Floats, Sequence[str]], dict[str, Floats]]

LEARNERS: Final = ("s", "t", "x", "dr")

FOLDS: Final = 3


class Sample(NamedTuple):
    """Customers of one arm and the control.

    Attributes:
        before: What was known of each before the assignment, one column a measure.
        treated: Who was treated.
        outcome: What came of each.
        share_treated: Planned share of the treated among the two.
        is_rate: Whether the outcome is 0 or 1.
        groups: Who must stay together in cross-fitting: a code per cluster, or per customer.
    """

    before: Floats
    treated: NDArray[np.bool_]
    outcome: Floats
    share_treated: float
    is_rate: bool
    groups: NDArray[np.int64]

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Sample":
        """Return these customers only."""
        return self._replace(
            before=rows_of(self.before, chosen),
            treated=self.treated[chosen],
            outcome=self.outcome[chosen],
            groups=self.groups[chosen],
        )


def rows_of(before: Floats, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Floats:
    """Return these customers' measures, each measure's values side by side."""
    places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    return before.T.take(places, axis=1).T


class Shared(NamedTuple):
    """Measures that other outcomes will be learnt from too, and the same numbered."""

    before: Floats
    known: Known


class Learned(NamedTuple):
    """What the training half taught.

    Attributes:
        fold: Fold of each customer.
        cross_fitted: By learner: their predicted uplift, by models that never saw them.
        robust: Their doubly robust score of the effect, by models that never saw them.
        predict: By learner: predicted uplift of new customers, of those learners that are named.
        expected: Expected outcome of new customers with and without the touch.
    """

    fold: NDArray[np.int64]
    cross_fitted: Mapping[str, Floats]
    robust: Floats
    predict: Scorer
    expected: Callable[[Floats], tuple[Floats, Floats]]


class _Taught(NamedTuple):
    """Customers that models are trained on: what was known of them, who was treated and what came."""

    known: Known
    treated: NDArray[np.bool_]
    outcome: Floats
    share_treated: float
    is_rate: bool

    def rows(self, chosen: NDArray[np.bool_]) -> "_Taught":
        return self._replace(known=self.known.rows(chosen), treated=self.treated[chosen], outcome=self.outcome[chosen])


class _Outcomes(NamedTuple):
    """Models of the outcome with and without the touch."""

    treated: Predict
    control: Predict


def learn(
    sample: Sample, *, seed: int, learners: Sequence[str] = LEARNERS, shared: dict[int, Shared] | None = None
) -> Learned:
    """Train the learners, and score the sample itself by models that never saw the customer scored.

    * ``s``: one model with the touch as a column; uplift is its difference with and without.
    * ``t``: one model for each arm, subtracted.
    * ``x``: effects imputed by the other arm's model, modelled in each arm, weighed by the known shares.
    * ``dr``: doubly robust scores from cross-fitted models and the known shares, modelled.

    Args:
        sample: The training half.
        seed: Of folds and of the trees.
        learners: Some of ``LEARNERS``.
        shared: What was known of the customers of earlier calls: other outcomes of the very same measures cost less.

    References:
        Künzel, Sekhon, Bickel and Yu (2019), Metalearners for estimating heterogeneous treatment effects using machine
        learning, PNAS 116(10). Kennedy (2023), Towards optimal doubly robust estimation of heterogeneous causal
        effects, Electronic Journal of Statistics 17(2).
    """
    rng = np.random.default_rng(seed)
    folds = _folds(sample, rng)
    taught = _Taught(
        _known(sample.before, {} if shared is None else shared),
        sample.treated,
        sample.outcome,
        sample.share_treated,
        sample.is_rate,
    )
    with _one_thread():
        by_pair = _nested_scores(taught, folds, seed=seed) if "dr" in learners else {}
        n = len(sample.outcome)
        scores, crossed = np.empty(n), {name: np.empty(n) for name in learners}
        for fold in range(FOLDS):
            here = folds == fold
            rest, left = taught.rows(~here), taught.rows(here)
            models = _outcome_models(rest, seed=seed)
            scores[here] = doubly_robust_scores(left, models.treated(left.known), models.control(left.known))
            nested = by_pair.get(fold)
            for name in learners:
                fitted = _effect_model(name, rest, models, robust=nested, seed=seed)
                crossed[name][here] = fitted(left.known)
        models = _outcome_models(taught, seed=seed)
        final = {name: _effect_model(name, taught, models, robust=scores, seed=seed) for name in learners}
    return Learned(folds, crossed, scores, _scorer(final, taught.known), _expecter(models, taught.known))


def _known(before: Floats, shared: dict[int, Shared]) -> Known:
    if id(before) not in shared:
        shared.clear()  # two are never asked for in turn
        shared[id(before)] = Shared(before, known_values(before))
    return shared[id(before)].known


def _new(before: Floats, taught: Known) -> Known:
    """Return other customers, numbered by the levels of those taught; for other outcomes they are numbered already."""
    key = b"new %d" % id(before)
    if key not in taught.worked_out:
        taught.worked_out[key] = Shared(before, numbered(before, taught.levels))
    found: Shared = taught.worked_out[key]
    return found.known


def value_in_training(uplift: Floats, *, robust: Floats, fold: NDArray[np.int64]) -> float:
    """Return what ranking the training customers by a learner is worth: RATE with Qini weights, mean over folds.

    Fold by fold, because the scales of models of different folds may differ.

    Args:
        uplift: Cross-fitted predicted uplift.
        robust: Cross-fitted doubly robust scores.
        fold: Fold of each customer.
    """
    found = [
        rank_weighted_effect(priority=uplift[fold == one], scores=robust[fold == one], weighting="qini").value
        for one in range(FOLDS)
    ]
    return float(np.mean(found))


def doubly_robust_scores(sample: "Sample | _Taught", with_touch: Floats, without: Floats) -> Floats:
    """Return one unbiased score of the effect per customer: models' difference, corrected by what came.

    Args:
        sample: The customers.
        with_touch: Expected outcome with the touch, by models that did not see these customers.
        without: The same without.

    References:
        Robins, Rotnitzky and Zhao (1994), Estimation of regression coefficients when some regressors are not always
        observed, Journal of the American Statistical Association 89(427).
    """
    share = sample.share_treated
    missed = np.where(sample.treated, (sample.outcome - with_touch) / share, -(sample.outcome - without) / (1 - share))
    return np.asarray(with_touch - without + missed, dtype=np.float64)


def _scorer(final: Mapping[str, Predict], taught: Known) -> Scorer:
    def predict(before: Floats, learners: Sequence[str]) -> dict[str, Floats]:
        new = _new(before, taught)
        with _one_thread():
            return {name: final[name](new) for name in learners}

    return predict


def _expecter(models: _Outcomes, taught: Known) -> Callable[[Floats], tuple[Floats, Floats]]:
    def expected(before: Floats) -> tuple[Floats, Floats]:
        new = _new(before, taught)
        with _one_thread():
            return models.treated(new), models.control(new)

    return expected


def _folds(sample: Sample, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return folds of equal size: groups in random order, those with treated and without dealt out by themselves."""
    groups, first, codes = np.unique(sample.groups, return_index=True, return_inverse=True)
    fold = np.empty(len(groups), dtype=np.int64)
    for side in (True, False):
        mine = np.flatnonzero(sample.treated[first] == side)
        fold[rng.permutation(mine)] = np.arange(len(mine)) % FOLDS
    return np.asarray(fold[codes], dtype=np.int64)


def _nested_scores(sample: _Taught, folds: NDArray[np.int64], *, seed: int) -> dict[int, Floats]:
    """Return, for each fold left out, doubly robust scores of the others that no model of that fold went into.

    With three folds, those of one come from models trained on the only other one that is not left out.
    """
    models = [_outcome_models(sample.rows(folds == fold), seed=seed) for fold in range(FOLDS)]
    expected = [(model.treated(sample.known), model.control(sample.known)) for model in models]
    found = {}
    for left_out in range(FOLDS):
        others = folds != left_out
        source = (FOLDS - left_out - folds[others]) % FOLDS  # the third of three: their numbers add up to 0 + 1 + 2
        sides = [np.choose(source, [pair[side][others] for pair in expected]) for side in (0, 1)]
        found[left_out] = doubly_robust_scores(sample.rows(others), sides[0], sides[1])
    return found


def _outcome_models(sample: _Taught, *, seed: int) -> _Outcomes:
    y, arm, rate = sample.outcome, sample.treated, sample.is_rate
    fitted = [regression(sample.known.rows(side), y[side], is_rate=rate, seed=seed) for side in (arm, ~arm)]
    return _Outcomes(_remembering(fitted[0]), _remembering(fitted[1]))


def _remembering(predict: Predict) -> Predict:
    """Return the same model, which is not asked twice in a row about the same customers."""
    last: list[tuple[Known, Floats]] = []

    def expected(new: Known) -> Floats:
        if not last or last[0][0] is not new:
            last[:] = [(new, predict(new))]
        return last[0][1]

    return expected


def _effect_model(name: str, sample: _Taught, models: _Outcomes, *, robust: Floats | None, seed: int) -> Predict:
    """Return the learner's model of the effect; ``models`` are of the same customers, ``robust`` their scores."""
    if name == "t":
        return lambda new: models.treated(new) - models.control(new)
    if name == "s":
        return _single(sample, seed=seed)
    if name == "dr":
        if robust is None:
            raise ValueError("the DR-learner needs doubly robust scores")
        return regression(sample.known, robust, is_rate=sample.is_rate, seed=seed)
    return _crossed(sample, models, seed=seed)


def _single(sample: _Taught, *, seed: int) -> Predict:
    # a straight model has one effect for all
    model = single(sample.known, sample.treated, sample.outcome, seed=seed)

    def effect(new: Known) -> Floats:
        return model(new, 1.0) - model(new, 0.0)

    return effect


def _crossed(sample: _Taught, models: _Outcomes, *, seed: int) -> Predict:
    arm, share, rate = sample.treated, sample.share_treated, sample.is_rate
    of_arm, of_others = sample.known.rows(arm), sample.known.rows(~arm)
    gained = sample.outcome[arm] - models.control(of_arm)
    missed = models.treated(of_others) - sample.outcome[~arm]
    of_treated = regression(of_arm, gained, is_rate=rate, seed=seed)
    of_control = regression(of_others, missed, is_rate=rate, seed=seed)
    return lambda new: share * of_control(new) + (1 - share) * of_treated(new)


def _one_thread() -> "threadpool_limits":
    """Threads that wait for each other burn more than they save, and sums would depend on how many there are."""
    import sklearn.ensemble._hist_gradient_boosting.gradient_boosting  # noqa: F401 - a limit holds for what is loaded
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)
