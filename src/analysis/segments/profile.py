"""What distinguishes a cluster, in words: profiles, unique plain names, and names that last from run to run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.segments.traits import TRAITS, Trait
from analysis.stats.agreement import match_labels

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SegmentName", "keep_names", "name_segments", "segment_differences"]

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
Codes = NDArray[np.int64]

_NOTABLE: Final = 0.35
"""A difference below so many spreads is not worth a word."""

_SAME: Final = 0.5
"""A cluster is the one of the run before if they share more than half of the customers of either."""

_BY_NAME: Final[Mapping[str, Trait]] = {trait.name: trait for trait in TRAITS}


class SegmentName(NamedTuple):
    """What a segment is called.

    Attributes:
        segment: Its key, kept as long as the segment lives: s1, s2, …
        zh: Plain name in Chinese.
        en: Plain name in English.
    """

    segment: str
    zh: str
    en: str


def segment_differences(matrix: Matrix, labels: Codes, *, names: Sequence[str]) -> "pd.DataFrame":
    """Return how each segment differs from all customers, trait by trait.

    Args:
        matrix: One row per customer, scaled traits.
        labels: Segment of each row, 0 … k - 1.
        names: Traits, in the order of the columns.

    Returns:
        One row per segment and trait: ``label``, ``trait``, ``difference`` (mean of the segment minus mean of all, in
        spreads of all customers).
    """
    import pandas as pd

    k = int(labels.max()) + 1
    values = matrix.astype(np.float64)
    spread = values.std(axis=0)
    size = np.bincount(labels, minlength=k)[:, None]
    mean = np.column_stack([np.bincount(labels, weights=column, minlength=k) for column in values.T]) / size
    difference = (mean - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return pd.DataFrame(
        {
            "label": np.repeat(np.arange(k), len(names)),
            "trait": np.tile(np.array(names, dtype=object), k),
            "difference": difference.ravel(),
        }
    )


def name_segments(differences: "pd.DataFrame") -> list[tuple[str, str]]:
    """Return a (Chinese, English) name for each segment, no two alike.

    A name is made of the two traits that set the segment apart most, and of more only where two segments would
    otherwise share it.

    Args:
        differences: From ``segment_differences``.
    """
    ranked = {}
    for label in sorted(differences["label"].unique()):
        group = differences[differences["label"] == label]
        ranked[int(label)] = group.reindex(group["difference"].abs().sort_values(ascending=False, kind="stable").index)
    most = max((len(group) for group in ranked.values()), default=0)
    words = dict.fromkeys(ranked, 2)
    for _ in range(most):
        named = {label: _words(ranked[label], n=words[label]) for label in ranked}
        doubles = [label for label in named if list(named.values()).count(named[label]) > 1]
        if not doubles:
            break
        for label in doubles:
            words[label] += 1
    return _numbered([_words(ranked[label], n=words[label]) for label in ranked])


def keep_names(
    labels: Codes, names: Sequence[tuple[str, str]], *, earlier: Codes | None, known: Sequence[Mapping[str, Any]]
) -> list[SegmentName]:
    """Return the key and name of each segment, kept from the run before where the segment is still the same.

    The same customers are put into segments by this run's rule and by the earlier one's. Segments are matched
    one to one; a pair that shares more than half of its customers keeps key and name.

    Args:
        labels: Segment of each customer by this run's rule, 0 … k - 1.
        names: Name of each segment by this run's differences.
        earlier: Segment of the same customers by the earlier run's rule; None without an earlier run.
        known: The earlier segments in the order of their labels: ``segment``, ``zh``, ``en``.
    """
    kept: dict[int, SegmentName] = {}
    if earlier is not None:
        for match in match_labels(labels, earlier):
            if match.jaccard > _SAME:
                before = known[match.second]
                kept[match.first] = SegmentName(str(before["segment"]), str(before["zh"]), str(before["en"]))
    # A key is never given to another segment later, even if its first bearer is gone.
    used = max((int(str(before["segment"]).removeprefix("s")) for before in known), default=0)
    taken = {(name.zh, name.en) for name in kept.values()}
    result = []
    for label, pair in enumerate(names):
        if label in kept:
            result.append(kept[label])
            continue
        used += 1
        unique, number = pair, 2
        while unique in taken:
            unique, number = (f"{pair[0]}（{number}）", f"{pair[1]} ({number})"), number + 1
        taken.add(unique)
        result.append(SegmentName(f"s{used}", *unique))
    return result


def _words(ranked: "pd.DataFrame", *, n: int) -> tuple[str, str]:
    """Return the name from the n largest notable differences."""
    top = ranked.head(n)
    notable = top[top["difference"].abs() >= _NOTABLE]
    traits = {str(trait): float(value) for trait, value in zip(notable["trait"], notable["difference"], strict=True)}
    if not traits:
        return "普通顾客", "Average customers"
    # The order of words is the order of the list, whatever the order of the differences: names read alike.
    said = [(trait, traits[trait.name] > 0) for trait in TRAITS if trait.name in traits]
    zh = "、".join(trait.high_zh if high else trait.low_zh for trait, high in said) + "顾客"
    en = ", ".join(trait.high_en if high else trait.low_en for trait, high in said) + " customers"
    return zh, en[0].upper() + en[1:]


def _numbered(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    seen: dict[tuple[str, str], int] = {}
    result = []
    for pair in names:
        seen[pair] = seen.get(pair, 0) + 1
        number = seen[pair]
        result.append(pair if number == 1 else (f"{pair[0]}（{number}）", f"{pair[1]} ({number})"))
    return result
