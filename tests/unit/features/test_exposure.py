"""Touches by channel, step and window; who can still be written to; who refused."""

from datetime import date

import pytest

from analysis.errors import MissingTableError
from analysis.features.exposure import channels_touched, exposure, touch_counts
from analysis.features.table import collect

AS_OF = date(2026, 3, 31)


def touch(key, customer, channel, assigned, delivered=None, read=None, replied=None):
    return {
        "touch_id": key,
        "customer_id": customer,
        "channel": channel,
        "campaign_id": "k",
        "assigned_at": assigned,
        "delivered_at": delivered,
        "read_at": read,
        "replied_at": replied,
    }


@pytest.fixture
def touched(tables, order):
    return tables(
        orders=[order("a", "2026-03-01 09:00"), order("b", "2026-03-01 09:00")],
        touches=[
            touch("1", "a", "moments", "2026-01-10 09:00", "2026-01-10 10:00", "2026-03-30 10:00"),
            touch("2", "a", "sms", "2026-03-10 09:00", "2026-03-10 10:00", "2026-03-11 10:00", "2026-04-01 09:00"),
            touch("3", "a", "sms", "2026-03-25 09:00"),
            touch("4", "a", "group", "2026-04-02 09:00", "2026-04-02 10:00"),
        ],
    )


def test_each_step_is_counted_by_its_own_day(touched):
    row = collect(exposure(touched, as_of=AS_OF)).set_index("customer_id").loc["a"]
    assert (row.n_assigned_7d, row.n_assigned_30d, row.n_assigned_90d) == (1, 2, 3)
    assert (row.n_delivered_7d, row.n_delivered_30d, row.n_delivered_90d) == (0, 1, 2)
    assert (row.n_read_7d, row.n_read_30d) == (1, 2)  # the touch of January was read yesterday
    assert row.n_read_7d__moments == 1
    assert row.n_read_7d__sms == 0
    assert (row.days_since_last_touch, row.days_since_last_read) == (21, 1)


def test_a_reply_after_as_of_is_not_known(touched):
    row = collect(exposure(touched, as_of=AS_OF)).set_index("customer_id").loc["a"]
    assert row.n_replied_90d == 0
    assert row.isna()["days_since_last_reply"]
    later = collect(exposure(touched, as_of=date(2026, 4, 1))).set_index("customer_id").loc["a"]
    assert later.n_replied_7d == 1


def test_customers_never_touched_have_counts_of_zero_and_unknown_days(touched):
    row = collect(exposure(touched, as_of=AS_OF)).set_index("customer_id").loc["b"]
    assert row[[c for c in row.index if c.startswith("n_")]].eq(0).all()
    assert row.isna()["days_since_last_touch"]


def test_channels_are_those_touched_by_as_of_unless_they_are_named(touched):
    assert channels_touched(touched, as_of=AS_OF) == ("moments", "sms")
    named = collect(exposure(touched, as_of=AS_OF, channels=("group", "call")))
    assert {"n_read_7d__group", "n_read_7d__call"} <= set(named.columns)
    assert "n_read_7d__sms" not in named.columns
    assert named["n_read_7d__call"].eq(0).all()


def test_contacts_are_alive_until_the_day_they_were_deleted(tables, order):
    def contact(key, customer, added, deleted=None, by=None):
        return {"contact_id": key, "customer_id": customer, "staff_id": "s", "added_at": added} | {
            "deleted_at": deleted,
            "deleted_by": by,
        }

    data = tables(
        orders=[order("a", "2026-01-01 09:00"), order("b", "2026-01-01 09:00")],
        contacts=[
            contact("1", "a", "2026-01-02 09:00", "2026-03-31 09:00", "customer"),
            contact("2", "a", "2026-03-01 09:00", "2026-04-01 09:00", "customer"),
            contact("3", "b", "2026-02-01 09:00", "2026-02-02 09:00", "staff"),
            contact("4", "b", "2026-04-01 09:00"),
        ],
    )
    frame = collect(exposure(data, as_of=AS_OF)).set_index("customer_id")
    assert frame["n_contacts"].to_dict() == {"a": 1, "b": 0}
    assert frame["n_contacts_deleted"].to_dict() == {"a": 1, "b": 1}
    assert frame["n_deleted_by_customer"].to_dict() == {"a": 1, "b": 0}
    assert frame["days_since_contact_deleted"].to_dict() == {"a": 0, "b": 57}
    assert frame["days_since_contact_added"].to_dict() == {"a": 30, "b": 58}


def test_the_latest_word_on_a_channel_counts_and_a_tie_is_a_refusal(tables, order):
    def said(channel, status, at, customer="a"):
        return {"customer_id": customer, "channel": channel, "status": status, "changed_at": at}

    data = tables(
        orders=[order("a", "2026-01-01 09:00"), order("b", "2026-01-01 09:00")],
        consents=[
            said("sms", "granted", "2026-01-01 09:00"),
            said("sms", "refused", "2026-02-01 09:00"),
            said("call", "refused", "2026-01-01 09:00"),
            said("call", "granted", "2026-02-01 09:00"),
            said("call", "refused", "2026-04-01 09:00"),
            said("moments", "refused", "2026-01-01 09:00"),
            said("moments", "granted", "2026-01-01 09:00"),
        ],
    )
    frame = collect(exposure(data, as_of=AS_OF)).set_index("customer_id")
    assert frame["n_channels_refused"].to_dict() == {"a": 2, "b": 0}
    assert frame["n_channels_granted"].to_dict() == {"a": 1, "b": 0}


def test_absent_tables_leave_their_columns_out_and_a_direct_question_names_the_table(tables, order):
    data = tables(orders=[order("a", "2026-01-01 09:00")])
    assert collect(exposure(data, as_of=AS_OF)).columns.tolist() == ["customer_id"]
    with pytest.raises(MissingTableError, match="touches"):
        touch_counts(data, as_of=AS_OF)
