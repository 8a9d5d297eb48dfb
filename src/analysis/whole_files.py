"""Files that are there whole or not at all: written beside their place, moved there at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["beside", "write_atomic"]


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a place beside ``path`` to write to; it becomes ``path`` if the block ends well, else it goes."""
    place = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield place
        place.replace(path)
    finally:
        with suppress(OSError):
            place.unlink(missing_ok=True)


def write_atomic(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with beside(path) as place:
        place.write_text(text, encoding="utf-8")
