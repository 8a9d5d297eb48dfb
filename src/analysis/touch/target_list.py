"""The lists staff send from: one per member of staff and day, as CSV and XLSX, with a checksum of every file.

A list holds pseudonymous keys only. Its columns are those of the table ``touches``, so the next run can read what was
planned, and beside each customer the reason and what to say.
"""

import codecs
import csv
import datetime as dt
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from analysis.checks import columns_present
from analysis.numerals import guard_formula
from analysis.touch.list_workbook import Workbooks, workbook_rows

__all__ = ["CHECKSUMS", "LIST_COLUMNS", "SYSTEM", "file_stem", "write_lists"]

CHECKSUMS: Final = "SHA256SUMS"
SYSTEM: Final = "system"
"""Who sends what needs no member of staff."""

LIST_COLUMNS: Final = (
    "send_hour",
    "customer_id",
    "contact_id",
    "channel_label",
    "message_label",
    "reason_text",
    "talking_point",
    "batch",
    "touch_id",
    "campaign_id",
    "channel",
    "template_id",
    "offer_id",
    "arm",
    "propensity",
    "staff_id",
    "staff_minutes",
    "assigned_at",
)
_SAFE: Final = re.compile(r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)$)[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
"""Plain names that are no device's on Windows."""
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
"""Ids, days and names: most of a list, and nothing in them could be taken for a formula."""
_WIDTHS: Final = {"reason_text": 44, "talking_point": 52, "touch_id": 22, "campaign_id": 26, "assigned_at": 20}


def write_lists(touches: pd.DataFrame, folder: Path, *, heading: Callable[[str], str], created: dt.date) -> list[Path]:
    """Write ``<folder>/<day>/<member of staff>.csv`` and ``.xlsx`` for each member and day, and the checksums.

    CSV is UTF-8 with a byte-order mark; numbers stay numbers, and no text can be taken for a formula. The same touches
    give the same bytes.

    Args:
        touches: One row per planned touch: ``day`` (ISO text) and ``LIST_COLUMNS``; ``staff_id`` is missing where
            the system sends.
        folder: Where to write.
        heading: Column → what stands above it.
        created: Day written into the workbooks.

    Returns:
        The files, the checksums last.

    Raises:
        AnalysisError: If a column is missing.
    """
    columns_present(touches.columns, needed=("day", *LIST_COLUMNS), table="touches")
    headings = [guard_formula(heading(name)) for name in LIST_COLUMNS]
    books = Workbooks.of(
        headings, widths=[_WIDTHS.get(name, 14) for name in LIST_COLUMNS], sheet="touches", created=created
    )
    # sorted, guarded and put into words once for all: a large brand has thousands of lists of twenty rows
    ordered = touches.sort_values(["send_hour", "channel", "customer_id", "touch_id"])
    guarded = _guarded(ordered[list(LIST_COLUMNS)])
    top, *lines = _csv_lines(headings, guarded)
    rows = workbook_rows(guarded)
    written: dict[Path, str] = {}
    for (day, member), at in _by_list(ordered).items():
        stem = folder / file_stem(day) / file_stem(member)
        stem.parent.mkdir(parents=True, exist_ok=True)
        listed = codecs.BOM_UTF8 + "".join([top, *(lines[row] for row in at)]).encode()
        for path, content in (
            (stem.with_suffix(".csv"), listed),
            (stem.with_suffix(".xlsx"), books.written([rows[row] for row in at])),
        ):
            path.write_bytes(content)
            written[path] = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    sums = folder / CHECKSUMS
    told = [f"{digest}  {path.relative_to(folder).as_posix()}\n" for path, digest in written.items()]
    sums.write_text("".join(told), encoding="utf-8")
    return [*written, sums]


def file_stem(name: str) -> str:
    """Return a file name for a key: the key itself if it is plain, else a digest. Data never becomes a path.

    Examples:
        >>> file_stem("s100000003"), file_stem("../../etc")
        ('s100000003', 'key-74ccf3c5b4c1')
    """
    if _SAFE.fullmatch(name):
        return name
    return f"key-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _by_list(ordered: pd.DataFrame) -> dict[tuple[str, str], list[int]]:
    """Return the rows of each list, by day and member of staff, in their order."""
    days, staff = ordered["day"].astype(str), ordered["staff_id"].fillna(SYSTEM).astype(str)
    found: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(days, staff, strict=True)):
        found.setdefault(key, []).append(row)
    return dict(sorted(found.items()))


def _csv_lines(headings: list[str], table: pd.DataFrame) -> list[str]:
    """Return the heading and each row as a line of CSV; missing numbers are empty."""
    lines: list[str] = []
    columns = [["" if value != value else value for value in table[name].tolist()] for name in table.columns]  # noqa: PLR0124 - NaN is not itself
    writer = csv.writer(_Lines(lines), lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows(zip(*columns, strict=True))
    return lines


@dataclass(frozen=True, slots=True)
class _Lines:
    """A file that keeps each line by itself."""

    lines: list[str]

    def write(self, line: str) -> None:
        self.lines.append(line)


def _guarded(table: pd.DataFrame) -> pd.DataFrame:
    guarded = table.copy()
    for column in guarded.columns:
        if guarded[column].dtype.kind not in "iufb" and not _are_keys(guarded[column]):
            plain = {text: _plain(str(text)) for text in set(guarded[column].dropna().tolist())}
            texts = [plain.get(text, "") for text in guarded[column].tolist()]
            guarded[column] = pd.Series(texts, guarded.index, dtype=object)
    return guarded


def _are_keys(column: "pd.Series[Any]") -> bool:
    """Return whether every text is one that needs no guard, seen at one go: most columns of a list are ids."""
    return isinstance(column.dtype, pd.StringDtype) and bool(
        column.str.fullmatch(_KEY.pattern).fillna(value=False).all()
    )


def _plain(text: str) -> str:
    """Return a text on one line that no spreadsheet takes for a formula."""
    return text if _KEY.fullmatch(text) else guard_formula(" ".join(text.split()))
