"""Check parsed rows against their contract: local days, UTC instants, and the first reason to reject a row."""

from datetime import datetime
from typing import Final

from analysis.data.contracts import Column, Table, day_column
from analysis.data.local_time import to_local_sql, to_utc_sql
from analysis.data.parsed_rows import given_column
from analysis.data.quarantine import reason
from analysis.data.quoting import literal, literals, quoted

__all__ = ["HOUR_COLUMNS", "checked_sql"]

HOUR_COLUMNS: Final = {("orders", "ordered_at"): "ordered_hour", ("touches", "assigned_at"): "assigned_hour"}
"""Instants that also get their local hour, 0-23."""

_FIRST_MOMENT: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without a mark, as stored
"""Earlier clocks are the zero of some program, not a time."""
_LARGEST: Final = 1e12
"""A larger number is a fault of the source (an id in the wrong column), and would drown every total."""


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
) -> tuple[str, str]:
    """Return SQL of the contract's columns with their days and ``__reason``, and SQL that is true where there is one.

    The condition says no more than that the reason is not null, but the engine passes over files whose bounds rule
    every part of it out.

    Args:
        parsed: Name of the view or table of the parsed rows.
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
    checks = _checks(contract, columns, fallible=fallible, latest=latest)
    cases = " ".join(f"WHEN {condition} THEN {literal(why)}" for condition, why in checks)
    reason_sql = f"CASE {cases} END" if cases else "NULL::VARCHAR"
    is_broken = " OR ".join(f"({condition})" for condition, _ in checks) or "FALSE"
    return f"SELECT *, {reason_sql} AS __reason FROM (SELECT {inner} FROM {parsed})", is_broken


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
        if column.kind in {"money", "number"}:
            checks.append((f"abs({name}) > {_LARGEST}", reason(column.name, "out_of_range")))
        if column.kind == "share":
            checks.append((f"{name} < 0 OR {name} > 1", reason(column.name, "out_of_range")))
        if column.name == contract.clock:
            moment = f"TIMESTAMP '{latest}'" if column.kind == "instant" else f"DATE '{latest.date()}'"
            checks.append((f"{name} > {moment}", reason(column.name, "in_the_future")))
            checks.append((f"{name} < TIMESTAMP '{_FIRST_MOMENT}'", reason(column.name, "out_of_range")))
    return checks
