"""Pages of a run: each notebook in each language, the brief also as ``index.html``; PDFs on wish."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from analysis.books.catalogue import LAST
from analysis.errors import BookError, PublishError, SiyuError
from analysis.reporting.execute import Execution, Failure, blocks_of
from analysis.reporting.page_info import DataLine, PageInfo, Sibling
from analysis.runs.printed import searchable
from analysis.whole_files import write_atomic

__all__ = ["find_chromium", "leading_page", "overclaims_of", "render_pages", "write_pdfs"]

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PDF_SECONDS: Final = 120
_LINKS: Final = re.compile(r'\shref="[^"#][^"]*"')
_PDF_DATES: Final = re.compile(rb"/(CreationDate|ModDate) ?\(D:\d{14}[^)]*\)")


def render_pages(executions: Mapping[str, Execution], *, info: PageInfo, out: Path) -> dict[str, Execution]:
    """Write every page in every language, and the leading one again as ``index.html``.

    A page that cannot be rendered makes its notebook fail; the other pages then say so too.

    Args:
        executions: All notebooks of the run, in reading order.
        info: What every page says about the run; the notebook's own part is filled in here.
        out: Folder of the run.

    Returns:
        The executions, with failures of rendering among them.
    """
    texts, broken = _render_all(executions, info)
    if broken:
        executions = {name: replace(one, failure=broken.get(name, one.failure)) for name, one in executions.items()}
        texts, _ = _render_all(executions, info)
    for name, text in texts.items():
        write_atomic(out / name, text)
    write_atomic(out / "index.html", texts[f"{leading_page(executions)}.{info.languages[0]}.html"])
    return dict(executions)


def overclaims_of(executions: Mapping[str, Execution], *, languages: Iterable[str], out: Path) -> list[dict[str, str]]:
    """Return the sentences of a run's pages that claim more than their evidence: page, sentence, word, grade.

    Args:
        executions: All notebooks of the run; pages of failed ones are passed over.
        languages: Of the pages.
        out: Folder of the run.
    """
    from analysis.reporting.overclaims import overclaims

    pages = [(name, language) for name, one in executions.items() if one.failure is None for language in languages]
    return [
        found._asdict()
        for name, language in pages
        for found in overclaims(
            (out / f"{name}.{language}.html").read_text(encoding="utf-8"),
            language=language,
            page=f"{name}.{language}.html",
        )
    ]


def leading_page(names: Iterable[str]) -> str:
    """Return which notebook's page opens the run: the brief, or the first in reading order."""
    names = list(names)
    return LAST if LAST in names else names[0]


def _render_all(executions: Mapping[str, Execution], info: PageInfo) -> tuple[dict[str, str], dict[str, Failure]]:
    from analysis.reporting.render import render_failed_page, render_page

    leading = leading_page(executions)
    info = replace(info, data=_judged(info.data, executions))
    siblings = {name: _sibling(execution) for name, execution in executions.items()}
    texts: dict[str, str] = {}
    broken: dict[str, Failure] = {}
    for name, execution in executions.items():
        page = replace(
            info,
            notebook=name,
            title=siblings[name].title,
            params=info.params.get(name, {}),
            siblings=tuple(sibling for other, sibling in siblings.items() if other != name),
            overview="" if name == leading else "index.html",
        )
        for language in info.languages:
            if execution.failure is None:
                try:
                    texts[f"{name}.{language}.html"] = render_page(execution.notebook, page=page, language=language)
                except SiyuError as error:
                    broken[name] = Failure(type(error).__name__, error.found, error.hint)
            else:
                made = render_failed_page(execution.failure, page=page, language=language)
                texts[f"{name}.{language}.html"] = made
    return texts, broken


def _judged(line: DataLine | None, executions: Mapping[str, Execution]) -> DataLine | None:
    """Return the line on the data with the verdict of the page on data."""
    if line is None or line.page not in executions:
        return line
    judge = executions[line.page]
    states = [
        item["state"] for block in blocks_of(judge.notebook) if block["kind"] == "quality" for item in block["items"]
    ]
    return replace(line, doubtful=sum(state != "ok" for state in states), failed=judge.failure is not None)


def _sibling(execution: Execution) -> Sibling:
    about = execution.notebook.metadata.get("siyu", {})
    title = about.get("title", {})
    if execution.failure is not None:
        return Sibling(
            notebook=execution.name,
            title=title,
            status="failed",
            reason=execution.failure.message,
            kind=execution.failure.kind,
        )
    blocks = blocks_of(execution.notebook)
    answer = next((block for block in blocks if block["kind"] == "answer"), None)
    missing = answer is None and any(block["kind"] == "missing" for block in blocks)
    return Sibling(notebook=execution.name, title=title, status="missing" if missing else "ok", answer=answer)


def find_chromium() -> str:
    """Return the browser that prints pages.

    Raises:
        BookError: If there is none.
    """
    for name in _BROWSERS:
        if found := shutil.which(name):
            return found
    raise BookError("--pdf needs a Chromium browser, and none was found.", hint="install chromium, or leave out --pdf")


def write_pdfs(out: Path, *, chromium: str) -> None:
    """Print every page to a PDF beside it, without the time and place of printing; its text can be searched.

    Raises:
        PublishError: If the browser fails.
    """
    with tempfile.TemporaryDirectory(prefix="siyu-pdf-", ignore_cleanup_errors=True) as work:
        copy = Path(work) / "page.html"
        for page in sorted(out.glob("*.*.html")):
            # a link to a neighbour would carry this machine's folder into the PDF
            copy.write_text(_LINKS.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
            target = page.with_suffix(".pdf")
            command = [
                *(chromium, "--headless", "--disable-gpu", "--no-sandbox", "--no-pdf-header-footer"),
                *("--no-first-run", "--disable-background-networking", f"--user-data-dir={work}/profile"),
                *(f"--print-to-pdf={target}", copy.as_uri()),
            ]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=_PDF_SECONDS)  # noqa: S603  # found above
                target.write_bytes(searchable(_PDF_DATES.sub(_undated, target.read_bytes())))
            except (OSError, subprocess.SubprocessError) as error:
                raise PublishError(
                    f"Cannot print {page.name}: {type(error).__name__}.", hint="leave out --pdf"
                ) from None


def _undated(match: re.Match[bytes]) -> bytes:
    """Keep the length: a PDF's table of contents counts bytes."""
    return re.sub(rb"\d", b"0", match[0])
