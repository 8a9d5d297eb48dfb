"""Run a book's notebooks side by side, each after those it waits for, all within one deadline."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from analysis.books.catalogue import Notebook
from analysis.reporting.execute import Execution, execute, kernel_server, lacking, not_executed
from analysis.runs.progress import Progress

__all__ = ["Deadline", "cores", "most_awaited_first", "run_notebooks"]

# One thread a kernel, whatever the cores: sums taken in another order differ in their last digits, and a run must
# give the same bytes with one job or with many. Notebooks use the cores by running side by side.
_THREADS: Final = 1


@dataclass(slots=True)
class Deadline:
    """Seconds that are left for the whole run; ``stop`` ends them at once.

    Args:
        seconds: From now on.
    """

    seconds: float
    _ends: float = field(init=False)
    _stopped: threading.Event = field(init=False, default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._ends = time.monotonic() + self.seconds

    def remaining(self) -> float:
        """Return the seconds left; 0 or less once it has passed."""
        return 0.0 if self._stopped.is_set() else self._ends - time.monotonic()

    def stop(self) -> None:
        """Let it pass now."""
        self._stopped.set()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_notebooks(
    notebooks: Mapping[str, Notebook],
    waits: Mapping[str, tuple[str, ...]],
    *,
    parameters: Mapping[str, Mapping[str, Any]],
    context: Path,
    cwd: Path,
    jobs: int,
    deadline: Deadline,
    redact: Mapping[str, str],
    tables: frozenset[str],
    progress: Progress,
    settled: Callable[[Execution], Execution],
    warm: bool = True,
) -> dict[str, Execution]:
    """Execute notebooks and return each one's execution, failed ones included.

    Args:
        notebooks: In reading order.
        waits: What each one waits for, in an order that can be run.
        parameters: Plain values by notebook.
        context: The run's context file.
        cwd: Working folder of the kernels.
        jobs: How many run side by side.
        deadline: Of the whole run.
        redact: Machine paths and what stands for them.
        tables: Tables that the data have; a notebook that needs another one is not executed.
        progress: Told of each start and end.
        settled: Judges what each one left as it ends, before those that wait for it begin.
        warm: Whether kernels are forked from one process that has the libraries loaded. The bytes are the same.
    """
    from analysis.reporting.kernel import end_marked_processes

    lacks = {name: [table for table in notebook.needs if table not in tables] for name, notebook in notebooks.items()}
    several = sum(not missing for missing in lacks.values()) > 1  # one kernel would pay for imports it does not use
    served = kernel_server(context=context, cwd=cwd, threads=_THREADS) if warm and several else nullcontext()

    def begin(name: str) -> Execution:
        if deadline.remaining() <= 0:
            return not_executed(notebooks[name])
        if lacks[name]:
            return lacking(notebooks[name], lacks[name][0])
        return execute(
            notebooks[name],
            parameters=parameters[name],
            context=context,
            cwd=cwd,
            threads=_THREADS,
            remaining=deadline.remaining,
            redact=redact,
            server=server,
        )

    in_turn = most_awaited_first(waits)
    done: dict[str, Execution] = {}
    running: dict[Future[Execution], str] = {}
    with served as server, ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="notebook") as pool:
        try:
            while len(done) < len(notebooks):
                for name in _ready(in_turn, done, running.values())[: jobs - len(running)]:
                    progress.started(name)
                    running[pool.submit(begin, name)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    done[name] = settled(future.result())
                    progress.ended(name, done[name].seconds, done[name].failure)
        except BaseException:
            deadline.stop()
            raise
        finally:
            end_marked_processes(context)
    return {name: done[name] for name in notebooks}


def most_awaited_first(waits: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return notebooks in the order in which they take their turn: the longest chain behind one first, then as read.

    A run is as long as its longest chain: with cores to spare, nothing of it should stand in line.
    """
    chain = dict.fromkeys(waits, 0)
    for _ in waits:  # as long as the longest chain there can be
        for name, before in waits.items():
            for other in before:
                chain[other] = max(chain[other], chain[name] + 1)
    return dict(sorted(waits.items(), key=lambda item: -chain[item[0]]))


def _ready(waits: Mapping[str, tuple[str, ...]], done: Mapping[str, Any], running: Any) -> list[str]:
    under_way = set(running)
    return [
        name
        for name, before in waits.items()
        if name not in done and name not in under_way and all(other in done for other in before)
    ]
