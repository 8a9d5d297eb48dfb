"""Referral: a referred customer stays longer, as long as the one who referred them stays."""

from typing import Any

__all__ = ["bonded_dropout"]


def bonded_dropout(dropout: Any, *, referrer_stays: Any, referral_bond: Any) -> Any:
    """Return the dropout chance of a referred customer.

    Args:
        dropout: Chance of the customer's own clock.
        referrer_stays: 1 while the referrer is a customer, else 0.
        referral_bond: Share of the chance that the bond takes away.

    References:
        Van den Bulte, C. et al. (2018), Journal of Marketing Research; Schmitt, P. et al. (2011), Journal of Marketing.
    """
    return dropout * (1.0 - referral_bond * referrer_stays)
