"""What a report costs before its first line of analysis: siyu against papermill and nbconvert on the command line.

The notebooks do nothing, or only import what most notebooks import. siyu's cost a notebook is the slope between
a book of two and a book of eight, so that what a run costs once (loading the tiny data, the process that kernels are
forked from) is not counted as overhead of a notebook; what the smaller book costs in all stands beside it.
"""

import json
import tempfile
from pathlib import Path

from measure import Cost, cheapest

IMPORTS = {
    "empty": "",
    "usual_imports": "import matplotlib.pyplot, numpy, pandas, sklearn.cluster, sklearn.ensemble  # noqa",
}
N_FEW, N_MANY = 2, 8
ORDERS = "order_id,customer_id,ordered_at,amount\n" + "".join(
    f"o{i},c{i % 40},2026-0{1 + i % 6}-{1 + i % 28:02d} 10:00:00,{10 + i % 7}\n" for i in range(200)
)
BOOK = """name: overhead
title: {{zh: 空, en: empty}}
data: {{source: data}}
language: en
notebooks: {{{names}}}
"""
OPEN = 'from analysis.workbench import Workbench\nwb = Workbench.open("{name}")\nwb.question(zh="问", en="Question?")'
CLOSE = 'wb.answer(zh="答", en="Answer.")\nwb.finish()'


def measure_overhead(*, binaries: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Return, for each kind of notebook, CPU seconds a notebook by siyu and by two command lines."""
    costs = {}
    for kind, imports in IMPORTS.items():
        few, many = (_siyu(binaries, imports=imports, n=n, repeats=repeats) for n in (N_FEW, N_MANY))
        papermill, nbconvert = _command_lines(binaries, imports=imports, repeats=repeats)
        ours = (many.cpu_seconds - few.cpu_seconds) / (N_MANY - N_FEW)
        theirs = papermill.cpu_seconds + nbconvert.cpu_seconds
        costs[kind] = {
            "siyu_cpu_seconds_a_notebook": round(ours, 3),
            "siyu_cpu_seconds_a_book_of_two": round(few.cpu_seconds, 3),
            "siyu_peak_mb": round(many.peak_mb, 1),
            "papermill_cpu_seconds": round(papermill.cpu_seconds, 3),
            "nbconvert_cpu_seconds": round(nbconvert.cpu_seconds, 3),
            "two_command_lines_peak_mb": round(max(papermill.peak_mb, nbconvert.peak_mb), 1),
            "ratio": round(theirs / ours, 2),
        }
    return costs


def _siyu(binaries: Path, *, imports: str, n: int, repeats: int) -> Cost:
    names = [f"nothing_{i}" for i in range(n)]
    with tempfile.TemporaryDirectory(prefix="siyu-bench-") as folder:
        project = Path(folder)
        for part in ("data", "notebooks", "params"):
            (project / part).mkdir()
        (project / "data" / "orders.csv").write_text(ORDERS, encoding="utf-8")
        book = BOOK.format(names=", ".join(f"{name}: {{}}" for name in names))
        (project / "params" / "overhead.yaml").write_text(book, encoding="utf-8")
        for name in names:
            cells = [OPEN.format(name=name), imports, CLOSE]
            _write(project / "notebooks" / f"{name}.ipynb", ["nothing: int = 0", *filter(None, cells)])
        runs = project / "runs"
        command = ["sh", "-c", f"rm -rf '{runs}' && exec '{binaries / 'siyu'}' run params/overhead.yaml --out '{runs}'"]
        return cheapest(command, repeats=repeats, cwd=project)


def _command_lines(binaries: Path, *, imports: str, repeats: int) -> tuple[Cost, Cost]:
    with tempfile.TemporaryDirectory(prefix="siyu-bench-") as folder:
        place = Path(folder)
        _write(place / "in.ipynb", ["nothing: int = 0", imports or "pass"])
        papermill = cheapest(
            [binaries / "papermill", "in.ipynb", "out.ipynb", "-p", "nothing", "1"], repeats=repeats, cwd=place
        )
        convert = [binaries / "jupyter-nbconvert", "--to", "html", "out.ipynb"]
        return papermill, cheapest(convert, repeats=repeats, cwd=place)


def _write(path: Path, sources: list[str]) -> None:
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{i}",
            "source": source,
            "metadata": {"tags": ["parameters"]} if i == 0 else {},
            "outputs": [],
            "execution_count": None,
        }
        for i, source in enumerate(sources)
    ]
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "siyu": {"needs": ["orders"], "after": [], "title": {"zh": path.stem, "en": path.stem}},
    }
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
