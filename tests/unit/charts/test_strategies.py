"""The strategies page's pictures: drawn in both languages and widths, within the drawing, values side by side."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from analysis.charts import strategies as charts
from analysis.charts.theme import Style, draw, drawing

STYLES = [Style(language, width=width) for language in ("zh", "en") for width in (700, 328)]
each_style = pytest.mark.parametrize("style", STYLES, ids=lambda s: f"{s.language}-{s.width}")
ZH = ["每周全员私聊促销并附满减券和上门服务一次", "照旧", "下一次需求私聊提醒", "不触达", "流失预警挽回"]
EN = [
    "Weekly private-chat promotion to everybody, always",
    "As before",
    "Next-need chat reminder",
    "No touch",
    "Win-back",
]


@pytest.fixture
def strategies() -> pd.DataFrame:
    profit, lost = np.array([61400.0, 5200, 4900, 0, -26700]), np.array([117.0, 23, 15, 0, 16])
    return pd.DataFrame(
        {
            "strategy_zh": ZH,
            "strategy_en": EN,
            "incremental_profit": profit,
            "incremental_profit_ci_lower": [-31400.0, -2100, -3800, None, -58100],
            "incremental_profit_ci_upper": [153900.0, 15400, 12700, None, 3900],
            "incremental_deletions": lost,
            "incremental_deletions_ci_lower": [40.0, 9, 6, None, 8],
            "incremental_deletions_ci_upper": [199.0, 46, 28, None, 29],
            "confidence_level": 0.8,
            "p_best": [0.43, 0.2, 0.2, 0.17, 0.0],
            "grade": "D",
            "on_frontier": [True, True, False, True, False],
            "recommended": [True, False, False, False, False],
            "profit_early": profit / 3,
            "profit_late": profit,
            "early_days": 14,
            "late_days": 90,
        }
    )


@pytest.fixture
def account() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "entry_zh": ["多出的毛利", "核销的优惠", "员工时间", "丢失好友的未来价值", "增量利润"],
            "entry_en": ["more margin", "redeemed offers", "staff time", "future value of lost contacts", "profit"],
            "amount": [45761.0, -11000, -9655, -13477, 11629],
        }
    )


@pytest.fixture
def assumptions() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "assumption_zh": ["一次阅读的增量", "促销的增量"],
            "assumption_en": ["gain of a read touch", "gain of promotion"],
            "lead_if_low": [-15600.0, 1000],
            "lead_if_high": [25500.0, 19000],
            "flips": [True, False],
        }
    )


def texts(chart, table, style):
    """The texts of a drawing with their boxes, and the drawing's own box."""
    with drawing(style):
        figure = chart(table, style=style)
        figure.canvas.draw()
        found = [t for t in figure.findobj(lambda a: hasattr(a, "get_text")) if t.get_text() and t.get_visible()]
        return [(t.get_text(), t.get_window_extent()) for t in found], figure.bbox


@each_style
@pytest.mark.parametrize("name", ["profit_by_strategy", "profit_against_deletions", "short_and_long_run"])
def test_no_text_leaves_the_drawing(name, style, strategies):
    found, page = texts(getattr(charts, name), strategies, style)
    outside = [text for text, box in found if box.x0 < page.x0 - 2 or box.x1 > page.x1 + 2]
    assert outside == []


@each_style
def test_no_text_of_account_or_assumptions_leaves_the_drawing(style, account, assumptions):
    for chart, table in ((charts.account_of_strategy, account), (charts.lead_by_assumption, assumptions)):
        found, page = texts(chart, table, style)
        assert [text for text, box in found if box.x0 < page.x0 - 2 or box.x1 > page.x1 + 2] == []


@each_style
def test_names_values_and_intervals_of_a_row_do_not_overlap(style, strategies):
    found, _ = texts(charts.profit_by_strategy, strategies, style)
    boxes = [box.shrunk(0.9, 0.7) for _, box in found]
    overlaps = [(found[i][0], found[j][0]) for i in range(len(boxes)) for j in range(i) if boxes[i].overlaps(boxes[j])]
    assert overlaps == []


@each_style
def test_labels_of_the_long_run_keep_apart(style, strategies):
    found, _ = texts(charts.short_and_long_run, strategies, style)
    shown = [(text, box) for text, box in found if "　" in text]
    assert len(shown) == len(strategies)
    heights = sorted(box.y0 for _, box in shown)
    assert min(np.diff(heights)) > 12


def test_a_drawing_repeats_to_the_byte(strategies):
    style = Style("zh", width=328)
    once, again = (draw(charts.profit_against_deletions, strategies, name="p", style=style) for _ in range(2))
    assert once == again


def test_a_loss_is_drawn_as_a_warning_and_a_profit_in_the_accent(account):
    style = Style("en")
    gain = draw(charts.account_of_strategy, account, name="a", style=style)
    loss = draw(charts.account_of_strategy, account.assign(amount=-account["amount"].abs()), name="a", style=style)
    assert "var(--accent)" in gain
    assert "var(--accent)" not in loss
    assert "var(--warn)" in loss


def test_a_table_without_assumptions_is_drawn_empty(assumptions):
    assert draw(charts.lead_by_assumption, assumptions.head(0), name="l", style=Style("en")).startswith("<svg")


@pytest.fixture
def tiers() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "tier_zh": ["重要价值客户", "一般挽留客户", "重要发展客户"],
            "tier_en": ["Best customers, recent", "Few orders, less recent", "Big spenders, recent"],
            "n_customers": [3000, 900, 5],
            "incremental_profit": [10068.0, -302, np.nan],
            "incremental_profit_ci_lower": [-2150.0, -2198, np.nan],
            "incremental_profit_ci_upper": [30546.0, 2555, np.nan],
            "confidence_level": 0.8,
        }
    )


@each_style
def test_a_tier_too_small_to_show_is_left_out(style, tiers):
    found, page = texts(charts.profit_by_tier, tiers, style)
    shown = [text for text, _ in found]
    assert tiers[f"tier_{style.language}"].iloc[0] in shown
    assert tiers[f"tier_{style.language}"].iloc[2] not in shown
    assert [text for text, box in found if box.x0 < page.x0 - 2 or box.x1 > page.x1 + 2] == []


@each_style
def test_shares_of_the_variation_are_drawn_from_zero_within_the_page(style, assumptions):
    table = assumptions.assign(first_order=[0.35, 0.1], total_order=[0.4, 0.12])
    found, page = texts(charts.variation_by_assumption, table, style)
    assert "40.0%" in [text for text, _ in found]
    assert [text for text, box in found if box.x0 < page.x0 - 2 or box.x1 > page.x1 + 2] == []


@each_style
def test_each_limit_of_touches_has_a_line_of_its_own(style):
    table = pd.DataFrame(
        {
            "most_per_month": [1.0, 1.0, 4.0, 4.0, np.nan, np.nan],
            "incremental_deletions": [0.0, 4.0, 0.0, 17.0, 0.0, 9.0],
            "incremental_profit": [0.0, 800.0, 0.0, 4800.0, 0.0, 4200.0],
            "on_frontier": True,
        }
    )
    found, page = texts(charts.frontier_by_frequency, table, style)
    shown = [text for text, _ in found]
    assert {style.text("1 次", "1 a month"), style.text("4 次", "4 a month"), style.text("不限", "no limit")} <= set(
        shown
    )
    assert [text for text, box in found if box.x0 < page.x0 - 2 or box.x1 > page.x1 + 2] == []
    # line, points and name of a series are switched off together
    drawn = draw(charts.frontier_by_frequency, table, name="frontier", style=style)
    for word in (style.text("4 次", "4 a month"), style.text("不限", "no limit")):
        parts = re.findall(rf'<g data-s="{word}"[^>]*>(.*?)</g>', drawn, re.DOTALL)
        assert len(parts) == 3
        assert any(f">{word}</text>" in part for part in parts)


@each_style
def test_no_name_is_cut(style, strategies, assumptions):
    for chart, table in ((charts.profit_by_strategy, strategies), (charts.short_and_long_run, strategies)):
        found, _ = texts(chart, table, style)
        whole = "".join(text.replace("\n", "").replace(" ", "") for text, _ in found)
        assert "…" not in whole
        for name in strategies[f"strategy_{style.language}"]:
            assert name.replace(" ", "") in whole


@each_style
def test_names_on_the_frontier_cover_no_other_name(style, strategies):
    found, _ = texts(charts.profit_against_deletions, strategies, style)
    names = [name.replace(" ", "") for name in strategies[f"strategy_{style.language}"]]
    boxes = [box.shrunk(0.9, 0.8) for text, box in found if text.replace("\n", "").replace(" ", "") in names]
    assert len(boxes) >= 3
    assert not any(boxes[i].overlaps(boxes[j]) for i in range(len(boxes)) for j in range(i))


@each_style
@pytest.mark.parametrize("right", [70.0, 90.0, 110.0])
def test_names_on_the_frontier_cover_neither_ticks_nor_names_of_axes(style, strategies, right):
    places = {
        "incremental_deletions": np.array([60, right, 15, 0, right]),
        "incremental_profit": np.array([61400.0, 98000, 4900, 0, -48000]),
        "incremental_deletions_ci_upper": 130.0,
    }
    found, _ = texts(charts.profit_against_deletions, strategies.assign(**places), style)
    names = [name.replace(" ", "") for name in strategies[f"strategy_{style.language}"]]
    is_name = [text.replace("\n", "").replace(" ", "") in names for text, _ in found]
    boxes = [box.shrunk(0.9, 0.8) for _, box in found]
    covered = [
        (found[i][0], found[j][0])
        for i in range(len(found))
        for j in range(len(found))
        if is_name[i] and not is_name[j] and boxes[i].overlaps(boxes[j])
    ]
    assert covered == []


@each_style
def test_ticks_of_money_do_not_run_into_one_another(style, strategies):
    ends = {
        "incremental_profit_ci_lower": -35276.0,
        "incremental_profit_ci_upper": 900.0,
        "incremental_profit": -9000.0,
    }
    found, _ = texts(charts.profit_by_strategy, strategies.assign(**ends), style)
    ticks = [box for text, box in found if text.replace(",", "").replace("\u2212", "").isdigit() and box.height < 16]
    top = max(box.y0 for box in ticks)
    row = sorted((box for box in ticks if abs(box.y0 - top) < 2), key=lambda box: box.x0)
    assert all(left.x1 < right.x0 for left, right in pairwise(row))
