"""Maximum likelihood for the buy-till-you-die models: one way to climb, one way to say how sure the top is.

All parameters of these models are above zero, so they are found as logarithms: steps are proportional, and an
interval of a logarithm never reaches below zero. A model gives its log-likelihood with its slope; everything else
(the climb, standard errors, the ridge, and what to do where the data do not fix a parameter) is here.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

__all__ = ["Estimator", "Fit", "NotIdentifiedError", "maximise", "one_thread", "require_repeats"]

Floats = npt.NDArray[np.float64]
LogLikelihood = Callable[[Floats], tuple[float, Floats]]

REACH: Final = 9.0  # a parameter is searched within a factor exp(±9), about 8,100, of its typical value
_FIXED: Final = 4.0  # a direction whose logarithm is not known to ±4 (a factor of 55) is not fixed by the data
_STEP: Final = 1e-4  # of a logarithm, for differences of slopes
_ENOUGH: Final = 1e-9  # log-likelihood still to gain at which the climb ends


class NotIdentifiedError(AnalysisError):
    """The data cannot tell the parameters of a model: there is no fit, whatever the starting point."""


class Fit(NamedTuple):
    """The top of a log-likelihood.

    Attributes:
        parameters: Parameters by name.
        covariance: Covariance of the logarithms of the parameters, shape (p, p); NaN where the data do not fix them.
        log_likelihood: At the parameters, without the ridge.
        converged: Whether the top was found and the data fix every parameter.
        advice: What was found and what to do about it; empty if ``converged``.
    """

    parameters: dict[str, float]
    covariance: Floats
    log_likelihood: float
    converged: bool
    advice: str


def maximise(
    log_likelihood: LogLikelihood,
    *,
    typical: Mapping[str, float],
    n: float,
    ridge: float = 0.0,
    start: Mapping[str, float] | None = None,
    sample: tuple[LogLikelihood, float] | None = None,
    meanings: Mapping[str, str] | None = None,
) -> Fit:
    """Return the parameters at the top of a log-likelihood (plus the ridge, if any).

    L-BFGS-B in the logarithms with the model's own slope, then Newton steps until nothing is left to gain.

    Args:
        log_likelihood: Takes the parameters (p,), returns the sum over customers and its slope (p,) in the parameters.
        typical: A usual value of each parameter, in the order of the slope, in the unit of the data. The search
            starts there, stays within a factor of 8,100 of it, and the ridge draws towards it.
        n: Number of customers (sum of weights).
        ridge: Weight of a normal prior on each log-parameter around ``typical``, in pseudo-customers, each of whom
            tells a log-parameter to ± 1 (a factor of e): it adds -ridge/2 · Σ (log θ - log typical)². 0 is none.
        start: Where to start instead, for example at the fit of a neighbouring model.
        sample: The log-likelihood of a part of the customers and their number. The climb starts with it: the full
            data are then read a few times only. The result is that of the full data.
        meanings: What it says of the customers if a parameter runs away: "<name> low" or "<name> high" → a clause.

    Raises:
        AnalysisError: If ``ridge`` is negative or the log-likelihood is not a number at the start.
    """
    if not (ridge >= 0 and math.isfinite(ridge)):
        raise AnalysisError(f"ridge must be 0 or more, got {ridge}.")
    names = tuple(typical)
    centre = np.log([typical[name] for name in names])
    at = centre if start is None else np.clip(np.log([start[name] for name in names]), centre - REACH, centre + REACH)
    prior = _Prior(centre, ridge / n)
    full = _loss(log_likelihood, size=n, prior=prior)
    first = full if sample is None else _loss(sample[0], size=sample[1], prior=prior)

    with one_thread():
        at = _descend(first, start=at, centre=centre)
        curvature = _curvature(first, at=at)
        at, arrived = _newton(full, at=at, curvature=curvature, n=n)
        if not arrived:
            at = _descend(full, start=at, centre=centre)
            at, _ = _newton(full, at=at, curvature=_curvature(full, at=at), n=n)
        information = n * _curvature(full, at=at)
        value = log_likelihood(np.exp(at))[0]
    advice = _advice(at - centre, information=information, names=names, meanings=meanings or {})
    unknown: Floats = np.full((len(names), len(names)), np.nan)
    covariance = unknown if advice else np.asarray(np.linalg.inv(information), dtype=float)
    parameters = {name: float(value) for name, value in zip(names, np.exp(at), strict=True)}
    return Fit(parameters, covariance, float(value), not advice, advice)


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which linear algebra uses one thread: these matrices are small, and waiting threads cost."""
    limited: AbstractContextManager[object] = _threads().limit(limits=1, user_api="blas")
    return limited


@cache
def _threads() -> "ThreadpoolController":
    """Return what limits the threads of linear algebra; to look for its libraries costs more than a forecast."""
    import scipy.optimize  # noqa: F401 - has a library of its own, which must be there to be told
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _Prior(NamedTuple):
    centre: Floats
    weight: float  # of one customer's log-likelihood


Loss = Callable[[Floats], tuple[float, Floats]]


def _loss(log_likelihood: LogLikelihood, *, size: float, prior: _Prior) -> Loss:
    """Return minus the mean log-likelihood, with the ridge, as a function of the logarithms, with its slope."""

    def loss(logs: Floats) -> tuple[float, Floats]:
        """Return the value and its slope."""
        parameters = np.exp(logs)
        value, slope = log_likelihood(parameters)
        away = logs - prior.centre
        penalty = 0.5 * prior.weight * float(away @ away)
        return -value / size + penalty, -slope * parameters / size + prior.weight * away

    return loss


def _descend(loss: Loss, *, start: Floats, centre: Floats) -> Floats:
    from scipy.optimize import minimize

    if not math.isfinite(loss(start)[0]):
        raise AnalysisError(
            "The log-likelihood is not a number at the starting values.",
            hint="check the columns for extreme values: times far apart, purchases in the millions",
        )
    bounds = list(zip(centre - REACH, centre + REACH, strict=True))
    options: Any = {"ftol": 1e-13, "gtol": 1e-8, "maxiter": 500, "maxcor": 10}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x, dtype=float)


def _curvature(loss: Loss, *, at: Floats) -> Floats:
    """Return the second derivatives of a loss by central differences of its slope, shape (p, p)."""
    steps = np.eye(len(at)) * _STEP
    rows = np.array([(loss(at + step)[1] - loss(at - step)[1]) / (2 * _STEP) for step in steps])
    return np.asarray((rows + rows.T) / 2)


def _newton(loss: Loss, *, at: Floats, curvature: Floats, n: float) -> tuple[Floats, bool]:
    """Walk to the top with one curvature; return where and whether there is nothing left to gain there."""
    try:
        factor = np.linalg.cholesky(curvature)
    except np.linalg.LinAlgError:
        return at, False
    value, slope = loss(at)
    for _ in range(12):
        half = np.linalg.solve(factor, slope)
        if n * float(half @ half) / 2 < _ENOUGH:
            return at, True
        step = np.linalg.solve(factor.T, half)
        if np.abs(step).max() > 1:
            return at, False
        next_value, next_slope = loss(at - step)
        if not next_value <= value + 1e-12 * abs(value):
            return at, False
        at, value, slope = at - step, next_value, next_slope
    return at, False


def _advice(away: Floats, *, information: Floats, names: Sequence[str], meanings: Mapping[str, str]) -> str:
    """Return what the data do not fix and what to do; empty if all is well."""
    ends = {
        name: "high" if far > 0 else "low" for name, far in zip(names, away, strict=True) if abs(far) > REACH - 0.01
    }
    loose = _loose(information, names=names)
    if not ends and not loose:
        return ""
    found = (
        f"{' and '.join(ends)} ran to the end of the range" if ends else f"the data do not fix {' and '.join(loose)}"
    )
    told = dict.fromkeys(meanings[key] for name, end in ends.items() if (key := f"{name} {end}") in meanings)
    told_as = f": {', '.join(told)}" if told else ""
    return (
        f"Not identified: {found}{told_as}. Take a longer history or more customers, switch on the weak prior "
        f"(ridge=1), or use a simpler model."
    )


def _loose(information: Floats, *, names: Sequence[str]) -> list[str]:
    """Return the parameters that move along directions in which the log-likelihood is flat."""
    if not np.isfinite(information).all():
        return list(names)
    values, directions = np.linalg.eigh(information)
    flat = directions[:, values < 1 / _FIXED**2]
    return [name for name, part in zip(names, np.abs(flat).max(axis=1, initial=0.0), strict=True) if part > 0.3]


class Estimator:
    """What the models share: parameters with their uncertainty, and how they travel.

    Attributes:
        slug: Name of the model in tables and books.
        parameter_names: Names in the order of ``covariance_``.
        ridge: Weight of the weak prior the model was asked for, in pseudo-customers; 0 is none.
        parameters_: Parameters by name, in the time unit of the data.
        covariance_: Covariance of the logarithms of the parameters, shape (p, p); NaN where unknown.
        log_likelihood_: Sum of the paper's individual log-likelihoods, without the ridge; NaN if not fitted here.
        n_customers_: Customers the model was fitted on (sum of weights); 0 if not fitted here.
        converged_: Whether the fit is usable as it is.
        advice_: What was found and what to do about it; empty if all is well.
    """

    slug: ClassVar[str]
    parameter_names: ClassVar[tuple[str, ...]]

    parameters_: dict[str, float]
    covariance_: Floats
    log_likelihood_: float
    n_customers_: int
    converged_: bool
    advice_: str

    def __init__(self, *, ridge: float = 0.0) -> None:
        self.ridge = ridge

    @classmethod
    def from_parameters(
        cls,
        parameters: Mapping[str, float],
        *,
        covariance: npt.ArrayLike | None = None,
        n_customers: int | None = None,
    ) -> Self:
        """Return a model with given parameters, as if fitted: how a model travels between rooms.

        Args:
            parameters: One value above zero per name in ``parameter_names``.
            covariance: Of their logarithms, shape (p, p), if known.
            n_customers: Customers behind them, if known.

        Raises:
            AnalysisError: If a parameter is missing, unknown or not above zero.
        """
        model = cls()
        known = set(cls.parameter_names)
        if set(parameters) != known:
            raise AnalysisError(
                f"{cls.__name__} has the parameters {', '.join(cls.parameter_names)}, got {', '.join(parameters)}."
            )
        values = {name: float(parameters[name]) for name in cls.parameter_names}
        for name, value in values.items():
            if not (value > 0 and math.isfinite(value)):
                raise AnalysisError(f"{name} of {cls.__name__} must be above zero, got {value}.")
        p = len(values)
        spread = np.full((p, p), np.nan) if covariance is None else np.asarray(covariance, dtype=float)
        if spread.shape != (p, p):
            raise AnalysisError(f"The covariance of {cls.__name__} is {p} × {p}, got shape {spread.shape}.")
        model._keep(Fit(values, spread, math.nan, converged=True, advice=""), n=n_customers or 0)
        return model

    @property
    def standard_errors_(self) -> dict[str, float]:
        """Standard error of each parameter, by the delta method from ``covariance_``."""
        spread = np.sqrt(np.diag(self.covariance_))
        return {name: self.parameters_[name] * float(s) for name, s in zip(self.parameter_names, spread, strict=True)}

    @property
    def prior_note(self) -> str:
        """One sentence on the weak prior for tables and pages; empty without one."""
        if not self.ridge:
            return ""
        return f"with a weak prior of {self.ridge:g} pseudo-customers on the logarithm of each parameter"

    def _keep(self, fit: Fit, *, n: float) -> Self:
        self.parameters_ = {name: fit.parameters[name] for name in self.parameter_names}
        self.covariance_ = fit.covariance
        self.log_likelihood_ = fit.log_likelihood
        self.n_customers_ = round(n)
        self.converged_ = fit.converged
        self.advice_ = fit.advice
        return self

    def _values(self) -> Floats:
        """Return the parameters in the order of ``parameter_names``."""
        if not hasattr(self, "parameters_"):
            raise AnalysisError(
                f"{type(self).__name__} has no parameters yet.", hint="call fit(customers) or from_parameters(…) first"
            )
        return np.array([self.parameters_[name] for name in self.parameter_names])


def require_repeats(frequency: Floats, *, weights: Floats | None, model: Estimator) -> None:
    """Check that somebody came back, or that a ridge takes the place of the data.

    Raises:
        NotIdentifiedError: Otherwise.
    """
    repeats = frequency if weights is None else frequency * weights
    if model.ridge == 0 and repeats.sum() == 0:
        raise NotIdentifiedError(
            f"{type(model).__name__} cannot be fitted: none of {len(frequency)} customers came back.",
            hint="take a longer history; where customers buy once, ask when the next need comes instead",
        )
