"""What came of a window that was once forecast: the same customers found again, and what they did in it.

Who is meant is decided by what was known on the day the forecast was made; what they did, by what was known when the
window closed. Both can be rebuilt at any later time, so a forecast carries no list of customers. Data that arrive late
change the answer: the number found again beside the number frozen tells.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from analysis.checks import one_of
from analysis.errors import AnalysisError
from analysis.features.contacts import DOORS, contact_spells
from analysis.features.expressions import days_between, money_sum

if TYPE_CHECKING:
    import pandas as pd

    from analysis.data.connect import Tables

__all__ = ["CONTACTS", "CUSTOMERS", "contact_outcomes", "first_purchases", "outcome_of", "window_outcomes"]

CUSTOMERS: Final = "customers"
CONTACTS: Final = "contacts"

_PARTS: Final = 10_000


def window_outcomes(tables: "Tables", *, made_on: date, due_on: date) -> "pd.DataFrame":
    """Return what customers known on a day bought in the window after it, by how silent and how frequent they were.

    Args:
        tables: The book's tables; cut here.
        made_on: Last day before the window; a customer is known who bought by then.
        due_on: Last day of the window; refunds and orders known by then count.

    Returns:
        One row per ``days_since_last_order`` (on ``made_on``) and ``n_orders`` (until then): ``n_customers``,
        ``buyers`` (customers who bought), ``purchase_days`` (orders of one customer and day count once) and
        ``revenue`` (currency).

    Raises:
        MissingTableError: If there are no orders.
    """
    bought = tables.as_of(made_on).purchases().group_by("customer_id")
    known = bought.agg(nw.len().alias("n_orders"), nw.col("ordered_on").max().alias("last_on"))
    silent = days_between(known, nw.col("last_on"), nw.lit(made_on)).cast(nw.Int64)
    known = known.with_columns(silent.alias("days_since_last_order"))
    later = tables.as_of(due_on).purchases().filter(nw.col("ordered_on") > nw.lit(made_on)).group_by("customer_id")
    came = later.agg(nw.col("ordered_on").n_unique().alias("days"), money_sum(nw.col("amount")).alias("parts"))
    both = known.join(came, on="customer_id", how="left")
    cells = both.group_by("days_since_last_order", "n_orders").agg(
        nw.len().alias("n_customers"),
        nw.col("days").count().alias("buyers"),
        nw.col("days").sum().alias("purchase_days"),
        nw.col("parts").sum().alias("parts"),
    )
    table: pd.DataFrame = cells.collect("pandas").to_native()
    table = table.fillna({"purchase_days": 0, "parts": 0}).sort_values(["days_since_last_order", "n_orders"])
    table["revenue"] = table.pop("parts").astype("float64") / _PARTS
    counts = ["days_since_last_order", "n_orders", "n_customers", "buyers", "purchase_days"]
    return table.astype(dict.fromkeys(counts, "int64")).reset_index(drop=True)


def contact_outcomes(tables: "Tables", *, made_on: date, due_on: date) -> tuple[int, int]:
    """Return how many contacts were open at the end of a day, and how many of them customers deleted in the window.

    Raises:
        MissingTableError: If there are no contacts.
    """
    spells = contact_spells(tables, as_of=due_on)
    there = (nw.col("added_on") <= nw.lit(made_on)) & (
        nw.col("deleted_on").is_null() | (nw.col("deleted_on") > nw.lit(made_on))
    )
    gone = nw.when(nw.col("door") == DOORS[0]).then(nw.lit(1))
    counted = spells.filter(there).select(nw.len().alias("n"), gone.count().alias("gone"))
    row = counted.collect("pandas").to_native().iloc[0]
    return int(row["n"]), int(row["gone"])


def outcome_of(cells: "pd.DataFrame", *, population: Mapping[str, Any], quantity: str) -> tuple[int, float]:
    """Return how many customers a population holds and what was counted of them.

    Args:
        cells: From ``window_outcomes``.
        population: ``who`` (customers); optionally the most ``active_days`` of silence, and bounds, both included,
            ``silent_from``, ``silent_to`` (days), ``orders_from``, ``orders_to``; a bound of null is none.
        quantity: ``purchase_days``, ``revenue``, ``buyers`` or ``leavers`` (those who did not buy).

    Raises:
        AnalysisError: If the population is not told in these words.

    Examples:
        >>> import pandas as pd
        >>> columns = ["days_since_last_order", "n_orders", "n_customers", "buyers", "purchase_days", "revenue"]
        >>> cells = pd.DataFrame([(3, 1, 10, 4, 5, 90.0), (80, 2, 6, 1, 1, 20.0)], columns=columns)
        >>> outcome_of(cells, population={"who": "customers", "active_days": 60}, quantity="leavers")
        (10, 6.0)
    """
    one_of(quantity, allowed=("purchase_days", "revenue", "buyers", "leavers"), what="quantity")
    bounds = {key: value for key, value in population.items() if value is not None}
    if bounds.pop("who", None) != CUSTOMERS:
        raise AnalysisError(f"Not a population of customers: {dict(population)}.")
    chosen = cells
    for name, (column, least) in _BOUNDS.items():
        if name in bounds:
            value = bounds.pop(name)
            chosen = chosen[chosen[column] >= value] if least else chosen[chosen[column] <= value]
    if bounds:
        raise AnalysisError(f"A population has no '{next(iter(bounds))}'.", hint=f"one of {', '.join(_BOUNDS)}")
    n = int(chosen["n_customers"].sum())
    if quantity == "leavers":
        return n, float(n - int(chosen["buyers"].sum()))
    return n, float(chosen[quantity].sum())


_BOUNDS: Final = {
    "active_days": ("days_since_last_order", False),
    "silent_from": ("days_since_last_order", True),
    "silent_to": ("days_since_last_order", False),
    "orders_from": ("n_orders", True),
    "orders_to": ("n_orders", False),
}


def first_purchases(tables: "Tables", *, made_on: date, due_on: date, customers: Sequence[str]) -> "pd.DataFrame":
    """Return the first day on which each of some customers bought in a window; who did not buy has no row.

    Returns:
        ``customer_id``, ``first_on``, sorted by customer.
    """
    import pandas as pd

    later = tables.as_of(due_on).purchases().filter(nw.col("ordered_on") > nw.lit(made_on))
    chosen = later.filter(nw.col("customer_id").is_in(list(customers))).group_by("customer_id")
    table: pd.DataFrame = chosen.agg(nw.col("ordered_on").min().alias("first_on")).collect("pandas").to_native()
    table["first_on"] = pd.to_datetime(table["first_on"])
    return table.sort_values("customer_id", ignore_index=True)
