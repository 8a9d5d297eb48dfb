"""What is frozen stays, adds up to nothing twice, and is scored by what came."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.experiment import ledger, ledger_correction, ledger_scores
from analysis.stats.forecast_scoring import band_of, log_quantiles

EVERYBODY = {"who": "customers"}


def forecast(value=100.0, error=0.1, *, name="orders", horizon=7):
    return ledger.amount(
        name,
        quantity="purchase_days",
        horizon_days=horizon,
        population=EVERYBODY,
        n_population=50,
        quantiles=log_quantiles(value, error=error),
        expected=value,
        model="test",
    )


def frozen(*rows, made_on=date(2026, 3, 1), book="weekly", corrections=None, notebook="value"):
    return ledger.frozen_rows(
        pd.DataFrame(rows), book=book, notebook=notebook, made_on=made_on, edition="e", corrections=corrections or {}
    )


def outcomes(table, actual, day=date(2026, 6, 1)):
    return pd.DataFrame(
        {
            "forecast_id": table["forecast_id"],
            "actual": np.asarray(actual, dtype=float),
            "n_found": table["n_population"],
            "scored_on": pd.Timestamp(day),
        }
    )


def history(n_days, *, true_error, told_error, seed, per_day=1, bias=0.0):
    """Return scored forecasts of many weeks whose outcomes are log-normal with one error, told with another."""
    rng = np.random.default_rng(seed)
    one, n = frozen(forecast(1000.0, told_error)), n_days * per_day
    days = pd.Timestamp("2016-01-01") + pd.to_timedelta(7 * np.repeat(np.arange(n_days), per_day), unit="D")
    both = one.loc[np.zeros(n, dtype=int)].reset_index(drop=True)
    ids = [f"{place * 2_654_435_761 % 16**8:08x}00000000" for place in range(n)]
    both = both.assign(forecast_id=ids, made_on=days, due_on=days + pd.Timedelta(days=7))
    actual = 1000.0 * np.exp(bias + rng.normal(0, true_error, n))
    return ledger_scores.scored(both, ledger_scores.kept_outcomes(None, outcomes(both, actual)))


def test_the_id_is_of_book_notebook_name_day_and_horizon():
    ids = {
        frozen(forecast())["forecast_id"][0],
        frozen(forecast(), book="other")["forecast_id"][0],
        frozen(forecast(), notebook="churn")["forecast_id"][0],
        frozen(forecast(name="x"))["forecast_id"][0],
        frozen(forecast(), made_on=date(2026, 3, 2))["forecast_id"][0],
        frozen(forecast(horizon=8))["forecast_id"][0],
    }
    assert len(ids) == 6
    assert frozen(forecast(120.0))["forecast_id"][0] == frozen(forecast(100.0))["forecast_id"][0]


def test_a_repeated_run_replaces_its_forecasts_and_keeps_all_others():
    first = frozen(forecast(100.0))
    week = ledger.merged(first, frozen(forecast(110.0), made_on=date(2026, 3, 8)))
    again = ledger.merged(week, frozen(forecast(111.0), made_on=date(2026, 3, 8)))
    assert again["expected"].tolist() == [100.0, 111.0]
    assert ledger.merged(None, first)["expected"].tolist() == [100.0]
    assert ledger.merged(again, ledger.no_forecasts())["expected"].tolist() == [100.0, 111.0]


def test_a_forecast_is_due_when_its_last_day_is_over():
    table = frozen(forecast(horizon=7), forecast(horizon=14))
    assert ledger.due(table, as_of=date(2026, 3, 7)).empty
    assert ledger.due(table, as_of=date(2026, 3, 8))["horizon_days"].tolist() == [7]
    assert ledger.still_open(table, as_of=date(2026, 3, 8))["horizon_days"].tolist() == [14]


def test_a_correction_is_told_and_what_the_model_said_is_kept():
    table = frozen(forecast(), corrections={"value.purchase_days": {"shift": 0.1, "widen": 2.0}})
    told, model = (np.array([table[name][0]]) for name in ("quantiles", "quantiles_model"))
    assert np.diff(band_of(told))[0, 0] > 1.9 * np.diff(band_of(model))[0, 0]
    assert (table["shift"][0], table["widen"][0]) == (0.1, 2.0)
    other = frozen(forecast(), corrections={"churn.leavers": {"shift": 0.1, "widen": 2.0}})
    assert other["quantiles"][0] == other["quantiles_model"][0]


def test_rows_survive_the_state_of_a_run(tmp_path):
    from analysis.recipes.resolver import Previous, write_kept

    table = ledger.merged(None, frozen(forecast()))
    write_kept(table, tmp_path / "forecasts.value")
    write_kept(ledger.no_forecasts(), tmp_path / "forecasts.churn")
    back = ledger.together(Previous(tmp_path).all("forecasts."))
    assert back["forecast_id"].tolist() == table["forecast_id"].tolist()
    assert back["quantiles"][0] == pytest.approx(table["quantiles"][0])
    kept = Previous(tmp_path).get("forecasts.churn")
    assert isinstance(kept, pd.DataFrame)
    more = ledger.merged(kept, frozen(forecast(), notebook="churn"))
    assert len(more) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"quantiles": [1.0]}, "39"), ({"quantiles": list(range(39, 0, -1))}, "ascending"), ({"quantity": "x"}, "counts")],
)
def test_a_forecast_nobody_could_score_is_refused(wrong, said):
    given = {
        "quantity": "buyers",
        "horizon_days": 7,
        "population": EVERYBODY,
        "n_population": 5,
        "quantiles": log_quantiles(5.0, error=0.1),
        "expected": 5.0,
        "model": "test",
    }
    with pytest.raises(AnalysisError, match=said):
        ledger.amount("a", **{**given, **wrong})


def test_two_forecasts_of_one_name_are_refused():
    with pytest.raises(AnalysisError, match="called 'orders'"):
        frozen(forecast(), forecast(5.0))


def test_honest_bands_hold_eight_in_ten_and_bold_ones_do_not():
    honest = ledger_scores.coverage_of(history(400, true_error=0.1, told_error=0.1, seed=2))
    bold = ledger_scores.coverage_of(history(400, true_error=0.2, told_error=0.1, seed=2))
    assert honest.share.ci_lower < 0.8 < honest.share.ci_upper
    assert bold.share.ci_upper < 0.6


def test_forecasts_of_one_day_count_as_one_in_the_interval():
    scores = history(10, true_error=0.1, told_error=0.1, seed=2, per_day=20)
    found = ledger_scores.coverage_of(scores)
    assert (found.n, found.n_days) == (200, 10)
    assert found.share.ci_upper - found.share.ci_lower > 0.3


def test_the_last_ones_are_those_that_fell_due_last():
    scores = history(12, true_error=0.1, told_error=0.1, seed=3)
    last = ledger_scores.last_ones(scores, n=8)
    assert last["due_on"].min() > scores["due_on"].iloc[3]
    assert len(last) == 8


def test_bias_is_seen_and_of_one_day_not_claimed():
    low = ledger_scores.summary(history(30, true_error=0.05, told_error=0.1, seed=4, bias=0.2)).iloc[0]
    assert 0.15 < low["bias_ci_lower"] < low["bias"] < low["bias_ci_upper"] < 0.25
    one = ledger_scores.summary(history(1, true_error=0.05, told_error=0.1, seed=4, bias=0.2)).iloc[0]
    assert np.isnan(one["bias_ci_lower"])


def test_nothing_due_gives_tables_without_rows():
    scores = ledger_scores.scored(ledger.no_forecasts(), ledger_scores.kept_outcomes(None, outcomes(frozen(), [])))
    assert len(scores) == len(ledger_scores.summary(scores)) == len(ledger_correction.corrections(scores)) == 0
    assert ledger_scores.coverage_of(scores).n == 0
    assert ledger_scores.pit_bins(scores)["n_forecasts"].sum() == 0


def test_the_first_count_stays_beside_a_later_one():
    table = frozen(forecast())
    first = ledger_scores.kept_outcomes(None, outcomes(table, [90.0], day=date(2026, 3, 8)))
    later = ledger_scores.kept_outcomes(first, outcomes(table, [95.0], day=date(2026, 3, 15)))
    assert later[["actual", "actual_first"]].to_numpy().tolist() == [[95.0, 90.0]]
    assert later["first_scored_on"][0] == pd.Timestamp("2026-03-08")
    untouched = ledger_scores.kept_outcomes(later, outcomes(frozen(), []))
    assert untouched.equals(later)


def test_probabilities_are_held_against_shares_by_size():
    rng = np.random.default_rng(5)
    chances = np.linspace(0.1, 0.9, 20)
    rows = [
        ledger.share_row(
            f"g{i}",
            quantity="leavers",
            horizon_days=30,
            population=EVERYBODY,
            n_population=400,
            probability=p,
            model="m",
        )
        for i, p in enumerate(chances)
    ]
    table = frozen(*rows, notebook="churn")
    seen = ledger_scores.kept_outcomes(None, outcomes(table, rng.binomial(400, chances)))
    groups = ledger_scores.reliability(table, seen)
    assert groups["n_customers"].sum() == 8_000
    assert ((groups["seen_ci_lower"] < groups["expected"]) & (groups["expected"] < groups["seen_ci_upper"])).sum() >= 4
    flipped = ledger_scores.reliability(table, seen.assign(actual=400 - seen["actual"]))
    assert (flipped["seen_ci_lower"] > flipped["expected"]).iloc[0]


def test_bold_forecasts_are_widened_once_later_ones_prove_it():
    found = ledger_correction.corrections(history(120, true_error=0.3, told_error=0.1, seed=6)).iloc[0]
    assert found["verdict"] == "helps"
    assert 2.0 < found["widen"] < 4.0
    assert found["coverage_before"] < 0.5
    assert found["coverage_after"] > 0.7
    assert found["crps_gain_ci_upper"] < 0


def test_a_lasting_bias_is_taken_out():
    found = ledger_correction.corrections(history(40, true_error=0.05, told_error=0.06, seed=7, bias=-0.2)).iloc[0]
    assert found["verdict"] == "helps"
    assert found["shift"] == pytest.approx(-0.2, abs=0.05)


def test_honest_forecasts_are_left_alone():
    verdicts = [
        ledger_correction.corrections(history(30, true_error=0.1, told_error=0.1, seed=s))["verdict"][0]
        for s in range(16)
    ]
    assert verdicts.count("helps") <= 2
    assert "too_few" not in verdicts


def test_few_forecasts_are_too_few_to_judge_however_far_off():
    found = ledger_correction.corrections(history(8, true_error=0.5, told_error=0.05, seed=8)).iloc[0]
    assert found["verdict"] == "too_few"
    assert found["widen"] > 1.5


def test_a_correction_is_learnt_from_nothing_that_was_not_due():
    """With a window longer than the history, no forecast was due when another was made: nothing can be tried."""
    days = [date(2026, 1, 1) + timedelta(days=7 * week) for week in range(12)]
    table = pd.concat([frozen(forecast(horizon=365), made_on=day) for day in days], ignore_index=True)
    scores = ledger_scores.scored(table, ledger_scores.kept_outcomes(None, outcomes(table, np.full(12, 300.0))))
    found = ledger_correction.corrections(scores).iloc[0]
    assert (found["n_judged"], found["verdict"]) == (0, "too_few")
