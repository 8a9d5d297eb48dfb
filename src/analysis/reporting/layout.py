"""From the cells of an executed notebook to the parts of a page, in reading order.

Decision or question and answer, tiles, then sections: each opened by a finding, holding its figure with the notes
beside it, the folded data, tables. What would change our mind and the folded method come last. Prose
cells before a finding belong to it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup

from analysis.page.blocks import MIME, Block, missing, validate
from analysis.page.render import Reader, render_block
from analysis.reporting import generic

__all__ = ["Layout", "Section", "lay_out"]

_MISSING_TABLE: Final = re.compile(r"'([^']*)' needs the table '([^']*)'")
_LIST_KINDS: Final = ("quality", "changes")


@dataclass(slots=True)
class Row:
    """A figure with the notes beside it."""

    figure: Markup | None = None
    notes: list[Markup] = field(default_factory=list)
    below: list[Markup] = field(default_factory=list)


@dataclass(slots=True)
class Section:
    """One section: its finding, or a heading of the page's own, and what stands under it."""

    finding: Block | None = None
    heading: str = ""
    rows: list[Row] = field(default_factory=list)
    lists: bool = False  # holds a list of states or changes, beside its heading

    def row(self) -> Row:
        """Return the row that is being filled."""
        if not self.rows:
            self.rows.append(Row())
        return self.rows[-1]


@dataclass(slots=True)
class Layout:
    """The parts of a page."""

    title: Mapping[str, str] = field(default_factory=dict)
    question: Block | None = None
    answer: Block | None = None
    decisions: list[Block] = field(default_factory=list)
    tiles: list[Block] = field(default_factory=list)
    warnings: list[Block] = field(default_factory=list)
    intro: list[Markup] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    mind: list[Block] = field(default_factory=list)
    methods: list[Block] = field(default_factory=list)
    changes: list[Block] = field(default_factory=list)  # told in the box under the tiles

    @property
    def empty(self) -> bool:
        """Whether there is nothing to read."""
        return not (self.answer or self.decisions or self.tiles or self.sections or self.intro)


def lay_out(notebook: Mapping[str, Any], *, reader: Reader) -> Layout:
    """Return the parts of the page of an executed notebook, for one reader.

    Args:
        notebook: A notebook of format 4 with outputs.
        reader: Language, currency, smallest group shown.
    """
    about = notebook.get("metadata", {}).get("siyu", {})
    layout = Layout(title=about.get("title", {}) if isinstance(about, Mapping) else {})
    waiting: list[Markup] = []
    for cell in notebook.get("cells", []):
        if cell.get("cell_type") == "markdown":
            waiting.extend(_prose(cell, reader))
        elif cell.get("cell_type") == "code":
            for output in cell.get("outputs", []):
                _place_output(output, layout, reader, waiting)
    _flush(layout, waiting)
    return layout


def _place_output(output: Mapping[str, Any], layout: Layout, reader: Reader, waiting: list[Markup]) -> None:
    data = output.get("data", {})
    if MIME in data:
        block = validate(data[MIME])
        if block["kind"] != "finding" and block["kind"] not in ("end", "question", "answer", "tile", "warning"):
            _flush(layout, waiting)
        _place_block(block, layout, reader)
        if block["kind"] == "finding":
            _flush(layout, waiting)
        return
    made = _generic(output, reader)
    if made:
        _flush(layout, waiting)
        _current(layout).row().below.append(made)


def _generic(output: Mapping[str, Any], reader: Reader) -> Markup:
    """Return an output that is no block of ours; a missing table is told in words."""
    kind = output.get("output_type")
    if kind == "error":
        found = _MISSING_TABLE.search(str(output.get("evalue", "")))
        if output.get("ename") == "MissingTableError" and found:
            return _rendered(missing(found.group(2), needed_by=found.group(1)), reader)
        return Markup('<div class="out">{}</div>').format(
            generic.plain(f"{output.get('ename', '')}: {output.get('evalue', '')}")
        )
    if kind == "stream":
        if output.get("name") == "stderr":
            return Markup("")
        made = generic.output({"text/plain": output.get("text", "")}, language=reader.language)
    else:
        made = generic.output(output.get("data", {}), language=reader.language)
    return Markup('<div class="out" tabindex="0">{}</div>').format(made) if made else made


def _prose(cell: Mapping[str, Any], reader: Reader) -> Iterable[Markup]:
    """Return a prose cell if it is for this reader; a title cell only repeats the masthead."""
    tags = set(cell.get("metadata", {}).get("tags", []))
    if tags & {"zh", "en"} and reader.language not in tags:
        return []
    source = cell.get("source", "")
    text = (source if isinstance(source, str) else "".join(source)).strip()
    text = re.sub(r"\A#[ \t][^\n]*(?:\n|\Z)", "", text).strip()
    return [generic.markdown(text)] if text else []


def _flush(layout: Layout, waiting: list[Markup]) -> None:
    """Put prose that waited for its finding where it belongs."""
    for prose in waiting:
        wrapped = Markup('<div class="prose">{}</div>').format(prose)
        if layout.sections:
            layout.sections[-1].row().notes.append(wrapped)
        else:
            layout.intro.append(wrapped)
    waiting.clear()


def _current(layout: Layout) -> Section:
    if not layout.sections:
        layout.sections.append(Section())
    return layout.sections[-1]


def _place_block(block: Block, layout: Layout, reader: Reader) -> None:
    lists: dict[str, list[Block]] = {
        "decision": layout.decisions,
        "tile": layout.tiles,
        "warning": layout.warnings,
        "mind": layout.mind,
        "method": layout.methods,
    }
    match block["kind"]:
        case "question":
            layout.question = block
        case "answer":
            layout.answer = block
        case "finding":
            layout.sections.append(Section(finding=block))
        case "end":
            pass  # for the runner
        case kind if kind in lists:
            lists[kind].append(block)
        case kind if kind in _LIST_KINDS:
            _place_list(block, layout, reader)
        case _:
            _place_in_section(block, _current(layout), reader)


def _place_list(block: Block, layout: Layout, reader: Reader) -> None:
    """Put states or changes under the finding that was just opened, else under a heading of their own."""
    opened = layout.sections[-1] if layout.sections else None
    if block["kind"] == "changes" and (opened is None or opened.rows):
        layout.changes.append(block)
        return
    if opened is None or opened.rows:
        opened = Section(heading=reader.word(block["kind"]))
        layout.sections.append(opened)
    opened.lists = True
    opened.row().below.append(_rendered(block, reader))


def _place_in_section(block: Block, section: Section, reader: Reader) -> None:
    made = _rendered(block, reader)
    if block["kind"] == "figure":
        row = section.row()
        if row.figure or row.below:
            row = Row()
            section.rows.append(row)
        row.figure = made
        if block.get("data"):
            row.below.append(reader.chart_data(block))
    elif block["kind"] == "note":
        section.row().notes.append(made)
    else:
        section.row().below.append(made)


def _rendered(block: Block, reader: Reader) -> Markup:
    return render_block(block, language=reader.language, currency=reader.currency, min_cell=reader.min_cell)
