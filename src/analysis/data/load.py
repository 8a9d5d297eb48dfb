"""Load a book's data: from whatever the source is to checked tables, once per content.

What is loaded is kept under the digest of what went in (files, mapping, zone, code), so a second run
on the same data reads nothing again, and deleting the cache changes no number.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from analysis.data.accounting import FILE_NAME, TableAccount, read_accounts, read_facts, write_accounts
from analysis.data.engine import open_engine
from analysis.data.load_table import REJECTED, LoadedTable, load_table
from analysis.data.mapping import DataSource
from analysis.data.personal import salt_check
from analysis.data.presets import with_preset
from analysis.data.quoting import literal
from analysis.data.sources import Located, locate
from analysis.errors import DataError
from analysis.periods import zone
from analysis.whole_files import discard, growing, one_at_a_time

__all__ = ["LoadedData", "load", "open_session"]

_MEMORY: Final = "1000MB"
_LOADS_KEPT: Final = 10
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedData:
    """A book's data, loaded and checked.

    Attributes:
        folder: Folder with one Parquet file per table, ``accounting.json`` and, below, the quarantine.
        digest: Digest of content, mapping, zone and code: part of every run's id.
        tables: What became of every row of every table.
        quarantine: Folder with the rejected rows, one Parquet file per table; None if there are none.
        latest_day: Last local day with orders that is not in the future; None without orders.
        sources: Digest of what each table's files hold, whatever the book makes of them, by table.
    """

    folder: Path
    digest: str
    tables: tuple[TableAccount, ...]
    quarantine: Path | None
    latest_day: date | None
    sources: Mapping[str, str] = field(default_factory=dict)


def load(
    source: DataSource,
    *,
    now: datetime,
    timezone: str,
    cache: Path,
    base: Path,
    progress: Progress | None = None,
) -> LoadedData:
    """Load the tables of a book.

    Args:
        source: The ``data:`` block of the book.
        now: The run's clock, with a zone: rows later than this plus a day are rejected.
        timezone: The book's zone: times without one are in it, and days are its days.
        cache: Folder of caches; what is kept there may be deleted at any time.
        base: Folder that relative paths start from.
        progress: Called with a line of text per step.

    Returns:
        Where the loaded tables are, and what became of every row.

    Raises:
        BookError: If the source is named wrongly.
        DataError: If data are missing, unreadable, or break the contracts too often.
    """
    home = cache / "data"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    source = with_preset(source, base=base)
    latest = now.astimezone(UTC).replace(tzinfo=None) + timedelta(days=1)
    with growing(home, ".source-") as scratch:
        located = locate(source, base=base, cache=cache, scratch=scratch, progress=progress)
        sources = {table.name: _content(table) for table in located}
        digest = _digest(source, located, sources=sources, timezone=timezone)
        folder = _kept(home, digest, latest=latest) or _build(
            source, located, home=home, digest=digest, latest=latest, timezone=timezone, progress=progress
        )
    accounts = read_accounts(folder)
    quarantine = folder / "quarantine"
    return LoadedData(
        folder=folder,
        digest=folder.name,
        tables=accounts,
        quarantine=quarantine if quarantine.is_dir() else None,
        latest_day=_latest_day(folder, today=now.astimezone(zone(timezone)).date()),
        sources=sources,
    )


def _latest_day(folder: Path, *, today: date) -> date | None:
    """Return the last day with orders that is not in the future: at most two of the days kept for this can be."""
    days = (date.fromisoformat(day) for day in read_facts(folder)["last_order_days"])
    return max((day for day in days if day <= today), default=None)


def _digest(source: DataSource, located: tuple[Located, ...], *, sources: Mapping[str, str], timezone: str) -> str:
    """Return the digest of everything that decides what is loaded, but the clock."""
    digest = hashlib.blake2b(digest_size=16)
    settings = source.model_dump(mode="json", exclude={"source", "engine", "demo", "stale_after_days"})
    digest.update(json.dumps([settings, timezone, salt_check() if source.pii else ""], sort_keys=True).encode())
    for code in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(code.read_bytes())
    for table in located:
        names = "\0".join(path.name for path in _files(table))
        digest.update(f"\0{table.name}\0{names}\0{sources[table.name]}".encode())
    return digest.hexdigest()


def _content(table: Located) -> str:
    """Return the digest of what the files of a table hold."""
    digest = hashlib.blake2b(digest_size=16)
    for path in _files(table):
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def _files(table: Located) -> tuple[Path, ...]:
    return (*table.files, *([table.joined] if table.joined else []))


def _kept(home: Path, digest: str, *, latest: datetime) -> Path | None:
    """Return an earlier load of the same content, if the clock rejects the same rows now as then."""
    for folder in sorted(home.glob(f"{digest}*")):
        if (folder / FILE_NAME).exists():
            kept, future = (bound and datetime.fromisoformat(bound) for bound in read_facts(folder)["clock"])
            if (not kept or kept <= latest) and (not future or future > latest):
                (folder / FILE_NAME).touch()
                return folder
    return None


def _build(
    source: DataSource,
    located: tuple[Located, ...],
    *,
    home: Path,
    digest: str,
    latest: datetime,
    timezone: str,
    progress: Progress | None,
) -> Path:
    with growing(home, ".loading-") as work:
        try:
            loaded = []
            for table in located:
                if progress:
                    progress(f"loading {table.name}")
                loaded.append(_load_one(table, source, work=work, latest=latest, timezone=timezone))
                shutil.rmtree(work / "scratch", ignore_errors=True)
        except DataError as error:
            if error.__cause__ is None:  # the data are at fault, not the engine or its disk
                _keep_rejected(work, home / REJECTED)
            raise
        kept = max((table.latest_kept for table in loaded if table.latest_kept), default=None)
        future = min((table.earliest_future for table in loaded if table.earliest_future), default=None)
        clock = (kept.isoformat() if kept else None, future.isoformat() if future else None)
        order_days = [day.isoformat() for table in loaded for day in table.last_order_days]
        write_accounts(work, tuple(table.account for table in loaded), clock=clock, last_order_days=order_days)
        # rows that the clock rejected make another load of the same content
        name = f"{digest}-{hashlib.blake2b(str(clock).encode(), digest_size=4).hexdigest()}" if future else digest
        with one_at_a_time(home):
            # another run may have loaded the same meanwhile, and be reading it
            return _kept(home, digest, latest=latest) or _put(work, home / name)


def _put(work: Path, folder: Path) -> Path:
    """Move a finished load to its place; the oldest ones make room."""
    discard(folder)  # damaged, or it would have been taken
    _forget_oldest(folder.parent)
    return work.replace(folder)


def _load_one(table: Located, source: DataSource, *, work: Path, latest: datetime, timezone: str) -> LoadedTable:
    import duckdb

    try:
        with open_session(work / "scratch") as connection:
            return load_table(connection, table, source=source, work=work, latest=latest, timezone=timezone)
    except (duckdb.Error, OSError) as error:
        raise DataError(
            f"{table.name}: the database engine gave up: {str(error).splitlines()[0]}",
            hint="is there room on the disk of the cache? If so, please report this with the book",
        ) from error


def _forget_oldest(home: Path) -> None:
    """Keep the latest loads, and those being read: each new export would otherwise leave a copy of all data behind."""
    loads = sorted(home.glob("[!.]*/" + FILE_NAME), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in loads[_LOADS_KEPT - 1 :]:
        discard(path.parent)


def _keep_rejected(work: Path, target: Path) -> None:
    """Leave the rejected rows where the error says they can be looked at."""
    if (work / "quarantine").is_dir():
        discard(target)
        (work / "quarantine").replace(target)


def open_session(scratch: Path) -> Any:
    """Return a database connection of its own, bounded in memory, that spills into ``scratch``."""
    connection = open_engine()
    connection.execute(f"SET memory_limit = '{_MEMORY}'")
    connection.execute(f"SET temp_directory = {literal(str(scratch))}")
    return connection
