"""Fader, Hardie and Lee (2005a), Marketing Science 24(2): BG/NBD on the CDNOW sample, in weeks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.bg_nbd import BGNBD

SUMMARY = Path(__file__).parents[3] / "shared" / "data" / "cdnow" / "sample_summary.parquet"
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    if not SUMMARY.is_file():
        pytest.skip("the CDNOW sample is not on this machine (../shared/data)")
    summary = pd.read_parquet(SUMMARY)
    return summary.rename(columns={"recency_weeks": "recency", "T_weeks": "T"})


@pytest.fixture(scope="module")
def model(customers) -> BGNBD:
    return BGNBD().fit(customers)


def test_fit_reproduces_the_papers_parameters(model):
    assert {name: round(value, 3) for name, value in model.parameters_.items()} == PUBLISHED
    assert list(model.parameters_.values()) == pytest.approx([0.24259, 4.41360, 0.79292, 2.42591], abs=6e-6)


def test_log_likelihood_at_the_fit_is_the_published_one(model, customers):
    assert model.log_likelihood_ == pytest.approx(-9582.429, abs=5e-4)
    assert model.log_likelihood(customers) == pytest.approx(model.log_likelihood_, rel=1e-12)


def test_forecast_of_the_next_39_weeks_is_the_published_models(customers):
    forecast = BGNBD.from_parameters(PUBLISHED).conditional_expected_purchases(customers, horizon=39)
    assert forecast.sum() == pytest.approx(1653.9, abs=0.05)
    assert np.corrcoef(forecast, customers["holdout_purchase_days"])[0, 1] == pytest.approx(0.6256, abs=5e-5)
