"""Sales and refunds: rows of the source become positive orders, and refunds of their own.

A row is a refund if its amount is negative or its id begins with one of the book's refund prefixes.
Lines are summed to orders by id and local day: a line on a later day is a sale or a refund of that
day, so that a cut at ``as_of`` never sees a later line inside an earlier order.
"""

from typing import Any, Final

from analysis.data.contracts import CONTRACTS, day_column
from analysis.data.mapping import TableMapping
from analysis.data.quoting import literal, quoted

__all__ = ["is_refund_sql", "sales_sql", "split_orders", "take_written"]

_MONEY: Final = "DECIMAL(28, 6)"
"""Sums are exact, so that they do not depend on the order of the rows."""
_SUMMED: Final = ("discount", "cost", "quantity")


def is_refund_sql(mapping: TableMapping) -> str:
    """Return the SQL condition of the rows that are refunds."""
    prefixes = " OR ".join(f"starts_with(order_id, {literal(prefix)})" for prefix in mapping.refund_prefixes)
    return f"(amount < 0 OR {prefixes})" if prefixes else "(amount < 0)"


def split_orders(connection: Any, *, mapping: TableMapping, columns: frozenset[str]) -> None:
    """Define ``sales`` (one row per order) and the table ``refund_rows``.

    Args:
        connection: Database connection with the view ``kept_orders``.
        mapping: The book's words about the orders.
        columns: Columns of the orders that the source has.
    """
    rows = f"SELECT *, {is_refund_sql(mapping)} AS __refund FROM kept_orders"
    refund_of = "refund_of" if "refund_of" in columns else "NULL::VARCHAR"
    if mapping.grain == "order":
        connection.execute(f"CREATE TEMP VIEW sales AS SELECT * FROM ({rows}) WHERE NOT __refund")
        refunds = (
            f"SELECT __row, order_id AS id, customer_id, ordered_at AS refunded_at, ordered_on AS refunded_on, "
            f"abs(amount) AS amount, {refund_of} AS refund_of FROM ({rows}) WHERE __refund"
        )
    else:
        connection.execute(f"CREATE TEMP TABLE order_days AS {_order_days_sql(rows, mapping=mapping, columns=columns)}")
        connection.execute(f"CREATE TEMP TABLE sales AS {_line_sales_sql(columns)}")
        refunds = (
            "SELECT __row, id, customer_id, ordered_at AS refunded_at, ordered_on AS refunded_on, back AS amount, "
            "refund_of FROM order_days WHERE back > 0"
        )
    connection.execute(f"CREATE TEMP TABLE refund_rows AS {refunds}")


def take_written(connection: Any, written: str, *, mapping: TableMapping, columns: frozenset[str]) -> None:
    """Define ``sales`` as they were written, and the table ``status_refunds``.

    Args:
        connection: Database connection after ``split_orders``.
        written: SQL of the written orders: looking at them costs a tenth of checking the source's rows again.
        mapping: The book's words about the orders.
        columns: Columns of the orders that the source has.
    """
    by_line = mapping.grain == "line"
    if not by_line:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW sales AS SELECT * FROM {written}")
        refunds = "SELECT customer_id, refunded_at AS ordered_at, refunded_on AS ordered_on FROM refund_rows"
        kept = f"SELECT customer_id, ordered_at, ordered_on FROM sales UNION ALL {refunds}"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW kept_orders AS {kept}")
    connection.execute(f"CREATE TEMP TABLE status_refunds AS {_status_sql(columns, by_line=by_line)}")


def sales_sql(columns: frozenset[str]) -> str:
    """Return SQL of the orders to write: the contract's columns with their days, in order."""
    picked = []
    for column in CONTRACTS["orders"].columns:
        if column.name in columns:
            picked.append(column.name)
            if column.kind == "instant":
                picked.append(day_column(column.name))
            if column.name == "ordered_at":
                picked.append("ordered_hour")
    return f"SELECT {', '.join(quoted(name) for name in picked)} FROM sales"


def _order_days_sql(rows: str, *, mapping: TableMapping, columns: frozenset[str]) -> str:
    """One row per order id and local day: what was sold, and what was taken back."""
    total = "max" if "amount" in mapping.order_totals else "sum"
    sold = f"{total}(amount::{_MONEY}) FILTER (NOT __refund)"
    back = f"{total}(abs(amount)::{_MONEY}) FILTER (__refund)"
    parts = [
        "order_id AS id",
        "ordered_on",
        "min(__row) AS __row",
        "max(customer_id) AS customer_id",
        "min(ordered_at) AS ordered_at",
        "min(ordered_hour) AS ordered_hour",
        f"({sold})::DOUBLE AS sold",
        f"coalesce({back}, 0)::DOUBLE AS taken",
        f"{'min(refund_of)' if 'refund_of' in columns else 'NULL::VARCHAR'} AS refund_of",
    ]
    for name in _SUMMED:
        if name in columns:
            how = "max" if name in mapping.order_totals else "sum"
            parts.append(f"({how}({name}::{_MONEY}) FILTER (NOT __refund))::DOUBLE AS {name}")
    if "category" in columns:
        parts.append("arg_max(category, (amount, -__row)) FILTER (NOT __refund) AS category")
    parts += [f"arg_min({name}, __row) AS {name}" for name in ("shop_channel", "coupon_id") if name in columns]
    parts += _line_status(columns)
    grouped = f"SELECT {', '.join(parts)} FROM ({rows}) GROUP BY order_id, ordered_on"
    # a negative line within a day's sale is a discount or a swap; only a day that gives back all it sold is a refund
    net = "CASE WHEN sold > taken THEN sold - taken ELSE sold END"
    given_back = "CASE WHEN sold IS NULL OR sold <= taken THEN taken ELSE 0 END"
    return f"SELECT *, {net} AS amount, {given_back} AS back FROM ({grouped})"


def _line_status(columns: frozenset[str]) -> list[str]:
    if "status" not in columns and "refunded_at" not in columns:
        return []
    undone = _undone_sql(columns)
    parts = [f"coalesce((sum(amount::{_MONEY}) FILTER (NOT __refund AND {undone}))::DOUBLE, 0) AS undone"]
    if "status" in columns:
        parts.append(f"CASE WHEN bool_and(coalesce({undone}, FALSE)) THEN min(status) ELSE 'paid' END AS status")
    if "refunded_at" in columns:
        parts += [f"max({name}) FILTER ({undone}) AS {name}" for name in ("refunded_at", "refunded_on")]
    return parts


def _undone_sql(columns: frozenset[str]) -> str:
    return "status IN ('refunded', 'cancelled')" if "status" in columns else "refunded_at IS NOT NULL"


def _line_sales_sql(columns: frozenset[str]) -> str:
    """Sales of order days; a sale of a later day under the same id gets that day in its id."""
    sold = "sold > 0 OR (sold = 0 AND taken = 0)"
    numbered = f"SELECT *, row_number() OVER (PARTITION BY id ORDER BY ordered_on) AS n FROM order_days WHERE {sold}"
    names: list[str] = [name for name in (*_SUMMED, "category", "shop_channel", "coupon_id") if name in columns]
    if "status" in columns or "refunded_at" in columns:
        names.append("undone")
    names += [name for name in ("status", "refund_of") if name in columns]
    names += ["refunded_at", "refunded_on"] if "refunded_at" in columns else []
    return (
        "SELECT CASE WHEN n = 1 THEN id ELSE id || '@' || ordered_on END AS order_id, __row, customer_id, ordered_at, "
        f"ordered_on, ordered_hour, amount{''.join(', ' + name for name in names)} FROM ({numbered}) ORDER BY __row"
    )


def _status_sql(columns: frozenset[str], *, by_line: bool) -> str:
    """Orders that their status calls refunded or cancelled; without a date of its own, from the order's start."""
    if "status" not in columns and "refunded_at" not in columns:
        dates = "ordered_at AS refunded_at, ordered_on AS refunded_on"
        return f"SELECT order_id, customer_id, {dates}, amount FROM sales WHERE FALSE"
    moment = "coalesce(refunded_at, ordered_at)" if "refunded_at" in columns else "ordered_at"
    day = "coalesce(refunded_on, ordered_on)" if "refunded_at" in columns else "ordered_on"
    amount = "least(amount, undone)" if by_line else "amount"
    undone = f"(undone > 0 OR {_undone_sql(columns)})" if by_line else _undone_sql(columns)
    return (
        f"SELECT order_id, customer_id, {moment} AS refunded_at, {day} AS refunded_on, {amount} AS amount "
        f"FROM sales WHERE {undone}"
    )
