"""Buy-till-you-die models as forecasts of churn."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.churn.btyd.catalogue import fit_model
from analysis.churn.btyd.fitting import NotIdentifiedError
from analysis.churn.rivals import RIVALS, fit_rivals, p_no_purchase


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(5)
    n = 3_000
    age = rng.integers(30, 400, n).astype(float)
    gone = np.minimum(age, rng.exponential(200, n))
    frequency = rng.poisson(rng.gamma(1.5, 1 / 60, n) * gone)
    recency = np.where(frequency > 0, np.ceil(gone * rng.random(n) ** 0.3), 0.0)
    recency = np.where(frequency > 0, np.clip(recency, 1, age), 0.0)
    frequency = np.minimum(frequency, recency)
    return pd.DataFrame({"frequency": frequency, "recency": recency, "T": age})


def features(customers):
    away = np.where(customers["frequency"] > 0, customers["T"] - customers["recency"], customers["T"])
    frame = pd.DataFrame({"frequency": customers["frequency"], "tenure_days": customers["T"]})
    return frame.assign(days_since_last_order=away).astype("float32")


def test_chances_are_those_of_the_model_on_the_three_columns_it_reads(customers):
    fitted = fit_rivals(customers, seed=1)
    chances = p_no_purchase(features(customers), fitted=fitted, horizon_days=60)
    assert tuple(chances) == RIVALS
    model = BGNBD.from_parameters(fitted["bg_nbd"]["parameters"])
    expected = model.purchase_distribution(customers, horizon=60.0, most=1)[:, 0]
    assert chances["bg_nbd"] == pytest.approx(expected, abs=1e-6)
    for p in chances.values():
        assert ((p >= 0) & (p <= 1)).all()


def test_shuffled_columns_that_contradict_each_other_still_have_a_chance(customers):
    table = features(customers)
    shuffled = table.assign(tenure_days=table["tenure_days"].to_numpy()[::-1])
    chances = p_no_purchase(shuffled, fitted=fit_rivals(customers, seed=1), horizon_days=60)
    assert all(np.isfinite(p).all() for p in chances.values())


def test_a_model_that_cannot_be_fitted_is_left_out(customers, monkeypatch):
    def refuse(slug, table, *, ridge):
        if slug == "pareto_nbd":
            raise NotIdentifiedError("flat")
        return fit_model(slug, table, ridge=ridge)

    monkeypatch.setattr("analysis.churn.rivals.fit_model", refuse)
    assert list(fit_rivals(customers, seed=1)) == ["bg_nbd"]
