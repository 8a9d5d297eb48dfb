"""NBD: each customer's own purchase rate, and nobody ever leaves.

A customer buys at a rate λ ~ Gamma(r, α) with exponential gaps, for ever: the yardstick that a model with dropout must
beat. It is Pareto/NBD and BG/NBD without dropout, and its likelihood is theirs in that limit: of the times of the
purchases, not only of their number. (The likelihood of the numbers alone, as in a book on the negative binomial, is
larger by Σ (x·ln T - ln x!), whatever the parameters.)

References:
    Ehrenberg, A. S. C. (1959). The Pattern of Consumer Purchases. Applied Statistics 8(1), 26-41.
    Morrison, D. G. and Schmittlein, D. C. (1988). Generalizing the NBD Model for Customer Purchases. Journal of
    Business and Economic Statistics 6(2), 145-159.
"""

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from analysis.churn.btyd.customers import (
    Customers,
    CustomerTable,
    checked_customers,
    checked_horizon,
    checked_weights,
)
from analysis.churn.btyd.distinct import distinct
from analysis.churn.btyd.fitting import Estimator, LogLikelihood, maximise, require_repeats
from analysis.errors import AnalysisError

__all__ = ["NBD"]

Floats = npt.NDArray[np.float64]


class NBD(Estimator):
    """The negative binomial model of repeat purchases.

    Args:
        ridge: Weight of a weak prior on the logarithms of the parameters, in pseudo-customers: towards r = 1,
            α = the mean T. 0 is maximum likelihood.

    Examples:
        >>> clock = NBD.from_parameters({"r": 0.5, "alpha": 10.0})
        >>> clock.conditional_expected_purchases({"frequency": [2], "recency": [9], "T": [40]}, horizon=20).tolist()
        [1.0]
    """

    slug: ClassVar[str] = "nbd"
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha")

    def fit(self, customers: CustomerTable, *, weights: npt.ArrayLike | None = None) -> Self:
        """Fit by maximum likelihood (plus the ridge, if any).

        Args:
            customers: One row per customer: frequency, recency, T (one time unit). See ``customers``.
            weights: How often each row counts; once if None.

        Raises:
            AnalysisError: If the columns are not as they must be.
            NotIdentifiedError: If nobody came back and there is no ridge.
        """
        table = checked_customers(customers)
        counts = checked_weights(weights, n=len(table.T))
        require_repeats(table.frequency, weights=counts, model=self)
        n = float(len(table.T) if counts is None else counts.sum())
        age = max(float(np.average(table.T, weights=counts)), 1e-9)
        fit = maximise(_log_likelihood(table, counts), typical={"r": 1.0, "alpha": age}, n=n, ridge=self.ridge)
        return self._keep(fit, n=n)

    def log_likelihood(self, customers: CustomerTable) -> float:
        """Return the sum over customers of the individual log-likelihoods."""
        return _log_likelihood(checked_customers(customers), None)(self._values())[0]

    def p_alive(self, customers: CustomerTable) -> Floats:
        """Return 1 for each customer, shape (n,): nobody leaves."""
        return np.ones(len(checked_customers(customers).T))

    def expected_purchases(self, horizon: npt.ArrayLike) -> Any:
        """Return the expected repeat purchases of a new customer in (0, horizon]: a float, or an array as given."""
        ends = np.asarray(horizon, dtype=float)
        if not np.all(np.isfinite(ends) & (ends >= 0)):
            raise AnalysisError("horizon must be 0 or more.")
        r, alpha = self._values()
        return float(ends * r / alpha) if ends.ndim == 0 else ends * r / alpha

    def conditional_expected_purchases(self, customers: CustomerTable, *, horizon: float) -> Floats:
        """Return each customer's expected purchases in (T, T + horizon], shape (n,)."""
        table, ahead = checked_customers(customers), checked_horizon(horizon)
        r, alpha = self._values()
        return np.asarray((r + table.frequency) / (alpha + table.T) * ahead)

    def purchase_distribution(self, customers: CustomerTable, *, horizon: float, most: int = 10) -> Floats:
        """Return P(Y = 0), …, P(Y = most - 1), P(Y ≥ most) of purchases in (T, T + horizon], shape (n, most + 1)."""
        from scipy.special import betainc

        if most < 1:
            raise AnalysisError(f"most must be 1 or more, got {most}.")
        table, ahead = checked_customers(customers), checked_horizon(horizon)
        r, alpha = self._values()
        shape, older = r + table.frequency, alpha + table.T
        bought = ahead / (older + ahead)
        chances = np.empty((len(shape), most + 1))
        chances[:, 0] = (older / (older + ahead)) ** shape
        for y in range(1, most):
            chances[:, y] = chances[:, y - 1] * bought * (shape + y - 1) / y
        chances[:, most] = betainc(most, shape, bought)
        return chances

    def draw(self, customers: CustomerTable, *, horizon: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return purchases in (T, T + horizon] drawn from each customer's posterior, shape (n,)."""
        table, ahead = checked_customers(customers), checked_horizon(horizon)
        r, alpha = self._values()
        rate = rng.gamma(r + table.frequency) / (alpha + table.T)
        return np.asarray(rng.poisson(rate * ahead), dtype=np.int64)


def _log_likelihood(table: Customers, weights: Floats | None) -> LogLikelihood:
    """Return Σ ln Γ(r+x)/Γ(r) + r·ln α - (r+x)·ln(α+T), with its slope, from counts of x and of T."""
    x, at_x = distinct(table.frequency)
    age, at_age = distinct(table.T)
    n_at_x = np.bincount(at_x, weights, minlength=len(x)).astype(float)
    n_at_age = np.bincount(at_age, weights, minlength=len(age)).astype(float)
    x_at_age = np.bincount(at_age, table.frequency if weights is None else table.frequency * weights)
    n = n_at_x.sum()

    def value_and_slope(parameters: Floats) -> tuple[float, Floats]:
        from scipy.special import digamma, gammaln

        r, alpha = (float(value) for value in parameters)
        shape = r * n_at_age + x_at_age
        log_older = np.log(alpha + age)
        value = n_at_x @ (gammaln(r + x) - gammaln(r)) + n * r * np.log(alpha) - shape @ log_older
        by_r = n_at_x @ (digamma(r + x) - digamma(r)) + n * np.log(alpha) - n_at_age @ log_older
        by_alpha = n * r / alpha - shape @ (1 / (alpha + age))
        return float(value), np.array([by_r, by_alpha])

    return value_and_slope
