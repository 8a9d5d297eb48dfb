"""Days, instants and the one rule about time: ``as_of`` is a day of the book's zone, inclusive.

Instants are stored in UTC without a zone mark; a *day* is a calendar day of the book's zone. No
function here or anywhere below the command line reads the clock: ``as_of`` is an argument.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analysis.errors import BookError

__all__ = ["days_after", "days_before", "end_of_day_utc", "month_before", "zone"]


def zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name.

    Raises:
        BookError: If there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BookError(f"Unknown time zone '{name}'.", hint="use an IANA name such as Asia/Shanghai") from None


def end_of_day_utc(day: date, *, timezone: str) -> datetime:
    """Return the first instant after ``day`` in the zone, as UTC without a zone mark.

    Examples:
        >>> end_of_day_utc(date(2026, 3, 1), timezone="Asia/Shanghai")
        datetime.datetime(2026, 3, 1, 16, 0)
    """
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone(timezone))
    return midnight.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


def days_before(day: date, *, days: int) -> date:
    """Return the day that many days earlier."""
    return day - timedelta(days=days)


def days_after(day: date, *, days: int) -> date:
    """Return the day that many days later."""
    return day + timedelta(days=days)


def month_before(day: date, *, months: int = 1) -> date:
    """Return the same day of an earlier month, or that month's last day.

    Examples:
        >>> month_before(date(2026, 3, 31))
        datetime.date(2026, 2, 28)
    """
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))
