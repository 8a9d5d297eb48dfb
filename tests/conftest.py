"""Fixtures that several rooms of tests share."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

NOW = datetime(2026, 7, 1, 4, tzinfo=UTC)

LoadFiles = Callable[..., Any]


@pytest.fixture(scope="session")
def exam_in_full() -> bool:
    """Whether tests marked ``exam`` run in their long form: ``make exam``; elsewhere they are reduced."""
    return os.environ.get("SIYU_EXAM") == "full"


@pytest.fixture
def load_files(tmp_path: Path) -> LoadFiles:
    """Write files into a folder and load them as a book would.

    ``load_files({"orders.csv": "order_id,…"}, orders={"grain": "line"}, pii=[…])``: keywords that name a table are
    its mapping, others belong to the ``data:`` block.
    """
    from analysis.data.contracts import CONTRACTS
    from analysis.data.load import LoadedData, load
    from analysis.data.mapping import DataSource

    def run(
        files: dict[str, str | bytes],
        *,
        timezone: str = "Asia/Shanghai",
        now: datetime = NOW,
        **data: Any,
    ) -> LoadedData:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        tables = {name: mapping for name, mapping in data.items() if name in CONTRACTS}
        rest = {name: value for name, value in data.items() if name not in CONTRACTS}
        source = DataSource.model_validate(
            {"source": str(folder), "max_quarantine_share": 1.0, "tables": tables, **rest}
        )
        return load(source, now=now, timezone=timezone, cache=tmp_path / "cache", base=tmp_path)

    return run
