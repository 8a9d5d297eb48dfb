"""Where ids stand in a list of ids: how tables of customers meet without a merge of texts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["in_order", "places_of", "rows_at", "said_of", "texts_at"]


def places_of(ids: Any, *, among: Any) -> npt.NDArray[np.int64]:
    """Return the place of each id in a list of ids, -1 where it is not there.

    Two tables of the same customers in the same order, as most of the house are, cost one comparison.

    Args:
        ids: Any number of ids: a pandas or Arrow column of texts.
        among: The list, each id once.

    Examples:
        >>> import pandas as pd
        >>> places_of(pd.Series(["c3", "c9", "c1"]), among=pd.Series(["c1", "c2", "c3"])).tolist()
        [2, -1, 0]
    """
    import pyarrow.compute as pc

    asked, listed = (_array(column) for column in (ids, among))
    if len(asked) == len(listed) and asked.equals(listed):
        return np.arange(len(asked))
    found = pc.index_in(asked, value_set=listed)
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def texts_at(texts: Any, *, places: npt.NDArray[np.int64]) -> "pd.Series[str]":
    """Return the text at each place; -1 becomes a missing value.

    Args:
        texts: A pandas or Arrow column, or a list.
        places: Places in it, as ``places_of`` returns them.

    Examples:
        >>> texts_at(["a", "b"], places=np.array([1, 0, 1])).tolist()
        ['b', 'a', 'b']
    """
    import pandas as pd
    import pyarrow as pa

    taken = _array(texts).take(pa.array(places, mask=places < 0))
    return pd.Series(pd.array(taken, dtype="str"))


def rows_at(table: "pd.DataFrame", *, places: npt.NDArray[np.int64]) -> "pd.DataFrame":
    """Return the rows at these places, as a left join would: -1 becomes a row of which nothing is known.

    Args:
        table: Any columns.
        places: Places in it, as ``places_of`` returns them.

    Examples:
        >>> import pandas as pd
        >>> rows_at(pd.DataFrame({"n": [7, 8]}), places=np.array([1, -1]))["n"].tolist()
        [8.0, nan]
    """
    import pandas as pd

    if np.array_equal(places, np.arange(len(table))):
        return table.reset_index(drop=True)
    columns = {
        name: pd.api.extensions.take(table[name].array, places, allow_fill=True) for name in map(str, table.columns)
    }
    return pd.DataFrame(columns, copy=False)


def said_of(customers: Any, *, said: "pd.DataFrame", columns: Sequence[str]) -> "pd.DataFrame":
    """Return what a table says of these customers, row by row; of whom it says nothing is unknown.

    Args:
        customers: Ids.
        said: One row per customer, ``customer_id`` among its columns.
        columns: Those that are wanted.

    Examples:
        >>> import pandas as pd
        >>> known = pd.DataFrame({"customer_id": ["c1", "c2"], "clv": [10.0, 20.0]})
        >>> said_of(pd.Series(["c2", "c9"]), said=known, columns=["clv"])["clv"].tolist()
        [20.0, nan]
    """
    return rows_at(said[list(columns)], places=places_of(customers, among=said["customer_id"]))


def in_order(ids: Any) -> bool:
    """Return whether texts rise from row to row, each once."""
    import pyarrow.compute as pc

    listed = _array(ids)
    return bool(pc.all(pc.less(listed[:-1], listed[1:])).as_py() is not False)


def _array(column: Any) -> Any:
    import pyarrow as pa

    array = column if isinstance(column, (pa.Array, pa.ChunkedArray)) else pa.array(column)
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return whole.cast(pa.large_string())
