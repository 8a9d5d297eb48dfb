"""An experiment to come: who takes part, what it can see, what the holdout costs, and who gets what.

The chain: ``design_customers`` (who, how alike, what they bought in two past windows) → ``design_alike`` →
``design_effects`` and ``design_by_share`` (what is visible) → ``experiment_assignment`` (drawn once, then frozen).
"""

from datetime import date
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.data.connect import Tables
from analysis.errors import MissingTableError, TooFewError
from analysis.experiment.assignment import ASSIGNMENT_COLUMNS, assign, balance, fingerprint
from analysis.experiment.design import FEWEST_CUSTOMERS, Plan, alike_within, visible_by_share, visible_effects
from analysis.features.places import places_of
from analysis.params import ExperimentDesignParams
from analysis.periods import days_before
from analysis.recipes.resolver import Previous, reads

CONTROL: Final = "holdout"
STATE: Final = "experiment_assignment"
_MEASURES: Final = ("revenue", "n_orders", "days_since_last_order", "spend_before")
_METRICS: Final = ("bought", "spend")
_NEEDED_BY: Final = "experiment_design"


@reads(features=("customer_id", "revenue", "n_orders", "days_since_last_order"))
def design_customers(
    tables: Tables, features: pd.DataFrame, as_of: date, experiment_design_params: ExperimentDesignParams
) -> pd.DataFrame:
    """One row per customer who would take part, by id.

    Columns ``customer_id``; ``revenue`` (currency), ``n_orders``, ``days_since_last_order``; ``bought`` (0 or 1) and
    ``spend`` (currency) of the last window, ``bought_before`` and ``spend_before`` of the one before; ``stratum``
    (thirds of revenue × thirds of days since the last order); ``staff_id`` of the open contact added last, where staff
    are drawn.

    Raises:
        TooFewError: If fewer than 100 customers bought within ``active_days``.
    """
    params = experiment_design_params
    known = features[features["days_since_last_order"] <= params.active_days]
    frame = known[["customer_id", "revenue", "n_orders", "days_since_last_order"]].reset_index(drop=True)
    if params.by == "staff":
        frame = frame.merge(_staff(tables), on="customer_id", how="inner")
    if len(frame) < FEWEST_CUSTOMERS:
        raise TooFewError(len(frame), needed=FEWEST_CUSTOMERS, needed_by=_NEEDED_BY)
    frame = pd.concat([frame, _bought(tables, frame["customer_id"], as_of=as_of, days=params.window_days)], axis=1)
    money, recent = _thirds(frame["revenue"]), _thirds(-frame["days_since_last_order"])
    names = np.array([[f"money {m}, recent {r}" for r in (1, 2, 3)] for m in (1, 2, 3)], dtype=object)
    frame["stratum"] = pd.Series(names[money - 1, recent - 1], index=frame.index, dtype="str")
    return frame.sort_values("customer_id", ignore_index=True)


def _bought(tables: Tables, customers: "pd.Series[str]", *, as_of: date, days: int) -> pd.DataFrame:
    """Return ``spend`` and ``bought`` of the last window of so many days, and of the one before it."""
    opened, begun = days_before(as_of, days=days), days_before(as_of, days=2 * days)
    now = nw.col("ordered_on") > opened
    orders = tables.purchases().filter(nw.col("ordered_on") > begun, nw.col("ordered_on") <= as_of)
    spends = {ending: nw.when(of).then(nw.col("amount")) for ending, of in (("", now), ("_before", ~now))}
    sums = _pandas(
        orders.group_by("customer_id").agg(
            *(spend.sum().alias(f"spend{ending}") for ending, spend in spends.items()),
            *(spend.count().alias(f"bought{ending}") for ending, spend in spends.items()),
        )
    )
    place = places_of(sums["customer_id"], among=customers)
    found = pd.DataFrame(index=customers.index)
    for name in ("spend", "bought", "spend_before", "bought_before"):
        values = sums[name].fillna(0).to_numpy()
        made = np.zeros(len(customers), dtype=np.float64 if name.startswith("spend") else np.int64)
        made[place[place >= 0]] = (values if name.startswith("spend") else values > 0)[place >= 0]
        found[name] = made
    return found


def _thirds(values: "pd.Series[float]") -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return 1 to 3 for each value, equal values together."""
    return np.clip(np.ceil(values.rank(pct=True).to_numpy() * 3), 1, 3).astype(np.int64)


def _staff(tables: Tables) -> pd.DataFrame:
    contacts = _pandas(tables.lazy("contacts", needed_by=_NEEDED_BY))
    if "deleted_at" in contacts:
        contacts = contacts[contacts["deleted_at"].isna()]
    latest = contacts.sort_values(["added_at", "staff_id"]).drop_duplicates("customer_id", keep="last")
    if latest["staff_id"].nunique() < 2:
        raise MissingTableError("contacts", needed_by=_NEEDED_BY)
    return latest[["customer_id", "staff_id"]]


def design_alike(design_customers: pd.DataFrame) -> dict[str, float]:
    """How alike customers of one member of staff are (``alike``, 0-1) and how many they have (``cluster_size``)."""
    if "staff_id" not in design_customers:
        return {"alike": 0.0, "cluster_size": 1.0, "n_clusters": 0.0}
    sizes = design_customers["staff_id"].value_counts()
    return {
        "alike": alike_within(design_customers["bought"], design_customers["staff_id"]),
        "cluster_size": float(sizes.mean()),
        "n_clusters": float(len(sizes)),
    }


def design_effects(
    design_customers: pd.DataFrame, design_alike: dict[str, float], experiment_design_params: ExperimentDesignParams
) -> pd.DataFrame:
    """One row per metric: what the plan can see in one window (see ``experiment.design.visible_effects``)."""
    now, before = _windows(design_customers)
    plan = _plan(experiment_design_params, design_alike)
    return visible_effects(now, before, plan=plan, alike=design_alike["alike"])


def design_by_share(
    design_customers: pd.DataFrame, design_alike: dict[str, float], experiment_design_params: ExperimentDesignParams
) -> pd.DataFrame:
    """One row per holdout share: what it shows and what it costs (see ``experiment.design.visible_by_share``)."""
    now, before = _windows(design_customers)
    plan = _plan(experiment_design_params, design_alike)
    return visible_by_share(now, before, plan=plan, metric="bought", money="spend", alike=design_alike["alike"])


def _windows(customers: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    before = customers[[f"{metric}_before" for metric in _METRICS]]
    return customers[list(_METRICS)], before.rename(columns=lambda name: str(name).removesuffix("_before"))


def _plan(params: ExperimentDesignParams, alike: dict[str, float]) -> Plan:
    return Plan(len(params.arms), params.holdout_share, params.power, params.expected_rel_effect, alike["cluster_size"])


def experiment_assignment(
    design_customers: pd.DataFrame,
    experiment_design_params: ExperimentDesignParams,
    previous: Previous,
    as_of: date,
    seed: int,
) -> pd.DataFrame:
    """One row per customer: experiment, arm, ``propensity`` (0-1), stratum, cluster, day (``ASSIGNMENT_COLUMNS``).

    Drawn once: where the run before kept an assignment of this experiment it stands, whoever has come or gone since.
    """
    params, frozen = experiment_design_params, previous.get(STATE)
    if isinstance(frozen, pd.DataFrame) and (frozen["experiment_id"] == params.name).all():
        return frozen[list(ASSIGNMENT_COLUMNS)]
    shares = {CONTROL: params.holdout_share}
    shares |= dict.fromkeys(params.arms, (1 - params.holdout_share) / len(params.arms))
    cluster = "staff_id" if params.by == "staff" else None
    drawn = assign(
        design_customers, shares=shares, measures=_MEASURES, seed=seed, redraws=params.redraws, cluster=cluster
    )
    found = design_customers[["customer_id", "stratum"]].assign(
        experiment_id=params.name,
        arm=drawn.arms.to_numpy(),
        propensity=drawn.arms.map(shares).to_numpy(dtype=np.float64),
        cluster_id=design_customers[cluster] if cluster else None,
        assigned_on=as_of.isoformat(),
    )
    return found[list(ASSIGNMENT_COLUMNS)]


def assignment_facts(
    experiment_assignment: pd.DataFrame,
    design_customers: pd.DataFrame,
    experiment_design_params: ExperimentDesignParams,
    as_of: date,
) -> dict[str, Any]:
    """What is said of the assignment: ``fingerprint`` (SHA-256), ``assigned_on``, ``is_new``, customers by arm."""
    drawn = experiment_assignment
    day, counts = str(drawn["assigned_on"].iloc[0]), drawn["arm"].value_counts()
    return {
        "fingerprint": fingerprint(drawn),
        "assigned_on": day,
        "is_new": day == as_of.isoformat(),
        "n_by_arm": {arm: int(counts.get(arm, 0)) for arm in (CONTROL, *experiment_design_params.arms)},
        "n_newcomers": int((places_of(design_customers["customer_id"], among=drawn["customer_id"]) < 0).sum()),
    }


def assignment_balance(experiment_assignment: pd.DataFrame, design_customers: pd.DataFrame) -> pd.DataFrame:
    """One row per measure and arm: means of arm and holdout among customers still here, gap in standard deviations."""
    place = places_of(design_customers["customer_id"], among=experiment_assignment["customer_id"])
    arms = experiment_assignment["arm"].take(place[place >= 0])
    return balance(design_customers[place >= 0], arms, measures=_MEASURES, control=CONTROL)


def _pandas(frame: nw.LazyFrame[Any]) -> pd.DataFrame:
    found: pd.DataFrame = frame.collect("pandas").to_native()
    return found
