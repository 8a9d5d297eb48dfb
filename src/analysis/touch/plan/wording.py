"""The words of the send plan's page that depend on what came out."""

from typing import Final

from analysis.evidence import Estimate

__all__ = ["LIMIT_LABELS", "REASON_LABELS", "answer", "decision", "limits_claim", "sides"]

Words = dict[str, str]

REASON_LABELS: Final[dict[str, Words]] = {
    "planned": {"zh": "本周安排了触达", "en": "Planned this week"},
    "not_worth": {"zh": "不值得打扰", "en": "Not worth a touch"},
    "no_room": {"zh": "值得，但时间或预算不够", "en": "Worth it, but no time or money left"},
    "no_contact": {"zh": "没有可用的渠道", "en": "No channel reaches them"},
    "out_of_reach": {"zh": "没有在职员工可发", "en": "No member of staff to send"},
    "holdout": {"zh": "随机留出，用来衡量", "en": "Held out at random, to measure by"},
    "refused": {"zh": "已拒绝或未同意", "en": "Refused, or never agreed"},
    "no_message": {"zh": "没有合适的消息", "en": "No message suits them"},
    "cooldown": {"zh": "刚触达过，先歇着", "en": "Touched lately, resting"},
    "cap": {"zh": "已到频次上限", "en": "At a frequency cap"},
    "quiet_hours": {"zh": "只在免打扰时段下单", "en": "Active in quiet hours only"},
    "coin": {"zh": "抽签让给相近的客户", "en": "Lost the coin to a near-equal customer"},
    "unknown": {"zh": "数据里没有这位客户", "en": "No such customer in the data"},
    "other_channels_only": {"zh": "这个渠道发不到", "en": "Not reachable by this channel"},
}
LIMIT_LABELS: Final[dict[str, dict[str, Words]]] = {
    "staff_hour": {
        "limit": {"zh": "员工时间，小时", "en": "Staff time, hours"},
        "more": {"zh": "每天再多一小时", "en": "one more hour a day"},
    },
    "budget": {
        "limit": {"zh": "预算，元", "en": "Budget, currency"},
        "more": {"zh": "再多 100", "en": "100 more"},
    },
}


def answer(profit: Estimate, *, touches: int, scarce: str | None = None) -> dict[str, str]:
    """Return the page's one sentence; ``scarce`` as in ``decision``."""
    if touches == 0 and scarce is not None:
        return {
            "zh": "本周发不了：没有留出员工时间或预算",
            "en": "Nothing can go out this week: there is no staff time or money for it",
            "detail_zh": "值得触达的客户见下面各组人数。",
            "detail_en": "The groups below say how many would be worth it.",
        }
    if touches == 0:
        return {
            "zh": "本周不发：没有一次触达值得打扰客户",
            "en": "Send nothing this week: no touch is worth the disturbance",
            "detail_zh": "原因见下面各组人数。",
            "detail_en": "The groups below say why.",
        }
    sure = (profit.ci_lower or 0.0) > 0
    return {
        "zh": "本周给 {n_reached} 发 {n_touches}，预计多赚 {profit}",
        "en": "Send {n_touches} to {n_reached} this week, expected to earn {profit} more",
        "detail_zh": "{profit:interval}。"
        + ("" if sure else "区间含零，还分不清赚不赚。")
        + "效果大小是假设，由留出组检验。",
        "detail_en": "{profit:interval}. "
        + ("" if sure else "The interval holds zero: whether it pays cannot be told yet. ")
        + "Effect sizes are assumed; the holdout will test them.",
    }


def decision(*, touches: int, scarce: str | None) -> dict[str, Words]:
    """Return what to do and why; ``scarce`` names the limit that costs most, None if nothing is short."""
    if touches == 0 and scarce is None:
        text = {"zh": "本周不发名单", "en": "Send no list this week"}
        why = {
            "zh": "按现在的假设，每次触达的代价都高于收益。",
            "en": "As assumed, each touch costs more than it brings.",
        }
        return {"text": text, "why": why}
    why = {
        "staff_hour": {
            "zh": "最缺的是员工时间：每天再多一小时私聊，每天值 {staff_hour}。",
            "en": "Staff time is short: one more hour of private chat a day is worth {staff_hour} a day.",
        },
        "budget": {
            "zh": "最缺的是预算：再多 100 的预算值 {budget}。",
            "en": "Money is short: 100 more is worth {budget}.",
        },
        None: {
            "zh": "时间和预算都够：值得触达的都排上了。",
            "en": "Time and money suffice: all that is worth it is planned.",
        },
    }[scarce]
    if touches == 0:
        return {"text": {"zh": "先给触达留出时间", "en": "Make room for touches first"}, "why": why}
    text = {"zh": "按名单发：{n_touches}，{staff_hours}", "en": "Send from the lists: {n_touches}, {staff_hours}"}
    return {"text": text, "why": why}


def sides(*, coins: int) -> Words:
    """Return what was left to chance."""
    held = {
        "zh": "随机留出 {n_holdout}，分层抽取，一经抽中以后各周都不动。",
        "en": "{n_holdout} are held out at random by stratum and stay so in later weeks.",
    }
    if coins == 0:
        return held
    return {
        "zh": held["zh"] + "另有 {coins}抽签，在两位相近的客户间决定发给谁，预期代价 {coins_cost}。",
        "en": held["en"]
        + " A coin decided {coins} between two near-equal customers, at an expected cost of {coins_cost}.",
    }


def limits_claim(scarce: str | None) -> Words:
    """Return the claim above the table of limits."""
    return {
        "staff_hour": {
            "zh": "每天再多一小时私聊，值 {staff_hour}",
            "en": "One more hour of private chat a day is worth {staff_hour}",
        },
        "budget": {"zh": "再多 100 预算，值 {budget}", "en": "100 more of budget is worth {budget}"},
        None: {"zh": "时间和预算都没有用完", "en": "Neither time nor money is used up"},
    }[scarce]
