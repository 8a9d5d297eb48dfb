"""Which tier each customer is in, who moved, how concentrated revenue is, whom to serve one to one.

The chain: ``tier_thresholds`` (the ruler) → ``rfm_tiers`` (one row per customer) → ``tier_summary``,
``tier_migration``, ``one_to_one_list`` → ``tiers_headline`` (the numbers and words of the page).
"""

import math
from datetime import date
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.data.connect import Tables
from analysis.errors import TooFewError
from analysis.evidence import Estimate, Grade
from analysis.features.ordered_purchases import HISTORY, purchases_of, rfm_at
from analysis.features.places import places_of
from analysis.params import TiersParams
from analysis.periods import days_before
from analysis.recipes.resolver import reads
from analysis.segments.concentration import Concentration, customers_carrying, gini, lorenz_curve, revenue_of_top
from analysis.segments.migration import NEW, NOT_A_CUSTOMER, migration_matrix
from analysis.segments.one_to_one import promote_to_one_to_one
from analysis.segments.tiers import MEASURES, Thresholds, assign_tiers, find_thresholds, tiers_of

_TOP: Final = 0.2
_PRIVATE_CHANNEL: Final = "private_chat"
_CONCENTRATED: Final = (
    (0.6, {"zh": "高度集中", "en": "highly concentrated"}),
    (0.4, {"zh": "比较集中", "en": "rather concentrated"}),
    (-1.0, {"zh": "比较分散", "en": "fairly evenly spread"}),
)
"""Words by the Gini coefficient from which they hold: a convention of this page, not a law."""

_FEWEST: Final = 10  # customers

_OTHERS: Final = {
    NEW: {"zh": "当时还不是客户", "en": "Not yet a customer"},
    NOT_A_CUSTOMER: {"zh": "已全额退款", "en": "All refunded since"},
}


@reads(features=("customer_id", *MEASURES))
def tier_thresholds(features: pd.DataFrame, tiers_params: TiersParams) -> dict[str, Any]:
    """Thresholds of the three measures, ascending; null where nobody reaches the higher side.

    Keys: ``days_since_last_order`` (days), ``n_orders`` (orders), ``revenue`` (currency).

    Raises:
        TooFewError: If there are fewer than ten customers: shares of so few would tell what single persons spend.
    """
    if len(features) < _FEWEST:
        raise TooFewError(len(features), needed=_FEWEST, needed_by="tiers")
    given = {str(name): cuts for name, cuts in (tiers_params.thresholds or {}).items()}
    found = find_thresholds(features, cells=tiers_params.cells, method=tiers_params.method, business=given)
    return {name: [None if cut == float("inf") else cut for cut in getattr(found, name)] for name in MEASURES}


def tier_threshold_table(tier_thresholds: dict[str, Any]) -> pd.DataFrame:
    """One row per level above the lowest: its name, and what it takes to reach it.

    Columns ``level_zh``, ``level_en``, ``max_days`` (at most so many days), ``min_orders`` (at least so many orders),
    ``min_revenue`` (currency).
    """
    days, orders, revenue = (tier_thresholds[name] for name in MEASURES)
    if len(days) == 1:
        levels_zh, levels_en = ["高"], ["High"]
    else:
        scores = range(2, len(days) + 2)
        levels_zh, levels_en = [f"{score} 分" for score in scores], [f"Score {score}" for score in scores]
    cuts = {"max_days": list(reversed(days)), "min_orders": orders, "min_revenue": revenue}
    return pd.DataFrame({"level_zh": levels_zh, "level_en": levels_en, **cuts}).astype(dict.fromkeys(cuts, "float64"))


@reads(features=("customer_id", *MEASURES))
def rfm_tiers(features: pd.DataFrame, tier_thresholds: dict[str, Any], tiers_params: TiersParams) -> pd.DataFrame:
    """One row per customer: ``customer_id``, ``tier`` with its names, and the three measures."""
    tier = assign_tiers(features, thresholds=_thresholds(tier_thresholds), cells=tiers_params.cells)
    labelled = _with_names(features[["customer_id", *MEASURES]].assign(tier=tier), cells=tiers_params.cells)
    return labelled[["customer_id", "tier", "tier_zh", "tier_en", *MEASURES]]


@reads(rfm_tiers=("tier", *MEASURES))
def tier_summary(rfm_tiers: pd.DataFrame, tiers_params: TiersParams) -> pd.DataFrame:
    """One row per tier, best first, empty ones too: customers, revenue and their shares, typical customer."""
    groups = rfm_tiers.groupby("tier")
    summary = pd.DataFrame(
        {
            "n_customers": groups.size(),
            "revenue": groups["revenue"].sum(),
            "median_revenue": groups["revenue"].median(),
            "median_days_since_last_order": groups["days_since_last_order"].median(),
        }
    ).reindex([tier.name for tier in tiers_of(tiers_params.cells)])
    summary[["n_customers", "revenue"]] = summary[["n_customers", "revenue"]].fillna(0)
    summary["n_customers"] = summary["n_customers"].astype("int64")
    summary["share_customers"] = _shares(summary["n_customers"])
    summary["share_revenue"] = _shares(summary["revenue"])
    named = _with_names(summary.reset_index(names="tier"), cells=tiers_params.cells)
    columns = ["n_customers", "share_customers", "revenue", "share_revenue", "median_revenue"]
    return named[["tier", "tier_zh", "tier_en", *columns, "median_days_since_last_order"]]


@reads(rfm_tiers=("customer_id", "tier"), ordered_purchases=HISTORY)
def tier_migration(
    ordered_purchases: pd.DataFrame,
    as_of: date,
    rfm_tiers: pd.DataFrame,
    tier_thresholds: dict[str, Any],
    tiers_params: TiersParams,
) -> pd.DataFrame:
    """One row per tier on the earlier day and tier now, both by today's thresholds: customers and share of the earlier.

    Columns ``from_number``, ``to_number`` (place of the tier, best first), ``from_group``, ``to_group`` with their
    names, ``n_customers``, ``n_from``, ``share`` (0-1).
    """
    then = days_before(as_of, days=tiers_params.migration_days)
    before = rfm_at(purchases_of(ordered_purchases), as_of=then)
    tier = assign_tiers(before, thresholds=_thresholds(tier_thresholds), cells=tiers_params.cells)
    place = places_of(before["customer_id"], among=rfm_tiers["customer_id"])
    gone = place < 0
    place[gone] = len(rfm_tiers) + np.arange(gone.sum())
    earlier = tier.set_axis(place)
    now = rfm_tiers["tier"].reset_index(drop=True)
    names = {tier.name: {"zh": tier.zh, "en": tier.en} for tier in tiers_of(tiers_params.cells)}
    matrix = migration_matrix(earlier, now, groups=list(names))
    for side in ("from", "to"):
        for language in ("zh", "en"):
            words = {name: both[language] for name, both in {**names, **_OTHERS}.items()}
            matrix[f"{side}_group_{language}"] = matrix[f"{side}_group"].map(words)
    # Rows of small groups are hidden on a page: each row says by itself where in the matrix it belongs.
    # Numbers are text, because a small row's numbers are blanked.
    order = {name: str(number) for number, name in enumerate((*names, NOT_A_CUSTOMER, NEW), start=1)}
    matrix["from_number"], matrix["to_number"] = matrix["from_group"].map(order), matrix["to_group"].map(order)
    sides = [[f"{side}_number", f"{side}_group", f"{side}_group_zh", f"{side}_group_en"] for side in ("from", "to")]
    return matrix[[*sides[0], *sides[1], "n_customers", "n_from", "share"]]


@reads(features=("revenue",))
def lorenz(features: pd.DataFrame) -> pd.DataFrame:
    """The Lorenz curve, largest spenders first, one row per percent: ``share_customers``, ``share_revenue`` (0-1)."""
    curve = lorenz_curve(features["revenue"])
    return pd.DataFrame({"share_customers": curve.share_customers, "share_revenue": curve.share_revenue})


@reads(features=("revenue",))
def concentration(features: pd.DataFrame, tiers_params: TiersParams, seed: int) -> dict[str, Any]:
    """How concentrated revenue is, as estimates with 95 % intervals for the population of such customers.

    Keys: ``customers_carrying`` (share of customers who carry ``carried_share`` of revenue), ``revenue_of_top`` (share
    of revenue of the top fifth), ``gini``.
    """
    revenue = features["revenue"]
    carrying = customers_carrying(revenue, carried=tiers_params.carried_share, seed=seed)
    return {
        "customers_carrying": _estimate(carrying, "share").as_result(),
        "revenue_of_top": _estimate(revenue_of_top(revenue, top=_TOP, seed=seed), "share").as_result(),
        "gini": _estimate(gini(revenue, seed=seed), "score").as_result(),
    }


def one_to_one_list(tables: Tables, rfm_tiers: pd.DataFrame, tiers_params: TiersParams) -> pd.DataFrame:
    """Customers to promote to one-to-one service, best first, at most as many as staff can take.

    One row per customer: ``priority`` and the columns of ``rfm_tiers``. Who refused private chat is never on it.
    """
    return promote_to_one_to_one(
        rfm_tiers,
        tiers=tiers_of(tiers_params.cells),
        capacity=tiers_params.one_to_one_capacity,
        refused=_refused(tables),
    )


def one_to_one_summary(one_to_one_list: pd.DataFrame, tier_summary: pd.DataFrame) -> pd.DataFrame:
    """The list by tier, tiers with somebody on it only: customers on the list, of the tier, revenue of those listed."""
    listed = one_to_one_list.groupby("tier").agg(n_listed=("customer_id", "size"), revenue_listed=("revenue", "sum"))
    table = tier_summary[["tier", "tier_zh", "tier_en", "n_customers"]].merge(listed, on="tier", how="inner")
    return table[["tier", "tier_zh", "tier_en", "n_listed", "n_customers", "revenue_listed"]]


@reads(rfm_tiers=("revenue",))
def tiers_headline(
    rfm_tiers: pd.DataFrame,
    tier_summary: pd.DataFrame,
    tier_migration: pd.DataFrame,
    concentration: dict[str, Any],
    one_to_one_list: pd.DataFrame,
    tiers_params: TiersParams,
) -> dict[str, Any]:
    """Numbers and words of the page; each word follows from the numbers, so no sentence is false on other data."""
    n, revenue = len(rfm_tiers), float(rfm_tiers["revenue"].sum())
    richest = tier_summary.iloc[int(tier_summary["revenue"].to_numpy().argmax())]
    spread = concentration["gini"]["value"]
    counted = {
        "n_customers": (n, "customers"),
        "richest_share_customers": (richest["share_customers"], "share"),
        "richest_share_revenue": (richest["share_revenue"], "share"),
        "capacity": (tiers_params.one_to_one_capacity, "customers"),
        "n_listed": (len(one_to_one_list), "customers"),
        "listed_share_customers": (len(one_to_one_list) / n, "share"),
        "listed_share_revenue": (float(one_to_one_list["revenue"].sum()) / revenue if revenue else None, "share"),
        "migration_days": (tiers_params.migration_days, "days"),
    }
    return {
        **concentration,
        **{name: Estimate(value, unit, n=n).as_result() for name, (value, unit) in counted.items()},
        "carried_share": f"{100 * tiers_params.carried_share:g}%",
        "top_share": f"{100 * _TOP:g}%",
        "spread": next(words for least, words in _CONCENTRATED if spread > least),
        "richest": {"zh": richest["tier_zh"], "en": richest["tier_en"]},
        **_movement(tier_migration, tiers_params),
        "listed_why": _why_listed(len(one_to_one_list), tiers_params.one_to_one_capacity),
    }


def _movement(migration: pd.DataFrame, params: TiersParams) -> dict[str, Any]:
    """Return what became of the valuable and active of the earlier day, and the sentence that fits."""
    tiers = {tier.name: tier for tier in tiers_of(params.cells)}
    best = [name for name, tier in tiers.items() if tier.valuable and tier.active]
    before = migration[migration["from_group"].isin(best)]
    n_before = int(before["n_customers"].sum())
    active = [name for name, tier in tiers.items() if tier.active]
    quiet = before[before["to_group"].isin([name for name in tiers if name not in active])]
    n_quiet = int(quiet["n_customers"].sum())
    n_new = int(migration.loc[migration["from_group"] == NEW, "n_customers"].sum())
    risen = migration[migration["to_group"].isin(best) & ~migration["from_group"].isin([*best, NEW])]
    if n_before == 0:
        said = {
            "zh": "数据从这一天之后才开始，还看不出谁升谁降",
            "en": "The data begin after that day, so nobody can have moved yet",
        }
    elif n_quiet > int(risen["n_customers"].sum()):
        said = {
            "zh": "高价值客户里，转为较久未下单的多于新升上来的",
            "en": "More high-value customers slipped to less recent than rose into their ranks",
        }
    else:
        said = {
            "zh": "新升上来的高价值客户，不少于转为较久未下单的",
            "en": "At least as many rose to recent high value as slipped to less recent",
        }
    numbers = {
        "n_best_before": (n_before, "customers"),
        "n_best_quiet": (n_quiet, "customers"),
        "best_quiet_share": (n_quiet / n_before if n_before else None, "share"),
        "n_risen": (int(risen["n_customers"].sum()), "customers"),
        "n_new": (n_new, "customers"),
    }
    made = {name: Estimate(value, unit, n=n_before).as_result() for name, (value, unit) in numbers.items()}
    return {**made, "movement": said}


def _why_listed(n_listed: int, capacity: int) -> dict[str, str]:
    if n_listed == 0:
        return {"zh": "没有名额或没有合适的客户", "en": "no places, or nobody who fits"}
    if n_listed < capacity:
        return {"zh": "合适的客户少于名额", "en": "fewer customers fit than staff could take"}
    return {"zh": "名额已用满", "en": "all places are taken"}


def _thresholds(kept: dict[str, Any]) -> Thresholds:
    cuts = {name: tuple(float("inf") if cut is None else float(cut) for cut in kept[name]) for name in MEASURES}
    return Thresholds(**cuts)


def _with_names(frame: pd.DataFrame, *, cells: int) -> pd.DataFrame:
    tiers = tiers_of(cells)
    return frame.assign(
        tier_zh=frame["tier"].map({tier.name: tier.zh for tier in tiers}),
        tier_en=frame["tier"].map({tier.name: tier.en for tier in tiers}),
    )


def _shares(part: "pd.Series[float]") -> "pd.Series[float]":
    total = float(part.sum())
    return part / total if total else part * 0.0


def _estimate(found: Concentration, unit: str) -> Estimate:
    if math.isnan(found.ci_lower):  # too few customers for an interval
        return Estimate(found.value, unit, n=found.n)
    return Estimate(
        found.value, unit, found.ci_lower, found.ci_upper, found.confidence_level, Grade.OBSERVATIONAL, found.n
    )


def _refused(tables: Tables) -> set[str]:
    """Return the customers whose last word on private chat is no."""
    if not tables.has("consents"):
        return set()
    private = tables.lazy("consents").filter(nw.col("channel") == _PRIVATE_CHANNEL)
    said = private.select("customer_id", "changed_at", "status").collect("pandas").to_native()
    ever = said["customer_id"].isin(said.loc[said["status"] == "refused", "customer_id"])  # few: only they are sorted
    last = (
        said[ever].sort_values(["customer_id", "changed_at"], kind="stable").drop_duplicates("customer_id", keep="last")
    )
    return set(last.loc[last["status"] == "refused", "customer_id"].astype(str))
