"""Chances of deletion: exact under planted hazards, by tenure and by the full model; and the verdict on them."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.evaluation import FEWEST_EVENTS
from analysis.churn.relationship import wording
from analysis.churn.relationship.forecast import (
    TenureHazards,
    at_least_one,
    p_delete_by_model,
    p_delete_by_tenure,
    tenure_hazards,
)
from analysis.churn.relationship.hazards import HazardModel
from analysis.churn.relationship.judging import Verdict, drift_of_levels, judge
from analysis.churn.relationship.person_days import TENURE_STARTS

FLAT = TenureHazards(np.full(len(TENURE_STARTS), 0.01), np.full(len(TENURE_STARTS), 0.002), 100)


def test_under_a_flat_hazard_the_chance_is_the_geometric_sum():
    found = p_delete_by_tenure(np.array([0, 50]), hazards=FLAT, horizon_days=30)
    assert found == pytest.approx([0.01 * (1 - 0.988**30) / 0.012] * 2)


def test_a_new_contact_walks_through_the_days_ahead_and_not_through_those_behind():
    early = np.zeros(len(TENURE_STARTS))
    early[1] = 0.1  # days 2 and 3 of tenure
    hazards = TenureHazards(early, np.zeros(len(TENURE_STARTS)), 10)
    found = p_delete_by_tenure(np.array([0, 1, 2, 3]), hazards=hazards, horizon_days=10)
    assert found == pytest.approx([0.19, 0.19, 0.1, 0.0])


def test_tenure_hazards_are_events_over_days_drawn_towards_their_mean():
    people = pd.DataFrame(
        {"entry_days": 0, "tenure_days": [0] * 40 + [100] * 60, "door": ["customer"] * 40 + [None] * 60}
    )
    found = tenure_hazards(people)
    assert found.n_events == 40
    assert found.customer[0] < 40 / 160
    assert found.customer[0] == pytest.approx(40 / 160, rel=0.25)  # 100 contacts on day 0, 60 on day 1
    assert 0 < found.customer[-1] < 0.05  # nobody has come so far; no stretch is without risk


def simple_model(**of):
    terms = ("tenure:0", *of)
    values = np.array([np.log(0.01 / 0.99), *of.values()])
    return HazardModel("customer", terms, values, np.eye(len(terms)), {"s1": 2.0, "s2": 1.0}, 0.1, 100, 1_000)


def open_contacts(**columns):
    base = {"tenure_days": [400, 400], "source_state": "a", "staff_id": "s2"}
    touches = {f"n_received_{w}d__sms": 0 for w in (2, 7, 28)}
    return pd.DataFrame({**base, **touches, **columns})


def test_the_full_model_without_effects_gives_the_chance_by_tenure():
    found = p_delete_by_model(open_contacts(), model=simple_model(), hazards=FLAT, horizon_days=30)
    assert found == pytest.approx(p_delete_by_tenure(np.array([400, 400]), hazards=FLAT, horizon_days=30))


def test_touches_staff_and_source_each_raise_the_chance_as_their_ratio_says():
    model = simple_model(**{"touches_7d:sms": np.log(3.0), "source_later:b": np.log(2.0)})
    odds = 0.01 / 0.99

    def chance(ratio):
        hazard = odds * ratio / (1 + odds * ratio)
        return hazard * (1 - (1 - hazard - 0.002) ** 30) / (hazard + 0.002)

    contacts = open_contacts(n_received_7d__sms=[1, 0], n_received_28d__sms=[1, 0], source_state=["a", "b"])
    assert p_delete_by_model(contacts, model=model, hazards=FLAT, horizon_days=30) == pytest.approx(
        [chance(3.0), chance(2.0)]
    )
    by_staff = p_delete_by_model(open_contacts(staff_id=["s1", "new"]), model=model, hazards=FLAT, horizon_days=30)
    assert by_staff == pytest.approx([chance(2.0), chance(1.0)])


def test_what_matters_soon_matters_for_a_week():
    model = simple_model(soon=np.log(5.0))
    odds = 0.01 / 0.99
    soon = odds * 5 / (1 + odds * 5)
    week = p_delete_by_model(open_contacts(), model=model, hazards=FLAT, horizon_days=7)
    assert week == pytest.approx([soon * (1 - (1 - soon - 0.002) ** 7) / (soon + 0.002)] * 2)
    longer = p_delete_by_model(open_contacts(), model=model, hazards=FLAT, horizon_days=8)
    assert longer - week == pytest.approx([(1 - soon - 0.002) ** 7 * 0.01] * 2)


def test_the_first_weeks_ratio_of_a_source_ends_with_the_first_week():
    model = simple_model(**{"source_first_week:b": np.log(4.0)})
    contacts = open_contacts(tenure_days=[5, 7], source_state="b")
    found = p_delete_by_model(contacts, model=model, hazards=FLAT, horizon_days=1)
    assert found == pytest.approx([4 * 0.01 / (0.99 + 0.04), 0.01])


def test_a_customer_with_two_contacts_deletes_at_least_one_unless_both_stay():
    contacts = pd.DataFrame({"customer_id": ["b", "a", "a"]})
    found = at_least_one(contacts, np.array([0.3, 0.1, 0.2]))
    assert found["customer_id"].tolist() == ["a", "b"]
    assert found["p_delete"].tolist() == pytest.approx([1 - 0.9 * 0.8, 0.3])
    assert found["n_open_contacts"].tolist() == [2, 1]
    assert at_least_one(contacts.head(0), np.array([])).empty


def judged(rng, *, n=40_000, model=None, baseline=None):
    truth = 1 / (1 + np.exp(-(-3.0 + rng.standard_normal(n))))
    mean = np.full(n, truth.mean()) * np.exp(0.05 * rng.standard_normal(n))
    columns = {
        "p_model": truth if model is None else model(truth),
        "p_baseline": mean if baseline is None else baseline(mean),
    }
    return pd.DataFrame({"deleted": (rng.random(n) < truth).astype(float), **columns})


def verdict(frame, **counts):
    return judge(frame, seed=1, **{"n_recorded": 10_000, "n_learnt": 5_000, **counts})


def test_a_model_that_holds_is_used_and_one_that_ranks_nobody_says_so():
    found = verdict(judged(np.random.default_rng(1)))
    assert (found.verdict, found.failed, found.ranks) == (Verdict.MODEL, (), True)
    noise = judged(np.random.default_rng(2), model=lambda p: np.full(len(p), p.mean()), baseline=lambda p: p * 1.4)
    weak = verdict(noise.assign(p_model=noise["p_model"] * np.exp(1e-3 * np.arange(len(noise)) / len(noise))))
    assert not weak.ranks


def test_a_model_that_exaggerates_gives_way_to_tenure_alone():
    found = verdict(judged(np.random.default_rng(3), model=lambda p: np.clip(p**2 / p.mean(), 0, 1)))
    assert found.verdict is Verdict.TENURE
    assert "calibration_slope" in found.failed


def test_where_both_levels_are_off_contacts_are_only_ranked():
    off = judged(np.random.default_rng(4), model=lambda p: np.clip(2 * p, 0, 1), baseline=lambda p: p + 0.05)
    assert verdict(off).verdict is Verdict.LEVEL_OFF


def test_too_few_deletions_are_not_judged_and_none_at_all_give_no_chances():
    frame = judged(np.random.default_rng(5), n=2_000)
    assert frame["deleted"].sum() < FEWEST_EVENTS
    assert verdict(frame).verdict is Verdict.TOO_FEW
    assert verdict(judged(np.random.default_rng(6)), n_learnt=FEWEST_EVENTS - 1).verdict is Verdict.TOO_FEW
    assert verdict(frame, n_recorded=0).verdict is Verdict.NONE_RECORDED


def test_every_verdict_has_words_in_both_languages():
    for each in Verdict:
        said = [wording.claim(each), wording.FORECASTS[each]]
        assert all(text["zh"] and text["en"] for text in said)
        assert set(wording.detail(each, failed=("beats_baseline",), ranks=False)) == {"zh", "en"}


def test_drift_is_how_far_past_windows_fell_from_what_was_foretold():
    drift = drift_of_levels(pd.Series([110.0, 90.0]), pd.Series([100.0, 100.0]))
    assert drift is not None
    assert drift.n_moves == 2
    assert drift.deviation == pytest.approx(0.1, abs=0.01)
    nothing = pd.Series(np.zeros(0))
    assert drift_of_levels(nothing, nothing) is None
