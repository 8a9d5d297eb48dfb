"""Which order a refund belongs to: by its id, else by what it names, else by the customer's history.

A refund without a number of its order goes to the customer's latest earlier order of which at least
that amount is left. Refunds are matched in the order in which they happened, so a later one never
changes what an earlier one was matched to.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any, Final, NamedTuple

from analysis.data.mapping import TableMapping
from analysis.data.quoting import literal

__all__ = ["match_refunds"]

_CENT: Final = 0.005
"""Currency: amounts closer than this are equal."""


class _Event(NamedTuple):
    at: datetime
    row: int
    order_id: str | None
    amount: float


def match_refunds(connection: Any, *, mapping: TableMapping) -> dict[str, int]:
    """Define ``refunds``, one row per refund, from ``sales``, ``refund_rows`` and ``status_refunds``.

    Returns:
        Number of refunds by how they were matched.
    """
    connection.execute(f"CREATE TEMP TABLE numbered AS SELECT *, {_bare_sql(mapping)} AS bare FROM refund_rows")
    ids = "SELECT id FROM numbered UNION SELECT bare FROM numbered UNION SELECT refund_of FROM numbered"
    # of millions of sales only those that a refund may name are joined
    connection.execute(
        f"CREATE TEMP TABLE candidates AS SELECT order_id, customer_id FROM sales WHERE order_id IN ({ids})"
    )
    connection.execute(f"CREATE TEMP TABLE named AS {_named_sql()}")
    latest = _latest_orders(connection)
    connection.register("latest", _as_arrow(latest))
    connection.execute(
        "CREATE TEMP TABLE refunds AS "
        "SELECT id || '/' || (__row + 1) AS refund_id, customer_id, coalesce(n.order_id, l.order_id) AS order_id, "
        "refunded_at, refunded_on, amount::DOUBLE AS amount, "
        "CASE WHEN n.order_id IS NOT NULL THEN n.by WHEN l.order_id IS NOT NULL THEN 'latest_order' "
        "ELSE 'unmatched' END AS matched_by FROM named n LEFT JOIN latest l USING (__row) "
        f"UNION ALL {_status_rest_sql()}"
    )
    counts = connection.execute("SELECT matched_by, count(*) FROM refunds GROUP BY ALL ORDER BY ALL").fetchall()
    return {str(how): int(n) for how, n in counts}


def _as_arrow(matches: list[tuple[int, str]]) -> Any:
    import pyarrow as pa

    rows, orders = [row for row, _ in matches], [order_id for _, order_id in matches]
    return pa.table({"__row": pa.array(rows, pa.int64()), "order_id": pa.array(orders, pa.string())})


def _bare_sql(mapping: TableMapping) -> str:
    """The id of a refund without its prefix, null where it has none."""
    stripped = "NULL::VARCHAR"
    for prefix in mapping.refund_prefixes:
        stripped = (
            f"CASE WHEN starts_with(id, {literal(prefix)}) THEN substr(id, {len(prefix) + 1}) ELSE {stripped} END"
        )
    return stripped


def _named_sql() -> str:
    """Refunds with the order that their own id or ``refund_of`` names, if there is one."""
    return (
        "SELECT r.__row, r.id, coalesce(r.customer_id, s.customer_id, b.customer_id, o.customer_id) AS customer_id, "
        "r.refunded_at, r.refunded_on, r.amount, coalesce(s.order_id, b.order_id, o.order_id) AS order_id, "
        "CASE WHEN s.order_id IS NULL AND b.order_id IS NULL AND o.order_id IS NOT NULL THEN 'refund_of' "
        "ELSE 'order_id' END AS by "
        "FROM numbered r "
        "LEFT JOIN candidates s ON s.order_id = r.id "
        "LEFT JOIN candidates b ON b.order_id = r.bare AND b.customer_id IS NOT DISTINCT FROM r.customer_id "
        "LEFT JOIN candidates o ON o.order_id = r.refund_of"
    )


def _status_rest_sql() -> str:
    """What a status takes back beyond the refunds that name the same order."""
    return (
        "SELECT order_id || '/status', customer_id, order_id, refunded_at, refunded_on, "
        "greatest(amount - coalesce(back, 0), 0)::DOUBLE, 'status' FROM status_refunds "
        "LEFT JOIN (SELECT order_id, sum(amount) AS back FROM named WHERE order_id IS NOT NULL GROUP BY order_id) "
        f"USING (order_id) WHERE back IS NULL OR amount - back > {_CENT}"
    )


def _latest_orders(connection: Any) -> list[tuple[int, str]]:
    """Return (row of the refund, order id) of the refunds that no id matches."""
    who = "SELECT DISTINCT customer_id FROM named WHERE order_id IS NULL AND customer_id IS NOT NULL"
    refunds: dict[str, list[_Event]] = defaultdict(list)
    for customer, *event in connection.execute(
        f"SELECT customer_id, refunded_at, __row, order_id, amount FROM named SEMI JOIN ({who}) USING (customer_id) "
        f"UNION ALL SELECT customer_id, refunded_at, -1, order_id, amount FROM status_refunds SEMI JOIN ({who}) "
        "USING (customer_id) ORDER BY 2, 3"
    ).fetchall():
        refunds[customer].append(_Event(*event))
    orders: dict[str, list[tuple[datetime, str, float]]] = defaultdict(list)
    if refunds:
        for customer, *order in connection.execute(
            f"SELECT customer_id, ordered_at, order_id, amount FROM sales SEMI JOIN ({who}) USING (customer_id) "
            "ORDER BY ordered_at, order_id"
        ).fetchall():
            orders[customer].append((order[0], order[1], order[2]))
    return [match for customer, events in refunds.items() for match in _match(events, orders[customer])]


def _match(events: list[_Event], orders: list[tuple[datetime, str, float]]) -> list[tuple[int, str]]:
    """Match one customer's refunds in time, each using up what it was matched to.

    Examples:
        >>> day = [datetime(2026, 1, d) for d in (1, 2, 3, 4)]
        >>> orders = [(day[0], "a", 80.0), (day[1], "b", 20.0)]
        >>> _match([_Event(day[2], 0, None, 50.0), _Event(day[3], 1, None, 50.0)], orders)
        [(0, 'a')]
    """
    left = {order_id: amount for _, order_id, amount in orders}
    matches = []
    for event in events:
        target = event.order_id
        if target is None:
            earlier = (o for at, o, _ in reversed(orders) if at <= event.at and left[o] >= event.amount - _CENT)
            target = next(earlier, None)
            if target is not None:
                matches.append((event.row, target))
        if target in left:
            left[target] -= event.amount
    return matches
