"""Contacts as risks: how long each has been one, whether and by whom it was ended, and what the customer received.

A contact is *at risk* on every day from its adding to its end. Exports often hold all contacts of today but deletions
only since somebody began to log them: who was added and lost before is missing. Days up to and including the first
recorded deletion are therefore not looked at (``entry_days``), which biases nothing: that day is known when it comes.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals as nw
import numpy as np

from analysis.features.places import places_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.data.connect import Tables

__all__ = [
    "DOORS",
    "OTHER_CHANNELS",
    "UNKNOWN_SOURCE",
    "TouchLog",
    "collect_contacts",
    "contact_spells",
    "contacts_known",
    "received_touches",
    "touch_log",
    "touches_received",
]

Frame = nw.LazyFrame[Any]

DOORS: Final = ("customer", "staff")
"""Who can end a contact; a contact without a door is still there."""

UNKNOWN_SOURCE: Final = "unknown"
"""Source of a contact whose acquisition code is not told."""

OTHER_CHANNELS: Final = "other"
"""Name under which the channels beyond the most used ones are counted together."""

_MOST_CHANNELS: Final = 8
_MINUTE_BITS: Final = 26
_MINUTES_A_DAY: Final = 1_440


def contact_spells(tables: "Tables", *, as_of: date) -> Frame:
    """Return each contact and its end, as known at the end of ``as_of``.

    Returns:
        One row per contact: ``contact_id``, ``customer_id``, ``staff_id``, ``source_state`` ("unknown" where not told),
        ``added_on``, ``deleted_on``, ``deleted_at`` (day and UTC; null: still there) and ``door`` ("customer" or
        "staff";
        null: still there; where the source does not tell who deleted, the customer).

    Raises:
        MissingTableError: If there are no contacts.
    """
    contacts = tables.as_of(as_of).lazy("contacts", needed_by="the relationship clock")
    present = set(contacts.collect_schema().names())
    state = nw.col("source_state") if "source_state" in present else nw.lit(None, dtype=nw.String)
    day = nw.col("deleted_on") if "deleted_on" in present else nw.lit(None, dtype=nw.Date)
    at = nw.col("deleted_at") if "deleted_on" in present else nw.lit(None, dtype=nw.Datetime("us"))
    by = nw.col("deleted_by") if "deleted_by" in present else nw.lit(None, dtype=nw.String)
    known = contacts.filter(~nw.col("added_on").is_null()).with_columns(
        state.fill_null(UNKNOWN_SOURCE).alias("source_state"),
        day.alias("deleted_on"),
        at.alias("deleted_at"),
        by.fill_null(DOORS[0]).alias("door"),
    )
    door = nw.when(~nw.col("deleted_on").is_null()).then(nw.col("door"))
    columns = ("contact_id", "customer_id", "staff_id", "source_state", "added_on", "deleted_on", "deleted_at")
    kept = known.filter(nw.col("deleted_on").is_null() | (nw.col("deleted_on") >= nw.col("added_on")))
    return kept.select(*columns, door.alias("door"))


def collect_contacts(tables: "Tables", *, as_of: date) -> "pd.DataFrame":
    """Return ``contact_spells`` as pandas, sorted by ``contact_id``, with the days each contact was looked at.

    Returns:
        The columns of ``contact_spells`` but ``deleted_at``, ``deleted_hour`` (hours into the day of the end, 0-24) and
        those of ``contacts_known``.

    Raises:
        MissingTableError: If there are no contacts.
    """
    import pandas as pd

    table = contact_spells(tables, as_of=as_of).collect(backend="pyarrow").to_native()
    table = table.sort_by("contact_id")
    frame = pd.DataFrame({name: table[name].to_pandas() for name in table.column_names})
    for name in ("added_on", "deleted_on"):
        frame[name] = pd.to_datetime(frame[name])
    ended = _local(frame.pop("deleted_at"), tables.timezone)
    frame["deleted_hour"] = (ended - ended.dt.normalize()).dt.total_seconds() / 3600
    text = ["contact_id", "customer_id", "staff_id", "source_state", "door"]
    return contacts_known(frame.astype(dict.fromkeys(text, "string")), day=as_of)


def _local(at: "pd.Series[Any]", timezone: str) -> "pd.Series[Any]":
    """Return instants of UTC as times on the clocks of a zone."""
    import pandas as pd

    return pd.to_datetime(at).dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None)


def contacts_known(contacts: "pd.DataFrame", *, day: date) -> "pd.DataFrame":
    """Return contacts as they were known at the end of a day, with the span in which each was looked at.

    Args:
        contacts: One row per contact: ``added_on``, ``deleted_on``, ``door``; other columns come along.
        day: Inclusive; later contacts are cut, later ends are forgotten.

    Returns:
        The contacts with ``entry_days`` (tenure on the first day looked at, days) and ``tenure_days`` (on the last one:
        the day of its end, or ``day``). Where ``entry_days`` is larger the contact was never looked at.
    """
    end = np.datetime64(day, "D")
    known = contacts[contacts["added_on"].to_numpy().astype("datetime64[D]") <= end].reset_index(drop=True)
    later = known["deleted_on"].to_numpy().astype("datetime64[D]") > end
    known = known.assign(deleted_on=known["deleted_on"].mask(later), door=known["door"].mask(later))
    added = known["added_on"].to_numpy().astype("datetime64[D]")
    deleted = known["deleted_on"].to_numpy().astype("datetime64[D]")
    ends = deleted[~np.isnat(deleted)]
    first = ends.min() if len(ends) else end
    last = np.where(np.isnat(deleted), end, deleted)
    return known.assign(
        entry_days=np.maximum((first - added).astype("int64") + 1, 0).astype("int32"),
        tenure_days=(last - added).astype("int64").astype("int32"),
    )


def received_touches(tables: "Tables", *, as_of: date) -> Frame:
    """Return each touch that reached a customer by ``as_of``: ``customer_id``, ``channel``, ``received_at`` (UTC).

    That is its delivery, or its assignment where the source does not tell deliveries.

    Raises:
        MissingTableError: If there are no touches.
    """
    touches = tables.as_of(as_of).lazy("touches", needed_by="touches before a deletion")
    at = "delivered_at" if "delivered_at" in touches.collect_schema().names() else "assigned_at"
    return touches.filter(~nw.col(at).is_null()).select("customer_id", "channel", nw.col(at).alias("received_at"))


class TouchLog(NamedTuple):
    """Touches received, ready to be counted for many customers and moments at once.

    Attributes:
        channels: In alphabetical order; the less used ones together as "other".
        keys: By channel, the sorted keys of its touches: place of the customer times 2^26, plus the minute since 1970
            on the clocks of the book's zone.
    """

    channels: tuple[str, ...]
    keys: "tuple[NDArray[np.int64], ...]"


def touch_log(tables: "Tables", *, as_of: date, customers: "Sequence[str] | pd.Series[str]") -> TouchLog:
    """Return the touches that the given customers received by ``as_of``; empty where the source has no touches.

    Args:
        tables: The book's tables; what happened after ``as_of`` is cut here.
        as_of: Day of the book's zone, inclusive.
        customers: Ids without repeats; ``touches_received`` names a customer by its place here.
    """
    if not tables.has("touches"):
        return TouchLog((), ())
    table = received_touches(tables, as_of=as_of).collect(backend="pyarrow").to_native()
    place = places_of(table["customer_id"], among=customers)
    channel = table["channel"].combine_chunks().dictionary_encode()
    names = [str(name) for name in channel.dictionary.to_pylist()]
    code = channel.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    minute = _minutes(_local(table["received_at"].to_pandas(), tables.timezone).to_numpy())
    kept = (place >= 0) & (code >= 0)
    key, code = (place[kept] << _MINUTE_BITS) + minute[kept], code[kept]
    keys = {name: np.sort(key[np.isin(code, codes)]) for name, codes in _most_used(names, code).items()}
    channels = tuple(sorted(name for name in keys if len(keys[name])))
    return TouchLog(channels, tuple(keys[name] for name in channels))


def _minutes(at: "NDArray[Any]") -> "NDArray[np.int64]":
    return at.astype("datetime64[m]").astype(np.int64)


def _most_used(names: Sequence[str], code: "NDArray[np.integer]") -> dict[str, list[int]]:
    """Return the codes of each of the most used channels, and of all others together."""
    counts = np.bincount(code, minlength=len(names))
    used = sorted(range(len(names)), key=lambda c: (-counts[c], names[c]))
    groups = {names[c]: [c] for c in used[:_MOST_CHANNELS]}
    if used[_MOST_CHANNELS:]:
        groups.setdefault(OTHER_CHANNELS, []).extend(used[_MOST_CHANNELS:])
    return groups


def touches_received(
    log: TouchLog,
    *,
    customer: "NDArray[Any]",
    day: "NDArray[Any]",
    hour: "NDArray[Any] | float",
    windows: Sequence[int],
) -> "dict[int, NDArray[np.int16]]":
    """Return how many touches reached each customer in some days, of 24 hours each, before a moment, by channel.

    Args:
        log: From ``touch_log``.
        customer: Places of the customers in the log.
        day: Day of each one's moment (datetime64, of the book's zone).
        hour: Hours into that day, 0-24; 24 is its end.
        windows: Lengths (days).

    Returns:
        For each window one row per customer and moment, one column per channel of the log (touches).
    """
    moment = _minutes(np.asarray(day)) + np.floor(np.asarray(hour) * 60.0).astype(np.int64)
    end = (np.asarray(customer, dtype=np.int64) << _MINUTE_BITS) + moment
    received = {days: np.empty((len(end), len(log.keys)), dtype=np.int16, order="F") for days in windows}
    for channel, keys in enumerate(log.keys):
        until = np.searchsorted(keys, end)
        for days, counts in received.items():
            counts[:, channel] = until - np.searchsorted(keys, end - days * _MINUTES_A_DAY)
    return received
