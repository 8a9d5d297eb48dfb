"""PDFs of pages: printed by the browser there is, without the machine in them."""

import re
import shutil

import pytest

from analysis.errors import BookError
from analysis.runs.pages import find_chromium, leading_page, write_pdfs

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
