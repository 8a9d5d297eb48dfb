"""Campaigns without a random control: which are read, and the words that their grade allows."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.connect import Tables, open_tables
from analysis.experiment.observational import windows
from analysis.params import IncrementalityParams
from analysis.recipes import observational as made
from analysis.recipes import observational_page as page
from analysis.recipes.purchases import ordered_purchases
from analysis.reporting.causal_words import claims

AS_OF = date(2026, 6, 30)
PARAMS = IncrementalityParams(selection_days=14)
N = 1000


def shop(folder: Path, *, touched: bool = True) -> Tables:
    """A shop whose big spenders get ``picked``; ``drawn`` was randomised, ``small`` is tiny, ``coming`` not over."""
    rng = np.random.default_rng(5)
    ids = np.array([f"c{i:04d}" for i in range(N)])
    big = np.arange(N) < 300
    day = np.tile(np.arange(0, 200, 2), N)
    who = np.repeat(np.arange(N), 100)
    amount = rng.gamma(4, 5, len(day)) * np.where(big[who], 3.0, 1.0)
    orders = pd.DataFrame({"order_id": [f"o{i}" for i in range(len(day))], "customer_id": ids[who], "amount": amount})
    orders["ordered_at"] = pd.Timestamp(AS_OF) - pd.to_timedelta(day, unit="D") + pd.Timedelta(hours=9)
    _days(orders, "ordered").to_parquet(folder / "orders.parquet", index=False)
    starts = {"picked": 40, "drawn": 40, "small": 40, "coming": 3}
    listed = {"picked": ids[big], "drawn": ids[::2], "small": ids[:50], "coming": ids[:400]}
    campaigns = pd.DataFrame({"campaign_id": list(starts), "name": ["精选", "drawn", "small", "coming"]})
    campaigns["starts_at"] = [pd.Timestamp(AS_OF) - pd.Timedelta(days=back) for back in starts.values()]
    campaigns["response_window_days"] = 14
    _days(campaigns, "starts").to_parquet(folder / "campaigns.parquet", index=False)
    rows = [
        pd.DataFrame({"campaign_id": name, "customer_id": who, "assigned_at": campaigns["starts_at"][place]})
        for place, (name, who) in enumerate(listed.items())
    ]
    touches = pd.concat(rows, ignore_index=True)
    touches["touch_id"] = [f"t{i}" for i in range(len(touches))]
    if touched:
        _days(touches, "assigned").to_parquet(folder / "touches.parquet", index=False)
    drawn = touches[touches["campaign_id"] == "drawn"].rename(columns={"campaign_id": "experiment_id"})
    _days(drawn.assign(arm="treated"), "assigned").to_parquet(folder / "assignments.parquet", index=False)
    return open_tables(folder).as_of(AS_OF)


def _days(frame: pd.DataFrame, stem: str) -> pd.DataFrame:
    at = frame[f"{stem}_at"].astype("datetime64[us]")
    dated = frame.copy()
    dated[f"{stem}_at"], dated[f"{stem}_on"] = at, at.dt.date
    return dated


def row(**changed: Any) -> pd.DataFrame:
    """The effects of one campaign, as a recipe hands them over."""
    known: dict[str, Any] = {
        "campaign_id": "8", "name": "八月", "starts_on": pd.Timestamp("2026-05-01"), "days": 14, "n_targeted": 300,
        "n_untargeted": 700, "parallel_pvalue": 0.4, "by_ratio": 4.0, "naive_grade": "C", "change_grade": "B",
        "reason_zh": "走势一致", "reason_en": "they moved alike", "before_on": pd.Timestamp("2026-03-01"),
        "earlier_on": pd.Timestamp("2026-02-01"), "n_earlier": 3, "confidence_level": 0.95,
    }  # fmt: skip
    for part, value in {"naive": 50.0, "before": 45.0, "change": 5.0, "placebo": 0.5}.items():
        ends = {"": value, "_ci_lower": value - 2, "_ci_upper": value + 2, "_std_error": 1.0}
        known |= {f"{part}{end}": number for end, number in ends.items()}
    return pd.DataFrame([{**known, **changed}])


def said(effects: pd.DataFrame, **needs: Any) -> dict[str, Any]:
    return page.observational_page(effects, PARAMS, **needs)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    return shop(tmp_path_factory.mktemp("shop"))


def test_randomised_small_and_running_campaigns_are_not_read(tables):
    found = made.observational_campaigns(tables, AS_OF, PARAMS)
    assert found["campaign_id"].tolist() == ["picked"]
    assert found[["name", "days", "n_targeted"]].to_dict("records") == [{"name": "精选", "days": 14, "n_targeted": 300}]


def test_the_lead_of_the_picked_is_there_before_and_nothing_is_left_of_it(tables):
    ordered = ordered_purchases(tables, AS_OF)
    campaigns = made.observational_campaigns(tables, AS_OF, PARAMS)
    effects = made.observational_effects(tables, campaigns, PARAMS, ordered)
    found = effects.iloc[0]
    assert found["naive"] > 100
    assert found["before"] > 100
    assert found["change_ci_lower"] < 0 < found["change_ci_upper"]
    assert str(found["before_on"])[:10] == "2026-04-23"  # 21 May less 14 days of selection less 14 of the window


def test_every_window_holds_its_first_and_its_last_day_and_no_other(tables):
    bought = tables.purchases().collect("pandas").to_native()
    bought["on"] = pd.to_datetime(bought["ordered_on"])
    middle = bought["on"].sort_values().iloc[len(bought) // 2].date()
    found = windows(middle, days=5, selection_days=3, first_day=bought["on"].min().date())
    assert found is not None
    mine = made._bought(ordered_purchases(tables, AS_OF))
    listed = np.flatnonzero(pd.Series(mine.customer_id).isin(bought["customer_id"].head(3)))
    rows = made._customers(mine, listed=listed, found=found).assign(customer_id=mine.customer_id)
    for name, span in {"campaign": found.campaign, "before": found.before, "earlier_1": found.earlier[0]}.items():
        inside = bought[bought["on"].between(pd.Timestamp(span.first), pd.Timestamp(span.last))]
        sums = inside.groupby("customer_id")["amount"].sum().reindex(rows["customer_id"], fill_value=0.0)
        assert name == "earlier_1" or {span.first, span.last} <= set(inside["on"].dt.date)
        np.testing.assert_allclose(rows[name], sums)
    assert set(rows.loc[rows["targeted"], "customer_id"]) == set(bought["customer_id"].head(3))


def test_without_touches_there_is_nothing_to_read(tmp_path):
    tables = shop(tmp_path, touched=False)
    ordered = ordered_purchases(tables, AS_OF)
    campaigns = made.observational_campaigns(tables, AS_OF, PARAMS)
    effects = made.observational_effects(tables, campaigns, PARAMS, ordered)
    assert campaigns.empty
    assert said(effects) == {"shown": False, "instead": False}


def test_it_stands_for_the_page_only_where_no_experiment_does():
    listed = pd.DataFrame({"experiment_id": ["e"]})
    assert said(row())["instead"]
    assert said(row(), experiment_list=listed.head(0))["instead"]
    assert not said(row(), experiment_list=listed)["instead"]
    named = IncrementalityParams(selection_days=14, table="assignments")
    assert not page.observational_page(row(), named)["instead"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_was_brought_about_is_said_of_grade_b_beyond_zero_and_of_nothing_else(language):
    def claimed(**changed: Any) -> bool:
        found = said(row(**changed))
        return bool(claims(found["answer"][language], language=language)) and any(
            claims(sentence, language=language) for note in found["notes"] for sentence in note[language].split("所以")
        )

    assert claimed()
    assert not claimed(change_grade="C")
    assert not claimed(change_ci_lower=-1.0)


def test_more_and_less_follow_the_numbers():
    less = {f"naive{end}": -value for end, value in {"": 50.0, "_ci_lower": 52.0, "_ci_upper": 48.0}.items()}
    found = said(row(**less))
    assert "少花" in found["claim"]["zh"]
    assert "less, and" in found["claim"]["en"]
    assert found["values"]["naive_size"]["value"] == 50
    assert "多花" in said(row())["claim"]["zh"]
    assert "more, but" in said(row())["claim"]["en"]


def test_results_carry_the_grade_of_each_number():
    results = page.observational_results(row())
    assert {name: value.grade.value for name, value in results.items()} == {
        "spend.8.naive": "C",
        "spend.8.before": "C",
        "spend.8.diff_in_diff": "B",
        "spend.8.placebo": "C",
    }
