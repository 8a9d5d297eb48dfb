"""Pictures of the tiers page: the Lorenz curve, tiers by customers and revenue, who moved."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from analysis.charts.paired_shares import paired_shares
from analysis.charts.theme import ACCENT, BOLD, INK, INK_2, INK_3, LINE, MARK, TEXT, TICK, Style, label_y_right

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["lorenz_curve", "tier_moves", "tier_shares"]

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
    at = int(np.abs(x - _TOP).argmin())
    axes.vlines(x[at], 0, y[at], colors=INK_3, linewidth=1)
    axes.plot([x[at]], [y[at]], marker="o", ms=10, color=ACCENT, clip_on=False, zorder=4)
    said = style.text(
        f"消费最多的 {style.number(float(x[at]), 'share')} 客户",
        f"Top {style.number(float(x[at]), 'share')} of customers",
    )
    axes.annotate(
        f"{said}\n{style.number(float(y[at]), 'share')} " + style.text("消费额", "of revenue"),
        (x[at], y[at]),
        xytext=(14, -4),
        textcoords="offset points",
        va="top",
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
    label_y_right(axes, ticks, [style.number(tick, "share") for tick in ticks])
    axes.set_xticks([0, *ticks], labels=[style.number(tick, "share") for tick in (0.0, *ticks)], fontsize=TICK)
    for label, align in zip(axes.get_xticklabels(), ["left", "center", "center", "center", "right"], strict=True):
        label.set_horizontalalignment(align)
    axes.set_xlabel(style.text("客户占比，从消费最多的数起", "share of customers, largest spenders first"))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.axhline(0, color=INK, linewidth=1.25)
    return figure


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
        table: One row per pair: ``from_group``, ``to_group`` with ``_zh`` and ``_en``, ``share`` (0-1, NaN if nobody).
        style: For whom.
    """
    rows, columns = table["from_group"].unique().tolist(), table["to_group"].unique().tolist()
    names = dict(zip(table["from_group"], table[f"from_group_{style.language}"], strict=True))
    names |= dict(zip(table["to_group"], table[f"to_group_{style.language}"], strict=True))
    height, label = (46, 0) if style.narrow else (30, 210 if style.language == "en" else 150)
    figure, axes = style.canvas(len(rows) * height + 60, left=label + 6, right=6, top=46, bottom=8)
    shares = table.set_index(["from_group", "to_group"])["share"]
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            _cell(axes, i, j, float(shares[(row, column)]), stayed=row == column, style=style)
        number = f"{columns.index(row) + 1}  " if row in columns else ""
        _row_name(axes, i, number + str(names[row]), style=style)
    for j, _ in enumerate(columns):
        axes.annotate(
            str(j + 1), (j + 0.5, 0), xytext=(0, 20 if style.narrow else 8), textcoords="offset points",
            ha="center", va="bottom", fontsize=TICK, color=INK_3, annotation_clip=False,
        )  # fmt: skip
    extra = [str(names[column]) for column in columns if column not in rows]
    said = style.text("现在所在的分层（编号同左）", "tier now, numbered as on the left")
    if style.narrow:
        said = style.text("现在所在的分层（编号同各行）", "tier now, numbered as the rows")
    if extra:
        said += f"; {len(columns)} = {extra[0]}"
    axes.annotate(
        said, (0, 0), xytext=(0, 34 if style.narrow else 24), textcoords="offset points",
        ha="left", va="bottom", fontsize=TICK, color=INK_2, annotation_clip=False,
    )  # fmt: skip
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    axes.set_axis_off()
    return figure


def _cell(axes: "Axes", row: int, column: int, share: float, *, stayed: bool, style: Style) -> None:
    from matplotlib.patches import Rectangle

    top, tall = (row + 0.4, 0.56) if style.narrow else (row + 0.06, 0.88)
    known = share == share  # noqa: PLR0124 - NaN is not itself: nobody was in that tier
    axes.add_patch(
        Rectangle(
            (column + 0.03, top), 0.94, tall, facecolor=ACCENT, alpha=_DARKEST * share if known else 0, linewidth=0
        )
    )
    axes.add_patch(
        Rectangle(
            (column + 0.03, top), 0.94, tall, facecolor="none",
            edgecolor=INK if stayed else LINE, linewidth=1.25 if stayed else 1, zorder=3 if stayed else 2,
        )
    )  # fmt: skip
    if known and share >= 0.005:
        text = f"{share:.0%}"
    elif known and share > 0:
        text = "<1%"
    else:
        text = "" if known else "–"
    axes.text(column + 0.5, top + tall / 2, text, ha="center", va="center_baseline", fontsize=TICK, color=INK)


def _row_name(axes: "Axes", row: int, name: str, *, style: Style) -> None:
    if style.narrow:
        axes.text(0.03, row + 0.36, name, ha="left", va="bottom", fontsize=TEXT, color=INK)
        return
    axes.annotate(
        name, (0, row + 0.5), xytext=(-8, 0), textcoords="offset points",
        ha="right", va="center", fontsize=TEXT, color=INK, annotation_clip=False,
    )  # fmt: skip
