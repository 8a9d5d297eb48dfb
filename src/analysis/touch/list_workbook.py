"""Workbooks of lists, by the thousand: what is the same in each is made once, and only its rows are written.

A large brand has a list for each member of staff and day. A library that builds each workbook from nothing spends
most of its time on what they share; here it builds one, and every list is that one with other rows.
"""

import datetime as dt
import io
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final
from zipfile import ZipFile

import pandas as pd

__all__ = ["Workbooks", "workbook_rows"]

_SHEET: Final = "xl/worksheets/sheet1.xml"
_BOOK: Final = "xl/workbook.xml"
_STYLE: Final = 2
"""Number of the wrapped style in every workbook: the plain and the bold one come before it."""
_ROW: Final = "\0"
"""Stands for the number of the row until it is known; no text that XML allows holds it."""
_PLAIN: Final = re.compile("(?:[A-Za-z0-9 :.@-]|_(?!x))*")
_ESCAPED: Final = re.compile("(_x[0-9a-fA-F]{4}_)")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_LIGHT: Final = 1
"""How hard a list is compressed: thousands of small files cost more work than they would save room."""
_NO_DATE: Final = (0, 1 << 5 | 1)
"""Time and day, the first there is, of the files in an archive: the same rows give the same bytes."""
_VERSION: Final = 20
_MADE_BY: Final = bytes((_VERSION, 3))
_TOLD: Final = struct.Struct("<5H3I2H")
"""Of a file in an archive: version, flags, method, time, day, checksum, sizes, length of its name and of extras."""
_ALSO_LISTED: Final = struct.Struct("<3H2I")
"""In the list of contents also: length of the comment, disk, kind, permissions, place."""
_END: Final = struct.Struct("<4s4H2IH")


@dataclass(frozen=True, slots=True)
class Workbooks:
    """Workbooks of one layout.

    Attributes:
        shared: Start of an archive: the parts that all have in common.
        listed: What the archive's list of contents says of them.
        n_shared: How many they are.
        book: The part that names the sheet, and the range of its filter.
        before: The sheet up to its heading.
        after: The sheet behind its rows.
        last: Letters of the last column.
    """

    shared: bytes
    listed: bytes
    n_shared: int
    book: str
    before: str
    after: str
    last: str

    @classmethod
    def of(cls, headings: Sequence[str], *, widths: Sequence[float], sheet: str, created: dt.date) -> "Workbooks":
        """Return workbooks with these headings above their columns.

        Args:
            headings: What stands above each column.
            widths: Width of each column, characters.
            sheet: Name of the sheet.
            created: Day written into the workbooks.
        """
        from xlsxwriter.utility import xl_col_to_name

        parts = _empty_book(headings, widths=widths, sheet=sheet, created=created)
        sheet_part, book = parts.pop(_SHEET).decode(), parts.pop(_BOOK).decode()
        heading, _, rest = sheet_part.partition("</row>")
        shared, listed = b"", b""
        for name, content in parts.items():
            entry, told = _zipped(name, content, at=len(shared), level=zlib.Z_BEST_COMPRESSION)
            shared, listed = shared + entry, listed + told
        after = rest[rest.index("</sheetData>") :]
        last = xl_col_to_name(len(headings) - 1)
        return cls(shared, listed, len(parts), book, f"{heading}</row>", after, last)

    def written(self, rows: Sequence[str]) -> bytes:
        """Return the workbook with these rows, at least one, as ``workbook_rows`` made them."""
        here, there = f"A1:{self.last}2", f"A1:{self.last}{len(rows) + 1}"
        numbered = "".join(row.replace(_ROW, str(number)) for number, row in enumerate(rows, start=2))
        sheet = f"{self.before.replace(here, there)}{numbered}{self.after.replace(here, there)}"
        book = self.book.replace(f"$A$1:${self.last}$2", f"$A$1:${self.last}${len(rows) + 1}")
        named, told = _zipped(_BOOK, book.encode(), at=len(self.shared))
        filled, told_too = _zipped(_SHEET, sheet.encode(), at=len(self.shared) + len(named))
        listed = self.listed + told + told_too
        start, n = len(self.shared) + len(named) + len(filled), self.n_shared + 2
        end = _END.pack(b"PK\5\6", 0, 0, n, n, len(listed), start, 0)
        return b"".join((self.shared, named, filled, listed, end))


def workbook_rows(table: pd.DataFrame) -> list[str]:
    """Return each row of a table as it stands in a sheet, but for its number; missing numbers are left out."""
    from xlsxwriter.utility import xl_col_to_name

    cells = []
    for at, column in enumerate(table.columns):
        values = table[column].tolist()
        made = _cells(set(values), letters=xl_col_to_name(at))
        cells.append([made[value] if value == value else "" for value in values])  # noqa: PLR0124 - NaN is not itself
    start = f'<row r="{_ROW}" spans="1:{len(cells)}">'
    return [f"{start}{''.join(row)}</row>" for row in zip(*cells, strict=True)]


def _cells(values: set[object], *, letters: str) -> Mapping[object, str]:
    start = f'<c r="{letters}{_ROW}" s="{_STYLE}"'
    return {value: f"{start}{_content(value)}" for value in values}


def _content(value: object) -> str:
    if not isinstance(value, str):
        return f"><v>{float(value):.16G}</v></c>" if value is not None else "/>"  # type: ignore[arg-type]  # a number
    return f' t="inlineStr"><is><t>{_escaped(value)}</t></is></c>' if value else "/>"


def _escaped(text: str) -> str:
    """Return a text for XML; spreadsheets read ``_x0007_`` as the control character that XML cannot hold."""
    if _PLAIN.fullmatch(text):
        return text
    plain = _ESCAPED.sub(r"_x005F\1", text)
    return escape(_CONTROLS.sub(lambda found: f"_x{ord(found[0]):04X}_", plain), quote=False)


def _zipped(name: str, content: bytes, *, at: int, level: int = _LIGHT) -> tuple[bytes, bytes]:
    """Return a file as it lies in an archive at that byte, and what the list of contents says of it.

    The library for archives takes longer to open and close one than a list of twenty rows takes to be written.

    References:
        PKWARE, APPNOTE.TXT: .ZIP File Format Specification, sections 4.3.7 and 4.3.12.
    """
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed, path = packer.compress(content) + packer.flush(), name.encode()
    told = _TOLD.pack(
        _VERSION, 0, zlib.DEFLATED, *_NO_DATE, zlib.crc32(content), len(packed), len(content), len(path), 0
    )
    listed = _ALSO_LISTED.pack(0, 0, 0, 0o600 << 16, at)
    entry = b"".join((b"PK\3\4", told, path, packed))
    return entry, b"".join((b"PK\1\2", _MADE_BY, told, listed, path))


def _empty_book(headings: Sequence[str], *, widths: Sequence[float], sheet: str, created: dt.date) -> dict[str, bytes]:
    """Return the parts of a workbook with a heading and one empty row."""
    import xlsxwriter

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        book.set_properties({"created": dt.datetime.combine(created, dt.time())})
        page = book.add_worksheet(sheet)
        bold, wrap = book.add_format({"bold": True, "bottom": 1}), book.add_format({"text_wrap": True, "valign": "top"})
        for at, (heading, width) in enumerate(zip(headings, widths, strict=True)):
            page.set_column(at, at, width)
            page.write_string(0, at, heading, bold)
            page.write_blank(1, at, None, wrap)
        page.freeze_panes(1, 2)
        page.autofilter(0, 0, 1, len(headings) - 1)
    with ZipFile(target) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
