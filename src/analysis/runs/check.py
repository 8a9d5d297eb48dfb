"""``siyu check``: a book and its data, looked at without running anything."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from analysis.books.catalogue import Notebook
from analysis.books.opening import load_data, refuse_no_purchases, resolve_as_of
from analysis.books.read import read_book
from analysis.data.accounting import TableAccount, at, refuse_stale
from analysis.data.headers import likely_columns
from analysis.data.quarantine import reason_label
from analysis.runs.progress import Progress

__all__ = ["check_book"]


def check_book(
    path: Path, *, overrides: Sequence[str] = (), now: datetime, cache: Path = Path(".cache"), root: Path | None = None
) -> Iterator[str]:
    """Return what there is to say of a book and its data, line by line.

    Args:
        path: The book's file.
        overrides: ``key.path=value`` texts.
        now: The time, with its zone.
        cache: Where the loaded tables are kept; a run after the check reads nothing again.
        root: Project folder; found if None.

    Raises:
        BookError: If the book is wrong.
        DataError: If its data cannot be used.
    """
    read = read_book(path, overrides=overrides, root=root)
    yield f"{path}: book '{read.book.name}', notebooks {', '.join(read.notebooks)}"
    data = load_data(read, now=now, cache=cache.absolute(), progress=Progress().doing)
    today = now.astimezone(ZoneInfo(read.book.timezone)).date()
    as_of = resolve_as_of(read.book.as_of, latest_day=data.latest_day, today=today)
    yield f"as_of {as_of} ({read.book.timezone})"
    for account in data.tables:
        yield from _about(at(account, day=as_of))
    yield from _needs(read.notebooks, {account.name for account in data.tables})
    refuse_stale(data.tables, today=today, stale_after_days=read.book.data.stale_after_days)
    refuse_no_purchases(read, data, as_of=as_of)


def _about(account: TableAccount) -> Iterator[str]:
    yield (
        f"{account.name} ({account.file}, {account.how}): {account.rows_in:,} rows in = {account.used:,} used "
        f"+ {account.duplicates:,} duplicates + {account.anonymous:,} anonymous "
        f"+ {account.after_as_of:,} after as_of + {account.n_quarantined:,} quarantined"
    )
    for reason, count in sorted(account.quarantined.items()):
        yield f"  quarantined: {reason_label(reason, language='en')}: {count:,}"
    for notice in account.notices:
        yield f"  {notice['en']}"
    if account.unmapped:
        yield f"  columns not used: {', '.join(account.unmapped)}"
    for header, column in likely_columns(account.unmapped, table=account.name, known=account.mapped).items():
        yield f"  '{header}' is probably {column}; to use it: columns: {{{column}: {header}}}"


def _needs(notebooks: Mapping[str, Notebook], tables: set[str]) -> Iterator[str]:
    for name, notebook in notebooks.items():
        missing = [table for table in notebook.needs if table not in tables]
        if missing:
            yield f"{name}: will say that it lacks {', '.join(missing)}"
