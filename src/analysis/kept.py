"""How tables leave a notebook: small groups hidden, lists guarded for a spreadsheet."""

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["hide_small", "write_list"]

_MAY_BE_A_FORMULA: Final = "^[^0-9A-Za-z\\p{Han}]"
"""Texts that begin otherwise are looked at one by one; ``numerals.guard_formula`` decides."""
_CENTS_UP_TO: Final = 2.0**17
"""Where numbers of single precision still tell one cent from the next."""
_ROWS_AT_ONCE: Final = 8_192


def hide_small(table: "pd.DataFrame", *, n: str | None, min_cell: int) -> "pd.DataFrame":
    """Return the table with the numbers of small groups of customers made NaN, as the page hides them.

    Args:
        table: One row per group.
        n: Column that counts customers; None if rows are not groups of customers.
        min_cell: Smallest group that is shown.
    """
    from analysis.fields import FIELDS
    from analysis.page.cells import counts_people, hidden_rows, is_few

    if n is None:
        return table
    hidden = hidden_rows(table[n].tolist(), min_cell=min_cell)
    numbers = [str(column) for column in table.select_dtypes("number").columns]
    people = {name for name in numbers if name != n and name in FIELDS and counts_people(FIELDS[name].unit)}
    few = {name: {i for i, v in enumerate(table[name].tolist()) if is_few(v, min_cell=min_cell)} for name in people}
    if not hidden and not any(few.values()):
        return table
    shown = table.copy()
    for name in numbers:
        shown[name] = shown[name].astype("float64")
        shown.loc[shown.index[sorted(hidden | few.get(name, set()))], name] = float("nan")
    return shown


def write_list(table: "pd.DataFrame", path: Path) -> None:
    """Write a list that opens cleanly in a spreadsheet: UTF-8 with BOM, text guarded against formulas.

    Text stands in quotes, missing values are empty, times at midnight are days. Decimals are written to seven digits
    (single precision): a list of a large brand is a third smaller so, and the Parquet beside it keeps all digits. A
    column that goes beyond 130,000, where seven digits would cost cents, is written in full.
    """
    import pyarrow as pa
    from pyarrow import csv

    from analysis.numerals import guard_formula

    columns = {guard_formula(str(name)): _cells(table[name]) for name in table.columns}
    with path.open("wb") as file:
        file.write(codecs.BOM_UTF8)
        csv.write_csv(pa.table(columns), file, csv.WriteOptions(batch_size=_ROWS_AT_ONCE))


def _cells(column: "pd.Series[Any]") -> Any:
    """Return a column as it is written: what is no number, day or truth is guarded text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        cells = pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # values of several kinds
        cells = pa.array([None if value != value else str(value) for value in column.astype(object)])  # noqa: PLR0124
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_timestamp(cells.type):
        days = cells.cast(pa.date32(), safe=False)
        return days if pc.all(pc.equal(days.cast(cells.type), cells)).as_py() is not False else cells
    if pa.types.is_floating(cells.type):
        return _rounded(cells)
    if pa.types.is_integer(cells.type) or pa.types.is_boolean(cells.type):
        return cells
    text = cells.cast(pa.string())
    return _guarded(text) if pc.any(pc.match_substring_regex(text, _MAY_BE_A_FORMULA)).as_py() else text


def _rounded(decimals: Any) -> Any:
    """Return decimals to seven digits, more than any estimate here deserves; in full where cents need them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bounds = pc.min_max(decimals).as_py()
    far = max(-(bounds["min"] or 0.0), bounds["max"] or 0.0)
    return decimals.cast(pa.float32(), safe=False) if far < _CENTS_UP_TO else decimals


def _guarded(text: Any) -> Any:
    import pyarrow as pa

    from analysis.numerals import guard_formula

    return pa.array([None if value is None else guard_formula(value) for value in text.to_pylist()], pa.string())
