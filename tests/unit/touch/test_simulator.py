"""The simulator: conservation, common luck, caps, absorbing losses, and the forecast it must not bend."""

from datetime import date

import numpy as np
import pytest

from analysis.errors import AnalysisError, BookError
from analysis.touch import simulator
from analysis.touch.effects import central_effects, draw_effects, no_effects
from analysis.touch.money import LEDGER, MONTH_DAYS, entry, profit
from analysis.touch.policies import CapRule
from analysis.touch.summary import increments

WEEKLY = {"channel": "private_chat", "template": "promotion", "trigger": {"every_days": 7}}
OFFER = {"discount_share": 0.2, "valid_days": 7}


def last(outcome, strategy, name):
    """Totals of an entry at the horizon, one per replicate."""
    return outcome.totals[outcome.strategies.index(strategy), -1, :, entry(name)]


def test_with_all_effects_zero_every_strategy_has_exactly_the_orders_of_no_touch(shop, plans, run):
    strategies = plans(weekly=[WEEKLY], offers=[{**WEEKLY, "offer": OFFER}], past={"as_history": True})
    outcome = run(shop(history=0.05), strategies, effects=no_effects())
    for name in strategies.strategies[1:]:
        assert np.array_equal(last(outcome, name.name, "orders"), last(outcome, "no_touch", "orders"))
        assert np.array_equal(last(outcome, name.name, "repurchasers"), last(outcome, "no_touch", "repurchasers"))
        assert last(outcome, name.name, "read").min() > 0


def test_with_all_effects_zero_orders_are_those_the_clock_forecasts(shop, plans, run):
    customers = shop(300, p_alive=1.0, dropout_a=1e-9, dropout_b=1e3)
    outcome = run(customers, plans(weekly=[WEEKLY]), effects=no_effects(), lanes_per_draw=200)
    forecast = 60 * (customers["rate_shape"] / customers["rate_days"]).sum()
    orders = last(outcome, "weekly", "orders")
    assert abs(orders.mean() - forecast) < 3 * orders.std(ddof=1) / np.sqrt(len(orders))


def test_dropout_after_each_purchase_lowers_orders_as_its_closed_form_says(shop, plans, run):
    # Geometric with chance p per purchase: of a Poisson number N of purchases E[(1 - (1-p)^N) / p] happen.
    customers = shop(400, p_alive=1.0, rate_shape=1e6, rate_days=1e6 / 0.1, dropout_a=3e5, dropout_b=7e5)
    outcome = run(customers, plans(weekly=[WEEKLY]), effects=no_effects(), lanes_per_draw=100)
    expected = 400 * (1 - np.exp(-0.3 * 0.1 * 60)) / 0.3
    orders = last(outcome, "no_touch", "orders")
    assert abs(orders.mean() - expected) < 3 * orders.std(ddof=1) / np.sqrt(len(orders))


def test_profit_is_the_sum_of_its_ledger_and_the_ledger_follows_from_the_counts(shop, plans, run):
    plan = {"steps": [{**WEEKLY, "offer": OFFER}], "fixed_monthly_cost": 300.0}
    outcome = run(shop(order_value=100.0), plans(weekly=plan))
    totals = outcome.totals[1, -1]
    booked = {name: totals[:, entry(name)] for name in LEDGER}
    assert np.allclose(profit(totals), sum(booked.values()))
    assert np.allclose(booked["margin"], 50 * totals[:, entry("orders")])
    assert np.allclose(booked["coupons"], -20 * totals[:, entry("redeemed")])
    assert np.allclose(booked["touch_costs"], -0.02 * totals[:, entry("delivered")])
    assert np.allclose(booked["staff_costs"], -40 / 60 * totals[:, entry("staff_minutes")])
    assert np.allclose(totals[:, entry("staff_minutes")], 0.5 * totals[:, entry("confirmed")])
    assert np.allclose(booked["fixed_costs"], -300 * 60 / MONTH_DAYS)
    assert booked["lost_contacts"].mean() < 0


def test_every_order_is_an_own_order_kept_or_an_extra_one(shop, plans, run):
    effects = {**no_effects(), "gain_days": np.array([3.0]), "pull_forward": np.array([0.5])}
    outcome = run(shop(), plans(weekly=[WEEKLY]), effects=effects)
    extra, borrowed = last(outcome, "weekly", "extra_orders"), last(outcome, "weekly", "borrowed_orders")
    gained = last(outcome, "weekly", "orders") - last(outcome, "no_touch", "orders")
    assert np.all(gained <= extra)
    assert np.all(gained >= extra - borrowed)
    assert 0.4 < borrowed.sum() / extra.sum() < 0.6


def test_no_touch_books_nothing_but_its_margin(shop, plans, run):
    totals = run(shop(), plans(weekly=[WEEKLY])).totals[0, -1]
    assert np.allclose(profit(totals), totals[:, entry("margin")])
    assert totals[:, entry("assigned")].sum() == 0


def test_as_history_earns_the_orders_that_the_clock_forecasts(shop, plans, run):
    # The clock was fitted on touched history: its forecast is the status quo, and no_touch lies below it.
    customers = shop(600, history=0.1, p_alive=1.0, dropout_a=1e-9, dropout_b=1e3, is_contact=True)
    effects = {"gain_days": np.array([1.5]), "deletion_touch": np.zeros(1), "deletion_baseline": np.zeros(1)}
    effects = {**no_effects(), **effects, "fatigue_response": np.array([0.1])}
    effects |= {"confirm_rate": np.array([0.8]), "pull_forward": np.array([0.3])}
    outcome = run(customers, plans(past={"as_history": True}), effects=effects, lanes_per_draw=400, horizon_days=90)
    forecast = 90 * (customers["rate_shape"] / customers["rate_days"]).sum()
    status_quo, untouched = (last(outcome, name, "orders").mean() for name in ("past", "no_touch"))
    assert status_quo == pytest.approx(forecast, rel=0.01)
    assert untouched < 0.97 * forecast


def test_more_gain_per_touch_never_loses_an_order(shop, plans, run, priors):
    weak, strong = (
        run(shop(), plans(weekly=[WEEKLY]), effects={**central_effects(priors), "gain_days": np.array([gain])})
        for gain in (0.5, 2.0)
    )
    assert np.all(last(strong, "weekly", "extra_orders") > last(weak, "weekly", "extra_orders"))


def test_more_messages_lower_the_read_share_and_raise_deletions(shop, plans, run):
    steps = {f"every_{days}": [{**WEEKLY, "trigger": {"every_days": days}}] for days in (14, 7, 3, 1)}
    outcome = run(shop(2000), plans(**steps))
    share = [last(outcome, n, "read").sum() / last(outcome, n, "delivered").sum() for n in steps]
    deleted = [last(outcome, n, "deletions").mean() for n in steps]
    assert share == sorted(share, reverse=True)
    assert deleted == sorted(deleted)


def test_service_keeps_more_contacts_than_promotion(shop, plans, run):
    service = {**WEEKLY, "template": "service"}
    outcome = run(shop(3000), plans(service=[service], promotion=[WEEKLY]), lanes_per_draw=20, horizon_days=180)
    assert last(outcome, "service", "deletions").mean() < last(outcome, "promotion", "deletions").mean()


def test_who_is_no_contact_gets_no_private_message_but_may_get_a_text(shop, plans, run):
    sms = {**WEEKLY, "channel": "sms"}
    outcome = run(shop(is_contact=False), plans(chat=[WEEKLY], text=[sms]))
    assert last(outcome, "chat", "assigned").sum() == 0
    assert last(outcome, "text", "assigned").sum() > 0


def test_a_deleted_contact_is_touched_no_more(shop, plans, run, priors):
    effects = {**central_effects(priors), "deletion_touch": np.array([50.0]), "confirm_rate": np.array([1.0])}
    outcome = run(shop(is_contact=True), plans(weekly=[WEEKLY]), effects=effects)
    assert np.all(last(outcome, "weekly", "delivered") <= 600)
    assert np.all(last(outcome, "weekly", "deletions") == 600)


def cap(**changed):
    return CapRule(**{"name": "c", "channels": ["private_chat"], "window": "calendar_month", "source": "t", **changed})


@pytest.mark.parametrize("limit", [1, 3])
def test_no_customer_month_exceeds_the_cap(shop, plans, run, priors, limit):
    never = ("deletion_touch", "deletion_baseline", "refusal_touch")
    effects = {**central_effects(priors), **{name: np.zeros(1) for name in never}, "confirm_rate": np.ones(1)}
    daily = {**WEEKLY, "trigger": {"every_days": 1}}
    outcome = run(
        shop(50, is_contact=True), plans(daily=[daily]), effects=effects, caps=(cap(limit=limit),), horizon_days=61
    )  # 1 July to 30 August: two calendar months
    assert np.all(last(outcome, "daily", "delivered") == 50 * 2 * limit)


def test_the_historic_four_a_month_lowers_sends_and_deletions(shop, plans, run):
    often = plans(often=[{**WEEKLY, "trigger": {"every_days": 2}}])
    days, four = (run(shop(2000), often, caps=(cap(limit=n),)) for n in ("days_in_month", 4))
    assert np.all(last(four, "often", "delivered") < last(days, "often", "delivered"))
    assert last(four, "often", "deletions").mean() < last(days, "often", "deletions").mean()


def test_channels_of_one_rule_share_its_limit(shop, plans, run):
    steps = [WEEKLY, {**WEEKLY, "channel": "group"}]
    rule = cap(limit=1, window="day", channels=["private_chat", "group"])
    outcome = run(shop(100, is_contact=True), plans(both=steps), caps=(rule,), horizon_days=1)
    assert np.all(last(outcome, "both", "delivered") <= 100)
    assert np.all(last(outcome, "both", "assigned") == 200)


def test_cooldown_monthly_limit_and_holdout_hold(shop, plans, run):
    daily = {**WEEKLY, "channel": "sms", "trigger": {"every_days": 1}}
    strategies = plans(
        rest=[{**daily, "cooldown_days": 10}],
        twice=[{**daily, "max_per_month": 2}],
        half={"steps": [daily], "holdout_share": 0.5},
        all=[daily],
    )
    outcome = run(shop(200), strategies, effects=no_effects(), horizon_days=31)  # July
    assert np.all(last(outcome, "rest", "assigned") == 200 * 4)
    assert np.all(last(outcome, "twice", "assigned") == 200 * 2)
    assert last(outcome, "half", "assigned").mean() == pytest.approx(200 * 31 / 2, rel=0.1)
    assert np.all(last(outcome, "all", "assigned") == 200 * 31)


def test_a_budget_is_not_exceeded_and_goes_to_the_best_customers_first(shop, plans, run):
    step = {**WEEKLY, "channel": "sms", "trigger": {"every_days": 1}}
    outcome = run(
        shop(200), plans(poor={"steps": [step], "budget_per_month": 5.0}), effects=no_effects(), horizon_days=31
    )
    assert np.all(last(outcome, "poor", "touch_costs") == pytest.approx(-5.0))


def test_need_window_waits_for_the_customers_own_gap(shop, plans, run):
    step = {**WEEKLY, "channel": "sms", "trigger": {"every_days": 1, "need_window": (1.0, 1.5)}}
    just_bought = shop(100, p_alive=0.0, rate_shape=1.0, rate_days=40.0, days_since_last_order=1.0)
    outcome = run(just_bought, plans(need=[step]), effects=no_effects(), horizon_days=30)
    assert last(outcome, "need", "assigned").sum() == 0
    later = run(just_bought, plans(need=[step]), effects=no_effects(), horizon_days=60)
    assert np.all(last(later, "need", "assigned") == 100 * 21)  # gap days 40 … 60


def test_same_seed_same_numbers_whatever_the_slices_and_threads(shop, plans, run, priors, monkeypatch):
    budget = {"steps": [{**WEEKLY, "offer": OFFER}], "budget_per_month": 500.0}
    strategies = plans(weekly=[{**WEEKLY, "offer": OFFER}], poor=budget, past={"as_history": True})
    settings = {"effects": draw_effects(priors, draws=45, seed=3), "lanes_per_draw": 2}
    customers = shop(history=0.03)
    whole = run(customers, strategies, **settings)
    threaded = run(customers, strategies, **settings, threads=2)
    assert np.array_equal(whole.totals, threaded.totals)
    monkeypatch.setattr(simulator, "_SLICE_SECONDS", 1e-9)
    assert np.array_equal(whole.totals, run(customers, strategies, **settings).totals)
    assert not np.array_equal(whole.totals, run(customers, strategies, **settings, seed=8).totals)


def test_too_little_room_for_moments_grows_and_changes_nothing(shop, plans, run, monkeypatch):
    whole = run(shop(50), plans(weekly=[WEEKLY]))
    monkeypatch.setattr(simulator, "_FIRST_MOMENTS", 4)
    assert np.array_equal(whole.totals, run(shop(50), plans(weekly=[WEEKLY])).totals)


def test_the_order_of_the_rows_does_not_matter(shop, plans, run):
    customers = shop(history=0.03)
    shuffled = customers.sample(frac=1, random_state=0)
    strategies = plans(weekly=[WEEKLY])
    assert np.array_equal(run(customers, strategies).totals, run(shuffled, strategies).totals)


def test_more_replicates_add_futures_and_change_none(shop, plans, run, priors):
    few, many = (
        run(shop(), plans(weekly=[WEEKLY]), effects=draw_effects(priors, draws=d, seed=3), lanes_per_draw=2)
        for d in (3, 5)
    )
    assert np.array_equal(few.totals, many.totals[:, :, :6])


def test_adding_a_strategy_changes_no_other(shop, plans, run):
    one = run(shop(), plans(weekly=[WEEKLY]))
    two = run(shop(), plans(group=[{**WEEKLY, "channel": "group"}], weekly=[WEEKLY]))
    assert np.array_equal(one.totals[1], two.totals[2])


def test_a_sample_scaled_up_means_the_same_as_everyone(shop, plans, run):
    customers, strategies = shop(3000), plans(weekly=[WEEKLY])
    everyone = increments(run(customers, strategies, sample_customers=3000, lanes_per_draw=60))["incremental_orders"][1]
    sampled = increments(run(customers, strategies, sample_customers=600, lanes_per_draw=60))["incremental_orders"][1]
    error = np.hypot(everyone.std(ddof=1), sampled.std(ddof=1)) / np.sqrt(60)
    assert abs(everyone.mean() - sampled.mean()) < 3 * error
    assert 2 < sampled.var(ddof=1) / everyone.var(ddof=1) < 12  # luck of 600 scaled to 3000: about 5 times


def test_totals_only_grow_from_checkpoint_to_checkpoint(shop, plans, run):
    outcome = run(shop(), plans(weekly=[WEEKLY]), checkpoints=(14, 30))
    assert outcome.checkpoints == (14, 30, 60)
    for name in ("orders", "delivered", "repurchasers", "deletions"):
        assert np.all(np.diff(outcome.totals[..., entry(name)], axis=1) >= 0)


def test_an_unregistered_channel_is_refused_with_the_registered_ones(shop, plans, run):
    with pytest.raises(BookError, match="registered are group, private_chat, sms"):
        run(shop(), plans(weekly=[{**WEEKLY, "channel": "pigeon"}]))


def test_a_table_without_its_clock_is_refused(shop, plans, run):
    with pytest.raises(AnalysisError, match="rate_shape"):
        run(shop().drop(columns="rate_shape"), plans(weekly=[WEEKLY]))


def test_an_empty_shop_is_refused(shop, plans, run):
    with pytest.raises(AnalysisError, match="no customer"):
        run(shop().head(0), plans(weekly=[WEEKLY]))


def test_the_first_day_simulated_is_the_day_after_as_of(shop, plans, run):
    thursday = {**WEEKLY, "channel": "sms", "trigger": {"weekdays": ["thursday"]}}
    outcome = run(shop(100), plans(weekly=[thursday]), as_of=date(2026, 6, 30), horizon_days=2)  # Wed, Thu
    assert np.all(last(outcome, "weekly", "assigned") == 100)
