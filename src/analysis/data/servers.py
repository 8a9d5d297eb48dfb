"""A database server as a source: its tables come over as Arrow and are then read like files.

The book names an environment variable, never the address: it may hold a password.
"""

import os
from pathlib import Path
from typing import Any, Final

from analysis.errors import BookError, DataError

__all__ = ["SERVER_PREFIX", "export_tables"]

SERVER_PREFIX: Final = "env:"
_SCHEMES: Final = ("postgresql://", "postgres://")


def export_tables(source: str, *, tables: dict[str, str], required: frozenset[str], folder: Path) -> dict[str, Path]:
    """Copy tables of a server into Parquet files.

    Args:
        source: ``env:NAME`` of the variable that holds the database URL.
        tables: Table of the contracts → its name on the server, perhaps ``schema.name``.
        required: Those that the book names itself: they must be there.
        folder: Where the files go.

    Returns:
        Table of the contracts → its file, for those that the server has.

    Raises:
        BookError: If the variable is not set or holds no PostgreSQL URL.
        DataError: If the server cannot be reached, or lacks a table that the book names.
    """
    from adbc_driver_manager import Error as DriverError
    from adbc_driver_postgresql import dbapi

    try:
        with dbapi.connect(_url(source)) as connection, connection.cursor() as cursor:
            there = _present(cursor)
            lacking = sorted(tables[name] for name in required if tables[name] not in there)
            if lacking:
                raise DataError(
                    f"{source}: the database has no table {', '.join(lacking)}; "
                    f"it has {', '.join(sorted(there)[:12]) or 'none'}.",
                    hint="correct data.tables.….file in the book",
                )
            return {
                name: _export(cursor, table, target=folder / f"{name}.parquet")
                for name, table in tables.items()
                if table in there
            }
    except DriverError as error:
        raise DataError(
            f"{source}: the database cannot be read: {_first_line(error)}", hint="check the address and the rights"
        ) from None


def _url(source: str) -> str:
    variable = source.removeprefix(SERVER_PREFIX)
    url = os.environ.get(variable)
    if not url:
        raise BookError(
            f"data.source: the environment variable {variable} is not set.",
            hint=f"export {variable}=postgresql://user@host/database",
        )
    if not url.startswith(_SCHEMES):
        scheme = url.partition("://")[0] if "://" in url else "none"
        raise BookError(
            f"data.source: {variable} holds a URL of scheme '{scheme}'; PostgreSQL is supported.",
            hint="use postgresql://…, or a DuckDB file",
        )
    return url


def _first_line(error: Exception) -> str:
    """Return the first line of a driver's message, without anything that looks like an address."""
    lines = str(error).strip().splitlines()
    return " ".join(
        word for word in (lines[0] if lines else "").split() if "://" not in word and "password=" not in word
    )


def _present(cursor: Any) -> frozenset[str]:
    cursor.execute(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    rows = cursor.fetchall()
    return frozenset(
        name for schema, table in rows for name in (f"{schema}.{table}", *((table,) if schema == "public" else ()))
    )


def _export(cursor: Any, table: str, *, target: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = ".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1))
    cursor.execute(f"SELECT * FROM {name}")
    reader = cursor.fetch_record_batch()
    schema = pa.schema([(field.name, _storable(field.type)) for field in reader.schema])
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        for batch in reader:
            columns = [_stored(column, kind) for column, kind in zip(batch.columns, schema.types, strict=True)]
            writer.write_batch(pa.record_batch(columns, schema=schema))
    return target


def _storable(kind: Any) -> Any:
    """Return the type to store: an exact number of the server arrives as text in a wrapper."""
    import pyarrow as pa

    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _stored(column: Any, kind: Any) -> Any:
    import pyarrow as pa

    return column.storage if isinstance(column, pa.ExtensionArray) else column.cast(kind)
