"""What valued policies let us say: which one to use, how sure, and in which words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import pandas as pd

from analysis.evidence import Grade
from analysis.experiment.policies import LEARNED, LOGGED, UNIFORM

__all__ = ["LEADING", "PolicyVerdict", "PolicyVerdictKind", "choose", "policy_label", "policy_words", "refusal_words"]

LEADING: Final = "dr"
"""The estimator that decides: as unbiased as IPS, narrower where the reward model is good."""

_LABELS: Final = {
    LOGGED: {"zh": "记录中的做法", "en": "As logged"},
    UNIFORM: {"zh": "各动作等机会抽", "en": "Uniform draw"},
    LEARNED: {"zh": "按模型挑最好的", "en": "Best by model"},
}


class PolicyVerdictKind(StrEnum):
    """How a comparison of policies ended."""

    REFUSED = "refused"
    NONE = "none"
    BETTER = "better"
    WORSE = "worse"
    UNPROVEN = "unproven"


class PolicyVerdict(NamedTuple):
    """What stands.

    Attributes:
        kind: refused (the log cannot be read), none (no policy could be valued), better (one is, all comparisons
            counted), worse (every policy is proven worse than the logged one), unproven.
        policy: The policy that the sentence is about: the best proven, else the best by its estimate.
    """

    kind: PolicyVerdictKind
    policy: str | None


def policy_label(policy: str) -> dict[str, str]:
    """Return what a policy is called.

    Examples:
        >>> policy_label("always_coupon")["en"]
        'Always coupon'
    """
    if policy.startswith("always_"):
        action = policy.removeprefix("always_")
        return {"zh": f"一律 {action}", "en": f"Always {action}"}
    return _LABELS.get(policy, {"zh": policy, "en": policy})


def choose(estimates: pd.DataFrame, *, lower_is_better: bool) -> PolicyVerdict:
    """Return which policy stands.

    A policy is proven better if the interval of its difference to the logged one, widened so that it holds for all
    policies at once, lies on the good side of 0.

    Args:
        estimates: Rows of ``policy_value.value_policies``; empty where the log was refused.
        lower_is_better: Whether a small reward is the good one.
    """
    if estimates.empty:
        return PolicyVerdict(PolicyVerdictKind.REFUSED, None)
    rows = estimates[(estimates["estimator"] == LEADING) & (estimates["policy"] != LOGGED)]
    rows = rows[rows["refused"] == ""]
    if rows.empty:
        return PolicyVerdict(PolicyVerdictKind.NONE, None)
    sign = -1.0 if lower_is_better else 1.0
    ends = rows[["difference_all_ci_lower", "difference_all_ci_upper"]] * sign
    ranked = rows.assign(gain=rows["difference"] * sign, least=ends.min(axis=1), most=ends.max(axis=1))
    ranked = ranked.sort_values(["gain", "policy"], ascending=[False, True])
    proven = ranked[ranked["least"] > 0]
    if len(proven):
        return PolicyVerdict(PolicyVerdictKind.BETTER, str(proven.iloc[0]["policy"]))
    kind = PolicyVerdictKind.WORSE if (ranked["most"] < 0).all() else PolicyVerdictKind.UNPROVEN
    return PolicyVerdict(kind, str(ranked.iloc[0]["policy"]))


def policy_words(
    verdict: PolicyVerdict, *, grade: Grade, reason: str, lower_is_better: bool
) -> Mapping[str, Mapping[str, Any]]:
    """Return answer and decision as templates: ``zh``, ``en``, ``detail_zh``, ``detail_en``, and ``decision``.

    Placeholders: policy, logged_value, value, gain (size of the difference), difference, ess, n_decisions,
    n_customers, n_compared, found, needed.

    Args:
        verdict: What stands.
        grade: Of the estimates.
        reason: Why the log is refused, or why the grade is not A (estimated, weights); "" if it is.
        lower_is_better: Whether a small reward is the good one.
    """
    said, chosen = _ANSWERS[verdict.kind], _DECISIONS[verdict.kind]
    why: dict[str, str] = {language: chosen[f"why_{language}"] for language in ("zh", "en")}
    detail: dict[str, str] = {language: said[f"detail_{language}"] for language in ("zh", "en")}
    if verdict.kind is PolicyVerdictKind.REFUSED:
        detail = refusal_words(reason)
    elif grade is not Grade.RANDOMISED:
        why = {language: why[language] + _DOUBTS[reason][language] for language in ("zh", "en")}
    more = {"zh": "少", "en": "less"} if lower_is_better else {"zh": "多", "en": "more"}
    texts = {language: said[language].replace("<more>", more[language]) for language in ("zh", "en")}
    return {
        "answer": {**texts, "detail_zh": detail["zh"], "detail_en": detail["en"]},
        "decision": {"zh": chosen["zh"], "en": chosen["en"], "why": why},
    }


def refusal_words(reason: str) -> dict[str, str]:
    """Return why a log or a policy is refused, as a template with {found} and {needed}."""
    return dict(_REFUSALS[reason])


_VALUED_ZH: Final = (
    "「{policy}」每次决策 {value:full}，记录中的做法 {logged_value}；差 {difference:full}（已计入全部比较）。"
    "{n_decisions}，{n_customers}，有效样本 {ess}。"
)
_VALUED_EN: Final = (
    "{policy}: {value:full} a decision against {logged_value} as logged; difference {difference:full}, all comparisons "
    "counted. {n_decisions} of {n_customers}, effective sample {ess}."
)

_ANSWERS: Final[dict[PolicyVerdictKind, dict[str, str]]] = {
    PolicyVerdictKind.REFUSED: {
        "zh": "这份决策记录还不能用来给做法估值",
        "en": "These decisions cannot tell what another policy is worth",
        "detail_zh": "",
        "detail_en": "",
    },
    PolicyVerdictKind.NONE: {
        "zh": "没有一种做法有足够的记录可以估值",
        "en": "No policy has enough of the log behind it to be valued",
        "detail_zh": "{n_decisions}，{n_customers}；每种做法的原因见下表。",
        "detail_en": "{n_decisions} of {n_customers}; the reason for each policy is in the table below.",
    },
    PolicyVerdictKind.BETTER: {
        "zh": "「{policy}」比记录中的做法每次<more> {gain}",
        "en": "{policy} gives {gain} <more> a decision than what was logged",
        "detail_zh": _VALUED_ZH,
        "detail_en": _VALUED_EN,
    },
    PolicyVerdictKind.WORSE: {
        "zh": "比过的做法都不如记录中的做法",
        "en": "Every policy compared does worse than what was logged",
        "detail_zh": "其中最接近的：" + _VALUED_ZH,
        "detail_en": "The nearest of them: " + _VALUED_EN,
    },
    PolicyVerdictKind.UNPROVEN: {
        "zh": "没有哪种做法证明比记录中的更好",
        "en": "No policy is proven better than what was logged",
        "detail_zh": "估得最高的：" + _VALUED_ZH,
        "detail_en": "The highest estimate: " + _VALUED_EN,
    },
}

_DECISIONS: Final[dict[PolicyVerdictKind, dict[str, str]]] = {
    PolicyVerdictKind.REFUSED: {
        "zh": "先把记录补对，再谈换做法",
        "en": "Put the log right before changing the policy",
        "why_zh": "每次决策要记下：做了什么、当时选中它的概率、后来的结果。",
        "why_en": "Each decision needs what was done, the probability it was chosen with, and what came of it.",
    },
    PolicyVerdictKind.NONE: {
        "zh": "照旧，继续留出一部分随机决策",
        "en": "Change nothing and go on drawing part of the decisions at random",
        "why_zh": "记录里很少出现这些做法会选的动作。",
        "why_en": "The log hardly ever holds what these policies would do.",
    },
    PolicyVerdictKind.BETTER: {
        "zh": "改用「{policy}」，留一成决策照旧随机，继续对照",
        "en": "Use {policy}, and keep one decision in ten random to go on measuring",
        "why_zh": "概率是当时就定下的，同一批记录上比较，已计入 {n_compared}项比较。",
        "why_en": "Probabilities were set beforehand; same decisions compared, all {n_compared} comparisons counted.",
    },
    PolicyVerdictKind.WORSE: {
        "zh": "保留现在的做法",
        "en": "Keep what is done now",
        "why_zh": "在同一批记录上，{n_compared}种做法都更差。",
        "why_en": "On the same decisions all {n_compared} policies do worse.",
    },
    PolicyVerdictKind.UNPROVEN: {
        "zh": "先不换；要换就从小流量的随机对照开始",
        "en": "Do not switch yet; if you must, start with a small randomised trial",
        "why_zh": "区间里既有好处也可能没有；{n_compared}种做法里挑最高的，本身就会偏高。",
        "why_en": "The interval holds gains and none; the highest of {n_compared} estimates is high by luck too.",
    },
}

_DOUBTS: Final = {
    "estimated": {
        "zh": "概率是事后估的，不是当时抽签用的，只能算观察（证据 C）。",
        "en": " The probabilities were estimated afterwards, not drawn from: this is observation (evidence C).",
    },
    "weights": {
        "zh": "权重的平均不是 1：记录的概率对不上，只能算观察（证据 C）。",
        "en": " Weights do not average one, so the logged probabilities are in doubt: observation (evidence C).",
    },
}

_REFUSALS: Final = {
    "few": {
        "zh": "有效的决策太少：{found}，至少要 {needed}。",
        "en": "Too few effective decisions: {found}, at least {needed} are needed.",
    },
    "missing": {
        "zh": "{found}次决策缺动作、概率或结果。",
        "en": "{found} decisions lack their action, probability or reward.",
    },
    "propensity": {
        "zh": "{found}次决策的概率不在 0 到 1 之间（不含 0）：被选中的动作不可能没有机会。",
        "en": "{found} decisions have a probability that is not above 0 and up to 1: what was chosen had a chance.",
    },
    "one_action": {
        "zh": "记录里只有一种动作，没有别的可比。",
        "en": "The log holds one action only: there is nothing to compare.",
    },
    "certain": {
        "zh": "每次决策的概率都是 1：没有随机，别的做法没有一条记录可依。",
        "en": "Every decision had probability 1: nothing was drawn, so no other policy left a trace.",
    },
    "no_overlap": {
        "zh": "它会选的动作，记录里一次也没有选过。",
        "en": "What it would do was never done in the log.",
    },
    "unknown_action": {
        "zh": "它有 {found}的决策会选记录里没有的动作。",
        "en": "For {found} of the decisions it takes an action that the log does not hold.",
    },
    "weights": {
        "zh": "权重平均 {found}，不是 1：有些客户当时不可能得到它，或者概率记错了。",
        "en": "Its weights average {found}, not 1: some customers could not get it, or probabilities are wrong.",
    },
    "not_a_rate": {
        "zh": "账本说结果是 0 或 1，但有 {found}次决策不是。",
        "en": "The book calls the reward a rate, yet {found} decisions hold neither 0 nor 1.",
    },
    "few_rewards": {
        "zh": "背后只有 {found}位客户有非零结果，至少要 {needed}。",
        "en": "Only {found} customers behind it have a reward, at least {needed} are needed.",
    },
}
