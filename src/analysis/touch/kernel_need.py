"""The compiled simulation, part one: who a row of replicates is, its past, and the moments of its purchase clock.

A *row* is one customer, or one customer per replicate where only a sample is simulated. Moments are ticks of the
clock, and candidates that a touch may turn into an order; all strategies share them.
"""

from typing import Any, Final

import numpy as np

from analysis.touch import deletion, exposure, fatigue, history, need, referral, response
from analysis.touch.compiled import law, part
from analysis.touch.layout import COLUMN, EFFECT, LANES, PLACE
from analysis.touch.philox import philox4x32, uniform, uniform_exact
from analysis.touch.random_streams import Purpose

__all__ = ["CANDIDATE", "LAPSED", "OWN", "draw_moments", "draw_row", "settle_past"]

L: Final = LANES
OWN: Final = 1  # a tick of the clock
CANDIDATE: Final = 0
LAPSED: Final = 2  # added: the customer had dropped out by then

_philox, _uniform, _exact = part(philox4x32), part(uniform), part(uniform_exact)
_read_chance, _steady, _felt = law(exposure.read_chance), law(fatigue.steady_fatigue), law(fatigue.felt_fatigue)
_left, _boost, _lift = law(fatigue.response_left), law(history.boost_of_past), law(history.lift_of_past)
_saturated, _value = law(response.saturated_lift), law(deletion.value_of_contact)
_wait, _dropout, _bonded = part(need.waiting_days), part(need.dropout_chance), part(referral.bonded_dropout)

_CUSTOMER: Final = np.uint32(Purpose.CUSTOMER << 24)
_CLOCK: Final = np.uint32(Purpose.CLOCK << 24)
_SAMPLE: Final = np.uint32(Purpose.SAMPLE << 24)
_NEVER: Final = np.float32(1e9)

_P_ALIVE, _SHAPE, _DAYS = COLUMN["p_alive"], COLUMN["rate_shape"], COLUMN["rate_days"]
_A, _B, _REFERRER = COLUMN["dropout_a"], COLUMN["dropout_b"], COLUMN["referrer"]
_NEXT_YEAR, _SLEEPING = COLUMN["next_year_margin"], COLUMN["sleeping_dog"]
# Columns that are taken into the working memory as they are.
_TAKEN: Final = (
    (COLUMN["mean_gap"], PLACE["MEAN_GAP"]),
    (COLUMN["last_order"], PLACE["FIRST_LAST_ORDER"]),
    (COLUMN["is_contact"], PLACE["IS_CONTACT"]),
    (COLUMN["read_propensity"], PLACE["READ_HABIT"]),
    (COLUMN["established"], PLACE["ESTABLISHED"]),
    (COLUMN["preferred_channel"], PLACE["PREFERRED"]),
    (COLUMN["order_value"], PLACE["ORDER_VALUE"]),
    (COLUMN["margin"], PLACE["MARGIN"]),
    (COLUMN["segment"], PLACE["SEGMENT"]),
)
_TAKEN_COLUMNS: Final = np.array([column for column, _ in _TAKEN])
_TAKEN_PLACES: Final = np.array([place for _, place in _TAKEN])
_QUO_BOOST, _QUO_FATIGUE, _QUO_LIFT = PLACE["QUO_BOOST"], PLACE["QUO_FATIGUE"], PLACE["LIFT"]
_BORROWED, _FIRST_DEBT, _CONTACT_VALUE = PLACE["BORROWED"], PLACE["FIRST_DEBT"], PLACE["CONTACT_VALUE"]
_HOLDOUT_DRAW, _LEAVES_ON, _LEFT_AT, _DOG = (
    PLACE["HOLDOUT_DRAW"],
    PLACE["LEAVES_ON"],
    PLACE["LEFT_AT"],
    PLACE["IS_SLEEPING_DOG"],
)
_READ_FATIGUE, _FATIGUE_RESPONSE = EFFECT["read_fatigue"], EFFECT["fatigue_response"]
_FATIGUE_DAYS, _CROSS, _GAIN_DAYS = EFFECT["fatigue_days"], EFFECT["cross_channel"], EFFECT["gain_days"]
_CEILING, _PULL, _BASELINE = EFFECT["ceiling"], EFFECT["pull_forward"], EFFECT["deletion_baseline"]
_LOSS, _LAPSED_RESPONSE, _SECOND, _BOND = (
    EFFECT["deletion_loss"],
    EFFECT["lapsed_response"],
    EFFECT["second_life"],
    EFFECT["referral_bond"],
)


@part
def draw_row(row: Any, n_rows: Any, customers: Any, world: Any, w: Any, who: Any) -> None:
    """Choose the customer of each replicate of a row, and take their columns into the working memory."""
    n = customers.columns.shape[0]
    for i in range(L):
        who[i] = row
    if n_rows < n:
        for i in range(L):
            a, _, _, _ = _philox(
                np.uint32(row), world.replicate[i], np.uint32(0), _SAMPLE, world.seed[0], world.seed[1]
            )
            who[i] = min(int((row + _exact(a)) * n / n_rows), n - 1)
    for t in range(len(_TAKEN_COLUMNS)):
        column, place = _TAKEN_COLUMNS[t], _TAKEN_PLACES[t]
        for i in range(L):
            w[place + i] = customers.columns[who[i], column]


@part
def settle_past(customers: Any, world: Any, program: Any, rows: Any, w: Any, who: Any) -> None:
    """Find the steady state under the touches of the past: fatigue, boost, and the lift that is in the clock."""
    for i in range(L):
        w[_QUO_BOOST + i] = 0.0
        w[_QUO_FATIGUE + i] = 0.0
        w[_QUO_LIFT + i] = 1.0
        w[_BORROWED + i] = 0.0
    any_past = False
    for c in range(program.channels.shape[0]):
        past, stock, refused = rows.history + c * L, rows.quo_stocks + c * L, rows.first_refused + c * L
        annoyance = program.channels[c, 1]
        for i in range(L):
            w[past + i] = customers.history[who[i], c]
            w[refused + i] = customers.refuses[who[i], c]
            delivered = w[past + i] * world.confirmed[c * L + i]
            w[stock + i] = _steady(delivered * annoyance, w[_FATIGUE_DAYS + i])
            w[_QUO_FATIGUE + i] += w[stock + i]
            any_past |= w[past + i] > 0
    if any_past:
        for c in range(program.channels.shape[0]):
            _add_boost(c, world, program.channels[c, 0], rows, w)
        for i in range(L):
            extra = _saturated(w[_QUO_BOOST + i], w[_CEILING + i])
            w[_BORROWED + i] = extra * w[_PULL + i]
            w[_QUO_LIFT + i] = _lift(extra, w[_PULL + i])
    for i in range(L):
        year = customers.columns[who[i], _NEXT_YEAR] / w[_QUO_LIFT + i]
        w[_CONTACT_VALUE + i] = _value(year, np.float32(1.0), w[_LOSS + i])


@part
def _add_boost(c: Any, world: Any, gain: Any, rows: Any, w: Any) -> None:
    past, stock = rows.history + c * L, rows.quo_stocks + c * L
    for i in range(L):
        own = w[stock + i]
        felt = _felt(own, w[_QUO_FATIGUE + i] - own, w[_CROSS + i])
        chance = _read_chance(world.read_rate[c * L + i], felt, w[_READ_FATIGUE + i])
        read = w[past + i] * world.confirmed[c * L + i] * chance
        left = _left(felt, w[_FATIGUE_RESPONSE + i])
        w[_QUO_BOOST + i] += _boost(read, gain, w[_GAIN_DAYS + i], left)


@part
def draw_moments(customers: Any, world: Any, w: Any, who: Any, moments: Any) -> Any:
    """Run the clocks of a row over the horizon; moments are listed replicate by replicate.

    Returns:
        How many there are; -1 if there is no room for them all.
    """
    total = 0
    for i in range(L):
        c, replicate = who[i], world.replicate[i]
        k0, k1 = customers.key[c, 0], customers.key[c, 1]
        live, hold, leave, owe = _philox(k0, k1, replicate, _CUSTOMER, world.seed[0], world.seed[1])
        p_alive = customers.columns[c, _P_ALIVE]
        draw = _exact(live)
        alive = draw < p_alive
        dog = draw / p_alive if alive else (draw - p_alive) / (1.0 - p_alive)
        w[_DOG + i] = 1.0 if dog < customers.columns[c, _SLEEPING] else 0.0
        w[_HOLDOUT_DRAW + i] = _uniform(hold)
        w[_FIRST_DEBT + i] = 1.0 if _uniform(owe) < w[_BORROWED + i] else 0.0
        rate = w[_BASELINE + i]
        w[_LEAVES_ON + i] = min(-np.log(_exact(leave)) / rate, _NEVER) if rate > 0 else _NEVER
        referrer_left = -1.0
        if customers.columns[c, _REFERRER] >= 0 and w[_BOND + i] > 0:
            referrer_left = _leaving_day(int(customers.columns[c, _REFERRER]), customers, world, i, w[_CEILING + i])
        total = _run_clock(i, c, alive, referrer_left, total, customers, world, w, moments)
        if total < 0:
            return -1
    return total


@part
def _run_clock(
    i: Any, c: Any, alive: Any, referrer_left: Any, total: Any, customers: Any, world: Any, w: Any, moments: Any
) -> Any:
    columns, season = customers.columns, world.season
    ceiling, lift = float(w[_CEILING + i]), float(w[_QUO_LIFT + i])
    horizon = len(season) - 1
    left_at = _NEVER if alive else np.float32(-1.0)
    elapsed, seen, survived, day, second = 0.0, 0, 0.0, 0, False
    days = float(columns[c, _DAYS]) * lift / (1.0 + ceiling)
    while True:
        gap, kind, redeem, other = _philox(
            customers.key[c, 0],
            customers.key[c, 1],
            world.replicate[i],
            np.uint32(_CLOCK + np.uint32(seen)),
            world.seed[0],
            world.seed[1],
        )
        elapsed += _wait(_exact(gap), float(columns[c, _SHAPE]), days, elapsed, seen)
        if elapsed >= season[horizon]:
            break
        while season[day + 1] <= elapsed:
            day += 1
        seen += 1
        place, share = _exact(kind) * (1.0 + ceiling), _exact(other)
        keep, code, chance = True, OWN, place
        if place < 1.0:
            if left_at == _NEVER:
                # Each own tick stands for `lift` observed orders, and carries their dropout chances.
                p = lift * _dropout(float(columns[c, _A]), float(columns[c, _B]), survived)
                p = _bonded(p, 1.0 if elapsed < referrer_left else 0.0, float(w[_BOND + i]))
                if share < p:
                    left_at, share = np.float32(day), share / p
                else:
                    share = (share - p) / (1.0 - p)
                survived += 1.0
            else:
                code, keep = OWN + LAPSED, second
        else:
            code, chance = CANDIDATE, (place - 1.0) / ceiling
            if left_at < _NEVER:
                # Of those who dropped out only this share can respond; who may come back decides what follows.
                code, keep = CANDIDATE + LAPSED, chance < w[_LAPSED_RESPONSE + i]
                second |= keep and share < w[_SECOND + i]
        if keep:
            if total == len(moments.day):
                return -1
            moments.lane[total] = i
            moments.day[total] = day
            moments.kind[total] = code
            moments.chance[total] = chance
            moments.redeem[total] = _uniform(redeem)
            moments.other[total] = share
            total += 1
    w[_LEFT_AT + i] = left_at
    return total


@part
def _leaving_day(c: Any, customers: Any, world: Any, i: Any, ceiling: Any) -> Any:
    """Return when another customer drops out in this replicate: their clock is run again, at the same address."""
    columns, replicate = customers.columns, world.replicate[i]
    k0, k1 = customers.key[c, 0], customers.key[c, 1]
    live, _, _, _ = _philox(k0, k1, replicate, _CUSTOMER, world.seed[0], world.seed[1])
    if _exact(live) >= columns[c, _P_ALIVE]:
        return -1.0
    elapsed, seen, survived, end = 0.0, 0, 0.0, world.season[len(world.season) - 1]
    while True:
        gap, kind, _, other = _philox(
            k0, k1, replicate, np.uint32(_CLOCK + np.uint32(seen)), world.seed[0], world.seed[1]
        )
        days = float(columns[c, _DAYS]) / (1.0 + ceiling)
        elapsed += _wait(_exact(gap), float(columns[c, _SHAPE]), days, elapsed, seen)
        if elapsed >= end:
            return 1e9
        seen += 1
        if _exact(kind) * (1.0 + ceiling) < 1.0:
            if _exact(other) < _dropout(float(columns[c, _A]), float(columns[c, _B]), survived):
                return elapsed
            survived += 1.0
