"""Words that claim a cause, in Chinese and English, and the contexts in which they claim none.

"The coupon caused 3 orders more" claims; "did the coupon cause them?", "had it caused them", "nothing shows that it
caused them" and "it is assumed to have caused them" do not. A word counts by its clause; a condition clears the
whole sentence. What stands in quotation marks is somebody's name or somebody else's word.
"""

import re
from typing import Final

__all__ = ["claims"]

_QUOTED: Final = re.compile(r"「[^」]*」|『[^』]*』|“[^”]*”|‘[^’]*’|《[^》]*》|\"[^\"]*\"")
_NAME: Final = "□"

_CHANGED: Final = (
    r"(?<=[\w□%] )(?<!\ba )(?<!\ban )(?<!\bthe )(?<!\bis )(?<!\bare )"
    r"\b(?:increas|decreas|reduc|improv|enhanc|lower|strengthen|weaken)(?:ed|es|s)\b"
)
_NO_OBJECT: Final = (
    r"(?= (?!(?:by|to|from|in|on|at|over|since|with|when|while|between|and|or|but|only|most|faster|slowly|"
    r"slightly|sharply|again|after|before|during|than|as|for|further|not)\b)[\w□])"
)
_CLAIMS: Final = {
    "zh": (
        r"导致|致使|造成|引起|引发|促成|促使|拉动|带动了|推动了|归功|归因于|得益于|多亏|所致|的功劳|奏效|见效了|起了作用",
        r"带来",
        r"使得|把[^，。；：]{1,16}?(?:提高|提升|拉高|拉升|降低|压低|拉低|减少|增加)",
        r"被[^，。；：]{1,10}?(?:拉高|拉升|提高|提升|压低|拉低)|(?:提高|提升|降低|减少)[^，。；：]{1,14}的是",
        r"靠[^。；：]{1,16}?(?:提高|提升|增加|减少|降低|多[买卖赚])",
        r"因为|由于",
        r"使(?![用劲命])[^，。；：]{0,24}?(?:提高|提升|上升|增加|增长|下降|降低|减少|回升|变|翻|多|少|涨|跌)",
        r"让[^，。；：]{0,24}?(?:(?:提高|提升|上升|增加|增长|下降|降低|减少|回升|翻)(?:了|\s*[\d¥$])|多买|少买)",
        # with an object: "提高了复购" claims, "复购率提高了 3 个点" does not
        r"(?:提高|提升|增加|降低|减少|拉升|拉高|拉低|压低|改善|促进|刺激)了(?=\s*[^\s\d，。；：、,.;:¥$+\-−（(<□%很许不一两几多近约超大])",
        r"(?:挽回|唤回|救回|留住|赢回|召回)了",
    ),
    "en": (
        r"\bcaus(?:ed|ing)\b|\bcauses(?= [\w□])(?! of\b)|\bcause (?=more|fewer|less|customers|people|them)",
        r"\b(?:led|leads|leading) to\b|\b(?:drove|drives?|driven by)\b",
        r"\b(?:thanks|owing) to\b|\bdue to\b(?! (?:re)?(?:order|buy|come|turn|end|expire|start|be)\b)",
        r"\bbecause\b|\bas a (?:result|consequence) of\b|\bon account of\b",
        r"\bresult(?:ed|s|ing) in\b|\battribut(?:able|ed) to\b|\bcredited to\b|\bcontributed to\b",
        r"\b(?:brought|brings)\b(?! forward)",
        r"\b(?:lifted|boosted|raised|triggered|spurred|prompted|sparked|induced|generated|prevented)\b",
        r"\b(?:lifts|boosts|raises|triggers|spurs|prevents)\b",
        r"\b(?:was|were|been) (?:increased|reduced|improved|lowered) by (?![\d¥$€£])",
        r"\bhelped \w+ (?:to )?(?:grow|rise|fall|buy|order|stay|return)\b|\bgave us\b|\b(?:added|saved) (?=[\d¥$€£])",
        r"\b(?:makes|made|earns|earned) (?=[¥$€£])",
        r"\bwon\b[^,;:]{0,30}?\bback\b|\bit worked\b",
        r"\bmade \w+(?: \w+)? (?:buy|order|come|spend|stay|leave|return)\b",
        # with an object: "increased spend by 3" claims, "spend increased by 3" does not
        _CHANGED + _NO_OBJECT,
    ),
}
_CLAIM: Final = {
    language: re.compile("|".join(f"(?:{each})" for each in found), re.IGNORECASE)
    for language, found in _CLAIMS.items()
}

_CLAUSE_ENDS: Final = {
    "zh": re.compile(r"[，,；;：:。（）()？?！!]|——"),
    "en": re.compile(r"[,;:()—?!]|\.\s|\bbut\b"),
}
_QUESTION: Final = {
    "zh": re.compile(
        r"[？?]\s*$|是否|有没有|会不会|能不能|是不是|到底|为什么|(?:看|知道|弄清|查)[^，。；]{0,14}(?:多少|谁|哪)|吗$"
    ),
    "en": re.compile(
        r"\?\s*$|\bwhether\b|\bwhy\b|\b(?:see|learn|find|know|tell) (?:out )?(?:whom|what|how|which)\b", re.IGNORECASE
    ),
}
_CONDITION: Final = {
    "zh": re.compile(r"如果|若(?!干)|要是|假如|倘若|一旦|除非|万一|的话|按假设|假设下"),
    "en": re.compile(
        r"\bif\b|\bunless\b|\bsuppose\b|\bprovided that\b|\bhad (?:it|they|we|customers|the)\b|\bwere (?:it|they)\b|"
        r"\bas assumed\b|\bassuming\b",
        re.IGNORECASE,
    ),
}
_HEDGE: Final = {
    "zh": re.compile(
        r"预计|预测|预期|可能|也许|或许|假设|假定|设想|模拟|据说|号称|声称|说法|先验|理论上|为了|目标|希望|期望|打算"
    ),
    "en": re.compile(
        r"\b(?:would|could|might|may|should|expect\w*|forecasts?|predict\w*|project(?:ed|s)|simulat\w+|assum\w+|"
        r"hypothe\w+|suppos\w+|claim(?:s|ed)?|priors?|hoped?|perhaps|probably|likely|said to|intended|aims? to)\b",
        re.IGNORECASE,
    ),
}
_NOT_ONLY: Final = {
    "zh": re.compile(r"不(?:仅|但|只|断|少|久|同|过|止|论|管|满|错)|没想到|无论|未来"),
    "en": re.compile(r"\bnot (?:only|just|merely|least)\b|\bno (?:doubt|wonder)\b", re.IGNORECASE),
}
# the negation that is nearest before the word: at most some characters, or six words, away
_NEGATION: Final = {
    "zh": re.compile(r"(?:不|没|未|无|非|别|勿|难以)[^，。；：]{0,10}$"),
    "en": re.compile(
        r"\b(?:not|no|never|neither|nor|none|nothing|nobody|without|cannot|hardly|rather than|instead of|\w+n['’]t)\b"
        r"(?:\W+\w+){0,6}\W*$",
        re.IGNORECASE,
    ),
}
_NOTHING: Final = {
    "zh": re.compile(r"^\s*(?:不了|的?[^，。；：]{0,8}(?:没有|还未|尚未|不能)|什么了?吗)"),
    "en": re.compile(r"^\W*(?:no|nothing|neither|none)\b", re.IGNORECASE),
}
_REASON: Final = re.compile(r"因为|由于|所致|due to|owing to|because|on account of", re.IGNORECASE)
# a reason for what can be known claims nothing about customers
_OF_KNOWING: Final = {
    "zh": re.compile(
        r"数据|样本|记录|历史|区间|人数|太少|太短|太小|不足|不够|缺|口径|算法|随机|模型|窗口|不知|未知|看不|没有表|检验|"
        r"运气|分组|名单|估计|误差"
    ),
    "en": re.compile(
        r"\b(?:data|samples?|records?|history|interval\w*|few|small|short|unknown|missing|models?|windows?|luck|rounding|"
        r"random\w*|assign\w*|known|measured|tests?|error\w*|estimat\w+|list|column|table)\b",
        re.IGNORECASE,
    ),
}


def claims(sentence: str, *, language: str) -> list[str]:
    """Return the words of a sentence that claim a cause.

    Args:
        sentence: One sentence as readers see it.
        language: ``zh`` or ``en``.

    Examples:
        >>> claims("The coupon led to 3 more orders", language="en")
        ['led to']
        >>> claims("Nothing shows that the coupon led to them", language="en")
        []
        >>> claims("发券使复购率提高了 3 个百分点", language="zh")
        ['使复购率提高']
    """
    text = _QUOTED.sub(_NAME, sentence)
    if _QUESTION[language].search(text) or _CONDITION[language].search(text):
        return []
    return [found.group().strip() for found in _CLAIM[language].finditer(text) if _stands(found, text, language)]


def _stands(found: "re.Match[str]", text: str, language: str) -> bool:
    """Return whether a causal word claims something where it stands."""
    before, after = _clause(found, text, language)
    meant = _NOT_ONLY[language].sub(_NAME, before)
    if _NEGATION[language].search(meant) or _NOTHING[language].search(after):
        return False
    if _HEDGE[language].search(before) or _HEDGE[language].search(after):
        return False
    return not (_REASON.fullmatch(found.group()) and _OF_KNOWING[language].search(before + after))


def _clause(found: "re.Match[str]", text: str, language: str) -> tuple[str, str]:
    """Return what stands before and after the word in its clause."""
    ends = [end.span() for end in _CLAUSE_ENDS[language].finditer(text)]
    start = max((stop for _, stop in ends if stop <= found.start()), default=0)
    stop = min((begin for begin, _ in ends if begin >= found.end()), default=len(text))
    return text[start : found.start()], text[found.end() : stop]
