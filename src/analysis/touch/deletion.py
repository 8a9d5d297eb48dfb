"""Deletion: the customer removes the contact, or refuses a channel; both are for good."""

from typing import Any

from analysis.touch.arithmetic import exp, expm1

__all__ = ["deletion_chance", "refusal_chance", "value_of_contact"]


def deletion_chance(*, deletion_touch: Any, deletion_fatigue: Any, fatigue: Any, trust: Any) -> Any:
    """Return the chance that a delivered touch makes the customer delete the contact.

    Args:
        deletion_touch: Chance for a rested customer of usual trust.
        deletion_fatigue: Growth of its logarithm per touch of fatigue.
        fatigue: Felt fatigue, in touches.
        trust: Trust, around 1.

    References:
        Wohllebe, A. et al. (2021): the more messages, the more leave.

    Examples:
        >>> rested, tired = (
        ...     deletion_chance(deletion_touch=0.002, deletion_fatigue=0.4, fatigue=f, trust=1.0) for f in (0.0, 3.0))
        >>> bool(tired > rested)
        True
    """
    hazard = deletion_touch * exp(deletion_fatigue * fatigue) / trust
    return -expm1(-hazard)


def refusal_chance(*, refusal_touch: Any, deletion_fatigue: Any, fatigue: Any) -> Any:
    """Return the chance that a delivered touch makes the customer refuse this channel from now on.

    References:
        PIPL art. 24: every automated message offers an easy refusal, and a refusal holds.
    """
    return -expm1(-refusal_touch * exp(deletion_fatigue * fatigue))


def value_of_contact(*, orders_next_year: Any, margin_per_order: Any, deletion_loss: Any) -> Any:
    """Return the margin of the next 365 days that goes with a deleted contact."""
    return orders_next_year * margin_per_order * deletion_loss
