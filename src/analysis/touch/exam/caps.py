"""Row 12: no customer receives more in a month than the cap in force; the earlier rule lowers sends and deletions."""

from typing import Final

import numpy as np

from analysis.touch.exam.judging import Interval, paired
from analysis.touch.exam.setting import AS_OF, Setting, exam_customers, plans, run, told, touches
from analysis.touch.exam.verdicts import Verdict, verdict
from analysis.touch.money import entry
from analysis.touch.policies import CapRule, caps_in_force, load_policies

__all__ = ["cap_verdicts"]

_RULES: Final = "params/policies/wecom.yaml"
_WATCHED: Final = 12  # customers whose every month is counted: one per segment
_MONTH_ENDS: Final = (31, 62, 92)  # of July, August and September 2026
_OURS: Final = "ours; WeCom developer documentation 92135 (2025-11-17), earlier SDK documentation"


def cap_verdicts(setting: Setting) -> list[Verdict]:
    """Row 12: caps hold for every customer and month; four a month instead of daily lowers sends and deletions."""
    rules = load_policies(_RULES)
    in_force = caps_in_force(rules, on=AS_OF, mode="month_days")
    four = tuple(r.model_copy(update={"valid_until": None}) for r in rules if r.name == "wecom_four_a_month")
    most = {name: _most_in_a_month(setting, caps=caps) for name, caps in (("now", in_force), ("four", four))}
    customers = exam_customers(setting.n_customers, seed=setting.seed)
    often = plans({"often": touches(range(0, _MONTH_ENDS[-1], 2))})
    now, before = (run(setting, customers, often, days=_MONTH_ENDS[-1], caps=caps) for caps in (in_force, four))
    sends, gone = (
        paired((told(before, "often", name) - told(now, "often", name)) / len(customers))
        for name in ("delivered", "deletions")
    )
    return [
        verdict(
            "12a",
            Interval(most["now"], most["now"], most["now"]),
            zh="单个客户单月送达次数超出上限的最大值",
            en="most messages above the cap in force, over every customer and month",
            below=0.0,
            judged="number",
            unit="touches",
            source=_OURS,
            note=f"two messages a day wished; under four a month the most was {most['four']:+.0f} above the cap",
        ),
        verdict(
            "12b",
            sends,
            zh="按旧规每月 4 次，送达变少",
            en="under the earlier four a month fewer messages arrive",
            below=0.0,
            unit="touches",
            source=_OURS,
            note="per customer in three months, every second day wished",
        ),
        verdict(
            "12c",
            gone,
            zh="按旧规每月 4 次，删除变少",
            en="under the earlier four a month fewer contacts are deleted",
            below=0.0,
            unit="share",
            source=_OURS,
        ),
    ]


def _most_in_a_month(setting: Setting, *, caps: tuple[CapRule, ...]) -> float:
    """Return the most that any watched customer received in a month above the monthly cap, over all replicates."""
    customers = exam_customers(_WATCHED, seed=setting.seed)
    customers["who"] = customers["customer_id"]
    twice_a_day = touches(range(_MONTH_ENDS[-1])) + touches(range(_MONTH_ENDS[-1]), channel="group", template="service")
    outcome = run(
        setting,
        customers,
        plans({"often": twice_a_day}),
        days=_MONTH_ENDS[-1],
        checkpoints=_MONTH_ENDS[:-1],
        caps=caps,
        segment_by="who",
    )
    delivered = outcome.by_segment[:, outcome.strategies.index("often"), :, :, entry("delivered")]
    by_month = np.diff(delivered, axis=1, prepend=0.0)
    monthly = next(rule for rule in caps if rule.window == "calendar_month")
    allowed = np.array([31, 31, 30]) if monthly.limit == "days_in_month" else np.full(3, float(monthly.limit))
    return float((by_month - allowed[None, :, None]).max())
