import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.data.contracts import CONTRACTS
from analysis.data.synthetic import BRANDS, assemble, generate
from analysis.data.synthetic.write import EXTRA_COLUMNS
from analysis.errors import AnalysisError, PublishError

Read = Callable[[str], pd.DataFrame]


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        generate("coffee", customers=600, seed=seed, out=tmp_path / name)
    one, two, three = (digests(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    same = {name for name in one if one[name] == three[name]}
    assert same <= {"truth/levers.parquet", "truth/source_states.parquet", "truth/tags.parquet"}


def test_chunks_do_not_share_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemble, "CHUNK", 400)
    generate("beauty", customers=1_500, seed=3, out=tmp_path / "brand")
    for table in ("customers", "contacts", "touches", "order_items", "decisions", "assignments"):
        frame = pd.read_parquet(tmp_path / "brand" / f"{table}.parquet")
        assert not frame.duplicated(list(CONTRACTS[table].key)).any(), table
    assert len(pd.read_parquet(tmp_path / "brand" / "customers.parquet")) == 1_500


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("customers", [200, 2_000])
def test_every_contract_table_is_written_with_all_its_columns_and_rows(
    tmp_path: Path, brand: str, customers: int
) -> None:
    generate(brand, customers=customers, seed=11, out=tmp_path / brand)
    for name, contract in CONTRACTS.items():
        schema = pq.read_schema(tmp_path / brand / f"{name}.parquet")
        assert tuple(schema.names) == contract.names + tuple(EXTRA_COLUMNS.get(name, {})), name
        for column in contract.columns:
            kind = str(schema.field(column.name).type)
            assert (kind == "timestamp[us, tz=UTC]") == (column.kind == "instant"), column.name
        assert pq.read_metadata(tmp_path / brand / f"{name}.parquet").num_rows > 0, name
    described = json.loads((tmp_path / brand / "brand.json").read_text(encoding="utf-8"))
    assert set(described["title"]) == {"zh", "en"}
    assert 0 < described["margin"] < 1
    assert len(pd.read_parquet(tmp_path / brand / "customers.parquet")) == customers


def test_the_history_lies_within_its_two_years(beauty: Read) -> None:
    first, last = (pd.Timestamp(day, tz="Asia/Shanghai") for day in ("2024-07-01", "2026-07-01"))
    for name in ("touches", "contacts", "consents", "group_members", "referrals", "tags", "surveys", "decisions"):
        frame = beauty(name)
        for column in CONTRACTS[name].columns:
            if column.kind == "instant" and column.name != "expires_at":
                times = frame[column.name].dropna()
                assert times.between(first, last).all(), (name, column.name)
    broken = beauty("truth/violations")
    late = beauty("orders").query("ordered_at >= @last")
    assert set(late.order_id) == set(broken.key[broken.reason == "future"])


def test_an_unknown_brand_or_too_few_customers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="coffee"):
        generate("cofee", customers=2_000, seed=1, out=tmp_path / "x")
    with pytest.raises(AnalysisError, match="200"):
        generate("coffee", customers=10, seed=1, out=tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(PublishError, match="not empty"):
        generate("coffee", customers=200, seed=1, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_generation_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(assemble, "_write_whole", fail)
    with pytest.raises(KeyboardInterrupt):
        generate("coffee", customers=200, seed=1, out=tmp_path / "brand")
    assert not list(tmp_path.iterdir())
