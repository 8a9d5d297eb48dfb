"""The churn gates on real shops and on brands whose truth is known: which verdict each gets, and by how much.

The Complete Journey (a grocer, 21 days), CDNOW (music, 60 days) and the synthetic brands, each judged on its newest
window. The full model holds on all of them; a transplant is bought once, and there churn is not the question.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from analysis.churn.evaluation import Verdict
from analysis.context import RunContext
from analysis.data.load import load
from analysis.data.mapping import DataSource
from analysis.params import notebook_models
from analysis.recipes.resolver import Resolver

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
NOW = datetime(2026, 7, 1, 4, tzinfo=UTC)


def opened(source, folder, *, timezone, horizon_days):
    """Load a source as a book would and open its recipes."""
    loaded = load(source, now=NOW, timezone=timezone, cache=folder / "data", base=ROOT)
    assert loaded.latest_day is not None
    chosen = {"churn": {"horizon_days": horizon_days}}
    context = RunContext(
        book="test", title={}, data=loaded.folder, data_digest=loaded.digest, as_of=loaded.latest_day,
        timezone=timezone, languages=("zh", "en"), currency="CNY", seed=20260101, min_cell=10, engine="duckdb",
        industry=None, params=chosen, out=folder, cache=folder / "cache", previous=None, run_id="scratch",
    )  # fmt: skip
    return Resolver(context, notebook_models(chosen))


def holds(found):
    """Whether the full model passes every gate; what it failed is said."""
    assert found["verdict"] == Verdict.MODEL, found["failed"]
    return True


@pytest.mark.parametrize(("name", "horizon_days"), [("complete_journey", 21), ("cdnow", 60)])
def test_the_full_model_holds_on_real_shops_and_beats_the_best_rival(name, horizon_days, tmp_path):
    if not (SHARED / name).is_dir():
        pytest.skip(f"needs ../shared/data/{name}")
    book = YAML(typ="safe", pure=True).load((ROOT / "params" / "examples" / f"{name}.yaml").read_text(encoding="utf-8"))
    source = DataSource.model_validate({**book["data"], "source": str(SHARED / name)})
    shop = opened(source, tmp_path, timezone=book["timezone"], horizon_days=horizon_days)
    assert holds(shop.get("churn_verdict"))
    found = shop.get("churn_evaluation")
    assert found["btyd_gain"]["ci_lower"] > 0
    assert found["log_loss_gain"]["ci_lower"] > 0.02
    assert found["excess_ece"]["value"] < 0.015


def demo(brand, folder, *, customers):
    source = DataSource.model_validate({"source": f"demo/{brand}", "demo": {"customers": customers, "seed": 7}})
    return opened(source, folder, timezone="Asia/Shanghai", horizon_days=60)


@pytest.mark.exam
@pytest.mark.parametrize("brand", ["coffee", "beauty"])
def test_the_full_model_holds_on_brands_that_are_bought_from_again(brand, tmp_path, exam_in_full):
    if brand == "beauty" and not exam_in_full:
        pytest.skip("in the long form only: one brand stands for both")
    shop = demo(brand, tmp_path, customers=20_000 if exam_in_full else 5_000)
    assert holds(shop.get("churn_verdict"))
    found = shop.get("churn_evaluation")
    assert found["log_loss"]["value"] < found["btyd_log_loss"]["value"] < found["baseline_log_loss"]["value"]


@pytest.mark.exam
def test_where_people_buy_once_churn_is_not_the_question(tmp_path, exam_in_full):
    shop = demo("hair_transplant", tmp_path, customers=20_000 if exam_in_full else 2_000)
    assert shop.get("churn_verdict")["verdict"] == Verdict.NOT_THE_QUESTION
