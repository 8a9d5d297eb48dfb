"""Killed, or out of disk, at every point where a run changes a file: enumerated by the kernel, not by us.

After each: the published tree is old or new, ``latest`` is a good run, the list names only whole runs, and the next run
is clean: the tree, the caches and the folder for temporary files are those of a run that nothing disturbed.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.runs.conftest import GOOD, Project, make_project
from tests.unit.runs.watched import NEED_NO_ROOM, Ended, Server, kind_of

RICH = """import pandas as pd
people = wb.table("features")
cuts = wb.table("tier_thresholds")
wb.private("list", people[["customer_id"]])
wb.keep("shown", pd.DataFrame({"n_customers": [30, 40]}))
wb.state("seen", {"n": 30})
wb.state("bank", pd.DataFrame({"a": [1]}))"""
FORECASTS = 'import pandas as pd\nwb.state("forecasts", pd.DataFrame({"made": ["2026-02-22"]}))'
FRAGILE = "import pathlib\nassert pathlib.Path('mended').exists(), 'not mended'"
TOLD = ("", "PublishError", "DataError")
TIMES = re.compile(rb"\d{4}-\d\d-\d\d.{1,3}\d\d:\d\d")
LINKS = re.compile(r'href="(weekly/[^"]+)"')


@dataclass
class Scene:
    """A project before a run, and the same after it: nothing disturbed that one."""

    project: Project
    book: Path
    before: dict[str, bytes]
    after: dict[str, bytes]
    points: list[tuple[str, ...]]
    server: Server
    rich: bool = False
    copies: Iterator[int] = field(default_factory=lambda: iter(range(100_000)))

    @property
    def harmless(self) -> int:
        """The first point after which nothing is written any more that anybody misses."""
        return max(place for place, point in enumerate(self.points) if point[0] not in NEED_NO_ROOM)

    def disturbed(self, **wishes: object) -> tuple[Path, Ended]:
        """Run the book in a copy of the project, with a fault."""
        root = self.project.root.with_name(f"{self.project.root.name}-{next(self.copies)}")
        shutil.copytree(self.project.root, root, symlinks=True)
        return root, self.server.run(root, root / "params" / self.book.name, **wishes)

    def holds(self, root: Path, *, failed: bool = False) -> list[str]:
        """Say what is wrong with a tree right after a fault; ``failed``: a whole run marked failed may stand."""
        wrong, now = [], contents(root / "reports")
        for name in {name.split("/")[1] for name in now if name.count("/") > 1 and "/." not in f"/{name}"}:
            run = part(now, f"weekly/{name}/")
            if failed and whole_and_failed(run):
                continue
            if run not in (part(self.before, f"reports/weekly/{name}/"), part(self.after, f"reports/weekly/{name}/")):
                wrong.append(f"{name} is neither the old nor the new run")
        there = {name.split("/")[2] for name in self.before if name.startswith("reports/weekly/20")}
        wrong += [f"{name} is gone" for name in there if f"weekly/{name}/manifest.json" not in now]
        latest = root / "reports" / "weekly" / "latest"
        if latest.is_symlink() and json.loads((latest / "manifest.json").read_bytes())["status"] != "good":
            wrong.append("latest is no good run")
        if "reports/weekly/latest" in self.before and not latest.exists():
            wrong.append("latest is gone")
        listed = (root / "reports" / "index.html").read_text() if "index.html" in now else "</html>"
        wrong += [f"the list names {link}" for link in LINKS.findall(listed) if not (root / "reports" / link).exists()]
        return wrong if "</html>" in listed else [*wrong, "the list is cut off"]

    def mends(self, root: Path) -> list[str]:
        """Run the book again and say what differs from a run that nothing disturbed."""
        again = self.server.run(root, root / "params" / self.book.name)
        if not again.good:
            return [f"the next run: {again}"]
        now = contents(root)
        return [name for name in sorted({*now, *self.after}) if now.get(name) != self.after.get(name)]


def contents(root: Path) -> dict[str, bytes]:
    """Return all files, folders and links below a folder, but for what only tells the time."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = bytes(path.readlink())
        elif not path.is_file():
            found[name] = b""
        elif path.name == "manifest.json":
            manifest = json.loads(path.read_bytes())
            del manifest["times"]
            found[name] = json.dumps(manifest).encode()
        else:
            found[name] = (
                TIMES.sub(b"then", path.read_bytes()) if name.endswith("reports/index.html") else path.read_bytes()
            )
    return found


def whole_and_failed(run: dict[str, bytes]) -> bool:
    manifest = json.loads(run.get("manifest.json", b"{}"))
    return bool(manifest) and manifest["status"] == "failed" and {*manifest["files"]} <= {*run}


def part(tree: dict[str, bytes], start: str) -> dict[str, bytes]:
    return {name.removeprefix(start): content for name, content in tree.items() if name.startswith(start)}


def first_run(project: Project) -> Path:
    return project.book("alpha", "brief")


def later_run(project: Project, server: Server) -> Path:
    """A good run stands there; newer orders came, one of them unreadable, and a notebook was left out.

    The cache holds as many loads as it may: the oldest one makes room.
    """
    project.notebook("gamma", FORECASTS, GOOD)
    assert server.run(project.root, project.book("alpha", "gamma", "brief")).good
    (load,) = (project.root / ".cache" / "data").iterdir()
    for number in range(9):
        older = shutil.copytree(load, load.with_name(f"{number:032}"))
        os.utime(older / "accounting.json", (number, number))
    project.orders(days=204)
    with (project.root / "data" / "orders.csv").open("a") as file:
        file.write("broken,c1,no day,10\n")
    return project.book("alpha", "brief", extra="")


def retry(project: Project, server: Server) -> Path:
    """A failed run stands there, and the same run is to take its place."""
    project.notebook("beta", FRAGILE, GOOD)
    book = project.book("alpha", "beta", "brief")
    assert not server.run(project.root, book).good
    (project.root / "mended").touch()
    return book


SCENES = {"first": lambda project, _: first_run(project), "later": later_run, "retry": retry}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("warm")
    project = make(root / "project")
    served = Server(root / "log", project.root, first_run(project))
    if not served.ready:
        pytest.skip("this system hands no system calls over (seccomp user notification, Linux 5.5)")
    yield served
    served.close()


def make(root: Path) -> Project:
    project = make_project(root)
    project.notebook("alpha", RICH, GOOD)
    (root / "tmp").mkdir()
    return project


@pytest.fixture(scope="module", params=SCENES)
def scene(request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    project = make(tmp_path_factory.mktemp(request.param) / "project")
    book = SCENES[request.param](project, server)
    undisturbed = Scene(project, book, contents(project.root), {}, [], server, rich=request.param == "later")
    root, ended = undisturbed.disturbed()
    assert ended.good
    undisturbed.after, undisturbed.points = contents(root), ended.points
    assert set(LINKS.findall(undisturbed.after["reports/index.html"].decode())) == {
        name.removeprefix("reports/")
        for name in undisturbed.after
        if re.fullmatch(r"reports/weekly/20[^/]+/index.html", name)
    }
    return undisturbed


def chosen(scene: Scene, *, in_full: bool) -> list[int]:
    """Every point; or every one where readers look, and of what is hidden from them one of each call and area."""
    if in_full:
        return list(range(len(scene.points)))
    seen, kept = set(), []
    for place, (call, *paths) in enumerate(scene.points):
        area = "/".join(re.sub(r"-.*", "", part) for part in Path(paths[-1]).parts[:3] if not part.startswith("tmp"))
        visible = paths[-1].startswith("reports/") and "/.building" not in paths[-1]
        if visible or (scene.rich and (call, area) not in seen):
            kept.append(place)
        seen.add((call, area))
    return kept


@pytest.mark.exam
def test_killed_at_any_point_the_tree_is_old_or_new_and_the_next_run_is_clean(scene, exam_in_full):
    found = {}
    for place in chosen(scene, in_full=exam_in_full):
        root, ended = scene.disturbed(kill_at=place)
        # DuckDB may write a file in one piece more or less: the last point is then the end of the run
        assert ended.signal == 9 or len(ended.points) <= place, (place, len(ended.points), len(scene.points))
        if wrong := scene.holds(root) or scene.mends(root):
            found[f"{place} {kind_of(scene.points[place])}"] = wrong
        shutil.rmtree(root)
    assert found == {}


@pytest.mark.exam
@pytest.mark.parametrize("once", [False, True], ids=["for_good", "for_a_moment"])
def test_a_disk_that_is_full_from_any_point_on_leaves_the_tree_whole_and_is_told(scene, once, exam_in_full):
    found = {}
    points = (
        chosen(scene, in_full=exam_in_full)
        if exam_in_full
        else chosen(scene, in_full=False)[::5]
        if scene.rich and not once
        else []
    )
    for place in points:
        if scene.points[place][0] in NEED_NO_ROOM:
            continue
        root, ended = scene.disturbed(fail_at=place, once=once)
        told = ended.error in TOLD and (ended.error or once or place >= scene.harmless)
        if wrong := [] if told and not ended.signal else [str((ended.error, ended.message, ended.signal))]:
            found[f"{place} {kind_of(scene.points[place])} is not told"] = wrong
        if wrong := scene.holds(root, failed=once) or scene.mends(root):
            found[f"{place} {kind_of(scene.points[place])}"] = wrong
        shutil.rmtree(root)
    assert found == {}
