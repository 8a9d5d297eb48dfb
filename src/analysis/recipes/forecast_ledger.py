"""What came of earlier forecasts: found again in the data, scored, and what that says of the next ones.

The chain: ``ledger_frozen`` (all that was ever frozen, through the predecessor) → ``ledger_outcomes`` (what was counted
of those that are due) → ``ledger_scores`` (one row per forecast of an amount) → ``ledger_summary``, ``ledger_pit``,
``ledger_reliability`` and ``ledger_corrections``.
"""

import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from analysis.data.connect import Tables
from analysis.experiment import ledger, ledger_correction, ledger_scores
from analysis.features.forecast_outcomes import CONTACTS, contact_outcomes, first_purchases, outcome_of, window_outcomes
from analysis.params import LedgerParams
from analysis.recipes.resolver import Previous

_FOUND = ["forecast_id", "actual", "n_found", "scored_on"]


def ledger_frozen(previous: Previous) -> pd.DataFrame:
    """Every forecast frozen by earlier runs of the book, one row each, as ``experiment.ledger`` keeps it."""
    return ledger.together(previous.all(ledger.FROZEN_STATE))


def ledger_outcomes(
    ledger_frozen: pd.DataFrame,
    previous: Previous,
    tables: Tables,
    as_of: date,
    forecast_ledger_params: LedgerParams,
) -> pd.DataFrame:
    """What was counted of each forecast that is due, one row each: ``experiment.ledger_scores.OUTCOMES``.

    Those due within the last ``settle_days`` are counted again: orders and refunds that arrived late change them, and
    the first count stays beside. Whose table is no longer there waits.
    """
    before: Any = previous.get(ledger.OUTCOMES_STATE)
    due = ledger.due(ledger_frozen, as_of=as_of)
    settled = set() if before is None else set(before["forecast_id"])
    recent = due["due_on"] >= pd.Timestamp(as_of) - pd.Timedelta(days=forecast_ledger_params.settle_days)
    asked = due[recent | ~due["forecast_id"].isin(settled)]
    rows = []
    windows = asked[["made_on", "due_on"]].drop_duplicates()
    for made_on, due_on in zip(windows["made_on"], windows["due_on"], strict=True):
        forecasts = asked[(asked["made_on"] == made_on) & (asked["due_on"] == due_on)]
        days = {"made_on": made_on.date(), "due_on": due_on.date()}
        single = forecasts["quantity"] == "window_hits"
        rows += _counted(forecasts[~single], tables, **days)
        rows += _within_windows(forecasts[single], tables, windows=previous.all(ledger.WINDOWS_STATE), **days)
    found = pd.DataFrame([(*row, pd.Timestamp(as_of)) for row in rows], columns=_FOUND)
    return ledger_scores.kept_outcomes(before, found)


def _counted(forecasts: pd.DataFrame, tables: Tables, *, made_on: date, due_on: date) -> list[tuple[str, float, int]]:
    """Return id, what was counted and how many were meant, of forecasts of one window."""
    told = forecasts[["forecast_id", "population", "quantity"]].to_dict("records")
    populations = [json.loads(row["population"]) for row in told]
    cells = None
    rows = []
    for row, population in zip(told, populations, strict=True):
        if population["who"] == CONTACTS:
            if tables.has("contacts"):
                n, gone = contact_outcomes(tables, made_on=made_on, due_on=due_on)
                rows.append((row["forecast_id"], float(gone), n))
            continue
        if cells is None:
            cells = window_outcomes(tables, made_on=made_on, due_on=due_on)
        n, actual = outcome_of(cells, population=population, quantity=row["quantity"])
        rows.append((row["forecast_id"], actual, n))
    return rows


def _within_windows(
    forecasts: pd.DataFrame, tables: Tables, *, windows: dict[str, pd.DataFrame], made_on: date, due_on: date
) -> list[tuple[str, float, int]]:
    """Return id, how many bought first within their own window, and how many bought at all within the horizon."""
    rows = []
    for row in forecasts[["forecast_id", "notebook"]].to_dict("records"):
        kept = windows.get(f"{ledger.WINDOWS_STATE}{row['notebook']}")
        told = kept[kept["forecast_id"] == row["forecast_id"]] if kept is not None else pd.DataFrame()
        if told.empty:  # deleted since, as personal data may be: it stays unscored
            continue
        came = first_purchases(tables, made_on=made_on, due_on=due_on, customers=told["customer_id"].tolist())
        both = told.merge(came, on="customer_id")
        hits = both["first_on"].between(both["from_on"], both["until_on"])
        rows.append((str(row["forecast_id"]), float(hits.sum()), len(both)))
    return rows


def ledger_scores_table(ledger_frozen: pd.DataFrame, ledger_outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row per due forecast of an amount, oldest due day first: ``experiment.ledger_scores.scored``."""
    return ledger_scores.scored(ledger_frozen, ledger_outcomes)


def ledger_summary(ledger_scores_table: pd.DataFrame) -> pd.DataFrame:
    """How good forecasts of each kind have been, by notebook and quantity: coverage, score, bias, width."""
    return ledger_scores.summary(ledger_scores_table)


def ledger_models(ledger_scores_table: pd.DataFrame) -> pd.DataFrame:
    """The same by notebook, quantity and model."""
    return ledger_scores.summary(ledger_scores_table, by=("notebook", "quantity", "model"))


def ledger_pit(ledger_scores_table: pd.DataFrame) -> pd.DataFrame:
    """Where outcomes fell in their forecasts, by fifths: even where forecasts are honest."""
    return ledger_scores.pit_bins(ledger_scores_table)


def ledger_reliability(ledger_frozen: pd.DataFrame, ledger_outcomes: pd.DataFrame) -> pd.DataFrame:
    """Probabilities told against shares seen: ``experiment.ledger_scores.reliability``."""
    return ledger_scores.reliability(ledger_frozen, ledger_outcomes)


def ledger_corrections(ledger_scores_table: pd.DataFrame) -> pd.DataFrame:
    """What is proposed for each kind, and whether it helped later forecasts: ``experiment.ledger_correction``."""
    return ledger_correction.corrections(ledger_scores_table)


def ledger_applied(ledger_corrections: pd.DataFrame) -> dict[str, Any]:
    """The corrections that the next run's forecasts will carry, under ``applied`` by ``<notebook>.<quantity>``."""
    helps = ledger_corrections[ledger_corrections["verdict"] == ledger_correction.Verdict.HELPS.value]
    return {
        "applied": {
            f"{row['notebook']}.{row['quantity']}": {"shift": float(row["shift"]), "widen": float(row["widen"])}
            for row in helps.to_dict("records")
        }
    }


def ledger_late(ledger_scores_table: pd.DataFrame) -> dict[str, Any]:
    """How far data that arrived late have changed earlier scores.

    ``n_changed`` (forecasts whose outcome is another now than when it was scored first), ``largest`` (largest change,
    as a share), ``n_found_off`` (whose customers cannot be found again one for one), ``largest_off`` (as a share).
    """
    scores = ledger_scores_table
    if scores.empty:
        return {"n_changed": 0, "largest": 0.0, "n_found_off": 0, "largest_off": 0.0}
    change = (scores["actual"] - scores["actual_first"]).abs() / scores["actual_first"].abs().clip(lower=1.0)
    off = (scores["n_found"] - scores["n_population"]).abs() / scores["n_population"].clip(lower=1)
    return {
        "n_changed": int((change > 0).sum()),
        "largest": float(np.nan_to_num(change.max())),
        "n_found_off": int((off > 0).sum()),
        "largest_off": float(np.nan_to_num(off.max())),
    }
