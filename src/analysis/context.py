"""What a run tells its notebooks: one small JSON file, named by an environment variable.

The runner writes it; ``Workbench.open`` reads it. Nothing secret is in it, and no notebook metadata
or parameter carries a path.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

__all__ = ["RUN_VARIABLE", "RunContext"]

RUN_VARIABLE: Final = "SIYU_RUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """One run as its notebooks see it.

    Attributes:
        book: Name of the book.
        title: Title of the book by language.
        data: Folder of the loaded tables (``analysis.data.connect.open_tables``).
        data_digest: Digest of what was loaded: part of every recipe's key.
        as_of: The run's day, inclusive, in the book's zone.
        timezone: IANA name of the book's zone.
        languages: Languages of the pages, first one leads.
        currency: ISO code.
        seed: Seed of every random number.
        min_cell: Smaller groups of customers are hidden on shareable pages.
        engine: ``duckdb`` or ``spark``.
        industry: Which headline numbers lead; None if the book names none.
        params: Parameters of each notebook of the book, as plain values.
        out: Folder that the run is built in.
        cache: Folder of computed recipes; deleting it changes no number.
        previous: Folder of the predecessor run, or None.
        run_id: Ten hex digits, or "scratch" outside a run.
        notices: Warnings every page shows, by language (stale data, a shrunk table).
    """

    book: str
    title: dict[str, str]
    data: Path
    data_digest: str
    as_of: date
    timezone: str
    languages: tuple[str, ...]
    currency: str
    seed: int
    min_cell: int
    engine: str
    industry: str | None
    params: dict[str, dict[str, Any]]
    out: Path
    cache: Path
    previous: Path | None
    run_id: str
    notices: tuple[dict[str, str], ...] = field(default=())

    def write(self, path: Path) -> None:
        """Write the context as JSON."""
        plain = {**asdict(self), "as_of": self.as_of.isoformat()}
        path.write_text(json.dumps(plain, ensure_ascii=False, indent=1, default=str), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "RunContext":
        """Read a context written by ``write``."""
        plain = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            **{
                **plain,
                "as_of": date.fromisoformat(plain["as_of"]),
                "languages": tuple(plain["languages"]),
                "notices": tuple(plain["notices"]),
                **{name: Path(plain[name]) for name in ("data", "out", "cache")},
                "previous": Path(plain["previous"]) if plain["previous"] else None,
            }
        )
