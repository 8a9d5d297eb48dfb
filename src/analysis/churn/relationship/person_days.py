"""Days on which contacts could have ended, sampled: all that a hazard model needs of millions of contacts.

A day on which a contact is at risk is a row; the day it ends is an event. A million contacts make some hundred million
such days, nearly all without an event and alike. All events are kept (up to a number beyond which more add nothing),
of the other days a random sample of each stretch of tenure; a logistic model with the log of the sampling fractions as
offset has the same coefficients and honest standard errors.

References:
    Prentice, Pyke 1979, Biometrika 66 (the offset); Hanley, Miettinen 2009, International Journal of Biostatistics 5(1)
    (sampling person-moments; "case-base").
"""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.features.contacts import DOORS

__all__ = ["TENURE_STARTS", "sample_days", "tenure_stretch"]

Ints = NDArray[np.int64]

TENURE_STARTS: Final = (0, 2, 4, 8, 15, 31, 61, 91, 181, 366)
"""First day of each stretch of tenure within which the hazard is level, all else equal."""

MOST_EVENTS: Final = 40_000
"""Events kept of each door: hazard ratios are then known to a few percent."""

DAYS_PER_STRETCH: Final = 8_000
"""Days without an event sampled from each stretch of tenure."""


def tenure_stretch(tenure_days: "NDArray[np.integer]") -> Ints:
    """Return the place of each day of tenure in ``TENURE_STARTS``.

    Examples:
        >>> tenure_stretch(np.array([0, 1, 7, 400])).tolist()
        [0, 0, 2, 9]
    """
    return np.searchsorted(TENURE_STARTS, tenure_days, side="right") - 1


def sample_days(
    contacts: pd.DataFrame,
    *,
    horizon_days: int,
    seed: int,
    most_events: int = MOST_EVENTS,
    days_per_stretch: int = DAYS_PER_STRETCH,
) -> pd.DataFrame:
    """Return a sample of the days on which contacts were at risk, with every one on which they ended.

    Args:
        contacts: One row per contact: ``added_on``, ``door``, ``deleted_hour``, ``entry_days``, ``tenure_days``, in a
            fixed order.
        horizon_days: Longest time before the day at which what is known may be looked up, days.
        seed: Of the sample.
        most_events: Events kept of each door; of more a random sample.
        days_per_stretch: Days without an event kept of each stretch of tenure; of more a random sample.

    Returns:
        One row per contact and day, in order: ``contact`` (place in ``contacts``), ``tenure_days``, ``day``, ``door``
        (0: still there that day, 1: the customer deleted, 2: staff did), ``hour`` (of the end; on other days that of
        an end drawn at random, so that both are seen at the same times of day), ``log_sampled_customer`` and
        ``log_sampled_staff`` (log of the sampling fraction of such events over that of the other days of this
        stretch), ``weight`` (days the row stands for) and ``days_before``: how long before the day the contact is
        looked up for a forecast, at random within the horizon and since it was added (0: not possible, added that day).
    """
    rng = np.random.default_rng(seed)
    looked = contacts["entry_days"] <= contacts["tenure_days"]
    entry, last = (contacts[name].to_numpy(dtype=np.int64) for name in ("entry_days", "tenure_days"))
    code = np.zeros(len(contacts), dtype=np.int64)
    for number, name in enumerate(DOORS, start=1):
        code[(looked & (contacts["door"] == name).fillna(value=False)).to_numpy(dtype=bool)] = number
    where = np.flatnonzero(looked.to_numpy())
    others, log_fraction = _other_days(
        where, entry=entry[where], end=(last - (code > 0))[where], most=days_per_stretch, rng=rng
    )
    parts, log_events = [others], dict.fromkeys(DOORS, 0.0)
    for number, name in enumerate(DOORS, start=1):
        events = np.flatnonzero(code == number)
        kept = events if len(events) <= most_events else np.sort(rng.choice(events, most_events, replace=False))
        log_events[name] = float(np.log(len(kept) / max(len(events), 1))) if len(kept) else 0.0
        parts.append(pd.DataFrame({"contact": kept, "tenure_days": last[kept], "door": number}))
    hours = contacts["deleted_hour"].to_numpy(dtype=np.float64)
    others["hour"] = rng.choice(hours[code > 0], len(others)) if (code > 0).any() else 24.0
    parts = [part.assign(hour=hours[part["contact"]]) if "hour" not in part else part for part in parts]
    rows = pd.concat(parts, ignore_index=True).sort_values(["contact", "tenure_days"], ignore_index=True)
    offset = log_fraction[tenure_stretch(rows["tenure_days"].to_numpy())]
    log_own = np.select(
        [rows["door"] == number for number in range(1, len(DOORS) + 1)], list(log_events.values()), offset
    )
    reach = np.minimum(rows["tenure_days"].to_numpy(), horizon_days)
    added = contacts["added_on"].to_numpy().astype("datetime64[D]")[rows["contact"].to_numpy()]
    return rows.assign(
        day=(added + rows["tenure_days"].to_numpy()).astype("datetime64[s]"),
        **{f"log_sampled_{name}": log_events[name] - offset for name in DOORS},
        weight=np.exp(-log_own),
        days_before=np.where(reach > 0, rng.integers(1, np.maximum(reach, 1) + 1), 0),
    )


def _other_days(
    where: Ints, *, entry: Ints, end: Ints, most: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Sample days without an event, ``entry`` to ``end`` of each contact, from each stretch of tenure.

    Returns:
        The sampled days, and the log of the sampling fraction of each stretch.
    """
    bounds = [*TENURE_STARTS, np.iinfo(np.int64).max]
    parts, log_fraction = [], np.zeros(len(TENURE_STARTS))
    for stretch in range(len(TENURE_STARTS)):
        first = np.maximum(entry, bounds[stretch])
        length = np.maximum(np.minimum(end, bounds[stretch + 1] - 1) - first + 1, 0)
        total = length.cumsum()
        n_days = int(total[-1]) if len(total) else 0
        if n_days <= most:
            picked = np.arange(n_days)
        else:
            picked = np.unique(rng.integers(0, n_days, most))
            log_fraction[stretch] = np.log(len(picked) / n_days)
        at = np.searchsorted(total, picked, side="right")
        tenure = first[at] + picked - (total[at] - length[at])
        parts.append(pd.DataFrame({"contact": where[at], "tenure_days": tenure, "door": 0}))
    return pd.concat(parts, ignore_index=True), log_fraction
