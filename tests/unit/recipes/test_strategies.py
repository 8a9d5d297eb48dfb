"""From features to simulated strategies: the clock, the customers audiences see, rates that data replace."""

import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.errors import BookError, TooFewError
from analysis.params import StrategiesParams
from analysis.recipes import exam_verdicts as exam
from analysis.recipes import strategies as made
from analysis.recipes import strategy_explorer, strategy_sensitivity
from analysis.recipes import strategy_page as page
from analysis.recipes import strategy_sections as sections
from analysis.recipes.purchase_clock import purchase_clock
from analysis.recipes.strategy_customers import strategy_customers
from analysis.touch.effects import load_effects, no_effects
from analysis.touch.exam.verdicts import digest_of
from analysis.touch.money import entry
from analysis.touch.simulator import simulate
from analysis.touch.strategies import load_strategies

AS_OF = date(2026, 6, 30)
NO_TOUCHES = pd.DataFrame(columns=["channel", "n_assigned", "n_confirmed", "n_delivered", "n_read"])
FLAT: dict[str, Any] = {"factors": [1.0] * 365, "known": False, "reason": "short"}
PARAMS = StrategiesParams(strategies="params/strategies/default.yaml", replicates=20, sample_customers=400)


class FakeTables:
    """Tables of which only presence is asked."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def has(self, name: str) -> bool:
        return name in self.names

    def has_column(self, table: str, column: str) -> bool:
        del column
        return table in self.names


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    """A shop of 3,000 customers who buy by a BG/NBD clock, seen for up to 400 days."""
    rng = np.random.default_rng(1)
    n = 3000
    rate, dropout, age = rng.gamma(0.8, 1 / 40, n), rng.beta(1.0, 4.0, n), rng.uniform(100, 400, n)
    frequency, recency = np.zeros(n), np.zeros(n)
    for i in range(n):
        t = rng.exponential(1 / rate[i])
        while t <= age[i]:
            frequency[i], recency[i] = frequency[i] + 1, t
            if rng.random() < dropout[i]:
                break
            t += rng.exponential(1 / rate[i])
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:04d}" for i in range(n)],
            "frequency": pd.array(frequency.astype(int), dtype="Int64"),
            "recency": recency,
            "T": age,
            "n_orders": pd.array(frequency.astype(int) + 1, dtype="Int64"),
            "revenue": 100.0 * (frequency + 1),
            "days_since_last_order": age - recency,
            "n_contacts": pd.array(rng.integers(0, 2, n), dtype="Int32"),
            "n_assigned_90d__private_chat": pd.array(rng.integers(0, 4, n), dtype="Int16"),
        }
    )


@pytest.fixture(scope="module")
def clock(features: pd.DataFrame) -> pd.DataFrame:
    return purchase_clock(features, seed=1)


@pytest.fixture(scope="module")
def customers(features: pd.DataFrame, clock: pd.DataFrame) -> pd.DataFrame:
    scores = pd.DataFrame({"customer_id": ["c0001"], "p_churn": [0.123]})
    return seen(features, clock, having("contacts", "touches"), churn_scores=scores)


def seen(features: pd.DataFrame, clock: pd.DataFrame, tables: Any, **said: Any) -> pd.DataFrame:
    """The customers as audiences see them, with what other recipes said."""
    channels = made.strategy_channels(NO_TOUCHES, PARAMS)
    return strategy_customers(features, clock, channels, economics(), PARAMS, tables, AS_OF, **said)


def having(*names: str) -> Any:
    """Tables of these names, as far as a recipe asks."""
    return FakeTables(*names)


def economics() -> dict[str, Any]:
    return {"margin_share": 0.5, "wage_per_hour": 20.0, "margin_measured": False, "wage_measured": True, "source": "t"}


@pytest.fixture(scope="module")
def simulated(customers: pd.DataFrame) -> dict[str, Any]:
    """Every table of the page's chain, by recipe."""
    channels = made.strategy_channels(NO_TOUCHES, PARAMS)
    effects = made.strategy_effects(channels, PARAMS, seed=3)
    tiered = customers.assign(
        tier=np.where(customers["n_orders"] > 2, "best", "few"),
        tier_zh=np.where(customers["n_orders"] > 2, "常客", "新客"),
        tier_en=np.where(customers["n_orders"] > 2, "Best", "Few"),
    )
    given = (tiered, channels, effects, economics(), FLAT)
    whole = made.strategy_simulation(*given, PARAMS, AS_OF, seed=3)
    totals, split = made.strategy_totals(whole), made.strategy_segment_totals(whole)
    verdict = page.strategy_verdict(totals, effects)
    leads = strategy_sensitivity.strategy_leads(*given, totals, verdict, PARAMS, AS_OF, seed=3)
    sensitivity = strategy_sensitivity.strategy_sensitivity(leads, effects, channels, PARAMS, seed=3)
    flip = strategy_sensitivity.strategy_flip_check(*given, verdict, sensitivity, PARAMS, AS_OF, seed=3)
    segments = made.strategy_segments(totals, split, effects, tiered, economics())
    return {
        "channels": channels,
        "effects": effects,
        "totals": totals,
        "split": split,
        "verdict": verdict,
        "outcomes": made.strategy_outcomes(totals, effects, economics()),
        "ledger": made.strategy_ledger(totals, effects),
        "long": made.strategy_long_run(*given, PARAMS, AS_OF, seed=3),
        "leads": leads,
        "sensitivity": sensitivity,
        "flip": flip,
        "by_tier": sections.strategy_by_tier(segments, tiered, PARAMS),
        "explorer": strategy_explorer.strategy_explorer(*given, PARAMS, AS_OF, seed=3),
    }


def test_the_simulated_clock_without_effects_is_the_models_own_forecast(features, clock, customers):
    untouched = customers.drop(columns=[c for c in customers if c.startswith("touches_per_day")])
    outcome = simulate(
        untouched,
        strategies=load_strategies("params/strategies/default.yaml"),
        channels=made.strategy_channels(NO_TOUCHES, PARAMS),
        effects=no_effects(),
        caps=(),
        as_of=AS_OF,
        horizon_days=90,
        seed=5,
        lanes_per_draw=40,
        sample_customers=3000,
    )
    history = {name: features[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")}
    forecast = BGNBD().fit(history).conditional_expected_purchases(history, horizon=90).sum()
    for s in range(len(outcome.strategies)):
        orders = outcome.totals[s, -1, :, entry("orders")]
        assert abs(orders.mean() - forecast) < 3 * orders.std(ddof=1) / np.sqrt(len(orders))


def test_the_clock_has_one_row_per_customer_and_its_means(features, clock):
    assert clock["customer_id"].tolist() == features["customer_id"].tolist()
    assert np.allclose(clock["rate"], clock["rate_shape"] / clock["rate_days"])
    assert clock["p_alive"].between(0, 1).all()
    assert (clock["orders_next_year"] >= 0).all()


def test_a_score_is_taken_where_there_is_one_and_the_clock_fills_the_rest(customers):
    by_id = customers.set_index("customer_id")["p_churn"]
    assert by_id["c0001"] == 0.123
    assert by_id.between(0, 1).all()


def test_customers_are_contacts_by_the_table_or_all_of_them(features, clock):
    known = seen(features, clock, having("contacts"))
    assert known["is_contact"].tolist() == (features["n_contacts"] > 0).tolist()
    assert seen(features, clock, having())["is_contact"].all()


def test_what_other_recipes_know_stands_beside_each_customer(features, clock):
    ids = {"customer_id": ["c0002", "c0001"]}
    table = seen(
        features,
        clock,
        having(),
        delete_scores=pd.DataFrame({**ids, "p_delete": [0.2, 0.1], "n_open_contacts": [1, 2]}),
        customer_value=pd.DataFrame({**ids, "clv": [20.0, 10.0], "p_alive": [0.0, 0.0]}),
        next_need=pd.DataFrame(
            {**ids, "p_purchase": 0.5, "next_need_from_on": pd.Timestamp(AS_OF) + pd.Timedelta("4D")}
        ),
        rfm_tiers=pd.DataFrame({**ids, "tier": "best", "tier_zh": "常客", "tier_en": "Best"}),
    ).set_index("customer_id")
    assert [table[name]["c0001"] for name in ("p_delete", "clv", "next_need_from_days")] == [0.1, 10.0, 4.0]
    assert table["p_alive"]["c0001"] > 0, "the clock's own stays"
    assert np.isnan(table["clv"]["c0003"])
    assert table["tier"].count() == 2


def test_without_other_recipes_their_columns_are_unknown_for_everybody(features, clock):
    table = seen(features, clock, having())
    unknown = ["p_delete", "clv", "p_purchase", "next_need_from_days", "next_need_from_on", "tier"]
    assert table[unknown].isna().all(axis=None)
    assert table["p_churn"].between(0, 1).all()


def test_the_best_fifth_by_uplift_is_a_fifth_and_earns_most(customers):
    best = customers["uplift_rank"] <= 0.2
    assert best.sum() == len(customers) // 5
    assert customers.loc[best, "expected_uplift"].min() >= customers.loc[~best, "expected_uplift"].max()
    assert (customers.loc[~customers["is_contact"], "expected_uplift"] == 0).all()


def test_a_slip_in_a_column_is_told_with_its_line_and_the_nearest(features, clock, tmp_path):
    from pathlib import Path

    text = (Path(__file__).parents[3] / PARAMS.strategies).read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("column: p_churn", "column: p_chrun"), encoding="utf-8")
    line = next(n for n, row in enumerate(text.splitlines(), start=1) if "column: p_churn" in row)
    params = StrategiesParams(strategies=str(path))
    channels = made.strategy_channels(NO_TOUCHES, PARAMS)
    with pytest.raises(BookError, match=rf"mine\.yaml:{line}: there is no column 'p_chrun'") as error:
        strategy_customers(features, clock, channels, economics(), params, having(), AS_OF)
    assert "p_churn" in str(error.value)


def test_a_refusal_counts_by_the_last_consent(features, clock, tmp_path):
    from analysis.data.connect import open_tables

    at = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-01-01", "2026-03-01"])
    consents = pd.DataFrame(
        {
            "customer_id": ["c0001", "c0001", "c0002", "c0002"],
            "channel": "sms",
            "status": ["refused", "granted", "granted", "refused"],
            "changed_at": at,
            "changed_on": at.date,
        }
    )
    consents.to_parquet(tmp_path / "consents.parquet")
    tables = open_tables(tmp_path, timezone="Asia/Shanghai").as_of(AS_OF)
    table = seen(features, clock, tables).set_index("customer_id")["refuses_sms"]
    assert table[table].index.tolist() == ["c0002"]


def test_past_touches_become_daily_rates(features, customers):
    expected = features["n_assigned_90d__private_chat"].astype(float) / 90
    assert np.allclose(customers["touches_per_day_private_chat"], expected)


def test_read_rates_are_claims_until_touches_are_seen_and_silent_channels_stay_claims():
    seen = pd.DataFrame(
        {"channel": ["group", "sms"], "n_assigned": 500, "n_confirmed": [500, 0], "n_delivered": 500, "n_read": [50, 0]}
    )
    rates = made.strategy_channels(seen, PARAMS).set_index("channel")
    assert rates.at["group", "read_grade"] == "C"
    assert rates.at["group", "read_rate"] == pytest.approx((0.4 * 20 + 50) / 520)
    assert rates.at["sms", "read_grade"] == "D"
    assert rates.at["sms", "read_rate"] == 0.3
    assert rates.at["private_chat", "read_rate"] == 0.8


def test_however_long_the_past_it_weighs_no_more_than_a_thousand_touches():
    seen = pd.DataFrame(
        {"channel": ["group"], "n_assigned": 10**6, "n_confirmed": 10**6, "n_delivered": 10**6, "n_read": 10**5}
    )
    rates = made.strategy_channels(seen, PARAMS).set_index("channel")
    assert rates.at["group", "read_strength"] == 1020


def test_every_strategy_has_every_result_with_unit_and_grade(simulated):
    absent = {"passed": None, "n_rows": None}
    results = page.strategy_results(simulated["outcomes"], absent)
    assert results.pop("exam_passed")["value"] is None
    names = [s.name for s in load_strategies(PARAMS.strategies).strategies]
    measures = ["incremental_orders", "incremental_repurchase_rate", "incremental_profit", "deletions", "p_best"]
    assert sorted(results) == sorted(f"by_strategy.{n}.{m}" for n in names for m in measures)
    assert {r["grade"] for r in results.values()} == {"D"}
    assert sum(results[f"by_strategy.{n}.p_best"]["value"] for n in names) == pytest.approx(1)


def test_the_account_sums_to_the_profit_of_the_table(simulated):
    account = page.strategy_account(simulated["ledger"], simulated["verdict"])
    assert account["amount"].iloc[:-1].sum() == pytest.approx(account["amount"].iloc[-1])
    outcomes = simulated["outcomes"].set_index(["strategy", "measure"])["value"]
    focus = simulated["verdict"]["focus"]
    assert account["amount"].iloc[-1] == pytest.approx(outcomes[focus, "incremental_profit"])


def test_nothing_on_the_frontier_is_beaten(simulated):
    table = page.strategy_frontier(simulated["outcomes"], simulated["verdict"], PARAMS)
    for row in table[table["on_frontier"]].itertuples():
        fewer = table["incremental_deletions"] <= row.incremental_deletions
        assert not (fewer & (table["incremental_profit"] > row.incremental_profit)).any()


def test_tiers_add_up_to_all_customers(simulated):
    by_tier, whole = simulated["by_tier"], simulated["outcomes"].set_index(["strategy", "measure"])["value"]
    for measure in ("incremental_orders", "incremental_deletions", "touches", "incremental_revenue"):
        for strategy, rows in by_tier.groupby("strategy"):
            assert rows[measure].sum() == pytest.approx(whole[strategy, measure], abs=1e-6)
    # fixed costs belong to no tier
    profit = by_tier[by_tier["strategy"] == "next_need"]["incremental_profit"].sum()
    fixed = 200 * PARAMS.horizon_days / (365.25 / 12)
    assert profit - fixed == pytest.approx(whole["next_need", "incremental_profit"])


def test_the_leader_of_a_tier_is_its_most_profitable(simulated):
    leaders = sections.strategy_tier_leaders(simulated["by_tier"]).set_index("tier_en")
    for tier, rows in simulated["by_tier"].groupby("tier_en"):
        assert leaders["incremental_profit"][str(tier)] == pytest.approx(max(rows["incremental_profit"]), abs=1)
    assert leaders["n_customers"].sum() == 3000


def test_the_year_ends_what_the_short_run_began(simulated):
    horizons = sections.strategy_horizons(
        simulated["totals"], simulated["long"], simulated["effects"], simulated["verdict"], PARAMS
    )
    assert (horizons["early_days"] == 30).all()
    assert (horizons["late_days"] == 365).all()
    nothing = horizons[horizons["strategy_en"] == "No touch"].iloc[0]
    assert (nothing["profit_early"], nothing["profit_horizon"], nothing["profit_late"]) == (0, 0, 0)


def test_a_lead_over_every_rival_comes_with_each_draw(simulated):
    leads = simulated["leads"]
    assert leads["rival"].iloc[0] == simulated["verdict"]["runner_up"]
    assert leads.groupby("rival")["draw"].nunique().eq(len(simulated["effects"])).all()
    assert simulated["verdict"]["winner"] not in set(leads["rival"])
    assert np.isfinite(leads["lead"]).all()
    assert (leads["luck"] > 0).any()


def test_what_turns_the_decision_is_planted_and_found():
    # The lead is 100 × (gain - 1): it turns at a gain of 1, whatever else varies.
    rng = np.random.default_rng(4)
    channels = made.strategy_channels(NO_TOUCHES, PARAMS)
    effects = made.strategy_effects(channels, PARAMS.model_copy(update={"replicates": 500}), seed=3)
    lead = 100 * (effects["gain_days"].to_numpy() - 1.0) + rng.normal(0, 10, len(effects))
    leads = pd.DataFrame({"rival": "no_touch", "draw": effects["draw"], "lead": lead, "luck": 100.0})
    table = strategy_sensitivity.strategy_sensitivity(leads, effects, channels, PARAMS, seed=1).set_index("effect")
    assert table.index[0] == "gain_days"
    assert table["first_order"]["gain_days"] > 0.8
    assert table["flip_value"]["gain_days"] == pytest.approx(1.0, abs=0.07)
    assert table["flip_below"]["gain_days"]
    assert table["flip_value"].notna().sum() == 1


def test_every_placeholder_of_the_pages_sentences_has_its_value(simulated):
    import re

    t = simulated
    absent: dict[str, Any] = {
        "state": "absent",
        "passed": None,
        "n_rows": None,
        "n_held": None,
        "rows": [],
        "truth": [],
    }
    horizons = sections.strategy_horizons(t["totals"], t["long"], t["effects"], t["verdict"], PARAMS)
    runs = sections.strategy_run_words(horizons, t["long"])
    tiers = sections.strategy_segment_words(sections.strategy_segment_table(t["by_tier"], t["verdict"]))
    drivers = sections.strategy_drivers(t["leads"], t["effects"], t["channels"], PARAMS)
    explorer = strategy_explorer.strategy_explorer_words(t["explorer"])
    headline = page.strategy_headline(t["verdict"], t["outcomes"], t["ledger"], economics(), PARAMS)
    made_up = {
        "effect": "gain_days", "rival": "no_touch", "low_value": 0.5, "high_value": 1.5, "lead_low": -3.0,
        "lead_high": 4.0, "holds": True,
    }  # fmt: skip
    row = t["sensitivity"].assign(flip_below=True, flip_value=1.0)
    for check, state in ((made_up, "holds"), ({**made_up, "holds": False}, "open"), ({}, "none")):
        flips = sections.strategy_flip_words(check, row, t["channels"], PARAMS)
        assert flips["checked"] == state
        words = page.strategy_words(
            t["verdict"], t["outcomes"], economics(), FLAT, runs, tiers, flips, explorer, absent, having()
        )
        values = sections.strategy_values(
            headline, sections.strategy_driver_words(drivers), runs, tiers, flips, explorer, exam.exam_headline(absent)
        )
        if not check:
            words.pop("checked")  # the notebook leaves it out
        used = set(re.findall(r"\{([a-z_]+)(?::[a-z]+)?\}", str(words)))
        assert used - set(values) == set()
        assert "no table of touches" in words["assumed"]["en"]
        assert "year of history" in words["assumed"]["en"]


def test_the_exam_is_told_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(exam, "_FILE", str(tmp_path / "none.yaml"))
    none = exam.exam_verdicts(PARAMS)
    assert (none["state"], none["passed"]) == ("absent", None)
    assert exam.exam_table(none).empty
    row = {
        "number": 3, "part": "b", "claim": {"zh": "甲", "en": "A"}, "value": -0.064, "ci_lower": -0.07,
        "ci_upper": -0.05, "unit": "share", "band": [None, 0.0],
        "judged": "sign", "passed": True, "source": "Ascarza 2018", "note": "",
    }  # fmt: skip
    told = exam.exam_table({"rows": [row]}).iloc[0]
    assert (told["claim_en"], told["band"], told["verdict_en"]) == ("3b A", "< 0%", "holds")
    assert told["exam_value_en"] == "−6.4% [−7%, −5%]"


def test_checks_where_the_truth_is_known_are_no_findings_of_studies(tmp_path, monkeypatch):
    def row(number, value, *, passed):
        claim = {"zh": "甲", "en": "A"}
        ends = {"value": value, "ci_lower": value - 0.1, "ci_upper": value + 0.1, "unit": "share", "band": [0.6, None]}
        return {
            "number": number,
            "part": "a",
            "claim": claim,
            **ends,
            "judged": "number",
            "passed": passed,
            "source": "s",
        }

    rows = [row(3, 0.8, passed=True), row(13, 0.8, passed=True), row(14, 0.5, passed=False)]
    priors = load_effects(PARAMS.effects)
    file = {
        "edition": "2026-01-01", "digest": digest_of(priors), "n_customers": 1, "n_replicates": 1,
        "caveat": {"zh": "甲", "en": "A"}, "rows": rows,
    }  # fmt: skip
    (tmp_path / "verdicts.yaml").write_text(json.dumps(file), encoding="utf-8")
    monkeypatch.setattr(exam, "_FILE", str(tmp_path / "verdicts.yaml"))
    found = exam.exam_verdicts(PARAMS)
    assert (found["state"], found["n_rows"], found["n_held"]) == ("passed", 1, 1)
    assert exam.exam_table(found)["claim_en"].tolist() == ["3a A"]
    assert exam.exam_truth_table(found)["verdict_en"].tolist() == ["holds", "does not hold"]
    numbers = {name: exam.exam_headline(found)[name]["value"] for name in ("truth_rows", "truth_held")}
    assert numbers == {"truth_rows": 2, "truth_held": 1}
    assert "too narrow" in exam.exam_truth_words(found)["note"]["en"]
    assert "note" not in exam.exam_truth_words({"truth": found["truth"][:1]})


def test_a_fit_on_more_customers_than_needed_samples_them(features, monkeypatch):
    monkeypatch.setattr("analysis.recipes.purchase_clock._FIT_CUSTOMERS", 1500)
    sampled = purchase_clock(features, seed=1)
    whole = BGNBD().fit(features)
    assert len(sampled) == 3000
    assert sampled["rate_shape"].min() == pytest.approx(whole.parameters_["r"], rel=0.25)


def test_touches_in_channels_that_the_registry_lacks_are_named_and_counted():
    rates = pd.DataFrame({"channel": ["sms", "window", "<b>"], "n_assigned": [5, 2, 7]})
    gaps = made.unknown_channels(rates, pd.DataFrame({"channel": ["sms", "call"]}))
    assert (gaps["n_channels"], gaps["channels"]) == (2, "<b>, window")
    assert (gaps["n_left_out"]["value"], gaps["n_left_out"]["unit"]) == (9, "touches")


def test_a_clock_is_not_fitted_to_customers_who_never_came_back(features):
    once = features.assign(frequency=0, recency=0.0)
    with pytest.raises(TooFewError, match="at least 10 customers who came back, these data have 0"):
        purchase_clock(once, seed=1)
