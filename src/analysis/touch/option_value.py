"""What one touch is worth to one customer: a formula short enough to check by hand, at given effect sizes.

It takes the laws of the simulator at first order: no simulation, one touch at a time. Effects that nobody has
measured yet make its result evidence of grade D.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present

__all__ = [
    "CUSTOMER_COLUMNS",
    "TouchWorth",
    "customer_side",
    "fatigue_now",
    "message_draw",
    "message_side",
    "touch_worth",
]

Floats = npt.NDArray[np.float64]
Side = Mapping[str, Floats]

CUSTOMER_COLUMNS: Final = ("rate", "p_alive", "order_value", "orders_next_year")
_GAIN_OF: Final = {"service": "service_gain", "reminder": "reminder_gain", "promotion": "promotion_gain"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchWorth:
    """The worth of touches, in currency, split as far as a plan needs it.

    Attributes:
        gain: What the extra orders bring after their coupons; more where the need is near.
        burden: Coupons on orders that came anyway, cost, staff time and the value lost with deleted contacts.
        spend: Money paid out: cost of the channel and coupons.
        orders: Extra orders, those borrowed from later left out.
        deletions: Chance that the customer deletes the contact.
        timing: Share by which ``gain`` and ``orders`` grow where the need is near.
    """

    gain: Floats
    burden: Floats
    spend: Floats
    orders: Floats
    deletions: Floats
    timing: float

    def value(self, near: npt.NDArray[np.bool_] | bool) -> Floats:  # noqa: FBT001 - an array, broadcast
        """Return gain less burden, with good timing where the need is near."""
        return self.gain * (1 + self.timing * np.asarray(near)) - self.burden


def fatigue_now(
    per_day: Mapping[str, Floats], *, said_by: list[str], annoyance: Mapping[str, float], effects: Mapping[str, float]
) -> Floats:
    """Return the fatigue, in touches, that a message meets, as it settles under so many touches a day.

    Args:
        per_day: Touches a day by channel, one array of n customers each.
        said_by: The channel of each message.
        annoyance: What a touch by each channel tires, against a private message.
        effects: Effect sizes; ``fatigue_days`` and ``cross_channel`` are used.

    Returns:
        One row per customer (a single row of zeros where no touches are known), one column per message: the stock of
        its own channel, and a share of the others'.
    """
    stock = {name: rate * annoyance.get(name, 1.0) * effects["fatigue_days"] for name, rate in per_day.items()}
    total: Floats = sum(stock.values(), start=np.zeros(1))
    cross = effects["cross_channel"]
    return np.stack([cross * total + (1 - cross) * stock.get(channel, np.zeros(1)) for channel in said_by], axis=1)


def customer_side(customers: pd.DataFrame, *, fatigue: Floats) -> dict[str, Floats]:
    """Return the customers' columns as arrays (n, 1), to be set against messages (M,); fatigue is (n, M).

    Raises:
        AnalysisError: If a column is missing.
    """
    columns_present(customers.columns, needed=CUSTOMER_COLUMNS, table="strategy_customers")
    side = {name: customers[name].to_numpy(dtype=np.float64) for name in CUSTOMER_COLUMNS}
    return {**{name: column[:, None] for name, column in side.items()}, "fatigue": fatigue}


def message_side(
    messages: pd.DataFrame,
    *,
    channels: pd.DataFrame,
    effects: Mapping[str, float],
    rates: Mapping[str, float] | None = None,
) -> dict[str, Floats]:
    """Return the messages' columns as arrays (M,).

    Args:
        messages: One row per message: ``channel``, ``template``, ``discount_share`` (0: none), ``valid_days``.
        channels: The channels as ``strategy_channels`` has them.
        effects: Effect sizes by name.
        rates: ``read_rate_<channel>`` and ``confirm_rate_<channel>`` instead of the channels' own, where given.
    """
    known = channels.set_index("channel").loc[messages["channel"].tolist()]
    drawn = message_draw(messages, channels=channels, effects=effects, rates=rates or {})
    return {
        **drawn,
        "channel_gain": known["gain"].to_numpy(dtype=np.float64),
        "annoyance": known["annoyance"].to_numpy(dtype=np.float64),
        "cost": known["cost"].to_numpy(dtype=np.float64),
        "staff_minutes": known["staff_minutes"].to_numpy(dtype=np.float64),
        "contact": known["needs_contact"].to_numpy(dtype=np.float64),
        "discount": messages["discount_share"].to_numpy(dtype=np.float64),
        "valid_days": messages["valid_days"].to_numpy(dtype=np.float64),
    }


def message_draw(
    messages: pd.DataFrame, *, channels: pd.DataFrame, effects: Mapping[str, float], rates: Mapping[str, float]
) -> dict[str, Floats]:
    """Return those columns of ``message_side`` that differ from draw to draw of the effects and rates."""
    said_by, template = messages["channel"].tolist(), messages["template"].tolist()
    columns = (channels[name].tolist() for name in ("channel", "read_rate", "confirm_rate", "needs_staff"))
    known = {channel: rest for channel, *rest in zip(*columns, strict=True)}
    read = [rates.get(f"read_rate_{channel}", known[channel][0]) for channel in said_by]
    confirm = [rates.get(f"confirm_rate_{c}", known[c][1]) if known[c][2] else 1.0 for c in said_by]
    gain = [effects[_GAIN_OF[kind]] if kind in _GAIN_OF else 1.0 for kind in template]
    return {
        name: np.array(v, dtype=np.float64)
        for name, v in (("read", read), ("confirm", confirm), ("template_gain", gain))
    }


def touch_worth(own: Side, said: Side, *, effects: Mapping[str, float], economics: Mapping[str, Any]) -> TouchWorth:
    """Return what touches are worth: customers (n, 1) against messages (M,), or row by row.

    Extra orders = chance of being confirmed and read × the customer's own pace × days of own purchases a read touch
    adds × message × offer × what fatigue leaves; a share of them is only borrowed from later. Less: coupons on extra
    orders and on those that come anyway while the offer is valid, the channel's cost, staff time at the wage, and the
    chance of deletion × the margin of a year that goes with a contact.

    Args:
        own: ``customer_side``.
        said: ``message_side``.
        effects: Effect sizes by name (``touch/effects.py``).
        economics: ``margin_share`` (0-1) and ``wage_per_hour`` (currency).

    References:
        Sahni, N., Zou, D. and Chintagunta, P. (2017), Marketing Science: most of an offer's effect is exposure.
    """
    tired = own["fatigue"]
    reached = said["confirm"] * said["read"] * np.exp(-effects["read_fatigue"] * tired)
    pace = own["rate"] * (own["p_alive"] + (1 - own["p_alive"]) * effects["lapsed_response"])
    days = (
        effects["gain_days"]
        * said["channel_gain"]
        * said["template_gain"]
        * (1 + effects["offer_gain"] * said["discount"] / 0.1)
        * np.exp(-effects["fatigue_response"] * tired)
    )
    extra = reached * pace * days
    borrowed = np.where(said["discount"] > 0, effects["pull_forward_offer"], effects["pull_forward"])
    margin = own["order_value"] * float(economics["margin_share"])
    coupon = effects["redemption_rate"] * said["discount"] * own["order_value"]  # an order's, while the offer is valid
    anyway = reached * own["rate"] * own["p_alive"] * said["valid_days"]
    staff = said["confirm"] * said["staff_minutes"] / 60 * float(economics["wage_per_hour"])
    cost = said["confirm"] * said["cost"]
    hazard = effects["deletion_touch"] * said["annoyance"] * np.exp(effects["deletion_fatigue"] * tired)
    deletions = said["contact"] * said["confirm"] * -np.expm1(-hazard)
    lost = deletions * own["orders_next_year"] * margin * effects["deletion_loss"]
    return TouchWorth(
        gain=extra * ((1 - borrowed) * margin - coupon),
        burden=anyway * coupon + staff + cost + lost,
        spend=cost + coupon * (anyway + extra),
        orders=extra * (1 - borrowed),
        deletions=deletions,
        timing=float(effects["timing_gain"]),
    )
