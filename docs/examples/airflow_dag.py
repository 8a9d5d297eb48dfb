"""Airflow 3: one task a book, the ``siyu run`` that a person would type; put this file into ``dags/``.

Airflow keeps the times, so the book needs no ``schedule``. Retries are safe: a run is published whole or not at all,
and one that is there already is not made again.
"""

import subprocess
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowFailException

PROJECT = Path("/srv/siyu")
NO_RETRY = {2: "the book is wrong", 3: "the data are bad"}

with DAG(
    dag_id="siyu_weekly",
    schedule="0 7 * * 1",
    start_date=pendulum.datetime(2026, 1, 5, tz="Asia/Shanghai"),
    catchup=False,  # a report of last month's Monday helps nobody
    max_active_runs=1,
) as dag:

    @task(retries=2, retry_delay=timedelta(minutes=10))
    def weekly() -> str:
        """Run the weekly book and return the folder of its last good run."""
        command = [str(PROJECT / ".venv/bin/siyu"), "run", "params/weekly.yaml", "--out", "reports"]
        ended = subprocess.run(command, cwd=PROJECT, check=False)  # noqa: S603  # our own program
        if ended.returncode in NO_RETRY:
            raise AirflowFailException(f"siyu run: {NO_RETRY[ended.returncode]}")
        ended.check_returncode()
        return str((PROJECT / "reports" / "weekly" / "latest").resolve())

    weekly()
