"""PDFs of pages: printed by the browser there is, without the machine in them."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import BookError
from analysis.runs.pages import find_chromium, leading_page, write_pdfs
from analysis.runs.printed import searchable

PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>流失</title>
<h1 id="top">谁快要流失了？</h1><a href="tiers.zh.html">分层</a><a href="#top">上</a></html>"""


def test_the_brief_leads_and_else_the_first_page():
    assert leading_page(["tiers", "brief", "churn"]) == "brief"
    assert leading_page(["tiers", "churn"]) == "tiers"


def test_without_a_browser_nothing_begins(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(BookError, match="--pdf needs"):
        find_chromium()


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")
def test_a_printed_page_tells_neither_when_nor_where_it_was_printed(tmp_path):
    (tmp_path / "churn.zh.html").write_text(PAGE, encoding="utf-8")
    write_pdfs(tmp_path, chromium=find_chromium())
    printed = (tmp_path / "churn.zh.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert b"file:" not in printed
    assert str(tmp_path).encode() not in printed
    assert re.findall(rb"/CreationDate ?\(D:(\d{14})", printed) == [b"0" * 14]
    again = tmp_path / "again"
    again.mkdir()
    (again / "churn.zh.html").write_text(PAGE, encoding="utf-8")
    write_pdfs(again, chromium=find_chromium())
    assert (again / "churn.zh.pdf").read_bytes() == printed


# each of them has a radical that looks the same and comes first in a font
SAID = "用户至上：长尾门店里的一次大促，食品比衣服多两成–三成，青年人先见到行车路面"


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")
def test_a_run_prints_pages_with_their_chinese_embedded_and_searchable(project):
    project.notebook("alpha", f'wb.answer(zh="{SAID}。", en="Customers first.")\nwb.results({{}})')
    book = project.book("alpha", extra="language: both\n")
    latest = project.run(book, pdf=True).folder
    assert {path.name for path in latest.glob("*.pdf")} == {"alpha.zh.pdf", "alpha.en.pdf"}
    listed = json.loads((latest / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert "alpha.zh.pdf" in listed
    text, fonts = _read(latest / "alpha.zh.pdf")
    assert SAID in text
    assert re.findall("[\u2e80-\u2fdf]", text) == []
    chinese = [font for font in fonts if _embedded(font) and _names_chinese(font)]
    assert chinese
    assert [font for font in fonts if not _embedded(font)] == []
    assert "Customers first." in _read(latest / "alpha.en.pdf")[0]


def test_a_file_that_is_no_printed_page_is_left_as_it_is():
    for content in (b"", b"%PDF-1.4\n", b"%PDF-1.4\nstartxref\n5\n%%EOF\n"):
        assert searchable(content) == content


def _read(path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The text of a PDF without its line breaks, and its fonts; a strict reader takes no table that is off."""
    from pypdf import PdfReader

    printed = PdfReader(path, strict=True)
    text = "".join(page.extract_text() for page in printed.pages)
    fonts = [font for page in printed.pages for font in _fonts(page["/Resources"])]
    return text.replace("\n", ""), fonts


def _fonts(resources: Any) -> Iterator[dict[str, Any]]:
    for font in resources.get("/Font", {}).values():
        yield font.get_object()
    for form in resources.get("/XObject", {}).values():
        yield from _fonts(form.get_object().get("/Resources", {}))


def _embedded(font: dict[str, Any]) -> bool:
    """Whether the glyphs are in the file: as drawings of their own, or as a font."""
    if font["/Subtype"] == "/Type3":
        return bool(font["/CharProcs"])
    inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
    return any(name.startswith("/FontFile") for name in inner["/FontDescriptor"].get_object())


def _names_chinese(font: dict[str, Any]) -> bool:
    named = font["/ToUnicode"].get_object().get_data().decode() if "/ToUnicode" in font else ""
    return any("4E00" <= code <= "9FFF" for code in re.findall(r"<([0-9A-F]{4})>\n", named))
