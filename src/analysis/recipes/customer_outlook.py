"""All that is expected of each customer, side by side: both clocks, worth, the next need."""

from typing import Final

import pandas as pd

from analysis.features.places import said_of
from analysis.recipes.resolver import reads

_SAID: Final = {
    "churn_scores": ("p_churn", "value_at_risk"),
    "delete_scores": ("p_delete", "n_open_contacts"),
    "customer_value": ("clv", "clv_ci_lower", "clv_ci_upper", "confidence_level"),
    "next_need": (
        "p_purchase",
        "next_need_from_on",
        "next_need_middle_on",
        "next_need_until_on",
        "next_need_category",
    ),
    "purchase_clock": (
        "p_alive",
        "rate_shape",
        "rate_days",
        "dropout_a",
        "dropout_b",
        "orders_next_year",
        "rate",
        "p_dropout",
    ),
}
"""Columns taken from each recipe, where it has them."""


@reads(features=("customer_id",), **{name: ("customer_id", *columns) for name, columns in _SAID.items()})
def customer_outlook(
    features: pd.DataFrame,
    churn_scores: pd.DataFrame | None = None,
    delete_scores: pd.DataFrame | None = None,
    customer_value: pd.DataFrame | None = None,
    next_need: pd.DataFrame | None = None,
    purchase_clock: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per customer with a purchase, by id: what every forecast says of that customer. For ``private/`` only.

    ``p_churn`` and ``p_delete`` (0-1, within ``churn_params.horizon_days``), ``value_at_risk`` (currency),
    ``n_open_contacts``; ``clv`` with ``clv_ci_lower`` and ``clv_ci_upper`` at ``confidence_level`` (currency, over
    ``value_params.horizon_days``); ``p_purchase`` (0-1, within ``value_params.next_need_days``), ``next_need_from_on``,
    ``_middle_on``, ``_until_on`` (days, given a purchase) and ``next_need_category``; the purchase clock in days. These
    are the names by which strategies and the send plan know a customer. A forecast that the data cannot give has no
    column; a customer whom it does not ask about has no value (``p_churn``: not active; ``p_delete``: no open contact).
    """
    given = {
        "churn_scores": churn_scores,
        "delete_scores": delete_scores,
        "customer_value": customer_value,
        "next_need": next_need,
        "purchase_clock": purchase_clock,
    }
    table = features[["customer_id"]].sort_values("customer_id", ignore_index=True)
    parts = []
    for name, columns in _SAID.items():
        said = given[name]
        if said is None or said.empty:
            continue
        parts.append(said_of(table["customer_id"], said=said, columns=[c for c in columns if c in said]))
    return pd.concat([table, *parts], axis=1)
