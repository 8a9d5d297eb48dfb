"""Forced adds: planted codes are found, false alarms stay within 10 %, and small groups are left alone."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.relationship.new_contacts import (
    FALSE_DISCOVERY_RATE,
    benjamini_hochberg,
    early_deletions,
    survival_by_group,
)
from analysis.errors import AnalysisError


def planted(rng, *, sizes, forced=(), early=0.05, forced_early=0.35, staff=8):
    """Contacts of codes 0, 1, …: the forced ones lose more within days, all lose a few later, some are new."""
    code = np.repeat(np.arange(len(sizes)), sizes)
    n = len(code)
    leaves = rng.random(n) < np.where(np.isin(code, forced), forced_early, early)
    at = np.where(leaves, rng.exponential(2.2, n), 60 + rng.exponential(400, n)).astype(int)
    followed = rng.integers(0, 200, n)
    gone = at <= followed
    return pd.DataFrame(
        {
            "entry_days": 0,
            "tenure_days": np.minimum(at, followed),
            "door": pd.Series(["customer"] * n, dtype="string").where(gone),
            "source_state": np.char.add("code", code.astype(str)),
            "staff_id": np.char.add("s", rng.integers(0, staff, n).astype(str)),
        }
    )


def test_planted_codes_are_found_and_false_alarms_stay_within_ten_percent_on_average():
    sizes = [60, 80, 100, 120, 150, 200, 300, 400, 60, 90]
    false_share, found = [], []
    for seed in range(100):
        people = planted(np.random.default_rng(seed), sizes=sizes, forced=(8, 9))
        table = survival_by_group(people, group="source_state", ratio=1.0)
        flagged = set(table.loc[table["flagged"], "group"])
        false_share.append(len(flagged - {"code8", "code9"}) / max(len(flagged), 1))
        found.append(len(flagged & {"code8", "code9"}) / 2)
    assert np.mean(false_share) <= FALSE_DISCOVERY_RATE
    assert np.mean(found) >= 0.95


def test_without_forced_codes_anything_is_flagged_in_at_most_ten_percent_of_brands():
    alarms = 0
    p_values: list[float] = []
    for seed in range(150):
        people = planted(np.random.default_rng(1_000 + seed), sizes=[150] * 8, early=0.15)
        table = survival_by_group(people, group="source_state", ratio=1.0)
        alarms += int(table["flagged"].any())
        p_values.extend(table["p_value"])
    assert 0 < alarms / 150 <= 0.13
    assert np.mean(np.array(p_values) < 0.10) == pytest.approx(0.08, abs=0.03)  # no wild caution either


def test_a_code_that_loses_a_third_more_is_not_flagged_however_many_contacts_there_are():
    people = planted(np.random.default_rng(1), sizes=[30_000, 30_000], forced=(1,), early=0.06, forced_early=0.08)
    assert survival_by_group(people, group="source_state", ratio=1.0)["flagged"].any()
    assert not survival_by_group(people, group="source_state")["flagged"].any()


def test_staff_who_took_forced_adds_are_compared_on_the_same_codes():
    people = planted(np.random.default_rng(2), sizes=[2_000, 600], forced=(1,), staff=6)
    # s0 works at the gate: nearly all contacts of the forced code are theirs
    gate = (people["source_state"] == "code1") & (np.random.default_rng(3).random(len(people)) < 0.8)
    people["staff_id"] = np.where(gate, "s0", people["staff_id"])
    assert "s0" in set(survival_by_group(people, group="staff_id").query("flagged")["group"])
    assert not survival_by_group(people, group="staff_id", within="source_state")["flagged"].any()


def test_a_group_of_fewer_than_twenty_contacts_is_not_judged():
    people = planted(np.random.default_rng(4), sizes=[500, 19], forced=(1,), forced_early=0.9)
    small = survival_by_group(people, group="source_state").set_index("group").loc["code1"]
    assert np.isnan(small["p_value"])
    assert not small["flagged"]
    assert small["d7"] < 0.5


def test_survival_after_a_day_a_week_and_a_month_by_hand():
    """Ten contacts followed for 40 days: one goes on day 0, two on day 5, one on day 31; staff end one on day 3."""
    tenure = [0, 5, 5, 31, 3, 40, 40, 40, 40, 40]
    door = ["customer"] * 4 + ["staff"] + [None] * 5
    people = pd.DataFrame({"entry_days": 0, "tenure_days": tenure, "door": door, "source_state": "a"})
    row = survival_by_group(people, group="source_state").iloc[0]
    assert row["d1"] == pytest.approx(0.9)
    assert row["d7"] == row["d30"] == pytest.approx(0.9 * 6 / 8)  # the one ended by staff left the count on day 3
    assert row["d7_ci_lower"] < row["d7"] < row["d7_ci_upper"]


def test_contacts_not_looked_at_from_their_first_day_say_nothing_of_new_ones():
    people = planted(np.random.default_rng(5), sizes=[200, 200])
    late = people.assign(entry_days=3)
    assert survival_by_group(late, group="source_state").empty
    both = survival_by_group(pd.concat([people, late]), group="source_state")
    assert both["n_new_contacts"].sum() == 400


def test_deletions_due_are_those_at_the_rate_of_the_other_groups():
    people = pd.DataFrame(
        {
            "tenure_days": [0] * 5 + [30] * 15 + [0] * 2 + [30] * 18,
            "door": ["customer"] * 5 + [None] * 15 + ["customer"] * 2 + [None] * 18,
            "source_state": ["a"] * 20 + ["b"] * 20,
        }
    )
    found = early_deletions(people, group="source_state")
    assert found.loc["a", "n_early"] == 5
    assert found.loc["a", "n_early_expected"] == pytest.approx(20 * 2 / 20)
    assert found.loc["a", "share_due"] == pytest.approx(0.5)


def test_benjamini_hochberg_agrees_with_scipy_and_passes_over_missing_tests():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(6).random(30) ** 2
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))
    with_gap = benjamini_hochberg([0.01, np.nan, 0.02])
    assert with_gap[[0, 2]].tolist() == pytest.approx([0.02, 0.02])
    assert np.isnan(with_gap[1])
    with pytest.raises(AnalysisError):
        benjamini_hochberg([1.2])
