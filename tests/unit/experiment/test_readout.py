"""Readouts: planted effects are found, wrong splits stop, many arms are corrected, clusters widen."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.experiment.participants import (
    assigned_by_cluster,
    control_arm,
    measures_before,
    planned_shares,
    sample_ratio,
)
from analysis.experiment.reach import collisions, reached_effects
from analysis.experiment.readout import Trial, checks, read_out
from analysis.experiment.verdict import Verdict, VerdictKind, decide, words

METRICS = {"spend": "money", "bought": "rate"}


def trial(*, effect: float = 0.0, n: int = 3000, seed: int = 1, clusters: int | None = None) -> Trial:
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, clusters or n, n)
    arm = np.array(["holdout", "text", "video"])[(cluster if clusters else rng.integers(0, 3, n)) % 3]
    before = rng.gamma(2, 30, n)
    bought = rng.random(n) < 0.15 + effect * (arm == "video")
    spend = bought * (before + rng.lognormal(3, 0.5, n))
    rows = {"customer_id": [f"c{i:05d}" for i in range(n)], "arm": arm, "spend": spend, "bought": bought.astype(int)}
    customers = pd.DataFrame({**rows, "before": before, "cluster_id": cluster.astype(str)})
    return Trial(customers, "holdout", METRICS, ("before",), cluster="cluster_id" if clusters else None)


def at(found: pd.DataFrame, metric: str, arm: str) -> dict[str, Any]:
    rows = found[(found["metric"] == metric) & (found["arm"] == arm)].to_dict("records")
    return {str(name): value for name, value in rows[0].items()}


def verdict(found: pd.DataFrame, *, state: str = "ok", is_over: bool = True) -> Verdict:
    return decide(found, metrics=list(METRICS), state=state, is_over=is_over)


def test_planted_effect_is_found_and_said_to_be_caused():
    found = read_out(trial(effect=0.08))
    row = at(found, "bought", "video")
    assert row["effect_ci_lower"] < 0.08 < row["effect_ci_upper"]
    said = verdict(found)
    assert (said.kind, said.arm, said.metric) == (VerdictKind.WORKS, "video", "spend")
    assert "caused" in words(said, rises=True, shares_by="book")["answer"]["en"]


def test_without_effect_nothing_is_said_to_be_caused():
    kinds = [verdict(read_out(trial(seed=seed, n=900))).kind for seed in range(60)]
    assert kinds.count(VerdictKind.UNPROVEN) >= 54
    for kind in (VerdictKind.UNPROVEN, VerdictKind.RUNNING, VerdictKind.STOPPED):
        said = words(Verdict(kind, "spend", "video"), rises=True, shares_by="assumed")["answer"]
        assert "caused" not in said["en"] + said["detail_en"]
        assert "使" not in said["zh"]


def test_correction_is_over_all_arms_and_metrics():
    found = read_out(trial(effect=0.05))
    assert (found["pvalue_holm"] >= found["pvalue"]).all()
    assert found["pvalue_holm"].min() == pytest.approx(found["pvalue"].min() * 4)


def test_running_experiment_needs_the_interval_for_those_who_peek():
    found = read_out(trial(effect=0.08))
    assert verdict(found, is_over=False).kind is VerdictKind.WORKS
    wide = found.assign(effect_sequential_ci_lower=-1.0, effect_sequential_ci_upper=1.0)
    assert verdict(wide, is_over=False).kind is VerdictKind.RUNNING


def test_wrong_split_stops_and_shares_come_from_the_book_first():
    arms = pd.Series(["a"] * 700 + ["b"] * 300)
    assert sample_ratio(arms, shares={"a": 0.5, "b": 0.5}).state == "stop"
    assert sample_ratio(arms, shares={"a": 0.7, "b": 0.3}).state == "ok"
    assert sample_ratio(pd.Series(["a"] * 545 + ["b"] * 455), shares={"a": 0.5, "b": 0.5}).state == "warn"
    assert planned_shares(["a", "b"], control="b", book={"a": 7, "b": 3}, holdout_share=0.5) == (
        {"a": 0.7, "b": 0.3},
        "book",
    )
    shares, by = planned_shares(["a", "b", "c"], control="b", book=None, holdout_share=0.2)
    assert (shares, by) == ({"a": 0.4, "b": 0.2, "c": 0.4}, "campaign")
    assert planned_shares(["a", "b"], control="b", book=None, holdout_share=None)[1] == "assumed"


def test_control_is_told_by_its_name_or_asked_for():
    assert control_arm(["新文案", "对照组"], named=None) == "对照组"
    with pytest.raises(AnalysisError, match="cannot be told"):
        control_arm(["x", "y"], named=None)
    with pytest.raises(AnalysisError, match="did you mean 'No E-Mail'"):
        control_arm(["No E-Mail", "Mens E-Mail"], named="No Email")


def test_whole_clusters_are_noticed_and_widen_the_interval():
    by_cluster = trial(clusters=30)
    rows = by_cluster.customers
    assert assigned_by_cluster(rows["arm"], rows["cluster_id"])
    assert not assigned_by_cluster(trial().customers["arm"], pd.Series(np.arange(3000) % 30).astype(str))
    shift = rows["cluster_id"].astype(int).map(dict(enumerate(np.random.default_rng(2).normal(0, 30, 30).tolist())))
    moved = by_cluster._replace(customers=rows.assign(spend=rows["spend"] + shift))
    clustered, plain = read_out(moved), read_out(moved._replace(cluster=None))
    assert (clustered["std_error"][:2] > 2 * plain["std_error"][:2]).all()


def test_every_way_of_estimating_is_there_for_money():
    ways = checks(trial()._replace(near="cluster_id"), seed=1)
    money = ways[(ways["metric"] == "spend") & (ways["arm"] == "text")]
    assert money["method"].tolist() == [
        "plain", "cuped", "adjusted", "winsorised", "bootstrap", "clustered", "sequential",
    ]  # fmt: skip
    assert money["std_error"].gt(0).all()


def test_unknown_measures_are_marked_and_text_is_spread_out():
    frame = pd.DataFrame({"x": [1.0, np.nan, 3.0], "city": ["a", "b", None]})
    assert measures_before(frame, columns=["x", "city"]).tolist() == [[1, 0, 0], [2, 1, 1], [3, 0, 0]]
    with pytest.raises(AnalysisError, match="no column 'recencyy'"):
        measures_before(frame, columns=["recencyy"])


def test_metric_that_is_no_rate_is_refused():
    with pytest.raises(AnalysisError, match="called a rate"):
        read_out(trial()._replace(metrics={"spend": "rate"}))


def test_effect_on_the_reached_divides_by_what_assignment_moved():
    made = trial(effect=0.08)
    rng = np.random.default_rng(3)
    rows = made.customers
    sent = (rows["arm"] != "holdout") & (rng.random(len(rows)) < 0.5)
    touched = pd.DataFrame({"customer_id": rows["customer_id"], "send_status": np.where(sent, 1, 0)})
    staff = pd.DataFrame({"customer_id": rows["customer_id"], "staff_id": (np.arange(len(rows)) % 25).astype(str)})
    row = at(reached_effects(made, touched=touched, staff=staff), "bought", "video")
    effect = at(read_out(made), "bought", "video")["effect"]
    assert row["effect_reached"] == pytest.approx(effect / row["share_reached"])
    assert row["n_clusters"] == 25


def test_collisions_are_used_only_where_the_collided_were_like_the_others():
    made = trial()
    rows, rng = made.customers, np.random.default_rng(4)
    lottery = np.where(rng.random(len(rows)) < 0.3, 3, 1)
    busy = np.where(rows["before"] > rows["before"].quantile(0.7), 3, 1)
    alike, unlike, few = (
        collisions(made, touched=pd.DataFrame({"customer_id": rows["customer_id"], "send_status": status}))
        for status in (lottery, busy, np.where(np.arange(len(rows)) % 100 == 0, 3, 1))
    )
    assert alike["usable"]
    assert (unlike["usable"], unlike["reason"]) == (False, "unlike")
    assert (few["usable"], few["reason"]) == (False, "too_few")
