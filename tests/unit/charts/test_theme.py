"""The drawing that a chart becomes: the page's colours only, text as text, the same bytes every time."""

import re

import matplotlib as mpl
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure

from analysis.charts.theme import (
    ACCENT,
    MARK,
    RASTERISE_ABOVE,
    TOKENS,
    WARN,
    Style,
    draw,
    interval_mark,
    label_end,
    label_y_right,
    marker_of,
    scatter,
    tell,
    tell_points,
    to_svg,
    zero_line,
)
from analysis.errors import AnalysisError
from analysis.evidence import Estimate, Grade
from analysis.page.picture import safe_svg
from analysis.page.render import stylesheet

STYLES = [Style(language, width) for language in ("zh", "en") for width in (700, 328)]
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img onerror=alert(1)>',
    "$x$",
    "$\\frac{1}{2}$",
    "{n}",
    "]]>",
    "<!--x-->",
    "&amp;",
]


def chart(table: pd.DataFrame, *, style: Style) -> Figure:
    figure, axes = style.canvas(200, left=120, top=40, right=60)
    for y, (grade, color) in enumerate(zip(Grade, [MARK, ACCENT, MARK, MARK, WARN], strict=True)):
        interval_mark(axes, y, Estimate(y - 2, "money", y - 3, y - 1, 0.8, grade), color=color)
    for y, name in enumerate(table["name"]):
        label_end(axes, 3, y, name, bold=y == 0)
    axes.set_yticks([])
    axes.grid(visible=True, axis="x")
    zero_line(axes, style.text("0 = 现行做法", "0 = as now"))
    return figure


def names(*texts: str) -> pd.DataFrame:
    return pd.DataFrame({"name": texts or ("甲", "乙")})


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_no_colour_is_left_but_the_pages_own(style: Style) -> None:
    made = draw(chart, names(), name="c", style=style)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?!\))", made.replace("url(#", "(").replace('href="#', '"'))
    assert "rgb(" not in made
    used = set(re.findall(r"var\(--([\w-]+)\)", made))
    assert used <= set(TOKENS.values())
    assert {"accent", "mark", "warn", "ink"} <= used


def test_each_colour_of_a_chart_is_the_light_value_of_a_token_of_the_page() -> None:
    light = dict(re.findall(r"--([\w-]+): *(#[0-9a-f]{6})", stylesheet().split("@media")[0]))
    assert {token: color for color, token in TOKENS.items()} == {token: light[token] for token in TOKENS.values()}


def test_a_colour_that_is_no_token_is_an_error_that_names_it() -> None:
    style = Style("zh")
    figure, axes = style.canvas(100)
    axes.plot([0, 1], color="#ff0000")
    with pytest.raises(AnalysisError, match="#ff0000"):
        to_svg(figure, name="c", style=style)


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_the_same_chart_gives_the_same_bytes(style: Style) -> None:
    assert draw(chart, names(), name="c", style=style) == draw(chart, names(), name="c", style=style)


def test_two_drawings_share_no_id() -> None:
    def ids(width: int) -> set[str]:
        found = re.findall(r'\bid="([^"]+)"', draw(chart, names(), name="c", style=Style("zh", width)))
        assert len(found) == len(set(found))
        return set(found)

    wide, narrow = ids(700), ids(328)
    assert wide
    assert not wide & narrow


@pytest.mark.parametrize("payload", PAYLOADS)
def test_data_in_a_label_is_neither_markup_nor_mathematics(payload: str) -> None:
    made = safe_svg(draw(chart, names("甲", payload), name="c", style=Style("zh")), label="x", kind="wide")
    dom = BeautifulSoup(made, "html.parser")
    assert payload in [text.get_text() for text in dom.find_all("text")]
    assert {tag.name for tag in dom.find_all()} <= {
        "svg",
        "path",
        "text",
        "defs",
        "clippath",
        "rect",
        "use",
        "g",
        "circle",
    }


def test_a_drawing_says_nothing_about_when_and_with_what_it_was_made() -> None:
    made = draw(chart, names(), name="c", style=Style("en"))
    for trace in ("<!--", "<metadata", "<style", "font-family", "Matplotlib", "DejaVu", "style=", "<?xml", "DOCTYPE"):
        assert trace not in made
    assert made.startswith("<svg ")
    assert re.match(r'<svg [^>]*viewBox="0 0 700 200"', made)
    assert not re.match(r"<svg [^>]*\b(width|height)=", made)


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_no_text_is_smaller_than_twelve_even_outside_of_the_houses_look(style: Style) -> None:
    figure, axes = style.canvas(100)
    axes.annotate("small", (0, 0), fontsize=7)
    axes.text(0, 0, "default")
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', to_svg(figure, name="c", style=style))]
    assert sizes
    assert min(sizes) >= 12


def test_the_look_stays_inside_the_drawing() -> None:
    before = dict(mpl.rcParams)
    draw(chart, names(), name="c", style=Style("zh"))
    assert dict(mpl.rcParams) == before


def test_a_large_scatter_becomes_a_picture_and_a_small_one_stays_marks() -> None:
    def size(n: int) -> tuple[int, bool]:
        style = Style("en")
        figure, axes = style.canvas(200)
        scatter(axes, list(range(n)), list(range(n)))
        made = to_svg(figure, name="s", style=style)
        safe_svg(made, label="x", kind="wide")
        return len(made), "data:image/png" in made

    assert size(50)[1] is False
    large, picture = size(RASTERISE_ABOVE + 1)
    assert picture
    assert large < 100_000


def test_values_on_the_right_are_written_above_their_lines() -> None:
    style = Style("zh")
    figure, axes = style.canvas(200)
    axes.set_ylim(0, 100)
    label_y_right(axes, [0, 50], ["0", "50"])
    assert ">50</text>" in to_svg(figure, name="y", style=style)


def test_an_unknown_estimate_draws_nothing() -> None:
    style = Style("zh")
    _figure, axes = style.canvas(100)
    interval_mark(axes, 0, Estimate(None, "money"))
    assert not axes.lines
    assert not axes.collections


def test_a_chart_is_drawn_in_the_two_widths_of_the_page_only() -> None:
    with pytest.raises(AnalysisError, match="700 or 328"):
        Style("zh", 500)
    with pytest.raises(AnalysisError, match="language"):
        Style("fr")


def test_numbers_in_a_chart_are_written_as_on_the_page() -> None:
    style = Style("zh")
    assert style.scale([614_000.0], "money").label == "万元"
    assert style.number(126_000, "money") == "¥12.6\u00a0万"
    assert style.estimate(Estimate(3943, "customers", 3611, 4288, 0.8), bare=True) == "3,940"


def told_marks(style: Style) -> str:
    figure, axes = style.canvas(100)
    interval_mark(axes, 0, Estimate(1.0, "share", 0.5, 1.5, 0.8, Grade.PRIOR), style=style, name="<甲>")
    (line,) = axes.plot([0, 1], [0, 1], color=MARK)
    tell(line, series="乙")
    tell_points(axes, [0, 1, 2], [0, float("nan"), 2], ["one", "two", "three"], series="乙")
    for bar, text in zip(axes.bar([0, 1], [1, 2], color=MARK), ("x", "y"), strict=True):
        tell(bar, text)
    return to_svg(figure, name="told", style=style)


def test_marks_carry_their_values_and_series_their_names() -> None:
    import xml.etree.ElementTree as ET

    root = ET.fromstring(told_marks(Style("zh")))
    svg = "{http://www.w3.org/2000/svg}"
    titles = [title.text or "" for title in root.iter(f"{svg}title")]
    assert [text for text in titles if text.startswith("<甲>")] == ["<甲>\n100%\n80% 区间 50%–150%"] * 2
    assert sorted(text for text in titles if not text.startswith("<")) == ["one", "three", "x", "y"]
    assert [group.get("data-s") for group in root.iter(f"{svg}g") if group.get("data-s")] == ["乙", "乙"]
    assert "siyu:" not in told_marks(Style("zh"))
    assert safe_svg(told_marks(Style("zh")), label="x", kind="wide")


def test_values_that_do_not_fit_the_marks_are_left_out() -> None:
    style = Style("en")
    figure, axes = style.canvas(100)
    (points,) = axes.plot([0, 1], [0, 1], **marker_of(Grade.PRIOR))
    tell(points, "only", "three", "texts")
    assert "<title" not in to_svg(figure, name="told", style=style)
