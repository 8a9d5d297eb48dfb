"""Pictures of the segments page: size against revenue, what sets each apart, how many groups hold."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from analysis.charts.paired_shares import paired_shares
from analysis.charts.theme import ACCENT, BOLD, INK, INK_2, INK_3, MARK, TEXT, TICK, WARN, Style, label_y_right, tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["segment_differences", "segment_shares", "stability_by_number"]

_TRAITS_SHOWN: Final = 4
_ROW: Final = 24
_NUMBER: Final = 38
"""Room for a number beyond the longest line, on either side."""


def segment_shares(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw each segment's share of customers and of revenue.

    Args:
        table: One row per segment: ``segment_zh``, ``segment_en``, ``share_customers``, ``share_revenue`` (0-1).
        style: For whom.
    """
    return paired_shares(table, group="segment", style=style)


def segment_differences(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw, for each segment, the four traits in which it differs most from all customers.

    Args:
        table: One row per segment and trait: ``segment`` and ``trait`` with their names, ``difference`` (spreads).
        style: For whom.
    """
    segments = table["segment"].unique().tolist()
    names = dict(zip(table["segment"], table[f"segment_{style.language}"].astype(str), strict=True))
    shown = min(_TRAITS_SHOWN, table["trait"].nunique())
    # Wide: the name stands left of its lines; narrow: above them.
    left = 0.0 if style.narrow else _width(names.values(), style, letter=(13.2, 7.6), most=180)
    head, width = (30 if style.narrow else 4), style.width - 16
    block = head + shown * _ROW + 14
    figure, axes = style.canvas(len(segments) * block + 34, left=6, right=10, top=4, bottom=4)
    label = left + _width(_short(table[f"trait_{style.language}"]), style, letter=(12.2, 6.7), most=210)
    values = table["difference"].astype("float64")
    low, high = max(-float(values.min()), 0.5), max(float(values.max()), 0.5)
    scale = (width - label - 2 * _NUMBER) / (low + high)
    zero = label + _NUMBER + low * scale
    for index, segment in enumerate(segments):
        top = index * block
        axes.text(0, top + (5 if style.narrow else head + 5), _wrapped(names[segment], left or width, style),
                  fontsize=TEXT, fontweight=BOLD, color=INK, va="top", linespacing=1.4)  # fmt: skip
        axes.vlines(zero, top + head, top + head + shown * _ROW, colors=INK, linewidth=1.25, zorder=2)
        for line, (name, difference) in enumerate(_largest(table[table["segment"] == segment], shown, style)):
            y = top + head + (line + 0.5) * _ROW
            axes.text(label - 10, y, name, ha="right", va="center", fontsize=TICK, color=INK_2)
            told = style.text(
                f"与平均相差 {_signed(difference)} 个标准差", f"{_signed(difference)} standard deviations"
            )
            _lollipop(axes, difference, y, zero=zero, scale=scale, told=f"{names[segment]}\n{name}\n{told}")
    said = style.text("0 = 全体客户的平均；单位：标准差", "0 = the average customer; standard deviations")
    half = sum(TICK if letter > "\u2e7f" else 0.56 * TICK for letter in said) / 2
    middle = min(max(zero, half), width - half)  # under the zero line as far as there is room
    axes.text(middle, len(segments) * block + 12, said, fontsize=TICK, color=INK_3, va="center", ha="center")
    axes.set_xlim(0, width)
    axes.set_ylim(len(segments) * block + 26, 0)
    axes.set_axis_off()
    return figure


def _largest(table: pd.DataFrame, shown: int, style: Style) -> list[tuple[str, float]]:
    """Return the traits of the largest differences; none where the segment is too small to show."""
    known = table.assign(difference=table["difference"].astype("float64")).dropna(subset="difference")
    order = known["difference"].abs().sort_values(ascending=False, kind="stable").index[:shown]
    chosen = known.loc[order]
    return list(zip(_short(chosen[f"trait_{style.language}"]), chosen["difference"], strict=True))


def _short(labels: "pd.Series[str]") -> list[str]:
    """Leave out what stands in brackets; the table beneath has it."""
    return [str(label).split(" (")[0].split("（")[0] for label in labels]


def _width(texts: Iterable[str], style: Style, *, letter: tuple[float, float], most: float) -> float:
    per = letter[0] if style.language == "zh" else letter[1]
    return min(max((len(text) for text in texts), default=1) * per + 14, most)


def stability_by_number(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the stability of the worst group for each number of groups tried, with the stability asked for as a line.

    Args:
        table: One row per number: ``k``, ``worst_jaccard`` (0-1, NaN where a group was too small), ``accepted``,
            ``min_jaccard``.
        style: For whom.
    """
    figure, axes = style.canvas(240 if style.narrow else 280, left=10, right=10, top=22, bottom=46)
    numbers = table["k"].to_numpy()
    for k, worst, accepted in zip(numbers, table["worst_jaccard"], table["accepted"], strict=True):
        if np.isnan(worst):
            axes.annotate(
                style.text("太小", "too small"), (k, 0.02), ha="center", va="bottom", fontsize=TICK, color=INK_3
            )
            continue
        color = ACCENT if accepted else MARK
        axes.vlines(k, 0, worst, colors=color, linewidth=2)
        down = np.floor(100 * worst) / 100  # 0.849 must not read as the 0.85 that is asked for
        (point,) = axes.plot([k], [worst], marker="o", ms=10, color=color, linestyle="none", clip_on=False, zorder=4)
        groups = style.text(f"分成 {k} 群", f"{k} groups")
        tell(point, f"{groups}\n{style.text('最不稳的一群', 'the least stable one')} {down:.2f}")
        axes.annotate(
            f"{down:.2f}", (k, worst), xytext=(0, 9), textcoords="offset points", ha="center", va="bottom",
            fontsize=TICK, color=color if accepted else INK_2, fontweight=BOLD if accepted else 400,
            annotation_clip=False,
        )  # fmt: skip
    low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (2, 8)
    if len(table):
        needed = float(table["min_jaccard"].iloc[0])
        axes.axhline(needed, color=WARN, linewidth=1.5, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            style.text(f"要求 {needed:.2f}", f"asked for: {needed:.2f}"), (0, needed),
            xycoords=("axes fraction", "data"), xytext=(0, 4), textcoords="offset points",
            fontsize=TICK, color=WARN, va="bottom",
        )  # fmt: skip
    label_y_right(axes, [0.5, 1.0], ["0.5", "1"])
    axes.set_xticks(range(low, high + 1), labels=[str(k) for k in range(low, high + 1)], fontsize=TICK)
    axes.set_xlabel(style.text("分成几群", "number of groups"))
    axes.set_xlim(low - 1.1, high + 0.8)
    axes.set_ylim(0, 1.08)
    axes.axhline(0, color=INK, linewidth=1.25)
    return figure


def _signed(difference: float) -> str:
    return f"{difference:+.1f}".replace("-", "−")


def _lollipop(axes: "Axes", difference: float, y: float, *, zero: float, scale: float, told: str) -> None:
    end = zero + difference * scale
    color = ACCENT if abs(difference) >= 0.5 else MARK
    axes.hlines(y, min(zero, end), max(zero, end), colors=color, linewidth=2, zorder=3)
    (point,) = axes.plot([end], [y], marker="o", ms=8, color=color, linestyle="none", zorder=4)
    tell(point, told)
    text = _signed(difference)
    side, align = (8, "left") if difference >= 0 else (-8, "right")
    axes.text(end + side, y, text, ha=align, va="center", fontsize=TICK, color=INK_2)


def _wrapped(name: str, width: float, style: Style) -> str:
    """Return the name in lines that fit, broken after a comma or between words."""
    if style.language == "zh":
        most = int(width / 13.2)
        parts = name.replace("、", "、\n").split("\n")
    else:
        most = int(width / 7.4)
        parts = [f"{word} " for word in name.split(" ")]
    lines = [""]
    for part in parts:
        if lines[-1] and len((lines[-1] + part).rstrip()) > most:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)
