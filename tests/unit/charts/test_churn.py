"""Charts of the churn page draw at both widths, in both languages, with hidden cells and few rows."""

import numpy as np
import pandas as pd
import pytest

from analysis.charts import churn as charts
from analysis.charts.theme import NARROW, WIDE, Style, draw
from analysis.churn import two_clocks_wording
from analysis.churn.priorities import BANDS
from analysis.churn.two_clocks import DELETE_BANDS
from analysis.churn.wording import RISK_BANDS, VALUE_BANDS

RELIABILITY = pd.DataFrame(
    {
        "mean_p_churn": [0.1, 0.3, 0.6],
        "churn_rate": [0.12, 0.5, 0.61],
        "churn_rate_ci_lower": [0.08, 0.45, 0.55],
        "churn_rate_ci_upper": [0.16, 0.55, 0.66],
    }
)
GRID = pd.DataFrame(
    [
        {
            **{f"value_band_{lang}": VALUE_BANDS[value][lang] for lang in ("zh", "en")},
            **{f"risk_band_{lang}": RISK_BANDS[risk][lang] for lang in ("zh", "en")},
            "n_customers": 1_052.0,
            "value_at_risk": 120_000.0 * (1 + i),
            "value_at_risk_each": 50.0 * (1 + i),
        }
        for i, (value, risk) in enumerate((v, r) for v in BANDS for r in BANDS)
    ]
)
CLOCKS = pd.DataFrame(
    [
        {
            **{f"delete_band_{lang}": two_clocks_wording.DELETE_BANDS[delete][lang] for lang in ("zh", "en")},
            **{f"risk_band_{lang}": RISK_BANDS[risk][lang] for lang in ("zh", "en")},
            "n_customers": 101.0 + i,
            "value_at_risk": 9_000.0 * (1 + i),
            "p_delete_from": 0.045 - 0.01 * (i // 3),
            "p_churn_from": 0.83 - 0.3 * (i % 3),
        }
        for i, (delete, risk) in enumerate((d, r) for d in DELETE_BANDS for r in BANDS)
    ]
)
DRIVERS = pd.DataFrame(
    {
        "driver_zh": ["多久没来了", "来得多不多"],
        "driver_en": ["How long since the last order", "How often they buy"],
        "error_rise": [0.06, 0.001],
        "error_rise_ci_lower": [0.05, -0.001],
        "error_rise_ci_upper": [0.07, 0.003],
        "confidence_level": 0.95,
        "contrast_zh": ["高风险 100 天，低风险 12 天", "高低风险差不多"],
        "contrast_en": ["high risk 100 days, low risk 12 days", "much the same"],
    }
)
CHARTS = [
    (charts.reliability_curve, RELIABILITY),
    (charts.risk_grid, GRID),
    (charts.clock_grid, CLOCKS),
    (charts.drivers, DRIVERS),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("chart", "table"), CHARTS, ids=lambda item: getattr(item, "__name__", "table"))
def test_chart_is_drawn_in_the_pages_colours(chart, table, width, language):
    drawing = draw(chart, table, name="test", style=Style(language, width))
    assert drawing.startswith("<svg")
    assert "<text" in drawing


def test_point_whose_interval_misses_the_diagonal_is_marked_as_a_warning():
    assert "var(--warn)" in draw(charts.reliability_curve, RELIABILITY, name="t", style=Style("en"))
    honest = RELIABILITY.assign(mean_p_churn=RELIABILITY["churn_rate"])
    assert "var(--warn)" not in draw(charts.reliability_curve, honest, name="t", style=Style("en"))


def test_hidden_cells_show_no_number_and_only_the_dearest_known_cell_is_framed():
    hidden = GRID.copy()
    hidden.loc[8, ["n_customers", "value_at_risk", "value_at_risk_each"]] = np.nan
    drawing = draw(charts.risk_grid, hidden, name="t", style=Style("en"))
    assert "450" not in drawing  # the hidden cell's money a head
    assert "$" not in drawing
    assert drawing.count('stroke="var(--accent)"') == 1


def test_grid_of_both_clocks_frames_those_likeliest_to_leave_by_both_doors_and_says_where_bands_start():
    drawing = draw(charts.clock_grid, CLOCKS, name="t", style=Style("en"))
    assert drawing.count('stroke="var(--accent)"') == 1
    assert "from 83.0%" in drawing
    assert "from 4.5%" in drawing
    assert "from 2.5%" not in drawing  # the lowest band starts anywhere
    assert "¥81,000 at stake" in drawing


def test_grid_of_both_clocks_shows_no_number_of_a_hidden_cell_and_frames_nobody_then():
    hidden = CLOCKS.copy()
    hidden.loc[0, ["n_customers", "value_at_risk", "p_delete_from", "p_churn_from"]] = np.nan
    drawing = draw(charts.clock_grid, hidden, name="t", style=Style("en"))
    assert ">101<" not in drawing
    assert "9,000 at stake" not in drawing
    assert 'stroke="var(--accent)"' not in drawing
    assert "from 83.0%" in drawing  # the column's other cells still know where it starts
