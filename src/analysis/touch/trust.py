"""Trust: a slow stock around 1 that useful touches raise and pushy ones lower; it multiplies response."""

import numpy as np
import numpy.typing as npt

from analysis.touch.strategies import Template

__all__ = ["HIGHEST", "LOWEST", "recovered", "trust_step"]

Floats = npt.NDArray[np.floating]

LOWEST = 0.4  # no push takes all trust away within a year
HIGHEST = 1.6


def recovered(trust: Floats, *, days: float, trust_days: Floats) -> Floats:
    """Return trust after so many quiet days: it goes back towards 1."""
    return np.asarray(1 + (trust - 1) * np.exp(-days / trust_days))


def trust_step(template: Template, *, trust_service: Floats, trust_push: Floats) -> Floats:
    """Return what one read touch does to trust: service raises it, promotion lowers it, the rest leaves it.

    Examples:
        >>> trust_step(Template.PROMOTION, trust_service=np.array([0.05]), trust_push=np.array([0.02])).tolist()
        [-0.02]
    """
    if template is Template.SERVICE:
        return trust_service
    if template is Template.PROMOTION:
        return -trust_push
    return np.zeros_like(trust_service)
