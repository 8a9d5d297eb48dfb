"""Words that a page explains on tap: found once per page in its text, explained in a box and in a list at the end.

A word becomes a button that opens a small box (the browser's own ``popover``, no script). Where a browser knows no
popovers, and in print, the boxes stand as a list at the end of the page. ``GLOSSARY.md`` holds every word here.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from markupsafe import Markup, escape

from analysis.page.words import word

__all__ = ["PLACE", "TERMS", "Term", "explain"]

PLACE: Final = "<!-- words -->"
"""Where a template wants the list."""

_SKIPPED: Final = frozenset({
    "a", "button", "caption", "code", "h1", "h2", "h3", "h4", "label", "nav", "option", "output", "pre", "script",
    "style", "summary", "svg", "table", "title",
})  # fmt: skip
_TAG: Final = re.compile(r"(<!--.*?-->|<[^>]*>)", re.DOTALL)
_NAME: Final = re.compile(r"</?([a-zA-Z0-9]+)")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of the house.

    Attributes:
        key: Of the box.
        zh: How the word is written in Chinese, first the word itself, then other forms, parted by ``|``.
        en: The same in English; plurals with s are found too.
        zh_says: What it means, in one or two plain sentences.
        en_says: The same in English.
    """

    key: str
    zh: str
    en: str
    zh_says: str
    en_says: str

    def forms(self, language: str) -> list[str]:
        """Return how the word may be written."""
        return (self.zh if language == "zh" else self.en).split("|")

    def says(self, language: str) -> str:
        """Return what it means."""
        return self.zh_says if language == "zh" else self.en_says


TERMS: Final[tuple[Term, ...]] = (
    Term(
        "interval", "80% 区间|95% 区间|区间", "80% interval|95% interval|interval",
        "真实的数多半落在这两头之间：80% 区间，十次里约有八次。区间宽，说明知道得少。",
        (
            "The true number most likely lies between these two ends: of ten 80% intervals about eight hold it. A "
            "wide one means we know little."
        ),
    ),
    Term(
        "grade", "证据等级|证据 A|证据 B|证据 C|证据 D", "evidence grade|evidence A|evidence B|evidence C|evidence D",
        (
            "这个数有多可靠。A：随机对照；B：准实验；C：只是观察；"
            "D：先验或宣称，还没有自己的数据。只有 A、B 可以说「带来」。"
        ),
        (
            "How far a number can be trusted. A: a randomised test; B: nearly one; C: only observed; D: a prior "
            "or claim, no data of our own yet. Only A and B may say “caused”."
        ),
    ),
    Term(
        "churn", "流失", "churn",
        "在往后约定的天数里一次也不买。客户不会通知我们，所以只能按概率估计。",
        (
            "Not buying once within the days ahead that the page names. Nobody announces it, so it can only be "
            "told as a chance."
        ),
    ),
    Term(
        "risk", "流失风险金额|风险金额", "value at risk|money at risk",
        "不再下单的概率 × 按去年水平这段时间会花的钱。是牵涉的金额，不是能救回来的金额。",
        (
            "Chance of leaving × what the customer's last year suggests for this period. It is the money at "
            "stake, not what can be saved."
        ),
    ),
    Term(
        "two_clocks", "两只钟", "two clocks",
        "一位客户有两只钟：购买的钟（多久没下单）和关系的钟（会不会删好友）。两只钟各走各的。",
        (
            "Each customer has two clocks: the purchase clock (how long since the last order) and the "
            "relationship clock (will they delete us)."
        ),
    ),
    Term(
        "silent", "静默流失|停买但还是好友", "silent leaver|leave in silence",
        "不再买，但没有删好友：下次还联系得上。",
        "Stops buying and stays a contact: can still be written to.",
    ),
    Term(
        "contact", "好友", "contacts|a contact",
        "客户加了我们员工的企业微信，能收到私聊；删了就再也到不了。",
        "A customer who added a member of staff in WeCom and can be written to; once deleted, never again.",
    ),
    Term(
        "touch", "触达", "touch|touches",
        "给一位客户的一次联系：私聊、群消息、朋友圈、短信等。",
        "One message to one customer: private chat, group post, moments, text message and so on.",
    ),
    Term(
        "repurchase", "复购率", "repurchase rate",
        "买过的客户里，在这段时间又买的占比。",
        "Of customers who had bought before, the share who bought again in the period.",
    ),
    Term(
        "incremental", "增量利润|增量", "incremental profit|incremental",
        "和什么都不做相比多出来的部分；本来就会买的不算。",
        "What comes on top of doing nothing; purchases that would have happened anyway do not count.",
    ),
    Term(
        "p_best", "最优的把握|最优概率", "chance of being best|P(best)",
        "把不确定的效果反复抽取，这个策略排第一的次数占比。低于 80% 就当分不清。",
        (
            "Drawing the uncertain effects again and again: how often this strategy comes first. Below 80% we say "
            "it cannot be told."
        ),
    ),
    Term(
        "prior", "先验", "prior",
        "还没有自己的实验时，从公开资料借来的效果大小，连同它有多不确定。",
        (
            "Effect sizes borrowed from published sources while there is no experiment of our own, with how "
            "uncertain they are."
        ),
    ),
    Term(
        "holdout", "对照组|对照", "holdout|control group",
        "随机留下不联系的一部分客户。和他们相比，才知道联系有没有用。",
        "Customers left alone at random. Only by comparing with them can we tell whether contacting helps.",
    ),
    Term(
        "margin", "毛利", "margin",
        "卖出去的钱减去货的成本；还没有扣触达、人手和固定费用。",
        "Sales less the cost of the goods; before touches, staff and fixed costs.",
    ),
    Term(
        "tier", "客户分层|分层", "tier",
        "按最近一次购买、次数和金额，用规则把客户分开。",
        "Groups by rule: how recently, how often and for how much customers bought.",
    ),
    Term(
        "cluster", "聚类", "cluster",
        "由算法把行为相近的客户归到一起；换一批客户，边界会挪动。",
        "Customers of similar behaviour put together by an algorithm; with other customers the borders would move.",
    ),
    Term(
        "p_alive", "活跃概率", "P(alive)",
        "按一位客户过去的购买节奏，他现在还会再买的概率。",
        "The chance that a customer still buys, judged by their own rhythm of purchases.",
    ),
    Term(
        "calibration", "校准", "calibration|calibrated",
        "说 30% 的那些人里，真的有三成发生，概率才可信。校准就是检查并改正这一点。",
        "Of those told 30%, three in ten should really do it. Calibration checks that and puts it right.",
    ),
    Term(
        "quarantine", "搁置", "put aside",
        "读不懂或自相矛盾的行不猜、不丢，单独存放并写明原因。",
        (
            "Rows that cannot be read or contradict themselves are neither guessed at nor dropped, but kept apart "
            "with the reason."
        ),
    ),
    Term(
        "anonymous", "匿名销售", "anonymous sale",
        "没有客户编号的订单：计入总额，不计入任何人的历史。",
        "An order without a customer: it counts in totals and in nobody's history.",
    ),
    Term(
        "gap", "对偶间隙", "duality gap",
        "离理论上最好的安排还差多少；不可能有安排好过这个界限。",
        "How far the plan is from the best that any plan could reach.",
    ),
    Term(
        "shadow", "影子价格", "shadow price",
        "这一项限制再放宽一个单位（多一小时、多一元），能多赚多少。",
        "What one more unit of a limit (an hour, a yuan) would bring.",
    ),
    Term(
        "mde", "看得清的最小变化", "smallest visible effect",
        "按这次实验的人数，真实效果至少要这么大，才有把握看得出来。",
        "How large a true effect must be for an experiment of this size to see it.",
    ),
    Term(
        "srm", "分组比例", "sample ratio",
        "实际分到各组的人数是否和计划一致；不一致，结果就不能信。",
        "Whether groups hold as many customers as planned; if not, the result cannot be believed.",
    ),
    Term(
        "as_assigned", "按分配", "as assigned",
        "按抽签时分到哪组来比较，不管最后有没有真的收到，这样才公平。",
        "Groups are compared as they were drawn, whether or not the message arrived: only that is fair.",
    ),
    Term(
        "forced_add", "强制加好友", "forced add",
        "客户为了过一道门槛（弹窗、退款）才加的好友；往往几天内就删。",
        "A contact made only to pass a gate (a pop-up, a refund); often deleted within days.",
    ),
    Term(
        "private_domain", "私域", "private domain|private-domain",
        "品牌能反复、免费直接联系到的客户，例如企业微信好友。",
        "Customers a brand can reach again and again without paying a platform, such as WeCom contacts.",
    ),
    Term(
        "frontier", "前沿", "frontier",
        "少丢好友又多赚钱的最佳组合连成的线：线下面的策略，总有一个更好的可以代替。",
        (
            "The line of best trade-offs between contacts kept and money made: below it some other strategy is "
            "better in both."
        ),
    ),
    Term(
        "sobol", "Sobol 指数", "Sobol index|Sobol indices",
        "结果的起伏里，有多大一部分来自这一条假设不确定。",
        "How much of the result's variation comes from not knowing this one assumption.",
    ),
)  # fmt: skip


def explain(page: str, *, language: str) -> str:
    """Return a page whose first mention of each word explains it, and whose words stand as a list at the end.

    Only running text of ``<main>`` is touched: no heading, link, chart, table head or code.

    Args:
        page: A whole page of ours, or a fragment with ``<main``; ``PLACE`` marks where the list goes.
        language: ``zh`` or ``en``.
    """
    start, end = page.find("<main"), page.rfind("</main>")
    if start < 0 or end < 0 or PLACE not in page:
        return page.replace(PLACE, "")
    made, found = _marked(page[start:end], language)
    return (page[:start] + made + page[end:]).replace(PLACE, str(_list(found, language)), 1)


def _marked(text: str, language: str) -> tuple[str, list[Term]]:
    """Return the text with each word's first mention as a button, and the words in order of mention."""
    pattern, known = _pattern(language)
    found: list[Term] = []
    open_tags: list[str] = []  # of those that are skipped

    def button(match: re.Match[str]) -> str:
        term = known[_key(match.group(), language)]
        if term in found:
            return match.group()
        found.append(term)
        return f'<button type="button" class="word" popovertarget="word-{term.key}">{match.group()}</button>'

    parts = []
    for part in _TAG.split(text):
        if part.startswith("<"):
            _follow(part, open_tags)
            parts.append(part)
        else:
            parts.append(part if open_tags else pattern.sub(button, part))
    return "".join(parts), found


def _follow(tag: str, open_tags: list[str]) -> None:
    named = _NAME.match(tag)
    if named is None or named.group(1).lower() not in _SKIPPED or tag.endswith("/>"):
        return
    name = named.group(1).lower()
    if not tag.startswith("</"):
        open_tags.append(name)
    elif name in open_tags:
        open_tags.remove(name)


@lru_cache(maxsize=2)
def _pattern(language: str) -> tuple[re.Pattern[str], dict[str, Term]]:
    """Return what finds any word, longest first, and which form is whose."""
    known = {_key(form, language): term for term in TERMS for form in term.forms(language)}
    forms = sorted(known, key=len, reverse=True)
    # a no-break space stands between numbers and words
    texts = [re.escape(str(escape(form))).replace(r"\ ", "[ \u00a0]") for form in forms]
    if language == "zh":
        return re.compile("|".join(texts)), known
    plural = "(?:s|es)?"
    return re.compile(rf"(?<![\w-])(?:{'|'.join(texts)})(?:(?<=\w){plural})?(?![\w-])", re.IGNORECASE), _Plurals(known)


class _Plurals(dict[str, Term]):
    """Words by form; a plural is its singular's."""

    def __missing__(self, form: str) -> Term:
        for ending in ("s", "es"):
            if form.endswith(ending) and form.removesuffix(ending) in self:
                return self[form.removesuffix(ending)]
        raise KeyError(form)


def _key(form: str, language: str) -> str:
    plain = form.replace("\u00a0", " ")
    return plain if language == "zh" else plain.lower()


def _list(found: list[Term], language: str) -> Markup:
    if not found:
        return Markup("")
    boxes = Markup("").join(
        Markup('<div class="box" popover id="word-{}"><dt>{}</dt><dd>{}</dd></div>').format(
            term.key, term.forms(language)[0].removeprefix("80% "), term.says(language)
        )
        for term in found
    )
    return Markup('<section class="words" aria-labelledby="words"><h2 id="words">{}</h2><dl>{}</dl></section>').format(
        word("words_title", language=language), boxes
    )
