"""The campaign calendar: what is sent when, to whom it is meant, and what is planted about it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.data.synthetic.brands import CHANNELS, FORMATS, Brand
from analysis.data.synthetic.people import Codes
from analysis.data.synthetic.season import N_DAYS, Floats, is_sale_day

__all__ = [
    "BROADCAST",
    "CAMP",
    "EXPERIMENT",
    "FACTORIAL",
    "FACTORIAL_ARMS",
    "FORMAT_EFFECT",
    "KINDS",
    "LEVERS",
    "OFFERS",
    "TARGET_GOOD",
    "TARGET_LAPSING",
    "Campaigns",
    "draw_campaigns",
]

KINDS: Final = ("broadcast", "target_good", "target_lapsing", "experiment", "factorial", "camp")
BROADCAST, TARGET_GOOD, TARGET_LAPSING, EXPERIMENT, FACTORIAL, CAMP = range(6)

LEVERS: Final = ("content", "offer", "reminder")
"""What a touch works with; content moves motivation, an offer ability, a reminder is a trigger."""

OFFERS: Final = (("none", 0.0), ("coupon_10", 0.10), ("coupon_25", 0.25), ("gift", 0.05))
"""Offers and their depth: the share of the list price they give away when redeemed."""

FORMAT_EFFECT: Final = (1.45, 1.25, 1.1, 1.0, 0.9, 0.6)
"""Planted effect of each content format on reading and buying, in the order of ``FORMATS``."""

FACTORIAL_ARMS: Final = (("profit_self", 1.0), ("profit_others", 0.7), ("emotion_self", 1.3), ("emotion_others", 1.6))
"""Arms of the factorial experiment and their planted effects: emotion helps, most of all for others."""

_CALENDAR_KINDS: Final = (EXPERIMENT, TARGET_GOOD, BROADCAST, TARGET_GOOD, TARGET_LAPSING)
_HOURS: Final = (9, 10, 12, 14, 16, 18, 19, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaigns:
    """The brand's campaigns in order of their start.

    Attributes:
        start: Time of the first send, days.
        channel: Code in ``CHANNELS``.
        kind: Code in ``KINDS``.
        lever: Code in ``LEVERS``.
        offer: Code in ``OFFERS``.
        format: Code in ``FORMATS``.
        template: Number of the wording.
        repeats: How many of the last four campaigns of the channel used the same wording.
        effect: Factor on every response; 0 in planted null campaigns.
        audience: Share of the reachable customers who are taken.
        holdout: Share held out at random; 0 if not an experiment.
        window: Response window, days.
    """

    start: Floats
    channel: Codes
    kind: Codes
    lever: Codes
    offer: Codes
    format: Codes
    template: Codes
    repeats: Codes
    effect: Floats
    audience: Floats
    holdout: Floats
    window: Codes

    @property
    def n(self) -> int:
        """Number of campaigns."""
        return len(self.start)


def draw_campaigns(brand: Brand, *, rng: np.random.Generator) -> Campaigns:
    """Draw a calendar: each week one message to the groups and one campaign, in sale weeks two on one day."""
    rows: list[dict[str, float]] = []
    sale, n_experiments = is_sale_day(), 0
    for week in range(2, N_DAYS // 7):
        day = 7 * week + int(rng.integers(1, 5))
        hour = _HOURS[int(rng.integers(0, len(_HOURS)))]
        kind = _CALENDAR_KINDS[week % len(_CALENDAR_KINDS)]
        rows.append(_row(brand, rng, start=7 * week + 19.5 / 24, channel=1, kind=BROADCAST, audience=1.0))
        if kind == EXPERIMENT:
            n_experiments += 1
            rows.append(_experiment(brand, rng, number=n_experiments, start=day + hour / 24))
        else:
            channel = int(rng.choice(len(CHANNELS), p=np.array(brand.channel_mix) / sum(brand.channel_mix)))
            rows.append(_row(brand, rng, start=day + hour / 24, channel=channel, kind=kind, audience=brand.audience))
            if sale[day] or week % 9 == 4:  # two tasks on one day: the second collides with the first
                rows.append(_row(brand, rng, start=day + hour / 24, channel=0, kind=kind, audience=brand.audience))
                rows.append(_row(brand, rng, start=day + (hour + 2) / 24, channel=0, kind=BROADCAST, audience=0.12))
    rows.append(_row(brand, rng, start=7 * 88 + 20 / 24, channel=1, kind=CAMP, audience=1.0) | {"effect": 4.0})
    rows.sort(key=lambda row: row["start"])
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    whole = {
        name: columns[name].astype(np.int64)
        for name in ("channel", "kind", "lever", "offer", "format", "template", "window")
    }
    return Campaigns(
        start=columns["start"],
        effect=columns["effect"],
        audience=columns["audience"],
        holdout=columns["holdout"],
        repeats=_repeats(whole["channel"], whole["template"]),
        **whole,
    )


def _row(
    brand: Brand, rng: np.random.Generator, *, start: float, channel: int, kind: int, audience: float
) -> dict[str, float]:
    lever = int(rng.choice(3, p=[0.36, 0.40, 0.24]))
    style = int(rng.choice(len(FORMATS), p=[0.14, 0.18, 0.16, 0.14, 0.16, 0.22]))
    return {
        "start": start,
        "channel": channel,
        "kind": kind,
        "lever": lever,
        "offer": int(rng.integers(1, len(OFFERS))) if lever == 1 else 0,
        "format": style,
        "template": style * 4 + int(rng.integers(0, 3)),
        "effect": 0.35 if channel == 1 else 1.0,
        "audience": audience,
        "holdout": 0.0,
        "window": 14 if brand.staged else 7,
    }


def _experiment(brand: Brand, rng: np.random.Generator, *, number: int, start: float) -> dict[str, float]:
    """Return a randomised campaign: every fourth has no effect at all, the sixth is factorial."""
    row = _row(brand, rng, start=start, channel=4 if number % 5 == 3 else 0, kind=EXPERIMENT, audience=0.6)
    row |= {
        "holdout": 0.5 if number % 2 == 0 else 0.3,
        "effect": 0.0 if number % 4 == 0 else 1.4,
        "window": 28 if brand.staged else 14,
    }
    if number % 4 == 0:  # nothing may move: no offer either, since it would lower what orders bring
        row |= {"lever": 0, "offer": 0}
    if number == 6:
        row |= {"kind": FACTORIAL, "holdout": 0.2, "effect": 1.4, "lever": 0, "offer": 0, "channel": 0}
    return row


def _repeats(channel: Codes, template: Codes) -> Codes:
    repeats = np.zeros(len(channel), dtype=np.int64)
    for number in range(len(channel)):
        same_channel = np.flatnonzero(channel[:number] == channel[number])[-4:]
        repeats[number] = int(np.sum(template[same_channel] == template[number]))
    return repeats
