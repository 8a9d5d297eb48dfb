"""The schedules a customer could get within the plan: one touch, or two on different days, each allowed by the rules.

What breaks a rule is never offered, so no choice among the schedules can break one. Of all possible schedules a
customer keeps those that earn most, spread over the days so that staff's days can be levelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.touch.plan.permission import RuleWindow
from analysis.touch.plan.problem import Floats, Ints

__all__ = ["NO_TOUCH", "Offers", "Schedules", "possible_schedules"]

Flags = npt.NDArray[np.bool_]
Small = npt.NDArray[np.int8]

NO_TOUCH: Final = -1
"""Message and day of a second touch that is not there."""
_MESSAGES: Final = 3  # a customer's messages that are combined: those that earn most
_ASKED_FOR: Final = 1e9  # currency: a message somebody asked for is combined before all others
_CHUNK: Final = 20_000
_SPREAD: Final = 0.02  # relative noise by which days of equal worth are ranked


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What those of a plan's customers who can be touched at all could get.

    Attributes:
        customers: How many the plan has.
        rows: Places of those described here, rising; all else is of them, in this order.
        gain: What one touch brings on an ordinary day, and an earlier touch weakens; rows × messages, currency.
        burden: What it costs all the same; rows × messages.
        timely: Factor of ``gain`` on each day; rows × days.
        allowed: Whether a touch on its own breaks no rule; rows × messages × days.
        wanted: What somebody asked for: kept even if it earns nothing; rows × messages.
        windows: Caps, for two touches together.
    """

    customers: int
    rows: npt.NDArray[np.int64]
    gain: Floats
    burden: Floats
    timely: Floats
    allowed: Flags
    wanted: Flags
    windows: Sequence[RuleWindow]

    def hopeful(self) -> npt.NDArray[np.int64]:
        """Return which of the rows may get a touch that earns something, or that somebody asked for."""
        best = np.maximum(
            self.gain * self.timely.max(axis=1, keepdims=True), self.gain * self.timely.min(axis=1, keepdims=True)
        )
        return np.flatnonzero((((best - self.burden > 0) | self.wanted) & self.allowed.any(axis=2)).any(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """Schedules of all customers, one after the other.

    Attributes:
        first: Customer i's schedules are ``first[i]`` to ``first[i + 1] - 1``.
        message: Of the first and the second touch; schedules × 2.
        day: Of both touches.
        value: What the schedule earns, currency.
    """

    first: Ints
    message: Small
    day: Small
    value: npt.NDArray[np.float32]


def possible_schedules(
    offers: Offers,
    *,
    left: Floats,
    channels: Sequence[str],
    cooldown_days: Sequence[int],
    keep: int,
    twice: bool,
    seed: int,
) -> Schedules:
    """Return the schedules worth considering, of all the plan's customers.

    Args:
        offers: What customers could get.
        left: Share of ``gain`` that a first message leaves to a second so many days later; messages × messages × days.
        channels: Of the messages.
        cooldown_days: Of the messages.
        keep: Schedules kept for a customer at most.
        twice: Whether a customer may get two touches.
        seed: Of the noise that spreads days of equal worth.
    """
    n, m, days = offers.customers, len(channels), offers.timely.shape[1]
    rng = np.random.default_rng([seed, 0x5C4ED])
    ruled = np.array([[channel in w.channels for channel in channels] for w in offers.windows], dtype=bool)
    # A message rests only after its own channel.
    alike = np.array([[before == after for after in channels] for before in channels], dtype=bool).reshape(m, m)
    rests = np.where(alike, np.array(cooldown_days, dtype=np.int64)[None, :], 0)
    hopeful = offers.hopeful()
    places = offers.rows[hopeful]
    parts: list[tuple[Ints, Small, Small, npt.NDArray[np.float32]]] = []
    for begin in range(0, max(n, 1), _CHUNK):
        low, high = np.searchsorted(places, (begin, begin + _CHUNK))
        rows = hopeful[low:high]
        gain = offers.gain[rows, :, None] * offers.timely[rows, None, :]
        value = np.where(offers.allowed[rows], gain - offers.burden[rows, :, None], -np.inf)
        best: Floats = value.max(axis=2, initial=-np.inf) + np.where(offers.wanted[rows], _ASKED_FOR, 0.0)
        top = np.argsort(-best, axis=1, kind="stable")[:, :_MESSAGES]
        single = np.take_along_axis(value, top[:, :, None], axis=1)
        asked = np.take_along_axis(offers.wanted[rows], top, axis=1)
        offered = [_singles(single, asked=asked)]
        if twice and days > 1:
            second = np.take_along_axis(gain, top[:, :, None], axis=1)
            fits = _joint(offers.windows, ruled.reshape(-1, m), top=top, rows=rows, days=days)
            offered.append(_pairs(single, second=second, top=top, fits=fits, left=left, rests=rests))
        # Noise is drawn for everybody: who else can be touched changes nobody's days.
        noise = [rng.random((min(_CHUNK, n - begin), kind.value.shape[1])) for kind in offered]
        mine = places[low:high] - begin
        parts.append(_kept(offered, top=top, keep=keep, noise=[drawn[mine] for drawn in noise]))
    counts = np.zeros(n, dtype=np.int32)
    counts[places] = np.concatenate([part[0] for part in parts])
    return Schedules(
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        message=np.concatenate([part[1] for part in parts]),
        day=np.concatenate([part[2] for part in parts]),
        value=np.concatenate([part[3] for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class _Offered:
    """Alternatives of a chunk: their value (-inf: none), customers × alternatives, and what each of them is.

    Attributes:
        value: Currency.
        place: By alternative: places of its first and second message among those that the customer combines.
        day: By alternative: days of both.
        boost: Added where alternatives are ranked: what somebody asked for is kept.
        share: Of what is kept.
    """

    value: Floats
    place: Small
    day: Small
    boost: Floats
    share: float


def _singles(single: Floats, *, asked: Flags) -> _Offered:
    c, k, days = single.shape
    value = np.where((single > 0) | asked[:, :, None], single, -np.inf).reshape(c, k * days)
    place = np.full((k * days, 2), NO_TOUCH, dtype=np.int8)
    place[:, 0] = np.repeat(np.arange(k), days)
    day = np.full((k * days, 2), NO_TOUCH, dtype=np.int8)
    day[:, 0] = np.tile(np.arange(days), k)
    boost = np.repeat(np.where(asked, _ASKED_FOR, 0.0), days, axis=1)
    return _Offered(value, place, day, boost, 0.6)


def _joint(
    windows: Sequence[RuleWindow], ruled: Flags, *, top: npt.NDArray[np.intp], rows: npt.NDArray[np.int64], days: int
) -> dict[tuple[int, int, int, int], Flags]:
    """Return for places a, b and days d < e whether touches on both days together keep every cap."""
    full = {
        (w, d, e): window.used[rows, e] + 2 > window.limit[e]
        for w, window in enumerate(windows)
        for d, e in combinations(range(days), 2)
        if window.together[d, e]
    }
    fits = {}
    for a, b in permutations(range(top.shape[1]), 2):
        both = [ruled[w][top[:, a]] & ruled[w][top[:, b]] for w in range(len(windows))]
        for d, e in combinations(range(days), 2):
            fine = np.ones(len(top), dtype=bool)
            for w in range(len(windows)):
                if (w, d, e) in full:
                    fine &= ~(both[w] & full[w, d, e])
            fits[a, b, d, e] = fine
    return fits


def _pairs(
    single: Floats,
    *,
    second: Floats,
    top: npt.NDArray[np.intp],
    fits: dict[tuple[int, int, int, int], Flags],
    left: Floats,
    rests: npt.NDArray[np.int64],
) -> _Offered:
    """Return both touches of every pair; ``rests`` is how many days a second message waits for a first."""
    c = len(single)
    value = np.empty((len(fits), c))
    alone, again = (np.ascontiguousarray(part.transpose(1, 2, 0)) for part in (single, second))
    for p, ((a, b, d, e), fine) in enumerate(fits.items()):
        before, after = top[:, a], top[:, b]
        sold = alone[b, e] - again[b, e] * (1 - left[:, :, e - d][before, after])
        # Each of the two must add something: else the single touch is the better schedule.
        worthwhile = fine & (rests <= e - d)[before, after] & (alone[a, d] > 0) & (sold > 0)
        value[p] = np.where(worthwhile, alone[a, d] + np.where(worthwhile, sold, 0.0), -np.inf)
    pairs = np.array(list(fits), dtype=np.int8).reshape(-1, 4)
    return _Offered(np.ascontiguousarray(value.T), pairs[:, :2], pairs[:, 2:], np.zeros((c, 1)), 0.4)


def _kept(
    offered: list[_Offered], *, top: npt.NDArray[np.intp], keep: int, noise: list[Floats]
) -> tuple[Ints, Small, Small, npt.NDArray[np.float32]]:
    """Return counts by customer and the alternatives kept, by descending value within each customer."""
    values, places, days = [], [], []
    for kind, drawn in zip(offered, noise, strict=True):
        most = keep if len(offered) == 1 else max(1, round(keep * kind.share))
        noisy: Floats = kind.value * (1 + _SPREAD * drawn) + kind.boost
        chosen = np.argsort(-noisy, axis=1, kind="stable")[:, :most]
        values.append(np.take_along_axis(kind.value, chosen, axis=1))
        places.append(kind.place[chosen])
        days.append(kind.day[chosen])
    value, place, day = (np.concatenate(part, axis=1) for part in (values, places, days))
    order = np.argsort(np.negative(value), axis=1, kind="stable")
    value = np.take_along_axis(value, order, axis=1)
    there = np.isfinite(value)
    customer = np.repeat(np.arange(len(top)), there.sum(axis=1))
    place, day = (np.take_along_axis(part, order[:, :, None], axis=1)[there] for part in (place, day))
    message = np.where(place >= 0, top[customer[:, None], place], NO_TOUCH).astype(np.int8)
    return there.sum(axis=1).astype(np.int32), message, day, value[there].astype(np.float32)
