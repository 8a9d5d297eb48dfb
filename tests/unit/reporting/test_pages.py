"""A page from an executed notebook, as its readers' browsers parse it."""

import base64
import gzip
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from analysis.evidence import Estimate, Grade
from analysis.page import blocks
from analysis.reporting.execute import Failure
from analysis.reporting.exporter import page_script
from analysis.reporting.page_info import DataLine, Since
from analysis.reporting.render import PageInfo, RunEntry, Sibling, render_failed_page, render_page, render_runs_index

SVG = (
    '<svg viewBox="0 0 700 100" xmlns="http://www.w3.org/2000/svg"><text fill="var(--ink)" x="1" y="20">甲</text></svg>'
)
DRAWN = {language: {"wide": SVG, "narrow": SVG} for language in ("zh", "en")}
PROFIT = Estimate(61_400, "money", 38_000, 88_000, 0.8, Grade.QUASI_EXPERIMENTAL)
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "{n}",
    "$x$",
    "]]>",
    "</style><b>",
]


def t(zh: str, en: str | None = None) -> dict[str, str]:
    return {"zh": zh, "en": en or zh}


def code(*made: dict[str, Any]) -> dict[str, Any]:
    outputs = [{"output_type": "display_data", "metadata": {}, "data": {blocks.MIME: block}} for block in made]
    return {
        "cell_type": "code",
        "id": "c",
        "metadata": {},
        "source": "secret = 1",
        "execution_count": 1,
        "outputs": outputs,
    }


def said(data: dict[str, Any], kind: str = "display_data") -> dict[str, Any]:
    output = {"output_type": kind, "metadata": {}, "data": data}
    return {"cell_type": "code", "metadata": {}, "source": "", "execution_count": 1, "outputs": [output]}


def prose(source: str, *tags: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {"tags": list(tags)}, "source": source}


def notebook(*cells: dict[str, Any], title: dict[str, str] | None = None) -> dict[str, Any]:
    metadata = {"siyu": {"title": title or t("流失", "Churn")}}
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}


def info(**changed: Any) -> PageInfo:
    known: dict[str, Any] = {
        "notebook": "churn",
        "book": "weekly",
        "book_title": t("每周简报", "Weekly brief"),
        "book_file": "params/weekly.yaml",
        "as_of": date(2026, 11, 15),
        "run_id": "a3f9c2b17d",
        "languages": ("zh", "en"),
        "params": {"horizon_days": 60},
        "seed": 20260101,
        "data_from": date(2024, 11, 16),
        "data_digest": "c07e51ab",
        "versions": {"siyu": "0.1.0"},
        "command": "siyu run params/weekly.yaml --set as_of=2026-11-15",
    }
    return PageInfo(**{**known, **changed})


def dom(page: str) -> BeautifulSoup:
    return BeautifulSoup(page, "html.parser")


def full_notebook() -> dict[str, Any]:
    table = blocks.table([{"name": "a", "label": t("层", "tier")}], [["x"]], t("表", "table"))
    return notebook(
        prose("# 流失\n\n开头一段", "zh"),
        prose("# Churn\n\nan opening", "en"),
        code(
            blocks.question(t("谁要走？", "Who is leaving?")),
            blocks.answer(t("{p} 有风险", "{p} at risk"), values={"p": PROFIT}),
        ),
        code(*(blocks.tile(f"n{i}", t("数", "number"), PROFIT) for i in range(4))),
        prose("关于第一条", "zh"),
        code(
            blocks.finding(t("第一条", "First claim"), short=t("一", "one"), sub=t("单位", "unit")),
            blocks.figure("f", DRAWN, t("图", "chart"), data=table),
            blocks.note(t("怎么读", "how to read")),
        ),
        code(blocks.finding(t("第二条", "Second claim")), table),
        code(blocks.finding(t("第三条", "Third claim")), blocks.missing("touches")),
        code(blocks.mind([t("若变", "if it changes")]), blocks.method(t("方法", "method")), blocks.end("churn")),
    )


@pytest.mark.parametrize(("language", "tag"), [("zh", "zh-CN"), ("en", "en")])
def test_a_page_has_the_anatomy_of_the_design(language: str, tag: str) -> None:
    page = dom(render_page(full_notebook(), page=info(), language=language))
    assert page.html is not None
    assert page.html["lang"] == tag
    assert [h.name for h in page.find_all("h1")] == ["h1"]
    assert [h.get_text() for h in page.select("section.sec > h2")][:3] == (
        ["第一条", "第二条", "第三条"] if language == "zh" else ["First claim", "Second claim", "Third claim"]
    )
    assert len(page.select(".tiles .tile")) == 4
    assert [a["href"] for a in page.select(".toc a")] == ["#s1", "#s2", "#s3", "#method"]
    assert all(page.find(id=str(a["href"])[1:]) for a in page.select(".toc a"))
    assert page.select_one("section#s1 .row figure svg.wide[role=img]") is not None
    assert page.select_one("section#s1 .row .notes") is not None
    assert page.select_one("section#s1 details table caption") is not None
    assert page.select_one("section#s3 .gone") is not None
    assert page.select_one("section#method details") is not None


def test_a_page_shows_the_prose_of_its_language_beside_the_finding_it_precedes() -> None:
    zh = dom(render_page(full_notebook(), page=info(), language="zh"))
    en = dom(render_page(full_notebook(), page=info(), language="en"))
    section = zh.find(id="s1")
    assert section is not None
    assert "关于第一条" in section.get_text()
    assert "开头一段" in zh.get_text()
    assert "开头一段" not in en.get_text()
    assert "an opening" in en.get_text()
    assert not zh.find_all(string="流失\n\n开头一段")


def test_untagged_prose_stands_on_both_pages() -> None:
    for language in ("zh", "en"):
        assert "shared" in render_page(notebook(prose("shared **words**")), page=info(), language=language)


def test_the_code_of_a_notebook_is_on_no_page() -> None:
    assert "secret" not in render_page(full_notebook(), page=info(), language="zh")


def test_the_footer_lets_anybody_reproduce_the_page() -> None:
    page = dom(render_page(full_notebook(), page=info(), language="en"))
    assert page.footer is not None
    text = page.footer.get_text(" ").replace("\u00a0", " ")
    for fact in (
        "a3f9c2b17d", "horizon_days = 60", "20260101", "16 Nov 2024", "15 Nov 2026", "c07e51ab", "siyu 0.1.0",
        "siyu run params/weekly.yaml --set as_of=2026-11-15", "Asia/Shanghai", "CNY",
    ):  # fmt: skip
        assert fact in text


def test_a_page_leads_to_the_overview_and_to_its_other_language() -> None:
    page = dom(render_page(full_notebook(), page=info(), language="zh"))
    assert [(a["href"], a.get("lang")) for a in page.select(".mast a")] == [
        ("index.html", None),
        ("churn.en.html", "en"),
    ]
    english = dom(render_page(full_notebook(), page=info(siblings=(Sibling(notebook="brief"),)), language="en"))
    assert english.select(".mast a")[0]["href"] == "brief.en.html"
    alone = dom(render_page(full_notebook(), page=info(languages=("zh",), overview=""), language="zh"))
    assert not alone.select(".mast a")


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_page_forbids_everything_but_its_own_style_and_script() -> None:
    made = render_page(full_notebook(), page=info(), language="zh")
    page = dom(made)
    policy = str(page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"])  # type: ignore[index]  # a tag
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    scripts = [tag.string or "" for tag in page.find_all("script") if not tag.has_attr("type")]
    assert len(scripts) == 1
    assert rules["script-src"] == hashed(scripts[0])
    assert rules["style-src"] == hashed(str(page.style.string))  # type: ignore[union-attr]  # there is one
    assert not page.find_all(["iframe", "object", "embed", "form", "base"])
    assert not [tag for tag in page.find_all() if tag.has_attr("style")]
    assert "http:" not in made.replace("http://www.w3.org/2000/svg", "")
    assert "https:" not in made
    assert "//" not in "".join(str(tag.get("href", "")) + str(tag.get("src", "")) for tag in page.find_all())


def test_the_script_is_small_and_runs_nothing_that_came_from_data() -> None:
    script = page_script()
    assert len(script.encode()) <= 8192
    for word in (
        "eval",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "Function(",
        "fetch",
        "http",
    ):
        assert word not in script, word
    assert "</" not in script


def test_warnings_and_notices_stand_under_the_masthead() -> None:
    notes = notebook(code(blocks.warning(t("样本太少", "few rows")), blocks.answer(t("答", "answer"))))
    page = dom(render_page(notes, page=info(notices=(t("陈旧 6 天", "6 days stale"),)), language="zh"))
    assert [p.get_text() for p in page.select(".strip .warn")] == ["注意 陈旧 6 天", "注意 样本太少"]


KINDS = ["DeadlinePassed", "KernelDied", "NoEndMarker", "ValueError", "BookError"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_page_speaks_the_readers_language_and_marks_what_it_cannot(kind: str, untranslated: Any) -> None:
    failure = Failure(kind, "The run had no time left for this page.", "raise the limit of this one book", 3)
    sibling = Sibling(notebook="churn", status="failed", reason=failure.message, kind=kind)
    for language in ("zh", "en"):
        red = render_failed_page(failure, page=info(), language=language)
        shown = notebook(code(blocks.answer(t("答", "so"))))
        brief = render_page(shown, page=info(overview="", siblings=(sibling,)), language=language)
        for made in (red, brief):
            assert untranslated(made, language) == []
            assert "The run had no time left" in made
    assert untranslated(f"<html><p>{failure.message}", "zh")  # the check itself sees a sentence
    assert untranslated("<html><svg><title>流失", "en")


def test_every_page_tells_the_state_of_the_data_in_one_line() -> None:
    line = DataLine(rows_in=506_149, rows_used=491_000, last_order=date(2026, 11, 15), doubtful=2, page="data_health")
    failed = render_failed_page(Failure("X", "m"), page=info(data=line), language="zh")
    for made in (render_page(full_notebook(), page=info(data=line), language="zh"), failed):
        strip = dom(made).select_one(".dq")
        assert strip is not None
        text = strip.get_text(" ", strip=True).replace("\u00a0", " ")
        assert "506,149 行用上了 97.0%" in text
        assert "订单到 2026-11-15" in text
        assert "2 张表有疑点" in text
        assert strip.select_one(".st-warn") is not None
        assert [a["href"] for a in strip.select("a")] == ["data_health.zh.html"]
    assert dom(render_page(full_notebook(), page=info(), language="zh")).select_one(".dq") is None


def test_what_changed_since_the_run_before_is_told_with_its_cause() -> None:
    tile = blocks.tile("n", t("流失", "Leaving"), Estimate(90, "customers", 85, 95, 0.8), previous=70, better="down")
    still = blocks.tile("m", t("风险", "Risk"), Estimate(90, "customers", 85, 95, 0.8), previous=91, better="down")
    since = Since(as_of=date(2026, 11, 8), rows=1200, parameters={"churn": (("horizon_days", "30", "60"),)}, code=True)
    page = dom(render_page(notebook(code(tile, still)), page=info(since=since), language="en"))
    told = dict(zip(
        (dt.get_text() for dt in page.select(".since dt")),
        (dd.get_text().replace("\u00a0", " ") for dd in page.select(".since dd")),
        strict=True,
    ))  # fmt: skip
    assert told["Leaving"] == "70 → 90 customers worse"
    assert told["Numbers"] == "the other 1 are within normal variation"
    assert told["Data"] == "1,200 rows more"
    assert told["Parameters"] == "horizon_days 30 → 60"
    assert "Program" in told
    assert not dom(render_page(notebook(code(tile)), page=info(), language="en")).select(".since")


def test_a_decision_says_whom_to_ask() -> None:
    asked = notebook(code(blocks.decision(t("做", "do it"))))
    page = dom(render_page(asked, page=info(contact=t("数据组", "the data team")), language="en"))
    assert page.select(".dec .ask")[0].get_text(strip=True) == "Questions: askthe data team"
    assert not dom(render_page(asked, page=info(), language="en")).select(".ask")


def test_the_brief_opens_with_its_decision_ranks_the_rest_and_lists_the_other_pages() -> None:
    make = blocks.decision
    worth: dict[str, Any] = {"worth": PROFIT, "worth_label": t("利润", "profit")}
    answer = blocks.answer(t("{p}", "{p}"), values={"p": PROFIT})
    brief = notebook(
        code(make(t("先做", "first"), **worth, reasons_to_change=[t("若", "if")]), make(t("再做", "second"), **worth)),
        code(blocks.answer(t("总之", "in short"))),
        code(blocks.quality([(t("订单", "Orders"), "fail", t("坏", "broken"), t("缺", "gone"))])),
    )
    siblings = (
        Sibling(notebook="churn", title=t("流失", "Churn"), answer=answer),
        Sibling(notebook="tiers", status="failed", reason="<b>slow</b>"),
        Sibling(notebook="strategies", status="missing"),
    )
    page = dom(render_page(brief, page=info(notebook="brief", overview="", siblings=siblings), language="zh"))
    assert [h.get_text() for h in page.find_all("h1")] == ["先做"]
    assert "再做" in page.select(".rank li")[0].get_text()
    assert [a["href"] for a in page.select(".idx a")] == ["churn.zh.html", "tiers.zh.html", "strategies.zh.html"]
    text = page.select(".idx")[0].get_text(" ")
    assert "¥61,400" in text
    assert "<b>slow</b>" in text
    assert "缺数据" in text
    assert page.select_one(".two .st-fail") is not None


@pytest.mark.parametrize("payload", PAYLOADS)
def test_data_in_every_position_of_a_page_stays_text(payload: str) -> None:
    whole = notebook(
        code(blocks.answer(t("{x}"), values={"x": payload}), blocks.finding(t("{x}"), values={"x": payload})),
        code(blocks.table([{"name": payload, "label": t(payload)}], [[payload]], t("{x}"), values={"x": payload})),
        said({"text/plain": payload}),
        said({"text/plain": payload, "text/html": f"<table><tr><td>{payload}</td></tr></table>"}),
        prose(payload),
        title=t(payload),
    )
    facts = info(
        book=payload, book_title=t(payload), book_file=payload, run_id=payload, params={payload: payload},
        command=payload,
        data_digest=payload, versions={payload: payload}, notices=(t(payload),), timezone=payload, currency=payload,
    )  # fmt: skip
    failed = render_failed_page(Failure(payload, payload, payload, 3), page=facts, language="zh")
    entry = RunEntry(
        book=payload, title=t(payload), as_of=date(2026, 1, 1), run_id=payload, link="a/b.html", ended=payload
    )
    runs = render_runs_index([entry])
    for made in (render_page(whole, page=facts, language="zh"), failed, runs):
        page = dom(made)
        assert not page.find_all(["img", "iframe"])
        assert [tag.string for tag in page.find_all("script") if not tag.has_attr("type")] == [page_script()]
        assert not [tag.name for tag in page.find_all() if any(name.startswith("on") for name in tag.attrs)]
        assert "49" not in page.get_text()
        assert len(page.find_all("style")) == 1
        assert page.title is not None
        assert payload in page.get_text()


def test_a_page_that_lacks_its_table_says_so_and_keeps_its_question() -> None:
    error = {
        "output_type": "error",
        "ename": "MissingTableError",
        "evalue": "'strategies' needs the table 'touches', which this book's data do not have.\nHint: add it",
        "traceback": ["/home/someone/x.py"],
    }
    stopped = notebook(code(blocks.question(t("怎么触达？", "How?"))), code() | {"outputs": [error]})
    page = dom(render_page(stopped, page=info(), language="zh"))
    assert "怎么触达？" in page.get_text()
    assert "touches" in page.select(".gone")[0].get_text()
    assert "someone" not in page.get_text()
    assert len(page.find_all("h1")) == 1


def test_the_page_of_a_failed_notebook_says_what_where_and_what_to_do() -> None:
    failure = Failure("DeadlineExceeded", "ran longer than 20 minutes", "raise deadline_minutes", 4)
    page = dom(render_failed_page(failure, page=info(title=t("流失", "Churn")), language="en"))
    text = page.get_text(" ")
    for fact in ("ran longer than 20 minutes", "cell 4", "raise deadline_minutes", "a3f9c2b17d", "Churn"):
        assert fact in text
    assert page.select_one(".st-fail") is not None


def test_all_runs_are_listed_by_book_newest_first_with_state_and_trend() -> None:
    answer = blocks.answer(t("{p}"), values={"p": PROFIT})
    tile = blocks.tile("n", t("流失", "Leaving"), Estimate(90, "customers", 85, 95, 0.8), previous=70, history=[60, 70])
    runs = [
        RunEntry(book="a", title=t("甲"), as_of=date(2026, 1, 5), run_id="1" * 10,
                 link="a/old/index.html", latest=True, answer=answer, tiles=(tile,), currency="USD"),
        RunEntry(book="a", title=t("甲"), as_of=date(2026, 1, 12), run_id="3" * 10,
                 link="a/new/index.html", failed=("churn",)),
        RunEntry(book="b", title=t("乙"), as_of=date(2026, 2, 5), run_id="2" * 10,
                 link="b/new/index.html", latest=True),
    ]  # fmt: skip
    page = dom(render_runs_index(runs))
    assert [a["href"] for a in page.select(".book h2 a")] == ["b/new/index.html", "a/old/index.html"]
    assert [a["href"] for a in page.select(".run a")] == ["b/new/index.html", "a/new/index.html", "a/old/index.html"]
    _, second = page.select(".book")
    assert "最近一次有页面失败" in second.get_text()
    assert "$61,400" in second.get_text()
    assert "流失90" in second.select(".trend li")[0].get_text()
    assert second.select_one(".trend svg.spark") is not None
    assert ["1 页失败" in run.get_text() for run in second.select(".run")] == [True, False]
    assert page.select_one("[data-find]") is not None
    assert "还没有报告" in render_runs_index([])


def test_the_same_notebook_gives_the_same_bytes_from_a_file_or_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "churn.ipynb"
    path.write_text(json.dumps(full_notebook()), encoding="utf-8")
    once = render_page(full_notebook(), page=info(), language="zh")
    assert once == render_page(path, page=info(), language="zh")


def test_a_page_is_small() -> None:
    assert len(gzip.compress(render_page(full_notebook(), page=info(), language="zh").encode())) < 20_000


def test_six_charts_and_six_tables_weigh_sixty_kilobytes_at_most() -> None:
    import numpy as np
    import pandas as pd

    from analysis.charts.theme import ACCENT, Style, draw, interval_mark, label_end, tell_points

    def chart(table: pd.DataFrame, *, style: Style) -> Any:
        """Fifty-two weeks as a line with values, twelve intervals with names: as full as charts of the house get."""
        figure, (axes, rows) = style.canvas(640, rows=2)
        weeks = list(range(52))
        axes.plot(weeks, table["value"], color=ACCENT)
        tell_points(axes, weeks, table["value"].tolist(), [f"第 {w} 周\n{v:.1f}" for w, v in enumerate(table["value"])])
        for y in range(12):
            value = float(table["value"].iloc[y])
            estimate = Estimate(value, "money", value - 9, value + 9, 0.8, Grade.OBSERVATIONAL)
            interval_mark(rows, y, estimate, style=style, name=f"第 {y} 种策略")
            label_end(rows, value, y, f"第 {y} 种策略")
        return figure

    cells = []
    for k in range(6):
        rng = np.random.default_rng(k)
        table = pd.DataFrame({"value": rng.normal(100, 20, 52).cumsum()})
        drawn = {
            "zh": {
                size: draw(chart, table, name=f"c{k}", style=Style("zh", width))
                for size, width in (("wide", 700), ("narrow", 328))
            }
        }
        columns = [{"name": f"x{i}", "label": t(f"第 {i} 列"), "unit": "money" if i else ""} for i in range(7)]
        rows = [[f"第 {i} 行", *rng.normal(1e5, 3e4, 6).tolist()] for i in range(20)]
        data = blocks.table(columns, rows, t("每行一种"))
        figure = blocks.figure(f"c{k}", drawn, t("图"), data=data)
        cells.append(
            code(blocks.finding(t(f"第 {k} 个结论是一句完整的话")), figure, blocks.note(t("怎么读这张图。" * 20)))
        )
    page = render_page(notebook(*cells), page=info(), language="zh")
    assert page.count("<figure") == 6
    assert page.count("<table") == 6
    assert len(gzip.compress(page.encode(), 9)) <= 60_000


def test_nbconvert_finds_the_exporter_by_its_name() -> None:
    from nbconvert.exporters import get_exporter

    from analysis.reporting.exporter import SiyuExporter

    assert get_exporter("analysis.reporting.exporter.SiyuExporter") is SiyuExporter
    made, resources = SiyuExporter(language="en").from_notebook_node(__import__("nbformat").from_dict(full_notebook()))
    assert resources["output_extension"] == ".html"
    assert dom(made).select_one("h1") is not None
