"""Row 11: without effects strategies are the clock's forecast; naive attribution of a targeted campaign overstates."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.checks import columns_present
from analysis.errors import AnalysisError
from analysis.touch.effects import no_effects
from analysis.touch.exam.judging import Interval, paired
from analysis.touch.exam.setting import Setting, days_of, plans, run, told, touches
from analysis.touch.exam.verdicts import Verdict, verdict

__all__ = ["attribution_verdict", "forecast_verdicts", "journey_verdicts", "naive_attribution"]

_OURS: Final = "ours"
_DAYS: Final = 90
_TIMES: Final = 5.0  # naive attribution overstates at least so many times
_JOURNEY: Final = (8, 13, 18)
_MOST_ERROR: Final = 0.003  # Monte Carlo standard error of the orders, relative


def forecast_verdicts(setting: Setting, customers: pd.DataFrame, *, forecast: float) -> list[Verdict]:
    """Row 11, first half: with all effects zero and no season every strategy has the orders of the purchase clock.

    Args:
        setting: How large the exam is.
        customers: The customers, their clocks by a fitted BG/NBD.
        forecast: Orders that the same model expects of all of them over 90 days.
    """
    days = days_of(8, days=_DAYS)
    offer = {"discount_share": 0.3, "valid_days": 7}
    steps = {"weekly": touches(days), "offers": touches(days, template="promotion", offer=offer)}
    outcome = run(setting, customers, plans(steps), days=_DAYS, effects=no_effects())
    orders = {name: told(outcome, name, "orders") / forecast for name in outcome.strategies}
    off = {name: paired(values - 1.0) for name, values in orders.items()}
    furthest = max(off.values(), key=lambda i: abs(i.value))
    errors = [float(values.std(ddof=1) / np.sqrt(len(values))) for values in orders.values()]
    within = furthest.value / max(errors)
    return [
        verdict(
            "11a",
            Interval(within, within - 1.96, within + 1.96),
            zh="效果全为零时，各策略订单与购买时钟预测之差（以蒙特卡洛标准误计）",
            en="all effects zero: orders of every strategy less the clock's forecast, in Monte Carlo standard errors",
            above=-3.0,
            below=3.0,
            judged="number",
            unit="ratio",
            source=_OURS,
            note=f"relative difference {furthest.value:+.4%}, standard error {max(errors):.4%}",
        ),
        verdict(
            "11b",
            Interval(max(errors), max(errors), max(errors)),
            zh="上述蒙特卡洛标准误（相对）",
            en="that Monte Carlo standard error, relative",
            below=_MOST_ERROR,
            judged="number",
            unit="share",
            source=_OURS,
        ),
    ]


def naive_attribution(campaigns: pd.DataFrame) -> pd.DataFrame:
    """Return what naive attribution says of each campaign, beside the truth.

    Naive: orders per touched customer in the response window, less orders per untouched customer in the same window,
    times the customers touched.

    Args:
        campaigns: One row per campaign: ``n_touched``, ``n_untouched``, ``orders_touched`` and ``orders_untouched``
            (in the window), ``true_induced`` and ``true_removed`` (orders in the window that its touches brought and
            took).

    Returns:
        The same with ``naive``, ``truth`` and ``truth_std_error`` (orders; Poisson counts of both kinds).
    """
    needed = ("n_touched", "n_untouched", "orders_touched", "orders_untouched", "true_induced", "true_removed")
    columns_present(campaigns.columns, needed=needed, table="campaigns")
    untouched = campaigns["orders_untouched"] / campaigns["n_untouched"]
    naive = campaigns["orders_touched"] - campaigns["n_touched"] * untouched
    truth = campaigns["true_induced"] - campaigns["true_removed"]
    error = np.sqrt(campaigns["true_induced"] + campaigns["true_removed"])
    return campaigns.assign(naive=naive, truth=truth, truth_std_error=error)


def attribution_verdict(campaigns: pd.DataFrame, *, brand: str, row: str) -> Verdict:
    """Row 11, second half: of campaigns targeted at good customers together, naive attribution overstates.

    Args:
        campaigns: As for ``naive_attribution``; all targeted at good customers.
        brand: The planted brand, for the note.
        row: Row and part of the verdict.

    Raises:
        AnalysisError: If there is no campaign.
    """
    if campaigns.empty:
        raise AnalysisError("No campaign targeted at good customers was planted.", hint="generate more customers")
    told_of = naive_attribution(campaigns)
    naive, truth = float(told_of["naive"].sum()), float(told_of["truth"].sum())
    error = float(np.sqrt((told_of["truth_std_error"] ** 2).sum()))
    larger = max(abs(truth), error)
    spread = 1.96 * float(np.sqrt(told_of["orders_touched"].sum())) / larger
    times = naive / larger
    return verdict(
        row,
        Interval(times, times - spread, times + spread),
        zh="对优质客户定向的活动，朴素归因是真实值（或其标准误，取大者）的倍数",
        en="campaigns targeted at good customers: naive attribution, in multiples of the truth (or its standard error)",
        above=_TIMES,
        judged="number",
        unit="ratio",
        source=_OURS,
        note=f"{brand}, {len(told_of)} campaigns: naive {naive:.0f} orders, truth {truth:.0f} ± {error:.0f}",
    )


def journey_verdicts(baskets: pd.DataFrame, *, contacts: pd.DataFrame, campaigns: pd.DataFrame) -> list[Verdict]:
    """Beside row 11: campaigns of the Complete Journey, targeted less untargeted households, in dollars each.

    The crude difference-in-differences takes off the same difference over as many days directly before the campaign.

    Args:
        baskets: ``household_id``, ``timestamp``, ``sales_value``; one row per basket.
        contacts: ``campaign_id``, ``household_id``.
        campaigns: ``campaign_id``, ``start_date``, ``end_date``.
    """
    calendar = campaigns.set_index("campaign_id")
    households = np.sort(baskets["household_id"].unique())
    day = baskets["timestamp"].dt.normalize()
    rows = []
    for part, campaign in zip("efg", _JOURNEY, strict=True):
        start, end = (pd.Timestamp(str(calendar.loc[campaign, name])) for name in ("start_date", "end_date"))
        days = (end - start).days + 1
        chosen = np.isin(households, contacts.loc[contacts["campaign_id"] == campaign, "household_id"])
        spent = []
        for first in (start, start - pd.Timedelta(days=days)):
            during = baskets[(day >= first) & (day < first + pd.Timedelta(days=days))]
            spent.append(during.groupby("household_id")["sales_value"].sum().reindex(households, fill_value=0.0))
        naive, changed = _apart(spent[0], chosen=chosen), _apart(spent[0] - spent[1], chosen=chosen)
        rows.append(
            verdict(
                f"11{part}",
                naive,
                zh=f"Complete Journey 第 {campaign} 场活动：被选家庭比其他家庭多花（美元）",
                en=f"Complete Journey, campaign {campaign}: chosen households spend more than others (dollars)",
                judged="shown",
                unit="money",
                source="Complete Journey (dunnhumby); contacts were aimed, not randomised",
                note=f"crude difference-in-differences {changed.value:+.0f} [{changed.lower:+.0f}, "
                f"{changed.upper:+.0f}]; pre-window: the {days} days before {start:%Y-%m-%d}",
            )
        )
    return rows


def _apart(values: pd.Series, *, chosen: npt.NDArray[np.bool_]) -> Interval:
    """Return the difference of the means of chosen and other households, with its 95 % interval (Welch)."""
    inside, outside = values.to_numpy()[chosen], values.to_numpy()[~chosen]
    value = float(inside.mean() - outside.mean())
    error = float(np.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside)))
    return Interval(value, value - 1.96 * error, value + 1.96 * error)
