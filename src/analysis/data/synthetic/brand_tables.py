"""Tables of the brand as a whole: campaigns, groups, staff and their days, spend."""

from typing import Any, Final

import numpy as np

from analysis.data.synthetic import campaigns as planned
from analysis.data.synthetic.brands import SOURCES, Brand
from analysis.data.synthetic.campaigns import Campaigns
from analysis.data.synthetic.groups import THEMES, Groups
from analysis.data.synthetic.keys import labels, numbered
from analysis.data.synthetic.season import N_DAYS, Floats, is_sale_day
from analysis.data.synthetic.staff import Staff

__all__ = ["campaign_columns", "group_columns", "spend_columns", "staff_columns", "staff_daily_columns"]

_CHANNELS_ZH: Final = ("私聊", "社群", "朋友圈", "公众号", "小程序", "短信", "电话")
_LEVERS_ZH: Final = ("内容", "优惠", "提醒")
_OBJECTIVES: Final = ("engagement", "repurchase", "win_back", "learning", "learning", "activation")


def campaign_columns(campaigns: Campaigns, *, campaign_ids: Any) -> dict[str, Any]:
    """Return one row a campaign; experiments state their hypothesis before they start."""
    sale = is_sale_day()[campaigns.start.astype(np.int64)]
    names = [
        f"{'大促' if on_sale else ''}{_CHANNELS_ZH[channel]}{_LEVERS_ZH[lever]} 第{int(start // 7) + 1}周"
        for on_sale, channel, lever, start in zip(
            sale, campaigns.channel, campaigns.lever, campaigns.start, strict=True
        )
    ]
    randomised = campaigns.kind >= planned.EXPERIMENT
    hypothesis = [
        f"{_CHANNELS_ZH[channel]}{_LEVERS_ZH[lever]}在观察期内提高复购"
        for channel, lever in zip(campaigns.channel, campaigns.lever, strict=True)
    ]
    each = np.arange(campaigns.n)
    return {
        "campaign_id": campaign_ids,
        "name": labels(names, each),
        "starts_at": campaigns.start,
        "ends_at": campaigns.start + campaigns.window,
        "objective": labels(_OBJECTIVES, campaigns.kind),
        "hypothesis": labels(hypothesis, np.where(randomised, each, -1)),
        "response_window_days": campaigns.window,
        "holdout_share": np.where(campaigns.kind == planned.CAMP, 0.5, campaigns.holdout),
    }


def group_columns(groups: Groups) -> dict[str, Any]:
    """Return one row a group."""
    return {
        "group_id": numbered("g", np.arange(groups.n)),
        "created_at": groups.created,
        "owner_staff_id": numbered("s", groups.owner),
        "theme": labels(THEMES, groups.theme),
    }


def staff_columns(staff: Staff) -> dict[str, Any]:
    """Return one row a member of staff."""
    return {
        "staff_id": numbered("s", np.arange(staff.n)),
        "hired_at": staff.hired,
        "left_at": np.where(np.isfinite(staff.left), staff.left, np.nan),
        "hourly_cost": staff.hourly_cost,
        "contact_capacity": np.full(staff.n, 5_000),
    }


def staff_daily_columns(
    staff: Staff, *, gained: Floats, lost: Floats, replied: Floats, rng: np.random.Generator
) -> dict[str, Any]:
    """Return one row a working day of a member of staff; the counts per staff-day are those of the data.

    Args:
        staff: The staff.
        gained: New contacts, shape (staff, days).
        lost: Contacts who deleted.
        replied: Customers' replies to touches.
        rng: Random numbers for what no other table holds: chats beside the campaigns.
    """
    days = np.arange(N_DAYS)
    employed = (staff.hired[:, None] < days + 1) & (staff.left[:, None] > days)
    who, day = np.nonzero(employed)
    new = gained[who, day]
    known = np.cumsum(gained - lost, axis=1)[who, day]
    chats = replied[who, day] + rng.poisson(0.8 + 0.02 * np.maximum(known, 0.0))
    answered = np.clip(rng.beta(18.0, 2.0 + staff.reply_minutes[who] / 8.0), 0.0, 1.0)
    return {
        "staff_id": numbered("s", who),
        "date": day,
        "new_apply_cnt": (new * 1.2 + rng.poisson(0.6, len(who))).astype(np.int64),
        "new_contact_cnt": new.astype(np.int64),
        "chat_cnt": chats.astype(np.int64),
        "message_cnt": (chats * 3 + rng.poisson(2.0, len(who))).astype(np.int64),
        "reply_percentage": np.where(chats > 0, answered, np.nan),
        "avg_reply_time": np.where(
            chats > 0, staff.reply_minutes[who] * np.exp(0.35 * rng.standard_normal(len(who))), np.nan
        ),
        "negative_feedback_cnt": lost[who, day].astype(np.int64),
    }


def spend_columns(brand: Brand, *, acquired: Floats, rng: np.random.Generator) -> dict[str, Any]:
    """Return one row a day and source: what the customers who came cost, unevenly paid; shape (sources, days)."""
    source, day = np.nonzero(np.ones((len(SOURCES), N_DAYS)))
    smooth = 0.5 * acquired + 0.5 * acquired.mean(axis=1, keepdims=True)
    cost = (
        np.array(brand.source_cost)[source]
        * smooth[source, day]
        * np.exp(0.12 * rng.standard_normal(len(day)) - 0.0072)
    )
    return {"date": day, "source": labels(SOURCES, source), "amount": np.round(cost, 2)}
