"""What is dear to make and shared by all processes of a test run: made once, by whichever comes first."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

__all__ = ["once"]


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Return what ``make`` returns for a folder of that name, made by whichever process of tests comes first."""
    own = factory.getbasetemp()
    folder = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / name
    folder.mkdir(exist_ok=True)
    made = folder / "made.json"
    with (folder / ".turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            if not made.exists():
                told = make(folder / "in")
                made.write_text(json.dumps({**told, "root": str(folder / "in")}), encoding="utf-8")
        finally:
            fcntl.flock(turn, fcntl.LOCK_UN)  # a child that was forked meanwhile would hold on to it
    found: dict[str, Any] = json.loads(made.read_text(encoding="utf-8"))
    return found
