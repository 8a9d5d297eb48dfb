"""Verdicts: when a claim holds, and what a file of them says once laws or effect sizes have changed."""

import numpy as np
import pytest

from analysis.touch.effects import load_effects
from analysis.touch.exam.judging import Interval, paired, ratio, sliced
from analysis.touch.exam.verdicts import digest_of, exam_passed, load_exam, verdict, written


@pytest.fixture(scope="module")
def priors():
    return load_effects("params/effects/default.yaml")


def row(found, **judged):
    return verdict("3b", found, zh="断言", en="claim", unit="share", source="test", **judged)


@pytest.mark.parametrize(
    ("found", "judged", "passed"),
    [
        (Interval(0.2, 0.1, 0.3), {"above": 0.0}, True),
        (Interval(0.2, -0.1, 0.5), {"above": 0.0}, False),
        (Interval(-0.2, -0.3, -0.1), {"below": 0.0}, True),
        (Interval(0.2, 0.0, 0.3), {"above": 0.0}, False),
        (Interval(0.2, -0.1, 0.5), {"above": 0.15, "below": 0.45, "judged": "number"}, True),
        (Interval(0.5, 0.4, 0.6), {"above": 0.15, "below": 0.45, "judged": "number"}, False),
        (Interval(9.0, 8.0, 10.0), {"judged": "shown"}, True),
    ],
)
def test_a_sign_needs_its_whole_interval_and_a_number_its_band(found, judged, passed):
    assert row(found, **judged).passed is passed


def test_a_written_file_reads_back_and_is_stale_for_other_effect_sizes(tmp_path, priors):
    rows = [row(Interval(0.2, 0.1, 0.3), above=0.0), row(Interval(1.0, 1.0, 1.0), judged="shown")]
    path = tmp_path / "verdicts.yaml"
    path.write_text(written(rows, priors=priors, n_customers=30_000, n_replicates=200), encoding="utf-8")
    exam = load_exam(path)
    assert [r.claim.zh for r in exam.rows] == ["断言", "断言"]
    assert exam_passed(exam, priors=priors) is True
    first, *rest = priors.effects
    other = priors.model_copy(update={"effects": [first.model_copy(update={"mean": first.mean * 0.9}), *rest]})
    assert digest_of(other) != digest_of(priors)
    assert exam_passed(exam, priors=other) is None


def test_one_failing_row_fails_the_exam(tmp_path, priors):
    path = tmp_path / "verdicts.yaml"
    rows = [row(Interval(0.2, 0.1, 0.3), above=0.0), row(Interval(0.2, 0.1, 0.3), below=0.0)]
    path.write_text(written(rows, priors=priors, n_customers=1, n_replicates=1), encoding="utf-8")
    assert exam_passed(load_exam(path), priors=priors) is False


def test_intervals_of_means_ratios_and_slices_cover_their_truth_in_95_of_100():
    rng = np.random.default_rng(4)
    hits = np.zeros(3)
    for _ in range(300):
        below = rng.normal(10, 1, 120)
        above = 0.5 * below + rng.normal(0, 1, 120)
        found = (paired(above), ratio(above, below), sliced(lambda m: [m[0] / m[1]], np.stack([above, below]))[0])
        hits += [i.lower <= truth <= i.upper for i, truth in zip(found, (5.0, 0.5, 0.5), strict=True)]
    assert np.all(hits / 300 > 0.91)
    assert np.all(hits / 300 < 0.985)


def test_the_committed_verdicts_were_written_for_these_laws_and_effect_sizes(priors):
    """Red here: a law or an effect size has changed since the last full exam. Run `make exam` and commit the file."""
    exam = load_exam()
    assert exam.edition == priors.edition
    assert exam_passed(exam, priors=priors) is not None
    assert {r.number for r in exam.rows} >= set(range(1, 13))
    assert "not a calibration to WeCom" in exam.caveat.en
