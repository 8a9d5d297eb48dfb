"""The engine draws no progress bar, also where it believes that a person is watching."""

import subprocess
import sys

IN_A_KERNEL = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
InteractiveShell.instance(config=Config({"IPKernelApp": {"a": 1}}))
import duckdb
from analysis.data.engine import open_engine
ask = "SELECT value FROM duckdb_settings() WHERE name = 'enable_progress_bar'"
print(duckdb.connect().execute(ask).fetchall()[0][0], open_engine().execute(ask).fetchall()[0][0])
"""


def test_the_engine_draws_no_progress_bar_in_a_kernel():
    made = subprocess.run([sys.executable, "-c", IN_A_KERNEL], capture_output=True, text=True, check=True)
    assert made.stdout.split() == ["true", "false"], "left alone it draws one, ours does not"
