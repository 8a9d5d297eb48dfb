"""The next need out of time on the Complete Journey: windows of 80 % hold 75-85 % of the purchases that came."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.churn.next_need.evaluation import NeedVerdict
from analysis.context import RunContext
from analysis.params import notebook_models
from analysis.recipes.resolver import Resolver

JOURNEY = Path(__file__).parents[3] / "shared" / "data" / "complete_journey"
LAST = date(2017, 12, 31)


def number(table, name, column):
    """Return one number of a table of named numbers."""
    return float(table[column].to_dict()[name])


def resolver(orders, folder, *, horizon, as_of=LAST):
    (folder / "data").mkdir(parents=True)
    orders.assign(order_id=[f"o{i}" for i in range(len(orders))], amount=orders["amount"].clip(lower=0.01)).to_parquet(
        folder / "data" / "orders.parquet", index=False
    )
    chosen = {"value": {"next_need_days": horizon}}
    context = RunContext(
        book="test", title={}, data=folder / "data", data_digest="test", as_of=as_of, timezone="America/New_York",
        languages=("en",), currency="USD", seed=1, min_cell=10, engine="duckdb", industry=None, params=chosen,
        out=folder, cache=folder / "cache", previous=None, run_id="scratch",
    )  # fmt: skip
    return Resolver(context, notebook_models(chosen))


@pytest.fixture(scope="module")
def baskets():
    if not (JOURNEY / "baskets.parquet").is_file():
        pytest.skip("the Complete Journey is not on this machine (../shared/data)")
    found = pd.read_parquet(JOURNEY / "baskets.parquet")
    at = found["timestamp"].astype("datetime64[us]")
    return pd.DataFrame(
        {
            "customer_id": found["household_id"].astype(str),
            "ordered_at": at,
            "ordered_on": at.dt.date,
            "amount": found["sales_value"],
        }
    )


@pytest.fixture(scope="module")
def departments():
    """Households by week and department; a week stands for its first day, since nothing finer is known."""
    if not (JOURNEY / "household_week_department.parquet").is_file():
        pytest.skip("the Complete Journey is not on this machine (../shared/data)")
    found = pd.read_parquet(JOURNEY / "household_week_department.parquet")
    found = found[found["department"] != "OTHER"]
    monday = pd.Timestamp("2016-12-26") + pd.to_timedelta(7 * (found["week"].astype(int) - 1), unit="D")
    return pd.DataFrame(
        {
            "customer_id": found["household_id"].astype(str),
            "ordered_at": monday.astype("datetime64[us]"),
            "ordered_on": monday.dt.date,
            "amount": found["sales_value"],
            "category": found["department"],
        }
    )


@pytest.mark.parametrize(
    ("horizon", "weeks_earlier"), [(21, 0), (28, 0), (21, 6), (28, 12)], ids=lambda value: f"{value}"
)
def test_windows_of_households_hold_and_are_sharper_than_the_pooled_one(baskets, tmp_path, horizon, weeks_earlier):
    as_of = LAST - pd.Timedelta(weeks=weeks_earlier)
    recipes = resolver(baskets, tmp_path, horizon=horizon, as_of=as_of)
    found = recipes.get("next_need_evaluation").set_index("name")
    assert 0.75 <= number(found, "coverage", "value") <= 0.85
    assert number(found, "width", "value") < number(found, "pooled_width", "value")
    assert number(found, "density_gain", "ci_lower") > 0.05
    assert recipes.get("next_need_verdict") == {"verdict": NeedVerdict.OWN, "failed": []}
    assert number(found, "log_loss", "ci_upper") < number(found, "base_log_loss", "ci_lower")
    need = recipes.get("next_need")
    assert len(need) == baskets.loc[baskets["ordered_on"] <= as_of, "customer_id"].nunique()


def test_windows_of_weekly_departments_hold_where_there_are_buyers_enough(departments, tmp_path):
    recipes = resolver(departments, tmp_path, horizon=28)
    table = recipes.get("next_need_category_evaluation")
    judged = table[table["verdict"] != NeedVerdict.TOO_FEW]
    assert len(judged) >= 4
    assert judged["coverage"].between(0.75, 0.85).mean() >= 0.75
    assert np.average(judged["coverage"], weights=judged["n_buyers"]) == pytest.approx(0.8, abs=0.04)
