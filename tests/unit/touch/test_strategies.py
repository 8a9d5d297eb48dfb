"""Strategies are data: files are checked line by line, conditions compare and are never run."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import AnalysisError, BookError
from analysis.touch.strategies import Condition, Trigger, audience, check_columns, columns_used, load_strategies

FOLDER = Path(__file__).parents[3] / "params" / "strategies"
GOOD = """\
edition: 2026-01-01
brand: test
economics: {margin_share: 0.5, wage_per_hour: 40, source: test}
strategies:
  - name: no_touch
    label: {zh: 不触达, en: No touch}
  - name: weekly
    label: {zh: 每周, en: Weekly}
    steps:
      - channel: private_chat
        template: promotion
        trigger: {every_days: 7}
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_file_holds_the_ten_kinds_of_strategies(path):
    names = [strategy.name for strategy in load_strategies(path).strategies]
    wanted = {
        "no_touch", "as_history", "key_moments", "next_need", "winback_at_risk", "uplift_ranked", "service_first",
        "referral_push", "care_chain",
    }  # fmt: skip
    assert wanted <= set(names)
    assert any(name.startswith("weekly_") for name in names)
    chain = next(s for s in load_strategies(path).strategies if s.name == "care_chain")
    assert [step.after_step for step in chain.steps] == [None, 0, 1]


def test_a_good_file_is_read(file):
    assert [s.name for s in load_strategies(file(GOOD)).strategies] == ["no_touch", "weekly"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("every_days: 7", "every_days: 0", 12, "every_days"),
        ("every_days: 7", "every_days: 7, weekdays: [monday]", 12, "either every_days or weekdays"),
        ("template: promotion", "template: shouting", 11, "template"),
        ("channel: private_chat", "chanel: private_chat", 10, "chanel"),
        ("margin_share: 0.5", "margin_share: 50", 3, "margin_share"),
        ("every_days: 7", "day_offset: 3, every_days: 7", 12, "day_offset belongs to day_column"),
        ("every_days: 7", "every_days: 7, need_window: [2.0, 1.0]", 12, "need_window"),
        ("every_days: 7", "every_days: 7, days_since_order: [9, 2]", 12, "days_since_order"),
        ("every_days: 7", "dates: [2026-13-01]", 12, "dates"),
        ("template: promotion", "template: promotion\n        offer: {discount_share: 30}", 12, "discount_share"),
        ("template: promotion", "template: promotion\n        after_step: 0", 7, "after_step names an earlier step"),
        ("template: promotion", "template: promotion\n        audience: [{column: a1, op: '~', value: 1}]", 12, "op"),
        (
            "template: promotion",
            "template: promotion\n        audience: [{column: 'a b', op: '>', value: 1}]",
            12,
            "column",
        ),
        (
            "template: promotion",
            "template: promotion\n        audience: [{column: n_orders, op: in, value: 1}]",
            12,
            "list",
        ),
        ("label: {zh: 每周, en: Weekly}", "label: {zh: 每周}", 8, "en"),
        ("label: {zh: 每周, en: Weekly}", "label: {zh: 每周, en: Weekly}\n    holdout_share: 1.5", 9, "holdout_share"),
        (
            "label: {zh: 每周, en: Weekly}",
            "label: {zh: 每周, en: Weekly}\n    budget_per_month: 0",
            9,
            "budget_per_month",
        ),
        ("name: weekly", "name: no_touch", 5, "named twice"),
        ("  - name: no_touch", "  - name: nothing", 5, "must be 'no_touch'"),
    ],
)
def test_a_bad_file_is_refused_with_file_line_and_what_was_found(file, old, new, line, said):
    with pytest.raises(BookError) as error:
        load_strategies(file(GOOD.replace(old, new)))
    assert "mine.yaml" in error.value.found
    assert said in error.value.found
    if said not in {"named twice", "must be 'no_touch'"}:
        assert f"mine.yaml:{line}:" in error.value.found


def test_broken_yaml_is_refused_with_its_line(file):
    with pytest.raises(BookError, match=r"mine\.yaml:4"):
        load_strategies(file(GOOD.replace("source: test}", "source: test")))


def test_a_missing_file_names_the_nearest():
    with pytest.raises(BookError, match=r"beauty\.yaml"):
        load_strategies("params/strategies/beaty.yaml")


def test_conditions_are_compared_and_never_run_as_code():
    table = pd.DataFrame({"n_orders": [1, 2, 3], "source": ["store", "__import__('os')", None]})
    chosen = audience(table, conditions=[Condition(column="source", op="==", value="__import__('os')")])
    assert chosen.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("==", 2, [False, True, False, False]),
        ("!=", 2, [True, False, True, False]),
        (">=", 2, [False, True, True, False]),
        ("<", 2, [True, False, False, False]),
        ("in", [1, 3], [True, False, True, False]),
        ("not_in", [1, 3], [False, True, False, False]),
        ("between", [2, 3], [False, True, True, False]),
        ("known", None, [True, True, True, False]),
        ("unknown", None, [False, False, False, True]),
    ],
)
def test_operators_compare_and_a_missing_value_fulfils_no_comparison(op, value, expected):
    table = pd.DataFrame({"n_orders": pd.array([1, 2, 3, None], dtype="Int64")})
    assert audience(table, conditions=[Condition(column="n_orders", op=op, value=value)]).tolist() == expected


def test_conditions_hold_together():
    table = pd.DataFrame({"n_orders": [1, 2, 3], "p_churn": [0.9, 0.1, 0.9]})
    both = [Condition(column="n_orders", op=">", value=1), Condition(column="p_churn", op=">", value=0.5)]
    assert audience(table, conditions=both).tolist() == [False, False, True]


@pytest.mark.parametrize(("op", "value"), [("between", 3), ("in", 3), (">", [1]), ("known", 1), ("==", None)])
def test_an_operator_refuses_a_value_it_cannot_use(op, value):
    with pytest.raises(ValueError, match=op.replace("?", "")):
        Condition(column="n_orders", op=op, value=value)


def test_a_text_compared_with_a_number_is_an_error_with_a_remedy():
    with pytest.raises(AnalysisError, match="cannot be compared"):
        audience(pd.DataFrame({"source": ["a"]}), conditions=[Condition(column="source", op=">", value=1)])


def test_a_condition_on_an_unknown_column_is_refused():
    with pytest.raises(AnalysisError, match="p_churn"):
        audience(pd.DataFrame({"n_orders": [1]}), conditions=[Condition(column="p_churn", op=">", value=0.5)])


def test_weekday_and_every_so_many_days_triggers_are_due_on_their_days():
    wednesday = date(2026, 7, 1)
    weekly = Trigger(weekdays=["thursday"])
    assert [d for d in range(15) if weekly.due(d, first=wednesday)] == [1, 8]
    later = Trigger(every_days=5, start_day=2)
    assert [d for d in range(13) if later.due(d, first=wednesday)] == [2, 7, 12]


def test_columns_used_are_those_of_all_audiences():
    assert columns_used(load_strategies(FOLDER / "beauty.yaml")) == (
        "expected_uplift",
        "n_orders",
        "p_alive",
        "p_churn",
        "uplift_rank",
    )


def test_a_column_may_be_of_one_channel_and_a_slip_is_told_with_its_line(file):
    look = "template: promotion\n        audience: [{column: n_read_30d__moments, op: '>', value: 1}]"
    path = file(GOOD.replace("template: promotion", look))
    assert check_columns(path, columns=["n_read_30d"]) == ("n_read_30d__moments",)
    with pytest.raises(BookError, match=r"mine\.yaml:12: there is no column 'n_read_30d__moments'"):
        check_columns(path, columns=["n_read_90d"])
    day = file(GOOD.replace("every_days: 7", "day_column: next_need_form_on"))
    with pytest.raises(BookError, match=r"mine\.yaml:12:") as error:
        check_columns(day, columns=["next_need_from_on"])
    assert "next_need_from_on" in error.value.hint
