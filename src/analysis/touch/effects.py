"""Effect sizes: dated priors with their sources, and draws from them.

Each draw is one possible world: how much a read touch sells, how fast people tire, how often they delete.
Draw number d depends on the seed and d alone, so more draws add worlds and change none.
"""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from analysis.dated_files import DatedModel, read_dated
from analysis.errors import AnalysisError
from analysis.touch.random_streams import Purpose, stream
from analysis.touch.strategies import Label

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EFFECTS",
    "ChannelWeight",
    "Effect",
    "EffectPriors",
    "central_effects",
    "channel_rates",
    "channel_weights",
    "draw_channel_rates",
    "draw_effects",
    "draw_worlds",
    "lanes_of",
    "load_effects",
    "no_effects",
]

Floats = npt.NDArray[np.float64]

EFFECTS: Final = (
    "confirm_rate",
    "read_fatigue",
    "gain_days",
    "ceiling",
    "delay_days",
    "delay_shape",
    "service_gain",
    "reminder_gain",
    "promotion_gain",
    "offer_gain",
    "timing_gain",
    "lapsed_response",
    "pull_forward",
    "pull_forward_offer",
    "redemption_rate",
    "fatigue_days",
    "fatigue_response",
    "cross_channel",
    "trust_days",
    "trust_service",
    "trust_push",
    "deletion_baseline",
    "deletion_touch",
    "deletion_fatigue",
    "deletion_loss",
    "template_wear",
    "novelty_days",
    "preferred_softening",
    "hour_gain",
    "refusal_touch",
    "habit_gain",
    "reference_price",
    "habit_days",
    "sleeping_dog_leaves",
    "second_life",
    "second_life_dropout",
    "bargain_dropout",
    "referral_bond",
    "channel_crowding",
)
_NEUTRAL: Final = {
    "confirm_rate": 1.0,
    "ceiling": 1.0,
    "delay_days": 3.0,
    "delay_shape": 1.0,
    "service_gain": 1.0,
    "reminder_gain": 1.0,
    "promotion_gain": 1.0,
    "fatigue_days": 14.0,
    "trust_days": 120.0,
    "novelty_days": 14.0,
    "habit_days": 180.0,
}


class Effect(DatedModel):
    """One effect size as somebody claims it.

    ``lognormal`` has a mean and a standard deviation; ``beta`` a mean in 0-1 and a strength in
    pseudo-observations. A mean of 0 is a constant 0. ``central`` is the value where every effect stands at its usual
    size; of a very skewed effect the mean is not usual.
    """

    name: str
    law: Literal["need", "exposure", "response", "fatigue", "trust", "deletion"]
    kind: Literal["lognormal", "beta"]
    mean: float = Field(ge=0)
    sd: float | None = Field(default=None, gt=0)
    strength: float | None = Field(default=None, gt=0)
    central: float | None = Field(default=None, gt=0)
    unit: str
    label: Label
    source: str = Field(min_length=1)
    grade: Literal["A", "B", "C", "D"] = "D"

    @model_validator(mode="after")
    def _spread_fits_kind(self) -> Self:
        if self.kind == "lognormal" and (self.sd is None or self.strength is not None):
            raise ValueError("a lognormal prior needs sd (and no strength)")
        if self.kind == "beta" and (self.strength is None or self.sd is not None or self.mean > 1):
            raise ValueError("a beta prior needs a mean within 0-1 and strength (and no sd)")
        return self


class ChannelWeight(DatedModel):
    """How a touch by one channel compares with a private message: what it sells, how much it tires."""

    channel: str
    gain: float = Field(ge=0, le=3)
    annoyance: float = Field(ge=0, le=3)
    source: str = Field(min_length=1)


class EffectPriors(DatedModel):
    """One edition of all effect sizes; a channel that is not listed weighs as much as a private message."""

    edition: date
    effects: list[Effect]
    channels: list[ChannelWeight] = Field(default_factory=list)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = [effect.name for effect in self.effects]
        missing, unknown = sorted(set(EFFECTS) - set(names)), sorted(set(names) - set(EFFECTS))
        if missing or unknown or len(names) > len(set(names)):
            raise ValueError(f"each effect once; missing: {missing or 'none'}; unknown: {unknown or 'none'}")
        return self


def load_effects(name: str | Path) -> EffectPriors:
    """Return one edition of the effect sizes.

    Raises:
        BookError: If the file is missing or wrong; each mistake is named with its line.
    """
    return read_dated(name, model=EffectPriors)


def draw_effects(priors: EffectPriors, *, draws: int, seed: int) -> dict[str, Floats]:
    """Return ``draws`` values of each effect, drawn independently from the priors.

    Raises:
        AnalysisError: If no draw is asked for.
    """
    if draws < 1:
        raise AnalysisError(f"At least one draw of the effects is needed, got {draws}.")
    chances = np.stack([stream(seed, Purpose.EFFECTS, index=d).random(len(EFFECTS)) for d in range(draws)])
    by_name = {effect.name: effect for effect in priors.effects}
    return {name: _quantile(by_name[name], chances[:, i]) for i, name in enumerate(EFFECTS)}


def central_effects(priors: EffectPriors) -> dict[str, Floats]:
    """Return one draw with every effect at its usual size: its prior mean, or the central value it names."""
    return {effect.name: np.array([effect.central or effect.mean]) for effect in priors.effects}


def channel_weights(priors: EffectPriors, *, channels: list[str]) -> dict[str, tuple[float, float]]:
    """Return (gain, annoyance) of each channel, 1 being a private message."""
    listed = {weight.channel: (weight.gain, weight.annoyance) for weight in priors.channels}
    return {channel: listed.get(channel, (1.0, 1.0)) for channel in channels}


def draw_channel_rates(rates: Mapping[str, tuple[float, float]], *, draws: int, seed: int) -> dict[str, Floats]:
    """Return draws of rates from beta distributions of (mean, strength in observations), by name.

    Each name has a stream of its own, so a new channel changes no other's draws.
    """
    from scipy.special import betaincinv

    drawn: dict[str, Floats] = {}
    for name, (mean, strength) in rates.items():
        address = int.from_bytes(sha256(name.encode()).digest()[:5], "big")
        chances = stream(seed, Purpose.RATES, index=address).random(draws)
        sure = mean in {0.0, 1.0}
        drawn[name] = np.full(draws, mean) if sure else betaincinv(mean * strength, (1 - mean) * strength, chances)
    return drawn


def channel_rates(channels: "pd.DataFrame") -> dict[str, tuple[float, float]]:
    """Return (mean, strength) of ``read_rate_<channel>`` and ``confirm_rate_<channel>`` of a table of channels."""
    return {
        f"{kind}_rate_{row['channel']}": (float(row[f"{kind}_rate"]), float(row[f"{kind}_strength"]))
        for row in channels.to_dict("records")
        for kind in ("read", "confirm")
    }


def draw_worlds(priors: EffectPriors, *, channels: "pd.DataFrame", draws: int, seed: int) -> dict[str, Floats]:
    """Return draws of all effect sizes and of the channels' rates: one possible world each.

    Args:
        priors: Of the effect sizes.
        channels: One row per channel, with ``read_rate``, ``confirm_rate`` and their strengths in observations.
        draws: How many worlds.
        seed: Of the draws.
    """
    rates = draw_channel_rates(channel_rates(channels), draws=draws, seed=seed)
    return {**draw_effects(priors, draws=draws, seed=seed), **rates}


def no_effects(draws: int = 1) -> dict[str, Floats]:
    """Return draws in which no touch changes anything: the purchase clock alone remains."""
    return {name: np.full(draws, _NEUTRAL.get(name, 0.0)) for name in EFFECTS}


def lanes_of(effects: Mapping[str, Floats], *, lanes: int) -> dict[str, Floats]:
    """Return each draw repeated for its lanes of luck: draw 0, draw 0, draw 1, draw 1 and so on."""
    return {name: np.repeat(values, lanes) for name, values in effects.items()}


def _quantile(effect: Effect, chance: Floats) -> Floats:
    from scipy.special import betaincinv, ndtri

    if effect.mean == 0:
        return np.zeros_like(chance)
    if effect.kind == "beta":
        strength = effect.strength or 1.0
        return np.asarray(betaincinv(effect.mean * strength, (1 - effect.mean) * strength, chance))
    variance = np.log1p((effect.sd or 0.0) ** 2 / effect.mean**2)
    return np.asarray(np.exp(np.log(effect.mean) - variance / 2 + np.sqrt(variance) * ndtri(chance)))
