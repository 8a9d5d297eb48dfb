"""A bad book is refused before anything runs: a line per mistake, with the place and the remedy."""

import json
from pathlib import Path

import pytest

from analysis.books.read import book_schema, read_book
from analysis.errors import BookError

BOOK = """\
name: weekly
data: {source: demo/beauty}
as_of: 2026-06-30
notebooks:
  churn: {horizon_days: 30}
  tiers:
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    cells = {
        "churn": "horizon_days: int = 60\nactive_days: int | None = None",
        "tiers": "cells: int = 8",
        "brief": "decisions: int = 3",
        "mine": "weeks: int = 4\nlabels: list[str] = []\nwhich: Literal['a', 'b'] = 'a'",
    }
    for name, source in cells.items():
        write_notebook(tmp_path, name, source)
    return tmp_path


def write_notebook(root: Path, name: str, source: str, **about: object) -> None:
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    content = {"cells": [cell], "metadata": {"siyu": {"needs": [], "after": [], **about}}}
    (root / "notebooks").mkdir(exist_ok=True)
    (root / "notebooks" / f"{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")


def read(root: Path, text: str, *overrides: str):
    path = root / "book.yaml"
    path.write_text(text, encoding="utf-8")
    return read_book(path, overrides=overrides)


def mistakes(root: Path, text: str, *overrides: str) -> list[str]:
    with pytest.raises(BookError) as caught:
        read(root, text, *overrides)
    return [line.replace(f"{root}/", "") for line in caught.value.found.splitlines()]


def test_a_book_keeps_its_reading_order_and_writes_out_its_defaults(root):
    found = read(root, BOOK)
    assert list(found.notebooks) == ["churn", "tiers"]
    assert found.book.notebooks["churn"]["horizon_days"] == 30
    assert "active_days" in found.book.notebooks["churn"]
    assert found.book.notebooks["tiers"]["cells"] == 8
    assert found.book.languages == ("zh",)


def test_an_unknown_key_names_its_line_and_the_nearest_known_one(root):
    (line,) = mistakes(root, BOOK + "sede: 3\n")
    assert line.startswith("book.yaml:7: sede: unknown key 'sede', allowed: ")
    assert line.endswith("did you mean 'seed'?")


def test_an_unknown_key_deep_in_the_data_block_is_found_too(root):
    text = BOOK.replace("{source: demo/beauty}", "\n  source: x\n  tables:\n    orders: {fiel: a.csv}")
    (line,) = mistakes(root, text)
    assert line.startswith("book.yaml:5: data.tables.orders.fiel: unknown key")
    assert line.endswith("did you mean 'file'?")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("seed: '7'", "seed: found '7' (text), allowed a whole number"),
        ("seed: 1.5", "seed: found 1.5, allowed"),
        ("min_cell: 0", "min_cell: found 0, allowed greater than or equal to 1"),
        ("language: cn", "language: found 'cn' (text), allowed 'zh', 'en' or 'both'"),
        ("timezone: Asia/Shangai", "timezone: found 'Asia/Shangai' (text), allowed an IANA name"),
        ("jobs: many", "jobs: found 'many' (text), allowed 'auto' or a whole number"),
        ("deadline_minutes: .nan", "deadline_minutes: found NaN, allowed"),
        ("schedule: weekly", "schedule: found 'weekly' (text), allowed a cron expression"),
        ("notify: {audience: ['https://example.org']}", "notify.audience.0: found"),
        ("currency: yuan", "currency: found 'yuan'"),
        ("title: Weekly", "title: found 'Weekly' (text), allowed a block"),
    ],
)
def test_a_wrong_value_says_what_was_found_and_what_is_allowed(root, extra, said):
    (line,) = mistakes(root, BOOK + extra + "\n")
    assert line.startswith(f"book.yaml:7: {said}")


def test_a_date_that_is_none_is_refused(root):
    (line,) = mistakes(root, BOOK.replace("2026-06-30", "2026-06-31"))
    assert line.startswith("book.yaml:3: as_of: found '2026-06-31' (text), allowed 'latest' or")


def test_notebooks_and_parameters_are_checked_against_what_there_is(root):
    lines = mistakes(root, BOOK.replace("horizon_days: 30", "horizn_days: 30, active_days: soon") + "  churns: {}\n")
    assert [line.split(": ")[0] for line in lines] == ["book.yaml:5", "book.yaml:5", "book.yaml:7"]
    assert any("unknown parameter 'horizn_days'" in line and "did you mean 'horizon_days'?" in line for line in lines)
    assert any("notebooks.churn.active_days: found 'soon' (text), allowed a whole number" in line for line in lines)
    assert any("unknown notebook 'churns'" in line and "did you mean 'churn'?" in line for line in lines)


def test_a_missing_key_is_named(root):
    assert mistakes(root, BOOK.replace("name: weekly\n", "")) == ["book.yaml:1: name: is required and not there"]


@pytest.mark.parametrize("name", ["../up", "a b", "", "周报", "-x", "a/b"])
def test_a_name_that_is_no_folder_name_is_refused(root, name):
    (line,) = mistakes(root, BOOK.replace("name: weekly", f"name: '{name}'"))
    assert ": name: found" in line


def test_set_goes_through_the_same_models(root):
    assert read(root, BOOK, "notebooks.churn.horizon_days=45").book.notebooks["churn"]["horizon_days"] == 45
    assert read(root, BOOK, "data.demo.customers=2000").book.data.demo.customers == 2000
    assert mistakes(root, BOOK, "notebooks.churn.horizon_days=soon") == [
        "--set: notebooks.churn.horizon_days: found 'soon' (text), allowed a whole number"
    ]
    assert mistakes(root, BOOK, "sede=1")[0].endswith("did you mean 'seed'?")
    assert "form key.path=value" in mistakes(root, BOOK, "seed")[0]
    assert "nothing stands under it" in mistakes(root, BOOK, "as_of.day=3")[0]


def test_a_notebook_added_at_work_takes_its_parameters_from_its_own_cell(root):
    book = BOOK + "  mine: {weeks: 9, labels: [a, b], which: b}\n"
    assert read(root, book).book.notebooks["mine"] == {"weeks": 9, "labels": ["a", "b"], "which": "b"}
    (line,) = mistakes(root, BOOK + "  mine: {weeks: nine}\n")
    assert line.startswith("book.yaml:7: notebooks.mine.weeks: found 'nine'")


def test_the_schema_knows_every_notebook_and_parameter(root):
    schema = book_schema(root)
    assert "mine" in schema["properties"]["notebooks"]["properties"]
    assert not schema["properties"]["notebooks"]["additionalProperties"]
    assert "horizon_days" in json.dumps(schema["$defs"])


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"- a list", b"", b"just text"])
def test_a_file_that_is_no_book_is_refused(root, content):
    path = root / "book.yaml"
    path.write_bytes(content)
    with pytest.raises(BookError):
        read_book(path)


def test_a_missing_book_names_the_nearest_one(root):
    (root / "weekly.yaml").write_text(BOOK, encoding="utf-8")
    with pytest.raises(BookError) as caught:
        read_book(root / "wekly.yaml")
    assert "weekly.yaml" in caught.value.hint
