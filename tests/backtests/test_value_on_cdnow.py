"""CDNOW as a book runs it: fits, holdout forecasts and week-by-week tracking of the published case.

Fader, Hardie and Lee (2005a), Marketing Science 24(2); Fader and Hardie (2013), The Gamma-Gamma Model of Monetary
Value. Sample: 2,357 customers; calibration to 1997-09-30, holdout of 39 weeks to 1998-06-30.
"""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.data.connect import open_tables
from analysis.features.table import collect_features
from analysis.params import ValueParams
from analysis.recipes import value, value_page
from analysis.recipes.purchases import ordered_purchases

CDNOW = Path(__file__).parents[2].parent / "shared" / "data" / "cdnow"
AS_OF = date(1998, 6, 30)
PARAMS = ValueParams(time_unit="week", holdout_periods=39, models=["bg_nbd", "pareto_nbd", "nbd"])

pytestmark = pytest.mark.skipif(not CDNOW.is_dir(), reason="the shared CDNOW data are not on this machine")


def run(log: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """Run the chain of a book on a log of purchases, down to its results."""
    orders = pd.DataFrame(
        {
            "order_id": [f"{i:06d}" for i in range(len(log))],
            "customer_id": log["customer"].astype(str),
            "ordered_at": log["date"].astype("datetime64[us]"),
            "ordered_on": log["date"].dt.date,
            "amount": log["spend_usd"],
        }
    )
    orders.to_parquet(folder / "orders.parquet", index=False)
    tables = open_tables(folder, timezone="America/New_York")
    features = collect_features(tables, as_of=AS_OF)
    frame = value.value_frame(features, AS_OF, PARAMS)
    purchases = ordered_purchases(tables, AS_OF)
    history = value.btyd_history(purchases, frame)
    judged = value.btyd_judged(history, PARAMS, seed=1)
    holdout = value.value_holdout(history, judged, frame)
    choice = value.value_choice(holdout, PARAMS)
    spend = value.value_spend(features, history, frame, PARAMS)
    models = value.btyd_models(judged, {}, frame, spend)
    results = value_page.value_results(models, holdout, frame)
    return {
        "results": {name: estimate.value for name, estimate in results.items()},
        "intervals": {name: (estimate.ci_lower, estimate.ci_upper) for name, estimate in results.items()},
        "holdout": holdout.set_index("model"),
        "tracking": value.tracking(purchases, judged, choice, frame).set_index("week"),
        "choice": choice,
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> dict[str, Any]:
    log = pd.read_parquet(CDNOW / "sample_transactions.parquet").rename(columns={"sample_id": "customer"})
    return run(log.drop(columns="customer_id"), tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> dict[str, Any]:
    log = pd.read_parquet(CDNOW / "transactions.parquet").rename(columns={"customer_id": "customer"})
    return run(log, tmp_path_factory.mktemp("cohort"))


def test_results_hold_the_papers_parameters_and_log_likelihoods(sample):
    published = {
        "bg_nbd.r": 0.24259, "bg_nbd.alpha": 4.41360, "bg_nbd.a": 0.79292, "bg_nbd.b": 2.42591,
        "bg_nbd.log_likelihood": -9582.429,
        "pareto_nbd.r": 0.55328, "pareto_nbd.alpha": 10.57768, "pareto_nbd.s": 0.60624, "pareto_nbd.beta": 11.66874,
        "pareto_nbd.log_likelihood": -9594.976,
        "gamma_gamma.p": 6.2496, "gamma_gamma.q": 3.7442, "gamma_gamma.v": 15.4435,
        "gamma_gamma.log_likelihood": -4055.918,
    }  # fmt: skip
    assert {name: sample["results"][name] for name in published} == pytest.approx(published, rel=3e-5)
    low, high = sample["intervals"]["bg_nbd.r"]
    assert low < 0.24259 < high


def test_holdout_forecasts_of_the_sample_are_the_published_models(sample):
    assert sample["results"]["holdout_actual"] == 1882
    assert sample["results"]["bg_nbd.holdout_predicted"] == pytest.approx(1653.9, rel=5e-4)
    assert sample["results"]["pareto_nbd.holdout_predicted"] == pytest.approx(1665.7, rel=5e-4)
    assert sample["results"]["bg_nbd.holdout_mae"] == pytest.approx(0.786, abs=1e-3)
    assert sample["results"]["pareto_nbd.holdout_mae"] == pytest.approx(0.755, abs=1e-3)
    assert sample["holdout"]["correlation"].tolist()[:2] == pytest.approx([0.6256, 0.6302], abs=1e-4)
    assert sample["choice"]["model"] == "bg_nbd"


def test_tracking_is_that_of_the_paper_at_weeks_26_39_52_and_78(sample):
    weeks = sample["tracking"].loc[[26, 39, 52, 78]]
    assert weeks["actual"].tolist() == [1746, 2457, 3183, 4339]
    assert weeks["forecast"].tolist() == pytest.approx([1726.9, 2494.0, 3127.7, 4160.6], abs=0.06)
    assert weeks["in_calibration"].tolist() == [True, True, False, False]
    assert len(sample["tracking"]) == 78


def test_whole_cohort_gives_the_numbers_of_the_data_page(cohort):
    known = {
        "bg_nbd.r": 0.25162, "bg_nbd.alpha": 4.78894, "bg_nbd.a": 0.72343, "bg_nbd.b": 2.16109,
        "bg_nbd.log_likelihood": -95368.44, "bg_nbd.holdout_predicted": 16873.7,
        "pareto_nbd.r": 0.59742, "pareto_nbd.alpha": 11.58566, "pareto_nbd.s": 0.52219, "pareto_nbd.beta": 8.82776,
        "pareto_nbd.log_likelihood": -95415.12, "pareto_nbd.holdout_predicted": 17153.2,
        "gamma_gamma.p": 6.2754, "gamma_gamma.q": 3.6244, "gamma_gamma.v": 14.9837,
        "holdout_actual": 19684,
    }  # fmt: skip
    assert {name: cohort["results"][name] for name in known} == pytest.approx(known, rel=3e-5)
