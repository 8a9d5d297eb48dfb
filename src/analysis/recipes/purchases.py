"""Every purchase in order of customer and day: what histories at past days are read from."""

from datetime import date

import pandas as pd

from analysis.data.connect import Tables
from analysis.features.ordered_purchases import (
    HISTORY,
    log_of_purchases,
    purchases_of,
    table_of_purchases,
)
from analysis.features.read_purchases import read_with_habits
from analysis.features.replenishment import purchase_log as read_log
from analysis.features.replenishment import table_of
from analysis.recipes.resolver import reads


def ordered_purchases(tables: Tables, as_of: date) -> pd.DataFrame:
    """Every purchase by ``as_of`` and what was given back of it, as ``features.ordered_purchases`` keeps them.

    Who reads histories only reads the columns ``HISTORY``; the others are habits, for the feature table.
    """
    return table_of_purchases(*read_with_habits(tables, as_of=as_of))


@reads(ordered_purchases=HISTORY)
def purchase_log(tables: Tables, ordered_purchases: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Every purchase in order of customer and day, as ``features.replenishment.PurchaseLog``."""
    if "category" not in ordered_purchases and tables.has_column("order_items", "category"):
        return table_of(read_log(tables, as_of=as_of))  # by the categories of lines: a row for each
    return table_of(log_of_purchases(purchases_of(ordered_purchases)))
