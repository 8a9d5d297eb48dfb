"""Run a published run again from its manifest, apart from it, and compare what comes out."""

import json
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from analysis.books.read import ReadBook, find_root, read_book
from analysis.errors import BookError
from analysis.runs.compare import Comparison, compare_runs
from analysis.runs.progress import Progress
from analysis.runs.run import Order, run_read
from analysis.runs.store import PublishedRun, read_run

__all__ = ["Verification", "told", "verify_run"]

_PAGES: Final = (".html", ".pdf")
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of running a run again.

    Attributes:
        comparison: The run beside its repetition: numbers, and what differs in what went in.
        files: Files of the run whose bytes differ in the repetition, or that only one of the two has.
        n_files: How many files were compared.
    """

    comparison: Comparison
    files: tuple[str, ...]
    n_files: int

    @property
    def same(self) -> bool:
        """Whether every byte is the same."""
        return not self.files and self.comparison.same


def verify_run(run: PublishedRun, *, progress: Progress, jobs: int | None = None) -> Verification:
    """Run a run again: the same book, day, clock and predecessor; data, code and versions as they are now.

    Nothing is taken from caches and nothing is published: the repetition is built in a folder of its own and goes.

    Args:
        run: A published run.
        progress: Told how it goes.
        jobs: Notebooks side by side; None: as the book says.

    Raises:
        BookError: If its book no longer reads, or its predecessor is gone.
        DataError: If its data are no longer to be had.
    """
    manifest = run.manifest
    with tempfile.TemporaryDirectory(prefix="siyu-verify-") as work:
        order = Order(
            book=_place(run),
            overrides=tuple(manifest.get("overrides", ())),  # only named again: the book is the resolved one
            reports=Path(work) / "reports",
            cache=Path(work) / "cache",
            jobs=jobs,
            pdf=any(name.endswith(".pdf") for name in manifest["files"]),
            predecessor=_predecessor(run),
        )
        outcome = run_read(_read_again(run, Path(work)), order, now=_started(manifest), progress=progress)
        again = read_run(outcome.folder)
        if again is None:
            raise BookError("The repetition left no run behind.", hint="this is a fault of siyu; please report it")
        files = {name: record["sha256"] for name, record in again.manifest["files"].items()}
        published = {name: record["sha256"] for name, record in manifest["files"].items()}
        differing = sorted(name for name in {*files, *published} if files.get(name) != published.get(name))
        return Verification(compare_runs(run, again), tuple(differing), len(published))


def told(verification: Verification) -> list[str]:
    """Return the verification as lines for a terminal."""
    from analysis.runs.compare import told as compared

    if verification.same:
        return [f"The same: all {verification.n_files:,} files, byte for byte."]
    comparison, files = verification.comparison, verification.files
    lines = [] if comparison.same and not comparison.causes else compared(comparison)[1:]
    if files:
        names = ", ".join(files[:_SHOWN]) + (" …" if len(files) > _SHOWN else "")
        lines.append(f"{len(files):,} of {verification.n_files:,} files differ: {names}")
    if not comparison.causes:
        lines.append("Nothing differs in what went in: this run does not repeat itself; please report it.")
    return lines


def _root(run: PublishedRun) -> Path:
    """Return the project of a run: the one above its reports, else the one above the working folder."""
    return find_root(run.folder)


def _place(run: PublishedRun) -> Path:
    """Return the file of the book as the run named it, from the project folder."""
    return _root(run) / str(run.manifest.get("book_file") or f"params/{run.manifest['book']}.yaml")


def _read_again(run: PublishedRun, work: Path) -> ReadBook:
    """Return the run's own book, its day and every parameter as they were resolved then."""
    manifest = run.manifest
    plain = {**manifest["resolved_book"], "as_of": manifest["as_of"], "notebooks": manifest["parameters"]}
    copy = work / "book.yaml"
    copy.write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")  # JSON is YAML
    return replace(read_book(copy, root=_root(run)), data_base=_place(run).parent)


def _predecessor(run: PublishedRun) -> str:
    named = run.manifest.get("predecessor")
    if named is None:
        return "none"
    folder = run.folder.parent / str(named)
    if not folder.is_dir():
        raise BookError(
            f"The run before, {named}, is gone: what it left cannot be read again.",
            hint="put its folder back beside this run",
        )
    return str(folder)


def _started(manifest: dict[str, Any]) -> datetime:
    """Return the run's own clock, so that the same rows count as lying in the future."""
    return datetime.fromisoformat(manifest["times"]["started_at"])
