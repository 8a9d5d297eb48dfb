"""Fader, Hardie and Lee (2005a), Marketing Science 24(2): BG/NBD on the CDNOW sample, in weeks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd import BgNbd, expected_purchases, fit_bg_nbd, log_likelihood

SUMMARY = Path(__file__).parents[3] / "shared" / "data" / "cdnow" / "sample_summary.parquet"
PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)


@pytest.fixture(scope="module")
def customers() -> dict[str, np.ndarray]:
    if not SUMMARY.is_file():
        pytest.skip("the CDNOW sample is not on this machine (../shared/data)")
    summary = pd.read_parquet(SUMMARY)
    return {
        "frequency": summary["frequency"].to_numpy(),
        "recency": summary["recency_weeks"].to_numpy(),
        "T": summary["T_weeks"].to_numpy(),
        "later": summary["holdout_purchase_days"].to_numpy(),
    }


def test_fit_reproduces_the_papers_parameters(customers):
    model = fit_bg_nbd(customers["frequency"], customers["recency"], customers["T"])
    assert np.allclose(model, PUBLISHED, atol=5e-4)


def test_log_likelihood_at_the_fit_is_the_published_one(customers):
    table = {name: customers[name] for name in ("frequency", "recency", "T")}
    model = fit_bg_nbd(*table.values())
    assert log_likelihood(model, **table) == pytest.approx(-9582.429, abs=0.005)


def test_forecast_of_the_next_39_weeks_is_the_published_models(customers):
    table = {name: customers[name] for name in ("frequency", "recency", "T")}
    forecast = expected_purchases(PUBLISHED, horizon=39, **table)
    assert forecast.sum() == pytest.approx(1653.9, abs=0.05)
    assert np.corrcoef(forecast, customers["later"])[0, 1] == pytest.approx(0.6256, abs=5e-5)
