"""Charts of the experiment pages draw at both widths, in both languages, with unknown and unbounded intervals."""

import numpy as np
import pandas as pd
import pytest

from analysis.charts import experiment_design, incrementality, uplift
from analysis.charts.theme import NARROW, WIDE, Style, draw

EFFECTS = pd.DataFrame(
    {
        "metric_zh": ["人均消费", "visit"],
        "metric_en": ["spend a head", "visit"],
        "arm": ["Mens E-Mail", "<b>x</b>"],
        "rel_effect": [0.3, -0.2],
        "rel_effect_ci_lower": [0.1, np.nan],
        "rel_effect_ci_upper": [0.6, np.nan],
        "pvalue_holm": [0.001, 0.5],
        "confidence_level": 0.95,
    }
)
WAYS = pd.DataFrame(
    {
        "way_zh": ["直接相减", "按员工聚类"],
        "way_en": ["Plain", "By cluster"],
        "effect_rate": [0.01, 0.01],
        "effect_rate_ci_lower": [-0.01, -np.inf],
        "effect_rate_ci_upper": [0.03, np.inf],
        "confidence_level": 0.95,
    }
)
SHARES = pd.DataFrame(
    {
        "holdout_share": [0.05, 0.2],
        "mde_rel": [0.4, np.nan],
        "holdout_cost": [1200.0, 12_000.0],
        "is_planned": [False, True],
    }
)
DEPTHS = pd.DataFrame({"share_touched": [0.0, 0.5, 1.0], "confidence_level": 0.95})
GAINS = DEPTHS.assign(gain_rate=[0, 0.04, 0.05], gain_rate_ci_lower=[0, 0.03, 0.04], gain_rate_ci_upper=[0, 0.05, 0.06])
PARTS = pd.DataFrame(
    {
        "part": [1, 10],
        "predicted_money": [2.0, -1.0],
        "observed_money": [1.5, np.nan],
        "observed_money_ci_lower": [0.5, np.nan],
        "observed_money_ci_upper": [2.5, np.nan],
    }
)
PROFIT = DEPTHS.assign(profit=[0, 9e4, 8e4], profit_ci_lower=[0, 7e4, -6e4], profit_ci_upper=[0, 1e5, 2e5])
CHARTS = [
    (incrementality.effects, EFFECTS),
    (incrementality.ways, WAYS),
    (experiment_design.visible, SHARES),
    (uplift.qini_curve, GAINS.assign(gain_random_rate=[0, 0.025, 0.05])),
    (uplift.uplift_by_part, PARTS),
    (uplift.profit_by_depth, PROFIT),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("chart", "table"), CHARTS, ids=lambda item: getattr(item, "__name__", "table"))
def test_chart_is_drawn_in_the_pages_colours(chart, table, width, language):
    drawing = draw(chart, table, name="test", style=Style(language, width))
    assert drawing.startswith("<svg")
    assert "<text" in drawing
    assert "<b>" not in drawing


def test_a_depth_too_small_to_show_is_left_out_of_the_profit_curve():

    table = pd.DataFrame(
        {"share_touched": [0.0, np.nan, 0.5, 1.0], "n_touched": [0.0, np.nan, 300.0, 600.0]}
        | {f"profit{end}": [0.0, np.nan, 500.0, 300.0] for end in ("", "_ci_lower", "_ci_upper")}
    )
    drawn = draw(uplift.profit_by_depth, table, name="depth", style=Style(language="en", width=700))
    assert "nan" not in drawn.lower()
