"""The one cut at ``as_of``: what was known at the end of that day, and nothing later.

Rows whose clock lies after the day go; in earlier rows, dates after the day become null, and with
them every column that was only known from such a date on (the contracts' ``known_at``). A page and
a model see the same cut, because there is no other.
"""

from datetime import date
from typing import Any

import narwhals as nw

from analysis.data.contracts import Column, Table, day_column

__all__ = ["clock_day", "cut", "cut_by_parent"]


def clock_day(contract: Table) -> str | None:
    """Return the day column by which the rows of a table are cut, or None if they have no clock."""
    if contract.clock is None:
        return None
    return _day_of(contract.column(contract.clock))


def _day_of(column: Column) -> str:
    return day_column(column.name) if column.kind == "instant" else column.name


def cut(frame: nw.LazyFrame[Any], *, contract: Table, day: date) -> nw.LazyFrame[Any]:
    """Return the rows of a table as they were known at the end of ``day``.

    A row without a value in its clock is kept: it has no date that could lie in the future.
    """
    present = set(frame.collect_schema().names())
    by = clock_day(contract)
    if by is not None and by in present:
        frame = frame.filter((nw.col(by) <= day) | nw.col(by).is_null())
    later = [
        c for c in contract.columns if c.kind in {"instant", "date"} and _is_later(c, contract) and c.name in present
    ]
    for column in later:
        frame = _forget(frame, column, contract=contract, day=day, present=present)
    return frame


def _is_later(column: Column, contract: Table) -> bool:
    """Whether a date column tells of something that happened after the row began."""
    return column.name != contract.clock and column.known_at == column.name


def _forget(
    frame: nw.LazyFrame[Any], column: Column, *, contract: Table, day: date, present: set[str]
) -> nw.LazyFrame[Any]:
    known = (nw.col(_day_of(column)) <= day) | nw.col(_day_of(column)).is_null()
    dependants = [c.name for c in contract.columns if c.known_at == column.name and c.name != column.name]
    names = [*dependants, column.name]
    if _day_of(column) != column.name:
        names.append(_day_of(column))
    changed = [nw.when(known).then(nw.col(name)).otherwise(None).alias(name) for name in names if name in present]
    return frame.with_columns(*changed)


def cut_by_parent(frame: nw.LazyFrame[Any], *, parent: nw.LazyFrame[Any], key: str) -> nw.LazyFrame[Any]:
    """Return the rows whose key is in a parent table that has been cut already (lines of orders)."""
    return frame.join(parent.select(key).unique(), on=key, how="semi")
