"""What BG/NBD, MBG/NBD, BG/CNBD-k and MBG/CNBD-k do alike: fit, forecast, draw."""

from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from analysis.churn.btyd import bg_forecasts as forecasts
from analysis.churn.btyd.bg_likelihood import Timing, tabulate, thinned, value_and_slope
from analysis.churn.btyd.customers import Customers, CustomerTable, checked_customers, checked_horizon, checked_weights
from analysis.churn.btyd.fitting import Estimator, Fit, maximise, require_repeats
from analysis.errors import AnalysisError

__all__ = ["BGFamily"]

Floats = npt.NDArray[np.float64]

_SAMPLE_ROWS: Final = 20_000  # the climb starts with these; from three times as many rows on it pays


class BGFamily(Estimator):
    """A customer buys at a rate ~ Gamma(r, α) while alive, and drops out with a chance ~ Beta(a, b).

    Attributes:
        k_: Stages of a gap between purchases; 1 is exponential.
    """

    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    drops_at_start: ClassVar[bool]

    k_: int = 1

    def fit(self, customers: CustomerTable, *, weights: npt.ArrayLike | None = None) -> Self:
        """Fit by maximum likelihood (plus the ridge, if any).

        Args:
            customers: One row per customer: frequency, recency, T (one time unit). See ``customers``.
            weights: How often each row counts; once if None.

        Raises:
            AnalysisError: If the columns are not as they must be.
            NotIdentifiedError: If nobody came back or nobody was observed for any time, and there is no ridge.
        """
        table = checked_customers(customers)
        counts = checked_weights(weights, n=len(table.T))
        require_repeats(table.frequency, weights=counts, model=self)
        fit, n = self._climb(table, counts, k=1)
        return self._keep(fit, n=n)

    def log_likelihood(self, customers: CustomerTable) -> float:
        """Return the sum over customers of the individual log-likelihoods."""
        tables = tabulate(checked_customers(customers))
        return value_and_slope(self._values(), tables=tables, timing=self._timing)[0]

    def p_alive(self, customers: CustomerTable) -> Floats:
        """Return each customer's probability of being alive at T, shape (n,)."""
        return forecasts.p_alive(checked_customers(customers), mixing=self._mixing, timing=self._timing)

    def expected_purchases(self, horizon: npt.ArrayLike) -> Any:
        """Return the expected repeat purchases of a new customer in (0, horizon]: a float, or an array as given."""
        ends = np.asarray(horizon, dtype=float)
        if not np.all(np.isfinite(ends) & (ends >= 0)):
            raise AnalysisError("horizon must be 0 or more.")
        distinct, position = np.unique(ends, return_inverse=True)
        values = forecasts.expected_when_new(distinct, mixing=self._mixing, timing=self._timing)
        expected = values[position].reshape(ends.shape)
        return float(expected) if ends.ndim == 0 else expected

    def conditional_expected_purchases(self, customers: CustomerTable, *, horizon: float) -> Floats:
        """Return each customer's expected purchases in (T, T + horizon], shape (n,)."""
        table, ahead = checked_customers(customers), checked_horizon(horizon)
        mixing, timing = self._mixing, self._timing
        expected = forecasts.expected_if_alive(table, horizon=ahead, mixing=mixing, timing=timing)
        expected *= forecasts.p_alive(table, mixing=mixing, timing=timing)
        return expected

    def purchase_distribution(self, customers: CustomerTable, *, horizon: float, most: int = 10) -> Floats:
        """Return P(Y = 0), …, P(Y = most - 1), P(Y ≥ most) of purchases in (T, T + horizon], shape (n, most + 1)."""
        if most < 1:
            raise AnalysisError(f"most must be 1 or more, got {most}.")
        table, ahead = checked_customers(customers), checked_horizon(horizon)
        alive = forecasts.p_alive(table, mixing=self._mixing, timing=self._timing)
        reach = forecasts.p_at_least_if_alive(table, most=most, horizon=ahead, mixing=self._mixing, timing=self._timing)
        at_least = np.column_stack([np.ones(len(alive)), alive[:, None] * reach])
        return np.asarray(np.column_stack([at_least[:, :-1] - at_least[:, 1:], at_least[:, -1]]))

    def draw(self, customers: CustomerTable, *, horizon: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return purchases in (T, T + horizon] drawn from each customer's posterior, shape (n,)."""
        table, ahead = checked_customers(customers), checked_horizon(horizon)
        return forecasts.draw_purchases(table, horizon=ahead, mixing=self._mixing, timing=self._timing, rng=rng)

    @property
    def _timing(self) -> Timing:
        return Timing(self.k_, self.drops_at_start)

    @property
    def _mixing(self) -> forecasts.Mixing:
        return forecasts.Mixing(*(float(value) for value in self._values()))

    def _climb(
        self, table: Customers, weights: Floats | None, *, k: int, start: dict[str, float] | None = None
    ) -> tuple[Fit, float]:
        tables = tabulate(table, weights=weights)
        timing = Timing(k, self.drops_at_start)
        n = float(tables.n_at_x.sum())
        sample = None
        if len(tables.at_x) > 3 * _SAMPLE_ROWS:
            part = thinned(tables, rows=_SAMPLE_ROWS)
            sample = (lambda p: value_and_slope(p, tables=part, timing=timing), float(part.n_at_x.sum()))
        age = float(tables.n_at_age @ tables.age) / n
        fit = maximise(
            lambda p: value_and_slope(p, tables=tables, timing=timing),
            typical={"r": 1.0, "alpha": max(age, 1e-9) / k, "a": 1.0, "b": 3.0},
            n=n,
            ridge=self.ridge,
            start=start,
            sample=sample,
        )
        return fit, n
