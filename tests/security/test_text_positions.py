"""Every hostile text in every position of every block, chart, list and page: it stays text."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
import pytest

from analysis.charts.theme import INK_2, Style, draw, label_end, tell
from analysis.evidence import Estimate, Grade
from analysis.kept import write_list
from analysis.page import blocks
from analysis.page.picture import safe_svg
from analysis.page.render import render_block
from analysis.reporting.execute import Failure
from analysis.reporting.page_info import PageInfo, Sibling
from analysis.reporting.render import render_failed_page, render_page
from tests.security.judge import faults_of_page, skeleton
from tests.security.payloads import PAYLOADS, Payload, of_kind

MONEY = Estimate(61_400, "money", 38_000, 88_000, 0.8, Grade.QUASI_EXPERIMENTAL)
SVG = '<svg viewBox="0 0 1 1" xmlns="http://www.w3.org/2000/svg"><text>t</text></svg>'
CONTROLS = {chr(n) for n in (*range(32), *range(0x7F, 0xA0), 0x61C, *range(0x200E, 0x2010), *range(0x202A, 0x202F),
                             *range(0x2066, 0x206A))} - {"\t", "\n", "\r", "\x0c"}  # fmt: skip
every = pytest.mark.parametrize("kind", sorted({payload.kind for payload in PAYLOADS}))


def texts(kind: str) -> list[str]:
    return [payload.text for payload in PAYLOADS if payload.kind == kind and payload.text.strip()]


def both(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def author(text: str) -> dict[str, str]:
    """An author's template that says the text: what a template may not hold is said through a value."""
    plain = text.replace("{", "(").replace("**", "*")
    return both(plain if plain.strip() else "x")


def table_of(text: str, **more: Any) -> blocks.Block:
    columns = [
        {"name": text, "label": both(text)},
        {"name": "v", "label": both(text), "unit": "money"},
        {"name": "d", "label": both("d"), "unit": "date"},
        {"name": "g", "label": both("g"), "unit": "grade"},
    ]
    rows: list[list[Any]] = [[text, 1.0, text, text], [both(text), text, None, "A"], [text, MONEY, "2026-01-02", None]]
    return blocks.table(columns, rows, both("{x}"), values={"x": text}, **more)


POSITIONS: dict[str, Callable[[str], blocks.Block]] = {
    "question": lambda t: blocks.question(author(t)),
    "answer": lambda t: blocks.answer(both("**{x}** {x}"), values={"x": t}, detail=both("{x}\n\n{x}")),
    "answer by its author": lambda t: blocks.answer(author(t), detail=author(t)),
    "decision": lambda t: blocks.decision(
        both("{x}"), worth=MONEY, worth_label=both("{x}"), values={"x": t}, why=both("{x}"),
        parts=[(both("{x}"), MONEY)], reasons_to_change=[both("{x}")], links=[("churn", both("{x}"))]),
    "tile": lambda t: blocks.tile(t, author(t), MONEY, history=[1.0, 2.0], previous=3.0, better="up", note=author(t)),
    "finding": lambda t: blocks.finding(both("{x}"), values={"x": both(t)}, sub=both("{x}"), short=author(t)),
    "figure": lambda t: blocks.figure("f", {"zh": {"wide": SVG, "narrow": SVG}}, both("{x}"), values={"x": t},
                                      data=table_of(t)),
    "table": table_of,
    "table of totals": lambda t: table_of(t, totals=1, highlight=[0]),
    "explorer": lambda t: blocks.explorer(author(t), [(both(t), MONEY, [MONEY]), (both("y"), MONEY, [MONEY])],
                                          earns=both(t), uses=[both(t)], note=author(t)),
    "note": lambda t: blocks.note(both("{x}\n\n{x}"), values={"x": both(t)}),
    "mind": lambda t: blocks.mind([both("{x}")], values={"x": t}),
    "method": lambda t: blocks.method(both("{x}"), title=author(t), values={"x": t}),
    "quality": lambda t: blocks.quality([(both("{x}"), "ok", both("{x}"), both("{x}"))], values={"x": t}),
    "changes": lambda t: blocks.changes([(both("{x}"), both("{x}"))], values={"x": t}),
    "missing": lambda t: blocks.missing(t, needed_by=t, text=author(t)),
    "warning": lambda t: blocks.warning(both("{x}"), values={"x": t}),
}  # fmt: skip


@every
@pytest.mark.parametrize("position", POSITIONS)
def test_a_hostile_text_in_a_block_adds_no_element_and_no_attribute(position: str, kind: str) -> None:
    make = POSITIONS[position]
    plain = skeleton(render_block(make("word"), language="en"))
    day = skeleton(render_block(make("2000-02-01"), language="en"))  # the house keeps a day on one line
    for text in texts(kind):
        if len(text) > 2000 and position not in ("table", "finding", "warning"):
            continue
        made = render_block(make(text), language="en")
        assert skeleton(made) == (day if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else plain), text[:80]
        for script in re.findall(r"<script[^>]*>(.*?)</script>", made, flags=re.DOTALL):
            assert not set("<>&") & set(script)
            assert json.loads(script)


def notebook_of(made: list[blocks.Block], text: str, *, title: str = "") -> dict[str, Any]:
    """An executed notebook with blocks, a printed text, an HTML table and prose of an analyst."""
    code = {
        "cell_type": "code", "metadata": {}, "execution_count": 1, "source": text, "id": "a",
        "outputs": [
            *({"output_type": "display_data", "metadata": {}, "data": {blocks.MIME: block}} for block in made),
            {"output_type": "stream", "name": "stdout", "text": text},
            {"output_type": "display_data", "metadata": {}, "data": {"text/html": f"<table><td>{text}</td></table>"}},
            {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": text}},
            {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text}},
            {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": f"<svg>{text}</svg>"}},
            {"output_type": "display_data", "metadata": {}, "data": {"application/javascript": text}},
            {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]},
        ],
    }  # fmt: skip
    prose = [{"cell_type": "markdown", "metadata": {"tags": tags}, "source": text, "id": str(i)}
             for i, tags in enumerate(([], ["zh"], ["en"]))]  # fmt: skip
    about = {"title": both(title or text), "needs": [], "after": []}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"siyu": about}, "cells": [*prose, code]}


def info_of(text: str) -> PageInfo:
    other = blocks.answer(both("{x}"), values={"x": text})
    return PageInfo(
        notebook="churn", book="book", book_title=both(text), book_file=text, as_of=dt.date(2026, 6, 30), run_id="r",
        languages=("zh", "en"), params={text: text, "b": {text: [text]}}, versions={text: text}, command=text,
        notices=(both(text),), contact=both(text), title=both(text), timezone=text,
        siblings=(Sibling(notebook="tiers", title=both(text), status="ok", answer=other),
                  Sibling(notebook="value", title=both(text), status="failed", reason=text, kind=text)),
    )  # fmt: skip


def every_block(text: str) -> list[blocks.Block]:
    return [make(text) for make in POSITIONS.values()]


@every
def test_a_page_with_hostile_texts_everywhere_acts_on_nothing(kind: str) -> None:
    some = texts(kind)
    made = [make(text) for text in some[:40] for make in (table_of, POSITIONS["decision"], POSITIONS["explorer"])]
    book = notebook_of(made, some[0])
    for text in some:  # an analyst's own outputs and prose
        book["cells"] += notebook_of([], text)["cells"]
    info = replace(info_of(some[-1]), params=dict(zip(some, some, strict=True)), notices=tuple(map(both, some)),
                   versions=dict(zip(some, some, strict=True)))  # fmt: skip
    page = render_page(book, page=info, language="en")
    assert faults_of_page(page) == []
    assert not CONTROLS & set(page)
    assert len(page) > 50_000


@every
def test_a_failed_page_says_the_error_as_text(kind: str) -> None:
    plain = render_failed_page(Failure("word", "word", "word", 1), page=info_of("word"), language="en")
    for text in texts(kind):
        page = render_failed_page(Failure(text, text, text, 1), page=info_of(text), language="en")
        assert faults_of_page(page) == [], text[:80]
        assert len(skeleton(page)) == len(skeleton(plain)), text[:80]
        assert not CONTROLS & set(page), text[:80]


def a_chart(table: pd.DataFrame, *, style: Style) -> Any:
    """A chart whose every text is data: labels, ticks, titles, pointer texts, series."""
    text = str(table["text"].iloc[0])
    figure, axes = style.canvas(160)
    (line,) = axes.plot([0, 1], [0, 1], color=INK_2)
    tell(line, text, series=text)
    axes.set_xlabel(text)
    axes.set_title(text)
    axes.set_yticks([0, 1], labels=[text, text])
    label_end(axes, 1, 1, text)
    return figure


@every
def test_a_hostile_text_in_a_chart_is_a_text_of_the_chart(kind: str) -> None:
    style = Style(language="en", width=328)
    plain = skeleton(draw(a_chart, pd.DataFrame({"text": ["word"]}), name="c", style=style))
    some = [text for text in texts(kind) if len(text) <= 400]
    for text in some[:: max(1, len(some) // 12)]:  # drawing is dear; the block test has every text
        svg = draw(a_chart, pd.DataFrame({"text": [text]}), name="c", style=style)
        assert {name for name, _ in skeleton(svg)} <= {name for name, _ in plain}, text[:80]
        shown = str(safe_svg(svg, label=text, kind="wide"))
        assert {name for _, names in skeleton(shown) for name in names} <= {
            *(name for _, names in plain for name in names), "class", "role", "aria-label", "data-s", "transform",
        }  # fmt: skip


def formulas(rows: Iterator[list[str]]) -> list[str]:
    """Return cells that a spreadsheet would compute: whatever unseen signs stand before the sign."""
    unseen = "".join(sorted(CONTROLS)) + "\t\r\n \u00a0\u3000\u200b\ufeff\u2060\u00ad\u200d"
    starts = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    found = [cell for row in rows for cell in row if cell.lstrip(unseen).startswith(starts) or cell[:1] in "\t\r|"]
    return [cell for cell in found if cell and not _is_number(cell)]


def _is_number(text: str) -> bool:
    try:
        return text == text.strip() and float(text) == float(text)
    except ValueError:
        return False


def test_no_list_holds_a_formula(tmp_path: Path) -> None:
    hostile = [payload.text for payload in PAYLOADS]
    write_list(pd.DataFrame({"=name": hostile, "n": range(len(hostile))}), tmp_path / "list.csv")
    text = (tmp_path / "list.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == len(hostile) + 1
    assert formulas(iter(rows)) == []


def test_no_list_for_staff_holds_a_formula_or_leaves_its_folder(tmp_path: Path) -> None:
    from analysis.touch.target_list import LIST_COLUMNS, write_lists

    hostile = [payload.text for payload in PAYLOADS]
    places = [text for text in of_kind("path") for _ in range(len(hostile) // len(of_kind("path")) + 1)][: len(hostile)]
    touches = pd.DataFrame(dict.fromkeys(LIST_COLUMNS, hostile)).assign(day=places, staff_id=places)
    written = write_lists(
        touches, tmp_path / "out" / "lists", heading=lambda name: f"={name}", created=dt.date(2026, 1, 1)
    )
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(written)
    assert all(path.is_relative_to(tmp_path / "out" / "lists") for path in written)
    stems = {path.stem.upper().partition(".")[0] for path in written}
    assert not stems & {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    assert len({str(path).casefold() for path in written}) == len(written)
    for path in written:
        if path.suffix == ".csv":
            rows = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
            assert formulas(rows) == [], path
        elif path.suffix == ".xlsx":
            with ZipFile(path) as book:
                sheet = book.read("xl/worksheets/sheet1.xml").decode()
                assert "<f>" not in sheet
                assert "<hyperlink" not in sheet
                assert not [name for name in book.namelist() if "external" in name.lower()]


def test_there_are_two_hundred_hostile_texts_of_nine_kinds_and_none_twice() -> None:
    assert len(PAYLOADS) == len({payload.text for payload in PAYLOADS}) >= 200
    assert len({payload.kind for payload in PAYLOADS}) == 9
    assert all(isinstance(payload, Payload) for payload in PAYLOADS)
