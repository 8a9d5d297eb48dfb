"""Planted brands as the product sees them on a day of their past, and what really followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.context import RunContext
from analysis.data.connect import open_tables
from analysis.data.load import load
from analysis.data.mapping import DataSource
from analysis.params import StrategiesParams, notebook_models
from analysis.recipes.resolver import Resolver
from analysis.recipes.strategies import strategy_experience, strategy_learned
from analysis.recipes.strategy_customers import strategy_customers
from analysis.touch.effects import EffectPriors, draw_worlds
from analysis.touch.outcome import Outcome
from analysis.touch.simulator import simulate
from analysis.touch.strategies import StrategySet
from analysis.touch.trial import effects_of

ZONE = "Asia/Shanghai"
DRAWS_PER_REPLICATE = 1.2  # as the product draws them
CALENDAR_DAYS = 56  # of campaigns that are forecast; what they bring is counted over
HORIZON_DAYS = 84
MOST_STEPS = 8


@dataclass(frozen=True)
class Case:
    """A brand on a day: what the product knows then, its tables with the future, and what was planted.

    ``known`` is what its experiments have shown by then, as a run keeps it.
    """

    brand: str
    as_of: date
    customers: pd.DataFrame
    channels: pd.DataFrame
    season: list[float]
    tables: Mapping[str, pd.DataFrame]
    effects: pd.DataFrame
    known: dict[str, Any]


def case_of(brand: str, *, customers: int, seed: int, as_of: date, under: Path) -> Case:
    source = DataSource.model_validate({"source": f"demo/{brand}", "demo": {"customers": customers, "seed": seed}})
    now = datetime(2026, 7, 1, 4, tzinfo=UTC)
    loaded = load(source, now=now, timezone=ZONE, cache=under / "data", base=under)
    chosen = {"strategies": {"strategies": f"params/strategies/{brand}.yaml"}}
    context = RunContext(
        book="exam", title={}, data=Path(loaded.folder), data_digest=f"{brand}-{customers}-{seed}", as_of=as_of,
        timezone=ZONE, languages=("zh",), currency="CNY", seed=1, min_cell=10, engine="duckdb",
        industry=None, params=chosen, out=under, cache=under / "cache", previous=None, run_id="scratch",
    )  # fmt: skip
    recipes = Resolver(context, notebook_models(chosen))
    known = open_tables(Path(loaded.folder), timezone=ZONE).as_of(as_of)
    table = strategy_customers(
        recipes.get("features"), recipes.get("purchase_clock"), recipes.get("strategy_channels"),
        recipes.get("strategy_economics"), StrategiesParams.model_validate(chosen["strategies"]), known, as_of,
    )  # fmt: skip
    names = ("orders", "touches", "assignments", "campaigns")
    tables = {name: pd.read_parquet(Path(loaded.folder) / f"{name}.parquet") for name in names}
    truth = under / "data" / "demo" / f"{brand}-{customers}-{seed}" / "truth"
    return Case(
        brand=brand,
        as_of=as_of,
        customers=table,
        channels=_unseen_moments(recipes.get("strategy_channels")),
        season=list(recipes.get("strategy_season")["factors"][:HORIZON_DAYS]),
        tables=tables,
        effects=_effects_of(truth, touches=tables["touches"]),
        known=recipes.get("effect_posterior"),
    )


def _unseen_moments(channels: pd.DataFrame) -> pd.DataFrame:
    """Return the channels with the claimed read rate for Moments: a brand sees who clicks there, not who reads."""
    claimed = {"read_rate": 0.31, "read_strength": 20.0}
    moments = channels["channel"] == "moments"
    return channels.assign(**{name: np.where(moments, value, channels[name]) for name, value in claimed.items()})


def _effects_of(truth: Path, *, touches: pd.DataFrame) -> pd.DataFrame:
    """Return what touches brought and took, with the days on which they were assigned and it happened."""
    effects = pd.read_parquet(truth / "touch_effects.parquet")
    happened = pd.to_datetime(effects["occurred_at"], utc=True).dt.tz_convert(ZONE).dt.date
    assigned = touches[["touch_id", "assigned_on", "channel"]].drop_duplicates("touch_id")
    return effects.assign(happened_on=happened).merge(assigned, on="touch_id")


def prior_worlds(case: Case, priors: EffectPriors, *, worlds: int, seed: int) -> dict[str, Any]:
    """Return draws of the effects and of the channels' rates as the brand's touches have moved them."""
    return draw_worlds(priors, channels=case.channels, draws=worlds, seed=seed)


def learned(case: Case, *, draws: int, seed: int) -> dict[str, Any]:
    """Return draws of the effects after the brand's own experiments: what a run on the next day would take up."""
    params = StrategiesParams(replicates=int(draws / DRAWS_PER_REPLICATE))
    after = strategy_learned(
        strategy_experience(case.known, case.as_of), case.customers, case.channels, {"factors": case.season}, params,
        case.as_of, seed,
    )  # fmt: skip
    return effects_of(after)


def programmes(case: Case) -> tuple[pd.DataFrame, dict[str, list[dict[str, Any]]], dict[str, set[str]]]:
    """Return the customers with flags of whom each campaign ahead is meant for, strategies by channel, and campaigns.

    The brand's calendar of the next eight weeks is its plan: whom each campaign takes is known when it is planned.
    """
    touches = case.tables["touches"]
    end = case.as_of + timedelta(days=CALENDAR_DAYS)
    ahead = touches[(touches["assigned_on"] > case.as_of) & (touches["assigned_on"] <= end)]
    ahead = ahead[ahead["customer_id"].isin(case.customers["customer_id"])]
    flags, steps, of = {}, {}, {}
    for channel, sent in ahead.groupby("channel"):
        rows = []
        ids = sent.groupby("campaign_id").size().sort_values(ascending=False).index[:MOST_STEPS]
        for number, campaign in enumerate(sorted(ids)):
            chosen = sent[sent["campaign_id"] == campaign]
            name = f"in_{channel}_{number}"
            flags[name] = case.customers["customer_id"].isin(chosen["customer_id"]).astype(int)
            step: dict[str, Any] = {
                "channel": channel,
                "template": "content",
                "trigger": {"dates": [chosen["assigned_on"].min()]},
                "audience": [{"column": name, "op": "==", "value": 1}],
            }
            if chosen["offer_id"].notna().mean() > 0.5:
                step["template"] = "promotion"
                step["offer"] = {"discount_share": 0.15, "valid_days": 7}
            rows.append(step)
        if rows:
            steps[f"by_{channel}"], of[f"by_{channel}"] = rows, set(ids)
    return case.customers.assign(**flags), steps, of


def run(
    case: Case, customers: pd.DataFrame, steps: Mapping[str, Any], *, effects: Mapping[str, Any], days: int, lanes: int
) -> Outcome:
    nothing = {"name": "no_touch", "label": {"zh": "不触达", "en": "No touch"}}
    named = [{"name": n, "label": {"zh": n[:24], "en": n}, "steps": s} for n, s in steps.items()]
    past = {"name": "as_history", "label": {"zh": "照旧", "en": "As before"}, "as_history": True}
    strategies = {
        "edition": case.as_of,
        "brand": case.brand,
        "economics": {"margin_share": 0.5, "wage_per_hour": 40, "source": "exam"},
        "strategies": [nothing, *named] if named else [nothing, past],
    }
    return simulate(
        customers,
        strategies=StrategySet.model_validate(strategies),
        channels=case.channels,
        effects=effects,
        caps=(),
        as_of=case.as_of,
        horizon_days=days,
        seed=5,
        lanes_per_draw=lanes,
        season=case.season[:days],
    )


def true_increment(case: Case, *, campaigns: set[str]) -> float:
    """Return the orders that those campaigns brought less those they took within the horizon."""
    end = case.as_of + timedelta(days=HORIZON_DAYS)
    mine = case.effects[case.effects["campaign_id"].isin(campaigns) & (case.effects["happened_on"] <= end)]
    return float(mine.loc[mine["customer_id"].isin(case.customers["customer_id"]), "orders"].sum())


def true_untouched_orders(case: Case, *, days: int) -> float:
    """Return the orders of the days ahead had no touch been assigned after that day."""
    end = case.as_of + timedelta(days=days)
    orders, effects = case.tables["orders"], case.effects
    ids = case.customers["customer_id"]
    came = orders[orders["customer_id"].isin(ids) & (orders["ordered_on"] > case.as_of) & (orders["ordered_on"] <= end)]
    moved = effects[effects["customer_id"].isin(ids) & (effects["assigned_on"] > case.as_of)]
    moved = moved[(moved["happened_on"] > case.as_of) & (moved["happened_on"] <= end)]
    return float(len(came) - moved["orders"].sum())
