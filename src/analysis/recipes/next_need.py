"""When will they need us next: the chance of a purchase within the horizon and a window of days, for every customer.

The chain: ``purchase_log`` (who bought when) → ``next_need_log`` (of some) → ``next_need_history`` (what was known at
past days, and what came) → ``next_need_clock`` (how fast the shop's clock runs ahead) → ``next_need_season`` (level) →
``next_need_judgement`` → ``next_need_verdict`` → ``next_need_forecast`` → ``next_need``. The probability is this
chain's own for everybody: the churn model asks only about active customers, and one number a customer must not depend
on who was asked.
"""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.churn.baseline import RecencyBaseline
from analysis.churn.next_need import history
from analysis.churn.next_need.brand_clock import foretell, ticks
from analysis.churn.next_need.evaluation import NeedVerdict, chance_holds, choose_window, evaluate_need
from analysis.churn.next_need.need import fit_need, forecast, judged
from analysis.churn.season import LAST_YEAR_DAYS, level_offset, seasonal_move
from analysis.features.purchase_rhythm import purchase_rhythm
from analysis.features.replenishment import PurchaseLog, day_number, known_at, log_of, table_of
from analysis.params import ValueParams

_LEARNT_FROM: Final = 25_000
"""Customers looked at in the past, at up to six days each: more would cost more and move no third digit."""


def next_need_log(purchase_log: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The purchases of the customers whose past is looked at, as ``purchase_log`` keeps them: 25,000 at most."""
    log = log_of(purchase_log)
    if len(log.customer_id) <= _LEARNT_FROM:
        return purchase_log
    return table_of(history.sampled(log, customers=_LEARNT_FROM, seed=seed))


def next_need_history(next_need_log: pd.DataFrame, as_of: date, value_params: ValueParams) -> pd.DataFrame:
    """One row per customer and past origin: ``origin_on``, ``role``, ``wait_days`` and what was known.

    ``wait_days`` is the day of the first purchase after the origin (1 is the next day; as known when the window
    closed), 0 without one within the horizon. Of more than 25,000 customers a random sample.
    """
    log = log_of(next_need_log)
    horizon, first = value_params.next_need_days, history.first_day(log)
    parts = []
    for role, origin in history.past_days(as_of, first=first, horizon_days=horizon):
        known = purchase_rhythm(log, day=origin, horizon_days=horizon, first_day=first)
        wait = history.first_wait(log, origin=origin, horizon_days=horizon)[known["customer"].to_numpy()]
        parts.append(known.assign(origin_on=history.timestamp(origin), role=role, wait_days=wait))
    if not parts:
        return pd.DataFrame(columns=["customer", "origin_on", "role", "wait_days"])
    return pd.concat(parts[::-1], ignore_index=True)


def next_need_clock(
    next_need_log: pd.DataFrame, next_need_history: pd.DataFrame, as_of: date, value_params: ValueParams
) -> pd.DataFrame:
    """One row per origin (today's included) and day ahead: how fast the shop's clock was expected to run.

    Columns ``origin_on``, ``day_ahead``, ``speed`` (mean 1), ``tick`` (share of the horizon's clock that has run by the
    end of the day, 0-1), ``trust`` (how far last year's dates foretold this year's, 0-1).
    """
    log = log_of(next_need_log)
    horizon, first = value_params.next_need_days, history.first_day(log)
    past = [day_number(pd.Timestamp(day).date()) for day in next_need_history["origin_on"].unique()]
    parts = []
    for origin in sorted({*past, day_number(as_of)}):
        ahead = foretell(log, origin=origin, horizon_days=horizon, first_day=first)
        days = {"origin_on": history.timestamp(origin), "day_ahead": np.arange(1, horizon + 1), "speed": ahead.speed}
        parts.append(pd.DataFrame(days).assign(tick=ticks(ahead.speed)[1:], trust=ahead.trust))
    return pd.concat(parts, ignore_index=True)


def next_need_season(
    next_need_log: pd.DataFrame, next_need_history: pd.DataFrame, as_of: date, value_params: ValueParams
) -> dict[str, Any]:
    """What last year said of the level of the judging window (``judging``) and says of today's (``next``); log-odds."""
    if next_need_history.empty:
        return {}
    learnt = next_need_history[next_need_history["role"] == "training"]
    gone = learnt["wait_days"] == 0
    if gone.all() or not gone.any():
        return {}
    baseline = RecencyBaseline().fit(learnt["days_since_last_order"], gone)

    def level(rows: pd.DataFrame) -> float:
        return level_offset(rows["wait_days"] > 0, 1 - baseline.predict(rows["days_since_last_order"]))

    windows = {day_number(pd.Timestamp(str(d)).date()): rows for d, rows in next_need_history.groupby("origin_on")}
    levels = {day: level(rows) for day, rows in windows.items()}
    log = log_of(next_need_log)
    last_year: dict[int, float] = {}
    for day in [*levels, day_number(as_of)]:
        twin = day - LAST_YEAR_DAYS
        if twin - history.first_day(log) >= value_params.next_need_days:
            last_year[day] = level(_recency_at(log, twin, horizon=value_params.next_need_days))
    ordered = sorted(levels)
    known, twins = [levels[d] for d in ordered], [last_year.get(d) for d in (*ordered, day_number(as_of))]
    judging = seasonal_move(known[:-1], last_year=twins[:-1])
    return {"judging": judging._asdict(), "next": seasonal_move(known, last_year=twins)._asdict()}


def _recency_at(log: PurchaseLog, day: int, *, horizon: int) -> pd.DataFrame:
    seen = known_at(log, day)
    last = np.full(len(log.customer_id), -1, dtype=np.int32)
    last[seen.customer] = seen.day
    was_there = last >= 0
    wait = history.first_wait(log, origin=day, horizon_days=horizon)[was_there]
    return pd.DataFrame({"days_since_last_order": day - last[was_there], "wait_days": wait})


def next_need_judgement(
    next_need_history: pd.DataFrame, next_need_clock: pd.DataFrame, next_need_season: dict[str, Any], seed: int
) -> pd.DataFrame:
    """One row per customer and window not learnt from: what was forecast and what came (``churn.next_need.judged``)."""
    if next_need_history.empty:
        return pd.DataFrame(columns=["origin_on", "role", "wait_days", "p_purchase"])
    rows = history.with_ticks(next_need_history, next_need_clock)
    role = rows["role"]
    need = fit_need(
        rows[role == "training"], calibration=rows[role == "calibration"], columns=history.predictors(rows), seed=seed
    )
    clocks = history.clocks(next_need_clock)
    move = next_need_season["judging"]["move"] if next_need_season else 0.0
    parts = [
        judged(need, rows[role == window], ticks=clocks, move=by, seed=seed)
        for window, by in (("calibration", 0.0), ("judging", move))
    ]
    return pd.concat(parts, ignore_index=True)


def next_need_verdict(next_need_history: pd.DataFrame, next_need_judgement: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Which windows are shown (``verdict``: own, pooled, too_few, too_short) and which gates the chance fails."""
    if next_need_history.empty:
        return {"verdict": NeedVerdict.TOO_SHORT.value, "failed": []}
    buyers = next_need_history[next_need_history["wait_days"] > 0].groupby("role").size()
    found = evaluate_need(next_need_judgement, seed=seed)
    verdict = choose_window(
        found, n_learnt=int(buyers.get("training", 0)), n_put_right=int(buyers.get("calibration", 0))
    )
    return {"verdict": verdict.value, "failed": list(chance_holds(found)) if found is not None else []}


def next_need_forecast(
    purchase_log: pd.DataFrame,
    next_need_history: pd.DataFrame,
    next_need_clock: pd.DataFrame,
    next_need_season: dict[str, Any],
    next_need_verdict: dict[str, Any],
    as_of: date,
    value_params: ValueParams,
    seed: int,
) -> pd.DataFrame:
    """One row per customer with a purchase: the chance to buy and the days it would fall between.

    ``p_purchase`` (0-1); ``from_day``, ``middle_day``, ``until_day`` (days ahead, given a purchase within the horizon);
    ``p_step_<k>`` (0-1: it falls into week k). The judged procedure, one horizon later: it learns on all origins but
    the newest, which puts it right. Without history to learn from the table has only ids.
    """
    log = log_of(purchase_log)
    horizon = value_params.next_need_days
    known = purchase_rhythm(log, day=day_number(as_of), horizon_days=horizon, first_day=history.first_day(log))
    ids = pd.DataFrame({"customer_id": log.customer_id[known["customer"].to_numpy()]})
    if next_need_history.empty:
        return ids
    rows = history.with_ticks(next_need_history, next_need_clock)
    newest = rows["role"] == "judging"
    need = fit_need(rows[~newest], calibration=rows[newest], columns=history.predictors(rows), seed=seed)
    said = forecast(
        need,
        known,
        ticks=history.clocks(next_need_clock)[pd.Timestamp(as_of)],
        move=next_need_season["next"]["move"] if next_need_season else 0.0,
        own_dates=next_need_verdict["verdict"] == NeedVerdict.OWN,
    )
    return pd.concat([ids, said], axis=1)


def next_need(next_need_forecast: pd.DataFrame, next_need_category_forecast: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """One row per customer with a purchase: the chance to buy within the horizon, and when, if they do.

    ``p_purchase`` (0-1); ``next_need_from_on``, ``next_need_until_on`` (between these days, both included, with 80 %
    chance, given a purchase within the horizon) and ``next_need_middle_on`` (as likely before as after). Where there
    are categories: ``next_need_category`` (the likeliest within the horizon), ``p_category`` (0-1: it is bought within
    the horizon), ``next_need_category_from_on`` and ``_until_on`` (the same for its own next purchase). Unknown where
    history is too short; categories also beyond the 50,000 customers likeliest to buy.
    """
    table = next_need_forecast[["customer_id"]].copy()
    today = pd.Timestamp(as_of)
    known = "p_purchase" in next_need_forecast
    table["p_purchase"] = next_need_forecast["p_purchase"] if known else np.nan
    for end in ("from", "middle", "until"):
        days = next_need_forecast[f"{end}_day"] if known else pd.Series(np.nan, index=table.index)
        table[f"next_need_{end}_on"] = today + pd.to_timedelta(days, unit="D")
    if next_need_category_forecast.empty:
        return table
    first = next_need_category_forecast.groupby("customer_id")["p_purchase"].idxmax()
    best = next_need_category_forecast.loc[first].set_index("customer_id").reindex(table["customer_id"])
    table["next_need_category"] = best["category"].to_numpy()
    table["p_category"] = best["p_purchase"].to_numpy()
    for end in ("from", "until"):
        table[f"next_need_category_{end}_on"] = today + pd.to_timedelta(best[f"{end}_day"].to_numpy(), unit="D")
    return table
