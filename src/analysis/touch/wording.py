"""What a comparison of strategies says, in words for those who act on it; numbers are left to the page."""

from typing import Final

from analysis.touch.verdict import Kind

__all__ = [
    "ASSUMED",
    "ENTRY_LABELS",
    "MARKETING_CLAIM",
    "answer",
    "decision",
    "reasons",
    "sections",
    "settling_test",
    "turning_point",
    "worth_label",
]

Label = dict[str, str]

ENTRY_LABELS: Final[dict[str, Label]] = {
    "margin": {"zh": "多出的毛利", "en": "more margin"},
    "coupons": {"zh": "核销的优惠", "en": "redeemed offers"},
    "touch_costs": {"zh": "触达费用", "en": "cost of touches"},
    "staff_costs": {"zh": "员工时间", "en": "staff time"},
    "account_wear": {"zh": "账号损耗", "en": "wear of accounts"},
    "lost_contacts": {"zh": "丢失好友的未来价值", "en": "future value of lost contacts"},
    "fixed_costs": {"zh": "固定费用", "en": "fixed costs"},
    "profit": {"zh": "增量利润", "en": "incremental profit"},
}

MARKETING_CLAIM: Final[Label] = {"zh": "营销宣称，未经验证", "en": "marketing claim, not verified"}

_DECISIONS: Final[dict[Kind, Label]] = {
    Kind.BEST: {"zh": "按「{winner}」触达", "en": 'Touch by "{winner}"'},
    Kind.REST: {
        "zh": "先不触达：试过的策略，预计都不如不触达",
        "en": "Hold back: none of the strategies tried is expected to beat no touch",
    },
    Kind.NOT_SURE: {
        "zh": "还分不清：先在一部分客户上试「{focus}」，留出对照",
        "en": 'Not sure yet: try "{focus}" on some customers and keep a holdout',
    },
}

_CHECK_THE_PAST: Final[Label] = {
    "zh": "还分不清：先照旧，但随机留出一部分客户不触达",
    "en": "Not sure yet: go on as before, but leave a random part untouched",
}

_SURE: Final[Label] = {
    "zh": "「{winner}」最优的把握 {p_best:bare}",
    "en": '"{winner}" is the best with a chance of {p_best:bare}',
}
_LEADS: Final[dict[Kind, Label]] = {
    Kind.BEST: _SURE,
    Kind.REST: _SURE,
    Kind.NOT_SURE: {
        "zh": "「{winner}」暂时领先，最优的把握只有 {p_best:bare}",
        "en": '"{winner}" leads, with only a {p_best:bare} chance of being best',
    },
}
_LEAD_OVER: Final[Label] = {
    "zh": "；领先第二名「{runner_up}」{lead:full}",
    "en": '; it is ahead of "{runner_up}" by {lead:full}',
}

_ANSWERS: Final[dict[Kind, Label]] = {
    Kind.BEST: {
        "zh": "「{winner}」预计最好：{horizon}内比不触达多赚 {profit}",
        "en": '"{winner}" is expected to be best: {profit} more than no touch over {horizon}',
    },
    Kind.REST: {
        "zh": "不触达预计最好，其次是「{focus}」",
        "en": 'No touch is expected to be best, before "{focus}"',
    },
    Kind.NOT_SURE: {
        "zh": "还分不清：「{winner}」暂时领先，最优的把握只有 {p_best:bare}",
        "en": 'Not sure yet: "{winner}" leads, with only a {p_best:bare} chance of being best',
    },
}

ASSUMED: Final[dict[str, Label]] = {
    "nothing": {
        "zh": "触达、好友、成本和工资都来自本店数据：毛利率 {margin_share:bare}，员工每小时 {wage}。",
        "en": "Touches, contacts, costs and wages come from this shop's data: a margin of {margin_share:bare}, {wage} "
        "an hour of staff.",
    },
    "touches": {
        "zh": "没有触达记录：假定过去没有触达，「照旧」因此等于不触达，阅读率全部用先验。",
        "en": 'There is no table of touches: the past is taken as untouched, so "As before" equals no touch, and all '
        "read rates are priors.",
    },
    "contacts": {
        "zh": "没有好友表：假定每位客户都是好友，都能收到私聊。",
        "en": "There is no table of contacts: every customer is taken to be a contact whom a message can reach.",
    },
    "margin": {
        "zh": "没有成本：毛利率用策略文件里的假设，{margin_share:bare}。",
        "en": "Costs are not known: the margin is the strategy file's assumption, {margin_share:bare}.",
    },
    "wage": {
        "zh": "没有员工工资：每小时 {wage} 是策略文件里的假设。",
        "en": "Wages are not known: {wage} an hour is the strategy file's assumption.",
    },
}


def decision(kind: Kind, *, about_the_past: bool) -> Label:
    """Return what to do; ``about_the_past`` where the best strategy that touches is going on as before."""
    return _CHECK_THE_PAST if kind is Kind.NOT_SURE and about_the_past else _DECISIONS[kind]


def answer(kind: Kind) -> Label:
    """Return the answer to the page's question in one sentence."""
    return _ANSWERS[kind]


def reasons(kind: Kind, *, over_history: bool) -> Label:
    """Return why: who leads by how much, how sure that is, and that it rests on priors."""
    words = {language: [_LEADS[kind][language], _LEAD_OVER[language]] for language in ("zh", "en")}
    if over_history:
        words["zh"].append("，比照旧多 {over_history:full}")
        words["en"].append(" and going on as before by {over_history:full}")
    words["zh"].append("。")
    words["en"].append(".")
    if kind is not Kind.REST:
        words["zh"].append("预计多丢好友 {deletions:full}。")
        words["en"].append(" It is expected to cost {deletions:bare} more contacts ({deletions:interval}).")
    words["zh"].append("效果大小都是先验，还没有本店的实验。")
    words["en"].append(" Effect sizes are priors: this shop has no experiment yet.")
    return {language: "".join(parts) for language, parts in words.items()}


def worth_label(*, of_holding_back: bool) -> Label:
    """Return what the worth beside the decision measures; ``of_holding_back`` where doing nothing leads."""
    if of_holding_back:
        return {
            "zh": "不触达比「{focus}」多赚，{horizon}",
            "en": 'What no touch earns more than "{focus}" over {horizon}',
        }
    return {
        "zh": "「{focus}」{horizon}增量利润，相对不触达",
        "en": '"{focus}": incremental profit over {horizon}, against no touch',
    }


def turning_point() -> Label:
    """Return the assumption the lead hangs on most, as a reason to change our mind."""
    return {
        "zh": "**{driver}**：偏低时「{winner}」领先 {driver_low}，偏高时 {driver_high}。",
        "en": '**{driver}**: when low, "{winner}" leads by {driver_low}; when high, by {driver_high}.',
    }


def sections(*, any_better: bool, focus_hurts_most: bool, same_early: bool) -> dict[str, Label]:
    """Return the claims that open the sections, by section."""
    return {
        "earns": {
            "zh": "{n_strategies} 种策略里，{n_better} 种的 80% 区间整个高于不触达",
            "en": "Above no touch with the whole 80% interval: {n_better} of {n_strategies} strategies",
        }
        if any_better
        else {
            "zh": "没有一种策略的 80% 区间整个高于不触达",
            "en": "No strategy lies above no touch with its whole 80% interval",
        },
        "deletions": {
            "zh": "「{focus}」也最伤好友：预计多丢 {most_deletions}",
            "en": '"{focus}" also costs the most contacts: {most_deletions:bare} more are expected to delete us',
        }
        if focus_hurts_most
        else {
            "zh": "最伤好友的是「{most_deleting}」：预计多丢 {most_deletions}",
            "en": '"{most_deleting}" costs the most contacts: {most_deletions:bare} more are expected to delete us',
        },
        "account": {
            "zh": "「{focus}」的账：毛利预计多 {margin}，花掉和丢掉 {costs}",
            "en": 'What "{focus}" brings: {margin} more margin expected, {costs} spent or lost',
        },
        "horizons": {
            "zh": "{early}看和 {horizon}看，领先的是同一种",
            "en": "The same strategy leads after {early} and after {horizon}",
        }
        if same_early
        else {
            "zh": "只看 {early}会选「{early_winner}」，{horizon}后领先的是「{winner}」",
            "en": 'After {early} "{early_winner}" leads; after {horizon} it is "{winner}"',
        },
        "drivers": {
            "zh": "领先多少，最取决于「{driver}」",
            "en": 'The lead hangs most on "{driver}"',
        },
    }


def settling_test(*, affordable: bool) -> Label:
    """Return the test that would settle the question, and whether this shop has the customers for it."""
    zh = "**随机对照能把证据升到 A。**在会被触达的客户里随机分两组，一组按「{focus}」，一组不触达，"
    zh += "看 {horizon}的复购率；每组要 {per_arm}，会被触达的有 {reached}"
    en = (
        '**A randomised test would raise the evidence to A.** Split those who would be touched at random, "{focus}" '
        "against no touch, and compare repurchase over {horizon}: it takes {per_arm} in each arm, of {reached}"
    )
    if affordable:
        return {"zh": zh + "，够用。", "en": en + ", which is enough."}
    return {
        "zh": zh + "：一轮不够，要几轮累积，或先试力度更大的做法。",
        "en": en + ": not enough for one round; pool several, or test something bolder.",
    }
