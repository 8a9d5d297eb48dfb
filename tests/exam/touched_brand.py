"""A planted brand that was touched every week: own purchases, and what read messages added, by laws written here alone.

Purchases are Poisson at each customer's own rate, with a chance to leave for good after each. A message that is read
(six in ten) adds orders, Poisson with a mean of so many days of the customer's own purchases, after an exponential
delay; of those a quarter takes away the customer's next own purchase.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.churn.btyd.bg_nbd import BGNBD

HISTORY, HORIZON, EVERY = 360, 84, 7
READ, GAIN_DAYS, BORROWED, DELAY = 0.6, 2.0, 0.25, 3.0
# The same for the simulator: read rate 0.8 of three quarters confirmed; an exponential delay; hardly a ceiling.
PLANTED = {
    "pull_forward": BORROWED, "confirm_rate": 0.75, "delay_days": DELAY, "delay_shape": 1.0, "ceiling": 3.0,
}  # fmt: skip


@dataclass(frozen=True)
class TouchedBrand:
    """Customers as the simulator takes them, and the orders of the days ahead under two futures.

    Attributes:
        customers: One row per customer.
        untouched: Orders of the days ahead without a further touch.
        touched: Orders of the days ahead had the weekly messages gone on.
    """

    customers: pd.DataFrame
    untouched: int
    touched: int


def touched_brand(n: int, *, seed: int) -> TouchedBrand:
    rng = np.random.default_rng(seed)
    end = HISTORY + HORIZON
    rate, leaving = rng.gamma(1.5, 1 / 45.0, n), rng.beta(0.8, 12.0, n)
    joined, contact = rng.uniform(0, HISTORY - 60, n), rng.random(n) < 0.75
    before, ahead, last, count = np.zeros(n), np.zeros((n, 2)), np.zeros(n), np.zeros(n, dtype=int)
    for i in range(n):
        own = [joined[i]]
        while own[-1] < end and rng.random() > leaving[i]:
            own.append(own[-1] + rng.exponential(1 / rate[i]))
        left = own[-1] if own[-1] < end else np.inf
        own = [t for t in own if t < end]
        extra, paying = _added(rng, rate=rate[i], contact=bool(contact[i]), joined=joined[i], left=left, end=end)
        # A loan is paid by the next own purchase after it.
        past_loans = [t for t in paying if t < HISTORY]
        for future, loans in enumerate((past_loans, paying)):
            kept = _after_loans(own, loans)
            came = [t for t in extra if future or t < HISTORY]
            ahead[i, future] = sum(t >= HISTORY for t in (*kept, *came))
            if future == 0:
                seen = sorted(t for t in (*kept, *came) if t < HISTORY)
                count[i], last[i], before[i] = len(seen), seen[-1], seen[0]
    history = pd.DataFrame({"frequency": count - 1, "recency": last - before, "T": HISTORY - before})
    return TouchedBrand(_customers(history, contact=contact, last=last), int(ahead[:, 0].sum()), int(ahead[:, 1].sum()))


def _added(
    rng: np.random.Generator, *, rate: float, contact: bool, joined: float, left: float, end: int
) -> tuple[list[float], list[float]]:
    """Return when messages add orders, and which of these are loans."""
    extra, loans = [], []
    first = EVERY * int(np.ceil(joined / EVERY))
    for day in range(first, end, EVERY) if contact else ():
        if day >= left or rng.random() > READ:
            continue
        for _ in range(rng.poisson(GAIN_DAYS * rate)):
            at = day + rng.exponential(DELAY)
            if at < end:
                extra.append(at)
                if rng.random() < BORROWED:
                    loans.append(at)
    return extra, loans


def _after_loans(own: list[float], loans: list[float]) -> list[float]:
    """Return the own purchases that are left: each loan cancels the first one after it (never the very first)."""
    kept = list(own)
    for at in sorted(loans):
        later = [t for t in kept[1:] if t > at]
        if later:
            kept.remove(later[0])
    return kept


def _customers(history: pd.DataFrame, *, contact: Any, last: Any) -> pd.DataFrame:
    model = BGNBD().fit(history)
    r, alpha, a, b = (model.parameters_[name] for name in ("r", "alpha", "a", "b"))
    x = history["frequency"].to_numpy()
    return pd.DataFrame(
        {
            "customer_id": [f"t{i:06d}" for i in range(len(history))],
            "p_alive": model.p_alive(history),
            "rate_shape": r + x,
            "rate_days": alpha + history["T"],
            "dropout_a": a,
            "dropout_b": b + x,
            "orders_next_year": model.conditional_expected_purchases(history, horizon=365),
            "order_value": 100.0,
            "days_since_last_order": HISTORY - last,
            "is_contact": contact,
            "n_orders": x + 1,
            "touches_per_day_private_chat": np.where(contact, 1 / EVERY, 0.0),
        }
    )
