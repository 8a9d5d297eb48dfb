"""Fixtures that several rooms of tests share."""

import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.made_once import once

NOW = datetime(2026, 7, 1, 4, tzinfo=UTC)

LoadFiles = Callable[..., Any]
Untranslated = Callable[..., list[str]]
_CHINESE = re.compile("[\u3400-\u9fff]")
_ENGLISH = re.compile(r"[A-Za-z][a-z']+(?:,? [a-z']{2,}){3,}")  # four words in a row: a sentence, not a name
_TOLD_BY = ("aria-label", "title", "alt", "placeholder", "data-s", "data-word-find", "data-word-sort")


@pytest.fixture(scope="session")
def exam_in_full() -> bool:
    """Whether tests marked ``exam`` run in their long form: ``make exam``; elsewhere they are reduced."""
    return os.environ.get("SIYU_EXAM") == "full"


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published folder of one run of every notebook on a small brand, shared by all processes of tests."""
    return Path(once(tmp_path_factory, "small", lambda folder: {"folder": str(_run_small_book(folder))})["folder"])


def _run_small_book(folder: Path) -> Path:
    """Run every notebook there is on 2,000 synthetic customers, in both languages."""
    from analysis.runs.progress import Progress
    from analysis.runs.run import Order, run_book

    root = Path(__file__).parents[1]
    blocks = {"churn": "{horizon_days: 60}", "segments": "{resamples: 10, k_max: 4}", "strategies": "{replicates: 20}"}
    notebooks = (path.stem for path in (root / "notebooks").glob("*.ipynb"))
    names = sorted(notebooks, key=lambda name: (name == "brief", name))
    lines = "".join(f"  {name}: {blocks.get(name, '{}')}\n" for name in names)
    folder.mkdir()
    book = folder / "small.yaml"
    book.write_text(
        "name: small\ndata: {source: demo/beauty, demo: {customers: 2000, seed: 7}}\nlanguage: both\n"
        f"notebooks:\n{lines}",
        encoding="utf-8",
    )
    order = Order(book=book, reports=folder / "reports", cache=folder / ".cache", root=root)
    now = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)
    return run_book(order, now=now, progress=Progress(live=False)).folder


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


@pytest.fixture(scope="session")
def untranslated() -> Untranslated:
    """``untranslated(page, language, names=…)``: texts of a page in the other language, unless marked as such.

    Code and printed output are nobody's sentences; what an element with ``lang`` says is marked as foreign; names
    that come from the data are what they are.
    """
    from bs4 import BeautifulSoup

    def found(page: str, language: str, names: Iterable[str] = ()) -> list[str]:
        known = sorted(names, key=len, reverse=True)

        def own(text: str) -> str:
            for name in known:
                text = text.replace(name, "")
            return text

        made = BeautifulSoup(page, "html.parser")
        for tag in made.select("style, code, pre, script:not([type])"):
            tag.decompose()
        for tag in made.find_all(lang=True):
            if tag.name != "html" and not str(tag["lang"]).startswith(language):
                tag.decompose()
        texts = [str(text) for text in made.find_all(string=True)]
        texts += [str(tag[name]) for tag in made.find_all() for name in _TOLD_BY if tag.has_attr(name)]
        other = _CHINESE if language == "en" else _ENGLISH
        return sorted({text.strip()[:200] for text in texts if other.search(text) and other.search(own(text))})

    return found
