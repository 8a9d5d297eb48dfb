"""Pictures of what the decision hangs on: the lead by assumption, and each one's share of its variation."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.charts.strategy_rows import (
    CAPTION,
    money_axis,
    name_row,
    round_ticks,
    rows_of,
    tick_text,
    write_at,
    write_head,
)
from analysis.charts.theme import INK, MARK, TICK, WARN, Style, marker_of, tell_each, zero_line
from analysis.evidence import Grade

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["lead_by_assumption", "variation_by_assumption"]


def lead_by_assumption(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the lead over the runner-up where each assumption is low (hollow) and where it is high (full).

    Args:
        table: One row per assumption, largest swing first: assumption_zh, assumption_en, lead_if_low, lead_if_high
            (currency), flips.
        style: For whom.
    """
    names = table[f"assumption_{style.language}"].tolist()
    both = [*table["lead_if_low"], *table["lead_if_high"]]
    scale = style.scale(both or [0.0], "money")
    figure, axes = rows_of(names, style=style, right=130)
    for y, row in enumerate(table.to_dict("records")):
        low, high = row["lead_if_low"] / scale.factor, row["lead_if_high"] / scale.factor
        color = WARN if row["flips"] else MARK
        axes.hlines(y, min(low, high), max(low, high), colors=color, linewidth=3, zorder=2)
        points = [
            *axes.plot([low], [y], **marker_of(Grade.OBSERVATIONAL, color=color)),
            *axes.plot([high], [y], **marker_of(Grade.RANDOMISED, color=color)),
        ]
        ends = (
            (style.text("假设偏低，领先", "lead if low:"), row["lead_if_low"], "money"),
            (style.text("假设偏高，领先", "lead if high:"), row["lead_if_high"], "money"),
        )
        tell_each(points, [style.told(names[y], *ends)] * 2)
        name_row(axes, y, names[y], style=style, bold=bool(row["flips"]))
        if row["flips"]:
            text = style.text("赢家换人", "winner changes")
            write_at(axes, style.width, y, text, style=style, color=WARN, bold=True, above=style.narrow)
    money_axis(axes, both or [0.0], factor=scale.factor, zero=style.text("0 = 打平", "0 = level"))
    key = style.text("○ 假设偏低　● 假设偏高", "○ assumed low　● assumed high")
    if not style.narrow:
        write_head(axes, style.width, scale.label, style=style)
    axes.annotate(key, (0, 0), xycoords="axes fraction", xytext=(0, -10), **CAPTION, va="top", ha="left")
    return figure


def variation_by_assumption(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw which share of the lead's variation each assumption causes: alone (point), and with others (line's end).

    Args:
        table: One row per assumption, largest first: assumption_zh, assumption_en, first_order and total_order (0-1).
        style: For whom.
    """
    names = table[f"assumption_{style.language}"].tolist()
    figure, axes = rows_of(names, style=style, right=70)
    shares = [0.0, *(100 * table["total_order"].to_numpy(dtype=float))]
    for y, row in enumerate(table.to_dict("records")):
        alone, whole = 100 * row["first_order"], 100 * row["total_order"]
        line = axes.hlines(y, 0, whole, colors=MARK, linewidth=3, zorder=2)
        (point,) = axes.plot([alone], [y], **marker_of(Grade.OBSERVATIONAL, color=MARK))
        told = style.told(
            names[y],
            (style.text("单独", "alone"), row["first_order"], "share"),
            (style.text("连同相互作用", "with others"), row["total_order"], "share"),
        )
        tell_each((line, point), [told] * 2)
        name_row(axes, y, names[y], style=style, bold=False)
        text = style.number(row["total_order"], "share")
        write_at(axes, style.width, y, text, style=style, color=INK, bold=True, above=style.narrow)
    axes.set_xlim(0, 1.06 * max(*shares, 5.0))
    ticks = round_ticks([0.0, max(*shares, 5.0)], most=5)
    axes.set_xticks(ticks, labels=[f"{tick_text(tick)}%" for tick in ticks], fontsize=TICK)
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.grid(visible=True, axis="x")
    zero_line(axes)
    if not style.narrow:
        write_head(axes, style.width, style.text("连同相互作用", "with others"), style=style)
    return figure
