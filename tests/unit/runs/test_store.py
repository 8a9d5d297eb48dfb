"""Which runs there are, which one comes before, and who may write."""

import json
from datetime import date
from pathlib import Path

import pytest

from analysis.errors import BookError, PublishError, RunInProgressError
from analysis.runs.store import Store, published_runs
from analysis.whole_files import write_atomic


def put(
    store: Store, *, day: str, run_id: str, status: str = "good", ended: str = "2026-03-01T00:00", inputs: str = ""
) -> Path:
    folder = store.folder / f"{day}-{run_id}"
    folder.mkdir(parents=True)
    manifest = {
        "run_id": run_id,
        "as_of": day,
        "status": status,
        "digests": {"inputs": inputs or run_id},
        "times": {"ended_at": ended},
        "files": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "reports", "weekly")


def test_the_predecessor_is_the_last_good_run_of_an_earlier_or_the_same_day(store):
    put(store, day="2026-02-01", run_id="a" * 10)
    put(store, day="2026-02-08", run_id="b" * 10)
    put(store, day="2026-02-08", run_id="c" * 10, ended="2026-03-02T00:00")
    put(store, day="2026-02-08", run_id="d" * 10, ended="2026-03-03T00:00", status="failed")
    put(store, day="2026-02-15", run_id="e" * 10)
    found = store.predecessor(as_of=date(2026, 2, 10), inputs="x")
    assert found is not None
    assert found.run_id == "c" * 10


def test_a_run_is_not_its_own_predecessor(store):
    put(store, day="2026-02-01", run_id="a" * 10)
    put(store, day="2026-02-08", run_id="b" * 10, inputs="same")
    found = store.predecessor(as_of=date(2026, 2, 8), inputs="same")
    assert found is not None
    assert found.run_id == "a" * 10


def test_a_predecessor_may_be_named_by_id_folder_or_path(store):
    folder = put(store, day="2026-02-01", run_id="a" * 10)
    for wanted in ("a" * 10, folder.name, str(folder)):
        found = store.predecessor(as_of=date(2026, 2, 8), inputs="x", wanted=wanted)
        assert found is not None
        assert found.folder == folder
    assert store.predecessor(as_of=date(2026, 2, 8), inputs="x", wanted="none") is None


def test_a_failed_run_cannot_be_named_as_predecessor(store):
    put(store, day="2026-02-01", run_id="a" * 10, status="failed")
    with pytest.raises(BookError, match="it failed"):
        store.predecessor(as_of=date(2026, 2, 8), inputs="x", wanted="a" * 10)


def test_damaged_and_foreign_folders_are_never_taken_for_runs(store):
    put(store, day="2026-02-01", run_id="a" * 10)
    (store.folder / f"2026-02-02-{'b' * 10}").mkdir()
    broken = store.folder / f"2026-02-03-{'c' * 10}"
    broken.mkdir()
    (broken / "manifest.json").write_text("{", encoding="utf-8")
    (store.folder / ".building-x").mkdir()
    (store.folder / "notes").mkdir()
    assert [run.run_id for run in store.runs()] == ["a" * 10]
    assert [run.run_id for run in published_runs(store.reports)] == ["a" * 10]


def test_a_run_whose_files_are_gone_is_not_the_same_any_more(store):
    folder = put(store, day="2026-02-01", run_id="a" * 10, inputs="same")
    assert store.identical(inputs="same", run_id="a" * 10) is not None
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": {"index.html": {}}}), encoding="utf-8")
    assert store.identical(inputs="same", run_id="a" * 10) is None


def test_the_lock_is_held_by_one_and_freed_by_its_end(store):
    with store.lock(), pytest.raises(RunInProgressError), store.lock():
        pass
    with store.lock():
        pass


def test_a_folder_that_cannot_be_made_is_a_publish_error(tmp_path):
    (tmp_path / "reports").write_text("", encoding="utf-8")
    with pytest.raises(PublishError), Store(tmp_path / "reports", "weekly").lock():
        pass


def test_building_starts_from_nothing(store):
    store.folder.mkdir(parents=True)
    left = store.folder / ".building-0000000000" / "private"
    left.mkdir(parents=True)
    (left / "list.parquet").write_text("half", encoding="utf-8")
    fresh = store.building("1" * 10)
    assert not left.exists()
    assert {path.name for path in fresh.iterdir()} == {"notebooks", "tables", "state", "private"}


def test_an_atomic_write_leaves_the_old_file_when_it_fails(tmp_path):
    path = tmp_path / "index.html"
    write_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
