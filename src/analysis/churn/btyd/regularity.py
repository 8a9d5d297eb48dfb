"""How regular purchases are: the shape k of the gaps between them. 1 is chance, more is regular, less is clumpy.

Five published estimators, as in ``estimateRegularity`` of R's BTYDplus, with its defaults:

* ``wheat``: all customers share one k. Of each customer's last two gaps, M = last / (last + the one before) is
  Beta(k, k) whatever their rate, so k = (1 - 4·Var(M)) / (8·Var(M)).
* ``mle``: each customer's own k by maximum likelihood for gamma-distributed gaps (searched in 0.1 … 50), then the
  median over customers.
* ``mle-minka`` and ``mle-thom``: two closed forms close to it.
* ``cv``: 1 / (coefficient of variation of the gaps)².

References:
    Wheat, R. D. and Morrison, D. G. (1990). Estimating purchase regularity with two interpurchase times. Journal of
    Marketing Research 27(1), 87-93 (``wheat``).
    Platzer, M. and Reutterer, T. (2016). Ticking away the moments. Marketing Science 35(5), 779-799 (both kinds).
    Minka, T. P. (2002). Estimating a gamma distribution (``mle-minka``: its start).
    Dunn, R., Reader, S. and Wrigley, N. (1983). An investigation of the assumptions of the NBD model. Applied
    Statistics 32(3), 249-259 (``mle-thom``, after Thom 1968).
    Wu, C. and Chen, H.-L. (2000). A consumer purchasing model with learning and departure behaviour. Journal of the
    Operational Research Society 51(5), 583-591 (``cv``).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present, one_of
from analysis.errors import AnalysisError

__all__ = ["METHODS", "customer_regularity", "estimate_regularity", "gap_sums"]

Floats = npt.NDArray[np.float64]

METHODS: Final = ("wheat", "mle", "mle-minka", "mle-thom", "cv")

_LEAST_GAPS: Final = {"wheat": 2, "mle": 10, "mle-minka": 10, "mle-thom": 10, "cv": 10}
_RANGE: Final = (0.1, 50.0)  # of k by ``mle``


def estimate_regularity(
    purchases: pd.DataFrame, *, method: str = "wheat", least_gaps: int | None = None, time: str = "ordered_on"
) -> float:
    """Return the regularity k of a table of purchases.

    Args:
        purchases: One row per purchase: ``customer_id`` and a time. Several purchases of a customer at one time count
            once.
        method: One of ``METHODS``.
        least_gaps: Gaps a customer needs to count; 2 for ``wheat``, 10 for the others by default.
        time: Column of the time: dates, or numbers in any unit.

    Raises:
        AnalysisError: If the method is unknown, a column is missing, or no customer has enough gaps.

    Examples:
        >>> times = [0, 7, 14, 22, 0, 3, 4, 11]
        >>> bought = pd.DataFrame({"customer_id": list("aaaabbbb"), "ordered_on": times})
        >>> estimate_regularity(bought, method="cv", least_gaps=3) > 1
        True
    """
    one_of(method, allowed=METHODS, what="method of regularity")
    if method != "wheat":
        return float(customer_regularity(purchases, method=method, least_gaps=least_gaps, time=time).median())
    gaps = _gaps(purchases, least_gaps=_least(method, least_gaps), time=time)
    last = gaps.first + gaps.n - 1
    ratio = gaps.length[last] / (gaps.length[last] + gaps.length[last - 1])
    spread = float(np.var(ratio, ddof=1)) if len(ratio) > 1 else 0.0
    if spread == 0:
        raise AnalysisError(
            f"The ratio of the last two gaps does not vary over {len(ratio)} customers: regularity cannot be told.",
            hint="more customers with at least three purchases are needed",
        )
    return (1 - 4 * spread) / (8 * spread)


def customer_regularity(
    purchases: pd.DataFrame, *, method: str = "mle", least_gaps: int | None = None, time: str = "ordered_on"
) -> "pd.Series[float]":
    """Return each customer's own k, for customers with enough gaps; index customer_id.

    Args:
        purchases: One row per purchase: ``customer_id`` and a time.
        method: One of ``METHODS`` but ``wheat``.
        least_gaps: Gaps a customer needs to count; 10 by default.
        time: Column of the time: dates, or numbers in any unit.

    Raises:
        AnalysisError: If the method is unknown, a column is missing, or no customer has enough gaps.
    """
    one_of(method, allowed=METHODS[1:], what="method of one customer's regularity")
    gaps = _gaps(purchases, least_gaps=_least(method, least_gaps), time=time)
    mean = np.add.reduceat(gaps.length, gaps.first) / gaps.n
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "cv":
            away = gaps.length - np.repeat(mean, gaps.n)
            shape = mean**2 / (np.add.reduceat(away**2, gaps.first) / (gaps.n - 1))
        else:
            excess = np.maximum(np.log(mean) - np.add.reduceat(np.log(gaps.length), gaps.first) / gaps.n, 0.0)
            shape = {"mle": _most_likely, "mle-minka": _minka, "mle-thom": _thom}[method](excess)
    return pd.Series(shape, index=pd.Index(gaps.customer_id, name="customer_id"), name="k")


def gap_sums(purchases: pd.DataFrame, *, time: str = "ordered_on", unit: float = 1.0) -> "pd.Series[float]":
    """Return ``sum_log_gaps`` of each customer: Σ ln(gap / unit) over the gaps between purchases; index customer_id.

    Args:
        purchases: One row per purchase: ``customer_id`` and a time. Several at one time count once.
        time: Column of the time: dates (gaps in days), or numbers.
        unit: Length of the time unit of ``recency`` and ``T`` in the unit of the gaps: 7 for weeks from dates.

    Examples:
        >>> bought = pd.DataFrame({"customer_id": ["a", "a", "b"], "ordered_on": [0, 7, 3]})
        >>> gap_sums(bought, unit=7).to_dict()
        {'a': 0.0, 'b': 0.0}
    """
    times = _times(purchases, time=time)
    sums = np.zeros(len(times.customer_id))
    with_gaps = times.n > 1
    gap = np.diff(times.time)
    inside = np.ones(len(times.time), dtype=bool)
    inside[times.first] = False  # a customer's first purchase ends no gap
    owner = np.repeat(np.arange(len(times.n)), times.n)
    np.add.at(sums, owner[inside], np.log(gap[inside[1:]] / unit))
    return pd.Series(
        np.where(with_gaps, sums, 0.0), index=pd.Index(times.customer_id, name="customer_id"), name="sum_log_gaps"
    )


class _Times(NamedTuple):
    """Distinct times by customer, ascending."""

    customer_id: npt.NDArray[np.object_]
    first: npt.NDArray[np.intp]  # position of each customer's first time
    n: npt.NDArray[np.intp]
    time: Floats


class _Gaps(NamedTuple):
    """Gaps by customer, in the order of time."""

    customer_id: npt.NDArray[np.object_]
    first: npt.NDArray[np.intp]
    n: npt.NDArray[np.intp]
    length: Floats


def _least(method: str, least_gaps: int | None) -> int:
    if least_gaps is None:
        return _LEAST_GAPS[method]
    if least_gaps < 2:
        raise AnalysisError(f"least_gaps must be 2 or more, got {least_gaps}: one gap says nothing of regularity.")
    return least_gaps


def _times(purchases: pd.DataFrame, *, time: str) -> _Times:
    columns_present(purchases.columns, needed=("customer_id", time), table="purchases")
    table = purchases[["customer_id", time]].drop_duplicates()
    table = table.dropna().sort_values(["customer_id", time], kind="stable")
    when = table[time]
    if not pd.api.types.is_numeric_dtype(when):
        when = (pd.to_datetime(when) - pd.Timestamp(0)) / pd.Timedelta(days=1)
    owner, ids = pd.factorize(table["customer_id"])
    n = np.bincount(owner, minlength=len(ids))
    first = np.concatenate([[0], np.cumsum(n)[:-1]]).astype(np.intp)
    return _Times(np.asarray(ids, dtype=object), first, n, when.to_numpy(dtype=float))


def _gaps(purchases: pd.DataFrame, *, least_gaps: int, time: str) -> _Gaps:
    times = _times(purchases, time=time)
    enough = times.n > least_gaps
    if not enough.any():
        raise AnalysisError(
            f"No customer has {least_gaps} gaps between purchases, {least_gaps + 1} purchases at different times.",
            hint="take a longer history, or the method 'wheat', which needs two gaps only",
        )
    kept = np.repeat(enough, times.n)
    inside = np.ones(len(times.time), dtype=bool)
    inside[times.first[times.n > 0]] = False
    length = np.diff(times.time, prepend=np.nan)[kept & inside]
    n = times.n[enough] - 1
    first = np.concatenate([[0], np.cumsum(n)[:-1]]).astype(np.intp)
    return _Gaps(times.customer_id[enough], first, n, length)


def _minka(excess: Floats) -> Floats:
    return np.asarray((3 - excess + np.sqrt((excess - 3) ** 2 + 24 * excess)) / (12 * excess))


def _thom(excess: Floats) -> Floats:
    return np.asarray((1 + np.sqrt(1 + 4 * excess / 3)) / (4 * excess))


def _most_likely(excess: Floats) -> Floats:
    """Solve ln k - ψ(k) = excess by Newton's method from Minka's start, within the range."""
    from scipy.special import digamma, polygamma

    k = np.clip(np.nan_to_num(_minka(excess), posinf=_RANGE[1]), *_RANGE)
    for _ in range(20):
        miss = np.log(k) - digamma(k) - excess
        k = np.clip(k * np.exp(-miss / (1 - k * polygamma(1, k))), *_RANGE)
    return np.asarray(k)
