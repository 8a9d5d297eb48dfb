"""One run of notebooks of the house on the brand at its worst, shared by all processes of tests."""

import json
import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.made_once import once
from tests.security import planted_brand
from tests.security.judge import tree
from tests.security.small_project import write_project

ROOT = Path(__file__).parents[2]
QUICK = ["data_health", "tiers", "segments", "incrementality", "policy_value", "experiment_design", "brief"]
"""Notebooks that run where time is short; the exam runs them all."""


@dataclass(frozen=True)
class PlantedRun:
    """What a run on the planted brand left, and what was seen while it went on."""

    folder: Path
    root: Path
    seen: dict[str, Any]

    @property
    def manifest(self) -> dict[str, Any]:
        """The run's manifest."""
        made: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        return made


@pytest.fixture(scope="session")
def planted_run(tmp_path_factory: pytest.TempPathFactory, exam_in_full: bool) -> PlantedRun:
    """The run, made once."""
    seen = once(tmp_path_factory, "planted", lambda root: _run(root, full=exam_in_full))
    return PlantedRun(Path(seen["folder"]), Path(seen["root"]), seen)


@pytest.fixture(scope="session")
def worst_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published folder of a run of ``small_project``, made once."""
    return Path(once(tmp_path_factory, "worst", _worst)["folder"])


def _worst(root: Path) -> dict[str, Any]:
    from analysis.runs.progress import Progress
    from analysis.runs.run import Order, run_book

    root.mkdir()
    order = Order(book=write_project(root), reports=root / "reports", cache=root / ".cache", root=root, jobs=2)
    outcome = run_book(order, now=datetime(2026, 3, 2, 4, tzinfo=UTC), progress=Progress(live=False))
    return {"folder": str(outcome.folder)}


def _run(root: Path, *, full: bool) -> dict[str, Any]:
    from analysis.runs.progress import Progress
    from analysis.runs.run import Order, run_book

    planted_brand.write_brand(root / "data", customers=2000 if full else 1000)
    every = sorted((path.stem for path in (ROOT / "notebooks").glob("*.ipynb")), key=lambda n: (n == "brief", n))
    book = root / "planted.yaml"
    book.write_text(
        planted_brand.book_text(every if full else QUICK, source=root / "data", min_cell=50), encoding="utf-8"
    )
    before = os.environ.copy()
    os.environ.update(planted_brand.SECRETS)
    untouched = (root / "data", ROOT / "notebooks", ROOT / "params")
    files = tree(*untouched)
    said: list[str] = []
    watch = Watch()
    watch.start()
    try:
        order = Order(book=book, reports=root / "reports", cache=root / ".cache", root=ROOT, jobs=2)
        with Progress(live=False) as progress:
            progress.say = progress.doing = said.append  # type: ignore[method-assign,assignment]  # what a terminal shows
            outcome = run_book(order, now=datetime(2026, 7, 1, 1, tzinfo=UTC), progress=progress)
    finally:
        watch.ended.set()
        watch.join()
        os.environ.clear()
        os.environ.update(before)
    return {
        "folder": str(outcome.folder),
        "failed": list(outcome.failed),
        "same": files == tree(*untouched),
        "top": sorted(path.name for path in root.iterdir()),
        "said": said,
        "listened": sorted(watch.listened),
        "sockets": watch.sockets,
        "kernels": len(watch.kernels),
    }


class Watch(threading.Thread):
    """Looks at this process and all it starts, every tenth of a second: TCP ports, sockets, connection files."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.listened: set[str] = set()
        self.sockets: dict[str, str] = {}
        self.kernels: set[int] = set()

    def run(self) -> None:
        while not self.ended.is_set():
            self.look()
            time.sleep(0.1)

    def look(self) -> None:
        """Note every listening TCP port of the tree, and who may reach its sockets and connection files."""
        family = descendants(os.getpid())
        inodes = {inode for pid in family for inode in socket_inodes(pid)}
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[9] in inodes:
                    self.listened.add(fields[1])
        for line in Path("/proc/self/net/unix").read_text().splitlines()[1:]:
            fields = line.split()
            if len(fields) > 7 and fields[6] in inodes and fields[7].startswith("/"):
                self.note(Path(fields[7]))
        self.kernels |= family

    def note(self, path: Path) -> None:
        """Note whether others than the owner can come to a file: its folder or one above it must be closed to them."""
        try:
            closed = any(not folder.stat().st_mode & 0o077 for folder in path.parents)
            beside = [file for file in path.parent.glob("*.json") if file.stat().st_mode & 0o077 and not closed]
        except OSError:
            return
        self.sockets[str(path)] = "closed" if closed and not beside else f"open {beside}"


def descendants(pid: int) -> set[int]:
    """Return a process and all that it started, still running."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, waiting = set(), [pid]
    while waiting:
        found.add(one := waiting.pop())
        waiting += parents.get(one, [])
    return found


def socket_inodes(pid: int) -> list[str]:
    """Return the inodes of a process's sockets."""
    found = []
    try:
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            target = str(handle.readlink())
            if target.startswith("socket:["):
                found.append(target[8:-1])
    except OSError:
        return found
    return found
