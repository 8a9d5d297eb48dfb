"""A small project of our own at its worst: what a book, its notebooks, its files and its errors can say."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.security.payloads import PAYLOADS

CUSTOMERS = [
    "13800138000",
    "11010519491231002X",
    "王小明",
    "wang.xm@example.com",
    "wmJ8x_OQAAxyz",
    "上海市徐汇区漕溪路1号",
]
EVERY = [payload.text for payload in PAYLOADS]
SAID = [text for text in EVERY if len(text) <= 400 and text.strip()]
"""What can be put into a parameter: each as it is, none of them run."""
FILE = "orders <img src=x onerror=window.HIT=1> '; DROP TABLE orders; --.csv"
HEADER = "<script>window.HIT=1</script>{{7*7}}"
TITLE = "</title><script>document.title='HIT'</script>{0.__class__}"
OPEN = """from analysis.workbench import Workbench
wb = Workbench.open("{name}")
wb.question(zh="问题？<script>window.HIT=1</script>", en="A question? {{7*7}} $x$ <img src=x onerror=window.HIT=1>")
"""
FAILING = """import pandas as pd
orders = pd.read_parquet(wb.context.data / "orders.parquet")
raise ValueError("cannot use " + " | ".join(orders["customer_id"].unique()) + " and " + orders["order_id"].iloc[0])"""
RAISING = """import json
raise RuntimeError("</pre><script>window.HIT=1</script>\\x00\\x1b[31m{{7*7}}\\u202e%s ${x}")"""
PRINTING = """print("c-of-nobody")
wb.answer(zh="好", en="Good")
wb.finish()"""
HOSTILE = """import json, pandas as pd
from pathlib import Path
from analysis.charts.theme import INK_2, tell
assert said == json.loads(Path("said.json").read_text(encoding="utf-8"))
assert named == {text: text for text in said if len(text) <= 60}
assert one == said[0] and not Path("HIT").exists()
frame = pd.DataFrame({text: [other, "x"] for text, other in zip(said[:40], said[40:80])})
wb.answer(zh="答 {x}", en="An answer {x}", values={"x": one})
wb.finding(zh="结论 {x}", en="A finding {x}", values={"x": said[7]})
wb.data_table(pd.DataFrame({"text": said}), zh="表", en="A table")
wb.data_table(frame, zh="表头", en="Headers", name="heads")
def chart(table, *, style):
    figure, axes = style.canvas(200)
    for place, text in enumerate(table["text"]):
        (line,) = axes.plot([0, 1], [place, place], color=INK_2)
        tell(line, text, series=text)
    axes.set_yticks(range(len(table)), labels=list(table["text"]))
    axes.set_title(table["text"].iloc[0])
    return figure
for start in range(0, len(said), 60):
    wb.figure(chart, pd.DataFrame({"text": said[start:start + 60]}),
              zh="图 {x}", en="A figure {x}", values={"x": said[start]})
wb.private("people", pd.DataFrame({"customer_id": said, "=note": said}))
wb.results({}, named={"name": {"value": said[3], "reason": {"zh": said[4], "en": said[5]}}})
wb.finish()"""
PARAMETERS = {
    "failing": "days: int = 3",
    "raising": "days: int = 3",
    "printing": "days: int = 3",
    "hostile": 'said: list[str] = []\nnamed: dict[str, str] = {}\none: str = ""',
}


def write_notebook(root: Path, name: str, parameters: str, code: str) -> None:
    """Write a notebook of three cells whose title and prose are hostile."""
    sources = [parameters, OPEN.replace("{name}", name), code]
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {"tags": ["parameters"]} if i == 0 else {}, "source": text,
         "outputs": [], "execution_count": None}
        for i, text in enumerate(sources)
    ]  # fmt: skip
    cells.append({"cell_type": "markdown", "id": "m", "metadata": {}, "source": "\n\n".join(SAID[:150])})
    about = {"needs": [], "after": [], "title": {"zh": TITLE, "en": TITLE}}
    made = {"cells": cells, "metadata": {"siyu": about}, "nbformat": 4, "nbformat_minor": 5}
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made), encoding="utf-8")


def write_project(root: Path) -> Path:
    """Write notebooks, orders whose customers are people, and the book; return the book."""
    codes = {"failing": FAILING, "raising": RAISING, "printing": PRINTING, "hostile": HOSTILE}
    for name, code in codes.items():
        write_notebook(root, name, PARAMETERS[name], code)
    (root / "said.json").write_text(json.dumps(SAID), encoding="utf-8")
    (root / "data").mkdir()
    end = date(2026, 3, 1)
    lines = [f"o-{n:05d},{CUSTOMERS[n % len(CUSTOMERS)]},{end - timedelta(days=n)},{10 + n},=1+1" for n in range(60)]
    content = "\n".join([f"order_id,{HEADER},ordered_at,amount,<svg onload=HIT=1>", *lines]) + "\n"
    (root / "data" / FILE).write_text(content, encoding="utf-8")
    book: dict[str, Any] = {
        "name": "people",
        "title": {"zh": TITLE, "en": TITLE},
        "contact": {"zh": '"><img src=x onerror=window.HIT=1>', "en": "javascript:window.HIT=1"},
        "data": {"source": "data", "tables": {"orders": {"file": FILE, "columns": {"customer_id": HEADER}}}},
        "language": "both",
        "notebooks": {"printing": {}, "failing": {}, "raising": {},
                      "hostile": {"said": SAID, "named": {text: text for text in SAID if len(text) <= 60},
                                  "one": SAID[0]}},
    }  # fmt: skip
    path = root / "book.yaml"
    path.write_text(json.dumps(book), encoding="utf-8")
    return path
