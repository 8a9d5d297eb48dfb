"""Reference price: a redeemed deal makes new customers come back, and teaches established ones to wait for the next."""

from typing import Any

__all__ = ["habit_step"]


def habit_step(*, discount_share: Any, established: Any, habit_gain: Any, reference_price: Any) -> Any:
    """Return what a redeemed offer does to the customer's habit: the relative change of later own purchases.

    Args:
        discount_share: Discount of the offer, 0-1.
        established: 1 for a customer who knew the full price for long, 0 for a new one.
        habit_gain: Rise of a new customer's purchases per ten points of discount.
        reference_price: Fall of an established customer's purchases per ten points.

    References:
        Anderson, E. and Simester, D. (2004), Marketing Science: deep discounts raise later purchases of new customers
        and lower those of established ones.

    Examples:
        >>> [habit_step(discount_share=0.3, established=e, habit_gain=0.02, reference_price=0.02) > 0 for e in (0, 1)]
        [True, False]
    """
    return 10.0 * discount_share * ((1.0 - established) * habit_gain - established * reference_price)
