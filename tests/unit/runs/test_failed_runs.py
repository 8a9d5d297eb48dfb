"""A failed notebook fails its run, visibly, and harms nothing else."""

import json

GOOD = 'wb.results({"n_customers": Estimate(300, "customers")})'


def test_a_failed_notebook_is_published_and_marked_and_latest_stays(project):
    book = project.book("alpha", "brief")
    first = project.run(book)
    project.notebook("alpha", GOOD, "raise ValueError('no such thing')")
    second = project.run(book)
    assert not second.good
    assert second.failed == ("alpha",)
    manifest = json.loads((second.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["notebooks"]["alpha"]["message"] == "no such thing"
    assert manifest["notebooks"]["brief"]["status"] == "good"
    assert "no such thing" in (second.folder / "alpha.zh.html").read_text(encoding="utf-8")
    assert json.loads((second.folder / "results.json").read_text(encoding="utf-8"))["alpha"] == {}
    assert (first.folder.parent / "latest").resolve() == first.folder.resolve()


def test_a_failed_run_gives_way_to_the_next_try_of_the_same(project):
    project.notebook("alpha", "import os\nassert os.path.exists('mended'), 'not mended'")
    book = project.book("alpha")
    failed = project.run(book)
    assert not failed.good
    (project.root / "mended").touch()
    mended = project.run(book)
    assert mended.good
    assert mended.folder == failed.folder
    assert [path.name for path in mended.folder.parent.iterdir() if path.name.startswith(".b")] == []


def test_what_a_failed_notebook_half_made_is_not_left_to_act_on(project):
    project.notebook(
        "alpha",
        'import pandas as pd\nwb.private("list", pd.DataFrame({"customer_id": ["c1"]}))',
        "raise ValueError('late')",
    )
    outcome = project.run(project.book("alpha"))
    assert list((outcome.folder / "private").iterdir()) == []


def test_a_shareable_table_of_single_customers_fails_its_notebook(project):
    project.notebook(
        "alpha",
        "import pandas as pd\nfolder = wb.context.out / 'tables'",
        "pd.DataFrame({'customer_id': ['c1']}).to_parquet(folder / 'alpha.x.parquet')",
    )
    outcome = project.run(project.book("alpha"))
    assert outcome.failed == ("alpha",)
    assert list((outcome.folder / "tables").iterdir()) == []
