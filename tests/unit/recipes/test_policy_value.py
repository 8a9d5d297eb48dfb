"""From a table of decisions to a page's numbers: columns, refusals, results, time, books without orders."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.connect import open_tables
from analysis.evidence import Estimate
from analysis.params import PolicyValueParams
from analysis.recipes import policy_value as made
from analysis.recipes import policy_value_page as page

TODAY = date(2026, 7, 1)
GAIN = {"nothing": 0.0, "coupon": 3.0, "call": -2.0}


def decisions(*, n: int = 1500, seed: int = 1, drift: float = 0.0) -> pd.DataFrame:
    """Half of the customers are offered more coupons; a coupon earns 3 more, a call 2 less."""
    rng = np.random.default_rng(seed)
    member = rng.random(n) < 0.5
    p = np.where(member[:, None], [0.2, 0.6, 0.2], [0.5, 0.2, 0.3])
    action = (p.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1).clip(0, 2)
    names = np.array(list(GAIN))[action]
    day = rng.integers(0, 80, n)
    reward = 5 + 2 * member + np.array(list(GAIN.values()))[action] + drift * day + rng.normal(size=n)
    return pd.DataFrame(
        {"decision_id": [f"d{i}" for i in range(n)], "customer_id": [f"c{i // 2:05d}" for i in range(n)],
         "action": names, "propensity": p[np.arange(n), action], "reward": reward, "member": member.astype(float),
         "decided_at": pd.Timestamp("2026-03-01") + pd.to_timedelta(day, unit="D"),
         "rule": np.where(member, "coupon", "nothing"), "p_coupon": 0.5, "p_nothing": 0.5}
    )  # fmt: skip


def chain(table: pd.DataFrame, params: PolicyValueParams) -> dict[str, Any]:
    """Resolve the chain by hand, in the resolver's order."""
    rows = table.sort_values(["customer_id", "decision_id"], ignore_index=True)
    frame = made.policy_value_frame(rows, params)
    forecasts = made.policy_value_forecasts(rows, frame, params, 1)
    estimates = made.policy_value_estimates(rows, frame, forecasts, params, 1)
    fits = made.policy_value_calibration(rows, frame, params)
    verdict = made.policy_value_verdict(estimates, params)
    periods = made.policy_value_periods(rows, frame, forecasts, verdict, params, 1)
    drift = made.policy_value_drift(periods)
    return {
        "frame": frame, "estimates": estimates, "fits": fits, "verdict": verdict, "periods": periods, "drift": drift,
        "headline": page.policy_value_headline(frame, estimates, fits, verdict),
        "words": page.policy_value_words(frame, fits, verdict, params),
        "claims": page.policy_value_claims(estimates, fits, drift, verdict),
        "results": page.policy_value_results(frame, estimates, fits),
        "refused": page.policy_value_refused(estimates, params),
        "tables": [
            page.policy_value_table(frame, estimates, fits), page.policy_value_ways(frame, estimates, fits, verdict),
            page.policy_value_overlap(estimates), page.policy_value_over_time(frame, periods),
            page.policy_value_actions_shown(frame, made.policy_value_actions(rows, frame, params)),
        ],
    }  # fmt: skip


def params(**given: Any) -> PolicyValueParams:
    return PolicyValueParams.model_validate({"reward": "money", **given})


DATED = decisions().assign(decided_on=lambda t: t["decided_at"].dt.date)
OWN = {"policies": {"rule": "rule", "mixed": {"coupon": "p_coupon", "nothing": "p_nothing"}}}


@pytest.fixture(scope="module")
def read() -> dict[str, Any]:
    return chain(DATED, params(**OWN))


def test_log_without_orders_is_read_and_its_own_columns_are_context(tmp_path):
    DATED.to_parquet(tmp_path / "decisions.parquet", index=False)
    found = made.policy_value_decisions(open_tables(tmp_path).as_of(TODAY))
    assert len(found) == len(DATED)
    assert found["customer_id"].is_monotonic_increasing
    assert made.policy_value_frame(found, params(**OWN))["context"] == ["member"]
    assert made.policy_value_frame(found, params(context=[]))["context"] == []


def test_rows_after_the_day_of_the_report_are_not_seen(tmp_path):
    DATED.to_parquet(tmp_path / "decisions.parquet", index=False)
    found = made.policy_value_decisions(open_tables(tmp_path).as_of(date(2026, 3, 10)))
    assert 0 < len(found) < len(DATED) / 4


def test_best_policy_is_proven_and_told_with_what_it_is_worth(read):
    assert read["verdict"] == {"kind": "better", "policy": "always_coupon"}
    difference = read["headline"]["difference"]
    truth = 3.0 - (0.5 * (0.6 * 3 - 0.2 * 2) + 0.5 * (0.2 * 3 - 0.3 * 2))
    assert difference.ci_lower < truth < difference.ci_upper
    assert read["headline"]["worth"].value == pytest.approx(difference.value * len(DATED))
    assert "worth_label" in read["words"]["decision"]
    assert difference.grade == "A"


def test_results_have_the_names_of_the_contract(read):
    policies = ("logged", "uniform", "learned", "always_coupon", "always_nothing", "always_call", "rule", "mixed")
    wanted = {f"{policy}.{name}" for policy in policies for name in ("ips", "snips", "dr", "switch_dr", "ess")}
    assert wanted <= set(read["results"])
    dr = read["results"]["rule.dr"]
    assert (dr.unit, dr.grade, dr.confidence_level) == ("money", "A", 0.95)
    assert dr.ci_lower < 5 + 1 + 1.5 < dr.ci_upper
    assert read["results"]["logged.ess"].value == len(DATED)


def test_refused_log_has_null_results_and_says_why():
    found = chain(DATED.assign(propensity=DATED["propensity"].where(DATED.index > 9, 0.0)), params())
    assert found["verdict"] == {"kind": "refused", "policy": None}
    assert found["results"]["logged.dr"].value is None
    assert "10" in str(found["headline"]["found"].value)
    assert "not above 0" in found["words"]["answer"]["detail_en"]
    assert found["fits"]["grade"] == "C"
    assert all(table.empty for table in found["tables"])


def test_rate_that_is_none_is_refused():
    found = chain(DATED, PolicyValueParams(reward="rate"))
    assert found["frame"]["refusal"]["reason"] == "not_a_rate"


def test_estimated_or_doubtful_probabilities_are_graded_c_and_the_decision_says_so():
    estimated = chain(DATED, params(propensities="estimated"))
    assert estimated["results"]["always_coupon.dr"].grade == "C"
    assert "estimated afterwards" in estimated["words"]["decision"]["why"]["en"]
    shares = DATED["action"].map(DATED["action"].value_counts(normalize=True))
    marginal = chain(DATED.assign(propensity=shares), params(**OWN))
    assert marginal["results"]["always_coupon.dr"].grade == "C"
    assert marginal["claims"]["column"] == "member"
    assert "do not average one" in marginal["words"]["decision"]["why"]["en"]


def test_clicks_are_a_rate_and_their_differences_points():
    clicks = DATED.assign(reward=(DATED["reward"] > 8).astype(float))
    found = chain(clicks, PolicyValueParams())
    assert found["results"]["always_coupon.dr"].unit == "share"
    assert found["results"]["always_coupon.difference"].unit == "points"
    assert "value_rate" in found["tables"][0]


def test_costs_and_less_is_better_turn_the_choice():
    dear = chain(DATED, params(costs={"coupon": 9.0}))
    assert dear["verdict"]["policy"] in {"always_nothing", "learned"}
    assert dear["results"]["always_coupon.dr"].value == pytest.approx(9 - 9, abs=0.3)
    complaints = chain(DATED, params(lower_is_better=True))
    assert complaints["verdict"]["kind"] == "better"
    assert complaints["verdict"]["policy"] in {"always_call", "learned"}
    assert "less a decision" in complaints["words"]["answer"]["en"]
    with pytest.raises(ValueError, match="costs need reward: money"):
        PolicyValueParams.model_validate({"costs": {"coupon": 1.0}})
    with pytest.raises(ValueError, match="valued anyway"):
        PolicyValueParams.model_validate({"policies": {"always_x": "rule"}})


def test_time_is_shown_and_a_drift_is_said(read):
    assert len(read["periods"]) >= 5
    assert min(read["drift"].values()) > 0.01
    assert "No change" in read["claims"]["time"]["en"]
    moving = chain(decisions(drift=0.05).assign(decided_on=lambda t: t["decided_at"].dt.date), params())
    assert moving["drift"]["logged"] < 1e-6
    assert "Rewards changed over time" in moving["claims"]["time"]["en"]


def test_policies_that_cannot_be_valued_are_listed_with_their_reason():
    rare = DATED.assign(action=DATED["action"].where(DATED.index > 3, "visit"))
    found = chain(rare, params(policies={"new": "rule"}, min_ess=60))
    listed = found["refused"].set_index("policy_en")["reason_en"].to_dict()
    assert "at least 60 are needed" in listed["Always visit"]
    assert found["results"]["always_visit.dr"].value is None
    assert isinstance(found["results"]["always_visit.ess"], Estimate)
