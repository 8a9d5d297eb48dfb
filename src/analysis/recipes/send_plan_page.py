"""Tables and words of the send plan's page, made from the compiled plan."""

from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.evidence import Estimate, Forecast, Observed, Prior, grade_of
from analysis.features.places import texts_at
from analysis.params import SendPlanParams
from analysis.recipes.resolver import reads
from analysis.touch.messages import registered_messages
from analysis.touch.plan.wording import LIMIT_LABELS, REASON_LABELS, answer, decision, limits_claim, sides
from analysis.touch.policies import load_rulebook, over_the_cap

_GRADE: Final = grade_of(Forecast((Observed(), Prior())))
_LEVEL: Final = 0.8
_WORTH_SAYING: Final = 0.5  # currency: a limit whose extension is worth less is not called short


def send_plan_headline(
    send_plan_choices: pd.DataFrame,
    send_plan_touches: pd.DataFrame,
    send_plan_draws: pd.DataFrame,
    send_plan_params: SendPlanParams,
    as_of: date,
) -> dict[str, Any]:
    """The page's numbers and labels by name, as values for sentences."""
    plan, touches = send_plan_choices.attrs, send_plan_touches
    n = len(send_plan_choices)
    shadow = {name: _money(value) for name, value in plan["shadow"].items()}
    first, last = as_of + timedelta(days=1), as_of + timedelta(days=send_plan_params.days)
    found = {
        "n_touches": Estimate(len(touches), "touches"),
        "n_reached": Estimate(int(touches["customer_id"].nunique()), "customers"),
        "n_customers": Estimate(n, "customers"),
        "n_holdout": Estimate(int((send_plan_choices["reason"] == "holdout").sum()), "customers"),
        "profit": _drawn(float(touches["value"].sum()), send_plan_draws["profit"], "money", n=n),
        "orders": _drawn(float(touches["orders"].sum()), send_plan_draws["orders"], "orders", n=n),
        "deletions": _drawn(float(touches["deletions"].sum()), send_plan_draws["deletions"], "deletions", n=n),
        "staff_hours": Estimate(round(float(touches["staff_minutes"].sum()) / 60, 1), "hours"),
        "staff": Estimate(int(plan["staff"]), "staff"),
        "spend": Estimate(float(plan["spend"]), "money", grade=_GRADE),
        "gap": Estimate(float(plan["gap"]), "share"),
        "coins": Estimate(int(plan["coins"]), "times"),
        "coins_cost": _money(plan["coins_cost"]),
        "busiest": Estimate(int(touches.groupby("day").size().max() if len(touches) else 0), "touches"),
        "holdout_share": Estimate(send_plan_params.holdout_share, "share"),
        "minutes_each": Estimate(send_plan_params.staff_minutes_per_day, "minutes"),
        "n_draws": Estimate(send_plan_params.draws, "times"),
        **shadow,
    }
    solver = {"exact": {"zh": "精确求解（HiGHS）", "en": "exact solver (HiGHS)"}}
    by_prices = {"zh": "影子价格", "en": "shadow prices"}
    days = {"first_day": first.isoformat(), "last_day": last.isoformat()}
    return {
        **{name: value.as_result() for name, value in found.items()},
        **days,
        "method": solver.get(plan["method"], by_prices),
    }


def send_plan_words(send_plan_choices: pd.DataFrame, send_plan_headline: dict[str, Any]) -> dict[str, Any]:
    """The sentences that depend on what came out: the answer, the decision, the claim about limits."""
    touches = int(send_plan_headline["n_touches"]["value"])
    shadow = {name: value for name, value in send_plan_choices.attrs["shadow"].items() if value >= _WORTH_SAYING}
    scarce = max(shadow, key=lambda name: shadow[name]) if shadow else None
    profit = send_plan_headline["profit"]
    known = Estimate(profit["value"], "money", profit["ci_lower"], profit["ci_upper"], _LEVEL, grade=_GRADE)
    said = decision(touches=touches, scarce=scarce)
    return {
        "answer": answer(known, touches=touches, scarce=scarce),
        "decision": {
            **said["text"],
            "why": said["why"],
            "worth_label": {"zh": "预计增量利润，全部后果", "en": "Expected incremental profit, all consequences"},
            "reasons_to_change": [
                {
                    "zh": "留出组与名单组的差别，四周后看",
                    "en": "the difference between lists and holdout, in four weeks",
                },
                {"zh": "员工确认率低于假设", "en": "staff confirming less than assumed"},
            ],
        },
        "limits": limits_claim(scarce),
        "sides": sides(coins=int(send_plan_headline["coins"]["value"])),
    }


def send_plan_by_day(
    send_plan_touches: pd.DataFrame, strategy_channels: pd.DataFrame, send_plan_params: SendPlanParams, as_of: date
) -> pd.DataFrame:
    """One row per day and channel of the plan, days without touches too: ``day`` (date), the channel, ``n_touches``."""
    counts = send_plan_touches.groupby(["day", "channel"]).size()
    days = [(as_of + timedelta(days=d + 1)).isoformat() for d in range(send_plan_params.days)]
    order = send_plan_touches["channel"].value_counts().index.tolist()
    names = strategy_channels.set_index("channel")
    return pd.DataFrame(
        [
            {
                "day": day,
                "channel_zh": names.loc[channel, "channel_zh"],
                "channel_en": names.loc[channel, "channel_en"],
                "n_touches": int(counts.get((day, channel), 0)),
            }
            for day in days
            for channel in order
        ],
        columns=["day", "channel_zh", "channel_en", "n_touches"],
    )


def send_plan_by_message(send_plan_touches: pd.DataFrame, send_plan_params: SendPlanParams) -> pd.DataFrame:
    """One row per message of the plan, most profit first: touches, expected profit (currency), staff hours."""
    labels = {message.name: message.label for message in registered_messages(send_plan_params.messages)}
    groups = send_plan_touches.groupby("message")
    table = pd.DataFrame(
        {
            "n_touches": groups.size(),
            "n_customers": groups["customer_id"].nunique(),
            "expected_profit": groups["value"].sum(),
            "profit_each": groups["value"].mean(),
            "staff_hours": groups["staff_minutes"].sum() / 60,
        }
    ).sort_values("expected_profit", ascending=False)
    table.insert(0, "message_zh", [labels[str(name)].zh for name in table.index])
    table.insert(1, "message_en", [labels[str(name)].en for name in table.index])
    return table.reset_index(drop=True)


def send_plan_left_out(send_plan_choices: pd.DataFrame) -> pd.DataFrame:
    """One row per outcome, planned first, then the most frequent: ``why``, ``n_customers``, ``share_customers``."""
    counts = send_plan_choices["reason"].value_counts()
    order = sorted(counts.index, key=lambda name: (name != "planned", -counts[name], name))
    return pd.DataFrame(
        {
            "why_zh": [REASON_LABELS[name]["zh"] for name in order],
            "why_en": [REASON_LABELS[name]["en"] for name in order],
            "n_customers": [int(counts[name]) for name in order],
            "share_customers": [float(counts[name] / len(send_plan_choices)) for name in order],
            "planned": [name == "planned" for name in order],
        }
    )


def send_plan_limits(send_plan_choices: pd.DataFrame, send_plan_params: SendPlanParams) -> pd.DataFrame:
    """One row per limit that the plan shares: what there is, what is used, and what a little more would earn."""
    plan = send_plan_choices.attrs
    there = {"staff_hour": float(np.sum(plan["minutes_there"])) / 60, "budget": send_plan_params.budget}
    used = {"staff_hour": float(np.sum(plan["minutes"])) / 60, "budget": float(plan["spend"])}
    return pd.DataFrame(
        [
            {
                **{f"limit_{lang}": LIMIT_LABELS[name]["limit"][lang] for lang in ("zh", "en")},
                "available": there[name],
                "planned": used[name],
                "share_used": used[name] / (there[name] or np.nan),
                **{f"more_{lang}": LIMIT_LABELS[name]["more"][lang] for lang in ("zh", "en")},
                "worth_of_more": worth,
            }
            for name, worth in plan["shadow"].items()
        ]
    )


def send_plan_conflicts(send_plan_choices: pd.DataFrame, strategy_channels: pd.DataFrame) -> pd.DataFrame:
    """One row per wish that cannot be met and what stands against it; empty if all are met."""
    names = strategy_channels.set_index("channel")
    rows = []
    for row in send_plan_choices.attrs["conflicts"]:
        channel = str(row["wish"]).removeprefix("at_least:")
        if channel == row["wish"]:
            wish = {"zh": "必须触达的客户", "en": "Customers who must be touched"}
        else:
            wish = {lang: str(names[f"channel_{lang}"].get(channel, channel)) for lang in ("zh", "en")}
        why = REASON_LABELS[str(row["reason"])]
        rows.append(
            {
                "wish_zh": wish["zh"], "wish_en": wish["en"], "asked": row["asked"], "possible": row["possible"],
                "why_zh": why["zh"], "why_en": why["en"], "n_customers": row["n_customers"],
            }
        )  # fmt: skip
    columns = ["wish_zh", "wish_en", "asked", "possible", "why_zh", "why_en", "n_customers"]
    return pd.DataFrame(rows, columns=columns)


def policy_history(policy_windows: pd.DataFrame, send_plan_params: SendPlanParams) -> pd.DataFrame:
    """One row per cap that ever bore on this brand: past touches over the cap that held on their day.

    Columns ``rule``, ``valid_from``, ``valid_until``, ``n_judged``, ``n_over`` (touches beyond the limit), ``highest``
    (the most one customer got in a window), ``last_over_on``.
    """
    rules = tuple(rule for rule in load_rulebook().caps if rule.mode in {None, send_plan_params.cap_mode})
    counts = policy_windows.assign(day=pd.to_datetime(policy_windows["day"]).dt.date)
    judged = over_the_cap(counts, rules=rules)
    judged = judged[judged["n_judged"] > 0]
    labels = {rule.name: rule.label for rule in rules}
    named = [labels[name] for name in judged["rule"]]
    return pd.DataFrame(
        {
            "rule_zh": [label.zh if label else name for label, name in zip(named, judged["rule"], strict=True)],
            "rule_en": [label.en if label else name for label, name in zip(named, judged["rule"], strict=True)],
            **{
                name: judged[name].map(lambda day: day.isoformat() if day else None)
                for name in ("valid_from", "valid_until")
            },
            **{name: judged[name] for name in ("n_judged", "n_over", "highest")},
            "last_over_on": judged["last_over_on"].map(lambda day: day.isoformat() if isinstance(day, date) else None),
        }
    ).reset_index(drop=True)


def policy_words(policy_history: pd.DataFrame) -> dict[str, Any]:
    """What history says: touches judged and over, as values, and the claim."""
    over = int(policy_history["n_over"].sum())
    claim = (
        {"zh": "过去有 {n_over} 超过当时的上限", "en": "{n_over} of the past exceeded the cap of their day"}
        if over
        else {"zh": "过去的触达都在当时的上限之内", "en": "Past touches all kept the caps of their day"}
    )
    return {
        "claim": claim,
        "n_over": Estimate(over, "touches").as_result(),
        "n_judged": Estimate(
            int(policy_history["n_judged"].max() if len(policy_history) else 0), "touches"
        ).as_result(),
    }


@reads(send_plan_customers=("days_since_last_order", "n_orders"))
def send_plan_lists(
    send_plan_touches: pd.DataFrame,
    send_plan_customers: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    send_plan_params: SendPlanParams,
) -> pd.DataFrame:
    """What staff send from, one row per touch: the touch, and reason, talking point and labels in both languages."""
    messages = {message.name: message for message in registered_messages(send_plan_params.messages)}
    names = strategy_channels.set_index("channel")
    table = send_plan_touches.copy()
    who = send_plan_customers.iloc[table["row"]]
    days = who["days_since_last_order"].round().astype(int).tolist()
    orders = who["n_orders"].astype(int).tolist()
    said = [messages[name] for name in table["message"]]
    for lang in ("zh", "en"):
        table[f"channel_label_{lang}"] = names.loc[table["channel"], f"channel_{lang}"].to_numpy()
        table[f"message_label_{lang}"] = [getattr(message.label, lang) for message in said]
        filled = [
            {
                "days": d,
                "orders": o,
                "discount": f"{m.offer.discount_share if m.offer else 0.0:.0%}",
            }
            for d, o, m in zip(days, orders, said, strict=True)
        ]
        for column, part in (("reason_text", "reason"), ("talking_point", "talking_point")):
            texts = [str(getattr(getattr(message, part), lang)) for message in said]
            table[f"{column}_{lang}"] = [_filled(text, values) for text, values in zip(texts, filled, strict=True)]
    return table.drop(columns=["row", "place", "offset", "near", "left", "deletions", "orders"])


def send_plan_log(send_plan_choices: pd.DataFrame, send_plan_params: SendPlanParams, as_of: date) -> pd.DataFrame:
    """What each customer could have got and with which probability, one row per customer and possible schedule.

    Columns ``customer_id``, ``decided_on`` (ISO text), ``action`` (messages with their days, or ``none``),
    ``propensity`` (given the side of the holdout), ``holdout_propensity`` (of that side), ``chosen``.
    Schedules not listed had no chance.
    """
    names = [message.name for message in registered_messages(send_plan_params.messages)]
    explored = np.flatnonzero(send_plan_choices["explored"])
    other = send_plan_choices.iloc[explored]
    parts = [
        pd.DataFrame(
            {
                "customer_id": rows["customer_id"],
                "decided_on": as_of.isoformat(),
                "action": _actions(rows, prefix, names=names),
                "propensity": rows["propensity"] if not prefix else 1 - rows["propensity"],
                "holdout_propensity": rows["holdout_propensity"],
                "chosen": not prefix,
            }
        )
        for prefix, rows in (("", send_plan_choices), ("other_", other.reset_index(drop=True)))
    ]
    order = np.argsort(np.append(np.arange(len(send_plan_choices)), explored), kind="stable")
    return pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)


def send_plan_results(send_plan_headline: dict[str, Any]) -> dict[str, Any]:
    """Entries of ``results.json``."""
    head = send_plan_headline
    shadow = {f"shadow_price.{name}": head[name] for name in LIMIT_LABELS if name in head}
    return {"n_touches": head["n_touches"], "expected_profit": head["profit"], "duality_gap": head["gap"], **shadow}


def _actions(rows: pd.DataFrame, prefix: str, *, names: list[str]) -> "pd.Series[str]":
    """Return each schedule as text; of the few that there are each is written once."""
    columns = [rows[f"{prefix}{part}_{k}"].to_numpy() + 1 for k in (1, 2) for part in ("message", "day")]
    sizes = [int(column.max(initial=0)) + 1 for column in columns]
    which, kinds = pd.factorize(np.ravel_multi_index(columns, sizes))
    texts = []
    for m, d, n, e in zip(*np.unravel_index(kinds, sizes), strict=True):
        said = [f"{names[message - 1]}@{day - 1}" for message, day in ((m, d), (n, e)) if message]
        texts.append(" + ".join(said) or "none")
    return texts_at(texts, places=which)


def _filled(text: str, values: dict[str, Any]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _money(value: float) -> Estimate:
    return Estimate(float(value), "money", grade=_GRADE)


def _drawn(value: float, draws: "pd.Series[float]", unit: str, *, n: int) -> Estimate:
    low, high = np.quantile(draws, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Estimate(value, unit, min(float(low), value), max(float(high), value), _LEVEL, grade=_GRADE, n=n)
