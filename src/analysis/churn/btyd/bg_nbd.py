"""BG/NBD: each customer's own purchase clock, with a chance of leaving for good after each repeat purchase.

While alive a customer buys at a rate λ ~ Gamma(r, α) with exponential gaps; after each *repeat* purchase they drop
out with a chance p ~ Beta(a, b). Who never came back is alive, by the model. Rates carry the time unit of
``recency`` and ``T``.

References:
    Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting Your Customers" the Easy Way: An Alternative to
    the Pareto/NBD Model. Marketing Science 24(2), 275-284.
"""

from typing import ClassVar

from analysis.churn.btyd.bg_family import BGFamily

__all__ = ["BGNBD"]


class BGNBD(BGFamily):
    """The BG/NBD model.

    Args:
        ridge: Weight of a weak prior on the logarithms of the parameters, in pseudo-customers: towards r = 1,
            α = the mean T, a = 1, b = 3. 0 is maximum likelihood.

    Examples:
        >>> cdnow = BGNBD.from_parameters({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
        >>> customer = {"frequency": [2], "recency": [30.43], "T": [38.86]}
        >>> cdnow.p_alive(customer).round(4).tolist()
        [0.7266]
        >>> cdnow.conditional_expected_purchases(customer, horizon=39).round(3).tolist()
        [1.226]
    """

    slug: ClassVar[str] = "bg_nbd"
    drops_at_start: ClassVar[bool] = False
