"""What the incrementality page shows of campaigns without a random control: the naive figure and what is left of it."""

import math
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from analysis.evidence import Estimate, Grade, worded, words
from analysis.experiment.verdict import chance
from analysis.numerals import format_date
from analysis.params import IncrementalityParams

_RESULTS: Final = {"naive": "naive", "before": "before", "change": "diff_in_diff", "placebo": "placebo"}


def observational_page(
    observational_effects: pd.DataFrame,
    incrementality_params: IncrementalityParams,
    experiment_list: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """The words on campaigns that nobody randomised.

    Keys: ``shown`` (whether there are any), ``instead`` (whether they are all there is to read), ``values``,
    ``answer``, ``decision``, ``claim``, ``notes`` and ``mind`` (lists), ``method``.
    """
    if observational_effects.empty:
        return {"shown": False, "instead": False}
    row = observational_effects.iloc[0]
    values = _values(row, gap=incrementality_params.selection_days)
    named = experiment_list is not None and len(experiment_list) > 0
    return {
        "shown": True,
        "instead": not named and incrementality_params.table is None,
        "values": {name: v.as_result() if isinstance(v, Estimate) else v for name, v in values.items()},
        "answer": _answer(row),
        "claim": _sided(_CLAIM if row["naive"] * row["before"] >= 0 else _CLAIM_TURNED, row),
        "notes": _notes(row, gap=incrementality_params.selection_days),
        "decision": _DECISION,
        "mind": _MIND,
        "method": _METHOD,
    }


def _values(row: Any, *, gap: int) -> dict[str, Estimate | dict[str, str] | str]:
    first = pd.Timestamp(row["before_on"])
    last = first + pd.Timedelta(days=int(row["days"]) - 1)
    dates = {
        name: {language: format_date(day.date(), language=language) for language in ("zh", "en")}
        for name, day in (("before_from", first), ("before_until", last))
    }
    return {
        **dates,
        "campaign": _name(row),
        "naive": _estimate(row, "naive"),
        "naive_letter": str(row["naive_grade"]),
        "change_letter": str(row["change_grade"]),
        "naive_size": _size(_estimate(row, "naive")),
        "before": _estimate(row, "before"),
        "before_size": _size(_estimate(row, "before")),
        "change": _estimate(row, "change"),
        "placebo": _estimate(row, "placebo"),
        "parallel": chance(float(row["parallel_pvalue"])),
        "days": Estimate(int(row["days"]), "days"),
        "gap": Estimate(gap, "days"),
        "n_earlier": Estimate(int(row["n_earlier"]), "count"),
        "n_targeted": Estimate(int(row["n_targeted"]), "customers"),
        "n_untargeted": Estimate(int(row["n_untargeted"]), "customers"),
    }


def _answer(row: Any) -> dict[str, str]:
    grade = Grade(row["change_grade"])
    said = _UNTOLD
    if words(grade).causal:
        said = worded(_CHANGED, grade=grade) if _beyond_zero(row) else _UNCHANGED
    detail = _sided(_DETAIL, row)
    return {**said, "detail_zh": detail["zh"], "detail_en": detail["en"]}


def _notes(row: Any, *, gap: int) -> list[dict[str, str]]:
    """Return what the figures are and what may be said of them: as much as the grade allows."""
    grade = Grade(row["change_grade"])
    last = worded(_SO if words(grade).causal else _SO_ONLY, grade=grade)
    if words(grade).causal and not _beyond_zero(row):
        last = _UNCHANGED
    check = _CHECK if row["n_earlier"] else {"zh": "", "en": ""}
    graded = {
        language: check[language]
        + _GRADE[language].replace("<reason>", str(row[f"reason_{language}"]))
        + last[language]
        for language in ("zh", "en")
    }
    windows = {language: _PAST[language] + (_LEFT_OUT if gap else _RIGHT_BEFORE)[language] for language in ("zh", "en")}
    return [windows, graded]


def _beyond_zero(row: Any) -> bool:
    return bool(row["change_ci_lower"] > 0 or row["change_ci_upper"] < 0)


def _sided(text: dict[str, str], row: Any) -> dict[str, str]:
    """Return a text with its ``<naive>`` and ``<before>`` as more or less, as the numbers have it."""
    sides = {"zh": ("多花", "少花"), "en": ("more", "less")}
    return {
        language: template.replace("<naive>", sides[language][int(row["naive"] < 0)]).replace(
            "<before>", sides[language][int(row["before"] < 0)]
        )
        for language, template in text.items()
    }


_CLAIM: Final = {
    "zh": "收到「{campaign}」的客户<naive> {naive_size}，可活动之前他们已经<before> {before_size}",
    "en": "Those on the list of “{campaign}” spent {naive_size} <naive>, but {before_size} <before> already before it",
}
_CLAIM_TURNED: Final = {
    "zh": "收到「{campaign}」的客户<naive> {naive_size}，活动之前他们<before> {before_size}",
    "en": "Those on the list of “{campaign}” spent {naive_size} <naive>, and {before_size} <before> before it",
}
_UNTOLD: Final = {
    "zh": "没有随机对照：说不清「{campaign}」有没有用",
    "en": "Without a random control it cannot be told whether “{campaign}” worked",
}
_CHANGED: Final = {
    "zh": "「{campaign}」<verb>人均消费 {change} 的变化",
    "en": "“{campaign}” <verb> a change of {change} in spend a head",
}
_UNCHANGED: Final = {
    "zh": "看不出「{campaign}」改变了消费。",
    "en": "No change of spend by “{campaign}” can be seen.",
}
_DETAIL: Final = {
    "zh": "收到的人<naive> {naive:full}，但名单是挑出来的：活动之前他们已经<before> {before:full}。"
    "减去各自之前的差，剩 {change:full}。",
    "en": "Those on the list spent {naive:full} <naive>, but the list was picked: before the campaign they spent "
    "{before:full} <before> already. Less the difference before, {change:full} is left.",
}
_PAST: Final = {
    "zh": "直接相减只说明挑了谁（证据 {naive_letter}）。"
    "再拿各自在 {before_from}–{before_until}（同样 {days}）的消费来扣：",
    "en": "The plain difference tells who was picked (evidence {naive_letter}). From it goes what each spent from "
    "{before_from} to {before_until}, as many days ({days}); ",
}
_LEFT_OUT: Final = {
    "zh": "活动前 {gap}的购买可能正是挑名单的依据，不算在内。",
    "en": "purchases of the {gap} before the campaign may be what the list was picked by and are left out.",
}
_RIGHT_BEFORE: Final = {
    "zh": "就是活动前紧挨着的那一段。",
    "en": "that is the time right before the campaign.",
}
_CHECK: Final = {
    "zh": "检查：要是活动之前两边走势一致，再往前 {n_earlier} 个窗口里像这样的变动，出现的机会是 {parallel}；"
    "最近一次变动是 {placebo:full}。",
    "en": "Check: had both sides moved alike before, moves like those of the {n_earlier} windows further back would "
    "come with probability {parallel}; the latest was {placebo:full}. ",
}
_GRADE: Final = {
    "zh": "减去之前的差是 {change:full}，证据 {change_letter}：<reason>。",
    "en": "Less the difference before: {change:full} (evidence {change_letter}), as <reason>. ",
}
_SO: Final = {
    "zh": "所以可以说：「{campaign}」<verb>人均消费 {change} 的变化。",
    "en": "So it may be said: “{campaign}” <verb> a change of {change} in spend a head.",
}
_SO_ONLY: Final = {
    "zh": "所以只能说：收到「{campaign}」<verb>人均消费 {change} 的变化。",
    "en": "So all that may be said: being on the list of “{campaign}” <verb> a change of {change} in spend a head.",
}
_DECISION: Final = {
    "zh": "下一场先抽签留出一部分不发",
    "en": "Draw a part at random to leave out of the next campaign",
    "why": {
        "zh": "收到与没收到的人本来就不一样；抽签留出的人和其余的人一样，差别才能算在活动头上。",
        "en": "Those on a list differ from the others to begin with. A part drawn at random does not: then a "
        "difference may be put down to the campaign.",
    },
}
_MIND: Final = [
    ["抽签留出一部分再发一次，量出别的数。", "A round with a part left out at random that measures something else."],
    ["知道名单是怎么挑的，而且与购买无关。", "News of how the list was picked, if purchases had no part in it."],
    ["同一段时间里，还有别的活动只发给其中一边。", "Another campaign that went to one of the two sides at that time."],
]
_METHOD: Final = {
    "zh": "**没有随机对照的活动**：发过触达、不在实验分组里、已经结束的活动，取人数最多的至多六场。"
    "直接相减用全部买过的客户；减去之前的差（双重差分）只用最早的窗口以前就买过的客户，每人一个变化，区间按客户聚类（Welch）。窗口都与活动一样长。"
    "活动前 selection_days 天不算：名单可能就是按那时的购买挑的，刚好买过的人随后总会少买一些。"
    "三条都满足才算证据 B，否则是 C：往前至多三个窗口的差都没有变（p > 0.1）；按差额算与按比例算相差不到一个标准误"
    "（大促时常买的人本来就会多买更多）；挑名单的日子留在外面。"
    "区间里只有运气，没有「走势其实不同」的风险；检查没看出不同，也不等于相同。同时进行的其他活动没有分开。",
    "en": "**Campaigns without a random control**: those with touches, not among the experiments, and over; the six "
    "largest at most. The plain difference takes all customers who ever bought. The difference less the past "
    "(difference-in-differences) takes those who had bought before the earliest window, one change each, so that "
    "errors are clustered by customer (Welch). All windows are as long as the campaign. The selection_days before it "
    "are left out: the list may have been picked by purchases of that time, and who has just bought tends to buy less "
    "next. Evidence is B only if the difference stood still over up to three earlier windows (p > 0.1), if reckoning "
    "by shares instead of amounts moves it by less than a standard error (in a sale frequent buyers gain more than "
    "others, campaign or not), and if the days of selection are left out; else C. Intervals hold luck only, not the "
    "risk that the sides would have parted; a check "
    "that sees no parting proves none. Other campaigns of the same days are not told apart.",
}


def observational_forest(observational_effects: pd.DataFrame) -> pd.DataFrame:
    """Two rows per campaign: the naive difference and what is left of it, with interval and grade; for the picture."""
    rows = []
    for row in observational_effects.to_dict("records"):
        for part, zh, en in (("naive", "直接相减", "plain difference"), ("change", "减去之前的差", "less the past")):
            ends = {f"effect_money{end}": row[f"{part}{end}"] for end in ("", "_ci_lower", "_ci_upper")}
            told = {"way_zh": f"{_name(row)}　{zh}", "way_en": f"{_name(row)}, {en}", "n_targeted": row["n_targeted"]}
            rows.append({**told, **ends, "confidence_level": row["confidence_level"], "grade": row[f"{part}_grade"]})
    return pd.DataFrame(rows, columns=[
        "way_zh", "way_en", "n_targeted", "effect_money", "effect_money_ci_lower", "effect_money_ci_upper",
        "confidence_level", "grade",
    ])  # fmt: skip


def observational_table(observational_effects: pd.DataFrame) -> pd.DataFrame:
    """One row per campaign: name, customers on the list, naive difference, what is left, the check, and its grade."""
    renamed = {"naive": "targeted_more", "change": "targeted_change", "placebo": "targeted_check"}
    table = observational_effects.assign(
        campaign_name=[_name(row) for row in observational_effects.to_dict("records")],
        grade=observational_effects["change_grade"],
        before_on=pd.to_datetime(observational_effects["before_on"]).dt.strftime("%Y-%m-%d"),
    )
    shown = [f"{part}{end}" for part in renamed for end in ("", "_ci_lower", "_ci_upper")]
    named: pd.DataFrame = table[["campaign_name", "n_targeted", *shown, "grade", "before_on", "confidence_level"]]
    return named.rename(columns={column: _renamed(column, renamed) for column in shown})


def observational_results(observational_effects: pd.DataFrame) -> dict[str, Any]:
    """Every number by ``spend.<campaign>.<naive, before, diff_in_diff or placebo>``."""
    return {
        f"spend.{row['campaign_id']}.{name}": _estimate(row, part)
        for row in observational_effects.to_dict("records")
        for part, name in _RESULTS.items()
    }


def _renamed(column: str, names: dict[str, str]) -> str:
    stem = next(stem for stem in names if column.startswith(stem))
    return names[stem] + column.removeprefix(stem)


def _name(row: Any) -> str:
    name, key = str(row["name"]), str(row["campaign_id"])
    return name if name == key else f"{key} {name}"


def _estimate(row: Any, part: str) -> Estimate:
    grade = Grade(row["change_grade"] if part == "change" else row["naive_grade"])
    value, lower, upper = (float(row[f"{part}{end}"]) for end in ("", "_ci_lower", "_ci_upper"))
    n = int(row["n_targeted"] + row["n_untargeted"])
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return Estimate(value, "money", grade=grade, n=n)
    return Estimate(value, "money", lower, upper, float(row["confidence_level"]), grade, n)


def _size(estimate: Estimate) -> Estimate:
    """Return a difference without its sign, for sentences that say which way it goes."""
    if estimate.value is None or estimate.value >= 0 or estimate.ci_lower is None or estimate.ci_upper is None:
        return estimate
    return replace(estimate, value=-estimate.value, ci_lower=-estimate.ci_upper, ci_upper=-estimate.ci_lower)
