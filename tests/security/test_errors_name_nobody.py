"""A failed notebook's error shows the row it failed on: neither its page nor the manifest does."""

import json
import stat
from pathlib import Path

from analysis.runs.notify import failure_message
from analysis.runs.outcome import without_ids
from analysis.runs.store import read_run
from tests.security.small_project import CUSTOMERS


def test_no_customer_of_an_error_is_in_a_shareable_byte(worst_run: Path) -> None:
    manifest = json.loads((worst_run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["notebooks"]["failing"]["status"] == "failed"
    assert "cannot use <id>" in manifest["notebooks"]["failing"]["message"]
    shareable = [name for name, entry in manifest["files"].items() if not entry["customer_level"]]
    assert {"failing.zh.html", "failing.en.html", "results.json"} <= set(shareable)
    for name in [*shareable, "manifest.json"]:
        content = (worst_run / name).read_bytes()
        assert not [person for person in [*CUSTOMERS, "o-00000"] if person.encode() in content], name
    index = (worst_run.parent.parent / "index.html").read_text(encoding="utf-8")
    run = read_run(worst_run)
    assert run is not None
    assert not [person for person in CUSTOMERS if person in index + failure_message(run).body]


def test_the_traceback_is_for_its_owner_alone(worst_run: Path) -> None:
    manifest = json.loads((worst_run / "manifest.json").read_text(encoding="utf-8"))
    path = worst_run / "notebooks" / "failing.ipynb"
    assert CUSTOMERS[2] in path.read_text(encoding="utf-8")  # the analyst sees what happened
    assert manifest["files"]["notebooks/failing.ipynb"]["customer_level"] is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_page_of_a_notebook_that_prints_is_marked_as_its_notebook_is(worst_run: Path) -> None:
    files = json.loads((worst_run / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert "c-of-nobody" in (worst_run / "printing.zh.html").read_text(encoding="utf-8")
    assert files["printing.zh.html"]["customer_level"] is files["index.html"]["customer_level"] is True
    assert files["failing.zh.html"]["customer_level"] is False


def test_words_and_numbers_that_are_no_ids_stay(worst_run: Path) -> None:
    data = next((worst_run.parents[2] / ".cache" / "data").glob("*/accounting.json")).parent
    assert without_ids("row 12 of 王小明明: 13800138000x", data=data) == "row 12 of 王小明明: 13800138000x"
    assert without_ids("('王小明', 13800138000)", data=data) == "('<id>', <id>)"
    assert without_ids("cut\ud800 \0 1101051949123…", data=data) == "cut\ufffd \ufffd …"
