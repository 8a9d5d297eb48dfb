import numpy as np
import pytest

from analysis.data.synthetic.brands import BRANDS
from analysis.data.synthetic.people import draw_people
from analysis.data.synthetic.purchases import CONSULTATION, PROCEDURE, own_purchases
from analysis.data.synthetic.season import N_DAYS, day_intensity, is_sale_day, operational_clocks
from analysis.data.synthetic.streams import stream


@pytest.mark.parametrize("brand", BRANDS.values(), ids=lambda brand: brand.name)
def test_clusters_cover_the_brand_and_weigh_one(brand):
    assert sum(cluster.share for cluster in brand.clusters) == pytest.approx(1.0)
    assert sum(brand.source_mix) == pytest.approx(1.0)
    assert all(len(cluster.tastes) == len(brand.categories) for cluster in brand.clusters)


@pytest.mark.parametrize("brand", BRANDS.values(), ids=lambda brand: brand.name)
def test_intensity_averages_one_and_sales_stand_out(brand):
    intensity = day_intensity(brand)
    assert intensity.mean() == pytest.approx(1.0)
    assert intensity[is_sale_day()].mean() > 1.2
    clocks = operational_clocks(brand)
    assert clocks.shape == (len(brand.clusters), N_DAYS + 1)
    assert (np.diff(clocks, axis=1) > 0).all()


def test_purchases_lie_between_first_order_and_leaving():
    brand = BRANDS["coffee"]
    people = draw_people(brand, first=0, n=4_000, rng=stream(brand, "people", seed=1))
    own = own_purchases(brand, people, rng=stream(brand, "purchases", seed=1))
    assert (np.diff(own.at) >= 0).all()
    assert (np.floor(own.at) >= np.floor(people.first_order[own.person])).all()
    assert (own.at < np.floor(people.leaves[own.person]) + 1).all()
    assert set(own.person) == set(np.flatnonzero(~np.isnan(people.first_order)))


def test_coffee_customers_buy_about_ten_times_and_commuters_on_weekday_mornings():
    brand = BRANDS["coffee"]
    people = draw_people(brand, first=0, n=20_000, rng=stream(brand, "people", seed=2))
    own = own_purchases(brand, people, rng=stream(brand, "purchases", seed=2))
    assert 8 < len(own.at) / people.n < 13
    commuter = people.cluster[own.person] == 0
    weekend = (own.at // 1 % 7 >= 5)[commuter].mean()
    hour = (own.at % 1 * 24)[commuter]
    assert weekend < 0.15
    assert ((hour > 7) & (hour < 11)).mean() > 0.6


def test_frequent_customers_differ_so_that_leaving_can_be_seen_coming():
    brand = BRANDS["beauty"]
    people = draw_people(brand, first=0, n=20_000, rng=stream(brand, "people", seed=3))
    own = own_purchases(brand, people, rng=stream(brand, "purchases", seed=3))
    before = own.at < 640
    last = np.full(people.n, -np.inf)
    np.maximum.at(last, own.person[before], own.at[before])
    recent, stale = last > 600, (last > 440) & (last < 500)
    again = np.isin(np.arange(people.n), own.person[(own.at >= 640) & (own.at < 700)])
    assert again[recent].mean() > 2 * again[stale].mean()


def test_the_dear_brand_walks_from_consultation_to_procedure():
    brand = BRANDS["hair_transplant"]
    people = draw_people(brand, first=0, n=20_000, rng=stream(brand, "people", seed=4))
    own = own_purchases(brand, people, rng=stream(brand, "purchases", seed=4))
    first = {stage: np.full(people.n, np.inf) for stage in (CONSULTATION, PROCEDURE)}
    for stage, day in first.items():
        np.minimum.at(day, own.person[own.stage == stage], own.at[own.stage == stage])
    operated = np.isfinite(first[PROCEDURE])
    assert 0.08 < operated.mean() < 0.2
    assert (first[CONSULTATION][operated] < first[PROCEDURE][operated] + 1).all()
