"""The whole weekly book (every notebook of params/weekly.yaml) on a large made-up brand, from nothing cached to pages.

The coffee brand's export is made before and does not count: orders, order items, customers, contacts, touches,
campaigns, assignments, outcomes, decisions, consents, groups, group members, staff, staff days, referrals, spend, tags
and surveys, about ten orders and seven touches a customer. Loading, all notebooks, customer lists and pages count; that
the simulation is compiled once on a machine (about 20 CPU s) does not: the book of a small brand is run before.
Memory is that of the largest process, and of all processes of the run together, seen every half second; there, what
several of them map counts once.
"""

import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from measure import run

AIM_CPU_SECONDS = 120
AIM_PEAK_MB = 3000
SAMPLE_CUSTOMERS = 10_000
"""Customers that each simulated future of a strategy draws: two million in 200 futures, whatever the brand's size."""

_EVERY_SECONDS = 0.5
SMALL_CUSTOMERS = 2_000
"""Of the brand whose book compiles what is compiled once."""


def write_brand(folder: Path, *, siyu: Path, customers: int) -> None:
    """Write the export of the brand into a folder, once."""
    if not (folder / "orders.parquet").exists():
        subprocess.run([siyu, "demo", "coffee", "--customers", str(customers), "--out", folder], check=True)


def measure_weekly_book(brand: Path, *, root: Path, siyu: Path, jobs: int) -> dict[str, Any]:
    """Return what a first run of the book on a brand costs, with its memory over all processes."""
    text = (root / "params" / "weekly.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("  demo:", "notify:", "schedule:"))]
    with tempfile.TemporaryDirectory(prefix="siyu-bench-") as name:
        project = Path(name)
        (project / "notebooks").symlink_to(root / "notebooks")
        (project / "params").mkdir()
        for part in (root / "params").iterdir():
            if part.name != "weekly.yaml":
                (project / "params" / part.name).symlink_to(part)
        book = project / "params" / "weekly.yaml"
        book.write_text("\n".join(lines) + "\n", encoding="utf-8")
        sets = [f"data.source={brand}", f"notebooks.strategies.sample_customers={SAMPLE_CUSTOMERS}"]
        with _Memory() as memory:
            cost = run(
                [siyu, "run", book, "--jobs", str(jobs), *(part for one in sets for part in ("--set", one))],
                cwd=project,
            )
    return {**cost.as_dict(), "answer": None, "peak_mb_of_all": round(memory.peak_mb, 1)}


@dataclass
class _Memory:
    """Largest memory of all processes below this one, seen again and again."""

    peak_mb: float = 0.0
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            self.peak_mb = max(self.peak_mb, _resident_mb(os.getpid()))


def _resident_mb(ancestor: int) -> float:
    """Return the memory of all processes below one, in MiB, shared pages by parts; 0 where the system does not tell."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue  # it has ended since

    def is_below(process: int) -> bool:
        while process in parents:
            process = parents[process]
            if process == ancestor:
                return True
        return False

    return sum(_own_kb(process) for process in parents if is_below(process)) / 2**10


def _own_kb(process: int) -> int:
    """Return the resident memory of a process in KiB, of pages that others map too its part."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
