"""Readers under fuzz: whatever bytes come, they read or refuse in words; no row is lost, nothing hangs."""

import contextlib
import csv
import io
import json
import os
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from analysis.data.channels import Channels
from analysis.errors import SiyuError
from analysis.touch.strategies import StrategySet
from tests.security import targets
from tests.security.payloads import PAYLOADS, of_kind

pytestmark = pytest.mark.exam

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("SIYU_EXAM") == "full"
SECONDS = 20  # no single input takes longer


def fuzzed(examples: int) -> Callable[[Any], Any]:
    """A few examples, always the same, in CI; many and new ones in the exam."""
    return settings(
        max_examples=examples * 20 if FULL else examples,
        derandomize=not FULL,
        database=None,
        deadline=timedelta(seconds=SECONDS),
        phases=(Phase.explicit, Phase.generate) if not FULL else tuple(Phase),
        suppress_health_check=list(HealthCheck),
    )


some_text = st.one_of(
    st.text(max_size=30),
    st.sampled_from([payload.text for payload in PAYLOADS if len(payload.text) < 2000]),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), some_text)
plain = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(some_text, inner, max_size=4), max_leaves=12
)


@st.composite
def changed(draw: st.DrawFn, sound: Any) -> Any:
    """A plain value of which some parts are something else, are gone, or are new."""
    if isinstance(sound, dict) and sound and draw(st.integers(0, 9)) > 0:
        made = dict(sound)
        for key in draw(st.lists(st.sampled_from(sorted(made)), max_size=2, unique=True)):
            if draw(st.integers(0, 3)) == 0:
                del made[key]
            else:
                made[key] = draw(changed(made[key]))
        if draw(st.integers(0, 5)) == 0:
            made[draw(some_text)] = draw(plain)
        return made
    if isinstance(sound, list) and sound and draw(st.integers(0, 5)) > 0:
        at = draw(st.integers(0, len(sound) - 1))
        return [*sound[:at], draw(changed(sound[at])), *sound[at + 1 :]]
    return draw(plain)


@st.composite
def damaged(draw: st.DrawFn, sound: bytes) -> bytes:
    """Bytes of a file with some of them changed, cut out, repeated or put in."""
    made = bytearray(sound)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(made) - 1)))
        match draw(st.integers(0, 4)):
            case 0:
                made[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del made[at : at + draw(st.integers(1, 64))]
            case 2:
                made[at:at] = draw(st.binary(max_size=16))
            case 3:
                made[at:at] = made[at : at + draw(st.integers(1, 64))]
            case _:
                made[at:at] = draw(some_text).encode("utf-8", "surrogatepass")
    return bytes(made)


BOOK: dict[str, Any] = {
    "name": "weekly", "title": {"zh": "周报", "en": "weekly"}, "contact": {"zh": "我"},
    "data": {"source": "demo/beauty", "engine": "duckdb", "demo": {"customers": 500, "seed": 7}, "pii": ["phone"],
             "tables": {"orders": {"file": "a.csv", "grain": "line", "columns": {"amount": ["实付", "x"]},
                                   "products": {"amount": ["q", "p"]}, "values": {"status": {"a": "paid"}},
                                   "join": {"file": "b.csv", "on": "k", "columns": {"category": "c"}}}}},
    "as_of": "2026-06-30", "timezone": "Asia/Shanghai", "language": "both", "currency": "CNY", "seed": 1,
    "min_cell": 10, "deadline_minutes": 60, "jobs": "auto", "schedule": "0 7 * * 1",
    "notebooks": {"mine": {"days": 3, "name": "x", "many": ["a"], "share": 0.5}},
    "notify": {"audience": ["A_URL"], "maintainer": ["B_URL"], "link": "https://x.example/r"},
}  # fmt: skip


@fuzzed(120)
@given(some_text)
def test_any_text_is_yaml_or_is_refused(text: str) -> None:
    targets.yaml_text(text)


def test_every_hostile_text_is_a_plain_value_or_is_refused() -> None:
    outcomes = {text[:60]: targets.yaml_text(text) for text in of_kind("yaml", "template", "markup", "signs")}
    assert {"read", "refused"} == set(outcomes.values())
    for tagged in ("!!python/object/apply:os.system ['tee HIT']", "!custom x", "*nobody"):
        assert outcomes[tagged] == "refused"
    assert not Path("HIT").exists()


@fuzzed(60)
@given(changed(BOOK))
def test_a_book_with_anything_in_any_key_is_read_or_refused(value: Any) -> None:
    with contextlib.suppress(UnicodeEncodeError):
        targets.book(json.dumps(value, ensure_ascii=True).encode())


@fuzzed(40)
@given(damaged(json.dumps(BOOK, ensure_ascii=False, indent=1).encode()))
def test_a_damaged_book_is_read_or_refused(content: bytes) -> None:
    targets.book(content)


@fuzzed(60)
@given(st.lists(st.one_of(some_text, st.tuples(
    st.sampled_from(["data.source", "notebooks.mine.name", "notebooks.mine.days", "data.tables.orders.file", "as_of",
                     "data", "notebooks", "title.zh", "timezone", "notebooks.mine", "data.pii", "schedule"]),
    some_text).map("=".join)), min_size=1, max_size=3))  # fmt: skip
def test_any_set_is_read_or_refused(overrides: list[str]) -> None:
    targets.book(json.dumps(BOOK).encode(), *overrides)


@fuzzed(15)
@given(st.data())
def test_a_damaged_file_of_parameters_is_read_or_refused(data: st.DataObject) -> None:
    for path, model in (("strategies/beauty.yaml", StrategySet), ("channels.yaml", Channels)):
        content = data.draw(damaged((ROOT / "params" / path).read_bytes()))
        targets.dated_file(content, model)
    one = min((ROOT / "params" / "presets").glob("*.yaml"))
    targets.preset(data.draw(damaged(one.read_bytes())))


@fuzzed(80)
@given(
    st.binary(max_size=400),
    st.sampled_from([None, "utf-8", "gb18030", "utf-16", "windows-1252", "nonsense", "rot13"]),
    st.integers(0, 3),
)
@example(b"", None, 0)
@example(b"a,b\r\n1,2\r\n", "rot13", 0)
@example(b'a,b\n"1,2\n', None, 0)
@example(b"\xff\xfea\x00", None, 0)
@example(b"\x00" * 100, None, 0)
@example(b"a\n" + b"1\n" * 3, None, 0)
@example(("a,b\n" + "x" * 140_000 + ",2\n").encode(), None, 0)  # a field longer than Python's own reader allows
def test_any_bytes_are_a_text_file_or_are_refused(content: bytes, encoding: str | None, skip: int) -> None:
    targets.text_file(content, encoding=encoding, skip_rows=skip)


@fuzzed(40)
@given(
    st.lists(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8),
                      min_size=3, max_size=3), min_size=1, max_size=12),
    st.sampled_from([",", "\t", ";", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_no_row_of_a_text_file_is_lost(rows: list[list[str]], separator: str, encoding: str, line: str) -> None:
    import tempfile

    import pyarrow.parquet as pq

    from analysis.data.text_files import read_text_file

    buffer = io.StringIO(newline="")
    # a customer of its own in each row, so that no row is blank
    written = [[f"c{number}", *row[1:]] for number, row in enumerate(rows)]
    csv.writer(buffer, delimiter=separator, lineterminator=line).writerows([["id", "x", "y"], *written])
    with tempfile.TemporaryDirectory() as name:
        path, target = Path(name) / "x.csv", Path(name) / "x.parquet"
        path.write_bytes(buffer.getvalue().encode(encoding))
        try:
            found = read_text_file(path, name="orders", target=target, encoding=encoding)
        except SiyuError:
            return
        kept = pq.read_table(target).to_pylist()
        assert len(kept) + len(found.ragged) >= len(written)
        if found.headers == ("id", "x", "y") and not found.ragged:
            assert [row["id"] for row in kept] == [row[0] for row in written]


ORDER = st.tuples(
    st.one_of(st.just("o1"), st.integers(1, 9).map(str), some_text),
    st.one_of(st.just("c1"), st.just(""), some_text),
    st.one_of(st.just("2026-03-01 10:00:00"), st.just("2026/3/1"), st.just("1772330400"), some_text),
    st.one_of(st.just("12.5"), st.just("-3"), st.just("￥1,200.00"), st.floats().map(str), some_text),
    st.one_of(st.sampled_from(["", "paid", "refunded"]), some_text),
)


@fuzzed(12)
@given(st.lists(ORDER, min_size=1, max_size=8))
def test_every_order_is_used_or_in_quarantine(rows: list[tuple[str, ...]]) -> None:
    cells = [[cell.replace("\0", "").encode("utf-8", "replace").decode() for cell in row] for row in rows]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(
        [["order_id", "customer_id", "ordered_at", "amount", "category"], *cells]
    )
    targets.source({"orders.csv": buffer.getvalue().encode()}, rows=len(rows))


HEADERS = ["order_id", "customer_id", "ordered_at", "amount"]


@fuzzed(8)
@given(st.lists(some_text, min_size=1, max_size=4))
def test_any_header_is_read_or_refused(headers: list[str]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow([*HEADERS, *headers])
    writer.writerow(["o1", "c1", "2026-03-01", "5", *("x" for _ in headers)])
    content = buffer.getvalue().encode("utf-8", "replace")
    targets.source({"orders.csv": content}, orders={"columns": {"category": headers[0]}})


@cache
def sound_files() -> dict[str, bytes]:
    """An XLSX and a Parquet file of a few orders."""
    import openpyxl
    import pandas as pd

    rows = [[f"o{n}", f"c{n % 3}", f"2026-03-0{n % 9 + 1} 10:00:00", 5.5 * n] for n in range(12)]
    book = openpyxl.Workbook()
    for row in (HEADERS, *rows):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return {"xlsx": buffer.getvalue(), "parquet": pd.DataFrame(rows, columns=HEADERS).to_parquet()}


@fuzzed(60)
@given(st.data())
def test_a_damaged_workbook_is_read_or_refused(data: st.DataObject) -> None:
    targets.workbook(data.draw(damaged(sound_files()["xlsx"])))


@st.composite
def other_sheets(draw: st.DrawFn) -> bytes:
    """A workbook whose parts are damaged before they are packed: what a byte in a packed file rarely reaches."""
    from zipfile import ZipFile

    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(sound_files()["xlsx"])) as old, ZipFile(buffer, "w") as new:
        names = old.namelist()
        hit = draw(st.sampled_from(names))
        for name in names:
            new.writestr(name, draw(damaged(old.read(name))) if name == hit else old.read(name))
    return buffer.getvalue()


@fuzzed(60)
@given(other_sheets())
def test_a_workbook_with_damaged_parts_is_read_or_refused(content: bytes) -> None:
    targets.workbook(content)


@fuzzed(8)
@given(st.data())
def test_a_damaged_parquet_file_is_read_or_refused(data: st.DataObject) -> None:
    targets.source({"orders.parquet": data.draw(damaged(sound_files()["parquet"]))})


@fuzzed(25)
@given(changed(targets.SOUND), changed(targets.RESULTS), changed(targets.SAID))
@example({key: value for key, value in targets.SOUND.items() if key != "title"}, targets.RESULTS, targets.SAID)
@example({**targets.SOUND, "book": None}, targets.RESULTS, targets.SAID)
@example({**targets.SOUND, "times": []}, targets.RESULTS, targets.SAID)
@example({**targets.SOUND, "resolved_book": {"language": "../x"}}, targets.RESULTS, targets.SAID)
@example(targets.SOUND, None, None)
@example(targets.SOUND, {"churn": {"n": {"value": {}}}}, {"rests_on": {"of churn": ""}, "blocks": [{"kind": "tile"}]})
def test_a_damaged_run_of_before_stops_neither_the_list_nor_a_comparison(
    manifest: Any, results: Any, said: Any
) -> None:
    with contextlib.suppress(UnicodeEncodeError):
        targets.earlier_run(manifest, results, said)


def test_sound_inputs_are_read() -> None:
    assert targets.book(json.dumps(BOOK).encode()) == "read"
    assert targets.earlier_run(targets.SOUND, targets.RESULTS, targets.SAID) == "read"
    assert targets.workbook(sound_files()["xlsx"]) == "read"
    assert targets.source({"orders.parquet": sound_files()["parquet"]}, rows=12) == "read"
