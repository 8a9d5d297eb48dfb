"""The readout of every randomised campaign of a demo brand holds what was planted."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from analysis.data.connect import Tables, open_tables
from analysis.data.load import load
from analysis.data.mapping import DataSource
from analysis.data.synthetic import generate
from analysis.params import IncrementalityParams
from analysis.recipes import incrementality as made

AS_OF = date(2026, 6, 30)
PARAMS = IncrementalityParams.model_validate({"metrics": {"n_orders": "count"}})


@pytest.fixture(scope="module")
def read(tmp_path_factory) -> pd.DataFrame:
    """One row per two-armed experiment: the effect on orders a head, its interval, what was planted."""
    folder = tmp_path_factory.mktemp("beauty")
    generate("beauty", customers=8000, seed=11, out=folder / "brand")
    loaded = load(
        DataSource.model_validate({"source": str(folder / "brand")}), now=datetime(2026, 7, 1, 4, tzinfo=UTC),
        timezone="Asia/Shanghai", cache=folder / "cache", base=folder, progress=None,
    )  # fmt: skip
    tables = open_tables(loaded.folder).as_of(AS_OF)
    truth = pd.read_parquet(folder / "brand" / "truth" / "campaigns.parquet").set_index("campaign_id")
    found = made.experiment_list(tables, AS_OF, PARAMS)
    two_arms = found.loc[(found["n_arms"] == 2) & (found["n_customers"] >= 100), "experiment_id"]
    return pd.DataFrame([_row(tables, found, name, truth) for name in two_arms])


def _row(tables: Tables, found: pd.DataFrame, name: str, truth: pd.DataFrame) -> dict[str, Any]:
    params = PARAMS.model_copy(update={"experiment": name})
    frame = made.experiment_frame(tables, found, params)
    customers = made.trial_customers(tables, frame, params)
    ratio = made.incrementality_ratio(frame, customers)
    row = made.incrementality_effects(frame, customers, ratio, params).to_dict("records")[0]
    true: dict[Any, Any] = truth.loc[name].to_dict()
    planted = (true["induced_orders_in_window"] - true["removed_orders_in_window"]) / true["n_touched"]
    told = {str(key): row[key] for key in ("effect", "effect_ci_lower", "effect_ci_upper", "std_error", "pvalue")}
    return {**told, "planted": float(planted), "is_null": true["effect"] == 0, "state": ratio["state"]}


def test_intervals_hold_the_planted_effects(read):
    held = (read["effect_ci_lower"] <= read["planted"]) & (read["planted"] <= read["effect_ci_upper"])
    assert len(read) >= 15
    assert held.mean() >= 0.85
    assert abs(((read["effect"] - read["planted"]) / read["std_error"]).mean()) < 3 / len(read) ** 0.5


def test_splits_are_the_planned_ones_and_null_campaigns_are_not_found(read):
    assert (read["state"] == "ok").all()
    assert read["is_null"].sum() >= 3
    assert (read.loc[read["is_null"], "pvalue"] > 0.01).all()
