"""Measures of customers made comparable: skew tamed, scale robust, outliers held.

Each measure goes through Yeo-Johnson's power (which turns a long right tail into something near a bell), is
centred at its median and divided by its spread, and held within ±4 spreads, so that one extravagant customer
does not make a cluster. The parameters are kept: the same ruler can measure a later day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from analysis.checks import columns_present
from analysis.errors import AnalysisError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MeasureScale", "Scaling", "fit_scaling"]

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]

_LIMIT: Final = 4.0
"""Spreads beyond which a value is held: about 1 in 16,000 of a bell."""

_SAMPLE: Final = 10_000
"""Rows that the power is fitted on; every so many-th of the sorted values."""

_COMMONEST: Final = 0.9
"""A measure that is the same for more customers than this tells nobody apart."""

_REDUNDANT: Final = 0.9
"""A measure that follows an earlier one this closely would count it twice."""


@dataclass(frozen=True, slots=True)
class MeasureScale:
    """How one measure is scaled: (power transform - centre) / spread × weight.

    Attributes:
        name: Column.
        power: Yeo-Johnson's lambda; 1 leaves the shape, 0 is log(1 + x).
        centre: Median after the power.
        spread: Robust standard deviation after the power (interquartile range / 1.349), above zero.
        weight: How much the measure counts, 0-1.
    """

    name: str
    power: float
    centre: float
    spread: float
    weight: float = 1.0

    def apply(self, values: Floats) -> Floats:
        """Return scaled values, within ± 4 × weight."""
        from scipy.stats import yeojohnson

        moved = np.asarray(yeojohnson(values, lmbda=self.power), dtype=np.float64)
        return np.clip((moved - self.centre) / self.spread, -_LIMIT, _LIMIT) * self.weight


@dataclass(frozen=True, slots=True)
class Scaling:
    """The ruler of all measures, in the order of the matrix's columns."""

    measures: tuple[MeasureScale, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the matrix."""
        return tuple(measure.name for measure in self.measures)

    def apply(self, traits: "pd.DataFrame") -> Matrix:
        """Return one row per customer, one column per measure, in spreads from the median customer.

        Raises:
            AnalysisError: If a measure is missing.
        """
        columns_present(traits.columns, needed=self.names, table="traits")
        scaled = [measure.apply(traits[measure.name].to_numpy(dtype=np.float64)) for measure in self.measures]
        return np.column_stack(scaled).astype(np.float32)

    def as_state(self) -> list[dict[str, Any]]:
        """Return plain values for later runs."""
        return [{slot: getattr(measure, slot) for slot in MeasureScale.__slots__} for measure in self.measures]

    @classmethod
    def from_state(cls, state: Sequence[Mapping[str, Any]]) -> "Scaling":
        """Return the ruler that ``as_state`` kept."""
        return cls(tuple(MeasureScale(**dict(measure)) for measure in state))


def fit_scaling(traits: "pd.DataFrame", *, weights: Mapping[str, float] | None = None) -> Scaling:
    """Fit the ruler: which measures tell customers apart, and on what scale.

    Left out are measures that are the same for more than 90 % of customers, and measures that follow an earlier one
    with a correlation above 0.9.

    Args:
        traits: One row per customer, one column per measure, no value missing.
        weights: How much a measure counts (0-1); 1 where not given.

    Raises:
        AnalysisError: If a value is missing or no measure is left.
    """
    weights = weights or {}
    kept: list[MeasureScale] = []
    columns: list[Floats] = []
    for name in traits.columns:
        values = traits[name].to_numpy(dtype=np.float64)
        if not np.isfinite(values).all():
            raise AnalysisError(f"'{name}' is unknown for some customers; fill it before scaling.")
        measure = _fit(str(name), np.sort(values), weight=weights.get(str(name), 1.0))
        if measure is None:
            continue
        scaled = measure.apply(values)
        if all(abs(np.corrcoef(scaled, earlier)[0, 1]) <= _REDUNDANT for earlier in columns):
            kept.append(measure)
            columns.append(scaled)
    if not kept:
        raise AnalysisError("No measure tells these customers apart.")
    return Scaling(tuple(kept))


def _fit(name: str, ascending: Floats, *, weight: float) -> MeasureScale | None:
    from scipy.stats import yeojohnson, yeojohnson_normmax

    n = len(ascending)
    if n < 2 or _largest_share(ascending) > _COMMONEST:
        return None
    sample = ascending[np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64)]
    power = float(np.clip(yeojohnson_normmax(sample), -2, 2))
    moved = np.asarray(yeojohnson(ascending, lmbda=power), dtype=np.float64)
    low, centre, high = np.quantile(moved, [0.25, 0.5, 0.75])
    spread = max(float(high - low) / 1.349, 0.5 * float(moved.std()))  # many equal values squeeze the quartiles
    return MeasureScale(name, power, float(centre), spread, weight) if spread > 0 else None


def _largest_share(ascending: Floats) -> float:
    starts = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1], [True]]))
    return float(np.diff(starts).max() / len(ascending))
