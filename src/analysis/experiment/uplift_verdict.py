"""What a ranking by uplift lets us say: touch the top, all, or none; in which words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import pandas as pd

__all__ = ["LEARNER_NAMES", "UpliftVerdict", "UpliftVerdictKind", "decide_uplift", "uplift_says"]

LEARNER_NAMES: Final = {
    "s": {"zh": "S：一个模型", "en": "S: one model"},
    "t": {"zh": "T：两组各一个模型", "en": "T: a model for each arm"},
    "x": {"zh": "X：交叉补出效果", "en": "X: effects imputed crosswise"},
    "dr": {"zh": "DR：双重稳健", "en": "DR: doubly robust"},
}


class UpliftVerdictKind(StrEnum):
    """What should be done, and whether a ranking says so."""

    STOPPED = "stopped"
    BLIND = "blind"
    TOP = "top"
    RANKS_ALL = "ranks_all"
    RANKS_NONE = "ranks_none"
    ALL = "all"
    NONE = "none"
    UNPROVEN = "unproven"

    @property
    def knows(self) -> bool:
        """Whether the ranking is proven."""
        return self in {UpliftVerdictKind.TOP, UpliftVerdictKind.RANKS_ALL, UpliftVerdictKind.RANKS_NONE}


class UpliftVerdict(NamedTuple):
    """What stands.

    Attributes:
        kind: stopped (the split is not the planned one); blind (nothing known before to rank by); with a proven
            ranking: top, ranks_all, ranks_none; without one: all, none, unproven, by the average effect and its cost.
        metric: The metric it is about.
        arm: The arm it is about.
    """

    kind: UpliftVerdictKind
    metric: str | None
    arm: str | None


def decide_uplift(measures: pd.DataFrame, policy: pd.DataFrame, *, state: str) -> UpliftVerdict:
    """Return what the judging half lets us say.

    Of the leading metric's arms that whose ranking is proven most clearly, else that with the largest average profit.
    A ranking is proven if its Qini interval, corrected for the number of arms, is above 0. How deep was settled on the
    training half; where that made less on the judging half than touching everybody, everybody it is.

    Args:
        measures: Of ``uplift_judging.judge``, the leading metric first.
        policy: The same.
        state: ok, warn or stop of the sample ratio, or blind.
    """
    if state in {"stop", "blind"} or measures.empty:
        kind = UpliftVerdictKind.STOPPED if state == "stop" else UpliftVerdictKind.BLIND
        return UpliftVerdict(kind, None, None)
    leading = measures.iloc[0]["metric"]
    rows = measures.merge(policy.drop(columns=["kind", "confidence_level"]), on=["metric", "arm"])
    rows = rows[rows["metric"] == leading]
    proven = rows[rows["knows"]]
    if len(proven):
        row: Any = proven.loc[(proven["qini"] / proven["qini_std_error"]).idxmax()]
        return UpliftVerdict(_of_proven(row), leading, row["arm"])
    row = rows.loc[rows["profit_all"].idxmax()]
    if row["profit_all_ci_lower"] > 0:
        return UpliftVerdict(UpliftVerdictKind.ALL, leading, row["arm"])
    kind = UpliftVerdictKind.NONE if row["profit_all_ci_upper"] < 0 else UpliftVerdictKind.UNPROVEN
    return UpliftVerdict(kind, leading, row["arm"])


def _of_proven(row: Any) -> UpliftVerdictKind:
    if row["share_touched"] == 0 or row["profit"] <= 0:
        return UpliftVerdictKind.RANKS_NONE
    if row["affordable"] >= 1 and row["better_than_all"] <= 0:
        return UpliftVerdictKind.RANKS_ALL
    return UpliftVerdictKind.TOP


def uplift_says(verdict: UpliftVerdict, *, in_money: bool, within_budget: bool) -> Mapping[str, Any]:
    """Return the answer and the decision: ``answer`` (zh, en, detail_zh, detail_en) and ``decision`` (zh, en, why).

    Placeholders: experiment, arm, metric, qini, share_touched, effect, n_judging, n_customers, ratio, affordable,
    better_than_all.

    Args:
        verdict: What stands.
        in_money: Whether gains were turned into money.
        within_budget: Whether the budget pays for everybody.
    """
    said, chosen = _ANSWERS[verdict.kind], _DECISIONS[verdict.kind]
    tail = {"zh": "", "en": ""}
    if verdict.kind is UpliftVerdictKind.ALL and not within_budget:
        tail = _BUDGET
    elif not in_money and verdict.kind not in {UpliftVerdictKind.STOPPED, UpliftVerdictKind.BLIND}:
        tail = _NO_MONEY
    return {
        "answer": said,
        "decision": {
            "zh": chosen["zh"],
            "en": chosen["en"],
            "why": {"zh": chosen["why_zh"] + tail["zh"], "en": chosen["why_en"] + tail["en"]},
        },
        "claim": _CLAIMS["knows" if verdict.kind.knows else "nothing"],
    }


_BUDGET: Final = {
    "zh": "预算只够发 {affordable} 的人：从名单里随机抽，不要排名。",
    "en": " The budget pays for {affordable} of them: draw these at random, not by rank.",
}
_NO_MONEY: Final = {
    "zh": "没有折成钱，也没有扣触达成本。",
    "en": " Nothing was turned into money, and no cost taken off.",
}
_QINI_ZH: Final = "「{experiment}」，「{arm}」，{metric}：模型没见过的 {n_judging}上，Qini 系数 {qini:full}，"
_QINI_EN: Final = (
    "{experiment}, {arm}, {metric}: among {n_judging} that no model had seen, the Qini coefficient is {qini:full}, "
)
_KNOWS: Final = {
    "detail_zh": _QINI_ZH + "在 0 以上：排在前面的人，确实更容易被打动。",
    "detail_en": _QINI_EN + "above 0: those at the top are moved more.",
}
_NOTHING: Final = {
    "detail_zh": _QINI_ZH + "没有证明高于 0：谁该先发，模型说不出来。平均效果 {effect:full}。",
    "detail_en": _QINI_EN
    + "not proven to be above 0: the model cannot say who should come first. On average the effect is {effect:full}.",
}

_ANSWERS: Final[dict[UpliftVerdictKind, dict[str, str]]] = {
    UpliftVerdictKind.STOPPED: {
        "zh": "分组人数和计划对不上，谁该发先不说",
        "en": "Customers are not split as planned: nobody is ranked",
        "detail_zh": "「{experiment}」：要是真按计划分，碰巧偏离这么多的机会是 {ratio}。",
        "detail_en": (
            "{experiment}: had customers been split as planned, one as far off as this would come with "
            "probability {ratio}."
        ),
    },
    UpliftVerdictKind.BLIND: {
        "zh": "没有分组以前就知道的信息，没法给客户排名",
        "en": "Nothing is known from before the assignment, so customers cannot be ranked",
        "detail_zh": "「{experiment}」：请在账本的 covariates 里写上分组以前就有的列。",
        "detail_en": "{experiment}: name columns from before the assignment under covariates in the book.",
    },
    UpliftVerdictKind.TOP: {
        "zh": "「{arm}」先发给排在前 {share_touched}的人：这个排名有用",
        "en": "Send {arm} to the best-ranked {share_touched}: the ranking is proven",
        **_KNOWS,
    },
    UpliftVerdictKind.RANKS_ALL: {
        "zh": "排名有用，但「{arm}」发给所有人更划算",
        "en": "The ranking is proven, yet sending {arm} to everybody pays more",
        **_KNOWS,
    },
    UpliftVerdictKind.RANKS_NONE: {
        "zh": "排名有用，但连排在前面的人也不值得发「{arm}」",
        "en": "The ranking is proven, yet {arm} does not pay even at its top",
        **_KNOWS,
    },
    UpliftVerdictKind.ALL: {
        "zh": "模型分不出谁更该发；「{arm}」平均值得，都发",
        "en": "The model knows nothing about whom to touch; on average {arm} pays, so touch everybody",
        **_NOTHING,
    },
    UpliftVerdictKind.NONE: {
        "zh": "模型分不出谁更该发；「{arm}」平均不值得，都不发",
        "en": "The model knows nothing about whom to touch; on average {arm} does not pay, so touch nobody",
        **_NOTHING,
    },
    UpliftVerdictKind.UNPROVEN: {
        "zh": "模型分不出谁更该发；「{arm}」平均值不值得也没有证明",
        "en": "The model knows nothing about whom to touch, and {arm} is not proven to pay on average",
        **_NOTHING,
    },
}

_ALONE_ZH: Final = "换一批人、换一种做法，就要重新随机做一次。"
_ALONE_EN: Final = "Other customers or another touch need an experiment of their own."
_DECISIONS: Final[dict[UpliftVerdictKind, dict[str, str]]] = {
    UpliftVerdictKind.STOPPED: {
        "zh": "先查分组",
        "en": "First find out why the split is off",
        "why_zh": "分组有漏，排名学到的可能只是分组的漏洞。",
        "why_en": "Where assignment leaks, a ranking may have learnt the leak.",
    },
    UpliftVerdictKind.BLIND: {
        "zh": "补上分组以前的信息，再来排",
        "en": "Add what was known before, then rank",
        "why_zh": "没有这些，只能都发或者都不发：看增量效果页。",
        "why_en": "Without it there is only all or none: see the incrementality page.",
    },
    UpliftVerdictKind.TOP: {
        "zh": "下一轮「{arm}」只发给排在前 {share_touched}的人，另留一成不发",
        "en": "Next round send {arm} to the best-ranked {share_touched} only, and hold one in ten of them out",
        "why_zh": "发多深是在训练那一半上定的，值多少是在另一半上算的。比都发多 {better_than_all:full}。" + _ALONE_ZH,
        "why_en": (
            "How deep was settled on the training half, its worth measured on the other: "
            "{better_than_all:full} more than touching everybody. "
        )
        + _ALONE_EN,
    },
    UpliftVerdictKind.RANKS_ALL: {
        "zh": "「{arm}」发给所有人；要省触达时，从排在后面的人省起",
        "en": "Send {arm} to everybody; where touches must be saved, save them at the bottom",
        "why_zh": "排在后面的人效果小一些，但仍抵得过成本。" + _ALONE_ZH,
        "why_en": "The effect is smaller at the bottom but still covers its cost. " + _ALONE_EN,
    },
    UpliftVerdictKind.RANKS_NONE: {
        "zh": "不发「{arm}」，除非触达更便宜",
        "en": "Do not send {arm} unless touches get cheaper",
        "why_zh": "按现在的毛利和成本，训练那一半上没有一个深度赚钱，或者另一半上没有兑现。",
        "why_en": "At this margin and cost no depth earned money on the training half, or it did not on the other.",
    },
    UpliftVerdictKind.ALL: {
        "zh": "「{arm}」发给所有人，不要按模型挑人",
        "en": "Send {arm} to everybody; do not pick by the model",
        "why_zh": "平均效果扣掉成本以后仍在 0 以上；模型的排名和随机排分不出高下。",
        "why_en": (
            "The average effect stays above 0 after its cost; the model's ranking cannot be told from a random one."
        ),
    },
    UpliftVerdictKind.NONE: {
        "zh": "不发「{arm}」，也不要指望挑人能救回来",
        "en": "Do not send {arm}, and do not hope that picking customers saves it",
        "why_zh": "平均效果抵不过成本；模型的排名和随机排分不出高下。",
        "why_en": "The average effect does not cover its cost; the model's ranking cannot be told from a random one.",
    },
    UpliftVerdictKind.UNPROVEN: {
        "zh": "先不发「{arm}」；换做法或者放大实验",
        "en": "Do not send {arm} yet; change the touch or run a larger experiment",
        "why_zh": (
            "平均效果扣掉成本以后，区间里有赚也有亏；模型的排名和随机排分不出高下。没有证明有用，不等于证明没用。"
        ),
        "why_en": (
            "After its cost the average effect may be a gain or a loss; the model's ranking cannot be "
            "told from a random one. Not proven is not the same as proven useless."
        ),
    },
}
_CLAIMS: Final = {
    "knows": {
        "zh": "按模型的顺序发，比随机发多得：Qini {qini}",
        "en": "Touching in the model's order gains more than at random: Qini {qini}",
    },
    "nothing": {
        "zh": "按模型的顺序发，和随机发分不出高下：Qini {qini}",
        "en": "Touching in the model's order cannot be told from random: Qini {qini}",
    },
}
