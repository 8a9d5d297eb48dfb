"""Which notebooks there are: discovered by their parameters cell and metadata, never executed or imported.

A notebook of the house has its parameter model in ``params.py``; for one that somebody adds at work the
model is inferred from its annotated parameters cell, read as syntax.
"""

import ast
import json
import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, create_model

from analysis.checks import nearest
from analysis.errors import BookError
from analysis.params import NOTEBOOK_PARAMS, NotebookParams

__all__ = ["LAST", "Notebook", "discover", "infer_params", "running_order"]

LAST: Final = "brief"
_KINDS: Final[Mapping[str, Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "list": list[Any],
    "dict": dict[str, Any],
}


@dataclass(frozen=True, slots=True)
class Notebook:
    """One notebook as its file states it.

    Attributes:
        name: Stem of the file; the key under ``notebooks:`` in a book.
        path: The file.
        needs: Tables without which it can say nothing.
        after: Notebooks that run before it, if the book has them.
        model: Its parameters.
        declared: Names its parameters cell assigns: nothing else is ever injected.
    """

    name: str
    path: Path
    needs: tuple[str, ...]
    after: tuple[str, ...]
    model: type[NotebookParams]
    declared: frozenset[str]


def discover(folder: Path) -> dict[str, Notebook]:
    """Return the notebooks of a folder by name; files without a parameters cell and metadata do not belong.

    Raises:
        BookError: If a file is no notebook, or its parameters cell holds more than annotated literals.
    """
    found = (_read(path) for path in sorted(folder.glob("*.ipynb")) if path.stem.isidentifier())
    return {notebook.name: notebook for notebook in found if notebook is not None}


def running_order(names: Iterable[str], catalogue: Mapping[str, Notebook]) -> dict[str, tuple[str, ...]]:
    """Return what each notebook waits for, in an order that can be run; the brief waits for all others.

    Raises:
        BookError: If notebooks wait for each other in a circle.
    """
    names = list(names)
    waits = {
        name: tuple(n for n in names if n != name and (n in catalogue[name].after or name == LAST)) for name in names
    }
    ordered: dict[str, tuple[str, ...]] = {}
    while len(ordered) < len(names):
        ready = [name for name in names if name not in ordered and all(n in ordered for n in waits[name])]
        if not ready:
            circle = ", ".join(name for name in names if name not in ordered)
            raise BookError(
                f"Notebooks wait for each other in a circle: {circle}.", hint="see 'after' in their metadata"
            )
        ordered |= {name: waits[name] for name in ready}
    return ordered


def infer_params(name: str, source: str, *, where: str = "") -> type[NotebookParams]:
    r"""Return the parameter model that an annotated parameters cell describes.

    Args:
        name: Name of the notebook.
        source: Source of its parameters cell; parsed, never run.
        where: File name for errors.

    Raises:
        BookError: If the cell holds anything but assignments of literals to names.

    Examples:
        >>> infer_params("mine", "horizon_days: int = 60\nlabel: str | None = None")(horizon_days=30)
        mineParams(horizon_days=30, label=None)
    """
    fields: dict[str, Any] = {}
    for target, annotation, value in _assignments(source, where or name):
        try:
            default = ast.literal_eval(value)
            kind = _annotated(annotation) if annotation is not None else _guessed(default)
        except (ValueError, TypeError) as error:
            raise _bad_cell(where or name, value.lineno, f"'{target}': {error}") from None
        fields[target] = (kind, Field(default=default))
    return create_model(f"{name}Params", __base__=NotebookParams, **fields)


def _read(path: Path) -> Notebook | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells, metadata = content["cells"], content["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BookError(f"{path.name} is not a notebook.", hint="open it in JupyterLab, or move it away") from None
    source = next((_source(c) for c in cells if _is_parameters(c)), None)
    about = metadata.get("siyu")
    if source is None or not isinstance(about, dict):
        return None
    declared = frozenset(target for target, _, _ in _assignments(source, path.name))
    model = NOTEBOOK_PARAMS.get(path.stem) or infer_params(path.stem, source, where=path.name)
    return Notebook(
        path.stem, path, _names(about, "needs", path.name), _names(about, "after", path.name), model, declared
    )


def _is_parameters(cell: dict[str, Any]) -> bool:
    return cell.get("cell_type") == "code" and "parameters" in cell.get("metadata", {}).get("tags", [])


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _names(about: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    names = about.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BookError(f"{where}: metadata siyu.{key} must be a list of names, found {names!r}.")
    return tuple(names)


def _assignments(source: str, where: str) -> list[tuple[str, ast.expr | None, ast.expr]]:
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise _bad_cell(where, error.lineno or 1, "not readable as Python") from None
    found: list[tuple[str, ast.expr | None, ast.expr]] = []
    for node in body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=target), annotation=annotation, value=ast.expr() as value):
                found.append((target, annotation, value))
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                found.append((target, None, value))
            case ast.Expr(value=ast.Constant()) | ast.ImportFrom(module="typing"):
                continue
            case _:
                raise _bad_cell(where, node.lineno, f"'{ast.unparse(node).splitlines()[0]}'")
        if keyword.iskeyword(target) or target.startswith("_"):
            raise _bad_cell(where, node.lineno, f"'{target}' cannot be a parameter")
    return found


def _bad_cell(where: str, line: int, found: str) -> BookError:
    return BookError(
        f"{where}: the parameters cell may hold only lines such as 'horizon_days: int = 60'; line {line}: {found}.",
        hint="move other code into the next cell",
    )


def _guessed(default: Any) -> Any:
    if default is None or isinstance(default, tuple | set | bytes | complex):
        raise ValueError("needs an annotation")
    return type(default)


def _annotated(node: ast.expr) -> Any:
    match node:
        case ast.Name(id=name) if name in _KINDS:
            return _KINDS[name]
        case ast.Constant(value=None):
            return None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _annotated(left) | _annotated(right)
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            return _subscripted(node, name, inner)
    raise _unknown_type(node)


def _subscripted(node: ast.expr, name: str, inner: ast.expr) -> Any:
    match name, inner:
        case "list", _:
            return list[_annotated(inner)]  # type: ignore[misc]  # built from syntax
        case "dict", ast.Tuple(elts=[ast.Name(id="str"), item]):
            return dict[str, _annotated(item)]  # type: ignore[misc]  # built from syntax
        case "Literal", _:
            return Literal[tuple(_choices(inner))]
    raise _unknown_type(node)


def _unknown_type(node: ast.expr) -> ValueError:
    text = ast.unparse(node)
    close = nearest(text, _KINDS)
    hint = f", did you mean '{close}'?" if close else ""
    return ValueError(f"type '{text}' is not int, float, str, bool, list, dict[str, …], Literal or None{hint}")


def _choices(node: ast.expr) -> list[Any]:
    return [ast.literal_eval(item) for item in (node.elts if isinstance(node, ast.Tuple) else [node])]
