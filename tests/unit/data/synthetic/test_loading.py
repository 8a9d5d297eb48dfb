from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from analysis.data.contracts import CONTRACTS
from analysis.data.load import load
from analysis.data.mapping import DataSource

Read = Callable[[str], pd.DataFrame]


def test_loading_finds_the_planted_faults_and_no_others(beauty_folder: Path, beauty: Read, tmp_path: Path) -> None:
    source = DataSource(source=str(beauty_folder))
    now = datetime(2026, 7, 2, tzinfo=UTC)
    loaded = load(source, now=now, timezone="Asia/Shanghai", cache=tmp_path, base=tmp_path, progress=None)
    accounts = {account.name: account for account in loaded.tables}
    assert set(accounts) == set(CONTRACTS)
    assert loaded.latest_day == date(2026, 6, 30)
    planted = beauty("truth/violations").reason.value_counts()
    found = accounts["orders"].quarantined
    assert sorted(found.values()) == sorted(planted)
    assert accounts["orders"].duplicates == beauty("orders").duplicated().sum()
    assert accounts["orders"].anonymous > 0
    for name, account in accounts.items():
        assert name == "orders" or (not account.quarantined and not account.duplicates), name
