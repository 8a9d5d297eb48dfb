"""Dagster: a book as an asset, made by the ``siyu run`` that a person would type.

Dagster keeps the times, so the book needs no ``schedule``. A failed page fails the asset; what is published stays up.
"""

import json
import subprocess
from pathlib import Path

import dagster as dg

PROJECT = Path("/srv/siyu")
MEANINGS = {
    1: "a page failed",
    2: "the book is wrong",
    3: "the data are bad",
    4: "cannot publish",
    75: "already running",
}


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=2, delay=600))
def weekly_report() -> dg.MaterializeResult:
    """Run the weekly book; its headline numbers become the asset's metadata."""
    command = [str(PROJECT / ".venv/bin/siyu"), "run", "params/weekly.yaml", "--out", "reports"]
    ended = subprocess.run(command, cwd=PROJECT, check=False)  # noqa: S603  # our own program
    if ended.returncode:
        meaning = MEANINGS.get(ended.returncode, "it failed")
        # only what time can mend is worth a retry
        raise dg.Failure(f"siyu run: {meaning} (exit {ended.returncode})", allow_retries=ended.returncode in {1, 4, 75})
    latest = (PROJECT / "reports" / "weekly" / "latest").resolve()
    manifest = json.loads((latest / "manifest.json").read_text(encoding="utf-8"))
    return dg.MaterializeResult(metadata={"run": manifest["run_id"], "as_of": manifest["as_of"]})


mondays = dg.ScheduleDefinition(
    name="mondays_at_seven",
    target=dg.AssetSelection.assets(weekly_report),
    cron_schedule="0 7 * * 1",
    execution_timezone="Asia/Shanghai",
)
defs = dg.Definitions(assets=[weekly_report], schedules=[mondays])
