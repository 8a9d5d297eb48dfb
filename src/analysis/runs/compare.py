"""Two runs side by side: every number that changed, and why: data, parameters, code or environment.

A run keeps what each of its notebooks rests on (``results/<notebook>.json``), one digest per root: the data, each
block of parameters, what the run before left. A number has changed for what its notebook rests on and what is not the
same; no other cause is named. Where several are, each is named: only running again tells them apart (``verify``).
"""

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from analysis.errors import BookError
from analysis.runs.store import PublishedRun, read_run

__all__ = ["CAUSES", "Cause", "ChangedNumber", "Comparison", "compare_runs", "find_run", "told"]

Kind = Literal["data", "parameters", "code", "environment"]

CAUSES: Final[dict[Kind, dict[str, str]]] = {
    "data": {"zh": "数据", "en": "data"},
    "parameters": {"zh": "参数", "en": "parameters"},
    "code": {"zh": "代码", "en": "code"},
    "environment": {"zh": "环境", "en": "environment"},
}
_TABLES: Final = frozenset({"tables", "accounts"})
_STATE: Final = "previous"
_PARAMS: Final = "_params"
_PAGE: Final = "of "
_FILE: Final = (".yaml", ".yml")
# What the book sets for all notebooks, and the roots by which a notebook rests on it.
_OF_THE_BOOK: Final = ("seed", "timezone", "currency", "industry", "min_cell", "language")
_EVERYWHERE: Final = frozenset({"min_cell", "language"})


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why numbers differ.

    Attributes:
        kind: Data, parameters, code or environment.
        what: What exactly: ``churn.horizon_days: 30 → 60``; plain text.
    """

    kind: Kind
    what: str


@dataclass(frozen=True, slots=True)
class ChangedNumber:
    """One number of ``results.json`` that is not the same in both runs.

    Attributes:
        notebook: Its notebook.
        name: Its name.
        before: Its entry in the first run; None if it is not there.
        after: Its entry in the second run.
        causes: Why; empty if nothing that its notebook rests on differs.
    """

    notebook: str
    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two runs have not in common.

    Attributes:
        before: The first run.
        after: The second.
        causes: All that differs between them, whether or not a number moved.
        changed: The numbers that moved, in reading order.
        n_same: How many did not.
    """

    before: PublishedRun
    after: PublishedRun
    causes: tuple[Cause, ...]
    changed: tuple[ChangedNumber, ...]
    n_same: int = 0

    @property
    def same(self) -> bool:
        """Whether every number is the same."""
        return not self.changed


@dataclass(frozen=True, slots=True)
class _Differences:
    """All that differs, by what it reaches."""

    everywhere: tuple[Cause, ...]
    by_notebook: Mapping[str, tuple[Cause, ...]] = field(default_factory=dict)
    by_root: Mapping[str, tuple[Cause, ...]] = field(default_factory=dict)


def find_run(name: str, *, reports: Path) -> PublishedRun:
    """Return a published run by its folder, its id or ``<book>/latest``.

    Raises:
        BookError: If there is none, or several.
    """
    places = [Path(name), reports / name]
    found = [run for place in places if place.is_dir() and (run := read_run(place.resolve())) is not None]
    if not found and reports.is_dir() and name:
        matches = [path for path in reports.glob(f"*/*-{name}*") if path.is_dir() and not path.is_symlink()]
        found = [run for match in sorted(matches) if (run := read_run(match)) is not None]
        if len(found) > 1:
            names = ", ".join(f"{run.folder.parent.name}/{run.folder.name}" for run in found)
            raise BookError(f"'{name}' is the id of several runs: {names}.", hint="name its folder")
    if not found:
        raise BookError(
            f"There is no run '{name}'.", hint=f"name its folder, its id, or <book>/latest; runs are under {reports}"
        )
    return found[0]


def compare_runs(before: PublishedRun, after: PublishedRun) -> Comparison:
    """Return which numbers of two runs differ, and why.

    Raises:
        BookError: If what one of them kept is damaged.
    """
    try:
        return _compared(before, after)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BookError(
            f"What {_name(before)} or {_name(after)} kept is damaged ({type(error).__name__}).",
            hint="a run is not changed by hand; run its book again",
        ) from None


def _compared(before: PublishedRun, after: PublishedRun) -> Comparison:
    for run in (before, after):  # what the page of the comparison says of them
        _words(run.manifest["book"], *run.manifest["title"].values(), run.manifest["resolved_book"]["language"])
    differences = _differences(before, after)
    first, second = _results(before), _results(after)
    changed, n_same = [], 0
    for notebook in dict.fromkeys([*second, *first]):
        one, other = first.get(notebook, {}), second.get(notebook, {})
        causes = _reaching(notebook, differences, before=before, after=after)
        for name in dict.fromkeys([*other, *one]):
            if _same(one.get(name), other.get(name)):
                n_same += 1
            else:
                changed.append(ChangedNumber(notebook, name, one.get(name), other.get(name), causes))
    return Comparison(before, after, _all(differences), tuple(changed), n_same)


def told(comparison: Comparison, *, limit: int = 40) -> list[str]:
    """Return the comparison as lines for a terminal."""
    lines = [f"{_name(comparison.before)} → {_name(comparison.after)}"]
    lines += [f"  {cause.kind}: {cause.what}" for cause in comparison.causes] or ["  nothing differs in what went in"]
    if comparison.same:
        return [*lines, f"All {comparison.n_same:,} numbers are the same."]
    lines.append(f"{len(comparison.changed):,} numbers changed, {comparison.n_same:,} are the same:")
    for number in comparison.changed[:limit]:
        kinds = " or ".join(dict.fromkeys(cause.kind for cause in number.causes)) or "cause not found"
        values = f"{_shown(number.before)} → {_shown(number.after)}"
        lines.append(f"  {number.notebook}.{number.name}: {values}  ({kinds})")
    if len(comparison.changed) > limit:
        lines.append(f"  … and {len(comparison.changed) - limit:,} more")
    return lines


def _words(*texts: Any) -> None:
    if not all(isinstance(text, str) for text in texts):
        raise TypeError


def _differences(before: PublishedRun, after: PublishedRun) -> _Differences:
    one, other = before.manifest, after.manifest
    everywhere = [Cause("environment", f"{name} {old} → {new}") for name, old, new in _versions(one, other)]
    if one["digests"].get("package") != other["digests"].get("package"):
        everywhere.append(Cause("code", "the program"))
    by_notebook: dict[str, list[Cause]] = {}
    by_root: dict[str, list[Cause]] = {}
    files_before, files_after = (m["digests"].get("files", {}) for m in (one, other))
    for name in sorted({*files_before, *files_after}):
        if files_before.get(name) == files_after.get(name):
            continue
        if name.endswith(".ipynb"):
            by_notebook.setdefault(Path(name).stem, []).append(Cause("code", f"the notebook {name}"))
        else:
            by_root.setdefault(name, []).append(Cause("parameters", f"the file {name}"))
    for notebook, causes in _parameters(one, other).items():
        by_notebook.setdefault(notebook, []).extend(causes)
        by_root.setdefault(f"{notebook}{_PARAMS}", []).extend(causes)
    for key in _OF_THE_BOOK:
        old, new = one["resolved_book"].get(key), other["resolved_book"].get(key)
        if old != new:
            cause = Cause("parameters", f"{key}: {_plain(old)} → {_plain(new)}")
            (everywhere if key in _EVERYWHERE else by_root.setdefault(key, [])).append(cause)
    for root, causes in _data(one, other).items():
        by_root.setdefault(root, []).extend(causes)
    return _Differences(
        tuple(everywhere),
        {name: tuple(causes) for name, causes in by_notebook.items()},
        {name: tuple(causes) for name, causes in by_root.items()},
    )


def _versions(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    old, new = one["versions"], other["versions"]
    names = sorted({*old, *new})
    return [(n, old.get(n, "-"), new.get(n, "-")) for n in names if old.get(n) != new.get(n)]


def _parameters(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[Cause]]:
    found: dict[str, list[Cause]] = {}
    for notebook in dict.fromkeys([*one["parameters"], *other["parameters"]]):
        old, new = one["parameters"].get(notebook), other["parameters"].get(notebook)
        if old is None or new is None:
            what = f"{notebook} is new in the book" if old is None else f"{notebook} is no longer in the book"
            found[notebook] = [Cause("parameters", what)]
            continue
        found[notebook] = [
            Cause("parameters", f"{notebook}.{key}: {_plain(old.get(key))} → {_plain(new.get(key))}")
            for key in dict.fromkeys([*old, *new])
            if old.get(key) != new.get(key)
        ]
    return {notebook: causes for notebook, causes in found.items() if causes}


def _data(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[Cause]]:
    """Return causes by root ``tables`` (data, day, how they are read) and ``previous`` (what the run before left)."""
    tables: list[Cause] = []
    old_book, new_book = one["resolved_book"], other["resolved_book"]
    if one["as_of"] != other["as_of"]:
        # a day that the book names is a parameter; one that came with the data is their doing
        named = old_book["as_of"] != new_book["as_of"]
        tables.append(Cause("parameters" if named else "data", f"day {one['as_of']} → {other['as_of']}"))
    if one["digests"]["data"] != other["digests"]["data"]:
        read = [
            key for key in old_book["data"] if key != "source" and old_book["data"][key] != new_book["data"].get(key)
        ]
        tables += [Cause("parameters", f"data.{key}") for key in read]
        content = _content_changed(one, other)
        if content or not read:
            tables.append(Cause("data", content or "the loaded tables"))
    state = [Cause("data", "what the run before left")] if one.get("predecessor") != other.get("predecessor") else []
    return {"tables": tables, _STATE: state}


def _content_changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Return which files of the source differ, in a few words; empty if none is known to."""
    old, new = one["digests"].get("sources", {}), other["digests"].get("sources", {})
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return ", ".join(names[:6]) + (" …" if len(names) > 6 else "")


def _reaching(
    notebook: str,
    differences: _Differences,
    *,
    before: PublishedRun,
    after: PublishedRun,
    above: tuple[str, ...] = (),
) -> tuple[Cause, ...]:
    """Return the causes that reach a notebook: of everything, of its own, and of what it rests on."""
    old, new = _roots(before, notebook), _roots(after, notebook)
    causes = [*differences.everywhere, *differences.by_notebook.get(notebook, ())]
    if old is None or new is None:  # an edition that did not keep what it rests on, or a page that failed
        causes += [cause for found in differences.by_root.values() for cause in found]
        return tuple(dict.fromkeys(causes))
    for root, found in differences.by_root.items():
        if _rests(root, old, new):
            causes += found
    for root in sorted({*old, *new}):
        page = root.removeprefix(_PAGE)
        if page != root and page not in (notebook, *above):  # a damaged file may lead round in a circle
            causes += _reaching(page, differences, before=before, after=after, above=(*above, notebook))
    return tuple(dict.fromkeys(causes))


def _rests(root: str, old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Return whether one of the runs' notebook rests on a root; on what the run before left only where that differs."""
    names = {*old, *new}
    if root == "tables":
        return not _TABLES.isdisjoint(names)
    if root == _STATE:
        return any(old.get(name) != new.get(name) for name in names if name.startswith(_STATE))
    if root.endswith(_FILE):
        return any(old.get(name) != new.get(name) for name in names if name.endswith(_PARAMS))
    return root in names


def _roots(run: PublishedRun, notebook: str) -> Mapping[str, Any] | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads((run.folder / "results" / f"{notebook}.json").read_text(encoding="utf-8"))
        roots: Mapping[str, Any] = kept["rests_on"]
        return roots if isinstance(roots, dict) else None
    return None


def _results(run: PublishedRun) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads((run.folder / "results.json").read_text(encoding="utf-8"))
        entries = [entry for numbers in found.values() for entry in numbers.values()]
        sound = all(entry is None or isinstance(entry.get("value"), int | float | str | None) for entry in entries)
    except (OSError, ValueError, AttributeError):
        sound = False
    if not sound:
        raise BookError(f"The run {run.folder.name} has no results.json, or a damaged one.", hint="run its book again")
    return found


def _same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    return one == other


def _all(differences: _Differences) -> tuple[Cause, ...]:
    found: Iterable[Cause] = [
        *(cause for causes in differences.by_root.values() for cause in causes),
        *(cause for causes in differences.by_notebook.values() for cause in causes),
        *differences.everywhere,
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda cause: list(CAUSES).index(cause.kind)))


def _name(run: PublishedRun) -> str:
    return f"{run.folder.parent.name}/{run.folder.name}"


def _plain(value: Any) -> str:
    return "-" if value is None else str(value)


def _shown(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "-"
    value = entry.get("value")
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return _plain(value)
