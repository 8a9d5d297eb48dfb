"""Books at their times: which times are meant, which were missed, and that no two runs ever meet."""

import shutil
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analysis.errors import BookError
from analysis.runs import schedule
from analysis.runs.schedule import Planned, as_cron, as_systemd, mark, missed, planned, prepared

SHANGHAI = "Asia/Shanghai"


def plan(tmp_path, cron="0 7 * * 1", name="weekly", timezone=SHANGHAI):
    return Planned(tmp_path / f"{name}.yaml", name, cron, timezone, tmp_path / "reports")


def times(one, *, after, n):
    found = []
    for _ in range(n):
        after = one.trigger().get_next_fire_time(None, after + timedelta(seconds=1))
        found.append(after.strftime("%a %d %H:%M"))
    return found


START = datetime(2026, 6, 30, 12, 0, tzinfo=ZoneInfo(SHANGHAI))  # a Tuesday


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 7 * * 1", ["Mon 06 07:00", "Mon 13 07:00"]),
        ("30 6 * * 0", ["Sun 05 06:30", "Sun 12 06:30"]),
        ("30 6 * * 7", ["Sun 05 06:30", "Sun 12 06:30"]),
        ("0 9 * * 5-7", ["Fri 03 09:00", "Sat 04 09:00", "Sun 05 09:00"]),
        ("0 9 * * 0-2", ["Sun 05 09:00", "Mon 06 09:00", "Tue 07 09:00"]),
        ("0 9 * * MON,FRI", ["Fri 03 09:00", "Mon 06 09:00"]),
        ("0 9 15 * 1", ["Mon 06 09:00", "Mon 13 09:00", "Wed 15 09:00"]),
        ("0 9 1 * *", ["Wed 01 09:00", "Sat 01 09:00"]),
    ],
)
def test_times_are_those_that_cron_means(tmp_path, cron, expected):
    assert times(plan(tmp_path, cron), after=START, n=len(expected)) == expected


def test_a_time_is_in_the_books_zone(tmp_path):
    at = plan(tmp_path).trigger().get_next_fire_time(None, START)
    assert at.astimezone(UTC).strftime("%a %H:%M") == "Sun 23:00"


def test_many_missed_times_are_one_and_a_new_book_missed_none(tmp_path):
    one = plan(tmp_path)
    now = datetime(2026, 7, 28, 9, 0, tzinfo=ZoneInfo(SHANGHAI))
    assert missed(one, now=now) is None
    mark(one, START)
    assert missed(one, now=now).strftime("%m-%d %H:%M") == "07-27 07:00"
    mark(one, now)
    assert missed(one, now=now) is None


def test_what_was_missed_is_caught_up_once_and_runs_never_meet(tmp_path):
    first, second = plan(tmp_path, "0 0 1 1 *", "one"), plan(tmp_path, "0 0 1 1 *", "two")
    for one in (first, second):
        mark(one, datetime.now(UTC) - timedelta(days=3 * 366))
    running, together, ran, said = [], [], [], []

    def run(one):
        running.append(one.name)
        together.append(len(running))
        time.sleep(0.2)
        running.remove(one.name)
        ran.append(one.name)
        if len(ran) == 2:
            threading.Timer(0.5, scheduler.shutdown, kwargs={"wait": False}).start()
        return 0

    scheduler = prepared([first, second], say=said.append, run=run)
    scheduler.start()
    assert sorted(ran) == ["one", "two"]
    assert max(together) == 1
    assert missed(first, now=datetime.now(UTC)) is None
    assert sum("was missed" in line for line in said) == 2


def test_a_failed_run_is_served_too_and_its_code_is_told(tmp_path):
    one = plan(tmp_path)
    said = []
    mark(one, START - timedelta(days=30))
    schedule._serve_one(one, said.append, lambda _: 3)
    assert said[-1] == "weekly: exit 3"
    assert missed(one, now=datetime.now(UTC)) is None


def test_a_book_without_schedule_or_named_twice_is_refused(project):
    book = project.book("alpha")
    with pytest.raises(BookError, match="has no schedule"):
        planned([book], reports=project.root)
    book = project.book("alpha", extra='schedule: "0 7 * * 1"\n')
    assert [one.name for one in planned([book], reports=project.root)] == ["weekly"]
    with pytest.raises(BookError, match="named twice"):
        planned([book, book], reports=project.root)


def test_a_time_that_does_not_exist_is_refused(project):
    book = project.book("alpha", extra='schedule: "0 25 * * 1"\n')
    with pytest.raises(BookError, match="schedule"):
        planned([book], reports=project.root)


def test_cron_lines_keep_the_books_zone(tmp_path):
    text = as_cron([plan(tmp_path)], folder=tmp_path)
    assert text.startswith("CRON_TZ=Asia/Shanghai\n0 7 * * 1 cd ")
    assert "siyu run weekly.yaml --out reports" in text


@pytest.mark.parametrize(
    ("cron", "calendar"),
    [
        ("0 7 * * 1", "Mon *-*-* 7:0:00 Asia/Shanghai"),
        ("*/15 8-18 * * 1-5", "Mon,Tue,Wed,Thu,Fri *-*-* 8..18:0/15:00 Asia/Shanghai"),
        ("30 6 1 */3 *", "*-1/3-1 6:30:00 Asia/Shanghai"),
    ],
)
def test_timers_say_the_same_times_and_catch_up(tmp_path, cron, calendar):
    text = as_systemd([plan(tmp_path, cron)], folder=tmp_path)
    assert f"OnCalendar={calendar}\n" in text
    assert "Persistent=true" in text
    if shutil.which("systemd-analyze"):
        subprocess.run(["systemd-analyze", "calendar", calendar], check=True, capture_output=True)


def test_what_systemd_cannot_say_is_refused(tmp_path):
    with pytest.raises(BookError, match="days of the month and of the week"):
        as_systemd([plan(tmp_path, "0 7 1 * 1")], folder=tmp_path)
