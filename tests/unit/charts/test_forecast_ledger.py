"""The ledger's pictures: one panel a kind, inside and outside told apart by shape and colour."""

import pandas as pd
import pytest

from analysis.charts import forecast_ledger as charts
from analysis.charts.theme import Style, draw


def bands(n=12, kinds=3):
    rows = [
        {
            "forecast_of_zh": f"第 {kind} 类",
            "forecast_of_en": f"kind {kind}",
            "due_on": pd.Timestamp("2026-01-05") + pd.Timedelta(days=7 * week),
            "horizon_days": 28,
            "band_low": -0.1,
            "band_high": 0.12,
            "outcome": 0.3 if week == 2 else 0.02,
            "inside": week != 2,
        }
        for kind in range(kinds)
        for week in range(n)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [700, 328])
def test_every_kind_has_its_panel_with_its_count(language, width):
    svg = draw(charts.bands_over_time, bands(), name="t", style=Style(language=language, width=width))
    for kind in range(3):
        assert (f"第 {kind} 类" if language == "zh" else f"kind {kind}") in svg
    assert ("12 次中 11 次" if language == "zh" else "11 of 12 inside") in svg
    assert "var(--warn)" in svg


def test_a_single_forecast_can_be_drawn():
    svg = draw(charts.bands_over_time, bands(n=1, kinds=1), name="t", style=Style(language="en"))
    assert "1 of 1 inside" in svg
    assert "var(--warn)" not in svg


def test_fifths_show_their_counts():
    table = pd.DataFrame(
        {
            "pit_from": [0, 0.2, 0.4, 0.6, 0.8],
            "pit_to": [0.2, 0.4, 0.6, 0.8, 1.0],
            "n_forecasts": [31, 2, 3, 4, 5],
            "share": [31 / 45, 2 / 45, 3 / 45, 4 / 45, 5 / 45],
        }
    )
    svg = draw(charts.where_outcomes_fell, table, name="t", style=Style(language="zh", width=328))
    assert ">31<" in svg
