"""What the laws need beyond + - * /; the compiled simulation puts single-precision versions in their place."""

from typing import Any

import numpy as np

__all__ = ["clip", "exp", "expm1", "log"]


def exp(x: Any) -> Any:
    """Return e to the x, for a number or an array."""
    return np.exp(x)


def expm1(x: Any) -> Any:
    """Return e to the x less 1, for a number or an array, exact near 0."""
    return np.expm1(x)


def clip(x: Any, lowest: float, highest: float) -> Any:
    """Return x within its bounds, for a number or an array."""
    return np.minimum(np.maximum(x, lowest), highest)


def log(x: Any) -> Any:
    """Return the natural logarithm of a positive number or array."""
    return np.log(x)
