"""The hazard model: planted hazards are covered through sampling, staff and incidence; terms hold on thin data."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.relationship.explained import as_model, as_plain, hazard_ratios, model_incidence, thinned_days
from analysis.churn.relationship.forecast import tenure_hazards
from analysis.churn.relationship.hazards import design, fit_hazard, hazard_terms, staff_effects
from analysis.churn.relationship.life_table import cumulative_incidence, life_table
from analysis.churn.relationship.person_days import sample_days

LOG_RATIOS = {
    "touches_2d:private_chat": np.log(4.0),
    "source_later:gate": np.log(1.8),
    "source_first_week:gate": np.log(5.0),
}
"""Planted: one more touch within 48 hours, and the gate against the counter, in the first week and later."""

STAFF_HAZARD = 0.002


def touched(contact, tenure):
    """Whether a contact had a touch within the last two days: every 11th day, each contact on its own."""
    return ((tenure + 3 * contact) % 11 < 2).astype(float)


def daily_hazard(contact, tenure, *, gate):
    """The planted hazard of the customer's door on a day."""
    level = np.where(tenure < 15, np.log(0.012), np.log(0.006))
    source = np.where(tenure <= 7, LOG_RATIOS["source_first_week:gate"], LOG_RATIOS["source_later:gate"]) * gate
    odds = np.exp(level + LOG_RATIOS["touches_2d:private_chat"] * touched(contact, tenure) + source)
    return odds / (1 + odds)


def planted(rng, *, n=2_500, staff_spread=0.0, n_staff=12):
    """Contacts with ends drawn day by day from the planted hazards; followed for 40 to 120 days."""
    contact, gate = np.arange(n), rng.random(n) < 0.25
    last, staff = rng.integers(40, 121, n), rng.integers(0, n_staff, n)
    factor = np.exp(staff_spread * rng.standard_normal(n_staff))
    tenure, door = last.copy(), np.full(n, "", dtype="U8")
    for day in range(121):
        open_now = (door == "") & (last >= day)
        hazard = daily_hazard(contact, np.full(n, day), gate=gate) * factor[staff]
        luck = rng.random(n)
        for name, ends in (("customer", luck < hazard), ("staff", (luck >= hazard) & (luck < hazard + STAFF_HAZARD))):
            door[open_now & ends] = name
            tenure[open_now & ends] = day
    frame = pd.DataFrame(
        {
            "added_on": pd.Timestamp("2026-01-01"),
            "door": pd.Series(door, dtype="string").mask(door == ""),
            "deleted_hour": np.where(door == "", np.nan, 12.0),
            "entry_days": 0,
            "tenure_days": tenure,
            "source_state": pd.array(np.where(gate, "gate", "counter"), dtype="string"),
            "staff_id": pd.array(np.char.add("s", staff.astype(str)), dtype="string"),
        }
    )
    return frame, factor


def with_covariates(contacts, **sampling):
    days = sample_days(contacts, horizon_days=30, **sampling)
    at = days["contact"].to_numpy()
    count = touched(at, days["tenure_days"].to_numpy())
    windows = {f"n_received_{w}d__private_chat": count for w in (2, 7, 28)}
    return days.assign(
        source_state=contacts["source_state"].to_numpy()[at], staff_id=contacts["staff_id"].to_numpy()[at], **windows
    )


def terms_of(days):
    return hazard_terms(days, door="customer", channels=["private_chat"], forecast=False)


@pytest.fixture(scope="module")
def cohorts():
    """A hundred cohorts with the model of each, fitted to 1 % of the days without an event and half of the events."""
    rng, fits = np.random.default_rng(1), []
    for seed in range(100):
        contacts, _ = planted(rng)
        days = with_covariates(contacts, seed=seed, days_per_stretch=700, most_events=400)
        fits.append((contacts, days, fit_hazard(days, door="customer", terms=terms_of(days), by_staff=True)))
    return fits


def test_95_percent_intervals_of_ratios_cover_planted_hazards_in_100_sampled_cohorts(cohorts):
    inside, estimates = dict.fromkeys(LOG_RATIOS, 0), []
    for _, days, model in cohorts:
        found = hazard_ratios(model, days=days).set_index("covariate")
        for term, planted_ratio in LOG_RATIOS.items():
            row = found.loc[term]
            inside[term] += int(row["hazard_ratio_ci_lower"] <= np.exp(planted_ratio) <= row["hazard_ratio_ci_upper"])
        estimates.append(np.log(found.loc[list(LOG_RATIOS), "hazard_ratio"]))
    assert all(89 <= n <= 99 for n in inside.values()), inside
    assert np.mean(estimates, axis=0) == pytest.approx(list(LOG_RATIOS.values()), abs=0.05)


def test_the_sandwich_over_staff_covers_like_the_information_where_staff_do_not_differ(cohorts):
    inside = []
    for _, days, _ in cohorts[:40]:
        model = fit_hazard(days, door="customer", terms=terms_of(days), by_staff=False)
        rows = hazard_ratios(model, days=days).set_index("covariate").loc[list(LOG_RATIOS)]
        known = np.exp(list(LOG_RATIOS.values()))
        inside.append((rows["hazard_ratio_ci_lower"] <= known) & (known <= rows["hazard_ratio_ci_upper"]))
    assert 0.87 <= np.mean(inside) <= 0.99  # twelve clusters make it a little thin


def test_the_models_incidence_and_its_interval_agree_with_the_planted_one(cohorts):
    contact, asked = np.arange(2_500), np.array([7, 30, 90])
    gone = {}
    for gate in (True, False):
        still, value, path = np.ones(2_500), np.zeros(2_500), []
        for day in range(91):
            hazard = daily_hazard(contact, np.full(2_500, day), gate=gate)
            value = value + still * hazard
            still = still * (1 - hazard - STAFF_HAZARD)
            path.append(value.mean())
        gone[gate] = np.array(path)[asked]
    known = 0.25 * gone[True] + 0.75 * gone[False]
    inside, inside_gate = [], []
    for contacts, days, model in cohorts[:50]:
        args = {"hazards": tenure_hazards(contacts), "days": thinned_days(days, seed=1), "tenure_days": asked.tolist()}
        curve = model_incidence(model, **args)
        inside.append((curve.ci_lower <= known) & (known <= curve.ci_upper))
        at_gate = model_incidence(model, **args, source="gate")
        inside_gate.append((at_gate.ci_lower <= gone[True]) & (gone[True] <= at_gate.ci_upper))
    assert np.mean(inside, axis=0).min() >= 0.89  # sampled events know their own number: a little too careful
    assert np.mean(inside_gate, axis=0).min() >= 0.89


def test_model_and_observation_tell_the_same_incidence(cohorts):
    contacts, days, model = cohorts[0]
    observed = cumulative_incidence(life_table(contacts, doors=("customer", "staff")), door=0)
    asked = [7, 14, 30, 60]
    drawn = thinned_days(days, seed=1)
    curve = model_incidence(model, hazards=tenure_hazards(contacts), days=drawn, tenure_days=asked)
    assert curve.value == pytest.approx(observed.value[asked], abs=0.02)


def test_a_sample_of_days_gives_the_ratios_of_all_days():
    contacts, _ = planted(np.random.default_rng(2), n=4_000)
    everything = with_covariates(contacts, seed=1, days_per_stretch=10**9, most_events=10**9)
    sampled = with_covariates(contacts, seed=1, days_per_stretch=2_000)
    assert everything["weight"].eq(1.0).all()
    assert sampled["weight"].sum() == pytest.approx(len(everything), rel=1e-9)
    both = [fit_hazard(days, door="customer", terms=terms_of(everything)) for days in (everything, sampled)]
    assert both[1].coefficient == pytest.approx(both[0].coefficient, abs=0.25)
    tenure = [place for place, term in enumerate(both[0].terms) if term.startswith("tenure:")]
    assert np.mean(both[1].coefficient[tenure] - both[0].coefficient[tenure]) == pytest.approx(0.0, abs=0.08)


def test_sampling_does_not_depend_on_anything_but_contacts_and_seed():
    contacts, _ = planted(np.random.default_rng(3), n=400)
    first, again = (with_covariates(contacts, seed=5, days_per_stretch=100) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["contact"].equals(with_covariates(contacts, seed=6, days_per_stretch=100)["contact"])


def test_days_a_contact_was_not_looked_at_are_never_sampled():
    contacts, _ = planted(np.random.default_rng(4), n=500)
    late = contacts.assign(entry_days=20)
    days = sample_days(late, horizon_days=30, seed=1)
    assert days["tenure_days"].min() == 20
    assert (days["door"] == 1).sum() == ((late["door"] == "customer") & (late["tenure_days"] >= 20)).sum()


def test_days_before_reach_back_to_the_adding_and_no_further_than_the_horizon():
    contacts, _ = planted(np.random.default_rng(5), n=500)
    days = sample_days(contacts, horizon_days=30, seed=1)
    reach = np.minimum(days["tenure_days"], 30)
    assert (days["days_before"] <= reach).all()
    assert (days.loc[reach > 0, "days_before"] > 0).all()
    assert days["days_before"].max() == 30


def test_members_of_staff_who_lose_more_are_found_and_shrunk():
    contacts, factor = planted(np.random.default_rng(6), n=8_000, staff_spread=0.6, n_staff=20)
    days = with_covariates(contacts, seed=1)
    model = fit_hazard(days, door="customer", terms=terms_of(days), by_staff=True)
    found = np.array([model.staff[f"s{n}"] for n in range(20)])
    assert np.corrcoef(np.log(found), np.log(factor))[0, 1] > 0.95
    assert np.sqrt(model.staff_variance) == pytest.approx(np.std(factor / factor.mean()), abs=0.2)


def test_without_differences_between_staff_their_factors_shrink_to_one():
    effect, variance = staff_effects(np.random.default_rng(7).poisson(50.0, 40), np.full(40, 50.0))
    assert variance < 0.01
    assert effect == pytest.approx(np.ones(40), abs=0.12)


def test_a_channel_that_reaches_nobody_and_a_tiny_source_get_no_term():
    contacts, _ = planted(np.random.default_rng(8), n=600)
    contacts.loc[:4, "source_state"] = "rare"
    days = with_covariates(contacts, seed=1).assign(n_received_2d__sms=0, n_received_7d__sms=0, n_received_28d__sms=0)
    terms = hazard_terms(days, door="customer", channels=["private_chat", "sms"], forecast=False)
    assert not [term for term in terms if "sms" in term or "rare" in term]
    assert "source_later:counter" not in terms  # the largest is what the others are measured against


def test_two_channels_that_always_go_together_share_their_ratio_and_stop_nothing():
    contacts, _ = planted(np.random.default_rng(9), n=1_500)
    days = with_covariates(contacts, seed=1)
    twin = {f"n_received_{w}d__twin": days[f"n_received_{w}d__private_chat"] for w in (2, 7, 28)}
    days = days.assign(**twin)
    terms = hazard_terms(days, door="customer", channels=["private_chat", "twin"], forecast=False)
    model = fit_hazard(days, door="customer", terms=terms)
    of = dict(zip(model.terms, model.coefficient, strict=True))
    assert of["touches_2d:private_chat"] == pytest.approx(of["touches_2d:twin"], abs=1e-6)
    assert 2 * of["touches_2d:twin"] == pytest.approx(np.log(4), abs=0.3)


def test_a_model_survives_being_written_down_as_plain_values():
    import json

    contacts, _ = planted(np.random.default_rng(10), n=800)
    days = with_covariates(contacts, seed=1)
    model = fit_hazard(days, door="customer", terms=terms_of(days), by_staff=True)
    again = as_model(json.loads(json.dumps(as_plain(model))))
    assert again.log_odds(days) == pytest.approx(model.log_odds(days))
    assert again.terms == model.terms


def test_stretches_of_tenure_do_not_overlap_and_leave_no_day_out():
    contacts, _ = planted(np.random.default_rng(11), n=800)
    days = with_covariates(contacts, seed=1)
    tenure = [term for term in terms_of(days) if term.startswith("tenure:")]
    assert (design(days, terms=tenure).sum(axis=1) == 1).all()
