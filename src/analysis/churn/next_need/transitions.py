"""From one need to the next: how long after one category another follows, and after a purchase a relative's first one.

Where customers buy once there is no own rhythm to learn; what follows what, pooled over customers, still has one (a
consultation, then the procedure, then care; then somebody of the family).
"""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.churn.next_need.need import LEVELS
from analysis.features.replenishment import NEVER, PurchaseLog, known_at
from analysis.stats.scoring import proportion

__all__ = ["FAMILY", "Waits", "category_waits", "family_waits", "transition_windows"]

Ints = NDArray[np.int32]

FAMILY: Final = "family"
"""Name of what follows when somebody whom the customer referred buys for the first time."""

_FEWEST: Final = 30
"""Transitions below which no window is given."""


class Waits(NamedTuple):
    """Spells that began with a purchase; one row per spell.

    Attributes:
        before: Name of what was bought.
        after: Name of what came next; empty if nothing did within the horizon.
        began: Day number of the purchase.
        days: Days until the next one; ``NEVER`` if none came within the horizon.
    """

    before: NDArray[np.object_]
    after: NDArray[np.object_]
    began: Ints
    days: Ints


def category_waits(log: PurchaseLog, *, day: int, horizon_days: int) -> Waits:
    """Return the days from each purchase to the customer's next purchase day, with their categories.

    Only purchases whose horizon had passed by ``day``: long waits are not cut off. Several orders of one category and
    day are one.
    """
    seen = known_at(log, day)
    kept = seen.category >= 0
    who, days, code = seen.customer[kept], seen.day[kept], seen.category[kept]
    new = np.r_[True, (np.diff(who) != 0) | (np.diff(days) != 0)] if len(who) else np.zeros(0, dtype=bool)
    who, days, code = who[new], days[new], code[new]
    wait = np.full(len(who), NEVER, dtype=np.int32)
    follows = np.full(len(who), -1, dtype=np.int64)
    if len(who) > 1:
        same = who[1:] == who[:-1]
        wait[:-1] = np.where(same, days[1:] - days[:-1], NEVER)
        follows[:-1] = np.where(same, code[1:], -1)
    names = np.array([*log.categories, ""], dtype=object)
    late = wait > horizon_days
    wait[late], follows[late] = NEVER, -1
    whole = days + horizon_days <= day
    return Waits(names[code[whole]], names[follows[whole]], days[whole].astype(np.int32), wait[whole])


def family_waits(log: PurchaseLog, referrals: pd.DataFrame, *, day: int, horizon_days: int) -> Waits:
    """Return the days from a customer's purchases to the next first purchase of somebody they referred.

    Args:
        log: Purchases.
        referrals: ``referrer_id``, ``referee_id``, one row per invitation known by ``day``.
        day: Day number, inclusive.
        horizon_days: Days ahead.
    """
    seen = known_at(log, day)
    place = pd.Index(log.customer_id)
    pairs = pd.DataFrame(
        {"referrer": place.get_indexer(referrals["referrer_id"]), "referee": place.get_indexer(referrals["referee_id"])}
    )
    first = np.full(len(log.customer_id), NEVER, dtype=np.int32)
    first[seen.customer[::-1]] = seen.day[::-1]
    pairs = pairs[(pairs["referrer"] >= 0) & (pairs["referee"] >= 0)]
    began = first[pairs["referee"].to_numpy()]
    arrivals = pd.DataFrame({"who": pairs["referrer"].to_numpy(), "arrives": began.astype(np.int64)})
    arrivals = arrivals[arrivals["arrives"] != NEVER].sort_values("arrives")
    spells = pd.DataFrame({"who": seen.customer.astype(np.int64), "day": seen.day.astype(np.int64)})
    names = np.array([*log.categories, ""], dtype=object)
    spells["before"] = names[seen.category]
    spells = spells[spells["day"] + horizon_days <= day].sort_values("day", kind="stable")
    spells = spells[spells["who"].isin(pairs["referrer"])]
    joined = pd.merge_asof(
        spells, arrivals, left_on="day", right_on="arrives", by="who", direction="forward", allow_exact_matches=False
    )
    wait = (joined["arrives"] - joined["day"]).to_numpy(dtype=np.float64)
    came = wait <= horizon_days
    return Waits(
        joined["before"].to_numpy(dtype=object),
        np.where(came, FAMILY, "").astype(object),
        joined["day"].to_numpy(dtype=np.int32),
        np.where(came, np.nan_to_num(wait, nan=0.0), NEVER).astype(np.int32),
    )


def transition_windows(waits: Waits, *, day: int, horizon_days: int, seed: int) -> pd.DataFrame:
    """Return how often and when each need follows another, and whether earlier windows held later.

    Args:
        waits: Spells, complete by ``day``.
        day: Day number, inclusive.
        horizon_days: Days ahead.
        seed: Of the luck within a day.

    Returns:
        One row per pair with at least 30 transitions: ``before``, ``after``, ``n_spells``, ``n_followed``,
        ``share_followed`` (0-1, of all spells that began so), ``from_days``, ``middle_days``, ``until_days`` (of the
        80 % window, given that it follows within the horizon), and the coverage of the window learnt from spells that
        were complete when the later ones began (those of the last window; where they are few, the later half):
        ``coverage`` with ``coverage_ci_lower``, ``coverage_ci_upper``,
        ``confidence_level``, ``n_judged``; NaN below 30 later ones.
    """
    rows = []
    luck = np.random.default_rng(seed).random(len(waits.days))
    point = waits.days - luck
    cut = day - 2 * horizon_days
    for before in sorted(set(waits.before)):
        of_before = waits.before == before
        for after in sorted(set(waits.after[of_before]) - {""}):
            mine = of_before & (waits.after == after)
            if mine.sum() < _FEWEST:
                continue
            ends = np.quantile(point[mine], LEVELS)
            parted = cut if (mine & (waits.began > cut)).sum() >= _FEWEST else int(np.median(waits.began[mine]))
            earlier, later = mine & (waits.began + horizon_days <= parted), mine & (waits.began > parted)
            row = {
                "before": before,
                "after": after,
                "n_spells": int(of_before.sum()),
                "n_followed": int(mine.sum()),
                "share_followed": float(mine.sum() / of_before.sum()),
                **dict(zip(("from_days", "middle_days", "until_days"), np.ceil(ends).astype(int), strict=True)),
            }
            rows.append({**row, **_held(point[earlier], point[later])})
    columns = ["before", "after", "n_spells", "n_followed", "share_followed", "from_days", "middle_days", "until_days"]
    columns += ["n_judged", "coverage", "coverage_ci_lower", "coverage_ci_upper", "confidence_level"]
    return pd.DataFrame(rows, columns=columns).sort_values("n_followed", ascending=False, ignore_index=True)


def _held(earlier: NDArray[np.float64], later: NDArray[np.float64]) -> dict[str, float]:
    """Return the share of later waits inside the window of the earlier ones."""
    unknown = {"n_judged": float(len(later)), "coverage": np.nan, "confidence_level": 0.95}
    if min(len(earlier), len(later)) < _FEWEST:
        return {**unknown, "coverage_ci_lower": np.nan, "coverage_ci_upper": np.nan}
    low, high = np.quantile(earlier, [LEVELS[0], LEVELS[2]])
    score = proportion(int(((later >= low) & (later <= high)).sum()), len(later))
    return {
        **unknown,
        "coverage": score.value,
        "coverage_ci_lower": score.ci_lower,
        "coverage_ci_upper": score.ci_upper,
    }
