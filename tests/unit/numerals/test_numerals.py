"""The examples are those of the design page: its table "Numbers"."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.evidence import Estimate
from analysis.numerals import (
    MINUS,
    UNITS,
    common_scale,
    format_change,
    format_date,
    format_estimate,
    format_interval,
    format_month,
    format_value,
    format_week,
    guard_formula,
)


def read(text: str) -> str:
    """No-break spaces as plain ones, for reading."""
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (61_437, "¥61,400", "¥61,400"),
        (99_949, "¥99,900", "¥99,900"),
        (99_960, "¥10 万", "¥100k"),
        (126_000, "¥12.6 万", "¥126k"),
        (1_284_000, "¥128 万", "¥1.28m"),
        (128_000_000, "¥1.28 亿", "¥128m"),
        (2_500_000_000, "¥25 亿", "¥2.5bn"),
        (39.94, "¥39.9", "¥39.9"),
        (-2_100, "−¥2,100", "−¥2,100"),
        (0, "¥0", "¥0"),
        (None, "—", "—"),
        (float("nan"), "—", "—"),
        (float("inf"), "—", "—"),
    ],
)
def test_money_has_three_figures_and_the_readers_large_unit(value: float | None, zh: str, en: str) -> None:
    assert read(format_value(value, "money", language="zh")) == zh
    assert read(format_value(value, "money", language="en")) == en


@pytest.mark.parametrize(
    ("currency", "shown"), [("USD", "$12"), ("EUR", "€12"), ("GBP", "£12"), ("CNY", "¥12"), ("SEK", "SEK 12")]
)
def test_money_carries_the_sign_of_its_currency_or_the_code(currency: str, shown: str) -> None:
    assert read(format_value(12, "money", language="en", currency=currency)) in (shown, f"{shown}.0")


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (48_216, "customers", "48,216 人", "48,216 customers"),
        (1, "customers", "1 人", "1 customer"),
        (12_345_678, "orders", "1,230 万单", "12.3m orders"),
        (0.118, "share", "11.8%", "11.8%"),
        (0.0004, "share", "0.040%", "0.040%"),
        (0, "share", "0%", "0%"),
        (1, "share", "100%", "100%"),
        (0.006, "points", "0.6 个百分点", "0.6 points"),
        (0.0066, "per_thousand", "6.6‰", "6.6 per thousand"),
        (1, "days", "1 天", "1 day"),
        (33.3333, "days", "33.3 天", "33.3 days"),
        (0.7423, "score", "0.742", "0.742"),
        (None, "customers", "—", "—"),
    ],
)
def test_each_unit_is_written_as_its_reader_expects(value: float | None, unit: str, zh: str, en: str) -> None:
    assert read(format_value(value, unit, language="zh")) == zh
    assert read(format_value(value, unit, language="en")) == en


@pytest.mark.parametrize(
    ("estimate", "zh", "en"),
    [
        (Estimate(61_400, "money", 38_000, 88_000, 0.8), "80% 区间 ¥38,000–¥88,000", "80% interval ¥38,000–¥88,000"),
        (Estimate(18_700, "money", -2_100, 41_000, 0.8), "80% 区间 −¥2,100 至 ¥41,000",
         "80% interval −¥2,100 to ¥41,000"),
        (Estimate(0.118, "share", 0.115, 0.121, 0.95), "95% 区间 11.5%–12.1%", "95% interval 11.5%–12.1%"),
        (Estimate(3_943, "customers", 3_611, 4_288, 0.8), "80% 区间 3,610–4,290", "80% interval 3,610–4,290"),
        (Estimate(126_340, "money", 38_000, 188_000, 0.8), "80% 区间 ¥3.8 万–¥18.8 万", "80% interval ¥38k–¥188k"),
        (Estimate(5, "customers"), "", ""),
    ],
)  # fmt: skip
def test_an_interval_says_its_level_and_never_hides_a_minus_in_a_dash(estimate: Estimate, zh: str, en: str) -> None:
    assert read(format_interval(estimate, language="zh")) == zh
    assert read(format_interval(estimate, language="en")) == en


def test_a_number_is_no_finer_than_its_interval_supports() -> None:
    wide = Estimate(0.342, "share", 0.21, 0.48, 0.95)
    assert format_estimate(wide, language="en") == "34%"
    assert read(format_estimate(Estimate(3_943, "customers", 3_611, 4_288, 0.8), language="zh")) == "3,940 人"
    assert format_estimate(Estimate(12.34, "number", -5_000, 5_000, 0.8), language="en") == "10"


def test_a_change_of_a_share_is_in_points_and_nothing_is_said_in_words() -> None:
    assert read(format_change(-0.006, "share", language="zh")) == "▼ 0.6 个百分点"
    assert read(format_change(312, "customers", language="en")) == "▲ 312 customers"
    assert format_change(0.0, "money", language="zh") == "持平"
    assert format_change(None, "money", language="zh") == "—"


def test_days_weeks_and_months_read_as_in_each_language() -> None:
    day = date(2026, 11, 18)
    assert format_date(day, language="zh") == "2026-11-18"
    assert read(format_date(day, language="zh", prose=True)) == "2026 年 11 月 18 日"
    assert read(format_date(day, language="en")) == "18 Nov 2026"
    assert read(format_month(day, language="zh")) == "2026 年 11 月"
    assert read(format_week(day, language="zh")) == "第 47 周（11 月 16–22 日）"
    assert read(format_week(date(2026, 12, 1), language="en")) == "week 49, 30 Nov–6 Dec"
    assert format_date(None, language="en") == "—"


def test_a_column_has_one_unit_and_one_number_of_decimals() -> None:
    scale = common_scale([61_400, 614_000, None, float("nan")], "money", language="zh")
    assert (scale.label, scale.text(61_400), scale.text(-614_000), scale.text(None)) == ("万元", "6.1", "−61.4", "—")
    english = common_scale([61_400, 614_000], "money", language="en", currency="USD")
    assert (read(english.label), english.text(61_400)) == ("$ thousand", "61.4")
    assert common_scale([0.1, 0.02], "share", language="en").text(0.02) == "2.0%"
    assert scale.interval(-61_400, 61_400, language="zh") == "−6.1 至 6.1"


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "＝HYPERLINK(1)", "|calc"])
def test_no_spreadsheet_takes_a_guarded_text_for_a_formula(text: str) -> None:
    assert guard_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["澄序", "-3.5", "+8613800000000", "", "a=b"])
def test_plain_text_and_plain_numbers_are_left_alone(text: str) -> None:
    assert guard_formula(text) == text


def test_an_unknown_unit_or_language_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(AnalysisError, match="did you mean 'customers'"):
        format_value(1, "customer", language="zh")
    with pytest.raises(AnalysisError, match="language"):
        format_value(1, "customers", language="fr")


@given(st.floats(-1e12, 1e12), st.sampled_from(sorted(UNITS)), st.sampled_from(["zh", "en"]))
def test_no_number_is_written_with_a_hyphen_an_exponent_or_minus_zero(value: float, unit: str, language: str) -> None:
    text = format_value(value, unit, language=language)
    assert not any(mark in text for mark in ("-", "e+", "e-"))
    assert not text.startswith(MINUS) or any(digit in text for digit in "123456789")


@given(st.floats(1, 1e10), st.floats(0.01, 2), st.sampled_from(["money", "customers", "days", "ratio"]))
def test_the_written_number_lies_within_one_part_in_a_hundred_of_the_number(
    value: float, width: float, unit: str
) -> None:
    text = format_value(value, "money", language="en", currency="USD")
    size = {"k": 1e3, "m": 1e6, "bn": 1e9}
    suffix = next((s for s in ("bn", "m", "k") if text.endswith(s)), "")
    shown = float(text.removesuffix(suffix).removeprefix("$").replace(",", "")) * size.get(suffix, 1)
    assert shown == pytest.approx(value, rel=0.006)
