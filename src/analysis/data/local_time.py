"""Local time and UTC inside SQL: a zone's offsets as a plain CASE, the same on every engine and fast.

Offsets come from the standard library's zone data. A local time that the clock skips in spring is
read with the offset before the change; one that it shows twice in autumn is its first appearance.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from analysis.periods import zone

__all__ = ["to_local_sql", "to_utc_sql", "transitions"]

_FIRST_YEAR = 1970
_LAST_YEAR = 2100


@cache
def transitions(timezone: str) -> tuple[tuple[datetime | None, int], ...]:
    """Return the offsets of a zone: (first UTC instant, seconds east of Greenwich), earliest first.

    The first entry has no instant: it holds before all others. Years 1970-2100.

    Raises:
        BookError: If there is no such zone.

    Examples:
        >>> transitions("UTC")
        ((None, 0),)
    """
    place = zone(timezone)
    start = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
    found: list[tuple[datetime | None, int]] = [(None, _offset(start, place))]
    step = timedelta(days=7)
    while start.year <= _LAST_YEAR:
        if _offset(start + step, place) != found[-1][1]:
            found.append((_change(start, start + step, place).replace(tzinfo=None), _offset(start + step, place)))
        start += step
    return tuple(found)


def _offset(instant: datetime, place: ZoneInfo) -> int:
    offset = instant.astimezone(place).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _change(low: datetime, high: datetime, place: ZoneInfo) -> datetime:
    """Return the first instant with the later offset, to the minute."""
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        middle = middle.replace(second=0, microsecond=0)
        if middle in (low, high):
            break
        if _offset(middle, place) == _offset(low, place):
            low = middle
        else:
            high = middle
    return high


def _relevant(timezone: str, span: tuple[datetime, datetime] | None) -> tuple[tuple[datetime | None, int], ...]:
    """Return only the offsets in force within a span of times (widened by two days)."""
    every = transitions(timezone)
    if span is None:
        return every
    low, high = span[0] - timedelta(days=2), span[1] + timedelta(days=2)
    before = [entry for entry in every if entry[0] is None or entry[0] <= low]
    inside = [entry for entry in every if entry[0] is not None and low < entry[0] <= high]
    return ((None, before[-1][1]), *inside)


def _seconds(expression: str, offsets: tuple[tuple[datetime | None, int], ...], *, local: bool) -> str:
    if len(offsets) == 1:
        return str(offsets[0][1])
    branches = []
    for (_, earlier), (starts, later) in zip(reversed(offsets[:-1]), reversed(offsets[1:]), strict=True):
        assert_start = starts if starts is not None else datetime(_FIRST_YEAR, 1, 1)  # noqa: DTZ001 - UTC without a mark
        moment = assert_start + timedelta(seconds=max(earlier, later)) if local else assert_start
        branches.append(f"WHEN {expression} >= TIMESTAMP '{moment}' THEN {later}")
    return f"CASE {' '.join(branches)} ELSE {offsets[0][1]} END"


def to_utc_sql(local: str, *, timezone: str, span: tuple[datetime, datetime] | None = None) -> str:
    """Return SQL that turns a local timestamp into UTC, both without a zone mark.

    Args:
        local: SQL of the local timestamp.
        timezone: IANA name of the zone.
        span: Earliest and latest local time in the data: keeps the SQL short.
    """
    seconds = _seconds(local, _relevant(timezone, span), local=True)
    return local if seconds == "0" else f"({local} - to_seconds({seconds}))"


def to_local_sql(instant: str, *, timezone: str, span: tuple[datetime, datetime] | None = None) -> str:
    """Return SQL that turns a UTC timestamp into local time, both without a zone mark."""
    seconds = _seconds(instant, _relevant(timezone, span), local=False)
    return instant if seconds == "0" else f"({instant} + to_seconds({seconds}))"
