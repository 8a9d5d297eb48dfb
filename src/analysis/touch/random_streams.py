"""Random numbers by address: the same seed, purpose, replicate and day always give the same numbers.

Counter-based, so neither the order of the work nor its division into chunks can change a result, and all
strategies meet the same luck (common random numbers).

References:
    Salmon, J. K. et al. (2011). Parallel random numbers: as easy as 1, 2, 3. SC'11 (Philox).
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Purpose", "customer_keys", "seed_key", "stream"]


class Purpose(IntEnum):
    """What the numbers are for; each purpose has streams of its own."""

    EFFECTS = 1
    SAMPLE = 2
    CLOCK = 3
    TOUCH = 4
    CUSTOMER = 5
    RATES = 6


def stream(seed: int, purpose: Purpose, *, index: int) -> np.random.Generator:
    """Return the generator at that address.

    Args:
        seed: The run's seed.
        purpose: What the numbers are for.
        index: The draw.
    """
    key = np.array([seed, (int(purpose) << 48) + index], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def customer_keys(customer_id: "pd.Series[str]") -> npt.NDArray[np.uint32]:
    """Return two words per customer, (customers, 2), from the id alone: who else is in the book changes no luck."""
    hashed = np.asarray(pd.util.hash_array(customer_id.astype(str).to_numpy(dtype=object)), dtype=np.uint64)
    return np.stack([hashed.astype(np.uint32), (hashed >> np.uint64(32)).astype(np.uint32)], axis=1)


def seed_key(seed: int) -> npt.NDArray[np.uint32]:
    """Return the run's seed as the two words of a Philox key."""
    return np.array([seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF], dtype=np.uint32)
