"""Named tables and models: computed once, kept, recomputed only when something they depend on changed.

A recipe is a public function in this folder; its parameter names say what it needs: other recipes, the
tables as of the run's day, a notebook's parameters. Its result is kept as Arrow (a table) or JSON (a
dict), named by a digest of all that went in, the code included. Several kernels may ask for the same
recipe at once: one computes under a lock, the others read. A parameter with the default None is optional: where the
data cannot give that recipe (a table is missing, customers are too few) it gets None. Of a wide table a recipe
reads the columns that ``reads`` names above it; of what was read before, only the latest stays in memory.
"""

import ast
import fcntl
import hashlib
import importlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from analysis.checks import nearest
from analysis.context import RunContext
from analysis.errors import AnalysisError, MissingTableError, TooFewError
from analysis.whole_files import beside

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import BaseModel

__all__ = ["Previous", "Recipe", "Resolver", "code_digest", "reads", "recipes"]

_ROOMS: Final = ("data", "stats", "features", "segments", "churn", "touch", "experiment", "growth", "recipes")
_PACKAGE: Final = Path(__file__).parent.parent
_DIGEST_LENGTH: Final = 20
_HELD: Final = 300_000_000
"""Bytes of tables kept in memory for the next recipe; the newest stays whatever its size, others are read again."""
_ONE_STATE: Final = "previous_"
"""A need ``previous_<name>`` is that state of the predecessor or None; ``previous`` is all of them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe as its source states it.

    Attributes:
        name: Name of the function and of what it makes.
        module: Module that holds it; imported only when it must be computed.
        needs: Its parameter names.
        optional: Those of them whose default is None.
    """

    name: str
    module: str
    needs: tuple[str, ...]
    optional: frozenset[str] = frozenset()


@cache
def recipes() -> dict[str, Recipe]:
    """Return all recipes by name, read from the sources without importing a domain.

    Raises:
        AnalysisError: If two modules define the same recipe.
    """
    found: dict[str, Recipe] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem in {"__init__", "resolver"}:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            if node.name in found:
                raise AnalysisError(f"Recipe '{node.name}' is defined in {found[node.name].module} and {path.stem}.")
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            needs = tuple(argument.arg for argument in arguments)
            found[node.name] = Recipe(node.name, f"analysis.recipes.{path.stem}", needs, _optional(node.args))
    return found


def _optional(arguments: ast.arguments) -> frozenset[str]:
    """Return the parameters whose default is None."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = zip(plain[len(plain) - len(arguments.defaults) :], arguments.defaults, strict=True)
    by_name = [*defaults, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return frozenset(a.arg for a, d in by_name if isinstance(d, ast.Constant) and d.value is None)


Columns = Sequence[str] | Callable[..., Sequence[str]]
F = TypeVar("F", bound=Callable[..., Any])


def reads(**columns: Columns) -> Callable[[F], F]:
    """Say above a recipe which columns of a table it reads: the others are not loaded.

    Args:
        columns: By the table's name: its columns, those it lacks are passed over; or what picks them among all names,
            given the notebooks' parameters too if it takes an argument ``params``.
    """

    def told(recipe: F) -> F:
        recipe.__dict__["reads"] = columns
        return recipe

    return told


@cache
def code_digest() -> str:
    """Return a digest of every source file that can change a number."""
    digest = hashlib.sha256()
    rooms = [*sorted(_PACKAGE.glob("*.py")), *(p for room in _ROOMS for p in sorted((_PACKAGE / room).rglob("*.py")))]
    for path in rooms:
        if path.name not in {"cli.py", "workbench.py", "context.py"}:
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_DIGEST_LENGTH]


@dataclass(frozen=True, slots=True)
class Previous:
    """The state that the predecessor run left; empty where there is none.

    Attributes:
        folder: Its ``state/`` folder, or None.
    """

    folder: Path | None

    def get(self, name: str) -> "pd.DataFrame | dict[str, Any] | None":
        """Return that state as it was kept, or None."""
        if self.folder is None:
            return None
        for suffix in (".parquet", ".json"):
            if (path := self.folder / f"{name}{suffix}").is_file():
                return read_kept(path)
        return None

    def all(self, start: str) -> "dict[str, pd.DataFrame]":
        """Return the tables among the states whose names begin so, by name, in the order of their names."""
        paths = sorted(self.folder.glob(f"{start}*.parquet")) if self.folder else []
        tables = {path.stem: read_kept(path) for path in paths}
        return {name: table for name, table in tables.items() if not isinstance(table, dict)}

    def digest_of(self, name: str) -> str:
        """Return the digest of that state alone, empty where there is none."""
        files = sorted(self.folder.glob(f"{name}.*")) if self.folder and self.folder.is_dir() else []
        return " ".join(hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGEST_LENGTH] for path in files)

    @property
    def digest(self) -> str:
        """Digest of all state files: part of the key of a recipe that looks back."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.glob("*")) if self.folder and self.folder.is_dir() else ():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:_DIGEST_LENGTH]


@dataclass
class Resolver:
    """Resolves recipes for one run.

    Args:
        context: The run: its day, data, seed and cache.
        params: Parameter model of each notebook, by notebook.
    """

    context: RunContext
    params: "Mapping[str, BaseModel]"
    _keys: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _leaves: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _asked: set[str] = field(default_factory=set, init=False, repr=False)

    def get(self, name: str) -> Any:
        """Return what the recipe makes: a table (pandas) or a dict; computed now or kept from before.

        Raises:
            AnalysisError: If there is no such recipe, or it needs something unknown.
            MissingTableError: If the data lack a table that it needs.
        """
        self._asked.add(name)
        kept = self._kept.pop(name) if name in self._kept else self._read_or_make(_recipe(name))
        self._kept[name] = kept
        self._let_go()
        # pandas writes into a copy of its own: to hand out a view costs nothing and lets nobody change what is kept
        return kept.copy() if isinstance(kept, dict) else kept.copy(deep=False)

    def _let_go(self) -> None:
        """Forget the tables asked for longest ago where all together are large."""
        left = _HELD
        for name in reversed(list(self._kept)):
            left -= 0 if isinstance(self._kept[name], dict) else int(self._kept[name].memory_usage().sum())
            if left < 0 and name != next(reversed(self._kept)):
                del self._kept[name]

    def rests_on(self) -> dict[str, str]:
        """Return what all that was asked for rests on in the end: tables, parameters, states; with a digest of each."""
        roots: dict[str, str] = {}
        open_names, seen = sorted(self._asked & set(recipes())), set(self._asked)
        while open_names:
            recipe = recipes()[open_names.pop()]
            for need in recipe.needs:
                if need in recipes():
                    open_names += [] if need in seen else [need]
                    seen.add(need)
                elif need not in roots:
                    roots[need] = hashlib.sha256(self._leaf_key(need, recipe).encode()).hexdigest()[:_DIGEST_LENGTH]
        return dict(sorted(roots.items()))

    def key(self, name: str) -> str:
        """Return the digest of everything that decides what the recipe makes."""
        if name not in self._keys:
            recipe = _recipe(name)
            parts = {
                need: self.key(need) if need in recipes() else self._leaf_key(need, recipe) for need in recipe.needs
            }
            text = json.dumps([name, code_digest(), parts], sort_keys=True)
            self._keys[name] = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
        return self._keys[name]

    def _read_or_make(self, recipe: Recipe, columns: Columns | None = None) -> Any:
        folder = self.context.cache
        stem = f"{recipe.name}-{self.key(recipe.name)}"
        if (path := _find(folder, stem)) is not None:
            return _taken(path, columns)
        # What it needs is made before the lock is taken: locks are then held one at a time.
        function = getattr(importlib.import_module(recipe.module), recipe.name)
        read = getattr(function, "reads", {})
        needs = {need: self._needed(need, recipe, read.get(need)) for need in recipe.needs}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _give_back()
        with _locked(folder / f"{stem}.lock"):
            if (path := _find(folder, stem)) is None:
                path = _put_by(function(**needs), folder / stem)
        del needs
        _give_back()
        # Read back what was written, so that a fresh and a kept result are the same to the last bit.
        return _taken(path, columns)

    def _needed(self, need: str, recipe: Recipe, columns: Columns | None) -> Any:
        if need not in recipes():
            return self._leaf(need, recipe)
        try:
            return self.get(need) if columns is None else self._columns(need, self._told(columns))
        except (MissingTableError, TooFewError):
            if need in recipe.optional:
                return None
            raise

    def _told(self, columns: Columns) -> Columns:
        """Return what picks columns, told the parameters if it asks for them."""
        asks = callable(columns) and "params" in inspect.signature(columns).parameters
        return partial(cast("Callable[..., Sequence[str]]", columns), params=self.params) if asks else columns

    def _columns(self, name: str, columns: Columns) -> "pd.DataFrame":
        """Return some columns of the table that a recipe makes, from memory or from where it is kept."""
        self._asked.add(name)
        if name in self._kept:
            held: pd.DataFrame = self._kept[name]
            return held[_picked(columns, list(held.columns))].copy(deep=False)
        table: pd.DataFrame = self._read_or_make(_recipe(name), columns)
        return table

    def _leaf_key(self, need: str, recipe: Recipe) -> str:
        if need in {"tables", "accounts"}:
            context = self.context
            return f"{context.data_digest} {context.as_of} {context.timezone} {context.engine}"
        if need.startswith(_ONE_STATE):
            return self._previous().digest_of(need.removeprefix(_ONE_STATE))
        leaf = self._leaf(need, recipe)
        if isinstance(leaf, Previous):
            return leaf.digest
        if not hasattr(leaf, "model_dump_json"):
            return str(leaf)
        return f"{leaf.model_dump_json()} {_named_files_digest(leaf.model_dump())}"

    def _leaf(self, need: str, recipe: Recipe) -> Any:
        if need not in self._leaves:
            self._leaves[need] = self._make_leaf(need, recipe)
        return self._leaves[need]

    def _previous(self) -> Previous:
        return Previous(self.context.previous / "state" if self.context.previous else None)

    def _make_leaf(self, need: str, recipe: Recipe) -> Any:
        context = self.context
        if need == "tables":
            from analysis.data.connect import open_tables

            tables = open_tables(context.data, engine=context.engine, timezone=context.timezone)
            return tables.as_of(context.as_of)
        if need == "accounts":
            from analysis.data.accounting import at, read_accounts

            return tuple(at(account, day=context.as_of) for account in read_accounts(context.data))
        if need == "previous":
            return self._previous()
        if need.startswith(_ONE_STATE):
            return self._previous().get(need.removeprefix(_ONE_STATE))
        if need.endswith("_params") and need.removesuffix("_params") in self.params:
            return self.params[need.removesuffix("_params")]
        plain = {name: getattr(context, name) for name in ("as_of", "seed", "timezone", "currency", "industry")}
        if need in plain:
            return plain[need]
        known = [*recipes(), *plain, "tables", "accounts", "previous", *(f"{n}_params" for n in self.params)]
        close = nearest(need, known)
        raise AnalysisError(
            f"Recipe '{recipe.name}' needs '{need}', which nothing provides.",
            hint=f"did you mean '{close}'?" if close else "name a recipe, a notebook's parameters or a table",
        )


def _named_files_digest(params: Mapping[str, Any]) -> str:
    """Return a digest of the files that parameters name and of the dated ones under ``params/`` that all share."""
    shared = _PACKAGE.parents[1] / "params"
    files = [path for folder in ("effects", "exam", "policies") for path in sorted((shared / folder).glob("*.yaml"))]
    files += [shared / "channels.yaml", shared / "benchmarks.yaml"]
    for text in params.values():
        if isinstance(text, str) and text.endswith((".yaml", ".yml")):
            files += [Path(text), _PACKAGE.parents[1] / text]
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_DIGEST_LENGTH]


def write_kept(made: Any, stem: Path) -> Path:
    """Write a table as Parquet or a dict as JSON beside its place, then move it there.

    Raises:
        AnalysisError: If it is neither.
    """
    import pandas as pd

    if isinstance(made, pd.DataFrame):
        path, content = stem.with_name(f"{stem.name}.parquet"), None
    elif isinstance(made, dict):
        path = stem.with_name(f"{stem.name}.json")
        content = json.dumps(made, ensure_ascii=False, indent=1, default=_plain)
    else:
        raise AnalysisError(f"'{stem.name}' is a {type(made).__name__}; a table or a dict can be kept.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path) as place:
        if content is None:
            made.reset_index(drop=True).to_parquet(place, index=False)
        else:
            place.write_text(content, encoding="utf-8")
    return path


def read_kept(path: Path) -> "pd.DataFrame | dict[str, Any]":
    """Read a table or a dict written by ``write_kept``."""
    if path.suffix == ".json":
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return result
    import pandas as pd

    table: pd.DataFrame = pd.read_parquet(path, engine="pyarrow")
    return table


def _put_by(made: Any, stem: Path) -> Path:
    """Write what a recipe made for the next who needs it: a table as it lies in memory, or a dict as JSON."""
    import pandas as pd

    if not isinstance(made, pd.DataFrame):
        return write_kept(made, stem)
    from analysis.mapped_tables import write_mapped

    path = stem.with_name(f"{stem.name}.arrow")
    with beside(path) as place:
        write_mapped(made, place)
    return path


def _taken(path: Path, columns: Columns | None) -> "pd.DataFrame | dict[str, Any]":
    """Return what ``_put_by`` wrote, of a table only the columns that are asked for."""
    with suppress(OSError):
        os.utime(path)  # what is used stays longest
    if path.suffix == ".json":
        return read_kept(path)
    from analysis.mapped_tables import read_mapped

    return read_mapped(path, lambda names: names if columns is None else _picked(columns, names))


def _picked(columns: Columns, names: Sequence[str]) -> list[str]:
    """Return those of a table's columns that were asked for, in the order of the table."""
    wanted = frozenset(columns(names) if callable(columns) else columns)
    return [name for name in names if name in wanted]


def _recipe(name: str) -> Recipe:
    if name in recipes():
        return recipes()[name]
    close = nearest(name, recipes())
    hint = f"did you mean '{close}'?" if close else f"there are {', '.join(sorted(recipes()))}"
    raise AnalysisError(f"There is no table or model '{name}'.", hint=hint)


def _find(folder: Path, stem: str) -> Path | None:
    paths = (folder / f"{stem}{suffix}" for suffix in (".arrow", ".json"))
    return next((path for path in paths if path.is_file()), None)


def _give_back() -> None:
    """Return memory that Arrow no longer uses to the system.

    It would keep it for itself, which at a million customers is most of what a process holds.
    """
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _plain(value: Any) -> Any:
    if hasattr(value, "as_result"):
        return value.as_result()
    if hasattr(value, "item"):
        return value.item()
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
