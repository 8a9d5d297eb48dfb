"""Load one table: read, map, check, drop duplicates, split refunds, write, account for every row."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from analysis.data.accounting import Notice, TableAccount
from analysis.data.as_of import clock_day
from analysis.data.checked_rows import HOUR_COLUMNS, checked_sql
from analysis.data.contracts import CONTRACTS, Column, Table, day_column
from analysis.data.mapping import ROW_NUMBER, DataSource, TableMapping
from analysis.data.orders import is_refund_sql, sales_sql, split_orders, take_written
from analysis.data.origins import Origin, find_origins, with_numbers
from analysis.data.parsed_rows import parse_rows
from analysis.data.personal import hash_columns, refuse_personal_data
from analysis.data.quarantine import check_share, reason
from analysis.data.quoting import literal, parquet, quoted
from analysis.data.read import RawTable
from analysis.data.refunds import match_refunds
from analysis.data.rows import (
    DUPLICATE,
    define_kept,
    differing_rows,
    drop_twins,
    mark_rejected,
    reject,
    rows_of_two_customers,
    shared_keys,
)
from analysis.data.sources import Located, read_joined, read_located
from analysis.data.write_rows import write_rows
from analysis.errors import DataError

__all__ = ["REJECTED", "LoadedTable", "load_table"]


_DAYS_KEPT: Final = 5
_USUAL: Final = (datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - UTC without a mark, as stored
"""Dates such as 0001-01-01 and 9999-12-31 mean no date: no zone had another offset then."""

REJECTED: Final = "rejected"
"""Folder beside the loads where the rejected rows of a load that stopped are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTable:
    """What loading one table left.

    Attributes:
        account: What became of its rows.
        latest_kept: Latest clock among the rows used, UTC; None if the table has no clock.
        earliest_future: Earliest clock among the rows rejected as future, UTC; None if there are none.
        last_order_days: The last days with orders, latest first; empty for other tables.
    """

    account: TableAccount
    latest_kept: datetime | None
    earliest_future: datetime | None
    last_order_days: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One table on its way: what every step needs to know."""

    connection: Any
    raw: RawTable
    contract: Table
    mapping: TableMapping
    origins: tuple[Origin, ...]
    work: Path
    is_shuffled: bool = False
    is_broken: str = "FALSE"

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(origin.column.name for origin in self.origins)

    @property
    def by_line(self) -> bool:
        return self.mapping.grain == "line" or self.contract.name == "order_items"

    def number(self, sql: str) -> int:
        return int(self.connection.execute(sql).fetchall()[0][0])


def load_table(
    connection: Any, located: Located, *, source: DataSource, work: Path, latest: datetime, timezone: str
) -> LoadedTable:
    """Load one table into ``work``.

    Args:
        connection: A database connection of its own.
        located: Where the table is.
        source: The ``data:`` block of the book.
        work: Folder that the run's tables are built in.
        latest: UTC; a row whose clock is later is rejected.
        timezone: The book's zone.

    Raises:
        DataError: As ``design/data.md`` says, with table, column and remedy.
    """
    scratch = work / "scratch"
    scratch.mkdir(exist_ok=True)
    raw = hash_columns(read_located(located, work=scratch), columns=source.pii, work=scratch)
    joined = read_joined(located, work=scratch)
    contract, mapping = CONTRACTS[located.name], located.mapping
    origins = find_origins(raw, contract=contract, mapping=mapping, joined=joined)
    origins = with_numbers(connection, raw, contract=contract, origins=origins)
    _refuse_personal_data(connection, raw, origins, joined=joined, allowed=source.pii)
    job = _Job(connection=connection, raw=raw, contract=contract, mapping=mapping, origins=origins, work=work)
    job = _define_checked(job, joined=joined, latest=latest, timezone=timezone)
    _decide_rows(job, allowed=source.max_quarantine_share)
    quarantined = _write_quarantine(job)
    rows_in = raw.n_rows + len(raw.ragged)
    kept_in = str(work.parent / REJECTED / f"{contract.name}.parquet")
    check_share(
        contract.name, counts=quarantined, rows_in=rows_in, allowed=source.max_quarantine_share, kept_in=kept_in
    )
    refunds = _write(job)
    return LoadedTable(
        account=_account(job, quarantined=quarantined, refunds=refunds),
        latest_kept=_latest_kept(job),
        earliest_future=_earliest_future(job),
        last_order_days=_last_order_days(job),
    )


def _refuse_personal_data(
    connection: Any,
    raw: RawTable,
    origins: tuple[Origin, ...],
    *,
    joined: RawTable | None,
    allowed: tuple[str, ...],
) -> None:
    worded = [origin for origin in origins if origin.column.kind in {"text", "category"}]
    words = {header for origin in worded for header in origin.headers if origin.how == "column"}
    others = {header for origin in origins for header in origin.headers} - words
    refuse_personal_data(connection, raw, exempt=frozenset(others), words=frozenset(words), allowed=allowed)
    if joined is not None:
        # of a joined file only the columns that are taken from it are loaded
        words = {header for origin in worded for header in origin.headers if origin.how == "join"}
        others = set(joined.headers) - words
        refuse_personal_data(connection, joined, exempt=frozenset(others), words=frozenset(words), allowed=allowed)


def _define_checked(job: _Job, *, joined: RawTable | None, latest: datetime, timezone: str) -> _Job:
    """Define the view of the checked rows; the job knows then if they are shuffled, and which of them are broken."""
    connection, name = job.connection, quoted(f"parsed_{job.contract.name}")
    parsed = parse_rows(connection, job.raw, origins=job.origins, mapping=job.mapping, joined=joined, timezone=timezone)
    # text is parsed once and kept; what has types is cheaper to read again than to keep
    is_shuffled = parsed.from_text or joined is not None
    connection.execute(f"CREATE TEMP {'TABLE' if is_shuffled else 'VIEW'} {name} AS {parsed.sql}")
    columns = tuple(origin.column for origin in job.origins)
    checked, is_broken = checked_sql(
        name,
        contract=job.contract,
        columns=columns,
        utc=parsed.utc,
        fallible=parsed.fallible,
        timezone=timezone,
        spans=_bounds(job) or _spans(connection, name, [c.name for c in columns if c.kind == "instant"]),
        latest=latest,
    )
    connection.execute(f"CREATE TEMP VIEW {quoted('checked_' + job.contract.name)} AS {checked}")
    return replace(job, is_shuffled=is_shuffled, is_broken=is_broken)


def _bounds(job: _Job) -> dict[str, tuple[datetime, datetime]]:
    """Return earliest and latest value of each instant, from the bounds that files with types tell without a look.

    Empty where some instant is no time by type, or has values that mean no date.
    """
    instants = [origin for origin in job.origins if origin.column.kind == "instant"]
    types = dict(job.raw.columns)
    if not all(o.how == "column" and types[o.headers[0]].startswith("TIMESTAMP") for o in instants):
        return {}
    headers = [quoted(origin.headers[0]) for origin in instants]
    ends = ", ".join(f"make_timestamp(epoch_us({which}({header})))" for header in headers for which in ("min", "max"))
    row = job.connection.execute(f"SELECT {ends} FROM ({job.raw.sql})").fetchall()[0] if instants else ()
    pairs = zip(instants, row[0::2], row[1::2], strict=True)
    bounds = {origin.column.name: (low, high) for origin, low, high in pairs if low is not None}
    usual = all(_USUAL[0] <= low and high <= _USUAL[1] for low, high in bounds.values())
    return bounds if usual else {}


def _spans(connection: Any, relation: str, instants: list[str]) -> dict[str, tuple[datetime, datetime]]:
    """Return the earliest and latest value of each instant that has any."""
    if not instants:
        return {}
    usual = f"BETWEEN TIMESTAMP '{_USUAL[0]}' AND TIMESTAMP '{_USUAL[1]}'"
    bounds = ", ".join(
        f"{which}({name}) FILTER ({name} {usual})" for name in map(quoted, instants) for which in ("min", "max")
    )
    row = connection.execute(f"SELECT {bounds} FROM {relation}").fetchall()[0]
    pairs = zip(instants, row[0::2], row[1::2], strict=True)
    return {name: (low, high) for name, low, high in pairs if low is not None}


def _decide_rows(job: _Job, *, allowed: float) -> None:
    connection, contract = job.connection, job.contract
    clock = _clock(job)
    mark_rejected(connection, contract.name, is_broken=job.is_broken, clock=clock.name if clock else None)
    numbered = any(origin.how == "row_number" for origin in job.origins)
    honest_twins = ROW_NUMBER in (job.mapping.order_id, *job.mapping.columns.values())
    one_per_key = not numbered and not job.by_line
    by_key = one_per_key or contract.name == "order_items"  # of which lines of one product are summed
    if by_key:
        shared_keys(connection, contract)
    if not honest_twins:
        drop_twins(connection, job.raw, among_shared_keys=by_key)
    if contract.name == "orders" and not numbered:
        reject(connection, contract, rows_of_two_customers(connection, by_line=job.by_line), code="two_customers")
    if one_per_key:
        where = f"NOT {is_refund_sql(job.mapping)}" if contract.name == "orders" else "TRUE"
        differing = differing_rows(contract, where=where)
        if contract.name == "orders":
            _expect_orders_not_lines(job, differing, allowed=allowed)
        reject(connection, contract, differing, code="same_key_differs")
    define_kept(connection, contract.name)


def _expect_orders_not_lines(job: _Job, differing: str, *, allowed: float) -> None:
    """Stop where too many order ids stand in several rows: these are lines of orders."""
    n = job.number(f"SELECT count(*) FROM ({differing})")
    if not n or n / job.raw.n_rows <= allowed:
        return
    repeats = not job.number(
        f"SELECT count(*) FROM (SELECT 1 FROM ({differing}) GROUP BY order_id HAVING min(amount) <> max(amount))"
    )
    totals = (
        " If each line repeats the total of its order (all amounts here are equal within an order), "
        "add order_totals: [amount] too."
        if repeats
        else ""
    )
    raise DataError(
        f"orders ({job.raw.file}): {n:,} of {job.raw.n_rows:,} rows share their order id with rows that differ: "
        "these are lines of orders, one row per order is expected.",
        hint=f"add to the book: data: {{tables: {{orders: {{grain: line}}}}}}.{totals}",
    )


def _write_quarantine(job: _Job) -> dict[str, int]:
    out, name = quoted("out_" + job.contract.name), job.contract.name
    why = f"__reason <> {literal(DUPLICATE)}"
    rows = job.connection.execute(
        f"SELECT __reason, count(*) FROM {out} WHERE {why} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    counts = {str(code): int(n) for code, n in rows}
    if job.raw.ragged:
        counts[reason("row", "ragged")] = len(job.raw.ragged)
    if counts:
        folder = job.work / "quarantine"
        folder.mkdir(exist_ok=True)
        rejected = (
            f'SELECT __row + 1 AS "row", __reason AS reason, NULL::VARCHAR AS "text", r.* EXCLUDE (__row) '
            f"FROM {out} JOIN ({job.raw.sql}) r USING (__row) WHERE {why}"
        )
        ragged = _ragged_sql(job)
        both = f"{rejected} UNION ALL BY NAME {ragged}" if ragged else rejected
        target = literal(str(folder / f"{name}.parquet"))
        job.connection.execute(f'COPY (SELECT * FROM ({both}) ORDER BY "row", "text") TO {target} (FORMAT parquet)')
    return counts


def _ragged_sql(job: _Job) -> str:
    if not job.raw.ragged:
        return ""
    import pyarrow as pa

    numbers, texts = [number or None for number, _ in job.raw.ragged], [text for _, text in job.raw.ragged]
    columns = {"row": pa.array(numbers, pa.int64()), "text": pa.array(texts, pa.string())}
    job.connection.register("ragged", pa.table(columns))
    return f'SELECT "row", {literal(reason("row", "ragged"))} AS reason, "text" FROM ragged'


def _write(job: _Job) -> dict[str, int]:
    """Write the table (and, for orders, the refunds); return how refunds were matched."""
    connection, name, target = job.connection, job.contract.name, job.work / f"{job.contract.name}.parquet"
    if name == "orders":
        split_orders(connection, mapping=job.mapping, columns=job.columns)
        write_rows(connection, sales_sql(job.columns) + _in_source_order(job), target)
        take_written(connection, parquet(target), mapping=job.mapping, columns=job.columns)
        matched = match_refunds(connection, mapping=job.mapping)
        write_rows(connection, "SELECT * FROM refunds ORDER BY refunded_at, refund_id", job.work / "refunds.parquet")
        return matched
    if name == "order_items":
        write_rows(connection, _items_sql(job), target)
        return {}
    names = ", ".join(quoted(column) for column in _output(job))
    write_rows(connection, f"SELECT {names} FROM {quoted('kept_' + name)}{_in_source_order(job)}", target)
    # what was written is what was kept, and costs a tenth to look at
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted('kept_' + name)} AS SELECT * FROM {parquet(target)}")
    return {}


def _in_source_order(job: _Job) -> str:
    """Rows keep the order of the source, so that the same source gives the same bytes.

    A plain copy keeps it by itself; a sort of ten million rows would cost as much as reading them.
    """
    return " ORDER BY __row" if job.is_shuffled or job.by_line else ""


def _output(job: _Job) -> list[str]:
    """Names of the columns to write: each instant is followed by its day, and perhaps its hour."""
    picked: list[str] = []
    for column in (origin.column for origin in job.origins):
        picked.append(column.name)
        if column.kind == "instant":
            picked.append(day_column(column.name))
        hour = HOUR_COLUMNS.get((job.contract.name, column.name))
        picked += [hour] if hour else []
    return picked


def _items_sql(job: _Job) -> str:
    """One row per order and product; the same product on several lines is one row."""
    money, category = "DECIMAL(28, 6)", "category" in job.columns
    if not job.number("SELECT count(*) FROM shared_order_items"):
        columns = f"order_id, sku, quantity::{money}::DOUBLE AS quantity, amount::{money}::DOUBLE AS amount"
        order = " ORDER BY __row" if job.is_shuffled else ""
        return f"SELECT {columns}{', category' if category else ''} FROM kept_order_items{order}"
    return (
        f"SELECT order_id, sku, sum(quantity::{money})::DOUBLE AS quantity, sum(amount::{money})::DOUBLE AS amount"
        f"{', min(category) AS category' if category else ''} "
        "FROM kept_order_items GROUP BY order_id, sku ORDER BY order_id, sku"
    )


def _clock(job: _Job) -> Column | None:
    clock = job.contract.clock
    return job.contract.column(clock) if clock is not None and clock in job.columns else None


def _latest_kept(job: _Job) -> datetime | None:
    clock = _clock(job)
    if clock is None:
        return None
    sql = f"SELECT max({quoted(clock.name)})::TIMESTAMP FROM {quoted('kept_' + job.contract.name)}"
    bound: datetime | None = job.connection.execute(sql).fetchall()[0][0]
    return bound


def _earliest_future(job: _Job) -> datetime | None:
    clock = _clock(job)
    if clock is None:
        return None
    why = literal(reason(clock.name, "in_the_future"))
    sql = f"SELECT min(__clock) FROM {quoted('out_' + job.contract.name)} WHERE __reason = {why}"
    bound: datetime | None = job.connection.execute(sql).fetchall()[0][0]
    return bound


def _last_order_days(job: _Job) -> tuple[date, ...]:
    if job.contract.name != "orders":
        return ()
    orders = parquet(job.work / "orders.parquet")
    days = job.connection.execute(
        f"SELECT DISTINCT ordered_on FROM {orders} ORDER BY 1 DESC LIMIT {_DAYS_KEPT}"
    ).fetchall()
    return tuple(row[0] for row in days)


def _account(job: _Job, *, quarantined: dict[str, int], refunds: dict[str, int]) -> TableAccount:
    contract, raw = job.contract, job.raw
    day = quoted(clock_day(contract) or "") if _clock(job) is not None else "NULL::DATE"
    nobody = "customer_id IS NULL" if "customer_id" in job.columns and "customer_id" not in contract.key else "FALSE"
    daily = job.connection.execute(
        f"SELECT {day}, count(*) FILTER (NOT ({nobody})), count(*) FILTER ({nobody}) "
        f"FROM {quoted('kept_' + contract.name)} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    days = [row[0] for row in daily if row[0] is not None]
    used_headers = {header for origin in job.origins for header in origin.headers}
    out = quoted("out_" + contract.name)
    return TableAccount(
        name=contract.name,
        file=raw.file,
        how=raw.how,
        grain=job.mapping.grain if contract.name == "orders" else "",
        rows_in=raw.n_rows + len(raw.ragged),
        used=sum(row[1] for row in daily),
        duplicates=job.number(f"SELECT count(*) FROM {out} WHERE __reason = {literal(DUPLICATE)}"),
        anonymous=sum(row[2] for row in daily),
        quarantined=quarantined,
        written=job.number(f"SELECT count(*) FROM {parquet(job.work / (contract.name + '.parquet'))}"),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        mapped={origin.column.name: origin.words for origin in job.origins},
        unmapped=tuple(header for header in raw.headers if header not in used_headers),
        refunds=refunds,
        notices=_notices(job, refunds=refunds),
        daily=tuple((row[0], row[1], row[2]) for row in daily),
    )


def _notices(job: _Job, *, refunds: dict[str, int]) -> tuple[Notice, ...]:
    notices = []
    name = job.contract.name
    if job.raw.left_out:
        sheets = ", ".join(job.raw.left_out)
        notices.append(
            {
                "zh": f"{name}：工作表 {sheets} 的表头不同，没有读取。",
                "en": f"{name}: the sheets {sheets} have another header and were not read.",
            }
        )
    if refunds.get("unmatched"):
        n = refunds["unmatched"]
        notices.append(
            {
                "zh": f"{n:,} 笔退款找不到对应的订单，计入退款总额，但不影响任何一笔购买。",
                "en": f"{n:,} refunds match no order: they count in the total of refunds but undo no purchase.",
            }
        )
    if not job.raw.n_rows:
        notices.append(
            {"zh": f"{name}：文件只有表头，没有数据行。", "en": f"{name}: the file has a header and no rows."}
        )
    return tuple(notices)
