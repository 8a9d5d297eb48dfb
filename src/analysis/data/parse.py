"""From a column as the source has it to a value of a contract: SQL expressions by kind.

Text is read tolerantly where its meaning is certain and not at all where it is not: what cannot be
read becomes null *and* is reported, it is never guessed.
"""

from dataclasses import dataclass
from typing import Any, Final

from analysis.data.contracts import Column, Kind
from analysis.data.mapping import TableMapping
from analysis.data.quoting import literals, quoted

__all__ = ["NULL_WORDS", "Parsed", "native", "parsed_column"]

NULL_WORDS: Final = ("", "NULL", "null", "None", "none", "NaN", "nan", "N/A", "#N/A", "<NA>", "NaT", "\\N")
"""Text that means: nothing here."""

_INTEGERS: Final = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
_EXACT_IN_FLOAT: Final = 2**53
"""Whole numbers below this are exact in a double; ids above it have lost digits."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One contract column as SQL over the source.

    Attributes:
        value: SQL of the value; an instant is local time unless ``utc``.
        given: SQL that is true where the source has something there, so that a null value is an error.
        utc: Whether an instant is already UTC.
    """

    value: str
    given: str = "FALSE"
    utc: bool = False


def is_number(duckdb_type: str) -> bool:
    """Return whether a column of the source is stored as a number."""
    return duckdb_type in _INTEGERS or duckdb_type in {"DOUBLE", "FLOAT"} or duckdb_type.startswith("DECIMAL")


def native(column: str, *, duckdb_type: str, kind: Kind) -> Parsed | None:
    """Return the expression for a column that is stored with a type, or None if it must be read as text.

    Args:
        column: Quoted column name.
        duckdb_type: Its type in the source.
        kind: What the contract wants.
    """
    if kind in {"id", "text", "category", "flag"}:
        return _as_text(column, duckdb_type)
    if kind in {"money", "number", "share", "count"} and (is_number(duckdb_type) or duckdb_type == "BOOLEAN"):
        target = "BIGINT" if kind == "count" else "DOUBLE"
        value = f"CASE WHEN isfinite({column}::DOUBLE) THEN {column}::{target} END"
        return Parsed(f"{column}::{target}" if duckdb_type in _INTEGERS else value)
    if kind in {"instant", "date"}:
        return _as_time(column, duckdb_type)
    return None


def _as_text(column: str, duckdb_type: str) -> Parsed | None:
    if duckdb_type in {"DOUBLE", "FLOAT"}:
        whole = f"{column} = floor({column}) AND abs({column}) < {_EXACT_IN_FLOAT}"
        text = f"CASE WHEN {whole} THEN {column}::BIGINT::VARCHAR WHEN abs({column}) < {_EXACT_IN_FLOAT} THEN {column}::VARCHAR END"
        return Parsed(text, given=f"coalesce(isfinite({column}), FALSE)")
    return None if duckdb_type == "VARCHAR" else Parsed(f"{column}::VARCHAR")


def _as_time(column: str, duckdb_type: str) -> Parsed | None:
    if duckdb_type.startswith("TIMESTAMP WITH TIME ZONE"):
        return Parsed(f"timezone('UTC', {column})", utc=True)
    if duckdb_type.startswith("TIMESTAMP") or duckdb_type == "DATE":
        return Parsed(f"{column}::TIMESTAMP")
    return None


def parsed_column(
    connection: Any,
    relation: str,
    name: str,
    *,
    duckdb_type: str,
    column: Column,
    mapping: TableMapping,
) -> Parsed:
    """Return the expression that turns one column of the source into one of the contract.

    Args:
        connection: Database connection; text columns are looked at before they are parsed.
        relation: SQL of the source's rows.
        name: Header in the source.
        duckdb_type: Its type there.
        column: What the contract wants.
        mapping: The book's words about this table.
    """
    expression = quoted(name)
    typed = native(expression, duckdb_type=duckdb_type, kind=column.kind)
    if typed is not None:
        return typed
    if duckdb_type != "VARCHAR":
        expression = f"{expression}::VARCHAR"
    clean = f"CASE WHEN trim({expression}) NOT IN {literals(NULL_WORDS)} THEN trim({expression}) END"
    given = f"(({clean}) IS NOT NULL)"
    if column.kind in {"id", "text", "category"}:
        return Parsed(clean)
    if column.kind in {"instant", "date"}:
        return Parsed(f"TRY_CAST(({clean}) AS TIMESTAMP)", given)
    return Parsed(f"TRY_CAST(({clean}) AS {'BIGINT' if column.kind == 'count' else 'DOUBLE'})", given)
