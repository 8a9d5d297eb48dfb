"""The law of rows: in = used + duplicates + anonymous + after as_of + quarantined, for every table.

Loading counts all but the cut; ``at`` moves the rows after a day out of *used* and *anonymous*, from
the daily counts that loading kept, so that the law holds exactly at every ``as_of``. Comparing with
the accounting of an earlier run tells a table that shrank or went stale.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from analysis.errors import DataError

__all__ = [
    "FILE_NAME",
    "Notice",
    "TableAccount",
    "at",
    "compare",
    "read_accounts",
    "read_facts",
    "refuse_stale",
    "write_accounts",
]

FILE_NAME: Final = "accounting.json"

Notice = dict[str, str]
"""One sentence for every page: ``{"zh": …, "en": …}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAccount:
    """What became of every row of one table of the source.

    Attributes:
        name: Table of the contracts.
        file: File (or table of a database) it came from.
        how: How it was read: encoding and separator, sheet, or type of source.
        grain: ``order`` or ``line`` for orders; empty for other tables.
        rows_in: Rows in the source.
        used: Rows used (until ``at`` is called: on any day).
        duplicates: Exact duplicate rows, dropped.
        anonymous: Rows of orders without a customer: in revenue totals, in no customer's history.
        after_as_of: Rows after the day; 0 until ``at`` is called.
        quarantined: Rows that broke the contract, by reason.
        written: Rows of the loaded table (orders where lines were read).
        first_day: Earliest day of the rows used, or None.
        last_day: Latest day of the rows used, or None.
        mapped: Contract column → where it comes from.
        unmapped: Columns of the source that nothing uses.
        refunds: How refunds were matched: ``order_id``, ``refund_of``, ``latest_order``, ``status``, ``unmatched``.
        notices: What a reader should know.
        daily: (day or None, rows used, anonymous rows) of every day.
    """

    name: str
    file: str
    how: str
    grain: str = ""
    rows_in: int
    used: int
    duplicates: int
    anonymous: int
    after_as_of: int = 0
    quarantined: dict[str, int]
    written: int
    first_day: date | None
    last_day: date | None
    mapped: dict[str, str] = field(default_factory=dict)
    unmapped: tuple[str, ...] = ()
    refunds: dict[str, int] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    daily: tuple[tuple[date | None, int, int], ...] = ()

    def __post_init__(self) -> None:
        known = self.used + self.duplicates + self.anonymous + self.after_as_of + self.n_quarantined
        if known != self.rows_in:
            raise DataError(
                f"{self.name}: {self.rows_in} rows came in but {known} are accounted for.",
                hint="this is a fault of the loader, not of the data: please report it with the book",
            )

    @property
    def n_quarantined(self) -> int:
        """Rows in quarantine, over all reasons."""
        return sum(self.quarantined.values())

    @property
    def quarantine_share(self) -> float:
        """Share of the rows in quarantine, 0-1."""
        return self.n_quarantined / self.rows_in if self.rows_in else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the account as plain values."""
        return {
            **asdict(self),
            "first_day": self.first_day.isoformat() if self.first_day else None,
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "daily": [[day.isoformat() if day else None, used, anonymous] for day, used, anonymous in self.daily],
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "TableAccount":
        """Return the account that ``as_json`` wrote."""
        return cls(
            **{
                **plain,
                "first_day": _day(plain["first_day"]),
                "last_day": _day(plain["last_day"]),
                "unmapped": tuple(plain["unmapped"]),
                "notices": tuple(plain["notices"]),
                "daily": tuple((_day(day), used, anonymous) for day, used, anonymous in plain["daily"]),
            }
        )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def at(account: TableAccount, *, day: date) -> TableAccount:
    """Return the account of a table cut at the end of ``day``: later rows are counted as after as_of."""
    later = [(used, anonymous) for when, used, anonymous in account.daily if when is not None and when > day]
    used = sum(entry[0] for entry in later)
    anonymous = sum(entry[1] for entry in later)
    return replace(
        account,
        used=account.used - used,
        anonymous=account.anonymous - anonymous,
        after_as_of=account.after_as_of + used + anonymous,
        last_day=max((when for when, *_ in account.daily if when is not None and when <= day), default=None),
        daily=tuple(entry for entry in account.daily if entry[0] is None or entry[0] <= day),
    )


def write_accounts(folder: Path, accounts: tuple[TableAccount, ...], **facts: object) -> None:
    """Write the accounts of a load beside its tables."""
    plain = {"tables": [account.as_json() for account in accounts], **facts}
    (folder / FILE_NAME).write_text(json.dumps(plain, ensure_ascii=False, indent=1), encoding="utf-8")


def read_accounts(folder: Path) -> tuple[TableAccount, ...]:
    """Read the accounts that a load wrote beside its tables.

    Raises:
        DataError: If there are none.
    """
    path = folder / FILE_NAME
    if not path.exists():
        raise DataError(f"No {FILE_NAME} in {folder}.", hint="load the data again: delete the cache and run the book")
    return tuple(TableAccount.from_json(plain) for plain in json.loads(path.read_text(encoding="utf-8"))["tables"])


def read_facts(folder: Path) -> dict[str, Any]:
    """Return what ``write_accounts`` wrote beside the accounts."""
    facts: dict[str, Any] = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    return facts


def refuse_stale(accounts: tuple[TableAccount, ...], *, today: date, stale_after_days: int | None) -> None:
    """Stop if the last order is too long ago.

    Args:
        accounts: Accounts of the load, not cut at any day.
        today: Day of the run in the book's zone.
        stale_after_days: Age of the last order above which the run must stop; None: never.

    Raises:
        DataError: If the last order is older than that.
    """
    orders = next((account for account in accounts if account.name == "orders"), None)
    if stale_after_days is None or orders is None or orders.last_day is None:
        return
    age = (today - orders.last_day).days
    if age > stale_after_days:
        raise DataError(
            f"orders: the last order is of {orders.last_day}, {age} days ago; "
            f"data.stale_after_days allows {stale_after_days}.",
            hint="export the orders again, or raise data.stale_after_days in the book",
        )


def compare(accounts: tuple[TableAccount, ...], *, before: tuple[TableAccount, ...]) -> tuple[Notice, ...]:
    """Return what changed for the worse since an earlier load: tables gone, shrunk, or without news.

    Args:
        accounts: Accounts of this load.
        before: Accounts of the predecessor's load; empty if there is none.
    """
    now = {account.name: account for account in accounts}
    return tuple(notice for old in before for notice in _worse(old, now.get(old.name)))


def _worse(old: TableAccount, new: TableAccount | None) -> list[Notice]:
    if new is None:
        return [
            {
                "zh": f"数据表 {old.name} 这次没有提供，上次有 {old.rows_in:,} 行。",
                "en": f"The table {old.name} is missing this time; last time it had {old.rows_in:,} rows.",
            }
        ]
    notices: list[Notice] = []
    if new.rows_in < old.rows_in:
        notices.append(
            {
                "zh": f"数据表 {old.name} 变少了：上次 {old.rows_in:,} 行，这次 {new.rows_in:,} 行。",
                "en": f"The table {old.name} shrank: {old.rows_in:,} rows last time, {new.rows_in:,} now.",
            }
        )
    if old.last_day is not None and new.last_day is not None and new.last_day <= old.last_day:
        notices.append(
            {
                "zh": f"数据表 {old.name} 没有新数据：最后一天仍是 {new.last_day}。",
                "en": f"The table {old.name} has no news: its last day is still {new.last_day}.",
            }
        )
    return notices
