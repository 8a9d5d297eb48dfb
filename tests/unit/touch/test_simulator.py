"""The simulator: conservation, common luck, caps, absorbing losses, and the forecast it must not bend."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError, BookError
from analysis.touch import simulator
from analysis.touch.effects import central_effects, draw_effects, no_effects
from analysis.touch.money import LEDGER, MONTH_DAYS, entry, profit
from analysis.touch.policies import CapRule
from analysis.touch.population import drawn_by_value
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


def test_customers_drawn_by_value_stand_for_all_and_their_totals_are_those_of_all(shop, plans, run):
    customers = shop(3000)
    strategies = plans(weekly=[{**WEEKLY, "template": "content"}])
    drawn = drawn_by_value(customers, n=1500, seed=4)
    assert len(drawn) == drawn["customer_id"].nunique() == 1500
    assert drawn["stands_for"].sum() == pytest.approx(3000)
    whole, part = (run(table, strategies, sample_customers=600, lanes_per_draw=60) for table in (customers, drawn))
    assert part.n_customers == whole.n_customers == 3000
    everyone, found = (increments(outcome)["incremental_orders"][1] for outcome in (whole, part))
    assert abs(found.mean() - everyone.mean()) < 4 * np.hypot(*(x.std(ddof=1) / np.sqrt(60) for x in (everyone, found)))


def test_forty_replicates_share_the_customers_they_draw_where_these_are_drawn_already_and_enough(
    shop, plans, run, monkeypatch
):
    customers, strategies = shop(400, tier=np.arange(400) % 12), plans(weekly=[WEEKLY])
    drawn = customers.assign(stands_for=1.5)
    for table, enough, alike in ((drawn, 10, True), (drawn, 11, False), (customers, 10, False)):
        monkeypatch.setattr(simulator, "_ENOUGH_DRAWN", enough)  # two groups draw five each
        outcome = run(table, strategies, sample_customers=5, lanes_per_draw=80, segment_by="tier")
        ordered = outcome.by_segment[:, 0, -1, :, entry("orders")] > 0
        for group in (ordered[:, :40], ordered[:, 40:]):
            assert (group.any(axis=1).sum() <= 5) == alike  # tiers of customers of which anybody ordered


def test_customers_drawn_by_value_are_as_valuable_as_all_and_everybody_may_be_drawn(shop):
    customers = shop(1000)
    value = customers["orders_next_year"] * customers["order_value"]
    drawn = [drawn_by_value(customers, n=100, seed=seed) for seed in range(40)]
    mean = [float((table["orders_next_year"] * table["order_value"]).mean()) for table in drawn]
    assert np.std(mean) < 0.2 * value.std() / np.sqrt(100)  # a plain draw of as many would scatter five times as far
    assert np.mean(mean) == pytest.approx(value.mean(), rel=0.01)
    assert len(set().union(*(table["customer_id"] for table in drawn))) > 950


def test_a_sampled_row_of_several_customers_keeps_their_audiences_and_segments_apart(shop, plans, run):
    gold = np.arange(90) % 2 == 1
    customers = shop(90, p_alive=np.where(gold, 1.0, 0.0), refuses_sms=~gold * 1.0, tier=np.where(gold, "gold", "new"))
    step = {**WEEKLY, "channel": "sms"}
    chosen = [{**step, "audience": [{"column": "tier", "op": "==", "value": "gold"}]}]
    outcome = run(
        customers,
        plans(chosen=chosen, accepting=[step]),
        effects=no_effects(),
        segment_by="tier",
        sample_customers=30,
        lanes_per_draw=80,
    )
    assert np.array_equal(last(outcome, "chosen", "assigned"), last(outcome, "accepting", "assigned"))
    orders = outcome.by_segment[:, 0, -1, :, entry("orders")].sum(axis=1)
    assert orders[outcome.segments.index("new")] == 0 < orders[outcome.segments.index("gold")]


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


def test_common_luck_makes_a_difference_sharper_than_two_lives_of_their_own(shop, plans, run):
    strategies = plans(weekly=[WEEKLY], sms=[{**WEEKLY, "channel": "sms"}])
    outcome = run(shop(400), strategies, lanes_per_draw=120)
    weekly, sms = last(outcome, "weekly", "orders"), last(outcome, "sms", "orders")
    assert (weekly - sms).var(ddof=1) < 0.5 * (weekly.var(ddof=1) + sms.var(ddof=1))


def test_segments_add_up_to_everything(shop, plans, run):
    customers = shop(500)
    customers["tier"] = np.where(customers["n_orders"] > 3, "gold", "new")
    plan = {"steps": [WEEKLY], "fixed_monthly_cost": 90.0}
    outcome = run(customers, plans(weekly=plan), segment_by="tier", checkpoints=(30,))
    assert set(outcome.segments) == {"gold", "new"}
    fixed = entry("fixed_costs")
    together = outcome.by_segment.sum(axis=0)
    assert np.allclose(np.delete(together, fixed, axis=-1), np.delete(outcome.totals, fixed, axis=-1))
    plain = run(customers, plans(weekly=plan), checkpoints=(30,))
    assert np.allclose(plain.totals, outcome.totals)
    gold = run(customers[customers["tier"] == "gold"], plans(weekly=plan), checkpoints=(30,))
    at = outcome.segments.index("gold")
    assert np.allclose(np.delete(outcome.by_segment[at], fixed, -1), np.delete(gold.totals, fixed, -1), rtol=1e-5)


def test_a_refusal_holds_for_its_channel_and_no_other(shop, plans, run):
    customers = shop(300, refuses_sms=1.0)
    outcome = run(customers, plans(sms=[{**WEEKLY, "channel": "sms"}], chat=[WEEKLY]))
    assert last(outcome, "sms", "assigned").sum() == 0
    assert last(outcome, "chat", "assigned").sum() > 0
    refusing = {**no_effects(), "refusal_touch": np.array([50.0])}
    outcome = run(shop(300), plans(sms=[{**WEEKLY, "channel": "sms"}]), effects=refusing)
    assert np.all(last(outcome, "sms", "delivered") == 300)
    assert np.all(last(outcome, "sms", "refusals") == 300)


def test_triggers_on_a_day_column_a_date_and_days_since_an_order(shop, plans, run):
    customers = shop(100, p_alive=0.0, days_since_last_order=10.0, birthday=pd.Timestamp("2026-07-05"))
    sms = {"channel": "sms", "template": "content"}
    strategies = plans(
        birthday=[{**sms, "trigger": {"day_column": "birthday", "day_offset": -2}}],
        dated=[{**sms, "trigger": {"dates": ["2026-07-03", "2026-07-09", "2027-01-01"]}}],
        care=[{**sms, "trigger": {"every_days": 1, "days_since_order": (12, 14)}}],
        chain=[
            {**sms, "trigger": {"every_days": 1, "days_since_order": (12, 12)}},
            {**sms, "trigger": {"every_days": 1, "days_since_order": (20, 21)}, "after_step": 0},
        ],
        broken_chain=[
            {**sms, "trigger": {"every_days": 1, "days_since_order": (1, 2)}},
            {**sms, "trigger": {"every_days": 1, "days_since_order": (20, 21)}, "after_step": 0},
        ],
        often={"steps": [{**sms, "trigger": {"every_days": 1}}], "max_per_week": 2},
    )
    outcome = run(customers, strategies, effects=no_effects(), horizon_days=26)  # 1 July, a Wednesday, to 26, a Sunday
    sent = {s.name: last(outcome, s.name, "assigned").mean() / 100 for s in strategies.strategies}
    assert sent == {
        "no_touch": 0,
        "birthday": 1,
        "dated": 2,
        "care": 3,
        "chain": 3,
        "broken_chain": 0,
        "often": 8,
    }


def test_a_season_moves_purchases_and_a_flat_one_changes_nothing(shop, plans, run):
    customers = shop(2000, p_alive=1.0, dropout_a=1e-9, dropout_b=1e3)
    busy = np.r_[np.full(30, 2.0), np.full(30, 0.5)]
    flat = run(customers, plans(weekly=[WEEKLY]), checkpoints=(30,), season=np.ones(60))
    assert np.array_equal(flat.totals, run(customers, plans(weekly=[WEEKLY]), checkpoints=(30,)).totals)
    moved = run(customers, plans(weekly=[WEEKLY]), checkpoints=(30,), season=busy).totals[0, :, :, entry("orders")]
    early, late = moved[0].mean(), moved[1].mean() - moved[0].mean()
    assert early / late == pytest.approx(4.0, rel=0.1)


def test_sleeping_dogs_are_woken_by_touches_and_leave(shop, plans, run):
    effects = {**no_effects(), "sleeping_dog_leaves": np.array([0.3])}
    outcome = run(shop(1000, sleeping_dog=0.5, p_alive=1.0), plans(weekly=[WEEKLY]), effects=effects)
    assert last(outcome, "weekly", "lapsed").mean() > 1.2 * last(outcome, "no_touch", "lapsed").mean()
    assert last(outcome, "weekly", "orders").mean() < last(outcome, "no_touch", "orders").mean()


def test_a_deep_deal_raises_later_purchases_of_new_and_lowers_those_of_established_customers(shop, plans, run):
    deal = {"channel": "sms", "template": "promotion", "trigger": {"dates": ["2026-07-01"]}}
    deal["offer"] = {"discount_share": 0.5, "valid_days": 30}
    effects = {**no_effects(), "redemption_rate": np.ones(1), "habit_days": np.array([1e5])}
    effects |= {"habit_gain": np.array([0.1]), "reference_price": np.array([0.1])}
    for established, sign in ((0.0, 1), (1.0, -1)):
        customers = shop(1500, established=established, p_alive=1.0, dropout_a=1e-9, dropout_b=1e3)
        outcome = run(customers, plans(deal=[deal]), effects=effects, horizon_days=120, checkpoints=(30,))
        orders = np.diff(outcome.totals[..., entry("orders")], axis=1)[:, 0]
        assert sign * (orders[1] - orders[0]).mean() > 0


def test_who_was_won_back_with_a_deeper_deal_leaves_sooner(shop, plans, run):
    customers = shop(3000, p_alive=0.0)
    win = {"channel": "sms", "template": "promotion", "trigger": {"every_days": 7}}
    strategies = plans(service=[win], deal=[{**win, "offer": {"discount_share": 0.4, "valid_days": 7}}])
    effects = {**no_effects(), "gain_days": np.array([3.0]), "lapsed_response": np.array([0.5])}
    effects |= {"offer_gain": np.array([0.3]), "second_life": np.array([0.8])}
    effects |= {"second_life_dropout": np.array([0.1]), "bargain_dropout": np.array([0.2])}
    outcome = run(customers, strategies, effects=effects, horizon_days=180)
    back = [last(outcome, name, "won_back").mean() for name in ("service", "deal")]
    later = [
        (last(outcome, name, "orders") - last(outcome, name, "extra_orders")).mean() for name in ("service", "deal")
    ]
    assert back[1] > back[0]
    assert later[1] / back[1] < later[0] / back[0]


def test_referred_customers_stay_longer_only_while_their_referrer_stays(shop, plans, run):
    n = 1500
    effects = {**no_effects(), "referral_bond": np.array([0.8])}
    for stays, sign in ((1.0, 1), (0.0, 0)):
        referrers = shop(n, p_alive=stays, rate_shape=1e-3, dropout_a=1e-9)
        referred = shop(n, seed=2, p_alive=1.0).assign(customer_id=[f"r{i}" for i in range(n)])
        referred["rate_days"] = 30.0
        bound = pd.concat([referrers, referred.assign(referrer_id=referrers["customer_id"].to_numpy())])
        free = pd.concat([referrers, referred])
        left = [
            last(run(book, plans(weekly=[WEEKLY]), effects=effects), "no_touch", "lapsed") for book in (bound, free)
        ]
        assert np.sign((left[1] - left[0]).mean()) == sign


def test_the_same_template_wears_and_recovers_after_a_rest(shop, plans, run):
    effects = {
        **no_effects(),
        "gain_days": np.array([3.0]),
        "template_wear": np.ones(1),
        "novelty_days": np.array([7.0]),
    }
    chat = {"channel": "private_chat", "template": "content"}
    days = {"thrice": ["2026-07-01", "2026-07-03", "2026-07-05"], "rested": ["2026-07-01", "2026-07-21", "2026-08-10"]}
    changed = [
        {**chat, "template": t, "trigger": {"dates": [d]}}
        for t, d in zip(("content", "service", "promotion"), days["thrice"], strict=True)
    ]
    strategies = plans(**{n: [{**chat, "trigger": {"dates": d}}] for n, d in days.items()}, changed=changed)
    outcome = run(shop(3000, is_contact=True), strategies, effects=effects, horizon_days=75)
    extra = {name: last(outcome, name, "extra_orders").mean() for name in ("thrice", "rested", "changed")}
    assert extra["thrice"] < 0.8 * extra["rested"]
    assert extra["thrice"] < 0.8 * extra["changed"]


def test_a_preferred_channel_softens_the_fatigue_of_others(shop, plans, run, priors):
    effects = {**central_effects(priors), "cross_channel": np.ones(1), "preferred_softening": np.ones(1)}
    steps = [{**WEEKLY, "trigger": {"every_days": 2}}, {**WEEKLY, "channel": "sms", "trigger": {"every_days": 2}}]
    liked, other = (
        run(shop(2000, is_contact=True, preferred_channel=name), plans(both=steps), effects=effects)
        for name in ("private_chat", "group")
    )
    assert last(liked, "both", "read").mean() > last(other, "both", "read").mean()


def test_who_reads_more_and_at_the_key_hour_reads_more(shop, plans, run, priors):
    step = {**WEEKLY, "channel": "group"}
    strategies = plans(plain=[step], hour=[{**step, "at_key_hour": True}])
    usual, keen = (run(shop(2000, read_propensity=p), strategies) for p in (1.0, 1.5))
    assert last(keen, "plain", "read").mean() > 1.3 * last(usual, "plain", "read").mean()
    assert last(usual, "hour", "read").mean() > last(usual, "plain", "read").mean()
