"""The columns every buy-till-you-die model reads, checked once.

One row is one customer, in one time unit (say days or weeks, fractions allowed), counted from the customer's first
purchase:

* ``frequency`` (x): repeat purchases until the end of the calibration period; 0 for one who bought once.
* ``recency`` (t_x): age at the last of them; 0 without one.
* ``T``: age at the end of the calibration period.
* ``sum_log_gaps`` (optional): sum of the natural logarithms of the x gaps between purchases, the gaps in the same
  time unit: Σ ln(gap). Gaps shorter than one unit count negative; 0 without a repeat. Only the models with regular
  timing read it, and only to compare different k (``litt`` of R's BTYDplus).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present
from analysis.errors import AnalysisError

__all__ = ["CustomerTable", "Customers", "checked_customers", "checked_horizon", "checked_weights"]

Floats = npt.NDArray[np.float64]
CustomerTable = pd.DataFrame | Mapping[str, Any]  # columns by name; columns not named above are ignored

_ROUNDING = 1e-9  # of T: ages computed in two ways may differ this much


class Customers(NamedTuple):
    """Checked columns, each of shape (n,), one time unit.

    Attributes:
        frequency: Repeat purchases, whole numbers.
        recency: Age at the last repeat purchase, 0 without one.
        T: Age at the end of the calibration period.
        sum_log_gaps: Sum of the logarithms of the gaps, or None if the table has no such column.
    """

    frequency: Floats
    recency: Floats
    T: Floats
    sum_log_gaps: Floats | None = None


def checked_customers(customers: CustomerTable) -> Customers:
    """Return the columns of a table of customers, or say which rows cannot be.

    Examples:
        >>> checked_customers({"frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 38.86]}).T.tolist()
        [38.86, 38.86]

    Raises:
        AnalysisError: If a column is missing, the table is empty, or rows contradict the meaning of the columns;
            the message names the column and the number of rows.
    """
    columns_present(list(customers.keys()), needed=("frequency", "recency", "T"), table="customers")
    x, t_x, age = (_column(customers, name) for name in ("frequency", "recency", "T"))
    if not len(x) == len(t_x) == len(age):
        raise AnalysisError(f"frequency, recency and T have {len(x)}, {len(t_x)} and {len(age)} rows.")
    if len(x) == 0:
        raise AnalysisError("A buy-till-you-die model needs at least one customer, got none.")
    if not _plausible(x, t_x, age):
        _refuse_rows(x, t_x, age)
        t_x = np.minimum(t_x, age)
    gaps = _column(customers, "sum_log_gaps") if "sum_log_gaps" in customers else None
    if gaps is not None:
        _refuse_gaps(gaps, x=x, t_x=t_x)
    return Customers(x, t_x, age, gaps)


def checked_weights(weights: npt.ArrayLike | None, *, n: int) -> Floats | None:
    """Return weights of customers, or None for one each.

    Raises:
        AnalysisError: If there is not one weight of 0 or more per customer, or all are 0.
    """
    if weights is None:
        return None
    values = np.asarray(weights, dtype=float)
    if values.shape != (n,):
        raise AnalysisError(f"weights must have one value for each of the {n} customers, got shape {values.shape}.")
    _refuse(~(np.isfinite(values) & (values >= 0)), "weights", "must be 0 or more")
    if values.sum() == 0:
        raise AnalysisError("weights are all 0: nobody is left to fit.")
    return values


def checked_horizon(horizon: float) -> float:
    """Return a horizon, in the time unit of recency and T.

    Raises:
        AnalysisError: If it is negative or not a finite number.
    """
    if not (np.isfinite(horizon) and horizon >= 0):
        raise AnalysisError(f"horizon must be 0 or more, got {horizon}.")
    return float(horizon)


_RECENCY = "recency is the age at the last repeat purchase, not the time since it"
_SAME_DAY = "purchases in the same period count once: a repeat purchase lies after the first"


def _column(customers: CustomerTable, name: str) -> Floats:
    try:
        values = np.asarray(customers[name], dtype=float)
    except (TypeError, ValueError) as error:
        raise AnalysisError(f"The column '{name}' of customers must hold numbers: {error}.") from error
    if values.ndim != 1:
        raise AnalysisError(f"The column '{name}' of customers must be one-dimensional, got shape {values.shape}.")
    with np.errstate(invalid="ignore", over="ignore"):
        suspect = not np.isfinite(values.sum())
    if suspect:
        _refuse(~np.isfinite(values), name, "must be a finite number")
    return values


def _plausible(x: Floats, t_x: Floats, age: Floats) -> bool:
    """Return whether all rows are as they must be, without saying which are not: quick on millions of rows."""
    return bool(
        x.min() >= 0
        and t_x.min() >= 0
        and (age - t_x).min() >= 0
        and np.array_equal(x > 0, t_x > 0)
        and np.array_equal(x, np.rint(x))
    )


def _refuse_rows(x: Floats, t_x: Floats, age: Floats) -> None:
    _refuse((x < 0) | (x != np.floor(x)), "frequency", "must be a whole number, 0 or more")
    _refuse(age < 0, "T", "must be 0 or more")
    _refuse(t_x < 0, "recency", "must be 0 or more")
    _refuse(t_x > age * (1 + _ROUNDING), "recency", "must not be beyond T", hint=_RECENCY)
    _refuse((x == 0) & (t_x > 0), "recency", "must be 0 where frequency is 0", hint=_RECENCY)
    _refuse((x > 0) & (t_x == 0), "recency", "must be above 0 where frequency is above 0", hint=_SAME_DAY)


def _refuse(wrong: npt.NDArray[np.bool_], column: str, rule: str, *, hint: str = "") -> None:
    n = int(np.count_nonzero(wrong))
    if n:
        first = int(np.argmax(wrong))
        raise AnalysisError(f"{column} {rule}: {n} of {len(wrong)} rows are not, the first at row {first}.", hint=hint)


def _refuse_gaps(gaps: Floats, *, x: Floats, t_x: Floats) -> None:
    if len(gaps) != len(x):
        raise AnalysisError(f"sum_log_gaps has {len(gaps)} rows, frequency has {len(x)}.")
    _refuse((x == 0) & (gaps != 0), "sum_log_gaps", "must be 0 where frequency is 0")
    # x gaps that add up to t_x have the largest sum of logarithms when they are equal
    most = x * np.log(np.where(x > 0, t_x / np.maximum(x, 1), 1.0))
    _refuse(
        gaps > most + 1e-6 * (1 + np.abs(most)),
        "sum_log_gaps",
        "must not exceed frequency × ln(recency / frequency)",
        hint="gaps must be in the time unit of recency and T, with natural logarithms",
    )
