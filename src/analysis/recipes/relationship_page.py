"""What a page shows of ``recipes/relationship.py``: headline numbers, incidence, ratios, survival of new contacts."""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.churn.at_risk import expected_loss
from analysis.churn.evaluation import FEWEST_EVENTS
from analysis.churn.relationship import wording
from analysis.churn.relationship.explained import as_model, hazard_ratios, model_incidence, thinned_days
from analysis.churn.relationship.forecast import tenure_hazards
from analysis.churn.relationship.hazards import HazardModel
from analysis.churn.relationship.judging import Verdict, drift_of_levels, evaluate_deletions
from analysis.churn.relationship.life_table import Incidence, cumulative_incidence, life_table, still_there
from analysis.churn.relationship.new_contacts import SURVIVAL_DAYS, survival_by_group
from analysis.data.channels import load_channels
from analysis.evidence import Estimate, Observed, grade_of
from analysis.features.contacts import DOORS, UNKNOWN_SOURCE
from analysis.params import ChurnParams
from analysis.periods import days_before
from analysis.stats.scoring import Score, proportion

_GRADE: Final = grade_of(Observed())
_PAST_LEVEL: Final = 0.95
_FUTURE_LEVEL: Final = 0.80

ALL_SOURCES: Final = "all"
"""Value of ``source_state`` in rows about every contact."""

_FEWEST_CONTACTS: Final = 50
"""Contacts, still at risk, below which an incidence is not told further."""

_NEW_CONTACTS_DAYS: Final = 730
"""Contacts added so many days ago at most tell how new contacts stay."""

_SHOWN_DAYS: Final = np.unique(np.concatenate((np.arange(31), np.arange(35, 92, 7), np.arange(105, 3_660, 15))))
"""Days of tenure at which an incidence is told: daily at first, then ever wider apart; those of survival among them."""

_INCIDENCE_COLUMNS: Final = (
    "source_state", "method", "door", "door_zh", "door_en", "days_since_added", "share_contacts",
    "share_contacts_ci_lower", "share_contacts_ci_upper", "confidence_level", "grade", "n_at_risk",
)  # fmt: skip
_RATIO_COLUMNS: Final = (
    "covariate", "kind", "label_zh", "label_en", "door", "door_zh", "door_en",
    "hazard_ratio", "hazard_ratio_ci_lower", "hazard_ratio_ci_upper", "confidence_level", "grade", "n_events",
)  # fmt: skip
_SCORES: Final = (
    "auc", "log_loss", "baseline_log_loss", "log_loss_gain", "brier",
    "calibration_slope", "calibration_intercept", "ece", "ece_by_luck", "excess_ece",
)  # fmt: skip
_SCORES_OF_BASELINE: Final = ("auc", "calibration_slope", "ece", "excess_ece")


def relationship_incidence(
    contact_spells: pd.DataFrame, contact_days: pd.DataFrame, relationship_models: dict[str, Any], seed: int
) -> pd.DataFrame:
    """One row per source (``all`` first), method, door and day since it was added: the share ended so by then.

    ``method`` is ``observed`` (Aalen-Johansen; contacts of one member of staff may share their fate) or ``model`` (the
    customer's door by the hazard model: as if all contacts had come by that source, all else as it was); ``door`` is
    customer, staff or still_there. ``share_contacts`` (0-1, with interval) by ``days_since_added`` (days), told as long
    as 50 contacts are at risk.
    """
    columns = ["entry_days", "tenure_days", "door", "source_state"]
    looked = contact_spells.loc[contact_spells["entry_days"] <= contact_spells["tenure_days"], columns]
    looked["staff"] = pd.factorize(contact_spells["staff_id"], sort=True)[0][looked.index]
    sizes = looked["source_state"].value_counts()
    sources = [ALL_SOURCES, *sizes.index[sizes >= _FEWEST_CONTACTS].sort_values()]
    model = as_model(relationship_models["customer"]) if relationship_models["customer"] else None
    days = contact_days[contact_days["role"] == "explain"]
    days, hazards = thinned_days(days, seed=seed) if model else days, tenure_hazards(looked)
    parts = [pd.DataFrame(columns=list(_INCIDENCE_COLUMNS))]
    for source in sources:
        members = looked if source == ALL_SOURCES else looked[looked["source_state"] == source]
        table = life_table(members, doors=DOORS, cluster=members["staff"])
        told = int((table.at_risk.sum(axis=0) >= _FEWEST_CONTACTS).nonzero()[0].max(initial=-1))
        shown = _SHOWN_DAYS[: np.searchsorted(_SHOWN_DAYS, told, side="right")]
        found = [(door, cumulative_incidence(table, door=place)) for place, door in enumerate(DOORS)]
        for door, curve in [*found, ("still_there", still_there(table))]:
            at_days = curve.on(shown)
            parts.append(_incidence_rows(at_days, source=source, method="observed", door=door, tenure_days=shown))
        if model and len(shown):
            curve = model_incidence(
                model,
                hazards=hazards,
                days=days,
                tenure_days=shown.tolist(),
                source=None if source == ALL_SOURCES else source,
            )
            curve = curve._replace(n_at_risk=at_days.n_at_risk)
            parts.append(_incidence_rows(curve, source=source, method="model", door="customer", tenure_days=shown))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def _incidence_rows(
    curve: Incidence, *, source: str, method: str, door: str, tenure_days: "np.ndarray[Any, np.dtype[np.int64]]"
) -> pd.DataFrame:
    shares = ("share_contacts", "share_contacts_ci_lower", "share_contacts_ci_upper", "n_at_risk")
    rows = pd.DataFrame({"days_since_added": tenure_days, **dict(zip(shares, curve, strict=True))})
    labels = wording.DOOR_LABELS[door]
    told = rows.assign(
        source_state=source,
        method=method,
        door=door,
        door_zh=labels["zh"],
        door_en=labels["en"],
        confidence_level=_PAST_LEVEL,
        grade=_GRADE.value,
    )
    return told[list(_INCIDENCE_COLUMNS)]


def relationship_hazards(contact_days: pd.DataFrame, relationship_models: dict[str, Any]) -> pd.DataFrame:
    """One row per covariate and door: by how much the odds that a contact ends on a day go with it.

    ``kind`` is touches (one more against none more), source (against the other sources) or tenure (against days 31-60);
    touches of the channels that reach nobody often enough are left out. These go together; nothing says one causes the
    other.
    """
    days = contact_days[contact_days["role"] == "explain"].reset_index(drop=True)
    channels = {channel.name: channel.label.model_dump() for channel in load_channels().channels}
    parts = [pd.DataFrame(columns=list(_RATIO_COLUMNS))]
    for plain in relationship_models.values():
        if not plain:
            continue
        model = as_model(plain)
        ratios = hazard_ratios(model, days=days, confidence_level=_PAST_LEVEL)
        labels = [wording.covariate_label(t, terms=model.terms, channels=channels) for t in ratios["covariate"]]
        ratios = ratios.assign(
            kind=ratios["covariate"].str.extract(r"^(touches|source|tenure)", expand=False),
            label_zh=[label["zh"] for label in labels],
            label_en=[label["en"] for label in labels],
            door_zh=wording.DOOR_LABELS[model.door]["zh"],
            door_en=wording.DOOR_LABELS[model.door]["en"],
            grade=_GRADE.value,
            n_events=model.n_events,
        )
        parts.append(ratios[list(_RATIO_COLUMNS)])
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def relationship_incidence_all(relationship_incidence: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``relationship_incidence`` about all contacts: for the picture."""
    return relationship_incidence[relationship_incidence["source_state"] == ALL_SOURCES].reset_index(drop=True)


def relationship_touches(relationship_hazards: pd.DataFrame) -> pd.DataFrame:
    """The ratios of touches for the customer's door, latest window first and largest ratio first within it."""
    rows = relationship_hazards[
        (relationship_hazards["kind"] == "touches") & (relationship_hazards["door"] == "customer")
    ]
    window = rows["covariate"].str.extract(r"^touches_(\w+):", expand=False)
    order = window.map({"2d": 0, "3_7d": 1, "8_28d": 2})
    sorted_rows = rows.assign(order=order).sort_values(["order", "hazard_ratio"], ascending=[True, False])
    return sorted_rows.drop(columns="order").reset_index(drop=True)


def contact_survival(contact_spells: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """One row per acquisition code and per member of staff: new contacts not deleted after 1, 7 and 30 days.

    ``kind`` (source_state, staff_id), ``group``, then as in ``new_contacts.survival_by_group``. Contacts added within
    the last two years. Codes are compared with all other codes; members of staff with others on the contacts of the
    same codes.
    """
    recent = contact_spells["added_on"] > pd.Timestamp(days_before(as_of, days=_NEW_CONTACTS_DAYS))
    fresh = contact_spells[recent]
    named = fresh[fresh["source_state"] != UNKNOWN_SOURCE]
    codes = survival_by_group(named, group="source_state", confidence_level=_PAST_LEVEL)
    staff = survival_by_group(fresh, group="staff_id", within="source_state", confidence_level=_PAST_LEVEL)
    found = [codes.assign(kind="source_state"), staff.assign(kind="staff_id")]
    table = pd.concat([part for part in found if len(part)] or found, ignore_index=True)
    table = table.assign(confidence_level=_PAST_LEVEL, grade=_GRADE.value)
    return table[["kind", *(name for name in table.columns if name != "kind")]]


def contact_survival_sources(contact_survival: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``contact_survival`` about acquisition codes, those that keep fewest after 7 days first."""
    rows = contact_survival[contact_survival["kind"] == "source_state"]
    return rows.sort_values(["d7", "group"]).reset_index(drop=True)


def contact_survival_staff(contact_survival: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``contact_survival`` about members of staff, those that keep fewest after 7 days first."""
    rows = contact_survival[contact_survival["kind"] == "staff_id"]
    return rows.sort_values(["d7", "group"]).reset_index(drop=True)


def relationship_evaluation(
    relationship_judgement: pd.DataFrame, relationship_verdict: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Headline numbers of the judging window: the full model's under plain names, those by tenure under ``baseline``.

    ``n_contacts`` were open when the window began, ``delete_rate`` is the share of them that the customer deleted in
    it.
    """
    n = len(relationship_judgement)
    found: dict[str, Any] = {
        "n_contacts": Estimate(n or None, "contacts", n=n),
        "delete_rate": _past(proportion(int(relationship_judgement["deleted"].sum()), n), "share", n=n)
        if n
        else Estimate(None, "share"),
        "verdict": relationship_verdict["claim"],
    }
    if relationship_verdict["verdict"] in {Verdict.TOO_FEW, Verdict.NONE_RECORDED}:
        return {**found, **{name: Estimate(None, "score") for name in _SCORES}}
    model, baseline = evaluate_deletions(relationship_judgement, seed=seed)
    found |= {name: _score(getattr(model, name), n=n) for name in _SCORES}
    return {**found, **{f"baseline.{name}": _score(getattr(baseline, name), n=n) for name in _SCORES_OF_BASELINE}}


def relationship_headline(
    contact_spells: pd.DataFrame,
    contact_survival: pd.DataFrame,
    contact_delete_scores: pd.DataFrame,
    relationship_hazards: pd.DataFrame,
    relationship_models: dict[str, Any],
    relationship_windows: pd.DataFrame,
    relationship_verdict: dict[str, Any],
    as_of: date,
    churn_params: ChurnParams,
) -> dict[str, Any]:
    """The numbers of the page's sentences on deletions: the last window by door, the next one, forced adds, touches."""
    return {
        "horizon": Estimate(churn_params.horizon_days, "days"),
        **_last_window(contact_spells, as_of=as_of, days=churn_params.horizon_days),
        **_next_window(contact_delete_scores, relationship_windows),
        **_forced_adds(contact_spells, contact_survival, as_of=as_of),
        **_strongest_touch(relationship_hazards, relationship_models),
        "claim": relationship_verdict["claim"],
        "detail": relationship_verdict["detail"],
        "used": relationship_verdict["used"],
    }


def _last_window(contacts: pd.DataFrame, *, as_of: date, days: int) -> dict[str, Estimate]:
    """Return what was deleted in the last ``days`` days, by door, and what is still there."""
    window = contacts[contacts["deleted_on"] > pd.Timestamp(days_before(as_of, days=days))]
    by = {door: int((window["door"] == door).sum()) for door in DOORS}
    still = contacts[contacts["door"].isna()]
    n = sum(by.values())
    return {
        "n_open_contacts": Estimate(len(still), "contacts"),
        "n_open_customers": Estimate(still["customer_id"].nunique(), "customers"),
        "n_added": Estimate(
            int((contacts["added_on"] > pd.Timestamp(days_before(as_of, days=days))).sum()), "contacts"
        ),
        "n_deleted": Estimate(n, "deletions"),
        "n_deleted_by_customer": Estimate(by["customer"], "deletions"),
        "n_deleted_by_staff": Estimate(by["staff"], "deletions"),
        "share_by_customer": Estimate(by["customer"] / n if n else None, "share", n=n),
        "share_by_staff": Estimate(by["staff"] / n if n else None, "share", n=n),
    }


def _next_window(scores: pd.DataFrame, windows: pd.DataFrame) -> dict[str, Estimate]:
    """Return the deletions expected among open contacts; the interval of how many will come holds drift and luck."""
    drift = drift_of_levels(windows["n_deleted"], windows["n_expected"])
    n, p = len(scores), scores["p_delete"]
    if not n:
        return {"n_expected": Estimate(None, "deletions"), "share_expected": Estimate(None, "share")}
    total = float(p.sum())
    if drift is None:
        return {
            "n_expected": Estimate(total, "deletions", grade=_GRADE, n=n),
            "share_expected": Estimate(total / n, "share", grade=_GRADE, n=n),
        }
    ends = expected_loss(p, weight=1.0, drift=drift, confidence_level=_FUTURE_LEVEL)
    return {
        "n_expected": Estimate(*_with_level(ends, "deletions"), grade=_GRADE, n=n),
        "share_expected": Estimate(*_with_level(Score(*(end / n for end in ends)), "share"), grade=_GRADE, n=n),
    }


def _with_level(score: Score, unit: str) -> tuple[float, str, float, float, float]:
    return score.value, unit, score.ci_lower, score.ci_upper, _FUTURE_LEVEL


def _forced_adds(contacts: pd.DataFrame, survival: pd.DataFrame, *, as_of: date) -> dict[str, Any]:
    """Return how many codes are flagged, what they are called, and how their contacts stay beside all others."""
    codes = survival[survival["kind"] == "source_state"]
    flagged = codes.loc[codes["flagged"].astype(bool), "group"].tolist()
    fresh = contacts[contacts["added_on"] > pd.Timestamp(days_before(as_of, days=_NEW_CONTACTS_DAYS))]
    fresh = fresh[fresh["entry_days"] == 0]
    forced = fresh["source_state"].isin(flagged)
    staff = survival[survival["kind"] == "staff_id"]
    found: dict[str, Any] = {
        "n_sources": Estimate(len(codes), "count"),
        "n_sources_flagged": Estimate(len(flagged), "count", grade=_GRADE),
        "sources_flagged": {"zh": "、".join(flagged), "en": ", ".join(flagged)},
        "n_staff_flagged": Estimate(int(staff["flagged"].astype(bool).sum()), "staff", grade=_GRADE),
        "share_of_new_flagged": Estimate(float(forced.mean()) if len(fresh) else None, "share", n=len(fresh)),
    }
    for name, which in (("flagged", fresh[forced]), ("others", fresh[~forced]), ("new", fresh)):
        curve = still_there(life_table(which, doors=("customer",)), confidence_level=_PAST_LEVEL)
        for day in SURVIVAL_DAYS:
            known = day < len(curve.value) and curve.n_at_risk[day] > 0
            ends = Score(*(float(end[day]) if known else float("nan") for end in curve[:3]))
            found[f"d{day}_{name}"] = _past(ends, "share", n=len(which)) if known else Estimate(None, "share")
    return found


def _strongest_touch(ratios: pd.DataFrame, models: dict[str, Any]) -> dict[str, Any]:
    """Return the touch that goes with deletion most surely, and how far members of staff differ."""
    own = ratios[(ratios["kind"] == "touches") & (ratios["door"] == "customer")]
    model: HazardModel | None = as_model(models["customer"]) if models["customer"] else None
    spread = float(np.exp(np.sqrt(model.staff_variance))) if model else None
    found: dict[str, Any] = {
        "touch_ratio": Estimate(None, "ratio"),
        "touch": {"zh": "", "en": ""},
        "staff_ratio": Estimate(spread, "ratio", grade=_GRADE),
        "n_events": Estimate(model.n_events if model else None, "deletions"),
        "n_events_needed": Estimate(FEWEST_EVENTS, "deletions"),
    }
    if len(own):
        row = own.nlargest(1, "hazard_ratio_ci_lower").iloc[0]
        ends = Score(*(float(row[f"hazard_ratio{end}"]) for end in ("", "_ci_lower", "_ci_upper")))
        label = str(row["label_en"])
        found["touch_ratio"] = _past(ends, "ratio", n=int(row["n_events"]))
        found["touch"] = {"zh": str(row["label_zh"]), "en": label[:1].lower() + label[1:]}
    return found


def _past(score: Score, unit: str, *, n: int) -> Estimate:
    return Estimate(score.value, unit, score.ci_lower, score.ci_upper, _PAST_LEVEL, _GRADE, n)


def _score(score: Score | float, *, n: int) -> Estimate:
    if isinstance(score, Score):
        return _past(score, "score", n=n)
    return Estimate(score, "score", grade=_GRADE, n=n)
