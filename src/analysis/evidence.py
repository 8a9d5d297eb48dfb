"""Evidence grades: how a number came about, and what may be said of it.

A number that is counted is *measured* and needs no grade; an estimate has one of four. The grade
decides the words: only A and B may say "caused".
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analysis.errors import AnalysisError

__all__ = ["GRADE_LABELS", "Estimate", "Grade", "weakest"]


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
