"""An analyst's own outputs: shown, but never trusted."""

import base64

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.reporting.generic import markdown, output


def dom(markup: str) -> BeautifulSoup:
    return BeautifulSoup(markup, "html.parser")


def test_a_frame_keeps_its_table_and_loses_its_style() -> None:
    frame = pd.DataFrame({"name": ["<script>alert(1)</script>", "乙"], "n": [1, 2]})
    made = dom(output({"text/html": frame._repr_html_(), "text/plain": "x"}, language="zh"))  # type: ignore[operator]  # pandas' own
    assert [td.get_text() for td in made.select("td")] == ["<script>alert(1)</script>", "1", "乙", "2"]
    assert not made.find_all(["style", "script"])


def test_a_styler_that_does_not_escape_is_made_harmless() -> None:
    name = '<img src=x onerror="alert(1)"><script>alert(1)</script>'
    made = dom(output({"text/html": f"<table onclick=x><tr><td>{name}</td></tr></table>"}, language="zh"))
    assert not made.find_all(["img", "script"])
    assert not [tag for tag in made.find_all() if any(name.startswith("on") for name in tag.attrs)]


def test_pictures_become_data_in_which_no_script_runs() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    made = dom(output({"image/svg+xml": svg}, language="en"))
    assert made.img is not None
    assert str(made.img["src"]).startswith("data:image/svg+xml;base64,")
    assert made.img["alt"] == "Picture"
    png = base64.b64encode(b"\x89PNG").decode()
    assert f"data:image/png;base64,{png}" in output({"image/png": f"{png}\n", "text/html": "<p>x"}, language="zh")
    assert output({"image/png": '" onerror="alert(1)'}, language="zh") == ""


@pytest.mark.parametrize(
    "mime", ["application/javascript", "application/vnd.plotly.v1+json", "text/latex", "application/json"]
)
def test_kinds_of_output_a_page_does_not_know_are_left_out(mime: str) -> None:
    assert output({mime: "alert(1)"}, language="zh") == ""


def test_printed_text_loses_terminal_colours_and_has_an_end() -> None:
    made = dom(output({"text/plain": "\x1b[31mred\x1b[0m <b>" + "x" * 50_000}, language="zh"))
    assert made.get_text().startswith("red <b>")
    assert len(made.get_text()) < 21_000


def test_prose_keeps_lists_tables_and_emphasis_below_the_pages_headings() -> None:
    made = dom(markdown("# big\n\n- **one**\n- two\n\n| a |\n|---|\n| 1 |\n\n### small"))
    assert [h.name for h in made.find_all(["h1", "h2", "h3", "h4"])] == ["h3", "h4"]
    assert made.table is not None
    assert made.strong is not None


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](https://example.org)",
        "[x](//example.org)",
        "[x](data:text/html,x)",
        "![x](https://example.org/x.png)",
        "<a href='javascript:alert(1)'>x</a>",
        "[x](../../secret)",
    ],
)
def test_prose_can_neither_act_nor_lead_outside(source: str) -> None:
    made = dom(markdown(source))
    assert not made.find_all(["script", "img"])
    targets = "".join(str(a["href"]) for a in made.find_all("a", href=True))
    assert not any(mark in targets for mark in (":", "/", ".."))


def test_prose_may_lead_to_another_page_of_the_run() -> None:
    made = dom(markdown("[流失](churn.zh.html#s1)"))
    assert [a["href"] for a in made.find_all("a")] == ["churn.zh.html#s1"]
