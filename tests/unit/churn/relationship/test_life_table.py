"""Incidence by door and survival: against counts by hand, and their intervals against planted hazards."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.relationship.life_table import cumulative_incidence, life_table, still_there

DOORS = ("customer", "staff")


def contacts(tenure, door, entry=0):
    """Contacts with the door "" for those still there."""
    doors = pd.Series(door, dtype="string")
    return pd.DataFrame({"entry_days": entry, "tenure_days": tenure, "door": doors.mask(doors == "")})


def test_without_censoring_the_incidence_is_the_share_that_left_by_that_door():
    rng = np.random.default_rng(1)
    tenure, door = rng.integers(0, 40, 500), rng.choice(DOORS, 500)
    table = life_table(contacts(tenure, door), doors=DOORS)
    for place, name in enumerate(DOORS):
        shares = [((tenure <= day) & (door == name)).mean() for day in range(40)]
        assert cumulative_incidence(table, door=place).value == pytest.approx(shares)


def test_doors_and_those_still_there_sum_to_one_under_censoring_and_late_entry():
    rng = np.random.default_rng(2)
    entry = rng.integers(0, 10, 800)
    people = contacts(entry + rng.integers(0, 60, 800), rng.choice([*DOORS, ""], 800), entry=entry)
    table = life_table(people, doors=DOORS)
    total = sum(cumulative_incidence(table, door=place).value for place in (0, 1)) + still_there(table).value
    assert total == pytest.approx(np.ones_like(total))


def test_the_example_of_four_contacts_by_hand():
    """At risk 4, 3, 1 on days 0, 1, 2: day 0 one by the customer, day 1 one by each, then nobody left to lose."""
    table = life_table(contacts([0, 1, 1, 2], ["customer", "staff", "customer", ""]), doors=DOORS)
    assert table.at_risk[0].tolist() == [4, 3, 1]
    assert cumulative_incidence(table, door=0).value.tolist() == pytest.approx([0.25, 0.5, 0.5])
    assert cumulative_incidence(table, door=1).value.tolist() == pytest.approx([0.0, 0.25, 0.25])


def test_with_one_door_the_variance_is_greenwoods():
    rng = np.random.default_rng(3)
    people = contacts(rng.integers(0, 30, 300), rng.choice(["customer", ""], 300, p=[0.6, 0.4]))
    table = life_table(people, doors=("customer",))
    n, d = table.at_risk[0], table.ends[0][0]
    curve = still_there(table)
    greenwood = np.cumsum(d / (n * np.maximum(n - d, 1)))  # variance of log survival
    day = 15
    half = (np.log(-np.log(curve.ci_lower)) - np.log(-np.log(curve.ci_upper)))[day] / 2
    assert half == pytest.approx(1.959964 * np.sqrt(greenwood[day]) / -np.log(curve.value[day]), rel=1e-6)


def test_contacts_that_enter_late_are_not_at_risk_before():
    table = life_table(contacts([5, 9], ["customer", ""], entry=[3, 0]), doors=DOORS)
    assert table.at_risk[0].tolist() == [1, 1, 1, 2, 2, 2, 1, 1, 1, 1]
    never = life_table(contacts([2], ["customer"], entry=[3]), doors=DOORS)
    assert never.at_risk.sum() == 0


def planted(rng, *, n, share_fate=0.0, clusters=1, truncated=False):
    """Contacts under known daily hazards: 3 % then 1 % by the customer, 0.5 % by staff; censored after 20-60 days."""
    last = rng.integers(20, 61, n)
    group = rng.integers(0, clusters, n)
    factor = np.exp(share_fate * rng.standard_normal(clusters) - share_fate**2 / 2)[group]
    tenure, door = last.copy(), np.full(n, "", dtype="U8")
    for day in range(60):
        luck = rng.random(n)
        hazard = (0.03 if day < 7 else 0.01) * factor
        open_now = (door == "") & (last >= day)
        for name, ends in (("customer", luck < hazard), ("staff", (luck >= hazard) & (luck < hazard + 0.005))):
            door[open_now & ends] = name
            tenure[open_now & ends] = day
    entry = np.where(truncated & (rng.random(n) < 0.4), rng.integers(1, 15, n), 0)
    return contacts(tenure, door, entry=entry), group


def truth(days):
    customer = np.where(np.arange(60) < 7, 0.03, 0.01)
    still = np.cumprod(1 - customer - 0.005)
    before = np.concatenate(([1.0], still[:-1]))
    return np.cumsum(before * customer)[days], np.cumsum(before * 0.005)[days], still[days]


def test_95_percent_intervals_cover_planted_hazards_in_1000_cohorts():
    rng, days = np.random.default_rng(4), np.array([1, 7, 30, 50])
    known = truth(days)
    inside = np.zeros((3, len(days)))
    for cohort in range(1_000):
        people, _ = planted(rng, n=300, truncated=cohort % 2 == 1)
        table = life_table(people, doors=DOORS)
        curves = (cumulative_incidence(table, door=0), cumulative_incidence(table, door=1), still_there(table))
        for place, (curve, value) in enumerate(zip(curves, known, strict=True)):
            inside[place] += (curve.ci_lower[days] <= value) & (value <= curve.ci_upper[days])
    coverage = inside / 1_000
    assert (coverage[[0, 2]] >= 0.93).all()
    assert (coverage[[0, 2]] <= 0.97).all()
    assert (coverage[1, 1:] >= 0.93).all()  # a handful of ends by staff: too careful at first, never too bold
    assert (coverage[1, 2:] <= 0.975).all()


def test_intervals_of_contacts_that_share_their_staffs_fate_cover_and_those_of_independent_ones_do_not():
    rng, day = np.random.default_rng(5), np.array([30])
    # what the mean contact meets: hazards averaged over the members of staff among those still there
    draws = np.exp(0.5 * np.random.default_rng(0).standard_normal(200_000) - 0.125)
    still = np.cumprod(1 - np.where(np.arange(31) < 7, 0.03, 0.01)[:, None] * draws - 0.005, axis=0)
    before = np.concatenate((np.ones((1, len(draws))), still[:-1]))
    known = (before * np.where(np.arange(31) < 7, 0.03, 0.01)[:, None] * draws).sum(axis=0).mean()
    inside = {"clustered": 0, "independent": 0}
    for _ in range(200):
        people, group = planted(rng, n=1_200, share_fate=0.5, clusters=30)
        for name, cluster in (("clustered", group), ("independent", None)):
            curve = cumulative_incidence(life_table(people, doors=DOORS, cluster=cluster), door=0)
            inside[name] += int(curve.ci_lower[day][0] <= known <= curve.ci_upper[day][0])
    assert 0.90 <= inside["clustered"] / 200 <= 0.99
    assert inside["independent"] / 200 < 0.80


def test_where_nobody_left_the_upper_end_is_that_of_so_many_contacts():
    curve = cumulative_incidence(life_table(contacts([5] * 100, [""] * 100), doors=DOORS), door=0)
    assert curve.value[5] == curve.ci_lower[5] == 0.0
    assert curve.ci_upper[5] == pytest.approx(1 - 0.025 ** (1 / 100))


def test_no_contacts_give_an_empty_table_and_not_an_error():
    table = life_table(contacts([], []), doors=DOORS)
    assert cumulative_incidence(table, door=0).n_at_risk.tolist() == [0]
