"""Pictures of the tiers page: the Lorenz curve, tiers by customers and revenue, who moved."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from analysis.charts.paired_shares import paired_shares
from analysis.charts.theme import (
    ACCENT,
    BOLD,
    INK,
    INK_2,
    INK_3,
    LINE,
    MARK,
    TEXT,
    TICK,
    Style,
    label_y_right,
    tell,
    tell_points,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

__all__ = ["lorenz_curve", "tier_moves", "tier_shares"]

_TOLD: Final = 40  # points of a line that show their value, at most about so many
_TOP: Final = 0.2
_DARKEST: Final = 0.42
"""Opacity of a cell that holds everybody: ink on it stays readable."""


def lorenz_curve(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the Lorenz curve from the largest spender down, with the top fifth marked and equality as the line below.

    Args:
        table: One row per step: ``share_customers``, ``share_revenue`` (0-1).
        style: For whom.
    """
    figure, axes = style.canvas(300 if style.narrow else 360, left=10, right=10, top=26, bottom=46)
    x, y = table["share_customers"].to_numpy(), table["share_revenue"].to_numpy()
    axes.plot([0, 1], [0, 1], color=MARK, linewidth=1.25, linestyle=(0, (4, 3)))
    axes.plot(x, y, color=ACCENT, linewidth=2.5, clip_on=False)
    every = max(1, len(x) // _TOLD)
    told = [_lorenz_told(float(a), float(b), style=style) for a, b in zip(x, y, strict=True)]
    tell_points(axes, x[::every].tolist(), y[::every].tolist(), told[::every])
    at = int(np.abs(x - _TOP).argmin())
    axes.vlines(x[at], 0, y[at], colors=INK_3, linewidth=1)
    axes.plot([x[at]], [y[at]], marker="o", ms=10, color=ACCENT, clip_on=False, zorder=4)
    said = style.text(
        f"消费最多的 {x[at]:.0%} 客户",
        f"Top {x[at]:.0%} of customers",
    )
    axes.annotate(
        f"{said}\n{style.number(float(y[at]), 'share')} " + style.text("消费额", "of revenue"),
        (x[at], y[at]),
        xytext=(14, -4),
        textcoords="offset points",
        va="top",
        linespacing=1.5,
        fontsize=TEXT,
        fontweight=BOLD,
        color=ACCENT,
    )
    axes.annotate(
        style.text("人人花得一样多", "if all spent the same"),
        (0.74, 0.74),
        xytext=(8, -6),
        textcoords="offset points",
        va="top",
        ha="left" if not style.narrow else "center",
        fontsize=TICK,
        color=INK_3,
    )
    ticks = [0.25, 0.5, 0.75, 1.0]
    label_y_right(axes, ticks, [f"{tick:.0%}" for tick in ticks])
    axes.set_xticks([0, *ticks], labels=[f"{tick:.0%}" for tick in (0.0, *ticks)], fontsize=TICK)
    for label, align in zip(axes.get_xticklabels(), ["left", "center", "center", "center", "right"], strict=True):
        label.set_horizontalalignment(align)
    axes.set_xlabel(style.text("客户占比，从消费最多的数起", "share of customers, largest spenders first"))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.axhline(0, color=INK, linewidth=1.25)
    return figure


def _lorenz_told(customers: float, revenue: float, *, style: Style) -> str:
    few, much = style.number(customers, "share"), style.number(revenue, "share")
    return style.text(f"前 {few} 的客户\n{much} 的消费额", f"top {few} of customers\n{much} of revenue")


def tier_shares(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw each tier's share of customers and of revenue.

    Args:
        table: One row per tier, best first: ``tier_zh``, ``tier_en``, ``share_customers``, ``share_revenue`` (0-1).
        style: For whom.
    """
    return paired_shares(table, group="tier", style=style)


def tier_moves(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the migration matrix: one line per earlier tier, one column per tier now, darker for a larger share.

    Columns carry the number of the line that names them; staying is framed.

    Args:
        table: One row per pair: ``from_number``, ``to_number`` (as text), ``from_group`` and ``to_group`` with ``_zh``
            and ``_en``, ``n_customers`` (unknown where the pair is too small to show), ``share`` (0-1, unknown too if
            nobody was in that tier).
        style: For whom.
    """
    lines = table.drop_duplicates("from_number").sort_values("from_number", key=_number)
    columns = table.drop_duplicates("to_number").sort_values("to_number", key=_number)
    numbers = columns["to_number"].tolist()
    height, label = (46, 0) if style.narrow else (30, 210 if style.language == "en" else 150)
    figure, axes = style.canvas(len(lines) * height + 64, left=label + 6, right=6, top=50, bottom=8)
    pairs = zip(table["from_number"], table["to_number"], strict=True)
    texts = dict(zip(pairs, map(_percent, table["share"], table["n_customers"]), strict=True))
    moves = table.set_index(["from_number", "to_number"])
    known = dict(zip(texts, table["share"].astype("float64").fillna(0.0), strict=True))
    for i, (row, name) in enumerate(zip(lines["from_number"], lines[f"from_group_{style.language}"], strict=True)):
        for j, column in enumerate(numbers):
            pair = (row, column)
            cell = _cell(axes, (i, j), texts[pair], dark=_DARKEST * known[pair], stayed=row == column, style=style)
            if told := _move_told(moves.loc[pair], style=style):
                tell(cell, told)
        _row_name(axes, i, f"{row}  {name}" if row in numbers else str(name), style=style)
    for j, column in enumerate(numbers):
        axes.annotate(
            str(column), (j + 0.5, 0), xytext=(0, 6), textcoords="offset points",
            ha="center", va="bottom", fontsize=TICK, color=INK_3, annotation_clip=False,
        )  # fmt: skip
    axes.annotate(
        _caption(lines, columns, style), (0, 0), xytext=(0, 26), textcoords="offset points",
        ha="left", va="bottom", fontsize=TICK, color=INK_2, annotation_clip=False,
    )  # fmt: skip
    axes.set_xlim(0, len(numbers))
    axes.set_ylim(len(lines), 0)
    axes.set_axis_off()
    return figure


def _caption(lines: pd.DataFrame, columns: pd.DataFrame, style: Style) -> str:
    """Say what the columns are, and name those that no line names."""
    named = set(lines["from_number"])
    extra = columns[~columns["to_number"].isin(named)]
    said = style.text("现在的分层，编号同各行", "tier now, numbered as the lines")
    for number, name in zip(extra["to_number"], extra[f"to_group_{style.language}"], strict=True):
        said += style.text("；", "; ") + f"{number} = {name}"
    return said


def _number(column: "pd.Series[str]") -> "pd.Series[int]":
    return column.astype("int64")


def _move_told(move: Any, *, style: Style) -> str:
    """Return what a pointer on a cell shows; nothing where the pair is too small to show."""
    if pd.isna(move["n_customers"]) or pd.isna(move["share"]):
        return ""
    name = f"{move[f'from_group_{style.language}']} → {move[f'to_group_{style.language}']}"
    return style.told(name, ("", move["share"], "share"), ("", move["n_customers"], "customers"))


def _cell(axes: "Axes", place: tuple[int, int], text: str, *, dark: float, stayed: bool, style: Style) -> "Rectangle":
    """Draw one cell and return its frame."""
    from matplotlib.patches import Rectangle

    row, column = place
    left, wide = column + 0.03, 0.94
    top, tall = (row + 0.42, 0.54) if style.narrow else (row + 0.06, 0.88)
    axes.add_patch(Rectangle((left, top), wide, tall, facecolor=ACCENT, alpha=dark, linewidth=0))
    edge, line = (INK, 1.25) if stayed else (LINE, 1)
    frame = Rectangle((left, top), wide, tall, facecolor="none", edgecolor=edge, linewidth=line, zorder=2 + stayed)
    axes.add_patch(frame)
    axes.text(column + 0.5, top + tall / 2, text, ha="center", va="center_baseline", fontsize=TICK, color=INK)
    return frame


def _percent(share: float | None, n_customers: float | None) -> str:
    """Return what a cell says: hidden, nobody was there, nobody moved there, or the share."""
    if pd.isna(n_customers):
        return "·"
    if pd.isna(share):
        return "–"
    if share == 0:
        return ""
    return f"{share:.0%}" if share >= 0.005 else "<1%"


def _row_name(axes: "Axes", row: int, name: str, *, style: Style) -> None:
    if style.narrow:
        axes.text(0.03, row + 0.36, name, ha="left", va="bottom", fontsize=TEXT, color=INK)
        return
    axes.annotate(
        name, (0, row + 0.5), xytext=(-8, 0), textcoords="offset points",
        ha="right", va="center", fontsize=TEXT, color=INK, annotation_clip=False,
    )  # fmt: skip
