"""How many new contacts stay a day, a week, a month; and which codes or members of staff lose them far too soon.

A forced add is a contact somebody made to get past a gate (a checkout, a refund): many delete at once. It cannot be
seen in one contact, only in a group of them that melts in its first days unlike all others.
"""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.churn.relationship.life_table import life_table, still_there
from analysis.errors import AnalysisError

__all__ = [
    "EARLY_DAYS",
    "FALSE_DISCOVERY_RATE",
    "FEWEST_CONTACTS",
    "RATIO_AT_LEAST",
    "SURVIVAL_DAYS",
    "benjamini_hochberg",
    "early_deletions",
    "survival_by_group",
]

Floats = NDArray[np.float64]

SURVIVAL_DAYS: Final = (1, 7, 30)
"""Days of tenure after which those still there are counted."""

EARLY_DAYS: Final = 7
"""Deletions up to this day of tenure tell forced adds from others."""

FALSE_DISCOVERY_RATE: Final = 0.10
"""Of the groups that are flagged, the share that may be flagged by luck."""

RATIO_AT_LEAST: Final = 1.5
"""A group is flagged if its early deletions are beyond doubt more than this many times those of the others: with a
million contacts any two groups differ, and a tenth more is nothing to act on."""

FEWEST_CONTACTS: Final = 20
"""Contacts a group must have before it is judged."""


def survival_by_group(
    contacts: pd.DataFrame,
    *,
    group: str,
    within: str | None = None,
    ratio: float = RATIO_AT_LEAST,
    confidence_level: float = 0.95,
) -> pd.DataFrame:
    """Return how many new contacts of each group are not deleted by the customer, and which groups lose far more.

    A contact that staff ended leaves the count without a verdict (Kaplan-Meier).

    Args:
        contacts: One row per contact: ``entry_days``, ``tenure_days``, ``door`` and the column of groups.
        group: That column.
        within: Column of strata: only contacts of one stratum are compared (staff within acquisition codes).
        ratio: See ``RATIO_AT_LEAST``.
        confidence_level: Of the intervals.

    Returns:
        One row per group, most contacts first: ``group``, ``n_new_contacts`` (looked at from day 0); ``d1``, ``d7``,
        ``d30`` (share still there after that day, 0-1; NaN where nobody was looked at so long) with ``_ci_lower`` and
        ``_ci_upper``; ``n_early``, ``n_early_expected`` (deletions up to day 7, and how many at the others' rate);
        ``p_value`` (one-sided, NaN below 20 contacts), ``q_value`` (Benjamini-Hochberg), ``flagged``.
    """
    fresh = contacts[(contacts["entry_days"] == 0) & contacts[group].notna()]
    curves = {
        name: {"n_new_contacts": len(members), **_survival(members, confidence_level=confidence_level)}
        for name, members in fresh.groupby(group, observed=True)
    }
    shares = [f"d{day}{end}" for day in SURVIVAL_DAYS for end in ("", "_ci_lower", "_ci_upper")]
    found = pd.DataFrame.from_dict(curves, orient="index", columns=["n_new_contacts", *shares])
    early = early_deletions(fresh, group=group, within=within).reindex(found.index)
    tested = found["n_new_contacts"] >= FEWEST_CONTACTS
    p = _excess_p_value(early["n_early"], share=early["share_due"], stake=early["n_early_all"], ratio=ratio)
    found = found.assign(n_early=early["n_early"], n_early_expected=early["n_early_expected"], p_value=p)
    found["p_value"] = found["p_value"].where(tested)
    found["q_value"] = benjamini_hochberg(found["p_value"])
    found["flagged"] = found["q_value"] <= FALSE_DISCOVERY_RATE
    found.insert(0, "group", found.index.astype("string"))
    return found.sort_values(["n_new_contacts", "group"], ascending=[False, True], ignore_index=True)


def _survival(members: pd.DataFrame, *, confidence_level: float) -> dict[str, float]:
    """Return the share of a group still there after 1, 7 and 30 days, with intervals."""
    curve = still_there(life_table(members, doors=("customer",)), confidence_level=confidence_level)
    found: dict[str, float] = {}
    for day in SURVIVAL_DAYS:
        known = day < len(curve.value) and curve.n_at_risk[day] > 0
        ends = (curve.value, curve.ci_lower, curve.ci_upper)
        values = [float(end[day]) if known else float("nan") for end in ends]
        found |= dict(zip((f"d{day}", f"d{day}_ci_lower", f"d{day}_ci_upper"), values, strict=True))
    return found


def early_deletions(contacts: pd.DataFrame, *, group: str, within: str | None = None) -> pd.DataFrame:
    """Return each group's deletions by the customer up to day 7 of tenure beside those due at the others' rate.

    Groups are compared on the same day of tenure and in the same stratum; a group alone in its stratum is compared with
    nobody, and its deletions there do not count.

    Args:
        contacts: One row per contact: ``tenure_days``, ``door`` and the column of groups, looked at from day 0.
        group: That column.
        within: Column of strata.

    Returns:
        Indexed by group: ``n_early`` (deletions), ``n_early_expected`` (due at the rate of the others), ``n_early_all``
        (deletions of all groups that it could have had) and ``share_due`` (of those, the share due to it, 0-1, if it
        lost contacts as fast as all).
    """
    codes, names = pd.factorize(contacts[group], sort=True)
    strata = pd.factorize(contacts[within])[0] if within else np.zeros(len(contacts), dtype=np.int64)
    tenure = contacts["tenure_days"].to_numpy(dtype=np.int64)
    deleted = (contacts["door"] == "customer").fillna(value=False).to_numpy(dtype=bool)
    shape = (int(strata.max(initial=0)) + 1, len(names))
    sums = np.zeros((4, len(names)))
    for day in range(EARLY_DAYS + 1):
        at_risk, gone = (
            np.bincount((strata * shape[1] + codes)[which], minlength=shape[0] * shape[1]).reshape(shape).astype(float)
            for which in (tenure >= day, deleted & (tenure == day))
        )
        total, ends = at_risk.sum(axis=1, keepdims=True), gone.sum(axis=1, keepdims=True)
        compared = (at_risk > 0) & (at_risk < total)
        others = np.maximum(total - at_risk, 1.0)
        parts = (gone, at_risk * (ends - gone) / others, np.broadcast_to(ends, shape), at_risk * ends / total.clip(1.0))
        sums += [np.where(compared, part, 0.0).sum(axis=0) for part in parts]
    table = pd.DataFrame(
        dict(zip(("n_early", "n_early_expected", "n_early_all", "due"), sums, strict=True)), index=names
    )
    return table.assign(share_due=table.pop("due") / table["n_early_all"].where(table["n_early_all"] > 0))


def _excess_p_value(observed: ArrayLike, *, share: ArrayLike, stake: ArrayLike, ratio: float) -> Floats:
    """Return the chance of so many deletions in a group that loses ``ratio`` times as fast as the others.

    Given the deletions of all, those of one group are binomial with its share of the contacts at risk: exact where all
    deletions fall on one day, and a little too careful where they spread over several.
    """
    from scipy.stats import binom

    found, due, all_of_them = (np.asarray(x, dtype=np.float64) for x in (observed, share, stake))
    tilted = ratio * due / (ratio * due + 1.0 - due)
    return np.where(all_of_them > 0, binom.sf(found - 1, all_of_them, tilted), 1.0).astype(np.float64)


def benjamini_hochberg(p_value: ArrayLike) -> Floats:
    """Return the smallest false-discovery rate at which each test is a discovery; NaN stays NaN and counts as no test.

    Raises:
        AnalysisError: If a p-value lies outside 0-1.

    References:
        Benjamini, Hochberg 1995, Journal of the Royal Statistical Society B 57.

    Examples:
        >>> benjamini_hochberg([0.01, 0.04, 0.5]).round(3).tolist()
        [0.03, 0.06, 0.5]
    """
    p = np.asarray(p_value, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(p))
    if ((p[tested] < 0) | (p[tested] > 1)).any():
        raise AnalysisError("A p-value lies outside 0-1.")
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q = np.full(p.shape, np.nan)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
