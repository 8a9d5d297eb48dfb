"""The blocks a page is made of: plain JSON-able dicts, one function per kind.

A notebook makes blocks, its output carries them (``MIME``), the page lays them out. A text is a pair
``{"zh": …, "en": …}`` of templates written by the notebook's author: ``{name}`` stands for a value,
``**bold**`` for emphasis, a blank line for a new paragraph; every other character is itself. A value is
an ``Estimate`` (with unit, interval and grade), a label in both languages, or a plain text (data).
Data never becomes markup, and never becomes a template.

Forms of a placeholder: ``{name}`` the number with its unit, ``{name:bare}`` without the word of the
unit, ``{name:interval}`` "80% 区间 3,610–4,290", ``{name:full}`` number and interval in brackets,
``{name:grade}`` the badge of its evidence.
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from analysis.checks import one_of
from analysis.errors import AnalysisError
from analysis.evidence import Estimate, Grade
from analysis.numerals import LANGUAGES, UNITS

__all__ = [
    "FORMS",
    "KINDS",
    "MIME",
    "PLACEHOLDER",
    "SCHEMA",
    "Block",
    "Text",
    "Value",
    "answer",
    "changes",
    "decision",
    "end",
    "estimate_from_json",
    "explorer",
    "figure",
    "finding",
    "method",
    "mind",
    "missing",
    "note",
    "quality",
    "question",
    "table",
    "tile",
    "validate",
    "warning",
]

MIME: Final = "application/vnd.siyu.block+json"
SCHEMA: Final = 1
KINDS: Final = (
    "question",
    "answer",
    "decision",
    "tile",
    "finding",
    "figure",
    "table",
    "explorer",
    "note",
    "mind",
    "method",
    "quality",
    "changes",
    "missing",
    "warning",
    "end",
)
FORMS: Final = ("bare", "interval", "full", "grade")
PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([a-z]+))?\}")
STATES: Final = ("ok", "warn", "fail", "none")
WIDTHS: Final = ("wide", "narrow")

Block = dict[str, Any]
Text = Mapping[str, str]
Value = Estimate | Mapping[str, str] | str


def question(text: Text) -> Block:
    """The question the page answers, in the reader's words."""
    return _block("question", text=_text(text, {}))


def answer(text: Text, *, values: Mapping[str, Value] | None = None, detail: Text | None = None) -> Block:
    """The answer in one sentence (the page's h1), and what goes with it.

    Args:
        text: One sentence; its numbers are placeholders.
        values: What the placeholders of text and detail stand for.
        detail: Interval, how sure, what it rests on: one short paragraph.
    """
    values = values or {}
    return _block("answer", text=_text(text, values), detail=_text(detail, values), values=_values(values))


def decision(
    text: Text,
    *,
    worth: Estimate | None = None,
    worth_label: Text | None = None,
    values: Mapping[str, Value] | None = None,
    why: Text | None = None,
    parts: Sequence[tuple[Text, Estimate]] = (),
    reasons_to_change: Sequence[Text] = (),
    links: Sequence[tuple[str, Text]] = (),
) -> Block:
    """What to do, what it is worth, what would change our mind. The first on a page is its card.

    Args:
        text: The decision, one sentence.
        worth: What it earns, with interval and grade.
        worth_label: What the worth measures, e.g. {"zh": "90 天预计增量利润", …}.
        values: What the placeholders of all texts here stand for.
        why: Reasons in a sentence or two.
        parts: Rows of the sum that makes up the worth; the last one is the total.
        reasons_to_change: What would change our mind, one sentence each.
        links: (notebook, text) of pages to read on.

    Raises:
        AnalysisError: If there is a worth without its label.
    """
    values = values or {}
    if worth is not None and worth_label is None:
        raise AnalysisError("A decision's worth has no label.", hint="say what it measures: worth_label")
    return _block(
        "decision",
        text=_text(text, values),
        why=_text(why, values),
        worth=_value(worth),
        worth_label=_text(worth_label, values),
        parts=[{"label": _text(label, values), "value": _value(amount)} for label, amount in parts],
        mind=[_text(item, values) for item in reasons_to_change],
        links=[{"notebook": notebook, "text": _text(label, values)} for notebook, label in links],
        values=_values(values),
    )


def tile(
    name: str,
    label: Text,
    value: Estimate,
    *,
    previous: float | None = None,
    history: Sequence[float | None] = (),
    better: str | None = None,
    note: Text | None = None,
) -> Block:
    """A headline number with its interval, its change since the run before, and its history.

    Args:
        name: Of the number, as in ``results.json``.
        label: What it measures.
        value: The number.
        previous: The same number in the run before.
        history: The number in earlier runs, oldest first, this run's value last or left out.
        better: ``up`` or ``down``: which direction is good; None if neither.
        note: A few words instead of "no interval".
    """
    if better is not None:
        one_of(better, allowed=("up", "down"), what="direction")
    return _block(
        "tile",
        name=name,
        label=_text(label, {}),
        value=_value(value),
        change=_change(value, previous=previous, better=better),
        history=[_finite(v) for v in history],
        note=_text(note, {}),
    )


def finding(
    text: Text,
    *,
    values: Mapping[str, Value] | None = None,
    sub: Text | None = None,
    short: Text | None = None,
) -> Block:
    """A claim: it opens a section, and is a whole sentence.

    Args:
        text: The claim.
        values: What the placeholders of text and sub stand for.
        sub: Measure, unit, what point and line are, n.
        short: Two to six characters for the contents; the claim itself if left out.
    """
    values = values or {}
    return _block(
        "finding",
        text=_text(text, values),
        sub=_text(sub, values),
        short=_text(short, {}),
        values=_values(values),
    )


def figure(
    name: str,
    svg: Mapping[str, Mapping[str, str]],
    alt: Text,
    *,
    values: Mapping[str, Value] | None = None,
    data: Block | None = None,
) -> Block:
    """A chart, drawn per language and width, with what it shows in words and in numbers.

    Args:
        name: Unique on the page; letters, digits, - and _.
        svg: ``{"zh": {"wide": "<svg…", "narrow": "<svg…"}, …}`` from ``charts.theme.to_svg``, for each language
            of the book.
        alt: What the chart shows, for those who do not see it.
        values: What the placeholders of ``alt`` stand for.
        data: A ``table`` block with the numbers in the chart, folded beneath it.

    Raises:
        AnalysisError: If a drawing is missing or the name is no name.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name):
        raise AnalysisError(f"'{name}' is no name of a figure.", hint="letters, digits, - and _")
    for language, drawings in svg.items():
        one_of(language, allowed=LANGUAGES, what="language")
        missing_widths = [width for width in WIDTHS if not drawings.get(width, "").lstrip().startswith("<svg")]
        if missing_widths:
            raise AnalysisError(f"The figure '{name}' lacks its {' and '.join(missing_widths)} drawing in {language}.")
    if not svg:
        raise AnalysisError(f"The figure '{name}' has no drawing.")
    drawn = {language: {width: drawings[width] for width in WIDTHS} for language, drawings in svg.items()}
    values = values or {}
    return _block("figure", name=name, svg=drawn, alt=_text(alt, values), values=_values(values), data=data)


def table(
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Sequence[Any]],
    caption: Text,
    *,
    values: Mapping[str, Value] | None = None,
    n: str | None = None,
    totals: int = 0,
    highlight: Sequence[int] = (),
) -> Block:
    """A table. ``page.cells.table_from_frame`` makes one from a frame, with labels from ``fields.py``.

    Args:
        columns: ``{"name", "label": {"zh", "en"}, "unit"}`` each; unit "" for text, "date", "grade" or a name of
            ``UNITS``. An interval is ``{"name", "label", "unit", "level": 0.8}`` and its cells are [lower, upper].
        rows: One list per row, as long as the columns: number, text, date, ``{"zh", "en"}``, ``Estimate`` (where
            each row has its own unit) or None. The first column names the row.
        caption: What one row is, and of whom.
        values: What the placeholders of the caption stand for.
        n: Name of the column that counts the customers in a row: rows of fewer than the book's ``min_cell`` are
            hidden on pages (see ``page.cells``).
        totals: How many rows at the end are totals (never hidden).
        highlight: Positions of rows in the accent colour.

    Raises:
        AnalysisError: If a row has the wrong length, a unit is unknown or ``n`` is no column.
    """
    values = values or {}
    names = [str(column.get("name", "")) for column in columns]
    if n is not None:
        one_of(n, allowed=names, what="column of counts")
    for position, row in enumerate(rows):
        if len(row) != len(columns):
            raise AnalysisError(f"Row {position} has {len(row)} cells, the table has {len(columns)} columns.")
    return _block(
        "table",
        caption=_text(caption, values),
        values=_values(values),
        columns=[_column(column) for column in columns],
        rows=[[_cell(cell) for cell in row] for row in rows],
        n=n,
        totals=totals,
        highlight=list(highlight),
    )


def explorer(
    title: Text,
    choices: Sequence[tuple[Text, Estimate, Sequence[Estimate]]],
    *,
    earns: Text,
    uses: Sequence[Text],
    note: Text | None = None,
) -> Block:
    """Choices within limits that the reader sets with sliders: which one earns most then, and how much.

    Everything is computed beforehand: a slider only leaves choices out. Without scripts the table of all choices stays.

    Args:
        title: What the reader can find out.
        choices: (name, what it earns, what it uses: one estimate per limit), in any order.
        earns: What is earned, e.g. {"zh": "增量利润", …}.
        uses: What each slider limits, e.g. budget and contacts lost.
        note: How to read it, in a sentence.

    Raises:
        AnalysisError: If there is no choice, or one lacks an amount.
    """
    for name, earned, used in choices:
        if len(used) != len(uses) or not all(amount.known for amount in (earned, *used)):
            raise AnalysisError(f"The choice '{name.get('en', '')[:60]}' lacks what it earns or uses.")
    if not choices:
        raise AnalysisError("An explorer has no choices.")
    ordered = sorted(choices, key=lambda choice: float(choice[1].value or 0), reverse=True)
    return _block(
        "explorer",
        title=_text(title, {}),
        earns=_plain(earns),
        uses=[_plain(label) for label in uses],
        choices=[
            {"name": _plain(name), "earns": _value(earned), "uses": [_value(amount) for amount in used]}
            for name, earned, used in ordered
        ],
        note=_text(note, {}),
    )


def note(text: Text, *, values: Mapping[str, Value] | None = None) -> Block:
    """A paragraph beside the chart: how to read it, why it is so."""
    values = values or {}
    return _block("note", text=_text(text, values), values=_values(values))


def mind(items: Sequence[Text], *, values: Mapping[str, Value] | None = None) -> Block:
    """What would change our mind, one sentence each."""
    values = values or {}
    return _block("mind", items=[_text(item, values) for item in items], values=_values(values))


def method(text: Text, *, title: Text | None = None, values: Mapping[str, Value] | None = None) -> Block:
    """How it was done and what was left out: folded at the end of the page."""
    values = values or {}
    return _block("method", text=_text(text, values), title=_text(title, {}), values=_values(values))


def quality(items: Sequence[tuple[Text, str, Text, Text]], *, values: Mapping[str, Value] | None = None) -> Block:
    """State of the data, one row each: (label, state, state in words, what it means).

    The state is ``ok`` (full circle), ``warn`` (hollow square: stale, doubtful), ``fail`` (full square) or
    ``none`` (a dash: no data).
    """
    values = values or {}
    rows = [
        {
            "label": _text(label, values),
            "state": one_of(state, allowed=STATES, what="state"),
            "state_text": _text(words, values),
            "text": _text(text, values),
        }
        for label, state, words, text in items
    ]
    return _block("quality", items=rows, values=_values(values))


def changes(items: Sequence[tuple[Text, Text]], *, values: Mapping[str, Value] | None = None) -> Block:
    """What changed since the run before: (what kind of thing, what happened)."""
    values = values or {}
    rows = [{"label": _text(label, values), "text": _text(text, values)} for label, text in items]
    return _block("changes", items=rows, values=_values(values))


def missing(table_name: str, *, text: Text | None = None, needed_by: str | None = None) -> Block:
    """A section or page that lacks its data: it keeps its question, says what would fill it, and stays green.

    Args:
        table_name: The table (or column) that is not there.
        text: What the table would let the page answer.
        needed_by: The recipe that asked.
    """
    return _block("missing", table=table_name, text=_text(text, {}), needed_by=needed_by)


def warning(text: Text, *, values: Mapping[str, Value] | None = None) -> Block:
    """Something the reader must know before believing the page (stale data, a shrunk table)."""
    values = values or {}
    return _block("warning", text=_text(text, values), values=_values(values))


def end(notebook: str) -> Block:
    """The end marker: the notebook ran through to its last line."""
    return _block("end", notebook=notebook)


def validate(block: Mapping[str, Any]) -> Block:
    """Return a block that came from a notebook's output, if it is one of ours.

    Raises:
        AnalysisError: If the schema or the kind is not known here.
    """
    if block.get("schema") != SCHEMA:
        raise AnalysisError(f"A block of schema {block.get('schema')!r}, expected {SCHEMA}.", hint="run it again")
    one_of(str(block.get("kind")), allowed=KINDS, what="kind of block")
    return dict(block)


def estimate_from_json(value: Mapping[str, Any]) -> Estimate:
    """Return the estimate that ``Estimate.as_result`` wrote."""
    return Estimate(
        value["value"],
        value["unit"],
        value.get("ci_lower"),
        value.get("ci_upper"),
        value.get("confidence_level"),
        Grade(value.get("grade") or Grade.MEASURED),
        value.get("n"),
    )


def _block(kind: str, **fields: Any) -> Block:
    return {"schema": SCHEMA, "kind": kind, **fields}


def _text(text: Text | None, values: Mapping[str, Value]) -> dict[str, str] | None:
    """Check a text: both languages, every placeholder known, bold marks in pairs."""
    if text is None:
        return None
    checked = {language: text.get(language, "") for language in LANGUAGES}
    for language, template in checked.items():
        if not template.strip():
            given = next((t for t in checked.values() if t), "")
            raise AnalysisError(f"A text lacks its '{language}': '{given[:60]}'.", hint="write it in zh and en")
        if template.count("**") % 2:
            raise AnalysisError(f"'**' opens but does not close in '{template[:60]}'.")
        for name, form in PLACEHOLDER.findall(template):
            if name not in values:
                hint = f"values has {', '.join(sorted(values)) or 'nothing'}"
                raise AnalysisError(f"Placeholder '{{{name}}}' has no value in '{template[:60]}'.", hint=hint)
            if form:
                _check_form(name, one_of(form, allowed=FORMS, what="form of a placeholder"), values[name])
    return checked


def _check_form(name: str, form: str, value: Value) -> None:
    if not isinstance(value, Estimate) and not (isinstance(value, Mapping) and ("unit" in value or "below" in value)):
        raise AnalysisError(f"'{{{name}:{form}}}' needs an estimate, '{name}' is a text.")


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: Value | None) -> Any:
    """Return a value as JSON: an estimate's dict, a label's dict, or a text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Estimate):
        one_of(value.unit, allowed=UNITS, what="unit")
        return value.as_result()
    if "unit" in value and "value" in value:
        return _value(estimate_from_json(value))
    if set(value) == {"below"}:
        return dict(value)  # a small group that was hidden already
    if set(value) == set(LANGUAGES):
        return _plain(value)
    raise AnalysisError(
        f"A value must be an Estimate, a label {{'zh', 'en'}} or a text, got {sorted(value)}.",
        hint="numbers travel as Estimate(value, unit, …): wb.number(frame, name)",
    )


def _plain(label: Mapping[str, Any]) -> dict[str, str]:
    """Return a label in both languages; it is data, not a template."""
    return {language: str(label.get(language) or label.get("en") or "") for language in LANGUAGES}


def _change(value: Estimate, *, previous: float | None, better: str | None) -> dict[str, Any] | None:
    """Return the change since the run before and its verdict: noise, better, worse or none."""
    if previous is None or not math.isfinite(previous) or not value.known or value.value is None:
        return None
    change = float(value.value) - previous
    if value.ci_lower is not None and value.ci_upper is not None and value.ci_lower <= previous <= value.ci_upper:
        verdict = "noise"
    elif change == 0 or better is None:
        verdict = "none"
    else:
        verdict = "better" if (change > 0) == (better == "up") else "worse"
    return {"value": change, "verdict": verdict}


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    unit = str(column.get("unit") or "")
    if unit not in ("", "date", "grade"):
        one_of(unit, allowed=UNITS, what="unit")
    label = _plain(column["label"])
    return {"name": str(column["name"]), "label": label, "unit": unit, "level": column.get("level")}


def _cell(cell: Any) -> Any:
    """Return a cell as JSON: None for what is not known."""
    if cell is None or isinstance(cell, str | bool):
        return cell
    if isinstance(cell, date):
        return cell.isoformat()[:10]
    if isinstance(cell, Estimate):
        return _value(cell)
    if isinstance(cell, Mapping):
        return dict(cell) if "unit" in cell else _plain(cell)
    if isinstance(cell, list | tuple):
        return [_finite(end) for end in cell]
    return _finite(cell)


def _finite(value: Any) -> float | int | None:
    """Return a plain number, or None for NaN, infinity and pandas' missing marks."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 and not isinstance(value, float) else number
