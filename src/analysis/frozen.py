"""Frozen forecasts in the state of runs: each notebook keeps its own, and its predecessor's go on with them.

A run reads nothing but its predecessor and is seen only once it is published: a killed run leaves nothing behind, and
two runs at once cannot meet. What no notebook of a run writes again, the runner carries over (``runs.carry``).
"""

from typing import TYPE_CHECKING, Any

from analysis.context import RunContext
from analysis.experiment.ledger import CORRECTIONS_STATE, FROZEN_STATE, frozen_rows, merged, together
from analysis.recipes.resolver import Previous, code_digest, write_kept

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["freeze", "frozen"]


def freeze(forecasts: "pd.DataFrame", *, notebook: str, context: RunContext, previous: Previous) -> None:
    """Write a notebook's forecasts of today beside those of the predecessor."""
    corrections: Any = previous.get(CORRECTIONS_STATE) or {}
    new = frozen_rows(
        forecasts,
        book=context.book,
        notebook=notebook,
        made_on=context.as_of,
        edition=code_digest(),
        corrections=corrections.get("applied", {}),
    )
    earlier: Any = previous.get(f"{FROZEN_STATE}{notebook}")
    write_kept(merged(earlier, new), context.out / "state" / f"{FROZEN_STATE}{notebook}")


def frozen(*, context: RunContext, previous: Previous) -> "pd.DataFrame":
    """Return all frozen forecasts: what this run has written so far, else what its predecessor kept."""
    return together({**previous.all(FROZEN_STATE), **Previous(context.out / "state").all(FROZEN_STATE)})
