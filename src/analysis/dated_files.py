"""Read a dated YAML file into a strict model; a mistake is named with its line.

YAML 1.2, loaded safely: ``no`` stays a word, nothing is evaluated.
"""

from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.checks import nearest
from analysis.errors import BookError

__all__ = ["DatedModel", "find_file", "read_dated"]

_PROJECT: Final = Path(__file__).resolve().parents[2]

Model = TypeVar("Model", bound="DatedModel")


class DatedModel(BaseModel):
    """Base of what these files hold: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def find_file(name: str | Path) -> Path:
    """Return the file: as named from the working folder, else from the project's folder.

    Raises:
        BookError: If it is in neither; the files beside it are named.
    """
    for path in (Path(name), _PROJECT / name):
        if path.is_file():
            return path
    beside = sorted(p.name for p in (_PROJECT / name).parent.glob("*.yaml"))
    close = nearest(Path(name).name, beside)
    hint = f"did you mean '{close}'?" if close else f"there are {', '.join(beside) or 'no YAML files'} in that folder"
    raise BookError(f"There is no file '{name}'.", hint=hint)


def read_dated(name: str | Path, *, model: type[Model]) -> Model:
    """Return the file's content as that model.

    Raises:
        BookError: If the file is missing, is not YAML, or breaks the model: a line for each mistake.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    path = find_file(name)
    try:
        content = YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except (MarkedYAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise BookError(f"{path.name}{where}: not readable as YAML ({_first_line(error)}).") from None
    try:
        return model.model_validate(_plain(content))
    except ValidationError as error:
        lines = [_mistake(path.name, content, dict(mistake)) for mistake in error.errors()]
        raise BookError("\n".join(lines), hint=f"correct {path.name}; nothing was run") from None


def _first_line(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    # ruamel's own numbers and texts subclass Python's: the model gets the plain ones
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _mistake(file: str, content: Any, mistake: dict[str, Any]) -> str:
    path = [part for part in mistake["loc"] if isinstance(part, int) or "[" not in str(part)]
    line = _line_of(content, path)
    key = ".".join(str(part) for part in path)
    found = "" if mistake["type"] == "missing" else f", found {mistake['input']!r:.60}"
    return f"{file}, line {line}: {key}: {mistake['msg']}{found}."


def _line_of(content: Any, path: list[Any]) -> int:
    """Return the 1-based line of the deepest part of the path that the file has."""
    node: Any = content
    line = 0
    for part in path:
        try:
            line = (node.lc.item if isinstance(part, int) else node.lc.key)(part)[0]
            node = node[part]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return int(line) + 1
