"""The command line: quick to answer, exact in what it refuses."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis import cli

ROOT = Path(__file__).parents[2]
HEAVY = ("pandas", "numpy", "pydantic", "papermill", "nbformat", "rich", "ruamel", "matplotlib", "duckdb", "sklearn")


def test_help_imports_nothing_heavy_and_names_every_command():
    code = (
        "import sys, io, contextlib\nfrom analysis.cli import main\n"
        "out = io.StringIO()\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(out):\n    main(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], out.getvalue())"
    )
    began = time.monotonic()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert time.monotonic() - began < 3
    assert said.startswith("[]")
    assert all(f"\n    {name}" in said for name in ("run", "check", "demo", "lab", "new"))


def test_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("siyu ")


@pytest.mark.parametrize("arguments", [[], ["runn"], ["run"], ["run", "x", "--jobs", "two"], ["demo", "tea"]])
def test_a_wrong_call_exits_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: siyu" in capsys.readouterr().err


def test_check_prints_a_schema_that_editors_read(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert cli.main(["check", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["additionalProperties"] is False
    assert "horizon_days" in json.dumps(schema["$defs"]["ChurnParams"])


def test_check_without_a_book_says_what_to_name(capsys):
    assert cli.main(["check"]) == 2
    assert "params/demo.yaml" in capsys.readouterr().err


def test_check_prints_the_law_of_rows_and_what_is_missing(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount\n"
        + "".join(f"o{n},c{n % 9},2026-02-{1 + n % 28:02d} 10:00:00,9.5\n" for n in range(199))
        + "o900,c1,someday,3\no1,c1,2026-02-02 10:00:00,9.5\n",
        encoding="utf-8",
    )
    book = tmp_path / "book.yaml"
    book.write_text("name: x\ndata: {source: data}\nnotebooks: {mine: {}}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", "mine"]) == 0
    capsys.readouterr()
    assert cli.main(["check", "book.yaml"]) == 0
    said = capsys.readouterr().out
    assert "201 rows in = 199 used + 1 duplicates + 0 anonymous + 0 after as_of + 1 quarantined" in said
    assert "as_of 2026-02-28" in said
    assert cli.main(["check", "book.yaml", "--set", "data.source=nowhere"]) == 3
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("name", ["Bad", "a-b", "../up", "brief", "class x", "1st", ""])
def test_new_refuses_a_name_that_cannot_be_one(name, tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", name]) == 2
    assert list(tmp_path.rglob("*.ipynb")) == []


def test_new_overwrites_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", "mine"]) == 0
    path = tmp_path / "notebooks" / "mine.ipynb"
    path.write_text("my work", encoding="utf-8")
    assert cli.main(["new", "mine"]) == 2
    assert path.read_text(encoding="utf-8") == "my work"
    assert "nothing was overwritten" in capsys.readouterr().err


def test_demo_writes_a_brand_with_its_truth(tmp_path, capsys):
    out = tmp_path / "brand"
    assert cli.main(["demo", "coffee", "--customers", "200", "--seed", "3", "--out", str(out)]) == 0
    assert (out / "orders.parquet").is_file()
    assert (out / "truth").is_dir()


def test_lab_opens_jupyterlab_on_the_notebooks_with_the_book(monkeypatch):
    called = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: called.append((path, arguments)))
    monkeypatch.setenv("SIYU_BOOK", "")
    cli.main(["lab", str(ROOT / "params" / "demo.yaml")])
    ((path, arguments),) = called
    assert path == sys.executable
    assert "--LabApp.default_url=/lab/tree/notebooks" in arguments
    assert os.environ["SIYU_BOOK"] == str(ROOT / "params" / "demo.yaml")


@pytest.mark.parametrize("book", [[], [str(ROOT / "params" / "demo.yaml")]])
def test_lab_hands_options_after_the_dashes_to_jupyterlab(monkeypatch, book):
    called = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: called.append(arguments))
    monkeypatch.setenv("SIYU_BOOK", "")
    cli.main(["lab", *book, "--", "--no-browser", "--port=8899"])
    assert called[0][-2:] == ["--no-browser", "--port=8899"]
    assert os.environ["SIYU_BOOK"] == "".join(book)
