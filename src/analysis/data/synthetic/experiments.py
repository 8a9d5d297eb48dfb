"""An experiment measured elsewhere, and decisions that a touch policy logged with their chances."""

from typing import Any, Final

import numpy as np

from analysis.data.synthetic.brands import Brand
from analysis.data.synthetic.identities import Identities
from analysis.data.synthetic.keys import labels, numbered, taken
from analysis.data.synthetic.orders import Orders
from analysis.data.synthetic.people import Codes, Flags, People
from analysis.data.synthetic.season import Floats

__all__ = ["ACTIONS", "decision_columns", "outcome_columns"]

ACTIONS: Final = ("nothing", "content", "coupon", "call_back")

_OUTCOME_EXPERIMENT: Final = "exp-landing-page"
_OUTCOME_DAY: Final = 640.0
_OUTCOME_SHARE: Final = 0.25
_OUTCOME_ARMS: Final = ("control", "new_page", "new_page_coupon")
_OUTCOME_LIFTS: Final = np.array([0.0, 0.35, 0.6])
_DECISION_SHARE: Final = 0.1


def outcome_columns(
    brand: Brand, people: People, *, identities: Identities, orders: Orders, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return ``outcomes`` and its truth: three equal arms, a visit and what was spent, and the year before."""
    who = np.flatnonzero((people.first_seen < _OUTCOME_DAY) & (rng.random(people.n) < _OUTCOME_SHARE))
    n_before, spent, last = _before(orders, people.n, day=_OUTCOME_DAY)
    arm = rng.integers(0, len(_OUTCOME_ARMS), len(who))
    logit = -2.2 + 0.5 * np.log1p(n_before[who]) + 0.8 * (people.discount_use[who] - 0.4)
    lift = _OUTCOME_LIFTS[arm] * (0.4 + 1.2 * people.price_sensitivity[who])
    chance, chance_control = _logistic(logit + lift), _logistic(logit)
    visit = rng.random(len(who)) < chance
    buys = visit & (rng.random(len(who)) < 0.25)
    typical = float(np.mean([category.price for category in brand.categories if category.price < 1_000]))
    basket = typical * people.spend[who] * np.exp(0.5 * rng.standard_normal(len(who)))
    ids = taken(identities.customer_id, who)
    experiment = labels((_OUTCOME_EXPERIMENT,), np.zeros(len(who), dtype=np.int64))
    rows = {
        "experiment_id": experiment,
        "customer_id": ids,
        "arm": labels(_OUTCOME_ARMS, arm),
        "visit": visit.astype(np.float64),
        "spend": np.where(buys, np.round(basket, 2), 0.0),
        "history": np.round(spent[who], 2),
        "recency_days": np.where(n_before[who] > 0, np.floor(_OUTCOME_DAY - last[who]), np.nan),
    }
    truth = {
        "experiment_id": experiment,
        "customer_id": ids,
        "p_visit_control": chance_control,
        "p_visit_treated": chance,
    }
    return rows, truth


def decision_columns(
    brand: Brand, people: People, *, identities: Identities, orders: Orders, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return ``decisions`` and its truth: the expected reward of *every* action, so any policy has a true value.

    The logging policy prefers coupons for those long away and keeps one tenth for each action.
    """
    who = np.flatnonzero(people.has_contact & (rng.random(people.n) < _DECISION_SHARE))
    at = people.first_seen[who] + (725.0 - people.first_seen[who]).clip(0) * rng.random(len(who))
    n_before, _, last = _before(orders, people.n, day=at, who=who)
    away = np.where(n_before > 0, at - last, 365.0)
    member = (people.source[who] <= 1).astype(np.float64)
    hour = np.floor(at % 1.0 * 24.0)
    score = np.stack(
        [np.zeros(len(who)), 0.4 * member, 0.012 * np.minimum(away, 200.0) - 0.5, 0.3 - 0.1 * n_before.clip(0, 8)],
        axis=1,
    )
    policy = 0.1 + 0.6 * np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    action = np.minimum((np.cumsum(policy, axis=1) < rng.random(len(who))[:, None]).sum(axis=1), len(ACTIONS) - 1)
    expected = _expected_rewards(brand, people, who, away=away, n_before=n_before)
    reward = _rewards(expected[np.arange(len(who)), action], rng)
    numbers = people.number[who]
    rows = {
        "decision_id": numbered("d", numbers),
        "customer_id": taken(identities.customer_id, who),
        "action": labels(ACTIONS, action),
        "propensity": policy[np.arange(len(who)), action],
        "reward": reward,
        "decided_at": at,
        "days_since_last_order": np.floor(away),
        "n_orders": n_before,
        "member": member,
        "hour": hour,
    }
    each: Codes = np.repeat(np.arange(len(who)), len(ACTIONS))
    truth = {
        "decision_id": taken(rows["decision_id"], each),
        "action": labels(ACTIONS, np.tile(np.arange(len(ACTIONS)), len(who))),
        "expected_reward": expected.ravel(),
    }
    return rows, truth


def _expected_rewards(brand: Brand, people: People, who: Codes, *, away: Floats, n_before: Floats) -> Floats:
    """Return the expected margin of each action for each decision, shape (decisions, actions)."""
    margin = brand.margin * float(np.mean([c.price for c in brand.categories if c.price < 1_000])) * people.spend[who]
    base = 0.3 / (1.0 + away / 30.0) * np.minimum(1.0, 0.2 + 0.1 * n_before)
    coupon = base + 0.18 * people.price_sensitivity[who] * (away > 30.0)
    call = base + 0.10 * (n_before >= 5) - 0.05 * people.dog[who]
    chances = np.stack([base, base + 0.04 * (people.constraint[who] == 0), coupon, call], axis=1)
    cost = np.array([0.0, 0.1, 0.0, 2.0])
    kept = np.array([1.0, 1.0, 0.75, 1.0])
    return np.asarray(chances.clip(0, 1) * margin[:, None] * kept - cost)


def _rewards(expected: Floats, rng: np.random.Generator) -> Floats:
    """Return noisy rewards whose mean is the expectation."""
    return np.asarray(np.round(expected + (np.abs(expected) + 1.0) * 0.8 * rng.standard_normal(len(expected)), 4))


def _before(orders: Orders, n: int, *, day: float | Floats, who: Codes | None = None) -> tuple[Floats, Floats, Floats]:
    """Return count, spend and last time of each person's orders before a day; with ``who``, a day for each of them."""
    limit = np.full(n, day if who is None else -np.inf)
    if who is not None:
        limit[who] = day
    counted: Flags = orders.happened & (orders.person >= 0)
    counted[counted] = orders.at[counted] < limit[orders.person[counted]]
    person = orders.person[counted]
    last = np.full(n, -np.inf)
    last[person] = orders.at[counted]  # in order of time: the last one stays
    spent: Floats = np.bincount(person, weights=orders.baskets.amount[counted] / 100.0, minlength=n).astype(np.float64)
    count = np.bincount(person, minlength=n).astype(np.float64)
    return (count, spent, last) if who is None else (count[who], spent[who], last[who])


def _logistic(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))
