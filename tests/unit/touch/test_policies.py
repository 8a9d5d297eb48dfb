"""Caps: dated, with their sources, in three modes; history is judged under the rule then in force."""

from datetime import date

import pytest

from analysis.errors import BookError
from analysis.touch.policies import caps_in_force, limit_on, load_policies, window_of

TODAY = date(2026, 7, 1)


@pytest.fixture
def rules():
    return load_policies("params/policies/wecom.yaml", "params/policies/other_channels.yaml")


def names(rules, *, on=TODAY, mode="month_days"):
    return {rule.name for rule in caps_in_force(rules, on=on, mode=mode)}


def test_each_mode_of_the_administrator_brings_its_own_rule(rules):
    for mode, rule in (
        ("month_days", "wecom_month_days"),
        ("seven_a_week", "wecom_seven_a_week"),
        ("one_a_day", "wecom_one_a_day"),
    ):
        assert names(rules, mode=mode) == {rule, "wecom_member_day", "service_account_four_a_month"}


def test_in_2023_four_a_month_was_the_rule(rules):
    assert names(rules, on=date(2023, 6, 1)) == {"wecom_four_a_month", "service_account_four_a_month"}


def test_the_monthly_cap_is_as_many_as_the_month_has_days(rules):
    (rule,) = (r for r in rules if r.name == "wecom_month_days")
    assert [limit_on(rule, on=date(2026, month, 1)) for month in (1, 2, 4)] == [31, 28, 30]


def test_counts_start_again_with_the_window(rules):
    month, week, day = (
        next(r for r in rules if r.name == name)
        for name in ("wecom_month_days", "wecom_seven_a_week", "wecom_one_a_day")
    )
    assert window_of(month, on=date(2026, 7, 1)) == window_of(month, on=date(2026, 7, 31))
    assert window_of(month, on=date(2026, 7, 31)) != window_of(month, on=date(2026, 8, 1))
    sunday, monday = date(2026, 7, 5), date(2026, 7, 6)
    assert window_of(week, on=sunday) != window_of(week, on=monday)
    assert window_of(day, on=sunday) != window_of(day, on=monday)


def test_every_rule_names_its_source(rules):
    assert all(rule.source for rule in rules)


def test_an_unknown_mode_is_refused_with_those_allowed(rules):
    with pytest.raises(BookError, match="month_days, one_a_day, seven_a_week"):
        caps_in_force(rules, on=TODAY, mode="unlimited")
