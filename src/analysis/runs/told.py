"""What every page tells of its run: the data in one line, and what is not the same as in the run before."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from analysis.data.accounting import TableAccount
from analysis.reporting.page_info import DataLine, Since

__all__ = ["data_line", "since"]

DATA_PAGE: Final = "data_health"
NOT_SET: Final = "—"


def data_line(accounts: Iterable[TableAccount], *, notebooks: Iterable[str]) -> DataLine:
    """Return the state of the data as the accounts of its tables tell it.

    Args:
        accounts: One per table, as of the day of the run.
        notebooks: Of the run; the line links to the page on data if it is among them.
    """
    accounts = list(accounts)
    orders = next((account for account in accounts if account.name == "orders"), None)
    return DataLine(
        rows_in=sum(account.rows_in for account in accounts),
        rows_used=sum(account.used for account in accounts),
        last_order=orders.last_day if orders else None,
        page=DATA_PAGE if DATA_PAGE in set(notebooks) else "",
    )


def since(
    before: Mapping[str, Any] | None,
    *,
    rows: int,
    parameters: Mapping[str, Mapping[str, Any]],
    code: str,
    versions: Mapping[str, str],
) -> Since | None:
    """Return what is not the same as in an earlier run, from that run's manifest; None if it cannot be read.

    Args:
        before: Manifest of the earlier run; None on a first one.
        rows: Rows used of all tables, as of the day.
        parameters: This run's, by notebook.
        code: Digest of this run's code.
        versions: This run's packages.
    """
    if before is None:
        return None
    try:
        return Since(
            as_of=date.fromisoformat(before["as_of"]),
            rows=rows - sum(int(table["used"]) for table in before["rows"]),
            parameters=_moved_parameters(before["parameters"], parameters),
            code=before["digests"]["code"] != code,
            versions=tuple(_moved(before["versions"], versions)),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # an earlier edition's manifest: nothing to compare with


def _moved_parameters(
    before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[tuple[str, str, str], ...]]:
    moved = {notebook: tuple(_moved(before[notebook], given)) for notebook, given in now.items() if notebook in before}
    return {notebook: changed for notebook, changed in moved.items() if changed}


def _moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """Return (name, before, now) of what differs, in the order of the names."""
    for name in sorted({*before, *now}):
        was, is_now = (str(known.get(name, NOT_SET)) for known in (before, now))
        if was != is_now:
            yield name, was, is_now
