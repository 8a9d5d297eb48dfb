"""A window that was forecast is found again: the same customers, and what they did as it was known when it closed."""

from datetime import date

import pytest

from analysis.errors import AnalysisError
from analysis.features.forecast_outcomes import contact_outcomes, first_purchases, outcome_of, window_outcomes

MADE, DUE = date(2026, 3, 1), date(2026, 3, 31)


def order(key, who, day, amount=100.0):
    return {"order_id": key, "customer_id": who, "ordered_at": f"{day} 12:00", "amount": amount}


ORDERS = [
    order("a1", "ann", "2026-02-27"),
    order("a2", "ann", "2026-03-02"),
    order("a3", "ann", "2026-03-02", 50.0),  # the same day: one purchase day
    order("a4", "ann", "2026-03-31"),
    order("b1", "bob", "2025-11-01"),
    order("c1", "cat", "2026-02-01"),
    order("c2", "cat", "2026-02-20"),
    order("c3", "cat", "2026-04-01"),  # after the window
    order("d1", "dan", "2026-03-05"),  # not yet a customer
]


def count(tables, quantity, **population):
    cells = window_outcomes(tables, made_on=MADE, due_on=DUE)
    return outcome_of(cells, population={"who": "customers", **population}, quantity=quantity)


def test_those_who_were_customers_are_counted_and_no_others(tables):
    opened = tables(orders=ORDERS)
    assert count(opened, "buyers") == (3, 1.0)
    assert count(opened, "purchase_days") == (3, 2.0)
    assert count(opened, "revenue") == (3, 250.0)
    assert count(opened, "leavers") == (3, 2.0)


def test_a_group_is_told_by_silence_and_number_of_orders(tables):
    opened = tables(orders=ORDERS)
    assert count(opened, "leavers", active_days=60) == (2, 1.0)
    assert count(opened, "leavers", silent_from=3, silent_to=30) == (1, 1.0)
    assert count(opened, "leavers", orders_from=1, orders_to=1) == (2, 1.0)
    assert count(opened, "leavers", orders_from=2, orders_to=None) == (1, 1.0)


def test_groups_that_meet_at_their_bounds_hold_everybody_once(tables):
    opened = tables(orders=ORDERS)
    parts = [count(opened, "leavers", silent_from=low, silent_to=high)[0] for low, high in ((0, 2), (3, 9), (10, 999))]
    assert sum(parts) == 3


def test_refunds_count_as_known_when_the_window_closed(tables):
    def refund(day):
        back = {"refund_id": "r", "customer_id": "ann", "order_id": "a4", "amount": 100.0, "matched_by": "order_id"}
        return tables(orders=ORDERS, refunds=[{**back, "refunded_at": f"{day} 09:00"}])

    assert count(refund("2026-03-31"), "revenue") == (3, 150.0)
    assert count(refund("2026-04-01"), "revenue") == (3, 250.0)


def test_an_order_that_arrives_late_changes_who_is_found(tables):
    assert count(tables(orders=[*ORDERS, order("e1", "eve", "2026-03-01")]), "buyers") == (4, 1.0)


def test_words_that_nobody_knows_are_refused(tables):
    opened = tables(orders=ORDERS)
    with pytest.raises(AnalysisError, match="has no 'tier'"):
        count(opened, "buyers", tier="gold")
    cells = window_outcomes(opened, made_on=MADE, due_on=DUE)
    with pytest.raises(AnalysisError, match="Not a population"):
        outcome_of(cells, population={"who": "martians"}, quantity="buyers")


def test_only_customers_deletions_of_contacts_then_open_count(tables):
    def contact(key, added, deleted=None, by=None):
        end = None if deleted is None else f"{deleted} 10:00"
        base = {"contact_id": key, "customer_id": key, "staff_id": "s", "added_at": f"{added} 10:00"}
        return {**base, "deleted_at": end, "deleted_by": by}

    contacts = [
        contact("stays", "2026-01-01"),
        contact("gone before", "2026-01-01", "2026-02-01", "customer"),
        contact("gone within", "2026-01-01", "2026-03-20", "customer"),
        contact("by staff", "2026-01-01", "2026-03-20", "staff"),
        contact("gone later", "2026-01-01", "2026-04-20", "customer"),
        contact("new", "2026-03-10", "2026-03-20", "customer"),
    ]
    opened = tables(orders=ORDERS, contacts=contacts)
    assert contact_outcomes(opened, made_on=MADE, due_on=DUE) == (4, 1)


def test_first_purchases_are_of_the_window(tables):
    found = first_purchases(tables(orders=ORDERS), made_on=MADE, due_on=DUE, customers=["ann", "cat"])
    assert found["customer_id"].tolist() == ["ann"]
    assert found["first_on"][0].date() == date(2026, 3, 2)
