"""The page of a comparison: how many numbers changed, why, and each of them beside its cause."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from analysis.errors import AnalysisError, BookError
from analysis.evidence import Estimate
from analysis.numerals import UNITS
from analysis.page import blocks
from analysis.page.blocks import Block, Value
from analysis.reporting.page_info import PageInfo
from analysis.runs.compare import CAUSES, ChangedNumber, Comparison
from analysis.runs.store import PublishedRun
from analysis.whole_files import write_atomic

__all__ = ["write_page"]

_TITLE: Final = {"zh": "两次运行对比", "en": "Two runs compared"}
_AND: Final = {"zh": "、", "en": " or "}
_NAME: Final = "compare"


def write_page(comparison: Comparison) -> list[Path]:
    """Write the page beside the second run's book, in each of its languages; return where.

    It lies in ``<book>/compare/`` and is written anew each time: it can be made again at any time.

    Args:
        comparison: What differs.

    Raises:
        BookError: If what one of the runs kept is damaged.
    """
    try:
        return _written(comparison)
    except (KeyError, TypeError, ValueError, AttributeError, AnalysisError) as error:
        raise BookError(
            f"The page of the comparison cannot be made of what the runs kept ({type(error).__name__}).",
            hint="a run is not changed by hand; run its book again",
        ) from None


def _written(comparison: Comparison) -> list[Path]:
    from analysis.reporting.render import render_page

    after = comparison.after
    book = after.manifest["resolved_book"]
    languages = ("zh", "en") if book["language"] == "both" else (book["language"],)
    folder = after.folder.parent / _NAME
    folder.mkdir(exist_ok=True)
    # links of the page to its other language are by the notebook's name
    name = f"{comparison.before.run_id}-{after.run_id}"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", name):
        raise BookError("The id of a run is none: letters, digits, - and _.", hint="name another run")
    page = PageInfo(
        notebook=name,
        title=_TITLE,
        book=after.manifest["book"],
        book_title=after.manifest["title"],
        as_of=after.as_of,
        run_id=after.run_id,
        languages=languages,
        currency=book["currency"],
        timezone=book["timezone"],
        min_cell=book["min_cell"],
        overview="../../index.html",
    )
    notebook = _as_notebook(list(_blocks(comparison)))
    paths = []
    for language in languages:
        path = folder / f"{name}.{language}.html"
        write_atomic(path, render_page(notebook, page=page, language=language))
        paths.append(path)
    return paths


def _blocks(comparison: Comparison) -> Iterator[Block]:
    yield blocks.question({"zh": "两次运行的数字为什么不同？", "en": "Why are the numbers of two runs not the same?"})
    values: dict[str, Value] = {
        "changed": Estimate(len(comparison.changed), "count"),
        "all": Estimate(len(comparison.changed) + comparison.n_same, "count"),
        "causes": _kinds(comparison),
        "before": _run(comparison.before),
        "after": _run(comparison.after),
    }
    if comparison.same:
        text = {"zh": "{all}个数字全部相同。", "en": "All {all} numbers are the same."}
    elif not any(number.causes for number in comparison.changed):
        text = {
            "zh": "{all}个数字里有{changed}个不同，而输入没有任何差别。",
            "en": "{changed} of {all} numbers differ, though nothing differs in what went in.",
        }
    else:
        text = {
            "zh": "{all}个数字里有{changed}个不同，原因：{causes}。",
            "en": "{changed} of {all} numbers differ; the cause: {causes}.",
        }
    yield blocks.answer(text, values=values, detail={"zh": "{before} → {after}", "en": "{before} → {after}"})
    if comparison.causes:
        yield blocks.finding({"zh": "输入里有这些差别", "en": "This differs in what went in"})
        columns = [_column("kind", "类别", "Kind"), _column("what", "差别", "Difference")]
        rows = [[CAUSES[cause.kind], cause.what] for cause in comparison.causes]
        yield blocks.table(columns, rows, {"zh": "每行一处差别", "en": "One row per difference"})
    for notebook in dict.fromkeys(number.notebook for number in comparison.changed):
        yield from _section(notebook, [n for n in comparison.changed if n.notebook == notebook])
    yield blocks.method(
        {
            "zh": "每份报告都记下自己的数字依据什么：数据、参数、上一次运行留下的状态。只有它依据的东西变了，才算原因；"
            "几样同时变了，就都列出，要分开只能重新运行。代码和软件版本对所有数字都可能有影响。",
            "en": "Each report keeps what its numbers rest on: data, parameters, what the run before left. Only "
            "what it rests on and what differs is a cause; where several differ all are named, and only running again "
            "tells them apart. Code and versions of software may reach every number.",
        }
    )
    yield blocks.end(_NAME)


def _section(notebook: str, changed: list[ChangedNumber]) -> Iterator[Block]:
    values: dict[str, Value] = {"notebook": notebook, "n": Estimate(len(changed), "count")}
    yield blocks.finding(
        {"zh": "{notebook}：{n}个数字不同", "en": "{notebook}: {n} numbers differ"},
        values=values,
        short=_same(notebook),
    )
    columns = [
        _column("name", "数字", "Number"),
        _column("before", "之前", "Before"),
        _column("after", "之后", "After"),
        _column("cause", "原因", "Cause"),
    ]
    rows = [[n.name, _cell(n.before), _cell(n.after), _causes(n)] for n in changed]
    yield blocks.table(columns, rows, {"zh": "每行一个数字", "en": "One row per number"})


def _causes(number: ChangedNumber) -> dict[str, str]:
    kinds = dict.fromkeys(cause.kind for cause in number.causes)
    if not kinds:
        return {"zh": "没有找到", "en": "not found"}
    return {language: _AND[language].join(CAUSES[kind][language] for kind in kinds) for language in _AND}


def _kinds(comparison: Comparison) -> dict[str, str]:
    kinds = dict.fromkeys(cause.kind for number in comparison.changed for cause in number.causes)
    return {language: _AND[language].join(CAUSES[kind][language] for kind in kinds) or "-" for language in _AND}


def _cell(entry: Any) -> Any:
    """Return an entry of ``results.json`` as a cell: a number with its unit, or a name as text."""
    if entry is None or entry.get("value") is None:
        return None
    value, unit = entry["value"], entry.get("unit")
    if isinstance(value, str) or unit not in UNITS:
        return str(value)
    return Estimate(float(value), unit)


def _run(run: PublishedRun) -> str:
    return f"{date.isoformat(run.as_of)} {run.run_id}"


def _column(name: str, zh: str, en: str) -> dict[str, Any]:
    return {"name": name, "label": {"zh": zh, "en": en}, "unit": ""}


def _same(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def _as_notebook(made: list[Block]) -> dict[str, Any]:
    """Return blocks as an executed notebook of one cell: what the exporter lays out."""
    outputs = [{"output_type": "display_data", "metadata": {}, "data": {blocks.MIME: block}} for block in made]
    cell = {"cell_type": "code", "id": "all", "metadata": {}, "source": "", "execution_count": 1, "outputs": outputs}
    return {"cells": [cell], "metadata": {"siyu": {"title": _TITLE}}, "nbformat": 4, "nbformat_minor": 5}
