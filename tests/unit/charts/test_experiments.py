"""Charts of the experiment pages draw at both widths, in both languages, with unknown and unbounded intervals."""

import numpy as np
import pandas as pd
import pytest

from analysis.charts import experiment_design, incrementality
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
CHARTS = [(incrementality.effects, EFFECTS), (incrementality.ways, WAYS), (experiment_design.visible, SHARES)]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("chart", "table"), CHARTS, ids=lambda item: getattr(item, "__name__", "table"))
def test_chart_is_drawn_in_the_pages_colours(chart, table, width, language):
    drawing = draw(chart, table, name="test", style=Style(language, width))
    assert drawing.startswith("<svg")
    assert "<text" in drawing
    assert "<b>" not in drawing
