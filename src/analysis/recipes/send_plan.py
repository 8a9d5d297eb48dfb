"""The week's send plan: who can be reached, what a touch is worth to each, and what is sent to whom on which day.

The chain: ``send_plan_customers`` (who can be reached, by whom, how) → ``send_plan_holdout`` (who never is) →
``send_plan_choices`` (the compiled plan, one row per customer) → ``send_plan_touches`` (one row per touch) → the tables
of the page (``send_plan_page``). What a touch is worth is a formula at assumed effect sizes (``touch/option_value``).
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.features.places import places_of
from analysis.params import SendPlanParams
from analysis.recipes.resolver import reads
from analysis.touch.effects import central_effects, draw_channel_rates, draw_effects, load_effects
from analysis.touch.messages import Message, registered_messages
from analysis.touch.option_value import (
    CUSTOMER_COLUMNS,
    customer_side,
    fatigue_now,
    message_draw,
    message_side,
    touch_worth,
)
from analysis.touch.plan.compile import PlanInput, compile_plan, shadow_prices
from analysis.touch.plan.exploration import explore
from analysis.touch.plan.permission import PastTouches
from analysis.touch.plan.problem import NOTHING, used, worth
from analysis.touch.plan.wishes import Wishes
from analysis.touch.policies import Rulebook, load_rulebook
from analysis.touch.population import HISTORY_PREFIX
from analysis.touch.strategies import audience

Floats = npt.NDArray[np.float64]

_NEED: Final = (0.8, 1.6)  # days since the last order in the customer's own mean gaps between which need is near
_PLANNED_FOR: Final = (
    "customer_id",
    "rate_days",
    "rate_shape",
    "days_since_last_order",
    "n_orders",
    "hour",
    "staff_id",
    "contact_id",
)
_MOST_SCHEDULES: Final = 8_000_000


def _valued_by(names: Sequence[str]) -> list[str]:
    """Return the columns that touches are valued by, see ``_sides``."""
    return [name for name in names if name in CUSTOMER_COLUMNS or name.startswith(HISTORY_PREFIX)]


def send_plan_choices(
    send_plan_customers: pd.DataFrame,
    send_plan_holdout: pd.DataFrame,
    send_plan_past: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_economics: dict[str, Any],
    send_plan_params: SendPlanParams,
    send_plan_staff: pd.DataFrame,
    as_of: date,
    seed: int,
) -> pd.DataFrame:
    """The compiled plan, one row per customer, as ``send_plan_customers`` has them.

    Columns ``reason`` (``planned`` or why not), ``message_1``, ``day_1``, ``message_2``, ``day_2`` (places, -1: none;
    day 0 is the day after ``as_of``), ``value`` (currency), the same four with ``other_`` for what a coin decided
    against, ``propensity`` (of the choice, given that the customer is not held out) and ``holdout_propensity``.
    The numbers of the whole plan (worth, bound, shadow prices, minutes, conflicts) are the table's ``attrs``.
    """
    parts = (send_plan_customers, send_plan_holdout, send_plan_past, strategy_channels, strategy_economics)
    staff_ids = send_plan_staff["staff_id"].tolist()
    given = _plan_input(*parts, params=send_plan_params, staff_ids=staff_ids, as_of=as_of, seed=seed)
    plan = compile_plan(given)
    spend = _spend_of(plan.schedules.message, plan.schedules.first, given.spend)
    slots = given.staff_minutes.size
    must, _ = given.wishes.of(len(given.staff), channels=given.channels)
    explored = explore(
        plan,
        staff=given.staff,
        spend=spend,
        slots=slots,
        share=0.0 if given.wishes.at_least else send_plan_params.exploration_share,
        tolerance=send_plan_params.exploration_tolerance,
        seed=seed,
        keep=must,
    )
    ids = send_plan_customers["customer_id"]
    side = places_of(ids, among=send_plan_holdout["customer_id"])
    table = pd.DataFrame({"customer_id": ids, "reason": plan.reason})
    # A coin may have turned: who gets something is planned, who lost the coin says so.
    table.loc[explored.choice != NOTHING, "reason"] = "planned"
    table.loc[(explored.choice == NOTHING) & (explored.other != NOTHING), "reason"] = "coin"
    for prefix, choice in (("", explored.choice), ("other_", explored.other)):
        for name, column in _schedule_columns(plan.schedules, choice).items():
            table[f"{prefix}{name}"] = column
    table["value"] = np.where(explored.choice == NOTHING, 0.0, np.append(plan.schedules.value, 0.0)[explored.choice])
    table["propensity"] = explored.propensity
    table["explored"] = explored.propensity < 1
    table["holdout_propensity"] = send_plan_holdout["propensity"].to_numpy()[side]
    members, days = given.staff_minutes.shape
    swapped = np.where(explored.choice == plan.chosen.choice, explored.other, explored.choice)
    table.attrs = {
        "worth": worth(plan.problem, explored.choice),
        "coins_cost": max(0.0, (plan.chosen.worth - worth(plan.problem, swapped)) / 2),
        "bound": plan.chosen.bound,
        "gap": plan.chosen.gap,
        "method": plan.chosen.method,
        "coins": explored.coins,
        "shadow": shadow_prices(plan, staff=members, days=days),
        "minutes": used(plan.problem, explored.choice)[:slots].reshape(members, days).sum(axis=0).tolist(),
        "minutes_there": given.staff_minutes.sum(axis=0).tolist(),
        "spend": float(_total(explored.choice, spend)),
        "conflicts": [
            *plan.conflicts.astype(object).to_dict("records"),
            *_unknown(send_plan_params, send_plan_customers),
        ],
        "staff": len(staff_ids),
    }
    return table


@reads(
    send_plan_choices=("message_1", "day_1", "message_2", "day_2", "propensity", "holdout_propensity"),
    send_plan_customers=lambda names: [*_valued_by(names), *_PLANNED_FOR],
)
def send_plan_touches(
    send_plan_choices: pd.DataFrame,
    send_plan_customers: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_economics: dict[str, Any],
    send_plan_params: SendPlanParams,
    as_of: date,
) -> pd.DataFrame:
    """The touches of the plan, one row each, in the columns of the table ``touches`` and what the list adds.

    ``propensity`` is the probability that this customer got this schedule, the draw of the holdout included. Also:
    ``day`` (ISO text), ``send_hour``, ``message`` and ``place`` (its place among the messages), ``row`` (place of the
    customer), ``near`` (need is near), ``left`` (share of the gain that an earlier touch leaves), ``value`` (currency),
    ``spend`` (currency), ``batch`` (number of the mass message).
    """
    messages = registered_messages(send_plan_params.messages)
    effects = _central(send_plan_params)
    choices = send_plan_choices
    parts = []
    for k in (1, 2):
        got = np.flatnonzero(choices[f"message_{k}"].to_numpy() != NOTHING)
        picked = choices.iloc[got]
        parts.append(
            pd.DataFrame(
                {
                    "row": got,
                    "place": picked[f"message_{k}"].to_numpy(),
                    "offset": picked[f"day_{k}"].to_numpy(),
                    "after": picked["message_1"].to_numpy() if k == 2 else NOTHING,
                    "gap": (picked[f"day_{k}"] - picked["day_1"]).to_numpy(),
                    "propensity": (picked["propensity"] * picked["holdout_propensity"]).to_numpy(),
                }
            )
        )
    touches = pd.concat(parts, ignore_index=True).sort_values(["offset", "row"], ignore_index=True)
    who = send_plan_customers.iloc[touches["row"]].reset_index(drop=True)
    near = _near(who, days=send_plan_params.days)
    left = _left(messages, channels=strategy_channels, effects=effects, days=send_plan_params.days)
    touches["near"] = near[np.arange(len(touches)), touches["offset"]]
    touches["left"] = np.where(touches["after"] >= 0, left[touches["after"], touches["place"], touches["gap"]], 1.0)
    own, said = _rowwise(who, messages, touches["place"], channels=strategy_channels, effects=effects)
    found = touch_worth(own, said, effects=effects, economics=strategy_economics)
    touches["value"] = found.gain * (1 + found.timing * touches["near"]) * touches["left"] - found.burden
    touches["spend"], touches["deletions"], touches["orders"] = found.spend, found.deletions, found.orders
    touches["staff_minutes"] = said["staff_minutes"]
    return _named(touches, who, messages=messages, channels=strategy_channels, as_of=as_of)


@reads(send_plan_customers=_valued_by, send_plan_touches=("row", "place", "near", "left"))
def send_plan_draws(
    send_plan_touches: pd.DataFrame,
    send_plan_customers: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_economics: dict[str, Any],
    send_plan_params: SendPlanParams,
    seed: int,
) -> pd.DataFrame:
    """What the planned touches are worth under draws of the effect sizes, one row per draw.

    Columns ``profit`` (currency), ``orders``, ``deletions``.
    """
    messages, draws = registered_messages(send_plan_params.messages), send_plan_params.draws
    effects = draw_effects(load_effects(send_plan_params.effects), draws=draws, seed=seed)
    rates = draw_channel_rates(
        {
            f"{kind}_rate_{row['channel']}": (float(row[f"{kind}_rate"]), float(row[f"{kind}_strength"]))
            for row in strategy_channels.to_dict("records")
            for kind in ("read", "confirm")
        },
        draws=draws,
        seed=seed,
    )
    who, place = send_plan_customers.iloc[send_plan_touches["row"]], send_plan_touches["place"].to_numpy()
    own, said = _rowwise(who, messages, place, channels=strategy_channels, effects=_central(send_plan_params))
    near, left = (send_plan_touches[name].to_numpy() for name in ("near", "left"))
    rows = []
    for draw in range(draws):
        world = {name: float(values[draw]) for name, values in effects.items()}
        seen = {name: float(values[draw]) for name, values in rates.items()}
        drawn = message_draw(_message_table(messages), channels=strategy_channels, effects=world, rates=seen)
        there = said | {name: column[place] for name, column in drawn.items()}
        found = touch_worth(own, there, effects=world, economics=strategy_economics)
        timely = 1 + found.timing * near
        rows.append(
            {
                "profit": float((found.gain * timely * left - found.burden).sum()),
                "orders": float((found.orders * timely * left).sum()),
                "deletions": float(found.deletions.sum()),
            }
        )
    return pd.DataFrame(rows)


def _unknown(params: SendPlanParams, customers: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a conflict for customers who must be touched and whom the data do not have."""
    wanted = set(params.must_send)
    if not wanted:
        return []
    missing = wanted - set(customers["customer_id"])
    found = {"wish": "must_send", "asked": len(wanted), "possible": len(wanted) - len(missing), "reason": "unknown"}
    return [{**found, "n_customers": len(missing)}] if missing else []


def _message_table(messages: tuple[Message, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "channel": [message.channel for message in messages],
            "template": [str(message.template) for message in messages],
            "discount_share": [message.offer.discount_share if message.offer else 0.0 for message in messages],
            "valid_days": [float(message.offer.valid_days) if message.offer else 0.0 for message in messages],
        }
    )


def _central(params: SendPlanParams) -> dict[str, float]:
    return {name: float(value[0]) for name, value in central_effects(load_effects(params.effects)).items()}


def _lists(column: "pd.Series[str]") -> Callable[[str], npt.NDArray[np.bool_]]:
    """Return what tells of a channel whether the comma-separated lists hold it."""
    which, lists = pd.factorize(column)  # customers share a few lists

    def hold(channel: str) -> npt.NDArray[np.bool_]:
        return np.array([channel in str(listed).split(",") for listed in lists], dtype=bool)[which]

    return hold


def _gates(
    customers: pd.DataFrame,
    messages: tuple[Message, ...],
    *,
    channels: pd.DataFrame,
    held: npt.NDArray[np.bool_],
    rules: Rulebook,
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return what each customer may get of each message, gate by gate."""
    known = channels.set_index("channel")
    grants, refuses, reaches = (_lists(customers[name]) for name in ("granted", "refused", "reached_by"))
    fits, consented, reached = [], [], []
    for message in messages:
        channel = message.channel
        granted = grants(channel)
        fits.append(audience(customers, conditions=message.audience))
        allowed = ~refuses(channel)
        consented.append(allowed & granted if rules.needs_grant(channel) else allowed)
        if bool(known.loc[channel, "needs_contact"]):
            reached.append(customers["staff_id"].notna().to_numpy(dtype=bool))
        else:
            reached.append(granted | reaches(channel))
    return {
        "holdout": ~held[:, None],
        "no_contact": np.stack(reached, axis=1),
        "refused": np.stack(consented, axis=1),
        "no_message": np.stack(fits, axis=1),
    }


def _near(customers: pd.DataFrame, *, days: int) -> npt.NDArray[np.bool_]:
    """Return whether each customer's next need is near on each day of the plan."""
    gap = (customers["rate_days"] / customers["rate_shape"]).to_numpy(dtype=float)
    since = customers["days_since_last_order"].to_numpy(dtype=float)
    back = customers["n_orders"].to_numpy(dtype=float) >= 2
    near = np.empty((len(customers), days), dtype=bool)
    for day in range(days):
        ratio = (since + (day + 1)) / gap
        near[:, day] = (ratio >= _NEED[0]) & (ratio <= _NEED[1]) & back
    return near


def _left(messages: tuple[Message, ...], *, channels: pd.DataFrame, effects: dict[str, float], days: int) -> Floats:
    """Return the share of a second touch's gain that the fatigue of a first one leaves, by message pair and days."""
    annoyance = channels.set_index("channel")["annoyance"]
    said = np.array([message.channel for message in messages])
    tires = annoyance.loc[said].to_numpy(dtype=float)
    felt = np.where(said[:, None] == said[None, :], 1.0, effects["cross_channel"]) * tires[:, None]
    memory = np.exp(-np.arange(days + 1) / effects["fatigue_days"])
    found: Floats = np.exp(-effects["fatigue_response"] * felt[:, :, None] * memory[None, None, :])
    return found


def _sides(
    customers: pd.DataFrame, messages: tuple[Message, ...], *, channels: pd.DataFrame, effects: dict[str, float]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    names = [str(name) for name in customers.columns if str(name).startswith(HISTORY_PREFIX)]
    per_day = {name.removeprefix(HISTORY_PREFIX): customers[name].to_numpy(dtype=float) for name in names}
    annoyance = {str(row["channel"]): float(row["annoyance"]) for row in channels.to_dict("records")}
    said_by = [message.channel for message in messages]
    fatigue = fatigue_now(per_day, said_by=said_by, annoyance=annoyance, effects=effects)
    fatigue = np.broadcast_to(fatigue, (len(customers), len(messages)))
    said = message_side(_message_table(messages), channels=channels, effects=effects)
    return customer_side(customers, fatigue=fatigue), said


def _rowwise(
    who: pd.DataFrame,
    messages: tuple[Message, ...],
    place: "pd.Series[int] | npt.NDArray[np.int64]",
    *,
    channels: pd.DataFrame,
    effects: dict[str, float],
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return both sides of planned touches, one row each: whom they go to, and the places of their messages."""
    own, said = _sides(who, messages, channels=channels, effects=effects)
    at = np.asarray(place, dtype=np.int64)
    one = {name: column[:, 0] for name, column in own.items() if name != "fatigue"}
    one["fatigue"] = own["fatigue"][np.arange(len(at)), at]
    return one, {name: column[at] for name, column in said.items()}


def _plan_input(
    customers: pd.DataFrame,
    holdout: pd.DataFrame,
    past: pd.DataFrame,
    channels: pd.DataFrame,
    economics: dict[str, Any],
    *,
    params: SendPlanParams,
    staff_ids: list[str],
    as_of: date,
    seed: int,
) -> PlanInput:
    """Return everything the compiler takes."""
    messages, effects, rules = registered_messages(params.messages), _central(params), load_rulebook()
    ids, staff = customers["customer_id"], pd.Series(staff_ids, dtype="str")
    held = holdout["holdout"].to_numpy(dtype=bool)[places_of(ids, among=holdout["customer_id"])]
    gates = _gates(customers, messages, channels=channels, held=held, rules=rules)
    # What nobody may get is worth nothing: it is not reckoned up.
    open_ = np.flatnonzero(np.logical_and.reduce([gate.any(axis=1) for gate in gates.values()]))
    theirs = customers[_valued_by(list(map(str, customers.columns)))].iloc[open_]
    own, said = _sides(theirs, messages, channels=channels, effects=effects)
    found = touch_worth(own, said, effects=effects, economics=economics)
    size = (len(customers), len(messages))

    def placed(values: Floats) -> Floats:
        table = np.zeros(size)
        table[open_] = values
        return table

    row = places_of(past["customer_id"], among=ids)
    earlier = past[row >= 0]
    return PlanInput(
        gain=placed(found.gain),
        burden=placed(found.burden),
        timely=1.0 + np.float64(found.timing) * _near(customers, days=params.days),
        spend=placed(found.spend),
        left=_left(messages, channels=channels, effects=effects, days=params.days),
        gates=gates,
        minutes=said["staff_minutes"],
        channels=[message.channel for message in messages],
        cooldown_days=[message.cooldown_days for message in messages],
        staff=places_of(customers["staff_id"], among=staff),
        hour=customers["hour"].to_numpy(dtype=np.int64),
        past=PastTouches(
            customer=row[row >= 0],
            channel=earlier["channel"].to_numpy(dtype=object),
            staff=places_of(earlier["staff_id"], among=staff),
            day=earlier["day"].to_numpy(dtype=np.int64),
            hour=earlier["hour"].to_numpy(dtype=np.int64),
        ),
        rules=rules,
        mode=params.cap_mode,
        first=as_of + timedelta(days=1),
        staff_minutes=np.full((len(staff_ids), params.days), params.staff_minutes_per_day),
        budget=params.budget,
        touches_each=params.touches_each,
        keep=int(np.clip(_MOST_SCHEDULES // max(len(customers), 1), 6, 20)),
        wishes=Wishes(
            must=tuple(place for place in places_of(params.must_send, among=ids).tolist() if place >= 0),
            at_least=params.at_least,
        ),
        seed=seed,
    )


def _spend_of(message: npt.NDArray[np.int8], first: npt.NDArray[np.int32], spend: Floats) -> Floats:
    """Return the money each schedule pays out."""
    customer = np.repeat(np.arange(len(first) - 1), np.diff(first))
    return sum(
        (np.where(message[:, k] >= 0, spend[customer, message[:, k]], 0.0) for k in (0, 1)),
        start=np.zeros(len(customer)),
    )


def _total(choice: npt.NDArray[np.int32], amount: Floats) -> float:
    return float(amount[choice[choice != NOTHING]].sum())


def _schedule_columns(schedules: Any, choice: npt.NDArray[np.int32]) -> dict[str, npt.NDArray[np.int64]]:
    """Return message and day of both touches of each customer's schedule; -1 where there is none."""
    nothing = np.full((1, 2), NOTHING, dtype=np.int8)
    message, day = (
        np.concatenate([schedules.message, nothing])[choice],
        np.concatenate([schedules.day, nothing])[choice],
    )
    return {
        "message_1": message[:, 0].astype(np.int64), "day_1": day[:, 0].astype(np.int64),
        "message_2": message[:, 1].astype(np.int64), "day_2": day[:, 1].astype(np.int64),
    }  # fmt: skip


def _named(
    touches: pd.DataFrame, who: pd.DataFrame, *, messages: tuple[Message, ...], channels: pd.DataFrame, as_of: date
) -> pd.DataFrame:
    """Return the touches with keys, names and days as the table ``touches`` has them."""
    staffed = channels.set_index("channel")["needs_staff"]
    place = touches["place"].to_numpy()
    names = np.array([message.name for message in messages], dtype=object)
    by_channel = np.array([message.channel for message in messages], dtype=object)[place]
    offers = np.array(
        [f"{m.offer.discount_share:.0%}-{m.offer.valid_days}d" if m.offer else None for m in messages], dtype=object
    )
    days = [as_of + timedelta(days=int(offset) + 1) for offset in touches["offset"]]
    first = as_of + timedelta(days=1)
    staff = np.array([bool(staffed[channel]) for channel in by_channel], dtype=bool)
    hours = who["hour"].to_numpy(dtype=np.int64)
    keys = zip(days, names[place], who["customer_id"], strict=True)
    table = pd.DataFrame(
        {
            "touch_id": [f"p{day:%Y%m%d}-{name}-{customer}" for day, name, customer in keys],
            "customer_id": who["customer_id"].to_numpy(),
            "channel": by_channel,
            "campaign_id": [f"plan-{first:%Y%m%d}-{name}" for name in names[place]],
            "assigned_at": [f"{day.isoformat()} {hour:02d}:00:00" for day, hour in zip(days, hours, strict=True)],
            "arm": "plan",
            "propensity": touches["propensity"].to_numpy(),
            "staff_id": who["staff_id"].where(staff).to_numpy(),
            "contact_id": who["contact_id"].where(staff).to_numpy(),
            "template_id": names[place],
            "offer_id": offers[place],
            "day": [day.isoformat() for day in days],
            "send_hour": hours,
            "message": names[place],
        }
    )
    table = pd.concat([table, touches.drop(columns=["propensity", "after", "gap"])], axis=1)
    size = load_rulebook().batch_size("private_chat") or len(table) + 1
    numbered = table.groupby(["day", "staff_id", "message"], dropna=False).cumcount()
    return table.assign(batch=numbered // size + 1)
