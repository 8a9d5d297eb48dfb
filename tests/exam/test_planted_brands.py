"""Misspecified on purpose: brands whose laws differ from ours, and what the product says of them."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from analysis.touch.effects import draw_effects
from analysis.touch.exam.judging import paired
from analysis.touch.exam.setting import Setting, plans, simulated
from analysis.touch.exam.verdicts import verdict
from analysis.touch.money import entry
from analysis.touch.summary import rescaled
from tests.exam import brands, touched_brand

pytestmark = pytest.mark.exam

DAYS = (date(2025, 9, 30), date(2025, 12, 31), date(2026, 3, 31))
CUSTOMERS = 8_000
SOURCE = "ours; planted brands (data/synthetic), whose laws differ from the simulator's"


@pytest.fixture(scope="module")
def under(tmp_path_factory):
    """The folder in which brands are generated and what is computed of them is kept: both tests read the same."""
    return tmp_path_factory.mktemp("brands")


def interval(values: Any) -> tuple[float, float]:
    """The 80 % interval of an outcome: what is not known, and luck once."""
    draws = rescaled(values, lanes_per_draw=2, sample_share=1.0)
    low, high = np.quantile(draws, [0.1, 0.9])
    return float(low), float(high)


def campaigns_ahead(case: brands.Case) -> list[tuple[float, float, float]]:
    """Lower end, upper end and truth of the orders that eight weeks of campaigns bring: by private chat, and in all."""
    effects = brands.learned(case, draws=60, seed=3)
    customers, steps, campaigns = brands.programmes(case)
    outcome = brands.run(case, customers, steps, effects=effects, days=brands.HORIZON_DAYS, lanes=2)
    orders = outcome.totals[:, -1, :, entry("orders")]
    gained = dict(zip(outcome.strategies, orders - orders[0], strict=True))
    truth = {name: brands.true_increment(case, campaigns=ids) for name, ids in campaigns.items()}
    return [
        (*interval(gained["by_private_chat"]), truth["by_private_chat"]),
        (*interval(sum(gained[name] for name in steps)), sum(truth.values())),
    ]


def test_intervals_of_planted_campaigns_hold_the_truth_in_60_of_100_though_the_laws_differ(hold, exam_in_full, under):
    found = []
    names = ("beauty", "coffee", "hair_transplant") if exam_in_full else ("beauty", "coffee")
    by_brand: dict[str, list[bool]] = {}
    for brand in names:
        for seed in (7, 8, 9, 10, 11, 12) if exam_in_full else (7,):
            for as_of in DAYS if exam_in_full else DAYS[1:]:
                case = brands.case_of(brand, customers=CUSTOMERS, seed=seed, as_of=as_of, under=under)
                held = [low <= truth <= high for low, high, truth in campaigns_ahead(case)]
                by_brand.setdefault(brand, []).extend(held)
                found += held
    each = ", ".join(f"{brand} {np.mean(held):.0%} of {len(held)}" for brand, held in by_brand.items())
    covered = verdict(
        "14a",
        paired(np.array(found, dtype=float)),
        zh="规律不同的虚构品牌：80% 区间包含活动真实新增订单的比例",
        en="planted brands with other laws: 80 % intervals that hold the true added orders of their campaigns",
        above=0.60 if exam_in_full else 0.30,
        judged="number",
        unit="share",
        source=SOURCE,
        note=f"{len(found)} forecasts of 12 weeks, after each brand's own experiments; {each}",
    )
    hold([covered])


def untouched_interval(brand: touched_brand.TouchedBrand, priors: Any, *, seed: int) -> tuple[float, float, float]:
    """The 80 % interval of orders without touches, and the mean forecast of going on as before.

    Effects are those planted, the gain of a message known to within a tenth: as experiments would leave it.
    """
    gain = touched_brand.GAIN_DAYS * np.exp(0.1 * np.random.default_rng(seed).standard_normal(100))
    planted = {
        "gain_days": gain,
        **{name: np.full(100, value) for name, value in touched_brand.PLANTED.items()},
    }
    none = ("fatigue_response", "read_fatigue", "deletion_touch", "deletion_baseline")
    effects = {**draw_effects(priors, draws=100, seed=1), **planted, **{name: np.zeros(100) for name in none}}
    strategies = plans({"past": []})
    past = strategies.strategies[1].model_copy(update={"as_history": True})
    both = strategies.model_copy(update={"strategies": [strategies.strategies[0], past]})
    here = Setting(priors, seed=seed)
    outcome = simulated(here, brand.customers, both, days=touched_brand.HORIZON, effects=effects, lanes=2)
    orders = outcome.totals[:, -1, :, entry("orders")]
    return (*interval(orders[0]), float(orders[1].mean()))


def test_no_touch_takes_the_lift_of_a_touched_past_out_and_its_interval_holds_the_truth(priors, hold, exam_in_full):
    held, lifts = [], []
    for seed in range(40 if exam_in_full else 2):
        brand = touched_brand.touched_brand(3_000, seed=seed)
        low, high, status_quo = untouched_interval(brand, priors, seed=seed)
        held.append(low <= brand.untouched <= high)
        lifts.append(brand.touched / brand.untouched - 1)
        assert status_quo > high  # the clock's own forecast, fitted on touched history, is another number
    hold(
        [
            verdict(
                "15a",
                paired(np.array(held, dtype=float)),
                zh="虚构的常触达品牌：不触达的 80% 区间包含真实的不触达订单",
                en="planted touched brands: 80 % intervals of no touch that hold the true orders without touches",
                above=0.65 if exam_in_full else 0.5,
                judged="number",
                unit="share",
                source="ours; planted brands with a weekly message",
                note=f"{len(held)} brands of 3,000 customers, 84 days; touches lift orders by {np.mean(lifts):.1%}",
            )
        ]
    )


@pytest.mark.xfail(
    strict=True,
    reason="the interval holds luck and effect sizes but not the error of the clock itself, which misses demo brands "
    "by up to a tenth: their customers are neither Poisson nor memoryless",
)
def test_no_touch_intervals_hold_on_demo_brands_too(priors, hold, exam_in_full, under):
    held, share = [], []
    for brand in ("beauty", "coffee"):
        for seed in (7, 8, 9) if exam_in_full else (7,):
            for as_of in DAYS if exam_in_full else DAYS[1:]:
                case = brands.case_of(brand, customers=CUSTOMERS, seed=seed, as_of=as_of, under=under)
                effects = brands.prior_worlds(case, priors, worlds=80, seed=3)
                outcome = brands.run(case, case.customers, {}, effects=effects, days=brands.HORIZON_DAYS, lanes=2)
                low, high = interval(outcome.totals[0, -1, :, entry("orders")])
                truth = brands.true_untouched_orders(case, days=brands.HORIZON_DAYS)
                held.append(low <= truth <= high)
                share.append(2 * truth / (low + high))
    hold(
        [
            verdict(
                "15b",
                paired(np.array(held, dtype=float)),
                zh="规律不同的虚构品牌：不触达的 80% 区间包含真实的不触达订单",
                en="planted brands with other laws: 80 % intervals of no touch that hold the true untouched orders",
                above=0.60,
                judged="number",
                unit="share",
                source=SOURCE,
                note=f"{len(held)} forecasts of 84 days; truth at {min(share):.2f} to {max(share):.2f} of the "
                "forecast: the error of the purchase clock itself is not in the interval",
            )
        ]
    )
