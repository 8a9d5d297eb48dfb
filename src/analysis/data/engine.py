"""One way to open the database engine: in memory, times in UTC, and silent."""

from typing import Any

__all__ = ["open_engine"]


def open_engine() -> Any:
    """Return a DuckDB connection of its own that draws no progress bar.

    The engine draws one by itself where it believes a person is watching, which a notebook in a run looks like:
    it would fill the log.
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    return connection
