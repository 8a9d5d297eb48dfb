"""Pictures of the incrementality page: every effect with its interval, and one effect by several ways."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import ACCENT, BOLD, INK, INK_3, MARK, TEXT, TICK, ZERO, Style, interval_mark
from analysis.evidence import Estimate, Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["effects", "targeted", "ways"]

_ROW: Final = 38
_NARROW_ROW: Final = 56
_LABELS: Final = 250
_VALUES: Final = 90
_UNITS: Final = {"money": "money", "rate": "points", "count": "number"}


def effects(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw every effect as a share of the control's mean, point and interval; proven ones in accent.

    Args:
        table: One row per metric and arm: metric_zh, metric_en, arm, rel_effect (share) with interval, pvalue_holm,
            confidence_level.
        style: For whom.
    """
    names = [f"{metric} · {arm}" for metric, arm in zip(table[f"metric_{style.language}"], table["arm"], strict=True)]
    proven = (table["pvalue_holm"] < 1 - table["confidence_level"]).tolist()
    title = style.text("比对照高出的比例；实色：证明了", "share above the control; in colour: proven")
    return _forest(table, names, "rel_effect", "share", accents=proven, title=title, style=style)


def ways(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw one effect by several ways of estimating it, the plain one in accent.

    Args:
        table: One row per way: way_zh, way_en, effect_<money, rate or count> with interval, confidence_level.
        style: For whom.
    """
    kind = next(kind for kind in _UNITS if f"effect_{kind}" in table)
    accents = [place == 0 for place in range(len(table))]
    title = style.text("效果，点与区间", "effect, point and interval")
    names = table[f"way_{style.language}"].astype(str).tolist()
    return _forest(table, names, f"effect_{kind}", _UNITS[kind], accents=accents, title=title, style=style)


def targeted(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw campaigns without a random control: the plain difference, and in accent what is left of it.

    Args:
        table: Two rows per campaign: way_zh, way_en, effect_money with interval, confidence_level, grade.
        style: For whom.
    """
    accents = [place % 2 == 1 for place in range(len(table))]
    title = style.text("人均多花多少，点与区间", "spent more a head, point and interval")
    names = table[f"way_{style.language}"].astype(str).tolist()
    return _forest(table, names, "effect_money", "money", accents=accents, title=title, style=style)


def learned(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw prior, measurement and what they say together, the latter in accent.

    Args:
        table: One row per step: way_zh, way_en, effect_days with interval, confidence_level, is_learned.
        style: For whom.
    """
    title = style.text("一次触达值客户自己几天的购买", "days of own purchases that a touch is worth")
    names = table[f"way_{style.language}"].astype(str).tolist()
    return _forest(table, names, "effect_days", "days", accents=table["is_learned"].tolist(), title=title, style=style)


def _forest(
    table: pd.DataFrame,
    names: Sequence[str],
    column: str,
    unit: str,
    *,
    accents: Sequence[bool],
    title: str,
    style: Style,
) -> "Figure":
    height = _NARROW_ROW if style.narrow else _ROW
    left, right = (10, 14) if style.narrow else (_LABELS, _VALUES)
    figure, axes = style.canvas(len(names) * height + 66, left=left, right=right, top=34, bottom=28)
    axes.set(ylim=(len(names) - 0.4, -0.6), yticks=[])
    ends = table[[column, f"{column}_ci_lower", f"{column}_ci_upper"]].to_numpy(dtype=float)
    known = ends[np.isfinite(ends)]
    low, high = (min(known.min(initial=0.0), 0.0), max(known.max(initial=0.0), 0.0))
    room = (high - low) * 0.06 or 0.01
    axes.set_xlim(low - room, high + room)
    for y, row in enumerate(table.to_dict("records")):
        estimate = _estimate(row, column, unit)
        color = ACCENT if accents[y] else MARK
        interval_mark(axes, y + (0.2 if style.narrow else 0.0), estimate, color=color, style=style, name=names[y])
        said = style.number(estimate.value, unit, bare=True)
        _row(axes, y, names[y], said, style=style, bold=accents[y])
    axes.axvline(0, color=ZERO, linewidth=1.25, zorder=2)
    _x_axis(axes, lambda value: style.number(value, unit, bare=True))
    axes.annotate(
        title, (0, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points", ha="left", va="bottom",
        color=INK_3, fontsize=TICK,
    )  # fmt: skip
    return figure


def _row(axes: "Axes", y: int, name: str, said: str, *, style: Style, bold: bool) -> None:
    weight: Any = BOLD if bold else 400
    if style.narrow:
        sides = (((0, y - 0.2), (0, 0), "left", name), ((1, y - 0.2), (0, 0), "right", said))
    else:
        sides = (((0, y), (8 - _LABELS, 0), "left", name), ((1, y), (_VALUES - 8, 0), "right", said))
    for place, offset, align, text in sides:
        axes.annotate(
            text, place, xycoords=("axes fraction", "data"), xytext=offset, textcoords="offset points", ha=align,
            va="center", color=ACCENT if bold else INK, fontweight=weight, fontsize=TEXT, annotation_clip=False,
        )  # fmt: skip


def _estimate(row: Any, name: str, unit: str) -> Estimate:
    value, lower, upper = (float(row[f"{name}{end}"]) for end in ("", "_ci_lower", "_ci_upper"))
    grade = Grade(row.get("grade", Grade.RANDOMISED))
    if not (np.isfinite(lower) and np.isfinite(upper)):
        return Estimate(value, unit, grade=grade)
    return Estimate(value, unit, lower, upper, float(row["confidence_level"]), grade)


def _x_axis(axes: "Axes", words: Callable[[float], str]) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = axes.get_xlim()
    ticks = [tick for tick in MaxNLocator(nbins=4, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]
    axes.set_xticks(ticks, labels=[words(float(tick)) for tick in ticks])
    axes.grid(visible=True, axis="x")
