"""The recipes of the next need on simulated shops: every customer answered, or why not; the future unseen."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.churn.next_need import wording
from analysis.churn.next_need.evaluation import NeedVerdict
from analysis.context import RunContext
from analysis.params import notebook_models
from analysis.recipes.resolver import Resolver

FIRST, AS_OF, HORIZON = date(2025, 1, 1), date(2026, 6, 30), 30
LAST = (AS_OF - FIRST).days
CATEGORIES = ("filter", "beans")


def shop(*, customers, seed, gaps=(10, 70), last=LAST):
    """Customers who refill filters and beans by gamma gaps of their own."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        for category in CATEGORIES:
            gap = rng.uniform(*gaps) * (1 if category == "beans" else 2)
            day = rng.uniform(0, gap)
            while day <= last:
                rows.append((f"c{customer:05d}", int(day), category))
                day += 1 + rng.gamma(4, gap / 4)
    return pd.DataFrame(rows, columns=["customer_id", "day", "category"])


def number(table, name, column):
    """Return one number of a table of named numbers."""
    return float(table[column].to_dict()[name])


def resolver(orders, folder, *, horizon=HORIZON, as_of=AS_OF):
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
            "amount": 20.0,
            **{name: orders[name] for name in orders.columns.intersection(["category"])},
        }
    )
    table.to_parquet(folder / "data" / "orders.parquet", index=False)
    chosen = {"value": {"next_need_days": horizon}}
    context = RunContext(
        book="test", title={}, data=folder / "data", data_digest="test", as_of=as_of, timezone="Asia/Shanghai",
        languages=("zh", "en"), currency="CNY", seed=1, min_cell=10, engine="duckdb", industry=None, params=chosen,
        out=folder, cache=folder / "cache", previous=None, run_id="scratch",
    )  # fmt: skip
    return Resolver(context, notebook_models(chosen))


@pytest.fixture(scope="module")
def orders():
    return shop(customers=1_500, seed=1)


@pytest.fixture(scope="module")
def brand(orders, tmp_path_factory):
    return resolver(orders, tmp_path_factory.mktemp("brand"))


def test_every_customer_has_a_chance_and_a_window_within_the_horizon(brand, orders):
    need = brand.get("next_need")
    assert sorted(need["customer_id"]) == sorted(orders["customer_id"].unique())
    assert need["p_purchase"].between(0, 1).all()
    first, last = pd.Timestamp(AS_OF) + pd.Timedelta(days=1), pd.Timestamp(AS_OF) + pd.Timedelta(days=HORIZON)
    for start, end in (("from", "middle"), ("middle", "until")):
        assert (need[f"next_need_{start}_on"] <= need[f"next_need_{end}_on"]).all()
    assert need["next_need_from_on"].min() >= first
    assert need["next_need_until_on"].max() <= last
    assert set(need["next_need_category"]) == set(CATEGORIES)


def test_own_windows_of_regular_customers_hold_and_are_sharper(brand):
    assert brand.get("next_need_verdict") == {"verdict": NeedVerdict.OWN, "failed": []}
    found = brand.get("next_need_evaluation").set_index("name")
    assert 0.75 <= number(found, "coverage", "value") <= 0.85
    assert number(found, "width", "value") < number(found, "pooled_width", "value")
    assert number(found, "log_loss", "ci_upper") < number(found, "base_log_loss", "ci_lower")


def test_the_coverage_told_is_that_of_the_windows_shown(brand):
    headline = set(brand.get("next_need_headline")["name"])
    for verdict, told in ((NeedVerdict.OWN, "coverage"), (NeedVerdict.POOLED, "pooled_coverage")):
        assert told in headline
        assert all(f"{{{told}:full}}" in words for words in wording.detail(verdict, failed=[]).values())


def test_windows_by_category_hold(brand):
    table = brand.get("next_need_category_evaluation").set_index("category")
    assert (table["verdict"] == NeedVerdict.OWN).all()
    assert table["coverage"].between(0.75, 0.85).all()


def test_calendar_adds_up_to_the_chances_and_holds_the_actual_weeks_interval(brand):
    calendar, forecast = brand.get("next_need_calendar"), brand.get("next_need_forecast")
    everybody = calendar[calendar["category"] == ""]
    assert everybody["expected_buyers"].sum() == pytest.approx(forecast["p_purchase"].sum(), rel=1e-4)
    assert (everybody["expected_buyers_ci_lower"] < everybody["expected_buyers"]).all()
    days = (everybody["week_until_on"] - everybody["week_from_on"]).dt.days + 1
    assert days.tolist() == [7, 7, 7, 7, 2]
    headline = brand.get("next_need_headline").set_index("name")
    assert number(headline, "expected_buyers", "value") == pytest.approx(forecast["p_purchase"].sum())


def test_waits_and_roles_equal_a_count_by_hand(brand, orders):
    past = brand.get("next_need_history")
    origin = pd.Timestamp(AS_OF) - pd.Timedelta(days=HORIZON)
    judged = past[past["role"] == "judging"]
    assert (judged["origin_on"] == origin).all()
    start = (origin.date() - FIRST).days
    later = orders[(orders["day"] > start) & (orders["day"] <= start + HORIZON)]
    first = later.groupby("customer_id")["day"].min() - start
    assert sorted(judged.loc[judged["wait_days"] > 0, "wait_days"]) == sorted(first)
    ends = past.groupby("role")["origin_on"].agg(["min", "max"])
    apart, last, first_of = pd.Timedelta(days=HORIZON), ends["max"].to_dict(), ends["min"].to_dict()
    assert last["training"] + apart <= first_of["calibration"]
    assert last["calibration"] + apart <= first_of["judging"]


def test_no_learning_window_changes_when_later_orders_change(orders, brand, tmp_path):
    end = LAST - 2 * HORIZON
    kept = orders[orders["day"] <= end]
    planted = kept.drop_duplicates("customer_id").assign(day=end + 3)
    other = resolver(pd.concat([kept, planted]), tmp_path)
    before, after = (
        r.get("next_need_history").query("role == 'training'").reset_index(drop=True) for r in (brand, other)
    )
    pd.testing.assert_frame_equal(before, after)
    clocks = [r.get("next_need_clock") for r in (brand, other)]
    early = before["origin_on"].max()
    first, second = (c[c["origin_on"] <= early].reset_index(drop=True) for c in clocks)
    pd.testing.assert_frame_equal(first, second)


def test_without_categories_the_need_has_none_and_the_page_stays_whole(orders, tmp_path):
    plain = resolver(orders.drop(columns="category").head(20_000), tmp_path)
    assert "next_need_category" not in plain.get("next_need")
    assert plain.get("next_need_category_evaluation").empty
    assert plain.get("next_need_transitions").empty
    assert set(plain.get("next_need_calendar")["category"]) == {""}


def test_a_short_history_says_so(orders, tmp_path):
    short = resolver(orders[orders["day"] > LAST - 3 * HORIZON], tmp_path)
    assert short.get("next_need_verdict")["verdict"] == NeedVerdict.TOO_SHORT
    assert short.get("next_need")["next_need_from_on"].isna().all()
    assert short.get("next_need_calendar").empty
    assert short.get("next_need_pit").empty
    assert "历史太短" in short.get("next_need_words")["reason"]["zh"]
    assert short.get("next_need_headline")["name"].tolist() == ["horizon", "n_customers"]


def test_few_customers_are_too_few_and_all_tables_stand(tmp_path):
    small = resolver(shop(customers=40, seed=3), tmp_path)
    assert small.get("next_need_verdict")["verdict"] == NeedVerdict.TOO_FEW
    assert small.get("next_need")["p_purchase"].notna().all()
    for name in ("next_need_calendar", "next_need_pit", "next_need_headline", "next_need_evaluation"):
        assert len(small.get(name))
    assert "没法检验" in small.get("next_need_words")["claim"]["zh"]
