"""Models of books and notebooks: strict, frozen, and at one with the notebooks themselves."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from analysis.books.catalogue import discover, infer_params
from analysis.books.read import read_book
from analysis.params import NOTEBOOK_PARAMS, Book, ChurnParams

ROOT = Path(__file__).parents[3]
BOOKS = sorted(path for path in ROOT.glob("params/*.yaml") if "\nnotebooks:" in path.read_text(encoding="utf-8"))


def test_a_model_is_strict_and_frozen():
    with pytest.raises(ValidationError):
        ChurnParams.model_validate({"horizon_days": "60"})
    with pytest.raises(ValidationError):
        ChurnParams.model_validate({"horizont_days": 60})
    with pytest.raises(ValidationError):
        ChurnParams().horizon_days = 3


def test_every_parameter_is_described_for_the_schema():
    models: list[type[BaseModel]] = [*NOTEBOOK_PARAMS.values(), Book]
    missing = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert missing == []


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_the_books_that_come_with_the_house_are_good(path):
    known = discover(ROOT / "notebooks")
    if not set(NOTEBOOK_PARAMS) <= set(known):
        pytest.skip("not all notebooks are written yet")
    assert list(read_book(path, root=ROOT).notebooks)[-1] == "brief"


@pytest.mark.parametrize("name", sorted(discover(ROOT / "notebooks")))
def test_a_notebooks_parameters_cell_declares_only_what_its_model_knows(name):
    notebook = discover(ROOT / "notebooks")[name]
    assert notebook.declared <= set(notebook.model.model_fields)


@pytest.mark.parametrize("name", sorted(discover(ROOT / "notebooks")))
def test_a_notebooks_defaults_are_those_of_its_model(name):
    import json

    notebook = discover(ROOT / "notebooks")[name]
    cells = json.loads(notebook.path.read_text(encoding="utf-8"))["cells"]
    source = next("".join(c["source"]) for c in cells if "parameters" in c["metadata"].get("tags", []))
    of_model = notebook.model().model_dump(mode="json")
    assert infer_params(name, source)().model_dump() == {key: of_model[key] for key in notebook.declared}


def test_a_title_in_one_language_serves_both():
    book = Book.model_validate(
        {"name": "x", "data": {"source": "demo/beauty"}, "title": {"zh": "周报"}, "notebooks": {"a": {}}}
    )
    assert book.titles == {"zh": "周报", "en": "周报"}
