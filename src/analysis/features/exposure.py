"""What the brand did to reach a customer, and what it may still do: touches, contacts, consent.

Counts are by channel and by the day of each step: a touch assigned 40 days ago and read yesterday is
read within 7 days. Each part needs its own table; where the table is absent so are its columns.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from analysis.features.expressions import count_where, days_between

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = [
    "TOUCH_STEPS",
    "TOUCH_WINDOWS",
    "channels_touched",
    "consent_state",
    "contact_state",
    "exposure",
    "touch_exposure",
]

Frame = nw.LazyFrame[Any]

TOUCH_WINDOWS: Final = (7, 30, 90)
"""Days back from ``as_of`` in which touches are counted."""

TOUCH_STEPS: Final = ("assigned", "delivered", "read", "replied")
"""Steps in the life of a touch that are counted, each by its own day."""


def exposure(tables: "Tables", *, as_of: date, channels: Sequence[str] | None = None) -> Frame:
    """Return touches, contacts and consent of each customer with a purchase, as known at the end of ``as_of``.

    Columns of a table that the source lacks are absent; ``touch_exposure``, ``contact_state`` and
    ``consent_state`` say what each adds.

    Raises:
        MissingTableError: If there are no orders.
    """
    cut = tables.as_of(as_of)
    table = cut.purchases().select("customer_id").unique()
    return with_exposure(table, cut, as_of=as_of, channels=channels)


def with_exposure(table: Frame, cut: "Tables", *, as_of: date, channels: Sequence[str] | None = None) -> Frame:
    """Return a table of customers with the columns of the touch, contact and consent tables that are there."""
    if cut.has("touches"):
        table = _joined(table, touch_exposure(cut, as_of=as_of, channels=channels))
    if cut.has("contacts"):
        table = _joined(table, contact_state(cut, as_of=as_of))
    if cut.has("consents"):
        table = _joined(table, consent_state(cut, as_of=as_of))
    return table


def _joined(table: Frame, block: Frame) -> Frame:
    """Join a block; a customer it does not know has counts of 0 and unknown days since."""
    counts = [name for name in block.collect_schema().names() if name.startswith("n_")]
    return table.join(block, on="customer_id", how="left").with_columns(nw.col(*counts).fill_null(0))


def channels_touched(tables: "Tables", *, as_of: date) -> tuple[str, ...]:
    """Return the channels of all touches assigned by ``as_of``, in alphabetical order (a small query)."""
    found = tables.as_of(as_of).lazy("touches").select("channel").unique().collect()["channel"].to_list()
    return tuple(sorted(str(channel) for channel in found if channel is not None))


def touch_exposure(tables: "Tables", *, as_of: date, channels: Sequence[str] | None = None) -> Frame:
    """Return how often each customer was touched within 7, 30 and 90 days, by step and channel.

    Args:
        tables: The book's tables; what happened after ``as_of`` is cut here.
        as_of: Day of the book's zone, inclusive.
        channels: Channels that get columns of their own; default those touched by ``as_of``. Name them
            where tables of several days must have the same columns.

    Returns:
        One row per customer with a touch: ``customer_id``; ``n_<step>_<days>d`` over all channels and
        ``n_<step>_<days>d__<channel>`` for each (touches); ``days_since_last_touch`` (delivered, or
        assigned where deliveries are not known), ``days_since_last_read``, ``days_since_last_reply``.

    Raises:
        MissingTableError: If there are no touches.
    """
    cut = tables.as_of(as_of)
    touches = cut.lazy("touches", needed_by="touch exposure")
    channels = channels_touched(tables, as_of=as_of) if channels is None else channels
    present = set(touches.collect_schema().names())
    steps = [step for step in TOUCH_STEPS if f"{step}_on" in present]
    last = touches.group_by("customer_id").agg(*(nw.col(f"{step}_on").max() for step in steps))
    counts = _step_counts(touches, steps=steps, as_of=as_of, channels=channels)
    names = [name for name in counts.collect_schema().names() if name != "customer_id"]
    reached = "delivered" if "delivered" in steps else "assigned"
    since = {
        "touch": reached,
        **{name: step for name, step in (("read", "read"), ("reply", "replied")) if step in steps},
    }
    return last.join(counts, on="customer_id", how="left").select(
        "customer_id",
        nw.col(*names).fill_null(0),
        *(
            days_between(last, nw.col(f"{step}_on"), nw.lit(as_of)).cast(nw.Float64).alias(f"days_since_last_{name}")
            for name, step in since.items()
        ),
    )


def _step_counts(touches: Frame, *, steps: Sequence[str], as_of: date, channels: Sequence[str]) -> Frame:
    """Count steps by window, first per customer and channel: each wide column then picks one of few rows."""
    start = {days: nw.lit(as_of - timedelta(days=days)) for days in TOUCH_WINDOWS}
    recent = nw.max_horizontal(*(f"{step}_on" for step in steps)) > start[max(TOUCH_WINDOWS)]
    names = {f"n_{step}_{days}d": nw.col(f"{step}_on") > start[days] for step in steps for days in TOUCH_WINDOWS}
    by_channel = (
        touches.filter(recent)
        .group_by("customer_id", "channel")
        .agg(*(count_where(condition).alias(name) for name, condition in names.items()))
        .with_columns(nw.col(*names).cast(nw.Int16))
    )
    return by_channel.group_by("customer_id").agg(
        *(nw.col(name).sum().cast(nw.Int16) for name in names),
        *(
            nw.when(nw.col("channel") == channel).then(name).max().alias(f"{name}__{channel}")
            for channel in channels
            for name in names
        ),
    )


def contact_state(tables: "Tables", *, as_of: date) -> Frame:
    """Return how many members of staff can still write to each customer at the end of ``as_of``.

    Returns:
        One row per customer who ever was a contact: ``customer_id``, ``n_contacts`` (not deleted),
        ``n_contacts_deleted``, ``n_deleted_by_customer`` (where the source says who deleted),
        ``days_since_contact_added``, ``days_since_contact_deleted`` (days since the latest; null if none).

    Raises:
        MissingTableError: If there are no contacts.
    """
    contacts = tables.as_of(as_of).lazy("contacts", needed_by="the state of contacts")
    present = set(contacts.collect_schema().names())
    sums = [nw.len().alias("n"), nw.col("added_on").max()]
    columns = [
        nw.col("n").cast(nw.Int32).alias("n_contacts"),
        _days_since(contacts, "added_on", as_of, "contact_added"),
    ]
    if "deleted_on" in present:
        sums += [nw.col("deleted_on").count().alias("deleted"), nw.col("deleted_on").max()]
        columns[0] = (nw.col("n") - nw.col("deleted")).cast(nw.Int32).alias("n_contacts")
        columns.append(nw.col("deleted").cast(nw.Int32).alias("n_contacts_deleted"))
        columns.append(_days_since(contacts, "deleted_on", as_of, "contact_deleted"))
    if {"deleted_by", "deleted_on"} <= present:  # who deleted is known from the day of the deletion on
        by_customer = (nw.col("deleted_by") == "customer") & ~nw.col("deleted_on").is_null()
        sums.append(count_where(by_customer).alias("by_customer"))
        columns.append(nw.col("by_customer").cast(nw.Int32).alias("n_deleted_by_customer"))
    return contacts.group_by("customer_id").agg(*sums).select("customer_id", *columns)


def _days_since(frame: Frame, day: str, as_of: date, name: str) -> nw.Expr:
    return days_between(frame, nw.col(day), nw.lit(as_of)).cast(nw.Float64).alias(f"days_since_{name}")


def consent_state(tables: "Tables", *, as_of: date) -> Frame:
    """Return how many channels each customer has refused at the end of ``as_of``.

    A refusal and a consent at the same instant count as a refusal.

    Returns:
        One row per customer with an entry: ``customer_id``, ``n_channels_refused``, ``n_channels_granted``.

    Raises:
        MissingTableError: If there are no consents.
    """
    consents = tables.as_of(as_of).lazy("consents", needed_by="the state of consent")
    status, changed = nw.col("status"), nw.col("changed_at")
    latest = consents.group_by("customer_id", "channel").agg(
        nw.when(status == "refused").then(changed).max().alias("refused_at"),
        nw.when(status == "granted").then(changed).max().alias("granted_at"),
    )
    refused, granted = nw.col("refused_at"), nw.col("granted_at")
    is_refused = ~refused.is_null() & (granted.is_null() | (refused >= granted))
    return latest.group_by("customer_id").agg(
        count_where(is_refused).cast(nw.Int32).alias("n_channels_refused"),
        count_where(~is_refused).cast(nw.Int32).alias("n_channels_granted"),
    )
