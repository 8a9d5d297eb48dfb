"""The compiled simulation, part two: one touch of a row: assigned, confirmed by staff, delivered under caps, read."""

from typing import Any, Final

import numpy as np

from analysis.touch import deletion, exposure, fatigue, need, response, trust
from analysis.touch.compiled import law, part
from analysis.touch.kernel_rows import add_row, any_in_block, any_in_row, copy_row, keep_below
from analysis.touch.layout import BLOCK, CHANNEL_REALS, EFFECT, LANES, PLACE, STEP_INTS, STEP_REALS
from analysis.touch.philox import philox4x32, uniform
from analysis.touch.random_streams import Purpose

__all__ = ["send"]

L: Final = LANES
_philox, _uniform = part(philox4x32), part(uniform)
_read_chance, _felt, _left = law(exposure.read_chance), law(fatigue.felt_fatigue), law(fatigue.response_left)
_novelty, _gain = law(fatigue.novelty_left), law(response.touch_gain)
_deleted, _refusal = law(deletion.deletion_chance), law(deletion.refusal_chance)
_trust_step, _after_touch = law(trust.trust_step), law(trust.after_touch)
_gaps, _near = law(need.gaps_since_order), law(need.is_near)

_TOUCH: Final = Purpose.TOUCH << 24
# The step's, the channel's: places of whole and real numbers.
_CHANNEL, _TEMPLATE, _HAS_DAY, _USUAL, _AFTER = range(len(STEP_INTS))
(_COOLDOWN, _LOW, _HIGH, _FROM, _UNTIL, _DISCOUNT, _VALID, _KEY_HOUR, _SERVICE, _PUSH, _EVERY, _PAST) = range(
    len(STEP_REALS)
)
_C_GAIN, _ANNOYANCE, _COST, _MINUTES, _NEEDS_CONTACT, _C_WEAR, _EACH = range(len(CHANNEL_REALS))
# Rows of the customer and of the strategy's state.
MEAN_GAP, READ_HABIT, IS_DOG, PREFERRED = (
    PLACE[name] for name in ("MEAN_GAP", "READ_HABIT", "IS_SLEEPING_DOG", "PREFERRED")
)
LEAVES_ON, CONTACT, FATIGUE, TRUST = (PLACE[name] for name in ("LEAVES_ON", "CONTACT", "FATIGUE", "TRUST"))
LAST_ORDER, OFFER_UNTIL, OFFER_SHARE = (PLACE[name] for name in ("LAST_ORDER", "OFFER_UNTIL", "OFFER_SHARE"))
REACHED, QUIT_ON = PLACE["REACHED"], PLACE["QUIT_ON"]
N_ASSIGNED, N_CONFIRMED, N_DELIVERED = (PLACE[name] for name in ("N_ASSIGNED", "N_CONFIRMED", "N_DELIVERED"))
N_READ, TOUCH_COSTS, MINUTES, WEAR = (PLACE[name] for name in ("N_READ", "TOUCH_COSTS", "MINUTES", "WEAR"))
N_LOST, N_REFUSED = PLACE["N_LOST"], PLACE["N_REFUSED"]
OWN, REFUSED, TEMPLATE_WEAR = (PLACE[name] for name in ("OWN_FATIGUE", "REFUSED", "TEMPLATE_WEAR"))
LAST_TOUCH, DUE, OPEN, GAIN = (PLACE[name] for name in ("LAST_TOUCH", "DUE", "OPEN", "GAIN"))
SAID, COUNTED, KEY_0, KEY_1 = (PLACE[name] for name in ("SAID", "COUNTED", "KEY_0", "KEY_1"))
REST_OWN, REST_ALL, REST_TRUST, REST_TEMPLATE = (
    PLACE[name] for name in ("REST_OWN", "REST_ALL", "REST_TRUST", "REST_TEMPLATE")
)
STEP_DAY, LAST_BEFORE, RATE, CONFIRM = (PLACE[name] for name in ("STEP_DAY", "LAST_BEFORE", "RATE", "CONFIRM"))
U0, U1, U2, U3 = (PLACE[f"CHANCE_{n}"] for n in range(4))
READ_FATIGUE, FATIGUE_RESPONSE, CROSS = (EFFECT[name] for name in ("read_fatigue", "fatigue_response", "cross_channel"))
SOFTENING, HOUR_GAIN, NOVELTY_WEAR = (EFFECT[name] for name in ("preferred_softening", "hour_gain", "template_wear"))
CROWDING = EFFECT["channel_crowding"]
GAIN_DAYS, OFFER_GAIN, TIMING_GAIN = (EFFECT[name] for name in ("gain_days", "offer_gain", "timing_gain"))
DELETION, DELETION_FATIGUE, REFUSAL = (EFFECT[name] for name in ("deletion_touch", "deletion_fatigue", "refusal_touch"))
TRUST_SERVICE, TRUST_PUSH, DOG_LEAVES = (
    EFFECT[name] for name in ("trust_service", "trust_push", "sleeping_dog_leaves")
)


@part
def send(s: Any, k: Any, day: Any, customers: Any, world: Any, program: Any, desk: Any) -> Any:
    """Send a step's touches of a day to a row; ``GAIN`` then holds what each replicate gains.

    Returns:
        Whether anybody was touched.
    """
    rows, w, v, now = desk.rows, desk.w, desk.v, np.float32(day)
    ints, reals, place = program.step_ints[k], program.step_reals[k], k - program.first_step[s]
    c, t = ints[_CHANNEL], ints[_TEMPLATE]
    channel = program.channels[c]
    if not _assign(s, k, day, now, customers, world, program, desk):
        return False
    _bring_forward(day, c, t, world, program.channels.shape[0], desk)
    for j in range(program.on_deliver.shape[1]):
        limit = program.on_deliver[k, j]
        if limit >= 0:
            counts = (rows.counts + program.limit_place[limit]) * L
            keep_below(w, OPEN, v, counts, program.limits[limit, day])
    copy_row(w, CONFIRM, world.confirmed, c * L)
    copy_row(w, RATE, world.read_rate, c * L)
    copy_row(w, SAID, world.template_gain, t * L)
    for first in range(0, L, BLOCK):
        if any_in_block(w, DUE + first):
            _deliver_and_react(first, now, np.float32(c), np.float32(ints[_USUAL]), reals, channel, w)
    copy_row(v, (rows.stocks + c) * L, w, OWN)
    copy_row(v, (rows.refused + c) * L, w, REFUSED)
    copy_row(v, (rows.last_touch + place) * L, w, LAST_TOUCH)
    copy_row(v, (rows.wear + t) * L, w, TEMPLATE_WEAR)
    _count(program.on_deliver[k], program.limit_place, rows.counts, OPEN, w, v)
    return True


@part
def _assign(s: Any, k: Any, day: Any, now: Any, customers: Any, world: Any, program: Any, desk: Any) -> Any:
    """Mark in ``DUE`` whom the step touches today, within the strategy's own limits; return whether anybody."""
    rows, w, v = desk.rows, desk.w, desk.v
    ints, reals, place = program.step_ints[k], program.step_reals[k], k - program.first_step[s]
    channel = program.channels[ints[_CHANNEL]]
    copy_row(w, DUE, v, (rows.eligible + place) * L)
    copy_row(w, REFUSED, v, (rows.refused + ints[_CHANNEL]) * L)
    copy_row(w, LAST_TOUCH, v, (rows.last_touch + place) * L)
    if ints[_HAS_DAY] >= 0:
        for i in range(L):
            w[STEP_DAY + i] = customers.step_day[desk.who[i], ints[_HAS_DAY]]
    if ints[_AFTER] >= 0:
        copy_row(w, LAST_BEFORE, v, (rows.last_touch + ints[_AFTER]) * L)
    due = _find_due(now, ints, reals, channel[_NEEDS_CONTACT], w)
    for j in range(program.on_assign.shape[1]):
        limit = program.on_assign[k, j]
        if limit >= 0:
            keep_below(w, DUE, v, (rows.counts + program.limit_place[limit]) * L, program.limits[limit, day])
            due = any_in_row(w, DUE)
    if due:
        _draw_luck(world, w, np.uint32(_TOUCH | (program.position[k] << 16) | day))
        if reals[_PAST] > 0:
            due = _deal_out(rows.history + ints[_CHANNEL], reals[_EVERY], w, v)
        if due and program.budget[s] > 0:
            due = _within_budget(channel[_EACH], desk.spent[s, program.month[day]], w)
    if due:
        _count(program.on_assign[k], program.limit_place, rows.counts, DUE, w, v)
    return due


@part
def _count(limits: Any, places: Any, counts: Any, marked: Any, w: Any, v: Any) -> None:
    """Count the marked touches towards some limits."""
    for j in range(len(limits)):
        if limits[j] >= 0:
            add_row(v, (counts + places[limits[j]]) * L, w, marked)


@part
def _find_due(day: Any, ints: Any, reals: Any, needs_contact: Any, w: Any) -> Any:
    """Mark in ``DUE`` whom the step touches today: audience, contact, consent, cooldown, need, order, chain.

    What a step does not ask for has bounds that everybody meets.
    """
    rest, low, high, first, last = reals[_COOLDOWN], reals[_LOW], reals[_HIGH], reals[_FROM], reals[_UNTIL]
    free = needs_contact == 0.0
    for i in range(L):
        reached = (w[CONTACT + i] > 0.0) & (w[LEAVES_ON + i] >= day + 1.0)
        rested = day - w[LAST_TOUCH + i] >= rest
        gaps, days = _gaps(day, w[LAST_ORDER + i], w[MEAN_GAP + i]), np.floor(day - w[LAST_ORDER + i])
        wanted = (gaps >= low) & (gaps <= high) & (days >= first) & (days <= last)
        due = w[DUE + i] * (1.0 - w[REFUSED + i])
        w[DUE + i] = due if (free | reached) & rested & wanted else 0.0
    if ints[_HAS_DAY] >= 0:
        for i in range(L):
            due, on = w[DUE + i], w[STEP_DAY + i]
            w[DUE + i] = due if on == day else 0.0
    if ints[_AFTER] >= 0:
        for i in range(L):
            due, before, ordered = w[DUE + i], w[LAST_BEFORE + i], w[LAST_ORDER + i]
            w[DUE + i] = due if before >= ordered else 0.0
    return any_in_row(w, DUE)


@part
def _draw_luck(world: Any, w: Any, address: Any) -> None:
    """Draw four numbers per replicate for a touch: dealt out, confirmed, read, deleted."""
    k0, k1, replicate = world.seed[0], world.seed[1], world.replicate[0]
    for first in range(0, L, BLOCK):
        if any_in_block(w, DUE + first):
            for n in range(BLOCK):
                i = first + n
                c0, c1 = np.float32(w[KEY_0 + i]).view(np.uint32), np.float32(w[KEY_1 + i]).view(np.uint32)
                a, b, c, d = _philox(c0, c1, np.uint32(replicate + np.uint32(i)), address, k0, k1)
                w[U0 + i], w[U1 + i], w[U2 + i], w[U3 + i] = _uniform(a), _uniform(b), _uniform(c), _uniform(d)


@part
def _deal_out(row: Any, every: Any, w: Any, v: Any) -> Any:
    """Deal out the touches of the past: each customer at their own rate, so many days' worth at a time."""
    copy_row(w, COUNTED, v, row * L)
    for i in range(L):
        due, rate, chance = w[DUE + i], w[COUNTED + i], w[U0 + i]
        w[DUE + i] = due if chance < rate * every else 0.0
    return any_in_row(w, DUE)


@part
def _within_budget(each: Any, spent: Any, w: Any) -> Any:
    """Keep whom the month's budget still pays for; rows come best customers first."""
    for i in range(L):
        pays = spent[i] + each <= spent[L]
        w[DUE + i] = w[DUE + i] if pays else 0.0
        spent[i] += each * w[DUE + i]
    return any_in_row(w, DUE)


@part
def _bring_forward(n_day: Any, c: Any, t: Any, world: Any, n: Any, desk: Any) -> None:
    """Let the stocks that the touch meets rest until today: its channel's, all channels', trust, its template's."""
    rows, w, v, since = desk.rows, desk.w, desk.v, desk.since
    own, all_, calm, worn = n_day - since[c], n_day - since[n], n_day - since[n + 1], n_day - since[n + 2 + t]
    copy_row(w, OWN, v, (rows.stocks + c) * L)
    copy_row(w, TEMPLATE_WEAR, v, (rows.wear + t) * L)
    copy_row(w, REST_OWN, world.fatigue_left, own * L)
    copy_row(w, REST_ALL, world.fatigue_left, all_ * L)
    copy_row(w, REST_TRUST, world.trust_left, calm * L)
    copy_row(w, REST_TEMPLATE, world.wear_left, worn * L)
    for i in range(L):
        w[OPEN + i] = w[DUE + i]
        w[GAIN + i] = 0.0
        w[OWN + i] *= w[REST_OWN + i]
        w[FATIGUE + i] *= w[REST_ALL + i]
        w[TRUST + i] = 1.0 + (w[TRUST + i] - 1.0) * w[REST_TRUST + i]
        w[TEMPLATE_WEAR + i] *= w[REST_TEMPLATE + i]
    since[c] = n_day
    since[n] = n_day
    since[n + 1] = n_day
    since[n + 2 + t] = n_day


@part
def _deliver_and_react(first: Any, day: Any, c: Any, usual: Any, reals: Any, channel: Any, w: Any) -> None:
    """Let staff confirm a block's touches, and customers react to those delivered.

    What the touches share is read first: a loop that reads it again each time cannot become vectors.
    """
    costs = channel[_COST], channel[_MINUTES], channel[_C_WEAR]
    step = reals[_DISCOUNT], reals[_VALID], reals[_KEY_HOUR], reals[_SERVICE], reals[_PUSH]
    effect = channel[_C_GAIN], channel[_ANNOYANCE], channel[_NEEDS_CONTACT]
    for n in range(BLOCK):
        _deliver(first + n, day, costs, w)
        _react(first + n, day, c, usual, step, effect, w)


@part
def _deliver(i: Any, day: Any, costs: Any, w: Any) -> None:
    """Let staff confirm and the caps pass; ``OPEN`` becomes whom it was delivered to."""
    cost, minutes, wear = costs
    due = w[DUE + i]
    confirmed = due if w[U1 + i] < w[CONFIRM + i] else 0.0
    delivered = confirmed * w[OPEN + i]
    w[OPEN + i] = delivered
    w[LAST_TOUCH + i] = day if due > 0.0 else w[LAST_TOUCH + i]
    w[REACHED + i] = max(w[REACHED + i], due)
    w[N_ASSIGNED + i] += due
    w[N_CONFIRMED + i] += confirmed
    w[MINUTES + i] += minutes * confirmed
    w[N_DELIVERED + i] += delivered
    w[TOUCH_COSTS + i] += cost * delivered
    w[WEAR + i] += wear * delivered


@part
def _react(i: Any, day: Any, c: Any, usual: Any, step: Any, effect: Any, w: Any) -> None:
    """Let delivered touches be read, tire, build or cost trust, and sometimes cost contact, channel or customer."""
    discount, valid, key_hour, service, push = step
    gain, annoyance, needs_contact = effect
    delivered = w[OPEN + i]
    own, trust_now = w[OWN + i], w[TRUST + i]
    prefers = 1.0 if w[PREFERRED + i] == c else 0.0
    felt = _felt(own, w[FATIGUE + i] - own, w[CROSS + i], prefers, w[SOFTENING + i], w[CROWDING + i])
    p_read = _read_chance(w[RATE + i], felt, w[READ_FATIGUE + i], w[READ_HABIT + i], key_hour, w[HOUR_GAIN + i])
    read = delivered if w[U2 + i] < p_read else 0.0
    w[N_READ + i] += read
    # As in the past (`usual`) means as measured: timing and wear are already in the clock's own pace.
    near = _near(_gaps(day, w[LAST_ORDER + i], w[MEAN_GAP + i]))
    timing = w[TIMING_GAIN + i] * (1.0 - usual) if near else 0.0
    worth = _gain(w[GAIN_DAYS + i] * gain, w[SAID + i], w[OFFER_GAIN + i], discount, timing)
    fresh = _novelty(w[TEMPLATE_WEAR + i] * (1.0 - usual), w[NOVELTY_WEAR + i])
    worth = worth * fresh * _left(felt, w[FATIGUE_RESPONSE + i])
    dog = read * w[IS_DOG + i]
    w[GAIN + i] = worth * (read - dog)
    wakes = (dog > 0.0) & (w[U2 + i] < p_read * w[DOG_LEAVES + i])
    w[QUIT_ON + i] = min(w[QUIT_ON + i], day) if wakes else w[QUIT_ON + i]
    offered = (read > 0.0) & (discount > 0.0)
    w[OFFER_UNTIL + i] = day + valid - 1.0 if offered else w[OFFER_UNTIL + i]
    w[OFFER_SHARE + i] = discount if offered else w[OFFER_SHARE + i]
    change = _trust_step(service, push, w[TRUST_SERVICE + i], w[TRUST_PUSH + i])
    w[TRUST + i] = _after_touch(trust_now, change * read)
    w[TEMPLATE_WEAR + i] += read
    p_gone = _deleted(w[DELETION + i] * annoyance, w[DELETION_FATIGUE + i], felt, trust_now) * needs_contact
    p_refused = _refusal(w[REFUSAL + i] * annoyance, w[DELETION_FATIGUE + i], felt)
    gone = delivered if w[U3 + i] < p_gone else 0.0
    w[CONTACT + i] -= gone
    w[N_LOST + i] += gone
    refused = delivered - gone if w[U3 + i] < p_gone + p_refused else 0.0
    w[REFUSED + i] = max(w[REFUSED + i], refused)
    w[N_REFUSED + i] += refused
    w[OWN + i] = own + annoyance * delivered
    w[FATIGUE + i] += annoyance * delivered
