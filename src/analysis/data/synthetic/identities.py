"""Keys of persons: five in a hundred are known twice, under two customer ids."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from analysis.data.synthetic.keys import hashes, pseudonyms, taken
from analysis.data.synthetic.people import Codes, Flags, People
from analysis.data.synthetic.season import N_DAYS, Floats

__all__ = ["DUPLICATE_SHARE", "LINKS", "Identities", "draw_identities", "persons_for", "twice_known"]

DUPLICATE_SHARE: Final = 0.05
"""Second ids as a share of persons."""

LINKS: Final = ("unionid", "phone", "both", "none")
"""What a second id shares with the first; ``none`` cannot be found by anybody."""

_LINK_WEIGHTS: Final = (0.45, 0.27, 0.26, 0.02)
_SHARED_PHONES: Final = 0.003


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Customer ids of a chunk: one row a person, then one row for each second id.

    Attributes:
        customer_id: Of each row.
        person: Position of the person of each row.
        second_row: Row of each person's second id; -1: none.
        second_from: Day from which the second id is used.
        link: Code in ``LINKS`` of each row; -1 for persons known once.
        unionid: Of each row, null where unknown.
        phone_hash: Of each row, null where unknown.
    """

    customer_id: pa.Array
    person: Codes
    second_row: Codes
    second_from: Floats
    link: Codes
    unionid: pa.Array
    phone_hash: pa.Array


def persons_for(customers: int) -> int:
    """Return how many persons stand behind that many customer ids.

    Examples:
        >>> persons_for(2_100)
        2000
    """
    return round(customers / (1.0 + DUPLICATE_SHARE))


def twice_known(persons: int, *, customers: int) -> int:
    """Return how many of the first ``persons`` persons are known twice: spread evenly over chunks."""
    return (customers - persons_for(customers)) * persons // persons_for(customers)


def draw_identities(
    people: People, *, first_row: int, n_second: int, salt: int, rng: np.random.Generator
) -> Identities:
    """Give every person an id and ``n_second`` of them a second one from some later day on."""
    n = people.n
    doubled = np.sort(rng.permutation(n)[:n_second])
    second_row = np.full(n, -1)
    second_row[doubled] = n + np.arange(n_second)
    second_from = np.full(n, np.inf)
    second_from[doubled] = (
        people.first_seen[doubled] + 1 + rng.random(n_second) * 0.7 * (N_DAYS - people.first_seen[doubled] - 1).clip(0)
    )
    second_from[doubled] = np.minimum(second_from[doubled], N_DAYS - 0.05)
    person = np.concatenate((np.arange(n), doubled))
    link = np.full(n + n_second, -1)
    kind = rng.choice(len(LINKS), n_second, p=_LINK_WEIGHTS)
    link[doubled], link[n:] = kind, kind
    knows_union, knows_phone, phone_of = _what_is_known(people, person, link, rng)
    return Identities(
        customer_id=pseudonyms("c", first_row + np.arange(n + n_second), salt=salt),
        person=person,
        second_row=second_row,
        second_from=second_from,
        link=link,
        unionid=taken(pseudonyms("u", people.number, salt=salt * 7 + 11), np.where(knows_union, person, -1)),
        phone_hash=taken(hashes(people.number, salt=salt), np.where(knows_phone, phone_of[person], -1)),
    )


def _what_is_known(people: People, person: Codes, link: Codes, rng: np.random.Generator) -> tuple[Flags, Flags, Codes]:
    """Return per row whether unionid and phone are known, and per person whose phone it is."""
    n = people.n
    knows_union = rng.random(len(person)) < 0.8
    knows_phone = people.has_phone[person]
    second = np.arange(len(person)) >= n
    for rows in (slice(0, n), slice(n, None)):
        mine = link[rows]
        knows_union[rows] |= (mine == 0) | (mine == 2)
        knows_phone[rows] |= (mine == 1) | (mine == 2)
    knows_phone &= ~(second & ((link == 0) | (link == 3)))
    knows_union &= ~(second & ((link == 1) | (link == 3)))
    phone_of = np.arange(n)  # a few relatives share a phone: both unionids are known and differ
    single = link[:n] < 0
    shares = np.flatnonzero(single[1:] & single[:-1] & (rng.random(n - 1) < _SHARED_PHONES)) + 1
    phone_of[shares] = shares - 1
    for relative in (shares, shares - 1):
        knows_union[relative] = True
        knows_phone[relative] = True
    return knows_union, knows_phone, phone_of
