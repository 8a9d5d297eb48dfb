"""When each customer bought, and by category: the log that clocks of replenishment are read from.

The engine hands over one narrow row per purchase; from there on everything is arrays, so that a past day is looked at
by a filter and not by another query.
"""

from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = [
    "NEVER",
    "OTHER",
    "PurchaseLog",
    "category_clocks",
    "category_codes",
    "day_number",
    "known_at",
    "log_of",
    "of_customers",
    "purchase_log",
    "table_of",
]

Ints = NDArray[np.int32]

NEVER: Final = np.iinfo(np.int32).max
"""Day number of what did not happen."""

OTHER: Final = "other"
"""Name of the categories beyond the most common ones, taken together."""

_MOST_CATEGORIES: Final = 12
_HALF_A_CENT: Final = 0.005  # as ``Tables.sales``: an order of which no more is left is no purchase
_EPOCH: Final = date(1970, 1, 1)


class PurchaseLog(NamedTuple):
    """Purchases in order of customer and day; one row per order, or per order and category where lines have them.

    Attributes:
        customer_id: Ids, one per customer; ``customer`` points into it.
        customer: Position of the customer of each purchase, ascending.
        day: Day number of each purchase (days since 1970-01-01), ascending within a customer.
        undone: Day number at which it was refunded in full, ``NEVER`` if it was not.
        category: Position in ``categories``; -1 where there is none.
        categories: Names of the categories, most common first; the rest is the last one, ``OTHER``.
    """

    customer_id: NDArray[Any]
    customer: Ints
    day: Ints
    undone: Ints
    category: NDArray[np.int8]
    categories: tuple[str, ...]


def day_number(day: date) -> int:
    """Return the number of days since 1970-01-01.

    Examples:
        >>> day_number(date(1970, 1, 3))
        2
    """
    return (day - _EPOCH).days


def purchase_log(tables: "Tables", *, as_of: date) -> PurchaseLog:
    """Return all purchases by ``as_of``, also those refunded in full by then, with the day they were undone.

    Categories are those of the orders, else those of their lines.

    Raises:
        MissingTableError: If there are no orders.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    cut = tables.as_of(as_of)
    orders = cut.lazy("orders", needed_by="purchases").filter(~nw.col("customer_id").is_null())
    columns = ["customer_id", "ordered_on"]
    if cut.has("refunds"):
        orders = orders.join(_undone(cut), on="order_id", how="left")
        columns.append("undone_on")
    if cut.has_column("orders", "category"):
        columns.append("category")
    elif cut.has_column("order_items", "category"):
        lines = cut.lazy("order_items").select("order_id", "category").unique()
        orders = orders.join(lines, on="order_id", how="left")
        columns.append("category")
    found = orders.select(*columns).collect(backend="pyarrow").to_native()
    encoded = pc.dictionary_encode(found.column("customer_id").combine_chunks())
    rank = pc.rank(encoded.dictionary, sort_keys="ascending").to_numpy().astype(np.int64) - 1
    customer = rank[encoded.indices.to_numpy()]
    day = found.column("ordered_on").cast(pa.int32()).to_numpy()
    order = np.argsort(customer * 2**20 + day, kind="stable")
    undone = np.full(len(day), NEVER, dtype=np.int32)
    if "undone_on" in columns:
        undone = found.column("undone_on").cast(pa.int32()).fill_null(NEVER).to_numpy().astype(np.int32)
    codes, names = category_codes(found.column("category")) if "category" in columns else (None, ())
    return PurchaseLog(
        encoded.dictionary.sort().to_numpy(zero_copy_only=False),
        customer[order].astype(np.int32),
        day[order].astype(np.int32),
        undone[order],
        np.full(len(day), -1, dtype=np.int8) if codes is None else codes[order],
        names,
    )


def _undone(cut: "Tables") -> nw.LazyFrame[Any]:
    """Return the orders refunded in full, and the day on which the last part of them went back."""
    amounts = cut.lazy("orders").select("order_id", nw.col("amount").alias("paid"))
    back = cut.lazy("refunds").filter(~nw.col("order_id").is_null())
    summed = back.group_by("order_id", "refunded_on").agg(nw.col("amount").sum().alias("back"))
    so_far = summed.with_columns(nw.col("back").cum_sum().over("order_id", order_by="refunded_on"))
    whole = so_far.join(amounts, on="order_id", how="inner").filter(nw.col("paid") - nw.col("back") <= _HALF_A_CENT)
    return whole.group_by("order_id").agg(nw.col("refunded_on").min().alias("undone_on"))


def category_codes(column: Any) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    """Return small codes of the categories, most common first, the rest as one; -1 where there is none."""
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(column.combine_chunks())
    index = encoded.indices.fill_null(-1).to_numpy().astype(np.int64)
    names = [str(name) for name in encoded.dictionary.to_pylist()]
    counts = np.bincount(index[index >= 0], minlength=len(names))
    ordered = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))
    kept = ordered if len(ordered) <= _MOST_CATEGORIES else ordered[: _MOST_CATEGORIES - 1]
    place = np.full(len(names) + 1, len(kept), dtype=np.int8)
    place[kept] = np.arange(len(kept))
    place[-1] = -1
    return place[index], (*(names[i] for i in kept), *((OTHER,) if len(kept) < len(ordered) else ()))


def known_at(log: PurchaseLog, day: int, *, since: int | None = None) -> PurchaseLog:
    """Return the purchases that stood at the end of a day: bought by then and not undone by then.

    Args:
        log: Purchases.
        day: Day number, inclusive.
        since: Only purchases after that day.
    """
    kept = (log.day <= day) & (log.undone > day)
    if since is not None:
        kept &= log.day > since
    if kept.all():  # as today nearly is: ten million rows need no copy
        return log
    return log._replace(**{name: getattr(log, name)[kept] for name in ("customer", "day", "undone", "category")})


def of_customers(log: PurchaseLog, customers: NDArray[np.int64]) -> PurchaseLog:
    """Return the log of some customers only.

    Args:
        log: Purchases.
        customers: Positions in ``customer_id``, ascending.
    """
    place = np.full(len(log.customer_id), -1, dtype=np.int32)
    place[customers] = np.arange(len(customers), dtype=np.int32)
    mine = place[log.customer]
    kept = mine >= 0
    return PurchaseLog(
        log.customer_id[customers], mine[kept], log.day[kept], log.undone[kept], log.category[kept], log.categories
    )


def category_clocks(log: PurchaseLog, day: int) -> pd.DataFrame:
    """Return one row per customer and category bought so far: the clock of its replenishment.

    Args:
        log: Purchases.
        day: Day number at which they are looked at, inclusive.

    Returns:
        ``customer`` (position in the log), ``category`` (position in ``categories``), ``n_days`` (days on which it was
        bought), ``last_day`` and ``first_day`` (day numbers), ``days_since`` (days since the last), ``mean_gap_days``
        (own mean gap, NaN below two days).

    Examples:
        >>> log = PurchaseLog(np.array(["a"]), *np.array([[0, 0], [3, 13], [NEVER, NEVER], [0, 0]]), ("tea",))
        >>> category_clocks(log, 20)[["n_days", "days_since", "mean_gap_days"]].iloc[0].tolist()
        [2.0, 7.0, 10.0]
    """
    seen = known_at(log, day)
    with_category = seen.category >= 0
    n_categories = max(len(log.categories), 1)
    pair = seen.customer[with_category].astype(np.int64) * n_categories + seen.category[with_category]
    key = np.sort(pair * 2**20 + seen.day[with_category])
    key = key[np.r_[True, np.diff(key) > 0]] if len(key) else key
    pair, days = key >> 20, (key & (2**20 - 1)).astype(np.int32)
    starts = np.flatnonzero(np.r_[True, np.diff(pair) > 0]) if len(pair) else np.zeros(0, dtype=np.int64)
    ends = np.r_[starts[1:], len(pair)] - 1 if len(pair) else starts
    n = ends - starts + 1
    first, last = days[starts], days[ends]
    gap = np.divide(last - first, n - 1, out=np.full(len(n), np.nan), where=n > 1)
    return pd.DataFrame(
        {
            "customer": (pair[starts] // n_categories).astype(np.int32),
            "category": (pair[starts] % n_categories).astype(np.int8),
            "n_days": n.astype(np.int32),
            "first_day": first,
            "last_day": last,
            "days_since": (day - last).astype(np.int32),
            "mean_gap_days": gap,
        }
    )


def table_of(log: PurchaseLog) -> pd.DataFrame:
    """Return the log as a table: ``customer_id``, ``category`` (categorical), ``day`` and ``undone`` (day numbers).

    Where every customer bought, an id stands on their first row only: written ten times over it would cost more to
    read than all the rest.
    """
    is_first = np.r_[True, np.diff(log.customer) > 0] if len(log.customer) else np.zeros(0, dtype=bool)
    if int(is_first.sum()) == len(log.customer_id):
        ids = np.full(len(log.customer), None, dtype=object)
        ids[is_first] = log.customer_id
        column: Any = pd.Series(ids, dtype="str")
    else:
        column = pd.Categorical.from_codes(log.customer, categories=pd.Index(log.customer_id))
    table = pd.DataFrame({"customer_id": column, "day": log.day, "undone": log.undone}, copy=False)
    if log.categories:
        table["category"] = pd.Categorical.from_codes(log.category, categories=pd.Index(list(log.categories)))
    return table


def log_of(table: pd.DataFrame) -> PurchaseLog:
    """Return the log from a table that ``table_of`` made."""
    ids = table["customer_id"]
    if isinstance(ids.dtype, pd.CategoricalDtype):
        customer_id = ids.cat.categories.to_numpy()
        customer = ids.cat.codes.to_numpy().astype(np.int32, copy=False)
    else:
        is_first = ids.notna().to_numpy()
        customer_id = ids[is_first].to_numpy(dtype=object)
        customer = np.cumsum(is_first, dtype=np.int32) - np.int32(1)
    category = table["category"].astype("category").cat if "category" in table else None
    return PurchaseLog(
        customer_id,
        customer,
        table["day"].to_numpy(),
        table["undone"].to_numpy(),
        np.full(len(table), -1, np.int8) if category is None else category.codes.to_numpy().astype(np.int8, copy=False),
        () if category is None else tuple(map(str, category.categories)),
    )
