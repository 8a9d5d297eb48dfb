"""Pareto/NBD on CDNOW, in weeks: the published fit of the sample, and the whole cohort.

Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005a). "Counting Your Customers" the Easy Way. Marketing Science 24(2):
Table 2 (estimates and log-likelihood) and Table 3 (correlation of forecast and actual purchases). Where the paper
prints fewer than four digits, the longer number is that of an independent computation on the same data.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.nbd import NBD
from analysis.churn.btyd.pareto_nbd import ParetoNBD

CDNOW = Path(__file__).parents[3] / "shared" / "data" / "cdnow"
PUBLISHED = ParetoNBD.from_parameters({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669})
CALIBRATION_ENDS_ON = pd.Timestamp("1997-09-30")

pytestmark = pytest.mark.skipif(not CDNOW.is_dir(), reason="the shared CDNOW data are not on this machine")


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    summary = pd.read_parquet(CDNOW / "sample_summary.parquet")
    return summary.rename(columns={"recency_weeks": "recency", "T_weeks": "T", "holdout_purchase_days": "later"})


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    orders = pd.read_parquet(CDNOW / "transactions.parquet")
    age = (CALIBRATION_ENDS_ON - orders["date"]).dt.days
    ages = age[age >= 0].groupby(orders["customer_id"]).agg(["max", "min", "nunique"])
    recency, oldest = (ages["max"] - ages["min"]) / 7, ages["max"] / 7
    return pd.DataFrame({"frequency": ages["nunique"] - 1, "recency": recency, "T": oldest})


def test_fit_reproduces_the_papers_estimates_and_log_likelihood(sample):
    model = ParetoNBD().fit(sample)
    assert np.round(list(model.parameters_.values()), 3).tolist() == [0.553, 10.578, 0.606, 11.669]
    assert round(model.log_likelihood_, 1) == -9595.0
    assert model.log_likelihood_ == pytest.approx(-9594.976, abs=5e-4)
    assert list(model.parameters_.values()) == pytest.approx([0.55328, 10.57768, 0.60624, 11.66874], rel=2e-5)
    assert model.converged_


def test_forecast_of_the_next_39_weeks_is_the_published_models(sample):
    forecast = PUBLISHED.conditional_expected_purchases(sample, horizon=39)
    away = forecast - sample["later"]
    assert np.corrcoef(forecast, sample["later"])[0, 1] == pytest.approx(0.6302, abs=5e-5)
    assert forecast.sum() == pytest.approx(1665.7, abs=0.05)
    assert np.abs(away).mean() == pytest.approx(0.755, abs=5e-4)
    assert np.sqrt((away**2).mean()) == pytest.approx(1.603, abs=5e-4)


def test_the_customer_with_two_repeats_in_the_papers_example_is_alive_with_0_8692():
    customer = {"frequency": [2], "recency": [30.43], "T": [38.86]}
    assert PUBLISHED.p_alive(customer)[0] == pytest.approx(0.8692, abs=5e-5)


def test_whole_cohort_of_23570_customers(cohort):
    assert (len(cohort), int(cohort["frequency"].sum())) == (23_570, 24_337)
    model = ParetoNBD().fit(cohort)
    assert list(model.parameters_.values()) == pytest.approx([0.59742, 11.58566, 0.52219, 8.82776], rel=2e-5)
    assert model.log_likelihood_ == pytest.approx(-95415.12, abs=5e-3)
    forecast = model.conditional_expected_purchases(cohort, horizon=39)
    assert forecast.sum() == pytest.approx(17_153.2, abs=0.1)


def test_nobody_leaving_is_a_worse_story_of_cdnow(sample):
    without_dropout = NBD().fit(sample)
    assert without_dropout.log_likelihood_ < ParetoNBD().fit(sample).log_likelihood_ - 100
    assert without_dropout.conditional_expected_purchases(sample, horizon=39).sum() > 1.3 * sample["later"].sum()
