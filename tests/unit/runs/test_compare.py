"""Comparing and repeating runs: each changed number gets the cause that was planted, and no other."""

import json
import random

import pytest

from analysis.errors import BookError
from analysis.runs import manifest as manifests
from analysis.runs.compare import compare_runs, find_run, told
from analysis.runs.compare_page import write_page
from analysis.runs.progress import Progress
from analysis.runs.store import read_run
from analysis.runs.verify import told as verification_told
from analysis.runs.verify import verify_run

SALES = """features = wb.table("features")
n = len(features) * horizon
wb.answer(zh="有 {n} 位客户。", en="There are {n} customers.", values={"n": Estimate(n, "customers")})
wb.results({"n": Estimate(n, "customers"), "revenue": Estimate(float(features["revenue"].sum()), "money")})"""
SEEDED = """wb.answer(zh="种子。", en="A seed.")
wb.results({"drawn": Estimate(float(horizon + wb.context.seed % 97), "count")})"""


@pytest.fixture
def told_apart(project, monkeypatch):
    """A project whose runs are compared, and what each planted change is."""
    project.notebook("sales", SALES)
    project.notebook(
        "fixed",
        """wb.answer(zh="定数。", en="A fixed number.")
wb.results({"n": Estimate(float(horizon), "count")})""",
    )
    project.orders()
    return project


@pytest.fixture
def project(tmp_path):
    from tests.unit.runs.conftest import Project

    return Project(tmp_path)


def causes(comparison):
    """Every changed number with the kinds of its causes."""
    return {f"{n.notebook}.{n.name}": {cause.kind for cause in n.causes} for n in comparison.changed}


def run(project, book, *overrides):
    return read_run(project.run(book, *overrides, predecessor="none").folder)


def more_orders(project, monkeypatch):
    project.orders(days=203)
    return (), {"sales.revenue": "data"}


def other_parameter(project, monkeypatch):
    return ("notebooks.fixed.horizon=61",), {"fixed.n": "parameters"}


def other_day(project, monkeypatch):
    return ("as_of=2026-02-01",), {"sales.revenue": "parameters"}


def other_notebook(project, monkeypatch):
    path = project.root / "notebooks" / "fixed.ipynb"
    path.write_text(path.read_text().replace("float(horizon)", "float(horizon + 5)"))
    return (), {"fixed.n": "code"}


MUTATIONS = [more_orders, other_parameter, other_day, other_notebook]


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_changed_number_gets_the_planted_cause_alone(told_apart, monkeypatch, mutation):
    book = told_apart.book("sales", "fixed")
    before = run(told_apart, book)
    overrides, planted = mutation(told_apart, monkeypatch)
    after = run(told_apart, book, *overrides)
    found = causes(compare_runs(before, after))
    assert {name: found.get(name) for name in planted} == {name: {kind} for name, kind in planted.items()}
    assert {name.split(".")[0] for name in found} == {name.split(".")[0] for name in planted}


@pytest.mark.parametrize("seed", range(2))
def test_of_two_changes_at_once_each_number_gets_those_that_reach_it(told_apart, monkeypatch, seed):
    book = told_apart.book("sales", "fixed")
    before = run(told_apart, book)
    planted: dict[str, set[str]] = {}
    overrides: list[str] = []
    for mutation in random.Random(seed).sample(MUTATIONS, 2):
        more, reached = mutation(told_apart, monkeypatch)
        overrides += more
        for name, kind in reached.items():
            planted.setdefault(name, set()).add(kind)
    found = causes(compare_runs(before, run(told_apart, book, *overrides)))
    assert {name: found.get(name) for name in planted} == planted


def test_program_and_versions_reach_every_number_and_are_told_apart(told_apart, monkeypatch):
    book = told_apart.book("sales", "fixed")
    before = run(told_apart, book)
    path = told_apart.root / "notebooks" / "fixed.ipynb"
    path.write_text(path.read_text().replace("float(horizon)", "float(horizon + 7)"))
    same = {**manifests.versions(), "pandas": "9.9"}
    monkeypatch.setattr(manifests, "versions", lambda: same)
    after = run(told_apart, book)
    found = compare_runs(before, after)
    assert causes(found) == {"fixed.n": {"code", "environment"}}
    assert any("pandas" in cause.what for cause in found.causes)


def test_the_same_inputs_give_the_same_numbers_and_nothing_is_blamed(told_apart, tmp_path):
    book = told_apart.book("sales", "fixed")
    one = run(told_apart, book)
    comparison = compare_runs(one, one)
    assert comparison.same
    assert comparison.causes == ()
    assert "are the same" in told(comparison)[-1]


def test_the_page_names_each_number_and_its_cause_in_both_languages(told_apart, monkeypatch):
    book = told_apart.book("sales", "fixed", extra="language: both\n")
    before = run(told_apart, book)
    overrides, _ = other_parameter(told_apart, monkeypatch)
    paths = write_page(compare_runs(before, run(told_apart, book, *overrides)))
    assert [path.name.split(".")[-2] for path in paths] == ["zh", "en"]
    zh, en = (path.read_text(encoding="utf-8") for path in paths)
    assert "参数" in zh
    assert "fixed.horizon: 60 → 61" in en
    assert "parameters" in en


def test_a_run_repeats_itself_byte_for_byte(told_apart):
    book = told_apart.book("sales", "fixed")
    verification = verify_run(run(told_apart, book, "notebooks.fixed.horizon=61"), progress=Progress(live=False))
    assert verification.files == ()
    assert verification.same
    assert verification_told(verification)[0].startswith("The same")


def test_data_that_changed_since_are_named_when_a_run_is_repeated(told_apart):
    book = told_apart.book("sales", "fixed")
    first = run(told_apart, book)
    told_apart.orders(days=203)
    verification = verify_run(first, progress=Progress(live=False))
    assert not verification.same
    assert causes(verification.comparison) == {"sales.revenue": {"data"}}


def test_numbers_altered_by_hand_are_found_though_nothing_that_went_in_differs(told_apart):
    book = told_apart.book("sales", "fixed")
    first = run(told_apart, book)
    path = first.folder / "results.json"
    results = json.loads(path.read_text())
    results["fixed"]["n"]["value"] = 1e6
    path.write_text(json.dumps(results))
    verification = verify_run(first, progress=Progress(live=False))
    assert causes(verification.comparison) == {"fixed.n": set()}
    assert not verification.same


def test_runs_are_found_by_folder_and_id_and_a_wrong_name_is_told(told_apart):
    one = run(told_apart, told_apart.book("sales", "fixed"))
    reports = told_apart.root / "reports"
    assert find_run(one.run_id, reports=reports).run_id == one.run_id
    assert find_run("weekly/latest", reports=reports).run_id == one.run_id
    assert find_run(str(one.folder), reports=reports).run_id == one.run_id
    with pytest.raises(BookError, match="There is no run"):
        find_run("nothing", reports=reports)
