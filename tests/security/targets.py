"""What is fuzzed: each target reads what it is given or raises an error of the house; anything else is a fault.

``Outcome`` says which of the two it was, so that a test can see that both happen.
"""

import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from analysis.books.read import read_book
from analysis.data.load import load
from analysis.data.mapping import DataSource
from analysis.data.presets import find_preset
from analysis.data.text_files import read_text_file
from analysis.data.workbooks import read_workbook
from analysis.dated_files import DatedModel, read_dated
from analysis.errors import SiyuError
from analysis.runs.compare import compare_runs, find_run, told
from analysis.runs.compare_page import write_page
from analysis.runs.index import write_index
from analysis.yaml12 import parse, parse_value

Outcome = Literal["read", "refused"]
NOW: Final = datetime(2026, 7, 1, 4, tzinfo=UTC)
NOTEBOOK: Final = {
    "cells": [
        {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "execution_count": None, "outputs": [],
         "source": 'days: int = 3\nname: str = "x"\nmany: list[str] = []\nshare: float | None = None'},
    ],
    "metadata": {"siyu": {"needs": [], "after": []}}, "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip


def read(what: Callable[[], Any]) -> Outcome:
    """Return what became of it: read, or refused in words; any other exception goes on."""
    try:
        what()
    except SiyuError as error:
        if not error.found.strip():
            raise AssertionError("refused without a word") from error
        return "refused"
    return "read"


def yaml_text(text: str) -> Outcome:
    """A YAML document, and the same as the value of ``--set``."""

    def both() -> None:
        json.dumps(parse(text, name="x").value)
        parse_value(text, name="--set x")

    return read(both)


def book(content: bytes, *overrides: str) -> Outcome:
    """A book on a project with one notebook."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "notebooks").mkdir()
        (root / "notebooks" / "mine.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
        path = root / "book.yaml"
        path.write_bytes(content)
        return read(lambda: read_book(path, overrides=overrides, root=root))


def dated_file(content: bytes, model: type[DatedModel]) -> Outcome:
    """A file of parameters: strategies, channels, messages."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "file.yaml"
        path.write_bytes(content)
        return read(lambda: read_dated(path, model=model))


def preset(content: bytes) -> Outcome:
    """A column preset beside a book."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "presets" / "mine.yaml"
        path.parent.mkdir()
        path.write_bytes(content)
        return read(lambda: find_preset("mine", base=Path(name)))


def text_file(content: bytes, *, encoding: str | None = None, skip_rows: int = 0) -> Outcome:
    """A text file read for a table; what is read is one Parquet row or one ragged line each."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as name:
        path, target = Path(name) / "x.csv", Path(name) / "x.parquet"
        path.write_bytes(content)

        def it() -> None:
            rows = read_text_file(path, name="orders", target=target, encoding=encoding, skip_rows=skip_rows)
            assert pq.read_metadata(target).num_rows == rows.n_rows
            assert len(set(rows.headers)) == len(rows.headers)

        return read(it)


def workbook(content: bytes) -> Outcome:
    """An XLSX file."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "x.xlsx"
        path.write_bytes(content)
        return read(lambda: read_workbook(path, name="orders", target=Path(name) / "x.parquet"))


def source(files: dict[str, bytes], *, rows: int | None = None, **tables: Any) -> Outcome:
    """A folder loaded as a book's data; ``rows`` of orders must be accounted for, each once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        data = {"source": str(folder), "max_quarantine_share": 1.0, "tables": tables}

        def it() -> None:
            mapping = DataSource.model_validate(data)
            loaded = load(mapping, now=NOW, timezone="Asia/Shanghai", cache=Path(name) / "cache", base=Path(name))
            orders = next(account for account in loaded.tables if account.name == "orders")
            found = orders.used + orders.duplicates + orders.anonymous + orders.n_quarantined
            assert found == orders.rows_in
            assert rows is None or rows == orders.rows_in, (rows, orders)

        return read(it)


def earlier_run(manifest: Any, results: Any, said: Any) -> Outcome:
    """A run of before, as compare, its page and the list of all runs read it."""
    with tempfile.TemporaryDirectory() as name:
        reports = Path(name)
        for run_id, kept in (("0123456789", manifest), ("abcdef0123", SOUND)):
            folder = reports / "weekly" / f"2026-06-30-{run_id}"
            (folder / "results").mkdir(parents=True)
            (folder / "manifest.json").write_text(json.dumps(kept), encoding="utf-8")
            (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
            for notebook in ("brief", "churn"):
                (folder / "results" / f"{notebook}.json").write_text(json.dumps(said), encoding="utf-8")
        write_index(reports)  # whatever lies there: the list is written

        def compared() -> None:
            sound = find_run("abcdef0123", reports=reports)
            other = find_run("0123456789", reports=reports)
            for comparison in (compare_runs(sound, other), compare_runs(other, sound)):
                told(comparison)
                write_page(comparison)

        return read(compared)


SOUND: Final[dict[str, Any]] = {
    "schema": 1, "run_id": "abcdef0123", "status": "good", "book": "weekly", "book_file": "params/weekly.yaml",
    "overrides": [], "title": {"zh": "周报", "en": "weekly"}, "as_of": "2026-06-30", "predecessor": None, "seed": 1,
    "parameters": {"churn": {"horizon_days": 60}, "brief": {}},
    "resolved_book": {"name": "weekly", "language": "zh", "currency": "CNY", "min_cell": 10, "as_of": "latest",
                      "seed": 1, "timezone": "Asia/Shanghai", "industry": None, "data": {"source": "demo/beauty"}},
    "digests": {"inputs": "a", "book": "b", "data": "c", "code": "d", "package": "e", "files": {"x.ipynb": "f"},
                "sources": {"orders": "g"}},
    "versions": {"python": "3.11"},
    "notebooks": {"churn": {"status": "good"}, "brief": {"status": "good"}},
    "rows": [], "notices": [], "files": {"index.html": {"sha256": "0", "bytes": 1, "customer_level": False}},
    "times": {"started_at": "2026-07-01T00:00:00+00:00", "ended_at": "2026-07-01T00:01:00.000+00:00",
              "notebook_seconds": {"churn": 1.0}},
}  # fmt: skip
RESULTS: Final[dict[str, Any]] = {
    "churn": {"n": {"value": 30.0, "unit": "customers", "ci_lower": None, "ci_upper": None, "confidence_level": None,
                    "grade": None, "n": 1}, "model": {"value": "bg_nbd", "unit": "name"}},
    "brief": {},
}  # fmt: skip
SAID: Final[dict[str, Any]] = {
    "results": {}, "rests_on": {"tables": "x", "churn_params": "y", "of value": ""},
    "blocks": [
        {"schema": 1, "kind": "answer", "text": {"zh": "有 {n}", "en": "There are {n}"}, "detail": None,
         "values": {"n": {"value": 30.0, "unit": "customers", "ci_lower": None, "ci_upper": None,
                          "confidence_level": None, "grade": None, "n": 1}}},
        {"schema": 1, "kind": "tile", "name": "n", "label": {"zh": "人数", "en": "Customers"}, "change": None,
         "value": {"value": 30.0, "unit": "customers", "ci_lower": None, "ci_upper": None, "confidence_level": None,
                   "grade": None, "n": 1}, "history": [1.0, None, 2.0], "note": None},
    ],
}  # fmt: skip
