"""The compiled simulation, part three: moments of the clock become orders or not, under one strategy."""

from typing import Any, Final

import numpy as np

from analysis.touch import fatigue, reference_price, response, second_life, trust
from analysis.touch.compiled import law, part
from analysis.touch.layout import EFFECT, LANES, PLACE, PULSES
from analysis.touch.response import MEMORY_DAYS

__all__ = ["live_through"]

L: Final = LANES
_saturated, _habit_step = law(response.saturated_lift), law(reference_price.habit_step)
_decayed, _recovered, _leaving = law(fatigue.decayed), law(trust.recovered), law(second_life.leaving_again)
_CONCAVE: Final = 1.0001  # a concave lift is never above its boost; more than rounding

CONTACT, IS_CONTACT, DEBT, TRUST = (PLACE[name] for name in ("CONTACT", "IS_CONTACT", "DEBT", "TRUST"))
LAST_ORDER, ORDERED, OFFER_UNTIL, OFFER_SHARE = (
    PLACE[name] for name in ("LAST_ORDER", "ORDERED", "OFFER_UNTIL", "OFFER_SHARE")
)
LAST_GAIN = PLACE["LAST_GAIN"]
HABIT, HABIT_DAY, QUIT_ON, ESTABLISHED = (PLACE[name] for name in ("HABIT", "HABIT_DAY", "QUIT_ON", "ESTABLISHED"))
SECOND_LIFE, SECOND_DROPOUT, QUO_BOOST = (PLACE[name] for name in ("SECOND_LIFE", "SECOND_LIFE_DROPOUT", "QUO_BOOST"))
N_ORDERS, N_EXTRA, N_BORROWED, N_REDEEMED, N_REDEEMED_EXTRA, COUPONS, N_WON_BACK = (
    PLACE[name]
    for name in (
        "N_ORDERS",
        "N_EXTRA",
        "N_BORROWED",
        "N_REDEEMED",
        "N_REDEEMED_EXTRA",
        "COUPON_SHARES",
        "N_WON_BACK",
    )
)
CEILING, LAPSED_RESPONSE, PULL, PULL_OFFER, REDEMPTION = (
    EFFECT[name] for name in ("ceiling", "lapsed_response", "pull_forward", "pull_forward_offer", "redemption_rate")
)
LOSS, TRUST_DAYS, HABIT_DAYS, HABIT_GAIN, REFERENCE = (
    EFFECT[name] for name in ("deletion_loss", "trust_days", "habit_days", "habit_gain", "reference_price")
)
SECOND, SECOND_LEAVES, BARGAIN = (EFFECT[name] for name in ("second_life", "second_life_dropout", "bargain_dropout"))


@part
def live_through(first: Any, last: Any, moments: Any, world: Any, w: Any, pulses: Any, calm_since: Any) -> None:
    """Let the moments of some days, in their order, become orders."""
    for j in range(first, last):
        m = moments.order[j]
        i, day, kind = moments.lane[m], moments.day[m], moments.kind[m]
        lapsed = (kind & 2) > 0 or w[QUIT_ON + i] <= day
        if (kind & 1) > 0:
            if _keeps_own_order(i, day, lapsed, moments.chance[m], moments.other[m], w):
                _book(i, day, moments.redeem[m], 0.0, w)
        elif _adds_order(i, day, lapsed, moments.chance[m], world, w, pulses, calm_since):
            _borrow_or_revive(i, day, lapsed, moments.other[m], w)
            w[N_EXTRA + i] += 1.0
            _book(i, day, moments.redeem[m], 1.0, w)


@part
def _keeps_own_order(i: Any, day: Any, lapsed: Any, chance: Any, other: Any, w: Any) -> Any:
    """Return whether a tick becomes an order: not paid back to a loan, not lost with the contact or to waiting."""
    if lapsed and w[SECOND_LIFE + i] <= 0.0:
        return False
    if w[DEBT + i] > 0.0:
        w[DEBT + i] -= 1.0
        return False
    if w[IS_CONTACT + i] > w[CONTACT + i] and chance < w[LOSS + i]:
        return False
    if lapsed:
        w[SECOND_LIFE + i] = 0.0 if other < w[SECOND_DROPOUT + i] else 1.0
        return True
    return not (w[HABIT + i] < 0.0 and other < -_habit_now(i, day, w))


@part
def _adds_order(i: Any, day: Any, lapsed: Any, chance: Any, world: Any, w: Any, pulses: Any, calm_since: Any) -> Any:
    """Return whether touches turn a candidate into an order."""
    boost = w[QUO_BOOST + i] * world.quo_left[day, i]
    if day - w[LAST_GAIN + i] < MEMORY_DAYS:
        for p in range(pulses.first[0], pulses.end[0]):
            slot = p & (PULSES - 1)
            age = day - pulses.day[slot]
            if age < MEMORY_DAYS:
                boost += pulses.gain[slot, i] * world.weights[age, i]
    if w[HABIT + i] > 0.0:
        boost += _habit_now(i, day, w)
    if boost <= 0.0:
        return False
    ceiling = w[CEILING + i]
    boost *= 1.0 + (w[TRUST + i] - 1.0) * world.trust_left[day - calm_since, i]
    if chance * ceiling > boost * _CONCAVE:
        return False
    lift = _saturated(boost, ceiling)
    if lapsed:
        lift *= w[LAPSED_RESPONSE + i]
    return chance * ceiling < lift


@part
def _habit_now(i: Any, day: Any, w: Any) -> Any:
    return _decayed(w[HABIT + i], day - w[HABIT_DAY + i], w[HABIT_DAYS + i])


@part
def _borrow_or_revive(i: Any, day: Any, lapsed: Any, other: Any, w: Any) -> None:
    """Borrow some extra orders from later; a customer who had dropped out has none, but may come back for more."""
    offered = w[OFFER_UNTIL + i] >= day
    if not lapsed:
        share = w[PULL_OFFER + i] if offered else w[PULL + i]
        if other < share:
            w[DEBT + i] += 1.0
            w[N_BORROWED + i] += 1.0
    elif other < w[SECOND + i] and w[SECOND_LIFE + i] <= 0.0:
        discount = w[OFFER_SHARE + i] if offered else np.float32(0.0)
        w[SECOND_LIFE + i] = 1.0
        w[N_WON_BACK + i] += 1.0
        w[SECOND_DROPOUT + i] = _leaving(w[SECOND_LEAVES + i], w[BARGAIN + i], discount)


@part
def _book(i: Any, day: Any, redeem: Any, extra: Any, w: Any) -> None:
    """Book an order, and the offer where a valid one is redeemed."""
    w[N_ORDERS + i] += 1.0
    if w[OFFER_UNTIL + i] >= day and redeem < w[REDEMPTION + i]:
        discount = w[OFFER_SHARE + i]
        w[N_REDEEMED + i] += 1.0
        w[N_REDEEMED_EXTRA + i] += extra
        w[COUPONS + i] += discount
        step = _habit_step(discount, w[ESTABLISHED + i], w[HABIT_GAIN + i], w[REFERENCE + i])
        w[HABIT + i] = _habit_now(i, day, w) + step
        w[HABIT_DAY + i] = day
    w[LAST_ORDER + i] = day
    w[ORDERED + i] = 1.0
