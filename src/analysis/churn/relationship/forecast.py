"""The chance that the customer deletes an open contact within a horizon: from tenure alone, and from all that is known.

Both walk through the days ahead: on each the contact ends by one door, by the other, or stays. Touches of the days
ahead are not known; the full model therefore learnt from touches as they were known some days before (a landmark at a
random distance, van Houwelingen and Putter), and how far ahead a day lies is one of its terms.

References:
    van Houwelingen, Putter 2012, Dynamic Prediction in Clinical Survival Analysis, chapter 7.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.churn.relationship.hazards import FIRST_WEEK_DAYS, HazardModel, design, soon_touches
from analysis.churn.relationship.life_table import life_table
from analysis.churn.relationship.person_days import TENURE_STARTS, tenure_stretch
from analysis.features.contacts import DOORS

__all__ = ["TenureHazards", "at_least_one", "p_delete_by_model", "p_delete_by_tenure", "tenure_hazards"]

Floats = NDArray[np.float64]

_PRIOR_EVENTS: Final = 0.25
"""Events that each stretch of tenure is given with as many days as they take on average: none is without risk."""


class TenureHazards(NamedTuple):
    """The chance of a day to end a contact, by stretch of tenure.

    Attributes:
        customer: That the customer deletes, 0-1.
        staff: That staff does.
        n_events: Deletions by customers that were learnt from.
    """

    customer: Floats
    staff: Floats
    n_events: int


def tenure_hazards(contacts: pd.DataFrame) -> TenureHazards:
    """Return the hazards by stretch of tenure: events over days at risk, drawn a little towards their mean.

    Args:
        contacts: One row per contact: ``entry_days``, ``tenure_days``, ``door``.
    """
    table = life_table(contacts, doors=DOORS)
    stretch = tenure_stretch(np.arange(table.at_risk.shape[1]))

    def by_stretch(daily: Floats) -> Floats:
        return np.bincount(stretch, weights=daily, minlength=len(TENURE_STARTS)).astype(np.float64)

    days = by_stretch(table.at_risk[0])
    found = []
    for door in range(len(DOORS)):
        events = by_stretch(table.ends[door][0])
        mean = (events.sum() + _PRIOR_EVENTS / 2) / (days.sum() + 1.0)
        found.append((events + _PRIOR_EVENTS) / (days + _PRIOR_EVENTS / mean))
    return TenureHazards(found[0], found[1], int(table.ends[0].sum()))


def p_delete_by_tenure(tenure_days: "NDArray[np.integer]", *, hazards: TenureHazards, horizon_days: int) -> Floats:
    """Return the chance that the customer deletes within the horizon, by tenure alone.

    Args:
        tenure_days: Of each open contact today, days; the days ahead begin tomorrow.
        hazards: From ``tenure_hazards``.
        horizon_days: Days ahead.
    """
    tenures, place = np.unique(np.asarray(tenure_days, dtype=np.int64), return_inverse=True)
    still, gone = np.ones(len(tenures)), np.zeros(len(tenures))
    for stretch in _stretches_ahead(tenures, horizon_days):
        gone += still * hazards.customer[stretch]
        still *= 1.0 - hazards.customer[stretch] - hazards.staff[stretch]
    return gone[place]


def p_delete_by_model(
    contacts: pd.DataFrame, *, model: HazardModel, hazards: TenureHazards, horizon_days: int
) -> Floats:
    """Return the chance that the customer deletes within the horizon, by the full model.

    Args:
        contacts: One row per open contact as known today: ``tenure_days``, ``source_state``, ``staff_id`` and the
            touches received, as ``design`` needs them.
        model: Of the customer's door, with terms for a forecast.
        hazards: Whose staff door is used.
        horizon_days: Days ahead.
    """
    tenure = contacts["tenure_days"].to_numpy(dtype=np.int64)
    rest = contacts.assign(tenure_days=0, days_before=horizon_days + FIRST_WEEK_DAYS)
    fixed = [place for place, term in enumerate(model.terms) if term.startswith("touches_")]
    level = design(rest, terms=[model.terms[place] for place in fixed]) @ model.coefficient[fixed]
    level += (
        np.log(contacts["staff_id"].map(model.staff).fillna(1.0).to_numpy(dtype=np.float64)) if model.staff else 0.0
    )
    of = dict(zip(model.terms, model.coefficient.tolist(), strict=True))
    source = contacts["source_state"].astype("category")
    codes = source.cat.codes.to_numpy()
    early, later = (
        np.array([of.get(f"{kind}:{name}", 0.0) for name in source.cat.categories])[codes]
        for kind in ("source_first_week", "source_later")
    )
    soon = of.get("soon", 0.0) + of.get("soon_touches", 0.0) * soon_touches(rest.assign(days_before=0))
    by_tenure = _tenure_coefficients(model)
    still, gone = np.ones(len(tenure)), np.zeros(len(tenure))
    for ahead, stretch in enumerate(_stretches_ahead(tenure, horizon_days), start=1):
        odds = level + by_tenure[stretch] + np.where(tenure + ahead <= FIRST_WEEK_DAYS, early, later)
        odds = np.exp(odds + soon if ahead <= FIRST_WEEK_DAYS else odds)
        chance = odds / (1.0 + odds)
        gone += still * chance
        still *= np.maximum(1.0 - chance - hazards.staff[stretch], 0.0)
    return gone


def _stretches_ahead(tenure: "NDArray[np.int64]", horizon_days: int) -> "Iterator[NDArray[np.int64]]":
    known = tenure_stretch(np.arange(int(tenure.max(initial=0)) + horizon_days + 1))
    return (known[tenure + ahead] for ahead in range(1, horizon_days + 1))


def _tenure_coefficients(model: HazardModel) -> Floats:
    """Return the coefficient of each stretch of tenure; joined stretches share one."""
    found, last = [], 0.0
    known = dict(zip(model.terms, model.coefficient.tolist(), strict=True))
    for start in TENURE_STARTS:
        last = float(known.get(f"tenure:{start}", last))
        found.append(last)
    return np.array(found)


def at_least_one(contacts: pd.DataFrame, probability: Floats) -> pd.DataFrame:
    """Return each customer's chance that at least one of the open contacts is deleted, contacts taken as independent.

    Args:
        contacts: One row per open contact: ``customer_id``.
        probability: Of each, 0-1.

    Returns:
        One row per customer, sorted: ``customer_id``, ``p_delete`` (0-1), ``n_open_contacts``.

    Examples:
        >>> contacts = pd.DataFrame({"customer_id": ["a", "a", "b"]})
        >>> at_least_one(contacts, np.array([0.5, 0.5, 0.25]))["p_delete"].tolist()
        [0.75, 0.25]
    """
    stays = pd.DataFrame({"customer_id": contacts["customer_id"], "stays": 1.0 - probability})
    grouped = stays.groupby("customer_id", as_index=False).agg(
        p_delete=("stays", "prod"), n_open_contacts=("stays", "size")
    )
    return grouped.assign(p_delete=1.0 - grouped["p_delete"])
