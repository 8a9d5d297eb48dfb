"""What the churn, value and strategies pages forecast, as rows to be frozen: whole distributions, not points.

Every row says who is meant in a way that a later run can find again in the data, and what will be counted of them.
Errors hold the luck of single customers, the parameters of the model and the level of the window ahead, the last one
as far as past windows of that length fell from the model (``forecast_errors``).
"""

import math
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.churn import at_risk
from analysis.churn.btyd import catalogue
from analysis.churn.coming_purchases import Coming, Visits, coming, grouped, level_error
from analysis.churn.relationship.judging import drift_of_levels
from analysis.experiment.ledger import WINDOWS, amount, share_row
from analysis.features.forecast_outcomes import CONTACTS, CUSTOMERS
from analysis.features.replenishment import day_number, known_at, log_of
from analysis.params import ChurnParams, StrategiesParams, ValueParams
from analysis.recipes.resolver import reads
from analysis.stats.forecast_scoring import LEVELS, log_quantiles
from analysis.stats.scoring import Score
from analysis.touch.money import entry
from analysis.touch.outcome import outcome_from
from analysis.touch.season_curve import season_curve, weekly_counts
from analysis.touch.strategies import load_strategies
from analysis.touch.summary import rescaled

_VALUE_DAYS: Final = (28, 91)
"""Days ahead of the value page's forecasts: four and thirteen weeks."""

_EARLY_DAYS: Final = 30
_SILENCE_BANDS: Final = 5
_WINDOW: Final = "next_need_window"
_WINDOWS_KEPT: Final = 2_000
_WINDOW_LEVEL: Final = 0.8
_USUAL_VARIATION: Final = 1.0
"""Standard deviation of an order's value over its mean, where no spend model could be identified."""


@reads(features=("customer_id", "days_since_last_order", "n_orders"))
def churn_forecasts(
    features: pd.DataFrame,
    churn_frame: dict[str, Any],
    churn_scores: pd.DataFrame,
    churn_season: dict[str, Any],
    churn_verdict: dict[str, Any],
    churn_params: ChurnParams,
    contact_delete_scores: pd.DataFrame | None = None,
    relationship_windows: pd.DataFrame | None = None,
    relationship_verdict: dict[str, Any] | None = None,
) -> pd.DataFrame:
    """What the churn page forecasts, one row each: leavers among active customers, their share by group, deletions.

    ``leavers`` with the page's own interval at every level; ``share_leaving.<group>`` the mean probability of groups by
    silence and number of orders, which later runs can find again; ``deletions`` by customers of contacts open today.
    Columns as ``experiment.ledger.amount``. Empty where nothing could be judged.
    """
    horizon = churn_params.horizon_days
    rows: list[dict[str, Any]] = []
    if len(churn_scores) and churn_season:
        drift = at_risk.level_drift(churn_season["next"]["surprises"])
        model, active = str(churn_verdict["column"]), int(churn_frame["active_days"])
        told = _quantiles_of_loss(churn_scores["p_churn"], drift=drift)
        rows.append(
            amount(
                "leavers",
                quantity="leavers",
                horizon_days=horizon,
                population={"who": CUSTOMERS, "active_days": active},
                n_population=len(churn_scores),
                quantiles=told,
                expected=float(churn_scores["p_churn"].sum()),
                model=model,
            )
        )
        rows += _shares_leaving(churn_scores, features, active_days=active, horizon_days=horizon, model=model)
    if contact_delete_scores is not None and relationship_windows is not None and len(contact_delete_scores):
        rows += _deletions(contact_delete_scores, relationship_windows, relationship_verdict, horizon_days=horizon)
    return _table(rows)


def _quantiles_of_loss(p: "pd.Series[float]", *, drift: at_risk.LevelDrift) -> npt.NDArray[np.float64]:
    """Return the quantiles of how many will leave, from the page's interval at every level."""
    middle = len(LEVELS) // 2
    found = np.empty(len(LEVELS))
    for place in range(middle):
        ends: Score = at_risk.expected_loss(p, weight=1.0, drift=drift, confidence_level=1 - 2 * LEVELS[place])
        found[place], found[-1 - place], found[middle] = ends.ci_lower, ends.ci_upper, ends.value
    return found


def _shares_leaving(
    scores: pd.DataFrame, features: pd.DataFrame, *, active_days: int, horizon_days: int, model: str
) -> list[dict[str, Any]]:
    """Return the mean probability of groups that can be found again: by days of silence and number of orders."""
    known = scores[["customer_id", "p_churn"]].merge(
        features[["customer_id", "days_since_last_order", "n_orders"]], on="customer_id"
    )
    silent, orders = (known[name].to_numpy(dtype=np.int64) for name in ("days_since_last_order", "n_orders"))
    cuts = np.unique(np.quantile(silent, np.arange(1, _SILENCE_BANDS) / _SILENCE_BANDS, method="lower"))
    often = int(np.quantile(orders, 0.5, method="lower"))
    rows = []
    bounds = [-1, *cuts.tolist(), active_days]
    for low, high in pairwise(bounds):
        for least, most in ((1, often), (often + 1, None)):
            group = (silent > low) & (silent <= high) & (orders >= least) & (orders <= (most or orders.max()))
            if not group.any():
                continue
            population = {
                "who": CUSTOMERS,
                "silent_from": low + 1,
                "silent_to": high,
                "orders_from": least,
                "orders_to": most,
            }
            rows.append(
                share_row(
                    f"share_leaving.{low + 1}-{high}.{least}",
                    quantity="leavers",
                    horizon_days=horizon_days,
                    population=population,
                    n_population=int(group.sum()),
                    probability=float(known.loc[group, "p_churn"].mean()),
                    model=model,
                )
            )
    return rows


def _deletions(
    scores: pd.DataFrame, windows: pd.DataFrame, verdict: dict[str, Any] | None, *, horizon_days: int
) -> list[dict[str, Any]]:
    drift = drift_of_levels(windows["n_deleted"], windows["n_expected"])
    if drift is None:
        return []
    return [
        amount(
            "deletions",
            quantity="deletions",
            horizon_days=horizon_days,
            population={"who": CONTACTS},
            n_population=len(scores),
            quantiles=_quantiles_of_loss(scores["p_delete"], drift=drift),
            expected=float(scores["p_delete"].sum()),
            model=str(verdict["column"] if verdict else "p_baseline"),
        )
    ]


def forecast_errors(
    next_need_log: pd.DataFrame,
    value_model: dict[str, Any],
    strategies_params: StrategiesParams,
    as_of: date,
) -> pd.DataFrame:
    """How far the level of a window may fall from the purchase model, one row per kind and length of window.

    ``horizon_days``, ``season`` (whether the forecast is moved by the season, as it was known when each past window
    began), ``level_error`` (standard error of the logarithm, beyond luck), ``degrees`` (of freedom) and ``n_windows``
    (past windows it was learnt from, at most twelve).
    """
    today = day_number(as_of)
    seen = known_at(log_of(next_need_log), today)
    pairs = np.unique(np.column_stack([seen.customer, seen.day]).astype(np.int64), axis=0)
    visits, model = Visits(pairs[:, 0], pairs[:, 1]), catalogue.thaw(value_model)
    rows = []
    asked = [(days, False) for days in _VALUE_DAYS]
    asked += [(days, True) for days in sorted({_EARLY_DAYS, strategies_params.horizon_days})]
    unit = float(value_model["unit_days"])
    for horizon, season in asked:
        pace = partial(_pace, visits, days=horizon) if season and _pace(visits, today, days=horizon) else None
        found = level_error(model, visits, today=today, horizon_days=horizon, unit_days=unit, pace=pace)
        rows.append((horizon, season, *found))
    return pd.DataFrame(rows, columns=["horizon_days", "season", "level_error", "degrees", "n_windows"])


def _pace(visits: Visits, day: int, *, days: int) -> float | None:
    """Return the mean factor of the season over the days after a day, by what was known on it; None: no season."""
    seen = visits.day <= day
    orders, there = weekly_counts(visits.day[seen], customer=visits.customer[seen], last_day=day)
    curve = season_curve(orders, there, horizon_days=days)
    return float(curve.factors.mean()) if curve.known else None


@reads(customer_values=("order_value",))
def value_forecasts(
    btyd_today_history: pd.DataFrame,
    customer_values: pd.DataFrame,
    value_model: dict[str, Any],
    value_spend: dict[str, Any],
    value_windows: pd.DataFrame,
    forecast_errors: pd.DataFrame,
    value_params: ValueParams,
) -> pd.DataFrame:
    """What the value page forecasts, one row each: orders and revenue of today's customers in the next 4 and 13 weeks.

    Orders of one customer and day count once. Errors hold luck, parameters and the level of the window. And one row for
    the windows of the next purchase: that four in five of those who buy will do so within theirs.
    """
    model, unit = catalogue.thaw(value_model), float(value_model["unit_days"])
    customers = {name: btyd_today_history[name].to_numpy(dtype=float) for name in btyd_today_history.columns}
    worth, spend = customer_values["order_value"].to_numpy(dtype=float), value_spend["today"]
    # Gamma-Gamma: a purchase day's value is Gamma(p, ·), whose deviation over its mean is 1 / sqrt(p)
    variation = 1 / math.sqrt(spend["parameters"]["p"]) if spend["usable"] else _USUAL_VARIATION
    alike, rows = grouped(customers), []
    for days in _VALUE_DAYS:
        for quantity, value, spread in (("purchase_days", 1.0, 0.0), ("revenue", worth, variation)):
            found = coming(model, customers, horizon=days / unit, value=value, variation=spread, groups=alike)
            rows.append(
                amount(
                    quantity,
                    quantity=quantity,
                    horizon_days=days,
                    population={"who": CUSTOMERS},
                    n_population=len(worth),
                    quantiles=_with_level(found, forecast_errors, days=days, season=False),
                    expected=found.expected,
                    model=str(value_model["model"]),
                )
            )
    if len(value_windows):
        rows.append(
            share_row(
                _WINDOW,
                quantity="window_hits",
                horizon_days=value_params.next_need_days,
                population={"who": WINDOWS},
                n_population=len(value_windows),
                probability=_WINDOW_LEVEL,
                model="next_need",
            )
        )
    return _table(rows)


def value_windows(next_need: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The windows of the next purchase of some customers, one row each.

    ``name`` (of the forecast), ``customer_id``, ``from_on``, ``until_on``. At most 2,000 customers, drawn at random:
    enough to tell 80 % from 77 %, and little personal to keep.
    """
    columns = {"next_need_from_on": "from_on", "next_need_until_on": "until_on"}
    known = next_need.dropna(subset=list(columns)).sort_values("customer_id")[["customer_id", *columns]]
    drawn = known.sample(min(len(known), _WINDOWS_KEPT), random_state=seed).sort_values("customer_id")
    return drawn.rename(columns=columns).assign(name=_WINDOW).reset_index(drop=True)


def _with_level(found: Coming, errors: pd.DataFrame, *, days: int, season: bool) -> npt.NDArray[np.float64]:
    level = errors.loc[(errors["horizon_days"] == days) & (errors["season"] == season)].iloc[0]
    error = math.sqrt(found.parameter_error**2 + found.luck_error**2 + float(level["level_error"]) ** 2)
    return log_quantiles(found.expected, error=error, degrees=float(level["degrees"]))


def strategy_forecasts(
    strategy_totals: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategies_params: StrategiesParams,
    btyd_today_history: pd.DataFrame | None = None,
    value_model: dict[str, Any] | None = None,
    forecast_errors: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What the simulation says of going on as before, one row each: orders, revenue and buyers, early and at the end.

    The other strategies say what would happen if they were carried out, which nobody can look up afterwards. The spread
    between replicates holds luck and what is not known of the effects; that of the purchase clock's parameters and of
    the window's level come on top.
    """
    names = [plan.name for plan in load_strategies(strategies_params.strategies).strategies if plan.as_history]
    if not names or forecast_errors is None or value_model is None or btyd_today_history is None:
        return _table([])
    outcome = outcome_from(strategy_totals, effects=strategy_effects)
    model, unit = catalogue.thaw(value_model), float(value_model["unit_days"])
    customers = {name: btyd_today_history[name].to_numpy(dtype=float) for name in btyd_today_history.columns}
    alike, rows = grouped(customers), []
    for place, days in enumerate(outcome.checkpoints):
        totals = outcome.totals[outcome.strategies.index(names[0]), place]
        revenue = totals[:, entry("margin")] / float(strategy_economics["margin_share"]) + totals[:, entry("coupons")]
        unknown = coming(model, customers, horizon=days / unit, groups=alike).parameter_error
        for quantity, values in (
            ("purchase_days", totals[:, entry("orders")]),
            ("revenue", revenue),
            ("buyers", totals[:, entry("repurchasers")]),
        ):
            share = outcome.n_simulated / outcome.n_customers
            draws = rescaled(values, lanes_per_draw=outcome.lanes_per_draw, sample_share=share)
            mean = float(draws.mean())
            spread = float(draws.std(ddof=1)) / mean if mean > 0 else 0.0
            found = Coming(mean, unknown, spread)
            rows.append(
                amount(
                    quantity,
                    quantity=quantity,
                    horizon_days=int(days),
                    population={"who": CUSTOMERS},
                    n_population=outcome.n_customers,
                    quantiles=_with_level(found, forecast_errors, days=int(days), season=True),
                    expected=mean,
                    model="simulation",
                )
            )
    return _table(rows)


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = (
        "name",
        "kind",
        "quantity",
        "horizon_days",
        "population",
        "n_population",
        "unit",
        "expected",
        "quantiles",
        "model",
    )
    return pd.DataFrame(rows, columns=list(columns))
