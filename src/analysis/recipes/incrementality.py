"""From an experiment to its effects: who took part, whether the split holds, every arm against the control.

The chain: ``experiment_list`` (what there is to read) → ``experiment_frame`` (which one, how) → ``trial_customers``
(one row per customer: arm, metrics, what was known before) → ``incrementality_ratio`` (as planned, or stop) →
``incrementality_effects`` and ``incrementality_checks`` → ``incrementality_reached`` (where staff did not send).
"""

from datetime import date
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.data.connect import Tables
from analysis.errors import AnalysisError, TooFewError
from analysis.experiment import reach
from analysis.experiment.participants import assigned_by_cluster, control_arm, planned_shares, sample_ratio
from analysis.experiment.readout import (
    CHECK_COLUMNS,
    EFFECT_COLUMNS,
    FEWEST_CUSTOMERS,
    Trial,
    check_metrics,
    checks,
    read_out,
)
from analysis.features.places import places_of
from analysis.params import IncrementalityParams
from analysis.periods import days_after, days_before

_OUTCOMES: Final = "outcomes"
_ASSIGNMENTS: Final = "assignments"
_WINDOW_DAYS: Final = 14
_ORDER_METRICS: Final = {"spend": "money", "bought": "rate", "n_orders": "count"}
_BEFORE: Final = ("spend_before", "n_orders_before")
_NEEDED_BY: Final = "incrementality"


def experiment_list(tables: Tables, as_of: date, incrementality_params: IncrementalityParams) -> pd.DataFrame:
    """One row per experiment, newest first (of outcomes: largest first).

    Columns ``experiment_id``, ``name``, ``n_customers``, ``n_arms``, ``assigned_on`` and ``ends_on`` (first and last
    day of the window; unknown of outcomes), ``window_days``, ``is_over``, ``holdout_share`` (unknown where none was
    planned).
    """
    source = _source(incrementality_params)
    rows = tables.lazy(source, needed_by=_NEEDED_BY)
    counted = [nw.len().alias("n_customers"), nw.col("arm").n_unique().alias("n_arms")]
    if source == _OUTCOMES:
        found = _pandas(rows.group_by("experiment_id").agg(*counted))
        found["name"], found["is_over"] = found["experiment_id"], True
        found["assigned_on"] = found["ends_on"] = pd.Series(pd.NaT, index=found.index)
        found["window_days"] = found["holdout_share"] = np.nan
        return found.sort_values(["n_customers", "experiment_id"], ascending=[False, True], ignore_index=True)
    counted.append(nw.col("assigned_on").max().alias("assigned_on"))
    found = _pandas(rows.group_by("experiment_id").agg(*counted))
    found = found.merge(_campaigns(tables), on="experiment_id", how="left")
    window = found["window_days"].astype("float64").fillna(_WINDOW_DAYS)
    if incrementality_params.window_days is not None:
        window = window * 0 + incrementality_params.window_days
    found["assigned_on"] = pd.to_datetime(found["assigned_on"])
    found["ends_on"] = found["assigned_on"] + pd.to_timedelta(window - 1, unit="D")
    found = found.assign(window_days=window, is_over=found["ends_on"] <= pd.Timestamp(as_of))
    found["name"] = found["name"].fillna(found["experiment_id"])
    return found.sort_values(["assigned_on", "experiment_id"], ascending=[False, True], ignore_index=True)


def _campaigns(tables: Tables) -> pd.DataFrame:
    columns = {
        "campaign_id": "experiment_id",
        "response_window_days": "window_days",
        "name": "name",
        "holdout_share": "holdout_share",
    }
    if not tables.has("campaigns"):
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns.values()})
    known = _pandas(tables.lazy("campaigns")).rename(columns=columns)
    return known.reindex(columns=list(columns.values()))


def experiment_frame(
    tables: Tables, experiment_list: pd.DataFrame, incrementality_params: IncrementalityParams
) -> dict[str, Any]:
    """The experiment that is read out and how.

    Keys: ``experiment_id``, ``name``, ``source``, ``control``, ``arms`` (others), ``metrics`` (kind by name, leading
    first), ``covariates``, ``lower_is_better`` (metrics),
    ``shares`` (planned, by arm), ``shares_by`` (book, campaign, assumed), ``cluster`` (column
    assigned whole, or None), ``window_days``, ``assigned_on``, ``ends_on``, ``is_over``, ``n_others`` (experiments not
    read here).
    """
    chosen = _choose(experiment_list, wanted=incrementality_params.experiment)
    source = _source(incrementality_params)
    rows = _of_experiment(tables, source, chosen["experiment_id"])
    arms = sorted(rows["arm"].dropna().astype(str).unique())
    control = control_arm(arms, named=incrementality_params.control)
    holdout = None if pd.isna(chosen["holdout_share"]) else float(chosen["holdout_share"])
    shares, by = planned_shares(arms, control=control, book=incrementality_params.planned_shares, holdout_share=holdout)
    metrics, covariates = _measured(incrementality_params, source=source)
    return {
        "experiment_id": chosen["experiment_id"],
        "name": str(chosen["name"]),
        "source": source,
        "control": control,
        "arms": [arm for arm in arms if arm != control],
        "metrics": metrics,
        "covariates": covariates,
        "lower_is_better": list(incrementality_params.lower_is_better),
        "shares": shares,
        "shares_by": by,
        "cluster": _cluster(rows, named=incrementality_params.cluster),
        "window_days": None if pd.isna(chosen["window_days"]) else int(chosen["window_days"]),
        "assigned_on": _day(chosen["assigned_on"]),
        "ends_on": _day(chosen["ends_on"]),
        "is_over": bool(chosen["is_over"]),
        "n_others": len(experiment_list) - 1,
    }


def _choose(found: pd.DataFrame, *, wanted: str | None) -> dict[str, Any]:
    if wanted is not None:
        rows = found[found["experiment_id"] == wanted]
        if rows.empty:
            known = ", ".join(found["experiment_id"].head(8))
            raise AnalysisError(f"There is no experiment '{wanted}'.", hint=f"there are {known}")
        return dict(rows.iloc[0])
    readable = found[(found["n_arms"] > 1) & (found["n_customers"] >= 2 * FEWEST_CUSTOMERS)]
    if readable.empty:
        largest = int(found["n_customers"].max()) if len(found) else 0
        raise TooFewError(largest, needed=2 * FEWEST_CUSTOMERS, needed_by=_NEEDED_BY)
    over = readable[readable["is_over"]]
    return dict((over if len(over) else readable).iloc[0])


def _measured(params: IncrementalityParams, *, source: str) -> tuple[dict[str, str], list[str]]:
    if source == _OUTCOMES:
        return dict(params.metrics), list(params.covariates)
    unknown = [name for name, kind in params.metrics.items() if _ORDER_METRICS.get(name) != kind]
    if unknown:
        known = ", ".join(f"{name}: {kind}" for name, kind in _ORDER_METRICS.items())
        raise AnalysisError(f"Orders know no metric {', '.join(unknown)}.", hint=f"there are {known}")
    return dict(params.metrics) or dict(_ORDER_METRICS), list(params.covariates) or list(_BEFORE)


def _cluster(rows: pd.DataFrame, *, named: str | None) -> str | None:
    if named is not None:
        if named not in rows:
            raise AnalysisError(
                f"There is no column '{named}' of clusters.", hint=f"there are {', '.join(map(str, rows.columns))}"
            )
        return named
    if "cluster_id" in rows and assigned_by_cluster(rows["arm"], rows["cluster_id"]):
        return "cluster_id"
    return None


def trial_customers(
    tables: Tables, experiment_frame: dict[str, Any], incrementality_params: IncrementalityParams
) -> pd.DataFrame:
    """One row per customer of the experiment: ``customer_id``, ``arm``, metrics, what was known before, clusters.

    From assignments: ``spend`` (currency, net of refunds), ``bought`` (0 or 1) and ``n_orders`` of the response
    window, which opens at the moment of assignment; ``spend_before`` and ``n_orders_before`` of the days before it.
    """
    rows = _of_experiment(tables, experiment_frame["source"], experiment_frame["experiment_id"])
    rows = rows[rows["arm"].notna()].sort_values("customer_id", ignore_index=True)
    wanted = [*experiment_frame["metrics"], *experiment_frame["covariates"]]
    if experiment_frame["source"] == _ASSIGNMENTS:
        rows = _with_orders(tables, rows, frame=experiment_frame, history_days=incrementality_params.history_days)
    missing = [name for name in wanted if name not in rows]
    if missing:
        have = ", ".join(str(name) for name in rows.columns)
        raise AnalysisError(
            f"'{experiment_frame['source']}' has no column {', '.join(missing)}.", hint=f"it has {have}"
        )
    cluster = [experiment_frame["cluster"]] if experiment_frame["cluster"] else []
    kept = ["customer_id", "arm", *wanted, *cluster]
    return rows[list(dict.fromkeys(kept))].astype({"customer_id": "str", "arm": "str"})


def _with_orders(tables: Tables, rows: pd.DataFrame, *, frame: dict[str, Any], history_days: int) -> pd.DataFrame:
    first, last = rows["assigned_on"].min(), rows["assigned_on"].max()
    begins, ends = days_before(_date(first), days=history_days), days_after(_date(last), days=frame["window_days"])
    orders = (
        tables.purchases()
        .filter(nw.col("ordered_on") >= begins, nw.col("ordered_on") < ends)
        .select("customer_id", "ordered_at", "ordered_on", "amount")
        .collect("pyarrow")
        .to_native()
    )
    place = places_of(orders.column("customer_id"), among=rows["customer_id"])
    orders, place = orders.filter(place >= 0), place[place >= 0]
    at, amount = orders.column("ordered_at").to_numpy(), orders.column("amount").to_numpy()
    on, moments = (pd.to_datetime(rows[name]).to_numpy()[place] for name in ("assigned_on", "assigned_at"))
    days = (orders.column("ordered_on").to_numpy().astype("datetime64[D]") - on.astype("datetime64[D]")).astype(int)
    after = (at >= moments) & (days < frame["window_days"])
    before = (at < moments) & (days >= -history_days)
    for mask, ending in ((after, ""), (before, "_before")):
        sums = pd.Series(amount[mask]).groupby(place[mask]).agg(["sum", "size"]).reindex(range(len(rows)))
        rows[f"spend{ending}"] = sums["sum"].fillna(0.0).to_numpy(dtype=np.float64)
        rows[f"n_orders{ending}"] = sums["size"].fillna(0).to_numpy(dtype=np.int64)
    return rows.assign(bought=(rows["n_orders"] > 0).astype("int64"))


def incrementality_ratio(experiment_frame: dict[str, Any], trial_customers: pd.DataFrame) -> dict[str, Any]:
    """Whether customers came out in the planned shares: ``pvalue``, ``state`` (ok, warn, stop), ``table`` by arm."""
    cluster = experiment_frame["cluster"]
    clusters = trial_customers[cluster] if cluster else None
    found = sample_ratio(trial_customers["arm"], shares=experiment_frame["shares"], clusters=clusters)
    return {"pvalue": found.pvalue, "state": found.state, "table": found.table.to_dict("records")}


def incrementality_effects(
    experiment_frame: dict[str, Any],
    trial_customers: pd.DataFrame,
    incrementality_ratio: dict[str, Any],
    incrementality_params: IncrementalityParams,
) -> pd.DataFrame:
    """One row per metric and arm, see ``experiment.readout.read_out``; none where the sample ratio stops it."""
    trial = _trial(experiment_frame, trial_customers, level=incrementality_params.confidence_level)
    check_metrics(trial)
    if incrementality_ratio["state"] == "stop":
        return pd.DataFrame(columns=list(EFFECT_COLUMNS))
    return read_out(trial)


def incrementality_checks(
    experiment_frame: dict[str, Any],
    trial_customers: pd.DataFrame,
    incrementality_ratio: dict[str, Any],
    incrementality_staff: pd.DataFrame,
    incrementality_params: IncrementalityParams,
    seed: int,
) -> pd.DataFrame:
    """One row per metric, arm and way of estimating (see ``experiment.readout.checks``); none where stopped."""
    if incrementality_ratio["state"] == "stop":
        return pd.DataFrame(columns=list(CHECK_COLUMNS))
    customers, near = trial_customers, None
    if len(incrementality_staff):
        customers, near = customers.merge(incrementality_staff, on="customer_id", how="left"), "staff_id"
    level = incrementality_params.confidence_level
    return checks(_trial(experiment_frame, customers, level=level)._replace(near=near), seed=seed)


def _trial(frame: dict[str, Any], customers: pd.DataFrame, *, level: float) -> Trial:
    return Trial(
        customers, frame["control"], frame["metrics"], frame["covariates"], cluster=frame["cluster"],
        confidence_level=level,
    )  # fmt: skip


def incrementality_staff(
    tables: Tables, experiment_frame: dict[str, Any], trial_customers: pd.DataFrame
) -> pd.DataFrame:
    """One row per customer: ``staff_id`` of the contact added last before the assignment; empty without contacts.

    Taken the same way in every arm: who sent the touch is known of the touched only.
    """
    if experiment_frame["source"] == _OUTCOMES or not tables.has("contacts"):
        return pd.DataFrame(columns=["customer_id", "staff_id"])
    day = date.fromisoformat(experiment_frame["assigned_on"])
    contacts = _pandas(
        tables.lazy("contacts").filter(nw.col("added_on") <= day).select("customer_id", "staff_id", "added_at")
    )
    mine = contacts[places_of(contacts["customer_id"], among=trial_customers["customer_id"]) >= 0]
    latest = mine.sort_values(["added_at", "staff_id"]).drop_duplicates("customer_id", keep="last")
    return latest[["customer_id", "staff_id"]].sort_values("customer_id", ignore_index=True)


def incrementality_touched(tables: Tables, experiment_frame: dict[str, Any]) -> pd.DataFrame:
    """One row per touched customer of the experiment: ``send_status`` (the best of several); empty without touches."""
    if experiment_frame["source"] == _OUTCOMES or not tables.has_column("touches", "send_status"):
        return pd.DataFrame(columns=["customer_id", "send_status"])
    found = _pandas(
        tables.lazy("touches")
        .filter(nw.col("campaign_id") == experiment_frame["experiment_id"])
        .select("customer_id", "send_status")
    )
    order = {1: 0, 3: 1, 2: 2, 0: 3}
    ranked = found.assign(rank=found["send_status"].astype("float64").map(order)).sort_values(["rank", "customer_id"])
    best = ranked.drop_duplicates("customer_id").drop(columns="rank")
    return best.sort_values("customer_id", ignore_index=True)


def incrementality_reached(
    experiment_frame: dict[str, Any],
    trial_customers: pd.DataFrame,
    incrementality_ratio: dict[str, Any],
    incrementality_staff: pd.DataFrame,
    incrementality_touched: pd.DataFrame,
    incrementality_params: IncrementalityParams,
) -> pd.DataFrame:
    """One row per metric and arm: the effect on customers whose touch went out because they were assigned.

    See ``experiment.reach.reached_effects``; none where touches are unknown, all went out, or the readout stopped.
    """
    if incrementality_ratio["state"] == "stop" or incrementality_touched.empty:
        return pd.DataFrame(columns=list(reach.REACHED_COLUMNS))
    trial = _trial(experiment_frame, trial_customers, level=incrementality_params.confidence_level)
    return reach.reached_effects(trial, touched=incrementality_touched, staff=incrementality_staff)


def incrementality_collisions(
    experiment_frame: dict[str, Any],
    trial_customers: pd.DataFrame,
    incrementality_ratio: dict[str, Any],
    incrementality_touched: pd.DataFrame,
    incrementality_params: IncrementalityParams,
) -> dict[str, Any]:
    """Whether cap collisions (send status 3) can serve as a natural experiment, and what they say if so.

    See ``experiment.reach.collisions``: ``usable``, ``reason``, ``n_delivered``, ``n_collided``, ``balance_pvalue``.
    """
    if incrementality_ratio["state"] == "stop" or incrementality_touched.empty:
        return {"usable": False, "reason": "no_touches"}
    trial = _trial(experiment_frame, trial_customers, level=incrementality_params.confidence_level)
    return reach.collisions(trial, touched=incrementality_touched)


def _source(params: IncrementalityParams) -> str:
    """Return the table that is read: the book's, else outcomes where metrics are named that orders do not know."""
    if params.table is not None:
        return params.table
    return _OUTCOMES if set(params.metrics) - set(_ORDER_METRICS) else _ASSIGNMENTS


def _of_experiment(tables: Tables, source: str, experiment: str) -> pd.DataFrame:
    rows = tables.lazy(source, needed_by=_NEEDED_BY).filter(nw.col("experiment_id") == experiment)
    return _pandas(rows)


def _pandas(frame: nw.LazyFrame[Any]) -> pd.DataFrame:
    found: pd.DataFrame = frame.collect("pandas").to_native()
    return found


def _date(value: Any) -> date:
    return pd.Timestamp(value).date()


def _day(value: Any) -> str | None:
    return None if pd.isna(value) else _date(value).isoformat()
