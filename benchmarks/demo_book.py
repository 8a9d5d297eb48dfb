"""The demo book (20,000 customers, eight notebooks) from nothing to published pages, in a folder of its own.

Nothing is cached before: the brand is generated, loaded, analysed and written. All children count. Then the same with
the loaded data there and all else to do, by one job and by two: seconds on the clock say what the second core brings.
"""

import shutil
import tempfile
from pathlib import Path

from measure import Cost, run

AIM_CPU_SECONDS = 60


def measure_demo_book(*, root: Path, siyu: Path, customers: int) -> dict[str, Cost]:
    """Return the cost of a first run, of the same run again (recognised, nothing is written), and by jobs."""
    with tempfile.TemporaryDirectory(prefix="siyu-bench-") as name:
        project = Path(name)
        for part in ("params", "notebooks"):
            (project / part).symlink_to(root / part)
        command = [siyu, "run", "params/demo.yaml", "--set", f"data.demo.customers={customers}"]
        costs = {"first_run": run(command, cwd=project), "same_run_again": run(command, cwd=project)}
        for way, jobs in (("one_job", "1"), ("two_jobs", "2")):
            for made in (project / ".cache" / "recipes", project / "reports"):
                shutil.rmtree(made)
            costs[way] = run([*command, "--jobs", jobs], cwd=project)
        return costs
