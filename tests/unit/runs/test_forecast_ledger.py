"""Forecasts go from run to run: none is lost, none counted twice, whoever is killed and whatever is left out."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from analysis.runs import run as running
from analysis.runs.carry import carry_over

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
FREEZES = """import pandas as pd
from analysis.experiment.ledger import amount
from analysis.stats.forecast_scoring import log_quantiles
rows = [amount("orders", quantity="purchase_days", horizon_days=days, population={"who": "customers"}, n_population=30,
               quantiles=log_quantiles(days + 0.0, error=0.2), expected=days, model="mine") for days in (7, 14)]
wb.freeze(pd.DataFrame(rows))"""


def forecasts(outcome_or_folder):
    folder = getattr(outcome_or_folder, "folder", outcome_or_folder)
    table = pd.read_parquet(folder / "state" / "forecasts.mine.parquet")
    return sorted((str(day.date()), days) for day, days in zip(table["made_on"], table["horizon_days"], strict=True))


@pytest.fixture
def weeks(project):
    project.notebook("mine", FREEZES)
    shutil.copy(NOTEBOOKS / "forecast_ledger.ipynb", project.root / "notebooks")
    return project


def test_weeks_later_all_forecasts_are_there_once_and_scored(weeks, monkeypatch):
    """Two books at once, a week without the notebook, a killed run, a run repeated with another parameter."""
    books = [weeks.book("mine", name=name) for name in ("weekly", "other")]
    with ThreadPoolExecutor(2) as pool:
        first = list(pool.map(lambda book: weeks.run(book, "as_of=2026-02-01"), books))
    both = [pd.read_parquet(outcome.folder / "state" / "forecasts.mine.parquet") for outcome in first]
    assert set(both[0]["forecast_id"]).isdisjoint(both[1]["forecast_id"])
    assert [forecasts(outcome) for outcome in first] == [[("2026-02-01", 7), ("2026-02-01", 14)]] * 2

    skipped = weeks.run(weeks.book("alpha"), "as_of=2026-02-08")
    assert forecasts(skipped) == forecasts(first[0])

    weekly = weeks.book("mine", "forecast_ledger")
    with monkeypatch.context() as patched:
        patched.setattr(running, "publish", _killed)
        with pytest.raises(KeyboardInterrupt):
            weeks.run(weekly, "as_of=2026-02-15")
    assert not list((weeks.root / "reports" / "weekly").glob(".building-*"))

    scored = weeks.run(weekly, "as_of=2026-02-15")
    assert scored.good
    assert forecasts(scored) == [("2026-02-01", 7), ("2026-02-01", 14), ("2026-02-15", 7), ("2026-02-15", 14)]
    results = json.loads((scored.folder / "results.json").read_text(encoding="utf-8"))["forecast_ledger"]
    assert results["n_due"]["value"] == 2
    assert results["coverage_80"]["value"] == 1.0
    assert 0 < results["crps"]["value"] < 0.2
    assert "2 次预测" in (scored.folder / "forecast_ledger.zh.html").read_text(encoding="utf-8").replace("\xa0", " ")

    again = weeks.run(weekly, "as_of=2026-02-15", "notebooks.forecast_ledger.last=3")
    assert forecasts(again) == forecasts(scored)
    outcomes = pd.read_parquet(again.folder / "state" / "forecast_outcomes.parquet")
    assert outcomes["forecast_id"].is_unique
    assert outcomes["actual"].tolist() == [7.0, 14.0]


def _killed(*args, **kwargs):
    raise KeyboardInterrupt


def test_what_a_notebook_wrote_again_is_not_carried_over(tmp_path):
    before, now = tmp_path / "before", tmp_path / "now"
    for folder, text in ((before, "old"), (now, "new")):
        (folder / "state").mkdir(parents=True)
        (folder / "state" / "forecasts.churn.parquet").write_text(text)
    for name in ("forecasts.value.parquet", "forecast_outcomes.parquet", "forecast_corrections.json", "history.x.json"):
        (before / "state" / name).write_text("old")
    carry_over(before, out=now)
    found = {path.name: path.read_text() for path in (now / "state").iterdir()}
    assert found == {
        "forecasts.churn.parquet": "new",
        "forecasts.value.parquet": "old",
        "forecast_outcomes.parquet": "old",
        "forecast_corrections.json": "old",
    }
    carry_over(None, out=now)
