"""How tables leave a notebook: small groups hidden, lists guarded for a spreadsheet."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["hide_small", "write_list"]


def hide_small(table: "pd.DataFrame", *, n: str | None, min_cell: int) -> "pd.DataFrame":
    """Return the table with the numbers of small groups of customers made NaN, as the page hides them.

    Args:
        table: One row per group.
        n: Column that counts customers; None if rows are not groups of customers.
        min_cell: Smallest group that is shown.
    """
    from analysis.page.cells import hidden_rows

    if n is None:
        return table
    hidden = sorted(hidden_rows(table[n].tolist(), min_cell=min_cell))
    if not hidden:
        return table
    shown = table.copy()
    for column in shown.select_dtypes("number").columns:
        shown[column] = shown[column].astype("float64")
        shown.loc[shown.index[hidden], column] = float("nan")
    return shown


def write_list(table: "pd.DataFrame", path: Path) -> None:
    """Write a list that opens cleanly in a spreadsheet: UTF-8 with BOM, text guarded against formulas."""
    from analysis.numerals import guard_formula

    guarded = table.copy()
    for column in guarded.columns:
        if guarded[column].dtype.kind not in "iufbM":
            guarded[column] = guarded[column].map(lambda text: guard_formula(text) if isinstance(text, str) else text)
    guarded.rename(columns=guard_formula).to_csv(path, index=False, encoding="utf-8-sig")
