"""Pareto/NBD: each customer's own purchase rate, and a rate of leaving that runs all the time.

While alive a customer buys at a rate λ ~ Gamma(r, α) with exponential gaps; the time until they leave is exponential
with a rate μ ~ Gamma(s, β). Unlike in BG/NBD, who never came back may have left. Rates carry the time unit of
``recency`` and ``T``.

References:
    Schmittlein, D. C., Morrison, D. G. and Colombo, R. (1987). Counting Your Customers: Who Are They and What Will
    They Do Next? Management Science 33(1), 1-24.
    Fader, P. S. and Hardie, B. G. S. (2005). A Note on Deriving the Pareto/NBD Model and Related Expressions.
"""

from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from analysis.churn.btyd import pareto_forecasts as forecasts
from analysis.churn.btyd.bg_likelihood import tabulate, thinned
from analysis.churn.btyd.customers import CustomerTable, checked_customers, checked_horizon, checked_weights
from analysis.churn.btyd.fitting import Estimator, maximise, one_thread, require_repeats
from analysis.churn.btyd.pareto_likelihood import paretos, value_and_slope
from analysis.errors import AnalysisError

__all__ = ["ParetoNBD"]

Floats = npt.NDArray[np.float64]

_SAMPLE_ROWS: Final = 20_000  # the climb starts with these; from three times as many rows on it pays


class ParetoNBD(Estimator):
    """The Pareto/NBD model.

    Args:
        ridge: Weight of a weak prior on the logarithms of the parameters, in pseudo-customers: towards r = 1,
            α = the mean T, s = 1, β = the mean T. 0 is maximum likelihood.

    Examples:
        >>> cdnow = ParetoNBD.from_parameters({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669})
        >>> customer = {"frequency": [2], "recency": [30.43], "T": [38.86]}
        >>> cdnow.p_alive(customer).round(4).tolist()
        [0.8692]
        >>> cdnow.purchase_distribution(customer, horizon=39, most=3).round(3).tolist()
        [[0.408, 0.219, 0.152, 0.221]]
    """

    slug: ClassVar[str] = "pareto_nbd"
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")

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
        tables = tabulate(table, weights=counts)
        n = float(tables.n_at_x.sum())
        sample = None
        if len(tables.at_x) > 3 * _SAMPLE_ROWS:
            part = paretos(thinned(tables, rows=_SAMPLE_ROWS))
            sample = (lambda p: value_and_slope(p, tables=part), float(part.n_at_x.sum()))
        age = max(float(tables.n_at_age @ tables.age) / n, 1e-9)
        arranged = paretos(tables)
        fit = maximise(
            lambda p: value_and_slope(p, tables=arranged),
            typical={"r": 1.0, "alpha": age, "s": 1.0, "beta": age},
            n=n,
            ridge=self.ridge,
            sample=sample,
        )
        return self._keep(fit, n=n)

    def log_likelihood(self, customers: CustomerTable) -> float:
        """Return the sum over customers of the individual log-likelihoods."""
        tables = paretos(tabulate(checked_customers(customers)))
        with one_thread():
            return value_and_slope(self._values(), tables=tables)[0]

    def p_alive(self, customers: CustomerTable) -> Floats:
        """Return each customer's probability of being alive at T, shape (n,)."""
        return forecasts.p_alive(checked_customers(customers), rates=self._rates)

    def expected_purchases(self, horizon: npt.ArrayLike) -> Any:
        """Return the expected repeat purchases of a new customer in (0, horizon]: a float, or an array as given."""
        ends = np.asarray(horizon, dtype=float)
        if not np.all(np.isfinite(ends) & (ends >= 0)):
            raise AnalysisError("horizon must be 0 or more.")
        r, alpha, s, beta = self._rates
        expected = r / alpha * forecasts.expected_time_alive(ends, s=s, beta=beta)
        return float(expected) if ends.ndim == 0 else expected

    def conditional_expected_purchases(self, customers: CustomerTable, *, horizon: float) -> Floats:
        """Return each customer's expected purchases in (T, T + horizon], shape (n,)."""
        table, ahead = checked_customers(customers), checked_horizon(horizon)
        return forecasts.expected_purchases(table, rates=self._rates, horizon=ahead)

    def purchase_distribution(self, customers: CustomerTable, *, horizon: float, most: int = 10) -> Floats:
        """Return P(Y = 0), …, P(Y = most - 1), P(Y ≥ most) of purchases in (T, T + horizon], shape (n, most + 1)."""
        if most < 1:
            raise AnalysisError(f"most must be 1 or more, got {most}.")
        table, ahead = checked_customers(customers), checked_horizon(horizon)
        return forecasts.p_counts(table, rates=self._rates, horizon=ahead, most=most)

    def draw(self, customers: CustomerTable, *, horizon: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return purchases in (T, T + horizon] drawn from each customer's posterior, shape (n,)."""
        table, ahead = checked_customers(customers), checked_horizon(horizon)
        return forecasts.draw_purchases(table, rates=self._rates, horizon=ahead, rng=rng)

    def simulate(self, T: npt.ArrayLike, *, rng: np.random.Generator) -> dict[str, Floats]:  # noqa: N803 - the model's own letter
        """Return new customers of ages ``T`` as the model has them: columns frequency, recency and T."""
        drawn = forecasts.simulate(np.asarray(T, dtype=float), rates=self._rates, rng=rng)
        return {"frequency": drawn.frequency, "recency": drawn.recency, "T": drawn.T}

    @property
    def _rates(self) -> forecasts.Rates:
        return forecasts.Rates(*(float(value) for value in self._values()))
