"""Does a predictor know the future? What the model was given, against the same computed from truncated data.

A leak makes a forecast look splendid in the past and fail in the week it is needed. So for some customers the
predictors of past origins are computed a second time, from files that hold nothing learnt after the origin, and
compared with those the model learns from and is judged on. A column that differs knew something it could not have
known: it is named, and nothing is forecast.
"""

from collections.abc import Iterable, Sequence
from hashlib import md5
from typing import Final

import numpy as np
import pandas as pd

from analysis.churn.classifier import ChurnClassifier
from analysis.errors import AnalysisError
from analysis.stats.scoring import Score, area_under_curve

__all__ = [
    "CUSTOMERS_CHECKED",
    "LeakError",
    "auc_of_permuted_outcomes",
    "checked_customers",
    "compare_with_rebuilt",
    "refuse_leaks",
]

CUSTOMERS_CHECKED: Final = 2_000
"""Customers, about, that each check rebuilds: a column that leaks for one in a thousand is found with 86 %."""

_TOLERANCE: Final = 1e-5
"""Relative: predictors travel in single precision."""

_ROWS_PERMUTED: Final = 20_000
"""Rows, at most, to learn from and to judge with permuted outcomes: they tell 0.5 to about ± 0.01."""

_WHO: Final = "customer_id"
_HASHES: Final = 16**8
"""First eight hexadecimal digits of an MD5: without any order."""


class LeakError(AnalysisError):
    """A predictor holds what was not known on its day; nothing may be forecast with it.

    Args:
        columns: The predictors that do.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        named = ", ".join(f"'{name}'" for name in columns)
        super().__init__(
            f"Predictors that know the future: {named}. From data cut off at their day they come out otherwise.",
            hint="give the column a date from which it was known (known_at), or take it out of the predictors",
        )


def checked_customers(customers: Iterable[str], *, share: float) -> list[str]:
    """Return the customers whose predictors are checked: the same ones at every origin, chosen by their ids alone.

    Args:
        customers: Ids.
        share: Part of them that is checked, met to within luck; 1 or more: all.
    """
    if share >= 1:
        return list(customers)
    below = f"{int(share * _HASHES):08x}"
    return [name for name in customers if md5(name.encode(), usedforsecurity=False).hexdigest()[:8] < below]


def compare_with_rebuilt(given: pd.DataFrame, *, rebuilt: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return for each predictor how many customers' values differ from those rebuilt from truncated data.

    Args:
        given: What the model was given: ``customer_id`` and the predictors, a row per customer.
        rebuilt: Features from the truncated data: ``customer_id`` and those it could still compute.
        columns: Predictors.

    Returns:
        One row per predictor, and a first one for ``customer_id`` (customers nobody could have known of): ``column``,
        ``n_customers`` (compared), ``n_different``. A column that cannot be rebuilt differs wherever it was known.

    Examples:
        >>> given = pd.DataFrame({"customer_id": ["a", "b"], "n_orders": [1.0, 5.0]})
        >>> rebuilt = pd.DataFrame({"customer_id": ["a", "b"], "n_orders": [1.0, 2.0]})
        >>> compare_with_rebuilt(given, rebuilt=rebuilt, columns=["n_orders"])["n_different"].tolist()
        [0, 1]
    """
    known = given[_WHO].isin(rebuilt[_WHO])
    rows = [(_WHO, len(given), int((~known).sum()))]
    given = given[known]
    then = rebuilt.set_index(_WHO).reindex(index=given[_WHO], columns=list(columns))
    for column in columns:
        a = given[column].to_numpy(dtype=np.float64, na_value=np.nan)
        b = then[column].to_numpy(dtype=np.float64, na_value=np.nan)
        same = np.isclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True)
        rows.append((column, len(given), int((~same).sum())))
    return pd.DataFrame(rows, columns=["column", "n_customers", "n_different"])


def refuse_leaks(comparison: pd.DataFrame) -> None:
    """Stop if any column differs.

    Args:
        comparison: ``column`` and ``n_different``, as ``compare_with_rebuilt`` gives them, of one origin or several.

    Raises:
        LeakError: Naming every column that differs, the one that differs for most customers first.
    """
    different = comparison.groupby("column", sort=False)["n_different"].sum()
    leaking = different[different > 0].sort_values(ascending=False, kind="stable")
    if len(leaking):
        raise LeakError([str(name) for name in leaking.index])


def auc_of_permuted_outcomes(
    training: pd.DataFrame, *, judged: pd.DataFrame, columns: Sequence[str], seed: int
) -> Score:
    """Return how well the trees rank outcomes that were dealt out at random: 0.5 within noise, or something is wrong.

    Outcomes are permuted within each origin, in learning and in judging alike, so that nothing is left to be known.

    Args:
        training: Predictors, ``origin_on`` and ``churned`` of the training origins.
        judged: The same of the judging origin.
        columns: Predictors.
        seed: Of the permutations and of the trees.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for rows in (training, judged):
        some = rows.sample(min(len(rows), _ROWS_PERMUTED), random_state=seed)
        parts.append(some.assign(churned=some.groupby("origin_on")["churned"].transform(rng.permutation)))
    learnt, asked = parts
    score = ChurnClassifier(columns, seed=seed).fit(learnt, learnt["churned"]).predict(asked)
    return area_under_curve(asked["churned"].to_numpy(dtype=np.float64), score)
