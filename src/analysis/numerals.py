"""How a number is written for a reader, in Chinese and in English.

Three significant figures at most and no more than the interval supports; 万 and 亿 or k and m for
large money; a true minus (U+2212), an en dash in ranges, a no-break space between a number and its
unit. An unknown number is a dash. Counted things are written in full.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from analysis.checks import one_of
from analysis.evidence import Estimate
from analysis.plain_text import without_unseen

__all__ = [
    "LANGUAGES",
    "UNITS",
    "UNKNOWN",
    "Scale",
    "Unit",
    "common_scale",
    "currency_symbol",
    "format_change",
    "format_date",
    "format_estimate",
    "format_interval",
    "format_month",
    "format_value",
    "format_week",
    "guard_formula",
    "interval_name",
]

LANGUAGES: Final = ("zh", "en")
UNKNOWN: Final = "—"
MINUS: Final = "\u2212"
EN_DASH: Final = "–"
NBSP: Final = "\u00a0"

FIGURES: Final = 3  # significant figures of an estimate
FULL_COUNT: Final = 10_000_000  # counted things are written in full below this

CURRENCIES: Final = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts and how it is written.

    Attributes:
        zh: Word after the number in Chinese; empty for none.
        en: Word after the number in English, plural.
        one: Word after "1" in English.
        kind: ``whole`` (counted things), ``money``, ``share`` (0-1, written in percent), ``points``
            (0-1, a difference of shares), ``per_thousand`` (0-1, rare events) or ``number``.
        people: Whether it counts people, so that small groups must be hidden.
    """

    zh: str
    en: str
    one: str = ""
    kind: str = "whole"
    people: bool = False


UNITS: Final[dict[str, Unit]] = {
    "customers": Unit("人", "customers", "customer", people=True),
    "contacts": Unit("位好友", "contacts", "contact", people=True),
    "staff": Unit("名员工", "staff", "member of staff"),
    "orders": Unit("单", "orders", "order"),
    "refunds": Unit("笔退款", "refunds", "refund"),
    "items": Unit("件", "items", "item"),
    "forecasts": Unit("次预测", "forecasts", "forecast"),
    "touches": Unit("次触达", "touches", "touch"),
    "deletions": Unit("位", "deletions", "deletion"),
    "rows": Unit("行", "rows", "row"),
    "decisions": Unit("次决策", "decisions", "decision"),
    "columns": Unit("列", "columns", "column"),
    "groups": Unit("个", "groups", "group"),
    "times": Unit("次", "times", "time"),
    "count": Unit("", "", ""),
    "money": Unit("", "", kind="money"),
    "share": Unit("", "", kind="share"),
    "points": Unit("个百分点", "points", "point", kind="points"),
    "per_thousand": Unit("‰", "per thousand", "per thousand", kind="per_thousand"),
    "years": Unit("年", "years", "year", kind="number"),
    "months": Unit("个月", "months", "month", kind="number"),
    "weeks": Unit("周", "weeks", "week", kind="number"),
    "days": Unit("天", "days", "day", kind="number"),
    "hours": Unit("小时", "hours", "hour", kind="number"),
    "minutes": Unit("分钟", "minutes", "minute", kind="number"),
    "seconds": Unit("秒", "seconds", "second", kind="number"),
    "ratio": Unit("倍", "times", "times", kind="number"),
    "score": Unit("", "", kind="number"),
    "number": Unit("", "", kind="number"),
    "orders_per_customer": Unit("单/人", "orders per customer", "order per customer", kind="number"),
    "touches_per_customer": Unit("次/人", "touches per customer", "touch per customer", kind="number"),
}

_ZH_STEPS: Final = ((1e8, 1e8, "亿"), (1e5, 1e4, "万"))
_EN_STEPS: Final = ((1e9, 1e9, "bn"), (1e6, 1e6, "m"), (1e5, 1e3, "k"))
_ZH_COLUMN: Final = ((1e8, 1e8, "亿"), (1e5, 1e4, "万"))
_EN_COLUMN: Final = ((1e8, 1e6, "million"), (1e5, 1e3, "thousand"))
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def currency_symbol(currency: str) -> str:
    r"""Return the sign of an ISO currency, or its code and a no-break space where it has none here.

    Examples:
        >>> currency_symbol("CNY"), currency_symbol("SEK")
        ('¥', 'SEK\xa0')
    """
    return CURRENCIES.get(currency, f"{currency}{NBSP}")


def format_value(
    value: float | None,
    unit: str,
    *,
    language: str,
    currency: str = "CNY",
    exact: bool = False,
    bare: bool = False,
) -> str:
    r"""Return one number with its unit.

    Args:
        value: The number; shares and points in 0-1. None, NaN or infinite: not known.
        unit: A name of ``UNITS``.
        language: ``zh`` or ``en``.
        currency: ISO code, for money.
        exact: Whether money is written to its last digit (accounts), not to three figures.
        bare: Whether the word of the unit is left out (signs such as ¥ and % stay).

    Raises:
        AnalysisError: If the unit or the language is not known.

    Examples:
        >>> format_value(61437.2, "money", language="zh")
        '¥61,400'
        >>> format_value(126000, "money", language="zh"), format_value(126000, "money", language="en")
        ('¥12.6\xa0万', '¥126k')
        >>> format_value(0.118, "share", language="en")
        '11.8%'
    """
    style = _style(unit, language=language, currency=currency, bare=bare)
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return _write(value, style, _exact_layout(value, style) if exact else _layout([value], style, leading=abs(value)))


def format_estimate(
    estimate: Estimate,
    *,
    language: str,
    currency: str = "CNY",
    bare: bool = False,
) -> str:
    r"""Return the number of an estimate, no finer than its interval supports; the interval is apart.

    Examples:
        >>> format_estimate(Estimate(3943.2, "customers", 3611, 4288, 0.8), language="en")
        '3,940\xa0customers'
    """
    if not estimate.known or not estimate.has_interval:
        return format_value(estimate.value, estimate.unit, language=language, currency=currency, bare=bare)
    style = _style(estimate.unit, language=language, currency=currency, bare=bare)
    return _write(float(estimate.value or 0.0), style, _estimate_layout(estimate, style))


def format_interval(
    estimate: Estimate,
    *,
    language: str,
    currency: str = "CNY",
    named: bool = True,
) -> str:
    """Return the interval of an estimate, with its level (``named``); "" where there is none.

    Examples:
        >>> format_interval(Estimate(61400, "money", 38000, 88000, 0.8), language="zh")
        '80% 区间 ¥38,000–¥88,000'
        >>> format_interval(Estimate(18700, "money", -2100, 41000, 0.8), language="en")
        '80% interval −¥2,100 to ¥41,000'
    """
    if not estimate.has_interval or estimate.confidence_level is None:
        return ""
    lower, upper = float(estimate.ci_lower or 0.0), float(estimate.ci_upper or 0.0)
    style = _style(estimate.unit, language=language, currency=currency, bare=True)
    layout = _estimate_layout(estimate, style)
    low, high = (_write(end, style, layout) for end in (lower, upper))
    between = EN_DASH if not low.startswith(MINUS) and not high.startswith(MINUS) else _TO[language]
    text = f"{low}{between}{high}"
    return f"{interval_name(estimate.confidence_level, language=language)} {text}" if named else text


def interval_name(level: float, *, language: str) -> str:
    """Return "80% 区间" or "80% interval".

    Examples:
        >>> interval_name(0.95, language="en")
        '95% interval'
    """
    percent = f"{level * 100:.1f}".removesuffix(".0")
    return f"{percent}% {'区间' if language == 'zh' else 'interval'}"


def format_change(change: float | None, unit: str, *, language: str, currency: str = "CNY") -> str:
    r"""Return a change with its arrow; a change of a share is in points. Colour and verdict are the page's.

    Examples:
        >>> format_change(-0.006, "share", language="zh")
        '▼\xa00.6\xa0个百分点'
        >>> format_change(0, "customers", language="en")
        'no change'
    """
    if change is None or not math.isfinite(change):
        return UNKNOWN
    size = format_value(abs(change), "points" if unit == "share" else unit, language=language, currency=currency)
    nothing = format_value(0.0, "points" if unit == "share" else unit, language=language, currency=currency)
    if change == 0 or size == nothing:
        return "持平" if language == "zh" else "no change"
    return f"{'▲' if change > 0 else '▼'}{NBSP}{size}"


def format_date(day: date | None, *, language: str, prose: bool = False) -> str:
    r"""Return a day: ISO in Chinese data, 年月日 in Chinese prose, day-month-year in English.

    Examples:
        >>> format_date(date(2026, 11, 15), language="zh"), format_date(date(2026, 11, 15), language="en")
        ('2026-11-15', '15\xa0Nov\xa02026')
    """
    _known_language(language)
    if day is None:
        return UNKNOWN
    if language == "en":
        return f"{day.day}{NBSP}{_MONTHS[day.month - 1]}{NBSP}{day.year}"
    if prose:
        return f"{day.year}{NBSP}年{NBSP}{day.month}{NBSP}月{NBSP}{day.day}{NBSP}日"
    return day.isoformat()


def format_month(day: date | None, *, language: str) -> str:
    r"""Return the month of a day.

    Examples:
        >>> format_month(date(2026, 3, 1), language="en")
        'Mar\xa02026'
    """
    _known_language(language)
    if day is None:
        return UNKNOWN
    if language == "en":
        return f"{_MONTHS[day.month - 1]}{NBSP}{day.year}"
    return f"{day.year}{NBSP}年{NBSP}{day.month}{NBSP}月"


def format_week(day: date, *, language: str) -> str:
    r"""Return the ISO week a day lies in, Monday to Sunday.

    Examples:
        >>> format_week(date(2026, 11, 18), language="en")
        'week\xa047, 16–22\xa0Nov'
    """
    _known_language(language)
    first = day - timedelta(days=day.weekday())
    last = first + timedelta(days=6)
    number = day.isocalendar().week
    if language == "en":
        start = str(first.day) if first.month == last.month else f"{first.day}{NBSP}{_MONTHS[first.month - 1]}"
        return f"week{NBSP}{number}, {start}–{last.day}{NBSP}{_MONTHS[last.month - 1]}"
    end = str(last.day) if first.month == last.month else f"{last.month}{NBSP}月{NBSP}{last.day}"
    return f"第{NBSP}{number}{NBSP}周（{first.month}{NBSP}月{NBSP}{first.day}–{end}{NBSP}日）"


@dataclass(frozen=True, slots=True)
class Scale:
    """One unit and one number of decimals for all numbers of a column or an axis.

    Attributes:
        factor: What a number is divided by before it is written (10,000 for 万元, 0.01 for percent).
        decimals: Digits after the point.
        suffix: Written after each number (``%``), mostly empty: numbers in a column are bare.
        label: Name of the unit for the header or subtitle (``万元``, ``¥ thousand``, ``人``); may be empty.
    """

    factor: float
    decimals: int
    suffix: str
    label: str

    def text(self, value: float | None) -> str:
        """Return one number of the column."""
        if value is None or not math.isfinite(value):
            return UNKNOWN
        return f"{_digits(value / self.factor, self.decimals)}{self.suffix}"

    def interval(self, lower: float | None, upper: float | None, *, language: str) -> str:
        """Return an interval in the unit of the column; a dash if it is not known."""
        low, high = self.text(lower), self.text(upper)
        if UNKNOWN in (low, high):
            return UNKNOWN
        return f"{low}{EN_DASH if not (low + high).count(MINUS) else _TO[language]}{high}"


def common_scale(
    values: Iterable[float | None],
    unit: str,
    *,
    language: str,
    currency: str = "CNY",
) -> Scale:
    """Return the one scale in which all these numbers of a column or an axis are written.

    Examples:
        >>> scale = common_scale([61400, 614000], "money", language="zh")
        >>> scale.label, scale.text(61400), scale.text(-614000)
        ('万元', '6.1', '−61.4')
    """
    style = _style(unit, language=language, currency=currency, bare=True)
    known = [abs(v) for v in values if v is not None and math.isfinite(v)]
    top = max(known, default=0.0)
    if style.kind == "money":
        steps = _ZH_COLUMN if language == "zh" else _EN_COLUMN
        over, word = next(((size, word) for limit, size, word in steps if top >= limit), (1.0, ""))
        decimals = max(_column_decimals("money", [v / over for v in known]), 1 if word else 0)
        return Scale(over, decimals, "", _money_label(word, style))
    decimals = _column_decimals(style.kind, [v * style.factor for v in known])
    word = UNITS[unit].zh if language == "zh" else UNITS[unit].en
    suffix, label = ("%", "") if style.kind == "share" else ("", word)
    return Scale(1 / style.factor, decimals, suffix, label)


def guard_formula(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before =, +, -, @, tab and CR.

    Blanks and unseen signs before them do not help: programs drop those when they read a list.

    References:
        OWASP, CSV Injection.

    Examples:
        >>> guard_formula("=HYPERLINK(1)"), guard_formula("澄序"), guard_formula("-3.5")
        ("'=HYPERLINK(1)", '澄序', '-3.5')
    """
    signs = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|")
    if not text.startswith((*signs, "\t", "\r", "\n")) and not without_unseen(text).startswith(signs):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


_TO: Final = {"zh": " 至 ", "en": " to "}


@dataclass(frozen=True, slots=True)
class _Style:
    kind: str
    factor: float  # value × factor = what is written
    sign: str  # before the number
    word: str  # after the number
    one: str
    language: str
    space: str


@dataclass(frozen=True, slots=True)
class _Layout:
    decimals: int  # negative: tens, hundreds
    step: float = 1.0  # 10,000 where 万 is written
    word: str = ""  # 万, 亿, k, m, bn


def _known_language(language: str) -> str:
    return one_of(language, allowed=LANGUAGES, what="language")


def _style(unit: str, *, language: str, currency: str, bare: bool) -> _Style:
    _known_language(language)
    known = UNITS[one_of(unit, allowed=UNITS, what="unit")]
    factor = {"share": 100.0, "points": 100.0, "per_thousand": 1000.0}.get(known.kind, 1.0)
    sign = currency_symbol(currency) if known.kind == "money" else ""
    word, one = (known.zh, known.zh) if language == "zh" else (known.en, known.one or known.en)
    if known.kind == "share":
        return _Style(known.kind, factor, sign, "%", "%", language, "")
    space = "" if word.startswith("‰") else NBSP
    return _Style(known.kind, factor, sign, "" if bare else word, "" if bare else one, language, space)


def _layout(values: list[float], style: _Style, *, leading: float) -> _Layout:
    """Return how one number, or a number and both ends of its interval, are written.

    Args:
        values: The number, or number and ends.
        style: Of their unit.
        leading: The size that decides whether 万 or k is written.
    """
    step, word = _step(leading * style.factor, style)
    sizes = [abs(v) * style.factor / step for v in values if math.isfinite(v)]
    top = max(sizes, default=0.0)
    if style.kind == "whole" and step == 1.0:
        return _Layout(min(_place(top), 0) if len(sizes) > 1 else 0)
    decimals = _decimals(style.kind, sizes)
    if style.kind in ("share", "points") and max(values) - min(values) >= 0.2:
        return _Layout(min(decimals, 0))
    strip = style.kind not in ("share", "points") and (style.kind != "money" or step > 1.0 or len(sizes) > 1)
    while strip and decimals > 0 and all(abs(round(s, decimals) - round(s, decimals - 1)) < 1e-9 for s in sizes):
        decimals -= 1
    return _Layout(decimals, step, word)


def _estimate_layout(estimate: Estimate, style: _Style) -> _Layout:
    lower, upper = float(estimate.ci_lower or 0.0), float(estimate.ci_upper or 0.0)
    value = float(estimate.value or 0.0)
    return _layout([value, lower, upper], style, leading=max(abs(value), (upper - lower) / 2))


def _place(size: float, figures: int = FIGURES) -> int:
    """Return the decimals at which ``size`` has so many significant figures; negative: tens, hundreds."""
    if size <= 0:
        return 0
    place = figures - 1 - math.floor(math.log10(size))
    return place if round(size, place) < 10 ** (figures - place) else place - 1  # 99.96 becomes 100, not 100.0


def _decimals(kind: str, sizes: list[float]) -> int:
    """Return the decimals for the numbers of one estimate, by the largest of them, in their written unit."""
    top = max(sizes, default=0.0)
    if top == 0:
        return 0
    if kind in ("share", "points", "per_thousand"):
        enough = 0.1 if kind == "points" and len(sizes) == 1 else 1.0
        return min(1 if round(top, 2) >= enough else _place(top, 2), 4)
    return min(_place(top), 2 if kind == "money" else 4)


def _exact_layout(value: float, style: _Style) -> _Layout:
    if style.kind == "money":
        return _Layout(0 if abs(value - round(value)) < 0.005 else 2)
    return _Layout(0 if style.kind == "whole" else _decimals(style.kind, [abs(value) * style.factor]))


def _step(size: float, style: _Style) -> tuple[float, str]:
    """Return the factor and word of 万, 亿, k, m for money, and for counts too long to read."""
    if style.kind not in ("money", "whole") or (style.kind == "whole" and size < FULL_COUNT):
        return 1.0, ""
    steps = _ZH_STEPS if style.language == "zh" else _EN_STEPS
    shown = round(size, _place(size))  # 99,960 is written as 10 万
    met = ((factor, word) for limit, factor, word in steps if shown >= limit)
    return next(met, (1.0, ""))


def _write(value: float, style: _Style, layout: _Layout) -> str:
    number = _digits(value * style.factor / layout.step, layout.decimals)
    minus = MINUS if number.startswith(MINUS) else ""
    number = number.removeprefix(MINUS)
    if style.kind == "share":
        number = {"0.0": "0", "100.0": "100"}.get(number, number)
    if style.language == "zh":
        step = f"{NBSP}{layout.word}" if layout.word else ""
        word = f"{'' if step else style.space}{style.word}" if style.word else ""
    else:
        step = layout.word
        unit = style.one if number == "1" and not step else style.word
        word = f"{style.space}{unit}" if unit else ""
    return f"{minus}{style.sign}{number}{step}{word}"


def _digits(value: float, decimals: int) -> str:
    """Return digits with thousands separators, a true minus and no minus before zero."""
    rounded = round(value, decimals)
    text = f"{abs(rounded):,.{max(decimals, 0)}f}"
    return f"{MINUS}{text}" if rounded < 0 and text.strip("0.,") else text


def _column_decimals(kind: str, sizes: list[float]) -> int:
    top = max(sizes, default=0.0)
    if kind == "whole" or top == 0 or all(abs(s - round(s)) < 1e-9 for s in sizes):
        return 1 if kind == "share" and top else 0
    if kind in ("share", "points", "per_thousand"):
        return 1 if top >= 1 else min(_place(top, 2), 4)
    least = min((s for s in sizes if s > 0), default=top)
    seen = min(_place(least, 1), 2)  # the smallest number is not written as zero, if two decimals can help it
    return min(max(_place(top), seen, 0), 3)


def _money_label(word: str, style: _Style) -> str:
    symbol = style.sign.strip(NBSP)
    if style.language == "zh":
        return f"{word}{'元' if symbol == '¥' else symbol}"
    return f"{symbol}{NBSP}{word}" if word else symbol
