"""Read a dated YAML file into a strict model; a mistake is named with its line."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.checks import nearest
from analysis.errors import BookError
from analysis.yaml12 import Source, parse

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
    path = find_file(name)
    try:
        source = _parsed(path.read_text(encoding="utf-8"), path.name)
    except UnicodeDecodeError:
        raise BookError(f"{path.name} is not UTF-8.", hint="save the file as UTF-8") from None
    try:
        return model.model_validate(source.value)
    except ValidationError as error:
        lines = [_mistake(path.name, source, dict(mistake)) for mistake in error.errors()]
        raise BookError("\n".join(lines), hint=f"correct {path.name}; nothing was run") from None


@lru_cache(maxsize=32)
def _parsed(text: str, name: str) -> Source:
    """Return the text as YAML: recipe after recipe reads the same few files, and what a text says does not change."""
    return parse(text, name=name)


def _mistake(file: str, source: Source, mistake: dict[str, Any]) -> str:
    path = tuple(part for part in mistake["loc"] if isinstance(part, int) or "[" not in str(part))
    key = ".".join(str(part) for part in path)
    found = "" if mistake["type"] == "missing" else f", found {mistake['input']!r:.60}"
    return f"{file}:{source.line(path)}: {key}: {mistake['msg']}{found}."
