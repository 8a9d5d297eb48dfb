"""Read all purchases once, as plain scans, and put them in order: text becomes numbers on the way."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis.features.ordered_purchases import Habits, Purchases
from analysis.features.replenishment import OTHER, category_codes

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = ["read_purchases", "read_with_habits"]

Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Floats = NDArray[np.float64]

_MOST_BITS: Final = 62


def read_purchases(tables: "Tables", *, as_of: date) -> Purchases:
    """Return all purchases of known customers by ``as_of``, also those given back since.

    Raises:
        MissingTableError: If there are no orders.
    """
    return _read(tables, as_of=as_of, habits=())[0]


def read_with_habits(tables: "Tables", *, as_of: date) -> tuple[Purchases, Habits]:
    """Return ``read_purchases``, and beside each purchase what else is known of it.

    Raises:
        MissingTableError: If there are no orders.
    """
    return _read(tables, as_of=as_of, habits=("ordered_hour", "discount", "quantity", "coupon_id"))


def _read(tables: "Tables", *, as_of: date, habits: Sequence[str]) -> tuple[Purchases, Habits]:
    import pyarrow as pa
    import pyarrow.compute as pc

    cut = tables.as_of(as_of)
    has_category, has_refunds = cut.has_column("orders", "category"), cut.has("refunds")
    columns = ["customer_id", "ordered_on", "amount", *(["category"] if has_category else [])]
    known = cut.lazy("orders", needed_by="purchases").filter(~nw.col("customer_id").is_null())
    # plain scans: rows stay in the order of the source; text goes as soon as it is numbers
    found = known.select(*columns).collect(backend="pyarrow").to_native()
    encoded = pc.dictionary_encode(found.column("customer_id").combine_chunks())
    codes, names = category_codes(found.column("category")) if has_category else (None, ())
    every_category = _place(found.column("category")) if habits and OTHER in names else None
    found = found.select(["ordered_on", "amount"])
    sorted_ = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(sorted_), dtype=np.int32)
    rank[sorted_.to_numpy()] = np.arange(len(sorted_))
    customer = rank.take(encoded.indices.to_numpy())
    customer_id = encoded.dictionary.take(sorted_).to_numpy(zero_copy_only=False)
    del encoded, sorted_
    day = found.column("ordered_on").cast(pa.int32()).to_numpy()
    order, amount = _order_of(customer, day), found.column("amount").to_numpy()
    del found
    # take costs half of what an index in brackets does
    kept = (customer.take(order), day.take(order), amount.take(order), None if codes is None else codes.take(order))
    del customer, day, amount, codes
    refunds = _NO_REFUNDS
    if has_refunds:
        order_id = known.select("order_id").collect(backend="pyarrow").to_native().column("order_id")
        refunds = _refunds(cut, order_id, order=order)
    beside = {name: value.take(order) for name, value in _habits(known, [h for h in habits if h in _names(known)])}
    if every_category is not None:
        beside["category_place"] = every_category.take(order)
    return Purchases(customer_id, *kept, names, *refunds), beside


def _names(frame: nw.LazyFrame[Any]) -> list[str]:
    return frame.collect_schema().names()


def _habits(known: nw.LazyFrame[Any], habits: Sequence[str]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield columns of the orders as numbers, in the order of the source; an unknown number is 0."""
    if not habits:
        return
    has_coupon = (~nw.col("coupon_id").is_null()).alias("has_coupon")
    picked = [has_coupon if name == "coupon_id" else nw.col(name) for name in habits]
    found = known.select(*picked).collect(backend="pyarrow").to_native()
    for name in found.column_names:
        column = found.column(name)
        yield name, (column.fill_null(0) if column.null_count else column).to_numpy()


def _place(words: Any) -> NDArray[np.int32]:
    """Return which of all its different words each row has, -1 where there is none."""
    import pyarrow.compute as pc

    place: NDArray[np.int32] = pc.dictionary_encode(words.combine_chunks()).indices.fill_null(-1).to_numpy()
    return place


_NO_REFUNDS: Final = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32), np.zeros(0))


def _order_of(customer: Ints, day: Ints) -> Places:
    """Return the places in order of customer, day and source; packed into one number each, which sorts fastest."""
    if not len(day):
        return np.zeros(0, dtype=np.int64)
    days = day - day.min()
    for_place, for_day = len(day).bit_length(), int(days.max()).bit_length()
    if for_place + for_day + int(customer.max()).bit_length() > _MOST_BITS:
        return np.lexsort((days, customer))
    packed = customer.astype(np.int64)  # in place from here on: a copy costs more than the sort
    packed <<= for_day
    packed |= days
    packed <<= for_place
    packed |= np.arange(len(day))
    packed.sort()
    packed &= (1 << for_place) - 1
    return packed


def _refunds(cut: "Tables", order_id: Any, *, order: Places) -> tuple[Places, Ints, Floats]:
    """Return the place of the purchase, the day and the amount of each refund, by place and day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = cut.lazy("refunds").filter(~nw.col("order_id").is_null())
    by_day = known.group_by("order_id", "refunded_on").agg(nw.col("amount").sum())
    back = by_day.select("order_id", "refunded_on", "amount").collect(backend="pyarrow").to_native()
    refunded = pc.dictionary_encode(back.column("order_id").combine_chunks())
    which = pc.index_in(order_id, value_set=refunded.dictionary).combine_chunks()
    rows = np.flatnonzero(pc.is_valid(which).to_numpy(zero_copy_only=False))
    of_refund = np.full(len(refunded.dictionary), -1, dtype=np.int64)
    of_refund[which.drop_null().to_numpy()] = np.arange(len(rows))
    is_refunded = np.zeros(len(order), dtype=np.bool_)
    is_refunded[rows] = True
    places = np.flatnonzero(is_refunded.take(order))
    places = places[np.argsort(order[places])]  # beside rows
    found = of_refund[refunded.indices.to_numpy()]
    met = found >= 0  # a refund of an order of nobody known is no customer's
    place = places[found[met]]
    day = back.column("refunded_on").cast(pa.int32()).to_numpy()[met]
    amount = back.column("amount").to_numpy()[met].astype(np.float64)
    sorted_ = np.lexsort((day, place))
    return place[sorted_], day[sorted_].astype(np.int32), amount[sorted_]
