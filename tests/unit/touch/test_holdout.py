"""The holdout: drawn at random within strata, once, whatever the order of rows."""

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.touch.holdout import assign_holdout, strata


def people(n, *, start=0):
    return pd.DataFrame(
        {"customer_id": [f"c{i:05d}" for i in range(start, start + n)], "stratum": [f"s{i % 3}" for i in range(n)]}
    )


def draw(customers, **changed):
    return assign_holdout(customers, **{"share": 0.1, "seed": 7, "on": "2026-06-30", **changed})


def test_every_stratum_gives_its_share():
    drawn = draw(people(3000))
    assert drawn.groupby("stratum")["holdout"].sum().tolist() == [100, 100, 100]
    assert drawn.loc[drawn["holdout"], "propensity"].eq(0.1).all()
    assert drawn.loc[~drawn["holdout"], "propensity"].eq(0.9).all()


def test_once_drawn_stays_drawn_and_newcomers_join():
    first = draw(people(1000))
    later = draw(people(1500), share=0.3, seed=8, on="2026-07-07", frozen=first)
    kept = later[later["assigned_on"] == "2026-06-30"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, first)
    new = later[later["assigned_on"] == "2026-07-07"]
    assert len(new) == 500
    assert new["holdout"].mean() == pytest.approx(0.3, abs=0.01)


def test_customers_who_left_stay_on_record():
    first = draw(people(100))
    assert len(draw(people(50, start=500), frozen=first)) == 150


def test_the_order_of_rows_decides_nothing_and_the_seed_does():
    customers = people(1000)
    assert draw(customers).equals(draw(customers.sample(frac=1, random_state=1)))
    assert not draw(customers).equals(draw(customers, seed=8))


def test_small_strata_are_rounded_by_chance_so_that_the_probability_is_exact():
    held = [draw(people(3), seed=seed)["holdout"].sum() for seed in range(300)]
    assert np.mean(held) == pytest.approx(0.3, abs=0.1)


def test_a_share_outside_zero_to_one_is_refused():
    with pytest.raises(AnalysisError, match="share"):
        draw(people(10), share=1.0)


def test_strata_split_at_the_median_and_unknown_counts_as_low():
    assert strata([np.array([1.0, np.nan, 3.0, 4.0])]).tolist() == ["l", "l", "l", "h"]
