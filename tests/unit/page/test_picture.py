import pytest
from bs4 import BeautifulSoup

from analysis.errors import AnalysisError
from analysis.evidence import Estimate, Grade
from analysis.page.picture import interval_bar, safe_svg, sparkline

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        '<path d="M0 0" onload="alert(1)"/>',
        '<foreignObject><b xmlns="http://www.w3.org/1999/xhtml">x</b></foreignObject>',
        '<a href="#x"><text>x</text></a>',
        '<use href="https://example.org/x.svg#a"/>',
        '<image href="https://example.org/x.png"/>',
        '<image href="data:image/svg+xml;base64,PHN2Zz4="/>',
        '<path fill="url(https://example.org/x)"/>',
        '<path style="fill:red"/>',
        "<style>*{fill:red}</style>",
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<set attributeName="onload" to="alert(1)"/>',
        "<metadata>someone</metadata>",
    ],
)
def test_a_picture_that_could_act_or_call_out_is_refused(inner: str) -> None:
    with pytest.raises(AnalysisError, match=r"refuse|address"):
        safe_svg(f"{HEAD}{inner}</svg>", label="x", kind="wide")


@pytest.mark.parametrize(
    "markup",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg viewBox="0 0 1 1">&a;</svg>',
        "<svg",
        "<p>no</p>",
        '<svg xmlns="http://www.w3.org/2000/svg"/>',
    ],
)
def test_what_is_no_plain_svg_is_refused(markup: str) -> None:
    with pytest.raises(AnalysisError):
        safe_svg(markup, label="x", kind="wide")


def test_a_harmless_picture_keeps_its_text_and_says_what_it_shows() -> None:
    defs = '<defs><clipPath id="c"><rect width="1" height="1"/></clipPath></defs>'
    inner = f'{defs}<text clip-path="url(#c)">&lt;b&gt; 甲</text>'
    made = BeautifulSoup(safe_svg(f"{HEAD}{inner}</svg>", label='"><b>', kind="narrow"), "html.parser")
    assert made.find("text").get_text() == "<b> 甲"  # type: ignore[union-attr]  # it is there
    assert made.svg is not None
    assert made.svg["aria-label"] == '"><b>'
    assert made.find("b") is None


def test_a_line_needs_two_points_and_marks_the_last() -> None:
    assert sparkline([1.0], worse=False) == ""
    assert sparkline([None, 2.0], worse=False) == ""
    made = BeautifulSoup(sparkline([1.0, None, 3.0], worse=True), "html.parser")
    assert made.select_one("circle.bad") is not None


def test_decisions_on_one_axis_share_their_scale() -> None:
    small = Estimate(9_200, "money", 4_600, 14_300, 0.8, Grade.PRIOR)
    large = Estimate(61_400, "money", 38_000, 88_000, 0.8)
    alone = interval_bar(small, low_text="", high_text="")
    beside = interval_bar(small, low_text="", high_text="", span_of=[large])
    assert alone != beside
    assert "ivd" in beside
    assert interval_bar(Estimate(1, "money"), low_text="", high_text="") == ""
