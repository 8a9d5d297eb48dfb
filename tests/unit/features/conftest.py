"""Small tables as loading leaves them: ids as text, instants in UTC, and beside each its local day."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.data.connect import Tables, open_tables
from analysis.data.contracts import day_column

SHANGHAI = "Asia/Shanghai"

Open = Callable[..., Tables]


def as_loaded(rows: list[dict[str, Any]], *, hour: str | None = None) -> pd.DataFrame:
    """Return rows as a table: values of columns ending in ``_at`` are local times."""
    frame = pd.DataFrame(rows)
    for name in [c for c in frame if str(c).endswith("_at")]:
        local = pd.to_datetime(frame[name]).astype("datetime64[us]")
        frame[day_column(str(name))] = local.dt.date
        if name == hour:
            frame[f"{str(name).removesuffix('_at')}_hour"] = local.dt.hour.astype("int8")
        frame[name] = local.dt.tz_localize(SHANGHAI).dt.tz_convert("UTC").dt.tz_localize(None)
    return frame


def write_table(frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a table with the types that loading gives: days as DATE even where all are empty."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = {"category", "channel", "status", "deleted_by", "matched_by", "source_state"}
    fields = []
    for column in frame.columns:
        if column.endswith("_on"):
            fields.append(pa.field(column, pa.date32()))
        elif column.endswith("_at"):
            fields.append(pa.field(column, pa.timestamp("us")))
        elif column in text or column.endswith("_id"):
            fields.append(pa.field(column, pa.string()))
        elif column.endswith("_hour"):
            fields.append(pa.field(column, pa.int8()))
        else:
            fields.append(pa.field(column, pa.float64()))
    pq.write_table(
        pa.Table.from_pandas(frame, schema=pa.schema(fields), preserve_index=False), folder / f"{name}.parquet"
    )


@pytest.fixture
def tables(tmp_path: Path) -> Open:
    """Return a function that opens tables given as lists of rows with local times."""
    made = 0

    def build(**given: list[dict[str, Any]]) -> Tables:
        nonlocal made
        made += 1
        folder = tmp_path / f"tables-{made}"
        folder.mkdir()
        for name, rows in given.items():
            write_table(as_loaded(rows, hour="ordered_at" if name == "orders" else None), folder, name)
        return open_tables(folder, timezone=SHANGHAI)

    return build


@pytest.fixture
def order() -> Callable[..., dict[str, Any]]:
    """Return a function that makes an order; its id is made of customer, time and amount."""

    def make(customer: str, at: str, amount: float = 10.0, **more: Any) -> dict[str, Any]:
        key = f"{customer}/{at}/{amount}"
        return {"order_id": key, "customer_id": customer, "ordered_at": at, "amount": amount, **more}

    return make
