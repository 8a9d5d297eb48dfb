"""One row per customer with all that is expected of them, by the names that strategies and the send plan read."""

import ast
import inspect

import pandas as pd

from analysis.recipes import strategy_customers as strategies
from analysis.recipes.customer_outlook import customer_outlook

FEATURES = pd.DataFrame({"customer_id": ["c", "a", "b"]})
CHURN = pd.DataFrame({"customer_id": ["a"], "p_churn": [0.4], "value_at_risk": [40.0], "risk_band": ["top_20"]})
DELETES = pd.DataFrame({"customer_id": ["b", "z"], "p_delete": [0.1, 0.2], "n_open_contacts": [1, 2]})
VALUE = pd.DataFrame(
    {"customer_id": ["a", "b", "c"], "clv": [1.0, 2.0, 3.0], "clv_ci_lower": 0.5, "clv_ci_upper": 4.0,
     "confidence_level": 0.8, "order_value": 9.0}
)  # fmt: skip
NEED = pd.DataFrame(
    {"customer_id": ["a", "b", "c"], "p_purchase": [0.1, 0.2, 0.3],
     **{f"next_need_{end}_on": pd.Timestamp("2026-07-10") for end in ("from", "middle", "until")}}
)  # fmt: skip
CLOCK = pd.DataFrame(
    {"customer_id": ["a", "b", "c"], "p_alive": 0.5, "rate_shape": 1.0, "rate_days": 90.0, "dropout_a": 1.0,
     "dropout_b": 9.0, "orders_next_year": 2.0, "rate": 0.01, "p_dropout": 0.1}
)  # fmt: skip


def outlook(**given):
    known = {"churn_scores": CHURN, "delete_scores": DELETES, "customer_value": VALUE, "next_need": NEED}
    return customer_outlook(FEATURES, **{**known, "purchase_clock": CLOCK, **given})


def test_every_buyer_has_one_row_by_id_and_nobody_else():
    table = outlook()
    assert table["customer_id"].tolist() == ["a", "b", "c"]
    assert table.loc[0, "p_churn"] == 0.4
    assert table["p_churn"].isna().tolist() == [False, True, True]  # who is not active is not asked about
    assert table["p_delete"].isna().tolist() == [True, False, True]
    assert table["clv"].tolist() == [1.0, 2.0, 3.0]


def test_a_forecast_that_the_data_cannot_give_has_no_columns_and_costs_the_others_nothing():
    table = outlook(delete_scores=None, purchase_clock=None, churn_scores=CHURN.head(0))
    assert not {"p_delete", "n_open_contacts", "p_alive", "rate_days", "p_churn"} & set(table.columns)
    assert {"clv", "clv_ci_lower", "clv_ci_upper", "p_purchase", "next_need_from_on"} <= set(table.columns)
    assert customer_outlook(FEATURES).columns.tolist() == ["customer_id"]


def test_the_category_of_the_next_need_comes_where_there_is_one():
    assert "next_need_category" not in outlook()
    assert outlook(next_need=NEED.assign(next_need_category="cream"))["next_need_category"].eq("cream").all()


def test_strategies_find_every_forecast_they_read_under_the_same_name():
    table = outlook(next_need=NEED.assign(next_need_category="cream"))
    said = {name for columns in strategies._SAID.values() for name in columns}
    need = {f"{name}_on" for name in strategies._NEED_DAYS} | {"p_purchase", "next_need_category"}
    tiers = {"tier", "tier_zh", "tier_en"}
    assert (said - tiers) | need | {"p_churn"} <= set(table.columns)


def test_strategies_find_the_purchase_clock_they_read_under_the_same_name():
    table, tree = outlook(), ast.parse(inspect.getsource(strategies))
    read = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert {"rate_shape", "rate_days", "p_alive"} <= read & set(table.columns)
