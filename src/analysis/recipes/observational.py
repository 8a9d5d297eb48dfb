"""Campaigns that nobody randomised: who was on the list, and what is left of the naive difference.

The chain: ``observational_campaigns`` (which, and their windows) → ``observational_effects`` (naive difference,
difference-in-differences and its check, each with its grade).
"""

from datetime import date
from typing import Any, Final, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.data.connect import Tables
from analysis.experiment.observational import FEWEST_EACH, Compared, Windows, compare, windows
from analysis.features.ordered_purchases import BOUGHT, purchases_of, standing
from analysis.features.places import places_of
from analysis.features.replenishment import day_number
from analysis.params import IncrementalityParams
from analysis.periods import days_after
from analysis.recipes.resolver import reads
from analysis.stats.means import Difference

_WINDOW_DAYS: Final = 14
_MOST: Final = 6
_FIRST_MONTHS: Final = 60  # days
_PARTS: Final = ("naive", "before", "change", "placebo")


def observational_campaigns(tables: Tables, as_of: date, incrementality_params: IncrementalityParams) -> pd.DataFrame:
    """One row per campaign that touched customers, was not randomised and is over; the largest first, six at most.

    Columns ``campaign_id``, ``name``, ``starts_on``, ``days`` (its length: the response window, else from start to
    end, else 14) and ``n_targeted``. None of those whose history has no window before it.
    """
    if not tables.has_column("touches", "campaign_id"):
        return pd.DataFrame(columns=["campaign_id", "name", "starts_on", "days", "n_targeted"])
    found = _touched(tables).merge(_calendar(tables), "left", on="campaign_id")
    starts = pd.to_datetime(found["starts_on"])
    found["starts_on"] = starts.where(starts.notna(), found["first_touch_on"])
    by_dates = (pd.to_datetime(found["ends_on"]) - found["starts_on"]).dt.days.astype("float64") + 1
    planned = found["response_window_days"].astype("float64")
    days = planned.where(planned.notna(), by_dates).fillna(_WINDOW_DAYS)
    found["days"] = (days * 0 + incrementality_params.window_days) if incrementality_params.window_days else days
    found["name"] = found["name"].fillna(found["campaign_id"])
    found = found[(found["n_targeted"] >= FEWEST_EACH) & (found["days"] >= 1)].astype({"days": "int64"})
    over = found["starts_on"] + pd.to_timedelta(found["days"] - 1, unit="D") <= pd.Timestamp(as_of)
    first = _first_day(tables)
    gap = incrementality_params.selection_days
    readable = [
        first is not None and windows(start.date(), days=days, selection_days=gap, first_day=first) is not None
        for start, days in zip(found["starts_on"], found["days"], strict=True)
    ]
    kept = found.loc[over & np.array(readable, dtype=bool), ["campaign_id", "name", "starts_on", "days", "n_targeted"]]
    ordered = kept.sort_values(["n_targeted", "campaign_id"], ascending=[False, True])
    return ordered.head(_MOST).reset_index(drop=True)


def _touched(tables: Tables) -> pd.DataFrame:
    """Return campaigns that nobody randomised: ``n_targeted`` customers, ``first_touch_on``."""
    rows = tables.lazy("touches").filter(~nw.col("campaign_id").is_null())
    if tables.has("assignments"):
        drawn = _pandas(tables.lazy("assignments").select("experiment_id").unique())["experiment_id"]
        rows = rows.filter(~nw.col("campaign_id").is_in(drawn.dropna().tolist()))
    counted = rows.group_by("campaign_id").agg(
        nw.col("customer_id").n_unique().alias("n_targeted"), nw.col("assigned_on").min().alias("first_touch_on")
    )
    found = _pandas(counted)
    return found.assign(first_touch_on=pd.to_datetime(found["first_touch_on"]))


def _calendar(tables: Tables) -> pd.DataFrame:
    columns = ["campaign_id", "name", "starts_on", "ends_on", "response_window_days"]
    if not tables.has("campaigns"):
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    return _pandas(tables.lazy("campaigns")).reindex(columns=columns)


@reads(ordered_purchases=BOUGHT)
def observational_effects(
    tables: Tables,
    observational_campaigns: pd.DataFrame,
    incrementality_params: IncrementalityParams,
    ordered_purchases: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per campaign: what its customers spend more a head (currency), four times, each with interval and error.

    ``naive``: in its days; ``before``: in the window before; ``change``: the one less the other, each customer with
    themself; ``placebo``: the same of the window before and the one before that (unknown where the history is too
    short). ``by_ratio``: the change by shares, not amounts. ``parallel_pvalue`` of all earlier windows together;
    ``naive_grade``, ``change_grade`` and the reason of the latter; ``n_targeted``, ``n_untargeted``; first days of the
    window before and of the earliest, ``n_earlier``.
    """
    level, gap = incrementality_params.confidence_level, incrementality_params.selection_days
    if observational_campaigns.empty or ordered_purchases is None:
        return pd.DataFrame(columns=[*observational_campaigns.columns.drop("n_targeted"), *_COLUMNS])
    bought = _bought(ordered_purchases)
    lists = _lists(tables, observational_campaigns["campaign_id"].tolist())
    place = places_of(lists["customer_id"], among=bought.customer_id)
    first = np.datetime64(int(bought.day.min()), "D").item() if len(bought.day) else None
    rows = []
    for campaign in observational_campaigns.to_dict("records"):
        start, days = pd.Timestamp(campaign["starts_on"]).date(), int(campaign["days"])
        found = windows(start, days=days, selection_days=gap, first_day=first) if first else None
        if found is None:
            continue
        listed = place[(lists["campaign_id"] == campaign["campaign_id"]).to_numpy()]
        compared = compare(
            _customers(bought, listed=listed[listed >= 0], found=found),
            selection_left_out=gap > 0,
            confidence_level=level,
        )
        if compared is not None:
            named = {str(key): value for key, value in campaign.items()}
            rows.append({**named, **_told(compared, found), "confidence_level": level})
    return pd.DataFrame(rows, columns=[*observational_campaigns.columns.drop("n_targeted"), *_COLUMNS])


class _Bought(NamedTuple):
    """What was bought and kept, by buyer and day.

    Attributes:
        customer_id: Ids of the buyers, in order.
        first: Day number of each one's first purchase.
        customer: Place of the buyer of each purchase.
        day: Day number of each purchase.
        amount: What was paid less what was given back (currency).
    """

    customer_id: NDArray[Any]
    first: NDArray[np.int32]
    customer: NDArray[np.int64]
    day: NDArray[np.int32]
    amount: NDArray[np.float64]


def _bought(ordered: pd.DataFrame) -> _Bought:
    every = purchases_of(ordered)
    stands, amount = standing(every)
    customer, day = every.customer[stands], every.day[stands]
    is_first = np.diff(customer, prepend=-1) > 0
    return _Bought(every.customer_id[customer[is_first]], day[is_first], np.cumsum(is_first) - 1, day, amount[stands])


def _first_day(tables: Tables) -> date | None:
    """Return the day of the first purchase: looked for in the first months, where few orders meet their refunds."""
    known = tables.lazy("orders", needed_by="purchases").filter(~nw.col("customer_id").is_null())
    begins = _first(known)
    months = None if begins is None else days_after(begins, days=_FIRST_MONTHS)
    return months and (_first(tables.purchases().filter(nw.col("ordered_on") < months)) or _first(tables.purchases()))


def _first(orders: nw.LazyFrame[Any]) -> date | None:
    found = _pandas(orders.select(nw.col("ordered_on").min()))["ordered_on"].iloc[0]
    return None if pd.isna(found) else pd.Timestamp(found).date()


def _lists(tables: Tables, campaigns: list[str]) -> pd.DataFrame:
    """Return who was on the list of which of these campaigns: ``campaign_id``, ``customer_id``."""
    rows = tables.lazy("touches").filter(nw.col("campaign_id").is_in(campaigns))
    return _pandas(rows.select("campaign_id", "customer_id").unique())


def _customers(bought: _Bought, *, listed: NDArray[np.int64], found: Windows, outcome: str = "amount") -> pd.DataFrame:
    """Return a row for each buyer: targeted, known before all windows, and the outcome of each window.

    ``listed`` are places of customers; ``outcome`` is ``amount`` (what they spent) or ``n_orders``.
    """
    n = len(bought.customer_id)
    earlier = {f"earlier_{place}": span for place, span in enumerate(found.earlier, start=1)}
    spans = {"campaign": found.campaign, "before": found.before, **earlier}
    days = {name: (day_number(span.first), day_number(span.last)) for name, span in spans.items()}
    earliest, latest = min(first for first, _ in days.values()), max(last for _, last in days.values())
    rows = np.flatnonzero((bought.day >= earliest) & (bought.day <= latest))
    customer, day, amount = bought.customer[rows], bought.day[rows], bought.amount[rows]
    targeted = np.zeros(n, dtype=bool)
    targeted[listed] = True
    made = {}
    for name, (first, last) in days.items():
        mine = (day >= first) & (day <= last)
        weights = amount[mine] if outcome == "amount" else None
        made[name] = np.bincount(customer[mine], weights, minlength=n).astype(np.float64)
    return pd.DataFrame({"targeted": targeted, "known": bought.first < earliest, **made}, copy=False)


_ENDS: Final = ("", "_ci_lower", "_ci_upper")
_COLUMNS: Final = (
    "n_targeted", "n_untargeted", *(f"{part}{end}" for part in _PARTS for end in (*_ENDS, "_std_error")),
    "by_ratio", "parallel_pvalue", "naive_grade", "change_grade", "reason_zh", "reason_en", "before_on",
    "earlier_on", "n_earlier", "confidence_level",
)  # fmt: skip


def _told(compared: Compared, found: Windows) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for part in _PARTS:
        told.update(_ends(part, getattr(compared, part)))
    return {
        **told,
        "n_targeted": compared.n_targeted,
        "n_untargeted": compared.n_untargeted,
        "by_ratio": compared.by_ratio,
        "parallel_pvalue": np.nan if compared.parallel_pvalue is None else compared.parallel_pvalue,
        "naive_grade": str(compared.naive_grade.grade),
        "change_grade": str(compared.change_grade.grade),
        "reason_zh": compared.change_grade.reason["zh"],
        "reason_en": compared.change_grade.reason["en"],
        "before_on": pd.Timestamp(found.before.first),
        "earlier_on": pd.Timestamp(found.earlier[-1].first) if found.earlier else pd.NaT,
        "n_earlier": len(found.earlier),
    }


def _ends(part: str, difference: Difference | None) -> dict[str, float]:
    names = [f"{part}{end}" for end in (*_ENDS, "_std_error")]
    if difference is None:
        return dict.fromkeys(names, float("nan"))
    told = (difference.value, difference.ci_lower, difference.ci_upper, difference.std_error)
    return {name: float(value) for name, value in zip(names, told, strict=True)}


def _pandas(frame: nw.LazyFrame[Any]) -> pd.DataFrame:
    found: pd.DataFrame = frame.collect("pandas").to_native()
    return found
