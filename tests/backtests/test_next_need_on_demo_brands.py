"""The next need out of time on the demo brands: the window shown holds, own or pooled, and so do the chances."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from analysis.churn.next_need.evaluation import NeedVerdict
from analysis.context import RunContext
from analysis.data.load import load
from analysis.data.mapping import DataSource
from analysis.params import notebook_models
from analysis.recipes.resolver import Resolver

HORIZON = 60


def resolver(brand, folder, *, customers, seed):
    source = DataSource.model_validate({"source": f"demo/{brand}", "demo": {"customers": customers, "seed": seed}})
    now = datetime(2026, 7, 1, 4, tzinfo=UTC)
    loaded = load(source, now=now, timezone="Asia/Shanghai", cache=folder / "data", base=folder)
    assert loaded.latest_day is not None
    chosen = {"value": {"next_need_days": HORIZON}}
    context = RunContext(
        book="test", title={}, data=Path(loaded.folder), data_digest="test", as_of=loaded.latest_day,
        timezone="Asia/Shanghai", languages=("zh",), currency="CNY", seed=1, min_cell=10, engine="duckdb",
        industry=None, params=chosen, out=folder, cache=folder / "cache", previous=None, run_id="scratch",
    )  # fmt: skip
    return Resolver(context, notebook_models(chosen))


@pytest.fixture(scope="module")
def recipes_of(tmp_path_factory):
    """Return the recipes of a brand, generated once for this file."""

    @cache
    def made(brand, customers, seed):
        return resolver(brand, tmp_path_factory.mktemp("brand"), customers=customers, seed=seed)

    return made


@pytest.mark.exam
@pytest.mark.parametrize("brand", ["coffee", "beauty", "hair_transplant"])
def test_shown_windows_cover_80_percent_and_chances_hold(brand, recipes_of, exam_in_full):
    customers, seeds = (20_000, (7, 8, 9)) if exam_in_full else (6_000, (7,))
    for seed in seeds:
        recipes = recipes_of(brand, customers, seed)
        found = recipes.get("next_need_evaluation").set_index("name").to_dict("index")
        verdict = recipes.get("next_need_verdict")
        shown = found["coverage" if verdict["verdict"] == NeedVerdict.OWN else "pooled_coverage"]
        assert shown["ci_upper"] >= 0.75
        assert shown["ci_lower"] <= 0.85
        assert verdict["failed"] == []
        assert found["log_loss"]["ci_upper"] < found["base_log_loss"]["ci_lower"]


def test_consultation_is_followed_by_the_procedure_about_18_days_later(recipes_of):
    recipes = recipes_of("hair_transplant", 6_000, 7)
    table = recipes.get("next_need_transitions")
    row = table[(table["before"] == "consultation") & (table["after"] == "procedure")].to_dict("records")[0]
    assert 16 <= row["middle_days"] <= 20
    assert row["coverage_ci_lower"] <= 0.85
    assert row["coverage_ci_upper"] >= 0.75
    assert (table["after"] == "family").any()
    judged = table[table["n_judged"] >= 100]
    assert np.average(judged["coverage"], weights=judged["n_judged"]) == pytest.approx(0.8, abs=0.05)
