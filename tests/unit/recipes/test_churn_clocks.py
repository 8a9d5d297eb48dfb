"""The page of both clocks on a synthetic brand and on shops that lack one of them."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.churn.two_clocks import LEAVE_ALONE
from analysis.context import RunContext
from analysis.data.load import load
from analysis.data.mapping import DataSource, Demo
from analysis.page.blocks import PLACEHOLDER
from analysis.params import notebook_models
from analysis.recipes import churn_clocks as recipes
from analysis.recipes.resolver import Resolver

AS_OF, SAVE_FIRST = date(2026, 6, 30), 120


def open_recipes(data, folder):
    chosen = {"churn": {"save_first": SAVE_FIRST}}
    context = RunContext(
        book="test", title={}, data=data, data_digest="test", as_of=AS_OF, timezone="Asia/Shanghai",
        languages=("zh", "en"), currency="CNY", seed=1, min_cell=10, engine="duckdb", industry=None, params=chosen,
        out=folder, cache=folder / "cache", previous=None, run_id="scratch",
    )  # fmt: skip
    return Resolver(context, notebook_models(chosen))


def loaded(brand, folder, *, customers):
    source = DataSource(source=f"demo/{brand}", demo=Demo(customers=customers, seed=7))
    return load(source, now=datetime(2026, 7, 1, tzinfo=UTC), timezone="Asia/Shanghai", cache=folder, base=Path())


@pytest.fixture(scope="module")
def beauty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beauty")
    return open_recipes(loaded("beauty", folder, customers=2_000).folder, folder)


@pytest.fixture(scope="module")
def surgery(tmp_path_factory):
    folder = tmp_path_factory.mktemp("surgery")
    return open_recipes(loaded("hair_transplant", folder, customers=1_000).folder, folder)


@pytest.fixture(scope="module")
def no_contacts(beauty):
    """The same shop's tables as they would be without contacts."""
    told = {name: beauty.get(name) for name in ("features", "churn_scores", "churn_evaluation", "churn_headline",
                                                "churn_season", "churn_verdict")}  # fmt: skip
    params = beauty.params["churn"]
    table = recipes.two_clocks(told["features"], told["churn_scores"], params)
    headline = recipes.two_clocks_headline(
        table, told["churn_evaluation"], told["churn_headline"], told["churn_season"], told["churn_scores"]
    )
    kept = json.loads(json.dumps(headline, default=lambda value: value.as_result()))
    return table, kept, recipes.two_clocks_page(kept, recipes.two_clocks_grid(table), told["churn_verdict"])


def test_every_buyer_is_on_the_page_once_with_what_both_clocks_say(beauty):
    table = beauty.get("two_clocks")
    features, scores, deletes = (beauty.get(name) for name in ("features", "churn_scores", "delete_scores"))
    assert table["customer_id"].tolist() == features["customer_id"].tolist()
    assert table["p_churn"].notna().sum() == len(scores)
    assert table["p_delete"].notna().sum() == deletes["customer_id"].isin(features["customer_id"]).sum()
    assert table["group"].notna().all()


def test_the_list_holds_contacts_with_most_money_at_risk_and_those_left_alone_are_not_on_it(beauty):
    table, first, alone = (beauty.get(f"two_clocks{end}") for end in ("", "_save_first", "_leave_alone"))
    assert len(first) == SAVE_FIRST
    assert first["p_delete"].notna().all()
    assert first["value_at_risk"].is_monotonic_decreasing
    reachable = table[table["p_churn"].notna() & table["p_delete"].notna()]
    assert first["value_at_risk"].min() >= reachable["value_at_risk"].nlargest(SAVE_FIRST).min()
    assert not set(first["customer_id"]) & set(alone["customer_id"])
    assert set(alone["group"]) <= set(LEAVE_ALONE)
    assert alone["reason_zh"].notna().all()


def test_numbers_of_the_list_are_those_of_the_lists(beauty):
    headline, groups = beauty.get("two_clocks_headline"), beauty.get("two_clocks_groups")
    first = beauty.get("two_clocks_save_first")
    worth = headline["save_first_value"]
    assert worth["value"] == pytest.approx(first["value_at_risk"].sum())
    assert worth["ci_lower"] < worth["value"] < worth["ci_upper"]
    assert headline["n_leave_alone"]["value"] == len(beauty.get("two_clocks_leave_alone"))
    assert groups["n_customers"].sum() == len(beauty.get("features"))
    total = headline["value_at_risk"]["value"]
    assert groups["value_at_risk"].sum() == pytest.approx(total)
    assert headline["save_first_share"]["value"] == pytest.approx(worth["value"] / total)


def test_those_who_go_in_silence_and_by_both_doors_add_up_to_those_who_stop_buying(beauty):
    headline, table = beauty.get("two_clocks_headline"), beauty.get("two_clocks")
    both = table[table["p_churn"].notna() & table["p_delete"].notna()]
    assert headline["n_on_both"]["value"] == len(both)
    expected = headline["n_silent"]["value"] + headline["n_both"]["value"]
    assert expected == pytest.approx(both["p_churn"].sum())
    for name in ("n_silent", "n_both"):
        assert headline[name]["ci_lower"] < headline[name]["value"] < headline[name]["ci_upper"]
        assert headline[name]["confidence_level"] == 0.8


def test_results_hold_both_clocks_under_names_that_do_not_meet(beauty):
    headline = beauty.get("two_clocks_headline")
    purchase, relationship = (beauty.get(f"{clock}_evaluation") for clock in ("churn", "relationship"))
    for name in ("auc", "log_loss", "baseline_log_loss", "calibration_slope", "ece", "n_population", "churn_rate"):
        assert headline[name] == purchase[name]
    assert headline["delete_rate"] == relationship["delete_rate"]
    assert headline["relationship.n_contacts"] == relationship["n_contacts"]
    assert headline["n_expected_deletions"] == beauty.get("relationship_headline")["n_expected"]


def test_the_incidence_in_the_claim_is_the_curves_own(beauty):
    headline, curves = beauty.get("two_clocks_headline"), beauty.get("relationship_incidence_all")
    observed = curves[(curves["method"] == "observed") & (curves["door"] == "customer")].set_index("days_since_added")
    for share, days in (("deleted_early", "early_days"), ("deleted_later", "later_days")):
        row = observed.loc[int(headline[days]["value"])]
        assert headline[share]["value"] == pytest.approx(row["share_contacts"])
        assert headline[share]["ci_upper"] == pytest.approx(row["share_contacts_ci_upper"])
    assert headline["early_days"]["value"] == 7
    assert 330 <= headline["later_days"]["value"] <= 365


def test_a_shop_with_both_clocks_shows_all_and_decides_on_the_list_first_and_flagged_codes_next(beauty):
    page = beauty.get("two_clocks_page")
    assert all(page[name] for name in ("purchase", "relationship", "both", "touches", "codes"))
    assert [decision["worth"] for decision in page["decisions"]] == ["save_first_value", None]
    assert [tile["name"] for tile in page["tiles"]][:2] == ["n_at_risk", "value_at_risk"]


def test_every_number_a_text_names_is_there(beauty, surgery, no_contacts):
    shops = [(r.get("two_clocks_page"), r.get("two_clocks_headline")) for r in (beauty, surgery)]
    for page, headline in [*shops, no_contacts[:0:-1]]:
        texts = [page["answer"], *(decision["words"] for decision in page["decisions"])]
        texts += [page["groups_note"]] if page["purchase"] else []
        texts += [page[f"{name}_claim"] for name in ("touches", "codes") if page[name]]
        named = {name for text in texts for name, _ in PLACEHOLDER.findall(str(text))}
        assert named
        assert named <= set(headline)
        assert all(headline[tile["name"]] for tile in page["tiles"])


def test_a_shop_that_sells_one_thing_once_still_has_the_relationship_clock_and_is_pointed_to_the_next_need(surgery):
    page, headline = surgery.get("two_clocks_page"), surgery.get("two_clocks_headline")
    assert page["relationship"]
    assert not page["purchase"]
    assert not page["both"]
    assert "next need" in page["answer"]["detail_en"]
    assert headline["n_expected_deletions"]["value"] > 0
    assert surgery.get("two_clocks_groups").empty
    assert surgery.get("two_clocks_save_first").empty


def test_a_shop_without_contacts_has_the_purchase_clock_alone_and_says_what_the_other_needs(no_contacts):
    table, headline, page = no_contacts
    assert page["purchase"]
    assert not any(page[name] for name in ("relationship", "both", "touches", "codes"))
    assert "contacts" in page["answer"]["detail_en"]
    assert "n_expected_deletions" not in headline
    assert not set(table["group"]) & {"not_a_contact", "may_delete"}
    assert headline["n_not_a_contact"]["value"] == 0
    assert "mean_p_delete" not in recipes.two_clocks_groups(table)


def test_the_picture_of_doors_keeps_the_days_of_the_claim_and_the_end_of_every_curve(beauty):
    shown, curves = beauty.get("two_clocks_doors"), beauty.get("relationship_incidence_all")
    headline = beauty.get("two_clocks_headline")
    days = set(shown["days_since_added"])
    assert {headline["early_days"]["value"], headline["later_days"]["value"]} <= days
    assert set(shown["door"]) == {"customer", "staff"}
    assert len(shown) < 0.75 * len(curves)
    keys = ["method", "door", "days_since_added"]
    together = shown.merge(curves, on=keys, suffixes=("", "_all"))
    assert len(together) == len(shown)
    assert together["share_contacts"].equals(together["share_contacts_all"])
    assert max(days) == curves["days_since_added"].max()


def test_staff_are_shown_by_who_keeps_fewest_ten_at_most(beauty):
    shown = beauty.get("two_clocks_staff")
    assert len(shown) <= 10
    assert shown["d7"].is_monotonic_increasing
    assert "p_value" not in shown


def test_the_comparison_shows_the_gates_first_and_loses_no_forecast(beauty):
    shown, all_of_it = beauty.get("two_clocks_comparison"), beauty.get("churn_comparison")
    assert list(shown.columns[2:5]) == ["gates_zh", "gates_en", "is_used"]
    assert len(shown) == len(all_of_it)
    assert shown["is_used"].sum() == 1


def test_contacts_of_which_none_was_ever_deleted_leave_the_other_clock_silent(beauty):
    deletes = beauty.get("delete_scores").head(0)
    params = beauty.params["churn"]
    table = recipes.two_clocks(beauty.get("features"), beauty.get("churn_scores"), params, deletes)
    assert table["p_delete"].isna().all()
    assert not set(table["group"]) & {"not_a_contact", "may_delete"}
    assert np.isnan(table["p_delete"]).all()
    assert isinstance(recipes.two_clocks_grid(table), pd.DataFrame)
