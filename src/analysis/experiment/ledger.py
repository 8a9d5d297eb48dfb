"""The forecast ledger: what was forecast is written down on the day, and looked up when its day has come.

A *forecast* is one frozen row. It says who is meant in a way that can be found again in the data (``population``), what
is counted of them from the day after ``made_on`` to ``due_on``, and what was thought of it: an *amount* by its
quantiles, a *share* by a probability. Its id is made of book, notebook, name, day and horizon, so that a repeated run
writes the same rows again instead of more of them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.checks import columns_present
from analysis.errors import AnalysisError
from analysis.stats.forecast_scoring import LEVELS, moved

__all__ = [
    "AMOUNT",
    "CORRECTIONS_STATE",
    "FROZEN",
    "FROZEN_STATE",
    "OUTCOMES_STATE",
    "QUANTITIES",
    "SHARE",
    "WINDOWS",
    "WINDOWS_STATE",
    "amount",
    "due",
    "forecast_id",
    "frozen_rows",
    "merged",
    "merged_windows",
    "no_forecasts",
    "share_row",
    "still_open",
    "together",
]

FROZEN_STATE: Final = "forecasts."
"""State of a run: the frozen forecasts of a notebook, this and its name."""

WINDOWS_STATE: Final = "forecast_windows."
"""State of a run: windows of single customers that a notebook's forecasts speak of, this and its name."""

OUTCOMES_STATE: Final = "forecast_outcomes"
"""State of a run: what came of forecasts that were due."""

CORRECTIONS_STATE: Final = "forecast_corrections"
"""State of a run: under ``applied`` the corrections that proved to help, by ``<notebook>.<quantity>``."""

WINDOWS: Final = "windows"
"""Population of a share: single customers, each with a window of days that is kept in the state of the run."""

AMOUNT: Final = "amount"
SHARE: Final = "share"

QUANTITIES: Final = {
    "purchase_days": "orders",
    "revenue": "money",
    "buyers": "customers",
    "leavers": "customers",
    "deletions": "deletions",
    "window_hits": "customers",
}
"""What can be counted again in the data, with its unit; orders of one customer and day count once."""

FROZEN: Final = {
    "forecast_id": "string",
    "book": "string",
    "notebook": "string",
    "name": "string",
    "kind": "string",
    "made_on": "datetime64[us]",
    "due_on": "datetime64[us]",
    "horizon_days": "int64",
    "population": "string",
    "n_population": "int64",
    "quantity": "string",
    "unit": "string",
    "expected": "float64",
    "model": "string",
    "edition": "string",
    "shift": "float64",
    "widen": "float64",
}
"""Columns of a frozen row and their types; ``quantiles`` (as told) and ``quantiles_model`` (before a correction that
the ledger itself proposed) come on top: lists of 39 numbers, empty for a share."""

_LISTS: Final = ("quantiles", "quantiles_model")
_ID_LENGTH: Final = 16
_WINDOW_COLUMNS: Final = ["forecast_id", "customer_id", "from_on", "until_on"]
_WINDOWS_KEPT_DAYS: Final = 183


def amount(
    name: str,
    *,
    quantity: str,
    horizon_days: int,
    population: Mapping[str, Any],
    n_population: int,
    quantiles: Sequence[float] | np.ndarray[Any, Any],
    expected: float,
    model: str,
) -> dict[str, Any]:
    """Return a forecast of an amount, as a recipe hands it over to be frozen.

    Args:
        name: Of the forecast within its notebook and horizon.
        quantity: One of ``QUANTITIES``.
        horizon_days: Days ahead, counted from the day after the run's.
        population: Who is meant: ``features.forecast_outcomes`` finds them again by it.
        n_population: How many they are.
        quantiles: At ``stats.forecast_scoring.LEVELS``, ascending.
        expected: Mean.
        model: What it was made with.

    Raises:
        AnalysisError: If there are not 39 ascending quantiles, or nobody can count the quantity.
    """
    q = np.asarray(quantiles, dtype=np.float64)
    if q.shape != (len(LEVELS),) or not np.isfinite(q).all() or (np.diff(q) < 0).any():
        raise AnalysisError(f"Forecast '{name}' needs {len(LEVELS)} finite, ascending quantiles.")
    row = _row(name, quantity=quantity, horizon_days=horizon_days, population=population, n=n_population, model=model)
    return {**row, "kind": AMOUNT, "expected": float(expected), "quantiles": q.tolist()}


def share_row(
    name: str,
    *,
    quantity: str,
    horizon_days: int,
    population: Mapping[str, Any],
    n_population: int,
    probability: float,
    model: str,
) -> dict[str, Any]:
    """Return a forecast of a share: the mean probability of a group, held against the share seen."""
    row = _row(name, quantity=quantity, horizon_days=horizon_days, population=population, n=n_population, model=model)
    return {**row, "kind": SHARE, "expected": float(probability), "quantiles": []}


def _row(
    name: str, *, quantity: str, horizon_days: int, population: Mapping[str, Any], n: int, model: str
) -> dict[str, Any]:
    if quantity not in QUANTITIES:
        raise AnalysisError(f"Nobody counts '{quantity}' again.", hint=f"one of {', '.join(QUANTITIES)}")
    return {
        "name": name,
        "horizon_days": horizon_days,
        "population": json.dumps(population, sort_keys=True),
        "n_population": n,
        "quantity": quantity,
        "unit": QUANTITIES[quantity],
        "model": model,
    }


def forecast_id(book: str, *, notebook: str, name: str, made_on: date, horizon_days: int) -> str:
    """Return the id of a forecast: the same forecast has the same id in every run of the book.

    Examples:
        >>> forecast_id("weekly", notebook="churn", name="leavers", made_on=date(2026, 3, 1), horizon_days=60)
        '97345a2f286be552'
    """
    text = json.dumps([book, notebook, name, made_on.isoformat(), horizon_days], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]


def no_forecasts() -> pd.DataFrame:
    """Return the table of frozen rows without a row."""
    columns = {name: pd.Series(dtype=kind) for name, kind in FROZEN.items()}
    return pd.DataFrame({**columns, **{name: pd.Series(dtype=object) for name in _LISTS}})


def frozen_rows(
    forecasts: pd.DataFrame,
    *,
    book: str,
    notebook: str,
    made_on: date,
    edition: str,
    corrections: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """Return forecasts as they are frozen.

    Args:
        forecasts: One row each, from ``amount`` and ``share_row``.
        book: Name of the book.
        notebook: That makes them.
        made_on: Day of the run.
        edition: Of the code that made them.
        corrections: By ``<notebook>.<quantity>`` the ``shift`` and ``widen`` that earlier forecasts of the kind proved
            to need; quantiles are told with it, and kept without.

    Raises:
        AnalysisError: If a column is missing or two forecasts have one name and horizon.
    """
    if forecasts.empty:
        return no_forecasts()
    wanted = ("name", "kind", "horizon_days", "population", "quantity", "expected", "quantiles", "model")
    columns_present(forecasts.columns, needed=wanted, table=f"forecasts of {notebook}")
    rows = []
    for given in forecasts.to_dict("records"):
        horizon, raw = int(given["horizon_days"]), np.asarray(given["quantiles"], dtype=np.float64)
        found = corrections.get(f"{notebook}.{given['quantity']}", {}) if given["kind"] == AMOUNT else {}
        shift, widen = float(found.get("shift", 0.0)), float(found.get("widen", 1.0))
        told = moved(raw, shift=shift, widen=widen)[0] if found else raw
        known = {
            "forecast_id": forecast_id(
                book, notebook=notebook, name=str(given["name"]), made_on=made_on, horizon_days=horizon
            ),
            "book": book,
            "notebook": notebook,
            "made_on": pd.Timestamp(made_on),
            "due_on": pd.Timestamp(made_on + timedelta(days=horizon)),
            "edition": edition,
            "shift": shift,
            "widen": widen,
            "quantiles": told.tolist(),
            "quantiles_model": raw.tolist(),
        }
        rows.append({**{str(name): value for name, value in given.items()}, **known})
    table = pd.DataFrame(rows)[[*FROZEN, *_LISTS]].astype(FROZEN)
    if table["forecast_id"].duplicated().any():
        twice = table.loc[table["forecast_id"].duplicated(), "name"].iloc[0]
        raise AnalysisError(f"Two forecasts of {notebook} are called '{twice}' over one horizon.")
    return table


def merged(earlier: pd.DataFrame | None, new: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the predecessor with the new ones; of one id, the new row stays."""
    if earlier is None or earlier.empty:
        return new.reset_index(drop=True)
    kept = earlier[~earlier["forecast_id"].isin(new["forecast_id"])]
    both = [table for table in (kept, new) if len(table)]
    return pd.concat(both, ignore_index=True) if both else no_forecasts()


def merged_windows(
    earlier: pd.DataFrame | None, windows: pd.DataFrame, *, frozen: pd.DataFrame, as_of: date
) -> pd.DataFrame:
    """Return the predecessor's windows that may still be scored, with the new ones.

    Args:
        earlier: ``forecast_id``, ``customer_id``, ``from_on``, ``until_on``; kept for half a year after the last day.
        windows: The new ones, with the ``name`` of their forecast in place of its id.
        frozen: The rows frozen with them.
        as_of: Day of the run.
    """
    ids = frozen[frozen["kind"] == SHARE].set_index("name")["forecast_id"]
    new = windows.assign(forecast_id=windows["name"].map(ids))[_WINDOW_COLUMNS].dropna(subset="forecast_id")
    if earlier is None or earlier.empty:
        return new.reset_index(drop=True)
    may = earlier["until_on"] >= pd.Timestamp(as_of) - pd.Timedelta(days=_WINDOWS_KEPT_DAYS)
    kept = earlier[may & ~earlier["forecast_id"].isin(new["forecast_id"])]
    both = [table for table in (kept, new) if len(table)]
    return pd.concat(both, ignore_index=True) if both else new.reset_index(drop=True)


def together(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the frozen rows of several notebooks as one table."""
    held = [table for table in tables.values() if len(table)]
    return pd.concat(held, ignore_index=True) if held else no_forecasts()


def due(frozen: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """Return the forecasts whose window is over at the end of ``as_of``."""
    return frozen[frozen["due_on"] <= pd.Timestamp(as_of)].reset_index(drop=True)


def still_open(frozen: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """Return the forecasts whose window is not over at the end of ``as_of``."""
    return frozen[frozen["due_on"] > pd.Timestamp(as_of)].reset_index(drop=True)
