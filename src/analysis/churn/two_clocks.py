"""Two clocks side by side: who may stop buying, who may delete the contact, whom to save first and whom to leave alone.

The purchase clock asks about customers who bought lately; the relationship clock about those who are still a contact of
somebody. A customer may be on both, on one or on neither; an unknown probability is NaN.
"""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.churn.priorities import BANDS

__all__ = ["DELETE_BANDS", "GROUPS", "LEAVE_ALONE", "clock_grid", "delete_band", "group_of", "group_sums"]

DELETE_BANDS: Final = ("high", "raised", "usual")
"""Contacts by their chance of deletion: half as much again as the mean or more, the mean or more, less."""

_BAND_STARTS: Final = (1.5, 1.0)

GROUPS: Final = ("save_first", "next_in_line", "not_a_contact", "may_delete", "low_value", "low_risk", "sleeping")
"""What to do with a customer; everybody is in exactly one."""

LEAVE_ALONE: Final = ("may_delete", "low_value", "low_risk", "sleeping")


def delete_band(p_delete: ArrayLike, *, mean: float) -> NDArray[np.object_]:
    """Return each customer's band of ``DELETE_BANDS``; None for those who are nobody's contact.

    The bands are ratios to the mean, not shares of the customers: chances of deletion lie close together but for the
    newest contacts, and a fifth at highest risk would be told apart by nothing.

    Args:
        p_delete: Probability of deletion, 0-1; NaN for those who are nobody's contact.
        mean: Of all who are contacts.

    Examples:
        >>> delete_band([0.30, 0.03, 0.02, float("nan")], mean=0.03).tolist()
        ['high', 'raised', 'usual', None]
    """
    p = np.asarray(p_delete, dtype=np.float64)
    names = np.array([*DELETE_BANDS, None], dtype=np.object_)
    place = np.full(p.shape, len(_BAND_STARTS))
    for position in reversed(range(len(_BAND_STARTS))):
        place[p >= _BAND_STARTS[position] * mean] = position
    return names[np.where(np.isnan(p), len(DELETE_BANDS), place)]


def group_of(customers: pd.DataFrame, *, save_first: int, contacts_known: bool) -> NDArray[np.object_]:
    """Return what to do with each customer, one of ``GROUPS``.

    First of all those on the purchase clock who can still be written to, the ``save_first`` with most money at risk;
    of the rest, in this order: nobody's contact, likelier to delete, the half that spends less, the half at lower
    risk; what remains is next in line. Customers without a probability of leaving are sleeping.

    Args:
        customers: ``p_churn``, ``p_delete`` (0-1 or NaN), ``value_at_risk`` (currency), ``risk_band``, ``value_band``,
            ``delete_band``, one row per customer.
        save_first: Customers at the head of the list.
        contacts_known: Whether the data know who is a contact; if not, everybody can be written to.
    """
    active = customers["p_churn"].notna().to_numpy()
    reachable = active & (customers["p_delete"].notna().to_numpy() | (not contacts_known))
    worth = np.where(reachable, customers["value_at_risk"].to_numpy(dtype=np.float64, na_value=0.0), -1.0)
    first = np.zeros(len(customers), dtype=bool)
    first[np.argsort(-worth, kind="stable")[:save_first]] = True
    rules = [
        ("sleeping", ~active),
        ("not_a_contact", ~reachable),
        ("save_first", first),
        ("may_delete", customers["delete_band"].isin(DELETE_BANDS[:1]).to_numpy()),
        ("low_value", customers["value_band"].isin(BANDS[-1:]).to_numpy()),
        ("low_risk", customers["risk_band"].isin(BANDS[-1:]).to_numpy()),
    ]
    rules.append(("next_in_line", np.ones(len(customers), dtype=bool)))
    names = np.array([name for name, _ in rules], dtype=np.object_)
    place = np.argmax(np.vstack([met for _, met in rules]), axis=0)
    chosen: NDArray[np.object_] = names[place]
    return chosen


def group_sums(customers: pd.DataFrame) -> pd.DataFrame:
    """Return customers, money and mean probabilities of each of ``GROUPS`` that has anybody in it, in that order.

    Args:
        customers: ``group``, ``p_churn``, ``p_delete``, ``value_at_risk`` and, if it is known, ``clv``.
    """
    by = customers.groupby("group")
    table = pd.DataFrame(
        {
            "n_customers": by.size(),
            "value_at_risk": by["value_at_risk"].sum(min_count=1),
            "mean_p_churn": by["p_churn"].mean(),
            "mean_p_delete": by["p_delete"].mean(),
        }
    )
    if "clv" in customers:
        table["clv_total"] = by["clv"].sum(min_count=1)
    present = [group for group in GROUPS if group in table.index]
    return table.loc[present].rename_axis("group").reset_index()


def clock_grid(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the customers on both clocks by risk of deletion and of buying no more, empty cells included.

    Args:
        customers: ``p_churn``, ``p_delete``, ``risk_band``, ``delete_band``, ``value_at_risk``; rows that lack one of
            the probabilities are left out.

    Returns:
        One row per cell: ``delete_band``, ``risk_band``, ``n_customers``, ``value_at_risk`` (currency), and the least
        probabilities of its row and column, ``p_delete_from`` and ``p_churn_from`` (0-1; NaN where nobody is).
    """
    both = customers[customers["p_churn"].notna() & customers["p_delete"].notna()]
    cells = pd.MultiIndex.from_product([DELETE_BANDS, BANDS], names=["delete_band", "risk_band"])
    by = both.groupby(["delete_band", "risk_band"])["value_at_risk"].agg(["size", "sum"]).reindex(cells, fill_value=0)
    table = by.set_axis(["n_customers", "value_at_risk"], axis=1).reset_index()
    for band, p in (("delete_band", "p_delete"), ("risk_band", "p_churn")):
        table[f"{p}_from"] = table[band].map(both.groupby(band)[p].min())
    return table.astype({"n_customers": "int64", "value_at_risk": "float64"})
