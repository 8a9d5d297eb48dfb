"""Keys and labels as Arrow strings, made without a Python loop."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["hashes", "labels", "numbered", "pseudonyms", "taken"]

_PRIME: Final = 99_999_989
_HEX: Final = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype="S2")


def numbered(prefix: str, numbers: npt.NDArray[Any]) -> pa.Array:
    """Return keys such as ``o100000007``: a prefix and the number plus 10^8.

    Examples:
        >>> numbered("o", np.array([7]))[0].as_py()
        'o100000007'
    """
    digits = pc.cast(pa.array(numbers.astype(np.int64) + 100_000_000), pa.string())
    return pc.binary_join_element_wise(prefix, digits, "")


def pseudonyms(prefix: str, numbers: npt.NDArray[Any], *, salt: int) -> pa.Array:
    """Return keys whose order says nothing: the number times a constant modulo a prime, one to one.

    ``numbers`` must lie in 0..99,999,988.
    """
    scrambled = (numbers.astype(np.int64) * 48_271 + salt % _PRIME) % _PRIME
    return numbered(prefix, scrambled)


def hashes(numbers: npt.NDArray[Any], *, salt: int) -> pa.Array:
    """Return sixteen hex digits per number (splitmix64): what a salted hash of a phone looks like."""
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) + np.uint64(salt % 2**63) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    pairs = _HEX[z.view(np.uint8).reshape(-1, 8)]
    return pa.array(np.ascontiguousarray(pairs).view("S16").ravel(), pa.binary()).cast(pa.string())


def labels(names: Sequence[str], codes: npt.NDArray[Any]) -> pa.Array:
    """Return the name of each code; a negative code is null.

    Examples:
        >>> labels(("a", "b"), np.array([1, -1])).to_pylist()
        ['b', None]
    """
    return taken(pa.array(names, pa.string()), codes)


def taken(values: pa.Array, index: npt.NDArray[Any]) -> pa.Array:
    """Return the values at an index; a negative index gives null."""
    missing = index < 0
    if missing.any():
        return values.take(pa.array(index.astype(np.int64), mask=missing))
    return values.take(pa.array(index.astype(np.int64)))
