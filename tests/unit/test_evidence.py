"""A number travels with its unit, interval and grade."""

import json

import pytest

from analysis.errors import AnalysisError
from analysis.evidence import (
    Counted,
    DifferenceInDifferences,
    Estimate,
    Forecast,
    Grade,
    Instrument,
    NaturalExperiment,
    Observed,
    Prior,
    Randomised,
    Stated,
    grade_of,
    judge,
    weakest,
    worded,
    words,
)


def test_a_chain_of_evidence_is_as_strong_as_its_weakest_link():
    assert weakest(Grade.RANDOMISED, Grade.OBSERVATIONAL, Grade.MEASURED) is Grade.OBSERVATIONAL
    assert weakest(Grade.PRIOR, Grade.RANDOMISED) is Grade.PRIOR
    with pytest.raises(AnalysisError, match="No grades"):
        weakest()


def test_half_an_interval_is_refused():
    with pytest.raises(AnalysisError, match="both ends"):
        Estimate(1.0, "share", ci_lower=0.5)
    with pytest.raises(AnalysisError, match="both ends"):
        Estimate(1.0, "share", 0.5, 1.5)


def test_an_interval_upside_down_is_refused():
    with pytest.raises(AnalysisError, match="upside down"):
        Estimate(1.0, "share", 2.0, 1.0, 0.95)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_not_known_is_null_in_the_results(value):
    estimate = Estimate(value, "money")
    assert not estimate.known
    assert json.loads(json.dumps(estimate.as_result(), allow_nan=False))["value"] is None


def test_a_counted_number_has_no_grade_in_the_results():
    assert Estimate(3, "customers").as_result()["grade"] is None
    assert Estimate(3, "customers", grade=Grade.PRIOR).as_result()["grade"] == "D"


ORIGINS = [
    (Counted(), "M"),
    (Randomised(split="ok"), "A"),
    (Randomised(split="warn"), "A"),
    (Randomised(split="stop"), None),
    (Randomised(split="ok", as_assigned=False), "C"),
    (Instrument(split="ok", strong=True, exclusion_argued=True), "B"),
    (Instrument(split="ok", strong=False, exclusion_argued=True), "C"),
    (Instrument(split="ok", strong=True, exclusion_argued=False), "C"),
    (Instrument(split="stop", strong=True, exclusion_argued=True), None),
    (NaturalExperiment(balanced=True), "B"),
    (NaturalExperiment(balanced=False), "C"),
    (DifferenceInDifferences(parallel_before=True, selection_left_out=True, same_by_ratio=True), "B"),
    (DifferenceInDifferences(parallel_before=True, selection_left_out=False, same_by_ratio=True), "C"),
    (DifferenceInDifferences(parallel_before=True, selection_left_out=True, same_by_ratio=False), "C"),
    (DifferenceInDifferences(parallel_before=False, selection_left_out=True, same_by_ratio=True), "C"),
    (DifferenceInDifferences(parallel_before=None, selection_left_out=True, same_by_ratio=True), "C"),
    (Observed(), "C"),
    (Prior(), "D"),
    (Stated(Grade.QUASI_EXPERIMENTAL), "B"),
    (Forecast((Randomised(split="ok"),)), "C"),
    (Forecast((Counted(),)), "C"),
    (Forecast((Observed(), Prior())), "D"),
    (Forecast((Stated(Grade.RANDOMISED), Stated(Grade.PRIOR))), "D"),
]


@pytest.mark.parametrize(("origin", "letter"), ORIGINS, ids=lambda value: str(value)[:60])
def test_the_grade_follows_from_how_the_number_came_about(origin, letter):
    found = judge(origin)
    assert (found.grade.value if found.grade else None) == letter
    assert found.reason["zh"]
    assert found.reason["en"]
    assert found.reason["zh"] != found.reason["en"]


def test_a_split_that_is_off_allows_no_estimate():
    with pytest.raises(AnalysisError, match="not split as planned"):
        grade_of(Randomised(split="stop"))
    with pytest.raises(AnalysisError, match="not split as planned"):
        grade_of(Forecast((Randomised(split="stop"),)))


def test_experiments_mixed_with_priors_are_worth_what_priors_are():
    assert grade_of(Randomised(split="ok"), Prior()) is Grade.PRIOR
    with pytest.raises(AnalysisError, match="No grades"):
        grade_of()


@pytest.mark.parametrize("grade", list(Grade))
def test_only_a_and_b_may_say_caused(grade):
    said = worded({"zh": "发券<verb>{x}的<noun>", "en": "The coupon <verb> an <noun> of {x}"}, grade=grade)
    assert "<" not in said["zh"] + said["en"]
    assert ("caused" in said["en"]) == ("假设" not in said["zh"] and "带来" in said["zh"]) == words(grade).causal
    assert words(grade).causal == (grade.value in "AB")
