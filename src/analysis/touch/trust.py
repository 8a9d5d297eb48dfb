"""Trust: a slow stock around 1 that useful touches raise and pushy ones lower; it multiplies response."""

from typing import Any, Final

from analysis.touch.arithmetic import clip, exp
from analysis.touch.strategies import Template

__all__ = ["HIGHEST", "LOWEST", "after_touch", "push_of", "recovered", "trust_step"]

LOWEST: Final = 0.4  # no push takes all trust away within a year
HIGHEST: Final = 1.6


def recovered(trust: Any, *, days: Any, trust_days: Any) -> Any:
    """Return trust after so many quiet days: it goes back towards 1."""
    return 1.0 + (trust - 1.0) * exp(-days / trust_days)


def push_of(template: Template) -> tuple[float, float]:
    """Return (service, push) of a template: which of the two effects on trust it has."""
    return float(template is Template.SERVICE), float(template is Template.PROMOTION)


def trust_step(*, service: Any, push: Any, trust_service: Any, trust_push: Any) -> Any:
    """Return what one read touch does to trust: service raises it, promotion lowers it, the rest leaves it.

    Examples:
        >>> trust_step(service=0.0, push=1.0, trust_service=0.05, trust_push=0.02)
        -0.02
    """
    return service * trust_service - push * trust_push


def after_touch(trust: Any, *, step: Any) -> Any:
    """Return trust after a read touch, within its bounds."""
    return clip(trust + step, LOWEST, HIGHEST)
