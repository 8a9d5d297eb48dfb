"""The benchmark registry: what the trade says, with its source and its weight; our own data replace it.

Every number here is a claim of grade D. Whoever prints one says so with ``MARKETING_CLAIM``.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from analysis.checks import nearest
from analysis.dated_files import DatedModel, read_dated
from analysis.errors import BookError

__all__ = ["MARKETING_CLAIM", "Benchmark", "Benchmarks", "load_benchmarks"]

MARKETING_CLAIM: Final[dict[str, str]] = {"zh": "营销说法，未经核实", "en": "marketing claim, not verified"}
"""What every line of a report says that uses a benchmark."""


class _Label(DatedModel):
    zh: str = Field(min_length=1, max_length=40)
    en: str = Field(min_length=1, max_length=80)


class Benchmark(DatedModel):
    """One number of the trade.

    ``strength`` is in pseudo-observations: so many observations of our own move an estimate half of the way from the
    claim to what they show.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
    label: _Label
    unit: Literal["share", "money", "ratio"]
    value: float = Field(ge=0, description="share: 0-1; money: yuan; ratio: times")
    low: float | None = Field(default=None, ge=0)
    high: float | None = Field(default=None, ge=0)
    at_least: bool = Field(default=False, description="whether the trade says: more than")
    strength: float = Field(gt=0, description="weight of the claim, in pseudo-observations")
    grade: Literal["D"] = "D"
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _value_within(self) -> Self:
        if self.unit == "share" and max(self.value, self.high or 0.0) > 1:
            raise ValueError("a share lies within 0-1")
        if (self.low is None) != (self.high is None):
            raise ValueError("a range needs low and high")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError("value lies outside low to high")
        return self


class Benchmarks(DatedModel):
    """One edition of the registry."""

    edition: date
    benchmarks: list[Benchmark] = Field(min_length=1)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [benchmark.name for benchmark in self.benchmarks]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"benchmarks named twice: {', '.join(twice)}")
        return self

    def named(self, name: str) -> Benchmark:
        """Return the benchmark of that name.

        Raises:
            BookError: If there is none.
        """
        for benchmark in self.benchmarks:
            if benchmark.name == name:
                return benchmark
        known = [benchmark.name for benchmark in self.benchmarks]
        close = nearest(name, known)
        hint = f"did you mean '{close}'?" if close else f"there are {', '.join(known)}"
        raise BookError(f"There is no benchmark '{name}'.", hint=hint)


def load_benchmarks(name: str | Path = "params/benchmarks.yaml") -> Benchmarks:
    """Return the registry.

    Raises:
        BookError: If the file is missing or wrong; each mistake is named with its line.
    """
    return read_dated(name, model=Benchmarks)
