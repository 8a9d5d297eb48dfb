"""What each policy would have earned, from decisions that another policy made with known probabilities.

Four estimators: inverse propensity weights (IPS), the same divided by their sum (SNIPS), doubly robust (DR: the reward
model's forecast, corrected by the weighted misses), and switch-DR (the correction left out where weights are too
large). All are ratios of sums over customers, so one customer's decisions count as one draw.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from analysis.experiment.policies import LOGGED, Policy
from analysis.experiment.policy_intervals import Counted, Ratio, bootstrap_factors, counted_interval, draws, ratio
from analysis.experiment.policy_log import Log

__all__ = ["ESTIMATORS", "SMALL_ESS", "VALUE_COLUMNS", "Setting", "switch_threshold", "value_policies", "weights_of"]

Floats = NDArray[np.float64]

ESTIMATORS: Final = ("ips", "snips", "dr", "switch_dr")

SMALL_ESS: Final = 200
"""With fewer effective decisions, or fewer customers who make up the error, an interval is at least the bootstrap's."""

FEWEST_REWARDED: Final = 10
"""Customers with a reward behind a policy, where most rewards are 0 and the others are not all 1."""

FEW_COUNTED: Final = 30
"""Where rewards are 0 or 1: with fewer (effective) customers of either kind the interval is that of a count."""

_FEWEST_MATCHED: Final = 20
_OFF_BY: Final = 0.1
_ALARM: Final = 0.001
_HEAVY: Final = 0.01
_WORTH_SWITCHING: Final = 0.9
_QUANTILES: Final = (0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)

VALUE_COLUMNS: Final = (
    "policy", "kind", "refused", "found", "n", "n_matched", "share_matched", "ess", "mean_weight",
    "mean_weight_ci_lower", "mean_weight_ci_upper", "is_off", "max_weight", "share_heaviest", "n_rewarded",
    "switch_threshold", "share_switched", "estimator", "method", "value", "std_error", "ci_lower", "ci_upper",
    "difference", "difference_ci_lower", "difference_ci_upper", "difference_all_ci_lower", "difference_all_ci_upper",
    "confidence_level",
)  # fmt: skip


class Setting(NamedTuple):
    """How policies are valued.

    Attributes:
        forecast: Forecast reward of each action, shape (n, K), cross-fitted.
        seed: Of the bootstrap.
        confidence_level: Of all intervals.
        fewest_effective: Effective decisions below which a policy's value is refused.
        is_binary: Whether rewards are 0 or 1.
        switch_threshold: Weight above which switch-DR trusts the model alone; None: chosen, see ``switch_threshold``.
    """

    forecast: Floats
    seed: int
    confidence_level: float = 0.95
    fewest_effective: int = 50
    is_binary: bool = False
    switch_threshold: float | None = None


class _Valued(NamedTuple):
    """One estimate of one policy, before intervals are cut."""

    ratio: Ratio
    apart: Ratio
    counted: Counted | None
    factor: float


def weights_of(log: Log, policy: Policy) -> Floats:
    """Return the policy's probability of the logged action over the probability it was logged with, shape (n,)."""
    return policy.of_logged(log) / log.propensity


def value_policies(log: Log, policies: Sequence[Policy], *, setting: Setting) -> pd.DataFrame:
    """Return one row per policy and estimator; the first policy is the logged one itself.

    Columns (``VALUE_COLUMNS``): ``refused`` (no_overlap, unknown_action, few, weights, few_rewards; "" where valued)
    and ``found`` (the number it is about), ``n_matched`` (decisions whose logged action the policy could take),
    ``share_matched`` (probability that the policy takes the logged action, on average), ``ess`` (effective number of
    decisions), ``mean_weight`` with interval (1 if propensities are right), ``is_off`` (whether it is surely not 1),
    ``share_heaviest`` (part of all weight that the heaviest 1 % of decisions carry), ``n_rewarded`` (customers with a
    reward behind it), ``share_switched`` (part of the policy's choices that switch-DR leaves to the model),
    ``method`` (normal, bootstrap, counts), ``value`` with interval, ``difference`` to the logged policy on the same
    data with its interval, and with one that holds for all policies at once (``difference_all_…``).

    References:
        Horvitz, Thompson (1952); Hájek (1971); Swaminathan, Joachims (2015), The self-normalized estimator for
        counterfactual learning, NeurIPS. Dudík, Langford, Li (2011), Doubly robust policy evaluation and learning,
        ICML. Wang, Agarwal, Dudík (2017), Optimal and adaptive off-policy evaluation in contextual bandits, ICML.
    """
    known = [_overlap(log, policy, setting=setting, n_policies=len(policies)) for policy in policies]
    n_compared = max(sum(not row["refused"] for row in known), 1)
    resample = cache(lambda n: draws(n, seed=setting.seed))
    rows: list[dict[str, Any]] = []
    for policy, row in zip([None, *policies], [_overlap_of_logged(log), *known], strict=True):
        if row["refused"]:
            rows += [{**row, "estimator": estimator} for estimator in ESTIMATORS]
            continue
        own, part, forecast = (None, log, setting.forecast)
        if policy is not None:
            own, part, forecast = policy.where_valued(log, setting.forecast)
        logged = ratio(part.by_customer(part.reward), _sizes(part))
        here = setting._replace(forecast=forecast)
        for estimator, valued, told in _estimates(part, own, setting=here, logged=logged, resample=resample):
            ends = _intervals(valued, row, logged=logged, setting=setting, n_compared=n_compared)
            rows.append({**row, "estimator": estimator, **told, **ends})
    return pd.DataFrame(rows, columns=list(VALUE_COLUMNS)).assign(confidence_level=setting.confidence_level)


def switch_threshold(log: Log, *, weights: Floats, scores: Floats, misses: Floats) -> float:
    """Return the weight above which switch-DR trusts the reward model alone; infinite if best nowhere.

    Of the median and upper quantiles of the weights, the one with the smallest variance plus squared bias bound, if
    that is a tenth below what no threshold gives. The bias is taken to be at most the part of the policy's choices
    above the threshold times the root mean square of the model's misses.

    Args:
        log: The decisions.
        weights: Of each decision.
        scores: The model's forecast of what the policy does, shape (n,).
        misses: Reward less its forecast, shape (n,).

    References:
        Wang, Agarwal, Dudík (2017), section 4.2, with the misses' size in place of the largest reward.
    """
    total = float(weights.sum())
    size = float(np.sum(weights * misses**2)) / total
    tried = [*np.unique(np.quantile(weights[weights > 0], _QUANTILES)), np.inf]
    best, chosen = np.inf, np.inf
    for threshold in reversed(tried):  # the infinite one first
        above = float(weights[weights > threshold].sum()) / total
        kept = np.where(weights <= threshold, weights, 0.0)
        error = ratio(log.by_customer(scores + kept * misses), _sizes(log)).std_error ** 2 + above**2 * size
        if error < best:
            best, chosen = (error if np.isfinite(threshold) else error * _WORTH_SWITCHING), float(threshold)
    return chosen


def _estimates(
    log: Log, policy: Policy | None, *, setting: Setting, logged: Ratio, resample: Callable[[int], NDArray[np.int8]]
) -> list[tuple[str, _Valued, dict[str, Any]]]:
    """Return every estimate of a policy (None: the logged one): name, numbers, and what switching left out."""
    sizes = _sizes(log)
    if policy is None:
        return [(name, _Valued(logged, logged.less(logged), None, 1.0), {}) for name in ESTIMATORS]
    weights = weights_of(log, policy)
    scores = policy.expected(setting.forecast)
    misses = log.reward - setting.forecast[np.arange(log.n), log.action]
    threshold = setting.switch_threshold
    if threshold is None:
        threshold = switch_threshold(log, weights=weights, scores=scores, misses=misses)
    kept = np.where(weights <= threshold, weights, 0.0)
    weighted = log.by_customer(weights * log.reward)
    made = {
        "ips": (weighted, sizes, weights),
        "snips": (weighted, log.by_customer(weights), weights),
        "dr": (log.by_customer(scores + weights * misses), sizes, weights),
        "switch_dr": (log.by_customer(scores + kept * misses), sizes, kept),
    }
    few = _effective(weights) < SMALL_ESS
    told = {"switch_threshold": threshold, "share_switched": 1 - float(kept.sum()) / float(weights.sum())}
    counted, ratios, factors = {}, {name: ratio(above, below) for name, (above, below, _) in made.items()}, {}
    for name, own in ratios.items():
        counted[name] = _counted(log, made[name][2], own, normalised=name == "snips") if setting.is_binary else None
        if counted[name] is None and (few or _effective(own.moves**2) < SMALL_ESS):
            factors[name] = 1.0
    if factors:
        sums = [made[name][:2] for name in factors]
        found = bootstrap_factors(sums, drawn=resample(log.n_customers), confidence_level=setting.confidence_level)
        factors = dict(zip(factors, found, strict=True))
    return [
        (name, _Valued(own, own.less(logged), counted[name], factors.get(name, 1.0)), told)
        for name, own in ratios.items()
    ]


def _counted(log: Log, weights: Floats, own: Ratio, *, normalised: bool) -> Counted | None:
    """Return what the interval of a count needs, where successes or failures are too few for a normal one."""
    successes = log.by_customer(weights * log.reward)
    failures = log.by_customer(weights * (1 - log.reward))
    n_successes, n_failures = _effective(successes), _effective(failures)
    if min(n_successes, n_failures) >= FEW_COUNTED:
        return None
    divisor = float(weights.sum()) if normalised else float(log.n)
    sums = successes if n_successes <= n_failures else failures
    return Counted(
        total=float(sums.sum()) / divisor, variance=float(np.sum(sums**2)) / divisor**2,
        largest=float(weights.max()) / divisor, value=own.value, of_failures=n_successes > n_failures,
    )  # fmt: skip


def _effective(weights: Floats) -> float:
    """Return how many equal weights would tell as much: their sum squared over the sum of their squares."""
    squares = float(np.sum(weights**2))
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _intervals(
    valued: _Valued, row: dict[str, Any], *, logged: Ratio, setting: Setting, n_compared: int
) -> dict[str, Any]:
    level, freedom = setting.confidence_level, max(row["n_matched_customers"] - 1, 1)
    stricter = 1 - (1 - level) / n_compared
    found: dict[str, Any] = {"value": valued.ratio.value, "std_error": valued.ratio.std_error}
    method = "normal" if valued.factor <= 1 else "bootstrap"
    if valued.counted is not None:
        method = "counts"
        lower, upper = counted_interval(valued.counted, confidence_level=level)
        apart = [_far(valued, logged, confidence_level=one) for one in (level, stricter)]
    else:
        stretch = max(valued.factor, 1.0)
        half = stretch * float(stdtrit(freedom, 0.5 + level / 2)) * valued.ratio.std_error
        lower, upper = valued.ratio.value - half, valued.ratio.value + half
        halves = [
            stretch * float(stdtrit(freedom, 0.5 + one / 2)) * valued.apart.std_error for one in (level, stricter)
        ]
        apart = [(valued.apart.value - half, valued.apart.value + half) for half in halves]
    found |= {"method": method, "ci_lower": lower, "ci_upper": upper, "difference": valued.apart.value}
    for name, ends in zip(("difference", "difference_all"), apart, strict=True):
        found[f"{name}_ci_lower"], found[f"{name}_ci_upper"] = ends
    return found


def _far(valued: _Valued, logged: Ratio, *, confidence_level: float) -> tuple[float, float]:
    """Return the interval of a difference from those of its two sides (Zou and Donner 2008)."""
    if valued.counted is None:
        return np.nan, np.nan
    own_lower, own_upper = counted_interval(valued.counted, confidence_level=confidence_level)
    half = float(stdtrit(logged.n - 1, 0.5 + confidence_level / 2)) * logged.std_error
    value = valued.ratio.value
    return (
        valued.apart.value - float(np.hypot(value - own_lower, half)),
        valued.apart.value + float(np.hypot(own_upper - value, half)),
    )


def _overlap(log: Log, policy: Policy, *, setting: Setting, n_policies: int) -> dict[str, Any]:
    """Return how well a policy is covered by the log, and why its value is refused if it is."""
    policy, log, _ = policy.where_valued(log, setting.forecast)
    weights = weights_of(log, policy)
    matched, total = weights > 0, float(weights.sum())
    mean = ratio(log.by_customer(weights), _sizes(log))
    strict = float(stdtrit(log.n_customers - 1, 1 - _ALARM / (2 * n_policies)))
    half = float(stdtrit(log.n_customers - 1, 0.5 + setting.confidence_level / 2)) * mean.std_error
    rewarded = log.by_customer(weights * (log.reward != 0))
    heaviest = np.sort(weights)[::-1][: max(int(np.ceil(_HEAVY * log.n)), 1)]
    row = {
        "policy": policy.name, "kind": policy.kind, "n": log.n, "n_matched": int(matched.sum()),
        "n_matched_customers": int((log.by_customer(matched.astype(np.float64)) > 0).sum()),
        "share_matched": float(policy.of_logged(log).mean()),
        "ess": _effective(weights),
        "mean_weight": mean.value, "mean_weight_ci_lower": mean.value - half, "mean_weight_ci_upper": mean.value + half,
        "is_off": bool(abs(mean.value - 1) > max(strict * mean.std_error, 1e-9)),
        "max_weight": float(weights.max()), "share_heaviest": float(heaviest.sum()) / total if total > 0 else np.nan,
        "n_rewarded": int((rewarded > 0).sum()),
    }  # fmt: skip
    refused, found = _refusal(log, policy, row, setting=setting)
    return {**row, "refused": refused, "found": found}


def _refusal(log: Log, policy: Policy, row: dict[str, Any], *, setting: Setting) -> tuple[str, float]:
    if policy.chosen is not None and (policy.chosen < 0).any():
        return "unknown_action", float((policy.chosen < 0).mean())
    if row["n_matched"] == 0:
        return "no_overlap", 0.0
    if row["ess"] < setting.fewest_effective or row["n_matched_customers"] < _FEWEST_MATCHED:
        return "few", float(min(row["ess"], row["n_matched_customers"]))
    if row["is_off"] and abs(row["mean_weight"] - 1) > _OFF_BY:
        return "weights", float(row["mean_weight"])
    mostly_none = float(np.mean(log.reward == 0)) > 0.5
    if not setting.is_binary and mostly_none and row["n_rewarded"] < FEWEST_REWARDED:
        return "few_rewards", float(row["n_rewarded"])
    return "", np.nan


def _overlap_of_logged(log: Log) -> dict[str, Any]:
    return {
        "policy": LOGGED, "kind": "logged", "refused": "", "found": np.nan, "n": log.n, "n_matched": log.n,
        "n_matched_customers": log.n_customers, "share_matched": 1.0, "ess": float(log.n), "mean_weight": 1.0,
        "mean_weight_ci_lower": 1.0, "mean_weight_ci_upper": 1.0, "is_off": False, "max_weight": 1.0,
        "share_heaviest": _HEAVY, "n_rewarded": int((log.by_customer(np.abs(log.reward)) > 0).sum()),
        "switch_threshold": np.inf, "share_switched": 0.0,
    }  # fmt: skip


def _sizes(log: Log) -> Floats:
    return np.diff(np.append(log.starts, log.n)).astype(np.float64)
