"""The house's notebooks: each one tells and computes nothing, and all of them run on a small brand."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analysis.params import NOTEBOOK_PARAMS
from analysis.runs.progress import Progress
from analysis.runs.run import Order, Outcome, run_book

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOW = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)
MAX_CODE_CELLS = 12
MAX_CODE_LINES = 90
MAX_CELL_LINES = 15
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def nodes(path: Path) -> Iterator[ast.AST]:
    for cell in cells(path, "code"):
        yield from ast.walk(ast.parse(source(cell)))


@each
def test_it_is_committed_without_outputs(path):
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells(path, "code"))


@each
def test_it_defines_nothing(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    assert not any(isinstance(node, kinds) for node in nodes(path))


@each
def test_it_computes_nothing(path):
    found = [
        ast.unparse(node)
        for node in nodes(path)
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ARITHMETIC)
    ]
    assert found == []


@each
def test_it_is_short(path):
    code = [[line for line in source(cell).splitlines() if line.strip()] for cell in cells(path, "code")]
    assert len(code) <= MAX_CODE_CELLS
    assert max(len(lines) for lines in code) <= MAX_CELL_LINES
    assert sum(len(lines) for lines in code) <= MAX_CODE_LINES


@each
def test_its_first_code_cell_holds_the_parameters_and_its_last_one_finishes(path):
    code = cells(path, "code")
    assert "parameters" in code[0]["metadata"]["tags"]
    assert source(code[-1]).rstrip().endswith("wb.finish()")


@each
def test_its_prose_is_in_both_languages_or_in_none(path):
    tags = [tag for cell in cells(path, "markdown") for tag in cell["metadata"].get("tags", [])]
    assert tags.count("zh") == tags.count("en") == len(cells(path, "markdown")) / 2


@each
def test_it_says_what_it_is_called_and_what_it_needs(path):
    about = json.loads(path.read_text(encoding="utf-8"))["metadata"]["siyu"]
    assert set(about["title"]) == {"zh", "en"}
    assert isinstance(about["needs"], list)


def test_every_notebook_of_the_house_is_there():
    assert {path.stem for path in NOTEBOOKS} >= set(NOTEBOOK_PARAMS)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Outcome:
    return run_small_book(tmp_path_factory.mktemp("small"))


def test_no_page_claims_more_than_its_evidence(small):
    manifest = json.loads((small.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["overclaims"] == []
    for language in ("zh", "en"):
        graded = [
            letter
            for path in NOTEBOOKS
            for letter in re.findall(
                r'data-grade="(\w)"', (small.folder / f"{path.stem}.{language}.html").read_text(encoding="utf-8")
            )
        ]
        assert {"A", "C", "D"} <= set(graded)  # pages do tell their grades: there is something to judge by
        assert len(graded) > 100


def test_all_of_them_run_on_a_small_brand_and_leave_pages_and_numbers(small):
    outcome = small
    manifest = json.loads((outcome.folder / "manifest.json").read_text(encoding="utf-8"))
    assert {name: entry for name, entry in manifest["notebooks"].items() if entry["status"] != "good"} == {}
    results = json.loads((outcome.folder / "results.json").read_text(encoding="utf-8"))
    assert [name for name, numbers in results.items() if not numbers and name != "brief"] == []
    pages = [outcome.folder / f"{path.stem}.{language}.html" for path in NOTEBOOKS for language in ("zh", "en")]
    assert all(page.stat().st_size > 2_000 for page in pages)
    personal = [name for name, entry in manifest["files"].items() if entry["customer_level"]]
    assert all(name.startswith(("private/", "state/")) for name in personal)


def test_every_page_is_in_one_language_throughout(small, untranslated):
    names = names_in_the_data(small.folder.parents[2] / ".cache")
    assert names
    foreign = {
        page.name: found
        for page in small.folder.glob("*.*.html")
        if (found := untranslated(page.read_text(encoding="utf-8"), page.name.split(".")[-2], names))
    }
    assert foreign == {}
    assert untranslated((small.folder.parent.parent / "index.html").read_text(encoding="utf-8"), "zh") == []


def names_in_the_data(folder: Path) -> set[str]:
    """Every Chinese text that stands in a table of the brand: names of campaigns, categories, staff."""
    import pyarrow.parquet as pq
    import pyarrow.types as kinds

    found: set[str] = set()
    for path in folder.rglob("*.parquet"):
        schema = pq.read_schema(path)
        texts = [f.name for f in schema if kinds.is_string(f.type) or kinds.is_large_string(f.type)]
        if "recipes" not in path.parts and texts:
            for column in pq.read_table(path, columns=texts).columns:
                found |= {text for text in column.unique().to_pylist() if text and re.search("[\u4e00-\u9fff]", text)}
    return found


def run_small_book(folder: Path) -> Outcome:
    """Run every notebook there is on 2,000 synthetic customers, in both languages."""
    blocks = {"churn": "{horizon_days: 60}", "segments": "{resamples: 10, k_max: 4}", "strategies": "{replicates: 20}"}
    names = sorted((path.stem for path in NOTEBOOKS), key=lambda name: (name == "brief", name))
    lines = "".join(f"  {name}: {blocks.get(name, '{}')}\n" for name in names)
    book = folder / "small.yaml"
    book.write_text(
        "name: small\ndata: {source: demo/beauty, demo: {customers: 2000, seed: 7}}\nlanguage: both\n"
        f"notebooks:\n{lines}",
        encoding="utf-8",
    )
    order = Order(book=book, reports=folder / "reports", cache=folder / ".cache", root=ROOT)
    return run_book(order, now=NOW, progress=Progress(live=False))
