"""A run is what went into it: what changes a number changes its id, what does not, does not."""

import json
import stat
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.page import blocks
from analysis.params import Book
from analysis.runs.manifest import Identity, customer_level, digest_of, file_records, identify, protect

PLAIN = {"name": "weekly", "data": {"source": "demo/beauty"}, "notebooks": {"alpha": {"file": "params/mine.yaml"}}}
DAY = date(2026, 3, 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "params" / "policies").mkdir(parents=True)
    (tmp_path / "params" / "mine.yaml").write_text("a: 1", encoding="utf-8")
    (tmp_path / "params" / "other_book.yaml").write_text("name: x", encoding="utf-8")
    (tmp_path / "params" / "policies" / "caps.yaml").write_text("cap: 30", encoding="utf-8")
    (tmp_path / "alpha.ipynb").write_text("{}", encoding="utf-8")
    return tmp_path


def identity(root: Path, *, day: date = DAY, loaded: str = "d", **changed: object) -> Identity:
    book = Book.model_validate({**PLAIN, **changed})
    return identify(book, as_of=day, data_digest=loaded, notebooks=[root / "alpha.ipynb"], root=root)


@pytest.mark.parametrize(
    "changed",
    [{"seed": 1}, {"language": "en"}, {"min_cell": 5}, {"notebooks": {"alpha": {}}}, {"timezone": "UTC"}],
)
def test_what_changes_a_page_changes_the_id(root, changed):
    assert identity(root, **changed).inputs != identity(root).inputs


@pytest.mark.parametrize(
    "changed",
    [{"jobs": 1}, {"deadline_minutes": 5.0}, {"schedule": "0 7 * * 1"}, {"data": {"source": "/elsewhere/export"}}],
)
def test_where_and_when_a_book_runs_does_not(root, changed):
    assert identity(root, **changed).inputs == identity(root).inputs


def test_the_day_the_data_and_the_predecessor_are_part_of_it(root):
    plain = identity(root)
    assert identity(root, day=date(2026, 3, 2)).inputs != plain.inputs
    assert identity(root, loaded="e").inputs != plain.inputs
    assert len({plain.run_id(None), plain.run_id("0123456789"), plain.run_id("9876543210")}) == 3
    assert len(plain.run_id(None)) == 10


@pytest.mark.parametrize("name", ["params/mine.yaml", "params/policies/caps.yaml", "alpha.ipynb"])
def test_a_file_that_parameters_name_and_a_notebook_are_code(root, name):
    before = identity(root).inputs
    (root / name).write_text("{ }", encoding="utf-8")
    assert identity(root).inputs != before


def test_another_book_is_none_of_this_books_business(root):
    before = identity(root).inputs
    (root / "params" / "other_book.yaml").write_text("name: y", encoding="utf-8")
    assert identity(root).inputs == before


def test_a_digest_does_not_hang_on_the_order_of_keys():
    assert digest_of({"a": 1, "b": {"c": 2, "d": 3}}) == digest_of({"b": {"d": 3, "c": 2}, "a": 1})


def test_what_speaks_of_single_customers_is_marked_and_kept_from_others(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "tables").mkdir()
    pd.DataFrame({"customer_id": ["c1"], "arm": ["a"]}).to_parquet(tmp_path / "state" / "assignments.parquet")
    pd.DataFrame({"tier": ["a"], "n": [20]}).to_parquet(tmp_path / "tables" / "alpha.tiers.parquet")
    protect(tmp_path)
    records = file_records(tmp_path)
    assert records["state/assignments.parquet"]["customer_level"]
    assert not records["tables/alpha.tiers.parquet"]["customer_level"]
    assert stat.S_IMODE((tmp_path / "state" / "assignments.parquet").stat().st_mode) == 0o600


def test_a_notebook_that_printed_for_itself_may_speak_of_anybody(tmp_path):
    path = tmp_path / "alpha.ipynb"
    block = {"output_type": "display_data", "data": {blocks.MIME: {"kind": "end"}}}
    for outputs, marked in (([block], False), ([block, {"output_type": "stream", "text": "c1"}], True)):
        path.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": outputs}]}), encoding="utf-8")
        assert customer_level(path, "notebooks/alpha.ipynb") is marked


@pytest.mark.parametrize(
    ("override", "told"),
    [("data.source=/home/somebody/exports", "data.source=…/exports"), ("notebooks.churn.horizon_days=30",) * 2],
)
def test_the_command_to_reproduce_tells_no_folder_of_the_machine(override, told):
    from analysis.runs.run import _without_folder

    assert _without_folder(override) == told
