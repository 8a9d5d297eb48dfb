"""Read one table of a source into Parquet as it is: every row, every column, nothing interpreted.

Text files become columns of text, so that ``007`` stays ``007``; files with types keep them. Rows
that do not fit the header are kept aside with their line, never skipped.
"""

from dataclasses import dataclass, field
from pathlib import Path

from analysis.data.quoting import parquet
from analysis.errors import DataError

__all__ = ["SUFFIXES", "RawTable", "read_file"]

SUFFIXES = (".parquet", ".csv", ".tsv", ".txt", ".xlsx")


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
        ragged: (row number, text) of rows that do not fit the header.
    """

    name: str
    file: str
    how: str
    paths: tuple[Path, ...]
    first_rows: tuple[int, ...] = (0,)
    n_rows: int
    columns: tuple[tuple[str, str], ...]
    ragged: tuple[tuple[int, str], ...] = field(default=())

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
    def is_text(self) -> bool:
        """Whether any column is text that must be parsed."""
        return any(kind == "VARCHAR" for _, kind in self.columns)


def read_file(path: Path, *, name: str, work: Path) -> RawTable:
    """Read one file.

    Raises:
        DataError: If it cannot be read, naming the file and what was tried.
    """
    if not path.exists():
        raise DataError(f"{name}: there is no file {path.name} in {path.parent}.", hint="check data.tables in the book")
    if path.stat().st_size == 0:
        raise DataError(f"{name}: {path.name} is empty (0 bytes).", hint="export the table again")
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _read_parquet(path, name=name)
    return _read_delimited(path, name=name, work=work)


def _read_parquet(path: Path, *, name: str) -> RawTable:
    import duckdb

    try:
        with duckdb.connect() as connection:
            described = connection.execute(f"DESCRIBE SELECT * FROM {parquet(path)}").fetchall()
            n_rows = connection.execute(f"SELECT count(*) FROM {parquet(path)}").fetchall()[0][0]
    except duckdb.Error as error:
        raise DataError(f"{name}: {path.name} cannot be read as Parquet: {error}", hint="copy the file again") from None
    columns = tuple((row[0], row[1]) for row in described)
    return RawTable(name=name, file=path.name, how="parquet", paths=(path,), n_rows=n_rows, columns=columns)


def _read_delimited(path: Path, *, name: str, work: Path) -> RawTable:
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    header = path.open(encoding="utf-8-sig").readline().strip().split(",")
    table = pacsv.read_csv(path, convert_options=pacsv.ConvertOptions(column_types={h: pa.string() for h in header}))
    target = work / f"{name}.raw.parquet"
    pq.write_table(table, target)
    return RawTable(
        name=name,
        file=path.name,
        how="csv",
        paths=(target,),
        n_rows=table.num_rows,
        columns=tuple((h, "VARCHAR") for h in table.column_names),
    )
