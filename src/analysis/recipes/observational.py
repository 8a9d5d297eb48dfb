"""Campaigns that nobody randomised: who was on the list, and what is left of the naive difference.

The chain: ``observational_campaigns`` (which, and their windows) → ``observational_effects`` (naive difference,
difference-in-differences and its check, each with its grade).
"""

from datetime import date
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.data.connect import Tables
from analysis.experiment.observational import FEWEST_EACH, Compared, Windows, compare, windows
from analysis.params import IncrementalityParams
from analysis.stats.means import Difference

_WINDOW_DAYS: Final = 14
_MOST: Final = 6
_PARTS: Final = ("naive", "before", "change", "placebo")


def observational_campaigns(tables: Tables, as_of: date, incrementality_params: IncrementalityParams) -> pd.DataFrame:
    """One row per campaign that touched customers, was not randomised and is over; the largest first, six at most.

    Columns ``campaign_id``, ``name``, ``starts_on``, ``days`` (its length: the response window, else from start to
    end, else 14) and ``n_targeted``. None of those whose history has no window before it.
    """
    if not tables.has_column("touches", "campaign_id"):
        return pd.DataFrame(columns=["campaign_id", "name", "starts_on", "days", "n_targeted"])
    found = _touched(tables)
    found = found[~found["campaign_id"].isin(_randomised(tables))].merge(_calendar(tables), "left", on="campaign_id")
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
    rows = tables.lazy("touches").filter(~nw.col("campaign_id").is_null())
    counted = rows.group_by("campaign_id").agg(
        nw.col("customer_id").n_unique().alias("n_targeted"), nw.col("assigned_on").min().alias("first_touch_on")
    )
    found = _pandas(counted)
    return found.assign(first_touch_on=pd.to_datetime(found["first_touch_on"]))


def _randomised(tables: Tables) -> set[str]:
    if not tables.has("assignments"):
        return set()
    return set(_pandas(tables.lazy("assignments").select("experiment_id").unique())["experiment_id"])


def _calendar(tables: Tables) -> pd.DataFrame:
    columns = ["campaign_id", "name", "starts_on", "ends_on", "response_window_days"]
    if not tables.has("campaigns"):
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    return _pandas(tables.lazy("campaigns")).reindex(columns=columns)


def _first_day(tables: Tables) -> date | None:
    found = _pandas(tables.purchases().select(nw.col("ordered_on").min()))["ordered_on"].iloc[0]
    return None if pd.isna(found) else pd.Timestamp(found).date()


def observational_effects(
    tables: Tables, observational_campaigns: pd.DataFrame, incrementality_params: IncrementalityParams
) -> pd.DataFrame:
    """One row per campaign: what its customers spend more a head (currency), four times, each with interval and error.

    ``naive``: in its days; ``before``: in the window before; ``change``: the one less the other, each customer with
    themself; ``placebo``: the same of the window before and the one before that (unknown where the history is too
    short). ``by_ratio``: the change by shares, not amounts. ``parallel_pvalue`` of all earlier windows together;
    ``naive_grade``, ``change_grade`` and the reason of the latter; ``n_targeted``, ``n_untargeted``; first days of the
    window before and of the earliest, ``n_earlier``.
    """
    level, gap = incrementality_params.confidence_level, incrementality_params.selection_days
    if observational_campaigns.empty:
        return pd.DataFrame(columns=[*observational_campaigns.columns.drop("n_targeted"), *_COLUMNS])
    buyers, lists = _buyers(tables), _lists(tables, observational_campaigns["campaign_id"].tolist())
    first = buyers["first_on"].min().date() if len(buyers) else None
    rows = []
    for campaign in observational_campaigns.to_dict("records"):
        start, days = pd.Timestamp(campaign["starts_on"]).date(), int(campaign["days"])
        found = windows(start, days=days, selection_days=gap, first_day=first) if first else None
        if found is None:
            continue
        listed = lists.loc[lists["campaign_id"] == campaign["campaign_id"], "customer_id"]
        customers = _customers(tables, buyers, listed=listed, found=found)
        compared = compare(customers, selection_left_out=gap > 0, confidence_level=level)
        if compared is not None:
            named = {str(key): value for key, value in campaign.items()}
            rows.append({**named, **_told(compared, found), "confidence_level": level})
    return pd.DataFrame(rows, columns=[*observational_campaigns.columns.drop("n_targeted"), *_COLUMNS])


def _buyers(tables: Tables) -> pd.DataFrame:
    """Return one row per customer who ever bought, by id: the day of their first purchase."""
    firsts = tables.purchases().group_by("customer_id").agg(nw.col("ordered_on").min().alias("first_on"))
    found = _pandas(firsts).sort_values("customer_id", ignore_index=True)
    return found.assign(first_on=pd.to_datetime(found["first_on"]))


def _lists(tables: Tables, campaigns: list[str]) -> pd.DataFrame:
    """Return who was on the list of which of these campaigns: ``campaign_id``, ``customer_id``."""
    rows = tables.lazy("touches").filter(nw.col("campaign_id").is_in(campaigns))
    return _pandas(rows.select("campaign_id", "customer_id").unique())


def _customers(
    tables: Tables, buyers: pd.DataFrame, *, listed: "pd.Series[str]", found: Windows, outcome: str = "amount"
) -> pd.DataFrame:
    """Return one row per customer who ever bought: targeted, known before all windows, and the outcome of each window.

    ``outcome`` is ``amount`` (what they spent) or ``n_orders``. Only the days of the windows are read.
    """
    earlier = {f"earlier_{place}": span for place, span in enumerate(found.earlier, start=1)}
    spans = {"campaign": found.campaign, "before": found.before, **earlier}
    earliest, latest = min(span.first for span in spans.values()), max(span.last for span in spans.values())
    day = nw.col("ordered_on")
    purchases = tables.purchases().filter(day >= earliest, day <= latest).with_columns(n_orders=nw.lit(1.0))
    inside = {
        name: nw.when((day >= span.first) & (day <= span.last)).then(nw.col(outcome)).otherwise(0.0)
        for name, span in spans.items()
    }
    grouped = purchases.with_columns(**inside).group_by("customer_id")
    sums = _pandas(grouped.agg(*(nw.col(name).sum().alias(name) for name in spans)))
    place = pd.Index(buyers["customer_id"])
    customers = buyers.assign(known=buyers["first_on"] < pd.Timestamp(earliest))
    targeted, bought = place.get_indexer(listed), place.get_indexer(sums["customer_id"])
    customers["targeted"] = np.isin(np.arange(len(buyers)), targeted)
    for name in spans:
        made = np.zeros(len(buyers))
        made[bought] = sums[name].to_numpy(dtype=np.float64)
        customers[name] = made
    return customers


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
