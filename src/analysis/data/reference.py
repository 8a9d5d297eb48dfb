"""Write ``docs/reference/tables.md`` from the contracts: ``python -m analysis.data.reference``."""

from pathlib import Path
from typing import Final

from analysis.data.contracts import CONTRACTS, Column, Table
from analysis.data.headers import SYNONYMS

__all__ = ["PAGE", "tables_page"]

PAGE: Final = Path("docs/reference/tables.md")

_HEAD: Final = """# Tables · 数据表

<!-- made by `python -m analysis.data.reference` from src/analysis/data/contracts.py: edit there -->

What each table holds after loading: one row is what the line under its name says. **Bold** columns are required.
*known at* names the column that says when a value became known: a cut at `as_of` forgets what was not known by then.
A column without it is a snapshot: it may describe a customer on a page but never feeds a model.

Only `orders` is required, and not even that by a book whose notebooks read only `outcomes` or `decisions`. How to bring
your own data: [how-to/data.md](../how-to/data.md).

Beside each time `…_at` (UTC) loading adds its day `…_on` in the book's zone; `orders` and `touches` also get the local
hour (`ordered_hour`, `assigned_hour`). `refunds` is split off from the orders when they are loaded.

每张表加载后的内容。**粗体**为必需列；*known at* 指明该值何时可知；没有 known at 的列是快照，只能描述，不能用于预测。
"""

_KINDS: Final = {
    "id": "id (text, every digit kept)",
    "text": "text",
    "category": "category",
    "instant": "time (UTC)",
    "date": "day",
    "money": "money",
    "number": "number",
    "count": "whole number",
    "share": "share, 0-1",
    "flag": "yes or no",
}


def tables_page() -> str:
    """Return the page as Markdown."""
    names = " · ".join(f"[{name}](#{name})" for name in CONTRACTS)
    return "\n".join([_HEAD, names, "", *(_table(contract) for contract in CONTRACTS.values())])


def _table(contract: Table) -> str:
    key = ", ".join(contract.key)
    facts = [f"One row is {contract.grain_en} · 一行是{contract.grain_zh}.", f"Key: `{key}`."]
    facts.append(f"Cut by: `{contract.clock}`." if contract.clock else "Cut by: its parent table, or not at all.")
    if contract.numbered:
        facts.append(f"Without a `{contract.key[0]}` the rows are numbered.")
    if contract.open:
        facts.append(
            "Further columns of the source come along under their own names, or those that the book gives them."
        )
    head = "| column | what | kind | known at | headers that mean it |\n|---|---|---|---|---|"
    return "\n".join([f"## {contract.name}\n", " ".join(facts), "", head, *map(_row, contract.columns), ""])


def _row(column: Column) -> str:
    name = f"**`{column.name}`**" if column.required else f"`{column.name}`"
    kind = _KINDS[column.kind] + (f", {column.unit}" if column.unit else "")
    if column.allowed:
        kind = f"{kind}: {', '.join(column.allowed)}"
    known = f"`{column.known_at}`" if column.known_at else "- (snapshot)"
    words = ", ".join(SYNONYMS.get(column.name, "").split()[:6])
    return f"| {name} | {column.en} · {column.zh} | {kind} | {known} | {words} |"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(tables_page(), encoding="utf-8")
