"""Tables on pages: from a frame with labels and units out of ``fields.py``, and without small groups.

A group of fewer than ``min_cell`` customers could point at persons, so its row keeps its name and shows
"<10" for the count and a dash for everything else. Where exactly one row is hidden, the next smallest is hidden
too: otherwise the hidden count is the total minus the rest. Totals and groups of nobody stay. Another column that
counts people (those a row came from) hides its own small counts.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from analysis.fields import FIELDS, Field
from analysis.numerals import UNITS
from analysis.page.blocks import Block, Text, Value, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "counts_people",
    "hidden_rows",
    "hide_small_cells",
    "hide_small_in_block",
    "hide_small_value",
    "hide_small_values",
    "is_few",
    "table_from_frame",
]

LOWER: Final = "_ci_lower"
UPPER: Final = "_ci_upper"
INTERVAL: Final = Field("区间", "Interval")


def table_from_frame(
    frame: "pd.DataFrame",
    caption: Text,
    *,
    n: str | None = None,
    values: Mapping[str, Value] | None = None,
    labels: Mapping[str, Text] | None = None,
    units: Mapping[str, str] | None = None,
    totals: int = 0,
    highlight: Sequence[int] = (),
) -> Block:
    """Return a table block of a frame: one column each, labels and units from ``fields.FIELDS``.

    A pair ``x_ci_lower``, ``x_ci_upper`` becomes one column of intervals, with the level that ``confidence_level``
    holds; a pair ``x_zh``, ``x_en`` becomes one column in the page's language, in place of the key ``x``; ``grade`` is
    shown as its letter.

    Args:
        frame: A finished table, one row per line of the table; its first column names the row.
        caption: What one row is.
        n: Column that counts the customers of a row.
        values: What the placeholders of the caption stand for.
        labels: Labels of columns that are in no field.
        units: Units of columns that are in no field.
        totals: How many rows at the end are totals.
        highlight: Positions of rows in the accent colour.
    """
    names = [str(name) for name in frame.columns]
    columns, cells = [], []
    for name in names:
        made = _column(name, frame, names, labels=labels or {}, units=units or {})
        if made is not None:
            columns.append(made[0])
            cells.append(made[1])
    rows = [list(row) for row in zip(*cells, strict=True)] if cells else []
    return table(columns, rows, caption, values=values, n=n, totals=totals, highlight=highlight)


def hidden_rows(counts: Sequence[float | None], *, min_cell: int, totals: int = 0) -> set[int]:
    """Return the positions of rows to hide: small groups, and one more where a single one could be worked out.

    Examples:
        >>> sorted(hidden_rows([120, 4, 35, 80], min_cell=10))
        [1, 2]
    """
    groups = list(enumerate(counts))[: len(counts) - totals]
    known = {i: float(n) for i, n in groups if n is not None and n > 0}
    small = {i for i, n in known.items() if n < min_cell}
    rest = {i: n for i, n in known.items() if i not in small}
    if len(small) == 1 and rest:
        small.add(min(rest, key=lambda i: (rest[i], i)))
    return small


def hide_small_cells(block: Block, *, min_cell: int) -> Block:
    """Return a table block without its small groups: cells become ``{"below": min_cell}`` or None."""
    if block.get("n") is None:
        return block
    names = [column["name"] for column in block["columns"]]
    at = names.index(block["n"])
    counts = [row[at] if isinstance(row[at], int | float) else None for row in block["rows"]]
    hide = hidden_rows(counts, min_cell=min_cell, totals=block.get("totals", 0))
    rows = [_hidden(row, at, counts[i], min_cell) if i in hide else row for i, row in enumerate(block["rows"])]
    people = {i for i, column in enumerate(block["columns"]) if i != at and counts_people(column["unit"])}
    few = {"below": min_cell}
    shown = [
        [few if i in people and is_few(cell, min_cell=min_cell) else cell for i, cell in enumerate(row)] for row in rows
    ]
    return {**block, "rows": shown}


def counts_people(unit: str) -> bool:
    """Return whether a unit counts people."""
    return unit in UNITS and UNITS[unit].people


def is_few(number: Any, *, min_cell: int) -> bool:
    """Return whether a cell is a count of fewer people than are shown; a mean over simulated futures is no count."""
    counted = isinstance(number, int | float) and not isinstance(number, bool)
    return counted and 0 < number < min_cell and float(number).is_integer()


def hide_small_values(values: Mapping[str, Any], *, min_cell: int) -> dict[str, Any]:
    """Return values without counted groups of fewer than ``min_cell`` people; estimates of counts stay."""
    return {name: hide_small_value(value, min_cell=min_cell) for name, value in values.items()}


def hide_small_value(value: Any, *, min_cell: int) -> Any:
    """Return ``{"below": min_cell}`` for a counted group of 1 to ``min_cell`` - 1 people, else the value."""
    if not isinstance(value, Mapping) or "unit" not in value:
        return value
    unit, number = UNITS.get(str(value["unit"])), value.get("value")
    counted = value.get("grade") is None and value.get("ci_lower") is None
    if unit is not None and unit.people and counted and number is not None and 0 < number < min_cell:
        return {"below": min_cell}
    return value


def hide_small_in_block(block: Block, *, min_cell: int) -> Block:
    """Return a block that carries no small group anywhere: what is hidden on the page is not beneath it either.

    A tile keeps no earlier value that was hidden, and no change from or to one: value and change tell it.
    """
    made = dict(block)
    if block.get("values"):
        made["values"] = hide_small_values(block["values"], min_cell=min_cell)
    if block.get("kind") == "tile":
        made |= _tile_without_few(block, min_cell=min_cell)
    if block.get("kind") == "table":
        shown = hide_small_cells(block, min_cell=min_cell)
        made["rows"] = [[hide_small_value(cell, min_cell=min_cell) for cell in row] for row in shown["rows"]]
    if block.get("kind") == "figure" and block.get("data"):
        made["data"] = hide_small_in_block(block["data"], min_cell=min_cell)
    return made


def _tile_without_few(tile: Block, *, min_cell: int) -> dict[str, Any]:
    value = hide_small_value(tile["value"], min_cell=min_cell)
    if "below" in value:
        return {"value": value, "change": None, "history": []}

    def few(number: float | None) -> bool:
        return "below" in hide_small_value({**tile["value"], "value": number}, min_cell=min_cell)

    change = tile.get("change")
    before = None if change is None else float(value["value"] or 0) - change["value"]
    history = [None if few(number) else number for number in tile.get("history", [])]
    return {"change": None if few(before) else change, "history": history}


def _hidden(row: Sequence[Any], at: int, count: float | None, min_cell: int) -> list[Any]:
    shown = {"below": min_cell} if count is not None and count < min_cell else None
    return [shown if i == at else (cell if i == 0 or _is_text(cell) else None) for i, cell in enumerate(row)]


def _is_text(cell: Any) -> bool:
    return isinstance(cell, str | Mapping)


def _column(
    name: str,
    frame: "pd.DataFrame",
    names: Sequence[str],
    *,
    labels: Mapping[str, Text],
    units: Mapping[str, str],
) -> tuple[dict[str, Any], list[Any]] | None:
    """Return the description and the cells of one column, or None if another column shows it."""
    if name == "confidence_level" or (name.endswith(UPPER) and name.removesuffix(UPPER) + LOWER in names):
        return None
    if name.endswith("_en") and name.removesuffix("_en") + "_zh" in names:
        return None
    if f"{name}_zh" in names and f"{name}_en" in names:
        return None  # a key beside its names: readers get the names
    if name.endswith(LOWER) and name.removesuffix(LOWER) + UPPER in names:
        return _interval(name.removesuffix(LOWER), frame, names, units=units)
    if name.endswith("_zh") and name.removesuffix("_zh") + "_en" in names:
        stem = name.removesuffix("_zh")
        pairs = zip(frame[name], frame[f"{stem}_en"], strict=True)
        return _described(stem, labels, units), [{"zh": _word(zh), "en": _word(en)} for zh, en in pairs]
    described = _described(name, labels, units)
    if name == "grade":
        described["unit"] = "grade"
    return described, [_plain(value) for value in frame[name].tolist()]


def _interval(
    stem: str, frame: "pd.DataFrame", names: Sequence[str], *, units: Mapping[str, str]
) -> tuple[dict[str, Any], list[Any]]:
    levels = frame["confidence_level"].dropna().unique().tolist() if "confidence_level" in names else []
    described = {
        "name": f"{stem}_interval",
        "label": {"zh": INTERVAL.zh, "en": INTERVAL.en},
        "unit": units.get(stem) or _field(stem).unit or "number",
        "level": float(levels[0]) if len(levels) == 1 else None,
    }
    pairs = zip(frame[stem + LOWER].tolist(), frame[stem + UPPER].tolist(), strict=True)
    return described, [[low, high] for low, high in pairs]


def _field(name: str) -> Field:
    return FIELDS.get(name) or Field(name, name)


def _described(name: str, labels: Mapping[str, Text], units: Mapping[str, str]) -> dict[str, Any]:
    known = _field(name)
    label = labels.get(name) or {"zh": known.zh, "en": known.en}
    return {"name": name, "label": dict(label), "unit": units.get(name) or known.unit}


def _plain(value: Any) -> Any:
    """Return a cell without pandas' missing marks."""
    return None if value is None or str(value) in ("<NA>", "nan", "NaT") else value


def _word(value: Any) -> str:
    return str(value) if _plain(value) is not None else ""
