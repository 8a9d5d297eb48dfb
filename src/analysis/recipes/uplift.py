"""From an experiment to whom a touch moves: who took part, what was known before, scores, and the judging half.

The chain: ``uplift_list`` → ``uplift_frame`` (which experiment, how; what the uplift block does not say is taken from
the incrementality block) → ``uplift_customers`` (arm, metrics, what was known before the assignment) →
``uplift_ratio`` (as planned, or stop) → ``uplift_scores`` (four learners, one half) → ``uplift_findings`` (judged on
the other half). Everything up to the ratio is read as ``recipes/incrementality.py`` reads it.
"""

from datetime import date
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.data.connect import Tables
from analysis.errors import TooFewError
from analysis.experiment.participants import sample_ratio
from analysis.experiment.uplift import (
    FEWEST_IN_AN_ARM,
    Terms,
    UpliftTrial,
    distinct_measures,
    late_columns,
    learn_everyone,
)
from analysis.experiment.uplift_judging import Findings, judge
from analysis.features.exposure import channels_touched
from analysis.features.ordered_purchases import Habits, Purchases, habits_of, of_some_customers, purchases_of
from analysis.features.places import places_of
from analysis.features.table import collect_features, model_columns
from analysis.params import IncrementalityParams, UpliftParams
from analysis.periods import days_before
from analysis.recipes import incrementality

_ASSUMED_MARGIN: Final = 0.3
_SHARED: Final = (
    "table", "experiment", "control", "metrics", "covariates", "planned_shares", "cluster", "window_days",
    "history_days", "confidence_level",
)  # fmt: skip


def uplift_list(
    tables: Tables, as_of: date, incrementality_params: IncrementalityParams, uplift_params: UpliftParams
) -> pd.DataFrame:
    """One row per experiment, as ``incrementality.experiment_list`` has them."""
    return incrementality.experiment_list(tables, as_of, _reading(incrementality_params, uplift_params))


def uplift_frame(
    tables: Tables,
    uplift_list: pd.DataFrame,
    incrementality_params: IncrementalityParams,
    uplift_params: UpliftParams,
) -> dict[str, Any]:
    """The experiment that is learnt from and how, as ``incrementality.experiment_frame`` has it.

    Further keys: ``learners``, ``margin_share``, ``margin_by`` (book, assumed), ``unit_value``, ``cost_per_touch``,
    ``budget``, ``confidence_level``.
    """
    reading = _reading(incrementality_params, uplift_params)
    frame = incrementality.experiment_frame(tables, uplift_list, reading)
    given = uplift_params.margin_share is not None
    return {
        **frame,
        "learners": list(uplift_params.learners),
        "margin_share": uplift_params.margin_share if given else _ASSUMED_MARGIN,
        "margin_by": "book" if given else "assumed",
        "unit_value": uplift_params.unit_value,
        "cost_per_touch": uplift_params.cost_per_touch,
        "budget": uplift_params.budget,
        "confidence_level": uplift_params.confidence_level,
    }


def _reading(incrementality_params: IncrementalityParams, uplift_params: UpliftParams) -> IncrementalityParams:
    """Return how the experiment is read: this page's word where it has one, else that of incrementality.

    Another table or experiment than incrementality's takes nothing of it that belongs to an experiment.
    """
    own = {name: value for name in _SHARED if (value := getattr(uplift_params, name)) not in (None, {}, [])}
    moved = any(own.get(name) not in (None, getattr(incrementality_params, name)) for name in ("table", "experiment"))
    kept = {"history_days"} if moved else set(_SHARED)
    inherited = {name: getattr(incrementality_params, name) for name in kept}
    return IncrementalityParams.model_validate({**inherited, **own})


def uplift_customers(
    tables: Tables,
    uplift_frame: dict[str, Any],
    incrementality_params: IncrementalityParams,
    uplift_params: UpliftParams,
    ordered_purchases: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per customer of the experiment: ``customer_id``, ``arm``, metrics, what was known before, clusters.

    Of assignments, unless the book names covariates: the feature table as of the day before the first assignment, so
    that nothing of the days of assignment is in it. Who had not bought by then has none of it.
    """
    reading = _reading(incrementality_params, uplift_params)
    rows = incrementality.trial_customers(tables, uplift_frame, reading)
    if uplift_frame["source"] == "outcomes" or reading.covariates:
        return rows
    members = tables.lazy("assignments").filter(nw.col("experiment_id") == uplift_frame["experiment_id"])
    first = members.select(nw.col("assigned_on").min()).collect("pandas").to_native().iloc[0, 0]
    day = days_before(pd.Timestamp(first).date(), days=1)
    channels = channels_touched(tables, as_of=day) if tables.has("touches") else None
    bought = None if ordered_purchases is None else _purchases(ordered_purchases, rows["customer_id"])
    known = collect_features(tables.among(members), as_of=day, channels=channels, purchases=bought)
    place = places_of(rows["customer_id"], among=known.pop("customer_id"))
    columns = [name for name in model_columns(map(str, known.columns)) if name not in rows]
    made = {}
    for name in columns:
        values = known.pop(name).to_numpy(dtype=np.float64, na_value=np.nan)
        if np.fmin.reduce(values, initial=np.inf) < np.fmax.reduce(values, initial=-np.inf):
            made[name] = np.where(place >= 0, values[place], np.nan)
    return pd.concat([rows, pd.DataFrame(made, index=rows.index)], axis=1)


def _purchases(ordered: pd.DataFrame, customers: "pd.Series[str]") -> tuple[Purchases, Habits]:
    """Return what these customers bought, and what else is known of each purchase."""
    place = places_of(customers, among=ordered["customer_id"].dropna())
    some = of_some_customers(ordered, customers=place[place >= 0])
    return purchases_of(some), habits_of(some)


def uplift_ratio(uplift_frame: dict[str, Any], uplift_customers: pd.DataFrame) -> dict[str, Any]:
    """Whether customers came out in the planned shares: ``pvalue``, ``state`` (ok, warn, stop), ``table`` by arm."""
    cluster = uplift_frame["cluster"]
    clusters = uplift_customers[cluster] if cluster else None
    found = sample_ratio(uplift_customers["arm"], shares=uplift_frame["shares"], clusters=clusters)
    return {"pvalue": found.pvalue, "state": found.state, "table": found.table.to_dict("records")}


def uplift_known(uplift_frame: dict[str, Any], uplift_customers: pd.DataFrame) -> dict[str, Any]:
    """What is ranked by: ``covariates`` that are used, ``late`` ones left out because arms differ in them.

    See ``experiment.uplift.known_before``.
    """
    trial = _trial(uplift_frame, uplift_customers)
    late = late_columns(trial)
    return {"covariates": [name for name in trial.covariates if name not in late], "late": late}


def uplift_scores(
    uplift_frame: dict[str, Any],
    uplift_customers: pd.DataFrame,
    uplift_ratio: dict[str, Any],
    uplift_known: dict[str, Any],
    seed: int,
) -> pd.DataFrame:
    """One row per metric, arm and customer, see ``experiment.uplift.learn_everyone``; none where nothing is learnt.

    Nothing is learnt where the sample ratio stops it or nothing is known from before.

    Raises:
        TooFewError: If no arm and metric has enough customers.
    """
    trial = _trial(uplift_frame, uplift_customers)._replace(covariates=uplift_known["covariates"])
    if uplift_ratio["state"] == "stop" or not trial.covariates:
        return pd.DataFrame(columns=["metric", "arm", "place", "training", "judged", "fold", "robust", "without"])
    before = distinct_measures(uplift_customers, columns=list(trial.covariates))
    found = learn_everyone(trial, before, seed=seed)
    if found.empty:
        fewest = int(uplift_customers["arm"].value_counts().min())
        raise TooFewError(fewest, needed=FEWEST_IN_AN_ARM, needed_by="uplift")
    return found


def uplift_findings(
    uplift_frame: dict[str, Any], uplift_customers: pd.DataFrame, uplift_scores: pd.DataFrame, seed: int
) -> dict[str, Any]:
    """What the judging half says, see ``experiment.uplift_judging.judge``: rows of each table by its name."""
    found = judge(_trial(uplift_frame, uplift_customers), uplift_scores, seed=seed)
    return {name: _rows(getattr(found, name)) for name in Findings._fields}


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows of plain values; what is not known is None."""
    plain = table.astype(object)
    rows = plain.where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _trial(frame: dict[str, Any], customers: pd.DataFrame) -> UpliftTrial:
    named = {"customer_id", "arm", frame["cluster"], *frame["metrics"]}
    of_features = [str(name) for name in customers.columns if name not in named]
    terms = Terms(frame["margin_share"], frame["unit_value"], frame["cost_per_touch"], frame["budget"])
    return UpliftTrial(
        customers, frame["control"], frame["metrics"],
        frame["covariates"] if frame["source"] == "outcomes" else of_features, frame["shares"], terms,
        cluster=frame["cluster"], learners=frame["learners"], confidence_level=frame["confidence_level"],
    )  # fmt: skip


def uplift_private(
    uplift_customers: pd.DataFrame,
    uplift_scores: pd.DataFrame,
    uplift_findings: dict[str, Any],
) -> pd.DataFrame:
    """One row per customer and arm whose ranking is proven, best first: ``customer_id``, ``metric``, ``assigned``.

    ``uplift`` is predicted by models that did not see the customer, ``half`` says which half they were in. No row of
    a ranking that is not proven: nobody should send by it.
    """
    columns = ["metric", "arm", "customer_id", "assigned", "half", "uplift"]
    parts = [pd.DataFrame(columns=columns)]
    for row in uplift_findings["measures"]:
        if not row["knows"]:
            continue
        scores = uplift_scores[(uplift_scores["metric"] == row["metric"]) & (uplift_scores["arm"] == row["arm"])]
        people = uplift_customers.iloc[scores["place"]]
        made = pd.DataFrame(
            {
                "metric": row["metric"],
                "arm": row["arm"],
                "customer_id": people["customer_id"].to_numpy(),
                "assigned": people["arm"].to_numpy(),
                "half": np.select([scores["training"], scores["judged"]], ["training", "judging"], "neither"),
                "uplift": scores[row["learner"]].to_numpy(dtype=np.float64),
            }
        )
        parts.append(made.sort_values(["uplift", "customer_id"], ascending=[False, True]))
    found = [part for part in parts if len(part)] or parts
    return pd.concat(found, ignore_index=True)[columns]
