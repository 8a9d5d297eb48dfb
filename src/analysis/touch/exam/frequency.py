"""Rows 1, 2 and 6: how many messages a month are best, what halving too many does, and what many do to reading."""

from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analysis.touch.exam.judging import Interval, paired, ratio, sliced
from analysis.touch.exam.setting import Setting, days_of, exam_customers, fixed_cost_of, plans, run, told, touches
from analysis.touch.exam.verdicts import Verdict, verdict
from analysis.touch.money import MONTH_DAYS, profit
from analysis.touch.outcome import Outcome

__all__ = ["best_frequency", "frequency_verdicts", "halving_verdicts", "monotone_verdicts", "optimum_verdicts"]

Floats = npt.NDArray[np.float64]

MESSAGES: Final = (3, 6, 9, 12, 15, 18, 21, 24, 30, 36, 42, 48, 60)  # in 90 days
_DAYS: Final = 90
_PER_MONTH: Final = np.array(MESSAGES) * MONTH_DAYS / _DAYS
_DEGREE: Final = 5
_TOO_FEW, _TOO_MANY = 0.57, 1.43  # 4 and 10 against 7
_NOT_LOWER: Final = 0.01  # margin of non-inferiority
_ZHANG: Final = "Zhang, Kumar, Cosguner 2017 JMR: optimum 7 a month; 4 loses 32 %, 10 loses 16 %"
_META: Final = "Meta analytics 2022: fewer notifications"
_WOHLLEBE: Final = "Wohllebe et al. 2021"


def frequency_verdicts(setting: Setting) -> list[Verdict]:
    """Return rows 1, 2 and 6: the curve is simulated once, rows 2 at its optimum."""
    outcome = run(setting, exam_customers(setting.n_customers, seed=setting.seed), _programme(setting), days=_DAYS)
    best = best_frequency(outcome)
    return [*optimum_verdicts(outcome), *halving_verdicts(setting, best=best), *monotone_verdicts(outcome)]


def best_frequency(outcome: Outcome) -> float:
    """Return the messages a month at which mean incremental profit is highest."""
    return float(_optimum(_gains(outcome).mean(axis=-1))[0])


def optimum_verdicts(outcome: Outcome) -> list[Verdict]:
    """Row 1: profit has an interior optimum; too few messages cost more than as many too many."""
    best, few, many, apart = sliced(_optimum, _gains(outcome))
    share: dict[str, Any] = {"unit": "share", "source": _ZHANG}
    note = f"best at {best.value:.1f} a month, over {_DAYS} days, after the programme's fixed cost"
    return [
        verdict(
            "1a",
            few,
            zh="触达次数为最优的 0.57 倍时，利润损失",
            en="profit lost at 0.57 × the best number of messages",
            above=0.15,
            below=0.45,
            judged="number",
            note=note,
            **share,
        ),
        verdict(
            "1b",
            many,
            zh="触达次数为最优的 1.43 倍时，利润损失",
            en="profit lost at 1.43 × the best number of messages",
            above=0.05,
            below=0.30,
            judged="number",
            note=note,
            **share,
        ),
        verdict(
            "1c",
            apart,
            zh="太少比同样幅度的太多损失更大",
            en="too few cost more than as many too many",
            above=0.0,
            judged="number",
            **share,
        ),
        verdict(
            "1d",
            best,
            zh="利润在每月若干次时最高，之后下降",
            en="the best number of messages a month lies inside the range",
            above=float(_PER_MONTH[1]),
            below=float(_PER_MONTH[-1]) / _TOO_MANY,
            judged="number",
            unit="count",
            source=_ZHANG,
        ),
    ]


def halving_verdicts(setting: Setting, *, best: float) -> list[Verdict]:
    """Row 2: going from twice the best volume to the best lowers repurchase at first, not in the long run."""
    steps = {"twice": touches(days_of(2 * best, days=365)), "half": touches(days_of(best, days=365))}
    customers = exam_customers(setting.n_customers, seed=setting.seed)
    outcome = run(setting, customers, plans(steps), days=365, checkpoints=(30, 335))
    first = ratio(*_less(outcome, "repurchasers", day=30))
    year = ratio(*_less(outcome, "repurchasers", day=None))
    twice, half = (told(outcome, name, "orders") - told(outcome, name, "orders", day=335) for name in ("twice", "half"))
    share: dict[str, Any] = {"unit": "share", "source": _META}
    note = f"from {2 * best:.1f} to {best:.1f} messages a month"
    return [
        verdict(
            "2a",
            first,
            zh="触达减半后，第一个月复购的客户变少",
            en="half as many messages: fewer customers buy in month 1",
            below=0.0,
            note=note,
            **share,
        ),
        verdict(
            "2b",
            year,
            zh="到第 12 个月，复购的客户不少于原来（容差 1%）",
            en="by month 12 not fewer customers have bought (margin 1 %)",
            above=-_NOT_LOWER,
            note=note,
            **share,
        ),
        verdict(
            "2c",
            ratio(half - twice, twice),
            zh="第 12 个月当月订单不少于原来（容差 1%）",
            en="orders of month 12 itself are not fewer (margin 1 %)",
            above=-_NOT_LOWER,
            note=note,
            **share,
        ),
    ]


def monotone_verdicts(outcome: Outcome) -> list[Verdict]:
    """Row 6: with every step to more messages a smaller share is read, and more contacts are deleted."""
    names = [name for name in outcome.strategies if name != "no_touch"][::4]
    read = [ratio(told(outcome, name, "read"), told(outcome, name, "delivered")) for name in names]
    falls = [_slope(outcome, before, after) for before, after in pairwise(names)]
    gone = [told(outcome, name, "deletions") / outcome.n_customers for name in names]
    rises = [paired(after - before) for before, after in pairwise(gone)]
    spread = f"{names[0].removeprefix('n')} to {names[-1].removeprefix('n')} messages in 90 days"
    return [
        verdict(
            "6a",
            max(falls, key=lambda fall: fall.upper),
            zh="触达越多，阅读率越低（每一步）",
            en="more messages: the share read falls with every step",
            below=0.0,
            unit="share",
            source=_WOHLLEBE,
            note=f"smallest fall of a step; {spread}: read share {read[0].value:.3f} to {read[-1].value:.3f}",
        ),
        verdict(
            "6b",
            min(rises, key=lambda rise: rise.lower),
            zh="触达越多，删除越多（每一步）",
            en="more messages: deletions rise with every step",
            above=0.0,
            unit="share",
            source=_WOHLLEBE,
            note=f"smallest rise of a step; {spread}: {gone[0].mean():.4f} to {gone[-1].mean():.4f} of contacts",
        ),
    ]


def _programme(setting: Setting) -> Any:
    steps = {f"n{n}": touches(days_of(n * MONTH_DAYS / _DAYS, days=_DAYS)) for n in MESSAGES}
    return plans(steps, fixed_monthly_cost=fixed_cost_of(setting.n_customers))


def _gains(outcome: Outcome) -> Floats:
    """Return incremental profit by frequency and replicate."""
    totals = outcome.totals[:, -1]
    return np.asarray(profit(totals[1:] - totals[:1]))


def _optimum(gains: Floats) -> tuple[float, float, float, float]:
    """Return where the mean curve is highest, what too few and too many lose, and by how much the first is more.

    The mean curve is smoothed by a polynomial of fifth degree in the logarithm: a curve through every point has its top
    wherever luck put one point a little higher.
    """
    curve = np.polynomial.Polynomial.fit(np.log1p(_PER_MONTH), gains, _DEGREE)
    fine = np.linspace(_PER_MONTH[0], _PER_MONTH[-1], 1901)
    best = float(fine[np.argmax(curve(np.log1p(fine)))])
    top = float(curve(np.log1p(best)))
    few, many = (1 - float(curve(np.log1p(share * best))) / top for share in (_TOO_FEW, _TOO_MANY))
    return best, few, many, few - many


def _less(outcome: Outcome, name: str, *, day: int | None) -> tuple[Floats, Floats]:
    """Return half less twice, and twice: above and below of a relative change."""
    twice, half = (told(outcome, strategy, name, day=day) for strategy in ("twice", "half"))
    return half - twice, twice


def _slope(outcome: Outcome, before: str, after: str) -> Interval:
    """Return the change of the share read from one frequency to the next, its error by linearisation."""
    parts = []
    for name in (after, before):
        read, delivered = told(outcome, name, "read"), told(outcome, name, "delivered")
        share = read.mean() / delivered.mean()
        parts.append(share + (read - share * delivered) / delivered.mean())
    return paired(parts[0] - parts[1])
