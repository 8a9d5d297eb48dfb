"""Forecast rewards of every action, each made without the customer's own rewards (cross-fitted).

A linear model with slopes that all actions share and each action's departures from them, both held back (ridge); how
much is chosen on customers left out. The model need not be right: it narrows intervals where it is good, and a wrong
one does not move what policies are worth.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.experiment.policy_log import Log

__all__ = ["FOLDS", "forecast_rewards", "learn_actions"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

FOLDS: Final = 5
_SHARED: Final = 1.0  # rows' worth of holding back the shared slopes
_OWN_LEVELS: Final = (1.0, 30.0, 1000.0)  # rows' worth, of an action's level
_OWN_SLOPES: Final = (10.0, 300.0, 10_000.0)  # and of its slopes


class _Sums(NamedTuple):
    """Sums of products by fold and action: of measures (F, K, d, d), with the reward (F, K, d), of rewards (F,)."""

    squares: Floats
    crossed: Floats
    rewards: Floats


def forecast_rewards(log: Log, *, seed: int, folds: int = FOLDS) -> Floats:
    """Return the forecast reward of each action for each decision, shape (n, K).

    Args:
        log: The decisions.
        seed: Of the split of customers into folds.
        folds: Parts; each is forecast by a model of the others.

    References:
        Dudík, Langford, Li (2011), Doubly robust policy evaluation and learning, ICML.
        Chernozhukov et al. (2018), Double/debiased machine learning, Econometrics Journal 21.
    """
    fold = _folds(log, seed=seed, folds=folds)
    design = np.column_stack([np.ones(log.n), log.context])
    sums = _sums(log, design, fold=fold, folds=folds)
    forecast = np.empty((log.n, len(log.actions)))
    for part in range(folds):
        others = [other for other in range(folds) if other != part]
        levels, slopes = _held_back(sums, others)
        own = _fit(sums, others, levels=levels, slopes=slopes)
        inside, outside = fold == part, fold != part
        low, high = log.reward[outside].min(), log.reward[outside].max()
        forecast[inside] = (design[inside] @ own.T).clip(low, high)
    return forecast


def learn_actions(log: Log, *, seed: int, folds: int = FOLDS, lower_is_better: bool = False) -> Codes:
    """Return the action with the best forecast for each decision, learned from earlier folds only; -1 in the first.

    In the order of the folds, each customer is decided on by what those before taught. (Learning from all other folds
    ties the folds' errors to each other: what one fold shows by luck, the others are judged by. Tried first, its 95 %
    intervals held the truth in 91 %.)

    Args:
        log: The decisions.
        seed: Of the split of customers into folds, the same as the forecasts'.
        folds: Parts.
        lower_is_better: Whether a small reward is the good one.

    References:
        Luedtke, van der Laan (2016), Statistical inference for the mean outcome under a possibly non-unique optimal
        treatment strategy, Annals of Statistics 44.
    """
    fold = _folds(log, seed=seed, folds=folds)
    design = np.column_stack([np.ones(log.n), log.context])
    sums = _sums(log, design, fold=fold, folds=folds)
    best = np.full(log.n, -1, dtype=np.int64)
    for part in range(1, folds):
        earlier, inside = list(range(part)), fold == part
        levels, slopes = _held_back(sums, earlier)
        forecast = design[inside] @ _fit(sums, earlier, levels=levels, slopes=slopes).T
        best[inside] = forecast.argmin(axis=1) if lower_is_better else forecast.argmax(axis=1)
    return best


def _folds(log: Log, *, seed: int, folds: int) -> Codes:
    """Return each decision's fold; a customer's decisions share theirs."""
    rng = np.random.default_rng(seed)
    of_customer = rng.permutation(np.arange(log.n_customers) % folds)
    return np.repeat(of_customer, np.diff(np.append(log.starts, log.n)))


def _sums(log: Log, design: Floats, *, fold: Codes, folds: int) -> _Sums:
    k, d = len(log.actions), design.shape[1]
    squares, crossed = np.zeros((folds, k, d, d)), np.zeros((folds, k, d))
    order = np.lexsort((log.action, fold))
    cell = (fold * k + log.action)[order]
    ends = np.searchsorted(cell, np.arange(folds * k + 1))
    for place in range(folds * k):
        rows = order[ends[place] : ends[place + 1]]
        if len(rows):
            x, y = design[rows], log.reward[rows]
            squares[place // k, place % k], crossed[place // k, place % k] = x.T @ x, x.T @ y
    rewards = np.bincount(fold, weights=log.reward**2, minlength=folds).astype(np.float64)
    return _Sums(squares, crossed, rewards)


def _held_back(sums: _Sums, folds: list[int]) -> tuple[float, float]:
    """Return how much actions' own levels and slopes are held back: what forecasts the folds left out best."""
    if len(folds) == 1:
        return _OWN_LEVELS[1], _OWN_SLOPES[1]
    best, chosen = np.inf, (_OWN_LEVELS[-1], _OWN_SLOPES[-1])
    for levels in _OWN_LEVELS:
        for slopes in _OWN_SLOPES:
            error = 0.0
            for left_out in folds[:2]:  # two of them tell enough
                own = _fit(sums, [fold for fold in folds if fold != left_out], levels=levels, slopes=slopes)
                error += float(
                    sums.rewards[left_out]
                    - 2 * np.sum(own * sums.crossed[left_out])
                    + np.einsum("ki,kij,kj->", own, sums.squares[left_out], own)
                )
            if error < best:
                best, chosen = error, (levels, slopes)
    return chosen


def _fit(sums: _Sums, folds: list[int], *, levels: float, slopes: float) -> Floats:
    """Return each action's coefficients, shape (K, d), level first.

    The normal equations have an arrow's shape: actions' own parts are solved given the shared one.
    """
    squares, crossed = sums.squares[folds].sum(axis=0), sums.crossed[folds].sum(axis=0)
    d = squares.shape[1]
    shared, own = np.full(d, _SHARED), np.full(d, slopes)
    shared[0], own[0] = 0.0, levels
    solved = np.linalg.solve(squares + np.diag(own), np.concatenate([squares, crossed[:, :, None]], axis=2))
    left = squares.sum(axis=0) + np.diag(shared) - np.einsum("kij,kjl->il", squares, solved[:, :, :d])
    right = crossed.sum(axis=0) - np.einsum("kij,kj->i", squares, solved[:, :, d])
    common = np.linalg.lstsq(left, right, rcond=None)[0]
    found: Floats = common + solved[:, :, d] - solved[:, :, :d] @ common
    return found
