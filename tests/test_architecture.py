"""Imports go downward, siblings never meet, compute does not draw."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "analysis"
# Who may read the clock: the command line's side of the house, once a run.
CLOCK_ROOMS = {"runs", "cli.py"}
# A notebook opened alone has no runner: opening its book takes the runner's one look.
CLOCK_FILES = {"books/opening.py"}


def test_layers_hold():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_only_runs_read_the_clock():
    clocks = {("date", "today"), ("datetime", "now"), ("datetime", "today"), ("datetime", "utcnow"), ("time", "time")}
    for path in SOURCE.rglob("*.py"):
        place = path.relative_to(SOURCE)
        if place.parts[0] in CLOCK_ROOMS or place.as_posix() in CLOCK_FILES:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in clocks, (
                    f"{path.relative_to(ROOT)}:{node.lineno} reads the clock"
                )


def test_no_room_of_leftovers():
    names = {path.stem for path in SOURCE.rglob("*.py")}
    assert not names & {"utils", "helpers", "common", "misc", "util", "helper", "base"}


def test_nothing_is_asserted_or_raised_bare_in_the_product():
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Assert), f"{path.relative_to(ROOT)}:{node.lineno} asserts on data"
            raised = node.exc.func if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else None
            assert not (isinstance(raised, ast.Name) and raised.id == "Exception"), f"{path}:{node.lineno}"
