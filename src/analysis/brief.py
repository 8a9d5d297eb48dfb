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

__all__ = ["changes", "data_quality", "decisions", "headlines"]

Page = dict[str, Any]

# An experiment's verdict leads, a prior never does while anything better is known.
_RANK: Final = {Grade.RANDOMISED: 0, Grade.QUASI_EXPERIMENTAL: 0, Grade.MEASURED: 0, Grade.OBSERVATIONAL: 1}
_MAX_TILES: Final = 6
DATA_PAGE: Final = "data_health"
FORECASTS: Final = ("churn", "strategies")


def decisions(pages: Sequence[Page], *, limit: int) -> list[Block]:
    """Return the decisions of all pages, best evidence first, then by what they are worth.

    Args:
        pages: Summaries in the book's order.
        limit: How many are shown at most.
    """
    made = [_linked(block, page["notebook"]) for page in pages for block in _of_kind(page, "decision")]
    if not made:
        return [blocks.answer({"zh": "本期没有报告提出需要决定的事", "en": "No report calls for a decision this time"})]
    return sorted(made, key=_evidence_then_worth)[:limit]


def headlines(pages: Sequence[Page], *, limit: int = _MAX_TILES) -> list[Block]:
    """Return headline tiles: the first of every page, then the second, up to the limit.

    Pages that forecast come first: what was counted stands on the brief already. Data have their own strip.
    """
    pages = sorted(pages, key=lambda page: page["notebook"] not in FORECASTS)
    leading = [page for page in pages if page["notebook"] != DATA_PAGE] or pages
    rounds = zip_longest(*(_of_kind(page, "tile") for page in leading))
    return [tile for tile in chain.from_iterable(rounds) if tile is not None][:limit]


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
    """Return the tables worth a look one by one, and how many are fine in one line."""
    made = [block for page in pages for block in _of_kind(page, "quality")]
    if not made:
        return []
    items = [item for block in made for item in block["items"]]
    doubtful = [item for item in items if item["state"] != "ok"]
    fine = len(items) - len(doubtful)
    shown = [(item["label"], item["state"], item["state_text"], item["text"]) for item in doubtful]
    if fine:
        label = {"zh": "其余的表", "en": "The other tables"} if shown else {"zh": "所有的表", "en": "All tables"}
        text = {"zh": f"{fine} 张表，没有可疑之处", "en": f"{fine} table{'s' * (fine > 1)}, nothing doubtful"}
        shown.append((label, "ok", {"zh": "正常", "en": "fine"}, text))
    values = {name: value for block in made for name, value in block["values"].items()}
    return [blocks.quality(shown, values=values)]


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
