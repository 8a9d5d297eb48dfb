"""What customers are worth: buy-till-you-die models fitted, judged on what came later, and the value of each customer.

The chain: ``value_frame`` (which days) → ``btyd_history`` (the calibration period and what followed) → ``btyd_judged``
(every model fitted on it) → ``value_holdout`` (forecast against actual) → ``value_choice`` (the model used, and why) →
``value_model`` (that model on all history) → ``customer_values`` (every customer) → the tables of the page
(``value_page``).
"""

import math
from datetime import date
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.churn import clv, model_choice
from analysis.churn.btyd import catalogue, uncertainty
from analysis.churn.spend import OrderValues, fit_spend, gamma_gamma_order_values, shrunken_order_values
from analysis.churn.tracking import track_repeat_purchases
from analysis.data.connect import Tables
from analysis.errors import TooFewError
from analysis.features.ordered_purchases import BOUGHT, history_at, holdout_after, purchase_days_of, purchases_of
from analysis.params import ValueParams
from analysis.periods import days_before
from analysis.recipes.resolver import reads

_UNIT_DAYS: Final = {"day": 1, "week": 7}
_FIT_CUSTOMERS: Final = 50_000
"""Customers a model is fitted on at most, drawn at random: their parameters are known to a percent or two, which the
intervals hold, and which is little beside the level of the time ahead."""

_FEWEST_REPEATS: Final = 10
"""Customers who came back: with fewer there is no rate to learn."""

_LATE_SHARE: Final = 0.25
"""Of history: what judges the models where the book keeps nothing back."""

_LEVEL: Final = 0.80
_PARAMETER_LEVEL: Final = 0.95


@reads(features=("frequency", "first_order_on"))
def value_frame(features: pd.DataFrame, as_of: date, value_params: ValueParams) -> dict[str, Any]:
    """Which days the models are fitted on and judged by.

    Keys: ``unit_days``, ``first_on``, ``calibration_ends_on``, ``holdout_ends_on`` (days), ``holdout_periods`` (time
    units), ``kept_back`` (whether the book asked for the holdout, else it is the last quarter of history),
    ``n_customers``, ``n_repeaters`` (of all history).

    Raises:
        TooFewError: If fewer than ten customers came back: the rate of a clock that never ticked twice has no bound.
    """
    came_back = int((features["frequency"] > 0).sum())
    if came_back < _FEWEST_REPEATS:
        raise TooFewError(came_back, needed=_FEWEST_REPEATS, needed_by="value", came_back=True)
    unit = _UNIT_DAYS[value_params.time_unit]
    first = features["first_order_on"].min().date()
    periods = value_params.holdout_periods
    if periods is None:
        periods = max(int(((as_of - first).days + 1) * _LATE_SHARE) // unit, 1)
    ends = days_before(as_of, days=periods * unit)
    return {
        "unit_days": unit,
        "first_on": first.isoformat(),
        "calibration_ends_on": ends.isoformat(),
        "holdout_ends_on": as_of.isoformat(),
        "holdout_periods": periods,
        "kept_back": value_params.holdout_periods is not None,
        "n_customers": len(features),
        "n_repeaters": came_back,
    }


@reads(ordered_purchases=BOUGHT)
def btyd_history(ordered_purchases: pd.DataFrame, value_frame: dict[str, Any]) -> pd.DataFrame:
    """The calibration period and what followed, one row per customer who began in it.

    ``frequency`` (repeat purchase days), ``recency`` and ``T`` (time units), ``monetary_value`` (currency, per repeat
    purchase day); ``holdout_purchases`` (purchase days after it), ``holdout_revenue`` (currency).
    """
    ends, last = (date.fromisoformat(value_frame[name]) for name in ("calibration_ends_on", "holdout_ends_on"))
    purchases = purchases_of(ordered_purchases)
    known = history_at(purchases, as_of=ends, unit_days=value_frame["unit_days"])
    later = holdout_after(purchases, calibration_ends_on=ends, holdout_ends_on=last)
    return known.assign(holdout_purchases=later["holdout_purchases"], holdout_revenue=later["holdout_revenue"])


def btyd_judged(btyd_history: pd.DataFrame, value_params: ValueParams, seed: int) -> dict[str, Any]:
    """Every model of the book, fitted on the calibration period, by slug; empty where hardly anybody came back in it.

    Above 50,000 customers a random sample of so many is fitted. A model whose parameters the data do not fix is
    fitted with a weak prior worth one customer, and says so.
    """
    if int((btyd_history["frequency"] > 0).sum()) < _FEWEST_REPEATS:
        return {}
    return _fitted(btyd_history, slugs=value_params.models, ridge=value_params.ridge, seed=seed)


def value_holdout(btyd_history: pd.DataFrame, btyd_judged: dict[str, Any], value_frame: dict[str, Any]) -> pd.DataFrame:
    """Forecast and actual purchase days of the holdout, one row per model.

    ``predicted`` with an 80 % interval for what would be counted (parameters and luck), ``actual``; per customer:
    ``mae``, ``rmse``, ``correlation``, ``log_score`` (mean log probability of the actual count) with its distance from
    the first model of the book, ``log_score_gain``, and that distance's standard error.
    """
    horizon = float(value_frame["holdout_periods"])
    counts = btyd_history["holdout_purchases"].to_numpy(dtype=float)
    rows: list[dict[str, Any]] = []
    first: Any = None
    for slug, kept in btyd_judged.items():
        model = catalogue.thaw(kept)
        said = model_choice.judge(model, btyd_history, horizon=horizon, counts=counts)
        first = said.log_scores if first is None else first
        gain = said.log_scores - first
        total = uncertainty.predictive_band(model, btyd_history, horizon=horizon, confidence_level=_LEVEL)
        rows.append(
            {
                "model": slug,
                "n_customers": len(counts),
                "predicted": total.value,
                "predicted_ci_lower": total.ci_lower,
                "predicted_ci_upper": total.ci_upper,
                "confidence_level": _LEVEL,
                "actual": float(counts.sum()),
                "mae": said.mae,
                "rmse": said.rmse,
                "correlation": said.correlation,
                "log_score": float(said.log_scores.mean()),
                "log_score_gain": float(gain.mean()),
                "log_score_gain_error": float(gain.std() / math.sqrt(len(gain))),
                "ridge": kept["ridge"],
                "usable": kept["usable"],
            }
        )
    return pd.DataFrame(rows, columns=model_choice.HOLDOUT_COLUMNS)


def value_choice(value_holdout: pd.DataFrame, value_params: ValueParams) -> dict[str, Any]:
    """The model used and why: ``model`` (slug), ``name``, ``judged``, and ``reason`` by language.

    The first model of the book, unless another one gives the counts of the holdout a clearly higher probability
    (log score, 95 %). Where nothing could be judged, the first.
    """
    return model_choice.choose(value_holdout, slugs=value_params.models)._asdict()


def value_level(value_holdout: pd.DataFrame, value_choice: dict[str, Any]) -> dict[str, Any]:
    """By how much the model used missed the level of later purchases beyond its own interval: ``level_error``, log."""
    used = value_holdout[value_holdout["model"] == value_choice["model"]]
    if used.empty:
        return {"level_error": 0.0}
    row = used.iloc[0]
    missed = model_choice.level_error(
        float(row["predicted"]),
        ci_lower=float(row["predicted_ci_lower"]),
        ci_upper=float(row["predicted_ci_upper"]),
        confidence_level=_LEVEL,
        actual=float(row["actual"]),
    )
    return {"level_error": missed}


@reads(features=("customer_id", "frequency", "recency", "T"), ordered_purchases=BOUGHT)
def btyd_today_history(
    features: pd.DataFrame, ordered_purchases: pd.DataFrame, value_frame: dict[str, Any], value_params: ValueParams
) -> pd.DataFrame:
    """All history of every customer in the time unit of ``value_frame``: ``frequency``, ``recency``, ``T``.

    Where a model of the book finds its own regularity, ``sum_log_gaps`` too.
    """
    today = _today(features, value_frame)
    if not set(catalogue.WITH_GAPS) & set(value_params.models):
        return today
    ends, unit = date.fromisoformat(value_frame["holdout_ends_on"]), value_frame["unit_days"]
    known = history_at(purchases_of(ordered_purchases), as_of=ends, unit_days=unit).set_index("customer_id")
    return today.assign(sum_log_gaps=known["sum_log_gaps"].reindex(features["customer_id"]).to_numpy(dtype=float))


def value_model(
    btyd_today_history: pd.DataFrame,
    value_frame: dict[str, Any],
    value_choice: dict[str, Any],
    value_params: ValueParams,
    seed: int,
) -> dict[str, Any]:
    """The model used, fitted on all history, frozen, with the time unit in ``unit_days``."""
    slugs = [value_choice["model"]]
    fitted = _fitted(btyd_today_history, slugs=slugs, ridge=value_params.ridge, seed=seed)
    return {**fitted[value_choice["model"]], "unit_days": value_frame["unit_days"]}


def btyd_today(
    btyd_today_history: pd.DataFrame,
    value_frame: dict[str, Any],
    value_model: dict[str, Any],
    value_params: ValueParams,
    seed: int,
) -> dict[str, Any]:
    """Every model of the book on all history, by slug; only the one used where the book keeps a holdout back."""
    found = {value_model["model"]: {k: v for k, v in value_model.items() if k != "unit_days"}}
    if not value_frame["kept_back"]:
        others = [slug for slug in value_params.models if slug not in found]
        found |= _fitted(btyd_today_history, slugs=others, ridge=value_params.ridge, seed=seed)
    return found


@reads(features=("frequency", "monetary_value"))
def value_spend(
    features: pd.DataFrame, btyd_history: pd.DataFrame, value_frame: dict[str, Any], value_params: ValueParams
) -> dict[str, Any]:
    """Gamma-Gamma of the value of a repeat purchase day: ``calibration`` (where a holdout is kept back) and ``today``.

    Each a frozen fit with ``usable`` and ``correlation`` (of frequency and value among those who came back: the model
    takes it as zero). Not usable: order values are drawn towards the mean of all instead.
    """
    found = {"today": fit_spend(features, ridge=value_params.ridge)._asdict()}
    if value_frame["kept_back"]:
        found["calibration"] = fit_spend(btyd_history, ridge=value_params.ridge)._asdict()
    return found


def btyd_models(
    btyd_judged: dict[str, Any],
    btyd_today: dict[str, Any],
    value_frame: dict[str, Any],
    value_spend: dict[str, Any],
) -> pd.DataFrame:
    """One row per model and parameter, and one with its log-likelihood; on the calibration period if one was set.

    ``model``, ``parameter`` (``log_likelihood`` among them), ``value``, ``standard_error``, ``ci_lower`` and
    ``ci_upper`` (95 %), ``confidence_level``, ``n_customers`` fitted on, ``ridge``, ``usable``, ``advice``.
    """
    kept_back = value_frame["kept_back"]
    fits = list((btyd_judged if kept_back else btyd_today).values())
    spend = value_spend["calibration" if kept_back else "today"]
    fits += [spend] if spend["parameters"] else []
    rows = [row for kept in fits for row in model_choice.parameter_rows(kept, confidence_level=_PARAMETER_LEVEL)]
    return pd.DataFrame(rows, columns=model_choice.PARAMETER_COLUMNS)


@reads(ordered_purchases=BOUGHT)
def tracking(
    ordered_purchases: pd.DataFrame,
    btyd_judged: dict[str, Any],
    value_choice: dict[str, Any],
    value_frame: dict[str, Any],
) -> pd.DataFrame:
    """Cumulative repeat purchase days of the calibration period's customers by week, actual against the model used.

    Counted from the first day of all, as the papers do. See ``churn.tracking``; empty where nothing was judged.
    """
    ends, last = (date.fromisoformat(value_frame[name]) for name in ("calibration_ends_on", "holdout_ends_on"))
    if value_choice["model"] not in btyd_judged:
        return pd.DataFrame()
    return track_repeat_purchases(
        catalogue.thaw(btyd_judged[value_choice["model"]]),
        purchase_days_of(purchases_of(ordered_purchases), as_of=last, began_by=ends),
        unit_days=value_frame["unit_days"],
        calibration_ends_on=ends,
        ends_on=last,
        confidence_level=_LEVEL,
    )


def value_margin(strategy_economics: dict[str, Any], value_params: ValueParams) -> dict[str, Any]:
    """Margin of an order's amount: ``margin_share`` (0-1) and its ``origin``: ``given``, ``measured`` or ``assumed``.

    The book's own, else measured where orders carry a cost, else that of the strategies file: as strategies count it.
    """
    if value_params.margin_share is not None:
        return {"margin_share": value_params.margin_share, "origin": "given"}
    measured = strategy_economics["margin_measured"]
    return {
        "margin_share": strategy_economics["margin_share"],
        "origin": "measured" if measured else "assumed",
    }


@reads(features=("customer_id", "frequency", "monetary_value", "revenue"))
def customer_values(
    features: pd.DataFrame,
    btyd_today_history: pd.DataFrame,
    value_model: dict[str, Any],
    value_spend: dict[str, Any],
    value_margin: dict[str, Any],
    value_level: dict[str, Any],
    value_params: ValueParams,
) -> pd.DataFrame:
    """Every customer with their value, one row each, and how it moves with the models' parameters.

    ``p_alive``, ``expected_purchases`` (within ``horizon_days``), ``clv`` (currency, margin, discounted) with 80 %
    intervals ``…_ci_lower`` and ``…_ci_upper`` (parameters of both models, and the level as far as the last forecast
    missed it), ``order_value`` (currency); ``slope_<i>``: of log ``clv`` in the i-th
    log-parameter divided by its standard error, so that the errors of a sum of customers add up.
    """
    unit = value_model["unit_days"]
    values = clv.customer_values(
        catalogue.thaw(value_model),
        btyd_today_history,
        orders=_order_values(features, value_spend["today"]),
        margin_share=value_margin["margin_share"],
        horizon=value_params.horizon_days / unit,
        discount_rate=math.log1p(value_params.discount_rate_yearly) * unit / 365,
        level_error=value_level["level_error"],
        confidence_level=_LEVEL,
    )
    table = pd.DataFrame({"customer_id": features["customer_id"]})
    for name in ("p_alive", "expected_purchases", "clv"):
        found = getattr(values, name)
        table[name], table[f"{name}_ci_lower"], table[f"{name}_ci_upper"] = found
    table["order_value"] = values.order_value
    directions = clv.independent_slopes(values)
    return table.assign(confidence_level=_LEVEL, **{f"slope_{i}": row for i, row in enumerate(directions)})


@reads(customer_values=lambda names: [name for name in names if not name.startswith("slope_")])
def customer_value(customer_values: pd.DataFrame) -> pd.DataFrame:
    """The value of each customer, one row each: ``customer_values`` without its working columns."""
    return customer_values[[name for name in customer_values.columns if not str(name).startswith("slope_")]]


def customer_sources(tables: Tables) -> pd.DataFrame:
    """Where each customer came from: ``customer_id``, ``source``, ``acquisition_cost``; empty where nobody knows."""
    columns = [name for name in ("source", "acquisition_cost") if tables.has_column("customers", name)]
    if "source" not in columns:
        return pd.DataFrame(columns=["customer_id", "source", "acquisition_cost"])
    known = tables.lazy("customers").select("customer_id", *columns).filter(~nw.col("source").is_null())
    frame: pd.DataFrame = known.collect("pandas").to_native()
    return frame.sort_values("customer_id", ignore_index=True).reindex(
        columns=["customer_id", "source", "acquisition_cost"]
    )


def _fitted(history: pd.DataFrame, *, slugs: list[Any], ridge: float, seed: int) -> dict[str, Any]:
    sample = history
    if len(history) > _FIT_CUSTOMERS:
        chosen = np.random.default_rng(seed).choice(len(history), _FIT_CUSTOMERS, replace=False)
        sample = history.iloc[np.sort(chosen)]
    return {slug: catalogue.fit_model(slug, sample, ridge=ridge)._asdict() for slug in slugs}


def _today(features: pd.DataFrame, frame: dict[str, Any]) -> pd.DataFrame:
    """Return frequency, recency and T of all history in the book's time unit."""
    unit = frame["unit_days"]
    return pd.DataFrame(
        {
            "frequency": features["frequency"].to_numpy(dtype=float),
            "recency": features["recency"].to_numpy(dtype=float) / unit,
            "T": features["T"].to_numpy(dtype=float) / unit,
        }
    )


def _order_values(features: pd.DataFrame, spend: dict[str, Any]) -> OrderValues:
    if spend["usable"]:
        return gamma_gamma_order_values(spend, features)
    return shrunken_order_values(features["frequency"].to_numpy(dtype=float) + 1, features["revenue"].to_numpy(float))
