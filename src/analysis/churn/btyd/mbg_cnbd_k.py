"""MBG/CNBD-k: MBG/NBD for customers who buy more regularly than by chance.

While alive a customer's gaps between purchases are Erlang-k with rate λ ~ Gamma(r, α), mean gap k/λ; after *each*
purchase, the first included, they drop out with a chance p ~ Beta(a, b). k = 1 is MBG/NBD.

The likelihood, P(alive) and the choice of k are those of the papers and of R's BTYDplus; the conditional expectation is
exact here, where BTYDplus approximates (see ``bg_cnbd_k``).

References:
    Platzer, M. and Reutterer, T. (2016). Ticking away the moments: Timing regularity helps to better predict customer
    activity. Marketing Science 35(5), 779-799.
    Reutterer, T., Platzer, M. and Schröder, N. (2021). Leveraging purchase regularity for predicting customer behavior
    the easy way. International Journal of Research in Marketing 38(1), 194-215.
"""

from typing import ClassVar

from analysis.churn.btyd.bg_family import RegularBGFamily

__all__ = ["MBGCNBDk"]


class MBGCNBDk(RegularBGFamily):
    """The MBG/CNBD-k model; arguments and attributes as in ``RegularBGFamily``.

    Examples:
        >>> model = MBGCNBDk.from_parameters({"k": 2, "r": 0.85, "alpha": 1.45, "a": 0.79, "b": 2.42})
        >>> p = model.purchase_distribution({"frequency": [5], "recency": [20], "T": [24]}, horizon=8, most=3)
        >>> p.shape, round(float(p.sum()), 12)
        ((1, 4), 1.0)
    """

    slug: ClassVar[str] = "mbg_cnbd_k"
    drops_at_start: ClassVar[bool] = True
