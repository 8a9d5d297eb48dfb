"""Tables cut off physically at a day: what somebody had in hand then, as files of their own.

The cut of ``as_of`` filters when tables are read; a mistake in it, or a reader that goes past it, shows in no number.
Here the same knowledge is written down by another way, from the instants themselves: what a file does not hold cannot
leak. It is meant for a few customers, to check the many against (``churn.leakage``).
"""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.data.connect import REFUNDS, Tables, open_tables
from analysis.data.contracts import CONTRACTS, Column, Table
from analysis.periods import end_of_day_utc

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["known_then", "write_known_then"]


def write_known_then(tables: Tables, *, day: date, folder: Path) -> Tables:
    """Write the tables of customers as they were known at the end of ``day``, and open what was written.

    Args:
        tables: Few customers' tables (``Tables.among``); they are read whole.
        day: Day of the book's zone, inclusive.
        folder: An empty folder of its own.

    Returns:
        Tables over the new files, not cut at any day. Tables without a customer, or without a clock, are left out.
    """
    for name in tables.names:
        if tables.has_column(name, "customer_id") and _contract(name).clock:
            _write(tables.lazy(name).collect(backend="pyarrow").to_native(), tables, name=name, day=day, folder=folder)
    return open_tables(folder, engine=tables.engine, timezone=tables.timezone)


def _write(table: "pa.Table", tables: Tables, *, name: str, day: date, folder: Path) -> None:
    import pyarrow.parquet as pq

    known = known_then(table, contract=_contract(name), day=day, timezone=tables.timezone)
    pq.write_table(known, folder / f"{name}.parquet")


def _contract(name: str) -> Table:
    return REFUNDS if name == "refunds" else CONTRACTS[name]


def known_then(table: "pa.Table", *, contract: Table, day: date, timezone: str) -> "pa.Table":
    """Return the rows that had begun by the end of ``day``, with everything learnt later made null.

    A value stays if the instant it became known at (``known_at``) lies on or before the day. A value without such an
    instant is a snapshot, of today and not of then: null. So is a column that the contract does not name.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    begun = _happened(table, contract.clock, contract=contract, day=day, timezone=timezone)
    table = table.filter(begun) if begun is not None else table
    sources = {_stem(name): name for column in contract.columns if (name := column.name).endswith(("_at", "_on"))}
    for place, name in enumerate(table.column_names):
        source = _known_at(name, contract=contract, sources=sources)
        if source == contract.clock and source is not None:
            continue
        then = _happened(table, source, contract=contract, day=day, timezone=timezone)
        nothing = pa.nulls(table.num_rows, table.schema.field(place).type)
        kept = nothing if then is None else pc.if_else(then, table.column(place), nothing)
        table = table.set_column(place, name, kept)
    return table


def _known_at(name: str, *, contract: Table, sources: dict[str, str]) -> str | None:
    """Return the date column from which on a column was known: its own, or that of the instant it was made from."""
    declared = {column.name: column.known_at for column in contract.columns}
    if name in declared:
        return declared[name]
    made_from = sources.get(_stem(name.removesuffix("_hour") + "_at" if name.endswith("_hour") else name))
    return declared.get(made_from) if made_from else None


def _stem(name: str) -> str:
    return name.removesuffix("_at").removesuffix("_on")


def _happened(table: "pa.Table", name: str | None, *, contract: Table, day: date, timezone: str) -> Any:
    """Return where a date column lies on or before the day, false where empty; None if there is no such column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if name is None or name not in table.column_names:
        return None
    column: Column = contract.column(name)
    end: datetime | date = end_of_day_utc(day, timezone=timezone) if column.kind == "instant" else day
    values = table[name]
    limit = pa.scalar(end, type=values.type)
    before = pc.less(values, limit) if column.kind == "instant" else pc.less_equal(values, limit)
    return pc.fill_null(before, fill_value=False)
