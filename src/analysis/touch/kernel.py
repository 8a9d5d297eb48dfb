"""The compiled simulation: rows of customers, replicates side by side, strategy by strategy, all in one pass.

For each row (a customer) the moments of its purchase clocks are drawn once and met by all strategies. A strategy then
walks over the days on which one of its steps is looked at: first the moments since then become orders or not, then
touches are sent to the whole row of replicates at once. Days in between cost nothing: what fades, fades in closed form.
Nothing is kept of a row but its totals.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from analysis.touch.compiled import cached, part
from analysis.touch.kernel_need import draw_moments, draw_row, settle_past
from analysis.touch.kernel_orders import live_through
from analysis.touch.kernel_rows import add_row, copy_row
from analysis.touch.kernel_touch import send
from analysis.touch.layout import ENTRY, FIRST_EFFECT, LANES, PLACE, PULSES, STEP_REALS, TEMPLATES
from analysis.touch.response import MEMORY_DAYS

__all__ = ["Customers", "Desk", "Moments", "Program", "Pulses", "World", "simulate_rows"]

L: Final = LANES
_N_ENTRIES: Final = len(ENTRY)
_N_TEMPLATES: Final = len(TEMPLATES)
_NEVER: Final = np.float32(1e9)
_LONG_AGO: Final = np.float32(-1e4)

_IS_PAST: Final = STEP_REALS.index("is_past")
_FIRST_EFFECT: Final = FIRST_EFFECT
# Counts lie together: all are set to 0 at once.
_FIRST_COUNT, _LAST_COUNT = PLACE["N_ORDERS"], PLACE["N_WON_BACK"] + LANES
_CONTACT, _CONTACT_VALUE, _COUPONS, _DEBT = (
    PLACE[name] for name in ("CONTACT", "CONTACT_VALUE", "COUPON_SHARES", "DEBT")
)
_FATIGUE, _FIRST_DEBT, _FIRST_LAST_ORDER, _GAIN = (
    PLACE[name] for name in ("FATIGUE", "FIRST_DEBT", "FIRST_LAST_ORDER", "GAIN")
)
_HABIT, _HABIT_DAY, _HOLDOUT_DRAW, _IS_CONTACT = (
    PLACE[name] for name in ("HABIT", "HABIT_DAY", "HOLDOUT_DRAW", "IS_CONTACT")
)
_LAST_ORDER, _LEAVES_ON, _LEFT_AT, _MARGIN = (PLACE[name] for name in ("LAST_ORDER", "LEAVES_ON", "LEFT_AT", "MARGIN"))
_MINUTES, _N_ASSIGNED, _N_BORROWED, _N_CONFIRMED = (
    PLACE[name] for name in ("MINUTES", "N_ASSIGNED", "N_BORROWED", "N_CONFIRMED")
)
_N_DELIVERED, _N_EXTRA, _N_LOST, _N_ORDERS = (PLACE[name] for name in ("N_DELIVERED", "N_EXTRA", "N_LOST", "N_ORDERS"))
_N_READ, _N_REDEEMED, _N_REDEEMED_EXTRA, _N_REFUSED = (
    PLACE[name] for name in ("N_READ", "N_REDEEMED", "N_REDEEMED_EXTRA", "N_REFUSED")
)
_N_WON_BACK, _OFFER_SHARE, _OFFER_UNTIL, _ORDERED = (
    PLACE[name] for name in ("N_WON_BACK", "OFFER_SHARE", "OFFER_UNTIL", "ORDERED")
)
_ORDER_VALUE, _QUIT_ON, _QUO_FATIGUE, _REACHED = (
    PLACE[name] for name in ("ORDER_VALUE", "QUIT_ON", "QUO_FATIGUE", "REACHED")
)
_SECOND_DROPOUT, _SECOND_LIFE, _SEGMENT, _TOUCH_COSTS = (
    PLACE[name] for name in ("SECOND_LIFE_DROPOUT", "SECOND_LIFE", "SEGMENT", "TOUCH_COSTS")
)
_TRUST, _WEAR, _LAST_GAIN = (PLACE[name] for name in ("TRUST", "WEAR", "LAST_GAIN"))
_E_ASSIGNED, _E_BORROWED, _E_CONFIRMED, _E_COUPONS = (
    ENTRY[name] for name in ("assigned", "borrowed_orders", "confirmed", "coupons")
)
_E_DELETIONS, _E_DELIVERED, _E_EXTRA, _E_FIXED = (
    ENTRY[name] for name in ("deletions", "delivered", "extra_orders", "fixed_costs")
)
_E_LAPSED, _E_LOST, _E_MARGIN, _E_MINUTES = (
    ENTRY[name] for name in ("lapsed", "lost_contacts", "margin", "staff_minutes")
)
_E_ORDERS, _E_REACHED, _E_REACHED_REPURCHASERS, _E_READ = (
    ENTRY[name] for name in ("orders", "reached", "reached_repurchasers", "read")
)
_E_REDEEMED, _E_REDEEMED_EXTRA, _E_REFUSALS, _E_REPURCHASERS = (
    ENTRY[name] for name in ("redeemed", "redeemed_extra", "refusals", "repurchasers")
)
_E_STAFF_COSTS, _E_TOUCH_COSTS, _E_WEAR, _E_WON_BACK = (
    ENTRY[name] for name in ("staff_costs", "touch_costs", "account_wear", "won_back")
)


class Customers(NamedTuple):
    """All customers, best first, one row each.

    Attributes:
        key: Two words of each customer's random numbers.
        columns: ``layout.CUSTOMER_COLUMNS``.
        history: Assigned touches a day of the past, per channel.
        refuses: 1 where a channel is refused, per channel.
        eligible: 1 where a step's audience holds the customer, per step.
        step_day: Day on which a step with a day column is due, per such step; -1 never.
    """

    key: Any
    columns: Any
    history: Any
    refuses: Any
    eligible: Any
    step_day: Any


class World(NamedTuple):
    """What a group of replicates shares over all customers; (…, ``LANES``) unless said.

    Attributes:
        seed: Two words.
        replicate: Number of each replicate.
        drawn_as: Number of the replicate whose customers each takes, where rows are drawn.
        effects: Effect sizes, in the order of ``EFFECTS``.
        read_rate: Read rate of a rested customer, per channel.
        confirmed: Share of assigned touches that staff confirm, per channel.
        template_gain: What a touch says, as a multiple of plain content, per template.
        weights: Share of a touch's effect on each day after it.
        quo_left: Share of the effect of the touches before day 0 that works on each day.
        fatigue_left: What is left of fatigue after so many days.
        trust_left: The same for trust.
        wear_left: The same for wear of a template.
        season: Days of an ordinary season passed by each morning, (days + 1,).
        first_guess: Day at or before a moment of ordinary time, ``guesses_per_day`` of them a day.
        guesses_per_day: One number.
    """

    seed: Any
    replicate: Any
    drawn_as: Any
    effects: Any
    read_rate: Any
    confirmed: Any
    template_gain: Any
    weights: Any
    quo_left: Any
    fatigue_left: Any
    trust_left: Any
    wear_left: Any
    season: Any
    first_guess: Any
    guesses_per_day: Any


class Program(NamedTuple):
    """The strategies as numbers.

    Attributes:
        first_step: First step of each strategy, and one more.
        first_limit: First limit of each strategy, and one more.
        order: Strategies in the order they are worked on; the one without touches first.
        holdout: Share left untouched, per strategy.
        budget: Budget of a month, per strategy; 0 without one.
        step_ints: ``layout.STEP_INTS`` per step.
        step_reals: ``layout.STEP_REALS`` per step.
        position: Place of each step in the day's random numbers.
        due: 1 where a step's audience is looked at, (steps, days).
        busy: 1 where any of a strategy's steps is, (strategies, days).
        on_assign: Limits met when a step's touch is assigned, (steps, most); -1 for none.
        on_deliver: Limits met when it is delivered.
        limit_place: Place of each limit within its strategy.
        limits: Most touches in the window, (limits, days).
        window: Number of the window, (limits, days).
        month: Number of the month, per day.
        channels: ``layout.CHANNEL_REALS`` per channel.
        checkpoints: Days after which totals are taken.
        wage_per_minute: One number.
        n_segments: One number.
    """

    first_step: Any
    first_limit: Any
    order: Any
    holdout: Any
    budget: Any
    step_ints: Any
    step_reals: Any
    position: Any
    due: Any
    busy: Any
    on_assign: Any
    on_deliver: Any
    limit_place: Any
    limits: Any
    window: Any
    month: Any
    channels: Any
    checkpoints: Any
    wage_per_minute: Any
    n_segments: Any


class Moments(NamedTuple):
    """Room for the moments of one row."""

    lane: Any
    day: Any
    kind: Any
    chance: Any
    redeem: Any
    other: Any
    order: Any
    starts: Any


class Desk(NamedTuple):
    """The memory one group of replicates is worked on in; ``layout`` says where things lie in ``w``.

    Attributes:
        rows: Places of the rows that depend on the book.
        w: Everything that differs from replicate to replicate.
        v: The rows that depend on the book, (rows, ``LANES``).
        who: The customer of each replicate.
        moments: Moments of the row.
        pulses: Touches that still work.
        since: Days to which stocks were brought forward: per channel, all channels, trust, per template; then the
            window that each limit counts.
        spent: Spending per strategy and month: per replicate, and the budget behind them.
        untouched: The row's totals without touches per checkpoint, and those of the strategy at work.
        totals: Totals of all rows: strategy, checkpoint, segment, entry, replicate.
    """

    rows: Any
    w: Any
    v: Any
    who: Any
    moments: Any
    pulses: Any
    since: Any
    spent: Any
    untouched: Any
    totals: Any


class Pulses(NamedTuple):
    """Touches that still work: a ring of rows of gains with their days; those from ``first`` to ``end`` are in use."""

    day: Any
    gain: Any
    first: Any
    end: Any


def _simulate_rows(
    first_row: Any, last_row: Any, n_rows: Any, customers: Any, world: Any, program: Any, desk: Any
) -> Any:
    """Simulate some rows under all strategies and add to the totals.

    Returns:
        The row that could not be simulated for want of room for its moments; ``last_row`` if all were.
    """
    w, who, moments = desk.w, desk.who, desk.moments
    # A row of a sample holds another customer per replicate, unless they share theirs.
    mixed = n_rows < customers.columns.shape[0] and world.drawn_as[0] != world.drawn_as[L - 1]
    effects = w[_FIRST_EFFECT : _FIRST_EFFECT + len(world.effects)]
    for n in range(len(effects)):
        effects[n] = world.effects[n]
    for row in range(first_row, last_row):
        draw_row(row, n_rows, customers, world, w, who)
        settle_past(customers, world, program, desk)
        found = draw_moments(customers, world, w, who, moments)
        if found < 0:
            return row
        _sort_by_day(found, moments)
        for place in range(len(program.order)):
            s = program.order[place]
            touched = _choose(s, mixed, customers, program, desk)
            if place > 0 and not touched:
                _add_untouched(s, mixed, program, desk)
            else:
                _run(s, place == 0, mixed, customers, world, program, desk)
    return last_row


@part
def _sort_by_day(found: Any, moments: Any) -> None:
    """Order the moments by day, each replicate's in its own order (counting sort)."""
    starts = moments.starts
    for d in range(len(starts)):
        starts[d] = 0
    for m in range(found):
        starts[moments.day[m] + 2] += 1
    for d in range(2, len(starts)):
        starts[d] += starts[d - 1]
    for m in range(found):
        d = moments.day[m] + 1
        moments.order[starts[d]] = m
        starts[d] += 1


@part
def _choose(s: Any, mixed: Any, customers: Any, program: Any, desk: Any) -> Any:
    """Mark whom each step's audience holds, the holdout left out; return whether there is anybody."""
    rows, w, v, who = desk.rows, desk.w, desk.v, desk.who
    found = np.float32(0.0)
    for k in range(program.first_step[s], program.first_step[s + 1]):
        row = rows.eligible + k - program.first_step[s]
        if program.step_reals[k, _IS_PAST] > 0.0:
            for i in range(L):
                v[row, i] = 1.0 if v[rows.history + program.step_ints[k, 0], i] > 0.0 else 0.0
        elif not mixed:
            chosen = np.float32(customers.eligible[who[0], k])
            for i in range(L):
                v[row, i] = 0.0 if w[_HOLDOUT_DRAW + i] < program.holdout[s] else chosen
        else:
            for i in range(L):
                held = w[_HOLDOUT_DRAW + i] < program.holdout[s]
                v[row, i] = 0.0 if held else np.float32(customers.eligible[who[i], k])
        for i in range(L):
            found += v[row, i]
    return found > 0


@part
def _run(s: Any, is_untouched: Any, mixed: Any, customers: Any, world: Any, program: Any, desk: Any) -> None:
    """Run one strategy on one row over all days."""
    w, moments, pulses = desk.w, desk.moments, desk.pulses
    calm = program.channels.shape[0] + 1  # since when trust rests
    first_step = program.first_step[s]
    _begin(s, program, desk)
    done, checkpoint = 0, 0
    for day in range(program.due.shape[1]):
        if program.busy[s, day]:
            live_through(done, moments.starts[day], moments, world, w, pulses, desk.since[calm])
            done = moments.starts[day]
            _open_windows(s, day, program, desk)
            for k in range(first_step, program.first_step[s + 1]):
                if program.due[k, day] and send(s, k, day, customers, world, program, desk):
                    _keep_pulse(day, w, pulses)
        if day + 1 == program.checkpoints[checkpoint]:
            live_through(done, moments.starts[day + 1], moments, world, w, pulses, desk.since[calm])
            done = moments.starts[day + 1]
            _take_totals(s, checkpoint, np.float32(day), is_untouched, mixed, program, desk)
            checkpoint += 1


@part
def _begin(s: Any, program: Any, desk: Any) -> None:
    """Set a strategy's state to that of the morning of the first day."""
    rows, w, v, since, pulses = desk.rows, desk.w, desk.v, desk.since, desk.pulses
    n = program.channels.shape[0]
    steps, limits = (
        program.first_step[s + 1] - program.first_step[s],
        program.first_limit[s + 1] - program.first_limit[s],
    )
    for i in range(_FIRST_COUNT, _LAST_COUNT):
        w[i] = 0.0
    for i in range(L):
        w[_CONTACT + i] = w[_IS_CONTACT + i]
        w[_FATIGUE + i] = w[_QUO_FATIGUE + i]
        w[_TRUST + i] = 1.0
        w[_DEBT + i] = w[_FIRST_DEBT + i]
        w[_LAST_ORDER + i] = w[_FIRST_LAST_ORDER + i]
        w[_ORDERED + i] = 0.0
        w[_OFFER_UNTIL + i] = -1.0
        w[_OFFER_SHARE + i] = 0.0
        w[_REACHED + i] = 0.0
        w[_HABIT + i] = 0.0
        w[_HABIT_DAY + i] = 0.0
        w[_QUIT_ON + i] = _NEVER
        w[_SECOND_LIFE + i] = 0.0
        w[_SECOND_DROPOUT + i] = 0.0
        w[_LAST_GAIN + i] = _LONG_AGO
    _begin_rows(n, steps, limits, rows, v)
    for c in range(len(since)):
        since[c] = 0
    pulses.first[0] = 0
    pulses.end[0] = 0


@part
def _begin_rows(n: Any, steps: Any, limits: Any, rows: Any, v: Any) -> None:
    for c in range(n):
        copy_row(v, (rows.stocks + c) * L, v, (rows.quo_stocks + c) * L)
        copy_row(v, (rows.refused + c) * L, v, (rows.first_refused + c) * L)
    for row in range(rows.wear, rows.wear + _N_TEMPLATES):
        for i in range(L):
            v[row, i] = 0.0
    for row in range(rows.last_touch, rows.last_touch + steps):
        for i in range(L):
            v[row, i] = _LONG_AGO
    for row in range(rows.counts, rows.counts + limits):
        for i in range(L):
            v[row, i] = 0.0


@part
def _open_windows(s: Any, day: Any, program: Any, desk: Any) -> None:
    """Start the counts of limits again whose window has changed."""
    first, last = program.first_limit[s], program.first_limit[s + 1]
    n = program.channels.shape[0] + 2 + _N_TEMPLATES
    for limit in range(first, last):
        place, window = limit - first, program.window[limit, day]
        if desk.since[n + place] != window:
            desk.since[n + place] = window
            for i in range(L):
                desk.v[desk.rows.counts + place, i] = 0.0


@part
def _keep_pulse(day: Any, w: Any, pulses: Any) -> None:
    """Remember what today's touches will sell; touches that no longer work make room."""
    while pulses.first[0] < pulses.end[0] and day - pulses.day[pulses.first[0] & (PULSES - 1)] >= MEMORY_DAYS:
        pulses.first[0] += 1
    slot = (pulses.end[0] - 1) & (PULSES - 1)
    now = np.float32(day)
    for i in range(L):
        gain, last = w[_GAIN + i], w[_LAST_GAIN + i]
        w[_LAST_GAIN + i] = now if gain > 0.0 else last
    if pulses.end[0] > pulses.first[0] and pulses.day[slot] == day:
        add_row(pulses.gain, slot * L, w, _GAIN)
    else:
        slot = pulses.end[0] & (PULSES - 1)
        pulses.day[slot] = day
        pulses.end[0] += 1
        copy_row(pulses.gain, slot * L, w, _GAIN)


@part
def _take_totals(s: Any, checkpoint: Any, day: Any, is_untouched: Any, mixed: Any, program: Any, desk: Any) -> None:
    """Write a row's totals so far, and add them to those of all rows."""
    w, untouched = desk.w, desk.untouched
    v = checkpoint if is_untouched else len(program.checkpoints)
    wage = program.wage_per_minute
    for i in range(L):
        untouched[v, _E_MARGIN + i] = w[_N_ORDERS + i] * float(w[_MARGIN + i])
        untouched[v, _E_COUPONS + i] = -w[_COUPONS + i] * float(w[_ORDER_VALUE + i])
        untouched[v, _E_TOUCH_COSTS + i] = -w[_TOUCH_COSTS + i]
        untouched[v, _E_STAFF_COSTS + i] = -w[_MINUTES + i] * wage
        untouched[v, _E_WEAR + i] = -w[_WEAR + i]
        untouched[v, _E_LOST + i] = -w[_N_LOST + i] * float(w[_CONTACT_VALUE + i])
        untouched[v, _E_FIXED + i] = 0.0
    for i in range(L):
        untouched[v, _E_ORDERS + i] = w[_N_ORDERS + i]
        untouched[v, _E_EXTRA + i] = w[_N_EXTRA + i]
        untouched[v, _E_BORROWED + i] = w[_N_BORROWED + i]
        untouched[v, _E_REPURCHASERS + i] = w[_ORDERED + i]
        untouched[v, _E_ASSIGNED + i] = w[_N_ASSIGNED + i]
        untouched[v, _E_CONFIRMED + i] = w[_N_CONFIRMED + i]
        untouched[v, _E_DELIVERED + i] = w[_N_DELIVERED + i]
        untouched[v, _E_READ + i] = w[_N_READ + i]
        untouched[v, _E_REDEEMED + i] = w[_N_REDEEMED + i]
        untouched[v, _E_REDEEMED_EXTRA + i] = w[_N_REDEEMED_EXTRA + i]
        untouched[v, _E_MINUTES + i] = w[_MINUTES + i]
    for i in range(L):
        untouched[v, _E_REACHED + i] = w[_REACHED + i]
        untouched[v, _E_REFUSALS + i] = w[_N_REFUSED + i]
        untouched[v, _E_WON_BACK + i] = w[_N_WON_BACK + i]
        gone = (w[_CONTACT + i] <= 0.0) | (w[_LEAVES_ON + i] < day + 1.0)
        untouched[v, _E_DELETIONS + i] = w[_IS_CONTACT + i] if gone else 0.0
        left = ((w[_LEFT_AT + i] <= day) | (w[_QUIT_ON + i] <= day)) & (w[_SECOND_LIFE + i] <= 0.0)
        untouched[v, _E_LAPSED + i] = 1.0 if left else 0.0
    for i in range(L):
        again = untouched[checkpoint, _E_REPURCHASERS + i]
        untouched[v, _E_REACHED_REPURCHASERS + i] = w[_REACHED + i] * again
    _add_totals(s, checkpoint, v, mixed, program, desk)


@part
def _add_untouched(s: Any, mixed: Any, program: Any, desk: Any) -> None:
    """Add a row that a strategy leaves alone: what happened there untouched."""
    for checkpoint in range(len(program.checkpoints)):
        _add_totals(s, checkpoint, checkpoint, mixed, program, desk)


@part
def _add_totals(s: Any, checkpoint: Any, v: Any, mixed: Any, program: Any, desk: Any) -> None:
    w, untouched, totals = desk.w, desk.untouched, desk.totals
    block = (s * len(program.checkpoints) + checkpoint) * program.n_segments
    if not mixed or program.n_segments == 1:
        block += int(w[_SEGMENT])
        for n in range(_N_ENTRIES * L):
            totals[block, n] += untouched[v, n]
    else:
        for i in range(L):
            for e in range(0, _N_ENTRIES * L, L):
                totals[block + int(w[_SEGMENT + i]), e + i] += untouched[v, e + i]


simulate_rows = cached(_simulate_rows)
