"""One run from book to pages: what it leaves, when it repeats, what it refuses."""

import json
import stat
from datetime import date
from pathlib import Path

import pytest

from analysis.errors import BookError, DataError, PublishError
from analysis.runs.progress import Progress
from analysis.runs.run import Outcome, _warn

OVERCLAIM = """wb.note(zh="发券带来 {x}。", en="Coupons caused {x}.",
        values={"x": Estimate(3, "orders", grade=Grade.PRIOR)})"""


@pytest.fixture(scope="module")
def good(shared_project) -> Outcome:
    shared_project.notebook(
        "alpha",
        'wb.results({"n_customers": Estimate(300, "customers")})',
        f"from analysis.evidence import Grade\n{OVERCLAIM}",
        'import pandas as pd\nwb.private("list", pd.DataFrame({"customer_id": ["c1"], "p": [0.5]}))',
        'wb.state("centroids", {"a": 1})',
    )
    book = shared_project.book("alpha", "brief", extra="language: both\n")
    outcome: Outcome = shared_project.run(book)
    return outcome


def test_a_good_run_leaves_the_documented_folder(good):
    assert good.good
    assert good.folder.name.startswith("2026-03-01-")
    there = {path.relative_to(good.folder).as_posix() for path in good.folder.rglob("*") if path.is_file()}
    wanted = {"index.html", "alpha.zh.html", "alpha.en.html", "brief.zh.html", "brief.en.html", "results.json"}
    wanted |= {"manifest.json", "notebooks/alpha.ipynb", "notebooks/brief.ipynb", "private/alpha.list.parquet"}
    assert wanted | {"state/centroids.json"} <= there
    assert not any(Path(name).name.startswith(".") for name in there)


def test_the_brief_is_the_index(good):
    assert (good.folder / "index.html").read_bytes() == (good.folder / "brief.zh.html").read_bytes()


def test_private_is_for_its_owner_only(good):
    assert stat.S_IMODE((good.folder / "private").stat().st_mode) == 0o700


def test_results_are_flat_under_the_notebook_and_carry_their_unit(good):
    results = json.loads((good.folder / "results.json").read_text(encoding="utf-8"))
    assert list(results) == ["alpha", "brief"]
    assert results["alpha"]["n_customers"]["value"] == 300
    assert results["alpha"]["n_customers"]["unit"] == "customers"
    assert results["alpha"]["n_customers"]["ci_lower"] is None


def test_the_manifest_says_what_went_in_and_what_came_out(good):
    manifest = json.loads((good.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["run_id"] == good.folder.name[-10:]
    assert manifest["status"] == "good"
    assert manifest["parameters"]["alpha"] == {"horizon": 60}
    assert manifest["rows"][0]["rows_in"] == 200
    assert manifest["files"]["private/alpha.list.parquet"]["customer_level"]
    assert not manifest["files"]["alpha.zh.html"]["customer_level"]
    assert set(manifest["times"]) == {"number", "started_at", "ended_at", "notebook_seconds"}
    assert manifest["versions"]["pandas"]


def test_sentences_that_claim_more_than_their_evidence_are_listed_and_stop_nothing(good):
    manifest = json.loads((good.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["overclaims"] == [
        {"page": "alpha.zh.html", "sentence": "发券带来 3 单。", "word": "带来", "grade": "D"},
        {"page": "alpha.en.html", "sentence": "Coupons caused 3 orders.", "word": "caused", "grade": "D"},
    ]
    assert manifest["status"] == "good"


def test_the_operator_is_told_once_a_page_that_claims_too_much(capsys):
    found = [
        {"page": "a.en.html", "sentence": f"Coupons caused {n} orders.", "word": "caused", "grade": "D"} for n in (1, 2)
    ]
    _warn(found, Progress(live=False))
    said = capsys.readouterr().err
    assert said.count("a.en.html") == 1
    assert "caused" in said
    assert "1 more" in said


def test_latest_points_at_the_good_run_and_the_list_names_it(good):
    assert (good.folder.parent / "latest").resolve() == good.folder.resolve()
    assert good.folder.name in (good.folder.parent.parent / "index.html").read_text(encoding="utf-8")


def test_no_published_byte_holds_a_machine_path(good, shared_project):
    pages = [path for path in good.folder.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    leaking = [path.name for path in pages if str(shared_project.root).encode() in path.read_bytes()]
    assert leaking == []


def test_an_identical_run_writes_nothing(good, shared_project, tree):
    before = tree(good.folder.parent.parent)
    again = shared_project.run(shared_project.book("alpha", "brief", extra="language: both\n"))
    assert again.repeated
    assert again.folder == good.folder
    assert tree(good.folder.parent.parent) == before


def test_where_and_how_wide_a_book_runs_is_no_part_of_what_it_is(good, shared_project):
    again = shared_project.run(shared_project.book("alpha", "brief", extra="language: both\njobs: 1\n"), jobs=1)
    assert again.repeated


def test_a_changed_parameter_is_a_new_run_after_the_old_one(good, shared_project):
    book = shared_project.book("alpha", "brief", extra="language: both\n")
    changed = shared_project.run(book, "notebooks.alpha.horizon=30")
    manifest = json.loads((changed.folder / "manifest.json").read_text(encoding="utf-8"))
    assert changed.folder != good.folder
    assert manifest["predecessor"] == good.folder.name
    assert manifest["parameters"]["alpha"] == {"horizon": 30}
    assert shared_project.run(book, "notebooks.alpha.horizon=30").repeated


def test_a_bad_book_leaves_no_trace(project):
    book = project.book("alpha", "nonsense")
    with pytest.raises(BookError, match="unknown notebook 'nonsense'"):
        project.run(book)
    assert not (project.root / "reports").exists()


def test_missing_data_leave_nothing_visible(project):
    book = project.book("alpha")
    (project.root / "data" / "orders.csv").unlink()
    with pytest.raises(DataError):
        project.run(book)
    assert [path.name for path in (project.root / "reports" / "weekly").iterdir()] == [".lock"]


def test_stale_data_stop_the_run_where_the_book_says_so(project):
    book = project.book("alpha")
    project.orders(end=date(2026, 2, 20))  # now is 2 March
    with pytest.raises(DataError, match="stale_after_days"):
        project.run(book, "data.stale_after_days=9")


def test_an_old_day_of_fresh_data_is_not_stale(project):
    assert project.run(project.book("alpha"), "as_of=2026-02-01", "data.stale_after_days=3").good


def test_a_place_that_cannot_be_written_is_a_publish_error(project):
    (project.root / "reports").write_text("in the way", encoding="utf-8")
    with pytest.raises(PublishError):
        project.run(project.book("alpha"))
