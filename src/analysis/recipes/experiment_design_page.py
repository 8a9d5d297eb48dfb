"""What the experiment design page shows of ``recipes/experiment_design.py``."""

from typing import Any, Final

import pandas as pd

from analysis.evidence import Estimate, Prior, grade_of
from analysis.experiment.verdict import metric_name
from analysis.fields import FIELDS
from analysis.params import ExperimentDesignParams

_GRADE: Final = grade_of(Prior())
_ALIKE_GAP: Final = 0.1
"""Standard deviations: a gap below this is called small."""


def design_headline(
    design_effects: pd.DataFrame,
    design_by_share: pd.DataFrame,
    design_customers: pd.DataFrame,
    assignment_facts: dict[str, Any],
    assignment_balance: pd.DataFrame,
    experiment_design_params: ExperimentDesignParams,
) -> dict[str, Any]:
    """The numbers of the page; cost and power rest on the hoped effect and are graded D."""
    n, params = len(design_customers), experiment_design_params
    bought, spend = (_row(design_effects, design_effects["metric"] == name) for name in ("bought", "spend"))
    planned = _row(design_by_share, design_by_share["is_planned"])
    gap = float(assignment_balance["gap"].abs().max())
    return {
        "experiment": params.name,
        "n_customers": Estimate(n, "customers"),
        "n_holdout": Estimate(assignment_facts["n_by_arm"]["holdout"], "customers"),
        "holdout_share": Estimate(params.holdout_share, "share"),
        "window": Estimate(params.window_days, "days"),
        "active": Estimate(params.active_days, "days"),
        "base": Estimate(float(bought["base"]), "share", n=n),
        "base_spend": Estimate(float(spend["base"]), "money", n=n),
        "mde": Estimate(float(bought["mde"]), "points", n=n),
        "mde_rel": Estimate(float(bought["mde_rel"]), "share", n=n),
        "mde_spend": Estimate(float(spend["mde"]), "money", n=n),
        "mde_spend_rel": Estimate(float(spend["mde_rel"]), "share", n=n),
        "expected": Estimate(params.expected_rel_effect, "share", grade=_GRADE),
        "power": Estimate(float(bought["power"]), "share", grade=_GRADE, n=n),
        "wanted": Estimate(params.power, "share"),
        "n_needed": Estimate(float(bought["n_needed"]), "customers", grade=_GRADE),
        "n_rounds": Estimate(float(bought["n_rounds"]), "times", grade=_GRADE),
        "cost": Estimate(float(planned["holdout_cost"]), "money", grade=_GRADE, n=int(planned["n_holdout"])),
        "saved": Estimate(float(bought["variance_saved"]), "share", n=n),
        "gap": Estimate(gap, "score"),
        "n_redraws": Estimate(params.redraws, "times"),
        "n_newcomers": Estimate(assignment_facts["n_newcomers"], "customers"),
        "fingerprint": assignment_facts["fingerprint"][:16],
        "assigned_on": assignment_facts["assigned_on"],
    }


def _row(table: pd.DataFrame, chosen: "pd.Series[bool]") -> dict[str, Any]:
    return {str(name): value for name, value in table[chosen].iloc[0].items()}


def design_words(
    design_headline: dict[str, Any], assignment_facts: dict[str, Any], experiment_design_params: ExperimentDesignParams
) -> dict[str, Any]:
    """The answer, the decision and two claims, as templates."""
    power = design_headline["power"]["value"]
    enough = power is not None and power >= experiment_design_params.power
    return {
        "answer": _ANSWER,
        "decision": _ENOUGH if enough else _TOO_SMALL,
        "claim": _SEEN if enough else _UNSEEN,
        "alike": _ALIKE if design_headline["gap"]["value"] < _ALIKE_GAP else _UNLIKE,
        "frozen": _NEW if assignment_facts["is_new"] else _FROZEN,
    }


_ANSWER: Final = {
    "zh": "这一轮能看清的最小变化：购买率变动 {mde_rel}",
    "en": "The smallest change this round can show: {mde_rel} of the buying rate",
    "detail_zh": (
        "{n_customers}参加，{n_holdout}留出，观察 {window}。平时这么长时间里有 {base} 的人购买，差到 {mde} 才看得清"
        "（{wanted} 的把握）；人均消费要差到 {mde_spend}（{mde_spend_rel}）。更小的效果这一轮看不见，看不"
        "见不等于没有。"
    ),
    "detail_en": (
        "{n_customers} take part, {n_holdout} are held out, for {window}. As a rule {base} buy within such a window; "
        "a difference shows from {mde} on ({wanted} of the time), in spend a head from {mde_spend} ("
        "{mde_spend_rel}). "
        "Smaller effects stay unseen, which does not mean that there are none."
    ),
}
_ENOUGH: Final = {
    "zh": "可以开始：留出 {holdout_share}",
    "en": "Go ahead: hold {holdout_share} out",
    "why": {
        "zh": "如果真有盼望的 {expected}，这一轮有 {power} 的机会看到它；留出的代价约 {cost} 销售额。",
        "en": (
            "If the hoped {expected} is true, this round has a {power} chance to show it; holding out costs "
            "about {cost} of sales."
        ),
    },
}
_TOO_SMALL: Final = {
    "zh": "别指望一轮就有结论：同样的做法连做 {n_rounds}再合起来看，或者只试更大的动作",
    "en": "Do not expect a verdict from one round: repeat it {n_rounds} and pool, or try something bolder",
    "why": {
        "zh": (
            "如果真有盼望的 {expected}，这一轮只有 {power} 的机会看到它；要 {n_needed}才够。留出的代价约 "
            "{cost} 销售额。"
        ),
        "en": (
            "If the hoped {expected} is true, this round has only a {power} chance to show it; it takes "
            "{n_needed}. Holding out costs about {cost} of sales."
        ),
    },
}
_SEEN: Final = {
    "zh": "留出 {holdout_share}，看得清 {mde_rel} 以上的变化",
    "en": "Holding {holdout_share} out shows changes from {mde_rel} on",
}
_UNSEEN: Final = {
    "zh": "盼望的 {expected} 太小，留出 {holdout_share}只看得清 {mde_rel}",
    "en": "The hoped {expected} is too small: holding {holdout_share} out shows {mde_rel}",
}
_ALIKE: Final = {
    "zh": "各组事前相近，最大差距 {gap} 个标准差",
    "en": "Arms are alike: the largest gap is {gap} standard deviations",
}
_UNLIKE: Final = {
    "zh": "各组事前还不够相近，最大差距 {gap} 个标准差：读数时要校正",
    "en": "Arms are not quite alike, the largest gap is {gap} standard deviations: adjust when reading",
}
_NEW: Final = {
    "zh": "分组今天抽定，名单在 private/，指纹 {fingerprint}…。下一期起不再重抽。",
    "en": "Drawn today; the list is in private/, fingerprint {fingerprint}…. It will not be drawn again.",
}
_FROZEN: Final = {
    "zh": "分组已于 {assigned_on} 抽定，沿用不变，指纹 {fingerprint}…；此后新来的 {n_newcomers}不在其中。",
    "en": "Drawn on {assigned_on} and kept, fingerprint {fingerprint}…; {n_newcomers} who came since are not in it.",
}


def design_shares(design_by_share: pd.DataFrame) -> pd.DataFrame:
    """One row per holdout share: customers held out, smallest visible change, power and cost of the hoped effect."""
    return design_by_share.drop(columns="is_planned")


def design_metrics(design_effects: pd.DataFrame) -> pd.DataFrame:
    """One row per metric: smallest visible change as a share, power, customers and rounds that it takes."""
    zh, en = ([metric_name(name)[language] for name in design_effects["metric"]] for language in ("zh", "en"))
    named = design_effects.assign(metric_zh=zh, metric_en=en)
    return named[["metric_zh", "metric_en", "mde_rel", "power", "n_needed", "n_rounds", "variance_saved"]]


def design_balance(assignment_balance: pd.DataFrame) -> pd.DataFrame:
    """One row per measure and arm: gap to the holdout in standard deviations."""
    zh, en = ([_label(name, language) for name in assignment_balance["measure"]] for language in ("zh", "en"))
    named = assignment_balance.assign(measure_zh=zh, measure_en=en)
    return named[["measure_zh", "measure_en", "arm", "gap"]]


def _label(name: str, language: str) -> str:
    field = FIELDS[name]
    return field.zh if language == "zh" else field.en


def design_arms(assignment_facts: dict[str, Any]) -> pd.DataFrame:
    """One row per arm: customers."""
    counts = assignment_facts["n_by_arm"]
    return pd.DataFrame({"arm": list(counts), "n_customers": list(counts.values())})
