"""What the relationship clock says, in words. Numbers are left to the page."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from analysis.churn.evaluation import FEWEST_EVENTS
from analysis.churn.relationship.hazards import WINDOWS
from analysis.churn.relationship.judging import Verdict
from analysis.churn.relationship.person_days import TENURE_STARTS

__all__ = ["DOOR_LABELS", "FORECASTS", "claim", "covariate_label", "detail", "stretch_label"]

Label = dict[str, str]

DOOR_LABELS: Final[dict[str, Label]] = {
    "customer": {"zh": "客户删除", "en": "Deleted by customers"},
    "staff": {"zh": "员工删除", "en": "Ended by staff"},
    "still_there": {"zh": "仍是好友", "en": "Still a contact"},
}
"""By whom a contact ended; by staff also when they leave and somebody else takes over."""

_BY_TENURE: Final[Label] = {
    "zh": "只看加好友多久的简单算法",
    "en": "the simple forecast from how long they have been a contact",
}

FORECASTS: Final[dict[Verdict, Label]] = {
    Verdict.MODEL: {"zh": "完整模型", "en": "the full model"},
    Verdict.TENURE: _BY_TENURE,
    Verdict.LEVEL_OFF: _BY_TENURE,
    Verdict.TOO_FEW: _BY_TENURE,
    Verdict.NONE_RECORDED: {"zh": "无", "en": "none"},
}

_CLAIMS: Final[dict[Verdict, Label]] = {
    Verdict.MODEL: {
        "zh": "删除概率站得住：在没见过的一段日子里，说多少就是多少",
        "en": "The chances of deletion hold: on days they had not seen, they meant what they said",
    },
    Verdict.TENURE: {
        "zh": "完整模型没有通过检验；用只看加好友多久的概率，它站得住",
        "en": "The full model failed a check; the chances by tenure alone hold and are used",
    },
    Verdict.LEVEL_OFF: {
        "zh": "两种概率的水平都偏了：只用来排先后，不用来数人数",
        "en": "The level of both forecasts was off: they rank contacts, they do not count them",
    },
    Verdict.TOO_FEW: {
        "zh": "删除太少，无法检验；概率只看加好友多久，未经检验",
        "en": "Too few deletions to judge; the chances come from tenure alone, unjudged",
    },
    Verdict.NONE_RECORDED: {
        "zh": "数据里没有一次客户删除的记录，谈不上概率",
        "en": "Not one deletion by a customer is on record: there are no chances to give",
    },
}

_GATES: Final[dict[str, Label]] = {
    "calibration_slope": {"zh": "高低拉得过开或过近", "en": "too extreme or too timid"},
    "calibration_error": {"zh": "概率的水平偏了", "en": "its level was off"},
    "beats_baseline": {"zh": "不比只看加好友多久更准", "en": "no better than tenure alone"},
}


def claim(verdict: Verdict) -> Label:
    """Return what the verdict claims, a sentence by language."""
    return _CLAIMS[verdict]


_RANKS_HARDLY: Final[Label] = {
    "zh": "概率的总数可信，但几乎分不出谁先删：决定删不删的，多半是今天以后的事。",
    "en": "They count well and hardly tell one contact from another: most of what decides is still to come.",
}


def detail(verdict: Verdict, *, failed: Sequence[str], ranks: bool) -> Label:
    """Return why, by language: gates that the full model failed, deletions that would be needed, what it cannot do.

    Args:
        verdict: Of the forecasts.
        failed: Gates that the full model failed.
        ranks: Whether the forecast used tells contacts apart.
    """
    if verdict is Verdict.TOO_FEW:
        return {
            "zh": f"学习期和检验期各需至少 {FEWEST_EVENTS} 次客户删除。",
            "en": f"Learning and judging need at least {FEWEST_EVENTS} deletions by customers each.",
        }
    if verdict is Verdict.NONE_RECORDED:
        return {"zh": "", "en": ""}
    zh, en = ("；".join(_GATES[gate]["zh"] for gate in failed), "; ".join(_GATES[gate]["en"] for gate in failed))
    why: Label = {"zh": f"完整模型：{zh}。", "en": f"The full model: {en}. "} if failed else {"zh": "", "en": ""}
    limit: Label = {"zh": "", "en": ""} if ranks else _RANKS_HARDLY
    return {"zh": why["zh"] + limit["zh"], "en": (why["en"] + limit["en"]).strip()}


def stretch_label(start: int, *, following: int | None) -> Label:
    """Return the name of a stretch of tenure.

    Examples:
        >>> stretch_label(2, following=4)["en"], stretch_label(366, following=None)["en"]
        ('days 2–3', 'from day 366')
    """
    if following is None:
        return {"zh": f"第 {start} 天起", "en": f"from day {start}"}
    if following == start + 1:
        return {"zh": f"第 {start} 天", "en": f"day {start}"}
    return {"zh": f"第 {start}–{following - 1} 天", "en": f"days {start}–{following - 1}"}


_WINDOW_LABELS: Final[dict[str, Label]] = {
    "2d": {"zh": "此前 48 小时内", "en": "last 48 hours"},
    "3_7d": {"zh": "此前 3–7 天", "en": "3–7 days before"},
    "7d": {"zh": "此前 7 天内", "en": "last 7 days"},
    "8_28d": {"zh": "此前 8–28 天", "en": "8–28 days before"},
}


def covariate_label(term: str, *, terms: Sequence[str], channels: Mapping[str, Label]) -> Label:
    """Return the name of a term of a hazard model, by language.

    Args:
        term: Name of the term.
        terms: All terms of its model: a stretch of tenure ends where the next one begins.
        channels: Names of channels by language; others go by their own name.
    """
    kind, _, what = term.partition(":")
    if kind == "tenure":
        starts = [int(other.partition(":")[2]) for other in terms if other.startswith("tenure:")] or list(TENURE_STARTS)
        following = min((start for start in starts if start > int(what)), default=None)
        stretch = stretch_label(int(what), following=following)
        return {"zh": f"加好友{stretch['zh']}", "en": f"Tenure {stretch['en']}"}
    if kind == "source_first_week":
        return {"zh": f"渠道活码 {what}，头 7 天", "en": f"Source {what}, first 7 days"}
    if kind == "source_later":
        return {"zh": f"渠道活码 {what}，7 天以后", "en": f"Source {what}, after 7 days"}
    window = kind.removeprefix("touches_")
    if window in WINDOWS:
        channel: Any = channels.get(what, {"zh": what, "en": what})
        when = _WINDOW_LABELS[window]
        name = channel["en"][:1].upper() + channel["en"][1:]
        return {"zh": f"{channel['zh']}，{when['zh']}", "en": f"{name}, {when['en']}"}
    return {"zh": term, "en": term}
