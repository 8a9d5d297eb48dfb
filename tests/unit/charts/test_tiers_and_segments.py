"""Charts of tiers and segments: drawn in both widths and languages, on odd tables too."""

import re

import numpy as np
import pandas as pd
import pytest

from analysis.charts import segments, tiers
from analysis.charts.theme import NARROW, WIDE, Style, draw
from analysis.workbench import hide_small

STYLES = [Style(language=language, width=width) for language in ("zh", "en") for width in (WIDE, NARROW)]
every_style = pytest.mark.parametrize("style", STYLES, ids=lambda s: f"{s.language}-{s.width}")


def texts(svg: str) -> str:
    return " ".join(re.findall(r"<text[^>]*>(?:<tspan[^>]*>)?([^<]*)", svg))


def group_table(kind: str, n: int) -> pd.DataFrame:
    share = np.arange(n, 0, -1) / np.arange(n, 0, -1).sum()
    return pd.DataFrame(
        {
            f"{kind}_zh": [f"第{i}类客户" for i in range(n)],
            f"{kind}_en": [f"Kind {i} of customers" for i in range(n)],
            "share_customers": share[::-1],
            "share_revenue": share,
        }
    )


@every_style
@pytest.mark.parametrize("n", [1, 3, 11])
def test_every_tier_and_segment_is_named(style, n):
    for kind, chart in (("tier", tiers.tier_shares), ("segment", segments.segment_shares)):
        table = group_table(kind, n)
        said = texts(draw(chart, table, name="shares", style=style))
        assert all(name in said for name in table[f"{kind}_{style.language}"])


@every_style
def test_the_lorenz_curve_says_what_the_top_fifth_brings(style):
    x = np.linspace(0, 1, 101)
    said = texts(draw(tiers.lorenz_curve, pd.DataFrame({"share_customers": x, "share_revenue": x**0.3}),
                      name="lorenz", style=style))  # fmt: skip
    assert "20%" in said
    assert "61.7%" in said


def moves(n: int) -> pd.DataFrame:
    pairs = [(i, j) for i in range(1, n + 1) for j in range(1, n + 1)]
    table = pd.DataFrame(pairs, columns=["from_number", "to_number"]).astype("str")
    for side in ("from", "to"):
        table[f"{side}_group_zh"] = [f"第{i}层" for i in table[f"{side}_number"]]
        table[f"{side}_group_en"] = [f"Tier {i}" for i in table[f"{side}_number"]]
    there = table["from_number"] != "2"
    return table.assign(n_customers=np.where(there, 50, 0), share=np.where(there, 1 / n, np.nan))


@every_style
def test_the_migration_matrix_marks_what_is_hidden_and_what_is_empty(style):
    said = texts(draw(tiers.tier_moves, hide_small(small_first(moves(4)), n="n_customers", min_cell=10),
                      name="moves", style=style))  # fmt: skip
    assert said.count("25%") == 10
    assert said.count("·") == 2
    assert said.count("–") == 4


@every_style
def test_a_group_too_small_to_show_keeps_its_name_and_loses_its_numbers(style):
    table = group_table("tier", 4).assign(n_customers=[500, 300, 200, 3])
    said = texts(draw(tiers.tier_shares, hide_small(table, n="n_customers", min_cell=10), name="shares", style=style))
    assert all(name in said for name in table[f"tier_{style.language}"])
    assert said.count("·") == 2  # the next smallest too, or the difference to all would tell


def small_first(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(n_customers=[3, *table["n_customers"].iloc[1:]])


@every_style
def test_differences_name_every_segment_and_its_largest_traits(style):
    table = pd.DataFrame(
        [(s, t, d) for s in "ab" for t, d in (("x", 1.2), ("y", -2.4), ("z", 0.1), ("v", 0.2), ("w", 0.01))],
        columns=["segment", "trait", "difference"],
    )
    table = table.assign(**{f"{c}_{lang}": c + table[c] for c in ("segment", "trait") for lang in ("zh", "en")})
    said = texts(draw(segments.segment_differences, table, name="differences", style=style))
    assert all(name in said for name in ("segmenta", "segmentb", "traity", "−2.4", "+1.2"))
    assert "traitw" not in said


@every_style
def test_stability_never_rounds_up_to_what_is_asked_for(style):
    table = pd.DataFrame(
        {"k": [3, 4, 5], "worst_jaccard": [0.91, 0.8496, np.nan], "accepted": [True, False, False], "min_jaccard": 0.85}
    )
    said = texts(draw(segments.stability_by_number, table, name="stability", style=style))
    assert "0.84" in said
    assert ("太小" if style.language == "zh" else "too small") in said


def test_without_trials_the_chart_is_empty_but_there():
    table = pd.DataFrame(columns=["k", "worst_jaccard", "accepted", "min_jaccard"])
    assert draw(segments.stability_by_number, table, name="stability", style=STYLES[0]).startswith("<svg")
