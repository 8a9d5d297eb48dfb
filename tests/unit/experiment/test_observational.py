"""Campaigns without a random control: whom a list picked, and what is left of the difference."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import Grade
from analysis.experiment.observational import FEWEST_EACH, PARALLEL_ABOVE, compare, windows

N = 4000


def customers(
    *, effect: float = 0.0, drift: float = 0.0, dip: float = 0.0, seed: int = 1, n_earlier: int = 3
) -> pd.DataFrame:
    """Big spenders are picked: they spend 50 more in every window, ``drift`` more in each than in the one before."""
    rng = np.random.default_rng(seed)
    targeted = rng.random(N) < 0.4
    level = rng.gamma(4, 10, N) + 50 * targeted
    frame = {"targeted": targeted, "known": np.ones(N, dtype=bool)}
    names = ["campaign", "before", *(f"earlier_{place}" for place in range(1, n_earlier + 1))]
    for back, name in enumerate(names):
        frame[name] = level + rng.normal(0, 10, N) + (drift * -back) * targeted
    frame["campaign"] = frame["campaign"] + effect * targeted
    frame["before"] = frame["before"] + dip * targeted
    return pd.DataFrame(frame)


def test_windows_are_as_long_as_the_campaign_and_leave_the_days_of_selection_out():
    found = windows(date(2026, 6, 1), days=14, selection_days=56, first_day=date(2025, 1, 1))
    assert found is not None
    assert found.campaign == (date(2026, 6, 1), date(2026, 6, 14))
    assert found.before == (date(2026, 3, 23), date(2026, 4, 5))
    assert [span.first for span in found.earlier] == [date(2026, 3, 9), date(2026, 2, 23), date(2026, 2, 9)]


@pytest.mark.parametrize(
    ("first_day", "n_earlier"), [(date(2026, 5, 18), 0), (date(2026, 5, 4), 1), (date(2026, 5, 5), 0)]
)
def test_a_short_history_has_fewer_windows(first_day, n_earlier):
    found = windows(date(2026, 6, 1), days=14, selection_days=0, first_day=first_day)
    assert found is not None
    assert len(found.earlier) == n_earlier


def test_a_campaign_with_no_window_before_it_is_not_compared():
    assert windows(date(2026, 6, 1), days=14, selection_days=0, first_day=date(2026, 5, 19)) is None


def test_the_naive_figure_tells_who_was_picked_and_the_change_what_happened():
    found = compare(customers(effect=5.0), selection_left_out=True)
    assert found is not None
    assert found.naive.value == pytest.approx(55, abs=2)
    assert found.before.value == pytest.approx(50, abs=2)
    assert found.change.ci_lower < 5 < found.change.ci_upper
    assert found.change.std_error < found.naive.std_error
    assert found.naive_grade.grade is Grade.OBSERVATIONAL
    assert found.change_grade.grade is Grade.QUASI_EXPERIMENTAL


def test_the_interval_is_that_of_one_change_per_customer():
    frame = customers(effect=5.0)
    found = compare(frame, selection_left_out=True)
    change = frame["campaign"] - frame["before"]
    parts = [change[frame["targeted"]], change[~frame["targeted"]]]
    assert found is not None
    assert found.change.std_error == pytest.approx(np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)))


def test_sides_that_move_apart_before_are_worth_c_whatever_the_number():
    found = compare(customers(drift=3.0), selection_left_out=True)
    assert found is not None
    assert found.change.ci_lower > 0  # it looks like an effect
    assert found.placebo is not None
    assert found.placebo.pvalue < 0.01
    assert found.change_grade.grade is Grade.OBSERVATIONAL


def test_a_list_picked_by_an_odd_time_just_before_is_seen():
    found = compare(customers(dip=8.0), selection_left_out=True)
    assert found is not None
    assert found.change.ci_upper < 0
    assert found.change_grade.grade is Grade.OBSERVATIONAL


def test_without_earlier_windows_or_with_the_selection_inside_it_is_c():
    short = compare(customers(n_earlier=0), selection_left_out=True)
    inside = compare(customers(), selection_left_out=False)
    assert short is not None
    assert short.placebo is None
    assert short.change_grade.grade is Grade.OBSERVATIONAL
    assert "too short" in short.change_grade.reason["en"]
    assert inside is not None
    assert inside.change_grade.grade is Grade.OBSERVATIONAL
    assert "picked" in inside.change_grade.reason["en"]


def test_a_season_that_lifts_everybody_by_a_share_is_no_effect():
    frame = customers()
    frame["campaign"] = frame["before"] * 1.3
    found = compare(frame, selection_left_out=True)
    assert found is not None
    assert found.change.ci_lower > 0  # frequent buyers gain more
    assert found.by_ratio == pytest.approx(0, abs=1e-9)
    assert found.change_grade.grade is Grade.OBSERVATIONAL


def test_where_both_sides_move_alike_the_check_fails_as_rarely_as_it_says_and_intervals_hold():
    found = [compare(customers(effect=2.0, seed=seed), selection_left_out=True) for seed in range(200)]
    passed = [one.parallel_pvalue > PARALLEL_ABOVE for one in found if one and one.parallel_pvalue is not None]
    graded = [one.change_grade.grade is Grade.QUASI_EXPERIMENTAL for one in found if one]
    held = [one.change.ci_lower <= 2 <= one.change.ci_upper for one in found if one]
    assert len(passed) == len(found)
    assert 0.84 <= np.mean(passed) <= 0.96
    assert 0.6 <= np.mean(graded) <= np.mean(passed)
    assert 0.91 <= np.mean(held) <= 0.99


def test_customers_who_came_later_count_in_the_naive_figure_only():
    frame = customers()
    frame.loc[:500, "known"] = False
    frame.loc[:500, ["campaign"]] += 1000
    found = compare(frame, selection_left_out=True)
    assert found is not None
    assert abs(found.change.value) < 3
    assert found.n_targeted + found.n_untargeted == N


def test_too_few_on_a_side_are_not_compared():
    frame = customers()
    keep = ~frame["targeted"] | (frame["targeted"].cumsum() < FEWEST_EACH)
    assert compare(frame[keep], selection_left_out=True) is None
