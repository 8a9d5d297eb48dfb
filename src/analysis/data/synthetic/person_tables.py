"""Tables with persons in them: customers, contacts, consents, memberships, referrals."""

from typing import Any, Final

import numpy as np

from analysis.data.synthetic.brands import CHANNELS, SOURCES, Brand
from analysis.data.synthetic.contacts import SOURCE_STATES, Contacts
from analysis.data.synthetic.groups import Members
from analysis.data.synthetic.identities import Identities
from analysis.data.synthetic.keys import labels, numbered, taken
from analysis.data.synthetic.orders import Orders
from analysis.data.synthetic.people import Codes, People
from analysis.data.synthetic.referrals import MECHANISMS, Referrals
from analysis.data.synthetic.season import N_DAYS, Floats
from analysis.data.synthetic.touches import History, SmsConsent

__all__ = [
    "SLOTS",
    "consent_columns",
    "contact_columns",
    "customer_columns",
    "draw_sms_consent",
    "member_columns",
    "referral_columns",
    "within_history",
]

SLOTS: Final = 4
"""Contact numbers kept for each person: own 0, second 1, inherited 2."""

_LEVELS: Final = ("none", "silver", "gold", "black")


def within_history(at: Floats) -> Floats:
    """Return the times with those after the history (or never) as NaN."""
    return np.where(at < N_DAYS, at, np.nan)


def draw_sms_consent(people: People, *, rng: np.random.Generator) -> SmsConsent:
    """Draw who with a known phone was asked for text messages, and who agreed."""
    asked = people.has_phone & (rng.random(people.n) < 0.7)
    return SmsConsent(
        asked=np.where(asked, people.first_seen + 0.01, np.inf), granted=asked & (rng.random(people.n) < 0.78)
    )


def customer_columns(
    brand: Brand, people: People, *, identities: Identities, orders: Orders, rng: np.random.Generator
) -> dict[str, Any]:
    """Return one row a customer id; level and points are snapshots of the last day."""
    person = identities.person
    second = np.arange(len(person)) >= people.n
    booked = (orders.row >= 0) & orders.happened & np.isnan(orders.refunded_at)
    spent = np.bincount(orders.row[booked], weights=orders.baskets.amount[booked] / 100.0, minlength=len(person))
    typical = max(float(np.median(spent[spent > 0])), 1.0) if (spent > 0).any() else 1.0
    level = np.searchsorted(np.array([0.5, 2.0, 6.0]) * typical, spent, side="right")
    cost = np.array(brand.source_cost)[people.source] * np.exp(0.2 * rng.standard_normal(people.n))
    birth_year = people.birth_year[person]
    return {
        "customer_id": identities.customer_id,
        "first_seen_at": np.where(second, identities.second_from[person], people.first_seen[person]),
        "source": labels(SOURCES, people.source[person]),
        "acquisition_cost": np.where(second, 0.0, np.round(cost[person], 2)),
        "gender": labels(("female", "male"), np.where(people.gender[person] > 1, -1, people.gender[person])),
        "birth_year": np.where(birth_year > 0, birth_year.astype(np.float64), np.nan),
        "city_tier": labels(("tier_1", "tier_2", "tier_3", "tier_4"), people.city_tier[person] - 1),
        "member_level": labels(_LEVELS, level),
        "points": np.floor(spent * (0.3 + 0.7 * rng.random(len(person)))),
        "unionid": identities.unionid,
        "phone_hash": identities.phone_hash,
    }


def contact_columns(
    people: People, contacts: Contacts, *, history: History, identities: Identities, first_touch: int
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Codes]]:
    """Return ``contacts``, ``truth/contacts``, and who of staff gained and lost a contact on which day."""
    deleted = history.deleted
    added_at = np.concatenate((contacts.added, contacts.second_added, contacts.handover + 2.0))
    passed_on = contacts.handover < deleted
    mine = np.where(passed_on, contacts.handover, deleted)
    exists = np.concatenate(
        (
            np.isfinite(contacts.added),
            np.isfinite(contacts.second_added),
            passed_on & (contacts.handover + 2.0 < np.minimum(deleted, N_DAYS)) & (contacts.added < contacts.handover),
        )
    )
    second = np.minimum(contacts.second_deletes, contacts.second_handover)
    deleted_at = within_history(np.concatenate((mine, second, deleted)))
    second_dropped = contacts.second_handover < contacts.second_deletes
    by_staff = np.concatenate((passed_on, second_dropped, np.zeros(people.n, dtype=bool)))
    chosen = np.flatnonzero(exists)
    person = chosen % people.n
    slot = chosen // people.n
    gone = ~np.isnan(deleted_at[chosen])
    staff = np.concatenate((contacts.staff, contacts.second_staff, contacts.heir))[chosen]
    state = np.where(
        slot == 2, len(SOURCE_STATES), np.where(slot == 1, SOURCE_STATES.index("friend_card"), contacts.state[person])
    )
    contact_id = numbered("k", people.number[person] * SLOTS + slot)
    touch = np.where(gone & (slot != 1) & ~by_staff[chosen], history.deleted_by_touch[person], -1)
    because = np.where(by_staff[chosen], 2, np.where(touch >= 0, 0, 1))
    rows = {
        "contact_id": contact_id,
        "customer_id": taken(identities.customer_id, person),
        "staff_id": numbered("s", staff),
        "added_at": added_at[chosen],
        "deleted_at": deleted_at[chosen],
        "deleted_by": labels(("customer", "staff"), np.where(gone, by_staff[chosen].astype(np.int64), -1)),
        "source_state": labels((*SOURCE_STATES, "inherited"), state),
        "account_id": numbered("w", staff),
    }
    truth = {
        "contact_id": contact_id,
        "is_forced": contacts.forced[person] & (slot == 0),
        "deleted_because": labels(("touch", "own_wish", "staff_left"), np.where(gone, because, -1)),
        "touch_id": taken(
            numbered("t", first_touch + np.maximum(touch, 0)), np.where(touch >= 0, np.arange(len(touch)), -1)
        ),
    }
    lost = gone & ~by_staff[chosen]
    moves = {
        "gained": staff * N_DAYS + added_at[chosen].astype(np.int64),
        "lost": staff[lost] * N_DAYS + deleted_at[chosen][lost].astype(np.int64),
    }
    return rows, truth, moves


def consent_columns(
    people: People, contacts: Contacts, *, history: History, identities: Identities, sms: SmsConsent
) -> dict[str, Any]:
    """Return every change of consent: asked when added or registered, refused when fed up."""
    private, mini, text = (CHANNELS.index(name) for name in ("private_chat", "mini_program", "sms"))
    everyone = np.arange(people.n)
    parts: list[tuple[Codes, int, Codes, Floats]] = []
    for channel, asked, granted in (
        (private, contacts.added, np.isfinite(contacts.added)),
        (mini, people.first_seen + 0.005, people.subscribes),
        (text, sms.asked, sms.granted),
    ):
        # a channel nobody agreed to and nobody was asked about has no row
        known = (asked < N_DAYS) & (granted if channel == mini else np.isfinite(asked))
        parts.append((everyone[known], channel, granted[known].astype(np.int64), asked[known]))
    for channel, refused in enumerate(history.refused):
        done = refused < N_DAYS
        parts.append((everyone[done], channel, np.zeros(int(done.sum()), dtype=np.int64), refused[done]))
    person = np.concatenate([who for who, _, _, _ in parts])
    channel_code = np.concatenate([np.full(len(who), channel) for who, channel, _, _ in parts])
    return {
        "customer_id": taken(identities.customer_id, person),
        "channel": labels(CHANNELS, channel_code),
        "status": labels(("refused", "granted"), np.concatenate([granted for _, _, granted, _ in parts])),
        "changed_at": np.concatenate([at for _, _, _, at in parts]),
    }


def member_columns(members: Members, *, left: Floats, identities: Identities) -> dict[str, Any]:
    """Return one row a membership."""
    return {
        "group_id": numbered("g", members.group),
        "customer_id": taken(identities.customer_id, members.person),
        "joined_at": members.joined,
        "left_at": within_history(left),
    }


def referral_columns(brand: Brand, referrals: Referrals, *, identities: Identities) -> dict[str, Any]:
    """Return one row an invitation; only some mechanisms pay a reward."""
    pays = np.array([1.0, 2.0, 0.5, 0.0])[referrals.mechanism]
    return {
        "referrer_id": taken(identities.customer_id, referrals.referrer),
        "referee_id": taken(identities.customer_id, referrals.referee),
        "referred_at": np.maximum(referrals.at, 0.01),
        "mechanism": labels(MECHANISMS, referrals.mechanism),
        "reward_cost": pays * brand.referral_reward,
    }
