"""Colours that everybody can tell apart: text 4.5 : 1, marks 3 : 1, in the light and in the dark."""

import re

import pytest

from analysis.page.render import stylesheet

SCHEMES = {"light": 0, "dark": 1}
TEXT = ["ink", "ink-2", "ink-3", "accent", "warn"]
MARKS = ["mark", "accent", "warn", "zero", "grade-c-line", "grade-d-line"]


def tokens(scheme: str) -> dict[str, str]:
    css = stylesheet()
    light = dict(re.findall(r"--([\w-]+): *(#[0-9a-f]{6})", css.split("@media")[0]))
    if scheme == "light":
        return light
    dark = next(
        part
        for part in css.split("@media")
        if "prefers-color-scheme: dark" in part or "prefers-color-scheme:dark" in part
    )
    return light | dict(re.findall(r"--([\w-]+): *(#[0-9a-f]{6})", dark))


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_text_and_marks_stand_out_from_their_ground(scheme: str, ground: str) -> None:
    known = tokens(scheme)
    for token in TEXT:
        assert contrast(known[token], known[ground]) >= 4.5, token
    for token in MARKS:
        assert contrast(known[token], known[ground]) >= 3, token


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_letter_of_a_grade_stands_out_from_its_fill(scheme: str) -> None:
    known = tokens(scheme)
    for grade in "ab":
        assert contrast(known[f"grade-{grade}-ink"], known[f"grade-{grade}"]) >= 4.5
    for grade in "cd":
        assert contrast(known[f"grade-{grade}-ink"], known["paper"]) >= 4.5


def test_every_token_that_is_used_is_defined() -> None:
    css = stylesheet()
    defined = set(re.findall(r"--([\w-]+) *:", css))
    assert set(re.findall(r"var\(--([\w-]+)", css)) <= defined
