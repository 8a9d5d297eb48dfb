"""What a group of replicates shares: its effect sizes, rates by channel, and tables of all that fades with time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.touch.effects import EFFECTS
from analysis.touch.fatigue import decayed
from analysis.touch.layout import LANES, TEMPLATES
from analysis.touch.program import Channel
from analysis.touch.random_streams import seed_key
from analysis.touch.response import MEMORY_DAYS, delay_weights
from analysis.touch.trust import recovered

__all__ = ["season_clock", "world_of"]

Floats = npt.NDArray[np.floating]

_GUESSES_PER_DAY = 4.0  # steps in which a moment of ordinary time is looked up

_TEMPLATE_GAINS = {"service": "service_gain", "reminder": "reminder_gain", "promotion": "promotion_gain"}


def world_of(
    effects: Mapping[str, Floats],
    *,
    channels: tuple[Channel, ...],
    replicates: range,
    season: Floats,
    seed: int,
    shared: bool = False,
) -> dict[str, Any]:
    """Return the arrays of ``kernel.World`` for some replicates, at most ``LANES``; a shorter group is filled up.

    Args:
        effects: Effect sizes per replicate; read and confirmation rates by channel may be among them.
        channels: The channels.
        replicates: Which replicates; those beyond the last repeat its effects and are not counted.
        season: Days of an ordinary season passed by each morning, (days + 1,).
        seed: The run's seed.
        shared: Whether they all draw the same customers, instead of each its own.
    """
    total = len(next(iter(effects.values())))
    which = np.minimum(np.arange(replicates.start, replicates.start + LANES), total - 1)
    here = {name: np.asarray(values, dtype=float)[which] for name, values in effects.items()}
    ones, days = np.ones(LANES), np.arange(len(season), dtype=float)[:, None]
    read = [here.get(f"read_rate_{c.name}", ones * c.read_rate) for c in channels]
    confirmed = [here.get(f"confirm_rate_{c.name}", here["confirm_rate"]) if c.needs_staff else ones for c in channels]
    said = [here[_TEMPLATE_GAINS[t]] if t in _TEMPLATE_GAINS else ones for t in TEMPLATES]
    weights = delay_weights(delay_days=here["delay_days"], delay_shape=here["delay_shape"])
    guesses = np.arange(int(season[-1] * _GUESSES_PER_DAY) + 2) / _GUESSES_PER_DAY
    guesses = np.minimum(guesses, season[-1] * (1 - 1e-6)) * (1 - 1e-6)
    return {
        "seed": seed_key(seed),
        "replicate": (own := np.arange(replicates.start, replicates.start + LANES, dtype=np.uint32)),
        "drawn_as": np.full_like(own, replicates.start) if shared else own,
        "effects": _flat([here.get(name, 0 * ones) for name in EFFECTS]).reshape(-1),
        "read_rate": _flat(read),
        "confirmed": _flat(confirmed),
        "template_gain": _flat(said),
        "weights": _flat(weights.T),
        "quo_left": _flat(_left_of_the_past(weights, days=len(season) - 1).T),
        "fatigue_left": _flat(decayed(1.0, days=days, memory_days=here["fatigue_days"])),
        "trust_left": _flat(recovered(2.0, days=days, trust_days=here["trust_days"]) - 1.0),
        "wear_left": _flat(decayed(1.0, days=days, memory_days=here["novelty_days"])),
        "season": season.astype(np.float32),
        "first_guess": np.searchsorted(season, guesses, side="right").astype(np.int64) - 1,
        "guesses_per_day": np.float32(_GUESSES_PER_DAY),
    }


def season_clock(season: Sequence[float] | None, *, horizon_days: int) -> Floats:
    """Return how many days of an ordinary season have passed by each morning, (days + 1,).

    Args:
        season: Factor of the purchase rate on each day; None for a year without seasons.
        horizon_days: Days simulated.
    """
    factors = np.ones(horizon_days) if season is None else np.asarray(season, dtype=float)
    return np.concatenate([[0.0], np.cumsum(factors)])


def _left_of_the_past(weights: Floats, *, days: int) -> Floats:
    """Return the share of the effect of touches before day 0 that works on each day of the horizon."""
    left = 1 - np.cumsum(weights, axis=1)
    tail = np.zeros((len(weights), days))
    tail[:, : min(days, MEMORY_DAYS)] = left[:, :days]
    return tail


def _flat(rows: Any) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(np.array(list(rows), dtype=np.float32).reshape(-1, LANES))
