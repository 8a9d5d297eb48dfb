"""The house's notebooks: each one tells and computes nothing, and all of them run on a small brand."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.params import NOTEBOOK_PARAMS

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
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


def test_no_page_claims_more_than_its_evidence(small_run):
    manifest = json.loads((small_run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["overclaims"] == []
    for language in ("zh", "en"):
        graded = [
            letter
            for path in NOTEBOOKS
            for letter in re.findall(
                r'data-grade="(\w)"', (small_run / f"{path.stem}.{language}.html").read_text(encoding="utf-8")
            )
        ]
        assert {"A", "C", "D"} <= set(graded)  # pages do tell their grades: there is something to judge by
        assert len(graded) > 100


def test_all_of_them_run_on_a_small_brand_and_leave_pages_and_numbers(small_run):
    manifest = json.loads((small_run / "manifest.json").read_text(encoding="utf-8"))
    assert {name: entry for name, entry in manifest["notebooks"].items() if entry["status"] != "good"} == {}
    results = json.loads((small_run / "results.json").read_text(encoding="utf-8"))
    assert [name for name, numbers in results.items() if not numbers and name != "brief"] == []
    pages = [small_run / f"{path.stem}.{language}.html" for path in NOTEBOOKS for language in ("zh", "en")]
    assert all(page.stat().st_size > 2_000 for page in pages)
    personal = [name for name, entry in manifest["files"].items() if entry["customer_level"]]
    assert all(name.startswith(("private/", "state/")) for name in personal)


def test_every_page_is_in_one_language_throughout(small_run, untranslated):
    names = names_in_the_data(small_run.parents[2] / ".cache")
    assert names
    foreign = {
        page.name: found
        for page in small_run.glob("*.*.html")
        if (found := untranslated(page.read_text(encoding="utf-8"), page.name.split(".")[-2], names))
    }
    assert foreign == {}
    assert untranslated((small_run.parent.parent / "index.html").read_text(encoding="utf-8"), "zh") == []


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
