"""Evidence grades: how a number came about, and what may be said of it.

A number that is counted is *measured* and needs no grade; an estimate has one of four. Nobody types a grade: whoever
makes an estimate describes its origin (``Randomised``, ``Observed``, ``Forecast``, …), ``grade_of`` decides. The grade
decides the words: only A and B may say "caused", and ``worded`` writes the sentence so.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, NamedTuple, assert_never

from analysis.errors import AnalysisError

__all__ = [
    "GRADE_LABELS",
    "Counted",
    "DifferenceInDifferences",
    "Estimate",
    "Forecast",
    "Grade",
    "Graded",
    "Instrument",
    "NaturalExperiment",
    "Observed",
    "Origin",
    "Prior",
    "Randomised",
    "Stated",
    "Wording",
    "grade_of",
    "judge",
    "weakest",
    "worded",
    "words",
]


class Grade(StrEnum):
    """How a number came about, strongest first."""

    MEASURED = "M"
    RANDOMISED = "A"
    QUASI_EXPERIMENTAL = "B"
    OBSERVATIONAL = "C"
    PRIOR = "D"


GRADE_LABELS: Final = {
    Grade.MEASURED: {"zh": "实测", "en": "measured"},
    Grade.RANDOMISED: {"zh": "证据 A 随机对照", "en": "evidence A, randomised"},
    Grade.QUASI_EXPERIMENTAL: {"zh": "证据 B 准实验", "en": "evidence B, quasi-experimental"},
    Grade.OBSERVATIONAL: {"zh": "证据 C 观察", "en": "evidence C, observational"},
    Grade.PRIOR: {"zh": "证据 D 先验", "en": "evidence D, prior"},
}


def weakest(*grades: Grade) -> Grade:
    """Return the weakest of the grades: a chain of evidence is as strong as its weakest link.

    Raises:
        AnalysisError: If no grade is given.
    """
    if not grades:
        raise AnalysisError("No grades were given.", hint="name the grade of each number that went in")
    order = list(Grade)
    return max(grades, key=order.index)


@dataclass(frozen=True, slots=True)
class Counted:
    """Counted or added up from records; nothing is estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Randomised:
    """A comparison of customers whom a lottery put into arms.

    Attributes:
        split: What the sample-ratio check said: ok, warn (p < 0.01) or stop (p < 0.001).
        as_assigned: Whether customers count where they were put, whatever became of the touch.
    """

    split: Literal["ok", "warn", "stop"]
    as_assigned: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """The effect on those reached: a randomised assignment used as instrument (CACE).

    Attributes:
        split: As of ``Randomised``.
        strong: Whether assignment moved reach enough (first-stage F of 10 or more).
        exclusion_argued: Whether the page says why assignment acts through the touch alone.
    """

    split: Literal["ok", "warn", "stop"]
    strong: bool
    exclusion_argued: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalExperiment:
    """Two groups that chance, not a list, told apart, such as sends that collided with a cap.

    Attributes:
        balanced: Whether they were alike in what was known before.
    """

    balanced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceInDifferences:
    """Chosen and unchosen customers, each compared with their own earlier window.

    Attributes:
        parallel_before: Whether the same comparison of two earlier windows shows no difference; None: no such windows.
        selection_left_out: Whether the days whose behaviour may have put customers on the list lie in no window.
        same_by_ratio: Whether it comes to the same if the sides are thought to move by equal shares, not equal amounts.
    """

    parallel_before: bool | None
    selection_left_out: bool
    same_by_ratio: bool


@dataclass(frozen=True, slots=True)
class Observed:
    """Seen in records of customers who chose, or were chosen, for themselves."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Somebody's claim: a prior, a number of the trade, a hope."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A number that came with a grade, such as an effect size of a dated file."""

    grade: "Grade"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a model says of days to come.

    Attributes:
        inputs: What went into the model; at best they were observed.
    """

    inputs: tuple["Origin", ...]


Origin = (
    Counted
    | Randomised
    | Instrument
    | NaturalExperiment
    | DifferenceInDifferences
    | Observed
    | Prior
    | Stated
    | Forecast
)
"""How a number came about."""


class Graded(NamedTuple):
    """What an origin is worth.

    Attributes:
        grade: None where no estimate may be made of it at all.
        reason: Why, by language; a clause.
    """

    grade: Grade | None
    reason: Mapping[str, str]


def grade_of(*origins: Origin) -> Grade:
    """Return the grade of a number of these origins: that of the weakest.

    Raises:
        AnalysisError: If no origin is given, or one of them allows no estimate.

    Examples:
        >>> grade_of(Randomised(split="ok")).value
        'A'
        >>> grade_of(Forecast((Randomised(split="ok"), Prior()))).value
        'D'
    """
    grades = []
    for origin in origins:
        found = judge(origin)
        if found.grade is None:
            raise AnalysisError(f"No estimate stands on this: {found.reason['en']}.", hint="leave the number out")
        grades.append(found.grade)
    return weakest(*grades)


def judge(origin: Origin) -> Graded:  # noqa: PLR0911 - one for each kind of origin
    """Return the grade of a number of this origin, and why.

    Examples:
        >>> judge(Observed()).reason["en"]
        'observed: who differs in one thing may differ in others'
    """
    match origin:
        case Counted():
            return Graded(Grade.MEASURED, _REASONS["counted"])
        case Randomised():
            return _of_randomised(origin)
        case Instrument():
            return _of_instrument(origin)
        case NaturalExperiment():
            return _either(origin.balanced, "balanced", "unbalanced")
        case DifferenceInDifferences():
            return _of_difference(origin)
        case Observed():
            return Graded(Grade.OBSERVATIONAL, _REASONS["observed"])
        case Prior():
            return Graded(Grade.PRIOR, _REASONS["prior"])
        case Stated():
            return Graded(origin.grade, _REASONS["stated"])
        case Forecast():
            return _of_forecast(origin)
        case _:
            assert_never(origin)


def _of_randomised(origin: Randomised) -> Graded:
    if origin.split == "stop":
        return Graded(None, _REASONS["split_off"])
    if not origin.as_assigned:
        return Graded(Grade.OBSERVATIONAL, _REASONS["not_as_assigned"])
    return Graded(Grade.RANDOMISED, _REASONS["randomised" if origin.split == "ok" else "randomised_warn"])


def _of_instrument(origin: Instrument) -> Graded:
    if origin.split == "stop":
        return Graded(None, _REASONS["split_off"])
    if not origin.strong:
        return Graded(Grade.OBSERVATIONAL, _REASONS["weak_instrument"])
    return _either(origin.exclusion_argued, "instrument", "no_exclusion")


def _of_difference(origin: DifferenceInDifferences) -> Graded:
    if origin.parallel_before is None:
        return Graded(Grade.OBSERVATIONAL, _REASONS["no_earlier_window"])
    if not origin.parallel_before:
        return Graded(Grade.OBSERVATIONAL, _REASONS["not_parallel"])
    if not origin.same_by_ratio:
        return Graded(Grade.OBSERVATIONAL, _REASONS["not_by_ratio"])
    return _either(origin.selection_left_out, "parallel", "selection_inside")


def _of_forecast(origin: Forecast) -> Graded:
    """A forecast is never better than observed: that its model holds is seen in no experiment."""
    grade = weakest(Grade.OBSERVATIONAL, *(grade_of(each) for each in origin.inputs))
    return Graded(grade, _REASONS["forecast" if grade is Grade.OBSERVATIONAL else "forecast_of_priors"])


def _either(holds: bool, yes: str, no: str) -> Graded:  # noqa: FBT001 - the one thing it is about
    if holds:
        return Graded(Grade.QUASI_EXPERIMENTAL, _REASONS[yes])
    return Graded(Grade.OBSERVATIONAL, _REASONS[no])


_REASONS: Final[dict[str, dict[str, str]]] = {
    "counted": {"zh": "逐条数出来的", "en": "counted"},
    "randomised": {"zh": "随机分组，人数与计划一致", "en": "randomised, and split as planned"},
    "randomised_warn": {
        "zh": "随机分组，人数略偏离计划",
        "en": "randomised, the split a little off the plan",
    },
    "split_off": {
        "zh": "分组人数和计划对不上，不作估计",
        "en": "customers are not split as planned, so nothing is estimated",
    },
    "not_as_assigned": {
        "zh": "按实际收到比较，而收到与否不是随机的",
        "en": "compared by who got it, which no lottery decided",
    },
    "instrument": {
        "zh": "随机分组带动了送达，并说明了为什么只通过送达起作用",
        "en": "a randomised assignment moved reach, and why it acts through reach alone is argued",
    },
    "weak_instrument": {"zh": "分组几乎没有带动送达", "en": "assignment hardly moved reach"},
    "no_exclusion": {
        "zh": "没有说明分组为什么只通过送达起作用",
        "en": "why assignment acts through reach alone is not argued",
    },
    "balanced": {"zh": "两群客户事前看不出差别", "en": "the two groups were alike beforehand"},
    "unbalanced": {"zh": "两群客户事前就不一样", "en": "the two groups differed beforehand"},
    "parallel": {
        "zh": "活动之前两群客户走势一致，挑名单那段时间没有算进来",
        "en": "the two groups moved alike before, and the days of selection are left out",
    },
    "not_parallel": {
        "zh": "活动之前两群客户走势就不一致",
        "en": "the two groups moved apart already before",
    },
    "no_earlier_window": {
        "zh": "历史不够长，没法检查活动之前的走势",
        "en": "the history is too short to check how the two groups moved before",
    },
    "not_by_ratio": {
        "zh": "这段时间整体买得多了或少了，按差额算和按比例算不是一回事",
        "en": "everybody bought more or less than before, and it matters whether amounts or shares are compared",
    },
    "selection_inside": {
        "zh": "名单可能就是按对比窗口里的行为挑的",
        "en": "the list may have been picked by what customers did in the very window compared with",
    },
    "observed": {
        "zh": "观察所得：一处不同的人，别处也可能不同",
        "en": "observed: who differs in one thing may differ in others",
    },
    "prior": {
        "zh": "先验或行业说法，自己的数据还没有证实",
        "en": "a prior or a claim of the trade, not verified on own data",
    },
    "stated": {"zh": "等级随数字给出", "en": "the grade came with the number"},
    "forecast": {"zh": "由观察到的历史推算", "en": "forecast from observed history"},
    "forecast_of_priors": {"zh": "推算里用到了先验", "en": "a forecast that rests on priors"},
}


class Wording(NamedTuple):
    """The words that a grade allows, each by language.

    Attributes:
        verb: Between what was done and what came of it: "the coupon <verb> more orders".
        noun: What the number is called.
        causal: Whether a sentence may say that one thing made the other happen.
    """

    verb: Mapping[str, str]
    noun: Mapping[str, str]
    causal: bool


_EFFECT: Final = Wording({"zh": "带来了", "en": "caused"}, {"zh": "效果", "en": "effect"}, causal=True)
_WORDS: Final = {
    Grade.MEASURED: Wording({"zh": "有", "en": "has"}, {"zh": "数目", "en": "count"}, causal=False),
    Grade.RANDOMISED: _EFFECT,
    Grade.QUASI_EXPERIMENTAL: _EFFECT,
    Grade.OBSERVATIONAL: Wording({"zh": "伴随着", "en": "goes with"}, {"zh": "差别", "en": "difference"}, causal=False),
    Grade.PRIOR: Wording(
        {"zh": "假设会带来", "en": "is assumed to bring"}, {"zh": "假设的效果", "en": "assumed effect"}, causal=False
    ),
}


def words(grade: Grade) -> Wording:
    """Return the words that a grade allows.

    Examples:
        >>> words(Grade.OBSERVATIONAL).verb["en"], words(Grade.RANDOMISED).verb["zh"]
        ('goes with', '带来了')
    """
    return _WORDS[grade]


def worded(text: Mapping[str, str], *, grade: Grade) -> dict[str, str]:
    """Return a sentence with ``<verb>`` and ``<noun>`` in the words that its grade allows.

    Examples:
        >>> worded({"zh": "发券<verb>{x}", "en": "The coupon <verb> {x}"}, grade=Grade.PRIOR)["en"]
        'The coupon is assumed to bring {x}'
    """
    said = words(grade)
    return {
        language: template.replace("<verb>", said.verb[language]).replace("<noun>", said.noun[language])
        for language, template in text.items()
    }


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number with everything that must travel with it.

    Attributes:
        value: The number; shares are in 0-1, money in the book's currency. NaN or None: not known.
        unit: A unit of ``analysis.numerals.UNITS`` (``customers``, ``money``, ``share``, ``days``, …).
        ci_lower: Lower end of the interval, or None where the number is counted.
        ci_upper: Upper end of the interval.
        confidence_level: Of the interval, in (0, 1).
        grade: How the number came about.
        n: Number of rows behind it.

    Raises:
        AnalysisError: If half an interval is given, or one without its level, or ends in the wrong order.
    """

    value: float | None
    unit: str
    ci_lower: float | None = None
    ci_upper: float | None = None
    confidence_level: float | None = None
    grade: Grade = Grade.MEASURED
    n: int | None = None

    def __post_init__(self) -> None:
        ends = (self.ci_lower, self.ci_upper, self.confidence_level)
        if any(end is None for end in ends) and any(end is not None for end in ends):
            raise AnalysisError(
                f"An interval needs both ends and its level, got {ends}.",
                hint="give ci_lower, ci_upper and confidence_level together",
            )
        if self.ci_lower is not None and self.ci_upper is not None and self.ci_lower > self.ci_upper:
            raise AnalysisError(f"Interval from {self.ci_lower} to {self.ci_upper} is upside down.")

    @property
    def known(self) -> bool:
        """Whether there is a finite number to show."""
        return self.value is not None and math.isfinite(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether an interval travels with the number."""
        return self.ci_lower is not None

    def as_result(self) -> dict[str, float | int | str | None]:
        """Return the entry of ``results.json``: plain types, NaN as null."""
        return {
            "value": _finite(self.value),
            "unit": self.unit,
            "ci_lower": _finite(self.ci_lower),
            "ci_upper": _finite(self.ci_upper),
            "confidence_level": self.confidence_level,
            "grade": None if self.grade is Grade.MEASURED else self.grade.value,
            "n": self.n,
        }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
