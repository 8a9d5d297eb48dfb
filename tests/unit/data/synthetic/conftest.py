from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.data.synthetic import generate

Read = Callable[[str], pd.DataFrame]


@pytest.fixture(scope="session")
def beauty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("brands") / "beauty"
    generate("beauty", customers=12_000, seed=7, out=out)
    return out


@pytest.fixture(scope="session")
def beauty(beauty_folder: Path) -> Read:
    """Reads one table of a beauty brand of 12,000 customers; ``truth/x`` for a truth table."""
    return lambda table: pd.read_parquet(beauty_folder / f"{table}.parquet")


@pytest.fixture(scope="session")
def sales(beauty: Read) -> pd.DataFrame:
    """The real sales to known customers: no refund rows, attempts, twins or broken rows."""
    orders = beauty("orders").drop_duplicates()
    real = orders.order_id.str.startswith("o", na=False) & orders.customer_id.notna() & (orders.status != "cancelled")
    return orders[real & (orders.ordered_at < pd.Timestamp("2026-07-01", tz="Asia/Shanghai"))]
