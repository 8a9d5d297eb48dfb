"""What kills a notebook kills its page only: the page says what, the last good one stays up, the next run is clean."""

import html
import json
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from analysis.reporting.execute import kernel_server
from analysis.runs.run import Outcome
from tests.unit.runs.conftest import GOOD, Project, make_project, snapshot
from tests.unit.runs.test_write_points import RICH, make, server
from tests.unit.runs.watched import Server

__all__ = ["server"]  # a fixture

KILLERS = {
    "sigkill": ("import os\nos.kill(os.getpid(), 9)", "SIGKILL"),
    "hard_exit": ("import os\nos._exit(0)", "code 0"),
    "exit_zero": ("import sys\nsys.exit(0)", "sys.exit(0)"),
    "exit_one": ("import sys\nsys.exit(1)", "sys.exit(1)"),
    "segfault": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "memory": (
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))\nbytearray(2**34)",
        "MemoryError",
    ),
}
LOUD = "for _ in range(80):\n    print('x' * 1_000_000)"
SLEEPER = "86391"
CHILDREN = f"""import os, subprocess, sys
subprocess.Popen(["sleep", "{SLEEPER}"])
subprocess.Popen(["sleep", "{SLEEPER}"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "{SLEEPER}"])
    os._exit(0)
code = "import os; os.setsid(); os.fork() or os.execvp('sleep', ['sleep', '{SLEEPER}'])"
subprocess.run([sys.executable, "-c", code])"""


class Killed(NamedTuple):
    project: Project
    first: Outcome
    first_bytes: dict[str, tuple[int, bytes]]
    outcome: Outcome
    temporary: Path


@pytest.fixture(scope="module")
def short_temporary_folder() -> Iterator[Path]:
    """Temporary files in a folder of our own, with a path short enough for sockets, to see what is left of them."""
    folder = Path(tempfile.mkdtemp(prefix="k-", dir="/tmp"))
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    yield folder
    tempfile.tempdir = before
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, short_temporary_folder: Path) -> Killed:
    project = make_project(tmp_path_factory.mktemp("killers") / "project")
    first = project.run(project.book("alpha", "brief"))
    bytes_before = snapshot(first.folder)
    for name, (source, _) in KILLERS.items():
        project.notebook(name, 'wb.private("list", __import__("pandas").DataFrame({"customer_id": ["c1"]}))', source)
    project.notebook("loud", LOUD, GOOD)
    book = project.book("alpha", *KILLERS, "loud", "brief")
    return Killed(project, first, bytes_before, project.run(book), short_temporary_folder)


@pytest.mark.parametrize("name", KILLERS)
def test_the_page_of_a_killed_notebook_says_what_killed_it_and_nothing_of_it_is_left_to_act_on(killed, name):
    page = html.unescape((killed.outcome.folder / f"{name}.zh.html").read_text(encoding="utf-8"))
    assert KILLERS[name][1] in re.sub(r"<[^>]*>", "", page)
    assert list((killed.outcome.folder / "private").glob(f"{name}.*")) == []


def test_only_the_killed_pages_fail_and_the_last_good_report_stays_up(killed):
    assert set(killed.outcome.failed) == {*KILLERS}
    assert (killed.first.folder.parent / "latest").resolve() == killed.first.folder.resolve()
    assert snapshot(killed.first.folder) == killed.first_bytes


def test_eighty_megabytes_of_output_make_no_large_file(killed):
    assert max(path.stat().st_size for path in killed.outcome.folder.rglob("*") if path.is_file()) < 1_200_000


def test_after_the_killers_nothing_is_left_and_the_next_run_is_clean(killed):
    assert list(killed.temporary.glob("siyu-*")) == []
    assert working_in(killed.project.root) == []
    killed.project.notebook("sigkill", GOOD)
    after = killed.project.run(killed.project.book("alpha", "sigkill", "brief"))
    assert after.good
    assert (after.folder.parent / "latest").resolve() == after.folder.resolve()
    assert {path.name for path in after.folder.parent.iterdir()} == {
        *(one.folder.name for one in (killed.first, killed.outcome, after)),
        *("latest", ".lock"),
    }
    assert list(killed.temporary.glob("siyu-*")) == []


def test_an_endless_cell_ends_at_the_deadline_with_all_that_it_started(project):
    first = project.run(project.book("alpha"))
    project.notebook("alpha", CHILDREN, "while True:\n    pass")
    began = time.monotonic()
    outcome = project.run(project.book("alpha"), "deadline_minutes=0.1")
    assert time.monotonic() - began < 16
    assert outcome.failed == ("alpha",)
    assert "deadline_minutes" in (outcome.folder / "alpha.zh.html").read_text(encoding="utf-8")
    assert sleepers() == []
    assert working_in(project.root) == []
    assert (first.folder.parent / "latest").resolve() == first.folder.resolve()


@pytest.mark.parametrize("whom", ["kernel", "runner"])
def test_killed_at_a_point_where_a_true_kernel_writes(server: Server, tmp_path: Path, whom):
    project = make(tmp_path / "project")
    book = project.book("alpha", "brief")
    assert server.run(project.root, book).good
    first = next((project.root / "reports" / "weekly").glob("20*"))
    before = snapshot(first)
    project.notebook("alpha", CHILDREN, RICH, GOOD)
    points = [("state/bank", "kernel"), ("results/.alpha", "runner")]
    at = next(place for place, name in points if name == whom)
    ended = server.run(project.root, book, kernels=True, kill_where=at, kill_caller=whom == "kernel")
    assert ended.signal == (signal.SIGKILL if whom == "runner" else 0)
    assert not ended.good
    assert (first.parent / "latest").resolve() == first.resolve()
    assert snapshot(first) == before
    if whom == "kernel":
        failed = next(folder for folder in first.parent.glob("20*") if folder != first)
        assert json.loads((failed / "manifest.json").read_text())["notebooks"]["alpha"]["error"] == "KernelDied"
        assert sleepers() == []
    project.notebook("alpha", RICH, GOOD)
    assert server.run(project.root, book, kernels=True).good
    assert sleepers() == []
    assert {path.name for path in first.parent.glob(".*")} == {".lock"}
    assert list((project.root / ".cache" / "recipes").glob(".*")) == []


def test_a_killed_kernel_server_is_not_asked_again_and_kernels_are_plain_ones_then(tmp_path):
    with kernel_server(context=tmp_path / "context.json", cwd=tmp_path, threads=1) as served:
        assert served is not None
        assert served.ready()
        os.kill(served.pid, signal.SIGKILL)
        os.waitid(os.P_PID, served.pid, os.WEXITED | os.WNOWAIT)
        assert not served.ready()


def working_in(root: Path) -> list[str]:
    """Return the processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve() == root.resolve() and entry.name != str(os.getpid()):
                found.append((entry / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found


def sleepers() -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes() == f"sleep\0{SLEEPER}\0".encode():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found
