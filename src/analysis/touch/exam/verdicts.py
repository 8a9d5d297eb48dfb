"""Verdicts of the exam as dated data: written by the full exam, read by whoever shows them.

A file says which effect sizes and which laws it was written for. Once either has changed it is *stale*: it then says
nothing about what is being run.
"""

import ast
import json
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field

from analysis.dated_files import DatedModel, read_dated
from analysis.touch.effects import EffectPriors
from analysis.touch.exam.judging import Interval

__all__ = [
    "CAVEAT",
    "LAWS",
    "ROWS",
    "Claim",
    "ExamFile",
    "Verdict",
    "digest_of",
    "exam_passed",
    "load_exam",
    "rows_folder",
    "verdict",
    "written",
]

CAVEAT: Final = {
    "zh": "考试只说明机理合理，不是对企业微信的校准：多数研究来自邮件、推送、电信或邮购。",
    "en": "Passing shows plausible mechanics, not a calibration to WeCom: most studies are about e-mail, push, telecom "
    "or catalogues.",
}
LAWS: Final = (
    "deletion", "exposure", "fatigue", "history", "money", "need", "reference_price", "referral", "response",
    "second_life", "trust",
)  # fmt: skip
ROWS: Final = 12  # of what studies found
_ROOM: Final = Path(__file__).resolve().parent


class Claim(DatedModel):
    """What a row claims, as readers see it."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Verdict(DatedModel):
    """One claim, what the simulator says to it, and whether it holds.

    Attributes:
        number: Row of the exam (1-12; beyond them: does it tell the truth); several parts may share it.
        part: Letter of the part.
        claim: The claim.
        value: What came out, with its 95 % interval.
        unit: Unit of the value (``numerals.UNITS``).
        band: Lowest and highest value that passes; None at an end leaves it open.
        judged: ``sign``: the whole interval within the band; ``number``: the value within the band;
            ``shown``: beside the exam, not judged.
        passed: Whether it holds.
        source: Who found it.
        note: What to know about the measurement.
    """

    number: int = Field(ge=1)
    part: str = Field(pattern=r"^[a-z]$")
    claim: Claim
    value: float
    ci_lower: float
    ci_upper: float
    unit: str
    band: tuple[float | None, float | None]
    judged: Literal["sign", "number", "shown"]
    passed: bool
    source: str = Field(min_length=1)
    note: str = ""


class ExamFile(DatedModel):
    """All verdicts of one full exam.

    Attributes:
        edition: Edition of the effect sizes examined.
        digest: Digest of laws and effect sizes (``digest_of``).
        n_customers: Customers simulated.
        n_replicates: Replicates of luck.
        caveat: What passing does not mean.
        rows: The verdicts, by number and part.
    """

    edition: date
    digest: str
    n_customers: int
    n_replicates: int
    caveat: Claim
    rows: list[Verdict]


def verdict(
    row: str,
    found: Interval,
    *,
    zh: str,
    en: str,
    unit: str,
    source: str,
    above: float | None = None,
    below: float | None = None,
    judged: Literal["sign", "number", "shown"] = "sign",
    note: str = "",
) -> Verdict:
    """Return the verdict of a part of a row, such as ``3b``; ``above`` and ``below`` are its band."""
    low, high = (found.value, found.value) if judged == "number" else (found.lower, found.upper)
    # A sign holds where zero lies outside the interval; a band includes its ends.
    inside = (above is None or (low > above if judged == "sign" else low >= above)) and (
        below is None or (high < below if judged == "sign" else high <= below)
    )
    return Verdict(
        number=int(row[:-1]),
        part=row[-1],
        claim=Claim(zh=zh, en=en),
        value=found.value,
        ci_lower=found.lower,
        ci_upper=found.upper,
        unit=unit,
        band=(above, below),
        judged=judged,
        passed=bool(inside) or judged == "shown",
        source=source,
        note=note,
    )


def digest_of(priors: EffectPriors) -> str:
    """Return the digest of the laws and of these effect sizes; comments, docstrings and layout do not count."""
    told = sha256()
    for name in LAWS:
        told.update(name.encode() + b"\0" + _code(_ROOM.parent / f"{name}.py").encode() + b"\0")
    sizes: list[Any] = [[e.name, e.kind, e.mean, e.sd, e.strength, e.central] for e in priors.effects]
    sizes += [[c.channel, c.gain, c.annoyance] for c in priors.channels]
    told.update(json.dumps(sizes).encode())
    return told.hexdigest()[:16]


def rows_folder(project: Path, *, digest: str) -> Path:
    """Return the folder in which the parts of a full exam leave their rows."""
    return project / ".cache" / "exam" / digest


def exam_passed(exam: ExamFile, *, priors: EffectPriors) -> bool | None:
    """Return whether the twelve rows hold; None where the file is stale: written for other laws or effect sizes.

    Rows beyond twelve say whether it tells the truth when the truth is known; each is shown with its own verdict.
    """
    if exam.digest != digest_of(priors):
        return None
    return all(row.passed for row in exam.rows if row.number <= ROWS)


def load_exam(name: str | Path = "params/exam/verdicts.yaml") -> ExamFile:
    """Return the verdicts of a file.

    Raises:
        BookError: If the file is missing or wrong; each mistake is named with its line.
    """
    return read_dated(name, model=ExamFile)


def written(rows: Sequence[Verdict], *, priors: EffectPriors, n_customers: int, n_replicates: int) -> str:
    """Return the file's text."""
    lines = [
        "# Written by `make exam`: what the simulator answered. Not edited by hand.",
        f"edition: {priors.edition.isoformat()}",
        f"digest: {json.dumps(digest_of(priors))}",
        f"n_customers: {n_customers}",
        f"n_replicates: {n_replicates}",
        f"caveat: {_flow(CAVEAT)}",
        "rows:",
    ]
    for row in sorted(rows, key=lambda r: (r.number, r.part)):
        said = row.model_dump(mode="json")
        first, *rest = [
            f"{key}: {_flow(_rounded(value))}" for key, value in said.items() if not (key == "note" and not value)
        ]
        lines += [f"  - {first}", *(f"    {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rounded(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _code(path: Path) -> str:
    """Return a module's code without docstrings, as its syntax tree."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return ast.dump(tree)
