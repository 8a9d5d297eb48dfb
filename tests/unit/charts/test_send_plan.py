"""Charts of the send plan draw at both widths, in both languages, with hidden groups, empty days and no touches."""

import pandas as pd
import pytest

from analysis.charts import send_plan as charts
from analysis.charts.theme import NARROW, WIDE, Style, draw
from analysis.touch.plan.wording import REASON_LABELS

DAYS = pd.DataFrame(
    [
        {"day": f"2026-07-0{d}", "channel_zh": zh, "channel_en": en, "n_touches": n * (d - 1)}
        for d in range(1, 8)
        for zh, en, n in (("私聊", "private chat", 40), ("朋友圈", "Moments", 25), ("短信", "SMS", 3))
    ]
)
OUTCOMES = pd.DataFrame(
    {
        **{f"why_{lang}": [words[lang] for words in REASON_LABELS.values()] for lang in ("zh", "en")},
        "n_customers": [float(1000 - 60 * i) if i != 3 else float("nan") for i in range(len(REASON_LABELS))],
        "share_customers": 0.1,
        "planned": [i == 0 for i in range(len(REASON_LABELS))],
    }
)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(
    ("chart", "table"),
    [(charts.touches_by_day, DAYS), (charts.touches_by_day, DAYS.head(0)), (charts.customers_by_outcome, OUTCOMES)],
)
def test_it_draws(chart, table, width, language):
    drawing = draw(chart, table, name="t", style=Style(language=language, width=width, currency="CNY"))
    assert drawing.lstrip().startswith("<svg")


def test_a_day_says_its_total_and_an_empty_day_zero():
    drawing = draw(charts.touches_by_day, DAYS, name="t", style=Style(language="en", width=WIDE, currency="CNY"))
    assert ">408<" in drawing
    assert ">0<" in drawing


def test_a_hidden_group_has_no_number():
    drawing = draw(
        charts.customers_by_outcome, OUTCOMES, name="t", style=Style(language="en", width=WIDE, currency="CNY")
    )
    assert "820" not in drawing
    assert "·" in drawing
