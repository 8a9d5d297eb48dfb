"""The classifier learns what is there and nothing from noise, the same every time."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.baseline import RecencyBaseline
from analysis.churn.classifier import ChurnClassifier
from analysis.churn.drivers import importance, shuffled_forecasts
from analysis.errors import AnalysisError
from analysis.stats.scoring import area_under_curve


def customers(n, *, seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "days_since_last_order": rng.exponential(40, n).round(),
            "median_gap_days": np.where(rng.random(n) < 0.2, np.nan, rng.exponential(30, n).round() + 1),
            "noise": rng.normal(size=n),
        }
    )
    odds = table["days_since_last_order"] / 30 - table["median_gap_days"].fillna(30) / 30 - 0.3
    return table, (rng.random(n) < 1 / (1 + np.exp(-odds))).to_numpy()


COLUMNS = ["days_since_last_order", "median_gap_days", "noise"]


def test_planted_drivers_are_found_out_of_sample():
    table, left = customers(12_000, seed=1)
    later, later_left = customers(6_000, seed=2)
    model = ChurnClassifier(COLUMNS, seed=1).fit(table, left)
    baseline = RecencyBaseline().fit(table["days_since_last_order"], left)
    score = model.predict(later)
    assert (
        area_under_curve(later_left, score).ci_lower
        > area_under_curve(later_left, baseline.predict(later["days_since_last_order"])).ci_upper
    )
    shuffled = shuffled_forecasts(
        later,
        groups={"recency": ["days_since_last_order"], "rhythm": ["median_gap_days"], "noise": ["noise"], "gone": ["x"]},
        predict=model.predict,
        seed=3,
    )
    rises = importance(later_left, score, shuffled=shuffled)
    assert list(rises) == ["recency", "rhythm", "noise"]
    assert min(rises["recency"].ci_lower, rises["rhythm"].ci_lower) > 0.01
    assert rises["noise"].value < 0.005


def test_permuted_labels_give_an_auc_of_one_half_within_noise():
    table, left = customers(8_000, seed=3)
    later, later_left = customers(4_000, seed=4)
    areas = []
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(left)
        score = ChurnClassifier(COLUMNS, seed=seed).fit(table, shuffled).predict(later)
        areas.append(area_under_curve(np.random.default_rng(seed + 50).permutation(later_left), score).value)
    # One area's standard error is about 0.009.
    assert abs(np.mean(areas) - 0.5) < 0.02


def test_columns_that_were_not_named_are_never_seen():
    table, left = customers(4_000, seed=5)
    leaking = table.assign(points=left.astype(float), status=np.where(left, "gone", "here"))
    honest = ChurnClassifier(COLUMNS, seed=1).fit(table, left).predict(table)
    beside = ChurnClassifier(COLUMNS, seed=1).fit(leaking, left).predict(leaking.assign(points=0.0))
    assert (honest == beside).all()


def test_the_same_seed_gives_the_same_probabilities_to_the_last_bit():
    table, left = customers(3_000, seed=6)
    first, second = (ChurnClassifier(COLUMNS, seed=9).fit(table, left).predict(table) for _ in range(2))
    assert (first == second).all()


def test_nullable_columns_are_read_as_gaps():
    table, left = customers(3_000, seed=7)
    nullable = table.assign(median_gap_days=table["median_gap_days"].astype("Float64"))
    plain = ChurnClassifier(COLUMNS, seed=1).fit(table, left).predict(table)
    assert (ChurnClassifier(COLUMNS, seed=1).fit(nullable, left).predict(nullable) == plain).all()


def test_one_outcome_cannot_be_learnt_and_an_unfitted_model_says_so():
    table, _ = customers(100, seed=8)
    with pytest.raises(AnalysisError, match="only one outcome"):
        ChurnClassifier(COLUMNS, seed=1).fit(table, np.zeros(100))
    with pytest.raises(AnalysisError, match="not fitted"):
        ChurnClassifier(COLUMNS, seed=1).predict(table)


def test_baseline_recovers_a_planted_line_in_log_days():
    rng = np.random.default_rng(10)
    days = rng.integers(0, 200, 60_000)
    left = rng.random(60_000) < 1 / (1 + np.exp(-(0.8 * np.log1p(days) - 2)))
    model = RecencyBaseline().fit(days, left)
    assert (model.slope, model.intercept) == pytest.approx((0.8, -2.0), abs=0.08)


def test_a_column_of_which_nothing_was_known_yet_is_passed_over():
    table, left = customers(3_000, seed=8)
    unknown = table.assign(days_since_last_read=np.nan)
    plain = ChurnClassifier(COLUMNS, seed=1).fit(table, left).predict(table)
    beside = ChurnClassifier([*COLUMNS, "days_since_last_read"], seed=1).fit(unknown, left)
    assert (beside.predict(unknown.assign(days_since_last_read=3.0)) == plain).all()
