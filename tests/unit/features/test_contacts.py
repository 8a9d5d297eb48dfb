"""Contacts as risks: who is looked at from when, by whom a contact ended, and touches counted up to a moment."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.errors import MissingTableError
from analysis.features.contacts import (
    OTHER_CHANNELS,
    UNKNOWN_SOURCE,
    collect_contacts,
    contact_spells,
    contacts_known,
    touch_log,
    touches_received,
)

AS_OF = date(2026, 3, 31)


def contact(number, added, deleted=None, by=None, **more):
    row = {"contact_id": f"k{number}", "customer_id": f"c{number}", "staff_id": "s1", "added_at": added}
    return {**row, "deleted_at": deleted, "deleted_by": by, "source_state": "counter", **more}


def test_a_contact_still_there_has_no_door_and_one_that_ended_has_its_day_hour_and_door(tables):
    rows = [
        contact(1, "2026-01-01 10:00", "2026-01-02 09:30", "customer"),
        contact(2, "2026-02-01 00:10", "2026-02-11 23:00", "staff"),
        contact(3, "2026-03-01 10:00"),
    ]
    found = collect_contacts(tables(contacts=rows), as_of=AS_OF).set_index("contact_id")
    assert found["door"].fillna("").to_dict() == {"k1": "customer", "k2": "staff", "k3": ""}
    assert found["tenure_days"].to_dict() == {"k1": 1, "k2": 10, "k3": 30}
    assert found["deleted_hour"].round(2).dropna().to_dict() == {"k1": 9.5, "k2": 23.0}
    assert found["deleted_on"].isna().to_dict()["k3"]


def test_days_up_to_the_first_recorded_deletion_are_not_looked_at(tables):
    rows = [
        contact(1, "2026-01-01 10:00", "2026-01-10 09:00", "customer"),
        contact(2, "2025-12-01 10:00"),
        contact(3, "2026-02-01 10:00"),
    ]
    found = collect_contacts(tables(contacts=rows), as_of=AS_OF).set_index("contact_id")
    assert found["entry_days"].to_dict() == {"k1": 10, "k2": 41, "k3": 0}
    assert (
        found["entry_days"].to_dict()["k1"] > found["tenure_days"].to_dict()["k1"]
    )  # the first one itself is never at risk


def test_a_later_deletion_is_not_known_and_a_later_contact_not_there(tables):
    rows = [contact(1, "2026-01-01", "2026-04-02", "customer"), contact(2, "2026-04-01")]
    found = collect_contacts(tables(contacts=rows), as_of=AS_OF)
    assert found["contact_id"].tolist() == ["k1"]
    assert found["door"].isna().all()
    assert found["deleted_on"].isna().all()


def test_contacts_known_on_an_earlier_day_are_those_of_tables_cut_there(tables):
    rows = [
        contact(n, f"2026-01-{n:02d}", f"2026-02-{2 * n:02d}", "customer" if n % 2 else "staff") for n in range(1, 14)
    ]
    opened = tables(contacts=rows)
    day = date(2026, 2, 9)
    now, then = collect_contacts(opened, as_of=AS_OF), collect_contacts(opened, as_of=day)
    columns = ["contact_id", "door", "deleted_on", "entry_days", "tenure_days"]
    pd.testing.assert_frame_equal(contacts_known(now, day=day)[columns], then[columns])


def test_a_source_without_codes_deletions_or_doors_still_gives_contacts(tables):
    bare = [{"contact_id": "k1", "customer_id": "c1", "staff_id": "s1", "added_at": "2026-01-01"}]
    found = collect_contacts(tables(contacts=bare), as_of=AS_OF)
    assert found["source_state"].tolist() == [UNKNOWN_SOURCE]
    assert found["door"].isna().all()
    untold = [{**bare[0], "deleted_at": "2026-01-05"}]
    assert collect_contacts(tables(contacts=untold), as_of=AS_OF)["door"].tolist() == ["customer"]


def test_a_deletion_before_its_contact_began_is_no_contact(tables):
    rows = [contact(1, "2026-01-05", "2026-01-01", "customer"), contact(2, "2026-01-05")]
    assert collect_contacts(tables(contacts=rows), as_of=AS_OF)["contact_id"].tolist() == ["k2"]


def test_missing_contacts_are_named(tables, order):
    with pytest.raises(MissingTableError, match="contacts"):
        contact_spells(tables(orders=[order("c1", "2026-01-01")]), as_of=AS_OF)


def touch(customer, at, channel="private_chat", **more):
    row = {"touch_id": f"{customer}{at}{channel}", "customer_id": customer, "channel": channel, "campaign_id": "p"}
    return {**row, "assigned_at": at, "delivered_at": at, **more}


def count(log, *, day, hour, days, customer=0):
    at = np.array([day], dtype="datetime64[D]")
    return dict(
        zip(
            log.channels,
            touches_received(log, customer=np.array([customer]), day=at, hour=hour, windows=(days,))[days][0],
            strict=True,
        )
    )


def test_touches_are_counted_up_to_the_moment_and_not_after_it(tables):
    rows = [
        touch("c1", "2026-03-10 12:00"),
        touch("c1", "2026-03-12 12:00"),
        touch("c1", "2026-03-12 20:00", "sms"),
        touch("c2", "2026-03-12 11:00"),
        touch("c1", "2026-03-12 11:00", delivered_at=None),
    ]
    log = touch_log(tables(touches=rows), as_of=AS_OF, customers=["c1", "c2"])
    assert count(log, day="2026-03-12", hour=11.9, days=2) == {"private_chat": 1, "sms": 0}
    assert count(log, day="2026-03-12", hour=12.1, days=2) == {"private_chat": 1, "sms": 0}
    assert count(log, day="2026-03-12", hour=24.0, days=2) == {"private_chat": 1, "sms": 1}
    assert count(log, day="2026-03-12", hour=24.0, days=28) == {"private_chat": 2, "sms": 1}
    assert count(log, day="2026-03-12", hour=24.0, days=28, customer=1) == {"private_chat": 1, "sms": 0}


def test_touch_counts_equal_a_count_by_hand_on_random_touches(tables):
    rng = np.random.default_rng(3)
    at = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 80 * 1440, 400), unit="min")
    who, channel = rng.integers(0, 6, 400), rng.choice(["a", "b", "c"], 400)
    rows = [
        touch(f"c{w}", str(t), c, touch_id=str(n)) for n, (w, t, c) in enumerate(zip(who, at, channel, strict=True))
    ]
    log = touch_log(tables(touches=rows), as_of=AS_OF, customers=[f"c{n}" for n in range(6)])
    customer, day, hour = rng.integers(0, 6, 50), rng.integers(5, 80, 50), rng.random(50) * 24
    days = np.datetime64("2026-01-01", "D") + day
    found = touches_received(log, customer=customer, day=days, hour=hour, windows=(7,))[7]
    for n in range(50):
        moment = pd.Timestamp(days[n]) + pd.Timedelta(minutes=int(hour[n] * 60))
        mine = (who == customer[n]) & (at < moment) & (at >= moment - pd.Timedelta(days=7))
        assert found[n].tolist() == [int((mine & (channel == name)).sum()) for name in log.channels]


def test_little_used_channels_are_counted_together(tables):
    rows = [touch("c1", f"2026-03-{day:02d}", f"ch{day % 10}", touch_id=str(day)) for day in range(1, 29)]
    log = touch_log(tables(touches=rows), as_of=AS_OF, customers=["c1"])
    assert len(log.channels) == 9
    assert OTHER_CHANNELS in log.channels
    assert sum(len(keys) for keys in log.keys) == 28


def test_without_touches_there_are_no_channels_to_count(tables):
    log = touch_log(tables(contacts=[contact(1, "2026-01-01")]), as_of=AS_OF, customers=["c1"])
    assert touches_received(
        log, customer=np.array([0]), day=np.array(["2026-03-01"], dtype="datetime64[D]"), hour=24.0, windows=(7,)
    )[7].shape == (1, 0)
