"""Pictures of the uplift page: what a ranking gains over chance, whether predictions hold, money by depth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    ACCENT_SOFT,
    INK_3,
    MARK,
    TICK,
    ZERO,
    Style,
    label_y_right,
    marker_of,
    tell_each,
    tell_points,
)
from analysis.evidence import Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["profit_by_depth", "qini_curve", "uplift_by_part"]

_UNITS: Final = {"money": "money", "rate": "points", "count": "number"}
_TOLD: Final = 25
"""How many points of a curve a pointer finds, about."""
_TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


def qini_curve(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the gain a head by depth in accent with its band, and the random line.

    Args:
        table: One row per depth: share_touched (0-1), gain_<kind> with interval, gain_random_<kind>.
        style: For whom.
    """
    kind = _kind(table, "gain")
    figure, axes = _canvas(style, top=30)
    depth, gain = table["share_touched"].to_numpy(float), table[f"gain_{kind}"].to_numpy(float)
    lower, upper = (table[f"gain_{kind}_ci_{end}"].to_numpy(float) for end in ("lower", "upper"))
    random = table[f"gain_random_{kind}"].to_numpy(float)
    every = max(1, len(depth) // _TOLD)
    axes.fill_between(depth, lower, upper, color=ACCENT_SOFT, linewidth=0, zorder=1)
    axes.plot(depth, random, color=MARK, linewidth=1.5, linestyle=(0, (4, 3)), zorder=2)
    axes.plot(depth, gain, color=ACCENT, linewidth=2, zorder=3)
    model, chance = style.text("按模型", "by the model"), style.text("随机", "at random")
    told = [
        style.told(_first(share, style=style), (model, one, _UNITS[kind]), (chance, other, _UNITS[kind]))
        for share, one, other in zip(depth, gain, random, strict=True)
    ]
    tell_points(axes, depth[::every].tolist(), gain[::every].tolist(), told[::every])
    axes.axhline(0, color=ZERO, linewidth=1.25, zorder=2)
    _y_axis(axes, np.concatenate([lower, upper, random, [0.0]]), _UNITS[kind], style=style)
    _depth_axis(axes, style=style)
    _key(
        axes,
        [
            (style.text("按模型排名发", "by the model"), ACCENT),
            (style.text("随机发（虚线）", "at random (dashed)"), INK_3),
        ],
        style=style,
    )
    return figure


def uplift_by_part(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw observed uplift of each tenth as point and interval, and what was predicted of it as a line.

    Args:
        table: One row per part, best first: part, predicted_<kind>, observed_<kind> with interval.
        style: For whom.
    """
    kind = _kind(table, "observed")
    figure, axes = _canvas(style, top=30)
    part, predicted = table["part"].to_numpy(float), table[f"predicted_{kind}"].to_numpy(float)
    observed, lower, upper = (table[f"observed_{kind}{end}"].to_numpy(float) for end in ("", "_ci_lower", "_ci_upper"))
    axes.axhline(0, color=ZERO, linewidth=1.25, zorder=2)
    axes.vlines(part, lower, upper, colors=MARK, linewidth=3, zorder=3)
    seen, said = style.text("实测", "observed"), style.text("预测", "predicted")
    for x, y, forecast in zip(part, observed, predicted, strict=True):
        (point,) = axes.plot([x], [y], **marker_of(Grade.RANDOMISED, color=MARK))
        name = style.text(f"第 {x:.0f} 份", f"tenth {x:.0f}")
        tell_each([point], [style.told(name, (seen, y, _UNITS[kind]), (said, forecast, _UNITS[kind]))])
    axes.plot(part, predicted, color=ACCENT, linewidth=2, zorder=4)
    known = np.concatenate([lower, upper, observed, predicted, [0.0]])
    _y_axis(axes, known[np.isfinite(known)], _UNITS[kind], style=style)
    axes.set_xlim(0.4, 12.2 if style.narrow else 11.4)  # room for the labels of the scale on the right
    axes.set_xticks(range(1, 11), labels=[str(number) for number in range(1, 11)])
    axes.set_xlabel(style.text("客户十等份，1 排在最前", "tenths of the customers, 1 the best-ranked"), labelpad=6)
    _key(
        axes,
        [(style.text("预测", "predicted"), ACCENT), (style.text("实测，点与区间", "observed, with interval"), INK_3)],
        style=style,
    )
    return figure


def profit_by_depth(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw margin less touches by depth with its band.

    Args:
        table: One row per depth: share_touched (0-1), profit with interval (money); a depth that is hidden is NaN.
        style: For whom.
    """
    table = table.dropna(subset=["share_touched"])
    figure, axes = _canvas(style, top=30)
    depth = table["share_touched"].to_numpy(float)
    profit, lower, upper = (table[f"profit{end}"].to_numpy(float) for end in ("", "_ci_lower", "_ci_upper"))
    axes.fill_between(depth, lower, upper, color=ACCENT_SOFT, linewidth=0, zorder=1)
    axes.plot(depth, profit, color=ACCENT, linewidth=2, zorder=3)
    every = max(1, len(depth) // _TOLD)
    told = [
        style.told(_first(share, style=style), ("", one, "money")) for share, one in zip(depth, profit, strict=True)
    ]
    tell_points(axes, depth[::every].tolist(), profit[::every].tolist(), told[::every])
    axes.axhline(0, color=ZERO, linewidth=1.25, zorder=2)
    _y_axis(axes, np.concatenate([lower, upper, [0.0]]), "money", style=style)
    _depth_axis(axes, style=style)
    _key(axes, [(style.text("扣掉触达成本后的毛利", "margin less touches"), ACCENT)], style=style)
    return figure


def _first(share: float, *, style: Style) -> str:
    return style.text(f"前 {share:.0%} 的客户", f"the first {share:.0%} of customers")


def _canvas(style: Style, *, top: float) -> "tuple[Figure, Axes]":
    figure, axes = style.canvas(290 if style.narrow else 340, top=top, bottom=46, left=12, right=12)
    return figure, axes


def _kind(table: pd.DataFrame, stem: str) -> str:
    return next(kind for kind in _UNITS if f"{stem}_{kind}" in table)


def _depth_axis(axes: "Axes", *, style: Style) -> None:
    axes.set_xlim(0, 1.2 if style.narrow else 1.1)  # room for the labels of the scale on the right
    axes.set_xticks(list(_TICKS), labels=[f"{share * 100:.0f}%" for share in _TICKS])
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.set_xlabel(style.text("发给排在前多少的客户", "share of the customers touched, best-ranked first"), labelpad=6)


def _y_axis(axes: "Axes", values: "np.ndarray[tuple[int], np.dtype[np.float64]]", unit: str, *, style: Style) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = float(values.min()), float(values.max())
    room = (high - low) * 0.08 or 0.01
    axes.set_ylim(low - room / 2, high + room)
    ticks = [
        float(tick)
        for tick in MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(low, high)
        if low - room / 2 <= tick <= high + room / 2
    ]
    label_y_right(axes, ticks, [style.number(tick, unit, bare=True) for tick in ticks])


def _key(axes: "Axes", entries: Sequence[tuple[str, str]], *, style: Style) -> None:
    """Name the lines above the drawing, each in its colour."""
    from matplotlib.artist import Artist
    from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea

    parts: list[Artist] = [TextArea(text, textprops={"color": color, "fontsize": TICK}) for text, color in entries]
    packed = HPacker(children=parts, pad=0, sep=14 if style.narrow else 20)
    axes.add_artist(
        AnchoredOffsetbox(
            loc="lower left", child=packed, frameon=False, pad=0, borderpad=0, bbox_to_anchor=(0, 1.02),
            bbox_transform=axes.transAxes,
        )
    )  # fmt: skip
