"""What loading made of the data, and how sales went."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

from analysis.data import health
from analysis.data.accounting import TableAccount
from analysis.data.connect import Tables
from analysis.features.daily_sales import daily_sales
from analysis.growth.sales import sales_headline, weekly_sales
from analysis.params import DataHealthParams
from analysis.recipes.resolver import reads

RECENT_DAYS = 30


def data_accounts(accounts: Sequence[TableAccount]) -> pd.DataFrame:
    """One row per table of the source: the law of rows."""
    return health.account_table(accounts)


def data_quarantine(accounts: Sequence[TableAccount]) -> pd.DataFrame:
    """One row per table and reason for putting rows aside."""
    return health.quarantine_table(accounts)


def data_coverage(accounts: Sequence[TableAccount]) -> pd.DataFrame:
    """One row per contract table: there or not, and which columns are not."""
    return health.coverage_table(accounts)


def data_headline(accounts: Sequence[TableAccount]) -> dict[str, Any]:
    """The numbers of the data page."""
    return health.health_headline(accounts)


def data_quality(accounts: Sequence[TableAccount]) -> dict[str, Any]:
    """The state of each table, in words."""
    return {"items": health.quality_items(accounts)}


def sales_by_day(tables: Tables, as_of: date) -> pd.DataFrame:
    """One row per day with sales: orders and revenue of known customers, revenue of anonymous sales."""
    collected: pd.DataFrame = daily_sales(tables, as_of=as_of).collect("pandas").to_native()
    return collected


def sales_by_week(sales_by_day: pd.DataFrame, as_of: date, *, data_health_params: DataHealthParams) -> pd.DataFrame:
    """One row per week: orders and revenue."""
    return weekly_sales(sales_by_day, as_of=pd.Timestamp(as_of), weeks=data_health_params.weeks)


@reads(features=("customer_id", "days_since_last_order", "first_order_on"))
def recent_sales(features: pd.DataFrame, sales_by_day: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Headline numbers of the last 30 days: customers, buyers, revenue, repurchase."""
    return sales_headline(features, sales_by_day, as_of=pd.Timestamp(as_of), days=RECENT_DAYS)
