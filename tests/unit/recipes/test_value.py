"""From orders to customer values: the days, the models judged, what is used, and what the page says."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.churn import value_words
from analysis.churn.model_choice import choose, level_error
from analysis.data.connect import Tables, open_tables
from analysis.errors import AnalysisError, TooFewError
from analysis.features.table import collect_features
from analysis.fields import FIELDS
from analysis.params import ValueParams
from analysis.recipes import value as made
from analysis.recipes import value_page as page
from analysis.recipes.purchases import ordered_purchases

AS_OF = date(2026, 6, 30)
FIRST = date(2025, 1, 1)
PARAMS = ValueParams()
MARGIN = {"margin_share": 0.5, "origin": "given"}


def shop(folder: Path, *, seed: int = 1, n: int = 1500) -> Tables:
    """A shop of customers who buy by a BG/NBD clock over 18 months, with sources and acquisition spend."""
    rng = np.random.default_rng(seed)
    span = (AS_OF - FIRST).days
    rows = []
    for i in range(n):
        rate, leaves, day = rng.gamma(0.8, 1 / 40), rng.beta(1.0, 4.0), float(rng.integers(0, span - 20))
        worth = 80 * rng.gamma(4, 1 / 4)
        while day <= span:
            rows.append((f"c{i:04d}", pd.Timestamp(FIRST) + pd.Timedelta(days=int(day)), worth * rng.gamma(8, 1 / 8)))
            if rng.random() < leaves and len(rows) > 1 and rows[-2][0] == rows[-1][0]:
                break
            day += max(rng.exponential(1 / rate), 1.0)
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    orders["ordered_at"] = orders["ordered_at"].astype("datetime64[us]")
    orders = orders.assign(order_id=[f"o{i:06d}" for i in range(len(orders))], ordered_on=orders["ordered_at"].dt.date)
    orders.to_parquet(folder / "orders.parquet", index=False)
    ids = [f"c{i:04d}" for i in range(n)]
    sources = pd.DataFrame({"customer_id": ids, "source": np.where(np.arange(n) % 3 == 0, "live", "store")})
    sources.to_parquet(folder / "customers.parquet", index=False)
    spend = pd.DataFrame({"date": [FIRST] * 3, "source": ["store", "live", "idle"], "amount": [9e4, 9e5, 10.0]})
    spend.to_parquet(folder / "spend.parquet", index=False)
    return open_tables(folder).as_of(AS_OF)


def chain(tables: Tables, params: ValueParams) -> dict[str, Any]:
    """Resolve the chain by hand, in the resolver's order."""
    found: dict[str, Any] = {"tables": tables, "features": collect_features(tables, as_of=AS_OF)}
    frame = made.value_frame(found["features"], AS_OF, params)
    history = made.btyd_history(ordered_purchases(tables, AS_OF), frame)
    judged = made.btyd_judged(history, params, seed=1)
    holdout = made.value_holdout(history, judged, frame)
    choice = made.value_choice(holdout, params)
    today = made.btyd_today_history(found["features"], ordered_purchases(tables, AS_OF), frame, params)
    model = made.value_model(today, frame, choice, params, seed=1)
    spend = made.value_spend(found["features"], history, frame, params)
    level = made.value_level(holdout, choice)
    values = made.customer_values(found["features"], today, model, spend, MARGIN, level, params)
    return {
        **found, "today": today, "frame": frame, "history": history, "judged": judged, "holdout": holdout,
        "choice": choice,
        "model": model, "spend": spend, "level": level, "values": values,
    }  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, Any]:
    return chain(shop(tmp_path_factory.mktemp("shop")), PARAMS)


def test_the_last_quarter_of_history_judges_where_the_book_keeps_nothing_back(found):
    frame = found["frame"]
    assert not frame["kept_back"]
    assert frame["holdout_periods"] == pytest.approx(546 / 4 / 7, abs=1)
    assert date.fromisoformat(frame["calibration_ends_on"]) == date(2026, 6, 30) - pd.Timedelta(
        days=7 * frame["holdout_periods"]
    )


def test_periods_are_exactly_seven_days_and_a_day_counts_once(tmp_path):
    days = ["2026-01-01", "2026-01-01", "2026-01-15", "2026-02-02"]
    orders = pd.DataFrame({"ordered_at": pd.to_datetime(days).astype("datetime64[us]"), "amount": [5.0, 5.0, 6.0, 9.0]})
    orders = orders.assign(customer_id="c1", order_id=list("abcd"), ordered_on=orders["ordered_at"].dt.date)
    orders.to_parquet(tmp_path / "orders.parquet", index=False)
    frame = {"calibration_ends_on": "2026-01-29", "holdout_ends_on": "2026-02-05", "unit_days": 7}
    row = made.btyd_history(ordered_purchases(open_tables(tmp_path), date(2026, 2, 5)), frame).iloc[0]
    assert (row["frequency"], row["recency"], row["T"]) == (1, 2.0, 4.0)
    assert (row["monetary_value"], row["holdout_purchases"]) == (6.0, 1)


def test_models_are_fitted_on_all_history_unless_a_holdout_is_kept_back(found):
    today = made.btyd_today(found["today"], found["frame"], found["model"], PARAMS, seed=1)
    models = made.btyd_models(found["judged"], today, found["frame"], found["spend"])
    assert set(models["model"]) == {"bg_nbd", "pareto_nbd", "gamma_gamma"}
    btyd = models[models["model"] != "gamma_gamma"]
    assert (btyd["n_customers"] == len(found["features"])).all()
    results = page.value_results(models, found["holdout"], found["frame"])
    assert {"bg_nbd.r", "bg_nbd.log_likelihood", "pareto_nbd.beta", "gamma_gamma.q"} <= set(results)
    assert not any("holdout" in name for name in results)
    kept = found["frame"] | {"kept_back": True}
    assert {"bg_nbd.holdout_predicted", "bg_nbd.holdout_mae", "holdout_actual"} <= set(
        page.value_results(models, found["holdout"], kept)
    )


@pytest.mark.parametrize("slug", ["bg_cnbd_k", "mbg_cnbd_k"])
def test_models_with_regular_timing_are_handed_the_gaps(found, slug):
    params = ValueParams(models=[slug])
    today = made.btyd_today_history(
        found["features"], ordered_purchases(found["tables"], AS_OF), found["frame"], params
    )
    model = made.value_model(today, found["frame"], {"model": slug}, params, seed=1)
    assert model["parameters"]["k"] == 1
    assert slug in made.btyd_judged(found["history"], params, seed=1)
    assert "sum_log_gaps" not in found["today"].columns  # nor is more read than the book's models need


def test_every_customer_has_a_value_within_its_interval(found):
    values = made.customer_value(found["values"])
    assert values["customer_id"].tolist() == found["features"]["customer_id"].tolist()
    assert not [name for name in values.columns if name.startswith("slope")]
    for name in ("p_alive", "expected_purchases", "clv"):
        assert (values[f"{name}_ci_lower"] <= values[name] + 1e-12).all()
        assert (values[name] <= values[f"{name}_ci_upper"] + 1e-12).all()
    assert (values["clv"] > 0).all()


def test_groups_of_customers_add_up_to_all_of_them(found):
    sources = made.customer_sources(found["tables"])
    table = page.clv_by_source(found["values"], sources)
    assert set(table["source"]) == {"live", "store"}
    assert table["clv_total"].sum() == pytest.approx(found["values"]["clv"].sum())
    assert table["share_clv"].sum() == pytest.approx(1.0)
    assert (table["clv_each"] * table["n_customers"]).tolist() == pytest.approx(table["clv_total"].tolist())


@pytest.mark.parametrize(("lift", "differ"), [(0.0, False), (200.0, True)])
def test_a_source_is_called_best_only_beyond_the_luck_of_who_came_by_it(lift, differ):
    rng = np.random.default_rng(4)
    source = np.repeat(["a", "b", "c", "d"], 500)
    worth = rng.gamma(0.5, 800.0, size=2_000) + lift * (source == "a")
    values = pd.DataFrame(
        {"customer_id": np.arange(2_000).astype(str), "p_alive": 0.5, "clv": worth, "slope_1": 0.1 * worth}
    )
    sources = values[["customer_id"]].assign(source=source)
    told = page.clv_sources_headline(page.clv_by_source(values, sources))
    assert ("{best_source}" in told["claim"]["en"]) is differ
    assert page.clv_sources_headline(page.clv_by_source(values[:500], sources)) == {}


def test_a_source_that_earns_less_than_it_costs_is_the_decision(found):
    sources = made.customer_sources(found["tables"])
    costs = page.new_customer_costs(found["tables"], found["features"], sources)
    assert costs.set_index("source").loc["idle", "n_new"] == 0
    curves = page.margin_curves(
        ordered_purchases(found["tables"], AS_OF), AS_OF, found["features"], sources, costs, MARGIN, PARAMS
    )
    table = page.unit_economics(curves, costs)
    best = {"tier": {"zh": "重要", "en": "Best"}, "clv_best": {"value": 1.0, "unit": "money"}}
    decision = page.value_decision(table, best)
    assert decision["source"] == "live"
    assert decision["worth"].value > 0
    assert "{source}" in page.value_decision_words(decision)["en"]
    assert page.value_decision(table.head(0), best) == best
    assert "{tier}" in page.value_decision_words(best)["zh"]


def test_customers_without_a_known_source_or_cost_leave_empty_tables(found, tmp_path):
    orders = pd.read_parquet(found["tables"]._folder / "orders.parquet")
    orders.to_parquet(tmp_path / "orders.parquet", index=False)
    tables = open_tables(tmp_path).as_of(AS_OF)
    sources = made.customer_sources(tables)
    costs = page.new_customer_costs(tables, found["features"], sources)
    curves = page.margin_curves(
        ordered_purchases(tables, AS_OF), AS_OF, found["features"], sources, costs, MARGIN, PARAMS
    )
    assert page.clv_by_source(found["values"], sources).empty
    assert page.unit_economics(curves, costs).empty
    assert page.payback_headline(page.unit_economics(curves, costs)) == {}


def test_headline_total_is_the_sum_over_customers_with_a_wider_interval_than_none(found):
    head = page.value_headline(
        found["today"], found["values"], found["model"], found["choice"], found["frame"], found["spend"],
        MARGIN, found["level"], PARAMS,
    )  # fmt: skip
    assert head["clv_total"].value == pytest.approx(found["values"]["clv"].sum())
    assert head["clv_total"].ci_lower < head["clv_total"].value < head["clv_total"].ci_upper
    assert head["expected_purchases"].value == pytest.approx(found["values"]["expected_purchases"].sum())


def test_alive_grid_counts_every_customer_once(found):
    grid = page.alive_grid(found["features"], found["values"])
    assert grid["n_customers"].sum() == len(found["features"])
    assert grid["p_alive"].isna().tolist() == (grid["n_customers"] == 0).tolist()
    weighed = (grid["p_alive"].fillna(0) * grid["n_customers"]).sum()
    assert weighed == pytest.approx(found["values"]["p_alive"].sum())


def test_customers_who_never_came_back_have_no_value_page(found):
    once = found["features"].assign(frequency=0)
    with pytest.raises(TooFewError):
        made.value_frame(once, AS_OF, PARAMS)


@pytest.mark.parametrize("periods", [60, 500])
def test_a_holdout_that_leaves_nothing_to_fit_stops_the_page_and_says_what_fits(found, periods):
    params = ValueParams(holdout_periods=periods, time_unit="week" if periods > 100 else "day")
    features = found["features"].assign(first_order_on=pd.Timestamp(AS_OF) - pd.Timedelta(days=59))
    frame = made.value_frame(features, AS_OF, params)
    choice = {"model": "bg_nbd", "name": "BG/NBD"}
    with pytest.raises(AnalysisError, match=f"keeps back {periods} of") as error:
        page.value_judgement(found["holdout"].head(0), choice, frame)
    assert f"set notebooks.value.holdout_periods to {15 if periods == 60 else 2} or so" in error.value.hint
    assert "claim" in page.value_judgement(found["holdout"].head(0), choice, frame | {"kept_back": False})


def test_a_weak_prior_is_said_with_its_reason_in_the_table_and_in_the_results(found):
    common: dict[str, Any] = {"spend": {"usable": True}, "margin": {"origin": "given"}}
    model = {"model": "bg_nbd", "ridge": 1.0}
    choice: dict[str, Any] = {"reason": {}}
    helped = value_words.explained(choice, model=model, **common)["prior_note"]
    asked = value_words.explained(choice, model=model, ridge_of_book=1.0, **common)["prior_note"]
    assert "The data alone do not fix" in helped["en"]
    assert asked["en"] == "The book adds a weak prior worth one customer."
    assert "ridge" not in page.value_model_table(found["holdout"].assign(ridge=0.0))
    assert page.value_model_table(found["holdout"].assign(ridge=[0.0, 2.0]))["ridge"].tolist() == [0.0, 2.0]
    today = made.btyd_today(found["today"], found["frame"], found["model"], PARAMS, seed=1)
    models = made.btyd_models(found["judged"], today, found["frame"], found["spend"])
    with_prior = page.value_results(models.assign(ridge=1.0), found["holdout"], found["frame"])
    assert with_prior["bg_nbd.ridge"].value == 1.0
    without = page.value_results(models.assign(ridge=0.0), found["holdout"], found["frame"])
    assert not [name for name in without if name.endswith(".ridge")]


@pytest.mark.parametrize("slug", ["bg_nbd", "bg_cnbd_k"])
def test_models_in_which_nobody_leaves_before_a_repeat_say_why_their_first_row_is_full(slug):
    common: dict[str, Any] = {"spend": {"usable": True}, "margin": {"origin": "given"}}
    said = value_words.explained({"reason": {}}, model={"model": slug, "ridge": 0.0}, **common)["alive_note"]
    assert "its first row is always 100%" in said["en"]


def test_every_column_of_the_calendar_has_a_name_for_readers():
    calendar = pd.DataFrame(columns=["category", "week_from_on", "week_until_on", "expected_buyers"])
    ends = ["expected_buyers_ci_lower", "expected_buyers_ci_upper", "confidence_level"]
    shown = page.need_weeks(calendar.reindex(columns=[*calendar.columns, *ends]))
    assert [name for name in shown.columns if name not in ends and name not in FIELDS] == []


def test_another_model_must_be_clearly_better_than_the_first():
    rows = {"model": ["bg_nbd", "pareto_nbd"], "usable": True, "ridge": 0.0, "log_score": [-1.0, -0.9]}
    holdout = pd.DataFrame({**rows, "log_score_gain": [0.0, 0.1], "log_score_gain_error": [0.0, 0.2]})
    slugs = ["bg_nbd", "pareto_nbd"]
    assert choose(holdout, slugs=slugs).model == "bg_nbd"
    assert choose(holdout.assign(log_score_gain_error=[0.0, 0.01]), slugs=slugs).model == "pareto_nbd"
    assert choose(holdout.assign(usable=[False, True]), slugs=slugs).model == "pareto_nbd"
    nothing = choose(holdout.head(0), slugs=slugs)
    assert (nothing.model, nothing.judged) == ("bg_nbd", False)


def test_only_what_the_interval_does_not_hold_counts_as_a_miss_of_the_level():
    within = {"ci_lower": 80.0, "ci_upper": 125.0, "confidence_level": 0.8}
    assert level_error(100.0, actual=110.0, **within) == 0.0
    assert level_error(100.0, actual=50.0, **within) == pytest.approx(0.67, abs=0.01)
    assert level_error(100.0, actual=0.0, **within) == 0.0


def test_value_scales_with_margin_and_is_discounted_by_the_yearly_rate_whatever_the_time_unit(found):
    def total(margin: float, **changed: Any) -> float:
        params = ValueParams(**changed)
        frame = made.value_frame(found["features"], AS_OF, params)
        today = made.btyd_today_history(found["features"], ordered_purchases(found["tables"], AS_OF), frame, params)
        model = made.value_model(today, frame, {"model": "bg_nbd"}, params, seed=1)
        economics = {"margin_share": margin, "origin": "given"}
        level = {"level_error": 0.0}
        values = made.customer_values(found["features"], today, model, found["spend"], economics, level, params)
        return float(values["clv"].sum())

    plain = total(0.5, discount_rate_yearly=0.0)
    assert total(0.25, discount_rate_yearly=0.0) == pytest.approx(plain / 2)
    assert 1 / 1.5 < total(0.5, discount_rate_yearly=0.5) / plain < 0.9
    assert total(0.5, time_unit="day") == pytest.approx(total(0.5), rel=1e-3)
