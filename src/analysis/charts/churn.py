"""Pictures of the churn page: both clocks, whether the probabilities hold, where money is at risk, what it leans on."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    INK,
    INK_2,
    INK_3,
    LINE,
    LINE_2,
    MARK,
    PAPER,
    TICK,
    WARN,
    ZERO,
    Style,
    interval_mark,
    label_y_right,
    marker_of,
    tell,
)
from analysis.evidence import Estimate, Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["clock_grid", "drivers", "reliability_curve", "risk_grid"]


def reliability_curve(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw what happened against what was forecast, a point per tenth of the customers, with the honest diagonal.

    Args:
        table: One row per tenth: mean_p_churn (0-1), churn_rate with churn_rate_ci_lower and _upper (0-1).
        style: For whom.
    """
    figure, axes = style.canvas(310 if style.narrow else 360, top=26, right=8, bottom=46)
    said, came = table["mean_p_churn"].to_numpy(float), table["churn_rate"].to_numpy(float)
    lower, upper = (table[f"churn_rate_ci_{end}"].to_numpy(float) for end in ("lower", "upper"))
    low, high, step = _share_limits(np.concatenate([said, lower, upper]))
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.plot([low, high], [low, high], color=ZERO, linewidth=1.25, zorder=2)
    for x, y, bottom, top in zip(said, came, lower, upper, strict=True):
        color = WARN if top < x or bottom > x else MARK
        axes.vlines(x, bottom, top, colors=color, linewidth=3, zorder=3)
        (point,) = axes.plot([x], [y], **marker_of(Grade.OBSERVATIONAL, color=color))
        forecast, actual = style.number(x, "share"), style.number(y, "share")
        tell(point, style.text(f"预测 {forecast}，实际 {actual}", f"forecast {forecast}, actual {actual}"))
    ticks = np.arange(low, high + step / 2, step)
    axes.set_xticks(ticks, labels=[_percent(t) for t in ticks])
    _inward(axes)
    label_y_right(axes, [t for t in ticks if t > low], [_percent(t) for t in ticks if t > low])
    axes.set_xlabel(style.text("预测的流失概率", "Forecast probability of leaving"), labelpad=8)
    _title_of_y(axes, style.text("实际流失的比例", "Share who actually left"))
    axes.annotate(  # the corner under the line holds no points
        style.text("斜线 = 说多少是多少", "diagonal = honest"),
        (1, 0),
        xycoords="axes fraction",
        xytext=(0, 8),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=INK,
        fontsize=TICK,
    )
    return figure


def risk_grid(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw customers and money at risk by value (rows) and risk (columns); the cell with most at risk a head is framed.

    Args:
        table: One row per cell, most first: labels ``value_band_zh``, ``risk_band_zh`` … , n_customers (customers),
            value_at_risk (currency), value_at_risk_each (currency a head); a hidden cell has no numbers.
        style: For whom.
    """
    value, risk = (table[f"{axis}_band_{style.language}"].astype(str).tolist() for axis in ("value", "risk"))
    each, dearest = table["value_at_risk_each"], table["value_at_risk_each"].max()
    cells = []
    for money, n, head in zip(table["value_at_risk"], table["n_customers"], each, strict=True):
        number = style.number(head, "money")
        words = (
            style.number(n, "customers", bare=style.language == "en"),
            style.text(f"人均 {number}", f"at {number} each") if n > 0 else "",
        )
        framed = bool(head == dearest > 0)
        cells.append(_Cell(style.number(money, "money"), words, float(money), framed=framed))
    return _draw_grid(cells, rows=value, columns=risk, style=style)


def clock_grid(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the customers on both clocks by risk of deletion (rows) and of buying no more (columns), with money at risk.

    The cell of those likeliest to leave by both doors is framed.

    Args:
        table: One row per cell, likeliest first: labels ``delete_band_zh``, ``risk_band_zh`` … , n_customers
            (customers), value_at_risk (currency), ``p_delete_from`` and ``p_churn_from`` (0-1: the least of the row and
            of the column; unknown where nobody is); a hidden cell has no numbers.
        style: For whom.
    """
    rows, columns = (
        [
            _from(label, p, first=p == table[least].min(), style=style)
            for label, p in zip(
                table[f"{axis}_band_{style.language}"].astype(str), _least(table, axis, least), strict=True
            )
        ]
        for axis, least in (("delete", "p_delete_from"), ("risk", "p_churn_from"))
    )
    cells = []
    for place, (n, money) in enumerate(zip(table["n_customers"], table["value_at_risk"], strict=True)):
        at_stake = style.number(money, "money")
        told = at_stake if style.narrow else style.text(f"牵涉 {at_stake}", f"{at_stake} at stake")
        words = (told if n > 0 else "",)
        cells.append(_Cell(style.number(n, "customers", bare=True), words, float(n), framed=place == 0 and n > 0))
    return _draw_grid(cells, rows=rows, columns=columns, style=style)


def _least(table: pd.DataFrame, axis: str, least: str) -> "pd.Series[float]":
    """Return the least probability of each row's band: a hidden cell does not know its own."""
    return table.groupby(f"{axis}_band_en")[least].transform("min")


def _from(label: str, p: float, *, first: bool, style: Style) -> str:
    """Return a band's name with its least probability beneath; the lowest band starts anywhere."""
    if first or np.isnan(p):
        return label
    least = style.number(p, "share")
    return f"{label}\n{style.text(f'{least} 起', f'from {least}')}"


class _Cell(NamedTuple):
    """One cell: its number, words beneath, what its bar shows, and whether it is framed."""

    number: str
    words: tuple[str, ...]
    size: float
    framed: bool


def _draw_grid(cells: Sequence[_Cell], *, rows: Sequence[str], columns: Sequence[str], style: Style) -> "Figure":
    """Draw cells row by row; ``rows`` and ``columns`` name each cell's own."""
    names, heads = list(dict.fromkeys(rows)), list(dict.fromkeys(columns))
    lines = max(len(cell.words) for cell in cells)
    height = (92 + 16 * lines) if style.narrow else 80
    top = 44 + 14 * (max(head.count("\n") for head in heads))
    figure, axes = style.canvas(len(names) * height + top + 8, left=8, right=0, top=top, bottom=8)
    margin = 0.0 if style.narrow else 0.9
    axes.set(xlim=(-margin, len(heads)), ylim=(len(names), 0))
    axes.set_axis_off()
    most = float(np.nanmax([cell.size for cell in cells], initial=0.0))
    for cell, row, column in zip(cells, rows, columns, strict=True):
        told = style.text("，", ", ").join(label.replace("\n", " ") for label in (row, column))
        at = (heads.index(column), names.index(row))
        _draw_cell(axes, cell, at=at, most=most, told=told, style=style)
    for place, label in enumerate(heads):
        words = _on_two_lines(label) if style.narrow else label
        axes.text(place + 0.02, -0.1, words, color=INK_2, fontsize=TICK, va="bottom", linespacing=1.2)
    for place, label in enumerate(names):
        x, y = (0.02, place + 0.11) if style.narrow else (-margin, place + 0.5)
        words = label.replace("\n", style.text("，", ", ")) if style.narrow else label
        axes.text(x, y, words, color=INK_2, fontsize=TICK, va="center", linespacing=1.3)
    return figure


def _draw_cell(axes: "Axes", cell: _Cell, *, at: tuple[int, int], most: float, told: str, style: Style) -> None:
    """Draw one cell: its number and a bar as long as its size, the words beneath; a pointer shows its name too."""
    from matplotlib.patches import Rectangle

    column, row = at
    top, height = (row + 0.21, 0.77) if style.narrow else (row + 0.03, 0.94)
    ink, mark, edge, width = (ACCENT, ACCENT, ACCENT, 2) if cell.framed else (INK, MARK, LINE, 1)
    frame = Rectangle((column + 0.02, top), 0.96, height, facecolor=PAPER, edgecolor=edge, linewidth=width)
    axes.add_patch(frame)
    if not np.isnan(cell.size):
        tell(frame, "\n".join([told, cell.number, *(word for word in cell.words if word)]))
    left, shares = column + 0.08, (0.22, 0.38, 0.6, 0.83) if style.narrow else (0.32, 0.54, 0.79, 0.79)
    heights = [top + share * height for share in shares]
    axes.text(left, heights[0], cell.number, color=ink, fontsize=15, fontweight=600, va="center")
    if most > 0 and not np.isnan(cell.size):
        axes.add_patch(Rectangle((left, heights[1]), 0.84 * cell.size / most, 0.05, facecolor=mark))
    words = [word for word in cell.words if word]
    words = words if style.narrow else [style.text("，", " ").join(words)]
    for word, y in zip(words, heights[2:], strict=False):
        axes.text(left, y, word, color=INK_2, fontsize=TICK, va="center")


def _on_two_lines(label: str) -> str:
    """Break a label of a column before its last words."""
    for mark in (" by ", "的 "):
        label = label.replace(mark, f"{mark.rstrip()}\n" if mark == "的 " else f"\n{mark.lstrip()}", 1)
    return label


def drivers(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw how much worse the forecast gets without each driver, with intervals; grey where it may be nothing.

    Args:
        table: One row per driver, largest first: driver_zh, driver_en, error_rise with error_rise_ci_lower and _upper
            (share of the error), confidence_level, contrast_zh, contrast_en.
        style: For whom.
    """
    from matplotlib.ticker import MaxNLocator

    row_height = 54 if style.narrow else 44
    left = 8 if style.narrow else 300
    figure, axes = style.canvas(len(table) * row_height + 58, left=left, right=22, top=34, bottom=24)
    axes.set(ylim=(len(table) - 0.4, -0.6), yticks=[])
    for place, row in enumerate(table.to_dict("records")):
        ends = (float(row["error_rise_ci_lower"]), float(row["error_rise_ci_upper"]))
        rise = Estimate(
            float(row["error_rise"]), "share", *ends, float(row["confidence_level"]), grade=Grade.OBSERVATIONAL
        )
        clear = ends[0] > 0
        drop = 0.28 if style.narrow else 0.0
        name = str(row[f"driver_{style.language}"])
        interval_mark(axes, place + drop, rise, color=INK if clear else LINE_2, style=style, name=name)
        _driver_text(axes, place, row, clear=clear, left=left, style=style)
    axes.axvline(0, color=ZERO, linewidth=1.25, zorder=2)
    axes.annotate(
        style.text("0 = 没有它也一样准", "0 = just as good without it"),
        (0, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 8),
        textcoords="offset points",
        va="bottom",
        color=INK,
        fontsize=TICK,
        fontweight=600,
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    axes.grid(visible=True, axis="x")
    axes.xaxis.set_major_formatter(lambda value, _: _percent(value))
    return figure


def _driver_text(
    axes: "Axes", place: float, row: Mapping[Hashable, Any], *, clear: bool, left: float, style: Style
) -> None:
    """Write a driver's name and what is typical at high and low risk beside its mark, on a phone above it."""
    name, contrast = str(row[f"driver_{style.language}"]), str(row[f"contrast_{style.language}"])
    colour = INK if clear else INK_3
    if style.narrow:
        axes.annotate(
            name,
            (0, place - 0.14),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontweight=600,
        )
        return
    text = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "left", "va": "center"}
    axes.annotate(name, (0, place), xytext=(8 - left, 8), color=colour, fontweight=600, **text)  # type: ignore[arg-type]  # one dict for both
    axes.annotate(contrast, (0, place), xytext=(8 - left, -9), color=INK_3, fontsize=TICK, **text)  # type: ignore[arg-type]  # one dict for both


def _percent(share: float) -> str:
    """Return a round tick of a share axis."""
    return f"{share * 100:.3g}%".replace("-", "\u2212")


def _share_limits(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, float, float]:
    """Return limits and step of a share axis that holds the values, in round numbers."""
    spread = float(values.max() - values.min())
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if spread <= 5 * s or s == 0.25)
    low = max(0.0, np.floor(values.min() / step) * step)
    return low, min(1.0, np.ceil(values.max() / step) * step), step


def _inward(axes: "Axes") -> None:
    """Keep the first and last tick label of the lower axis inside the drawing."""
    labels = axes.get_xticklabels()
    if labels:
        labels[0].set_horizontalalignment("left")
        labels[-1].set_horizontalalignment("right")


def _title_of_y(axes: "Axes", text: str) -> None:
    axes.annotate(
        text,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 8),
        textcoords="offset points",
        ha="left",
        va="bottom",
        color=INK_3,
        fontsize=TICK,
    )
