"""Sections of the strategies page: short and long run, tiers of customers, what the decision hangs on."""

from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.evidence import Estimate, Forecast, Observed, Prior, grade_of
from analysis.params import StrategiesParams
from analysis.recipes.resolver import reads
from analysis.touch import wording
from analysis.touch.labels import assumption_names, assumption_units, strategy_labels
from analysis.touch.outcome import outcome_from
from analysis.touch.strategies import NO_TOUCH
from analysis.touch.summary import CONFIDENCE, drivers_of, increments, spread_of

_GRADE: Final = grade_of(Forecast((Observed(), Prior())))
"""A forecast that rests on priors, whatever experiments have moved."""
_SHOWN_DRIVERS: Final = 6
_SHOWN_SHARES: Final = 8
_RARE: Final = 0.01
_SEGMENT_MEASURES: Final = {
    "incremental_profit": True,
    "incremental_repurchase_rate": True,
    "incremental_orders": False,
    "incremental_revenue": False,
    "incremental_deletions": False,
    "refusals": False,
    "reach": False,
    "staff_hours": False,
    "roi": False,
}
"""Measures of the table by tier, and whether their interval is shown."""


def strategy_horizons(
    strategy_totals: pd.DataFrame,
    strategy_long_run: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_verdict: dict[str, Any],
    strategies_params: StrategiesParams,
) -> pd.DataFrame:
    """One row per strategy: cumulative incremental profit early, at the book's horizon, and after a year.

    Early and horizon are the means of all replicates, the year that of the long run, with its 80 % interval.
    """
    outcome = outcome_from(strategy_totals, effects=strategy_effects)
    year = outcome_from(strategy_long_run, effects=strategy_effects)
    early, there = (increments(outcome, checkpoint=place)["incremental_profit"].mean(axis=1) for place in (0, -1))
    late = increments(year)["incremental_profit"]
    spreads = [spread_of(values, outcome=year) for values in late]
    labels = strategy_labels(strategies_params.strategies)
    defined = np.array([name == NO_TOUCH for name in outcome.strategies])
    table = pd.DataFrame(
        {
            "strategy_zh": [labels[name]["zh"] for name in outcome.strategies],
            "strategy_en": [labels[name]["en"] for name in outcome.strategies],
            "profit_early": early,
            "profit_horizon": there,
            "profit_late": late.mean(axis=1),
            "profit_late_ci_lower": np.where(defined, np.nan, [spread.ci_lower for spread in spreads]),
            "profit_late_ci_upper": np.where(defined, np.nan, [spread.ci_upper for spread in spreads]),
            "confidence_level": CONFIDENCE,
            "early_days": outcome.checkpoints[0],
            "late_days": year.checkpoints[-1],
            "recommended": [name == strategy_verdict["winner"] for name in outcome.strategies],
        }
    )
    return table.sort_values("profit_late", ascending=False, kind="stable", ignore_index=True)


def strategy_run_words(strategy_horizons: pd.DataFrame, strategy_long_run: pd.DataFrame) -> dict[str, Any]:
    """Who leads early and who after a year, as values for sentences; ``same`` says whether it is the same strategy."""
    rows = strategy_horizons.to_dict("records")
    first, last = (max(rows, key=lambda row, end=end: float(row[f"profit_{end}"])) for end in ("early", "late"))  # type: ignore[misc]  # mypy knows no lambda with a default
    days = {end: int(strategy_horizons[f"{end}_days"].iloc[0]) for end in ("early", "late")}
    return {
        "same": bool(first["strategy_en"] == last["strategy_en"]),
        "early_winner": {"zh": first["strategy_zh"], "en": first["strategy_en"]},
        "late_winner": {"zh": last["strategy_zh"], "en": last["strategy_en"]},
        "early": Estimate(days["early"], "days").as_result(),
        "late": Estimate(days["late"], "days").as_result(),
        "late_replicates": Estimate(int(strategy_long_run["replicate"].nunique()), "times").as_result(),
    }


@reads(strategy_customers=("tier", "tier_zh", "tier_en"))
def strategy_by_tier(
    strategy_segments: pd.DataFrame, strategy_customers: pd.DataFrame, strategies_params: StrategiesParams
) -> pd.DataFrame:
    """All measures by tier and strategy: one row each, with customers; for the analyst, not printed."""
    labels = strategy_labels(strategies_params.strategies)
    names = _tier_names(strategy_customers)
    columns = ["value", "ci_lower", "ci_upper"]
    wide = strategy_segments.pivot(index=["segment", "strategy", "n"], columns="measure", values=columns)
    flat: pd.DataFrame = pd.DataFrame(
        {
            measure + suffix: wide[column, measure]
            for measure in (*_SEGMENT_MEASURES, "touches", "cost", "p_best")
            for column, suffix in zip(columns, ("", "_ci_lower", "_ci_upper"), strict=True)
            if measure != "p_best" or not suffix
        }
    ).reset_index()
    flat.insert(0, "tier_zh", [names[tier]["zh"] for tier in flat["segment"]])
    flat.insert(1, "tier_en", [names[tier]["en"] for tier in flat["segment"]])
    flat.insert(3, "strategy_zh", [labels[name]["zh"] for name in flat["strategy"]])
    flat.insert(4, "strategy_en", [labels[name]["en"] for name in flat["strategy"]])
    flat["confidence_level"] = CONFIDENCE
    flat.columns = pd.Index(["n_customers" if name == "n" else str(name) for name in flat.columns])
    return flat


def strategy_segment_table(strategy_by_tier: pd.DataFrame, strategy_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per tier, most profit first: what the strategy looked into brings there, and which strategy leads."""
    leads = _leaders(strategy_by_tier)
    best = leads.set_index("segment")[["strategy_zh", "strategy_en", "p_best"]]
    best.columns = pd.Index(["best_strategy_zh", "best_strategy_en", "p_best"])
    focus = strategy_by_tier[strategy_by_tier["strategy"] == strategy_verdict["focus"]].set_index("segment")
    shown = ["tier_zh", "tier_en", "n_customers"]
    for measure, interval in _SEGMENT_MEASURES.items():
        shown += [measure, *([f"{measure}_ci_lower", f"{measure}_ci_upper"] if interval else [])]
    table: pd.DataFrame = focus[shown].join(best).sort_values("incremental_profit", ascending=False)
    money = [name for name in shown if name.startswith(("incremental_profit", "incremental_revenue"))]
    table[money] = table[money].round()  # small tiers would set the decimals of the large ones
    return table.assign(confidence_level=CONFIDENCE).reset_index(drop=True)


def strategy_tier_leaders(strategy_by_tier: pd.DataFrame) -> pd.DataFrame:
    """One row per tier, most customers first: the strategy that leads there, how surely, and what it earns."""
    leads = _leaders(strategy_by_tier)
    names = {"strategy_zh": "best_strategy_zh", "strategy_en": "best_strategy_en"}
    profit = [f"incremental_profit{end}" for end in ("", "_ci_lower", "_ci_upper")]
    shown = ["tier_zh", "tier_en", "n_customers", *names, "p_best", *profit, "confidence_level"]
    table = leads[shown].rename(columns=names).sort_values("n_customers", ascending=False, ignore_index=True)
    table[profit] = table[profit].round()  # small tiers would set the decimals of the large ones
    return table


def strategy_segment_words(strategy_segment_table: pd.DataFrame) -> dict[str, Any]:
    """Which strategy leads in the tiers, as values for sentences; ``same`` says whether it is one for all."""
    leads = strategy_segment_table[["best_strategy_zh", "best_strategy_en"]].drop_duplicates()
    first = leads.iloc[0]
    return {
        "same": len(leads) == 1,
        "segment_winner": {"zh": first["best_strategy_zh"], "en": first["best_strategy_en"]},
        "n_segment_winners": Estimate(len(leads), "count").as_result(),
    }


def strategy_drivers(
    strategy_leads: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategies_params: StrategiesParams,
) -> pd.DataFrame:
    """What the lead over the runner-up hangs on, largest swing first: the lead where an assumption is low or high.

    One row per assumption: its name, mean in its lowest and highest third of draws, the lead there (currency), and
    whether the runner-up wins at one end (``flips``).
    """
    names = _assumptions(strategies_params, strategy_channels)
    first = strategy_leads[strategy_leads["rival"] == strategy_leads["rival"].iloc[0]]
    effects = {name: strategy_effects[name].to_numpy(dtype=float) for name in names if name in strategy_effects}
    table = drivers_of(first["lead"].to_numpy(dtype=float), effects=effects).head(_SHOWN_DRIVERS)
    return pd.DataFrame(
        {
            "assumption_zh": [names[effect]["zh"] for effect in table["effect"]],
            "assumption_en": [names[effect]["en"] for effect in table["effect"]],
            "assumed_low": table["low"] * table["low"].map(_scale),
            "assumed_high": table["high"] * table["low"].map(_scale),
            "lead_if_low": table["lead_if_low"],
            "lead_if_high": table["lead_if_high"],
            "flips": table["flips"],
        }
    ).reset_index(drop=True)


def strategy_driver_words(strategy_drivers: pd.DataFrame) -> dict[str, Any]:
    """The assumption the lead hangs on most, as values for sentences: driver, driver_low, driver_high."""
    found: dict[str, Any] = {"driver": {"zh": "运气", "en": "luck"}}
    lead: dict[str, float | None] = {"low": None, "high": None}
    for row in strategy_drivers.head(1).to_dict("records"):
        found["driver"] = {"zh": row["assumption_zh"], "en": row["assumption_en"]}
        lead = {end: float(row[f"lead_if_{end}"]) for end in lead}
    for end, value in lead.items():
        size = None if value is None else abs(value)
        found[f"driver_{end}"] = Estimate(size, "money", grade=_GRADE).as_result()
        found[f"driver_{end}_side"] = wording.side(ahead=value is None or value >= 0)
    return found


def strategy_flips(
    strategy_sensitivity: pd.DataFrame, strategy_channels: pd.DataFrame, strategies_params: StrategiesParams
) -> pd.DataFrame:
    """One row per assumption, largest share first: its share of the lead's variation and the value that turns it.

    ``first_order`` and ``total_order`` (0-1, with 80 % intervals), ``prior_middle`` and ``flip_value`` in ``unit``,
    ``flip_side`` (below or above it) and ``flip_rival`` (who then leads).
    """
    table = strategy_sensitivity.head(_SHOWN_SHARES)
    names, units = _assumptions(strategies_params, strategy_channels), assumption_units(strategies_params.effects)
    labels = strategy_labels(strategies_params.strategies)
    share = {"zh": "占比", "en": "share"}
    sides = [wording.flip_row(below=None if pd.isna(row) else bool(row)) for row in table["flip_below"]]
    rivals = [labels.get(str(name), {"zh": "—", "en": "—"}) for name in table["flip_rival"]]
    parts: dict[str, Any] = {
        f"assumption_{language}": [names[effect][language] for effect in table["effect"]] for language in _LANGUAGES
    }
    orders = [f"{order}_order{end}" for order in ("total", "first") for end in ("", "_ci_lower", "_ci_upper")]
    factor = table["prior_middle"].map(_scale)
    rare = [{"zh": "‰，", "en": "‰ "} if scale > 1 else {"zh": "", "en": ""} for scale in factor]
    parts |= {name: table[name] for name in orders}
    parts["prior_middle"] = table["prior_middle"] * factor
    parts |= {
        f"unit_{language}": [
            few[language] + units.get(effect, share)[language]
            for few, effect in zip(rare, table["effect"], strict=True)
        ]
        for language in _LANGUAGES
    }
    parts |= {f"flip_side_{language}": [side[language] for side in sides] for language in _LANGUAGES}
    parts["flip_value"] = table["flip_value"] * factor
    parts |= {f"flip_rival_{language}": [rival[language] for rival in rivals] for language in _LANGUAGES}
    return pd.DataFrame(parts).assign(confidence_level=CONFIDENCE).reset_index(drop=True)


_LANGUAGES: Final = ("zh", "en")


def strategy_flip_words(
    strategy_flip_check: dict[str, Any],
    strategy_sensitivity: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategies_params: StrategiesParams,
) -> dict[str, Any]:
    """The first turning point as values for sentences; ``checked`` says what its simulation found."""
    draws = Estimate(int(strategy_sensitivity["draws"].iloc[0]), "times").as_result()
    if not strategy_flip_check:
        return {"checked": "none", "sensitivity_draws": draws}
    check = strategy_flip_check
    effect = check["effect"]
    row = strategy_sensitivity[strategy_sensitivity["effect"] == effect].iloc[0]
    factor = _scale(float(row["prior_middle"]))
    unit = "number" if factor == 1 else "per_thousand"
    numbers = {
        "flip_value": (float(row["flip_value"]), unit),
        "check_low": (check["low_value"], unit),
        "check_high": (check["high_value"], unit),
        "lead_low": (abs(check["lead_low"]), "money"),
        "lead_high": (abs(check["lead_high"]), "money"),
    }
    return {
        "checked": "holds" if check["holds"] else "open",
        "flip": _assumptions(strategies_params, strategy_channels)[effect],
        "flip_side": wording.flip_row(below=bool(row["flip_below"])),
        "flip_rival": strategy_labels(strategies_params.strategies)[check["rival"]],
        **{f"lead_{end}_side": wording.side(ahead=check[f"lead_{end}"] >= 0) for end in ("low", "high")},
        "sensitivity_draws": draws,
        **{name: Estimate(value, unit, grade=_GRADE).as_result() for name, (value, unit) in numbers.items()},
    }


def strategy_values(
    strategy_headline: dict[str, Any],
    strategy_driver_words: dict[str, Any],
    strategy_run_words: dict[str, Any],
    strategy_segment_words: dict[str, Any],
    strategy_flip_words: dict[str, Any],
    strategy_explorer_words: dict[str, Any],
    exam_headline: dict[str, Any],
    strategy_experience_values: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """All numbers and labels that the page's sentences use, by name."""
    parts = (
        strategy_driver_words, strategy_run_words, strategy_segment_words, strategy_flip_words,
        strategy_explorer_words, exam_headline, strategy_experience_values or {},
    )  # fmt: skip
    verdicts = {"same", "checked", "rarely"}
    found = {name: value for part in parts for name, value in part.items() if name not in verdicts}
    return {**strategy_headline, **found}


def _assumptions(params: StrategiesParams, channels: pd.DataFrame) -> dict[str, dict[str, str]]:
    return assumption_names(effects=params.effects, strategies=params.strategies, channels=channels)


def _leaders(by_tier: pd.DataFrame) -> pd.DataFrame:
    """Return the row of the most profitable strategy of each tier; where nothing beats no touch, that one."""
    # Less than one unit of money in a whole tier is no lead.
    by_rank = by_tier.assign(
        _profit=by_tier["incremental_profit"].round(), _other=by_tier["strategy"] != NO_TOUCH
    ).sort_values(["segment", "_profit", "_other"], ascending=[True, False, True], kind="stable")
    return by_rank.drop_duplicates("segment").drop(columns=["_profit", "_other"])


def _scale(middle: float) -> float:
    """Return what an assumption is multiplied by to be read: rare events are told per thousand."""
    return 1000.0 if 0 < middle < _RARE else 1.0


def _tier_names(customers: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return the names of the tiers; customers without one, and those of the smallest tiers, have one too."""
    known = customers[["tier", "tier_zh", "tier_en"]].dropna().drop_duplicates("tier")
    names = {str(r["tier"]): {"zh": str(r["tier_zh"]), "en": str(r["tier_en"])} for r in known.to_dict("records")}
    return {**names, "-": {"zh": "未分层", "en": "no tier"}, "other": {"zh": "其他", "en": "others"}}
