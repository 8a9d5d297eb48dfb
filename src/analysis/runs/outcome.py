"""From what notebooks left to what a run publishes: one results file, nothing of a failed notebook but its page."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.plain_text import visible
from analysis.reporting.execute import Execution, Failure
from analysis.runs.manifest import customer_level
from analysis.whole_files import write_atomic

__all__ = ["merged_results", "settle", "without_ids", "write_json"]


def settle(execution: Execution, *, out: Path, data: Path | None = None) -> Execution:
    """Check what a notebook left; what a failed one left goes, so that nobody acts on half a list.

    Args:
        execution: The notebook as executed.
        out: Folder of the run.
        data: Folder of the loaded tables: an error names no customer of theirs on the page or in the manifest.
    """
    failure = execution.failure or _leak(execution.name, out)
    if failure is not None and data is not None:
        failure = replace(failure, message=without_ids(failure.message, data=data))
    if failure is not None:
        for folder in ("tables", "private", "results"):
            for path in (out / folder).glob(f"{execution.name}.*"):
                path.unlink()
    return Execution(execution.name, execution.notebook, failure, execution.seconds)


def without_ids(text: str, *, data: Path) -> str:
    """Return a text in which no id of a customer, contact or order of the loaded tables stands.

    An exception may show the row it failed on; what it shows is read by everybody who opens the failed page.

    Args:
        text: What a notebook's error says.
        data: Folder of the loaded tables.
    """
    from analysis.data.contracts import CONTRACTS
    from analysis.data.engine import open_engine
    from analysis.data.quoting import literal, parquet, quoted

    text = re.sub(r"\S{0,80}…$", "…", visible(text))  # half an id at the end of a cut message is one too
    found: set[str] = set()
    with open_engine() as connection:
        for name, table in CONTRACTS.items():
            path = data / f"{name}.parquet"
            there = set(_names(path)) if path.is_file() else set()
            for column in (column.name for column in table.columns if column.kind == "id" and column.name in there):
                standing = connection.sql(f"FROM {parquet(path)}").filter(
                    f"contains({literal(text)}, {quoted(column)})"
                )
                found |= {str(row[0]) for row in standing.unique(quoted(column)).fetchall() if row[0]}
    for known in sorted(found, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", "<id>", text)
    return text


def _names(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    names: list[str] = pq.read_schema(path).names
    return names


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
