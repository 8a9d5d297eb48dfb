"""Lists that open cleanly in Excel, hold no formula, carry their checksums and load again as touches."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from analysis.data.load import load
from analysis.data.mapping import DataSource
from analysis.fields import label
from analysis.touch.target_list import CHECKSUMS, LIST_COLUMNS, SYSTEM, write_lists
from analysis.workbench import write_list

EVIL = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "=cmd|' /C calc'!A0"]


def touches(n: int = 16) -> pd.DataFrame:
    rows = [
        {
            "day": f"2026-07-0{1 + i % 2}",
            "send_hour": 10 + i % 3,
            "customer_id": f"c{i:03d}",
            "contact_id": f"k{i:03d}" if i % 4 else None,
            "channel_label": "私聊",
            "message_label": "关怀",
            "reason_text": EVIL[i % len(EVIL)],
            "talking_point": "问用得怎么样",
            "batch": 1,
            "touch_id": f"p-{i}",
            "campaign_id": "plan-20260701-care_chat",
            "channel": "private_chat" if i % 4 else "sms",
            "template_id": "care_chat",
            "offer_id": None,
            "arm": "plan",
            "propensity": 0.45,
            "staff_id": f"s{i % 3}" if i % 4 else None,
            "staff_minutes": 0.3,
            "assigned_at": f"2026-07-0{1 + i % 2} 10:00:00",
        }
        for i in range(n)
    ]
    return pd.DataFrame(rows)


def heading(column: str) -> str:
    return label(column, language="zh")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_lists(touches(), tmp_path / "lists", heading=heading, created=date(2026, 6, 30))
    return tmp_path / "lists"


def test_there_is_one_csv_and_one_workbook_for_each_member_of_staff_and_day(written):
    found = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    wanted = {(day, staff) for day, staff in zip(touches()["day"], touches()["staff_id"].fillna(SYSTEM), strict=True)}
    assert found == {f"{day}/{staff}.{kind}" for day, staff in wanted for kind in ("csv", "xlsx")} | {CHECKSUMS}


def test_csv_starts_with_a_byte_order_mark_and_no_text_is_a_formula(written):
    for path in written.rglob("*.csv"):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert not any(
            text.startswith(("=", "+", "-", "@", "\t", "\r", "＝")) for column in table for text in table[column]
        )
        assert list(table.columns) == [heading(name) for name in LIST_COLUMNS]


def test_workbooks_hold_numbers_as_numbers_and_texts_as_texts(written):
    n = 0
    for path in written.rglob("*.xlsx"):
        sheet = openpyxl.load_workbook(path).active
        assert sheet is not None
        columns = dict(zip(LIST_COLUMNS, sheet.iter_cols(min_row=2), strict=True))
        assert {cell.data_type for cells in columns.values() for cell in cells} <= {"n", "s"}
        assert all(isinstance(cell.value, float) for cell in columns["propensity"])
        assert not any(str(cell.value).startswith(("=", "+", "@")) for cell in columns["reason_text"])
        n += len(columns["customer_id"])
    assert n == len(touches())


def test_checksums_are_those_of_the_files(written):
    lines = (written / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    assert len(lines) == len([*written.rglob("*.csv"), *written.rglob("*.xlsx")])
    for line in lines:
        digest, name = line.split("  ", 1)
        assert hashlib.sha256((written / name).read_bytes()).hexdigest() == digest


def test_the_same_touches_give_the_same_bytes(written, tmp_path):
    again = tmp_path / "again"
    write_lists(touches().sample(frac=1, random_state=1), again, heading=heading, created=date(2026, 6, 30))
    assert (again / CHECKSUMS).read_bytes() == (written / CHECKSUMS).read_bytes()


def test_a_key_never_becomes_a_path(tmp_path):
    evil = touches(4).assign(staff_id="../../evil")
    paths = write_lists(evil, tmp_path / "lists", heading=heading, created=date(2026, 6, 30))
    assert all(path.resolve().is_relative_to((tmp_path / "lists").resolve()) for path in paths)


IMPORTED = [
    *("touch_id", "customer_id", "channel", "campaign_id", "assigned_at", "arm"),
    *("propensity", "staff_id", "contact_id", "template_id", "offer_id"),
]


def loaded_touches(folder: Path, file: str, *, cache: Path, columns: dict[str, str] | None = None) -> pd.DataFrame:
    """Load a list as the next run would, and check that every row is used."""
    mapping = {"file": file, **({"columns": columns} if columns else {})}
    source = DataSource.model_validate({"source": str(folder), "tables": {"touches": mapping}})
    loaded = load(source, now=datetime(2026, 7, 8, tzinfo=UTC), timezone="Asia/Shanghai", cache=cache, base=folder)
    (account,) = (table for table in loaded.tables if table.name == "touches")
    assert account.rows_in == account.used > 0
    return pd.read_parquet(loaded.folder / "touches.parquet")


def test_the_list_of_a_member_of_staff_loads_as_touches_with_every_row_used(written, tmp_path):
    columns = {name: heading(name) for name in IMPORTED}
    kept = loaded_touches(written / "2026-07-02", "s1.csv", cache=tmp_path / "cache", columns=columns)
    wanted = touches().query("day == '2026-07-02' and staff_id == 's1'")
    assert sorted(kept["customer_id"]) == sorted(wanted["customer_id"])
    assert kept["propensity"].eq(0.45).all()
    assert kept["assigned_on"].astype(str).eq("2026-07-02").all()


def test_the_whole_plan_loads_as_touches_without_a_mapping(tmp_path):
    write_list(touches().assign(reason_text="="), tmp_path / "send_plan.touches.csv")
    kept = loaded_touches(tmp_path, "send_plan.touches.csv", cache=tmp_path / "cache")
    assert len(kept) == len(touches())
    assert set(kept["channel"]) == {"private_chat", "sms"}
