"""What is not the same as in the run before, and the data in one line: rows of words, made from what the run knows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup, escape

from analysis.evidence import Estimate
from analysis.page.blocks import Block, estimate_from_json
from analysis.page.cells import hide_small_value
from analysis.page.render import Reader
from analysis.reporting.page_info import DataLine, Since

__all__ = ["data_strip", "since_rows"]

_MOST: Final = 5  # numbers told one by one

Row = tuple[str, Markup]


def data_strip(line: DataLine | None, *, reader: Reader) -> dict[str, Any] | None:
    """Return the line on the data: state, words, and the page to read on; None if nothing is known.

    Args:
        line: What the run knows.
        reader: For whom.
    """
    if line is None or not line.rows_in:
        return None
    state = "fail" if line.failed else "warn" if line.doubtful else "ok"
    share = Estimate(line.rows_used / line.rows_in, "share")
    parts = [
        reader.word("rows_used", rows=reader.number(Estimate(line.rows_in, "rows")), share=reader.number(share)),
    ]
    if line.last_order is not None:
        parts.append(reader.word("orders_up_to", day=reader.day(line.last_order)))
    if line.doubtful:
        parts.append(reader.word("tables_doubtful", n=line.doubtful))
    return {"state": state, "word": reader.word(f"data_{state}"), "text": reader.listed(parts), "page": line.page}


def since_rows(tiles: Sequence[Block], since: Since | None, *, notebook: str, reader: Reader) -> list[Row]:
    """Return what changed since the run before, most telling first: (what kind of thing, what happened).

    Args:
        tiles: Headline numbers of the page; empty where they are told elsewhere.
        since: What the run knows.
        notebook: Whose parameters count.
        reader: For whom.
    """
    if since is None:
        return []
    rows = [*_numbers(tiles, reader)]
    if since.rows:
        key = "rows_more" if since.rows > 0 else "rows_fewer"
        rows.append((reader.word("data"), _text(reader.word(key, rows=_rows(abs(since.rows), reader)))))
    for name, before, now in since.parameters.get(notebook, ()):
        rows.append((reader.word("parameters"), Markup("<code>{}</code> {} → {}").format(name, before, now)))
    if since.versions:
        parts = [f"{name} {before} → {now}" for name, before, now in since.versions]
        rows.append((reader.word("versions"), _text(reader.listed(parts))))
    if since.code:
        rows.append((reader.word("program"), _text(reader.word("program_changed"))))
    return rows or [(reader.word("numbers"), _text(reader.word("nothing_changed")))]


def _numbers(tiles: Sequence[Block], reader: Reader) -> Iterable[Row]:
    """Return the numbers that moved, the worse ones first, and how many stayed within noise."""
    compared = [tile for tile in tiles if tile.get("change")]
    order = ("worse", "better", "none")
    moved = [t for t in compared if t["change"]["verdict"] in order and t["change"]["value"]]
    moved.sort(key=lambda tile: order.index(tile["change"]["verdict"]))
    for tile in moved[:_MOST]:
        told = _told(tile, reader)
        if told:
            yield reader.plain(tile["label"]), told
    still = len(compared) - len(moved)
    if still:
        key = "others_still" if moved else "all_still"
        yield reader.word("numbers"), _text(reader.word(key, n=still))


def _told(tile: Mapping[str, Any], reader: Reader) -> Markup:
    if "below" in hide_small_value(tile["value"], min_cell=reader.min_cell):
        return Markup("")
    now = estimate_from_json(tile["value"])
    before = Estimate(float(now.value or 0) - tile["change"]["value"], now.unit)
    if "below" in hide_small_value(before.as_result(), min_cell=reader.min_cell):
        return Markup("")
    verdict = tile["change"]["verdict"]
    mark = Markup(' <span class="{0}">{1}</span>').format(verdict, reader.word(verdict)) if verdict != "none" else ""
    return Markup("{} → {}{}").format(reader.number(before, "bare"), reader.number(now), mark)


def _rows(number: int, reader: Reader) -> str:
    return reader.number(Estimate(number, "rows"))


def _text(text: str) -> Markup:
    return escape(text)
