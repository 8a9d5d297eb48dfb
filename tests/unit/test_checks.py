"""Checks return what they were given, or say what was found and allowed."""

import pytest

from analysis.checks import columns_present, nearest, one_of, positive, share
from analysis.errors import AnalysisError


def test_the_nearest_name_ignores_case():
    assert nearest("Horizon_Day", ["horizon_days", "active_days"]) == "horizon_days"
    assert nearest("zzz", ["horizon_days"]) is None


def test_a_wrong_choice_names_the_nearest_allowed():
    with pytest.raises(AnalysisError, match="did you mean 'coffee'"):
        one_of("cofee", allowed=["coffee", "beauty"], what="brand")
    assert one_of("beauty", allowed=["coffee", "beauty"], what="brand") == "beauty"


@pytest.mark.parametrize("value", [0, -1])
def test_what_must_be_positive_is(value):
    with pytest.raises(AnalysisError, match="above zero"):
        positive(value, what="horizon")


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan")])
def test_a_share_lies_within_zero_and_one(value):
    with pytest.raises(AnalysisError, match="within 0-1"):
        share(value, what="holdout share")


def test_missing_columns_are_named_beside_those_there():
    with pytest.raises(AnalysisError, match="lacks b; it has a, c"):
        columns_present(["a", "c"], needed=["a", "b"], table="orders")
