from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from analysis.data.synthetic.keys import hashes, labels, pseudonyms, taken
from analysis.data.synthetic.write import Sink
from analysis.errors import DataError


def test_a_column_the_contract_does_not_have_is_refused(tmp_path: Path) -> None:
    columns = {"date": np.array([0]), "source": labels(("store",), np.array([0])), "amount": np.array([1.0])}
    with Sink(tmp_path, "spend") as sink:
        sink.write(columns)
        with pytest.raises(DataError, match="colour"):
            sink.write(columns | {"colour": np.array([1.0])})
        with pytest.raises(DataError, match="amount"):
            sink.write({"date": columns["date"], "source": columns["source"]})


def test_days_and_instants_are_written_as_dates_and_utc(tmp_path: Path) -> None:
    with Sink(tmp_path, "x", kinds={"day": "date", "at": "instant", "n": "count"}) as sink:
        sink.write({"day": np.array([0, 1]), "at": np.array([0.5, np.nan]), "n": np.array([3.0, np.nan])})
    rows = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert [row["day"].isoformat() for row in rows] == ["2024-07-01", "2024-07-02"]
    assert rows[0]["at"].isoformat() == "2024-07-01T04:00:00+00:00"
    assert rows[1]["at"] is None
    assert rows[1]["n"] is None


def test_pseudonyms_are_one_to_one_and_hashes_look_like_hashes() -> None:
    numbers = np.arange(200_000)
    assert len(pseudonyms("c", numbers, salt=7).unique()) == len(numbers)
    hexes = hashes(numbers[:1_000], salt=7).to_pylist()
    assert len(set(hexes)) == 1_000
    assert all(len(one) == 16 and set(one) <= set("0123456789abcdef") for one in hexes)
    assert hexes != hashes(numbers[:1_000], salt=8).to_pylist()


def test_taking_with_a_negative_index_gives_null() -> None:
    assert taken(labels(("a", "b"), np.array([0, 1])), np.array([1, -1, 0])).to_pylist() == ["b", None, "a"]
