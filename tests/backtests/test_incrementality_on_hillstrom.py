"""The readout reproduces the arm table of the Hillstrom e-mail test, to the digits printed beside the data."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.experiment.participants import sample_ratio
from analysis.experiment.readout import Trial, read_out

DATA = Path(__file__).parents[3] / "shared" / "data" / "hillstrom" / "hillstrom.parquet"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")

CONTROL = "No E-Mail"
# arm, metric: mean, lift, standard error, relative lift in percent
PRINTED = {
    ("Mens E-Mail", "visit"): (0.182757, 0.076590, 0.003386, 72.1),
    ("Mens E-Mail", "conversion"): (0.012531, 0.006805, 0.000921, 118.8),
    ("Mens E-Mail", "spend"): (1.422617, 0.769827, 0.145247, 117.9),
    ("Womens E-Mail", "visit"): (0.151400, 0.045233, 0.003234, 42.6),
    ("Womens E-Mail", "conversion"): (0.008837, 0.003111, 0.000823, 54.3),
    ("Womens E-Mail", "spend"): (1.077202, 0.424412, 0.130333, 65.0),
}
# ends by the normal law; Welch's t at these sizes differs in the sixth digit
INTERVALS = {
    ("Mens E-Mail", "visit"): (0.069953, 0.083226),
    ("Mens E-Mail", "conversion"): (0.005000, 0.008610),
    ("Mens E-Mail", "spend"): (0.485144, 1.054510),
    ("Womens E-Mail", "visit"): (0.038894, 0.051573),
    ("Womens E-Mail", "conversion"): (0.001499, 0.004724),
    ("Womens E-Mail", "spend"): (0.168960, 0.679865),
}
N = {"Mens E-Mail": 21_307, "Womens E-Mail": 21_387, CONTROL: 21_306}


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return pd.read_parquet(DATA).rename(columns={"segment": "arm"})


@pytest.fixture(scope="module")
def effects(customers) -> pd.DataFrame:
    metrics = {"visit": "rate", "conversion": "rate", "spend": "money"}
    return read_out(Trial(customers, CONTROL, metrics, ("history", "recency"))).set_index(["arm", "metric"])


@pytest.mark.parametrize("key", PRINTED, ids=" ".join)
def test_rates_lifts_and_errors_are_those_printed(effects, key):
    row, (mean, lift, error, relative) = effects.loc[key], PRINTED[key]
    assert (round(row["mean"], 6), round(row["effect"], 6), round(row["std_error"], 6)) == (mean, lift, error)
    assert round(100 * row["rel_effect"], 1) == relative
    assert row["n"] == N[key[0]]


@pytest.mark.parametrize("key", INTERVALS, ids=" ".join)
def test_intervals_are_those_printed(effects, key):
    row = effects.loc[key]
    assert (row["effect_ci_lower"], row["effect_ci_upper"]) == pytest.approx(INTERVALS[key], abs=6e-6)


def test_control_means_are_those_printed(effects):
    control = effects.loc["Mens E-Mail"]["mean_control"].round(6)
    assert control.to_dict() == {"visit": 0.106167, "conversion": 0.005726, "spend": 0.652789}


def test_adjusting_moves_no_effect_by_more_than_a_fifth_of_its_error(effects):
    assert ((effects["effect_adjusted"] - effects["effect"]).abs() < 0.2 * effects["std_error"]).all()
    assert (effects["variance_saved"] > 0).all()


def test_arms_are_split_as_planned_and_a_filtered_arm_is_stopped(customers):
    shares = dict.fromkeys(N, 1 / 3)
    assert sample_ratio(customers["arm"], shares=shares).state == "ok"
    leaked = customers[(customers["arm"] != "Mens E-Mail") | (customers["customer_id"] % 20 > 0)]
    assert sample_ratio(leaked["arm"], shares=shares).state == "stop"
