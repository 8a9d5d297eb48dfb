from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

Read = Callable[[str], pd.DataFrame]


def test_lines_add_up_to_their_order_to_the_cent(beauty: Read, sales: pd.DataFrame) -> None:
    lines = beauty("order_items").groupby("order_id").amount.sum()
    cents = (sales.set_index("order_id").amount * 100).round()
    assert ((lines.loc[cents.index] * 100).round() == cents).all()


def test_buyers_of_the_middling_brand_buy_about_five_times_and_many_known_customers_never(
    beauty: Read, sales: pd.DataFrame
) -> None:
    per_buyer = sales.customer_id.value_counts()
    assert 4.0 < per_buyer.mean() < 6.0
    assert 0.25 < 1 - len(per_buyer) / len(beauty("customers")) < 0.5


def test_the_sale_days_tower_over_usual_days(sales: pd.DataFrame) -> None:
    day = sales.ordered_at.dt.tz_convert("Asia/Shanghai").dt.date.astype(str)
    counts = day.value_counts()
    assert counts["2025-11-11"] > 4 * counts["2025-10-15"]


def test_refunds_come_as_rows_and_as_status(beauty: Read) -> None:
    orders = beauty("orders").drop_duplicates()
    rows = orders[orders.amount < 0]
    marked = orders[orders.status == "refunded"]
    assert 0.015 < len(rows) / len(orders) < 0.03
    assert 0.015 < len(marked) / len(orders) < 0.03
    assert (marked.refunded_at > marked.ordered_at).all()
    assert 0.05 < rows.refund_of.isna().mean() < 0.2
    refunded = orders.set_index("order_id").amount.loc[rows.refund_of.dropna()]
    assert (-rows.dropna(subset="refund_of").amount.to_numpy() <= refunded.to_numpy() + 1e-9).all()


def test_one_row_in_a_thousand_breaks_the_contract_and_the_truth_names_it(beauty: Read) -> None:
    orders, broken = beauty("orders"), beauty("truth/violations")
    assert len(broken) / len(orders) == pytest.approx(0.001, abs=0.0003)
    assert orders.order_id.isna().sum() == (broken.reason == "empty_key").sum()
    two = orders[orders.order_id.isin(broken.key[broken.reason == "two_customers"])]
    assert (two.groupby("order_id").customer_id.nunique() == 2).all()
    rest = orders[~orders.order_id.isin(broken.key.dropna()) & orders.order_id.notna()].drop_duplicates()
    assert not rest.order_id.duplicated().any()


def test_exact_twins_and_anonymous_sales_are_there(beauty: Read) -> None:
    orders = beauty("orders")
    assert 0.0005 < orders.duplicated().mean() < 0.003
    assert 0.02 < orders.customer_id.isna().mean() < 0.04


def test_nobody_buys_before_being_known(beauty: Read, sales: pd.DataFrame) -> None:
    seen = beauty("customers").set_index("customer_id").first_seen_at
    assert (sales.ordered_at.to_numpy() >= seen.loc[sales.customer_id].to_numpy()).all()


def test_deal_seekers_use_more_discounts(beauty: Read, sales: pd.DataFrame) -> None:
    share = sales.assign(off=sales.discount > 0).groupby("customer_id").off.mean().rename("off")
    truth = beauty("truth/customers").set_index("customer_id").join(share, how="inner")
    assert np.corrcoef(truth.off, truth.discount_use)[0, 1] > 0.4
