"""Recipes of the tiers page, on a small shop."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.connect import open_tables
from analysis.errors import TooFewError
from analysis.features.table import collect, feature_table
from analysis.params import TiersParams
from analysis.recipes import tiers
from analysis.recipes.purchases import ordered_purchases

AS_OF = date(2026, 5, 31)


def orders_csv(*, until: date, seed: int = 1, n: int = 3_000) -> str:
    """Orders of a year up to a day; those after it come from another seed, so that the future can be changed."""
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 365, n)
    table = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(n)],
            "customer_id": [f"u{i}" for i in rng.zipf(1.5, n) % 600],
            "ordered_at": [(AS_OF - timedelta(days=int(d))).isoformat() + " 12:00:00" for d in days],
            "amount": rng.lognormal(4, 1, n).round(2),
        }
    )
    later = pd.DataFrame(
        {
            "order_id": [f"later{i}" for i in range(40)],
            "customer_id": [f"u{i}" for i in range(40)],
            "ordered_at": f"{until.isoformat()} 12:00:00",
            "amount": 9_999.0,
        }
    )
    return pd.concat([table, later] if until > AS_OF else [table]).to_csv(index=False)


def made(load_files, csv: str, **files) -> tuple[Any, pd.DataFrame]:
    tables = open_tables(load_files({"orders.csv": csv, **files}).folder).as_of(AS_OF)
    return tables, collect(feature_table(tables, as_of=AS_OF))


def all_of(shop, params: TiersParams) -> dict[str, Any]:
    tables, features = shop
    ruler = tiers.tier_thresholds(features, params)
    members = tiers.rfm_tiers(features, ruler, params)
    return {
        "members": members,
        "ruler": tiers.tier_threshold_table(ruler),
        "summary": tiers.tier_summary(members, params),
        "moves": tiers.tier_migration(ordered_purchases(tables, AS_OF), AS_OF, members, ruler, params),
        "lorenz": tiers.lorenz(features),
        "listed": tiers.one_to_one_list(tables, members, params),
        "concentration": tiers.concentration(features, params, 1),
    }


def headline(found, params: TiersParams) -> dict[str, Any]:
    return tiers.tiers_headline(
        found["members"], found["summary"], found["moves"], found["concentration"], found["listed"], params
    )


@pytest.fixture
def shop(load_files):
    return made(load_files, orders_csv(until=AS_OF))


@pytest.mark.parametrize("params", [TiersParams(), TiersParams(cells=11), TiersParams(method="natural")])
def test_tiers_hold_every_customer_once_and_all_revenue(shop, params):
    found = all_of(shop, params)
    assert found["members"]["customer_id"].is_unique
    assert found["summary"]["n_customers"].sum() == len(shop[1])
    assert found["summary"]["revenue"].sum() == pytest.approx(shop[1]["revenue"].sum())
    assert len(found["summary"]) == params.cells


def test_rows_of_the_migration_add_up_to_one(shop):
    moves = all_of(shop, TiersParams())["moves"]
    assert moves[moves["n_from"] > 0].groupby("from_group")["share"].sum().to_numpy() == pytest.approx(1)


def test_whatever_happens_after_the_day_no_byte_changes(load_files):
    quiet = all_of(made(load_files, orders_csv(until=AS_OF)), TiersParams())
    loud = all_of(made(load_files, orders_csv(until=AS_OF + timedelta(days=20))), TiersParams())
    for name in ("members", "ruler", "summary", "moves", "lorenz", "listed"):
        pd.testing.assert_frame_equal(quiet[name], loud[name], check_exact=True)
    assert quiet["concentration"] == loud["concentration"]


def test_the_list_keeps_to_the_staffs_capacity_and_to_what_customers_refused(load_files):
    csv = orders_csv(until=AS_OF)
    everybody = all_of(made(load_files, csv), TiersParams(one_to_one_capacity=30))["listed"]
    assert len(everybody) == 30
    no, yes_again = everybody["customer_id"].iloc[:2]
    consents = pd.DataFrame(
        [
            (no, "private_chat", "granted", "2026-01-01"),
            (no, "private_chat", "refused", "2026-02-01"),
            (yes_again, "private_chat", "refused", "2026-01-01"),
            (yes_again, "private_chat", "granted", "2026-02-01"),
        ],
        columns=["customer_id", "channel", "status", "changed_at"],
    ).to_csv(index=False)
    asked = made(load_files, csv, **{"consents.csv": consents})
    listed = all_of(asked, TiersParams(one_to_one_capacity=30))["listed"]
    assert no not in set(listed["customer_id"])
    assert yes_again in set(listed["customer_id"])
    assert len(listed) == 30


def test_the_words_follow_from_the_numbers(shop):
    params = TiersParams()
    found = all_of(shop, params)
    said = headline(found, params)
    assert said["n_listed"]["value"] == len(found["listed"])
    assert said["gini"]["ci_lower"] < said["gini"]["value"] < said["gini"]["ci_upper"]
    richest = found["summary"].sort_values("revenue").iloc[-1]
    assert said["richest"] == {"zh": richest["tier_zh"], "en": richest["tier_en"]}
    risen, quiet = said["n_risen"]["value"], said["n_best_quiet"]["value"]
    assert ("More" in said["movement"]["en"]) == (quiet > risen)


def test_when_the_data_begin_after_the_earlier_day_the_page_says_so(shop):
    params = TiersParams(migration_days=3_000)
    said = headline(all_of(shop, params), params)
    assert "begin after" in said["movement"]["en"]
    assert said["best_quiet_share"]["value"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells": 9},
        {"method": "median"},
        {"method": "business"},
        {"method": "business", "thresholds": {"n_orders": [2.0]}},
        {"one_to_one_capacity": -1},
    ],
)
def test_parameters_that_make_no_sense_are_refused_in_the_book(wrong):
    with pytest.raises(ValueError):
        TiersParams(**wrong)


def test_business_thresholds_of_the_book_are_the_ruler(shop):
    given: dict[Any, list[float]] = {"days_since_last_order": [30.0], "n_orders": [3.0], "revenue": [500.0]}
    ruler = tiers.tier_thresholds(shop[1], TiersParams(method="business", thresholds=given))
    assert ruler == given


def test_fewer_than_ten_customers_get_no_tiers(shop):
    with pytest.raises(TooFewError, match="at least 10 customers, these data have 9"):
        tiers.tier_thresholds(shop[1].head(9), TiersParams())
