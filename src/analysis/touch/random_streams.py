"""Random numbers by address: the same seed, purpose, replicate and day always give the same numbers.

Counter-based, so neither the order of the work nor its division into chunks can change a result, and all
strategies meet the same luck (common random numbers).

References:
    Salmon, J. K. et al. (2011). Parallel random numbers: as easy as 1, 2, 3. SC'11 (Philox).
"""

from enum import IntEnum

import numpy as np

__all__ = ["Purpose", "stream"]


class Purpose(IntEnum):
    """What the numbers are for; each purpose has streams of its own."""

    EFFECTS = 1
    SAMPLE = 2
    CLOCK = 3
    TOUCH = 4
    CONTACT = 5
    RATES = 6


def stream(seed: int, purpose: Purpose, *, index: int, day: int = 0, position: int = 0) -> np.random.Generator:
    """Return the generator at that address.

    Args:
        seed: The run's seed.
        purpose: What the numbers are for.
        index: The draw or the replicate.
        day: Day of the simulation.
        position: Place of the step within its strategy.
    """
    key = np.array([seed, (int(purpose) << 48) + index], dtype=np.uint64)
    counter = np.array([0, 0, position, day], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
