"""The page's own words, in both languages: everything that no author of a notebook writes."""

from typing import Final

from analysis.errors import AnalysisError
from analysis.numerals import LANGUAGES

__all__ = ["LANGUAGE_NAMES", "LANGUAGE_TAGS", "WORDS", "word"]

LANGUAGE_TAGS: Final = {"zh": "zh-CN", "en": "en"}
LANGUAGE_NAMES: Final = {"zh": "中文", "en": "English"}

WORDS: Final[dict[str, tuple[str, str]]] = {
    # the page
    "skip": ("跳到正文", "Skip to the text"),
    "data_up_to": ("数据截至", "Data up to"),
    "back": ("返回总览", "Back to the overview"),
    "contents": ("目录", "Contents"),
    "headline": ("核心数字", "Headline numbers"),
    "other_pages": ("其他报告", "Other reports"),
    "how_made": ("这一页怎么来的", "How this page was made"),
    "method": ("方法与限度", "Method and limits"),
    "how": ("怎么算的", "How it was done"),
    "notes": ("说明", "Notes"),
    "overview": ("总览", "Overview"),
    # blocks
    "decision": ("本期该做什么", "What to do now"),
    "more_decisions": ("其他可做的事，先看证据再看价值", "What else to do, by evidence and worth"),
    "mind": ("什么会改变我们的判断", "What would change our mind"),
    "chart_data": ("图中数据", "The data in the chart"),
    "quality": ("数据状况", "State of the data"),
    "changes": ("和上一期相比，什么变了", "What changed since the last run"),
    "swipe": ("左右滑动看其余各列", "Swipe sideways for the other columns"),
    "counted": ("计数，没有区间", "counted, no interval"),
    "measured_value": ("实测，没有区间", "measured, no interval"),
    "no_interval": ("没有区间", "no interval"),
    "noise": ("在正常波动内", "within normal variation"),
    "better": ("变好", "better"),
    "worse": ("变差", "worse"),
    "since": ("较上一期", "since the last run"),
    "first_run": ("首次运行，没有对比", "first run, nothing to compare"),
    "missing": ("缺少数据表", "Missing table"),
    "missing_why": ("没有这张表，这一部分暂时答不了。", "Without this table this part cannot be answered yet."),
    "missing_what": (
        "把它放进数据文件夹，或在参数簿的 data.tables 里写明它对应哪个文件。",
        "Add it to the data folder, or name its file under data.tables in the book.",
    ),
    "warnings": ("读之前请留意 {n} 点", "{n} things to know before reading"),
    "warning": ("注意", "Note"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "grade": ("证据", "Evidence"),
    "below": ("少于 {n}", "fewer than {n}"),
    "hidden": ("少于 {n} 人的格子不显示", "Groups of fewer than {n} customers are not shown"),
    "nothing": ("这一页没有内容。", "There is nothing on this page."),
    "sort": ("排序", "Sort"),
    "find": ("筛选", "Filter"),
    "series": ("显示哪些", "What is shown"),
    "output": ("输出", "Output"),
    "picture": ("图", "Picture"),
    "at_most": ("{what}至多", "{what}, at most"),
    "no_limit": ("不限", "no limit"),
    "all_choices": ("全部选择的数字", "All choices in numbers"),
    "explorer_says": (
        "预计{what} {amount}（{interval}）；{used}；{grade}。",
        "{what} {amount} ({interval}) expected; {used}; {grade}.",
    ),
    "explorer_free": ("这些限制没有起作用。", "The limits change nothing."),
    "explorer_less": ("比不受限时少 {amount}。", "That is {amount} less than without limits."),
    "explorer_none": ("没有选择满足这些限制", "No choice fits these limits"),
    "explorer_widen": ("请放宽其中一项。", "Widen one of them."),
    "words_title": ("这一页的词", "Words on this page"),
    "ask": ("有疑问，找", "Questions: ask"),
    "data_ok": ("数据可用", "Data in order"),
    "data_warn": ("数据有疑点", "Data in doubt"),
    "data_fail": ("数据没有查成", "Data not checked"),
    "rows_used": ("{rows}用上了 {share}", "{share} of {rows} used"),
    "orders_up_to": ("订单到 {day}", "orders up to {day}"),
    "tables_doubtful": ("{n} 张表有疑点", "tables to look at: {n}"),
    "data_page": ("看数据", "See the data"),
    "since_day": ("和上一期（{day}）相比", "Since the last run ({day})"),
    "data": ("数据", "Data"),
    "rows_more": ("多了 {rows}", "{rows} more"),
    "rows_fewer": ("少了 {rows}", "{rows} fewer"),
    "numbers": ("数字", "Numbers"),
    "others_still": ("其余 {n} 个在正常波动内", "the other {n} are within normal variation"),
    "all_still": ("{n} 个核心数字都在正常波动内", "all {n} headline numbers are within normal variation"),
    "nothing_changed": ("没有变化", "nothing changed"),
    "program": ("程序", "Program"),
    "program_changed": (
        "笔记本、参数文件或程序改过，数字的变化可能由此而来",
        "notebooks, parameter files or the program changed, and numbers may have moved for that reason",
    ),
    # footer
    "run": ("运行", "Run"),
    "book": ("参数簿", "Book"),
    "parameters": ("参数", "Parameters"),
    "defaults": ("全部取默认值", "all defaults"),
    "seed": ("种子", "seed"),
    "window": ("数据窗口", "Data window"),
    "to": ("至", "to"),
    "digest": ("指纹", "digest"),
    "versions": ("版本", "Versions"),
    "definitions": ("口径", "Definitions"),
    "money_in": ("金额单位 {currency}，扣除退款", "Money in {currency}, net of refunds"),
    "days_in": ("日期按 {timezone} 计，含当天", "Days of {timezone}, inclusive"),
    "grades": ("证据等级", "Evidence grades"),
    "grades_say": (
        "A 随机对照；B 准实验；C 观察；D 先验或宣称。只有 A、B 可以说「带来」",
        "A randomised; B quasi-experimental; C observational; D prior or claim. Only A and B may say “caused”",
    ),
    "again": ("重现这一页", "To reproduce this page"),
    # states of pages and runs
    "ok": ("通过", "passed"),
    "failed": ("失败", "failed"),
    "no_data": ("缺数据", "no data"),
    "failed_title": ("这一页没有算出来", "This page could not be computed"),
    "failed_what": ("出了什么事", "What happened"),
    "failed_where": ("在哪里", "Where"),
    "failed_do": ("怎么办", "What to do"),
    "failed_cell": ("第 {n} 个单元格", "cell {n}"),
    "original": ("英文原文：", "In the original:"),
    "failed_safe": (
        "上一期的数字没有放到这里来，免得被当成这一期的。",
        "Numbers of earlier runs are not shown here, so that nobody takes them for this one's.",
    ),
    "failed_remedy": (
        "请负责数据的同事看执行后的笔记本；其他页面不受影响。",
        "Ask whoever looks after the data to open the executed notebook; the other pages are not affected.",
    ),
    "runs_title": ("全部报告", "All reports"),
    "runs_caption": (
        "每个参数簿一节，每次运行一行，最近的在前",
        "One section per book, one line per run, newest first",
    ),
    "runs_of": ("{book}的历次运行", "Runs of {book}"),
    "newest_failed": (
        "最近一次有页面失败，下面是上一次通过的",
        "The newest run has failed pages; below is the last that passed",
    ),
    "runs_none": ("还没有报告。", "There are no reports yet."),
    "report": ("报告", "Report"),
    "state": ("状态", "State"),
    "answer": ("结论", "Answer"),
    "latest": ("最新", "latest"),
    "pages_failed": ("{n} 页失败", "{n} failed"),
}


def word(key: str, *, language: str, **parts: str | int) -> str:
    """Return a word of the page; ``{name}`` in it is replaced by ``parts``.

    Raises:
        AnalysisError: If there is no such word.
    """
    if key not in WORDS:
        raise AnalysisError(f"The page has no word '{key}'.")
    text = WORDS[key][LANGUAGES.index(language)]
    for name, value in parts.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
