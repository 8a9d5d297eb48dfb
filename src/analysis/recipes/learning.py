"""What the brand's own experiments teach about touches, kept for the runs to come.

The chain: ``learning_sums`` (every randomised experiment of the data as sums by arm and segment) →
``learning_measures`` (each measured in days of the customers' own purchases, or why not) → ``effect_posterior`` (the
trade's priors, moved by everything that is or was in the data; the run keeps it as state).

Nothing is learnt twice: every run starts from the trade's priors and takes each experiment once, by its id; of the
predecessor's experiments only those that are no longer in the data are taken over.
"""

from datetime import date
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.data.benchmarks import load_benchmarks
from analysis.data.channels import load_channels
from analysis.data.connect import Tables
from analysis.errors import AnalysisError, MissingTableError
from analysis.evidence import Grade
from analysis.experiment.arm_sums import SUMS, added, effect_of_sums, slope_of
from analysis.experiment.assigned_sums import SEGMENTS, assigned_of, orders_around, sums_by_segment
from analysis.experiment.learning import Response, combined, grade_by_weight, learn_cells
from analysis.experiment.participants import STOP_BELOW, control_arm, planned_shares
from analysis.features.expressions import count_where, money_sum
from analysis.features.ordered_purchases import BOUGHT, purchases_of
from analysis.params import IncrementalityParams, StrategiesParams
from analysis.recipes.resolver import reads
from analysis.stats.proportions import sample_ratio_pvalue
from analysis.touch.effects import load_effects

_WINDOW_DAYS: Final = 14
_FEWEST: Final = 30  # customers in an arm
_FEWEST_ORDERS: Final = 50  # of a cell's customers held out: fewer tell no pace to measure days in
_ONE_CHANNEL: Final = 0.95  # of an arm's touches, for the arm to count for that channel
_DEPTHS: Final = (0.01, 0.9)  # shares of the list price that an offer can be
_PER_CUSTOMER: Final = (0.2, 5.0)  # touches of a treated customer


@reads(ordered_purchases=BOUGHT)
def learning_sums(
    tables: Tables, incrementality_params: IncrementalityParams, ordered_purchases: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Every experiment in ``assignments`` as sums: one row per experiment, arm and segment.

    ``n`` customers with an order before their assignment; sums of orders within the window (``y``), before it (``x``)
    and of their squares and products; ``n_arm`` (all customers of the arm), ``window_days``, ``last_on`` (last
    assignment), ``by_cluster``. No rows without assignments.
    """
    columns = ["experiment_id", "arm", "segment", *SUMS, "n_arm", "window_days", "last_on", "by_cluster"]
    if not tables.has("assignments"):
        return pd.DataFrame(columns=columns)
    if ordered_purchases is None:
        raise MissingTableError("orders", needed_by="learning_sums")
    members = _members(tables, incrementality_params)
    assigned = assigned_of(members.collect("pyarrow").to_native())
    days = [np.datetime64(int(day), "D").item() for day in np.unique(assigned.on)]
    same_day = tables.purchases().filter(nw.col("ordered_on").is_in(days))
    around = orders_around(
        assigned,
        purchases=purchases_of(ordered_purchases),
        same_day=same_day.select("customer_id", "ordered_at", "ordered_on").collect("pyarrow").to_native(),
        history_days=incrementality_params.history_days,
    )
    found = sums_by_segment(assigned, around).merge(_clustered(tables), on="experiment_id", how="left")
    found["by_cluster"] = found["by_cluster"].eq(other=True)
    return found[columns].astype(dict.fromkeys([*SUMS, "n_arm", "window_days"], "int64"))


def _members(tables: Tables, params: IncrementalityParams) -> "nw.LazyFrame[Any]":
    """Return who was assigned where, with the days of the window."""
    members = tables.lazy("assignments").filter(~nw.col("arm").is_null())
    members = members.select("experiment_id", "customer_id", "arm", "assigned_at", "assigned_on")
    if params.window_days is not None or not tables.has_column("campaigns", "response_window_days"):
        return members.with_columns(nw.lit(params.window_days or _WINDOW_DAYS).alias("window_days"))
    windows = tables.lazy("campaigns").select(
        nw.col("campaign_id").alias("experiment_id"), nw.col("response_window_days").alias("window_days")
    )
    joined = members.join(windows, on="experiment_id", how="left")
    return joined.with_columns(nw.col("window_days").cast(nw.Int64).fill_null(_WINDOW_DAYS))


def _clustered(tables: Tables) -> pd.DataFrame:
    """Return whether each experiment put whole clusters into arms: customers of one cluster are not independent."""
    if not tables.has_column("assignments", "cluster_id"):
        return pd.DataFrame({"experiment_id": pd.Series(dtype="str"), "by_cluster": pd.Series(dtype="bool")})
    known = tables.lazy("assignments").filter(~nw.col("cluster_id").is_null(), ~nw.col("arm").is_null())
    each = known.group_by("experiment_id", "cluster_id").agg(
        nw.len().alias("size"), nw.col("arm").n_unique().alias("n_arms")
    )
    found = _pandas(each.group_by("experiment_id").agg(nw.col("size").max(), nw.col("n_arms").max()))
    found["by_cluster"] = (found["n_arms"] == 1) & (found["size"] > 1)
    return found[["experiment_id", "by_cluster"]]


def learning_touched(tables: Tables) -> pd.DataFrame:
    """What the arms of experiments were sent: one row per experiment, arm and channel.

    ``n_touches`` assigned to members of the arm, ``n_offers`` of them with an offer. No rows without touches.
    """
    columns = ["experiment_id", "arm", "channel", "n_touches", "n_offers"]
    if not tables.has("assignments") or not tables.has("touches"):
        return pd.DataFrame(columns=columns)
    members = tables.lazy("assignments").filter(~nw.col("arm").is_null()).select("experiment_id", "customer_id", "arm")
    offers = tables.has_column("touches", "offer_id")
    touches = tables.lazy("touches").select(
        nw.col("campaign_id").alias("experiment_id"),
        "customer_id",
        "channel",
        (~nw.col("offer_id").is_null() if offers else nw.lit(value=False)).alias("offer"),
    )
    sent = members.join(touches, on=["experiment_id", "customer_id"], how="inner")
    found = _pandas(
        sent.group_by("experiment_id", "arm", "channel").agg(
            nw.len().alias("n_touches"), count_where(nw.col("offer")).alias("n_offers")
        )
    )
    return found[columns].sort_values(["experiment_id", "arm", "channel"], ignore_index=True)


def learning_offers(tables: Tables) -> pd.DataFrame:
    """How deep the offers of experiments were: one row per experiment with ``discount_share`` of the list price, 0-1.

    From orders that redeemed the offer that touches carried; no rows where orders do not say which coupon they used.
    """
    known = tables.has("assignments") and tables.has_column("touches", "offer_id")
    if not known or not all(tables.has_column("orders", name) for name in ("coupon_id", "discount")):
        return pd.DataFrame({"experiment_id": pd.Series(dtype="str"), "discount_share": pd.Series(dtype="float64")})
    experiments = tables.lazy("assignments").select("experiment_id").unique()
    offers = tables.lazy("touches").filter(~nw.col("offer_id").is_null())
    offers = offers.select(nw.col("campaign_id").alias("experiment_id"), nw.col("offer_id").alias("coupon_id")).unique()
    redeemed = tables.lazy("orders").filter(~nw.col("coupon_id").is_null(), ~nw.col("discount").is_null())
    sums = (
        offers.join(experiments, on="experiment_id", how="inner")
        .join(redeemed.select("coupon_id", "discount", "amount"), on="coupon_id", how="inner")
        .group_by("experiment_id")
        .agg(money_sum(nw.col("discount")).alias("given"), money_sum(nw.col("amount")).alias("paid"))
    )
    found = _pandas(sums)
    found["discount_share"] = found["given"] / (found["given"] + found["paid"])
    found = found[found["discount_share"].between(*_DEPTHS)]
    return found[["experiment_id", "discount_share"]].sort_values("experiment_id", ignore_index=True)


def learning_measures(
    learning_sums: pd.DataFrame,
    learning_touched: pd.DataFrame,
    learning_offers: pd.DataFrame,
    tables: Tables,
    incrementality_params: IncrementalityParams,
    as_of: date,
) -> pd.DataFrame:
    """What each experiment of the data measured: one row per experiment, arm and segment (``all``: everybody).

    ``effect`` (orders per customer as assigned, treated less control, adjusted for orders before: CUPED) with
    ``std_error`` and the two arms' variances; ``one_day``: what it would be if a touch were worth one day of own
    purchases, which makes windows, seasons and customers comparable; ``channel``, ``offer`` (whether touches carried
    one) and its ``discount_share`` where known, ``touches_each`` (of a treated customer), ``window_days``, ``ends_on``,
    ``n`` and ``n_control``, ``pvalue`` of the split, and ``state``: ``used``, or why not (running, one_arm, clusters,
    control, split, few, no_touches, channels, often). Arms that were sent the same kind by the same channel are one.
    """
    plans = _plans(tables)
    found: list[dict[str, Any]] = []
    for experiment, sums in learning_sums.groupby("experiment_id"):
        touched = learning_touched[learning_touched["experiment_id"] == experiment]
        plan = plans.get(str(experiment), (str(experiment), None))
        found += _measured(str(experiment), sums, touched=touched, plan=plan, params=incrementality_params, as_of=as_of)
    table = pd.DataFrame(found, columns=list(MEASURE_COLUMNS))
    depth = learning_offers.set_index("experiment_id")["discount_share"]
    carried = table["offer"].eq(other=True)
    return table.assign(discount_share=table["experiment_id"].map(depth).astype("float64").where(carried))


MEASURE_COLUMNS: Final = (
    "experiment_id", "name", "arm", "segment", "channel", "offer", "window_days", "ends_on", "n", "n_control",
    "touches_each", "effect", "std_error", "one_day", "variance_treated", "variance_control", "control_orders",
    "discount_share", "pvalue", "state",
)  # fmt: skip


def _plans(tables: Tables) -> dict[str, tuple[str, float | None]]:
    """Return name and planned holdout share of each campaign."""
    if not tables.has("campaigns"):
        return {}
    rows = _pandas(tables.lazy("campaigns")).reindex(columns=["campaign_id", "name", "holdout_share"])
    return {
        str(row["campaign_id"]): (
            str(row["campaign_id"] if pd.isna(row["name"]) else row["name"]),
            None if pd.isna(row["holdout_share"]) else float(row["holdout_share"]),
        )
        for row in rows.to_dict("records")
    }


def _measured(
    experiment: str,
    sums: pd.DataFrame,
    *,
    touched: pd.DataFrame,
    plan: tuple[str, float | None],
    params: IncrementalityParams,
    as_of: date,
) -> list[dict[str, Any]]:
    window = int(sums["window_days"].max())
    ends_on = (sums["last_on"].max() + pd.Timedelta(days=window - 1)).date()
    base = {
        "experiment_id": experiment, "name": plan[0], "segment": "all", "window_days": window,
        "ends_on": ends_on.isoformat(), "n": int(sums["n"].sum()),
    }  # fmt: skip
    by_arm = sums.groupby("arm")["n_arm"].max()
    arms = sorted(str(arm) for arm in by_arm.index)
    control = _control(arms, named=params.control)
    if (why := _unreadable(sums, arms=arms, control=control, running=ends_on > as_of)) or control is None:
        return [{**base, "state": why}]
    book = params.planned_shares if params.planned_shares and set(params.planned_shares) == set(arms) else None
    shares, _ = planned_shares(arms, control=control, book=book, holdout_share=plan[1])
    counts = [int(by_arm[arm]) for arm in arms]
    base["pvalue"] = sample_ratio_pvalue(counts, shares=[shares[arm] for arm in arms])
    if base["pvalue"] < STOP_BELOW:
        return [{**base, "state": "split"}]
    by_name = {arm: _with_all(sums[sums["arm"] == arm]) for arm in arms}
    slope = slope_of([by_name[arm]["all"] for arm in arms])
    found = []
    for sent in _sent(touched[touched["arm"] != control], sizes={arm: int(by_arm[arm]) for arm in arms}):
        own = sent.pop("arms")
        for segment in ("all", *SEGMENTS):
            treated, held = [by_name[arm][segment] for arm in own if segment in by_name[arm]], by_name[control]
            if treated and segment in held:
                row = _row(added(treated), held[segment], slope=slope, window=window, each=sent["touches_each"])
                found.append({**base, "arm": ", ".join(own), "segment": segment, **row, **sent})
    return found or [{**base, "state": "no_touches"}]


def _control(arms: list[str], *, named: str | None) -> str | None:
    try:
        return control_arm(arms, named=named if named in arms else None)
    except AnalysisError:
        return None


def _unreadable(sums: pd.DataFrame, *, arms: list[str], control: str | None, running: bool) -> str | None:
    """Return why an experiment cannot be read at all, or None."""
    if running:
        return "running"
    if len(arms) < 2:
        return "one_arm"
    if sums["by_cluster"].any():
        return "clusters"
    return "control" if control is None else None


def _with_all(sums: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the sums of everybody (``all``) and of each segment."""
    by_segment = {str(row["segment"]): {name: float(row[name]) for name in SUMS} for row in sums.to_dict("records")}
    return {"all": added(list(by_segment.values())), **by_segment}


def _sent(touched: pd.DataFrame, *, sizes: dict[str, int]) -> list[dict[str, Any]]:
    """Return what arms were sent, arms of one channel and kind together.

    ``arms``, ``channel``, ``offer``, ``touches_each`` (touches of a customer), ``state`` where that is no one thing.
    """
    found: dict[tuple[str, bool, str], dict[str, Any]] = {}
    for arm, rows in touched.groupby("arm"):
        total = int(rows["n_touches"].sum())
        most = rows.sort_values(["n_touches", "channel"], ascending=[False, True]).iloc[0]
        mixed = most["n_touches"] < _ONE_CHANNEL * total
        offer = bool(rows["n_offers"].sum() > total / 2)
        key = (str(most["channel"]), offer, "channels" if mixed else "used")
        entry = found.setdefault(key, {"arms": [], "touches": 0})
        entry["arms"].append(str(arm))
        entry["touches"] += total
    parts = []
    for (channel, offer, state), entry in sorted(found.items()):
        each = entry["touches"] / sum(sizes[arm] for arm in entry["arms"])
        part: dict[str, Any] = {"arms": entry["arms"], "channel": channel, "offer": offer, "touches_each": each}
        if state != "used" or not _PER_CUSTOMER[0] <= each <= _PER_CUSTOMER[1]:
            part["state"] = state if state != "used" else "often"
        parts.append(part)
    return parts


def _row(
    treated: dict[str, float], control: dict[str, float], *, slope: float, window: int, each: float
) -> dict[str, Any]:
    """Return the effect on orders, and what it would be if a touch were worth one day of own purchases."""
    row: dict[str, Any] = {"n": int(treated["n"]), "n_control": int(control["n"]), "state": "used"}
    if min(row["n"], row["n_control"]) < _FEWEST:
        return {**row, "state": "few"}
    found = effect_of_sums(treated, control, slope=slope)
    return {
        **row,
        "effect": found.effect,
        "std_error": found.std_error,
        "one_day": max(found.base, 0.0) / window * each,
        "variance_treated": found.variance_treated,
        "variance_control": found.variance_control,
        "control_orders": int(control["y"]),
    }


def effect_posterior(
    learning_measures: pd.DataFrame,
    learning_rates: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategies_params: StrategiesParams,
    previous_effect_posterior: dict[str, Any] | None,
    as_of: date,
) -> dict[str, Any]:
    """What is known of touches after everything measured: the run's state for the next one.

    Keys: ``as_of``; ``editions`` of the priors; ``unit``; ``measures`` (one per experiment, arm and segment, of those
    used, the ones no longer in the data marked ``inherited``); ``left_out`` (experiments, with the reason);
    ``channels`` and ``cells`` (channel × segment): prior, measured, posterior (``experiment.learning.Learned``);
    ``rates``; ``experiments`` (ids), ``n_experiments`` and ``last_on`` (last day of a window) of those used.
    """
    here = _records(learning_measures)
    used = [{**row, "inherited": False} for row in here if row["state"] == "used"]
    inherited = _inherited(previous_effect_posterior, seen={row["experiment_id"] for row in here}, as_of=as_of)
    measures = sorted(
        [*used, *inherited], key=lambda row: (row["ends_on"], row["experiment_id"], row["arm"], row["segment"])
    )
    priors = load_effects(strategies_params.effects)
    reach = _reach(strategy_channels)
    out = {row["experiment_id"]: row for row in here if row["segment"] == "all" and row["state"] != "used"}
    whole = [row for row in measures if row["segment"] == "all"]
    split = [row for row in measures if row["segment"] != "all"]
    experiments = sorted({str(row["experiment_id"]) for row in whole})
    return {
        "as_of": as_of.isoformat(),
        "editions": {"effects": str(priors.edition), "benchmarks": str(load_benchmarks().edition)},
        "unit": "days of own purchases per touch assigned",
        "measures": measures,
        "left_out": [{"experiment_id": id_, "name": r["name"], "reason": r["state"]} for id_, r in out.items()],
        "channels": _pooled(whole, by=("channel", "offer"), reach=reach, params=strategies_params),
        "cells": _pooled(split, by=("channel", "offer", "segment"), reach=reach, params=strategies_params),
        "rates": _records(learning_rates),
        "experiments": experiments,
        "n_experiments": len(experiments),
        "last_on": max((str(row["ends_on"]) for row in whole), default=None),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.astype("object").where(table.notna(), None).to_dict("records")  # type: ignore[assignment]  # names of columns are text
    return rows


def _inherited(previous: dict[str, Any] | None, *, seen: set[str], as_of: date) -> list[dict[str, Any]]:
    """Return what the predecessor learnt from experiments that are no longer in the data; nothing from later days."""
    if not previous or previous["as_of"] > as_of.isoformat():
        return []
    kept = [row for row in previous["measures"] if row["experiment_id"] not in seen]
    return [{**row, "inherited": True} for row in kept]


def _pooled(
    measures: list[dict[str, Any]], *, by: tuple[str, ...], reach: dict[str, float], params: StrategiesParams
) -> list[dict[str, Any]]:
    """Return the posterior of each cell that was measured.

    Cells share what a read touch brings ; a cell's touches are read as often as its channel's are.
    """
    cells: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in measures:
        if reach.get(row["channel"], 0.0) > 0:
            cells.setdefault(tuple(row[name] for name in by), []).append(row)
    bought = {key: sum(int(row["control_orders"]) for row in rows) for key, rows in cells.items()}
    keys = sorted((key for key in cells if bought[key] >= _FEWEST_ORDERS), key=str)
    if not keys:
        return []
    found = [combined([_response(row) for row in cells[key]]) for key in keys]
    parts = np.array([reach[key[0]] for key in keys])
    mean, sd = _claimed_gain(params)
    learned = learn_cells(
        np.array([one.value for one in found]) / parts,
        np.array([one.std_error for one in found]) / parts,
        means=mean,
        sd=sd,
        ns=[sum(int(r["n"]) + int(r["n_control"]) for r in cells[key]) for key in keys],
        measured=Grade.RANDOMISED,
    )
    return [
        {
            **dict(zip(by, key, strict=True)),
            "n_experiments": len({r["experiment_id"] for r in cells[key]}),
            "window_days": round(float(np.mean([r["window_days"] for r in cells[key]]))),
            "discount_share": _mean([r["discount_share"] for r in cells[key]]),
            "prior_mean": mean * part,
            "prior_sd": sd * part,
            "measured": one.value,
            "std_error": one.std_error,
            "widened": one.widened,
            **{name: getattr(after, name) * part for name in ("mean", "sd", "ci_lower", "ci_upper")},
            **{name: getattr(after, name) for name in _OF_LEARNED},
            "grade": after.grade.value,
        }
        for key, part, one, after in zip(keys, parts.tolist(), found, learned, strict=True)
    ]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _response(row: dict[str, Any]) -> Response:
    n, held = float(row["n"]), float(row["n_control"])
    per_order = row["touches_each"] / row["window_days"]
    variances = (row["variance_treated"], row["variance_control"])
    return Response(row["effect"], row["one_day"], per_order, *variances, weight=n * held / (n + held))


_OF_LEARNED: Final = (
    "confidence_level", "n", "weight_own", "weight_others", "weight_prior",
)  # fmt: skip


def _claimed_gain(params: StrategiesParams) -> tuple[float, float]:
    """Return mean and standard deviation of what a read message is claimed to add, in days of own purchases.

    What is only borrowed from later is taken off; other channels count as their part of a private message.
    """
    by_name = {effect.name: effect for effect in load_effects(params.effects).effects}
    gain, kept = by_name["gain_days"], 1 - by_name["pull_forward"].mean
    return kept * gain.mean, kept * (gain.sd or gain.mean)


def _reach(channels: pd.DataFrame) -> dict[str, float]:
    """Return by channel what a touch assigned is worth of a message read: confirmed × read × the channel's gain."""
    confirmed = channels["confirm_rate"].where(channels["needs_staff"].astype(bool), 1.0)
    worth = confirmed * channels["read_rate"] * channels["gain"]
    return dict(zip(channels["channel"].astype(str), worth.astype(float), strict=True))


def learning_rates(
    strategy_channels: pd.DataFrame, touch_rates: pd.DataFrame, strategies_params: StrategiesParams
) -> pd.DataFrame:
    """Read and confirmation rates of the channels touched: claim, counts, and what is known now; one row each.

    ``channel``, ``rate`` (read, confirm), ``n_seen`` (touches that count: 1,000 at most), ``prior_mean``,
    ``prior_strength``, ``mean``, ``ci_lower``, ``ci_upper``, ``confidence_level``, ``weight_prior``, ``grade``,
    ``claimed`` (whether the prior is a number of the trade).
    """
    from scipy.special import betaincinv

    confirm = next(
        effect for effect in load_effects(strategies_params.effects).effects if effect.name == "confirm_rate"
    )
    registry = {channel.name: channel.read_rate for channel in load_channels().channels}
    rows = []
    for row in strategy_channels[strategy_channels["channel"].isin(touch_rates["channel"])].to_dict("records"):
        read = registry[row["channel"]]
        priors = {"read": (read.mean, read.strength), "confirm": (confirm.mean, confirm.strength or 1.0)}
        for rate, (prior, strength) in priors.items():
            if rate == "confirm" and not row["needs_staff"]:
                continue
            mean, weight = float(row[f"{rate}_rate"]), float(row[f"{rate}_strength"])
            ends = [float(betaincinv(mean * weight, (1 - mean) * weight, q)) for q in (0.025, 0.975)]
            own = 1 - strength / weight
            grade = grade_by_weight(own, measured=Grade.OBSERVATIONAL).value
            known = (row["channel"], rate, round(weight - strength), prior, strength)
            claimed = rate == "read" and read.benchmark is not None
            rows.append((*known, mean, *ends, 0.95, 1 - own, grade, claimed))
    return pd.DataFrame(rows, columns=list(_RATE_COLUMNS))


_RATE_COLUMNS: Final = (
    "channel", "rate", "n_seen", "prior_mean", "prior_strength", "mean", "ci_lower", "ci_upper", "confidence_level",
    "weight_prior", "grade", "claimed",
)  # fmt: skip


def _pandas(frame: "nw.LazyFrame[Any]") -> pd.DataFrame:
    found: pd.DataFrame = frame.collect("pandas").to_native()
    return found
