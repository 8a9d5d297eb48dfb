"""Touch strategies as data: who is touched, by which channel, when, how often, with what.

A file under ``params/strategies/`` is read into strict models. Audience conditions are data
(column, operator, value) and are compared, never evaluated as code.
"""

import operator
from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from analysis.checks import columns_present, nearest
from analysis.dated_files import DatedModel, find_file, read_dated
from analysis.errors import AnalysisError, BookError
from analysis.yaml12 import parse

__all__ = [
    "AS_HISTORY",
    "NO_TOUCH",
    "Condition",
    "Economics",
    "Label",
    "Offer",
    "Step",
    "Strategy",
    "StrategySet",
    "Template",
    "Trigger",
    "audience",
    "check_channels",
    "check_columns",
    "columns_used",
    "load_strategies",
]

NO_TOUCH: Final = "no_touch"
AS_HISTORY: Final = "as_history"

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Operator = Literal["==", "!=", ">", ">=", "<", "<=", "in", "not_in", "between", "known", "unknown"]
Plain = str | bool | int | float

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class Template(StrEnum):
    """What a touch says; each kind has its own gain and its own effect on trust."""

    USUAL = "usual"
    CONTENT = "content"
    SERVICE = "service"
    REMINDER = "reminder"
    PROMOTION = "promotion"


class Label(DatedModel):
    """A name that readers see."""

    zh: str = Field(min_length=1, max_length=24)
    en: str = Field(min_length=1, max_length=48)


class Condition(DatedModel):
    """One condition over a column of the customer table; a missing value never fulfils a comparison."""

    column: Name
    op: Operator
    value: Plain | list[Plain] | None = None

    @model_validator(mode="after")
    def _value_fits_operator(self) -> Self:
        many = isinstance(self.value, list)
        if self.op in {"known", "unknown"} and self.value is not None:
            raise ValueError(f"'{self.op}' takes no value")
        if self.op in {"in", "not_in"} and not many:
            raise ValueError(f"'{self.op}' needs a list of values")
        if self.op == "between" and not (isinstance(self.value, list) and len(self.value) == 2):
            raise ValueError("'between' needs two values: [lowest, highest]")
        if self.op in _COMPARE and (many or self.value is None):
            raise ValueError(f"'{self.op}' needs one value")
        return self


class Trigger(DatedModel):
    """Days on which the audience is looked at: every so many days, weekdays, dates, or each customer's own day.

    Further conditions may narrow whom a day finds; they look at the simulation's own orders:

    * ``need_window``: days since the last order, in multiples of the customer's own mean gap, lie within it;
    * ``days_since_order``: days since the last order lie within it;
    * ``day_column``: a date column of the customer table (a tier change, a birthday, the next need): the customer is
      touched ``day_offset`` days after that date, and at no other time.
    """

    every_days: int | None = Field(default=None, ge=1, le=366)
    weekdays: list[Weekday] | None = Field(default=None, min_length=1, max_length=7)
    dates: list[date] | None = Field(default=None, min_length=1, max_length=366)
    start_day: int = Field(default=0, ge=0, le=366)
    need_window: tuple[float, float] | None = None
    days_since_order: tuple[int, int] | None = None
    day_column: Name | None = None
    day_offset: int = Field(default=0, ge=-366, le=366)

    @model_validator(mode="after")
    def _one_calendar(self) -> Self:
        calendars = [self.every_days, self.weekdays, self.dates]
        named = sum(calendar is not None for calendar in calendars)
        if named > 1 or (named == 0 and self.day_column is None):
            raise ValueError("name either every_days or weekdays or dates (none with day_column means any day)")
        if self.need_window is not None and not 0 <= self.need_window[0] < self.need_window[1]:
            raise ValueError("need_window needs 0 ≤ lowest < highest")
        if self.days_since_order is not None and not 0 <= self.days_since_order[0] <= self.days_since_order[1]:
            raise ValueError("days_since_order needs 0 ≤ lowest ≤ highest")
        if self.day_offset and self.day_column is None:
            raise ValueError("day_offset belongs to day_column")
        return self

    def due(self, day: int, *, first: date) -> bool:
        """Return whether the audience is looked at on that day of the simulation (0 is the day ``first``)."""
        if day < self.start_day:
            return False
        today = first + timedelta(days=day)
        if self.every_days is not None:
            return (day - self.start_day) % self.every_days == 0
        if self.dates is not None:
            return today in self.dates
        return self.weekdays is None or _WEEKDAYS[today.weekday()] in self.weekdays


class Offer(DatedModel):
    """A discount that a touch promises; it costs only where an order redeems it."""

    discount_share: float = Field(gt=0, le=0.9)
    valid_days: int = Field(default=7, ge=1, le=90)


class Step(DatedModel):
    """One kind of touch within a strategy.

    With ``after_step`` (the place of an earlier step, 0 being the first) only customers whom that step has touched
    since their last order are touched: steps become a chain. ``at_key_hour`` sends at each customer's own hour.
    """

    channel: Name
    template: Template
    trigger: Trigger
    audience: list[Condition] = Field(default_factory=list)
    offer: Offer | None = None
    cooldown_days: int = Field(default=0, ge=0, le=366)
    max_per_month: int | None = Field(default=None, ge=1, le=31)
    at_key_hour: bool = False
    after_step: int | None = Field(default=None, ge=0, le=6)


class Strategy(DatedModel):
    """A strategy: its steps, its holdout, its fixed cost. ``as_history`` repeats the touches of the past.

    ``max_per_week`` and ``max_per_month`` limit what a customer is assigned by all steps together (ISO weeks, calendar
    months). ``budget_per_month`` goes to the best customers first.
    """

    name: Name
    label: Label
    note: Label | None = None
    as_history: bool = False
    steps: list[Step] = Field(default_factory=list, max_length=8)
    holdout_share: float = Field(default=0.0, ge=0, le=0.9)
    budget_per_month: float | None = Field(default=None, gt=0)
    fixed_monthly_cost: float = Field(default=0.0, ge=0)
    max_per_week: int | None = Field(default=None, ge=1, le=50)
    max_per_month: int | None = Field(default=None, ge=1, le=200)

    @model_validator(mode="after")
    def _history_has_no_steps(self) -> Self:
        if self.as_history and self.steps:
            raise ValueError("as_history repeats the measured past; it takes no steps")
        if any(step.after_step is not None and step.after_step >= place for place, step in enumerate(self.steps)):
            raise ValueError("after_step names an earlier step of the same strategy, 0 being the first")
        return self


class Economics(DatedModel):
    """What an order leaves and what an hour costs, in the book's currency."""

    margin_share: float = Field(gt=0, le=1)
    wage_per_hour: float = Field(ge=0)
    account_wear: float = Field(default=0.0, ge=0, description="wear of the account per thousand staff messages")
    source: str = Field(min_length=1)


class StrategySet(DatedModel):
    """One file of strategies."""

    edition: date
    brand: Name
    economics: Economics
    strategies: list[Strategy] = Field(min_length=2, max_length=24)

    @model_validator(mode="after")
    def _has_its_reference(self) -> Self:
        names = [strategy.name for strategy in self.strategies]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"strategies named twice: {', '.join(twice)}")
        reference = next((s for s in self.strategies if s.name == NO_TOUCH), None)
        if reference is None or reference.steps or reference.as_history or reference.fixed_monthly_cost:
            raise ValueError(f"one strategy must be '{NO_TOUCH}', without steps or cost: all others are set against it")
        return self


def load_strategies(name: str | Path) -> StrategySet:
    """Return the strategies of a file, looked for from the working folder and from the project's.

    Raises:
        BookError: If the file is missing or wrong; each mistake is named with its line.
    """
    return read_dated(name, model=StrategySet)


def columns_used(strategies: StrategySet) -> tuple[str, ...]:
    """Return the customer columns that the audiences and triggers of all steps look at."""
    steps = [step for strategy in strategies.strategies for step in strategy.steps]
    used = {c.column for step in steps for c in step.audience}
    return tuple(sorted(used | {step.trigger.day_column for step in steps if step.trigger.day_column}))


def check_columns(name: str | Path, *, columns: list[str]) -> tuple[str, ...]:
    """Return the columns that a file's audiences and triggers look at.

    Args:
        name: The file.
        columns: All that a customer table may have; a channel's own column (``n_read_30d__moments``) follows the one
            before the two underscores.

    Raises:
        BookError: If a column is not among them; each with its line and the nearest known name.
    """
    strategies = load_strategies(name)
    known = set(columns)
    wrong: list[tuple[tuple[str | int, ...], str]] = []
    for s, strategy in enumerate(strategies.strategies):
        for t, step in enumerate(strategy.steps):
            place: tuple[str | int, ...] = ("strategies", s, "steps", t)
            looked = [((*place, "audience", c, "column"), found.column) for c, found in enumerate(step.audience)]
            if step.trigger.day_column:
                looked.append(((*place, "trigger", "day_column"), step.trigger.day_column))
            wrong += [(at, column) for at, column in looked if not {column, column.partition("__")[0]} & known]
    if wrong:
        path = find_file(name)
        lines = parse(path.read_text(encoding="utf-8"), name=path.name)
        found = "\n".join(f"{path.name}:{lines.line(at)}: there is no column '{c}' of customers." for at, c in wrong)
        close = nearest(wrong[0][1], known)
        raise BookError(found, hint=f"did you mean '{close}'?" if close else "a customer table has no such column")
    return columns_used(strategies)


def audience(customers: pd.DataFrame, *, conditions: list[Condition]) -> npt.NDArray[np.bool_]:
    """Return which customers fulfil all conditions; everyone if there are none.

    Raises:
        AnalysisError: If a column is missing, or its values cannot be compared with the condition's.

    Examples:
        >>> table = pd.DataFrame({"n_orders": [1, 5], "p_churn": [0.9, None]})
        >>> audience(table, conditions=[Condition(column="p_churn", op=">", value=0.5)]).tolist()
        [True, False]
    """
    columns_present(customers.columns, needed=[c.column for c in conditions], table="strategy_customers")
    chosen = np.ones(len(customers), dtype=bool)
    for condition in conditions:
        chosen &= _fulfilled(customers[condition.column], condition)
    return chosen


def _fulfilled(column: pd.Series, condition: Condition) -> npt.NDArray[np.bool_]:
    known = column.notna().to_numpy(dtype=bool)
    value: Any = condition.value
    if condition.op == "known":
        return known
    if condition.op == "unknown":
        return ~known
    try:
        if condition.op in {"in", "not_in"}:
            found = column.isin(value) == (condition.op == "in")
        elif condition.op == "between":
            found = (column >= value[0]) & (column <= value[1])
        else:
            found = _COMPARE[condition.op](column, value)
    except TypeError:
        raise AnalysisError(
            f"Column '{condition.column}' ({column.dtype}) cannot be compared by '{condition.op}' with {value!r}.",
            hint="write numbers without quotes and texts with them",
        ) from None
    return np.asarray(found.fillna(value=False), dtype=bool) & known


def check_channels(strategies: StrategySet, *, channels: list[str]) -> None:
    """Check that every channel of every step is registered.

    Raises:
        BookError: If one is not; the registered ones are named.
    """
    for strategy in strategies.strategies:
        for step in strategy.steps:
            if step.channel not in channels:
                raise BookError(
                    f"Strategy '{strategy.name}' uses the channel '{step.channel}'; "
                    f"registered are {', '.join(sorted(channels))}.",
                    hint="a new channel is one entry in params/channels.yaml",
                )
