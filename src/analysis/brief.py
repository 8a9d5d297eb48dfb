"""The weekly page from what the other pages said: their decisions ranked, their headlines gathered.

Nothing is computed here. A page's summary is ``{"notebook", "results", "blocks"}`` as the workbench
keeps it; what comes out are blocks for ``Workbench.show``.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, Final

from analysis.evidence import Estimate, Grade
from analysis.numerals import LANGUAGES
from analysis.page import blocks
from analysis.page.blocks import Block

__all__ = ["changes", "data_quality", "decisions", "headlines", "said", "track_record"]

Page = dict[str, Any]

# An experiment's verdict leads, a prior never does while anything better is known.
_RANK: Final = {Grade.RANDOMISED: 0, Grade.QUASI_EXPERIMENTAL: 0, Grade.MEASURED: 0, Grade.OBSERVATIONAL: 1}
_MAX_TILES: Final = 6
_MAX_CHANGES: Final = 6
_VERDICTS: Final = {"worse": {"zh": "变差", "en": "worse"}, "better": {"zh": "变好", "en": "better"}}
DATA_PAGE: Final = "data_health"
LEDGER_PAGE: Final = "forecast_ledger"
_FEWEST_DUE: Final = 5  # forecasts: with fewer the sentence would be about luck
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


def said(pages: Sequence[Page], *, currency: str, min_cell: int) -> dict[str, Any]:
    """Return what the next run needs to tell whether the first decision is still the same.

    Args:
        pages: Summaries in the book's order.
        currency: ISO code.
        min_cell: Smallest group of customers that is told.
    """
    first = decisions(pages, limit=1)[0]
    if first["kind"] != "decision":
        return {}
    text = {language: _plain(first, language, currency=currency, min_cell=min_cell) for language in LANGUAGES}
    return {"decision": _identity(first), "text": text}


def changes(pages: Sequence[Page], *, before: Mapping[str, Any] | None = None) -> list[Block]:
    """Return the box of what is not as it was: the first decision, then headline numbers beyond noise, worse first.

    Args:
        pages: Summaries in the book's order.
        before: What ``said`` kept in the run before.

    Returns:
        One block, or nothing on a first run.
    """
    tiles = [tile for page in pages for tile in _of_kind(page, "tile") if tile["change"]]
    if not tiles:
        return []
    rows, values = _decision_then(pages, before or {})
    moved = [tile for tile in tiles if tile["change"]["verdict"] in _VERDICTS]
    moved.sort(key=lambda tile: list(_VERDICTS).index(tile["change"]["verdict"]))
    for i, tile in enumerate(moved[:_MAX_CHANGES]):
        now = blocks.estimate_from_json(tile["value"])
        values |= {
            f"label_{i}": tile["label"],
            f"was_{i}": Estimate(float(now.value or 0) - tile["change"]["value"], now.unit),
            f"now_{i}": now,
            f"word_{i}": _VERDICTS[tile["change"]["verdict"]],
        }
        sentence = {
            "zh": f"{{was_{i}:bare}} → {{now_{i}}}，{{word_{i}}}",
            "en": f"{{was_{i}:bare}} → {{now_{i}}}, {{word_{i}}}",
        }
        rows.append(({"zh": f"{{label_{i}}}", "en": f"{{label_{i}}}"}, sentence))
    rows.append(
        (
            {"zh": "其余数字", "en": "Other numbers"} if moved else {"zh": "数字", "en": "Numbers"},
            _rest(len(tiles), len(moved)),
        )
    )
    return [blocks.changes(rows, values=values)]


def _decision_then(pages: Sequence[Page], before: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the row on the first decision, where the run before had one."""
    if not before.get("decision"):
        return [], {}
    same = _identity(decisions(pages, limit=1)[0]) == list(before["decision"])
    label = {"zh": "首要决定", "en": "First decision"}
    if same:
        return [(label, {"zh": "和上一期相同", "en": "the same as last time"})], {}
    return [(label, {"zh": "换了。上一期是：{then}", "en": "another one. Last time: {then}"})], {"then": before["text"]}


def _rest(compared: int, moved: int) -> dict[str, str]:
    if not moved:
        return {"zh": "核心数字都在正常波动内。", "en": "All headline numbers are within their usual range."}
    told = min(moved, _MAX_CHANGES)
    zh, en = [], []
    if moved > told:
        zh.append(f"另有 {moved - told} 个变了，见各报告")
        en.append(f"{moved - told} more moved: see their reports")
    if compared > moved:
        zh.append(f"{compared - moved} 个在正常波动内")
        en.append(f"{compared - moved} are within their usual range")
    return {"zh": "，".join(zh) or "都在上面", "en": ", ".join(en) or "all are above"}


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


def _identity(block: Block) -> list[str]:
    """Return what makes a decision the same one, whatever its numbers: its page and its words."""
    return [*(link["notebook"] for link in block.get("links", [])[:1]), block["text"]["zh"]]


def _plain(block: Block, language: str, *, currency: str, min_cell: int) -> str:
    from analysis.page.render import Reader

    reader = Reader(language=language, currency=currency, min_cell=min_cell)
    return str(reader.tell(block["text"], block["values"]).unescape())


def track_record(pages: Sequence[Page]) -> list[Block]:
    """Return how earlier forecasts turned out, in the ledger's own sentence; nothing while too few have come due."""
    for page in pages:
        due = page["results"].get("n_due", {}).get("value") if page["notebook"] == LEDGER_PAGE else None
        if due and due >= _FEWEST_DUE:
            return [blocks.note(block["text"], values=block["values"]) for block in _of_kind(page, "answer")[:1]]
    return []


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
