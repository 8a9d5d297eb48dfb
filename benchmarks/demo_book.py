"""The demo book (20,000 customers, six notebooks) from nothing to published pages, in a folder of its own.

Nothing is cached before: the brand is generated, loaded, analysed and written. All children count.
"""

import tempfile
from pathlib import Path

from measure import Cost, run

AIM_CPU_SECONDS = 60


def measure_demo_book(*, root: Path, siyu: Path, customers: int) -> dict[str, Cost]:
    """Return the cost of a first run and of the same run again, which is recognised and writes nothing."""
    with tempfile.TemporaryDirectory(prefix="siyu-bench-") as name:
        project = Path(name)
        for part in ("params", "notebooks"):
            (project / part).symlink_to(root / part)
        command = [siyu, "run", "params/demo.yaml", "--set", f"data.demo.customers={customers}"]
        first = run(command, cwd=project)
        return {"first_run": first, "same_run_again": run(command, cwd=project)}
