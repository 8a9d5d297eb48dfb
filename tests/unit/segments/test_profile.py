"""Names of segments: true, unique, and lasting."""

import numpy as np
import pandas as pd

from analysis.segments.profile import keep_names, name_segments, segment_differences


def differences(table: dict[int, dict[str, float]]) -> pd.DataFrame:
    rows = [(label, trait, value) for label, traits in table.items() for trait, value in traits.items()]
    return pd.DataFrame(rows, columns=["label", "trait", "difference"])


def test_a_name_is_made_of_the_largest_differences():
    named = name_segments(
        differences(
            {
                0: {"n_orders": 1.4, "mean_order_value": -0.9, "share_weekend": 0.2},
                1: {"n_orders": -0.8, "mean_order_value": 0.1, "share_weekend": 0.9},
            }
        )
    )
    assert named == [
        ("高频、低客单顾客", "Frequent, small-basket customers"),
        ("低频、周末型顾客", "Infrequent, weekend customers"),
    ]


def test_two_segments_that_would_share_a_name_get_a_further_word():
    named = name_segments(
        differences(
            {
                0: {"n_orders": 1.4, "mean_order_value": 0.9, "share_weekend": 0.5},
                1: {"n_orders": 1.2, "mean_order_value": 0.8, "share_weekend": -0.6},
            }
        )
    )
    assert named == [
        ("高频、高客单、周末型顾客", "Frequent, big-basket, weekend customers"),
        ("高频、高客单、工作日型顾客", "Frequent, big-basket, weekday customers"),
    ]


def test_segments_that_differ_in_nothing_worth_a_word_are_numbered():
    named = name_segments(differences({0: {"n_orders": 0.1}, 1: {"n_orders": -0.1}}))
    assert len(set(named)) == 2
    assert named[0] == ("普通顾客", "Average customers")


def test_differences_are_in_standard_deviations_of_all_customers():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(1_000, 2)).astype(np.float32)
    labels = (matrix[:, 0] > 0).astype(np.int64)
    found = segment_differences(matrix, labels, names=["n_orders", "revenue"]).set_index(["label", "trait"])[
        "difference"
    ]
    assert abs(found[(1, "n_orders")] - 0.8) < 0.06
    assert abs(found[(1, "revenue")]) < 0.1


WORDS = [("甲", "A"), ("乙", "B"), ("丙", "C")]


def before(labels):
    return [{"segment": f"s{i + 1}", "zh": zh, "en": en} for i, (zh, en) in enumerate(WORDS)], labels


def test_a_segment_that_comes_back_under_another_number_keeps_its_name():
    labels = np.random.default_rng(1).integers(0, 3, 900)
    known, earlier = before(np.array([2, 0, 1])[labels])
    kept = keep_names(labels, [("子", "X"), ("丑", "Y"), ("寅", "Z")], earlier=earlier, known=known)
    assert [(name.segment, name.zh) for name in kept] == [("s3", "丙"), ("s1", "甲"), ("s2", "乙")]


def test_a_segment_most_of_whose_customers_are_others_gets_a_new_key():
    rng = np.random.default_rng(2)
    known, earlier = before(rng.integers(0, 3, 900))
    kept = keep_names(rng.integers(0, 3, 900), [("子", "X"), ("丑", "Y"), ("寅", "Z")], earlier=earlier, known=known)
    assert [name.segment for name in kept] == ["s4", "s5", "s6"]


def test_a_new_segment_never_takes_the_name_of_a_lasting_one():
    labels = np.repeat([0, 1, 2], 300)
    known, earlier = before(np.repeat([0, 1, 1], 300))
    kept = keep_names(labels, [("子", "X"), ("乙", "B"), ("甲", "A")], earlier=earlier, known=known)
    assert len({(name.zh, name.en) for name in kept}) == 3
    assert kept[0].segment == "s1"


def test_the_first_run_numbers_from_one():
    kept = keep_names(np.array([0, 1]), WORDS[:2], earlier=None, known=[])
    assert [name.segment for name in kept] == ["s1", "s2"]
