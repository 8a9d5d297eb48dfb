"""The lists staff send from: one per member of staff and day, as CSV and XLSX, with a checksum of every file.

A list holds pseudonymous keys only. Its columns are those of the table ``touches``, so the next run can read what was
planned, and beside each customer the reason and what to say.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from analysis.checks import columns_present
from analysis.numerals import guard_formula

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
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    headings = [guard_formula(heading(name)) for name in LIST_COLUMNS]
    # sorted and guarded once for all: a large brand has thousands of lists of twenty rows
    ordered = touches.sort_values(["send_hour", "channel", "customer_id", "touch_id"])
    lists = _guarded(ordered[list(LIST_COLUMNS)])
    staff = ordered["staff_id"].fillna(SYSTEM).astype(str)
    for (day, member), guarded in lists.groupby([ordered["day"].astype(str), staff], sort=True):
        place = folder / file_stem(str(day))
        place.mkdir(exist_ok=True)
        stem = place / file_stem(str(member))
        path = stem.with_suffix(".csv")
        guarded.to_csv(path, index=False, header=headings, encoding="utf-8-sig", lineterminator="\r\n")
        written += [path, _workbook(guarded, stem.with_suffix(".xlsx"), headings=headings, created=created)]
    sums = folder / CHECKSUMS
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n" for path in written
    ]
    sums.write_text("".join(lines), encoding="utf-8")
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


def _guarded(table: pd.DataFrame) -> pd.DataFrame:
    guarded = table.copy()
    for column in guarded.columns:
        if guarded[column].dtype.kind not in "iufb":
            guarded[column] = [_plain(str(text)) if pd.notna(text) else "" for text in guarded[column]]
    return guarded


def _plain(text: str) -> str:
    """Return a text on one line that no spreadsheet takes for a formula."""
    return guard_formula(" ".join(text.split()))


def _workbook(table: pd.DataFrame, path: Path, *, headings: Sequence[str], created: dt.date) -> Path:
    import xlsxwriter

    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"created": dt.datetime.combine(created, dt.time())})
        sheet = book.add_worksheet("touches")
        bold, wrap = book.add_format({"bold": True, "bottom": 1}), book.add_format({"text_wrap": True, "valign": "top"})
        for at, name in enumerate(table.columns):
            sheet.set_column(at, at, _WIDTHS.get(name, 14))
            sheet.write_string(0, at, headings[at], bold)
        for row, values in enumerate(table.itertuples(index=False), start=1):
            for at, value in enumerate(values):
                _write(sheet, (row, at), value, wrap)
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, max(len(table), 1), len(headings) - 1)
    return path


def _write(sheet: Any, place: tuple[int, int], value: Any, style: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(*place, value, style)
    elif value is not None and value == value:  # noqa: PLR0124 - NaN is not itself
        sheet.write_number(*place, float(value), style)
