"""Intervals hold ignorance once and luck once; P(best) is a share of draws; verdicts know when to say not sure."""

import numpy as np
import pytest

from analysis.touch.money import ENTRIES, LEDGER, entry
from analysis.touch.outcome import Outcome, outcome_from, totals_table
from analysis.touch.summary import drivers, increments, ledger, outcomes, p_best, rescaled, strategy_draws
from analysis.touch.verdict import Kind, customers_per_arm, reach_verdict


def made(profits, *, lanes=2, effects=None, n_customers=1000, n_simulated=500):
    """An outcome whose margins are given per strategy (rows) and replicate, the first strategy being no_touch."""
    margins = np.asarray(profits, dtype=float)
    totals = np.zeros((len(margins), 1, margins.shape[1], len(ENTRIES)))
    totals[:, 0, :, entry("margin")] = margins
    totals[:, 0, :, entry("repurchasers")] = 300 + margins / 10
    names = ("no_touch", "a", "b", "as_history")[: len(margins)]
    effects = {} if effects is None else effects
    return Outcome(names, (90,), totals, lanes, n_customers, n_simulated, effects)


def test_the_spread_of_a_full_simulation_is_ignorance_plus_luck():
    rng = np.random.default_rng(1)
    ignorance, luck = np.repeat(rng.normal(0, 3, 4000), 2), rng.normal(0, 4, 8000)
    spread = rescaled(100 + ignorance + luck, lanes_per_draw=2, sample_share=1.0)
    assert spread.std(ddof=1) == pytest.approx(5, rel=0.05)
    assert spread.mean() == pytest.approx(100, abs=0.3)


def test_luck_of_a_sample_is_scaled_down_to_that_of_everyone():
    rng = np.random.default_rng(2)
    # A tenth of the customers, scaled up: luck looks √10 times as large.
    ignorance, luck = np.repeat(rng.normal(0, 3, 8000), 2), rng.normal(0, 4 * np.sqrt(10), 16000)
    spread = rescaled(ignorance + luck, lanes_per_draw=2, sample_share=0.1)
    assert spread.std(ddof=1) == pytest.approx(5, rel=0.1)


def test_without_ignorance_only_luck_remains():
    rng = np.random.default_rng(3)
    spread = rescaled(rng.normal(0, 4, 8000), lanes_per_draw=2, sample_share=0.25)
    assert spread.std(ddof=1) == pytest.approx(2, rel=0.1)


def test_increments_are_paired_with_no_touch():
    outcome = made([[100, 900], [110, 910]], lanes=1)
    assert increments(outcome)["incremental_profit"].tolist() == [[0, 0], [10, 10]]


def test_p_best_is_the_share_of_draws_with_the_highest_expected_profit():
    outcome = made([[0] * 8, [5, 5, 5, 5, 5, -9, -1, -1], [1, 1, 9, 9, 1, 1, -1, -1]])
    table = p_best(outcome).set_index("strategy")
    assert table["p_best"].to_dict() == {"no_touch": 0.25, "a": 0.25, "b": 0.5}
    assert table.at["b", "p_best_std_error"] == pytest.approx(0.25)


def test_luck_is_averaged_before_the_best_is_named():
    outcome = made([[0] * 4, [100, -80, 100, -80], [9, 9, 9, 9]])
    assert p_best(outcome).set_index("strategy").at["a", "p_best"] == 1.0


def test_ledger_rows_sum_to_the_profit_of_the_outcomes_table():
    outcome = made([[0] * 4, [1, 2, 3, 4]])
    profit = outcomes(outcome, grade="D").query("strategy == 'a' and measure == 'incremental_profit'")
    entries = ledger(outcome).query("strategy == 'a'")
    assert list(entries["entry"]) == list(LEDGER)
    assert entries["value"].sum() == pytest.approx(profit["value"].item())


def test_outcomes_travel_as_a_table_and_come_back():
    import pandas as pd

    outcome = made([[0] * 4, [1, 2, 3, 4]], effects={"gain_days": np.array([1.0, 2.0])})
    again = outcome_from(totals_table(outcome), effects=pd.DataFrame({"draw": [0, 1], "gain_days": [1.0, 2.0]}))
    assert again.strategies == outcome.strategies
    assert np.array_equal(again.totals, outcome.totals)
    assert (again.lanes_per_draw, again.n_customers, again.n_simulated) == (2, 1000, 500)


def test_outcomes_table_has_each_measure_once_per_strategy_with_ordered_intervals():
    table = outcomes(made([[0] * 8, [1, 2, 3, 4, 5, 6, 7, 8]]), grade="D")
    assert not table.duplicated(["strategy", "measure"]).any()
    known = table.dropna(subset=["value"])
    assert (known["ci_lower"] <= known["ci_upper"]).all()
    # what costs nothing has no return on its cost
    assert table[table["value"].isna()]["measure"].unique().tolist() == ["roi"]
    assert set(table["grade"]) == {"D"}


def test_draws_average_the_lanes():
    draws = strategy_draws(made([[0] * 4, [1, 3, 5, 7]])).query("strategy == 'a'")
    assert draws["incremental_profit"].tolist() == [2, 6]


def test_a_clear_leader_is_named_and_an_unclear_one_is_not():
    rng = np.random.default_rng(4)
    clear = reach_verdict(made([[0] * 200, 50 + rng.normal(0, 5, 200), 10 + rng.normal(0, 5, 200)]))
    assert (clear.kind, clear.winner, clear.runner_up) == (Kind.BEST, "a", "b")
    assert clear.lead.value == pytest.approx(40, abs=2)
    close = reach_verdict(made([[0] * 200, 11 + rng.normal(0, 9, 200), 10 + rng.normal(0, 9, 200)]))
    assert close.kind is Kind.NOT_SURE
    assert 0.3 < close.p_best < 0.8


def test_doing_nothing_can_win():
    verdict = reach_verdict(made([[0] * 20, [-5] * 20, [-9] * 20]))
    assert (verdict.kind, verdict.winner, verdict.runner_up) == (Kind.REST, "no_touch", "a")


def test_a_past_without_touches_does_not_come_second():
    verdict = reach_verdict(made([[0] * 20, [-5] * 20, [-9] * 20, [0] * 20]))
    assert (verdict.winner, verdict.runner_up) == ("no_touch", "a")


def test_a_flip_is_claimed_only_beyond_luck():
    rng = np.random.default_rng(6)
    cause, idle = rng.normal(0, 1, 90), rng.normal(0, 1, 90)
    effects = {"cause": cause, "idle": idle}
    table = drivers(made([[0] * 180, np.repeat(cause * 10, 2)], effects=effects), first="a", second="no_touch")
    assert table.set_index("effect")["flips"].to_dict() == {"cause": True, "idle": False}


def test_drivers_rank_the_effect_that_moves_the_lead_first():
    rng = np.random.default_rng(5)
    strong, idle = rng.normal(0, 1, 90), rng.normal(0, 1, 90)
    effects = {"idle": idle, "strong": strong, "constant": np.ones(90)}
    table = drivers(made([[0] * 180, np.repeat(strong * 10, 2)], effects=effects), first="a", second="no_touch")
    assert table["effect"].tolist() == ["strong", "idle"]
    assert table["lead_if_high"].to_list()[0] > table["lead_if_low"].to_list()[0]


def test_a_test_needs_the_customers_of_the_textbook_formula():
    assert customers_per_arm(0.10, difference=0.02) == pytest.approx(3839, abs=3)  # Fleiss (1981), unpooled
    assert customers_per_arm(0.10, difference=0.0) is None
