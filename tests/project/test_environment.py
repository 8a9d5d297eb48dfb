"""The three files that name our packages agree."""

import asyncio
import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
# conda-forge calls these by another name, or ships the part we use on its own
CONDA_NAMES = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base", "nbconvert": "nbconvert-core"}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def locked() -> dict[str, list[Version]]:
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)
    versions: dict[str, list[Version]] = {}
    for name, version in pins:
        versions.setdefault(name.lower().replace("_", "-").replace(".", "-"), []).append(Version(version))
    return versions


@pytest.fixture(scope="module")
def conda() -> dict:
    return YAML(typ="safe").load((ROOT / "environment.yml").read_text())


def conda_requirements(conda: dict) -> dict[str, Requirement]:
    plain = [Requirement(line) for line in conda["dependencies"] if isinstance(line, str) and line != "pip"]
    return {requirement.name: requirement for requirement in plain}


def test_every_requirement_is_locked_within_its_bounds(project, locked):
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    for requirement in map(Requirement, lines):
        versions = locked[requirement.name.replace(".", "-")]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_the_lock_holds_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text()
    pins = len(re.findall(r"^[A-Za-z0-9_.-]+==", text, flags=re.MULTILINE))
    assert pins > 100
    assert len(re.findall(r"==[^\n]+\\\n\s+--hash=sha256:[0-9a-f]{64}", text)) == pins
    assert "://" not in text
    assert "--index-url" not in text


def test_conda_users_get_the_same_names_and_bounds(project, conda):
    theirs = conda_requirements(conda)
    ours = {r.name: r for r in map(Requirement, project["dependencies"])}
    for name, requirement in ours.items():
        assert str(theirs[CONDA_NAMES.get(name, name)].specifier) == str(requirement.specifier), name
    extra = set(theirs) - {CONDA_NAMES.get(name, name) for name in ours}
    assert extra == {"python"}
    assert str(theirs["python"].specifier) == project["requires-python"]
    assert conda["channels"] == ["conda-forge"]


def test_environment_yml_can_be_solved_at_the_locked_versions(conda, locked, tmp_path):
    """Against a channel of empty packages: it parses, is legal and satisfiable at our versions.

    It cannot show that conda-forge has builds of them.
    """
    rattler = pytest.importorskip("rattler")
    from rattler.exceptions import SolverError

    pypi_names = {conda_name: name for name, conda_name in CONDA_NAMES.items()}
    wanted = conda_requirements(conda)
    stubs = {"python": [Version("3.11.9")], "pip": [Version("25.0")]}
    for name in wanted.keys() - stubs.keys():
        stubs[name] = locked[pypi_names.get(name, name).replace(".", "-")]
    channel = stub_channel(tmp_path, stubs)
    lines = [line for line in conda["dependencies"] if isinstance(line, str)]
    solved = asyncio.run(rattler.solve(sources=[channel], specs=lines, platforms=["noarch"]))
    assert {record.name.normalized for record in solved} == {*wanted, "pip"}
    with pytest.raises(SolverError):
        asyncio.run(rattler.solve(sources=[channel], specs=[*lines, "pandas<3"], platforms=["noarch"]))


def stub_channel(folder: Path, versions: dict[str, list[Version]]):
    """A channel of packages that hold nothing and need nothing."""
    import rattler

    packages = {
        f"{name}-{version}-0.conda": {
            "name": name,
            "version": str(version),
            "build": "0",
            "build_number": 0,
            "subdir": "noarch",
            "depends": [],
            "timestamp": 1700000000000,
        }
        for name, both in versions.items()
        for version in both
    }
    (folder / "noarch").mkdir()
    path = folder / "noarch" / "repodata.json"
    path.write_text(json.dumps({"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": packages}))
    return rattler.SparseRepoData(rattler.Channel(folder.as_uri()), "noarch", path)
