"""What a run was made of and what it made: digests, the run id, the manifest."""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from analysis.page.blocks import MIME
from analysis.params import Book

__all__ = ["Identity", "customer_level", "digest_of", "file_records", "identify", "protect", "versions"]

RUN_ID_LENGTH: Final = 10
_PACKAGE: Final = Path(__file__).resolve().parent.parent
_CODE_SUFFIXES: Final = frozenset({".py", ".html", ".jinja", ".j2", ".css", ".js", ".json", ".yaml"})
# Where, when and how a book runs changes no number: these keys are no part of what a run is.
_NOT_IDENTITY: Final = frozenset({"jobs", "kernels", "deadline_minutes", "schedule", "notify"})
_CUSTOMER_KEYS: Final = frozenset({"customer_id", "contact_id", "unionid", "phone_hash", "referrer_id", "referee_id"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What a run is made of, as digests.

    Attributes:
        book: Digest of the resolved book.
        data: Digest of the loaded data.
        code: Digest of the package, of the notebooks and of the files that parameters name.
        versions: Versions of Python and of the packages.
        package: Digest of the package alone.
        files: Digest of each notebook and of each file that parameters name, by its place in the project.
    """

    book: str
    data: str
    code: str
    versions: Mapping[str, str]
    package: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def inputs(self) -> str:
        """Digest of all of it."""
        return digest_of([self.book, self.data, self.code, dict(self.versions)])

    def run_id(self, predecessor: str | None) -> str:
        """Return the run's id: all of it, and the predecessor."""
        return digest_of([self.inputs, predecessor])[:RUN_ID_LENGTH]


def identify(
    book: Book, *, as_of: date, data_digest: str, notebooks: Iterable[Path], root: Path, extras: Sequence[str] = ()
) -> Identity:
    """Return the identity of a run.

    Args:
        book: The resolved book; the day that ``latest`` stands for comes from ``as_of``.
        as_of: The run's day.
        data_digest: Digest of what was loaded; it stands for the place the data came from.
        notebooks: Files of the notebooks.
        root: Project folder; ``params/`` beneath it and files that parameters name count as code.
        extras: Further wishes that change what is published, such as "pdf".
    """
    plain = {key: value for key, value in book.model_dump(mode="json").items() if key not in _NOT_IDENTITY}
    plain |= {"as_of": as_of.isoformat(), "data": {**plain["data"], "source": ""}, "extras": sorted(extras)}
    package = package_digest()
    paths = (*sorted(notebooks), *_parameter_files(book, root))
    files = {_place(path, root): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return Identity(digest_of(plain), data_digest, digest_of([package, files]), versions(), package, files)


def _place(path: Path, root: Path) -> str:
    """Return where a file stands in the project; of one outside of it only the name is told."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a plain value, whatever the order of its keys.

    Examples:
        >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
        True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@cache
def package_digest() -> str:
    """Return the digest of the package's own files."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        if path.suffix in _CODE_SUFFIXES and "__pycache__" not in path.parts:
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of Python, of this package and of what it requires."""
    import re

    names = {
        re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in metadata.requires("siyu") or () if "extra" not in line
    }
    found = {name: metadata.version(name) for name in sorted(names)}
    return {"python": platform.python_version(), "siyu": metadata.version("siyu"), **found}


def file_records(folder: Path) -> dict[str, dict[str, Any]]:
    """Return every file of a run but the manifest: digest, size, and whether it speaks of single customers."""
    records = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != "manifest.json":
            with path.open("rb") as handle:
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
            size = path.stat().st_size
            records[name] = {"sha256": digest, "bytes": size, "customer_level": customer_level(path, name)}
    return _with_their_pages(folder, records)


def _with_their_pages(folder: Path, records: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Mark the pages of notebooks that printed something of their own: the page shows it too, unless it failed."""
    printed = {
        Path(name).stem
        for name, one in records.items()
        if name.endswith(".ipynb") and one["customer_level"] and not _failed(folder / name)
    }
    pages = {name for name in records if name.endswith((".html", ".pdf")) and name.partition(".")[0] in printed}
    shown = {records[name]["sha256"] for name in pages}
    return {
        name: {**one, "customer_level": True} if name in pages or one["sha256"] in shown else one
        for name, one in records.items()
    }


def protect(folder: Path) -> None:
    """Let only the owner read what speaks of single customers, wherever it lies."""
    for path in folder.rglob("*"):
        if path.is_file() and customer_level(path, path.relative_to(folder).as_posix()):
            path.chmod(0o600)
    for path in (folder / "private").rglob("*/"):
        path.chmod(0o700)


def customer_level(path: Path, name: str) -> bool:
    """Return whether a file of a run speaks, or may speak, of single customers: by its place, or by what it holds."""
    if name.startswith("private/"):
        return True
    if path.suffix == ".ipynb":
        return _shows_more_than_blocks(path)
    if path.suffix != ".parquet":
        return False
    import pyarrow.parquet as pq

    return not _CUSTOMER_KEYS.isdisjoint(pq.read_schema(path).names)


def _failed(path: Path) -> bool:
    """Return whether a notebook ended in an error: its page then tells the error alone."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return any(output["output_type"] == "error" for cell in cells for output in cell.get("outputs", []))


def _shows_more_than_blocks(path: Path) -> bool:
    """Return whether a notebook printed anything of its own: what it says, only its author knows."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return any(MIME not in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))


def _parameter_files(book: Book, root: Path) -> list[Path]:
    """Files under ``params/`` that are no books, and every file that a parameter names."""
    folder = root / "params"
    shared = [
        path
        for path in sorted(folder.rglob("*.yaml"))
        if path.parent != folder or path.stem in {"channels", "benchmarks"}
    ]
    named = [root / text for text in _texts(book.notebooks) if 0 < len(text) < 256 and "\n" not in text]
    return [*(p for p in shared if "examples" not in p.parts), *(path for path in named if path.is_file())]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]
