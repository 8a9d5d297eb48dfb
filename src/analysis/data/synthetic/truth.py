"""What is planted, as tables: ``truth/`` beside the data, for tests and for nobody else."""

from typing import Any, Final

import numpy as np

from analysis.data.contracts import Kind
from analysis.data.synthetic.brands import CHANNELS, CONSTRAINTS, FORMATS, Brand
from analysis.data.synthetic.campaigns import FACTORIAL_ARMS, FORMAT_EFFECT, KINDS, OFFERS, Campaigns
from analysis.data.synthetic.contacts import FORCED_STATES, SOURCE_STATES
from analysis.data.synthetic.groups import Groups
from analysis.data.synthetic.identities import LINKS, Identities
from analysis.data.synthetic.keys import labels, numbered, pseudonyms, taken
from analysis.data.synthetic.orders import Orders
from analysis.data.synthetic.people import Codes, Flags, People
from analysis.data.synthetic.reactions import PLANTED_READ_RATE
from analysis.data.synthetic.referrals import Referrals
from analysis.data.synthetic.season import Floats
from analysis.data.synthetic.staff import Staff
from analysis.data.synthetic.touches import History

__all__ = [
    "TRUTH",
    "campaign_truth",
    "customer_truth",
    "effect_truth",
    "group_truth",
    "identity_truth",
    "lever_truth",
    "staff_truth",
    "state_truth",
]

TRUTH: Final[dict[str, dict[str, Kind]]] = {
    "customers": {
        "customer_id": "id",
        "cluster": "category",
        "first_order_at": "instant",
        "leaves_at": "instant",
        "mean_gap_days": "number",
        "price_sensitivity": "share",
        "discount_use": "share",
        "spend_level": "number",
        "peak_hour": "count",
        "favourite_channel": "category",
        **{f"uplift_{channel}": "number" for channel in CHANNELS},
        "is_sleeping_dog": "flag",
        "annoyance": "number",
        "tolerance": "number",
        "is_silent": "flag",
        "constraint": "category",
        "is_willing_referrer": "flag",
        "referrer_id": "id",
        "ring": "id",
        "trust_at_end": "number",
        "own_orders": "number",
        "induced_orders": "number",
        "removed_orders": "number",
    },
    "identities": {"customer_id": "id", "person_id": "id", "link": "category"},
    "touch_effects": {
        "touch_id": "id",
        "campaign_id": "id",
        "customer_id": "id",
        "kind": "category",
        "order_id": "id",
        "occurred_at": "instant",
        "orders": "number",
        "amount": "money",
    },
    "campaigns": {
        "campaign_id": "id",
        "kind": "category",
        "effect": "number",
        "n_touched": "count",
        "n_delivered": "count",
        "induced_orders": "number",
        "removed_orders": "number",
        "induced_orders_in_window": "number",
        "removed_orders_in_window": "number",
        "incremental_amount": "money",
    },
    "contacts": {"contact_id": "id", "is_forced": "flag", "deleted_because": "category", "touch_id": "id"},
    "groups": {"group_id": "id", "quiet_from_at": "instant", "quiet_factor": "number", "is_camp": "flag"},
    "staff": {"staff_id": "id", "compliance": "share", "slowness_hours": "number", "reply_minutes": "number"},
    "source_states": {"source_state": "category", "is_forced": "flag"},
    "levers": {"lever": "category", "name": "category", "value": "number"},
    "violations": {"table": "category", "key": "id", "reason": "category"},
    "outcomes": {"experiment_id": "id", "customer_id": "id", "p_visit_control": "share", "p_visit_treated": "share"},
    "decisions": {"decision_id": "id", "action": "category", "expected_reward": "number"},
    "tags": {"tag": "category", "informs": "category"},
}
"""Kinds of the columns of each truth table, as in the contracts."""


def customer_truth(
    brand: Brand,
    people: People,
    *,
    identities: Identities,
    referrals: Referrals,
    history: History,
    orders: Orders,
    chunk: int,
) -> dict[str, Any]:
    """Return one row a person: latent state, and what touches did to it in sum."""
    n = people.n
    ids = identities.customer_id.slice(0, n)
    own = (orders.induced_by < 0) & (orders.person >= 0)
    uplifts = {
        f"uplift_{name}": people.uplift * np.where(people.favourite == code, 1.6, 0.85)
        for code, name in enumerate(CHANNELS)
    }
    return uplifts | {
        "customer_id": ids,
        "cluster": labels([cluster.name for cluster in brand.clusters], people.cluster),
        "first_order_at": people.first_order,
        "leaves_at": people.leaves,
        "mean_gap_days": people.gap,
        "price_sensitivity": people.price_sensitivity,
        "discount_use": people.discount_use,
        "spend_level": people.spend,
        "peak_hour": people.peak_hour,
        "favourite_channel": labels(CHANNELS, people.favourite),
        "is_sleeping_dog": people.dog,
        "annoyance": people.annoyance,
        "tolerance": people.tolerance,
        "is_silent": people.silent,
        "constraint": labels(CONSTRAINTS, people.constraint),
        "is_willing_referrer": people.willing,
        "referrer_id": taken(ids, referrals.referred_by),
        "ring": taken(numbered("ring", chunk * 10_000 + np.arange(referrals.ring.max() + 1)), referrals.ring),
        "trust_at_end": history.trust,
        "own_orders": _per_person(orders, own & (orders.removed_by < 0), n=n),
        "induced_orders": _per_person(orders, orders.induced_by >= 0, n=n),
        "removed_orders": _per_person(orders, orders.removed_by >= 0, n=n),
    }


def _per_person(orders: Orders, chosen: Flags, *, n: int) -> Floats:
    return np.bincount(orders.person[chosen], minlength=n).astype(np.float64)


def identity_truth(identities: Identities, *, first_row: int, salt: int) -> dict[str, Any]:
    """Return one row a customer id: whose it is, and what a second id shares with the first."""
    return {
        "customer_id": identities.customer_id,
        "person_id": pseudonyms("p", first_row + identities.person, salt=salt),
        "link": labels(LINKS, identities.link),
    }


def effect_truth(
    people_ids: Any, orders: Orders, history: History, *, campaign_ids: Any, first_touch: int
) -> dict[str, Any]:
    """Return one row for each order a touch brought (+1) or took (-1); touches not named changed nothing."""
    moved = np.flatnonzero((orders.induced_by >= 0) | (orders.removed_by >= 0))
    brought = orders.induced_by[moved] >= 0
    touch = np.where(brought, orders.induced_by[moved], orders.removed_by[moved])
    sign = np.where(brought, 1.0, -1.0)
    number = orders.number[moved]
    return {
        "touch_id": numbered("t", first_touch + touch),
        "campaign_id": taken(campaign_ids, history.touch["campaign"][touch]),
        "customer_id": taken(people_ids, orders.person[moved]),
        "kind": labels(("induced", "paused", "borrowed"), np.where(brought, 0, orders.fate[moved])),
        "order_id": taken(numbered("o", np.maximum(number, 0)), np.where(brought, np.arange(len(moved)), -1)),
        "occurred_at": orders.at[moved],
        "orders": sign,
        "amount": sign * orders.baskets.amount[moved] / 100.0,
    }


def campaign_truth(campaigns: Campaigns, *, campaign_ids: Any, sums: dict[str, Floats]) -> dict[str, Any]:
    """Return one row a campaign; ``sums`` are added up over the chunks by ``campaign_sums``."""
    return {
        "campaign_id": campaign_ids,
        "kind": labels(KINDS, campaigns.kind),
        "effect": campaigns.effect,
        "n_touched": sums["n_touched"],
        "n_delivered": sums["n_delivered"],
        "induced_orders": sums["induced"],
        "removed_orders": sums["removed"],
        "induced_orders_in_window": sums["induced_in_window"],
        "removed_orders_in_window": sums["removed_in_window"],
        "incremental_amount": sums["amount"],
    }


def group_truth(groups: Groups) -> dict[str, Any]:
    """Return one row a group: when it goes quiet and how quiet."""
    return {
        "group_id": numbered("g", np.arange(groups.n)),
        "quiet_from_at": np.where(np.isfinite(groups.quiet_from), groups.quiet_from, np.nan),
        "quiet_factor": groups.quiet_factor,
        "is_camp": groups.camp,
    }


def staff_truth(staff: Staff) -> dict[str, Any]:
    """Return one row a member of staff: whether and how fast sends are confirmed."""
    return {
        "staff_id": numbered("s", np.arange(staff.n)),
        "compliance": staff.compliance,
        "slowness_hours": staff.slowness_hours,
        "reply_minutes": staff.reply_minutes,
    }


def state_truth() -> dict[str, Any]:
    """Return one row an acquisition code: whether it forces."""
    codes: Codes = np.arange(len(SOURCE_STATES))
    return {"source_state": labels(SOURCE_STATES, codes), "is_forced": np.isin(SOURCE_STATES, FORCED_STATES)}


def lever_truth() -> dict[str, Any]:
    """Return the planted constants of touches: formats, factorial arms, offers, read rates."""
    rows = [("format", name, value) for name, value in zip(FORMATS, FORMAT_EFFECT, strict=True)]
    rows += [("factorial_arm", name, value) for name, value in FACTORIAL_ARMS]
    rows += [("offer_depth", name, value) for name, value in OFFERS]
    rows += [("read_rate", name, value) for name, value in zip(CHANNELS, PLANTED_READ_RATE, strict=True)]
    lever, name, value = zip(*rows, strict=True)
    each = np.arange(len(rows))
    return {"lever": labels(lever, each), "name": labels(name, each), "value": np.array(value)}
