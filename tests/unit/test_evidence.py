"""A number travels with its unit, interval and grade."""

import json

import pytest

from analysis.errors import AnalysisError
from analysis.evidence import Estimate, Grade, weakest


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
