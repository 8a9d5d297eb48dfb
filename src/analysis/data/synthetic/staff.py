"""Members of staff: who is hired when, who confirms sends and who does not, who leaves."""

import math
from dataclasses import dataclass

import numpy as np

from analysis.data.synthetic.brands import Brand
from analysis.data.synthetic.people import Codes
from analysis.data.synthetic.season import N_DAYS, Floats

__all__ = ["Staff", "draw_staff", "pick_staff"]

_CONTACTS_EACH = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """The brand's staff, in order of hiring.

    Attributes:
        hired: Day of hiring; negative before the history.
        left: Day of leaving; infinite for those who stay.
        compliance: Chance that a planned send is confirmed.
        slowness_hours: Median time until a send is confirmed.
        reply_minutes: Mean time to the first reply.
        hourly_cost: Yuan.
    """

    hired: Floats
    left: Floats
    compliance: Floats
    slowness_hours: Floats
    reply_minutes: Floats
    hourly_cost: Floats

    @property
    def n(self) -> int:
        """Number of members of staff."""
        return len(self.hired)


def draw_staff(brand: Brand, *, customers: int, rng: np.random.Generator) -> Staff:
    """Draw staff enough for the contacts that will come; the first never leaves."""
    contacts = customers * sum(cluster.share * cluster.contact for cluster in brand.clusters)
    n = max(6, math.ceil(contacts / _CONTACTS_EACH))
    early = max(3, n // 2)
    hired = np.sort(np.where(np.arange(n) < early, -200.0 * rng.random(n) - 10.0, (N_DAYS - 90.0) * rng.random(n)))
    left = np.where(rng.random(n) < 0.12, np.floor(hired.clip(0) + 120 + 500 * rng.random(n)) + 0.75, np.inf)
    left[0] = np.inf
    left[left >= N_DAYS - 5] = np.inf
    return Staff(
        hired=np.floor(hired) + 0.375,
        left=left,
        compliance=np.clip(rng.beta(6.0, 2.0, n), 0.15, 0.98),
        slowness_hours=np.exp(0.2 + 0.7 * rng.standard_normal(n)),
        reply_minutes=np.exp(2.3 + 0.5 * rng.standard_normal(n)),
        hourly_cost=np.rint(rng.uniform(28, 46, n)),
    )


def pick_staff(staff: Staff, at: Floats, *, rng: np.random.Generator) -> Codes:
    """Return for each time a member of staff employed then; persons of infinite time get the first."""
    known = np.isfinite(at)
    n_hired = np.searchsorted(staff.hired, np.where(known, at, staff.hired[0]), side="left").clip(1)
    chosen = np.zeros(len(at), dtype=np.int64)
    pending = np.flatnonzero(known)
    for _ in range(4):
        chosen[pending] = (rng.random(len(pending)) * n_hired[pending]).astype(np.int64)
        pending = pending[staff.left[chosen[pending]] <= at[pending] + 1.0]
    chosen[pending] = 0
    return chosen
