"""Names, texts and paths inside SQL, quoted: data and headers can never become code."""

from collections.abc import Iterable
from pathlib import Path

__all__ = ["literal", "literals", "parquet", "quoted"]


def quoted(name: str) -> str:
    """Return a column or table name as SQL.

    Examples:
        >>> print(quoted('a "b" c'))
        "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Return texts as a list in brackets, for IN."""
    return "(" + ", ".join(literal(text) for text in texts) + ")"


def parquet(path: Path, *, row_numbers: bool = False) -> str:
    """Return SQL that reads one Parquet file; brackets and stars in its path are not patterns."""
    exact = "".join(f"[{sign}]" if sign in "[*?" else sign for sign in str(path))
    return f"read_parquet({literal(exact)}{', file_row_number = true' if row_numbers else ''})"
