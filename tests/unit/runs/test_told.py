"""What a run tells of the run before, from that run's manifest."""

from datetime import date
from typing import Any

from analysis.runs.told import since

BEFORE: dict[str, Any] = {
    "as_of": "2026-11-08",
    "rows": [{"used": 100}, {"used": 20}],
    "parameters": {"churn": {"horizon_days": 30, "old": 1}, "gone": {}},
    "digests": {"code": "a"},
    "versions": {"numpy": "1", "siyu": "0.1"},
}
NOW: dict[str, Any] = {"rows": 150, "code": "a", "versions": {"numpy": "2", "siyu": "0.1"}}


def test_rows_parameters_versions_and_code_are_compared() -> None:
    told = since(BEFORE, parameters={"churn": {"horizon_days": 60}, "new": {"x": 1}}, **NOW)
    assert told is not None
    assert told.as_of == date(2026, 11, 8)
    assert told.rows == 30
    assert told.parameters == {"churn": (("horizon_days", "30", "60"), ("old", "1", "—"))}
    assert told.versions == (("numpy", "1", "2"),)
    assert not told.code


def test_a_manifest_of_an_earlier_edition_is_compared_with_nothing() -> None:
    assert since({"as_of": "2026-11-08"}, parameters={}, **NOW) is None
