"""Random streams: one per brand, theme and chunk, so that no theme disturbs another."""

import zlib
from typing import Final

import numpy as np

from analysis.data.synthetic.brands import Brand

__all__ = ["CHUNK", "stream"]

CHUNK: Final = 50_000
"""Persons worked on at once; part of what a seed means, so it never changes with the machine."""


def stream(brand: Brand, theme: str, *, seed: int, chunk: int = 0) -> np.random.Generator:
    """Return the generator of one theme of one chunk; the same arguments give the same numbers."""
    key = (brand.code, zlib.crc32(theme.encode()), chunk)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))
