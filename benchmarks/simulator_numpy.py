"""The simulator as one would write it with numpy: day by day, arrays of customers × replicates, the same laws.

Rates and dropout chances are drawn once and purchases are Poisson counts of a day, so it also checks by other means
what the compiled simulation does moment by moment. Left out: touches of the past, limits of strategies, chains,
referrals, second lives, and established customers' reference prices.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from analysis.touch import deletion, exposure, fatigue, need, reference_price, response, trust
from analysis.touch.policies import CapRule, limit_on, window_of
from analysis.touch.strategies import Step, Strategy, StrategySet, Template, audience

COUNTS = ("orders", "extra_orders", "borrowed_orders", "delivered", "read", "redeemed", "deletions", "profit")
_GAINS = {"service": "service_gain", "reminder": "reminder_gain", "promotion": "promotion_gain"}


def simulate(
    customers: pd.DataFrame,
    *,
    strategies: StrategySet,
    channels: pd.DataFrame,
    effects: Mapping[str, Any],
    caps: tuple[CapRule, ...],
    as_of: date,
    horizon_days: int,
    seed: int,
    replicates: int,
) -> dict[str, dict[str, Any]]:
    """Return each strategy's counts and its profit, per replicate; ``effects`` are per replicate."""
    rng = np.random.default_rng(seed)
    shape = (replicates, len(customers))
    column = {name: customers[name].to_numpy(dtype=float)[None, :] for name in need.CLOCK_COLUMNS}
    rate = rng.gamma(column["rate_shape"], 1 / column["rate_days"], shape)
    dropout = rng.beta(column["dropout_a"], column["dropout_b"], shape)
    alive = rng.random(shape) < column["p_alive"]
    e = {name: np.asarray(values)[:, None] for name, values in effects.items()}
    leaves = rng.exponential(1, shape) / np.maximum(e["deletion_baseline"], 1e-12)
    g = SimpleNamespace(
        customers=customers, plans=strategies, channels=channels, e=e, caps=caps, as_of=as_of, horizon=horizon_days,
        rng=rng, rate=rate, dropout=dropout, leaves=leaves,
    )  # fmt: skip
    return {strategy.name: _one(strategy, g, alive.copy()) for strategy in strategies.strategies}


def _one(strategy: Strategy, g: Any, alive: Any) -> Any:
    """Run one strategy; ``g`` holds what all strategies share, ``s`` what changes under this one."""
    customers, plans, e, rng = g.customers, g.plans, g.e, g.rng
    shape = g.rate.shape
    rows = {row["channel"]: row for row in g.channels.to_dict("records")}
    g.is_contact = is_contact = np.broadcast_to(customers["is_contact"].to_numpy(dtype=bool), shape)
    value = customers["order_value"].to_numpy(dtype=float)[None, :]
    gap = (customers["rate_days"] / customers["rate_shape"]).to_numpy(dtype=float)[None, :]
    g.gap, g.value = gap, value
    g.future = deletion.value_of_contact(
        orders_next_year=customers["orders_next_year"].to_numpy(dtype=float)[None, :],
        margin_per_order=value * plans.economics.margin_share,
        deletion_loss=e["deletion_loss"],
    )
    s: dict[str, Any] = {
        "contact": is_contact.copy(), "trust": np.ones(shape), "debt": np.zeros(shape), "habit": np.zeros(shape),
        "last": np.broadcast_to(-customers["days_since_last_order"].to_numpy(dtype=float), shape).copy(),
        "until": np.full(shape, -1.0), "share": np.zeros(shape), "alive": alive,
        "stock": {name: np.zeros(shape) for name in rows}, "wear": {t: np.zeros(shape) for t in Template},
        "refused": {name: np.zeros(shape, dtype=bool) for name in rows},
        "touched": [np.full(shape, -1e4) for _ in strategy.steps],
        "pulses": [], "counts": {}, "windows": {},
        "held": rng.random(shape) < strategy.holdout_share,
    }  # fmt: skip
    total = {name: np.zeros(shape[0]) for name in COUNTS}
    chosen = [audience(customers, conditions=step.audience)[None, :] for step in strategy.steps]
    weights = response.delay_weights(delay_days=e["delay_days"][:, 0], delay_shape=e["delay_shape"][:, 0])
    for day in range(g.horizon):
        today = g.as_of + timedelta(days=day + 1)
        s["pulses"] = [(on, gain) for on, gain in s["pulses"] if day - on < response.MEMORY_DAYS]
        for k, step in enumerate(strategy.steps):
            if step.trigger.due(day, first=g.as_of + timedelta(days=1)):
                _touch(k, step, chosen[k], rows[step.channel], s, g, today, day, total)
        _orders(day, s, g, weights, total)
        for stocks, memory in (("stock", "fatigue_days"), ("wear", "novelty_days")):
            for name in s[stocks]:
                s[stocks][name] *= fatigue.decayed(1.0, days=1, memory_days=e[memory])
        s["trust"] = trust.recovered(s["trust"], days=1, trust_days=e["trust_days"])
        s["habit"] *= fatigue.decayed(1.0, days=1, memory_days=e["habit_days"])
    total["deletions"] = ((~s["contact"] | (g.leaves < g.horizon)) & is_contact).sum(axis=1)
    total["profit"] -= strategy.fixed_monthly_cost * g.horizon / (365.25 / 12)
    return total


def _touch(k: int, step: Step, chosen: Any, channel: Any, s: Any, g: Any, today: date, day: int, total: Any) -> None:
    e, rng, caps, leaves, gap = g.e, g.rng, g.caps, g.leaves, g.gap
    shape, name = s["trust"].shape, step.channel
    due = chosen & ~s["held"] & ~s["refused"][name] & (day - s["touched"][k] >= step.cooldown_days)
    if channel["needs_contact"]:
        due = due & s["contact"] & (leaves >= day + 1)
    gaps = need.gaps_since_order(day=day, last_order=s["last"], mean_gap=gap)
    if step.trigger.need_window:
        due = due & (gaps >= step.trigger.need_window[0]) & (gaps <= step.trigger.need_window[1])
    if step.trigger.days_since_order:
        days = np.floor(day - s["last"])
        due = due & (days >= step.trigger.days_since_order[0]) & (days <= step.trigger.days_since_order[1])
    s["touched"][k][due] = day
    sent = due & (rng.random(shape) < (e["confirm_rate"] if channel["needs_staff"] else 1.0))
    minutes = channel["staff_minutes"] * sent.sum(axis=1)
    for rule in (rule for rule in caps if name in rule.channels and rule.in_force(today)):
        if s["windows"].get(rule.name) != window_of(rule, on=today):
            s["windows"][rule.name] = window_of(rule, on=today)
            s["counts"][rule.name] = np.zeros(shape)
        sent = sent & (s["counts"][rule.name] < limit_on(rule, on=today))
    for rule in (rule for rule in caps if name in rule.channels and rule.in_force(today)):
        s["counts"][rule.name] += sent
    own = s["stock"][name]
    others = sum(s["stock"].values()) - own
    felt = fatigue.felt_fatigue(own, others=others, cross_channel=e["cross_channel"], crowding=e["channel_crowding"])
    p_read = exposure.read_chance(read_rate=channel["read_rate"], fatigue=felt, read_fatigue=e["read_fatigue"])
    read = sent & (rng.random(shape) < p_read)
    discount = step.offer.discount_share if step.offer else 0.0
    template = step.template.value
    gain = response.touch_gain(
        gain_days=e["gain_days"] * channel["gain"],
        template_gain=e[_GAINS[template]] if template in _GAINS else 1.0,
        offer_gain=e["offer_gain"],
        discount_share=discount,
        timing_gain=np.where(need.is_near(gaps), e["timing_gain"], 0.0),
    )
    gain = gain * fatigue.novelty_left(s["wear"][step.template], template_wear=e["template_wear"])
    s["pulses"].append((day, read * gain * fatigue.response_left(felt, fatigue_response=e["fatigue_response"])))
    if step.offer:
        s["until"][read], s["share"][read] = day + step.offer.valid_days - 1, discount
    service, push = trust.push_of(step.template)
    change = trust.trust_step(service=service, push=push, trust_service=e["trust_service"], trust_push=e["trust_push"])
    p_gone = deletion.deletion_chance(
        deletion_touch=e["deletion_touch"] * channel["annoyance"], deletion_fatigue=e["deletion_fatigue"],
        fatigue=felt, trust=s["trust"],
    ) * channel["needs_contact"]  # fmt: skip
    p_refused = deletion.refusal_chance(
        refusal_touch=e["refusal_touch"] * channel["annoyance"], deletion_fatigue=e["deletion_fatigue"], fatigue=felt
    )
    u = rng.random(shape)
    gone = sent & (u < p_gone)
    s["refused"][name] |= sent & ~gone & (u < p_gone + p_refused)
    s["contact"] &= ~gone
    s["trust"] = trust.after_touch(s["trust"], step=read * change)
    s["wear"][step.template] += read
    s["stock"][name] = own + channel["annoyance"] * sent
    total["delivered"] += sent.sum(axis=1)
    total["read"] += read.sum(axis=1)
    wage = g.plans.economics.wage_per_hour / 60
    total["profit"] -= channel["cost"] * sent.sum(axis=1) + wage * minutes + (gone * g.future).sum(axis=1)


def _orders(day: int, s: Any, g: Any, weights: Any, total: Any) -> None:
    e, rng, rate, dropout, value = g.e, g.rng, g.rate, g.dropout, g.value
    boost = np.maximum(s["habit"], 0.0)
    for on, gain in s["pulses"]:
        boost += gain * weights[:, day - on, None]
    lift = response.saturated_lift(boost * s["trust"], ceiling=e["ceiling"])
    extra = rng.poisson(rate * lift * np.where(s["alive"], 1.0, e["lapsed_response"]))
    offered = s["until"] >= day
    borrowed = rng.binomial(extra, np.where(offered, e["pull_forward_offer"], e["pull_forward"])) * s["alive"]
    s["debt"] += borrowed
    own = rng.poisson(rate) * s["alive"]
    # Of several purchases in a day, each may be the last.
    lasting = np.where(own > 0, np.minimum(rng.geometric(np.maximum(dropout, 1e-12)), own + 1), 1)
    s["alive"] &= ~((own > 0) & (lasting <= own))
    own = np.where(own > 0, np.minimum(own, lasting), 0)
    repaid = np.minimum(own, s["debt"])
    s["debt"] -= repaid
    kept = own - repaid
    lost = np.where(g.is_contact & ~s["contact"], e["deletion_loss"], 0.0)
    kept = rng.binomial(kept.astype(int), 1 - lost)
    kept = rng.binomial(kept, 1 - np.clip(-s["habit"], 0.0, 1.0))
    orders = kept + extra
    redeemed = rng.binomial(orders, np.where(offered, e["redemption_rate"], 0.0))
    s["habit"] += redeemed * reference_price.habit_step(
        discount_share=s["share"], established=0.0,
        habit_gain=e["habit_gain"], reference_price=e["reference_price"],
    )  # fmt: skip
    s["last"][orders > 0] = day
    margin = value * g.plans.economics.margin_share
    total["orders"] += orders.sum(axis=1)
    total["extra_orders"] += extra.sum(axis=1)
    total["borrowed_orders"] += borrowed.sum(axis=1)
    total["redeemed"] += redeemed.sum(axis=1)
    total["profit"] += (orders * margin - redeemed * value * s["share"]).sum(axis=1)
