"""Rules of platforms, law and house as dated data: who may be touched how often, when, and with whose consent.

History is judged under the rule that was in force then; a plan under those in force on its days.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from analysis.checks import columns_present
from analysis.dated_files import DatedModel, read_dated
from analysis.errors import BookError

__all__ = [
    "RULE_FILES",
    "BatchLimit",
    "CapRule",
    "ConsentRule",
    "ContactLimit",
    "Policies",
    "QuietHours",
    "ReminderLimit",
    "RollingCap",
    "Rulebook",
    "caps_in_force",
    "limit_on",
    "load_policies",
    "load_rulebook",
    "over_the_cap",
    "rulebook_on",
    "window_of",
    "window_start",
]

Channel = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Hour = Annotated[int, Field(ge=0, le=24)]

RULE_FILES: Final = ("params/policies/wecom.yaml", "params/policies/other_channels.yaml", "params/policies/house.yaml")
"""The rules every plan is made under."""


class _Rule(DatedModel):
    """What every rule has: its channels, its days in force, its source."""

    channels: list[Channel] = Field(min_length=1)
    valid_from: date | None = None
    valid_until: date | None = None
    source: str = Field(min_length=1)

    def in_force(self, on: date) -> bool:
        """Return whether the rule holds on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


class RuleLabel(DatedModel):
    """What readers see of a rule."""

    zh: str = Field(min_length=1, max_length=40)
    en: str = Field(min_length=1, max_length=60)


class CapRule(_Rule):
    """At most ``limit`` delivered touches per customer and window, over all its channels together.

    ``mode`` names the choice the platform gives an administrator; rules without one always hold. With ``per:
    member_customer`` each member of staff has the limit for each customer.
    """

    name: str
    label: RuleLabel | None = None
    window: Literal["day", "week", "calendar_month"]
    limit: Annotated[int, Field(ge=0)] | Literal["days_in_month"]
    mode: str | None = None
    per: Literal["customer", "member_customer"] = "customer"

    @model_validator(mode="after")
    def _limit_fits_window(self) -> Self:
        if self.limit == "days_in_month" and self.window != "calendar_month":
            raise ValueError("limit days_in_month belongs to window calendar_month")
        return self


class RollingCap(_Rule):
    """At most ``limit`` touches per customer in any ``hours`` hours on end, over all its channels together."""

    name: str
    hours: int = Field(ge=1, le=24 * 92)
    limit: int = Field(ge=0)


class ConsentRule(_Rule):
    """``granted``: only with a consent on record; ``not_refused``: unless the customer refused. A refusal stays."""

    needs: Literal["granted", "not_refused"]


class QuietHours(_Rule):
    """No touch from ``from_hour`` to ``until_hour`` (local; over midnight if the first is later)."""

    from_hour: Hour
    until_hour: Hour

    def quiet(self, hour: int) -> bool:
        """Return whether a touch in that hour (0-23) would disturb."""
        if self.from_hour <= self.until_hour:
            return self.from_hour <= hour < self.until_hour
        return hour >= self.from_hour or hour < self.until_hour


class BatchLimit(_Rule):
    """At most so many customers in one mass message of one member of staff."""

    customers: int = Field(ge=1)


class ReminderLimit(_Rule):
    """Staff may be reminded to confirm a send at most so often in 24 hours, each send."""

    reminders: int = Field(ge=0)


class ContactLimit(_Rule):
    """Contacts one member of staff can hold, and how many after an extension."""

    contacts: int = Field(ge=1)
    extended: int = Field(ge=1)


class Policies(DatedModel):
    """One file of rules."""

    edition: date
    platform: str
    rules: list[CapRule] = Field(default_factory=list)
    rolling_caps: list[RollingCap] = Field(default_factory=list)
    consent: list[ConsentRule] = Field(default_factory=list)
    quiet_hours: list[QuietHours] = Field(default_factory=list)
    batches: list[BatchLimit] = Field(default_factory=list)
    reminders: list[ReminderLimit] = Field(default_factory=list)
    contacts: list[ContactLimit] = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(getattr(self, kind) for kind in _KINDS):
            raise ValueError(f"a file of rules needs one of {', '.join(_KINDS)}")
        return self


_KINDS: Final = ("rules", "rolling_caps", "consent", "quiet_hours", "batches", "reminders", "contacts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The rules of several files together.

    Attributes:
        caps: Caps by calendar window.
        rolling: Caps by rolling window.
        consent: Consent that a channel needs; a channel without a rule needs that nobody refused it.
        quiet_hours: Hours without touches.
        batches: Sizes of mass messages.
        reminders: Reminders to staff.
        contacts: Contacts a member of staff can hold.
    """

    caps: tuple[CapRule, ...] = ()
    rolling: tuple[RollingCap, ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
    batches: tuple[BatchLimit, ...] = ()
    reminders: tuple[ReminderLimit, ...] = ()
    contacts: tuple[ContactLimit, ...] = ()

    def needs_grant(self, channel: str) -> bool:
        """Return whether the channel may only be used with a consent on record."""
        return any(rule.needs == "granted" and channel in rule.channels for rule in self.consent)

    def quiet(self, channel: str, *, hour: int) -> bool:
        """Return whether that hour (0-23) is quiet on the channel."""
        return any(channel in rule.channels and rule.quiet(hour) for rule in self.quiet_hours)

    def batch_size(self, channel: str) -> int | None:
        """Return the most customers of one mass message on the channel; None without a rule."""
        return min((rule.customers for rule in self.batches if channel in rule.channels), default=None)


def load_policies(*names: str | Path) -> tuple[CapRule, ...]:
    """Return the caps by calendar window of all the files.

    Raises:
        BookError: If a file is missing or wrong; each mistake is named with its line.
    """
    return tuple(rule for name in names for rule in read_dated(name, model=Policies).rules)


def load_rulebook(*names: str | Path) -> Rulebook:
    """Return all rules of all the files (of ``RULE_FILES`` if none is named), those no longer in force too.

    Raises:
        BookError: If a file is missing or wrong; each mistake is named with its line.
    """
    files = [read_dated(name, model=Policies) for name in names or RULE_FILES]
    return Rulebook(
        caps=tuple(rule for file in files for rule in file.rules),
        rolling=tuple(rule for file in files for rule in file.rolling_caps),
        consent=tuple(rule for file in files for rule in file.consent),
        quiet_hours=tuple(rule for file in files for rule in file.quiet_hours),
        batches=tuple(rule for file in files for rule in file.batches),
        reminders=tuple(rule for file in files for rule in file.reminders),
        contacts=tuple(rule for file in files for rule in file.contacts),
    )


def rulebook_on(book: Rulebook, *, on: date, mode: str) -> Rulebook:
    """Return the rules that hold on a day under the mode the administrator chose.

    Raises:
        BookError: If no cap knows the mode.
    """
    return Rulebook(
        caps=caps_in_force(book.caps, on=on, mode=mode),
        rolling=tuple(rule for rule in book.rolling if rule.in_force(on)),
        consent=tuple(rule for rule in book.consent if rule.in_force(on)),
        quiet_hours=tuple(rule for rule in book.quiet_hours if rule.in_force(on)),
        batches=tuple(rule for rule in book.batches if rule.in_force(on)),
        reminders=tuple(rule for rule in book.reminders if rule.in_force(on)),
        contacts=tuple(rule for rule in book.contacts if rule.in_force(on)),
    )


def caps_in_force(rules: tuple[CapRule, ...], *, on: date, mode: str) -> tuple[CapRule, ...]:
    """Return the caps that hold on a day under the mode the administrator chose.

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


def window_start(rule: CapRule, *, on: date) -> date:
    """Return the first day of the window that holds that day.

    Examples:
        >>> weekly = CapRule(name="w", channels=["group"], window="week", limit=7, source="…")
        >>> window_start(weekly, on=date(2026, 7, 1))
        datetime.date(2026, 6, 29)
    """
    if rule.window == "day":
        return on
    if rule.window == "week":
        return date.fromordinal(on.toordinal() - on.weekday())
    return on.replace(day=1)


def over_the_cap(counts: pd.DataFrame, *, rules: tuple[CapRule, ...]) -> pd.DataFrame:
    """Judge past touches under the rule in force on their day.

    Args:
        counts: How often touches fell together, one row per rule, window and count: ``rule`` (its name), ``day``
            (first day of the window on which the rule held), ``n_touches`` (touches of one customer in that
            window) and ``n_customers`` (customers with that count).
        rules: The caps, with their days.

    Returns:
        One row per rule, in their order: ``rule``, ``valid_from``, ``valid_until``, ``n_judged`` (touches judged),
        ``n_over`` (touches beyond the limit), ``n_windows_over`` (customer-windows over), ``highest`` (the most one
        customer got in a window) and ``first_over_on``, ``last_over_on`` (windows' first days; missing if none).
    """
    columns_present(counts.columns, needed=("rule", "day", "n_touches", "n_customers"), table="counts")
    rows = []
    for rule in rules:
        own = counts[counts["rule"] == rule.name]
        limit = np.array([limit_on(rule, on=day) for day in own["day"]], dtype=np.int64)
        touches, customers = (own[name].to_numpy(dtype=np.int64) for name in ("n_touches", "n_customers"))
        beyond = np.maximum(touches - limit, 0)
        over = own["day"][beyond > 0]
        rows.append(
            {
                "rule": rule.name,
                "valid_from": rule.valid_from,
                "valid_until": rule.valid_until,
                "n_judged": int((touches * customers).sum()),
                "n_over": int((beyond * customers).sum()),
                "n_windows_over": int(customers[beyond > 0].sum()),
                "highest": int(touches.max(initial=0)),
                "first_over_on": over.min() if len(over) else None,
                "last_over_on": over.max() if len(over) else None,
            }
        )
    return pd.DataFrame(rows)
