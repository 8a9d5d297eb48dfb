"""From features to simulated strategies: the purchase clock, who can be touched how, and what every strategy brought.

The chain: ``purchase_clock`` (each customer's own pace) → ``strategy_customers`` (what audiences see) →
``strategy_totals`` (the simulation, replicate by replicate) → the tables of a page (``strategy_page``).
"""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.data.channels import channel_table, load_channels
from analysis.data.connect import Tables
from analysis.evidence import Estimate
from analysis.params import StrategiesParams
from analysis.touch.effects import channel_weights, draw_channel_rates, draw_effects, load_effects
from analysis.touch.outcome import Outcome, outcome_from, totals_table
from analysis.touch.policies import caps_in_force, load_policies
from analysis.touch.population import HISTORY_PREFIX
from analysis.touch.simulator import simulate
from analysis.touch.strategies import Economics, StrategySet, load_strategies
from analysis.touch.summary import ledger, outcomes
from analysis.touch.summary import strategy_draws as draws_of

_HISTORY_DAYS: Final = 90
_SETTLING_DAYS: Final = 3  # touches this fresh may still be confirmed and read
_PRIOR_ORDERS: Final = 2.0  # a customer's order value is drawn towards the shop's with the weight of two orders
_MOST_OBSERVATIONS: Final = 1_000.0  # rates drift: no past, however long, weighs more than so many touches
_LANES: Final = 2  # lanes of luck per draw: the fewest that tell luck from ignorance
_EARLY_DAYS: Final = (14, 30)
_POLICIES: Final = ("params/policies/wecom.yaml", "params/policies/other_channels.yaml")


def touch_rates(tables: Tables, as_of: date) -> pd.DataFrame:
    """What past touches show, one row per channel: ``n_assigned``, ``n_confirmed``, ``n_delivered``, ``n_read``.

    Touches of the last three days are left out: they may still be confirmed or read. Unknown steps are missing values;
    without a touches table the table is empty.
    """
    import narwhals as nw

    from analysis.periods import days_before

    columns = ["channel", "n_assigned", "n_confirmed", "n_delivered", "n_read"]
    if not tables.has("touches"):
        return pd.DataFrame(columns=columns)
    touches = tables.lazy("touches").filter(nw.col("assigned_on") <= days_before(as_of, days=_SETTLING_DAYS))
    known = [step for step in ("confirmed", "delivered", "read") if tables.has_column("touches", f"{step}_on")]
    counts = touches.group_by("channel").agg(
        nw.len().alias("n_assigned"), *(nw.col(f"{step}_on").count().alias(f"n_{step}") for step in known)
    )
    found: pd.DataFrame = counts.collect("pandas").to_native()
    return found.reindex(columns=columns).sort_values("channel", ignore_index=True)


def strategy_channels(touch_rates: pd.DataFrame, strategies_params: StrategiesParams) -> pd.DataFrame:
    """The channels as the simulation takes them, one row each.

    ``read_rate`` and ``confirm_rate`` with their strengths (observations): the registry's prior, moved by the touches
    seen (by 1,000 at most); ``read_grade`` is D for a prior alone, else C. Cost in currency, ``staff_minutes`` per
    touch; ``gain`` and ``annoyance`` against a private message.
    """
    priors = load_effects(strategies_params.effects)
    table = channel_table(load_channels())
    confirm = next(effect for effect in priors.effects if effect.name == "confirm_rate")
    seen = table[["channel"]].merge(touch_rates, on="channel", how="left")
    for column, step, of, mean, strength in (
        ("read", "read", "delivered", table["read_rate"], table["read_strength"]),
        ("confirm", "confirmed", "assigned", confirm.mean, confirm.strength or 1.0),
    ):
        # A channel of which no touch at all was read has no reading receipts: that is not known, not zero.
        hits, trials = (seen[f"n_{name}"].astype(float).fillna(0.0) for name in (step, of))
        weight = (_MOST_OBSERVATIONS / trials.clip(lower=1.0)).clip(upper=1.0).where(hits > 0, 0.0)
        table[f"{column}_strength"] = strength + trials * weight
        table[f"{column}_rate"] = (mean * strength + hits * weight) / table[f"{column}_strength"]
        table[f"{column}_grade"] = np.where(hits > 0, "C", "D")
    weights = channel_weights(priors, channels=list(table["channel"]))
    table["gain"] = [weights[channel][0] for channel in table["channel"]]
    table["annoyance"] = [weights[channel][1] for channel in table["channel"]]
    return table


def unknown_channels(touch_rates: pd.DataFrame, strategy_channels: pd.DataFrame) -> dict[str, Any]:
    """Channels of past touches that the registry does not have, so that the simulation leaves them out.

    Keys: ``n_channels``, ``channels`` (their names as the source has them, most touches first, as one text) and
    ``n_left_out`` (touches).
    """
    unknown = touch_rates[~touch_rates["channel"].isin(strategy_channels["channel"])]
    ordered = unknown.sort_values(["n_assigned", "channel"], ascending=[False, True])
    return {
        "n_channels": len(unknown),
        "channels": ", ".join(ordered["channel"].fillna("-").astype(str)),
        "n_left_out": Estimate(int(unknown["n_assigned"].sum()), "touches").as_result(),
    }


def strategy_economics(tables: Tables, strategies_params: StrategiesParams) -> dict[str, Any]:
    """Margin of an order and wage of an hour: measured where costs are known, else the file's assumption.

    Keys: ``margin_share`` (0-1), ``wage_per_hour`` (currency), ``margin_measured``, ``wage_measured``, ``source``.
    """
    assumed = load_strategies(strategies_params.strategies).economics
    margin, wage = _measured_margin(tables), _measured_wage(tables)
    return {
        "margin_share": assumed.margin_share if margin is None else margin,
        "wage_per_hour": assumed.wage_per_hour if wage is None else wage,
        "margin_measured": margin is not None,
        "wage_measured": wage is not None,
        "source": assumed.source,
    }


def strategy_customers(
    features: pd.DataFrame, purchase_clock: pd.DataFrame, churn_scores: pd.DataFrame, tables: Tables
) -> pd.DataFrame:
    """The customers as audiences see them, one row each: features, clock, and what can be done with them.

    Adds ``p_churn`` (from ``churn_scores``; for customers without a score the clock's chance of no order in 60 days),
    ``order_value`` (currency, drawn towards the shop's mean), ``is_contact`` (everyone where contacts are not known)
    and ``touches_per_day_<channel>`` (assigned, of the last 90 days; absent where touches are not known).
    """
    scores = churn_scores[["customer_id", "p_churn"]]
    table = features.merge(purchase_clock, on="customer_id").merge(scores, on="customer_id", how="left")
    silent = (table["rate_days"] / (table["rate_days"] + 60.0)) ** table["rate_shape"]
    by_clock = 1 - table["p_alive"] * (1 - silent)
    table["p_churn"] = table["p_churn"].astype(float).fillna(by_clock)
    orders, revenue = table["n_orders"].astype(float), table["revenue"].astype(float)
    overall = float(revenue.sum() / max(orders.sum(), 1.0))
    table["order_value"] = ((revenue + _PRIOR_ORDERS * overall) / (orders + _PRIOR_ORDERS)).clip(lower=0.0)
    table["days_since_last_order"] = table["days_since_last_order"].astype(float)
    table["is_contact"] = table["n_contacts"].fillna(0) > 0 if tables.has("contacts") else True
    marker = f"n_assigned_{_HISTORY_DAYS}d__"
    for column in [name for name in features.columns if name.startswith(marker)]:
        channel = column.removeprefix(marker)
        table[f"{HISTORY_PREFIX}{channel}"] = table[column].astype(float).fillna(0.0) / _HISTORY_DAYS
    return table


def strategy_effects(strategy_channels: pd.DataFrame, strategies_params: StrategiesParams, seed: int) -> pd.DataFrame:
    """The possible worlds the strategies are tried in: one row per draw of all effect sizes and channel rates."""
    draws = max(strategies_params.replicates // _LANES, 1)
    effects = draw_effects(load_effects(strategies_params.effects), draws=draws, seed=seed)
    rows = strategy_channels.to_dict("records")
    rates = {
        f"{kind}_rate_{row['channel']}": (float(row[f"{kind}_rate"]), float(row[f"{kind}_strength"]))
        for row in rows
        for kind in ("read", "confirm")
    }
    drawn = draw_channel_rates(rates, draws=draws, seed=seed)
    return pd.DataFrame({"draw": np.arange(draws), **effects, **drawn})


def strategy_totals(
    strategy_customers: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategies_params: StrategiesParams,
    as_of: date,
    seed: int,
) -> pd.DataFrame:
    """The simulation: one row per strategy, checkpoint (day) and replicate, one column per ledger entry and count."""
    effects = {str(name): strategy_effects[name].to_numpy(dtype=float) for name in strategy_effects.columns[1:]}
    rules = load_policies(*_POLICIES)
    outcome = simulate(
        strategy_customers,
        strategies=_priced(strategies_params, customers=strategy_customers, economics=strategy_economics),
        channels=strategy_channels,
        effects=effects,
        caps=caps_in_force(rules, on=as_of, mode=strategies_params.cap_mode),
        as_of=as_of,
        horizon_days=strategies_params.horizon_days,
        seed=seed,
        lanes_per_draw=_LANES,
        sample_customers=strategies_params.sample_customers,
        checkpoints=_EARLY_DAYS,
    )
    return totals_table(outcome)


def strategy_outcomes(strategy_totals: pd.DataFrame, strategy_effects: pd.DataFrame) -> pd.DataFrame:
    """All measures of all strategies: strategy, measure, value, unit, interval (80 %), standard error, grade, n."""
    return outcomes(_outcome(strategy_totals, strategy_effects), grade="D")


def strategy_draws(strategy_totals: pd.DataFrame, strategy_effects: pd.DataFrame) -> pd.DataFrame:
    """Incremental profit, orders and deletions per strategy and draw of the effects, luck averaged."""
    return draws_of(_outcome(strategy_totals, strategy_effects))


def strategy_ledger(strategy_totals: pd.DataFrame, strategy_effects: pd.DataFrame) -> pd.DataFrame:
    """Increments of every ledger entry against no touch; the rows of a strategy sum to its incremental profit."""
    return ledger(_outcome(strategy_totals, strategy_effects))


def _outcome(totals: pd.DataFrame, effects: pd.DataFrame) -> Outcome:
    return outcome_from(totals, effects=effects)


def _priced(params: StrategiesParams, *, customers: pd.DataFrame, economics: dict[str, Any]) -> StrategySet:
    """Return the strategies at the book's margin and wage; where nobody was touched, going on as before is free."""
    known = {name: economics[name] for name in ("margin_share", "wage_per_hour", "source")}
    plans = load_strategies(params.strategies)
    touched = any(str(name).startswith(HISTORY_PREFIX) and customers[name].sum() > 0 for name in customers.columns)
    free = {} if touched else {"fixed_monthly_cost": 0.0}
    strategies = [plan.model_copy(update=free) if plan.as_history else plan for plan in plans.strategies]
    return plans.model_copy(update={"economics": Economics.model_validate(known), "strategies": strategies})


def _measured_margin(tables: Tables) -> float | None:
    """Return 1 - cost / amount over all purchases whose cost is known; None where none is, or it is not in (0, 1]."""
    import narwhals as nw

    if not tables.has_column("orders", "cost"):
        return None
    priced = tables.purchases().filter(~nw.col("cost").is_null()).select(nw.col("amount").sum(), nw.col("cost").sum())
    amount, cost = (float(value or 0.0) for value in priced.collect("pandas").to_native().iloc[0])
    return 1 - cost / amount if 0 <= cost < amount else None


def _measured_wage(tables: Tables) -> float | None:
    import narwhals as nw

    if not tables.has("staff") or not tables.has_column("staff", "hourly_cost"):
        return None
    wage = tables.lazy("staff").select(nw.col("hourly_cost").mean()).collect("pandas").to_native().iloc[0, 0]
    return None if wage is None or np.isnan(wage) else float(wage)
