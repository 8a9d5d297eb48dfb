"""Read one table of a source as it is: every row, every column, nothing interpreted.

Text files become columns of text, so that ``007`` stays ``007``; files with types keep them. Rows
that do not fit the header are kept aside with their line, never skipped.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analysis.data.engine import open_engine
from analysis.data.mapping import TableMapping
from analysis.data.quoting import literal, parquet, quoted
from analysis.errors import DataError

if TYPE_CHECKING:
    from analysis.data.text_files import TextRows
    from analysis.data.workbooks import SheetRows

__all__ = ["SUFFIXES", "RawTable", "read_duckdb_table", "read_files"]

SUFFIXES: Final = (".parquet", ".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls")
DUCKDB_SUFFIXES: Final = (".duckdb", ".ddb", ".db")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A table as the source has it.

    Attributes:
        name: Table of the contracts that it is meant for.
        file: What to call its origin in messages.
        how: How it was read, for the accounting.
        paths: Parquet files with the rows that fit the header, in order.
        first_rows: Number of rows before each file.
        n_rows: Rows in all files.
        columns: (header, DuckDB type) in order.
        ragged: (row number or 0, text) of rows that do not fit the header.
        left_out: Sheets of a workbook that have another header.
    """

    name: str
    file: str
    how: str
    paths: tuple[Path, ...]
    first_rows: tuple[int, ...]
    n_rows: int
    columns: tuple[tuple[str, str], ...]
    ragged: tuple[tuple[int, str], ...] = field(default=())
    left_out: tuple[str, ...] = field(default=())

    @property
    def sql(self) -> str:
        """SQL of the rows; ``__row`` counts from 0 over all files."""
        parts = []
        for path, first in zip(self.paths, self.first_rows, strict=True):
            number = f"file_row_number + {first}" if first else "file_row_number"
            columns = f"* EXCLUDE (file_row_number), {number} AS __row"
            parts.append(f"SELECT {columns} FROM {parquet(path, row_numbers=True)}")
        return " UNION ALL BY NAME ".join(parts)

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers in order."""
        return tuple(header for header, _ in self.columns)


def read_files(
    files: tuple[Path, ...],
    *,
    name: str,
    work: Path,
    mapping: TableMapping,
    sheet: str | tuple[str, ...] | None = None,
) -> RawTable:
    """Read the files of one table, one after the other.

    Args:
        files: CSV, TSV, XLSX or Parquet files with the same columns.
        name: Table of the contracts.
        work: Folder for intermediate files.
        mapping: The book's words about the table.
        sheet: Sheets of an XLSX file.

    Raises:
        DataError: If one cannot be read, naming the file and what was tried.
    """
    parts = [
        _read_one(file, name=name, target=work / f"{name}.{number}.parquet", mapping=mapping, sheet=sheet)
        for number, file in enumerate(files)
    ]
    if len(parts) == 1:
        return parts[0]
    first_rows, total = [], 0
    for part in parts:
        first_rows.append(total)
        total += part.n_rows
    return RawTable(
        name=name,
        file=", ".join(part.file for part in parts),
        how="; ".join(dict.fromkeys(part.how for part in parts)),
        paths=tuple(path for part in parts for path in part.paths),
        first_rows=tuple(first_rows),
        n_rows=total,
        columns=_common_columns(parts, name=name),
        ragged=tuple(row for part in parts for row in part.ragged),
        left_out=tuple(sheet for part in parts for sheet in part.left_out),
    )


def _common_columns(parts: list[RawTable], *, name: str) -> tuple[tuple[str, str], ...]:
    """Return the columns of all files; where types differ they are read as text."""
    types: dict[str, str] = {}
    for part in parts:
        for header, kind in part.columns:
            if types.setdefault(header, kind) != kind:
                raise DataError(
                    f"{name}: column '{header}' is {types[header]} in {parts[0].file} but {kind} in {part.file}.",
                    hint="write the files with the same types, or as CSV",
                )
    return tuple(types.items())


def _read_one(
    path: Path, *, name: str, target: Path, mapping: TableMapping, sheet: str | tuple[str, ...] | None
) -> RawTable:
    if not path.exists():
        beside = path.parent.iterdir() if path.parent.is_dir() else ()
        there = ", ".join(sorted(other.name for other in beside)[:12]) or "nothing"
        raise DataError(
            f"{name}: there is no file {path.name} in {path.parent}, which holds {there}.",
            hint=f"correct data.tables.{name}.file in the book",
        )
    if path.stat().st_size == 0:
        raise DataError(f"{name}: {path.name} is empty (0 bytes).", hint="export the table again")
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _read_parquet(path, name=name)
    if suffix in {".xlsx", ".xlsm", ".xls"}:
        return _read_xlsx(path, name=name, target=target, mapping=mapping, sheet=sheet)
    if suffix not in SUFFIXES:
        raise DataError(
            f"{name}: {path.name} has an unknown ending, allowed are {', '.join(SUFFIXES)}.",
            hint="rename or convert it",
        )
    return _read_text(path, name=name, target=target, mapping=mapping)


def _read_parquet(path: Path, *, name: str) -> RawTable:
    import duckdb

    try:
        with open_engine() as connection:
            described = connection.execute(f"DESCRIBE SELECT * FROM {parquet(path)}").fetchall()
            n_rows = int(connection.execute(f"SELECT count(*) FROM {parquet(path)}").fetchall()[0][0])
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        raise DataError(
            f"{name}: {path.name} cannot be read as Parquet, it is damaged or was cut off: {first_line}",
            hint="copy or export the file again",
        ) from None
    columns = tuple((row[0], row[1]) for row in described)
    return RawTable(
        name=name, file=path.name, how="Parquet", paths=(path,), first_rows=(0,), n_rows=n_rows, columns=columns
    )


def _read_xlsx(
    path: Path, *, name: str, target: Path, mapping: TableMapping, sheet: str | tuple[str, ...] | None
) -> RawTable:
    from analysis.data.workbooks import read_workbook

    sheets = () if sheet is None else (sheet,) if isinstance(sheet, str) else sheet
    rows = read_workbook(path, name=name, target=target, sheets=sheets, skip_rows=mapping.skip_rows)
    return replace(_of_text(path, name=name, target=target, rows=rows), left_out=rows.left_out)


def _read_text(path: Path, *, name: str, target: Path, mapping: TableMapping) -> RawTable:
    from analysis.data.text_files import read_text_file

    rows = read_text_file(path, name=name, target=target, encoding=mapping.encoding, skip_rows=mapping.skip_rows)
    return replace(_of_text(path, name=name, target=target, rows=rows), ragged=rows.ragged)


def _of_text(path: Path, *, name: str, target: Path, rows: "TextRows | SheetRows") -> RawTable:
    """Return the table of a file whose cells were all written to ``target`` as text."""
    return RawTable(
        name=name,
        file=path.name,
        how=rows.how,
        paths=(target,),
        first_rows=(0,),
        n_rows=rows.n_rows,
        columns=tuple((header, "VARCHAR") for header in rows.headers),
    )


def read_duckdb_table(path: Path, *, table: str, name: str, work: Path) -> RawTable:
    """Read one table of a DuckDB file.

    Raises:
        DataError: If the file cannot be opened.
    """
    target = work / f"{name}.parquet"
    with attached(path) as connection:
        relation = ".".join(quoted(part) for part in ("source", *table.split(".")))
        connection.execute(f"COPY (FROM {relation}) TO {literal(str(target))} (FORMAT parquet)")
    raw = _read_parquet(target, name=name)
    return RawTable(
        name=name,
        file=f"{path.name}:{table}",
        how="DuckDB",
        paths=raw.paths,
        first_rows=(0,),
        n_rows=raw.n_rows,
        columns=raw.columns,
    )


def attached(path: Path) -> Any:
    """Return a connection with a DuckDB file attached read-only as ``source``.

    Raises:
        DataError: If it cannot be opened.
    """
    import duckdb

    connection = open_engine()
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS source (READ_ONLY)")
    except duckdb.Error as error:
        connection.close()
        raise DataError(
            f"{path.name} cannot be opened as a DuckDB file: {str(error).splitlines()[0]}",
            hint="close the program that writes to it, or copy the file again",
        ) from None
    return connection
