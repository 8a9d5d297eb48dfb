"""Contacts: who adds whom through which code, who was forced to, and who deletes without being touched."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.data.synthetic.people import Codes, Flags, People
from analysis.data.synthetic.season import N_DAYS, Floats
from analysis.data.synthetic.staff import Staff, pick_staff

__all__ = ["FORCED_STATES", "SOURCE_STATES", "Contacts", "draw_contacts"]

SOURCE_STATES: Final = (
    "store_counter", "store_receipt", "package_card", "checkout_popup", "live_room", "article_footer",
    "poster_a", "poster_b", "event_booth", "refund_gate", "friend_card", "service_account",
)  # fmt: skip
FORCED_STATES: Final = ("checkout_popup", "refund_gate")
"""Codes behind which customers had to add a member of staff to go on: many delete at once."""

_STATE_WEIGHTS: Final = np.array([0.17, 0.10, 0.15, 0.05, 0.08, 0.08, 0.08, 0.06, 0.05, 0.03, 0.08, 0.07])


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """What each person's contact with staff is before any touch; infinite means never.

    Attributes:
        added: Day the person became a contact.
        staff: Member of staff who was added.
        state: Code in ``SOURCE_STATES``.
        forced: Added behind a forcing code.
        deletes: Day the person would delete the contact without any touch.
        handover: Day the member of staff leaves the company.
        heir: Who takes the contact over two days later.
        second_added: Day a second member of staff is added.
        second_staff: That member of staff.
        second_deletes: Day the person would delete that second contact.
        second_handover: Day the second member of staff leaves the company.
    """

    added: Floats
    staff: Codes
    state: Codes
    forced: Flags
    deletes: Floats
    handover: Floats
    heir: Codes
    second_added: Floats
    second_staff: Codes
    second_deletes: Floats
    second_handover: Floats


def draw_contacts(people: People, staff: Staff, *, rng: np.random.Generator) -> Contacts:
    """Draw one contact for each person who has one, and a second for every twelfth of them."""
    n = people.n
    delay = np.where(rng.random(n) < 0.7, 0.01 + 0.05 * rng.random(n), np.exp(2.0 + 1.2 * rng.standard_normal(n)))
    added = np.where(people.has_contact, people.first_seen + delay, np.inf)
    added[added >= N_DAYS] = np.inf
    state = np.searchsorted(np.cumsum(_STATE_WEIGHTS), rng.random(n) * 0.999_999, side="right").astype(np.int64)
    forced = np.isin(state, [SOURCE_STATES.index(name) for name in FORCED_STATES])
    who = pick_staff(staff, added, rng=rng)
    handover = np.where(np.isfinite(added), staff.left[who], np.inf)
    second_added = np.where(rng.random(n) < 0.08, added + 5 + 200 * rng.random(n), np.inf)
    second_added[second_added >= N_DAYS] = np.inf
    heir = pick_staff(staff, handover + 1.0, rng=rng)
    second_staff = pick_staff(staff, second_added, rng=rng)
    second_added[second_staff == who] = np.inf
    return Contacts(
        added=added,
        staff=who,
        state=state,
        forced=forced & np.isfinite(added),
        deletes=added + _untouched_survival(forced, rng),
        handover=handover,
        heir=np.where(np.isfinite(staff.left[heir]), 0, heir),  # nobody inherits and leaves too
        second_added=second_added,
        second_staff=second_staff,
        second_deletes=second_added + _untouched_survival(np.zeros(n, dtype=bool), rng),
        second_handover=np.where(np.isfinite(second_added), staff.left[second_staff], np.inf),
    )


def _untouched_survival(forced: Flags, rng: np.random.Generator) -> Floats:
    """Return days until deletion: 46 % of forced adds within days, of others 3 %; then log-logistic."""
    n = len(forced)
    at_once = rng.random(n) < np.where(forced, 0.46, 0.03)
    quick = 0.02 + rng.exponential(2.2, n)
    odds = rng.random(n)
    slow = 2_600.0 * (odds / (1.0 - odds)) ** (1 / 1.1)
    return np.where(at_once, quick, slow)
