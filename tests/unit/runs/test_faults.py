"""Whatever ends a run, the published tree is the old one or the new one, and the next run is clean."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analysis import cli
from analysis.errors import PublishError, RunInProgressError
from analysis.runs.store import Store


def test_a_full_disk_at_the_last_step_leaves_the_old_tree(project, monkeypatch, tree):
    book = project.book("alpha")
    first = project.run(book)
    before = tree(first.folder.parent.parent)

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(PublishError, match="No space left"):
        project.run(book, "notebooks.alpha.horizon=30")
    assert tree(first.folder.parent.parent) == before


def test_a_run_killed_between_its_rename_and_the_list_is_mended_by_the_next(project):
    book = project.book("alpha")
    first = project.run(book)
    (first.folder.parent / "latest").unlink()
    (project.root / "reports" / "index.html").unlink()
    assert project.run(book).repeated
    assert (first.folder.parent / "latest").resolve() == first.folder
    assert first.folder.name in (project.root / "reports" / "index.html").read_text(encoding="utf-8")


def test_a_second_run_of_a_book_is_told_to_come_back(project):
    book = project.book("alpha")
    with Store(project.root / "reports", "weekly").lock():
        with pytest.raises(RunInProgressError):
            project.run(book)
        assert command(project, "run", str(book)) == 75
        other = project.book("alpha", name="monthly")
        assert project.run(other).good  # another book minds its own lock


def test_two_commands_at_once_share_no_book_but_caches(project):
    project.notebook("slow", "import pathlib, time\npathlib.Path('began').touch()", GO_ON, GOOD)
    book, other = project.book("slow"), project.book("alpha", name="monthly")
    first, third = start(project, book), start(project, other)
    assert third.wait(timeout=60) == 0
    wait_for(project.root / "began")
    before = sorted(path.name for path in (project.root / "reports" / "weekly").iterdir())
    second = start(project, book)
    assert second.wait(timeout=60) == 75
    assert sorted(path.name for path in (project.root / "reports" / "weekly").iterdir()) == before
    (project.root / "go").touch()
    assert first.wait(timeout=60) == 0
    listed = (project.root / "reports" / "index.html").read_text(encoding="utf-8")
    for name in ("weekly", "monthly"):
        folder = (project.root / "reports" / name / "latest").resolve()
        assert f"{name}/{folder.name}/index.html" in listed
    assert [path.name for path in (project.root / ".cache" / "data").glob(".*")] == []


@pytest.mark.parametrize(
    ("folder", "mode", "code", "said"),
    [
        ("data", 0o000, 3, "Cannot read data"),
        ("data/orders.csv", 0o000, 3, "Cannot read data/orders.csv"),
        ("reports", 0o500, 4, "/reports"),
        ("reports/weekly", 0o500, 4, "/reports/weekly"),
        (".cache/data", 0o000, 4, "Cannot write .cache/data"),
    ],
)
def test_a_folder_without_rights_is_told_and_once_it_has_them_the_next_run_is_clean(
    project, capsys, tree, folder, mode, code, said
):
    book = project.book("alpha")
    (project.root / "reports").mkdir()
    (project.root / "reports" / "weekly").mkdir()
    (project.root / ".cache" / "data").mkdir(parents=True)
    place, rights = project.root / folder, (project.root / folder).stat().st_mode
    with bound_by_rights():
        place.chmod(mode)
        try:
            found = command(project, "run", str(book))
        finally:
            place.chmod(rights)
    printed = capsys.readouterr()
    assert found == code, printed
    assert said in printed.err + printed.out
    assert "Traceback" not in printed.err
    latest = project.root / "reports" / "weekly" / "latest"
    assert latest.exists() == (folder == "reports")  # all but the list of runs is there then
    assert command(project, "run", str(book)) == 0
    assert latest.exists()
    assert latest.resolve().name in (project.root / "reports" / "index.html").read_text(encoding="utf-8")


def test_the_runner_killed_mid_way_leaves_nothing_visible_and_no_kernel(project, tree):
    book = project.book("alpha")
    first = project.run(book)
    before = tree(first.folder)
    project.notebook("alpha", "import pathlib, time\npathlib.Path('began').touch()\ntime.sleep(600)")
    runner = start(project, book)
    wait_for(project.root / "began")
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    reports = project.root / "reports" / "weekly"
    assert {path.name for path in reports.iterdir() if not path.name.startswith(".")} == {first.folder.name, "latest"}
    assert tree(first.folder) == before
    assert wait_until(lambda: kernels(project) == [], seconds=5)

    project.notebook("alpha")
    second = project.run(book)  # the lock is free, and what was left is cleared away
    assert second.good
    assert [path.name for path in reports.iterdir() if path.name.startswith(".b")] == []


def test_a_terminated_run_cleans_up_behind_itself(project):
    project.notebook("alpha", "import pathlib, time\npathlib.Path('began').touch()\ntime.sleep(600)")
    runner = start(project, project.book("alpha"))
    wait_for(project.root / "began")
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(timeout=15) == 143
    assert [path.name for path in (project.root / "reports" / "weekly").iterdir()] == [".lock"]
    assert kernels(project) == []


def test_the_deadline_ends_the_run_and_publishes_it_as_failed(project):
    project.notebook("alpha", "while True:\n    pass")
    book = project.book("alpha", "brief")
    began = time.monotonic()
    outcome = project.run(book, "deadline_minutes=0.05", jobs=1)
    assert time.monotonic() - began < 12
    assert outcome.failed == ("alpha", "brief")
    manifest = json.loads((outcome.folder / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["error"] for entry in manifest["notebooks"].values()} == {"DeadlinePassed"}
    assert kernels(project) == []


def test_the_exit_code_says_what_kind_of_trouble_it_is(project, capsys):
    book = project.book("alpha")
    assert command(project, "run", str(project.root / "params" / "nothing.yaml")) == 2
    assert command(project, "run", str(book), "--set", "sede=1") == 2
    assert "did you mean 'seed'?" in capsys.readouterr().err
    assert command(project, "run", str(book), "--set", "data.source=nowhere") == 3
    (project.root / "taken").write_text("", encoding="utf-8")
    assert command(project, "run", str(book), "--out", str(project.root / "taken")) == 4
    project.notebook("alpha", "1 / 0")
    assert command(project, "run", str(book)) == 1
    assert "FAILED (alpha)" in capsys.readouterr().out


def test_a_run_names_the_page_to_open_and_a_repeat_says_so(project, capsys):
    book = project.book("alpha")
    assert command(project, "run", str(book)) == 0
    said = capsys.readouterr()
    page = said.out.strip().rsplit(" ", 1)[1]
    assert (project.root / page).is_file()
    assert "alpha" in said.err
    assert command(project, "run", str(book)) == 0
    assert "identical run" in capsys.readouterr().out


GOOD = 'wb.results({"n_customers": Estimate(300, "customers")})'
GO_ON = "while not pathlib.Path('go').exists():\n    time.sleep(0.05)"


@contextmanager
def bound_by_rights() -> Iterator[None]:
    """Let the rights of files bind this thread even where it is root's."""
    libc, header = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread
    held, fewer = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, held) == 0
    ctypes.memmove(fewer, held, ctypes.sizeof(held))
    fewer[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH; effective only: they come back
    assert libc.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert libc.capset(header, held) == 0


def command(project, *arguments: str) -> int:
    here = Path.cwd()
    os.chdir(project.root)
    try:
        return cli.main(arguments)
    finally:
        os.chdir(here)


def start(project, book: Path) -> "subprocess.Popen[bytes]":
    code = "import sys; from analysis.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, "run", str(book)],
        cwd=project.root,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def kernels(project) -> list[str]:
    """Return the processes that work in the project's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve() == project.root.resolve() and entry.name != str(os.getpid()):
                found.append(entry.name)
        except OSError:
            continue
    return found


def wait_for(path: Path) -> None:
    assert wait_until(path.exists, seconds=20)


def wait_until(condition, *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())
