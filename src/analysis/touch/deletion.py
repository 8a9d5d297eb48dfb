"""Deletion: the customer removes the contact; no touch reaches them again, and some purchases go with it."""

import numpy as np
import numpy.typing as npt

__all__ = ["deletion_chance", "value_of_contact"]

Floats = npt.NDArray[np.floating]


def deletion_chance(*, deletion_touch: Floats, deletion_fatigue: Floats, fatigue: Floats, trust: Floats) -> Floats:
    """Return the chance that a delivered touch makes the customer delete the contact.

    Args:
        deletion_touch: Chance for a rested customer of usual trust.
        deletion_fatigue: Growth of its logarithm per touch of fatigue.
        fatigue: Felt fatigue, in touches.
        trust: Trust, around 1.

    Examples:
        >>> rested, tired = deletion_chance(
        ...     deletion_touch=np.array([0.002]), deletion_fatigue=np.array([0.4]),
        ...     fatigue=np.array([0.0, 3.0]), trust=np.array([1.0]))
        >>> bool(tired > rested)
        True
    """
    hazard = deletion_touch * np.exp(deletion_fatigue * fatigue) / trust
    return -np.expm1(-hazard)


def value_of_contact(*, orders_next_year: Floats, margin_per_order: Floats, deletion_loss: Floats) -> Floats:
    """Return the margin of the next 365 days that goes with a deleted contact."""
    return orders_next_year * margin_per_order * deletion_loss
