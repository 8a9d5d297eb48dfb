"""Charts of the relationship clock draw at both widths, in both languages; nothing leaves the drawing."""

import numpy as np
import pandas as pd
import pytest

from analysis.charts import relationship as charts
from analysis.charts.theme import NARROW, WIDE, Style, draw, drawing
from analysis.churn.relationship.wording import DOOR_LABELS

DAYS = np.array([*range(31), *range(35, 92, 7), *range(105, 721, 15)])


def incidence_rows(door, *, height, method="observed", spread=0.2):
    share = height * (1 - np.exp(-DAYS / 250.0))
    return pd.DataFrame(
        {
            "method": method,
            "door": door,
            **{f"door_{language}": DOOR_LABELS[door][language] for language in ("zh", "en")},
            "days_since_added": DAYS,
            "share_contacts": share,
            "share_contacts_ci_lower": share * (1 - spread),
            "share_contacts_ci_upper": np.minimum(share * (1 + spread), 1),
        }
    )


INCIDENCE = pd.concat(
    [
        incidence_rows("customer", height=0.3),
        incidence_rows("staff", height=0.1, spread=4),
        incidence_rows("customer", height=0.31, method="model"),
    ]
)
SURVIVAL = pd.DataFrame(
    {
        "group": ["refund_gate", "checkout_popup", *(f"a_rather_long_code_{n}" for n in range(18))],
        "d7": [0.52, 0.58, *np.linspace(0.9, 0.99, 18)],
        "d7_ci_lower": [0.4, 0.5, *np.linspace(0.85, 0.97, 18)],
        "d7_ci_upper": [0.65, 0.66, *np.linspace(0.94, 1.0, 18)],
        "confidence_level": 0.95,
        "flagged": [True, True, *[False] * 18],
        "n_new_contacts": 200,
    }
)
RATIOS = pd.DataFrame(
    {
        "label_zh": ["私聊，此前 48 小时内", "客户群，此前 3–7 天", "公众号，此前 8–28 天"],
        "label_en": [
            "Private chat, last 48 hours",
            "Customer group, 3–7 days before",
            "Official account, 8–28 days before",
        ],
        "hazard_ratio": [12.0, 0.8, 1.05],
        "hazard_ratio_ci_lower": [10.5, 0.5, 0.7],
        "hazard_ratio_ci_upper": [14.0, 1.3, 1.6],
        "confidence_level": 0.95,
    }
)
CHARTS = [
    (charts.cumulative_incidence, INCIDENCE),
    (charts.cumulative_incidence, INCIDENCE[INCIDENCE["door"] == "customer"]),
    (charts.contact_survival, SURVIVAL),
    (charts.contact_survival, SURVIVAL.head(1)),
    (charts.hazard_ratios, RATIOS),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("chart", "table"), CHARTS, ids=lambda item: getattr(item, "__name__", "table"))
def test_chart_is_drawn_in_the_pages_colours_and_no_text_is_cut(chart, table, width, language):
    style = Style(language, width)
    made = draw(chart, table, name="test", style=style)
    assert made.startswith("<svg")
    with drawing(style):
        figure = chart(table, style=style)
        figure.canvas.draw()
        edges = figure.bbox
        boxes = [t.get_window_extent() for t in figure.findobj(match=_has_words)]
    assert boxes
    for box in boxes:
        assert box.x0 >= edges.x0 - 1
        assert box.x1 <= edges.x1 + 1
        assert box.y0 >= edges.y0 - 1
        assert box.y1 <= edges.y1 + 1


def _has_words(artist):
    from matplotlib.text import Text

    return isinstance(artist, Text) and artist.get_visible() and bool(artist.get_text().strip())


def test_only_flagged_codes_are_orange():
    assert "var(--warn)" in draw(charts.contact_survival, SURVIVAL, name="t", style=Style("en"))
    plain = SURVIVAL.assign(flagged=False)
    assert "var(--warn)" not in draw(charts.contact_survival, plain, name="t", style=Style("en"))


def test_a_hidden_group_is_not_drawn():
    hidden = SURVIVAL.copy()
    hidden.loc[0, ["d7", "d7_ci_lower", "d7_ci_upper"]] = np.nan
    assert "refund_gate" not in draw(charts.contact_survival, hidden, name="t", style=Style("en"))


def test_empty_tables_draw_empty_axes_and_do_not_stop_the_page():
    for chart, table in CHARTS:
        assert draw(chart, table.head(0), name="t", style=Style("zh", NARROW)).startswith("<svg")


def test_a_ratio_that_may_be_nothing_is_grey():
    only = RATIOS.iloc[[1]]
    assert 'stroke="var(--ink)" stroke-width="3"' not in draw(charts.hazard_ratios, only, name="t", style=Style("en"))
