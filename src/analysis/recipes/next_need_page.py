"""What the value page shows of the next need: how well windows hold, the calendar of buyers, and the headline."""

from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.churn.next_need import outlook, wording
from analysis.churn.next_need.evaluation import NeedVerdict, evaluate_need, pit_histogram
from analysis.evidence import Estimate, Forecast, Observed, grade_of
from analysis.params import ValueParams
from analysis.stats.scoring import Score

_GRADE: Final = grade_of(Forecast((Observed(),)))
_PAST_LEVEL: Final = 0.95
_FUTURE_LEVEL: Final = 0.80
_ALL: Final = {"category": "", "category_zh": "全部", "category_en": "All"}
_NUMBERS: Final = ["name", "value", "unit", "ci_lower", "ci_upper", "confidence_level", "grade", "n"]
_CALENDAR: Final = [
    "category",
    "category_zh",
    "category_en",
    "week",
    "week_from_on",
    "week_until_on",
    "expected_buyers",
]
_ENDS: Final = ["expected_buyers_ci_lower", "expected_buyers_ci_upper", "confidence_level"]


def next_need_evaluation(
    next_need_judgement: pd.DataFrame, next_need_category_evaluation: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """One row per number of the judging window: ``name``, ``value``, ``unit``, interval, ``grade``, ``n``.

    ``coverage`` (of the 80 % windows, by randomised PIT), ``coverage_of_days`` (of the printed days),
    ``pooled_coverage``, ``width``, ``pooled_width`` (days), ``density_gain`` (nats; above 0 is sharper than pooled),
    ``calibration_slope``,
    ``excess_ece``, ``log_loss``, ``base_log_loss``, ``n_judged``, ``n_buyers``; per category ``coverage.<category>``.
    """
    found = evaluate_need(next_need_judgement, seed=seed) if len(next_need_judgement) else None
    if found is None:
        return pd.DataFrame(columns=_NUMBERS)
    n = found.n_buyers
    rows = [
        _row("n_judged", Estimate(found.n, "customers")),
        _row("n_buyers", Estimate(n, "customers")),
        _row("coverage", _score(found.coverage, "share", n=n)),
        _row("coverage_of_days", _score(found.coverage_of_days, "share", n=n)),
        _row("pooled_coverage", _score(found.pooled_coverage, "share", n=n)),
        _row("width", Estimate(found.width_days, "days", grade=_GRADE, n=n)),
        _row("pooled_width", Estimate(found.pooled_width_days, "days", grade=_GRADE, n=n)),
        _row("density_gain", _score(found.density_gain, "score", n=n)),
        _row("calibration_slope", _score(found.calibration_slope, "score", n=found.n)),
        _row("excess_ece", Estimate(found.excess_ece, "score", grade=_GRADE, n=found.n)),
        _row("log_loss", _score(found.log_loss, "score", n=found.n)),
        _row("base_log_loss", _score(found.base_log_loss, "score", n=found.n)),
    ]
    for category in next_need_category_evaluation.to_dict("records"):
        if pd.notna(category.get("coverage")):
            score = Score(category["coverage"], category["coverage_ci_lower"], category["coverage_ci_upper"])
            rows.append(_row(f"coverage.{category['category']}", _score(score, "share", n=int(category["n_buyers"]))))
    return pd.DataFrame(rows, columns=_NUMBERS)


def _row(name: str, estimate: Estimate) -> dict[str, Any]:
    return {"name": name, **estimate.as_result(), "grade": estimate.grade.value}


def _score(score: Score, unit: str, *, n: int) -> Estimate:
    if not np.isfinite([score.value, score.ci_lower, score.ci_upper]).all():
        return Estimate(None, unit, n=n)
    return Estimate(score.value, unit, score.ci_lower, score.ci_upper, _PAST_LEVEL, _GRADE, n)


def next_need_pit(next_need_judgement: pd.DataFrame, next_need_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per tenth of the forecast distribution of the date: the judged buyers who fell in it."""
    if next_need_judgement.empty:
        return pd.DataFrame(columns=["pit_from", "pit_to", "n_buyers", "share", "luck_lower", "luck_upper"])
    rows = next_need_judgement[next_need_judgement["role"] == "judging"]
    own = next_need_verdict["verdict"] == NeedVerdict.OWN
    return pit_histogram(rows["pit" if own else "pooled_pit"])


def next_need_calendar(
    next_need_forecast: pd.DataFrame,
    next_need_category_forecast: pd.DataFrame,
    next_need_clock: pd.DataFrame,
    next_need_judgement: pd.DataFrame,
    next_need_season: dict[str, Any],
) -> pd.DataFrame:
    """One row per category (all first) and week ahead: expected buyers, with the 80 % interval of the actual number.

    Who buys more than once is counted in the week of the first purchase (of the category) only; the last week may be
    shorter. ``week_from_on`` and ``week_until_on`` are its days, both included.
    """
    if "p_purchase" not in next_need_forecast or next_need_judgement.empty:
        return pd.DataFrame(columns=[*_CALENDAR, *_ENDS])
    drift = outlook.level_deviation(next_need_season["next"]["surprises"]) if next_need_season else 0.0
    timing = _timing(next_need_judgement)
    parts = [_weeks(next_need_forecast, drift=drift, timing=timing).assign(**_ALL)]
    if len(next_need_category_forecast):
        asked = next_need_forecast["customer_id"].isin(next_need_category_forecast["customer_id"].unique())
        p = next_need_forecast["p_purchase"]
        # Those not asked one by one are unlikely to buy: they are counted as like those who were.
        scale = float(p.sum() / max(p[asked].sum(), 1e-9))
        for name, rows in next_need_category_forecast.groupby("category"):
            weeks = _weeks(rows, drift=drift, timing=timing, scale=scale)
            parts.append(weeks.assign(category=name, category_zh=name, category_en=name))
    table = pd.concat(parts, ignore_index=True)
    order = table.groupby("category")["expected_buyers"].transform("sum")
    table = table.assign(order=order).sort_values(["order", "category", "week"], ascending=[False, True, True])
    table = pd.concat([table[table["category"] == ""], table[table["category"] != ""]], ignore_index=True)
    today = pd.Timestamp(next_need_clock["origin_on"].max())
    horizon = int(next_need_clock["day_ahead"].max())
    first = 7 * (table["week"] - 1) + 1
    last = (7 * table["week"]).where(table["week"] < table["week"].max(), horizon)
    table["week_from_on"] = today + pd.to_timedelta(first, unit="D")
    table["week_until_on"] = today + pd.to_timedelta(last, unit="D")
    return table[[*_CALENDAR, *_ENDS]]


def _weeks(rows: pd.DataFrame, *, drift: float, timing: float, scale: float = 1.0) -> pd.DataFrame:
    steps = rows[[c for c in rows.columns if str(c).startswith("p_step_")]]
    return outlook.expected_buyers(steps, rows["p_purchase"], drift=drift, timing=timing, scale=scale)


def _timing(judgement: pd.DataFrame) -> float:
    """Return how far the weeks of the judging window lay from the forecast, beyond luck and level."""
    buyers = judgement[(judgement["role"] == "judging") & (judgement["wait_days"] > 0)]
    steps = [c for c in buyers.columns if str(c).startswith("share_step_")]
    week = (buyers["wait_days"].to_numpy() - 1) // 7
    actual = np.bincount(np.minimum(week, len(steps) - 1), minlength=len(steps)).astype(np.float64)
    return outlook.timing_error(buyers[steps].sum().to_numpy(dtype=np.float64), actual)


def next_need_headline(
    next_need: pd.DataFrame,
    next_need_forecast: pd.DataFrame,
    next_need_calendar: pd.DataFrame,
    next_need_evaluation: pd.DataFrame,
    next_need_season: dict[str, Any],
    value_params: ValueParams,
) -> pd.DataFrame:
    """The numbers of the page's text, one row each: ``name``, ``value``, ``unit``, interval, ``grade``, ``n``.

    ``horizon``, ``n_customers``, ``expected_buyers`` (with the 80 % interval of the actual number), ``share_expected``,
    ``next_week`` (buyers of the first week), ``coverage``, ``pooled_coverage``, ``width``, ``pooled_width``.
    """
    n = len(next_need)
    rows = [
        _row("horizon", Estimate(value_params.next_need_days, "days")),
        _row("n_customers", Estimate(n, "customers")),
    ]
    if next_need_calendar.empty:
        return pd.DataFrame(rows, columns=_NUMBERS)
    drift = outlook.level_deviation(next_need_season["next"]["surprises"]) if next_need_season else 0.0
    p = next_need_forecast[["p_purchase"]]
    whole = outlook.expected_buyers(p, p["p_purchase"], drift=drift, timing=0.0).iloc[0]
    week = next_need_calendar[next_need_calendar["category"] == ""].iloc[0]
    rows += [
        _row("expected_buyers", _future(whole, 1.0, "customers", n=n)),
        _row("share_expected", _future(whole, 1 / max(n, 1), "share", n=n)),
        _row("next_week", _future(week, 1.0, "customers", n=n)),
    ]
    shown = next_need_evaluation[
        next_need_evaluation["name"].isin(["coverage", "pooled_coverage", "width", "pooled_width"])
    ]
    return pd.concat([pd.DataFrame(rows, columns=_NUMBERS), shown], ignore_index=True)


def _future(row: "pd.Series[Any]", per: float, unit: str, *, n: int) -> Estimate:
    ends = (float(row[f"expected_buyers{end}"]) * per for end in ("", "_ci_lower", "_ci_upper"))
    return Estimate(*_placed(unit, *ends), grade=_GRADE, n=n)


def _placed(unit: str, value: float, lower: float, upper: float) -> tuple[float, str, float, float, float]:
    return value, unit, lower, upper, _FUTURE_LEVEL


def next_need_words(next_need_verdict: dict[str, Any], value_params: ValueParams) -> dict[str, Any]:
    """The verdict in words by language: ``claim``, ``note`` (with its test).

    ``reason`` and ``remedy`` where there is no answer. The note's placeholders are numbers of ``next_need_headline``.
    """
    verdict = NeedVerdict(next_need_verdict["verdict"])
    claim, detail = wording.claim(verdict), wording.detail(verdict, failed=list(next_need_verdict["failed"]))
    words: dict[str, Any] = {
        "claim": claim,
        "note": {"zh": f"{claim['zh']}。{detail['zh']}", "en": f"{claim['en']}. {detail['en']}"},
    }
    if verdict is NeedVerdict.TOO_SHORT:
        words |= {"reason": wording.reason(horizon_days=value_params.next_need_days), "remedy": detail}
    return words
