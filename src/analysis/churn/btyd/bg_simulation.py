"""New customers of the BG family, purchase by purchase: for tests, for bootstrap, for seeing what a model means."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.churn.btyd.bg_likelihood import Timing

__all__ = ["simulated"]

Floats = npt.NDArray[np.float64]


def simulated(
    ages: Floats,
    *,
    rate: Floats,
    dropout: Floats,
    timing: Timing,
    horizon: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one row per customer: what a table of customers would hold at T, and what comes within the horizon.

    Args:
        ages: T of each customer.
        rate: λ of each: a gap is the sum of k exponential stages with this rate.
        dropout: p of each: the chance to leave after a purchase.
        timing: Stages of a gap, and whether customers may leave right after the first purchase.
        horizon: Time after T to go on for.
        rng: Where the luck comes from.
    """
    n = len(ages)
    frequency, recency, gaps, later = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64)
    left = np.full(n, np.inf)  # when each dropped out
    here = np.arange(n)
    now = np.zeros(n)
    if timing.drops_at_start:
        gone = rng.random(n) < dropout
        left[gone] = 0.0
        here = here[~gone]
    while len(here):
        gap = rng.gamma(timing.k, 1 / np.maximum(rate[here], 1e-300))  # who draws a rate of 0 never comes back
        now[here] += gap
        within = now[here] <= ages[here] + horizon
        here, gap = here[within], gap[within]
        seen = now[here] <= ages[here]
        at = here[seen]
        frequency[at] += 1
        recency[at] = now[at]
        gaps[at] += np.log(gap[seen])
        later[here[~seen]] += 1
        gone = rng.random(len(here)) < dropout[here]
        left[here[gone]] = now[here[gone]]
        here = here[~gone]
    return pd.DataFrame(
        {
            "frequency": frequency,
            "recency": recency,
            "T": ages,
            "sum_log_gaps": gaps,
            "alive": left > ages,
            "purchases_later": later,
        }
    )
