"""Rows 7 and 8: the same template again and again, and one channel more at the same total."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analysis.touch.exam.judging import paired
from analysis.touch.exam.setting import CHAT, Setting, days_of, exam_customers, plans, run, told, touches
from analysis.touch.exam.verdicts import Verdict, verdict
from analysis.touch.outcome import Outcome

__all__ = ["channel_verdicts", "content_verdicts", "template_verdicts"]

Floats = npt.NDArray[np.float64]

_THRICE: Final = [0, 2, 4, 7, 9, 11, 14, 16, 18, 21, 23, 25]  # three times a week for four weeks
_AFTER_REST: Final = 67  # six weeks later
_BEYOND, _BELOW = 20, 4  # messages a month, on either side of the ideal point
_DAYS: Final = 90
_YANCEY: Final = "Yancey, Settles 2020 KDD"
_GODFREY: Final = "Godfrey, Seiders, Voss 2011 JM"


def content_verdicts(setting: Setting) -> list[Verdict]:
    """Return rows 7 and 8."""
    return [*template_verdicts(setting), *channel_verdicts(setting)]


def template_verdicts(setting: Setting) -> list[Verdict]:
    """Row 7: the same template three times a week decays and recovers after a rest."""
    # Wordings are in turn content and reminders, which sell alike at the central calibration; the last one is content.
    in_turn = touches(_THRICE[:-1:2], template="reminder") + touches(_THRICE[1::2])
    steps = {
        "first": touches(_THRICE[:1]),
        "all_but_last": touches(_THRICE[:-1]),
        "all_of_them": touches(_THRICE),
        "after_rest": touches([*_THRICE, _AFTER_REST]),
        "turn_but_last": touches(_THRICE[:-1:2], template="reminder") + touches(_THRICE[1:-1:2]),
        "in_turn": in_turn,
    }
    customers = exam_customers(setting.n_customers, seed=setting.seed)
    outcome = run(setting, customers, plans(steps), days=_AFTER_REST + 28)
    first = _worth(outcome, "first", less="no_touch")
    last = _worth(outcome, "all_of_them", less="all_but_last")
    rested = _worth(outcome, "after_rest", less="all_of_them")
    fresh = _worth(outcome, "in_turn", less="turn_but_last")
    share: dict[str, Any] = {"unit": "ratio", "source": _YANCEY}
    note = "added orders of one message per message delivered, against the first one"
    scale = first.mean()
    return [
        verdict(
            "7a",
            paired((last - first) / scale),
            zh="同一话术每周三次，四周后效果下降",
            en="the same template three times a week: the twelfth works less than the first",
            below=0.0,
            note=note,
            **share,
        ),
        verdict(
            "7b",
            paired((rested - last) / scale),
            zh="停六周后效果恢复",
            en="after six weeks of rest it works again",
            above=0.0,
            note=f"{note}; {rested.mean() / scale:.2f} of the first",
            **share,
        ),
        verdict(
            "7c",
            paired((fresh - last) / scale),
            zh="同样次数，换着话术说效果好些",
            en="at the same pace, wordings in turn wear less",
            above=0.0,
            note=note,
            **share,
        ),
    ]


def channel_verdicts(setting: Setting) -> list[Verdict]:
    """Row 8: one more channel at a fixed total hurts beyond the ideal point; the preferred channel softens it."""
    steps = {}
    for name, per_month in (("beyond", _BEYOND), ("below", _BELOW)):
        days = days_of(per_month, days=_DAYS)
        steps[f"{name}_one"] = touches(days)
        steps[f"{name}_two"] = touches(days[::2]) + touches(days[1::2], channel="second_chat")
    customers = exam_customers(setting.n_customers, seed=setting.seed)
    known = customers.assign(preferred_channel=CHAT["channel"])
    plain, preferred = (run(setting, table, plans(steps), days=_DAYS) for table in (customers, known))
    lost, softened = _second_channel(plain, "beyond"), _second_channel(preferred, "beyond")
    below = _second_channel(plain, "below")
    share: dict[str, Any] = {"unit": "ratio", "source": _GODFREY}
    return [
        verdict(
            "8a",
            paired(lost),
            zh="总次数不变，超过理想点后再加一个渠道，增量订单变少",
            en="beyond the ideal point one more channel at a fixed total lowers added orders",
            below=0.0,
            note=f"{_BEYOND} messages a month, against one channel; at {_BELOW} a month {below.mean():+.3f}",
            **share,
        ),
        verdict(
            "8b",
            paired(softened - lost),
            zh="其中一个是客户偏好的渠道时，损失较小",
            en="it hurts less where one of the channels is the preferred one",
            above=0.0,
            **share,
        ),
    ]


def _worth(outcome: Outcome, strategy: str, *, less: str) -> Floats:
    """Return the added orders of one message, per message delivered."""
    extra, delivered = (
        told(outcome, strategy, name) - told(outcome, less, name) for name in ("extra_orders", "delivered")
    )
    return np.asarray(extra / delivered.mean())


def _second_channel(outcome: Outcome, name: str) -> Floats:
    """Return the relative change of incremental orders when half of the messages go by a second channel."""
    nothing = told(outcome, "no_touch", "orders")
    one, two = (told(outcome, f"{name}_{n}", "orders") - nothing for n in ("one", "two"))
    return np.asarray((two - one) / one.mean())
