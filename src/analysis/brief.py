"""The weekly page from what the other pages said: their decisions ranked, their headlines gathered.

Nothing is computed here. A page's summary is ``{"notebook", "results", "blocks"}`` as the workbench
keeps it; what comes out are blocks for ``Workbench.show``.
"""

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any, Final

from analysis.evidence import Grade
from analysis.page import blocks
from analysis.page.blocks import Block

__all__ = ["answers", "changes", "data_quality", "decisions", "headlines"]

Page = dict[str, Any]

# An experiment's verdict leads, a prior never does while anything better is known.
_RANK: Final = {Grade.RANDOMISED: 0, Grade.QUASI_EXPERIMENTAL: 0, Grade.MEASURED: 0, Grade.OBSERVATIONAL: 1}
_MAX_TILES: Final = 6


def decisions(pages: Sequence[Page], *, limit: int) -> list[Block]:
    """Return the decisions of all pages, best evidence first, then by what they are worth.

    Args:
        pages: Summaries in the book's order.
        limit: How many are shown at most.
    """
    made = [_linked(block, page["notebook"]) for page in pages for block in _of_kind(page, "decision")]
    return sorted(made, key=_evidence_then_worth)[:limit]


def headlines(pages: Sequence[Page], *, limit: int = _MAX_TILES) -> list[Block]:
    """Return headline tiles: the first of every page, then the second, up to the limit."""
    rounds = zip_longest(*(_of_kind(page, "tile") for page in pages))
    return [tile for tile in chain.from_iterable(rounds) if tile is not None][:limit]


def answers(pages: Sequence[Page]) -> list[Block]:
    """Return what each page answers, as one remark per page."""
    return [
        {**blocks.note({"zh": "-", "en": "-"}), "text": block["text"], "values": block["values"]}
        for page in pages
        for block in _of_kind(page, "answer")
    ]


def changes(pages: Sequence[Page]) -> list[Block]:
    """Return the box of headline numbers that moved beyond noise since the predecessor; nothing on a first run."""
    moved = [
        tile
        for page in pages
        for tile in _of_kind(page, "tile")
        if tile["change"] and tile["change"]["verdict"] in {"better", "worse"}
    ]
    words = {"better": {"zh": "变好", "en": "better"}, "worse": {"zh": "变差", "en": "worse"}}
    compared = any(tile["change"] for page in pages for tile in _of_kind(page, "tile"))
    if not compared:
        return []
    if not moved:
        text = {"zh": "核心数字都在正常波动内。", "en": "All headline numbers are within their usual range."}
        return [blocks.changes([({"zh": "数字", "en": "Numbers"}, text)])]
    values: dict[str, Any] = {}
    rows = []
    for i, tile in enumerate(moved):
        values |= {
            f"label_{i}": tile["label"],
            f"now_{i}": tile["value"],
            f"word_{i}": words[tile["change"]["verdict"]],
        }
        rows.append(
            (
                {"zh": f"{{label_{i}}}", "en": f"{{label_{i}}}"},
                {"zh": f"现在 {{now_{i}}}，{{word_{i}}}", "en": f"now {{now_{i}}}, {{word_{i}}}"},
            )
        )
    return [blocks.changes(rows, values=values)]


def data_quality(pages: Sequence[Page]) -> list[Block]:
    """Return the state of the data as the data page put it."""
    return [block for page in pages for block in _of_kind(page, "quality")]


def _of_kind(page: Page, kind: str) -> list[Block]:
    return [block for block in page["blocks"] if block["kind"] == kind]


def _linked(block: Block, notebook: str) -> Block:
    """Add the way to the page that made the decision, unless it names one."""
    if block["links"]:
        return block
    return {**block, "links": [{"notebook": notebook, "text": {"zh": "看依据", "en": "See the evidence"}}]}


def _evidence_then_worth(block: Block) -> tuple[int, float]:
    worth = block["worth"]
    if worth is None or worth["value"] is None:
        return (len(_RANK), 0.0)
    return (_RANK.get(Grade(worth["grade"] or Grade.MEASURED), len(_RANK)), -float(worth["value"]))
