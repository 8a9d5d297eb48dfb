import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analysis.page.cells import hidden_rows, hide_small_cells, hide_small_value, table_from_frame

CAPTION = {"zh": "每层一行", "en": "one row per tier"}


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "tier": ["a", "b", "c"],
            "n_customers": [120, 4, 35],
            "revenue": [1e6, 123.0, np.nan],
            "revenue_ci_lower": [9e5, 100.0, np.nan],
            "revenue_ci_upper": [1.1e6, 150.0, np.nan],
            "confidence_level": 0.8,
            "grade": ["A", "C", None],
        }
    )


def test_columns_take_label_and_unit_from_the_fields_and_intervals_become_one_column() -> None:
    made = table_from_frame(frame(), CAPTION, n="n_customers")
    assert [c["name"] for c in made["columns"]] == ["tier", "n_customers", "revenue", "revenue_interval", "grade"]
    assert made["columns"][1]["label"] == {"zh": "客户数", "en": "Customers"}
    assert (made["columns"][2]["unit"], made["columns"][3]["level"]) == ("money", 0.8)
    assert made["rows"][0][3] == [9e5, 1.1e6]
    assert made["rows"][2] == ["c", 35, None, [None, None], None]


def test_a_pair_of_languages_becomes_one_column() -> None:
    made = table_from_frame(pd.DataFrame({"name_zh": ["甲"], "name_en": ["one"], "n": [1]}), CAPTION)
    assert made["rows"] == [[{"zh": "甲", "en": "one"}, 1]]


def test_a_small_group_is_hidden_and_so_is_the_one_that_would_give_it_away() -> None:
    shown = hide_small_cells(table_from_frame(frame(), CAPTION, n="n_customers"), min_cell=10)
    assert shown["rows"][0][1] == 120
    assert shown["rows"][1] == ["b", {"below": 10}, None, None, "C"]
    assert shown["rows"][2][1:4] == [None, None, None]


def test_nothing_is_hidden_without_small_groups_or_without_a_count() -> None:
    whole = table_from_frame(frame().assign(n_customers=[120, 40, 35]), CAPTION, n="n_customers")
    assert hide_small_cells(whole, min_cell=10) == whole
    uncounted = table_from_frame(frame(), CAPTION)
    assert hide_small_cells(uncounted, min_cell=10) == uncounted


def test_a_count_of_few_people_is_hidden_but_an_estimate_of_few_deletions_is_not() -> None:
    counted = {"value": 3, "unit": "customers", "grade": None, "ci_lower": None}
    assert hide_small_value(counted, min_cell=10) == {"below": 10}
    for shown in (
        {**counted, "value": 0},
        {**counted, "value": 10},
        {**counted, "unit": "orders"},
        {**counted, "grade": "C", "ci_lower": 1.0},
        "3",
    ):
        assert hide_small_value(shown, min_cell=10) == shown


@given(st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=12), st.integers(2, 30))
def test_a_hidden_count_can_never_be_worked_out_from_the_total(counts: list[int | None], min_cell: int) -> None:
    hide = hidden_rows(counts, min_cell=min_cell)
    groups = [i for i, n in enumerate(counts) if n]
    assert all(i in hide for i in groups if (counts[i] or 0) < min_cell)
    assert len(hide) != 1 or len(groups) == 1


def test_total_rows_are_never_hidden() -> None:
    assert hidden_rows([4, 5, 3], min_cell=10, totals=1) == {0, 1}
