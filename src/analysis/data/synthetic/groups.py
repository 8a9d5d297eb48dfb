"""Customer groups: lively when young, quieter after a change point that differs from group to group."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.data.synthetic.brands import Brand
from analysis.data.synthetic.contacts import Contacts
from analysis.data.synthetic.people import Codes, People
from analysis.data.synthetic.season import N_DAYS, Floats
from analysis.data.synthetic.staff import Staff, pick_staff

__all__ = ["THEMES", "Groups", "Members", "draw_groups", "draw_members"]

THEMES: Final = ("deals", "know_how", "city", "new_products", "vip")

_MEMBERS_EACH = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The brand's groups in order of creation.

    Attributes:
        created: Day of creation.
        owner: Member of staff.
        theme: Code in ``THEMES``.
        quiet_from: Day from which fewer members read: the planted change point.
        quiet_factor: What remains of the read rate then.
        camp: Whether the group is in the treated arm of the cluster experiment.
    """

    created: Floats
    owner: Codes
    theme: Codes
    quiet_from: Floats
    quiet_factor: Floats
    camp: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @property
    def n(self) -> int:
        """Number of groups."""
        return len(self.created)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Memberships of a chunk: at most one a person.

    Attributes:
        person: Position of the person in the chunk.
        group: Number of the group.
        joined: Day of joining.
        left: Day of leaving without any touch; infinite: stays.
    """

    person: Codes
    group: Codes
    joined: Floats
    left: Floats


def draw_groups(brand: Brand, staff: Staff, *, customers: int, rng: np.random.Generator) -> Groups:
    """Draw as many groups as the expected members fill."""
    contacts = customers * sum(cluster.share * cluster.contact for cluster in brand.clusters)
    n = max(4, round(contacts * brand.group_share / _MEMBERS_EACH))
    created = np.floor(np.sort((N_DAYS - 150.0) * rng.random(n) ** 1.4)) + 0.625
    created[:2] = 0.625
    quiet_from = np.floor(created + 70 + 250 * rng.random(n))
    return Groups(
        created=created,
        owner=pick_staff(staff, created, rng=rng),
        theme=rng.integers(0, len(THEMES), n),
        quiet_from=np.where(rng.random(n) < 0.75, quiet_from, np.inf),
        quiet_factor=0.18 + 0.25 * rng.random(n),
        camp=rng.permutation(n) % 2 == 0,
    )


def draw_members(
    brand: Brand, people: People, contacts: Contacts, *, groups: Groups, rng: np.random.Generator
) -> Members:
    """Draw memberships: some time after the contact, in one of the newest groups of that day."""
    joins = contacts.added + 0.05 + rng.exponential(9.0, people.n)
    person = np.flatnonzero((rng.random(people.n) < brand.group_share) & (joins < np.minimum(N_DAYS, contacts.deletes)))
    joined = joins[person]
    n_created = np.searchsorted(groups.created, joined, side="left").clip(1)
    group = (n_created * (1.0 - 0.55 * rng.random(len(person)))).astype(np.int64).clip(0, n_created - 1)
    joined = np.maximum(joined, groups.created[group] + 0.01)
    stays = np.exp(6.2 + 1.3 * rng.standard_normal(len(person)))
    return Members(person=person, group=group, joined=joined, left=np.minimum(joined + stays, contacts.deletes[person]))
