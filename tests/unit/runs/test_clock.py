"""A clock that is set back or forward between runs, or in the middle of one, confuses nothing."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from analysis.runs import run as runs
from analysis.runs.batch import Deadline
from analysis.runs.store import Store, published_runs
from tests.unit.runs.conftest import GOOD, NOW


@pytest.fixture
def ended_at(monkeypatch):
    """Let runs end at a time of our choice."""
    told = [NOW]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return told[0].astimezone(tz)

    monkeypatch.setattr(runs, "datetime", Clock)
    return lambda moved: told.__setitem__(0, NOW + moved)


def test_runs_follow_each_other_as_they_were_published_whatever_the_clock_says(project, ended_at):
    project.notebook("alpha", GOOD)
    book, published = project.book("alpha"), []
    for horizon, moved in (
        (10, timedelta()),
        (20, timedelta(days=3650)),
        (30, timedelta(days=-400)),
        (40, timedelta(1)),
    ):
        ended_at(moved)
        published.append(project.run(book, f"notebooks.alpha.horizon={horizon}").folder)
        assert (published[-1].parent / "latest").resolve() == published[-1].resolve()
    store = Store(project.root / "reports", "weekly")
    assert [run.folder for run in store.runs()] == published
    assert [run.folder for run in published_runs(project.root / "reports")] == published
    before = [run.manifest["predecessor"] for run in store.runs()]
    assert before == [None, *(folder.name for folder in published[:-1])]
    listed = (project.root / "reports" / "index.html").read_text(encoding="utf-8")
    places = [listed.rindex(folder.name) for folder in published]
    assert places == sorted(places, reverse=True)  # newest first


def test_a_day_in_the_future_of_a_clock_set_back_is_not_taken_for_the_last_one(project):
    project.notebook("alpha", GOOD)
    book = project.book("alpha")
    late = project.run(book)
    early = project.run(book, "data.max_quarantine_share=0.1", now=NOW - timedelta(days=10))
    assert late.folder.name.startswith("2026-03-01")
    assert early.folder.name.startswith("2026-02-20")  # that day, by that clock
    assert (late.folder.parent / "latest").resolve() == late.folder.resolve()
    assert Store(project.root / "reports", "weekly").runs()[0].manifest["predecessor"] is None


def test_the_deadline_counts_seconds_and_reads_no_clock(project, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    deadline = Deadline(60)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 59 < deadline.remaining() <= 60


def test_a_clock_that_jumps_an_hour_whenever_it_is_read_ends_no_notebook(project, monkeypatch):
    project.notebook("alpha", "import time\ntime.sleep(1)", GOOD)
    true, jumps = time.time, iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: true() + 3600.0 * next(jumps) * (-1) ** next(jumps))
    assert project.run(project.book("alpha")).good
