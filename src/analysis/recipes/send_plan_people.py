"""Who the send plan can reach, who it never touches, what customers got before, and what the caps then allowed."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.data.connect import Tables
from analysis.features.places import in_order, places_of, texts_at
from analysis.params import SendPlanParams
from analysis.recipes.resolver import Previous, reads
from analysis.touch.holdout import HOLDOUT_COLUMNS, assign_holdout, strata
from analysis.touch.messages import registered_messages
from analysis.touch.option_value import CUSTOMER_COLUMNS
from analysis.touch.policies import load_rulebook
from analysis.touch.population import HISTORY_PREFIX

HOLDOUT_STATE: Final = "send_plan_holdout"
_PENDING_DAYS: Final = 3  # an assigned touch this fresh may still go out: it counts against the caps
_LEAST_PAST_DAYS: Final = 31
_REACHED_DAYS: Final = 90  # a channel that delivered within so many days reaches the customer
_HOURS: Final = {"share_morning": 10, "share_afternoon": 15, "share_evening": 20}
_USUAL_HOUR: Final = 10
_VALUED_BY: Final = ("n_orders", "days_since_last_order", "rate_days", "rate_shape")
_NEVER: Final = -(2**62)
"""An instant before all others, microseconds."""


def send_plan_staff(tables: Tables) -> pd.DataFrame:
    """The members of staff who are employed, one row each, by ``staff_id``.

    Raises:
        MissingTableError: If there is no staff.
    """
    import narwhals as nw

    staff = tables.lazy("staff", needed_by="send_plan")
    if tables.has_column("staff", "left_on"):
        staff = staff.filter(nw.col("left_on").is_null())
    found: pd.DataFrame = staff.select("staff_id").collect("pandas").to_native()
    return found.sort_values("staff_id", ignore_index=True)


def _wanted(names: Sequence[str], params: Mapping[str, Any]) -> list[str]:
    """Return the columns that touches are valued by and those that audiences of messages look at."""
    wanted = {"customer_id", "p_churn", *_HOURS, *_VALUED_BY, *CUSTOMER_COLUMNS, *_looked_at(params["send_plan"])}
    return [name for name in names if name in wanted or name.startswith(HISTORY_PREFIX)]


def _looked_at(params: SendPlanParams) -> set[str]:
    return {c.column for message in registered_messages(params.messages) for c in message.audience}


@reads(strategy_customers=_wanted)
def send_plan_customers(
    strategy_customers: pd.DataFrame,
    send_plan_staff: pd.DataFrame,
    send_plan_params: SendPlanParams,
    tables: Tables,
    as_of: date,
) -> pd.DataFrame:
    """Who can be reached by whom, one row per customer, by id.

    Of ``strategy_customers`` the columns that touches are valued by and those that audiences of messages look at. Adds
    ``staff_id`` and ``contact_id`` (the member of staff, still employed, who is a contact and wrote last, else was
    added last; missing if none), ``refused`` and ``granted`` (channels, comma between; a refusal is never taken back),
    ``reached_by`` (channels without contact that delivered within 90 days) and ``hour`` (0-23: the part of the day in
    which the customer orders most).

    Raises:
        MissingTableError: If there are no contacts or no staff.
    """
    names = _wanted(list(map(str, strategy_customers.columns)), {"send_plan": send_plan_params})
    table = strategy_customers[names]
    if not in_order(table["customer_id"]):
        table = table.sort_values("customer_id", ignore_index=True)
    ids = table["customer_id"]
    made: dict[str, Any] = _owners(tables, staff_ids=send_plan_staff["staff_id"].tolist(), customers=ids)
    made |= {**_consent(tables, ids), "reached_by": _reached(tables, as_of, customers=ids)}
    parts = [name for name in _HOURS if name in table.columns]
    made["hour"] = np.full(len(table), _USUAL_HOUR)
    if parts:
        shares = table[parts].astype(float).fillna(0.0).to_numpy()
        hours = np.array([_HOURS[name] for name in parts])[shares.argmax(axis=1)]
        made["hour"] = np.where(shares.max(axis=1) > 0, hours, _USUAL_HOUR)
    dropped = [name for name in parts if name not in _looked_at(send_plan_params)]
    return table.drop(columns=dropped).assign(**made)


def send_plan_past(tables: Tables, as_of: date, send_plan_params: SendPlanParams, timezone: str) -> pd.DataFrame:
    """Touches that still count against caps and cooldowns, one row each, newest last.

    Columns ``customer_id``, ``channel``, ``staff_id``, ``day`` (-1 is ``as_of``) and ``hour`` (0-23). A touch counts
    from its delivery; one assigned within three days that is neither sent nor failed yet counts too.
    """
    import narwhals as nw

    columns = ["customer_id", "channel", "staff_id", "day", "hour"]
    if not tables.has("touches"):
        return pd.DataFrame(columns=columns)
    cooldowns = [message.cooldown_days for message in registered_messages(send_plan_params.messages)]
    reach = max(_LEAST_PAST_DAYS, *cooldowns)
    touches = tables.lazy("touches")
    has = {name: tables.has_column("touches", name) for name in ("delivered_on", "send_status", "staff_id")}
    pending = nw.col("assigned_on") > as_of - timedelta(days=_PENDING_DAYS)
    if has["send_status"]:
        pending = pending & (nw.col("send_status").is_null() | (nw.col("send_status") == 0))
    if has["delivered_on"]:
        sent = nw.col("delivered_on") > as_of - timedelta(days=reach)
        touches = touches.filter(sent | (nw.col("delivered_on").is_null() & pending))
        at = nw.when(nw.col("delivered_at").is_null()).then(nw.col("assigned_at")).otherwise(nw.col("delivered_at"))
    else:
        touches, at = touches.filter(nw.col("assigned_on") > as_of - timedelta(days=reach)), nw.col("assigned_at")
    wanted = ["customer_id", "channel", *(["staff_id"] if has["staff_id"] else [])]
    found: pd.DataFrame = touches.select(*wanted, at.alias("at")).collect("pyarrow").to_native().to_pandas()
    local = pd.to_datetime(found["at"]).dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None)
    first = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    found["day"], found["hour"] = (local.dt.normalize() - first).dt.days, local.dt.hour
    found = found.reindex(columns=columns)
    return found.sort_values(["day", "hour"], kind="stable", ignore_index=True)


@reads(send_plan_customers=("customer_id", "p_churn", "order_value"))
def send_plan_holdout(
    send_plan_customers: pd.DataFrame,
    send_plan_params: SendPlanParams,
    previous: Previous,
    as_of: date,
    seed: int,
) -> pd.DataFrame:
    """Who is never touched, one row per customer; those drawn in an earlier run stay as they were.

    Columns ``customer_id``, ``stratum`` (above or below the median in p_churn and order value), ``holdout``,
    ``propensity`` (of the side the customer is on), ``assigned_on``.
    """
    halves = strata([send_plan_customers[name].to_numpy(dtype=float) for name in ("p_churn", "order_value")])
    frozen = previous.get(HOLDOUT_STATE)
    return assign_holdout(
        send_plan_customers[["customer_id"]].assign(stratum=halves),
        share=send_plan_params.holdout_share,
        seed=seed,
        on=as_of.isoformat(),
        frozen=frozen[list(HOLDOUT_COLUMNS)] if isinstance(frozen, pd.DataFrame) else None,
    )


def policy_windows(tables: Tables, send_plan_params: SendPlanParams) -> pd.DataFrame:
    """How often past touches fell together, for every cap by calendar window that held on their day.

    One row per rule, window and count: ``rule``, ``day`` (the window's first day, ISO text), ``n_touches`` (touches
    that one customer got in the window) and ``n_customers``. A touch counts on the day of its delivery.

    Raises:
        MissingTableError: If there are no touches.
    """
    import narwhals as nw

    touches = tables.lazy("touches", needed_by="send_plan")
    day = "delivered_on" if tables.has_column("touches", "delivered_on") else "assigned_on"
    rules = [rule for rule in load_rulebook().caps if rule.mode in {None, send_plan_params.cap_mode}]
    found = []
    for rule in rules:
        member = ["staff_id"] if rule.per == "member_customer" and tables.has_column("touches", "staff_id") else []
        held = touches.filter(nw.col("channel").is_in(rule.channels) & ~nw.col(day).is_null())
        if rule.valid_from is not None:
            held = held.filter(nw.col(day) >= rule.valid_from)
        if rule.valid_until is not None:
            held = held.filter(nw.col(day) <= rule.valid_until)
        start = (
            nw.col(day).dt.truncate({"calendar_month": "1mo", "week": "1w", "day": "1d"}[rule.window]).alias("start")
        )
        each = held.with_columns(start).group_by("customer_id", *member, "start").agg(nw.len().alias("n_touches"))
        counted = each.group_by("start", "n_touches").agg(nw.len().alias("n_customers"))
        counts: pd.DataFrame = counted.collect("pandas").to_native()
        days = pd.to_datetime(counts["start"]).dt.strftime("%Y-%m-%d")
        found.append(counts[["n_touches", "n_customers"]].assign(rule=rule.name, day=days).astype({"day": "str"}))
    table = pd.concat(found, ignore_index=True)
    return table.sort_values(["rule", "day", "n_touches"], ignore_index=True)


def _owners(tables: Tables, *, staff_ids: list[str], customers: "pd.Series[str]") -> "dict[str, pd.Series[str]]":
    """Return each customer's member of staff and contact: the open contact who wrote last, else the one added last."""
    import narwhals as nw

    contacts = tables.lazy("contacts", needed_by="send_plan")
    if tables.has_column("contacts", "deleted_on"):
        contacts = contacts.filter(nw.col("deleted_on").is_null())
    open_ = contacts.select("customer_id", "contact_id", "staff_id", "added_at").collect("pyarrow").to_native()
    if not in_order(open_["contact_id"]):
        open_ = open_.sort_by("contact_id")
    customer = places_of(open_["customer_id"], among=customers)
    staff = places_of(open_["staff_id"], among=pd.Series(staff_ids, dtype="str"))
    rows = np.flatnonzero((customer >= 0) & (staff >= 0))
    added = _instants(open_["added_at"])[rows]
    pair = customer * len(staff_ids) + staff
    wrote = _last_chats(tables, contacts, customers=customers, staff_ids=staff_ids).reindex(
        pair[rows], fill_value=_NEVER
    )
    # Contacts stand in the order of their ids, which settles ties: a stable sort keeps it.
    best = rows[np.lexsort((-added, -wrote.to_numpy(), customer[rows]))]
    found = np.full(len(customers), -1)
    first = np.append(True, np.diff(customer[best]) != 0)[: len(best)]
    found[customer[best[first]]] = best[first]
    return {name: texts_at(open_[name], places=found) for name in ("staff_id", "contact_id")}


def _last_chats(
    tables: Tables, contacts: Any, *, customers: "pd.Series[str]", staff_ids: list[str]
) -> "pd.Series[int]":
    """Return when staff last wrote to customers with several open contacts, by place of both (customer × staff)."""
    import narwhals as nw

    if not (tables.has_column("touches", "staff_id") and tables.has_column("touches", "delivered_at")):
        return pd.Series(dtype="int64")
    several = contacts.group_by("customer_id").agg(nw.len().alias("n")).filter(nw.col("n") > 1).select("customer_id")
    chats = tables.lazy("touches").filter((nw.col("channel") == "private_chat") & ~nw.col("delivered_at").is_null())
    of_those = chats.join(several, on="customer_id", how="semi").group_by("customer_id", "staff_id")
    last = of_those.agg(nw.col("delivered_at").max().alias("wrote_at")).collect("pyarrow").to_native()
    customer = places_of(last["customer_id"], among=customers)
    staff = places_of(last["staff_id"], among=pd.Series(staff_ids, dtype="str"))
    known = (customer >= 0) & (staff >= 0)
    return pd.Series(_instants(last["wrote_at"])[known], index=(customer * len(staff_ids) + staff)[known])


def _instants(column: Any) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return instants as microseconds; one that is not known comes before all others."""
    import pyarrow as pa

    return np.asarray(column.cast(pa.timestamp("us")).cast(pa.int64()).fill_null(_NEVER).to_numpy(), dtype=np.int64)


def _consent(tables: Tables, customers: "pd.Series[str]") -> "dict[str, pd.Series[str]]":
    """Return the channels each customer ever refused, and those ever granted; comma between."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = ("refused", "granted")
    if not tables.has("consents"):
        return dict.fromkeys(names, pd.Series("", index=customers.index, dtype="str"))
    changes = tables.lazy("consents").select("customer_id", "channel", "status").collect("pyarrow").to_native()
    place = places_of(changes["customer_id"], among=customers)
    said = {name: pc.equal(changes["status"], name).fill_null(fill_value=False).to_numpy() for name in names}
    return {
        name: _listed(place[held], changes["channel"].filter(pa.array(held)), customers=len(customers))
        for name, held in said.items()
    }


def _reached(tables: Tables, as_of: date, *, customers: "pd.Series[str]") -> "pd.Series[str]":
    import narwhals as nw

    if not tables.has_column("touches", "delivered_on"):
        return pd.Series("", index=customers.index, dtype="str")
    recent = tables.lazy("touches").filter(nw.col("delivered_on") > as_of - timedelta(days=_REACHED_DAYS))
    found = recent.select("customer_id", "channel").collect("pyarrow").to_native()
    return _listed(places_of(found["customer_id"], among=customers), found["channel"], customers=len(customers))


def _listed(place: "np.ndarray[Any, Any]", channel: Any, *, customers: int) -> "pd.Series[str]":
    """Return the channels of each customer with a comma between, in order, from rows of customers (-1: none).

    Customers share a few sets of channels: each is written once.
    """
    which, channels = pd.factorize(channel.to_pandas(), sort=True)
    held = np.zeros((customers, len(channels)), dtype=bool)
    known = (place >= 0) & (which >= 0)
    held[place[known], which[known]] = True
    kind, kinds = pd.factorize(held @ (1 << np.arange(len(channels))))
    first = np.zeros(len(kinds), dtype=np.int64)
    first[kind] = np.arange(customers)
    return texts_at([",".join(channels[held[customer]]) for customer in first], places=kind)
