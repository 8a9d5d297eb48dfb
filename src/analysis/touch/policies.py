"""Platform caps as dated data: how many touches a customer may receive, by whose rule, and since when.

History is judged under the rule that was in force then; a plan under the one in force on its days.
"""

from calendar import monthrange
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from analysis.dated_files import DatedModel, read_dated
from analysis.errors import BookError

__all__ = ["CapRule", "Policies", "caps_in_force", "limit_on", "load_policies", "window_of"]

Channel = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class CapRule(DatedModel):
    """At most ``limit`` delivered touches per customer and window, over all its channels together.

    ``mode`` names the choice the platform gives an administrator; rules without one always hold.
    """

    name: str
    channels: list[Channel] = Field(min_length=1)
    window: Literal["day", "week", "calendar_month"]
    limit: Annotated[int, Field(ge=1)] | Literal["days_in_month"]
    mode: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _limit_fits_window(self) -> Self:
        if self.limit == "days_in_month" and self.window != "calendar_month":
            raise ValueError("limit days_in_month belongs to window calendar_month")
        return self

    def in_force(self, on: date) -> bool:
        """Return whether the rule holds on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


class Policies(DatedModel):
    """One file of caps."""

    edition: date
    platform: str
    rules: list[CapRule] = Field(min_length=1)


def load_policies(*names: str | Path) -> tuple[CapRule, ...]:
    """Return the rules of all the files.

    Raises:
        BookError: If a file is missing or wrong; each mistake is named with its line.
    """
    return tuple(rule for name in names for rule in read_dated(name, model=Policies).rules)


def caps_in_force(rules: tuple[CapRule, ...], *, on: date, mode: str) -> tuple[CapRule, ...]:
    """Return the rules that hold on a day under the mode the administrator chose.

    Raises:
        BookError: If no rule knows the mode.
    """
    modes = sorted({rule.mode for rule in rules if rule.mode})
    if modes and mode not in modes:
        raise BookError(f"Unknown cap mode '{mode}', allowed are {', '.join(modes)}.")
    return tuple(rule for rule in rules if rule.in_force(on) and rule.mode in {None, mode})


def limit_on(rule: CapRule, *, on: date) -> int:
    """Return the rule's limit in the window that holds that day.

    Examples:
        >>> monthly = CapRule(name="m", channels=["group"], window="calendar_month", limit="days_in_month", source="…")
        >>> limit_on(monthly, on=date(2026, 2, 10))
        28
    """
    return monthrange(on.year, on.month)[1] if rule.limit == "days_in_month" else rule.limit


def window_of(rule: CapRule, *, on: date) -> tuple[int, ...]:
    """Return a key of the window that holds that day: counts start again when it changes."""
    if rule.window == "day":
        return (on.toordinal(),)
    if rule.window == "week":
        return tuple(on.isocalendar())[:2]
    return (on.year, on.month)
