"""Does it tell the truth when the truth is known? Worlds drawn from the prior, experiments in each, and a decision."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analysis.touch.effects import draw_effects
from analysis.touch.exam.judging import paired, ratio
from analysis.touch.exam.setting import (
    Setting,
    days_of,
    exam_customers,
    fixed_cost_of,
    plans,
    simulated,
    touches,
)
from analysis.touch.exam.verdicts import Verdict, verdict
from analysis.touch.learning_effects import learned_effects
from analysis.touch.money import entry, profit
from analysis.touch.outcome import Outcome
from analysis.touch.summary import rescaled

__all__ = ["Judgement", "Worlds", "judged_worlds", "truth_verdicts"]

Floats = npt.NDArray[np.float64]
Effects = dict[str, Floats]

_DAYS: Final = 90
_EXPERIMENT_DAYS: Final = 56
_CONFIDENCE: Final = 0.8
_SURE: Final = 0.8
_OURS: Final = "ours: the product judged in worlds of its own prior"
_OFFER: Final = {"template": "promotion", "offer": {"discount_share": 0.15, "valid_days": 7}}


@dataclass(frozen=True, slots=True)
class Worlds:
    """How large the trial is.

    Attributes:
        worlds: Worlds whose truth is known.
        reference: Draws from the prior that learning starts from.
        draws: Draws that a decision is made on.
        arm: Customers in each arm of an experiment.
        sample: Customers that each replicate of a decision simulates.
        truth_lanes: Replicates of luck over which a truth is averaged, on all customers.
    """

    worlds: int = 100
    reference: int = 2_000
    draws: int = 80
    arm: int = 40_000
    sample: int = 1_500
    truth_lanes: int = 40


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of it; one row per world.

    Attributes:
        strategies: Names of the strategies, ``no_touch`` among them.
        truth: Expected incremental profit of each, (worlds, strategies), yuan per customer.
        lower: Lower end of the 80 % interval of each.
        upper: Upper end.
        chosen: Place of the strategy recommended.
        p_best: P(best) of the strategy that has the highest, per world.
        p_best_before: The same before any experiment: from the prior alone.
    """

    strategies: tuple[str, ...]
    truth: Floats
    lower: Floats
    upper: Floats
    chosen: npt.NDArray[np.int64]
    p_best: Floats
    p_best_before: float

    def covered(self) -> Floats:
        """Return the share of worlds whose truth the interval holds, per strategy but ``no_touch``."""
        inside = (self.lower <= self.truth) & (self.truth <= self.upper)
        return np.asarray(inside[:, 1:].mean(axis=0))

    def regret(self) -> float:
        """Return mean regret of the recommendation, as a share of the mean gap between the best and doing nothing."""
        best = self.truth.max(axis=1)
        got = self.truth[np.arange(len(self.truth)), self.chosen]
        return float((best - got).mean() / best.mean())

    def unsure(self) -> tuple[float, float]:
        """Return the share of worlds in which the page says "not sure": before and after experiments."""
        return float(self.p_best_before < _SURE), float((self.p_best < _SURE).mean())


def judged_worlds(setting: Setting, size: Worlds) -> Judgement:
    """Return what the product says in worlds drawn from its own prior, after experiments in each."""
    priors = setting.priors
    reference = draw_effects(priors, draws=size.reference, seed=setting.seed + 1)
    worlds = draw_effects(priors, draws=size.worlds, seed=setting.seed + 2)
    would_show, own_error = _expected(setting, reference, size=size)
    showed, error = _shown(setting, worlds, size=size)
    error = np.hypot(error, own_error)
    truth = _profits(setting, worlds, lanes=size.truth_lanes, sample=None).reshape(-1, size.worlds, size.truth_lanes)
    names = tuple(s.name for s in _decision(setting.n_customers).strategies)
    lower, upper, chosen, sure = [], [], [], []
    rng = np.random.default_rng(setting.seed)
    for world in range(size.worlds):
        learned = learned_effects(
            reference, priors=priors, responses=would_show, measured=showed[world], std_errors=error,
            draws=size.draws, rng=rng,
        )  # fmt: skip
        low, high, best, p_best = _decide(setting, learned, size=size)
        lower.append(low)
        upper.append(high)
        chosen.append(best)
        sure.append(p_best)
    first = {name: values[: size.draws] for name, values in reference.items()}
    return Judgement(
        strategies=names,
        truth=truth.mean(axis=2).T,
        lower=np.array(lower),
        upper=np.array(upper),
        chosen=np.array(chosen),
        p_best=np.array(sure),
        p_best_before=_decide(setting, first, size=size)[3],
    )


def _experiments() -> Any:
    """Return the planted experiments: each a strategy whose arm is set against an untouched one."""
    weekly = days_of(4, days=_EXPERIMENT_DAYS)
    return plans(
        {
            "weekly": touches(weekly),
            "often": touches(days_of(12, days=_EXPERIMENT_DAYS)),
            "offers": touches(weekly, **_OFFER),
        }
    )


def _decision(n_customers: int) -> Any:
    """Return the strategies to decide between."""
    steps = {
        "twice_a_month": touches(days_of(2, days=_DAYS)),
        "weekly": touches(days_of(4, days=_DAYS)),
        "often": touches(days_of(10, days=_DAYS)),
        "weekly_offer": touches(days_of(4, days=_DAYS), **_OFFER),
    }
    return plans(steps, fixed_monthly_cost=fixed_cost_of(n_customers))


def _expected(setting: Setting, effects: Effects, *, size: Worlds) -> tuple[Floats, Floats]:
    """Return what each world is expected to show, (worlds, measures), and the error of that expectation."""
    lanes = 2
    customers = exam_customers(setting.n_customers, seed=11)
    outcome = simulated(
        setting, customers, _experiments(), days=_EXPERIMENT_DAYS, effects=effects, lanes=lanes, sample=size.sample
    )
    measures = _measures(outcome, outcome.totals, outcome.totals[:1])
    by_world = measures.reshape(-1, lanes, measures.shape[1])
    return by_world.mean(axis=1), np.sqrt(by_world.var(axis=1, ddof=1).mean(axis=0) / lanes)


def _shown(setting: Setting, effects: Effects, *, size: Worlds) -> tuple[Floats, Floats]:
    """Return what experiments in each world showed, and its standard error: arms are different customers and luck."""
    lanes = 2
    other = Setting(setting.priors, seed=setting.seed + 5, threads=setting.threads)
    customers = exam_customers(size.arm, seed=12)
    outcome = simulated(other, customers, _experiments(), days=_EXPERIMENT_DAYS, effects=effects, lanes=lanes)
    measures = _measures(outcome, outcome.totals, _other_luck(outcome.totals[:1], lanes=lanes))
    by_world = measures.reshape(-1, lanes, measures.shape[1])
    return by_world[:, 0], np.sqrt(by_world.var(axis=1, ddof=1).mean(axis=0))


def _other_luck(totals: Floats, *, lanes: int) -> Floats:
    """Return the totals of the next lane of the same world: other customers, other luck."""
    by_lane = totals.reshape(*totals.shape[:2], -1, lanes, totals.shape[-1])
    return np.roll(by_lane, 1, axis=3).reshape(totals.shape)


def _measures(outcome: Outcome, totals: Floats, untouched: Floats) -> Floats:
    """Return what experiments measure, (replicates, measures): orders, deletions, reads, confirmed and redeemed."""
    arms, control = totals[1:, -1], untouched[0, -1]

    def of(arm: Floats, name: str) -> Floats:
        return np.asarray(arm[..., entry(name)])

    columns = [(of(arm, "orders") - of(control, "orders")) / outcome.n_customers for arm in arms]
    columns += [(of(arm, "deletions") - of(control, "deletions")) / outcome.n_customers for arm in arms[:2]]
    columns += [of(arm, "read") / of(arm, "delivered").clip(min=1) for arm in arms[:2]]
    columns += [of(arms[0], "confirmed") / of(arms[0], "assigned").clip(min=1)]
    columns += [of(arms[2], "redeemed") / outcome.n_customers]
    return np.stack(columns, axis=1)


def _profits(setting: Setting, effects: Effects, *, lanes: int, sample: int | None) -> Floats:
    """Return incremental profit per customer, (strategies, replicates)."""
    customers = exam_customers(setting.n_customers, seed=11)
    strategies = _decision(setting.n_customers)
    outcome = simulated(setting, customers, strategies, days=_DAYS, effects=effects, lanes=lanes, sample=sample)
    totals = outcome.totals[:, -1]
    return np.asarray(profit(totals - totals[:1]) / outcome.n_customers)


def _decide(setting: Setting, effects: Effects, *, size: Worlds) -> tuple[Floats, Floats, int, float]:
    """Return the 80 % interval of expected profit per strategy, the one recommended, and its P(best)."""
    lanes = 4
    gains = _profits(setting, effects, lanes=lanes, sample=size.sample)
    # Of an expectation luck is no part: the spread between draws less the luck that is left in them.
    known = np.stack([rescaled(row, lanes_per_draw=lanes, sample_share=0.0) for row in gains])
    tails = (1 - _CONFIDENCE) / 2
    lower, upper = np.quantile(known, [tails, 1 - tails], axis=1)
    by_draw = gains.reshape(len(gains), -1, lanes).mean(axis=2)
    share = np.bincount(by_draw.argmax(axis=0), minlength=len(gains)) / by_draw.shape[1]
    return lower, upper, int(known.mean(axis=1).argmax()), float(share.max())


def truth_verdicts(judged: Judgement) -> list[Verdict]:
    """Return row 13: coverage, regret, and that experiments make it surer."""
    n = len(judged.truth)
    covered = judged.covered()
    inside = (judged.lower <= judged.truth) & (judged.truth <= judged.upper)
    by_world = inside[:, 1:].mean(axis=1)
    best, got = judged.truth.max(axis=1), judged.truth[np.arange(n), judged.chosen]
    before, after = judged.unsure()
    each = ", ".join(f"{name} {share:.0%}" for name, share in zip(judged.strategies[1:], covered, strict=True))
    return [
        verdict(
            "13a",
            paired(by_world),
            zh="效果取自先验、经实验更新后，80% 区间包含真实期望利润的比例",
            en="effects from the prior, updated on experiments: 80 % intervals that hold the true expected profit",
            above=0.72,
            below=0.88,
            judged="number",
            unit="share",
            source=_OURS,
            note=f"{n} worlds; {each}",
        ),
        verdict(
            "13b",
            ratio(best - got, best),
            zh="推荐策略的平均遗憾，占最优与不触达之差的比例",
            en="mean regret of the recommended strategy, as a share of the gap between the best and doing nothing",
            below=0.05,
            judged="number",
            unit="share",
            source=_OURS,
            note=f"doing nothing competes at 0 and is best in {(best <= 0).mean():.0%} of the worlds",
        ),
        verdict(
            "13c",
            paired((judged.p_best < _SURE).astype(np.float64) - before),
            zh="有实验后，说“还不能确定”的比例下降",
            en="after experiments it says 'not sure' less often than from priors alone",
            below=0.0,
            unit="share",
            source=_OURS,
            note=f"not sure in {before:.0%} of the worlds before, in {after:.0%} after",
        ),
    ]
