"""Errors a user can act on: what was found, what was allowed, what to do.

Each class carries the exit code of the command line, so a scheduler can tell a bad book from
bad data without reading a log. Nothing in the project raises a bare ``Exception`` or asserts on data.
"""

__all__ = [
    "AnalysisError",
    "BookError",
    "DataError",
    "MissingTableError",
    "PageError",
    "PublishError",
    "RunInProgressError",
    "SiyuError",
    "TooFewError",
]


class SiyuError(Exception):
    """Base of all errors that are shown to a user without a traceback.

    Args:
        found: One sentence: what was found and what was allowed.
        hint: What the reader can do about it; empty if there is nothing to add.
    """

    exit_code = 1

    def __init__(self, found: str, *, hint: str = "") -> None:
        self.found = found
        self.hint = hint
        super().__init__(f"{found}\nHint: {hint}" if hint else found)


class AnalysisError(SiyuError):
    """An argument or a table does not allow the computation that was asked for."""


class PageError(SiyuError):
    """A notebook failed, or the deadline passed (exit 1)."""


class BookError(SiyuError):
    """A book or its parameters are wrong (exit 2); nothing was run."""

    exit_code = 2


class DataError(SiyuError):
    """The data cannot be used as they are (exit 3)."""

    exit_code = 3


class MissingTableError(AnalysisError):
    """A recipe needs a table that the book's data do not have; the page says so and stays green."""

    def __init__(self, table: str, *, needed_by: str) -> None:
        self.table = table
        self.needed_by = needed_by
        super().__init__(
            f"'{needed_by}' needs the table '{table}', which this book's data do not have.",
            hint=f"add '{table}' to the data, or map it under data.tables in the book",
        )


class TooFewError(AnalysisError):
    """There are too few customers for a question; the page says so and stays green.

    Args:
        found: How many there are.
        needed: How many the question needs.
        came_back: Whether only customers with a second day of purchase count.
        needed_by: The recipe that asked.
    """

    def __init__(self, found: int, *, needed: int, needed_by: str, came_back: bool = False) -> None:
        self.customers = found
        self.needed = needed
        self.came_back = came_back
        whom = "customers who came back" if came_back else "customers"
        super().__init__(f"'{needed_by}' needs at least {needed} {whom}, these data have {found}.")


class PublishError(SiyuError):
    """The run could not be published (exit 4): disk or rights."""

    exit_code = 4


class RunInProgressError(SiyuError):
    """Another run of the same book is going on (exit 75, EX_TEMPFAIL)."""

    exit_code = 75
