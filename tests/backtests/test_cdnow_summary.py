"""CDNOW's sample: the purchase history equals the published table for all 2,357 customers.

Fader, P. S. and Hardie, B. G. S. (2001). Forecasting Repeat Sales at CDNOW: A Case Study. Interfaces 31(3,
part 2), S94-S107. Calibration: 39 weeks to 1997-09-30; holdout: 39 weeks to 1998-06-30; units of seven days.
"""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.data.connect import open_tables
from analysis.features.purchase_history import holdout_purchases, purchase_history
from analysis.features.table import collect

CDNOW = Path(__file__).parents[2].parent / "shared" / "data" / "cdnow"
CALIBRATION_ENDS_ON, HOLDOUT_ENDS_ON = date(1997, 9, 30), date(1998, 6, 30)

pytestmark = pytest.mark.skipif(not CDNOW.is_dir(), reason="the shared CDNOW data are not on this machine")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    log = pd.read_parquet(CDNOW / "sample_transactions.parquet")
    orders = pd.DataFrame(
        {
            "order_id": [f"{i:05d}" for i in range(len(log))],
            "customer_id": log["sample_id"].astype(str),
            "ordered_at": log["date"].astype("datetime64[us]"),
            "ordered_on": log["date"].dt.date,
            "amount": log["spend_usd"],
        }
    )
    folder = tmp_path_factory.mktemp("cdnow")
    orders.to_parquet(folder / "orders.parquet", index=False)
    return open_tables(folder, timezone="America/New_York")


@pytest.fixture(scope="module")
def published():
    summary = pd.read_parquet(CDNOW / "sample_summary.parquet")
    return summary.assign(customer_id=summary["sample_id"].astype(str)).sort_values("customer_id", ignore_index=True)


def test_history_equals_the_published_table_for_all_2357_customers(tables, published):
    ours = collect(purchase_history(tables, as_of=CALIBRATION_ENDS_ON, period_days=1, unit_days=7))
    assert len(ours) == 2357
    assert ours["customer_id"].tolist() == published["customer_id"].tolist()
    assert (ours["frequency"] == published["frequency"]).all()
    for name, reference in {"recency": "recency_weeks", "T": "T_weeks"}.items():
        assert ours[name].to_numpy() == pytest.approx(published[reference].to_numpy(), rel=0, abs=1e-12)
    assert ours["monetary_value"].to_numpy() == pytest.approx(published["repeat_mean_spend_usd"].to_numpy(), abs=1e-9)


def test_counts_are_those_of_the_case_study(tables):
    ours = collect(purchase_history(tables, as_of=CALIBRATION_ENDS_ON))
    assert int((ours["frequency"] > 0).sum()) == 946
    assert int(ours["frequency"].sum()) == 2457
    assert ours.loc[ours["frequency"] > 0, "monetary_value"].mean() == pytest.approx(35.079, abs=2e-3)


def test_holdout_equals_the_published_table(tables, published):
    ours = collect(holdout_purchases(tables, calibration_ends_on=CALIBRATION_ENDS_ON, holdout_ends_on=HOLDOUT_ENDS_ON))
    assert int(ours["holdout_purchases"].sum()) == 1882
    assert (ours["holdout_purchases"] == published["holdout_purchase_days"]).all()
    assert ours["holdout_revenue"].to_numpy() == pytest.approx(published["holdout_spend_usd"].to_numpy(), abs=1e-9)
