"""Make a run visible: whole, by one rename; the tree is old or new, never between."""

import ctypes
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from analysis.errors import PublishError
from analysis.runs.index import write_index
from analysis.runs.store import LATEST, Store

__all__ = ["mend", "publish"]

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2


def publish(building: Path, *, folder: Path, store: Store) -> None:
    """Rename a finished run to its place, point ``latest`` at the last good run, list it in the index.

    A failed run of the same id that stands there gives way in the same step.

    Args:
        building: The finished run, beside its place.
        folder: Its place.
        store: The book's runs.

    Raises:
        PublishError: If the disk or the rights do not allow it.
    """
    try:
        if folder.exists():
            _exchange(building, folder)
            shutil.rmtree(building)
        else:
            building.rename(folder)
        _point_latest(store)
        write_index(store.reports)
    except OSError as error:
        raise PublishError(f"Cannot publish the run to {folder}: {error.strerror}.") from None


def mend(store: Store) -> None:
    """Point ``latest`` at the last good run and list every run as it is, where that is not so yet; clear what was left.

    A run killed between its rename and these two leaves them behind by one; the next run mends it.
    """
    store.clear()
    _point_latest(store)
    write_index(store.reports)


def _point_latest(store: Store) -> None:
    last = store.latest()
    link = store.folder / LATEST
    if last is None or (link.is_symlink() and link.readlink() == Path(last.name)):
        return
    beside = link.with_name(f".{LATEST}.{os.getpid()}")
    beside.symlink_to(last.name)
    beside.replace(link)


def _exchange(one: Path, other: Path) -> None:
    """Swap two folders in one step where the system can; else in two, the new one last."""
    if sys.platform == "linux":
        rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        if rename is not None and not rename(
            _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE
        ):
            return
    aside = one.with_name(f"{one.name}.old")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)
