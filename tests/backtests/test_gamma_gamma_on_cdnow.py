"""Gamma-Gamma on CDNOW, in dollars: the published fit of the sample's 946 repeat buyers, and the whole cohort.

Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005b). RFM and CLV: Using Iso-Value Curves for Customer Base Analysis.
Journal of Marketing Research 42(4): p = 6.25, q = 3.74, γ = 15.44 in the text on monetary value. The further digits
are those of an independent computation on the same data.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.gamma_gamma import GammaGamma

CDNOW = Path(__file__).parents[3] / "shared" / "data" / "cdnow"
CALIBRATION_ENDS_ON = pd.Timestamp("1997-09-30")

pytestmark = pytest.mark.skipif(not CDNOW.is_dir(), reason="the shared CDNOW data are not on this machine")


def test_fit_reproduces_the_papers_estimates():
    summary = pd.read_parquet(CDNOW / "sample_summary.parquet")
    model = GammaGamma().fit(summary.rename(columns={"repeat_mean_spend_usd": "monetary_value"}))
    assert np.round(list(model.parameters_.values()), 2).tolist() == [6.25, 3.74, 15.44]
    assert list(model.parameters_.values()) == pytest.approx([6.2496, 3.7442, 15.4435], abs=5e-5)
    assert model.log_likelihood_ == pytest.approx(-4055.918, abs=5e-4)
    assert (model.n_customers_, model.n_left_out_) == (946, 1411)
    assert model.correlation_ == pytest.approx(0.1139, abs=5e-5)


def test_whole_cohort_of_9450_repeat_buyers_with_spend():
    orders = pd.read_parquet(CDNOW / "transactions.parquet")
    orders = orders[orders["date"] <= CALIBRATION_ENDS_ON]
    days = orders.groupby(["customer_id", "date"], as_index=False)["spend_usd"].sum()
    repeats = days[days["date"] > days.groupby("customer_id")["date"].transform("min")]
    customers = repeats.groupby("customer_id")["spend_usd"].agg(frequency="count", monetary_value="mean")
    model = GammaGamma().fit(customers)
    assert (model.n_customers_, model.n_left_out_) == (9_450, 1)
    assert list(model.parameters_.values()) == pytest.approx([6.2754, 3.6244, 14.9837], abs=5e-5)
