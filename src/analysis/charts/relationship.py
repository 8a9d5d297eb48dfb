"""Pictures of the relationship clock: contacts that end, new ones that stay, what goes with deletion."""

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    ACCENT_SOFT,
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
    label_end,
    label_y_right,
    tell,
    tell_points,
)
from analysis.evidence import Estimate, Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["contact_survival", "cumulative_incidence", "hazard_ratios"]

_TOLD: Final = 40  # points of a line that show their value, at most about so many
_DAY_TICKS: Final = (1, 7, 30, 90, 180, 365, 730, 1095, 1825)
_RATIO_TICKS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
_SHARE_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_GROUPS: Final = 16
_SHARES: Final = ("share_contacts", "share_contacts_ci_lower", "share_contacts_ci_upper")
_DOORS: Final = {"customer": (ACCENT, ACCENT_SOFT), "staff": (MARK, LINE)}


def cumulative_incidence(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the share of contacts ended by each door over tenure, with bands; the model's as a dashed line.

    Args:
        table: Rows of one source: method (observed, model), door, door_zh, door_en, tenure_days (days), value,
            ci_lower and ci_upper (0-1).
        style: For whom.
    """
    figure, axes = style.canvas(270 if style.narrow else 330, top=26, right=8, bottom=46)
    axes.set_xscale("function", functions=(_root, np.square))  # the first days are where contacts are lost
    lines: list[tuple[NDArray[np.float64], NDArray[np.float64], str, str]] = []
    highest = 0.01
    for door, (color, soft) in _DOORS.items():
        rows = table[(table["door"] == door) & (table["method"] == "observed")].sort_values("days_since_added")
        if rows.empty:
            continue
        x, y, lower, upper = (rows[name].to_numpy(float) for name in ("days_since_added", *_SHARES))
        layer = 2 if door == "customer" else 1
        name = str(rows[f"door_{style.language}"].iloc[0])
        tell(axes.fill_between(x, lower, upper, step="post", color=soft, linewidth=0, zorder=layer), series=name)
        tell(*axes.step(x, y, where="post", color=color, linewidth=2, zorder=3), series=name)
        told = [_told(name, day, share, style=style) for day, share in zip(x, y, strict=True)]
        every = max(1, len(x) // _TOLD)
        tell_points(axes, x[::every].tolist(), y[::every].tolist(), told[::every], series=name)
        lines.append((x, y, color, name))
        # few members of staff leave at all: their band may run out of the picture, the lines may not
        highest = max(highest, 1.6 * float(y.max()) if door == "staff" else float(upper.max()) * 1.15)
    model = table[(table["method"] == "model") & (table["door"] == "customer")].sort_values("days_since_added")
    if len(model):
        axes.plot(
            model["days_since_added"],
            model["share_contacts"],
            color=INK,
            linewidth=1.25,
            linestyle=(0, (4, 3)),
            zorder=4,
        )
    last = max((float(x[-1]) for x, *_ in lines), default=30.0)
    step = next((s for s in _SHARE_STEPS if highest <= 5 * s), _SHARE_STEPS[-1])
    axes.set(xlim=(0, last), ylim=(0, highest))
    _name_lines(axes, lines, last=last)
    marks = [step * k for k in range(1, int(highest / step) + 1)]
    label_y_right(axes, marks, [_percent(mark) for mark in marks])
    ticks = [day for day in _DAY_TICKS if day <= last and not (style.narrow and day in {1, 180})]
    axes.set_xticks([0, *ticks], labels=["0", *(str(day) for day in ticks)])
    if ticks and ticks[-1] > 0.93 * last:
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_xlabel(_tenure_title(style, with_model=bool(len(model))), labelpad=8)
    _title_of_y(axes, style.text("已结束的好友占比", "Share of contacts ended"))
    return figure


def _root(days: Any) -> Any:
    return np.sqrt(np.maximum(days, 0.0))


def _tenure_title(style: Style, *, with_model: bool) -> str:
    if style.narrow or not with_model:
        return style.text("加好友后的天数", "Days since added")
    return style.text("加好友后的天数；虚线为模型", "Days since added; dashed: the model")


def _name_lines(
    axes: "Axes", lines: "list[tuple[NDArray[np.float64], NDArray[np.float64], str, str]]", *, last: float
) -> None:
    """Write each line's name: the upper one's above it and to the left, the lower one's below and to the right.

    Lines only rise, so neither name meets its own line; where the lower line has no room below, its name goes above.
    """
    ends = [float(y[-1]) for _, y, *_ in lines]
    for place, (x, y, color, name) in enumerate(lines):
        above = ends[place] == max(ends) and ends.index(max(ends)) == place
        at = (0.3 if above else 0.2) * last
        height = float(np.interp(at, x, y))
        below = not above and height > 0.08 * axes.get_ylim()[1]
        ink = ACCENT if color == ACCENT else INK_2
        offset = (4, -13) if below else (-4, 13)
        align: Literal["left", "right"] = "left" if below else "right"
        label = label_end(axes, at, height, name, color=ink, bold=color == ACCENT, offset=offset, align=align)
        tell(label, series=name)


def _told(name: str, day: float, share: float, *, style: Style) -> str:
    when, how_many = style.text(f"第 {day:.0f} 天", f"day {day:.0f}"), style.number(share, "share")
    return f"{name}\n{style.text(f'{when}：', f'{when}: ')}{how_many}"


def contact_survival(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the share of new contacts still there after 7 days, a row per group; flagged ones in orange.

    Args:
        table: One row per group, in the order of drawing (16 at most are drawn): group, d7 with d7_ci_lower and
            d7_ci_upper (0-1; missing where hidden), confidence_level, flagged, n_new_contacts (contacts).
        style: For whom.
    """
    rows = table[table["d7"].notna()].head(_MOST_GROUPS)
    left = 8 if style.narrow else 150
    height = 40 if style.narrow else 30
    figure, axes = style.canvas(max(len(rows), 1) * height + 60, left=left, right=30, top=30, bottom=26)
    lowest = float(np.nanmin(rows["d7_ci_lower"].to_numpy(float), initial=0.9))
    step = next((s for s in _SHARE_STEPS if 1 - lowest <= 5 * s), _SHARE_STEPS[-1])
    low = max(0.0, np.floor(lowest / step) * step)
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(low, 1.0), yticks=[])
    for place, row in enumerate(rows.to_dict("records")):
        color = WARN if bool(row["flagged"]) else MARK
        ends = (float(row["d7_ci_lower"]), float(row["d7_ci_upper"]))
        stays = Estimate(float(row["d7"]), "share", *ends, float(row["confidence_level"]), Grade.OBSERVATIONAL)
        name = str(row["group"])
        interval_mark(axes, place + (0.24 if style.narrow else 0.0), stays, color=color, style=style, name=name)
        _group_text(axes, place, row, left=left, style=style)
    ticks = np.arange(low, 1 + step / 2, step)
    axes.set_xticks(ticks, labels=[_percent(tick) for tick in ticks])
    axes.grid(visible=True, axis="x")
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.annotate(
        style.text("7 天后还在的占比；橙色为疑似强制加好友", "Still there after 7 days; orange: likely forced adds")
        if not style.narrow
        else style.text("7 天后还在；橙色疑似强制", "Still there after 7 days; orange: forced?"),
        (0, 1),
        xycoords="axes fraction",
        xytext=(8 - left, 10),
        textcoords="offset points",
        ha="left",
        va="bottom",
        color=INK_3,
        fontsize=TICK,
    )
    return figure


def _group_text(axes: "Axes", place: float, row: Mapping[Hashable, Any], *, left: float, style: Style) -> None:
    """Write a group's name beside its mark, on a phone above it."""
    flagged = bool(row["flagged"])
    name, color = str(row["group"]), WARN if flagged else INK_2
    axes.annotate(
        name,
        (0, place - 0.18 if style.narrow else place),
        xycoords=("axes fraction", "data"),
        xytext=(8 - left, 0),
        textcoords="offset points",
        ha="left",
        va="center",
        color=color,
        fontsize=TICK,
        fontweight=600 if flagged else 400,
    )


def hazard_ratios(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw by how much the odds of deletion go with each covariate, on a scale of ratios; grey where it may be nothing.

    Args:
        table: One row per covariate, in the order of drawing: label_zh, label_en, hazard_ratio with
            hazard_ratio_ci_lower and _ci_upper (ratio), confidence_level.
        style: For whom.
    """
    height = 42 if style.narrow else 30
    left = 8 if style.narrow else 250
    figure, axes = style.canvas(max(len(table), 1) * height + 64, left=left, right=22, top=34, bottom=26)
    lower, upper = (table[f"hazard_ratio_ci_{end}"].to_numpy(float) for end in ("lower", "upper"))
    low, high = min(0.5, float(np.nanmin(lower, initial=1.0))), max(2.0, float(np.nanmax(upper, initial=1.0)))
    axes.set_xscale("log")
    axes.set(ylim=(len(table) - 0.4, -0.6), xlim=(low * 0.94, high * 1.06), yticks=[])
    for place, row in enumerate(table.to_dict("records")):
        ends = (float(row["hazard_ratio_ci_lower"]), float(row["hazard_ratio_ci_upper"]))
        level = float(row["confidence_level"])
        ratio = Estimate(float(row["hazard_ratio"]), "ratio", *ends, level, Grade.OBSERVATIONAL)
        clear = ends[0] > 1 or ends[1] < 1
        color, name = INK if clear else LINE_2, str(row[f"label_{style.language}"])
        interval_mark(axes, place + (0.24 if style.narrow else 0.0), ratio, color=color, style=style, name=name)
        axes.annotate(
            str(row[f"label_{style.language}"]),
            (0, place - 0.2 if style.narrow else place),
            xycoords=("axes fraction", "data"),
            xytext=(8 - left, 0),
            textcoords="offset points",
            ha="left",
            va="center",
            color=INK if clear else INK_3,
            fontweight=600 if clear else 400,
            zorder=5,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5} if style.narrow else None,
        )
    axes.axvline(1, color=ZERO, linewidth=1.25, zorder=2)
    axes.annotate(
        style.text("1 倍 = 没有关系", "×1 = nothing goes with it"),
        (1, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 8),
        textcoords="offset points",
        va="bottom",
        color=INK,
        fontsize=TICK,
        fontweight=600,
    )
    ticks = [tick for tick in _RATIO_TICKS if low * 0.94 <= tick <= high * 1.06]
    ticks = [tick for tick in ticks if not style.narrow or tick in {0.1, 0.5, 1, 2, 5, 10, 50}]
    axes.set_xticks(ticks, labels=[f"×{tick:g}" if style.language == "en" else f"{tick:g} 倍" for tick in ticks])
    axes.set_xticks([], minor=True)
    _keep_inside(axes)
    axes.grid(visible=True, axis="x")
    return figure


def _keep_inside(axes: "Axes") -> None:
    """Keep tick labels of a scale of ratios inside the drawing where a tick lies near its edge."""
    low, high = np.log(axes.get_xlim())
    for tick, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        place = (np.log(tick) - low) / (high - low)
        if not 0.06 < place < 0.94:
            text.set_horizontalalignment("left" if place < 0.5 else "right")


def _percent(share: float) -> str:
    """Return a round tick of a share axis."""
    return f"{share * 100:.3g}%"


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
