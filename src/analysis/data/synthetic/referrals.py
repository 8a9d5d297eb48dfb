"""Referrals: willing customers bring others, families share a need, rings feed only the count."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analysis.data.synthetic.brands import SOURCES, Brand
from analysis.data.synthetic.people import Codes, Flags, People
from analysis.data.synthetic.season import N_DAYS, Floats

__all__ = ["MECHANISMS", "Referrals", "link_referrals"]

MECHANISMS: Final = ("friend_card", "cash_reward", "group_buy", "family")

_RING_SIZE: Final = 6
_RING_SHARE: Final = 0.004
_CONTENT, _REFERRAL = SOURCES.index("content"), SOURCES.index("referral")
_CASH, _FAMILY = MECHANISMS.index("cash_reward"), MECHANISMS.index("family")


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrals:
    """Invitations of a chunk, and the rings in it.

    Attributes:
        referrer: Position of who invited.
        referee: Position of who came.
        at: Day of the invitation.
        mechanism: Code in ``MECHANISMS``.
        ring: Number of the ring of each *person* within the chunk; -1: none.
        referred_by: Position of each *person's* referrer; -1: none.
    """

    referrer: Codes
    referee: Codes
    at: Floats
    mechanism: Codes
    ring: Codes
    referred_by: Codes


def link_referrals(brand: Brand, people: People, *, rng: np.random.Generator) -> tuple[People, Referrals]:
    """Give referred persons a referrer, plant rings, and let referred customers stay longer.

    A referred customer's life is 1.35 times as long, but the surplus ends when the referrer leaves.
    """
    people, ring = _plant_rings(people, rng)
    people, referred_by = _find_referrers(people, ring, rng)
    referee = np.flatnonzero(referred_by >= 0)
    referrer = referred_by[referee]
    mechanism = rng.choice(
        len(MECHANISMS), len(referee), p=[0.4, 0.24, 0.2, 0.16] if not brand.staged else [0.3, 0.2, 0.0, 0.5]
    )
    if brand.staged:
        people = _family_need(people, referee[mechanism == _FAMILY], rng)
    life = people.leaves[referee] - people.first_seen[referee]
    longer = np.minimum(
        people.leaves[referee] + 0.35 * life, np.maximum(people.leaves[referee], people.leaves[referrer])
    )
    leaves = people.leaves.copy()
    leaves[referee] = longer
    ring_referrer, ring_referee, ring_at = _ring_edges(people, ring)
    return replace(people, leaves=leaves), Referrals(
        referrer=np.concatenate((referrer, ring_referrer)),
        referee=np.concatenate((referee, ring_referee)),
        at=np.concatenate((people.first_seen[referee] - 0.02 - 0.5 * rng.random(len(referee)), ring_at)),
        mechanism=np.concatenate((mechanism, np.full(len(ring_referee), _CASH))),
        ring=ring,
        referred_by=referred_by,
    )


def _plant_rings(people: People, rng: np.random.Generator) -> tuple[People, Codes]:
    """Turn a few persons into rings: they come within days, buy one small thing and never again."""
    n_rings = min(max(2, round(people.n * _RING_SHARE / _RING_SIZE)), people.n // (4 * _RING_SIZE))
    members = rng.permutation(people.n)[: n_rings * _RING_SIZE]
    ring = np.full(people.n, -1)
    ring[members] = np.repeat(np.arange(n_rings), _RING_SIZE)
    start = np.repeat(60.0 + (N_DAYS - 120.0) * rng.random(n_rings), _RING_SIZE)
    nth = np.tile(np.arange(_RING_SIZE), n_rings)
    seen = np.floor(start) + 0.4 + nth * (0.2 + 0.1 * rng.random(len(nth)))
    changed = {
        name: getattr(people, name).copy()
        for name in ("first_seen", "first_order", "leaves", "spend", "source", "dog", "uplift", "willing")
    }
    changed["first_seen"][members] = seen
    changed["first_order"][members] = seen + 0.05
    changed["leaves"][members] = seen + 0.06
    changed["spend"][members] = 0.5
    changed["source"][members] = np.where(nth == 0, changed["source"][members], _REFERRAL)
    changed["uplift"][members] = 0.0
    for name in ("dog", "willing"):
        changed[name][members] = False
    return replace(people, **changed), ring


def _find_referrers(people: People, ring: Codes, rng: np.random.Generator) -> tuple[People, Codes]:
    """Give each referred person a buyer of an earlier day, six in ten times one who likes to recommend."""
    wanted = np.flatnonzero((people.source == _REFERRAL) & (ring < 0))
    by_willing = rng.random(len(wanted)) < 0.6
    referred_by = np.full(people.n, -1)
    buyers: Flags = ~np.isnan(people.first_order) & (ring < 0)
    for pool, mine in ((buyers & people.willing, wanted[by_willing]), (buyers, wanted[~by_willing])):
        order = np.flatnonzero(pool)
        order = order[np.argsort(people.first_order[order], kind="stable")]
        n_earlier = np.searchsorted(people.first_order[order], people.first_seen[mine] - 5.0)
        pick = (rng.random(len(mine)) * n_earlier).astype(np.int64)
        found = n_earlier > 0
        referred_by[mine[found]] = order[pick[found]]
    alone = np.zeros(people.n, dtype=bool)
    alone[wanted[referred_by[wanted] < 0]] = True
    return replace(people, source=np.where(alone, _CONTENT, people.source)), referred_by


def _family_need(people: People, referee: Codes, rng: np.random.Generator) -> People:
    """Let relatives come for a consultation more often: the need runs in the family."""
    first_order, leaves = people.first_order.copy(), people.leaves.copy()
    comes = referee[np.isnan(first_order[referee]) & (rng.random(len(referee)) < 0.45)]
    day = people.first_seen[comes] + np.exp(2.0 + 0.8 * rng.standard_normal(len(comes)))
    comes, day = comes[day < N_DAYS], day[day < N_DAYS]
    first_order[comes] = day
    leaves[comes] = day + (leaves[comes] - people.first_seen[comes])
    return replace(people, first_order=first_order, leaves=leaves)


def _ring_edges(people: People, ring: Codes) -> tuple[Codes, Codes, Floats]:
    """Return who invites whom in rings: the first invites all, and each invites the next, in a circle."""
    inside = np.flatnonzero(ring >= 0)
    members = inside[np.lexsort((people.first_seen[inside], ring[inside]))].reshape(-1, _RING_SIZE)
    star = (np.repeat(members[:, 0], _RING_SIZE - 1), members[:, 1:].ravel())
    circle = (members[:, 1:].ravel(), np.roll(members, -1, axis=1)[:, 1:].ravel())
    referrer, referee = np.concatenate((star[0], circle[0])), np.concatenate((star[1], circle[1]))
    return referrer, referee, np.maximum(people.first_seen[referrer], people.first_seen[referee]) + 0.02
