"""One day's touches of one strategy: assigned → confirmed by staff → delivered under the caps → read."""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from analysis.touch.chunk import Channel, Chunk, Luck, Setting
from analysis.touch.deletion import deletion_chance
from analysis.touch.exposure import read_chance
from analysis.touch.fatigue import felt_fatigue, response_left
from analysis.touch.policies import CapRule, limit_on, window_of
from analysis.touch.response import touch_gain
from analysis.touch.state import Impulse, PlannedStep, State, add, let_time_pass
from analysis.touch.strategies import Step, Template
from analysis.touch.trust import HIGHEST, LOWEST, trust_step

__all__ = ["send_touches"]

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]

_NEED_WINDOW = (0.8, 1.6)  # need is near when the days since the last order are so many own mean gaps
_GAINS = {
    Template.SERVICE: "service_gain",
    Template.REMINDER: "reminder_gain",
    Template.PROMOTION: "promotion_gain",
}


def send_touches(state: State, *, day: int, chunk: Chunk, setting: Setting, luck: Luck) -> None:
    """Send what is due on that day and let it work."""
    for place, planned in enumerate(state.steps):
        if not planned.step.trigger.due(day, first=setting.first_day):
            continue
        let_time_pass(state, day=day, chunk=chunk)
        numbers = luck(planned.position)
        cells = _assigned(state, planned, place=place, day=day, chunk=chunk, setting=setting, chance=numbers[0])
        if len(cells) == 0:
            continue
        state.last_touch[place, cells] = day
        add(state, "assigned", lane=chunk.lane_of[cells])
        channel = setting.channels[planned.channel]
        cells = _delivered(state, planned, cells=cells, day=day, chunk=chunk, setting=setting, chance=numbers[1])
        _react(state, planned, cells=cells, day=day, chunk=chunk, numbers=numbers[:, cells], channel=channel)


def _assigned(
    state: State, planned: PlannedStep, *, place: int, day: int, chunk: Chunk, setting: Setting, chance: Floats
) -> Ints:
    """Return the cells that the step touches today: audience, contact, cooldown, need, monthly limit, budget."""
    step, channel = planned.step, setting.channels[planned.channel]
    due = planned.chosen.copy()
    if planned.chance is not None:
        due &= chance < planned.chance
    if channel.needs_contact:
        due &= state.contact & (chunk.leaves_on > day)
    if step.cooldown_days:
        due &= day - state.last_touch[place] >= step.cooldown_days
    cells: Ints = np.flatnonzero(due)
    if step.trigger.need_window is not None:
        gaps = (day - state.last_order[cells]) / chunk.columns["mean_gap"][cells]
        lowest, highest = step.trigger.need_window
        cells = cells[(gaps >= lowest) & (gaps <= highest)]
    today = setting.first_day + timedelta(days=day)
    if step.max_per_month is not None:
        counts = _counts(state, f"step {place}", window=(today.year, today.month), cells=len(chunk.lane_of))
        cells = cells[counts[cells] < step.max_per_month]
        counts[cells] += 1
    if state.strategy.budget_per_month is not None:
        cells = _within_budget(state, cells=cells, on=today, chunk=chunk, setting=setting, channel=channel)
    return cells


def _within_budget(state: State, *, cells: Ints, on: date, chunk: Chunk, setting: Setting, channel: Channel) -> Ints:
    """Return the first cells of each lane, best customers first, that the month's budget still pays for."""
    window = (on.year, on.month)
    if state.windows.get("budget") != window:
        state.windows["budget"] = window
        state.spent[:] = 0
    each = channel.cost + channel.staff_minutes / 60 * setting.strategies.economics.wage_per_hour
    if each == 0:
        return cells
    budget = (state.strategy.budget_per_month or 0.0) / setting.scale
    lane = chunk.lane_of[cells]
    place = np.arange(len(cells)) - np.searchsorted(lane, lane)
    kept = state.spent[lane] + (place + 1) * each <= budget
    state.spent += np.bincount(lane[kept], minlength=chunk.lanes) * each
    return cells[kept]


def _delivered(
    state: State, planned: PlannedStep, *, cells: Ints, day: int, chunk: Chunk, setting: Setting, chance: Floats
) -> Ints:
    """Return the cells that staff confirm and the caps let through; minutes and costs are booked."""
    channel = setting.channels[planned.channel]
    cells = cells[chance[cells] < chunk.confirmed[planned.channel][chunk.lane_of[cells]]]
    lane = chunk.lane_of[cells]
    add(state, "confirmed", lane=lane)
    add(state, "staff_minutes", lane=lane, amount=channel.staff_minutes)
    add(
        state, "staff_costs", lane=lane, amount=-channel.staff_minutes / 60 * setting.strategies.economics.wage_per_hour
    )
    today = setting.first_day + timedelta(days=day)
    rules = [rule for rule in setting.caps if channel.name in rule.channels and rule.in_force(today)]
    for rule in rules:
        cells = cells[_count_of(state, rule, on=today, chunk=chunk)[cells] < limit_on(rule, on=today)]
    for rule in rules:
        _count_of(state, rule, on=today, chunk=chunk)[cells] += 1
    add(state, "delivered", lane=chunk.lane_of[cells])
    add(state, "touch_costs", lane=chunk.lane_of[cells], amount=-channel.cost)
    return cells


def _count_of(state: State, rule: CapRule, *, on: date, chunk: Chunk) -> Ints:
    return _counts(state, rule.name, window=window_of(rule, on=on), cells=len(chunk.lane_of))


def _counts(state: State, name: str, *, window: tuple[int, ...], cells: int) -> Ints:
    """Return the counts of the current window; they start again when the window changes."""
    if state.windows.get(name) != window:
        state.windows[name] = window
        state.counts[name] = np.zeros(cells, dtype=np.int16)
    return state.counts[name]


def _react(
    state: State, planned: PlannedStep, *, cells: Ints, day: int, chunk: Chunk, numbers: Floats, channel: Channel
) -> None:
    """Let delivered touches be read, tire, build or cost trust, and sometimes cost the contact."""
    c, lane, effects = planned.channel, chunk.lane_of[cells], chunk.effects
    own = state.fatigue[c][cells]
    others = state.fatigue[:, cells].sum(axis=0) - own
    fatigue = felt_fatigue(own, others=others, cross_channel=effects["cross_channel"][lane])
    chance = read_chance(
        read_rate=chunk.read_rate[c][lane], fatigue=fatigue, read_fatigue=effects["read_fatigue"][lane]
    )
    read = numbers[2] < chance
    _remember(state, planned.step, cells=cells[read], day=day, chunk=chunk, fatigue=fatigue[read], channel=channel)
    if channel.needs_contact:
        gone = numbers[3] < deletion_chance(
            deletion_touch=effects["deletion_touch"][lane] * channel.annoyance,
            deletion_fatigue=effects["deletion_fatigue"][lane],
            fatigue=fatigue,
            trust=state.trust[cells],
        )
        state.contact[cells[gone]] = False
        add(state, "lost_contacts", lane=lane[gone], amount=-chunk.contact_value[cells[gone]])
    state.fatigue[c][cells] += channel.annoyance


def _remember(
    state: State, step: Step, *, cells: Ints, day: int, chunk: Chunk, fatigue: Floats, channel: Channel
) -> None:
    """Keep what read touches will sell, their offer and what they did to trust."""
    lane, effects = chunk.lane_of[cells], chunk.effects
    add(state, "read", lane=lane)
    near = (day - state.last_order[cells]) / chunk.columns["mean_gap"][cells]
    needed = (near >= _NEED_WINDOW[0]) & (near <= _NEED_WINDOW[1])
    template_gain = effects[_GAINS[step.template]][lane] if step.template in _GAINS else np.ones(len(cells))
    # As in the past (`usual`) means as measured: timing is already in the clock's own pace.
    timing = np.where(needed & (step.template is not Template.USUAL), effects["timing_gain"][lane], 0.0)
    gain = np.zeros(len(chunk.lane_of), dtype=np.float32)
    gain[cells] = touch_gain(
        gain_days=effects["gain_days"][lane] * channel.gain,
        template_gain=template_gain,
        offer_gain=effects["offer_gain"][lane],
        discount_share=step.offer.discount_share if step.offer else 0.0,
        timing_gain=timing,
    ) * response_left(fatigue, fatigue_response=effects["fatigue_response"][lane])
    state.impulses.append(Impulse(day=day, gain=gain, highest=float(gain.max(initial=0.0))))
    if step.offer:
        state.offer_until[cells] = day + step.offer.valid_days - 1
        state.offer_share[cells] = step.offer.discount_share
    change = trust_step(step.template, trust_service=effects["trust_service"], trust_push=effects["trust_push"])
    state.trust[cells] = np.clip(state.trust[cells] + change[lane], LOWEST, HIGHEST)
