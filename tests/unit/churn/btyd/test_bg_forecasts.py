"""Forecasts of the BG family: closed forms where they exist, integrals over the rate, and plain luck."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import betaln, hyp2f1
from scipy.stats import gamma, poisson

from analysis.churn.btyd.bg_cnbd_k import BGCNBDk
from analysis.churn.btyd.bg_family import BGFamily
from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.churn.btyd.mbg_cnbd_k import MBGCNBDk
from analysis.churn.btyd.mbg_nbd import MBGNBD
from analysis.errors import AnalysisError

USUAL = {"r": 0.85, "alpha": 1.45, "a": 0.79, "b": 2.42}
CUSTOMERS = pd.DataFrame(
    {
        "frequency": [0, 0, 1, 2, 5, 5, 30],
        "recency": [0, 0, 3.0, 30.43, 20, 31.5, 30],
        "T": [0, 12.0, 12, 38.86, 32, 32, 32],
    }
)


def models(**parameters: float) -> list[BGFamily]:
    usual = {**USUAL, **parameters}
    regular = [model.from_parameters(usual, k=k) for model in (BGCNBDk, MBGCNBDk) for k in (1, 2, 3)]
    return [BGNBD.from_parameters(usual), MBGNBD.from_parameters(usual), *regular]


every_model = pytest.mark.parametrize("model", models(), ids=lambda m: f"{m.slug}-{m.k_}")


@pytest.mark.parametrize("a", [0.3, 0.79, 2.5])
def test_expected_purchases_meet_the_papers_closed_forms(a):
    r, alpha, b = USUAL["r"], USUAL["alpha"], USUAL["b"]
    horizons = np.array([0.5, 4, 39, 400])
    z = horizons / (alpha + horizons)
    bg, mbg = BGNBD.from_parameters({**USUAL, "a": a}), MBGNBD.from_parameters({**USUAL, "a": a})
    # Fader, Hardie and Lee (2005), equation 9; Batislam, Denizel and Filiztekin (2007), equation 13
    equation_9 = (a + b - 1) / (a - 1) * (1 - (1 - z) ** r * hyp2f1(r, b, a + b - 1, z))
    equation_13 = b / (a - 1) * (1 - (1 - z) ** r * hyp2f1(r, b + 1, a + b, z))
    assert bg.expected_purchases(horizons) == pytest.approx(equation_9, rel=1e-9)
    assert mbg.expected_purchases(horizons) == pytest.approx(equation_13, rel=1e-9)


def test_conditional_expectation_meets_the_papers_closed_form():
    r, alpha, a, b = USUAL.values()
    x, t_x, age = (CUSTOMERS[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    z = 39 / (alpha + age + 39)
    # Fader, Hardie and Lee (2005), equation 10
    bracket = 1 - (1 - z) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, z)
    odds = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x), 0.0)
    model = BGNBD.from_parameters(USUAL)
    assert model.p_alive(CUSTOMERS) == pytest.approx(1 / (1 + odds), rel=1e-12)
    expected = (a + b + x - 1) / (a - 1) * bracket / (1 + odds)
    assert model.conditional_expected_purchases(CUSTOMERS, horizon=39) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("kind", [BGCNBDk, MBGCNBDk])
@pytest.mark.parametrize(("x", "t_x", "age"), [(2, 30.43, 38.86), (5, 20.0, 32.0)])
def test_distribution_is_the_integral_over_one_customers_rate(kind, k, x, t_x, age):
    """What the model tells of a customer given λ, weighed by λ's own posterior: nothing of the sums is used."""
    model = kind.from_parameters(USUAL, k=k)
    r, alpha, a, b = USUAL.values()
    horizon, stays = 26.0, b + x + int(model.drops_at_start)
    rate = np.exp(np.linspace(-60, 6, 6001))
    # λ given the purchases and a customer who is alive, over ln λ: the trapezoidal rule is exact to rounding
    bought = gamma.pdf(rate, r + k * x, scale=1 / (alpha + t_x)) * rate
    stage = poisson.pmf(np.arange(k), rate[:, None] * (age - t_x))
    alive = bought @ stage.sum(axis=1)
    reached = [
        bought @ (stage * poisson.sf(k * n - np.arange(k) - 1, rate[:, None] * horizon)).sum(axis=1) / alive
        for n in range(1, 6)
    ]
    stayed = np.exp(betaln(a, stays + np.arange(5)) - betaln(a, stays))
    customer = {"frequency": [x], "recency": [t_x], "T": [age]}
    tail = np.concatenate([[1.0], model.p_alive(customer)[0] * stayed * reached])
    chances = model.purchase_distribution(customer, horizon=horizon, most=5)[0]
    assert chances == pytest.approx(np.append(-np.diff(tail), tail[-1]), abs=1e-11)


@every_model
def test_distribution_adds_up_to_one_and_has_the_conditional_expectation(model):
    chances = model.purchase_distribution(CUSTOMERS, horizon=20, most=600)
    assert chances.shape == (7, 601)
    assert chances.min() >= 0
    assert chances.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-12)
    expected = model.conditional_expected_purchases(CUSTOMERS, horizon=20)
    assert chances @ np.arange(601) == pytest.approx(expected, rel=1e-9)


@every_model
def test_last_column_holds_all_larger_counts(model):
    few, many = (model.purchase_distribution(CUSTOMERS, horizon=20, most=most) for most in (3, 50))
    assert few[:, :3] == pytest.approx(many[:, :3], abs=1e-13)
    assert few[:, 3] == pytest.approx(many[:, 3:].sum(axis=1), abs=1e-12)


def z_score(actual: np.ndarray, expected: np.ndarray) -> float:
    gap = actual - expected
    if not gap.any():
        return 0.0
    return float(gap.mean() / (gap.std(ddof=1) / np.sqrt(len(gap))))


@every_model
def test_forecasts_are_right_on_average_for_customers_drawn_from_the_model(model):
    rng = np.random.default_rng(7)
    cohort = model.simulate(rng.choice([12.0, 24, 48, 96], 40_000), rng=rng, horizon=32)
    alive = model.p_alive(cohort)
    expected = model.conditional_expected_purchases(cohort, horizon=32)
    none = model.purchase_distribution(cohort, horizon=32, most=1)[:, 0]
    drawn = model.draw(cohort, horizon=32, rng=rng)
    later = cohort["purchases_later"].to_numpy()
    x, silence = cohort["frequency"].to_numpy(), (cohort["T"] - cohort["recency"]).to_numpy()
    groups = [
        x == 0,
        x == 1,
        (x > 1) & (silence < 3),
        (x > 1) & (silence >= 3) & (silence < 12),
        (x > 4) & (silence > 12),
    ]
    for group in groups:
        assert group.sum() > 500
        assert abs(z_score(cohort["alive"].to_numpy()[group], alive[group])) < 4
        assert abs(z_score(later[group], expected[group])) < 4
        assert abs(z_score(drawn[group], expected[group])) < 4
        assert abs(z_score((drawn[group] == 0).astype(float), none[group])) < 4
    assert abs(z_score(x, model.expected_purchases(cohort["T"].to_numpy()))) < 4


@every_model
def test_draws_follow_the_distribution(model):
    one = CUSTOMERS.iloc[[4]]
    drawn = model.draw(one.loc[one.index.repeat(40_000)], horizon=20, rng=np.random.default_rng(5))
    shares = np.bincount(np.minimum(drawn, 6), minlength=7) / len(drawn)
    chances = model.purchase_distribution(one, horizon=20, most=6)[0]
    assert np.abs(shares - chances).max() < 4 * np.sqrt(0.25 / len(drawn))


@pytest.mark.parametrize(("regular", "plain"), [(BGCNBDk, BGNBD), (MBGCNBDk, MBGNBD)])
def test_one_stage_is_the_plain_model(regular, plain):
    one, simple = regular.from_parameters(USUAL, k=1), plain.from_parameters(USUAL)
    assert (one.p_alive(CUSTOMERS) == simple.p_alive(CUSTOMERS)).all()
    assert one.log_likelihood(CUSTOMERS) == simple.log_likelihood(CUSTOMERS)
    forecasts = [m.conditional_expected_purchases(CUSTOMERS, horizon=9) for m in (one, simple)]
    assert (forecasts[0] == forecasts[1]).all()


@every_model
def test_a_dropout_shape_of_one_is_no_special_case(model):
    low, one, high = (type(model).from_parameters({**model.parameters_, "a": a}) for a in (1 - 1e-5, 1.0, 1 + 1e-5))
    values = [m.conditional_expected_purchases(CUSTOMERS, horizon=30) for m in (low, one, high)]
    assert values[1] == pytest.approx((values[0] + values[2]) / 2, rel=1e-8)


@every_model
def test_ages_in_a_table_and_ages_one_by_one_give_the_same_forecast(model):
    rng = np.random.default_rng(2)
    cohort = model.simulate(rng.integers(1, 400, 3000).astype(float), rng=rng)
    days = cohort.assign(recency=np.ceil(cohort["recency"]))
    whole = model.conditional_expected_purchases(days, horizon=60)
    some = rng.choice(3000, 40, replace=False)
    assert whole[some] == pytest.approx(model.conditional_expected_purchases(days.iloc[some], horizon=60), rel=1e-9)
    odd = cohort.assign(T=cohort["T"] + rng.random(3000) * 0.5)
    assert model.conditional_expected_purchases(odd, horizon=60)[some] == pytest.approx(
        model.conditional_expected_purchases(odd.iloc[some], horizon=60), rel=1e-9
    )


@every_model
def test_nothing_happens_in_no_time(model):
    assert (model.conditional_expected_purchases(CUSTOMERS, horizon=0) == 0).all()
    assert (model.purchase_distribution(CUSTOMERS, horizon=0, most=2) == [1, 0, 0]).all()
    assert (model.draw(CUSTOMERS, horizon=0, rng=np.random.default_rng(0)) == 0).all()
    assert model.expected_purchases(0.0) == 0.0
    assert model.expected_purchases(np.array([[0.0, 1.0]])).shape == (1, 2)


def test_long_horizons_and_busy_customers_stay_finite():
    crowd = {"frequency": [0, 700, 700], "recency": [0, 729.0, 650], "T": [0, 730.0, 730]}
    for model in models(r=0.1, alpha=0.05)[::7]:
        expected = model.conditional_expected_purchases(crowd, horizon=365)
        assert np.isfinite(expected).all()
        assert (expected >= 0).all()
        chances = model.purchase_distribution(crowd, horizon=365, most=3)
        assert chances.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-9)
        assert expected[0] <= 365 / 0.05 * 0.1 / model.k_ + 1


@pytest.mark.parametrize("horizon", [-1.0, float("nan"), float("inf")])
def test_a_horizon_that_is_no_time_is_refused(horizon):
    model = models()[0]
    with pytest.raises(AnalysisError, match="horizon"):
        model.conditional_expected_purchases(CUSTOMERS, horizon=horizon)
    with pytest.raises(AnalysisError, match="horizon"):
        model.expected_purchases(horizon)
    with pytest.raises(AnalysisError, match="most must be 1"):
        model.purchase_distribution(CUSTOMERS, horizon=1, most=0)
