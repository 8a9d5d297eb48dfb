"""Writing: every table goes out in the contract's column order and types, or not at all."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.data.contracts import CONTRACTS, Kind
from analysis.data.synthetic.season import STARTS_ON, utc_microseconds
from analysis.errors import DataError

__all__ = ["EXTRA_COLUMNS", "Sink"]

EXTRA_COLUMNS: Final[dict[str, dict[str, Kind]]] = {
    "outcomes": {"visit": "number", "spend": "money", "history": "money", "recency_days": "number"},
    "decisions": {"days_since_last_order": "number", "n_orders": "number", "member": "number", "hour": "number"},
}
"""Columns beyond the contract, where the contract lets the book name them."""

_TYPES: Final[dict[Kind, pa.DataType]] = {
    "id": pa.string(),
    "text": pa.string(),
    "category": pa.string(),
    "instant": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "money": pa.float64(),
    "number": pa.float64(),
    "share": pa.float64(),
    "count": pa.int64(),
    "flag": pa.bool_(),
}
_EPOCH_DAY_OF_START: Final = STARTS_ON.toordinal() - 719_163  # 1970-01-01 is day 719163 of the common era


def contract_kinds(table: str) -> dict[str, Kind]:
    """Return the kind of each column that a contract table is written with, in order."""
    kinds: dict[str, Kind] = {column.name: column.kind for column in CONTRACTS[table].columns}
    return kinds | EXTRA_COLUMNS.get(table, {})


class Sink:
    """One Parquet file that grows by one row group per chunk.

    Args:
        folder: Where the file goes.
        table: Its name: a contract's, or any other with ``kinds``.
        kinds: Kind of each column of a table that has no contract (a truth table).
    """

    def __init__(self, folder: Path, table: str, *, kinds: Mapping[str, Kind] | None = None) -> None:
        self.table = table
        self.kinds = dict(kinds) if kinds is not None else contract_kinds(table)
        self.schema = pa.schema([(name, _TYPES[kind]) for name, kind in self.kinds.items()])
        repeated = [name for name, kind in self.kinds.items() if kind in ("category", "share", "count", "date")]
        self._writer = pq.ParquetWriter(
            folder / f"{table}.parquet", self.schema, compression="snappy", use_dictionary=repeated
        )

    def write(self, columns: Mapping[str, Any]) -> None:
        """Append rows; instants are days of the axis, dates day numbers, NaN is null.

        Raises:
            DataError: If the columns are not exactly those of the contract.
        """
        if set(columns) != set(self.kinds):
            odd = sorted(set(columns) ^ set(self.kinds))
            raise DataError(
                f"Table '{self.table}' is to be written with other columns than its contract has: {', '.join(odd)}.",
                hint="change the contract and the generator together",
            )
        arrays = [_arrow(columns[name], kind) for name, kind in self.kinds.items()]
        if len(arrays[0]):
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema), row_group_size=1 << 20)

    def __enter__(self) -> Self:
        """Return the sink."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._writer.close()


def _arrow(values: Any, kind: Kind) -> pa.Array:
    wanted = _TYPES[kind]
    if isinstance(values, pa.Array) and kind != "instant":
        return values if values.type == wanted else values.cast(wanted)
    values = np.asarray(values)
    if kind == "instant":
        missing = np.isnan(values)
        return pa.array(utc_microseconds(values), mask=missing if missing.any() else None).view(wanted)
    if kind == "date":
        return pa.array((values.astype(np.int64) + _EPOCH_DAY_OF_START).astype(np.int32)).view(wanted)
    if kind == "count" and np.issubdtype(values.dtype, np.floating):
        missing = np.isnan(values)
        return pa.array(np.nan_to_num(values).astype(np.int64), mask=missing)
    return pa.array(values, wanted, from_pandas=kind in ("money", "number", "share"))
