"""Rows 4 and 5: what an offer does beyond being redeemed, and what a deep one does to later purchases."""

from typing import Final

from analysis.touch.exam.judging import Interval, paired, ratio
from analysis.touch.exam.setting import Setting, exam_customers, plans, run, told, touches
from analysis.touch.exam.verdicts import Verdict, verdict

__all__ = ["deep_discount_verdicts", "exposure_verdicts", "offer_verdicts"]

_VALID: Final = 7
_SAHNI: Final = (
    "Sahni, Zou, Chintagunta 2017 MktSci: 10 % through redemption, carry-over 25 %; Venkatesan, Farris 2012 JM"
)
_ANDERSON: Final = "Anderson, Simester 2004 MktSci"
_LATER: Final = 90  # days after which purchases are later ones
_YEAR: Final = 365


def offer_verdicts(setting: Setting) -> list[Verdict]:
    """Return rows 4 and 5."""
    return [*exposure_verdicts(setting), *deep_discount_verdicts(setting)]


def exposure_verdicts(setting: Setting) -> list[Verdict]:
    """Row 4: most of an offer's effect is exposure, not redemption; some carries over to the week after."""
    offer = {"discount_share": 0.2, "valid_days": _VALID}
    steps = touches([0], template="promotion", offer=offer)
    customers = exam_customers(setting.n_customers, seed=setting.seed)
    outcome = run(setting, customers, plans({"offer": steps}), days=28, checkpoints=(_VALID, 2 * _VALID))
    redeemed = ratio(told(outcome, "offer", "redeemed_extra"), told(outcome, "offer", "extra_orders"))
    gained = {
        day: told(outcome, "offer", "orders", day=day) - told(outcome, "no_touch", "orders", day=day)
        for day in (_VALID, 2 * _VALID)
    }
    carried = ratio(gained[2 * _VALID] - gained[_VALID], gained[_VALID])
    return [
        verdict(
            "4a",
            redeemed,
            zh="优惠带来的新增订单中，用了券的占比",
            en="added orders of an offer that redeem it",
            below=0.20,
            judged="number",
            unit="share",
            source=_SAHNI,
        ),
        verdict(
            "4b",
            carried,
            zh="优惠过期后一周的增量，相对有效期内",
            en="gain in the week after the offer, against its own week",
            above=0.10,
            below=0.40,
            judged="number",
            unit="share",
            source=_SAHNI,
            note=f"offer valid {_VALID} days; orders less those borrowed",
        ),
    ]


def deep_discount_verdicts(setting: Setting) -> list[Verdict]:
    """Row 5: a deep discount raises later purchases of new customers and lowers those of established ones."""
    new, established = (_later_orders(setting, established=known) for known in (0.0, 1.0))
    note = (
        f"50 % against 10 % off, two offers in the first month; relative change of orders on days {_LATER + 1}-{_YEAR}"
    )
    return [
        verdict(
            "5a",
            new,
            zh="深折扣之后，新客以后买得更多",
            en="after a deep discount new customers buy more later",
            above=0.0,
            unit="share",
            source=_ANDERSON,
            note=note,
        ),
        verdict(
            "5b",
            established,
            zh="深折扣之后，老客以后买得更少",
            en="after a deep discount established customers buy less later",
            below=0.0,
            unit="share",
            source=_ANDERSON,
            note=note,
        ),
    ]


def _later_orders(setting: Setting, *, established: float) -> Interval:
    customers = exam_customers(setting.n_customers, seed=setting.seed, established=established)
    steps = {
        name: touches([0, 14], template="promotion", offer={"discount_share": share, "valid_days": _VALID})
        for name, share in (("deep", 0.5), ("shallow", 0.1))
    }
    outcome = run(setting, customers, plans(steps), days=_YEAR, checkpoints=(_LATER,))
    deep, shallow = (told(outcome, name, "orders") - told(outcome, name, "orders", day=_LATER) for name in steps)
    return paired((deep - shallow) / shallow.mean())
