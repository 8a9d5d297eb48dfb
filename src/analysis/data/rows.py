"""Which rows count: rejected, duplicate, and kept, each row exactly once.

Everything is decided by row number, so that the rows themselves are read again only where they are
needed. A key is compared before its row is: of millions of rows only those that share a key are
looked at as a whole.
"""

from typing import TYPE_CHECKING, Any, Final

from analysis.data.contracts import Table
from analysis.data.quarantine import reason
from analysis.data.quoting import literal, quoted
from analysis.data.read import RawTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "DUPLICATE",
    "count_out",
    "define_kept",
    "differing_rows",
    "drop_twins",
    "mark_rejected",
    "reject",
    "rows_of_two_customers",
    "shared_keys",
]

DUPLICATE: Final = "duplicate"
"""Stands beside a dropped row in place of a reason."""
_LOOKED_AT: Final = {"orders": ("customer_id", "amount")}
"""Columns of rows that share a key which decide what becomes of them, beside the key."""
_SORTED_AT_ONCE: Final = 20_000_000
"""Hashes sorted in memory at a time: 160 MB, and as much again with their rows and for those in order."""
_ENDS: Final = 2**20


def mark_rejected(connection: Any, table: str, *, is_broken: str, clock: str | None) -> None:
    """Collect the rows of the view ``checked_<table>`` that broke the contract in ``out_<table>``, with their clock."""
    moment = quoted(clock) if clock is not None else "NULL"
    connection.execute(
        f"CREATE TEMP TABLE {quoted('out_' + table)} AS SELECT __row, __reason, {moment}::TIMESTAMP AS __clock "
        f"FROM {quoted('checked_' + table)} WHERE {is_broken}"
    )


def count_out(connection: Any, table: str) -> int:
    """Return how many rows are out so far."""
    return int(connection.execute(f"SELECT count(*) FROM {quoted('out_' + table)}").fetchall()[0][0])


def _kept_sql(connection: Any, table: str) -> str:
    """Return SQL of the rows that are not out yet, in the order of the source: bits, because a join moves rows.

    The bits are those of the latest call: what is asked of them is asked at once, or once no more rows go out.
    """
    checked, out = f"SELECT * FROM {quoted('checked_' + table)}", quoted("out_" + table)
    last = connection.execute(f"SELECT max(__row) FROM {out}").fetchall()[0][0]
    if last is None:
        return checked
    bits = f"out_of_{table}"
    connection.execute(f"SET VARIABLE {bits} = (SELECT bitstring_agg(__row, 0, {last}) FROM {out})")
    return f"{checked} WHERE __row > {last} OR get_bit(getvariable('{bits}'), least(__row, {last})::INTEGER) = 0"


def define_kept(connection: Any, table: str) -> None:
    """Define the view ``kept_<table>`` of the rows that are in, once all others are out."""
    connection.execute(f"CREATE TEMP VIEW {quoted('kept_' + table)} AS {_kept_sql(connection, table)}")


def shared_keys(connection: Any, contract: Table) -> int:
    """Collect the rows that may share their key with another row in ``shared_<table>``; return how many.

    Keys are compared by a hash of 64 bits: a row that shares nothing but the hash is looked at in vain, none is missed.
    """
    import pyarrow as pa

    name, key = contract.name, ", ".join(quoted(column) for column in contract.key)
    checked, out = quoted("checked_" + name), quoted("out_" + name)
    gone = connection.execute(f"SELECT __row FROM {out}").fetchnumpy()["__row"]
    parts = 1 + connection.execute(f"SELECT count(*) FROM {checked}").fetchall()[0][0] // _SORTED_AT_ONCE
    rows = _rows_found_twice(connection, f"SELECT __row, hash({key}) AS h FROM {checked}", gone=gone, parts=parts)
    connection.register("found_twice", pa.table({"__row": pa.array(rows, pa.int64())}))
    wanted = {"__row": None, **dict.fromkeys(contract.key), **dict.fromkeys(_LOOKED_AT.get(name, ()))}
    picked = f"SELECT {', '.join(map(quoted, wanted))} FROM {checked}"
    # most tables have no key twice, and looking for one reads less than looking at rows
    where = "SEMI JOIN found_twice USING (__row)" if len(rows) else "WHERE FALSE"
    connection.execute(f"CREATE TEMP TABLE {quoted('shared_' + name)} AS {picked} {where}")
    return len(rows)


def _rows_found_twice(connection: Any, hashes: str, *, gone: "NDArray[np.int64]", parts: int) -> "NDArray[np.int64]":
    """Return the numbers of the rows whose hash another row has, leaving those aside that are gone.

    Sorting numbers in memory takes a quarter of what grouping them takes; they are taken in parts that fit.
    """
    import numpy as np
    import pyarrow as pa

    found = [np.zeros(0, dtype=np.int64)]
    for part in range(parts):
        where = f" WHERE h % {parts} = {part}" if parts > 1 else ""
        batches = connection.sql(f"SELECT * FROM ({hashes}){where}").to_arrow_table().to_batches()
        if not batches:
            continue
        ordered = np.concatenate([batch["h"].to_numpy() for batch in batches])
        ordered.sort()
        ends = np.zeros(_ENDS, dtype=np.bool_)  # few have the last bits of one that is found twice
        ends[ordered[1:][ordered[1:] == ordered[:-1]] & (_ENDS - 1)] = True
        maybe = [batch.filter(pa.array(ends[batch["h"].to_numpy() & (_ENDS - 1)])) for batch in batches]
        row, value = (np.concatenate([some[name].to_numpy() for some in maybe]) for name in ("__row", "h"))
        left = ~np.isin(row, gone)
        row, value = row[left], value[left]
        several, n = np.unique(value, return_counts=True)
        found.append(row[np.isin(value, several[n > 1])])
    return np.sort(np.concatenate(found))


def drop_twins(connection: Any, raw: RawTable, *, among_shared_keys: bool) -> None:
    """Drop exact duplicates: rows whose every column in the source equals an earlier row's.

    Args:
        connection: Database connection.
        raw: The table as the source has it.
        among_shared_keys: Whether only the rows in ``shared_<table>`` can be duplicates.
    """
    name, columns = raw.name, ", ".join(quoted(header) for header in raw.headers)
    out = quoted("out_" + name)
    if among_shared_keys:
        alike = f"SELECT __row FROM {quoted('shared_' + name)}"
    else:
        digests = quoted("digests_" + name)
        connection.execute(f"CREATE TEMP TABLE {digests} AS SELECT __row, hash({columns}) AS h FROM ({raw.sql})")
        alike = (
            f"SELECT __row FROM {digests} SEMI JOIN (SELECT h FROM {digests} GROUP BY h HAVING count(*) > 1) USING (h)"
        )
    connection.execute(f"CREATE TEMP TABLE {quoted('alike_' + name)} AS {alike}")
    if not connection.execute(f"SELECT count(*) FROM {quoted('alike_' + name)}").fetchall()[0][0]:
        return
    numbered = f"SELECT __row, row_number() OVER (PARTITION BY {columns} ORDER BY __row) AS n FROM ({raw.sql})"
    connection.execute(
        f"INSERT INTO {out} (__row, __reason) SELECT __row, {literal(DUPLICATE)} FROM "
        f"({numbered} SEMI JOIN {quoted('alike_' + name)} USING (__row) ANTI JOIN {out} USING (__row)) WHERE n > 1"
    )


def differing_rows(contract: Table, *, where: str = "TRUE") -> str:
    """Return SQL of the rows that share a key and differ: nothing says which one is right."""
    name, key = contract.name, ", ".join(quoted(column) for column in contract.key)
    left = f"SELECT * FROM {quoted('shared_' + name)} ANTI JOIN {quoted('out_' + name)} USING (__row) WHERE {where}"
    several = f"SELECT {key} FROM ({left}) GROUP BY {key} HAVING count(*) > 1"
    return f"SELECT * FROM ({left}) SEMI JOIN ({several}) USING ({key})"


def rows_of_two_customers(connection: Any, *, by_line: bool) -> str:
    """Return SQL of the rows whose order id names two customers."""
    if by_line:
        left = _kept_sql(connection, "orders")
    else:
        left = "SELECT * FROM shared_orders ANTI JOIN out_orders USING (__row)"
    keys = f"SELECT order_id FROM ({left}) GROUP BY order_id HAVING min(customer_id) <> max(customer_id)"
    return f"SELECT * FROM ({left}) SEMI JOIN ({keys}) USING (order_id)"


def reject(connection: Any, contract: Table, rows: str, *, code: str) -> None:
    """Put rows out, with the key as the column of the reason."""
    why = reason(" + ".join(contract.key), code)
    connection.execute(
        f"INSERT INTO {quoted('out_' + contract.name)} (__row, __reason) SELECT __row, {literal(why)} FROM ({rows})"
    )
