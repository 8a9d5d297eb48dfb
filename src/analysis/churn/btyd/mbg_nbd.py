"""MBG/NBD: BG/NBD in which a customer may also leave right after the first purchase.

While alive a customer buys at a rate λ ~ Gamma(r, α) with exponential gaps; after *each* purchase, the first
included, they drop out with a chance p ~ Beta(a, b). So who never came back may have left, more likely the longer ago:
BG/NBD takes all of them for alive. Rates carry the time unit of ``recency`` and ``T``.

References:
    Batislam, E. P., Denizel, M. and Filiztekin, A. (2007). Empirical validation and comparison of models for customer
    base analysis. International Journal of Research in Marketing 24(3), 201-209.
"""

from typing import ClassVar

from analysis.churn.btyd.bg_family import BGFamily

__all__ = ["MBGNBD"]


class MBGNBD(BGFamily):
    """The MBG/NBD model.

    Args:
        ridge: Weight of a weak prior on the logarithms of the parameters, in pseudo-customers: towards r = 1,
            α = the mean T, a = 1, b = 3. 0 is maximum likelihood.

    Examples:
        >>> model = MBGNBD.from_parameters({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614})
        >>> model.p_alive({"frequency": [0, 0], "recency": [0, 0], "T": [4, 38]}).round(3).tolist()
        [0.582, 0.392]
    """

    slug: ClassVar[str] = "mbg_nbd"
    drops_at_start: ClassVar[bool] = True
