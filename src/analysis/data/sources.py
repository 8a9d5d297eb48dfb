"""Where the tables of a book are: a folder, a DuckDB file, a server, or a synthetic brand."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analysis.data.contracts import CONTRACTS
from analysis.data.mapping import DataSource, TableMapping
from analysis.errors import BookError, DataError

__all__ = ["DEMO_PREFIX", "Located", "locate"]

DEMO_PREFIX: Final = "demo/"
SUFFIXES: Final = (".parquet", ".csv", ".tsv", ".xlsx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One table that the source has.

    Attributes:
        name: Table of the contracts.
        mapping: How it becomes one.
        files: Its files.
        joined: File of its join, or None.
    """

    name: str
    mapping: TableMapping
    files: tuple[Path, ...]
    joined: Path | None = None


def locate(
    source: DataSource, *, base: Path, cache: Path, progress: Callable[[str], None] | None = None
) -> tuple[Located, ...]:
    """Find the tables of a source.

    Raises:
        BookError: If the source is named wrongly.
        DataError: If it is not there, or holds none of the tables.
    """
    folder = _folder(source, base=base, cache=cache, progress=progress)
    found = []
    for name in CONTRACTS:
        mapping = source.tables.get(name, TableMapping())
        if mapping is None:
            continue
        files = _files(folder, name, mapping)
        if files:
            joined = folder / mapping.join.file if mapping.join else None
            found.append(Located(name=name, mapping=mapping, files=files, joined=joined))
    if not found:
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:12]) or "nothing"
        raise DataError(
            f"None of the tables is in {folder}; it holds {there}.",
            hint="name the file of the orders: data: {tables: {orders: {file: …}}}",
        )
    return tuple(found)


def _folder(source: DataSource, *, base: Path, cache: Path, progress: Callable[[str], None] | None) -> Path:
    if source.source.startswith(DEMO_PREFIX):
        return _demo(source, cache=cache, progress=progress)
    path = Path(source.source).expanduser()
    candidates = [path] if path.is_absolute() else [base / path, Path.cwd() / path]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    tried = " or ".join(str(candidate) for candidate in candidates)
    raise DataError(f"data.source: there is no folder {tried}.", hint="give a folder, demo/<brand>, or env:NAME")


def _demo(source: DataSource, *, cache: Path, progress: Callable[[str], None] | None) -> Path:
    from analysis.data.synthetic import generate

    brand = source.source.removeprefix(DEMO_PREFIX)
    folder = cache / "demo" / f"{brand}-{source.demo.customers}-{source.demo.seed}"
    done = folder / ".complete"
    if not done.exists():
        if progress:
            progress(f"generating {brand}: {source.demo.customers:,} customers")
        folder.mkdir(parents=True, exist_ok=True)
        generate(brand, customers=source.demo.customers, seed=source.demo.seed, out=folder)
        done.touch()
    return folder


def _files(folder: Path, name: str, mapping: TableMapping) -> tuple[Path, ...]:
    if mapping.file is not None:
        names = (mapping.file,) if isinstance(mapping.file, str) else mapping.file
        for one in names:
            if not (folder / one).resolve().is_relative_to(folder.resolve()):
                raise BookError(f"data.tables.{name}.file: '{one}' lies outside the source.", hint="name a file in it")
        return tuple(folder / one for one in names)
    for suffix in SUFFIXES:
        if (folder / f"{name}{suffix}").exists():
            return (folder / f"{name}{suffix}",)
    return ()
