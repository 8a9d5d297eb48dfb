"""What the verdict on next needs says, in words for those who act on it. Numbers are left to the page."""

from typing import Any, Final

from analysis.churn.next_need.evaluation import FEWEST_BUYERS, NeedVerdict

__all__ = ["GATES", "claim", "detail", "reason"]

Label = dict[str, str]

GATES: Final[dict[str, Label]] = {
    "calibration_slope": {
        "zh": "高低拉得过开或过近（校准斜率的 95% 区间整个落在 0.9–1.1 之外）",
        "en": "too extreme or too timid (the 95% interval of the calibration slope lies wholly outside 0.9–1.1)",
    },
    "calibration_error": {
        "zh": "水平偏了（校准误差比运气所致高出 0.02 以上）",
        "en": "off in level (calibration error above luck by more than 0.02)",
    },
    "base_rate": {"zh": "不比人人一个比例更准", "en": "no better than one rate for everybody"},
}


def claim(verdict: NeedVerdict) -> Label:
    """Return what the test of the windows shows, as a claim."""
    claims = {
        NeedVerdict.OWN: {
            "zh": "每位客户自己的时间窗可信，也比统一的窗更窄",
            "en": "Each customer's own window holds, and is sharper than one for all",
        },
        NeedVerdict.POOLED: {
            "zh": "个人的时间窗不比统一的窗更准：人人用同一个窗",
            "en": "Own windows are no sharper than one for all: everybody gets the same window",
        },
        NeedVerdict.TOO_FEW: {
            "zh": "买的人太少，时间窗没法检验：先用统一的窗，不作保证",
            "en": "Too few bought to test any window: one for all is shown, unproven",
        },
        NeedVerdict.TOO_SHORT: {
            "zh": "历史太短，说不出下一次需求的时间",
            "en": "The history is too short to say when the next need comes",
        },
    }
    return claims[verdict]


def detail(verdict: NeedVerdict, *, failed: list[str]) -> Label:
    """Return how it was tested, and what to read with care.

    ``{coverage}``, or ``{pooled_coverage}`` where everybody has the same window, stands for the headline's number.

    Args:
        verdict: On the windows.
        failed: Gates that the probability to buy failed (``GATES``).
    """
    if verdict is NeedVerdict.TOO_SHORT:
        return {
            "zh": "换一个更短的期限，或者接入更早的订单。",
            "en": "Take a shorter horizon, or load earlier orders.",
        }
    if verdict is NeedVerdict.TOO_FEW:
        zh = f"检验窗口里买的人不到 {FEWEST_BUYERS} 位。换一个更长的期限，或者等数据多一些。"
        en = f"Fewer than {FEWEST_BUYERS} customers bought in a window of the test. Take a longer horizon, or wait."
    else:
        shown = "{pooled_coverage:full}" if verdict is NeedVerdict.POOLED else "{coverage:full}"
        zh = f"用模型没见过的最近一个窗口检验：80% 的时间窗，实际落进 {shown}。"
        en = f"Tested on the latest window, which the model had not seen: {shown} fell in their 80% windows."
    if not failed:
        return {"zh": zh, "en": en}
    zh_gates, en_gates = ("；".join(GATES[g]["zh"] for g in failed), "; ".join(GATES[g]["en"] for g in failed))
    return {
        "zh": f"{zh}购买概率没有过关：{zh_gates}；只用来排先后。",
        "en": f"{en} The probability to buy failed: it is {en_gates}; use it to rank, not to count.",
    }


def reason(*, horizon_days: int) -> dict[str, Any]:
    """Return why there is no answer where history is too short."""
    return {
        "zh": f"历史太短：{horizon_days} 天的期限至少要有 {4 * horizon_days} 天的订单",
        "en": f"Too short a history: a horizon of {horizon_days} days needs {4 * horizon_days} days of orders at least",
    }
