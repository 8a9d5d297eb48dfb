"""The feature table: all that is known of each customer at the end of a day, one row each.

The engine stops here: ``collect`` turns the lazy frame into pandas. Snapshots (member level, points,
order status without a date) are not in it, because they carry today's knowledge into the past.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from analysis.features.behaviour import (
    category_habits,
    gap_columns,
    gap_sums,
    habit_columns,
    habit_inputs,
    habit_sums,
    with_refund_habits,
)
from analysis.features.exposure import exposure_blocks
from analysis.features.expressions import joined
from analysis.features.places import places_of
from analysis.features.purchase_history import history_columns, history_sums, with_visits
from analysis.features.purchase_table import purchase_columns
from analysis.features.read_purchases import read_with_habits
from analysis.features.rfm import rfm_columns, rfm_sums

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.data.connect import Tables
    from analysis.features.ordered_purchases import Habits, Purchases

__all__ = ["FEATURES_FOR_MODELS", "blocks_present", "collect", "collect_features", "feature_table", "model_columns"]

Frame = nw.LazyFrame[Any]

FEATURES_FOR_MODELS: Final = (
    "n_orders",
    "revenue",
    "mean_order_value",
    "days_since_last_order",
    "tenure_days",
    "frequency",
    "recency",
    "monetary_value",
    "n_orders_30d",
    "n_orders_90d",
    "n_orders_180d",
    "n_orders_365d",
    "order_value_trend",
    "median_gap_days",
    "std_gap_days",
    "last_gap_ratio",
    "overdue_ratio",
    "share_weekend",
    "share_night",
    "share_morning",
    "share_afternoon",
    "share_evening",
    "discount_share",
    "coupon_share",
    "mean_quantity",
    "n_categories",
    "top_category_share",
    "n_refunds",
    "refund_share",
    *(f"n_{step}_{days}d" for step in ("assigned", "delivered", "read", "replied") for days in (7, 30, 90)),
    "days_since_last_touch",
    "days_since_last_read",
    "days_since_last_reply",
    "n_contacts",
    "n_contacts_deleted",
    "n_deleted_by_customer",
    "days_since_contact_added",
    "days_since_contact_deleted",
    "n_channels_refused",
    "n_channels_granted",
)
"""Columns that a model may learn from: each was known on the day, and none is an id or a date.

``T`` is left out: it is ``tenure_days``. Columns of a single channel (``n_read_30d__moments``) follow the
column before the two underscores.
"""


def blocks_present(tables: "Tables") -> tuple[str, ...]:
    """Return which blocks a feature table of these tables has.

    Returns:
        ``purchases`` (always), then those of ``categories``, ``discounts``, ``coupons``, ``refunds``,
        ``touches``, ``contacts`` and ``consents`` that the source allows.
    """
    by_column = {"categories": "category", "discounts": "discount", "coupons": "coupon_id"}
    columns = [block for block, column in by_column.items() if tables.has_column("orders", column)]
    return ("purchases", *columns, *(t for t in ("refunds", "touches", "contacts", "consents") if tables.has(t)))


def feature_table(tables: "Tables", *, as_of: date, channels: Sequence[str] | None = None) -> Frame:
    """Return one row per customer with a purchase: all that was known of them at the end of ``as_of``.

    Args:
        tables: The book's tables; rows after ``as_of`` are cut here.
        as_of: Day of the book's zone, inclusive.
        channels: Channels with touch columns of their own; default those touched by ``as_of``.

    Returns:
        The columns of ``rfm``, ``purchase_history`` (periods and units of a day; no log gaps), ``behaviour`` and
        ``exposure``, in this order; columns whose source is absent are absent.

    Raises:
        MissingTableError: If there are no orders.
    """
    return reduce(joined, _blocks(tables, as_of=as_of, channels=channels))


def collect_features(
    tables: "Tables",
    *,
    as_of: date,
    channels: Sequence[str] | None = None,
    only: Collection[str] | None = None,
    purchases: "tuple[Purchases, Habits] | None" = None,
) -> "pd.DataFrame":
    """Return ``feature_table`` as pandas, block after block: the same bytes in less memory.

    No block waits in the engine for the others, which at a million customers is a third of the memory. Of the columns
    only those named in ``only`` are computed, beside ``customer_id``; those that the source cannot give are absent.
    Purchases of all these customers in order that somebody has read already, with their habits, are not read again.

    Raises:
        MissingTableError: If there are no orders.
    """
    import pandas as pd

    if tables.engine == "duckdb":
        bought, habits = purchases or read_with_habits(tables, as_of=as_of)
        table = purchase_columns(bought, habits, tables=tables, as_of=as_of)
        others = exposure_blocks(tables, as_of=as_of, channels=channels)
    else:
        first, *others = _blocks(tables, as_of=as_of, channels=channels)
        table = collect(first if only is None else _with_only(first, only))
    if only is not None:
        table = table[[name for name in table if name == "customer_id" or name in only]]
        others = [block for block in (_with_only(other, only) for other in others) if _is_wide(block)]
    customers = table["customer_id"]
    columns: dict[str, Any] = {name: table.pop(name) for name in map(str, table.columns)}
    for block in others:
        part = block.collect(backend="pyarrow").to_native()
        place = places_of(customers, among=part.column("customer_id"))
        for name in [name for name in part.column_names if name != "customer_id"]:
            columns[name] = _placed(name, part.column(name).to_numpy(), place)
            part = part.drop_columns([name])
    return pd.DataFrame(columns, copy=False)


def _with_only(block: Frame, only: Collection[str]) -> Frame:
    names = (name for name in block.collect_schema().names() if name != "customer_id" and name in only)
    return block.select("customer_id", *names)


def _is_wide(block: Frame) -> bool:
    return len(block.collect_schema().names()) > 1


def _placed(name: str, known: "NDArray[Any]", place: "NDArray[np.int64]") -> "NDArray[Any]":
    """Return a block's column at each customer's place in it; -1 becomes a count of 0 or an unknown number."""
    import numpy as np

    unknown = np.asarray(0 if name.startswith("n_") else np.nan, dtype=known.dtype)
    return np.append(known, unknown)[place]  # the place -1 is the last


def _blocks(tables: "Tables", *, as_of: date, channels: Sequence[str] | None) -> list[Frame]:
    """Return the feature table in parts by customer; the first part holds every customer."""
    cut = tables.as_of(as_of)
    visits = with_visits(habit_inputs(cut.purchases()))
    sums = visits.group_by("customer_id").agg(
        *rfm_sums(), *history_sums(), *gap_sums(), *habit_sums(visits, as_of=as_of)
    )
    of_purchases = (rfm_columns(sums, as_of=as_of), history_columns(sums, as_of=as_of))
    of_behaviour = (habit_columns(sums), gap_columns(sums, as_of=as_of))
    table = sums.select("customer_id", "revenue_parts", *chain(*of_purchases, *of_behaviour))
    blocks = [with_refund_habits(table, cut).drop("revenue_parts")]
    if cut.has_column("orders", "category"):
        blocks.append(category_habits(cut))
    return [*blocks, *exposure_blocks(tables, as_of=as_of, channels=channels)]


def collect(lazy: Frame) -> "pd.DataFrame":
    """Return a lazy frame of one row per customer as pandas, sorted by ``customer_id``.

    Counts are integers, measures float64 with NaN where unknown, dates datetime64, ids strings: whatever the
    engine, and whatever the values.
    """
    import pandas as pd
    import pyarrow.compute as pc

    arrow = lazy.collect(backend="pyarrow").to_native()
    order = pc.sort_indices(arrow.column("customer_id")).to_numpy()
    columns: dict[str, Any] = {}
    for name in list(arrow.column_names):
        columns[name] = _sorted_column(arrow.column(name), order)
        arrow = arrow.drop_columns([name])
    return pd.DataFrame(columns, copy=False)


def _sorted_column(column: Any, order: Any) -> Any:
    """Return a column of the engine's answer in order; text stays in Arrow, the rest becomes NumPy."""
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pd.Series(column.take(order).to_pandas())
    return column.to_numpy()[order]


def model_columns(columns: Iterable[str]) -> list[str]:
    """Return those columns of a feature table that a model may learn from, in their order.

    Examples:
        >>> model_columns(["customer_id", "n_orders", "last_order_on", "n_read_30d__moments", "points"])
        ['n_orders', 'n_read_30d__moments']
    """
    allowed = frozenset(FEATURES_FOR_MODELS)
    return [name for name in columns if name.split("__", 1)[0] in allowed]
