"""Pictures of the policy-value page: policies with intervals, one policy by every estimator, overlap, over time."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    BOLD,
    GRID,
    INK,
    INK_3,
    MARK,
    TEXT,
    TICK,
    ZERO,
    Style,
    interval_mark,
    tell_each,
    tell_points,
)
from analysis.evidence import Estimate, Grade
from analysis.numerals import format_date

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["estimators", "over_time", "overlap", "policies"]

_ROW: Final = 34
_NARROW_ROW: Final = 54
_LABELS: Final = 240
_VALUES: Final = 84
_UNITS: Final = {"money": "money", "rate": "share", "number": "number"}
_BEST: Final = 8
_WORST: Final = 4


def policies(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw what each policy is worth, the best eight and the worst four; the line is what was logged.

    Args:
        table: One row per policy, best first: policy_zh, policy_en, value_<rate, money or number> and difference_…
            with intervals, logged_…, grade, confidence_level.
        style: For whom.
    """
    kind = _kind(table, "value")
    column, unit = f"value_{kind}", _UNITS[kind]
    shown, left_out = _ends(table)
    rows = [
        (str(row[f"policy_{style.language}"]), _estimate(row, column, unit), _clear(row, f"difference_{kind}"))
        for row in shown.to_dict("records")
    ]
    gap = style.text(f"……中间还有 {left_out} 种", f"… {left_out} more in between") if left_out else ""
    title = style.text("每次决策的结果；实色：与记录明显不同", "reward a decision; in colour: clearly unlike the log")
    line = float(table[f"logged_{kind}"].iloc[0])
    return _forest(rows, unit, line=line, title=title, gap=(_BEST, gap), style=style)


def estimators(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw one policy's value by every estimator; the line is what was logged.

    Args:
        table: One row per estimator: way_zh, way_en, value_<kind> with interval, logged_<kind>, confidence_level.
        style: For whom.
    """
    kind = _kind(table, "value")
    column, unit = f"value_{kind}", _UNITS[kind]
    rows = [
        (str(row[f"way_{style.language}"]), _estimate(row, column, unit), place == 2)
        for place, row in enumerate(table.to_dict("records"))
    ]
    line = float(table[f"logged_{kind}"].iloc[0])
    title = style.text("每次决策的结果，点与区间；竖线：记录中的做法", "reward a decision; the line: as logged")
    return _forest(rows, unit, line=line, title=title, gap=(0, ""), style=style)


def overlap(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw how much of the log speaks for each policy: decisions shared (light) and effective sample (dark).

    Args:
        table: One row per policy, most first: policy_zh, policy_en, n_matched, ess (decisions).
        style: For whom.
    """
    shown, left_out = _ends(table)
    row_height = _NARROW_ROW if style.narrow else _ROW
    left, right = (10, 14) if style.narrow else (_LABELS, _VALUES)
    n = len(shown) + bool(left_out)
    figure, axes = style.canvas(n * row_height + 50, left=left, right=right, top=34, bottom=12)
    axes.set(ylim=(n - 0.4, -0.6), yticks=[], xticks=[], xlim=(0, max(float(shown["n_matched"].max()), 1.0)))
    for y, row in zip(_places(len(shown), left_out), shown.to_dict("records"), strict=True):
        at = y + (0.2 if style.narrow else 0.0)
        name = str(row[f"policy_{style.language}"])
        (shared,) = axes.barh(at, row["n_matched"], height=0.34, color=GRID, zorder=2)
        (effective,) = axes.barh(at, row["ess"], height=0.34, color=MARK, zorder=3)
        told = style.told(
            name,
            (style.text("照它做的决策", "decisions it shares"), row["n_matched"], "count"),
            (style.text("有效样本", "effective sample"), row["ess"], "count"),
        )
        tell_each((shared, effective), [told] * 2)
        said = style.number(float(row["ess"]), "count", bare=True)
        _row_words(axes, y, name, said, style=style, bold=False)
    _gap(axes, left_out, style=style)
    _title(
        axes, style.text("浅：记录里照它做的决策；深：有效样本", "light: decisions it shares; dark: effective sample")
    )
    return figure


def over_time(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the value as logged (grey) and of the policy (accent) by period.

    Args:
        table: One row per period: period_from, logged_<kind> and value_<kind> with intervals, confidence_level.
        style: For whom.
    """
    kind = _kind(table, "value")
    unit = _UNITS[kind]
    figure, axes = style.canvas(230, left=14, right=14, top=40, bottom=30)
    x = np.arange(len(table), dtype=float)
    for name, color, aside in (("logged", MARK, -0.08), ("value", ACCENT, 0.08)):
        column = f"{name}_{kind}"
        axes.vlines(x + aside, table[f"{column}_ci_lower"], table[f"{column}_ci_upper"], colors=color, linewidth=3)
        axes.plot(x + aside, table[column], color=color, marker="o", markersize=7, linewidth=1.25, clip_on=False)
        what = style.text("记录中的做法", "as logged") if name == "logged" else style.text("这种做法", "this policy")
        told = [
            style.told(format_date(pd.Timestamp(day).date(), language=style.language), (what, value, unit))
            for day, value in zip(table["period_from"], table[column].astype(float), strict=True)
        ]
        tell_points(axes, (x + aside).tolist(), table[column].astype(float).tolist(), told)
    every = 2 if style.narrow and len(table) > 4 else 1
    days = [pd.Timestamp(day) for day in table["period_from"]]
    axes.set_xticks(x[::every], labels=[f"{day.year}-{day.month:02d}-{day.day:02d}" for day in days][::every])
    axes.set_xlim(-0.5, len(table) - 0.5)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (high - low) * 0.08)
    ticks = _ticks(axes.get_ylim())
    axes.set_yticks(ticks, labels=[""] * len(ticks))
    axes.grid(visible=True, axis="y")
    for tick in ticks:
        axes.annotate(
            style.number(tick, unit, bare=True), (1, tick), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", ha="right", va="bottom", color=INK_3, fontsize=TICK,
        )  # fmt: skip
    _title(axes, style.text("灰：记录中的做法；蓝：这种做法", "grey: as logged; blue: this policy"))
    return figure


def _forest(
    rows: list[tuple[str, Estimate, bool]],
    unit: str,
    *,
    line: float,
    title: str,
    gap: tuple[int, str],
    style: Style,
) -> "Figure":
    row_height = _NARROW_ROW if style.narrow else _ROW
    left, right = (10, 14) if style.narrow else (_LABELS, _VALUES)
    n = len(rows) + bool(gap[1])
    figure, axes = style.canvas(n * row_height + 66, left=left, right=right, top=34, bottom=28)
    axes.set(ylim=(n - 0.4, -0.6), yticks=[])
    known = [end for _, one, _ in rows for end in (one.value, one.ci_lower, one.ci_upper) if end is not None]
    known.append(line)
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = (high - low) * 0.06 or 0.01
    axes.set_xlim(low - room, high + room)
    for y, (name, estimate, bold) in zip(_places(len(rows), int(bool(gap[1]))), rows, strict=True):
        place, color = y + (0.2 if style.narrow else 0.0), ACCENT if bold else MARK
        interval_mark(axes, place, estimate, color=color, style=style, name=name)
        _row_words(axes, y, name, style.number(estimate.value, unit, bare=True), style=style, bold=bold)
    if gap[1]:
        axes.annotate(
            gap[1], (0, gap[0]), xycoords=("axes fraction", "data"), xytext=(0 if style.narrow else 8 - _LABELS, 0),
            textcoords="offset points", ha="left", va="center", color=INK_3, fontsize=TICK, annotation_clip=False,
        )  # fmt: skip
    axes.axvline(line, color=ZERO, linewidth=1.25, zorder=2)
    ticks = _ticks(axes.get_xlim())
    axes.set_xticks(ticks, labels=[style.number(tick, unit, bare=True) for tick in ticks])
    axes.grid(visible=True, axis="x")
    _title(axes, title)
    return figure


def _ends(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the first eight and last four rows, and how many lie in between."""
    if len(table) <= _BEST + _WORST + 1:
        return table, 0
    return pd.concat([table.head(_BEST), table.tail(_WORST)]), len(table) - _BEST - _WORST


def _places(n: int, left_out: int) -> list[int]:
    return [place + (1 if left_out and place >= _BEST else 0) for place in range(n)]


def _gap(axes: "Axes", left_out: int, *, style: Style) -> None:
    if left_out:
        axes.annotate(
            style.text(f"……中间还有 {left_out} 种", f"… {left_out} more in between"), (0, _BEST),
            xycoords=("axes fraction", "data"), xytext=(0 if style.narrow else 8 - _LABELS, 0),
            textcoords="offset points", ha="left", va="center", color=INK_3, fontsize=TICK, annotation_clip=False,
        )  # fmt: skip


def _row_words(axes: "Axes", y: float, name: str, said: str, *, style: Style, bold: bool) -> None:
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


def _title(axes: "Axes", text: str) -> None:
    axes.annotate(
        text, (0, 1), xycoords="axes fraction", xytext=(0, 10), textcoords="offset points", ha="left", va="bottom",
        color=INK_3, fontsize=TICK,
    )  # fmt: skip


def _ticks(ends: tuple[float, float]) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    low, high = ends
    return [float(t) for t in MaxNLocator(nbins=4, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= t <= high]


def _kind(table: pd.DataFrame, name: str) -> str:
    return next(kind for kind in _UNITS if f"{name}_{kind}" in table)


def _clear(row: Any, name: str) -> bool:
    """Return whether a difference's interval leaves 0 out."""
    return bool(row[f"{name}_ci_lower"] > 0 or row[f"{name}_ci_upper"] < 0)


def _estimate(row: Any, name: str, unit: str) -> Estimate:
    value, lower, upper = (float(row[f"{name}{end}"]) for end in ("", "_ci_lower", "_ci_upper"))
    if not (np.isfinite(lower) and np.isfinite(upper)):
        return Estimate(value, unit, grade=Grade(row["grade"]))
    return Estimate(value, unit, lower, upper, float(row["confidence_level"]), Grade(row["grade"]))
