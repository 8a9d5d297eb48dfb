"""Rows 9 and 10: customers whom another customer brought, and customers who were won back."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analysis.touch.exam.judging import paired, ratio
from analysis.touch.exam.setting import Setting, exam_customers, plans, run, told, touches
from analysis.touch.exam.verdicts import Verdict, verdict
from analysis.touch.money import entry
from analysis.touch.outcome import Outcome

__all__ = ["referral_verdicts", "relation_verdicts", "win_back_verdicts"]

Floats = npt.NDArray[np.float64]

_YEAR: Final = 365
_SCHMITT: Final = "Van den Bulte et al. 2018 JMR; Schmitt, Skiera, Van den Bulte 2011 JM: at least 16 % more valuable"
_KUMAR: Final = "Kumar, Bhagwat, Zhang 2015 JM"
_WIN_BACK_DAYS: Final = (0, 21, 42)


def relation_verdicts(setting: Setting) -> list[Verdict]:
    """Return rows 9 and 10."""
    return [*referral_verdicts(setting), *win_back_verdicts(setting)]


def referral_verdicts(setting: Setting) -> list[Verdict]:
    """Row 9: referred customers stay longer, but only while the one who referred them stays."""
    alone, stays, left = (_referred(setting, referrer=kind) for kind in ("none", "stays", "left"))
    gone = {name: _of_referred(o, "lapsed") for name, o in (("alone", alone), ("stays", stays), ("left", left))}
    margin = [_of_referred(outcome, "margin") for outcome in (stays, alone)]
    worth = ratio(margin[0] - margin[1], margin[1])
    n = setting.n_customers // 2
    share: dict[str, Any] = {"unit": "share", "source": _SCHMITT}
    return [
        verdict(
            "9a",
            paired((gone["stays"] - gone["alone"]) / n),
            zh="介绍人还在时，被介绍的客户流失较少",
            en="referred customers leave less while the referrer stays",
            below=0.0,
            note=f"gone within a year, against the same customers not referred; margin of the year {worth.value:+.1%}",
            **share,
        ),
        verdict(
            "9b",
            paired((gone["left"] - gone["stays"]) / n),
            zh="介绍人走了，这个好处就没有了",
            en="once the referrer has left they leave more",
            above=0.0,
            note=f"against customers not referred {(gone['left'] - gone['alone']).mean() / n:+.4f}",
            **share,
        ),
    ]


def win_back_verdicts(setting: Setting) -> list[Verdict]:
    """Row 10: a win-back bundle brings most customers back, with the least value in their second life."""
    on = [*_WIN_BACK_DAYS]
    steps = {
        "reminder": touches(on, template="reminder"),
        "discount": touches(on, template="promotion", offer={"discount_share": 0.2, "valid_days": 14}),
        "bundle": touches(on, template="promotion", offer={"discount_share": 0.4, "valid_days": 14})
        + touches([day + 3 for day in on], template="service"),
    }
    # All had left before the first day: whoever orders was won back.
    customers = exam_customers(setting.n_customers, seed=setting.seed, p_alive=1e-6)
    outcome = run(setting, customers, plans(steps), days=_YEAR)
    back = {name: told(outcome, name, "won_back") for name in steps}
    rivals = ("reminder", "discount")
    fewest = min((paired((back["bundle"] - back[r]) / len(customers)) for r in rivals), key=lambda i: i.lower)
    lives = {name: _second_life(outcome, name) for name in steps}
    nearest = max((paired(lives["bundle"] - lives[r]) for r in rivals), key=lambda i: i.upper)
    shown = ", ".join(
        f"{name} {back[name].mean() / len(customers):.1%} back, {lives[name].mean():.0f} yuan" for name in steps
    )
    return [
        verdict(
            "10a",
            fewest,
            zh="组合挽回带回的客户最多",
            en="a bundle wins most customers back",
            above=0.0,
            unit="share",
            source=_KUMAR,
            note=f"against the next best; {shown}",
        ),
        verdict(
            "10b",
            nearest,
            zh="组合挽回来的客户，第二段生命的价值最低",
            en="customers won back by a bundle have the least second-life value",
            below=0.0,
            unit="money",
            source=_KUMAR,
            note="margin of the year after coupons, per customer won back, against the next lowest",
        ),
    ]


def _referred(setting: Setting, *, referrer: str) -> Outcome:
    """Simulate the shop's second half as referred by its first half, who stay, have left, or are unknown."""
    customers = exam_customers(setting.n_customers, seed=setting.seed)
    half = len(customers) // 2
    referred = np.arange(len(customers)) >= half
    table = customers.assign(kind=np.where(referred, "referred", "referrer"))
    if referrer != "none":
        first = table["customer_id"].to_numpy()[: len(table) - half]
        table["referrer_id"] = [None] * half + list(first)
        table.loc[~referred, "p_alive"] = 1.0 - 1e-6 if referrer == "stays" else 1e-6
        table.loc[~referred, "dropout_a"] = 1e-6
    return run(setting, table, plans({"one": touches([0])}), days=_YEAR, segment_by="kind")


def _of_referred(outcome: Outcome, name: str) -> Floats:
    place = outcome.segments.index("referred")
    return outcome.by_segment[place, outcome.strategies.index("no_touch"), -1, :, entry(name)]


def _second_life(outcome: Outcome, strategy: str) -> Floats:
    """Return margin after coupons per customer won back, linearised: its mean over replicates is the ratio of means."""
    worth = told(outcome, strategy, "margin") + told(outcome, strategy, "coupons")
    back = told(outcome, strategy, "won_back")
    value = worth.mean() / back.mean()
    return np.asarray(value + (worth - value * back) / back.mean())
