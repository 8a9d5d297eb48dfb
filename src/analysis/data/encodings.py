"""Which encoding a text file has: byte order mark, strict UTF-8, UTF-16 by its zero bytes, strict GB18030, or none.

Statistical detectors are not used: on Chinese exports they answer Korean. Decoding is strict, so a
file that no encoding fits is an error that says what was tried, not a column of question marks.
"""

import codecs
from pathlib import Path
from typing import Final

from analysis.errors import DataError

__all__ = ["as_utf8", "detect_encoding", "refuse_encoding"]

_BLOCK: Final = 1 << 22
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def detect_encoding(path: Path, *, name: str) -> str:
    """Return the encoding of a text file, as Python names it.

    Args:
        path: The file.
        name: Table it is read for, for messages.

    Raises:
        DataError: If none fits, with the file and what was tried.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            _decode(path, encoding=encoding, name=name)
            return encoding
    zeros = (start[0::2].count(0), start[1::2].count(0))
    if sum(zeros) > len(start) // 8:
        candidates = ["utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"]
    else:
        candidates = ["utf-8", "gb18030"]
    tried = []
    for encoding in candidates:
        problem = _problem(path, encoding=encoding)
        if problem is None:
            return encoding
        tried.append(f"{encoding.upper()} ({problem})")
    raise DataError(
        f"{name}: the text of {path.name} cannot be read; tried {', '.join(tried)}.",
        hint="export the table again, as UTF-8 if you can; West European text: encoding: windows-1252 in the book",
    )


def _decode(path: Path, *, encoding: str, name: str) -> None:
    problem = _problem(path, encoding=encoding)
    if problem is not None:
        raise DataError(
            f"{name}: {path.name} cannot be read as {encoding.upper()}: {problem}.", hint="export the table again"
        )


def refuse_encoding(path: Path, *, encoding: str, name: str) -> None:
    """Stop if a file is not in the encoding that the book names.

    Raises:
        DataError: If there is no such encoding of text, or the file does not fit it.
    """
    try:
        codecs.lookup(encoding)
        problem = _problem(path, encoding=encoding)
    except (LookupError, ValueError, TypeError) as error:  # a codec that is none of text is known, and fails in use
        problem = str(error) or "no encoding of text"
    if problem is not None:
        raise DataError(
            f"{name}: {path.name} cannot be read as {encoding}: {problem}.",
            hint="correct 'encoding' in the book, or leave it out: it is found by itself",
        )


def _problem(path: Path, *, encoding: str) -> str | None:
    """Return what is wrong with a file in an encoding, or None."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset = 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return f"byte {error.object[error.start]:#04x} near position {offset + error.start:,}"
            if "\0" in text:
                return f"a zero byte near position {offset + block.find(0):,}"
            if not block:
                return None
            offset += len(block)


def as_utf8(path: Path, *, encoding: str, target: Path, name: str) -> Path:
    """Return the file in UTF-8 without a mark: itself where it is so already, else a copy at ``target``.

    Raises:
        DataError: If an encoding that the book names does not fit.
    """
    if encoding in {"utf-8", "utf-8-sig"}:
        return path
    try:
        with path.open(encoding=encoding, newline="") as source, target.open("w", encoding="utf-8", newline="") as copy:
            while block := source.read(_BLOCK):
                copy.write(block)
    except (UnicodeError, LookupError) as error:
        raise DataError(
            f"{name}: {path.name} cannot be read as {encoding}: {error}.", hint="check 'encoding'"
        ) from None
    return target
