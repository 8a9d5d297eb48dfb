"""From the columns of a source to the columns of a contract: one SQL view per table.

First every contract column finds its origin (a header, a constant, a product or a sum of headers, a
joined file), then it is parsed, then each row is checked; a row that breaks the contract carries its
first reason and everything else about it stays visible.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from analysis.checks import nearest
from analysis.data.contracts import Column, Table, day_column
from analysis.data.local_time import to_local_sql, to_utc_sql
from analysis.data.mapping import ROW_NUMBER, TableMapping
from analysis.data.parse import Parsed, parsed_column
from analysis.data.quarantine import reason
from analysis.data.quoting import literal, literals, quoted
from analysis.data.read import RawTable
from analysis.errors import DataError

__all__ = ["HOUR_COLUMNS", "Origin", "checked_sql", "find_origins", "given_column", "parsed_sql"]

HOUR_COLUMNS: Final = {("orders", "ordered_at"): "ordered_hour", ("touches", "assigned_at"): "assigned_hour"}
"""Instants that also get their local hour, 0-23."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one contract column comes from.

    Attributes:
        column: Column of the contract.
        how: ``column``, ``constant``, ``product``, ``sum``, ``join`` or ``row_number``.
        headers: Headers in the source, or the constant.
    """

    column: Column
    how: str
    headers: tuple[str, ...]

    @property
    def words(self) -> str:
        """What to show a reader: the header, or how the value is made."""
        sign = {"product": " × ", "sum": " + "}.get(self.how, ", ")
        text = sign.join(self.headers)
        return text if self.how in {"column", "product", "sum"} else f"{self.how}: {text}".rstrip(": ")


def find_origins(
    raw: RawTable, *, contract: Table, mapping: TableMapping, joined: RawTable | None
) -> tuple[Origin, ...]:
    """Find where each column of the contract comes from; optional ones that the source lacks are left out.

    Raises:
        DataError: If a required column, or one that the book names, is not there: with the columns
            found, the nearest name and the line to add.
    """
    found: list[Origin] = []
    missing: list[tuple[Column, str]] = []
    for column in (*contract.columns, *_further(raw, contract, mapping)):
        origin, wanted = _origin(column, raw=raw, contract=contract, mapping=mapping, joined=joined)
        if origin is not None:
            found.append(origin)
        elif wanted or column.required:
            missing.append((column, wanted))
    if missing:
        raise _missing_error(missing, raw=raw, contract=contract)
    return tuple(found)


def _further(raw: RawTable, contract: Table, mapping: TableMapping) -> tuple[Column, ...]:
    """Columns beyond an open contract: those the book maps, and the source's own."""
    if not contract.open:
        return ()
    used = {header for value in mapping.columns.values() for header in ([value] if isinstance(value, str) else value)}
    named = [name for name in (*mapping.columns, *mapping.constants) if name not in contract.names]
    types = dict(raw.columns)
    own = [header for header, _ in raw.columns if header not in used and header not in contract.names]
    further = []
    for name in [*named, *(header for header in own if header not in named)]:
        source = mapping.columns.get(name, name)
        kind = types.get(source if isinstance(source, str) else source[0], "VARCHAR")
        further.append(Column(name, "text" if kind == "VARCHAR" else "number", name, name))
    return tuple(further)


def _origin(
    column: Column, *, raw: RawTable, contract: Table, mapping: TableMapping, joined: RawTable | None
) -> tuple[Origin | None, str]:
    """Return the origin of a column, or None and the header that the book wants but the source lacks."""
    name = column.name
    if name in mapping.constants:
        return Origin(column, "constant", (str(mapping.constants[name]),)), ""
    for how, block in (("product", mapping.products), ("sum", mapping.sums)):
        if name in block:
            headers = [(_header(one, raw), one) for one in block[name]]
            lacking = [one for header, one in headers if header is None]
            return (None, lacking[0]) if lacking else (Origin(column, how, tuple(h for h, _ in headers if h)), "")
    if joined is not None and mapping.join is not None and name in mapping.join.columns:
        header = _header(mapping.join.columns[name], joined)
        return (Origin(column, "join", (header,)), "") if header else (None, mapping.join.columns[name])
    return _plain_origin(column, raw=raw, contract=contract, mapping=mapping)


def _plain_origin(
    column: Column, *, raw: RawTable, contract: Table, mapping: TableMapping
) -> tuple[Origin | None, str]:
    name = column.name
    wanted = mapping.columns.get(name)
    if name == "order_id" and mapping.order_id is not None:
        wanted = mapping.order_id
    if wanted == ROW_NUMBER:
        return Origin(column, "row_number", ()), ""
    candidates = (name,) if wanted is None else (wanted,) if isinstance(wanted, str) else wanted
    for candidate in candidates:
        header = _header(candidate, raw)
        if header is not None:
            return Origin(column, "column", (header,)), ""
    if wanted is None and contract.numbered and contract.key == (name,):
        return Origin(column, "row_number", ()), ""
    return None, wanted if isinstance(wanted, str) else ""


def _header(wanted: str, raw: RawTable) -> str | None:
    """Return the source's header of that name, forgiving case and spaces around it."""
    headers = [header for header, _ in raw.columns]
    if wanted in headers:
        return wanted
    folded = {header.strip().casefold(): header for header in headers}
    return folded.get(wanted.strip().casefold())


def _missing_error(missing: list[tuple[Column, str]], *, raw: RawTable, contract: Table) -> DataError:
    from analysis.data.headers import likely_header

    headers = [header for header, _ in raw.columns]
    sentences, lines = [], []
    for column, wanted in missing:
        close = likely_header(column.name, headers=headers, table=contract.name) or nearest(
            wanted or column.name, headers
        )
        near = f"; the nearest is '{close}'" if close else ""
        named = f" (the book names '{wanted}')" if wanted and wanted != column.name else ""
        sentences.append(f"column '{column.name}'{named} is missing{near}")
        lines.append(f"{column.name}: {close or '<header>'}")
    return DataError(
        f"{contract.name} ({raw.file}): {'; '.join(sentences)}. Columns found: {', '.join(headers)}.",
        hint=f"add to the book: data: {{tables: {{{contract.name}: {{columns: {{{', '.join(lines)}}}}}}}}}",
    )


def given_column(name: str) -> str:
    """Return the name of the helper column that says whether the source has something there."""
    return f"__given_{name}"


def parsed_sql(
    connection: Any,
    raw: RawTable,
    *,
    origins: tuple[Origin, ...],
    mapping: TableMapping,
    joined: RawTable | None,
) -> tuple[str, frozenset[str], frozenset[str]]:
    """Return SQL of the parsed columns, the instants that are UTC already, and the columns that can be unreadable."""
    relation = _with_join(raw, mapping=mapping, joined=joined)
    parts, utc, fallible = ["__row"], set(), set()
    for origin in origins:
        parsed = _parsed(connection, relation, origin, raw=raw, mapping=mapping, joined=joined)
        name = origin.column.name
        parts.append(f"{parsed.value} AS {quoted(name)}")
        if parsed.given != "FALSE":
            parts.append(f"{parsed.given} AS {quoted(given_column(name))}")
            fallible.add(name)
        if parsed.utc:
            utc.add(name)
    return f"SELECT {', '.join(parts)} FROM ({relation})", frozenset(utc), frozenset(fallible)


def _with_join(raw: RawTable, *, mapping: TableMapping, joined: RawTable | None) -> str:
    if joined is None or mapping.join is None:
        return raw.sql
    on, there = _header(mapping.join.on, raw), _header(mapping.join.on, joined)
    if on is None or there is None:
        lacking = raw if on is None else joined
        raise DataError(
            f"{raw.name}: the join needs a column '{mapping.join.on}' in {lacking.file}, "
            f"which has {', '.join(header for header, _ in lacking.columns)}.",
            hint="correct data.tables.…join.on in the book",
        )
    picked = ", ".join(f"{quoted(h)} AS {quoted('__join_' + h)}" for h, _ in joined.columns)
    return (
        f"SELECT r.*, j.* EXCLUDE (__on) FROM ({raw.sql}) r LEFT JOIN "
        f"(SELECT {quoted(there)}::VARCHAR AS __on, {picked} FROM ({joined.sql})) j ON r.{quoted(on)}::VARCHAR = j.__on"
    )


def _parsed(
    connection: Any,
    relation: str,
    origin: Origin,
    *,
    raw: RawTable,
    mapping: TableMapping,
    joined: RawTable | None,
) -> Parsed:
    column = origin.column
    if origin.how == "row_number":
        return Parsed("(__row + 1)::VARCHAR")
    if origin.how == "constant":
        constant = f"SELECT {literal(origin.headers[0])} AS c"
        parsed = parsed_column(connection, constant, "c", duckdb_type="VARCHAR", column=column, mapping=mapping)
        return Parsed(f"(SELECT {parsed.value} FROM ({constant}))", utc=parsed.utc)
    if origin.how in {"product", "sum"}:
        return _combined(connection, relation, origin, raw=raw, mapping=mapping)
    types = dict(raw.columns) if origin.how == "column" or joined is None else dict(joined.columns)
    header = origin.headers[0]
    name = header if origin.how == "column" else "__join_" + header
    return parsed_column(connection, relation, name, duckdb_type=types[header], column=column, mapping=mapping)


def _combined(connection: Any, relation: str, origin: Origin, *, raw: RawTable, mapping: TableMapping) -> Parsed:
    """A product is null where a factor is; a sum takes empty summands as 0, but not where all are empty."""
    types = dict(raw.columns)
    parts = [
        parsed_column(
            connection,
            relation,
            header,
            duckdb_type=types[header],
            column=Column(origin.column.name, "number", "", ""),
            mapping=mapping,
        )
        for header in origin.headers
    ]
    if origin.how == "product":
        return Parsed(" * ".join(f"({part.value})" for part in parts), " OR ".join(f"({p.given})" for p in parts))
    unreadable = " OR ".join(f"(({part.given}) AND ({part.value}) IS NULL)" for part in parts)
    total = " + ".join(f"coalesce({part.value}, 0)" for part in parts)
    empty = " AND ".join(f"({part.value}) IS NULL" for part in parts)
    return Parsed(f"CASE WHEN NOT ({unreadable}) AND NOT ({empty}) THEN {total} END", unreadable)


def checked_sql(
    parsed: str,
    *,
    contract: Table,
    columns: tuple[Column, ...],
    utc: frozenset[str],
    fallible: frozenset[str],
    timezone: str,
    spans: dict[str, tuple[datetime, datetime]],
    latest: datetime,
) -> str:
    """Return SQL of the contract's columns with their days, and ``__reason`` of the rows that break it.

    Args:
        parsed: Name of the view or table that ``parsed_sql`` defined.
        contract: The contract.
        columns: Its columns that the source has.
        utc: Instants that are UTC already; the others are local.
        fallible: Columns whose text may be unreadable.
        timezone: The book's zone.
        spans: Earliest and latest value of each instant.
        latest: UTC; a clock later than this is in the future.
    """
    parts = ["__row"]
    for column in columns:
        if column.kind == "instant":
            parts += _instant(column, table=contract.name, timezone=timezone, span=spans.get(column.name), utc=utc)
        elif column.kind == "date":
            parts.append(f"{quoted(column.name)}::DATE AS {quoted(column.name)}")
        else:
            parts.append(quoted(column.name))
    inner = ", ".join([*parts, *(quoted(given_column(name)) for name in sorted(fallible))])
    cases = " ".join(
        f"WHEN {condition} THEN {literal(why)}"
        for condition, why in _checks(contract, columns, fallible=fallible, latest=latest)
    )
    reason_sql = f"CASE {cases} END" if cases else "NULL::VARCHAR"
    return f"SELECT *, {reason_sql} AS __reason FROM (SELECT {inner} FROM {parsed})"


def _instant(
    column: Column, *, table: str, timezone: str, span: tuple[datetime, datetime] | None, utc: frozenset[str]
) -> list[str]:
    name = quoted(column.name)
    if column.name in utc:
        instant, local = name, to_local_sql(name, timezone=timezone, span=span)
    else:
        instant, local = to_utc_sql(name, timezone=timezone, span=span), name
    parts = [f"{instant} AS {name}", f"({local})::DATE AS {quoted(day_column(column.name))}"]
    hour = HOUR_COLUMNS.get((table, column.name))
    return [*parts, f"hour({local})::TINYINT AS {hour}"] if hour else parts


def _checks(
    contract: Table, columns: tuple[Column, ...], *, fallible: frozenset[str], latest: datetime
) -> list[tuple[str, str]]:
    """Return (SQL condition, reason) in the order in which reasons are given."""
    checks = []
    for column in columns:
        name = quoted(column.name)
        if column.name in fallible:
            code = "damaged" if column.kind == "id" else "unreadable"
            checks.append((f"{quoted(given_column(column.name))} AND {name} IS NULL", reason(column.name, code)))
    for column in columns:
        name = quoted(column.name)
        if column.required and not (column.name == "customer_id" and "customer_id" not in contract.key):
            checks.append((f"{name} IS NULL", reason(column.name, "empty")))
        if column.allowed:
            allowed = f"{name}::VARCHAR NOT IN {literals(column.allowed)}"
            checks.append((allowed, reason(column.name, "not_allowed")))
        if column.kind == "share":
            checks.append((f"{name} < 0 OR {name} > 1", reason(column.name, "out_of_range")))
        if column.name == contract.clock:
            moment = f"TIMESTAMP '{latest}'" if column.kind == "instant" else f"DATE '{latest.date()}'"
            checks.append((f"{name} > {moment}", reason(column.name, "in_the_future")))
    return checks
