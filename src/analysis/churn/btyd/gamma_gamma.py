"""Gamma-Gamma: what an order of a customer is worth on average, drawn towards the average of all where orders are few.

The values of a customer's orders are Gamma(p, ν) and the scales ν differ between customers as Gamma(q, v). The mean
of x orders tells about ν; the rest comes from the population, whose mean is p·v/(q-1). Values carry the currency of
``monetary_value``; the number of orders and their value are taken as independent, which ``correlation_`` lets the
reader judge.

The log-likelihood of a customer with mean m of x repeat orders is

    ln Γ(px+q) - ln Γ(px) - ln Γ(q) + q·ln v + (px-1)·ln m + px·ln x - (px+q)·ln(v + x·m)

Gamma functions depend on x only. The last logarithm is smooth in ln(x·m) on the scale 1, so customers are put into
narrow bins of ln(x·m), and within a bin a polynomial in the distance from its middle is exact to 12 digits: after one
pass over the customers the climb never sees them again.

References:
    Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). RFM and CLV: Using Iso-Value Curves for Customer Base
    Analysis. Journal of Marketing Research 42(4), 415-430.
    Fader, P. S. and Hardie, B. G. S. (2013). The Gamma-Gamma Model of Monetary Value. Equations 1a and 5.
"""

import math
from typing import ClassVar, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from analysis.checks import columns_present
from analysis.churn.btyd.customers import CustomerTable, checked_weights
from analysis.churn.btyd.distinct import distinct
from analysis.churn.btyd.fitting import Estimator, NotIdentifiedError, maximise
from analysis.errors import AnalysisError

__all__ = ["GammaGamma"]

Floats = npt.NDArray[np.float64]

_BIN: Final = 0.004  # widest bin of ln(x·m): what is left out is below (half of it)^4 / 4! / 8 = 1e-13
_FEWEST_BINS: Final = 1024


class GammaGamma(Estimator):
    """The Gamma-Gamma model of the mean value of an order.

    Attributes:
        correlation_: Correlation of frequency and monetary value among the customers of the fit; the model takes it
            as 0. NaN if either does not vary, or if not fitted here.
        n_left_out_: Customers the fit could not use: no repeat order, or repeat orders of value 0.

    Args:
        ridge: Weight of a weak prior on the logarithms of the parameters, in pseudo-customers: towards p = 2, q = 4
            and a population mean equal to the customers' mean. 0 is maximum likelihood.

    Examples:
        >>> cdnow = GammaGamma.from_parameters({"p": 6.25, "q": 3.74, "v": 15.44})
        >>> cdnow.conditional_expected_value({"frequency": [0, 2], "monetary_value": [0.0, 50.0]}).round(2).tolist()
        [35.22, 47.34]
    """

    slug: ClassVar[str] = "gamma_gamma"
    parameter_names: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    correlation_: float = math.nan
    n_left_out_: int = 0

    def fit(self, customers: CustomerTable, *, weights: npt.ArrayLike | None = None) -> Self:
        """Fit by maximum likelihood (plus the ridge, if any) to customers with repeat orders of value.

        Args:
            customers: One row per customer: ``frequency`` (repeat orders) and ``monetary_value`` (their mean value;
                ignored where frequency is 0).
            weights: How often each row counts; once if None.

        Raises:
            AnalysisError: If the columns are not as they must be.
            NotIdentifiedError: If fewer than two customers have repeat orders of value.
        """
        x, m = _checked(customers)
        counts = checked_weights(weights, n=len(x))
        used = (x > 0) & (m > 0)
        if counts is not None:
            used &= counts > 0
        if np.count_nonzero(used) < 2:
            raise NotIdentifiedError(
                f"GammaGamma cannot be fitted: {np.count_nonzero(used)} of {len(x)} customers have repeat orders of "
                "value, 2 are the least.",
                hint="take a longer history, or use the mean value of all orders",
            )
        n_all = float(len(x) if counts is None else counts.sum())
        x, m, counts = x[used], m[used], None if counts is None else counts[used]
        sums = _summed(x, m, weights=counts)
        mean = sums.total_of_means / sums.n
        fit = maximise(
            lambda parameters: _value_and_slope(parameters, sums=sums),
            typical={"p": 2.0, "q": 4.0, "v": mean * 1.5},
            n=sums.n,
            ridge=self.ridge,
        )
        self._keep(fit, n=sums.n)
        self.n_left_out_ = round(n_all - sums.n)
        self.correlation_ = _correlation(x, m, weights=counts)
        if fit.parameters["q"] <= 1:
            self.advice_ = " ".join(part for part in (self.advice_, f"{self._no_mean()} {_NO_MEAN}.") if part)
        return self

    @property
    def expected_value(self) -> float:
        """Mean value of an order in the population, p·v/(q-1); infinite where q ≤ 1."""
        p, q, v = self._values()
        return float(p * v / (q - 1)) if q > 1 else math.inf

    def log_likelihood(self, customers: CustomerTable) -> float:
        """Return the sum of the individual log-likelihoods over customers with repeat orders of value."""
        x, m = _checked(customers)
        used = (x > 0) & (m > 0)
        if not used.any():
            return 0.0
        return _value_and_slope(self._values(), sums=_summed(x[used], m[used], weights=None))[0]

    def conditional_expected_value(self, customers: CustomerTable) -> Floats:
        """Return the expected mean value of each customer's orders, shape (n,), in the currency of the data.

        Customers without repeat orders of value get the mean of the population.

        Raises:
            AnalysisError: If q ≤ 1 and a customer needs the mean of the population, which is then infinite.
        """
        x, m = _checked(customers)
        p, q, v = self._values()
        x = np.where(m > 0, x, 0.0)
        known = p * x + q - 1
        if (known <= 0).any():
            raise AnalysisError(self._no_mean(), hint=_NO_MEAN[0].lower() + _NO_MEAN[1:])
        return np.asarray(p * (v + x * m) / known)

    def _no_mean(self) -> str:
        return (
            "The values of orders have so long a tail that their mean over all customers is not finite: "
            f"q is {self.parameters_['q']:.2f}, it must be above 1."
        )


_NO_MEAN: Final = "Check for values that are no customer's orders (wholesale, tests), or switch on a prior (ridge=…)"


class _Sums(NamedTuple):
    """What the log-likelihood needs to know of the customers.

    Attributes:
        n: Customers.
        total_of_means: Σ m.
        log_m: Σ ln m.
        x_log_total: Σ x·ln(x·m).
        x: Distinct frequencies.
        n_at_x: Customers per distinct frequency.
        middle: Middles of the bins of ln(x·m).
        moments: Σ d^k and Σ x·d^k per bin for k = 0 … 3, d the distance from the middle, shape (2, 4, bins).
    """

    n: float
    total_of_means: float
    log_m: float
    x_log_total: float
    x: Floats
    n_at_x: Floats
    middle: Floats
    moments: Floats


def _checked(customers: CustomerTable) -> tuple[Floats, Floats]:
    columns_present(list(customers.keys()), needed=("frequency", "monetary_value"), table="customers")
    x, m = (np.asarray(customers[name], dtype=float) for name in ("frequency", "monetary_value"))
    if x.shape != m.shape or x.ndim != 1:
        raise AnalysisError(f"frequency and monetary_value must be columns of one length, got {x.shape} and {m.shape}.")
    if len(x) == 0:
        raise AnalysisError("Gamma-Gamma needs at least one customer, got none.")
    m = np.where(x > 0, m, 0.0)
    for name, values in (("frequency", x), ("monetary_value", m)):
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            raise AnalysisError(
                f"{name} must be a finite number of 0 or more: {np.count_nonzero(wrong)} of {len(x)} rows are not, "
                f"the first at row {int(np.argmax(wrong))}.",
                hint="monetary_value is the mean value of repeat orders; leave refunds out",
            )
    return x, m


def _summed(x: Floats, m: Floats, *, weights: Floats | None) -> _Sums:
    values, at_x = distinct(x)
    n_at_x = np.bincount(at_x, weights, minlength=len(values)).astype(float)
    log_m = np.log(m)
    log_total = log_m + np.log(x)
    low, high = float(log_total.min()), float(log_total.max())
    n_bins = max(_FEWEST_BINS, math.ceil((high - low) / _BIN))
    width = max((high - low) / n_bins, 1e-12)
    at = np.minimum(((log_total - low) / width).astype(np.intp), n_bins - 1)
    middle = low + (np.arange(n_bins) + 0.5) * width
    d = log_total - middle[at]
    one = np.ones_like(x) if weights is None else weights
    powers = (np.ones_like(d), d, d * d, d * d * d)
    moments = np.array([[np.bincount(at, w * power, minlength=n_bins) for power in powers] for w in (one, one * x)])
    present = moments[0, 0] > 0
    return _Sums(
        n=float(one.sum()),
        total_of_means=float(one @ m),
        log_m=float(one @ log_m),
        x_log_total=float((one * x) @ log_total),
        x=values[n_at_x > 0],
        n_at_x=n_at_x[n_at_x > 0],
        middle=middle[present],
        moments=moments[:, :, present],
    )


def _value_and_slope(parameters: Floats, *, sums: _Sums) -> tuple[float, Floats]:
    """Return the sum over customers of the log-likelihood, and its slope in (p, q, v)."""
    from scipy.special import digamma, gammaln

    p, q, v = (float(value) for value in parameters)
    shape, n_at_x = p * sums.x, sums.n_at_x
    plain, times_x, by_log_v = _log_sums(sums, log_v=math.log(v), p=p, q=q)
    value = n_at_x @ (gammaln(shape + q) - gammaln(shape) - gammaln(q)) + sums.n * q * math.log(v)
    value += p * sums.x_log_total - sums.log_m - p * times_x - q * plain
    by_p = (n_at_x * sums.x) @ (digamma(shape + q) - digamma(shape)) + sums.x_log_total - times_x
    by_q = n_at_x @ (digamma(shape + q) - digamma(q)) + sums.n * math.log(v) - plain
    by_v = (sums.n * q - by_log_v) / v
    return float(value), np.array([by_p, by_q, by_v])


def _log_sums(sums: _Sums, *, log_v: float, p: float, q: float) -> tuple[float, float, float]:
    """Return Σ ln(v + x·m), Σ x·ln(v + x·m), and the slope of their sum with weights q and p in ln v.

    With u = ln(x·m) the logarithm is ln v + ln(1 + e^(u - ln v)); its derivatives in u are those of the logistic
    function, and its derivative in ln v is 1 less the first.
    """
    away = sums.middle - log_v
    part = 1 / (1 + np.exp(-np.abs(away)))
    logistic = np.where(away > 0, part, 1 - part)
    slope = logistic * (1 - logistic)
    bend = slope * (1 - 2 * logistic)
    level = log_v + np.maximum(away, 0.0) + np.log1p(np.exp(-np.abs(away)))
    terms = np.array([level, logistic, slope / 2, bend / 6])
    plain, times_x = (float((moments * terms).sum()) for moments in sums.moments)
    below = np.array([1 - logistic, -slope, -bend / 2])
    by_log_v = float(((q * sums.moments[0, :3] + p * sums.moments[1, :3]) * below).sum())
    return plain, times_x, by_log_v


def _correlation(x: Floats, m: Floats, *, weights: Floats | None) -> float:
    spread = np.cov(x, m, aweights=weights)
    scale = math.sqrt(spread[0, 0] * spread[1, 1])
    return float(spread[0, 1] / scale) if scale > 0 else math.nan
