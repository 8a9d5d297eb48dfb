"""What the page of both clocks says, in words for those who act on it. Numbers are left to the page."""

from typing import Any, Final

__all__ = [
    "DELETE_BANDS",
    "GROUPS",
    "NO_CONTACTS",
    "REASONS",
    "answer",
    "codes_claim",
    "decisions",
    "groups_note",
    "tiles",
    "touches_claim",
    "windows_claim",
]

Label = dict[str, str]

DELETE_BANDS: Final[dict[str, Label]] = {
    "high": {"zh": "删除概率明显偏高", "en": "Deletion far likelier"},
    "raised": {"zh": "平均以上", "en": "Above average"},
    "usual": {"zh": "平均以下", "en": "Below average"},
}

GROUPS: Final[dict[str, Label]] = {
    "save_first": {"zh": "先救", "en": "Save first"},
    "next_in_line": {"zh": "有余力再联系", "en": "Next in line"},
    "not_a_contact": {"zh": "不是好友", "en": "Not a contact"},
    "may_delete": {"zh": "别打扰：容易删好友", "en": "Leave alone: may delete us"},
    "low_value": {"zh": "别打扰：牵涉的钱少", "en": "Leave alone: little at stake"},
    "low_risk": {"zh": "别打扰：更可能自己来", "en": "Leave alone: likelier to come"},
    "sleeping": {"zh": "别打扰：早已不买", "en": "Leave alone: long silent"},
}

REASONS: Final[dict[str, Label]] = {
    "save_first": {"zh": "风险金额最高", "en": "carry most money at risk"},
    "next_in_line": {
        "zh": "人手够了再联系",
        "en": "when staff have time",
    },
    "not_a_contact": {
        "zh": "私聊到不了",
        "en": "private chat does not reach them",
    },
    "may_delete": {"zh": "删除概率在平均的 1.5 倍以上", "en": "deletion at least 1.5 times the mean"},
    "low_value": {
        "zh": "消费在后一半",
        "en": "lower half by spending",
    },
    "low_risk": {
        "zh": "风险在后一半",
        "en": "lower half by risk",
    },
    "sleeping": {
        "zh": "不在预测之内；要唤醒，先小范围试",
        "en": "not forecast here; try waking a few first",
    },
}

NO_CONTACTS: Final[Label] = {
    "zh": "客户删除好友是另一只钟，要有好友表（contacts）才看得到。",
    "en": "Customers who delete the contact are another clock; it needs the table contacts.",
}
_NO_DELETIONS: Final[Label] = {
    "zh": "好友太少，或没有客户删除好友的记录，所以另一只钟还没有读数。",
    "en": "Contacts are too few, or no deletion by a customer is on record, so the other clock shows nothing yet.",
}

_BOTH: Final[dict[str, Label]] = {
    "text": {
        "zh": "未来 {horizon}，预计 {n_at_risk:bare} 位活跃客户不再下单，牵涉 {value_at_risk}；"
        "{n_expected_deletions:bare} 位好友被客户删除",
        "en": "In the next {horizon}, {n_at_risk:bare} active customers are expected to stop buying, with "
        "{value_at_risk} at stake, and {n_expected_deletions:bare} contacts to be deleted",
    },
    "detail": {
        "zh": "不再下单：{n_at_risk:interval}，金额 {value_at_risk:interval}，活跃客户共 {n_active}，即最近 "
        "{active_days}内买过的人。删除：{n_expected_deletions:interval}，未删的好友共 {n_open_contacts:bare} 位。",
        "en": "Stop buying: {n_at_risk:interval}, money {value_at_risk:interval}, of {n_active} who bought within the "
        "last {active_days}. Deleted: {n_expected_deletions:interval}, of {n_open_contacts} still open.",
    },
}
_PURCHASE: Final[dict[str, Label]] = {
    "text": {
        "zh": "未来 {horizon}，预计 {n_at_risk:bare} 位活跃客户不再下单，牵涉 {value_at_risk} 的消费",
        "en": "In the next {horizon}, {n_at_risk:bare} active customers are expected to stop buying, with "
        "{value_at_risk} at stake",
    },
    "detail": {
        "zh": "人数 {n_at_risk:interval}，金额 {value_at_risk:interval}。活跃客户共 {n_active}，即最近 "
        "{active_days}内买过的人。",
        "en": "Customers: {n_at_risk:interval}; money: {value_at_risk:interval}. Of {n_active} who bought within the "
        "last {active_days}. ",
    },
}
_RELATIONSHIP: Final[dict[str, Label]] = {
    "text": {
        "zh": "未来 {horizon}，预计 {n_expected_deletions:bare} 位好友被客户删除，占未删好友的 "
        "{share_expected_deletions}",
        "en": "In the next {horizon}, {n_expected_deletions:bare} contacts are expected to be deleted by customers, "
        "{share_expected_deletions} of those still open",
    },
    "detail": {
        "zh": "{n_expected_deletions:interval}，未删的好友共 {n_open_contacts:bare} 位。购买这只钟：{reason}。"
        "{advice}下一次需求见「客户价值」一页。",
        "en": "{n_expected_deletions:interval}, of {n_open_contacts} still open. The purchase clock: {reason}. "
        "{advice} The page on customer value shows the next need.",
    },
}
_NEITHER: Final[dict[str, Label]] = {
    "text": {"zh": "{reason}", "en": "{reason}"},
    "detail": {"zh": "{advice}", "en": "{advice} "},
}


_STRANGERS: Final[Label] = {
    "zh": "{n_not_a_contact:bare} 位活跃客户不是好友，牵涉 {not_a_contact_value:full}，私聊到不了。",
    "en": "{n_not_a_contact} are active without being a contact, with {not_a_contact_value:full} at stake: private "
    "chat does not reach them.",
}
_GENTLY: Final[Label] = {
    "zh": "先救的人里，{n_gently:bare} 位删除概率也明显偏高：一对一地说，别群发。",
    "en": "On the list, {n_gently} are also far likelier to delete us: write to them one by one, not by mass message.",
}
_CAUTION: Final[Label] = {
    "zh": "风险高不等于劝得动：名单只说谁可能走、值多少钱，不说联系他们有没有用。先随机留一部分不联系，再比较。",
    "en": "At risk is not the same as persuadable: the list says who may leave and what they are worth, not whether a "
    "message helps. Leave a random part of it alone, and compare.",
}


def answer(*, purchase: bool, relationship: bool, contacts_known: bool) -> dict[str, str]:
    """Return the page's answer, by what the data can tell.

    Args:
        purchase: Whether leaving by not buying could be judged.
        relationship: Whether deletions of contacts are expected.
        contacts_known: Whether the data hold contacts at all.
    """
    told = {
        (True, True): _BOTH,
        (True, False): _PURCHASE,
        (False, True): _RELATIONSHIP,
        (False, False): _NEITHER,
    }[purchase, relationship]
    lacking = {"zh": "", "en": ""} if relationship else _NO_DELETIONS if contacts_known else NO_CONTACTS
    text, detail = told["text"], told["detail"]
    return {
        "zh": text["zh"],
        "en": text["en"],
        "detail_zh": detail["zh"] + lacking["zh"],
        "detail_en": (detail["en"] + lacking["en"]).strip(),
    }


def decisions(*, purchase: bool, relationship: bool, flagged: bool) -> list[dict[str, Any]]:
    """Return the decisions of the page: ``words`` and the name of the number that says what it is worth, or None.

    Args:
        purchase: Whether leaving by not buying could be judged.
        relationship: Whether deletions of contacts are expected.
        flagged: Whether new contacts of some acquisition code look as if they had been forced.
    """
    made = [{"words": _first_and_alone(relationship=relationship), "worth": "save_first_value"}] if purchase else []
    return made + ([{"words": _look_at_codes(), "worth": None}] if flagged else [])


def _first_and_alone(*, relationship: bool) -> dict[str, Any]:
    """Return whom to see first, whom to leave alone, what would show that it was no use."""
    likely = {"zh": "、容易删好友的", "en": ", likelier to delete us"} if relationship else {"zh": "", "en": ""}
    return {
        "zh": "先联系风险金额最高的 {n_save_first}，别打扰另外 {n_leave_alone:bare} 人",
        "en": "Contact the {n_save_first} with most money at risk first, and leave {n_leave_alone:bare} others alone",
        "worth_label": {
            "zh": "名单牵涉的消费，未来 {horizon}；不是能挽回的金额",
            "en": "Spending at stake on the list in {horizon}; not what contacting them would save",
        },
        "why": {
            "zh": f"名单占全部风险金额的 {{save_first_share}}。别打扰的是：钱少的、更可能自己来的{likely['zh']}、"
            "早已不买的。风险高不等于劝得动，所以名单里也随机留一部分不联系，拿来比。",
            "en": "The list carries {save_first_share} of all money at risk. Left alone: those with little at stake, "
            f"likelier than others to come by themselves{likely['en']}, or long silent. At risk is not the same as "
            "persuadable: keep a random part of the list untouched, to compare.",
        },
        "reasons_to_change": [
            {
                "zh": "**联系与不联系的两部分流失一样多**：救的力气白花了，停。",
                "en": "**Both parts of the list leave alike**: the effort is wasted, stop.",
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


def _look_at_codes() -> dict[str, Any]:
    """Return what to do about acquisition codes whose new contacts look as if they had been forced."""
    return {
        "zh": "去看 {n_codes_flagged} 个活码的加好友流程：{sources_flagged}",
        "en": "Look at how contacts are added by {n_codes_flagged} codes: {sources_flagged}",
        "why": {
            "zh": "经它们加的新好友，7 天后还在的只有 {d7_flagged:full}，经其他活码的是 {d7_others:full}。"
            "这像是强制加好友（弹窗、退款门槛），是不是要去现场看。",
            "en": "Of their new contacts {d7_flagged:full} are still there after 7 days, of all others "
            "{d7_others:full}. It looks like forced adds (a pop-up, a gate before refunds); whether it is one must be "
            "seen on the spot.",
        },
        "reasons_to_change": [
            {
                "zh": "**改了流程，7 天后还在的比例没有升**：问题在来的人，不在流程。",
                "en": "**The process is changed and no more stay for 7 days**: it is the people who come, not the "
                "process.",
            }
        ],
    }


_PURCHASE_TILES: Final = (
    {"name": "n_at_risk", "zh": "预计不再下单", "en": "Expected to stop buying", "better": "down"},
    {"name": "value_at_risk", "zh": "风险金额", "en": "Money at risk", "better": "down"},
)
_RELATIONSHIP_TILES: Final = (
    {"name": "n_expected_deletions", "zh": "预计删除好友", "en": "Contacts to be deleted", "better": "down"},
    {"name": "delete_rate", "zh": "上一窗口被删", "en": "Deleted, latest window", "better": "down"},
)
_PAST_TILE: Final = {
    "name": "churn_rate", "zh": "上一窗口实际流失率", "en": "Stopped buying, latest window", "better": "down"
}  # fmt: skip
_REPEAT_TILE: Final = {"name": "share_repeat", "zh": "买过第二次的客户", "en": "Came back a second day", "better": "up"}
_STAY_TILE: Final = {
    "name": "d7_new",
    "zh": "新好友 7 天后还在",
    "en": "New contacts there after 7 days",
    "better": "up",
}


def tiles(*, purchase: bool, relationship: bool) -> list[dict[str, str]]:
    """Return the headline tiles, by what the data can tell: the arguments of ``Workbench.tile`` but for the number."""
    made = [*(_PURCHASE_TILES if purchase else ()), *(_RELATIONSHIP_TILES if relationship else ())]
    return [*made, _PAST_TILE if purchase else _REPEAT_TILE, *([_STAY_TILE] if relationship and not purchase else [])]


def groups_note(*, strangers: bool, gently: bool) -> Label:
    """Return what to know before acting on the groups of customers.

    Args:
        strangers: Whether some active customers are nobody's contact.
        gently: Whether some on the list are far likelier than others to delete the contact.
    """
    parts: list[Label] = []
    if strangers:
        parts.append(_STRANGERS)
    if gently:
        parts.append(_GENTLY)
    parts.append(_CAUTION)
    return {"zh": "".join(part["zh"] for part in parts), "en": " ".join(part["en"] for part in parts)}


def touches_claim(ratio_ci_lower: float | None) -> Label:
    """Return what goes together with deletions, as a claim.

    Args:
        ratio_ci_lower: Lower end of the interval of the ratio of odds, of the touch that goes with them most surely.
    """
    if ratio_ci_lower is None or ratio_ci_lower <= 1:
        return {
            "zh": "哪种触达与删除相伴，现在还分不清",
            "en": "Which touches go together with deletions cannot be told yet",
        }
    return {
        "zh": "删除最常与这件事相伴：{touch}，被删的机会是 {touch_ratio}",
        "en": "What goes together with deletions most is {touch}: {touch_ratio} the odds",
    }


def codes_claim(*, flagged: bool) -> Label:
    """Return how new contacts stay, by acquisition code, as a claim."""
    if flagged:
        return {
            "zh": "疑似强制加好友的活码，7 天后只剩 {d7_flagged}，其他活码还有 {d7_others}",
            "en": "Codes that look like forced adds keep {d7_flagged} of their contacts for 7 days, all others "
            "{d7_others}",
        }
    return {
        "zh": "没有哪个活码像是强制加好友：7 天后还在的共 {d7_new}",
        "en": "No code looks like forced adds: {d7_new} of new contacts are still there after 7 days",
    }


def windows_claim(*, purchase: bool) -> Label:
    """Return what happened in past windows, as a claim."""
    if purchase:
        return {
            "zh": "过去 {n_windows} 个窗口，实际流失率在 {lowest_rate} 与 {highest_rate} 之间",
            "en": "Over {n_windows} past windows between {lowest_rate} and {highest_rate} stopped buying",
        }
    return {
        "zh": "上一个窗口，{delete_rate} 的好友被客户删除",
        "en": "In the latest window customers deleted {delete_rate} of the open contacts",
    }
