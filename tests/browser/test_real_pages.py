"""Every page of a run of every notebook, as its readers' browser shows it; with it the pages around a run."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from analysis.reporting.execute import Failure
from analysis.reporting.render import PageInfo, Sibling, render_failed_page
from analysis.runs.compare import Cause, ChangedNumber, Comparison, find_run
from analysis.runs.compare_page import write_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
LANGUAGES = ("zh", "en")
AROUND = ("all runs", "compare", "failed")
WIDTHS = (1280, 768, 360)
PAPER = 680  # what the margins of A4 leave, in pixels
OPENS_WITHIN = 1000.0  # milliseconds
BYTES = 60_000
# what only a script shows, or adds: without it the explorer's numbers are in the table beneath it
ADDED = ".exp, .keys, .find, .tip"
HIDDEN = "[...document.querySelectorAll('[hidden]:not(.exp)')].map(function (e) { return e.outerHTML; })"
SHOW = "document.querySelectorAll('%s').forEach(function (e) { e.style.display = '%s'; })"
VISIBLE = "document.body.innerText.replace(/\\s/g, '')"
UNFOLD = "document.querySelectorAll('details').forEach(function (e) { e.open = true; })"

ALL = [(name, language) for name in (*NOTEBOOKS, *AROUND) for language in LANGUAGES]


@pytest.fixture(scope="session")
def pages(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """``pages(name, language)``: the file of a notebook's page, or of one around a run."""
    folder = tmp_path_factory.mktemp("around")

    def found(name: str, language: str) -> Path:
        match name:
            case "all runs":
                return small_run.parent.parent / "index.html"
            case "compare":
                return _compared(small_run, folder, language)
            case "failed":
                return _failed(folder, language)
        return small_run / f"{name}.{language}.html"

    return found


def _compared(run: Path, folder: Path, language: str) -> Path:
    """The page of two runs, the second with the numbers of two pages moved."""
    before = find_run(str(run), reports=run)
    book = folder / "reports" / "small"
    book.mkdir(parents=True, exist_ok=True)
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    cause = Cause("parameters", "churn.horizon_days: 30 → 60")
    changed = [
        ChangedNumber(notebook, name, entry, {**entry, "value": entry["value"] * 1.1}, (cause,))
        for notebook in ("churn", "value")
        for name, entry in results[notebook].items()
        if isinstance(entry["value"], float | int)
    ]
    assert len(changed) > 12
    after = replace(before, folder=book / run.name)
    written = write_page(Comparison(before, after, (cause,), tuple(changed), n_same=3))
    return next(path for path in written if f".{language}." in path.name)


def _failed(folder: Path, language: str) -> Path:
    failure = Failure("MissingColumnError", "The table 'orders' has no column 'amount'.", "map it in the book", cell=3)
    page = PageInfo(
        notebook="churn",
        title={"zh": "流失", "en": "Churn"},
        book_title={"zh": "每周简报", "en": "Weekly brief"},
        as_of=date(2026, 6, 30),
        run_id="a3f9c2b17d",
        languages=LANGUAGES,
        siblings=(Sibling(notebook="brief"),),
    )
    path = folder / f"failed.{language}.html"
    path.write_text(render_failed_page(failure, page=page, language=language), encoding="utf-8")
    return path


class Seen(NamedTuple):
    """A page that is open, and what came of opening it."""

    path: Path
    language: str
    said: list[str]
    asked: list[str]


@pytest.fixture(scope="module", params=ALL, ids="-".join)
def page(request: pytest.FixtureRequest, browser: Any, pages: Callable[[str, str], Path]) -> Seen:
    """Each page, opened once for all tests of it, folded parts open."""
    path = pages(*request.param)
    browser.look(width=1280)
    browser.open(path)
    browser.measured()  # whatever the page says, it has said by now
    seen = Seen(path, request.param[1], list(browser.said), list(browser.asked))
    browser.value(UNFOLD)
    return seen


def test_a_page_is_silent_asks_for_nothing_and_opens_at_once(browser, page):
    assert page.said == []
    assert page.asked == []
    found = browser.measured()
    assert found["requests"] == []
    opened = [found["opened"]]
    while min(opened) >= OPENS_WITHIN and len(opened) < 3:  # a machine that is busy otherwise gets another chance
        browser.open(page.path)
        opened.append(browser.measured()["opened"])
        browser.value(UNFOLD)
    assert 0 < min(opened) < OPENS_WITHIN
    assert len(gzip.compress(page.path.read_bytes(), 9)) <= BYTES


def test_on_no_page_anything_is_cut_or_overlaps(browser, page):
    looks = [(width, "", False) for width in WIDTHS] + [(1280, "", True), (PAPER, "print", False)]
    found = {}
    for width, media, dark in looks:
        browser.look(width=width, media=media, dark=dark)
        measured = browser.measured()
        assert measured["texts"] > 10
        assert measured["headings"] == 1
        assert set(measured["drawings"]) <= {"wide" if width >= 700 or media else "narrow"}
        wrong = {what: measured[what] for what in ("cut", "clashes", "small", "wide", "twice") if measured[what]}
        if wrong or measured["scroll"] > width:
            found[width, media, dark] = wrong or measured["scroll"]
    assert found == {}


def test_no_page_breaks_a_rule_of_accessibility(browser, page):
    # both schemes at both widths: a page is laid out the same way in both of its languages
    looks = [(1280, False), (360, True)] if page.language == "zh" else [(1280, True), (360, False)]
    found = {}
    for width, dark in looks:
        browser.look(width=width, dark=dark)
        if broken := browser.broken_rules():
            found[width, "dark" if dark else "light"] = broken
    assert found == {}


def test_nothing_but_comfort_is_lost_with_scripts_off(browser, page):
    browser.look(width=1280)
    browser.value(SHOW % (ADDED, "none"))
    full = browser.value(VISIBLE)
    browser.open(page.path, scripts=False)
    browser.value(UNFOLD)
    assert len(full) > 100
    assert browser.value(HIDDEN) == []
    assert browser.value(VISIBLE) == full


def test_every_chart_of_a_run_answers_a_pointer(small_run):
    drawings = [
        (path.name, drawing)
        for path in sorted(small_run.glob("*.*.html"))
        for drawing in re.findall(r'<svg class="(?:wide|narrow)".*?</svg>', path.read_text(encoding="utf-8"), re.DOTALL)
    ]
    assert len(drawings) > 100
    assert [name for name, drawing in drawings if "<title>" not in drawing] == []
    told = [
        (name, text) for name, drawing in drawings for text in re.findall("<title>(.*?)</title>", drawing, re.DOTALL)
    ]
    assert [text for name, text in told if ".en." in name and re.search("[，：。；（]", text)] == []
    assert [text for _, text in told if re.search(r"\bnan\b|—|None", text)] == []


def test_pages_of_six_charts_and_six_tables_are_among_those_weighed(small_run):
    texts = [path.read_text(encoding="utf-8") for path in small_run.glob("*.*.html")]
    assert sum(text.count("<figure") >= 6 and text.count("<table") >= 6 for text in texts) >= 4
