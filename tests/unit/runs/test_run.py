"""One run from book to pages: what it leaves, when it repeats, what it refuses."""

import json
import stat
from datetime import date
from pathlib import Path

import pytest

from analysis.books.opening import resolve_as_of
from analysis.errors import BookError, DataError, PublishError
from analysis.runs.run import Outcome

GOOD = 'wb.results({"n_customers": Estimate(300, "customers")})'


@pytest.fixture(scope="module")
def good(shared_project) -> Outcome:
    shared_project.notebook(
        "alpha",
        'wb.results({"n_customers": Estimate(300, "customers")})',
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
    assert set(manifest["times"]) == {"started_at", "ended_at", "notebook_seconds"}
    assert manifest["versions"]["pandas"]


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


def test_the_same_bytes_with_one_job_or_two_in_another_folder_and_zone(tmp_path, build_project, tree, monkeypatch):
    trees = []
    for place, zone, jobs in (("here", "Asia/Tokyo", 1), ("there/deeper", "America/New_York", 2)):
        monkeypatch.setenv("TZ", zone)
        project = build_project(tmp_path / place)
        project.notebook("alpha", GOOD, "print({'a', 'b', 'c'}, horizon)")
        outcome = project.run(project.book("alpha", "brief"), jobs=jobs)
        trees.append({name: content for name, (_, content) in tree(outcome.folder).items()})
    for files in trees:
        manifest = json.loads(files.pop("manifest.json"))
        del manifest["times"]
        files["manifest"] = json.dumps(manifest).encode()
    assert sorted(trees[0]) == sorted(trees[1])
    assert [name for name in trees[0] if trees[0][name] != trees[1][name]] == []


def test_a_failed_notebook_is_published_and_marked_and_latest_stays(project):
    book = project.book("alpha", "brief")
    first = project.run(book)
    project.notebook("alpha", GOOD, "raise ValueError('no such thing')")
    second = project.run(book)
    assert not second.good
    assert second.failed == ("alpha",)
    manifest = json.loads((second.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["notebooks"]["alpha"]["message"] == "no such thing"
    assert manifest["notebooks"]["brief"]["status"] == "good"
    assert "no such thing" in (second.folder / "alpha.zh.html").read_text(encoding="utf-8")
    assert json.loads((second.folder / "results.json").read_text(encoding="utf-8"))["alpha"] == {}
    assert (first.folder.parent / "latest").resolve() == first.folder.resolve()


def test_a_failed_run_gives_way_to_the_next_try_of_the_same(project):
    project.notebook("alpha", "import os\nassert os.path.exists('mended'), 'not mended'")
    book = project.book("alpha")
    failed = project.run(book)
    assert not failed.good
    (project.root / "mended").touch()
    mended = project.run(book)
    assert mended.good
    assert mended.folder == failed.folder
    assert [path.name for path in mended.folder.parent.iterdir() if path.name.startswith(".b")] == []


def test_what_a_failed_notebook_half_made_is_not_left_to_act_on(project):
    project.notebook(
        "alpha",
        'import pandas as pd\nwb.private("list", pd.DataFrame({"customer_id": ["c1"]}))',
        "raise ValueError('late')",
    )
    outcome = project.run(project.book("alpha"))
    assert list((outcome.folder / "private").iterdir()) == []


def test_a_shareable_table_of_single_customers_fails_its_notebook(project):
    project.notebook(
        "alpha",
        "import pandas as pd\nfolder = wb.context.out / 'tables'",
        "pd.DataFrame({'customer_id': ['c1']}).to_parquet(folder / 'alpha.x.parquet')",
    )
    outcome = project.run(project.book("alpha"))
    assert outcome.failed == ("alpha",)
    assert list((outcome.folder / "tables").iterdir()) == []


def test_the_brief_runs_after_the_others_and_reads_what_they_found(project):
    project.notebook("brief", "print([page['results']['n_customers']['value'] for page in wb.pages()])")
    outcome = project.run(project.book("brief", "alpha"))
    assert "[300" in (outcome.folder / "notebooks" / "brief.ipynb").read_text(encoding="utf-8")


def test_the_next_day_reads_the_state_of_the_last_good_run(project):
    project.notebook(
        "alpha", 'print("before:", wb.previous("memory"))\nwb.state("memory", {"day": str(wb.context.as_of)})'
    )
    book = project.book("alpha")
    project.run(book, "as_of=2026-02-01")
    later = project.run(book)
    assert "before: {'day': '2026-02-01'}" in (later.folder / "notebooks" / "alpha.ipynb").read_text(encoding="utf-8")
    fresh = project.run(book, predecessor="none")
    assert "before: None" in (fresh.folder / "notebooks" / "alpha.ipynb").read_text(encoding="utf-8")
    with pytest.raises(BookError, match="after 2026-02-01"):
        project.run(book, "as_of=2026-02-01", predecessor=later.folder.name)
    with pytest.raises(BookError, match="no such run"):
        project.run(book, predecessor="0123456789")


def test_a_backfill_of_an_earlier_day_does_not_move_latest_back(project):
    book = project.book("alpha")
    today = project.run(book)
    project.run(book, "as_of=2026-01-01")
    assert (today.folder.parent / "latest").resolve() == today.folder.resolve()


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
    with pytest.raises(DataError, match="stale_after_days"):
        project.run(book, "as_of=2026-02-01", "data.stale_after_days=3")


def test_a_place_that_cannot_be_written_is_a_publish_error(project):
    (project.root / "reports").write_text("in the way", encoding="utf-8")
    with pytest.raises(PublishError):
        project.run(project.book("alpha"))


def test_a_full_disk_at_the_last_step_leaves_the_old_tree(project, monkeypatch, tree):
    book = project.book("alpha")
    first = project.run(book)
    before = tree(first.folder.parent.parent)

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(PublishError, match="No space left"):
        project.run(book, "notebooks.alpha.horizon=30")
    assert tree(first.folder.parent.parent) == before


def test_latest_is_the_last_day_with_orders_that_is_not_in_the_future():
    assert resolve_as_of("latest", latest_day=date(2026, 2, 1), today=date(2026, 3, 1)) == date(2026, 2, 1)
    assert resolve_as_of("latest", latest_day=date(2026, 3, 2), today=date(2026, 3, 1)) == date(2026, 3, 1)
    assert resolve_as_of("latest", latest_day=None, today=date(2026, 3, 1)) == date(2026, 3, 1)
    with pytest.raises(DataError, match="future"):
        resolve_as_of(date(2026, 3, 2), latest_day=None, today=date(2026, 3, 1))
