"""What the brand did to reach a customer, and what it may still do: touches, contacts, consent.

Counts are by channel and by the day of each step: a touch assigned 40 days ago and read yesterday is
read within 7 days. Each part needs its own table; where the table is absent so are its columns.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from analysis.features.expressions import count_where, days_between, joined

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = [
    "TOUCH_STEPS",
    "TOUCH_WINDOWS",
    "channels_touched",
    "consent_state",
    "contact_state",
    "days_since_touch",
    "exposure",
    "exposure_blocks",
    "touch_counts",
]

Frame = nw.LazyFrame[Any]

TOUCH_WINDOWS: Final = (7, 30, 90)
"""Days back from ``as_of`` in which touches are counted."""

TOUCH_STEPS: Final = ("assigned", "delivered", "read", "replied")
"""Steps in the life of a touch that are counted, each by its own day."""


def exposure(tables: "Tables", *, as_of: date, channels: Sequence[str] | None = None) -> Frame:
    """Return touches, contacts and consent of each customer with a purchase, as known at the end of ``as_of``.

    Columns of a table that the source lacks are absent; ``touch_counts``, ``days_since_touch``,
    ``contact_state`` and ``consent_state`` say what each adds.

    Raises:
        MissingTableError: If there are no orders.
    """
    customers = tables.as_of(as_of).purchases().select("customer_id").unique()
    return reduce(joined, exposure_blocks(tables, as_of=as_of, channels=channels), customers)


def exposure_blocks(tables: "Tables", *, as_of: date, channels: Sequence[str] | None = None) -> list[Frame]:
    """Return a frame for each of the touch, contact and consent blocks whose table is there."""
    blocks = []
    if tables.has("touches"):
        blocks.append(touch_counts(tables, as_of=as_of, channels=channels))
        blocks.append(days_since_touch(tables, as_of=as_of))
    if tables.has("contacts"):
        blocks.append(contact_state(tables, as_of=as_of))
    if tables.has("consents"):
        blocks.append(consent_state(tables, as_of=as_of))
    return blocks


def channels_touched(tables: "Tables", *, as_of: date) -> tuple[str, ...]:
    """Return the channels of all touches assigned by ``as_of``, in alphabetical order (a small query)."""
    found = tables.as_of(as_of).lazy("touches").select("channel").unique().collect()["channel"].to_list()
    return tuple(sorted(str(channel) for channel in found if channel is not None))


def touch_counts(tables: "Tables", *, as_of: date, channels: Sequence[str] | None = None) -> Frame:
    """Return how often each customer was touched within 7, 30 and 90 days, by step and channel.

    Args:
        tables: The book's tables; what happened after ``as_of`` is cut here.
        as_of: Day of the book's zone, inclusive.
        channels: Channels that get columns of their own; default those touched by ``as_of``. Name them
            where tables of several days must have the same columns.

    Returns:
        One row per customer with a step within 90 days: ``customer_id``; ``n_<step>_<days>d`` over all
        channels and ``n_<step>_<days>d__<channel>`` for each (touches).

    Raises:
        MissingTableError: If there are no touches.
    """
    touches = tables.as_of(as_of).lazy("touches", needed_by="touch exposure")
    channels = channels_touched(tables, as_of=as_of) if channels is None else channels
    steps = _steps_known(touches)
    start = {days: nw.lit(as_of - timedelta(days=days)) for days in TOUCH_WINDOWS}
    recent = nw.max_horizontal(*(f"{step}_on" for step in steps)) > start[max(TOUCH_WINDOWS)]
    names = {f"n_{step}_{days}d": nw.col(f"{step}_on") > start[days] for step in steps for days in TOUCH_WINDOWS}
    by_channel = (  # first per customer and channel: each wide column then picks one of few rows
        touches.filter(recent)
        .group_by("customer_id", "channel")
        .agg(*(count_where(condition).alias(name) for name, condition in names.items()))
        .with_columns(nw.col(*names).cast(nw.Int16))
    )
    of_channel = {
        f"{name}__{channel}": nw.when(nw.col("channel") == channel).then(name) for channel in channels for name in names
    }
    counts = by_channel.group_by("customer_id").agg(
        *(nw.col(name).sum().cast(nw.Int16) for name in names),
        *(value.max().alias(name) for name, value in of_channel.items()),
    )
    return counts.with_columns(nw.col(*names, *of_channel).fill_null(0).cast(nw.Int16))


def _steps_known(touches: Frame) -> list[str]:
    present = set(touches.collect_schema().names())
    return [step for step in TOUCH_STEPS if f"{step}_on" in present]


def days_since_touch(tables: "Tables", *, as_of: date) -> Frame:
    """Return how long ago each customer was last touched, read and replied.

    Returns:
        One row per customer with a touch: ``customer_id``; ``days_since_last_touch`` (delivered, or assigned
        where deliveries are not known), ``days_since_last_read``, ``days_since_last_reply`` (days; null if
        never; absent where the source does not tell).

    Raises:
        MissingTableError: If there are no touches.
    """
    touches = tables.as_of(as_of).lazy("touches", needed_by="touch exposure")
    steps = _steps_known(touches)
    names = {"delivered" if "delivered" in steps else "assigned": "touch", "read": "read", "replied": "reply"}
    known = {step: name for step, name in names.items() if step in steps}
    last = touches.group_by("customer_id").agg(*(nw.col(f"{step}_on").max() for step in known))
    since = (_days_since(last, f"{step}_on", as_of, f"last_{name}") for step, name in known.items())
    return last.select("customer_id", *since)


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
