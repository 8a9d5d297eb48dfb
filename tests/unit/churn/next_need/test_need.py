"""Dates of planted renewals fall into their windows as often as promised, and nothing is learnt where nothing is."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.next_need import need as needs
from analysis.churn.next_need.brand_clock import foretell, ticks
from analysis.churn.next_need.dates import Recalibration, cumulated_at, day_of, faster, point_at, slot_edges
from analysis.churn.next_need.evaluation import NeedEvaluation, NeedVerdict, choose_window, evaluate_need, pit_histogram
from analysis.churn.next_need.history import first_wait, predictors
from analysis.churn.next_need.need import fit_need, forecast, judged
from analysis.churn.next_need.outlook import expected_buyers, timing_error
from analysis.churn.next_need.transitions import FAMILY, category_waits, family_waits, transition_windows
from analysis.features.purchase_rhythm import purchase_rhythm
from analysis.features.replenishment import NEVER, PurchaseLog

HORIZON, DAYS = 30, 400
ROLES: dict[str, tuple[int, ...]] = {"training": (DAYS - 5 * HORIZON, DAYS - 4 * HORIZON, DAYS - 3 * HORIZON)}
ROLES |= {"calibration": (DAYS - 2 * HORIZON,), "judging": (DAYS - HORIZON,)}


def renewals(*, customers, seed, shape=5.0, gaps=(10, 60), horizon_speed=None, until=DAYS):
    """Customers who buy by gamma gaps of their own mean; on a clock of the shop if a speed per day is given."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(gaps[0], gaps[1], customers)
    at = rng.gamma(shape, mean[:, None] / shape, (customers, 80)).cumsum(axis=1) - mean[:, None]
    at += rng.uniform(0, 1, (customers, 1)) * mean[:, None]
    if horizon_speed is not None:
        at = np.interp(at, np.r_[0, np.cumsum(horizon_speed)], np.arange(len(horizon_speed) + 1))
    who, _ = np.nonzero((at >= 0) & (at < until))
    days = np.floor(at[(at >= 0) & (at < until)]).astype(np.int32)
    n = len(days)
    ids = np.array([f"c{i}" for i in range(customers)], dtype=object)
    return PurchaseLog(ids, who.astype(np.int32), days, np.full(n, NEVER, np.int32), np.full(n, -1, np.int8), ())


def past(log, *, horizon=HORIZON):
    """What was known at each past day, what came, and the clock at each."""
    parts, clocks = [], {}
    for role, origins in ROLES.items():
        for origin in origins:
            day = pd.Timestamp("1970-01-01") + pd.Timedelta(days=origin)
            shown = ticks(foretell(log, origin=origin, horizon_days=horizon, first_day=0).speed)
            known = purchase_rhythm(log, day=origin, horizon_days=horizon, first_day=0)
            wait = first_wait(log, origin=origin, horizon_days=horizon)[known["customer"].to_numpy()]
            known = known.assign(origin_on=day, role=role, wait_days=wait)
            parts.append(known.assign(tick_from=shown[np.maximum(wait - 1, 0)], tick_to=shown[wait]))
            clocks[day] = shown
    return pd.concat(parts, ignore_index=True), clocks


def judge(rows, clocks, *, seed=0):
    role = rows["role"]
    training, calibration = rows[role == "training"], rows[role == "calibration"]
    need = fit_need(training, calibration=calibration, columns=predictors(rows), seed=seed)
    return judged(need, rows[role != "training"], ticks=clocks, move=0.0, seed=seed), need


def evaluated(judgement, *, seed=1) -> NeedEvaluation:
    """Return the evaluation where somebody bought."""
    found = evaluate_need(judgement, seed=seed)
    assert found is not None
    return found


@pytest.mark.exam
def test_windows_of_planted_renewals_cover_80_percent(exam_in_full):
    found = []
    for seed in range(60 if exam_in_full else 8):
        judgement, _ = judge(*past(renewals(customers=1_200, seed=seed)), seed=seed)
        found.append(evaluated(judgement, seed=seed))
    assert 0.77 <= np.mean([each.coverage.value for each in found]) <= 0.83
    assert all(0.72 <= each.coverage.value <= 0.88 for each in found)
    assert np.mean([each.width_days for each in found]) < 0.93 * np.mean([each.pooled_width_days for each in found])
    assert np.mean([each.density_gain.value for each in found]) > 0.07
    assert np.mean([each.excess_ece for each in found]) < 0.02
    assert all(choose_window(each, n_learnt=999, n_put_right=999) is NeedVerdict.OWN for each in found)


def test_of_memoryless_customers_alike_own_windows_are_no_sharper_than_the_pooled_one():
    judgement, _ = judge(*past(renewals(customers=1_500, seed=1, shape=1.0, gaps=(40, 40.001))))
    found = evaluated(judgement)
    assert found.density_gain.ci_lower <= 0
    assert choose_window(found, n_learnt=999, n_put_right=999) is NeedVerdict.POOLED
    assert 0.75 <= found.pooled_coverage.value <= 0.85


def test_shuffled_waits_leave_nothing_to_learn():
    rows, clocks = past(renewals(customers=1_500, seed=2))
    rng = np.random.default_rng(0)
    shuffled = rows.copy()
    for mine in rows.groupby("origin_on").groups.values():
        columns = ["wait_days", "tick_from", "tick_to"]
        shuffled.loc[mine, columns] = rows.loc[rng.permutation(mine), columns].to_numpy()
    shuffled["wait_days"] = shuffled["wait_days"].astype(int)
    found = evaluated(judge(shuffled, clocks)[0])
    assert found.density_gain.value < 0.02
    assert found.log_loss_gain.value < 0.01
    assert 0.75 <= found.coverage.value <= 0.85


def test_a_yearly_sale_is_foretold_on_its_own_dates():
    speed = np.ones(900)
    for year in range(3):  # 1970 and the two years after have no leap day before March 1972
        speed[50 + 365 * year : 55 + 365 * year] = 6.0
    log = renewals(customers=1_500, seed=3, gaps=(12, 40), horizon_speed=speed, until=770)
    sale = foretell(log, origin=770, horizon_days=30, first_day=0)
    assert sale.trust >= 0.75
    assert sale.speed[10:15].mean() > 2.5 * np.median(sale.speed)
    assert sale.speed.mean() == pytest.approx(1.0)
    without_twin = foretell(log, origin=200, horizon_days=30, first_day=0)
    assert without_twin.trust == 0.0
    assert np.ptp(without_twin.speed) < 0.3


@pytest.mark.parametrize("horizon", [1, 2, 7, 8])
def test_short_horizons_work_and_no_window_leaves_them(horizon):
    rows, clocks = past(renewals(customers=400, seed=4, gaps=(3, 9)), horizon=horizon)
    judgement, need = judge(rows, clocks)
    said = forecast(need, rows[rows["role"] == "judging"], ticks=np.linspace(0, 1, horizon + 1), move=0.0)
    assert said["from_day"].between(1, horizon).all()
    assert (said["until_day"] >= said["middle_day"]).all()
    assert (said["middle_day"] >= said["from_day"]).all()
    assert said["until_day"].max() <= horizon
    steps = [c for c in said.columns if str(c).startswith("p_step_")]
    assert len(steps) == -(-horizon // 7)
    assert np.allclose(said[steps].sum(axis=1), said["p_purchase"], atol=1e-5)
    assert judgement["pit"].dropna().between(0, 1).all()


def test_forecasts_do_not_depend_on_how_many_customers_are_taken_at_once(monkeypatch):
    rows, clocks = past(renewals(customers=400, seed=4))
    _, made = judge(rows, clocks)
    asked = rows[rows["role"] == "judging"]
    whole = forecast(made, asked, ticks=np.linspace(0, 1, HORIZON + 1), move=0.2)
    monkeypatch.setattr(needs, "_FORECAST_AT_ONCE", 150)
    parts = forecast(made, asked, ticks=np.linspace(0, 1, HORIZON + 1), move=0.2)
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-12)
    assert forecast(made, asked.head(0), ticks=np.linspace(0, 1, HORIZON + 1), move=0.2).empty


def test_few_customers_all_have_the_pooled_window():
    rows, clocks = past(renewals(customers=30, seed=5))
    judgement, need = judge(rows, clocks)
    said = forecast(need, rows[rows["role"] == "judging"], ticks=np.linspace(0, 1, HORIZON + 1), move=0.0)
    assert said[["from_day", "until_day"]].drop_duplicates().shape[0] == 1
    assert choose_window(evaluate_need(judgement, seed=1), n_learnt=99, n_put_right=30) is NeedVerdict.TOO_FEW


def test_nobody_buying_is_no_error():
    rows, clocks = past(renewals(customers=50, seed=6))
    quiet = rows.assign(wait_days=0, tick_from=0.0, tick_to=0.0)
    judgement, need = judge(quiet, clocks)
    assert evaluate_need(judgement, seed=1) is None
    assert forecast(need, quiet, ticks=np.linspace(0, 1, 31), move=0.0)["p_purchase"].max() < 0.1


def test_first_wait_is_the_first_day_after_the_origin_up_to_the_last_of_the_horizon():
    day = np.array([10, 11, 15, 10, 40, 10, 41], dtype=np.int32)
    who = np.array([0, 0, 0, 1, 1, 2, 2], dtype=np.int32)
    log = PurchaseLog(np.array(["a", "b", "c"]), who, day, np.full(7, NEVER, np.int32), np.full(7, -1, np.int8), ())
    assert first_wait(log, origin=10, horizon_days=30).tolist() == [1, 30, 0]
    undone = log._replace(undone=np.where(day == 11, 12, NEVER).astype(np.int32))
    assert first_wait(undone, origin=10, horizon_days=30).tolist() == [5, 30, 0]


def test_more_purchases_in_the_same_days_come_earlier():
    chance = np.linspace(0, 1, 11)
    unmoved = faster(chance, before=np.full(11, 0.4), after=np.full(11, 0.4))
    assert np.allclose(unmoved, chance)
    moved = faster(chance, before=np.full(11, 0.4), after=np.full(11, 0.7))
    assert (moved[1:-1] > chance[1:-1]).all()
    back = faster(moved, before=np.full(11, 0.7), after=np.full(11, 0.4))
    assert np.allclose(back, chance)


def test_points_and_chances_undo_each_other():
    edges = slot_edges(np.random.default_rng(0).beta(2, 3, 500))
    cumulated = np.tile(np.linspace(0, 1, len(edges)) ** 1.5, (3, 1))
    at = point_at(cumulated, edges, np.array([0.1, 0.5, 0.9]))
    assert np.allclose(cumulated_at(cumulated, edges, at), [0.1, 0.5, 0.9])
    assert day_of([0.0, 1.0], np.linspace(0, 1, 8)).tolist() == [1, 7]


def test_recalibration_puts_a_timid_forecast_right():
    rng = np.random.default_rng(0)
    narrow = rng.beta(4, 4, 5_000)  # outcomes in the middle of too wide forecasts
    right = Recalibration().fit(narrow)
    inside = (right.predict(narrow) >= 0.1) & (right.predict(narrow) <= 0.9)
    assert inside.mean() == pytest.approx(0.8, abs=0.02)
    assert right.predict(right.raw([0.1, 0.9])) == pytest.approx([0.1, 0.9])


def test_expected_buyers_intervals_widen_with_drift_and_hold_luck():
    rng = np.random.default_rng(0)
    steps = pd.DataFrame(rng.uniform(0, 0.1, (2_000, 4)))
    p = steps.sum(axis=1)
    luck = expected_buyers(steps, p, drift=0.0, timing=0.0)
    drawn = (rng.random((400, 2_000, 1)) < steps.to_numpy()[:, :1]).sum(axis=1)[:, 0]
    low, high = (float(luck[f"expected_buyers_ci_{end}"].iloc[0]) for end in ("lower", "upper"))
    assert 0.74 <= np.mean((drawn >= low) & (drawn <= high)) <= 0.86
    wide = expected_buyers(steps, p, drift=0.3, timing=0.1)
    assert (wide["expected_buyers_ci_upper"] > luck["expected_buyers_ci_upper"]).all()
    assert timing_error(np.array([100.0, 100.0]), np.array([150.0, 50.0])) > 0.4


def test_pit_histogram_counts_every_buyer_once():
    table = pit_histogram(pd.Series([0.05, 0.05, 0.95, np.nan, 1.0]))
    assert table["n_buyers"].tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert table["share"].sum() == pytest.approx(1.0)


def staged(*, customers, seed):
    rng = np.random.default_rng(seed)
    began = rng.integers(0, 600, customers)
    after = began + np.maximum(np.round(rng.lognormal(2.9, 0.5, customers)), 1)
    goes = rng.random(customers) < 0.5
    who = np.r_[np.arange(customers), np.flatnonzero(goes)]
    day = np.r_[began, after[goes]].astype(np.int32)
    code = np.r_[np.zeros(customers), np.ones(goes.sum())].astype(np.int8)
    order = np.lexsort((day, who))
    ids = np.array([f"c{i}" for i in range(customers)], dtype=object)
    names = ("consultation", "procedure")
    undone = np.full(len(day), NEVER, np.int32)
    return PurchaseLog(ids, who[order].astype(np.int32), day[order], undone, code[order], names)


def test_pooled_windows_of_a_planted_path_hold_out_of_time():
    waits = category_waits(staged(customers=6_000, seed=0), day=650, horizon_days=60)
    table = transition_windows(waits, day=650, horizon_days=60, seed=1)
    row = table[(table["before"] == "consultation") & (table["after"] == "procedure")].to_dict("records")[0]
    assert 16 <= row["middle_days"] <= 20
    assert 0.45 <= row["share_followed"] <= 0.55
    assert 0.75 <= row["coverage"] <= 0.85
    assert waits.began.max() <= 650 - 60


def test_a_relatives_first_purchase_follows_the_referrers():
    log = staged(customers=400, seed=1)
    first = pd.Series(log.day).groupby(log.customer).min()
    pairs = [(a, b) for a in range(200) for b in range(200, 400) if 0 < first[b] - first[a] <= 40][:200]
    referrals = pd.DataFrame([(f"c{a}", f"c{b}") for a, b in pairs], columns=["referrer_id", "referee_id"])
    waits = family_waits(log, referrals, day=700, horizon_days=60)
    assert set(waits.after) <= {FAMILY, ""}
    followed = waits.after == FAMILY
    assert followed.sum() >= len({a for a, _ in pairs})
    assert (waits.days[followed] > 0).all()
    assert (waits.days[followed] <= 60).all()
