"""RFM tiers."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.segments.tiers import (
    MEASURES,
    TIERS_8,
    TIERS_11,
    Thresholds,
    assign_tiers,
    find_thresholds,
    natural_breaks,
)


def customers(n: int = 2_000, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "days_since_last_order": rng.integers(0, 500, n),
            "n_orders": 1 + rng.geometric(0.6, n),
            "revenue": rng.lognormal(4, 1, n).round(2),
        }
    )


@pytest.mark.parametrize("method", ["quantile", "natural"])
@pytest.mark.parametrize(("cells", "tiers"), [(8, TIERS_8), (11, TIERS_11)])
def test_each_customer_is_in_exactly_one_known_tier(cells, tiers, method):
    features = customers()
    tier = assign_tiers(features, thresholds=find_thresholds(features, cells=cells, method=method), cells=cells)
    assert len(tier) == len(features)
    assert set(tier) <= {t.name for t in tiers}
    assert tier.notna().all()


@pytest.mark.parametrize("method", ["quantile", "natural"])
@pytest.mark.parametrize("cells", [8, 11])
def test_row_order_does_not_matter(cells, method):
    features = customers()
    shuffled = features.sample(frac=1, random_state=3)
    thresholds = find_thresholds(features, cells=cells, method=method)
    assert find_thresholds(shuffled, cells=cells, method=method) == thresholds
    tiers = assign_tiers(shuffled, thresholds=thresholds, cells=cells)
    pd.testing.assert_series_equal(tiers.sort_index(), assign_tiers(features, thresholds=thresholds, cells=cells))


@pytest.mark.parametrize("cells", [8, 11])
def test_equal_customers_share_a_tier(cells):
    features = pd.concat([customers(300)] * 2, ignore_index=True)
    tier = assign_tiers(features, thresholds=find_thresholds(features, cells=cells), cells=cells).to_numpy()
    assert (tier[:300] == tier[300:]).all()


def test_when_most_bought_once_twice_is_often():
    features = customers().assign(n_orders=[1] * 1_900 + [2] * 60 + [3] * 40)
    assert find_thresholds(features).n_orders == (2.0,)


def test_when_all_bought_once_nobody_bought_often():
    features = customers().assign(n_orders=1)
    thresholds = find_thresholds(features)
    assert thresholds.n_orders == (float("inf"),)
    frequent = {"best", "best_quiet", "regulars", "regulars_quiet"}
    assert not set(assign_tiers(features, thresholds=thresholds)) & frequent


def test_every_tier_can_be_reached():
    eight = pd.DataFrame([(d, o, r) for d in (1, 99) for o in (1, 9) for r in (1, 9)], columns=list(MEASURES))
    assert set(assign_tiers(eight, thresholds=Thresholds((50,), (5,), (5,)))) == {t.name for t in TIERS_8}
    cuts = Thresholds((10, 20, 30, 40), (2, 3, 4, 5), (2, 3, 4, 5))
    grid = [(d, x, x) for d in (5, 15, 25, 35, 45) for x in (1, 2, 3, 4, 5)]
    eleven = pd.DataFrame(grid, columns=list(MEASURES))
    assert set(assign_tiers(eleven, thresholds=cuts, cells=11)) == {t.name for t in TIERS_11}


def test_more_of_anything_never_leads_from_a_valuable_and_active_tier_to_a_lesser_one():
    cuts = Thresholds((10, 20, 30, 40), (2, 3, 4, 5), (2, 3, 4, 5))
    good = {t.name for t in TIERS_11 if t.valuable and t.active}
    for orders in range(1, 5):
        pair = pd.DataFrame({"days_since_last_order": 5, "n_orders": [orders, orders + 1], "revenue": 5})
        before, after = assign_tiers(pair, thresholds=cuts, cells=11)
        assert before not in good or after in good


def spread_within(parts) -> float:
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts))


def brute_force(values, classes: int) -> float:
    ordered = np.sort(values)
    cuts = combinations(range(1, len(ordered)), classes - 1)
    return min(spread_within(np.split(ordered, cut)) for cut in cuts)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_natural_breaks_are_the_best_there_are(classes):
    values = np.random.default_rng(7).lognormal(size=14)
    parts = np.split(np.sort(values), np.searchsorted(np.sort(values), natural_breaks(values, classes=classes)))
    assert spread_within(parts) == pytest.approx(brute_force(values, classes))


def test_natural_breaks_find_planted_classes_among_many_values():
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.normal(centre, 0.3, 4_000) for centre in (0, 10, 20)])
    low, high = natural_breaks(values, classes=3)
    assert 3 < low < 9.5
    assert 13 < high < 19.5


def test_business_thresholds_are_taken_as_they_are():
    given = {"days_since_last_order": [30], "n_orders": [3], "revenue": [500]}
    assert find_thresholds(customers(), method="business", business=given) == Thresholds((30.0,), (3.0,), (500.0,))


@pytest.mark.parametrize(
    "given", [{}, {"days_since_last_order": [30], "n_orders": [3]}, {key: [3.0, 1.0, 2.0, 4.0] for key in MEASURES}]
)
def test_business_thresholds_that_do_not_fit_are_refused(given):
    with pytest.raises(AnalysisError):
        find_thresholds(customers(), cells=11, method="business", business=given)


def test_an_unknown_measure_is_refused():
    features = customers().astype({"revenue": "float64"})
    features.loc[3, "revenue"] = np.nan
    with pytest.raises(AnalysisError, match="revenue"):
        find_thresholds(features)


def test_there_are_8_or_11_tiers():
    with pytest.raises(AnalysisError, match="8 or 11"):
        find_thresholds(customers(), cells=9)
