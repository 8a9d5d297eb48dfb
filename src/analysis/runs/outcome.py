"""From what notebooks left to what a run publishes: one results file, nothing of a failed notebook but its page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.reporting.execute import Execution, Failure
from analysis.runs.manifest import customer_level
from analysis.whole_files import write_atomic

__all__ = ["merged_results", "settle", "write_json"]


def settle(execution: Execution, *, out: Path) -> Execution:
    """Check what a notebook left; what a failed one left goes, so that nobody acts on half a list.

    Args:
        execution: The notebook as executed.
        out: Folder of the run.
    """
    failure = execution.failure or _leak(execution.name, out)
    if failure is not None:
        for folder in ("tables", "private", "results"):
            for path in (out / folder).glob(f"{execution.name}.*"):
                path.unlink()
    return Execution(execution.name, execution.notebook, failure, execution.seconds)


def merged_results(names: Mapping[str, Any], *, out: Path) -> dict[str, dict[str, Any]]:
    """Return the numbers of all notebooks, in reading order; a failed one has none."""
    merged: dict[str, dict[str, Any]] = {}
    for name in names:
        path = out / "results" / f"{name}.json"
        merged[name] = json.loads(path.read_text(encoding="utf-8"))["results"] if path.is_file() else {}
    return merged


def write_json(path: Path, value: Any) -> None:
    """Write plain values as JSON, whole or not at all; a number that is none is an error."""
    write_atomic(path, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _leak(name: str, out: Path) -> Failure | None:
    for path in sorted((out / "tables").glob(f"{name}.*")):
        if customer_level(path, f"tables/{path.name}"):
            return Failure(
                "CustomerLevelTable",
                f"The shareable table '{path.stem}' holds single customers.",
                "keep it with wb.private(name, table)",
            )
    return None
