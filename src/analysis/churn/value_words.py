"""The value page in words, in both languages: which model and why, what it leans on, what to do."""

from collections.abc import Mapping
from typing import Any, Final

__all__ = [
    "NOT_JUDGED",
    "SPEND_AT_MOST",
    "STOP_SOURCE",
    "explained",
    "payback_claim",
    "sources_claim",
    "tracking_claim",
]

Words = dict[str, str]

NOT_JUDGED: Final[Words] = {
    "zh": "历史太短，还不能用后来的购买检验模型",
    "en": "History is too short to test the model on later purchases",
}

STOP_SOURCE: Final[dict[str, Any]] = {
    "zh": "先停「{source}」的获客投入：每位新客花 {cac}，{months}里只挣回 {ltv:full}",
    "en": 'Hold acquisition through "{source}": a new customer costs {cac} and earns {ltv:full} within {months}',
    "why": {
        "zh": "按毛利算，不按销售额；只数真正走完这些月份的新客。",
        "en": "Counted in margin, not revenue, and only over months that customers have really lived through.",
    },
    "worth_label": {"zh": "已经多花的获客费", "en": "Spent so far above what came back"},
    "reasons_to_change": [
        {
            "zh": "这个来源带来别的好处：转介绍、线下生意，或者更晚才来的毛利。",
            "en": "The source brings something else: referrals, sales elsewhere, or margin that comes later.",
        },
        {
            "zh": "停掉一半地区或人群两个月，总新客没有少：那它连这些新客也没带来。",
            "en": "Stopping it in half of the regions for two months shows whether these customers would come anyway.",
        },
    ],
}

SPEND_AT_MOST: Final[dict[str, Any]] = {
    "zh": "留客花费设上限：「{tier}」每人最多 {clv_best}，全体平均 {clv_each}",
    "en": 'Cap what keeping a customer may cost: {clv_best} each for "{tier}", {clv_each} on average',
    "why": {
        "zh": "这是他们未来 {horizon}预期毛利的现值。花得更多，即使全部留住也亏。",
        "en": "That is the present value of the margin expected of them in the next {horizon}: above it, even "
        "keeping every one of them loses money.",
    },
    "worth_label": None,
    "reasons_to_change": [
        {
            "zh": "毛利率变了，或者检验期里预测与实际差得更远。",
            "en": "The margin changes, or forecast and actual drift further apart.",
        },
        {
            "zh": "上限不等于该花：先随机留一部分不花，看留客动作到底留住了多少人。",
            "en": "A ceiling is not a budget: hold a random part back first and see whom the effort really keeps.",
        },
    ],
}

_MARGIN: Final = {
    "given": {"zh": "账本给定", "en": "set in the book"},
    "measured": {"zh": "按订单成本实测", "en": "measured from the cost of orders"},
    "assumed": {"zh": "假设，账本里没有成本", "en": "assumed: the data hold no costs"},
}

_NOBODY_LEAVES_AT_FIRST: Final = {
    "zh": "{name} 认为没有复购过的人都还在，所以第一行总是 100%：他们值多少，看买得多稀，不看这一行。",
    "en": "{name} takes everybody who never came back as alive, so its first row is always 100%: what they are worth "
    "shows in how rarely they buy, not in that row.",
}
_ALIVE: Final = {
    **{
        slug: {language: words.format(name=name) for language, words in _NOBODY_LEAVES_AT_FIRST.items()}
        for slug, name in (("bg_nbd", "BG/NBD"), ("bg_cnbd_k", "BG/CNBD-k"))
    },
    "nbd": {
        "zh": "NBD 里没有人流失，这张图处处是 100%。",
        "en": "Nobody leaves in the NBD: this picture is 100% everywhere.",
    },
}
_ALIVE_ELSE: Final = {
    "zh": "还活跃是指以后还会买，没有人看得见；模型由来得多不多、多久没来推断。",
    "en": "Alive means that they will buy again one day, which nobody can see; the model infers it from how "
    "often they came and how long they have been silent.",
}

_GAMMA_GAMMA: Final = {
    "zh": "Gamma-Gamma 模型估计，来得少的人向全体平均靠拢",
    "en": "estimated by the Gamma-Gamma model, which draws customers with few orders towards the mean of all",
}
_SHRUNKEN: Final = {
    "zh": "客户自己的均额向全体平均靠拢（相当于多看两单）；复购的人太少或金额与频率有关，Gamma-Gamma 用不上",
    "en": "a customer's own mean drawn towards that of all by the weight of two orders; Gamma-Gamma does not "
    "hold here: too few came back, or value goes with frequency",
}


def explained(
    choice: Mapping[str, Any],
    *,
    model: Mapping[str, Any],
    spend: Mapping[str, Any],
    margin: Mapping[str, Any],
    ridge_of_book: float = 0.0,
) -> dict[str, Words]:
    """Return the labels of the page by language: reason, margin_origin, alive_note, order_value_origin, prior_note."""
    return {
        "reason": choice["reason"],
        "margin_origin": _MARGIN[margin["origin"]],
        "alive_note": _ALIVE.get(model["model"], _ALIVE_ELSE),
        "order_value_origin": _GAMMA_GAMMA if spend["usable"] else _SHRUNKEN,
        "prior_note": _prior_note(float(model["ridge"]), of_book=ridge_of_book),
    }


def _prior_note(ridge: float, *, of_book: float) -> Words:
    """Return that a weak prior was added, and why: the book asks for it, or the data alone do not fix parameters."""
    if not ridge:
        return {"zh": "", "en": ""}
    how_much = "one customer" if ridge == 1 else f"{ridge:g} customers"
    if ridge <= of_book:
        return {
            "zh": f"按账本加了相当于 {ridge:g} 位客户的弱先验。",
            "en": f"The book adds a weak prior worth {how_much}.",
        }
    return {
        "zh": f"数据单独定不出参数，加了相当于 {ridge:g} 位客户的弱先验。",
        "en": f"The data alone do not fix its parameters; a weak prior worth {how_much} was added.",
    }


def payback_claim(*, months: float, seen: float) -> Words:
    """Return the claim of the payback section from the month of payback of all sources together; NaN: not yet."""
    if seen != seen:  # noqa: PLR0124 - NaN is not itself
        return {"zh": "新客还太少，看不出何时回本", "en": "Too few new customers yet to see when they pay back"}
    if months == months:  # noqa: PLR0124 - NaN is not itself
        return {
            "zh": f"一位新客平均第 {months:.0f} 个月挣回获客成本",
            "en": f"On average a new customer has earned the cost of acquisition by month {months:.0f}",
        }
    return {
        "zh": f"看到第 {seen:.0f} 个月，新客平均还没挣回获客成本",
        "en": f"By month {seen:.0f} the average new customer has not earned the cost of acquisition",
    }


def sources_claim(*, differ: bool) -> Words:
    """Return the claim of the section on sources: which is best, or that the difference may be luck."""
    if differ:
        return {
            "zh": "「{best_source}」来的人均最高 {best_each}，「{least_source}」来的最低 {least_each}",
            "en": "Worth most each: {best_source} at {best_each}; least: {least_source} at {least_each}",
        }
    return {
        "zh": "看不出哪个来源的客户更值钱：人均 {least_each} 到 {best_each}，相差可能只是运气",
        "en": "No source stands out: from {least_each} to {best_each} a head, which may be luck",
    }


def tracking_claim(*, inside: bool, below: bool) -> Words:
    """Return the claim of the tracking section: whether what came lay within what was foretold."""
    if inside:
        return {
            "zh": "看过每人历史再预测，检验期的实际购买落在 80% 区间内",
            "en": "Forecast from everybody's history, purchases in the holdout period fell within the 80% interval",
        }
    if below:
        return {
            "zh": "看过每人历史再预测，检验期的实际购买比 80% 区间还多：价值可能偏保守",
            "en": "Customers bought more than the 80% interval forecast from their history: values may be cautious",
        }
    return {
        "zh": "看过每人历史再预测，检验期的实际购买比 80% 区间还少：价值可能偏高",
        "en": "Customers bought less than the 80% interval forecast from their history: values may be too high",
    }
