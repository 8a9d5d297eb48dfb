"""Frozen forecasts in the state of runs: each notebook keeps its own, and its predecessor's go on with them.

A run reads nothing but its predecessor and is seen only once it is published: a killed run leaves nothing behind, and
two runs at once cannot meet. What no notebook of a run writes again, the runner carries over (``runs.carry``).
"""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from analysis.context import RunContext
from analysis.evidence import Estimate
from analysis.experiment.ledger import (
    AMOUNT,
    CORRECTIONS_STATE,
    FROZEN_STATE,
    WINDOWS_STATE,
    frozen_rows,
    merged,
    merged_windows,
    still_open,
    together,
)
from analysis.experiment.ledger_wording import band_words, of_kind
from analysis.recipes.resolver import Previous, code_digest, write_kept
from analysis.stats.forecast_scoring import band_of, median_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OpenForecasts", "freeze", "open_forecasts"]

_ROWS_SHOWN: Final = 30


def freeze(
    forecasts: "pd.DataFrame",
    windows: "pd.DataFrame | None" = None,
    *,
    notebook: str,
    context: RunContext,
    previous: Previous,
) -> None:
    """Write a notebook's forecasts of today, and the windows of single customers they speak of, beside the earlier."""
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
    if windows is not None:
        told: Any = previous.get(f"{WINDOWS_STATE}{notebook}")
        kept = merged_windows(told, windows, frozen=new, as_of=context.as_of)
        write_kept(kept, context.out / "state" / f"{WINDOWS_STATE}{notebook}")


class OpenForecasts(NamedTuple):
    """The forecasts that are not due yet.

    Attributes:
        table: One row each, the next to fall due first, as a page prints them; thirty at most.
        numbers: ``n_open`` and ``next_due`` (a day, as text).
    """

    table: "pd.DataFrame"
    numbers: dict[str, Any]


def open_forecasts(*, context: RunContext, previous: Previous) -> OpenForecasts:
    """Return the forecasts of amounts that are still open, those of this run among them."""
    import numpy as np
    import pandas as pd

    kept = together({**previous.all(FROZEN_STATE), **Previous(context.out / "state").all(FROZEN_STATE)})
    waiting = still_open(kept[kept["kind"] == AMOUNT], as_of=context.as_of)
    ordered = waiting.sort_values(["due_on", "made_on", "notebook", "name"])
    rows = []
    for row in ordered.head(_ROWS_SHOWN).to_dict("records"):
        quantiles = np.asarray(row["quantiles"], dtype=np.float64)
        middle, (low, high) = float(median_of(quantiles)[0]), band_of(quantiles)[0].tolist()
        told = band_words(dict(row) | {"median": middle, "ci_lower": low, "ci_upper": high}, currency=context.currency)
        what = of_kind(row["notebook"], row["quantity"], int(row["horizon_days"]))
        rows.append((what["zh"], what["en"], told["zh"], told["en"], row["due_on"].date(), row["made_on"].date()))
    table = pd.DataFrame(rows, columns=["what_zh", "what_en", "told_zh", "told_en", "due_on", "made_on"])
    next_due = ordered["due_on"].iloc[0].date().isoformat() if rows else "—"
    return OpenForecasts(table, {"n_open": Estimate(len(waiting), "forecasts"), "next_due": next_due})
