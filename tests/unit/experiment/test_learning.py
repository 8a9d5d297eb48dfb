"""Priors give way to data by exactly their weight, cells borrow as far as they are alike, and intervals cover."""

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.evidence import Grade
from analysis.experiment.learning import Response, combined, grade_by_weight, learn_cells, learn_effect, learn_rate

CLAIM, STRENGTH = 0.80, 20.0


def moved(posterior: float, *, claim: float, truth: float) -> float:
    """Share of the way from the claim to the truth."""
    return (posterior - claim) / (truth - claim)


def test_ten_times_the_strength_of_a_rate_moves_it_89_to_93_percent_of_the_way_over_200_seeds():
    truth, trials = 0.35, int(10 * STRENGTH)
    shares = [
        moved(
            learn_rate(
                CLAIM, STRENGTH, successes=int(np.random.default_rng(seed).binomial(trials, truth)), trials=trials
            ).mean,
            claim=CLAIM,
            truth=truth,
        )
        for seed in range(200)
    ]
    assert 0.89 <= np.mean(shares) <= 0.93
    # the expectation itself: 10 of 11 parts are data
    assert moved(
        learn_rate(CLAIM, STRENGTH, successes=truth * trials, trials=trials).mean, claim=CLAIM, truth=truth
    ) == (pytest.approx(10 / 11))


def test_ten_times_the_strength_of_an_effect_moves_it_89_to_93_percent_of_the_way_over_200_seeds():
    # a claim that weighs as much as 50 customers, and 500 customers of standard deviation 3 measured
    claim, truth, spread, strength, n = 0.02, 0.9, 3.0, 50, 500
    shares = []
    for seed in range(200):
        seen = np.random.default_rng(seed).normal(truth, spread, n)
        learned = learn_effect(claim, spread / strength**0.5, effect=float(seen.mean()), std_error=spread / n**0.5, n=n)
        shares.append(moved(learned.mean, claim=claim, truth=truth))
    assert 0.89 <= np.mean(shares) <= 0.93
    assert learned.weight_own == pytest.approx(10 / 11)
    assert learned.grade is Grade.RANDOMISED


def test_without_data_the_claim_stays_and_is_of_grade_d():
    learned = learn_rate(CLAIM, STRENGTH, successes=0, trials=0)
    assert learned.mean == pytest.approx(CLAIM)
    assert (learned.weight_prior, learned.grade) == (1.0, Grade.PRIOR)
    cell = learn_cells([np.nan], [np.nan], means=0.3, sd=0.1)[0]
    assert cell.mean == pytest.approx(0.3)
    assert (cell.weight_own, cell.weight_others, cell.grade) == (0.0, 0.0, Grade.PRIOR)


def test_the_grade_is_the_measurements_from_nine_tenths_of_the_weight_on():
    assert grade_by_weight(0.91, measured=Grade.RANDOMISED) is Grade.RANDOMISED
    assert grade_by_weight(0.89, measured=Grade.RANDOMISED) is Grade.PRIOR
    assert learn_rate(0.5, 20, successes=150, trials=300).grade is Grade.OBSERVATIONAL


def test_one_cell_alone_is_the_plain_normal_update_spread_over_how_much_cells_differ():
    # a claim of the brand that is certain against cells that may differ leaves a single cell nearly to itself
    alone = learn_cells([1.0], [0.01], means=0.0, sd=1.0)[0]
    assert alone.mean == pytest.approx(1.0, abs=0.01)
    assert alone.sd == pytest.approx(0.01, rel=0.05)
    assert alone.weight_others == 0.0


def test_weights_of_own_data_other_cells_and_claim_make_the_mean_up():
    y, claim = np.array([0.9, 0.1, 0.4]), np.array([0.2, 0.1, 0.3])
    cells = learn_cells(y, [0.2, 0.3, 0.5], means=claim, sd=0.5)
    for cell in cells:
        assert cell.weight_own + cell.weight_others + cell.weight_prior == pytest.approx(1.0)
        assert min(cell.weight_own, cell.weight_others, cell.weight_prior) > 0
    # nothing is off its claim: everything stays there
    level = learn_cells(claim, [0.2, 0.3, 0.5], means=claim, sd=0.5)
    assert [cell.mean for cell in level] == pytest.approx(list(claim))


def test_a_blunt_cell_is_drawn_towards_sharp_ones_the_more_the_more_alike_they_are():
    alike = learn_cells([0.5, 0.52, 0.48, 0.51, 2.0], [0.05] * 4 + [1.0], means=0.0, sd=0.5)[-1]
    unlike = learn_cells([0.0, 1.0, -0.5, 1.5, 2.0], [0.05] * 4 + [1.0], means=0.0, sd=0.5)[-1]
    assert alike.mean == pytest.approx(0.5, abs=0.15)
    assert alike.weight_others > 0.8
    assert unlike.mean > alike.mean + 0.2
    assert unlike.sd > 2 * alike.sd


def test_a_cell_without_a_measurement_is_told_from_the_others():
    cells = learn_cells([0.5, 0.5, 0.5, np.nan], [0.05, 0.05, 0.05, np.nan], means=0.0, sd=0.5)
    assert cells[3].mean == pytest.approx(0.5, abs=0.05)
    assert cells[3].sd > 2 * cells[0].sd
    assert cells[3].weight_own == 0.0


def test_what_is_averaged_over_the_grid_agrees_with_brute_force_sampling():
    rng = np.random.default_rng(4)
    y, error, sd = np.array([0.8, -0.1, 0.3]), np.array([0.3, 0.2, 0.4]), 0.5
    draws = 2_000_000
    tau = np.abs(rng.standard_cauchy(draws)) * 2 * sd
    inside = tau < 6 * sd
    tau = tau[inside]
    brand = sd * rng.standard_normal(len(tau))
    cells = brand[:, None] + tau[:, None] * rng.standard_normal((len(tau), 3))
    weight = np.exp(-0.5 * (((y - cells) / error) ** 2).sum(axis=1))
    weight /= weight.sum()
    expected = weight @ cells
    spread = np.sqrt(weight @ (cells - expected) ** 2)
    found = learn_cells(y, error, means=0.0, sd=sd)
    assert [cell.mean for cell in found] == pytest.approx(list(expected), abs=0.01)
    assert [cell.sd for cell in found] == pytest.approx(list(spread), abs=0.01)


@pytest.mark.exam
@pytest.mark.parametrize("spread", [0.5, 1.0, None])
def test_95_percent_intervals_of_planted_cells_cover_in_93_to_97_percent(spread, exam_in_full):
    """Eight cells of a brand; None: the spread between cells is drawn from its own prior as well."""
    seeds, cells, sd, claim = (1_500 if exam_in_full else 250), 8, 0.4, 0.3
    slack = 0.0 if exam_in_full else 0.015  # 2,000 cells, correlated within a brand
    covered = []
    for seed in range(seeds):
        rng = np.random.default_rng([17, seed])
        tau = sd * spread if spread is not None else 6.0 * sd
        while spread is None and tau >= 6.0 * sd:
            tau = 2 * sd * abs(float(rng.standard_cauchy()))
        truth = claim + sd * rng.standard_normal() + tau * rng.standard_normal(cells)
        error = sd * rng.uniform(0.2, 1.5, cells)
        found = learn_cells(truth + error * rng.standard_normal(cells), error, means=claim, sd=sd)
        covered += [cell.ci_lower <= planted <= cell.ci_upper for cell, planted in zip(found, truth, strict=True)]
    assert 0.93 - slack <= np.mean(covered) <= 0.97 + slack


@pytest.mark.exam
def test_pooling_halves_the_error_of_alike_cells_and_does_no_harm_to_unlike_ones(exam_in_full):
    ratios = {}
    for spread in (0.25, 2.0):
        plain, pooled = [], []
        for seed in range(500 if exam_in_full else 100):
            rng = np.random.default_rng([23, seed])
            truth = rng.standard_normal() + spread * rng.standard_normal(8)
            error = rng.uniform(0.2, 1.5, 8)
            seen = truth + error * rng.standard_normal(8)
            found = np.array([cell.mean for cell in learn_cells(seen, error, means=0.0, sd=1.0)])
            plain.append(((seen - truth) ** 2).mean())
            pooled.append(((found - truth) ** 2).mean())
        ratios[spread] = np.mean(pooled) / np.mean(plain)
    assert ratios[0.25] < 0.5
    assert ratios[2.0] < 1.0


def response(effect, *, error=0.1, one_day=0.1, n=500.0):
    return Response(effect, one_day, 1 / 14, error**2 / 2, error**2 / 2, n)


def test_experiments_that_differ_beyond_their_errors_widen_what_they_say_together():
    alike = combined([response(0.05), response(0.05), response(0.05)])
    unlike = combined([response(-0.35), response(0.05), response(0.45)])
    assert alike.value == pytest.approx(unlike.value) == pytest.approx(0.5)
    assert alike.widened == 1.0
    assert alike.std_error == pytest.approx(0.1 / 3**0.5 / 0.1, rel=0.05)
    assert unlike.widened == pytest.approx(4.0, rel=0.05)
    assert unlike.std_error == pytest.approx(unlike.widened * alike.std_error)


def test_many_small_experiments_together_are_unbiased_though_each_control_is_known_badly():
    """3 % more orders than 0.06 a customer and window: half of the experiments' controls see fewer than 12 orders."""
    found = []
    for seed in range(300):
        rng = np.random.default_rng([5, seed])
        shown = []
        for _ in range(20):
            treated, control = rng.poisson(0.06 * 1.3, 400), rng.poisson(0.06, 200)
            shown.append(
                Response(
                    effect=treated.mean() - control.mean(),
                    one_day=control.mean() / 14,
                    per_order=1 / 14,
                    variance_treated=treated.var(ddof=1) / 400,
                    variance_control=control.var(ddof=1) / 200,
                    weight=400 * 200 / 600,
                )
            )
        found.append(combined(shown))
    truth = 0.3 * 14
    values, errors = np.array([one.value for one in found]), np.array([one.std_error for one in found])
    assert values.mean() == pytest.approx(truth, abs=3 * values.std() / 300**0.5)
    assert 0.91 <= np.mean(np.abs(values - truth) < 1.96 * errors) <= 0.985
    with pytest.raises(AnalysisError, match="bought nothing"):
        combined([response(0.1, one_day=0.0)])


@pytest.mark.parametrize("wrong", [{"mean": 1.0}, {"strength": 0.0}, {"successes": 3, "trials": 2}])
def test_claims_and_counts_that_cannot_be_are_refused(wrong):
    said = {"mean": 0.5, "strength": 10.0, "successes": 1, "trials": 2, **wrong}
    with pytest.raises(AnalysisError):
        learn_rate(said.pop("mean"), said.pop("strength"), **said)
    with pytest.raises(AnalysisError):
        learn_effect(0.0, 1.0, effect=0.1, std_error=0.0)
    with pytest.raises(AnalysisError):
        learn_cells([0.1], [0.0], means=0.0, sd=1.0)
