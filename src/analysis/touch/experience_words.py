"""What the page says its effect sizes rest on: the brand's own experiments, or priors; numbers are left to the page."""

from typing import Final

__all__ = ["LEARNED", "experience_note", "rests_on"]

Label = dict[str, str]

LEARNED: Final = "learned"


def rests_on(state: str) -> Label:
    """Return the sentence that says where effect sizes come from.

    Args:
        state: ``learned``, or why nothing was: ``none``, ``later`` or ``nothing``.
    """
    return _RESTS[state == LEARNED]


_RESTS: Final[dict[bool, Label]] = {
    True: {
        "zh": "效果大小学自本店 {n_experiments:bare} 次实验（截至 {learned_until}），其余是先验（证据 D）。",
        "en": "Effect sizes are learnt from {n_experiments:bare} experiments up to {learned_until}; the rest are "
        "priors (grade D).",
    },
    False: {
        "zh": "效果大小都是先验（证据 D），没有学到本店的实验。",
        "en": "Effect sizes are priors (grade D): nothing is learnt from this shop's experiments yet.",
    },
}


def experience_note(state: str, *, moved: bool, depth_assumed: bool) -> Label:
    """Return what is said of the brand's own experiments beneath the assumptions.

    Args:
        state: ``none`` (no earlier run kept any), ``later`` (the one before is of a later day), ``nothing`` (it found
            none to learn from) or ``learned``.
        moved: Whether an assumption was narrowed by them.
        depth_assumed: Whether the depth of an offer was not known.
    """
    note = dict(_EXPERIENCE[state])
    if depth_assumed:
        note["zh"] += "实验里的优惠有多大，数据里没有，按 15% 算。"
        note["en"] += " How deep an experiment's offer was is not in the data; 15% is taken."
    if state == LEARNED and not moved:
        note["zh"] += "这些实验误差太大，没有明显收窄任何一条假设。"
        note["en"] += " They are too blunt to narrow any assumption visibly."
    return note


_EXPERIENCE: Final[dict[str, Label]] = {
    "none": {
        "zh": "上一次运行没有留下实验的结果，效果大小都是先验。账本里加上「增量效果」页，下一次运行就会学到。",
        "en": "No earlier run has kept what experiments showed, so all effect sizes are priors. With the "
        "incrementality page in the book the next run learns from them.",
    },
    "later": {
        "zh": "上一次运行的日期比这一次晚，它学到的不用：不能看到以后的事。效果大小都是先验。",
        "en": "The run before is of a later day; what it learnt is not used, since that was not known yet. All effect "
        "sizes are priors.",
    },
    "nothing": {
        "zh": "上一次运行没有找到能学的实验，效果大小都是先验。",
        "en": "The run before found no experiment to learn from, so all effect sizes are priors.",
    },
    "learned": {
        "zh": "学自 {n_experiments:bare} 次实验，截至 {learned_until}：{experiments}。做法：从先验里抽出许多可能的"
        "情况，模拟各自会让实验显示什么，留下与实测相近的。"
        "其余假设仍是先验（证据 D）。",
        "en": "Learnt from {n_experiments:bare} experiments up to {learned_until}: {experiments}. Worlds drawn from "
        "the priors are asked what each experiment would have shown; those near to what was measured stay. "
        "All other assumptions are priors (grade D).",
    },
}
