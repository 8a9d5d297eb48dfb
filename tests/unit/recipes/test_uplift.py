"""From tables to the uplift page: outcomes and assignments, a stop, nothing known before, several arms."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.data.connect import Tables, open_tables
from analysis.errors import TooFewError
from analysis.evidence import Estimate
from analysis.params import IncrementalityParams, UpliftParams
from analysis.recipes import uplift as made
from analysis.recipes import uplift_page as page

AS_OF = date(2026, 6, 30)
ASSIGNED = pd.Timestamp("2026-06-09 09:00")
PLAIN = IncrementalityParams()
MAIL = {"table": "outcomes", "control": "none", "metrics": {"visit": "rate"}, "covariates": ["age", "city"]}


def _days(frame: pd.DataFrame, stem: str) -> pd.DataFrame:
    at = frame[f"{stem}_at"].astype("datetime64[us]")
    dated = frame.copy()
    dated[f"{stem}_at"], dated[f"{stem}_on"] = at, at.dt.date
    return dated


def shop(folder: Path, *, n: int = 3000) -> Tables:
    """Two experiments: a mailing that moves the old, and a campaign that moves those who bought in spring."""
    rng = np.random.default_rng(4)
    ids = [f"c{i:05d}" for i in range(n)]
    age, arm = rng.integers(20, 70, n), rng.choice(["none", "mail", "card"], n)
    visit = rng.random(n) < 0.2 + 0.3 * ((arm == "mail") & (age > 45))
    outcomes = pd.DataFrame({"experiment_id": "e", "customer_id": ids, "arm": arm, "visit": visit.astype(float)})
    outcomes = outcomes.assign(age=age.astype(float), city=rng.choice(["n", "s"], n))
    outcomes.to_parquet(folder / "outcomes.parquet", index=False)

    spring = rng.random(n) < 0.5
    touched = rng.random(n) < 0.5
    before = pd.DataFrame({"customer_id": ids, "day": np.where(spring, rng.integers(30, 60, n), 200)})
    bought = rng.random(n) < np.where(touched & spring, 0.6, 0.2)
    after = pd.DataFrame({"customer_id": np.array(ids)[bought], "day": rng.integers(10, 18, bought.sum())})
    # who is touched orders within the hour: known only after the assignment, on the same day
    same_day = pd.DataFrame({"customer_id": np.array(ids)[touched][:300], "ordered_at": ASSIGNED + pd.Timedelta("1h")})
    orders = pd.concat([before, after], ignore_index=True)
    orders["ordered_at"] = pd.Timestamp(AS_OF) - pd.to_timedelta(orders.pop("day"), unit="D")
    orders = pd.concat([orders, same_day], ignore_index=True).assign(amount=50.0)
    _days(orders.assign(order_id=[f"o{i}" for i in range(len(orders))]), "ordered").to_parquet(
        folder / "orders.parquet"
    )
    assigned = {"experiment_id": "camp", "customer_id": ids, "arm": np.where(touched, "treated", "holdout")}
    rows = pd.DataFrame({**assigned, "assigned_at": ASSIGNED})
    _days(rows, "assigned").to_parquet(folder / "assignments.parquet", index=False)
    return open_tables(folder).as_of(AS_OF)


def chain(tables: Tables, asked: dict[str, Any], *, plain: IncrementalityParams = PLAIN) -> dict[str, Any]:
    """Resolve the chain by hand, in the resolver's order."""
    params = UpliftParams.model_validate({"learners": ["t"], **asked})
    listed = made.uplift_list(tables, AS_OF, plain, params)
    frame = made.uplift_frame(tables, listed, plain, params)
    customers = made.uplift_customers(tables, frame, plain, params)
    ratio, known = made.uplift_ratio(frame, customers), made.uplift_known(frame, customers)
    scores = made.uplift_scores(frame, customers, ratio, known, seed=1)
    findings = made.uplift_findings(frame, customers, scores, seed=1)
    verdict = page.uplift_verdict(ratio, known, findings)
    head = page.uplift_headline(frame, customers, ratio, known, findings, verdict)
    plain_head = {name: value.as_result() if isinstance(value, Estimate) else value for name, value in head.items()}
    return {
        "frame": frame, "customers": customers, "known": known, "scores": scores, "verdict": verdict,
        "words": page.uplift_words(plain_head, findings, verdict), "headline": head,
        "results": page.uplift_results(frame, customers, ratio, findings), "findings": findings,
        "private": made.uplift_private(customers, scores, findings),
    }  # fmt: skip


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    return shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def mail(tables) -> dict[str, Any]:
    return chain(tables, MAIL)


def test_every_arm_and_metric_has_its_numbers_with_interval_and_grade(mail):
    for arm in ("mail", "card"):
        for name in ("qini", "auuc", "uplift_at_10", "uplift_at_30"):
            entry = mail["results"][f"visit.{arm}.{name}"].as_result()
            assert entry["ci_lower"] < entry["value"] < entry["ci_upper"]
            assert (entry["grade"], entry["n"] > 900) == ("A", True)
    assert mail["results"]["visit.mail.qini"].ci_lower > 0


def test_the_arm_that_moves_somebody_is_ranked_and_the_other_is_not(mail):
    assert (mail["verdict"]["kind"], mail["verdict"]["arm"]) == ("top", "mail")
    assert set(mail["private"]["arm"]) == {"mail"}


def test_private_scores_put_those_first_whom_the_mailing_moves(mail):
    age = mail["customers"].set_index("customer_id")["age"]
    best = mail["private"].head(400)["customer_id"].map(age)
    assert (best > 45).mean() > 0.9
    assert set(mail["private"]["half"]) == {"training", "judging"}


def test_assignments_are_ranked_by_features_of_the_day_before(tables):
    read = chain(tables, {"table": "assignments", "metrics": {"bought": "rate"}})
    assert read["verdict"]["kind"] in ("top", "ranks_all")
    assert {"days_since_last_order", "n_orders_90d"} <= set(read["known"]["covariates"])
    assert read["known"]["late"] == []  # nothing of the day of assignment is in them
    assert read["results"]["bought.treated.qini"].ci_lower > 0


def test_what_is_not_said_here_is_taken_from_incrementality(tables):
    plain = IncrementalityParams.model_validate(MAIL)
    assert chain(tables, {}, plain=plain)["frame"]["metrics"] == {"visit": "rate"}
    moved = chain(tables, {"table": "assignments", "metrics": {"bought": "rate"}}, plain=plain)
    assert moved["frame"]["control"] == "holdout"  # the mailing's control is not this experiment's


def test_a_split_off_the_plan_stops_the_page(tables):
    read = chain(tables, {**MAIL, "planned_shares": {"none": 1, "mail": 3, "card": 1}})
    assert read["verdict"]["kind"] == "stopped"
    assert read["scores"].empty
    assert read["words"]["shown"] is False
    assert all(entry.value is None for name, entry in read["results"].items() if name != "sample_ratio_pvalue")


def test_without_anything_known_before_nobody_is_ranked(tables):
    read = chain(tables, {**MAIL, "covariates": []})
    assert read["verdict"]["kind"] == "blind"
    assert read["private"].empty


def test_money_of_an_assumed_margin_is_graded_as_an_assumption(tables):
    asked = {"table": "assignments", "metrics": {"spend": "money"}}
    assert chain(tables, asked)["headline"]["profit"].grade.value == "D"
    assert chain(tables, {**asked, "margin_share": 0.4})["headline"]["profit"].grade.value == "A"


def test_too_small_an_experiment_is_said_to_be_too_small(tmp_path):
    with pytest.raises(TooFewError):
        chain(shop(tmp_path, n=400), MAIL)
