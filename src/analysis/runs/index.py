"""The list of all runs of all books, newest first: one page, made from the manifests."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from analysis.reporting.page_info import RunEntry
from analysis.runs.pages import leading_page
from analysis.runs.store import PublishedRun, Store, published_runs
from analysis.whole_files import write_atomic

__all__ = ["write_index"]


def write_index(reports: Path) -> None:
    """Write ``index.html`` of all runs, whole or not at all.

    Args:
        reports: Folder of all books' runs.
    """
    from analysis.reporting.render import render_runs_index

    with _one_at_a_time(reports):
        runs = published_runs(reports)
        latest = {store.latest() for store in {Store(reports, run.folder.parent.name) for run in runs}}
        language = runs[-1].manifest["resolved_book"]["language"] if runs else "zh"
        entries = [_entry(run, latest=run.folder in latest) for run in runs]
        write_atomic(
            reports / "index.html", render_runs_index(entries, language="zh" if language == "both" else language)
        )


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
        book=manifest["book"],
        title=manifest["title"],
        as_of=run.as_of,
        run_id=run.run_id,
        link=f"{run.folder.parent.name}/{run.folder.name}/index.html",
        failed=tuple(name for name, entry in notebooks.items() if entry["status"] != "good"),
        latest=latest,
        ended=manifest["times"]["ended_at"][:16].replace("T", " "),
        answer=_first_answer(said),
        tiles=tuple(block for block in said if block.get("kind") == "tile"),
        currency=manifest["resolved_book"]["currency"],
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
