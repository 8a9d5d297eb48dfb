"""What may be sent, as data: each message with its channel, its offer, whom it suits and what staff say with it."""

from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from analysis.data.channels import load_channels
from analysis.dated_files import DatedModel, read_dated
from analysis.errors import BookError
from analysis.touch.strategies import Condition, Label, Offer, Template

__all__ = ["Message", "Messages", "Words", "load_messages", "registered_messages"]


class Words(DatedModel):
    """A sentence for staff, in both languages."""

    zh: str = Field(min_length=1, max_length=120)
    en: str = Field(min_length=1, max_length=160)


class Message(DatedModel):
    """One message: a channel, a kind of content, maybe an offer, and whom it is for."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
    label: Label
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    template: Template
    offer: Offer | None = None
    audience: list[Condition] = Field(default_factory=list)
    cooldown_days: int = Field(default=0, ge=0, le=366, description="days since the last touch on the same channel")
    reason: Words
    talking_point: Words


class Messages(DatedModel):
    """One file of messages."""

    edition: date
    messages: list[Message] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [message.name for message in self.messages]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"messages named twice: {', '.join(twice)}")
        return self


def load_messages(name: str | Path, *, channels: list[str]) -> tuple[Message, ...]:
    """Return the messages of a file whose channels are all registered.

    Customer groups are addressed whole, so nobody in one can be held out: a message to a group is refused here.

    Raises:
        BookError: If the file is missing or wrong, or a channel is not registered or is a group.
    """
    messages = tuple(read_dated(name, model=Messages).messages)
    for message in messages:
        if message.channel not in channels:
            raise BookError(
                f"Message '{message.name}' uses the channel '{message.channel}'; "
                f"registered are {', '.join(sorted(channels))}.",
                hint="a new channel is one entry in params/channels.yaml",
            )
        if message.channel == "group":
            raise BookError(
                f"Message '{message.name}' goes to customer groups, which are addressed whole.",
                hint="plan messages that reach one customer: private_chat, moments, sms, official_account, call, mail",
            )
    return messages


def registered_messages(name: str | Path) -> tuple[Message, ...]:
    """Return the messages of a file, their channels checked against the channel registry.

    Raises:
        BookError: As ``load_messages``.
    """
    return load_messages(name, channels=[channel.name for channel in load_channels().channels])
