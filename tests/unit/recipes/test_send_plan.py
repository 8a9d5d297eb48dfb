"""From tables to the send plan: who can be reached, what counts against the caps, what the page says."""

from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.connect import open_tables
from analysis.errors import MissingTableError
from analysis.evidence import Estimate
from analysis.params import SendPlanParams
from analysis.recipes import send_plan as made
from analysis.recipes import send_plan_page as page
from analysis.recipes import send_plan_people as people
from analysis.recipes.resolver import Previous, read_kept, write_kept
from analysis.recipes.strategies import strategy_channels
from analysis.touch.plan.wording import REASON_LABELS, answer, decision

AS_OF = date(2026, 6, 30)
ZONE = "Asia/Shanghai"
PARAMS = SendPlanParams(staff_minutes_per_day=3.0, budget=60.0, draws=20)
BOOK = {"margin_share": 0.5, "wage_per_hour": 30.0}
N = 1500
NO_TOUCHES = pd.DataFrame(columns=["channel", "n_assigned", "n_confirmed", "n_delivered", "n_read"])


def at(day: str, hour: int = 4) -> datetime:
    return datetime.fromisoformat(f"{day} {hour:02d}:00:00")


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Any:
    folder: Path = tmp_path_factory.mktemp("data")
    days = lambda frame, *stems: frame.assign(**{f"{s}_on": pd.to_datetime(frame[f"{s}_at"]).dt.date for s in stems})  # noqa: E731
    orders = pd.DataFrame(
        {"order_id": ["o1"], "customer_id": ["c0000"], "ordered_at": [at("2026-06-01")], "amount": [1.0]}
    )
    days(orders, "ordered").to_parquet(folder / "orders.parquet")
    staff = pd.DataFrame({"staff_id": ["s1", "s2", "gone"], "left_at": [None, None, at("2026-05-01")]})
    days(staff.astype({"left_at": "datetime64[us]"}), "left").to_parquet(folder / "staff.parquet")
    rows = [{"contact_id": f"k{i}", "customer_id": f"c{i:04d}", "staff_id": f"s{1 + i % 2}"} for i in range(N)]
    rows += [{"contact_id": "k_second", "customer_id": "c0000", "staff_id": "s2"}]
    rows += [{"contact_id": "k_gone", "customer_id": "c9999", "staff_id": "gone"}]
    contacts = pd.DataFrame(rows).assign(added_at=at("2025-01-01"), deleted_at=None)
    contacts["deleted_at"] = pd.to_datetime(contacts["deleted_at"])
    contacts.loc[1, "deleted_at"] = at("2026-06-01")
    days(contacts.astype({"deleted_at": "datetime64[us]"}), "added", "deleted").to_parquet(folder / "contacts.parquet")
    touches = pd.DataFrame(
        [
            ("t1", "c0000", "private_chat", "s1", "2026-06-10", "2026-06-10", 1),
            ("t2", "c0000", "private_chat", "s2", "2026-06-20", "2026-06-20", 1),
            ("t3", "c0002", "private_chat", "s1", "2026-06-29", None, 0),  # may still go out
            ("t4", "c0003", "private_chat", "s2", "2026-06-10", None, 0),  # will not
            ("t5", "c0004", "official_account", None, "2026-05-20", "2026-05-20", 1),
            ("t6", "c0005", "private_chat", "s2", "2026-06-29", None, 2),  # failed
        ],
        columns=["touch_id", "customer_id", "channel", "staff_id", "assigned", "delivered", "send_status"],
    )
    touches["assigned_at"] = pd.to_datetime(touches.pop("assigned") + " 20:00")
    touches["delivered_at"] = pd.to_datetime(touches.pop("delivered") + " 20:00")
    days(touches, "assigned", "delivered").to_parquet(folder / "touches.parquet")
    consents = pd.DataFrame(
        [("c0000", "sms", "granted", "2025-01-01"), ("c0001", "sms", "granted", "2025-01-01"),
         ("c0001", "sms", "refused", "2025-02-01"), ("c0001", "sms", "granted", "2025-03-01"),
         ("c0006", "private_chat", "refused", "2025-02-01")],
        columns=["customer_id", "channel", "status", "changed"],
    )  # fmt: skip
    consents["changed_at"] = pd.to_datetime(consents.pop("changed"))
    days(consents, "changed").to_parquet(folder / "consents.parquet")
    return open_tables(folder, timezone=ZONE).as_of(AS_OF)


@pytest.fixture(scope="module")
def customers(tables) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rates = rng.gamma(1.5, 1 / 40, N)
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i:04d}" for i in range(N)], "rate": rates, "rate_shape": 1.5, "rate_days": 1.5 / rates,
            "p_alive": rng.uniform(0.1, 1, N), "p_churn": rng.uniform(0, 1, N), "order_value": rng.gamma(4, 50, N),
            "orders_next_year": rates * 300, "n_orders": rng.integers(1, 6, N),
            "days_since_last_order": rng.uniform(1, 200, N), "share_evening": rng.uniform(0, 1, N),
            "share_morning": 0.5,
            "touches_per_day_private_chat": rng.uniform(0, 0.05, N),
        }
    )  # fmt: skip
    return people.send_plan_customers(table, people.send_plan_staff(tables), PARAMS, tables, AS_OF)


@pytest.fixture(scope="module")
def holdout(customers) -> pd.DataFrame:
    return people.send_plan_holdout(customers, PARAMS, Previous(None), AS_OF, 7)


@pytest.fixture(scope="module")
def channels() -> pd.DataFrame:
    from analysis.params import StrategiesParams

    return strategy_channels(NO_TOUCHES, StrategiesParams())


def compiled(tables, customers, holdout, channels, params=PARAMS) -> pd.DataFrame:
    past = people.send_plan_past(tables, AS_OF, params, ZONE)
    staff = people.send_plan_staff(tables)
    return made.send_plan_choices(customers, holdout, past, channels, BOOK, params, staff, AS_OF, 7)


@pytest.fixture(scope="module")
def choices(tables, customers, holdout, channels) -> pd.DataFrame:
    return compiled(tables, customers, holdout, channels)


@pytest.fixture(scope="module")
def touches(choices, customers, channels) -> pd.DataFrame:
    return made.send_plan_touches(choices, customers, channels, BOOK, PARAMS, AS_OF)


def test_columns_that_audiences_look_at_are_kept_and_what_nothing_looks_at_is_not(tables, monkeypatch):
    looked_at = [SimpleNamespace(audience=[SimpleNamespace(column="vip")])]
    monkeypatch.setattr(people, "registered_messages", lambda _: looked_at)
    table = pd.DataFrame({"customer_id": ["c0001", "c0000"], "p_churn": 0.5, "vip": [1, 0], "shoe_size": 38})
    made = people.send_plan_customers(table, people.send_plan_staff(tables), PARAMS, tables, AS_OF)
    assert made["vip"].tolist() == [0, 1]
    assert "shoe_size" not in made


def test_the_member_who_wrote_last_and_is_still_there_owns_the_contact(customers, tables):
    known = customers.set_index("customer_id")
    assert known.loc["c0000", "staff_id"] == "s2"
    assert known.loc["c0000", "contact_id"] == "k_second"
    assert pd.isna(known.loc["c0001", "staff_id"])  # the contact was deleted
    assert people.send_plan_staff(tables)["staff_id"].tolist() == ["s1", "s2"]


def test_a_refusal_is_never_taken_back(customers):
    known = customers.set_index("customer_id")
    assert known.loc["c0001", "refused"] == "sms"
    assert known.loc["c0000", "granted"] == "sms"
    assert known.loc["c0004", "reached_by"] == "official_account"


def test_touches_count_from_delivery_and_while_they_may_still_go_out(tables):
    past = people.send_plan_past(tables, AS_OF, PARAMS, ZONE)
    found = set(zip(past["customer_id"], past["day"], past["hour"], strict=True))
    assert found == {("c0000", -20, 4), ("c0000", -10, 4), ("c0002", -1, 4)}  # 20:00 UTC is 4 o'clock of the next day


def test_nobody_held_out_or_refused_is_on_the_list(touches, holdout, choices):
    held = set(holdout.loc[holdout["holdout"], "customer_id"])
    assert not held & set(touches["customer_id"])
    assert len(touches) > 50
    chats = touches[touches["channel"] == "private_chat"]
    assert not set(chats["customer_id"]) & {"c0001", "c0006"}
    assert set(touches.loc[touches["channel"] == "sms", "customer_id"]) <= {"c0000"}
    assert (choices["reason"] == "holdout").sum() == len(held)


def test_staff_time_and_budget_hold_after_the_coins(touches):
    used = touches.groupby(["staff_id", "day"])["staff_minutes"].sum()
    assert used.max() <= PARAMS.staff_minutes_per_day + 1e-6
    assert touches["spend"].sum() <= 60.0 + 1e-6


def test_propensities_lie_between_none_and_all_and_are_logged_for_what_might_have_been(touches, choices):
    assert touches["propensity"].between(0, 1, inclusive="neither").all()
    log = page.send_plan_log(choices, PARAMS, AS_OF)
    assert log.groupby("customer_id")["propensity"].sum().eq(1.0).all()
    assert log.groupby("customer_id")["chosen"].sum().eq(1).all()
    assert (log["propensity"] == 0.5).any()


def test_the_worth_of_the_touches_is_the_worth_of_the_plan(touches, choices):
    assert touches["value"].sum() == pytest.approx(choices.attrs["worth"], rel=1e-4)
    assert touches["spend"].sum() == pytest.approx(choices.attrs["spend"], rel=1e-6)


def test_the_numbers_of_the_plan_survive_being_kept(choices, tmp_path):
    kept = read_kept(write_kept(choices, tmp_path / "choices"))
    assert isinstance(kept, pd.DataFrame)
    assert kept.attrs["worth"] == pytest.approx(choices.attrs["worth"])
    assert kept.attrs["shadow"] == pytest.approx(choices.attrs["shadow"])


def test_the_page_says_how_much_what_limits_and_who_is_left_out(touches, choices, customers, channels):
    draws = made.send_plan_draws(touches, customers, channels, BOOK, PARAMS, 7)
    head = page.send_plan_headline(choices, touches, draws, PARAMS, AS_OF)
    assert head["profit"]["ci_lower"] <= head["profit"]["value"] <= head["profit"]["ci_upper"]
    assert head["profit"]["grade"] == "D"
    assert set(page.send_plan_results(head)) == {
        "n_touches", "expected_profit", "duality_gap", "shadow_price.staff_hour", "shadow_price.budget",
    }  # fmt: skip
    left = page.send_plan_left_out(choices)
    assert left["n_customers"].sum() == N
    assert left["planned"].tolist()[0]
    limits = page.send_plan_limits(choices, PARAMS)
    assert (limits["share_used"] <= 1 + 1e-9).all()
    words = page.send_plan_words(choices, head)
    assert "{staff_hour}" in words["limits"]["zh"] or "{budget}" in words["limits"]["zh"]
    assert page.send_plan_by_day(touches, channels, PARAMS, AS_OF)["n_touches"].sum() == len(touches)
    assert page.send_plan_by_message(touches, PARAMS)["n_touches"].sum() == len(touches)


def test_a_plan_without_touches_says_whether_time_or_worth_is_lacking():
    nothing = Estimate(0.0, "money", 0.0, 0.0, 0.8)
    for scarce, said in (("staff_hour", "no staff time"), (None, "no touch is worth")):
        assert said in answer(nothing, touches=0, scarce=scarce)["en"]
        assert "{n_touches}" not in decision(touches=0, scarce=scarce)["text"]["en"]


def test_lists_carry_a_filled_in_reason_in_both_languages(touches, customers, channels):
    lists = page.send_plan_lists(touches, customers, channels, PARAMS)
    for column in ("reason_text_zh", "reason_text_en", "talking_point_zh", "talking_point_en"):
        assert not lists[column].str.contains("[{}]").any()
    assert lists["touch_id"].is_unique


def test_wishes_that_cannot_be_met_are_listed(tables, customers, holdout, channels):
    held = str(holdout.loc[holdout["holdout"], "customer_id"].iloc[0])
    wishing = PARAMS.model_copy(update={"at_least": {"sms": 50}, "must_send": [held, "nobody"]})
    plan = compiled(tables, customers, holdout, channels, wishing)
    unmet = page.send_plan_conflicts(plan, channels)
    must = unmet[unmet["wish_en"].str.startswith("Customers")]
    assert set(must["why_en"]) == {REASON_LABELS["holdout"]["en"], REASON_LABELS["unknown"]["en"]}
    unmet = unmet.drop(must.index)
    assert unmet["asked"].eq(50).all()
    assert set(unmet["why_zh"]) <= {words["zh"] for words in REASON_LABELS.values()}
    assert unmet["n_customers"].sum() >= N - 2


def test_without_staff_the_plan_says_which_table_is_missing(tmp_path):
    orders = pd.DataFrame({"order_id": ["o"], "customer_id": ["c"], "ordered_at": [at("2026-06-01")], "amount": [1.0]})
    orders.assign(ordered_on=date(2026, 6, 1)).to_parquet(tmp_path / "orders.parquet")
    with pytest.raises(MissingTableError, match="staff"):
        people.send_plan_staff(open_tables(tmp_path, timezone=ZONE))


def test_history_is_counted_by_rule_and_judged_by_the_cap_of_its_day(tables):
    windows = people.policy_windows(tables, PARAMS)
    monthly = windows[windows["rule"] == "wecom_month_days"]
    assert monthly[["day", "n_touches", "n_customers"]].to_numpy().tolist() == [["2026-06-01", 2, 1]]
    table = page.policy_history(windows, PARAMS)
    assert table["n_over"].sum() == 0
    assert page.policy_words(table)["n_over"]["value"] == 0
    crowded = windows.assign(n_touches=40)
    assert page.policy_history(crowded, PARAMS)["n_over"].max() >= 10
