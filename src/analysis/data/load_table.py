"""Load one table: read, map, check, drop duplicates, split refunds, write, account for every row."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from analysis.data.accounting import TableAccount
from analysis.data.as_of import clock_day
from analysis.data.contracts import CONTRACTS, Column, Table, day_column
from analysis.data.mapping import ROW_NUMBER, DataSource, TableMapping
from analysis.data.normalise import HOUR_COLUMNS, Origin, checked_sql, find_origins, parsed_sql
from analysis.data.orders import sales_sql, split_orders
from analysis.data.quarantine import check_share
from analysis.data.quoting import literal, quoted
from analysis.data.read import RawTable, read_file
from analysis.data.refunds import match_refunds
from analysis.data.rows import (
    mark_duplicate_rows,
    mark_rejected,
    reject_orders_of_two_customers,
    reject_shared_keys,
    where_kept,
)
from analysis.data.sources import Located

__all__ = ["load_table"]


def load_table(
    connection: Any, located: Located, *, source: DataSource, work: Path, latest: datetime, timezone: str
) -> TableAccount:
    """Load one table into ``work`` and return what became of its rows.

    Raises:
        DataError: As data.md says, with table, column and remedy.
    """
    mapping, contract = located.mapping, CONTRACTS[located.name]
    scratch = work / "scratch"
    scratch.mkdir(exist_ok=True)
    raw = read_file(located.files[0], name=located.name, work=scratch)
    joined = read_file(located.joined, name=f"{located.name}.join", work=scratch) if located.joined else None
    origins = find_origins(raw, contract=contract, mapping=mapping, joined=joined)
    _define_checked(
        connection,
        raw,
        contract=contract,
        mapping=mapping,
        origins=origins,
        joined=joined,
        latest=latest,
        timezone=timezone,
    )
    _decide_rows(connection, raw, contract=contract, mapping=mapping, origins=origins)
    quarantined = _write_quarantine(connection, raw, contract=contract, work=work)
    check_share(
        contract.name,
        counts=quarantined,
        rows_in=raw.n_rows,
        allowed=source.max_quarantine_share,
        kept_in=str(work / "quarantine"),
    )
    refunds = _write(connection, contract=contract, mapping=mapping, origins=origins, work=work)
    return _account(
        connection,
        raw,
        contract=contract,
        mapping=mapping,
        origins=origins,
        quarantined=quarantined,
        refunds=refunds,
        work=work,
    )


def _define_checked(
    connection: Any,
    raw: RawTable,
    *,
    contract: Table,
    mapping: TableMapping,
    origins: tuple[Origin, ...],
    joined: RawTable | None,
    latest: datetime,
    timezone: str,
) -> None:
    parsed, utc, fallible = parsed_sql(connection, raw, origins=origins, mapping=mapping, joined=joined)
    kind = "TABLE" if raw.is_text and fallible else "VIEW"  # text is parsed once; what has types is cheap to read again
    name = quoted(f"parsed_{contract.name}")
    connection.execute(f"CREATE TEMP {kind} {name} AS {parsed}")
    columns = tuple(origin.column for origin in origins)
    spans = {}
    for column in columns:
        if column.kind == "instant":
            low, high = connection.execute(
                f"SELECT min({quoted(column.name)}), max({quoted(column.name)}) FROM {name}"
            ).fetchall()[0]
            if low is not None:
                spans[column.name] = (low, high)
    checked = checked_sql(
        name,
        contract=contract,
        columns=columns,
        utc=utc,
        fallible=fallible,
        timezone=timezone,
        spans=spans,
        latest=latest,
    )
    connection.execute(f"CREATE TEMP VIEW {quoted('checked_' + contract.name)} AS {checked}")


def _decide_rows(
    connection: Any, raw: RawTable, *, contract: Table, mapping: TableMapping, origins: tuple[Origin, ...]
) -> None:
    mark_rejected(connection, contract.name)
    numbered = any(origin.how == "row_number" for origin in origins)
    asked = mapping.order_id == ROW_NUMBER or ROW_NUMBER in mapping.columns.values()
    lines = mapping.grain == "line" or contract.name == "order_items"
    if not asked:
        mark_duplicate_rows(connection, raw, contract=contract, by_key=not numbered and not lines)
    if contract.name == "orders" and not numbered:
        reject_orders_of_two_customers(connection)
    if not numbered and not lines:
        reject_shared_keys(connection, contract=contract, where="amount >= 0" if contract.name == "orders" else "TRUE")


def _write_quarantine(connection: Any, raw: RawTable, *, contract: Table, work: Path) -> dict[str, int]:
    out = quoted("out_" + contract.name)
    counts = {
        str(why): int(n)
        for why, n in connection.execute(
            f"SELECT __reason, count(*) FROM {out} WHERE __reason <> 'duplicate' GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    }
    if counts:
        (work / "quarantine").mkdir(exist_ok=True)
        target = work / "quarantine" / f"{contract.name}.parquet"
        connection.execute(
            f"COPY (SELECT __row + 1 AS row, __reason AS reason, r.* EXCLUDE (__row) FROM {out} JOIN ({raw.sql}) r USING (__row) "
            f"WHERE __reason <> 'duplicate' ORDER BY __row) TO {literal(str(target))} (FORMAT parquet)"
        )
    return counts


def _write(
    connection: Any, *, contract: Table, mapping: TableMapping, origins: tuple[Origin, ...], work: Path
) -> dict[str, int]:
    n_out = connection.execute(f"SELECT count(*) FROM {quoted('out_' + contract.name)}").fetchall()[0][0]
    kept = where_kept(contract.name, n_out=n_out)
    columns = frozenset(origin.column.name for origin in origins)
    if contract.name != "orders":
        sql = f"SELECT {_output(contract, origins)} FROM {quoted('checked_' + contract.name)} WHERE __reason IS NULL AND {kept}"
        _copy(connection, sql, work / f"{contract.name}.parquet")
        return {}
    split_orders(connection, mapping=mapping, columns=columns, kept=kept)
    _copy(connection, sales_sql(columns), work / "orders.parquet")
    refunds = match_refunds(connection, mapping=mapping)
    _copy(connection, "SELECT * FROM refunds ORDER BY refunded_at, refund_id", work / "refunds.parquet")
    return refunds


def _output(contract: Table, origins: tuple[Origin, ...]) -> str:
    picked = []
    for column in _in_order(contract, origins):
        picked.append(column.name)
        if column.kind == "instant":
            picked.append(day_column(column.name))
        hour = HOUR_COLUMNS.get((contract.name, column.name))
        if hour:
            picked.append(hour)
    return ", ".join(quoted(name) for name in picked)


def _in_order(contract: Table, origins: tuple[Origin, ...]) -> list[Column]:
    return [origin.column for origin in origins]


def _copy(connection: Any, sql: str, target: Path) -> None:
    connection.execute(f"COPY ({sql}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION snappy)")


def _account(
    connection: Any,
    raw: RawTable,
    *,
    contract: Table,
    mapping: TableMapping,
    origins: tuple[Origin, ...],
    quarantined: dict[str, int],
    refunds: dict[str, int],
    work: Path,
) -> TableAccount:
    out = quoted("out_" + contract.name)
    duplicates = connection.execute(f"SELECT count(*) FROM {out} WHERE __reason = 'duplicate'").fetchall()[0][0]
    by = clock_day(contract)
    names = {origin.column.name for origin in origins}
    has_clock = contract.clock in names
    day = quoted(by) if by is not None and has_clock else "NULL::DATE"
    anonymous = "customer_id IS NULL" if "customer_id" in names and "customer_id" not in contract.key else "FALSE"
    daily = connection.execute(
        f"SELECT {day} AS day, count(*) FILTER (NOT ({anonymous})), count(*) FILTER ({anonymous}) "
        f"FROM {quoted('checked_' + contract.name)} WHERE __reason IS NULL AND __row NOT IN (SELECT __row FROM {out}) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    days: list[date] = [row[0] for row in daily if row[0] is not None]
    written = connection.execute(
        f"SELECT count(*) FROM read_parquet({literal(str(work / (contract.name + '.parquet')))})"
    ).fetchall()[0][0]
    used_headers = {header for origin in origins for header in origin.headers}
    return TableAccount(
        name=contract.name,
        file=raw.file,
        how=raw.how,
        grain=mapping.grain if contract.name == "orders" else "",
        rows_in=raw.n_rows + len(raw.ragged),
        used=sum(row[1] for row in daily),
        duplicates=duplicates,
        anonymous=sum(row[2] for row in daily),
        quarantined=quarantined,
        written=written,
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        mapped={origin.column.name: origin.words for origin in origins},
        unmapped=tuple(header for header, _ in raw.columns if header not in used_headers),
        refunds=refunds,
        daily=tuple((row[0], row[1], row[2]) for row in daily),
    )
