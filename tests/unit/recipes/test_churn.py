"""The churn recipes on small simulated shops: what is learnt, what is refused, and that the future stays unseen."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from analysis.churn.drivers import DRIVERS, PREDICTORS, SOURCES
from analysis.churn.evaluation import Verdict
from analysis.churn.leakage import LeakError
from analysis.context import RunContext
from analysis.data.connect import open_tables
from analysis.data.contracts import CONTRACTS
from analysis.data.load import load
from analysis.data.mapping import DataSource, Demo
from analysis.features.table import FEATURES_FOR_MODELS, collect_features
from analysis.params import notebook_models
from analysis.recipes import churn as recipes
from analysis.recipes.resolver import Resolver

FIRST, AS_OF, HORIZON = date(2025, 1, 1), date(2026, 6, 30), 45


def shop(*, customers, seed, gaps=(8, 60), stay=0.93, amount=40.0):
    """Orders of customers who buy at their own rhythm and stop for good after some order."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        day, gap = int(rng.integers(0, 500)), rng.uniform(*gaps)
        while day <= (AS_OF - FIRST).days:
            rows.append((f"c{customer:05d}", day, amount * rng.lognormal(0, 0.4)))
            if rng.random() > stay:
                break
            day += 1 + int(rng.gamma(3, gap / 3))
    return pd.DataFrame(rows, columns=["customer_id", "day", "amount"])


def resolver(orders, folder, **params):
    """Write orders as loading would and open the recipes on them."""
    (folder / "data").mkdir(parents=True)
    on = pd.Timestamp(FIRST) + pd.to_timedelta(orders["day"], unit="D")
    table = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(orders))],
            "customer_id": orders["customer_id"],
            "ordered_at": (on + pd.Timedelta(hours=4)).astype("datetime64[us]"),
            "ordered_on": on.dt.date,
            "ordered_hour": np.int8(12),
            "amount": orders["amount"].astype(float),
            **{name: orders[name] for name in orders.columns.difference(["customer_id", "day", "amount"])},
        }
    )
    table.to_parquet(folder / "data" / "orders.parquet", index=False)
    chosen = {"churn": {"horizon_days": HORIZON, **params}}
    context = RunContext(
        book="test", title={}, data=folder / "data", data_digest="test", as_of=AS_OF, timezone="Asia/Shanghai",
        languages=("zh", "en"), currency="CNY", seed=1, min_cell=10, engine="duckdb", industry=None, params=chosen,
        out=folder, cache=folder / "cache", previous=None, run_id="scratch",
    )  # fmt: skip
    return Resolver(context, notebook_models(chosen))


@pytest.fixture(scope="module")
def orders():
    return shop(customers=6_000, seed=1)


@pytest.fixture(scope="module")
def brand(orders, tmp_path_factory):
    return resolver(orders, tmp_path_factory.mktemp("brand"))


def test_every_predictor_belongs_to_exactly_one_driver_and_is_known_on_its_day():
    columns = [column for driver in DRIVERS.values() for column in driver.columns]
    assert len(columns) == len(set(columns)) == len(PREDICTORS) == 30
    assert set(columns) <= set(FEATURES_FOR_MODELS)


def test_no_snapshot_of_any_table_is_a_predictor():
    snapshots = {column.name for table in CONTRACTS.values() for column in table.columns if column.known_at is None}
    assert snapshots >= {"points", "member_level"}
    assert snapshots.isdisjoint(PREDICTORS)


def test_leavers_of_a_simulated_shop_are_found_and_the_probabilities_hold(brand):
    verdict, found = brand.get("churn_verdict"), brand.get("churn_evaluation")
    assert verdict["verdict"] == Verdict.MODEL
    assert found["auc"]["ci_lower"] > found["baseline.auc"]["ci_upper"]
    assert found["log_loss"]["value"] < found["btyd_log_loss"]["value"] < found["baseline_log_loss"]["value"]
    promised = {"auc", "log_loss", "baseline_log_loss", "btyd_log_loss", "calibration_slope", "ece"}
    assert promised | {"n_population", "churn_rate"} <= set(found)


def test_forecasts_stand_side_by_side_and_one_is_used(brand):
    table, found = brand.get("churn_comparison"), brand.get("churn_evaluation")
    assert len(table) == 3
    assert table["is_used"].tolist() == [True, False, False]
    assert table["gates_en"].iloc[0] == "3 of 3"
    assert table["log_loss"].iloc[0] == found["log_loss"]["value"]
    assert table["calibration_log_loss"].iloc[1] < table["calibration_log_loss"].iloc[2]
    assert (table["log_loss_ci_lower"] < table["log_loss"]).all()


def test_windows_are_disjoint_and_the_newest_origin_learnt_from_is_three_horizons_back(brand):
    days = brand.get("churn_history").groupby("origin_on")["role"].unique().sort_index()
    origins = [day.date() for day in days.index]
    assert [(later - earlier).days for earlier, later in pairwise([*origins, AS_OF])] == [HORIZON] * len(origins)
    assert [roles.tolist() for roles in days][-2:] == [["calibration"], ["judging"]]
    newest = max(day.date() for day, roles in days.items() if "training" in roles)
    assert (AS_OF - newest).days == 3 * HORIZON


def test_population_and_rate_of_the_judging_window_equal_a_count_by_hand(brand, orders):
    frame, found = brand.get("churn_frame"), brand.get("churn_evaluation")
    judging = (AS_OF - FIRST).days - HORIZON
    last = orders[orders["day"] <= judging].groupby("customer_id")["day"].max()
    active = last[judging - last <= frame["active_days"]].index
    bought = orders[orders["day"] > judging]["customer_id"].unique()
    assert found["n_population"]["value"] == len(active)
    assert found["churn_rate"]["value"] == pytest.approx(1 - active.isin(bought).mean())


def test_default_active_days_come_from_gaps_known_when_the_judging_window_opened(brand, orders):
    judging = (AS_OF - FIRST).days - HORIZON
    known = orders[orders["day"] <= judging].drop_duplicates(["customer_id", "day"]).sort_values(["customer_id", "day"])
    gaps = known.groupby("customer_id")["day"].diff().dropna()
    assert brand.get("churn_frame")["active_days"] == int(np.percentile(gaps, 95, method="inverted_cdf"))


def test_expected_leavers_are_the_sum_of_the_probabilities_and_lie_in_their_interval(brand):
    scores, headline = brand.get("churn_scores"), brand.get("churn_headline")
    at_risk = headline["n_at_risk"]
    assert at_risk["value"] == pytest.approx(scores["p_churn"].sum())
    assert at_risk["ci_lower"] < at_risk["value"] < at_risk["ci_upper"]
    assert headline["value_at_risk"]["value"] == pytest.approx(scores["value_at_risk"].sum())
    assert brand.get("churn_risk_grid")["n_customers"].sum() == len(scores) == headline["n_active"]["value"]


def test_value_at_risk_is_probability_times_the_last_years_spending_in_proportion(brand, orders):
    scores = brand.get("churn_scores").set_index("customer_id")
    year = orders[orders["day"] > (AS_OF - FIRST).days - 365].groupby("customer_id")["amount"].sum()
    expected = scores["p_churn"] * year.reindex(scores.index) * HORIZON / 365
    assert scores["value_at_risk"].to_numpy() == pytest.approx(expected.to_numpy(), abs=0.01)


def test_whom_to_save_first_are_those_with_most_at_risk(brand):
    first, scores = brand.get("churn_save_first"), brand.get("churn_scores")
    assert first["value_at_risk"].is_monotonic_decreasing
    assert first["value_at_risk"].min() >= scores["value_at_risk"].nlargest(len(first)).min()


def test_no_past_window_changes_when_later_orders_change(orders, brand, tmp_path):
    """Orders after the newest training window, planted or removed, leave its features and labels as they were."""
    end = (AS_OF - FIRST).days - 2 * HORIZON
    kept = orders[orders["day"] <= end]
    planted = kept.drop_duplicates("customer_id").assign(day=end + 3, amount=90.0)
    other = resolver(pd.concat([kept, planted]), tmp_path, active_days=brand.get("churn_frame")["active_days"])
    before, after = (r.get("churn_history").query("role == 'training'").reset_index(drop=True) for r in (brand, other))
    pd.testing.assert_frame_equal(before, after)


def test_a_snapshot_column_that_tells_the_future_never_enters(orders, brand, tmp_path):
    last = orders.groupby("customer_id")["day"].transform("max")
    leaking = orders.assign(member_level=np.where(last > (AS_OF - FIRST).days - HORIZON, "gold", "none"))
    other = resolver(leaking.assign(points=last), tmp_path)
    columns = set(other.get("churn_history").columns)
    assert columns.isdisjoint({"points", "member_level", "last_order_on"})
    assert columns - {"customer_id", "origin_on", "role", "churned"} <= set(PREDICTORS)
    pd.testing.assert_frame_equal(other.get("churn_history"), brand.get("churn_history"))


def leaking(column, leak):
    """Return ``collect_features`` with a column that somebody made from uncut tables."""

    def collect(tables, *, as_of, channels=None, only=None):
        table = collect_features(tables, as_of=as_of, channels=channels, only=only)
        known = leak(replace(tables, day=None), as_of).collect("pandas").to_native().set_index("customer_id")["leak"]
        return table.assign(**{column: table["customer_id"].map(known).astype(float).to_numpy()})

    return collect


def orders_of_the_next_month(tables, as_of):
    later = tables.lazy("orders").filter(nw.col("ordered_on") <= as_of + timedelta(days=30))
    return later.group_by("customer_id").agg(nw.len().alias("leak"))


def member_level_of_today(tables, as_of):
    return tables.lazy("orders").group_by("customer_id").agg(nw.col("points").max().alias("leak"))


@pytest.mark.parametrize(
    ("column", "leak"), [("n_orders_30d", orders_of_the_next_month), ("order_value_trend", member_level_of_today)]
)
def test_a_planted_leak_is_named_and_stops_the_page(orders, tmp_path, monkeypatch, column, leak):
    """An order of the next month counted in, and a snapshot passed off as a feature: both are found, by name."""
    last = orders.groupby("customer_id")["day"].transform("max")
    planted = resolver(orders.assign(points=last.astype(float)), tmp_path)
    monkeypatch.setattr("analysis.recipes.churn.collect_features", leaking(column, leak))
    with pytest.raises(LeakError, match=f"'{column}'") as caught:
        planted.get("churn_verdict")
    assert caught.value.columns == (column,)
    for page in ("churn_headline", "churn_scores", "churn_evaluation"):
        with pytest.raises(LeakError):
            planted.get(page)


def test_what_the_model_was_given_is_what_truncated_data_give(brand):
    checked = brand.get("churn_leakage")
    assert (checked["n_different"] == 0).all()
    assert checked["n_customers"].min() > 200
    history = brand.get("churn_history")
    assert set(checked["origin_on"]) == {history["origin_on"].min(), history["origin_on"].max()}
    predictors = set(history.columns) - {"customer_id", "origin_on", "role", "churned"}
    assert set(checked["column"]) == predictors | {"customer_id"}


def test_permuted_labels_leave_nothing_to_rank(brand):
    history, question = brand.get("churn_history"), brand.get("churn_question")
    areas = [recipes.churn_permutation(history, question, seed)["value"] for seed in range(4)]
    assert abs(np.mean(areas) - 0.5) < 0.02
    told = brand.get("churn_evaluation")["auc_permuted"]
    assert abs(told["value"] - 0.5) < 0.05


def test_many_customers_are_looked_at_in_part_and_counted_and_scored_in_full(orders, brand, tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "_CUSTOMERS_LOOKED_AT", 3_000)
    part = resolver(orders, tmp_path, active_days=brand.get("churn_frame")["active_days"])
    whole, some = brand.get("churn_history"), part.get("churn_history")
    share = part.get("churn_frame")["share_looked_at"]
    assert 0.4 < share < 0.9
    assert len(some) / len(whole) == pytest.approx(share, abs=0.05)
    rows = some.merge(whole, on=["customer_id", "origin_on"], suffixes=("", "_whole"))
    assert len(rows) == len(some)
    assert (rows["churned"] == rows["churned_whole"]).all()
    assert rows["frequency"].equals(rows["frequency_whole"].rename("frequency"))
    for number in ("n_population",):
        assert part.get("churn_evaluation")[number]["value"] == brand.get("churn_evaluation")[number]["value"]
    assert len(part.get("churn_scores")) == len(brand.get("churn_scores"))


def test_of_a_part_every_predictor_is_what_all_columns_give(tmp_path):
    source = DataSource(source="demo/coffee", demo=Demo(customers=600, seed=7))
    now = datetime(2026, 7, 1, tzinfo=UTC)
    tables = open_tables(load(source, now=now, timezone="Asia/Shanghai", cache=tmp_path, base=Path()).folder)
    whole = collect_features(tables, as_of=AS_OF, channels=(), only=PREDICTORS)
    some = whole.iloc[::3].reset_index(drop=True)
    part = tables.read_once(some["customer_id"].tolist(), columns=SOURCES)
    assert set(PREDICTORS) < set(whole.columns)
    pd.testing.assert_frame_equal(collect_features(part, as_of=AS_OF, channels=(), only=PREDICTORS), some)


def test_where_few_come_back_churn_is_not_the_question(tmp_path):
    once = resolver(shop(customers=1_500, seed=2, stay=0.02), tmp_path)
    assert once.get("churn_verdict")["verdict"] == Verdict.NOT_THE_QUESTION
    assert "只买一次" in once.get("churn_headline")["reason"]["zh"]
    assert once.get("churn_scores").empty
    assert once.get("churn_save_first").empty


def test_where_the_money_comes_in_one_large_order_churn_is_not_the_question(tmp_path):
    orders = shop(customers=800, seed=3)
    first = ~orders.duplicated("customer_id")
    large = resolver(orders.assign(amount=orders["amount"] + np.where(first, 20_000.0, 0.0)), tmp_path)
    assert large.get("churn_verdict")["verdict"] == Verdict.NOT_THE_QUESTION
    assert "一笔大单" in large.get("churn_headline")["reason"]["zh"]


def test_few_customers_are_too_few_to_judge_and_the_rate_is_still_told(tmp_path):
    small = resolver(shop(customers=250, seed=4), tmp_path)
    assert small.get("churn_verdict")["verdict"] == Verdict.TOO_FEW
    found = small.get("churn_evaluation")
    assert found["auc"]["value"] is None
    assert 0 < found["churn_rate"]["value"] < 1


def test_a_horizon_longer_than_history_allows_is_too_short(orders, tmp_path):
    short = resolver(orders[orders["day"] > 450], tmp_path)
    assert short.get("churn_verdict")["verdict"] == Verdict.TOO_SHORT


def test_last_years_season_is_followed_as_far_as_it_held(brand):
    levels, season = brand.get("churn_levels"), brand.get("churn_season")
    assert np.isnan(levels["level"].iloc[-1])
    assert levels["level"].iloc[:-1].notna().all()
    assert len(season["next"]["surprises"]) == len(season["judging"]["surprises"]) + 1
