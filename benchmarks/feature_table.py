"""The full feature table against the same table in hand-written SQL.

Run as a script, it is one of the ways: ``python feature_table.py <way> <folder>`` prints sums of its answer.
"""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

AS_OF = date(2026, 6, 1)
CHANNELS = ("group", "moments", "official_account", "private_chat", "sms")
STEPS = ("assigned", "delivered", "read", "replied")
WINDOWS = (7, 30, 90)
WAYS = {"siyu": "ours", "duckdb_sql": "ours"}
AGREED = ("n_orders", "revenue", "frequency", "median_gap_days", "top_category_share", "n_read_30d", "n_contacts")


def siyu(folder: Path) -> Any:
    from analysis.data.connect import open_tables
    from analysis.features.table import collect_features

    return collect_features(open_tables(folder), as_of=AS_OF)


def duckdb_sql(folder: Path) -> Any:
    import duckdb

    duckdb.sql("set enable_progress_bar = false")
    return duckdb.sql(query(folder)).df()


def query(folder: Path) -> str:
    """Return the hand-written SQL with a line per channel, step and window."""
    counts, names = [], []
    for channel in (None, *CHANNELS):
        for step in STEPS:
            for days in WINDOWS:
                name = f"n_{step}_{days}d" + (f"__{channel}" if channel else "")
                here = f" and channel = '{channel}'" if channel else ""
                recent = f"{step}_on > date '{AS_OF}' - {days}{here}"
                counts.append(f",\n    count(case when {recent} then 1 end)::smallint as {name}")
                names.append(f",\n  coalesce({name}, 0) as {name}")
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    files = {name: folder / f"{name}.parquet" for name in ("orders", "refunds", "touches", "contacts")}
    return text.format(as_of=AS_OF, counts="".join(counts), names="".join(names), **files)


def sums(table: Any) -> dict[str, float]:
    """Return what the ways must agree on."""
    columns = {name: round(float(table[name].sum()), 1) for name in AGREED}
    return {"customers": len(table), "columns": table.shape[1], **columns}


if __name__ == "__main__":
    way, where = sys.argv[1:]
    print(json.dumps(sums({f.__name__: f for f in (siyu, duckdb_sql)}[way](Path(where)))))
