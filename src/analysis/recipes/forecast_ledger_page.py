"""What the forecast ledger's page shows: the sentence, the bands over time, the tables, and what is still open."""

from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.evidence import Estimate
from analysis.experiment import ledger_correction, ledger_scores
from analysis.experiment.ledger_wording import VERDICTS, band_words, kind_label, model_name, of_kind
from analysis.numerals import LANGUAGES, format_value
from analysis.params import LedgerParams
from analysis.stats.scoring import proportion

_LEVEL: Final = 0.95
_PROMISED: Final = 0.8
_ROWS_SHOWN: Final = 30
_FEWEST_DAYS: Final = 5
"""Days on which forecasts were made, below which nothing is said of the width of bands."""


def ledger_headline(
    ledger_scores_table: pd.DataFrame,
    ledger_corrections: pd.DataFrame,
    ledger_late: dict[str, Any],
    ledger_summary: pd.DataFrame,
    ledger_reliability: pd.DataFrame,
    forecast_ledger_params: LedgerParams,
) -> dict[str, Any]:
    """The numbers of the page: how many were due, how many fell inside, by how much bands are too narrow."""
    scores = ledger_scores_table
    last = ledger_scores.last_ones(scores, n=forecast_ledger_params.last)
    covered = ledger_scores.coverage_of(scores)
    off = scores["error"].abs().median() if len(scores) else None
    return {
        "n_due": Estimate(covered.n, "forecasts"),
        "n_days": Estimate(covered.n_days, "days"),
        "n_last": Estimate(len(last), "forecasts"),
        "n_inside_last": Estimate(int(last["inside"].sum()), "forecasts"),
        "n_inside": Estimate(covered.inside, "forecasts"),
        "coverage_80": _share(covered),
        "crps": Estimate(float(scores["rel_crps"].mean()) if len(scores) else None, "share", n=covered.n),
        "typical_error": Estimate(None if off is None else float(off), "share", n=covered.n),
        "widen": Estimate(_widening(scores), "ratio", n=covered.n_days),
        "n_helps": Estimate(int((ledger_corrections["verdict"] == "helps").sum()), "count"),
        "n_kinds": Estimate(len(ledger_corrections), "count"),
        "n_changed": Estimate(ledger_late["n_changed"], "forecasts"),
        "largest": Estimate(ledger_late["largest"], "share"),
        "n_found_off": Estimate(ledger_late["n_found_off"], "forecasts"),
        "largest_off": Estimate(ledger_late["largest_off"], "share"),
        "settle": Estimate(forecast_ledger_params.settle_days, "days"),
        **_leaning(ledger_summary),
        **_windows(ledger_reliability),
        "fewest_days": Estimate(ledger_correction.FEWEST_DAYS, "days"),
    }


def _share(covered: ledger_scores.Coverage) -> Estimate:
    if not covered.n:
        return Estimate(None, "share", n=0)
    return Estimate(covered.share.value, "share", covered.share.ci_lower, covered.share.ci_upper, _LEVEL, n=covered.n)


def _widening(scores: pd.DataFrame) -> float | None:
    """Return the factor of all bands at which four in five outcomes would have been inside, about their medians."""
    if scores.empty:
        return None
    side = np.where(scores["actual"] >= scores["median"], scores["ci_upper"], scores["ci_lower"])
    width = np.abs(np.log((side + 0.5) / (scores["median"] + 0.5)))
    miss = np.abs(np.log((scores["actual"] + 0.5) / (scores["median"] + 0.5)))
    return float(np.quantile(miss / np.maximum(width, 1e-9), _PROMISED, method="higher"))


def ledger_words(ledger_headline: dict[str, Any], ledger_reliability_table: pd.DataFrame) -> dict[str, Any]:
    """The answer and the claims, as templates for the numbers of ``ledger_headline``."""
    head = ledger_headline
    n_due, n_days = (head[name]["value"] for name in ("n_due", "n_days"))
    windows = _WINDOWS if head["window_hits"]["value"] is not None else {}
    if not n_due:
        return {"answer": _NONE_DUE, "chances": _chances(ledger_reliability_table), "any": False, "windows": windows}
    lower, upper = head["coverage_80"]["ci_lower"], head["coverage_80"]["ci_upper"]
    if n_days < _FEWEST_DAYS:
        width = _TOO_FEW
    elif upper < _PROMISED:
        width = _TOO_NARROW
    elif lower > _PROMISED:
        width = _TOO_WIDE
    else:
        width = _FITS
    late = _LATE if head["n_changed"]["value"] or head["n_found_off"]["value"] else _NOT_LATE
    return {
        "answer": _DUE,
        "width": width,
        "kinds": _LEANINGS[head["leans"]],
        "chances": _chances(ledger_reliability_table),
        "late": late,
        "any": True,
        "windows": windows,
    }


def _leaning(summary: pd.DataFrame) -> dict[str, Any]:
    """Return the kind of forecast that leans to one side most, of those that do beyond luck: what it is, by how much.

    ``leaning`` (share of the median), ``leaning_kind`` (label) and ``leans``: high, low or not.
    """
    told = summary.assign(size=summary["bias"].astype(float).abs())
    rows = told[(told["bias_ci_lower"] > 0) | (told["bias_ci_upper"] < 0)].nlargest(1, "size").to_dict("records")
    if not rows:
        return {"leaning": Estimate(None, "share"), "leaning_kind": {"zh": "", "en": ""}, "leans": "not"}
    row = rows[0]
    low, high = sorted(abs(float(np.expm1(row[name]))) for name in ("bias_ci_lower", "bias_ci_upper"))
    size = abs(float(np.expm1(row["bias"])))
    return {
        "leaning": Estimate(size, "share", low, high, _LEVEL, n=int(row["n_forecasts"])),
        "leaning_kind": kind_label(str(row["notebook"]), str(row["quantity"])),
        "leans": "high" if row["bias"] < 0 else "low",
    }


def _windows(reliability: pd.DataFrame) -> dict[str, Estimate]:
    """Return which share of buyers bought first within their own window; promised are 80 %."""
    told = reliability[reliability["quantity"] == "window_hits"]
    n = int(told["n_customers"].sum())
    if not n:
        return {"n_window_buyers": Estimate(0, "customers"), "window_hits": Estimate(None, "share", n=0)}
    seen = proportion(round(float((told["seen"] * told["n_customers"]).sum())), n)
    return {
        "n_window_buyers": Estimate(n, "customers"),
        "window_hits": Estimate(seen.value, "share", seen.ci_lower, seen.ci_upper, _LEVEL, n=n),
    }


def _chances(reliability: pd.DataFrame) -> dict[str, str]:
    """Return the claim on the chances to leave: how many groups miss the diagonal."""
    n = len(reliability)
    told = reliability["mean_p_churn"]
    off = int(((reliability["churn_rate_ci_lower"] > told) | (reliability["churn_rate_ci_upper"] < told)).sum())
    if not off:
        return {
            "zh": f"说的流失概率与后来真走的比例对得上：{n} 组都对",
            "en": f"Chances to leave came true as told in all {n} groups",
        }
    return {
        "zh": f"说的流失概率，{n} 组里有 {off} 组和后来真走的比例对不上",
        "en": f"Chances to leave missed the share who left in {off} of {n} groups",
    }


def ledger_bands(ledger_scores_table: pd.DataFrame) -> pd.DataFrame:
    """One row per due forecast for the picture: the band and what came, as shares of the median.

    ``forecast_of_zh``, ``forecast_of_en``, ``due_on``, ``horizon_days``, ``band_low``, ``band_high`` and ``outcome``
    (0.1: a tenth above the median), ``inside``.
    """
    scores = ledger_scores_table
    size = scores["median"].clip(lower=1e-9)
    labels = _labels(scores)
    return pd.DataFrame(
        {
            **labels,
            "due_on": scores["due_on"],
            "horizon_days": scores["horizon_days"],
            "band_low": scores["ci_lower"] / size - 1,
            "band_high": scores["ci_upper"] / size - 1,
            "outcome": scores["actual"] / size - 1,
            "inside": scores["inside"],
        }
    )


def _labels(rows: pd.DataFrame) -> dict[str, list[str]]:
    pairs = [kind_label(n, q) for n, q in zip(rows["notebook"], rows["quantity"], strict=True)]
    return {f"forecast_of_{language}": [pair[language] for pair in pairs] for language in LANGUAGES}


def ledger_due_table(ledger_scores_table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """The due forecasts as a page prints them, newest first, at most thirty: what, what was said, what came, when."""
    scores = ledger_scores_table.iloc[::-1].head(_ROWS_SHOWN)
    rows = []
    for row in scores.to_dict("records"):
        what = of_kind(row["notebook"], row["quantity"], int(row["horizon_days"]))
        told, came = band_words(row, currency=currency), _words(row["actual"], row["unit"], currency=currency)
        said = {f"{name}_{key}": text[key] for name, text in (("what", what), ("told", told), ("came", came))
                for key in LANGUAGES}  # fmt: skip
        inside = {"zh": "是", "en": "yes"} if row["inside"] else {"zh": "否", "en": "no"}
        rows.append(
            {
                **said,
                "inside_zh": inside["zh"],
                "inside_en": inside["en"],
                "error": row["error"],
                "due_on": row["due_on"].date(),
                "made_on": row["made_on"].date(),
            }
        )
    columns = [*(f"{n}_{k}" for n in ("what", "told", "came", "inside") for k in LANGUAGES)]
    return pd.DataFrame(rows, columns=[*columns, "error", "due_on", "made_on"])


def _words(value: float, unit: str, *, currency: str) -> dict[str, str]:
    return {key: format_value(value, unit, language=key, currency=currency) for key in LANGUAGES}


def ledger_summary_table(ledger_models: pd.DataFrame) -> pd.DataFrame:
    """How good each kind and model has been, as a page prints it."""
    table = ledger_models
    columns = [
        "n_forecasts",
        "n_days",
        "coverage",
        "coverage_ci_lower",
        "coverage_ci_upper",
        "rel_crps",
        "bias",
        "bias_ci_lower",
        "bias_ci_upper",
        "rel_width",
        "confidence_level",
    ]
    if table.empty:
        return pd.DataFrame(columns=["forecast_of_zh", "forecast_of_en", "model_zh", "model_en", *columns])
    models = {f"model_{key}": [model_name(str(name))[key] for name in table["model"]] for key in LANGUAGES}
    named = table.drop(columns="model").assign(**_labels(table), **models, bias=np.expm1(table["bias"]))
    for end in ("lower", "upper"):
        named[f"bias_ci_{end}"] = np.expm1(table[f"bias_ci_{end}"])
    named = named.rename(columns={"coverage": "inside_share"}).rename(
        columns=lambda name: str(name).replace("coverage_", "inside_share_")
    )
    wanted = [name.replace("coverage", "inside_share") for name in columns]
    return named[["forecast_of_zh", "forecast_of_en", "model_zh", "model_en", *wanted]]


def ledger_reliability_table(ledger_reliability: pd.DataFrame) -> pd.DataFrame:
    """Chances to leave against the share who left, by fifths of the customers, for picture and table."""
    told = ledger_reliability[
        (ledger_reliability["notebook"] == "churn") & (ledger_reliability["quantity"] == "leavers")
    ]
    names = {
        "expected": "mean_p_churn",
        "seen": "churn_rate",
        "seen_ci_lower": "churn_rate_ci_lower",
        "seen_ci_upper": "churn_rate_ci_upper",
    }
    return told.rename(columns=names)[["n_customers", *names.values(), "confidence_level"]].reset_index(drop=True)


def ledger_correction_table(ledger_corrections: pd.DataFrame) -> pd.DataFrame:
    """What is proposed for each kind of forecast, how later ones did with it, and what follows, as a page prints it."""
    table = ledger_corrections
    columns = [
        "forecast_of_zh",
        "forecast_of_en",
        "move",
        "widen",
        "n_tried",
        "inside_before",
        "inside_after",
        "crps_gain",
        "crps_gain_ci_lower",
        "crps_gain_ci_upper",
        "confidence_level",
        "verdict_zh",
        "verdict_en",
    ]
    if table.empty:
        return pd.DataFrame(columns=columns)
    verdicts = {f"verdict_{key}": [VERDICTS[name][key] for name in table["verdict"]] for key in LANGUAGES}
    named = table.drop(columns="verdict").assign(**_labels(table), **verdicts, move=np.expm1(table["shift"]))
    return named.rename(
        columns={"coverage_before": "inside_before", "coverage_after": "inside_after", "n_judged": "n_tried"}
    )[columns]


def ledger_results(ledger_headline: dict[str, Any], ledger_summary: pd.DataFrame) -> dict[str, Any]:
    """What goes into results.json: ``n_due``, ``coverage_80``, ``crps`` (over the median), and the same by kind."""
    found = {name: ledger_headline[name] for name in ("n_due", "coverage_80", "crps", "typical_error", "widen")}
    for row in ledger_summary.to_dict("records"):
        kind, n = f"{row['notebook']}.{row['quantity']}", int(row["n_forecasts"])
        ends = (row["coverage"], "share", row["coverage_ci_lower"], row["coverage_ci_upper"], _LEVEL)
        found[f"{kind}.coverage_80"] = Estimate(*ends, n=n)
        found[f"{kind}.crps"] = Estimate(row["rel_crps"], "share", n=n)
        found[f"{kind}.n_due"] = Estimate(n, "forecasts")
    return found


_DUE: Final = {
    "zh": "最近到期的 {n_last}，有 {n_inside_last:bare} 次落在各自的 80% 区间里",
    "en": "Of our last {n_last}, {n_inside_last:bare} fell inside their 80% band",
    "detail_zh": (
        "到期的一共 {n_due}，{coverage_80} 落在区间里（{coverage_80:interval}；同一天做的预测一起受运气影响，区间按 "
        "{n_days}算）。实际与预测通常相差 {typical_error}。说 80%，就该有 80% 落在里面：少了是说得太满，多了是太保守。"
    ),
    "detail_en": (
        "In all {n_due} have come due; {coverage_80} of them fell inside ({coverage_80:interval}; forecasts of one day "
        "share their luck, so the interval counts {n_days}). Outcome and forecast typically differ by {typical_error}. "
        "A band that says 80% should hold 80%: fewer is too bold, more is too timid."
    ),
}
_NONE_DUE: Final = {
    "zh": "还没有预测到期：{n_open}在等，最早 {next_due} 对账",
    "en": "No forecast has come due yet: {n_open} are waiting, the first is due on {next_due}",
    "detail_zh": "每次运行都把当天的预测原样存下；到期以后，用同一批客户的实际数字来对账。",
    "detail_en": (
        "Every run keeps its forecasts as they were made; once they are due, the same customers are looked up again."
    ),
}
_FITS: Final = {
    "zh": "区间的宽窄看不出毛病：{coverage_80} 落在里面，说好的是 80%",
    "en": "The width of our bands fits what was seen: {coverage_80} fell inside, 80% were promised",
}
_TOO_NARROW: Final = {
    "zh": "区间太窄：只有 {coverage_80} 落在里面，要宽到 {widen} 才够 80%",
    "en": "Our bands are too narrow: {coverage_80} fell inside; to hold 80% they would have to be {widen} as wide",
}
_TOO_WIDE: Final = {
    "zh": "区间太宽：{coverage_80} 落在里面，缩到 {widen} 也有 80%",
    "en": "Our bands are too wide: {coverage_80} fell inside; {widen} their width would hold 80%",
}
_TOO_FEW: Final = {
    "zh": "到期的预测还少，宽窄下不了结论",
    "en": "Too few forecasts have come due to judge the width of our bands",
}
_LEANINGS: Final = {
    "high": {
        "zh": "「{leaning_kind}」说得偏高：实际平均少 {leaning}",
        "en": "Forecasts run too high for {leaning_kind}: {leaning} fewer came on average",
    },
    "low": {
        "zh": "「{leaning_kind}」说得偏低：实际平均多 {leaning}",
        "en": "Forecasts run too low for {leaning_kind}: {leaning} more came on average",
    },
    "not": {
        "zh": "没有哪一类预测明显偏高或偏低",
        "en": "No kind of forecast leans to one side beyond luck",
    },
}
_WINDOWS: Final = {
    "zh": (
        "价值页说的下次购买窗口：回来的 {n_window_buyers}里，{window_hits} 落在各自的窗内（{window_hits:interval}），"
        "说好的是 80%。"
    ),
    "en": (
        "Of {n_window_buyers} who came back, {window_hits} did so within the window that the value page gave them "
        "({window_hits:interval}); 80% were promised."
    ),
}
_LATE: Final = {
    "zh": (
        "有 {n_changed}因为迟到的数据改了实际数（最多改 {largest}）；{n_found_off}的客户数与当时不完全一样（最多差 "
        "{largest_off}）。按现在的数据算。"
    ),
    "en": (
        "Data that arrived late changed what came of {n_changed} (by {largest} at most); the customers of "
        "{n_found_off} could not be found again one for one (off by {largest_off} at most). Scored by the data as "
        "they are now."
    ),
}
_NOT_LATE: Final = {
    "zh": "当时的客户都能一一找回，也没有迟到的数据改变已有的对账。",
    "en": "All customers were found again one for one, and no late data changed an earlier score.",
}
