"""Who is still there after how many days, and who left by which door: the estimators that assume nothing.

Days of tenure are whole: day 0 is the day a contact was added. A contact counts as at risk on every day it was looked
at, its last one included; contacts that are still there leave the table without an event (censoring), those that were
added before anybody looked enter it late (truncation).
"""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["Incidence", "LifeTable", "cumulative_incidence", "life_table", "still_there"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ALMOST_CERTAIN: Final = 1e-12


class LifeTable(NamedTuple):
    """Contacts at risk and ends on each day of tenure, by cluster.

    Attributes:
        at_risk: Contacts at risk, one row per cluster, one column per day of tenure from 0.
        ends: Of those, the contacts that ended that day: one block per door.
    """

    at_risk: Floats
    ends: Floats


class Incidence(NamedTuple):
    """A share of contacts after each day of tenure, with its interval.

    Attributes:
        value: Share, 0-1, one entry per day of tenure from 0.
        ci_lower: Lower end of the interval, 0-1.
        ci_upper: Upper end, 0-1.
        n_at_risk: Contacts at risk on that day.
    """

    value: Floats
    ci_lower: Floats
    ci_upper: Floats
    n_at_risk: Ints

    def on(self, days: Ints) -> "Incidence":
        """Return the entries of those days of tenure."""
        return Incidence(self.value[days], self.ci_lower[days], self.ci_upper[days], self.n_at_risk[days])


def life_table(contacts: pd.DataFrame, *, doors: tuple[str, ...], cluster: ArrayLike | None = None) -> LifeTable:
    """Count contacts at risk and ends by day of tenure.

    Args:
        contacts: One row per contact: ``entry_days``, ``tenure_days`` (days), ``door`` (missing: still there).
        doors: Doors that are counted, each a block of ``ends``; other ends count as leaving unobserved.
        cluster: Group of each contact whose members share their fate; default one group of all.
    """
    looked = (contacts["entry_days"] <= contacts["tenure_days"]).to_numpy()
    seen = contacts[looked]
    code = np.zeros(len(seen), dtype=np.int64)
    if cluster is not None:
        code = np.unique(np.asarray(cluster)[looked], return_inverse=True)[1]
    n_clusters = int(code.max(initial=0)) + 1
    entry, last = (seen[name].to_numpy(dtype=np.int64) for name in ("entry_days", "tenure_days"))
    length = int(last.max(initial=0)) + 1
    shape = (n_clusters, length + 1)

    def count(place: Ints, which: NDArray[np.bool_]) -> Floats:
        flat = np.bincount((code * shape[1] + place)[which], minlength=shape[0] * shape[1])
        return flat.reshape(shape).astype(np.float64)

    everybody = np.ones(len(seen), dtype=bool)
    change = count(entry, everybody) - count(last + 1, everybody)
    by = [(seen["door"] == name).fillna(value=False).to_numpy(dtype=bool) for name in doors]
    ends = np.stack([count(last, which)[:, :length] for which in by])
    return LifeTable(change.cumsum(axis=1)[:, :length], ends)


def cumulative_incidence(table: LifeTable, *, door: int, confidence_level: float = 0.95) -> Incidence:
    """Return the share of contacts that ended by a door up to each day of tenure (Aalen-Johansen).

    An end by another door is no censoring: who was deleted by staff cannot be deleted by the customer any more.

    Args:
        table: Of one cluster: contacts are taken as independent (Greenwood's variance, its form for competing doors).
            Of several: their members may share their fate, and the interval is the wider one of the former and that of
            independent clusters (linearised jackknife, Student's t), which alone is poor where clusters are few.
        door: Place of the door in ``table.ends``.
        confidence_level: Of the interval, on the scale of log(-log(1 - share)).

    References:
        Aalen, Johansen 1978, Scandinavian Journal of Statistics 5 (the estimator); Marubini, Valsecchi 1995, Analysing
        Survival Data, section 10.2 (variance); Ying, Wei 1994, Journal of Multivariate Analysis 50 (clusters).

    Examples:
        >>> contacts = pd.DataFrame(
        ...     {"entry_days": 0, "tenure_days": [0, 1, 1, 2], "door": ["customer", "staff", "customer", None]})
        >>> cumulative_incidence(life_table(contacts, doors=("customer", "staff")), door=0).value
        array([0.25, 0.5 , 0.5 ])
    """
    from scipy.special import ndtri, stdtrit

    at_risk, hazard, total, before = _hazards(table)
    value = np.cumsum(before * hazard[door])
    level = 0.5 + confidence_level / 2
    half = ndtri(level) * np.sqrt(_independent_variance(at_risk, hazard[door], total, before=before, value=value))
    if (clusters := len(table.at_risk)) > 1:
        half = np.maximum(half, stdtrit(clusters - 1, level) * np.sqrt(_clustered_variance(table, door=door)))
    lower, upper = _log_log_interval(value, half)
    nobody_left = (value == 0.0) & (at_risk > 0)
    upper = np.where(nobody_left, 1.0 - (1.0 - level) ** (1.0 / np.maximum(at_risk, 1.0)), upper)
    return Incidence(value, lower, upper, at_risk.astype(np.int64))


def still_there(table: LifeTable, *, confidence_level: float = 0.95) -> Incidence:
    """Return the share of contacts that are still there after each day of tenure (Kaplan-Meier).

    Args:
        table: All its doors count as ends; count one door only to leave the others out as censoring.
        confidence_level: Of the interval.
    """
    merged = LifeTable(table.at_risk, table.ends.sum(axis=0, keepdims=True))
    gone = cumulative_incidence(merged, door=0, confidence_level=confidence_level)
    return Incidence(1.0 - gone.value, 1.0 - gone.ci_upper, 1.0 - gone.ci_lower, gone.n_at_risk)


def _hazards(table: LifeTable) -> tuple[Floats, Floats, Floats, Floats]:
    """Return contacts at risk, hazard by door, hazard of any door, and the share still there before each day."""
    at_risk = table.at_risk.sum(axis=0)
    hazard = table.ends.sum(axis=1) / np.maximum(at_risk, 1.0)
    total = hazard.sum(axis=0)
    return at_risk, hazard, total, np.concatenate(([1.0], np.cumprod(1.0 - total)[:-1]))


def _independent_variance(at_risk: Floats, hazard: Floats, total: Floats, *, before: Floats, value: Floats) -> Floats:
    """Return the variance of the incidence if contacts are independent.

    The incidence on day t moves with the hazard of its own door on day r by a = share still there before r, and with
    that of any door by -b, b = (value[t] - value[r]) / (1 - total[r]); the hazards of one day are multinomial shares.
    """
    n = np.maximum(at_risk, 1.0)
    left = np.maximum(1.0 - total, _ALMOST_CERTAIN)
    own = np.cumsum(before**2 * hazard * (1.0 - hazard) / n)
    # b is linear in value[t], so that three running sums replace a double loop over days
    both = before * hazard / n  # a × covariance(own, any) / (1 - total)
    any_door = total / left / n  # variance(any) / (1 - total)^2
    squares = value**2 * np.cumsum(any_door) - 2 * value * np.cumsum(value * any_door) + np.cumsum(value**2 * any_door)
    crossed = value * np.cumsum(both) - np.cumsum(value * both)
    return np.maximum(own + squares - 2 * crossed, 0.0)


def _clustered_variance(table: LifeTable, *, door: int) -> Floats:
    """Return the variance of the incidence if only clusters are independent."""
    at_risk, hazard, total, before = _hazards(table)
    n = np.maximum(at_risk, 1.0)
    own = (table.ends[door] - table.at_risk * hazard[door]) / n
    any_door = (table.ends.sum(axis=0) - table.at_risk * total) / n
    gone = np.cumsum(any_door / np.maximum(1.0 - total, _ALMOST_CERTAIN), axis=1)
    gone_before = np.concatenate((np.zeros((len(gone), 1)), gone[:, :-1]), axis=1)
    influence = np.cumsum(before * (own - hazard[door] * gone_before), axis=1)
    clusters = len(influence)
    spread: Floats = (influence**2).sum(axis=0) * clusters / (clusters - 1)
    return spread


def _log_log_interval(value: Floats, half: Floats) -> tuple[Floats, Floats]:
    """Return both ends of an interval of half-width ``half``, taken over to the scale of log(-log(1 - value)).

    Up to 1 where the value is 0 or 1: nothing is known there.
    """
    inside = (value > 0) & (value < 1)
    v = np.where(inside, value, 0.5)
    log_stay = np.log1p(-v)
    with np.errstate(over="ignore"):
        factor = np.exp(half / ((1.0 - v) * -log_stay))
        lower, upper = (-np.expm1(log_stay * scale) for scale in (1.0 / factor, factor))
    return np.where(inside, lower, value), np.where(inside, upper, 1.0)
