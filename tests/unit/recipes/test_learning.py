"""From a shop's own experiments to the next run's strategies: read right, learnt once, cited, the same every time."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.context import RunContext
from analysis.data.benchmarks import MARKETING_CLAIM
from analysis.data.connect import Tables, open_tables
from analysis.data.load import load
from analysis.data.mapping import DataSource
from analysis.experiment.assigned_sums import SEGMENTS
from analysis.params import IncrementalityParams, StrategiesParams, notebook_models
from analysis.recipes import learning as made
from analysis.recipes import learning_page as page
from analysis.recipes import strategies, strategy_learning, strategy_page
from analysis.recipes.purchases import ordered_purchases
from analysis.recipes.resolver import Previous, Resolver, write_kept
from analysis.recipes.strategy_customers import strategy_customers
from analysis.stats.means import cuped_difference
from analysis.touch import wording
from analysis.touch.verdict import Kind

AS_OF = date(2026, 6, 30)
PARAMS, STRATEGIES = IncrementalityParams(), StrategiesParams()
PLANTED_DAYS = 2.0
CHANNELS = {
    "channel": ["private_chat", "moments"], "confirm_rate": [0.75, 0.75], "read_rate": [0.8, 0.3], "gain": [1.0, 0.35],
    "needs_staff": [True, True], "read_strength": [20.0, 20.0], "confirm_strength": [12.0, 12.0],
}  # fmt: skip
NO_RATES = pd.DataFrame({"channel": pd.Series(dtype="str")})


def days(table: pd.DataFrame, *stems: str) -> pd.DataFrame:
    return table.assign(**{f"{stem}_on": pd.to_datetime(table[f"{stem}_at"]).dt.date for stem in stems})


def shop(folder: Path, *, experiments: dict[str, dict[str, Any]], n: int = 4_000, seed: int = 3) -> Tables:
    """Customers who buy at a steady pace of their own; a touch of an experiment adds some days of it.

    An experiment: days back to its start, share held out as drawn, channel, days a touch adds, offer, clusters.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    ids = np.array([f"c{i:05d}" for i in range(n)])
    pace = rng.gamma(2.0, 0.02, n)  # orders a day
    orders = [
        pd.DataFrame({"customer_id": np.repeat(ids, k), "back": rng.uniform(0, 400, k.sum())})
        for k in [rng.poisson(pace * 400)]
    ]
    assigned, touches, campaigns = [], [], []
    for name, plan in experiments.items():
        start = pd.Timestamp(AS_OF) - pd.Timedelta(days=plan["back"]) + pd.Timedelta(hours=9)
        cluster = np.char.add("g", (np.arange(n) // 50).astype(str))
        drawn = (rng.random(n // 50 + 1) < plan.get("held", 0.3))[np.arange(n) // 50]
        held = drawn if plan.get("clusters") else rng.random(n) < plan.get("held", 0.3)
        k = rng.poisson(np.where(held, 0, pace * plan.get("days", PLANTED_DAYS)))
        back = plan["back"] - 1 - rng.uniform(0, 12, k.sum())
        orders.append(pd.DataFrame({"customer_id": np.repeat(ids, k), "back": back}))
        rows = pd.DataFrame({"experiment_id": name, "customer_id": ids, "arm": np.where(held, "holdout", "treated")})
        rows["assigned_at"], rows["cluster_id"] = start, cluster if plan.get("clusters") else None
        assigned.append(rows)
        campaigns.append({"campaign_id": name, "name": name, "holdout_share": plan.get("planned", 0.3),
                          "response_window_days": 14, "starts_at": start})  # fmt: skip
        if plan.get("channel", "private_chat"):
            sent = rows[~held].assign(campaign_id=name, channel=plan.get("channel", "private_chat"))
            sent["offer_id"] = "offer-1" if plan.get("offer") else None
            sent["touch_id"] = name + sent["customer_id"]
            touches.append(sent)
    bought = pd.concat(orders, ignore_index=True)
    bought["ordered_at"] = pd.Timestamp(AS_OF) + pd.Timedelta(days=1) - pd.to_timedelta(bought["back"], unit="D")
    bought["order_id"], bought["amount"] = [f"o{i}" for i in range(len(bought))], 50.0
    bought = bought[bought["ordered_at"] < pd.Timestamp(AS_OF) + pd.Timedelta(days=1)]
    days(bought, "ordered").drop(columns="back").to_parquet(folder / "orders.parquet", index=False)
    days(pd.concat(assigned), "assigned").to_parquet(folder / "assignments.parquet", index=False)
    days(pd.DataFrame(campaigns), "starts").to_parquet(folder / "campaigns.parquet", index=False)
    days(pd.concat(touches), "assigned").to_parquet(folder / "touches.parquet", index=False)
    return open_tables(folder, timezone="Asia/Shanghai").as_of(AS_OF)


def measures(tables: Tables, *, as_of: date = AS_OF, params: IncrementalityParams = PARAMS) -> pd.DataFrame:
    sums = made.learning_sums(tables, params, ordered_purchases(tables, as_of))
    return made.learning_measures(
        sums, made.learning_touched(tables), made.learning_offers(tables), tables, params, as_of
    )


def posterior(measured: pd.DataFrame, previous: dict[str, Any] | None = None, *, as_of: date = AS_OF) -> dict[str, Any]:
    rates = pd.DataFrame(columns=["channel", "rate"])
    return made.effect_posterior(measured, rates, pd.DataFrame(CHANNELS), STRATEGIES, previous, as_of)


FOUR = {f"camp-{k}": {"back": 40 + 50 * k} for k in range(4)}


@pytest.fixture(scope="module")
def four(tmp_path_factory) -> Tables:
    return shop(tmp_path_factory.mktemp("four"), experiments=FOUR)


def test_what_was_planted_is_measured_in_days_of_own_purchases(four):
    found = posterior(measures(four))
    chat = found["channels"][0]
    assert (chat["channel"], chat["offer"], chat["n_experiments"]) == ("private_chat", False, 4)
    assert abs(chat["measured"] - PLANTED_DAYS) < 3 * chat["std_error"] < 2.0
    assert chat["prior_mean"] < chat["mean"] < max(chat["measured"], PLANTED_DAYS)
    segments = {cell["segment"]: cell for cell in found["cells"]}
    assert {"regular"} <= set(segments) <= set(SEGMENTS)
    assert found["experiments"] == sorted(FOUR)
    assert found["last_on"] == "2026-06-03"


def test_the_adjusted_effect_is_that_of_single_customers(tmp_path):
    found = measures(shop(tmp_path, experiments={"camp-0": {"back": 60}, "camp-1": {"back": 90}}, n=1_000))
    row = found[(found["experiment_id"] == "camp-0") & (found["segment"] == "all")].iloc[0]
    assigned = pd.read_parquet(tmp_path / "assignments.parquet").query("experiment_id == 'camp-0'")
    orders = pd.read_parquet(tmp_path / "orders.parquet").merge(assigned, on="customer_id")
    day = (pd.to_datetime(orders["ordered_on"]) - pd.to_datetime(orders["assigned_on"])).dt.days
    after = orders["ordered_at"] >= orders["assigned_at"]
    people = assigned.set_index("customer_id")
    for name, mask in {"y": after & (day < 14), "x": ~after & (day >= -180), "ever": ~after}.items():
        people[name] = orders[mask].groupby("customer_id").size().reindex(people.index, fill_value=0)
    people = people[people["ever"] > 0]
    one, two = people[people["arm"] == "treated"], people[people["arm"] == "holdout"]
    plain = cuped_difference(one["y"], two["y"], treated_before=one["x"], control_before=two["x"]).difference
    assert row["effect"] == pytest.approx(plain.value, abs=1e-9)
    assert row["std_error"] == pytest.approx(plain.std_error, rel=1e-6)
    assert (row["n"], row["n_control"]) == (len(one), len(two))


def test_experiments_that_cannot_teach_are_left_out_with_the_reason(tmp_path):
    tables = shop(
        tmp_path,
        experiments={
            "fine": {"back": 60},
            "still-on": {"back": 5},
            "skewed": {"back": 90, "held": 0.3, "planned": 0.5},
            "unsent": {"back": 120, "channel": None},
            "groups": {"back": 150, "clusters": True},
            "offer": {"back": 180, "offer": True, "days": 6.0},
        },
        n=1_500,
    )
    found = measures(tables)
    whole = found[found["segment"] == "all"].set_index("experiment_id")["state"].to_dict()
    assert whole == {
        "fine": "used", "still-on": "running", "skewed": "split", "unsent": "no_touches", "groups": "clusters",
        "offer": "used",
    }  # fmt: skip
    kept = posterior(found)
    assert kept["experiments"] == ["fine", "offer"]
    assert [cell["offer"] for cell in kept["channels"]] == [False, True]
    told = page.learning_headline(kept)["left_out"]
    assert "skewed (split is not the planned one)" in told["en"]
    assert "still-on（还没到期）" in told["zh"]


def test_an_experiment_is_learnt_once_however_many_runs_have_seen_it(four):
    first = posterior(measures(four))
    again = posterior(measures(four), first)
    assert again["channels"] == first["channels"]
    assert again["cells"] == first["cells"]
    assert again["n_experiments"] == 4


def test_what_is_no_longer_in_the_data_is_taken_over_from_the_predecessor(four, tmp_path):
    measured = measures(four)
    whole = posterior(measured)
    gone = measured[measured["experiment_id"] != "camp-3"]
    without, carried = posterior(gone), posterior(gone, whole)
    assert without["n_experiments"] == 3
    assert without["channels"] != whole["channels"]
    assert carried["channels"] == whole["channels"]
    assert [m["experiment_id"] for m in carried["measures"] if m["inherited"] and m["segment"] == "all"] == ["camp-3"]
    # through the state file, and once more over a third run
    write_kept(carried, tmp_path / "state" / "effect_posterior")
    kept = Previous(tmp_path / "state").get("effect_posterior")
    assert isinstance(kept, dict)
    assert posterior(gone, kept)["channels"] == whole["channels"]
    # and without any data left at all
    assert posterior(measured.head(0), kept)["channels"] == whole["channels"]


def test_nothing_from_a_predecessor_of_a_later_day_is_used(four):
    later = posterior(measures(four))
    early = measures(four, as_of=date(2026, 1, 31))
    assert posterior(early, later, as_of=date(2026, 1, 31)) == posterior(early, as_of=date(2026, 1, 31))
    assert set(early.loc[early["state"] == "running", "experiment_id"]) == {"camp-0", "camp-1", "camp-2"}
    seen = strategies.strategy_experience(later, date(2026, 1, 31))
    assert (seen["state"], seen["n_experiments"], seen["measures"]) == ("later", 0, [])


def test_every_line_with_a_number_of_the_trade_says_that_it_is_a_marketing_claim(four):
    channels = pd.DataFrame(CHANNELS)
    touched = pd.DataFrame({"channel": ["private_chat", "moments"]})
    rates = made.learning_rates(channels, touched, STRATEGIES)
    kept = made.effect_posterior(measures(four), rates, channels, STRATEGIES, None, AS_OF)
    table = page.learning_rates_table(kept)
    read = table[table["rate_kind_en"] == "read"]
    assert len(read) == 2
    for language in ("zh", "en"):
        assert read[f"source_{language}"].str.contains(MARKETING_CLAIM[language]).all()


def test_without_experiments_priors_only_and_said(tmp_path):
    empty = made.learning_sums(_NoTables(), PARAMS)  # type: ignore[arg-type]  # a shop without tables
    nowhere: Any = _NoTables()
    touched, offers = made.learning_touched(nowhere), made.learning_offers(nowhere)
    kept = posterior(made.learning_measures(empty, touched, offers, nowhere, PARAMS, AS_OF))
    assert (kept["n_experiments"], kept["channels"], kept["last_on"]) == (0, [], None)
    words = page.learning_words(kept)
    assert not words["shown"]
    assert "priors" in words["claim"]["en"]
    for state in (None, kept):
        seen = strategies.strategy_experience(state, AS_OF)
        assert seen["measures"] == []
        nothing = strategies.strategy_learned(
            seen, pd.DataFrame(), pd.DataFrame(CHANNELS), {"factors": []}, STRATEGIES, AS_OF, seed=1
        )
        assert nothing.empty
        note = strategy_learning.strategy_experience_words(seen, nothing)
        assert "priors" in note["en"]
    from_priors = strategies.strategy_effects(pd.DataFrame(CHANNELS), STRATEGIES, seed=1)
    pd.testing.assert_frame_equal(
        strategies.strategy_effects(pd.DataFrame(CHANNELS), STRATEGIES, 1, nothing), from_priors
    )


class _NoTables:
    def has(self, name: str) -> bool:
        del name
        return False

    def has_column(self, table: str, column: str) -> bool:
        del table, column
        return False


ZONE = "Asia/Shanghai"
SMALL = {"strategies": {"strategies": "params/strategies/coffee.yaml", "replicates": 40, "sample_customers": 600}}


def run_of(folder: Path, *, as_of: date, previous: Path | None) -> Resolver:
    """One run's recipes on a small demo brand."""
    source = DataSource.model_validate({"source": "demo/coffee", "demo": {"customers": 3_000, "seed": 7}})
    now = datetime(2026, 7, 1, 4, tzinfo=UTC)
    loaded = load(source, now=now, timezone=ZONE, cache=folder / "data", base=folder)
    context = RunContext(
        book="b", title={}, data=Path(loaded.folder), data_digest="coffee", as_of=as_of, timezone=ZONE,
        languages=("zh",), currency="CNY", seed=1, min_cell=10, engine="duckdb", industry=None, params=SMALL,
        out=folder, cache=folder / "recipes", previous=previous, run_id="scratch",
    )  # fmt: skip
    return Resolver(context, notebook_models(SMALL))


def simulated(run: Resolver, *, as_of: date) -> dict[str, Any]:
    """The strategies page's numbers; scores of other pages are left out, they take long and teach nothing here."""
    params = StrategiesParams.model_validate(SMALL["strategies"])
    tables = open_tables(run.context.data, timezone=ZONE).as_of(as_of)
    got = {name: run.get(f"strategy_{name}") for name in ("channels", "economics", "season", "experience")}
    customers = strategy_customers(
        run.get("features"), run.get("purchase_clock"), got["channels"], got["economics"], params, tables, as_of
    )
    learned = strategies.strategy_learned(
        got["experience"], customers, got["channels"], got["season"], params, as_of, seed=1
    )
    effects = strategies.strategy_effects(got["channels"], params, 1, learned)
    both = strategies.strategy_simulation(
        customers, got["channels"], effects, got["economics"], got["season"], params, as_of, seed=1
    )
    totals = strategies.strategy_totals(both)
    outcomes = strategies.strategy_outcomes(totals, effects, got["economics"])
    return {**got, "customers": customers, "effects": effects, "totals": totals, "outcomes": outcomes}


def test_the_second_run_learns_from_experiments_before_the_first_and_cites_them(tmp_path):
    first_day, second_day = date(2026, 3, 31), AS_OF
    first = run_of(tmp_path, as_of=first_day, previous=None).get("effect_posterior")
    assert first["n_experiments"] > 5
    assert all(row["ends_on"] <= "2026-03-31" for row in first["measures"])
    write_kept(first, tmp_path / "one" / "state" / "effect_posterior")
    found = {}
    for name, previous in {"alone": None, "after": tmp_path / "one", "again": tmp_path / "one"}.items():
        run = run_of(tmp_path, as_of=second_day, previous=previous)
        found[name] = simulated(run, as_of=second_day)
    alone, after, again = found["alone"], found["after"], found["again"]
    assert alone["experience"]["state"] == "none"
    pd.testing.assert_frame_equal(after["outcomes"], again["outcomes"])
    assert not after["effects"]["gain_days"].equals(alone["effects"]["gain_days"])
    # a brand ten times as large would have measured that a message is worth a day, to a twentieth of one
    sharp = {**after["experience"], "measures": [
        {"channel": "private_chat", "window_days": 14, "discount_share": 0.0, "measured": 1.0, "std_error": 0.05}
    ]}  # fmt: skip
    run, params = (
        run_of(tmp_path, as_of=second_day, previous=None),
        StrategiesParams.model_validate(SMALL["strategies"]),
    )
    taught = strategies.strategy_learned(
        sharp, after["customers"], run.get("strategy_channels"), run.get("strategy_season"), params, second_day, seed=1
    )
    spread = {
        name: np.log(table["gain_days"]).std() for name, table in {"prior": alone["effects"], "sharp": taught}.items()
    }
    assert spread["sharp"] < 0.6 * spread["prior"]
    assert taught["gain_days"].median() > 2 * alone["effects"]["gain_days"].median()
    columns = ["strategy", "measure", "value"]
    assert not after["outcomes"][columns].equals(alone["outcomes"][columns])
    assert set(after["outcomes"]["grade"]) == {"D"}  # a chain is as strong as its weakest link
    # what is cited is what was learnt
    values = strategy_learning.strategy_experience_values(after["experience"])
    assert set(after["experience"]["experiments"]) <= set(first["experiments"])
    depths = {round(m["discount_share"], 2) for m in after["experience"]["measures"]}
    assert 0.0 in depths
    assert all(0.04 < depth < 0.26 for depth in depths - {0.0})  # gifts and coupons of 5 to 25 %, as planted
    assert not after["experience"]["depth_assumed"]
    assert values["n_experiments"]["value"] == len(after["experience"]["experiments"]) > 3
    assert values["learned_until"]["zh"] <= "2026-03-31"
    verdict = strategy_page.strategy_verdict(after["totals"], after["effects"])
    why = wording.reasons(Kind(verdict["kind"]), over_history=False, experience="learned")
    assert "learnt from {n_experiments:bare} experiments up to {learned_until}" in why["en"]
    assert "截至 {learned_until}" in why["zh"]
