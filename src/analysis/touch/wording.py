"""What a comparison of strategies says, in words for those who act on it; numbers are left to the page."""

from typing import Final

from analysis.touch.experience_words import rests_on
from analysis.touch.verdict import Kind

__all__ = [
    "ASSUMED",
    "ASSUMPTION",
    "ENTRY_LABELS",
    "EXAM_CAVEAT",
    "answer",
    "checked_flip",
    "decision",
    "flip_row",
    "nobody_note",
    "reasons",
    "season_note",
    "sections",
    "settling_test",
    "side",
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

ASSUMPTION: Final[Label] = {"zh": "假设，未经核实", "en": "assumption, not verified"}

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


def reasons(kind: Kind, *, over_history: bool, experience: str = "none") -> Label:
    """Return why: who leads by how much, how sure that is, and what its effect sizes rest on.

    Args:
        kind: What can be said.
        over_history: Whether the lead over going on as before is told too.
        experience: What effect sizes rest on, see ``experience_words``.
    """
    words = {language: [_LEADS[kind][language], _LEAD_OVER[language]] for language in ("zh", "en")}
    if over_history:
        words["zh"].append("，比照旧多 {over_history:full}")
        words["en"].append(" and going on as before by {over_history:full}")
    words["zh"].append("。")
    words["en"].append(".")
    if kind is not Kind.REST:
        words["zh"].append("预计多丢好友 {deletions:full}。")
        words["en"].append(" It is expected to cost {deletions:bare} more contacts ({deletions:interval}).")
    rests = rests_on(experience)
    words["zh"].append(rests["zh"])
    words["en"].append(" " + rests["en"])
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
        "zh": "**{driver}**：偏低时「{winner}」{driver_low_side} {driver_low}，偏高时{driver_high_side} "
        "{driver_high}。",
        "en": '**{driver}**: when low, "{winner}" {driver_low_side} by {driver_low}; when high, it {driver_high_side} '
        "by {driver_high}.",
    }


def sections(
    *,
    any_better: bool,
    focus_hurts_most: bool,
    same_early: bool,
    same_everywhere: bool,
    rarely: str,
    checked: str,
    exam: str,
) -> dict[str, dict[str, str]]:
    """Return what opens the sections, by section: claim (zh, en), subtitle (sub_zh, sub_en), name for the contents.

    Args:
        any_better: Whether a strategy's whole interval lies above no touch.
        focus_hurts_most: Whether the strategy looked into costs the most contacts.
        same_early: Whether the same strategy leads early and after a year.
        same_everywhere: Whether the same strategy leads in every segment.
        rarely: ``less``, ``more`` or ``level``: what the best strategy earns where a customer gets one touch a month.
        checked: ``none`` (no assumption turns the decision), ``holds`` or ``open`` (one does; simulated on both sides).
        exam: ``absent``, ``stale``, ``passed`` or ``failed``.
    """
    claims = {
        "earns": _EARNS[any_better],
        "deletions": _DELETIONS[focus_hurts_most],
        "explorer": _EXPLORER[rarely],
        "account": _ACCOUNT,
        "horizons": _HORIZONS[same_early],
        "segments": _SEGMENTS[same_everywhere],
        "drivers": _DRIVERS,
        "flips": _FLIPS[checked],
        "table": _TABLE,
        "channels": _CHANNELS,
        "exam": _EXAM[exam],
    }
    opened = {name: {**claim, **_SUBTITLES[name]} for name, claim in claims.items()}
    if exam == "absent":  # there is no table to explain
        opened["exam"] |= {"sub_zh": "", "sub_en": ""}
    return opened


_EARNS: Final = {
    True: {
        "zh": "{n_strategies} 种策略里，{n_better} 种的 80% 区间整个高于不触达",
        "en": "Above no touch with the whole 80% interval: {n_better} of {n_strategies} strategies",
    },
    False: {
        "zh": "没有一种策略的 80% 区间整个高于不触达",
        "en": "No strategy lies above no touch with its whole 80% interval",
    },
}
_DELETIONS: Final = {
    True: {
        "zh": "「{focus}」也最伤好友：预计多丢 {most_deletions}",
        "en": '"{focus}" also costs the most contacts: {most_deletions:bare} more are expected to delete us',
    },
    False: {
        "zh": "最伤好友的是「{most_deleting}」：预计多丢 {most_deletions}",
        "en": '"{most_deleting}" costs the most contacts: {most_deletions:bare} more are expected to delete us',
    },
}
_EXPLORER: Final = {
    "less": {
        "zh": "限到每人每月 1 次触达，30 天里最赚的策略预计少赚 {rare_profit}",
        "en": "With one touch a customer and month at most, the best strategy is expected to earn {rare_profit} less "
        "in 30 days",
    },
    "more": {
        "zh": "限到每人每月 1 次触达，30 天里最赚的策略预计多赚 {rare_profit}",
        "en": "With one touch a customer and month at most, the best strategy is expected to earn {rare_profit} more "
        "in 30 days",
    },
    "level": {
        "zh": "限到每人每月 1 次触达，30 天里最赚的策略预计也不少赚",
        "en": "With one touch a customer and month at most, the best strategy is expected to earn no less in 30 days",
    },
}
_ACCOUNT: Final = {
    "zh": "「{focus}」的账：毛利预计多 {margin}，花掉和丢掉 {costs}",
    "en": 'The account of "{focus}": {margin} more margin expected, {costs} spent or lost',
}
_HORIZONS: Final = {
    True: {
        "zh": "只看 {early}和看 {late}，领先的是同一种",
        "en": "The same strategy leads after {early} and after {late}",
    },
    False: {
        "zh": "只看 {early}会选「{early_winner}」，{late}后领先的是「{late_winner}」",
        "en": 'After {early} "{early_winner}" leads; after {late} it is "{late_winner}"',
    },
}
_SEGMENTS: Final = {
    True: {
        "zh": "每一层客户里，领先的都是「{segment_winner}」",
        "en": '"{segment_winner}" leads in every tier of customers',
    },
    False: {
        "zh": "各层客户领先的策略不同：共 {n_segment_winners} 种",
        "en": "Tiers of customers differ: {n_segment_winners} strategies lead in one or another",
    },
}
_DRIVERS: Final = {
    "zh": "领先多少，最取决于「{driver}」",
    "en": 'The lead hangs most on "{driver}"',
}
_FLIPS: Final = {
    "none": {
        "zh": "没有一条假设能单独让赢家换人",
        "en": "No single assumption would change the winner within its range",
    },
    "holds": {
        "zh": "「{flip}」{flip_side} {flip_value}，领先的就换成「{flip_rival}」",
        "en": '"{flip}" {flip_side} {flip_value} would put "{flip_rival}" ahead',
    },
    "open": {
        "zh": "「{flip}」{flip_side} {flip_value}，「{flip_rival}」可能反超",
        "en": '"{flip}" {flip_side} {flip_value} might put "{flip_rival}" ahead',
    },
}
_TABLE: Final = {"zh": "每种策略的全部数字", "en": "All numbers of every strategy"}
_CHANNELS: Final = {
    "zh": "有触达记录的渠道用本店的阅读率，其余是营销说法或假设，未经核实",
    "en": "Read rates are this shop's own where touches are known, else marketing claims or assumptions, not verified",
}
_EXAM: Final = {
    "absent": {
        "zh": "模拟器的考试还没有成绩",
        "en": "The simulator's exam has no result yet",
    },
    "stale": {
        "zh": "模拟器的考试成绩已过期：之后改过规律或效果大小",
        "en": "The exam's result is out of date: laws or effect sizes have changed since",
    },
    "passed": {
        "zh": "模拟器重现了文献里的 {exam_rows} 条规律",
        "en": "The simulator shows the {exam_rows} findings of the literature it is examined on",
    },
    "failed": {
        "zh": "文献里的 {exam_rows} 条规律，模拟器重现了 {exam_held} 条",
        "en": "Of {exam_rows} findings of the literature the simulator shows {exam_held}",
    },
}

_SUBTITLES: Final[dict[str, dict[str, str]]] = {
    "earns": {
        "short_zh": "谁最赚",
        "short_en": "Who earns most",
        "sub_zh": "{horizon}增量利润，相对不触达；点为估计值，虚线为 80% 区间，{n_customers}，{replicates}模拟",
        "sub_en": "Incremental profit over {horizon} against no touch; point: estimate, dashed line: 80% interval; "
        "{n_customers}, simulated {replicates}",
    },
    "deletions": {
        "short_zh": "利润与好友",
        "short_en": "Profit and contacts",
        "sub_zh": "增量利润与多丢的好友，相对不触达；细线为 80% 区间，粗线为前沿：同样的流失下没有更赚的；"
        "写不下名字的点见图中数据",
        "sub_en": "Incremental profit and further deletions against no touch; thin lines: 80% intervals; the line "
        "joins the frontier, where nothing earns more at as few losses; names that do not fit are in the data",
    },
    "explorer": {
        "short_zh": "发多少",
        "short_en": "How often",
        "sub_zh": "30 天的前沿，期望值：每人每月最多触达几次；在 JupyterLab 里可拖动预算、频次和效果大小",
        "sub_en": "Frontier after 30 days, expected values, by touches a customer and month at most; in JupyterLab "
        "sliders move budget, frequency and effect sizes",
    },
    "account": {
        "short_zh": "一笔账",
        "short_en": "The account",
        "sub_zh": "相对不触达，{horizon}合计；从毛利一路减到利润",
        "sub_en": "Against no touch, total over {horizon}; from margin down to profit",
    },
    "horizons": {
        "short_zh": "短期与长期",
        "short_en": "Short and long run",
        "sub_zh": "累计增量利润，相对不触达，期望值；{late}的一端只模拟 {late_replicates}，区间在表里",
        "sub_en": "Cumulative incremental profit against no touch, expected values; the end at {late} is simulated "
        "{late_replicates} only, its intervals are in the table",
    },
    "segments": {
        "short_zh": "分层看",
        "short_en": "By tier",
        "sub_zh": "「{focus}」在每层客户的{horizon}增量利润，相对不触达，未扣固定费用；虚线为 80% 区间",
        "sub_en": 'Incremental profit of "{focus}" by tier over {horizon}, against no touch, before fixed costs; '
        "dashed line: 80% interval",
    },
    "drivers": {
        "short_zh": "什么最要紧",
        "short_en": "What matters most",
        "sub_zh": "「{winner}」对「{runner_up}」的领先额；每行比较该假设最低与最高的三分之一，其余照抽",
        "sub_en": 'Lead of "{winner}" over "{runner_up}"; each row compares the lowest and highest third of one '
        "assumption, all others as drawn",
    },
    "flips": {
        "short_zh": "什么会翻盘",
        "short_en": "What could turn it",
        "sub_zh": "领先额的变动里，每条假设单独占多少（点）、连同与别的假设的相互作用占多少（线到头）；"
        "{sensitivity_draws}抽取",
        "sub_en": "Share of the lead's variation that each assumption accounts for alone (point) and together with "
        "others (end of the line); {sensitivity_draws:bare} draws",
    },
    "table": {
        "short_zh": "全部数字",
        "short_en": "All numbers",
        "sub_zh": "每种策略一行，{horizon}，相对不触达；费用含优惠、触达、员工与固定费用；证据都是 D",
        "sub_en": "One row per strategy, {horizon}, against no touch; cost holds offers, touches, staff and fixed "
        "cost; all of grade D",
    },
    "channels": {
        "short_zh": "渠道假设",
        "short_en": "Channels",
        "sub_zh": "用到的渠道，每个一行；D 为营销说法或假设，未经核实；费用含员工时间",
        "sub_en": "Channels in use, one row each; D: marketing claim or assumption, not verified; cost holds staff "
        "time",
    },
    "exam": {
        "short_zh": "模拟器可信吗",
        "short_en": "Is the simulator sound",
        "sub_zh": "每条规律一行：模拟出来的值和 95% 区间，以及该落在哪里",
        "sub_en": "One row per finding: what the simulator shows with its 95% interval, and where it should lie",
    },
}


def flip_row(*, below: bool | None) -> Label:
    """Return, for a row of a table, on which side of a value the winner changes; ``below`` None: nowhere."""
    if below is None:
        return {"zh": "范围内没有", "en": "no value within its range"}
    return {"zh": "低于", "en": "below"} if below else {"zh": "高于", "en": "above"}


def side(*, ahead: bool) -> Label:
    """Return whether a strategy is ahead or behind, as a verb."""
    return {"zh": "领先", "en": "leads"} if ahead else {"zh": "落后", "en": "trails"}


def checked_flip(*, holds: bool) -> Label:
    """Return what a simulation on both sides of the turning point found."""
    zh = "**核对过。**把「{flip}」固定在 {check_low}，「{winner}」{lead_low_side} {lead_low}；固定在 {check_high}，"
    zh += "{lead_high_side} {lead_high}"
    en = '**Simulated on both sides.** With "{flip}" held at {check_low}, "{winner}" {lead_low_side} "{flip_rival}" by '
    en += "{lead_low}; held at {check_high}, it {lead_high_side} by {lead_high}"
    if holds:
        return {"zh": zh + "：两边都不只是运气。", "en": en + ": neither is luck alone."}
    return {
        "zh": zh + "；至少一边还分不清，翻盘点只是大概。",
        "en": en + "; one side cannot be told from level, so the turning point is rough.",
    }


_SEASONS: Final[dict[str, Label]] = {
    "season": {
        "zh": "季节按本店过去同期的购买快慢估计，已扣除老客变少的影响；大促强度若与往年不同，会有偏差。",
        "en": "The season is that of the shop's own past, customers growing older taken out; a sale unlike last year's "
        "would not be foreseen.",
    },
    "short": {
        "zh": "历史不到一年，看不出季节，按没有淡旺季算。",
        "en": "Less than a year of history tells no season: all days are taken alike.",
    },
    "one_cohort": {
        "zh": "客户几乎都在半年内加入，分不清淡季和老化，按没有淡旺季算。",
        "en": "Nearly all customers joined within half a year, so a quiet season cannot be told from their ageing: all "
        "days are taken alike.",
    },
    "few": {
        "zh": "复购订单太少，看不出季节，按没有淡旺季算。",
        "en": "Too few repeat orders tell no season: all days are taken alike.",
    },
    "flat": {
        "zh": "过去看不出超过运气的淡旺季，按没有淡旺季算。",
        "en": "No season beyond luck is seen in the past: all days are taken alike.",
    },
}


EXAM_CAVEAT: Final[Label] = {
    "zh": "通过考试只说明机制合理，不说明已按企业微信校准：多数研究来自电邮、推送、电信或目录邮购。",
    "en": "Passing shows plausible mechanics, not a calibration to WeCom: most studies are about e-mail, push, telecom "
    "or catalogues.",
}


def season_note(reason: str) -> Label:
    """Return what is assumed of the season, and why."""
    return _SEASONS[reason]


def nobody_note() -> Label:
    """Return that some strategies find nobody, because the data lack what their audience looks at."""
    return {
        "zh": "没有客户符合条件的策略：{nobody}。多半是数据里缺少条件要看的列。",
        "en": "Strategies that find nobody: {nobody}. Most likely the data lack a column their audience looks at.",
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
