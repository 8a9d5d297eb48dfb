"""Pages as texts: of a notebook that ran, of one that failed, and the list of all runs."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from analysis.page.glossary import explain
from analysis.page.render import Reader
from analysis.plain_text import visible
from analysis.reporting.failed_words import failed_words
from analysis.reporting.page_info import PageInfo, RunEntry, Sibling

if TYPE_CHECKING:
    from jinja2 import Environment

    from analysis.reporting.execute import Failure

__all__ = ["PageInfo", "RunEntry", "Sibling", "render_failed_page", "render_page", "render_runs_index"]


def render_page(notebook: Mapping[str, Any] | Path | str, *, page: PageInfo, language: str) -> str:
    """Return the page of an executed notebook: one self-contained HTML file.

    Args:
        notebook: The notebook as nbformat or plain JSON holds it, or its file.
        page: What the page says about itself.
        language: ``zh`` or ``en``.

    Raises:
        AnalysisError: If a block is broken or a picture unsafe.
    """
    import nbformat

    plain = json.loads(Path(notebook).read_text(encoding="utf-8")) if isinstance(notebook, Path | str) else notebook
    node = nbformat.from_dict(plain)  # type: ignore[no-untyped-call]  # nbformat has no types
    made, _ = _exporter().from_notebook_node(node, {"siyu": page, "siyu_language": language})
    return str(made)


@lru_cache(maxsize=1)
def _exporter() -> Any:
    """One exporter for all pages of a run: its templates are compiled once."""
    from analysis.reporting.exporter import SiyuExporter

    return SiyuExporter()  # type: ignore[no-untyped-call]  # nbconvert has no types


def render_failed_page(failure: "Failure", *, page: PageInfo, language: str) -> str:
    """Return the page that stands for a notebook that failed: what happened, where, what to do.

    Args:
        failure: Why it failed.
        page: What the page says about itself.
        language: ``zh`` or ``en``.
    """
    from analysis.reporting.exporter import shell

    contact = page.contact.get(language, "")
    reader = Reader(language=language, currency=page.currency, min_cell=page.min_cell, contact=contact)
    title = reader.plain(page.title) or page.notebook
    parts = shell(page, reader=reader, title=title)
    made = (
        _templates()
        .get_template("failed.html.j2")
        .render(page=parts, failure=failure, said=failed_words(failure.kind) if language == "zh" else ("", ""))
    )
    return explain(visible(made), language=language)


def render_runs_index(runs: Sequence[RunEntry], *, language: str = "zh") -> str:
    """Return the list of all runs of all books, newest first.

    Args:
        runs: In any order.
        language: ``zh`` or ``en``.
    """
    from analysis.reporting.exporter import shell

    reader = Reader(language=language)
    info = PageInfo(notebook="index", overview="", languages=(language,))
    parts = shell(info, reader=reader, title=reader.word("runs_title"))
    ordered = sorted(runs, key=lambda run: (run.as_of, run.ended, run.book, run.run_id), reverse=True)
    by_book: dict[str, list[RunEntry]] = {}
    for run in ordered:
        by_book.setdefault(run.book, []).append(run)
    for entries in by_book.values():
        entries.sort(key=lambda run: (run.as_of, run.number, run.ended, run.run_id), reverse=True)
    books = [_book(entries, language=language) for entries in by_book.values()]
    made = _templates().get_template("runs.html.j2").render(page=parts, books=books)
    return explain(visible(made), language=language)


def _book(entries: Sequence[RunEntry], *, language: str) -> dict[str, Any]:
    """Return one book of the list: its latest good run with what it says and its headline numbers, then every run."""
    leading = next((run for run in entries if run.latest), entries[0])
    reader = Reader(language=language, currency=leading.currency, min_cell=leading.min_cell)
    return {
        "title": reader.plain(leading.title) or leading.book,
        "name": leading.book,
        "leading": leading,
        "said": _said(leading, language=language),
        "tiles": [{"label": reader.plain(tile["label"]), **reader.tile(dict(tile))} for tile in leading.tiles[:3]],
        "newest_failed": bool(entries[0].failed),
        "runs": [(run, _said(run, language=language)) for run in entries],
    }


def _said(run: RunEntry, *, language: str) -> Markup:
    """Return what a run's first page says, as text."""
    if run.answer is None:
        return Markup("")
    reader = Reader(language=language, currency=run.currency, min_cell=run.min_cell)
    return reader.tell(run.answer["text"], run.answer["values"])


@lru_cache(maxsize=1)
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("analysis.reporting", "template/siyu")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
