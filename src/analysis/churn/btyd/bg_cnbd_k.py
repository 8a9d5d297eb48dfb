"""BG/CNBD-k: BG/NBD for customers who buy more regularly than by chance.

While alive a customer's gaps between purchases are Erlang-k with rate λ ~ Gamma(r, α), mean gap k/λ; after each
*repeat* purchase they drop out with a chance p ~ Beta(a, b). k = 1 is BG/NBD. Regular customers who are late are more
likely gone; a customer who just bought is not about to buy again: both sharpen forecasts where k > 1.

The likelihood, P(alive) and the choice of k are those of the papers and of R's BTYDplus. Its conditional expectation is
an approximation scaled to the cohort's total; here it is exact for each customer (``bg_forecasts``), so the two differ
for k > 1, most for customers whose next purchase is nearly due.

References:
    Platzer, M. (2008). Stochastic models of noncontractual consumer relationships. Vienna (CBG/CNBD-k).
    Platzer, M. and Reutterer, T. (2016). Ticking away the moments: Timing regularity helps to better predict customer
    activity. Marketing Science 35(5), 779-799 (regularity in buy-till-you-die models).
    Reutterer, T., Platzer, M. and Schröder, N. (2021). Leveraging purchase regularity for predicting customer behavior
    the easy way. International Journal of Research in Marketing 38(1), 194-215 ((M)BG/CNBD-k).
"""

from typing import ClassVar

from analysis.churn.btyd.bg_family import RegularBGFamily

__all__ = ["BGCNBDk"]


class BGCNBDk(RegularBGFamily):
    """The BG/CNBD-k model; arguments and attributes as in ``RegularBGFamily``.

    Examples:
        >>> model = BGCNBDk.from_parameters({"k": 3, "r": 0.85, "alpha": 1.45, "a": 0.79, "b": 2.42})
        >>> late, just_bought = model.p_alive({"frequency": [5, 5], "recency": [20, 31], "T": [32, 32]})
        >>> bool(late < just_bought)
        True
    """

    slug: ClassVar[str] = "bg_cnbd_k"
    drops_at_start: ClassVar[bool] = False
