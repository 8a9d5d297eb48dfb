"""Where the runs of a book live, which of them are good, and the lock that keeps two from meeting."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from analysis.errors import BookError, PublishError, RunInProgressError

__all__ = ["BUILDING", "LATEST", "PublishedRun", "Store", "published_runs", "read_run"]

BUILDING: Final = ".building-"
LATEST: Final = "latest"
_FOLDER: Final = re.compile(r"(\d{4}-\d{2}-\d{2})-([0-9a-f]{10})")
_NO_PREDECESSOR: Final = "none"


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """One published run.

    Attributes:
        folder: Its folder.
        manifest: Its manifest.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def run_id(self) -> str:
        """Ten hex digits."""
        return str(self.manifest["run_id"])

    @property
    def as_of(self) -> date:
        """The run's day."""
        return date.fromisoformat(self.manifest["as_of"])

    @property
    def good(self) -> bool:
        """Whether every page of it is."""
        return bool(self.manifest["status"] == "good")

    @property
    def inputs(self) -> str:
        """Digest of all that went in, the predecessor aside."""
        return str(self.manifest["digests"]["inputs"])

    @property
    def number(self) -> int:
        """How many runs of the book were published before this one, and itself: no clock can confuse their order.

        Runs of earlier editions have none: 0.
        """
        return int(self.manifest["times"].get("number", 0))

    @property
    def age_key(self) -> tuple[str, int, str]:
        """Orders runs by day, then by which was published first."""
        return self.manifest["as_of"], self.number, self.manifest["times"]["ended_at"]


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of one book's runs.

    Attributes:
        reports: Folder of all books' runs.
        book: Name of the book.
    """

    reports: Path
    book: str

    @property
    def folder(self) -> Path:
        """Folder of the book."""
        return self.reports / self.book

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the book: a second run of it is told to come back; a crash lets go by itself.

        Raises:
            RunInProgressError: If another run of this book is going on.
            PublishError: If the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise PublishError(f"Cannot write to {self.folder}: {error.strerror}.", hint="see --out") from None
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunInProgressError(
                    f"Another run of the book '{self.book}' is going on in {self.folder}.",
                    hint="wait for it to end; nothing was done",
                ) from None
            yield
        finally:
            os.close(handle)

    def runs(self) -> list[PublishedRun]:
        """Return the published runs of this book, oldest first."""
        return _runs_in(self.folder)

    def next_number(self) -> int:
        """Return the number of the run to come; see ``PublishedRun.number``."""
        return max((run.number for run in self.runs()), default=0) + 1

    def latest(self) -> Path | None:
        """Return the folder of the last good run: of the latest day, and of those the last published."""
        good = [run for run in self.runs() if run.good]
        return good[-1].folder if good else None

    def identical(self, *, inputs: str, run_id: str) -> PublishedRun | None:
        """Return a good run that was made of the same and is whole, or None."""
        for run in self.runs():
            if run.good and run.inputs == inputs and run.run_id == run_id and _is_whole(run):
                return run
        return None

    def predecessor(self, *, as_of: date, inputs: str, wanted: str | None = None) -> PublishedRun | None:
        """Return the run whose state is read: the last good one with an earlier or equal day.

        Runs made of the very same inputs do not count: repeating a run does not make it its own predecessor.

        Args:
            as_of: Day of the run to come.
            inputs: Digest of its inputs.
            wanted: A run named by the user (folder, ``<as_of>-<run_id>`` or run id), or "none".

        Raises:
            BookError: If the named run does not exist, is later, or failed.
        """
        if wanted == _NO_PREDECESSOR:
            return None
        if wanted is not None:
            return self._named(wanted, as_of=as_of)
        earlier = [run for run in self.runs() if run.good and run.as_of <= as_of and run.inputs != inputs]
        return earlier[-1] if earlier else None

    def building(self, run_id: str) -> Path:
        """Return a fresh folder beside the published ones; what a killed run left there goes.

        Call it under the lock only.

        Raises:
            PublishError: If it cannot be made.
        """
        try:
            self.clear()
            folder = self.folder / f"{BUILDING}{run_id}"
            folder.mkdir()
            for name, mode in (("notebooks", 0o755), ("tables", 0o755), ("state", 0o755), ("private", 0o700)):
                (folder / name).mkdir(mode=mode)
        except OSError as error:
            raise PublishError(f"Cannot build the run in {self.folder}: {error.strerror}.") from None
        return folder

    def clear(self) -> None:
        """Remove what a killed run left; call it under the lock only.

        Raises:
            OSError: If it cannot be removed.
        """
        for left in self.folder.glob(f"{BUILDING}*"):
            shutil.rmtree(left)
        for left in self.folder.glob(f".{LATEST}.*"):
            left.unlink()

    def _named(self, wanted: str, *, as_of: date) -> PublishedRun:
        runs = [run for run in self.runs() if wanted in {run.run_id, run.folder.name, str(run.folder)}]
        if not runs and Path(wanted).is_dir():
            run = read_run(Path(wanted).resolve())
            runs = [run] if run is not None else []
        if not runs:
            raise BookError(
                f"--predecessor {wanted}: no such run of the book '{self.book}'.",
                hint=f"name a folder in {self.folder}, or none",
            )
        run = runs[-1]
        if not run.good or run.as_of > as_of:
            why = "it failed" if not run.good else f"its day {run.as_of} is after {as_of}"
            raise BookError(f"--predecessor {wanted}: this run cannot come before: {why}.")
        return run


def published_runs(reports: Path) -> list[PublishedRun]:
    """Return the published runs of all books, oldest first: those of a book in the order they were published."""
    folders = [folder for folder in sorted(reports.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
    dated: list[tuple[str, PublishedRun]] = []
    for folder in folders:
        ended = ""
        for run in sorted(_runs_in(folder), key=lambda run: (run.number, run.manifest["times"]["ended_at"])):
            ended = max(ended, run.manifest["times"]["ended_at"])
            dated.append((ended, run))
    return [run for _, run in sorted(dated, key=lambda one: one[0])]


def _runs_in(folder: Path) -> list[PublishedRun]:
    if not folder.is_dir():
        return []
    found = [read_run(place) for place in folder.iterdir() if _FOLDER.fullmatch(place.name) and not place.is_symlink()]
    return sorted((run for run in found if run is not None), key=lambda run: run.age_key)


def read_run(folder: Path) -> PublishedRun | None:
    """Return the run published in a folder; None if there is none, or a damaged one."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        run = PublishedRun(folder, manifest)
        _ = (run.run_id, run.as_of, run.good, run.inputs, run.age_key)
        if not isinstance(manifest["times"]["ended_at"], str):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None  # not a run of ours, or damaged by hand: it is never taken for one
    return run


def _is_whole(run: PublishedRun) -> bool:
    return all((run.folder / name).is_file() for name in run.manifest.get("files", {}))
