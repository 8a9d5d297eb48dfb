"""The explorer: from a frame to its block, and what its script needs, written out beforehand in the reader's words."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from analysis.evidence import GRADE_LABELS, Estimate, Grade
from analysis.fields import FIELDS
from analysis.numerals import UNITS
from analysis.page.blocks import Block, Text, estimate_from_json, explorer, table

if TYPE_CHECKING:
    import pandas as pd

    from analysis.page.render import Reader

__all__ = ["choices_table", "explorer_data", "explorer_from_frame"]

MINUS: Final = "\u2212"
_ESCAPED: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def explorer_from_frame(frame: "pd.DataFrame", title: Text, *, earns: str, uses: Sequence[str]) -> Block:
    """Return an explorer of the rows of a frame.

    Args:
        frame: One row per choice: its name in the first pair of columns ``…_zh``, ``…_en``, ``earns`` with interval,
            ``confidence_level`` and ``grade``, and the columns of ``uses``.
        title: What the reader can find out.
        earns: Column of what a choice earns.
        uses: Columns of what it uses.
    """
    stem = next(str(name) for name in frame.columns if str(name).endswith("_zh")).removesuffix("_zh")
    choices = [
        (
            {"zh": str(row[f"{stem}_zh"]), "en": str(row[f"{stem}_en"])},
            _estimate(row, earns),
            [Estimate(float(row[name]), FIELDS[name].unit, grade=Grade(row["grade"])) for name in uses],
        )
        for row in frame.to_dict("records")
    ]
    labels = {name: {"zh": FIELDS[name].zh, "en": FIELDS[name].en} for name in (earns, *uses)}
    return explorer(title, choices, earns=labels[earns], uses=[labels[name] for name in uses])


def explorer_data(block: Block, reader: "Reader") -> dict[str, Any]:
    """Return the data for the script as safe JSON, and how many steps each slider has.

    Args:
        block: Of kind ``explorer``.
        reader: For whom.
    """
    choices = [_choice(choice, block, reader) for choice in block["choices"]]
    best = estimate_from_json(block["choices"][0]["earns"])
    for made, choice in zip(choices[1:], block["choices"][1:], strict=True):
        earned = estimate_from_json(choice["earns"])
        less = Estimate(float(best.value or 0) - float(earned.value or 0), best.unit)
        made["says"] += " " + reader.word("explorer_less", amount=reader.number(less))
    choices[0]["says"] += " " + reader.word("explorer_free")
    columns = [[choice["uses"][i] for choice in block["choices"]] for i in range(len(block["uses"]))]
    steps = [_steps([estimate_from_json(value) for value in column], reader) for column in columns]
    data = {
        "choices": choices,
        "steps": steps,
        "none": [reader.word("explorer_none"), reader.word("explorer_widen")],
        "and": "，" if reader.language == "zh" else ", ",
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign, escaped in _ESCAPED.items():
        text = text.replace(sign, escaped)
    return {"json": Markup(text), "last": [len(column) - 1 for column in steps]}  # noqa: S704  # signs of markup escaped


def choices_table(block: Block) -> Block:
    """Return all choices as a table: what stays where no script runs."""
    columns = [
        {"name": "choice", "label": {"zh": "选择", "en": "Choice"}},
        {"name": "earns", "label": block["earns"]},
        *({"name": f"uses_{i}", "label": label} for i, label in enumerate(block["uses"])),
    ]
    rows = [
        [
            choice["name"],
            estimate_from_json(choice["earns"]),
            *(estimate_from_json(amount) for amount in choice["uses"]),
        ]
        for choice in block["choices"]
    ]
    return table(columns, rows, block["title"])


def _estimate(row: dict[Any, Any], name: str) -> Estimate:
    low, high = float(row[f"{name}_ci_lower"]), float(row[f"{name}_ci_upper"])
    if low != low or high != high:  # noqa: PLR0124 - NaN is not itself: doing nothing has no interval
        return Estimate(float(row[name]), FIELDS[name].unit, grade=Grade(row["grade"]))
    level = float(row["confidence_level"])
    return Estimate(float(row[name]), FIELDS[name].unit, low, high, level, Grade(row["grade"]))


def _choice(choice: Mapping[str, Any], block: Block, reader: "Reader") -> dict[str, Any]:
    earned = estimate_from_json(choice["earns"])
    used = [estimate_from_json(amount) for amount in choice["uses"]]
    labelled = [
        f"{reader.plain(label)} {_amount(amount, reader)}" for label, amount in zip(block["uses"], used, strict=True)
    ]
    says = reader.word(
        "explorer_says",
        what=reader.plain(block["earns"]),
        amount=reader.number(earned),
        interval=reader.number(earned, "interval").replace(MINUS, f"{MINUS}\u2060"),  # a sign stays with its number
        used=reader.listed(labelled),
        grade=GRADE_LABELS[earned.grade][reader.language],
    )
    return {
        "name": reader.plain(choice["name"]),
        "earns": reader.number(earned),
        "uses": [_up(float(amount.value or 0)) for amount in used],
        "used": labelled,
        "says": says,
    }


def _amount(amount: Estimate, reader: "Reader") -> str:
    """Return an amount behind its label: English needs no second word for what is counted."""
    bare = reader.language == "en" and UNITS[amount.unit].kind == "whole"
    return reader.number(amount, "bare" if bare else "")


def _steps(amounts: Sequence[Estimate], reader: "Reader") -> list[list[Any]]:
    """Return the positions of a slider: nothing, each amount that lets one more choice in, no limit."""
    limits = sorted({0.0, *(_up(float(amount.value or 0)) for amount in amounts)})
    unit = amounts[0].unit
    named = [[limit, reader.number(Estimate(limit, unit))] for limit in limits]
    return [*named, [None, reader.word("no_limit")]]


def _up(amount: float) -> float:
    """Return the amount, rounded up to three figures: so is a limit that lets it in."""
    if amount <= 0:
        return 0.0
    digit = 10.0 ** (math.floor(math.log10(amount)) - 2)
    return float(f"{math.ceil(amount / digit - 1e-9) * digit:.6g}")
