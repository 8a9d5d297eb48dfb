"""Colours that everybody can tell apart: text 4.5 : 1, marks 3 : 1, in the light and in the dark."""

import math
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


# How colours look to those without green, red or blue cones: Machado, Oliveira, Fernandes 2009, severity 1, linear RGB.
BLINDNESS = {
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def lab(colour: str, blindness: str) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of a colour as it is seen."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    seen = [min(1.0, max(0.0, sum(w * v for w, v in zip(row, linear, strict=True)))) for row in BLINDNESS[blindness]]
    matrix = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    white = (0.95047, 1.0, 1.08883)
    xyz = [sum(m * v for m, v in zip(row, seen, strict=True)) / w for row, w in zip(matrix, white, strict=True)]
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def apart(one: str, other: str, blindness: str) -> float:
    return math.dist(lab(one, blindness), lab(other, blindness))


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_marks_are_told_apart_without_green_red_or_blue(scheme: str, blindness: str) -> None:
    known = tokens(scheme)
    marks = ["accent", "warn", "mark"]
    pairs = {(a, b): apart(known[a], known[b], blindness) for a in marks for b in marks if a < b}
    assert min(pairs.values()) >= 20, pairs  # eight times what the eye just notices


def test_red_and_green_of_one_lightness_would_not_pass() -> None:
    assert apart("#c0392b", "#5f8a00", "deuteranopia") < 15
