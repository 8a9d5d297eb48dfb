"""Parse the columns of a table: typed columns as they are, text through a table of its different values.

A column of text has far fewer different values than rows; each is parsed once and looked up. Only
where nearly every value is different (an order id) the rows are parsed themselves.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from analysis.data.contracts import Column
from analysis.data.mapping import TableMapping
from analysis.data.origins import Origin, find_header
from analysis.data.parse import Parsed, parsed_column
from analysis.data.quoting import literal, quoted
from analysis.data.read import RawTable
from analysis.errors import DataError

__all__ = ["ParsedRows", "given_column", "parse_rows"]

_JOINED: Final = "__join_"
_FEW: Final = 0.5
"""A column whose different values are at most this share of its rows is parsed through a table of them."""


@dataclass(frozen=True, slots=True)
class ParsedRows:
    """The parsed columns of a table as SQL.

    Attributes:
        sql: ``__row``, the contract's columns, and ``__given_<column>`` where a column can be unreadable.
        utc: Instants that are UTC already; the others are local.
        fallible: Columns that can be unreadable.
        from_text: Whether text had to be parsed: then reading the rows twice costs more than keeping them.
    """

    sql: str
    utc: frozenset[str]
    fallible: frozenset[str]
    from_text: bool


@dataclass(slots=True)
class _Reader:
    """Parses the columns of one relation and collects the tables of values to look up."""

    connection: Any
    relation: str
    table: str
    mapping: TableMapping
    timezone: str
    is_typed: bool
    lookups: list[str] = field(default_factory=list)
    n_tables: int = 0
    from_text: bool = False

    def read(self, name: str, *, duckdb_type: str, column: Column) -> Parsed:
        """Return the expression of one column of the relation."""
        if duckdb_type != "VARCHAR":
            return self._parsed(self.relation, name, duckdb_type=duckdb_type, column=column)
        if self.is_typed and column.kind in {"id", "text", "category"}:
            parsed = self._parsed(self.relation, name, duckdb_type=duckdb_type, column=column)
            if parsed.value == quoted(name):
                return parsed  # text among typed columns is mostly clean: one look says so
        self.from_text = True
        if not self._repeats(name):
            return self._parsed(self.relation, name, duckdb_type=duckdb_type, column=column)
        number = self.n_tables = self.n_tables + 1
        text, values = quoted(name), f"__values_{number}_{self.table}"
        self.connection.execute(
            f"CREATE TEMP TABLE {quoted(values)} AS "
            f"SELECT DISTINCT {text} FROM ({self.relation}) WHERE {text} IS NOT NULL"
        )
        parsed = self._parsed(f"FROM {quoted(values)}", name, duckdb_type=duckdb_type, column=column)
        if parsed.value == text:
            return parsed
        looked = f"__looked_{number}_{self.table}"
        self.connection.execute(
            f"CREATE TEMP TABLE {quoted(looked)} AS SELECT {text} AS __k{number}, {parsed.value} AS __v{number}, "
            f"{parsed.given} AS __g{number} FROM {quoted(values)}"
        )
        self.lookups.append(f"LEFT JOIN {quoted(looked)} ON {text} = __k{number}")
        given = "FALSE" if parsed.given == "FALSE" else f"coalesce(__g{number}, FALSE)"
        return Parsed(f"__v{number}", given, utc=parsed.utc)

    def read_constant(self, text: str, *, column: Column) -> Parsed:
        """Return the expression of one value for all rows."""
        constant = f"SELECT {literal(text)} AS c"
        parsed = self._parsed(constant, "c", duckdb_type="VARCHAR", column=column)
        return Parsed(f"(SELECT {parsed.value} FROM ({constant}))", utc=parsed.utc)

    def _parsed(self, relation: str, name: str, *, duckdb_type: str, column: Column) -> Parsed:
        return parsed_column(
            self.connection,
            relation,
            name,
            duckdb_type=duckdb_type,
            column=column,
            table=self.table,
            mapping=self.mapping,
            timezone=self.timezone,
        )

    def _repeats(self, name: str) -> bool:
        n, n_distinct = self.connection.execute(
            f"SELECT count(*), approx_count_distinct({quoted(name)}) FROM ({self.relation})"
        ).fetchall()[0]
        return bool(n_distinct <= _FEW * n)


def given_column(name: str) -> str:
    """Return the name of the helper column that says whether the source has something there."""
    return f"__given_{name}"


def parse_rows(
    connection: Any,
    raw: RawTable,
    *,
    origins: tuple[Origin, ...],
    mapping: TableMapping,
    joined: RawTable | None,
    timezone: str,
) -> ParsedRows:
    """Return the parsed columns of a table.

    Args:
        connection: Database connection; tables of values to look up are made in it.
        raw: The table as the source has it.
        origins: Where each column comes from.
        mapping: The book's words about the table.
        joined: The joined table, if there is one.
        timezone: The book's zone.

    Raises:
        DataError: If the join has no common column or is not one row per value, or dates are ambiguous.
    """
    relation = _with_join(connection, raw, mapping=mapping, joined=joined)
    types = dict(raw.columns)
    if joined is not None:
        types |= {_JOINED + header: kind for header, kind in joined.columns}
    is_typed = any(kind != "VARCHAR" for _, kind in raw.columns)
    reader = _Reader(connection, relation, raw.name, mapping, timezone, is_typed)
    parts, utc, fallible = ["__row"], set(), set()
    for origin in origins:
        parsed, name = _parsed(reader, origin, types=types), origin.column.name
        parts.append(f"{parsed.value} AS {quoted(name)}")
        if parsed.given != "FALSE":
            parts.append(f"{parsed.given} AS {quoted(given_column(name))}")
            fallible.add(name)
        if parsed.utc:
            utc.add(name)
    sql = f"SELECT {', '.join(parts)} FROM ({relation}) {' '.join(reader.lookups)}"
    return ParsedRows(sql, frozenset(utc), frozenset(fallible), reader.from_text)


def _with_join(connection: Any, raw: RawTable, *, mapping: TableMapping, joined: RawTable | None) -> str:
    if joined is None or mapping.join is None:
        return raw.sql
    on, there = find_header(mapping.join.on, raw), find_header(mapping.join.on, joined)
    if on is None or there is None:
        lacking = raw if on is None else joined
        raise DataError(
            f"{raw.name}: the join needs a column '{mapping.join.on}' in {lacking.file}, "
            f"which has {', '.join(header for header, _ in lacking.columns)}.",
            hint="correct data.tables.…join.on in the book",
        )
    several = connection.execute(
        f"SELECT {quoted(there)}::VARCHAR FROM ({joined.sql}) GROUP BY 1 HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    if several:
        raise DataError(
            f"{raw.name}: the joined file {joined.file} has several rows with {mapping.join.on} = {several[0][0]}.",
            hint="join a file with one row per value, or correct data.tables.…join.on",
        )
    picked = ", ".join(f"{quoted(h)} AS {quoted(_JOINED + h)}" for h, _ in joined.columns)
    return (
        f"SELECT r.*, j.* EXCLUDE (__on) FROM ({raw.sql}) r LEFT JOIN "
        f"(SELECT {quoted(there)}::VARCHAR AS __on, {picked} FROM ({joined.sql})) j ON r.{quoted(on)}::VARCHAR = j.__on"
    )


def _parsed(reader: _Reader, origin: Origin, *, types: dict[str, str]) -> Parsed:
    column = origin.column
    if origin.how == "row_number":
        return Parsed("(__row + 1)::VARCHAR")
    if origin.how == "constant":
        return reader.read_constant(origin.headers[0], column=column)
    if origin.how in {"column", "join"}:
        name = origin.headers[0] if origin.how == "column" else _JOINED + origin.headers[0]
        return reader.read(name, duckdb_type=types[name], column=column)
    number = Column(column.name, "number", column.zh, column.en)
    parts = [reader.read(header, duckdb_type=types[header], column=number) for header in origin.headers]
    return _product(parts) if origin.how == "product" else _sum(parts)


def _product(parts: list[Parsed]) -> Parsed:
    """A product is null where a factor is; it is rounded to a millionth, so that 3 × 1.1 is 3.3."""
    product = " * ".join(f"({part.value})" for part in parts)
    return Parsed(f"round({product}, 6)", " OR ".join(f"({part.given})" for part in parts))


def _sum(parts: list[Parsed]) -> Parsed:
    """A sum takes empty summands as 0, but is null where all are empty or one is unreadable."""
    unreadable = " OR ".join(f"(({part.given}) AND ({part.value}) IS NULL)" for part in parts)
    empty = " AND ".join(f"({part.value}) IS NULL" for part in parts)
    total = " + ".join(f"coalesce({part.value}, 0)" for part in parts)
    return Parsed(f"CASE WHEN NOT ({unreadable}) AND NOT ({empty}) THEN round({total}, 6) END", f"({unreadable})")
