"""Notebooks are discovered from what their files state; nothing of them is executed."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from analysis.books.catalogue import discover, infer_params, running_order
from analysis.errors import BookError


def write(
    folder: Path, name: str, source: str, *, tags: tuple[str, ...] = ("parameters",), about: object = None
) -> None:
    cell = {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source.splitlines(keepends=True)}
    metadata = {} if about is False else {"siyu": about or {"needs": ["orders"], "after": []}}
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": [cell], "metadata": metadata}), encoding="utf-8")


def test_only_notebooks_with_a_parameters_cell_and_metadata_belong(tmp_path):
    write(tmp_path, "mine", "weeks: int = 4")
    write(tmp_path, "scratch", "weeks: int = 4", tags=())
    write(tmp_path, "plain", "weeks: int = 4", about=False)
    write(tmp_path, "mine-copy", "weeks: int = 4")
    assert list(discover(tmp_path)) == ["mine"]


def test_a_house_notebook_takes_its_model_from_params(tmp_path):
    write(tmp_path, "churn", "horizon_days: int = 60")
    found = discover(tmp_path)["churn"]
    assert found.model.__name__ == "ChurnParams"
    assert found.declared == {"horizon_days"}
    assert found.needs == ("orders",)


def test_the_parameters_cell_is_read_never_run(tmp_path):
    write(tmp_path, "sly", f"weeks: int = __import__('pathlib').Path('{tmp_path}/hacked').touch()")
    with pytest.raises(BookError, match="parameters cell"):
        discover(tmp_path)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    "source", ["import os", "a, b = 1, 2", "x: int", "_x: int = 1", "print(1)", "x = None", "x: date = 1", "x:"]
)
def test_a_parameters_cell_with_more_than_annotated_literals_is_refused(source):
    with pytest.raises(BookError, match="parameters cell"):
        infer_params("mine", source)


def test_an_inferred_model_is_as_strict_as_a_written_one():
    model = infer_params("mine", "weeks: int = 4\nlabel: str | None = None\nshares: dict[str, float] = {}\nodd = 3")
    assert model().model_dump() == {"weeks": 4, "label": None, "shares": {}, "odd": 3}
    for wrong in ({"weeks": "4"}, {"unknown": 1}, {"shares": {"a": "b"}}, {"odd": "x"}):
        with pytest.raises(ValidationError):
            model(**wrong)


def test_the_brief_waits_for_all_and_others_for_whom_they_name(tmp_path):
    write(tmp_path, "brief", "n: int = 1")
    write(tmp_path, "late", "n: int = 1", about={"after": ["early", "not_in_the_book"]})
    write(tmp_path, "early", "n: int = 1")
    order = running_order(["brief", "late", "early"], discover(tmp_path))
    assert list(order) == ["early", "late", "brief"]
    assert order["late"] == ("early",)
    assert set(order["brief"]) == {"late", "early"}


def test_a_circle_is_refused(tmp_path):
    write(tmp_path, "one", "n: int = 1", about={"after": ["two"]})
    write(tmp_path, "two", "n: int = 1", about={"after": ["one"]})
    with pytest.raises(BookError, match="circle: one, two"):
        running_order(["one", "two"], discover(tmp_path))
