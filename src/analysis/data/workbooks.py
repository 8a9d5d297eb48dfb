"""XLSX: the first sheet and those like it, each cell as the text that a reader would expect.

Cells have types of their own; they are written out as text again, so that one set of rules reads all
sources: dates as ISO, whole numbers without ``.0``, and a number of more than 15 digits, whose last
digits Excel has replaced by zeros, in the scientific form that loading rejects for an id.
"""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from analysis.errors import DataError

__all__ = ["SheetRows", "cell_text", "read_workbook"]

_CHUNK: Final = 50_000
_EXACT_DIGITS: Final = 10**15
"""Excel keeps 15 digits of a number."""


class SheetRows(NamedTuple):
    """What reading a workbook left: as ``TextRows``, with the sheets that were read and those left out."""

    how: str
    headers: tuple[str, ...]
    n_rows: int
    left_out: tuple[str, ...]


def read_workbook(
    path: Path, *, name: str, target: Path, sheets: tuple[str, ...] = (), skip_rows: int = 0
) -> SheetRows:
    """Read sheets with the same header into Parquet at ``target``, every cell as text.

    Args:
        path: The XLSX file.
        name: Table it is read for, for messages.
        target: Parquet file to write.
        sheets: Sheets to read; empty: the first one with rows, and all others with the same header.
        skip_rows: Rows of preamble before the header.

    Raises:
        DataError: If the file or a sheet cannot be read.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        return _read_sheets(book, path, name=name, target=target, sheets=sheets, skip_rows=skip_rows)
    except (CalamineError, OSError) as error:
        raise DataError(
            f"{name}: {path.name} cannot be read as XLSX: {error}.", hint="save it again as .xlsx"
        ) from None


def _read_sheets(
    book: Any, path: Path, *, name: str, target: Path, sheets: tuple[str, ...], skip_rows: int
) -> SheetRows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    chosen, left_out = _choose(book, path=path, name=name, sheets=sheets, skip_rows=skip_rows)
    headers = chosen[0][1]
    schema = pa.schema([(header, pa.string()) for header in headers])
    n_rows = 0
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        for sheet, _ in chosen:
            for columns in _chunks(book, sheet, width=len(headers), skip=skip_rows + 1):
                batch = pa.record_batch([pa.array(cells, pa.string()) for cells in columns], schema=schema)
                writer.write_batch(batch)
                n_rows += batch.num_rows
    how = "XLSX, " + ", ".join(sheet for sheet, _ in chosen)
    return SheetRows(how, headers, n_rows, left_out)


def _choose(
    book: Any, *, path: Path, name: str, sheets: tuple[str, ...], skip_rows: int
) -> tuple[list[tuple[str, tuple[str, ...]]], tuple[str, ...]]:
    from analysis.data.text_files import unique_headers

    there = list(book.sheet_names)
    for sheet in sheets:
        if sheet not in there:
            raise DataError(
                f"{name}: {path.name} has no sheet '{sheet}', it has {', '.join(there)}.", hint="correct 'sheet'"
            )
    found = []
    for sheet in sheets or there:
        rows = _rows(book, sheet)
        header = next(
            (row for number, row in enumerate(rows) if number >= skip_rows and any(c != "" for c in row)), None
        )
        if header is not None:
            found.append((sheet, unique_headers([cell_text(cell) for cell in header])))
    if not found:
        raise DataError(f"{name}: {path.name} has no header and no rows.", hint="export it again")
    same = [entry for entry in found if entry[1] == found[0][1]]
    left_out = tuple(sheet for sheet, header in found if header != found[0][1])
    if sheets and left_out:
        raise DataError(
            f"{name}: the sheets {', '.join(sheets)} of {path.name} have different headers.", hint="name one sheet"
        )
    return same, left_out


def _rows(book: Any, sheet: str) -> Iterator[list[Any]]:
    return iter(book.get_sheet_by_name(sheet).iter_rows())


def _chunks(book: Any, sheet: str, *, width: int, skip: int) -> Iterator[list[list[str]]]:
    columns: list[list[str]] = [[] for _ in range(width)]
    started = False
    for number, row in enumerate(_rows(book, sheet)):
        if not any(cell != "" for cell in row):
            continue
        if not started:
            started = number + 1 >= skip
            continue
        for cells, cell in zip(columns, [*row, *[""] * (width - len(row))], strict=False):
            cells.append(cell_text(cell))
        if len(columns[0]) >= _CHUNK:
            yield columns
            columns = [[] for _ in range(width)]
    if columns[0]:
        yield columns


def cell_text(cell: object) -> str:
    """Return a cell as text.

    Examples:
        >>> cell_text(7.0), cell_text(2.5), cell_text(6921168509256.0)
        ('7', '2.5', '6921168509256')
        >>> cell_text(6926123456789012345.0)
        '6.92612345678901E+18'
        >>> cell_text(datetime(2024, 1, 5, 8, 3))
        '2024-01-05 08:03:00'
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float):
        if cell != int(cell):
            return repr(cell)
        return str(int(cell)) if abs(cell) < _EXACT_DIGITS else f"{cell:.14E}"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
