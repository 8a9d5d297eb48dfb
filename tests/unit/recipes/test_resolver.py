"""Recipes are made once, kept, and made again only when something they depend on changed."""

import sys
import types
from dataclasses import replace
from datetime import date
from multiprocessing import get_context

import pandas as pd
import pytest

from analysis.context import RunContext
from analysis.errors import AnalysisError, MissingTableError
from analysis.params import ChurnParams, TiersParams
from analysis.recipes import resolver
from analysis.recipes.resolver import Previous, Recipe, Resolver, read_kept, recipes, write_kept


@pytest.fixture
def context(tmp_path):
    return RunContext(
        book="demo",
        title={"zh": "示例", "en": "Demo"},
        data=tmp_path / "data",
        data_digest="abc",
        as_of=date(2026, 6, 30),
        timezone="Asia/Shanghai",
        languages=("zh",),
        currency="CNY",
        seed=7,
        min_cell=10,
        engine="duckdb",
        industry=None,
        params={},
        out=tmp_path / "out",
        cache=tmp_path / "cache",
        previous=None,
        run_id="scratch",
    )


@pytest.fixture
def kitchen(monkeypatch):
    """Three recipes that count how often each was cooked."""
    cooked: list[str] = []

    def base(seed: int) -> pd.DataFrame:
        cooked.append("base")
        return pd.DataFrame({"x": [seed, seed + 1]})

    def doubled(base: pd.DataFrame, tiers_params: TiersParams) -> pd.DataFrame:
        cooked.append("doubled")
        return base.assign(x=base["x"] * 2, cells=tiers_params.cells)

    def summary(doubled: pd.DataFrame) -> dict[str, float]:
        cooked.append("summary")
        return {"total": float(doubled["x"].sum())}

    module = types.ModuleType("kitchen")
    for function in (base, doubled, summary):
        setattr(module, function.__name__, function)
    monkeypatch.setitem(sys.modules, "kitchen", module)
    menu = {
        "base": Recipe("base", "kitchen", ("seed",)),
        "doubled": Recipe("doubled", "kitchen", ("base", "tiers_params")),
        "summary": Recipe("summary", "kitchen", ("doubled",)),
    }
    monkeypatch.setattr(resolver, "recipes", lambda: menu)
    return cooked


def test_each_recipe_is_made_once_and_read_by_the_next_process(context, kitchen):
    params = {"tiers": TiersParams()}
    assert Resolver(context, params).get("summary") == {"total": 30.0}
    assert kitchen == ["base", "doubled", "summary"]
    assert Resolver(context, params).get("summary") == {"total": 30.0}
    assert kitchen == ["base", "doubled", "summary"]


def test_a_changed_parameter_remakes_only_what_depends_on_it(context, kitchen):
    Resolver(context, {"tiers": TiersParams()}).get("summary")
    Resolver(context, {"tiers": TiersParams(cells=11)}).get("summary")
    assert kitchen == ["base", "doubled", "summary", "doubled", "summary"]


def test_a_changed_seed_remakes_all(context, kitchen):
    Resolver(context, {"tiers": TiersParams()}).get("summary")
    assert Resolver(replace(context, seed=8), {"tiers": TiersParams()}).get("summary") == {"total": 34.0}


def test_changed_code_remakes_all(context, kitchen, monkeypatch):
    params = {"tiers": TiersParams()}
    Resolver(context, params).get("base")
    monkeypatch.setattr(resolver, "code_digest", lambda: "other")
    Resolver(context, params).get("base")
    assert kitchen == ["base", "base"]


def test_what_a_notebook_does_to_a_table_stays_in_that_notebook(context, kitchen):
    bench = Resolver(context, {"tiers": TiersParams()})
    table = bench.get("base")
    table["x"] = 0
    assert bench.get("base")["x"].tolist() == [7, 8]


def test_a_recipe_gets_the_columns_it_says_it_reads_fresh_kept_and_in_memory(context, kitchen, monkeypatch):
    seen = []

    @resolver.reads(base=("y", "x", "absent"), wide=lambda names: [name for name in names if name.startswith("n_")])
    def narrow(base: pd.DataFrame, wide: pd.DataFrame) -> dict[str, float]:
        seen.append([list(base.columns), list(wide.columns)])
        return {"total": float(base["x"].sum() + wide["n_b"].sum())}

    def wide(seed: int) -> pd.DataFrame:
        return pd.DataFrame({"n_a": [1], "other": [2], "n_b": [3]})

    for function in (narrow, wide):
        setattr(sys.modules["kitchen"], function.__name__, function)
    menu = {
        **resolver.recipes(),
        "wide": Recipe("wide", "kitchen", ("seed",)),
        "narrow": Recipe("narrow", "kitchen", ("base", "wide")),
    }
    monkeypatch.setattr(resolver, "recipes", lambda: menu)
    for first in ("narrow", "wide"):  # made for it, and made and held before it
        bench = Resolver(replace(context, cache=context.cache / first), {})
        bench.get(first)
        assert bench.get("narrow") == {"total": 18.0}
        assert list(bench.get("wide").columns) == ["n_a", "other", "n_b"]
        assert {"seed"} == set(bench.rests_on())
    assert seen == [[["x"], ["n_a", "n_b"]]] * 2


def test_what_picks_columns_may_ask_the_parameters(context, kitchen, monkeypatch):
    @resolver.reads(wide=lambda names, params: [name for name in names if name.endswith(str(params["tiers"].cells))])
    def picked(wide: pd.DataFrame) -> dict[str, list[str]]:
        return {"columns": list(wide.columns)}

    def wide(seed: int) -> pd.DataFrame:
        return pd.DataFrame({"n_8": [1], "n_11": [2]})

    for function in (picked, wide):
        setattr(sys.modules["kitchen"], function.__name__, function)
    menu = {"wide": Recipe("wide", "kitchen", ("seed",)), "picked": Recipe("picked", "kitchen", ("wide",))}
    monkeypatch.setattr(resolver, "recipes", lambda: menu)
    assert Resolver(context, {"tiers": TiersParams(cells=11)}).get("picked") == {"columns": ["n_11"]}


def test_large_tables_are_let_go_and_read_again(context, kitchen, monkeypatch):
    monkeypatch.setattr(resolver, "_HELD", 10)
    bench = Resolver(context, {"tiers": TiersParams()})
    first = bench.get("base")
    assert bench.get("doubled")["x"].tolist() == [14, 16]
    assert list(bench._kept) == ["doubled"]
    assert bench.get("base").equals(first)
    assert kitchen == ["base", "doubled"]


def test_memory_that_arrow_no_longer_uses_goes_back_before_and_after_a_recipe(context, kitchen, monkeypatch):
    import pyarrow as pa

    told = []

    class Pool:
        def release_unused(self):
            told.append(len(kitchen))

    monkeypatch.setattr(pa, "default_memory_pool", Pool)
    Resolver(context, {"tiers": TiersParams()}).get("base")
    assert told == [0, 1]


def test_an_unknown_name_gets_the_nearest_one(context, kitchen):
    with pytest.raises(AnalysisError, match="did you mean 'summary'"):
        Resolver(context, {}).get("sumary")


def test_a_need_that_nothing_provides_is_named(context, kitchen):
    with pytest.raises(AnalysisError, match="'doubled' needs 'tiers_params'"):
        Resolver(context, {"churn": ChurnParams()}).get("doubled")


def test_a_result_that_cannot_be_kept_is_refused(tmp_path):
    with pytest.raises(AnalysisError, match="a table or a dict"):
        write_kept([1, 2], tmp_path / "thing")


def test_a_half_written_result_is_never_found(tmp_path, monkeypatch):
    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail)
    with pytest.raises(OSError, match="No space"):
        write_kept(pd.DataFrame({"x": [1]}), tmp_path / "thing")
    assert list(tmp_path.iterdir()) == []


def test_state_of_the_predecessor_is_read_and_changes_the_key(tmp_path):
    before = Previous(tmp_path)
    empty = before.digest
    write_kept({"k": 4}, tmp_path / "segments")
    assert before.get("segments") == {"k": 4}
    assert before.get("nothing") is None
    assert before.digest != empty
    assert Previous(None).get("segments") is None


def _ask(context, path, barrier):
    barrier.wait()
    frame = Resolver(context, {}).get("slow")
    path.write_text(str(frame["pid"].iloc[0]))


def test_two_processes_asking_at_once_get_one_and_the_same_result(context, tmp_path, monkeypatch):
    import os
    import time

    def slow(seed: int) -> pd.DataFrame:
        time.sleep(0.3)
        return pd.DataFrame({"pid": [os.getpid()]})

    module = types.ModuleType("slow_kitchen")
    module.slow = slow
    monkeypatch.setitem(sys.modules, "slow_kitchen", module)
    monkeypatch.setattr(resolver, "recipes", lambda: {"slow": Recipe("slow", "slow_kitchen", ("seed",))})
    fork = get_context("fork")
    barrier = fork.Barrier(2)
    tasks = [fork.Process(target=_ask, args=(context, tmp_path / str(i), barrier)) for i in range(2)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join(20)
    answers = {(tmp_path / str(i)).read_text() for i in range(2)}
    assert len(answers) == 1


def test_every_recipe_of_the_house_needs_only_what_is_provided():
    provided = {"tables", "accounts", "as_of", "seed", "timezone", "currency", "industry", "previous"}
    for recipe in recipes().values():
        for need in recipe.needs:
            known = need in provided or need in recipes() or need.endswith("_params") or need.startswith("previous_")
            assert known, f"{recipe.name} needs {need}"


def test_kept_tables_come_back_as_they_were(tmp_path):
    table = pd.DataFrame({"id": ["007", "8"], "n": [1, 2], "x": [0.1, None]})
    pd.testing.assert_frame_equal(read_kept(write_kept(table, tmp_path / "t")), table)


def test_an_optional_need_is_none_where_the_data_cannot_give_it(context, kitchen, monkeypatch):
    module = sys.modules["kitchen"]

    def contacts() -> pd.DataFrame:
        raise MissingTableError("contacts", needed_by="contacts")

    def broken() -> pd.DataFrame:
        raise AnalysisError("a mistake is not a missing table")

    def counted(base: pd.DataFrame, contacts: pd.DataFrame | None = None) -> dict[str, object]:
        return {"rows": len(base), "known": contacts is not None}

    def worse(broken: pd.DataFrame | None = None) -> dict[str, object]:
        return {"known": broken is not None}

    for function in (contacts, broken, counted, worse):
        setattr(module, function.__name__, function)
    monkeypatch.setattr(module, "strict", counted, raising=False)
    menu = {
        **resolver.recipes(),
        "contacts": Recipe("contacts", "kitchen", ()),
        "broken": Recipe("broken", "kitchen", ()),
        "counted": Recipe("counted", "kitchen", ("base", "contacts"), frozenset({"contacts"})),
        "strict": Recipe("strict", "kitchen", ("base", "contacts")),
        "worse": Recipe("worse", "kitchen", ("broken",), frozenset({"broken"})),
    }
    monkeypatch.setattr(resolver, "recipes", lambda: menu)
    assert Resolver(context, {}).get("counted") == {"rows": 2, "known": False}
    with pytest.raises(MissingTableError):
        Resolver(context, {}).get("strict")
    with pytest.raises(AnalysisError, match="mistake"):
        Resolver(context, {}).get("worse")


def test_a_recipes_optional_needs_are_those_with_none_as_default():
    assert recipes()["strategy_customers"].optional >= {"delete_scores", "customer_value", "next_need"}
    assert recipes()["features"].optional == frozenset()
