"""Designs: shares are kept, arms come out alike, the list is the same whatever the order, small brands are told."""

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError, TooFewError
from analysis.experiment import assignment
from analysis.experiment.assignment import assign, balance, fingerprint
from analysis.experiment.design import Plan, alike_within, visible_by_share, visible_effects
from analysis.stats.means import welch_difference

SHARES = {"holdout": 0.2, "touch": 0.8}
PLAN = Plan(n_arms=1, holdout_share=0.2, power=0.8, expected_rel_effect=0.1)


def shop(n: int = 1000, *, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    revenue = rng.lognormal(4, 1, n)
    rows = {"customer_id": [f"c{i:05d}" for i in range(n)], "revenue": revenue, "recent": rng.gamma(2, 30, n)}
    return pd.DataFrame({**rows, "stratum": np.where(revenue > 60, "high", "low"), "staff": rng.integers(0, 24, n)})


def drawn(customers: pd.DataFrame, **chosen: object) -> "pd.Series[str]":
    settings: dict[str, object] = {"shares": SHARES, "measures": ["revenue", "recent"], "seed": 7, "redraws": 50}
    return assign(customers, **{**settings, **chosen}).arms  # type: ignore[arg-type]  # settings by name


def test_every_stratum_gets_the_planned_shares():
    customers = shop()
    held = (drawn(customers) == "holdout").groupby(customers["stratum"]).agg(["sum", "size"])
    assert ((held["sum"] - 0.2 * held["size"]).abs() <= 1).all()


def test_order_of_rows_does_not_matter():
    customers = shop()
    shuffled = customers.sample(frac=1, random_state=3)
    assert drawn(shuffled).sort_index().tolist() == drawn(customers).tolist()
    assert drawn(customers, seed=8).tolist() != drawn(customers).tolist()


def test_redrawing_makes_arms_more_alike():
    measures = ["revenue", "recent"]
    found = assign(shop(), shares=SHARES, measures=measures, seed=7, redraws=100)
    once = [assign(shop(), shares=SHARES, measures=measures, seed=seed, redraws=1).distance for seed in range(30)]
    assert found.distance < np.quantile(once, 0.1) < found.first_distance + np.mean(once)
    gaps = balance(shop(), found.arms, measures=["revenue", "recent"], control="holdout")["gap"]
    assert gaps.abs().max() < 0.05


def test_many_customers_are_drawn_less_often(monkeypatch):
    monkeypatch.setattr(assignment, "MOST_DEALT", 2 * 1000 + 1)
    assert drawn(shop(), redraws=50).tolist() == drawn(shop(), redraws=2).tolist()


def test_everybody_is_held_out_with_the_planned_chance():
    customers = shop(60)
    held = np.mean([drawn(customers, seed=seed, redraws=1) == "holdout" for seed in range(400)], axis=0)
    assert held.mean() == pytest.approx(0.2, abs=0.005)
    assert held.min() > 0.1
    assert held.max() < 0.3


def test_whole_clusters_stay_together():
    customers = shop()
    arms = drawn(customers, cluster="staff", shares={"holdout": 0.5, "touch": 0.5})
    assert (arms.groupby(customers["staff"]).nunique() == 1).all()
    assert customers.groupby(arms)["staff"].nunique().tolist() == [12, 12]
    with pytest.raises(AnalysisError, match="3 clusters cannot be dealt out"):
        drawn(customers.assign(staff=customers["staff"] % 3), cluster="staff")


def test_fingerprint_changes_with_one_moved_customer():
    rows = shop(50).assign(experiment_id="e", arm=drawn)
    moved = rows.assign(arm=rows["arm"].where(rows.index > 0, "other"))
    assert fingerprint(rows) == fingerprint(rows.iloc[::-1])
    assert fingerprint(rows) != fingerprint(moved)


def test_brand_of_five_thousand_is_told_what_it_can_see_and_that_is_right():
    rng, p, n = np.random.default_rng(5), 0.12, 5000
    now = pd.DataFrame({"bought": rng.binomial(1, p, n)})
    before = pd.DataFrame({"bought": rng.binomial(1, p, n)})
    found = visible_effects(now, before, plan=PLAN).iloc[0]
    assert found["mde_rel"] == pytest.approx(0.266, abs=0.02)
    base, mde = float(found["base"]), float(found["mde"])
    seen = [welch_difference(rng.random(4000) < base + mde, rng.random(1000) < base).pvalue < 0.05 for _ in range(300)]
    assert 0.72 <= np.mean(seen) <= 0.88
    assert found["power"] < 0.3
    assert found["n_needed"] > n


def test_larger_holdouts_show_more_and_cost_more():
    rng = np.random.default_rng(6)
    now = pd.DataFrame({"bought": rng.binomial(1, 0.2, 2000), "spend": rng.gamma(1, 50, 2000)})
    table = visible_by_share(now, now * 0, plan=PLAN, metric="bought", money="spend")
    assert table["mde_rel"].is_monotonic_decreasing
    assert table["holdout_cost"].is_monotonic_increasing
    assert table.loc[table["is_planned"], "holdout_share"].tolist() == [0.2]


def test_clusters_that_are_alike_hide_effects():
    rng = np.random.default_rng(7)
    clusters = np.repeat(np.arange(40), 50)
    values = rng.normal(0, 0.5, 40)[clusters] + rng.standard_normal(2000)
    alike = alike_within(values, clusters)
    assert alike == pytest.approx(0.2, abs=0.08)
    assert alike_within(rng.standard_normal(2000), clusters) < 0.03
    frame = pd.DataFrame({"y": values + 5})
    single, whole = (
        visible_effects(frame, frame * 0, plan=PLAN._replace(cluster_size=size), alike=alike)["mde"].iloc[0]
        for size in (1, 50)
    )
    assert whole > 2.5 * single


def test_too_few_customers_are_told_so():
    tiny = pd.DataFrame({"bought": [0, 1] * 20})
    with pytest.raises(TooFewError):
        visible_effects(tiny, tiny, plan=PLAN)
