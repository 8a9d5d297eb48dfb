"""Picture of the experiment design page: what each holdout share can show."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.charts.theme import ACCENT, BOLD, INK, INK_3, MARK, TEXT, TICK, Style, tell_each

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["visible"]


def visible(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the smallest visible change by holdout share, the planned share in accent, with what it costs.

    Args:
        table: One row per share: holdout_share, mde_rel (share), holdout_cost (currency),
            is_planned.
        style: For whom.
    """
    height, left, right = (56, 10, 14) if style.narrow else (38, 130, 130)
    figure, axes = style.canvas(len(table) * height + 60, left=left, right=right, top=34, bottom=14)
    known = table["mde_rel"].to_numpy(dtype=float)
    top = float(np.nan_to_num(known).max(initial=0.0)) or 1.0
    axes.set(ylim=(len(table) - 0.4, -0.6), yticks=[], xticks=[], xlim=(0, top * 1.22))
    for y, row in enumerate(table.to_dict("records")):
        color, place = (ACCENT if row["is_planned"] else MARK), y + (0.2 if style.narrow else 0.0)
        value = float(row["mde_rel"])
        name = style.text("留出 ", "hold out ") + style.number(row["holdout_share"], "share")
        weight: Any = BOLD if row["is_planned"] else 400
        if np.isfinite(value):
            bars = axes.barh(place, value, height=0.34 if style.narrow else 0.5, color=color)
            changes = (style.text("看得清的最小变化", "smallest visible change"), value, "share")
            tell_each(bars, [style.told(name, changes, (style.text("代价", "costs"), row["holdout_cost"], "money"))])
            said = style.number(value, "share")
            axes.annotate(said, (value, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=TEXT)
        cost = style.text("代价 ", "costs ") + style.number(row["holdout_cost"], "money")
        sides = (
            (((0, y - 0.25), (0, 0), "left", name), ((1, y - 0.25), (0, 0), "right", cost))
            if style.narrow
            else (((0, y), (8 - left, 0), "left", name), ((1, y), (right - 8, 0), "right", cost))
        )
        for at, offset, align, text in sides:
            axes.annotate(
                text, at, xycoords=("axes fraction", "data"), xytext=offset, textcoords="offset points", ha=align,
                va="center", color=ACCENT if row["is_planned"] else INK, fontweight=weight, fontsize=TEXT,
                annotation_clip=False,
            )  # fmt: skip
    axes.annotate(
        style.text("看得清的最小变化（占购买率）", "smallest visible change, share of the buying rate"),
        (0, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points", ha="left", va="bottom",
        color=INK_3, fontsize=TICK,
    )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=1)
    return figure
