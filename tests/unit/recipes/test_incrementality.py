"""From tables to a page's numbers: experiments of campaigns and of outcomes, a stop, and a frozen assignment."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.connect import Tables, open_tables
from analysis.errors import AnalysisError, MissingTableError
from analysis.evidence import Estimate
from analysis.features.table import collect_features
from analysis.params import ExperimentDesignParams, IncrementalityParams
from analysis.recipes import experiment_design as design
from analysis.recipes import experiment_design_page as design_page
from analysis.recipes import incrementality as made
from analysis.recipes import incrementality_costs as costs_made
from analysis.recipes import incrementality_page as page
from analysis.recipes.resolver import Previous, write_kept

AS_OF = date(2026, 6, 30)
PARAMS = IncrementalityParams()
OUTCOMES = IncrementalityParams.model_validate({"table": "outcomes", "metrics": {"visit": "rate"}, "control": "none"})


def shop(folder: Path, *, n: int = 1600, share_sent: float = 0.7) -> Tables:
    """Customers who buy, one campaign over and one running: the touched who are reached spend 30 more."""
    rng = np.random.default_rng(3)
    ids = [f"c{i:04d}" for i in range(n)]
    past = pd.DataFrame({"customer_id": rng.choice(ids, 4 * n), "day": rng.integers(40, 300, 4 * n)})
    past["amount"] = rng.gamma(2, 30, len(past))
    arm = np.where(rng.random(n) < 0.5, "treated", "holdout")
    sent = (arm == "treated") & (rng.random(n) < share_sent)
    bought = rng.random(n) < np.where(sent, 0.4, 0.2)
    recent = pd.DataFrame({"customer_id": np.array(ids)[bought], "day": rng.integers(12, 20, bought.sum())})
    recent["amount"] = rng.gamma(4, 25, len(recent))
    early = pd.DataFrame({"customer_id": ids[:5], "day": 21, "amount": 1e6})  # the hour before assignment: not counted
    orders = pd.concat([past, recent, early], ignore_index=True)
    orders["ordered_at"] = pd.Timestamp(AS_OF) - pd.to_timedelta(orders["day"], unit="D")
    orders = _days(orders.assign(order_id=[f"o{i}" for i in range(len(orders))]), "ordered")
    orders.drop(columns="day").to_parquet(folder / "orders.parquet", index=False)
    assigned = pd.Timestamp(AS_OF) - pd.Timedelta(days=21) + pd.Timedelta(hours=9)
    rows = {"customer_id": ids, "arm": arm, "assigned_at": assigned, "stratum": "s"}
    over = pd.DataFrame({"experiment_id": "camp-1", **rows})
    running = over.assign(experiment_id="camp-2", assigned_at=pd.Timestamp(AS_OF) - pd.Timedelta(days=1))
    _days(pd.concat([over, running]), "assigned").to_parquet(folder / "assignments.parquet", index=False)
    campaigns = pd.DataFrame({"campaign_id": ["camp-1", "camp-2"], "name": ["六月", "七月"], "holdout_share": 0.5,
                              "response_window_days": 14, "starts_at": assigned})  # fmt: skip
    _days(campaigns, "starts").to_parquet(folder / "campaigns.parquet", index=False)
    touched = over[over["arm"] == "treated"].assign(touch_id=lambda t: t["customer_id"], campaign_id="camp-1")
    touched["send_status"] = np.where(sent[arm == "treated"], 1, 0)
    touched = touched.assign(channel="private_chat", delivered_at=touched["assigned_at"])
    _days(_days(touched, "assigned"), "delivered").to_parquet(folder / "touches.parquet", index=False)
    contacts = pd.DataFrame({"contact_id": ids, "customer_id": ids, "staff_id": [f"s{i % 20}" for i in range(n)]})
    contacts["added_at"] = pd.Timestamp("2025-01-01")
    _days(contacts, "added").to_parquet(folder / "contacts.parquet", index=False)
    outcomes = pd.DataFrame(
        {"experiment_id": "e", "customer_id": ids, "arm": np.where(arm == "treated", "mail", "none")}
    )
    outcomes.assign(visit=bought.astype(float), note="text").to_parquet(folder / "outcomes.parquet", index=False)
    return open_tables(folder).as_of(AS_OF)


def _days(frame: pd.DataFrame, stem: str) -> pd.DataFrame:
    at = frame[f"{stem}_at"].astype("datetime64[us]")
    dated = frame.copy()
    dated[f"{stem}_at"], dated[f"{stem}_on"] = at, at.dt.date
    return dated


def chain(tables: Tables, params: IncrementalityParams) -> dict[str, Any]:
    """Resolve the chain by hand, in the resolver's order."""
    found = made.experiment_list(tables, AS_OF, params)
    frame = made.experiment_frame(tables, found, params)
    customers = made.trial_customers(tables, frame, params)
    ratio = made.incrementality_ratio(frame, customers)
    effects = made.incrementality_effects(frame, customers, ratio, params)
    staff = made.incrementality_staff(tables, frame, customers)
    touched = made.incrementality_touched(tables, frame)
    checked = made.incrementality_checks(frame, customers, ratio, staff, params, seed=1)
    reached = made.incrementality_reached(frame, customers, ratio, staff, touched, params)
    collisions = made.incrementality_collisions(frame, customers, ratio, touched, params)
    verdict = page.incrementality_verdict(frame, effects, ratio)
    costs = costs_made.incrementality_costs(tables, frame, customers, params)
    headline = page.incrementality_headline(frame, customers, ratio, effects, verdict, costs)
    kept = {name: value.as_result() if isinstance(value, Estimate) else value for name, value in headline.items()}
    return {
        "list": found, "frame": frame, "customers": customers, "ratio": ratio, "effects": effects, "checks": checked,
        "reached": reached, "verdict": verdict, "headline": headline,
        "results": page.incrementality_results(frame, customers, ratio, effects, checked, reached, costs),
        "costs": costs,
        "words": page.incrementality_words(frame, verdict, kept),
        "others": costs_made.incrementality_others(found, frame),
        "ways": page.incrementality_ways(frame, checked, verdict),
        "reach_words": page.incrementality_reach_words(reached, collisions, verdict),
    }  # fmt: skip


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    return shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def read(tables) -> dict[str, Any]:
    return chain(tables, PARAMS)


def test_the_newest_experiment_whose_window_is_over_is_read(read):
    assert read["list"]["experiment_id"].tolist() == ["camp-2", "camp-1"]
    assert read["list"]["is_over"].tolist() == [False, True]
    assert (read["frame"]["experiment_id"], read["frame"]["shares_by"]) == ("camp-1", "campaign")


def test_orders_before_the_moment_of_assignment_are_no_outcome(read):
    assert read["customers"]["spend"].max() < 1e5
    assert read["customers"].set_index("customer_id")["spend_before"].head(5).gt(1e5).all()


def test_effect_is_found_as_assigned_and_larger_on_those_reached(read):
    row = read["effects"].set_index("metric").loc["spend"]
    assert row["effect_ci_lower"] < 14 < row["effect_ci_upper"]  # 0.2 more orders of 100 at 70 % reached
    reached = read["reached"].set_index("metric").loc["spend"]
    assert reached["effect_reached"] == pytest.approx(row["effect"] / reached["share_reached"])
    assert reached["share_reached"] == pytest.approx(0.7, abs=0.05)
    assert read["reach_words"]["shown"]
    assert read["verdict"] == {"kind": "works", "metric": "spend", "arm": "treated", "worsened": []}


@pytest.mark.parametrize(("cost", "said"), [(2.0, "Keep sending"), (16.0, "not proven to pay"), (90.0, "Stop sending")])
def test_worth_is_net_of_what_the_sent_touches_cost_and_so_is_the_decision(tables, read, cost, said):
    found = chain(tables, PARAMS.model_copy(update={"cost_per_touch": {"treated": cost}}))
    n_sent, n_treated = (
        int(value) for value in (found["costs"]["n_touches"].sum(), read["results"]["spend.treated.n"].value)
    )
    assert 0.6 * n_treated < n_sent < 0.8 * n_treated  # what staff did not send costs nothing
    each = cost * n_sent / n_treated
    gross, net = read["headline"]["worth"], found["headline"]["worth"]
    assert net.value == pytest.approx(gross.value - each * gross.n)
    assert found["results"]["spend.treated.effect_net"].value == pytest.approx(found["headline"]["effect"].value - each)
    assert said in found["words"]["decision"]["en"]
    assert "taken off" in found["words"]["decision"]["why"]["en"]
    assert "less the touches' cost" in found["words"]["decision"]["worth_label"]["en"]
    assert "not taken off" in read["words"]["decision"]["why"]["en"]


def test_cost_of_an_arm_that_is_none_is_refused(tables):
    with pytest.raises(AnalysisError, match="cost_per_touch names mail"):
        chain(tables, PARAMS.model_copy(update={"cost_per_touch": {"mail": 1.0}}))


def test_more_of_what_should_be_little_is_harm(tables):
    outcomes = OUTCOMES.model_copy(update={"lower_is_better": ["visit"]})
    found = chain(tables, outcomes)
    assert found["verdict"]["kind"] == "harms"
    assert "harm" in found["words"]["answer"]["en"]
    assert "to rise by" in found["words"]["answer"]["en"]
    both = PARAMS.model_copy(update={"lower_is_better": ["n_orders"]})
    assert chain(tables, both)["verdict"]["worsened"] == ["n_orders"]
    with pytest.raises(ValueError, match="lower_is_better names complaints"):
        IncrementalityParams.model_validate({"lower_is_better": ["complaints"]})


def test_other_experiments_are_named_with_the_line_that_reads_them(read):
    assert read["others"]["shown"]
    assert read["others"]["values"]["names"]["en"] == "camp-2"
    assert read["others"]["values"]["write"] == "incrementality: {experiment: camp-2}"


def test_results_have_the_names_of_the_contract(read):
    told = ("n", "mean", "effect", "rel_effect", "std_error", "pvalue", "effect_adjusted", "pvalue_holm")
    names = {f"spend.treated.{what}" for what in told}
    assert names | {"sample_ratio_pvalue", "spend.holdout.mean", "spend.holdout.n"} <= set(read["results"])
    effect = read["results"]["spend.treated.effect"]
    assert (effect.grade, effect.unit, effect.confidence_level) == ("A", "money", 0.95)
    assert read["results"]["bought.treated.effect"].unit == "points"
    assert len(read["ways"]) == 8


def test_a_running_experiment_says_so(tables):
    found = chain(tables, PARAMS.model_copy(update={"experiment": "camp-2"}))
    assert not found["frame"]["is_over"]
    assert found["verdict"]["kind"] == "running"


def test_wrong_split_stops_everything_but_counts(tables):
    shares = {"treated": 0.8, "holdout": 0.2}
    found = chain(tables, IncrementalityParams.model_validate({"planned_shares": shares}))
    assert found["verdict"]["kind"] == "stopped"
    assert found["effects"].empty
    assert found["checks"].empty
    assert found["results"]["sample_ratio_pvalue"].value < 0.001
    assert found["results"]["spend.treated.n"].value > 700
    assert found["results"]["spend.treated.effect"].value is None
    assert found["results"]["spend.holdout.mean"].value is None


def test_outcomes_measured_elsewhere_are_read_by_their_names(tables):
    found = chain(tables, OUTCOMES)
    assert (found["frame"]["source"], found["frame"]["shares_by"]) == ("outcomes", "assumed")
    assert found["results"]["visit.mail.effect"].ci_lower > 0
    with pytest.raises(AnalysisError, match="no column visits"):
        chain(tables, OUTCOMES.model_copy(update={"metrics": {"visits": "rate"}}))
    with pytest.raises(AnalysisError, match="not a number"):
        chain(tables, OUTCOMES.model_copy(update={"metrics": {"note": "rate"}}))


def test_book_that_names_outcomes_without_metrics_is_refused():
    with pytest.raises(ValueError, match="needs metrics"):
        IncrementalityParams.model_validate({"table": "outcomes"})


def test_without_assignments_the_page_says_which_table_it_needs(tables, tmp_path):
    orders = pd.DataFrame({"order_id": ["o"], "customer_id": ["c"], "ordered_at": pd.Timestamp(AS_OF), "amount": 1.0})
    _days(orders, "ordered").to_parquet(tmp_path / "orders.parquet", index=False)
    with pytest.raises(MissingTableError, match="assignments"):
        made.experiment_list(open_tables(tmp_path).as_of(AS_OF), AS_OF, PARAMS)


@pytest.mark.parametrize("by", ["customer", "staff"])
def test_assignment_is_drawn_once_and_stands_in_the_next_run(tables, tmp_path, by):
    params = ExperimentDesignParams.model_validate({"name": "june", "by": by, "holdout_share": 0.3, "redraws": 10})
    customers = design.design_customers(tables, collect_features(tables, as_of=AS_OF), AS_OF, params)
    first = design.experiment_assignment(customers, params, Previous(None), AS_OF, seed=1)
    assert (first["arm"] == "holdout").mean() == pytest.approx(0.3, abs=0.01 if by == "customer" else 0.08)
    write_kept(first, tmp_path / design.STATE)
    later = date(2026, 7, 7)
    again = design.experiment_assignment(customers.head(900), params, Previous(tmp_path), later, seed=2)
    facts = [design.assignment_facts(rows, customers, params, later) for rows in (first, again)]
    assert facts[0]["fingerprint"] == facts[1]["fingerprint"]
    assert not facts[1]["is_new"]
    other = params.model_copy(update={"name": "july"})
    fresh = design.experiment_assignment(customers, other, Previous(tmp_path), later, seed=2)
    assert fresh["arm"].tolist() != first["arm"].tolist()


def test_design_page_has_its_numbers(tables):
    params = ExperimentDesignParams()
    customers = design.design_customers(tables, collect_features(tables, as_of=AS_OF), AS_OF, params)
    alike = design.design_alike(customers)
    effects, shares = (recipe(customers, alike, params) for recipe in (design.design_effects, design.design_by_share))
    drawn = design.experiment_assignment(customers, params, Previous(None), AS_OF, seed=1)
    facts = design.assignment_facts(drawn, customers, params, AS_OF)
    gaps = design.assignment_balance(drawn, customers)
    headline = design_page.design_headline(effects, shares, customers, facts, gaps, params)
    told = {name: value.as_result() if hasattr(value, "as_result") else value for name, value in headline.items()}
    assert told["mde_rel"]["value"] > 0.1
    assert told["power"]["grade"] == "D"
    assert told["gap"]["value"] < 0.1
    assert set(design_page.design_words(told, facts, params)) == {"answer", "decision", "claim", "alike", "frozen"}
