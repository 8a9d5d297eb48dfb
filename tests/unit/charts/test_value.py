"""Charts of the value page draw at both widths, in both languages, with hidden and unknown cells."""

import numpy as np
import pandas as pd
import pytest

from analysis.charts import value as charts
from analysis.charts.theme import NARROW, WIDE, Style, draw
from analysis.churn.alive_grid import alive_grid

WEEKS = pd.DataFrame(
    {
        "week": np.arange(1, 11),
        "in_calibration": [True] * 6 + [False] * 4,
        "actual": np.arange(10) * 100.0,
        "forecast": np.arange(10) * 104.0,
        "forecast_ci_lower": np.arange(10) * 95.0,
        "forecast_ci_upper": np.arange(10) * 113.0,
    }
)
GRID = alive_grid(
    pd.DataFrame(
        {
            "frequency": np.arange(400) % 12,
            "days_since_last_order": np.arange(400) * 2.0,
            "p_alive": np.linspace(1, 0, 400),
        }
    )
)
VALUES = pd.DataFrame(
    {
        "tier_zh": ["重要价值客户", "一般挽留客户"],
        "tier_en": ["Best customers, less recent", "Few orders, less recent"],
        "source": ["live_stream", "<b>store</b>"],
        "n_customers": [3000, 20],
        "clv_each": [1080.0, np.nan],
        "clv_each_ci_lower": [800.0, np.nan],
        "clv_each_ci_upper": [1400.0, np.nan],
        "confidence_level": 0.8,
    }
)
RATIOS = pd.DataFrame(
    {
        "source_zh": ["全部来源", "直播", "门店"],
        "source_en": ["All sources", "live", "store"],
        "ltv_to_cac": [2.0, 0.5, np.nan],
        "ltv_to_cac_ci_lower": [1.8, 0.4, np.nan],
        "ltv_to_cac_ci_upper": [2.2, 0.6, np.nan],
        "payback_months": [4.0, np.nan, np.nan],
        "months_seen": [12.0, 9.0, 12.0],
        "confidence_level": 0.8,
    }
)
CALENDAR = pd.DataFrame(
    {
        "week_from_on": pd.date_range("2026-07-01", periods=9, freq="7D"),
        "expected_buyers": np.linspace(500, 90, 9),
        "expected_buyers_ci_lower": np.linspace(450, 70, 9),
        "expected_buyers_ci_upper": np.linspace(560, 120, 9),
    }
)
CHARTS = [
    (charts.tracking, WEEKS),
    (charts.alive_grid, GRID),
    (charts.clv_by_tier, VALUES),
    (charts.clv_by_source, VALUES),
    (charts.ltv_to_cac, RATIOS),
    (charts.need_calendar, CALENDAR),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("chart", "table"), CHARTS, ids=lambda item: getattr(item, "__name__", "table"))
def test_chart_is_drawn_in_the_pages_colours(chart, table, width, language):
    drawing = draw(chart, table, name="test", style=Style(language, width))
    assert drawing.startswith("<svg")
    assert "<text" in drawing


def test_a_source_below_one_is_a_warning_and_says_that_it_has_not_paid_back():
    drawing = draw(charts.ltv_to_cac, RATIOS, name="t", style=Style("en"))
    assert "var(--warn)" in drawing
    assert "paid back in month 4" in drawing
    assert "not in 9 months" in drawing
    assert "no cost" in drawing
    assert "var(--warn)" not in draw(charts.ltv_to_cac, RATIOS.head(1), name="t", style=Style("en"))


def test_a_hidden_cell_of_the_grid_shows_a_dot_and_no_number():
    hidden = GRID.astype({"n_customers": float})
    hidden.loc[0, ["n_customers", "p_alive"]] = np.nan
    assert "·" in draw(charts.alive_grid, hidden, name="t", style=Style("en"))
    assert "·" not in draw(charts.alive_grid, GRID, name="t", style=Style("en"))


def test_names_of_sources_are_data_not_markup():
    assert "<b>" not in draw(charts.clv_by_source, VALUES, name="t", style=Style("en"))
