"""A project whose book, notebooks, files, parameters and errors are hostile: all of it stays text, none of it runs."""

import html
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.books.read import read_book
from analysis.errors import BookError, DataError, SiyuError
from tests.browser.conftest import Browser
from tests.security import targets
from tests.security.judge import faults_of_page
from tests.security.payloads import PAYLOADS, of_kind
from tests.security.small_project import FILE, SAID, write_notebook, write_project
from tests.security.test_text_positions import POSITIONS, info_of, notebook_of, table_of

CODE = "__import__('os').system('tee HIT')"
NAMES = [
    CODE, f"x=1;{CODE}", f"x\n{CODE}", f"x: int = {CODE}", "__class__", "__import__", "_x", "class", "x y", "x-y",
    "x.y", "x[0]", "(x)", "*x", "**x", "x\u2028y", "\uff58", "wb", "self", "", " ",
    "%run HIT", "!tee HIT", "said = []\nHIT",
]  # fmt: skip


def test_every_page_of_the_worst_project_acts_on_nothing(worst_run: Path) -> None:
    manifest = json.loads((worst_run / "manifest.json").read_text(encoding="utf-8"))
    states = {name: entry["status"] for name, entry in manifest["notebooks"].items()}
    assert states == {"printing": "good", "failing": "failed", "raising": "failed", "hostile": "good"}
    pages = [*worst_run.glob("*.html"), worst_run.parent.parent / "index.html"]
    assert len(pages) == 10
    for path in pages:
        assert faults_of_page(path.read_text(encoding="utf-8")) == [], path.name
    said = html.unescape((worst_run / "hostile.en.html").read_text(encoding="utf-8"))
    standing = [text for text in SAID if text in said]
    assert len(standing) > 250  # they are there to be read


def test_no_parameter_ran_and_each_came_as_it_was(worst_run: Path) -> None:
    root = worst_run.parents[2]
    assert not list(root.rglob("HIT"))
    assert not Path("HIT").exists()
    kept = json.loads((worst_run / "manifest.json").read_text(encoding="utf-8"))["parameters"]["hostile"]
    assert kept["said"] == SAID  # the notebook itself compared them too, else its page had failed


def test_the_worst_project_writes_nowhere_else(worst_run: Path) -> None:
    root = worst_run.parents[2]
    there = {path.name for path in root.iterdir()}
    assert there == {".cache", "book.yaml", "data", "notebooks", "reports", "said.json"}
    assert [path.name for path in (root / "data").iterdir()] == [FILE]
    links = [path for path in root.rglob("*") if path.is_symlink()]
    assert all(link.resolve().is_relative_to(root) for link in links)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no chromium on this machine")
    made = Browser(found, tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


RAN = "Boolean(window.HIT) || document.title === 'HIT' || frames.length > 0"
TOUCH = """document.querySelectorAll('*').forEach(function (e) {
  ['mouseover', 'focus', 'pointerenter', 'toggle', 'error', 'load', 'begin'].forEach(function (kind) {
    e.dispatchEvent(new Event(kind, {bubbles: true})); }); }); 0"""


@pytest.mark.browser
def test_in_a_browser_none_of_it_runs(worst_run: Path, browser: Browser, tmp_path: Path) -> None:
    from analysis.reporting.render import render_page

    bait = tmp_path / "bait.html"  # without escaping and without a policy it does run: the test can fail
    bait.write_text('<!doctype html><title>x</title><img src=x onerror="window.HIT=1">', encoding="utf-8")
    browser.open(bait)
    assert browser.value("new Promise(r => setTimeout(() => r(Boolean(window.HIT)), 200))") is True
    pages = [*worst_run.glob("*.html"), worst_run.parent.parent / "index.html"]
    for kind in sorted({payload.kind for payload in PAYLOADS}):
        some = [text for text in of_kind(kind) if text.strip() and len(text) < 500]
        made = [make(text) for text in some[::4] for make in POSITIONS.values()] + [table_of(text) for text in some]
        path = tmp_path / f"{kind}.html"
        path.write_text(render_page(notebook_of(made, some[0]), page=info_of(some[1]), language="en"), encoding="utf-8")
        pages.append(path)
    for path in pages:
        browser.open(path)
        browser.value(TOUCH)
        assert browser.value(RAN) is False, path.name
        assert browser.asked == [], path.name
        assert not [line for line in browser.said if "Content Security Policy" in line], path.name


@pytest.mark.parametrize("name", NAMES)
def test_a_crafted_parameter_is_refused_wherever_it_stands(name: str, tmp_path: Path) -> None:
    book = {"name": "b", "data": {"source": "data"}, "notebooks": {"mine": {name: 1}}}
    assert targets.book(json.dumps(book).encode()) == "refused"
    plain = json.dumps({**book, "notebooks": {"mine": {}}}).encode()
    assert targets.book(plain) == "read"
    assert targets.book(plain, f"notebooks.mine.{name}=1") == "refused"
    assert targets.book(plain, f"notebooks.{name}.days=1") == "refused"
    assert not Path("HIT").exists()


@pytest.mark.parametrize(
    "cell",
    [f"x: int = {CODE}", f"x: {CODE} = 1", f"x = {CODE}", CODE, f"x: int = 1; {CODE}", "_x: int = 1", "import os",
     "x: int = 1\n!tee HIT", "%run HIT", "x, y = 1, 2", "x.y: int = 1", "x[0] = 1", "def x(): pass",
     f"x: 'int' = [{CODE}]", "x: Literal['a', __import__] = 'a'", "from os import system", "x: int = (lambda: 1)()",
     "x: str = f'{1}'"],
)  # fmt: skip
def test_a_parameters_cell_that_is_code_is_refused(cell: str, tmp_path: Path) -> None:
    write_notebook(tmp_path, "mine", cell, "wb.finish()")
    book = tmp_path / "book.yaml"
    book.write_text("name: b\ndata: {source: data}\nnotebooks: {mine: {}}\n", encoding="utf-8")
    with pytest.raises(BookError, match="may hold only lines"):
        read_book(book, root=tmp_path)
    assert not Path("HIT").exists()


@pytest.mark.parametrize("path", of_kind("path"))
def test_no_path_in_a_book_leads_out_of_its_source(path: str, tmp_path: Path) -> None:
    from analysis.data.load import load
    from analysis.data.mapping import DataSource

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\no1,c1,2026-03-01,5\n")
    (tmp_path / "secret.csv").write_text("order_id,customer_id,ordered_at,amount\no1,SECRET,2026-03-01,5\n")
    (tmp_path / "in" / "link.csv").symlink_to(tmp_path / "secret.csv")
    plain = {"source": str(tmp_path / "in"), "max_quarantine_share": 1.0}
    tries = [
        {**plain, "tables": {"orders": {"file": path}}},
        {**plain, "tables": {"orders": {"file": "link.csv"}}},
        {**plain, "tables": {"orders": {"join": {"file": path, "on": "order_id", "columns": {"category": "x"}}}}},
        {**plain, "column_preset": path},
        {**plain, "source": path},
    ]
    for number, wanted in enumerate(tries):
        read = DataSource.model_validate(wanted)
        with pytest.raises(SiyuError) as refused:
            load(read, now=targets.NOW, timezone="Asia/Shanghai", cache=tmp_path / "cache", base=tmp_path)
        assert isinstance(refused.value, BookError | DataError), number
        assert "root:" not in str(refused.value)


def test_the_project_of_the_other_tests_is_a_book(tmp_path: Path) -> None:
    assert read_book(write_project(tmp_path), root=tmp_path).book.name == "people"
