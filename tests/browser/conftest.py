"""Pages in a real browser, without a driver: a frame of the wanted width, measured by a script outside of the page."""

import html
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Measure = Callable[[str, int], dict[str, Any]]

SCRIPT = r"""
<script>
window.onerror = function (m) { document.title = 'error ' + m; };
document.getElementById('f').onload = function () {
  var d = this.contentDocument, w = this.contentWindow, out = {};
  var shown = function (e) { return e.getClientRects().length > 0 && w.getComputedStyle(e).visibility !== 'hidden'; };
  var box = function (e) { var r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  out.scroll = d.scrollingElement.scrollWidth;
  out.small = [].filter.call(d.querySelectorAll('body *'), function (e) {
    var own = [].some.call(e.childNodes, function (n) { return n.nodeType === 3 && n.data.trim(); });
    return own && shown(e) && parseFloat(w.getComputedStyle(e).fontSize) < 11.9; }).map(function (e) { return e.textContent; });
  out.cut = [].filter.call(d.querySelectorAll('h1,h2,h3,p,li,dd,dt,.v,.hero,.g,summary,figcaption'), function (e) {
    return shown(e) && !e.closest('.tw') && !e.closest('.vh') && !e.classList.contains('vh') && e.getBoundingClientRect().right > w.innerWidth + 1; })
    .map(function (e) { return e.textContent; });
  out.drawings = [].filter.call(d.querySelectorAll('svg[role=img]'), shown).map(function (s) {
    return {kind: s.getAttribute('class'), frame: box(s), texts: [].map.call(s.querySelectorAll('text'), function (t) {
      return {text: t.textContent, box: box(t), size: parseFloat(w.getComputedStyle(t).fontSize) * s.getBoundingClientRect().width / s.viewBox.baseVal.width}; })}; });
  out.wide = [].filter.call(d.querySelectorAll('body *'), function (e) {
    return shown(e) && !e.closest('.tw') && !e.closest('svg') && e.getBoundingClientRect().right > w.innerWidth + 1; })
    .map(function (e) { return e.tagName + '.' + e.className; });
  out.h1 = d.querySelectorAll('h1').length;
  out.ids = [].map.call(d.querySelectorAll('[id]'), function (e) { return e.id; });
  document.getElementById('r').textContent = JSON.stringify(out);
};
document.getElementById('f').srcdoc = document.getElementById('p').textContent;
</script>
"""  # noqa: E501  # a script


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _run(chromium: str, arguments: list[str], home: Path) -> str:
    command = [
        chromium,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        f"--user-data-dir={home}",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ})
    return done.stdout


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser, or a skip."""
    found = _chromium()
    if found is None:
        pytest.skip("no chromium on this machine")
    return found


@pytest.fixture
def measure(chromium: str, tmp_path: Path) -> Measure:
    """``measure(page, width)``: what stands where on a page of that width."""

    def measured(page: str, width: int) -> dict[str, Any]:
        outer = tmp_path / f"outer-{width}.html"
        outer.write_text(
            '<!doctype html><meta charset="utf-8"><body style="margin:0">'
            f'<template></template><pre id="p" hidden>{html.escape(page)}</pre><pre id="r"></pre>'
            f'<iframe id="f" style="border:0;width:{width}px;height:900px"></iframe>{SCRIPT}',
            encoding="utf-8",
        )
        shown = _run(
            chromium,
            [f"--window-size={max(width, 500)},900", "--virtual-time-budget=4000", "--dump-dom", outer.as_uri()],
            tmp_path / "profile",
        )
        found = html.unescape(shown.split('<pre id="r">')[1].split("</pre>")[0])
        made: dict[str, Any] = json.loads(found)
        return made

    return measured
