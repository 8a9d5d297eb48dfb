"""The same book, data and predecessor give the same bytes wherever and however they run."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analysis.data.synthetic import generate

ROOT = Path(__file__).parents[3]
GOOD = 'wb.results({"n_customers": Estimate(300, "customers")})'
CODE = "import sys; from analysis.cli import main; sys.exit(main())"
# figures, tables, results, state, a list, and the page that reads the others
FEW = ("tiers", "brief")
ALL: tuple[str, ...] = (
    "data_health",
    "tiers",
    "segments",
    "churn",
    "value",
    "strategies",
    "send_plan",
    "incrementality",
    "uplift",
)
ALL += ("policy_value", "experiment_design", "forecast_ledger", "brief")


@dataclass(frozen=True)
class Way:
    """How a book is run."""

    place: str
    jobs: int = 1
    mask: int = 0o022
    environment: dict[str, str] = field(default_factory=dict)


HERE = Way("here", environment={"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8"})
THERE = Way(
    "there/deeper down",
    jobs=2,
    mask=0o077,
    environment={"TZ": "America/New_York", "PYTHONHASHSEED": "77", "LC_ALL": "C", "LANG": "de_DE.UTF-8", "HOME": "/"},
)


def test_the_same_bytes_with_one_job_or_two_in_another_folder_and_zone(tmp_path, build_project, tree, monkeypatch):
    trees = []
    for place, zone, jobs in (("here", "Asia/Tokyo", 1), ("there/deeper", "America/New_York", 2)):
        monkeypatch.setenv("TZ", zone)
        project = build_project(tmp_path / place)
        project.notebook("alpha", GOOD, "print({'a', 'b', 'c'}, horizon)")
        outcome = project.run(project.book("alpha", "brief"), jobs=jobs)
        trees.append({name: content for name, (_, content) in tree(outcome.folder).items()})
    assert differing(*trees) == []


@pytest.mark.exam
@pytest.mark.slow
def test_the_house_notebooks_give_the_same_bytes_in_another_folder_zone_seed_locale_mask_jobs_and_cache(
    tmp_path, exam_in_full
):
    """In full two runs, the second on the first, in two ways; then the last one again, with all that is cached."""
    notebooks, days = (ALL, ("2026-06-14", "2026-06-28")) if exam_in_full else (FEW, ("2026-06-28",))
    generate("coffee", customers=1500 if exam_in_full else 400, seed=7, out=tmp_path / "brand")
    ways = [[run(tmp_path, way, notebooks, last=day) for day in days] for way in (HERE, THERE)]
    assert {manifest_of(files)["status"] for run_files in ways for files in run_files} == {"good"}
    assert [name for one, other in zip(*ways, strict=True) for name in differing(one, other)] == []
    assert (manifest_of(ways[0][-1])["predecessor"] is not None) == exam_in_full
    again = run(tmp_path, HERE, notebooks, last=days[-1], anew=True)  # all that was computed is kept
    assert differing(ways[0][-1], again) == []


def run(root: Path, way: Way, notebooks: tuple[str, ...], *, last: str, anew: bool = False) -> dict[str, bytes]:
    """Run a book as its command does, and return the files of the run; ``anew``: it is published already and goes."""
    place = root / way.place
    (place / "params").mkdir(parents=True, exist_ok=True)
    if not (place / "notebooks").exists():
        for name in ("notebooks", "params/strategies", "params/effects", "params/policies"):
            (place / name).symlink_to(ROOT / name)
        shutil.copytree(root / "brand", place / "data of ours")
    book = place / "params" / "weekly.yaml"
    blocks = "".join(f"  {name}: {json.dumps(SETTINGS.get(name, {}))}\n" for name in notebooks)
    data = "data: {source: ../data of ours}\n"
    book.write_text(f"name: weekly\n{data}language: both\nas_of: {last}\nnotebooks:\n{blocks}", encoding="utf-8")
    reports = place / "reports" / "weekly"
    options = [str(book), "--jobs", str(way.jobs)]
    if anew:
        (gone,) = reports.glob(f"{last}-*")
        gone.rename(root / "gone")
    made = subprocess.run(
        [sys.executable, "-c", CODE, "run", *options],
        cwd=place,
        env={**os.environ, **way.environment},
        preexec_fn=lambda: os.umask(way.mask),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (folder,) = reports.glob(f"{last}-*")
    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder / "private", *(folder / "private").rglob("*/")])
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


SETTINGS = {
    "segments": {"k_max": 4, "resamples": 10},
    "strategies": {"strategies": "params/strategies/coffee.yaml", "replicates": 20},
    "incrementality": {"table": "assignments"},
}


def manifest_of(files: dict[str, bytes]) -> dict[str, object]:
    manifest: dict[str, object] = json.loads(files["manifest.json"])
    return manifest


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Return the files whose bytes differ; of the manifest all but its times counts."""
    found = [name for name in sorted({*one, *other} - {"manifest.json"}) if one.get(name) != other.get(name)]
    plain = [{**manifest_of(files), "times": None} for files in (one, other)]
    return found + [f"manifest: {name}" for name in plain[0] if plain[0][name] != plain[1].get(name)]
