"""YAML 1.2, core schema, read safely: plain values and the line of every key.

``no`` stays a word, ``010`` is ten, ``2026-06-30`` is text that the model reads as a day. Tags, duplicate
keys, merge keys and several documents are errors; an alias is written out, but no bomb is.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from analysis.errors import BookError

__all__ = ["Source", "parse", "parse_value"]

_MAX_DEPTH: Final = 24
_MAX_VALUES: Final = 20_000
_NULL: Final = re.compile(r"null|Null|NULL|~|")
_TRUE: Final = re.compile(r"true|True|TRUE")
_FALSE: Final = re.compile(r"false|False|FALSE")
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,400}")
_OCTAL: Final = re.compile(r"0o[0-7]{1,400}")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]{1,400}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE: Final = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN: Final = re.compile(r"\.(?:nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Source:
    """What a text holds, and where.

    Attributes:
        value: Plain dicts with text keys, lists and scalars.
        lines: Line (from 1) of each key path.
    """

    value: Any
    lines: dict[tuple[str | int, ...], int]

    def line(self, path: tuple[str | int, ...]) -> int:
        """Return the line of that key, or of the nearest key above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(text: str, *, name: str) -> Source:
    r"""Read one YAML document.

    Args:
        text: The document.
        name: What to call it in an error, usually its path.

    Raises:
        BookError: If it is not YAML, or holds what a book may not hold; with the line.

    Examples:
        >>> parse("a: no\nb: [010, 2026-06-30]", name="x").value
        {'a': 'no', 'b': [10, '2026-06-30']}
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        events = list(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise BookError(f"{name}:{line}: not readable as YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise BookError(f"{name}: not readable as YAML: {str(error).splitlines()[0]}") from None
    return _Composer(events, name).compose()


def parse_value(text: str, *, name: str) -> Any:
    """Read the value of ``--set key=value``: a YAML value on one line.

    Examples:
        >>> parse_value("60", name="--set"), parse_value("no", name="--set"), parse_value("", name="--set")
        (60, 'no', None)
    """
    if text.lstrip().startswith("#"):
        return text
    return parse(text, name=name).value if text.strip() else None


@dataclass
class _Composer:
    events: list[Any]
    name: str
    position: int = 0
    n_values: int = 0
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)

    def compose(self) -> Source:
        kinds = [type(event).__name__ for event in self.events]
        if kinds.count("DocumentStartEvent") > 1:
            raise self.wrong(self.events[-1], "a book is one YAML document, found several")
        if "DocumentStartEvent" not in kinds:
            return Source(None, {})
        self.position = kinds.index("DocumentStartEvent") + 1
        return Source(self.node((), 0), self.lines)

    def wrong(self, event: Any, sentence: str) -> BookError:
        return BookError(f"{self.name}:{event.start_mark.line + 1}: {sentence}")

    def node(self, path: tuple[str | int, ...], depth: int) -> Any:
        event = self.events[self.position]
        self.position += 1
        before = self.n_values
        self.count(event, 1)
        kind = type(event).__name__
        if kind == "AliasEvent":
            value, size = self.anchors.get(event.anchor, (None, -1))
            if size < 0:
                raise self.wrong(event, f"alias '*{event.anchor}' stands before its anchor, or within it")
            self.count(event, size)
            return value
        if getattr(event, "tag", None) is not None:
            raise self.wrong(event, f"the tag '{event.tag}' is not allowed: a book holds plain values")
        if depth > _MAX_DEPTH:
            raise self.wrong(event, f"nested deeper than {_MAX_DEPTH} levels")
        if kind == "ScalarEvent":
            value = str(event.value) if event.style else _scalar(event.value)
        elif kind == "MappingStartEvent":
            value = self.mapping(path, depth)
        else:
            value = self.sequence(path, depth)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.n_values - before)
        return value

    def count(self, event: Any, n: int) -> None:
        self.n_values += n
        if self.n_values > _MAX_VALUES:
            raise self.wrong(event, f"more than {_MAX_VALUES:,} values, aliases written out")

    def mapping(self, path: tuple[str | int, ...], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while type(event := self.events[self.position]).__name__ != "MappingEndEvent":
            key = self.node(path, depth + 1)
            if not isinstance(key, str):
                if type(event).__name__ != "ScalarEvent":
                    raise self.wrong(event, "a key must be one word")
                key = str(event.value)
            here = (*path, key)
            if key in found:
                raise self.wrong(event, f"{_dotted(here)}: the key stands twice, first in line {self.lines[here]}")
            self.lines[here] = event.start_mark.line + 1
            found[key] = self.node(here, depth + 1)
        self.position += 1
        return found

    def sequence(self, path: tuple[str | int, ...], depth: int) -> list[Any]:
        found: list[Any] = []
        while type(event := self.events[self.position]).__name__ != "SequenceEndEvent":
            here = (*path, len(found))
            self.lines[here] = event.start_mark.line + 1
            found.append(self.node(here, depth + 1))
        self.position += 1
        return found


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path)


def _scalar(text: str) -> Any:
    for pattern, value in ((_NULL, None), (_TRUE, True), (_FALSE, False), (_NAN, float("nan"))):
        if pattern.fullmatch(text):
            return value
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    if infinite := _INFINITE.fullmatch(text):
        return float(f"{infinite[1]}inf")
    return float(text) if _FLOAT.fullmatch(text) else text
