"""The customers a simulation runs on: columns as arrays, best customers first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present
from analysis.errors import AnalysisError
from analysis.touch.layout import CUSTOMER_COLUMNS
from analysis.touch.need import CLOCK_COLUMNS
from analysis.touch.random_streams import Purpose, customer_keys, stream
from analysis.touch.strategies import StrategySet, audience, columns_used

__all__ = [
    "HISTORY_PREFIX",
    "REFUSAL_PREFIX",
    "STANDS_FOR",
    "Population",
    "build_population",
    "channels_of_the_past",
    "drawn_by_value",
    "population_columns",
]

Floats = npt.NDArray[np.floating]

HISTORY_PREFIX: Final = "touches_per_day_"
REFUSAL_PREFIX: Final = "refuses_"
STANDS_FOR: Final = "stands_for"
"""Column with how many customers of the book a row stands for, where the table is a draw of them."""
_NEEDED: Final = ("customer_id", *CLOCK_COLUMNS, "order_value", "days_since_last_order", "is_contact")
# Columns that a book may lack, with what is then taken for everybody.
_OPTIONAL: Final = {"read_propensity": 1.0, "sleeping_dog": 0.0}
_MAY_BE_THERE: Final = frozenset(
    {"established", "n_orders", "preferred_channel", "referrer_id", "orders_next_year", STANDS_FOR, *_OPTIONAL}
)
_ESTABLISHED_ORDERS: Final = 3  # orders from which a customer knows the shop's prices, where no column says it
_MOST_SEGMENTS: Final = 12
_NEVER: Final = -1e6


@dataclass(frozen=True, slots=True)
class Population:
    """All customers of a book, by expected value of their next year, highest first.

    Attributes:
        key: Two words of each customer's random numbers, (customers, 2).
        columns: ``layout.CUSTOMER_COLUMNS``, (customers, columns); money in the book's currency.
        history: Assigned touches a day of the past, (customers, channels).
        refuses: Whether a channel is refused, (customers, channels).
        eligible: Whether a step's audience holds the customer, (customers, steps of all strategies); the touches of
            the past are a step per channel, open to everybody.
        step_day: Day of the simulation on which a step with a day column is due, (customers, such steps).
        segments: Names of the segments, by number.
        stands_for: How many customers of the book they all stand for.
    """

    key: npt.NDArray[np.uint32]
    columns: npt.NDArray[np.float32]
    history: npt.NDArray[np.float32]
    refuses: npt.NDArray[np.uint8]
    eligible: npt.NDArray[np.uint8]
    step_day: npt.NDArray[np.float32]
    segments: tuple[str, ...]
    stands_for: int

    def __len__(self) -> int:
        return len(self.key)


def channels_of_the_past(customers: pd.DataFrame) -> set[str]:
    """Return the channels by which anybody was touched."""
    return {
        str(name).removeprefix(HISTORY_PREFIX)
        for name in customers.columns
        if str(name).startswith(HISTORY_PREFIX) and float(customers[name].sum()) > 0
    }


def build_population(
    customers: pd.DataFrame,
    *,
    strategies: StrategySet,
    channels: list[str],
    first_day: date,
    segment_by: str | None = None,
) -> Population:
    """Return the population of a customer table, one row per customer.

    Columns that may be there: ``read_propensity`` (multiple of the usual read rate), ``sleeping_dog`` (probability that
    a touch wakes them up to leave), ``established`` (0 or 1; else three orders and more), ``preferred_channel``,
    ``referrer_id``, ``refuses_<channel>``, date columns that triggers name, and the column of the segments.

    Raises:
        AnalysisError: If the table is empty, lacks a column, or one that an audience or a trigger looks at.
    """
    columns_present(customers.columns, needed=_NEEDED, table="strategy_customers")
    if customers.empty:
        raise AnalysisError("There is no customer to simulate.", hint="the book needs customers with a purchase")
    looked_at = customers[population_columns(list(customers.columns), strategies=strategies, segment_by=segment_by)]
    ranked = looked_at.iloc[_by_value(_value(customers), customers["customer_id"])]
    steps = [step for strategy in strategies.strategies for step in strategy.steps]
    segment, segments = _segments(ranked, by=segment_by)
    return Population(
        key=customer_keys(ranked["customer_id"]),
        columns=_columns(ranked, margin_share=strategies.economics.margin_share, channels=channels, segment=segment),
        history=_by_channel(ranked, prefix=HISTORY_PREFIX, channels=channels).astype(np.float32),
        refuses=(_by_channel(ranked, prefix=REFUSAL_PREFIX, channels=channels) > 0).astype(np.uint8),
        eligible=_side_by_side(_audiences(ranked, strategies=strategies, channels=channels), rows=len(ranked)).astype(
            np.uint8
        ),
        step_day=_side_by_side(
            [
                _day_of(ranked, column=step.trigger.day_column, offset=step.trigger.day_offset, first_day=first_day)
                for step in steps
                if step.trigger.day_column
            ],
            rows=len(ranked),
        ).astype(np.float32),
        segments=segments,
        stands_for=round(float(ranked[STANDS_FOR].sum())) if STANDS_FOR in ranked else len(ranked),
    )


def population_columns(names: Sequence[str], *, strategies: StrategySet, segment_by: str | None = None) -> list[str]:
    """Return those of a customer table's columns that a population is built from, in their order."""
    wanted = {*_NEEDED, *_MAY_BE_THERE, *CUSTOMER_COLUMNS, *columns_used(strategies), segment_by}
    return [name for name in names if name in wanted or name.startswith((HISTORY_PREFIX, REFUSAL_PREFIX))]


def drawn_by_value(customers: pd.DataFrame, *, n: int, seed: int) -> pd.DataFrame:
    """Return ``n`` customers drawn at random, in their order, each with how many it stands for (``STANDS_FOR``).

    One is drawn from each of ``n`` equal slices by expected value, as the simulation draws from row to row, so that
    the worth of the draw is close to that of all. Everybody has the same chance.

    Args:
        customers: One row per customer: ``orders_next_year``, ``order_value``.
        n: Below the number of customers.
        seed: Of the draw.
    """
    ranked = np.argsort(-_value(customers), kind="stable")
    slices = np.arange(n) + stream(seed, Purpose.SAMPLE, index=0).random(n)
    drawn = np.sort(ranked[(slices * (len(ranked) / n)).astype(np.int64)])
    return customers.iloc[drawn].reset_index(drop=True).assign(**{STANDS_FOR: len(ranked) / n})


def _value(customers: pd.DataFrame) -> Floats:
    orders, value = (customers[name].to_numpy(dtype=float) for name in ("orders_next_year", "order_value"))
    return np.asarray(orders * value)


def _by_value(value: Floats, customer_id: "pd.Series[str]") -> npt.NDArray[np.int64]:
    """Return the customers' places by value, highest first; ids settle ties."""
    order = np.argsort(-value, kind="stable")
    ordered = value[order]
    tied = np.zeros(len(order), dtype=bool)
    tied[1:] = (ordered[1:] == ordered[:-1]) | np.isnan(ordered[1:])
    tied[:-1] |= tied[1:]
    places = np.flatnonzero(tied)
    if len(places):
        among = order[places]
        order[places] = among[np.lexsort((customer_id.iloc[among].astype(str).to_numpy(dtype=object), -value[among]))]
    return order


def _audiences(ranked: pd.DataFrame, *, strategies: StrategySet, channels: list[str]) -> list[npt.NDArray[np.bool_]]:
    """Return who may be touched, step by step in the order in which ``program.plan_of`` lays the steps out."""
    past = channels_of_the_past(ranked)
    found = []
    for strategy in strategies.strategies:
        if strategy.as_history:
            found += [np.ones(len(ranked), dtype=bool) for channel in channels if channel in past]
        else:
            found += [audience(ranked, conditions=step.audience) for step in strategy.steps]
    return found


def _columns(
    ranked: pd.DataFrame, *, margin_share: float, channels: list[str], segment: Floats
) -> npt.NDArray[np.float32]:
    margin = ranked["order_value"].to_numpy(dtype=float) * margin_share
    made: dict[str, Any] = {
        "margin": margin,
        "next_year_margin": ranked["orders_next_year"].to_numpy(dtype=float) * margin,
        "last_order": -ranked["days_since_last_order"].to_numpy(dtype=float),
        "mean_gap": ranked["rate_days"].to_numpy(dtype=float) / ranked["rate_shape"].to_numpy(dtype=float),
        "established": _established(ranked),
        "preferred_channel": _preferred(ranked, channels=channels),
        "segment": segment,
        "referrer": _referrers(ranked),
        **{name: ranked.get(name, default) for name, default in _OPTIONAL.items()},
    }
    table = np.empty((len(ranked), len(CUSTOMER_COLUMNS)), dtype=np.float32)
    for place, name in enumerate(CUSTOMER_COLUMNS):
        column = made[name] if name in made else ranked[name].to_numpy(dtype=float)
        table[:, place] = np.nan_to_num(np.asarray(column, dtype=float), nan=0.0)
    return table


def _established(ranked: pd.DataFrame) -> Floats:
    if "established" in ranked:
        return ranked["established"].to_numpy(dtype=float)
    orders = ranked["n_orders"].to_numpy(dtype=float) if "n_orders" in ranked else np.ones(len(ranked))
    return (orders >= _ESTABLISHED_ORDERS).astype(float)


def _preferred(ranked: pd.DataFrame, *, channels: list[str]) -> Floats:
    places: Mapping[str, int] = {name: place for place, name in enumerate(channels)}
    if "preferred_channel" not in ranked:
        return np.full(len(ranked), -1.0)
    return ranked["preferred_channel"].map(places).astype(float).fillna(-1.0).to_numpy(dtype=float)


def _referrers(ranked: pd.DataFrame) -> Floats:
    """Return the row of each customer's referrer; -1 without one in the book."""
    if "referrer_id" not in ranked:
        return np.full(len(ranked), -1.0)
    place = pd.Series(np.arange(len(ranked), dtype=float), index=ranked["customer_id"].to_numpy())
    return ranked["referrer_id"].map(place).fillna(-1.0).to_numpy(dtype=float)


def _segments(ranked: pd.DataFrame, *, by: str | None) -> tuple[Floats, tuple[str, ...]]:
    """Return each customer's segment as a number, and the names; the smallest beyond twelve are put together."""
    if by is None:
        return np.zeros(len(ranked)), ("all",)
    columns_present(ranked.columns, needed=[by], table="strategy_customers")
    names = ranked[by].astype("string").fillna("-")
    ordered = [str(name) for name in names.value_counts(sort=True).index]
    kept = ordered if len(ordered) <= _MOST_SEGMENTS else [*ordered[: _MOST_SEGMENTS - 1], "other"]
    places = {name: min(place, len(kept) - 1) for place, name in enumerate(ordered)}
    return np.asarray(names.map(places), dtype=np.float64), tuple(kept)


def _by_channel(ranked: pd.DataFrame, *, prefix: str, channels: list[str]) -> Floats:
    none = np.zeros(len(ranked))
    found = [
        ranked[f"{prefix}{name}"].astype(float).fillna(0.0).to_numpy() if f"{prefix}{name}" in ranked else none
        for name in channels
    ]
    return _side_by_side(found, rows=len(ranked))


def _day_of(ranked: pd.DataFrame, *, column: str, offset: int, first_day: date) -> Floats:
    columns_present(ranked.columns, needed=[column], table="strategy_customers")
    days = (pd.to_datetime(ranked[column]) - pd.Timestamp(first_day)).dt.days
    return days.astype(float).fillna(_NEVER).to_numpy(dtype=float) + offset


def _side_by_side(columns: list[Any], *, rows: int) -> npt.NDArray[Any]:
    return np.column_stack(columns) if columns else np.zeros((rows, 0))
