"""Both clocks on one page: who may stop buying, who may delete the contact, whom to save first, whom to leave alone.

It puts the finished tables of ``recipes/churn*.py`` and ``recipes/relationship*.py`` side by side and models nothing.
The relationship clock is optional: where the data hold no contacts, its columns are unknown and its numbers absent.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.churn import two_clocks as clocks
from analysis.churn import two_clocks_wording as wording
from analysis.churn.at_risk import LevelDrift, expected_loss, level_drift
from analysis.churn.relationship.judging import drift_of_levels
from analysis.churn.wording import RISK_BANDS
from analysis.evidence import Estimate, Forecast, Observed, grade_of
from analysis.features.places import said_of
from analysis.params import ChurnParams
from analysis.recipes.resolver import reads
from analysis.stats.scoring import Score

_GRADE: Final = grade_of(Forecast((Observed(),)))
_LEVEL: Final = 0.80
_YEAR: Final = 365
_FIRST_DAYS: Final = 7

_RELATIONSHIP_NUMBERS: Final = {
    "n_expected": "n_expected_deletions",
    "share_expected": "share_expected_deletions",
    "n_sources_flagged": "n_codes_flagged",
    "claim": "delete_claim",
    "detail": "delete_detail",
    "used": "delete_used",
}
"""Names on this page, where both clocks have a number of that name or it would say too little."""

_STAFF_SHOWN: Final = 10
_WIDER: Final = 1.04
_METHODS: Final = {"zh": {"observed": "实际", "model": "模型"}, "en": {"observed": "observed", "model": "the model"}}
_TOLD_OF_LIST: Final = ("days_since_last_order", "n_orders", "median_gap_days")

_RELATIONSHIP_SCORES: Final = "relationship."


@reads(features=("customer_id",), customer_value=("customer_id", "clv"))
def two_clocks(
    features: pd.DataFrame,
    churn_scores: pd.DataFrame,
    churn_params: ChurnParams,
    delete_scores: pd.DataFrame | None = None,
    customer_value: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per customer with a purchase: both probabilities, money, and what to do; unknown where a clock is silent.

    ``p_churn``, ``p_delete`` (0-1), ``risk_band``, ``value_band``, ``delete_band``, ``value_at_risk`` (currency),
    ``clv`` (currency; where it is known) and ``group`` (``churn.two_clocks.GROUPS``; unknown for all where leaving by
    not buying cannot be judged).
    """
    ids = features["customer_id"]
    at_risk = ["p_churn", "value_at_risk", "risk_band", "value_band"]
    parts = [said_of(ids, said=churn_scores, columns=at_risk)]
    if delete_scores is not None:
        parts.append(said_of(ids, said=delete_scores, columns=["p_delete"]))
    else:
        parts.append(pd.DataFrame({"p_delete": np.full(len(ids), np.nan)}))
    if customer_value is not None:
        parts.append(said_of(ids, said=customer_value, columns=["clv"]))
    table = pd.concat([features[["customer_id"]].reset_index(drop=True), *parts], axis=1)
    mean = float(delete_scores["p_delete"].mean()) if delete_scores is not None and len(delete_scores) else np.nan
    table["delete_band"] = pd.array(clocks.delete_band(table["p_delete"], mean=mean), dtype="string")
    table["group"] = pd.array([pd.NA] * len(table), dtype="string")
    if len(churn_scores):
        contacts_known = delete_scores is not None and len(delete_scores) > 0
        who = clocks.group_of(table, save_first=churn_params.save_first, contacts_known=contacts_known)
        table["group"] = pd.array(who, dtype="string")
    return table


def two_clocks_grid(two_clocks: pd.DataFrame) -> pd.DataFrame:
    """One row per cell of both risks, for customers on both clocks: labels, least probabilities, customers, money."""
    grid = clocks.clock_grid(two_clocks)
    axes = {"delete_band": wording.DELETE_BANDS, "risk_band": RISK_BANDS}
    labels = {
        f"{axis}_{language}": grid[axis].map({band: words[language] for band, words in bands.items()})
        for axis, bands in axes.items()
        for language in ("zh", "en")
    }
    return pd.DataFrame(labels).join(grid.drop(columns=list(axes)))


def two_clocks_groups(two_clocks: pd.DataFrame) -> pd.DataFrame:
    """One row per group of customers, those to save first on top: customers, money, mean probabilities, and why."""
    table = clocks.group_sums(two_clocks)
    words = {
        f"{name}_{language}": table["group"].map({group: label[language] for group, label in labels.items()})
        for name, labels in (("group", wording.GROUPS), ("reason", wording.REASONS))
        for language in ("zh", "en")
    }
    names = pd.DataFrame(words).astype("string")
    front, back = names[["group_zh", "group_en"]], names[["reason_zh", "reason_en"]]
    numbers = table.drop(columns="group").dropna(axis="columns", how="all")
    return pd.concat([front, numbers, back], axis=1)


@reads(features=("customer_id", *_TOLD_OF_LIST))
def two_clocks_save_first(two_clocks: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """The customers to save first, most money at risk on top: a list for action, private."""
    chosen = two_clocks[two_clocks["group"] == "save_first"].sort_values("value_at_risk", ascending=False)
    columns = ["customer_id", "p_churn", "p_delete", "value_at_risk", *(["clv"] if "clv" in chosen else [])]
    known = said_of(chosen["customer_id"], said=features, columns=_TOLD_OF_LIST)
    return pd.concat([chosen[columns].reset_index(drop=True), known], axis=1)


def two_clocks_leave_alone(two_clocks: pd.DataFrame) -> pd.DataFrame:
    """The customers to leave alone, by id, each with the reason: private."""
    chosen = two_clocks[two_clocks["group"].isin(clocks.LEAVE_ALONE)]
    reasons = {
        f"reason_{language}": chosen["group"].map({group: words[language] for group, words in wording.REASONS.items()})
        for language in ("zh", "en")
    }
    table = chosen[["customer_id", "group", "p_churn", "p_delete"]].assign(**reasons)
    return table.sort_values("customer_id", ignore_index=True)


def two_clocks_headline(
    two_clocks: pd.DataFrame,
    churn_evaluation: dict[str, Any],
    churn_headline: dict[str, Any],
    churn_season: dict[str, Any],
    churn_scores: pd.DataFrame,
    relationship_headline: dict[str, Any] | None = None,
    relationship_evaluation: dict[str, Any] | None = None,
    relationship_windows: pd.DataFrame | None = None,
    relationship_incidence_all: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """The numbers of the page: those of both clocks, and those that need both of them.

    The purchase clock's under the names of ``churn_evaluation`` and ``churn_headline``; the relationship clock's under
    those of ``relationship_headline`` (where both have one, renamed) with ``delete_rate``, its scores under
    ``relationship.…``. ``n_silent`` are expected to stop buying and stay a contact, ``n_both`` to do both; the list and
    those left alone: ``n_save_first`` …, ``n_leave_alone`` …, ``n_not_a_contact``.
    """
    found = {**churn_evaluation, **churn_headline}
    deletion_drift = None
    if relationship_headline is not None and relationship_evaluation is not None:
        found |= {_RELATIONSHIP_NUMBERS.get(name, name): value for name, value in relationship_headline.items()}
        scores = {name: value for name, value in relationship_evaluation.items() if name != "verdict"}
        found["delete_rate"] = scores.pop("delete_rate")
        found |= {f"{_RELATIONSHIP_SCORES}{name}": value for name, value in scores.items()}
    if relationship_windows is not None:
        deletion_drift = drift_of_levels(relationship_windows["n_deleted"], relationship_windows["n_expected"])
    if relationship_incidence_all is not None:
        found |= _incidence(relationship_incidence_all)
    if len(churn_scores):
        drift = level_drift(churn_season["next"]["surprises"])
        found |= _both_doors(two_clocks, drift=drift, deletion_drift=deletion_drift)
        found |= _list_and_rest(two_clocks, scores=churn_scores, drift=drift)
    return found


def _incidence(curves: pd.DataFrame) -> dict[str, Any]:
    """Return the shares of contacts that customers deleted within a week and within a year, or as far as told."""
    observed = curves[(curves["method"] == "observed") & (curves["door"] == "customer")]
    observed = observed[observed["days_since_added"] <= _YEAR].sort_values("days_since_added")
    if observed.empty or int(observed["days_since_added"].max()) <= _FIRST_DAYS:
        return {}
    early = observed[observed["days_since_added"] <= _FIRST_DAYS].iloc[-1]
    late = observed.iloc[-1]
    return {
        "deleted_early": _told(early, "share_contacts"),
        "deleted_later": _told(late, "share_contacts"),
        "early_days": Estimate(float(early["days_since_added"]), "days"),
        "later_days": Estimate(float(late["days_since_added"]), "days"),
    }


def _told(row: "pd.Series[Any]", name: str) -> Estimate:
    ends = (float(row[f"{name}{end}"]) for end in ("", "_ci_lower", "_ci_upper"))
    value, lower, upper = ends
    return Estimate(value, "share", lower, upper, float(row["confidence_level"]), _GRADE)


def _both_doors(customers: pd.DataFrame, *, drift: LevelDrift, deletion_drift: LevelDrift | None) -> dict[str, Any]:
    """Return how many of those on both clocks go in silence and how many by both doors, neither moving the other."""
    both = customers[customers["p_churn"].notna() & customers["p_delete"].notna()]
    if both.empty:
        return {}
    p_churn, p_delete = (both[name].to_numpy(dtype=np.float64) for name in ("p_churn", "p_delete"))
    silent = expected_loss(p_churn * (1 - p_delete), weight=1.0, drift=drift, confidence_level=_LEVEL)
    found = {
        "n_on_both": Estimate(len(both), "customers"),
        "n_silent": _future(silent, "customers", n=len(both)),
        "n_both": Estimate(float(p_churn @ p_delete), "customers", grade=_GRADE, n=len(both)),
    }
    if deletion_drift is not None:
        together = LevelDrift(
            float(np.hypot(drift.deviation, deletion_drift.deviation)), min(drift.n_moves, deletion_drift.n_moves)
        )
        ends = expected_loss(p_churn * p_delete, weight=1.0, drift=together, confidence_level=_LEVEL)
        found["n_both"] = _future(ends, "customers", n=len(both))
    return found


def _list_and_rest(customers: pd.DataFrame, *, scores: pd.DataFrame, drift: LevelDrift) -> dict[str, Any]:
    """Return the numbers of the list, of those left alone, and of those whom private chat does not reach."""
    told = said_of(scores["customer_id"], said=customers, columns=["group", "p_delete", "delete_band"])
    money = pd.concat([told, scores.reset_index(drop=True)], axis=1)
    total = float(money["value_at_risk"].sum())
    first = money[money["group"] == "save_first"]
    n_alone = int(customers["group"].isin(clocks.LEAVE_ALONE).sum())
    gently = int((first["delete_band"] == clocks.DELETE_BANDS[0]).sum())
    strangers = money[money["group"] == "not_a_contact"]
    found = {
        "n_save_first": Estimate(len(first), "customers"),
        "save_first_value": _future(_loss(first, drift), "money", n=len(first)),
        "save_first_share": Estimate(
            float(first["value_at_risk"].sum()) / total if total else None, "share", n=len(money)
        ),
        "n_gently": Estimate(gently, "customers"),
        "n_leave_alone": Estimate(n_alone, "customers"),
        "n_not_a_contact": Estimate(len(strangers), "customers"),
    }
    if len(strangers):
        found["not_a_contact_value"] = _future(_loss(strangers, drift), "money", n=len(strangers))
    return found


def _loss(customers: pd.DataFrame, drift: LevelDrift) -> Score:
    worth = customers["revenue_in_horizon"]
    return expected_loss(customers["p_churn"], weight=worth, drift=drift, confidence_level=_LEVEL)


def _future(score: Score, unit: str, *, n: int) -> Estimate:
    return Estimate(score.value, unit, score.ci_lower, score.ci_upper, _LEVEL, _GRADE, n)


def two_clocks_page(
    two_clocks_headline: dict[str, Any],
    two_clocks_grid: pd.DataFrame,
    churn_verdict: dict[str, Any],
    relationship_touches: pd.DataFrame | None = None,
    contact_survival_sources: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """What the page can show, and its texts that depend on it.

    True or false: ``purchase`` (leaving by not buying was judged), ``relationship`` (deletions are expected), ``both``
    (some customers are on both clocks), ``touches``, ``codes`` (there is a ratio, a code to show). By language:
    ``answer``, ``decisions``, ``tiles``, ``groups_note``, ``touches_claim``, ``codes_claim``, ``windows_claim``.
    """
    told = two_clocks_headline
    contacts_known = relationship_touches is not None
    purchase = bool(churn_verdict["judged"])
    relationship = _end(told, "n_expected_deletions") is not None and "deleted_early" in told
    flagged = (_end(told, "n_codes_flagged") or 0) > 0
    return {
        "purchase": purchase,
        "relationship": relationship,
        "both": purchase and relationship and int(two_clocks_grid["n_customers"].sum()) > 0,
        "touches": relationship_touches is not None and len(relationship_touches) > 0,
        "codes": contact_survival_sources is not None and bool(contact_survival_sources["d7"].notna().any()),
        "answer": wording.answer(purchase=purchase, relationship=relationship, contacts_known=contacts_known),
        "decisions": wording.decisions(purchase=purchase, relationship=relationship, flagged=flagged),
        "tiles": wording.tiles(purchase=purchase, relationship=relationship),
        "groups_note": wording.groups_note(
            strangers="not_a_contact_value" in told, gently=(_end(told, "n_gently") or 0) > 0
        ),
        "touches_claim": wording.touches_claim(_end(told, "touch_ratio", "ci_lower")),
        "codes_claim": wording.codes_claim(flagged=flagged),
        "windows_claim": wording.windows_claim(purchase=purchase),
    }


def _end(numbers: dict[str, Any], name: str, end: str = "value") -> float | None:
    """Return the value, or an end of the interval, of a number that was kept; None if it is not known."""
    found: float | None = numbers[name].get(end) if name in numbers else None
    return found


def two_clocks_comparison(churn_comparison: pd.DataFrame) -> pd.DataFrame:
    """The comparison of forecasts with what decides in front: which gates each passed, and which one is used."""
    front = ["forecast_by_zh", "forecast_by_en", "gates_zh", "gates_en", "is_used"]
    rest = [name for name in churn_comparison.columns if name not in {*front, "calibration_log_loss"}]
    return churn_comparison[[*front, *rest]]


def two_clocks_doors(relationship_incidence_all: pd.DataFrame) -> pd.DataFrame:
    """Share of contacts ended by each door, observed and by the model, at days ever wider apart: for the picture."""
    curves = relationship_incidence_all[relationship_incidence_all["door"] != "still_there"]
    days = sorted(curves["days_since_added"].unique().tolist())
    told = {_FIRST_DAYS, max((day for day in days if day <= _YEAR), default=_YEAR), *days[-1:]}
    kept: list[float] = []
    for day in days:
        if day in told or not kept or day >= max(kept[-1] + 1, _WIDER * kept[-1]):
            kept.append(day)
    shown = curves[curves["days_since_added"].isin(kept)].reset_index(drop=True)
    names = {f"method_{language}": shown["method"].map(_METHODS[language]) for language in ("zh", "en")}
    shares = [name for name in shown.columns if name.startswith("share_contacts")]
    columns = ["days_since_added", "door", "door_zh", "door_en", *names, *shares, "confidence_level", "n_at_risk"]
    return shown.assign(**names)[["method", *columns]]


def two_clocks_staff(contact_survival_staff: pd.DataFrame) -> pd.DataFrame:
    """The ten members of staff whose new contacts stay least: new contacts, and the share there after 1, 7, 30 days."""
    shown = [name for name in contact_survival_staff.columns if name.startswith(("d1", "d7", "d30"))]
    known = contact_survival_staff[contact_survival_staff["d7"].notna()]
    table = known[["group", "n_new_contacts", *shown, "confidence_level", "flagged"]].head(_STAFF_SHOWN)
    return table.rename(columns={"group": "staff_id"}).reset_index(drop=True)
