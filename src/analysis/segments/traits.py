"""Traits: the few behaviours by which clusters are formed and told apart, each with its plain words.

A trait is a behaviour known on the day, never an id or a snapshot. A share of a customer's few orders says little,
so shares are drawn towards the average of all customers by as much as chance explains, and count for no more than
what is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.checks import columns_present
from analysis.errors import AnalysisError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRAITS", "Trait", "Traits", "customer_traits"]

Floats = NDArray[np.float64]

_LEAST_RANGE: Final = 0.2
"""An amount whose middle half of customers spans less than this part of its median says nothing in practice."""

_LEAST_RELIABILITY: Final = 0.15
"""A share whose differences between customers are all but chance is left out."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One behaviour.

    Attributes:
        name: Column of the feature table.
        high_zh: How a customer with much of it is called, in Chinese, as part of a name.
        high_en: The same in English.
        low_zh: How a customer with little of it is called.
        low_en: The same in English.
        share_of: For a share: the column that counts what it is a share of; "" for an amount.
    """

    name: str
    high_zh: str
    high_en: str
    low_zh: str
    low_en: str
    share_of: str = ""


TRAITS: Final = (
    Trait("n_orders", "高频", "frequent", "低频", "infrequent"),
    Trait("days_since_last_order", "较久未下单", "less recent", "近期下单", "recent"),
    Trait("mean_order_value", "高客单", "big-basket", "低客单", "small-basket"),
    Trait("tenure_days", "入店较早", "earlier-joined", "入店较晚", "later-joined"),
    Trait("discount_share", "爱用优惠", "discount-led", "少用优惠", "full-price", share_of="n_orders"),
    Trait("coupon_share", "爱用券", "coupon-led", "少用券", "coupon-free", share_of="n_orders"),
    Trait("share_weekend", "周末型", "weekend", "工作日型", "weekday", share_of="n_orders"),
    Trait("share_evening", "晚间型", "evening", "白天型", "daytime", share_of="n_orders"),
    Trait("refund_share", "常退货", "often refunded", "少退货", "rarely refunded", share_of="n_orders"),
)
"""In order of precedence: of two that say the same, the earlier one is kept. Words compare with the brand's other
customers, never with the world: after 15 days a grocer's customer is "less recent", a clinic's is not."""


class Traits(NamedTuple):
    """Traits of customers.

    Attributes:
        values: One row per customer, one column per trait, nothing missing.
        weights: How much each trait counts, 0-1: the root of the share of its differences that is not chance.
    """

    values: "pd.DataFrame"
    weights: Mapping[str, float]


def customer_traits(features: "pd.DataFrame") -> Traits:
    """Return the traits that these features allow.

    Args:
        features: The feature table: one row per customer with ``customer_id`` and ``n_orders``; traits whose column
            is absent are left out, as are shares that vary no more than chance.

    Raises:
        AnalysisError: If there are no customers.
    """
    import pandas as pd

    columns_present(features.columns, needed=("customer_id", "n_orders"), table="features")
    if len(features) == 0:
        raise AnalysisError("There are no customers to describe.")
    values: dict[str, Floats] = {}
    weights: dict[str, float] = {}
    for trait in TRAITS:
        if trait.name not in features.columns:
            continue
        found = features[trait.name].to_numpy(dtype=np.float64, na_value=np.nan)
        if trait.share_of:
            count = features[trait.share_of].to_numpy(dtype=np.float64, na_value=0)
            found, reliability = _drawn_to_average(found, count)
            if reliability < _LEAST_RELIABILITY:
                continue
            weights[trait.name] = float(np.sqrt(reliability))
        elif not _spans_enough(found):
            continue
        values[trait.name] = np.where(np.isfinite(found), found, np.nanmedian(found))
    return Traits(pd.DataFrame(values, index=features["customer_id"]), weights)


def _spans_enough(found: Floats) -> bool:
    known = found[np.isfinite(found)]
    if len(known) == 0:
        return False
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    # Where most are equal (one order each) the mean says whether the rest are far away.
    return bool(max(high - low, abs(known.mean() - middle)) > _LEAST_RANGE * abs(middle))


def _drawn_to_average(observed: Floats, count: Floats) -> tuple[Floats, float]:
    """Return shares drawn towards their average, and which part of the differences between customers is not chance.

    Within a customer the orders' own spread is not known here; p (1 - p) bounds it from above for any share, so the
    reliability is on the careful side.
    """
    known = np.isfinite(observed) & (count > 0)
    if known.sum() < 2:
        return np.full(len(observed), np.nan), 0.0
    average = float(np.average(observed[known], weights=count[known]))
    several = known & (count >= 2)
    if several.sum() < 30:
        return np.full(len(observed), average), 0.0
    chance = average * (1 - average)
    between = float(((observed[several] - average) ** 2 - chance / count[several]).mean())
    if between <= 0 or chance <= 0:
        return np.full(len(observed), average), 0.0
    prior_orders = chance / between
    shown = np.where(known, observed, average)
    weight = np.where(known, count, 0.0)
    drawn = (shown * weight + average * prior_orders) / (weight + prior_orders)
    reliability = float((weight / (weight + prior_orders)).mean())
    return drawn, reliability
