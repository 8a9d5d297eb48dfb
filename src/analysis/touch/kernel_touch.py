"""The compiled simulation, part two: one touch of a row: assigned, confirmed by staff, delivered under caps, read."""

from typing import Any, Final

import numpy as np

from analysis.touch import deletion, exposure, fatigue, need, response, trust
from analysis.touch.compiled import law, part
from analysis.touch.layout import CHANNEL_REALS, EFFECT, LANES, PLACE, STEP_INTS, STEP_REALS
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
_CHANNEL, _TEMPLATE, _HAS_COOLDOWN, _HAS_WINDOW, _HAS_DAY, _USUAL, _AFTER, _HAS_ORDER = range(len(STEP_INTS))
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
SAID = PLACE["SAID"]
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
    _fetch(place, ints, world, customers, desk)
    if not _assign(s, k, day, now, customers, world, program, desk):
        return False
    for i in range(L):
        w[OPEN + i] = 1.0
    for j in range(program.on_deliver.shape[1]):
        limit = program.on_deliver[k, j]
        if limit >= 0:
            _keep_open(rows.counts + program.limit_place[limit], program.limits[limit, day], w, v)
    _bring_forward(day, c, t, world, program.channels.shape[0], desk)
    _deliver(now, channel, w)
    _react(now, np.float32(c), np.float32(ints[_USUAL]), reals, channel, w)
    _store(place, c, t, rows, w, v)
    _count(program.on_deliver[k], program.limit_place, rows.counts, w[OPEN : OPEN + L], v)
    return True


@part
def _assign(s: Any, k: Any, day: Any, now: Any, customers: Any, world: Any, program: Any, desk: Any) -> Any:
    """Mark in ``DUE`` whom the step touches today, within the strategy's own limits; return whether anybody."""
    rows, w, v = desk.rows, desk.w, desk.v
    ints, reals = program.step_ints[k], program.step_reals[k]
    channel = program.channels[ints[_CHANNEL]]
    due = _find_due(now, ints, reals, channel[_NEEDS_CONTACT], w)
    for j in range(program.on_assign.shape[1]):
        limit = program.on_assign[k, j]
        if limit >= 0 and due > 0:
            due = _keep_due(rows.counts + program.limit_place[limit], program.limits[limit, day], w, v)
    if due > 0:
        _draw_luck(customers, world, w, desk.who, np.uint32(_TOUCH | (program.position[k] << 16) | day))
        if reals[_PAST] > 0:
            due = _deal_out(rows.history + ints[_CHANNEL], reals[_EVERY], w, v)
        if due > 0 and program.budget[s] > 0:
            due = _within_budget(channel[_EACH], desk.spent[s, program.month[day]], w)
    if due > 0:
        _count(program.on_assign[k], program.limit_place, rows.counts, w[DUE : DUE + L], v)
    return due > 0


@part
def _count(limits: Any, places: Any, counts: Any, marked: Any, v: Any) -> None:
    """Count the marked touches towards some limits."""
    for j in range(len(limits)):
        if limits[j] >= 0:
            row = counts + places[limits[j]]
            for i in range(L):
                v[row, i] += marked[i]


@part
def _fetch(place: Any, ints: Any, world: Any, customers: Any, desk: Any) -> None:
    """Copy what the step works on to its fixed rows."""
    rows, w, v, c, t = desk.rows, desk.w, desk.v, ints[_CHANNEL], ints[_TEMPLATE]
    for i in range(L):
        w[REFUSED + i] = v[rows.refused + c, i]
        w[LAST_TOUCH + i] = v[rows.last_touch + place, i]
        w[DUE + i] = v[rows.eligible + place, i]
    for i in range(L):
        w[CONFIRM + i] = world.confirmed[c, i]
        w[RATE + i] = world.read_rate[c, i]
        w[SAID + i] = world.template_gain[t, i]
    if ints[_HAS_DAY] >= 0:
        for i in range(L):
            w[STEP_DAY + i] = customers.step_day[desk.who[i], ints[_HAS_DAY]]
    if ints[_AFTER] >= 0:
        for i in range(L):
            w[LAST_BEFORE + i] = v[rows.last_touch + ints[_AFTER], i]


@part
def _find_due(day: Any, ints: Any, reals: Any, needs_contact: Any, w: Any) -> Any:
    """Mark in ``DUE`` whom the step touches today: audience, contact, consent, cooldown, need, order, chain."""
    for i in range(L):
        reached = (w[CONTACT + i] > 0.0) & (w[LEAVES_ON + i] >= day + 1.0)
        open_ = w[DUE + i] * (1.0 - w[REFUSED + i])
        w[DUE + i] = open_ if (needs_contact == 0.0) | reached else 0.0
    if ints[_HAS_COOLDOWN] > 0:
        for i in range(L):
            w[DUE + i] = w[DUE + i] if day - w[LAST_TOUCH + i] >= reals[_COOLDOWN] else 0.0
    if ints[_HAS_WINDOW] > 0:
        for i in range(L):
            gaps = _gaps(day, w[LAST_ORDER + i], w[MEAN_GAP + i])
            w[DUE + i] = w[DUE + i] if (gaps >= reals[_LOW]) & (gaps <= reals[_HIGH]) else 0.0
    _narrow_by_days(day, ints, reals, w)
    n = np.float32(0.0)
    for i in range(L):
        n += w[DUE + i]
    return n


@part
def _narrow_by_days(day: Any, ints: Any, reals: Any, w: Any) -> None:
    if ints[_HAS_ORDER] > 0:
        for i in range(L):
            days = np.floor(day - w[LAST_ORDER + i])
            w[DUE + i] = w[DUE + i] if (days >= reals[_FROM]) & (days <= reals[_UNTIL]) else 0.0
    if ints[_HAS_DAY] >= 0:
        for i in range(L):
            w[DUE + i] = w[DUE + i] if w[STEP_DAY + i] == day else 0.0
    if ints[_AFTER] >= 0:
        for i in range(L):
            w[DUE + i] = w[DUE + i] if w[LAST_BEFORE + i] >= w[LAST_ORDER + i] else 0.0


@part
def _keep_due(row: Any, limit: Any, w: Any, v: Any) -> Any:
    """Keep those due whose count is still below a limit."""
    n = np.float32(0.0)
    for i in range(L):
        w[DUE + i] = w[DUE + i] if v[row, i] < limit else 0.0
        n += w[DUE + i]
    return n


@part
def _keep_open(row: Any, limit: Any, w: Any, v: Any) -> None:
    """Keep open whom a cap still lets a touch through to."""
    for i in range(L):
        w[OPEN + i] = w[OPEN + i] if v[row, i] < limit else 0.0


@part
def _draw_luck(customers: Any, world: Any, w: Any, who: Any, address: Any) -> None:
    """Draw four numbers per replicate for a touch: dealt out, confirmed, read, deleted."""
    k0, k1 = world.seed[0], world.seed[1]
    if who[0] == who[L - 1]:
        c0, c1 = customers.key[who[0], 0], customers.key[who[0], 1]
        for i in range(L):
            a, b, c, d = _philox(c0, c1, world.replicate[i], address, k0, k1)
            w[U0 + i], w[U1 + i], w[U2 + i], w[U3 + i] = _uniform(a), _uniform(b), _uniform(c), _uniform(d)
    else:
        for i in range(L):
            c0, c1 = customers.key[who[i], 0], customers.key[who[i], 1]
            a, b, c, d = _philox(c0, c1, world.replicate[i], address, k0, k1)
            w[U0 + i], w[U1 + i], w[U2 + i], w[U3 + i] = _uniform(a), _uniform(b), _uniform(c), _uniform(d)


@part
def _deal_out(row: Any, every: Any, w: Any, v: Any) -> Any:
    """Deal out the touches of the past: each customer at their own rate, so many days' worth at a time."""
    n = np.float32(0.0)
    for i in range(L):
        w[DUE + i] = w[DUE + i] if w[U0 + i] < v[row, i] * every else 0.0
        n += w[DUE + i]
    return n


@part
def _within_budget(each: Any, spent: Any, w: Any) -> Any:
    """Keep whom the month's budget still pays for; rows come best customers first."""
    n = np.float32(0.0)
    for i in range(L):
        pays = spent[i] + each <= spent[L]
        w[DUE + i] = w[DUE + i] if pays else 0.0
        spent[i] += each * w[DUE + i]
        n += w[DUE + i]
    return n


@part
def _bring_forward(n_day: Any, c: Any, t: Any, world: Any, n: Any, desk: Any) -> None:
    """Let the stocks that the touch meets rest until today: its channel's, all channels', trust, its template's."""
    rows, w, v, since = desk.rows, desk.w, desk.v, desk.since
    own, all_, calm, worn = n_day - since[c], n_day - since[n], n_day - since[n + 1], n_day - since[n + 2 + t]
    for i in range(L):
        w[OWN + i] = v[rows.stocks + c, i] * world.fatigue_left[own, i]
    for i in range(L):
        w[FATIGUE + i] *= world.fatigue_left[all_, i]
        w[TRUST + i] = 1.0 + (w[TRUST + i] - 1.0) * world.trust_left[calm, i]
    for i in range(L):
        w[TEMPLATE_WEAR + i] = v[rows.wear + t, i] * world.wear_left[worn, i]
    since[c] = n_day
    since[n] = n_day
    since[n + 1] = n_day
    since[n + 2 + t] = n_day


@part
def _deliver(day: Any, channel: Any, w: Any) -> None:
    """Let staff confirm and the caps pass; ``OPEN`` becomes whom it was delivered to."""
    cost, minutes, wear = channel[_COST], channel[_MINUTES], channel[_C_WEAR]
    for i in range(L):
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
def _react(day: Any, c: Any, usual: Any, reals: Any, channel: Any, w: Any) -> None:
    """Let delivered touches be read, tire, build or cost trust, and sometimes cost contact, channel or customer."""
    discount, valid, key_hour = reals[_DISCOUNT], reals[_VALID], reals[_KEY_HOUR]
    service, push = reals[_SERVICE], reals[_PUSH]
    gain, annoyance, needs_contact = channel[_C_GAIN], channel[_ANNOYANCE], channel[_NEEDS_CONTACT]
    for i in range(L):
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


@part
def _store(place: Any, c: Any, t: Any, rows: Any, w: Any, v: Any) -> None:
    """Copy the fixed rows back to those of the channel, template and step."""
    for i in range(L):
        v[rows.stocks + c, i] = w[OWN + i]
        v[rows.refused + c, i] = w[REFUSED + i]
    for i in range(L):
        v[rows.last_touch + place, i] = w[LAST_TOUCH + i]
        v[rows.wear + t, i] = w[TEMPLATE_WEAR + i]
