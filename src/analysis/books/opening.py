"""From a book to its data and its day: what a run and a notebook opened alone both need first."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from analysis.books.read import ReadBook, find_root, read_book
from analysis.context import RunContext
from analysis.errors import BookError, DataError

if TYPE_CHECKING:
    from analysis.data.load import LoadedData

__all__ = ["BOOK_VARIABLE", "load_data", "make_private", "open_scratch", "refuse_no_purchases", "resolve_as_of"]

BOOK_VARIABLE: Final = "SIYU_BOOK"
DEMO_BOOK: Final = Path("params/demo.yaml")


def open_scratch(notebook: str, *, book: str | Path | None = None) -> RunContext:
    """Return the context of a notebook opened alone: its book's data, a scratch folder, the last good run behind it.

    The clock is read here, once, as a run reads it once.

    Args:
        notebook: Name of the notebook.
        book: The book; by default the one that ``$SIYU_BOOK`` names, else the demo book.

    Raises:
        BookError: If the book is wrong.
        DataError: If its data cannot be used.
    """
    root = find_root(Path(book) if book else None)
    path = Path(book or os.environ.get(BOOK_VARIABLE) or root / DEMO_BOOK)
    read = read_book(path if path.exists() else root / path, root=root)
    now = datetime.now(UTC)
    cache = root / ".cache"
    data = load_data(read, now=now, cache=cache, progress=_say)
    today = now.astimezone(ZoneInfo(read.book.timezone)).date()
    out = root / ".scratch" / read.book.name / notebook
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    latest = root / "reports" / read.book.name / "latest"
    return run_context(
        read,
        data,
        as_of=resolve_as_of(read.book.as_of, latest_day=data.latest_day, today=today),
        out=out,
        cache=make_private(cache / "recipes"),
        previous=latest.resolve() if latest.exists() else None,
        run_id="scratch",
    )


def run_context(
    read: ReadBook,
    data: "LoadedData",
    *,
    as_of: date,
    out: Path,
    cache: Path,
    previous: Path | None,
    run_id: str,
    notices: tuple[dict[str, str], ...] = (),
) -> RunContext:
    """Return what a run tells its notebooks."""
    book = read.book
    return RunContext(
        book=book.name,
        title=book.titles,
        data=data.folder.absolute(),
        data_digest=data.digest,
        as_of=as_of,
        timezone=book.timezone,
        languages=book.languages,
        currency=book.currency,
        seed=book.seed,
        min_cell=book.min_cell,
        engine=book.data.engine,
        industry=book.industry,
        params=book.notebooks,
        out=out,
        cache=cache,
        previous=previous,
        run_id=run_id,
        notices=notices,
    )


def load_data(read: ReadBook, *, now: datetime, cache: Path, progress: Callable[[str], None]) -> "LoadedData":
    """Load the tables of a book into the cache.

    Raises:
        DataError: If they cannot be used.
    """
    from analysis.data.load import load

    book = read.book
    make_private(cache)
    base = _base_of(read)
    return load(book.data, now=now, timezone=book.timezone, cache=cache, base=base, progress=progress)


def _base_of(read: ReadBook) -> Path:
    """A relative source may stand beside the book, in the working folder or in the project: the first that is there."""
    starts = (read.data_base, Path.cwd(), read.root)
    with suppress(OSError):  # too long for a name: whoever reads it will say so
        return next((start for start in starts if (start / read.book.data.source).exists()), read.data_base)
    return read.data_base


def resolve_as_of(wanted: date | str, *, latest_day: date | None, today: date) -> date:
    """Return the run's day: the one the book names, or the last day with orders that is not in the future.

    Raises:
        BookError: If the day lies in the future.
    """
    if isinstance(wanted, date):
        if wanted > today:
            raise BookError(
                f"as_of {wanted} is in the future: today is {today} in the book's zone.",
                hint="give a day up to today, or as_of: latest",
            )
        return wanted
    return min(latest_day, today) if latest_day is not None else today


def refuse_no_purchases(read: ReadBook, data: "LoadedData", *, as_of: date) -> None:
    """Stop a run whose notebooks look at customers while no customer has bought anything.

    Raises:
        DataError: If there is no purchase of a known customer up to the day of the run.
    """
    from analysis.data.connect import open_tables

    if not any("orders" in notebook.needs for notebook in read.notebooks.values()):
        return
    account = next((account for account in data.tables if account.name == "orders"), None)
    if account is None:  # the pages say which table they lack
        return
    purchases = open_tables(data.folder, timezone=read.book.timezone).as_of(as_of).purchases()
    if purchases.head(1).collect("pyarrow").shape[0] == 0:
        raise DataError(
            f"orders ({account.file}): no customer has a purchase up to {as_of}; of {account.rows_in:,} rows "
            f"{account.used:,} were read, {account.anonymous:,} without a customer. Refunds undo purchases.",
            hint="check as_of, and which columns hold the customer, the time and the amount (siyu check)",
        )


def make_private(folder: Path) -> Path:
    """Make a folder that only its owner can read, and return it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def _say(what: str) -> None:
    # one line that is written over: a notebook opened alone has no other terminal
    print(f"\r{what:<72}", end="", flush=True)  # noqa: T201
