"""The customers a simulation runs on: columns as arrays, best customers first, and a fresh sample per replicate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present
from analysis.errors import AnalysisError
from analysis.touch.purchase_clock import CLOCK_COLUMNS
from analysis.touch.random_streams import Purpose, stream
from analysis.touch.strategies import StrategySet, audience

__all__ = ["HISTORY_PREFIX", "Population", "build_population", "sample_lane"]

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]

HISTORY_PREFIX: Final = "touches_per_day_"
_NEEDED: Final = ("customer_id", *CLOCK_COLUMNS, "order_value", "days_since_last_order", "is_contact")


@dataclass(frozen=True, slots=True)
class Population:
    """All customers of a book, by expected value of their next year, highest first.

    Attributes:
        columns: The clock's columns, ``order_value`` (currency), ``days_since_last_order`` and ``mean_gap`` (days).
        is_contact: Whether the customer is a contact of some member of staff on the first day.
        audiences: For each (strategy, place of the step), which customers its conditions choose.
        history: Touches a day of the past by channel.
    """

    columns: Mapping[str, Floats]
    is_contact: Flags
    audiences: Mapping[tuple[str, int], Flags]
    history: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.is_contact)


def build_population(customers: pd.DataFrame, *, strategies: StrategySet) -> Population:
    """Return the population of a customer table, one row per customer.

    Raises:
        AnalysisError: If the table is empty, lacks a column, or one that an audience looks at.
    """
    columns_present(customers.columns, needed=_NEEDED, table="strategy_customers")
    if customers.empty:
        raise AnalysisError("There is no customer to simulate.", hint="the book needs customers with a purchase")
    value = customers["orders_next_year"].to_numpy(dtype=float) * customers["order_value"].to_numpy(dtype=float)
    ranked = customers.iloc[np.lexsort((customers["customer_id"].astype(str).to_numpy(), -value))]
    names = (*CLOCK_COLUMNS, "order_value", "days_since_last_order")
    columns = {name: ranked[name].to_numpy(dtype=float) for name in names}
    columns["mean_gap"] = columns["rate_days"] / columns["rate_shape"]
    audiences = {
        (strategy.name, place): audience(ranked, conditions=step.audience)
        for strategy in strategies.strategies
        for place, step in enumerate(strategy.steps)
    }
    history = {
        str(name).removeprefix(HISTORY_PREFIX): ranked[name].to_numpy(dtype=float)
        for name in ranked.columns
        if str(name).startswith(HISTORY_PREFIX) and float(ranked[name].sum()) > 0
    }
    return Population(columns, ranked["is_contact"].to_numpy(dtype=bool), audiences, history)


def sample_lane(n_customers: int, *, size: int, seed: int, replicate: int) -> Ints:
    """Return which customers one replicate simulates: one of each of ``size`` equal strata, best customers first.

    Every replicate has a sample of its own, so that over all replicates (nearly) everyone is simulated. With no
    more customers than ``size`` each replicate simulates them all.
    """
    if n_customers <= size:
        return np.arange(n_customers)
    places = stream(seed, Purpose.SAMPLE, index=replicate).random(size)
    return np.minimum(((np.arange(size) + places) * n_customers / size).astype(np.int64), n_customers - 1)
