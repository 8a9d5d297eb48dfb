"""The example books load the shared data sets to the numbers that their READMEs print."""

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from analysis.data.connect import open_tables
from analysis.data.load import load
from analysis.data.mapping import DataSource

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data"


def load_example(name, cache):
    if not (SHARED / name).is_dir():
        pytest.skip(f"needs ../shared/data/{name}")
    book = YAML(typ="safe", pure=True).load((ROOT / "params" / "examples" / f"{name}.yaml").read_text(encoding="utf-8"))
    source = DataSource.model_validate({**book["data"], "source": str(SHARED / name)})
    now = datetime(2026, 7, 1, tzinfo=UTC)
    return load(source, now=now, timezone=book["timezone"], cache=cache, base=ROOT)


def test_cdnow_keeps_its_twins_and_its_total(tmp_path):
    loaded = load_example("cdnow", tmp_path)
    (account,) = loaded.tables
    assert (account.rows_in, account.used, account.duplicates) == (69_659, 69_659, 0)
    orders = pd.read_parquet(loaded.folder / "orders.parquet")
    assert orders["customer_id"].nunique() == 23_570
    assert round(orders["amount"].sum(), 2) == 2_500_315.63
    assert (orders["amount"] == 0).sum() == 80
    assert len(orders.drop_duplicates(["customer_id", "ordered_on"])) == 67_591
    assert loaded.latest_day == date(1998, 6, 30)


def test_the_complete_journey_reconciles_with_its_readme(tmp_path):
    loaded = load_example("complete_journey", tmp_path)
    assert {account.name: account.used for account in loaded.tables} == {
        "orders": 155_848,
        "touches": 6_589,
        "campaigns": 27,
    }
    orders = pd.read_parquet(loaded.folder / "orders.parquet")
    assert round(orders["amount"].sum(), 2) == 4_596_039.58
    assert round(orders["discount"].sum(), 2) == round(791_650.64 + 26_359.90 + 4_542.65, 2)
    assert len(orders.drop_duplicates(["customer_id", "ordered_on"])) == 127_431
    touches = pd.read_parquet(loaded.folder / "touches.parquet")
    assert touches["customer_id"].nunique() == 1_559
    assert set(touches["channel"]) == {"mail"}
    assert touches["touch_id"].is_unique


def test_campaigns_that_start_after_the_day_have_touched_nobody_yet(tmp_path):
    tables = open_tables(load_example("complete_journey", tmp_path).folder, timezone="America/New_York")
    early = tables.as_of(date(2017, 1, 31)).lazy("touches").collect("pandas").to_native()
    assert 0 < len(early) < 6_589
    assert early["assigned_on"].max() <= pd.Timestamp("2017-01-31")


RETAIL = """Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country
489434,85048,"15CM CHRISTMAS GLASS BALL, 20 LIGHTS",12,2009-12-01 07:45:00,6.95,13085.0,United Kingdom
489434,79323P,PINK CHERRY LIGHTS,12,2009-12-01 07:45:00,6.75,13085.0,United Kingdom
489434,79323P,PINK CHERRY LIGHTS,12,2009-12-01 07:45:00,6.75,13085.0,United Kingdom
489435,22350,CAT BOWL,1,2009-12-01 07:46:00,2.55,13085.0,United Kingdom
489436,21523,LOVE HEART,5,2009-12-01 09:06:00,5.95,,United Kingdom
C489449,22087,PAPER BUNTING WHITE LACE,-1,2009-12-01 10:33:00,2.55,13085.0,Australia
A506401,B,Adjust bad debt,1,2010-04-29 13:36:00,-53594.36,,United Kingdom
489464,21733,85123a mixed,-96,2009-12-01 10:52:00,0.0,,United Kingdom
"""


def test_invoice_lines_with_returns_missing_ids_and_duplicates_load_by_the_book_alone(tmp_path):
    (tmp_path / "online_retail_II.csv").write_text(RETAIL)
    book = YAML(typ="safe", pure=True).load((ROOT / "params" / "examples" / "online_retail.yaml").read_text())
    source = DataSource.model_validate({**book["data"], "source": str(tmp_path)})
    now = datetime(2026, 7, 1, tzinfo=UTC)
    loaded = load(source, now=now, timezone="Europe/London", cache=tmp_path / "cache", base=tmp_path)
    (account,) = loaded.tables
    assert (account.rows_in, account.used, account.duplicates, account.anonymous) == (8, 4, 1, 3)
    purchases = open_tables(loaded.folder).purchases().collect("pandas").to_native().set_index("order_id")
    assert purchases["amount"].to_dict() == {"489434": pytest.approx(12 * 6.95 + 12 * 6.75)}
    assert purchases["customer_id"].to_dict() == {"489434": "13085"}
    refunds = pd.read_parquet(loaded.folder / "refunds.parquet")
    assert sorted(refunds["amount"]) == [2.55, 53594.36]
