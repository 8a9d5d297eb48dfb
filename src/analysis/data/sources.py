"""Where the tables of a book are: a folder, a DuckDB file, a server, or a synthetic brand."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from analysis.checks import nearest
from analysis.data.contracts import CONTRACTS
from analysis.data.mapping import DataSource, TableMapping
from analysis.data.read import DUCKDB_SUFFIXES, SUFFIXES, RawTable, attached, read_duckdb_table, read_files
from analysis.data.servers import SERVER_PREFIX, export_tables
from analysis.errors import BookError, DataError
from analysis.whole_files import discard, growing, one_at_a_time

__all__ = ["DEMO_PREFIX", "Located", "locate", "read_joined", "read_located", "source_folder"]

DEMO_PREFIX: Final = "demo/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One table that the source has.

    Attributes:
        name: Table of the contracts.
        mapping: How it becomes one.
        files: Its files, or the DuckDB file it is in.
        table: Its name in a DuckDB file; None for files.
        server_table: Its name on a server, whose rows are in ``files``; None for files.
        joined: File of its join (a DuckDB file where ``table`` is set), or None.
    """

    name: str
    mapping: TableMapping
    files: tuple[Path, ...]
    table: str | None = None
    server_table: str | None = None
    joined: Path | None = None


def read_located(located: Located, *, work: Path) -> RawTable:
    """Read a table that was found."""
    if located.table is not None:
        return read_duckdb_table(located.files[0], table=located.table, name=located.name, work=work)
    mapping = located.mapping
    raw = read_files(located.files, name=located.name, work=work, mapping=mapping, sheet=mapping.sheet)
    return raw if located.server_table is None else replace(raw, file=located.server_table, how="PostgreSQL")


def read_joined(located: Located, *, work: Path) -> RawTable | None:
    """Read the table that is joined to it, if there is one."""
    join = located.mapping.join
    if located.joined is None or join is None:
        return None
    name = f"{located.name}.join"
    if located.table is not None:
        return read_duckdb_table(located.joined, table=join.file, name=name, work=work)
    return read_files((located.joined,), name=name, work=work, mapping=TableMapping(), sheet=join.sheet)


def locate(
    source: DataSource,
    *,
    base: Path,
    cache: Path,
    scratch: Path,
    progress: Callable[[str], None] | None = None,
) -> tuple[Located, ...]:
    """Find the tables of a source.

    Args:
        source: The ``data:`` block of the book.
        base: Folder that relative paths start from.
        cache: Folder of caches, for synthetic brands.
        scratch: Folder for what comes from a server; the caller removes it.
        progress: Called with a line of text per slow step.

    Raises:
        BookError: If the source is named wrongly.
        DataError: If it is not there, or holds none of the tables.
    """
    if source.source.startswith(SERVER_PREFIX):
        return _in_server(source, scratch=scratch, progress=progress)
    if source.source.startswith(DEMO_PREFIX):
        return _in_folder(_demo(source, cache=cache, progress=progress), source)
    if "://" in source.source:
        raise BookError(
            "data.source: a database URL does not belong in a book, it may hold a password.",
            hint="put it into an environment variable and write source: env:SHOP_DB",
        )
    place = _place(source, base=base)
    if place.is_dir():
        return _in_folder(place, source)
    if place.suffix.lower() in DUCKDB_SUFFIXES:
        return _in_duckdb(place, source)
    raise DataError(
        f"data.source: {place.name} is neither a folder nor a DuckDB file ({', '.join(DUCKDB_SUFFIXES)}).",
        hint=f"name its folder as source, and the file itself: tables: {{orders: {{file: {place.name}}}}}",
    )


def source_folder(source: DataSource, *, base: Path) -> Path | None:
    """Return the folder of a source that is one, or None.

    Raises:
        DataError: If it is a path and nothing is there.
    """
    if source.source.startswith((SERVER_PREFIX, DEMO_PREFIX)) or "://" in source.source:
        return None
    place = _place(source, base=base)
    return place if place.is_dir() else None


def _place(source: DataSource, *, base: Path) -> Path:
    try:
        path = Path(source.source).expanduser()
        candidates = [path] if path.is_absolute() else list(dict.fromkeys([base / path, Path.cwd() / path]))
        found = next((candidate for candidate in candidates if candidate.exists()), None)
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, a home that nobody has
        raise BookError(
            f"data.source: '{source.source[:60]}' is no path: {_why(error)}.", hint="give a folder of files"
        ) from None
    if found is not None:
        return found
    tried = " or ".join(str(candidate) for candidate in candidates)
    raise DataError(
        f"data.source: there is nothing at {tried}.",
        hint="give a folder of CSV, TSV, XLSX or Parquet files, a DuckDB file, demo/<brand>, or env:NAME",
    )


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _wanted(source: DataSource) -> dict[str, TableMapping]:
    """Tables to look for, with the book's words about them."""
    mappings = {name: source.tables.get(name, TableMapping()) for name in CONTRACTS}
    return {name: mapping for name, mapping in mappings.items() if mapping is not None}


def _in_folder(folder: Path, source: DataSource) -> tuple[Located, ...]:
    found = []
    for name, mapping in _wanted(source).items():
        files = _files(folder, name, mapping)
        if files:
            joined = _inside(folder, mapping.join.file, table=name) if mapping.join else None
            found.append(Located(name=name, mapping=mapping, files=files, joined=joined))
    if not found:
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:12]) or "nothing"
        raise DataError(
            f"None of the tables is in {folder}; it holds {there}.",
            hint="name the file of the orders in the book: data: {tables: {orders: {file: …}}}",
        )
    return tuple(found)


def _files(folder: Path, name: str, mapping: TableMapping) -> tuple[Path, ...]:
    if mapping.file is not None:
        names = (mapping.file,) if isinstance(mapping.file, str) else mapping.file
        return tuple(_inside(folder, one, table=name) for one in names)
    there = {path.name.casefold(): path for path in folder.iterdir()}
    for suffix in SUFFIXES:
        if f"{name}{suffix}" in there:
            return (there[f"{name}{suffix}"],)
    return ()


def _inside(folder: Path, file: str, *, table: str) -> Path:
    try:
        inside = (folder / file).resolve().is_relative_to(folder.resolve())
        (folder / file).exists()
    except (OSError, ValueError, RuntimeError) as error:  # a zero byte, too long a name, links in a circle
        raise BookError(
            f"data.tables.{table}: '{file[:60]}' is no name of a file: {_why(error)}.",
            hint="name a file inside the folder of data.source",
        ) from None
    if not inside:
        raise BookError(
            f"data.tables.{table}: the file '{file}' lies outside the source.",
            hint="name a file inside the folder of data.source",
        )
    return folder / file


def _in_duckdb(path: Path, source: DataSource) -> tuple[Located, ...]:
    with attached(path) as connection:
        rows = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'source' UNION ALL "
            "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'source' AND NOT internal"
        ).fetchall()
    there = {name for schema, table in rows for name in (f"{schema}.{table}", *((table,) if schema == "main" else ()))}
    found = []
    for name, mapping in _wanted(source).items():
        table = _table_name(name, mapping)
        if table in there:
            joined = path if mapping.join else None
            found.append(Located(name=name, mapping=mapping, files=(path,), table=table, joined=joined))
        elif mapping.file is not None:
            close = nearest(table, there)
            raise DataError(
                f"{name}: {path.name} has no table '{table}', it has {', '.join(sorted(there)) or 'none'}.",
                hint=f"did you mean '{close}'?" if close else f"correct data.tables.{name}.file in the book",
            )
    if not found:
        raise DataError(
            f"None of the tables is in {path.name}; it has {', '.join(sorted(there)) or 'none'}.",
            hint="name the table of the orders in the book: data: {tables: {orders: {file: …}}}",
        )
    return tuple(found)


def _table_name(name: str, mapping: TableMapping) -> str:
    if mapping.file is None:
        return name
    if isinstance(mapping.file, str):
        return mapping.file
    raise BookError(
        f"data.tables.{name}.file: a database has one table per name, not several.", hint="make a view of them there"
    )


def _in_server(source: DataSource, *, scratch: Path, progress: Callable[[str], None] | None) -> tuple[Located, ...]:
    if progress:
        progress(f"reading from {source.source}")
    wanted = _wanted(source)
    tables = {name: _table_name(name, mapping) for name, mapping in wanted.items()}
    joins = {f"{name}.join": mapping.join.file for name, mapping in wanted.items() if mapping.join}
    named = frozenset(name for name, mapping in wanted.items() if mapping.file is not None)
    named |= frozenset(f"{name}.join" for name in named if f"{name}.join" in joins)
    files = export_tables(source.source, tables={**tables, **joins}, required=named, folder=scratch)
    found = [
        Located(
            name=name,
            mapping=wanted[name],
            files=(file,),
            server_table=tables[name],
            joined=files.get(f"{name}.join"),
        )
        for name, file in files.items()
        if name in wanted
    ]
    if not found:
        raise DataError(
            f"None of the tables is in the database of {source.source}.",
            hint="name the table of the orders in the book: data: {tables: {orders: {file: …}}}",
        )
    return tuple(found)


def _demo(source: DataSource, *, cache: Path, progress: Callable[[str], None] | None) -> Path:
    from analysis.data import synthetic

    brand, size = source.source.removeprefix(DEMO_PREFIX), source.demo
    home = cache / "demo"
    folder = home / f"{brand}-{size.customers}-{size.seed}"
    done = folder / ".complete"
    version = _code_digest(Path(synthetic.__file__).parent)
    if done.exists() and done.read_text(encoding="utf-8") == version:
        return folder
    if progress:
        progress(f"generating {brand}: {size.customers:,} customers")
    home.mkdir(parents=True, exist_ok=True)
    with growing(home, ".growing-") as work:
        made = work / brand
        synthetic.generate(brand, customers=size.customers, seed=size.seed, out=made)
        (made / done.name).write_text(version, encoding="utf-8")
        with one_at_a_time(home):
            if not (
                done.exists() and done.read_text(encoding="utf-8") == version
            ):  # else another run made it meanwhile
                discard(folder)
                made.replace(folder)
    return folder


def _code_digest(package: Path) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for module in [package.parent / "contracts.py", *sorted(package.glob("*.py"))]:
        digest.update(module.read_bytes())
    return digest.hexdigest()
