"""The customer summary (frequency, recency, T, monetary value) of every customer, by four ways.

Run as a script, it is one of the ways: ``python customer_summary.py <way> <folder>`` prints sums of its answer.
"""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

AS_OF = date(2026, 6, 1)
COLUMNS = ["customer_id", "ordered_on", "amount"]
WAYS = {"siyu": "ours", "duckdb_sql": "ours", "pandas": "peers", "lifetimes": "peers"}
"""Each way and the environment it runs in."""

SQL = """
with days as (
  select customer_id, ordered_on, sum(amount) as amount from '{orders}'
  where ordered_on <= date '{as_of}' group by 1, 2
),
first_days as (select customer_id, min(ordered_on) as first_on from days group by 1)
select customer_id, count(*) - 1 as frequency, (max(ordered_on) - min(first_on))::double as recency,
  (date '{as_of}' - min(first_on))::double as T,
  coalesce(avg(case when ordered_on > first_on then amount end), 0) as monetary_value
from days join first_days using (customer_id) group by 1 order by 1
"""


def siyu(folder: Path) -> Any:
    from analysis.data.connect import open_tables
    from analysis.features.purchase_history import purchase_history
    from analysis.features.table import collect

    return collect(purchase_history(open_tables(folder), as_of=AS_OF))


def duckdb_sql(folder: Path) -> Any:
    import duckdb

    duckdb.sql("set enable_progress_bar = false")
    return duckdb.sql(SQL.format(orders=folder / "orders.parquet", as_of=AS_OF)).df()


def pandas(folder: Path) -> Any:
    import pandas as pd

    orders = _read(folder)
    orders = orders[orders["ordered_on"] <= pd.Timestamp(AS_OF)]
    days = orders.groupby(["customer_id", "ordered_on"], as_index=False)["amount"].sum()
    by_customer = days.groupby("customer_id")
    summary = by_customer["ordered_on"].agg(first="min", last="max", n="count")
    repeats = days[days["ordered_on"] > by_customer["ordered_on"].transform("min")]
    return pd.DataFrame(
        {
            "frequency": summary["n"] - 1,
            "recency": (summary["last"] - summary["first"]).dt.days,
            "T": (pd.Timestamp(AS_OF) - summary["first"]).dt.days,
            "monetary_value": repeats.groupby("customer_id")["amount"].mean().reindex(summary.index).fillna(0.0),
        }
    )


def lifetimes(folder: Path) -> Any:
    from lifetimes.utils import summary_data_from_transaction_data

    return summary_data_from_transaction_data(
        _read(folder), "customer_id", "ordered_on", "amount", observation_period_end=str(AS_OF)
    )


def _read(folder: Path) -> Any:
    import pandas as pd

    orders = pd.read_parquet(folder / "orders.parquet", columns=COLUMNS)
    orders["ordered_on"] = pd.to_datetime(orders["ordered_on"])
    return orders


def sums(table: Any) -> dict[str, float]:
    """Return what the ways must agree on."""
    names = ("frequency", "recency", "T", "monetary_value")
    return {"customers": len(table), **{name: round(float(table[name].sum()), 2) for name in names}}


if __name__ == "__main__":
    way, where = sys.argv[1:]
    print(json.dumps(sums({f.__name__: f for f in (siyu, duckdb_sql, pandas, lifetimes)}[way](Path(where)))))
