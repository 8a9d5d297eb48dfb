"""Policies to be valued: what each would have done with every logged decision."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.checks import nearest
from analysis.errors import AnalysisError
from analysis.experiment.policy_log import Log, action_names

__all__ = ["LEARNED", "LOGGED", "UNIFORM", "Policy", "always", "given", "learned", "uniform"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

LOGGED: Final = "logged"
UNIFORM: Final = "uniform"
LEARNED: Final = "learned"
_NOT_ONE: Final = 1e-3


class Policy(NamedTuple):
    """What one policy would do.

    Attributes:
        name: Of the policy, as results call it.
        kind: ``always``, ``uniform``, ``learned`` or ``given``.
        chosen: Number of the action it takes, per decision; -1 for one that was never logged. None if it draws.
        shares: Probability of each action, shape (n, K), where it draws.
        inside: Decisions on which it may be valued, shape (n,); None for all. One that was learned from some customers
            may be valued on others only.
    """

    name: str
    kind: str
    chosen: Codes | None = None
    shares: Floats | None = None
    inside: NDArray[np.bool_] | None = None

    def where_valued(self, log: Log, forecast: Floats) -> tuple["Policy", Log, Floats]:
        """Return the policy, the log and the forecast of the decisions on which the policy may be valued."""
        if self.inside is None:
            return self, log, forecast
        inside = self.inside
        own = self._replace(
            chosen=None if self.chosen is None else self.chosen[inside],
            shares=None if self.shares is None else self.shares[inside],
            inside=None,
        )
        return own, log.only(inside), forecast[inside]

    def of_logged(self, log: Log) -> Floats:
        """Return the probability with which the policy takes the action that was logged, shape (n,)."""
        if self.chosen is not None:
            return np.asarray(self.chosen == log.action, dtype=np.float64)
        if self.shares is None:
            raise AnalysisError(f"The policy '{self.name}' neither chooses nor draws.")
        return np.asarray(self.shares[np.arange(log.n), log.action], dtype=np.float64)

    def expected(self, forecast: Floats) -> Floats:
        """Return the forecast reward of what the policy does, shape (n,); of an action never logged the mean of all."""
        if self.chosen is not None:
            known = forecast[np.arange(len(forecast)), np.maximum(self.chosen, 0)]
            return np.asarray(np.where(self.chosen >= 0, known, forecast.mean(axis=1)))
        if self.shares is None:
            raise AnalysisError(f"The policy '{self.name}' neither chooses nor draws.")
        return np.asarray(np.einsum("ij,ij->i", self.shares, forecast))


def always(log: Log, action: int) -> Policy:
    """Return the policy that takes one action whatever the customer."""
    return Policy(f"always_{log.actions[action]}", "always", chosen=np.full(log.n, action, dtype=np.int64))


def uniform(log: Log) -> Policy:
    """Return the policy that draws among all logged actions with equal chances."""
    k = len(log.actions)
    return Policy(UNIFORM, "uniform", shares=np.broadcast_to(np.float64(1 / k), (log.n, k)))


def learned(best: Codes) -> Policy:
    """Return the policy that takes the action a model takes for the best.

    Args:
        best: From ``reward_model.learn_actions``: -1 where no model was learned before.
    """
    return Policy(LEARNED, "learned", chosen=best, inside=best >= 0)


def given(log: Log, decisions: pd.DataFrame, *, name: str, columns: str | Mapping[str, str]) -> Policy:
    """Return a policy that the data hold.

    Args:
        log: The log made of ``decisions``, rows in the same order.
        decisions: One row per decision.
        name: Of the policy.
        columns: The column with the action it takes, or by action the column with its probability.

    Raises:
        AnalysisError: If a column is not there or empty in places, or probabilities are not ones.
    """
    for column in [columns] if isinstance(columns, str) else list(columns.values()):
        if column not in decisions:
            close = nearest(column, [str(found) for found in decisions.columns])
            hint = f"did you mean '{close}'?" if close else "name a column of decisions"
            raise AnalysisError(f"The policy '{name}' names the column '{column}', which is not there.", hint=hint)
        if decisions[column].isna().any():
            raise AnalysisError(
                f"The policy '{name}' says nothing for {int(decisions[column].isna().sum())} decisions.",
                hint=f"fill the column '{column}' or leave these decisions out",
            )
    if isinstance(columns, str):
        numbers = {action: number for number, action in enumerate(log.actions)}
        codes = action_names(decisions[columns]).map(numbers).fillna(-1)
        return Policy(name, "given", chosen=np.asarray(codes, dtype=np.int64))
    return Policy(name, "given", shares=_shares(log, decisions, name=name, columns=columns))


def _shares(log: Log, decisions: pd.DataFrame, *, name: str, columns: Mapping[str, Any]) -> Floats:
    unknown = sorted(set(columns) - set(log.actions))
    if unknown:
        raise AnalysisError(
            f"The policy '{name}' names actions that were never logged: {', '.join(unknown)}.",
            hint=f"actions in the log are {', '.join(log.actions)}",
        )
    shares = np.zeros((log.n, len(log.actions)))
    for action, column in columns.items():
        shares[:, log.actions.index(action)] = decisions[column].to_numpy(dtype=np.float64)
    sums = shares.sum(axis=1)
    if shares.min() < 0 or np.abs(sums - 1).max() > _NOT_ONE:
        raise AnalysisError(
            f"The probabilities of the policy '{name}' are below 0 or do not sum to 1 "
            f"(sums from {sums.min():g} to {sums.max():g}).",
            hint="give every action of the policy its column",
        )
    return shares
