"""The examples for schedulers import and call the command that exists: with the real library where it is installed."""

import importlib.util
import runpy
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
NEEDS = {
    "airflow_dag.py": ("airflow", "airflow.sdk", "airflow.sdk.exceptions", "pendulum"),
    "dagster_job.py": ("dagster",),
}


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_an_example_imports_and_runs_a_book_that_exists(name, monkeypatch):
    if importlib.util.find_spec(NEEDS[name][0]) is None:  # neither is an environment of ours: a stand-in takes anything
        for module in NEEDS[name]:
            monkeypatch.setitem(sys.modules, module, MagicMock())
    runpy.run_path(str(EXAMPLES / name))
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert '"run", "params/weekly.yaml", "--out", "reports"' in text


def test_every_example_is_tested():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(NEEDS)
