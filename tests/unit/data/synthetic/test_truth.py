from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

Read = Callable[[str], pd.DataFrame]


@pytest.fixture(scope="module")
def readouts(beauty: Read, sales: pd.DataFrame) -> pd.DataFrame:
    """Orders per customer in the response window by experiment: treated minus held out, and the truth."""
    campaigns, truth = beauty("campaigns"), beauty("truth/campaigns").set_index("campaign_id")
    assigned = beauty("assignments").merge(campaigns, left_on="experiment_id", right_on="campaign_id")
    merged = assigned.merge(sales[["customer_id", "ordered_at"]], on="customer_id", how="left")
    window = pd.to_timedelta(merged.response_window_days, unit="D")
    inside = (merged.ordered_at >= merged.starts_at) & (merged.ordered_at < merged.starts_at + window)
    keys = ["experiment_id", "customer_id", "arm"]
    orders = inside.groupby([merged[key] for key in keys]).sum().rename("orders").reset_index()
    rows = []
    for experiment, each in orders[orders.experiment_id != "none"].groupby("experiment_id"):
        held, treated = each.orders[each.arm == "holdout"], each.orders[each.arm != "holdout"]
        planted = truth.loc[experiment]
        rows.append(
            {
                "difference": treated.mean() - held.mean(),
                "variance": treated.var() / len(treated) + held.var() / len(held),
                "planted": (planted.induced_orders_in_window - planted.removed_orders_in_window) / len(treated),
                "effect": planted.effect,
            }
        )
    return pd.DataFrame(rows)


def test_experiments_measure_what_was_planted(readouts: pd.DataFrame) -> None:
    z = (readouts.difference - readouts.planted) / np.sqrt(readouts.variance)
    assert len(readouts) >= 20
    assert abs(z.mean()) * np.sqrt(len(z)) < 3
    assert 0.5 < z.std() < 1.6


def test_null_experiments_changed_nothing_and_the_others_did(readouts: pd.DataFrame) -> None:
    assert (readouts.planted[readouts.effect == 0] == 0).all()
    assert (readouts.effect == 0).sum() >= 4
    assert readouts.planted[readouts.effect > 0].mean() > 0.01


def test_naive_attribution_of_targeted_campaigns_overstates_at_least_fivefold(
    beauty: Read, sales: pd.DataFrame
) -> None:
    campaigns = beauty("campaigns").merge(beauty("truth/campaigns"), on="campaign_id")
    good = campaigns[campaigns.kind == "target_good"]
    pairs = beauty("touches")[["campaign_id", "customer_id"]].merge(good, on="campaign_id")
    merged = pairs.merge(sales[["customer_id", "ordered_at"]], on="customer_id")
    window = pd.to_timedelta(merged.response_window_days, unit="D")
    credited = ((merged.ordered_at >= merged.starts_at) & (merged.ordered_at < merged.starts_at + window)).sum()
    caused = (good.induced_orders_in_window - good.removed_orders_in_window).sum()
    assert credited > 5 * abs(caused)


def test_effects_join_to_touches_orders_and_sums(beauty: Read, sales: pd.DataFrame) -> None:
    effects, touches = beauty("truth/touch_effects"), beauty("touches").set_index("touch_id")
    cause = touches.loc[effects.touch_id]
    assert (cause.send_status == 1).all()
    assert (cause.campaign_id.to_numpy() == effects.campaign_id.to_numpy()).all()
    assert (cause.customer_id.to_numpy() == effects.customer_id.to_numpy()).all()
    assert (effects.occurred_at.to_numpy() > cause.delivered_at.to_numpy()).all()
    induced = effects[effects.kind == "induced"]
    assert set(induced.order_id) <= set(beauty("orders").order_id)
    assert effects.order_id[effects.kind != "induced"].isna().all()
    customers, campaigns = beauty("truth/customers"), beauty("truth/campaigns")
    assert customers.induced_orders.sum() == campaigns.induced_orders.sum() == len(induced)
    assert customers.removed_orders.sum() == campaigns.removed_orders.sum() == (effects.orders < 0).sum()
    assert campaigns.incremental_amount.sum() == pytest.approx(effects.amount.sum(), abs=0.01)


def test_sleeping_dogs_buy_less_when_touched_and_never_more(beauty: Read) -> None:
    customers = beauty("truth/customers")
    dogs = customers[customers.is_sleeping_dog]
    assert dogs.induced_orders.sum() == 0
    assert dogs.removed_orders.mean() > 3 * customers[~customers.is_sleeping_dog].removed_orders.mean()


def test_every_planted_person_and_order_is_accounted_for(beauty: Read, sales: pd.DataFrame) -> None:
    customers, identities = beauty("truth/customers"), beauty("truth/identities")
    assert set(customers.customer_id) <= set(identities.customer_id)
    assert identities.person_id.nunique() == len(customers)
    assert (customers.own_orders + customers.induced_orders).sum() == len(sales)


def test_expected_rewards_are_what_decisions_earn_on_average(beauty: Read) -> None:
    rows = beauty("decisions").merge(beauty("truth/decisions"), on=["decision_id", "action"])
    off = rows.reward - rows.expected_reward
    assert abs(off.mean()) < 4 * off.std() / np.sqrt(len(rows))
    assert rows.propensity.between(0.1, 1).all()
    assert beauty("truth/decisions").groupby("decision_id").size().eq(4).all()


def test_the_outside_experiment_has_three_even_arms_and_a_planted_lift(beauty: Read) -> None:
    rows = beauty("outcomes").merge(beauty("truth/outcomes"), on=["experiment_id", "customer_id"])
    assert rows.arm.value_counts(normalize=True).between(0.28, 0.39).all()
    lift = rows.p_visit_treated - rows.p_visit_control
    assert (lift[rows.arm == "control"] == 0).all()
    assert lift[rows.arm == "new_page_coupon"].mean() > lift[rows.arm == "new_page"].mean() > 0.02
