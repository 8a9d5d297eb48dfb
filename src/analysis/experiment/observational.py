"""What a campaign without a random control lets us say: the naive difference, and what is left of it.

Customers on a list were picked. They differ from the others before anything is sent, so the plain difference tells who
was picked, not what the campaign did. The difference-in-differences compares each side with its own earlier window of
the same length; the days in which the list may have been picked lie in no window. Its assumption, that both sides
would have moved alike, is checked in earlier windows, when this campaign was not there: there the lead of the targeted
must stand still.

References:
    Ashenfelter (1978), Estimating the effect of training programs on earnings, Review of Economics and Statistics 60:
    those picked had an odd time just before. Bertrand, Duflo, Mullainathan (2004), How much should we trust
    differences-in-differences estimates?, Quarterly Journal of Economics 119: one change per customer. Roth (2022),
    Pretest with caution, American Economic Review: Insights 4: a check that holds proves nothing, so all windows of
    the history at hand are used, up to three. Roth, Sant'Anna (2023), When is parallel trends sensitive to functional
    form?, Econometrica 91: amounts and shares can move alike together only where nothing moves.
"""

from datetime import date
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from analysis.evidence import DifferenceInDifferences, Graded, Observed, judge
from analysis.periods import days_after, days_before
from analysis.stats.means import Difference, welch_difference

__all__ = ["FEWEST_EACH", "PARALLEL_ABOVE", "Compared", "Span", "Windows", "compare", "windows"]

Floats = NDArray[np.float64]

FEWEST_EACH: Final = 100
"""Customers that each side needs."""

PARALLEL_ABOVE: Final = 0.1
"""Chance of an earlier change as large as the one seen, above which both sides count as moving alike."""

_MOST_EARLIER: Final = 3


class Span(NamedTuple):
    """Days from ``first`` to ``last``, both inclusive."""

    first: date
    last: date


class Windows(NamedTuple):
    """The windows of a comparison, all of one length.

    Attributes:
        campaign: The days of the campaign.
        before: The window it is compared with; between the two lie the days of selection.
        earlier: Windows right before ``before``, the latest first: those of the check; three, or as many as the
            history holds.
    """

    campaign: Span
    before: Span
    earlier: tuple[Span, ...]


class Compared(NamedTuple):
    """Targeted less untargeted customers, in the unit of the outcome.

    Attributes:
        naive: Of the campaign's days, all customers.
        before: Of the window before it, all customers.
        change: Difference-in-differences: of each customer's campaign days less the window before, among customers
            who were there before the earliest window. One change per customer, so the error is clustered by customer.
        placebo: The same of ``before`` less the window right before it; None where there is none.
        by_ratio: The change, had the targeted been expected to move by the share, not the amount, by which others did.
        parallel_pvalue: Chance of leads that differ so much between ``before`` and all earlier windows, had both sides
            moved alike; None where there is no earlier window.
        n_targeted: Targeted customers.
        n_untargeted: All others.
        naive_grade: Evidence of the naive difference.
        change_grade: Evidence of the change, with the reason.
    """

    naive: Difference
    before: Difference
    change: Difference
    placebo: Difference | None
    by_ratio: float
    parallel_pvalue: float | None
    n_targeted: int
    n_untargeted: int
    naive_grade: Graded
    change_grade: Graded


def windows(starts_on: date, *, days: int, selection_days: int, first_day: date) -> Windows | None:
    """Return the windows of a campaign; None where the history has no window before it.

    Args:
        starts_on: First day of the campaign.
        days: Its length, and that of every window.
        selection_days: Days before it by whose purchases the list may have been picked; left out.
        first_day: First day of the history.

    Examples:
        >>> found = windows(date(2026, 3, 30), days=7, selection_days=0, first_day=date(2026, 3, 16))
        >>> found.before.first.isoformat(), [span.first.isoformat() for span in found.earlier]
        ('2026-03-23', ['2026-03-16'])
    """
    begins = days_before(starts_on, days=selection_days + days)
    if begins < first_day:
        return None
    earlier = [_span(days_before(begins, days=days * back), days=days) for back in range(1, _MOST_EARLIER + 1)]
    return Windows(
        _span(starts_on, days=days),
        _span(begins, days=days),
        tuple(span for span in earlier if span.first >= first_day),
    )


def _span(first: date, *, days: int) -> Span:
    return Span(first, days_after(first, days=days - 1))


def compare(customers: pd.DataFrame, *, selection_left_out: bool, confidence_level: float = 0.95) -> Compared | None:
    """Compare targeted with untargeted customers; None where a side has fewer than 100 of them.

    Args:
        customers: One row per customer: ``targeted`` (bool), ``known`` (bool: had bought before the earliest window),
            and the outcome of each window: ``campaign``, ``before`` and, as far as there are, ``earlier_1``, ….
        selection_left_out: Whether the days of selection lie in no window.
        confidence_level: Of the intervals.
    """
    targeted = customers["targeted"].to_numpy(dtype=bool)
    known = customers["known"].to_numpy(dtype=bool)
    sides = (targeted.sum(), (~targeted).sum(), (targeted & known).sum(), (~targeted & known).sum())
    if min(sides) < FEWEST_EACH:
        return None

    def difference(outcome: "pd.Series[float]", among: NDArray[np.bool_]) -> Difference:
        values = outcome.to_numpy(dtype=np.float64)
        return welch_difference(values[targeted & among], values[~targeted & among], confidence_level=confidence_level)

    everybody = np.ones(len(customers), dtype=bool)
    earlier = [column for column in map(str, customers.columns) if column.startswith("earlier_")]
    placebo, pvalue, parallel = None, None, None
    if earlier:
        placebo = difference(customers["before"] - customers[earlier[0]], known)
        moves = customers.loc[known, ["before"]].to_numpy(dtype=np.float64) - customers.loc[known, earlier].to_numpy()
        pvalue = _chance_of_moves(moves, targeted=targeted[known])
        parallel = pvalue > PARALLEL_ABOVE
    change = difference(customers["campaign"] - customers["before"], known)
    by_ratio = change.value - _season_of_the_lead(customers[known])
    origin = DifferenceInDifferences(
        parallel_before=parallel,
        selection_left_out=selection_left_out,
        same_by_ratio=abs(change.value - by_ratio) <= change.std_error,
    )
    return Compared(
        naive=difference(customers["campaign"], everybody),
        before=difference(customers["before"], everybody),
        change=change,
        placebo=placebo,
        by_ratio=by_ratio,
        parallel_pvalue=pvalue,
        n_targeted=int(sides[0]),
        n_untargeted=int(sides[1]),
        naive_grade=judge(Observed()),
        change_grade=judge(origin),
    )


def _season_of_the_lead(customers: pd.DataFrame) -> float:
    """Return by how much the lead of the targeted would grow if both sides moved by the share the untargeted did."""
    targeted = customers["targeted"].to_numpy(dtype=bool)
    now, before = (customers[name].to_numpy(dtype=np.float64) for name in ("campaign", "before"))
    others = float(before[~targeted].mean())
    if not others > 0:
        return 0.0
    lead = float(before[targeted].mean()) - others
    return lead * (float(now[~targeted].mean()) / others - 1)


def _chance_of_moves(moves: Floats, *, targeted: NDArray[np.bool_]) -> float:
    """Return the chance that the two sides' mean moves differ so far in all windows together, by Wald's test."""
    first, second = moves[targeted], moves[~targeted]
    gap = first.mean(axis=0) - second.mean(axis=0)
    spread = np.atleast_2d(np.cov(first, rowvar=False)) / len(first)
    spread = spread + np.atleast_2d(np.cov(second, rowvar=False)) / len(second)
    rank = int(np.linalg.matrix_rank(spread))
    return float(chdtrc(rank, float(gap @ np.linalg.pinv(spread) @ gap))) if rank else 1.0
