"""The workbench: numbers in, blocks and files out, nothing of a single customer on a page."""

import json
import sys
import types
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from analysis.charts.theme import MARK
from analysis.context import RUN_VARIABLE, RunContext
from analysis.errors import AnalysisError, MissingTableError
from analysis.evidence import Estimate, Grade
from analysis.recipes import resolver
from analysis.recipes.resolver import Recipe
from analysis.workbench import Workbench, hide_small, write_list


@pytest.fixture
def context(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.parquet").touch()
    return RunContext(
        book="demo",
        title={"zh": "示例", "en": "Demo"},
        data=tmp_path / "data",
        data_digest="abc",
        as_of=date(2026, 6, 30),
        timezone="Asia/Shanghai",
        languages=("zh", "en"),
        currency="CNY",
        seed=7,
        min_cell=10,
        engine="duckdb",
        industry=None,
        params={"tiers": {"cells": 11}, "churn": {}},
        out=tmp_path / "out",
        cache=tmp_path / "cache",
        previous=None,
        run_id="scratch",
    )


@pytest.fixture
def bench(context):
    return Workbench(context, "tiers", {})


def kinds(bench):
    return [block["kind"] for block in bench.blocks]


def test_the_books_parameters_hold_unless_the_notebook_overrides_them(context):
    assert Workbench(context, "tiers", {}).params.cells == 11
    assert Workbench(context, "tiers", {"cells": 8}).params.cells == 8


def test_in_a_run_the_workbench_opens_on_the_runs_folder(context, tmp_path, monkeypatch):
    context.write(tmp_path / "context.json")
    monkeypatch.setenv(RUN_VARIABLE, str(tmp_path / "context.json"))
    assert Workbench.open("tiers", cells=8).context == context


def test_a_number_keeps_its_unit_interval_and_grade(bench):
    frame = pd.DataFrame(
        {
            "name": ["n", "auc"],
            "value": [120.0, 0.7],
            "unit": ["customers", "ratio"],
            "ci_lower": [None, 0.6],
            "ci_upper": [None, 0.8],
            "confidence_level": [0.95, 0.95],
            "grade": [None, "C"],
            "n": [None, 120],
        }
    )
    numbers = bench.numbers(frame)
    assert numbers["n"] == Estimate(120.0, "customers")
    assert numbers["auc"] == Estimate(0.7, "ratio", 0.6, 0.8, 0.95, Grade.OBSERVATIONAL, 120)


def test_labels_and_texts_travel_beside_the_numbers(bench):
    numbers = bench.numbers(
        {"verdict": {"zh": "好", "en": "good"}, "n": {"value": 3, "unit": "rows"}, "day": "2026-06-30"}
    )
    assert numbers["verdict"] == {"zh": "好", "en": "good"}
    assert numbers["n"] == Estimate(3.0, "rows")
    assert numbers["day"] == "2026-06-30"


def test_finish_writes_results_and_the_end_marker_last(bench, context):
    bench.tile("n_customers", zh="客户", en="Customers", value=Estimate(120, "customers"))
    bench.results({"auc": Estimate(0.7, "ratio", 0.6, 0.8, 0.95, Grade.OBSERVATIONAL), "label": "text"})
    bench.finish()
    kept = json.loads((context.out / "results" / "tiers.json").read_text())
    assert set(kept["results"]) == {"n_customers", "auc"}
    assert kept["results"]["auc"]["grade"] == "C"
    assert kinds(bench)[-1] == "end"


def test_a_result_may_be_a_name_with_its_reason(bench, context):
    reason = {"zh": "更准", "en": "it is more accurate"}
    bench.results({}, named={"model": {"value": "bg_nbd", "reason": reason}})
    bench.finish()
    kept = json.loads((context.out / "results" / "tiers.json").read_text())["results"]["model"]
    assert (kept["value"], kept["reason"]) == ("bg_nbd", reason)
    assert {"unit", "ci_lower", "ci_upper", "confidence_level", "grade", "n"} < set(kept)
    assert "model" not in json.loads((context.out / "state" / "history.tiers.json").read_text())["points"]


def test_a_tile_shows_the_change_since_the_predecessor(context, tmp_path):
    first = Workbench(context, "tiers", {})
    first.tile("n_customers", zh="客户", en="Customers", value=Estimate(100, "customers"), better="up")
    first.finish()
    later = Workbench(replace(context, previous=context.out, out=tmp_path / "next"), "tiers", {})
    later.tile("n_customers", zh="客户", en="Customers", value=Estimate(120, "customers"), better="up")
    assert later.blocks[0]["change"] == {"value": 20.0, "verdict": "better"}
    assert later.blocks[0]["history"] == [100]


def test_a_tile_of_a_text_is_refused(bench):
    with pytest.raises(AnalysisError, match="needs a number"):
        bench.tile("x", zh="一", en="one", value="many")


def test_single_customers_are_refused_on_a_page(bench):
    with pytest.raises(AnalysisError, match="single customers"):
        bench.data_table(pd.DataFrame({"customer_id": ["a"], "n_orders": [1]}), zh="表", en="Table")


def test_small_groups_are_hidden_on_the_page_and_in_the_kept_table(bench, context):
    table = pd.DataFrame({"tier": ["a", "b", "c"], "n_customers": [500, 3, 40], "revenue": [1.0, 2.0, 3.0]})
    bench.data_table(table, zh="表", en="Table", name="tiers", n="n_customers")
    kept = pd.read_parquet(context.out / "tables" / "tiers.tiers.parquet")
    # b is small; c goes too, or b could be worked out from the total
    assert kept["revenue"].isna().tolist() == [False, True, True]
    assert bench.blocks[0]["rows"][1][1] == {"below": 10}
    assert "2.0" not in json.dumps(bench.blocks[0]["rows"][1])
    assert table["n_customers"].tolist() == [500, 3, 40]


def test_a_group_too_small_to_print_is_not_drawn(bench):
    seen = []

    def chart(table, *, style):
        seen.append(table["n_customers"].dropna().tolist())
        return style.canvas(100)[0]

    table = pd.DataFrame({"tier": ["a", "b", "c"], "n_customers": [500, 3, 40]})
    bench.figure(chart, table, zh="图", en="Figure", n="n_customers")
    assert seen == [[500]] * 4


def test_nothing_is_hidden_where_all_groups_are_large():
    table = pd.DataFrame({"n_customers": [500, 30]})
    assert hide_small(table, n="n_customers", min_cell=10) is table


def test_lists_for_a_spreadsheet_hold_no_formula(tmp_path):
    table = pd.DataFrame({"customer_id": ["=1+1", "c2"], "=cmd": ["@x", "好"], "amount": [-1.5, 2.0]})
    write_list(table, tmp_path / "list.csv")
    raw = (tmp_path / "list.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = raw.decode("utf-8-sig").splitlines()
    assert lines == ['"customer_id","\'=cmd","amount"', '"\'=1+1","\'@x",-1.5', '"c2","好",2']


def test_lists_for_a_spreadsheet_round_to_seven_digits_but_never_cents(tmp_path):
    shares, money = [1 / 3, -0.1, None], [123456.78, 7654321.09, None]
    write_list(pd.DataFrame({"p_churn": shares, "revenue": money, "clv": money[:1] * 3}), tmp_path / "list.csv")
    rows = (tmp_path / "list.csv").read_text("utf-8-sig").splitlines()[1:]
    assert rows == ["0.33333334,123456.78,123456.78", "-0.1,7654321.09,123456.78", ",,123456.78"]


def test_private_tables_lie_in_a_folder_for_the_owner_only(bench, context):
    bench.private("promote", pd.DataFrame({"customer_id": ["a"]}))
    assert (context.out / "private").stat().st_mode & 0o777 == 0o700
    assert {p.name for p in (context.out / "private").iterdir()} == {"tiers.promote.parquet", "tiers.promote.csv"}


def test_a_missing_table_is_named(bench):
    bench.need("orders")
    assert not bench.has("touches")
    with pytest.raises(MissingTableError, match="touches"):
        bench.need("touches")


def test_a_figure_is_drawn_per_language_and_width_and_its_numbers_kept(bench, context):
    sizes = []

    def sizes_chart(table, *, style):
        sizes.append((style.language, style.width))
        figure, axes = style.canvas(100)
        axes.plot(table["x"], color=MARK)
        return figure

    bench.figure(sizes_chart, pd.DataFrame({"x": [1, 2]}), zh="图", en="Figure")
    assert sizes == [("zh", 700), ("zh", 328), ("en", 700), ("en", 328)]
    assert (context.out / "tables" / "tiers.sizes_chart.parquet").is_file()
    assert bench.blocks[0]["data"]["rows"] == [[1], [2]]


def test_two_figures_of_one_chart_do_not_overwrite_each_other(bench, context):
    table = pd.DataFrame({"tier": ["a"]})
    bench.data_table(table, zh="表", en="Table", name="same")
    bench.data_table(table, zh="表", en="Table", name="same")
    assert len(list((context.out / "tables").iterdir())) == 2


def test_the_workbench_resolves_recipes(bench, monkeypatch):
    module = types.ModuleType("kitchen_of_the_bench")
    setattr(module, "seeds", lambda seed: {"seed": seed})  # noqa: B010 - mypy knows no such attribute
    monkeypatch.setitem(sys.modules, "kitchen_of_the_bench", module)
    monkeypatch.setattr(resolver, "recipes", lambda: {"seeds": Recipe("seeds", "kitchen_of_the_bench", ("seed",))})
    assert bench.table("seeds") == {"seed": 7}


def test_the_brief_reads_what_the_other_pages_said(bench, context):
    bench.answer(zh="答", en="Answer")
    bench.note(zh="注", en="Note")
    bench.finish()
    pages = Workbench(context, "brief", {}).pages()
    assert [page["notebook"] for page in pages] == ["tiers"]
    assert [block["kind"] for block in pages[0]["blocks"]] == ["answer"]


def test_state_is_there_for_the_next_run(bench, context, tmp_path):
    bench.state("centroids", {"k": 4})
    later = Workbench(replace(context, previous=context.out, out=tmp_path / "next"), "tiers", {})
    assert later.previous("centroids") == {"k": 4}


def test_opening_imports_nothing_slow():
    import subprocess

    code = (
        "import sys; import analysis.workbench; "
        "print([m for m in ('pandas','sklearn','matplotlib','duckdb','scipy','jinja2','pydantic') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
