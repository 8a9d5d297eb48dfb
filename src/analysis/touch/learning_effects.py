"""What experiments teach about effect sizes: draws from the prior become draws from the posterior.

The simulator says what each possible world would have shown in the experiments; worlds that would have shown something
like what was measured stay, and are moved by as much as their own showing was off. No likelihood is needed, several
effects are learnt together from several measures, and their dependence is kept: a posterior draw is a whole world.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import AnalysisError
from analysis.touch.effects import EffectPriors
from analysis.touch.money import entry
from analysis.touch.simulator import simulate
from analysis.touch.strategies import NO_TOUCH, StrategySet

__all__ = ["Message", "Shown", "learned_effects", "shown_by_worlds"]

Floats = npt.NDArray[np.float64]

_FEWEST: Final = 30  # draws per measure that the adjustment needs
_EDGE: Final = 1e-6
_VALID_DAYS: Final = 7  # of an offer in an experiment
_LANES: Final = 2  # lanes of luck per world: the fewest that tell luck from what a world would show
_FURTHEST: Final = (
    4.0  # prior standard deviations that an adjustment may leave the prior's mean: no law was tried beyond
)


class Message(NamedTuple):
    """What one arm of experiments was sent.

    Attributes:
        channel: By which channel.
        window_days: Days in which orders counted.
        discount_share: Of the list price that it offered, 0 for none.
    """

    channel: str
    window_days: int
    discount_share: float = 0.0


class Shown(NamedTuple):
    """What each possible world would show if one message were sent.

    Attributes:
        responses: Days of own purchases that a message assigned brings within its window, (worlds, messages).
        errors: Standard errors that the luck of the simulated customers leaves in them, (messages,).
    """

    responses: Floats
    errors: Floats


def shown_by_worlds(
    customers: pd.DataFrame,
    *,
    messages: Sequence[Message],
    channels: pd.DataFrame,
    effects: Mapping[str, Floats],
    season: Sequence[float],
    as_of: date,
    seed: int,
    sample_customers: int | None = None,
) -> Shown:
    """Simulate one message to every contact in every world: plain content, or promotion where it carries an offer.

    Extra orders within the window, over what the same customers order without it a day: so many days of own purchases.

    Args:
        customers: As ``strategy_customers`` has them; where there are contacts, they alone are simulated.
        messages: What was sent.
        channels: As ``strategy_channels`` has them.
        effects: Draws of the effects, one per world.
        season: Factor of the purchase rate on each day ahead, at least as long as the longest window.
        as_of: Last day of the past.
        seed: Of the luck.
        sample_customers: Customers of each world; None: all.

    Raises:
        AnalysisError: If there is no customer or no message.
    """
    if not messages:
        raise AnalysisError("There is no message to learn from.")
    contacts = customers[customers["is_contact"].astype(bool)].reset_index(drop=True)
    days = sorted({message.window_days for message in messages})
    names = [f"message_{place}" for place in range(len(messages))]
    outcome = simulate(
        contacts if len(contacts) else customers,
        strategies=_one_message_each(dict(zip(names, messages, strict=True)), as_of=as_of),
        channels=channels,
        effects=effects,
        caps=(),
        as_of=as_of,
        horizon_days=days[-1],
        seed=seed,
        lanes_per_draw=_LANES,
        sample_customers=sample_customers,
        checkpoints=days[:-1],
        season=tuple(season[: days[-1]]),
    )
    orders = outcome.totals[..., entry("orders")]
    orders = orders.reshape(*orders.shape[:2], -1, _LANES)  # strategy, checkpoint, world, lane
    responses, errors = [], []
    for name, message in zip(names, messages, strict=True):
        there = outcome.checkpoints.index(message.window_days)
        none = orders[outcome.strategies.index(NO_TOUCH), there]
        gained = orders[outcome.strategies.index(name), there] - none
        # One pace for all worlds: it differs by luck alone, and a ratio of small numbers would be biased.
        shown = gained / none.mean() * message.window_days
        responses.append(shown.mean(axis=1))
        errors.append(float(np.sqrt(shown.var(axis=1, ddof=1).mean() / _LANES)))
    return Shown(np.stack(responses, axis=1), np.array(errors))


def _one_message_each(messages: Mapping[str, Message], *, as_of: date) -> StrategySet:
    named = []
    for name, message in messages.items():
        step: dict[str, Any] = {"channel": message.channel, "template": "content", "trigger": {"every_days": 366}}
        if message.discount_share > 0:
            offer = {"discount_share": message.discount_share, "valid_days": _VALID_DAYS}
            step |= {"template": "promotion", "offer": offer}
        named.append({"name": name, "label": {"zh": "一条消息", "en": "one message"}, "steps": [step]})
    return StrategySet.model_validate(
        {
            "edition": as_of,
            "brand": "one_message",
            "economics": {"margin_share": 0.5, "wage_per_hour": 0.0, "source": "not used: only orders are counted"},
            "strategies": [{"name": NO_TOUCH, "label": {"zh": "不触达", "en": "no touch"}}, *named],
        }
    )


def learned_effects(
    prior: Mapping[str, Floats],
    *,
    priors: EffectPriors,
    responses: Floats,
    measured: Floats,
    std_errors: Floats,
    draws: int,
    rng: np.random.Generator,
    nearest_share: float = 0.3,
) -> dict[str, Floats]:
    """Return draws of the effects after experiments.

    Each prior world's response gets the measurement's own error; the worlds nearest to what was measured are kept
    (Epanechnikov weights) and moved along a regression of the effects on the measures, in logarithms (logits for
    shares). Effects that the measures say nothing of keep their prior.

    Args:
        prior: Draws of the effects, each (worlds,).
        priors: What they were drawn from: tells shares from sizes.
        responses: What the simulator expects each world to show, (worlds, measures).
        measured: What the experiments showed, (measures,).
        std_errors: Standard errors of the measures, (measures,).
        draws: How many draws to return.
        rng: Random numbers.
        nearest_share: Share of the worlds that is kept.

    Raises:
        AnalysisError: If there are too few worlds for so many measures.

    References:
        Beaumont, M., Zhang, W. and Balding, D. (2002), Genetics 162: approximate Bayesian computation with regression
        adjustment; Blum, M. and François, O. (2010), Statistics and Computing 20.
    """
    worlds, measures = responses.shape
    kept = int(worlds * nearest_share)
    if kept < _FEWEST * max(measures, 1) / 3:
        raise AnalysisError(
            f"{worlds} worlds are too few to learn from {measures} measures.",
            hint=f"draw at least {int(_FEWEST * measures / 3 / nearest_share) + 1}",
        )
    shown = _straightened(responses + std_errors * rng.standard_normal(responses.shape), std_errors)
    off = (shown - _straightened(measured, std_errors)) / shown.std(axis=0, ddof=1).clip(min=1e-12)
    distance = np.sqrt((off**2).sum(axis=1))
    near = np.argsort(distance, kind="stable")[:kept]
    weight = 1 - (distance[near] / (distance[near[-1]] * (1 + 1e-9) + 1e-12)) ** 2
    names = [effect.name for effect in priors.effects if effect.mean > 0 and effect.name in prior]
    shares = {effect.name for effect in priors.effects if effect.kind == "beta"}
    free = np.stack([_unbounded(prior[name], share=name in shares) for name in names], axis=1)
    moved = _adjusted(free[near], off[near], weight=weight)
    middle, spread = free.mean(axis=0), free.std(axis=0, ddof=1)
    moved = np.clip(moved, middle - _FURTHEST * spread, middle + _FURTHEST * spread)
    chosen = _resampled(weight, draws=draws, rng=rng)
    learned = {name: np.asarray(values)[near][chosen] for name, values in prior.items()}
    for place, name in enumerate(names):
        learned[name] = _bounded(moved[chosen, place], share=name in shares)
    return learned


def _straightened(measures: Floats, std_errors: Floats) -> Floats:
    """Return measures on a scale on which logarithms of effects are nearly linear: as they are near 0, then as logs."""
    return np.asarray(np.arcsinh(measures / np.maximum(std_errors, _EDGE)))


def _resampled(weight: Floats, *, draws: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return places drawn by weight, as evenly as can be (systematic resampling), in random order.

    References:
        Carpenter, J., Clifford, P. and Fearnhead, P. (1999), IEE Proceedings - Radar, Sonar and Navigation 146.
    """
    steps = (np.arange(draws) + rng.random()) / draws
    places = np.searchsorted(np.cumsum(weight) / weight.sum(), steps).clip(max=len(weight) - 1)
    return np.asarray(rng.permutation(places))


def _adjusted(values: Floats, off: Floats, *, weight: Floats) -> Floats:
    """Return the values less what a weighted linear regression ascribes to being off the mark."""
    design = np.column_stack([np.ones(len(off)), off])
    root = np.sqrt(weight)[:, None]
    # A whiff of ridge: measures may say the same thing twice.
    ridge = 1e-3 * len(off) * np.diag([0.0, *np.ones(off.shape[1])])
    left = (design * root).T @ (design * root) + ridge
    slope = np.linalg.solve(left, (design * root).T @ (values * root))
    return np.asarray(values - off @ slope[1:])


def _unbounded(values: Any, *, share: bool) -> Floats:
    inside = np.clip(np.asarray(values, dtype=float), _EDGE, 1 - _EDGE if share else np.inf)
    return np.asarray(np.log(inside / (1 - inside)) if share else np.log(inside))


def _bounded(values: Floats, *, share: bool) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)) if share else np.exp(values))
