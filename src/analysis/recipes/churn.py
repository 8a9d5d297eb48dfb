"""Who is leaving: past windows, two forecasts judged on the latest of them, and today's customers at risk.

The chain: ``churn_frame`` (who is asked about, at which days) → ``churn_history`` (features and what happened, per
origin) → ``churn_season`` (what last year says of the level) → ``churn_judgement`` (both forecasts on windows that
are over) → ``churn_verdict`` (which one holds) → ``churn_scores`` (today's customers). Where churn cannot be judged the
tables are empty and the verdict says why.
"""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.churn import drivers, priorities, season, wording
from analysis.churn.baseline import RecencyBaseline
from analysis.churn.classifier import LARGEST_FIT
from analysis.churn.evaluation import (
    REPEAT_SHARE_AT_LEAST,
    Verdict,
    answerable,
    choose,
    evaluate_both,
    failed_gates,
    is_the_question,
)
from analysis.churn.forecast import RECENCY, Forecasts, fit_forecasts
from analysis.churn.labels import (
    LONGEST_ACTIVE_DAYS,
    active_population,
    default_active_days,
    label_churn,
    rolling_origins,
)
from analysis.data.connect import Tables
from analysis.features.repetition import money_that_repeats, purchase_gaps
from analysis.features.rfm import rfm
from analysis.features.table import collect, feature_table, model_columns
from analysis.params import ChurnParams
from analysis.periods import days_after, days_before

_ROLES: Final = ("training", "calibration", "judging")
_TRAINING_ORIGINS: Final = {2: LARGEST_FIT // 2, 3: 5_000, 4: 0}
"""How many origins to learn from, by the fewest customers of the last year: each costs a feature table."""

_DRIVER_ROWS: Final = 20_000
"""Customers that drivers are learnt from: each driver costs a forecast of all of them."""

_SCORE_COLUMNS: Final = {
    "customer_id": "string",
    "p_churn": "float64",
    "revenue_last_year": "float64",
    "revenue_in_horizon": "float64",
    "value_at_risk": "float64",
    "risk_band": "string",
    "value_band": "string",
}


def churn_frame(tables: Tables, features: pd.DataFrame, as_of: date, churn_params: ChurnParams) -> dict[str, Any]:
    """The frame of the question: how far ahead, who is asked about, and the days history is looked at.

    Keys: ``horizon_days``, ``active_days``, ``share_repeat`` (of all customers, 0-1), ``share_single_order`` (of the
    money of those who came back, 0-1; None if nobody did), ``n_customers`` (ever bought), ``training`` (days),
    ``calibration`` and ``judging`` (a day, or None where it lies before the first order).
    """
    horizon = churn_params.horizon_days
    first = features["first_order_on"].min().date()
    recent = int((features[RECENCY] <= LONGEST_ACTIVE_DAYS).sum())
    n_training = next(n for n, fewest in _TRAINING_ORIGINS.items() if recent >= fewest)
    days = rolling_origins(as_of=as_of, horizon_days=horizon, first_day=first, n_training=n_training)
    active = churn_params.active_days
    if active is None:
        # Gaps known when the judging window opened: the population is fixed before anybody looks into it.
        gaps = purchase_gaps(tables, as_of=days.judging).collect("pandas").to_native()
        active = default_active_days(gaps["gap_days"], n_gaps=gaps["n_gaps"])
    return {
        "horizon_days": horizon,
        "active_days": active,
        "share_repeat": float((features["frequency"] > 0).mean()),
        "share_single_order": _single_order(tables, as_of),
        "n_customers": len(features),
        "training": [day.isoformat() for day in days.training],
        "calibration": days.calibration.isoformat() if days.calibration > first else None,
        "judging": days.judging.isoformat() if days.judging > first else None,
    }


def _single_order(tables: Tables, as_of: date) -> float | None:
    sums = money_that_repeats(tables, as_of=as_of).collect("pandas").to_native().iloc[0]
    return float(sums["in_largest_order"] / sums["revenue"]) if sums["revenue"] > 0 else None


def _is_the_question(frame: dict[str, Any]) -> bool:
    single = frame["share_single_order"]
    return is_the_question(
        share_repeat=frame["share_repeat"], share_single_order=float("nan") if single is None else single
    )


def churn_history(tables: Tables, features: pd.DataFrame, churn_frame: dict[str, Any], seed: int) -> pd.DataFrame:
    """One row per customer and past origin: ``origin_on``, ``role``, ``churned`` and the predictors.

    Only customers active at the origin; of more than 200,000 a random sample. Predictors come from the tables as they
    were known at the origin, the label from the features at the end of its window, which is the next origin.
    """
    columns = [c for c in model_columns(features.columns) if "__" not in c]
    parts, later = [], features[["customer_id", "last_order_on"]]
    for role, origin in _origins(churn_frame):
        known = collect(feature_table(tables, as_of=origin, channels=()))
        active = active_population(known, active_days=churn_frame["active_days"])
        active = active.assign(churned=label_churn(active["customer_id"], later=later, origin=origin))
        sampled = active.sample(min(len(active), LARGEST_FIT), random_state=seed, ignore_index=True)
        predictors = sampled.reindex(columns=columns).astype("float32")
        parts.append(predictors.assign(origin_on=pd.Timestamp(origin), role=role, churned=sampled["churned"]))
        later = known[["customer_id", "last_order_on"]]
    if not parts:
        return pd.DataFrame(columns=["origin_on", "role", "churned"])
    return pd.concat(parts[::-1], ignore_index=True)


def _origins(frame: dict[str, Any]) -> list[tuple[str, date]]:
    """Return the origins of the frame with their roles, newest first; none where churn is not the question."""
    if not _is_the_question(frame):
        return []
    found = [("judging", frame["judging"]), ("calibration", frame["calibration"])]
    found += [("training", day) for day in reversed(frame["training"])]
    return [(role, date.fromisoformat(day)) for role, day in found if day is not None]


def churn_question(churn_frame: dict[str, Any], churn_history: pd.DataFrame) -> dict[str, Any]:
    """Whether churn can be judged here: ``judged``; if not, ``verdict``, ``reason`` and ``advice``."""
    counts = churn_history.groupby("role")["churned"].agg(["size", "sum"]).reindex(_ROLES, fill_value=0)
    verdict = answerable(
        is_the_question=_is_the_question(churn_frame),
        n_training_origins=len(churn_frame["training"]),
        n_churned=int(counts["sum"].min()),
        n_stayed=int((counts["size"] - counts["sum"]).min()),
    )
    return {
        "judged": verdict is None,
        "verdict": verdict.value if verdict else None,
        "reason": _reason(verdict, churn_frame) if verdict else None,
        "advice": wording.advice(verdict) if verdict else None,
    }


def _reason(verdict: Verdict, frame: dict[str, Any]) -> dict[str, str]:
    buy_once = frame["share_repeat"] < REPEAT_SHARE_AT_LEAST
    return wording.reason(verdict, horizon_days=frame["horizon_days"], buy_once=buy_once)


def churn_levels(
    tables: Tables,
    features: pd.DataFrame,
    as_of: date,
    churn_frame: dict[str, Any],
    churn_history: pd.DataFrame,
    churn_question: dict[str, Any],
) -> pd.DataFrame:
    """One row per window, oldest first, the one that opens today last: the level of churn then and a year before.

    ``level`` and ``level_last_year`` are log-odds above the recency-only forecast of the training origins, the latter
    in the window 52 weeks earlier; not known (NaN) where it lies in the future or before the history.
    """
    columns = ["origin_on", "level", "level_last_year"]
    if not churn_question["judged"]:
        return pd.DataFrame(columns=columns)
    learnt = churn_history[churn_history["role"] == "training"]
    baseline = RecencyBaseline().fit(learnt[RECENCY], learnt["churned"])
    levels = {
        origin.date(): season.level_offset(window["churned"], baseline.predict(window[RECENCY]))
        for origin, window in ((o, churn_history[churn_history["origin_on"] == o]) for o in _days(churn_history))
    }
    horizon = churn_frame["horizon_days"]
    oldest = days_after(features["first_order_on"].min().date(), days=horizon)
    later, last_year = None, {}
    for origin in sorted([*levels, as_of], reverse=True):
        twin = season.year_before(origin)
        if twin < oldest:
            break
        later = collect(rfm(tables, as_of=days_after(twin, days=horizon))) if later is None else later
        known = collect(rfm(tables, as_of=twin))
        active = active_population(known, active_days=churn_frame["active_days"])
        churned = label_churn(active["customer_id"], later=later, origin=twin)
        last_year[origin] = season.level_offset(churned, baseline.predict(active[RECENCY]))
        later = known
    rows = [(pd.Timestamp(o), levels.get(o, np.nan), last_year.get(o, np.nan)) for o in sorted([*levels, as_of])]
    return pd.DataFrame(rows, columns=columns)


def _days(history: pd.DataFrame) -> list[pd.Timestamp]:
    return sorted(pd.Timestamp(day) for day in history["origin_on"].unique())


def churn_season(churn_levels: pd.DataFrame) -> dict[str, Any]:
    """What last year said of the judging window (``judging``) and says of the one that opens today (``next``)."""
    if churn_levels.empty:
        return {}
    levels = churn_levels["level"].tolist()[:-1]
    last_year = [None if np.isnan(level) else level for level in churn_levels["level_last_year"]]
    judging = season.seasonal_move(levels[:-1], last_year=last_year[:-1])
    following = season.seasonal_move(levels, last_year=last_year)
    return {"judging": judging._asdict(), "next": following._asdict()}


def churn_judgement(
    churn_history: pd.DataFrame, churn_question: dict[str, Any], churn_season: dict[str, Any], seed: int
) -> pd.DataFrame:
    """One row per customer and past origin: what happened and what both forecasts said.

    Columns ``origin_on``, ``role``, ``churned``, ``p_model``, ``p_baseline``; on the judging origin also
    ``shuffled__<driver>``, the model's forecast with that driver's columns taken from another customer (of at most
    20,000 customers). The forecasts learnt on the training origins, were put right on the calibration origin, and
    moved to the judging window's level as last year foretold it.
    """
    kept = ["origin_on", "role", "churned"]
    if not churn_question["judged"]:
        return pd.DataFrame(columns=[*kept, "p_model", "p_baseline"])
    role = churn_history["role"]
    forecasts = _fitted(churn_history, training=role == "training", calibration=role == "calibration", seed=seed)
    move = churn_season["judging"]["move"]
    by = np.where(role == "judging", move, 0.0)
    judged = churn_history[kept].assign(
        p_model=season.shifted(forecasts.p_model(churn_history), by=by),
        p_baseline=season.shifted(forecasts.p_baseline(churn_history), by=by),
    )
    shown = churn_history[role == "judging"].head(_DRIVER_ROWS)
    groups = {name: driver.columns for name, driver in drivers.DRIVERS.items()}

    def predict(known: pd.DataFrame) -> NDArray[np.float64]:
        return season.shifted(forecasts.p_model(known), by=move)

    shuffled = drivers.shuffled_forecasts(shown, groups=groups, predict=predict, seed=seed)
    return judged.join(shuffled.add_prefix(drivers.SHUFFLED))


def _fitted(
    history: pd.DataFrame, *, training: "pd.Series[bool]", calibration: "pd.Series[bool]", seed: int
) -> Forecasts:
    columns = [c for c in history.columns if c not in {"origin_on", "role", "churned"}]
    return fit_forecasts(history[training], calibration=history[calibration], columns=columns, seed=seed)


def churn_verdict(churn_question: dict[str, Any], churn_judgement: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Which forecast is used and why.

    Keys: ``judged``, ``verdict``, ``failed`` (gates the full model failed), ``column`` (of the forecast used), and the
    labels by language ``reason`` (where nothing could be judged), ``claim``, ``detail``, ``used``.
    """
    if not churn_question["judged"]:
        return {**churn_question, "failed": [], "column": None, "claim": None, "detail": None, "used": None}
    model, baseline = evaluate_both(churn_judgement, seed=seed)
    verdict, failed = choose(model, baseline), failed_gates(model)
    return {
        **churn_question,
        "verdict": verdict.value,
        "failed": list(failed),
        "column": "p_model" if verdict is Verdict.MODEL else "p_baseline",
        "claim": wording.verdict_claim(verdict),
        "detail": wording.verdict_detail(verdict, failed=failed),
        "used": wording.FORECASTS[verdict],
    }


def churn_forecast(
    features: pd.DataFrame,
    churn_frame: dict[str, Any],
    churn_history: pd.DataFrame,
    churn_question: dict[str, Any],
    churn_season: dict[str, Any],
    seed: int,
) -> pd.DataFrame:
    """One row per customer active today: ``customer_id``, ``p_model``, ``p_baseline``.

    The judged procedure, one horizon later: it learns on all origins but the newest, which puts it right.
    """
    active = active_population(features, active_days=churn_frame["active_days"])
    if not churn_question["judged"]:
        return active[["customer_id"]].assign(p_model=np.nan, p_baseline=np.nan)
    newest = churn_history["role"] == "judging"
    forecasts = _fitted(churn_history, training=~newest, calibration=newest, seed=seed)
    columns = list(forecasts.model.columns)
    known = active.reindex(columns=columns).astype("float32")
    move = churn_season["next"]["move"]
    return active[["customer_id"]].assign(
        p_model=season.shifted(forecasts.p_model(known), by=move),
        p_baseline=season.shifted(forecasts.p_baseline(known), by=move),
    )


def churn_scores(
    tables: Tables,
    features: pd.DataFrame,
    as_of: date,
    churn_frame: dict[str, Any],
    churn_forecast: pd.DataFrame,
    churn_verdict: dict[str, Any],
) -> pd.DataFrame:
    """One row per customer active today: risk, value and both together; empty where churn cannot be judged.

    ``p_churn`` (0-1, no unrefunded purchase within the horizon), ``revenue_last_year`` and ``revenue_in_horizon`` (its
    proportion), ``value_at_risk`` = ``p_churn`` × ``revenue_in_horizon`` (currency), ``risk_band``, ``value_band``.
    """
    if not churn_verdict["judged"]:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _SCORE_COLUMNS.items()})
    before = collect(rfm(tables, as_of=days_before(as_of, days=365)))[["customer_id", "revenue"]]
    known = churn_forecast.merge(features[["customer_id", "revenue"]], on="customer_id")
    known = known.merge(before, on="customer_id", how="left", suffixes=("", "_before"))
    last_year = (known["revenue"] - known["revenue_before"].fillna(0.0)).clip(lower=0.0)
    worth = priorities.revenue_in_horizon(last_year, horizon_days=churn_frame["horizon_days"])
    p = known[churn_verdict["column"]]
    return pd.DataFrame(
        {
            "customer_id": known["customer_id"],
            "p_churn": p,
            "revenue_last_year": last_year,
            "revenue_in_horizon": worth,
            "value_at_risk": p * worth,
            "risk_band": priorities.band(p),
            "value_band": priorities.band(last_year),
        }
    )
