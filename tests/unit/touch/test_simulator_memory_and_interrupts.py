"""What a simulation leaves behind: no memory that grows with days or replicates, no thread, no half of a result."""

import threading
import tracemalloc

import numpy as np
import pytest

from analysis.touch import simulator
from analysis.touch.effects import draw_effects

WEEKLY = {"channel": "private_chat", "template": "promotion", "trigger": {"every_days": 7}}


def peak_of(work):
    work()  # compiled and imported
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_with_neither_days_nor_replicates(shop, plans, run, priors):
    customers, strategies = shop(2000), plans(weekly=[WEEKLY])

    def work(days, draws):
        effects = draw_effects(priors, draws=draws, seed=1)
        return lambda: run(customers, strategies, effects=effects, horizon_days=days, lanes_per_draw=2)

    short, long, many = peak_of(work(30, 20)), peak_of(work(360, 20)), peak_of(work(30, 200))
    state = 2000 * 30 * 40 * 4  # a single number per customer, day and replicate of the short run
    assert short < state / 2
    assert long < short + 2e6  # tables of what fades with the days: kilobytes a day
    assert many < short + 8e6  # working memory of ten groups of replicates


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_ends_it_at_once_and_leaves_nothing(shop, plans, run, priors, threads, monkeypatch):
    monkeypatch.setattr(simulator, "_SLICE_SECONDS", 1e-9)
    told = []

    def interrupt(share):
        told.append(share)
        if len(told) == 5:
            raise KeyboardInterrupt

    before = threading.active_count()
    settings = {"effects": draw_effects(priors, draws=60, seed=1), "threads": threads, "progress": interrupt}
    with pytest.raises(KeyboardInterrupt):
        run(shop(2000), plans(weekly=[WEEKLY]), **settings)
    assert threading.active_count() == before
    assert max(told) < 0.5


def test_progress_starts_at_once_and_ends_with_everything_done(shop, plans, run):
    told = []
    run(shop(300), plans(weekly=[WEEKLY]), progress=told.append)
    assert told[0] == 0
    assert told[-1] == 1
    assert np.all(np.diff(told) >= 0)


def test_importing_the_simulator_does_not_import_numba():
    import subprocess
    import sys

    code = "import sys, analysis.touch.simulator; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
