"""From a column as the source has it to a value of a contract: SQL expressions by kind.

Text is read tolerantly where its meaning is certain and not at all where it is not: what cannot be
read becomes null *and* is reported, it is never guessed.
"""

from dataclasses import dataclass
from typing import Any, Final

from analysis.data.contracts import Column, Kind
from analysis.data.mapping import TableMapping
from analysis.data.parse_text import text_id, text_number, text_word
from analysis.data.quoting import literal, quoted
from analysis.data.times import number_time, text_time
from analysis.data.words import CHANNELS, meanings

__all__ = ["Parsed", "parsed_column"]

_INTEGERS: Final = frozenset(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
)
_FLOATS: Final = frozenset(("DOUBLE", "FLOAT"))
_EXACT_IN_FLOAT: Final = 2**53
"""Whole numbers below this are exact in a double; ids above it have lost digits."""
_NUMBERS: Final[frozenset[Kind]] = frozenset(("money", "number", "share", "count"))
_UNSIGNED: Final = frozenset({"discount"})
"""Columns that some sources write with a minus sign and some without; here they are positive."""


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


def parsed_column(
    connection: Any,
    relation: str,
    name: str,
    *,
    duckdb_type: str,
    column: Column,
    table: str,
    mapping: TableMapping,
    timezone: str,
) -> Parsed:
    """Return the expression that turns one column of the source into one of the contract.

    Args:
        connection: Database connection; text columns are looked at before they are parsed.
        relation: SQL of the source's rows.
        name: Header in the source.
        duckdb_type: Its type there.
        column: What the contract wants.
        table: Table of the contracts, for messages.
        mapping: The book's words about this table.
        timezone: The book's zone.
    """
    expression = quoted(name)
    if column.kind in {"instant", "date"}:
        what = f"{table}.{column.name} ('{name}')"
        return _time(connection, relation, expression, duckdb_type, what=what, mapping=mapping, timezone=timezone)
    if column.kind == "count" and duckdb_type in _INTEGERS:
        return Parsed(f"{expression}::BIGINT")
    if column.kind in _NUMBERS:
        parsed = _number(connection, relation, expression, duckdb_type, mapping=mapping)
        return _shaped(parsed, column)
    if column.kind == "id":
        nobody = mapping.anonymous_ids if column.name == "customer_id" else ()
        return _id(connection, relation, expression, duckdb_type, nobody=nobody)
    word = expression if duckdb_type == "VARCHAR" else f"{expression}::VARCHAR"
    word = text_word(connection, relation, word)
    usual = CHANNELS if column.name == "channel" else meanings(allowed=column.allowed)
    known = {**usual, **mapping.values.get(column.name, {})}
    return Parsed(_meant(connection, relation, word, known=known))


def _id(connection: Any, relation: str, expression: str, duckdb_type: str, *, nobody: tuple[str, ...]) -> Parsed:
    if duckdb_type in _INTEGERS and not nobody:
        return Parsed(f"{expression}::VARCHAR")
    if duckdb_type in _FLOATS or duckdb_type.startswith("DECIMAL"):
        exact = f"abs({expression}) < {_EXACT_IN_FLOAT}"
        whole = f"{expression} = floor({expression}) AND {exact}"
        text = f"CASE WHEN {whole} THEN {expression}::BIGINT::VARCHAR WHEN {exact} THEN {expression}::VARCHAR END"
        if duckdb_type in _FLOATS:
            return Parsed(text, given=f"coalesce(isfinite({expression}), FALSE)")
        whole = f"{expression} = floor({expression})"
        return Parsed(f"CASE WHEN {whole} THEN {expression}::HUGEINT::VARCHAR ELSE {expression}::VARCHAR END")
    text = expression if duckdb_type == "VARCHAR" else f"{expression}::VARCHAR"
    return Parsed(*text_id(connection, relation, text, nobody=nobody))


def _number(connection: Any, relation: str, expression: str, duckdb_type: str, *, mapping: TableMapping) -> Parsed:
    if duckdb_type in _INTEGERS or duckdb_type == "BOOLEAN" or duckdb_type.startswith("DECIMAL"):
        return Parsed(f"{expression}::DOUBLE")
    if duckdb_type in _FLOATS:
        return Parsed(
            f"CASE WHEN isfinite({expression}) THEN {expression}::DOUBLE END",
            given=f"coalesce(isinf({expression}), FALSE)",
        )
    text = expression if duckdb_type == "VARCHAR" else f"{expression}::VARCHAR"
    return Parsed(*text_number(connection, relation, text, decimal=mapping.decimal))


def _shaped(parsed: Parsed, column: Column) -> Parsed:
    """A count is whole; a discount has no sign."""
    if column.kind == "count":
        whole = f"CASE WHEN ({parsed.value}) = floor({parsed.value}) THEN ({parsed.value})::BIGINT END"
        given = parsed.given if parsed.given != "FALSE" else f"(({parsed.value}) IS NOT NULL)"
        return Parsed(whole, given)
    return Parsed(f"abs({parsed.value})", parsed.given) if column.name in _UNSIGNED else parsed


def _time(
    connection: Any,
    relation: str,
    expression: str,
    duckdb_type: str,
    *,
    what: str,
    mapping: TableMapping,
    timezone: str,
) -> Parsed:
    if duckdb_type.startswith("TIMESTAMP") and "TIME ZONE" in duckdb_type:
        return Parsed(f"make_timestamp(epoch_us({expression}))", utc=True)
    if duckdb_type.startswith("TIMESTAMP") or duckdb_type == "DATE":
        return Parsed(f"{expression}::TIMESTAMP")
    if duckdb_type in _INTEGERS or duckdb_type in _FLOATS:
        value, utc = number_time(connection, relation, expression)
        return Parsed(value, f"({expression} IS NOT NULL)", utc=utc)
    text = expression if duckdb_type == "VARCHAR" else f"{expression}::VARCHAR"
    value, given, utc = text_time(
        connection, relation, text, what=what, timezone=timezone, date_order=mapping.date_order
    )
    return Parsed(value, given, utc=utc)


def _meant(connection: Any, relation: str, word: str, *, known: dict[str, str]) -> str:
    """A word of the source as the contract's word: as the book says, else as the trade uses it."""
    if not known:
        return word
    rows = connection.execute(f"SELECT DISTINCT {word} FROM ({relation})").fetchall()
    there = {row[0] for row in rows}  # only words that occur: each costs a comparison per row
    cases = " ".join(f"WHEN {literal(said)} THEN {literal(meant)}" for said, meant in known.items() if said in there)
    return f"CASE {word} {cases} ELSE {word} END" if cases else word
