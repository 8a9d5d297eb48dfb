"""The next need by category: how likely each is within the horizon, and the days it would fall between.

Only where orders, or their lines, have categories; else every table here is empty. The chain is that of
``recipes/next_need.py`` with a row per customer *and category*.
"""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.churn.next_need import history
from analysis.churn.next_need.evaluation import NeedVerdict, choose_window, evaluate_need
from analysis.churn.next_need.need import fit_need, forecast, judged
from analysis.churn.next_need.transitions import category_waits, family_waits, transition_windows
from analysis.data.connect import Tables
from analysis.features.places import places_of
from analysis.features.purchase_rhythm import CATEGORIES_ASKED, category_rhythm, purchase_rhythm
from analysis.features.replenishment import day_number, log_of, of_customers
from analysis.params import ValueParams

_ROWS_LEARNT_FROM: Final = 15_000
_ROWS_JUDGED: Final = 60_000
"""Customers times categories that are looked at on a past day: the last one needs buyers of every category."""

_CUSTOMERS_ASKED: Final = 50_000
"""Customers, the likeliest to buy, whose categories are forecast one by one."""


def next_need_category_history(
    next_need_log: pd.DataFrame, as_of: date, value_params: ValueParams, seed: int
) -> pd.DataFrame:
    """One row per customer, category and past origin, as ``next_need_history``; empty without categories.

    ``wait_days`` is the day of the first purchase *of that category*; ``category`` its name. The six most common ones.
    """
    whole = log_of(next_need_log)
    columns = ["customer", "category", "origin_on", "role", "wait_days"]
    n_categories = min(len(whole.categories), CATEGORIES_ASKED)
    if not n_categories:
        return pd.DataFrame(columns=columns)
    horizon, first = value_params.next_need_days, history.first_day(whole)
    parts = []
    for role, origin in history.past_days(as_of, first=first, horizon_days=horizon):
        rows = _ROWS_JUDGED if role == "judging" else _ROWS_LEARNT_FROM
        log = history.sampled(whole, customers=rows // n_categories, seed=seed)
        rhythm = purchase_rhythm(log, day=origin, horizon_days=horizon, first_day=first)
        pairs = category_rhythm(log, rhythm, day=origin)
        waits = np.stack(
            [history.first_wait(log, origin=origin, horizon_days=horizon, category=c) for c in range(n_categories)]
        )
        wait = waits[pairs["category"].to_numpy(), pairs["customer"].to_numpy()]
        parts.append(pairs.assign(origin_on=history.timestamp(origin), role=role, wait_days=wait))
    if not parts:
        return pd.DataFrame(columns=columns)
    table = pd.concat(parts[::-1], ignore_index=True)
    return table.assign(category=np.array(whole.categories, dtype=object)[table["category"].to_numpy()])


def next_need_category_judgement(
    next_need_category_history: pd.DataFrame,
    next_need_clock: pd.DataFrame,
    next_need_season: dict[str, Any],
    seed: int,
) -> pd.DataFrame:
    """One row per customer, category and window not learnt from: what was forecast and what came."""
    if next_need_category_history.empty:
        return pd.DataFrame(columns=["origin_on", "role", "category", "wait_days", "p_purchase"])
    rows = history.with_ticks(next_need_category_history, next_need_clock)
    role = rows["role"]
    need = fit_need(
        rows[role == "training"], calibration=rows[role == "calibration"], columns=history.predictors(rows), seed=seed
    )
    shown = history.clocks(next_need_clock)
    move = next_need_season["judging"]["move"] if next_need_season else 0.0
    parts = [
        judged(need, rows[role == window], ticks=shown, move=by, seed=seed)
        for window, by in (("calibration", 0.0), ("judging", move))
    ]
    return pd.concat(parts, ignore_index=True)


def next_need_category_evaluation(
    next_need_category_history: pd.DataFrame, next_need_category_judgement: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """One row per category, most bought first: do its windows and its chances hold on the judging window.

    ``category``, ``n_customers``, ``n_buyers``, ``verdict`` (own, pooled, too_few), ``coverage`` with its 95 %
    interval, ``width_days``, ``pooled_width_days``, ``calibration_slope`` with interval, ``excess_ece``.
    """
    rows = []
    bought = next_need_category_history[next_need_category_history["wait_days"] > 0]
    for category in next_need_category_history["category"].unique():
        judgement = next_need_category_judgement[next_need_category_judgement["category"] == category]
        found = evaluate_need(judgement, seed=seed)
        buyers = bought[bought["category"] == category].groupby("role").size()
        verdict = choose_window(
            found, n_learnt=int(buyers.get("training", 0)), n_put_right=int(buyers.get("calibration", 0))
        )
        row: dict[str, Any] = {"category": category, "verdict": verdict.value}
        if found is not None:
            row |= {"n_customers": found.n, "n_buyers": found.n_buyers, "width_days": found.width_days}
            row |= {"pooled_width_days": found.pooled_width_days, "excess_ece": found.excess_ece}
            for name in ("coverage", "calibration_slope"):
                score = getattr(found, name)
                row |= {name: score.value, f"{name}_ci_lower": score.ci_lower, f"{name}_ci_upper": score.ci_upper}
        rows.append({**row, "confidence_level": 0.95})
    return pd.DataFrame(rows)


def next_need_category_forecast(
    purchase_log: pd.DataFrame,
    next_need_forecast: pd.DataFrame,
    next_need_category_history: pd.DataFrame,
    next_need_category_evaluation: pd.DataFrame,
    next_need_clock: pd.DataFrame,
    next_need_season: dict[str, Any],
    as_of: date,
    value_params: ValueParams,
    seed: int,
) -> pd.DataFrame:
    """One row per customer and category, for the 50,000 customers likeliest to buy: how likely, and when.

    ``customer_id``, ``category``, ``p_purchase`` (0-1: the category is bought within the horizon), ``from_day``,
    ``middle_day``, ``until_day`` (days ahead of its next purchase, given one), ``p_step_<k>`` (0-1: it falls into week
    k). Where a category's own windows do not hold, its customers all have the pooled one.
    """
    if next_need_category_history.empty:
        return pd.DataFrame(columns=["customer_id", "category", "p_purchase"])
    log, today, horizon = log_of(purchase_log), day_number(as_of), value_params.next_need_days
    first = history.first_day(log)
    likeliest = next_need_forecast.nlargest(_CUSTOMERS_ASKED, "p_purchase")["customer_id"]
    if len(likeliest) < len(log.customer_id):
        log = of_customers(log, np.sort(places_of(likeliest, among=pd.Series(log.customer_id, dtype="str"))))
    rhythm = purchase_rhythm(log, day=today, horizon_days=horizon, first_day=first)
    pairs = category_rhythm(log, rhythm, day=today)
    rows = history.with_ticks(next_need_category_history, next_need_clock)
    newest = rows["role"] == "judging"
    need = fit_need(rows[~newest], calibration=rows[newest], columns=history.predictors(rows), seed=seed)
    shown = history.clocks(next_need_clock)[pd.Timestamp(as_of)]
    move = next_need_season["next"]["move"] if next_need_season else 0.0
    own = next_need_category_evaluation.set_index("category")["verdict"] == NeedVerdict.OWN
    has_own = own.reindex(log.categories, fill_value=False).to_numpy(dtype=bool)[pairs["category"].to_numpy()]
    parts: list[pd.DataFrame] = []
    for holds in (True, False):
        mine = pairs[has_own == holds]
        if len(mine):
            said = forecast(need, mine, ticks=shown, move=move, own_dates=holds)
            parts.append(pd.concat([mine[["customer", "category"]].reset_index(drop=True), said], axis=1))
    table = pd.concat(parts, ignore_index=True)
    by_name = np.argsort(np.argsort(log.categories))[table["category"].to_numpy()]
    table = table.take(np.lexsort((by_name, table["customer"].to_numpy()))).reset_index(drop=True)
    ids, names = np.asarray(log.customer_id, dtype=object), np.array(log.categories, dtype=object)
    said = table.drop(columns=["customer", "category"])
    said.insert(0, "category", names[table["category"].to_numpy()])
    said.insert(0, "customer_id", ids[table["customer"].to_numpy()])
    return said


def next_need_transitions(
    tables: Tables, purchase_log: pd.DataFrame, as_of: date, value_params: ValueParams, seed: int
) -> pd.DataFrame:
    """One row per need and what follows it: another category, or a relative's first purchase (``after`` = family).

    Pooled over customers, for shops where people buy once: how often it follows within the horizon, between which days
    after it, and whether earlier windows held later (``churn.next_need.transitions``). Relatives are whom a customer
    referred; without referrals there are none. Empty without categories.
    """
    log, today, horizon = log_of(purchase_log), day_number(as_of), value_params.next_need_days
    waits = [category_waits(log, day=today, horizon_days=horizon)]
    if log.categories and tables.has("referrals"):
        invited = tables.lazy("referrals").select("referrer_id", "referee_id").collect("pandas").to_native()
        waits.append(family_waits(log, invited, day=today, horizon_days=horizon))
    found = [transition_windows(each, day=today, horizon_days=horizon, seed=seed) for each in waits]
    return pd.concat([table for table in found if len(table)] or found[:1], ignore_index=True)
