"""A log of decisions: who chose what with which probability and what came of it, made ready for valuing policies.

Rows are sorted by customer, so that sums by customer are cheap; these functions look at rewards only to carry them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError

__all__ = ["FEWEST_CUSTOMERS", "FEWEST_DECISIONS", "MOST_MEASURES", "Log", "action_names", "log_refusal", "read_log"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

FEWEST_DECISIONS: Final = 100
"""Decisions a log needs before any policy is valued."""

FEWEST_CUSTOMERS: Final = 30
"""Customers it needs: fewer cannot tell their own spread."""

MOST_MEASURES: Final = 60
"""Columns of the reward model at most; those that vary most among customers are kept."""

_MOST_LEVELS: Final = 12
_FEW_VALUES: Final = 10
_KNOTS: Final = (0.25, 0.5, 0.75)


class Log(NamedTuple):
    """Decisions sorted by customer, n of them.

    Attributes:
        actions: Names of the K actions that were logged, in the order of their names.
        action: Number of the action taken, shape (n,).
        propensity: Probability with which it was chosen, above 0 to 1.
        reward: What came of it, costs of the action taken off.
        starts: First row of each customer, ascending.
        context: What was known before, one column per measure, shape (n, d): mean 0, spread 1.
        measures: The column of the table each of them comes from.
    """

    actions: tuple[str, ...]
    action: Codes
    propensity: Floats
    reward: Floats
    starts: Codes
    context: Floats
    measures: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of decisions."""
        return len(self.action)

    @property
    def n_customers(self) -> int:
        """Number of customers."""
        return len(self.starts)

    def by_customer(self, values: Floats) -> Floats:
        """Return sums over each customer's decisions, along the first axis."""
        if self.n_customers == self.n:
            return values
        found: Floats = np.add.reduceat(values, self.starts, axis=0)
        return found

    def only(self, inside: NDArray[np.bool_]) -> "Log":
        """Return the log of some customers; a customer's decisions are all in or all out.

        Args:
            inside: One entry per decision.
        """
        starts = (np.cumsum(inside) - 1)[self.starts[inside[self.starts]]]
        action, propensity, reward = self.action[inside], self.propensity[inside], self.reward[inside]
        return Log(self.actions, action, propensity, reward, starts, self.context[inside], self.measures)


def action_names(values: "pd.Series[Any]") -> "pd.Series[str]":
    """Return actions as text; a number without a fraction is written without one (2.0 is action 2).

    Examples:
        >>> action_names(pd.Series([1.0, 2.0])).tolist()
        ['1', '2']
    """
    if not pd.api.types.is_numeric_dtype(values):
        return values.astype("str").where(values.notna())
    numbers = values.astype("float64")
    return numbers.map(lambda v: f"{v:.0f}" if v == np.floor(v) else f"{v:g}", na_action="ignore").astype("object")


def log_refusal(decisions: pd.DataFrame) -> dict[str, Any] | None:
    """Return why nothing can be read from a log, or None.

    Args:
        decisions: One row per decision: ``customer_id``, ``action``, ``propensity``, ``reward``.

    Returns:
        ``reason`` (few, missing, propensity, one_action, certain), ``found`` (how many decisions or customers it is
        about) and ``needed``.
    """
    n, customers = len(decisions), decisions["customer_id"].nunique(dropna=True) + decisions["customer_id"].isna().sum()
    if n < FEWEST_DECISIONS or customers < FEWEST_CUSTOMERS:
        return {"reason": "few", "found": n, "needed": FEWEST_DECISIONS}
    missing = int(decisions[["action", "propensity", "reward"]].isna().any(axis=1).sum())
    if missing:
        return {"reason": "missing", "found": missing, "needed": 0}
    outside = int((~decisions["propensity"].astype("float64").between(0, 1, inclusive="right")).sum())
    if outside:
        return {"reason": "propensity", "found": outside, "needed": 0}
    if decisions["action"].nunique() < 2:
        return {"reason": "one_action", "found": n, "needed": 2}
    if (decisions["propensity"] == 1).all():
        return {"reason": "certain", "found": n, "needed": 0}
    return None


def read_log(decisions: pd.DataFrame, *, context: Sequence[str], costs: Mapping[str, float]) -> Log:
    """Return the log of a table whose rows are sorted by customer.

    Args:
        decisions: One row per decision, sorted by ``customer_id``; ``log_refusal`` found nothing against it.
        context: Columns known before the decision.
        costs: Cost of an action that the reward does not hold yet, by action.

    Raises:
        AnalysisError: If a cost is named of an action that was never logged, or a column of context is not there.
    """
    names = action_names(decisions["action"])
    actions = tuple(sorted(names.unique()))
    unknown = sorted(set(costs) - set(actions))
    if unknown:
        raise AnalysisError(
            f"costs names {', '.join(unknown)}; actions in the log are {', '.join(actions)}.",
            hint="name actions as the log does",
        )
    codes = pd.Categorical(names, categories=list(actions)).codes.astype(np.int64)
    cost = np.array([costs.get(action, 0.0) for action in actions])
    who = decisions["customer_id"].astype("object")
    alone = who.isna().to_numpy()
    changed = np.ones(len(who), dtype=bool)
    changed[1:] = alone[1:] | (who.to_numpy()[1:] != who.to_numpy()[:-1])
    measures, origins = _measures(decisions, columns=context)
    return Log(
        actions=actions,
        action=codes,
        propensity=decisions["propensity"].to_numpy(dtype=np.float64),
        reward=decisions["reward"].to_numpy(dtype=np.float64) - cost[codes],
        starts=np.flatnonzero(changed),
        context=measures,
        measures=origins,
    )


def _measures(decisions: pd.DataFrame, *, columns: Sequence[str]) -> tuple[Floats, tuple[str, ...]]:
    """Return the columns as standardised measures: numbers with bends at their quartiles, text as marks."""
    made: list[tuple[str, Floats]] = []
    for name in columns:
        if name not in decisions:
            raise AnalysisError(
                f"There is no column '{name}' of context.", hint=f"there are {', '.join(map(str, decisions.columns))}"
            )
        made += [(name, values) for values in _of_column(decisions[name])]
    kept: list[tuple[float, int, str, Floats]] = []
    for place, (name, values) in enumerate(made):
        spread = float(values.std())
        if spread > 0:
            usual = float(np.mean(values == np.median(values)))  # a column that hardly ever varies says little
            kept.append((usual, place, name, (values - values.mean()) / spread))
    kept = sorted(sorted(kept, key=lambda one: one[:2])[:MOST_MEASURES], key=lambda one: one[1])
    context = np.column_stack([one[3] for one in kept]) if kept else np.zeros((len(decisions), 0))
    return context, tuple(one[2] for one in kept)


def _of_column(column: "pd.Series[Any]") -> list[Floats]:
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        numbers = column.astype("float64")
        known = numbers.dropna()
        if known.empty:
            return []
        usual = numbers.fillna(known.mean()).clip(*known.quantile([0.005, 0.995]))
        values: Floats = np.asarray(usual, dtype=np.float64)
        found: list[Floats] = [values]
        if known.nunique() > _FEW_VALUES:
            knots = sorted(set(known.quantile(list(_KNOTS))))
            found += [np.asarray(np.maximum(values - knot, 0.0)) for knot in knots]
        if numbers.isna().any():
            found.append(np.asarray(numbers.isna(), dtype=np.float64))
        return found
    texts = column.astype("object").where(column.notna(), "").astype(str)
    levels = texts.value_counts().sort_index().sort_values(ascending=False, kind="stable").index[:_MOST_LEVELS]
    return [(texts == level).to_numpy(dtype=np.float64) for level in levels[1:]]
