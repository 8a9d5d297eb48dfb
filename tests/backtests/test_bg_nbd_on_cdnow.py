"""Fader, Hardie and Lee (2005a), Marketing Science 24(2): BG/NBD on the CDNOW sample, in weeks.

Published: parameters and log-likelihood in Table 2, the week-by-week tracking in Figure 3, the conditional
expectations in Figure 4. What the paper prints with fewer digits was computed from its rounded parameters once more
(shared/data/cdnow/README.md). MBG/NBD: Batislam, Denizel and Filiztekin (2007), IJRM 24(3), the same sample.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.bg_cnbd_k import BGCNBDk
from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.churn.btyd.mbg_cnbd_k import MBGCNBDk
from analysis.churn.btyd.mbg_nbd import MBGNBD
from analysis.churn.btyd.regularity import estimate_regularity, gap_sums

CDNOW = Path(__file__).parents[3] / "shared" / "data" / "cdnow"
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
CALIBRATION_ENDS = pd.Timestamp("1997-09-30")


def read(name: str) -> pd.DataFrame:
    if not (CDNOW / name).is_file():
        pytest.skip("the CDNOW data are not on this machine (../shared/data)")
    return pd.read_parquet(CDNOW / name)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    summary = read("sample_summary.parquet").rename(columns={"recency_weeks": "recency", "T_weeks": "T"})
    purchases = read("sample_transactions.parquet").rename(columns={"sample_id": "id"})
    purchases = purchases.drop(columns="customer_id").rename(columns={"id": "customer_id"})
    gaps = gap_sums(purchases[purchases["date"] <= CALIBRATION_ENDS], time="date", unit=7)
    return summary.assign(sum_log_gaps=gaps.reindex(summary["sample_id"]).to_numpy())


@pytest.fixture(scope="module")
def model(customers) -> BGNBD:
    return BGNBD().fit(customers)


@pytest.fixture(scope="module")
def published() -> BGNBD:
    return BGNBD.from_parameters(PUBLISHED)


def test_fit_reproduces_the_papers_parameters(model):
    assert {name: round(value, 3) for name, value in model.parameters_.items()} == PUBLISHED
    assert list(model.parameters_.values()) == pytest.approx([0.24259, 4.41360, 0.79292, 2.42591], abs=6e-6)


def test_log_likelihood_at_the_fit_is_the_published_one(model, customers):
    assert model.log_likelihood_ == pytest.approx(-9582.429, abs=5e-4)
    assert model.log_likelihood(customers) == pytest.approx(model.log_likelihood_, rel=1e-12)


def test_forecast_of_the_next_39_weeks_is_the_published_models(published, customers):
    forecast, actual = (
        published.conditional_expected_purchases(customers, horizon=39),
        customers["holdout_purchase_days"],
    )
    assert forecast.sum() == pytest.approx(1653.9, abs=0.05)
    assert np.corrcoef(forecast, actual)[0, 1] == pytest.approx(0.6256, abs=5e-5)
    assert np.abs(forecast - actual).mean() == pytest.approx(0.786, abs=5e-4)
    assert np.sqrt(((forecast - actual) ** 2).mean()) == pytest.approx(1.608, abs=5e-4)


def test_customer_with_two_repeats_in_30_of_39_weeks_is_the_papers(published):
    customer = {"frequency": [2], "recency": [30.43], "T": [38.86]}
    assert published.p_alive(customer)[0] == pytest.approx(0.7266, abs=5e-5)
    assert published.conditional_expected_purchases(customer, horizon=39)[0] == pytest.approx(1.2260, abs=5e-5)


def test_conditional_expectations_by_frequency_are_those_of_the_papers_figure(model, customers):
    forecast = pd.Series(model.conditional_expected_purchases(customers, horizon=39))
    by_frequency = forecast.groupby(customers["frequency"].clip(upper=7).to_numpy()).mean()
    printed = [0.225, 0.523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157]
    assert by_frequency.to_numpy() == pytest.approx(printed, abs=6e-4)


@pytest.mark.parametrize(("week", "printed"), [(26, 1726.9), (39, 2494.0), (52, 3127.7), (78, 4160.6)])
def test_cumulative_repeats_track_as_published(model, customers, week, printed):
    began = 272 / 7 - customers["T"].to_numpy()  # weeks from 1 January 1997 to the first purchase
    within = np.maximum(week - 1 / 7 - began, 0.0)  # a week ends with its seventh day
    assert model.expected_purchases(within).sum() == pytest.approx(printed, abs=0.05)


def test_whole_cohort_of_23570_customers_is_fitted_as_computed_before():
    days = read("transactions.parquet")[["customer_id", "date"]].drop_duplicates()
    early = days[days["date"] <= CALIBRATION_ENDS].groupby("customer_id")["date"].agg(["min", "max", "size"])
    table = {
        "frequency": early["size"] - 1,
        "recency": (early["max"] - early["min"]).dt.days / 7,
        "T": (CALIBRATION_ENDS - early["min"]).dt.days / 7,
    }
    model = BGNBD().fit(table)
    assert model.n_customers_ == 23_570
    assert list(model.parameters_.values()) == pytest.approx([0.25162, 4.78894, 0.72343, 2.16109], abs=6e-6)
    assert model.log_likelihood_ == pytest.approx(-95368.44, abs=0.005)
    assert model.conditional_expected_purchases(table, horizon=39).sum() == pytest.approx(16_873.7, abs=0.05)


def test_mbg_nbd_is_fitted_as_its_authors_did(customers):
    model = MBGNBD().fit(customers)
    assert {name: round(value, 3) for name, value in model.parameters_.items()} == {
        "r": 0.525,
        "alpha": 6.183,
        "a": 0.891,
        "b": 1.614,
    }


@pytest.mark.parametrize(("regular", "plain"), [(BGCNBDk, BGNBD), (MBGCNBDk, MBGNBD)])
def test_cdnow_shows_no_regularity(customers, regular, plain):
    found, simple = regular().fit(customers), plain().fit(customers)
    assert found.k_ == 1
    assert found.log_likelihood_ == simple.log_likelihood_
    assert {**simple.parameters_, "k": 1.0} == found.parameters_


def test_regularity_of_cdnow_is_chance():
    purchases = read("transactions.parquet")
    assert estimate_regularity(purchases, time="date") == pytest.approx(1.0, abs=0.1)
