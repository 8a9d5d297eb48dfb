"""The touches of a chunk: week by week, campaign by campaign, everyone at once.

Order matters: a campaign sees the purchases before it, a deletion ends later sends, a pause removes
purchases after it. So the loop runs over campaigns (about 230) and never over persons.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analysis.data.synthetic import campaigns as planned
from analysis.data.synthetic import reactions
from analysis.data.synthetic.brands import CHANNELS, Brand
from analysis.data.synthetic.campaigns import Campaigns
from analysis.data.synthetic.contacts import Contacts
from analysis.data.synthetic.groups import Groups, Members
from analysis.data.synthetic.people import Codes, Flags, People
from analysis.data.synthetic.purchases import PROCEDURE, Purchases, at_own_hour
from analysis.data.synthetic.season import N_DAYS, Floats
from analysis.data.synthetic.staff import Staff

__all__ = ["BORROWED", "HELD_OUT", "KEPT", "PAUSED", "History", "SmsConsent", "tell_history"]

KEPT, PAUSED, BORROWED = range(3)
"""What became of a purchase that would have happened without touches."""

HELD_OUT: Final = -1
"""Arm code of a held-out customer."""

_PRIVATE, _GROUP, _MOMENTS, _OFFICIAL, _MINI, _SMS, _CALL = range(len(CHANNELS))
_THROUGH_STAFF: Final = (_PRIVATE, _MOMENTS, _CALL)
_LIST_LAG_DAYS: Final = 10.0
_HANDOVER_DAYS: Final = 2.0
_BORROWED_SHARE: Final = 0.3
_REPORTS_READING: Final = (_PRIVATE, _GROUP, _OFFICIAL, _MINI)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsConsent:
    """Consent to text messages: when it was asked (infinite: never) and whether it was granted."""

    asked: Floats
    granted: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the touches of a chunk were and did.

    Attributes:
        touch: Columns of the touches, one entry a touch; times in days, NaN: did not happen.
        induced: Orders that touches brought: person, at, touch (position), redeemed.
        fate: For each own purchase ``KEPT``, ``PAUSED`` or ``BORROWED``.
        fate_touch: The touch that removed it; -1 if kept.
        coupon: For each own purchase the campaign whose offer it used; -1 if none.
        assigned: Columns of experiment assignments: person, campaign, arm, at, group.
        deleted: Day each person's contact was deleted; infinite: never.
        deleted_by_touch: The touch after which it was; -1 if none.
        refused: Day of refusal by channel, shape (channels, persons); infinite: never.
        left_group: Day of leaving the group, per membership.
        trust: Trust at the end.
    """

    touch: dict[str, npt.NDArray[Any]]
    induced: dict[str, npt.NDArray[Any]]
    fate: npt.NDArray[np.int8]
    fate_touch: Codes
    coupon: Codes
    assigned: dict[str, npt.NDArray[Any]]
    deleted: Floats
    deleted_by_touch: Codes
    refused: Floats
    left_group: Floats
    trust: Floats


@dataclass(slots=True, kw_only=True)
class _State:
    """Where everybody stands while the weeks go by."""

    n_orders: Codes
    last_order: Floats
    deleted: Floats
    deleted_by_touch: Codes
    refused: Floats
    by_week: npt.NDArray[np.int16]
    recent: npt.NDArray[np.int16]
    mass_days: Codes
    busy_until: Floats
    trust: Floats
    pause_from: Floats
    pause_until: Floats
    pause_touch: Codes
    owed_from: Floats
    owed_until: Floats
    owed_touch: Codes
    offer_from: Floats
    offer_until: Floats
    offer_campaign: Codes
    left_group: Floats
    fate: npt.NDArray[np.int8]
    fate_touch: Codes
    coupon: Codes
    next_purchase: int = 0
    n_touches: int = 0
    blocks: list[dict[str, npt.NDArray[Any]]] = field(default_factory=list)
    induced: list[dict[str, npt.NDArray[Any]]] = field(default_factory=list)
    assigned: list[dict[str, npt.NDArray[Any]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What does not change while the weeks go by."""

    brand: Brand
    people: People
    contacts: Contacts
    staff: Staff
    groups: Groups
    members: Members
    sms: SmsConsent
    campaigns: Campaigns
    own: Purchases
    rng: np.random.Generator


def tell_history(
    brand: Brand,
    *,
    people: People,
    contacts: Contacts,
    staff: Staff,
    groups: Groups,
    members: Members,
    sms: SmsConsent,
    campaigns: Campaigns,
    own: Purchases,
    rng: np.random.Generator,
) -> History:
    """Send every campaign and let everyone react."""
    world = _World(
        brand=brand, people=people, contacts=contacts, staff=staff, groups=groups, members=members, sms=sms,
        campaigns=campaigns, own=own, rng=rng,
    )  # fmt: skip
    state = _fresh(people.n, contacts, members, n_purchases=len(own.at))
    week = -1
    for number, start in enumerate(campaigns.start):
        for passed in range(week + 1, int(start // 7) + 1):
            week = passed
            state.recent -= state.by_week[week % 4]
            state.by_week[week % 4] = 0
        _live_until(world, state, day=np.floor(start))
        _send(world, state, number)
    _live_until(world, state, day=float(N_DAYS) + 1.0)
    return History(
        touch=_joined(state.blocks),
        induced=_joined(state.induced),
        fate=state.fate,
        fate_touch=state.fate_touch,
        coupon=state.coupon,
        assigned=_joined(state.assigned),
        deleted=state.deleted,
        deleted_by_touch=state.deleted_by_touch,
        refused=state.refused,
        left_group=state.left_group,
        trust=state.trust,
    )


def _fresh(n: int, contacts: Contacts, members: Members, *, n_purchases: int) -> _State:
    never = np.full(n, np.inf)
    return _State(
        n_orders=np.zeros(n, dtype=np.int64),
        last_order=np.full(n, -np.inf),
        deleted=contacts.deletes.copy(),
        deleted_by_touch=np.full(n, -1),
        refused=np.full((len(CHANNELS), n), np.inf),
        by_week=np.zeros((4, n), dtype=np.int16),
        recent=np.zeros(n, dtype=np.int16),
        mass_days=np.full((3, n), -1),
        busy_until=-never,
        trust=np.ones(n),
        pause_from=never.copy(),
        pause_until=-never,
        pause_touch=np.full(n, -1),
        owed_from=never.copy(),
        owed_until=-never,
        owed_touch=np.full(n, -1),
        offer_from=never.copy(),
        offer_until=-never,
        offer_campaign=np.full(n, -1),
        left_group=members.left.copy(),
        fate=np.zeros(n_purchases, dtype=np.int8),
        fate_touch=np.full(n_purchases, -1),
        coupon=np.full(n_purchases, -1),
    )


def _joined(blocks: list[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _live_until(world: _World, state: _State, *, day: float) -> None:
    """Let the own purchases up to ``day`` happen, unless a touch has taken them away."""
    end = int(np.searchsorted(world.own.at, day))
    now = slice(state.next_purchase, end)
    state.next_purchase = end
    person, at = world.own.person[now], world.own.at[now]
    movable = world.own.stage[now] != PROCEDURE  # no message puts off an operation
    paused = movable & (at >= state.pause_from[person]) & (at < state.pause_until[person])
    state.fate[now][paused] = PAUSED
    state.fate_touch[now][paused] = state.pause_touch[person[paused]]
    owing = np.flatnonzero(movable & ~paused & (at > state.owed_from[person]) & (at < state.owed_until[person]))
    payers, first = np.unique(person[owing], return_index=True)  # the first such purchase pays
    paid = owing[first]
    state.fate[now][paid] = BORROWED
    state.fate_touch[now][paid] = state.owed_touch[payers]
    state.owed_until[payers] = -np.inf
    kept = state.fate[now] == KEPT
    redeems = kept & (at > state.offer_from[person]) & (at < state.offer_until[person])
    redeems[redeems] = world.rng.random(int(redeems.sum())) < 0.35 * world.people.price_sensitivity[person[redeems]]
    state.coupon[now][redeems] = state.offer_campaign[person[redeems]]
    state.offer_until[person[redeems]] = -np.inf
    np.add.at(state.n_orders, person[kept], 1)
    state.last_order[person[kept]] = at[kept]  # in order of time: the last one stays


def _send(world: _World, state: _State, number: int) -> None:
    """Plan one campaign, send it, and let those who got it react."""
    who, group = _reachable(world, state, number)
    who, group, arm, assigned = _chosen(world, state, number, who=who, group=group)
    if not len(who):
        return
    first = state.n_touches
    state.n_touches += len(who)
    block = _delivery(world, state, number, who=who, assigned=assigned)
    block |= {"person": who, "group": group, "arm": arm, "campaign": np.full(len(who), number)}
    got = np.flatnonzero(block["status"] == 1)
    _react(world, state, number, block=block, got=got, first=first)
    state.blocks.append(block)


def _reachable(world: _World, state: _State, number: int) -> tuple[Codes, Codes]:
    """Return who can be planned for: known, consenting, not refused; and their group on the group channel."""
    people, contacts, campaigns = world.people, world.contacts, world.campaigns
    channel, at = int(campaigns.channel[number]), float(campaigns.start[number])
    allowed = state.refused[channel] > at
    if channel == _GROUP:
        members = world.members
        inside = (members.joined < at) & (state.left_group > at) & allowed[members.person]
        return members.person[inside], members.group[inside]
    if channel in _THROUGH_STAFF:
        handed_over = (at < contacts.handover) | (
            (at > contacts.handover + _HANDOVER_DAYS) & (state.deleted > contacts.handover)
        )
        reachable = (contacts.added < at) & (state.deleted + _LIST_LAG_DAYS > at) & handed_over
        if channel == _CALL:
            reachable &= people.has_phone
    elif channel == _SMS:
        reachable = world.sms.granted & (world.sms.asked < at)
    else:
        reachable = (people.follows if channel == _OFFICIAL else people.subscribes) & (people.first_seen < at)
    who = np.flatnonzero(reachable & allowed)
    return who, np.full(len(who), -1)


def _chosen(
    world: _World, state: _State, number: int, *, who: Codes, group: Codes
) -> tuple[Codes, Codes, Codes, Floats]:
    """Return whom the campaign takes, in which arm, and when the touch is planned."""
    campaigns, rng = world.campaigns, world.rng
    kind, start = int(campaigns.kind[number]), float(campaigns.start[number])
    share = np.full(len(who), float(campaigns.audience[number]))
    since = start - state.last_order[who]
    if kind == planned.TARGET_GOOD:
        share = np.where((since < 45) & (state.n_orders[who] >= 2), 0.55, 0.02)
    elif kind == planned.TARGET_LAPSING:
        share = np.where((since > 60) & (since < 200), 0.5, 0.02)
    assigned = start + 0.03 * rng.random(len(who))
    taken = (rng.random(len(who)) < share) & (assigned < state.refused[campaigns.channel[number]][who])
    who, group, assigned = who[taken], group[taken], assigned[taken]
    arm = np.zeros(len(who), dtype=np.int64)
    if kind in (planned.EXPERIMENT, planned.FACTORIAL, planned.CAMP):
        if kind == planned.CAMP:
            arm = np.where(world.groups.camp[group], 0, HELD_OUT)
        else:
            arm = np.where(rng.random(len(who)) < campaigns.holdout[number], HELD_OUT, 0)
        if kind == planned.FACTORIAL:
            arm = np.where(arm == HELD_OUT, HELD_OUT, rng.integers(0, len(planned.FACTORIAL_ARMS), len(who)))
        columns = {
            "person": who,
            "campaign": np.full(len(who), number),
            "arm": arm,
            "at": np.full(len(who), start),
            "group": group,
        }
        state.assigned.append(columns)
    sent = arm != HELD_OUT
    return who[sent], group[sent], arm[sent], assigned[sent]


def _delivery(
    world: _World, state: _State, number: int, *, who: Codes, assigned: Floats
) -> dict[str, npt.NDArray[Any]]:
    """Return who sends, whether it was confirmed and what became of it (send status 0-3)."""
    contacts, staff, rng = world.contacts, world.staff, world.rng
    channel, n = int(world.campaigns.channel[number]), len(who)
    confirmed = np.full(n, np.nan)
    status = np.ones(n, dtype=np.int64)
    sender, inherited = np.full(n, -1), np.zeros(n, dtype=bool)
    delivered = assigned + 0.002 * rng.random(n)
    if channel in _THROUGH_STAFF:
        inherited = assigned > contacts.handover[who]
        sender = np.where(inherited, contacts.heir[who], contacts.staff[who])
        confirmed = assigned + reactions.confirm_delays(staff.compliance[sender], staff.slowness_hours[sender], rng)
        confirmed[confirmed >= np.minimum(staff.left[sender], N_DAYS)] = np.nan
        delivered = confirmed + 0.001
        gone = state.deleted[who] <= delivered
        busy = np.zeros(n, dtype=bool)
        if channel == _PRIVATE:
            day = np.floor(np.nan_to_num(delivered, nan=-1.0)).astype(np.int64)
            busy = (state.mass_days[:, who] == day).any(axis=0) | (rng.random(n) < 0.012)
            counted = ~np.isnan(delivered) & ~gone & ~busy
            state.mass_days[1:, who[counted]] = state.mass_days[:-1, who[counted]]
            state.mass_days[0, who[counted]] = day[counted]
        status = np.where(np.isnan(confirmed), 0, np.where(gone, 2, np.where(busy, 3, 1)))
        delivered = np.where(status == 1, delivered, np.nan)
    return {
        "assigned": assigned,
        "staff": sender,
        "inherited": inherited,
        "confirmed": confirmed,
        "delivered": delivered,
        "status": status,
    }


def _react(
    world: _World, state: _State, number: int, *, block: dict[str, npt.NDArray[Any]], got: Codes, first: int
) -> None:
    """Let those who got the touch read, click, reply, buy, pause, refuse and delete."""
    people, campaigns, rng = world.people, world.campaigns, world.rng
    channel = int(campaigns.channel[number])
    n, who, delivered = len(block["person"]), block["person"][got], block["delivered"][got]
    recent = state.recent[who]
    chance = reactions.chance_to_read(
        people, who, campaigns=campaigns, number=number, delivered=delivered, recent=recent
    )
    if channel == _GROUP:
        groups, group = world.groups, block["group"][got]
        chance = chance * np.where(delivered >= groups.quiet_from[group], groups.quiet_factor[group], 1.0)
    lag = np.minimum(np.exp(-3.2 + 1.2 * rng.standard_normal(len(got))), 3.0)
    reads = rng.random(len(got), dtype=np.float32) < chance
    if channel in _THROUGH_STAFF:
        reads &= delivered + lag + 0.01 < state.deleted[who]
        state.busy_until[who] = np.maximum(state.busy_until[who], delivered + np.where(reads, lag, 0.0) + 0.01)
    seen = np.where(reads, delivered + lag, np.nan)
    clicks = reads & (rng.random(len(got), dtype=np.float32) < 0.08 + 1.5 * people.uplift[who])
    replies = reads & (rng.random(len(got), dtype=np.float32) < (0.06 if channel in (_PRIVATE, _CALL) else 0.0))
    after = seen + 0.003 * rng.random(len(got))
    logged = reads if channel in _REPORTS_READING else clicks if channel == _MOMENTS else np.zeros_like(reads)
    for name, flag, at in (("read", logged, seen), ("clicked", clicks, after), ("replied", replies, after + 0.004)):
        column = np.full(n, np.nan)
        column[got] = np.where(flag, at, np.nan)
        block[name] = column
    state.by_week[int(campaigns.start[number] // 7) % 4, who] += 1
    state.recent[who] += 1
    touch = first + got
    _delete(world, state, number, who=who, touch=touch, at=delivered + 0.02 + lag, recent=recent)
    _buy_or_pause(
        world, state, number, who=who[reads], touch=touch[reads], seen=seen[reads], arm=block["arm"][got][reads]
    )


def _buy_or_pause(
    world: _World, state: _State, number: int, *, who: Codes, touch: Codes, seen: Floats, arm: Codes
) -> None:
    """Let readers buy what they would not have bought, borrow from later, stop for a while; move trust."""
    people, campaigns, rng = world.people, world.campaigns, world.rng
    recent = state.recent[who]
    chance = reactions.chance_to_buy(
        people, who, campaigns=campaigns, number=number, seen=seen, trust=state.trust[who], recent=recent
    )
    if campaigns.kind[number] == planned.FACTORIAL:
        chance = chance * np.array([effect for _, effect in planned.FACTORIAL_ARMS])[arm]
    buys = np.flatnonzero(rng.random(len(who)) < chance)
    at = at_own_hour(seen[buys] + reactions.order_delays(len(buys), rng), people.peak_hour[who[buys]], rng=rng)
    at = np.where(at <= seen[buys], seen[buys] + 0.01, at)
    offered = int(campaigns.offer[number]) > 0
    state.induced.append(
        {
            "person": who[buys],
            "at": at,
            "touch": touch[buys],
            "redeemed": rng.random(len(buys)) < (0.18 if offered else 0.0),
        }
    )
    state.n_orders[who[buys]] += 1
    state.last_order[who[buys]] = np.maximum(state.last_order[who[buys]], at)
    owes = buys[rng.random(len(buys)) < _BORROWED_SHARE]
    state.owed_from[who[owes]] = seen[owes]
    state.owed_until[who[owes]] = seen[owes] + 60.0
    state.owed_touch[who[owes]] = touch[owes]
    if offered:
        state.offer_from[who] = seen
        state.offer_until[who] = seen + float(campaigns.window[number])
        state.offer_campaign[who] = number
    stops = rng.random(len(who)) < reactions.chance_to_pause(
        people, who, effect=float(campaigns.effect[number]), recent=recent
    )
    _pause(state, who=who[stops], touch=touch[stops], seen=seen[stops], rng=rng)
    useful = campaigns.lever[number] == 0
    state.trust[who] = np.clip(state.trust[who] + (0.02 if useful else -0.015), 0.5, 1.5)


def _pause(state: _State, *, who: Codes, touch: Codes, seen: Floats, rng: np.random.Generator) -> None:
    """Start or prolong pauses; a prolonged pause stays with the touch that began it."""
    until = seen + reactions.pause_lengths(len(who), rng)
    running = state.pause_until[who] > seen
    state.pause_from[who] = np.where(running, state.pause_from[who], seen)
    state.pause_touch[who] = np.where(running, state.pause_touch[who], touch)
    state.pause_until[who] = np.maximum(np.where(running, state.pause_until[who], -np.inf), until)


def _delete(
    world: _World, state: _State, number: int, *, who: Codes, touch: Codes, at: Floats, recent: npt.NDArray[np.int16]
) -> None:
    """Let the annoyed delete the contact, leave the group, or refuse the channel."""
    channel, rng = int(world.campaigns.channel[number]), world.rng
    at = np.maximum(at, state.busy_until[who])  # nobody deletes before what already reached them
    chance = reactions.chance_to_delete(
        world.people, who, forced=world.contacts.forced[who], trust=state.trust[who], recent=recent
    )
    luck = rng.random(len(who))
    if channel in _THROUGH_STAFF:
        leaves = (luck < chance) & (at < state.deleted[who]) & (at < world.contacts.handover[who])
        leaves |= (luck < chance) & (at < state.deleted[who]) & (at > world.contacts.handover[who] + _HANDOVER_DAYS)
        state.deleted[who[leaves]] = at[leaves]
        state.deleted_by_touch[who[leaves]] = touch[leaves]
    refuses = (luck > 1.0 - 0.35 * chance) & (at < state.refused[channel][who])
    state.refused[channel][who[refuses]] = at[refuses]
    if channel == _GROUP:
        gone = np.zeros(world.people.n, dtype=bool)
        gone[who[refuses]] = True
        out = gone[world.members.person]
        state.left_group[out] = np.minimum(state.left_group[out], state.refused[_GROUP][world.members.person[out]])
