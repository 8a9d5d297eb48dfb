"""Files and folders that are there whole or not at all: made beside their place, moved there at the end.

Who makes one holds a lock on it, which a crash lets go: so what a killed process left can be told from what a living
one is still making, whatever the clock says and whoever has its process number now.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["beside", "clear_left", "discard", "forget_unused", "growing", "held", "one_at_a_time", "write_atomic"]

_GONE: Final = ".gone-"
_A_DAY: Final = 86_400
"""Seconds."""


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a place beside ``path`` to write to; it becomes ``path`` if the block ends well, else it goes."""
    place = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield place
        place.replace(path)
    except BaseException:
        with suppress(OSError):
            place.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def forget_unused(folder: Path, *, room: int) -> None:
    """Remove the files of a cache that were used longest ago until the others fit.

    What was used within a day of the latest one stays, whatever its size: a run may be at it.

    Args:
        folder: Holds files whose times say when they were last used.
        room: Bytes that may stay.
    """
    with one_at_a_time(folder):
        files = sorted(((path.stat(), path) for path in folder.glob("[!.]*")), key=lambda file: -file[0].st_mtime)
        for stat, path in files:
            room -= stat.st_size
            if room < 0 and stat.st_mtime < files[0][0].st_mtime - _A_DAY:
                path.unlink(missing_ok=True)


def write_atomic(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with beside(path) as place:
        place.write_text(text, encoding="utf-8")


@contextmanager
def growing(home: Path, prefix: str) -> Iterator[Path]:
    """Give a fresh folder (0700) to fill and to move away; at the end it goes, wherever the block got to.

    Args:
        home: Folder to make it in; what killed processes left there under this prefix goes first.
        prefix: Of its name.
    """
    with one_at_a_time(home):  # else somebody could take a folder that is not held yet for one that was left
        clear_left(home, f"{prefix}*", f"{_GONE}*")
        place = Path(tempfile.mkdtemp(prefix=prefix, dir=home))
        handle = _lock(place, fcntl.LOCK_SH)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(handle)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep others from discarding a folder for as long as it is read."""
    handle = _lock(path, fcntl.LOCK_SH)
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process at a time change what a folder holds; the others wait."""
    handle = _lock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(handle)


def clear_left(folder: Path, *patterns: str) -> None:
    """Remove what killed processes left in a folder under these names; what a living one holds stays."""
    for path in [path for pattern in patterns for path in folder.glob(pattern)]:
        with suppress(OSError):
            handle = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB, follow=False)
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            finally:
                os.close(handle)


def discard(folder: Path) -> bool:
    """Remove a folder so that no part of it is ever taken for the whole; return False if somebody is reading it."""
    try:
        handle = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB, follow=False)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    try:
        gone = Path(tempfile.mkdtemp(prefix=_GONE, dir=folder.parent))
        folder.replace(gone)
        shutil.rmtree(gone, ignore_errors=True)
    finally:
        os.close(handle)
    return True


def _lock(path: Path, how: int, *, follow: bool = True) -> int:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    try:
        fcntl.flock(handle, how)
    except OSError:
        os.close(handle)
        raise
    return handle
