"""What the churn page shows of ``recipes/churn.py``: its numbers, its tables and the list of whom to save first."""

from typing import Any, Final

import pandas as pd

from analysis.churn import at_risk, drivers, priorities, wording
from analysis.churn.evaluation import Evaluation, evaluate, evaluate_all, failed_gates, simple_forecasts
from analysis.churn.forecast import BASELINE, MODEL, RECENCY
from analysis.evidence import Estimate, Forecast, Observed, grade_of
from analysis.features.places import said_of
from analysis.fields import FIELDS
from analysis.numerals import format_value
from analysis.params import ChurnParams
from analysis.recipes.resolver import reads
from analysis.stats.scoring import Score, proportion, reliability_bins

_GRADE: Final = grade_of(Forecast((Observed(),)))
_PAST_LEVEL: Final = 0.95
_FUTURE_LEVEL: Final = 0.80
_DRIVERS_SHOWN: Final = 8
_SCORES: Final = (
    "auc",
    "log_loss",
    "baseline_log_loss",
    "btyd_log_loss",
    "log_loss_gain",
    "btyd_gain",
    "brier",
    "calibration_slope",
    "calibration_intercept",
    "ece",
    "ece_by_luck",
    "excess_ece",
)
_SCORES_OF_BASELINE: Final = ("auc", "log_loss", "calibration_slope", "ece", "excess_ece")
_ROLES: Final = {
    "training": {"zh": "学习", "en": "learning"},
    "calibration": {"zh": "校准", "en": "calibrating"},
    "judging": {"zh": "检验", "en": "judging"},
}


def churn_evaluation(
    churn_frame: dict[str, Any],
    churn_history: pd.DataFrame,
    churn_judgement: pd.DataFrame,
    churn_permutation: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Headline numbers of the judging window: the full model's under plain names, the simple ones' under their own.

    ``n_population`` and ``churn_rate`` are those of the judging window: customers active when it opened, and the share
    of them who did not buy before it closed. ``baseline.…`` is recency alone, ``btyd.…`` the best buy-till-you-die
    model, ``auc_permuted`` the full model's area where outcomes were dealt out at random. What could not be judged is
    not known (null).
    """
    window = churn_history[churn_history["role"] == "judging"]
    n = len(window)
    found: dict[str, Estimate] = {
        "n_population": Estimate(churn_frame["n_population"] if n else None, "customers", n=n),
        "churn_rate": _share(proportion(int(window["churned"].sum()), n), n=n) if n else Estimate(None, "share"),
        "active_days": Estimate(churn_frame["active_days"], "days"),
        "horizon_days": Estimate(churn_frame["horizon_days"], "days"),
        "share_repeat": Estimate(churn_frame["share_repeat"], "share", n=churn_frame["n_customers"]),
        "share_single_order": Estimate(churn_frame["share_single_order"], "share", n=churn_frame["n_customers"]),
    }
    if churn_judgement.empty:
        return {**found, **{name: Estimate(None, "score") for name in (*_SCORES, "auc_permuted")}}
    evaluations = evaluate_all(churn_judgement, seed=seed)
    found |= {name: _score(getattr(evaluations[MODEL], name), n=n) for name in _SCORES}
    found["auc_permuted"] = _score(Score(**churn_permutation), n=n)
    for column, evaluation in evaluations.items():
        if column != MODEL:
            name = "baseline" if column == BASELINE else "btyd"
            found |= {f"{name}.{score}": _score(getattr(evaluation, score), n=n) for score in _SCORES_OF_BASELINE}
    return dict(found)


def churn_comparison(churn_judgement: pd.DataFrame, churn_verdict: dict[str, Any], seed: int) -> pd.DataFrame:
    """One row per forecast on the judging window: the full model, recency alone, the best buy-till-you-die model.

    Columns ``forecast_by_zh`` and ``_en``; ``log_loss`` (nats), ``auc`` and ``calibration_slope``, each with interval;
    ``excess_ece`` (0-1); ``calibration_log_loss`` (nats, on the calibration window; it decides between the simple
    ones); ``gates_zh`` and ``_en`` (how many it passed) and ``is_used``.
    """
    scores = ["log_loss", "auc", "calibration_slope"]
    columns = ["forecast_by_zh", "forecast_by_en"]
    columns += [f"{score}{end}" for score in scores for end in ("", "_ci_lower", "_ci_upper")]
    columns += ["confidence_level", "excess_ece", "calibration_log_loss", "gates_zh", "gates_en", "is_used"]
    if churn_judgement.empty:
        return pd.DataFrame(columns=columns)
    losses = simple_forecasts(churn_judgement)
    rows = []
    for column, evaluation in evaluate_all(churn_judgement, seed=seed).items():
        name, gates = wording.forecast_name(column), _gates(evaluation, column=column)
        ends = [end for score in scores for end in getattr(evaluation, score)]
        told = (_PAST_LEVEL, evaluation.excess_ece, losses.get(column), gates["zh"], gates["en"])
        rows.append((name["zh"], name["en"], *ends, *told, column == churn_verdict["column"]))
    return pd.DataFrame(rows, columns=columns)


def _gates(evaluation: Evaluation, *, column: str) -> dict[str, str]:
    """Return how many gates a forecast passed: three for the full model, the two of its own for a simple one."""
    if column != MODEL:
        return wording.gates_passed(failed_gates(evaluation, against_simple=False), of=2)
    rivals = {"beats_baseline", "beats_btyd"}
    failed = {"beats_simple" if gate in rivals else gate for gate in failed_gates(evaluation)}
    return wording.gates_passed(sorted(failed), of=3)


def churn_reliability(churn_judgement: pd.DataFrame, churn_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per tenth of the judged customers by the forecast used: what it said and what happened."""
    judged = churn_judgement[churn_judgement["role"] == "judging"]
    columns = ["n_customers", "mean_p_churn", "churn_rate", "churn_rate_ci_lower", "churn_rate_ci_upper"]
    if judged.empty:
        return pd.DataFrame(columns=[*columns, "confidence_level"])
    bins = reliability_bins(judged["churned"], judged[churn_verdict["column"]], confidence_level=_PAST_LEVEL)
    return pd.DataFrame(dict(zip(columns, bins, strict=True))).assign(confidence_level=_PAST_LEVEL)


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
    zh, en = ({role: words[language] for role, words in _ROLES.items()} for language in ("zh", "en"))
    return table.assign(role_zh=table["role"].map(zh), role_en=table["role"].map(en))[columns]


def churn_drivers(churn_judgement: pd.DataFrame, churn_history: pd.DataFrame, currency: str) -> pd.DataFrame:
    """One row per driver of the full model: how much worse it gets without it, and what marks high risk.

    Columns: name of the driver by language, ``error_rise`` (share of the log loss) with interval, and typical values
    of its leading column among the fifth of customers at highest and at lowest risk, by language. The eight largest.
    """
    shuffled = [c for c in churn_judgement.columns if c.startswith(drivers.SHUFFLED)]
    rows = churn_judgement[churn_judgement[shuffled].notna().all(axis=1)] if shuffled else churn_judgement.head(0)
    columns = ["driver_zh", "driver_en", "error_rise", "error_rise_ci_lower", "error_rise_ci_upper"]
    columns += ["confidence_level", "contrast_zh", "contrast_en"]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    forecasts = rows[shuffled].rename(columns=lambda c: c.removeprefix(drivers.SHUFFLED))
    rises = drivers.importance(rows["churned"], rows["p_model"], shuffled=forecasts, confidence_level=_PAST_LEVEL)
    base = evaluate(rows["churned"], rows["p_model"], baseline=rows["p_model"], seed=0).log_loss.value
    known = churn_history.loc[rows.index]
    table = [
        (
            drivers.DRIVERS[name].zh,
            drivers.DRIVERS[name].en,
            *(end / base for end in rise),
            _PAST_LEVEL,
            *_contrast(name, known, rows["p_model"], currency=currency),
        )
        for name, rise in rises.items()
    ]
    frame = pd.DataFrame(table, columns=columns)
    return frame.nlargest(_DRIVERS_SHOWN, "error_rise").reset_index(drop=True)


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
    if zh[0] == zh[1]:
        return "高低风险差不多", "much the same at high and low risk"
    return f"高风险 {zh[0]}，低风险 {zh[1]}", f"high risk {en[0]}, low risk {en[1]}"


def churn_headline(
    churn_frame: dict[str, Any],
    churn_scores: pd.DataFrame,
    churn_judgement: pd.DataFrame,
    churn_verdict: dict[str, Any],
    churn_season: dict[str, Any],
    churn_params: ChurnParams,
    seed: int,
) -> dict[str, Any]:
    """The numbers of the page's answer; intervals are of the actual outcome, 80 %."""
    found: dict[str, Any] = {
        "horizon": Estimate(churn_frame["horizon_days"], "days"),
        "active_days": Estimate(churn_frame["active_days"], "days"),
        "share_repeat": Estimate(churn_frame["share_repeat"], "share", n=churn_frame["n_customers"]),
        "share_single_order": Estimate(churn_frame["share_single_order"], "share", n=churn_frame["n_customers"]),
    }
    weight = churn_season["next"]["weight"] if churn_season else None
    found["season_weight"] = Estimate(weight, "share")
    if not churn_verdict["judged"]:
        return {**found, "reason": churn_verdict["reason"], "advice": churn_verdict["advice"]}
    used = evaluate_all(churn_judgement, seed=seed)[churn_verdict["column"]]
    rates = churn_judgement.groupby("origin_on")["churned"].mean()
    drift = at_risk.level_drift(churn_season["next"]["surprises"])
    n, p = len(churn_scores), churn_scores["p_churn"]
    first = churn_scores.nlargest(churn_params.save_first, "value_at_risk")
    leavers, money, of_first = (
        at_risk.expected_loss(who["p_churn"], weight=weight, drift=drift, confidence_level=_FUTURE_LEVEL)
        for who, weight in (
            (churn_scores, 1.0),
            (churn_scores, churn_scores["revenue_in_horizon"]),
            (first, first["revenue_in_horizon"]),
        )
    )
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
        "save_first_value": _future(of_first, "money", n=len(first)),
        "save_first_share": Estimate(float(first["value_at_risk"].sum() / total) if total else None, "share", n=n),
        "share_of_riskiest": Estimate(float(riskiest.sum() / p.sum()) if n else None, "share", n=n),
        "lowest_rate": Estimate(float(rates.min()), "share"),
        "highest_rate": Estimate(float(rates.max()), "share"),
        "n_windows": Estimate(len(rates), "count"),
        "gap": Estimate(used.ece, "points", grade=_GRADE, n=used.n),
        "gap_by_luck": Estimate(used.ece_by_luck, "points", grade=_GRADE, n=used.n),
        "claim": churn_verdict["claim"],
        "detail": churn_verdict["detail"],
        "used": churn_verdict["used"],
    }


def churn_words(churn_headline: dict[str, Any]) -> dict[str, Any]:
    """The decision in words; its numbers are those of the headline."""
    return wording.decision() if "n_save_first" in churn_headline else {}


def churn_risk_grid(churn_scores: pd.DataFrame) -> pd.DataFrame:
    """One row per cell of value and risk, most first: labels, customers, expected leavers, money at risk."""
    grid = priorities.risk_grid(churn_scores)
    axes = {"value_band": wording.VALUE_BANDS, "risk_band": wording.RISK_BANDS}
    labels = {
        f"{axis}_{language}": grid[axis].map({band: words[language] for band, words in bands.items()})
        for axis, bands in axes.items()
        for language in ("zh", "en")
    }
    each = grid["value_at_risk"] / grid["n_customers"].where(grid["n_customers"] > 0)
    return pd.DataFrame(labels).join(grid.drop(columns=list(axes))).assign(value_at_risk_each=each)


def churn_risk_histogram(churn_scores: pd.DataFrame) -> pd.DataFrame:
    """One row per ten points of probability: customers and money at risk."""
    return priorities.risk_histogram(churn_scores)


@reads(features=("customer_id", RECENCY, "n_orders", "median_gap_days"))
def churn_save_first(churn_scores: pd.DataFrame, features: pd.DataFrame, churn_params: ChurnParams) -> pd.DataFrame:
    """The customers who carry most money at risk, most first: a list for action, private."""
    first = churn_scores.nlargest(churn_params.save_first, "value_at_risk")
    known = said_of(first["customer_id"], said=features, columns=[RECENCY, "n_orders", "median_gap_days"])
    return pd.concat([first.drop(columns=["risk_band", "value_band"]).reset_index(drop=True), known], axis=1)


def _share(score: Score, *, n: int) -> Estimate:
    return Estimate(score.value, "share", score.ci_lower, score.ci_upper, _PAST_LEVEL, _GRADE, n)


def _score(score: Score | float | None, *, n: int) -> Estimate:
    if isinstance(score, Score):
        return Estimate(score.value, "score", score.ci_lower, score.ci_upper, _PAST_LEVEL, _GRADE, n)
    return Estimate(score, "score", grade=_GRADE, n=n)


def _future(score: Score, unit: str, *, n: int) -> Estimate:
    return Estimate(score.value, unit, score.ci_lower, score.ci_upper, _FUTURE_LEVEL, _GRADE, n)
