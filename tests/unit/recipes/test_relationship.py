"""The relationship recipes on the synthetic brands and on small tables: planted truth found, the future unseen."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.churn.evaluation import FEWEST_EVENTS
from analysis.churn.relationship.judging import Verdict
from analysis.context import RunContext
from analysis.data.load import load
from analysis.data.mapping import DataSource, Demo
from analysis.errors import MissingTableError
from analysis.params import notebook_models
from analysis.recipes.resolver import Resolver

AS_OF, HORIZON = date(2026, 6, 30), 60
THROUGH_STAFF = ("private_chat", "moments")


def open_recipes(data, folder, **params):
    chosen = {"churn": {"horizon_days": HORIZON, **params}}
    context = RunContext(
        book="test", title={}, data=data, data_digest="test", as_of=AS_OF, timezone="Asia/Shanghai",
        languages=("zh", "en"), currency="CNY", seed=1, min_cell=10, engine="duckdb", industry=None, params=chosen,
        out=folder, cache=folder / "cache", previous=None, run_id="scratch",
    )  # fmt: skip
    return Resolver(context, notebook_models(chosen))


def demo(brand, folder, *, customers):
    source = DataSource(source=f"demo/{brand}", demo=Demo(customers=customers, seed=7))
    loaded = load(source, now=datetime(2026, 7, 1, tzinfo=UTC), timezone="Asia/Shanghai", cache=folder, base=Path())
    return loaded.folder, folder / "demo" / f"{brand}-{customers}-7" / "truth"


@pytest.fixture(scope="module")
def beauty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beauty")
    data, truth = demo("beauty", folder, customers=12_000)
    return open_recipes(data, folder), truth, data


@pytest.mark.parametrize("brand", ["beauty", "coffee", "hair_transplant"])
def test_the_two_planted_codes_are_flagged_and_no_other_with_2000_customers(brand, tmp_path):
    data, truth = demo(brand, tmp_path, customers=2_000)
    recipes = open_recipes(data, tmp_path)
    codes = recipes.get("contact_survival_sources")
    planted = pd.read_parquet(truth / "source_states.parquet").query("is_forced")["source_state"]
    assert set(codes.loc[codes["flagged"], "group"]) == set(planted)
    assert codes["group"].iloc[:2].isin(planted).all()  # they keep fewest, so they stand first
    assert not recipes.get("contact_survival_staff")["flagged"].any()
    assert recipes.get("relationship_verdict")["verdict"] == Verdict.TOO_FEW
    scores = recipes.get("delete_scores")
    assert scores["p_delete"].between(0, 1, inclusive="neither").all()
    assert recipes.get("relationship_evaluation")["auc"]["value"] is None
    headline = recipes.get("relationship_headline")
    assert headline["n_sources_flagged"]["value"] == 2
    assert headline["d7_flagged"]["ci_upper"] < headline["d7_others"]["ci_lower"]


def test_touches_through_staff_go_with_deletion_on_their_days_and_others_do_not(beauty):
    """Planted: messages through staff bring deletions within hours; a group message, a text message do not."""
    recipes, _, _ = beauty
    ratios = recipes.get("relationship_touches").set_index("covariate")
    for channel in THROUGH_STAFF:
        assert ratios.loc[f"touches_2d:{channel}", "hazard_ratio_ci_lower"] > 4
    others = ratios[~ratios.index.str.contains("|".join(THROUGH_STAFF))]
    near = (others["hazard_ratio_ci_lower"] <= 1.15) & (others["hazard_ratio_ci_upper"] >= 0.87)
    assert len(others) >= 3
    assert near.all()
    assert (ratios["grade"] == "C").all()
    assert recipes.get("relationship_headline")["touch"]["en"] in {
        "private chat, last 48 hours",
        "moments, last 48 hours",
    }


def test_forced_codes_carry_the_planted_ratio_in_their_first_week(beauty):
    recipes, truth, _ = beauty
    ratios = recipes.get("relationship_hazards").set_index("covariate")
    planted = pd.read_parquet(truth / "source_states.parquet").query("is_forced")["source_state"]
    for code in planted:
        assert ratios.loc[f"source_first_week:{code}", "hazard_ratio_ci_lower"] > 10
        assert ratios.loc[f"source_later:{code}", "hazard_ratio"] < 3
    rest = ratios[(ratios["kind"] == "source") & ~ratios.index.str.contains("|".join(planted))]
    assert (rest["hazard_ratio"] < 2.5).all()


def test_deletions_of_the_last_window_and_those_still_there_equal_a_count_by_hand(beauty):
    recipes, _, data = beauty
    contacts = pd.read_parquet(data / "contacts.parquet")
    ended = pd.to_datetime(contacts["deleted_on"]) > pd.Timestamp(AS_OF) - pd.Timedelta(days=HORIZON)
    headline = recipes.get("relationship_headline")
    by = contacts.loc[ended, "deleted_by"].value_counts()
    assert headline["n_deleted_by_customer"]["value"] == by["customer"]
    assert headline["n_deleted_by_staff"]["value"] == by.get("staff", 0)
    assert headline["n_open_contacts"]["value"] == contacts["deleted_on"].isna().sum()
    shares = headline["share_by_customer"]["value"] + headline["share_by_staff"]["value"]
    assert shares == pytest.approx(1.0)


def test_chances_are_of_every_open_contact_and_add_up_to_what_is_expected(beauty):
    recipes, _, data = beauty
    contacts = pd.read_parquet(data / "contacts.parquet")
    still = contacts[contacts["deleted_on"].isna()]
    scores, by_contact = recipes.get("delete_scores"), recipes.get("contact_delete_scores")
    assert sorted(by_contact["contact_id"]) == sorted(still["contact_id"])
    assert scores.set_index("customer_id")["n_open_contacts"].to_dict() == still["customer_id"].value_counts().to_dict()
    expected = recipes.get("relationship_headline")["n_expected"]
    assert expected["value"] == pytest.approx(by_contact["p_delete"].sum())
    luck = np.sqrt((by_contact["p_delete"] * (1 - by_contact["p_delete"])).sum())
    assert expected["ci_upper"] - expected["value"] >= 1.28 * luck
    windows = recipes.get("relationship_windows")
    assert expected["value"] / len(by_contact) == pytest.approx(
        windows["n_deleted"].iloc[-1] / windows["n_open"].iloc[-1], rel=0.4
    )


def test_the_past_window_is_judged_on_contacts_open_then_and_what_became_of_them(beauty):
    recipes, _, data = beauty
    contacts = pd.read_parquet(data / "contacts.parquet")
    added, ended = pd.to_datetime(contacts["added_on"]), pd.to_datetime(contacts["deleted_on"])
    origin = pd.Timestamp(AS_OF) - pd.Timedelta(days=HORIZON)
    there = (added <= origin) & (ended.isna() | (ended > origin))
    window, found = recipes.get("relationship_windows").iloc[-1], recipes.get("relationship_judgement")
    deleted = (there & (contacts["deleted_by"] == "customer") & (ended > origin)).sum()
    assert len(found) == window["n_open"] == there.sum()
    assert found["deleted"].sum() == window["n_deleted"] == deleted


def test_incidence_shares_of_the_three_states_sum_to_one_on_every_day(beauty):
    recipes, _, _ = beauty
    table = recipes.get("relationship_incidence").query("method == 'observed'")
    sums = table.groupby(["source_state", "days_since_added"])["share_contacts"].sum()
    assert sums.to_numpy() == pytest.approx(np.ones(len(sums)))
    assert (table["share_contacts_ci_lower"] <= table["share_contacts"] + 1e-12).all()
    assert (table["share_contacts"] <= table["share_contacts_ci_upper"] + 1e-12).all()
    assert table["source_state"].iloc[0] == "all"


def test_observed_and_modelled_incidence_agree_for_all_and_for_forced_codes(beauty):
    recipes, _, _ = beauty
    table = recipes.get("relationship_incidence").query("door == 'customer' and days_since_added == 30")
    wide = table.pivot_table(index="source_state", columns="method", values="share_contacts")
    assert wide.loc["all", "model"] == pytest.approx(wide.loc["all", "observed"], rel=0.08)
    for code in ("checkout_popup", "refund_gate"):
        assert wide.loc[code, "model"] == pytest.approx(wide.loc[code, "observed"], abs=0.06)
        assert wide.loc[code, "observed"] > 0.4


def shop(folder, *, seed=1, n=3_000, gate=True, deletions=True, touches=True, after=0.0):
    """Contacts of a small brand as loading leaves them: some leave at once, each message loses a few.

    ``after``: share of contacts still there in the last ``HORIZON`` days that are then deleted all at once.
    """
    rng = np.random.default_rng(seed)
    added = rng.integers(0, 700, n)
    code = rng.choice(["counter", "gate"] if gate else ["counter"], n)
    waits = np.where(
        rng.random(n) < np.where(code == "gate", 0.3, 0.04), rng.exponential(2, n), rng.exponential(900, n)
    )
    ends = added + waits
    sent = [(c, day) for c in range(n) for day in range(int(added[c]) + 9, 730, 30) if touches and rng.random() < 0.5]
    rows = [(c, day) for c, day in sent if day < ends[c]]
    for c, day in rows:
        if day < ends[c] and rng.random() < 0.02:
            ends[c] = day + 0.2
    rows = [(c, day) for c, day in rows if day < ends[c]]
    late = (ends >= 730) & (added < 660) & (np.random.default_rng(9).random(n) < after)
    ends = np.where(late, 700.5, ends)
    start = pd.Timestamp("2024-07-01")
    gone = (ends < 730) & deletions
    at = start + pd.to_timedelta(np.where(gone, ends, 0), unit="D")
    contacts = pd.DataFrame(
        {
            "contact_id": [f"k{c:05d}" for c in range(n)],
            "customer_id": [f"c{c:05d}" for c in range(n)],
            "staff_id": [f"s{c % 7}" for c in range(n)],
            "added_at": (start + pd.to_timedelta(added, unit="D") - pd.Timedelta(hours=8)).astype("datetime64[us]"),
            "added_on": (start + pd.to_timedelta(added, unit="D")).date,
            "deleted_at": pd.Series(at - pd.Timedelta(hours=8)).where(gone).astype("datetime64[us]"),
            "deleted_on": pd.Series(at.date).where(gone),
            "deleted_by": pd.Series(["customer"] * n).where(gone),
            "source_state": code,
        }
    )
    folder.mkdir(parents=True)
    contacts.astype({"deleted_by": "string"}).to_parquet(folder / "contacts.parquet", index=False)
    if touches:
        when = start + pd.to_timedelta([day for _, day in rows], unit="D") + pd.Timedelta(hours=2)
        pd.DataFrame(
            {
                "touch_id": [f"t{i}" for i in range(len(rows))],
                "customer_id": [f"c{c:05d}" for c, _ in rows],
                "channel": "private_chat",
                "campaign_id": "p",
                "assigned_at": when.astype("datetime64[us]"),
                "assigned_on": when.date,
                "delivered_at": when.astype("datetime64[us]"),
                "delivered_on": when.date,
            }
        ).to_parquet(folder / "touches.parquet", index=False)
    return folder


def test_what_happened_in_the_judging_window_changes_nothing_that_was_forecast_for_it(tmp_path):
    before, after = (
        open_recipes(shop(tmp_path / name, after=share), tmp_path / f"{name}-out").get("relationship_forecasts")
        for name, share in (("as-it-was", 0.0), ("half-gone", 0.5))
    )
    past = [table[table["role"] == "score_past"].reset_index(drop=True) for table in (before, after)]
    columns = ["contact", "p_model", "p_baseline"]
    pd.testing.assert_frame_equal(past[0][columns], past[1][columns])
    assert past[1]["deleted"].sum() > 5 * past[0]["deleted"].sum()
    assert not np.allclose(past[0]["p_model"], past[0]["p_baseline"])  # the full model was fitted


def test_touches_are_those_known_when_the_contact_is_looked_up_and_no_later_ones(tmp_path):
    """To explain: up to the hour of the day itself. To forecast: up to the end of the day ``days_before`` earlier."""
    folder = shop(tmp_path / "data", n=1_500)
    touches = pd.read_parquet(folder / "touches.parquet")
    local = touches["delivered_at"] + pd.Timedelta(hours=8)
    recipes = open_recipes(folder, tmp_path / "out")
    customers, days = recipes.get("contact_spells")["customer_id"], recipes.get("contact_days")
    for role, hour in (("explain", None), ("learn", 24.0), ("learn_past", 24.0), ("score", 24.0)):
        rows = days[days["role"] == role]
        rows = pd.concat([rows[rows["n_received_7d__private_chat"] > 0].head(60), rows.head(60)])
        for row in rows.to_dict("records"):
            back = 0 if role == "explain" else row["days_before"]
            moment = row["day"] - pd.Timedelta(days=back) + pd.Timedelta(hours=row["hour"] if hour is None else hour)
            mine = touches["customer_id"] == customers[row["contact"]]
            week = mine & (local < moment.floor("min")) & (local >= moment.floor("min") - pd.Timedelta(days=7))
            assert row["n_received_7d__private_chat"] == week.sum()


def test_permuted_ends_leave_nothing_to_rank(tmp_path):
    from analysis.stats.scoring import area_under_curve

    judged = open_recipes(shop(tmp_path / "data"), tmp_path / "out").get("relationship_judgement")
    areas = [
        area_under_curve(np.random.default_rng(seed).permutation(judged["deleted"]), judged["p_model"]).value
        for seed in range(20)
    ]
    assert abs(np.mean(areas) - 0.5) < 0.02


def test_a_full_model_is_judged_where_there_are_deletions_enough(tmp_path):
    recipes = open_recipes(shop(tmp_path / "data", n=5_000), tmp_path / "out")
    assert recipes.get("relationship_judgement")["deleted"].sum() >= FEWEST_EVENTS
    verdict, found = recipes.get("relationship_verdict"), recipes.get("relationship_evaluation")
    assert verdict["verdict"] in {Verdict.MODEL, Verdict.TENURE}
    assert found["auc"]["ci_lower"] < found["auc"]["value"] < found["auc"]["ci_upper"]
    assert found["ece"]["value"] - found["ece_by_luck"]["value"] == pytest.approx(found["excess_ece"]["value"])


def test_without_touches_the_clock_still_runs(tmp_path):
    recipes = open_recipes(shop(tmp_path / "data", touches=False), tmp_path / "out")
    assert recipes.get("relationship_touches").empty
    assert len(recipes.get("delete_scores"))
    assert recipes.get("relationship_headline")["touch_ratio"]["value"] is None
    assert recipes.get("contact_survival_sources").set_index("group")["flagged"].to_dict() == {
        "counter": False,
        "gate": True,
    }


def test_without_a_recorded_deletion_nothing_is_claimed(tmp_path):
    recipes = open_recipes(shop(tmp_path / "data", deletions=False, n=300), tmp_path / "out")
    assert recipes.get("relationship_verdict")["verdict"] == Verdict.NONE_RECORDED
    assert recipes.get("delete_scores").empty
    headline = recipes.get("relationship_headline")
    assert headline["n_expected"]["value"] is None
    assert headline["n_deleted"]["value"] == 0
    for name in ("relationship_incidence", "relationship_hazards", "contact_survival", "relationship_windows"):
        assert isinstance(recipes.get(name), pd.DataFrame)
    assert recipes.get("relationship_evaluation")["auc"]["value"] is None


def test_missing_contacts_are_named(tmp_path):
    folder = shop(tmp_path / "data", n=50)
    (folder / "contacts.parquet").unlink()
    with pytest.raises(MissingTableError, match="contacts"):
        open_recipes(folder, tmp_path / "out").get("delete_scores")


def test_the_order_of_rows_changes_nothing(tmp_path):
    folder = shop(tmp_path / "data", n=800)
    first = open_recipes(folder, tmp_path / "out").get("relationship_forecasts")
    for name in ("contacts", "touches"):
        table = pd.read_parquet(folder / f"{name}.parquet")
        table.sample(frac=1, random_state=1).to_parquet(folder / f"{name}.parquet", index=False)
    pd.testing.assert_frame_equal(first, open_recipes(folder, tmp_path / "again").get("relationship_forecasts"))
