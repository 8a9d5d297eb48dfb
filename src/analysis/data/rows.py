"""Which rows count: rejected, duplicate, and kept, each row exactly once.

Everything is decided by row number, so that the rows themselves are read again only where they are
needed. A key is compared before its row is: of millions of rows only those that share a key are
looked at as a whole.
"""

from typing import Any

from analysis.data.contracts import Table
from analysis.data.quarantine import reason
from analysis.data.quoting import literal, quoted
from analysis.data.read import RawTable

__all__ = ["mark_duplicate_rows", "mark_rejected", "reject_orders_of_two_customers", "reject_shared_keys", "where_kept"]


def mark_rejected(connection: Any, table: str) -> int:
    """Collect the rows that broke the contract from the view ``checked_<table>``; return how many."""
    connection.execute(
        f"CREATE TEMP TABLE {quoted('out_' + table)} AS "
        f"SELECT __row, __reason FROM {quoted('checked_' + table)} WHERE __reason IS NOT NULL"
    )
    return _count(connection, table)


def _count(connection: Any, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {quoted('out_' + table)}").fetchall()[0][0])


def where_kept(table: str, *, n_out: int) -> str:
    """Return the SQL condition of the rows that are still in."""
    return f"__row NOT IN (SELECT __row FROM {quoted('out_' + table)})" if n_out else "TRUE"


def mark_duplicate_rows(connection: Any, raw: RawTable, *, contract: Table, by_key: bool) -> None:
    """Drop exact duplicates: rows whose every column in the source equals an earlier row's.

    Args:
        connection: Database connection.
        raw: The table as the source has it.
        contract: Its contract.
        by_key: Whether only rows that share the contract's key can be duplicates.
    """
    name = contract.name
    columns = ", ".join(quoted(header) for header, _ in raw.columns)
    if by_key:
        key = ", ".join(quoted(column) for column in contract.key)
        checked = quoted("checked_" + name)
        same = f"SELECT {key} FROM {checked} WHERE __reason IS NULL GROUP BY {key} HAVING count(*) > 1"
        rows = f"SELECT __row FROM {checked} SEMI JOIN ({same}) USING ({key})"
    else:
        hashed = f"SELECT __row, hash({columns}) AS h FROM ({raw.sql})"
        rows = f"SELECT __row FROM ({hashed}) SEMI JOIN (SELECT h FROM ({hashed}) GROUP BY h HAVING count(*) > 1) USING (h)"
    connection.execute(f"CREATE TEMP TABLE {quoted('alike_' + name)} AS {rows}")
    if not connection.execute(f"SELECT count(*) FROM {quoted('alike_' + name)}").fetchall()[0][0]:
        return
    connection.execute(
        f"INSERT INTO {quoted('out_' + name)} SELECT __row, 'duplicate' FROM ("
        f"SELECT __row, row_number() OVER (PARTITION BY {columns} ORDER BY __row) AS n FROM ({raw.sql}) "
        f"SEMI JOIN {quoted('alike_' + name)} USING (__row) ANTI JOIN {quoted('out_' + name)} USING (__row)) WHERE n > 1"
    )


def reject_shared_keys(connection: Any, *, contract: Table, where: str = "TRUE") -> int:
    """Reject rows that share a key and differ: nothing says which of them is right. Return how many."""
    name = contract.name
    key = ", ".join(quoted(column) for column in contract.key)
    kept = (
        f"SELECT * FROM {quoted('checked_' + name)} WHERE __reason IS NULL AND {where} "
        f"AND __row NOT IN (SELECT __row FROM {quoted('out_' + name)})"
    )
    same = f"SELECT {key} FROM ({kept}) GROUP BY {key} HAVING count(*) > 1"
    return _reject(connection, name, f"SELECT __row FROM ({kept}) SEMI JOIN ({same}) USING ({key})", "same_key_differs")


def reject_orders_of_two_customers(connection: Any) -> int:
    """Reject the rows of an order id that names two customers. Return how many."""
    kept = (
        "SELECT * FROM checked_orders WHERE __reason IS NULL AND __row NOT IN (SELECT __row FROM out_orders) "
        "AND order_id IN (SELECT order_id FROM shared_ids)"
    )
    connection.execute(
        "CREATE TEMP TABLE shared_ids AS SELECT order_id FROM checked_orders WHERE __reason IS NULL "
        "GROUP BY order_id HAVING min(customer_id) <> max(customer_id)"
    )
    two = f"SELECT order_id FROM ({kept}) GROUP BY order_id HAVING count(DISTINCT customer_id) > 1"
    return _reject(
        connection, "orders", f"SELECT __row FROM ({kept}) SEMI JOIN ({two}) USING (order_id)", "two_customers"
    )


def _reject(connection: Any, table: str, rows: str, code: str) -> int:
    key = "order_id" if table == "orders" else table
    before = _count(connection, table)
    connection.execute(f"INSERT INTO {quoted('out_' + table)} SELECT __row, {literal(reason(key, code))} FROM ({rows})")
    return _count(connection, table) - before
