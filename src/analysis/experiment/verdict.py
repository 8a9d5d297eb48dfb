"""What an experiment lets us say: which arm, by which metric, how sure, and in which words."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import pandas as pd

__all__ = [
    "METHOD_NAMES",
    "METRIC_NAMES",
    "Verdict",
    "VerdictKind",
    "chance",
    "decide",
    "metric_name",
    "words",
    "worsened",
]

_LEAST_CHANCE: Final = 0.001

METRIC_NAMES: Final = {
    "spend": {"zh": "人均消费", "en": "spend a head"},
    "bought": {"zh": "购买率", "en": "the share who buy"},
    "n_orders": {"zh": "人均订单数", "en": "orders a head"},
}

METHOD_NAMES: Final = {
    "plain": {"zh": "直接相减（Welch）", "en": "Plain difference (Welch)"},
    "cuped": {"zh": "用事前一列校正（CUPED）", "en": "One covariate (CUPED)"},
    "adjusted": {"zh": "回归校正（Lin）", "en": "Regression (Lin)"},
    "winsorised": {"zh": "压住最大的 5% 订单额", "en": "Largest 5% capped"},
    "bootstrap": {"zh": "自助法", "en": "Bootstrap"},
    "clustered": {"zh": "按员工聚类", "en": "By cluster"},
    "wild": {"zh": "按员工聚类，野自助法", "en": "By cluster, wild bootstrap"},
    "sequential": {"zh": "随时可看（序贯）", "en": "Always valid (peeking)"},
}


def chance(pvalue: float) -> dict[str, str]:
    """Return a p-value as it is written in a sentence.

    Examples:
        >>> chance(0.0312)["en"], chance(1e-9)["en"]
        ('0.031', 'below 0.001')
    """
    if pvalue < _LEAST_CHANCE:
        return {"zh": "不到 0.001", "en": "below 0.001"}
    return {"zh": f"{pvalue:.3f}", "en": f"{pvalue:.3f}"}


class VerdictKind(StrEnum):
    """How an experiment ended."""

    STOPPED = "stopped"
    WORKS = "works"
    HARMS = "harms"
    OTHER = "other"
    UNPROVEN = "unproven"
    RUNNING = "running"


class Verdict(NamedTuple):
    """What stands.

    Attributes:
        kind: stopped (the split is not the planned one), works or harms (the leading metric, corrected for all
            comparisons), other (only another metric is proven), unproven, running (not over and not proven yet).
        metric: The metric that the sentence is about.
        arm: The arm it is about.
    """

    kind: VerdictKind
    metric: str | None
    arm: str | None


def decide(
    effects: pd.DataFrame, *, metrics: list[str], state: str, is_over: bool, lower_is_better: Collection[str] = ()
) -> Verdict:
    """Return what the effects let us say.

    A finding is proven if its p-value, corrected over all arms and metrics, is below 1 - confidence level; while the
    experiment runs, if its always-valid interval excludes 0.

    Args:
        effects: Rows of ``readout.read_out``.
        metrics: All metrics, the leading one first.
        state: Of the sample ratio: ok, warn or stop.
        is_over: Whether the window has ended.
        lower_is_better: Metrics of which less is good (deletions, refunds, complaints).
    """
    if state == "stop" or effects.empty:
        return Verdict(VerdictKind.STOPPED, None, None)
    gain = _gain(effects, lower_is_better=lower_is_better)
    rows = effects.assign(proven=_proven(effects, is_over=is_over), gain=gain)
    leading = rows[rows["metric"] == metrics[0]].sort_values("gain", ascending=False)
    good, bad = (leading[leading["proven"] & (leading["gain"] * side > 0)] for side in (1, -1))
    if len(good):
        return Verdict(VerdictKind.WORKS, metrics[0], str(good.iloc[0]["arm"]))
    if len(bad):
        return Verdict(VerdictKind.HARMS, metrics[0], str(bad.iloc[-1]["arm"]))
    others = rows[rows["proven"]].sort_values("pvalue")
    if len(others):
        return Verdict(VerdictKind.OTHER, str(others.iloc[0]["metric"]), str(others.iloc[0]["arm"]))
    kind = VerdictKind.UNPROVEN if is_over else VerdictKind.RUNNING
    return Verdict(kind, metrics[0], str(leading.iloc[0]["arm"]))


def worsened(
    effects: pd.DataFrame, *, verdict: Verdict, is_over: bool, lower_is_better: Collection[str] = ()
) -> list[str]:
    """Return the metrics beside the verdict's that its arm is proven to have made worse.

    Args:
        effects: Rows of ``readout.read_out``.
        verdict: What stands.
        is_over: Whether the window has ended.
        lower_is_better: Metrics of which less is good.
    """
    if effects.empty or verdict.arm is None:
        return []
    worse = _proven(effects, is_over=is_over) & (_gain(effects, lower_is_better=lower_is_better) < 0)
    mine = (effects["arm"] == verdict.arm) & (effects["metric"] != verdict.metric)
    return [str(metric) for metric in effects.loc[worse & mine, "metric"]]


def _gain(effects: pd.DataFrame, *, lower_is_better: Collection[str]) -> "pd.Series[float]":
    """Return each effect with its sign turned where less is good."""
    return effects["effect"].where(~effects["metric"].isin(list(lower_is_better)), -effects["effect"]).astype("float64")


def _proven(effects: pd.DataFrame, *, is_over: bool) -> "pd.Series[bool]":
    if is_over:
        return effects["pvalue_holm"] < 1 - effects["confidence_level"]
    return (effects["effect_sequential_ci_lower"] > 0) | (effects["effect_sequential_ci_upper"] < 0)


def metric_name(metric: str) -> dict[str, str]:
    """Return what a metric is called; one that the book names keeps its column's name."""
    return METRIC_NAMES.get(metric, {"zh": metric, "en": metric})


def words(
    verdict: Verdict,
    *,
    rises: bool,
    shares_by: str,
    is_better: bool = True,
    has_costs: bool = False,
    net: tuple[float, float] | None = None,
    n_worsened: int = 0,
) -> Mapping[str, Any]:
    """Return the answer and the decision: ``zh``, ``en``, ``detail_zh``, ``detail_en``, and ``decision``.

    Placeholders: experiment, arm, metric, effect, effect_size, relative, adjusted, mde, n_customers, holm, ratio,
    cost_each (where has_costs), worsened (where n_worsened).
    Only a randomised comparison whose split holds says "caused".

    Args:
        verdict: What stands.
        rises: Whether the metric of the verdict is higher than in the control.
        shares_by: Who planned the shares: book, campaign or assumed.
        is_better: Whether that is the good direction.
        has_costs: Whether the touches' cost is known.
        net: Interval of the worth less that cost, where it is money.
        n_worsened: Metrics that the same arm is proven to have made worse.
    """
    said = _ANSWERS[verdict.kind]
    up = {"zh": "提高", "en": "rise"} if rises else {"zh": "降低", "en": "fall"}
    assumed = _ASSUMED if shares_by == "assumed" else {"zh": "", "en": ""}
    answer = {language: said[language].replace("<up>", up[language]) for language in ("zh", "en")}
    detail = {language: said[f"detail_{language}"] + assumed[language] for language in ("zh", "en")}
    chosen = _decision(verdict.kind, is_better=is_better, net=net)
    why = {language: chosen[f"why_{language}"] for language in ("zh", "en")}
    if verdict.kind is VerdictKind.WORKS:
        cost = _COSTS["known" if has_costs else "unknown"]
        why = {language: why[language] + cost[language] for language in ("zh", "en")}
    if n_worsened and verdict.kind in (VerdictKind.WORKS, VerdictKind.OTHER):
        why = {language: why[language] + _WORSENED[language] for language in ("zh", "en")}
    return {
        "answer": {**answer, "detail_zh": detail["zh"], "detail_en": detail["en"]},
        "decision": {"zh": chosen["zh"], "en": chosen["en"], "why": why},
    }


def _decision(kind: VerdictKind, *, is_better: bool, net: tuple[float, float] | None) -> dict[str, str]:
    """Return what to do: what works but does not pay is not sent on, nor what makes another metric worse."""
    if kind is VerdictKind.OTHER and not is_better:
        return _MAKES_WORSE
    if kind is VerdictKind.WORKS and net is not None and net[0] <= 0:
        return _DOES_NOT_PAY if net[1] < 0 else _MAY_NOT_PAY
    return _DECISIONS[kind]


_COSTS: Final = {
    "known": {
        "zh": "触达成本每位 {cost_each}，已从价值里扣除。",
        "en": " Touches cost {cost_each} a customer, which is taken off the worth.",
    },
    "unknown": {"zh": "没有扣触达成本。", "en": " Cost of the touches is not taken off."},
}
_WORSENED: Final = {
    "zh": "同时，{worsened}变差了，也已证明。",
    "en": " At the same time {worsened} got worse, which is proven too.",
}
_DOES_NOT_PAY: Final = {
    "zh": "停发「{arm}」：多出来的不够付触达成本",
    "en": "Stop sending {arm}: what it adds does not pay for the touches",
    "why_zh": "随机分组，人数与计划一致；效果已证明，扣掉成本后整个区间都在 0 以下。",
    "why_en": "Randomised, split as planned; the effect is proven, yet net of cost its whole interval is below 0.",
}
_MAY_NOT_PAY: Final = {
    "zh": "别扩大「{arm}」：扣掉触达成本，还没有证明赚钱",
    "en": "Do not extend {arm}: net of cost it is not proven to pay",
    "why_zh": "随机分组，人数与计划一致；效果已证明，但扣掉成本后的区间里有 0。",
    "why_en": "Randomised, split as planned; the effect is proven, but net of cost its interval holds 0.",
}
_MAKES_WORSE: Final = {
    "zh": "先停「{arm}」：{leading}没有证明，{metric}却变差了",
    "en": "Hold {arm} back: {leading} is not proven, and {metric} got worse",
    "why_zh": "随机分组，人数与计划一致；变差这一项已证明（已计入全部比较）。",
    "why_en": "Randomised, split as planned; what got worse is proven, all comparisons counted.",
}

_ASSUMED: Final = {
    "zh": "计划比例没有给出，按各组相等假定。",
    "en": " Planned shares were not given and are assumed to be equal.",
}

_EFFECT_ZH: Final = (
    "「{experiment}」，{n_customers}，按分配比较：{effect:full}，相对 {relative:full}；校正后 {adjusted:full}。"
)
_EFFECT_EN: Final = (
    "{experiment}, {n_customers}, compared as assigned: {effect:full}, relative {relative:full}; adjusted "
    "{adjusted:full}."
)

_ANSWERS: Final[dict[VerdictKind, dict[str, str]]] = {
    VerdictKind.STOPPED: {
        "zh": "分组人数和计划对不上，效果先不读",
        "en": "Customers are not split as planned: no effect is read",
        "detail_zh": (
            "「{experiment}」：要是真按计划分，碰巧偏离这么多的机会是 {ratio}。分组若有漏，任何差别都可能是分组造成的。"
        ),
        "detail_en": (
            "{experiment}: had customers been split as planned, one as far off as this would come with "
            "probability {ratio}. Where assignment leaks, any difference may come from it."
        ),
    },
    VerdictKind.WORKS: {
        "zh": "有用：「{arm}」使{metric}<up>了 {effect_size}",
        "en": "It worked: {arm} caused {metric} to <up> by {effect_size}",
        "detail_zh": _EFFECT_ZH,
        "detail_en": _EFFECT_EN,
    },
    VerdictKind.HARMS: {
        "zh": "有害：「{arm}」使{metric}<up>了 {effect_size}",
        "en": "It did harm: {arm} caused {metric} to <up> by {effect_size}",
        "detail_zh": _EFFECT_ZH,
        "detail_en": _EFFECT_EN,
    },
    VerdictKind.OTHER: {
        "zh": "「{arm}」使{metric}<up>了 {effect_size}；{leading}还没有证明",
        "en": "{arm} caused {metric} to <up> by {effect_size}; {leading} is not proven",
        "detail_zh": _EFFECT_ZH,
        "detail_en": _EFFECT_EN,
    },
    VerdictKind.UNPROVEN: {
        "zh": "没有证明有用：{metric}的差别可能只是运气",
        "en": "Not proven: the difference in {metric} may be luck",
        "detail_zh": _EFFECT_ZH + "这么多人，真实差别要到 {mde} 左右才看得清（八成把握）。",
        "detail_en": _EFFECT_EN
        + " With so many customers a true difference shows from about {mde} on (four times in five).",
    },
    VerdictKind.RUNNING: {
        "zh": "还没到期，也还没有证明：再等",
        "en": "Not over and not proven yet: wait",
        "detail_zh": "「{experiment}」还在观察期内。每天都看也不会看错的区间：{sequential:full}。",
        "detail_en": (
            "{experiment} is still within its window. The interval that may be looked at every day: {sequential:full}."
        ),
    },
}

_DECISIONS: Final[dict[VerdictKind, dict[str, str]]] = {
    VerdictKind.STOPPED: {
        "zh": "先查分组：名单、去重、发送失败剔除、上线时间",
        "en": "First find out why the split is off",
        "why_zh": "常见原因：某一组在发送前被筛过；导出时丢了没有行为的人；重复客户进了两组；分组中途改过比例。",
        "why_en": (
            "Usual causes: one arm was filtered before sending; an export dropped customers without "
            "activity; duplicates sit in two arms; shares changed on the way."
        ),
    },
    VerdictKind.WORKS: {
        "zh": "继续发「{arm}」，留一成客户不发，继续对照",
        "en": "Keep sending {arm}, and hold one customer in ten out to go on measuring",
        "why_zh": ("随机分组，人数与计划一致；要是其实没用，碰巧差这么多的机会是 {holm}（已计入全部比较）。"),
        "why_en": (
            "Randomised, split as planned; had it no effect, a difference like this would come with "
            "probability {holm}, all comparisons counted."
        ),
    },
    VerdictKind.HARMS: {
        "zh": "停发「{arm}」",
        "en": "Stop sending {arm}",
        "why_zh": "随机分组，人数与计划一致；要是其实没影响，碰巧差这么多的机会是 {holm}（已计入全部比较）。",
        "why_en": (
            "Randomised, split as planned; had it no effect, a difference like this would come with "
            "probability {holm}, all comparisons counted."
        ),
    },
    VerdictKind.OTHER: {
        "zh": "不要按{leading}算账；先看「{arm}」带来的{metric}值多少",
        "en": "Do not book {leading}; first find what {metric} from {arm} is worth",
        "why_zh": "最要紧的指标没有证明，别的指标有。",
        "why_en": "The leading metric is not proven, another one is.",
    },
    VerdictKind.UNPROVEN: {
        "zh": "别按有用来算账；要继续就换做法，或者放大实验",
        "en": "Book no effect; change the touch or run a larger experiment",
        "why_zh": "区间里既有好处也可能没有；没有证明有用，不等于证明没用。",
        "why_en": "The interval holds gains and none; not proven is not the same as proven useless.",
    },
    VerdictKind.RUNNING: {
        "zh": "不动，等观察期结束",
        "en": "Change nothing until the window ends",
        "why_zh": "提前停在好看的那天，会把运气当成效果。",
        "why_en": "Stopping on a good day takes luck for an effect.",
    },
}
