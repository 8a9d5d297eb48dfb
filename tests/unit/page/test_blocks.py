"""Blocks are checked when they are made, so that a page never is the place where a mistake is found."""

import json
from datetime import date

import pytest

from analysis.errors import AnalysisError
from analysis.evidence import Estimate, Grade
from analysis.page import blocks

SVG = '<svg viewBox="0 0 1 1" xmlns="http://www.w3.org/2000/svg"/>'
COUNT = Estimate(3943, "customers", 3611, 4288, 0.8, Grade.OBSERVATIONAL)


def both(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def test_a_placeholder_without_a_value_is_an_error_that_lists_what_there_is() -> None:
    with pytest.raises(AnalysisError, match=r"\{x\}.*\n.*a, b"):
        blocks.answer(both("{x}"), values={"a": COUNT, "b": "text"})


@pytest.mark.parametrize("text", [{"zh": "话"}, {"zh": "话", "en": " "}, {"en": "words"}])
def test_a_text_in_one_language_only_is_an_error(text: dict[str, str]) -> None:
    with pytest.raises(AnalysisError, match="lacks its"):
        blocks.question(text)


def test_bold_that_does_not_close_is_an_error() -> None:
    with pytest.raises(AnalysisError, match="does not close"):
        blocks.note(both("**bold"))


def test_the_interval_of_a_text_is_an_error() -> None:
    with pytest.raises(AnalysisError, match="needs an estimate"):
        blocks.note(both("{x:interval}"), values={"x": "text"})


def test_an_unknown_form_of_a_placeholder_is_an_error() -> None:
    with pytest.raises(AnalysisError, match="form of a placeholder"):
        blocks.note(both("{x:long}"), values={"x": COUNT})


@pytest.mark.parametrize("text", ["{{7*7}}", "{0}", "{x.__class__}", "{x!r}", "{x[0]}", "{", "}", "{}"])
def test_braces_that_are_no_placeholder_stay_text(text: str) -> None:
    assert blocks.note(both(text))["text"]["zh"] == text


def test_a_bare_number_is_no_value_because_it_has_no_unit() -> None:
    with pytest.raises(AnalysisError, match="Estimate"):
        blocks.note(both("{x}"), values={"x": {"value": 3}})  # type: ignore[dict-item]  # the mistake under test


def test_every_block_is_plain_json_with_its_schema_and_kind() -> None:
    table = blocks.table(
        [{"name": "tier", "label": both("tier")}, {"name": "on", "label": both("day"), "unit": "date"}],
        [["a", date(2026, 1, 2)], [both("b"), None]],
        both("rows"),
    )
    made = [
        blocks.question(both("q")),
        blocks.answer(both("**{x}** and {y} {z}"), values={"x": COUNT, "y": "data", "z": both("label")}),
        blocks.decision(both("d"), worth=COUNT, worth_label=both("w"), parts=[(both("p"), COUNT)]),
        blocks.tile("n", both("t"), COUNT, previous=3000, history=[1.0, None, float("nan")]),
        blocks.finding(both("f"), sub=both("s"), short=both("s")),
        blocks.figure("f", {"zh": {"wide": SVG, "narrow": SVG}}, both("alt"), data=table),
        table,
        blocks.explorer(both("e"), [(both("c"), COUNT, [COUNT])], earns=both("x"), uses=[both("u")]),
        blocks.note(both("n")),
        blocks.mind([both("m")]),
        blocks.method(both("m")),
        blocks.quality([(both("l"), "warn", both("stale"), both("t"))]),
        blocks.changes([(both("l"), both("t"))]),
        blocks.missing("touches"),
        blocks.warning(both("w")),
        blocks.end("churn"),
    ]
    assert [block["kind"] for block in made] == list(blocks.KINDS)
    for block in made:
        assert blocks.validate(json.loads(json.dumps(block, allow_nan=False))) == block


def test_an_estimate_survives_the_journey_through_json() -> None:
    made = blocks.note(both("{x}"), values={"x": COUNT})
    assert blocks.estimate_from_json(json.loads(json.dumps(made))["values"]["x"]) == COUNT


@pytest.mark.parametrize(
    ("previous", "better", "verdict"),
    [(3800, "down", "noise"), (3000, "down", "worse"), (5000, "down", "better"), (3000, None, "none")],
)
def test_a_change_inside_the_interval_is_noise_whatever_its_direction(
    previous: float, better: str | None, verdict: str
) -> None:
    made = blocks.tile("n", both("t"), COUNT, previous=previous, better=better)
    assert made["change"]["verdict"] == verdict


def test_there_is_no_change_without_a_run_before_or_without_a_number() -> None:
    assert blocks.tile("n", both("t"), COUNT)["change"] is None
    assert blocks.tile("n", both("t"), Estimate(None, "share"), previous=0.1)["change"] is None


def test_a_figure_needs_both_drawings_and_a_plain_name() -> None:
    with pytest.raises(AnalysisError, match="narrow"):
        blocks.figure("f", {"zh": {"wide": SVG}}, both("alt"))
    with pytest.raises(AnalysisError, match="no name"):
        blocks.figure("../f", {"zh": {"wide": SVG, "narrow": SVG}}, both("alt"))


def test_a_row_of_the_wrong_length_and_an_unknown_unit_are_errors() -> None:
    column = {"name": "a", "label": both("a")}
    with pytest.raises(AnalysisError, match="Row 0"):
        blocks.table([column], [[1, 2]], both("c"))
    with pytest.raises(AnalysisError, match="unit"):
        blocks.table([{**column, "unit": "furlong"}], [[1]], both("c"))
    with pytest.raises(AnalysisError, match="column of counts"):
        blocks.table([column], [[1]], both("c"), n="n")


def test_a_block_of_another_schema_is_refused() -> None:
    with pytest.raises(AnalysisError, match="schema"):
        blocks.validate({"schema": 99, "kind": "note"})
    with pytest.raises(AnalysisError, match="kind"):
        blocks.validate({"schema": blocks.SCHEMA, "kind": "script"})
