"""What experiments teach about effect sizes: draws from the prior become draws from the posterior.

The simulator says what each possible world would have shown in the experiments; worlds that would have shown something
like what was measured stay, and are moved by as much as their own showing was off. No likelihood is needed, several
effects are learnt together from several measures, and their dependence is kept: a posterior draw is a whole world.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.touch.effects import EffectPriors

__all__ = ["learned_effects"]

Floats = npt.NDArray[np.float64]

_FEWEST: Final = 30  # draws per measure that the adjustment needs
_EDGE: Final = 1e-6
_FURTHEST: Final = (
    4.0  # prior standard deviations that an adjustment may leave the prior's mean: no law was tried beyond
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
    shown = responses + std_errors * rng.standard_normal(responses.shape)
    off = (shown - measured) / shown.std(axis=0, ddof=1).clip(min=1e-12)
    distance = np.sqrt((off**2).sum(axis=1))
    near = np.argsort(distance, kind="stable")[:kept]
    weight = 1 - (distance[near] / (distance[near[-1]] * (1 + 1e-9) + 1e-12)) ** 2
    names = [effect.name for effect in priors.effects if effect.mean > 0 and effect.name in prior]
    shares = {effect.name for effect in priors.effects if effect.kind == "beta"}
    free = np.stack([_unbounded(prior[name], share=name in shares) for name in names], axis=1)
    moved = _adjusted(free[near], off[near], weight=weight)
    middle, spread = free.mean(axis=0), free.std(axis=0, ddof=1)
    moved = np.clip(moved, middle - _FURTHEST * spread, middle + _FURTHEST * spread)
    chosen = rng.choice(kept, size=draws, p=weight / weight.sum())
    learned = {name: np.asarray(values)[near][chosen] for name, values in prior.items()}
    for place, name in enumerate(names):
        learned[name] = _bounded(moved[chosen, place], share=name in shares)
    return learned


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
