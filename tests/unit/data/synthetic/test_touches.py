from collections.abc import Callable

import numpy as np
import pandas as pd

Read = Callable[[str], pd.DataFrame]


def with_contact(beauty: Read) -> pd.DataFrame:
    return beauty("touches").merge(beauty("contacts"), on="contact_id", suffixes=("", "_contact"))


def test_no_touch_is_planned_after_a_refusal(beauty: Read) -> None:
    consents = beauty("consents")
    refused = consents[consents.status == "refused"]
    both = beauty("touches").merge(refused, on=["customer_id", "channel"])
    assert len(refused) > 100
    assert not (both.changed_at < both.assigned_at).any()


def test_text_messages_go_only_to_those_who_agreed(beauty: Read) -> None:
    consents = beauty("consents")
    agreed = set(consents.customer_id[(consents.channel == "sms") & (consents.status == "granted")])
    texts = beauty("touches").query("channel == 'sms'")
    assert len(texts) > 500
    assert set(texts.customer_id) <= agreed


def test_no_touch_to_a_deleted_contact_succeeds(beauty: Read) -> None:
    touches = with_contact(beauty)
    after = touches.deleted_at <= touches.confirmed_at
    assert (touches.send_status[after] == 2).all()
    assert after.sum() > 50
    assert touches.deleted_at[touches.send_status == 2].notna().all()
    assert not (touches.deleted_at <= touches.delivered_at).any()


def test_a_touch_runs_from_plan_to_confirmation_to_delivery_to_reading(beauty: Read) -> None:
    touches = beauty("touches")
    for earlier, later in (
        ("assigned_at", "confirmed_at"),
        ("confirmed_at", "delivered_at"),
        ("delivered_at", "read_at"),
        ("read_at", "clicked_at"),
        ("read_at", "replied_at"),
    ):
        assert not (touches[later] < touches[earlier]).any(), (earlier, later)
    assert touches.delivered_at[touches.send_status != 1].isna().all()
    assert touches.confirmed_at[touches.send_status == 0].isna().all()


def test_a_contact_is_written_to_by_its_own_staff_after_it_was_added(beauty: Read) -> None:
    touches = with_contact(beauty)
    assert (touches.staff_id == touches.staff_id_contact).all()
    assert (touches.assigned_at >= touches.added_at).all()
    assert (touches.customer_id == touches.customer_id_contact).all()


def test_nobody_receives_two_private_messages_on_one_day_and_collisions_are_recorded(beauty: Read) -> None:
    private = beauty("touches").query("channel == 'private_chat'")
    got = private[private.send_status == 1]
    day = got.delivered_at.dt.tz_convert("Asia/Shanghai").dt.date
    assert not pd.DataFrame({"customer": got.customer_id, "day": day}).duplicated().any()
    assert 0.005 < (private.send_status == 3).mean() < 0.1


def test_some_staff_do_not_confirm_and_the_truth_says_who(beauty: Read) -> None:
    private = beauty("touches").query("channel == 'private_chat'")
    confirmed = private.assign(done=private.confirmed_at.notna()).groupby("staff_id").done.agg(["mean", "size"])
    truth = beauty("truth/staff").set_index("staff_id").compliance
    often = confirmed[confirmed["size"] > 300]
    assert confirmed["mean"].min() < 0.75
    assert (often["mean"] - truth.loc[often.index]).abs().max() < 0.12


def test_forced_adds_delete_at_once(beauty: Read) -> None:
    contacts = beauty("contacts").merge(beauty("truth/source_states"), on="source_state")
    quick = (contacts.deleted_at - contacts.added_at) < pd.Timedelta(days=7)
    by_force = quick.groupby(contacts.is_forced).mean()
    assert by_force[True] > 0.3
    assert by_force[False] < 0.08


def test_silent_members_hardly_read(beauty: Read) -> None:
    touches = beauty("touches").query("channel == 'private_chat' and send_status == 1")
    silent = beauty("truth/customers").set_index("customer_id").is_silent.loc[touches.customer_id].to_numpy()
    read = touches.read_at.notna().to_numpy()
    assert read[silent].mean() < 0.1
    assert read[~silent].mean() > 0.4


def test_groups_read_less_after_their_change_point(beauty: Read) -> None:
    touches = beauty("touches").query("channel == 'group'").merge(beauty("truth/groups"), on="group_id")
    late = touches.delivered_at >= touches.quiet_from_at
    read = touches.read_at.notna()
    assert read[late].mean() < 0.6 * read[~late].mean()


def test_messages_at_the_own_peak_hour_are_read_more(beauty: Read) -> None:
    touches = beauty("touches").query("channel == 'private_chat' and send_status == 1")
    peak = beauty("truth/customers").set_index("customer_id").peak_hour.loc[touches.customer_id].to_numpy()
    apart = np.abs(touches.delivered_at.dt.tz_convert("Asia/Shanghai").dt.hour.to_numpy() - peak)
    apart = np.minimum(apart, 24 - apart)
    read = touches.read_at.notna().to_numpy()
    assert read[apart <= 1].mean() > 1.15 * read[apart >= 6].mean()


def test_groups_decide_the_arm_of_the_cluster_experiment(beauty: Read) -> None:
    assigned = beauty("assignments").dropna(subset="cluster_id")
    assert set(assigned.arm) == {"camp", "holdout"}
    assert (assigned.groupby("cluster_id").arm.nunique() == 1).all()
