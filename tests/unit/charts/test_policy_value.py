"""Charts of the policy-value page draw at both widths, in both languages, with few policies and with eighty."""

import numpy as np
import pandas as pd
import pytest

from analysis.charts import policy_value as charts
from analysis.charts.theme import NARROW, WIDE, Style, draw


def policies(n: int, *, kind: str = "rate") -> pd.DataFrame:
    value = np.linspace(0.3, 0.1, n)
    names = ["一律 <b>x</b>", *(f"一律 {i}" for i in range(n - 1))]
    ends = {f"{stem}_{kind}{end}": value + by for stem, at in (("value", 0), ("difference", -0.2)) for end, by in
            (("", at), ("_ci_lower", at - 0.05), ("_ci_upper", at + 0.05))}  # fmt: skip
    rows = {"policy_zh": names, "policy_en": [f"Always {i}" for i in range(n)], f"logged_{kind}": 0.2, "grade": "C"}
    return pd.DataFrame(
        {**rows, **ends, "n_matched": range(n, 0, -1), "ess": np.linspace(n, 0.5, n), "confidence_level": 0.95}
    )


WAYS = policies(4, kind="money").rename(columns={"policy_zh": "way_zh", "policy_en": "way_en"})
PERIODS = policies(6, kind="number").assign(
    period_from=pd.date_range("2026-01-01", periods=6, freq="14D"),
    logged_number_ci_lower=0.1,
    logged_number_ci_upper=0.3,
)
CHARTS = [
    (charts.policies, policies(80)),
    (charts.policies, policies(3)),
    (charts.estimators, WAYS),
    (charts.overlap, policies(80)),
    (charts.over_time, PERIODS),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("chart", "table"), CHARTS, ids=lambda item: getattr(item, "__name__", "table"))
def test_chart_is_drawn_in_the_pages_colours(chart, table, width, language):
    drawing = draw(chart, table, name="test", style=Style(language, width))
    assert drawing.startswith("<svg")
    assert "<b>" not in drawing


def test_eighty_policies_are_drawn_as_the_best_and_the_worst():
    drawing = draw(charts.policies, policies(80), name="test", style=Style("en", WIDE))
    assert "68 more in between" in drawing
    assert "Always 0<" in drawing
    assert "Always 79<" in drawing
    assert "Always 40<" not in drawing
