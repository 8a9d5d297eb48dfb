from collections.abc import Callable

import pandas as pd

Read = Callable[[str], pd.DataFrame]


def test_staff_days_count_the_contacts_that_were_won_and_lost(beauty: Read) -> None:
    daily, contacts = beauty("staff_daily"), beauty("contacts")
    assert daily.new_contact_cnt.sum() == len(contacts)
    lost = contacts.deleted_by == "customer"
    assert daily.negative_feedback_cnt.sum() == lost.sum()
    assert daily.reply_percentage.dropna().between(0, 1).all()


def test_staff_who_leave_hand_their_contacts_over(beauty: Read) -> None:
    contacts = beauty("contacts")
    handed = contacts[contacts.deleted_by == "staff"]
    heirs = contacts[contacts.source_state == "inherited"]
    assert len(heirs) > 10
    assert set(heirs.customer_id) <= set(handed.customer_id)
    left = beauty("staff").set_index("staff_id").left_at
    assert (left.loc[handed.staff_id].to_numpy() == handed.deleted_at.to_numpy()).all()


def test_spend_follows_the_source_that_costs_most(beauty: Read) -> None:
    spend, customers = beauty("spend"), beauty("customers")
    per_customer = spend.groupby("source").amount.sum() / customers.source.value_counts()
    assert per_customer.idxmax() == "paid_social"
    assert len(spend) == 730 * 6


def test_campaigns_state_their_hypothesis_only_where_they_test_one(beauty: Read) -> None:
    campaigns = beauty("campaigns")
    tested = campaigns.hypothesis.notna()
    assert (campaigns.holdout_share[tested] > 0).all()
    assert (campaigns.holdout_share[~tested] == 0).all()
    assert set(beauty("assignments").experiment_id) == set(campaigns.campaign_id[tested])
