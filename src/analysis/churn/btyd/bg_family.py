"""What BG/NBD, MBG/NBD, BG/CNBD-k and MBG/CNBD-k do alike: fit, forecast, draw."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.churn.btyd import bg_forecasts as forecasts
from analysis.churn.btyd.bg_likelihood import Timing, tabulate, thinned, value_and_slope
from analysis.churn.btyd.bg_simulation import simulated
from analysis.churn.btyd.customers import Customers, CustomerTable, checked_customers, checked_horizon, checked_weights
from analysis.churn.btyd.fitting import Estimator, Fit, NotIdentifiedError, maximise, require_repeats
from analysis.errors import AnalysisError

__all__ = ["BGFamily", "RegularBGFamily"]

Floats = npt.NDArray[np.float64]

_MEANINGS: Final = {
    "a low": "hardly anybody seems to leave, as in NBD",
    "b high": "hardly anybody seems to leave, as in NBD",
    "a high": "customers seem to leave alike",
    "b low": "nearly everybody seems to leave at once",
    "r high": "customers seem to buy at the same rate",
    "r low": "nearly all repeats come from very few customers",
}
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

    def simulate(self, ages: npt.ArrayLike, *, rng: np.random.Generator, horizon: float = 0.0) -> pd.DataFrame:
        """Return new customers with these ages, drawn from the model.

        Args:
            ages: T of each: age at the end of the calibration period.
            rng: Where the luck comes from.
            horizon: Time after T to go on for.

        Returns:
            One row per customer: frequency, recency, T, sum_log_gaps, alive (at T), purchases_later (in (T, T +
            horizon]).
        """
        until = np.asarray(ages, dtype=float)
        _, alpha, a, b = self._mixing
        rate = rng.gamma(self._mixing.r, 1 / alpha, len(until))
        dropout = rng.beta(a, b, len(until))
        return simulated(
            until, rate=rate, dropout=dropout, timing=self._timing, horizon=checked_horizon(horizon), rng=rng
        )

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
        if age == 0:
            raise NotIdentifiedError(
                f"{type(self).__name__} cannot be fitted: T is 0 for all {n:g} customers, nobody was watched.",
                hint="end the calibration period later than the first purchases",
            )
        fit = maximise(
            lambda p: value_and_slope(p, tables=tables, timing=timing),
            typical={"r": 1.0, "alpha": age / k, "a": 1.0, "b": 3.0},
            n=n,
            ridge=self.ridge,
            start=start,
            sample=sample,
            meanings=_MEANINGS,
        )
        return fit, n


class RegularBGFamily(BGFamily):
    """A customer whose gaps between purchases have k stages: Erlang-k with rate λ, mean k/λ.

    Args:
        k: Stages of a gap; None finds the k of highest likelihood, which needs ``sum_log_gaps``.
        most_k: Largest k tried. The search ends earlier after two steps down.
        ridge: Weight of a weak prior on the logarithms of the parameters, in pseudo-customers: towards r = 1,
            α = the mean T over k, a = 1, b = 3. 0 is maximum likelihood.

    Attributes:
        k_: The k used. ``parameters_`` holds it too, so that the model travels whole; its own uncertainty is not part
            of ``covariance_``, which is given k.
        log_likelihoods_: Log-likelihood by k tried. Without ``sum_log_gaps`` it leaves out (k-1)·Σ ln(gap) and must
            not be compared across k.
    """

    log_likelihoods_: dict[int, float]

    def __init__(self, *, k: int | None = None, most_k: int = 12, ridge: float = 0.0) -> None:
        super().__init__(ridge=ridge)
        self.k = k if k is None else _checked_k(k)
        self.most_k = _checked_k(most_k)

    @classmethod
    def from_parameters(
        cls,
        parameters: Mapping[str, float],
        *,
        covariance: npt.ArrayLike | None = None,
        n_customers: int | None = None,
        k: int | None = None,
    ) -> Self:
        """Return a model with given parameters, as if fitted.

        Args:
            parameters: r, alpha, a, b, and k unless given below.
            covariance: Of the logarithms of r, alpha, a, b, shape (4, 4), if known.
            n_customers: Customers behind them, if known.
            k: Stages of a gap.

        Raises:
            AnalysisError: If a parameter is missing, unknown or not above zero, or k is not a whole number.
        """
        rest = {name: value for name, value in parameters.items() if name != "k"}
        stages = parameters.get("k") if k is None else k
        if stages is None:
            raise AnalysisError(f"{cls.__name__} needs k.", hint="k=1 has exponential gaps")
        model = super().from_parameters(rest, covariance=covariance, n_customers=n_customers)
        model.k_ = _checked_k(stages)
        model.parameters_ = {"k": float(stages), **model.parameters_}
        return model

    def fit(self, customers: CustomerTable, *, weights: npt.ArrayLike | None = None) -> Self:
        """Fit by maximum likelihood (plus the ridge, if any), over k too unless it is given.

        Args:
            customers: One row per customer: frequency, recency, T, sum_log_gaps (one time unit). See ``customers``.
            weights: How often each row counts; once if None.

        Raises:
            AnalysisError: If the columns are not as they must be, or k is not given and ``sum_log_gaps`` is missing.
            NotIdentifiedError: If nobody came back and there is no ridge.
        """
        table = checked_customers(customers)
        counts = checked_weights(weights, n=len(table.T))
        require_repeats(table.frequency, weights=counts, model=self)
        if self.k is None and table.sum_log_gaps is None:
            raise AnalysisError(
                f"{type(self).__name__} finds k by the gaps between purchases, and customers lacks sum_log_gaps.",
                hint="add the sum of ln(gap) of each customer, in the unit of recency, or give k=…",
            )
        tried: dict[int, tuple[Fit, float]] = {}
        start: dict[str, float] | None = None
        for k in [self.k] if self.k else range(1, self.most_k + 1):
            tried[k] = self._climb(table, counts, k=k, start=start)
            start = {**tried[k][0].parameters, "alpha": tried[k][0].parameters["alpha"] * k / (k + 1)}
            heights = [found.log_likelihood for found, _ in tried.values()]
            if len(heights) > 2 and heights[-3] > heights[-2] > heights[-1]:
                break
        best = max(tried, key=lambda k: tried[k][0].log_likelihood)
        self.log_likelihoods_ = {k: found.log_likelihood for k, (found, _) in tried.items()}
        self._keep(tried[best][0], n=tried[best][1])
        self.k_ = best
        self.parameters_ = {"k": float(best), **self.parameters_}
        return self


def _checked_k(k: float) -> int:
    if k < 1 or k != round(k):
        raise AnalysisError(f"k is a whole number of stages, 1 or more, got {k}.")
    return int(k)
