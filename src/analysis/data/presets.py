"""Named column maps: what the export of a known shop system looks like, kept under ``params/presets/``."""

from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.checks import nearest
from analysis.data.mapping import DataSource, TableMapping
from analysis.errors import BookError
from analysis.yaml12 import parse

__all__ = ["Preset", "find_preset", "with_preset"]

_LONGEST: Final = 200
"""Characters of a preset's name: no file has more."""


class Preset(BaseModel):
    """One file under ``params/presets/``: a ``tables:`` block as in a book, with a title."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    title: dict[str, str]
    tables: dict[str, TableMapping]


def with_preset(source: DataSource, *, base: Path) -> DataSource:
    """Return the source with its column preset filled in; what the book itself says wins.

    Raises:
        BookError: If there is no such preset, or it is wrong.
    """
    if source.column_preset is None:
        return source
    preset = find_preset(source.column_preset, base=base)
    merged: dict[str, TableMapping | None] = dict(preset.tables)
    for table, mapping in source.tables.items():
        ground = preset.tables.get(table)
        merged[table] = mapping if mapping is None or ground is None else _merge(ground, mapping)
    return source.model_copy(update={"tables": merged, "column_preset": None})


def _merge(ground: TableMapping, book: TableMapping) -> TableMapping:
    changed: dict[str, Any] = {}
    for name in book.model_fields_set:
        mine, theirs = getattr(book, name), getattr(ground, name)
        changed[name] = {**theirs, **mine} if isinstance(mine, dict) and isinstance(theirs, dict) else mine
    return ground.model_copy(update=changed)


def find_preset(name: str, *, base: Path) -> Preset:
    """Read a preset by its name.

    Args:
        name: Its file name without ``.yaml``.
        base: Folder of the book, or the working folder.

    Raises:
        BookError: If there is none of that name, or it is wrong.
    """
    folders = [
        base / "params" / "presets",
        base / "presets",
        base.parent / "presets",
        Path(__file__).parents[3] / "params" / "presets",
    ]
    for folder in folders:
        path = folder / f"{name}.yaml"
        if len(name) <= _LONGEST and path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return _read(path)
    known = sorted({path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.yaml")})
    close = nearest(name, known)
    raise BookError(
        f"data.column_preset: there is no preset '{name}', there are {', '.join(known) or 'none'}.",
        hint=f"did you mean '{close}'?" if close else "put a file into params/presets/",
    )


def _read(path: Path) -> Preset:
    try:
        return Preset.model_validate(parse(path.read_text(encoding="utf-8"), name=path.name).value)
    except (UnicodeDecodeError, ValidationError) as error:
        raise BookError(f"The preset {path.name} is wrong: {error}", hint="compare it with the others there") from None
