"""Run a command and say what it cost: CPU seconds with all its children, wall seconds, peak memory."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What one run of a command cost.

    Attributes:
        cpu_seconds: User and system time of the process and of every child it waited for.
        wall_seconds: Time on the clock.
        peak_mb: Largest resident set of any one of these processes, in MiB.
        answer: The last line of its output as JSON, or None.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    answer: Any

    def as_dict(self) -> dict[str, Any]:
        return {name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(self).items()}


def run(command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: If it fails; its errors are in the message.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{output[-3000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, _mib(usage.ru_maxrss), _answer(output))


def cheapest(
    command: Sequence[str | Path], *, repeats: int, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Cost:
    """Run a command several times and return the run with the least CPU: the others were disturbed."""
    return min((run(command, cwd=cwd, env=env) for _ in range(repeats)), key=lambda cost: cost.cpu_seconds)


def _mib(maxrss: int) -> float:
    return maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _answer(output: str) -> Any:
    for line in reversed(output.splitlines()):
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            continue
    return None
