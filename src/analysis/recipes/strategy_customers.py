"""The customers as the audiences of strategies see them: all that other recipes know of them, side by side."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.data.connect import Tables
from analysis.features.places import places_of, said_of
from analysis.features.table import FEATURES_FOR_MODELS
from analysis.params import StrategiesParams
from analysis.recipes.resolver import reads
from analysis.touch.effects import central_effects, load_effects
from analysis.touch.messages import registered_messages
from analysis.touch.population import HISTORY_PREFIX, REFUSAL_PREFIX, drawn_by_value, population_columns
from analysis.touch.strategies import check_columns, load_strategies
from analysis.touch.uplift_rank import expected_uplift, uplift_rank

_HISTORY_DAYS: Final = 90
_PRIOR_ORDERS: Final = 2.0  # a customer's order value is drawn towards the shop's with the weight of two orders
_CHURN_DAYS: Final = 60.0  # horizon of the clock's own chance of no order, for customers without a score
_HOURS: Final = {"share_morning": 10, "share_afternoon": 15, "share_evening": 20, "share_night": 22}
# What other recipes say of a customer, where they can; a missing value fulfils no comparison.
_SAID: Final = {
    "delete_scores": ("p_delete", "n_open_contacts"),
    "customer_value": ("clv",),
    "rfm_tiers": ("tier", "tier_zh", "tier_en"),
}
_NEED_DAYS: Final = ("next_need_from", "next_need_middle", "next_need_until")
_MAY_BE_UNKNOWN: Final = {
    **dict.fromkeys(("p_delete", "n_open_contacts", "clv", "p_purchase", "key_hour"), "float64"),
    **{f"{name}_days": "float64" for name in _NEED_DAYS},
    **{f"{name}_on": "datetime64[ns]" for name in _NEED_DAYS},
    **dict.fromkeys(("tier", "tier_zh", "tier_en", "next_need_category"), "string"),
}

_DRAWN_FROM: Final = 100_000
"""Customers of a large brand among whom replicates draw theirs, see ``strategy_population``."""
_ASSIGNED: Final = f"n_assigned_{_HISTORY_DAYS}d__"


def _looked_at(names: Sequence[str], params: Mapping[str, Any]) -> list[str]:
    """Return the columns that the audiences of strategies and messages, the simulation and the plan look at."""
    plans = load_strategies(params["strategies"].strategies)
    messages = registered_messages(params["send_plan"].messages)
    wanted = {"customer_id", "revenue", "n_contacts", *_HOURS}
    wanted |= {condition.column for message in messages for condition in message.audience}
    wanted |= {*population_columns(names, strategies=plans, segment_by="tier")}
    return [name for name in names if name in wanted or name.startswith(_ASSIGNED)]


@reads(
    features=_looked_at,
    delete_scores=("customer_id", *_SAID["delete_scores"]),
    customer_value=("customer_id", *_SAID["customer_value"]),
    rfm_tiers=("customer_id", *_SAID["rfm_tiers"]),
    churn_scores=("customer_id", "p_churn"),
    next_need=("customer_id", "p_purchase", "next_need_category", *(f"{name}_on" for name in _NEED_DAYS)),
)
def strategy_customers(
    features: pd.DataFrame,
    purchase_clock: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategies_params: StrategiesParams,
    tables: Tables,
    as_of: date,
    churn_scores: pd.DataFrame | None = None,
    delete_scores: pd.DataFrame | None = None,
    customer_value: pd.DataFrame | None = None,
    next_need: pd.DataFrame | None = None,
    rfm_tiers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The customers as audiences see them, one row each: features, clock, scores, and what can be done with them.

    Of the features those that the audiences of strategies or messages look at, and those that others are made of.

    Adds ``p_churn`` (from ``churn_scores``; for customers without a score the clock's chance of no order in 60 days),
    ``p_delete``, ``clv``, ``tier``, ``p_purchase``, ``next_need_from_days``, ``_middle_days`` and ``_until_days``
    (days from ``as_of``; the days themselves end in ``_on``), ``key_hour`` (0-23), ``refuses_<channel>`` (by the last
    consent), ``expected_uplift`` (currency, of one private message) and ``uplift_rank`` (0-1, near 0 the best);
    ``order_value`` (currency, drawn towards the shop's mean), ``is_contact`` (everyone where contacts are not known)
    and ``touches_per_day_<channel>`` (assigned, of the last 90 days). What the data cannot tell is a missing value.

    Raises:
        BookError: If the strategies name a column that no customer table has; with its line.
    """
    table = _joined(features, purchase_clock, columns=tuple(map(str, purchase_clock.columns[1:])))
    given = {"delete_scores": delete_scores, "customer_value": customer_value, "rfm_tiers": rfm_tiers}
    for name, said in _SAID.items():
        table = _joined(table, given[name], columns=said)
    table = _with_next_need(table, next_need, as_of=as_of)
    table = _with_churn(table, churn_scores)
    table["order_value"] = _order_value(table)
    table["days_since_last_order"] = table["days_since_last_order"].astype(float)
    table["is_contact"] = table["n_contacts"].fillna(0) > 0 if tables.has("contacts") else True
    table["key_hour"] = _key_hour(table)
    columns = {**_history(features), **_refusals(tables, table["customer_id"])}
    absent = {name: kind for name, kind in _MAY_BE_UNKNOWN.items() if name not in table}
    columns |= {name: pd.Series(None, index=table.index, dtype=kind) for name, kind in absent.items()}
    table = pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)
    effects = {
        name: float(value[0]) for name, value in central_effects(load_effects(strategies_params.effects)).items()
    }
    table["expected_uplift"] = expected_uplift(
        table, channels=strategy_channels, effects=effects, economics=strategy_economics
    )
    table["uplift_rank"] = uplift_rank(table["expected_uplift"].to_numpy())
    known = [*FEATURES_FOR_MODELS, *(str(name) for name in table.columns)]
    looked_at = check_columns(strategies_params.strategies, columns=known)
    return table.assign(**{name: np.nan for name in looked_at if name not in table})


def _simulated(names: Sequence[str], params: Mapping[str, Any]) -> list[str]:
    """Return the columns that the simulation looks at."""
    plans = load_strategies(params["strategies"].strategies)
    return population_columns(names, strategies=plans, segment_by="tier")


@reads(strategy_customers=_simulated)
def strategy_population(
    strategy_customers: pd.DataFrame, strategies_params: StrategiesParams, seed: int
) -> pd.DataFrame:
    """The customers as the simulation takes them: of ``strategy_customers`` the columns that it looks at.

    Where replicates simulate a sample of the customers anyway, they draw it from 100,000 of them (or from as many as
    the sample has): one of each slice by expected value, with ``stands_for``, how many customers it stands for. Forty
    replicates then share theirs where all together draw 50,000, as 200 of 10,000 customers do.
    """
    plans, sample = load_strategies(strategies_params.strategies), strategies_params.sample_customers
    names = population_columns(list(map(str, strategy_customers.columns)), strategies=plans, segment_by="tier")
    table = strategy_customers[names]
    drawn_from = len(table) if sample is None else max(sample, _DRAWN_FROM)
    return table if len(table) <= drawn_from else drawn_by_value(table, n=drawn_from, seed=seed)


def _joined(table: pd.DataFrame, said: pd.DataFrame | None, *, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return the table with those columns of a recipe; its own columns of that name stay."""
    if said is None or "customer_id" not in said:
        return table
    wanted = [name for name in columns if name in said and name not in table]
    known = said_of(table["customer_id"], said=said, columns=wanted).set_axis(table.index)
    return pd.concat([table, known], axis=1)


def _with_next_need(table: pd.DataFrame, said: pd.DataFrame | None, *, as_of: date) -> pd.DataFrame:
    days = tuple(f"{name}_on" for name in _NEED_DAYS)
    table = _joined(table, said, columns=("p_purchase", "next_need_category", *days))
    today = pd.Timestamp(as_of)
    for name in _NEED_DAYS:
        if f"{name}_on" in table:
            table[f"{name}_days"] = (pd.to_datetime(table[f"{name}_on"]) - today).dt.days.astype(float)
    return table


def _with_churn(table: pd.DataFrame, said: pd.DataFrame | None) -> pd.DataFrame:
    table = _joined(table, said, columns=("p_churn",))
    silent = (table["rate_days"] / (table["rate_days"] + _CHURN_DAYS)) ** table["rate_shape"]
    by_clock = 1 - table["p_alive"] * (1 - silent)
    scored = table["p_churn"].astype(float) if "p_churn" in table else by_clock
    return table.assign(p_churn=scored.fillna(by_clock))


def _order_value(table: pd.DataFrame) -> "pd.Series[float]":
    orders, revenue = table["n_orders"].astype(float), table["revenue"].astype(float)
    overall = float(revenue.sum() / max(orders.sum(), 1.0))
    return ((revenue + _PRIOR_ORDERS * overall) / (orders + _PRIOR_ORDERS)).clip(lower=0.0)


def _key_hour(table: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return the hour in the middle of the part of the day in which each customer orders most; NaN if unknown."""
    parts = [name for name in _HOURS if name in table]
    if not parts:
        return np.full(len(table), np.nan)
    shares = table[parts].astype(float).fillna(0.0).to_numpy()
    hours = np.array([float(_HOURS[name]) for name in parts])[shares.argmax(axis=1)]
    return np.where(shares.max(axis=1) > 0, hours, np.nan)


def _history(features: pd.DataFrame) -> dict[str, Any]:
    marker = f"n_assigned_{_HISTORY_DAYS}d__"
    columns = [str(name) for name in features.columns if str(name).startswith(marker)]
    return {
        f"{HISTORY_PREFIX}{name.removeprefix(marker)}": features[name].astype(float).fillna(0.0).to_numpy()
        / _HISTORY_DAYS
        for name in columns
    }


def _refusals(tables: Tables, customer_id: "pd.Series[str]") -> dict[str, Any]:
    """Return who refuses a channel by the last consent known; of two at one time the refusal counts."""
    import pyarrow.compute as pc

    if not tables.has("consents"):
        return {}
    wanted = ("customer_id", "channel", "status", "changed_at")
    said = tables.lazy("consents").select(*wanted).collect("pyarrow").to_native()
    place = places_of(said["customer_id"], among=customer_id)
    which, channels = pd.factorize(said["channel"].to_pandas(), sort=True)
    refused = pc.equal(said["status"], "refused").fill_null(fill_value=False).to_numpy()
    known = place >= 0
    # The later of two consents has the larger number, a refusal a larger one than a grant at the same time.
    last = np.full(len(customer_id) * len(channels), np.iinfo(np.int64).min)
    number = said["changed_at"].to_numpy().astype("datetime64[us]").astype(np.int64) * 2 + refused
    np.maximum.at(last, (place * len(channels) + which)[known], number[known])
    by_channel = (last != np.iinfo(np.int64).min) & (last % 2 == 1)
    table = by_channel.reshape(len(customer_id), len(channels))
    return {f"{REFUSAL_PREFIX}{channel}": table[:, c] for c, channel in enumerate(channels) if table[:, c].any()}
