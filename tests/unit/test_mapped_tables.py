"""Tables of the cache come back as they were, and nobody who works on one changes what is kept."""

import numpy as np
import pandas as pd
import pytest

from analysis.mapped_tables import read_mapped, write_mapped


def everything(names):
    return names


@pytest.fixture
def table():
    made = pd.DataFrame(
        {
            "customer_id": ["c1", "c2", None, "c4"],
            "n": np.array([1, 2, 3, 4], dtype=np.int16),
            "x": [0.1, np.nan, -0.0, np.inf],
            "small": np.array([1, 2, 3, 4], dtype=np.float32),
            "yes": [True, False, True, True],
            "on": pd.Series(["2026-01-01", None, "2026-01-03", "2026-01-04"], dtype="datetime64[ms]"),
            "at": pd.to_datetime(["2026-01-01 10:00", "2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
            "kind": pd.Categorical(["a", "b", None, "a"], categories=["b", "a"]),
            "count": pd.array([1, None, 3, 4], dtype="Int64"),
            "parts": [[1, 2], [], None, [3]],
        }
    )
    made.attrs = {"drawn": 4}
    return made


def test_every_kind_of_column_comes_back_as_it_was(table, tmp_path):
    write_mapped(table, tmp_path / "t.arrow")
    back = read_mapped(tmp_path / "t.arrow", everything)
    pd.testing.assert_frame_equal(back.drop(columns="parts"), table.drop(columns="parts"))
    assert [None if v is None else list(v) for v in back["parts"]] == table["parts"].tolist()
    assert back.attrs == {"drawn": 4}


@pytest.mark.parametrize("rows", [slice(0, 0), slice(1, 3)])
def test_an_empty_table_and_part_of_one_come_back_from_their_first_row(table, rows, tmp_path):
    part = table[["customer_id", "n", "x", "kind"]].iloc[rows]
    write_mapped(part, tmp_path / "t.arrow")
    pd.testing.assert_frame_equal(read_mapped(tmp_path / "t.arrow", everything), part.reset_index(drop=True))


def test_only_the_columns_that_are_picked_come(table, tmp_path):
    write_mapped(table, tmp_path / "t.arrow")
    back = read_mapped(tmp_path / "t.arrow", lambda names: [name for name in reversed(names) if name in {"x", "n"}])
    pd.testing.assert_frame_equal(back, table[["x", "n"]])


@pytest.mark.parametrize("column", ["n", "x", "small", "yes", "customer_id", "at"])
def test_whoever_writes_into_a_table_changes_no_one_elses(table, column, tmp_path):
    write_mapped(table, tmp_path / "t.arrow")
    mine, other = (read_mapped(tmp_path / "t.arrow", everything) for _ in range(2))
    mine.loc[0, column] = mine[column].iloc[3]
    assert mine[column].iloc[0] == table[column].iloc[3]
    for left in (other, read_mapped(tmp_path / "t.arrow", everything)):
        assert left[column].iloc[0] == table[column].iloc[0]


def test_numbers_are_not_read_before_somebody_looks(tmp_path):
    write_mapped(pd.DataFrame({"x": np.arange(1000.0), "n": np.arange(1000)}), tmp_path / "t.arrow")
    back = read_mapped(tmp_path / "t.arrow", everything)
    for name in back.columns:
        base = back[name].to_numpy()
        while isinstance(base.base, np.ndarray):
            base = base.base
        assert type(base.base).__name__ in {"mmap", "memoryview"}
