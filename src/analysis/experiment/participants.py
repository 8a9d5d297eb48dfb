"""Who took part in an experiment: arms, the control, planned shares, measures from before, clusters.

One row per customer; these functions only look at who was put where and what was known before, never at outcomes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.checks import nearest
from analysis.errors import AnalysisError
from analysis.stats.proportions import sample_ratio_pvalue

__all__ = [
    "STOP_BELOW",
    "WARN_BELOW",
    "SampleRatio",
    "assigned_by_cluster",
    "control_arm",
    "measures_before",
    "planned_shares",
    "sample_ratio",
]

Floats = NDArray[np.float64]

WARN_BELOW: Final = 0.01
STOP_BELOW: Final = 0.001

_CONTROL_NAMES: Final = (
    "control", "holdout", "hold_out", "hold-out", "no_touch", "none", "no e-mail", "no email", "baseline", "a",
    "对照", "对照组", "留出", "留出组", "空白组", "不触达",
)  # fmt: skip
_MOST_LEVELS: Final = 12
"""A text column with more values than this is no measure to adjust by."""


class SampleRatio(NamedTuple):
    """Whether arms came out in the planned shares.

    Attributes:
        pvalue: Chance of a split as far from the plan by luck alone.
        state: ``ok``, ``warn`` (p < 0.01) or ``stop`` (p < 0.001: nothing is read out).
        table: One row per arm: ``arm``, ``n_customers``, ``planned_share``, ``actual_share``.
    """

    pvalue: float
    state: str
    table: pd.DataFrame


def control_arm(arms: Sequence[str], *, named: str | None) -> str:
    """Return the arm that all others are compared with.

    Args:
        arms: Arms of the experiment.
        named: The one that the book names, or None: then the only one with a usual name (control, holdout, 对照…).

    Raises:
        AnalysisError: If there is no such arm, or it cannot be told which it is.

    Examples:
        >>> control_arm(["treated", "holdout"], named=None)
        'holdout'
    """
    if named is not None:
        if named in arms:
            return named
        close = nearest(named, arms)
        hint = f"did you mean '{close}'?" if close else "name one of them as control"
        raise AnalysisError(f"There is no arm '{named}'; the arms are {', '.join(sorted(arms))}.", hint=hint)
    usual = [arm for arm in arms if arm.strip().casefold() in _CONTROL_NAMES]
    if len(usual) != 1:
        found = f"The arms are {', '.join(sorted(arms))}; which one is the control cannot be told."
        raise AnalysisError(found, hint="name it: control under incrementality in the book")
    return usual[0]


def planned_shares(
    arms: Sequence[str], *, control: str, book: Mapping[str, float] | None, holdout_share: float | None
) -> tuple[dict[str, float], str]:
    """Return each arm's planned share, summing to 1, and who planned it: ``book``, ``campaign`` or ``assumed``.

    The book's shares, else the campaign's holdout share for the control and equal parts of the rest, else equal shares.

    Args:
        arms: All arms.
        control: The control.
        book: Share (or weight) by arm, or None.
        holdout_share: Of the campaign, 0-1; None or 0 if there is none.

    Raises:
        AnalysisError: If the book's shares name other arms, or one is not above 0.
    """
    if book is not None:
        if set(book) != set(arms):
            raise AnalysisError(
                f"planned_shares names {', '.join(sorted(book))}; the arms are {', '.join(sorted(arms))}.",
                hint="give a share for every arm, the control included",
            )
        if min(book.values()) <= 0:
            raise AnalysisError("Every planned share must be above 0.")
        total = sum(book.values())
        return {arm: book[arm] / total for arm in arms}, "book"
    if holdout_share is not None and 0 < holdout_share < 1 and len(arms) > 1:
        rest = (1 - holdout_share) / (len(arms) - 1)
        return {arm: holdout_share if arm == control else rest for arm in arms}, "campaign"
    return {arm: 1 / len(arms) for arm in arms}, "assumed"


def sample_ratio(
    arms: "pd.Series[str]", *, shares: Mapping[str, float], clusters: "pd.Series[str] | None" = None
) -> SampleRatio:
    """Compare the customers in each arm with the plan.

    Where whole clusters were assigned it is clusters that are counted: customers of one cluster are one draw.

    Args:
        arms: Arm of each customer.
        shares: Planned share by arm.
        clusters: Cluster of each customer where clusters were assigned.
    """
    names = list(shares)
    counts = arms.value_counts().reindex(names, fill_value=0)
    drawn = counts if clusters is None else clusters.groupby(arms).nunique().reindex(names, fill_value=0)
    pvalue = sample_ratio_pvalue([int(n) for n in drawn], shares=[shares[name] for name in names])
    state = "stop" if pvalue < STOP_BELOW else "warn" if pvalue < WARN_BELOW else "ok"
    table = pd.DataFrame(
        {
            "arm": names,
            "n_customers": [int(n) for n in counts],
            "planned_share": [shares[name] for name in names],
            "actual_share": [float(n / max(counts.sum(), 1)) for n in counts],
        }
    )
    return SampleRatio(pvalue, state, table)


def assigned_by_cluster(arms: "pd.Series[str]", clusters: "pd.Series[str]") -> bool:
    """Return whether whole clusters were assigned: every customer is in one, and none of them is split over arms."""
    if clusters.isna().any():
        return False
    n = clusters.nunique()
    return bool(n < len(clusters) and (arms.groupby(clusters).nunique() == 1).all())


def measures_before(customers: pd.DataFrame, *, columns: Sequence[str]) -> Floats:
    """Return the columns as measures to adjust by, one row per customer.

    Numbers as they are, unknown ones at the mean with a mark of their own; text as one mark per value, at most 12.

    Raises:
        AnalysisError: If a column is not there, or a text column has too many values.
    """
    made: list[NDArray[Any]] = []
    for name in columns:
        if name not in customers:
            close = nearest(name, [str(column) for column in customers.columns])
            hint = f"did you mean '{close}'?" if close else ""
            raise AnalysisError(f"There is no column '{name}' to adjust by.", hint=hint)
        column = customers[name]
        if pd.api.types.is_numeric_dtype(column):
            numbers = column.astype("float64")
            made.append(numbers.fillna(numbers.mean() if numbers.notna().any() else 0.0).to_numpy(dtype=np.float64))
            if numbers.isna().any():
                made.append(numbers.isna().to_numpy(dtype=np.float64))
            continue
        levels = sorted(column.dropna().astype(str).unique())
        if len(levels) > _MOST_LEVELS:
            raise AnalysisError(
                f"'{name}' has {len(levels)} values, too many to adjust by.", hint="name a number or a shorter list"
            )
        made += [(column.astype(str) == level).to_numpy(dtype=np.float64) for level in levels[1:]]
    found: Floats = np.column_stack(made).astype(np.float64) if made else np.zeros((len(customers), 0))
    return found
