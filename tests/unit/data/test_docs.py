"""The pages about data are current and their examples are valid."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from analysis.data.mapping import DataSource, Demo, Join, TableMapping
from analysis.data.reference import PAGE, tables_page

ROOT = Path(__file__).parents[3]
HOW_TO = (ROOT / "docs" / "how-to" / "data.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", HOW_TO, flags=re.DOTALL)


def test_the_page_of_tables_is_made_from_the_contracts():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == tables_page(), "run: python -m analysis.data.reference"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_valid_data_block(example):
    DataSource.model_validate(YAML(typ="safe", pure=True).load(example)["data"])


@pytest.mark.parametrize("model", [DataSource, TableMapping, Join, Demo])
def test_every_key_is_shown_in_an_example(model):
    shown = "\n".join(EXAMPLES)
    missing = [key for key in model.model_fields if not re.search(rf"\b{key}:", shown)]
    assert missing == []


@pytest.mark.parametrize("book", sorted((ROOT / "params" / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_book_has_a_valid_data_block(book):
    block = YAML(typ="safe", pure=True).load(book.read_text(encoding="utf-8"))["data"]
    assert DataSource.model_validate(block).tables
