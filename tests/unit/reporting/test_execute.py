"""The killers of a notebook, each by its real means: none counts as success, none leaves a process."""

import json
import time
from pathlib import Path

import pytest

from analysis.books.catalogue import Notebook, discover
from analysis.reporting.execute import Execution, blocks_of, execute, write_notebook
from analysis.runs.batch import Deadline, run_notebooks
from analysis.runs.progress import Progress

END = """from analysis.page import blocks
from IPython.display import display
display({blocks.MIME: blocks.end('x')}, raw=True)"""
PICTURES = """from IPython.display import display
for _ in range(30):
    display({'text/html': 'x' * 1_000_000}, raw=True)"""
KILLERS = {
    "good": [],
    "sigkill": ["import os\nos.kill(os.getpid(), 9)"],
    "hard_exit": ["import os\nos._exit(0)"],
    "exit_zero": ["import sys\nsys.exit(0)"],
    "exit_one": ["import sys\nsys.exit(1)"],
    "segfault": ["import ctypes\nctypes.string_at(0)"],
    "out_of_memory": [
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))",
        "block = bytearray(2**34)",
    ],
    "error": ["value = 1", "raise ValueError('<b>bad</b> value')"],
    "house_error": [
        "from analysis.errors import AnalysisError\nraise AnalysisError('Nothing to see.', hint='look away')"
    ],
    "domain_error": ["from analysis.churn.leakage import LeakError\nraise LeakError(['n_orders_90d'])"],
    "tolerated_error": ["1 / 0"],
    "loud": ["for _ in range(80):\n    print('x' * 1_000_000)"],
    "flooding": [PICTURES],
    "asks_for_touches": [
        "from analysis.errors import MissingTableError\nraise MissingTableError('touches', needed_by='exposure')"
    ],
    "too_few": [
        "from analysis.errors import TooFewError",
        "raise TooFewError(3, needed=10, needed_by='strategies', came_back=True)",
    ],
    "needs_touches": ["raise ValueError('never executed')"],
    "leaves_a_process": ["import subprocess\nsubprocess.Popen(['sleep', '86399'], start_new_session=True)"],
}


def make_notebook(
    folder: Path, name: str, cells: list[str], *, end: bool = True, tags: list[str] | None = None
) -> None:
    sources = [*cells, *([END] if end else [])]
    made = [{"cell_type": "code", "id": "p", "metadata": {"tags": ["parameters"]}, "source": "horizon: int = 3"}]
    made += [
        {"cell_type": "code", "id": f"c{i}", "metadata": {"tags": tags or []}, "source": source}
        for i, source in enumerate(sources)
    ]
    content = {
        "cells": [{**cell, "outputs": [], "execution_count": None} for cell in made],
        "metadata": {"siyu": {"needs": ["touches"] if name == "needs_touches" else [], "after": []}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture(scope="module")
def executions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Execution]:
    root = tmp_path_factory.mktemp("killers")
    for name, cells in KILLERS.items():
        make_notebook(root / "notebooks", name, cells, tags=["raises-exception"] if name == "tolerated_error" else None)
    make_notebook(root / "notebooks", "endless", ["while True:\n    pass"])
    make_notebook(root / "notebooks", "no_end", ["value = 1"], end=False)
    found = discover(root / "notebooks")
    names = [name for name in found if name != "endless"]
    return run_notebooks(
        {name: found[name] for name in names},
        dict.fromkeys(names, ()),
        parameters={name: {"horizon": 7} for name in names},
        context=root / "context.json",
        cwd=root,
        jobs=4,
        deadline=Deadline(60),
        redact={str(root): "<project>"},
        tables=frozenset({"orders"}),
        progress=Progress(live=False),
        settled=lambda execution: execution,
    )


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("sigkill", "KernelDied", "SIGKILL"),
        ("hard_exit", "KernelDied", "code 0"),
        ("exit_zero", "SystemExit", "sys.exit(0)"),
        ("exit_one", "SystemExit", "sys.exit(1)"),
        ("segfault", "KernelDied", "SIGSEGV"),
        ("out_of_memory", "MemoryError", "MemoryError"),
        ("error", "ValueError", "<b>bad</b> value"),
        ("house_error", "AnalysisError", "Nothing to see."),
        ("domain_error", "LeakError", "'n_orders_90d'"),
        ("tolerated_error", "ZeroDivisionError", "division by zero"),
        ("flooding", "OutputTooLarge", "million characters"),
        ("no_end", "NoEndMarker", "never finished"),
    ],
)
def test_a_killed_notebook_fails_and_says_why(executions, name, kind, said):
    failure = executions[name].failure
    assert failure is not None
    assert failure.kind == kind
    assert said in failure.message


@pytest.mark.parametrize("name", ["asks_for_touches", "needs_touches"])
def test_a_notebook_whose_data_lack_a_table_is_no_failure_and_names_it(executions, name):
    assert executions[name].failure is None
    missing, end = blocks_of(executions[name].notebook)
    assert (missing["kind"], missing["table"]) == ("missing", "touches")
    assert end["kind"] == "end"


def test_a_notebook_with_too_few_customers_is_no_failure_and_says_how_many_it_takes(executions):
    assert executions["too_few"].failure is None
    answer, end = blocks_of(executions["too_few"].notebook)
    assert answer["detail"]["zh"] == "至少要 10 位回头客，现在有 3 位。"
    assert answer["detail"]["en"] == "It takes at least 10 customers who came back; there are 3."
    assert end["kind"] == "end"


def test_a_failure_names_the_cell_as_the_analyst_counts_them(executions):
    assert executions["error"].failure.cell == 3  # parameters, value = 1, raise


def test_an_error_of_the_house_keeps_its_hint_and_loses_its_traceback(executions):
    assert executions["house_error"].failure.hint == "look away"
    assert "Traceback" not in executions["house_error"].failure.message
    assert "take it out of the predictors" in executions["domain_error"].failure.hint


def test_a_good_notebook_is_good_and_leaves_its_end_marker(executions):
    assert executions["good"].failure is None
    assert blocks_of(executions["good"].notebook)[-1]["kind"] == "end"


def test_eighty_megabytes_of_printing_are_cut_and_do_no_harm(executions):
    assert executions["loud"].failure is None
    printed = sum(
        len(o["text"]) for c in executions["loud"].notebook.cells for o in c.outputs if o.output_type == "stream"
    )
    assert 1_000_000 <= printed <= 1_000_100


def test_no_process_is_left_behind(executions):
    assert executions["leaves_a_process"].failure is None
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if _read(p) == b"sleep\x0086399\0"]
    assert left == []


def test_declared_parameters_are_injected_and_no_others(tmp_path):
    make_notebook(tmp_path, "asks", ["print(horizon, 'sly' in globals())"])
    done = _execute(
        discover(tmp_path)["asks"], {"horizon": 7, "sly": 1, "__import__('os').system('touch hacked')#": 1}, tmp_path
    )
    assert done.failure is None
    assert "7 False" in json.dumps(done.notebook.cells)
    assert not (tmp_path / "hacked").exists()


def test_an_endless_cell_ends_at_the_deadline(tmp_path):
    make_notebook(tmp_path, "endless", ["import os\nprint(os.getpid(), flush=True)\nwhile True:\n    pass"])
    began = time.monotonic()
    done = _execute(discover(tmp_path)["endless"], {}, tmp_path, seconds=3)
    assert time.monotonic() - began < 8
    assert done.failure is not None
    assert done.failure.kind == "DeadlinePassed"
    assert done.failure.cell == 2
    printed = next(o for c in done.notebook.cells for o in c.get("outputs", []) if o.output_type == "stream")
    assert not Path(f"/proc/{printed.text.strip()}").exists()


def test_no_secret_of_the_environment_reaches_the_kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("SIYU_SALT", "planted-secret")
    monkeypatch.setenv("WECOM_URL", "https://planted-secret")
    make_notebook(
        tmp_path, "looks", ["import os\nprint([v for v in os.environ.values() if 'planted' in v], os.environ['TZ'])"]
    )
    done = _execute(discover(tmp_path)["looks"], {}, tmp_path)
    assert "[] UTC" in json.dumps(done.notebook.cells)
    assert "planted-secret" not in json.dumps(done.notebook)


def test_the_executed_notebook_carries_no_machine_path_no_time_and_no_copy_of_parameters(tmp_path):
    make_notebook(tmp_path, "paths", ["import os\nprint(os.getcwd())", "raise ValueError(os.getcwd())"])
    done = _execute(discover(tmp_path)["paths"], {"horizon": 7}, tmp_path)
    write_notebook(done.notebook, tmp_path / "out" / "paths.ipynb")
    text = (tmp_path / "out" / "paths.ipynb").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert "papermill" not in text
    assert done.failure is not None
    assert done.failure.message == "<project>"


def test_executing_twice_gives_the_same_bytes(tmp_path):
    warns = "import warnings\nwarnings.warn('careful')"
    make_notebook(tmp_path, "same", ["print({'a', 'b', 'c', 'd'}, horizon)", warns, "raise ValueError('<b>')"])
    texts = []
    for turn in ("one", "two"):
        done = _execute(discover(tmp_path)["same"], {"horizon": 7}, tmp_path)
        write_notebook(done.notebook, tmp_path / f"{turn}.json")
        texts.append((tmp_path / f"{turn}.json").read_bytes())
    assert texts[0] == texts[1]


def _execute(notebook: Notebook, parameters: dict[str, object], root: Path, seconds: float = 60) -> Execution:
    return execute(
        notebook,
        parameters=parameters,
        context=root / "context.json",
        cwd=root,
        threads=1,
        remaining=Deadline(seconds).remaining,
        redact={str(root): "<project>"},
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
