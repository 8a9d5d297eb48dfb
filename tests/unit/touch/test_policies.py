"""Caps: dated, with their sources, in three modes; history is judged under the rule then in force."""

from datetime import date

import pandas as pd
import pytest

from analysis.errors import BookError
from analysis.touch.policies import (
    CapRule,
    QuietHours,
    caps_in_force,
    limit_on,
    load_policies,
    load_rulebook,
    over_the_cap,
    rulebook_on,
    window_of,
    window_start,
)

TODAY = date(2026, 7, 1)
ALWAYS = {"service_account_four_a_month", "subscription_account_one_a_day"}


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
        assert names(rules, mode=mode) == {rule, "wecom_member_day", *ALWAYS}


def test_in_2023_four_a_month_was_the_rule(rules):
    assert names(rules, on=date(2023, 6, 1)) == {"wecom_four_a_month", *ALWAYS}


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


def test_the_windows_first_day_opens_it(rules):
    for rule in rules:
        start = window_start(rule, on=TODAY)
        assert window_of(rule, on=start) == window_of(rule, on=TODAY)
        assert window_of(rule, on=date.fromordinal(start.toordinal() - 1)) != window_of(rule, on=TODAY)


def test_sms_needs_a_consent_on_record_and_other_channels_none():
    book = rulebook_on(load_rulebook(), on=TODAY, mode="month_days")
    assert book.needs_grant("sms")
    assert not any(book.needs_grant(channel) for channel in ("private_chat", "moments", "official_account"))


def test_before_the_regulation_sms_needed_no_consent():
    book = rulebook_on(load_rulebook(), on=date(2015, 6, 29), mode="month_days")
    assert not book.needs_grant("sms")


def test_quiet_hours_reach_over_midnight():
    night = QuietHours(channels=["sms"], from_hour=21, until_hour=9, source="t")
    assert [hour for hour in range(24) if not night.quiet(hour)] == list(range(9, 21))
    noon = QuietHours(channels=["sms"], from_hour=12, until_hour=14, source="t")
    assert [hour for hour in range(24) if noon.quiet(hour)] == [12, 13]


def test_the_rulebook_knows_batches_reminders_and_how_many_contacts_one_can_hold():
    book = rulebook_on(load_rulebook(), on=TODAY, mode="month_days")
    assert book.batch_size("private_chat") == 20_000
    assert book.batch_size("sms") is None
    assert [rule.reminders for rule in book.reminders] == [3]
    assert [(rule.contacts, rule.extended) for rule in book.contacts] == [(5000, 20000)]
    assert {(rule.hours, rule.limit) for rule in book.rolling} == {(24, 1), (168, 3), (720, 8)}


def counted(*rows):
    return pd.DataFrame(rows, columns=["rule", "day", "n_touches", "n_customers"])


def test_history_is_judged_under_the_rule_then_in_force(rules):
    counts = counted(
        ("wecom_four_a_month", date(2023, 6, 1), 4, 50),
        ("wecom_four_a_month", date(2023, 6, 1), 6, 10),
        ("wecom_month_days", date(2026, 6, 1), 6, 10),
        ("wecom_month_days", date(2026, 2, 1), 29, 2),
    )
    judged = over_the_cap(counts, rules=rules).set_index("rule")
    old, new = judged.loc["wecom_four_a_month"], judged.loc["wecom_month_days"]
    assert (old["n_judged"], old["n_over"], old["n_windows_over"], old["highest"]) == (260, 20, 10, 6)
    assert (new["n_judged"], new["n_over"], new["n_windows_over"]) == (118, 2, 2)
    assert new["first_over_on"] == new["last_over_on"] == date(2026, 2, 1)
    assert judged.loc["service_account_four_a_month", "n_judged"] == 0


def test_a_file_of_rules_that_says_nothing_is_refused(tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text("edition: 2026-01-01\nplatform: x\n", encoding="utf-8")
    with pytest.raises(BookError, match="needs one of rules"):
        load_policies(path)


def test_a_cap_of_zero_is_a_ban():
    assert limit_on(CapRule(name="no", channels=["sms"], window="day", limit=0, source="t"), on=TODAY) == 0
