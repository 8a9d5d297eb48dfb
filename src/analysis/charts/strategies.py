"""Pictures of the comparison of touch strategies."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    BOLD,
    INK,
    INK_2,
    INK_3,
    LINE_2,
    MARK,
    TEXT,
    TICK,
    WARN,
    Style,
    interval_mark,
    label_end,
    label_y_right,
    marker_of,
    tell,
    zero_line,
)
from analysis.evidence import Estimate, Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "account_of_strategy",
    "frontier_by_frequency",
    "lead_by_assumption",
    "profit_against_deletions",
    "profit_by_strategy",
    "profit_by_tier",
    "short_and_long_run",
    "variation_by_assumption",
]

_ROW: Final = 36
_NARROW_ROW: Final = 52
_NEVER_FIRST: Final = "，、。；：）」"
_LATIN: Final = 7.6  # width of a Latin letter at 13 units; a Chinese one is as wide as high


def profit_by_strategy(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw each strategy's incremental profit as point and interval, with its chance of being best.

    Args:
        table: One row per strategy, highest first: strategy_zh, strategy_en, incremental_profit with interval
            (currency), confidence_level, p_best (0-1), grade, recommended.
        style: For whom.
    """
    names = table[f"strategy_{style.language}"].tolist()
    scale = style.scale(_ends(table, "incremental_profit"), "money")
    figure, axes = _rows(names, style=style, right=250)
    for y, row in enumerate(table.to_dict("records")):
        color = ACCENT if row["recommended"] else MARK
        estimate = _estimate(row, "incremental_profit")
        interval_mark(axes, y, estimate, color=color, factor=scale.factor, style=style, name=names[y])
        text = INK if color == MARK else color
        _name(axes, y, names[y], style=style, bold=bool(row["recommended"]))
        value, best = scale.text(row["incremental_profit"]), style.number(row["p_best"], "share")
        if style.narrow:
            _at(axes, style.width, y, f"{value}　{best}", style=style, color=text, bold=True, above=True)
            continue
        interval = scale.interval(estimate.ci_lower, estimate.ci_upper, language=style.language)
        _at(axes, 520, y, value, style=style, color=text, bold=True)
        _at(axes, 644, y, interval, style=style)
        _at(axes, 700, y, best, style=style)
    _money_axis(axes, _ends(table, "incremental_profit"), factor=scale.factor, zero=_zero(style))
    profit = style.text("增量利润", "Profit") + (f"，{scale.label}" if style.language == "zh" else f", {scale.label}")
    best_label = style.text("最优概率", "P(best)")
    if style.narrow:
        _head(axes, style.width, f"{profit}　{best_label}", style=style)
    else:
        for x, text in ((520, profit), (644, style.text("80% 区间", "80% interval")), (700, best_label)):
            _head(axes, x, text, style=style)
    return figure


def profit_against_deletions(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw profit against deletions, each with its interval, and the frontier as a line.

    Args:
        table: One row per strategy, fewest deletions first: strategy_zh, strategy_en, incremental_deletions and
            incremental_profit with intervals, confidence_level, on_frontier, recommended.
        style: For whom.
    """
    scale = style.scale(_ends(table, "incremental_profit"), "money")
    figure, axes = style.canvas(360 if style.narrow else 380, left=10, right=46, top=30, bottom=44)
    lines = table[table["on_frontier"]]
    x, y = table["incremental_deletions"].to_numpy(), table["incremental_profit"].to_numpy() / scale.factor
    axes.plot(lines["incremental_deletions"], lines["incremental_profit"] / scale.factor, color=ACCENT, linewidth=1.5)
    for row in table.to_dict("records"):
        color = ACCENT if row["recommended"] else MARK
        low, high = (row[f"incremental_profit_ci_{end}"] / scale.factor for end in ("lower", "upper"))
        left, right = (row[f"incremental_deletions_ci_{end}"] for end in ("lower", "upper"))
        at = (row["incremental_deletions"], row["incremental_profit"] / scale.factor)
        thin = ACCENT if row["recommended"] else LINE_2
        if not np.isnan([low, left]).any():
            axes.vlines(at[0], low, high, colors=thin, linewidth=1, zorder=1)
            axes.hlines(at[1], left, right, colors=thin, linewidth=1, zorder=1)
        (point,) = axes.plot(*at, **marker_of(Grade.PRIOR, color=color))
        tell(point, _tradeoff(row, style=style))
    zero_line(axes, vertical=False)
    ends = [value / scale.factor for value in _ends(table, "incremental_profit")]
    ticks = _ticks([*ends, 0.0], most=6)
    axes.set_ylim(min([*ends, 0]) - 0.06 * np.ptp([*ends, 0]), max([*ends, 0]) + 0.08 * np.ptp([*ends, 0]))
    far = max(1.0, float(table["incremental_deletions_ci_upper"].max()))
    axes.set_xlim(min(0.0, float(table["incremental_deletions_ci_lower"].min())) - 0.04 * far, far * 1.04)
    label_y_right(axes, ticks, [_tick(tick) for tick in ticks])
    places = _ticks([0.0, far], most=4 if style.narrow else 6)
    axes.set_xticks(places, labels=[_tick(place) for place in places], fontsize=TICK)
    down = style.text("多丢的好友，人 →", "more contacts lost →")
    axes.annotate(down, (1, 0), xycoords="axes fraction", xytext=(0, -26), **_CAPTION, va="top", ha="right")
    up = style.text("↑ 增量利润，", "↑ incremental profit, ") + scale.label
    axes.annotate(up, (0, 1), xycoords="axes fraction", xytext=(0, 8), **_CAPTION, va="bottom", ha="left")
    points = table.sort_values(["recommended", "on_frontier", "incremental_profit"], ascending=False, kind="stable")
    named = pd.DataFrame(
        {
            "text": points[f"strategy_{style.language}"],
            "x": points["incremental_deletions"],
            "y": points["incremental_profit"] / scale.factor,
            "recommended": points["recommended"],
        }
    )
    _label_points(axes, named, style=style, taken=list(zip(x, y, strict=True)))
    return figure


def _tradeoff(row: dict[Any, Any], *, style: Style) -> str:
    """Return what a pointer on a strategy shows: its name, profit and contacts lost, with intervals."""
    lost = Estimate(
        row["incremental_deletions"],
        "deletions",
        row["incremental_deletions_ci_lower"],
        row["incremental_deletions_ci_upper"],
        row["confidence_level"],
        Grade.PRIOR,
    )
    lines = [row[f"strategy_{style.language}"], style.estimate(_estimate(row, "incremental_profit"))]
    return "\n".join([*lines, style.text("多丢 ", "contacts lost: ") + style.estimate(lost)])


def account_of_strategy(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw a strategy's ledger as bars from entry to entry, down to its profit.

    Args:
        table: One row per entry, costs negative, the sum last: entry_zh, entry_en, amount (currency).
        style: For whom.
    """
    names = table[f"entry_{style.language}"].tolist()
    amounts = table["amount"].to_numpy(dtype=float)
    scale = style.scale(amounts.tolist(), "money")
    figure, axes = _rows(names, style=style, right=90)
    before = np.concatenate([[0.0], np.cumsum(amounts[:-1])[:-1], [0.0]]) / scale.factor
    for y, (start, amount) in enumerate(zip(before, amounts / scale.factor, strict=True)):
        last = y == len(amounts) - 1
        color = ACCENT if last and amount >= 0 else WARN if amount < 0 else MARK
        axes.barh(y, amount, left=start, height=0.42, color=color, zorder=2)
        _name(axes, y, names[y], style=style, bold=last)
        text = INK if color == MARK else color
        _at(axes, style.width, y, scale.text(amounts[y]), style=style, color=text, bold=True, above=style.narrow)
    corners = np.concatenate([before, before + amounts / scale.factor]) * scale.factor
    _money_axis(axes, corners.tolist(), factor=scale.factor, zero="")
    _head(axes, style.width, scale.label, style=style)
    return figure


def short_and_long_run(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw cumulative profit at the early checkpoint and at the horizon, one line per strategy.

    Args:
        table: One row per strategy: strategy_zh, strategy_en, profit_early, profit_late (currency), early_days,
            late_days, recommended.
        style: For whom.
    """
    both = [*table["profit_early"], *table["profit_late"]]
    scale = style.scale(both, "money")
    room = 178 if style.narrow else 300
    texts = [
        _wrapped(f"{scale.text(row['profit_late'])}　{row[f'strategy_{style.language}']}", room=room)
        for row in table.to_dict("records")
    ]
    heights = [4.0 + 16.0 * (text.count("\n") + 1) for text in texts]
    height = max(390.0, 60 + sum(heights))
    figure, axes = style.canvas(
        height, left=58 if style.narrow else 66, right=200 if style.narrow else 330, top=50, bottom=10
    )
    low, high = min(0.0, *both) / scale.factor, max(0.0, *both) / scale.factor
    pad = 0.08 * max(high - low, 1e-9)
    axes.set_ylim(low - pad, high + pad)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    for x, days in ((0, table["early_days"].iloc[0]), (1, table["late_days"].iloc[0])):
        axes.axvline(x, color=MARK, linewidth=1, zorder=1)
        text = style.text(f"第 {days} 天", f"day {days}")
        axes.annotate(text, (x, 1), xycoords="axes fraction", xytext=(0, 8), **_CAPTION, va="bottom", ha="center")
    axes.hlines(0, 0, 1, colors=INK, linewidth=1.25, zorder=1)
    unit = style.text("累计增量利润，", "cumulative profit, ") + scale.label
    axes.annotate(unit, (0, 1), xycoords=("figure fraction", "axes fraction"), xytext=(0, 26), **_CAPTION, ha="left")
    ends = table["profit_late"].to_numpy(dtype=float) / scale.factor
    for row, text, y in zip(table.to_dict("records"), texts, _apart(ends, axes, heights=heights), strict=True):
        color = ACCENT if row["recommended"] else MARK
        points = [row["profit_early"] / scale.factor, row["profit_late"] / scale.factor]
        width = 2.5 if row["recommended"] else 1.5
        axes.plot([0, 1], points, color=color, linewidth=width, marker="o", markersize=6, clip_on=False, zorder=3)
        bold = bool(row["recommended"])
        label_end(axes, 1, y, text, color=color if bold else INK_2, bold=bold, offset=(16, 0))
        _leader(axes, start=points[1], end=y)
    for row, y in _extremes(table, factor=scale.factor):
        color = ACCENT if row["recommended"] else INK_2
        label_end(axes, 0, y, scale.text(row["profit_early"]), color=color, offset=(-8, 0), align="right")
    return figure


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
    figure, axes = _rows(names, style=style, right=130)
    for y, row in enumerate(table.to_dict("records")):
        low, high = row["lead_if_low"] / scale.factor, row["lead_if_high"] / scale.factor
        color = WARN if row["flips"] else MARK
        axes.hlines(y, min(low, high), max(low, high), colors=color, linewidth=3, zorder=2)
        axes.plot([low], [y], **marker_of(Grade.OBSERVATIONAL, color=color))
        axes.plot([high], [y], **marker_of(Grade.RANDOMISED, color=color))
        _name(axes, y, names[y], style=style, bold=bool(row["flips"]))
        if row["flips"]:
            text = style.text("赢家换人", "winner changes")
            _at(axes, style.width, y, text, style=style, color=WARN, bold=True, above=style.narrow)
    _money_axis(axes, both or [0.0], factor=scale.factor, zero=style.text("0 = 打平", "0 = level"))
    key = style.text("○ 假设偏低　● 假设偏高", "○ assumed low　● assumed high")
    if not style.narrow:
        _head(axes, style.width, scale.label, style=style)
    axes.annotate(key, (0, 0), xycoords="axes fraction", xytext=(0, -10), **_CAPTION, va="top", ha="left")
    return figure


_CAPTION: Final[dict[str, Any]] = {"textcoords": "offset points", "fontsize": TICK, "color": INK_3}


def profit_by_tier(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw one strategy's incremental profit by tier of customers as point and interval.

    Args:
        table: One row per tier, highest first: tier_zh, tier_en, incremental_profit with interval (currency),
            confidence_level; a tier too small to show has missing numbers and is left out.
        style: For whom.
    """
    shown = table[table["incremental_profit"].notna()].reset_index(drop=True)
    names = shown[f"tier_{style.language}"].tolist()
    ends = _ends(shown, "incremental_profit") or [0.0]
    scale = style.scale(ends, "money")
    figure, axes = _rows(names, style=style, right=190)
    for y, row in enumerate(shown.to_dict("records")):
        estimate = _estimate(row, "incremental_profit")
        interval_mark(axes, y, estimate, factor=scale.factor, style=style, name=names[y])
        _name(axes, y, names[y], style=style, bold=False)
        value = scale.text(row["incremental_profit"])
        if style.narrow:
            _at(axes, style.width, y, value, style=style, color=INK, bold=True, above=True)
            continue
        interval = scale.interval(estimate.ci_lower, estimate.ci_upper, language=style.language)
        _at(axes, 580, y, value, style=style, color=INK, bold=True)
        _at(axes, 700, y, interval, style=style)
    _money_axis(axes, ends, factor=scale.factor, zero=_zero(style))
    _head(axes, style.width if style.narrow else 580, scale.label, style=style)
    if not style.narrow:
        _head(axes, 700, style.text("80% 区间", "80% interval"), style=style)
    return figure


def variation_by_assumption(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw which share of the lead's variation each assumption causes: alone (point), and with others (line's end).

    Args:
        table: One row per assumption, largest first: assumption_zh, assumption_en, first_order and total_order (0-1).
        style: For whom.
    """
    names = table[f"assumption_{style.language}"].tolist()
    figure, axes = _rows(names, style=style, right=70)
    shares = [0.0, *(100 * table["total_order"].to_numpy(dtype=float))]
    for y, row in enumerate(table.to_dict("records")):
        alone, whole = 100 * row["first_order"], 100 * row["total_order"]
        axes.hlines(y, 0, whole, colors=MARK, linewidth=3, zorder=2)
        axes.plot([alone], [y], **marker_of(Grade.OBSERVATIONAL, color=MARK))
        _name(axes, y, names[y], style=style, bold=False)
        text = style.number(row["total_order"], "share")
        _at(axes, style.width, y, text, style=style, color=INK, bold=True, above=style.narrow)
    axes.set_xlim(0, 1.06 * max(*shares, 5.0))
    ticks = _ticks([0.0, max(*shares, 5.0)], most=5)
    axes.set_xticks(ticks, labels=[f"{_tick(tick)}%" for tick in ticks], fontsize=TICK)
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.grid(visible=True, axis="x")
    zero_line(axes)
    if not style.narrow:
        _head(axes, style.width, style.text("连同相互作用", "with others"), style=style)
    return figure


def frontier_by_frequency(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the frontier of profit against deletions at several limits of touches a month, one line each.

    Args:
        table: One row per setting and strategy: most_per_month (missing: no limit), incremental_profit (currency),
            incremental_deletions, on_frontier.
        style: For whom.
    """
    lines = table[table["on_frontier"]]
    scale = style.scale(lines["incremental_profit"].tolist(), "money")
    figure, axes = style.canvas(360 if style.narrow else 340, left=10, right=46, top=30, bottom=44)
    tops = []
    settings = list(dict.fromkeys(table["most_per_month"].fillna(np.inf)))
    for place, most in enumerate(settings):
        own = lines[lines["most_per_month"].fillna(np.inf) == most].sort_values("incremental_deletions")
        last = place == len(settings) - 1
        color = ACCENT if last else MARK
        y = own["incremental_profit"] / scale.factor
        word = style.text("不限", "no limit") if np.isinf(most) else style.text(f"{most:.0f} 次", f"{most:.0f} a month")
        (line,) = axes.plot(own["incremental_deletions"], y, color=color, linewidth=2 if last else 1.5, zorder=2)
        tell(line, series=word)
        marks = {**marker_of(Grade.PRIOR, color=color), "markersize": 6}
        (points,) = axes.plot(own["incremental_deletions"], y, **marks)
        told = [
            f"{row.get(f'strategy_{style.language}', word)}\n{style.number(row['incremental_profit'], 'money')}"
            for row in own.to_dict("records")
        ]
        tell(points, *told, series=word)
        tops.append({"text": word, "x": own["incremental_deletions"].iloc[-1], "y": y.iloc[-1], "recommended": last})
    _plane(axes, x=lines["incremental_deletions"], y=lines["incremental_profit"] / scale.factor, style=style)
    up = style.text("↑ 30 天增量利润，", "↑ incremental profit in 30 days, ") + scale.label
    axes.annotate(up, (0, 1), xycoords="axes fraction", xytext=(0, 8), **_CAPTION, va="bottom", ha="left")
    _label_points(
        axes,
        pd.DataFrame(tops[::-1]),
        style=style,
        taken=list(zip(lines["incremental_deletions"], lines["incremental_profit"] / scale.factor, strict=True)),
    )
    return figure


def _plane(axes: "Axes", *, x: "pd.Series[float]", y: "pd.Series[float]", style: Style) -> None:
    """Put ticks, grid and the name of the lower axis on a drawing of profit against deletions."""
    zero_line(axes, vertical=False)
    heights = [0.0, *y]
    span = max(float(np.ptp(heights)), 1e-9)
    axes.set_ylim(min(heights) - 0.06 * span, max(heights) + 0.10 * span)
    far = max(1.0, float(x.max()))
    axes.set_xlim(min(0.0, float(x.min())) - 0.04 * far, far * 1.25)  # room for names before the ticks
    ticks = _ticks(heights, most=6)
    label_y_right(axes, ticks, [_tick(tick) for tick in ticks])
    places = _ticks([0.0, far], most=4 if style.narrow else 6)
    axes.set_xticks(places, labels=[_tick(place) for place in places], fontsize=TICK)
    down = style.text("多丢的好友，人 →", "more contacts lost →")
    axes.annotate(down, (1, 0), xycoords="axes fraction", xytext=(0, -26), **_CAPTION, va="top", ha="right")


def _rows(names: Sequence[str], *, style: Style, right: float) -> "tuple[Figure, Axes]":
    """Return axes with one row per name: beside the marks, or above them on a phone."""
    most = max((_wrapped(name, room=_name_room(style)).count("\n") for name in names), default=0)
    row = (_NARROW_ROW if style.narrow else _ROW) + (16 if style.narrow else 4) * most
    widest = max((_width(line) for name in names for line in _wrapped(name, room=276).split("\n")), default=0.0)
    left = 12.0 if style.narrow else min(widest + 26, 290)
    edge = 12.0 if style.narrow else right
    # on a phone the heads of columns stand above the name of the zero line, not beside it
    top = 64 if style.narrow else 46
    # names of two lines stand above their marks: the first one must not reach the axis
    over = 12.0 * most if style.narrow else 0.0
    figure, axes = style.canvas(row * max(len(names), 1) + over + top + 20, left=left, right=edge, top=top, bottom=20)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5 - over / row)
    axes.set_yticks([])
    return figure, axes


def _name(axes: "Axes", y: float, name: str, *, style: Style, bold: bool) -> None:
    text = _wrapped(name, room=_name_room(style))
    _at(axes, 0, y, text, style=style, color=INK, bold=bold, above=style.narrow, align="left")


def _name_room(style: Style) -> float:
    return 212.0 if style.narrow else 276.0


def _at(
    axes: "Axes",
    x: float,
    y: float,
    text: str,
    *,
    style: Style,
    color: str = INK_2,
    bold: bool = False,
    above: bool = False,
    align: str = "right",
) -> None:
    """Write a text at x units from the drawing's left edge, at row y or above it."""
    from matplotlib.transforms import blended_transform_factory

    figure = axes.figure
    place = blended_transform_factory(figure.transFigure, axes.transData)
    weight = BOLD if bold else 400
    axes.annotate(
        text,
        (x / style.width, y),
        xycoords=place,
        xytext=(0, 19 + 8 * text.count("\n") if above else 0),
        textcoords="offset points",
        ha=align,
        va="center",
        color=color,
        fontsize=TEXT,
        fontweight=weight,
        annotation_clip=False,
    )


def _head(axes: "Axes", x: float, text: str, *, style: Style) -> None:
    """Write the head of a column at x units, above the axis."""
    axes.annotate(
        text,
        (x / style.width, 1),
        xycoords=("figure fraction", "axes fraction"),
        xytext=(0, 40 if style.narrow else 22),
        **_CAPTION,
        ha="right",
        va="bottom",
    )


def _money_axis(axes: "Axes", values: Sequence[float], *, factor: float, zero: str) -> None:
    """Put ticks of money above the rows, a grid beneath the marks, and the zero line with its name."""
    shown = [value / factor for value in values] + [0.0]
    span = max(max(shown) - min(shown), 1e-9)
    # Room beside the zero line, for its name.
    axes.set_xlim(min(min(shown) - 0.04 * span, -0.16 * span), max(max(shown) + 0.04 * span, 0.16 * span))
    widest = max(_width(_tick(round(value))) for value in shown) + 14
    ticks = _ticks(shown, most=int(min(max(axes.get_window_extent().width / widest, 1), 5)))
    axes.set_xticks(ticks, labels=[_tick(tick) for tick in ticks], fontsize=TICK)
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.grid(visible=True, axis="x")
    zero_line(axes, zero)


def _zero(style: Style) -> str:
    return style.text("0 = 不触达", "0 = no touch")


def _ticks(values: Sequence[float], *, most: int) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    low, high = min(values), max(values)
    places = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(place) for place in places if low - 1e-9 <= place <= high + 1e-9]


def _tick(value: float) -> str:
    text = f"{abs(value):,.10g}"
    return f"\u2212{text}" if value < 0 else text


def _ends(table: pd.DataFrame, column: str) -> list[float]:
    return [*table[f"{column}_ci_lower"].dropna(), *table[f"{column}_ci_upper"].dropna(), *table[column]]


def _estimate(row: dict[Any, Any], column: str) -> Estimate:
    grade, lower = Grade(row.get("grade", "D")), row[f"{column}_ci_lower"]
    if np.isnan(lower):
        return Estimate(row[column], "money", grade=Grade.MEASURED)
    return Estimate(row[column], "money", lower, row[f"{column}_ci_upper"], row["confidence_level"], grade=grade)


def _width(text: str) -> float:
    """Return about how wide a text is, in units: to leave room before anything is drawn."""
    return sum(TEXT if ord(letter) > 0x2E80 else _LATIN for letter in text)


def _wrapped(text: str, *, room: float) -> str:
    """Return the text with line breaks where it is wider than the room: at spaces, or between Chinese letters."""
    lines = [""]
    for word in re.findall(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+|\s", text):
        fits = not lines[-1] or _width(lines[-1] + word) <= room or word in _NEVER_FIRST
        if fits:
            lines[-1] += word
        else:
            lines.append("" if word.isspace() else word)
    return "\n".join(line.strip() for line in lines if line.strip())


def _apart(values: "np.ndarray[Any, Any]", axes: "Axes", *, heights: Sequence[float]) -> list[float]:
    """Return places for labels near their values, none over another; heights in units."""
    low, high = axes.get_ylim()
    unit = (high - low) / (axes.get_window_extent().height or 1.0)
    half = np.array(heights) * unit / 2
    order = np.argsort(-values, kind="stable")
    placed = values.astype(float).copy()
    ceiling = high
    for i in order:
        placed[i] = min(placed[i], ceiling - half[i])
        ceiling = placed[i] - half[i]
    floor = low
    for i in order[::-1]:
        placed[i] = max(placed[i], floor + half[i])
        floor = placed[i] + half[i]
    return [float(value) for value in placed]


def _leader(axes: "Axes", *, start: float, end: float) -> None:
    """Draw a thin line from a line's end to its label, which may have been moved."""
    from matplotlib.transforms import ScaledTranslation

    figure = axes.figure
    shift = ScaledTranslation(14 / 72, 0, figure.dpi_scale_trans)
    here, there = axes.transData.transform((1, start)), (axes.transData + shift).transform((1, end))
    back = axes.transData.inverted()
    (x0, y0), (x1, y1) = back.transform(here), back.transform(there)
    axes.plot([x0, x1], [y0, y1], color=LINE_2, linewidth=1, clip_on=False, zorder=1)


def _extremes(table: pd.DataFrame, *, factor: float) -> list[tuple[dict[Any, Any], float]]:
    """Return the rows of the highest and the lowest early profit, for their labels."""
    early = table["profit_early"].to_numpy(dtype=float)
    places = {int(early.argmax()), int(early.argmin())}
    rows = table.to_dict("records")
    return [(rows[place], early[place] / factor) for place in sorted(places)]


def _label_points(axes: "Axes", points: pd.DataFrame, *, style: Style, taken: list[tuple[float, float]]) -> None:
    """Write each name beside its point, first ones first, where it covers neither point nor name; else leave it out.

    Args:
        axes: Where.
        points: One row per name: text, x, y, recommended.
        style: For whom.
        taken: More points that no name may cover.
    """
    axes.figure.canvas.draw()
    frame = axes.get_window_extent()
    marks = [*taken, *zip(points["x"], points["y"], strict=True)]
    boxes = [(px - 7, py - 7, px + 7, py + 7) for px, py in axes.transData.transform(np.array(marks))]
    for row in points.to_dict("records"):
        text = _wrapped(str(row["text"]), room=118 if style.narrow else 190)
        lines = text.split("\n")
        size = (max(_width(line) for line in lines), 16.0 * len(lines))
        spot = axes.transData.transform((row["x"], row["y"]))
        found = _free_place(spot, size=size, taken=boxes, frame=frame)
        if found is None:
            continue
        dx, dy, align, box = found
        boxes.append(box)
        color = ACCENT if row["recommended"] else INK_2
        bold = bool(row["recommended"])
        label_end(axes, row["x"], row["y"], text, color=color, bold=bold, offset=(dx, dy), align=align)


def _free_place(
    spot: "np.ndarray[Any, Any]",
    *,
    size: tuple[float, float],
    taken: list[tuple[float, float, float, float]],
    frame: Any,
) -> tuple[float, float, Any, tuple[float, float, float, float]] | None:
    """Return the first free place for a label around a point; None if there is none."""
    width, high = size
    rise = 4 + high / 2
    near = [(10, dy, "left") for dy in (rise, -rise, 0)] + [(-10, dy, "right") for dy in (rise, -rise, 0)]
    near += [(0, dy, "center") for dy in (rise + 4, -rise - 4)]
    far = [
        (side * 8, sign * (rise + more), align)
        for more in (16, 32)
        for sign in (1, -1)
        for side, align in ((1, "left"), (-1, "right"))
    ]
    for dx, dy, align in [*near, *far]:
        left = spot[0] + dx - {"left": 0.0, "center": width / 2, "right": width}[align]
        box = (left, spot[1] + dy - high / 2, left + width, spot[1] + dy + high / 2)
        inside = box[0] >= 0 and box[2] <= frame.x1 + 40 and box[1] >= frame.y0 and box[3] <= frame.y1 + 6
        if inside and not any(_overlap(box, other) for other in taken):
            return dx, dy, align, box
    return None


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
