"""Recipes of the segments page."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.errors import TooFewError
from analysis.params import SegmentsParams
from analysis.recipes import segments
from analysis.recipes.resolver import Previous, write_kept

PARAMS = SegmentsParams(k_max=3, resamples=20)
NOBODY = Previous(None)


def shop(n: int = 1_500, seed: int = 1) -> pd.DataFrame:
    """Three kinds of customers: frequent and cheap, rare and dear, and those who left."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    orders = 1 + rng.poisson(np.array([14, 2, 5])[kind])
    value = np.array([30, 400, 90])[kind] * rng.lognormal(0, 0.3, n)
    return pd.DataFrame(
        {
            "customer_id": [f"u{i:05d}" for i in range(n)],
            "n_orders": orders,
            "mean_order_value": value,
            "revenue": orders * value,
            "days_since_last_order": rng.gamma(4, np.array([5, 8, 90])[kind] / 4).round() + 1,
            "tenure_days": rng.integers(480, 520, n),
        }
    )


def model_of(features, previous=NOBODY) -> dict[str, Any]:
    model = segments.segment_model(features, PARAMS, 1, previous)
    kept: dict[str, Any] = json.loads(json.dumps(model))  # as the resolver keeps it
    return kept


def headline(features, model) -> dict[str, Any]:
    labels = segments.segment_labels(features, model)
    summary = segments.segment_summary(labels, features, model)
    return segments.segments_headline(model, summary, segments.segment_profile(features, model, summary, 1), PARAMS)


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    return model_of(shop())


def test_planted_kinds_are_found_and_named_by_what_sets_them_apart(model):
    names = {name["zh"] for name in model["names"]}
    assert len(names) == 3
    assert any("高频" in name and "低客单" in name for name in names)
    assert any("高客单" in name for name in names)
    assert any("较久未下单" in name for name in names)


def test_every_customer_is_in_one_segment_and_revenue_is_kept(model):
    features = shop()
    labels = segments.segment_labels(features, model)
    summary = segments.segment_summary(labels, features, model)
    assert labels["customer_id"].tolist() == features["customer_id"].tolist()
    assert summary["n_customers"].sum() == len(features)
    assert summary["revenue"].sum() == pytest.approx(features["revenue"].sum())
    assert summary["share_customers"].is_monotonic_decreasing


def test_row_order_does_not_matter_to_who_is_in_which(model):
    shuffled = shop().sample(frac=1, random_state=2)
    labels = segments.segment_labels(shuffled, model).set_index("customer_id")["segment"]
    assert labels.sort_index().tolist() == segments.segment_labels(shop(), model)["segment"].tolist()


def test_planted_kinds_are_called_natural(model):
    said = headline(shop(), model)
    assert said["n_segments"]["value"] == 3
    assert said["nature"]["en"] == "they are natural groups"
    assert said["worst_jaccard"]["value"] >= 0.85


def test_a_blob_is_called_slices():
    rng = np.random.default_rng(3)
    blob = np.exp(rng.multivariate_normal([1, 4, 4], 0.5 * np.eye(3) + 0.3, 1_500))
    features = shop().assign(
        n_orders=1 + blob[:, 0].round(), mean_order_value=blob[:, 1], days_since_last_order=blob[:, 2]
    )
    said = headline(features, model_of(features))
    assert "natural" not in said["nature"]["en"] or "not natural" in said["nature"]["en"]


def test_segments_keep_key_and_name_from_run_to_run(model, tmp_path):
    write_kept(model, tmp_path / "segments")
    later = model_of(shop(seed=2), Previous(tmp_path))
    assert {(n["segment"], n["zh"]) for n in later["names"]} == {(n["segment"], n["zh"]) for n in model["names"]}
    assert all(name["kept"] for name in later["names"])
    assert "3 of 3" in headline(shop(seed=2), later)["continuity"]["en"]


def test_when_a_behaviour_is_no_longer_known_names_start_anew(model, tmp_path):
    write_kept(model, tmp_path / "segments")
    later = model_of(shop().drop(columns="days_since_last_order").assign(days_since_last_order=30), Previous(tmp_path))
    assert not any(name["kept"] for name in later["names"])


def test_a_model_kept_by_an_older_version_is_passed_over(model, tmp_path):
    write_kept({"names": model["names"]}, tmp_path / "segments")
    assert not any(name["kept"] for name in model_of(shop(), Previous(tmp_path))["names"])


def test_few_customers_are_one_segment_and_every_sentence_still_holds():
    features = shop(n=120)
    few = model_of(features)
    said = headline(features, few)
    assert [name["zh"] for name in few["names"]] == ["全体客户"]
    assert said["n_segments"]["value"] == 1
    assert "Fewer than 200" in said["stopped"]["en"]
    assert segments.segment_trials(few, PARAMS).empty


def test_where_the_largest_number_tried_holds_the_page_says_that_more_were_not_tried(model):
    trials = segments.segment_trials(model, PARAMS)
    assert trials[["k", "accepted"]].values.tolist() == [[3, True]]
    assert "the most that was tried" in headline(shop(), model)["stopped"]["en"]


def test_fewer_than_ten_customers_are_no_groups():
    with pytest.raises(TooFewError, match="at least 10 customers, these data have 9"):
        model_of(shop(9))
