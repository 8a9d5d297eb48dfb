"""A page of every kind of block, measured where its readers see it: 320 to 1280 px, both languages."""

from collections.abc import Callable
from datetime import date
from itertools import combinations
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.charts.theme import ACCENT, INK, MARK, Style, draw, interval_mark, label_end, zero_line
from analysis.evidence import Estimate, Grade
from analysis.page import blocks
from analysis.reporting.render import PageInfo, Sibling, render_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROFIT = Estimate(61_400, "money", 38_000, 88_000, 0.8, Grade.QUASI_EXPERIMENTAL)
LONG = "一位名字长得出奇而且没有空格可以换行的客户名字长得出奇而且没有空格可以换行"
WORD = "Donaudampfschifffahrtsgesellschaftskapitaensmuetzenabzeichen"
STRATEGIES = pd.DataFrame(
    {
        "zh": ["下一次需求私聊提醒", "群内主题周", "完全不触达", "全员大额券群发"],
        "en": ["Next-need private reminder", "Theme week in groups", "No touch at all", "Big coupon to everybody"],
        "value": [61_400, 21_500, -18_900, -26_700],
        "lower": [38_000, 4_200, -31_200, -58_100],
        "upper": [88_000, 39_800, -7_400, 3_900],
        "grade": list("BCAD"),
    }
)


def t(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def profits(table: pd.DataFrame, *, style: Style) -> Figure:
    """The chart of the design page: name, interval, number; names above the bars on a phone."""
    step = 48 if style.narrow else 36
    height = 60 + step * len(table)
    figure, axes = style.canvas(
        height, left=8 if style.narrow else 220, right=8 if style.narrow else 100, top=52, bottom=8
    )
    scale = style.scale(table["value"], "money")
    for i, row in enumerate(table.itertuples()):
        estimate = Estimate(row.value, "money", row.lower, row.upper, 0.8, Grade(row.grade))  # type: ignore[arg-type]  # pandas
        interval_mark(axes, -i, estimate, color=ACCENT if i == 0 else MARK, factor=scale.factor)
        name, number = str(getattr(row, style.language)), scale.text(float(row.value))  # type: ignore[arg-type]  # pandas
        left, right = axes.get_xaxis_transform(), axes.get_yaxis_transform()
        del left
        up = 0.33 if style.narrow else 0.0
        axes.text(0 if style.narrow else -212 / 380, -i + up, name, transform=right, va="center", color=INK)
        axes.text(1 if style.narrow else 1.2, -i + up, number, transform=right, va="center", ha="right", color=INK)
    axes.set_ylim(-len(table) + 0.5, 0.6)
    axes.set_yticks([])
    axes.set_xticks([-50_000, 0, 50_000], labels=[scale.text(v) for v in (-50_000, 0, 50_000)])
    axes.tick_params(labeltop=True, labelbottom=False)
    axes.grid(visible=True, axis="x")
    zero_line(axes, style.text("0 = 现行做法", "0 = as now"))
    label_end(axes, 0, -len(table) + 1, "", bold=True)
    return figure


def code(*made: dict[str, Any]) -> dict[str, Any]:
    outputs = [{"output_type": "display_data", "metadata": {}, "data": {blocks.MIME: block}} for block in made]
    return {"cell_type": "code", "metadata": {}, "source": "", "execution_count": 1, "outputs": outputs}


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    drawn = {
        language: {
            size: draw(profits, STRATEGIES, name=f"profits-{language}", style=Style(language, width))
            for size, width in (("wide", 700), ("narrow", 328))
        }
        for language in ("zh", "en")
    }
    columns: list[dict[str, Any]] = [
        {"name": "s", "label": t("策略", "Strategy")},
        {"name": "p", "label": t("增量利润", "Incremental profit"), "unit": "money"},
        {"name": "i", "label": t("区间", "Interval"), "unit": "money", "level": 0.8},
        {"name": "n", "label": t("客户数", "Customers"), "unit": "customers"},
        {"name": "grade", "label": t("证据", "Evidence"), "unit": "grade"},
        {"name": "x", "label": t("说明", "Remark")},
    ]
    rows = [[t(*names), v, [low, high], 1860, g, LONG] for *names, v, low, high, g in STRATEGIES.to_numpy().tolist()]
    table = blocks.table(columns, rows, t("四种策略，90 天，相对现行做法", "Four strategies over 90 days"), n="n")
    decision = blocks.decision(
        t(
            "1,860 名沉默高价值会员，群发改为「下一次需求」私聊提醒",
            "For 1,860 silent members, replace mass messages by reminders",
        ),
        worth=PROFIT,
        worth_label=t("90 天预计增量利润", "Expected incremental profit over 90 days"),
        why=t(LONG, WORD),
        parts=[(t("多卖的毛利", "Extra margin"), PROFIT), (t("增量利润", "Incremental profit"), PROFIT)],
        reasons_to_change=[t("**员工确认率低于 55%**：改选。", "**Staff confirm less than 55%**: choose another.")],
        links=[("churn", t("看比较", "See the comparison"))],
    )
    tiles = [
        blocks.tile(f"n{i}", t("60 天预计流失客户", "Customers expected to leave in 60 days"), value,
                    previous=3000, history=[2800, 3100, 3000], better="down")
        for i, value in enumerate([Estimate(3943, "customers", 3611, 4288, 0.8, Grade.OBSERVATIONAL),
                                   Estimate(12_345_678, "money"), Estimate(0.118, "share", 0.115, 0.121, 0.95),
                                   Estimate(48_216, "customers"), Estimate(None, "touches")])
    ]  # fmt: skip
    finding = blocks.finding(
        t("五种策略比现行群发赚，私聊提醒领先", "Five strategies beat mass messages; private reminders lead"),
        sub=t(
            "90 天增量利润，元，点为估计值，横线为 80% 区间", "Incremental profit over 90 days, ¥; line: 80% interval"
        ),
    )
    figure = blocks.figure("profits", drawn, t("点与区间图", "Dots and intervals"), data=table)
    quality = blocks.quality([(t("订单", "Orders"), "warn", t("陈旧 6 天", "6 days stale"), t(LONG, WORD))])
    return {
        "cells": [
            code(decision, decision, *tiles),
            code(finding, figure, blocks.note(t("怎么读。", "How to read.")), table, blocks.missing("touches")),
            code(blocks.finding(t(LONG, WORD)), quality, blocks.changes([(t("结论", "Answer"), t(LONG, WORD))])),
            code(blocks.method(t("方法", "Method")), blocks.mind([t("若变", "If it changes")])),
        ],
        "metadata": {"siyu": {"title": t("触达策略模拟", "Touch strategies")}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }


def page_of(notebook: dict[str, Any], language: str) -> str:
    info = PageInfo(
        notebook="brief",
        book_title=t("每周私域经营简报", "Weekly private-domain brief"),
        as_of=date(2026, 11, 15),
        languages=("zh", "en"),
        params={"a_long_parameter": WORD},
        versions={"siyu": "0.1.0", "matplotlib": "3.11.2"},
        command=f"siyu run params/weekly.yaml --set data.source={WORD}",
        notices=(t("订单数据已 6 天没有更新。", "Orders are 6 days old."),),
        siblings=(Sibling(notebook="churn", status="failed", reason=WORD),),
        overview="",
    )
    return render_page(notebook, page=info, language=language)


def overlap(one: list[float], other: list[float]) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across > 1 and down > 3  # a line's box is higher than its letters


@pytest.mark.parametrize("width", [1280, 768, 360, 320])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_cut_or_overlaps_at_any_width(
    language: str, width: int, notebook: dict[str, Any], measure: Callable[[str, int], dict[str, Any]]
) -> None:
    found = measure(page_of(notebook, language), width)
    assert found["wide"] == []
    assert found["scroll"] <= width
    assert found["cut"] == []
    assert found["small"] == []
    assert found["h1"] == 1
    assert len(found["ids"]) == len(set(found["ids"]))
    assert [d["kind"] for d in found["drawings"]] == ["wide" if width >= 700 else "narrow"]
    for drawing in found["drawings"]:
        left, _, right, _ = drawing["frame"]
        texts = [text for text in drawing["texts"] if text["text"].strip()]
        assert len(texts) >= 9
        for text in texts:
            assert text["box"][0] >= left - 2, text["text"]
            assert text["box"][2] <= right + 2, text["text"]
            assert text["size"] >= (11.9 if width != 320 else 10.4), text["text"]
        clashes = [(a["text"], b["text"]) for a, b in combinations(texts, 2) if overlap(a["box"], b["box"])]
        assert clashes == []
