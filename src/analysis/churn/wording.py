"""What a verdict says, in words for those who act on it. Numbers are left to the page."""

from collections.abc import Sequence
from typing import Any, Final

from analysis.churn.btyd.catalogue import MODEL_NAMES
from analysis.churn.evaluation import FEWEST_EVENTS, Verdict
from analysis.churn.forecast import BASELINE, MODEL

__all__ = [
    "GATES",
    "RISK_BANDS",
    "VALUE_BANDS",
    "advice",
    "decision",
    "forecast_name",
    "gates_passed",
    "reason",
    "verdict_claim",
    "verdict_detail",
]

Label = dict[str, str]

GATES: Final[dict[str, Label]] = {
    "calibration_slope": {
        "zh": "高低风险拉得过开或过近（校准斜率的 95% 区间整个落在 0.9–1.1 之外）",
        "en": "it is too extreme or too timid (the 95% interval of its calibration slope lies wholly outside 0.9–1.1)",
    },
    "calibration_error": {
        "zh": "概率的水平偏了（校准误差比运气所致高出 0.02 以上）",
        "en": "its level is off (calibration error above luck by more than 0.02)",
    },
    "beats_baseline": {
        "zh": "不比只看「多久没来」更准",
        "en": "it is no better than recency alone",
    },
    "beats_btyd": {
        "zh": "不比最好的复购模型更准",
        "en": "it is no better than the best buy-till-you-die model",
    },
}

VALUE_BANDS: Final[dict[str, Label]] = {
    "top_20": {"zh": "消费最高的 20%", "en": "Top 20% by spending"},
    "next_30": {"zh": "其次的 30%", "en": "Next 30%"},
    "other_50": {"zh": "其余 50%", "en": "Other 50%"},
}

RISK_BANDS: Final[dict[str, Label]] = {
    "top_20": {"zh": "风险最高的 20%", "en": "Top 20% by risk"},
    "next_30": {"zh": "其次的 30%", "en": "Next 30%"},
    "other_50": {"zh": "其余 50%", "en": "Other 50%"},
}


_BUY_ONCE: Final[Label] = {
    "zh": "这里大多数人只买一次：「会不会流失」不是该问的问题",
    "en": "Most people here buy once: whether they will leave is not the right question",
}
_ONE_LARGE_ORDER: Final[Label] = {
    "zh": "这里的钱来自每人一笔大单：「会不会流失」不是该问的问题",
    "en": "The money here comes in one large order each: whether they will leave is not the right question",
}


def decision() -> dict[str, Any]:
    """Return the decision of the churn page: whom to see first, and what would show that it was no use."""
    return {
        "zh": "先联系风险金额最高的 {n_save_first}，随机留一部分不联系",
        "en": "Contact the {n_save_first} with most money at risk first, and leave a random part of them alone",
        "worth_label": {
            "zh": "名单牵涉的消费，未来 {horizon}；不是能挽回的金额",
            "en": "Spending at stake on the list in {horizon}; not what contacting them would save",
        },
        "why": {
            "zh": "他们占去全部风险金额的 {save_first_share}。风险高不等于劝得动：联系有没有用，要靠留出的那部分来比。",
            "en": "They carry {save_first_share} of all money at risk. At risk is not the same as persuadable: "
            "only those left alone can show whether contact helps.",
        },
        "reasons_to_change": [
            {
                "zh": "**联系与不联系的两部分流失一样多**：救的力气白花了，停。",
                "en": "**Both parts leave alike**: the effort is wasted, stop.",
            },
            {
                "zh": "**下一个窗口的实际人数落在区间之外**：水平变了（季节、大促、断货），要重新校准。",
                "en": "**The next window's count falls outside the interval**: the level has moved (a season, a sale, "
                "goods out of stock), calibrate again.",
            },
            {
                "zh": "**换一个期限或活跃天数，结论反过来**：先把「流失」说清楚。",
                "en": "**Another horizon or meaning of active turns the conclusion round**: settle first what leaving "
                "means.",
            },
        ],
    }


def forecast_name(column: str) -> Label:
    """Return what a forecast is called, by its column.

    Examples:
        >>> forecast_name("p_bg_nbd")["en"]
        'the buy-till-you-die model BG/NBD'
    """
    if column == MODEL:
        return {"zh": "完整模型", "en": "the full model"}
    if column == BASELINE:
        return {"zh": "只看「多久没来」的简单模型", "en": "the simple forecast from recency alone"}
    name = MODEL_NAMES[column.removeprefix("p_")]
    return {"zh": f"复购模型 {name}", "en": f"the buy-till-you-die model {name}"}


def gates_passed(failed: Sequence[str], *, of: int) -> Label:
    """Return how many gates a forecast passed, of how many."""
    passed = of - len(failed)
    return {"zh": f"{of} 道过了 {passed} 道", "en": f"{passed} of {of}"}


def reason(verdict: Verdict, *, horizon_days: int, buy_once: bool) -> Label:
    """Return why there is no answer, for the three verdicts that have none.

    Args:
        verdict: ``TOO_FEW``, ``TOO_SHORT`` or ``NOT_THE_QUESTION``.
        horizon_days: Days ahead.
        buy_once: Whether few ever come back; else they come back, but with small change.
    """
    reasons = {
        Verdict.TOO_FEW: {
            "zh": f"样本太少，不下结论：{horizon_days} 天的窗口里，流失或留下的客户不到 {FEWEST_EVENTS} 人",
            "en": f"Too few to judge: in a window of {horizon_days} days fewer than {FEWEST_EVENTS} customers left, "
            "or stayed",
        },
        Verdict.TOO_SHORT: {
            "zh": f"历史太短，不下结论：按 {horizon_days} 天判断流失，至少要有 {4 * horizon_days} 天的订单",
            "en": f"Too short a history to judge: a horizon of {horizon_days} days needs {4 * horizon_days} days of "
            "orders at least",
        },
        Verdict.NOT_THE_QUESTION: _BUY_ONCE if buy_once else _ONE_LARGE_ORDER,
    }
    return reasons[verdict]


def advice(verdict: Verdict) -> Label:
    """Return what to look at instead, for the three verdicts without an answer."""
    advised = {
        Verdict.TOO_FEW: {
            "zh": "换一个期限：常客多的生意用更短的天数，流失的人才够数；或者等数据多一些再看。",
            "en": "Try another horizon: where customers come often a shorter one finds enough who left. Or wait for "
            "more data.",
        },
        Verdict.TOO_SHORT: {
            "zh": "换一个更短的期限，或者接入更早的订单。",
            "en": "Take a shorter horizon, or load earlier orders.",
        },
        Verdict.NOT_THE_QUESTION: {
            "zh": "买一次的生意要问的是：下一次需求（家人、周边）什么时候来，谁会推荐朋友。",
            "en": "Where people buy once, ask when the next need comes (family, related goods) and who will recommend.",
        },
    }
    return advised[verdict]


def verdict_claim(verdict: Verdict, *, column: str) -> Label:
    """Return what the reliability chart shows, as a claim, for the verdicts that have one.

    Args:
        verdict: ``MODEL``, ``BASELINE``, ``BTYD`` or ``RANKING_ONLY``.
        column: The forecast used.
    """
    used = forecast_name(column)
    instead = {
        "zh": f"完整模型没有过关，改用{used['zh']}",
        "en": f"The full model failed its test; {used['en']} is used",
    }
    claims = {
        Verdict.MODEL: {
            "zh": "概率可信：预测会走多少，实际就走了多少",
            "en": "The probabilities hold: about as many left as forecast",
        },
        Verdict.BASELINE: instead,
        Verdict.BTYD: instead,
        Verdict.RANKING_ONLY: {
            "zh": "概率的水平没有过关：只用来排先后，不用来数人头",
            "en": "The level of the probabilities failed the test: use them to rank, not to count",
        },
    }
    return claims[verdict]


def verdict_detail(verdict: Verdict, *, failed: Sequence[str]) -> Label:
    """Return what was checked and what failed.

    Args:
        verdict: ``MODEL``, ``BASELINE``, ``BTYD`` or ``RANKING_ONLY``.
        failed: Gates that the full model failed.
    """
    if verdict is Verdict.MODEL:
        return {
            "zh": "用模型没见过的最近一个窗口检验，三道关都过了：风险拉开的程度；概率的水平；"
            "比只看「多久没来」和最好的复购模型都准。",
            "en": "Tested on the latest window, which the model had not seen, it passes all three gates: its spread; "
            "its level; better than recency alone and than the best buy-till-you-die model.",
        }
    zh, en = ("；".join(GATES[gate]["zh"] for gate in failed), "; ".join(GATES[gate]["en"] for gate in failed))
    tail = {
        True: {
            "zh": "简单模型的水平也没有过关；人数和金额只看区间，不看单点。",
            "en": "The simple forecasts fail too: read the intervals of customers and money, not the points.",
        },
        False: {"zh": "所以用简单的那个，它自己过关。", "en": "So the simple one is used, which passes by itself."},
    }[verdict is Verdict.RANKING_ONLY]
    return {
        "zh": f"用没见过的最近一个窗口检验，完整模型没有过关：{zh}。{tail['zh']}",
        "en": f"Tested on the latest window, the full model failed: {en}. {tail['en']}",
    }
