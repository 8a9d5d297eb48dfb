"""From frozen rows to the ledger's sentence; what is frozen is what the pages say."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.churn import at_risk
from analysis.experiment import ledger, ledger_scores
from analysis.numerals import LANGUAGES
from analysis.params import LedgerParams
from analysis.recipes import forecast_ledger as scoring
from analysis.recipes import forecast_ledger_freeze as freezing
from analysis.recipes import forecast_ledger_page as page
from analysis.recipes.resolver import Previous, write_kept
from analysis.stats.forecast_scoring import LEVELS, band_of, log_quantiles

PARAMS = LedgerParams()


def frozen(made_on, *, value, error=0.2, quantity="purchase_days", population=None):
    row = ledger.amount(
        quantity,
        quantity=quantity,
        horizon_days=7,
        population=population or {"who": "customers"},
        n_population=10,
        quantiles=log_quantiles(value, error=error),
        expected=value,
        model="bg_nbd",
    )
    return ledger.frozen_rows(
        pd.DataFrame([row]), book="weekly", notebook="value", made_on=made_on, edition="e", corrections={}
    )


@pytest.fixture
def opened(load_files):
    """Ten customers, one order a day from January to March 2026."""
    from analysis.data.connect import open_tables

    def build(extra=""):
        days = [date(2026, 1, 1) + timedelta(days=n) for n in range(90)]
        lines = [f"o{n},c{n % 10},{day} 10:00:00,20" for n, day in enumerate(days)]
        text = "order_id,customer_id,ordered_at,amount\n" + "\n".join(lines) + "\n" + extra
        return open_tables(load_files({"orders.csv": text}).folder)

    return build


def outcomes(tables, rows, *, as_of, folder):
    previous = Previous(folder)
    return scoring.ledger_outcomes(rows, previous, tables.as_of(as_of), as_of, PARAMS)


def headline(rows, found):
    scores = scoring.ledger_scores_table(rows, found)
    return page.ledger_headline(
        scores,
        scoring.ledger_corrections(scores),
        scoring.ledger_late(scores),
        scoring.ledger_summary(scores),
        scoring.ledger_reliability(rows, found),
        PARAMS,
    )


def test_a_forecast_is_scored_by_the_first_run_after_its_day_even_weeks_late(opened, tmp_path):
    rows = frozen(date(2026, 2, 1), value=7.0)
    assert outcomes(opened(), rows, as_of=date(2026, 2, 7), folder=tmp_path).empty
    for as_of in (date(2026, 2, 8), date(2026, 3, 29)):
        found = outcomes(opened(), rows, as_of=as_of, folder=tmp_path)
        assert found[["actual", "n_found"]].to_numpy().tolist() == [[7.0, 10.0]]


def test_an_order_that_arrives_late_changes_the_score_and_is_told(opened, tmp_path):
    rows = frozen(date(2026, 2, 1), value=7.0)
    first = outcomes(opened(), rows, as_of=date(2026, 2, 8), folder=tmp_path)
    write_kept(first, tmp_path / ledger.OUTCOMES_STATE)
    late = opened("late,c1,2026-02-03 12:00:00,20\n")
    found = outcomes(late, rows, as_of=date(2026, 2, 15), folder=tmp_path)
    assert found[["actual", "actual_first"]].to_numpy().tolist() == [[8.0, 7.0]]
    head = headline(rows, found)
    assert head["n_changed"].value == 1
    assert head["largest"].value == pytest.approx(1 / 7)
    settled = outcomes(late, rows, as_of=date(2026, 3, 31) + timedelta(days=60), folder=tmp_path)
    assert settled["actual"].tolist() == [7.0]  # after so long the first score stands


def test_deletions_wait_where_the_contacts_are_gone(opened, tmp_path):
    rows = frozen(date(2026, 2, 1), value=3.0, quantity="deletions", population={"who": "contacts"})
    assert outcomes(opened(), rows, as_of=date(2026, 3, 1), folder=tmp_path).empty


def test_windows_of_single_customers_are_held_against_their_first_purchase(opened, tmp_path):
    made_on = date(2026, 2, 1)
    row = ledger.share_row(
        "next_need_window",
        quantity="window_hits",
        horizon_days=7,
        population={"who": "windows"},
        n_population=4,
        probability=0.8,
        model="next_need",
    )
    rows = ledger.frozen_rows(
        pd.DataFrame([row]), book="weekly", notebook="value", made_on=made_on, edition="e", corrections={}
    )
    # c2 buys on 2 February, c3 on the 3rd, c4 on the 4th; c1 and c9 do not within seven days
    days = {"c2": (2, 3), "c3": (5, 6), "c4": (3, 4), "c1": (2, 8)}
    windows = pd.DataFrame(
        [
            ("next_need_window", who, pd.Timestamp(2026, 2, low), pd.Timestamp(2026, 2, high))
            for who, (low, high) in days.items()
        ],
        columns=["name", "customer_id", "from_on", "until_on"],
    )
    kept = ledger.merged_windows(None, windows, frozen=rows, as_of=made_on)
    again = ledger.merged_windows(kept, windows, frozen=rows, as_of=made_on)
    assert len(again) == 4
    write_kept(again, tmp_path / "forecast_windows.value")
    found = outcomes(opened(), rows, as_of=date(2026, 2, 8), folder=tmp_path)
    assert found[["actual", "n_found"]].to_numpy().tolist() == [[2.0, 3.0]]
    head = headline(rows, found)
    assert (head["n_window_buyers"].value, round(head["window_hits"].value, 3)) == (3, 0.667)
    assert outcomes(opened(), rows, as_of=date(2026, 2, 8), folder=tmp_path / "without").empty
    years_later = ledger.merged_windows(kept, windows.head(0), frozen=rows, as_of=date(2027, 2, 1))
    assert years_later.empty


def test_the_sentence_counts_the_last_eight(opened, tmp_path):
    days = [date(2026, 1, 20) + timedelta(days=3 * n) for n in range(10)]
    # all but one of the last eight say seven orders, which is what comes
    rows = pd.concat([frozen(day, value=7.0 if n != 5 else 70.0) for n, day in enumerate(days)], ignore_index=True)
    found = outcomes(opened(), rows, as_of=date(2026, 3, 20), folder=tmp_path)
    head = {k: v.as_result() if hasattr(v, "as_result") else v for k, v in headline(rows, found).items()}
    assert (head["n_last"]["value"], head["n_inside_last"]["value"]) == (8, 7)
    assert (head["n_due"]["value"], head["coverage_80"]["value"]) == (10, 0.9)
    said = page.ledger_words(head, page.ledger_reliability_table(scoring.ledger_reliability(rows, found)))
    assert "fell inside their 80% band" in said["answer"]["en"]
    scores = scoring.ledger_scores_table(rows, found)
    told = page.ledger_due_table(scores, "CNY")
    assert told["inside_en"].tolist().count("no") == 1
    assert told["came_en"][0].startswith("7")
    results = page.ledger_results(headline(rows, found), scoring.ledger_summary(scores))
    assert results["value.purchase_days.n_due"].value == 10
    assert results["crps"].value < 0.6


def test_before_anything_is_due_the_page_says_what_it_waits_for(tmp_path):
    nothing = ledger.no_forecasts()
    found = ledger_scores.kept_outcomes(None, pd.DataFrame(columns=scoring._FOUND))
    head = {k: v.as_result() if hasattr(v, "as_result") else v for k, v in headline(nothing, found).items()}
    said = page.ledger_words(head, page.ledger_reliability_table(scoring.ledger_reliability(nothing, found)))
    assert not said["any"]
    assert "No forecast has come due yet" in said["answer"]["en"]
    scores = scoring.ledger_scores_table(nothing, found)
    assert page.ledger_results(headline(nothing, found), scoring.ledger_summary(scores))["n_due"].value == 0


@pytest.mark.parametrize(("ends", "days", "claim"), [
    ((0.3, 0.7), 20, "too narrow"), ((0.85, 1.0), 20, "too wide"), ((0.6, 0.9), 20, "fits"), ((0.1, 0.3), 3, "Too few")
])  # fmt: skip
def test_what_is_said_of_the_bands_follows_from_the_interval(ends, days, claim):
    none = page.ledger_reliability_table(scoring.ledger_reliability(ledger.no_forecasts(), _no_outcomes()))
    head = {
        "n_due": {"value": 30},
        "n_days": {"value": days},
        "coverage_80": {"value": sum(ends) / 2, "ci_lower": ends[0], "ci_upper": ends[1]},
        "n_changed": {"value": 0},
        "n_found_off": {"value": 0},
        "leans": "not",
        "window_hits": {"value": None},
    }
    assert claim in page.ledger_words(head, none)["width"]["en"]


def _no_outcomes():
    return ledger_scores.kept_outcomes(None, pd.DataFrame(columns=scoring._FOUND))


def test_frozen_leavers_carry_the_interval_of_the_page_at_every_level():
    p, drift = pd.Series(np.linspace(0.05, 0.9, 400)), at_risk.LevelDrift(0.2, 5)
    told = freezing._quantiles_of_loss(p, drift=drift)
    assert (np.diff(told) >= 0).all()
    of_page = at_risk.expected_loss(p, weight=1.0, drift=drift, confidence_level=0.8)
    assert band_of(told)[0].tolist() == pytest.approx([of_page.ci_lower, of_page.ci_upper])
    assert told[LEVELS.index(0.5)] == pytest.approx(p.sum())


def test_groups_of_leavers_hold_every_active_customer_once():
    rng = np.random.default_rng(1)
    ids = [f"c{n}" for n in range(500)]
    features = pd.DataFrame(
        {"customer_id": ids, "days_since_last_order": rng.integers(0, 90, 500), "n_orders": rng.integers(1, 8, 500)}
    )
    scores = pd.DataFrame({"customer_id": ids, "p_churn": rng.random(500)})
    rows = freezing._shares_leaving(scores, features, active_days=90, horizon_days=30, model="p_model")
    assert sum(row["n_population"] for row in rows) == 500
    mean = sum(row["n_population"] * row["expected"] for row in rows) / 500
    assert mean == pytest.approx(scores["p_churn"].mean())
    assert len({row["name"] for row in rows}) == len(rows)


def test_every_kind_that_the_house_freezes_has_a_name_in_both_languages():
    from analysis.experiment.ledger_wording import KINDS, kind_label

    for kind in ("churn.leavers", "churn.deletions", "value.revenue", "strategies.buyers"):
        assert set(KINDS[kind]) == set(LANGUAGES)
    assert kind_label("mine", "buyers") == {"zh": "mine.buyers", "en": "mine.buyers"}
