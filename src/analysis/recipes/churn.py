"""Who is leaving: past windows, two forecasts judged on the latest of them, and today's customers at risk.

The chain: ``churn_frame`` (who is asked about, at which days) → ``churn_history`` (features and what happened, per
origin) → ``churn_judgement`` (both forecasts on windows that are over) → ``churn_verdict`` (which one holds) →
``churn_scores`` (today's customers). Where churn cannot be judged the tables are empty and the verdict says why.
"""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.churn import at_risk, drivers, priorities, wording
from analysis.churn.classifier import LARGEST_FIT
from analysis.churn.evaluation import Evaluation, Verdict, answerable, choose, evaluate, failed_gates
from analysis.churn.forecast import RECENCY, Forecasts, fit_forecasts
from analysis.churn.labels import active_population, default_active_days, label_churn, rolling_origins
from analysis.data.connect import Tables
from analysis.evidence import Estimate, Grade
from analysis.features.gaps import purchase_gaps
from analysis.features.rfm import rfm
from analysis.features.table import collect, feature_table, model_columns
from analysis.fields import FIELDS
from analysis.numerals import format_value
from analysis.params import ChurnParams
from analysis.periods import days_before
from analysis.stats.scoring import Score, proportion, reliability_bins

_MODEL_LEVEL: Final = 0.95
_FUTURE_LEVEL: Final = 0.80
_ROLES: Final = ("training", "calibration", "judging")
_SHUFFLED: Final = "shuffled__"
_DRIVER_ROWS: Final = 20_000
_SCORES: Final = (
    "auc",
    "log_loss",
    "baseline_log_loss",
    "log_loss_gain",
    "brier",
    "calibration_slope",
    "calibration_intercept",
    "ece",
    "ece_by_luck",
    "excess_ece",
)
_SCORES_OF_BASELINE: Final = ("auc", "log_loss", "calibration_slope", "ece", "excess_ece")


def churn_frame(tables: Tables, features: pd.DataFrame, as_of: date, churn_params: ChurnParams) -> dict[str, Any]:
    """The frame of the question: how far ahead, who is asked about, and the days history is looked at.

    Keys: ``horizon_days``, ``active_days``, ``share_repeat`` (of all customers, 0-1), ``n_customers`` (ever bought),
    ``training`` (days), ``calibration`` and ``judging`` (a day, or None where it lies before the first order).
    """
    horizon = churn_params.horizon_days
    first = features["first_order_on"].min().date()
    # Where two origins fill the largest fit, more would only cost.
    n_training = 2 if int((features[RECENCY] <= 365).sum()) >= LARGEST_FIT / 2 else 4
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
        "n_customers": len(features),
        "training": [day.isoformat() for day in days.training],
        "calibration": days.calibration.isoformat() if days.calibration > first else None,
        "judging": days.judging.isoformat() if days.judging > first else None,
    }


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
    """Return the origins of the frame with their roles, newest first; none where customers buy once."""
    if answerable(share_repeat=frame["share_repeat"], n_training_origins=1, n_churned=10**9, n_stayed=10**9):
        return []
    found = [("judging", frame["judging"]), ("calibration", frame["calibration"])]
    found += [("training", day) for day in reversed(frame["training"])]
    return [(role, date.fromisoformat(day)) for role, day in found if day is not None]


def churn_question(churn_frame: dict[str, Any], churn_history: pd.DataFrame) -> dict[str, Any]:
    """Whether churn can be judged here: ``judged``; if not, ``verdict``, ``reason`` and ``advice``."""
    counts = churn_history.groupby("role")["churned"].agg(["size", "sum"]).reindex(_ROLES, fill_value=0)
    verdict = answerable(
        share_repeat=churn_frame["share_repeat"],
        n_training_origins=len(churn_frame["training"]),
        n_churned=int(counts["sum"].min()),
        n_stayed=int((counts["size"] - counts["sum"]).min()),
    )
    return {
        "judged": verdict is None,
        "verdict": verdict.value if verdict else None,
        "reason": wording.reason(verdict, horizon_days=churn_frame["horizon_days"]) if verdict else None,
        "advice": wording.advice(verdict) if verdict else None,
    }


def churn_judgement(churn_history: pd.DataFrame, churn_question: dict[str, Any], seed: int) -> pd.DataFrame:
    """One row per customer and past origin: what happened and what both forecasts said.

    Columns ``origin_on``, ``role``, ``churned``, ``p_model``, ``p_baseline``; on the judging origin also
    ``shuffled__<driver>``, the model's forecast with that driver's columns taken from another customer (of at most
    20,000 customers). The forecasts learnt on the training origins and were put right on the calibration origin.
    """
    kept = ["origin_on", "role", "churned"]
    if not churn_question["judged"]:
        return pd.DataFrame(columns=[*kept, "p_model", "p_baseline"])
    role = churn_history["role"]
    forecasts = _fitted(churn_history, training=role == "training", calibration=role == "calibration", seed=seed)
    judged = churn_history[kept].assign(
        p_model=forecasts.p_model(churn_history), p_baseline=forecasts.p_baseline(churn_history)
    )
    shown = churn_history[role == "judging"].head(_DRIVER_ROWS)
    groups = {name: driver.columns for name, driver in drivers.DRIVERS.items()}
    shuffled = drivers.shuffled_forecasts(shown, groups=groups, predict=forecasts.p_model, seed=seed)
    return judged.join(shuffled.add_prefix(_SHUFFLED))


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
    model, baseline = _evaluations(churn_judgement, seed=seed)
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


def _evaluations(judgement: pd.DataFrame, *, seed: int) -> tuple[Evaluation, Evaluation]:
    judged = judgement[judgement["role"] == "judging"]
    model, baseline = (
        evaluate(judged["churned"], judged[p], baseline=judged["p_baseline"], seed=seed)
        for p in ("p_model", "p_baseline")
    )
    return model, baseline


def churn_evaluation(
    churn_frame: dict[str, Any], churn_history: pd.DataFrame, churn_judgement: pd.DataFrame, seed: int
) -> dict[str, Any]:
    """Headline numbers of the judging window: the full model's under plain names, recency's under ``baseline``.

    ``n_population`` and ``churn_rate`` are those of the judging window: customers active when it opened, and the share
    of them who did not buy before it closed. What could not be judged is not known (null).
    """
    window = churn_history[churn_history["role"] == "judging"]
    n = len(window)
    found: dict[str, Estimate] = {
        "n_population": Estimate(n, "customers", n=n),
        "churn_rate": _share(proportion(int(window["churned"].sum()), n), n=n) if n else Estimate(None, "share"),
        "active_days": Estimate(churn_frame["active_days"], "days"),
        "horizon_days": Estimate(churn_frame["horizon_days"], "days"),
        "share_repeat": Estimate(churn_frame["share_repeat"], "share", n=churn_frame["n_customers"]),
    }
    if churn_judgement.empty:
        return {**found, **{name: Estimate(None, "score") for name in _SCORES}}
    model, baseline = _evaluations(churn_judgement, seed=seed)
    found |= {name: _score(getattr(model, name), n=n) for name in _SCORES}
    return {**found, **{f"baseline.{name}": _score(getattr(baseline, name), n=n) for name in _SCORES_OF_BASELINE}}


def churn_reliability(churn_judgement: pd.DataFrame, churn_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per tenth of the judged customers by the forecast used: what it said and what happened."""
    judged = churn_judgement[churn_judgement["role"] == "judging"]
    columns = ["n_customers", "mean_p_churn", "churn_rate", "churn_rate_ci_lower", "churn_rate_ci_upper"]
    if judged.empty:
        return pd.DataFrame(columns=[*columns, "confidence_level"])
    bins = reliability_bins(judged["churned"], judged[churn_verdict["column"]], confidence_level=_MODEL_LEVEL)
    return pd.DataFrame(dict(zip(columns, bins, strict=True))).assign(confidence_level=_MODEL_LEVEL)


def churn_windows(churn_judgement: pd.DataFrame, churn_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per past window: its use, customers, and the share who left, forecast and actual."""
    columns = ["origin_on", "role_zh", "role_en", "n_customers", "mean_p_churn", "churn_rate"]
    if churn_judgement.empty:
        return pd.DataFrame(columns=columns)
    used = churn_judgement[churn_verdict["column"]]
    grouped = churn_judgement.assign(mean_p_churn=used).groupby(["origin_on", "role"], as_index=False)
    table = grouped.agg(
        n_customers=("churned", "size"), mean_p_churn=("mean_p_churn", "mean"), churn_rate=("churned", "mean")
    )
    zh, en = ({role: words[language] for role, words in _ROLE_LABELS.items()} for language in ("zh", "en"))
    return table.assign(role_zh=table["role"].map(zh), role_en=table["role"].map(en))[columns]


_ROLE_LABELS: Final = {
    "training": {"zh": "学习", "en": "learning"},
    "calibration": {"zh": "校准", "en": "calibrating"},
    "judging": {"zh": "检验", "en": "judging"},
}


def churn_drivers(churn_judgement: pd.DataFrame, churn_history: pd.DataFrame, currency: str) -> pd.DataFrame:
    """One row per driver of the full model: how much worse it gets without it, and what marks high risk.

    Columns: name of the driver by language, ``error_rise`` (share of the log loss) with interval, and typical values
    of its leading column among the fifth of customers at highest and at lowest risk, by language. Largest rise first.
    """
    shuffled = [c for c in churn_judgement.columns if c.startswith(_SHUFFLED)]
    rows = churn_judgement[churn_judgement[shuffled].notna().all(axis=1)] if shuffled else churn_judgement.head(0)
    columns = ["driver_zh", "driver_en", "error_rise", "error_rise_ci_lower", "error_rise_ci_upper"]
    columns += ["confidence_level", "contrast_zh", "contrast_en"]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    forecasts = rows[shuffled].rename(columns=lambda c: c.removeprefix(_SHUFFLED))
    rises = drivers.importance(rows["churned"], rows["p_model"], shuffled=forecasts, confidence_level=_MODEL_LEVEL)
    base = evaluate(rows["churned"], rows["p_model"], baseline=rows["p_model"], seed=0).log_loss.value
    known = churn_history.loc[rows.index]
    table = [
        (
            drivers.DRIVERS[name].zh,
            drivers.DRIVERS[name].en,
            *(end / base for end in rise),
            _MODEL_LEVEL,
            *_contrast(name, known, rows["p_model"], currency=currency),
        )
        for name, rise in rises.items()
    ]
    frame = pd.DataFrame(table, columns=columns)
    return frame.sort_values("error_rise", ascending=False, ignore_index=True)


def churn_leading_drivers(churn_drivers: pd.DataFrame) -> dict[str, Any]:
    """The two drivers that the forecast leans on most, by language: ``first`` and ``second``."""
    rows = churn_drivers.head(2).to_dict("records")
    return {
        place: {"zh": row["driver_zh"], "en": row["driver_en"][:1].lower() + row["driver_en"][1:]}
        for place, row in zip(("first", "second"), rows, strict=False)
    }


def _contrast(name: str, known: pd.DataFrame, p: "pd.Series[float]", *, currency: str) -> tuple[str, str]:
    """Return typical values at high and at low risk of a driver's first column that the data have."""
    column = next(c for c in drivers.DRIVERS[name].columns if c in known)
    high, low = drivers.typical_values(known[column], probability=p)
    unit = FIELDS[column].unit
    zh, en = (
        [format_value(v, unit, language=language, currency=currency) for v in (high, low)] for language in ("zh", "en")
    )
    return f"高风险 {zh[0]}，低风险 {zh[1]}", f"high risk {en[0]}, low risk {en[1]}"


def churn_forecast(
    features: pd.DataFrame,
    churn_frame: dict[str, Any],
    churn_history: pd.DataFrame,
    churn_question: dict[str, Any],
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
    return active[["customer_id"]].assign(p_model=forecasts.p_model(known), p_baseline=forecasts.p_baseline(known))


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
    columns = ["customer_id", "p_churn", "revenue_last_year", "revenue_in_horizon", "value_at_risk"]
    if not churn_verdict["judged"]:
        return pd.DataFrame(columns=[*columns, "risk_band", "value_band"])
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


def churn_headline(
    churn_frame: dict[str, Any],
    churn_scores: pd.DataFrame,
    churn_judgement: pd.DataFrame,
    churn_verdict: dict[str, Any],
    churn_params: ChurnParams,
) -> dict[str, Any]:
    """The numbers of the page's answer; intervals are of the actual outcome, 80 %."""
    found: dict[str, Any] = {
        "horizon": Estimate(churn_frame["horizon_days"], "days"),
        "active_days": Estimate(churn_frame["active_days"], "days"),
        "share_repeat": Estimate(churn_frame["share_repeat"], "share", n=churn_frame["n_customers"]),
    }
    if not churn_verdict["judged"]:
        return {**found, "reason": churn_verdict["reason"], "advice": churn_verdict["advice"]}
    used = churn_judgement[churn_verdict["column"]]
    windows = churn_judgement.assign(p=used).groupby("origin_on")
    drift = at_risk.level_drift([at_risk.level_offset(w["churned"], w["p"]) for _, w in windows])
    n, p = len(churn_scores), churn_scores["p_churn"]
    leavers, money = (
        at_risk.expected_loss(p, weight=weight, drift=drift, confidence_level=_FUTURE_LEVEL)
        for weight in (1.0, churn_scores["revenue_in_horizon"])
    )
    first = churn_scores.nlargest(churn_params.save_first, "value_at_risk")
    riskiest = churn_scores.loc[churn_scores["risk_band"] == priorities.BANDS[0], "p_churn"]
    total = churn_scores["value_at_risk"].sum()
    share = Score(*(end / max(n, 1) for end in leavers))
    return {
        **found,
        "n_active": Estimate(n, "customers"),
        "n_at_risk": _future(leavers, "customers", n=n),
        "value_at_risk": _future(money, "money", n=n),
        "share_at_risk": _future(share, "share", n=n),
        "n_save_first": Estimate(len(first), "customers"),
        "save_first_share": Estimate(float(first["value_at_risk"].sum() / total) if total else None, "share", n=n),
        "share_of_riskiest": Estimate(float(riskiest.sum() / p.sum()) if n else None, "share", n=n),
        "lowest_rate": Estimate(float(windows["churned"].mean().min()), "share"),
        "highest_rate": Estimate(float(windows["churned"].mean().max()), "share"),
        "n_windows": Estimate(windows.ngroups, "count"),
        "claim": churn_verdict["claim"],
        "detail": churn_verdict["detail"],
        "used": churn_verdict["used"],
    }


def churn_risk_grid(churn_scores: pd.DataFrame) -> pd.DataFrame:
    """One row per cell of value and risk, most first: their labels, customers, expected leavers and money at risk."""
    grid = priorities.risk_grid(churn_scores)
    axes = {"value_band": wording.VALUE_BANDS, "risk_band": wording.RISK_BANDS}
    labels = {
        f"{axis}_{language}": grid[axis].map({band: words[language] for band, words in bands.items()})
        for axis, bands in axes.items()
        for language in ("zh", "en")
    }
    return pd.DataFrame(labels).join(grid.drop(columns=list(axes)))


def churn_risk_histogram(churn_scores: pd.DataFrame) -> pd.DataFrame:
    """One row per ten points of probability: customers and money at risk."""
    return priorities.risk_histogram(churn_scores)


def churn_save_first(churn_scores: pd.DataFrame, features: pd.DataFrame, churn_params: ChurnParams) -> pd.DataFrame:
    """The customers who carry most money at risk, most first: a list for action, private."""
    first = churn_scores.nlargest(churn_params.save_first, "value_at_risk")
    known = features[["customer_id", RECENCY, "n_orders", "median_gap_days"]]
    return first.drop(columns=["risk_band", "value_band"]).merge(known, on="customer_id", how="left")


def _share(score: Score, *, n: int) -> Estimate:
    return Estimate(score.value, "share", score.ci_lower, score.ci_upper, _MODEL_LEVEL, Grade.OBSERVATIONAL, n)


def _score(score: Score | float, *, n: int) -> Estimate:
    if isinstance(score, Score):
        return Estimate(score.value, "score", score.ci_lower, score.ci_upper, _MODEL_LEVEL, Grade.OBSERVATIONAL, n)
    return Estimate(score, "score", grade=Grade.OBSERVATIONAL, n=n)


def _future(score: Score, unit: str, *, n: int) -> Estimate:
    return Estimate(score.value, unit, score.ci_lower, score.ci_upper, _FUTURE_LEVEL, Grade.OBSERVATIONAL, n)
