"""The relationship clock: who deletes the contact, how soon, what goes with it, and who is next.

The chain: ``contact_spells`` (each contact and its end) → ``contact_days`` (days on which contacts could have ended,
and today's open contacts, with the touches received until then) → ``relationship_models`` (what goes with deletions)
and ``relationship_forecasts`` (chances of open contacts, now and when the judging window opened) →
``relationship_verdict`` (which forecast holds) → ``delete_scores``. What a page shows of it is in
``relationship_page.py``.
"""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.churn.evaluation import FEWEST_EVENTS
from analysis.churn.relationship import wording
from analysis.churn.relationship.explained import as_plain
from analysis.churn.relationship.forecast import at_least_one, p_delete_by_model, p_delete_by_tenure, tenure_hazards
from analysis.churn.relationship.hazards import FORECAST_PRIOR, fit_hazard, hazard_terms
from analysis.churn.relationship.judging import MOST_JUDGED, Verdict, judge
from analysis.churn.relationship.person_days import sample_days
from analysis.data.connect import Tables
from analysis.features.contacts import (
    DOORS,
    TouchLog,
    collect_contacts,
    contacts_known,
    touch_log,
    touches_received,
)
from analysis.params import ChurnParams
from analysis.periods import days_before
from analysis.recipes.resolver import reads

_WINDOWS: Final = (2, 7, 28)
"""Days back over which touches are counted."""

_FEWEST_STAFF: Final = 10
"""Members of staff who ended contacts, below which nothing is said of what goes with that door: they, not their
contacts, are the independent cases."""

_PAST_WINDOWS: Final = 6
_ENDS: Final = ["added_on", "deleted_on", "door"]


def contact_spells(tables: Tables, as_of: date) -> pd.DataFrame:
    """One row per contact, sorted by id: who, by which code, and its end by the customer or by staff.

    Columns of ``features.contacts.collect_contacts``.
    """
    return collect_contacts(tables, as_of=as_of)


def contact_days(
    tables: Tables, contact_spells: pd.DataFrame, as_of: date, churn_params: ChurnParams, seed: int
) -> pd.DataFrame:
    """Sampled days on which contacts could have ended, and the contacts still open, with the touches until then.

    ``role``: ``explain`` (sampled days, touches until the day itself), ``learn`` (the same days, touches as known some
    days before) and ``score`` (open contacts at the end of the report's day); ``learn_past`` and ``score_past`` the
    same as known one horizon earlier. ``contact`` is the place in ``contact_spells``; the rest is as in
    ``sample_days``, with ``n_received_<days>d__<channel>``.
    """
    customers = contact_spells["customer_id"].drop_duplicates().reset_index(drop=True)
    log = touch_log(tables, as_of=as_of, customers=customers)
    spells = contact_spells.assign(
        contact=np.arange(len(contact_spells)), place=pd.Index(customers).get_indexer(contact_spells["customer_id"])
    )
    horizon = churn_params.horizon_days
    parts = []
    for ending, day in (("", as_of), ("_past", days_before(as_of, days=horizon))):
        known = contacts_known(spells, day=day)
        days = sample_days(known, horizon_days=horizon, seed=seed)
        if not ending:
            parts.append(_with_touches(days, known, log=log, hour=days["hour"], role="explain"))
        ahead = days[days["days_before"] > 0].reset_index(drop=True)
        parts.append(_with_touches(ahead, known, log=log, hour=24.0, role=f"learn{ending}"))
        still = known.index[known["door"].isna()]
        scored = pd.DataFrame(
            {"contact": still, "tenure_days": known["tenure_days"][still].to_numpy(), "day": pd.Timestamp(day)}
        )
        parts.append(_with_touches(scored.assign(days_before=0), known, log=log, hour=24.0, role=f"score{ending}"))
    return pd.concat(parts, ignore_index=True)


def _with_touches(
    days: pd.DataFrame, known: pd.DataFrame, *, log: TouchLog, hour: "pd.Series[float] | float", role: str
) -> pd.DataFrame:
    """Return days with touches received until that hour of the day that lies ``days_before`` earlier (0 to explain)."""
    at = days["contact"].to_numpy()
    back = 0 if role == "explain" else days["days_before"].to_numpy()
    day = days["day"].to_numpy().astype("datetime64[D]") - back
    place = known["place"].to_numpy()[at]
    received = touches_received(log, customer=place, day=day, hour=np.asarray(hour), windows=_WINDOWS)
    counts = {
        f"n_received_{window}d__{channel}": column
        for window, columns in received.items()
        for channel, column in zip(log.channels, columns.T, strict=True)
    }
    own = {name: known[name].to_numpy()[at] for name in ("contact", "staff_id", "source_state")}
    return days.assign(**own, **counts, role=role)


def relationship_models(contact_days: pd.DataFrame) -> dict[str, Any]:
    """What goes with a deletion: by door a fitted hazard model as plain values, or null where events are too few.

    Deletions by staff come in blocks, when somebody leaves; fewer than ten such members of staff say nothing.
    """
    days = contact_days[contact_days["role"] == "explain"].reset_index(drop=True)
    found: dict[str, Any] = {}
    for number, door in enumerate(DOORS, start=1):
        events = days[days["door"] == number]
        enough = len(events) >= FEWEST_EVENTS if door == "customer" else events["staff_id"].nunique() >= _FEWEST_STAFF
        terms = hazard_terms(days, door=door, channels=_channels(days), forecast=False) if enough else ()
        model = fit_hazard(days, door=door, terms=terms, by_staff=door == "customer") if enough else None
        found[door] = as_plain(model) if model else None
    return found


def _channels(days: pd.DataFrame) -> list[str]:
    """Return the channels whose touches were counted."""
    start = f"n_received_{_WINDOWS[0]}d__"
    return [str(name).removeprefix(start) for name in days.columns if str(name).startswith(start)]


def relationship_forecasts(
    contact_spells: pd.DataFrame, contact_days: pd.DataFrame, as_of: date, churn_params: ChurnParams, seed: int
) -> pd.DataFrame:
    """One row per contact open today (``role`` score) and one horizon ago (``score_past``): both forecasts.

    ``contact`` (place in ``contact_spells``), ``p_model`` (tenure, touches, source and staff; that by tenure where
    fewer than 200 deletions could be learnt from), ``p_baseline`` (tenure alone), and for the past ones ``deleted``:
    whether the customer deleted the contact within the horizon. Each learnt only from what was known on its own day.
    The past ones judge the forecasts: 200,000 at most, drawn at random.
    """
    horizon = churn_params.horizon_days
    parts = []
    for ending, day in (("", as_of), ("_past", days_before(as_of, days=horizon))):
        role = contact_days["role"]
        scored = contact_days[role == f"score{ending}"]
        if ending and len(scored) > MOST_JUDGED:
            scored = scored.sample(MOST_JUDGED, random_state=seed)
        scored = scored.reset_index(drop=True)
        learnt = contact_days[role == f"learn{ending}"].reset_index(drop=True)
        hazards = tenure_hazards(contacts_known(contact_spells[_ENDS], day=day))
        tenure = scored["tenure_days"].to_numpy(dtype=np.int64)
        p_baseline = p_delete_by_tenure(tenure, hazards=hazards, horizon_days=horizon)
        p_model = p_baseline
        if (learnt["door"] == 1).sum() >= FEWEST_EVENTS:
            terms = hazard_terms(learnt, door="customer", channels=_channels(learnt), forecast=True)
            model = fit_hazard(learnt, door="customer", terms=terms, by_staff=True, prior=FORECAST_PRIOR)
            p_model = p_delete_by_model(scored, model=model, hazards=hazards, horizon_days=horizon)
        by_customer = (contact_spells["door"] == "customer").fillna(value=False).to_numpy(dtype=bool)
        deleted = by_customer[scored["contact"].to_numpy(dtype=np.int64)]
        columns = {"role": scored["role"], "contact": scored["contact"], "p_model": p_model, "p_baseline": p_baseline}
        parts.append(pd.DataFrame(columns).assign(deleted=deleted.astype(float) if ending else np.nan))
    return pd.concat(parts, ignore_index=True)


def relationship_judgement(relationship_forecasts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per contact that was open one horizon ago: ``deleted``, ``p_model``, ``p_baseline``; 200,000 at most."""
    past = relationship_forecasts[relationship_forecasts["role"] == "score_past"]
    sampled = past.sample(min(len(past), MOST_JUDGED), random_state=seed)
    return sampled[["deleted", "p_model", "p_baseline"]].reset_index(drop=True)


@reads(contact_spells=("door",), contact_days=("role", "door"))
def relationship_verdict(
    contact_spells: pd.DataFrame,
    contact_days: pd.DataFrame,
    relationship_judgement: pd.DataFrame,
    seed: int,
) -> dict[str, Any]:
    """The forecast that is used: ``verdict``, ``failed``, ``column``; in words ``claim``, ``detail``, ``used``."""
    n_recorded = int((contact_spells["door"] == "customer").sum())
    n_learnt = int(((contact_days["role"] == "learn_past") & (contact_days["door"] == 1)).sum())
    judgement = judge(relationship_judgement, n_recorded=n_recorded, n_learnt=n_learnt, seed=seed)
    verdict = judgement.verdict
    return {
        "verdict": verdict.value,
        "failed": list(judgement.failed),
        "column": "p_model" if verdict is Verdict.MODEL else "p_baseline",
        "claim": wording.claim(verdict),
        "detail": wording.detail(verdict, failed=judgement.failed, ranks=judgement.ranks),
        "used": wording.FORECASTS[verdict],
    }


def relationship_windows(contact_spells: pd.DataFrame, as_of: date, churn_params: ChurnParams) -> pd.DataFrame:
    """One row per past window, oldest first: deletions by customers among contacts open when it began, and foretold.

    ``origin_on``, ``n_open`` (contacts), ``n_deleted``, ``n_expected`` (by tenure alone, from what was known on that
    day).
    """
    horizon = churn_params.horizon_days
    by_customer = (contact_spells["door"] == "customer").fillna(value=False)
    rows = []
    for back in range(_PAST_WINDOWS, 0, -1):
        origin, end = (days_before(as_of, days=windows * horizon) for windows in (back, back - 1))
        known = contacts_known(contact_spells[_ENDS], day=origin)
        hazards = tenure_hazards(known)
        tenure = known.loc[known["door"].isna(), "tenure_days"].to_numpy(dtype=np.int64)
        if hazards.n_events == 0 or not len(tenure):
            continue
        within = contact_spells["deleted_on"].between(pd.Timestamp(origin), pd.Timestamp(end), inclusive="right")
        met = within & by_customer & (contact_spells["added_on"] <= pd.Timestamp(origin))
        p = p_delete_by_tenure(tenure, hazards=hazards, horizon_days=horizon)
        rows.append((pd.Timestamp(origin), len(tenure), int(met.sum()), float(p.sum())))
    return pd.DataFrame(rows, columns=["origin_on", "n_open", "n_deleted", "n_expected"])


def contact_delete_scores(
    contact_spells: pd.DataFrame, relationship_forecasts: pd.DataFrame, relationship_verdict: dict[str, Any]
) -> pd.DataFrame:
    """One row per open contact: ``contact_id``, ``customer_id``, ``staff_id``, ``p_delete`` (0-1, within the horizon).

    Empty where no deletion was ever recorded.
    """
    scored = relationship_forecasts[relationship_forecasts["role"] == "score"]
    if relationship_verdict["verdict"] == Verdict.NONE_RECORDED:
        scored = scored.head(0)
    whose = contact_spells.iloc[scored["contact"].to_numpy(dtype=np.int64)]
    table = whose[["contact_id", "customer_id", "staff_id"]].reset_index(drop=True)
    return table.assign(p_delete=scored[relationship_verdict["column"]].to_numpy(dtype=np.float64))


def delete_scores(contact_delete_scores: pd.DataFrame) -> pd.DataFrame:
    """One row per customer with an open contact: ``customer_id``, ``p_delete`` (0-1) and ``n_open_contacts``.

    ``p_delete`` is the chance that the customer deletes at least one open contact within ``churn_params.horizon_days``.
    """
    return at_least_one(contact_delete_scores, contact_delete_scores["p_delete"].to_numpy())
