"""A failed notebook's error shows the row it failed on: neither its page nor the manifest does."""

import json
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from analysis.runs.notify import failure_message
from analysis.runs.outcome import without_ids
from analysis.runs.progress import Progress
from analysis.runs.run import Order, run_book
from analysis.runs.store import read_run

CUSTOMERS = [
    "13800138000",
    "11010519491231002X",
    "王小明",
    "wang.xm@example.com",
    "wmJ8x_OQAAxyz",
    "上海市徐汇区漕溪路1号",
]
CODE = """from analysis.workbench import Workbench
wb = Workbench.open("{name}")
wb.question(zh="问题？", en="A question?")
"""
FAILING = """import pandas as pd
orders = pd.read_parquet(wb.context.data / "orders.parquet")
raise ValueError("cannot use " + " | ".join(orders["customer_id"].unique()) + " and " + orders["order_id"].iloc[0])"""
PRINTING = """print("c-of-nobody")
wb.answer(zh="好", en="Good")
wb.finish()"""


def write_project(root: Path) -> Path:
    """A book of two notebooks, one that fails and one that prints, on orders whose customers are people."""
    (root / "notebooks").mkdir(parents=True)
    for name, code in (("failing", FAILING), ("printing", PRINTING)):
        cells: list[dict[str, object]] = [
            {"cell_type": "code", "id": f"c{i}", "metadata": {"tags": ["parameters"]} if i == 0 else {},
             "source": text, "outputs": [], "execution_count": None}
            for i, text in enumerate(["days: int = 3", CODE.replace("{name}", name), code])
        ]  # fmt: skip
        about = {"needs": [], "after": [], "title": {"zh": name, "en": name}}
        made = {"cells": cells, "metadata": {"siyu": about}, "nbformat": 4, "nbformat_minor": 5}
        (root / "notebooks" / f"{name}.ipynb").write_text(json.dumps(made), encoding="utf-8")
    (root / "data").mkdir()
    end = date(2026, 3, 1)
    lines = [f"o-{n:05d},{CUSTOMERS[n % len(CUSTOMERS)]},{end - timedelta(days=n)},{10 + n}" for n in range(60)]
    content = "\n".join(["order_id,customer_id,ordered_at,amount", *lines]) + "\n"
    (root / "data" / "orders.csv").write_text(content, encoding="utf-8")
    book = root / "book.yaml"
    book.write_text(
        "name: people\ndata: {source: data}\nlanguage: both\nnotebooks: {printing: {}, failing: {}}\n", encoding="utf-8"
    )
    return book


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("people")
    order = Order(book=write_project(root), reports=root / "reports", cache=root / ".cache", root=root, jobs=1)
    return run_book(order, now=datetime(2026, 3, 2, 4, tzinfo=UTC), progress=Progress(live=False)).folder


def test_no_customer_of_an_error_is_in_a_shareable_byte(failed: Path) -> None:
    manifest = json.loads((failed / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["notebooks"]["failing"]["status"] == "failed"
    assert "cannot use <id>" in manifest["notebooks"]["failing"]["message"]
    shareable = [name for name, entry in manifest["files"].items() if not entry["customer_level"]]
    assert {"failing.zh.html", "failing.en.html", "results.json"} <= set(shareable)
    for name in [*shareable, "manifest.json"]:
        content = (failed / name).read_bytes()
        assert not [person for person in [*CUSTOMERS, "o-00000"] if person.encode() in content], name
    index = (failed.parent.parent / "index.html").read_text(encoding="utf-8")
    run = read_run(failed)
    assert run is not None
    assert not [person for person in CUSTOMERS if person in index + failure_message(run).body]


def test_the_traceback_is_for_its_owner_alone(failed: Path) -> None:
    manifest = json.loads((failed / "manifest.json").read_text(encoding="utf-8"))
    path = failed / "notebooks" / "failing.ipynb"
    assert CUSTOMERS[2] in path.read_text(encoding="utf-8")  # the analyst sees what happened
    assert manifest["files"]["notebooks/failing.ipynb"]["customer_level"] is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_page_of_a_notebook_that_prints_is_marked_as_its_notebook_is(failed: Path) -> None:
    files = json.loads((failed / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert "c-of-nobody" in (failed / "printing.zh.html").read_text(encoding="utf-8")
    assert files["printing.zh.html"]["customer_level"] is files["index.html"]["customer_level"] is True
    assert files["failing.zh.html"]["customer_level"] is False


def test_words_and_numbers_that_are_no_ids_stay(failed: Path) -> None:
    data = next((failed.parents[2] / ".cache" / "data").glob("*/accounting.json")).parent
    assert without_ids("row 12 of 王小明明: 13800138000x", data=data) == "row 12 of 王小明明: 13800138000x"
    assert without_ids("('王小明', 13800138000)", data=data) == "('<id>', <id>)"
    assert without_ids("cut\ud800 \0 1101051949123…", data=data) == "cut\ufffd \ufffd …"
