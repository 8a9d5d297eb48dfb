"""Second life: customers won back buy at their old pace again, but leave sooner the better the deal was."""

from typing import Any

from analysis.touch.arithmetic import clip

__all__ = ["leaving_again"]


def leaving_again(*, second_life_dropout: Any, bargain_dropout: Any, discount_share: Any) -> Any:
    """Return the chance that a customer won back leaves for good after a purchase.

    Args:
        second_life_dropout: Chance after a win-back without an offer.
        bargain_dropout: What ten points of discount in the win-back add to it.
        discount_share: Discount by which the customer was won back, 0-1.

    References:
        Kumar, V., Bhagwat, Y. and Zhang, X. (2015), Journal of Marketing: the bundle brings most back, and the least
        second-life value.
    """
    return clip(second_life_dropout + bargain_dropout * discount_share * 10.0, 0.0, 1.0)
