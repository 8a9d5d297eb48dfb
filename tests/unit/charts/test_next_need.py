"""Charts of the next need draw at both widths, in both languages, with hidden cells and without categories."""

import numpy as np
import pandas as pd
import pytest

from analysis.charts import next_need as charts
from analysis.charts.theme import NARROW, WIDE, Style, draw

WEEKS = 9
CALENDAR = pd.concat(
    [
        pd.DataFrame(
            {
                "category": name,
                "category_zh": name or "全部",
                "category_en": name or "All",
                "week": np.arange(1, WEEKS + 1),
                "week_from_on": pd.Timestamp("2026-07-01") + pd.to_timedelta(7 * np.arange(WEEKS), unit="D"),
                "expected_buyers": 1_000.0 / (1 + place) - 40 * np.arange(WEEKS),
                "expected_buyers_ci_lower": 800.0 / (1 + place) - 40 * np.arange(WEEKS),
                "expected_buyers_ci_upper": 1_300.0 / (1 + place) - 40 * np.arange(WEEKS),
            }
        )
        for place, name in enumerate(["", "latte", "espresso"])
    ],
    ignore_index=True,
)
PIT = pd.DataFrame(
    {
        "pit_from": np.arange(10) / 10,
        "pit_to": np.arange(1, 11) / 10,
        "share": [0.16, *[0.0933333] * 9],
        "expected_share": 0.1,
        "luck_lower": 0.08,
        "luck_upper": 0.12,
    }
)
CHARTS = [(charts.need_calendar, CALENDAR), (charts.pit_histogram, PIT)]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("chart", "table"), CHARTS, ids=lambda item: getattr(item, "__name__", "table"))
def test_chart_is_drawn_in_the_pages_colours(chart, table, width, language):
    drawing = draw(chart, table, name="test", style=Style(language, width))
    assert drawing.startswith("<svg")
    assert "<text" in drawing


def test_a_tenth_beyond_luck_is_marked_as_a_warning():
    assert draw(charts.pit_histogram, PIT, name="t", style=Style("en")).count("var(--warn)") == 1
    honest = PIT.assign(share=0.1)
    assert "var(--warn)" not in draw(charts.pit_histogram, honest, name="t", style=Style("en"))


def test_calendar_without_categories_and_with_a_hidden_week_is_drawn():
    alone = CALENDAR[CALENDAR["category"] == ""].copy()
    alone.loc[2, ["expected_buyers", "expected_buyers_ci_lower", "expected_buyers_ci_upper"]] = np.nan
    drawing = draw(charts.need_calendar, alone, name="t", style=Style("zh"))
    assert "latte" not in drawing
    assert "920" not in drawing  # the hidden week's number
    assert "960" in drawing
