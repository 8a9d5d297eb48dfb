"""What a touch is worth, checked by hand; its signs."""

import numpy as np
import pandas as pd
import pytest

from analysis.touch.effects import EFFECTS, central_effects, load_effects
from analysis.touch.messages import load_messages, registered_messages
from analysis.touch.option_value import customer_side, fatigue_now, message_side, touch_worth

NONE = dict.fromkeys(EFFECTS, 0.0) | {"service_gain": 1.0, "reminder_gain": 1.0, "promotion_gain": 1.0}
BOOK = {"margin_share": 0.5, "wage_per_hour": 60.0}
CUSTOMER = pd.DataFrame({"rate": [0.02], "p_alive": [0.5], "order_value": [200.0], "orders_next_year": [4.0]})
CHANNELS = pd.DataFrame(
    {
        "channel": ["private_chat", "sms"], "read_rate": [0.8, 0.3], "confirm_rate": [0.75, 0.75],
        "gain": [1.0, 0.4], "annoyance": [1.0, 0.8], "cost": [0.0, 0.05], "staff_minutes": [0.5, 0.0],
        "needs_contact": [True, False], "needs_staff": [True, False],
    }
)  # fmt: skip


def worth(effects, *, channel="private_chat", discount=0.0, valid_days=0.0, fatigue=0.0):
    messages = pd.DataFrame(
        {"channel": [channel], "template": ["usual"], "discount_share": [discount], "valid_days": [valid_days]}
    )
    own = customer_side(CUSTOMER, fatigue=np.array([[fatigue]]))
    said = message_side(messages, channels=CHANNELS, effects=effects)
    return touch_worth(own, said, effects=effects, economics=BOOK)


def test_a_plain_chat_by_hand():
    found = worth(NONE | {"gain_days": 2.0, "lapsed_response": 0.1, "pull_forward": 0.25})
    extra = 0.75 * 0.8 * (0.02 * (0.5 + 0.5 * 0.1)) * 2.0
    assert found.orders[0, 0] == pytest.approx(extra * 0.75)
    assert found.gain[0, 0] == pytest.approx(extra * 0.75 * 200 * 0.5)
    assert found.burden[0, 0] == pytest.approx(0.75 * 0.5 / 60 * 60)  # half a minute at one a minute, if confirmed


def test_a_coupon_costs_on_orders_that_come_anyway_too():
    found = worth(NONE | {"redemption_rate": 0.4}, discount=0.1, valid_days=10.0)
    anyway = 0.75 * 0.8 * 0.02 * 0.5 * 10
    assert found.gain[0, 0] == 0.0
    assert found.spend[0, 0] == pytest.approx(anyway * 0.4 * 0.1 * 200)


def test_a_deleted_contact_costs_a_year_of_what_goes_with_it():
    found = worth(NONE | {"deletion_touch": 0.01, "deletion_loss": 0.25})
    deleted = 0.75 * -np.expm1(-0.01)
    assert found.deletions[0, 0] == pytest.approx(deleted)
    assert found.burden[0, 0] == pytest.approx(0.75 * 0.5 + deleted * 4.0 * 100 * 0.25)
    assert worth(NONE | {"deletion_touch": 0.01}, channel="sms").deletions[0, 0] == 0.0


def test_fatigue_lowers_the_gain_and_raises_deletions():
    central = {
        name: float(value[0]) for name, value in central_effects(load_effects("params/effects/default.yaml")).items()
    }
    rested, tired = worth(central), worth(central, fatigue=4.0)
    assert tired.gain[0, 0] < rested.gain[0, 0]
    assert tired.deletions[0, 0] > rested.deletions[0, 0]


def test_without_effects_a_touch_is_worth_no_more_than_its_cost():
    found = worth(NONE, channel="sms")
    assert found.value(near=True)[0, 0] == pytest.approx(-0.05)


def test_good_timing_raises_the_gain_alone():
    found = worth(NONE | {"gain_days": 1.0, "timing_gain": 0.4})
    assert found.value(near=True)[0, 0] - found.value(near=False)[0, 0] == pytest.approx(0.4 * found.gain[0, 0])


def test_fatigue_counts_ones_own_channel_in_full_and_others_in_part():
    effects = {"fatigue_days": 10.0, "cross_channel": 0.4}
    per_day = {"sms": np.array([0.1, 0.0]), "private_chat": np.array([0.2, 0.0])}
    felt = fatigue_now(per_day, said_by=["sms", "moments"], annoyance={"sms": 0.5}, effects=effects)
    assert felt == pytest.approx(np.array([[0.5 + 0.4 * 2.0, 0.4 * 2.5], [0.0, 0.0]]))


def test_every_message_of_the_house_has_a_channel_of_the_registry():
    assert len(registered_messages("params/messages/default.yaml")) >= 5


def test_a_message_to_a_group_is_refused(tmp_path):
    text = (
        "edition: 2026-01-01\nmessages:\n"
        "  - {name: to_group, label: {zh: 群, en: group}, channel: group, template: content,"
        " reason: {zh: 因, en: why}, talking_point: {zh: 说, en: say}}\n"
    )
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Exception, match="addressed whole"):
        load_messages(tmp_path / "m.yaml", channels=["group"])
    with pytest.raises(Exception, match="registered are sms"):
        load_messages(tmp_path / "m.yaml", channels=["sms"])
