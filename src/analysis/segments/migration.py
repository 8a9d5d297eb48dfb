"""Who moved between groups since an earlier day: the migration matrix.

Both days are judged by the same thresholds, so a move is the customer's and not the ruler's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from analysis.errors import AnalysisError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NEW", "NOT_A_CUSTOMER", "migration_matrix"]

NEW: Final = "new_customer"
"""Row of those who had not bought by the earlier day."""

NOT_A_CUSTOMER: Final = "refunded_since"
"""Column of those whose every purchase was refunded in between: rare, but a row must add up to 1."""


def migration_matrix(earlier: "pd.Series[str]", now: "pd.Series[str]", *, groups: Sequence[str]) -> "pd.DataFrame":
    """Return where the customers of each earlier group are now.

    Args:
        earlier: Group of each customer on the earlier day, indexed by customer: an id, or a number that stands for it.
        now: Group of each customer now, indexed likewise.
        groups: All groups in the order of the matrix.

    Returns:
        One row per earlier group and present group, in the order of ``groups`` (with ``new_customer`` as the last
        earlier group, and ``refunded_since`` as the last present one if there is such a customer):
        ``from_group``, ``to_group``, ``n_customers``, ``n_from`` (customers of the earlier group) and ``share``
        (of those; 0-1, NaN for an empty group). The shares of an earlier group with customers add up to 1.

    Raises:
        AnalysisError: If a customer is there twice, or in a group that is not listed.

    Examples:
        >>> import pandas as pd
        >>> before = pd.Series({"u1": "a", "u2": "a"})
        >>> after = pd.Series({"u1": "a", "u2": "b", "u3": "b"})
        >>> migration_matrix(before, after, groups=["a", "b"])["share"].tolist()
        [0.5, 0.5, nan, nan, 0.0, 1.0]
    """
    import pandas as pd

    for days, found in (("earlier", earlier), ("now", now)):
        if found.index.has_duplicates:
            raise AnalysisError(f"A customer is in two groups ({days}).")
        if unknown := set(found.unique()) - set(groups):
            raise AnalysisError(f"Unknown groups ({days}): {', '.join(sorted(unknown))}.")
    pairs = pd.concat([earlier.rename("from_group"), now.rename("to_group")], axis=1)
    pairs = pairs.fillna({"from_group": NEW, "to_group": NOT_A_CUSTOMER})
    columns = [*groups, *([NOT_A_CUSTOMER] if (pairs["to_group"] == NOT_A_CUSTOMER).any() else [])]
    counts = pairs.value_counts(["from_group", "to_group"])
    cells = pd.MultiIndex.from_product([[*groups, NEW], columns], names=["from_group", "to_group"])
    matrix = counts.reindex(cells, fill_value=0).rename("n_customers").reset_index()
    matrix["n_from"] = matrix.groupby("from_group")["n_customers"].transform("sum")
    matrix["share"] = matrix["n_customers"] / matrix["n_from"].where(matrix["n_from"] > 0)
    return matrix
