"""Customers never touched, so that the effect of touching the others can be measured: drawn once, kept for good."""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present
from analysis.errors import AnalysisError

__all__ = ["HOLDOUT_COLUMNS", "assign_holdout", "strata"]

HOLDOUT_COLUMNS = ("customer_id", "stratum", "holdout", "propensity", "assigned_on")


def assign_holdout(
    customers: pd.DataFrame, *, share: float, seed: int, on: str, frozen: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return everybody's side: those of ``frozen`` as they were, newcomers drawn at random within their stratum.

    Each stratum gives ``share`` of its newcomers, rounded up or down by chance so that everybody's probability is
    exactly ``share``. The draw depends on the seed and the customers' ids, not on the order of rows.

    Args:
        customers: One row per customer: ``customer_id``, ``stratum``.
        share: Of newcomers held out, 0-1.
        seed: Of the draw.
        on: Day of the draw, as ISO text.
        frozen: What an earlier draw returned, or None.

    Returns:
        One row per customer known now or then, by id: ``customer_id``, ``stratum``, ``holdout``, ``propensity`` (the
        probability of the side the customer is on) and ``assigned_on`` (ISO text).

    Raises:
        AnalysisError: If the share is not within 0-1 or a column is missing.
    """
    columns_present(customers.columns, needed=("customer_id", "stratum"), table="customers")
    if not 0 <= share < 1:
        raise AnalysisError(f"The holdout share must be at least 0 and below 1, got {share}.")
    kept = pd.DataFrame(columns=list(HOLDOUT_COLUMNS)) if frozen is None else frozen[list(HOLDOUT_COLUMNS)]
    new = customers.loc[~customers["customer_id"].isin(kept["customer_id"]), ["customer_id", "stratum"]]
    new = new.sort_values("customer_id", ignore_index=True)
    chance = _chance(new["customer_id"], seed=seed)
    held = np.zeros(len(new), dtype=bool)
    for stratum, rows in new.groupby("stratum", sort=True).indices.items():
        wanted = share * len(rows)
        coin = float(_chance(pd.Series([f"{stratum} {on}"]), seed=seed + 1)[0]) / 2**64
        quota = math.floor(wanted) + int(coin < wanted - math.floor(wanted))
        held[rows[np.argsort(chance[rows], kind="stable")[:quota]]] = True
    drawn = new.assign(holdout=held, propensity=np.where(held, share, 1 - share), assigned_on=on)
    both = drawn if kept.empty else pd.concat([kept, drawn], ignore_index=True)
    both = both.astype({"holdout": bool, "propensity": float})
    return both.sort_values("customer_id", ignore_index=True)


def strata(columns: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.object_]:
    """Return a stratum for each customer: above or not above the median of each column, as text such as ``"hl"``.

    Examples:
        >>> strata([np.array([1.0, 2.0, 9.0]), np.array([5.0, 1.0, 9.0])]).tolist()
        ['ll', 'll', 'hh']
    """
    words = np.array([""], dtype=object)
    which: npt.NDArray[np.int64] = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        words, which = np.append(words + "l", words + "h"), which + len(words) * (column > np.nanmedian(column))
    found: npt.NDArray[np.object_] = words[which]
    return found


def _chance(ids: "pd.Series[str]", *, seed: int) -> npt.NDArray[np.uint64]:
    from pandas.util import hash_array

    return hash_array(ids.to_numpy(dtype=object), hash_key=f"{seed % 10**16:016d}", categorize=False)
