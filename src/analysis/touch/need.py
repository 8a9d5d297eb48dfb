"""Need: each customer's own purchase clock, season, and how near the next need is.

The clock arrives as a table, one row per customer: chance of being alive, and the posterior of purchase rate and
dropout chance (BG/NBD: Gamma(rate_shape, rate_days), Beta(dropout_a, dropout_b)). A replicate draws one clock per
customer and runs it: purchases are Poisson with a dropout chance after each. Nothing a strategy does changes the
clock's own ticks, so all strategies meet the same customers on the same days; touches add orders (thinned from
candidate moments, Lewis and Shedler 1979) and cancel ticks whose purchase was borrowed.

Rate and dropout chance are not drawn as numbers but met moment by moment: a gamma-mixed Poisson process has Pareto
waiting times that shorten with every moment seen, and a beta-mixed dropout is Pólya's urn. Both have exactly the
distribution of drawing once and running.
"""

from typing import Any, Final

from analysis.touch.arithmetic import expm1, log

__all__ = [
    "CLOCK_COLUMNS",
    "HIGHEST_NEED",
    "LOWEST_NEED",
    "dropout_chance",
    "gaps_since_order",
    "is_near",
    "waiting_days",
]

CLOCK_COLUMNS: Final = ("p_alive", "rate_shape", "rate_days", "dropout_a", "dropout_b", "orders_next_year")
LOWEST_NEED: Final = 0.8  # need is near when the days since the last order are so many own mean gaps
HIGHEST_NEED: Final = 1.6


def waiting_days(*, chance: Any, shape: Any, days: Any, elapsed: Any, seen: Any) -> Any:
    """Return how long the next moment of a gamma-mixed Poisson process takes, in days of an ordinary season.

    Args:
        chance: Uniform number in (0, 1).
        shape: Shape of the rate's posterior.
        days: Its exposure in days: its mean rate is shape / days.
        elapsed: Days since the first morning.
        seen: Moments since then.

    References:
        Johnson, N., Kotz, S. and Balakrishnan, N. (1994), Continuous Univariate Distributions 1, ch. 20 (Pareto II).
    """
    return (days + elapsed) * expm1(-log(chance) / (shape + seen))


def dropout_chance(*, dropout_a: Any, dropout_b: Any, survived: Any) -> Any:
    """Return the chance to drop out after the next purchase, having survived so many since the posterior was made.

    References:
        Fader, P., Hardie, B. and Lee, K. (2005), Marketing Science 24: BG/NBD, dropout after a purchase.
    """
    return dropout_a / (dropout_a + dropout_b + survived)


def gaps_since_order(*, day: Any, last_order: Any, mean_gap: Any) -> Any:
    """Return the days since the last order in multiples of the customer's own mean gap."""
    return (day - last_order) / mean_gap


def is_near(gaps: Any) -> Any:
    """Return whether a need is near, that many own gaps after the last order."""
    return (gaps >= LOWEST_NEED) & (gaps <= HIGHEST_NEED)
