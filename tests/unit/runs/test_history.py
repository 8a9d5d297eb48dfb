"""What a run takes from those before it, and from its own notebooks."""

import pytest

from analysis.errors import BookError
from analysis.reporting.pattern import write_new


def test_the_brief_runs_after_the_others_and_reads_what_they_found(project):
    project.notebook("brief", "print([page['results']['n_customers']['value'] for page in wb.pages()])")
    outcome = project.run(project.book("brief", "alpha"))
    assert "[300" in (outcome.folder / "notebooks" / "brief.ipynb").read_text(encoding="utf-8")


def test_the_next_day_reads_the_state_of_the_last_good_run(project):
    project.notebook(
        "alpha", 'print("before:", wb.previous("memory"))\nwb.state("memory", {"day": str(wb.context.as_of)})'
    )
    book = project.book("alpha")
    project.run(book, "as_of=2026-02-01")
    later = project.run(book)
    assert "before: {'day': '2026-02-01'}" in (later.folder / "notebooks" / "alpha.ipynb").read_text(encoding="utf-8")
    fresh = project.run(book, predecessor="none")
    assert "before: None" in (fresh.folder / "notebooks" / "alpha.ipynb").read_text(encoding="utf-8")
    with pytest.raises(BookError, match="after 2026-02-01"):
        project.run(book, "as_of=2026-02-01", predecessor=later.folder.name)
    with pytest.raises(BookError, match="no such run"):
        project.run(book, predecessor="0123456789")


def test_a_backfill_of_an_earlier_day_does_not_move_latest_back(project):
    book = project.book("alpha")
    today = project.run(book)
    project.run(book, "as_of=2026-01-01")
    assert (today.folder.parent / "latest").resolve() == today.folder.resolve()


def test_a_notebook_from_the_house_pattern_runs_at_once(project):
    write_new("mine", folder=project.root / "notebooks")
    outcome = project.run(project.book("mine"))
    assert outcome.good
    assert (outcome.folder / "mine.zh.html").is_file()
