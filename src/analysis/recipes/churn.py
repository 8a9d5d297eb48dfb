"""Who is leaving: past windows, forecasts judged on the latest of them, and today's customers at risk.

The chain: ``churn_purchases`` (whose past is looked at) → ``churn_frame`` (who is asked about, at which days) →
``churn_history`` (features and what happened, per origin) → ``churn_leakage`` (nothing in it knew the future, or the
page stops) → ``churn_rivals`` (buy-till-you-die models, per origin) → ``churn_season`` (what last year says of the
level) → ``churn_judgement`` (all forecasts on windows that are over) → ``churn_verdict`` (which one holds) →
``churn_scores`` (today's customers). Where churn cannot be judged the tables are empty and the verdict says why.
"""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.churn import drivers, leakage, priorities, rivals, season, wording
from analysis.churn.baseline import RecencyBaseline
from analysis.churn.classifier import LARGEST_FIT
from analysis.churn.evaluation import (
    REPEAT_SHARE_AT_LEAST,
    Verdict,
    answerable,
    choose,
    evaluate_all,
    failed_gates,
    is_the_question,
)
from analysis.churn.forecast import MODEL, RECENCY, Forecasts, Opinions, fit_forecasts
from analysis.churn.labels import (
    LONGEST_ACTIVE_DAYS,
    active_population,
    default_active_days,
    label_churn,
    rolling_origins,
)
from analysis.data.connect import Tables
from analysis.data.truncation import write_known_then
from analysis.features.ordered_purchases import (
    BOUGHT,
    gaps_at,
    history_at,
    n_active_at,
    of_some_customers,
    purchases_of,
    rfm_at,
    share_in_largest_order,
)
from analysis.features.places import said_of
from analysis.features.rfm import rfm
from analysis.features.table import collect, collect_features
from analysis.params import ChurnParams
from analysis.periods import days_after, days_before
from analysis.recipes.resolver import reads

_ROLES: Final = ("training", "calibration", "judging")
_TRAINING_ORIGINS: Final = {2: LARGEST_FIT // 2, 3: 5_000, 4: 0}
"""How many origins to learn from, by the fewest customers of the last year: each costs a feature table."""

_CUSTOMERS_LOOKED_AT: Final = 50_000
"""Customers of the last year that past windows are made of, at most; of more, a part drawn at random. Twice as many
move the area under the curve by 0.0001 at a million customers."""

_DRIVER_ROWS: Final = 20_000
"""Customers that drivers are learnt from: each driver costs a forecast of all of them."""

_NOT_PREDICTORS: Final = frozenset({"customer_id", "origin_on", "role", "churned"})

_SCORE_COLUMNS: Final = {
    "customer_id": "string",
    "p_churn": "float64",
    "revenue_last_year": "float64",
    "revenue_in_horizon": "float64",
    "value_at_risk": "float64",
    "risk_band": "string",
    "value_band": "string",
}


@reads(features=(RECENCY,), ordered_purchases=BOUGHT)
def churn_purchases(features: pd.DataFrame, ordered_purchases: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The purchases of the customers whose past is looked at, as ``ordered_purchases`` keeps them.

    Of all customers, or of so many drawn at random that about 50,000 of them bought within the last year.
    """
    share = _share_looked_at(features)
    if share >= 1:
        return ordered_purchases
    n = int(ordered_purchases["customer_id"].notna().sum())
    drawn = np.random.default_rng(seed).choice(n, round(share * n), replace=False)
    return of_some_customers(ordered_purchases, customers=drawn)


def _share_looked_at(features: pd.DataFrame) -> float:
    return min(1.0, _CUSTOMERS_LOOKED_AT / max(int((features[RECENCY] <= LONGEST_ACTIVE_DAYS).sum()), 1))


@reads(features=("first_order_on", "frequency", RECENCY), ordered_purchases=BOUGHT)
def churn_frame(
    features: pd.DataFrame,
    ordered_purchases: pd.DataFrame,
    churn_purchases: pd.DataFrame,
    as_of: date,
    churn_params: ChurnParams,
) -> dict[str, Any]:
    """The frame of the question: how far ahead, who is asked about, and the days history is looked at.

    Keys: ``horizon_days``, ``active_days``, ``share_repeat`` (of all customers, 0-1), ``share_single_order`` (of the
    money of those who came back, 0-1; None if nobody did), ``n_customers`` (ever bought), ``share_looked_at`` (of
    customers whose past is looked at, 0-1), ``n_population`` (of all customers, those active when the judging window
    opened), ``training`` (days), ``calibration`` and ``judging`` (a day, or None where it lies before the first order).
    """
    horizon = churn_params.horizon_days
    first = features["first_order_on"].min().date()
    recent = int((features[RECENCY] <= LONGEST_ACTIVE_DAYS).sum())
    n_training = next(n for n, fewest in _TRAINING_ORIGINS.items() if recent >= fewest)
    days = rolling_origins(as_of=as_of, horizon_days=horizon, first_day=first, n_training=n_training)
    part = purchases_of(churn_purchases)
    active = churn_params.active_days
    if active is None:
        # Gaps known when the judging window opened: the population is fixed before anybody looks into it.
        gaps = gaps_at(part, as_of=days.judging)
        active = default_active_days(gaps["gap_days"], n_gaps=gaps["n_gaps"])
    return {
        "horizon_days": horizon,
        "active_days": active,
        "share_repeat": float((features["frequency"] > 0).mean()),
        "share_single_order": share_in_largest_order(part, as_of=as_of),
        "n_customers": len(features),
        "share_looked_at": _share_looked_at(features),
        "n_population": n_active_at(purchases_of(ordered_purchases), as_of=days.judging, active_days=active),
        "training": [day.isoformat() for day in days.training],
        "calibration": days.calibration.isoformat() if days.calibration > first else None,
        "judging": days.judging.isoformat() if days.judging > first else None,
    }


def _is_the_question(frame: dict[str, Any]) -> bool:
    single = frame["share_single_order"]
    return is_the_question(
        share_repeat=frame["share_repeat"], share_single_order=float("nan") if single is None else single
    )


def churn_history(
    tables: Tables, churn_purchases: pd.DataFrame, churn_frame: dict[str, Any], as_of: date
) -> pd.DataFrame:
    """One row per customer and past origin: ``customer_id``, ``origin_on``, ``role``, ``churned`` and the predictors.

    Only customers active at the origin; of many a part, the same customers at every origin. Predictors come from the
    tables as they were known at the origin, the label from what was known at the end of its window, which is the next
    origin.
    """
    part = _looked_at(tables, churn_purchases, churn_frame)
    wanted = {*drivers.PREDICTORS, RECENCY, "last_order_on"}
    parts, later = [], rfm_at(purchases_of(churn_purchases), as_of=as_of)
    for role, origin in _origins(churn_frame):
        known = collect_features(part, as_of=origin, channels=(), only=wanted)
        active = active_population(known, active_days=churn_frame["active_days"])
        churned = label_churn(active["customer_id"], later=later, origin=origin).to_numpy()
        predictors = active[[name for name in drivers.PREDICTORS if name in active]].astype("float32")
        told = predictors.assign(customer_id=active["customer_id"], origin_on=pd.Timestamp(origin))
        parts.append(told.assign(role=role, churned=churned))
        later = known[["customer_id", "last_order_on"]]
    if not parts:
        return pd.DataFrame(columns=["customer_id", "origin_on", "role", "churned"])
    return pd.concat(parts[::-1], ignore_index=True)


def _looked_at(tables: Tables, purchases: pd.DataFrame, frame: dict[str, Any]) -> Tables:
    """Return the tables of the customers whose past is looked at: all tables, or what predictors need of a part."""
    if frame["share_looked_at"] >= 1:
        return tables
    return tables.read_once(purchases["customer_id"].dropna().tolist(), columns=drivers.SOURCES)


def churn_leakage(
    tables: Tables,
    churn_purchases: pd.DataFrame,
    churn_frame: dict[str, Any],
    churn_history: pd.DataFrame,
) -> pd.DataFrame:
    """One row per origin and predictor: for how many customers its value differs from that of truncated data.

    Columns ``origin_on``, ``column``, ``n_customers``, ``n_different``. For about 2,000 customers the predictors are
    computed again from files that hold nothing learnt after the origin: at the oldest origin, which has the longest
    future to leak, and at the one that judges.

    Raises:
        LeakError: If any differs, naming the columns: nothing is forecast then.
    """
    share = leakage.CUSTOMERS_CHECKED / (churn_frame["n_customers"] * churn_frame["share_looked_at"])
    chosen = leakage.checked_customers(churn_history["customer_id"].unique(), share=share)
    checked = churn_history[churn_history["customer_id"].isin(chosen)]
    few = _looked_at(tables, churn_purchases, churn_frame).among(chosen)
    columns, found = _predictors(churn_history), []
    for origin in dict.fromkeys(_days(churn_history)[:1] + _days(churn_history)[-1:]):
        with TemporaryDirectory() as folder:
            then = write_known_then(few, day=origin.date(), folder=Path(folder))
            rebuilt = collect_features(then, as_of=origin.date(), channels=(), only=columns)
        given = checked[checked["origin_on"] == origin]
        compared = leakage.compare_with_rebuilt(given, rebuilt=rebuilt, columns=columns)
        found.append(compared.assign(origin_on=origin))
    tables.let_go()  # nothing below looks at a part of the customers
    if not found:
        return pd.DataFrame(columns=["origin_on", "column", "n_customers", "n_different"])
    comparison = pd.concat(found, ignore_index=True)
    leakage.refuse_leaks(comparison)
    return comparison[["origin_on", "column", "n_customers", "n_different"]]


def _predictors(history: pd.DataFrame) -> list[str]:
    return [name for name in history.columns if name not in _NOT_PREDICTORS]


def _origins(frame: dict[str, Any]) -> list[tuple[str, date]]:
    """Return the origins of the frame with their roles, newest first; none where churn is not the question."""
    if not _is_the_question(frame):
        return []
    found = [("judging", frame["judging"]), ("calibration", frame["calibration"])]
    found += [("training", day) for day in reversed(frame["training"])]
    return [(role, date.fromisoformat(day)) for role, day in found if day is not None]


@reads(churn_history=("role", "churned"))
def churn_question(
    churn_frame: dict[str, Any], churn_history: pd.DataFrame, churn_leakage: pd.DataFrame
) -> dict[str, Any]:
    """Whether churn can be judged here: ``judged``; if not, ``verdict``, ``reason`` and ``advice``.

    ``n_checked`` counts the values that were compared with truncated data: a leak would have stopped here.
    """
    counts = churn_history.groupby("role")["churned"].agg(["size", "sum"]).reindex(_ROLES, fill_value=0)
    verdict = answerable(
        is_the_question=_is_the_question(churn_frame),
        n_training_origins=len(churn_frame["training"]),
        n_churned=int(counts["sum"].min()),
        n_stayed=int((counts["size"] - counts["sum"]).min()),
    )
    return {
        "n_checked": int(churn_leakage["n_customers"].sum()),
        "judged": verdict is None,
        "verdict": verdict.value if verdict else None,
        "reason": _reason(verdict, churn_frame) if verdict else None,
        "advice": wording.advice(verdict) if verdict else None,
    }


def _reason(verdict: Verdict, frame: dict[str, Any]) -> dict[str, str]:
    buy_once = frame["share_repeat"] < REPEAT_SHARE_AT_LEAST
    return wording.reason(verdict, horizon_days=frame["horizon_days"], buy_once=buy_once)


@reads(features=("first_order_on",), churn_history=("origin_on", "role", "churned", RECENCY))
def churn_levels(
    churn_purchases: pd.DataFrame,
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
    part = purchases_of(churn_purchases)
    oldest = days_after(features["first_order_on"].min().date(), days=horizon)
    later, last_year = None, {}
    for origin in sorted([*levels, as_of], reverse=True):
        twin = season.year_before(origin)
        if twin < oldest:
            break
        later = rfm_at(part, as_of=days_after(twin, days=horizon)) if later is None else later
        known = rfm_at(part, as_of=twin)
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


def churn_rivals(
    churn_purchases: pd.DataFrame,
    as_of: date,
    churn_frame: dict[str, Any],
    churn_question: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """The buy-till-you-die models, fitted on what was known: by origin (ISO day) and slug.

    At the calibration origin, at the judging origin and today; each on all customers known then, not only the active.
    """
    if not churn_question["judged"]:
        return {}
    part = purchases_of(churn_purchases)
    found = {}
    for day in (churn_frame["calibration"], churn_frame["judging"], as_of.isoformat()):
        known = history_at(part, as_of=date.fromisoformat(day))
        found[day] = rivals.fit_rivals(known, seed=seed)
    held = set.intersection(*(set(models) for models in found.values()))
    return {day: {slug: kept for slug, kept in models.items() if slug in held} for day, models in found.items()}


def churn_judgement(
    churn_frame: dict[str, Any],
    churn_history: pd.DataFrame,
    churn_question: dict[str, Any],
    churn_rivals: dict[str, Any],
    churn_season: dict[str, Any],
    seed: int,
) -> pd.DataFrame:
    """One row per customer and past origin: what happened and what every forecast said.

    Columns ``origin_on``, ``role``, ``churned``, ``p_model``, ``p_baseline`` and ``p_<slug>`` of each buy-till-you-die
    model; on the judging origin also ``shuffled__<driver>``, the model's forecast with that driver's columns taken from
    another customer (of at most 20,000 customers). The forecasts learnt on the training origins, were put right on the
    calibration origin, and moved to the level expected of the judging window: as last year foretold it, and half the
    way back from what was unusual in the calibration window.
    """
    kept = ["origin_on", "role", "churned"]
    if not churn_question["judged"]:
        return pd.DataFrame(columns=[*kept, MODEL, "p_baseline"])
    role, horizon = churn_history["role"], churn_frame["horizon_days"]
    judging, earlier = role == "judging", role != "judging"
    known = {origin: churn_rivals[churn_frame[origin]] for origin in ("calibration", "judging")}
    forecasts = _fitted(churn_history, training=role == "training", calibration=role == "calibration",
                        fitted=known["calibration"], horizon_days=horizon, seed=seed)  # fmt: skip
    move = churn_season["judging"]["move"] + forecasts.settling

    def opinions(rows: pd.DataFrame, origin: str) -> Opinions:
        return rivals.p_no_purchase(rows, fitted=known[origin], horizon_days=horizon)

    past, asked = churn_history[earlier], churn_history[judging]
    said = [
        forecasts.all(past, opinions=opinions(past, "calibration"), move=0.0),
        forecasts.all(asked, opinions=opinions(asked, "judging"), move=move),
    ]
    groups = {name: driver.columns for name, driver in drivers.DRIVERS.items()}
    some = asked.head(_DRIVER_ROWS)
    unmoved = opinions(some, "judging")

    def predict(rows: pd.DataFrame) -> NDArray[np.float64]:
        moved = any(not rows[name].equals(some[name]) for name in rivals.COLUMNS)
        second = opinions(rows, "judging") if moved else unmoved
        return season.shifted(forecasts.p_model(rows, opinions=second), by=move)

    shuffled = drivers.shuffled_forecasts(some, groups=groups, predict=predict, seed=seed)
    return churn_history[kept].join(pd.concat(said)).join(shuffled.add_prefix(drivers.SHUFFLED))


def _fitted(
    history: pd.DataFrame,
    *,
    training: "pd.Series[bool]",
    calibration: "pd.Series[bool]",
    fitted: dict[str, Any],
    horizon_days: int,
    seed: int,
) -> Forecasts:
    known = history[calibration]
    opinions = rivals.p_no_purchase(known, fitted=fitted, horizon_days=horizon_days)
    return fit_forecasts(
        history[training], calibration=known, opinions=opinions, columns=_predictors(history), seed=seed
    )


def churn_permutation(churn_history: pd.DataFrame, churn_question: dict[str, Any], seed: int) -> dict[str, Any]:
    """What the model ranks when outcomes are dealt out at random: ``auc`` with interval, which must hold 0.5."""
    if not churn_question["judged"]:
        return {}
    role = churn_history["role"]
    score = leakage.auc_of_permuted_outcomes(
        churn_history[role == "training"],
        judged=churn_history[role == "judging"],
        columns=_predictors(churn_history),
        seed=seed,
    )
    return score._asdict()


def churn_verdict(churn_question: dict[str, Any], churn_judgement: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Which forecast is used and why.

    Keys: ``judged``, ``verdict``, ``failed`` (gates the full model failed), ``column`` (of the forecast used), and the
    labels by language ``reason`` (where nothing could be judged), ``claim``, ``detail``, ``used``.
    """
    if not churn_question["judged"]:
        return {**churn_question, "failed": [], "column": None, "claim": None, "detail": None, "used": None}
    evaluations = evaluate_all(churn_judgement, seed=seed)
    choice, failed = choose(evaluations), failed_gates(evaluations[MODEL])
    return {
        **churn_question,
        "verdict": choice.verdict.value,
        "failed": list(failed),
        "column": choice.column,
        "claim": wording.verdict_claim(choice.verdict, column=choice.column),
        "detail": wording.verdict_detail(choice.verdict, failed=failed),
        "used": wording.forecast_name(choice.column),
    }


@reads(features=("customer_id", RECENCY, *drivers.PREDICTORS))
def churn_forecast(
    features: pd.DataFrame,
    as_of: date,
    churn_frame: dict[str, Any],
    churn_history: pd.DataFrame,
    churn_question: dict[str, Any],
    churn_rivals: dict[str, Any],
    churn_season: dict[str, Any],
    seed: int,
) -> pd.DataFrame:
    """One row per customer active today: ``customer_id``, ``p_model``, ``p_baseline``, ``p_<slug>``.

    The judged procedure, one horizon later: it learns on all origins but the newest, which puts it right.
    """
    active = active_population(features, active_days=churn_frame["active_days"])
    if not churn_question["judged"]:
        return active[["customer_id"]].assign(p_model=np.nan, p_baseline=np.nan)
    newest, horizon = churn_history["role"] == "judging", churn_frame["horizon_days"]
    forecasts = _fitted(churn_history, training=~newest, calibration=newest,
                        fitted=churn_rivals[churn_frame["judging"]], horizon_days=horizon, seed=seed)  # fmt: skip
    known = active.reindex(columns=_predictors(churn_history)).astype("float32")
    opinions = rivals.p_no_purchase(known, fitted=churn_rivals[as_of.isoformat()], horizon_days=horizon)
    move = churn_season["next"]["move"] + forecasts.settling
    return active[["customer_id"]].join(forecasts.all(known, opinions=opinions, move=move))


@reads(features=("customer_id", "revenue"))
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
    ids = churn_forecast["customer_id"]
    year_ago = collect(rfm(tables, as_of=days_before(as_of, days=365)).select("customer_id", "revenue"))
    revenue, before = (said_of(ids, said=known, columns=["revenue"])["revenue"] for known in (features, year_ago))
    last_year = (revenue - before.fillna(0.0)).clip(lower=0.0)
    worth = priorities.revenue_in_horizon(last_year, horizon_days=churn_frame["horizon_days"])
    p = churn_forecast[churn_verdict["column"]]
    return pd.DataFrame(
        {
            "customer_id": ids,
            "p_churn": p,
            "revenue_last_year": last_year,
            "revenue_in_horizon": worth,
            "value_at_risk": p * worth,
            "risk_band": priorities.band(p),
            "value_band": priorities.band(last_year),
        }
    )
