"""Files and folders that are there whole or not at all, and what is left of those that were not finished."""

import os
import subprocess
import sys

import pytest

from analysis.whole_files import beside, clear_left, discard, forget_unused, growing, held

HOLD = """import sys, time
from pathlib import Path
from analysis.whole_files import {name}
with {name}({arguments}):
    print('held', flush=True)
    sys.stdin.read()"""


def holder(name: str, arguments: str) -> "subprocess.Popen[str]":
    """Another process inside such a block; its input's end ends the block, its death does not."""
    code = HOLD.format(name=name, arguments=arguments)
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_what_a_living_process_is_making_stays_and_what_a_killed_one_left_goes(tmp_path):
    file = holder("beside", f"Path({str(tmp_path / 'page.html')!r})")
    folder = holder("growing", f"Path({str(tmp_path)!r}), '.loading-'")
    for _ in range(2):
        clear_left(tmp_path, ".page.html.*", ".loading-*")
        assert len(list(tmp_path.iterdir())) == 2
    for process in (file, folder):
        process.kill()
        process.communicate()
    assert len(list(tmp_path.iterdir())) == 2
    with growing(tmp_path, ".loading-") as mine:
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".l")] == [mine.name]
    clear_left(tmp_path, ".page.html.*")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_read_is_not_discarded(tmp_path):
    (tmp_path / "load" / "deep").mkdir(parents=True)
    reader = holder("held", f"Path({str(tmp_path / 'load')!r})")
    assert not discard(tmp_path / "load")
    assert (tmp_path / "load" / "deep").is_dir()
    reader.communicate("")
    with held(tmp_path / "load"):
        pass
    assert discard(tmp_path / "load")
    assert list(tmp_path.iterdir()) == []
    assert discard(tmp_path / "load")  # it is gone: nothing to do


def test_a_link_is_never_followed_to_what_it_names(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / ".loading-x").symlink_to(tmp_path / "precious")
    clear_left(tmp_path / "cache", ".loading-*")
    assert (tmp_path / "precious").is_dir()


def test_a_block_that_fails_leaves_nothing_and_the_old_file(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), beside(path) as place:
        place.write_bytes(b"half" * (1 // (place.write_text("half") - 4)))
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"]


def test_a_cache_forgets_what_was_used_longest_ago_and_nothing_of_the_latest_day(tmp_path):
    days = {"new": 0, "hour_old": 1 / 24, "week_old": 7, "month_old": 30}
    for name, ago in days.items():
        (tmp_path / name).write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (10**9 - ago * 86_400,) * 2)
    forget_unused(tmp_path, room=300)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "hour_old", "week_old"}
    forget_unused(tmp_path, room=0)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "hour_old"}
