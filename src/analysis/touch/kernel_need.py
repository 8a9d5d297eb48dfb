"""The compiled simulation, part one: who a row of replicates is, its past, and the moments of its purchase clock.

A *row* is one customer, or one customer per replicate where only a sample is simulated. Moments are ticks of the
clock, and candidates that a touch may turn into an order; all strategies share them.
"""

from typing import Any, Final

import numpy as np

from analysis.touch import deletion, exposure, fatigue, history, need, referral, response
from analysis.touch.arithmetic import log
from analysis.touch.compiled import law, part
from analysis.touch.layout import COLUMN, EFFECT, LANES, PLACE
from analysis.touch.philox import philox4x32, uniform, uniform_inside
from analysis.touch.random_streams import Purpose

__all__ = ["draw_moments", "draw_row", "settle_past"]

L: Final = LANES
OWN: Final = 1  # a tick of the clock; 0 is a candidate
LAPSED: Final = 2  # added: the customer had dropped out by then

_philox = part(philox4x32)
_uniform, _inside = part(uniform), part(uniform_inside)
_read_chance, _steady, _felt = law(exposure.read_chance), law(fatigue.steady_fatigue), law(fatigue.felt_fatigue)
_left, _boost, _lift = law(fatigue.response_left), law(history.boost_of_past), law(history.lift_of_past)
_saturated, _value = law(response.saturated_lift), law(deletion.value_of_contact)
_wait, _dropout, _bonded = law(need.waiting_days), law(need.dropout_chance), law(referral.bonded_dropout)

_CUSTOMER: Final = np.uint32(Purpose.CUSTOMER << 24)
_CLOCK: Final = np.uint32(Purpose.CLOCK << 24)
_SAMPLE: Final = np.uint32(Purpose.SAMPLE << 24)
_NEVER: Final = np.float32(1e9)

# Columns that are taken into the working memory as they are.
_TAKEN: Final = {
    "mean_gap": "MEAN_GAP",
    "last_order": "FIRST_LAST_ORDER",
    "is_contact": "IS_CONTACT",
    "read_propensity": "READ_HABIT",
    "established": "ESTABLISHED",
    "preferred_channel": "PREFERRED",
    "order_value": "ORDER_VALUE",
    "margin": "MARGIN",
    "segment": "SEGMENT",
    "p_alive": "P_ALIVE",
    "rate_shape": "SHAPE",
    "rate_days": "DAYS",
    "dropout_a": "DROPOUT_A",
    "dropout_b": "DROPOUT_B",
    "sleeping_dog": "IS_SLEEPING_DOG",
    "next_year_margin": "CONTACT_VALUE",
    "referrer": "REFERRER",
}
_TAKEN_COLUMNS: Final = np.array([COLUMN[column] for column in _TAKEN])
_TAKEN_PLACES: Final = np.array([PLACE[place] for place in _TAKEN.values()])
P_ALIVE, SHAPE, DAYS, DROPOUT_A = (PLACE[name] for name in ("P_ALIVE", "SHAPE", "DAYS", "DROPOUT_A"))
DROPOUT_B, REFERRER, DOG, CONTACT_VALUE = (
    PLACE[name] for name in ("DROPOUT_B", "REFERRER", "IS_SLEEPING_DOG", "CONTACT_VALUE")
)
QUO_BOOST, QUO_FATIGUE, LIFT, BORROWED = (PLACE[name] for name in ("QUO_BOOST", "QUO_FATIGUE", "LIFT", "BORROWED"))
FIRST_DEBT, HOLDOUT_DRAW, LEAVES_ON, LEFT_AT = (
    PLACE[name] for name in ("FIRST_DEBT", "HOLDOUT_DRAW", "LEAVES_ON", "LEFT_AT")
)
ELAPSED, SURVIVED, RETURNS, REFERRER_LEFT = (
    PLACE[name] for name in ("ELAPSED", "SURVIVED", "RETURNS", "REFERRER_LEFT")
)
KEY_0, KEY_1 = PLACE["KEY_0"], PLACE["KEY_1"]
KIND, REDEEM, OTHER = PLACE["KIND"], PLACE["REDEEM"], PLACE["OTHER"]
READ_FATIGUE, FATIGUE_RESPONSE, FATIGUE_DAYS = (
    EFFECT[name] for name in ("read_fatigue", "fatigue_response", "fatigue_days")
)
CROSS, GAIN_DAYS, CEILING, PULL = (EFFECT[name] for name in ("cross_channel", "gain_days", "ceiling", "pull_forward"))
BASELINE, LOSS, LAPSED_RESPONSE = (EFFECT[name] for name in ("deletion_baseline", "deletion_loss", "lapsed_response"))
SECOND, BOND, CROWDING = (EFFECT[name] for name in ("second_life", "referral_bond", "channel_crowding"))


@part
def draw_row(row: Any, n_rows: Any, customers: Any, world: Any, w: Any, who: Any) -> None:
    """Choose the customer of each replicate of a row, and take their columns into the working memory."""
    n = customers.columns.shape[0]
    for i in range(L):
        who[i] = row
    if n_rows < n:
        for i in range(L):
            a, _, _, _ = _philox(np.uint32(row), world.drawn_as[i], np.uint32(0), _SAMPLE, world.seed[0], world.seed[1])
            who[i] = min(int((row + np.float64(_inside(a))) * n / n_rows), n - 1)
    for i in range(L):
        w[KEY_0 + i] = np.uint32(customers.key[who[i], 0]).view(np.float32)
        w[KEY_1 + i] = np.uint32(customers.key[who[i], 1]).view(np.float32)
    for t in range(len(_TAKEN_COLUMNS)):
        column = _TAKEN_COLUMNS[t]
        place = w[_TAKEN_PLACES[t] : _TAKEN_PLACES[t] + L]
        if n_rows < n:
            for i in range(L):
                place[i] = customers.columns[who[i], column]
        else:
            value = customers.columns[row, column]
            for i in range(L):
                place[i] = value


@part
def settle_past(customers: Any, world: Any, program: Any, desk: Any) -> None:
    """Find the steady state under the touches of the past: fatigue, boost, and the lift that is in the clock."""
    w, v, rows, who = desk.w, desk.v, desk.rows, desk.who
    for i in range(L):
        w[QUO_BOOST + i] = 0.0
        w[QUO_FATIGUE + i] = 0.0
        w[LIFT + i] = 1.0
        w[BORROWED + i] = 0.0
    any_past = np.float32(0.0)
    for c in range(program.channels.shape[0]):
        annoyance = program.channels[c, 1]
        for i in range(L):
            v[rows.history + c, i] = customers.history[who[i], c]
            v[rows.first_refused + c, i] = customers.refuses[who[i], c]
        for i in range(L):
            delivered = v[rows.history + c, i] * world.confirmed[c, i]
            stock = _steady(delivered * annoyance, w[FATIGUE_DAYS + i])
            v[rows.quo_stocks + c, i] = stock
            w[QUO_FATIGUE + i] += stock
            any_past += delivered
    if any_past > 0.0:
        for c in range(program.channels.shape[0]):
            _add_boost(c, world, program.channels[c, 0], rows, w, v)
        for i in range(L):
            extra = _saturated(w[QUO_BOOST + i], w[CEILING + i])
            w[BORROWED + i] = extra * w[PULL + i]
            w[LIFT + i] = _lift(extra, w[PULL + i])
    for i in range(L):
        w[CONTACT_VALUE + i] = _value(w[CONTACT_VALUE + i] / w[LIFT + i], 1.0, w[LOSS + i])


@part
def _add_boost(c: Any, world: Any, gain: Any, rows: Any, w: Any, v: Any) -> None:
    for i in range(L):
        own = v[rows.quo_stocks + c, i]
        felt = _felt(own, w[QUO_FATIGUE + i] - own, w[CROSS + i], 0.0, 0.0, w[CROWDING + i])
        chance = _read_chance(world.read_rate[c, i], felt, w[READ_FATIGUE + i])
        read = v[rows.history + c, i] * world.confirmed[c, i] * chance
        left = _left(felt, w[FATIGUE_RESPONSE + i])
        w[QUO_BOOST + i] += _boost(read, gain, w[GAIN_DAYS + i], left)


@part
def draw_moments(customers: Any, world: Any, w: Any, who: Any, moments: Any) -> Any:
    """Run the clocks of a row over the horizon, moment by moment in all replicates at once.

    Returns:
        How many moments there are; -1 if there is no room for them all.
    """
    _draw_customers(customers, world, w, who)
    end = world.season[len(world.season) - 1]
    total, seen, running = 0, 0, True
    while running:
        _next_moments(seen, world, w)
        running = False
        for i in range(L):
            if w[ELAPSED + i] < end:
                running = True
                if total == len(moments.day):
                    return -1
                total += _classify(i, total, world, w, moments)
        seen += 1
    return total


@part
def _draw_customers(customers: Any, world: Any, w: Any, who: Any) -> None:
    """Draw what each replicate's customer is before the first day."""
    k0, k1 = world.seed[0], world.seed[1]
    for i in range(L):
        c = who[i]
        live, hold, leave, owe = _philox(
            customers.key[c, 0], customers.key[c, 1], world.replicate[i], _CUSTOMER, k0, k1
        )
        draw, p_alive = _inside(live), w[P_ALIVE + i]
        alive = draw < p_alive
        again = draw / p_alive if alive else (draw - p_alive) / (1.0 - p_alive)
        w[LEFT_AT + i] = _NEVER if alive else -1.0
        w[DOG + i] = 1.0 if again < w[DOG + i] else 0.0
        w[HOLDOUT_DRAW + i] = _uniform(hold)
        w[FIRST_DEBT + i] = 1.0 if _uniform(owe) < w[BORROWED + i] else 0.0
        leaves = -log(_inside(leave)) / max(w[BASELINE + i], 1e-12)
        w[LEAVES_ON + i] = min(leaves, _NEVER)
        w[ELAPSED + i] = 0.0
        w[SURVIVED + i] = 0.0
        w[RETURNS + i] = 0.0
        w[REFERRER_LEFT + i] = -1.0
    for i in range(L):
        if w[REFERRER + i] >= 0.0 and w[BOND + i] > 0.0:
            w[REFERRER_LEFT + i] = _leaving_day(int(w[REFERRER + i]), i, customers, world, w[CEILING + i])


@part
def _next_moments(seen: Any, world: Any, w: Any) -> None:
    """Draw when the next moment of each replicate comes, and what decides about it."""
    k0, k1, replicate = world.seed[0], world.seed[1], world.replicate[0]
    address, n = np.uint32(_CLOCK + np.uint32(seen)), np.float32(seen)
    for i in range(L):
        c0, c1 = np.float32(w[KEY_0 + i]).view(np.uint32), np.float32(w[KEY_1 + i]).view(np.uint32)
        gap, kind, redeem, other = _philox(c0, c1, np.uint32(replicate + np.uint32(i)), address, k0, k1)
        days = w[DAYS + i] * w[LIFT + i] / (1.0 + w[CEILING + i])
        w[ELAPSED + i] += _wait(_inside(gap), w[SHAPE + i], days, w[ELAPSED + i], n)
        w[KIND + i], w[REDEEM + i], w[OTHER + i] = _inside(kind), _uniform(redeem), _inside(other)


@part
def _classify(i: Any, m: Any, world: Any, w: Any, moments: Any) -> Any:
    """Write down a moment: a tick of the clock, or a candidate; return 0 if nothing can come of it."""
    elapsed, season = w[ELAPSED + i], world.season
    day = world.first_guess[int(elapsed * world.guesses_per_day)]
    while season[day + 1] <= elapsed:
        day += 1
    ceiling, share = w[CEILING + i], w[OTHER + i]
    place = w[KIND + i] * (1.0 + ceiling)
    code, chance = OWN, place
    if place < 1.0:
        if w[LEFT_AT + i] == _NEVER:
            # Each own tick stands for `lift` observed orders, and carries their dropout chances.
            p = min(w[LIFT + i] * _dropout(w[DROPOUT_A + i], w[DROPOUT_B + i], w[SURVIVED + i]), 1.0)
            p = _bonded(p, 1.0 if elapsed < w[REFERRER_LEFT + i] else 0.0, w[BOND + i])
            w[SURVIVED + i] += 1.0
            if share < p:
                w[LEFT_AT + i] = np.float32(day)
                share = share / p
            else:
                share = (share - p) / (1.0 - p)
        else:
            code = OWN + LAPSED
            if w[RETURNS + i] == 0.0:
                return 0
    else:
        code, chance = 0, (place - 1.0) / ceiling
        if w[LEFT_AT + i] < _NEVER:
            # Of those who dropped out only this share can respond; who may come back decides what follows.
            code = LAPSED
            if chance >= w[LAPSED_RESPONSE + i]:
                return 0
            if share < w[SECOND + i]:
                w[RETURNS + i] = 1.0
    moments.lane[m], moments.day[m], moments.kind[m] = i, day, code
    moments.chance[m], moments.redeem[m], moments.other[m] = chance, w[REDEEM + i], share
    return 1


@part
def _leaving_day(c: Any, i: Any, customers: Any, world: Any, ceiling: Any) -> Any:
    """Return when another customer drops out in this replicate: their clock is run again, at the same address."""
    columns, replicate = customers.columns, world.replicate[i]
    k0, k1, s0, s1 = customers.key[c, 0], customers.key[c, 1], world.seed[0], world.seed[1]
    live, _, _, _ = _philox(k0, k1, replicate, _CUSTOMER, s0, s1)
    if _inside(live) >= columns[c, _C_P_ALIVE]:
        return np.float32(-1.0)
    elapsed, survived, seen = np.float32(0.0), np.float32(0.0), 0
    days = columns[c, _C_DAYS] / (1.0 + ceiling)
    while True:
        gap, kind, _, other = _philox(k0, k1, replicate, np.uint32(_CLOCK + np.uint32(seen)), s0, s1)
        elapsed += _wait(_inside(gap), columns[c, _C_SHAPE], days, elapsed, np.float32(seen))
        if elapsed >= world.season[len(world.season) - 1]:
            return _NEVER
        seen += 1
        if _inside(kind) * (1.0 + ceiling) < 1.0:
            if _inside(other) < _dropout(columns[c, _C_A], columns[c, _C_B], survived):
                return elapsed
            survived += np.float32(1.0)


_C_P_ALIVE, _C_SHAPE, _C_DAYS, _C_A, _C_B = (
    COLUMN[name] for name in ("p_alive", "rate_shape", "rate_days", "dropout_a", "dropout_b")
)
