"""Tables of touches: the touches themselves and who was assigned to what."""

from typing import Any, Final

import numpy as np

from analysis.data.synthetic import campaigns as planned
from analysis.data.synthetic.brands import CHANNELS, FORMATS
from analysis.data.synthetic.campaigns import FACTORIAL_ARMS, Campaigns
from analysis.data.synthetic.groups import Groups
from analysis.data.synthetic.identities import Identities
from analysis.data.synthetic.keys import labels, numbered, taken
from analysis.data.synthetic.orders import Orders
from analysis.data.synthetic.people import Codes, People
from analysis.data.synthetic.person_tables import SLOTS, within_history
from analysis.data.synthetic.season import N_DAYS, Floats
from analysis.data.synthetic.staff import Staff
from analysis.data.synthetic.touches import HELD_OUT, History

__all__ = ["assignment_columns", "campaign_sums", "replies_by_staff", "touch_columns"]

_TOUCH_COST: Final = np.array([0.0, 0.0, 0.0, 0.002, 0.005, 0.045, 0.6])
_STAFF_MINUTES: Final = np.array([0.4, 0.02, 0.03, 0.0, 0.0, 0.0, 5.0])
_ARMS: Final = ("treated", *(name for name, _ in FACTORIAL_ARMS), "camp", "holdout")
_GROUP: Final = CHANNELS.index("group")


def touch_columns(
    people: People,
    history: History,
    *,
    campaigns: Campaigns,
    campaign_ids: Any,
    groups: Groups,
    staff: Staff,
    identities: Identities,
    first_touch: int,
) -> dict[str, Any]:
    """Return one row a touch; what happened after the history's end is not known and stays empty."""
    touch = history.touch
    person, campaign = touch["person"], touch["campaign"]
    channel = campaigns.channel[campaign]
    sender = _senders(history, channel=channel, groups=groups, staff=staff)
    direct = touch["staff"] >= 0
    slot = np.where(touch["inherited"], 2, 0)
    contact_ids = numbered("k", (people.number[person] * SLOTS + slot)[direct])
    delivered = within_history(touch["delivered"])
    arm = _arm_codes(campaigns, campaign, touch["arm"])
    sent = ~np.isnan(touch["delivered"])
    return {
        "touch_id": numbered("t", first_touch + np.arange(len(person))),
        "customer_id": taken(identities.customer_id, person),
        "channel": labels(CHANNELS, channel),
        "campaign_id": taken(campaign_ids, campaign),
        "assigned_at": touch["assigned"],
        "arm": labels(_ARMS, arm),
        "propensity": _propensities(campaigns)[campaign],
        "staff_id": taken(numbered("s", np.arange(staff.n)), sender),
        "contact_id": taken(contact_ids, np.where(direct, np.cumsum(direct) - 1, -1)),
        "group_id": taken(numbered("g", np.arange(groups.n)), touch["group"]),
        "template_id": labels(
            [f"template-{number:02d}" for number in range(4 * len(FORMATS))], campaigns.template[campaign]
        ),
        "content_format": labels(FORMATS, campaigns.format[campaign]),
        "offer_id": labels(
            [f"offer-{number:03d}" for number in range(campaigns.n)],
            np.where(campaigns.offer > 0, np.arange(campaigns.n), -1)[campaign],
        ),
        "confirmed_at": within_history(np.where(channel == _GROUP, touch["assigned"], touch["confirmed"])),
        "delivered_at": delivered,
        "send_status": touch["status"],
        "read_at": within_history(touch["read"]),
        "clicked_at": within_history(touch["clicked"]),
        "replied_at": within_history(touch["replied"]),
        "cost": np.where(sent, _TOUCH_COST[channel], 0.0),
        "staff_minutes": np.where(sent, _STAFF_MINUTES[channel], 0.0),
    }


def _senders(history: History, *, channel: Codes, groups: Groups, staff: Staff) -> Codes:
    """Return who sends: the contact's member of staff, or the owner of the group while employed."""
    touch = history.touch
    owner = groups.owner[touch["group"]]
    owner = np.where(staff.left[owner] > touch["assigned"], owner, 0)
    return np.where(channel == _GROUP, owner, touch["staff"])


def _arm_codes(campaigns: Campaigns, campaign: Codes, arm: Codes) -> Codes:
    """Return positions in ``_ARMS``; -1 where nothing was randomised."""
    kind = campaigns.kind[campaign]
    named = np.select(
        [kind == planned.EXPERIMENT, kind == planned.FACTORIAL, kind == planned.CAMP], [0, 1 + arm, 5], -1
    )
    return np.where(arm == HELD_OUT, len(_ARMS) - 1, named)


def _propensities(campaigns: Campaigns) -> Floats:
    """Return for each campaign the chance of the arm that was touched; NaN where nobody was held out."""
    kind = campaigns.kind
    share = np.where(
        kind == planned.FACTORIAL, (1.0 - campaigns.holdout) / len(FACTORIAL_ARMS), 1.0 - campaigns.holdout
    )
    share = np.where(kind == planned.CAMP, 0.5, share)
    return np.where(kind >= planned.EXPERIMENT, share, np.nan)


def assignment_columns(
    people: People, history: History, *, campaigns: Campaigns, campaign_ids: Any, groups: Groups, identities: Identities
) -> dict[str, Any]:
    """Return one row a customer and experiment; an experiment bears its campaign's id."""
    assigned = history.assigned
    person, campaign = assigned["person"], assigned["campaign"]
    return {
        "experiment_id": taken(campaign_ids, campaign),
        "customer_id": taken(identities.customer_id, person),
        "arm": labels(_ARMS, _arm_codes(campaigns, campaign, assigned["arm"])),
        "assigned_at": assigned["at"],
        "stratum": labels(("tier_1", "tier_2", "tier_3", "tier_4"), people.city_tier[person] - 1),
        "cluster_id": taken(
            numbered("g", np.arange(groups.n)),
            np.where(campaigns.kind[campaign] == planned.CAMP, assigned["group"], -1),
        ),
    }


def campaign_sums(history: History, orders: Orders, *, campaigns: Campaigns) -> dict[str, Floats]:
    """Return per campaign what this chunk adds to its truth: touches, orders brought and taken, yuan."""
    touch = history.touch
    moved = np.flatnonzero((orders.induced_by >= 0) | (orders.removed_by >= 0))
    brought = orders.induced_by[moved] >= 0
    cause = np.where(brought, orders.induced_by[moved], orders.removed_by[moved])
    campaign = touch["campaign"][cause]
    soon = orders.at[moved] < campaigns.start[campaign] + campaigns.window[campaign]
    paid = np.where(brought, 1.0, -1.0) * orders.baskets.amount[moved] / 100.0
    weights = {
        "induced": brought,
        "removed": ~brought,
        "induced_in_window": brought & soon,
        "removed_in_window": ~brought & soon,
        "amount": paid,
    }
    sums = {
        name: np.bincount(campaign, weights=weight, minlength=campaigns.n).astype(np.float64)
        for name, weight in weights.items()
    }
    return sums | {
        "n_touched": np.bincount(touch["campaign"], minlength=campaigns.n).astype(np.float64),
        "n_delivered": np.bincount(touch["campaign"][touch["status"] == 1], minlength=campaigns.n).astype(np.float64),
    }


def replies_by_staff(history: History) -> Codes:
    """Return the staff-day (staff times days plus day) of each reply within the history."""
    replied = history.touch["replied"]
    known = (replied < N_DAYS) & (history.touch["staff"] >= 0)
    return history.touch["staff"][known] * N_DAYS + replied[known].astype(np.int64)
