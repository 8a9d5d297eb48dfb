"""Who gets what in an experiment to come: drawn within strata, drawn again until alike, frozen with a fingerprint."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.checks import columns_present
from analysis.errors import AnalysisError
from analysis.features.places import places_of

__all__ = ["ASSIGNMENT_COLUMNS", "MOST_DEALT", "Assignment", "assign", "balance", "fingerprint"]

Floats = NDArray[np.float64]

MOST_DEALT: Final = 10_000_000
"""Customers dealt out over all draws at most: of a million, ten draws. By chance alone the arms of so many differ by a
few thousandths of a standard deviation, which further draws would halve."""

ASSIGNMENT_COLUMNS: Final = (
    "experiment_id",
    "customer_id",
    "arm",
    "propensity",
    "stratum",
    "cluster_id",
    "assigned_on",
)


class Assignment(NamedTuple):
    """A draw.

    Attributes:
        arms: Arm of each customer, in the order of the customers given.
        distance: Largest squared Mahalanobis distance of an arm's mean measures from the others', of the draw taken.
        first_distance: The same of the first draw: what plain randomisation would have left.
    """

    arms: "pd.Series[str]"
    distance: float
    first_distance: float


def assign(
    customers: pd.DataFrame,
    *,
    shares: Mapping[str, float],
    measures: Sequence[str],
    seed: int,
    redraws: int = 100,
    cluster: str | None = None,
) -> Assignment:
    """Return an arm for every customer: in each stratum the planned shares, and arms alike in the measures.

    Each stratum is dealt out on its own; what does not divide goes to the arms by chance. Of ``redraws`` draws the one
    with the best balance is taken; of many customers there are fewer draws, see ``MOST_DEALT``. Where clusters are
    named, whole clusters are dealt out, and it is their sums that are balanced. The draw depends on seed and ids, not
    on the order of rows.

    Args:
        customers: One row per customer: ``customer_id``, ``stratum``, the measures, the cluster.
        shares: Share of each arm; scaled to sum to 1.
        measures: Columns in which arms should be alike (numbers, known before).
        seed: Of the draw.
        redraws: Draws to choose from; 1 is plain stratified randomisation.
        cluster: Column of clusters to assign whole, or None.

    Raises:
        AnalysisError: If there are fewer customers (clusters) than arms, or a share is not above 0.

    References:
        Morgan, Rubin (2012), Rerandomization to improve covariate balance in experiments, Annals of Statistics 40.
    """
    needed = ["customer_id", "stratum", *measures, *([cluster] if cluster else [])]
    columns_present(customers.columns, needed=needed, table="customers")
    if min(shares.values()) <= 0:
        raise AnalysisError("Every arm needs a share above 0.")
    units = _units(customers, measures=measures, cluster=cluster)
    if len(units) < 2 * len(shares):
        what = "clusters" if cluster else "customers"
        raise AnalysisError(f"{len(units)} {what} cannot be dealt out to {len(shares)} arms; two an arm are needed.")
    rng, total = np.random.default_rng(seed), sum(shares.values())
    parts = np.array([share / total for share in shares.values()])
    groups = [np.asarray(rows) for _, rows in sorted(units.groupby("stratum", sort=True).indices.items())]
    values = _whitened(units[list(measures)].to_numpy(dtype=np.float64))
    best, distance, first = _draw(groups, parts=parts, rng=rng), np.inf, np.inf
    for number in range(max(min(redraws, MOST_DEALT // len(units)), 1)):
        drawn = best if number == 0 else _draw(groups, parts=parts, rng=rng)
        far = _distance(values, drawn, n_arms=len(parts))
        first = far if number == 0 else first
        if far < distance:
            best, distance = drawn, far
    names = np.array(list(shares), dtype=object)
    key = customers[cluster or "customer_id"].astype(str)
    arms = names[best[places_of(key, among=units["unit"])]]
    found: pd.Series[str] = pd.Series(arms, index=customers.index, dtype="str", name="arm")
    return Assignment(found, float(distance), float(first))


def balance(customers: pd.DataFrame, arms: "pd.Series[str]", *, measures: Sequence[str], control: str) -> pd.DataFrame:
    """Return one row per measure and arm: means of arm and control, and their gap in standard deviations."""
    codes, names = pd.factorize(arms)
    mine = {str(name): codes == code for code, name in enumerate(names)}
    rows = []
    for measure in measures:
        values = customers[measure].astype("float64")
        spread = float(values.std())
        base = float(values[mine[control]].mean())
        for arm in sorted(set(mine) - {control}):
            mean = float(values[mine[arm]].mean())
            rows.append((measure, arm, mean, base, (mean - base) / spread if spread > 0 else 0.0))
    return pd.DataFrame(rows, columns=["measure", "arm", "mean", "mean_control", "gap"])


def fingerprint(assignment: pd.DataFrame) -> str:
    """Return the SHA-256 of who is in which arm: whoever holds the file can show that it was not changed.

    Of the lines ``experiment_id,customer_id,arm`` in the order of customers, in UTF-8.

    Examples:
        >>> rows = {"experiment_id": "e1", "customer_id": ["b", "a"], "arm": ["touch", "holdout"]}
        >>> fingerprint(pd.DataFrame(rows))[:12]
        '19a249f0f8e7'
    """
    rows = assignment.sort_values("customer_id")
    experiment, customer, arm = (rows[name].astype("str") for name in ("experiment_id", "customer_id", "arm"))
    lines = experiment + "," + customer + "," + arm + "\n"
    return hashlib.sha256("".join(lines.to_numpy(dtype=object)).encode()).hexdigest()


def _units(customers: pd.DataFrame, *, measures: Sequence[str], cluster: str | None) -> pd.DataFrame:
    """Return what is dealt out, one row each by name: customers, or clusters with sums and one stratum for all."""
    if cluster is None:
        named = customers.assign(unit=customers["customer_id"].astype(str))
        return named.sort_values("unit", ignore_index=True)
    sums = customers.groupby(customers[cluster].astype(str))[list(measures)].sum()
    sums["_n"] = customers.groupby(customers[cluster].astype(str)).size()
    large = sums["_n"] > sums["_n"].median()
    stratum = np.where(large, "large", "small")
    return sums.assign(stratum=stratum, unit=sums.index).sort_values("unit", ignore_index=True)


def _draw(groups: Sequence[NDArray[np.intp]], *, parts: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return an arm for each unit: whole numbers by stratum, what is left over carried on from stratum to stratum."""
    found = np.empty(sum(len(rows) for rows in groups), dtype=np.intp)
    owed = np.zeros(len(parts))
    for place in rng.permutation(len(groups)):
        rows = groups[place]
        owed = owed + parts * len(rows)
        counts = np.maximum(np.floor(owed), 0).astype(int)
        while counts.sum() > len(rows):
            counts[int(np.argmax(counts - owed))] -= 1
        left = owed - counts
        short = len(rows) - int(counts.sum())
        chance = np.maximum(left, 1e-9)
        extra = rng.choice(len(parts), size=min(short, len(parts)), replace=False, p=chance / chance.sum())
        counts[extra] += 1
        counts[int(np.argmax(parts))] += len(rows) - int(counts.sum())
        owed = owed - counts
        found[rng.permutation(rows)] = np.repeat(np.arange(len(parts)), counts)
    return found


def _whitened(values: Floats) -> Floats:
    """Return the measures uncorrelated and of one spread, so that distances are Mahalanobis'."""
    centred = values - values.mean(axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    kept = size > 1e-9 * max(float(size.max(initial=0.0)), 1e-300)
    whitened: Floats = left[:, kept] * np.sqrt(len(values))
    return whitened


def _distance(values: Floats, arms: NDArray[np.intp], *, n_arms: int) -> float:
    """Return the largest distance of an arm from the mean of all, in units in which chance alone gives about k."""
    counts = np.bincount(arms, minlength=n_arms)
    if not counts.all() or not values.shape[1]:
        return np.inf if not counts.all() else 0.0
    sums = np.column_stack([np.bincount(arms, weights=column, minlength=n_arms) for column in values.T])
    scaled = np.sum((sums / counts[:, None]) ** 2, axis=1) * counts / (1 - counts / counts.sum())
    return float(scaled.max())
