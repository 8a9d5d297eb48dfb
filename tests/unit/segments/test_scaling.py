"""Measures made comparable."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.segments.scaling import Scaling, fit_scaling


def traits(n: int = 3_000) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame({"revenue": rng.lognormal(5, 1.2, n), "days": rng.gamma(2, 40, n)})


def test_skew_is_tamed_and_scales_are_alike():
    matrix = fit_scaling(traits()).apply(traits()).astype(float)
    skew = ((matrix - matrix.mean(axis=0)) ** 3).mean(axis=0) / matrix.std(axis=0) ** 3
    assert np.abs(skew).max() < 0.2
    assert matrix.std(axis=0) == pytest.approx([1, 1], abs=0.15)


def test_one_extravagant_customer_moves_nobody_else_and_is_held():
    plain, rich = traits(), traits()
    rich.loc[0, "revenue"] = 1e9
    before, after = fit_scaling(plain).apply(plain), fit_scaling(rich).apply(rich)
    assert np.abs(after[1:] - before[1:]).mean() < 0.05
    assert np.abs(after).max() <= 4


def test_the_unit_does_not_matter():
    cents = traits().assign(revenue=lambda t: t["revenue"] * 100)
    difference = fit_scaling(cents).apply(cents) - fit_scaling(traits()).apply(traits())
    assert np.quantile(np.abs(difference), 0.99) < 0.1


def test_what_is_the_same_for_nearly_all_is_left_out():
    table = traits().assign(refunds=[1] * 50 + [0] * 2_950)
    assert fit_scaling(table).names == ("revenue", "days")


def test_what_follows_an_earlier_measure_is_left_out():
    table = traits().assign(spend=lambda t: 3 * t["revenue"] + 1)
    assert fit_scaling(table).names == ("revenue", "days")


def test_a_weight_shrinks_a_measure():
    half = fit_scaling(traits(), weights={"days": 0.5}).apply(traits())
    assert half[:, 1] == pytest.approx(fit_scaling(traits()).apply(traits())[:, 1] / 2)


def test_the_ruler_of_one_run_measures_the_next():
    scaling = fit_scaling(traits())
    kept = Scaling.from_state(json.loads(json.dumps(scaling.as_state())))
    assert (kept.apply(traits()) == scaling.apply(traits())).all()


def test_unknown_values_are_refused():
    table = traits()
    table.loc[0, "days"] = np.nan
    with pytest.raises(AnalysisError, match="days"):
        fit_scaling(table)


def test_customers_who_are_all_alike_cannot_be_told_apart():
    with pytest.raises(AnalysisError, match="tells"):
        fit_scaling(pd.DataFrame({"n_orders": [1] * 40}))
