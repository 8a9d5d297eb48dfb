"""Every chart answers a pointer: each public chart function says the values of its marks."""

import ast
from pathlib import Path

import pytest

import analysis.charts

CHARTS = Path(analysis.charts.__file__).parent
TELLERS = {"tell", "tell_each", "tell_points"}
NO_CHARTS = {"theme", "svg", "strategy_rows", "__init__"}
MODULES = sorted(path for path in CHARTS.glob("*.py") if path.stem not in NO_CHARTS)


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    made = ast.parse(path.read_text(encoding="utf-8")).body
    return {node.name: node for node in made if isinstance(node, ast.FunctionDef)}


def tells(name: str, known: dict[str, ast.FunctionDef]) -> bool:
    """Whether a function says values itself or through one of its own file's."""
    for node in ast.walk(known[name]):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        called = node.func.id
        if called in TELLERS or called == "paired_shares":
            return True
        if called == "interval_mark" and "style" in {keyword.arg for keyword in node.keywords}:
            return True
        if called in known and called != name and tells(called, known):
            return True
    return False


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_chart_says_its_values_to_a_pointer(path: Path) -> None:
    known = functions(path)
    drawn = [name for name, node in known.items() if not name.startswith("_") and _is_chart(node)]
    assert [name for name in drawn if not tells(name, known)] == []


def _is_chart(node: ast.FunctionDef) -> bool:
    """Charts take a table and return a figure."""
    return [argument.arg for argument in node.args.args] == ["table"] and ast.unparse(
        node.returns or node
    ) == "'Figure'"


def test_charts_are_found() -> None:
    assert sum(_is_chart(node) for path in MODULES for node in functions(path).values()) > 40
