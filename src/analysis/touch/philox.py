"""Philox4x32-10: random numbers by address, computed where they are needed and never stored.

Four 32-bit words of an address (customer, replicate, purpose and day) and a key (the seed) give four random words.
The same address always gives the same words, whatever ran before: no chunk, thread or order of work can change a
result, and all strategies meet the same luck.

References:
    Salmon, J. K. et al. (2011). Parallel random numbers: as easy as 1, 2, 3. SC'11; known answers from Random123.
"""

from typing import Any, Final

import numpy as np

__all__ = ["philox4x32", "uniform", "uniform_inside"]

_MULTIPLIER_0: Final = np.uint64(0xD2511F53)
_MULTIPLIER_1: Final = np.uint64(0xCD9E8D57)
_WEYL_0: Final = np.uint64(0x9E3779B9)
_WEYL_1: Final = np.uint64(0xBB67AE85)
_HALF: Final = np.uint64(32)
_LOWER: Final = np.uint64(0xFFFFFFFF)
_EIGHT: Final = np.uint32(8)
_STEP: Final = np.float32(2.0**-24)
_NINE: Final = np.uint32(9)
_MIDDLE: Final = np.float32(0.5)
_WIDER_STEP: Final = np.float32(2.0**-23)


def philox4x32(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Return four random words (uint32) of the address (c0, c1, c2, c3) under the key (k0, k1), all uint32.

    Arrays work too, element by element. Words are kept as 64 bits of which only the lower half counts: vectors then
    multiply them as they lie, without moving halves about.
    """
    c0, c1, c2, c3, k0, k1 = np.uint64(c0), np.uint64(c1), np.uint64(c2), np.uint64(c3), np.uint64(k0), np.uint64(k1)
    for _ in range(10):
        p0 = _MULTIPLIER_0 * (c0 & _LOWER)
        p1 = _MULTIPLIER_1 * (c2 & _LOWER)
        c0 = (p1 >> _HALF) ^ c1 ^ k0
        c2 = (p0 >> _HALF) ^ c3 ^ k1
        c1 = p1
        c3 = p0
        k0 = (k0 + _WEYL_0) & _LOWER
        k1 = (k1 + _WEYL_1) & _LOWER
    return np.uint32(c0 & _LOWER), np.uint32(c1 & _LOWER), np.uint32(c2 & _LOWER), np.uint32(c3 & _LOWER)


def uniform(word: Any) -> Any:
    """Return a random word as a number in [0, 1), in steps of 2^-24 (single precision)."""
    return np.float32(np.uint32(word >> _EIGHT)) * _STEP


def uniform_inside(word: Any) -> Any:
    """Return a random word as a number in (0, 1), ends left out, in steps of 2^-23 (single precision)."""
    return (np.float32(np.uint32(word >> _NINE)) + _MIDDLE) * _WIDER_STEP
