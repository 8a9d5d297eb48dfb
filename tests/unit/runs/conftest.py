"""A small project of our own: two hundred orders, notebooks of three lines, everything in a second or two."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from analysis.runs.progress import Progress
from analysis.runs.run import Order, Outcome, run_book

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HEAD = """from analysis.evidence import Estimate
from analysis.workbench import Workbench
wb = Workbench.open("{name}")
wb.question(zh="问题？", en="A question?")
"""
GOOD = """wb.answer(zh="有 {n} 位客户。", en="There are {n} customers.", values={"n": Estimate(300, "customers")})
wb.results({"n_customers": Estimate(300, "customers")})"""


@dataclass
class Project:
    """A folder with notebooks, a book and data."""

    root: Path

    def notebook(self, name: str, *cells: str, after: list[str] | None = None, finish: bool = True) -> None:
        """Write a notebook whose cells follow the opening of the workbench."""
        parameters = "decisions: int = 3" if name == "brief" else "horizon: int = 60"
        sources = [parameters, HEAD.replace("{name}", name), *cells, *(["wb.finish()"] if finish else [])]
        made: list[dict[str, object]] = [
            {
                "cell_type": "code",
                "id": f"c{place}",
                "metadata": {"tags": ["parameters"]} if place == 0 else {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for place, source in enumerate(sources)
        ]
        about = {"needs": [], "after": after or [], "title": {"zh": f"{name} 页", "en": f"page of {name}"}}
        content = {"cells": made, "metadata": {"siyu": about}, "nbformat": 4, "nbformat_minor": 5}
        path = self.root / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")

    def book(self, *notebooks: str, name: str = "weekly", extra: str = "") -> Path:
        """Write a book of these notebooks."""
        path = self.root / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = "".join(f"  {notebook}: {{}}\n" for notebook in notebooks)
        path.write_text(f"name: {name}\ndata: {{source: ../data}}\n{extra}notebooks:\n{blocks}", encoding="utf-8")
        return path

    def orders(self, *, days: int = 200, end: date = date(2026, 3, 1)) -> None:
        """Write one order a day."""
        lines = ["order_id,customer_id,ordered_at,amount"]
        lines += [f"o{n},c{n % 30},{end - timedelta(days=days - 1 - n)} 10:00:00,{10 + n % 7}.5" for n in range(days)]
        (self.root / "data").mkdir(parents=True, exist_ok=True)
        (self.root / "data" / "orders.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(
        self,
        book: Path,
        *overrides: str,
        jobs: int = 2,
        predecessor: str | None = None,
        pdf: bool = False,
        now: datetime = NOW,
    ) -> Outcome:
        """Run a book as the command line does."""
        order = Order(
            book=book,
            overrides=overrides,
            reports=self.root / "reports",
            cache=self.root / ".cache",
            jobs=jobs,
            predecessor=predecessor,
            pdf=pdf,
        )
        return run_book(order, now=now, progress=Progress(live=False))


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file below a folder with its time and content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def make_project(root: Path) -> Project:
    project = Project(root)
    project.orders()
    project.notebook("alpha", GOOD)
    project.notebook("brief", GOOD)
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project")


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("shared") / "project")


@pytest.fixture
def tree() -> Callable[[Path], dict[str, tuple[int, bytes]]]:
    return snapshot


@pytest.fixture
def build_project() -> Callable[[Path], Project]:
    return make_project
