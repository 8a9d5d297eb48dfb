"""Tables that kernels share: written as the columns lie in memory, and mapped into it instead of being read.

Packed files are for what is kept for long or goes far; these live in the cache, are as large as the table itself, and
cost next to nothing however often they are asked for. What nobody touches takes no memory, and what several kernels
touch is there once.
"""

import mmap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_mapped", "write_mapped"]


def write_mapped(table: "pd.DataFrame", path: Path) -> None:
    """Write a table as Arrow keeps it in memory; its index is not kept."""
    import pyarrow as pa

    made = pa.Table.from_pandas(table.reset_index(drop=True), preserve_index=False)
    columns = [_as_it_is(table[name], column) for name, column in zip(table.columns, made.columns, strict=True)]
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, made.schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=made.schema))  # one piece: no copy to join many


def read_mapped(path: Path, pick: Callable[[Sequence[str]], Sequence[str]]) -> "pd.DataFrame":
    """Return columns of a table that ``write_mapped`` wrote.

    The mapping is private: who writes into the table gets a copy of those pages, and the file stays as it is.

    Args:
        path: Of the file.
        pick: Returns those of its columns that are wanted, in the order in which they are wanted.
    """
    import pandas as pd
    import pyarrow as pa

    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    whole = pa.py_buffer(memory)
    table = pa.ipc.open_file(whole).read_all()
    frame = table.select(pick(table.column_names)).to_pandas(split_blocks=True)
    columns = {name: _writable(frame[name], memory, starts_at=whole.address) for name in frame.columns}
    made = pd.DataFrame(columns, index=frame.index, copy=False)
    made.attrs = frame.attrs
    return made


def _as_it_is(values: "pd.Series[Any]", column: Any) -> Any:
    """Return a column as one piece; a number that is not known stays NaN, or reading it would take a copy."""
    import numpy as np
    import pyarrow as pa

    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "f":
        return pa.array(values.to_numpy())
    return column.combine_chunks()


def _writable(values: "pd.Series[Any]", memory: mmap.mmap, *, starts_at: int) -> Any:
    """Return the values of a column; those that lie in the mapped file as an array that may be written to."""
    import numpy as np

    if not isinstance(values.dtype, np.dtype):
        return values.array
    seen = values.to_numpy()
    place = seen.__array_interface__["data"][0] - starts_at
    inside = len(seen) > 0 and 0 <= place < len(memory)
    return np.frombuffer(memory, dtype=seen.dtype, count=len(seen), offset=place) if inside else seen.copy()
