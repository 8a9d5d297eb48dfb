"""``siyu new``: a notebook from the house pattern, which runs at once."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

from analysis.books.catalogue import LAST
from analysis.errors import BookError

__all__ = ["write_new"]

_OPEN: Final = """\
from analysis.workbench import Workbench

wb = Workbench.open("{name}", weeks=weeks)
wb.question(zh="这个报告回答什么问题？", en="Which question does this page answer?")"""
_ANSWER: Final = """\
features = wb.table("features")
wb.answer(zh="在这里写一句话的回答。", en="Write the answer here, in one sentence.")"""
_FINDING: Final = """\
wb.finding(zh="一句话的发现", en="A finding, in one sentence", sub_zh="度量、单位、样本量", sub_en="measure, unit, n")
wb.note(zh="数字来自 recipes；笔记本里不做运算。", en="Numbers come from recipes; a notebook computes nothing.")"""
_END: Final = """\
wb.mind([("什么会改变我们的看法", "What would change our mind")])
wb.finish()"""
_PROSE: Final = {
    "zh": "先写问题，再写参数、读数、三到六次「发现和图」、什么会改变看法、收尾。",
    "en": "Question, parameters, load, three to six times finding and chart, what would change our mind, finish.",
}


def write_new(name: str, *, folder: Path) -> Path:
    """Write a notebook that runs as it is, for somebody to make their own.

    Args:
        name: A Python identifier in small letters: the file's stem and the key in books.
        folder: Folder of the notebooks.

    Raises:
        BookError: If the name cannot be one, or the file is there already.
    """
    if not (name.isascii() and name.isidentifier() and name == name.lower()) or name == LAST:
        raise BookError(
            f"'{name}' cannot name a notebook.", hint="use small letters, digits and _, such as coffee_beans"
        )
    path = folder / f"{name}.ipynb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as handle:
            json.dump(_notebook(name), handle, ensure_ascii=False, indent=1)
            handle.write("\n")
    except FileExistsError:
        raise BookError(f"{path} is there already.", hint="choose another name; nothing was overwritten") from None
    except OSError as error:
        raise BookError(f"Cannot write {path}: {error.strerror}.") from None
    return path


def _notebook(name: str) -> dict[str, Any]:
    cells = [
        _cell("code", "weeks: int = 52", tags=["parameters"]),
        *(_cell("markdown", text, tags=[language]) for language, text in _PROSE.items()),
        *(_cell("code", source.replace("{name}", name)) for source in (_OPEN, _ANSWER, _FINDING, _END)),
    ]
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "siyu": {"needs": ["orders"], "after": [], "title": {"zh": name, "en": name}},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(kind: str, source: str, *, tags: list[str] | None = None) -> dict[str, Any]:
    identity = hashlib.sha256(f"{kind}\0{source}".encode()).hexdigest()[:8]
    cell: dict[str, Any] = {"cell_type": kind, "id": identity, "metadata": {"tags": tags} if tags else {}}
    cell["source"] = source.splitlines(keepends=True)
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
