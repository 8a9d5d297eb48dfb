"""The list of all runs of all books, newest first: one page, made from the manifests."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from analysis.errors import SiyuError
from analysis.reporting.page_info import RunEntry
from analysis.runs.pages import leading_page
from analysis.runs.store import PublishedRun, Store, published_runs
from analysis.whole_files import clear_left, write_atomic

__all__ = ["write_index"]


def write_index(reports: Path) -> None:
    """Write ``index.html`` of all runs, whole or not at all, unless it says all that already.

    Args:
        reports: Folder of all books' runs.
    """
    from analysis.reporting.render import render_runs_index

    with _one_at_a_time(reports):
        runs = published_runs(reports)
        latest = {store.latest() for store in {Store(reports, run.folder.parent.name) for run in runs}}
        entries = [entry for run in runs if (entry := _readable(run, latest=run.folder in latest)) is not None]
        languages = [_language(run) for run in runs]
        made = render_runs_index(entries, language="en" if languages and languages[-1] == "en" else "zh")
        index = reports / "index.html"
        clear_left(reports, f".{index.name}.*")
        if not (index.is_file() and index.read_text(encoding="utf-8") == made):
            write_atomic(index, made)


def _language(run: PublishedRun) -> str:
    with suppress(KeyError, TypeError):
        return str(run.manifest["resolved_book"]["language"])
    return "zh"


def _readable(run: PublishedRun, *, latest: bool) -> RunEntry | None:
    """Return a run's entry; None if it cannot be shown: one damaged run takes no other one out of the list."""
    from analysis.reporting.render import render_runs_index

    with suppress(KeyError, TypeError, ValueError, AttributeError, IndexError, SiyuError):
        entry = _entry(run, latest=latest)
        render_runs_index([entry], language="zh")
        render_runs_index([entry], language="en")
        return entry
    return None


@contextmanager
def _one_at_a_time(reports: Path) -> Iterator[None]:
    handle = os.open(reports / ".index.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _entry(run: PublishedRun, *, latest: bool) -> RunEntry:
    manifest, notebooks = run.manifest, run.manifest["notebooks"]
    said = _blocks(run.folder / "results" / f"{leading_page(notebooks)}.json")
    return RunEntry(
        book=str(manifest["book"]),
        title=manifest["title"],
        as_of=run.as_of,
        run_id=run.run_id,
        link=f"{run.folder.parent.name}/{run.folder.name}/index.html",
        failed=tuple(name for name, entry in notebooks.items() if entry["status"] != "good"),
        latest=latest,
        number=run.number,
        ended=manifest["times"]["ended_at"][:16].replace("T", " "),
        answer=_first_answer(said),
        tiles=tuple(block for block in said if block.get("kind") == "tile"),
        currency=manifest["resolved_book"]["currency"],
        min_cell=manifest["resolved_book"]["min_cell"],
    )


def _blocks(path: Path) -> list[dict[str, Any]]:
    """Return what the leading page said; nothing if it failed or is of an earlier edition."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return [block for block in json.loads(path.read_text(encoding="utf-8"))["blocks"] if isinstance(block, dict)]
    return []


def _first_answer(said: list[dict[str, Any]]) -> Mapping[str, Any] | None:
    """The leading page's decision, else its answer."""
    ranked = sorted(
        (block for block in said if block.get("kind") in {"decision", "answer"}), key=lambda b: b["kind"] == "answer"
    )
    return ranked[0] if ranked else None
