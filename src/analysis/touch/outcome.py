"""What a simulation leaves: totals of every strategy, checkpoint and replicate, as arrays and as a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present
from analysis.touch.money import ENTRIES

__all__ = ["Outcome", "outcome_from", "segment_totals_table", "totals_table"]

Floats = npt.NDArray[np.float64]

_AXES = ("strategy", "checkpoint", "replicate")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in every replicate, scaled to all customers.

    Attributes:
        strategies: Names, first axis of ``totals``.
        checkpoints: Days after which totals were taken, second axis; the last one is the horizon.
        totals: (strategies, checkpoints, replicates, ``money.ENTRIES``).
        lanes_per_draw: Replicates 0 … lanes_per_draw - 1 share draw 0, and so on.
        n_customers: Customers of the book.
        n_simulated: Customers each replicate simulates.
        effects: The draws of the effect sizes, one value per draw.
        segments: Names of the segments of customers, first axis of ``by_segment``.
        by_segment: (segments, strategies, checkpoints, replicates, ``money.ENTRIES``); fixed costs belong to no
            segment. Empty where the outcome was read from its table.
    """

    strategies: tuple[str, ...]
    checkpoints: tuple[int, ...]
    totals: Floats
    lanes_per_draw: int
    n_customers: int
    n_simulated: int
    effects: Mapping[str, Floats]
    segments: tuple[str, ...] = ()
    by_segment: Floats = field(default_factory=lambda: np.zeros((0, 0, 0, 0, len(ENTRIES))))


def totals_table(outcome: Outcome) -> pd.DataFrame:
    """Return the totals as a table: one row per strategy, checkpoint (day) and replicate, one column per entry."""
    shape = outcome.totals.shape[:3]
    index = pd.MultiIndex.from_product([outcome.strategies, outcome.checkpoints, range(shape[2])], names=_AXES)
    table = pd.DataFrame(outcome.totals.reshape(-1, len(ENTRIES)), columns=list(ENTRIES), index=index).reset_index()
    return table.assign(
        lanes_per_draw=outcome.lanes_per_draw, n_customers=outcome.n_customers, n_simulated=outcome.n_simulated
    )


def segment_totals_table(outcome: Outcome) -> pd.DataFrame:
    """Return the totals by segment as a table: one row per segment, strategy, checkpoint (day) and replicate."""
    names = (outcome.segments, outcome.strategies, outcome.checkpoints, range(outcome.totals.shape[2]))
    index = pd.MultiIndex.from_product(names, names=("segment", *_AXES))
    return pd.DataFrame(outcome.by_segment.reshape(-1, len(ENTRIES)), columns=list(ENTRIES), index=index).reset_index()


def outcome_from(table: pd.DataFrame, *, effects: pd.DataFrame, by_segment: pd.DataFrame | None = None) -> Outcome:
    """Return the outcome that ``totals_table`` wrote, with its draws of the effects (one row per draw).

    Args:
        table: As ``totals_table`` wrote it.
        effects: One row per draw; its first draws are those of the table.
        by_segment: As ``segment_totals_table`` wrote it, for the split by segment.

    Raises:
        AnalysisError: If a column is missing.
    """
    columns_present(table.columns, needed=[*_AXES, *ENTRIES, "lanes_per_draw"], table="strategy_totals")
    strategies = tuple(dict.fromkeys(table["strategy"]))
    checkpoints = tuple(int(day) for day in dict.fromkeys(table["checkpoint"]))
    totals = table[list(ENTRIES)].to_numpy(dtype=float).reshape(len(strategies), len(checkpoints), -1, len(ENTRIES))
    first = table.iloc[0]
    draws = totals.shape[2] // int(first["lanes_per_draw"])
    segments = () if by_segment is None else tuple(dict.fromkeys(by_segment["segment"]))
    split = np.zeros((0, *totals.shape))
    if by_segment is not None:
        split = by_segment[list(ENTRIES)].to_numpy(dtype=float).reshape(len(segments), *totals.shape)
    return Outcome(
        strategies=strategies,
        checkpoints=checkpoints,
        totals=totals,
        lanes_per_draw=int(first["lanes_per_draw"]),
        n_customers=int(first["n_customers"]),
        n_simulated=int(first["n_simulated"]),
        effects={str(name): effects[name].to_numpy(dtype=float)[:draws] for name in effects.columns if name != "draw"},
        segments=segments,
        by_segment=split,
    )
