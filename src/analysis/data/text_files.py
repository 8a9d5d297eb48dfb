"""CSV and its relatives: found out, read strictly, nothing skipped.

The separator is the one that cuts most of the first lines into as many fields as the header; every
field stays text. A row with another number of fields is kept aside with its text.
"""

import csv
import io
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from analysis.data.encodings import as_utf8, detect_encoding, refuse_encoding
from analysis.errors import DataError

__all__ = ["Layout", "TextRows", "find_layout", "read_text_file", "unique_headers"]

_SEPARATORS: Final = (",", "\t", ";", "|")
_SAMPLE: Final = 1 << 18
_SAMPLE_ROWS: Final = 50
_BLOCK: Final = 1 << 25
"""Bytes read at once; no row may be longer."""
_NO_ROWS: Final = ("Empty CSV", "Could not skip initial")
"""What the reader says of a file that ends with its header."""
_NAMES: Final = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}


class Layout(NamedTuple):
    """How a text file is laid out.

    Attributes:
        separator: Between fields.
        headers: Unique names of the fields.
        skip: Physical lines before the first row.
    """

    separator: str
    headers: tuple[str, ...]
    skip: int


class TextRows(NamedTuple):
    """What reading a text file left.

    Attributes:
        how: Encoding and separator.
        headers: Names of the fields.
        n_rows: Rows written.
        ragged: (row number or 0, text) of rows that do not fit the header.
    """

    how: str
    headers: tuple[str, ...]
    n_rows: int
    ragged: tuple[tuple[int, str], ...]


def read_text_file(path: Path, *, name: str, target: Path, encoding: str | None = None, skip_rows: int = 0) -> TextRows:
    """Read a text file into Parquet at ``target``, every field as text.

    Raises:
        DataError: If its encoding is unknown, or it has no rows.
    """
    if encoding is None:
        encoding = detect_encoding(path, name=name)
    else:
        refuse_encoding(path, encoding=encoding, name=name)
    utf8 = as_utf8(path, encoding=encoding, target=target.with_suffix(".utf8"), name=name)
    layout = find_layout(utf8, name=name, skip_rows=skip_rows)
    n_rows, ragged = _convert(utf8, layout=layout, name=name, target=target)
    if utf8 != path:
        utf8.unlink()
    how = f"{encoding.removesuffix('-sig').upper()}, {_NAMES[layout.separator]}"
    return TextRows(how, layout.headers, n_rows, ragged)


def find_layout(path: Path, *, name: str, skip_rows: int = 0) -> Layout:
    """Return the layout of a file in UTF-8.

    Args:
        path: The file.
        name: Table it is read for, for messages.
        skip_rows: Lines of preamble before the header.

    Raises:
        DataError: If there is no header.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read(_SAMPLE)
        whole = not file.read(1)
    lines = text.splitlines(keepends=True)
    if not whole and len(lines) > 1:
        lines = lines[:-1]
    skip = skip_rows
    if len(lines) > skip and lines[skip].strip().lower().startswith("sep="):
        skip += 1
    while skip < len(lines) and not lines[skip].strip():
        skip += 1
    sample = "".join(lines[skip:])
    if not sample.strip():
        raise DataError(f"{name}: {path.name.removesuffix('.utf8')} has no header and no rows.", hint="export it again")
    csv.field_size_limit(max(csv.field_size_limit(), _SAMPLE))  # Python's own limit is lower than a long remark
    separator = max(_SEPARATORS, key=lambda sign: _agreement(sample, sign))
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    headers = next(reader)
    skip += reader.line_num
    rows = [row for row in islice(reader, _SAMPLE_ROWS) if row]
    if rows and all(len(row) == len(headers) + 1 and not row[-1] for row in rows):
        headers.append("")  # every row ends with one separator too many
    return Layout(separator, unique_headers(headers), skip)


def _agreement(sample: str, separator: str) -> tuple[float, int]:
    """Return the share of rows with as many fields as the header (0 for a single field), and that number."""
    try:
        rows = [row for row in islice(csv.reader(io.StringIO(sample, newline=""), delimiter=separator), 21) if row]
    except csv.Error:
        return (0.0, 0)
    width = len(rows[0])
    if width < 2:
        return (0.0, 0)
    same = sum(len(row) == width for row in rows[1:])
    return (round(same / max(len(rows) - 1, 1), 1), width)


def unique_headers(headers: list[str]) -> tuple[str, ...]:
    """Return headers stripped, unnamed ones numbered, repeated ones told apart."""
    seen: dict[str, int] = {}
    names = []
    for number, header in enumerate(headers, start=1):
        name = header.strip(" \t\r\n\u3000\u00a0") or f"column_{number}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(names)


def _convert(path: Path, *, layout: Layout, name: str, target: Path) -> tuple[int, tuple[tuple[int, str], ...]]:
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    ragged: list[tuple[int, str]] = []

    def keep(row: Any) -> str:
        ragged.extend((row.number or 0, line) for line in row.text.splitlines() or [""])
        return "skip"

    text = pa.string()
    schema = pa.schema([(header, text) for header in layout.headers])
    n_rows = 0
    try:
        with (
            pq.ParquetWriter(target, schema, compression="lz4", use_dictionary=True) as writer,
            pacsv.open_csv(
                path,
                read_options=pacsv.ReadOptions(
                    column_names=list(layout.headers), skip_rows=layout.skip, block_size=_BLOCK, use_threads=True
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=layout.separator, newlines_in_values=True, invalid_row_handler=keep
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=schema, strings_can_be_null=False, quoted_strings_can_be_null=False
                ),
            ) as reader,
        ):
            for batch in reader:
                writer.write_batch(batch)
                n_rows += batch.num_rows
    except pa.ArrowInvalid as error:
        if not any(said in str(error) for said in _NO_ROWS):
            raise DataError(f"{name}: {path.name} cannot be read: {error}.", hint="look for an open quote") from None
    return n_rows, tuple(ragged)
