"""The channel registry: a channel is one entry in ``params/channels.yaml``, and no code."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from analysis.data.benchmarks import load_benchmarks
from analysis.dated_files import DatedModel, read_dated

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Channel", "Channels", "channel_table", "load_channels"]


class Names(DatedModel):
    """The channel's name for readers."""

    zh: str = Field(min_length=1, max_length=12)
    en: str = Field(min_length=1, max_length=24)


class ReadRate(DatedModel):
    """Share of delivered touches that are read, as somebody claims it; data replace it."""

    mean: float = Field(ge=0, le=1)
    strength: float = Field(gt=0, description="weight of the claim, in observed touches")
    grade: Literal["A", "B", "C", "D"] = "D"
    source: str = Field(min_length=1)
    benchmark: str | None = Field(default=None, description="the trade's number that it is; None: our own assumption")


class Channel(DatedModel):
    """One way to reach a customer."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    label: Names
    read_rate: ReadRate
    cost: float = Field(ge=0, description="per delivered touch, in the book's currency")
    staff_minutes: float = Field(ge=0, description="per confirmed touch")
    needs_contact: bool = Field(description="whether the customer must be a contact of a member of staff")
    needs_staff: bool = Field(description="whether a member of staff must confirm each send")

    @field_validator("read_rate", mode="before")
    @classmethod
    def _by_benchmark(cls, said: Any) -> Any:
        """Take what names a benchmark from there: the trade's numbers stand in one place."""
        if not isinstance(said, dict) or set(said) != {"benchmark"}:
            if isinstance(said, dict) and "benchmark" in said:
                raise ValueError("name the benchmark alone: mean, strength and source are its own")
            return said
        known = {benchmark.name: benchmark for benchmark in load_benchmarks().benchmarks}
        if (found := known.get(said["benchmark"])) is None or found.unit != "share":
            shares = ", ".join(name for name, benchmark in known.items() if benchmark.unit == "share")
            raise ValueError(f"params/benchmarks.yaml has no such share; there are {shares}")
        return {
            "mean": found.value, "strength": found.strength, "grade": found.grade, "source": found.source,
            "benchmark": found.name,
        }  # fmt: skip


class Channels(DatedModel):
    """One edition of the registry."""

    edition: date
    channels: list[Channel] = Field(min_length=1)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [channel.name for channel in self.channels]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"channels named twice: {', '.join(twice)}")
        return self


def load_channels(name: str | Path = "params/channels.yaml") -> Channels:
    """Return the registry.

    Raises:
        BookError: If the file is missing or wrong; each mistake is named with its line.
    """
    return read_dated(name, model=Channels)


def channel_table(channels: Channels) -> "pd.DataFrame":
    """Return the registry as a table, one row per channel.

    Columns ``channel``, ``channel_zh``, ``channel_en``, ``read_rate`` (0-1), ``read_strength`` (observed touches),
    ``read_source``, ``read_benchmark`` (name of the trade's number, missing for our own assumptions), ``cost``
    (currency a delivered touch), ``staff_minutes``, ``needs_contact``, ``needs_staff``.
    """
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "channel": channel.name,
                "channel_zh": channel.label.zh,
                "channel_en": channel.label.en,
                "read_rate": channel.read_rate.mean,
                "read_strength": channel.read_rate.strength,
                "read_source": channel.read_rate.source,
                "read_benchmark": channel.read_rate.benchmark,
                "cost": channel.cost,
                "staff_minutes": channel.staff_minutes,
                "needs_contact": channel.needs_contact,
                "needs_staff": channel.needs_staff,
            }
            for channel in channels.channels
        ]
    )
