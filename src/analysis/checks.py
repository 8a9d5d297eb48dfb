"""Checks of arguments: each returns what it was given, or says what was found and allowed."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from analysis.errors import AnalysisError

__all__ = ["columns_present", "nearest", "one_of", "positive", "share"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like ``name``, or None if none is alike."""
    known = list(known)
    folded = {k.casefold(): k for k in known}
    matches = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def one_of(value: str, *, allowed: Collection[str], what: str) -> str:
    """Return ``value`` if it is allowed.

    Raises:
        AnalysisError: Otherwise, naming the nearest allowed value.
    """
    if value in allowed:
        return value
    close = nearest(value, allowed)
    hint = f"did you mean '{close}'?" if close else ""
    raise AnalysisError(f"Unknown {what} '{value}', allowed are {', '.join(sorted(allowed))}.", hint=hint)


def positive(value: float, *, what: str) -> float:
    """Return ``value`` if it is above zero.

    Raises:
        AnalysisError: Otherwise.
    """
    if value > 0:
        return value
    raise AnalysisError(f"{what} must be above zero, got {value}.")


def share(value: float, *, what: str) -> float:
    """Return ``value`` if it is within 0-1.

    Raises:
        AnalysisError: Otherwise.
    """
    if 0 <= value <= 1:
        return value
    raise AnalysisError(f"{what} must be a share within 0-1, got {value}.")


def columns_present(found: Iterable[str], *, needed: Iterable[str], table: str) -> None:
    """Check that a table has the columns that a computation needs.

    Raises:
        AnalysisError: If some are missing, naming them.
    """
    found = list(found)
    missing = [column for column in needed if column not in found]
    if missing:
        raise AnalysisError(f"'{table}' lacks {', '.join(missing)}; it has {', '.join(found)}.")
