"""Look at a book's data without using them: what would be rejected, and what unknown headers may mean.

Unlike loading, it does not stop at the first fault: every table and every file that could be one is
looked at, and each fault comes with the line that would mend it.
"""

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analysis.data.accounting import TableAccount
from analysis.data.contracts import CONTRACTS
from analysis.data.headers import likely_columns
from analysis.data.load import open_session
from analysis.data.load_table import load_table
from analysis.data.mapping import DataSource, TableMapping
from analysis.data.presets import with_preset
from analysis.data.read import SUFFIXES, read_files
from analysis.data.sources import Located, locate, source_folder
from analysis.errors import DataError

__all__ = ["Finding", "inspect_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One file or table of the source.

    Attributes:
        table: Table of the contracts that it is, or most likely is; None if it resembles none.
        file: Its name.
        account: What would become of its rows; None where it cannot be loaded.
        problem: Why it cannot be loaded, with the remedy; empty if it can.
        likely: Header that nothing uses → the column that it most likely means.
    """

    table: str | None
    file: str
    account: TableAccount | None = None
    problem: str = ""
    likely: dict[str, str] = field(default_factory=dict)

    @property
    def lines_to_add(self) -> str:
        """The mapping to add to the book, as one line of YAML; empty if nothing is to add."""
        if self.table is None or not self.likely:
            return ""
        columns = ", ".join(f"{column}: {header}" for header, column in self.likely.items())
        file = f"file: {self.file}, " if self.account is None and Path(self.file).stem != self.table else ""
        return f"tables: {{{self.table}: {{{file}columns: {{{columns}}}}}}}"


def inspect_source(source: DataSource, *, now: datetime, timezone: str, cache: Path, base: Path) -> tuple[Finding, ...]:
    """Look at every table of a source.

    Args:
        source: The ``data:`` block of a book.
        now: The clock, with a zone.
        timezone: The book's zone.
        cache: Folder of caches.
        base: Folder that relative paths start from.

    Raises:
        BookError: If the source is named wrongly.
        DataError: If it is not there.
    """
    source = with_preset(source, base=base).model_copy(update={"max_quarantine_share": 1.0})
    latest = now.astimezone(UTC).replace(tzinfo=None) + timedelta(days=1)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".inspecting-", dir=cache) as scratch:
        work = Path(scratch)
        folder = source_folder(source, base=base)
        try:
            located = locate(source, base=base, cache=cache, scratch=work)
        except DataError:
            if folder is None:
                raise
            located = ()
        found = [_look(table, source, work=work, latest=latest, timezone=timezone) for table in located]
        used = {file for table in located for file in (*table.files, table.joined)}
        others = sorted(folder.iterdir()) if folder else []
        strangers = [path for path in others if path.suffix.lower() in SUFFIXES and path not in used]
        return (*found, *(_guess(path, work=work) for path in strangers))


def _look(located: Located, source: DataSource, *, work: Path, latest: datetime, timezone: str) -> Finding:
    file = ", ".join(path.name for path in located.files)
    place = Path(tempfile.mkdtemp(dir=work))
    try:
        with open_session(place / "scratch") as connection:
            loaded = load_table(connection, located, source=source, work=place, latest=latest, timezone=timezone)
    except DataError as error:
        return Finding(table=located.name, file=file, problem=str(error))
    account = loaded.account
    likely = likely_columns(account.unmapped, table=located.name, known=account.mapped)
    return Finding(table=located.name, file=file, account=account, likely=likely)


def _guess(path: Path, *, work: Path) -> Finding:
    """Say which table a file that no mapping names resembles most, by its headers."""
    try:
        raw = read_files((path,), name=path.stem, work=Path(tempfile.mkdtemp(dir=work)), mapping=TableMapping())
    except DataError as error:
        return Finding(table=None, file=path.name, problem=str(error))
    meanings = {table: likely_columns(raw.headers, table=table) for table in CONTRACTS}
    best = max(meanings, key=lambda table: _resemblance(table, set(meanings[table].values())))
    if _resemblance(best, set(meanings[best].values())) < (0.5, 0):
        return Finding(table=None, file=path.name)
    return Finding(table=best, file=path.name, likely=meanings[best])


def _resemblance(table: str, columns: set[str]) -> tuple[float, int]:
    required = [
        name for name in CONTRACTS[table].required if not CONTRACTS[table].numbered or name not in CONTRACTS[table].key
    ]
    return sum(name in columns for name in required) / len(required), len(columns)
