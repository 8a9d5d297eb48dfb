"""A page of every kind of block, measured where its readers see it: 320 to 1280 px, both languages."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.charts.theme import ACCENT, INK, MARK, Style, draw, interval_mark, label_end, tell, tell_points, zero_line
from analysis.evidence import Estimate, Grade
from analysis.page import blocks
from analysis.reporting.render import PageInfo, Sibling, render_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROFIT = Estimate(61_400, "money", 38_000, 88_000, 0.8, Grade.QUASI_EXPERIMENTAL)
LONG = "一位名字长得出奇而且没有空格可以换行的客户名字长得出奇而且没有空格可以换行"
WORD = "Donaudampfschifffahrtsgesellschaftskapitaensmuetzenabzeichen"
CHARTS = 2
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
        interval_mark(axes, -i, estimate, color=ACCENT if i == 0 else MARK, factor=scale.factor, style=style)
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


def lines(table: pd.DataFrame, *, style: Style) -> Figure:
    """Two series that readers can switch off, each with its name at its end."""
    figure, axes = style.canvas(200, left=60, right=60)
    for name, value in (("left", 1.0), ("right", 2.0)):
        (line,) = axes.plot([0, 1, 2], [value, value + 1, value], color=MARK)
        tell(line, series=name)
        tell_points(axes, [0, 1, 2], [value] * 3, [f"{name} {x}" for x in range(3)], series=name)
        tell(label_end(axes, 2, value, name), series=name)
    axes.set_xticks([0, 1, 2], labels=["2024", "2025", "2026"])
    axes.set_yticks([1, 2, 3], labels=[f"{table['value'].max() * v:.0f}" for v in (1, 2, 3)])
    return figure


def code(*made: dict[str, Any]) -> dict[str, Any]:
    outputs = [{"output_type": "display_data", "metadata": {}, "data": {blocks.MIME: block}} for block in made]
    return {"cell_type": "code", "metadata": {}, "source": "", "execution_count": 1, "outputs": outputs}


def prose(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def printed(data: dict[str, str]) -> dict[str, Any]:
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    return {"cell_type": "code", "metadata": {}, "source": "", "execution_count": 1, "outputs": [output]}


def _drawn(chart: Any) -> dict[str, dict[str, str]]:
    return {
        language: {
            size: draw(chart, STRATEGIES, name=f"{chart.__name__}-{language}", style=Style(language, width))
            for size, width in (("wide", 700), ("narrow", 328))
        }
        for language in ("zh", "en")
    }


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    drawn = {chart: _drawn(chart) for chart in (profits, lines)}
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
    figure = blocks.figure("profits", drawn[profits], t("点与区间图", "Dots and intervals"), data=table)
    two = blocks.figure("lines", drawn[lines], t("两条线", "Two lines"), data=table)
    long = blocks.table(
        [{"name": "a", "label": t("周", "Week")}, {"name": "b", "label": t("单数", "Orders"), "unit": "count"}],
        [[t(f"第 {i} 周", f"week {i}"), float(i * 37 % 17)] for i in range(16)],
        t("每行一周", "One row per week"),
    )
    made = [(t(*names), Estimate(v, "money", low, high, 0.8, Grade(g)), [Estimate(abs(v) / 9, "touches")])
            for *names, v, low, high, g in STRATEGIES.to_numpy().tolist()]  # fmt: skip
    explorer = blocks.explorer(
        t("条数有限时选哪种", "Which one, with few touches"),
        made,
        earns=t("增量利润", "Incremental profit"),
        uses=[t("触达", "Touches")],
    )
    warning = blocks.warning(t("**少**：" + LONG, "**Few**: " + WORD))
    quality = blocks.quality([(t("订单", "Orders"), "warn", t("陈旧 6 天", "6 days stale"), t(LONG, WORD))])
    return {
        "cells": [
            code(blocks.question(t("谁要走？", "Who leaves?")), blocks.answer(t("{p}", "{p}"), values={"p": PROFIT})),
            code(decision, decision, warning, *tiles),
            code(finding, figure, blocks.note(t("怎么读。", "How to read.")), table, blocks.missing("touches")),
            prose(f"- {LONG}\n- `code`\n\n[{WORD}](churn.zh.html)"),
            code(blocks.finding(t("两条线", "Two lines")), two, explorer, long),
            printed({"text/plain": "a = 1\n" * 3}),
            printed({"text/html": f"<table><tr><th>a</th></tr><tr><td>{WORD * 3}</td></tr></table>"}),
            code(blocks.finding(t(LONG, WORD)), quality, blocks.changes([(t("结论", "Answer"), t(LONG, WORD))])),
            code(blocks.method(t("方法", "Method")), blocks.mind([t("若变", "If it changes")]), blocks.end("brief")),
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


@pytest.fixture(params=["zh", "en"])
def page(request: pytest.FixtureRequest, notebook: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "made.html"
    path.write_text(page_of(notebook, request.param), encoding="utf-8")
    return path


def test_nothing_is_cut_or_overlaps_at_any_width(browser, page):
    browser.open(page)
    for width, media in [(1280, ""), (768, ""), (360, ""), (320, ""), (680, "print")]:
        for dark in (False, True):
            browser.look(width=width, media=media, dark=dark)
            found = browser.measured()
            for what in ("cut", "clashes", "small", "wide", "twice", "requests"):
                assert found[what] == [], (width, media)
            assert found["scroll"] <= width
            assert found["headings"] == 1
            assert found["drawings"] == ["wide" if width >= 700 or media else "narrow"] * CHARTS
            assert found["texts"] > 9 * CHARTS


def test_no_rule_of_accessibility_is_broken(browser, page):
    browser.open(page)
    for width, dark in [(1280, False), (1280, True), (360, False), (360, True)]:
        browser.look(width=width, dark=dark)
        assert browser.broken_rules() == []


def test_a_block_of_every_kind_is_on_the_page(notebook):
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert {output["data"][blocks.MIME]["kind"] for output in outputs if blocks.MIME in output["data"]} == set(
        blocks.KINDS
    )


def test_a_pointer_on_a_mark_shows_its_value(browser, page):
    browser.look(width=1280)
    browser.open(page)
    mark = "document.querySelector('svg.wide .pt')"
    x, y = browser.value(
        f"{mark}.scrollIntoView({{block: 'center', behavior: 'instant'}}), (function (box) {{"
        "return [(box.left + box.right) / 2, (box.top + box.bottom) / 2]; "
        f"}})({mark}.getBoundingClientRect())"
    )
    hidden = "document.querySelector('.tip').hidden"
    assert browser.value(hidden)
    for _ in range(50):  # until the page is painted for the first time, a pointer is on nothing
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        if not browser.value(hidden):
            break
    told = browser.value("document.querySelector('.tip').textContent")
    assert "61,400" in told
    assert "38,000" in told
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    assert browser.value(hidden)


def test_tables_sort_and_filter_and_the_explorer_names_the_winner(browser, page):
    browser.look(width=1280)
    browser.open(page)
    column = "[...document.querySelectorAll('#long td.n')].map(function (cell) { return cell.textContent; })"
    table = "[...document.querySelectorAll('table')].find(function (t) { return t.rows.length > 14; })"
    browser.value(f"{table}.id = 'long'")
    before = browser.value(column)
    browser.value("document.querySelector('#long th.n .sort').click()")
    assert browser.value(column) == sorted(before, key=int, reverse=True) != before
    browser.value(
        "(function (box) { box.value = '7'; box.dispatchEvent(new Event('input')); })"
        "(document.getElementById('long').closest('.tw').parentNode.querySelector('.find input'))"
    )
    assert browser.value("document.querySelectorAll('#long tbody tr:not([hidden])').length") == 2
    first = browser.value("document.querySelector('.exp .win strong').textContent")
    browser.value(
        "(function (slider) { slider.value = 0; slider.dispatchEvent(new Event('input')); })"
        "(document.querySelector('.exp input'))"
    )
    assert browser.value("document.querySelector('.exp .win strong').textContent") != first


def test_a_series_that_is_switched_off_takes_its_labels_along(browser, page):
    browser.look(width=1280)
    browser.open(page)
    names = (
        "[...document.querySelectorAll('svg.wide text')].filter(function (text) {"
        "return text.textContent === 'left' && text.getBoundingClientRect().width > 0; }).length"
    )
    assert browser.value(names) == 1
    browser.value(
        "[...document.querySelectorAll('.keys button')].find(function (b) { return b.textContent === 'left'; }).click()"
    )
    assert browser.value(names) == 0
    assert browser.value("document.querySelectorAll('svg.wide .off').length") == 3
