"""What cannot be used is refused before anything runs, by a check as by a run, with what to do."""

from datetime import UTC, datetime

import pytest

from analysis.errors import DataError
from analysis.runs.check import check_book

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HEADER = "order_id,customer_id,ordered_at,amount\n"


def _write(project, lines: str, *, needs: str = '["orders"]'):
    project.orders()
    (project.root / "data" / "orders.csv").write_text(HEADER + lines, encoding="utf-8")
    project.notebook("alpha")
    path = project.root / "notebooks" / "alpha.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace('"needs": []', f'"needs": {needs}'), encoding="utf-8")
    return project.book("alpha", extra="as_of: 2026-02-01\n")


def _check(project, book, *overrides: str) -> list[str]:
    return list(check_book(book, overrides=overrides, now=NOW, cache=project.root / ".cache", root=project.root))


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "o1,c1,2026-02-02 10:00,9\n",
        "o1,c1,2026-01-02 10:00,-9\n",
        "o1,,2026-01-02 10:00,9\n",
        "o1,c1,2026-01-02 10:00,9\no1,c1,2026-01-03 10:00,-9\n",
    ],
    ids=["no rows", "after the day", "a refund only", "nobody known", "taken back"],
)
def test_orders_without_a_purchase_stop_a_run_and_a_check(project, lines):
    book = _write(project, lines)
    with pytest.raises(DataError, match="no customer has a purchase up to 2026-02-01"):
        _check(project, book)
    with pytest.raises(DataError, match="no customer has a purchase up to 2026-02-01"):
        project.run(book)
    assert not [path for path in (project.root / "reports" / "weekly").iterdir() if path.name != ".lock"]


def test_a_book_that_asks_for_no_orders_runs_without_a_purchase(project):
    book = _write(project, "o1,c1,2026-01-02 10:00,-9\n", needs="[]")
    assert any("1 rows in = 1 used" in line for line in _check(project, book))


def test_a_check_refuses_stale_data_as_a_run_does(project):
    book = _write(project, "o1,c1,2026-01-02 10:00,9\n")
    with pytest.raises(DataError, match="stale_after_days allows 7"):
        _check(project, book, "data.stale_after_days=7")
    assert _check(project, book, "data.stale_after_days=90")


def test_a_check_says_in_words_why_rows_are_rejected(project):
    book = _write(project, "".join(f"o{n},c{n},2026-01-02 10:00,9\n" for n in range(200)) + "x,c1,2026-01-02 10:00,?\n")
    assert any("quarantined: amount " in line and ": 1" in line for line in _check(project, book))
