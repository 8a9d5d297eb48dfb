"""What stands on a page: numbers with interval and grade, and nothing that data could turn into markup."""

import json
from typing import Any

import pytest
from bs4 import BeautifulSoup

from analysis.errors import AnalysisError
from analysis.evidence import Estimate, Grade
from analysis.page import blocks
from analysis.page.render import grade_badge, render_block, scoped_style, stylesheet
from analysis.page.words import WORDS, word

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "{{7*7}}",
    "{% print(7*7) %}",
    "{n}",
    "{x.__class__}",
    "$x$",
    "]]>",
    "<!--",
    "&lt;b&gt;",
    "**",
    "javascript:alert(1)",
    "\u202e\u0000<b>",
]
SVG = '<svg viewBox="0 0 1 1" xmlns="http://www.w3.org/2000/svg"><text>t</text></svg>'
PROFIT = Estimate(61_400, "money", 38_000, 88_000, 0.8, Grade.QUASI_EXPERIMENTAL)
HARMLESS = {
    "h1",
    "h2",
    "p",
    "b",
    "span",
    "ul",
    "ol",
    "li",
    "div",
    "section",
    "dl",
    "dt",
    "dd",
    "svg",
    "path",
    "circle",
    "text",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "small",
    "details",
    "summary",
    "figure",
    "code",
    "a",
    "h3",
    "label",
    "input",
    "output",
    "strong",
}
ATTRIBUTES = {
    "class",
    "title",
    "viewbox",
    "aria-hidden",
    "focusable",
    "d",
    "cx",
    "cy",
    "r",
    "x",
    "y",
    "tabindex",
    "role",
    "aria-label",
    "scope",
    "href",
    "start",
    "xmlns",
    "hidden",
    "type",
    "min",
    "max",
    "value",
    "aria-live",
    "data-v",
    "data-grade",
}


def both(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def dom(block: dict[str, Any], language: str = "zh", min_cell: int = 10) -> BeautifulSoup:
    return BeautifulSoup(render_block(block, language=language, min_cell=min_cell), "html.parser")


def everywhere(data: str) -> list[dict[str, Any]]:
    """One block of every kind with ``data`` in each position that data can take."""
    columns: list[dict[str, Any]] = [
        {"name": data, "label": both(data)},
        {"name": "v", "label": both(data), "unit": "money"},
    ]
    table = blocks.table(columns, [[data, 1.0], [both(data), data]], caption=both("{x}"), values={"x": data})
    return [
        blocks.answer(both("**{x}**"), values={"x": data}, detail=both("{x}")),
        blocks.decision(both("{x}"), worth=PROFIT, worth_label=both("{x}"), values={"x": data}, why=both("{x}"),
                        parts=[(both("{x}"), PROFIT)], reasons_to_change=[both("{x}")], links=[("churn", both("{x}"))]),
        blocks.tile("n", both("label"), PROFIT, note=both("note")),
        blocks.finding(both("{x}"), values={"x": data}, sub=both("{x}")),
        blocks.figure("f", {"zh": {"wide": SVG, "narrow": SVG}}, both("{x}"), values={"x": data}, data=table),
        table,
        blocks.explorer(both("which"), [(both(data), PROFIT, [PROFIT])], earns=both(data), uses=[both(data)]),
        blocks.note(both("{x}\n\n{x}"), values={"x": both(data)}),
        blocks.mind([both("{x}")], values={"x": data}),
        blocks.method(both("{x}"), values={"x": data}),
        blocks.quality([(both("{x}"), "ok", both("{x}"), both("{x}"))], values={"x": data}),
        blocks.changes([(both("{x}"), both("{x}"))], values={"x": data}),
        blocks.missing(data, needed_by=data),
        blocks.warning(both("{x}"), values={"x": data}),
    ]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_data_in_any_position_stays_text(payload: str) -> None:
    for block in everywhere(payload):
        made = dom(block)
        for script in made.find_all("script"):
            assert script["type"] == "application/json"
            assert json.loads(str(script.string))
            assert not set("<>&") & set(str(script.string))
            script.decompose()
        assert {tag.name for tag in made.find_all()} <= HARMLESS, block["kind"]
        assert {name for tag in made.find_all() for name in tag.attrs} <= ATTRIBUTES, block["kind"]
        assert all(a["href"] == "churn.zh.html" for a in made.find_all("a"))
        assert "49" not in made.get_text()


@pytest.mark.parametrize("payload", [p for p in PAYLOADS if "\u0000" not in p])
def test_the_reader_sees_the_data_as_it_is(payload: str) -> None:
    assert dom(blocks.note(both("{x}"), values={"x": payload})).get_text() == payload


@pytest.mark.parametrize("payload", ["<script>alert(1)</script>", "{{7*7}}", "{% raw %}", "{x.y}", "<b>"])
def test_an_authors_own_markup_is_text_too(payload: str) -> None:
    assert dom(blocks.note(both(payload))).get_text() == payload


def test_the_values_of_a_sentence_are_written_with_unit_interval_and_grade() -> None:
    made = dom(blocks.answer(both("**{p}**"), values={"p": PROFIT}, detail=both("{p:interval}, {p:full}, {p:bare}")))
    assert made.h1 is not None
    assert made.h1.get_text() == "¥61,400"
    assert made.h1.find("b") is not None
    assert "80% 区间 ¥38,000–¥88,000, ¥61,400（80% 区间 ¥38,000–¥88,000）, ¥61,400" in made.get_text()
    badge = made.select_one(".g")
    assert badge is not None
    assert badge.get_text() == "证据 B 准实验"


def test_a_sentence_stands_on_its_weakest_number() -> None:
    values = {"a": Estimate(1, "customers"), "d": Estimate(0.8, "share", grade=Grade.PRIOR)}
    assert dom(blocks.answer(both("{a} {d}"), values=values)).select_one(".g-d") is not None
    assert dom(blocks.answer(both("{a}"), values=values)).select_one(".g-m") is not None


def test_every_estimate_carries_its_grade_in_the_markup_and_a_count_none() -> None:
    values = {"a": Estimate(1, "orders"), "d": Estimate(0.8, "share", grade=Grade.PRIOR), "b": PROFIT}
    made = dom(blocks.note(both("{a} {d} {b:full}"), values=values))
    assert [span.get("data-grade") for span in made.select(".num")] == [None, "D", "B", "B"]
    columns: list[dict[str, Any]] = [
        {"name": "x", "label": both("x")},
        {"name": "g", "label": both("g"), "unit": "grade"},
    ]
    table = dom(blocks.table(columns, [["p", "A"], ["q", "C"], ["r", None]], caption=both("one")))
    assert table.table is not None
    assert table.table["data-grade"] == "C"


@pytest.mark.parametrize("grade", list(Grade))
def test_a_grade_is_told_by_its_letter_not_by_colour_alone(grade: Grade) -> None:
    for language in ("zh", "en"):
        text = BeautifulSoup(grade_badge(grade, language=language), "html.parser").get_text()
        assert grade is Grade.MEASURED or grade.value in text


def test_a_tile_says_number_change_verdict_and_interval() -> None:
    value = Estimate(0.118, "share", 0.115, 0.121, 0.95)
    made = dom(blocks.tile("r", both("复购率"), value, previous=0.124, history=[0.12, 0.124], better="up"))
    text = made.get_text(" ", strip=True).replace("\u00a0", " ")
    assert "11.8%" in text
    assert "▼ 0.6 个百分点 变差" in text
    assert "95% 区间 11.5%–12.1%" in text
    assert made.select_one("svg.spark .bad") is not None


def test_an_unknown_number_is_a_dash_with_its_reason_and_no_grade() -> None:
    made = dom(blocks.tile("r", both("触达"), Estimate(None, "touches"), note=both("本周无数据")))
    assert made.get_text(" ", strip=True) == "触达 — 本周无数据"


def test_few_people_are_never_counted_on_a_page() -> None:
    few = Estimate(3, "customers")
    assert "3" not in dom(blocks.tile("n", both("沉默"), few)).get_text()
    assert dom(blocks.note(both("{n}"), values={"n": few})).get_text() == "少于 10"
    assert dom(blocks.note(both("{n}"), values={"n": few}), min_cell=2).get_text() == "3\u00a0人"


def test_a_table_hides_small_groups_and_says_so() -> None:
    columns = [{"name": "t", "label": both("层")}, {"name": "n", "label": both("人数"), "unit": "customers"}]
    made = dom(blocks.table(columns, [["a", 120], ["b", 4], ["c", 35]], both("表"), n="n"))
    assert [td.get_text() for td in made.select("td")] == ["120", "<10", "—"]
    assert "少于 10 人的格子不显示" in made.get_text()


def test_a_table_has_caption_scopes_and_one_unit_a_column() -> None:
    columns: list[dict[str, Any]] = [
        {"name": "t", "label": both("层")},
        {"name": "r", "label": both("消费额"), "unit": "money"},
        {"name": "i", "label": both("区间"), "unit": "money", "level": 0.8},
        {"name": "grade", "label": both("证据"), "unit": "grade"},
        {"name": "on", "label": both("日"), "unit": "date"},
    ]
    rows: list[list[Any]] = [
        ["a", 614_000.0, [-61_400.0, 700_000.0], "B", "2026-11-15"],
        ["b", None, [None, None], None, None],
    ]
    made = dom(blocks.table(columns, rows, both("说明"), highlight=[0]), "en")
    assert made.caption is not None
    assert [th["scope"] for th in made.select("thead th")] == ["col"] * 5
    assert [th["scope"] for th in made.select("tbody th")] == ["row"] * 2
    assert [th.get_text(" ", strip=True) for th in made.select("thead th")][1:3] == [
        "消费额 ¥\u00a0thousand",
        "80% interval ¥\u00a0thousand",
    ]
    assert [td.get_text() for td in made.select("tbody tr.top td")] == [
        "614.0",
        "−61.4 to 700.0",
        "B",
        "15\u00a0Nov\u00a02026",
    ]
    assert [td.get_text() for td in made.select("tbody tr:not(.top) td")] == ["—"] * 4


def test_cells_of_their_own_unit_are_written_whole() -> None:
    columns = [{"name": "what", "label": both("what")}, {"name": "value", "label": both("value")}]
    made = dom(blocks.table(columns, [["a", PROFIT], ["b", Estimate(0.5, "share")]], both("t")), "en")
    assert [td.get_text() for td in made.select("td")] == ["¥61,400", "50.0%"]


def test_an_explorer_is_computed_beforehand_and_its_table_stays_without_scripts() -> None:
    def money(value: float) -> Estimate:
        return Estimate(value, "money", value - 50, value + 50, 0.8, Grade.PRIOR)

    def lost(value: float) -> Estimate:
        return Estimate(value, "deletions", grade=Grade.PRIOR)

    block = blocks.explorer(
        both("which"),
        [(both("none"), Estimate(0, "money", grade=Grade.PRIOR), [money(0), lost(0)]),
         (both("dear"), money(900), [money(1_234), lost(-3)]),
         (both("cheap"), money(600), [money(200), lost(7)])],
        earns=both("profit"), uses=[both("cost"), both("lost")],
    )  # fmt: skip
    made = dom(block, "en")
    data = json.loads(str(made.script.string))  # type: ignore[union-attr]  # there is one
    assert [choice["name"] for choice in data["choices"]] == ["dear", "cheap", "none"]
    assert data["choices"][0]["says"].endswith("The limits change nothing.")
    assert "¥300 less than without limits" in data["choices"][1]["says"]
    assert [[step[0] for step in steps] for steps in data["steps"]] == [[0, 200, 1240, None], [0, 7, None]]
    assert data["choices"][0]["uses"] == [1240, 0]  # each step lets its choice in
    assert [slider["max"] for slider in made.select("input")] == ["3", "2"]
    assert made.select_one(".exp")["hidden"] == ""  # type: ignore[index]  # there is one
    assert [row.th.get_text() for row in made.select("tbody tr")] == ["dear", "cheap", "none"]  # type: ignore[union-attr]


def test_a_figure_is_a_picture_with_words_in_both_widths() -> None:
    made = dom(blocks.figure("f", {"zh": {"wide": SVG, "narrow": SVG}}, both("最高 {p}"), values={"p": PROFIT}))
    pictures = made.select("svg")
    assert [svg["role"] for svg in pictures] == ["img", "img"]
    assert [svg["class"] for svg in pictures] == [["wide"], ["narrow"]]
    assert {str(svg["aria-label"]) for svg in pictures} == {"最高 ¥61,400"}


def test_a_link_leads_to_a_page_of_the_run_and_nowhere_else() -> None:
    for target in ("javascript:alert(1)//", "../../etc", "https://example.org/x"):
        with pytest.raises(AnalysisError, match="no name of a notebook"):
            dom(blocks.decision(both("d"), links=[(target, both("go"))]))


def test_every_word_of_the_page_exists_in_both_languages() -> None:
    for key, (zh, en) in WORDS.items():
        assert zh.strip(), key
        assert en.strip(), key
        assert any("\u4e00" <= c <= "\u9fff" for c in zh), key
        assert not any("\u4e00" <= c <= "\u9fff" for c in en), key
    with pytest.raises(AnalysisError):
        word("no_such_word", language="zh")


def test_the_style_asks_nobody_for_anything() -> None:
    css = stylesheet()
    assert "url(" not in css
    assert "@import" not in css
    assert "</" not in css
    assert scoped_style().startswith("<style>.siyu{")
