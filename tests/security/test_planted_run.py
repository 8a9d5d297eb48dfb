"""Notebooks of the house on a brand of real-looking people and hostile names: who reads what, and what acts."""

import html
import json
import math
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analysis.fields import FIELDS
from analysis.numerals import UNITS
from tests.security.conftest import PlantedRun
from tests.security.judge import faults_of_page
from tests.security.planted_brand import HOSTILE, MARKS, SECRETS, person

pytestmark = pytest.mark.exam

# Columns counted in people that are no groups of them: means over simulated futures, a setting of a model.
NO_GROUPS = {"refusals", "expected_leavers", "expected_buyers", "ridge"}


def shareable(folder: Path) -> list[Path]:
    """The files of a run that speak of no single customer by its own account; the manifest tells of itself nothing."""
    files = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    return [*(folder / name for name, one in files.items() if not one["customer_level"]), folder / "manifest.json"]


def said_in(path: Path) -> str:
    """Everything a file says: JSON and markup unescaped, Parquet with schema, metadata and statistics."""
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        return f"{file.schema_arrow.metadata} {file.metadata.metadata} {file.schema} {file.read().to_pydict()}"
    content = path.read_bytes().decode("utf-8", "replace")
    plain = html.unescape(content)
    if path.suffix in {".json", ".ipynb"}:
        plain += json.dumps(json.loads(content), ensure_ascii=False)
    return plain


def test_the_run_is_good_although_its_brand_is_hostile(planted_run: PlantedRun) -> None:
    assert planted_run.seen["failed"] == []
    assert {entry["status"] for entry in planted_run.manifest["notebooks"].values()} == {"good"}


def test_no_person_and_no_secret_is_in_a_shareable_byte(planted_run: PlantedRun) -> None:
    paths = [*shareable(planted_run.folder), planted_run.folder.parent.parent / "index.html"]
    assert len(paths) > 40
    found = {(path.name, mark) for path in paths for mark in MARKS if mark in said_in(path)}
    assert found == set()
    raw = {(path.name, mark) for path in paths for mark in MARKS if mark.encode() in path.read_bytes()}
    assert raw == set()
    assert not [line for line in planted_run.seen["said"] if any(mark in line for mark in MARKS)]


def test_the_people_are_there_for_those_who_act_and_secrets_nowhere(planted_run: PlantedRun) -> None:
    private = [path for path in (planted_run.folder / "private").rglob("*") if path.is_file()]
    told = "".join(said_in(path) for path in private if path.suffix in {".csv", ".parquet"})
    assert all(mark in told for mark in MARKS[:5])  # else the search above could find nothing
    assert person(0) in told
    assert not [secret for secret in SECRETS.values() if secret in told]
    assert not [
        path for path in planted_run.folder.rglob("*") if path.is_file() and b"SECRETADDRESS" in path.read_bytes()
    ]


def test_what_speaks_of_single_customers_is_closed_to_others(planted_run: PlantedRun) -> None:
    files = planted_run.manifest["files"]
    closed = [name for name, one in files.items() if one["customer_level"]]
    assert [name for name in closed if not name.startswith(("private/", "state/"))] == []
    assert {stat.S_IMODE((planted_run.folder / name).stat().st_mode) for name in closed} == {0o600}
    folders = [path for path in (planted_run.folder / "private").rglob("*") if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in [planted_run.folder / "private", *folders]} == {0o700}


def test_pages_on_hostile_names_act_on_nothing(planted_run: PlantedRun) -> None:
    pages = [*planted_run.folder.glob("*.html"), planted_run.folder.parent.parent / "index.html"]
    for path in pages:
        page = path.read_text(encoding="utf-8")
        assert faults_of_page(page) == [], path.name
    said = "".join(html.unescape(path.read_text(encoding="utf-8")) for path in pages)
    assert len([text for text in HOSTILE if text in said]) > 6  # they do stand on the pages, as text


def test_nothing_is_written_outside_of_reports_and_cache(planted_run: PlantedRun) -> None:
    assert planted_run.seen["same"] is True
    assert planted_run.seen["top"] == [".cache", "data", "planted.yaml", "reports"]
    assert not [
        path
        for path in planted_run.root.rglob("*")
        if path.name == "HIT" or (path.is_symlink() and path.name != "latest")
    ]
    assert not Path("HIT").exists()


def test_kernels_open_no_port_and_only_private_sockets(planted_run: PlantedRun) -> None:
    assert planted_run.seen["listened"] == []
    assert len(planted_run.seen["sockets"]) >= 5  # those of a kernel: the watch did see them
    assert {name: state for name, state in planted_run.seen["sockets"].items() if state != "closed"} == {}


def counted(folder: Path) -> Iterator[tuple[str, str, list[float]]]:
    """Every shareable column that counts people: table, column, its values."""
    for path in sorted((folder / "tables").glob("*.parquet")):
        table = pq.read_table(path)
        for name in table.column_names:
            unit = UNITS.get(FIELDS[name].unit) if name in FIELDS else None
            if unit is not None and unit.people and name not in NO_GROUPS:
                yield path.stem, name, [value for value in table[name].to_pylist() if value is not None]


def few_in_blocks(folder: Path, min_cell: int) -> Iterator[tuple[str, str, Any]]:
    """Every counted group of fewer people than may be shown, in executed notebooks, results and histories."""
    for path in [folder / "results.json", *folder.glob("notebooks/*.ipynb"), *folder.glob("results/*.json"),
                 *folder.glob("state/*.json")]:  # fmt: skip
        for value in _estimates(json.loads(path.read_text(encoding="utf-8"))):
            number, unit = value["value"], UNITS.get(str(value["unit"]))
            counts = value.get("grade") is None and value.get("ci_lower") is None and isinstance(number, int | float)
            if unit is not None and unit.people and counts and 0 < number < min_cell and number == int(number):
                yield path.name, str(value["unit"]), number


def _estimates(plain: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plain, dict):
        if "unit" in plain and "value" in plain:
            yield plain
        for inner in plain.values():
            yield from _estimates(inner)
    elif isinstance(plain, list):
        for inner in plain:
            yield from _estimates(inner)


@pytest.mark.parametrize("which", ["planted", "small"])
def test_no_group_of_few_people_is_told(which: str, request: pytest.FixtureRequest) -> None:
    if which == "planted":
        folder, min_cell = request.getfixturevalue("planted_run").folder, 50
    else:
        folder, min_cell = request.getfixturevalue("small_run"), 10
    columns = list(counted(folder))
    assert len(columns) > 10
    few = [(table, name, v) for table, name, values in columns for v in values if 0 < v < min_cell and v == int(v)]
    assert few == []
    told = [one for one in few_in_blocks(folder, min_cell) if one[2] != 1 or one[1] != "customers"]
    assert told == []
    hidden = sum(math.isnan(value) for _, _, numbers in columns for value in numbers)
    marks = sum(path.read_text(encoding="utf-8").count("&lt;50") for path in folder.glob("*.html"))
    assert which == "small" or hidden + marks > 0  # something was small enough to hide


def test_no_group_can_be_told_from_the_rest(planted_run: PlantedRun) -> None:
    for path in sorted((planted_run.folder / "tables").glob("*.parquet")):
        table = pq.read_table(path).to_pandas()
        for name in table.columns:
            unit = UNITS.get(FIELDS[name].unit) if name in FIELDS else None
            if unit is not None and unit.people and name not in NO_GROUPS and len(table) > 2:
                assert table[name].isna().sum() != 1, (
                    f"{path.stem}.{name}: one hidden cell is the total less the others"
                )


def test_no_id_of_the_small_brand_is_in_a_shareable_byte(small_run: Path) -> None:
    ids = ids_of(next((small_run.parents[2] / ".cache" / "demo").glob("*-*-*")))
    shape = re.compile(r"(?<![0-9A-Za-z])(?:[ckuotd]1\d{8}|[0-9a-f]{16})(?![0-9A-Za-z])")
    assert len(ids) > 5000
    for path in shareable(small_run):
        assert not ids & set(shape.findall(said_in(path))), path.name


def ids_of(folder: Path) -> set[str]:
    """Every id of a person, contact, order or touch in a brand's tables."""
    found: set[str] = set()
    for path in folder.glob("*.parquet"):
        table = pq.read_table(path)
        for name in {"customer_id", "contact_id", "unionid", "phone_hash", "order_id", "touch_id"} & set(
            table.column_names
        ):
            found |= {value for value in table[name].to_pylist() if value}
    return found
