"""From features to simulated strategies: the purchase clock, who can be touched how, and what every strategy brought.

The chain: ``purchase_clock`` (each customer's own pace) → ``strategy_customers`` (what audiences see) →
``strategy_simulation`` (replicate by replicate, whole and by segment) and ``strategy_long_run`` (a year, with fewer
replicates) → the tables of a page (``strategy_page``, ``strategy_sensitivity``).
"""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.data.channels import channel_table, load_channels
from analysis.data.connect import Tables
from analysis.evidence import Estimate, Forecast, Observed, Prior, grade_of
from analysis.features.replenishment import log_of
from analysis.params import StrategiesParams
from analysis.recipes.resolver import reads
from analysis.touch.effects import channel_weights, draw_worlds, load_effects
from analysis.touch.learning_effects import Message, learned_effects, shown_by_worlds
from analysis.touch.outcome import outcome_from, segment_totals_table, totals_table
from analysis.touch.season_curve import season_curve, weekly_counts
from analysis.touch.strategies import load_strategies
from analysis.touch.summary import ledger, outcomes, segment_outcomes
from analysis.touch.summary import strategy_draws as draws_of
from analysis.touch.trial import effects_of, run_trial, trial_of

_GRADE: Final = grade_of(Forecast((Observed(), Prior())))
"""A forecast that rests on priors, whatever experiments have moved."""
_SETTLING_DAYS: Final = 3  # touches this fresh may still be confirmed and read
_MOST_OBSERVATIONS: Final = 1_000.0  # rates drift: no past, however long, weighs more than so many touches
_LANES: Final = 2  # lanes of luck per draw: the fewest that tell luck from ignorance
_EARLY_DAYS: Final = 30
_LONG_DAYS: Final = 365
_LONG_DRAWS: Final = 40
_LONG_CUSTOMERS: Final = 5_000  # of more, every replicate simulates so many of its own
_SENSITIVITY_DRAWS: Final = 1.2  # draws behind the sensitivity, per replicate
_WORLDS: Final = 2_400  # worlds of the prior that are asked what an experiment would show
_WORLD_CUSTOMERS: Final = 500  # customers of each
_MOST_MEASURES: Final = 4  # kinds of message whose experiments are taken up: with more, no world is near to all
_USUAL_DEPTH: Final = 0.15  # of an offer whose depth is not known
_LEAST_OWN_ERROR: Final = 0.25  # share of a measurement's variance that is kept beside the simulation's luck
_LEARNING: Final = 5_501  # address of the random numbers of learning


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


def strategy_experience(previous_effect_posterior: dict[str, Any] | None, as_of: date) -> dict[str, Any]:
    """What the predecessor's state says this brand's experiments have shown, as far as the simulator can take it up.

    Keys: ``state`` (none, later, nothing, learned), ``n_experiments``, ``last_on``, ``experiments`` (ids),
    ``measures``: at most four kinds of message, most precise first, each with ``channel``, ``window_days``,
    ``discount_share`` (of its offer, 0 for none), ``measured`` and ``std_error`` (days of own purchases per touch);
    and ``depth_assumed``: whether the depth of an offer is not known and 15 % is taken.
    """
    known = previous_effect_posterior
    nothing: dict[str, Any] = {
        "n_experiments": 0,
        "last_on": None,
        "experiments": [],
        "measures": [],
        "depth_assumed": False,
    }
    if known is None:
        return {"state": "none", **nothing}
    if known["as_of"] > as_of.isoformat():
        return {"state": "later", **nothing}
    cells = sorted(known["channels"], key=lambda row: float(row["std_error"]) / float(row["prior_sd"]))[:_MOST_MEASURES]
    taken = {(row["channel"], row["offer"]) for row in cells}
    whole = [m for m in known["measures"] if m["segment"] == "all" and (m["channel"], m["offer"]) in taken]
    if not whole:
        return {"state": "nothing", **nothing}
    measures = [
        {
            **{name: row[name] for name in ("channel", "window_days", "measured", "std_error")},
            "discount_share": float(row.get("discount_share") or _USUAL_DEPTH) if row["offer"] else 0.0,
        }
        for row in cells
    ]
    ids = sorted({str(measure["experiment_id"]) for measure in whole})
    return {
        "state": "learned",
        "n_experiments": len(ids),
        "last_on": max(str(measure["ends_on"]) for measure in whole),
        "experiments": ids,
        "measures": measures,
        "depth_assumed": any(row["offer"] and not row.get("discount_share") for row in cells),
    }


def strategy_learned(
    strategy_experience: dict[str, Any],
    strategy_population: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_season: dict[str, Any],
    strategies_params: StrategiesParams,
    as_of: date,
    seed: int,
) -> pd.DataFrame:
    """Draws of the effects after the brand's own experiments, one row each; none where there is nothing to learn from.

    Worlds drawn from the priors are asked what one message would show in each; those that show what was measured stay.
    """
    measures = [m for m in strategy_experience["measures"] if m["channel"] in set(strategy_channels["channel"])]
    if not measures:
        return pd.DataFrame({"draw": pd.Series(dtype="int64")})
    priors = load_effects(strategies_params.effects)
    worlds = draw_worlds(priors, channels=strategy_channels, draws=_WORLDS, seed=seed)
    shown = shown_by_worlds(
        strategy_population,
        messages=[Message(str(m["channel"]), int(m["window_days"]), float(m["discount_share"])) for m in measures],
        channels=strategy_channels,
        effects=worlds,
        season=strategy_season["factors"],
        as_of=as_of,
        seed=seed,
        sample_customers=_WORLD_CUSTOMERS,
    )
    errors = np.array([float(m["std_error"]) for m in measures])
    draws = _n_draws(strategies_params)
    learned = learned_effects(
        worlds,
        priors=priors,
        responses=shown.responses,
        measured=np.array([float(m["measured"]) for m in measures]),
        # The luck of the simulated customers is in the responses already.
        std_errors=np.sqrt(np.maximum(errors**2 - shown.errors**2, _LEAST_OWN_ERROR * errors**2)),
        draws=draws,
        rng=np.random.default_rng([seed, _LEARNING]),
    )
    return pd.DataFrame({"draw": np.arange(draws), **learned})


def strategy_effects(
    strategy_channels: pd.DataFrame,
    strategies_params: StrategiesParams,
    seed: int,
    strategy_learned: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The possible worlds the strategies are tried in: one row per draw of all effect sizes and channel rates.

    They are drawn from the priors, or, where the predecessor learnt from experiments, from what these leave possible.
    The simulation of all strategies takes the first half as many as there are replicates, what is compared with what
    an assumption changes takes them all.
    """
    if strategy_learned is not None and len(strategy_learned):
        return strategy_learned
    draws = _n_draws(strategies_params)
    drawn = draw_worlds(load_effects(strategies_params.effects), channels=strategy_channels, draws=draws, seed=seed)
    return pd.DataFrame({"draw": np.arange(draws), **drawn})


def _n_draws(params: StrategiesParams) -> int:
    return max(int(params.replicates * _SENSITIVITY_DRAWS), 12)


@reads(purchase_log=("customer_id", "day", "undone"))
def strategy_season(purchase_log: pd.DataFrame, strategies_params: StrategiesParams, as_of: date) -> dict[str, Any]:
    """How fast customers are expected to buy on each day ahead, from the same weeks of the past.

    Keys: ``factors`` (one per day, mean 1 over the history), ``known`` (whether history tells a season) and ``reason``
    (``season``, ``short``, ``one_cohort``, ``few`` or ``flat``).
    """
    log = log_of(purchase_log)
    orders, there = weekly_counts(log.day, customer=log.customer, last_day=(as_of - date(1970, 1, 1)).days)
    curve = season_curve(orders, there, horizon_days=max(strategies_params.horizon_days, _LONG_DAYS))
    return {"factors": curve.factors.tolist(), "known": curve.known, "reason": curve.reason}


def strategy_simulation(
    strategy_population: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategy_season: dict[str, Any],
    strategies_params: StrategiesParams,
    as_of: date,
    seed: int,
) -> pd.DataFrame:
    """The simulation: one row per strategy, checkpoint (day) and replicate, one column per ledger entry and count.

    Rows of all customers have no ``segment``; those of each RFM tier follow, without fixed costs.
    """
    params = strategies_params
    trial = trial_of(
        strategy_population,
        channels=strategy_channels,
        economics=strategy_economics,
        season=strategy_season["factors"],
        strategies=params.strategies,
        cap_mode=params.cap_mode,
        as_of=as_of,
        seed=seed,
    )
    outcome = run_trial(
        trial,
        effects=effects_of(strategy_effects, draws=max(params.replicates // _LANES, 1)),
        horizon_days=params.horizon_days,
        lanes_per_draw=_LANES,
        sample_customers=params.sample_customers,
        checkpoints=(_EARLY_DAYS,),
        segment_by="tier",
    )
    whole, split = totals_table(outcome), segment_totals_table(outcome)
    return pd.concat([whole.assign(segment=None), split], ignore_index=True)


def strategy_totals(strategy_simulation: pd.DataFrame) -> pd.DataFrame:
    """The totals of all customers: one row per strategy, checkpoint (day) and replicate."""
    whole = strategy_simulation[strategy_simulation["segment"].isna()].drop(columns="segment")
    counts = ["lanes_per_draw", "n_customers", "n_simulated"]
    return whole.astype(dict.fromkeys(counts, "int64")).reset_index(drop=True)


def strategy_segment_totals(strategy_simulation: pd.DataFrame) -> pd.DataFrame:
    """The totals by segment: one row per segment, strategy, checkpoint (day) and replicate."""
    split = strategy_simulation[strategy_simulation["segment"].notna()]
    return split.drop(columns=["lanes_per_draw", "n_customers", "n_simulated"]).reset_index(drop=True)


def strategy_long_run(
    strategy_population: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategy_season: dict[str, Any],
    strategies_params: StrategiesParams,
    as_of: date,
    seed: int,
) -> pd.DataFrame:
    """A whole year of all strategies with fewer replicates: one row per strategy, checkpoint (day) and replicate."""
    params = strategies_params
    trial = trial_of(
        strategy_population,
        channels=strategy_channels,
        economics=strategy_economics,
        season=strategy_season["factors"],
        strategies=params.strategies,
        cap_mode=params.cap_mode,
        as_of=as_of,
        seed=seed,
    )
    outcome = run_trial(
        trial,
        effects=effects_of(strategy_effects, draws=min(params.replicates, _LONG_DRAWS)),
        horizon_days=max(_LONG_DAYS, params.horizon_days),
        lanes_per_draw=1,
        sample_customers=min(params.sample_customers or _LONG_CUSTOMERS, _LONG_CUSTOMERS),
        checkpoints=(_EARLY_DAYS, params.horizon_days),
    )
    return totals_table(outcome)


def strategy_outcomes(
    strategy_totals: pd.DataFrame, strategy_effects: pd.DataFrame, strategy_economics: dict[str, Any]
) -> pd.DataFrame:
    """All measures of all strategies: strategy, measure, value, unit, interval (80 %), standard error, grade, n."""
    outcome = outcome_from(strategy_totals, effects=strategy_effects)
    return outcomes(outcome, grade=_GRADE.value, margin_share=float(strategy_economics["margin_share"]))


@reads(strategy_customers=("tier",))
def strategy_segments(
    strategy_totals: pd.DataFrame,
    strategy_segment_totals: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_customers: pd.DataFrame,
    strategy_economics: dict[str, Any],
) -> pd.DataFrame:
    """All measures by RFM tier and strategy at the horizon: segment, strategy, measure, value, unit, interval, n."""
    outcome = outcome_from(strategy_totals, effects=strategy_effects, by_segment=strategy_segment_totals)
    sizes = strategy_customers["tier"].astype("string").fillna("-").value_counts()
    customers = {segment: int(sizes.get(segment, 0)) for segment in outcome.segments}
    share = float(strategy_economics["margin_share"])
    return segment_outcomes(outcome, customers=customers, grade=_GRADE.value, margin_share=share)


def strategy_draws(strategy_totals: pd.DataFrame, strategy_effects: pd.DataFrame) -> pd.DataFrame:
    """Incremental profit, orders and deletions per strategy and draw of the effects, luck averaged."""
    return draws_of(outcome_from(strategy_totals, effects=strategy_effects))


def strategy_ledger(strategy_totals: pd.DataFrame, strategy_effects: pd.DataFrame) -> pd.DataFrame:
    """Increments of every ledger entry against no touch; the rows of a strategy sum to its incremental profit."""
    return ledger(outcome_from(strategy_totals, effects=strategy_effects))


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
