"""A book: read, checked against strict models before anything runs, with one line per mistake."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from analysis.books.catalogue import Notebook, discover, running_order
from analysis.checks import nearest
from analysis.errors import BookError
from analysis.params import NOTEBOOK_PARAMS, Book
from analysis.yaml12 import Source, parse, parse_value

__all__ = ["ReadBook", "book_schema", "find_root", "read_book"]

KeyPath = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[3]
_MAX_BYTES: Final = 1_000_000
_KINDS: Final = {
    dict: "a block",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}
_WORDS: Final = {
    "Input should be a valid string": "text, in quotes if it looks like a number",
    "Input should be a valid integer": "a whole number",
    "Input should be a valid number": "a number",
    "Input should be a valid boolean": "true or false",
    "Input should be a valid list": "a list",
    "Input should be a valid tuple": "a list",
    "Input should be a valid array": "a list",
    "Input should be a valid dictionary": "a block of key: value lines",
    "Input should be an object": "a block of key: value lines",
    "Input should be None": "null",
}


@dataclass(frozen=True, slots=True)
class ReadBook:
    """A book that may run.

    Attributes:
        book: The book; ``notebooks`` holds every parameter, defaults written out.
        notebooks: Its notebooks in reading order.
        waits: What each notebook waits for, in an order that can be run.
        root: Folder that relative paths of parameters start from; it holds ``notebooks/``.
        data_base: Folder that a relative ``data.source`` starts from: the book's, or for ``--set`` the working folder.
    """

    book: Book
    notebooks: dict[str, Notebook]
    waits: dict[str, tuple[str, ...]]
    root: Path
    data_base: Path


@dataclass(frozen=True, slots=True)
class _Mistake:
    path: KeyPath
    sentence: str


def find_root(book: Path | None = None) -> Path:
    """Return the project folder: the nearest one with ``notebooks/`` above the book, or above the working folder."""
    starts: list[Path] = [book.resolve().parent] if book else []
    for start in (*starts, Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / "notebooks").is_dir():
                return folder
    return _PACKAGE_ROOT


def read_book(path: Path, *, overrides: Sequence[str] = (), root: Path | None = None) -> ReadBook:
    """Read and check a book.

    Args:
        path: The YAML file.
        overrides: ``key.path=value`` as given to ``--set``; checked by the same models.
        root: Project folder; found from the book's place if None.

    Raises:
        BookError: With one line per mistake: place, key, what was found, what is allowed, the nearest name.
    """
    name = str(path)
    source = parse(_read(path), name=name)
    if not isinstance(source.value, dict):
        raise BookError(f"{name}: a book is a block of key: value lines, found {_found(source.value)}.")
    places = _Places(name, source, _set_all(source.value, overrides))
    root = root or find_root(path)
    catalogue = discover(root / "notebooks")
    book, mistakes = _validate(Book, _without_parameters(source.value), ())
    blocks = source.value.get("notebooks")
    resolved: dict[str, dict[str, Any]] = {}
    if isinstance(blocks, dict):
        resolved, more = _notebook_parameters(blocks, catalogue)
        mistakes = [*mistakes, *more]
    if mistakes or book is None:
        raise BookError("\n".join(places.say(mistake) for mistake in sorted(mistakes, key=places.line)))
    notebooks = {notebook: catalogue[notebook] for notebook in resolved}
    return ReadBook(
        book=book.model_copy(update={"notebooks": resolved}),
        notebooks=notebooks,
        waits=running_order(notebooks, catalogue),
        root=root,
        data_base=Path.cwd() if ("data", "source") in places.overridden else path.resolve().parent,
    )


def book_schema(root: Path | None = None) -> dict[str, Any]:
    """Return the JSON Schema of books, with the parameters of every notebook found."""
    models = dict(NOTEBOOK_PARAMS)
    if root is not None:
        models |= {name: notebook.model for name, notebook in discover(root / "notebooks").items()}
    everything: list[type[BaseModel]] = [Book, *models.values()]
    references, schema = models_json_schema([(model, "validation") for model in everything])
    top = schema["$defs"].pop("Book")
    top["properties"]["notebooks"] |= {
        "properties": {
            name: {"anyOf": [references[model, "validation"], {"type": "null"}]} for name, model in models.items()
        },
        "additionalProperties": False,
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": schema["$defs"]}


@dataclass(frozen=True, slots=True)
class _Places:
    name: str
    source: Source
    overridden: frozenset[KeyPath]

    def say(self, mistake: _Mistake) -> str:
        path = mistake.path
        overridden = any(path[: len(key)] == key for key in self.overridden)
        place = "--set" if overridden else f"{self.name}:{self.source.line(path)}"
        return f"{place}: {'.'.join(str(part) for part in path) or 'book'}: {mistake.sentence}"

    def line(self, mistake: _Mistake) -> int:
        return self.source.line(mistake.path)


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        near = nearest(path.name, (p.name for p in path.parent.glob("*.y*ml"))) if path.parent.is_dir() else None
        hint = f"did you mean '{path.parent / near}'?" if near else "name a YAML file, such as params/demo.yaml"
        raise BookError(f"Cannot read the book '{path}': {error.strerror}.", hint=hint) from None
    if len(content) > _MAX_BYTES:
        raise BookError(f"'{path}' has {len(content):,} bytes; a book has at most {_MAX_BYTES:,}.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BookError(f"'{path}' is not UTF-8.", hint="save the book as UTF-8") from None


def _set_all(value: dict[str, Any], overrides: Sequence[str]) -> frozenset[KeyPath]:
    paths = []
    for text in overrides:
        dotted, equals, raw = text.partition("=")
        keys = dotted.strip().split(".")
        if not equals or not all(keys):
            raise BookError(f"--set {text}: needs the form key.path=value, such as data.source=demo/coffee.")
        block: Any = value
        for depth, key in enumerate(keys[:-1], start=1):
            if block.get(key) is None:
                block[key] = {}
            block = block[key]
            if not isinstance(block, dict):
                raise BookError(
                    f"--set {text}: '{'.'.join(keys[:depth])}' is {_found(block)}, nothing stands under it."
                )
        block[keys[-1]] = parse_value(raw, name=f"--set {dotted}")
        paths.append(tuple(keys))
    return frozenset(paths)


def _without_parameters(value: dict[str, Any]) -> dict[str, Any]:
    """Leave the parameters to their own models."""
    blocks = value.get("notebooks")
    if not isinstance(blocks, dict):
        return value
    return {**value, "notebooks": {name: {} for name in blocks}}


def _notebook_parameters(
    blocks: dict[str, Any], catalogue: Mapping[str, Notebook]
) -> tuple[dict[str, dict[str, Any]], list[_Mistake]]:
    resolved, mistakes = {}, []
    for name, block in blocks.items():
        if name not in catalogue:
            mistakes.append(_Mistake(("notebooks", name), _unknown("notebook", name, catalogue)))
            continue
        params, more = _validate(
            catalogue[name].model, {} if block is None else block, ("notebooks", name), what="parameter"
        )
        mistakes += more
        if params is not None:
            resolved[name] = params.model_dump(mode="json")
    return resolved, mistakes


def _validate(
    model: type[Model], value: Any, prefix: KeyPath, *, what: str = "key"
) -> tuple[Model | None, list[_Mistake]]:
    # JSON mode: text becomes a day and a list a tuple where the model says so, and nothing else is converted
    try:
        return model.model_validate_json(json.dumps(value)), []
    except ValidationError as error:
        found: dict[KeyPath, list[str]] = {}
        for entry in error.errors(include_url=False):
            path = _written_path(entry["loc"], value, missing=entry["type"] == "missing")
            found.setdefault(path, []).append(_sentence(entry, _at(value, path), _keys_at(model, path[:-1]), what))
        return None, [_Mistake((*prefix, *path), _joined(sentences)) for path, sentences in found.items()]


def _sentence(entry: Any, value: Any, known: Sequence[str], what: str) -> str:
    if entry["type"] == "extra_forbidden":
        return _unknown(what, str(entry["loc"][-1]), known)
    if entry["type"] == "missing":
        return "is required and not there"
    if entry["type"] == "value_error" and isinstance(value, dict | list):
        return str(entry["ctx"]["error"])
    allowed = str(entry["msg"]).removeprefix("Value error, ").replace("String should match pattern", "text of the form")
    expected = str(entry.get("ctx", {}).get("expected", ""))
    if entry["type"] == "literal_error":
        choices = expected.replace("'", "").replace(" or ", ", ").split(", ")
        close = nearest(value, choices) if isinstance(value, str) else None
        return f"found {_found(value)}, allowed {expected}" + (f"; did you mean '{close}'?" if close else "")
    return f"found {_found(value)}, allowed {_WORDS.get(allowed, allowed.removeprefix('Input should be '))}"


def _joined(sentences: list[str]) -> str:
    """One sentence for the members of a union: what was found once, then each thing that is allowed."""
    head = sentences[0]
    rest = [s.split(", allowed ", 1)[1] for s in sentences[1:] if ", allowed " in s]
    return " or ".join(dict.fromkeys([head, *rest]))


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    close = nearest(name, known)
    allowed = f"allowed: {', '.join(known)}" if known else "it has none"
    return f"unknown {what} '{name}', {allowed}" + (f"; did you mean '{close}'?" if close else "")


def _found(value: Any) -> str:
    if value is None:
        return "nothing"
    kind = _KINDS.get(type(value), "")
    if isinstance(value, dict | list):
        return kind
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f"'{value}'"
    return f"{text if len(text) <= 60 else text[:57] + '…'}{' (text)' if isinstance(value, str) else ''}"


def _written_path(location: tuple[str | int, ...], value: Any, *, missing: bool) -> KeyPath:
    """Drop from a model's location what the book does not hold: the names of a union's members."""
    path: KeyPath = ()
    for part in location:
        if _holds(value, part):
            value = value[part]
        elif not (missing and part == location[-1]):
            continue
        path = (*path, part)
    return path


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _at(value: Any, path: KeyPath) -> Any:
    for part in path:
        value = value[part] if _holds(value, part) else None
    return value


def _keys_at(model: Any, path: KeyPath) -> list[str]:
    """Return the keys that the model allows at that place."""
    annotations = [model]
    for part in path:
        annotations = [deeper for one in annotations for deeper in _step(one, part)]
    found = [key for one in annotations for member in _members(one) if _is_model(member) for key in member.model_fields]
    return list(dict.fromkeys(found))


def _step(annotation: Any, part: str | int) -> Iterator[Any]:
    for member in _members(annotation):
        if _is_model(member) and part in member.model_fields:
            yield member.model_fields[part].annotation
        elif arguments := [a for a in get_args(member) if a is not Ellipsis]:
            yield arguments[-1]  # the values of a dict, the items of a list


def _members(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for argument in get_args(annotation):
            yield from _members(argument)
    else:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
