"""Models of a mean for the uplift learners: small boosted trees, and a straight model on places and steps of columns.

The straight model only asks for each value's place among the values known, so every column is numbered once and a
model of a column is a short table that is looked up: neither fitting nor scoring sorts again.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Known", "Predict", "known_values", "numbered", "regression", "single", "straight", "trees"]

Floats = NDArray[np.float64]

_TREES: Final = 25
_LEAVES: Final = 4
_LEARNING_RATE: Final = 0.1
_RIDGE_OF_TREES: Final = 30.0
_BINS: Final = 31
_ROWS_PER_LEAF: Final = 200
_LEAVES_WORTH: Final = 20
_SHARE_OF_COLUMNS: Final = 0.5
"""Few and small trees: an effect is a small difference of large noise. On halves of the Hillstrom test and five planted
effects (step, straight, two columns at once, wave, against the baseline) larger ones ranked no better."""

_STEPS: Final = (0.2, 0.4, 0.6, 0.8)
_PENALTY_PER_COLUMN: Final = 18.0
"""The straight model beside the trees, for money and counts: customers' places on each column and steps at its fifths.
A few huge orders lead trees astray; the mean of both ranked Hillstrom's spending better than trees alone."""

_REFINED: Final = 4
"""Each solution of what is left over gains at least three digits."""


class Known(NamedTuple):
    """What was known of customers before the assignment, every column's values numbered.

    Attributes:
        values: One row a measure, one column a customer.
        codes: Of the same shape: how many of the levels are smaller than the value.
        levels: By measure: the values that there are, in order.
        key: Which of the customers these are.
        worked_out: By key: what was worked out of these customers' measures alone, whatever the target, and parts of
            these customers.
    """

    values: Floats
    codes: NDArray[np.int32]
    levels: Sequence[Floats]
    key: bytes
    worked_out: dict[bytes, Any]

    def rows(self, chosen: NDArray[np.bool_]) -> "Known":
        """Return these customers only."""
        key = sha256(self.key + chosen.tobytes()).digest()
        if key not in self.worked_out:
            places = np.flatnonzero(chosen)
            values, codes = self.values.take(places, axis=1), self.codes.take(places, axis=1)
            self.worked_out[key] = self._replace(values=values, codes=codes, key=key)
        found: Known = self.worked_out[key]
        return found


Predict = Callable[[Known], Floats]
Made = TypeVar("Made")
_Node = tuple[bool, float, int, float, int, int]
"""Of a tree: whether it is a leaf, its value, the column that is compared, with what, and the nodes below."""


class _Grown(NamedTuple):
    """Boosted trees: where they start, and the nodes of each."""

    start: float
    trees: Sequence[Sequence[_Node]]


def known_values(values: Floats) -> Known:
    """Return measures with their own values as levels."""
    import pandas as pd

    codes, levels = np.empty(values.shape[::-1], dtype=np.int32), []
    for place, column in enumerate(values.T):
        codes[place], found = pd.factorize(column, sort=True)
        levels.append(np.asarray(found, dtype=np.float64))
    return Known(np.ascontiguousarray(values.T), codes, levels, b"", {})


def numbered(values: Floats, levels: Sequence[Floats]) -> Known:
    """Return measures of other customers, numbered by levels that are there."""
    codes = np.empty(values.shape[::-1], dtype=np.int32)
    for place, (column, known) in enumerate(zip(values.T, levels, strict=True)):
        codes[place] = np.searchsorted(known, column)
    return Known(np.ascontiguousarray(values.T), codes, levels, b"", {})


def _kept(known: Known, what: bytes, make: Callable[[], Made]) -> Made:
    """Return what was worked out of these measures before, else now."""
    key = known.key + what
    if key not in known.worked_out:
        known.worked_out[key] = make()
    made: Made = known.worked_out[key]
    return made


def single(before: Known, treated: NDArray[np.bool_], target: Floats, *, seed: int) -> Callable[[Known, float], Floats]:
    """Return trees of the measures and, as a last column, the touch: expected outcomes of customers with that touch."""
    both = np.column_stack([before.values.T, treated])
    binned = _kept(before, b"single", lambda: _bins(before, treated=treated))
    grown = _grown(both, target, seed=seed, every_column=True, binned=binned)
    return lambda new, touch: _tree_sums(grown, [*new.values, np.full(new.values.shape[1], touch)])


def regression(before: Known, target: Floats, *, is_rate: bool, seed: int) -> Predict:
    """Return a model of the mean: trees for rates, the mean of trees and a straight model for money and counts."""
    branching = trees(before.values.T, target, seed=seed, binned=_kept(before, b"trees", lambda: _bins(before)))
    if is_rate:
        return lambda new: branching(new.values.T)
    line = straight(before, target)
    return lambda new: (branching(new.values.T) + line(new)) / 2


def trees(
    before: Floats, target: Floats, *, seed: int, binned: dict[str, Any] | None = None
) -> Callable[[Floats], Floats]:
    """Return few and small boosted trees.

    Args:
        before: One row per customer.
        target: What is modelled.
        seed: Of the columns that a split may choose from.
        binned: Bins of the same rows, from an earlier call; filled by the first.
    """
    grown = _grown(before, target, seed=seed, every_column=False, binned={} if binned is None else binned)
    return lambda new: _tree_sums(grown, list(new.T))


def _grown(before: Floats, target: Floats, *, seed: int, every_column: bool, binned: dict[str, Any]) -> _Grown:
    model = _binning_once(binned)(
        max_iter=_TREES,
        max_leaf_nodes=_LEAVES,
        learning_rate=_LEARNING_RATE,
        min_samples_leaf=max(2, min(_ROWS_PER_LEAF, len(target) // _LEAVES_WORTH)),
        l2_regularization=_RIDGE_OF_TREES,
        max_bins=_BINS,
        max_features=1.0 if every_column else _SHARE_OF_COLUMNS,
        early_stopping=False,
        random_state=seed,
    )
    model.fit(before, target)
    named = ["is_leaf", "value", "feature_idx", "num_threshold", "left", "right"]
    of_trees = [tree.nodes[named].tolist() for (tree,) in vars(model)["_predictors"]]
    return _Grown(vars(model)["_baseline_prediction"].item(), of_trees)


def _tree_sums(grown: _Grown, columns: Sequence[Floats]) -> Floats:
    """Return what the trees say, by whole columns: so few leaves are compared faster than customers are walked down."""
    found = np.full(len(columns[0]), grown.start)
    for nodes in grown.trees:
        found += _tree_values(nodes, 0, columns)
    return found


def _tree_values(nodes: Sequence[_Node], place: int, columns: Sequence[Floats]) -> Any:
    is_leaf, value, column, threshold, left, right = nodes[place]
    if is_leaf:
        return value
    sides = (_tree_values(nodes, side, columns) for side in (left, right))
    return np.where(columns[column] <= threshold, *sides)


def _bins(before: Known, *, treated: NDArray[np.bool_] | None = None) -> dict[str, Any]:
    """Return the bins that scikit-learn would find, from values that are numbered: nothing is sorted again."""
    from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper  # has no public name

    thresholds = [_thresholds(codes, known) for codes, known in zip(before.codes, before.levels, strict=True)]
    rows = np.empty((before.codes.shape[1], len(thresholds) + (treated is not None)), dtype=np.uint8, order="F")
    for place, (codes, known, ends) in enumerate(zip(before.codes, before.levels, thresholds, strict=True)):
        rows[:, place] = np.searchsorted(ends, known).astype(np.uint8)[codes]
    if treated is not None:
        thresholds.append(np.array([0.5]))
        rows[:, -1] = treated
    mapper = _BinMapper(n_bins=_BINS + 1)
    mapper.bin_thresholds_ = thresholds
    mapper.n_bins_non_missing_ = np.array([len(ends) + 1 for ends in thresholds], dtype=np.uint32)
    mapper.is_categorical_ = np.zeros(len(thresholds), dtype=np.uint8)
    mapper.missing_values_bin_idx_ = _BINS
    return {"rows": rows, "mapper": mapper}


def _thresholds(codes: NDArray[np.int32], known: Floats) -> Floats:
    """Return the upper ends of a column's bins: between its values if they are few, else at parts of equal size."""
    counts = np.bincount(codes, minlength=len(known))
    values, upto = known[counts > 0], np.cumsum(counts[counts > 0])
    if len(values) <= _BINS:
        return (values[:-1] + values[1:]) / 2
    parts = np.linspace(0, 100, num=_BINS + 1)[1:-1]
    places = np.percentile(np.arange(len(codes)), parts, method="averaged_inverted_cdf")
    lower, upper = (values[np.searchsorted(upto, end(places), side="right")] for end in (np.floor, np.ceil))
    found: Floats = np.unique(upper - (upper - lower) * 0.5)
    return found


def _binning_once(binned: dict[str, Any]) -> Any:
    """Return scikit-learn's boosted trees, which put the rows of a table into bins once for all targets."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    # scikit-learn has no types
    class Binning(HistGradientBoostingRegressor):  # type: ignore[misc]
        def _bin_data(self, X: Any, *rest: Any, **named: Any) -> Any:  # noqa: N803 - scikit-learn's name
            if not binned:
                binned["rows"] = super()._bin_data(X, *rest, **named)
                binned["mapper"] = vars(self)["_bin_mapper"]
            self._bin_mapper = binned["mapper"]
            return binned["rows"]

    return Binning


def straight(before: Known, target: Floats) -> Predict:
    """Return ridge regression on places and steps of every column.

    The normal equations are solved in single precision, which is a third of the work, and what is left over is
    solved again until it is exact to double precision: it is told by looking columns up, without a design.
    """
    codes, level = before.codes, float(target.mean())
    tables = _kept(
        before,
        b"tables",
        lambda: [_looked_up(mine, len(known)) for mine, known in zip(codes, before.levels, strict=True)],
    )
    ends = np.cumsum([table.shape[1] for table in tables], dtype=np.int64)
    penalty = _PENALTY_PER_COLUMN * (ends[-1] if len(ends) else 0)  # many columns of few customers say little each
    inverse = _kept(before, b"straight", lambda: _inverse(tables, codes, penalty=penalty))
    weights = np.zeros(ends[-1] if len(ends) else 0)
    curves = [np.zeros(len(table)) for table in tables]
    left = target - level
    for turn in range(_REFINED):
        if turn:
            left = target - level - _summed(curves, codes)
        sums = [np.bincount(mine, left, minlength=len(t)) @ t for mine, t in zip(codes, tables, strict=True)]
        weights = weights + inverse @ (np.concatenate([np.zeros(0), *sums]) - penalty * weights).astype(np.float32)
        curves = [table @ part for table, part in zip(tables, np.split(weights, ends[:-1]), strict=True)]
    return lambda new: level + _summed(curves, new.codes)


def _inverse(tables: Sequence[Floats], codes: NDArray[np.int32], *, penalty: float) -> NDArray[np.float32]:
    """Return the inverse of the penalised products of all columns with one another, in single precision."""
    columns = [column.astype(np.float32) for table in tables for column in table.T]
    of = [mine for table, mine in zip(tables, codes, strict=True) for _ in table.T]
    design = np.empty((codes.shape[1], len(columns)), dtype=np.float32, order="F")
    for place, (column, mine) in enumerate(zip(columns, of, strict=True)):
        np.take(column, mine, out=design[:, place])
    gram = design.T @ design
    gram[np.diag_indices(len(gram))] += np.float32(penalty)
    return np.asarray(np.linalg.inv(gram), dtype=np.float32)


def _summed(curves: Sequence[Floats], codes: NDArray[np.int32]) -> Floats:
    found = np.zeros(codes.shape[1])
    for curve, places in zip(curves, codes, strict=True):
        found += curve[places]
    return found


def _looked_up(codes: NDArray[np.int32], levels: int) -> Floats:
    """Return a column's place and steps by level (and for what is above them all), of mean 0 and deviation 1."""
    counts = np.bincount(codes, minlength=levels + 1)
    below = np.append(0, np.cumsum(counts[:levels]))
    n = len(codes)
    made = [below / n]
    upto = below[1:]  # how many are at most that level: the value at a place of the sorted column is found by it
    spread_over = np.searchsorted(upto, np.arange(0, n, max(1, n // 200)), side="right")
    if len(np.unique(spread_over)) > 2:
        fifths = np.searchsorted(upto, [int(step * n) for step in _STEPS], side="right")
        made += [(np.arange(levels + 1) > fifth).astype(np.float64) for fifth in fifths]
    table = np.column_stack(made)
    share = counts / n
    table -= share @ table
    deviation = np.sqrt(share @ table**2)
    deviation[deviation == 0] = 1.0
    return np.asfortranarray(table / deviation)
