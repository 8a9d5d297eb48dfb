"""What the value page shows of ``recipes/value.py``: its numbers, its tables and its words."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.churn import clv, value_words
from analysis.churn.alive_grid import alive_grid as grid_of
from analysis.churn.btyd import catalogue, uncertainty
from analysis.data.connect import Tables
from analysis.errors import AnalysisError
from analysis.evidence import Estimate, Forecast, Observed, grade_of
from analysis.features.ordered_purchases import BOUGHT, purchases_of, revenue_by_month_of_age
from analysis.features.places import places_of, rows_at
from analysis.features.revenue_by_age import MONTH_DAYS
from analysis.growth import unit_economics as economics
from analysis.params import ValueParams
from analysis.recipes.resolver import reads

_GRADE: Final = grade_of(Forecast((Observed(),)))
_LEVEL: Final = 0.80
_MOST_SOURCES: Final = 12
_FEWEST_IN_GROUP: Final = 10
_TOP: Final = 0.2
_SLOPE: Final = "slope_"


@reads(features=("frequency", "days_since_last_order"), customer_values=("p_alive",))
def alive_grid(features: pd.DataFrame, customer_values: pd.DataFrame) -> pd.DataFrame:
    """Mean P(alive) and customers by repeat purchases and days since the last order. See ``churn.alive_grid``."""
    known = features[["frequency", "days_since_last_order"]].assign(p_alive=customer_values["p_alive"].to_numpy())
    return grid_of(known).drop(columns=["frequency_from", "silent_from"])


def _summed(names: Sequence[str]) -> list[str]:
    """Return the columns of ``customer_values`` that sums of customers are made of."""
    return [name for name in names if name in {"customer_id", "p_alive", "clv"} or name.startswith(_SLOPE)]


def _beside(customers: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """Return the customers of whom something is told, with it beside them."""
    place = places_of(customers["customer_id"], among=told["customer_id"])
    known = customers if (place >= 0).all() else customers[place >= 0]
    rows = rows_at(told.drop(columns="customer_id"), places=place[place >= 0])
    return pd.concat([known.reset_index(drop=True), rows], axis=1)


@reads(rfm_tiers=("customer_id", "tier", "tier_zh", "tier_en"), customer_values=_summed)
def clv_by_tier(customer_values: pd.DataFrame, rfm_tiers: pd.DataFrame) -> pd.DataFrame:
    """CLV by RFM tier, one row per tier with customers, best first: a head and in total, each with an 80 % interval."""
    named = rfm_tiers[["tier", "tier_zh", "tier_en"]].drop_duplicates("tier")
    together = _beside(customer_values, rfm_tiers[["customer_id", "tier"]])
    table = _clv_by(together, "tier").merge(named, on="tier")
    front = ["tier", "tier_zh", "tier_en"]
    return table[[*front, *(name for name in table.columns if name not in front)]]


@reads(customer_values=_summed)
def clv_by_source(customer_values: pd.DataFrame, customer_sources: pd.DataFrame) -> pd.DataFrame:
    """CLV by source of acquisition, most a head first (the twelve largest); empty where nobody knows the source."""
    together = _beside(customer_values, customer_sources[["customer_id", "source"]])
    table = _clv_by(together, "source")
    largest = table.sort_values(["n_customers", "source"], ascending=[False, True]).head(_MOST_SOURCES)
    return largest.sort_values("clv_each", ascending=False, ignore_index=True)


def clv_sources_headline(clv_by_source: pd.DataFrame) -> dict[str, Any]:
    """The sources whose customers are worth most and least a head, among ten or more; empty with fewer than two.

    ``claim`` (labels) says that they differ only where the difference of the two means is beyond the luck of who came
    by which source: Welch's test, 95 %, corrected for having picked the two out of all pairs (Bonferroni).
    """
    shown = clv_by_source[clv_by_source["n_customers"] >= _FEWEST_IN_GROUP]
    if len(shown) < 2:
        return {}
    best, least = shown.iloc[0], shown.iloc[-1]
    found: dict[str, Any] = {}
    for place, row in (("best", best), ("least", least)):
        found[f"{place}_source"] = str(row["source"])
        ends = [row[f"clv_each{end}"] for end in ("", "_ci_lower", "_ci_upper")]
        found[f"{place}_each"] = _estimate(ends, "money", n=int(row["n_customers"]))
    found["claim"] = value_words.sources_claim(differ=_differ(best, least, pairs=math.comb(len(shown), 2)))
    return found


def _differ(best: pd.Series, least: pd.Series, *, pairs: int) -> bool:
    """Return whether two groups' means differ beyond the sampling of their customers; the model's error is shared."""
    from scipy.special import ndtri

    error = math.hypot(float(best["clv_each_se"]), float(least["clv_each_se"]))
    return float(best["clv_each"] - least["clv_each"]) > -float(ndtri(0.025 / pairs)) * error


def _clv_by(customers: pd.DataFrame, group: str) -> pd.DataFrame:
    columns = [group, "n_customers", "p_alive", "clv_each", "clv_each_ci_lower", "clv_each_ci_upper"]
    columns += ["clv_each_se", "clv_total", "clv_total_ci_lower", "clv_total_ci_upper", "share_clv", "confidence_level"]
    whole = float(customers["clv"].sum())
    rows = []
    for name, members in customers.groupby(customers.pop(group).astype("category"), observed=True):
        total, n = clv.total_band(members["clv"], slopes=_slopes(members), confidence_level=_LEVEL), len(members)
        share = total.value / whole if whole > 0 else math.nan
        each = [end / n for end in total]
        error = float(members["clv"].std(ddof=1)) / math.sqrt(n)
        rows.append((str(name), n, float(members["p_alive"].mean()), *each, error, *total, share, _LEVEL))
    return pd.DataFrame(rows, columns=columns).sort_values("clv_each", ascending=False, ignore_index=True)


def _slopes(customers: pd.DataFrame) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    return customers[[name for name in customers.columns if str(name).startswith(_SLOPE)]].to_numpy(dtype=float).T


@reads(features=("customer_id", "first_order_on"))
def new_customer_costs(tables: Tables, features: pd.DataFrame, customer_sources: pd.DataFrame) -> pd.DataFrame:
    """New customers and what their acquisition cost, one row per source: ``source``, ``n_new``, ``acquisition_spend``.

    From the ``spend`` table, over its days, else from the customers' own ``acquisition_cost``; empty where neither is
    known. A new customer is one whose first order lies in those days. ``first_on``: the first of those days.
    """
    columns = ["source", "n_new", "acquisition_spend", "first_on"]
    joined = _beside(features[["customer_id", "first_order_on"]], customer_sources)
    if not len(joined):
        return pd.DataFrame(columns=columns)
    if tables.has("spend"):
        spend = tables.lazy("spend").select("date", "source", "amount").collect("pandas").to_native()
        first = pd.Timestamp(spend["date"].min())
        cost = spend.groupby("source")["amount"].sum()
        new = joined[joined["first_order_on"] >= first].groupby("source").size()
    elif customer_sources["acquisition_cost"].notna().any():
        first = pd.Timestamp(joined["first_order_on"].min())
        priced = joined[joined["acquisition_cost"].notna()].groupby("source")
        cost, new = priced["acquisition_cost"].sum(), priced.size()
    else:
        return pd.DataFrame(columns=columns)
    table = pd.DataFrame({"n_new": new, "acquisition_spend": cost}).fillna(0.0)
    table = table.astype({"n_new": "int64", "acquisition_spend": "float64"})
    return table.rename_axis("source").reset_index().assign(first_on=first)[columns]


@reads(features=("customer_id", "first_order_on"), ordered_purchases=BOUGHT)
def margin_curves(
    ordered_purchases: pd.DataFrame,
    as_of: date,
    features: pd.DataFrame,
    customer_sources: pd.DataFrame,
    new_customer_costs: pd.DataFrame,
    value_margin: dict[str, Any],
    value_params: ValueParams,
) -> pd.DataFrame:
    """Cumulative margin of a new customer by month of age and source; empty where no cost is known."""
    if new_customer_costs.empty:
        return pd.DataFrame(columns=economics.CURVE_COLUMNS)
    customers = _beside(features[["customer_id", "first_order_on"]], customer_sources)
    customers = customers[customers["first_order_on"] >= new_customer_costs["first_on"].min()]
    lived = ((pd.Timestamp(as_of) - customers["first_order_on"]).dt.days + 1) / MONTH_DAYS
    return economics.margin_curves(
        customers.assign(months_lived=lived.astype(int)),
        revenue_by_month_of_age(purchases_of(ordered_purchases), as_of=as_of),
        margin_share=value_margin["margin_share"],
        months=max(round(value_params.horizon_days / MONTH_DAYS), 1),
        confidence_level=_LEVEL,
    )


def unit_economics(margin_curves: pd.DataFrame, new_customer_costs: pd.DataFrame) -> pd.DataFrame:
    """LTV : CAC and months to payback by source, all sources (``*``) first; empty where no cost is known."""
    if new_customer_costs.empty:
        return economics.unit_economics(margin_curves, new_customer_costs).head(0)
    table = economics.unit_economics(margin_curves, new_customer_costs).head(_MOST_SOURCES + 1)
    names = {economics.ALL_SOURCES: ("全部来源", "All sources")}
    zh, en = ([names.get(name, (name, name))[i] for name in table["source"]] for i in (0, 1))
    labels = pd.DataFrame({"source": table["source"], "source_zh": zh, "source_en": en})
    return pd.concat([labels, table.drop(columns="source")], axis=1)


def need_weeks(next_need_calendar: pd.DataFrame) -> pd.DataFrame:
    """The calendar of all categories together: one row per week ahead, ``expected_buyers`` with its interval."""
    whole = next_need_calendar[next_need_calendar["category"] == ""]
    columns = ["week_from_on", "week_until_on", "expected_buyers"]
    ends = ["expected_buyers_ci_lower", "expected_buyers_ci_upper", "confidence_level"]
    return whole[[*columns, *ends]].reset_index(drop=True)


def value_model_table(value_holdout: pd.DataFrame) -> pd.DataFrame:
    """Forecast and actual of the holdout by model, for readers: name of the model instead of its slug.

    ``ridge`` (customers) where a weak prior was added to any.
    """
    columns = ["predicted", "predicted_ci_lower", "predicted_ci_upper", "confidence_level", "actual"]
    shown = value_holdout[["model", "n_customers", *columns, "mae", "correlation", "log_score"]]
    if (value_holdout["ridge"] > 0).any():
        shown = shown.assign(ridge=value_holdout["ridge"])
    return shown.assign(model=[catalogue.MODEL_NAMES[str(slug)] for slug in shown["model"]])


@reads(customer_values=lambda names: [name for name in _summed(names) if name != "customer_id"])
def value_headline(
    btyd_today_history: pd.DataFrame,
    customer_values: pd.DataFrame,
    value_model: dict[str, Any],
    value_choice: dict[str, Any],
    value_frame: dict[str, Any],
    value_spend: dict[str, Any],
    value_margin: dict[str, Any],
    value_level: dict[str, Any],
    value_params: ValueParams,
) -> dict[str, Any]:
    """The numbers and words of the page's answer; intervals 80 %."""
    n, horizon = len(customer_values), value_params.horizon_days
    total = clv.total_band(customer_values["clv"], slopes=_slopes(customer_values), confidence_level=_LEVEL)
    purchases = uncertainty.predictive_band(
        catalogue.thaw(value_model),
        btyd_today_history,
        horizon=horizon / value_model["unit_days"],
        confidence_level=_LEVEL,
        level_error=value_level["level_error"],
    )
    worth = np.sort(customer_values["clv"].to_numpy())[::-1]
    top = max(round(_TOP * n), 1)
    return {
        "clv_total": _estimate(total, "money", n=n),
        "clv_each": _estimate([end / n for end in total], "money", n=n),
        "clv_median": Estimate(float(np.median(worth)), "money", grade=_GRADE, n=n),
        "clv_share_top": Estimate(float(worth[:top].sum() / worth.sum()), "share", grade=_GRADE, n=n),
        "clv_top_each": Estimate(float(worth[:top].mean()), "money", grade=_GRADE, n=top),
        "expected_purchases": _estimate(purchases, "count", n=n),
        "n_alive": Estimate(
            float(customer_values["p_alive"].to_numpy() @ (btyd_today_history["frequency"].to_numpy() > 0)),
            "customers",
            grade=_GRADE,
            n=value_frame["n_repeaters"],
        ),
        "n_customers": Estimate(n, "customers"),
        "n_repeaters": Estimate(value_frame["n_repeaters"], "customers"),
        "share_repeaters": Estimate(value_frame["n_repeaters"] / n, "share"),
        "horizon": Estimate(horizon, "days"),
        "discount_rate": Estimate(value_params.discount_rate_yearly, "share"),
        "margin_share": Estimate(value_margin["margin_share"], "share"),
        "model_name": value_choice["name"],
        **value_words.explained(
            value_choice,
            model=value_model,
            spend=value_spend["today"],
            margin=value_margin,
            ridge_of_book=value_params.ridge,
        ),
    }


def value_judgement(
    value_holdout: pd.DataFrame, value_choice: dict[str, Any], value_frame: dict[str, Any]
) -> dict[str, Any]:
    """How the model used did on later purchases, for sentences: forecast, actual, their gap, and the claim in words.

    Raises:
        AnalysisError: If the book keeps so much back that hardly anybody came back before it.
    """
    used = value_holdout[value_holdout["model"] == value_choice["model"]]
    if used.empty and value_frame["kept_back"]:
        raise _holdout_too_long(value_frame)
    if used.empty:
        return {"claim": value_words.NOT_JUDGED}
    row = used.iloc[0]
    forecast = _estimate(
        [row["predicted"], row["predicted_ci_lower"], row["predicted_ci_upper"]], "count", n=int(row["n_customers"])
    )
    actual = float(row["actual"])
    inside = row["predicted_ci_lower"] <= actual <= row["predicted_ci_upper"]
    return {
        "predicted": forecast,
        "actual": Estimate(actual, "count", n=int(row["n_customers"])),
        "gap": Estimate(abs(row["predicted"] / actual - 1) if actual else None, "share"),
        "mae": Estimate(float(row["mae"]), "number"),
        "n_judged": Estimate(int(row["n_customers"]), "customers"),
        "holdout_days": Estimate(value_frame["holdout_periods"] * value_frame["unit_days"], "days"),
        "claim": value_words.tracking_claim(inside=bool(inside), below=bool(row["predicted"] < actual)),
    }


def _holdout_too_long(frame: dict[str, Any]) -> AnalysisError:
    unit = {1: "days", 7: "weeks"}[frame["unit_days"]]
    first, last = (date.fromisoformat(frame[name]) for name in ("first_on", "holdout_ends_on"))
    history = ((last - first).days + 1) // frame["unit_days"]
    return AnalysisError(
        f"holdout_periods keeps back {frame['holdout_periods']} of {history} {unit} of history: before them hardly "
        "anybody came back, so no model can be fitted.",
        hint=f"set notebooks.value.holdout_periods to {max(history // 4, 1)} or so, or leave it out",
    )


def value_decision(unit_economics: pd.DataFrame, value_best_tier: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the decision: a ``source`` whose customers cost more than they earn, else what the best are worth.

    With a source: ``cac``, ``ltv``, ``months`` it counts to, ``worth`` (currency spent above what came back). Sources
    count where even the upper end of LTV : CAC lies below 1. Else ``tier`` and ``clv_best`` (currency a head).
    """
    sources = unit_economics[unit_economics["source"] != economics.ALL_SOURCES]
    losing = sources[(sources["ltv_to_cac_ci_upper"] < 1) & (sources["n_new"] >= _FEWEST_IN_GROUP)]
    if len(losing):
        most = ((losing["cac"] - losing["ltv"]) * losing["n_new"]).to_numpy().argmax()
        worst: Any = losing.iloc[int(most)]
        n = int(worst["n_new"])
        lost = [(worst["cac"] - worst[end]) * n for end in ("ltv", "ltv_ci_upper", "ltv_ci_lower")]
        return {
            "source": str(worst["source"]),
            "cac": Estimate(float(worst["cac"]), "money", n=n),
            "ltv": _estimate([worst["ltv"], worst["ltv_ci_lower"], worst["ltv_ci_upper"]], "money", n=n),
            "months": Estimate(float(worst["months_seen"]), "months"),
            "worth": _estimate(lost, "money", n=n),
        }
    return value_best_tier


def value_best_tier(clv_by_tier: pd.DataFrame) -> dict[str, Any]:
    """The tier worth most a head among those of ten customers or more: ``tier`` and ``clv_best``."""
    shown = clv_by_tier[clv_by_tier["n_customers"] >= _FEWEST_IN_GROUP]
    best: Any = (shown if len(shown) else clv_by_tier).iloc[0]
    ends = [best[f"clv_each{end}"] for end in ("", "_ci_lower", "_ci_upper")]
    return {
        "tier": {"zh": best["tier_zh"], "en": best["tier_en"]},
        "clv_best": _estimate(ends, "money", n=int(best["n_customers"])),
    }


def payback_headline(unit_economics: pd.DataFrame) -> dict[str, Any]:
    """The claim of the payback section by language, with its numbers: all sources together."""
    if unit_economics.empty:
        return {}
    row: Any = unit_economics.iloc[0]
    n = int(row["n_new"])
    ends = [row[f"ltv_to_cac{end}"] for end in ("", "_ci_lower", "_ci_upper")]
    return {
        "ltv_to_cac": _estimate(ends, "ratio", n=n),
        "payback_claim": value_words.payback_claim(months=row["payback_months"], seen=row["months_seen"]),
    }


def value_used(value_choice: dict[str, Any]) -> dict[str, Any]:
    """The entry ``model`` of ``results.json``: the slug used, and why by language."""
    return {"value": value_choice["model"], "reason": value_choice["reason"]}


def value_decision_words(value_decision: dict[str, Any]) -> dict[str, Any]:
    """The decision in words by language; its numbers are those of ``value_decision`` and ``value_headline``."""
    return value_words.STOP_SOURCE if "source" in value_decision else value_words.SPEND_AT_MOST


def value_results(
    btyd_models: pd.DataFrame, value_holdout: pd.DataFrame, value_frame: dict[str, Any]
) -> dict[str, Any]:
    """Entries of ``results.json``: ``<model>.<parameter>``, ``<model>.log_likelihood``, and those of the holdout.

    ``<model>.ridge`` (customers) where a weak prior was added.
    """
    found: dict[str, Any] = {}
    for row in btyd_models.to_dict("records"):
        if row["ridge"] > 0:
            found[f"{row['model']}.ridge"] = Estimate(row["ridge"], "customers")
        ends = [row["value"], row["ci_lower"], row["ci_upper"]]
        found[f"{row['model']}.{row['parameter']}"] = _estimate(
            ends, "number", n=int(row["n_customers"]), level=row["confidence_level"]
        )
    if value_frame["kept_back"]:
        for row in value_holdout.to_dict("records"):
            n = int(row["n_customers"])
            ends = [row["predicted"], row["predicted_ci_lower"], row["predicted_ci_upper"]]
            found[f"{row['model']}.holdout_predicted"] = _estimate(ends, "count", n=n)
            found[f"{row['model']}.holdout_mae"] = Estimate(row["mae"], "number", n=n)
            found[f"{row['model']}.holdout_correlation"] = Estimate(row["correlation"], "score", n=n)
            found["holdout_actual"] = Estimate(row["actual"], "count", n=n)
    return found


def _estimate(ends: Any, unit: str, *, n: int, level: float = _LEVEL) -> Estimate:
    """Return a number with its interval, or without where the interval is not known."""
    value, lower, upper = (float(end) for end in ends)
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return Estimate(value, unit, grade=_GRADE, n=n)
    return Estimate(value, unit, lower, upper, level, _GRADE, n)
