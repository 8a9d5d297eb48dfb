"""The feature table of the run's day, shared by every notebook that looks at customers."""

from datetime import date
from typing import TYPE_CHECKING

from analysis.features.ordered_purchases import habits_of, purchases_of
from analysis.features.table import collect_features

if TYPE_CHECKING:
    import pandas as pd

    from analysis.data.connect import Tables


def features(tables: "Tables", ordered_purchases: "pd.DataFrame", as_of: date) -> "pd.DataFrame":
    """Return one row per customer with a purchase, all columns of ``features.table.feature_table``."""
    bought = (purchases_of(ordered_purchases), habits_of(ordered_purchases))
    return collect_features(tables, as_of=as_of, purchases=bought)
